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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
