/* The 24 hours after a customer's message, by the API: what they let through, and what is
 * said when they are over; and what POST /v1/messages/plan says of it beforehand. */
#include "api_rig.h"
#include "services/delivery_queue.h"
#include "services/templates.h"
#include "store/keys.h"

static const int64_t DAY_US = INT64_C(86400) * 1000000, MINUTE_US = 60000000;

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->able.flags |= HILO_ABLE_WINDOW;
    r->able.contents |= 1u << HILO_CONTENT_TEMPLATE | 1u << HILO_CONTENT_REACTION;
    r->ch.credit = 10;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

/* A text from +573001112233, by the provider's clock so long ago. */
static void inbound(struct rig *r, const char *ext, int64_t ago_us)
{
    struct hilo_writer w;
    struct err e = {0};

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, str(ext));
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)(clock_wall_us() - ago_us));
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, STR("+573001112233"));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("hola"));
    hilo_close(&w);
    store_begin(r->store);
    assert_int_equal(message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, &e), HILO_OK);
    store_end(r->store);
    rig_turn(r);
}

static unsigned post(struct rig *r, const char *path, const char *content, struct reply *a)
{
    char body[600];

    (void)snprintf(body, sizeof body,
                   "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{%s}}", content);
    return rig_post(r, path, body, a);
}
#define TEXT     "\"type\":\"text\",\"text\":\"Buenas\""
#define TEMPLATE "\"type\":\"template\",\"name\":\"saludo\",\"language\":\"es\""

static void never_written_it_is_closed(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 409);
    assert_has(a.body, "\"code\":\"window_closed\"");
    assert_has(a.body, "\"pointer\":\"/content\"");
    assert_has(a.body, "send an approved template");
    assert_int_equal(store_seq(r->store), store_synced(r->store)); /* no customer was made */
    assert_int_equal(post(r, "/v1/messages", TEMPLATE, &a), 202);
    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 409); /* ours open nothing */
}

static void it_is_open_for_a_day_by_the_provider_s_clock(void **state)
{
    struct rig *r = *state;
    struct reply a;

    inbound(r, "w1", DAY_US + MINUTE_US);
    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 409);
    inbound(r, "w2", DAY_US - MINUTE_US);
    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 202);
    inbound(r, "w3", 2 * DAY_US); /* an old one that comes late closes nothing */
    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 202);
    assert_int_equal(post(r, "/v1/messages",
                          "\"type\":\"choices\",\"text\":\"?\",\"choices\":[{\"id\":\"a\","
                          "\"title\":\"A\"}]",
                          &a),
                     202);
}

static struct hilo_id in_an_hour(struct rig *r, const char *path, struct reply *a)
{
    char body[600], at[CLOCK_TEXT], *id;
    struct hilo_id out = {{0}};

    clock_format(clock_wall_us() + 60 * MINUTE_US, at);
    (void)snprintf(body, sizeof body,
                   "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{" TEXT
                   "},\"send_at\":\"%s\"}",
                   at);
    (void)rig_post(r, path, body, a);
    if ((id = strstr(a->body, "\"id\":\"")))
        assert_true(id_parse("msg", str_n(id + 6, 30), &out));
    return out;
}

static struct rec_message an_hour_later(struct rig *r, struct hilo_id id)
{
    struct key k = key_of_id(id);
    struct rec_message m;
    struct err e = {0};

    r->delivery->clock.behind_us += 60 * MINUTE_US;
    assert_int_equal(schedule_look(r->delivery, &e), HILO_OK);
    rig_turn(r);
    assert_int_equal(
        store_record(r->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, r->gw.arena, &m, &e), HILO_OK);
    return m;
}

/* Nobody knows yet whether the customer will have written by then. */
static void of_what_is_scheduled_its_claim_judges(void **state)
{
    struct rig *r = *state;
    struct reply a;

    (void)in_an_hour(r, "/v1/messages/plan", &a);
    assert_has(a.body, "\"accepted\":true");
    assert_has(a.body, "\"waits\":\"it is scheduled; the customer must have written");
    struct hilo_id id = in_an_hour(r, "/v1/messages", &a);
    assert_int_equal(a.status, 202);
    assert_true(str_eqz(an_hour_later(r, id).reason, "window_closed"));
    assert_int_equal(rig_plug.sends, 0);
    r->delivery->clock.behind_us = 0;
    id = in_an_hour(r, "/v1/messages", &a);
    inbound(r, "w1", MINUTE_US);
    assert_int_equal(an_hour_later(r, id).place, PLACE_IN_FLIGHT);
    assert_int_equal(rig_plug.sends, 1);
}

static void what_to_do_instead_is_named(void **state)
{
    struct rig *r = *state;
    const struct hilo_abilities sms_able = {.size = sizeof sms_able,
                                            .contents = 1u << HILO_CONTENT_TEXT,
                                            .schemes = 1u << HILO_SCHEME_PHONE,
                                            .text_max = 160},
                                mail_able = {.size = sizeof mail_able,
                                             .contents = 1u << HILO_CONTENT_TEXT,
                                             .schemes = 1u << HILO_SCHEME_EMAIL,
                                             .text_max = 9999};
    struct gw_channel sms = {.gateway = &r->gw,
                             .name = STR("sms-co"),
                             .plug = &rig_plug,
                             .able = &sms_able,
                             .provides = HILO_CAN_SEND,
                             .queue_max = 9},
                      mail = {.gateway = &r->gw,
                              .name = STR("mail"),
                              .plug = &rig_plug,
                              .able = &mail_able,
                              .provides = HILO_CAN_SEND,
                              .queue_max = 9};
    struct hilo_writer w;
    struct reply a;

    inbound(r, "w1", 2 * DAY_US);
    r->ch.next = &sms;
    sms.next = &mail;
    static const struct {
        const char *name;
        uint64_t status;
    } all[] = {{"saludo", HILO_TEMPLATE_APPROVED}, {"viejo", HILO_TEMPLATE_PAUSED}};
    for (size_t i = 0; i < 2; i++) {
        arena_writer(r->gw.arena, &w);
        hilo_put_str(&w, HILO_T_TEMPLATE_NAME, str(all[i].name));
        hilo_put_str(&w, HILO_T_TEMPLATE_LANGUAGE, STR("es"));
        hilo_put_u64(&w, HILO_T_TEMPLATE_STATUS, all[i].status);
        hilo_put_u64(&w, HILO_T_TEMPLATE_CATEGORY, HILO_CATEGORY_TRANSACTIONAL);
        templates_put(&r->ch, hilo_written(&w));
    }
    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 409);
    assert_has(a.body, "send one of saludo (es); or use another channel: sms-co\"");
    r->ch.next = NULL; /* theirs ends with this test */
}

static void signals_need_none_and_a_reaction_does(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char id[128], path[200], body[300];

    inbound(r, "w1", 2 * DAY_US);
    struct key k = key_ext(STR("wa"), STR("w1"));
    struct hilo_str val;
    struct err e = {0};
    assert_int_equal(store_get(r->store, TABLE_EXT, key_str(&k), r->gw.arena, &val, &e), HILO_OK);
    id_format("msg", key_tail_id(val), id);
    (void)snprintf(path, sizeof path, "/v1/messages/%s/read", id);
    assert_int_equal(rig_post(r, path, NULL, &a), 202);
    (void)snprintf(path, sizeof path, "/v1/messages/%s/typing", id);
    assert_int_equal(rig_post(r, path, NULL, &a), 202);
    (void)snprintf(body, sizeof body,
                   "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"reply_to\":\"%s\",\"content\":"
                   "{\"type\":\"reaction\",\"emoji\":\"x\"}}",
                   id);
    assert_int_equal(rig_post(r, "/v1/messages", body, &a), 409);
    assert_has(a.body, "window_closed");
}

static void the_operator_may_leave_it_to_the_provider(void **state)
{
    struct rig *r = *state;
    struct reply a;

    r->ch.provider_window = true;
    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 202);
}

static void closed_before_its_turn_it_fails_unsent(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char id[128], path[200];

    r->ch.credit = 0;
    r->ch.provider_window = true; /* as if it were open */
    assert_int_equal(post(r, "/v1/messages", TEXT, &a), 202);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", rig_value(&a, "id", id));
    assert_int_equal(post(r, "/v1/messages", TEMPLATE, &a), 202);
    r->ch.provider_window = false; /* and has closed */
    r->ch.credit = 10;
    delivery_kick(r->delivery, &r->ch);
    rig_turn(r);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"status\":\"failed\"");
    assert_has(a.body, "\"reason\":\"window_closed\"");
    assert_has(a.body, "send a template\"");
    rig_turn(r);
    assert_int_equal(rig_plug.sends, 1); /* the template behind it */
    assert_int_equal(r->ch.queued, 0);
    assert_int_equal(r->ch.failed, 1);
    assert_int_equal(r->ch.credit, 9);
}

/* ---- plans ---- */

static void a_plan_says_what_would_happen(void **state)
{
    struct rig *r = *state;
    struct reply a;

    inbound(r, "w1", MINUTE_US);
    uint64_t seq = store_seq(r->store);
    assert_int_equal(post(r, "/v1/messages/plan",
                          "\"type\":\"choices\",\"text\":\"?\",\"header\":\"H\",\"choices\":"
                          "[{\"id\":\"a\",\"title\":\"A\"}]",
                          &a),
                     200);
    assert_has(a.body, "\"accepted\":true,\"channel\":\"wa\",\"category\":\"service\",\"customer\":\"cus_");
    assert_has(a.body, "\"address\":{\"scheme\":\"phone\",\"value\":\"+573001112233\"");
    assert_has(a.body, "\"window\":{\"needed\":true,\"open_until\":\"20");
    assert_has(a.body, "\"lowered\":[\"choices_to_buttons\",\"header_to_body\"]");
    assert_has(a.body, "\"parts\":[{\"type\":\"choices\",\"text\":\"H\\n\\n?\"");
    assert_hasnt(a.body, "waits");
    r->ch.paused = true;
    assert_int_equal(post(r, "/v1/messages/plan", TEXT, &a), 200);
    assert_has(a.body, "\"waits\":\"an operator has paused the channel\"");
    assert_int_equal(store_seq(r->store), seq); /* and nothing did */
    assert_int_equal(r->ch.queued, 0);
}

static void a_plan_says_why_not(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(post(r, "/v1/messages/plan", TEXT, &a), 200);
    assert_has(a.body, "\"accepted\":false,\"problem\":{\"type\":\"urn:hilo:problem:window_closed\"");
    assert_has(a.body, "\"window\":{\"needed\":true}");
    assert_hasnt(a.body, "\"customer\"");
    assert_int_equal(post(r, "/v1/messages/plan", "\"type\":\"text\",\"txt\":\"\"", &a),
                     422); /* no message at all */
    assert_int_equal(rig_post(r, "/v1/messages/plan",
                              "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"nosuch\",\"content\":"
                              "{\"type\":\"text\",\"text\":\"a\"}}",
                              &a),
                     200);
    assert_has(a.body, "\"code\":\"unknown_channel\"");
    assert_int_equal(store_seq(r->store), store_synced(r->store));
}

/* ---- media ---- */

static void a_link_known_to_be_too_large_is_refused(void **state)
{
    struct rig *r = *state;
    struct reply a;

    inbound(r, "w1", MINUTE_US);
    r->able.contents |= 1u << HILO_CONTENT_MEDIA;
    r->able.media_kinds = 1u << HILO_MEDIA_IMAGE | 1u << HILO_MEDIA_DOCUMENT;
    r->able.flags |= HILO_ABLE_MEDIA_LINK;
    r->able.media_max[HILO_MEDIA_IMAGE] = 5 << 20;
    r->able.media_max[HILO_MEDIA_DOCUMENT] = 100 << 20;
#define IMAGE "\"type\":\"media\",\"kind\":\"image\",\"url\":\"https://x.co/a.jpg\""
    assert_int_equal(post(r, "/v1/messages", IMAGE, &a), 202);
    assert_int_equal(post(r, "/v1/messages", IMAGE ",\"size\":5242880", &a), 202);
    assert_int_equal(post(r, "/v1/messages", IMAGE ",\"size\":5242881", &a), 422);
    assert_has(a.body, "\"code\":\"media_too_large\"");
    assert_has(a.body, "at most 5 MB as image, and this has 5242881 bytes");
    assert_has(a.body, "or send it as a document");
    assert_has(a.body, "\"pointer\":\"/content/size\"");
    assert_int_equal(post(r, "/v1/messages", IMAGE ",\"size\":209715200", &a), 422);
    assert_has(a.body, "this has 200 MB; make it smaller\"");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(never_written_it_is_closed),
        T(it_is_open_for_a_day_by_the_provider_s_clock),
        T(of_what_is_scheduled_its_claim_judges),
        T(what_to_do_instead_is_named),
        T(signals_need_none_and_a_reaction_does),
        T(the_operator_may_leave_it_to_the_provider),
        T(closed_before_its_turn_it_fails_unsent),
        T(a_plan_says_what_would_happen),
        T(a_plan_says_why_not),
        T(a_link_known_to_be_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
