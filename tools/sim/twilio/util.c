/* Small helpers. */
#include "sim.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *must(void *p)
{
    if (!p) {
        fputs("hilo-sim-twilio: out of memory\n", stderr);
        abort();
    }
    return p;
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

void sbuf_text(struct sbuf *b, const char *text)
{
    sbuf_add(b, text, strlen(text));
}

const char *member(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

bool copy(char *out, size_t cap, const char *text)
{
    size_t n = strlen(text);

    if (n >= cap)
        return false;
    memcpy(out, text, n + 1);
    return true;
}

int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void make_sid(char out[SID_MAX], const char *prefix)
{
    uint8_t r[16];
    size_t n = (size_t)snprintf(out, SID_MAX, "%s", prefix);

    if (RAND_bytes(r, sizeof r) != 1)
        abort();
    for (size_t i = 0; i < sizeof r; i++)
        snprintf(out + n + 2 * i, 3, "%02x", r[i]);
}

char *base64(const void *p, size_t n)
{
    char *out = must(malloc((n + 2) / 3 * 4 + 1));

    EVP_EncodeBlock((uint8_t *)out, p, (int)n);
    return out;
}
