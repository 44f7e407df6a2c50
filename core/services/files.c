/*
 * Files of channels' own (files.h). The lock covers the two lists and nothing else: what the thread
 * works on is in neither, and is known by the channel's pointer only when it is back.
 */
#include "services/files.h"
#include "base/check.h"
#include "base/str.h"
#include "store/files.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct question {
    struct question *next;
    struct gw_channel *channel; /* NULL: its instance is gone */
    enum files_what what;
    uint64_t token;
    uint32_t flags;
    char channel_name[64], name[HILO_FILE_NAME_MAX + 1];
    int32_t code;
    int fd;
    uint64_t size;
    struct buf names;
    struct err err;
};

struct channel_files {
    struct gateway *gw;
    struct files *disk; /* the thread's */
    struct loop_wake *wake;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool started, ending;
    struct question *todo, **todo_end, *doing, *done, **done_end; /* under the lock */
};

/* ---- the thread ------------------------------------------------------------------------- */

static void work(struct channel_files *f, struct question *q)
{
    struct hilo_str channel = str(q->channel_name), name = str(q->name);

    if (q->what == FILES_OPEN)
        q->code = files_open(f->disk, channel, name, q->flags & HILO_FILE_CREATE, &q->fd, &q->size, &q->err);
    else if (q->what == FILES_REMOVE)
        q->code = files_remove(f->disk, channel, name, &q->err);
    else
        q->code = files_list(f->disk, channel, &q->names, &q->err);
}

/* Nobody is told that a name is there, or is gone, which a power cut could still undo. */
static void sync_for(struct channel_files *f, struct question *q)
{
    if (q->what == FILES_LIST || (q->code != HILO_OK && q->code != HILO_NOTFOUND))
        return;
    if (files_sync(f->disk, str(q->channel_name), &q->err) == HILO_OK)
        return;
    q->code = q->err.code;
    if (q->fd >= 0)
        (void)close(q->fd);
    q->fd = -1;
}

static void *files_main(void *arg)
{
    struct channel_files *f = arg;

    (void)pthread_mutex_lock(&f->lock);
    for (;;) {
        if (!f->todo && f->ending)
            break;
        if (!f->todo) {
            (void)pthread_cond_wait(&f->more, &f->lock);
            continue;
        }
        f->doing = f->todo;
        f->todo = NULL;
        f->todo_end = &f->todo;
        (void)pthread_mutex_unlock(&f->lock);
        for (struct question *q = f->doing; q; q = q->next)
            work(f, q);
        for (struct question *q = f->doing; q; q = q->next)
            sync_for(f, q);
        (void)pthread_mutex_lock(&f->lock);
        *f->done_end = f->doing;
        while (*f->done_end)
            f->done_end = &(*f->done_end)->next;
        f->doing = NULL;
        loop_wake_give(f->wake);
    }
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- the core's end --------------------------------------------------------------------- */

static void question_free(struct question *q)
{
    if (q->fd >= 0)
        (void)close(q->fd);
    buf_done(&q->names);
    free(q);
}

static void answer(struct question *q)
{
    struct gw_channel *c = q->channel;

    if (q->code != HILO_OK && q->code != HILO_NOTFOUND)
        log_event(c->gateway->log, HILO_LOG_WARN, "channel.files", "channel=%s error=%s", q->channel_name,
                  LOG_VALUE(str(q->err.text)));
    if (q->what == FILES_LIST) {
        channel_files(c->plug, q->token, q->code, buf_str(&q->names));
        return;
    }
    channel_file(c->plug, q->token, q->code, q->fd, q->size);
    q->fd = -1;
}

static void woken(void *arg)
{
    struct channel_files *f = arg;
    struct question *q, *next;

    (void)pthread_mutex_lock(&f->lock);
    q = f->done;
    f->done = NULL;
    f->done_end = &f->done;
    (void)pthread_mutex_unlock(&f->lock);
    for (; q; q = next) {
        next = q->next;
        if (q->channel)
            answer(q);
        question_free(q);
    }
}

void channel_files_ask(struct channel_files *f, struct gw_channel *c, enum files_what what, uint64_t token,
                       struct hilo_str name, uint32_t flags)
{
    struct question *q = calloc(1, sizeof *q);

    if (!q)
        check_nomem();
    q->channel = c;
    q->what = what;
    q->token = token;
    q->flags = flags;
    q->fd = -1;
    (void)snprintf(q->channel_name, sizeof q->channel_name, "%.*s", STR_FMT(c->name));
    (void)snprintf(q->name, sizeof q->name, "%.*s", STR_FMT(name));
    (void)pthread_mutex_lock(&f->lock);
    *f->todo_end = q;
    f->todo_end = &q->next;
    (void)pthread_cond_signal(&f->more);
    (void)pthread_mutex_unlock(&f->lock);
}

static void forget(struct question *q, const struct gw_channel *c)
{
    for (; q; q = q->next)
        if (q->channel == c)
            q->channel = NULL;
}

void channel_files_gone(struct channel_files *f, const struct gw_channel *c)
{
    if (!f)
        return;
    (void)pthread_mutex_lock(&f->lock);
    forget(f->todo, c);
    forget(f->doing, c);
    forget(f->done, c);
    (void)pthread_mutex_unlock(&f->lock);
}

int32_t channel_files_new(struct gateway *gw, const char *data_dir, struct err *e, struct channel_files **out)
{
    struct channel_files *f = calloc(1, sizeof *f);
    int32_t rc;
    int failed;

    if (!f || pthread_mutex_init(&f->lock, NULL) != 0 || pthread_cond_init(&f->more, NULL) != 0)
        check_nomem();
    f->gw = gw;
    f->disk = files_new(data_dir);
    f->todo_end = &f->todo;
    f->done_end = &f->done;
    rc = loop_wake_new(gw->loop, woken, f, &f->wake);
    if (rc != HILO_OK) {
        rc = err_set(e, rc, "no wake-up descriptor for channels' files; raise the limit of open files");
    } else {
        failed = pthread_create(&f->thread, NULL, files_main, f);
        f->started = failed == 0;
        if (failed)
            rc = err_set(e, HILO_IO, "no thread for channels' files (error %d)", failed);
    }
    if (rc != HILO_OK) {
        channel_files_free(&f);
        return rc;
    }
    *out = f;
    return HILO_OK;
}

void channel_files_free(struct channel_files **fp)
{
    struct channel_files *f = *fp;
    struct question *q, *next;

    if (!f)
        return;
    if (f->started) {
        (void)pthread_mutex_lock(&f->lock);
        f->ending = true;
        (void)pthread_cond_signal(&f->more);
        (void)pthread_mutex_unlock(&f->lock);
        (void)pthread_join(f->thread, NULL);
    }
    for (q = f->done; q; q = next) {
        next = q->next;
        question_free(q);
    }
    loop_wake_free(&f->wake);
    files_free(&f->disk);
    (void)pthread_cond_destroy(&f->more);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
    *fp = NULL;
}
