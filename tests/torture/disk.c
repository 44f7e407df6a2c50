/*
 * A disk that loses, at a kill, what was not synced: preloaded into the gateway, so that
 * SIGKILL is to the journal what a power cut is.
 *
 * What is written to a segment (*.seg) is held in memory, where reading finds it, until
 * fdatasync or fsync; these then write it page by page, in no order, and slowly: a kill
 * in between leaves some pages and not others. Everything else goes through.
 *
 * HILO_DISK_SEED: of the order and the pauses. The first write held is told on standard
 * error ("disk: held"), so that a test knows that it was preloaded.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    SLOW_PIECES = 64 /* more than that is a segment being filled, which nobody waits for */
};

/* A part of one page. */
struct piece {
    struct piece *next;
    dev_t dev;
    ino_t ino;
    uint64_t number; /* writes are numbered; the later wins */
    uint64_t order;  /* of its page, when it is written out */
    off_t offset;
    size_t n;
    bool leaving; /* being written out; still found by reading */
    uint8_t bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct piece *first, **end = &first;
static uint64_t last_number, seed;

typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t pread_fn(int, void *, size_t, off_t);
typedef int sync_fn(int);

/* The next definition of a function. ISO C has no cast for it. */
static void *next_of(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);

    if (!p)
        abort();
    return p;
}

static pwrite_fn *real_pwrite(void)
{
    pwrite_fn *f;
    void *p = next_of("pwrite");

    memcpy(&f, &p, sizeof f);
    return f;
}

static int real_sync(const char *name, int fd)
{
    sync_fn *f;
    void *p = next_of(name);

    memcpy(&f, &p, sizeof f);
    return f(fd);
}

static bool is_segment(int fd, struct stat *st)
{
    char link[64], path[512];
    ssize_t n;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path);
    return n > 4 && memcmp(path + n - 4, ".seg", 4) == 0 && fstat(fd, st) == 0;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Under the lock. */
static void hold(const struct stat *st, const uint8_t *p, size_t n, off_t offset)
{
    while (n) {
        size_t part = PAGE - (size_t)offset % PAGE;
        if (part > n)
            part = n;
        struct piece *x = malloc(sizeof *x + part);
        if (!x)
            abort();
        *x = (struct piece){
            .dev = st->st_dev, .ino = st->st_ino, .number = last_number, .offset = offset, .n = part};
        memcpy(x->bytes, p, part);
        *end = x;
        end = &x->next;
        p += part;
        n -= part;
        offset += (off_t)part;
    }
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t offset)
{
    struct stat st;

    if (!is_segment(fd, &st))
        return real_pwrite()(fd, p, n, offset);
    (void)pthread_mutex_lock(&lock);
    if (last_number++ == 0) {
        static const char told[] = "disk: held\n";
        const char *text = getenv("HILO_DISK_SEED");
        seed = text ? strtoull(text, NULL, 10) : 1;
        (void)!write(2, told, sizeof told - 1);
    }
    hold(&st, p, n, offset);
    (void)pthread_mutex_unlock(&lock);
    return (ssize_t)n;
}

/* What is held lies over what is on disk, also beyond its end. */
ssize_t pread(int fd, void *p, size_t n, off_t offset)
{
    struct stat st;
    pread_fn *f;
    void *next = next_of("pread");

    memcpy(&f, &next, sizeof f);
    if (!is_segment(fd, &st))
        return f(fd, p, n, offset);
    (void)pthread_mutex_lock(&lock);
    ssize_t got = f(fd, p, n, offset);
    for (const struct piece *x = first; x && got >= 0; x = x->next) {
        off_t from = x->offset > offset ? x->offset : offset;
        off_t to = x->offset + (off_t)x->n < offset + (off_t)n ? x->offset + (off_t)x->n : offset + (off_t)n;
        if (x->dev != st.st_dev || x->ino != st.st_ino || from >= to)
            continue;
        if (from - offset > got)
            memset((uint8_t *)p + got, 0, (size_t)(from - offset - got));
        memcpy((uint8_t *)p + (from - offset), x->bytes + (from - x->offset), (size_t)(to - from));
        if (to - offset > got)
            got = (ssize_t)(to - offset);
    }
    (void)pthread_mutex_unlock(&lock);
    return got;
}

static int by_order(const void *a, const void *b)
{
    const struct piece *x = *(struct piece *const *)a, *y = *(struct piece *const *)b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Under the lock: those of this file that nobody writes out yet. */
static struct piece **take(const struct stat *st, size_t *n_out)
{
    struct piece **all = NULL;
    size_t n = 0;

    for (struct piece *x = first; x; x = x->next)
        n += x->dev == st->st_dev && x->ino == st->st_ino && !x->leaving;
    all = malloc((n + 1) * sizeof *all);
    if (!all)
        abort();
    n = 0;
    for (struct piece *x = first; x; x = x->next) {
        if (x->dev != st->st_dev || x->ino != st->st_ino || x->leaving)
            continue;
        x->leaving = true;
        x->order = mix(seed ^ last_number << 32 ^ (uint64_t)x->offset / PAGE);
        all[n++] = x;
    }
    qsort(all, n, sizeof(struct piece *), by_order);
    *n_out = n;
    return all;
}

static bool somebody_writes(const struct stat *st)
{
    for (const struct piece *x = first; x; x = x->next)
        if (x->dev == st->st_dev && x->ino == st->st_ino && x->leaving)
            return true;
    return false;
}

static void drop_left(const struct stat *st)
{
    for (struct piece **at = &first; *at;) {
        struct piece *x = *at;
        if (x->dev != st->st_dev || x->ino != st->st_ino || !x->leaving) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        free(x);
    }
    for (end = &first; *end;)
        end = &(*end)->next;
}

static int write_out(const char *name, int fd)
{
    struct stat st;
    struct piece **all;
    size_t n;
    int rc = 0;

    if (!is_segment(fd, &st))
        return real_sync(name, fd);
    (void)pthread_mutex_lock(&lock);
    while (somebody_writes(&st))
        (void)pthread_cond_wait(&left, &lock);
    all = take(&st, &n);
    uint64_t drawn = mix(seed + last_number), pause_ns = drawn % 4 ? drawn % 700000 : 8000000;
    (void)pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct timespec wait = {.tv_nsec = (long)pause_ns};
        if (n <= SLOW_PIECES)
            (void)nanosleep(&wait, NULL);
        if (real_pwrite()(fd, all[i]->bytes, all[i]->n, all[i]->offset) != (ssize_t)all[i]->n)
            rc = -1;
    }
    if (rc == 0)
        rc = real_sync(name, fd);
    (void)pthread_mutex_lock(&lock);
    drop_left(&st);
    (void)pthread_cond_broadcast(&left);
    (void)pthread_mutex_unlock(&lock);
    free(all);
    return rc;
}

int fdatasync(int fd)
{
    return write_out("fdatasync", fd);
}

int fsync(int fd)
{
    return write_out("fsync", fd);
}
