/*
 * Thousands of legal moves in a random order, with commits, restarts and power cuts at
 * random moments. What a move may do is read from the store before it, as the services
 * do; what was committed must be there after each power cut, what was not must be gone;
 * and store_check, which builds everything anew from the journal, must find nothing.
 */
#include "test_store_tools.h"

enum {
    PEOPLE = 6,
    MESSAGES = 4096,
    MEDIA = 256,
    CASES = 12,
    MOVES = 6000,
    RECENT = 40,
    APPOINTMENTS = 64,
    CALLS = 200,
    WISHES = 2000
};

struct model {
    struct rig *r;
    uint64_t random;
    struct person person[PEOPLE];
    struct hilo_id message[MESSAGES], media[MEDIA], cases[CASES];
    struct hilo_id appointment[APPOINTMENTS], wish[WISHES], stock[WISHES], call[CALLS];
    unsigned n_messages, n_media, n_cases, n_appointments, n_wishes, n_stock, n_calls;
    unsigned committed_messages; /* of those, how many are on disk for sure */
    uint64_t committed_seq;
    unsigned cuts;
};

static uint64_t any(struct model *m, uint64_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random % below;
}

#define MOVE(m, name, ...)                                                                                   \
    do {                                                                                                     \
        const struct ev_##name ev_moved = {__VA_ARGS__};                                                     \
        rig_append((m)->r, &ev_desc_##name, &ev_moved);                                                      \
    } while (0)

/* One of the newest messages, if it is there. */
static bool some_message(struct model *m, struct hilo_id *id, struct rec_message *rec)
{
    unsigned recent = m->n_messages < RECENT ? m->n_messages : RECENT;

    if (recent == 0)
        return false;
    *id = m->message[m->n_messages - 1 - any(m, recent)];
    return rig_find(m->r, *id, rec);
}

static void remember(struct model *m, struct hilo_id id)
{
    if (m->n_messages < MESSAGES)
        m->message[m->n_messages++] = id;
}

static struct hilo_str some_ext(struct model *m)
{
    return arena_fmt(m->r->arena, "wamid.%u", (unsigned)any(m, 300));
}

/* ---- moves ---- */

static void accept(struct model *m)
{
    const struct person *p = &m->person[any(m, PEOPLE)];
    struct draft d = {.policy = any(m, 2), .priority = any(m, 3), .parts = any(m, 3) ? 0 : 2 + any(m, 2)};
    struct hilo_id id = rig_id(m->r), other;
    struct rec_message rec;

    if (any(m, 8) == 0)
        d.content = HILO_CONTENT_CHOICES;
    if (any(m, 8) == 0 && some_message(m, &other, &rec) && rec.kind == HILO_KIND_INBOUND)
        d = (struct draft){
            .content = HILO_CONTENT_SYSTEM, .system = HILO_SYSTEM_MARK_READ, .reply_to = other};
    if (m->n_cases && any(m, 3) == 0)
        d.case_id = m->cases[any(m, m->n_cases)];
    if (any(m, 4) == 0)
        d.due = m->r->now + 1 + (int64_t)any(m, 50);
    MOVE(m, message_accepted, .id = id, .message = rig_bytes(m->r, p, &d, HILO_KIND_OUTBOUND, id),
         .policy = d.policy, .parts = d.parts);
    remember(m, id);
}

static void receive(struct model *m)
{
    const struct person *p = &m->person[any(m, PEOPLE)];
    struct draft d = {.ext_id = arena_fmt(m->r->arena, "in.%llu", (unsigned long long)m->r->ids)};
    struct hilo_id id = rig_id(m->r), choices = rig_conversation(m->r, p).choices, other;
    struct rec_message rec;

    if (any(m, 2))
        d.reply_to = choices;
    if (any(m, 2))
        d.content = HILO_CONTENT_CHOICE_REPLY;
    if (any(m, 6) == 0 && some_message(m, &other, &rec)) {
        d.content = HILO_CONTENT_SYSTEM;
        d.system = any(m, 2) ? HILO_SYSTEM_EDITED : HILO_SYSTEM_DELETED;
        d.reply_to = other;
    }
    if (any(m, 3) == 0 && m->n_media < MEDIA)
        d.media = m->media[m->n_media++] = rig_id(m->r);
    if (m->n_cases && any(m, 3) == 0)
        d.case_id = m->cases[any(m, m->n_cases)];
    MOVE(m, message_received, .id = id, .message = rig_bytes(m->r, p, &d, HILO_KIND_INBOUND, id),
         .media = d.media);
    remember(m, id);
}

/* One more part, or a message of those that are there. */
static void part(struct model *m)
{
    struct hilo_str key = arena_fmt(m->r->arena, "ref.%u", (unsigned)any(m, 12));
    struct key k = key_parts(CHANNEL, key);
    struct rec_parts rec = {.total = 2 + any(m, 4)};
    uint64_t index = 1 + any(m, 5);
    struct hilo_field f;
    struct rec_part p;
    int32_t rc =
        store_record(m->r->store, TABLE_PARTS, key_str(&k), &rec_desc_parts, m->r->arena, &rec, &m->r->err);

    if (rc == HILO_OK && any(m, 4) == 0) {
        struct hilo_id id = rig_id(m->r);
        struct draft d = {.ext_id = arena_fmt(m->r->arena, "in.%llu", (unsigned long long)m->r->ids)};
        MOVE(m, message_received, .id = id, .parts = key,
             .message = rig_bytes(m->r, &m->person[any(m, PEOPLE)], &d, HILO_KIND_INBOUND, id));
        remember(m, id);
        return;
    }
    for (struct hilo_str rest = rec.part; hilo_next(&rest, &f) == 1;)
        if (rec_unpack(&rec_desc_part, f.val, &p, NULL) == HILO_OK && p.index == index)
            return;
    if (index <= rec.total)
        MOVE(m, message_part, .channel = CHANNEL, .key = key, .index = index, .total = rec.total,
             .ext_id = some_ext(m), .expires = (uint64_t)m->r->now + any(m, 100000),
             .message = STR("\1\1\1"));
}

/* Whatever its time: apply reads no clock. */
static void come_due(struct model *m)
{
    struct hilo_id id;
    struct rec_message rec;

    if (some_message(m, &id, &rec) && rec.place == PLACE_SCHEDULED)
        MOVE(m, message_due, .id = id, .content = any(m, 3) ? HILO_CONTENT_TEXT : HILO_CONTENT_CHOICES);
}

static void claim(struct model *m)
{
    struct hilo_id id;
    struct rec_message rec;

    if (some_message(m, &id, &rec) && rec.place == PLACE_DUE)
        MOVE(m, message_claimed, .id = id, .attempt = rec.attempts + 1);
}

static void report(struct model *m)
{
    static const uint64_t outcome[] = {HILO_STATUS_SENT,   HILO_STATUS_SENT,    HILO_STATUS_QUEUED,
                                       HILO_STATUS_FAILED, HILO_STATUS_EXPIRED, HILO_STATUS_IN_DOUBT};
    struct ev_message_reported ev = {.status = outcome[any(m, 6)]};
    struct rec_message rec;

    if (!some_message(m, &ev.id, &rec) || rec.place != PLACE_IN_FLIGHT)
        return;
    ev.attempts = rec.attempts;
    ev.part = rec.part;
    ev.due = (uint64_t)m->r->now + any(m, 5000000);
    if (ev.status == HILO_STATUS_SENT) {
        ev.ext_id = some_ext(m);
        ev.part++;
        if (rec.parts > 1 && ev.part < rec.parts) {
            ev.status = HILO_STATUS_QUEUED;
            ev.attempts = 0;
        }
    }
    if (ev.status != HILO_STATUS_EXPIRED && any(m, 3) == 0 &&
        (ev.status != HILO_STATUS_QUEUED || ev.part > rec.part)) { /* one send that was several */
        struct hilo_writer w;
        arena_writer(m->r->arena, &w);
        for (uint64_t n = 1 + any(m, 4); n; n--)
            hilo_put_str(&w, 1, any(m, 4) ? some_ext(m) : STR(""));
        ev.more = hilo_written(&w);
        if (any(m, 4))
            ev.ext_id = some_ext(m);
    }
    if (ev.status != HILO_STATUS_SENT && ev.more.n == 0 && rec.segments.n == 0)
        ev.untaken = any(m, 3) == 0;
    rig_append(m->r, &ev_desc_message_reported, &ev);
    assert_true(rig_find(m->r, ev.id, &rec));
    if (rec.place == PLACE_HELD && rec.policy == POLICY_RESEND && any(m, 4))
        MOVE(m, message_requeued, .id = ev.id, .due = (uint64_t)m->r->now);
}

static void receipt(struct model *m)
{
    static const uint64_t news[] = {HILO_STATUS_SENT, HILO_STATUS_DELIVERED, HILO_STATUS_READ,
                                    HILO_STATUS_FAILED};
    struct ev_message_receipt ev = {
        .channel = CHANNEL, .ext_id = some_ext(m), .status = news[any(m, 4)], .time = (uint64_t)m->r->now};
    struct key k = key_ext(CHANNEL, ev.ext_id);
    struct rec_message rec;
    struct hilo_str val;

    if (any(m, 3) == 0) { /* an echo */
        if (!some_message(m, &ev.id, &rec) || rec.kind != HILO_KIND_OUTBOUND)
            return;
        if (rec.ext_id.n && any(m, 2))
            ev.ext_id = rec.ext_id;
    } else if (store_get(m->r->store, TABLE_EXT, key_str(&k), m->r->arena, &val, &m->r->err) == HILO_OK) {
        ev.id = key_tail_id(val);
    }
    if (any(m, 10) == 0)
        ev.cost = STR("cost");
    if (id_none(ev.id) && any(m, 2)) {
        struct hilo_writer w;
        arena_writer(m->r->arena, &w);
        hilo_put_str(&w, 1, some_ext(m));
        hilo_put_str(&w, 1, arena_fmt(m->r->arena, "0%u", (unsigned)any(m, 300)));
        ev.spellings = hilo_written(&w);
    }
    rig_append(m->r, &ev_desc_message_receipt, &ev);
}

static void settle(struct model *m)
{
    struct hilo_id id;
    struct rec_message rec;

    if (some_message(m, &id, &rec) && rec.place != PLACE_NONE && rec.place != PLACE_IN_FLIGHT)
        MOVE(m, message_settled, .id = id, .reason = STR("decided"),
             .status = rec.place == PLACE_HELD ? HILO_STATUS_FAILED : HILO_STATUS_CANCELED);
}

static void requeue(struct model *m)
{
    struct hilo_id id;
    struct rec_message rec;

    if (some_message(m, &id, &rec) && rec.place == PLACE_HELD && rec.policy == POLICY_RESEND)
        MOVE(m, message_requeued, .id = id, .due = (uint64_t)m->r->now);
}

static void download(struct model *m)
{
    static const uint8_t hash[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                     0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                     0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    struct rec_media rec;

    if (m->n_media == 0)
        return;
    struct hilo_id id = m->media[any(m, m->n_media)];
    struct key k = key_of_id(id);
    if (store_record(m->r->store, TABLE_MEDIA, key_str(&k), &rec_desc_media, m->r->arena, &rec, &m->r->err) !=
            HILO_OK ||
        rec.state != MEDIA_PENDING)
        return;
    if (any(m, 2))
        MOVE(m, media_stored, .id = id, .sha256 = str_n(hash, sizeof hash), .mime = STR("image/png"));
    else
        MOVE(m, media_failed, .id = id, .due = any(m, 3) ? (uint64_t)m->r->now : 0,
             .attempts = rec.attempts + 1, .reason = STR("busy"));
}

static void change_case(struct model *m)
{
    if (m->n_cases < CASES && any(m, 4) == 0) {
        struct hilo_id id = rig_id(m->r);
        EMIT(m->r, case_opened, .id = id, .customer = m->person[any(m, PEOPLE)].customer,
             .status = CASE_OPEN);
        m->cases[m->n_cases++] = id;
    } else if (m->n_cases) {
        if (any(m, 4) == 0)
            m->r->now -= 1000; /* two changes at the same instant */
        MOVE(m, case_updated, .id = m->cases[any(m, m->n_cases)], .set = any(m, 8),
             .status = CASE_OPEN + any(m, 3), .owner = STR("luz"));
    }
}

static void change_person(struct model *m)
{
    const struct person *p = &m->person[any(m, PEOPLE)];
    struct hilo_str phone = arena_fmt(m->r->arena, "+5730000000%u", (unsigned)any(m, 12));

    switch (any(m, 4)) {
    case 0:
        MOVE(m, identifier_added, .customer = p->customer, .scheme = HILO_SCHEME_PHONE, .value = phone);
        break;
    case 1:
        MOVE(m, identifier_removed, .customer = p->customer, .scheme = HILO_SCHEME_PHONE, .value = phone);
        break;
    case 2:
        MOVE(m, conversation_address, .id = p->conversation, .main = any(m, 2),
             .party = rig_party(m->r->arena, phone));
        break;
    default:
        MOVE(m, customer_updated, .id = p->customer, .set = any(m, 16), .name = phone);
    }
}

static struct hilo_str template_body(struct arena *a, struct hilo_str name)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_str(&w, HILO_T_TEMPLATE_NAME, name);
    hilo_put_str(&w, HILO_T_TEMPLATE_LANGUAGE, STR("es"));
    return hilo_written(&w);
}

static void remember_and_forget(struct model *m)
{
    struct hilo_str name = arena_fmt(m->r->arena, "%u", (unsigned)any(m, 20));

    switch (any(m, 8)) {
    case 0:
        MOVE(m, parked_forgotten, .before = (uint64_t)m->r->now - any(m, 400000));
        break;
    case 1:
        MOVE(m, idempotency_forgotten, .before = (uint64_t)m->r->now - any(m, 400000));
        break;
    case 2:
        MOVE(m, plugin_put, .plugin = STR("whatsapp"), .subject = name, .key = STR("k"), .value = name);
        break;
    case 3:
        MOVE(m, channel_paused, .channel = name, .reason = STR("night"));
        break;
    case 4:
        MOVE(m, channel_resumed, .channel = name);
        break;
    case 5:
        MOVE(m, template_stored, .channel = STR("wa"), .name = name, .language = STR("es"),
             .body = template_body(m->r->arena, name));
        break;
    case 6:
        MOVE(m, template_removed, .channel = STR("wa"), .name = name, .language = STR("es"));
        break;
    default:
        /* The writer looks before it stores: none comes twice. */
        MOVE(m, idempotency_stored, .key = arena_fmt(m->r->arena, "%llu", (unsigned long long)m->r->seq),
             .status = 202, .answer = name);
    }
}

/* Fields 1, each an address. */
static struct hilo_str parties_of(struct arena *a, struct hilo_str phone)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_str(&w, 1, rig_party(a, phone));
    hilo_put_str(&w, 1, rig_party(a, STR("+573009999999")));
    return hilo_written(&w);
}

static void change_consent(struct model *m)
{
    const struct person *p = &m->person[any(m, PEOPLE)];
    struct ev_consent_changed ev = {.customer = p->customer,
                                    .categories = any(m, 16) << 1,
                                    .reach = CONSENT_ALL + any(m, 3),
                                    .state = CONSENT_GRANTED + any(m, 2),
                                    .how = CONSENT_BY_API,
                                    .proof = STR("form 7")};
    struct rec_message rec;

    ev.name = ev.reach == CONSENT_ALL ? STR("") : ev.reach == CONSENT_TYPE ? STR("whatsapp") : CHANNEL;
    if (ev.reach == CONSENT_CHANNEL && any(m, 2))
        ev.parties = parties_of(m->r->arena, arena_fmt(m->r->arena, "+5730000000%u", (unsigned)any(m, 12)));
    if (any(m, 2) && some_message(m, &ev.message, &rec))
        ev.how = CONSENT_BY_WORD;
    rig_append(m->r, &ev_desc_consent_changed, &ev);
}

/* Whether nobody has this code now, as the services look. */
static bool code_free(struct model *m, struct hilo_str code, struct hilo_id but)
{
    const struct key k = key_appointment_code(code);
    struct hilo_str val;
    int32_t rc = store_get(m->r->store, TABLE_APPOINTMENT_OPEN, key_str(&k), m->r->arena, &val, &m->r->err);

    return rc == HILO_NOTFOUND || (rc == HILO_OK && id_eq(key_tail_id(val), but));
}

static struct hilo_str appointment_as(struct model *m, struct rec_appointment *a)
{
    struct rec_notice n = {.kind = NOTICE_REMINDER};
    struct rec_message rec;

    a->status = APPOINTMENT_BOOKED + any(m, 6);
    a->store = any(m, 2) ? STR("centro") : STR("norte");
    a->starts = 1 + any(m, 50);
    a->near = any(m, 2) ? 1 + any(m, 50) : 0;
    if (m->n_cases && any(m, 2))
        a->case_id = m->cases[any(m, m->n_cases)];
    if (any(m, 3) == 0 && some_message(m, &n.message, &rec) && id_none(rec.appointment))
        a->messages = rig_notices(m->r->arena, &n, 1);
    return rig_appointment(m->r->arena, a);
}

static void change_appointment(struct model *m)
{
    struct rec_appointment a = {.customer = m->person[any(m, PEOPLE)].customer};
    struct hilo_id id = {{0}};

    if (m->n_appointments && any(m, 3)) {
        id = m->appointment[any(m, m->n_appointments)];
        const struct key k = key_of_id(id);
        if (store_record(m->r->store, TABLE_APPOINTMENT, key_str(&k), &rec_desc_appointment, m->r->arena, &a,
                         &m->r->err) != HILO_OK)
            return; /* it was lost with the power */
    } else if (m->n_appointments == APPOINTMENTS) {
        return;
    }
    a.code = arena_fmt(m->r->arena, "%u", (unsigned)any(m, 40));
    if (!code_free(m, a.code, id))
        return;
    if (!id_none(id)) {
        MOVE(m, appointment_changed, .id = id, .appointment = appointment_as(m, &a), .set = any(m, 16));
        return;
    }
    id = rig_id(m->r);
    MOVE(m, appointment_booked, .id = id, .appointment = appointment_as(m, &a));
    m->appointment[m->n_appointments++] = id;
}

/* ---- calls ---- */

/* One that rings, or one that goes on: further, to another case, to another customer. */
static void change_call(struct model *m)
{
    struct rec_call c = {
        .channel = any(m, 2) ? CHANNEL : STR("voz"), .direction = CALL_INBOUND, .started = 1};
    struct hilo_id id = {{0}};
    struct hilo_str entry = {NULL, 0};
    uint64_t set = 0;

    if (m->n_calls && (any(m, 3) || m->n_calls == CALLS)) {
        id = m->call[any(m, m->n_calls)];
        const struct key k = key_of_id(id);
        if (store_record(m->r->store, TABLE_CALL, key_str(&k), &rec_desc_call, m->r->arena, &c, &m->r->err) !=
            HILO_OK)
            return; /* it was lost with the power */
        c.status += any(m, CALL_BROKEN + 1 - c.status), set |= CALL_SET_STATUS;
        if (any(m, 4) == 0) {
            c.customer = m->person[any(m, PEOPLE)].customer, c.entry = rig_id(m->r);
            memset(&c.case_id, 0, sizeof c.case_id);
            entry = rig_entry(m->r->arena, id, &c), set |= CALL_SET_CUSTOMER;
        } else if (m->n_cases && any(m, 2)) {
            const struct hilo_id case_id = m->cases[any(m, m->n_cases)];
            const struct key ck = key_of_id(case_id);
            struct hilo_str val;
            if (store_get(m->r->store, TABLE_CASE, key_str(&ck), m->r->arena, &val, &m->r->err) == HILO_OK)
                c.case_id = case_id, set |= CALL_SET_CASE;
        }
        if (any(m, 2))
            MOVE(m, call_offered, .id = id, .entry = entry, .call = rig_call(m->r->arena, &c), .set = set);
        else
            MOVE(m, call_changed, .id = id, .entry = entry, .call = rig_call(m->r->arena, &c), .set = set);
        return;
    }
    id = rig_id(m->r);
    c.customer = m->person[any(m, PEOPLE)].customer, c.status = CALL_RINGING, c.entry = rig_id(m->r);
    if (any(m, 2))
        c.provider_id = arena_fmt(m->r->arena, "call-%u", (unsigned)m->r->ids);
    MOVE(m, call_started, .id = id, .entry = rig_entry(m->r->arena, id, &c),
         .call = rig_call(m->r->arena, &c));
    m->call[m->n_calls++] = id;
}

static void transcribe(struct model *m)
{
    struct rec_message rec;
    struct hilo_id id;

    if (some_message(m, &id, &rec))
        MOVE(m, message_transcribed, .id = id, .text = STR("hola"));
}

/* ---- at a counter ---- */

static struct rec_stock stock_now(struct model *m, struct hilo_id id, bool *there_out)
{
    struct key k = key_stock(STR("S"), id);
    struct rec_stock s = {.at = 0};

    *there_out = store_record(m->r->store, TABLE_STOCK, key_str(&k), &rec_desc_stock, m->r->arena, &s,
                              &m->r->err) == HILO_OK;
    return s;
}

/* One of the last, whether or not its event survived the last power cut. */
static struct hilo_id some_id(struct model *m, const struct hilo_id *ids, unsigned n)
{
    return n ? ids[n - 1 - any(m, n < 12 ? n : 12)] : (struct hilo_id){{0}};
}

static void offer(struct model *m, struct hilo_id id, const struct rec_wish *w)
{
    const struct hilo_id stock = some_id(m, m->stock, m->n_stock);
    bool there;
    const struct rec_stock s = stock_now(m, stock, &there);
    const struct person *p = NULL;

    for (unsigned i = 0; i < PEOPLE; i++)
        if (id_eq(m->person[i].customer, w->customer))
            p = &m->person[i];
    if (!there || !p || s.turn >= w->number)
        return;
    if (any(m, 4) == 0) {
        MOVE(m, wish_passed, .id = id, .stock = stock, .reason = STR("no_address"));
        return;
    }
    struct draft d = {.policy = any(m, 2), .priority = 1};
    struct hilo_id message = rig_id(m->r);
    MOVE(m, message_accepted, .id = message, .message = rig_bytes(m->r, p, &d, HILO_KIND_OUTBOUND, message),
         .policy = d.policy);
    remember(m, message);
    MOVE(m, wish_offered, .id = id, .stock = stock, .message = message, .until = 1 + any(m, 100000));
}

/* A wish on its way, or another one, or something that arrives. */
static void wish(struct model *m)
{
    const struct hilo_id id = some_id(m, m->wish, m->n_wishes);
    const struct key k = key_of_id(id);
    struct rec_wish w;
    const bool known = store_record(m->r->store, TABLE_WISH, key_str(&k), &rec_desc_wish, m->r->arena, &w,
                                    &m->r->err) == HILO_OK;
    bool there;

    switch (any(m, 6)) {
    case 0:
        if (m->n_wishes == WISHES)
            return;
        m->wish[m->n_wishes] = rig_id(m->r);
        MOVE(m, wish_added, .id = m->wish[m->n_wishes++], .customer = m->person[any(m, PEOPLE)].customer,
             .sku = STR("S"), .size = STR("M"), .at = 7);
        return;
    case 1: {
        if (m->n_stock < WISHES && any(m, 3) == 0) {
            m->stock[m->n_stock] = rig_id(m->r);
            MOVE(m, stock_arrived, .id = m->stock[m->n_stock++], .sku = STR("S"), .quantity = 1 + any(m, 9));
            return;
        }
        const struct hilo_id stock = some_id(m, m->stock, m->n_stock);
        (void)stock_now(m, stock, &there);
        if (there && any(m, 2))
            MOVE(m, stock_sold, .id = stock, .sku = STR("S"), .quantity = 1 + any(m, 2));
        else if (there)
            MOVE(m, stock_rested, .id = stock, .sku = STR("S"), .ended = any(m, 2));
        return;
    }
    case 2:
    case 3:
    case 4:
        if (known && w.status == WISH_WAITING)
            offer(m, id, &w);
        return;
    default:
        if (known && w.status == WISH_OFFERED)
            MOVE(m, wish_settled, .id = id, .status = any(m, 3) ? WISH_FULFILLED + any(m, 3) : WISH_WAITING);
        else if (known && w.status == WISH_LAPSED)
            MOVE(m, wish_settled, .id = id, .status = WISH_FULFILLED);
    }
}

static void at_the_counter(struct model *m)
{
    const struct hilo_id customer = m->person[any(m, PEOPLE)].customer;
    struct hilo_writer w;

    switch (any(m, 4)) {
    case 0:
        MOVE(m, customer_looked_up, .customer = any(m, 3) ? customer : (struct hilo_id){{0}},
             .by = LOOKUP_DOCUMENT, .reason = STR("r"), .store = STR("CENTRO"));
        return;
    case 1:
        MOVE(m, visit_recorded, .id = rig_id(m->r), .customer = customer, .at = any(m, 1000));
        return;
    case 2:
        MOVE(m, sale_recorded, .id = rig_id(m->r), .customer = customer, .at = any(m, 1000),
             .items = STR("[]"), .number = arena_fmt(m->r->arena, "F-%u", (unsigned)any(m, 20)));
        return;
    default: {
        if (!m->n_cases)
            return;
        const struct hilo_id c = m->cases[any(m, m->n_cases)], id = rig_id(m->r);
        const struct key k = key_of_id(c);
        struct rec_case r;
        if (store_record(m->r->store, TABLE_CASE, key_str(&k), &rec_desc_case, m->r->arena, &r, &m->r->err) !=
            HILO_OK)
            return;
        arena_writer(m->r->arena, &w);
        hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_NOTE);
        hilo_put_id(&w, HILO_T_MSG_ID, id);
        hilo_put_id(&w, HILO_T_MSG_CUSTOMER, r.customer);
        hilo_put_id(&w, HILO_T_MSG_CASE, c);
        MOVE(m, case_noted, .id = id, .message = hilo_written(&w));
        remember(m, id);
    }
    }
}

/* ---- on disk ---- */

static void commit(struct model *m)
{
    rig_commit(m->r);
    m->committed_seq = m->r->seq;
    m->committed_messages = m->n_messages;
}

static void power_cut(struct model *m)
{
    struct rec_message rec;

    rig_power_cut(m->r);
    m->cuts++;
    assert_int_equal(m->r->seq, m->committed_seq);
    for (unsigned i = 0; i < m->n_messages; i++) {
        assert_int_equal(rig_find(m->r, m->message[i], &rec), i < m->committed_messages);
        arena_reset(m->r->arena);
    }
    m->n_messages = m->committed_messages;
}

static void media_file(const struct rig *r)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/media/e3", r->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/media/e3/%s", r->dir,
                   "b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void play(struct rig *r, uint64_t seed)
{
    static void (*const moves[])(struct model *) = {
        accept, accept,  receive,        claim,          claim,         claim,
        report, report,  report,         receipt,        receipt,       receipt,
        settle, requeue, download,       change_case,    change_person, remember_and_forget,
        part,   part,    change_consent, come_due,       come_due,      change_appointment,
        wish,   wish,    wish,           at_the_counter, change_call,   transcribe};
    struct model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    m->r = r;
    m->random = seed;
    media_file(r);
    for (unsigned i = 0; i < PEOPLE; i++) {
        char phone[32];
        (void)snprintf(phone, sizeof phone, "+5730000000%u", i);
        m->person[i] = rig_person(r, phone);
    }
    commit(m);
    for (unsigned i = 0; i < MOVES; i++) {
        uint64_t before = r->seq;
        moves[any(m, sizeof moves / sizeof *moves)](m);
        if (store_synced(r->store) == r->seq) { /* a move that committed */
            m->committed_seq = r->seq;
            m->committed_messages = m->n_messages;
        }
        if (r->seq != before && any(m, 6) == 0)
            commit(m);
        if (any(m, 10) == 0)
            (void)store_tick(r->store);
        arena_reset(r->arena);
        if (any(m, 500) == 0)
            power_cut(m);
        if (any(m, 1500) == 0) {
            commit(m);
            rig_clean(r);
        }
    }
    commit(m);
    power_cut(m);
    assert_true(m->cuts > 1 && m->n_messages > MOVES / 10);
    rig_clean(r);
    free(m);
}

static void random_moves(void **state)
{
    play(*state, UINT64_C(0x9e3779b97f4a7c15));
}

static void other_random_moves(void **state)
{
    play(*state, UINT64_C(0xd1b54a32d192ed03));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_moves, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(other_random_moves, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
