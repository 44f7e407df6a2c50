/* Segments, on a channel whose peer counts them: what the sender is told, what is refused and
 * with which words, and what a rate is charged. */
#include "api_rig.h"
#include "services/delivery_queue.h"
#include "services/pace.h"
#include "store/keys.h"

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->ch.credit = 10;
    r->able.segment = (struct hilo_segment_rules){
        .flags = HILO_SEGMENT_GSM7 | HILO_SEGMENT_UCS2, .octets = 140, .udh_octets = 6, .segments_max = 4};
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

/* {"to":…,"content":{"type":"text","text":"xxx…tail"}} of n characters and a tail. */
static const char *text_of(unsigned n, const char *tail)
{
    static char body[8192];
    int at =
        snprintf(body, sizeof body,
                 "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\","
                 "\"text\":\"");

    memset(body + at, 'x', n);
    (void)snprintf(body + at + n, sizeof body - (size_t)at - n, "%s\"}}", tail);
    return body;
}

static unsigned post_text(struct rig *r, unsigned n, const char *tail, struct reply *a)
{
    return rig_post(r, "/v1/messages", text_of(n, tail), a);
}

static void the_sender_is_told(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char id[128], path[160];

    assert_int_equal(post_text(r, 160, "", &a), 202);
    assert_has(a.body, "\"segments\":{\"count\":1,\"encoding\":\"gsm7\",\"units\":160}");
    assert_int_equal(post_text(r, 161, "", &a), 202);
    assert_has(a.body, "\"segments\":{\"count\":2,\"encoding\":\"gsm7\",\"units\":161}");
    assert_int_equal(post_text(r, 153 * 3 - 1, "\xe2\x82\xac", &a), 202); /* an escape is not cut */
    assert_has(a.body, "\"segments\":{\"count\":4,\"encoding\":\"gsm7\",\"units\":460}");
    assert_int_equal(post_text(r, 70, "\xe2\x80\xa6", &a), 202);
    assert_has(a.body, "\"segments\":{\"count\":2,\"encoding\":\"ucs2\",\"units\":71}");
    (void)snprintf(path, sizeof path, "/v1/messages/%s", rig_value(&a, "id", id));
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"segments\":{\"count\":2,\"encoding\":\"ucs2\",\"units\":71}");

    assert_int_equal(rig_post(r, "/v1/messages/plan", text_of(170, ""), &a), 200);
    assert_has(a.body, "\"accepted\":true");
    assert_has(a.body, "\"segments\":{\"count\":2,\"encoding\":\"gsm7\",\"units\":170}");
}

/* The first answer again, from what the journal has. */
static void the_same_answer_comes_again(void **state)
{
    struct rig *r = *state;
    struct reply a, b;

    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(rig_call(r, "POST", "/v1/messages", JSON_TYPE "Idempotency-Key: \"k-1\"\r\n",
                                  text_of(200, ""), i ? &b : &a),
                         202);
    assert_has(a.body, "\"segments\":{\"count\":2");
    assert_string_equal(a.body, b.body);
    assert_int_equal(rig_plug.sends, 1);
}

static void a_channel_that_counts_none_says_nothing(void **state)
{
    struct rig *r = *state;
    struct reply a;

    memset(&r->able.segment, 0, sizeof r->able.segment);
    assert_int_equal(post_text(r, 2000, "", &a), 202);
    assert_hasnt(a.body, "segments");
}

/* What lowering cuts at text_max is so many texts, each counted by itself. */
static void several_texts_are_added_up(void **state)
{
    struct rig *r = *state;
    struct reply a;

    r->able.text_max = 200;
    assert_int_equal(post_text(r, 410, "", &a), 202);
    assert_has(a.body, "\"segments\":{\"count\":5,\"encoding\":\"gsm7\",\"units\":410}");
    assert_has(a.body, "text_split");
}

static void too_many_are_refused_with_words(void **state)
{
    struct rig *r = *state;
    struct reply a;

    assert_int_equal(post_text(r, 153 * 4, "", &a), 202);
    assert_int_equal(post_text(r, 153 * 4 + 1, "", &a), 422);
    assert_has(a.body, "\"code\":\"too_many_segments\"");
    assert_has(a.body, "\"/content/text\"");
    assert_has(a.body, "5 segments (gsm7, 613 of at most 612 that fit) and the channel takes at most 4");
    /* Because of one character: which. */
    assert_int_equal(post_text(r, 300, "\xe2\x80\x9c", &a), 422);
    assert_has(a.body, "5 segments (ucs2)");
    assert_has(a.body, "(U+201C)");
    assert_has(a.body, "then it is 2");
    assert_int_equal(rig_post(r, "/v1/messages/plan", text_of(700, ""), &a), 200);
    assert_has(a.body, "\"accepted\":false");
    assert_has(a.body, "\"code\":\"too_many_segments\"");
    assert_has(a.body, "\"segments\":{\"count\":5,");
    assert_int_equal(rig_plug.sends, 1);
}

static void what_can_not_be_written_is_refused(void **state)
{
    struct rig *r = *state;
    struct reply a;

    r->able.segment.flags = HILO_SEGMENT_GSM7;
    assert_int_equal(post_text(r, 5, "\xc5\x82", &a), 422);
    assert_has(a.body, "\"code\":\"not_supported\"");
    assert_has(a.body, "(U+0142)");
    assert_int_equal(rig_plug.sends, 0);
}

/* Accepted before a reload made the channel smaller: it fails, with the words, and nothing of it
 * is sent. */
static void a_channel_that_became_smaller_refuses_at_the_claim(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char id[128], path[160];

    r->ch.credit = 0;
    assert_int_equal(post_text(r, 300, "", &a), 202);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", rig_value(&a, "id", id));
    r->able.segment.segments_max = 1;
    r->ch.credit = 10;
    delivery_kick(r->delivery, &r->ch);
    rig_turn(r);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"status\":\"failed\"");
    assert_has(a.body, "\"reason\":\"too_many_segments\"");
    assert_int_equal(rig_plug.sends, 0);
}

/* A long text takes a token for each segment, waits for them, and none passes it. */
static void a_rate_is_charged_by_the_segment(void **state)
{
    struct rig *r = *state;
    int64_t began = clock_mono_us(), second;
    struct reply a;

    r->ch.rate = 50; /* 20 ms */
    r->ch.rate_burst = 4;
    r->ch.pace = pace_new(began - 1000000);           /* full */
    assert_int_equal(post_text(r, 460, "", &a), 202); /* 4 */
    assert_int_equal(rig_plug.sends, 1);
    assert_int_equal(
        rig_post(r, "/v1/messages",
                 "{\"to\":{\"phone\":\"+573004445566\"},\"channel\":\"wa\",\"content\":{\"type\":"
                 "\"text\",\"text\":\"" /* 3 */
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "\"}}",
                 &a),
        202);
    assert_int_equal(
        rig_post(r, "/v1/messages",
                 "{\"to\":{\"phone\":\"+573007778899\"},\"channel\":\"wa\",\"content\":{\"type\":"
                 "\"text\",\"text\":\"short\"}}",
                 &a),
        202);
    second = 0;
    while (rig_plug.sends < 3) {
        struct err e = {0};
        if (rig_plug.sends == 2 && !second)
            second = clock_mono_us();
        (void)loop_run(r->loop, true);
        assert_int_equal(delivery_claim(r->delivery, &e), HILO_OK);
        assert_int_equal(store_commit(r->store, &e), HILO_OK);
        delivery_dispatch(r->delivery);
    }
    assert_true(second - began >= 3 * 20000);          /* its three tokens */
    assert_true(clock_mono_us() - began >= 4 * 20000); /* and one more */
    assert_int_equal(r->ch.next_pace_us, 0);
}

/* ---- reports and receipts of several ---- */

/* Ids are words; "-" one that is not known. */
static void report_of(struct rig *r, struct hilo_id id, int32_t code, const char *ids)
{
    struct hilo_str rest = str(ids), word[16];
    struct err e = {0};
    unsigned n = 0;

    while (rest.n) {
        (void)str_cut(rest, ' ', &word[n], &rest);
        if (str_eq(word[n], STR("-")))
            word[n].n = 0;
        n++;
    }
    const struct hilo_report rep = {.size = sizeof rep,
                                    .code = code,
                                    .id = id,
                                    .reason = code == HILO_OK ? STR("") : STR("said"),
                                    .ext_id = word[0],
                                    .more_ext_ids = word + 1,
                                    .n_more_ext_ids = n - 1};
    store_begin(r->store);
    assert_int_equal(delivery_report(r->delivery, &r->ch, &rep, &e), HILO_OK);
    store_end(r->store);
    rig_turn(r);
}

/* The first of the words is its EXT_ID, the others are spellings of it. */
static int32_t receipt_of(struct rig *r, const char *ids, uint64_t status, struct hilo_id echo)
{
    struct hilo_str word, rest;
    struct hilo_writer w;
    struct err e = {0};

    (void)str_cut(str(ids), ' ', &word, &rest);
    arena_writer(r->gw.arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, word);
    hilo_put_u64(&w, HILO_T_MSG_TIME, 1790000000000000);
    hilo_open(&w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(&w, HILO_T_RECEIPT_STATUS, status);
    if (!id_none(echo))
        hilo_put_id(&w, HILO_T_RECEIPT_ECHO, echo);
    if (status == HILO_STATUS_FAILED)
        hilo_put_str(&w, HILO_T_RECEIPT_REASON, STR("absent"));
    while (rest.n) {
        (void)str_cut(rest, ' ', &word, &rest);
        hilo_put_str(&w, HILO_T_RECEIPT_SPELLINGS, word);
    }
    hilo_close(&w);
    store_begin(r->store);
    int32_t rc = message_submitted(&r->gw, &r->ch, hilo_written(&w), r->gw.arena, &e);
    store_end(r->store);
    rig_turn(r);
    return rc;
}

static const struct hilo_id nobody;

/* Sent, in flight. */
static struct hilo_id sent(struct rig *r, struct reply *a)
{
    char id[128];
    struct hilo_id out;

    assert_int_equal(post_text(r, 400, "", a), 202);
    assert_true(id_parse("msg", str(rig_value(a, "id", id)), &out));
    return out;
}

static void show(struct rig *r, struct hilo_id id, struct reply *a)
{
    char text[ID_TEXT], path[64];

    id_format("msg", id, text);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", text);
    assert_int_equal(rig_call(r, "GET", path, "", NULL, a), 200);
}

static void a_message_has_one_status_and_each_segment_its_receipt(void **state)
{
    struct rig *r = *state;
    struct reply a;
    struct hilo_id id = sent(r, &a);

    report_of(r, id, HILO_OK, "x1 x2 x3");
    assert_int_equal(receipt_of(r, "x2", HILO_STATUS_DELIVERED, nobody), HILO_OK);
    assert_int_equal(receipt_of(r, "x2", HILO_STATUS_DELIVERED, nobody), HILO_DUPLICATE);
    assert_int_equal(receipt_of(r, "x2", HILO_STATUS_SENT, nobody), HILO_DUPLICATE); /* says less */
    show(r, id, &a);
    assert_has(a.body, "\"status\":\"sent\"");
    assert_has(a.body, "\"provider_id\":\"x1\"");
    assert_has(a.body, "\"segment\":2");
    assert_int_equal(r->ch.came_to[HILO_STATUS_DELIVERED], 0);
    assert_int_equal(receipt_of(r, "x1", HILO_STATUS_FAILED, nobody), HILO_OK);
    assert_int_equal(receipt_of(r, "x3", HILO_STATUS_DELIVERED, nobody), HILO_OK);
    show(r, id, &a);
    assert_has(a.body, "\"status\":\"failed\"");
    assert_has(a.body, "\"reason\":\"absent\"");
    assert_has(a.body, "\"detail\":\"1 of 3 segments failed\"");
    assert_int_equal(r->ch.came_to[HILO_STATUS_FAILED], 1);
    assert_int_equal(receipt_of(r, "x1", HILO_STATUS_DELIVERED, nobody), HILO_OK);
    show(r, id, &a);
    assert_has(a.body, "\"status\":\"delivered\"");
    assert_int_equal(r->ch.came_to[HILO_STATUS_DELIVERED], 1);
}

static void segments_in_doubt_are_resolved_by_their_receipts(void **state)
{
    struct rig *r = *state;
    struct reply a;
    struct hilo_id id = sent(r, &a);

    report_of(r, id, HILO_IN_DOUBT, "x1 - x3");
    assert_int_equal(r->gw.held, 1);
    assert_int_equal(receipt_of(r, "x1", HILO_STATUS_DELIVERED, nobody), HILO_OK);
    assert_int_equal(receipt_of(r, "x3", HILO_STATUS_DELIVERED, nobody), HILO_OK);
    show(r, id, &a);
    assert_has(a.body, "\"status\":\"in_doubt\"");
    assert_int_equal(r->gw.held, 1);
    assert_int_equal(receipt_of(r, "x2", HILO_STATUS_DELIVERED, id), HILO_OK); /* by our id */
    show(r, id, &a);
    assert_has(a.body, "\"status\":\"delivered\"");
    assert_int_equal(r->gw.held, 0);
    assert_int_equal(r->ch.came_to[HILO_STATUS_DELIVERED], 1);
}

static void refused_after_some_it_has_failed(void **state)
{
    struct rig *r = *state;
    struct reply a;
    struct hilo_id id = sent(r, &a);

    report_of(r, id, HILO_PERM, "x1 - -");
    assert_int_equal(receipt_of(r, "x1", HILO_STATUS_DELIVERED, nobody), HILO_OK);
    show(r, id, &a);
    assert_has(a.body, "\"status\":\"failed\"");
    assert_has(a.body, "\"reason\":\"said\"");
    assert_has(a.body, "\"segment\":1");
}

/* Whichever way the report wrote it, before the receipt or behind it. */
static void a_receipt_is_found_by_any_spelling(void **state)
{
    struct rig *r = *state;
    unsigned number = 0xa1a;
    struct reply a;

    for (unsigned late = 0; late < 2; late++) {
        for (unsigned i = 0; i < 3; i++, number++) {
            char ids[64], spelt[64], first[16];
            struct hilo_id id = sent(r, &a);
            (void)snprintf(spelt, sizeof spelt, "%X %u %x %08X %u", number, number, number, number, number);
            (void)snprintf(first, sizeof first, "y%u", number);
            (void)snprintf(ids, sizeof ids, i == 0 ? "%s %u" : i == 1 ? "%s %x" : "%s %08X", first, number);
            if (late)
                assert_int_equal(receipt_of(r, spelt, HILO_STATUS_DELIVERED, nobody), HILO_OK);
            report_of(r, id, HILO_OK, ids);
            if (!late)
                assert_int_equal(receipt_of(r, spelt, HILO_STATUS_DELIVERED, nobody), HILO_OK);
            show(r, id, &a);
            assert_has(a.body, "\"segment\":2");
            assert_has(a.body, "\"status\":\"sent\"");
            assert_int_equal(receipt_of(r, first, HILO_STATUS_DELIVERED, nobody), HILO_OK);
            show(r, id, &a);
            assert_has(a.body, "\"status\":\"delivered\"");
        }
    }
    assert_int_equal(receipt_of(r, "9 1 2 3 4 5 6 7 8", HILO_STATUS_DELIVERED, nobody), HILO_OK);
    assert_int_equal(receipt_of(r, "9 1 2 3 4 5 6 7 8 0", HILO_STATUS_DELIVERED, nobody), HILO_INVALID);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_sender_is_told),
        T(the_same_answer_comes_again),
        T(a_channel_that_counts_none_says_nothing),
        T(several_texts_are_added_up),
        T(too_many_are_refused_with_words),
        T(what_can_not_be_written_is_refused),
        T(a_channel_that_became_smaller_refuses_at_the_claim),
        T(a_rate_is_charged_by_the_segment),
        T(a_message_has_one_status_and_each_segment_its_receipt),
        T(segments_in_doubt_are_resolved_by_their_receipts),
        T(refused_after_some_it_has_failed),
        T(a_receipt_is_found_by_any_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
