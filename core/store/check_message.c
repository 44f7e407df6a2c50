/*
 * store_check: what must hold for messages: their events, threads and cases, and the
 * place in the queue that apply_message.c describes.
 *
 * Who has the turn: a conversation's head is due or in flight, or held and to be
 * resent. Others in those places are wrong, with one exception: a message of several
 * parts whose channel holds what is in doubt went on after its turn had passed.
 */
#include "store/check.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/attached.h"
#include "model/table.h"
#include "store/several.h"

#define FOUND(ck, table, key, words) check__found((ck), #table, (key), "%s", (words))

static bool message_get(struct check *ck, struct hilo_id id, struct rec_message *m)
{
    struct key k = key_of_id(id);

    return check__get(ck, TABLE_MESSAGE, &k, &rec_desc_message, m);
}

static bool conversation_get(struct check *ck, struct hilo_id id, struct rec_conversation *c)
{
    struct key k = key_of_id(id);

    return check__get(ck, TABLE_CONVERSATION, &k, &rec_desc_conversation, c);
}

static bool has_turn(const struct rec_message *m)
{
    return m->place == PLACE_DUE || m->place == PLACE_IN_FLIGHT ||
           (m->place == PLACE_HELD && m->policy == POLICY_RESEND);
}

/* ---- conversations and the queue ---- */

void check__conversation(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_conversation *c = rec;
    struct hilo_id id = check__id(key, 0);
    struct key customer = key_of_id(c->customer), prefix = key_of_id(id);
    struct key address =
        key_address(c->channel, (uint32_t)hilo_get_u64(c->party, HILO_T_IDENT_SCHEME),
                    hilo_get_str(c->party, HILO_T_IDENT_SCOPE), hilo_get_str(c->party, HILO_T_IDENT_VALUE));
    uint64_t waiting = check__count(ck, TABLE_WAITING, &prefix);
    struct rec_message m;

    (void)val;
    if (!check__has(ck, TABLE_CUSTOMER, &customer))
        FOUND(ck, CONVERSATION, key, "its customer does not exist");
    if (!check__has(ck, TABLE_ADDRESS, &address))
        FOUND(ck, CONVERSATION, key, "the address that it sends to is missing in ADDRESS");
    if (waiting != c->waiting)
        check__found(ck, "CONVERSATION", key, "it counts %llu that wait, WAITING has %llu",
                     (unsigned long long)c->waiting, (unsigned long long)waiting);
    if (!id_none(c->choices) && !message_get(ck, c->choices, &m))
        FOUND(ck, CONVERSATION, key, "its newest choices do not exist");
    if (id_none(c->head)) {
        if (waiting)
            FOUND(ck, CONVERSATION, key, "messages wait and none has the turn");
    } else if (!message_get(ck, c->head, &m)) {
        FOUND(ck, CONVERSATION, key, "its head does not exist");
    } else if (!id_eq(m.conversation, id)) {
        FOUND(ck, CONVERSATION, key, "its head is of another conversation");
    } else if (!has_turn(&m)) {
        FOUND(ck, CONVERSATION, key, "its head is neither due nor in flight");
    }
}

void check__waiting(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct rec_message m;

    (void)rec;
    if (!message_get(ck, check__id(val, 0), &m)) {
        FOUND(ck, WAITING, key, "its message does not exist");
        return;
    }
    struct key again = key_id_number(m.conversation, rec_message_turn(&m));
    if (m.place != PLACE_WAITING)
        FOUND(ck, WAITING, key, "its message does not wait");
    else if (!check__same(&again, key))
        FOUND(ck, WAITING, key, "its message has another conversation or number");
}

void check__due(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct rec_message m;

    (void)rec;
    if (!message_get(ck, check__id(val, 0), &m)) {
        FOUND(ck, DUE, key, "its message does not exist");
        return;
    }
    struct key again = key_due(m.channel, m.priority, m.due, m.number);
    if (m.place != PLACE_DUE)
        FOUND(ck, DUE, key, "its message is not due");
    else if (!check__same(&again, key))
        FOUND(ck, DUE, key, "its message has another channel, priority, due time or number");
}

void check__in_flight(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct hilo_id id = key_tail_id(key);
    uint64_t claim = key_tail_u64(val, 0);
    struct rec_message m;

    (void)rec;
    if (!message_get(ck, id, &m)) {
        FOUND(ck, IN_FLIGHT, key, "its message does not exist");
        return;
    }
    struct key again = key_channel_id(m.channel, id);
    if (m.place != PLACE_IN_FLIGHT)
        FOUND(ck, IN_FLIGHT, key, "its message is not in flight");
    else if (!check__same(&again, key))
        FOUND(ck, IN_FLIGHT, key, "its message has another channel");
    else if (claim <= m.number || claim > ck->reached)
        FOUND(ck, IN_FLIGHT, key, "the sequence of its claim is not after its message, or was not reached");
}

void check__expiry(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct rec_message m;

    (void)val;
    (void)rec;
    if (!message_get(ck, key_tail_id(key), &m))
        FOUND(ck, EXPIRY, key, "its message does not exist");
    else if (m.place == PLACE_NONE || m.place == PLACE_IN_FLIGHT)
        FOUND(ck, EXPIRY, key, "its message is settled or in flight");
    else if (m.expires != key_tail_u64((struct hilo_str){key.p, 8}, 0))
        FOUND(ck, EXPIRY, key, "its message expires at another time");
}

void check__scheduled(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct rec_message m;

    (void)val;
    (void)rec;
    if (!message_get(ck, key_tail_id(key), &m))
        FOUND(ck, SCHEDULED, key, "its message does not exist");
    else if (m.place != PLACE_SCHEDULED)
        FOUND(ck, SCHEDULED, key, "its message is not scheduled");
    else if (m.due != key_tail_u64((struct hilo_str){key.p, 8}, 0))
        FOUND(ck, SCHEDULED, key, "its message is due at another time");
}

static void queue_entry(struct check *ck, struct hilo_str key, struct hilo_id id, enum table table,
                        const struct key *k, bool names_it)
{
    struct hilo_str val;

    if (!check__raw(ck, table, k, &val))
        check__found(ck, "MESSAGE", key, "by its place it must be in %s and is not", table_name(table));
    else if (names_it && !str_eq(val, str_n(id.b, sizeof id.b)))
        check__found(ck, "MESSAGE", key, "another message has its place in %s", table_name(table));
}

static void message_place(struct check *ck, struct hilo_str key, struct hilo_id id,
                          const struct rec_message *m)
{
    struct key k;

    switch (m->place) {
    case PLACE_WAITING:
        k = key_id_number(m->conversation, rec_message_turn(m));
        queue_entry(ck, key, id, TABLE_WAITING, &k, true);
        break;
    case PLACE_DUE:
        k = key_due(m->channel, m->priority, m->due, m->number);
        queue_entry(ck, key, id, TABLE_DUE, &k, true);
        break;
    case PLACE_IN_FLIGHT:
        k = key_channel_id(m->channel, id);
        queue_entry(ck, key, id, TABLE_IN_FLIGHT, &k, false);
        break;
    case PLACE_SCHEDULED:
        k = key_time_id(m->due, id);
        queue_entry(ck, key, id, TABLE_SCHEDULED, &k, false);
        break;
    case PLACE_NONE:
    case PLACE_HELD:
        break;
    default:
        FOUND(ck, MESSAGE, key, "its place is unknown");
        return;
    }
    if (m->place != PLACE_NONE && m->place != PLACE_IN_FLIGHT) {
        k = key_time_id(m->expires, id);
        queue_entry(ck, key, id, TABLE_EXPIRY, &k, false);
    }
}

static bool status_fits(const struct rec_message *m)
{
    uint64_t s = m->status;

    if (rec_message_entry(m))
        return m->place == PLACE_NONE && s == 0;
    if (m->kind == HILO_KIND_INBOUND)
        return m->place == PLACE_NONE && (s == HILO_STATUS_DELIVERED || s == HILO_STATUS_READ);
    switch (m->place) {
    case PLACE_WAITING:
    case PLACE_SCHEDULED:
        return s == HILO_STATUS_ACCEPTED;
    case PLACE_DUE:
        return s == HILO_STATUS_ACCEPTED || s == HILO_STATUS_QUEUED || s == HILO_STATUS_IN_DOUBT;
    case PLACE_IN_FLIGHT:
        return s > HILO_STATUS_ACCEPTED && s < HILO_STATUS__END;
    case PLACE_HELD:
        return s == HILO_STATUS_IN_DOUBT;
    default:
        return s >= HILO_STATUS_SENT && s < HILO_STATUS__END;
    }
}

/* ---- the message itself ---- */

/* The media of an inbound message's attachments and original. */
static void message_attached(struct check *ck, struct hilo_str key, struct hilo_id id, struct hilo_str bytes)
{
    struct attached_walk w = attached_begin(hilo_content(bytes));
    struct attached x;
    struct rec_media media;

    while (attached_next(&w, &x)) {
        const struct key k = key_of_id(x.media);
        if (x.in == HILO_T_CONTENT_MEDIA || id_none(x.media))
            continue; /* the content's own stands in the record */
        if (!check__get(ck, TABLE_MEDIA, &k, &rec_desc_media, &media))
            FOUND(ck, MESSAGE, key, "the media of an attachment does not exist");
        else if (!id_eq(media.message, id))
            FOUND(ck, MESSAGE, key, "the media of an attachment is another message's");
    }
}

bool check__attached(struct check *ck, const struct rec_message *m, struct hilo_id media)
{
    struct ev_message_received in;
    struct attached x;
    struct event ev;
    struct err e = {0};

    if (!ck->journal)
        return true; /* it can't be looked at */
    return journal_read(ck->journal, m->at, ck->arena, &ev, &e) == HILO_OK &&
           ev.head.type == EVENT_message_received &&
           rec_unpack(&ev_desc_message_received, ev.body, &in, NULL) == HILO_OK &&
           attached_find(hilo_content(in.message), media, &x);
}

/* Its event, and whether it belongs into a thread: signals to a channel do not, nor what
 * changes another message. */
static bool message_event(struct check *ck, struct hilo_str key, struct hilo_id id,
                          const struct rec_message *m)
{
    struct ev_message_received in;
    struct ev_message_accepted out;
    struct ev_case_noted note;
    struct hilo_str bytes = {0};
    struct hilo_id said = {{0}};
    uint64_t kind = HILO_KIND_INBOUND;
    struct event ev;
    struct err e = {0};

    if (journal_read(ck->journal, m->at, ck->arena, &ev, &e) != HILO_OK) {
        check__found(ck, "MESSAGE", key, "its event can't be read: %s", e.text);
        return true;
    }
    if (ev.head.type == EVENT_message_received &&
        rec_unpack(&ev_desc_message_received, ev.body, &in, NULL) == HILO_OK) {
        bytes = in.message;
        said = in.id;
        message_attached(ck, key, id, bytes);
    } else if (ev.head.type == EVENT_message_accepted &&
               rec_unpack(&ev_desc_message_accepted, ev.body, &out, NULL) == HILO_OK) {
        bytes = out.message;
        said = out.id;
        kind = HILO_KIND_OUTBOUND;
    } else if (ev.head.type == EVENT_case_noted &&
               rec_unpack(&ev_desc_case_noted, ev.body, &note, NULL) == HILO_OK) {
        bytes = note.message;
        said = note.id;
        kind = HILO_KIND_NOTE;
    } else if (ev.head.type == EVENT_call_started || ev.head.type == EVENT_call_changed ||
               ev.head.type == EVENT_call_offered) {
        bytes = hilo_get_str(ev.body, 2);
        said = hilo_get_id(bytes, HILO_T_MSG_ID);
        kind = HILO_KIND_CALL;
    }
    if (!id_eq(said, id) || !id_eq(hilo_get_id(bytes, HILO_T_MSG_ID), id)) {
        FOUND(ck, MESSAGE, key, "the event at its position does not hold it");
        return true;
    }
    if (ev.head.seq != m->number)
        FOUND(ck, MESSAGE, key, "its number is not its event's sequence");
    if (m->kind != kind)
        FOUND(ck, MESSAGE, key, "its kind is not the one of its event");
    return kind == HILO_KIND_INBOUND ? id_none(m->about) : hilo_content_type(bytes) != HILO_CONTENT_SYSTEM;
}

static void message_conversation(struct check *ck, struct hilo_str key, struct hilo_id id,
                                 const struct rec_message *m)
{
    struct rec_conversation c;

    if (!conversation_get(ck, m->conversation, &c)) {
        FOUND(ck, MESSAGE, key, "its conversation does not exist");
        return;
    }
    if (!str_eq(c.channel, m->channel))
        FOUND(ck, MESSAGE, key, "its conversation is on another channel");
    if (!id_eq(c.customer, m->customer))
        FOUND(ck, MESSAGE, key, "its conversation is another customer's");
    if (has_turn(m) && !id_eq(c.head, id) && (m->policy != POLICY_HOLD || m->parts < 2))
        FOUND(ck, MESSAGE, key, "it is due or in flight and another has the turn");
}

static void message_segments(struct check *ck, struct hilo_str key, const struct rec_message *m)
{
    uint64_t outcome;

    if (m->kind != HILO_KIND_OUTBOUND || several_n(m->segments) < 2) {
        FOUND(ck, MESSAGE, key, "it has segments and was not sent as several");
        return;
    }
    for (unsigned i = 0; i < several_n(m->segments); i++) {
        uint64_t s = several_status(m->segments, i);
        if (s && s != HILO_STATUS_SENT && s != HILO_STATUS_FAILED && s != HILO_STATUS_DELIVERED &&
            s != HILO_STATUS_READ) {
            FOUND(ck, MESSAGE, key, "a segment of it has a status that none has");
            return;
        }
    }
    outcome = several_outcome(m->segments);
    if (m->place == PLACE_NONE && m->parts < 2 && outcome != HILO_STATUS_IN_DOUBT &&
        model_status_rank(m->status) < model_status_rank(outcome))
        FOUND(ck, MESSAGE, key, "its segments have brought it further than its status says");
}

static void message_transcript(struct check *ck, struct hilo_str key, struct hilo_id id,
                               const struct rec_message *m)
{
    struct ev_message_transcribed said;
    struct event ev;
    struct err e = {0};

    if (journal_read(ck->journal, m->transcript, ck->arena, &ev, &e) != HILO_OK)
        check__found(ck, "MESSAGE", key, "the event with its transcript can't be read: %s", e.text);
    else if (ev.head.type != EVENT_message_transcribed ||
             rec_unpack(&ev_desc_message_transcribed, ev.body, &said, NULL) != HILO_OK || !id_eq(said.id, id))
        FOUND(ck, MESSAGE, key, "the event at its transcript's position is another's");
}

static void message_links(struct check *ck, struct hilo_str key, struct hilo_id id,
                          const struct rec_message *m, bool in_thread)
{
    struct rec_message other;
    struct rec_media media;
    struct hilo_str val;
    struct key k;

    if (!id_none(m->case_id) && in_thread) {
        k = key_id_number(m->case_id, m->number);
        if (!check__raw(ck, TABLE_CASE_MESSAGE, &k, &val) || !str_eq(val, str_n(id.b, sizeof id.b)))
            FOUND(ck, MESSAGE, key, "it is missing among its case's (CASE_MESSAGE)");
    }
    if (m->ext_id.n) {
        k = key_ext(m->channel, m->ext_id);
        if (!check__has(ck, TABLE_EXT, &k))
            FOUND(ck, MESSAGE, key, "its provider's id is missing in EXT");
    }
    if (m->segments.n)
        message_segments(ck, key, m);
    if (!id_none(m->media)) {
        k = key_of_id(m->media);
        if (!check__get(ck, TABLE_MEDIA, &k, &rec_desc_media, &media))
            FOUND(ck, MESSAGE, key, "its media does not exist");
        else if (!id_eq(media.message, id))
            FOUND(ck, MESSAGE, key, "its media is another message's");
    }
    if (!id_none(m->marks) && !message_get(ck, m->marks, &other))
        FOUND(ck, MESSAGE, key, "the message that it marks as read does not exist");
    if (!id_none(m->about) && !message_get(ck, m->about, &other))
        FOUND(ck, MESSAGE, key, "the message that it changes does not exist");
    if (!id_none(m->edit) && (!message_get(ck, m->edit, &other) || !id_eq(other.about, id)))
        FOUND(ck, MESSAGE, key, "its newest words are in no message that changes it");
    k = key_of_id(m->appointment);
    if (!id_none(m->appointment) && !check__has(ck, TABLE_APPOINTMENT, &k))
        FOUND(ck, MESSAGE, key, "its appointment does not exist");
    k = key_of_id(m->wish);
    if (!id_none(m->wish) && !check__has(ck, TABLE_WISH, &k))
        FOUND(ck, MESSAGE, key, "the wish that it offers something for does not exist");
    k = key_of_id(m->call);
    if (m->kind == HILO_KIND_CALL && !check__has(ck, TABLE_CALL, &k))
        FOUND(ck, MESSAGE, key, "the call whose entry it is does not exist");
    if (m->transcript && ck->journal)
        message_transcript(ck, key, id, m);
    if (m->part > (m->parts > 1 ? m->parts : 1))
        FOUND(ck, MESSAGE, key, "it counts more parts as sent than it has");
}

void check__message_entry(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_message *m = rec;
    struct hilo_id id = check__id(key, 0);
    bool in_thread = true;

    (void)val;
    if (ck->journal)
        in_thread = message_event(ck, key, id, m);
    ck->threaded += in_thread;
    if (!status_fits(m))
        FOUND(ck, MESSAGE, key, "its status does not fit its place");
    message_place(ck, key, id, m);
    if (!rec_message_entry(m))
        message_conversation(ck, key, id, m);
    message_links(ck, key, id, m, in_thread);
}

/* The chain from the newest to the first. Numbers only fall, so it ends. */
void check__thread(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_thread t = *(const struct rec_thread *)rec;
    struct hilo_id customer = check__id(key, 0), id = t.newest;
    struct key k = key_of_id(customer);
    uint64_t n = 0, below = UINT64_MAX;

    (void)val;
    if (!check__has(ck, TABLE_CUSTOMER, &k))
        FOUND(ck, THREAD, key, "its customer does not exist");
    for (; !id_none(id); n++) {
        struct rec_message m;
        arena_reset(ck->arena); /* rec is gone, t is a copy */
        if (!message_get(ck, id, &m)) {
            check__found(ck, "THREAD", key, "the message %llu before its newest does not exist",
                         (unsigned long long)n);
            break;
        }
        if (!id_eq(m.customer, customer) || m.number >= below) {
            check__found(ck, "THREAD", key,
                         "the message %llu before its newest is another customer's or out of order",
                         (unsigned long long)n);
            break;
        }
        below = m.number;
        id = m.before;
    }
    ck->chained += n;
    if (n != t.count)
        check__found(ck, "THREAD", key, "it counts %llu messages, its chain has %llu",
                     (unsigned long long)t.count, (unsigned long long)n);
}

void check__ext(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct rec_message m;
    struct ext x;

    (void)rec;
    if (!ext_read(val, &x)) {
        FOUND(ck, EXT, key, "its value is neither a message nor a segment of one");
        return;
    }
    if (!message_get(ck, x.id, &m)) {
        FOUND(ck, EXT, key, "its message does not exist");
        return;
    }
    if (x.several && m.segments.n && x.part == several_part(m.segments) && x.segment >= several_n(m.segments))
        FOUND(ck, EXT, key, "its message has not so many segments");
    struct key channel = key_channel(m.channel);
    if (!str_starts(key, key_str(&channel)))
        FOUND(ck, EXT, key, "its message is on another channel");
}
