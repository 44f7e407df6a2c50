/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "painter.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT = 8, WAIT_MAX = 64, ETAG = 33 };

struct job {
    struct hilo_id media;
    uint32_t max_px;
    int fd;
    uint64_t ticket;
    pos_painted_fn *fn; /* [own]; NULL: forgotten */
    void *arg;
    const char *why;
    struct pos_picture picture;
    char etag[ETAG];
    TAILQ_ENTRY(job) at, all;
};
TAILQ_HEAD(jobs, job);

struct kept {
    struct hilo_id media;
    uint32_t max_px;
    uint64_t used; /* 0: free */
    struct pos_picture picture;
    char etag[ETAG];
};

struct pos_painter {
    struct pos *pos;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct jobs todo, done; /* under lock */
    bool stop;              /* under lock */
    /* [own] */
    struct jobs all;
    unsigned n;
    uint64_t tickets, uses;
    struct kept kept[KEPT];
};

/* ---- the thread ------------------------------------------------------------------------------------------
 */

static void job_etag(struct job *j)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0, i;

    if (EVP_Digest(j->picture.p, j->picture.n, hash, &n, EVP_sha256(), NULL) != 1)
        n = 0;
    j->etag[0] = '\0';
    for (i = 0; i < n && i < (ETAG - 1) / 2; i++)
        (void)snprintf(j->etag + (size_t)2 * i, 3, "%02x", hash[i]);
}

static void job_do(struct job *j)
{
    struct stat st;
    void *p;

    j->why = "memory";
    if (fstat(j->fd, &st) != 0 || st.st_size <= 0 || st.st_size > POS_PICTURE_FILE_MAX) {
        j->why = "too_large";
        return;
    }
    /* Stored media are never changed nor cut. */
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, j->fd, 0);
    if (p == MAP_FAILED)
        return;
    j->why = pos_picture_scale((struct hilo_str){p, (uint64_t)st.st_size}, j->max_px, &j->picture);
    (void)munmap(p, (size_t)st.st_size);
    if (!j->why)
        job_etag(j);
}

static void *painter_run(void *arg)
{
    struct pos_painter *w = arg;
    struct job *j;

    (void)pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        j = TAILQ_FIRST(&w->todo);
        if (!j) {
            (void)pthread_cond_wait(&w->more, &w->lock);
            continue;
        }
        TAILQ_REMOVE(&w->todo, j, at);
        (void)pthread_mutex_unlock(&w->lock);
        job_do(j);
        (void)pthread_mutex_lock(&w->lock);
        TAILQ_INSERT_TAIL(&w->done, j, at);
        w->pos->host.wake(w->pos->self);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- the loop's side -------------------------------------------------------------------------------------
 */

static void job_free(struct pos_painter *w, struct job *j)
{
    TAILQ_REMOVE(&w->all, j, all);
    w->n--;
    (void)close(j->fd);
    pos_picture_done(&j->picture);
    free(j);
}

bool pos_painter_have(struct pos *pos, struct hilo_id media, uint32_t max_px, pos_painted_fn *fn, void *arg)
{
    struct pos_painter *w = pos->painter;
    size_t i;

    for (i = 0; i < KEPT; i++) {
        struct kept *k = &w->kept[i];

        if (k->used && k->max_px == max_px && memcmp(&k->media, &media, sizeof media) == 0) {
            k->used = ++w->uses;
            fn(arg, NULL, &k->picture, k->etag);
            return true;
        }
    }
    return false;
}

uint64_t pos_painter_paint(struct pos *pos, struct hilo_id media, uint32_t max_px, int fd, pos_painted_fn *fn,
                           void *arg)
{
    struct pos_painter *w = pos->painter;
    struct job *j = w->n < WAIT_MAX ? calloc(1, sizeof *j) : NULL;

    if (!j) {
        (void)close(fd);
        return 0;
    }
    j->media = media;
    j->max_px = max_px;
    j->fd = fd;
    j->fn = fn;
    j->arg = arg;
    j->ticket = ++w->tickets;
    w->n++;
    TAILQ_INSERT_TAIL(&w->all, j, all);
    (void)pthread_mutex_lock(&w->lock);
    TAILQ_INSERT_TAIL(&w->todo, j, at);
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    return j->ticket;
}

void pos_painter_forget(struct pos *pos, uint64_t ticket)
{
    struct job *j;

    TAILQ_FOREACH(j, &pos->painter->all, all)
    if (j->ticket == ticket)
        j->fn = NULL;
}

/* In the place of the one that was used longest ago. */
static void painter_keep(struct pos_painter *w, struct job *j)
{
    struct kept *k = &w->kept[0];
    size_t i;

    for (i = 1; i < KEPT; i++)
        if (w->kept[i].used < k->used)
            k = &w->kept[i];
    pos_picture_done(&k->picture);
    k->media = j->media;
    k->max_px = j->max_px;
    k->used = ++w->uses;
    k->picture = j->picture;
    memcpy(k->etag, j->etag, sizeof k->etag);
    memset(&j->picture, 0, sizeof j->picture);
    if (j->fn)
        j->fn(j->arg, NULL, &k->picture, k->etag);
}

void pos_painter_woken(struct pos *pos)
{
    struct pos_painter *w = pos->painter;
    struct jobs done;
    struct job *j;

    TAILQ_INIT(&done);
    (void)pthread_mutex_lock(&w->lock);
    TAILQ_CONCAT(&done, &w->done, at);
    (void)pthread_mutex_unlock(&w->lock);
    while ((j = TAILQ_FIRST(&done))) {
        TAILQ_REMOVE(&done, j, at);
        if (!j->why)
            painter_keep(w, j);
        else if (j->fn)
            j->fn(j->arg, j->why, NULL, NULL);
        job_free(w, j);
    }
}

struct pos_painter *pos_painter_new(struct pos *pos)
{
    struct pos_painter *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->pos = pos;
    TAILQ_INIT(&w->todo);
    TAILQ_INIT(&w->done);
    TAILQ_INIT(&w->all);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    pos_picture_quiet();
    if (pthread_create(&w->thread, NULL, painter_run, w) == 0)
        return w;
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

void pos_painter_free(struct pos *pos)
{
    struct pos_painter *w = pos->painter;
    struct job *j;
    size_t i;

    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    while ((j = TAILQ_FIRST(&w->all)))
        job_free(w, j);
    for (i = 0; i < KEPT; i++)
        pos_picture_done(&w->kept[i].picture);
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    pos->painter = NULL;
}
