/*
 * When calls begin: never more in a second, never more at once, and those that wait come back when a line is
 * free.
 */
#include "../../plugins/voice/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)

static void so_many_in_a_second(void **state)
{
    struct pace p;
    int64_t now = 100 * SECOND, wait, begun[400];
    unsigned n = 0, i;

    (void)state;
    pace_init(&p);
    for (; now < 120 * SECOND; now += 1000)
        while (n < 400 && pace_take(&p, now, 0, 1000, 5, &wait))
            begun[n++] = now;
    assert_in_range(n, 99, 106);
    assert_int_equal(begun[4], 100 * SECOND); /* a second's worth at once, after it was quiet */
    for (i = 10; i < n; i++)
        assert_true(begun[i] - begun[i - 5] >= SECOND - 1000);
    assert_false(pace_take(&p, now, 0, 0, 5, &wait));
    assert_int_equal(wait, 60 * SECOND);
}

/* A campaign: 2,000 messages for 10 lines, calls of 5 to 25 seconds. Each comes when it was told to. */
static void a_campaign_keeps_the_lines_busy(void **state)
{
    enum { MESSAGES = 2000, LINES = 10 };
    static int64_t due[MESSAGES];
    int64_t ends[LINES] = {0}, took[LINES] = {0}, now = SECOND, begun = now, wait, talked = 0;
    unsigned left = MESSAGES, asked = 0, busy = 0, i, k, most = 0;
    unsigned seed = 7;
    struct pace p;

    (void)state;
    pace_init(&p);
    for (i = 0; i < MESSAGES; i++)
        due[i] = now;
    for (; left; now += 20000) {
        for (k = 0; k < LINES; k++)
            if (ends[k] && ends[k] <= now) {
                pace_ended(&p, took[k]);
                ends[k] = 0;
                busy--;
            }
        for (i = 0; i < MESSAGES; i++) {
            if (due[i] < 0 || due[i] > now)
                continue;
            asked++;
            if (!pace_take(&p, now, busy, LINES, 5, &wait)) {
                assert_true(wait > 0);
                due[i] = now + wait;
                continue;
            }
            for (k = 0; ends[k]; k++)
                ;
            seed = seed * 1103515245u + 12345u;
            took[k] = 5 * SECOND + (int64_t)(seed >> 8 & 0xffff) * 20 * SECOND / 0x10000;
            ends[k] = now + took[k];
            talked += took[k];
            due[i] = -1;
            left--;
            if (++busy > most)
                most = busy;
        }
        assert_true(now < 3 * 3600 * SECOND);
    }
    assert_int_equal(most, LINES);
    assert_in_range(asked, MESSAGES, 3 * MESSAGES); /* each two or three times, not every few seconds */
    assert_in_range(100 * talked / ((now - begun) * LINES), 70, 100); /* of a hundred: lines in use */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_in_a_second),
        cmocka_unit_test(a_campaign_keeps_the_lines_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
