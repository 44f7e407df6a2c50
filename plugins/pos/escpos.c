/*
 * The commands are those that nearly every printer has, in their plain forms; each is told by
 * its name in Epson's reference (ESC/POS Command Reference, TM printers).
 *
 * FS . ends the two-byte mode in which printers of the Chinese market start, and in which
 * ñ would be half a character.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "escpos.h"

#include "lay.h"
#include "mark.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

enum {
    ESC = 0x1b,
    GS = 0x1d,
    FS = 0x1c,
    LF = 0x0a,
    ESCPOS_BAND = 255 /* rows of a picture a command, for small buffers */
};

const struct pos_paper pos_paper_default = {
    .columns = 48, .dots = 576, .codepage = POS_CODEPAGE_858, .page = 19};

struct escpos {
    struct pos_bytes out;
    size_t cap;
    bool failed; /* no memory: nothing is put any more */
    enum pos_align align;
    bool bold;
    uint8_t size;
    const struct pos_paper *paper;
};

static void escpos_put(struct escpos *e, const void *p, size_t n)
{
    size_t cap = e->cap ? e->cap : 1024;
    uint8_t *grown;

    while (cap - e->out.n < n)
        cap *= 2;
    if (cap > e->cap && !e->failed) {
        grown = realloc(e->out.p, cap);
        e->failed = !grown;
        if (grown) {
            e->out.p = grown;
            e->cap = cap;
        }
    }
    if (e->failed)
        return;
    memcpy(e->out.p + e->out.n, p, n);
    e->out.n += n;
}
#define PUT(e, ...) escpos_put((e), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void escpos_align(struct escpos *e, enum pos_align align)
{
    if (align != e->align)
        PUT(e, ESC, 'a', (uint8_t)align);
    e->align = align;
}

/* ---- text ---------------------------------------------------------------------------------------- */

/* What was folded has a byte in the page for each character. */
static void escpos_text(struct escpos *e, const struct pos_lay *lay, struct pos_span span)
{
    const uint8_t *p = (const uint8_t *)lay->text + span.at;
    size_t at = 0;
    uint8_t byte;
    ucs4_t c;

    while (at < span.n) {
        at += (size_t)u8_mbtouc(&c, p + at, span.n - at);
        escpos_put(e, pos_codepage_byte(e->paper->codepage, c, &byte) ? &byte : (const uint8_t *)"?", 1);
    }
}

static void escpos_row(struct escpos *e, const struct pos_lay *lay, const struct pos_row *row)
{
    uint32_t gap;

    escpos_align(e, row->align);
    if (row->bold != e->bold)
        PUT(e, ESC, 'E', row->bold);
    if (row->size != e->size)
        PUT(e, GS, '!', (uint8_t)((row->size - 1) << 4 | (row->size - 1)));
    e->bold = row->bold;
    e->size = row->size;
    escpos_text(e, lay, row->left);
    if (row->right.n) {
        for (gap = e->paper->columns / row->size - row->left.width - row->right.width; gap > 0; gap--)
            PUT(e, ' ');
        escpos_text(e, lay, row->right);
    }
    PUT(e, LF);
}

/* ---- codes ------------------------------------------------------------------------------------------ */

static void escpos_qr(struct escpos *e, const struct pos_symbol *code, struct hilo_str text)
{
    uint32_t n = (uint32_t)text.n + 3;

    PUT(e, GS, '(', 'k', 4, 0, 49, 65, 50, 0);                       /* model 2 */
    PUT(e, GS, '(', 'k', 3, 0, 49, 67, (uint8_t)code->dots);         /* a module's side */
    PUT(e, GS, '(', 'k', 3, 0, 49, 69, 49);                          /* correction level M */
    PUT(e, GS, '(', 'k', (uint8_t)n, (uint8_t)(n >> 8), 49, 80, 48); /* what it says */
    escpos_put(e, text.p, text.n);
    PUT(e, GS, '(', 'k', 3, 0, 49, 81, 48); /* print it */
}

static void escpos_barcode(struct escpos *e, const struct pos_symbol *code, struct hilo_str text)
{
    uint64_t i, n = text.n + 2;

    for (i = 0; i < text.n; i++)
        n += text.p[i] == '{';
    PUT(e, GS, 'w', (uint8_t)code->dots);
    PUT(e, GS, 'h', POS_BARCODE_DOTS);
    PUT(e, GS, 'H', 0); /* the letters are a row of ours */
    PUT(e, GS, 'k', 73, (uint8_t)n, '{', 'B');
    for (i = 0; i < text.n; i++) {
        if (text.p[i] == '{') /* it begins a command within the data */
            PUT(e, '{');
        escpos_put(e, &text.p[i], 1);
    }
}

static void escpos_raster(struct escpos *e, const struct pos_symbol *code)
{
    uint32_t bytes, h, y;
    uint8_t *bits = pos_symbol_picture(code, &bytes, &h);

    e->failed = e->failed || !bits;
    for (y = 0; bits && y < h; y += ESCPOS_BAND) {
        uint32_t rows = h - y < ESCPOS_BAND ? h - y : ESCPOS_BAND;

        PUT(e, GS, 'v', '0', 0, (uint8_t)bytes, (uint8_t)(bytes >> 8), (uint8_t)rows, (uint8_t)(rows >> 8));
        escpos_put(e, bits + (size_t)y * bytes, (size_t)rows * bytes);
    }
    free(bits);
}

static int32_t escpos_code(struct escpos *e, const struct pos_slip *slip)
{
    struct pos_symbol code;
    int32_t rc = pos_symbol_make(slip, e->paper, &code);

    if (rc != HILO_OK || code.kind == POS_MARK_NONE)
        return rc;
    escpos_align(e, POS_ALIGN_CENTER);
    if (e->paper->raster)
        escpos_raster(e, &code);
    else if (code.kind == POS_MARK_QR)
        escpos_qr(e, &code, slip->mark_text);
    else
        escpos_barcode(e, &code, slip->mark_text);
    pos_symbol_free(&code);
    return HILO_OK;
}

/* ---- */

int32_t pos_escpos(const struct pos_slip *slip, const struct pos_paper *paper, struct pos_bytes *out,
                   size_t *replaced)
{
    struct escpos e = {.align = POS_ALIGN_LEFT, .size = 1, .paper = paper};
    struct pos_lay lay;
    int32_t rc = pos_lay(slip, paper->columns, true, paper->codepage, &lay);
    size_t i;

    if (rc != HILO_OK)
        return rc;
    PUT(&e, ESC, '@', FS, '.', ESC, 't', paper->page);
    for (i = 0; i < lay.n_above; i++)
        escpos_row(&e, &lay, &lay.row[i]);
    rc = escpos_code(&e, slip);
    for (; i < lay.n_row; i++)
        escpos_row(&e, &lay, &lay.row[i]);
    if (slip->cut == POS_CUT_NONE)
        PUT(&e, ESC, 'd', 4); /* beyond the edge at which it is torn */
    else
        PUT(&e, GS, 'V', slip->cut == POS_CUT_FULL ? 65 : 66, 0); /* feeds to the cutter first */
    if (replaced)
        *replaced = lay.replaced;
    pos_lay_free(&lay);
    if (rc == HILO_OK && e.failed)
        rc = HILO_NOMEM;
    if (rc == HILO_OK)
        *out = e.out;
    else
        free(e.out.p);
    return rc;
}
