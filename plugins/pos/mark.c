/*
 * libzint makes the modules; size is chosen here: as large as reads well at arm's length, not
 * larger than the paper.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mark.h"

#include <stdlib.h>
#include <string.h>
#include <zint.h>

/* Modules of white that the standards ask for (ISO 18004, ISO 15417), on each side. */
enum {
    MARK_QR_QUIET = 4,
    MARK_BARCODE_QUIET = 10,
    MARK_QR_DOTS = 8,
    MARK_BARCODE_DOTS = 3,
    MARK_MIN_DOTS = 2
};

static int32_t mark_encode(enum pos_mark kind, struct hilo_str text, struct pos_symbol *out)
{
    struct zint_symbol *z = ZBarcode_Create();
    uint8_t copy[POS_SLIP_QR_MAX + 1];
    int32_t rc = HILO_INVALID;
    uint32_t x, y;

    if (!z)
        return HILO_NOMEM;
    if (text.n == 0 || text.n > POS_SLIP_QR_MAX)
        goto out;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    z->symbology = kind == POS_MARK_QR ? BARCODE_QRCODE : BARCODE_CODE128;
    z->input_mode = DATA_MODE;
    z->option_1 = kind == POS_MARK_QR ? 2 : -1; /* correction level M */
    if (ZBarcode_Encode(z, copy, (int)text.n) >= ZINT_ERROR || z->width <= 0 || z->rows <= 0)
        goto out;
    out->kind = kind;
    out->w = (uint32_t)z->width;
    out->h = (uint32_t)z->rows;
    out->module = malloc((size_t)out->w * out->h);
    rc = out->module ? HILO_OK : HILO_NOMEM;
    for (y = 0; rc == HILO_OK && y < out->h; y++)
        for (x = 0; x < out->w; x++)
            out->module[y * out->w + x] = z->encoded_data[y][x >> 3] >> (x & 7) & 1;
out:
    ZBarcode_Delete(z);
    return rc;
}

/* The largest module up to max that leaves room for the quiet zones; 0: none does. */
static uint32_t mark_dots(uint32_t modules, uint32_t quiet, uint32_t max, uint32_t dots)
{
    uint32_t side = max;

    while (side >= MARK_MIN_DOTS && (modules + 2 * quiet) * side > dots)
        side--;
    return side >= MARK_MIN_DOTS ? side : 0;
}

int32_t pos_symbol_make(const struct pos_slip *slip, const struct pos_paper *paper, struct pos_symbol *out)
{
    int32_t rc;

    *out = (struct pos_symbol){0};
    if (slip->mark == POS_MARK_NONE)
        return HILO_OK;
    if (slip->mark == POS_MARK_BARCODE) {
        rc = mark_encode(POS_MARK_BARCODE, slip->mark_text, out);
        if (rc != HILO_OK)
            return rc;
        /* A printer that makes it itself may stay in set B, 11 modules a character: that must fit too. */
        out->dots = mark_dots(paper->raster ? out->w : (uint32_t)slip->mark_text.n * 11 + 35,
                              MARK_BARCODE_QUIET, MARK_BARCODE_DOTS, paper->dots);
        if (out->dots)
            return HILO_OK;
        pos_symbol_free(out);
    }
    rc = mark_encode(POS_MARK_QR, slip->mark_text, out);
    if (rc != HILO_OK)
        return rc;
    /* Half of the paper's width will do. */
    out->dots = mark_dots(out->w, MARK_QR_QUIET, MARK_QR_DOTS, paper->dots * 6 / 10);
    if (!out->dots)
        out->dots = mark_dots(out->w, MARK_QR_QUIET, MARK_QR_DOTS, paper->dots);
    if (out->dots)
        return HILO_OK;
    pos_symbol_free(out);
    return HILO_INVALID;
}

void pos_symbol_free(struct pos_symbol *code)
{
    free(code->module);
    *code = (struct pos_symbol){0};
}

uint8_t *pos_symbol_picture(const struct pos_symbol *code, uint32_t *w_bytes_out, uint32_t *h_out)
{
    uint32_t quiet_x = (code->kind == POS_MARK_QR ? MARK_QR_QUIET : MARK_BARCODE_QUIET) * code->dots;
    uint32_t quiet_y = code->kind == POS_MARK_QR ? MARK_QR_QUIET * code->dots : 0;
    uint32_t module_h = code->kind == POS_MARK_QR ? code->dots : POS_BARCODE_DOTS;
    uint32_t w = code->w * code->dots + 2 * quiet_x, h = code->h * module_h + 2 * quiet_y,
             bytes = (w + 7) / 8;
    uint8_t *bits = calloc(h, bytes);
    uint32_t x, y;

    if (!bits)
        return NULL;
    for (y = quiet_y; y < h - quiet_y; y++)
        for (x = quiet_x; x < w - quiet_x; x++)
            if (code->module[(y - quiet_y) / module_h * code->w + (x - quiet_x) / code->dots])
                bits[y * bytes + x / 8] |= (uint8_t)(0x80 >> (x % 8));
    *w_bytes_out = bytes;
    *h_out = h;
    return bits;
}
