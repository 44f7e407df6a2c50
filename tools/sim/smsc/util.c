/* Small helpers. */
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must(void *p)
{
    if (!p) {
        fputs("hilo-sim-smsc: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *zeroed(size_t n)
{
    return must(calloc(1, n));
}

void sbuf_add(struct sbuf *b, const void *p, size_t n)
{
    if (b->cap - b->n < n + 1) {
        b->cap = (b->cap + n + 1) * 2;
        b->p = must(realloc(b->p, b->cap));
    }
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = 0;
}

void sbuf_drop(struct sbuf *b, size_t n)
{
    b->n -= n;
    if (b->n)
        memmove(b->p, b->p + n, b->n);
}

bool copy(char *out, size_t cap, const char *text)
{
    size_t n = strlen(text);

    if (n >= cap)
        return false;
    memcpy(out, text, n + 1);
    return true;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool unhex(const char *text, struct sbuf *out)
{
    uint8_t byte;

    sbuf_add(out, "", 0);
    for (; text[0]; text += 2) {
        int high = nibble(text[0]), low = high < 0 ? -1 : nibble(text[1]);
        if (low < 0)
            return false;
        byte = (uint8_t)(high << 4 | low);
        sbuf_add(out, &byte, 1);
    }
    return true;
}

char *hex(const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char *out = must(malloc(2 * n + 1));

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
    return out;
}
