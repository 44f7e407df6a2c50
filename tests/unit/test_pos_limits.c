/*
 * How often people may be looked up, on a clock of the test's: by terminal and by clerk, in bounded memory;
 * what a role may ask and is shown; the code that an operator hands over.
 */
#include "../../plugins/pos/code.h"
#include "../../plugins/pos/limits.h"
#include "../../plugins/pos/roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S 1000000

static struct hilo_str z(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

/* ---- limits ------------------------------------------------------------------------------------------- */

static void a_burst_then_one_an_interval(void **state)
{
    const struct pos_limits_conf conf = {{10 * S, 3}, {20 * S, 2}};
    struct pos_limits *l = pos_limits_new(&conf);
    int64_t retry = 0;

    (void)state;
    assert_non_null(l);
    /* The clerk's two, then the clerk is the reason, and for how long. */
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("ana"), 0, &retry), POS_LIMITED_NOT);
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("ana"), 0, &retry), POS_LIMITED_NOT);
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("ana"), 1 * S, &retry), POS_LIMITED_CLERK);
    assert_int_equal(retry, 19 * S);
    /* Another clerk has the terminal's third; then the terminal is the reason. */
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("eva"), 1 * S, &retry), POS_LIMITED_NOT);
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("eva"), 1 * S, &retry), POS_LIMITED_TERMINAL);
    assert_int_equal(retry, 9 * S);
    /* Neither another name nor none talks a terminal out of it. */
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("zoe"), 1 * S, &retry), POS_LIMITED_TERMINAL);
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z(""), 1 * S, &retry), POS_LIMITED_TERMINAL);
    /* ana is limited at the next till of her store, and another store's ana is not. */
    assert_int_equal(pos_limits_take(l, z("A"), z("2"), z("ana"), 1 * S, &retry), POS_LIMITED_CLERK);
    assert_int_equal(pos_limits_take(l, z("B"), z("1"), z("ana"), 1 * S, &retry), POS_LIMITED_NOT);
    /* Names are whole: store "A", terminal "1x" is not store "A1", terminal "x". */
    assert_int_equal(pos_limits_take(l, z("A1"), z(""), z(""), 1 * S, &retry), POS_LIMITED_NOT);
    /* Exactly when it was said, and not before. */
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("zoe"), 10 * S - 1, &retry), POS_LIMITED_TERMINAL);
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("zoe"), 10 * S, &retry), POS_LIMITED_NOT);
    /* What was refused took nothing: ana has her token at 20 s for all her tries. */
    assert_int_equal(pos_limits_take(l, z("A"), z("2"), z("ana"), 20 * S, &retry), POS_LIMITED_NOT);
    pos_limits_free(&l);
    assert_null(l);
}

static void no_limit_is_none(void **state)
{
    const struct pos_limits_conf conf = {{0, 1}, {0, 1}}, some = {{10 * S, 1}, {0, 1}};
    struct pos_limits *l = pos_limits_new(&conf);
    int64_t retry;
    int i;

    (void)state;
    for (i = 0; i < 1000; i++)
        assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("ana"), 0, &retry), POS_LIMITED_NOT);
    pos_limits_set(l, &some);
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("ana"), 0, &retry), POS_LIMITED_NOT);
    assert_int_equal(pos_limits_take(l, z("A"), z("1"), z("ana"), 0, &retry), POS_LIMITED_TERMINAL);
    pos_limits_free(&l);
}

/* A long run: never more than the burst and one an interval, and no less. */
static void in_the_long_run(void **state)
{
    const struct pos_rate rate = {7, 5};
    struct pos_buckets *b = pos_buckets_new(4);
    int64_t now, taken = 0;

    (void)state;
    for (now = 0; now < 70000; now++) {
        if (pos_buckets_wait(b, z("k"), rate, now) == 0) {
            pos_buckets_take(b, z("k"), rate, now);
            taken++;
        }
        assert_true(taken <= rate.burst + now / rate.interval_us);
    }
    assert_int_equal(taken, rate.burst + (70000 - 1) / rate.interval_us);
    pos_buckets_free(&b);
}

/* Debts are forgotten from the smallest on, and full buckets first. */
static void memory_is_bounded(void **state)
{
    const struct pos_rate slow = {1000 * S, 2}, fast = {1, 2};
    struct pos_buckets *b = pos_buckets_new(64);
    char key[32];
    int i;

    (void)state;
    pos_buckets_take(b, z("guilty"), slow, 0);
    pos_buckets_take(b, z("guilty"), slow, 0);
    assert_true(pos_buckets_wait(b, z("guilty"), slow, 0) > 0);
    for (i = 0; i < 100000; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        pos_buckets_take(b, z(key), i % 2 ? slow : fast, i);
        assert_true(pos_buckets_used(b) <= 64);
    }
    assert_true(pos_buckets_wait(b, z("guilty"), slow, 100000) > 0);
    /* Owing is bounded, too: refused a thousand times over is not locked out for hours. */
    for (i = 0; i < 1000; i++)
        pos_buckets_take(b, z("guilty"), slow, 200000);
    assert_true(pos_buckets_wait(b, z("guilty"), slow, 200000) <= 3 * slow.interval_us);
    pos_buckets_free(&b);
    pos_buckets_free(&b);
}

/* ---- roles -----------------------------------------------------------------------------------------------
 */

static void roles_have_names(void **state)
{
    (void)state;
    assert_int_equal(pos_role_of(z("clerk")), POS_ROLE_CLERK);
    assert_int_equal(pos_role_of(z("cashier")), POS_ROLE_CASHIER);
    assert_int_equal(pos_role_of(z("kiosk")), POS_ROLE_KIOSK);
    assert_int_equal(pos_role_of(z("")), POS_ROLE_NONE);
    assert_int_equal(pos_role_of(z("Clerk")), POS_ROLE_NONE);
    assert_int_equal(pos_role_of(z("clerks")), POS_ROLE_NONE);
    assert_string_equal(pos_role_name(POS_ROLE_NONE), "");
}

/* Row by row, as PROTOCOL.md's section 4 has them; what is in neither list is nobody's. */
static void a_role_may_its_methods_alone(void **state)
{
    static const char *const everybody[] = {"hello", "ping", "certificate.renew", "appointment.checkin",
                                            "choice.answer"};
    static const char *const cashier[] = {"customer.find", "slip.render", "wish.add", "visit.record",
                                          "sale.record"};
    static const char *const clerk[] = {"customer.timeline", "media.get",    "customer.upsert",
                                        "case.open",         "case.note",    "case.update",
                                        "consent.set",       "message.send", "case.close"};
    static const char *const nobody[] = {"enroll", "", "customer", "customer.findx", "HELLO", "nosuch"};
    size_t i;
#define EACH(list, c, s, k)                                                                                  \
    for (i = 0; i < sizeof(list) / sizeof *(list); i++) {                                                    \
        assert_int_equal(pos_role_may(POS_ROLE_CLERK, z((list)[i])), c);                                     \
        assert_int_equal(pos_role_may(POS_ROLE_CASHIER, z((list)[i])), s);                                   \
        assert_int_equal(pos_role_may(POS_ROLE_KIOSK, z((list)[i])), k);                                     \
        assert_false(pos_role_may(POS_ROLE_NONE, z((list)[i])));                                             \
    }

    (void)state;
    EACH(everybody, true, true, true)
    EACH(cashier, true, true, false)
    EACH(clerk, true, false, false)
    EACH(nobody, false, false, false)
    assert_true(pos_role_may_find_by(POS_ROLE_CASHIER, z("document")));
    assert_true(pos_role_may_find_by(POS_ROLE_CLERK, z("customer")));
    assert_false(pos_role_may_find_by(POS_ROLE_CASHIER, z("customer")));
    assert_true(pos_role_may_find_by(POS_ROLE_CASHIER, z("case")));
    assert_false(pos_role_may_find_by(POS_ROLE_KIOSK, z("case")));
    assert_false(pos_role_may_find_by(POS_ROLE_KIOSK, z("document")));
    assert_true(pos_role_may_find_by(POS_ROLE_KIOSK, z("appointment")));
    assert_false(pos_role_may_find_by(POS_ROLE_CLERK, z("name")));
}

#define LOOKUP                                                                                               \
    "{\"as_of\":\"2026-11-27T15:04:05Z\",\"customer\":{\"id\":\"cus_1\",\"name\":\"Ana "                     \
    "Ruiz\",\"language\":\"es\","                                                                            \
    "\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\"}],\"birthday\":\"1980-01-01\"},"     \
    "\"consents\":[1],\"cases\":[{\"subject\":\"secret\"}],\"appointments\":[{\"id\":\"apt_1\",\"code\":"    \
    "\"K7QM2P\","                                                                                            \
    "\"customer\":\"cus_1\",\"status\":\"booked\",\"store\":\"CENTRO\",\"starts_at\":\"x\",\"subject\":"     \
    "\"Cambio\"}],"                                                                                          \
    "\"wishes\":[1],\"visits\":[1],\"sales\":[1],\"timeline\":[1],\"something_new\":1}"

static void is_shown(enum pos_role role, const char *want)
{
    cJSON *json = cJSON_Parse(LOOKUP);
    char *text;

    assert_non_null(json);
    assert_true(pos_role_prune_lookup(role, json));
    text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, want);
    cJSON_free(text);
    cJSON_Delete(json);
}

static void a_role_is_shown_its_part_alone(void **state)
{
    cJSON *json = cJSON_Parse("{\"as_of\":\"x\",\"customer\":null,\"cases\":[]}");
    char *text;

    (void)state;
    is_shown(POS_ROLE_CLERK, LOOKUP);
    is_shown(POS_ROLE_CASHIER,
             "{\"as_of\":\"2026-11-27T15:04:05Z\",\"customer\":{\"id\":\"cus_1\",\"name\":\"Ana "
             "Ruiz\",\"language\":\"es\"},"
             "\"appointments\":[{\"id\":\"apt_1\",\"code\":\"K7QM2P\",\"customer\":\"cus_1\",\"status\":"
             "\"booked\","
             "\"store\":\"CENTRO\",\"starts_at\":\"x\",\"subject\":\"Cambio\"}],\"minimal\":true}");
    is_shown(POS_ROLE_KIOSK, "{\"as_of\":\"2026-11-27T15:04:05Z\",\"customer\":{\"name\":\"Ana\"},"
                             "\"appointments\":[{\"id\":\"apt_1\","
                             "\"status\":\"booked\",\"store\":\"CENTRO\",\"starts_at\":\"x\",\"subject\":"
                             "\"Cambio\"}],\"minimal\":true}");
    assert_false(pos_role_prune_lookup(POS_ROLE_NONE, json));
    assert_true(pos_role_prune_lookup(POS_ROLE_CASHIER, json));
    text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, "{\"as_of\":\"x\",\"customer\":null,\"minimal\":true}");
    cJSON_free(text);
    cJSON_Delete(json);
}

/* ---- codes
 * ------------------------------------------------------------------------------------------------- */

static struct pos_code some_code(void)
{
    struct pos_code c = {.port = 7443, .host = "pos.tienda.example"};
    unsigned i;

    for (i = 0; i < POS_CODE_SECRET; i++)
        c.secret[i] = (uint8_t)(0xf0 + i);
    for (i = 0; i < POS_CODE_FINGERPRINT; i++)
        c.fingerprint[i] = (uint8_t)(17 * i);
    return c;
}

/* The example of PROTOCOL.md, which was made by another program (Python, from the text of section 8). */
static void a_code_is_what_the_protocol_says(void **state)
{
    static const char example[] = "HILO1-Y3RZ5-WZMYQ-VFFY7-SZBXG-04926-D25AS-KQH2C-TNEYC-VQQFY-78KE1-QQ6BK-"
                                  "MD5JP-WS315-SJQGR-BDE1P-6BYKK-S8";
    struct pos_code c = some_code(), back;
    char text[POS_CODE_TEXT_MAX];
    const char *why = NULL;

    (void)state;
    assert_int_equal(pos_code_write(&c, text), HILO_OK);
    assert_string_equal(text, example);
    assert_int_equal(pos_code_read(z(example), &back, &why), HILO_OK);
    assert_memory_equal(&back, &c, sizeof c);
}

static void a_code_survives_people(void **state)
{
    struct pos_code c = some_code(), back;
    char text[POS_CODE_TEXT_MAX], typed[2 * POS_CODE_TEXT_MAX];
    const char *why;
    size_t i, n = 0;

    (void)state;
    assert_int_equal(pos_code_write(&c, text), HILO_OK);
    typed[n++] = ' ';
    for (i = 0; text[i]; i++) {
        char ch = text[i];

        if (ch == '-')
            ch = i % 2 ? ' ' : '\n';
        else if (ch == '0')
            ch = i % 2 ? 'o' : 'O';
        else if (ch == '1')
            ch = i % 2 ? 'l' : 'I';
        else if (ch >= 'A' && ch <= 'Z' && i % 3)
            ch = (char)(ch + 32);
        typed[n++] = ch;
        if (i % 7 == 0)
            typed[n++] = '-';
    }
    typed[n++] = '\r';
    assert_int_equal(pos_code_read((struct hilo_str){typed, n}, &back, &why), HILO_OK);
    assert_memory_equal(&back, &c, sizeof c);
}

/* Any one character that is another one, and any two that are swapped. */
static void a_mistyped_code_is_found_out(void **state)
{
    struct pos_code c = some_code(), back;
    char text[POS_CODE_TEXT_MAX], wrong[POS_CODE_TEXT_MAX];
    const char *why = NULL;
    size_t i;

    (void)state;
    assert_int_equal(pos_code_write(&c, text), HILO_OK);
    for (i = 6; text[i]; i++) {
        if (text[i] == '-')
            continue;
        strcpy(wrong, text);
        wrong[i] = text[i] == 'Z' ? 'Y' : 'Z';
        assert_int_equal(pos_code_read(z(wrong), &back, &why), HILO_INVALID);
        assert_string_equal(why, "check");
        if (text[i + 1] && text[i + 1] != '-' && text[i + 1] != text[i]) {
            strcpy(wrong, text);
            wrong[i] = text[i + 1];
            wrong[i + 1] = text[i];
            assert_int_equal(pos_code_read(z(wrong), &back, &why), HILO_INVALID);
        }
    }
    assert_int_equal(pos_code_read((struct hilo_str){text, strlen(text) - 2}, &back, &why), HILO_INVALID);
    assert_int_equal(pos_code_read(z("HILO2-00000"), &back, &why), HILO_INVALID);
    assert_string_equal(why, "prefix");
    assert_int_equal(pos_code_read(z("HILO1-0000u"), &back, &why), HILO_INVALID);
    assert_string_equal(why, "characters");
    assert_int_equal(pos_code_read(z("HILO1-"), &back, &why), HILO_INVALID);
    assert_string_equal(why, "length");
    assert_int_equal(pos_code_read(z(""), &back, &why), HILO_INVALID);
    c.port = 0;
    assert_int_equal(pos_code_write(&c, text), HILO_INVALID);
    c.port = 1;
    strcpy(c.host, "a b");
    assert_int_equal(pos_code_write(&c, text), HILO_INVALID);
    c.host[0] = '\0';
    assert_int_equal(pos_code_write(&c, text), HILO_INVALID);
    memset(c.host, 'x', POS_CODE_HOST_MAX);
    c.host[POS_CODE_HOST_MAX] = '\0';
    assert_int_equal(pos_code_write(&c, text), HILO_OK);
    assert_int_equal(pos_code_read(z(text), &back, &why), HILO_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_one_an_interval),
        cmocka_unit_test(no_limit_is_none),
        cmocka_unit_test(in_the_long_run),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(roles_have_names),
        cmocka_unit_test(a_role_may_its_methods_alone),
        cmocka_unit_test(a_role_is_shown_its_part_alone),
        cmocka_unit_test(a_code_is_what_the_protocol_says),
        cmocka_unit_test(a_code_survives_people),
        cmocka_unit_test(a_mistyped_code_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
