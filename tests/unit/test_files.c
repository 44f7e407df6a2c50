/* Files of channels' own: made, found, counted, listed, removed, and what is no file is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/str.h"
#include "store/copy.h"
#include "store/files.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
    char dir[64];
    struct files *files;
    struct err err;
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/hilo-files-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->files = files_new(r->dir);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    files_free(&r->files);
    assert_int_equal(tree_remove(AT_FDCWD, r->dir, &r->err), HILO_OK);
    free(r);
    return 0;
}

static bool there(const struct rig *r, const char *path)
{
    char whole[256];
    struct stat st;

    (void)snprintf(whole, sizeof whole, "%s/%s", r->dir, path);
    return lstat(whole, &st) == 0;
}

static int32_t make(struct rig *r, const char *channel, const char *name, bool create, uint64_t *size)
{
    uint64_t n = 0;
    int fd = -1;
    int32_t rc = files_open(r->files, str(channel), str(name), create, &fd, &n, &r->err);

    assert_int_equal(rc == HILO_OK, fd >= 0);
    if (fd >= 0) {
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        if (create)
            assert_int_equal(pwrite(fd, "x", 1, (off_t)n), 1);
        close(fd);
    }
    if (size)
        *size = n;
    return rc;
}

static void names_are(struct rig *r, const char *channel, const char *names)
{
    struct buf b = {0};

    assert_int_equal(files_list(r->files, str(channel), &b, &r->err), HILO_OK);
    assert_true(str_eqz(buf_str(&b), names));
    buf_done(&b);
}

static void a_file_is_made_found_and_removed(void **state)
{
    struct rig *r = *state;
    struct stat st;
    char path[128];
    uint64_t size;

    names_are(r, "voz", "");
    assert_int_equal(make(r, "voz", "a.wav", false, NULL), HILO_NOTFOUND);
    assert_int_equal(files_remove(r->files, STR("voz"), STR("a.wav"), &r->err), HILO_NOTFOUND);
    assert_int_equal(files_sync(r->files, STR("voz"), &r->err), HILO_OK);
    assert_false(there(r, "files")); /* nothing is made before it is needed */
    assert_int_equal(make(r, "voz", "b.wav", true, &size), HILO_OK);
    assert_int_equal(size, 0);
    assert_int_equal(make(r, "voz", "a.wav", true, NULL), HILO_OK);
    assert_int_equal(make(r, "voz", "a.wav", true, &size), HILO_OK); /* as it is */
    assert_int_equal(size, 1);
    assert_int_equal(make(r, "mail", "c", true, NULL), HILO_OK);
    names_are(r, "voz", "a.wav\nb.wav\n");
    names_are(r, "mail", "c\n");
    assert_int_equal(files_sync(r->files, STR("voz"), &r->err), HILO_OK);
    (void)snprintf(path, sizeof path, "%s/files/voz/a.wav", r->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(path, sizeof path, "%s/files/voz", r->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(files_remove(r->files, STR("voz"), STR("b.wav"), &r->err), HILO_OK);
    names_are(r, "voz", "a.wav\n");
    /* Another process finds the same. */
    files_free(&r->files);
    r->files = files_new(r->dir);
    names_are(r, "voz", "a.wav\n");
    assert_int_equal(make(r, "voz", "a.wav", false, &size), HILO_OK);
    assert_int_equal(size, 2);
}

static void a_channel_has_so_many_and_no_more(void **state)
{
    struct rig *r = *state;
    char name[32];

    for (unsigned i = 0; i < HILO_FILES_MAX; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_int_equal(make(r, "voz", name, true, NULL), HILO_OK);
        if (i == HILO_FILES_MAX / 2) { /* those that were there before count, too */
            files_free(&r->files);
            r->files = files_new(r->dir);
        }
    }
    assert_int_equal(make(r, "voz", "more", true, NULL), HILO_FULL);
    assert_non_null(strstr(r->err.text, "10000"));
    assert_int_equal(make(r, "voz", "f7", true, NULL), HILO_OK); /* is there */
    assert_int_equal(make(r, "mail", "more", true, NULL), HILO_OK);
    assert_int_equal(files_remove(r->files, STR("voz"), STR("f8"), &r->err), HILO_OK);
    assert_int_equal(make(r, "voz", "more", true, NULL), HILO_OK);
    assert_int_equal(make(r, "voz", "again", true, NULL), HILO_FULL);
}

/* What somebody put there is not opened, followed or waited for. */
static void what_is_no_file_is_none(void **state)
{
    struct rig *r = *state;
    char path[128], out[128];

    assert_int_equal(make(r, "voz", "a", true, NULL), HILO_OK);
    (void)snprintf(path, sizeof path, "%s/files/voz/fifo", r->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(make(r, "voz", "fifo", true, NULL), HILO_INVALID);
    (void)snprintf(path, sizeof path, "%s/files/voz/dir", r->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(make(r, "voz", "dir", true, NULL), HILO_IO);
    (void)snprintf(path, sizeof path, "%s/files/voz/link", r->dir);
    (void)snprintf(out, sizeof out, "%s/outside", r->dir);
    assert_int_equal(symlink(out, path), 0);
    assert_int_equal(make(r, "voz", "link", true, NULL), HILO_IO);
    assert_false(there(r, "outside"));
    (void)snprintf(path, sizeof path, "%s/files/other", r->dir);
    assert_int_equal(symlink("/tmp", path), 0);
    assert_int_equal(make(r, "other", "a", true, NULL), HILO_IO);
}

static void names_are_plain(void **state)
{
    static const char *const good[] = {"a", "A-Z_9.wav", "rec-cal_01J9ZQ6A0000000000000000000-1.wav", "a..b"};
    static const char *const bad[] = {"", ".", "..", ".a", "a/b", "a b", "ñ", "a\n", "a:b", "a*"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(str_file_name(str(good[i]), 100));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_file_name(str(bad[i]), 100));
    assert_false(str_file_name(str_n("a\0b", 3), 100));
    assert_true(str_file_name(STR("12345"), 5));
    assert_false(str_file_name(STR("123456"), 5));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_file_is_made_found_and_removed),
        T(a_channel_has_so_many_and_no_more),
        T(what_is_no_file_is_none),
        cmocka_unit_test(names_are_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
