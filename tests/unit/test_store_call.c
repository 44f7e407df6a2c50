/*
 * Calls in the store: the record and its indexes, the entry in the timeline, transcripts, and a message that
 * rang and was not taken. Each ends with a check that builds the context anew and compares.
 */
#include "test_store_tools.h"

#include "store/apply.h"
#include "store/keys.h"

static struct rec_call ringing(struct rig *r, const struct person *p)
{
    return (struct rec_call){.customer = p->customer,
                             .channel = STR("voz"),
                             .direction = CALL_INBOUND,
                             .status = CALL_RINGING,
                             .provider_id = STR("a84b4c76e66710@sur"),
                             .started = (uint64_t)r->now,
                             .entry = rig_id(r)};
}

static struct rec_call call_of(struct rig *r, struct hilo_id id)
{
    struct key k = key_of_id(id);
    struct rec_call c;

    OK(r, store_record(r->store, TABLE_CALL, key_str(&k), &rec_desc_call, r->arena, &c, &r->err));
    return c;
}

static uint64_t thread_of(struct rig *r, const struct person *p)
{
    struct key k = key_of_id(p->customer);
    struct rec_thread t;

    return store_record(r->store, TABLE_THREAD, key_str(&k), &rec_desc_thread, r->arena, &t, &r->err) ==
                   HILO_OK
               ? t.count
               : 0;
}

static void a_call_stands_in_its_indexes_and_in_the_timeline(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id id = rig_id(r), case_id = rig_id(r);
    struct rec_call c = ringing(r, &p);
    struct rec_message m;

    EMIT(r, case_opened, .id = case_id, .customer = p.customer, .subject = STR("Cambio"),
         .status = CASE_OPEN);
    EMIT(r, call_started, .id = id, .entry = rig_entry(r->arena, id, &c), .call = rig_call(r->arena, &c));
    assert_int_equal(call_of(r, id).version, r->seq);
    assert_true(rig_has(r, TABLE_CALL_INDEX, key_call_at(key_calls(), id)));
    assert_true(rig_has(r, TABLE_CALL_INDEX, key_call_at(key_calls_customer(p.customer), id)));
    assert_true(rig_has(r, TABLE_CALL_INDEX, key_call_at(key_calls_channel(STR("voz")), id)));
    assert_true(rig_has(r, TABLE_CALL_INDEX, key_call_at(key_calls_open(STR("voz")), id)));
    assert_true(rig_has(r, TABLE_CALL_EXT, key_ext(STR("voz"), c.provider_id)));
    assert_int_equal(thread_of(r, &p), 1);
    m = rig_message(r, c.entry);
    assert_int_equal(m.kind, HILO_KIND_CALL);
    assert_true(id_eq(m.call, id) && id_none(m.case_id) && m.status == 0 && m.place == PLACE_NONE);
    rig_clean(r);

    /* Its entry goes to the call's case, and to another. */
    c.case_id = case_id, c.status = CALL_ANSWERED, c.answered = (uint64_t)r->now;
    EMIT(r, call_changed, .id = id, .call = rig_call(r->arena, &c), .set = CALL_SET_STATUS | CALL_SET_CASE);
    assert_true(id_eq(rig_message(r, c.entry).case_id, case_id));
    assert_true(rig_has(r, TABLE_CASE_MESSAGE, key_id_number(case_id, rig_message(r, c.entry).number)));
    rig_clean(r);
    const struct hilo_id other = rig_id(r);
    EMIT(r, case_opened, .id = other, .customer = p.customer, .subject = STR("Otro"), .status = CASE_OPEN);
    c.case_id = other;
    EMIT(r, call_offered, .id = id, .call = rig_call(r->arena, &c), .set = CALL_SET_CASE,
         .context = STR("{}"));
    assert_false(rig_has(r, TABLE_CASE_MESSAGE, key_id_number(case_id, rig_message(r, c.entry).number)));
    assert_true(rig_has(r, TABLE_CASE_MESSAGE, key_id_number(other, rig_message(r, c.entry).number)));
    rig_clean(r);
    c.status = CALL_ENDED, c.ended = (uint64_t)r->now;
    EMIT(r, call_changed, .id = id, .call = rig_call(r->arena, &c), .set = CALL_SET_STATUS);
    assert_false(rig_has(r, TABLE_CALL_INDEX, key_call_at(key_calls_open(STR("voz")), id)));
    assert_int_equal(thread_of(r, &p), 1);
    rig_clean(r);
}

static void a_call_that_is_somebody_elses_has_an_entry_there_too(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233"), q = rig_person(r, "+573004445566");
    struct hilo_id id = rig_id(r);
    struct rec_call c = ringing(r, &p);
    const struct hilo_id before = c.entry;

    EMIT(r, call_started, .id = id, .entry = rig_entry(r->arena, id, &c), .call = rig_call(r->arena, &c));
    c.customer = q.customer, c.entry = rig_id(r);
    EMIT(r, call_changed, .id = id, .entry = rig_entry(r->arena, id, &c), .call = rig_call(r->arena, &c),
         .set = CALL_SET_CUSTOMER);
    assert_int_equal(thread_of(r, &p), 1);
    assert_int_equal(thread_of(r, &q), 1);
    assert_true(id_eq(rig_message(r, before).call, id) && id_eq(rig_message(r, c.entry).call, id));
    assert_false(rig_has(r, TABLE_CALL_INDEX, key_call_at(key_calls_customer(p.customer), id)));
    assert_true(rig_has(r, TABLE_CALL_INDEX, key_call_at(key_calls_customer(q.customer), id)));
    rig_clean(r);
}

/* ---- what contradicts: by a context alone, as the daemon ends where an event of its own does not apply ----
 */

struct bench {
    struct rig *r;
    struct context *context;
    uint64_t seq;
};

static int32_t applied(struct bench *b, const struct rec_desc *d, const void *obj)
{
    struct event ev = {.head = {.type = (uint16_t)d->number, .version = 1, .seq = ++b->seq, .time_us = 1}};
    struct hilo_writer w;

    arena_writer(b->r->arena, &w);
    rec_pack(d, obj, &w);
    ev.body = hilo_written(&w);
    return apply_event(b->context, b->r->arena, &ev, NULL, &b->r->err);
}

static void refused(struct bench *b, const struct rec_desc *d, const void *ev, const char *words)
{
    struct context_stats before, after;

    context_stats(b->context, &before);
    assert_int_equal(applied(b, d, ev), HILO_CORRUPT);
    if (!strstr(b->r->err.text, words))
        fail_msg("%s", b->r->err.text);
    context_stats(b->context, &after);
    assert_int_equal(before.active_keys, after.active_keys);
}

static void what_contradicts_is_refused(void **state)
{
    struct rig *r = *state;
    struct bench b = {.r = r};
    char dir[128];
    const struct context_options o = {.dir = dir, .map_bytes = 64 << 20};
    struct person p = {rig_id(r), rig_id(r), CHANNEL};
    const struct hilo_id id = rig_id(r);
    const struct rec_call c = ringing(r, &p);
    struct rec_call bad = c;
    struct ev_call_started begun = {.id = id, .call = rig_call(r->arena, &c)};
    struct ev_call_changed changed = {.id = id, .call = begun.call};

    (void)snprintf(dir, sizeof dir, "%s/other", r->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    OK(r, context_open(&o, &r->err, &b.context));
    refused(&b, &ev_desc_call_started, &begun, "it has no entry");
    begun.entry = rig_entry(r->arena, id, &c);
    bad.entry = rig_id(r);
    begun.call = rig_call(r->arena, &bad);
    refused(&b, &ev_desc_call_started, &begun, "its message is not the entry of this call");
    bad = c;
    bad.status = 7;
    begun.call = rig_call(r->arena, &bad);
    refused(&b, &ev_desc_call_started, &begun, "it lacks a status");
    refused(&b, &ev_desc_call_changed, &changed, "no such call");
    begun.call = rig_call(r->arena, &c);
    OK(r, applied(&b, &ev_desc_call_started, &begun));
    refused(&b, &ev_desc_call_started, &begun, "there is such a call already");
    bad = c;
    bad.channel = STR("otro");
    changed.call = rig_call(r->arena, &bad);
    refused(&b, &ev_desc_call_changed, &changed, "another channel's");
    bad = c;
    bad.customer = rig_id(r);
    changed.call = rig_call(r->arena, &bad);
    refused(&b, &ev_desc_call_changed, &changed, "in another customer's thread");
    bad = c;
    bad.case_id = rig_id(r);
    changed.call = rig_call(r->arena, &bad);
    refused(&b, &ev_desc_call_changed, &changed, "no such case");
    bad = c;
    bad.status = CALL_OFFERED;
    changed.call = rig_call(r->arena, &bad);
    OK(r, applied(&b, &ev_desc_call_changed, &changed));
    bad.status = CALL_ANSWERED;
    changed.call = rig_call(r->arena, &bad);
    refused(&b, &ev_desc_call_changed, &changed, "the call was further");
    const struct ev_message_transcribed said = {.id = rig_id(r), .text = STR("x")};
    refused(&b, &ev_desc_message_transcribed, &said, "no such message");
    context_close(&b.context);
}

static void a_transcript_is_found_by_its_message(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id m = rig_accept(r, &p, (struct draft){0});
    struct ev_message_transcribed t;
    struct event ev;

    EMIT(r, message_transcribed, .id = m, .text = STR("se me dañó"), .language = STR("es"));
    EMIT(r, message_transcribed, .id = m, .text = STR("se me dañó el televisor"), .service = STR("whisper"));
    OK(r, store_event(r->store, rig_message(r, m).transcript, r->arena, &ev, &r->err));
    OK(r, rec_unpack(&ev_desc_message_transcribed, ev.body, &t, &r->err));
    assert_true(str_eqz(t.text, "se me dañó el televisor")); /* the latest counts */
    rig_clean(r);
}

/* A receipt said "sent" while it was out; only what says that nobody took it brings it back. */
static void what_rang_and_was_not_taken_goes_again(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id m = rig_accept(r, &p, (struct draft){0}), other;
    struct rec_message rec;

    EMIT(r, message_claimed, .id = m, .attempt = 1);
    EMIT(r, message_receipt, .id = m, .channel = CHANNEL, .status = HILO_STATUS_SENT, .time = 1);
    rec = rig_message(r, m);
    assert_int_equal(rec.status, HILO_STATUS_SENT);
    assert_int_equal(rec.place, PLACE_IN_FLIGHT);
    EMIT(r, message_reported, .id = m, .status = HILO_STATUS_QUEUED, .due = (uint64_t)r->now, .attempts = 1,
         .reason = STR("no_answer"), .untaken = 1);
    rec = rig_message(r, m);
    assert_int_equal(rec.status, HILO_STATUS_QUEUED);
    assert_int_equal(rec.place, PLACE_DUE);
    rig_clean(r);
    /* Again, and in doubt this time. */
    EMIT(r, message_claimed, .id = m, .attempt = 2);
    EMIT(r, message_receipt, .id = m, .channel = CHANNEL, .status = HILO_STATUS_SENT, .time = 2);
    EMIT(r, message_reported, .id = m, .status = HILO_STATUS_IN_DOUBT, .attempts = 2, .untaken = 1);
    assert_int_equal(rig_message(r, m).place, PLACE_HELD);
    rig_clean(r);
    /* Without the word, and where it was heard, it stays what it was. */
    other = rig_accept(r, &p, (struct draft){0});
    EMIT(r, message_claimed, .id = other, .attempt = 1);
    EMIT(r, message_receipt, .id = other, .channel = CHANNEL, .status = HILO_STATUS_SENT, .time = 3);
    EMIT(r, message_reported, .id = other, .status = HILO_STATUS_QUEUED, .due = (uint64_t)r->now,
         .attempts = 1);
    assert_int_equal(rig_message(r, other).status, HILO_STATUS_SENT);
    assert_int_equal(rig_message(r, other).place, PLACE_NONE);
    other = rig_accept(r, &p, (struct draft){0});
    EMIT(r, message_claimed, .id = other, .attempt = 1);
    EMIT(r, message_receipt, .id = other, .channel = CHANNEL, .status = HILO_STATUS_DELIVERED, .time = 4);
    EMIT(r, message_reported, .id = other, .status = HILO_STATUS_QUEUED, .due = (uint64_t)r->now,
         .attempts = 1, .untaken = 1);
    assert_int_equal(rig_message(r, other).status, HILO_STATUS_DELIVERED);
    rig_clean(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(a_call_stands_in_its_indexes_and_in_the_timeline),
        T(a_call_that_is_somebody_elses_has_an_entry_there_too),
        T(what_contradicts_is_refused),
        T(a_transcript_is_found_by_its_message),
        T(what_rang_and_was_not_taken_goes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
