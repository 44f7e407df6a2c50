/*
 * Apply: receipts, the provider's ids by which they find their message, and those that came
 * before it was known. A message's place is apply_message.c's.
 */
#include "store/apply_message.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/table.h"

/* A message that its channel needs several sends for is sent when the last was, and
 * delivered when the last is; a failure of any is its failure. ext_id is that of the
 * part last sent; while a part is in flight or in doubt it is empty until a receipt
 * names it, and then that part has left. */
static bool parts_left(const struct rec_message *m)
{
    bool left = m->place == PLACE_IN_FLIGHT && m->ext_id.n;

    return m->parts > 1 && m->part + left < m->parts;
}

/* ---- segments ---- */

/* Why it failed: the newest failure of a segment, and how many there are. */
static void several_why(struct apply *a, const struct rec_message *m, struct rec_step *s)
{
    struct hilo_str rest = m->history, said;
    struct hilo_field f;
    struct rec_step x;

    while (hilo_next(&rest, &f) == 1)
        if (rec_unpack(&rec_desc_step, f.val, &x, NULL) == HILO_OK && x.segment &&
            x.status == HILO_STATUS_FAILED) {
            s->reason = x.reason;
            s->provider_code = x.provider_code;
            s->detail = x.detail;
        }
    said = s->detail;
    s->detail =
        arena_fmt(a->arena, "%u of %u segments failed%s%.*s", several_count(m->segments, HILO_STATUS_FAILED),
                  several_n(m->segments), said.n ? ": " : "", STR_FMT(said));
}

/* The message's own step, if its segments have brought it further. */
static void several_step(struct apply *a, struct rec_message *m, uint64_t time)
{
    struct rec_step s = {.status = several_outcome(m->segments), .time = time};

    if (model_status_rank(s.status) <= model_status_rank(m->status))
        return;
    if (s.status == HILO_STATUS_FAILED)
        several_why(a, m, &s);
    apply__msg_step(a, m, &s);
}

/* News of one segment of the part that was sent last. */
static void segment_step(struct apply *a, struct rec_message *m, unsigned i, struct rec_step *s)
{
    char *bytes;

    if (!several_moves(m->segments, i, s->status))
        return;
    bytes = arena_dup(a->arena, m->segments.p, (size_t)m->segments.n);
    bytes[SEVERAL_HEAD + i] = (char)s->status;
    m->segments.p = bytes;
    s->segment = i + 1;
    apply__msg_note(a, m, s);
    if (!parts_left(m) || several_outcome(m->segments) == HILO_STATUS_FAILED)
        several_step(a, m, s->time);
}

/* ---- receipts ---- */

/* x: what EXT says of the id that it names. */
static void receipt_step(struct apply *a, struct rec_message *m, const struct ev_message_receipt *e,
                         const struct ext *x)
{
    struct rec_step s = {.status = e->status,
                         .time = e->time ? e->time : (uint64_t)a->event->head.time_us,
                         .reason = e->reason,
                         .provider_code = e->provider_code,
                         .detail = e->detail};
    bool other_part;

    if (e->cost.n)
        m->cost = e->cost;
    a->receipt = e;
    if (x->several && x->part == several_part(m->segments) && x->segment < several_n(m->segments)) {
        segment_step(a, m, x->segment, &s);
        a->receipt = NULL;
        return;
    }
    if (x->several) /* of a part before, or of an attempt that is given up */
        s.segment = x->segment + 1u;
    other_part = x->several || (m->parts > 1 && e->ext_id.n && !str_eq(e->ext_id, m->ext_id));
    if ((e->status != HILO_STATUS_FAILED && (parts_left(m) || other_part)) || (x->several && m->parts < 2))
        apply__msg_note(a, m, &s);
    else
        apply__msg_step(a, m, &s);
    a->receipt = NULL;
}

struct parked {
    struct apply *a;
    struct rec_message *m;
    const struct ext *ext;
    int32_t rc;
};

/* One entry of a parked receipt: seq and time are those of its event. */
static void parked_del(struct apply *a, struct hilo_str channel, struct hilo_str ext_id, uint64_t seq,
                       struct hilo_str time)
{
    struct key k = key_ext(channel, ext_id), age;

    key_u64(&k, seq);
    apply__del(a, TABLE_PARKED, &k);
    key_init(&age);
    key_bytes(&age, time);
    key_bytes(&age, key_str(&k));
    apply__del(a, TABLE_PARKED_AGE, &age);
}

/* A parked value: the time when it was parked, big-endian, and the event's body. It stands under
 * each spelling of its id, and leaves all of them. */
static bool parked_apply(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct parked *p = arg;
    struct ev_message_receipt e;
    struct hilo_field f;

    if (val.n < 8) {
        p->rc = apply__wrong(p->a, "a parked receipt is too short");
        return false;
    }
    struct hilo_str body = arena_str(p->a->arena, (struct hilo_str){val.p + 8, val.n - 8});
    const uint64_t seq = key_tail_u64(key, 0);
    struct hilo_str still;
    struct key k;
    key_init(&k);
    key_bytes(&k, key);
    if (apply__raw(p->a, TABLE_PARKED, &k, &still) == HILO_NOTFOUND)
        return true; /* another segment of this send has it, by another spelling */
    const struct hilo_str time = {val.p, 8};
    p->rc = rec_unpack(&ev_desc_message_receipt, body, &e, p->a->err);
    if (p->rc != HILO_OK)
        return false;
    receipt_step(p->a, p->m, &e, p->ext);
    parked_del(p->a, e.channel, e.ext_id, seq, time);
    for (struct hilo_str rest = e.spellings; hilo_next(&rest, &f) == 1;)
        parked_del(p->a, e.channel, f.val, seq, time);
    return true;
}

int32_t apply__msg_known(struct apply *a, struct rec_message *m, struct hilo_str ext_id, const struct ext *x)
{
    struct key k = key_ext(m->channel, ext_id);
    struct parked p = {a, m, x, HILO_OK};
    uint8_t buf[EXT_SEVERAL];
    int32_t rc;

    apply__put_raw(a, TABLE_EXT, &k, ext_write(x, buf));
    rc = context_scan(a->context, TABLE_PARKED, key_str(&k), (struct hilo_str){0}, false, parked_apply, &p,
                      a->err);
    return rc != HILO_OK ? rc : p.rc;
}

/* What each of several is when their send is reported so: one whose id is known has left. */
static uint64_t segment_begins(uint64_t reported, bool known)
{
    if (known || reported == HILO_STATUS_SENT || reported == HILO_STATUS_QUEUED)
        return HILO_STATUS_SENT;
    return reported == HILO_STATUS_FAILED ? HILO_STATUS_FAILED : 0;
}

int32_t apply__msg_several(struct apply *a, struct hilo_id id, struct rec_message *m,
                           const struct ev_message_reported *e, uint64_t part)
{
    struct ext x = {.id = id, .several = true, .part = (uint16_t)part};
    struct hilo_str ids[SEVERAL_MAX], rest = e->more;
    struct hilo_field f;
    unsigned n = 0;
    int32_t rc = HILO_OK;
    char *bytes;

    ids[n++] = e->ext_id;
    while (n < SEVERAL_MAX && hilo_next(&rest, &f) == 1)
        ids[n++] = f.val;
    bytes = arena_alloc(a->arena, SEVERAL_HEAD + n);
    bytes[0] = (char)(x.part >> 8);
    bytes[1] = (char)x.part;
    m->ext_id = (struct hilo_str){0};
    for (unsigned i = 0; i < n; i++) {
        bytes[SEVERAL_HEAD + i] = (char)segment_begins(e->status, ids[i].n > 0);
        if (m->ext_id.n == 0)
            m->ext_id = ids[i];
    }
    m->segments = (struct hilo_str){bytes, SEVERAL_HEAD + n};
    for (unsigned i = 0; i < n && rc == HILO_OK; i++) {
        x.segment = (uint8_t)i;
        if (ids[i].n)
            rc = apply__msg_known(a, m, ids[i], &x);
    }
    return rc;
}

static void park(struct apply *a, const struct ev_message_receipt *e, struct hilo_str ext_id,
                 struct hilo_str body)
{
    struct key k = key_ext(e->channel, ext_id), age;
    char *val = arena_alloc(a->arena, 8 + (size_t)body.n);

    key_u64(&k, a->event->head.seq);
    key_init(&age);
    key_u64(&age, (uint64_t)a->event->head.time_us);
    key_bytes(&age, key_str(&k));
    memcpy(val, age.b, 8);
    if (body.n)
        memcpy(val + 8, body.p, (size_t)body.n);
    apply__put_raw(a, TABLE_PARKED, &k, str_n(val, 8 + (size_t)body.n));
    apply__put_raw(a, TABLE_PARKED_AGE, &age, (struct hilo_str){0});
}

static int32_t receipt_park(struct apply *a, const struct ev_message_receipt *e)
{
    struct hilo_str rest = e->spellings;
    struct hilo_field f;
    struct hilo_writer w;

    arena_writer(a->arena, &w);
    rec_pack(&ev_desc_message_receipt, e, &w);
    park(a, e, e->ext_id, hilo_written(&w));
    while (hilo_next(&rest, &f) == 1)
        park(a, e, f.val, hilo_written(&w));
    return HILO_OK;
}

static void part_left(struct rec_message *m)
{
    m->part++;
    m->attempts = 0;
}

int32_t apply__message_receipt(struct apply *a, const struct ev_message_receipt *e)
{
    struct ext x = {.several = false};
    struct rec_message m;
    struct hilo_str val;
    bool fresh = false, held_part, next_part;
    int32_t rc;

    if (id_none(e->id))
        return receipt_park(a, e);
    rc = apply__msg_load(a, e->id, &m);
    if (rc == HILO_OK && e->ext_id.n) {
        struct key k = key_ext(m.channel, e->ext_id);
        rc = apply__raw(a, TABLE_EXT, &k, &val);
        fresh = rc == HILO_NOTFOUND;
        if (fresh)
            rc = HILO_OK;
        else if (rc == HILO_OK && (!ext_read(val, &x) || !id_eq(x.id, e->id)))
            x.several = false; /* another message's: it says nothing of this one's segments */
    }
    if (rc != HILO_OK)
        return rc;
    if (fresh) {
        x.id = e->id;
        several_unnamed(&m, &x);
    }
    /* A provider's id that no report named: the part in doubt has left. */
    held_part = m.place == PLACE_HELD && parts_left(&m);
    next_part = held_part && !x.several && e->ext_id.n && (fresh || str_eq(e->ext_id, m.ext_id));
    if (next_part)
        part_left(&m);
    if (fresh && (!x.several || m.ext_id.n == 0))
        m.ext_id = e->ext_id;
    if (fresh)
        rc = apply__msg_known(a, &m, e->ext_id, &x);
    if (rc != HILO_OK)
        return rc;
    receipt_step(a, &m, e, &x);
    /* The last of its segments that was not known to have left. */
    if (held_part && x.several && x.part == several_part(m.segments) &&
        several_outcome(m.segments) != HILO_STATUS_IN_DOUBT) {
        next_part = true;
        part_left(&m);
        if (!parts_left(&m))
            several_step(a, &m, (uint64_t)a->event->head.time_us);
    }
    if (next_part && parts_left(&m) && !apply__msg_settled(&m)) {
        m.due = (uint64_t)a->event->head.time_us;
        apply__msg_due(a, e->id, &m);
    }
    /* Evidence that it left: it is not sent again. In flight, its report decides. */
    if (apply__msg_settled(&m) && m.place != PLACE_NONE && m.place != PLACE_IN_FLIGHT)
        rc = apply__msg_settle(a, e->id, &m);
    if (e->status == HILO_STATUS_SENT || e->status == HILO_STATUS_QUEUED)
        apply__callback_waits(a, e->id, &m);
    if (rc == HILO_OK)
        apply__msg_save(a, e->id, &m);
    return rc;
}
