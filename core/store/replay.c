/*
 * Replay. How much there is in all is known only when the end is met, so the segments' whole
 * lengths stand for it, without those that were never written to: the share told is too
 * small, by less than a segment.
 */
#include "store/replay.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/apply.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEYS_MAX = 500000,
    TELL_US = 2000000,
    FULL_US = 1000000,
    SEGMENT_HEAD = 4096 /* the first batch stands behind it */
};
static const uint64_t BYTES_MAX = UINT64_C(256) << 20;

void replay_init(struct replay *r, struct context *context, struct arena *arena, struct log *log,
                 const char *journal_dir)
{
    *r = (struct replay){.context = context,
                         .arena = arena,
                         .log = log,
                         .journal_dir = journal_dir,
                         .keys_max = KEYS_MAX,
                         .bytes_max = BYTES_MAX,
                         .tell_us = TELL_US,
                         .told_us = clock_mono_us()};
    context_reached(context, &r->seq, &r->end);
}

/* ---- how far it is ---- */

/* A segment's bytes; 0: there is none, or nothing was written to it. */
static uint64_t segment_bytes(const struct replay *r, uint32_t number)
{
    char path[4096];
    uint64_t first = 0;
    struct stat st;
    int fd;

    if (snprintf(path, sizeof path, "%s/%010" PRIu32 ".seg", r->journal_dir, number) >= (int)sizeof path)
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) != 0 || pread(fd, &first, sizeof first, SEGMENT_HEAD) != sizeof first)
        first = 0;
    close(fd);
    return first ? (uint64_t)st.st_size : 0;
}

/* Bytes from one position to another, of this or a later segment. */
static uint64_t distance(const struct replay *r, position from, position to)
{
    uint64_t bytes = POSITION_OFFSET(to);

    for (uint32_t n = POSITION_SEGMENT(from); n < POSITION_SEGMENT(to); n++)
        bytes += segment_bytes(r, n);
    return bytes - POSITION_OFFSET(from);
}

static void tell(struct replay *r)
{
    int64_t now = clock_mono_us();
    uint64_t done, more;

    if (now - r->told_us < r->tell_us)
        return;
    r->told_us = now;
    if (r->total == 0) {
        uint32_t last = POSITION_SEGMENT(r->from);
        while ((more = segment_bytes(r, last)) > 0)
            r->total += more, last++;
        r->total -= POSITION_OFFSET(r->from);
    }
    done = distance(r, r->from, r->end);
    log_event(r->log, HILO_LOG_INFO, "store.replaying",
              "done=%" PRIu64 " of=%" PRIu64 " percent=%u seq=%" PRIu64
              " note=\"bytes of the journal that the context does not have yet\"",
              done, r->total, r->total ? (unsigned)(done * 100 / r->total) : 0, r->seq);
}

/* ---- the work ---- */

/* What is replayed is on disk, so it may go to LMDB. */
static int32_t flush(struct replay *r, struct err *err)
{
    int64_t now = clock_mono_us();
    int32_t rc;

    if (now < r->full_until_us)
        return HILO_OK;
    rc = context_wait(r->context, err);
    if (rc == HILO_FULL) {
        /* It stays in memory, as it did before the restart; each try is a whole transaction. */
        r->full_until_us = now + FULL_US;
        return HILO_OK;
    }
    if (rc == HILO_OK) {
        context_rotate(r->context, r->seq, r->end);
        context_synced(r->context, r->seq);
    }
    return rc;
}

int32_t replay_event(void *arg, const struct event *ev, position batch_end)
{
    struct replay *r = arg;
    struct context_stats st;
    struct err e = {0};
    int32_t rc = apply_event(r->context, r->arena, ev, NULL, &e);

    arena_reset(r->arena);
    if (r->from == 0)
        r->from = ev->at;
    if (rc == HILO_OK && ev->head.time_us > r->newest_us)
        r->newest_us = ev->head.time_us;
    if (rc == HILO_OK && batch_end) {
        r->seq = ev->head.seq;
        r->end = batch_end;
        context_stats(r->context, &st);
        if (st.active_keys >= r->keys_max || st.pending_bytes >= r->bytes_max)
            rc = flush(r, &e);
        tell(r);
    }
    if (rc != HILO_OK)
        log_event(r->log, HILO_LOG_ERROR, "store.replay_failed", "seq=%" PRIu64 " error=%s", ev->head.seq,
                  LOG_VALUE(str(e.text)));
    return rc;
}
