/*
 * The ring of records (ring.h).
 *
 * Invariants: head and tail only grow, tail <= head <= tail + size, both are multiples
 * of 8. The producer alone writes head and clears consumer_sleeps, the consumer alone
 * writes tail and clears producer_waits.
 *
 * A flag and the position that it guards are stored and loaded in one total order
 * (seq_cst) on both sides, so that of "I sleep, but is there anything?" and "there is
 * something, but does it sleep?" at least one sees the other: no wake-up is lost.
 *
 * Limits: a record is at most a quarter of the ring, so that with the pad before it,
 * it always fits an empty ring.
 */
#include "plug/ring.h"
#include "base/check.h"
#include <string.h>

enum { RING_MAGIC = 0x48524e47, PAD = 1 }; /* a pad is marked by the lowest bit of its length */

_Static_assert(sizeof(struct ring) == 192, "the ring's head is three cache lines");
_Static_assert(offsetof(struct ring, head) == 64 && offsetof(struct ring, tail) == 128,
               "a line for each side");

size_t ring_bytes(uint32_t size)
{
    return sizeof(struct ring) + size;
}

uint32_t ring_record_max(uint32_t size)
{
    return size / 4;
}

void ring_init(struct ring *r, uint32_t size)
{
    CHECK(size >= 256 && (size & (size - 1)) == 0);
    memset(r, 0, sizeof *r);
    r->magic = RING_MAGIC;
    r->size = size;
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    atomic_init(&r->producer_waits, 0);
    atomic_init(&r->consumer_sleeps, 0);
}

/* ---- the producer ---------------------------------------------------------------- */

void ring_tx_init(struct ring_tx *tx, struct ring *r, uint32_t size)
{
    *tx = (struct ring_tx){.ring = r, .size = size};
}

static uint64_t room(struct ring_tx *tx, uint64_t need)
{
    uint64_t free_now = tx->size - (tx->head - tx->tail_seen);
    uint64_t tail;

    if (free_now >= need)
        return free_now;
    tail = atomic_load(&tx->ring->tail);
    /* A tail that is not between the last one and head is a lie: as if nothing was read. */
    if (tail - tx->tail_seen <= tx->published - tx->tail_seen && tail % RING_ALIGN == 0)
        tx->tail_seen = tail;
    return tx->size - (tx->head - tx->tail_seen);
}

void *ring_reserve(struct ring_tx *tx, uint32_t n)
{
    uint32_t at = (uint32_t)(tx->head & (tx->size - 1));
    uint32_t to_end = tx->size - at;
    uint32_t pad = to_end < n ? to_end : 0;

    CHECK(n >= RING_ALIGN && n % RING_ALIGN == 0 && n <= ring_record_max(tx->size));
    if (room(tx, (uint64_t)pad + n) < (uint64_t)pad + n)
        return NULL;
    if (pad) {
        uint32_t mark = pad | PAD;
        memcpy(tx->ring->data + at, &mark, sizeof mark);
        at = 0;
    }
    memcpy(tx->ring->data + at, &n, sizeof n);
    tx->reserved = (uint64_t)pad + n;
    return tx->ring->data + at;
}

void ring_commit(struct ring_tx *tx)
{
    CHECK(tx->reserved != 0);
    tx->head += tx->reserved;
    tx->reserved = 0;
}

bool ring_publish(struct ring_tx *tx)
{
    if (tx->published == tx->head)
        return false;
    tx->published = tx->head;
    atomic_store(&tx->ring->head, tx->head);
    return atomic_load(&tx->ring->consumer_sleeps) && atomic_exchange(&tx->ring->consumer_sleeps, 0);
}

bool ring_want_room(struct ring_tx *tx)
{
    uint64_t half = tx->size / 2;

    atomic_store(&tx->ring->producer_waits, 1);
    if (room(tx, half) < half)
        return true;
    atomic_store(&tx->ring->producer_waits, 0);
    return false;
}

void ring_want_progress(struct ring_tx *tx)
{
    atomic_store(&tx->ring->producer_waits, 1);
}

/* ---- the consumer ------------------------------------------------------------------ */

void ring_rx_init(struct ring_rx *rx, struct ring *r, uint32_t size)
{
    *rx = (struct ring_rx){.ring = r, .size = size};
}

/* Read once: what is checked is what is used, whatever a hostile producer writes meanwhile. */
static uint32_t length_at(const struct ring *r, uint32_t at)
{
    return atomic_load_explicit((const _Atomic uint32_t *)(const void *)(r->data + at), memory_order_relaxed);
}

int ring_peek(struct ring_rx *rx, const uint8_t **p_out, uint32_t *n_out)
{
    for (;;) {
        uint32_t at, len;

        if (rx->tail == rx->head_seen) {
            uint64_t head = atomic_load_explicit(&rx->ring->head, memory_order_acquire);

            if (head == rx->tail)
                return 0;
            if (head - rx->released > rx->size || head - rx->released < rx->tail - rx->released ||
                head % RING_ALIGN)
                return -1;
            rx->head_seen = head;
        }
        at = (uint32_t)(rx->tail & (rx->size - 1));
        len = length_at(rx->ring, at);
        if (len & PAD) {
            len &= ~(uint32_t)PAD;
            if (len != rx->size - at || len > rx->head_seen - rx->tail)
                return -1;
            rx->tail += len;
            continue;
        }
        if (len < RING_ALIGN || len % RING_ALIGN || len > ring_record_max(rx->size) || len > rx->size - at ||
            len > rx->head_seen - rx->tail)
            return -1;
        rx->current = len;
        *p_out = rx->ring->data + at;
        *n_out = len;
        return 1;
    }
}

void ring_next(struct ring_rx *rx)
{
    CHECK(rx->current != 0);
    rx->tail += rx->current;
    rx->current = 0;
}

bool ring_release(struct ring_rx *rx)
{
    uint64_t used;

    if (rx->released != rx->tail) {
        rx->released = rx->tail;
        atomic_store(&rx->ring->tail, rx->tail);
    }
    if (!atomic_load(&rx->ring->producer_waits))
        return false;
    used = atomic_load(&rx->ring->head) - rx->tail;
    if (used > rx->size / 2)
        return false;
    return atomic_exchange(&rx->ring->producer_waits, 0);
}

bool ring_sleep(struct ring_rx *rx)
{
    atomic_store(&rx->ring->consumer_sleeps, 1);
    if (atomic_load(&rx->ring->head) == rx->tail)
        return true;
    atomic_store(&rx->ring->consumer_sleeps, 0);
    return false;
}
