/* Media files: named by content, whole or not there, nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "store/media.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* echo -n abc | sha256sum */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
enum { LIMIT = 3 << 20 };

struct fixture {
    char dir[64];
    struct media_store *store;
    struct err err;
};

static void open_store(struct fixture *f)
{
    struct media_options o = {.dir = f->dir, .max_bytes = LIMIT};
    media_store_close(&f->store);
    if (media_store_open(&o, &f->err, &f->store) != HILO_OK)
        fail_msg("%s", f->err.text);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/hilo-media-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    open_store(f);
    *state = f;
    return 0;
}

/* Counts the files in the folder and one level below; remove: unlinks them. */
static unsigned files(const char *path, bool remove)
{
    unsigned n = 0;
    struct dirent *e;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while ((e = readdir(dir))) {
        char sub[512];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
        assert_int_equal(lstat(sub, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            n += files(sub, remove);
            if (remove)
                rmdir(sub);
            continue;
        }
        n++;
        if (remove)
            unlink(sub);
    }
    closedir(dir);
    return n;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    media_store_close(&f->store);
    files(f->dir, true);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static struct media_file *begin(struct fixture *f)
{
    struct media_file *file = NULL;
    assert_int_equal(media_begin(f->store, &f->err, &file), HILO_OK);
    return file;
}

static int32_t store_text(struct fixture *f, const char *text, const char *expected, struct media_stored *out)
{
    struct media_file *file = begin(f);
    assert_int_equal(media_write(file, text, strlen(text), &f->err), HILO_OK);
    int32_t rc = media_finish(&file, str(expected), out, &f->err);
    assert_null(file);
    return rc;
}

static void contents_get_their_hash_as_name(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    char path[160], hex[MEDIA_HASH_HEX + 1], back[8];
    struct stat st;
    int fd;
    uint64_t bytes;
    struct media_file *file = begin(f);
    assert_int_equal(media_write(file, "a", 1, &f->err), HILO_OK);
    assert_int_equal(media_write(file, "bc", 2, &f->err), HILO_OK);
    assert_int_equal(media_bytes(file), 3);
    assert_int_equal(media_finish(&file, STR(ABC), &stored, &f->err), HILO_OK);
    str_hex(hex, stored.hash, MEDIA_HASH);
    assert_string_equal(hex, ABC);
    assert_int_equal(stored.bytes, 3);
    assert_false(stored.known);
    snprintf(path, sizeof path, "%s/ba/%s", f->dir, &ABC[2]);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(files(f->dir, false), 1);

    assert_int_equal(media_open(f->store, stored.hash, &fd, &bytes, &f->err), HILO_OK);
    assert_int_equal(bytes, 3);
    assert_int_equal(read(fd, back, sizeof back), 3);
    assert_memory_equal(back, "abc", 3);
    close(fd);
    stored.hash[31] ^= 1;
    assert_int_equal(media_open(f->store, stored.hash, &fd, &bytes, &f->err), HILO_NOTFOUND);
}

static void the_same_contents_are_kept_once(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    char path[160];
    struct stat first, second;
    snprintf(path, sizeof path, "%s/ba/%s", f->dir, &ABC[2]);
    assert_int_equal(store_text(f, "abc", "", &stored), HILO_OK);
    assert_int_equal(stat(path, &first), 0);
    assert_int_equal(store_text(f, "abc", "", &stored), HILO_OK);
    assert_true(stored.known);
    assert_int_equal(stored.bytes, 3);
    assert_int_equal(stat(path, &second), 0);
    assert_true(first.st_ino == second.st_ino);
    assert_int_equal(files(f->dir, false), 1);
    /* Cut short from outside: the next upload heals it. */
    assert_int_equal(truncate(path, 1), 0);
    assert_int_equal(store_text(f, "abc", "", &stored), HILO_OK);
    assert_false(stored.known);
    assert_int_equal(stat(path, &second), 0);
    assert_int_equal(second.st_size, 3);
}

static void empty_contents_are_contents(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    assert_int_equal(
        store_text(f, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", &stored),
        HILO_OK);
    assert_int_equal(stored.bytes, 0);
}

static void other_contents_than_expected_are_refused(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored = {.bytes = 77};
    assert_int_equal(store_text(f, "abd", ABC, &stored), HILO_INVALID);
    assert_non_null(strstr(f->err.text, ABC));
    assert_int_equal(store_text(f, "abc", "ba7816", &stored), HILO_INVALID);
    assert_int_equal(
        store_text(f, "abc", "zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &stored),
        HILO_INVALID);
    assert_int_equal(stored.bytes, 77); /* untouched */
    assert_int_equal(files(f->dir, false), 0);
}

static void what_was_torn_after_writing_is_refused(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    struct media_file *file = begin(f);
    assert_int_equal(media_write(file, "abc", 3, &f->err), HILO_OK);
    assert_int_equal(ftruncate(media_fd(file), 2), 0);
    assert_int_equal(media_finish(&file, STR(ABC), &stored, &f->err), HILO_INVALID);
    assert_int_equal(files(f->dir, false), 0);
}

static void a_file_may_be_written_through_its_descriptor(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    struct media_file *file = begin(f);
    assert_int_equal(write(media_fd(file), "abc", 3), 3);
    assert_int_equal(media_finish(&file, STR(ABC), &stored, &f->err), HILO_OK);
    assert_int_equal(stored.bytes, 3);
}

static void a_file_that_somebody_may_still_change_gets_no_name(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    struct media_file *file;
    int kept;

    assert_int_equal(media_begin(f->store, &f->err, &file), HILO_OK);
    assert_int_equal(write(media_fd(file), "abc", 3), 3);
    kept = fcntl(media_fd(file), F_DUPFD_CLOEXEC, 0);
    assert_int_equal(media_finish(&file, STR(ABC), &stored, &f->err), HILO_TEMP);
    assert_int_equal(files(f->dir, false), 0);
    close(kept);
    assert_int_equal(media_begin(f->store, &f->err, &file), HILO_OK);
    assert_int_equal(write(media_fd(file), "abc", 3), 3);
    kept = fcntl(media_fd(file), F_DUPFD_CLOEXEC, 0);
    close(kept);
    assert_int_equal(media_finish(&file, STR(ABC), &stored, &f->err), HILO_OK);
}

static void the_limit_holds_on_both_ways(void **state)
{
    struct fixture *f = *state;
    static char block[LIMIT];
    struct media_stored stored;
    struct media_file *file = begin(f);
    assert_int_equal(media_write(file, block, LIMIT, &f->err), HILO_OK);
    assert_int_equal(media_write(file, block, 1, &f->err), HILO_INVALID);
    assert_int_equal(media_finish(&file, STR(""), &stored, &f->err), HILO_OK); /* the limit itself is fine */
    assert_int_equal(stored.bytes, LIMIT);
    file = begin(f);
    assert_int_equal(ftruncate(media_fd(file), LIMIT + 1), 0);
    assert_int_equal(media_finish(&file, STR(""), &stored, &f->err), HILO_INVALID);
    assert_int_equal(files(f->dir, false), 1);
}

static void a_full_disk_is_told_apart_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    static char block[64 << 10];
    struct rlimit was, small;
    struct media_file *file = begin(f);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = was;
    small.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int32_t first = media_write(file, block, sizeof block, &f->err);
    int32_t second = media_write(file, block, sizeof block, &f->err); /* a short write, then none */
    setrlimit(RLIMIT_FSIZE, &was);
    signal(SIGXFSZ, handler);
    assert_int_equal(first, HILO_OK);
    assert_int_equal(second, HILO_FULL);
    assert_int_equal(files(f->dir, false), 1);
    media_abort(&file);
    assert_null(file);
    media_abort(&file);
    assert_int_equal(files(f->dir, false), 0);
}

static void a_folder_that_cannot_be_made_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    char path[160];
    snprintf(path, sizeof path, "%s/ba", f->dir);
    int fd = open(path, O_CREAT | O_WRONLY, 0600); /* a file in its place */
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(store_text(f, "abc", "", &stored), HILO_IO);
    assert_non_null(strstr(f->err.text, f->dir));
    assert_int_equal(files(f->dir, false), 1);
}

static void left_overs_go_at_the_start(void **state)
{
    struct fixture *f = *state;
    struct media_stored stored;
    char path[160];
    int fd;
    uint64_t bytes;
    assert_int_equal(store_text(f, "abc", "", &stored), HILO_OK);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/tmp-%032d", f->dir, i);
        fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    open_store(f);
    assert_int_equal(files(f->dir, false), 1);
    assert_int_equal(media_open(f->store, stored.hash, &fd, &bytes, &f->err), HILO_OK);
    close(fd);
}

static void a_missing_folder_is_named(void **state)
{
    struct fixture *f = *state;
    struct media_store *none = NULL;
    struct media_options o = {.dir = "/nonexistent/media", .max_bytes = LIMIT};
    assert_int_equal(media_store_open(&o, &f->err, &none), HILO_IO);
    assert_null(none);
    assert_non_null(strstr(f->err.text, "/nonexistent/media"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(contents_get_their_hash_as_name),
        TEST(the_same_contents_are_kept_once),
        TEST(empty_contents_are_contents),
        TEST(other_contents_than_expected_are_refused),
        TEST(what_was_torn_after_writing_is_refused),
        TEST(a_file_may_be_written_through_its_descriptor),
        TEST(a_file_that_somebody_may_still_change_gets_no_name),
        TEST(the_limit_holds_on_both_ways),
        TEST(a_full_disk_is_told_apart_and_leaves_nothing),
        TEST(a_folder_that_cannot_be_made_leaves_nothing),
        TEST(left_overs_go_at_the_start),
        TEST(a_missing_folder_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
