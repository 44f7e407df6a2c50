/*
 * store_check: what must hold for customers, conversations' addresses, cases, media,
 * keys, templates and what is remembered by age.
 */
#include "store/check.h"
#include "base/ids.h"
#include "base/str.h"

#define FOUND(ck, table, key, words) check__found((ck), #table, (key), "%s", (words))

static struct key key_of(struct hilo_str bytes)
{
    struct key k;

    key_init(&k);
    key_bytes(&k, bytes);
    return k;
}

static bool customer_exists(struct check *ck, struct hilo_id id)
{
    struct key k = key_of_id(id);

    return check__has(ck, TABLE_CUSTOMER, &k);
}

/* Records that stand for themselves: that they can be unpacked is all. */
void check__value(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    (void)ck;
    (void)key;
    (void)val;
    (void)rec;
}

void check__customer(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_customer *c = rec;

    (void)val;
    if (c->version == 0 || c->version > ck->reached)
        FOUND(ck, CUSTOMER, key, "its version is no sequence that was reached");
}

void check__identifier(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_identifier *r = rec;
    struct key back = key_of_id(r->customer);

    (void)val;
    if (!customer_exists(ck, r->customer))
        FOUND(ck, IDENTIFIER, key, "its customer does not exist");
    if (key.n + back.n > sizeof back.b)
        return;
    key_bytes(&back, key);
    if (!check__has(ck, TABLE_CUSTOMER_IDENT, &back))
        FOUND(ck, IDENTIFIER, key, "it is missing among its customer's (CUSTOMER_IDENT)");
}

void check__customer_ident(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct hilo_id customer = check__id(key, 0);
    struct hilo_str tail = {key.p + sizeof customer.b, key.n - sizeof customer.b};
    struct key k = key_of(tail);
    struct key again =
        key_identifier((uint32_t)hilo_get_u64(val, HILO_T_IDENT_SCHEME),
                       hilo_get_str(val, HILO_T_IDENT_SCOPE), hilo_get_str(val, HILO_T_IDENT_VALUE));
    struct rec_identifier r;

    (void)rec;
    if (!check__same(&again, tail))
        FOUND(ck, CUSTOMER_IDENT, key, "its value is another identifier than its key");
    if (!check__get(ck, TABLE_IDENTIFIER, &k, &rec_desc_identifier, &r))
        FOUND(ck, CUSTOMER_IDENT, key, "there is no such IDENTIFIER");
    else if (!id_eq(r.customer, customer))
        FOUND(ck, CUSTOMER_IDENT, key, "the IDENTIFIER belongs to another customer");
}

void check__address(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct key k = key_of_id(check__id(val, 0));
    struct rec_conversation c;

    (void)rec;
    if (!check__get(ck, TABLE_CONVERSATION, &k, &rec_desc_conversation, &c)) {
        FOUND(ck, ADDRESS, key, "its conversation does not exist");
        return;
    }
    struct key channel = key_channel(c.channel);
    if (!str_starts(key, key_str(&channel)))
        FOUND(ck, ADDRESS, key, "its conversation is on another channel");
}

/* ---- cases ---- */

void check__case(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_case *c = rec;
    struct hilo_id id = check__id(key, 0);
    struct key index = key_case_index(c->status, c->changed, id), pair = key_pair(c->customer, id),
               prefix = key_of_id(id);
    uint64_t messages;

    (void)val;
    if (c->status < CASE_OPEN || c->status > CASE_CLOSED)
        FOUND(ck, CASE, key, "its status is unknown");
    if (c->version == 0 || c->version > ck->reached)
        FOUND(ck, CASE, key, "its version is no sequence that was reached");
    if (!customer_exists(ck, c->customer))
        FOUND(ck, CASE, key, "its customer does not exist");
    if (!check__has(ck, TABLE_CASE_INDEX, &index))
        FOUND(ck, CASE, key, "it is missing in CASE_INDEX");
    if (!check__has(ck, TABLE_CASE_CUSTOMER, &pair))
        FOUND(ck, CASE, key, "it is missing in CASE_CUSTOMER");
    messages = check__count(ck, TABLE_CASE_MESSAGE, &prefix);
    if (messages != c->messages)
        check__found(ck, "CASE", key, "it counts %llu messages, CASE_MESSAGE has %llu",
                     (unsigned long long)c->messages, (unsigned long long)messages);
}

void check__case_index(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct hilo_id id = key_tail_id(key);
    struct key k = key_of_id(id);
    struct rec_case c;

    (void)val;
    (void)rec;
    if (!check__get(ck, TABLE_CASE, &k, &rec_desc_case, &c)) {
        FOUND(ck, CASE_INDEX, key, "its case does not exist");
        return;
    }
    struct key again = key_case_index(c.status, c.changed, id);
    if (!check__same(&again, key))
        FOUND(ck, CASE_INDEX, key, "its case has another status or time of change");
}

void check__case_customer(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct key k = key_of_id(key_tail_id(key));
    struct rec_case c;

    (void)val;
    (void)rec;
    if (!check__get(ck, TABLE_CASE, &k, &rec_desc_case, &c))
        FOUND(ck, CASE_CUSTOMER, key, "its case does not exist");
    else if (!id_eq(c.customer, check__id(key, 0)))
        FOUND(ck, CASE_CUSTOMER, key, "its case belongs to another customer");
}

void check__case_message(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct hilo_id id = check__id(key, 0);
    struct key k = key_of_id(id), mk = key_of_id(check__id(val, 0));
    struct rec_message m;

    (void)rec;
    if (!check__has(ck, TABLE_CASE, &k))
        FOUND(ck, CASE_MESSAGE, key, "its case does not exist");
    if (!check__get(ck, TABLE_MESSAGE, &mk, &rec_desc_message, &m))
        FOUND(ck, CASE_MESSAGE, key, "its message does not exist");
    else if (!id_eq(m.case_id, id) || m.number != key_tail_u64(key, 0))
        FOUND(ck, CASE_MESSAGE, key, "its message has another case or number");
}

/* ---- media ---- */

void check__media(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_media *m = rec;
    struct hilo_id id = check__id(key, 0);
    struct key job = key_job(m->channel, m->due, id), k = key_of_id(m->message);
    struct rec_message message;

    (void)val;
    if (!id_none(m->message)) {
        if (!check__get(ck, TABLE_MESSAGE, &k, &rec_desc_message, &message))
            FOUND(ck, MEDIA, key, "its message does not exist");
        else if (!id_eq(message.media, id) && !check__attached(ck, &message, id))
            FOUND(ck, MEDIA, key, "its message names other media");
    }
    switch (m->state) {
    case MEDIA_PENDING:
        if (!check__has(ck, TABLE_JOB, &job))
            FOUND(ck, MEDIA, key, "it is pending and has no JOB");
        break;
    case MEDIA_STORED:
        if (m->sha256.n != 32)
            FOUND(ck, MEDIA, key, "it is stored and has no hash");
        else if (ck->media)
            check__media_file(ck, key, m);
        break;
    case MEDIA_FAILED:
        if (m->due)
            FOUND(ck, MEDIA, key, "it failed for good and has a time to be tried again");
        break;
    default:
        FOUND(ck, MEDIA, key, "its state is unknown");
    }
}

void check__job(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct hilo_id id = key_tail_id(key);
    struct key k = key_of_id(id);
    struct rec_media m;

    (void)val;
    (void)rec;
    if (!check__get(ck, TABLE_MEDIA, &k, &rec_desc_media, &m)) {
        FOUND(ck, JOB, key, "its media does not exist");
        return;
    }
    struct key again = key_job(m.channel, m.due, id);
    if (m.state != MEDIA_PENDING)
        FOUND(ck, JOB, key, "its media is not pending");
    else if (!check__same(&again, key))
        FOUND(ck, JOB, key, "its media has another channel or due time");
}

/* ---- what is forgotten by age ---- */

static struct key age_key(uint64_t time, struct hilo_str key)
{
    struct key k;

    key_init(&k);
    key_u64(&k, time);
    key_bytes(&k, key);
    return k;
}

void check__idempotency(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_idempotency *r = rec;
    struct key age = age_key(r->time, key);

    (void)val;
    if (!check__has(ck, TABLE_IDEMPOTENCY_AGE, &age))
        FOUND(ck, IDEMPOTENCY, key, "it is missing in IDEMPOTENCY_AGE");
    if (r->seq == 0 || r->seq > ck->reached)
        FOUND(ck, IDEMPOTENCY, key, "its sequence was not reached");
}

void check__idempotency_age(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct key k = key_of((struct hilo_str){key.p + 8, key.n - 8});
    struct rec_idempotency r;

    (void)val;
    (void)rec;
    if (!check__get(ck, TABLE_IDEMPOTENCY, &k, &rec_desc_idempotency, &r))
        FOUND(ck, IDEMPOTENCY_AGE, key, "there is no such entry in IDEMPOTENCY");
    else if (r.time != key_tail_u64((struct hilo_str){key.p, 8}, 0))
        FOUND(ck, IDEMPOTENCY_AGE, key, "the entry in IDEMPOTENCY has another time");
}

/* A parked receipt stands under each spelling of its id; whether it is the one that is looked at. */
static bool parked_entry(struct check *ck, struct hilo_str key, const struct ev_message_receipt *e,
                         struct hilo_str ext_id)
{
    struct key k = key_ext(e->channel, ext_id);

    key_u64(&k, key_tail_u64(key, 0));
    if (check__same(&k, key))
        return true;
    if (!check__has(ck, TABLE_PARKED, &k))
        FOUND(ck, PARKED, key, "another spelling of its id is missing in PARKED");
    return false;
}

void check__parked(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct ev_message_receipt e;
    struct hilo_field f;
    struct err why = {0};

    (void)rec;
    if (val.n < 8) {
        FOUND(ck, PARKED, key, "its value is too short");
        return;
    }
    if (rec_unpack(&ev_desc_message_receipt, (struct hilo_str){val.p + 8, val.n - 8}, &e, &why) != HILO_OK) {
        FOUND(ck, PARKED, key, why.text);
        return;
    }
    bool named = parked_entry(ck, key, &e, e.ext_id);
    for (struct hilo_str rest = e.spellings; hilo_next(&rest, &f) == 1;)
        named |= parked_entry(ck, key, &e, f.val);
    if (!named)
        FOUND(ck, PARKED, key, "the receipt in it is one of another provider's id");
    if (!id_none(e.id))
        FOUND(ck, PARKED, key, "the receipt in it names its message");
    if (key.n + 8 > CONTEXT_KEY_MAX)
        return;
    struct key age = age_key(key_tail_u64((struct hilo_str){val.p, 8}, 0), key);
    if (!check__has(ck, TABLE_PARKED_AGE, &age))
        FOUND(ck, PARKED, key, "it is missing in PARKED_AGE");
}

void check__parked_age(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct key k = key_of((struct hilo_str){key.p + 8, key.n - 8});
    struct hilo_str parked;

    (void)val;
    (void)rec;
    if (!check__raw(ck, TABLE_PARKED, &k, &parked))
        FOUND(ck, PARKED_AGE, key, "there is no such entry in PARKED");
    else if (parked.n < 8 || memcmp(parked.p, key.p, 8) != 0)
        FOUND(ck, PARKED_AGE, key, "the entry in PARKED has another time");
}

/* ---- templates ---- */

void check__template(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_template *r = rec;
    struct hilo_str channel, rest;

    (void)val;
    if (!str_cut(key, '\0', &channel, &rest)) {
        FOUND(ck, TEMPLATE, key, "its key names no channel");
        return;
    }
    struct key again = key_template(channel, hilo_get_str(r->body, HILO_T_TEMPLATE_NAME),
                                    hilo_get_str(r->body, HILO_T_TEMPLATE_LANGUAGE));
    if (!check__same(&again, key))
        FOUND(ck, TEMPLATE, key, "it is a template of another name or language");
}

/* ---- API keys ---- */

void check__key(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_key *r = rec;
    struct key by_id = key_of_id(r->id);
    struct hilo_str hash;

    (void)val;
    if (!check__raw(ck, TABLE_KEY_ID, &by_id, &hash))
        FOUND(ck, KEY, key, "its id is missing in KEY_ID");
    else if (!str_eq(hash, key))
        FOUND(ck, KEY, key, "KEY_ID has another hash for its id");
}

void check__key_id(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct key k = key_of(val);
    struct rec_key r;

    (void)rec;
    if (!check__get(ck, TABLE_KEY, &k, &rec_desc_key, &r))
        FOUND(ck, KEY_ID, key, "its KEY does not exist");
    else if (!id_eq(r.id, check__id(key, 0)))
        FOUND(ck, KEY_ID, key, "its KEY has another id");
}
