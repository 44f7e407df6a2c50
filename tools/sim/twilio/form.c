/* application/x-www-form-urlencoded, and Twilio's signature of it. */
#include "sim.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool decode(const char *p, size_t n, char **out)
{
    struct sbuf b = {0};
    unsigned c;

    sbuf_add(&b, "", 0);
    for (size_t i = 0; i < n; i++) {
        char one = p[i] == '+' ? ' ' : p[i];
        if (p[i] == '%') {
            char hex[3] = {0};
            if (n - i < 3)
                goto wrong;
            memcpy(hex, p + i + 1, 2);
            if (strspn(hex, "0123456789abcdefABCDEF") != 2 || sscanf(hex, "%2x", &c) != 1 || c == 0)
                goto wrong;
            one = (char)c;
            i += 2;
        }
        sbuf_add(&b, &one, 1);
    }
    *out = b.p;
    return true;
wrong:
    free(b.p);
    return false;
}

bool params_read(struct params *out, const char *text, size_t n)
{
    const char *p = text, *end = text + n;

    memset(out, 0, sizeof *out);
    while (p < end) {
        const char *amp = memchr(p, '&', (size_t)(end - p)), *stop = amp ? amp : end;
        const char *eq = memchr(p, '=', (size_t)(stop - p)), *name_end = eq ? eq : stop;
        struct param *v = &out->v[out->n];

        if (out->n == PARAMS_MAX || !decode(p, (size_t)(name_end - p), &v->name))
            return false;
        if (!decode(eq ? eq + 1 : stop, eq ? (size_t)(stop - eq - 1) : 0, &v->value)) {
            free(v->name);
            return false;
        }
        out->n++;
        p = amp ? amp + 1 : end;
    }
    return true;
}

void params_add(struct params *p, const char *name, const char *value)
{
    if (p->n == PARAMS_MAX)
        abort();
    p->v[p->n].name = must(strdup(name));
    p->v[p->n++].value = must(strdup(value));
}

const char *params_get(const struct params *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->v[i].name, name))
            return p->v[i].value;
    return NULL;
}

static void encode(struct sbuf *b, const char *s)
{
    char code[4];

    for (; *s; s++) {
        if ((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
            strchr("*-._", *s)) {
            sbuf_add(b, s, 1);
        } else if (*s == ' ') {
            sbuf_text(b, "+");
        } else {
            snprintf(code, sizeof code, "%%%02X", (unsigned char)*s);
            sbuf_text(b, code);
        }
    }
}

char *params_write(const struct params *p)
{
    struct sbuf b = {0};

    sbuf_add(&b, "", 0);
    for (size_t i = 0; i < p->n; i++) {
        if (i)
            sbuf_text(&b, "&");
        encode(&b, p->v[i].name);
        sbuf_text(&b, "=");
        encode(&b, p->v[i].value);
    }
    return b.p;
}

void params_free(struct params *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].name);
        free(p->v[i].value);
    }
    p->n = 0;
}

/* The place of the least that is greater than *last (NULL: of all); a name that comes twice is signed once
 * for each value. */
static const struct param *next_param(const struct params *p, const struct param *last)
{
    const struct param *best = NULL;

    for (size_t i = 0; i < p->n; i++) {
        const struct param *v = &p->v[i];
        int after = !last                         ? 1
                    : strcmp(v->name, last->name) ? strcmp(v->name, last->name)
                                                  : strcmp(v->value, last->value);
        int before = !best                         ? -1
                     : strcmp(v->name, best->name) ? strcmp(v->name, best->name)
                                                   : strcmp(v->value, best->value);
        if (after > 0 && before < 0)
            best = v;
    }
    return best;
}

char *sign(const char *token, const char *url, const struct params *p)
{
    const struct param *v = NULL;
    struct sbuf b = {0};
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    sbuf_text(&b, url);
    while (p && (v = next_param(p, v))) {
        sbuf_text(&b, v->name);
        sbuf_text(&b, v->value);
    }
    must(HMAC(EVP_sha1(), token, (int)strlen(token), (const uint8_t *)b.p, b.n, mac, &n));
    free(b.p);
    return base64(mac, n);
}
