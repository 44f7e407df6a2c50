/*
 * The journal: open and close, append, group commit.
 *
 * An event gets its position when it is appended: the open batch begins at the cursor,
 * where the one before it ended, so nothing has to wait for a write to know where it
 * will stand. A group moves to the next segment before its first event, never in its
 * middle, so a group is always within one batch.
 *
 * Invariants (locks: internal.h):
 *  - queue and writing hold, in order of position, all that is appended and not on disk;
 *    the leader moves the one to the other under the writer's lock, so between groups.
 *  - synced moves only after fdatasync has returned 0 for every segment touched.
 *  - once failed is set it stays, and nothing is written any more.
 */
#include "store/journal/internal.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

enum { JOURNAL_MAGIC = 0x4a524e4c, SPARE_MAX = 4, SPARE_BYTES_MAX = 1 << 20, BATCH_BYTES_FIRST = 64 << 10 };

/* ---- opening and closing --------------------------------------------------------- */

static int32_t check_options(const struct journal_options *o, position from, uint64_t from_seq,
                             struct err *err)
{
    if (o->segment_bytes < SEGMENT_BYTES_MIN || o->segment_bytes > SEGMENT_BYTES_MAX ||
        o->segment_bytes % SEGMENT_HEAD_BYTES != 0)
        return err_set(err, HILO_INVALID,
                       "journal %s: a segment of %llu bytes; 8 MiB to 1 GiB, in steps of 4 KiB", o->dir,
                       (unsigned long long)o->segment_bytes);
    if ((from == 0) != (from_seq == 0) && POSITION_OFFSET(from) != SEGMENT_HEAD_BYTES)
        return err_set(err, HILO_INVALID, "journal %s: position %llu and sequence %llu don't go together",
                       o->dir, (unsigned long long)from, (unsigned long long)from_seq);
    return HILO_OK;
}

/* What the scan decided is carried out: only here opening changes anything. */
static int32_t settle(struct journal *j, const struct journal_options *o, uint32_t unfinished,
                      struct journal_recovery *r, struct err *err)
{
    int32_t rc = HILO_OK;
    if (unfinished) {
        log_event(o->log, HILO_LOG_INFO, "journal.unfinished", "segment=%u", unfinished);
        rc = segment_set_remove_unfinished(&j->set, unfinished, err);
        if (rc != HILO_OK)
            return rc;
    }
    if (segment_set_last(&j->set) == 0) {
        rc = segment_set_make(&j->set, o->segment_bytes, NULL, err);
        if (rc != HILO_OK)
            return rc;
        r->end = POSITION(segment_set_first(&j->set), SEGMENT_HEAD_BYTES);
    }
    if (!r->cut_bytes)
        return HILO_OK;
    log_event(o->log, HILO_LOG_WARN, "journal.cut", "segment=%u offset=%u bytes=%llu last_seq=%llu",
              POSITION_SEGMENT(r->cut_at), POSITION_OFFSET(r->cut_at), (unsigned long long)r->cut_bytes,
              (unsigned long long)r->last_seq);
    return journal__cut(&j->set, r->end, err);
}

static struct journal *journal_new(const struct journal_options *o, const struct journal_sys *sys,
                                   bool read_only)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        check_nomem();
    j->magic = JOURNAL_MAGIC;
    j->read_only = read_only;
    j->log = o->log;
    j->sys = sys;
    pthread_mutex_init(&j->syncing, NULL);
    pthread_mutex_init(&j->writer, NULL);
    pthread_mutex_init(&j->mem, NULL);
    pthread_mutex_init(&j->watching, NULL);
    atomic_init(&j->synced, 0);
    atomic_init(&j->has_failed, false);
    return j;
}

int32_t journal__open(const struct journal_options *o, const struct journal_sys *sys, position from,
                      uint64_t from_seq, bool read_only,
                      int32_t (*replay)(void *arg, const struct event *, position batch_end), void *arg,
                      struct err *err, struct journal_recovery *recovery, struct journal **out)
{
    struct journal_recovery r = {0};
    uint32_t unfinished = 0;
    int32_t rc = check_options(o, from, from_seq, err);
    if (rc != HILO_OK)
        return rc;
    struct journal *j = journal_new(o, sys, read_only);
    rc = segment_set_init(&j->set, o->dir, read_only, sys, err);
    if (rc == HILO_OK)
        rc = segment_set_load(&j->set, err, &unfinished);
    /* Before anybody builds on what is found, the replay among them: whoever wrote it may have been
     * killed, or have failed to sync it. */
    if (rc == HILO_OK && !read_only)
        rc = journal__scan(&j->set, from, from_seq, NULL, NULL, err, &r);
    /* Unless it was closed well: where a sync has failed, even that of a cut, memory and disk may differ. */
    if (rc == HILO_OK && !read_only && r.synced != r.end) {
        rc = segment_set_forget(&j->set, POSITION_SEGMENT(r.synced ? r.synced : from), err);
        if (rc == HILO_OK)
            rc = journal__scan(&j->set, from, from_seq, NULL, NULL, err, &r);
    }
    if (rc == HILO_OK && !read_only)
        rc = journal__settle_found(&j->set, &r, from, err);
    if (rc == HILO_OK)
        rc = journal__scan(&j->set, from, from_seq, replay, arg, err, &r);
    if (rc == HILO_OK && !read_only)
        rc = settle(j, o, unfinished, &r, err);
    if (rc == HILO_OK && r.end)
        rc = segment_set_pin(&j->set, POSITION_SEGMENT(r.end), err, &j->active);
    if (rc == HILO_OK && !read_only)
        rc = preparer_init(&j->preparer, &j->set, o->segment_bytes, o->log, err);
    if (rc != HILO_OK)
        goto out;
    j->pinned_from = j->active.number;
    j->cursor = POSITION_OFFSET(r.end);
    j->appended = r.last_seq;
    j->synced_end = r.end;
    atomic_store(&j->synced, r.last_seq);
    if (!read_only)
        preparer_ahead(&j->preparer, j->active.number + 1);
    if (recovery)
        *recovery = r;
    *out = j;
    j = NULL;
out:
    journal__drop(&j);
    return rc;
}

int32_t journal_open(const struct journal_options *o, position from, uint64_t from_seq, bool read_only,
                     int32_t (*replay)(void *arg, const struct event *, position batch_end), void *arg,
                     struct err *err, struct journal_recovery *recovery, struct journal **out)
{
    return journal__open(o, &journal__sys, from, from_seq, read_only, replay, arg, err, recovery, out);
}

void journal__drop(struct journal **jp)
{
    struct journal *j = *jp;
    if (!j)
        return;
    CHECK(j->magic == JOURNAL_MAGIC);
    *jp = NULL;
    preparer_done(&j->preparer);
    batch_list_free(&j->queue);
    batch_list_free(&j->writing);
    struct batch_list spare = {.head = j->spare};
    batch_list_free(&spare);
    segment_set_done(&j->set);
    pthread_mutex_destroy(&j->syncing);
    pthread_mutex_destroy(&j->writer);
    pthread_mutex_destroy(&j->mem);
    pthread_mutex_destroy(&j->watching);
    j->magic = 0;
    free(j);
}

/* It only says what is on disk already, so it need not be there itself, and nothing is lost when it
 * can't be written. */
static void mark_closed(struct journal *j)
{
    uint8_t mark[BATCH_HEAD_BYTES];
    char quoted[600];
    struct segment seg;
    struct err e = {0};
    const position at = j->synced_end;
    if (j->read_only || j->queue.head || journal_failed(j, &e) != HILO_OK ||
        POSITION_OFFSET(at) == SEGMENT_HEAD_BYTES)
        return;
    int32_t rc = segment_set_pin(&j->set, POSITION_SEGMENT(at), &e, &seg);
    if (rc != HILO_OK)
        goto out;
    if (seg.length - POSITION_OFFSET(at) >= sizeof mark) {
        batch_encode(mark, (struct batch_head){.epoch = seg.epoch,
                                               .at = at,
                                               .first_seq = atomic_load(&j->synced) + 1,
                                               .synced = at,
                                               .bytes = sizeof mark});
        rc = segment_write(j->sys, &seg, mark, sizeof mark, POSITION_OFFSET(at), &e);
    }
    segment_set_unpin(&j->set, seg.number);
out:
    if (rc != HILO_OK)
        log_event(j->log, HILO_LOG_WARN, "journal.unmarked", "error=%s note=\"nothing is lost\"",
                  log_quote(str(e.text), quoted, sizeof quoted));
}

void journal_close(struct journal **jp)
{
    if (*jp) {
        CHECK((*jp)->magic == JOURNAL_MAGIC);
        mark_closed(*jp);
    }
    journal__drop(jp);
}

/* ---- appending --------------------------------------------------------------------- */

void journal_lock(struct journal *j)
{
    pthread_mutex_lock(&j->writer);
    j->group_bytes = 0;
}

void journal_unlock(struct journal *j)
{
    pthread_mutex_unlock(&j->writer);
}

void journal_group(struct journal *j)
{
    j->group_bytes = 0;
}

static int32_t failure(struct journal *j, struct err *err)
{
    pthread_mutex_lock(&j->mem);
    struct err e = j->failed;
    pthread_mutex_unlock(&j->mem);
    return err_set(err, e.code, "%s", e.text);
}

/* Makes sure that a whole group fits behind the cursor, in the open batch or a new one; if
 * there can't be a next segment, that a small one does. May wait for the segment to be
 * prepared. Under writer. */
static int32_t make_room(struct journal *j, struct err *err)
{
    if (j->open && j->open->n >= BATCH_SEAL_BYTES) {
        pthread_mutex_lock(&j->mem);
        j->open = NULL;
        pthread_mutex_unlock(&j->mem);
    }
    const uint64_t head = j->open ? 0 : BATCH_HEAD_BYTES;
    j->group_max = JOURNAL_GROUP_MAX;
    while (j->active.length - j->cursor < JOURNAL_GROUP_MAX + head) {
        struct segment next;
        uint32_t number = j->active.number + 1;
        uint64_t rest = j->active.length - j->cursor;
        int32_t rc = preparer_need(&j->preparer, number, true, err);
        if (rc != HILO_OK && rest >= JOURNAL_GROUP_SMALL + head) {
            j->group_max = (uint32_t)(rest - head);
            return HILO_OK;
        }
        if (rc == HILO_OK)
            rc = segment_set_pin(&j->set, number, err, &next);
        if (rc != HILO_OK)
            return rc;
        pthread_mutex_lock(&j->mem);
        j->open = NULL;
        j->active = next;
        j->cursor = SEGMENT_HEAD_BYTES;
        pthread_mutex_unlock(&j->mem);
        preparer_ahead(&j->preparer, number + 1);
    }
    return HILO_OK;
}

/* A batch at the cursor, with memory that was used before if there is any. Under
 * writer and mem. */
static struct batch *batch_new(struct journal *j)
{
    struct batch *b = j->spare;
    if (b) {
        j->spare = b->next;
        j->n_spare--;
    } else {
        b = calloc(1, sizeof *b);
        if (!b)
            check_nomem();
    }
    b->seg = j->active;
    b->offset = j->cursor;
    b->count = 0;
    b->first_seq = j->appended + 1;
    b->n = BATCH_HEAD_BYTES;
    return b;
}

static bool batch_reserve(struct batch *b, size_t more)
{
    if (b->cap - b->n >= more && b->cap)
        return true;
    size_t cap = b->cap ? b->cap : BATCH_BYTES_FIRST;
    while (cap - b->n < more)
        cap *= 2;
    char *p = realloc(b->p, cap);
    if (!p)
        return false;
    b->p = p;
    b->cap = cap;
    return true;
}

int32_t journal_append(struct journal *j, struct event *ev, struct err *err)
{
    CHECK(j->magic == JOURNAL_MAGIC);
    if (j->read_only)
        return err_set(err, HILO_BUG, "the journal was opened for reading only");
    if (ev->body.n > JOURNAL_GROUP_MAX || event_room(ev->body.n) > JOURNAL_GROUP_MAX - j->group_bytes)
        return err_set(err, HILO_INVALID, "a group of events is larger than %d bytes", JOURNAL_GROUP_MAX);
    if (atomic_load(&j->has_failed))
        return failure(j, err);
    int32_t rc = j->group_bytes ? HILO_OK : make_room(j, err);
    if (rc != HILO_OK)
        return rc;
    const size_t room = (size_t)event_room(ev->body.n);
    if (room > j->group_max - j->group_bytes) {
        rc = preparer_need(&j->preparer, j->active.number + 1, false, err);
        return rc == HILO_FULL || rc == HILO_IO
                   ? rc
                   : err_set(err, HILO_FULL, "no segment could be made for an event of %zu bytes", room);
    }
    pthread_mutex_lock(&j->mem);
    struct batch *b = j->open ? j->open : batch_new(j);
    if (!batch_reserve(b, room)) {
        rc = err_set(err, HILO_NOMEM, "no memory for a batch of %zu bytes", b->n + room);
        if (b != j->open) {
            free(b->p);
            free(b);
        }
    } else {
        ev->head.seq = j->appended + 1;
        event_encode(b->p + b->n, &ev->head, ev->body);
        ev->at = POSITION(b->seg.number, b->offset + b->n);
        b->n += room;
        b->count++;
        j->cursor = b->offset + (uint32_t)b->n;
        j->appended++;
        if (b != j->open) {
            batch_list_add(&j->queue, b);
            j->open = b;
        }
        j->group_bytes += (uint32_t)room;
    }
    pthread_mutex_unlock(&j->mem);
    return rc;
}

void journal_flag(struct journal *j, struct event_head *head, uint8_t flags)
{
    pthread_mutex_lock(&j->mem);
    struct batch *b = j->open;
    CHECK(b && head->seq == j->appended);
    event_flag(b->p + b->n - event_room(head->bytes - EVENT_HEAD_BYTES), head, flags);
    pthread_mutex_unlock(&j->mem);
}

/* ---- committing -------------------------------------------------------------------- */

/* Takes what is appended. Under syncing. */
static int32_t take(struct journal *j, uint64_t seq, void (*sealed)(void *, uint64_t, position), void *arg,
                    struct err *err)
{
    int32_t rc = HILO_OK;
    pthread_mutex_lock(&j->writer);
    if (seq > j->appended) {
        rc = err_set(err, HILO_BUG, "event %llu is to be committed, the last appended is %llu",
                     (unsigned long long)seq, (unsigned long long)j->appended);
        goto out;
    }
    pthread_mutex_lock(&j->mem);
    CHECK(!j->writing.head && j->queue.head);
    j->writing = j->queue;
    j->queue = (struct batch_list){0};
    j->open = NULL;
    pthread_mutex_unlock(&j->mem);
    if (sealed) {
        const struct batch *b = j->writing.tail;
        sealed(arg, j->appended, POSITION(b->seg.number, b->offset + b->n));
    }
out:
    pthread_mutex_unlock(&j->writer);
    return rc;
}

/* Writes what was taken and syncs each segment once. Under syncing; readers may look at the events
 * meanwhile, only the heads are filled in here. */
static int32_t write_out(struct journal *j, struct err *err)
{
    const position synced = j->synced_end;
    for (struct batch *b = j->writing.head; b; b = b->next) {
        batch_encode(b->p, (struct batch_head){.epoch = b->seg.epoch,
                                               .at = POSITION(b->seg.number, b->offset),
                                               .first_seq = b->first_seq,
                                               .synced = synced,
                                               .bytes = (uint32_t)b->n,
                                               .count = b->count});
        int32_t rc = segment_write(j->sys, &b->seg, b->p, b->n, b->offset, err);
        if (rc != HILO_OK)
            return rc;
    }
    for (const struct batch *b = j->writing.head; b; b = b->next) {
        if (b->next && b->next->seg.number == b->seg.number)
            continue;
        int32_t rc = segment_sync(j->sys, &b->seg, err);
        if (rc != HILO_OK)
            return rc;
    }
    return HILO_OK;
}

/* What was taken is on disk: memory, descriptors and counters follow. Under syncing. */
static void written(struct journal *j, int64_t began_us)
{
    uint64_t last = 0, events = 0;
    int64_t took_us = clock_mono_us() - began_us;
    pthread_mutex_lock(&j->mem);
    j->stats.commits++;
    j->stats.sync_us += took_us > 0 ? (uint64_t)took_us : 0;
    while (j->writing.head) {
        struct batch *b = j->writing.head;
        j->writing.head = b->next;
        last = b->first_seq + b->count - 1;
        j->synced_end = POSITION(b->seg.number, b->offset + b->n);
        events += b->count;
        j->stats.synced_events += b->count;
        j->stats.synced_bytes += b->n;
        if (b->count > j->stats.max_batch_events)
            j->stats.max_batch_events = b->count;
        if (j->n_spare < SPARE_MAX && b->cap <= SPARE_BYTES_MAX) {
            b->next = j->spare;
            j->spare = b;
            j->n_spare++;
        } else {
            free(b->p);
            free(b);
        }
    }
    j->writing.tail = NULL;
    uint32_t pinned = j->pinned_from, busy = j->queue.head ? j->queue.head->seg.number : j->active.number;
    j->pinned_from = busy;
    hist_add(&j->stats.sync, hist_time_us, took_us > 0 ? (uint64_t)took_us : 0);
    hist_add(&j->stats.batch, hist_size, events);
    atomic_store(&j->synced, last); /* under mem, so that it goes with synced_end */
    pthread_mutex_unlock(&j->mem);
    for (; pinned < busy; pinned++)
        segment_set_unpin(&j->set, pinned);
}

/* Outside of the locks that a commit holds, so that a callback delays nobody else's. */
static void tell_watches(struct journal *j)
{
    pthread_mutex_lock(&j->watching);
    for (const struct journal_watch *w = j->watches; w; w = w->next)
        w->fn(w->arg);
    pthread_mutex_unlock(&j->watching);
}

static void fail(struct journal *j, const struct err *e)
{
    char quoted[600];
    pthread_mutex_lock(&j->mem);
    j->failed = *e;
    /* The words are for whoever sees the process end. */
    err_set(&j->failed, HILO_IO, "%s; what was not acknowledged is in doubt: end this process", e->text);
    pthread_mutex_unlock(&j->mem);
    atomic_store(&j->has_failed, true);
    log_event(j->log, HILO_LOG_ERROR, "journal.failed", "reason=%s",
              log_quote(str(e->text), quoted, sizeof quoted));
}

int32_t journal_commit(struct journal *j, uint64_t seq, void (*sealed)(void *arg, uint64_t seq, position end),
                       void *arg, struct err *err)
{
    CHECK(j->magic == JOURNAL_MAGIC);
    if (j->read_only)
        return err_set(err, HILO_BUG, "the journal was opened for reading only");
    if (atomic_load(&j->has_failed))
        return failure(j, err);
    if (atomic_load(&j->synced) >= seq)
        return HILO_OK;
    int32_t rc = HILO_OK;
    bool wrote = false;
    pthread_mutex_lock(&j->syncing);
    if (atomic_load(&j->has_failed)) {
        rc = failure(j, err);
        goto out;
    }
    if (atomic_load(&j->synced) >= seq)
        goto out; /* the leader before took it along */
    rc = take(j, seq, sealed, arg, err);
    if (rc != HILO_OK)
        goto out;
    struct err e = {0};
    int64_t began_us = clock_mono_us();
    wrote = write_out(j, &e) == HILO_OK;
    if (wrote) {
        written(j, began_us);
    } else {
        fail(j, &e);
        rc = failure(j, err);
    }
out:
    pthread_mutex_unlock(&j->syncing);
    if (wrote)
        tell_watches(j);
    return rc;
}

/* ---- a full disk -------------------------------------------------------------------- */

uint64_t journal_room(struct journal *j)
{
    pthread_mutex_lock(&j->mem);
    uint32_t number = j->active.number;
    uint64_t rest = j->active.length - j->cursor;
    pthread_mutex_unlock(&j->mem);
    uint64_t ahead = segment_set_ahead(&j->set, number);
    if (ahead == 0)
        return rest;
    /* A large group skips the end of a segment if there is a next. */
    return ahead + (rest > JOURNAL_GROUP_MAX ? rest - JOURNAL_GROUP_MAX : 0);
}

int32_t journal_next(struct journal *j, bool wait, struct err *err)
{
    pthread_mutex_lock(&j->mem);
    uint32_t number = j->active.number + 1;
    pthread_mutex_unlock(&j->mem);
    return preparer_need(&j->preparer, number, wait, err);
}

void journal_retry(struct journal *j)
{
    preparer_retry(&j->preparer);
}

/* ---- looking ------------------------------------------------------------------------- */

uint64_t journal_appended(const struct journal *j)
{
    return j->appended;
}

int32_t journal_failed(struct journal *j, struct err *err)
{
    return atomic_load(&j->has_failed) ? failure(j, err) : segment_set_failed(&j->set, err);
}

uint64_t journal_synced(const struct journal *j)
{
    return atomic_load(&j->synced);
}

void journal_reached(struct journal *j, uint64_t *seq_out, position *end_out)
{
    pthread_mutex_lock(&j->mem);
    *seq_out = atomic_load(&j->synced);
    *end_out = j->synced_end;
    pthread_mutex_unlock(&j->mem);
}

void journal_watch(struct journal *j, struct journal_watch *w)
{
    pthread_mutex_lock(&j->watching);
    w->next = j->watches;
    j->watches = w;
    pthread_mutex_unlock(&j->watching);
}

void journal_unwatch(struct journal *j, struct journal_watch *w)
{
    pthread_mutex_lock(&j->watching);
    for (struct journal_watch **at = &j->watches; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    pthread_mutex_unlock(&j->watching);
}

void journal_durable(struct journal *j, uint32_t *first_out, uint64_t *seq_out, position *end_out)
{
    pthread_mutex_lock(&j->syncing); /* so that the two belong together */
    pthread_mutex_lock(&j->mem);
    *seq_out = atomic_load(&j->synced);
    *end_out = j->synced_end;
    pthread_mutex_unlock(&j->mem);
    pthread_mutex_unlock(&j->syncing);
    *first_out = segment_set_first(&j->set);
}

int32_t journal_pin(struct journal *j, uint32_t segment, struct err *err, int *fd_out, uint64_t *length_out)
{
    struct segment seg;
    int32_t rc = segment_set_pin(&j->set, segment, err, &seg);

    if (rc == HILO_OK) {
        *fd_out = seg.fd;
        *length_out = seg.length;
    }
    return rc;
}

void journal_unpin(struct journal *j, uint32_t segment)
{
    segment_set_unpin(&j->set, segment);
}

void journal_stats(struct journal *j, struct journal_stats *out)
{
    struct journal_stats s;
    pthread_mutex_lock(&j->mem);
    s = j->stats;
    pthread_mutex_unlock(&j->mem);
    uint32_t last = segment_set_last(&j->set);
    s.segments = last ? last - segment_set_first(&j->set) + 1 : 0;
    s.segment_bytes = segment_set_bytes(&j->set);
    *out = s;
}
