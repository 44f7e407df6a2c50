/*
 * Greedy filling at the opportunities of Unicode's line breaking (UAX 14, libunistring), by the
 * width of characters on a grid; a word wider than the paper is cut where the paper ends.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lay.h"

#include <stdlib.h>
#include <string.h>
#include <unilbrk.h>
#include <unistr.h>
#include <uniwidth.h>

struct lay {
    struct pos_lay *out;
    size_t text_n, text_cap, row_cap, weight;
    uint32_t columns;
    bool folded;
    enum pos_codepage page;
};
static int32_t lay_text(struct lay *l, struct hilo_str text, struct pos_span *span)
{
    size_t n = text.n, cap = l->text_cap ? l->text_cap : 1024;
    char *folded = NULL, *grown;
    const char *p = text.p;

    span->at = l->text_n;
    span->n = 0;
    span->width = 0;
    if (l->folded && text.n) {
        p = folded = pos_codepage_fold(l->page, text, &n, &l->out->replaced);
        if (!folded)
            return HILO_NOMEM;
    }
    while (cap - l->text_n < n)
        cap *= 2;
    if (cap > l->text_cap) {
        grown = realloc(l->out->text, cap);
        if (!grown) {
            free(folded);
            return HILO_NOMEM;
        }
        l->out->text = grown;
        l->text_cap = cap;
    }
    if (n)
        memcpy(l->out->text + l->text_n, p, n);
    free(folded);
    l->text_n += n;
    span->n = n;
    span->width = (uint32_t)u8_width((const uint8_t *)l->out->text + span->at, n, "UTF-8");
    return HILO_OK;
}

static int32_t lay_row(struct lay *l, const struct pos_slip_line *line, struct pos_span left,
                       struct pos_span right, enum pos_align align)
{
    size_t cap = l->row_cap ? l->row_cap : 32;
    struct pos_row *row;

    l->weight += line->size;
    if (l->weight > POS_LAY_ROWS_MAX)
        return HILO_INVALID;
    if (l->out->n_row == l->row_cap) {
        while (cap <= l->row_cap)
            cap *= 2;
        row = realloc(l->out->row, cap * sizeof *row);
        if (!row)
            return HILO_NOMEM;
        l->out->row = row;
        l->row_cap = cap;
    }
    row = &l->out->row[l->out->n_row++];
    *row = (struct pos_row){
        .left = left, .right = right, .size = line->size, .bold = line->bold, .align = align};
    return HILO_OK;
}

static uint32_t lay_width(const uint8_t *s, size_t n)
{
    ucs4_t c;
    int width;

    u8_mbtouc(&c, s, n);
    width = uc_width(c, "UTF-8");
    return width > 0 ? (uint32_t)width : 0;
}

/* One paragraph, without line feeds, as rows of at most `columns`. */
static int32_t lay_paragraph(struct lay *l, const struct pos_slip_line *line, struct pos_span all,
                             enum pos_align align)
{
    const uint8_t *s = (const uint8_t *)l->out->text + all.at;
    uint32_t columns = l->columns / line->size, width = 0;
    const struct pos_span none = {0};
    size_t from = 0, at = 0, may = 0; /* may: where it can be broken last, 0: nowhere */
    int32_t rc = HILO_OK;
    char *brk = malloc(all.n + 1);

    if (!brk)
        return HILO_NOMEM;
    u8_possible_linebreaks(s, all.n, "UTF-8", brk);
    while (rc == HILO_OK && at < all.n) {
        ucs4_t c;
        int n = u8_mbtouc(&c, s + at, all.n - at);
        uint32_t w = lay_width(s + at, all.n - at);

        if (at > from && brk[at] == UC_BREAK_POSSIBLE)
            may = at;
        /* A space at the end of a row takes no room; a wide character in a narrow row gets one. */
        if (width + w > columns && c != ' ' && at > from) {
            size_t to = may > from ? may : at, end = to;

            while (end > from && s[end - 1] == ' ')
                end--;
            rc = lay_row(l, line,
                         (struct pos_span){all.at + from, end - from,
                                           (uint32_t)u8_width(s + from, end - from, "UTF-8")},
                         none, align);
            from = to;
            width = (uint32_t)u8_width(s + from, at - from, "UTF-8");
            may = 0;
        }
        width += w;
        at += (size_t)n;
    }
    while (at > from && s[at - 1] == ' ')
        at--;
    if (rc == HILO_OK && (at > from || from == 0))
        rc = lay_row(
            l, line,
            (struct pos_span){all.at + from, at - from, (uint32_t)u8_width(s + from, at - from, "UTF-8")},
            none, align);
    free(brk);
    return rc;
}

static int32_t lay_wrap(struct lay *l, const struct pos_slip_line *line, struct pos_span all,
                        enum pos_align align)
{
    size_t from = 0, to;
    int32_t rc = HILO_OK;

    while (rc == HILO_OK && from <= all.n) {
        const char *p = l->out->text + all.at + from,
                   *feed = all.n > from ? memchr(p, '\n', all.n - from) : NULL;

        to = feed ? from + (size_t)(feed - p) : all.n;
        rc = lay_paragraph(l, line, (struct pos_span){all.at + from, to - from, 0}, align);
        from = to + 1;
    }
    return rc;
}

static int32_t lay_line(struct lay *l, const struct pos_slip_line *line)
{
    struct pos_span label = {0}, text;
    int32_t rc = lay_text(l, line->text, &text);
    bool broken;

    if (rc == HILO_OK && line->label.n)
        rc = lay_text(l, line->label, &label);
    if (rc != HILO_OK)
        return rc;
    if (!line->label.n)
        return lay_wrap(l, line, text, line->align);
    broken = (text.n && memchr(l->out->text + text.at, '\n', text.n)) ||
             memchr(l->out->text + label.at, '\n', label.n);
    if (!broken && (uint64_t)label.width + 1 + text.width <= l->columns / line->size)
        return lay_row(l, line, label, text, POS_ALIGN_LEFT);
    rc = lay_wrap(l, line, label, POS_ALIGN_LEFT);
    return rc == HILO_OK ? lay_wrap(l, line, text, POS_ALIGN_RIGHT) : rc;
}

int32_t pos_lay(const struct pos_slip *slip, uint32_t columns, bool folded, enum pos_codepage page,
                struct pos_lay *out)
{
    const struct pos_slip_line title = {
        .text = slip->title, .bold = true, .size = 2, .align = POS_ALIGN_CENTER};
    struct lay l = {.out = out, .columns = columns, .folded = folded, .page = page};
    int32_t rc = HILO_OK;
    size_t i;

    *out = (struct pos_lay){0};
    if (columns < POS_SLIP_SIZE_MAX)
        return HILO_BUG;
    if (slip->title.n)
        rc = lay_line(&l, &title);
    for (i = 0; rc == HILO_OK && i < slip->n_line; i++)
        rc = lay_line(&l, &slip->line[i]);
    out->n_above = out->n_row;
    if (rc == HILO_OK && slip->mark == POS_MARK_BARCODE)
        rc = lay_line(&l,
                      &(struct pos_slip_line){.text = slip->mark_text, .size = 1, .align = POS_ALIGN_CENTER});
    if (rc != HILO_OK)
        pos_lay_free(out);
    return rc;
}

void pos_lay_free(struct pos_lay *lay)
{
    free(lay->row);
    free(lay->text);
    *lay = (struct pos_lay){0};
}
