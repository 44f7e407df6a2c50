/* What customers do to what they wrote, and to who they are: edits, deletions, a changed
 * number. By the API, as the clerk sees it. */
#include "api_rig.h"
#include "store/keys.h"

static const uint64_t T0 = UINT64_C(1790000000) * 1000000, SECOND_US = 1000000;

static int setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

struct says {
    const char *from, *ext, *about; /* about: provider's id */
    uint64_t event, at;             /* event 0: a text; at: seconds after T0 */
    const char *text, *caption;
    const char *next[2]; /* number_changed */
    const char *media;   /* Meta's id of a picture */
};

static void put_phone(struct hilo_writer *w, uint32_t tag, const char *phone)
{
    hilo_open(w, tag);
    hilo_put_u64(w, HILO_T_IDENT_SCHEME, phone[0] == '+' ? HILO_SCHEME_PHONE : HILO_SCHEME_WHATSAPP);
    if (phone[0] != '+')
        hilo_put_str(w, HILO_T_IDENT_SCOPE, STR("acct"));
    hilo_put_str(w, HILO_T_IDENT_VALUE, str(phone));
    hilo_close(w);
}

static int32_t inbound(struct rig *r, struct says s)
{
    struct hilo_writer w;
    struct err e = {0};

    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, str(s.ext));
    hilo_put_u64(&w, HILO_T_MSG_TIME, T0 + s.at * SECOND_US);
    if (s.about)
        hilo_put_str(&w, HILO_T_MSG_REPLY_EXT, str(s.about));
    put_phone(&w, HILO_T_MSG_PARTY, s.from);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE,
                 s.media   ? HILO_CONTENT_MEDIA
                 : s.event ? HILO_CONTENT_SYSTEM
                           : HILO_CONTENT_TEXT);
    if (s.event)
        hilo_put_u64(&w, HILO_T_CONTENT_EVENT, s.event);
    if (s.media) {
        hilo_put_u64(&w, HILO_T_CONTENT_KIND, HILO_MEDIA_IMAGE);
        hilo_put_str(&w, HILO_T_CONTENT_EXT_MEDIA, str(s.media));
    }
    if (s.text)
        hilo_put_str(&w, HILO_T_CONTENT_TEXT, str(s.text));
    if (s.caption)
        hilo_put_str(&w, HILO_T_CONTENT_CAPTION, str(s.caption));
    for (unsigned i = 0; i < 2 && s.next[i]; i++)
        put_phone(&w, HILO_T_CONTENT_NEW_PARTY, s.next[i]);
    hilo_close(&w);
    store_begin(r->store);
    int32_t rc = message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, &e);
    store_end(r->store);
    rig_turn(r);
    return rc;
}

static struct hilo_id customer_of(struct rig *r, const char *phone)
{
    const struct identifier id = {.scheme = HILO_SCHEME_PHONE, .value = str(phone)};
    struct hilo_id who = {{0}};
    struct err e = {0};

    (void)customer_find(&r->gw, &id, &who, &e);
    return who;
}

static const char *timeline(struct rig *r, const char *phone, struct reply *a)
{
    char id[ID_TEXT], path[128];

    id_format("cus", customer_of(r, phone), id);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline", id);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, a), 200);
    return a->body;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

#define ANA "+573001112233"
#define NEW "+573009998877"
#define EVA "+573004445566"

static void an_edit_shows_the_newest_words(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(inbound(r, (struct says){.from = ANA, .ext = "w1", .text = "Manana"}), HILO_OK);
    assert_int_equal(inbound(r, (struct says){.from = ANA,
                                              .ext = "e2",
                                              .about = "w1",
                                              .event = HILO_SYSTEM_EDITED,
                                              .at = 20,
                                              .text = "A las cuatro"}),
                     HILO_OK);
    assert_int_equal(inbound(r, (struct says){.from = ANA, /* older, and comes later */
                                              .ext = "e1",
                                              .about = "w1",
                                              .event = HILO_SYSTEM_EDITED,
                                              .at = 10,
                                              .text = "A las tres"}),
                     HILO_OK);
    assert_int_equal(inbound(r, (struct says){.from = ANA,
                                              .ext = "e2",
                                              .about = "w1",
                                              .event = HILO_SYSTEM_EDITED,
                                              .at = 20,
                                              .text = "A las cuatro"}),
                     HILO_DUPLICATE);
    const char *body = timeline(r, ANA, &a);
    assert_has(body, "\"text\":\"A las cuatro\"");
    assert_has(body, "\"edited\":\"2026-09-21T14:13:40");
    assert_hasnt(body, "Manana");
    assert_hasnt(body, "tres");
    assert_int_equal(count(body, "\"kind\":\"inbound\""), 1); /* one message, not four */
}

static void an_edited_caption_stays_a_caption(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(inbound(r, (struct says){.from = ANA, .ext = "w1", .media = "77", .caption = "La tele"}),
                     HILO_OK);
    assert_int_equal(inbound(r, (struct says){.from = ANA,
                                              .ext = "e1",
                                              .about = "w1",
                                              .event = HILO_SYSTEM_EDITED,
                                              .at = 1,
                                              .text = "La pantalla"}),
                     HILO_OK);
    assert_has(timeline(r, ANA, &a), "\"caption\":\"La pantalla\"");
    assert_has(a.body, "\"provider_media\":\"77\"");
    assert_hasnt(a.body, "\"text\":");
}

static void what_was_taken_back_is_not_shown(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(inbound(r, (struct says){.from = ANA, .ext = "w1", .text = "Mi clave es 1234"}),
                     HILO_OK);
    assert_int_equal(inbound(r, (struct says){.from = ANA,
                                              .ext = "e1",
                                              .about = "w1",
                                              .event = HILO_SYSTEM_EDITED,
                                              .at = 1,
                                              .text = "Mi clave es 4321"}),
                     HILO_OK);
    assert_int_equal(
        inbound(
            r, (struct says){.from = ANA, .ext = "d1", .about = "w1", .event = HILO_SYSTEM_DELETED, .at = 2}),
        HILO_OK);
    const char *body = timeline(r, ANA, &a);
    assert_has(body, "\"deleted\":\"2026-09-21T14:13:22");
    assert_hasnt(body, "clave");
    assert_hasnt(body, "\"content\"");
    assert_int_equal(count(body, "\"kind\":\"inbound\""), 1);
}

static void of_an_unknown_message_it_stands_by_itself(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(inbound(r, (struct says){.from = ANA,
                                              .ext = "e1",
                                              .about = "before-hilo",
                                              .event = HILO_SYSTEM_EDITED,
                                              .text = "A las tres"}),
                     HILO_OK);
    assert_has(timeline(r, ANA, &a), "\"event\":\"edited\"");
    assert_has(a.body, "\"text\":\"A las tres\"");
    /* Nor is another's message changed, whatever the provider says. */
    assert_int_equal(inbound(r, (struct says){.from = EVA, .ext = "w1", .text = "Hola"}), HILO_OK);
    assert_int_equal(
        inbound(
            r, (struct says){.from = ANA, .ext = "d1", .about = "w1", .event = HILO_SYSTEM_DELETED, .at = 2}),
        HILO_OK);
    assert_has(timeline(r, EVA, &a), "\"text\":\"Hola\"");
    assert_hasnt(a.body, "\"deleted\":\"");
}

/* ---- a changed number ---- */

static struct rec_conversation conversation_at(struct rig *r, const char *phone)
{
    struct key k = key_address(STR("wa"), HILO_SCHEME_PHONE, STR(""), str(phone));
    struct rec_conversation c = {0};
    struct hilo_str val;
    struct err e = {0};

    if (store_get(r->store, TABLE_ADDRESS, key_str(&k), r->gw.arena, &val, &e) != HILO_OK)
        return c;
    k = key_of_id(key_tail_id(val));
    assert_int_equal(
        store_record(r->store, TABLE_CONVERSATION, key_str(&k), &rec_desc_conversation, r->gw.arena, &c, &e),
        HILO_OK);
    return c;
}

static int32_t changes(struct rig *r, const char *from, const char *ext, const char *to)
{
    return inbound(r, (struct says){.from = from,
                                    .ext = ext,
                                    .event = HILO_SYSTEM_NUMBER_CHANGED,
                                    .at = 5,
                                    .text = "changed",
                                    .next = {"CO.77", to}});
}

static void the_conversation_goes_to_the_new_number(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(inbound(r, (struct says){.from = ANA, .ext = "w1", .text = "Hola"}), HILO_OK);
    struct hilo_id ana = customer_of(r, ANA);
    assert_int_equal(changes(r, ANA, "c1", NEW), HILO_OK);
    struct hilo_id who = customer_of(r, NEW);
    assert_memory_equal(&who, &ana, sizeof who);
    who = customer_of(r, ANA); /* who may still be found by the old one */
    assert_memory_equal(&who, &ana, sizeof who);
    struct rec_conversation c = conversation_at(r, ANA);
    assert_true(str_eqz(hilo_get_str(c.party, HILO_T_IDENT_VALUE), NEW));
    assert_has(timeline(r, ANA, &a), "\"event\":\"number_changed\"");
    assert_has(a.body, "\"outcome\":\"moved\"");

    /* By whatever address it is sent, it goes there. */
    assert_int_equal(rig_post(r, "/v1/messages/plan",
                              "{\"to\":{\"phone\":\"" ANA
                              "\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\","
                              "\"text\":\"a\"}}",
                              &a),
                     200);
    assert_has(a.body, "\"value\":\"" NEW "\"");
    /* And what comes from there is the same conversation. */
    assert_int_equal(inbound(r, (struct says){.from = NEW, .ext = "w2", .at = 9, .text = "Soy yo"}), HILO_OK);
    assert_has(timeline(r, ANA, &a), "Soy yo");
    assert_true(id_eq(conversation_at(r, NEW).customer, ana));
    assert_int_equal(changes(r, ANA, "c1", NEW), HILO_DUPLICATE);
}

static void a_number_of_somebody_else_merges_nobody(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char log[65536];

    assert_int_equal(inbound(r, (struct says){.from = ANA, .ext = "w1", .text = "Hola"}), HILO_OK);
    assert_int_equal(inbound(r, (struct says){.from = EVA, .ext = "w2", .text = "Buenas"}), HILO_OK);
    struct hilo_id ana = customer_of(r, ANA), eva = customer_of(r, EVA);
    assert_int_equal(changes(r, ANA, "c1", EVA), HILO_OK);
    struct hilo_id who = customer_of(r, EVA);
    assert_memory_equal(&who, &eva, sizeof who);
    assert_true(str_eqz(hilo_get_str(conversation_at(r, ANA).party, HILO_T_IDENT_VALUE), ANA));
    assert_true(id_eq(conversation_at(r, ANA).customer, ana));
    assert_true(id_eq(conversation_at(r, EVA).customer, eva));
    assert_has(timeline(r, ANA, &a), "\"outcome\":\"conflict\"");
    assert_hasnt(timeline(r, EVA, &a), "number_changed");
    rewind(r->logged);
    log[fread(log, 1, sizeof log - 1, r->logged)] = '\0';
    assert_has(log, "customer.number_conflict");
    assert_hasnt(log, "57300444");
}

static void an_unknown_old_number_belongs_to_who_has_the_new_one(void **state)
{
    struct rig *r = *state;

    assert_int_equal(inbound(r, (struct says){.from = NEW, .ext = "w1", .text = "Hola"}), HILO_OK);
    struct hilo_id who = customer_of(r, NEW);
    assert_int_equal(changes(r, ANA, "c1", NEW), HILO_OK);
    struct hilo_id old = customer_of(r, ANA);
    assert_memory_equal(&who, &old, sizeof who);
    assert_true(str_eqz(hilo_get_str(conversation_at(r, ANA).party, HILO_T_IDENT_VALUE), NEW));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_edit_shows_the_newest_words),
        T(an_edited_caption_stays_a_caption),
        T(what_was_taken_back_is_not_shown),
        T(of_an_unknown_message_it_stands_by_itself),
        T(the_conversation_goes_to_the_new_number),
        T(a_number_of_somebody_else_merges_nobody),
        T(an_unknown_old_number_belongs_to_who_has_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
