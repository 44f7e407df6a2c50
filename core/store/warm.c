#include "store/warm.h"
#include "base/check.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What is asked of the disk at a time, while nobody else needs it, and beside look-ups, which then
 * wait for no more than that. */
enum { PIECE_ALONE = 1024 * 1024, PIECE_BESIDE = 128 * 1024 };

struct warm {
    pthread_t thread;
    int fd;
    struct log *log;
    int64_t began_us; /* monotonic */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool beside, stop, done;
};

static off_t room(void)
{
    long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);

    return pages > 0 && page > 0 ? (off_t)(pages / 2) * page : 0;
}

static struct timespec at_mono(int64_t us)
{
    return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

/* Until stop, or for so long. */
static void rest(struct warm *w, int64_t us)
{
    struct timespec until = at_mono(clock_mono_us() + us);

    while (!w->stop && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
        ;
}

static void *run(void *arg)
{
    struct warm *w = arg;
    struct stat st;
    off_t at = 0, end = 0, n;
    char last;

    if (fstat(w->fd, &st) == 0)
        end = st.st_size < room() ? st.st_size : room();
    pthread_mutex_lock(&w->lock);
    for (; at < end && !w->stop; at += n) {
        int64_t began = clock_mono_us();
        bool beside = w->beside;
        pthread_mutex_unlock(&w->lock);
        n = beside ? PIECE_BESIDE : PIECE_ALONE;
        n = end - at < n ? end - at : n;
        /* Nothing is copied; the read of its last byte waits until it is there. What can't be
         * read, whoever needs it will say. */
        (void)posix_fadvise(w->fd, at, n, POSIX_FADV_WILLNEED);
        (void)!pread(w->fd, &last, 1, at + n - 1);
        pthread_mutex_lock(&w->lock);
        if (beside)
            rest(w, clock_mono_us() - began);
    }
    (void)close(w->fd);
    w->fd = -1;
    w->done = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    log_event(w->log, HILO_LOG_DEBUG, "store.warm", "bytes=%lld us=%lld", (long long)at,
              (long long)(clock_mono_us() - w->began_us));
    return NULL;
}

static void release(struct warm *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w);
}

struct warm *warm_start(int fd, struct log *log)
{
    struct warm *w = calloc(1, sizeof *w);
    pthread_condattr_t attr;
    int rc = EBADF;

    if (!w)
        check_nomem();
    w->fd = fd;
    w->log = log;
    w->began_us = clock_mono_us();
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (fd >= 0)
        rc = pthread_create(&w->thread, NULL, run, w);
    if (rc == 0)
        return w;
    log_event(log, HILO_LOG_WARN, "store.warm", "error=\"%s\" note=\"the first look-ups will be slower\"",
              strerror(rc));
    release(w);
    return NULL;
}

void warm_wait(struct warm *w, int64_t us)
{
    struct timespec until;

    if (!w)
        return;
    until = at_mono(w->began_us + us);
    pthread_mutex_lock(&w->lock);
    while (!w->done && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
        ;
    w->beside = true;
    pthread_mutex_unlock(&w->lock);
}

void warm_stop(struct warm **wp)
{
    struct warm *w = *wp;

    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    release(w);
    *wp = NULL;
}
