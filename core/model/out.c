/* JSON member by member: commas, quotes and the forms that ids, times and numbers have everywhere. */
#include "model/out.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/json.h"
#include <string.h>

static void out__add(struct out *o, struct hilo_str s)
{
    if (buf_add_str(&o->b, s) != HILO_OK)
        o->failed = true;
}

static void out__key(struct out *o, const char *key)
{
    if (o->comma)
        out__add(o, STR(","));
    o->comma = true;
    if (key) {
        out__add(o, STR("\""));
        out__add(o, str(key));
        out__add(o, STR("\":"));
    }
}

void out_begin(struct out *o, const char *key, char bracket)
{
    out__key(o, key);
    out__add(o, str_n(&bracket, 1));
    o->comma = false;
}

void out_end(struct out *o, char bracket)
{
    out__add(o, str_n(&bracket, 1));
    o->comma = true;
}

void out_str(struct out *o, const char *key, struct hilo_str s)
{
    out__key(o, key);
    if (json_put_str(&o->b, s) != HILO_OK)
        o->failed = true;
}

void out_opt(struct out *o, const char *key, struct hilo_str s)
{
    if (s.n)
        out_str(o, key, s);
}

void out_u64(struct out *o, const char *key, uint64_t v)
{
    char text[24], *p = text + sizeof text;
    /* Beyond 2^53 readers lose digits: a string, as everywhere in the model. */
    bool quoted = v > UINT64_C(1) << 53;

    if (quoted)
        *--p = '"';
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    if (quoted)
        *--p = '"';
    out_raw(o, key, str_n(p, (size_t)(text + sizeof text - p)));
}

void out_bool(struct out *o, const char *key, bool v)
{
    out_raw(o, key, v ? STR("true") : STR("false"));
}
void out_null(struct out *o, const char *key)
{
    out_raw(o, key, STR("null"));
}

void out_raw(struct out *o, const char *key, struct hilo_str json)
{
    out__key(o, key);
    out__add(o, json);
}

void out_id(struct out *o, const char *key, const char *prefix, struct hilo_id id)
{
    char text[1 + ID_TEXT + 1];
    size_t n;

    if (id_none(id))
        return;
    /* Nothing in it needs an escape. */
    text[0] = '"';
    id_format(prefix, id, text + 1);
    n = strlen(text);
    text[n] = '"';
    out_raw(o, key, str_n(text, n + 1));
}

void out_time(struct out *o, const char *key, uint64_t us)
{
    char text[1 + CLOCK_TEXT + 1];
    size_t n;

    if (us == 0)
        return;
    /* Nothing in it needs an escape. */
    text[0] = '"';
    clock_format((int64_t)us, text + 1);
    n = strlen(text);
    text[n] = '"';
    out_raw(o, key, str_n(text, n + 1));
}

void out_hex(struct out *o, const char *key, struct hilo_str bytes)
{
    char text[129];

    if (bytes.n == 0 || bytes.n > 64)
        return;
    str_hex(text, bytes.p, (size_t)bytes.n);
    out_str(o, key, str(text));
}
