/*
 * Writing one inbound message from JSON: by tables of the members that have a
 * field; what has none goes into EXTRA.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inbound.h"

#include "signature.h"

#include <stdlib.h>

/* Members of EXTRA; a message with more is taken as too large. */
enum { INBOUND_EXTRA_MAX = 256 };
enum { INBOUND_MESSAGE_MAX = HILO_MESSAGE_MAX - 4096 /* the core adds ids and names */ };

static int inbound_grow(struct hilo_writer *w, uint64_t need)
{
    struct wa_in *in = w->grow_arg;
    uint64_t cap = w->cap ? w->cap : 2048;
    void *p;

    if (need > INBOUND_MESSAGE_MAX)
        return 0;
    while (cap < need)
        cap *= 2;
    if (cap > INBOUND_MESSAGE_MAX)
        cap = INBOUND_MESSAGE_MAX;
    p = realloc(w->p, (size_t)cap);
    if (!p) {
        in->nomem = true;
        return 0;
    }
    w->p = p;
    w->cap = cap;
    return 1;
}

bool wa_in_init(struct wa_in *in, struct hilo_str body)
{
    memset(in, 0, sizeof *in);
    in->w.grow = inbound_grow;
    in->w.grow_arg = in;
    in->scratch = malloc(body.n);
    return in->scratch != NULL;
}

void wa_in_free(struct wa_in *in)
{
    free(in->scratch);
    free(in->w.p);
    free(in->extra.p);
}

void wa_in_begin(struct wa_in *in, enum hilo_kind kind)
{
    in->w.n = 0;
    in->w.failed = 0;
    in->w.depth = 0;
    in->extra.n = 0;
    in->extra.failed = false;
    in->n_extra = 0;
    hilo_put_u64(&in->w, HILO_T_MSG_KIND, kind);
}

static bool inbound_take(struct wa_in *in, const struct wa_member *m, struct hilo_str value)
{
    char hex[65];
    uint64_t u;
    double d;

    switch (m->take) {
    case WA_TAKE_TEXT:
        return wa_in_text(in, m->tag, value);
    case WA_TAKE_F64:
        if (!wa_json_f64(value, &d))
            return false;
        hilo_put_f64(&in->w, m->tag, d);
        return true;
    case WA_TAKE_U64:
        if (!wa_json_u64(value, &u))
            return false;
        hilo_put_u64(&in->w, m->tag, u);
        return true;
    case WA_TAKE_BOOL:
        if (wa_json_type(value) != WA_JSON_BOOL)
            return false;
        hilo_put_u64(&in->w, m->tag, value.p[0] == 't');
        return true;
    case WA_TAKE_SHA256:
        if (wa_json_type(value) != WA_JSON_STRING || !wa_sha256_normal(wa_json_text(value, in->scratch), hex))
            return false;
        hilo_put(&in->w, m->tag, hex, 64);
        return true;
    case WA_TAKE_NOTHING:
        return true;
    }
    return false;
}

bool wa_in_members(struct wa_in *in, struct hilo_str object, const struct wa_member *table, bool *left)
{
    struct hilo_str rest, key, value;
    uint32_t seen = 0;
    size_t i;

    if (wa_json_type(object) != WA_JSON_OBJECT)
        return false;
    rest = wa_json_inside(object);
    while (wa_json_member(&rest, &key, &value)) {
        for (i = 0; table[i].name && !wa_json_key_is(key, table[i].name); i++)
            ;
        if (!table[i].name || (seen >> i & 1) || !inbound_take(in, &table[i], value))
            *left = true;
        else
            seen |= UINT32_C(1) << i;
    }
    for (i = 0; table[i].name; i++)
        if (table[i].must && !(seen >> i & 1))
            return false;
    return true;
}

void wa_bytes_put(struct wa_bytes *b, const char *p, size_t n)
{
    size_t cap;
    char *q;

    if (b->failed || n == 0)
        return;
    if (b->cap - b->n < n) {
        cap = b->cap ? b->cap : 256;
        while (cap - b->n < n && cap < HILO_MESSAGE_MAX)
            cap *= 2;
        q = cap - b->n >= n ? realloc(b->p, cap) : NULL;
        if (!q) {
            b->failed = true;
            b->nomem = cap - b->n >= n;
            return;
        }
        b->p = q;
        b->cap = cap;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void wa_in_extra(struct wa_in *in, struct hilo_str key, struct hilo_str value)
{
    struct hilo_str rest = {NULL, 0}, k, v;

    if (in->extra.n) {
        rest.p = in->extra.p + 1;
        rest.n = in->extra.n - 1;
    }
    while (wa_json_member(&rest, &k, &v))
        if (k.n == key.n && (k.n == 0 || memcmp(k.p, key.p, k.n) == 0))
            return;
    if (++in->n_extra > INBOUND_EXTRA_MAX)
        in->extra.failed = true;
    wa_bytes_put(&in->extra, in->extra.n ? ",\"" : "{\"", 2);
    wa_bytes_put(&in->extra, key.p, key.n);
    wa_bytes_put(&in->extra, "\":", 2);
    wa_bytes_put(&in->extra, value.p, value.n);
}

void wa_in_extra_done(struct wa_in *in)
{
    if (in->extra.n == 0)
        return;
    wa_bytes_put(&in->extra, "}", 1);
    in->nomem = in->nomem || in->extra.nomem;
    if (in->extra.failed)
        in->w.failed = 1;
    else
        hilo_put(&in->w, HILO_T_MSG_EXTRA, in->extra.p, in->extra.n);
}

bool wa_in_text(struct wa_in *in, uint32_t tag, struct hilo_str value)
{
    if (wa_json_type(value) != WA_JSON_STRING)
        return false;
    hilo_put_str(&in->w, tag, wa_json_text(value, in->scratch));
    return true;
}
