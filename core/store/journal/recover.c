/*
 * Recovery: where does the journal end, and is what lies behind that a torn tail or
 * damage?
 *
 * The walk goes batch by batch from the place that the caller has reached. It stops
 * at the first place X that holds no good batch and where the sequence doesn't go on in
 * the next segment. Then everything behind X is searched for good batches. One that
 * names a position beyond X as synced proves that X was once on disk: damage,
 * nothing is changed. Otherwise nobody was ever told that X is on disk, and what
 * lies there (also whole batches: a commit writes several before it syncs, and the disk
 * may have kept the later ones only) is cut. That rule is the same for zeros and for
 * garbage at X, and it gives the same answer when a cut is itself cut short.
 *
 * A good batch whose sequence doesn't continue is damage at once: no crash makes
 * one.
 *
 * A closing mark (journal.h) is a witness like any batch, and otherwise as good as zeros: where the
 * walk meets one, no batch is.
 *
 * Limits: without a closing mark nothing names the batches of the last commit. When they go bad after
 * the sync, nothing tells that from a torn tail. Batches before "from" are hopped
 * over without a look at their contents.
 */
#include "store/journal/internal.h"
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 1 << 20, WORDS_BYTES = 160 };

/* A window that slides over one segment at a time. */
struct window {
    struct segment_set *set;
    struct segment seg; /* number 0: none is pinned */
    uint8_t *p;
    size_t n, cap;
    uint64_t offset;
};

struct scan {
    struct window w;
    position from;
    uint64_t from_seq;
    int32_t (*replay)(void *, const struct event *, position);
    void *arg;
    uint32_t last; /* segment */
    uint32_t offset;
    uint64_t seq;
    bool seq_known; /* seq is the one before what stands at offset */
    bool reached;   /* from has been met */
    bool closed;    /* a closing mark stands at offset */
    struct journal_recovery r;
};

static int32_t window_move(struct window *w, uint32_t number, struct err *err)
{
    struct segment seg;
    if (w->seg.number == number)
        return HILO_OK;
    int32_t rc = segment_set_pin(w->set, number, err, &seg);
    if (rc != HILO_OK)
        return rc;
    if (w->seg.number)
        segment_set_unpin(w->set, w->seg.number);
    w->seg = seg;
    w->n = 0;
    return HILO_OK;
}

/* offset + n is within the segment. p_out is good until the next call. */
static int32_t window_see(struct window *w, uint64_t offset, size_t n, struct err *err, const uint8_t **p_out)
{
    CHECK(offset <= w->seg.length && n <= w->seg.length - offset);
    if (w->n == 0 || offset < w->offset || offset + n > w->offset + w->n) {
        size_t want = n > WINDOW_BYTES ? n : WINDOW_BYTES;
        if (want > w->seg.length - offset)
            want = (size_t)(w->seg.length - offset);
        if (want > w->cap) {
            uint8_t *more = realloc(w->p, want);
            if (!more)
                return err_set(err, HILO_NOMEM, "segment %s, offset %llu: no memory for a batch of %zu bytes",
                               segment_name(w->seg.number).z, (unsigned long long)offset, n);
            w->p = more;
            w->cap = want;
        }
        w->n = 0;
        int32_t rc = segment_read(&w->seg, w->p, want, offset, err);
        if (rc != HILO_OK)
            return rc;
        w->n = want;
        w->offset = offset;
    }
    *p_out = w->p + (offset - w->offset);
    return HILO_OK;
}

static void window_done(struct window *w)
{
    if (w->seg.number)
        segment_set_unpin(w->set, w->seg.number);
    free(w->p);
}

/* What stands at an offset of the window's segment. A GOOD batch has a good CRC, too,
 * when whole is set, and p_out has all of it; otherwise only its head. */
static int32_t look(struct window *w, uint64_t offset, bool whole, struct err *err, enum batch_look *look_out,
                    struct batch_head *head_out, const uint8_t **p_out, const char **why_out)
{
    const uint8_t *p = NULL;
    uint64_t room = w->seg.length - offset;
    if (room < BATCH_HEAD_BYTES) {
        *look_out = BATCH_NONE;
        *why_out = "the segment ends";
        return HILO_OK;
    }
    int32_t rc = window_see(w, offset, BATCH_HEAD_BYTES, err, &p);
    if (rc != HILO_OK)
        return rc;
    enum batch_look l =
        batch_head_decode(p, w->seg.epoch, POSITION(w->seg.number, offset), room, head_out, why_out);
    if (l == BATCH_GOOD && whole) {
        rc = window_see(w, offset, head_out->bytes, err, &p);
        if (rc != HILO_OK)
            return rc;
        if (!batch_crc_good(p, head_out)) {
            *why_out = "the batch's checksum is wrong";
            l = BATCH_BAD;
        }
    }
    *look_out = l;
    *p_out = p;
    return HILO_OK;
}

/* ---- the walk -------------------------------------------------------------------- */

static int32_t damaged(const struct scan *s, struct err *err, const char *why)
{
    return err_set(err, HILO_CORRUPT,
                   "segment %s, offset %u: %s; this was written that way or damaged later, so nothing is "
                   "changed: restore the store from a backup",
                   segment_name(s->w.seg.number).z, s->offset, why);
}

static int32_t ahead(const struct scan *s, struct err *err, const char *why)
{
    return err_set(
        err, HILO_CORRUPT,
        "the context is ahead of the journal: it has reached event %llu at segment %s, offset %u, but "
        "%s (segment %s, offset %u); context and journal must be of the same time: restore both",
        (unsigned long long)s->from_seq, segment_name(POSITION_SEGMENT(s->from)).z, POSITION_OFFSET(s->from),
        why, segment_name(s->w.seg.number).z, s->offset);
}

/* Has the walk come to from? It must meet it exactly. */
static int32_t meet(struct scan *s, struct err *err)
{
    position here = POSITION(s->w.seg.number, s->offset);
    if (s->reached || here < s->from)
        return HILO_OK;
    if (here > s->from)
        return ahead(s, err, "no batch ends there");
    if (s->seq_known && s->seq != s->from_seq)
        return ahead(s, err, "another event is the last before it");
    s->seq = s->from_seq;
    s->seq_known = true;
    s->reached = true;
    return HILO_OK;
}

static int32_t deliver(struct scan *s, const uint8_t *p, const struct batch_head *h, struct err *err)
{
    size_t off = BATCH_HEAD_BYTES;
    const char *why = NULL;
    for (uint32_t i = 0; i < h->count; i++) {
        struct event e;
        if (!batch_event(p, h, i, &off, &e, &why))
            return damaged(s, err, why);
        s->r.events++;
        if (!s->replay)
            continue;
        int32_t rc = s->replay(s->arg, &e, i + 1 == h->count ? h->at + h->bytes : 0);
        if (rc != HILO_OK)
            return err && err->code == rc
                       ? rc
                       : err_set(err, rc, "segment %s, offset %u: event %llu could not be replayed",
                                 segment_name(s->w.seg.number).z, POSITION_OFFSET(e.at),
                                 (unsigned long long)e.head.seq);
    }
    s->r.bytes += h->bytes;
    return HILO_OK;
}

/* A good batch, or closing mark, at the place of the walk. */
static int32_t step(struct scan *s, const uint8_t *p, const struct batch_head *h, struct err *err)
{
    char words[WORDS_BYTES];
    if (s->seq_known && h->first_seq != s->seq + 1) {
        snprintf(words, sizeof words, "event %llu is expected, the batch there begins with %llu",
                 (unsigned long long)(s->seq + 1), (unsigned long long)h->first_seq);
        return damaged(s, err, words);
    }
    if (h->synced > h->at)
        return damaged(s, err, "the batch names a synced position beyond itself");
    s->r.synced = h->synced;
    s->closed = h->count == 0;
    if (s->closed)
        return HILO_OK;
    if (s->reached) {
        int32_t rc = deliver(s, p, h, err);
        if (rc != HILO_OK)
            return rc;
    }
    s->r.newest = h->at + BATCH_HEAD_BYTES;
    s->seq = h->first_seq + h->count - 1;
    s->seq_known = true;
    s->offset += h->bytes;
    return meet(s, err);
}

/* Does the sequence go on at the start of the next segment? Then the window is there. */
static int32_t goes_on(struct scan *s, struct err *err, bool *yes_out)
{
    enum batch_look l;
    struct batch_head h;
    const uint8_t *p = NULL;
    const char *why = NULL;
    uint32_t here = s->w.seg.number;
    *yes_out = false;
    if (here >= s->last || !s->reached)
        return HILO_OK;
    int32_t rc = window_move(&s->w, here + 1, err);
    if (rc == HILO_OK)
        rc = look(&s->w, SEGMENT_HEAD_BYTES, true, err, &l, &h, &p, &why);
    if (rc != HILO_OK)
        return rc;
    if (l == BATCH_GOOD && h.count && h.first_seq == s->seq + 1) {
        *yes_out = true;
        s->closed = false;
        s->offset = SEGMENT_HEAD_BYTES;
        return HILO_OK;
    }
    return window_move(&s->w, here, err);
}

/* Up to the first place with no good batch. */
static int32_t walk(struct scan *s, struct err *err, const char **why_out)
{
    int32_t rc = meet(s, err);
    while (rc == HILO_OK) {
        enum batch_look l;
        struct batch_head h;
        const uint8_t *p = NULL;
        rc = look(&s->w, s->offset, s->reached, err, &l, &h, &p, why_out);
        if (rc != HILO_OK)
            return rc;
        if (l == BATCH_GOOD) {
            rc = step(s, p, &h, err);
            if (rc != HILO_OK || !s->closed)
                continue;
            *why_out = "the journal was closed there";
        }
        bool yes = false;
        rc = goes_on(s, err, &yes);
        if (rc != HILO_OK || !yes)
            return rc;
    }
    return rc;
}

/* ---- the verdict -------------------------------------------------------------------- */

/* Searches one segment from an offset for a batch that names a position beyond stop,
 * and counts what isn't zero. Batches may begin at any multiple of 8. */
static int32_t search(struct window *w, uint64_t from, position stop, struct err *err, bool *named_out,
                      struct batch_head *witness_out, uint64_t *used_out)
{
    int32_t rc = HILO_OK;
    uint64_t used = 0, off = from;
    while (off < w->seg.length) {
        const uint8_t *p = NULL;
        enum batch_look l;
        const char *why = NULL;
        struct batch_head h;
        rc = window_see(w, off, BATCH_ALIGN, err, &p);
        if (rc != HILO_OK)
            return rc;
        size_t n = (size_t)(w->offset + w->n - off); /* as far as the window goes */
        size_t zeros = journal_zeros(p, n);
        if (zeros == n) {
            off += n;
            continue;
        }
        off += zeros / BATCH_ALIGN * BATCH_ALIGN;
        rc = look(w, off, true, err, &l, &h, &p, &why);
        if (rc != HILO_OK)
            return rc;
        if (l == BATCH_GOOD && h.synced > stop && h.synced <= h.at) {
            *named_out = true;
            *witness_out = h;
            return HILO_OK;
        }
        off += l == BATCH_GOOD ? h.bytes : BATCH_ALIGN;
        used = off - from;
    }
    *used_out = used < w->seg.length - from ? used : w->seg.length - from;
    return HILO_OK;
}

static int32_t judge(struct scan *s, const char *why, struct err *err)
{
    const uint32_t number = s->w.seg.number;
    const position stop = POSITION(number, s->offset);
    const uint32_t begin = s->offset + (s->closed ? BATCH_HEAD_BYTES : 0);
    struct batch_head witness = {0};
    for (uint32_t n = number; n <= s->last; n++) {
        bool named = false;
        uint64_t used = 0;
        int32_t rc = window_move(&s->w, n, err);
        if (rc == HILO_OK)
            rc = search(&s->w, n == number ? begin : SEGMENT_HEAD_BYTES, stop, err, &named, &witness, &used);
        if (rc != HILO_OK)
            return rc;
        if (named)
            return err_set(
                err, HILO_CORRUPT,
                "segment %s, offset %u: event %llu is expected but %s; it was on disk once, as the batch "
                "at segment %s, offset %u says, so nothing is changed: restore the store from a backup",
                segment_name(number).z, POSITION_OFFSET(stop), (unsigned long long)(s->seq + 1), why,
                segment_name(n).z, POSITION_OFFSET(witness.at));
        s->r.cut_bytes += used;
    }
    s->r.end = stop;
    s->r.cut_at = s->r.cut_bytes ? stop : 0;
    s->r.last_seq = s->seq;
    return HILO_OK;
}

/* Where the walk begins: from's segment, whose batches are hopped over up to from. */
static int32_t start(struct scan *s, struct err *err)
{
    uint32_t first = segment_set_first(s->w.set), number = first;
    if (s->from) {
        number = POSITION_SEGMENT(s->from);
        if (number < first)
            return err_set(err, HILO_CORRUPT,
                           "the context has reached segment %s, but the journal begins with %s; restore the "
                           "segments that are missing",
                           segment_name(number).z, segment_name(first).z);
        if (number > s->last)
            return err_set(
                err, HILO_CORRUPT,
                "the context is ahead of the journal: it has reached segment %s, but the journal ends "
                "with %s; context and journal must be of the same time: restore both",
                segment_name(number).z, segment_name(s->last).z);
    } else {
        s->reached = true;
        s->seq_known = first == 1; /* otherwise the first batch says where the sequence stands */
    }
    s->offset = SEGMENT_HEAD_BYTES;
    return window_move(&s->w, number, err);
}

int32_t journal__scan(struct segment_set *set, position from, uint64_t from_seq,
                      int32_t (*replay)(void *arg, const struct event *, position batch_end), void *arg,
                      struct err *err, struct journal_recovery *out)
{
    struct scan s = {.w = {.set = set},
                     .from = from,
                     .from_seq = from_seq,
                     .replay = replay,
                     .arg = arg,
                     .last = segment_set_last(set)};
    const char *why = "";
    if (s.last == 0) {
        if (from)
            return err_set(err, HILO_CORRUPT,
                           "the context is ahead of the journal: it has reached event %llu, but %s holds no "
                           "segment; restore it from a backup",
                           (unsigned long long)from_seq, set->dir);
        *out = s.r;
        return HILO_OK;
    }
    int32_t rc = start(&s, err);
    if (rc == HILO_OK)
        rc = walk(&s, err, &why);
    if (rc == HILO_OK && !s.reached)
        rc = ahead(&s, err, "the journal's batches end before");
    if (rc == HILO_OK && !s.seq_known)
        rc = damaged(&s, err, "the oldest segment holds no event, so the ones before it are missing");
    if (rc == HILO_OK)
        rc = judge(&s, why, err);
    if (rc == HILO_OK)
        *out = s.r;
    window_done(&s.w);
    return rc;
}

/* ---- what was found, made durable ------------------------------------------------------ */

/* The same bytes in their place, so that their pages are dirty again. Both are multiples of a block. */
static int32_t write_again(struct segment_set *set, struct window *w, uint64_t offset, uint64_t end,
                           struct err *err)
{
    int32_t rc = HILO_OK;
    while (rc == HILO_OK && offset < end) {
        const uint8_t *p = NULL;
        size_t n = (size_t)(end - offset < WINDOW_BYTES ? end - offset : WINDOW_BYTES);
        rc = window_see(w, offset, n, err, &p);
        if (rc == HILO_OK)
            rc = segment_write(set->sys, &w->seg, p, n, offset, err);
        offset += n;
    }
    return rc;
}

int32_t journal__settle_found(struct segment_set *set, const struct journal_recovery *r, position from,
                              struct err *err)
{
    const uint64_t block = SEGMENT_HEAD_BYTES;
    const position known = r->synced ? r->synced : r->end;
    const uint32_t first = segment_set_first(set), last = segment_set_last(set);
    const uint32_t begin = POSITION_SEGMENT(known) > first ? POSITION_SEGMENT(known) : first;
    struct window w = {.set = set};
    int32_t rc = HILO_OK;
    for (uint32_t n = begin; n <= last && rc == HILO_OK; n++) {
        uint64_t at = 0, end = block; /* the head of one that was being made, too */
        rc = window_move(&w, n, err);
        if (rc != HILO_OK)
            break;
        if (n == POSITION_SEGMENT(known) && POSITION_OFFSET(known) > block)
            at = POSITION_OFFSET(known) / block * block;
        if (n < POSITION_SEGMENT(r->end))
            end = w.seg.length;
        else if (n == POSITION_SEGMENT(r->end))
            end = (POSITION_OFFSET(r->end) + block - 1) / block * block;
        rc = write_again(set, &w, at, end, err);
    }
    window_done(&w);
    if (rc != HILO_OK)
        return rc;
    return segment_set_sync(set, begin < POSITION_SEGMENT(from) ? begin : POSITION_SEGMENT(from), err);
}

/* ---- the cut ------------------------------------------------------------------------- */

static int32_t zero_from(struct segment_set *set, struct window *w, uint64_t offset, struct err *err)
{
    static const uint8_t zero[WINDOW_BYTES / 16];
    int32_t rc = HILO_OK;
    while (rc == HILO_OK && offset < w->seg.length) {
        const uint8_t *p = NULL;
        size_t n = (size_t)(w->seg.length - offset < sizeof zero ? w->seg.length - offset : sizeof zero);
        rc = window_see(w, offset, n, err, &p);
        if (rc == HILO_OK && journal_zeros(p, n) != n)
            rc = segment_write(set->sys, &w->seg, zero, n, offset, err);
        offset += n;
    }
    return rc;
}

int32_t journal__cut(struct segment_set *set, position end, struct err *err)
{
    struct window w = {.set = set};
    int32_t rc = HILO_OK;
    uint32_t number = POSITION_SEGMENT(end), last = segment_set_last(set);
    for (uint32_t n = number; n <= last && rc == HILO_OK; n++) {
        rc = window_move(&w, n, err);
        if (rc == HILO_OK)
            rc = zero_from(set, &w, n == number ? POSITION_OFFSET(end) : SEGMENT_HEAD_BYTES, err);
        if (rc == HILO_OK)
            rc = segment_sync(set->sys, &w.seg, err);
    }
    window_done(&w);
    return rc;
}
