/*
 * What a printer answers: DLE EOT 1 to 4 (real time, one byte each), GS r 1 (one byte, once all
 * before it in the stream has been done) and ASB (four bytes, unasked). The three are told apart by
 * their fixed bits (Epson, ESC/POS Command Reference). Pure.
 */
#ifndef POS_PRINTER_STATUS_H
#define POS_PRINTER_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POS_STATUS_ASK_BYTES = 12, POS_STATUS_ORDER_BYTES = 3, POS_STATUS_ASB_BYTES = 3 };
extern const uint8_t pos_status_ask_bytes[POS_STATUS_ASK_BYTES];     /* DLE EOT 1, 2, 3, 4 */
extern const uint8_t pos_status_order_bytes[POS_STATUS_ORDER_BYTES]; /* GS r 1 */
extern const uint8_t pos_status_asb_bytes[POS_STATUS_ASB_BYTES];     /* GS a: online, errors, paper */

/* Zeroed for a new connection. */
struct pos_status {
    uint32_t state;    /* POS_PRINTER_x, as of the last whole answer */
    bool known;        /* there was one */
    unsigned asked;    /* of the four, not answered yet; answers come in the order of questions */
    uint32_t gathered; /* of those that were */
    bool order_asked, order_answered;
    uint8_t asb[4];
    unsigned n_asb;   /* bytes of one that has begun */
    uint64_t strange; /* bytes that were no answer to anything */
};

/* The four questions were sent. Not while answers are due. */
void pos_status_asked(struct pos_status *);
void pos_status_order_asked(struct pos_status *);
void pos_status_feed(struct pos_status *, const uint8_t *p, size_t n);

#endif
