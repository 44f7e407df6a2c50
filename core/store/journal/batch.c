/*
 * Heads of segments, batches and events: bytes to structs and back.
 *
 * Invariants: nothing here reads beyond the length it was given; a length found in
 * the bytes is checked before it is used; no function allocates, logs or calls the
 * system. A head is copied out before it is looked at, as the bytes need not be
 * aligned.
 *
 * CRC32C comes from ISA-L, which uses the processor's instructions.
 */
#include "store/journal/batch.h"
#include "base/check.h"
#include <isa-l/crc.h>
#include <string.h>

#define BATCH_MAGIC 0x54424c48u /* "HLBT" */
static const uint8_t SEGMENT_MAGIC[8] = {'H', 'i', 'l', 'o', 'S', 'e', 'g', 0x1a};

uint32_t journal_crc32c(const void *p, size_t n)
{
    CHECK(n <= INT32_MAX);
    /* The library only reads, though its prototype doesn't say so. */
    return ~crc32_iscsi((unsigned char *)(uintptr_t)p, (int)n, 0xffffffffu);
}

size_t journal_zeros(const void *p, size_t n)
{
    const uint8_t *b = p;
    static const uint8_t zero[1024];
    size_t i = 0;
    while (n - i >= sizeof zero && memcmp(b + i, zero, sizeof zero) == 0)
        i += sizeof zero;
    while (i < n && b[i] == 0)
        i++;
    return i;
}

/* ---- segments ---------------------------------------------------------------- */

static uint32_t segment_crc(const void *block)
{
    const size_t from = offsetof(struct segment_head, crc) + sizeof(uint32_t);
    return journal_crc32c((const uint8_t *)block + from, SEGMENT_HEAD_BYTES - from);
}

void segment_head_encode(void *block, struct segment_head head)
{
    memset(block, 0, SEGMENT_HEAD_BYTES);
    memcpy(head.magic, SEGMENT_MAGIC, sizeof head.magic);
    head.version = SEGMENT_VERSION;
    head.head_bytes = SEGMENT_HEAD_BYTES;
    memcpy(block, &head, sizeof head);
    head.crc = segment_crc(block);
    memcpy(block, &head, sizeof head);
}

enum segment_look segment_head_decode(const void *block, struct segment_head *head_out, const char **why_out)
{
    struct segment_head h;
    memcpy(&h, block, sizeof h);
    if (memcmp(h.magic, SEGMENT_MAGIC, sizeof h.magic) != 0) {
        *why_out = "it does not begin as a segment does";
        return SEGMENT_BAD;
    }
    if (h.version != SEGMENT_VERSION) {
        *head_out = h;
        *why_out = "its version is unknown";
        return SEGMENT_FOREIGN;
    }
    if (h.crc != segment_crc(block)) {
        *why_out = "its head's checksum is wrong";
        return SEGMENT_BAD;
    }
    if (h.head_bytes != SEGMENT_HEAD_BYTES || h.number == 0 || h.length % SEGMENT_HEAD_BYTES != 0 ||
        h.length <= SEGMENT_HEAD_BYTES || h.length > SEGMENT_BYTES_MAX) {
        *why_out = "its head's fields are out of range";
        return SEGMENT_BAD;
    }
    *head_out = h;
    return SEGMENT_GOOD;
}

/* ---- events -------------------------------------------------------------------- */

uint64_t event_room(uint64_t body_bytes)
{
    return (EVENT_HEAD_BYTES + body_bytes + (BATCH_ALIGN - 1)) & ~(uint64_t)(BATCH_ALIGN - 1);
}

/* The CRC covers the rest of the head and the body. */
static uint32_t event_crc(const void *p, uint32_t bytes)
{
    const size_t from = offsetof(struct event_head, crc) + sizeof(uint32_t);
    return journal_crc32c((const uint8_t *)p + from, bytes - from);
}

void event_encode(void *dst, struct event_head *head, struct hilo_str body)
{
    CHECK(body.n <= JOURNAL_GROUP_MAX);
    uint8_t *d = dst;
    head->bytes = (uint32_t)(EVENT_HEAD_BYTES + body.n);
    memcpy(d, head, sizeof *head);
    if (body.n)
        memcpy(d + EVENT_HEAD_BYTES, body.p, (size_t)body.n);
    memset(d + head->bytes, 0, (size_t)event_room(body.n) - head->bytes);
    head->crc = event_crc(d, head->bytes);
    memcpy(d + offsetof(struct event_head, crc), &head->crc, sizeof head->crc);
}

void event_flag(void *p, struct event_head *head, uint8_t flags)
{
    uint8_t *d = p;
    head->flags = flags;
    memcpy(d, head, sizeof *head);
    head->crc = event_crc(d, head->bytes);
    memcpy(d + offsetof(struct event_head, crc), &head->crc, sizeof head->crc);
}

bool event_head_decode(const void *p, struct event_head *out, const char **why_out)
{
    memcpy(out, p, sizeof *out);
    if (out->bytes < EVENT_HEAD_BYTES || out->bytes > JOURNAL_GROUP_MAX) {
        *why_out = "an event's length is out of range";
        return false;
    }
    return true;
}

bool event_decode(const void *p, size_t n, struct event *out, const char **why_out)
{
    struct event_head h;
    if (n < EVENT_HEAD_BYTES) {
        *why_out = "an event's head is cut off";
        return false;
    }
    if (!event_head_decode(p, &h, why_out))
        return false;
    if (h.bytes > n) {
        *why_out = "an event reaches beyond its batch";
        return false;
    }
    if (h.crc != event_crc(p, h.bytes)) {
        *why_out = "an event's checksum is wrong";
        return false;
    }
    out->head = h;
    out->body = (struct hilo_str){(const char *)p + EVENT_HEAD_BYTES, h.bytes - EVENT_HEAD_BYTES};
    return true;
}

/* ---- batches ------------------------------------------------------------------- */

static uint32_t batch_crc(const void *p, uint32_t bytes)
{
    const size_t from = offsetof(struct batch_head, crc) + sizeof(uint32_t);
    return journal_crc32c((const uint8_t *)p + from, bytes - from);
}

void batch_encode(void *batch, struct batch_head head)
{
    head.magic = BATCH_MAGIC;
    head.crc = 0;
    memcpy(batch, &head, sizeof head);
    head.crc = batch_crc(batch, head.bytes);
    memcpy(batch, &head, sizeof head);
}

enum batch_look batch_head_decode(const void *p, uint64_t epoch, position at, uint64_t room,
                                  struct batch_head *head_out, const char **why_out)
{
    struct batch_head h;
    if (journal_zeros(p, BATCH_HEAD_BYTES) == BATCH_HEAD_BYTES) {
        *why_out = "there is nothing";
        return BATCH_NONE;
    }
    memcpy(&h, p, sizeof h);
    if (h.magic != BATCH_MAGIC) {
        *why_out = "no batch begins there";
        return BATCH_BAD;
    }
    if (h.epoch != epoch || h.at != at) {
        *why_out = "the batch there belongs elsewhere";
        return BATCH_BAD;
    }
    if (h.bytes > BATCH_BYTES_MAX || h.bytes > room || h.bytes % BATCH_ALIGN != 0 ||
        h.bytes < BATCH_HEAD_BYTES + (uint64_t)h.count * EVENT_HEAD_BYTES ||
        (h.count == 0 && h.bytes != BATCH_HEAD_BYTES) || h.first_seq == 0 ||
        h.first_seq > UINT64_MAX - h.count) {
        *why_out = "the batch's length, count or sequence is out of range";
        return BATCH_BAD;
    }
    *head_out = h;
    return BATCH_GOOD;
}

bool batch_crc_good(const void *p, const struct batch_head *h)
{
    return h->crc == batch_crc(p, h->bytes);
}

bool batch_event(const void *p, const struct batch_head *h, uint32_t index, size_t *off, struct event *out,
                 const char **why_out)
{
    struct event e;
    CHECK(index < h->count && *off <= h->bytes);
    if (!event_decode((const uint8_t *)p + *off, h->bytes - *off, &e, why_out))
        return false;
    /* An event's length is at most the batch's rest, which is a multiple of 8: so is its room. */
    size_t next = *off + (size_t)event_room(e.body.n);
    if (e.head.seq != h->first_seq + index) {
        *why_out = "an event's sequence is not its batch's";
        return false;
    }
    if (index + 1 == h->count && next != h->bytes) {
        *why_out = "the batch's count of events is not its length";
        return false;
    }
    e.at = h->at + *off;
    *out = e;
    *off = next;
    return true;
}
