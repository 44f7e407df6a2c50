/*
 * The journal's bytes: heads of segments, batches and events, made and taken apart.
 * Pure functions over memory; everything that is read back from disk passes through
 * here, so this is what the fuzzer feeds. Integers on disk are little-endian. [any]
 */
#ifndef STORE_JOURNAL_BATCH_H
#define STORE_JOURNAL_BATCH_H

#include "store/event.h"
#include "store/journal/journal.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_HEAD_BYTES = 4096,
    BATCH_HEAD_BYTES = 48,
    EVENT_HEAD_BYTES = 64,
    BATCH_ALIGN = 8,
    /* A batch that has grown to this is sealed before the next group … */
    BATCH_SEAL_BYTES = JOURNAL_GROUP_MAX,
    /* … so that none is longer than this, and recovery's memory is bounded. */
    BATCH_BYTES_MAX = BATCH_HEAD_BYTES + BATCH_SEAL_BYTES + JOURNAL_GROUP_MAX
};
#define SEGMENT_BYTES_MIN ((uint64_t)8 << 20)
#define SEGMENT_BYTES_MAX ((uint64_t)1 << 30)

/* Zeros follow it up to SEGMENT_HEAD_BYTES. */
struct segment_head {
    uint8_t magic[8];
    uint32_t version;
    uint32_t crc; /* CRC32C of what follows it up to SEGMENT_HEAD_BYTES */
    uint32_t number;
    uint32_t head_bytes; /* SEGMENT_HEAD_BYTES */
    uint64_t epoch;      /* random: no other segment's batch, nor a body, can pass for one of this */
    uint64_t length;     /* of the file */
    int64_t made_us;     /* Unix, UTC */
};
_Static_assert(sizeof(struct segment_head) == 48, "layout on disk");

struct batch_head {
    uint32_t magic;
    uint32_t crc; /* CRC32C of what follows it up to bytes */
    uint64_t epoch;
    position at; /* where it stands itself: a copy elsewhere is none */
    uint64_t first_seq;
    position synced; /* all before it was known to be on disk when this was written */
    uint32_t bytes;  /* head and events; a multiple of BATCH_ALIGN */
    uint32_t count;  /* of events; 0: a closing mark, a head alone. first_seq would be the next */
};
_Static_assert(sizeof(struct batch_head) == BATCH_HEAD_BYTES, "layout on disk");
_Static_assert(sizeof(struct event_head) == EVENT_HEAD_BYTES, "layout on disk");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "heads are copied as they stand");

uint32_t journal_crc32c(const void *, size_t n);
/* The first byte that is not zero, or n. */
size_t journal_zeros(const void *, size_t n);

/* block has SEGMENT_HEAD_BYTES. The head's crc, magic, version and head_bytes are filled in. */
void segment_head_encode(void *block, struct segment_head);
enum segment_look { SEGMENT_GOOD, SEGMENT_BAD, SEGMENT_FOREIGN /* a version that we don't know */ };
/* why_out names what is wrong with it; for FOREIGN, head_out holds the version. */
enum segment_look segment_head_decode(const void *block, struct segment_head *head_out, const char **why_out);

/* What an event takes in a batch: head, body, padding. */
uint64_t event_room(uint64_t body_bytes);
/* Writes head, body and padding to dst (event_room bytes); bytes and crc are filled
 * in, in head as well. */
void event_encode(void *dst, struct event_head *head, struct hilo_str body);
/* Changes the flags of one that was encoded at p, and its CRC; in head as well. */
void event_flag(void *p, struct event_head *head, uint8_t flags);
/* Takes the event at the start of n bytes apart; the body points into them. false: why_out says why. */
bool event_decode(const void *p, size_t n, struct event *out, const char **why_out);
/* Only the head, of EVENT_HEAD_BYTES: its length is plausible, its CRC unchecked. */
bool event_head_decode(const void *p, struct event_head *out, const char **why_out);

/* Fills the head of a batch whose events stand behind it; magic and crc are computed. */
void batch_encode(void *batch, struct batch_head);
enum batch_look {
    BATCH_NONE, /* zeros: no batch was written here */
    BATCH_GOOD,
    BATCH_BAD
};
/* Looks at BATCH_HEAD_BYTES where a batch may begin; room is what is left of the segment from there.
 * GOOD: the head fits this place, so that bytes of it may be read; its CRC is unchecked. */
enum batch_look batch_head_decode(const void *p, uint64_t epoch, position at, uint64_t room,
                                  struct batch_head *head_out, const char **why_out);
/* p has the head's bytes. */
bool batch_crc_good(const void *p, const struct batch_head *);
/* The event at offset *off of a batch (start with BATCH_HEAD_BYTES; moved on), the
 * index-th of it. After the last: true only if *off came out at the batch's end. */
bool batch_event(const void *p, const struct batch_head *, uint32_t index, size_t *off, struct event *out,
                 const char **why_out);

#endif
