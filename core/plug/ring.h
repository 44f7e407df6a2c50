/*
 * A ring of records from one producer to one consumer.
 *
 * struct ring lies in plain memory, or in memory shared with another process:
 * it holds no pointer, and each side keeps its own position privately and checks
 * whatever it reads of the other's. A peer that writes nonsense is told apart from
 * one that wrote nothing; it can't make this side touch memory outside the ring.
 *
 * A record is a multiple of 8 bytes and starts with its length (a uint32_t); it is
 * always contiguous, the rest of the ring before the wrap being skipped by a pad.
 *
 * Sleeping: each side may ask to be woken (a flag in the ring), and the other then
 * is told by ring_publish and ring_release that a wake-up is due, once. So a side
 * that is awake costs the other no system call.
 */
#ifndef PLUG_RING_H
#define PLUG_RING_H

#include <hilo/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { RING_ALIGN = 8 };

struct ring {
    uint32_t magic;
    uint32_t size; /* bytes of data, a power of two */
    uint8_t spare0[56];
    _Atomic uint64_t head; /* bytes ever published; the producer's */
    _Atomic uint32_t producer_waits;
    uint8_t spare1[52];
    _Atomic uint64_t tail; /* bytes ever released; the consumer's */
    _Atomic uint32_t consumer_sleeps;
    uint8_t spare2[52];
    uint8_t data[];
};

/* What a ring of that size takes; size is a power of two of at least 256. */
size_t ring_bytes(uint32_t size);
void ring_init(struct ring *, uint32_t size); /* 64-byte aligned memory */

/* ---- the producer [its thread] ---- */
struct ring_tx {
    struct ring *ring;
    uint32_t size;
    uint64_t head; /* ours, with what is not yet published */
    uint64_t published;
    uint64_t tail_seen;
    uint64_t reserved; /* bytes of the open reservation, with the pad before it */
};
void ring_tx_init(struct ring_tx *, struct ring *, uint32_t size);
/* The longest record. */
uint32_t ring_record_max(uint32_t size);
/* Room for a record of n bytes (a multiple of 8, at least 8, at most the longest), or
 * NULL when the ring is full. Its first four bytes are filled with n already. */
void *ring_reserve(struct ring_tx *, uint32_t n);
void ring_commit(struct ring_tx *); /* the record reserved last is part of the next publish */
/* Lets the consumer see what was committed. True: it sleeps, wake it. */
bool ring_publish(struct ring_tx *);
/* Asks for a wake-up once half of the ring is free. False: it is already. */
bool ring_want_room(struct ring_tx *);
/* Asks for a wake-up once the consumer has taken something, room or not. */
void ring_want_progress(struct ring_tx *);

/* ---- the consumer [its thread] ---- */
struct ring_rx {
    struct ring *ring;
    uint32_t size;
    uint64_t tail; /* ours, with what is not yet released */
    uint64_t released;
    uint64_t head_seen;
    uint32_t current; /* bytes of the record peeked at */
};
void ring_rx_init(struct ring_rx *, struct ring *, uint32_t size);
/* 1: the next record lies at *p_out, *n_out bytes. The producer may still write to it
 * if it is hostile: copy before checking. 0: none. -1: the ring is damaged. */
int ring_peek(struct ring_rx *, const uint8_t **p_out, uint32_t *n_out);
void ring_next(struct ring_rx *); /* done with the record peeked at */
/* Gives the room back. True: the producer waits for it, wake it. */
bool ring_release(struct ring_rx *);
/* Says that we sleep until woken. False: records came meanwhile, and we don't. */
bool ring_sleep(struct ring_rx *);

#endif
