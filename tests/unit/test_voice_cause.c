/*
 * Why a call did not come about: final statuses and Q.850 causes, and what the core is told to do.
 */
#include "../../plugins/voice/out_cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void statuses_and_causes(void **state)
{
    static const struct {
        uint32_t status, q850;
        bool rang;
        enum out_what what;
        const char *reason, *code;
    } rows[] = {
        {486, 0, true, OUT_BUSY, "busy", "486"},
        {600, 0, false, OUT_BUSY, "busy", "600"},
        {487, 0, true, OUT_NO_ANSWER, "no_answer", "487"},
        {408, 0, true, OUT_NO_ANSWER, "no_answer", "408"},
        {480, 0, true, OUT_NO_ANSWER, "no_answer", "480"},
        {480, 0, false, OUT_NO_ANSWER, "unavailable", "480"},
        {408, 0, false, OUT_TEMP, "unreachable", "408"},
        {0, 0, false, OUT_TEMP, "unreachable", "0"},
        {404, 0, false, OUT_PERM, "unknown_number", "404"},
        {604, 0, false, OUT_PERM, "unknown_number", "604"},
        {410, 0, false, OUT_PERM, "number_changed", "410"},
        {484, 0, false, OUT_PERM, "invalid_number", "484"},
        {403, 0, false, OUT_PERM, "forbidden", "403"},
        {603, 0, true, OUT_PERM, "declined", "603"},
        {607, 0, true, OUT_PERM, "unwanted", "607"},
        {608, 0, false, OUT_PERM, "blocked", "608"},
        {488, 0, false, OUT_PERM, "not_acceptable", "488"},
        {433, 0, false, OUT_PERM, "anonymous", "433"},
        {503, 0, false, OUT_CHANNEL, "congested", "503"},
        {407, 0, false, OUT_CHANNEL, "credentials", "407"},
        {500, 0, false, OUT_TEMP, "network_error", "500"},
        {302, 0, false, OUT_PERM, "moved", "302"},
        /* statuses that have no row of their own go by their class */
        {499, 0, false, OUT_PERM, "refused", "499"},
        {555, 0, false, OUT_TEMP, "network_error", "555"},
        {699, 0, false, OUT_PERM, "refused", "699"},
        /* the network's cause says more than a gateway's status */
        {480, 17, false, OUT_BUSY, "busy", "480 Q.850 17"},
        {480, 20, true, OUT_NO_ANSWER, "unavailable", "480 Q.850 20"},
        {503, 1, false, OUT_PERM, "unknown_number", "503 Q.850 1"},
        {500, 34, false, OUT_CHANNEL, "congested", "500 Q.850 34"},
        {404, 22, false, OUT_PERM, "number_changed", "404 Q.850 22"},
        {480, 21, false, OUT_PERM, "declined", "480 Q.850 21"},
        /* less than a status that says it all; and one without a row says nothing */
        {603, 17, true, OUT_PERM, "declined", "603 Q.850 17"},
        {480, 16, true, OUT_NO_ANSWER, "no_answer", "480 Q.850 16"},
        {486, 127, false, OUT_BUSY, "busy", "486 Q.850 127"},
    };
    struct out_cause c;
    char code[OUT_CODE_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        out_cause_of(rows[i].status, rows[i].q850, rows[i].rang, &c);
        struct hilo_str text = out_cause_code(&c, code);

        if (c.what != rows[i].what || c.reason.n != strlen(rows[i].reason) ||
            memcmp(c.reason.p, rows[i].reason, c.reason.n) != 0 || text.n != strlen(rows[i].code) ||
            memcmp(text.p, rows[i].code, text.n) != 0)
            fail_msg("row %zu: %d %.*s %.*s", i, c.what, (int)c.reason.n, c.reason.p, (int)text.n, text.p);
        assert_true(c.es.n > 10 && c.en.n > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_and_causes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
