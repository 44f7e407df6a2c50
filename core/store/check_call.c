/* store_check: calls, their indexes, and their entries in the timeline. */
#include "store/check.h"
#include "base/ids.h"
#include "base/str.h"

#define FOUND(table, words) check__found(ck, #table, key, "%s", (words))

static bool exists(struct check *ck, enum table table, struct hilo_id id)
{
    const struct key k = key_of_id(id);

    return check__has(ck, table, &k);
}

static void entry(struct check *ck, struct hilo_str key, struct hilo_id id, const struct rec_call *r)
{
    const struct key k = key_of_id(r->entry);
    struct rec_message m;

    if (!check__get(ck, TABLE_MESSAGE, &k, &rec_desc_message, &m))
        FOUND(CALL, "its entry in the timeline does not exist");
    else if (m.kind != HILO_KIND_CALL || !id_eq(m.call, id))
        FOUND(CALL, "its entry in the timeline is of something else");
    else if (!id_eq(m.customer, r->customer) || !id_eq(m.case_id, r->case_id))
        FOUND(CALL, "its entry is another customer's, or in another case");
}

void check__call(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_call *r = rec;
    const struct hilo_id id = check__id(key, 0);
    const struct key at[] = {key_call_at(key_calls(), id), key_call_at(key_calls_customer(r->customer), id),
                             key_call_at(key_calls_channel(r->channel), id)};
    const struct key open = key_call_at(key_calls_open(r->channel), id),
                     ext = key_ext(r->channel, r->provider_id);

    (void)val;
    if (r->status < CALL_RINGING || r->status > CALL_BROKEN)
        FOUND(CALL, "its status is unknown");
    if (r->direction != CALL_INBOUND && r->direction != CALL_OUTBOUND)
        FOUND(CALL, "its direction is unknown");
    if (r->version == 0 || r->version > ck->reached)
        FOUND(CALL, "its version is no sequence that was reached");
    if (!exists(ck, TABLE_CUSTOMER, r->customer))
        FOUND(CALL, "its customer does not exist");
    if (!id_none(r->case_id) && !exists(ck, TABLE_CASE, r->case_id))
        FOUND(CALL, "its case does not exist");
    if (!id_none(r->message) && !exists(ck, TABLE_MESSAGE, r->message))
        FOUND(CALL, "the message that rang does not exist");
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        if (!check__has(ck, TABLE_CALL_INDEX, &at[i]))
            FOUND(CALL, "it is missing in CALL_INDEX");
    if (check__has(ck, TABLE_CALL_INDEX, &open) != call_is_open(r->status))
        FOUND(CALL, "CALL_INDEX and its status do not agree on whether it is over");
    if (r->provider_id.n && !check__has(ck, TABLE_CALL_EXT, &ext))
        FOUND(CALL, "its provider's id is missing in CALL_EXT");
    entry(ck, key, id, r);
}

void check__call_index(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct hilo_id id = key_tail_id(key);
    const struct key k = key_of_id(id);
    struct rec_call r;
    struct key prefix;

    (void)val;
    (void)rec;
    if (!check__get(ck, TABLE_CALL, &k, &rec_desc_call, &r)) {
        FOUND(CALL_INDEX, "its call does not exist");
        return;
    }
    switch (key.p[0]) {
    case CALLS_CUSTOMER:
        prefix = key_calls_customer(r.customer);
        break;
    case CALLS_CHANNEL:
        prefix = key_calls_channel(r.channel);
        break;
    case CALLS_OPEN:
        prefix = key_calls_open(r.channel);
        break;
    default: /* any other kind is told as another key, too */
        prefix = key_calls();
    }
    prefix = key_call_at(prefix, id);
    if (!check__same(&prefix, key))
        FOUND(CALL_INDEX, "its call is another customer's or channel's");
}

void check__call_ext(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct key k = key_of_id(check__id(val, 0));
    struct rec_call r;

    (void)rec;
    if (!check__get(ck, TABLE_CALL, &k, &rec_desc_call, &r)) {
        FOUND(CALL_EXT, "its call does not exist");
        return;
    }
    const struct key again = key_ext(r.channel, r.provider_id);
    if (!check__same(&again, key))
        FOUND(CALL_EXT, "its call has another provider's id");
}
