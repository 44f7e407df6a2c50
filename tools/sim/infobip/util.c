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
        fputs("hilo-sim-infobip: out of memory\n", stderr);
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

char *print(const cJSON *json)
{
    return must(cJSON_PrintUnformatted(json));
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

void stamp(char out[40])
{
    struct timespec t;
    struct tm tm;
    char head[24];

    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 40, "%s.%03d+0000", head, (int)(t.tv_nsec / 1000000));
}

void make_id(char out[48], const char *prefix)
{
    uint8_t r[12];
    char hex[sizeof r * 2 + 1];

    if (RAND_bytes(r, sizeof r) != 1)
        abort();
    for (size_t i = 0; i < sizeof r; i++)
        snprintf(hex + 2 * i, 3, "%02x", r[i]);
    snprintf(out, 48, "%s%s", prefix, hex);
}

void sha256_hex(const void *p, size_t n, char out[65])
{
    uint8_t d[32];

    if (!EVP_Digest(p, n, d, NULL, EVP_sha256(), NULL))
        abort();
    for (size_t i = 0; i < sizeof d; i++)
        snprintf(out + 2 * i, 3, "%02x", d[i]);
}

char *base64(const char *text)
{
    size_t n = strlen(text);
    char *out = must(malloc(n * 4 / 3 + 8));

    EVP_EncodeBlock((uint8_t *)out, (const uint8_t *)text, (int)n);
    return out;
}

uint8_t *unbase64(const char *text, size_t *n_out)
{
    size_t n = strlen(text), pad = n >= 2 ? (text[n - 1] == '=') + (size_t)(text[n - 2] == '=') : 0;
    uint8_t *out = must(malloc(n + 1));

    if (n % 4 || EVP_DecodeBlock(out, (const uint8_t *)text, (int)n) < 0) {
        free(out);
        return NULL;
    }
    *n_out = n / 4 * 3 - pad;
    return out;
}

size_t count_chars(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

bool file_read(const char *path, struct sbuf *out)
{
    char chunk[8192];
    FILE *f = fopen(path, "rb");

    if (!f)
        return false;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        sbuf_add(out, chunk, n);
    fclose(f);
    return true;
}
