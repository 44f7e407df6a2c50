/*
 * Apply: receipts, the provider's ids by which they find their message, and those that came
 * before it was known. A message's place is apply_message.c's.
 */
#include "store/apply_message.h"
#include "base/ids.h"
#include "base/str.h"

/* A message that its channel needs several sends for is sent when the last was, and
 * delivered when the last is; a failure of any is its failure. ext_id is that of the
 * part last sent; while a part is in flight or in doubt it is empty until a receipt
 * names it, and then that part has left. */
static bool parts_left(const struct rec_message *m)
{
    bool left = m->place == PLACE_IN_FLIGHT && m->ext_id.n;

    return m->parts > 1 && m->part + left < m->parts;
}

static void receipt_step(struct apply *a, struct rec_message *m, const struct ev_message_receipt *e)
{
    struct rec_step s = {.status = e->status,
                         .time = e->time ? e->time : (uint64_t)a->event->head.time_us,
                         .reason = e->reason,
                         .provider_code = e->provider_code,
                         .detail = e->detail};

    bool other_part = m->parts > 1 && e->ext_id.n && !str_eq(e->ext_id, m->ext_id);
    if (e->status != HILO_STATUS_FAILED && (parts_left(m) || other_part))
        apply__msg_note(a, m, &s);
    else
        apply__msg_step(a, m, &s);
    if (e->cost.n)
        m->cost = e->cost;
}

struct parked {
    struct apply *a;
    struct rec_message *m;
    int32_t rc;
};

/* A parked value: the time when it was parked, big-endian, and the event's body. */
static bool parked_apply(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct parked *p = arg;
    struct ev_message_receipt e;
    struct key k;

    if (val.n < 8) {
        p->rc = apply__wrong(p->a, "a parked receipt is too short");
        return false;
    }
    struct hilo_str body = arena_str(p->a->arena, (struct hilo_str){val.p + 8, val.n - 8});
    p->rc = rec_unpack(&ev_desc_message_receipt, body, &e, p->a->err);
    if (p->rc != HILO_OK)
        return false;
    receipt_step(p->a, p->m, &e);
    key_init(&k);
    key_bytes(&k, key);
    apply__del(p->a, TABLE_PARKED, &k);
    key_init(&k);
    key_bytes(&k, (struct hilo_str){val.p, 8});
    key_bytes(&k, key);
    apply__del(p->a, TABLE_PARKED_AGE, &k);
    return true;
}

/* The provider's id of a message becomes known: what was parked for it is matched. */
int32_t apply__msg_known(struct apply *a, struct hilo_id id, struct rec_message *m, struct hilo_str ext_id)
{
    struct key k = key_ext(m->channel, ext_id);
    struct parked p = {a, m, HILO_OK};
    int32_t rc;

    m->ext_id = ext_id;
    apply__put_raw(a, TABLE_EXT, &k, str_n(id.b, sizeof id.b));
    rc = context_scan(a->context, TABLE_PARKED, key_str(&k), (struct hilo_str){0}, false, parked_apply, &p,
                      a->err);
    return rc != HILO_OK ? rc : p.rc;
}

static int32_t receipt_park(struct apply *a, const struct ev_message_receipt *e)
{
    struct key k = key_ext(e->channel, e->ext_id), age;
    struct hilo_writer w;

    key_u64(&k, a->event->head.seq);
    key_init(&age);
    key_u64(&age, (uint64_t)a->event->head.time_us);
    key_bytes(&age, key_str(&k));
    arena_writer(a->arena, &w);
    rec_pack(&ev_desc_message_receipt, e, &w);
    struct hilo_str body = hilo_written(&w);
    char *val = arena_alloc(a->arena, 8 + (size_t)body.n);
    memcpy(val, age.b, 8);
    if (body.n)
        memcpy(val + 8, body.p, (size_t)body.n);
    apply__put_raw(a, TABLE_PARKED, &k, str_n(val, 8 + (size_t)body.n));
    apply__put_raw(a, TABLE_PARKED_AGE, &age, (struct hilo_str){0});
    return HILO_OK;
}

int32_t apply__message_receipt(struct apply *a, const struct ev_message_receipt *e)
{
    struct rec_message m;
    struct hilo_str known;
    bool fresh = false, next_part;
    int32_t rc;

    if (id_none(e->id))
        return receipt_park(a, e);
    rc = apply__msg_load(a, e->id, &m);
    if (rc == HILO_OK && e->ext_id.n) {
        struct key k = key_ext(m.channel, e->ext_id);
        rc = apply__raw(a, TABLE_EXT, &k, &known);
        fresh = rc == HILO_NOTFOUND;
        if (fresh)
            rc = HILO_OK;
    }
    if (rc != HILO_OK)
        return rc;
    /* A provider's id that no report named: the part in doubt has left. */
    next_part =
        m.place == PLACE_HELD && parts_left(&m) && e->ext_id.n && (fresh || str_eq(e->ext_id, m.ext_id));
    if (next_part) {
        m.part++;
        m.attempts = 0;
    }
    if (fresh)
        rc = apply__msg_known(a, e->id, &m, e->ext_id);
    if (rc != HILO_OK)
        return rc;
    receipt_step(a, &m, e);
    if (next_part && parts_left(&m) && !apply__msg_settled(&m)) {
        m.due = (uint64_t)a->event->head.time_us;
        apply__msg_due(a, e->id, &m);
    }
    /* Evidence that it left: it is not sent again. In flight, its report decides. */
    if (apply__msg_settled(&m) && m.place != PLACE_NONE && m.place != PLACE_IN_FLIGHT)
        rc = apply__msg_settle(a, e->id, &m);
    if (rc == HILO_OK)
        apply__msg_save(a, e->id, &m);
    return rc;
}
