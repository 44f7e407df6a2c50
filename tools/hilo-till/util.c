/* What all parts of the program use. */
#include "app.h"
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void complain(const char *fmt, ...)
{
    va_list ap;

    fputs("hilo-till: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

int64_t app_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void *app_alloc(size_t n)
{
    void *p = calloc(1, n);

    if (!p) {
        complain("out of memory");
        exit(EXIT_FAILED);
    }
    return p;
}

char *app_copy(const char *s)
{
    char *copy = s ? app_alloc(strlen(s) + 1) : NULL;

    return copy ? strcpy(copy, s) : NULL;
}

const char *app_text(const cJSON *o, const char *path)
{
    char name[64];
    size_t n;

    for (;;) {
        n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        o = cJSON_GetObjectItemCaseSensitive(o, name);
        if (!path[n])
            return cJSON_IsString(o) ? o->valuestring : "";
        path += n + 1;
    }
}

int app_base64(const char *text, char *out)
{
    size_t n = strlen(text);
    int got;

    if (n == 0) {
        out[0] = 0;
        return 0;
    }
    got = n % 4 ? -1 : EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text, (int)n);
    if (got < 0)
        return -1;
    got -= text[n - 1] != '=' ? 0 : text[n - 2] != '=' ? 1 : 2;
    out[got] = 0;
    return got;
}
