/*
 * Codec to JSON, written as text directly: no tree is built.
 *
 * Fields come in the order of the bytes. A repeated field is written whole where
 * its first element is met, by one more pass over the group; so the cost is linear
 * but for a factor of at most the number of repeated fields a group has (three).
 * Numbers are formatted by printf in the C locale, which the daemon never leaves.
 */
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/json.h"
#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT 9007199254740992.0 /* 2^53 */

struct json_out {
    struct buf *b;
    int32_t rc; /* the first failure; later puts do nothing */
};

static void put(struct json_out *o, const char *p, size_t n)
{
    if (!o->rc)
        o->rc = buf_add(o->b, p, n);
}

#define PUT(o, lit) put((o), "" lit, sizeof(lit) - 1)

static bool plain(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static void put_str(struct json_out *o, struct hilo_str s)
{
    const char *p = s.p, *end, *run;
    char esc[8];

    PUT(o, "\"");
    for (end = p + s.n; p < end;) {
        for (run = p; p < end && plain((uint8_t)*p);)
            p++;
        put(o, run, (size_t)(p - run));
        if (p == end)
            break;
        switch (*p) {
        case '"':
            PUT(o, "\\\"");
            break;
        case '\\':
            PUT(o, "\\\\");
            break;
        case '\n':
            PUT(o, "\\n");
            break;
        case '\r':
            PUT(o, "\\r");
            break;
        case '\t':
            PUT(o, "\\t");
            break;
        default:
            (void)snprintf(esc, sizeof esc, "\\u%04x", (unsigned)(uint8_t)*p);
            put(o, esc, 6);
        }
        p++;
    }
    PUT(o, "\"");
}

int32_t json_put_str(struct buf *b, struct hilo_str s)
{
    struct json_out o = {b, HILO_OK};
    size_t start = b->n;

    put_str(&o, s.n ? s : STR(""));
    if (o.rc)
        b->n = start;
    return o.rc;
}

int32_t json_put_base64(struct buf *b, struct hilo_str s)
{
    size_t i, n;
    int32_t rc;
    int w;

    /* In pieces of a multiple of three bytes, for EVP counts in int. */
    rc = buf_reserve(b, (size_t)(s.n + 2) / 3 * 4 + 1);
    for (i = 0; !rc && i < s.n; i += n) {
        n = (size_t)(s.n - i) < 3u << 20 ? (size_t)(s.n - i) : 3u << 20;
        w = EVP_EncodeBlock((unsigned char *)b->p + b->n, (const unsigned char *)s.p + i, (int)n);
        b->n += (size_t)w;
    }
    return rc;
}

static void put_u64(struct json_out *o, uint64_t v)
{
    char t[24];
    int n = snprintf(t, sizeof t, v > UINT64_C(1) << 53 ? "\"%" PRIu64 "\"" : "%" PRIu64, v);

    put(o, t, (size_t)n);
}

/* As few digits, of 15 to 17, as read back as the same number. Large ones get an
 * exponent, for json_parse refuses that many digits in a row. */
static void put_f64(struct json_out *o, double d)
{
    char t[32];
    int digits, n = 0;

    for (digits = 15; digits <= 17; digits++) {
        n = fabs(d) < EXACT ? snprintf(t, sizeof t, "%.*g", digits, d)
                            : snprintf(t, sizeof t, "%.*e", digits - 1, d);
        if (strtod(t, NULL) == d)
            break;
    }
    put(o, t, (size_t)n);
}

/* clock_format has milliseconds; three more digits where there are any. */
static void put_time(struct json_out *o, uint64_t us)
{
    char t[CLOCK_TEXT], more[8];

    clock_format((int64_t)us, t);
    PUT(o, "\"");
    if (us % 1000) {
        put(o, t, strlen(t) - 1); /* without its Z */
        (void)snprintf(more, sizeof more, "%03uZ", (unsigned)(us % 1000));
        put(o, more, 4);
    } else {
        put(o, t, strlen(t));
    }
    PUT(o, "\"");
}

static void put_group(struct json_out *o, enum model_group, struct hilo_str bytes);

/* A group of which only the text is known and there, for the flag S. */
static bool only_text(enum model_group group, struct hilo_str bytes, struct hilo_str *text_out)
{
    const struct model_field *text = model_field_json(group, STR("text"));
    struct hilo_field f;

    if (!text || hilo_next(&bytes, &f) != 1 || f.tag != text->tag || bytes.n != 0)
        return false;
    *text_out = f.val;
    return true;
}

static void put_value(struct json_out *o, const struct model_field *f, struct hilo_str v)
{
    char id[ID_TEXT];
    struct hilo_id raw;
    struct hilo_str text;
    const char *name;
    uint64_t u = 0;

    if (f->type <= MODEL_BOOL || f->type == MODEL_ENUM) {
        if (v.n > 8)
            o->rc = HILO_INVALID;
        u = hilo_u64(v);
    }
    if (o->rc)
        return;
    switch ((enum model_type)f->type) {
    case MODEL_U64:
        put_u64(o, u);
        break;
    case MODEL_TIME:
        if (u > MODEL_TIME_MAX)
            o->rc = HILO_INVALID;
        else
            put_time(o, u);
        break;
    case MODEL_BOOL:
        if (u > 1)
            o->rc = HILO_INVALID;
        else
            put(o, u ? "true" : "false", u ? 4 : 5);
        break;
    case MODEL_F64:
        if (v.n != 8 || !isfinite(hilo_f64(v)))
            o->rc = HILO_INVALID;
        else
            put_f64(o, hilo_f64(v));
        break;
    case MODEL_STR:
        put_str(o, v);
        break;
    case MODEL_BYTES:
        PUT(o, "\"");
        if (!o->rc)
            o->rc = json_put_base64(o->b, v);
        PUT(o, "\"");
        break;
    case MODEL_ID:
        if (v.n != sizeof raw.b) {
            o->rc = HILO_INVALID;
            break;
        }
        memcpy(raw.b, v.p, sizeof raw.b);
        id_format(f->prefix, raw, id);
        put_str(o, str(id));
        break;
    case MODEL_ENUM:
        name = model_value_text(f->arg, u);
        if (name)
            put_str(o, str(name));
        else
            put_u64(o, u);
        break;
    case MODEL_GROUP:
        if ((f->flags & MODEL_SHORT) && only_text(f->arg, v, &text))
            put_str(o, text);
        else
            put_group(o, f->arg, v);
        break;
    }
}

static void put_array(struct json_out *o, const struct model_field *f, struct hilo_str rest)
{
    struct hilo_field el;
    const char *sep = "[";

    while (!o->rc && hilo_next(&rest, &el) == 1) {
        if (el.tag != f->tag)
            continue;
        put(o, sep, 1);
        put_value(o, f, el.val);
        sep = ",";
    }
    PUT(o, "]");
}

static void put_unknown(struct json_out *o, enum model_group group, struct hilo_str rest)
{
    struct hilo_field f;
    const char *sep = "[";
    char t[32];
    int n;

    PUT(o, "\"_unknown\":");
    while (!o->rc && hilo_next(&rest, &f) == 1) {
        if (model_field(group, f.tag))
            continue;
        put(o, sep, 1);
        n = snprintf(t, sizeof t, "{\"tag\":%" PRIu32 ",\"value\":\"", f.tag);
        put(o, t, (size_t)n);
        if (!o->rc)
            o->rc = json_put_base64(o->b, f.val);
        PUT(o, "\"}");
        sep = ",";
    }
    PUT(o, "]");
}

/* An id of zeros stands for none (hilo/types.h). */
static bool no_id(const struct model_field *f, struct hilo_str v)
{
    struct hilo_id id;

    if (f->type != MODEL_ID || v.n != sizeof id.b)
        return false;
    memcpy(id.b, v.p, sizeof id.b);
    return id_none(id);
}

static void put_group(struct json_out *o, enum model_group group, struct hilo_str bytes)
{
    const struct hilo_str all = bytes;
    struct hilo_field f;
    uint64_t seen = 0; /* by tag; every group has fewer than 64 fields */
    bool unknown = false;
    const char *sep = "{";
    int r = 0;

    while (!o->rc && (r = hilo_next(&bytes, &f)) == 1) {
        const struct model_field *m = model_field(group, f.tag);

        if (!m) {
            unknown = true;
            continue;
        }
        if ((m->flags & MODEL_INTERNAL) || no_id(m, f.val) || (seen & UINT64_C(1) << (m->tag & 63)))
            continue;
        seen |= UINT64_C(1) << (m->tag & 63);
        put(o, sep, 1);
        PUT(o, "\"");
        put(o, m->json, m->json_n);
        PUT(o, "\":");
        if (m->flags & MODEL_REPEATED)
            put_array(o, m, all);
        else
            put_value(o, m, f.val);
        sep = ",";
    }
    if (r < 0)
        o->rc = HILO_INVALID;
    if (unknown) {
        put(o, sep, 1);
        put_unknown(o, group, all);
        sep = ",";
    }
    if (*sep == '{')
        PUT(o, "{");
    PUT(o, "}");
}

int32_t model_json_write(struct buf *b, enum model_group group, struct hilo_str bytes, struct err *e)
{
    struct json_out o = {b, HILO_OK};
    size_t start = b->n;

    put_group(&o, group, bytes);
    if (!o.rc)
        return HILO_OK;
    b->n = start;
    return err_set(e, o.rc, "%s",
                   o.rc == HILO_NOMEM ? "no memory for the message's JSON"
                                      : "the message's bytes are malformed");
}
