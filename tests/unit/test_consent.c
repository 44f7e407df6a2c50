/*
 * Consents in the services: which of several counts, what is asked back, what the link has not
 * taken, and that the confirmation alone gets through.
 */
#include "api_rig.h"
#include "services/consent.h"
#include "store/keys.h"

static const struct consent_rules rules = {.languages = WORD_EN | WORD_ES,
                                           .categories =
                                               1 << HILO_CATEGORY_SERVICE | 1 << HILO_CATEGORY_PROMOTIONAL,
                                           .confirm = true};

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->ch.credit = 10;
    r->ch.consent = &rules;
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

static struct message_plan send_to(struct rig *r, const char *phone, uint32_t category)
{
    struct message_plan plan;
    struct fault f = {0};
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("rebajas"));
    const struct message_request q = {.to = {.scheme = HILO_SCHEME_PHONE, .value = str(phone)},
                                      .channel = STR("wa"),
                                      .category = category,
                                      .priority = 1,
                                      .content = hilo_written(&w)};
    store_begin(r->store);
    if (message_accept(&r->gw, &actor_core, &q, r->gw.arena, &plan, &f) != 0)
        fail_msg("%s: %s", f.code, f.text);
    store_end(r->store);
    return plan;
}

static int32_t says(struct rig *r, const char *phone, const char *ext, const char *text)
{
    struct hilo_writer w;
    struct err e = {0};

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, str(ext));
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, str(phone));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, str(text));
    hilo_close(&w);
    store_begin(r->store);
    int32_t rc = message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, &e);
    store_end(r->store);
    return rc;
}

static void report(struct rig *r, struct hilo_id id, int32_t code, const char *reason)
{
    const struct hilo_report rep = {.size = sizeof rep, .code = code, .id = id, .reason = str(reason)};
    struct err e = {0};

    store_begin(r->store);
    assert_int_equal(delivery_report(r->delivery, &r->ch, &rep, &e), HILO_OK);
    store_end(r->store);
}

static const char ana[] = "+573001112233";

static void what_is_on_its_way_is_asked_back(void **state)
{
    struct rig *r = *state;
    struct hilo_id first = send_to(r, ana, HILO_CATEGORY_SERVICE).id;
    struct hilo_id second = send_to(r, ana, HILO_CATEGORY_SERVICE).id;

    rig_turn(r);
    assert_int_equal(rig_plug.sends, 1); /* the first; the second waits behind it */
    assert_int_equal(says(r, ana, "in.1", "STOP"), HILO_OK);
    rig_turn(r);
    assert_int_equal(rig_plug.revokes, 1);
    assert_true(id_eq(rig_plug.revoked, first));
    report(r, first, HILO_AGAIN, "revoked");
    for (int i = 0; i < 5; i++)
        rig_turn(r);
    assert_int_equal(message_of(r, first).status, HILO_STATUS_SUPPRESSED);
    assert_true(str_eqz(message_of(r, first).reason, "opted_out"));
    assert_int_equal(message_of(r, second).status, HILO_STATUS_SUPPRESSED);
    assert_int_equal(rig_plug.sends, 2); /* and the confirmation */
    assert_int_equal(r->ch.in_flight, 1);
    assert_int_equal(r->ch.queued, 0);
    assert_int_equal(r->ch.credit, 9);
    report(r, rig_plug.sent, HILO_OK, "");
    assert_int_equal(r->ch.in_flight, 0);
}

/* Too late: the peer has it, and that is what is told. */
static void what_the_peer_has_is_sent(void **state)
{
    struct rig *r = *state;
    struct hilo_id id = send_to(r, ana, HILO_CATEGORY_SERVICE).id;

    rig_turn(r);
    assert_int_equal(says(r, ana, "in.1", "baja"), HILO_OK);
    rig_turn(r);
    assert_int_equal(rig_plug.revokes, 1);
    report(r, id, HILO_OK, "");
    assert_int_equal(message_of(r, id).status, HILO_STATUS_SENT);
    rig_turn(r);
    /* Nor is the confirmation ever asked back, or another's message. */
    struct hilo_id other = send_to(r, "+573004445566", HILO_CATEGORY_SERVICE).id;
    rig_turn(r);
    assert_int_equal(says(r, ana, "in.2", "STOP"), HILO_OK);
    rig_turn(r);
    assert_int_equal(rig_plug.revokes, 1);
    assert_int_equal(message_of(r, other).place, PLACE_IN_FLIGHT);
}

static void what_the_link_has_not_taken_never_leaves(void **state)
{
    struct rig *r = *state;

    rig_plug.send_code = HILO_FULL;
    struct hilo_id id = send_to(r, ana, HILO_CATEGORY_SERVICE).id;
    rig_turn(r);
    assert_int_equal(message_of(r, id).place, PLACE_IN_FLIGHT);
    assert_int_equal(says(r, ana, "in.1", "STOP"), HILO_OK);
    rig_plug.send_code = HILO_OK;
    for (int i = 0; i < 5; i++)
        rig_turn(r);
    assert_int_equal(rig_plug.revokes, 0); /* there was nothing to ask back */
    assert_int_equal(message_of(r, id).status, HILO_STATUS_SUPPRESSED);
    assert_int_equal(rig_plug.sends, 1);
    assert_false(id_eq(rig_plug.sent, id)); /* the confirmation */
    assert_int_equal(r->ch.credit, 9);
}

/* In doubt and to be resent: it may have left, so it ends as what it is. */
static void what_may_have_left_is_not_told_as_suppressed(void **state)
{
    struct rig *r = *state;

    r->ch.policy = POLICY_RESEND;
    struct hilo_id id = send_to(r, ana, HILO_CATEGORY_SERVICE).id;
    rig_turn(r);
    assert_int_equal(says(r, ana, "in.1", "STOP"), HILO_OK);
    report(r, id, HILO_IN_DOUBT, "timeout");
    assert_int_equal(message_of(r, id).place, PLACE_DUE);
    struct err e = {0};
    store_begin(r->store);
    assert_int_equal(delivery_suppress(r->delivery, &r->ch, id, clock_wall_us(), &e), HILO_OK);
    store_end(r->store);
    assert_int_equal(message_of(r, id).status, HILO_STATUS_FAILED);
    assert_true(str_eqz(message_of(r, id).reason, "in_doubt"));
}

/* ---- which of several counts ---- */

struct step {
    char state;        /* g, d; 0: the end */
    const char *where; /* "", "type", "wa", or "x": STOP, "y": START by the person */
};
static const struct order {
    struct step step[5];
    bool denied;
} orders[] = {
    {{{0}}, false},
    {{{'d', ""}}, true},
    {{{'g', ""}}, false},
    {{{'d', ""}, {'g', ""}}, false},
    {{{'d', "type"}}, true},
    {{{'d', "wa"}}, true},
    {{{'d', ""}, {'g', "wa"}}, false},
    {{{'d', ""}, {'g', "type"}}, false},
    {{{'d', "type"}, {'g', "wa"}}, false},
    {{{'g', "wa"}, {'d', ""}}, true},
    {{{'g', "wa"}, {'d', "type"}}, true},
    {{{'d', "wa"}, {'g', ""}}, true},
    {{{'d', "wa"}, {'g', "type"}}, true},
    {{{'d', "wa"}, {'g', "wa"}}, false},
    {{{'d', ""}, {'g', "wa"}, {'d', "type"}}, true},
    {{{'d', "type"}, {'g', "wa"}, {'d', ""}}, true},
    {{{'d', "type"}, {'d', ""}, {'g', "wa"}}, false},
    {{{'d', ""}, {'d', "type"}, {'g', ""}}, true},
    {{{'d', "x"}}, true},
    {{{'d', "x"}, {'g', ""}}, true},
    {{{'d', "x"}, {'g', "type"}}, true},
    {{{'d', "x"}, {'g', "wa"}}, false},
    {{{'d', "x"}, {'g', "y"}}, false},
    {{{'d', ""}, {'g', "y"}}, false},
    {{{'d', "x"}, {'g', "y"}, {'d', ""}}, true},
    {{{'d', "x"}, {'g', "y"}, {'d', "x"}}, true},
};

static void put(struct rig *r, struct hilo_id customer, const struct step *s)
{
    struct consent_change c = {.category = HILO_CATEGORY_SERVICE, .granted = s->state == 'g'};
    static unsigned n;
    struct fault f;
    char ext[32];

    if (s->where[0] == 'x' || s->where[0] == 'y') {
        (void)snprintf(ext, sizeof ext, "in.order.%u", n++);
        assert_int_equal(says(r, ana, ext, s->where[0] == 'x' ? "STOP" : "START"), HILO_OK);
        return;
    }
    if (strcmp(s->where, "type") == 0)
        c.type = r->ch.type;
    else
        c.channel = str(s->where);
    store_begin(r->store);
    if (consent_put(&r->gw, &actor_core, customer, &c, r->gw.arena, &f) != 0)
        fail_msg("%s", f.text);
    store_end(r->store);
}

static void the_last_word_of_the_right_reach_counts(void **state)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct rig *r = *state;
        const struct hilo_id customer = send_to(r, ana, HILO_CATEGORY_AUTHENTICATION).customer;
        for (const struct step *s = orders[i].step; s->state; s++)
            put(r, customer, s);
        if (send_to(r, ana, HILO_CATEGORY_SERVICE).suppressed != orders[i].denied)
            fail_msg("order %zu should be %s", i, orders[i].denied ? "denied" : "granted");
        assert_false(send_to(r, ana, HILO_CATEGORY_TRANSACTIONAL).suppressed); /* of another category */
        (void)teardown(state);
        (void)setup(state);
    }
}

/* A number that another person has now, and messages queued for the one before. */
static void the_address_that_is_sent_to_counts(void **state)
{
    struct rig *r = *state;
    struct message_plan before = send_to(r, ana, HILO_CATEGORY_SERVICE);
    const struct identifier phone = {.scheme = HILO_SCHEME_PHONE, .value = str(ana)};
    const struct customer_fields none = {0};
    struct hilo_id luz;
    struct fault f;

    r->ch.credit = 0;
    store_begin(r->store);
    assert_int_equal(customer_update(&r->gw, &actor_core, before.customer, &none, NULL, 0, &phone, 1, 0, &f),
                     0);
    assert_int_equal(customer_create(&r->gw, &actor_core, &none, &phone, 1, &luz, &f), 0);
    store_end(r->store);
    assert_int_equal(says(r, ana, "in.1", "STOP"), HILO_OK);
    r->ch.credit = 10;
    delivery_kick(r->delivery, &r->ch);
    for (int i = 0; i < 5; i++)
        rig_turn(r);
    assert_int_equal(message_of(r, before.id).status, HILO_STATUS_SUPPRESSED);
    assert_false(id_eq(before.customer, luz));
    assert_int_equal(rig_plug.sends, 1); /* the confirmation, to Luz */
}

/* Mexico's numbers are written in two ways, and are one line. */
static void a_grant_finds_the_number_however_it_is_written(void **state)
{
    struct rig *r = *state;
    const struct identifier old = {.scheme = HILO_SCHEME_PHONE, .value = STR("+5215512345678")};
    const struct consent_change grant = {
        .category = HILO_CATEGORY_SERVICE, .granted = true, .channel = STR("wa")};
    const struct customer_fields none = {0};
    struct hilo_id customer;
    struct fault f;

    store_begin(r->store);
    assert_int_equal(customer_create(&r->gw, &actor_core, &none, &old, 1, &customer, &f), 0);
    store_end(r->store);
    assert_int_equal(says(r, "+525512345678", "in.1", "STOP"), HILO_OK);
    assert_true(send_to(r, "+5215512345678", HILO_CATEGORY_SERVICE).suppressed);
    store_begin(r->store);
    assert_int_equal(consent_put(&r->gw, &actor_core, customer, &grant, r->gw.arena, &f), 0);
    store_end(r->store);
    assert_false(send_to(r, "+5215512345678", HILO_CATEGORY_SERVICE).suppressed);
    assert_false(send_to(r, "+525512345678", HILO_CATEGORY_SERVICE).suppressed);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_on_its_way_is_asked_back),
        T(what_the_peer_has_is_sent),
        T(what_the_link_has_not_taken_never_leaves),
        T(what_may_have_left_is_not_told_as_suppressed),
        T(the_last_word_of_the_right_reach_counts),
        T(the_address_that_is_sent_to_counts),
        T(a_grant_finds_the_number_however_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
