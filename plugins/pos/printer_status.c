/*
 * Fixed bits, by byte: DLE EOT 0xx1xx10, first of ASB 0xx1xx00, the others of ASB and GS r
 * 0xx0xxxx. XON and XOFF (0x11, 0x13) are none of these.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printer_status.h"

#include "printer.h"

#include <string.h>

const uint8_t pos_status_ask_bytes[POS_STATUS_ASK_BYTES] = {0x10, 4, 1, 0x10, 4, 2, 0x10, 4, 3, 0x10, 4, 4};
const uint8_t pos_status_order_bytes[POS_STATUS_ORDER_BYTES] = {0x1d, 'r', 1};
const uint8_t pos_status_asb_bytes[POS_STATUS_ASB_BYTES] = {0x1d, 'a', 0x0e};

struct status_bit {
    uint8_t bits; /* any of these */
    uint32_t state;
};
enum { STATUS_BITS = 5 };

static uint32_t status_of(const struct status_bit bit[STATUS_BITS], uint8_t byte)
{
    uint32_t state = 0;
    unsigned i;

    for (i = 0; i < STATUS_BITS; i++)
        if (byte & bit[i].bits)
            state |= bit[i].state;
    return state;
}

static void status_answer(struct pos_status *s, uint8_t byte)
{
    static const struct status_bit bit[4][STATUS_BITS] = {
        {{0x08, POS_PRINTER_OFFLINE}},
        {{0x04, POS_PRINTER_COVER}, {0x20, POS_PRINTER_PAPER_OUT}, {0x40, POS_PRINTER_OFFLINE}},
        {{0x04, POS_PRINTER_ERROR},
         {0x08, POS_PRINTER_CUTTER},
         {0x20, POS_PRINTER_ERROR},
         {0x40, POS_PRINTER_HOT}},
        {{0x0c, POS_PRINTER_PAPER_LOW}, {0x60, POS_PRINTER_PAPER_OUT}},
    };

    if (s->asked == 0) {
        s->strange++;
        return;
    }
    s->gathered |= status_of(bit[4 - s->asked], byte);
    if (--s->asked == 0) {
        s->state = s->gathered;
        s->known = true;
    }
}

static void status_asb(struct pos_status *s)
{
    static const struct status_bit bit[4][STATUS_BITS] = {
        {{0x08, POS_PRINTER_OFFLINE}, {0x20, POS_PRINTER_COVER}},
        {{0x04, POS_PRINTER_ERROR},
         {0x08, POS_PRINTER_CUTTER},
         {0x20, POS_PRINTER_ERROR},
         {0x40, POS_PRINTER_HOT}},
        {{0x03, POS_PRINTER_PAPER_LOW}, {0x0c, POS_PRINTER_PAPER_OUT}},
        {{0, 0}},
    };
    unsigned i;

    s->state = 0;
    for (i = 0; i < 4; i++)
        s->state |= status_of(bit[i], s->asb[i]);
    s->known = true;
}

void pos_status_asked(struct pos_status *s)
{
    s->asked = 4;
    s->gathered = 0;
}

void pos_status_order_asked(struct pos_status *s)
{
    s->order_asked = true;
    s->order_answered = false;
}

void pos_status_feed(struct pos_status *s, const uint8_t *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        uint8_t byte = p[i];

        if ((byte & 0x93) == 0x12) {
            s->n_asb = 0; /* one that broke off */
            status_answer(s, byte);
        } else if ((byte & 0x93) == 0x10) {
            s->asb[0] = byte;
            s->n_asb = 1;
        } else if ((byte & 0x90) == 0 && s->n_asb > 0) {
            s->asb[s->n_asb++] = byte;
            if (s->n_asb == 4) {
                s->n_asb = 0;
                status_asb(s);
            }
        } else if ((byte & 0x90) == 0 && s->order_asked) {
            s->order_asked = false;
            s->order_answered = true;
        } else {
            s->strange++;
        }
    }
}
