/*
 * The interpreter. Real-time requests (DLE EOT) are answered as they come in, everything else when
 * its turn comes; nothing comes to its turn while the printer is stopped.
 */
#include "printer.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DLE = 0x10, ESC = 0x1b, FS = 0x1c, GS = 0x1d, LF = 0x0a, MORE = -1 };

static void *grown(void *p, size_t n)
{
    void *q = realloc(p, n);

    if (!q)
        abort();
    return q;
}

bool printer_stopped(const struct printer *p)
{
    return p->cover_open || p->paper_out || p->offline || p->cutter || p->hot;
}

static void say(struct printer *p, uint8_t byte)
{
    if (!p->silent && p->out_n < OUT_MAX)
        p->out[p->out_n++] = byte;
}

static void violation(struct printer *p, const char *what, unsigned byte)
{
    p->violations++;
    (void)snprintf(p->violated, sizeof p->violated, "%s (0x%02x)", what, byte);
}

/* ---- status ------------------------------------------------------------------------------------ */

static void answer(struct printer *p, unsigned n)
{
    unsigned byte = 0x12;

    p->asked++;
    switch (n) {
    case 1:
        byte |= printer_stopped(p) ? 0x08 : 0;
        break;
    case 2:
        byte |= (p->cover_open ? 0x04 : 0) | (p->paper_out ? 0x20 : 0) | (p->cutter || p->hot ? 0x40 : 0);
        break;
    case 3:
        byte |= (p->cutter ? 0x08 : 0) | (p->hot ? 0x40 : 0);
        break;
    case 4:
        byte |= (p->paper_low ? 0x0c : 0) | (p->paper_out ? 0x6c : 0);
        break;
    default:
        violation(p, "DLE EOT", n);
        return;
    }
    say(p, (uint8_t)byte);
}

static void tell(struct printer *p)
{
    if (!p->asb)
        return;
    say(p, (uint8_t)(0x10 | (printer_stopped(p) ? 0x08 : 0) | (p->cover_open ? 0x20 : 0)));
    say(p, (uint8_t)((p->cutter ? 0x08 : 0) | (p->hot ? 0x40 : 0)));
    say(p, (uint8_t)((p->paper_low ? 0x03 : 0) | (p->paper_out ? 0x0f : 0)));
    say(p, 0x0f);
}

void printer_changed(struct printer *p)
{
    tell(p);
    printer_run(p);
}

/* ---- paper ---------------------------------------------------------------------------------------- */

static struct receipt *current(struct printer *p)
{
    if (!p->open) {
        if (p->n_receipt == RECEIPTS_MAX)
            abort();
        p->receipt = grown(p->receipt, (p->n_receipt + 1) * sizeof *p->receipt);
        p->receipt[p->n_receipt++] = (struct receipt){.kind = "", .cut = ""};
        p->open = true;
    }
    return &p->receipt[p->n_receipt - 1];
}

static void keep(struct printer *p, const uint8_t *b, size_t n)
{
    struct receipt *r = current(p);

    if (r->n + n > r->cap) {
        r->cap = (r->n + n) * 2;
        r->bytes = grown(r->bytes, r->cap);
    }
    memcpy(r->bytes + r->n, b, n);
    r->n += n;
}

static void letter(struct printer *p, uint8_t byte)
{
    struct receipt *r = current(p);
    iconv_t cd = iconv_open("UTF-8", p->page == 16 ? "CP1252" : "CP850");
    char in = (char)byte, out[8], *from = &in, *to = out;
    size_t in_n = 1, out_n = sizeof out;

    if (cd == (iconv_t)-1)
        abort();
    if (p->page == 19 && byte == 0xd5) {
        memcpy(out, "\xe2\x82\xac", 3);
        to = out + 3;
    } else if (iconv(cd, &from, &in_n, &to, &out_n) == (size_t)-1) {
        violation(p, "a character that the code page has not", byte);
    }
    (void)iconv_close(cd);
    if (r->text_n + 8 > r->text_cap) {
        r->text_cap = (r->text_n + 8) * 2;
        r->text = grown(r->text, r->text_cap);
    }
    memcpy(r->text + r->text_n, out, (size_t)(to - out));
    r->text_n += (size_t)(to - out);
}

static void cut(struct printer *p, const char *how)
{
    current(p)->cut = how;
    p->open = false;
}

static void row(struct printer *p)
{
    letter(p, LF);
    if (p->rows > 0 && --p->rows == 0) {
        p->rows = -1;
        p->paper_out = true;
        tell(p);
    }
}

/* ---- commands, each with its whole length, or MORE if that has not come --------------------------- */

static long code(struct printer *p, const uint8_t *b, size_t n)
{
    size_t data, i;

    if (n < 5)
        return MORE;
    data = b[3] | (size_t)b[4] << 8;
    if (n < 5 + data)
        return MORE;
    if (b[2] != 'k' || data < 3 || b[5] != 49)
        violation(p, "GS (", b[2]);
    else if (b[6] == 80 && data - 3 < CODE_MAX) {
        for (i = 0; i < data - 3; i++)
            p->code[i] = (char)b[8 + i];
        p->code[data - 3] = 0;
    } else if (b[6] == 81) {
        struct receipt *r = current(p);

        memcpy(r->code, p->code, sizeof r->code);
        r->kind = "qr";
    }
    return (long)(5 + data);
}

static long bars(struct printer *p, const uint8_t *b, size_t n)
{
    struct receipt *r;
    size_t i, k = 0;

    if (n < 4 || n < 4u + b[3])
        return MORE;
    if (b[2] != 73 || b[3] < 3 || b[4] != '{' || b[5] != 'B') {
        violation(p, "GS k: Code 128 in set B is known here", b[2]);
    } else {
        r = current(p);
        for (i = 6; i < 4u + b[3] && k + 1 < CODE_MAX; i++) {
            if (b[i] == '{' && b[++i] != '{')
                violation(p, "{ in the data of a Code 128", b[i]);
            r->code[k++] = (char)b[i];
        }
        r->code[k] = 0;
        r->kind = "code128";
    }
    return 4 + b[3];
}

static long gs(struct printer *p, const uint8_t *b, size_t n)
{
    if (n < 2)
        return MORE;
    switch (b[1]) {
    case '!':
    case 'h':
    case 'w':
    case 'H':
        return n < 3 ? MORE : 3;
    case 'a':
        if (n < 3)
            return MORE;
        p->asb = b[2] != 0;
        tell(p);
        return 3;
    case 'r':
        if (n < 3)
            return MORE;
        p->ordered++;
        if (!p->no_order)
            say(p, (uint8_t)((p->paper_low ? 0x03 : 0) | (p->paper_out ? 0x0c : 0)));
        return 3;
    case 'V':
        if (n < 3 || (b[2] >= 65 && n < 4))
            return MORE;
        keep(p, b, b[2] >= 65 ? 4 : 3);
        cut(p, b[2] == 65 || b[2] == 0 || b[2] == 48 ? "full" : "partial");
        return b[2] >= 65 ? 4 : 3;
    case 'v': {
        size_t data;

        if (n < 8)
            return MORE;
        data = (b[4] | (size_t)b[5] << 8) * (b[6] | (size_t)b[7] << 8);
        if (n < 8 + data)
            return MORE;
        current(p)->kind = "raster";
        return (long)(8 + data);
    }
    case '(':
        return code(p, b, n);
    case 'k':
        return bars(p, b, n);
    default:
        violation(p, "GS", b[1]);
        return 2;
    }
}

static long esc(struct printer *p, const uint8_t *b, size_t n)
{
    if (n < 2)
        return MORE;
    switch (b[1]) {
    case '@':
        p->page = 0;
        return 2;
    case 'a':
    case 'E':
    case 'M':
        return n < 3 ? MORE : 3;
    case 't':
        if (n < 3)
            return MORE;
        p->page = b[2];
        return 3;
    case 'd':
        if (n < 3)
            return MORE;
        keep(p, b, 3);
        cut(p, "none");
        return 3;
    case 'p':
        p->kicks++;
        return n < 5 ? MORE : 5;
    default:
        violation(p, "ESC", b[1]);
        return 2;
    }
}

void printer_run(struct printer *p)
{
    while (p->at < p->n && !printer_stopped(p)) {
        const uint8_t *b = p->buffer + p->at;
        size_t n = p->n - p->at, receipts = p->n_receipt;
        bool was_open = p->open;
        long used;

        if (b[0] == ESC) {
            used = esc(p, b, n);
        } else if (b[0] == GS) {
            used = gs(p, b, n);
        } else if (b[0] == FS) {
            used = n < 2 ? MORE : 2;
            if (used > 0 && b[1] != '.')
                violation(p, "FS", b[1]);
        } else {
            used = 1;
            if (b[0] == LF)
                row(p);
            else if (b[0] < 0x20)
                violation(p, "a control", b[0]);
            else
                letter(p, b[0]);
        }
        if (used == MORE)
            break;
        /* What ended a receipt has kept itself; questions are of none. */
        if (!(was_open && !p->open) && !(receipts < p->n_receipt && !p->open) &&
            !(b[0] == GS && (b[1] == 'r' || b[1] == 'a')))
            keep(p, b, (size_t)used);
        p->at += (size_t)used;
    }
    memmove(p->buffer, p->buffer + p->at, p->n - p->at);
    p->n -= p->at;
    p->at = 0;
}

/* A real printer looks for DLE EOT in whatever comes, pictures too. */
size_t printer_take(struct printer *p, const uint8_t *b, size_t n)
{
    size_t i = 0;

    while (i < n && p->n < BUFFER_MAX) {
        if (i + 2 < n && b[i] == DLE && b[i + 1] == 4 && b[i + 2] >= 1 && b[i + 2] <= 4) {
            answer(p, b[i + 2]);
            i += 3;
            continue;
        }
        if (b[i] == DLE && i + 2 >= n) /* the rest of it is on its way */
            break;
        p->buffer[p->n++] = b[i++];
    }
    printer_run(p);
    return i;
}
