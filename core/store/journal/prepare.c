/*
 * Preparing segments ahead.
 *
 * Invariants: only this thread adds segments once the journal is open; a failure
 * (most likely a full disk) puts it to sleep until preparer_retry, which the store calls
 * once a second while it is full: whoever appends meanwhile learns of it without a try.
 */
#include "store/journal/prepare.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

static void report(struct preparer *p, int32_t rc, uint32_t number, const struct err *e)
{
    char quoted[600];
    if (rc == HILO_OK) {
        log_event(p->log, HILO_LOG_DEBUG, "journal.prepared", "segment=%u", number);
        if (p->complained)
            log_event(p->log, HILO_LOG_INFO, "journal.room", "segment=%u", number);
        p->complained = false;
    } else if (rc != HILO_AGAIN && !p->complained) {
        log_event(p->log, rc == HILO_FULL ? HILO_LOG_WARN : HILO_LOG_ERROR, "journal.no_segment",
                  "segment=%u reason=%s", number, log_quote(str(e->text), quoted, sizeof quoted));
        p->complained = true;
    }
}

static void *prepare(void *arg)
{
    struct preparer *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->stop)) {
        if (p->made >= p->wanted || (p->failed.code != HILO_OK && !p->again)) {
            pthread_cond_wait(&p->wanted_more, &p->lock);
            continue;
        }
        uint32_t number = p->made + 1;
        struct err e = {0};
        p->again = false;
        pthread_mutex_unlock(&p->lock);
        int32_t rc = segment_set_make(p->set, p->length, &p->stop, &e);
        report(p, rc, number, &e);
        pthread_mutex_lock(&p->lock);
        if (rc == HILO_OK)
            p->made = number;
        p->failed = e; /* code HILO_OK after a success */
        pthread_cond_broadcast(&p->made_more);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int32_t preparer_init(struct preparer *p, struct segment_set *set, uint64_t length, struct log *log,
                      struct err *err)
{
    sigset_t all, before;
    *p = (struct preparer){.set = set, .length = length, .log = log, .made = segment_set_last(set)};
    p->wanted = p->made;
    atomic_init(&p->stop, false);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wanted_more, NULL);
    pthread_cond_init(&p->made_more, NULL);
    /* Signals are for the threads that have asked for them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&p->thread, NULL, prepare, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    p->running = true;
    if (failed) {
        pthread_mutex_destroy(&p->lock);
        pthread_cond_destroy(&p->wanted_more);
        pthread_cond_destroy(&p->made_more);
        p->running = false;
        errno = failed;
        return err_errno(err, "journal %s: starting the thread that prepares segments", set->dir);
    }
    return HILO_OK;
}

void preparer_done(struct preparer *p)
{
    if (!p->running)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, true);
    pthread_cond_signal(&p->wanted_more);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wanted_more);
    pthread_cond_destroy(&p->made_more);
    p->running = false;
}

void preparer_ahead(struct preparer *p, uint32_t number)
{
    pthread_mutex_lock(&p->lock);
    if (p->wanted < number) {
        p->wanted = number;
        p->again = true;
        pthread_cond_signal(&p->wanted_more);
    }
    pthread_mutex_unlock(&p->lock);
}

int32_t preparer_need(struct preparer *p, uint32_t number, bool wait, struct err *err)
{
    int32_t rc = HILO_OK;
    pthread_mutex_lock(&p->lock);
    if (p->wanted < number) {
        p->wanted = number;
        p->again = true;
        pthread_cond_signal(&p->wanted_more);
    }
    while (wait && p->made < number && p->failed.code == HILO_OK)
        pthread_cond_wait(&p->made_more, &p->lock);
    if (p->made < number && p->failed.code != HILO_OK)
        rc = err_set(err, p->failed.code, "%s", p->failed.text);
    else if (p->made < number)
        rc = err_set(err, HILO_AGAIN, "segment %s is being made", segment_name(number).z);
    pthread_mutex_unlock(&p->lock);
    return rc;
}

void preparer_retry(struct preparer *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->failed.code != HILO_OK) {
        p->again = true;
        pthread_cond_signal(&p->wanted_more);
    }
    pthread_mutex_unlock(&p->lock);
}
