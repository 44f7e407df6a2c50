/*
 * Apply: parts of inbound messages. They wait in PARTS, one record for all of one message,
 * and in PARTS_AGE by the time when waiting ends. Whether one is the last, a duplicate or
 * another message's with a reference that came again was decided before.
 */
#include "store/apply.h"
#include "base/str.h"

/* Whether the index is among them. */
static bool has_part(struct hilo_str parts, uint64_t index)
{
    struct hilo_field f;
    struct rec_part p;

    while (hilo_next(&parts, &f) == 1)
        if (rec_unpack(&rec_desc_part, f.val, &p, NULL) == HILO_OK && p.index == index)
            return true;
    return false;
}

int32_t apply__message_part(struct apply *a, const struct ev_message_part *e)
{
    const struct rec_part p = {.index = e->index, .at = a->event->at, .ext_id = e->ext_id};
    struct key k = key_parts(e->channel, e->key);
    struct hilo_str before;
    struct hilo_writer w;
    struct hilo_field f;
    struct rec_parts r;
    int32_t rc;

    if (e->total < 2 || e->index < 1 || e->index > e->total)
        return apply__wrong(a, "the part has an index that none can have");
    rc = apply__get(a, TABLE_PARTS, &k, &rec_desc_parts, &r);
    if (rc == HILO_NOTFOUND) {
        struct key age = key_parts_age(e->channel, e->expires, e->key);
        r = (struct rec_parts){.expires = e->expires, .total = e->total};
        apply__put_raw(a, TABLE_PARTS_AGE, &age, (struct hilo_str){0});
    } else if (rc != HILO_OK) {
        return rc;
    }
    if (r.total != e->total || has_part(r.part, e->index))
        return apply__wrong(a, "the part is there already, or of another message");
    arena_writer(a->arena, &w);
    for (before = r.part; hilo_next(&before, &f) == 1;)
        hilo_put_str(&w, 1, f.val);
    hilo_open(&w, 1);
    rec_pack(&rec_desc_part, &p, &w);
    hilo_close(&w);
    r.part = hilo_written(&w);
    r.bytes += e->message.n;
    apply__put(a, TABLE_PARTS, &k, &rec_desc_parts, &r);
    return HILO_OK;
}

int32_t apply__parts_joined(struct apply *a, struct hilo_str channel, struct hilo_str parts,
                            struct hilo_id message)
{
    struct key k = key_parts(channel, parts), age, ext;
    struct hilo_field f;
    struct rec_parts r;
    struct rec_part p;
    int32_t rc = apply__get(a, TABLE_PARTS, &k, &rec_desc_parts, &r);

    if (rc == HILO_NOTFOUND)
        return apply__wrong(a, "the parts that it was joined from are not there");
    if (rc != HILO_OK)
        return rc;
    while (hilo_next(&r.part, &f) == 1) {
        rc = rec_unpack(&rec_desc_part, f.val, &p, a->err);
        if (rc != HILO_OK)
            return rc;
        ext = key_ext(channel, p.ext_id);
        apply__put_raw(a, TABLE_EXT, &ext, str_n(message.b, sizeof message.b));
    }
    age = key_parts_age(channel, r.expires, parts);
    apply__del(a, TABLE_PARTS, &k);
    apply__del(a, TABLE_PARTS_AGE, &age);
    return HILO_OK;
}
