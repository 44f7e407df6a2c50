/*
 * A neutral slip as bytes of ESC/POS, Epson's language of receipt printers, which nearly
 * all of them speak.
 *
 * The text is in one code page; what it lacks is written with what it has (“ as ", ś as s,
 * € as EUR), and what can't be is a question mark, counted. Nothing is left out silently.
 * The drawer is never kicked. Pure; [any] thread.
 */
#ifndef POS_ESCPOS_H
#define POS_ESCPOS_H

#include "codepage.h"
#include "slip.h"

/* How the paper and the printer are. */
struct pos_paper {
    uint32_t columns; /* characters of font A in a line: 32 (58 mm), 42 or 48 (80 mm) */
    uint32_t dots;    /* that can be printed side by side: 384, 512 or 576 */
    enum pos_codepage codepage;
    uint8_t page; /* n of ESC t n that selects it: 2, 19, 16 at Epson */
    bool raster;  /* QR and barcode as a picture: for printers without GS ( k and GS k */
};
/* 80 mm, CP858 by Epson's number, codes made by the printer. */
extern const struct pos_paper pos_paper_default;

struct pos_bytes {
    uint8_t *p; /* malloc'ed */
    size_t n;
};

/* replaced: how many characters became a question mark; may be NULL. HILO_NOMEM; HILO_INVALID: the
 * slip's code can't be made (too long for the paper). */
int32_t pos_escpos(const struct pos_slip *, const struct pos_paper *, struct pos_bytes *out,
                   size_t *replaced);

#endif
