/*
 * The dump of a message. It never refuses: a value that is not of its type is shown
 * in hex with a note, and so is the rest of a group after a malformed field.
 */
#include "model/dump.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/json.h"
#include <hilo/message.h>
#include <inttypes.h>

struct dump_out {
    struct buf *b;
    int32_t rc;
};

static void put(struct dump_out *o, struct hilo_str s)
{
    if (!o->rc)
        o->rc = buf_add_str(o->b, s);
}

static void put_z(struct dump_out *o, const char *z)
{
    put(o, str(z));
}

static void put_hex(struct dump_out *o, struct hilo_str v)
{
    char hex[65];
    size_t i, n;

    for (i = 0; i < v.n && !o->rc; i += n) {
        n = v.n - i < 32 ? (size_t)v.n - i : 32;
        str_hex(hex, v.p + i, n);
        put(o, str_n(hex, n * 2));
    }
}

static void put_odd(struct dump_out *o, const char *note, struct hilo_str v)
{
    put_z(o, note);
    put_hex(o, v);
}

static void put_number(struct dump_out *o, const struct model_field *f, struct hilo_str v)
{
    uint64_t u = hilo_u64(v);
    const char *name = f->type == MODEL_ENUM ? model_value_text(f->arg, u) : NULL;
    char t[CLOCK_TEXT];

    if (v.n > 8 || (f->type == MODEL_TIME && u > MODEL_TIME_MAX)) {
        put_odd(o, "malformed ", v);
    } else if (f->type == MODEL_TIME) {
        clock_format((int64_t)u, t);
        put_z(o, t);
    } else if (name) {
        put_z(o, name);
    } else if (f->type == MODEL_BOOL && u <= 1) {
        put_z(o, u ? "true" : "false");
    } else if (!o->rc) {
        o->rc = buf_fmt(o->b, "%" PRIu64, u);
    }
}

static void put_scalar(struct dump_out *o, const struct model_field *f, struct hilo_str v)
{
    struct hilo_id raw;
    char id[ID_TEXT];

    switch ((enum model_type)f->type) {
    case MODEL_F64:
        if (v.n != 8)
            put_odd(o, "malformed ", v);
        else if (!o->rc)
            o->rc = buf_fmt(o->b, "%.17g", hilo_f64(v));
        break;
    case MODEL_ID:
        if (v.n != sizeof raw.b) {
            put_odd(o, "malformed ", v);
        } else {
            memcpy(raw.b, v.p, sizeof raw.b);
            id_format(f->prefix, raw, id);
            put_z(o, id);
        }
        break;
    case MODEL_STR:
        if (v.n && !str_utf8_valid(v))
            put_odd(o, "malformed ", v);
        else if (!o->rc)
            o->rc = json_put_str(o->b, v);
        break;
    case MODEL_BYTES:
        put_odd(o, "hex ", v);
        break;
    default:
        put_number(o, f, v);
    }
}

static void indent(struct dump_out *o, unsigned depth)
{
    for (; depth > 0; depth--)
        put(o, STR("  "));
}

static void dump_group(struct dump_out *o, enum model_group group, struct hilo_str rest, unsigned depth)
{
    struct hilo_field f;
    int r = 0;

    while (!o->rc && (r = hilo_next(&rest, &f)) == 1) {
        const struct model_field *m = model_field(group, f.tag);

        indent(o, depth);
        if (!m) {
            if (!o->rc)
                o->rc = buf_fmt(o->b, "tag %" PRIu32 ": hex ", f.tag);
            put_hex(o, f.val);
            put(o, STR("\n"));
            continue;
        }
        put(o, str_n(m->json, m->json_n));
        if (m->type == MODEL_GROUP) {
            put(o, STR(":\n"));
            dump_group(o, m->arg, f.val, depth + 1);
        } else {
            put(o, STR(": "));
            put_scalar(o, m, f.val);
            put(o, STR("\n"));
        }
    }
    if (r < 0) {
        indent(o, depth);
        put_odd(o, "malformed: hex ", rest);
        put(o, STR("\n"));
    }
}

int32_t model_dump(struct buf *b, enum model_group group, struct hilo_str bytes)
{
    struct dump_out o = {b, HILO_OK};
    size_t start = b->n;

    dump_group(&o, group, bytes, 0);
    if (o.rc)
        b->n = start;
    return o.rc;
}
