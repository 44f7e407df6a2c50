/*
 * A slip as rows of a given width: where lines break, and what stands beside what. Pure; [any].
 */
#ifndef POS_LAY_H
#define POS_LAY_H

#include "codepage.h"
#include "slip.h"

/* Rows count by their size: at 30 dots each this is 1.5 m of paper. */
enum { POS_LAY_ROWS_MAX = 400 };

/* Bytes of pos_lay.text: UTF-8 without line feeds, so many columns wide at size 1. */
struct pos_span {
    size_t at, n;
    uint32_t width;
};
struct pos_row {
    struct pos_span left;  /* all of it; or the label */
    struct pos_span right; /* beside a label, at the right edge; else n is 0 */
    uint8_t size;
    bool bold;
    enum pos_align align;
};
struct pos_lay {
    struct pos_row *row;
    size_t n_row;
    size_t n_above;  /* of them above the code; below it are its letters, if it is a barcode */
    size_t replaced; /* characters that became ? */
    char *text;
};

/* The slip's rows, and a barcode's contents in letters below it. folded: in the characters of page alone.
 * HILO_INVALID: more than POS_LAY_ROWS_MAX. */
int32_t pos_lay(const struct pos_slip *, uint32_t columns, bool folded, enum pos_codepage page,
                struct pos_lay *out);
void pos_lay_free(struct pos_lay *);

#endif
