/* Delivery and inbound when something is in the way: a full disk, a full link, a pause,
 * receipts that overtake reports, parts that arrive in the same second. */
#include "api_rig.h"
#include "services/cases.h"
#include <sys/timex.h>
#include "store/keys.h"

/* What store_append says instead of appending; the delivery under test sees this one. */
static int32_t disk = HILO_OK;

static int32_t test_append(struct store *s, const struct rec_desc *d, const void *obj, const struct actor *a,
                           int64_t now_us, uint64_t *seq_out, struct err *e)
{
    if (disk != HILO_OK)
        return err_set(e, disk, "no room");
    return store_append(s, d, obj, a, now_us, seq_out, e);
}

/* What store_room says of one more claim; the rest has room. */
static int32_t claims = HILO_OK;

static int32_t test_room(struct store *s, enum store_use use, struct err *e)
{
    if (use == STORE_CLAIM && claims != HILO_OK)
        return err_set(e, claims, "no room for its report");
    return store_room(s, use, e);
}

/* What the system says of its clock. */
static int clock_state = TIME_ERROR, clock_status = STA_UNSYNC;

static int test_adjtimex(struct timex *tx)
{
    assert_int_equal(tx->modes, 0); /* it asks, and sets nothing */
    tx->status = clock_status;
    return clock_state;
}

#define store_append test_append
#define store_room   test_room
#define adjtimex     test_adjtimex
#include "services/delivery.c"
#include "services/delivery_fetch.c"
#include "services/delivery_report.c"
#include "services/delivery_schedule.c"
#include "services/delivery_time.c"
#undef store_append
#undef store_room
#undef adjtimex

static int setup(void **state)
{
    struct rig *r = rig_new();

    disk = claims = HILO_OK;
    r->ch.credit = 10;
    r->ch.provides |= HILO_CAN_FETCH;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

static struct rec_message message_of(struct rig *r, struct hilo_id id)
{
    struct rec_message m;
    struct key k = key_of_id(id);
    struct err e = {0};

    assert_int_equal(
        store_record(r->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, r->gw.arena, &m, &e), HILO_OK);
    return m;
}

/* Accepted, claimed, committed, and handed over if the link takes it. */
static struct hilo_id send_text(struct rig *r, struct hilo_str text)
{
    struct message_plan plan;
    struct fault f = {0};
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, text);
    const struct message_request q = {.to = {.scheme = HILO_SCHEME_PHONE, .value = STR("+573001112233")},
                                      .channel = STR("wa"),
                                      .priority = 1,
                                      .content = hilo_written(&w)};
    store_begin(r->store);
    if (message_accept(&r->gw, &actor_core, &q, r->gw.arena, &plan, &f) != 0)
        fail_msg("%s: %s", f.code, f.text);
    store_end(r->store);
    rig_turn(r);
    return plan.id;
}

static int32_t report(struct rig *r, struct hilo_id id, int32_t code, const char *ext)
{
    const struct hilo_report rep = {.size = sizeof rep, .code = code, .id = id, .ext_id = str(ext)};
    struct err e = {0};

    store_begin(r->store);
    int32_t rc = delivery_report(r->delivery, &r->ch, &rep, &e);
    store_end(r->store);
    return rc;
}

static int32_t submit(struct rig *r, struct hilo_str message)
{
    struct err e = {0};

    store_begin(r->store);
    int32_t rc = message_submitted(&r->gw, &r->ch, message, r->gw.arena, &e);
    store_end(r->store);
    return rc;
}

static int32_t receipt_of(struct rig *r, const char *ext, uint64_t status, uint64_t time)
{
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, str(ext));
    hilo_put_u64(&w, HILO_T_MSG_TIME, time);
    hilo_open(&w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(&w, HILO_T_RECEIPT_STATUS, status);
    hilo_close(&w);
    return submit(r, hilo_written(&w));
}

/* Somebody writes; media: Meta's id of a picture, or NULL. */
static int32_t inbound_from(struct rig *r, const char *phone, const char *ext, const char *reply_ext,
                            const char *media)
{
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, str(ext));
    if (reply_ext)
        hilo_put_str(&w, HILO_T_MSG_REPLY_EXT, str(reply_ext));
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, str(phone));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, media ? HILO_CONTENT_MEDIA : HILO_CONTENT_TEXT);
    if (media) {
        hilo_put_u64(&w, HILO_T_CONTENT_KIND, HILO_MEDIA_IMAGE);
        hilo_put_str(&w, HILO_T_CONTENT_EXT_MEDIA, str(media));
    } else {
        hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("hola"));
    }
    hilo_close(&w);
    return submit(r, hilo_written(&w));
}

static struct hilo_id message_by_ext(struct rig *r, const char *ext)
{
    struct key k = key_ext(STR("wa"), str(ext));
    struct hilo_str val;
    struct err e = {0};

    assert_int_equal(store_get(r->store, TABLE_EXT, key_str(&k), r->gw.arena, &val, &e), HILO_OK);
    return key_tail_id(val);
}

/* As if a second had passed: the timer's own function, now. */
static void second_passes(struct rig *r)
{
    r->delivery->full_us = r->delivery->full_us ? 1 : 0;
    if (r->delivery->expiry_us)
        r->delivery->expiry_us = 1;
    delivery_timer(r->delivery);
    rig_turn(r);
}

/* ---- a full disk ---------------------------------------------------------------- */

static void a_report_waits_for_room(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = send_text(r, STR("a"));

    assert_int_equal(rig_plug.sends, 1);
    disk = HILO_FULL;
    assert_int_equal(report(r, id, HILO_OK, "wamid.1"), HILO_OK);
    second_passes(r);
    assert_int_equal(message_of(r, id).place, PLACE_IN_FLIGHT);
    disk = HILO_OK;
    second_passes(r);
    struct rec_message m = message_of(r, id);
    assert_int_equal(m.status, HILO_STATUS_SENT);
    assert_true(str_eqz(m.ext_id, "wamid.1"));
    assert_int_equal(r->ch.in_flight, 0);
    assert_int_equal(r->ch.credit, 10);
    assert_null(r->delivery->late);
}

static void a_late_report_keeps_the_ids_of_all(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = send_text(r, STR("a"));
    char second[] = "b-2", third[] = "c-3";
    const struct hilo_str more[] = {str(second), STR(""), str(third)};
    const struct hilo_report rep = {.size = sizeof rep,
                                    .code = HILO_OK,
                                    .id = id,
                                    .ext_id = STR("a-1"),
                                    .reason = STR("r"),
                                    .more_ext_ids = more,
                                    .n_more_ext_ids = 3};
    struct err e = {0};

    disk = HILO_FULL;
    store_begin(r->store);
    assert_int_equal(delivery_report(r->delivery, &r->ch, &rep, &e), HILO_OK);
    store_end(r->store);
    memset(second, '!', 3);
    memset(third, '!', 3);
    disk = HILO_OK;
    second_passes(r);
    assert_true(id_eq(message_by_ext(r, "a-1"), id));
    assert_true(id_eq(message_by_ext(r, "b-2"), id));
    assert_true(id_eq(message_by_ext(r, "c-3"), id));
    assert_int_equal(message_of(r, id).segments.n, 2 + 4);
    assert_null(r->delivery->late);
}

static void a_late_report_survives_its_instance(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = send_text(r, STR("a"));
    struct err e = {0};

    disk = HILO_FULL;
    assert_int_equal(report(r, id, HILO_OK, "wamid.1"), HILO_OK);
    store_begin(r->store);
    assert_int_equal(delivery_gone(r->delivery, &r->ch, &e), HILO_OK);
    store_end(r->store);
    disk = HILO_OK;
    second_passes(r);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_SENT); /* and not in doubt */
    assert_int_equal(r->ch.credit, 0);                            /* it was void */
}

static void claims_are_tried_again(void **state)
{
    struct rig *r = *state;

    disk = HILO_FULL;
    struct hilo_id id = send_text(r, STR("a"));
    assert_int_equal(rig_plug.sends, 0);
    assert_true(r->delivery->full_us > 0); /* the timer will */
    disk = HILO_OK;
    second_passes(r);
    assert_int_equal(rig_plug.sends, 1);
    assert_int_equal(message_of(r, id).place, PLACE_IN_FLIGHT);
    assert_int_equal(r->delivery->full_us, 0);
}

static uint64_t promised(struct rig *r)
{
    struct store_stats s;

    store_stats(r->store, &s);
    return s.promised;
}

static void nothing_is_claimed_without_room_for_its_report(void **state)
{
    struct rig *r = *state;
    static const int32_t no[] = {HILO_FULL, HILO_AGAIN};

    for (unsigned i = 0; i < 2; i++) {
        claims = no[i];
        struct hilo_id id = send_text(r, STR("a"));
        assert_int_equal(rig_plug.sends, i);
        assert_int_equal(message_of(r, id).place, PLACE_DUE);
        assert_true(r->delivery->full_us > 0); /* the timer will */
        claims = HILO_OK;
        second_passes(r);
        assert_int_equal(rig_plug.sends, i + 1);
        assert_int_equal(promised(r), 1);
        assert_int_equal(report(r, id, i ? HILO_IN_DOUBT : HILO_OK, "wamid.1"), HILO_OK);
        assert_int_equal(promised(r), 0);
    }
}

static void expiry_is_tried_again(void **state)
{
    struct rig *r = *state;

    r->gw.expires_us = 1;
    r->ch.credit = 0;
    disk = HILO_FULL;
    struct hilo_id id = send_text(r, STR("a"));
    second_passes(r);
    assert_true(r->delivery->expiry_us > 1); /* known: the timer stays */
    disk = HILO_OK;
    second_passes(r);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_EXPIRED);
    assert_int_equal(r->ch.queued, 0);
}

static void a_download_without_room_costs_no_attempt(void **state)
{
    struct rig *r = *state;
    struct rec_media m;
    struct err e = {0};

    rig_plug.fetch_code = HILO_OK;
    assert_int_equal(inbound_from(r, "+573001112233", "wamid.in", NULL, "777"), HILO_OK);
    rig_turn(r);
    assert_int_equal(rig_plug.fetches, 1);
    struct key k = key_of_id(message_of(r, message_by_ext(r, "wamid.in")).media);
    delivery_fetched(r->delivery, &r->ch, rig_plug.job, HILO_FULL, STR(""), STR("no room"), 0);
    assert_int_equal(store_record(r->store, TABLE_MEDIA, key_str(&k), &rec_desc_media, r->gw.arena, &m, &e),
                     HILO_OK);
    assert_int_equal(m.attempts, 0);
    assert_int_equal(m.state, MEDIA_PENDING);
    assert_true(m.due > 0);
}

static void a_download_that_cannot_be_recorded_is_not_repeated_at_once(void **state)
{
    struct rig *r = *state;

    rig_plug.fetch_code = HILO_OK;
    assert_int_equal(inbound_from(r, "+573001112233", "wamid.in", NULL, "777"), HILO_OK);
    rig_turn(r);
    disk = HILO_FULL;
    delivery_fetched(r->delivery, &r->ch, rig_plug.job, HILO_TEMP, STR(""), STR("broke off"), 0);
    rig_turn(r);
    assert_int_equal(rig_plug.fetches, 1);
    assert_true(r->ch.next_job_us > 0); /* but later */
    disk = HILO_OK;
    r->ch.fetch_held_us = 1;
    delivery_fetch(r->delivery, &r->ch);
    rig_turn(r);
    assert_int_equal(rig_plug.fetches, 2);
}

/* ---- what is scheduled ------------------------------------------------------------ */

static const int64_t HOUR_US = INT64_C(3600) * 1000000;

static int accept_in(struct rig *r, int64_t us, struct message_plan *plan, struct fault *f)
{
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("later"));
    const struct message_request q = {.to = {.scheme = HILO_SCHEME_PHONE, .value = STR("+573001112233")},
                                      .channel = STR("wa"),
                                      .priority = 1,
                                      .send_at = clock_wall_us() + us,
                                      .expires_in_us = 1000000,
                                      .content = hilo_written(&w)};
    store_begin(r->store);
    int rc = message_accept(&r->gw, &actor_core, &q, r->gw.arena, plan, f);
    store_end(r->store);
    rig_turn(r);
    return rc;
}

static struct hilo_id schedule_in(struct rig *r, int64_t us)
{
    struct message_plan plan;
    struct fault f = {0};

    if (accept_in(r, us, &plan, &f) != 0)
        fail_msg("%s: %s", f.code, f.text);
    return plan.id;
}

static void what_is_scheduled_waits_for_its_time_and_for_room(void **state)
{
    struct rig *r = *state;
    static const int32_t no[] = {HILO_FULL, HILO_AGAIN};
    struct hilo_id id = schedule_in(r, HOUR_US), later = schedule_in(r, 3 * HOUR_US);
    struct rec_message m = message_of(r, id);

    assert_int_equal(m.place, PLACE_SCHEDULED);
    assert_int_equal(m.expires, m.due + 1000000);
    assert_int_equal(r->delivery->schedule_us, (int64_t)m.due);
    delivery_timer(r->delivery);
    rig_turn(r);
    assert_int_equal(rig_plug.sends, 0);
    r->delivery->clock.behind_us = HOUR_US + 1000; /* as if so much had passed */
    for (unsigned i = 0; i < 2; i++) {
        claims = no[i];
        r->delivery->schedule_us = 1;
        delivery_timer(r->delivery);
        rig_turn(r);
        assert_int_equal(message_of(r, id).place, PLACE_SCHEDULED);
        assert_true(r->delivery->schedule_us > delivery_due_now(r->delivery)); /* in a moment */
    }
    claims = HILO_OK;
    r->delivery->schedule_us = 1;
    delivery_timer(r->delivery);
    rig_turn(r);
    assert_int_equal(rig_plug.sends, 1);
    assert_true(id_eq(rig_plug.sent, id));
    assert_int_equal(r->ch.queued, 1);
    assert_int_equal(r->delivery->schedule_us, (int64_t)message_of(r, later).due);
}

static void what_is_scheduled_is_counted(void **state)
{
    struct rig *r = *state;
    struct message_plan plan;
    struct fault f = {0};
    struct err e = {0};

    r->ch.queue_max = 2;
    (void)schedule_in(r, HOUR_US);
    struct hilo_id id = schedule_in(r, HOUR_US);
    assert_int_equal(accept_in(r, HOUR_US, &plan, &f), -1);
    assert_string_equal(f.code, "queue_full");
    /* The same after a start. */
    assert_int_equal(delivery_adopt(r->delivery, &r->ch, &e), HILO_OK);
    assert_int_equal(r->ch.queued, 2);
    assert_int_equal(count_held(&r->gw, &e), HILO_OK);
    assert_int_equal(r->gw.held, 0);
    store_begin(r->store);
    assert_int_equal(message_cancel(&r->gw, &actor_core, id, &f), 0);
    store_end(r->store);
    assert_int_equal(r->ch.queued, 1);
    assert_int_equal(accept_in(r, HOUR_US, &plan, &f), 0);
}

static void no_further_ahead_than_it_may_live(void **state)
{
    struct rig *r = *state;
    struct message_plan plan;
    struct fault f = {0};

    assert_int_equal(accept_in(r, 30 * 24 * HOUR_US + HOUR_US, &plan, &f), -1);
    assert_string_equal(f.pointer, "/send_at");
    assert_int_equal(accept_in(r, 30 * 24 * HOUR_US - HOUR_US, &plan, &f), 0);
    assert_int_equal(accept_in(r, -HOUR_US, &plan, &f), 0); /* at once */
    assert_int_equal(plan.due, 0);
    assert_int_equal(rig_plug.sends, 1);
}

/* ---- a full link, a pause ---------------------------------------------------------- */

static void a_full_link_does_not_keep_the_loop_turning(void **state)
{
    struct rig *r = *state;

    rig_plug.send_code = HILO_FULL;
    (void)send_text(r, STR("a"));
    assert_int_equal(r->delivery->n_claims, 1);
    assert_false(delivery_busy(r->delivery));
    rig_plug.send_code = HILO_OK;
    delivery_kick(r->delivery, &r->ch); /* as up.room does */
    assert_true(delivery_busy(r->delivery));
    rig_turn(r);
    assert_int_equal(rig_plug.sends, 1);
}

static void a_pause_does_not_stop_downloads(void **state)
{
    struct rig *r = *state;
    struct fault f = {0};

    store_begin(r->store);
    assert_int_equal(delivery_pause(r->delivery, &actor_core, &r->ch, STR("lunch"), &f), 0);
    store_end(r->store);
    rig_plug.fetch_code = HILO_OK;
    assert_int_equal(inbound_from(r, "+573001112233", "wamid.in", NULL, "777"), HILO_OK);
    (void)send_text(r, STR("a"));
    assert_int_equal(rig_plug.fetches, 1);
    assert_int_equal(rig_plug.sends, 0);
}

static void a_resume_takes_downloads_up_again(void **state)
{
    struct rig *r = *state;
    struct fault f = {0};

    rig_plug.fetch_code = HILO_OK;
    r->ch.stopped = true;
    assert_int_equal(inbound_from(r, "+573001112233", "wamid.in", NULL, "777"), HILO_OK);
    rig_turn(r);
    assert_int_equal(rig_plug.fetches, 0);
    store_begin(r->store);
    assert_int_equal(delivery_resume(r->delivery, &actor_core, &r->ch, &f), 0);
    store_end(r->store);
    rig_turn(r);
    assert_int_equal(rig_plug.fetches, 1);
}

/* A recording lies with the channel: no line is needed for it. */
static void what_a_channel_keeps_is_fetched_without_its_peer(void **state)
{
    struct rig *r = *state;

    rig_plug.fetch_code = HILO_OK;
    rig_plug.state = CHANNEL_DOWN;
    assert_int_equal(inbound_from(r, "+573001112233", "wamid.in", NULL, "777"), HILO_OK);
    rig_turn(r);
    assert_int_equal(rig_plug.fetches, 0);
    r->able.flags |= HILO_ABLE_KEEPS;
    delivery_fetch(r->delivery, &r->ch);
    rig_turn(r);
    assert_int_equal(rig_plug.fetches, 1);
}

/* ---- receipts -------------------------------------------------------------------------- */

static void parts_delivered_in_the_same_second_both_count(void **state)
{
    struct rig *r = *state;

    r->able.text_max = 10;
    struct hilo_id id = send_text(r, STR("uno dos tres"));
    assert_int_equal(message_of(r, id).parts, 2);
    assert_int_equal(report(r, id, HILO_OK, "wamid.1"), HILO_OK);
    rig_turn(r);
    assert_int_equal(report(r, id, HILO_OK, "wamid.2"), HILO_OK);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_SENT);
    assert_int_equal(receipt_of(r, "wamid.1", HILO_STATUS_DELIVERED, 5000000), HILO_OK);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_SENT);
    assert_int_equal(receipt_of(r, "wamid.2", HILO_STATUS_DELIVERED, 5000000), HILO_OK);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_DELIVERED);
    assert_int_equal(receipt_of(r, "wamid.2", HILO_STATUS_DELIVERED, 5000000), HILO_DUPLICATE);
}

static void a_parked_failure_of_a_part_leaves_no_count_behind(void **state)
{
    struct rig *r = *state;

    r->able.text_max = 10;
    struct hilo_id id = send_text(r, STR("uno dos tres"));
    assert_int_equal(receipt_of(r, "wamid.1", HILO_STATUS_FAILED, 5000000), HILO_OK);
    assert_int_equal(report(r, id, HILO_OK, "wamid.1"), HILO_OK);
    struct rec_message m = message_of(r, id);
    assert_int_equal(m.status, HILO_STATUS_FAILED);
    assert_int_equal(m.place, PLACE_NONE);
    assert_int_equal(r->ch.queued, 0);
    assert_int_equal(r->ch.failed, 1);
}

static void delivered_before_its_report_is_no_failure(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = send_text(r, STR("a"));

    assert_int_equal(receipt_of(r, "wamid.1", HILO_STATUS_DELIVERED, 5000000), HILO_OK);
    assert_int_equal(report(r, id, HILO_OK, "wamid.1"), HILO_OK);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_DELIVERED);
    assert_int_equal(r->ch.sent, 1);
    assert_int_equal(r->ch.failed, 0);
}

static void what_may_have_left_does_not_expire(void **state)
{
    struct rig *r = *state;

    r->ch.policy = POLICY_RESEND;
    struct hilo_id id = send_text(r, STR("a"));
    assert_int_equal(report(r, id, HILO_IN_DOUBT, ""), HILO_OK);
    struct rec_message m = message_of(r, id);
    assert_int_equal(m.place, PLACE_DUE);
    assert_int_equal(m.status, HILO_STATUS_IN_DOUBT);
    struct hilo_str reason;
    assert_int_equal(delivery_overdue(&m, &reason), HILO_STATUS_FAILED);
    assert_true(str_eqz(reason, "in_doubt"));
    m.status = HILO_STATUS_QUEUED;
    assert_int_equal(delivery_overdue(&m, &reason), HILO_STATUS_EXPIRED);
}

/* ---- cases, and what is forgotten -------------------------------------------------------- */

static void an_answer_joins_no_case_of_somebody_else(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = send_text(r, STR("a")), opened;
    struct fault f = {0};
    const struct case_fields fields = {.subject = STR("TV")};

    store_begin(r->store);
    assert_int_equal(case_create(&r->gw, &actor_core, message_of(r, id).customer, &fields, &opened, &f), 0);
    store_end(r->store);
    assert_int_equal(report(r, id, HILO_OK, "wamid.0"), HILO_OK);
    id = send_text(r, STR("b"));
    assert_int_equal(report(r, id, HILO_OK, "wamid.1"), HILO_OK);
    assert_true(id_eq(message_of(r, id).case_id, opened));
    assert_int_equal(inbound_from(r, "+573001112233", "wamid.in1", "wamid.1", NULL), HILO_OK);
    assert_int_equal(inbound_from(r, "+573009998877", "wamid.in2", "wamid.1", NULL), HILO_OK);
    assert_true(id_eq(message_of(r, message_by_ext(r, "wamid.in1")).case_id, opened));
    assert_true(id_none(message_of(r, message_by_ext(r, "wamid.in2")).case_id));
}

static bool tally(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)key, (void)val;
    ++*(unsigned *)arg;
    return true;
}

static unsigned parked(struct rig *r)
{
    unsigned n = 0;
    struct err e = {0};

    assert_int_equal(store_scan(r->store, TABLE_PARKED_AGE, STR(""), STR(""), false, tally, &n, &e), HILO_OK);
    return n;
}

static void old_things_are_forgotten_in_portions(void **state)
{
    struct rig *r = *state;
    struct err e = {0};
    int64_t old = clock_wall_us() - PARKED_LIFE_US - 1000000;

    store_begin(r->store);
    for (unsigned i = 0; i < FORGET_A_TURN + 10; i++) {
        char ext[32];
        (void)snprintf(ext, sizeof ext, "wamid.%u", i);
        const struct ev_message_receipt ev = {
            .channel = STR("wa"), .ext_id = str(ext), .status = HILO_STATUS_SENT, .time = 1};
        assert_int_equal(
            store_append(r->store, &ev_desc_message_receipt, &ev, &actor_core, old + i, NULL, &e), HILO_OK);
    }
    store_end(r->store);
    r->delivery->forget_us = 1;
    delivery_timer(r->delivery);
    unsigned left = parked(r);
    assert_in_range(left, 10, 20);
    assert_true(r->delivery->forget_us <= clock_mono_us()); /* the others at once */
    delivery_timer(r->delivery);
    assert_int_equal(parked(r), 0);
    assert_true(r->delivery->forget_us > clock_mono_us());
}

/* ---- a clock that is set ---- */

static bool near(int64_t a, int64_t b)
{
    return a - b < 10 * 1000000 && b - a < 10 * 1000000;
}

static void what_is_due_never_goes_back_and_what_ends_never_jumps(void **state)
{
    static const struct {
        int64_t by, behind, ahead; /* hours; what stands after it */
    } set[] = {{-10, 10, 0}, {4, 6, 0},  {6, 0, 0},  {1, 0, 0},
               {2, 0, 2},    {-1, 0, 1}, {-3, 2, 0}, {100, 0, 98}};
    struct rig *r = *state;
    struct delivery *d = r->delivery;

    for (unsigned i = 0; i < sizeof set / sizeof *set; i++) {
        clock_moved(d, set[i].by * HOUR_US);
        assert_int_equal(d->clock.behind_us, set[i].behind * HOUR_US);
        assert_int_equal(d->clock.ahead_us, set[i].ahead * HOUR_US);
        assert_true(near(delivery_due_now(d), clock_wall_us() + set[i].behind * HOUR_US));
        assert_true(near(delivery_end_now(d), clock_wall_us() - set[i].ahead * HOUR_US));
        assert_int_equal(d->clock.ask_us != 0, set[i].ahead != 0);
        assert_true(delivery_busy(d)); /* all is planned anew */
        rig_turn(r);
    }
}

static void a_jump_that_nobody_has_told_yet_counts(void **state)
{
    struct rig *r = *state;
    struct delivery *d = r->delivery;

    d->clock.offset_us -= 10 * HOUR_US; /* the clock is 10 hours later than it was */
    assert_true(near(delivery_end_now(d), clock_wall_us() - 10 * HOUR_US));
    assert_true(near(delivery_due_now(d), clock_wall_us()));
    clock_look(d);
    assert_true(near(d->clock.ahead_us, 10 * HOUR_US));
    assert_true(near(delivery_end_now(d), clock_wall_us() - 10 * HOUR_US));
    d->clock.offset_us += 20 * HOUR_US;
    assert_true(near(delivery_due_now(d), clock_wall_us() + 20 * HOUR_US));
    clock_look(d);
    assert_int_equal(d->clock.ahead_us, 0);
    assert_true(near(d->clock.behind_us, 10 * HOUR_US));
}

static void a_jump_is_believed_when_the_clock_is_synchronized(void **state)
{
    struct rig *r = *state;
    struct delivery *d = r->delivery;

    r->ch.credit = 0;
    struct hilo_id id = send_text(r, STR("a"));
    struct rec_message m = message_of(r, id);
    d->clock.offset_us = clock_wall_us() - clock_mono_us() - ((int64_t)m.expires - clock_wall_us() + HOUR_US);
    clock_look(d);
    d->expiry_us = 1; /* as if the clock were there: it is time to look */
    delivery_timer(d);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_ACCEPTED);
    clock_state = TIME_ERROR, clock_status = STA_UNSYNC;
    clock_ask(d, clock_mono_us()); /* too early to ask */
    d->clock.ask_us = 1;
    delivery_timer(d);
    assert_true(d->clock.ahead_us > 0);
    assert_true(d->clock.ask_us > clock_mono_us()); /* again in ten minutes */
    clock_state = TIME_OK, clock_status = 0;
    delivery_timer(d);
    assert_true(d->clock.ahead_us > 0);
    d->clock.ask_us = 1;
    delivery_timer(d);
    assert_int_equal(d->clock.ahead_us, 0);
    assert_int_equal(d->clock.ask_us, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_report_waits_for_room),
        T(a_late_report_keeps_the_ids_of_all),
        T(a_late_report_survives_its_instance),
        T(claims_are_tried_again),
        T(nothing_is_claimed_without_room_for_its_report),
        T(expiry_is_tried_again),
        T(a_download_without_room_costs_no_attempt),
        T(a_download_that_cannot_be_recorded_is_not_repeated_at_once),
        T(what_is_scheduled_waits_for_its_time_and_for_room),
        T(what_is_scheduled_is_counted),
        T(no_further_ahead_than_it_may_live),
        T(a_full_link_does_not_keep_the_loop_turning),
        T(a_pause_does_not_stop_downloads),
        T(a_resume_takes_downloads_up_again),
        T(what_a_channel_keeps_is_fetched_without_its_peer),
        T(parts_delivered_in_the_same_second_both_count),
        T(a_parked_failure_of_a_part_leaves_no_count_behind),
        T(delivered_before_its_report_is_no_failure),
        T(what_may_have_left_does_not_expire),
        T(an_answer_joins_no_case_of_somebody_else),
        T(old_things_are_forgotten_in_portions),
        T(what_is_due_never_goes_back_and_what_ends_never_jumps),
        T(a_jump_that_nobody_has_told_yet_counts),
        T(a_jump_is_believed_when_the_clock_is_synchronized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
