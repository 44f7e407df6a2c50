/*
 * The window of submits that are with the SMSC: numbers, places, the oldest, the late ones.
 */
#include "../../plugins/sms/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void numbers_come_round_to_one(void **state)
{
    struct sms_window w;
    struct sms_slot *s[6];
    unsigned i;

    (void)state;
    assert_true(sms_window_init(&w, 10));
    w.next = w.oldest = SMS_SEQUENCE_MAX - 2;
    for (i = 0; i < 6; i++)
        s[i] = sms_window_take(&w);
    assert_int_equal(s[2]->seq, SMS_SEQUENCE_MAX);
    assert_int_equal(s[3]->seq, 1); /* never 0, never with the highest bit */
    assert_ptr_equal(sms_window_find(&w, SMS_SEQUENCE_MAX), s[2]);
    assert_ptr_equal(sms_window_find(&w, 1), s[3]);
    for (i = 0; i < 6; i++) {
        assert_ptr_equal(sms_window_oldest(&w), s[i]);
        sms_window_free(&w, s[i]);
    }
    assert_null(sms_window_oldest(&w));
    assert_int_equal(sms_window_room(&w), 10);
    sms_window_done(&w);
}

static void a_place_that_is_taken_is_passed_over(void **state)
{
    struct sms_window w;
    struct sms_slot *first, *s;
    unsigned i;

    (void)state;
    assert_true(sms_window_init(&w, 2));
    first = sms_window_take(&w); /* stays unanswered, while others come and go */
    for (i = 0; i < 3 * SMS_WINDOW_PLACES; i++) {
        s = sms_window_take(&w);
        assert_ptr_not_equal(s, first);
        assert_ptr_equal(sms_window_find(&w, s->seq), s);
        assert_int_equal(sms_window_room(&w), 0);
        assert_null(sms_window_find(&w, s->seq + SMS_WINDOW_PLACES)); /* another number in the same place */
        sms_window_free(&w, s);
    }
    assert_int_equal(first->seq, 1);
    assert_ptr_equal(sms_window_oldest(&w), first);
    sms_window_done(&w);
}

static void a_late_one_is_found_until_its_place_is_needed(void **state)
{
    const struct hilo_id id = {{7}};
    struct sms_window w;
    struct sms_slot *s;
    unsigned i;

    (void)state;
    assert_true(sms_window_init(&w, 1));
    s = sms_window_take(&w);
    sms_window_late(&w, s, id);
    assert_int_equal(sms_window_room(&w), 1);
    assert_null(sms_window_oldest(&w));
    s = sms_window_find(&w, 1);
    assert_non_null(s);
    assert_int_equal(s->place, SMS_PLACE_LATE);
    assert_memory_equal(&s->id, &id, sizeof id);
    for (i = 0; i < SMS_WINDOW_PLACES; i++)
        sms_window_free(&w, sms_window_take(&w));
    assert_null(sms_window_find(&w, 1));
    sms_window_done(&w);
}

/* Against a plain list, in a fixed random order. */
static void it_is_what_a_list_would_be(void **state)
{
    struct sms_slot *held[SMS_WINDOW_MAX];
    struct sms_window w;
    unsigned n = 0, i, step, k;
    uint64_t r = 1;

    (void)state;
    assert_true(sms_window_init(&w, SMS_WINDOW_MAX));
    w.next = w.oldest = SMS_SEQUENCE_MAX - 5000;
    for (step = 0; step < 50000; step++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        if (n < SMS_WINDOW_MAX && (r >> 33) % 2) {
            held[n++] = sms_window_take(&w);
        } else if (n) {
            k = (unsigned)(r >> 40) % n;
            k = k < 20 ? k : n - 1; /* the oldest stay long */
            sms_window_free(&w, held[k]);
            memmove(held + k, held + k + 1, (n - k - 1) * sizeof *held);
            n--;
        }
        assert_int_equal(w.open, n);
        assert_ptr_equal(sms_window_oldest(&w), n ? held[0] : NULL);
        for (i = 0; i < n; i++)
            assert_ptr_equal(sms_window_find(&w, held[i]->seq), held[i]);
    }
    sms_window_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_round_to_one),
        cmocka_unit_test(a_place_that_is_taken_is_passed_over),
        cmocka_unit_test(a_late_one_is_found_until_its_place_is_needed),
        cmocka_unit_test(it_is_what_a_list_would_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
