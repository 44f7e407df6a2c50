/*
 * A second of sound is a chunk. Chunks go to the writer in order; it takes all that wait at once, writes
 * them, and syncs each file once, so that under a slow disk the syncs become fewer and not the recordings
 * late. SPDX-License-Identifier: Apache-2.0
 */
#include "record.h"
#include "wav.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum { RECORD_CHUNK = VOICE_RATE / VOICE_FRAME }; /* frames */
enum { RECORD_BACKLOG = 30 };                     /* chunks of one recording that may wait for the disk */
/* Frames of a pause that are kept where silence is cut, and of those before speech begins anew. */
enum { RECORD_PAUSE = 25, RECORD_LEAD = 10 };

struct chunk {
    struct recording *r;
    bool last;
    uint32_t frames;
    TAILQ_ENTRY(chunk) at;
    uint16_t sample[]; /* little-endian, as they lie in the file; frames x VOICE_FRAME x channels */
};
TAILQ_HEAD(chunks, chunk);

struct recording {
    struct recorder *recorder;
    uint32_t flags, channels;
    _Atomic bool failed;
    _Atomic uint32_t waiting; /* chunks */
    /* [media] */
    struct chunk *chunk;
    int64_t max_frames, silence_frames; /* 0: never */
    int64_t frames, kept, speech;       /* that came, that are kept, in which she spoke */
    int64_t quiet, still;               /* since there was sound: as far as the cut cares, and in truth */
    uint32_t lead_at, lead_n;
    int16_t lead[2][RECORD_LEAD * VOICE_FRAME]; /* the frames before this one that were cut */
    /* [recorder] */
    int fd;
    uint64_t written, bytes; /* of sound; bytes: synced too, and so in the head */
    bool dirty, ended;
    bool unsynced; /* a sync has failed: it is final */
    struct record_done done;
    SLIST_ENTRY(recording) touched;
};

struct recorder {
    void (*done)(void *arg, const struct record_done *);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct chunks todo; /* under lock */
    bool stop;          /* under lock */
};

/* ---- the recorder's thread ---------------------------------------------------------------------- */

static bool record_write(int fd, const void *p, size_t n, uint64_t at)
{
    const char *from = p;
    ssize_t did;

    while (n) {
        did = pwrite(fd, from, n, (off_t)at);
        if (did < 0 && errno == EINTR)
            continue;
        if (did <= 0)
            return false;
        from += did;
        at += (uint64_t)did;
        n -= (size_t)did;
    }
    return true;
}

/* The head says what is synced, never more: it reaches the disk by the next sync. */
static bool record_sync(struct recording *r)
{
    unsigned char head[WAV_HEAD];

    wav_head(VOICE_RATE, r->channels, (uint32_t)r->written, head);
    if (fdatasync(r->fd) != 0 || !record_write(r->fd, head, sizeof head, 0))
        return false;
    r->bytes = r->written;
    return true;
}

static void record_take(struct chunk *c)
{
    struct recording *r = c->r;
    size_t n = (size_t)c->frames * VOICE_FRAME * r->channels * sizeof c->sample[0];

    if (!atomic_load(&r->failed)) {
        if (record_write(r->fd, c->sample, n, WAV_HEAD + r->written))
            r->written += n;
        else
            atomic_store(&r->failed, true);
    }
    r->ended = c->last;
}

static void record_close(struct recorder *w, struct recording *r)
{
    bool failed = atomic_load(&r->failed);

    /* What came behind the last sync that was good is no sound. */
    if (ftruncate(r->fd, (off_t)(WAV_HEAD + r->bytes)) != 0 || fdatasync(r->fd) != 0)
        failed = true;
    if (close(r->fd) != 0)
        failed = true;
    if (failed)
        r->done.why = MEDIA_DISK;
    r->done.bytes = WAV_HEAD + r->bytes;
    r->done.length_ms = (uint32_t)(r->bytes / (VOICE_FRAME * r->channels * 2) * VOICE_PTIME_MS);
    w->done(w->arg, &r->done);
    free(r);
}

static void *recorder_run(void *arg)
{
    struct recorder *w = arg;
    SLIST_HEAD(, recording) touched;
    struct recording *r;
    struct chunks todo;
    struct chunk *c;
    bool stop;

    for (;;) {
        TAILQ_INIT(&todo);
        SLIST_INIT(&touched);
        pthread_mutex_lock(&w->lock);
        while (TAILQ_EMPTY(&w->todo) && !w->stop)
            pthread_cond_wait(&w->more, &w->lock);
        TAILQ_CONCAT(&todo, &w->todo, at);
        stop = w->stop;
        pthread_mutex_unlock(&w->lock);
        if (TAILQ_EMPTY(&todo) && stop)
            return NULL;
        while ((c = TAILQ_FIRST(&todo))) {
            TAILQ_REMOVE(&todo, c, at);
            r = c->r;
            if (!r->dirty)
                SLIST_INSERT_HEAD(&touched, r, touched);
            r->dirty = true;
            record_take(c);
            atomic_fetch_sub(&r->waiting, 1);
            free(c);
        }
        while ((r = SLIST_FIRST(&touched))) {
            SLIST_REMOVE_HEAD(&touched, touched);
            r->dirty = false;
            if (!r->unsynced && !record_sync(r)) {
                r->unsynced = true;
                atomic_store(&r->failed, true);
            }
            if (r->ended)
                record_close(w, r);
        }
    }
}

struct recorder *recorder_new(void (*done)(void *arg, const struct record_done *), void *arg)
{
    struct recorder *w = calloc(1, sizeof *w);
    int e;

    if (!w)
        return NULL;
    w->done = done;
    w->arg = arg;
    TAILQ_INIT(&w->todo);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    e = pthread_create(&w->thread, NULL, recorder_run, w);
    if (e != 0) {
        free(w);
        errno = e;
        return NULL;
    }
    pthread_setname_np(w->thread, "voice-disk");
    return w;
}

void recorder_free(struct recorder *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* ---- the media thread --------------------------------------------------------------------------- */

static struct chunk *chunk_new(struct recording *r)
{
    struct chunk *c =
        malloc(sizeof *c + (size_t)RECORD_CHUNK * VOICE_FRAME * r->channels * sizeof c->sample[0]);

    if (!c)
        abort();
    c->r = r;
    c->last = false;
    c->frames = 0;
    return c;
}

static void chunk_give(struct chunk *c)
{
    struct recorder *w = c->r->recorder;

    atomic_fetch_add(&c->r->waiting, 1);
    pthread_mutex_lock(&w->lock);
    TAILQ_INSERT_TAIL(&w->todo, c, at);
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

static int64_t record_frames(int64_t us)
{
    return (us + VOICE_PTIME_MS * 1000 - 1) / (VOICE_PTIME_MS * 1000);
}

struct recording *recording_new(struct recorder *w, uint64_t call, const struct media_record *want)
{
    struct recording *r = calloc(1, sizeof *r);

    if (!r) {
        (void)close(want->fd);
        return NULL;
    }
    r->recorder = w;
    r->flags = want->flags;
    r->channels = want->flags & MEDIA_CALLER_ONLY ? 1 : 2;
    r->fd = want->fd;
    r->max_frames = record_frames(want->max_us);
    r->silence_frames = record_frames(want->silence_us);
    r->quiet = want->flags & MEDIA_CUT_SILENCE ? RECORD_PAUSE : 0; /* silence at the start is cut as well */
    r->done.call = call;
    /* An empty one: the head is there before the first second is over. */
    chunk_give(chunk_new(r));
    r->chunk = chunk_new(r);
    return r;
}

uint32_t recording_flags(const struct recording *r)
{
    return r->flags;
}

static void record_keep(struct recording *r, const int16_t *theirs, const int16_t *ours)
{
    struct chunk *c = r->chunk;
    uint16_t *to = c->sample + (size_t)c->frames * VOICE_FRAME * r->channels;
    int i;

    for (i = 0; i < VOICE_FRAME; i++) {
        *to++ = htole16((uint16_t)theirs[i]);
        if (r->channels == 2)
            *to++ = htole16((uint16_t)ours[i]);
    }
    r->kept++;
    if (++c->frames == RECORD_CHUNK) {
        r->chunk = chunk_new(r);
        chunk_give(c);
    }
}

/* The frames that were cut just before this one: no word loses its beginning. */
static void record_lead(struct recording *r)
{
    uint32_t i, at;

    for (i = 0; i < r->lead_n; i++) {
        at = (r->lead_at + RECORD_LEAD - r->lead_n + i) % RECORD_LEAD * VOICE_FRAME;
        record_keep(r, r->lead[0] + at, r->lead[1] + at);
    }
    r->lead_n = 0;
}

static void record_cut(struct recording *r, const int16_t *theirs, const int16_t *ours)
{
    memcpy(r->lead[0] + r->lead_at * VOICE_FRAME, theirs, VOICE_FRAME * sizeof *theirs);
    memcpy(r->lead[1] + r->lead_at * VOICE_FRAME, ours, VOICE_FRAME * sizeof *ours);
    r->lead_at = (r->lead_at + 1) % RECORD_LEAD;
    if (r->lead_n < RECORD_LEAD)
        r->lead_n++;
}

enum media_why recording_frame(struct recording *r, const int16_t theirs[VOICE_FRAME],
                               const int16_t ours[VOICE_FRAME], bool speaking, bool playing)
{
    bool sound = speaking || (playing && r->channels == 2);

    r->frames++;
    r->speech += speaking;
    if (sound)
        record_lead(r);
    if (sound || !(r->flags & MEDIA_CUT_SILENCE) || r->quiet < RECORD_PAUSE)
        record_keep(r, theirs, ours);
    else
        record_cut(r, theirs, ours);
    r->quiet = sound ? 0 : r->quiet + 1;
    r->still = sound ? 0 : r->still + 1;
    if (atomic_load(&r->failed) || atomic_load(&r->waiting) > RECORD_BACKLOG)
        return MEDIA_DISK;
    if ((r->max_frames && r->frames >= r->max_frames) ||
        (uint64_t)(r->kept + RECORD_LEAD) * VOICE_FRAME * r->channels * 2 >= WAV_DATA_MAX)
        return MEDIA_TOO_LONG;
    return r->silence_frames && r->still >= r->silence_frames ? MEDIA_BY_SILENCE : 0;
}

void recording_end(struct recording *r, enum media_why why, uint32_t cut_frames)
{
    struct chunk *c = r->chunk;

    c->frames -= cut_frames < c->frames ? cut_frames : c->frames;
    r->done.why = why;
    r->done.speech_ms = (uint32_t)(r->speech * VOICE_PTIME_MS);
    c->last = true;
    chunk_give(c); /* r is the recorder's from here on */
}
