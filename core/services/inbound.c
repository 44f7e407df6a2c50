/*
 * What customers say, as channels bring it (receipts: receipts.c). Each message is decided and
 * appended here; the channel's peer is acknowledged when it is on disk.
 *
 * Who it is from: the first of the channel's identifiers that somebody has; nobody: a
 * new customer. Identifiers that nobody has yet are added; one that names somebody
 * else stays with them. Which case: that of the message it answers, or the customer's
 * only case that is not closed.
 *
 * What the channel vouches for as an answer to a message of ours (MSG.REPLY_TO) is that message's
 * customer's, in its conversation, whoever wrote it: people answer from another address, and pass mail
 * on. Nothing is learned of who they are from that: the address stays with the message.
 *
 * A customer who changed the number: the new identifiers are added to him, and his
 * conversation goes to them. If somebody else has one of them, nothing is merged: the
 * message says so in the timeline (outcome "conflict"), and so does the log.
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/address.h"
#include "model/codec.h"
#include "model/lift.h"
#include "services/access.h"
#include "services/appointments.h"
#include "services/cases.h"
#include "services/consent.h"
#include "services/delivery.h"
#include "services/inbound_media.h"
#include "services/messages.h"
#include "services/parts.h"
#include "services/receipts.h"
#include "store/keys.h"
#include <inttypes.h>

enum { PARTS_A_TURN = 64 };
static const int64_t STUCK_RETRY_US = INT64_C(3600) * 1000000, FULL_RETRY_US = 1000000;
enum { PARTIES_MAX = 8, ADDRESS_PART_MAX = 256, EXT_ID_MAX = 512, STOP_MAX = 16 << 10 };

struct party {
    struct identifier id;
    struct hilo_str bytes; /* group IDENT, normalised */
    struct hilo_id owner;  /* none: nobody */
};

struct inbound {
    struct gateway *gw;
    struct gw_channel *channel;
    struct arena *arena;
    struct actor actor;
    int64_t now;
    struct hilo_str message;
    struct hilo_id id, customer, conversation, case_id, reply_to, question;
    struct inbound_media media;
    bool answer;       /* the channel vouches for reply_to (answer_of) */
    bool other_sender; /* it does, and the customer is known by none of the addresses */
    bool new_customer, new_conversation;
    struct hilo_id appointment; /* that the message in question is about */
    bool answered;              /* it answers the choices in question */
    struct consent_heard heard; /* a word that ends or begins messages */
    unsigned n, n_next;
    struct party party[PARTIES_MAX];
    struct party next[PARTIES_MAX]; /* whom he is known as from now on, if his number changed */
    bool conflict;                  /* one of these is somebody else's */
    struct hilo_str parts;          /* the key of those that it was joined from, or empty */
};

/* ---- who ---- */

static int32_t party_read(struct inbound *in, struct hilo_str group, struct party *p, struct err *e)
{
    uint32_t scheme = (uint32_t)hilo_get_u64(group, HILO_T_IDENT_SCHEME);
    struct hilo_str value = hilo_get_str(group, HILO_T_IDENT_VALUE);
    char variants[ADDRESS_VARIANTS][ADDRESS_PHONE];
    struct hilo_writer w;
    struct fault f;

    if (identifier_parse(in->arena, scheme, value, "", &p->id, &f) != 0)
        return err_set(e, HILO_INVALID, "party: %.300s", f.text);
    if (scheme == HILO_SCHEME_PHONE && address_whatsapp_variants(p->id.value, variants) > 0)
        p->id.value = arena_str(in->arena, str(variants[0]));
    p->id.scope = hilo_get_str(group, HILO_T_IDENT_SCOPE);
    if (p->id.scope.n > ADDRESS_PART_MAX || hilo_get_str(group, HILO_T_IDENT_NATIVE).n > ADDRESS_PART_MAX)
        return err_set(e, HILO_INVALID, "party: scope and native have at most %d bytes", ADDRESS_PART_MAX);
    p->id.verified = hilo_get_u64(group, HILO_T_IDENT_VERIFIED) != 0;
    arena_writer(in->arena, &w);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, scheme);
    if (p->id.scope.n)
        hilo_put_str(&w, HILO_T_IDENT_SCOPE, p->id.scope);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, p->id.value);
    hilo_put_u64(&w, HILO_T_IDENT_VERIFIED, p->id.verified);
    struct hilo_str native = hilo_get_str(group, HILO_T_IDENT_NATIVE);
    if (native.n)
        hilo_put_str(&w, HILO_T_IDENT_NATIVE, native);
    p->bytes = hilo_written(&w);
    return HILO_OK;
}

/* Every group with this tag, and who has it; *customer, if none, becomes the first of those. */
static int32_t parties_read(struct inbound *in, struct hilo_str bytes, uint32_t tag, struct party *out,
                            unsigned *n, struct err *e)
{
    struct hilo_field field;
    int32_t rc = HILO_OK;

    while (rc == HILO_OK && hilo_next(&bytes, &field) == 1) {
        if (field.tag != tag)
            continue;
        if (*n == PARTIES_MAX)
            return err_set(e, HILO_INVALID, "more than %d identifiers of one sender", PARTIES_MAX);
        struct party *p = &out[*n];
        rc = party_read(in, field.val, p, e);
        if (rc == HILO_OK)
            rc = customer_find(in->gw, &p->id, &p->owner, e);
        if (rc == HILO_OK && id_none(in->customer))
            in->customer = p->owner;
        if (rc == HILO_NOTFOUND)
            rc = HILO_OK;
        *n += rc == HILO_OK;
    }
    return rc;
}

/* The message that it answers for sure: one that this channel sent. Anything else counts as if nothing
 * had been said. */
static int32_t answer_of(struct inbound *in, struct err *e)
{
    const struct hilo_id id = hilo_get_id(in->message, HILO_T_MSG_REPLY_TO);
    const struct model_change none[] = {change_remove(HILO_T_MSG_REPLY_TO),
                                        change_remove(HILO_T_MSG_OTHER_SENDER)};
    struct rec_message m = {.kind = 0};
    struct hilo_str s;
    struct key k = key_of_id(id);
    int32_t rc = HILO_NOTFOUND;

    if (!id_none(id))
        rc = store_record(in->gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, in->arena, &m, e);
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    in->answer = m.kind == HILO_KIND_OUTBOUND && str_eq(m.channel, in->channel->name);
    if (in->answer) {
        in->reply_to = id;
        in->customer = m.customer;
        in->conversation = m.conversation;
    } else if (hilo_find(in->message, HILO_T_MSG_REPLY_TO, &s) ||
               hilo_find(in->message, HILO_T_MSG_OTHER_SENDER, &s)) {
        return model_edit(in->arena, in->message, none, 2, &in->message, e);
    }
    return HILO_OK;
}

static int32_t who(struct inbound *in, struct err *e)
{
    struct hilo_str content = hilo_content(in->message);
    bool changed = hilo_get_u64(content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_SYSTEM &&
                   hilo_get_u64(content, HILO_T_CONTENT_EVENT) == HILO_SYSTEM_NUMBER_CHANGED;
    int32_t rc = parties_read(in, in->message, HILO_T_MSG_PARTY, in->party, &in->n, e);

    if (rc == HILO_OK && in->n == 0)
        return err_set(e, HILO_INVALID, "an inbound message names no sender (party)");
    if (rc == HILO_OK && changed)
        rc = parties_read(in, content, HILO_T_CONTENT_NEW_PARTY, in->next, &in->n_next, e);
    if (rc == HILO_OK && id_none(in->customer)) {
        in->new_customer = true;
        in->customer = idgen_next(store_ids(in->gw->store));
    }
    in->other_sender = in->answer;
    for (unsigned i = 0; i < in->n; i++)
        in->other_sender &= !id_eq(in->party[i].owner, in->customer);
    for (unsigned i = 0; i < in->n_next; i++)
        in->conflict |= !id_none(in->next[i].owner) && !id_eq(in->next[i].owner, in->customer);
    return rc;
}

/* The conversation that one of the addresses leads to, if it is this customer's. */
static int32_t where(struct inbound *in, struct rec_conversation *conv, struct err *e)
{
    memset(conv, 0, sizeof *conv);
    if (in->answer) {
        const struct key k = key_of_id(in->conversation);
        return store_record(in->gw->store, TABLE_CONVERSATION, key_str(&k), &rec_desc_conversation, in->arena,
                            conv, e);
    }
    for (unsigned i = 0; i < in->n && !in->new_customer; i++) {
        const struct identifier *id = &in->party[i].id;
        struct key k = key_address(in->channel->name, id->scheme, id->scope, id->value);
        struct hilo_str val;
        int32_t rc = store_get(in->gw->store, TABLE_ADDRESS, key_str(&k), in->arena, &val, e);
        if (rc == HILO_NOTFOUND)
            continue;
        if (rc != HILO_OK)
            return rc;
        k = key_of_id(key_tail_id(val));
        rc = store_record(in->gw->store, TABLE_CONVERSATION, key_str(&k), &rec_desc_conversation, in->arena,
                          conv, e);
        if (rc != HILO_OK)
            return rc;
        if (id_eq(conv->customer, in->customer)) {
            in->conversation = key_tail_id(val);
            return HILO_OK;
        }
        memset(conv, 0, sizeof *conv);
    }
    in->new_conversation = true;
    in->conversation = idgen_next(store_ids(in->gw->store));
    return HILO_OK;
}

/* ---- what it answers ---- */

static int32_t answers(struct inbound *in, const struct rec_conversation *conv, struct err *e)
{
    struct hilo_str ext = hilo_get_str(in->message, HILO_T_MSG_REPLY_EXT), question = {0}, val;
    struct rec_message m = {.number = 0};
    struct key k;
    int32_t rc;

    in->question = in->answer ? in->reply_to : conv->choices;
    if (ext.n && !in->answer) {
        k = key_ext(in->channel->name, ext);
        rc = store_get(in->gw->store, TABLE_EXT, key_str(&k), in->arena, &val, e);
        if (rc == HILO_OK)
            in->reply_to = in->question = key_tail_id(val);
        else if (rc != HILO_NOTFOUND)
            return rc;
    }
    if (!id_none(in->reply_to) && !in->answer) {
        const struct model_change c = change_id(HILO_T_MSG_REPLY_TO, &in->reply_to);
        rc = model_edit(in->arena, in->message, &c, 1, &in->message, e);
        if (rc != HILO_OK)
            return rc;
    }
    if (!id_none(in->question)) {
        k = key_of_id(in->question);
        rc = store_record(in->gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, in->arena, &m, e);
        if (rc == HILO_OK) {
            rc = store_message_bytes(in->gw->store, &m, in->arena, &question, e);
            /* A number may have changed hands, and with it who answers. */
            if (!id_none(in->reply_to) && id_eq(m.customer, in->customer))
                in->case_id = m.case_id;
        }
        if (rc != HILO_OK && rc != HILO_NOTFOUND)
            return rc;
        if (hilo_content_type(question) != HILO_CONTENT_CHOICES)
            question = (struct hilo_str){0};
    }
    const bool keys = in->channel->able && (in->channel->able->flags & HILO_ABLE_SPOKEN);
    rc = lift(in->message, question, keys, in->arena, &in->message, e);
    if (rc == HILO_OK && !id_none(in->question) && id_eq(m.customer, in->customer) &&
        id_eq(hilo_get_id(in->message, HILO_T_MSG_REPLY_TO), in->question))
        in->appointment = m.appointment;
    in->answered = rc == HILO_OK && question.n && id_eq(m.customer, in->customer) &&
                   id_eq(hilo_get_id(in->message, HILO_T_MSG_REPLY_TO), in->question) &&
                   hilo_content_type(in->message) == HILO_CONTENT_CHOICE_REPLY;
    if (in->answered && id_none(in->case_id))
        in->case_id = m.case_id; /* lifted: it answers the question */
    return rc;
}

/* ---- writing it down ---- */

static int32_t finish_message(struct inbound *in, struct err *e)
{
    struct model_change change[16];
    struct model_change content[1];
    struct hilo_str bytes = hilo_content(in->message);
    size_t n = 0;
    int32_t rc = inbound_media(in->gw, in->channel, &bytes, in->arena, &in->media, e);

    if (rc != HILO_OK)
        return rc;
    if (bytes.p != hilo_content(in->message).p) {
        change[n++] = change_str(HILO_T_MSG_CONTENT, bytes);
    } else if (in->n_next) {
        content[0] = change_str(HILO_T_CONTENT_OUTCOME, in->conflict ? STR("conflict") : STR("moved"));
        change[n++] = change_into(HILO_T_MSG_CONTENT, content, 1);
    }
    change[n++] = change_id(HILO_T_MSG_ID, &in->id);
    change[n++] = change_str(HILO_T_MSG_CHANNEL, in->channel->name);
    change[n++] = change_id(HILO_T_MSG_CUSTOMER, &in->customer);
    change[n++] = change_id(HILO_T_MSG_CONVERSATION, &in->conversation);
    change[n++] = change_u64(HILO_T_MSG_ARRIVED, (uint64_t)in->now);
    change[n++] =
        id_none(in->case_id) ? change_remove(HILO_T_MSG_CASE) : change_id(HILO_T_MSG_CASE, &in->case_id);
    if (in->other_sender)
        change[n++] = change_u64(HILO_T_MSG_OTHER_SENDER, 1);
    if (hilo_get_u64(in->message, HILO_T_MSG_TIME) == 0)
        change[n++] = change_u64(HILO_T_MSG_TIME, (uint64_t)in->now);
    return model_edit(in->arena, in->message, change, n, &in->message, e);
}

static int32_t append(struct inbound *in, const struct rec_desc *d, const void *ev, struct err *e)
{
    return store_append(in->gw->store, d, ev, &in->actor, in->now, NULL, e);
}

/* Those that nobody has yet. */
static int32_t append_identifiers(struct inbound *in, const struct party *party, unsigned n, struct err *e)
{
    int32_t rc = HILO_OK;

    for (unsigned i = 0; i < n && rc == HILO_OK; i++) {
        const struct party *p = &party[i];
        if (!id_none(p->owner))
            continue;
        const struct ev_identifier_added ev = {.customer = in->customer,
                                               .scheme = p->id.scheme,
                                               .scope = p->id.scope,
                                               .value = p->id.value,
                                               .verified = p->id.verified,
                                               .source = in->channel->name};
        rc = append(in, &ev_desc_identifier_added, &ev, e);
    }
    return rc;
}

static int32_t append_people(struct inbound *in, struct err *e)
{
    int32_t rc = HILO_OK;

    if (in->new_customer) {
        const struct ev_customer_created ev = {
            .id = in->customer, .name = str_utf8_head(hilo_get_str(in->message, HILO_T_MSG_PARTY_NAME), 200)};
        rc = append(in, &ev_desc_customer_created, &ev, e);
    }
    if (rc == HILO_OK && !in->answer)
        rc = append_identifiers(in, in->party, in->n, e);
    if (rc == HILO_OK && !in->conflict)
        rc = append_identifiers(in, in->next, in->n_next, e);
    return rc;
}

/* Which of them is the one to send to: a phone, if there is one. */
static unsigned main_address(const struct party *party, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (party[i].id.scheme == HILO_SCHEME_PHONE)
            return i;
    return 0;
}

/* An address leads to the conversation; send_to: it is the one to send to from now on. */
static int32_t append_address(struct inbound *in, const struct party *p, bool send_to, struct err *e)
{
    struct key k = key_address(in->channel->name, p->id.scheme, p->id.scope, p->id.value);
    struct hilo_str val;
    int32_t rc = store_get(in->gw->store, TABLE_ADDRESS, key_str(&k), in->arena, &val, e);

    if (rc == HILO_OK && id_eq(key_tail_id(val), in->conversation) && !send_to)
        return HILO_OK;
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    const struct ev_conversation_address ev = {.id = in->conversation, .party = p->bytes, .main = send_to};
    return append(in, &ev_desc_conversation_address, &ev, e);
}

/* Every address leads to the conversation; a phone is the one to send to. */
static int32_t append_conversation(struct inbound *in, const struct rec_conversation *conv, struct err *e)
{
    unsigned main = main_address(in->party, in->n);
    bool moved = in->n_next && !in->conflict;
    int32_t rc = HILO_OK;

    if (in->new_conversation) {
        const struct ev_conversation_opened ev = {.id = in->conversation,
                                                  .customer = in->customer,
                                                  .channel = in->channel->name,
                                                  .party = in->party[main].bytes};
        rc = append(in, &ev_desc_conversation_opened, &ev, e);
    }
    for (unsigned i = 0; i < in->n && !in->answer && rc == HILO_OK; i++) {
        const struct party *p = &in->party[i];
        rc = append_address(in, p,
                            i == main && !in->new_conversation && in->n_next == 0 &&
                                !str_eq(conv->party, p->bytes) && p->id.scheme == HILO_SCHEME_PHONE,
                            e);
    }
    main = main_address(in->next, in->n_next);
    for (unsigned i = 0; i < in->n_next && moved && rc == HILO_OK; i++)
        rc = append_address(in, &in->next[i], i == main, e);
    return rc;
}

static void log_conflict(const struct inbound *in)
{
    char customer[ID_TEXT], other[ID_TEXT] = "";

    id_format("cus", in->customer, customer);
    for (unsigned i = 0; i < in->n_next; i++)
        if (!id_none(in->next[i].owner) && !id_eq(in->next[i].owner, in->customer))
            id_format("cus", in->next[i].owner, other);
    log_event(
        in->gw->log, HILO_LOG_WARN, "customer.number_conflict",
        "channel=%.*s customer=%s other=%s note=\"the new number belongs to the other; nothing was merged\"",
        STR_FMT(in->channel->name), customer, other);
}

/* What it answers, unless it is a word that ends or begins messages: that is no answer to a
 * question, stays as it was written, and goes to no case. */
static int32_t meaning(struct inbound *in, const struct rec_conversation *conv, struct err *e)
{
    struct hilo_str said = in->message;
    int32_t rc = answers(in, conv, e);

    if (rc != HILO_OK || in->heard.word.kind == WORD_NONE)
        return rc;
    if (in->answered && !(in->heard.word.flags & WORD_FIRM)) {
        in->heard = (struct consent_heard){0};
        return store_room(in->gw->store, STORE_NEW, e);
    }
    if (hilo_get_str(in->message, HILO_T_MSG_LIFTED_FROM).n)
        in->message = said;
    if (in->heard.word.kind != WORD_HELP)
        memset(&in->case_id, 0, sizeof in->case_id);
    return HILO_OK;
}

/* The case and the call that the channel says it belongs to: its customer's, its own. What ends or begins
 * messages goes to no case all the same. */
static int32_t named(struct inbound *in, struct err *e)
{
    const struct hilo_id case_id = hilo_get_id(in->message, HILO_T_MSG_CASE),
                         call = hilo_get_id(in->message, HILO_T_MSG_CALL);
    struct rec_case c;
    struct rec_call r;
    struct key k = key_of_id(case_id);
    int32_t rc;

    if (!id_none(case_id)) {
        if (!(in->channel->scopes & SCOPE_CASES_WRITE))
            return err_set(e, HILO_INVALID,
                           "case: only a channel whose scopes have cases:write says a message's case");
        rc = store_record(in->gw->store, TABLE_CASE, key_str(&k), &rec_desc_case, in->arena, &c, e);
        if (rc == HILO_NOTFOUND || (rc == HILO_OK && !id_eq(c.customer, in->customer)))
            return err_set(e, HILO_INVALID, "case: its sender has no such case");
        if (rc != HILO_OK)
            return rc;
        if (in->heard.word.kind == WORD_NONE || in->heard.word.kind == WORD_HELP)
            in->case_id = case_id;
    }
    if (id_none(call))
        return HILO_OK;
    if (!(in->channel->scopes & SCOPE_CALLS_WRITE))
        return err_set(e, HILO_INVALID,
                       "call: only a channel whose scopes have calls:write says a message's call");
    k = key_of_id(call);
    rc = store_record(in->gw->store, TABLE_CALL, key_str(&k), &rec_desc_call, in->arena, &r, e);
    if (rc == HILO_NOTFOUND || (rc == HILO_OK && !str_eq(r.channel, in->channel->name)))
        return err_set(e, HILO_INVALID, "call: the channel has no such call");
    return rc;
}

/* A STOP in answer to a message of ours holds for the address that this went to, not for the one that it
 * came from. */
static int32_t obey(struct inbound *in, const struct rec_conversation *conv, struct err *e)
{
    struct hilo_str *party = ARENA_ARRAY(in->arena, struct hilo_str, PARTIES_MAX);

    for (unsigned i = 0; i < in->n; i++)
        party[i] = in->party[i].bytes;
    if (in->other_sender)
        party[0] = conv->party;
    const struct consent_speaker s = {.channel = in->channel,
                                      .customer = in->customer,
                                      .conversation = in->conversation,
                                      .message = in->id,
                                      .party = party,
                                      .n = in->other_sender ? 1 : in->n,
                                      .main = in->other_sender ? 0 : main_address(in->party, in->n),
                                      .now = in->now};
    return consent_obey(in->gw, &in->heard, &s, in->arena, e);
}

static int32_t receive(struct inbound *in, struct err *e)
{
    struct hilo_str ext = hilo_get_str(in->message, HILO_T_MSG_EXT_ID), val;
    struct rec_conversation conv;
    int32_t rc;

    if (ext.n == 0)
        return err_set(e, HILO_INVALID,
                       "an inbound message has no provider_id, without which it can't be deduplicated");
    struct key k = key_ext(in->channel->name, ext);
    rc = store_get(in->gw->store, TABLE_EXT, key_str(&k), in->arena, &val, e);
    if (rc == HILO_OK && in->parts.n == 0) /* parts were looked at as they came */
        return HILO_DUPLICATE;
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return rc;
    /* A person's STOP is taken even if the disk is full. */
    consent_hear(in->channel, in->message, in->arena, &in->heard);
    bool stop = in->heard.word.kind == WORD_STOP && in->message.n <= STOP_MAX;
    rc = store_room(in->gw->store, stop ? STORE_RECORD : STORE_NEW, e);
    if (rc == HILO_OK)
        rc = answer_of(in, e);
    if (rc == HILO_OK)
        rc = who(in, e);
    if (rc == HILO_OK)
        rc = where(in, &conv, e);
    if (rc == HILO_OK)
        rc = meaning(in, &conv, e);
    if (rc == HILO_OK)
        rc = named(in, e);
    if (rc == HILO_OK && id_none(in->case_id) && !in->new_customer &&
        (in->heard.word.kind == WORD_NONE || in->heard.word.kind == WORD_HELP))
        rc = case_only_open(in->gw, in->customer, in->arena, &in->case_id, e);
    in->id = idgen_next(store_ids(in->gw->store));
    if (rc == HILO_OK)
        rc = finish_message(in, e);
    if (rc == HILO_OK)
        rc = append_people(in, e);
    if (rc == HILO_OK)
        rc = append_conversation(in, &conv, e);
    if (rc != HILO_OK)
        return rc;
    const struct ev_message_received ev = {.id = in->id,
                                           .message = in->message,
                                           .media = in->media.own,
                                           .expected = in->media.expected,
                                           .parts = in->parts};
    rc = append(in, &ev_desc_message_received, &ev, e);
    if (rc == HILO_OK && in->heard.word.kind != WORD_NONE)
        rc = obey(in, &conv, e);
    else if (rc == HILO_OK && !id_none(in->appointment))
        rc = appointment_answered(in->gw, &in->actor, in->appointment, in->question, in->id, in->customer,
                                  hilo_content(in->message), in->now, in->arena, e);
    if (rc != HILO_OK)
        return rc;
    in->channel->received++;
    if (in->conflict)
        log_conflict(in);
    if (in->media.any)
        delivery_fetch(in->gw->delivery, in->channel);
    char text[ID_TEXT];
    id_format("msg", in->id, text);
    log_event(in->gw->log, HILO_LOG_DEBUG, "message.received", "id=%s channel=%.*s", text,
              STR_FMT(in->channel->name));
    return HILO_OK;
}

/* ---- parts ---- */

/* Takes those that are kept under a key of PARTS as one message. why: they are not all there. */
static int32_t receive_joined(struct gateway *gw, struct gw_channel *c, const struct key *k, const char *why,
                              struct arena *a, struct err *e)
{
    struct inbound in = {
        .gw = gw, .channel = c, .arena = a, .actor = {.kind = ACTOR_CHANNEL}, .now = clock_wall_us()};
    struct rec_parts r;
    unsigned missing;
    char id[ID_TEXT];
    int32_t rc = parts_find(gw, k, a, &r, e);

    if (rc == HILO_OK)
        rc = parts_join(gw, &r, a, &in.message, &in.parts, &missing, e);
    if (rc == HILO_OK)
        rc = receive(&in, e);
    if (rc != HILO_OK)
        return rc;
    c->parts_messages--;
    c->parts_bytes -= r.bytes;
    id_format("msg", in.id, id);
    if (missing)
        log_event(gw->log, HILO_LOG_WARN, "message.incomplete",
                  "id=%s channel=%.*s missing=%u parts=%" PRIu64 " reason=%s", id, STR_FMT(c->name), missing,
                  r.total, why ? why : "unreadable");
    return HILO_OK;
}

/* Makes room for one more part: what has waited longest is taken as far as it came. */
static int32_t parts_room(struct inbound *in, bool first, uint64_t bytes, struct err *e)
{
    struct gw_channel *c = in->channel;

    while ((first && c->parts_messages >= PARTS_MESSAGES_MAX) ||
           (c->parts_messages && c->parts_bytes + bytes > PARTS_BYTES_MAX)) {
        struct key age = {.n = 0}, k;
        uint64_t next;
        int32_t rc = parts_oldest(in->gw, c, UINT64_MAX, &age, &k, &next, e);
        if (rc == HILO_OK)
            rc = receive_joined(in->gw, c, &k, "too_many", in->arena, e);
        if (rc != HILO_OK)
            return rc;
    }
    return HILO_OK;
}

static int32_t append_part(struct inbound *in, const struct part_said *said, bool first, struct err *e)
{
    const struct ev_message_part ev = {.channel = in->channel->name,
                                       .key = said->key,
                                       .index = said->index,
                                       .total = said->total,
                                       .ext_id = said->ext_id,
                                       .expires = (uint64_t)(in->now + in->gw->parts_wait_us),
                                       .message = in->message};
    int32_t rc = append(in, &ev_desc_message_part, &ev, e);

    if (rc != HILO_OK)
        return rc;
    in->channel->parts_messages += first;
    in->channel->parts_bytes += in->message.n;
    if (first)
        delivery_parts(in->gw->delivery, in->channel, (int64_t)ev.expires);
    return HILO_OK;
}

static int32_t receive_part(struct inbound *in, struct err *e)
{
    struct part_said said;
    struct rec_parts r;
    struct hilo_str val;
    int32_t rc = part_read(in->message, &said, e);
    const struct model_change whole = change_remove(HILO_T_MSG_PART);

    if (rc == HILO_OK && said.total == 1) {
        rc = model_edit(in->arena, in->message, &whole, 1, &in->message, e);
        return rc == HILO_OK ? receive(in, e) : rc;
    }
    if (rc == HILO_OK) /* what is wrong with its sender is told now, not when all are there */
        rc = parties_read(in, in->message, HILO_T_MSG_PARTY, in->party, &in->n, e);
    if (rc != HILO_OK)
        return rc;
    if (in->n == 0)
        return err_set(e, HILO_INVALID, "an inbound message names no sender (party)");
    struct key k = key_ext(in->channel->name, said.ext_id);
    rc = store_get(in->gw->store, TABLE_EXT, key_str(&k), in->arena, &val, e);
    if (rc != HILO_NOTFOUND)
        return rc == HILO_OK ? HILO_DUPLICATE : rc;
    k = key_parts(in->channel->name, said.key);
    rc = parts_find(in->gw, &k, in->arena, &r, e);
    if (rc == HILO_OK)
        rc = parts_compare(in->gw, &r, &said, in->arena, e);
    if (rc == HILO_STALE)
        rc = receive_joined(in->gw, in->channel, &k, "reference_again", in->arena, e);
    if (rc == HILO_OK || rc == HILO_NOTFOUND)
        rc = store_room(in->gw->store, STORE_NEW, e);
    if (rc == HILO_OK)
        rc = parts_room(in, parts_find(in->gw, &k, in->arena, &r, e) == HILO_NOTFOUND, in->message.n, e);
    if (rc != HILO_OK)
        return rc;
    rc = parts_find(in->gw, &k, in->arena, &r, e);
    if (rc == HILO_OK || rc == HILO_NOTFOUND)
        rc = append_part(in, &said, rc == HILO_NOTFOUND, e);
    if (rc == HILO_OK && parts_count(&r) + 1 == said.total)
        rc = receive_joined(in->gw, in->channel, &k, NULL, in->arena, e);
    return rc;
}

int32_t message_parts_due(struct gateway *gw, struct gw_channel *c, int64_t now_us, struct err *e)
{
    struct key age = {.n = 0}, k;
    uint64_t next = 0;
    int32_t rc = HILO_OK;
    bool stuck = false;

    for (unsigned i = 0; i < PARTS_A_TURN && rc == HILO_OK; i++) {
        rc = parts_oldest(gw, c, (uint64_t)now_us, &age, &k, &next, e);
        if (rc != HILO_OK)
            break;
        store_begin(gw->store);
        rc = receive_joined(gw, c, &k, "expired", gw->arena, e);
        store_end(gw->store);
        if (rc == HILO_INVALID || rc == HILO_CORRUPT || rc == HILO_NOTFOUND) {
            log_event(gw->log, HILO_LOG_ERROR, "message.parts_stuck",
                      "channel=%.*s error=%s next=\"stop the gateway, then: hilod --check-store\"",
                      STR_FMT(c->name), LOG_VALUE(str(e->text)));
            stuck = true;
            rc = HILO_OK;
        }
    }
    if (rc == HILO_OK) /* there may be more */
        next = (uint64_t)now_us;
    c->next_parts_us = (int64_t)next;
    if (stuck && (next == 0 || (int64_t)next > now_us + STUCK_RETRY_US))
        c->next_parts_us = now_us + STUCK_RETRY_US;
    if (rc == HILO_FULL || rc == HILO_AGAIN)
        c->next_parts_us = now_us + FULL_RETRY_US;
    return rc == HILO_NOTFOUND ? HILO_OK : rc;
}

int32_t message_submitted(struct gateway *gw, struct gw_channel *channel, struct hilo_str message,
                          struct arena *a, struct err *e)
{
    struct inbound in = {.gw = gw,
                         .channel = channel,
                         .arena = a,
                         .actor = {.kind = ACTOR_CHANNEL},
                         .now = clock_wall_us(),
                         .message = message};
    int32_t rc = model_check(message, e);

    if (rc != HILO_OK)
        return rc;
    if (hilo_get_str(message, HILO_T_MSG_EXT_ID).n > EXT_ID_MAX)
        return err_set(e, HILO_INVALID, "a provider_id has at most %d bytes", EXT_ID_MAX);
    switch (hilo_get_u64(message, HILO_T_MSG_KIND)) {
    case HILO_KIND_INBOUND:
        return hilo_get_str(message, HILO_T_MSG_PART).n ? receive_part(&in, e) : receive(&in, e);
    case HILO_KIND_RECEIPT:
        return receipt_submitted(gw, channel, message, a, e);
    default:
        return err_set(e, HILO_INVALID, "a submitted message is neither inbound nor a receipt");
    }
}
