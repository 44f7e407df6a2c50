/*
 * Following the journal, and finding a place in it.
 *
 * Invariants: limit is an end that journal_reached gave, so all before it is on disk and never
 * changes; nothing at or beyond it is read. seq is that of the event right before (offset, index),
 * and every batch that is entered must begin with the sequence that comes next.
 *
 * Finding a sequence: the first batches of the segments by halves, then within the segment: a batch
 * knows its own place and its segment's random epoch, so one can be recognized from the middle; the
 * last few blocks are walked.
 */
#include "store/journal/tail.h"
#include "base/check.h"
#include "store/journal/internal.h"
#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 64 << 10, TAIL_MAGIC = 0x5441494c };

struct tail {
    uint32_t magic;
    struct journal *j;
    struct segment seg; /* number 0: none is pinned */
    uint64_t offset;    /* in it, of the next batch */
    position limit;     /* all before it is on disk */
    uint64_t seq;       /* of the last event passed */
    uint64_t taken_seq; /* of the event handed out last, and what names it; 0: none */
    uint32_t taken_crc, taken_epoch;
    /* The present batch, at the window's part from batch on: */
    struct batch_head head;
    size_t batch, at; /* in the window; at: the next event, in the batch */
    uint32_t index;
    /* What was read of the segment: */
    uint8_t *p;
    size_t n, cap;
    uint64_t from;
};

struct tail *tail_new(struct journal *j)
{
    struct tail *t = calloc(1, sizeof *t);

    if (!t)
        check_nomem();
    t->magic = TAIL_MAGIC;
    t->j = j;
    tail_to_end(t);
    return t;
}

static void tail__leave(struct tail *t)
{
    if (t->seg.number)
        segment_set_unpin(&t->j->set, t->seg.number);
    t->seg = (struct segment){0};
    t->n = 0;
    t->head = (struct batch_head){0};
    t->index = 0;
}

void tail_free(struct tail **tp)
{
    struct tail *t = *tp;

    if (!t)
        return;
    CHECK(t->magic == TAIL_MAGIC);
    tail__leave(t);
    t->magic = 0;
    free(t->p);
    free(t);
    *tp = NULL;
}

uint64_t tail_seq(const struct tail *t)
{
    return t->seq;
}

uint64_t tail_ahead(const struct tail *t)
{
    uint64_t synced = journal_synced(t->j);

    return synced > t->seq ? synced - t->seq : 0;
}

static void put_be(uint8_t *dst, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        dst[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

struct hilo_id tail_id(const struct tail *t)
{
    struct hilo_id id = {{0}};

    put_be(id.b, t->taken_seq, 8);
    put_be(id.b + 8, t->taken_epoch, 4);
    put_be(id.b + 12, t->taken_crc, 4);
    return id;
}

uint64_t tail_id_seq(struct hilo_id id)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | id.b[i];
    return v;
}

/* ---- reading ----------------------------------------------------------------------- */

static int32_t tail__bad(const struct tail *t, struct err *err, const char *why)
{
    return err_set(
        err, HILO_CORRUPT, "segment %s, offset %llu: event %llu is expected but %s; run hilo store check",
        segment_name(t->seg.number).z, (unsigned long long)t->offset, (unsigned long long)(t->seq + 1), why);
}

/* Where what may be read of the present segment ends. */
static uint64_t tail__end(const struct tail *t)
{
    return t->seg.number == POSITION_SEGMENT(t->limit) ? POSITION_OFFSET(t->limit) : t->seg.length;
}

static int32_t tail__enter(struct tail *t, uint32_t number, struct err *err)
{
    struct segment seg;
    int32_t rc = segment_set_pin(&t->j->set, number, err, &seg);

    if (rc != HILO_OK)
        return rc;
    tail__leave(t);
    t->seg = seg;
    t->offset = SEGMENT_HEAD_BYTES;
    return HILO_OK;
}

/* n bytes from offset on, which are before the end: at the window's *at_out. */
static int32_t tail__see(struct tail *t, uint64_t offset, size_t n, struct err *err, size_t *at_out)
{
    if (t->n == 0 || offset < t->from || offset + n > t->from + t->n) {
        const uint64_t left = tail__end(t) - offset;
        size_t want = n > WINDOW_BYTES ? n : WINDOW_BYTES;
        CHECK(n <= left);
        if (want > left)
            want = (size_t)left;
        t->n = 0;
        if (want > t->cap || t->cap > (want > WINDOW_BYTES ? want : WINDOW_BYTES)) {
            size_t cap = want > WINDOW_BYTES ? want : WINDOW_BYTES;
            uint8_t *p = malloc(cap);
            if (!p)
                return err_set(err, HILO_NOMEM, "no memory for a batch of %zu bytes", cap);
            free(t->p);
            t->p = p;
            t->cap = cap;
        }
        int32_t rc = segment_read(&t->seg, t->p, want, offset, err);
        if (rc != HILO_OK)
            return rc;
        t->n = want;
        t->from = offset;
    }
    *at_out = (size_t)(offset - t->from);
    return HILO_OK;
}

/* A batch with events at an offset of the present segment, before its end; whole: its CRC is good
 * and all of it is in the window, at *at_out. NONE is whatever isn't one. */
static int32_t tail__look(struct tail *t, uint64_t offset, bool whole, struct err *err,
                          enum batch_look *look_out, struct batch_head *head_out, size_t *at_out,
                          const char **why_out)
{
    const uint64_t end = tail__end(t), left = offset < end ? end - offset : 0;
    size_t at = 0;

    *look_out = BATCH_NONE;
    *why_out = "nothing stands there";
    if (left < BATCH_HEAD_BYTES)
        return HILO_OK;
    int32_t rc = tail__see(t, offset, BATCH_HEAD_BYTES, err, &at);
    if (rc != HILO_OK)
        return rc;
    enum batch_look l =
        batch_head_decode(t->p + at, t->seg.epoch, POSITION(t->seg.number, offset), left, head_out, why_out);
    if (l != BATCH_GOOD || head_out->count == 0)
        return HILO_OK;
    if (whole) {
        rc = tail__see(t, offset, head_out->bytes, err, &at);
        if (rc != HILO_OK)
            return rc;
        if (!batch_crc_good(t->p + at, head_out)) {
            *why_out = "the batch's checksum is wrong";
            return HILO_OK;
        }
        *at_out = at;
    }
    *look_out = BATCH_GOOD;
    return HILO_OK;
}

/* Takes the batch at offset, if it goes on with the sequence. HILO_AGAIN: it doesn't. */
static int32_t tail__batch(struct tail *t, struct err *err, const char **why_out)
{
    struct batch_head head;
    enum batch_look look;
    size_t at = 0;
    int32_t rc = tail__look(t, t->offset, true, err, &look, &head, &at, why_out);

    if (rc != HILO_OK)
        return rc;
    if (look != BATCH_GOOD)
        return HILO_AGAIN;
    if (head.first_seq != t->seq + 1) {
        *why_out = "another batch stands there";
        return HILO_AGAIN;
    }
    t->head = head;
    t->batch = at;
    t->at = BATCH_HEAD_BYTES;
    t->index = 0;
    t->offset += head.bytes;
    return HILO_OK;
}

static int32_t tail__find(struct tail *t, uint64_t seq, struct err *err);

/* The next batch that is on disk. HILO_AGAIN: there is none. */
static int32_t tail__more(struct tail *t, struct err *err)
{
    const char *why = "nothing stands there";

    if (t->seq >= journal_synced(t->j))
        return HILO_AGAIN;
    if (POSITION(t->seg.number, t->offset) >= t->limit) {
        uint64_t seq;
        journal_reached(t->j, &seq, &t->limit);
        t->n = 0;
    }
    if (t->seg.number == 0) { /* it could not be opened, or there was none yet */
        int32_t rc = tail__find(t, t->seq + 1, err);
        if (rc != HILO_OK) {
            tail__leave(t);
            return rc;
        }
    }
    int32_t rc = tail__batch(t, err, &why);
    if (rc == HILO_AGAIN && t->seg.number < POSITION_SEGMENT(t->limit)) {
        const uint32_t here = t->seg.number;
        const uint64_t offset = t->offset;
        rc = tail__enter(t, here + 1, err);
        if (rc == HILO_OK)
            rc = tail__batch(t, err, &why);
        if (rc != HILO_OK && tail__enter(t, here, NULL) == HILO_OK)
            t->offset = offset;
    }
    if (rc == HILO_AGAIN) {
        t->n = 0; /* the next try reads it again */
        rc = tail__bad(t, err, why);
    }
    return rc;
}

int32_t tail_next(struct tail *t, struct event *out, struct err *err)
{
    const char *why = NULL;

    CHECK(t->magic == TAIL_MAGIC);
    if (t->index >= t->head.count) {
        int32_t rc = tail__more(t, err);
        if (rc != HILO_OK)
            return rc;
    }
    size_t at = t->at;
    if (!batch_event(t->p + t->batch, &t->head, t->index, &at, out, &why))
        return tail__bad(t, err, why);
    t->at = at;
    t->index++;
    t->seq = t->taken_seq = out->head.seq;
    t->taken_crc = out->head.crc;
    t->taken_epoch = (uint32_t)t->seg.epoch;
    return HILO_OK;
}

/* ---- finding a place ------------------------------------------------------------------ */

void tail_to_end(struct tail *t)
{
    position end;
    uint64_t seq;

    tail__leave(t);
    journal_reached(t->j, &seq, &end);
    t->limit = end;
    t->seq = seq;
    t->taken_seq = 0;
    if (end && tail__enter(t, POSITION_SEGMENT(end), NULL) == HILO_OK)
        t->offset = POSITION_OFFSET(end);
}

/* The first sequence of a segment; 0: it holds none. */
static int32_t tail__first(struct tail *t, uint32_t number, struct err *err, uint64_t *seq_out)
{
    struct batch_head head;
    enum batch_look look;
    const char *why;
    int32_t rc = tail__enter(t, number, err);

    if (rc == HILO_OK)
        rc = tail__look(t, SEGMENT_HEAD_BYTES, false, err, &look, &head, NULL, &why);
    if (rc == HILO_OK)
        *seq_out = look == BATCH_GOOD ? head.first_seq : 0;
    return rc;
}

/* The first batch at or behind an offset, before end. *offset_out: end if there is none. */
static int32_t tail__search(struct tail *t, uint64_t offset, uint64_t end, struct err *err,
                            uint64_t *offset_out, struct batch_head *head_out)
{
    while (offset < end) {
        size_t at;
        enum batch_look look;
        const char *why;
        int32_t rc = tail__see(t, offset, BATCH_ALIGN, err, &at);
        if (rc != HILO_OK)
            return rc;
        size_t n = t->n - at, zeros = journal_zeros(t->p + at, n);
        if (zeros == n) {
            offset += n;
            continue;
        }
        offset += zeros / BATCH_ALIGN * BATCH_ALIGN;
        if (offset >= end)
            break;
        rc = tail__look(t, offset, false, err, &look, head_out, NULL, &why);
        if (rc != HILO_OK)
            return rc;
        if (look == BATCH_GOOD) {
            *offset_out = offset;
            return HILO_OK;
        }
        offset += BATCH_ALIGN;
    }
    *offset_out = end;
    return HILO_OK;
}

/* Within the present segment, whose first batch is not behind it: to the batch with this sequence. */
static int32_t tail__within(struct tail *t, uint64_t seq, struct err *err)
{
    uint64_t low = SEGMENT_HEAD_BYTES, high = tail__end(t);
    struct batch_head head;
    enum batch_look look;
    const char *why;

    while (high - low > 4 * (uint64_t)WINDOW_BYTES) {
        uint64_t middle = (low + (high - low) / 2) / BATCH_ALIGN * BATCH_ALIGN, found = high;
        int32_t rc = tail__search(t, middle, high, err, &found, &head);
        if (rc != HILO_OK)
            return rc;
        if (found == high || head.first_seq > seq)
            high = middle;
        else
            low = found;
    }
    for (;;) {
        int32_t rc = tail__look(t, low, false, err, &look, &head, NULL, &why);
        if (rc != HILO_OK)
            return rc;
        t->offset = low;
        t->seq = seq - 1;
        if (look != BATCH_GOOD || head.first_seq > seq)
            return tail__bad(t, err, look == BATCH_GOOD ? "a later batch stands there" : why);
        if (seq - head.first_seq < head.count) {
            t->seq = head.first_seq - 1;
            return HILO_OK;
        }
        low += head.bytes;
    }
}

/* Stands before the batch that holds this sequence, which is on disk. */
static int32_t tail__find(struct tail *t, uint64_t seq, struct err *err)
{
    uint32_t low = segment_set_first(&t->j->set), high = POSITION_SEGMENT(t->limit);
    uint64_t first = 0;
    int32_t rc = tail__first(t, low, err, &first);

    if (rc != HILO_OK)
        return rc;
    if (first == 0)
        return tail__bad(t, err, "the oldest segment begins with none");
    if (seq < first)
        return err_set(err, HILO_NOTFOUND, "the oldest event that is kept is %llu",
                       (unsigned long long)first);
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        rc = tail__first(t, middle, err, &first);
        if (rc != HILO_OK)
            return rc;
        if (first == 0 || first > seq)
            high = middle - 1;
        else
            low = middle;
    }
    rc = tail__enter(t, low, err);
    return rc == HILO_OK ? tail__within(t, seq, err) : rc;
}

int32_t tail_to_seq(struct tail *t, uint64_t after, struct err *err)
{
    struct event ev;
    int32_t rc;

    tail_to_end(t);
    if (after == t->seq)
        return HILO_OK;
    if (after > t->seq)
        return err_set(err, HILO_INVALID, "the newest event is %llu", (unsigned long long)t->seq);
    rc = tail__find(t, after + 1, err);
    while (rc == HILO_OK && t->seq < after)
        rc = tail_next(t, &ev, err);
    t->taken_seq = 0;
    if (rc != HILO_OK)
        tail_to_end(t);
    return rc;
}

int32_t tail_to_oldest(struct tail *t, struct err *err)
{
    uint64_t first = 0;
    int32_t rc;

    tail_to_end(t);
    if (t->seq == 0)
        return HILO_OK;
    rc = tail__first(t, segment_set_first(&t->j->set), err, &first);
    if (rc == HILO_OK && first == 0)
        rc = tail__bad(t, err, "the oldest segment begins with none");
    if (rc == HILO_OK)
        t->seq = first - 1;
    else
        tail_to_end(t);
    return rc;
}

int32_t tail_to_id(struct tail *t, struct hilo_id after, struct err *err)
{
    const uint64_t seq = tail_id_seq(after);
    struct event ev;
    struct hilo_id is;
    int32_t rc;

    if (seq == 0)
        return err_set(err, HILO_INVALID, "no event has this id");
    rc = tail_to_seq(t, seq - 1, err);
    if (rc == HILO_OK)
        rc = tail_next(t, &ev, err);
    if (rc == HILO_AGAIN)
        rc = err_set(err, HILO_INVALID, "the newest event is %llu", (unsigned long long)t->seq);
    if (rc == HILO_OK) {
        is = tail_id(t);
        if (memcmp(is.b, after.b, sizeof is.b) != 0)
            rc = err_set(err, HILO_STALE,
                         "event %llu is another one now: the store was restored from an earlier time",
                         (unsigned long long)seq);
    }
    if (rc != HILO_OK)
        tail_to_end(t);
    return rc;
}
