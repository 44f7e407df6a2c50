/*
 * A person or a machine: what was heard, when, and what is made of it. Each row is a call as it would sound.
 */
#include "../../plugins/voice/answerer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { STEPS = 24 };
#define NOTHING ANSWERER_NOTHING
#define PERSON  ANSWERER_PERSON
#define MACHINE ANSWERER_MACHINE
#define RECORDS ANSWERER_RECORDS
#define GIVE_UP ANSWERER_GIVE_UP

/* At so many ms after the answer: '+' speech, '~' a tone, '-' silence; 0: the end. */
struct heard {
    int ms;
    char what;
};
/* What is said, and when: the clock is looked at each 10 ms. */
struct said {
    int ms;
    enum answerer_says what;
};
struct row {
    const char *name;
    struct heard heard[STEPS];
    struct said said[4];
};

static const struct answerer_conf conf = {.greeting_us = 2500000,
                                          .silence_us = 800000,
                                          .quiet_us = 3000000,
                                          .records_us = 2500000,
                                          .patience_us = 45000000};

static const struct row rows[] = {
    {"¿Aló?", {{400, '+'}, {900, '-'}}, {{1700, PERSON}}},
    {"a greeting with a pause in it is one",
     {{300, '+'}, {800, '-'}, {1300, '+'}, {2000, '-'}},
     {{2800, PERSON}}},
    {"a pause that is as long as the end of one is its end",
     {{300, '+'}, {800, '-'}, {1601, '+'}, {4000, '-'}},
     {{1600, PERSON}}},
    {"nobody says anything: a person who waits", {{0, 0}}, {{3000, PERSON}}},
    {"a greeting of just under what a person may take", {{0, '+'}, {2490, '-'}}, {{3290, PERSON}}},
    {"one that goes on is a machine's, then its beep",
     {{500, '+'}, {7000, '-'}, {7300, '~'}, {7800, '-'}},
     {{3000, MACHINE}, {7800, RECORDS}}},
    {"speech with pauses that adds up to a machine's greeting",
     {{500, '+'}, {1500, '-'}, {1900, '+'}, {2900, '-'}, {3200, '+'}, {5000, '-'}, {5200, '~'}, {5600, '-'}},
     {{3200, MACHINE}, {5600, RECORDS}}},
    {"a machine without a beep records after its silence",
     {{200, '+'}, {6000, '-'}},
     {{2700, MACHINE}, {8500, RECORDS}}},
    {"a machine that never stops is given up", {{200, '+'}}, {{2700, MACHINE}, {47700, GIVE_UP}}},
    {"a beep at once, without a word", {{600, '~'}, {1100, '-'}}, {{1100, RECORDS}}},
    {"a beep that runs into speech ends there", {{600, '~'}, {1000, '+'}, {1500, '-'}}, {{1000, RECORDS}}},
    {"a short greeting is taken for a person's; the beep behind it tells",
     {{300, '+'}, {1200, '-'}, {3000, '~'}, {3500, '-'}},
     {{2000, PERSON}, {3500, RECORDS}}},
    {"a click is no beep", {{300, '~'}, {400, '-'}}, {{1200, PERSON}}},
    {"a fax whistles longer than any beep", {{300, '~'}, {3400, '-'}}, {{2800, MACHINE}, {5900, RECORDS}}},
    {"what comes behind the beep is no news",
     {{500, '+'}, {7000, '-'}, {7300, '~'}, {7800, '-'}, {9000, '~'}, {9500, '-'}},
     {{3000, MACHINE}, {7800, RECORDS}}},
};

static void check(const struct row *r)
{
    struct answerer a;
    unsigned h = 0, s = 0;
    int ms;

    answerer_begin(&a, &conf, 1000);
    for (ms = 0; ms < 60000; ms += 1) {
        enum answerer_says says = NOTHING;
        int64_t now = 1000 + ms * INT64_C(1000), next = answerer_next(&a);

        if (r->heard[h].what && r->heard[h].ms == ms) {
            says = answerer_heard(&a, r->heard[h].what != '-', r->heard[h].what == '~', now);
            h++;
        } else if (next && next <= now) {
            says = answerer_tick(&a, now);
            assert_int_not_equal(says, NOTHING); /* or it would be asked again and again */
        }
        if (says == NOTHING)
            continue;
        if (!r->said[s].what || says != r->said[s].what || ms != r->said[s].ms)
            fail_msg("%s: %d at %d ms, where %d at %d ms was awaited", r->name, says, ms, r->said[s].what,
                     r->said[s].ms);
        s++;
    }
    if (r->said[s].what)
        fail_msg("%s: %d at %d ms did not come", r->name, r->said[s].what, r->said[s].ms);
    assert_int_equal(answerer_next(&a) != 0 && a.is == PERSON, 0);
}

static void calls_as_they_sound(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

/* The loop may come late: what was due is said first, and the news is not lost. */
static void a_late_clock_decides_alike(void **state)
{
    struct answerer a;

    (void)state;
    answerer_begin(&a, &conf, 0);
    assert_int_equal(answerer_heard(&a, true, false, 100000), NOTHING);
    assert_int_equal(answerer_heard(&a, false, false, 600000), NOTHING);
    assert_int_equal(answerer_heard(&a, true, false, 9000000), PERSON);
    assert_int_equal(answerer_next(&a), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_as_they_sound),
        cmocka_unit_test(a_late_clock_decides_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
