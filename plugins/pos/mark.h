/*
 * QR codes and Code 128 as modules, and how large they stand on a paper. Pure; [any].
 */
#ifndef POS_MARK_H
#define POS_MARK_H

#include "escpos.h"

enum { POS_BARCODE_DOTS = 96 /* high: 12 mm */ };

/* A code that fits the paper, with the quiet zone that readers need. */
struct pos_symbol {
    enum pos_mark kind; /* NONE: the slip has none; a barcode too wide for the paper is a QR code */
    uint32_t w, h;      /* modules, without the quiet zone; h is 1 for a barcode */
    uint32_t dots;      /* a module's side */
    uint8_t *module;    /* w * h, 0 or 1; malloc'ed */
};

/* HILO_INVALID: it fits no code, or not on this paper. */
int32_t pos_symbol_make(const struct pos_slip *, const struct pos_paper *, struct pos_symbol *out);
void pos_symbol_free(struct pos_symbol *);

/* It as a picture of one bit a dot, rows of whole bytes, 1 is black; quiet zone left and right of it, and for
 * QR all around. malloc'ed; NULL: no memory. */
uint8_t *pos_symbol_picture(const struct pos_symbol *, uint32_t *w_bytes_out, uint32_t *h_out);

#endif
