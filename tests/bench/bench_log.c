/*
 * The ceiling over the gateway: a plain log and nothing else. Records of 600 bytes, so
 * many a batch, one pwrite and one fdatasync a batch, in a file filled with zeros
 * beforehand (overwriting written blocks is the cheapest sync a file system gives).
 *
 *   bench_log FILE RECORDS_A_BATCH MILLISECONDS
 *
 * Prints one line: records a second, the p50 and p99 of a batch in microseconds, CPU
 * microseconds a record. FILE is made and removed. At its end it starts over.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 600, BATCH_MAX = 1024, FILE_BYTES = 64 << 20, CHUNK = 1 << 20, TIMES_MAX = 1 << 20 };

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static int fill(int fd)
{
    char *zeros = calloc(1, CHUNK);
    int rc = zeros ? 0 : -1;

    for (off_t at = 0; rc == 0 && at < FILE_BYTES; at += CHUNK)
        rc = pwrite(fd, zeros, CHUNK, at) == CHUNK ? 0 : -1;
    free(zeros);
    return rc == 0 ? fsync(fd) : rc;
}

static double cpu_us(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    static uint32_t took[TIMES_MAX];
    static char batch[BATCH_MAX * RECORD];
    long records = argc == 4 ? strtol(argv[2], NULL, 10) : 0, ms = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    size_t n = 0, bytes = (size_t)records * RECORD;
    off_t at = 0;
    int rc = 1, fd = -1;

    if (records < 1 || records > BATCH_MAX || ms < 1) {
        (void)fprintf(stderr, "usage: bench_log FILE RECORDS_A_BATCH(1-%d) MILLISECONDS\n", BATCH_MAX);
        return 2;
    }
    fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || fill(fd) != 0) {
        perror(argv[1]);
        goto out;
    }
    memset(batch, 'x', sizeof batch);
    int64_t began = now_us(), then = began, end = began + ms * 1000;
    double cpu = cpu_us();
    while (then < end && n < TIMES_MAX) {
        if (pwrite(fd, batch, bytes, at) != (ssize_t)bytes || fdatasync(fd) != 0) {
            perror(argv[1]);
            goto out;
        }
        at += (off_t)bytes;
        if (at + (off_t)bytes > FILE_BYTES)
            at = 0;
        int64_t now = now_us();
        took[n++] = (uint32_t)(now - then);
        then = now;
    }
    cpu = cpu_us() - cpu;
    qsort(took, n, sizeof *took, by_size);
    printf("rate=%.0f p50_us=%u p99_us=%u cpu_us=%.2f\n",
           (double)n * (double)records * 1e6 / (double)(then - began), took[n / 2], took[n * 99 / 100],
           cpu / ((double)n * (double)records));
    rc = 0;
out:
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(argv[1]);
    }
    return rc;
}
