/*
 * Reads the answer to a webhook: HTTP/1.1 (RFC 9112), as much of it as says whether it was taken
 * and whether the connection can be used again. Bodies are read over. Pure: bytes in any pieces
 * from anybody. [any]
 */
#ifndef SERVICES_OUTBOX_ANSWER_H
#define SERVICES_OUTBOX_ANSWER_H

#include <hilo/types.h>
#include <stdbool.h>

enum {
    OUTBOX_HEAD_MAX = 32 << 10, /* of all heads of an answer; beyond it is BAD */
    OUTBOX_BODY_MAX = 64 << 10, /* of a body that is read over; beyond, the connection is given up */
    OUTBOX_LINE_MAX = 256       /* of a line what is looked at; none that matters is longer */
};

enum outbox_answer_state {
    OUTBOX_ANSWER_MORE, /* it goes on */
    OUTBOX_ANSWER_DONE, /* status is final */
    OUTBOX_ANSWER_BAD   /* no HTTP, or in contradiction to itself */
};

struct outbox_answer { /* zero is ready for the first byte */
    enum outbox_answer_state state;
    uint32_t status;
    bool keep;                         /* the connection can be used for another request */
    char retry_after[OUTBOX_LINE_MAX]; /* as it came, NUL-ended; empty: none */
    bool begun;                        /* a byte has come */
    /* how far it has come */
    uint8_t part;
    bool chunked, close, has_length, encoded;
    uint64_t left, body_bytes;
    uint32_t head_bytes, line_n;
    char line[OUTBOX_LINE_MAX];
};

/* Takes the next bytes. What comes after the end makes keep false. */
enum outbox_answer_state outbox_answer_read(struct outbox_answer *, const char *p, uint64_t n);
/* The peer has closed: whether what came is an answer. */
enum outbox_answer_state outbox_answer_end(struct outbox_answer *);

#endif
