/*
 * Downloads of inbound media, durable jobs: the channel's plugin writes the file, a
 * helper thread hashes, syncs and names it, then media.stored is appended. A job that
 * a crash cut short is simply due again.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/attached.h"
#include "services/delivery_queue.h"
#include "store/keys.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FETCH_MAX = 4, FETCH_ATTEMPTS = 12 };
static const int64_t FETCH_MIN_US = 1000000, FETCH_MAX_US = 600000000, FETCH_FULL_US = 10000000;

/* ---- starting ---- */

struct due_jobs {
    struct hilo_id id[FETCH_MAX * 4];
    unsigned n;
    uint64_t now, next;
};

static bool jobs_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct due_jobs *j = arg;
    uint64_t at = key_tail_u64(key, 16);

    (void)val;
    if (at > j->now) {
        j->next = at;
        return false;
    }
    j->id[j->n++] = key_tail_id(key);
    return j->n < sizeof j->id / sizeof *j->id;
}

static bool job_running(const struct delivery *d, struct hilo_id media)
{
    for (const struct fetch_job *j = d->jobs; j; j = j->next)
        if (id_eq(j->media, media))
            return true;
    return false;
}

/* The message that names the media, as the plugin gets it. */
static int32_t job_message(struct delivery *d, struct hilo_id id, struct hilo_str *bytes_out, struct err *e)
{
    struct gateway *gw = d->gw;
    struct rec_message m;
    struct key k = key_of_id(id);
    int32_t rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);

    return rc == HILO_OK ? store_message_bytes(gw->store, &m, gw->arena, bytes_out, e) : rc;
}

/* Nobody will ever be able to ask for it: it has failed for good. */
static int32_t job_spoilt(struct delivery *d, struct hilo_id media, const struct rec_media *r,
                          const struct err *why, struct err *e)
{
    const struct ev_media_failed ev = {
        .id = media, .attempts = r->attempts, .reason = STR("the message that names it can't be read")};

    delivery_unreadable(d, "msg", r->message, why);
    return delivery_append(d, &ev_desc_media_failed, &ev, e);
}

static int32_t job_start(struct delivery *d, struct gw_channel *c, struct hilo_id media, struct err *e)
{
    struct gateway *gw = d->gw;
    struct fetch_job *job = NULL;
    struct rec_media r;
    struct attached which;
    struct hilo_str bytes;
    struct key k = key_of_id(media);
    struct err why = {0};
    int fd = -1;
    int32_t rc = store_record(gw->store, TABLE_MEDIA, key_str(&k), &rec_desc_media, gw->arena, &r, e);

    if (rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
        delivery_unreadable(d, "med", media, e); /* it stays; the others go on */
        return HILO_OK;
    }
    if (rc != HILO_OK)
        return rc;
    rc = job_message(d, r.message, &bytes, &why);
    if (rc == HILO_NOMEM)
        return err_set(e, rc, "%s", why.text);
    if (rc == HILO_OK && (!attached_find(hilo_content(bytes), media, &which) || which.ext.n == 0))
        rc = err_set(&why, HILO_CORRUPT, "it names no such media");
    if (rc != HILO_OK)
        return job_spoilt(d, media, &r, &why, e);
    job = calloc(1, sizeof *job);
    if (!job)
        check_nomem();
    job->channel = c;
    job->media = media;
    if (r.expected.n == MEDIA_HASH)
        str_hex(job->expected_hex, r.expected.p, MEDIA_HASH);
    rc = media_begin(gw->media, e, &job->file);
    if (rc == HILO_OK) {
        fd = fcntl(media_fd(job->file), F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            rc = err_errno(e, "a file for a download can't be given away");
    }
    if (rc == HILO_OK) {
        job->job = ++d->last_job;
        rc = channel_fetch(c->plug, job->job, bytes, which.ext, fd);
    }
    if (rc != HILO_OK) {
        if (fd >= 0)
            (void)close(fd);
        media_abort(&job->file);
        free(job);
        return rc;
    }
    job->next = d->jobs;
    d->jobs = job;
    c->fetching++;
    return HILO_OK;
}

/* A channel that has the bytes itself needs no peer for them, only to run, which channel_fetch() looks at. */
static bool fetch_may(const struct gw_channel *c)
{
    struct hilo_str text;

    if (c->able && (c->able->flags & HILO_ABLE_KEEPS))
        return true;
    return !c->stopped && channel_state(c->plug, &text) == CHANNEL_UP;
}

int32_t fetch_start(struct delivery *d, struct gw_channel *c, struct err *e)
{
    struct due_jobs j = {.now = (uint64_t)delivery_due_now(d)};
    struct key k = key_channel(c->name);
    int32_t rc;

    c->next_job_us = 0;
    /* A pause is of sends only: what customers sent would run out at the provider's. */
    if (!c->plug || !(c->provides & HILO_CAN_FETCH) || !fetch_may(c) || c->fetching >= FETCH_MAX)
        return HILO_OK;
    int64_t held = c->fetch_held_us - clock_mono_us();
    if (held > 0) {
        c->next_job_us = delivery_due_now(d) + held;
        return HILO_OK;
    }
    /* A file would take the room of the journal. */
    rc = store_room(d->gw->store, STORE_NEW, e);
    if (rc == HILO_FULL || rc == HILO_AGAIN) {
        c->next_job_us = delivery_due_now(d) + FETCH_FULL_US;
        return HILO_OK;
    }
    if (rc == HILO_OK)
        rc = store_scan(d->gw->store, TABLE_JOB, key_str(&k), (struct hilo_str){0}, false, jobs_collect, &j,
                        e);
    for (unsigned i = 0; i < j.n && rc == HILO_OK && c->fetching < FETCH_MAX; i++) {
        if (job_running(d, j.id[i]))
            continue;
        struct err why = {0};
        int32_t started = job_start(d, c, j.id[i], &why);
        if (started == HILO_OK)
            continue;
        /* A full disk or link, a channel that went down: later again. */
        c->next_job_us = delivery_due_now(d) + FETCH_MIN_US;
        if (started != HILO_FULL && started != HILO_DOWN)
            log_event(d->gw->log, HILO_LOG_WARN, "media.not_started", "channel=%.*s error=%s",
                      STR_FMT(c->name), LOG_VALUE(str(why.text)));
        break;
    }
    if (j.next && c->next_job_us == 0)
        c->next_job_us = (int64_t)j.next;
    return rc;
}

/* ---- ending ---- */

static struct fetch_job *job_find(struct delivery *d, uint64_t number, const struct gw_channel *c)
{
    for (struct fetch_job *job = d->jobs; job; job = job->next)
        if (job->job == number && job->channel == c && !job->given)
            return job;
    return NULL;
}

static void job_remove(struct delivery *d, const struct fetch_job *job)
{
    struct fetch_job **at = &d->jobs;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
}

void delivery_fetched(struct delivery *d, struct gw_channel *c, uint64_t number, int32_t code,
                      struct hilo_str mime, struct hilo_str detail, int64_t retry_after_us)
{
    struct fetch_job *job = job_find(d, number, c);

    if (!job)
        return; /* of an instance that has gone */
    job->code = code;
    job->retry_after_us = retry_after_us;
    (void)snprintf(job->mime, sizeof job->mime, "%.*s", STR_FMT(str_utf8_head(mime, 100)));
    (void)snprintf(job->reason, sizeof job->reason, "%.*s", STR_FMT(str_utf8_head(detail, 150)));
    if (code == HILO_OK) {
        job->given = true;
        finisher_give(d->finisher, job);
        return;
    }
    media_abort(&job->file);
    fetch_finished(d, job);
}

void fetch_finished(struct delivery *d, struct fetch_job *job)
{
    struct gateway *gw = d->gw;
    struct gw_channel *c = job->channel;
    struct key k = key_of_id(job->media);
    char id[ID_TEXT];
    struct rec_media r;
    struct err e = {0};
    int32_t rc;

    c->fetching--;
    job_remove(d, job);
    id_format("med", job->media, id);
    rc = store_record(gw->store, TABLE_MEDIA, key_str(&k), &rec_desc_media, gw->arena, &r, &e);
    if (rc == HILO_OK && job->code == HILO_OK) {
        const struct ev_media_stored ev = {.id = job->media,
                                           .sha256 = str_n(job->stored.hash, MEDIA_HASH),
                                           .size = job->stored.bytes,
                                           .mime = r.mime.n ? (struct hilo_str){0} : str(job->mime)};
        rc = delivery_append(d, &ev_desc_media_stored, &ev, &e);
        c->media_stored++;
        log_event(gw->log, HILO_LOG_DEBUG, "media.stored", "id=%s channel=%.*s bytes=%llu", id,
                  STR_FMT(c->name), (unsigned long long)job->stored.bytes);
    } else if (rc == HILO_OK) {
        /* A disk that is full says nothing about the media: no attempt is counted. */
        bool full = job->code == HILO_FULL;
        uint64_t attempts = r.attempts + !full;
        bool final =
            !full && (job->code == HILO_PERM || job->code == HILO_NOTFOUND || attempts >= FETCH_ATTEMPTS);
        int64_t wait = full ? FETCH_FULL_US : delivery_backoff(FETCH_MIN_US, FETCH_MAX_US, attempts);
        if (job->retry_after_us > wait)
            wait = job->retry_after_us;
        const struct ev_media_failed ev = {.id = job->media,
                                           .due = final ? 0 : (uint64_t)(delivery_due_now(d) + wait),
                                           .attempts = attempts,
                                           .reason = str(job->reason)};
        rc = delivery_append(d, &ev_desc_media_failed, &ev, &e);
        c->media_failed += final;
        log_event(gw->log, final ? HILO_LOG_WARN : HILO_LOG_INFO, "media.failed",
                  "id=%s channel=%.*s attempt=%llu final=%d code=\"%s\"", id, STR_FMT(c->name),
                  (unsigned long long)ev.attempts, final, err_name(job->code));
    }
    free(job);
    if (rc != HILO_OK) {
        /* Its job is still due; not at once, or it would be downloaded in a circle. */
        log_event(gw->log, HILO_LOG_ERROR, "media.not_recorded", "id=%s error=%s", id,
                  LOG_VALUE(str(e.text)));
        c->fetch_held_us = clock_mono_us() + FETCH_FULL_US;
    }
    delivery_fetch(d, c);
}

/* The plugin's instance ended: what it was fetching is due again; what it has fetched is not. */
void fetch_gone(struct delivery *d, struct gw_channel *c)
{
    for (struct fetch_job **at = &d->jobs; *at;) {
        struct fetch_job *job = *at;
        if (job->channel != c || job->given) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        media_abort(&job->file);
        c->fetching--;
        free(job);
    }
}

/* ---- the helper thread ---- */

struct finisher {
    struct delivery *delivery;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool started, ending;
    struct fetch_job *todo, **todo_end; /* under the lock */
    struct fetch_job *done;
    struct loop_wake *wake;
};

static void *finisher_main(void *arg)
{
    struct finisher *f = arg;

    (void)pthread_mutex_lock(&f->lock);
    for (;;) {
        struct fetch_job *job = f->todo;
        struct err e = {0};
        if (!job) {
            if (f->ending)
                break;
            (void)pthread_cond_wait(&f->more, &f->lock);
            continue;
        }
        f->todo = job->next_given;
        if (!f->todo)
            f->todo_end = &f->todo;
        (void)pthread_mutex_unlock(&f->lock);
        job->code = media_finish(&job->file, str(job->expected_hex), &job->stored, &e);
        if (job->code != HILO_OK)
            (void)snprintf(job->reason, sizeof job->reason, "%.190s", e.text);
        (void)pthread_mutex_lock(&f->lock);
        job->next_given = f->done;
        f->done = job;
        loop_wake_give(f->wake);
    }
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void finisher_woken(void *arg)
{
    struct finisher *f = arg;
    struct fetch_job *job;

    (void)pthread_mutex_lock(&f->lock);
    job = f->done;
    f->done = NULL;
    (void)pthread_mutex_unlock(&f->lock);
    while (job) {
        struct fetch_job *next = job->next_given;
        fetch_finished(f->delivery, job);
        job = next;
    }
}

int32_t finisher_new(struct delivery *d, struct err *e, struct finisher **out)
{
    struct finisher *f = calloc(1, sizeof *f);
    int32_t rc;

    if (!f || pthread_mutex_init(&f->lock, NULL) != 0 || pthread_cond_init(&f->more, NULL) != 0)
        check_nomem();
    f->delivery = d;
    f->todo_end = &f->todo;
    rc = loop_wake_new(d->gw->loop, finisher_woken, f, &f->wake);
    if (rc == HILO_OK) {
        int failed = pthread_create(&f->thread, NULL, finisher_main, f);
        f->started = failed == 0;
        if (failed)
            rc = err_set(e, HILO_IO, "no thread for finishing downloads (error %d)", failed);
    }
    if (rc != HILO_OK) {
        finisher_free(&f);
        return rc;
    }
    *out = f;
    return HILO_OK;
}

void finisher_give(struct finisher *f, struct fetch_job *job)
{
    (void)pthread_mutex_lock(&f->lock);
    job->next_given = NULL;
    *f->todo_end = job;
    f->todo_end = &job->next_given;
    (void)pthread_cond_signal(&f->more);
    (void)pthread_mutex_unlock(&f->lock);
}

void finisher_free(struct finisher **fp)
{
    struct finisher *f = *fp;

    if (!f)
        return;
    if (f->started) {
        (void)pthread_mutex_lock(&f->lock);
        f->ending = true;
        (void)pthread_cond_signal(&f->more);
        (void)pthread_mutex_unlock(&f->lock);
        (void)pthread_join(f->thread, NULL);
    }
    loop_wake_free(&f->wake);
    (void)pthread_cond_destroy(&f->more);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
    *fp = NULL;
}
