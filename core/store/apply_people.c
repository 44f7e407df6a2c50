/*
 * Apply: customers, identifiers, conversations, cases and media.
 */
#include "store/apply.h"
#include "base/ids.h"
#include "base/str.h"

static uint64_t apply__now(const struct apply *a)
{
    return (uint64_t)a->event->head.time_us;
}

int32_t apply__customer_created(struct apply *a, const struct ev_customer_created *e)
{
    struct key k = key_of_id(e->id);
    struct rec_customer r = {.created = apply__now(a),
                             .changed = apply__now(a),
                             .version = a->event->head.seq,
                             .name = e->name,
                             .language = e->language,
                             .time_zone = e->time_zone,
                             .attributes = e->attributes};

    apply__put(a, TABLE_CUSTOMER, &k, &rec_desc_customer, &r);
    return HILO_OK;
}

int32_t apply__customer_updated(struct apply *a, const struct ev_customer_updated *e)
{
    struct key k = key_of_id(e->id);
    struct rec_customer r;
    int32_t rc = apply__get(a, TABLE_CUSTOMER, &k, &rec_desc_customer, &r);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such customer") : rc;
    if (e->set & 1)
        r.name = e->name;
    if (e->set & 2)
        r.language = e->language;
    if (e->set & 4)
        r.time_zone = e->time_zone;
    if (e->set & 8)
        r.attributes = e->attributes;
    r.changed = apply__now(a);
    r.version = a->event->head.seq;
    apply__put(a, TABLE_CUSTOMER, &k, &rec_desc_customer, &r);
    return HILO_OK;
}

/* The customer's version moves with its identifiers, so that If-Match covers them. */
static int32_t apply__touch(struct apply *a, struct hilo_id customer)
{
    const struct ev_customer_updated none = {.id = customer};

    return apply__customer_updated(a, &none);
}

int32_t apply__identifier_added(struct apply *a, const struct ev_identifier_added *e)
{
    struct key k = key_identifier((uint32_t)e->scheme, e->scope, e->value);
    struct key back = key_customer_ident(e->customer, (uint32_t)e->scheme, e->scope, e->value);
    struct rec_identifier before,
        r = {.customer = e->customer, .verified = e->verified, .since = apply__now(a), .source = e->source};
    struct hilo_writer w;
    int32_t rc = apply__get(a, TABLE_IDENTIFIER, &k, &rec_desc_identifier, &before);

    if (rc == HILO_OK && !id_eq(before.customer, e->customer)) {
        /* It moves: the one who had it has it no longer. */
        struct key old = key_customer_ident(before.customer, (uint32_t)e->scheme, e->scope, e->value);
        apply__del(a, TABLE_CUSTOMER_IDENT, &old);
        rc = apply__touch(a, before.customer);
    }
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    apply__put(a, TABLE_IDENTIFIER, &k, &rec_desc_identifier, &r);
    /* Keys may hold digests of long values, so the value itself stands here. */
    arena_writer(a->arena, &w);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, e->scheme);
    hilo_put_str(&w, HILO_T_IDENT_SCOPE, e->scope);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, e->value);
    apply__put_raw(a, TABLE_CUSTOMER_IDENT, &back, hilo_written(&w));
    return apply__touch(a, e->customer);
}

int32_t apply__identifier_removed(struct apply *a, const struct ev_identifier_removed *e)
{
    struct key k = key_identifier((uint32_t)e->scheme, e->scope, e->value);
    struct key back = key_customer_ident(e->customer, (uint32_t)e->scheme, e->scope, e->value);
    struct rec_identifier r;
    int32_t rc = apply__get(a, TABLE_IDENTIFIER, &k, &rec_desc_identifier, &r);

    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    if (rc == HILO_OK && id_eq(r.customer, e->customer))
        apply__del(a, TABLE_IDENTIFIER, &k);
    apply__del(a, TABLE_CUSTOMER_IDENT, &back);
    return apply__touch(a, e->customer);
}

static void apply__address(struct apply *a, struct hilo_str channel, struct hilo_str party, struct hilo_id id)
{
    struct key k =
        key_address(channel, (uint32_t)hilo_get_u64(party, HILO_T_IDENT_SCHEME),
                    hilo_get_str(party, HILO_T_IDENT_SCOPE), hilo_get_str(party, HILO_T_IDENT_VALUE));

    apply__put_raw(a, TABLE_ADDRESS, &k, str_n(id.b, sizeof id.b));
}

int32_t apply__conversation_opened(struct apply *a, const struct ev_conversation_opened *e)
{
    struct key k = key_of_id(e->id);
    struct rec_conversation r = {
        .customer = e->customer, .channel = e->channel, .party = e->party, .opened = apply__now(a)};

    apply__put(a, TABLE_CONVERSATION, &k, &rec_desc_conversation, &r);
    apply__address(a, e->channel, e->party, e->id);
    return HILO_OK;
}

int32_t apply__conversation_address(struct apply *a, const struct ev_conversation_address *e)
{
    struct key k = key_of_id(e->id);
    struct rec_conversation r;
    int32_t rc = apply__get(a, TABLE_CONVERSATION, &k, &rec_desc_conversation, &r);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such conversation") : rc;
    apply__address(a, r.channel, e->party, e->id);
    if (e->main) {
        r.party = e->party;
        apply__put(a, TABLE_CONVERSATION, &k, &rec_desc_conversation, &r);
    }
    return HILO_OK;
}

/* ---- cases ---- */

static void apply__case_put(struct apply *a, struct hilo_id id, const struct rec_case *before,
                            struct rec_case *r)
{
    struct key k = key_of_id(id), index;

    if (before) {
        index = key_case_index(before->status, before->changed, id);
        apply__del(a, TABLE_CASE_INDEX, &index);
    }
    r->changed = apply__now(a);
    index = key_case_index(r->status, r->changed, id);
    apply__put_raw(a, TABLE_CASE_INDEX, &index, (struct hilo_str){0});
    apply__put(a, TABLE_CASE, &k, &rec_desc_case, r);
}

int32_t apply__case_opened(struct apply *a, const struct ev_case_opened *e)
{
    struct key pair = key_pair(e->customer, e->id);
    struct rec_case r = {.customer = e->customer,
                         .status = e->status,
                         .subject = e->subject,
                         .owner = e->owner,
                         .opened = apply__now(a),
                         .version = a->event->head.seq};

    apply__case_put(a, e->id, NULL, &r);
    apply__put_raw(a, TABLE_CASE_CUSTOMER, &pair, (struct hilo_str){0});
    return HILO_OK;
}

int32_t apply__case_updated(struct apply *a, const struct ev_case_updated *e)
{
    struct key k = key_of_id(e->id);
    struct rec_case r, before;
    int32_t rc = apply__get(a, TABLE_CASE, &k, &rec_desc_case, &r);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such case") : rc;
    before = r;
    if (e->set & 1)
        r.subject = e->subject;
    if (e->set & 2)
        r.owner = e->owner;
    if (e->set & 4)
        r.status = e->status;
    r.version = a->event->head.seq;
    apply__case_put(a, e->id, &before, &r);
    return HILO_OK;
}

/* ---- the thread: every message of a customer, and its case ---- */

/* The message's case has it among its own, or no more. */
static int32_t case_holds(struct apply *a, struct hilo_id id, const struct rec_message *m, bool holds)
{
    struct key case_key = key_of_id(m->case_id), entry = key_id_number(m->case_id, m->number);
    struct rec_case c, before;
    int32_t rc = apply__get(a, TABLE_CASE, &case_key, &rec_desc_case, &c);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such case") : rc;
    before = c;
    c.messages = holds ? c.messages + 1 : c.messages - (c.messages > 0);
    apply__case_put(a, m->case_id, &before, &c);
    if (holds)
        apply__put_raw(a, TABLE_CASE_MESSAGE, &entry, str_n(id.b, sizeof id.b));
    else
        apply__del(a, TABLE_CASE_MESSAGE, &entry);
    return HILO_OK;
}

int32_t apply__thread_add(struct apply *a, struct hilo_id id, struct rec_message *m)
{
    struct key k = key_of_id(m->customer);
    struct rec_thread t;
    int32_t rc = apply__get(a, TABLE_THREAD, &k, &rec_desc_thread, &t);

    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    if (rc == HILO_NOTFOUND)
        memset(&t, 0, sizeof t);
    m->before = t.newest;
    t.newest = id;
    t.count++;
    apply__put(a, TABLE_THREAD, &k, &rec_desc_thread, &t);
    return id_none(m->case_id) ? HILO_OK : case_holds(a, id, m, true);
}

int32_t apply__thread_case(struct apply *a, struct hilo_id id, struct rec_message *m, struct hilo_id case_id)
{
    int32_t rc = HILO_OK;

    if (id_eq(m->case_id, case_id))
        return HILO_OK;
    if (!id_none(m->case_id))
        rc = case_holds(a, id, m, false);
    m->case_id = case_id;
    return rc == HILO_OK && !id_none(case_id) ? case_holds(a, id, m, true) : rc;
}

/* ---- media ---- */

int32_t apply__media_added(struct apply *a, const struct ev_media_added *e)
{
    struct key k = key_of_id(e->id);
    struct rec_media r = {.state = MEDIA_STORED,
                          .sha256 = e->sha256,
                          .size = e->size,
                          .mime = e->mime,
                          .filename = e->filename,
                          .created = apply__now(a)};

    apply__put(a, TABLE_MEDIA, &k, &rec_desc_media, &r);
    return HILO_OK;
}

/* A media whose download ended, its job taken off the list. */
static int32_t media_take(struct apply *a, struct hilo_id id, struct rec_media *r)
{
    struct key k = key_of_id(id);
    int32_t rc = apply__get(a, TABLE_MEDIA, &k, &rec_desc_media, r);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such media") : rc;
    k = key_job(r->channel, r->due, id);
    apply__del(a, TABLE_JOB, &k);
    return HILO_OK;
}

int32_t apply__media_stored(struct apply *a, const struct ev_media_stored *e)
{
    struct key k = key_of_id(e->id);
    struct rec_media r;
    int32_t rc = media_take(a, e->id, &r);

    if (rc != HILO_OK)
        return rc;
    r.state = MEDIA_STORED;
    r.sha256 = e->sha256;
    r.size = e->size;
    if (e->mime.n)
        r.mime = e->mime;
    r.due = 0;
    r.reason = (struct hilo_str){0};
    apply__put(a, TABLE_MEDIA, &k, &rec_desc_media, &r);
    return HILO_OK;
}

int32_t apply__media_failed(struct apply *a, const struct ev_media_failed *e)
{
    struct key k = key_of_id(e->id), job;
    struct rec_media r;
    int32_t rc = media_take(a, e->id, &r);

    if (rc != HILO_OK)
        return rc;
    r.reason = e->reason;
    r.attempts = e->attempts;
    r.due = e->due;
    if (e->due) {
        job = key_job(r.channel, r.due, e->id);
        apply__put_raw(a, TABLE_JOB, &job, (struct hilo_str){0});
    } else {
        r.state = MEDIA_FAILED;
    }
    apply__put(a, TABLE_MEDIA, &k, &rec_desc_media, &r);
    return HILO_OK;
}
