/* hilo events: what is asked for, and how a stream reads. */
#include "rig.h"
#include <string.h>

static int rig_setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int rig_teardown(void **state)
{
    struct rig *rig = *state;

    rig_free(&rig);
    return 0;
}

#define EVENT(id, type, data)                                                                                \
    "id: " id "\nevent: " type "\ndata: {\"specversion\":\"1.0\",\"id\":\"" id "\",\"type\":\"" type         \
    "\",\"subject\":\"msg_1\",\"time\":\"2026-11-25T01:05:44.123Z\",\"data\":" data "}\n\n"

static const char stream[] = "retry: 3000\n\n" EVENT(
    "evt_1", "hilo.message.received",
    "{\"id\":\"msg_1\",\"kind\":\"inbound\",\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":\"ho"
    "la\\u001b[31m\"}}") ":\n\n" EVENT("evt_2", "hilo.message.status",
                                       "{\"id\":\"msg_1\",\"status\":\"failed\",\"reason\":\"expired\","
                                       "\"channel\":\"wa\"}") "id: evt_3\nevent: hilo.message.status\ndata: "
                                                              "{\"half";

static void a_line_for_each(void **state)
{
    struct rig *rig = *state;

    rig_answer_as(rig, 200, "text/event-stream", NULL, stream);
    assert_int_equal(RUN(rig, "events"), 0);
    assert_request(rig, 0, "GET", "/v1/events?follow=false&last=20", NULL);
    assert_string_equal(rig_out(rig),
                        "2026-11-25 01:05:44  message.received  msg_1  inbound wa hola\xef\xbf\xbd[31m\n"
                        "2026-11-25 01:05:44  message.status  msg_1  failed expired wa\n");
}

static void programs_get_what_came(void **state)
{
    struct rig *rig = *state;

    rig_answer_as(rig, 200, "text/event-stream", NULL, stream);
    assert_int_equal(RUN(rig, "events", "--json", "-n", "5", "-t", "message.*", "-t", "case.opened",
                         "--customer", "cus_1", "--case", "cas_1", "--channel", "wa co"),
                     0);
    assert_request(rig, 0, "GET",
                   "/v1/events?follow=false&last=5&type=message.%2A%2Ccase.opened&customer=cus_1&case=cas_1&"
                   "channel=wa%20co",
                   NULL);
    assert_contains(rig_out(rig), "{\"specversion\":\"1.0\",\"id\":\"evt_1\",");
    assert_null(strstr(rig_out(rig), "half")); /* an event that was cut off is none */
    rig_answer_as(rig, 200, "text/event-stream", NULL, stream);
    assert_int_equal(RUN(rig, "events", "-q", "--after", "oldest"), 0);
    assert_request(rig, 1, "GET", "/v1/events?follow=false&after=oldest", NULL);
    assert_string_equal(rig_out(rig), "evt_1\nevt_2\n");
}

static void a_gap_is_said(void **state)
{
    struct rig *rig = *state;

    rig_answer_as(rig, 200, "text/event-stream", NULL,
                  "event: stream.reset\ndata: {\"reason\":\"expired\"}\n\n"
                  "event: stream.reset\ndata: {\"reason\":\"unknown\"}\n\n");
    assert_int_equal(RUN(rig, "events", "--json", "--after", "evt_1"), 0);
    assert_string_equal(rig_out(rig), "");
    assert_contains(rig_err(rig), "events are missing here");
    assert_contains(rig_err(rig), "events may be missing here");
}

/* The stream ends, and then the key is worth nothing any more: it was made again, and is given up. */
static void a_follower_comes_back_until_it_is_refused(void **state)
{
    struct rig *rig = *state;

    rig_answer_as(rig, 200, "text/event-stream", NULL, "retry: 10\n\n");
    rig_answer(rig, 503, "{\"code\":\"stopping\",\"detail\":\"wait\",\"status\":503}");
    rig_answer(rig, 0, NULL);
    rig_answer(rig, 401, "{\"code\":\"unauthorized\",\"detail\":\"no\",\"status\":401}");
    assert_int_equal(RUN(rig, "events", "--follow"), 1);
    assert_int_equal(rig_requests(rig), 4);
    assert_request(rig, 3, "GET", "/v1/events", NULL);
    assert_contains(rig_err(rig), "trying again in 10 ms");
    assert_contains(rig_err(rig), "trying again in 20 ms");
    assert_contains(rig_err(rig), "unauthorized");
    /* The first time nobody is there: that is no cut. */
    rig_answer(rig, 0, NULL);
    assert_int_equal(RUN(rig, "events", "--follow"), 3);
    assert_int_equal(rig_requests(rig), 5);
}

static void where_to_begin_is_one_thing(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(RUN(rig, "events", "--after", "oldest", "-n", "3"), 2);
    assert_int_equal(rig_requests(rig), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(a_line_for_each),
        T(programs_get_what_came),
        T(a_gap_is_said),
        T(a_follower_comes_back_until_it_is_refused),
        T(where_to_begin_is_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
