/*
 * Apply: messages, their statuses and their place in the queue.
 *
 * Where an outbound message stands (rec_message.place):
 *   WAITING    behind the head of its conversation; in WAITING
 *   DUE        head of its conversation, may be claimed from its due time; in DUE
 *   IN_FLIGHT  claimed, no report yet; in IN_FLIGHT
 *   HELD       in doubt, waiting for a receipt or its expiry; in no queue
 *   SCHEDULED  accepted for a later time; in SCHEDULED, and in no order yet
 *   NONE       settled
 * All but IN_FLIGHT and NONE stand in EXPIRY too. A conversation has one head; when
 * it leaves, the first that waits takes its turn: order is kept within a conversation.
 * What is scheduled has no turn and blocks nobody; when it is due (message.due) it comes
 * behind all that wait then.
 */
#include "store/apply_message.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/attached.h"
#include "store/media.h"

/* Attempts leave room in a full history for what became of the message. */
enum { HISTORY_MAX_BYTES = 4096, HISTORY_ATTEMPTS_BYTES = 3072 };
/* Of FAILED, EXPIRED, CANCELED, SUPPRESSED. */
enum { RANK_NO_GOOD = 4 };

/* A higher rank wins, whatever order news comes in. */
static unsigned rank_of(uint64_t status)
{
    switch (status) {
#define HILO_STATUS(name, value, rank, text)                                                                 \
    case (value):                                                                                            \
        return (rank);
#include <hilo/values.def>
    default:
        return 0;
    }
}

bool apply__msg_settled(const struct rec_message *m)
{
    return rank_of(m->status) >= 3;
}

/* One more step of the history. */
void apply__msg_note(struct apply *a, struct rec_message *m, const struct rec_step *s)
{
    struct hilo_writer w;
    struct hilo_str rest = m->history;
    struct hilo_field f;

    if (m->history.n >= (s->status == HILO_STATUS_QUEUED ? HISTORY_ATTEMPTS_BYTES : HISTORY_MAX_BYTES))
        return;
    arena_writer(a->arena, &w);
    while (hilo_next(&rest, &f) == 1)
        hilo_put_str(&w, f.tag, f.val);
    hilo_open(&w, 1);
    rec_pack(&rec_desc_step, s, &w);
    hilo_close(&w);
    m->history = hilo_written(&w);
}

static void moved(struct apply *a, const struct rec_step *s)
{
    struct apply_step *n = ARENA_NEW(a->arena, struct apply_step);

    n->step = *s;
    if (a->receipt) {
        n->ext_id = a->receipt->ext_id;
        n->cost = a->receipt->cost;
    }
    *a->steps_end = n;
    a->steps_end = &n->next;
}

/* A step that also moves the status, if it is the first or its rank is higher, or renews
 * its reason. */
void apply__msg_step(struct apply *a, struct rec_message *m, const struct rec_step *s)
{
    apply__msg_note(a, m, s);
    if (m->status == 0 || rank_of(s->status) > rank_of(m->status) || s->status == m->status) {
        m->status = s->status;
        m->status_time = s->time;
        m->reason = s->reason;
        m->provider_code = s->provider_code;
        m->detail = s->detail;
        moved(a, s);
    }
}

int32_t apply__msg_load(struct apply *a, struct hilo_id id, struct rec_message *m)
{
    struct key k = key_of_id(id);
    int32_t rc = apply__get(a, TABLE_MESSAGE, &k, &rec_desc_message, m);

    return rc == HILO_NOTFOUND ? apply__wrong(a, "no such message") : rc;
}

void apply__msg_save(struct apply *a, struct hilo_id id, const struct rec_message *m)
{
    struct key k = key_of_id(id);
    struct rec_message told = *m;

    apply__callbacks(a, id, &told);
    if (!id_none(m->wish) && rank_of(m->status) == RANK_NO_GOOD) {
        struct apply_unsaid *u = ARENA_NEW(a->arena, struct apply_unsaid);
        *u = (struct apply_unsaid){a->unsaid, m->wish, id};
        a->unsaid = u;
    }
    apply__put(a, TABLE_MESSAGE, &k, &rec_desc_message, &told);
}

/* ---- places ---- */

static void expiry_put(struct apply *a, struct hilo_id id, const struct rec_message *m)
{
    struct key k = key_time_id(m->expires, id);

    apply__put_raw(a, TABLE_EXPIRY, &k, (struct hilo_str){0});
}

void apply__msg_due(struct apply *a, struct hilo_id id, struct rec_message *m)
{
    struct key k = key_due(m->channel, m->priority, m->due, m->number);

    m->place = PLACE_DUE;
    apply__put_raw(a, TABLE_DUE, &k, str_n(id.b, sizeof id.b));
}

static int32_t conversation_load(struct apply *a, struct hilo_id id, struct rec_conversation *c)
{
    struct key k = key_of_id(id);
    int32_t rc = apply__get(a, TABLE_CONVERSATION, &k, &rec_desc_conversation, c);

    return rc == HILO_NOTFOUND ? apply__wrong(a, "no such conversation") : rc;
}

static void conversation_save(struct apply *a, struct hilo_id id, const struct rec_conversation *c)
{
    struct key k = key_of_id(id);

    apply__put(a, TABLE_CONVERSATION, &k, &rec_desc_conversation, c);
}

/* Takes a message out of wherever it stands, EXPIRY included. */
static int32_t place_leave(struct apply *a, struct hilo_id id, struct rec_message *m)
{
    struct key k;

    if (m->place == PLACE_DUE) {
        k = key_due(m->channel, m->priority, m->due, m->number);
        apply__del(a, TABLE_DUE, &k);
    } else if (m->place == PLACE_IN_FLIGHT) {
        k = key_channel_id(m->channel, id);
        apply__del(a, TABLE_IN_FLIGHT, &k);
    } else if (m->place == PLACE_WAITING) {
        struct rec_conversation c;
        int32_t rc = conversation_load(a, m->conversation, &c);
        if (rc != HILO_OK)
            return rc;
        if (c.waiting == 0)
            return apply__wrong(a, "a message waits in a conversation where none does");
        c.waiting--;
        conversation_save(a, m->conversation, &c);
        k = key_id_number(m->conversation, rec_message_turn(m));
        apply__del(a, TABLE_WAITING, &k);
    } else if (m->place == PLACE_SCHEDULED) {
        k = key_time_id(m->due, id);
        apply__del(a, TABLE_SCHEDULED, &k);
    }
    if (m->place != PLACE_IN_FLIGHT && m->place != PLACE_NONE) {
        k = key_time_id(m->expires, id);
        apply__del(a, TABLE_EXPIRY, &k);
    }
    m->place = PLACE_NONE;
    return HILO_OK;
}

static bool first_waiting(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct hilo_id *id = arg;

    (void)key;
    if (val.n == sizeof id->b)
        memcpy(id->b, val.p, sizeof id->b);
    return false;
}

/* If id is the head of its conversation, the next takes its turn. */
static int32_t turn_pass(struct apply *a, struct hilo_id id, struct hilo_id conversation)
{
    struct rec_conversation c;
    struct rec_message next;
    struct hilo_id next_id = {{0}};
    struct key k;
    int32_t rc = conversation_load(a, conversation, &c);

    if (rc != HILO_OK || !id_eq(c.head, id))
        return rc;
    c.head = next_id;
    if (c.waiting) {
        k = key_of_id(conversation);
        rc = context_scan(a->context, TABLE_WAITING, key_str(&k), (struct hilo_str){0}, false, first_waiting,
                          &next_id, a->err);
        if (rc != HILO_OK)
            return rc;
        if (id_none(next_id))
            return apply__wrong(a, "none waits in a conversation where one should");
        rc = apply__msg_load(a, next_id, &next);
        if (rc != HILO_OK)
            return rc;
        k = key_id_number(conversation, rec_message_turn(&next));
        apply__del(a, TABLE_WAITING, &k);
        apply__msg_due(a, next_id, &next);
        apply__msg_save(a, next_id, &next);
        c.waiting--;
        c.head = next_id;
    }
    conversation_save(a, conversation, &c);
    return HILO_OK;
}

/* It takes its place in its conversation: the turn, or behind all that wait. content: HILO_CONTENT_x. */
static int32_t turn_take(struct apply *a, struct hilo_id id, struct rec_message *m, uint64_t content)
{
    struct rec_conversation c;
    struct key k;
    int32_t rc = conversation_load(a, m->conversation, &c);

    if (rc != HILO_OK)
        return rc;
    if (content != HILO_CONTENT_SYSTEM)
        c.last_out = (uint64_t)a->event->head.time_us;
    if (content == HILO_CONTENT_CHOICES)
        c.choices = id;
    if (id_none(c.head)) {
        c.head = id;
        apply__msg_due(a, id, m);
    } else {
        c.waiting++;
        m->place = PLACE_WAITING;
        k = key_id_number(m->conversation, rec_message_turn(m));
        apply__put_raw(a, TABLE_WAITING, &k, str_n(id.b, sizeof id.b));
    }
    conversation_save(a, m->conversation, &c);
    return HILO_OK;
}

int32_t apply__msg_settle(struct apply *a, struct hilo_id id, struct rec_message *m)
{
    int32_t rc = place_leave(a, id, m);

    return rc == HILO_OK ? turn_pass(a, id, m->conversation) : rc;
}

/* ---- in and out ---- */

void apply__msg_fill(const struct apply *a, struct hilo_str bytes, struct rec_message *m)
{
    memset(m, 0, sizeof *m);
    m->at = a->event->at;
    m->number = a->event->head.seq;
    m->customer = hilo_get_id(bytes, HILO_T_MSG_CUSTOMER);
    m->conversation = hilo_get_id(bytes, HILO_T_MSG_CONVERSATION);
    m->case_id = hilo_get_id(bytes, HILO_T_MSG_CASE);
    m->channel = hilo_get_str(bytes, HILO_T_MSG_CHANNEL);
    m->kind = hilo_get_u64(bytes, HILO_T_MSG_KIND);
    m->category = hilo_get_u64(bytes, HILO_T_MSG_CATEGORY);
    m->priority = hilo_get_u64(bytes, HILO_T_MSG_PRIORITY);
    m->due = hilo_get_u64(bytes, HILO_T_MSG_DUE);
    m->expires = hilo_get_u64(bytes, HILO_T_MSG_EXPIRES);
    if (a->event->head.actor_kind == ACTOR_KEY)
        m->actor = a->event->head.actor;
}

int32_t apply__message_accepted(struct apply *a, const struct ev_message_accepted *e)
{
    struct hilo_str content = hilo_content(e->message);
    uint64_t type = hilo_get_u64(content, HILO_T_CONTENT_TYPE);
    struct rec_message m;
    int32_t rc;

    apply__msg_fill(a, e->message, &m);
    m.policy = e->policy;
    m.parts = e->parts;
    const struct rec_step s = {.status = HILO_STATUS_ACCEPTED, .time = (uint64_t)a->event->head.time_us};
    apply__msg_step(a, &m, &s);
    /* Signals to the channel are no part of what was said. */
    if (type == HILO_CONTENT_SYSTEM) {
        if (hilo_get_u64(content, HILO_T_CONTENT_EVENT) == HILO_SYSTEM_MARK_READ)
            m.marks = hilo_get_id(e->message, HILO_T_MSG_REPLY_TO);
        rc = HILO_OK;
    } else {
        rc = apply__thread_add(a, e->id, &m);
    }
    if (rc == HILO_OK && m.due > (uint64_t)a->event->head.time_us) {
        struct key k = key_time_id(m.due, e->id);
        m.place = PLACE_SCHEDULED;
        apply__put_raw(a, TABLE_SCHEDULED, &k, (struct hilo_str){0});
    } else if (rc == HILO_OK) {
        rc = turn_take(a, e->id, &m, type);
    }
    if (rc != HILO_OK)
        return rc;
    expiry_put(a, e->id, &m);
    apply__msg_save(a, e->id, &m);
    return e->once_key.n ? apply__once(a, e->once_key, e->once_request) : HILO_OK;
}

int32_t apply__message_due(struct apply *a, const struct ev_message_due *e)
{
    struct rec_message m;
    int32_t rc = apply__msg_load(a, e->id, &m);

    if (rc != HILO_OK)
        return rc;
    if (m.place != PLACE_SCHEDULED)
        return apply__wrong(a, "the message that is due was not scheduled");
    const struct key k = key_time_id(m.due, e->id);
    apply__del(a, TABLE_SCHEDULED, &k);
    m.turn = a->event->head.seq;
    rc = turn_take(a, e->id, &m, e->content);
    if (rc == HILO_OK)
        apply__msg_save(a, e->id, &m);
    return rc;
}

/* The sender's own message that this one changes or takes back; none: it stands in the
 * thread by itself. The newest change by the provider's clock counts. */
static int32_t message_amend(struct apply *a, const struct ev_message_received *e, struct rec_message *m)
{
    struct hilo_str content = hilo_content(e->message);
    uint64_t event = hilo_get_u64(content, HILO_T_CONTENT_EVENT);
    uint64_t time = hilo_get_u64(e->message, HILO_T_MSG_TIME);
    struct hilo_id about = hilo_get_id(e->message, HILO_T_MSG_REPLY_TO);
    struct rec_message o;
    struct key k = key_of_id(about);
    int32_t rc;

    if (hilo_get_u64(content, HILO_T_CONTENT_TYPE) != HILO_CONTENT_SYSTEM || id_none(about) ||
        (event != HILO_SYSTEM_EDITED && event != HILO_SYSTEM_DELETED))
        return HILO_OK;
    rc = apply__get(a, TABLE_MESSAGE, &k, &rec_desc_message, &o);
    if (rc != HILO_OK || o.kind != HILO_KIND_INBOUND || !id_eq(o.conversation, m->conversation))
        return rc == HILO_NOTFOUND ? HILO_OK : rc;
    m->about = about;
    if (event == HILO_SYSTEM_DELETED) {
        o.deleted = time;
    } else if (time >= o.edited) {
        o.edited = time;
        o.edit = e->id;
    }
    apply__msg_save(a, about, &o);
    return HILO_OK;
}

/* A media that the message names and that is to be downloaded. expected: its SHA-256, or empty. */
static void media_pending(struct apply *a, const struct ev_message_received *e, const struct rec_message *m,
                          struct hilo_id id, const struct attached *x, struct hilo_str expected)
{
    struct rec_media media = {.state = MEDIA_PENDING,
                              /* Whole in the message; a record stays small. */
                              .mime = str_utf8_head(x->mime, 100),
                              .filename = str_utf8_head(x->filename, 255),
                              .message = e->id,
                              .channel = m->channel,
                              .expected = expected,
                              .due = (uint64_t)a->event->head.time_us,
                              .created = (uint64_t)a->event->head.time_us};
    struct key k = key_of_id(id);

    apply__put(a, TABLE_MEDIA, &k, &rec_desc_media, &media);
    k = key_job(m->channel, media.due, id);
    apply__put_raw(a, TABLE_JOB, &k, (struct hilo_str){0});
}

static void media_all_pending(struct apply *a, const struct ev_message_received *e,
                              const struct rec_message *m)
{
    const struct hilo_str content = hilo_content(e->message);
    struct attached_walk w = attached_begin(content);
    struct attached x = {.mime = hilo_get_str(content, HILO_T_CONTENT_MIME),
                         .filename = hilo_get_str(content, HILO_T_CONTENT_FILENAME)};

    if (!id_none(e->media))
        media_pending(a, e, m, e->media, &x, e->expected);
    while (attached_next(&w, &x)) {
        uint8_t *hash;
        if (x.in == HILO_T_CONTENT_MEDIA || id_none(x.media))
            continue;
        hash = arena_alloc(a->arena, MEDIA_HASH);
        media_pending(a, e, m, x.media, &x,
                      str_unhex(x.sha256, hash, MEDIA_HASH) ? str_n(hash, MEDIA_HASH) : (struct hilo_str){0});
    }
}

int32_t apply__message_received(struct apply *a, const struct ev_message_received *e)
{
    struct hilo_str content = hilo_content(e->message);
    struct hilo_str ext_id = hilo_get_str(e->message, HILO_T_MSG_EXT_ID);
    struct rec_conversation c;
    struct rec_message m;
    struct key k;
    int32_t rc;

    apply__msg_fill(a, e->message, &m);
    m.ext_id = ext_id;
    m.media = e->media;
    const struct rec_step s = {.status = HILO_STATUS_DELIVERED, .time = (uint64_t)a->event->head.time_us};
    apply__msg_step(a, &m, &s);
    rc = message_amend(a, e, &m);
    if (rc == HILO_OK && id_none(m.about))
        rc = apply__thread_add(a, e->id, &m);
    if (rc == HILO_OK)
        rc = conversation_load(a, m.conversation, &c);
    if (rc != HILO_OK)
        return rc;
    uint64_t time = hilo_get_u64(e->message, HILO_T_MSG_TIME);
    /* News of a message or a number is no message: it opens no window. */
    if (time > c.last_in && hilo_get_u64(content, HILO_T_CONTENT_TYPE) != HILO_CONTENT_SYSTEM)
        c.last_in = time;
    if (hilo_get_u64(content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_CHOICE_REPLY &&
        id_eq(hilo_get_id(e->message, HILO_T_MSG_REPLY_TO), c.choices))
        memset(&c.choices, 0, sizeof c.choices);
    if (ext_id.n) {
        k = key_ext(m.channel, ext_id);
        apply__put_raw(a, TABLE_EXT, &k, str_n(e->id.b, sizeof e->id.b));
    }
    media_all_pending(a, e, &m);
    conversation_save(a, m.conversation, &c);
    apply__msg_save(a, e->id, &m);
    return e->parts.n ? apply__parts_joined(a, m.channel, e->parts, e->id) : HILO_OK;
}

int32_t apply__message_claimed(struct apply *a, const struct ev_message_claimed *e)
{
    struct rec_message m;
    struct key k;
    uint8_t seq[8];
    int32_t rc = apply__msg_load(a, e->id, &m);

    if (rc != HILO_OK)
        return rc;
    if (m.place != PLACE_DUE)
        return apply__wrong(a, "the message claimed is not due");
    k = key_due(m.channel, m.priority, m.due, m.number);
    apply__del(a, TABLE_DUE, &k);
    k = key_time_id(m.expires, e->id);
    apply__del(a, TABLE_EXPIRY, &k);
    m.place = PLACE_IN_FLIGHT;
    m.attempts = e->attempt;
    if (m.parts > 1)
        m.ext_id = (struct hilo_str){0}; /* this part's is not known yet */
    k = key_channel_id(m.channel, e->id);
    for (unsigned i = 0; i < 8; i++)
        seq[i] = (uint8_t)(a->event->head.seq >> (56 - 8 * i));
    apply__put_raw(a, TABLE_IN_FLIGHT, &k, str_n(seq, sizeof seq));
    const struct rec_step s = {
        .status = HILO_STATUS_QUEUED, .time = (uint64_t)a->event->head.time_us, .attempt = e->attempt};
    apply__msg_step(a, &m, &s);
    apply__msg_save(a, e->id, &m);
    return HILO_OK;
}

/* The inbound message that this one marked is read now. */
static int32_t mark_read(struct apply *a, struct hilo_id id)
{
    struct rec_message m;
    const struct rec_step s = {.status = HILO_STATUS_READ, .time = (uint64_t)a->event->head.time_us};
    int32_t rc = apply__msg_load(a, id, &m);

    if (rc != HILO_OK)
        return rc;
    struct apply_step **told = a->steps_end;
    apply__msg_step(a, &m, &s);
    if (*told)
        (*told)->id = id;
    apply__msg_save(a, id, &m);
    return HILO_OK;
}

int32_t apply__message_reported(struct apply *a, const struct ev_message_reported *e)
{
    struct rec_message m;
    struct rec_step s = {.status = e->status,
                         .time = (uint64_t)a->event->head.time_us,
                         .reason = e->reason,
                         .attempt = e->attempts,
                         .provider_code = e->provider_code,
                         .detail = e->detail};
    int32_t rc = apply__msg_load(a, e->id, &m);

    if (rc != HILO_OK)
        return rc;
    if (m.place != PLACE_IN_FLIGHT)
        return apply__wrong(a, "the message reported is not in flight");
    rc = place_leave(a, e->id, &m);
    if (rc != HILO_OK)
        return rc;
    const uint64_t part = m.part;
    m.attempts = e->attempts;
    m.part = e->part;
    if (e->untaken && m.status == HILO_STATUS_SENT)
        m.status = HILO_STATUS_ACCEPTED; /* so that what it comes to now counts */
    apply__msg_step(a, &m, &s);
    if (e->more.n) {
        rc = apply__msg_several(a, e->id, &m, e, part);
    } else if (e->ext_id.n && !str_eq(e->ext_id, m.ext_id)) {
        const struct ext plain = {.id = e->id};
        m.ext_id = e->ext_id;
        m.segments = (struct hilo_str){0};
        rc = apply__msg_known(a, &m, e->ext_id, &plain);
    }
    if (rc == HILO_OK && e->status == HILO_STATUS_SENT && !id_none(m.marks))
        rc = mark_read(a, m.marks);
    if (rc != HILO_OK)
        return rc;
    if (!apply__msg_settled(&m) && (e->status == HILO_STATUS_QUEUED || e->status == HILO_STATUS_IN_DOUBT)) {
        expiry_put(a, e->id, &m);
        if (e->status == HILO_STATUS_QUEUED) {
            m.due = e->due;
            apply__msg_due(a, e->id, &m);
        } else {
            m.place = PLACE_HELD;
            /* Resent, it keeps its turn; held, the others go on: it had its turn. */
            if (m.policy == POLICY_HOLD)
                rc = turn_pass(a, e->id, m.conversation);
        }
    } else {
        rc = turn_pass(a, e->id, m.conversation);
    }
    if (rc == HILO_OK)
        apply__msg_save(a, e->id, &m);
    return rc;
}

int32_t apply__message_settled(struct apply *a, const struct ev_message_settled *e)
{
    struct rec_message m;
    const struct rec_step s = {
        .status = e->status, .time = (uint64_t)a->event->head.time_us, .reason = e->reason};
    int32_t rc = apply__msg_load(a, e->id, &m);

    if (rc != HILO_OK)
        return rc;
    if (m.place == PLACE_IN_FLIGHT || m.place == PLACE_NONE)
        return apply__wrong(a, "the message settled is not in the queue");
    apply__msg_step(a, &m, &s);
    rc = apply__msg_settle(a, e->id, &m);
    if (rc == HILO_OK)
        apply__msg_save(a, e->id, &m);
    return rc;
}

/* The event before it did it all. */
int32_t apply__message_moved(struct apply *a, const struct ev_message_moved *e)
{
    (void)a, (void)e;
    return HILO_OK;
}

int32_t apply__message_requeued(struct apply *a, const struct ev_message_requeued *e)
{
    struct rec_message m;
    int32_t rc = apply__msg_load(a, e->id, &m);

    if (rc != HILO_OK)
        return rc;
    if (m.place != PLACE_HELD)
        return apply__wrong(a, "the message requeued is not in doubt");
    m.due = e->due;
    apply__msg_due(a, e->id, &m);
    apply__msg_save(a, e->id, &m);
    return HILO_OK;
}

/* It has no channel, no conversation and no status: nobody sends it. */
int32_t apply__case_noted(struct apply *a, const struct ev_case_noted *e)
{
    struct rec_message m;

    apply__msg_fill(a, e->message, &m);
    if (m.kind != HILO_KIND_NOTE || id_none(m.case_id))
        return apply__wrong(a, "it is no note of a case");
    int32_t rc = apply__thread_add(a, e->id, &m);
    if (rc == HILO_OK)
        apply__msg_save(a, e->id, &m);
    return rc;
}
