/*
 * Packing of records and event bodies by their tables. What the .def files say is
 * the only description; here is no knowledge of any one record.
 */
#include "store/record.h"
#include "base/check.h"
#include "base/str.h"

#define RECORD(record) static const struct rec_field rec__fields_##record[] = {
#define RECORD_FIELD(record, tag, type, name)                                                                \
    {(tag), REC_##type, (uint16_t)offsetof(struct rec_##record, name), #name},
#define RECORD_END(record)                                                                                   \
    }                                                                                                        \
    ;                                                                                                        \
    const struct rec_desc rec_desc_##record = {#record, 0,                                                   \
                                               sizeof rec__fields_##record / sizeof *rec__fields_##record,   \
                                               sizeof(struct rec_##record), rec__fields_##record};
#include "store/records.def"

#define EVENT(event, number, text) static const struct rec_field ev__fields_##event[] = {
#define EVENT_FIELD(event, tag, type, name)                                                                  \
    {(tag), REC_##type, (uint16_t)offsetof(struct ev_##event, name), #name},
#define EVENT_END(event)                                                                                     \
    }                                                                                                        \
    ;
#include "store/events.def"

#define EVENT(event, number, text)                                                                           \
    const struct rec_desc ev_desc_##event = {(text), (number),                                               \
                                             sizeof ev__fields_##event / sizeof *ev__fields_##event,         \
                                             sizeof(struct ev_##event), ev__fields_##event};
#include "store/events.def"

const struct rec_desc *event_desc(uint32_t number)
{
    switch (number) {
#define EVENT(event, num, text)                                                                              \
    case (num):                                                                                              \
        return &ev_desc_##event;
#include "store/events.def"
    default:
        return NULL;
    }
}

void rec_pack(const struct rec_desc *d, const void *obj, struct hilo_writer *w)
{
    for (uint32_t i = 0; i < d->n; i++) {
        const struct rec_field *f = &d->field[i];
        const char *p = (const char *)obj + f->offset;

        if (f->type == REC_U64) {
            uint64_t v;
            memcpy(&v, p, sizeof v);
            if (v)
                hilo_put_u64(w, f->tag, v);
        } else if (f->type == REC_ID) {
            struct hilo_id id;
            static const struct hilo_id none;
            memcpy(&id, p, sizeof id);
            if (memcmp(&id, &none, sizeof id) != 0)
                hilo_put_id(w, f->tag, id);
        } else {
            struct hilo_str s;
            memcpy(&s, p, sizeof s);
            if (s.n)
                hilo_put_str(w, f->tag, s);
        }
    }
}

static int32_t rec__set(const struct rec_desc *d, const struct rec_field *f, struct hilo_str val, char *p,
                        struct err *e)
{
    if (f->type == REC_U64) {
        uint64_t v = hilo_u64(val);
        if (val.n > 8)
            return err_set(e, HILO_CORRUPT, "%s.%s: a number of %llu bytes", d->name, f->name,
                           (unsigned long long)val.n);
        memcpy(p, &v, sizeof v);
    } else if (f->type == REC_ID) {
        if (val.n != sizeof(struct hilo_id))
            return err_set(e, HILO_CORRUPT, "%s.%s: an id of %llu bytes", d->name, f->name,
                           (unsigned long long)val.n);
        memcpy(p, val.p, sizeof(struct hilo_id));
    } else {
        memcpy(p, &val, sizeof val);
    }
    return HILO_OK;
}

int32_t rec_unpack(const struct rec_desc *d, struct hilo_str bytes, void *obj, struct err *e)
{
    struct hilo_field in;
    uint64_t seen = 0;
    int more;

    CHECK(d->n <= 64);
    memset(obj, 0, d->bytes);
    while ((more = hilo_next(&bytes, &in)) == 1) {
        /* Tags are mostly dense from 1, so that a field's place is its tag. */
        uint32_t at = in.tag - 1;
        if (at >= d->n || d->field[at].tag != in.tag)
            for (at = 0; at < d->n && d->field[at].tag != in.tag; at++)
                ;
        if (at == d->n || (seen >> at & 1))
            continue;
        int32_t rc = rec__set(d, &d->field[at], in.val, (char *)obj + d->field[at].offset, e);
        if (rc != HILO_OK)
            return rc;
        seen |= UINT64_C(1) << at;
    }
    if (more < 0)
        return err_set(e, HILO_CORRUPT, "%s: its fields are malformed", d->name);
    return HILO_OK;
}

static void rec__dump_str(struct hilo_str s, struct buf *out)
{
    bool text = str_utf8_valid(s);

    for (uint64_t i = 0; text && i < s.n; i++)
        text = (uint8_t)s.p[i] >= 0x20;
    if (text) {
        (void)buf_fmt(out, "\"%.*s\"", STR_FMT(s));
        return;
    }
    for (uint64_t i = 0; i < s.n; i++)
        (void)buf_fmt(out, "%02x", (unsigned)(uint8_t)s.p[i]);
}

void rec_dump(const struct rec_desc *d, const void *obj, struct buf *out)
{
    for (uint32_t i = 0; i < d->n; i++) {
        const struct rec_field *f = &d->field[i];
        const char *p = (const char *)obj + f->offset;

        (void)buf_fmt(out, "%s%s=", i ? " " : "", f->name);
        if (f->type == REC_U64) {
            uint64_t v;
            memcpy(&v, p, sizeof v);
            (void)buf_fmt(out, "%llu", (unsigned long long)v);
        } else if (f->type == REC_ID) {
            char hex[33];
            str_hex(hex, p, 16);
            (void)buf_fmt(out, "%s", hex);
        } else {
            struct hilo_str s;
            memcpy(&s, p, sizeof s);
            rec__dump_str(s, out);
        }
    }
}
