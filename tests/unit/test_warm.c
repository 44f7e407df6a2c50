/* The context's file is read ahead: what was not in memory is, and a start waits no longer than it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "store/warm.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 24 * 1024 * 1024, LONG_US = 60 * 1000000 };

/* A file that is on disk and not in memory, deleted already. */
static int cold_file(void)
{
    char path[] = "/var/tmp/hilo-warm-XXXXXX";
    char *piece = malloc(1 << 20);
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    memset(piece, 'x', 1 << 20);
    for (int i = 0; i < BYTES >> 20; i++)
        assert_int_equal(write(fd, piece, 1 << 20), 1 << 20);
    free(piece);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    return fd;
}

static size_t pages_in_memory(int fd)
{
    size_t n = BYTES / (size_t)sysconf(_SC_PAGESIZE), in = 0;
    unsigned char *vec = malloc(n);
    void *map = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);

    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mincore(map, BYTES, vec), 0);
    for (size_t i = 0; i < n; i++)
        in += vec[i] & 1;
    munmap(map, BYTES);
    free(vec);
    return in;
}

static void all_of_it_comes_to_memory(void **state)
{
    int fd = cold_file();
    size_t all = BYTES / (size_t)sysconf(_SC_PAGESIZE);
    struct warm *w;

    (void)state;
    if (pages_in_memory(fd) > all / 2) {
        print_message("  /var/tmp is in memory, where nothing can be read ahead: mount a disk there\n");
        (void)close(fd);
        skip();
    }
    w = warm_start(dup(fd), NULL);
    assert_non_null(w);
    warm_wait(w, LONG_US);
    assert_int_equal(pages_in_memory(fd), all);
    warm_stop(&w);
    assert_null(w);
    (void)close(fd);
}

static void nobody_waits_longer_than_said(void **state)
{
    int fd = cold_file();
    struct warm *w = warm_start(dup(fd), NULL);

    (void)state;
    warm_wait(w, 0);
    warm_stop(&w); /* wherever it is */
    (void)close(fd);
}

static void without_a_file_there_is_nothing_to_wait_for(void **state)
{
    struct warm *w = warm_start(-1, NULL);

    (void)state;
    assert_null(w);
    warm_wait(w, LONG_US);
    warm_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_comes_to_memory),
        cmocka_unit_test(nobody_waits_longer_than_said),
        cmocka_unit_test(without_a_file_there_is_nothing_to_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
