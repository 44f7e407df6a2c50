/*
 * Recordings that wait for a text: what is kept over a restart, what is tried again and when, and its bound.
 */
#include "../../plugins/voice/transcripts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000)

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static struct hilo_str id(unsigned i)
{
    static char text[ID_TEXT_MAX];
    struct hilo_id v = {{1, 2, 3}};

    v.b[14] = (uint8_t)(i >> 8);
    v.b[15] = (uint8_t)i;
    id_write("msg", v, text);
    return str(text);
}

static void kept_as_they_were(void **state)
{
    static struct transcripts a, b;
    static char json[TRANSCRIPTS_BYTES];
    struct hilo_str text = {json, 0};
    unsigned i;

    (void)state;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    text.n = transcripts_write(&a, json);
    assert_true(transcripts_read(&b, text));
    assert_int_equal(b.n, 0);
    for (i = 0; i < TRANSCRIPTS_MAX; i++)
        assert_int_equal(transcripts_add(&a, id(i), i % 2 ? SAY_EN : SAY_ES), TRANSCRIPTS_ADDED);
    assert_int_equal(transcripts_add(&a, id(7), SAY_ES), TRANSCRIPTS_KNOWN);
    assert_int_equal(transcripts_add(&a, id(TRANSCRIPTS_MAX), SAY_ES), TRANSCRIPTS_FULL);
    assert_int_equal(transcripts_add(&a, str("msg_nonsense"), SAY_ES), TRANSCRIPTS_NO_ID);
    for (i = 0; i < 3; i++)
        assert_true(transcripts_again(&a, id(1).p, 0));
    text.n = transcripts_write(&a, json);
    assert_in_range(text.n, 1, 64 * 1024); /* what a value of the context may have */
    assert_true(transcripts_read(&b, text));
    assert_int_equal(b.n, TRANSCRIPTS_MAX);
    for (i = 0; i < TRANSCRIPTS_MAX; i++) {
        assert_string_equal(b.item[i].message, id(i).p);
        assert_int_equal(b.item[i].language, i % 2 ? SAY_EN : SAY_ES);
        assert_int_equal(b.item[i].tries, i == 1 ? 3 : 0);
    }
    /* what came in between is not lost by reading */
    memset(&b, 0, sizeof b);
    assert_int_equal(transcripts_add(&b, id(900), SAY_EN), TRANSCRIPTS_ADDED);
    assert_true(transcripts_read(&b, str("[[\"msg_nonsense\",\"es\",1]]")));
    assert_int_equal(b.n, 1);
}

static void what_is_no_list(void **state)
{
    static const char *const rows[] = {"",      "{",   "{}",        "{\"a\":[\"x\",\"es\",1]}",
                                       "\"x\"", "[1]", "[[1,2,3]]", "[[\"msg_nonsense\"]]",
                                       "[null]"};
    static struct transcripts l;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (transcripts_read(&l, str(rows[i])))
            fail_msg("%s", rows[i]);
        assert_int_equal(l.n, 0);
    }
}

static void tried_again_later_and_not_for_ever(void **state)
{
    static struct transcripts l;
    struct transcript *t;
    int64_t now = 5 * SECOND, next, waited = 0;
    unsigned tries = 0;

    (void)state;
    assert_null(transcripts_due(&l, now, &next));
    assert_int_equal(next, 0);
    assert_int_equal(transcripts_add(&l, id(1), SAY_ES), TRANSCRIPTS_ADDED);
    assert_int_equal(transcripts_add(&l, id(2), SAY_ES), TRANSCRIPTS_ADDED);
    t = transcripts_due(&l, now, &next);
    assert_string_equal(t->message, id(1).p);
    t->running = true;
    t = transcripts_due(&l, now, &next);
    assert_string_equal(t->message, id(2).p); /* the next one, while the first is under way */
    transcripts_remove(&l, id(2).p);
    assert_null(transcripts_due(&l, now, &next));
    for (;;) {
        tries++;
        if (!transcripts_again(&l, id(1).p, now))
            break;
        assert_null(transcripts_due(&l, now, &next));
        assert_true(next >= now + 30 * SECOND);
        waited += next - now;
        now = next;
        assert_non_null(transcripts_due(&l, now, &next));
    }
    assert_int_equal(tries, TRANSCRIPTS_TRIES);
    assert_in_range(waited / SECOND, 8 * 3600, 48 * 3600);
    assert_int_equal(l.n, 0);
    transcripts_remove(&l, id(1).p); /* nothing happens */
    assert_false(transcripts_again(&l, id(1).p, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_as_they_were),
        cmocka_unit_test(what_is_no_list),
        cmocka_unit_test(tried_again_later_and_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
