/* What is pure: waits between tries, frames, codes, hosts, times. */
#include "rig.h"
#include "till.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Evenly between nothing and a window that doubles to its most. */
static void waits_are_within_their_window_and_spread(void **state)
{
    static const int64_t window[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000};
    unsigned attempt, i, quarter[4];
    uint32_t random = 1;
    int64_t ms;

    (void)state;
    for (attempt = 0; attempt < 9; attempt++) {
        assert_int_equal(till_backoff(attempt, 1000, 60000, 0), 0);
        assert_int_equal(till_backoff(attempt, 1000, 60000, UINT32_MAX), window[attempt]);
        memset(quarter, 0, sizeof quarter);
        for (i = 0; i < 4000; i++) {
            random = random * 1664525u + 1013904223u;
            ms = till_backoff(attempt, 1000, 60000, random);
            assert_in_range(ms, 0, window[attempt]);
            quarter[ms * 4 / (window[attempt] + 1)]++;
        }
        for (i = 0; i < 4; i++)
            assert_in_range(quarter[i], 850, 1150);
    }
    assert_int_equal(till_backoff(UINT32_MAX, 1000, 60000, UINT32_MAX), 60000);
}

static void frames_that_come_in(void **state)
{
    static const struct {
        const char *line;
        enum till_frame_kind kind;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}", TILL_FRAME_ANSWER},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}\r", TILL_FRAME_ANSWER},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"x\"}}",
         TILL_FRAME_ANSWER},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"method\":\"ping\"}", TILL_FRAME_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"method\":\"ping\",\"params\":{}}", TILL_FRAME_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"method\":\"ping\",\"params\":[]}", TILL_FRAME_BAD},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", TILL_FRAME_BAD},
        {"{\"jsonrpc\":\"2.0\",\"result\":{}}", TILL_FRAME_BAD},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\"}", TILL_FRAME_BAD},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{},\"error\":{\"code\":1}}", TILL_FRAME_BAD},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":0}}", TILL_FRAME_BAD},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":7}", TILL_FRAME_BAD},
        {"{\"jsonrpc\":\"1.0\",\"id\":\"a\",\"result\":{}}", TILL_FRAME_BAD},
        {"[]", TILL_FRAME_BAD},
        {"\xc3", TILL_FRAME_BAD},
        {"", TILL_FRAME_BAD},
    };
    struct till_frame f;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        till_frame_read(rows[i].line, strlen(rows[i].line), &f);
        if (f.kind != rows[i].kind)
            fail_msg("%s", rows[i].line);
        till_frame_done(&f);
    }
    till_frame_read("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}\0x", 40, &f);
    assert_int_equal(f.kind, TILL_FRAME_BAD);
    till_frame_done(&f);
}

static void hosts(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
    } rows[] = {
        {"pos.example", "pos.example", 7},
        {"pos.example:7443", "pos.example", 7443},
        {"192.0.2.1:1", "192.0.2.1", 1},
        {"[2001:db8::1]:7443", "2001:db8::1", 7443},
        {"2001:db8::1", "2001:db8::1", 7},
        {"[2001:db8::1]", "2001:db8::1", 7},
        {"", NULL, 0},
        {":1", NULL, 0},
        {"a:0", NULL, 0},
        {"a:65536", NULL, 0},
        {"a:x", NULL, 0},
        {"a b", NULL, 0},
        {"[::1", NULL, 0},
        {"a/b", NULL, 0},
        {"[::1]x", NULL, 0},
        {"a:1x", NULL, 0},
    };
    char host[254];
    uint16_t port;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        port = 7;
        if (till_host_read(rows[i].text, host, &port) != (rows[i].host != NULL))
            fail_msg("%s", rows[i].text);
        if (rows[i].host) {
            assert_string_equal(host, rows[i].host);
            assert_int_equal(port, rows[i].port);
        }
    }
}

static void codes(void **state)
{
    struct rig *rig = rig_new();
    struct till_code code;
    struct hilotill_error e;
    char text[800];
    size_t i;

    (void)state;
    snprintf(text, sizeof text, "%s", rig_code(rig, "pos.tienda.example", false));
    assert_int_equal(till_code_read(false, text, &code, &e), HILOTILL_OK);
    assert_string_equal(code.host, "pos.tienda.example");
    assert_int_equal(code.port, rig_port(rig));
    assert_string_equal(code.text, text);
    /* A character that is mistyped, left out or doubled is noticed. */
    for (i = 6; text[i]; i++) {
        char bad[800];

        snprintf(bad, sizeof bad, "%s", text);
        bad[i] = bad[i] == 'Z' ? 'Y' : 'Z';
        assert_int_equal(till_code_read(false, bad, &code, &e), HILOTILL_EARG);
        snprintf(bad, sizeof bad, "%.*s%s", (int)i, text, text + i + 1);
        assert_int_equal(till_code_read(false, bad, &code, &e), HILOTILL_EARG);
        snprintf(bad, sizeof bad, "%.*s%c%s", (int)i, text, text[i], text + i);
        assert_int_equal(till_code_read(false, bad, &code, &e), HILOTILL_EARG);
    }
    rig_free(&rig);
}

static void times(void **state)
{
    int64_t ms;
    char text[32];

    (void)state;
    assert_true(till_time_read("2026-11-27T20:26:02.123Z", &ms));
    till_time(ms, text);
    assert_string_equal(text, "2026-11-27T20:26:02.123Z");
    assert_true(till_time_read("1970-01-01T00:00:01Z", &ms));
    assert_int_equal(ms, 1000);
    assert_true(till_time_read("1970-01-01T00:00:01.0004999Z", &ms));
    assert_int_equal(ms, 1000);
    assert_false(till_time_read("2026-11-27 20:26:02Z", &ms));
    assert_false(till_time_read("2026-11-27T20:26:02", &ms));
    assert_false(till_time_read("", &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_are_within_their_window_and_spread),
        cmocka_unit_test(frames_that_come_in),
        cmocka_unit_test(hosts),
        cmocka_unit_test(codes),
        cmocka_unit_test(times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
