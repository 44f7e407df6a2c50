/*
 * Apply: calls. Each event holds the call as it is from then on, decided by the writer; here it is put, with
 * its indexes, where what was before stood. Its entry in the timeline is a message like a note: it is put
 * when the call starts, moves to the call's case, and stays in that thread where the call turns out to be
 * another customer's, who gets an entry of his own.
 */
#include "store/apply_message.h"
#include "base/ids.h"
#include "base/str.h"

/* Every entry that a record stands for. */
static void index_each(struct apply *a, struct hilo_id id, const struct rec_call *r, bool put)
{
    const struct key at[] = {key_call_at(key_calls(), id), key_call_at(key_calls_customer(r->customer), id),
                             key_call_at(key_calls_channel(r->channel), id),
                             key_call_at(key_calls_open(r->channel), id)};
    const unsigned n = call_is_open(r->status) ? 4 : 3;

    for (unsigned i = 0; i < n; i++) {
        if (put)
            apply__put_raw(a, TABLE_CALL_INDEX, &at[i], (struct hilo_str){0});
        else
            apply__del(a, TABLE_CALL_INDEX, &at[i]);
    }
}

/* A new entry in the thread of the call's customer. */
static int32_t entry_add(struct apply *a, struct hilo_id call, const struct rec_call *r,
                         struct hilo_str bytes)
{
    const struct hilo_id id = hilo_get_id(bytes, HILO_T_MSG_ID);
    struct rec_message m;
    int32_t rc;

    apply__msg_fill(a, bytes, &m);
    if (m.kind != HILO_KIND_CALL || id_none(id) || !id_eq(id, r->entry) || !id_eq(m.customer, r->customer) ||
        !id_eq(m.case_id, r->case_id))
        return apply__wrong(a, "its message is not the entry of this call");
    m.call = call;
    rc = apply__thread_add(a, id, &m);
    if (rc == HILO_OK)
        apply__msg_save(a, id, &m);
    return rc;
}

/* The entry goes where the call goes, as long as it is the customer's. */
static int32_t entry_follow(struct apply *a, const struct rec_call *r)
{
    struct rec_message m;
    int32_t rc = apply__msg_load(a, r->entry, &m);

    if (rc == HILO_OK && !id_eq(m.customer, r->customer))
        return apply__wrong(a, "its entry stands in another customer's thread");
    if (rc == HILO_OK && !id_eq(m.case_id, r->case_id)) {
        rc = apply__thread_case(a, r->entry, &m, r->case_id);
        if (rc == HILO_OK)
            apply__msg_save(a, r->entry, &m);
    }
    return rc;
}

static int32_t call_put(struct apply *a, struct hilo_id id, const struct rec_call *before,
                        struct hilo_str bytes, struct hilo_str entry)
{
    const struct key k = key_of_id(id);
    struct rec_call r;
    int32_t rc = rec_unpack(&rec_desc_call, bytes, &r, a->err);

    if (rc != HILO_OK)
        return rc;
    if (r.status < CALL_RINGING || r.status > CALL_BROKEN || r.channel.n == 0 || id_none(r.customer))
        return apply__wrong(a, "it lacks a status, a channel or a customer");
    if (before && (!str_eq(before->channel, r.channel) || r.status < before->status))
        return apply__wrong(a, "the call was further, or is another channel's");
    if (before)
        index_each(a, id, before, false);
    r.changed = (uint64_t)a->event->head.time_us;
    r.version = a->event->head.seq;
    index_each(a, id, &r, true);
    rc = entry.n ? entry_add(a, id, &r, entry) : entry_follow(a, &r);
    if (rc == HILO_OK)
        apply__put(a, TABLE_CALL, &k, &rec_desc_call, &r);
    return rc;
}

int32_t apply__call_started(struct apply *a, const struct ev_call_started *e)
{
    const struct key k = key_of_id(e->id);
    struct rec_call r;
    struct hilo_str val;
    int32_t rc = apply__raw(a, TABLE_CALL, &k, &val);

    if (rc == HILO_OK)
        return apply__wrong(a, "there is such a call already");
    if (rc != HILO_NOTFOUND)
        return rc;
    if (e->entry.n == 0)
        return apply__wrong(a, "it has no entry");
    rc = call_put(a, e->id, NULL, e->call, e->entry);
    if (rc == HILO_OK)
        rc = rec_unpack(&rec_desc_call, e->call, &r, a->err);
    if (rc == HILO_OK && r.provider_id.n) {
        const struct key ext = key_ext(r.channel, r.provider_id);
        apply__put_raw(a, TABLE_CALL_EXT, &ext, str_n(e->id.b, sizeof e->id.b));
    }
    return rc;
}

static int32_t call_change(struct apply *a, struct hilo_id id, struct hilo_str call, struct hilo_str entry)
{
    const struct key k = key_of_id(id);
    struct rec_call before;
    int32_t rc = apply__get(a, TABLE_CALL, &k, &rec_desc_call, &before);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such call") : rc;
    return call_put(a, id, &before, call, entry);
}

int32_t apply__call_changed(struct apply *a, const struct ev_call_changed *e)
{
    return call_change(a, e->id, e->call, e->entry);
}

int32_t apply__call_offered(struct apply *a, const struct ev_call_offered *e)
{
    return call_change(a, e->id, e->call, e->entry);
}

int32_t apply__message_transcribed(struct apply *a, const struct ev_message_transcribed *e)
{
    struct rec_message m;
    int32_t rc = apply__msg_load(a, e->id, &m);

    if (rc != HILO_OK)
        return rc;
    m.transcript = a->event->at;
    apply__msg_save(a, e->id, &m);
    return HILO_OK;
}
