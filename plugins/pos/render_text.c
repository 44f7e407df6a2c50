/*
 * A slip as plain text. Bold and size can't be seen in it, but rows are as wide as they will be.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "render.h"

#include "lay.h"

#include <stdlib.h>
#include <string.h>

struct text {
    char *p;
    size_t n, cap;
    bool failed;
};

static void text_put(struct text *t, const char *p, size_t n)
{
    size_t cap = t->cap ? t->cap : 1024;
    char *grown;

    while (cap - t->n < n)
        cap *= 2;
    if (cap > t->cap && !t->failed) {
        grown = realloc(t->p, cap);
        t->failed = !grown;
        if (grown) {
            t->p = grown;
            t->cap = cap;
        }
    }
    if (t->failed)
        return;
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void text_blank(struct text *t, uint32_t n)
{
    for (; n > 0; n--)
        text_put(t, " ", 1);
}

static void text_row(struct text *t, const struct pos_lay *lay, const struct pos_row *row, uint32_t columns)
{
    if (!row->right.n && row->left.n)
        text_blank(t, row->align == POS_ALIGN_CENTER  ? (columns - row->left.width) / 2
                      : row->align == POS_ALIGN_RIGHT ? columns - row->left.width
                                                      : 0);
    text_put(t, lay->text + row->left.at, row->left.n);
    if (row->right.n) {
        text_blank(t, columns - row->left.width - row->right.width);
        text_put(t, lay->text + row->right.at, row->right.n);
    }
    text_put(t, "\n", 1);
}

char *pos_render_text(const struct pos_slip *slip, uint32_t columns, size_t *n_out)
{
    struct text t = {0};
    struct pos_lay lay;
    size_t i;

    if (pos_lay(slip, columns, false, POS_CODEPAGE_858, &lay) != HILO_OK)
        return NULL;
    for (i = 0; i < lay.n_above; i++)
        text_row(&t, &lay, &lay.row[i], columns);
    if (slip->mark == POS_MARK_QR) {
        text_put(&t, "[QR ", 4);
        text_put(&t, slip->mark_text.p, slip->mark_text.n);
        text_put(&t, "]\n", 2);
    } else if (slip->mark == POS_MARK_BARCODE) {
        text_put(&t, "[|||", 4);
        text_put(&t, slip->mark_text.p, slip->mark_text.n);
        text_put(&t, "|||]\n", 5);
    }
    for (; i < lay.n_row; i++)
        text_row(&t, &lay, &lay.row[i], columns);
    text_put(&t, "", 1);
    pos_lay_free(&lay);
    if (t.failed) {
        free(t.p);
        return NULL;
    }
    *n_out = t.n - 1;
    return t.p;
}
