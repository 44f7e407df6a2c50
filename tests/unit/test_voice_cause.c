/*
 * Why a call did not come about: final statuses and Q.850 causes, and what the core is told to do.
 */
#include "../../plugins/voice/out_cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static void statuses_and_causes(void **state)
{
    static const struct {
        uint32_t status;
        const char *words;
        bool rang;
        enum out_what what;
        const char *reason, *code;
    } rows[] = {
        {486, "Busy Here", true, OUT_BUSY, "busy", "486"},
        {600, "Busy Everywhere", false, OUT_BUSY, "busy", "600"},
        {487, "Request Terminated", true, OUT_NO_ANSWER, "no_answer", "487"},
        {408, "Request Timeout", true, OUT_NO_ANSWER, "no_answer", "408"},
        {480, "Temporarily Unavailable", true, OUT_NO_ANSWER, "no_answer", "480"},
        {480, "Temporarily Unavailable", false, OUT_NO_ANSWER, "unavailable", "480"},
        {408, "Request Timeout", false, OUT_TEMP, "unreachable", "408"},
        {0, "no route to host", false, OUT_TEMP, "unreachable", "0"},
        {404, "Not Found", false, OUT_PERM, "unknown_number", "404"},
        {604, "Does Not Exist Anywhere", false, OUT_PERM, "unknown_number", "604"},
        {410, "Gone", false, OUT_PERM, "number_changed", "410"},
        {484, "Address Incomplete", false, OUT_PERM, "invalid_number", "484"},
        {403, "Forbidden", false, OUT_PERM, "forbidden", "403"},
        {603, "Decline", true, OUT_PERM, "declined", "603"},
        {607, "Unwanted", true, OUT_PERM, "unwanted", "607"},
        {608, "Rejected", false, OUT_PERM, "blocked", "608"},
        {488, "Not Acceptable Here", false, OUT_PERM, "not_acceptable", "488"},
        {433, "Anonymity Disallowed", false, OUT_PERM, "anonymous", "433"},
        {503, "Service Unavailable", false, OUT_CHANNEL, "congested", "503"},
        {407, "Proxy Authentication Required", false, OUT_CHANNEL, "credentials", "407"},
        {500, "Server Internal Error", false, OUT_TEMP, "network_error", "500"},
        {302, "Moved Temporarily", false, OUT_PERM, "moved", "302"},
        /* statuses that have no row of their own go by their class */
        {499, "", false, OUT_PERM, "refused", "499"},
        {555, "", false, OUT_TEMP, "network_error", "555"},
        {699, "", false, OUT_PERM, "refused", "699"},
        /* the network's cause says more than a gateway's status */
        {480, "Q.850;cause=17;text=\"User busy\"", false, OUT_BUSY, "busy", "480 Q.850 17"},
        {480, "Q.850 ;cause=20", true, OUT_NO_ANSWER, "unavailable", "480 Q.850 20"},
        {503, "q.850; cause = 1", false, OUT_PERM, "unknown_number", "503 Q.850 1"},
        {500, "SIP;cause=500;text=\"x, y\", Q.850;cause=34", false, OUT_CHANNEL, "congested", "500 Q.850 34"},
        {404, "Q.850;text=\"cause=17\";cause=22", false, OUT_PERM, "number_changed", "404 Q.850 22"},
        {480, "Q.850;cause=21", false, OUT_PERM, "declined", "480 Q.850 21"},
        /* and less than one that says it all, or nothing */
        {603, "Q.850;cause=17", true, OUT_PERM, "declined", "603 Q.850 17"},
        {480, "Q.850;cause=16", true, OUT_NO_ANSWER, "no_answer", "480 Q.850 16"},
        {486, "SIP;cause=200, text", false, OUT_BUSY, "busy", "486"},
    };
    struct out_cause c;
    char code[OUT_CODE_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        out_cause_of(rows[i].status, str(rows[i].words), rows[i].rang, &c);
        struct hilo_str text = out_cause_code(&c, code);

        if (c.what != rows[i].what || c.reason.n != strlen(rows[i].reason) ||
            memcmp(c.reason.p, rows[i].reason, c.reason.n) != 0 || text.n != strlen(rows[i].code) ||
            memcmp(text.p, rows[i].code, text.n) != 0)
            fail_msg("row %zu: %d %.*s %.*s", i, c.what, (int)c.reason.n, c.reason.p, (int)text.n, text.p);
        assert_true(c.es.n > 10 && c.en.n > 10);
    }
}

static void reasons_of_anybody(void **state)
{
    static const struct {
        const char *text;
        uint32_t q850;
    } rows[] = {
        {"", 0},
        {"Q.850", 0},
        {"Q.850;", 0},
        {"Q.850;cause", 0},
        {"Q.850;cause=", 0},
        {"Q.850;cause=x", 0},
        {"Q.850;cause=128", 0},
        {"Q.850;cause=99999999999999", 0},
        {"Q.850;cause=17garbage", 17},
        {"Q.850;text=\"a\\\";cause=3\";cause=18", 18},
        {"Q.850;text=\"never ends;cause=3", 0},
        {"SIP;cause=17", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        if (out_cause_q850(str(rows[i].text)) != rows[i].q850)
            fail_msg("%s: %u", rows[i].text, out_cause_q850(str(rows[i].text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_and_causes),
        cmocka_unit_test(reasons_of_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
