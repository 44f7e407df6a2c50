/*
 * The queue: on disk before it is said to be, in order, once in effect, whatever is cut where; refusals, a
 * full queue, a full disk; pushes once each.
 */
#include "loop.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int setup(void **state)
{
    *state = loop_new();
    return 0;
}

static int teardown(void **state)
{
    loop_free(*state);
    return 0;
}

static void queued_without_a_line_sent_in_order_with_its_time(void **state)
{
    struct loop *l = *state;
    char id[10][HILOTILL_ID], text[8];
    cJSON *effect, *params;
    unsigned i;

    loop_enrolled(l);
    assert_int_equal(hilotill_set_clerk(l->t, "ana", &l->e), HILOTILL_OK);
    for (i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "%u", i);
        loop_note(l, text, id[i]);
        if (i % 3 == 0) { /* it is on disk */
            loop_close(l);
            assert_int_equal(loop_open(l), HILOTILL_OK);
            assert_int_equal(hilotill_set_clerk(l->t, "ana", &l->e), HILOTILL_OK);
        }
    }
    assert_int_equal(loop_status(l).waiting, 10);
    loop_online(l);
    UNTIL(l, loop_status(l).waiting == 0);
    loop_assert_notes(l, 10);
    for (i = 0; i < 10; i++) {
        assert_int_equal(loop_answers(l, id[i]), 1);
        assert_int_equal(loop_answer(l, id[i])->queued, 1);
        assert_int_equal(loop_answer(l, id[i])->code, 0);
        effect = rig_effect(l->rig, i);
        params = cJSON_GetObjectItem(effect, "params");
        assert_string_equal(cJSON_GetObjectItem(effect, "id")->valuestring, id[i]);
        assert_string_equal(cJSON_GetObjectItem(params, "clerk")->valuestring, "ana");
        assert_int_equal(strlen(cJSON_GetObjectItem(params, "at")->valuestring), 24);
        cJSON_Delete(effect);
    }
    /* Answered, they are off the disk. */
    loop_close(l);
    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(loop_status(l).waiting, 0);
}

static void later_keeps_the_order(void **state)
{
    struct loop *l = *state;
    char text[8];
    unsigned i;

    loop_online(l);
    rig_later(l->rig, 3);
    for (i = 0; i < 60; i++) {
        snprintf(text, sizeof text, "%u", i);
        loop_note(l, text, NULL);
        if (i % 20 == 19)
            rig_later(l->rig, 2);
    }
    UNTIL(l, loop_status(l).waiting == 0);
    loop_assert_notes(l, 60);
    assert_int_equal(rig_hellos(l->rig), 1);
}

static int count(void *arg, const struct hilotill_item *item)
{
    struct hilotill_item *seen = arg;

    if (item->code)
        seen->code = item->code;
    seen->at_ms += 1;
    return 0;
}

static void refused_is_kept_and_the_rest_goes_on(void **state)
{
    struct loop *l = *state;
    char bad[HILOTILL_ID], good[HILOTILL_ID], waits[HILOTILL_ID];
    struct hilotill_item seen = {0};
    cJSON *effect;

    loop_online(l);
    rig_script(
        l->rig, "wish.add", true,
        "{\"code\":-32602,\"message\":\"no such SKU\",\"data\":{\"reason\":\"value\",\"pointer\":\"/sku\"}}");
    assert_int_equal(hilotill_queue(l->t, "wish.add", "{\"sku\":\"X\"}", bad, &l->e), HILOTILL_OK);
    loop_note(l, "0", good);
    UNTIL(l, loop_answer(l, bad) && loop_answer(l, good));
    assert_int_equal(loop_answer(l, bad)->code, -32602);
    assert_string_equal(loop_answer(l, bad)->error, "no such SKU");
    assert_int_equal(loop_status(l).refused, 1);
    loop_assert_notes(l, 1);
    loop_close(l);
    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(loop_status(l).refused, 1);
    assert_int_equal(hilotill_items(l->t, count, &seen, &l->e), HILOTILL_OK);
    assert_int_equal(seen.code, -32602);
    assert_int_equal(seen.at_ms, 1);
    loop_note(l, "1", waits);
    assert_int_equal(hilotill_dismiss(l->t, waits, &l->e), HILOTILL_EARG);
    /* Its reason is gone: it is sent again, behind the others. */
    assert_int_equal(hilotill_again(l->t, bad, &l->e), HILOTILL_OK);
    assert_int_equal(hilotill_again(l->t, bad, &l->e), HILOTILL_EARG);
    rig_script(l->rig, "wish.add", false, "{\"wish\":\"wsh_1\"}");
    loop_online(l);
    UNTIL(l, loop_status(l).waiting == 0);
    assert_int_equal(rig_effects(l->rig), 3);
    effect = rig_effect(l->rig, 2);
    assert_string_equal(cJSON_GetObjectItem(effect, "id")->valuestring, bad);
    cJSON_Delete(effect);
    assert_int_equal(loop_status(l).refused, 0);
    assert_int_equal(hilotill_dismiss(l->t, bad, &l->e), HILOTILL_EARG);
}

static int no_params(void *arg, const struct hilotill_item *item)
{
    *(int *)arg = item->code;
    assert_string_equal(item->params, "{}");
    return 0;
}

static void a_card_number_does_not_stay(void **state)
{
    struct loop *l = *state;
    char path[200], *bytes = malloc(1 << 20);
    int code = 0;
    size_t n;
    FILE *f;

    loop_online(l);
    rig_script(l->rig, "case.note", true, "{\"code\":-32004,\"message\":\"a card number\"}");
    loop_note(l, "4111 1111 1111 1111", NULL);
    UNTIL(l, loop_status(l).refused == 1);
    assert_int_equal(hilotill_items(l->t, no_params, &code, &l->e), HILOTILL_OK);
    assert_int_equal(code, -32004);
    loop_close(l);
    snprintf(path, sizeof path, "%s/till.db", l->o.folder);
    f = fopen(path, "r");
    n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    assert_true(n > 4096);
    assert_null(memmem(bytes, n, "4111 1111", 9));
    free(bytes);
}

static void dismissed_is_gone(void **state)
{
    struct loop *l = *state;
    char bad[HILOTILL_ID];

    loop_online(l);
    rig_script(l->rig, "wish.add", true, "{\"code\":-32004,\"message\":\"a card number\"}");
    assert_int_equal(hilotill_queue(l->t, "wish.add", "{\"sku\":\"X\"}", bad, &l->e), HILOTILL_OK);
    UNTIL(l, loop_status(l).refused == 1);
    assert_int_equal(hilotill_dismiss(l->t, bad, &l->e), HILOTILL_OK);
    assert_int_equal(loop_status(l).refused, 0);
    loop_close(l);
    assert_int_equal(loop_open(l), HILOTILL_OK);
    assert_int_equal(loop_status(l).refused, 0);
}

static void what_belongs_to_an_earlier_one_gets_its_id(void **state)
{
    struct loop *l = *state;
    char opened[HILOTILL_ID], note[HILOTILL_ID], lost[HILOTILL_ID], params[200];
    cJSON *p;

    loop_enrolled(l);
    rig_script(l->rig, "case.open", false, "{\"case\":\"cas_77\",\"status\":\"open\",\"version\":1}");
    assert_int_equal(
        hilotill_queue(l->t, "case.open", "{\"customer\":\"cus_1\",\"subject\":\"TV\"}", opened, &l->e), 0);
    snprintf(params, sizeof params, "{\"case\":\"=%s/case\",\"text\":\"= is no reference\"}", opened);
    assert_int_equal(hilotill_queue(l->t, "case.note", params, note, &l->e), 0);
    snprintf(params, sizeof params, "{\"case\":\"=%s/nothing\",\"text\":\"x\"}", opened);
    assert_int_equal(hilotill_queue(l->t, "case.note", params, lost, &l->e), 0);
    loop_online(l);
    UNTIL(l, loop_status(l).waiting == 0);
    p = rig_request(l->rig, "case.note", 0);
    assert_string_equal(cJSON_GetObjectItem(p, "case")->valuestring, "cas_77");
    assert_string_equal(cJSON_GetObjectItem(p, "text")->valuestring, "= is no reference");
    cJSON_Delete(p);
    assert_int_equal(rig_requests(l->rig, "case.note"), 1);
    assert_int_equal(loop_answer(l, lost)->code, HILOTILL_EREFUSED);
    assert_int_equal(loop_status(l).refused, 1);

    /* The one that it refers to was answered before, by a till that has been started anew since. */
    loop_close(l);
    assert_int_equal(loop_open(l), HILOTILL_OK);
    loop_online(l);
    snprintf(params, sizeof params, "{\"case\":\"=%s/case\",\"text\":\"later\"}", opened);
    assert_int_equal(hilotill_queue(l->t, "case.note", params, note, &l->e), 0);
    UNTIL(l, loop_status(l).waiting == 0);
    p = rig_request(l->rig, "case.note", 1);
    assert_string_equal(cJSON_GetObjectItem(p, "case")->valuestring, "cas_77");
    cJSON_Delete(p);
}

static void what_no_gateway_could_read_is_not_queued(void **state)
{
    static const char *const bad[] = {
        "[]",
        "{",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":9007199254740993}",
        "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}",
        "7",
        "",
    };
    struct loop *l = *state;
    char *big = malloc(70000);
    unsigned i;

    assert_int_equal(loop_open(l), HILOTILL_OK);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hilotill_queue(l->t, "case.note", bad[i], NULL, &l->e), HILOTILL_EARG);
    memset(big, 'a', 69999);
    memcpy(big, "{\"a\":\"", 6);
    memcpy(big + 65400, "\"}", 3);
    assert_int_equal(hilotill_queue(l->t, "case.note", big, NULL, &l->e), HILOTILL_EARG);
    assert_non_null(strstr(l->e.text, "64 KiB"));
    assert_int_equal(hilotill_queue(l->t, "Case Note", "{}", NULL, &l->e), HILOTILL_EARG);
    assert_int_equal(loop_status(l).waiting, 0);
    /* The longest that may be, goes. */
    memcpy(big + 65200, "\"}", 3);
    assert_int_equal(hilotill_queue(l->t, "case.note", big, NULL, &l->e), HILOTILL_OK);
    assert_int_equal(hilotill_queue(l->t, "case.note",
                                    "{\"a\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]],\"b\":\"\\\\u0000\"}", NULL, &l->e),
                     0);
    loop_online(l);
    UNTIL(l, loop_status(l).waiting == 0);
    assert_int_equal(rig_effects(l->rig), 2);
    free(big);
}

static void a_full_queue_says_so(void **state)
{
    struct loop *l = *state;

    l->o.queue_max = 2;
    l->o.language = "es";
    assert_int_equal(loop_open(l), HILOTILL_OK);
    loop_note(l, "0", NULL);
    loop_note(l, "1", NULL);
    assert_int_equal(hilotill_queue(l->t, "case.note", "{}", NULL, &l->e), HILOTILL_EFULL);
    assert_non_null(strstr(l->e.text, "no caben más"));
    assert_int_equal(loop_status(l).waiting, 2);
    loop_online(l);
    UNTIL(l, loop_status(l).waiting == 0);
    loop_assert_notes(l, 2);
    loop_note(l, "2", NULL);
}

/* A file system of 256 KiB; needs root, as containers have it. */
static void a_full_disk_says_so_and_comes_back(void **state)
{
    struct loop *l = *state;
    char path[200], fill[4096] = {1};
    FILE *f;
    int rc, n = 0;

    if (mkdir(l->o.folder, 0700) != 0 || mount("none", l->o.folder, "tmpfs", 0, "size=512k,mode=700") != 0) {
        print_message("(no right to mount a file system: left out)\n");
        skip();
    }
    loop_enrolled(l);
    loop_note(l, "0", NULL);
    snprintf(path, sizeof path, "%s/fill", l->o.folder);
    f = fopen(path, "w");
    assert_non_null(f);
    setbuf(f, NULL);
    while (fwrite(fill, sizeof fill, 1, f) == 1)
        ;
    fclose(f);
    /* What is left of the log's last page may still take some. */
    while ((rc = hilotill_queue(l->t, "case.note", "{\"case\":\"cas_1\",\"text\":\"x\"}", NULL, &l->e)) ==
           HILOTILL_OK)
        n++;
    assert_int_equal(rc, HILOTILL_EFULL);
    assert_non_null(strstr(l->e.text, "the disk is full"));
    assert_int_equal(loop_status(l).waiting, n + 1);
    /* What was answered can't be taken off the disk: it is not lost, and not twice in effect. */
    assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    UNTIL(l, strstr(loop_status(l).reason, "the disk is full") || loop_status(l).waiting == 0);
    assert_int_equal(unlink(path), 0);
    loop_close(l);
    assert_int_equal(loop_open(l), HILOTILL_OK);
    loop_online(l);
    UNTIL(l, loop_status(l).waiting == 0);
    assert_int_equal(rig_effects(l->rig), n + 1);
    assert_int_equal(rig_conflicts(l->rig), 0);
    loop_close(l);
    assert_int_equal(umount(l->o.folder), 0);
}

/* ---- cuts ---------------------------------------------------------------------------------------------- */

/* Every connection is cut after n bytes of TLS from hello's answer on; then one is not. */
static void cut_everywhere(struct loop *l, enum rig_direction d)
{
    unsigned n = 1;
    long whole, at;
    char text[16];

    loop_online(l);
    loop_note(l, "0", NULL);
    UNTIL(l, loop_status(l).waiting == 0);
    whole = rig_bytes(l->rig, d);
    assert_true(whole > 60);
    for (at = 0; at <= whole + 2; at++) {
        rig_cut(l->rig, d, at);
        rig_hang_up(l->rig);
        UNTIL(l, loop_status(l).line != HILOTILL_ONLINE);
        snprintf(text, sizeof text, "%u", n++);
        loop_note(l, text, NULL);
        UNTIL(l, loop_status(l).line == HILOTILL_ONLINE || loop_status(l).waiting == 0);
        UNTIL(l, loop_status(l).line != HILOTILL_ONLINE || loop_status(l).waiting == 0);
        rig_cut(l->rig, d, -1);
        UNTIL(l, loop_status(l).waiting == 0);
        assert_int_equal(rig_effects(l->rig), n);
    }
    loop_assert_notes(l, n);
}

static void cut_at_every_byte_of_a_request(void **state)
{
    cut_everywhere(*state, RIG_IN);
}

static void cut_at_every_byte_of_an_answer(void **state)
{
    cut_everywhere(*state, RIG_OUT);
}

/* Many on their way, cut somewhere each time. */
static void cut_in_a_crowd(void **state)
{
    struct loop *l = *state;
    unsigned i, n = 0;
    char text[16];

    loop_online(l);
    for (i = 1; i <= 40; i++) {
        rig_cut(l->rig, i % 2 ? RIG_IN : RIG_OUT, (long)i * 97 % 2900);
        rig_cut(l->rig, i % 2 ? RIG_OUT : RIG_IN, -1);
        if (i % 5 == 0)
            rig_later(l->rig, 1);
        rig_hang_up(l->rig);
        while (n < i * 25) {
            snprintf(text, sizeof text, "%u", n++);
            loop_note(l, text, NULL);
            if (n % 3 == 0)
                loop_turn(l, "a turn");
        }
    }
    rig_cut(l->rig, RIG_IN, -1);
    rig_cut(l->rig, RIG_OUT, -1);
    rig_hang_up(l->rig);
    UNTIL(l, loop_status(l).waiting == 0);
    loop_assert_notes(l, n);
}

/* ---- pushes -------------------------------------------------------------------------------------------- */

static void a_push_is_acknowledged_when_it_is_done(void **state)
{
    struct loop *l = *state;
    char *ack;
    cJSON *p;

    loop_online(l);
    rig_push(l->rig, "p-1", "customer.arriving", "{\"why\":\"near\"}");
    UNTIL(l, l->n_pushes == 1);
    assert_string_equal(l->pushes[0].method, "customer.arriving");
    assert_string_equal(l->pushes[0].params, "{\"why\":\"near\"}");
    /* Not done: not acknowledged, and not given twice when it comes again. */
    rig_hang_up(l->rig);
    UNTIL(l, rig_hellos(l->rig) == 2);
    rig_push(l->rig, "p-2", "customer.arriving", "{}");
    UNTIL(l, l->n_pushes == 2);
    assert_string_equal(l->pushes[1].id, "p-2");
    assert_int_equal(rig_acks(l->rig, "p-1"), 0);
    assert_int_equal(hilotill_push_done(l->t, "p-1", NULL, &l->e), HILOTILL_OK);
    UNTIL(l, rig_acks(l->rig, "p-1") == 1);
    ack = rig_ack(l->rig, "p-1");
    assert_non_null(strstr(ack, "\"result\":{}"));
    free(ack);
    assert_int_equal(hilotill_push_done(l->t, "p-1", NULL, &l->e), HILOTILL_EARG);
    /* A restart of the till: the one that was not done is given again. */
    loop_close(l);
    loop_online(l);
    UNTIL(l, l->n_pushes == 3);
    assert_string_equal(l->pushes[2].id, "p-2");
    p = rig_request(l->rig, "hello", 2);
    assert_string_equal(cJSON_GetObjectItem(p, "last_push")->valuestring, "p-1");
    cJSON_Delete(p);
    assert_int_equal(hilotill_push_refuse(l->t, "p-2", "no screen", &l->e), HILOTILL_OK);
    UNTIL(l, rig_acks(l->rig, "p-2") == 1);
    ack = rig_ack(l->rig, "p-2");
    assert_non_null(strstr(ack, "no screen"));
    free(ack);
}

/* What hello names as the last one stands for all before it: it must never pass over one that is open. */
static void done_out_of_order_none_is_passed_over(void **state)
{
    struct loop *l = *state;
    cJSON *p;

    loop_online(l);
    rig_push(l->rig, "p-1", "customer.arriving", "{}");
    rig_push(l->rig, "p-2", "customer.arriving", "{}");
    rig_push(l->rig, "p-3", "customer.arriving", "{}");
    UNTIL(l, l->n_pushes == 3);
    assert_int_equal(hilotill_push_done(l->t, "p-2", NULL, &l->e), HILOTILL_OK);
    UNTIL(l, rig_acks(l->rig, "p-2") == 1);
    loop_close(l);
    loop_online(l);
    p = rig_request(l->rig, "hello", 1);
    assert_null(cJSON_GetObjectItem(p, "last_push"));
    cJSON_Delete(p);
    UNTIL(l, l->n_pushes == 5); /* p-1 and p-3 again */
    assert_int_equal(hilotill_push_done(l->t, "p-1", NULL, &l->e), HILOTILL_OK);
    loop_close(l);
    loop_online(l);
    p = rig_request(l->rig, "hello", 2);
    assert_string_equal(cJSON_GetObjectItem(p, "last_push")->valuestring, "p-1");
    cJSON_Delete(p);
}

static void one_whose_acknowledgement_was_lost_is_not_given_again(void **state)
{
    struct loop *l = *state;
    char *ack;

    loop_online(l);
    rig_push(l->rig, "p-1", "print", "{\"job\":\"1\",\"slip\":{}}");
    UNTIL(l, l->n_pushes == 1);
    rig_hang_up(l->rig);
    rig_listen(l->rig, false);
    UNTIL(l, loop_status(l).line != HILOTILL_ONLINE);
    assert_int_equal(hilotill_push_done(l->t, "p-1", "{\"status\":\"printed\"}", &l->e), HILOTILL_OK);
    loop_close(l);
    rig_listen(l->rig, true);
    loop_online(l);
    UNTIL(l, rig_acks(l->rig, "p-1") == 1);
    ack = rig_ack(l->rig, "p-1");
    assert_non_null(strstr(ack, "\"status\":\"printed\""));
    free(ack);
    assert_int_equal(l->n_pushes, 1);
}

static void a_message_is_shown_once_under_any_id(void **state)
{
    struct loop *l = *state;

    l->take = true;
    loop_online(l);
    rig_push(l->rig, "p-1", "message.show",
             "{\"message\":\"msg_1\",\"content\":{\"type\":\"text\",\"text\":\"x\"}}");
    UNTIL(l, rig_acks(l->rig, "p-1") == 1);
    rig_push(l->rig, "p-2", "message.show",
             "{\"message\":\"msg_1\",\"content\":{\"type\":\"text\",\"text\":\"x\"}}");
    UNTIL(l, rig_acks(l->rig, "p-2") == 1);
    assert_int_equal(l->n_pushes, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(queued_without_a_line_sent_in_order_with_its_time),
        T(later_keeps_the_order),
        T(refused_is_kept_and_the_rest_goes_on),
        T(a_card_number_does_not_stay),
        T(dismissed_is_gone),
        T(what_belongs_to_an_earlier_one_gets_its_id),
        T(what_no_gateway_could_read_is_not_queued),
        T(a_full_queue_says_so),
        T(a_full_disk_says_so_and_comes_back),
        T(cut_at_every_byte_of_a_request),
        T(cut_at_every_byte_of_an_answer),
        T(cut_in_a_crowd),
        T(a_push_is_acknowledged_when_it_is_done),
        T(done_out_of_order_none_is_passed_over),
        T(one_whose_acknowledgement_was_lost_is_not_given_again),
        T(a_message_is_shown_once_under_any_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
