/*
 * What one page costs from the disk: bench_read FILE READS. 4 KiB at random places, past the page
 * cache (O_DIRECT, so nothing is left in it either), one after the other. Prints p50 and p99.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, READS_MAX = 100000 };

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static int64_t took[READS_MAX];
    int reads = argc == 3 ? atoi(argv[2]) : 0, fd = argc == 3 ? open(argv[1], O_RDONLY | O_DIRECT) : -1;
    uint64_t x = 88172645463325252u; /* xorshift: the same places each time */
    struct stat st;
    void *page;

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < PAGE || reads < 100 || reads > READS_MAX ||
        posix_memalign(&page, PAGE, PAGE) != 0) {
        fprintf(stderr, "usage: bench_read FILE READS (100 to %d)\n", READS_MAX);
        return 2;
    }
    for (int i = 0; i < reads; i++) {
        int64_t began = now_us();

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if (pread(fd, page, PAGE, (off_t)(x % (uint64_t)(st.st_size / PAGE)) * PAGE) != PAGE) {
            perror(argv[1]);
            return 1;
        }
        took[i] = now_us() - began;
    }
    qsort(took, (size_t)reads, sizeof *took, by_size);
    printf("p50_us=%lld p99_us=%lld\n", (long long)took[reads / 2], (long long)took[reads * 99 / 100]);
    free(page);
    return close(fd) == 0 ? 0 : 1;
}
