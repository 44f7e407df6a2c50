/* Text, numbers and digests for the simulator.
 *
 * Small memory is never missing here: an allocation that fails ends the program with a line on stderr. */
#include "sim.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static void no_memory(void)
{
    fputs("hilo-sim-whatsapp: out of memory\n", stderr);
    abort();
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        no_memory();
    return p;
}

char *xstrdup(const char *text)
{
    char *p = strdup(text);
    if (!p)
        no_memory();
    return p;
}

char *xprint(const cJSON *json)
{
    char *p = cJSON_PrintUnformatted(json);
    if (!p)
        no_memory();
    return p;
}

bool copy_text(char *out, size_t cap, const char *text)
{
    size_t n = strlen(text);
    if (n >= cap)
        return false;
    memcpy(out, text, n + 1);
    return true;
}

void sbuf_add(struct sbuf *b, const void *p, size_t n)
{
    if (b->cap - b->n <= n) {
        size_t cap = b->cap ? b->cap : 256;
        while (cap - b->n <= n)
            cap *= 2;
        char *grown = realloc(b->p, cap);
        if (!grown)
            no_memory();
        b->p = grown;
        b->cap = cap;
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

void sbuf_printf(struct sbuf *b, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n > 0)
        sbuf_add(b, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void sbuf_free(struct sbuf *b)
{
    free(b->p);
    *b = (struct sbuf){0};
}

int64_t mono_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t unix_s(void)
{
    return (int64_t)time(NULL);
}

void random_bytes(void *out, size_t n)
{
    uint8_t *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            perror("hilo-sim-whatsapp: getrandom");
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

uint64_t rng_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double rng_unit(uint64_t *state)
{
    return (double)(rng_next(state) >> 11) / 9007199254740992.0;
}

void hex(const uint8_t *in, size_t n, char *out)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digit[in[i] >> 4];
        *out++ = digit[in[i] & 15];
    }
    *out = 0;
}

char *base64(const uint8_t *in, size_t n)
{
    char *out = xcalloc(1, (n + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)out, in, (int)n);
    return out;
}

uint8_t *unbase64(const char *text, size_t *n_out)
{
    size_t n = strlen(text);
    if (n % 4 || n > CONTROL_BODY_MAX)
        return NULL;
    uint8_t *out = xcalloc(1, n / 4 * 3 + 1);
    int got = n ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)n) : 0;
    if (got < 0) {
        free(out);
        return NULL;
    }
    size_t pad = n && text[n - 1] == '=' ? (text[n - 2] == '=' ? 2 : 1) : 0;
    *n_out = (size_t)got - pad;
    return out;
}

void sha256(const void *in, size_t n, uint8_t out[32])
{
    if (!EVP_Digest(in, n, out, NULL, EVP_sha256(), NULL))
        no_memory();
}

void hmac_sha256(const char *key, const void *in, size_t n, uint8_t out[32])
{
    if (!HMAC(EVP_sha256(), key, (int)strlen(key), in, n, out, NULL))
        no_memory();
}

/* The length of the well-formed UTF-8 sequence at p (no surrogates, no overlong forms), or 0. */
static size_t utf8_one(const uint8_t *p, size_t n, uint32_t *out)
{
    uint32_t c = p[0], low = 0x80;
    size_t len = c < 0x80                ? 1
                 : c >= 0xC2 && c < 0xE0 ? 2
                 : (c & 0xF0) == 0xE0    ? 3
                 : c >= 0xF0 && c < 0xF5 ? 4
                                         : 0;
    if (!len || len > n)
        return 0;
    if (len > 1)
        c &= 0x7Fu >> len;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    low = len == 3 ? 0x800 : len == 4 ? 0x10000 : len == 2 ? 0x80 : 0;
    if (c < low || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return 0;
    *out = c;
    return len;
}

bool utf8_valid(const char *p, size_t n)
{
    const uint8_t *u = (const uint8_t *)p;
    uint32_t c;
    while (n) {
        size_t len = utf8_one(u, n, &c);
        if (!len)
            return false;
        u += len;
        n -= len;
    }
    return true;
}

size_t utf8_count(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((uint8_t)*text & 0xC0) != 0x80;
    return n;
}

void json_escape(struct sbuf *out, const char *json, size_t n)
{
    const uint8_t *p = (const uint8_t *)json;
    while (n) {
        uint32_t c = 0;
        size_t len = utf8_one(p, n, &c);
        if (!len) { /* cannot come from checked input; keep the text ASCII all the same */
            c = 0xFFFD;
            len = 1;
        }
        if (c == '/')
            sbuf_add(out, "\\/", 2);
        else if (c < 0x80 && c != '<' && c != '%' && c != '@')
            sbuf_add(out, p, 1);
        else if (c < 0x10000)
            sbuf_printf(out, "\\u%04x", (unsigned)c);
        else
            sbuf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((c - 0x10000) >> 10)),
                        (unsigned)(0xDC00 + ((c - 0x10000) & 0x3FF)));
        p += len;
        n -= len;
    }
}

bool is_digits(const char *text, size_t min, size_t max)
{
    size_t n = strspn(text, "0123456789");
    return !text[n] && n >= min && n <= max;
}

bool is_user_id(const char *text)
{
    static const char alnum[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (strspn(text, alnum + 36) < 2 || text[2] != '.')
        return false;
    text += 3;
    if (!strncmp(text, "ENT.", 4))
        text += 4;
    size_t n = strspn(text, alnum);
    return n >= 1 && n <= 128 && !text[n];
}

const char *jstr(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

bool jbool(const cJSON *object, const char *key, bool absent)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : absent;
}
