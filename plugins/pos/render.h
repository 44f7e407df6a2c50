/*
 * A neutral slip as text (for e-mail, a screen, a test) and as a picture. What a code page lacks
 * stands in them as it is. Pure; [any] thread.
 */
#ifndef POS_RENDER_H
#define POS_RENDER_H

#include "escpos.h"

/* UTF-8, lines ended by "\n", of at most so many columns (but for the line that tells a code, "[QR …]" or
 * "[|||…|||]"). malloc'ed, NUL-ended; NULL: no memory, or more rows than a slip may have. */
char *pos_render_text(const struct pos_slip *, uint32_t columns, size_t *n_out);

/* A PNG, as wide as the paper and a margin, black on white. font and bold: files of a monospaced font; NULL:
 * DejaVu Sans Mono of fonts-dejavu-core. HILO_IO: a font can't be read (why says which);
 * HILO_INVALID, HILO_NOMEM as pos_escpos(). */
int32_t pos_render_png(const struct pos_slip *, const struct pos_paper *, const char *font, const char *bold,
                       struct pos_bytes *out, char why[POS_SLIP_WORDS]);

#endif
