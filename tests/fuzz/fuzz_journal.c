/*
 * Recovery over any bytes where batches should be.
 *
 * The first byte says: bit 0, heads and checksums are put right, so that what is
 * behind them is met; bit 1, the second half stands in a second segment; bit 2, recovery
 * starts where its first run ended. The rest are the segment's bytes behind its head.
 *
 * Beyond not crashing: what was delivered is in order and within its batch, and a
 * journal that was accepted and cut is whole at the next start, with the same end.
 */
#include "store/journal/internal.h"
#include "base/check.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 64 << 10 };
#define EPOCH(number) (0x1122334455667788u + (number))

static int no_sync(int fd)
{
    (void)fd;
    return 0;
}

static const struct journal_sys fuzz_sys = {.pwrite = pwrite,
                                            .fdatasync = no_sync,
                                            .fsync = no_sync,
                                            .fallocate = fallocate,
                                            .forget = journal__forget};

/* What a writer would have put there: only lengths, counts, sequences and synced are the input's. */
static void put_right(uint8_t *p, size_t n, uint32_t number)
{
    for (size_t off = SEGMENT_HEAD_BYTES; off + BATCH_HEAD_BYTES <= n;) {
        struct batch_head h;
        memcpy(&h, p + off, sizeof h);
        h.epoch = EPOCH(number);
        h.at = POSITION(number, off);
        if (h.bytes < BATCH_HEAD_BYTES || h.bytes > n - off)
            return;
        for (size_t e = off + BATCH_HEAD_BYTES; e + EVENT_HEAD_BYTES <= off + h.bytes;) {
            struct event_head eh;
            memcpy(&eh, p + e, sizeof eh);
            if (eh.bytes < EVENT_HEAD_BYTES || eh.bytes > off + h.bytes - e)
                break;
            eh.crc = journal_crc32c(p + e + 8, eh.bytes - 8);
            memcpy(p + e, &eh, sizeof eh);
            e += (size_t)event_room(eh.bytes - EVENT_HEAD_BYTES);
        }
        batch_encode(p + off, h);
        off += h.bytes;
    }
}

static void segment_put(const char *dir, uint32_t number, const uint8_t *data, size_t size, bool right)
{
    char path[128];
    size_t length = (SEGMENT_HEAD_BYTES + size + 4096) & ~(size_t)4095;
    uint8_t *p = calloc(1, length);
    CHECK(p);
    segment_head_encode(p, (struct segment_head){.number = number, .epoch = EPOCH(number), .length = length});
    if (size)
        memcpy(p + SEGMENT_HEAD_BYTES, data, size);
    if (right)
        put_right(p, length, number);
    snprintf(path, sizeof path, "%s/%s", dir, segment_name(number).z);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, p, length) == (ssize_t)length);
    close(fd);
    free(p);
}

struct replayed {
    uint64_t seq, n;
    position at, end;
    uint32_t sum;
};

static int32_t see(void *arg, const struct event *e, position batch_end)
{
    struct replayed *r = arg;
    CHECK(r->n == 0 || e->head.seq == r->seq + 1);
    CHECK(e->at > r->at && e->at >= r->end);
    CHECK(batch_end == 0 || batch_end > e->at);
    r->seq = e->head.seq;
    r->at = e->at;
    if (batch_end)
        r->end = batch_end;
    r->n++;
    r->sum += journal_crc32c(e->body.p, (size_t)e->body.n);
    return HILO_OK;
}

static int32_t recover(const char *dir, position from, uint64_t from_seq, bool cut, struct replayed *seen,
                       struct journal_recovery *r)
{
    struct segment_set set;
    struct err err = {0};
    uint32_t unfinished = 0;
    int32_t rc = segment_set_init(&set, dir, false, &fuzz_sys, &err);
    CHECK(rc == HILO_OK);
    rc = segment_set_load(&set, &err, &unfinished);
    CHECK(rc == HILO_OK && unfinished == 0);
    rc = journal__scan(&set, from, from_seq, see, seen, &err, r);
    CHECK(rc == HILO_OK || (rc == HILO_CORRUPT && err.text[0]));
    if (rc == HILO_OK && cut && r->cut_bytes)
        CHECK(journal__cut(&set, r->end, &err) == HILO_OK);
    segment_set_done(&set);
    return rc;
}

static char scratch[64]; /* one a process: the files are written over each time */

static void dir_remove(void)
{
    char path[128];

    for (uint32_t number = 1; number <= 2; number++) {
        snprintf(path, sizeof path, "%s/%s", scratch, segment_name(number).z);
        (void)unlink(path);
    }
    (void)rmdir(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX)
        return 0;
    if (!scratch[0]) {
        snprintf(scratch, sizeof scratch, "%s/hilo-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        CHECK(mkdtemp(scratch) && atexit(dir_remove) == 0);
    }
    const uint8_t flags = data[0];
    const size_t n = size - 1, first = flags & 2 ? n / 2 & ~(size_t)7 : n;
    char path[128];
    segment_put(scratch, 1, data + 1, first, flags & 1);
    if (flags & 2) {
        segment_put(scratch, 2, data + 1 + first, n - first, flags & 1);
    } else {
        snprintf(path, sizeof path, "%s/%s", scratch, segment_name(2).z);
        (void)unlink(path);
    }
    struct replayed a = {0}, b = {0};
    struct journal_recovery r = {0}, again = {0};
    if (recover(scratch, 0, 0, true, &a, &r) != HILO_OK)
        return 0;
    CHECK(r.last_seq == a.seq && r.events == a.n && r.end >= a.end);
    const bool resume = (flags & 4) && a.end;
    CHECK(recover(scratch, resume ? a.end : 0, resume ? a.seq : 0, false, &b, &again) == HILO_OK);
    CHECK(again.cut_bytes == 0 && again.end == r.end && again.last_seq == r.last_seq);
    CHECK(resume ? b.n == 0 : b.n == a.n && b.sum == a.sum);
    return 0;
}
