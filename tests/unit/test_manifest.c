/* A backup's manifest: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "store/manifest.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILES = 4, TEXT = 4096 };

static const char *const names[FILES] = {
    "context/data.mdb", "journal/0000000001.seg",
    "media/ab/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd",
    "files/voz/rec-cal_01J9ZQ6A0000000000000000000-1.wav"};

static struct manifest_file file_of(unsigned i)
{
    struct manifest_file f = {.bytes = 1000 * i};

    (void)snprintf(f.name, sizeof f.name, "%s", names[i]);
    memset(f.hash, (int)(i + 1), sizeof f.hash);
    return f;
}

static size_t written(char text[TEXT])
{
    struct manifest m = {.made_us = 1764251761123000, .seq = 51201, .end = POSITION(1, 81920)};
    struct err e = {0};
    int fd = memfd_create("manifest", MFD_CLOEXEC);
    struct manifest_writer *w = manifest_begin(fd);
    ssize_t n;

    for (unsigned i = 0; i < FILES; i++) {
        struct manifest_file f = file_of(i);
        assert_int_equal(manifest_add(w, &f, &e), HILO_OK);
    }
    assert_int_equal(manifest_finish(&w, &m, &e), HILO_OK);
    assert_null(w);
    assert_int_equal(m.files, FILES);
    assert_int_equal(m.bytes, 6000);
    n = pread(fd, text, TEXT, 0);
    assert_true(n > 0 && n < TEXT);
    text[n] = 0;
    (void)close(fd);
    return (size_t)n;
}

static int32_t each(void *arg, const struct manifest_file *f, struct err *err)
{
    unsigned *n = arg;
    struct manifest_file is = file_of(*n);

    (void)err;
    assert_string_equal(f->name, is.name);
    assert_int_equal(f->bytes, is.bytes);
    assert_memory_equal(f->hash, is.hash, sizeof is.hash);
    ++*n;
    return HILO_OK;
}

static int32_t read_text(const char *text, size_t n, manifest_file_fn *fn, void *arg, struct manifest *m,
                         struct err *e)
{
    char *copy = malloc(n ? n : 1);
    int32_t rc;

    assert_non_null(copy);
    memcpy(copy, text, n);
    FILE *f = n ? fmemopen(copy, n, "r") : fopen("/dev/null", "re");
    assert_non_null(f);
    rc = manifest_read(f, "manifest", fn, arg, m, e);
    (void)fclose(f);
    free(copy);
    return rc;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char text[TEXT];
    struct manifest m = {0};
    struct err e = {0};
    unsigned n = 0;

    assert_int_equal(read_text(text, written(text), each, &n, &m, &e), HILO_OK);
    assert_int_equal(n, FILES);
    assert_int_equal(m.made_us, 1764251761123000);
    assert_int_equal(m.seq, 51201);
    assert_int_equal(m.end, POSITION(1, 81920));
    assert_int_equal(m.files, FILES);
    assert_int_equal(m.bytes, 6000);
}

static void no_other_byte_and_no_shorter_one_is_taken(void **state)
{
    (void)state;
    char text[TEXT];
    struct manifest m = {0};
    size_t n = written(text);

    for (size_t i = 0; i < n; i++) {
        struct err e = {0};
        text[i] ^= 1;
        int32_t rc = read_text(text, n, NULL, NULL, &m, &e);
        if (rc != HILO_CORRUPT && rc != HILO_NOSUP)
            fail_msg("byte %zu was changed and it was taken", i);
        assert_true(e.text[0]);
        text[i] ^= 1;
    }
    for (size_t i = 0; i < n; i++) {
        struct err e = {0};
        if (read_text(text, i, NULL, NULL, &m, &e) != HILO_CORRUPT)
            fail_msg("cut to %zu bytes it was taken", i);
    }
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "../x",
        "/etc/passwd",
        "journal/../../x",
        "journal/1.seg",
        "journal/0000000000.seg",
        "journal/000000000a.seg",
        "journal/0000000001.seg/x",
        "context/lock.mdb",
        "context/../x",
        "media/ab",
        "media/ab/x",
        "media/AB/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd",
        "media/ab/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc.",
        "manifest",
        "files/voz",
        "files/voz/",
        "files//x",
        "files/voz/.x",
        "files/../x",
        "files/voz/../../x",
        "files/voz/a/b",
        ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        struct manifest m;
        struct err e = {0};
        unsigned n = 0;
        (void)snprintf(text, sizeof text, "# hilo backup 1\n# size 0\n%064d  %s\n", 0, bad[i]);
        assert_int_equal(read_text(text, strlen(text), each, &n, &m, &e), HILO_CORRUPT);
        assert_int_equal(n, 0);
        assert_non_null(strstr(e.text, "line 3"));
    }
}

static void a_newer_format_is_said_to_be_one(void **state)
{
    (void)state;
    struct manifest m;
    struct err e = {0};

    assert_int_equal(read_text("# hilo backup 2\n", 16, NULL, NULL, &m, &e), HILO_NOSUP);
    assert_non_null(strstr(e.text, "version 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_other_byte_and_no_shorter_one_is_taken),
        cmocka_unit_test(names_that_lead_elsewhere_are_refused),
        cmocka_unit_test(a_newer_format_is_said_to_be_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
