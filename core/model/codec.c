/*
 * Checking and editing the message's bytes.
 *
 * The check walks a message once and allocates nothing; where it is, it knows from
 * frames on its stack, as deep as the table's groups are nested (unknown groups
 * are bytes to it). The readers of hilo/message.h are lenient about the length of
 * a varint; here the shortest form is required, so that equal fields are equal
 * bytes.
 */
#include "model/codec.h"
#include "base/check.h"
#include "base/str.h"
#include "model/path.h"
#include <math.h>

enum { WHERE_MAX = 256 };

static int32_t bad(struct err *e, const struct model_path *path, const char *words)
{
    char where[WHERE_MAX];

    path_dotted(path, where, sizeof where);
    return err_set(e, HILO_INVALID, "%s%s%s", where, where[0] ? ": " : "message: ", words);
}

/* What is wrong with a value of a scalar type, or NULL. */
static const char *scalar_fault(const struct model_field *f, struct hilo_str v)
{
    switch ((enum model_type)f->type) {
    case MODEL_U64:
    case MODEL_TIME:
    case MODEL_BOOL:
    case MODEL_ENUM:
        if (v.n > 8)
            return "an integer of more than 8 bytes";
        if (v.n > 0 && v.p[v.n - 1] == 0)
            return "an integer with leading zero bytes";
        if (f->type == MODEL_BOOL && hilo_u64(v) > 1)
            return "neither 0 nor 1";
        if (f->type == MODEL_ENUM && hilo_u64(v) > UINT32_MAX)
            return "an enumerated value beyond 32 bits";
        if (f->type == MODEL_TIME && hilo_u64(v) > MODEL_TIME_MAX)
            return "a time beyond year 9999";
        return NULL;
    case MODEL_F64:
        if (v.n != 8)
            return "not 8 bytes";
        return isfinite(hilo_f64(v)) ? NULL : "not a finite number";
    case MODEL_STR:
        if (v.n == 0)
            return NULL;
        if (!str_utf8_valid(v))
            return "not UTF-8";
        return memchr(v.p, 0, (size_t)v.n) ? "holds a NUL character" : NULL;
    case MODEL_ID:
        return v.n == 16 ? NULL : "not 16 bytes";
    case MODEL_BYTES:
    case MODEL_GROUP:
        break;
    }
    return NULL;
}

static unsigned varint_size(uint32_t v)
{
    unsigned n = 1;

    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

static int32_t check_fields(enum model_group group, struct hilo_str bytes, unsigned depth,
                            const struct model_path *path, struct err *e)
{
    uint32_t seen[64] = {0}; /* by tag: for the index of a repeated one */
    struct hilo_field f;
    struct hilo_str rest = bytes;
    const char *start;
    int r;

    while (start = rest.p, (r = hilo_next(&rest, &f)) == 1) {
        const struct model_field *m = model_field(group, f.tag);
        struct model_path at, el, *here = &at;
        const char *fault;
        int32_t rc;

        if (f.tag == 0)
            return bad(e, path, "a field with tag 0");
        if ((size_t)(f.val.p - start) != varint_size(f.tag) + varint_size((uint32_t)f.val.n))
            return bad(e, path, "a tag or length that is longer than it need be");
        if (!m)
            continue;
        at = path_key(path, str_n(m->json, m->json_n));
        if (m->flags & MODEL_REPEATED) {
            el = path_index(&at, seen[f.tag % 64]++);
            here = &el;
        }
        if (m->type == MODEL_GROUP) {
            if (depth + 1 > HILO_DEPTH_MAX)
                return bad(e, here, "nested too deep");
            rc = check_fields(m->arg, f.val, depth + 1, here, e);
            if (rc)
                return rc;
        } else {
            fault = scalar_fault(m, f.val);
            if (fault)
                return bad(e, here, fault);
        }
    }
    return r < 0 ? bad(e, path, "a field is cut short or malformed") : HILO_OK;
}

int32_t model_check_group(enum model_group group, struct hilo_str bytes, struct err *e)
{
    const struct model_path root = path_key(NULL, STR(""));

    if (bytes.n > HILO_MESSAGE_MAX)
        return err_set(e, HILO_INVALID, "message: %llu bytes, the limit is %d", (unsigned long long)bytes.n,
                       HILO_MESSAGE_MAX);
    return check_fields(group, bytes, 0, &root, e);
}

int32_t model_check(struct hilo_str message, struct err *e)
{
    return model_check_group(MODEL_G_MSG, message, e);
}

/* ---- editing -------------------------------------------------------------------- */

static const struct model_change *change_of(const struct model_change *c, size_t n, uint32_t tag)
{
    for (; n > 0; n--, c++) {
        if (c->tag == tag && c->op != MODEL_ADD)
            return c;
    }
    return NULL;
}

static int edit_group(struct hilo_writer *w, struct hilo_str old, const struct model_change *c, size_t n);

/* Writes what a change puts in place of old (empty if there was none). */
static int put_change(struct hilo_writer *w, const struct model_change *c, struct hilo_str old)
{
    if (c->op == MODEL_INTO) {
        hilo_open(w, c->tag);
        if (!edit_group(w, old, c->in, c->n_in))
            return 0;
        hilo_close(w);
    } else if (c->number) {
        hilo_put_u64(w, c->tag, c->u);
    } else {
        hilo_put_str(w, c->tag, c->val);
    }
    return 1;
}

/* 0 if the old bytes are malformed. */
static int edit_group(struct hilo_writer *w, struct hilo_str old, const struct model_change *c, size_t n)
{
    uint64_t done = 0; /* changes made in place, by their index */
    struct hilo_str rest = old;
    struct hilo_field f;
    size_t i;
    int r;

    CHECK(n <= 64);
    while ((r = hilo_next(&rest, &f)) == 1) {
        const struct model_change *m = change_of(c, n, f.tag);
        uint64_t bit = m ? UINT64_C(1) << (m - c) : 0;

        if (!m || (m->op == MODEL_INTO && (done & bit))) {
            hilo_put_str(w, f.tag, f.val);
        } else if (m->op != MODEL_REMOVE && !(done & bit)) {
            if (!put_change(w, m, f.val))
                return 0;
        }
        done |= bit;
    }
    if (r < 0)
        return 0;
    for (i = 0; i < n; i++) {
        if (c[i].op != MODEL_REMOVE && !(done & (UINT64_C(1) << i)) && !put_change(w, c + i, STR("")))
            return 0;
    }
    return 1;
}

int32_t model_edit(struct arena *a, struct hilo_str message, const struct model_change *c, size_t n,
                   struct hilo_str *out, struct err *e)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    if (!edit_group(&w, message, c, n))
        return err_set(e, HILO_INVALID, "message: a field is cut short or malformed; it can't be changed");
    if (w.failed || w.n > HILO_MESSAGE_MAX)
        return err_set(e, HILO_FULL, "message: more than %d bytes once changed", HILO_MESSAGE_MAX);
    *out = hilo_written(&w);
    return HILO_OK;
}
