/*
 * Glyphs by FreeType on a grid like a printer's, codes by mark.h, the file by libgd. FreeType is
 * used directly, and not by libgd's own texts: those share one cache of fonts in the process, which two
 * channels on two threads would race to set up.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "render.h"

#include "lay.h"
#include "mark.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include <gd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

/* A character's cell at size 1, and where its baseline lies in it; white all around. */
enum { PNG_CELL_H = 30, PNG_BASE = 22, PNG_MARGIN = 24, PNG_GAP = 12, PNG_GREYS = 256 };
#define PNG_FONT      "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
#define PNG_FONT_BOLD "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"

struct png {
    FT_Library library;
    FT_Face face[2]; /* plain, bold */
    gdImagePtr image;
    const struct pos_paper *paper;
    uint32_t cell;
    int y;
};

/* Greys of the palette are their own index: 0 is black. */
static void png_blot(struct png *g, int x, int y, unsigned ink)
{
    int grey = PNG_GREYS - 1 - (int)ink;

    if (ink && x >= 0 && y >= 0 && x < gdImageSX(g->image) && y < gdImageSY(g->image) &&
        gdImageGetPixel(g->image, x, y) > grey)
        gdImageSetPixel(g->image, x, y, grey);
}

static void png_glyph(struct png *g, FT_Face face, ucs4_t c, int x, int y)
{
    const FT_Bitmap *map;
    unsigned i, j;

    if (FT_Load_Char(face, c, FT_LOAD_RENDER) != 0)
        return;
    map = &face->glyph->bitmap;
    if (map->pixel_mode != FT_PIXEL_MODE_GRAY)
        return;
    for (j = 0; j < map->rows; j++)
        for (i = 0; i < map->width; i++)
            png_blot(g, x + face->glyph->bitmap_left + (int)i, y - face->glyph->bitmap_top + (int)j,
                     map->buffer[(size_t)j * (size_t)map->pitch + i]);
}

/* The span with its left edge at x. */
static bool png_span(struct png *g, const struct pos_lay *lay, const struct pos_row *row,
                     struct pos_span span, int x)
{
    int cell = (int)g->cell * row->size, y = g->y + PNG_BASE * row->size;
    FT_Face face = g->face[row->bold];
    size_t at = 0;
    ucs4_t c;

    /* The advance of DejaVu Sans Mono is 0.602 of its size: as large as fits the cell. 26.6 numbers. */
    if (FT_Set_Char_Size(face, 0, (FT_F26Dot6)(cell * 64 * 1000 / 603), 72, 72) != 0)
        return false;
    while (at < span.n) {
        int step = u8_mbtouc(&c, (const uint8_t *)lay->text + span.at + at, span.n - at);
        int width = uc_width(c, "UTF-8");

        png_glyph(g, face, c, width > 0 ? x : x - cell, y); /* what has no width stands on the one before */
        x += width > 0 ? width * cell : 0;
        at += (size_t)step;
    }
    return true;
}

static bool png_row(struct png *g, const struct pos_lay *lay, const struct pos_row *row)
{
    int cell = (int)g->cell * row->size, dots = (int)g->paper->dots, x = 0;
    bool ok;

    if (!row->right.n && row->align != POS_ALIGN_LEFT)
        x = (dots - (int)row->left.width * cell) / (row->align == POS_ALIGN_CENTER ? 2 : 1);
    ok = png_span(g, lay, row, row->left, PNG_MARGIN + x) &&
         (!row->right.n ||
          png_span(g, lay, row, row->right, PNG_MARGIN + dots - (int)row->right.width * cell));
    g->y += PNG_CELL_H * row->size;
    return ok;
}

static void png_code(struct png *g, const uint8_t *bits, uint32_t bytes, uint32_t h)
{
    int left = PNG_MARGIN + ((int)g->paper->dots - (int)bytes * 8) / 2;
    uint32_t x, y;

    for (y = 0; y < h; y++)
        for (x = 0; x < bytes * 8; x++)
            if (bits[y * bytes + x / 8] & 0x80 >> (x % 8))
                png_blot(g, left + (int)x, g->y + PNG_GAP + (int)y, PNG_GREYS - 1);
    g->y += (int)h + 2 * PNG_GAP;
}

static int32_t png_faces(struct png *g, const char *font, const char *bold, char why[POS_SLIP_WORDS])
{
    const char *file[2] = {font ? font : PNG_FONT, bold ? bold : PNG_FONT_BOLD};
    unsigned i;

    if (FT_Init_FreeType(&g->library) != 0)
        return HILO_NOMEM;
    for (i = 0; i < 2; i++)
        if (FT_New_Face(g->library, file[i], 0, &g->face[i]) != 0) {
            (void)snprintf(why, POS_SLIP_WORDS, "%.100s can't be read: install fonts-dejavu-core", file[i]);
            return HILO_IO;
        }
    return HILO_OK;
}

static int32_t png_canvas(struct png *g, uint32_t h)
{
    int i;

    g->image = gdImageCreate((int)g->paper->dots + 2 * PNG_MARGIN, (int)h);
    if (!g->image)
        return HILO_NOMEM;
    for (i = 0; i < PNG_GREYS; i++)
        (void)gdImageColorAllocate(g->image, i, i, i);
    gdImageFilledRectangle(g->image, 0, 0, gdImageSX(g->image), gdImageSY(g->image), PNG_GREYS - 1);
    g->y = PNG_MARGIN;
    return HILO_OK;
}

static int32_t png_bytes(struct png *g, struct pos_bytes *out)
{
    int n = 0;
    void *p = gdImagePngPtr(g->image, &n);

    if (!p)
        return HILO_NOMEM;
    out->p = malloc((size_t)n);
    if (out->p) {
        memcpy(out->p, p, (size_t)n);
        out->n = (size_t)n;
    }
    gdFree(p);
    return out->p ? HILO_OK : HILO_NOMEM;
}

int32_t pos_render_png(const struct pos_slip *slip, const struct pos_paper *paper, const char *font,
                       const char *bold, struct pos_bytes *out, char why[POS_SLIP_WORDS])
{
    struct png g = {.paper = paper, .cell = paper->dots / paper->columns};
    uint32_t h = 2 * PNG_MARGIN, code_h = 0, code_bytes = 0;
    struct pos_symbol code = {0};
    uint8_t *bits = NULL;
    struct pos_lay lay;
    bool ok = true;
    int32_t rc;
    size_t i;

    (void)snprintf(why, POS_SLIP_WORDS, "no memory, or the slip is longer than the paper may be");
    rc = pos_lay(slip, paper->columns, false, paper->codepage, &lay);
    if (rc != HILO_OK)
        return rc;
    rc = pos_symbol_make(slip, paper, &code);
    if (rc != HILO_OK)
        (void)snprintf(why, POS_SLIP_WORDS, "the code does not fit the paper");
    if (rc == HILO_OK && code.kind != POS_MARK_NONE) {
        bits = pos_symbol_picture(&code, &code_bytes, &code_h);
        rc = bits ? HILO_OK : HILO_NOMEM;
        h += code_h + 2 * PNG_GAP;
    }
    for (i = 0; i < lay.n_row; i++)
        h += (uint32_t)PNG_CELL_H * lay.row[i].size;
    if (rc == HILO_OK)
        rc = png_faces(&g, font, bold, why);
    if (rc == HILO_OK)
        rc = png_canvas(&g, h);
    for (i = 0; rc == HILO_OK && ok && i < lay.n_row; i++) {
        if (i == lay.n_above && bits)
            png_code(&g, bits, code_bytes, code_h);
        ok = png_row(&g, &lay, &lay.row[i]);
    }
    if (rc == HILO_OK && ok && bits && lay.n_above == lay.n_row)
        png_code(&g, bits, code_bytes, code_h);
    if (rc == HILO_OK)
        rc = ok ? png_bytes(&g, out) : HILO_NOMEM;
    if (g.image)
        gdImageDestroy(g.image);
    for (i = 0; i < 2; i++)
        if (g.face[i])
            (void)FT_Done_Face(g.face[i]);
    if (g.library)
        (void)FT_Done_FreeType(g.library);
    free(bits);
    pos_symbol_free(&code);
    pos_lay_free(&lay);
    return rc;
}
