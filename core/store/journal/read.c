/*
 * Reading one event by its position, from memory while it is not yet written, else
 * from its file.
 *
 * Why no lock is needed for the file: a batch leaves the lists in memory only after
 * it was written, and written events never change. So what isn't found in memory
 * stands in the file, if it was ever appended.
 */
#include "store/journal/internal.h"
#include <string.h>

enum { FIRST_READ_BYTES = 1024 };

static int32_t bad(struct err *err, int32_t code, position at, const char *why)
{
    return err_set(err, code, "segment %s, offset %u: %s", segment_name(POSITION_SEGMENT(at)).z,
                   POSITION_OFFSET(at), why);
}

/* HILO_AGAIN: not in memory. */
static int32_t read_memory(struct journal *j, position at, struct arena *arena, struct event *out,
                           struct err *err)
{
    int32_t rc = HILO_AGAIN;
    struct event e;
    const char *why = NULL;
    pthread_mutex_lock(&j->mem);
    const struct batch *b = batch_list_find(&j->queue, at);
    if (!b)
        b = batch_list_find(&j->writing, at);
    if (b) {
        size_t off = POSITION_OFFSET(at) - b->offset;
        if (off < BATCH_HEAD_BYTES || !event_decode(b->p + off, b->n - off, &e, &why)) {
            rc = bad(err, HILO_CORRUPT, at, why ? why : "no event begins in a batch's head");
        } else {
            e.at = at;
            e.body.p = arena_dup(arena, e.body.p, (size_t)e.body.n);
            *out = e;
            rc = HILO_OK;
        }
    } else if (at >= POSITION(j->active.number, j->cursor)) {
        rc = bad(err, HILO_CORRUPT, at, "this is beyond the journal's end, so no event stands there");
    }
    pthread_mutex_unlock(&j->mem);
    return rc;
}

static int32_t read_file(const struct segment *seg, position at, struct arena *arena, struct event *out,
                         struct err *err)
{
    uint8_t first[FIRST_READ_BYTES];
    struct event e;
    const char *why = NULL;
    uint64_t offset = POSITION_OFFSET(at);
    if (offset + EVENT_HEAD_BYTES > seg->length)
        return bad(err, HILO_CORRUPT, at, "this is beyond the segment's end, so no event stands there");
    size_t room = (size_t)(seg->length - offset);
    int32_t rc = segment_read(seg, first, room < sizeof first ? room : sizeof first, offset, err);
    if (rc != HILO_OK)
        return rc;
    if (!event_head_decode(first, &e.head, &why))
        return bad(err, HILO_CORRUPT, at, why);
    size_t bytes = e.head.bytes;
    if (bytes > room)
        return bad(err, HILO_CORRUPT, at, "an event reaches beyond its segment");
    uint8_t *p = arena_alloc(arena, bytes);
    memcpy(p, first, bytes < sizeof first ? bytes : sizeof first);
    if (bytes > sizeof first)
        rc = segment_read(seg, p + sizeof first, bytes - sizeof first, offset + sizeof first, err);
    if (rc != HILO_OK)
        return rc;
    if (!event_decode(p, bytes, &e, &why))
        return bad(err, HILO_CORRUPT, at, why);
    e.at = at;
    *out = e;
    return HILO_OK;
}

int32_t journal_oldest(struct journal *j, struct arena *arena, struct event *out, struct err *err)
{
    position first = POSITION(segment_set_first(&j->set), SEGMENT_HEAD_BYTES + BATCH_HEAD_BYTES);
    bool none;
    pthread_mutex_lock(&j->mem);
    none = first >= POSITION(j->active.number, j->cursor);
    pthread_mutex_unlock(&j->mem);
    return none ? HILO_NOTFOUND : journal_read(j, first, arena, out, err);
}

int32_t journal_read(struct journal *j, position at, struct arena *arena, struct event *out, struct err *err)
{
    struct segment seg;
    if (POSITION_OFFSET(at) < SEGMENT_HEAD_BYTES + BATCH_HEAD_BYTES || POSITION_OFFSET(at) % BATCH_ALIGN != 0)
        return err_set(err, HILO_INVALID, "%llu is no position of an event", (unsigned long long)at);
    int32_t rc = read_memory(j, at, arena, out, err);
    if (rc != HILO_AGAIN)
        return rc;
    rc = segment_set_pin(&j->set, POSITION_SEGMENT(at), err, &seg);
    if (rc != HILO_OK)
        return rc;
    rc = read_file(&seg, at, arena, out, err);
    segment_set_unpin(&j->set, seg.number);
    return rc;
}
