/*
 * The store as one: opening with recovery, the writer's role, reading, and when
 * pending goes to LMDB.
 *
 * Invariants: nothing changes the context but apply_event, on an event that was
 * appended to the journal right before; a generation of pending ends where a batch
 * ends, and reaches LMDB only when that batch is on disk.
 */
#include "store/store.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/apply.h"
#include "store/backup.h"
#include "store/count.h"
#include "store/replay.h"
#include "store/restore.h"
#include "store/warm.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    FLUSH_KEYS = 150000, /* about 20,000 messages */
    FLUSH_AGE_US = 500000,
    PENDING_MAX_KEYS = 4000000, /* new work is refused beyond it: back-pressure, not memory */
    REPORT_BYTES = 2048,        /* that a report takes at most: message.reported, with all its words, its
                                   batch's head, and message.requeued */
    RESERVE_PART = 8,           /* of a segment is for records */
    FULL_RETRY_US = 1000000,
    WARM_US = 1000000 /* of a start, for reading the context ahead */
};
static const uint64_t PENDING_MAX_BYTES = UINT64_C(1) << 30;

struct store {
    struct journal *journal;
    struct context *context;
    struct idgen *ids;
    struct log *log;
    struct arena *arena; /* apply's scratch; the writer's role */
    char *media_dir;
    struct backup *backup;
    struct count *count;
    struct warm *warm;
    struct store_options options;
    /* The writer's role: */
    int64_t active_since_us; /* monotonic: when the active generation got its first change; 0 */
    uint64_t sealed_seq;     /* the last batch that was sealed, and where it ends */
    position sealed_end;
    int64_t newest_us; /* wall: of the newest event */
    /* The core's loop: */
    uint64_t promised;     /* reports */
    bool full;             /* new work is refused, and the log has it */
    int64_t full_retry_us; /* monotonic */
};

const struct actor actor_core = {.kind = ACTOR_CORE};

/* ---- opening ---- */

static char *store__sub(const char *dir, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", dir, name) < 0)
        check_nomem();
    return path;
}

static int32_t store__sync_folder(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int32_t rc = fd >= 0 && fsync(fd) == 0 ? HILO_OK : err_errno(e, "syncing the folder %s to disk", path);

    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* The folder and those in it, with their names on disk: what is synced below a name that
 * a power cut takes is lost with it. Every start syncs the names, as the one that made them
 * may have ended before. Its own name is in the folder above, which whoever made it may read. */
static int32_t store__folders(const char *dir, const char *const *sub, struct err *e)
{
    char *above = store__sub(dir, "..");
    bool made = mkdir(dir, 0700) == 0;
    int32_t rc = made || errno == EEXIST
                     ? HILO_OK
                     : err_errno(e,
                                 "the folder %s can't be made; make the folder that it is in, writable by "
                                 "the user that runs hilod, or set gateway.data_dir",
                                 dir);

    if (rc == HILO_OK && (made || access(above, R_OK) == 0))
        rc = store__sync_folder(above, e);
    for (; rc == HILO_OK && *sub; sub++)
        if (mkdir(*sub, 0700) < 0 && errno != EEXIST)
            rc = err_errno(e, "the folder %s can't be made; let the user that runs hilod write to %s", *sub,
                           dir);
    if (rc == HILO_OK)
        rc = store__sync_folder(dir, e);
    free(above);
    return rc;
}

static int64_t store__time_of(struct store *s, position at)
{
    struct event ev;
    int64_t time_us = 0;

    if (at && journal_read(s->journal, at, s->arena, &ev, NULL) == HILO_OK)
        time_us = ev.head.time_us;
    arena_reset(s->arena);
    return time_us;
}

int32_t store_open(const struct store_options *o, struct err *err, struct store **out)
{
    struct store *s = calloc(1, sizeof *s);
    char *journal_dir = store__sub(o->dir, "journal"), *context_dir = store__sub(o->dir, "context");
    struct journal_recovery rec = {0};
    struct replay replay;
    uint64_t reached = 0;
    position end = 0;
    int32_t rc;

    if (!s)
        check_nomem();
    s->options = *o;
    s->log = o->log;
    s->arena = arena_new();
    s->media_dir = store__sub(o->dir, "media");
    rc = restore_absent(o->dir, err);
    if (rc == HILO_OK)
        rc = store__folders(o->dir, (const char *const[]){journal_dir, context_dir, s->media_dir, NULL}, err);
    if (rc != HILO_OK)
        goto out;

    const struct context_options co = {
        .dir = context_dir, .map_bytes = o->map_bytes, .log = o->log, .flushed = o->flushed, .arg = o->arg};
    rc = context_open(&co, err, &s->context);
    if (rc != HILO_OK)
        goto out;
    s->warm = warm_start(context_fd(s->context), o->log);
    context_reached(s->context, &reached, &end);
    replay_init(&replay, s->context, s->arena, o->log, journal_dir);
    const struct journal_options jo = {.dir = journal_dir, .segment_bytes = o->segment_bytes, .log = o->log};
    rc = journal_open(&jo, end, reached, false, replay_event, &replay, err, &rec, &s->journal);
    if (rc == HILO_OK) /* once more, under the journal's lock */
        rc = restore_absent(o->dir, err);
    if (rc != HILO_OK)
        goto out;
    context_synced(s->context, rec.last_seq > reached ? rec.last_seq : reached);
    if (rec.events)
        s->active_since_us = clock_mono_us();
    s->sealed_seq = replay.seq;
    s->sealed_end = replay.end;
    s->ids = idgen_new(context_time(s->context)); /* later than all there are, whatever the clock says */
    s->newest_us = replay.newest_us ? replay.newest_us : store__time_of(s, rec.newest);
    s->count = count_new(s->context, o->dir);
    s->backup = backup_new(s->journal, s->context, o->dir, o->log);
    warm_wait(s->warm, WARM_US);
    log_event(s->log, HILO_LOG_INFO, "store.opened",
              "seq=%" PRIu64 " replayed=%" PRIu64 " bytes=%" PRIu64 " cut_bytes=%" PRIu64, rec.last_seq,
              rec.events, rec.bytes, rec.cut_bytes);
    *out = s;
    s = NULL;
out:
    free(journal_dir);
    free(context_dir);
    store_close(&s);
    return rc;
}

void store_close(struct store **sp)
{
    struct store *s = *sp;
    struct err e = {0};

    if (!s)
        return;
    warm_stop(&s->warm);
    backup_free(&s->backup);
    count_free(&s->count);
    /* What was appended and not committed is dropped, and pending with it. After a commit
     * that failed, a frozen generation waits for a journal that will never have it. */
    if (s->context && s->journal && store_seq(s) == s->sealed_seq &&
        journal_synced(s->journal) == s->sealed_seq) {
        context_synced(s->context, s->sealed_seq);
        if (context_wait(s->context, &e) == HILO_OK &&
            context_rotate(s->context, s->sealed_seq, s->sealed_end))
            (void)context_wait(s->context, &e);
        if (e.code != HILO_OK)
            log_event(s->log, HILO_LOG_WARN, "store.close", "error=%s note=\"the journal has it\"",
                      LOG_VALUE(str(e.text)));
    }
    context_close(&s->context);
    journal_close(&s->journal);
    idgen_free(&s->ids);
    arena_free(&s->arena);
    free(s->media_dir);
    free(s);
    *sp = NULL;
}

struct idgen *store_ids(struct store *s)
{
    return s->ids;
}
int64_t store_time(const struct store *s)
{
    return context_time(s->context);
}
const char *store_media_dir(const struct store *s)
{
    return s->media_dir;
}
struct backup *store_backup(struct store *s)
{
    return s->backup;
}
struct count *store_count(struct store *s)
{
    return s->count;
}

/* ---- writing ---- */

void store_begin(struct store *s)
{
    journal_lock(s->journal);
    journal_group(s->journal);
}

void store_end(struct store *s)
{
    journal_unlock(s->journal);
}

/* Appends and applies. */
static int32_t store__append(struct store *s, const struct rec_desc *d, const void *obj,
                             const struct actor *actor, int64_t now_us, struct event_head *head_out,
                             const struct apply_step **steps_out, struct err *err)
{
    struct hilo_writer w;
    struct event ev = {0};
    struct err why = {0};
    int32_t rc;

    arena_writer(s->arena, &w);
    rec_pack(d, obj, &w);
    CHECK(!w.failed);
    ev.head.type = (uint16_t)d->number;
    ev.head.version = 1;
    ev.head.actor_kind = actor->kind;
    ev.head.actor = actor->id;
    ev.head.cause = actor->cause;
    ev.head.time_us = now_us;
    ev.body = hilo_written(&w);
    rc = journal_append(s->journal, &ev, err);
    if (rc != HILO_OK)
        return rc;
    /* What was appended must apply: the deciding code saw the same context. If it
     * does not, the store and its journal disagree, and going on would spread it. */
    rc = apply_event(s->context, s->arena, &ev, steps_out, &why);
    if (rc != HILO_OK) {
        log_event(s->log, HILO_LOG_ERROR, "store.apply_failed", "seq=%" PRIu64 " error=%s", ev.head.seq,
                  LOG_VALUE(str(why.text)));
        CHECK(rc == HILO_OK);
    }
    *head_out = ev.head;
    return HILO_OK;
}

/* The event says itself what the step is. */
static bool store__says(uint16_t type, const void *obj, const struct apply_step *n)
{
    const struct rec_step *s = &n->step;

    if (!id_none(n->id))
        return false;
    if (type == EVENT_message_reported) {
        const struct ev_message_reported *e = obj;
        return s->status == e->status && str_eq(s->reason, e->reason) &&
               str_eq(s->provider_code, e->provider_code) && str_eq(s->detail, e->detail);
    }
    if (type == EVENT_message_receipt) {
        const struct ev_message_receipt *e = obj;
        return s->status == e->status && str_eq(s->reason, e->reason) &&
               str_eq(s->provider_code, e->provider_code) && str_eq(s->detail, e->detail);
    }
    if (type == EVENT_message_settled) {
        const struct ev_message_settled *e = obj;
        return s->status == e->status && str_eq(s->reason, e->reason);
    }
    return false;
}

/* For whoever follows the journal: whether an event is news of a status, and news that it does not
 * say itself in events of their own. */
static void store__tell(struct store *s, struct event_head *head, const void *obj, const struct apply_step *n,
                        const struct actor *actor)
{
    const bool speaks = head->type == EVENT_message_reported || head->type == EVENT_message_receipt ||
                        head->type == EVENT_message_settled;
    struct err e = {0};

    if (speaks && n && store__says(head->type, obj, n))
        n = n->next;
    else if (speaks)
        journal_flag(s->journal, head, EVENT_QUIET);
    for (; n; n = n->next) {
        struct ev_message_moved ev = {.id = n->id,
                                      .ext_id = n->ext_id,
                                      .status = n->step.status,
                                      .time = n->step.time,
                                      .reason = n->step.reason,
                                      .provider_code = n->step.provider_code,
                                      .detail = n->step.detail,
                                      .cost = n->cost};
        const struct apply_step *none;
        struct event_head moved;
        if (id_none(ev.id)) {
            const struct rec_field *first = event_desc(head->type)->field;
            CHECK(first->type == REC_ID && first->offset == 0); /* the message's id */
            memcpy(&ev.id, obj, sizeof ev.id);
        }
        /* On a full disk: the status is right all the same. */
        if (store__append(s, &ev_desc_message_moved, &ev, actor, head->time_us, &moved, &none, &e) != HILO_OK)
            log_event(s->log, HILO_LOG_WARN, "store.untold", "seq=%" PRIu64 " error=%s", head->seq,
                      LOG_VALUE(str(e.text)));
    }
}

/* These are told of as they are; and a claim is news to nobody. */
static bool store__speaks_for_itself(uint16_t type)
{
    return type == EVENT_message_accepted || type == EVENT_message_received || type == EVENT_message_claimed;
}

int32_t store_append(struct store *s, const struct rec_desc *d, const void *obj, const struct actor *actor,
                     int64_t now_us, uint64_t *seq_out, struct err *err)
{
    struct event_head head;
    const struct apply_step *steps = NULL;
    int32_t rc = store__append(s, d, obj, actor, now_us, &head, &steps, err);

    if (rc == HILO_OK) {
        if (!store__speaks_for_itself(head.type))
            store__tell(s, &head, obj, steps, actor);
        if (!s->active_since_us)
            s->active_since_us = clock_mono_us();
        s->newest_us = now_us;
        if (seq_out)
            *seq_out = head.seq;
    }
    arena_reset(s->arena);
    return rc;
}

static bool store__due(struct store *s)
{
    struct context_stats st;

    if (!s->active_since_us)
        return false;
    context_stats(s->context, &st);
    return st.active_keys >= FLUSH_KEYS || clock_mono_us() - s->active_since_us >= FLUSH_AGE_US;
}

/* Under the lock, when the leader has taken what was appended. */
static void store__sealed(void *arg, uint64_t seq, position end)
{
    struct store *s = arg;

    s->sealed_seq = seq;
    s->sealed_end = end;
    if (store__due(s) && context_rotate(s->context, seq, end))
        s->active_since_us = 0;
}

int32_t store_commit(struct store *s, struct err *err)
{
    int32_t rc = journal_commit(s->journal, store_seq(s), store__sealed, s, err);

    if (rc == HILO_OK)
        context_synced(s->context, journal_synced(s->journal));
    return rc;
}

uint64_t store_seq(struct store *s)
{
    journal_lock(s->journal);
    uint64_t seq = journal_appended(s->journal);
    journal_unlock(s->journal);
    return seq;
}

uint64_t store_synced(struct store *s)
{
    return journal_synced(s->journal);
}

/* ---- room ---- */

static uint64_t store__promised(const struct store *s)
{
    return s->promised * REPORT_BYTES;
}

/* What must be left in the journal after this, if no segment can be made. */
static uint64_t store__reserve(const struct store *s, enum store_use use)
{
    if (use == STORE_RECORD)
        return store__promised(s);
    return store__promised(s) + s->options.segment_bytes / RESERVE_PART;
}

static int32_t store__disk(struct store *s, enum store_use use, bool wait, struct err *err)
{
    const uint64_t most = use == STORE_NEW ? JOURNAL_GROUP_MAX : JOURNAL_GROUP_SMALL;
    const uint64_t room = journal_room(s->journal);
    struct err why = {0};

    if (room >= store__reserve(s, use) + most)
        return HILO_OK;
    int32_t rc = journal_next(s->journal, wait, &why);
    if (rc != HILO_OK && rc != HILO_AGAIN)
        return err_set(err, HILO_FULL,
                       "the disk is full, what is left is for news of what was taken before: free some "
                       "space, it goes on by itself (%s)",
                       why.text);
    /* The disk isn't full, only the segments are small for so many. */
    if (use == STORE_CLAIM && journal_room(s->journal) < store__promised(s) + REPORT_BYTES)
        return err_set(err, HILO_AGAIN,
                       "%" PRIu64 " reports are to come; a larger store.segment_size holds more",
                       s->promised);
    return HILO_OK;
}

/* Why new work is refused for lack of space, not merely for a moment. */
static int32_t store__full(struct store *s, enum store_use use, bool wait, struct err *err)
{
    int32_t rc = context_failed(s->context, err);

    if (rc != HILO_OK && rc != HILO_FULL)
        return HILO_IO;
    if (rc == HILO_FULL && use != STORE_RECORD)
        return rc;
    return store__disk(s, use, wait, err);
}

int32_t store_room(struct store *s, enum store_use use, struct err *err)
{
    uint64_t keys, bytes;
    int32_t rc = store__full(s, use, true, err);

    if (rc != HILO_OK || use != STORE_NEW)
        return rc;
    context_pending(s->context, &keys, &bytes);
    if (keys > PENDING_MAX_KEYS || bytes > PENDING_MAX_BYTES)
        return err_set(err, HILO_AGAIN,
                       "%" PRIu64 " changes wait to be written to the context; retry in a moment", keys);
    return HILO_OK;
}

void store_promise(struct store *s, int64_t reports)
{
    CHECK(reports >= 0 || s->promised >= (uint64_t)-reports);
    s->promised += (uint64_t)reports;
}

int32_t store_failed(struct store *s, struct err *err)
{
    int32_t rc = journal_failed(s->journal, err);

    if (rc != HILO_OK)
        return rc;
    rc = context_failed(s->context, err);
    return rc == HILO_FULL ? HILO_OK : rc;
}

/* Tells of a change, and tries again what needs room. When to call again, or 0. */
static int64_t store__watch_disk(struct store *s)
{
    struct err e = {0};
    int64_t now;
    bool full = store__full(s, STORE_NEW, false, &e) == HILO_FULL;

    if (full != s->full) {
        char quoted[sizeof e.text + 64];
        if (full)
            log_event(s->log, HILO_LOG_ERROR, "store.full", "reason=%s",
                      log_quote(str(e.text), quoted, sizeof quoted));
        else
            log_event(s->log, HILO_LOG_INFO, "store.room", "note=\"new work is taken again\"");
        s->full = full;
        s->full_retry_us = clock_mono_us() + FULL_RETRY_US;
    }
    if (!full)
        return 0;
    now = clock_mono_us();
    if (now >= s->full_retry_us) {
        journal_retry(s->journal);
        context_synced(s->context, journal_synced(s->journal)); /* a flush that had no room */
        s->full_retry_us = now + FULL_RETRY_US;
    }
    return s->full_retry_us;
}

int64_t store_tick(struct store *s)
{
    int64_t next = 0;

    journal_lock(s->journal);
    if (store__due(s) && journal_appended(s->journal) == s->sealed_seq &&
        journal_synced(s->journal) == s->sealed_seq &&
        context_rotate(s->context, s->sealed_seq, s->sealed_end))
        s->active_since_us = 0;
    if (s->active_since_us) {
        struct context_stats st;
        context_stats(s->context, &st);
        /* While a flush is under way its end calls here; no timer then. */
        if (st.frozen_keys == 0)
            next = s->active_since_us + FLUSH_AGE_US;
    }
    journal_unlock(s->journal);
    int64_t disk = store__watch_disk(s);
    return disk && (next == 0 || disk < next) ? disk : next;
}

/* ---- reading ---- */

void store_hold(struct store *s)
{
    context_hold(s->context);
}

void store_rest(struct store *s)
{
    context_rest(s->context);
}

uint64_t store_changes(const struct store *s, enum table t)
{
    return context_changes(s->context, t);
}

int32_t store_get(struct store *s, enum table t, struct hilo_str key, struct arena *a,
                  struct hilo_str *val_out, struct err *e)
{
    return context_get(s->context, t, key, a, val_out, e);
}

int32_t store_record(struct store *s, enum table t, struct hilo_str key, const struct rec_desc *d,
                     struct arena *a, void *out, struct err *e)
{
    struct hilo_str val;
    int32_t rc = context_get(s->context, t, key, a, &val, e);

    return rc == HILO_OK ? rec_unpack(d, val, out, e) : rc;
}

int32_t store_scan(struct store *s, enum table t, struct hilo_str prefix, struct hilo_str from, bool reverse,
                   context_scan_fn *fn, void *arg, struct err *e)
{
    return context_scan(s->context, t, prefix, from, reverse, fn, arg, e);
}

struct tail *store_tail(struct store *s)
{
    return tail_new(s->journal);
}
void store_watch(struct store *s, struct journal_watch *w)
{
    journal_watch(s->journal, w);
}
void store_unwatch(struct store *s, struct journal_watch *w)
{
    journal_unwatch(s->journal, w);
}

int32_t store_event(struct store *s, position at, struct arena *a, struct event *out, struct err *e)
{
    return journal_read(s->journal, at, a, out, e);
}

int32_t store_message_bytes(struct store *s, const struct rec_message *m, struct arena *a,
                            struct hilo_str *out, struct err *e)
{
    struct event ev;
    int32_t rc = journal_read(s->journal, m->at, a, &ev, e);

    if (rc != HILO_OK)
        return rc;
    /* The events that carry a message have it in field 2. */
    if (ev.head.type != EVENT_message_accepted && ev.head.type != EVENT_message_received &&
        ev.head.type != EVENT_case_noted && ev.head.type != EVENT_call_started &&
        ev.head.type != EVENT_call_changed && ev.head.type != EVENT_call_offered)
        return err_set(e, HILO_CORRUPT,
                       "the event at segment %" PRIu32 " offset %" PRIu32 " holds no message",
                       POSITION_SEGMENT(m->at), POSITION_OFFSET(m->at));
    if (!hilo_find(ev.body, 2, out))
        return err_set(e, HILO_CORRUPT, "the event at segment %" PRIu32 " offset %" PRIu32 " has no message",
                       POSITION_SEGMENT(m->at), POSITION_OFFSET(m->at));
    return HILO_OK;
}

/* Not the writer's: a look from outside may be a commit behind. */
static void store__times(struct store *s, struct store_stats *out)
{
    struct arena *arena = arena_new();
    struct event ev;

    if (journal_oldest(s->journal, arena, &ev, NULL) == HILO_OK) {
        out->oldest_seq = ev.head.seq;
        out->oldest_us = ev.head.time_us;
    }
    arena_free(&arena);
    out->newest_us = s->newest_us;
    backup_last(s->backup, &out->backup_us, &out->backup_seq);
}

void store_stats(struct store *s, struct store_stats *out)
{
    struct statvfs fs;
    position end;

    memset(out, 0, sizeof *out);
    journal_stats(s->journal, &out->journal);
    context_stats(s->context, &out->context);
    out->seq = store_seq(s);
    out->synced = journal_synced(s->journal);
    context_reached(s->context, &out->reached, &end);
    out->room_bytes = journal_room(s->journal);
    out->reserve_bytes = store__reserve(s, STORE_NEW);
    out->promised = s->promised;
    out->full = s->full;
    if (statvfs(s->media_dir, &fs) == 0)
        out->disk_free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    store__times(s, out);
}
