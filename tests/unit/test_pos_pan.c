/*
 * Card numbers in texts: what is one, what is none, and where. Numbers are the networks' and processors'
 * published test numbers; Luhn's digit is judged here by its other definition, too.
 */
#include "../../plugins/pos/pan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool found(const char *text)
{
    return pos_pan_find((struct hilo_str){text, strlen(text)}, NULL, NULL);
}

static void cards_of_every_network(void **state)
{
    static const char *const cards[] = {
        "4111111111111111", "4242424242424242", "4222222222222",       "4917610000000000003", /* Visa */
        "5555555555554444", "5105105105105100", "2223003122003222",    "2223000048400011",    /* Mastercard */
        "2720994326581252", "2221000000000009", "2720990000000007",                        /* to its edges */
        "378282246310005",  "371449635398431",  "343434343434343",                         /* Amex */
        "30569309025904",   "38520000023237",   "36227206271667",                          /* Diners */
        "6011111111111117", "6011000990139424", "6500000000000000003",                     /* Discover */
        "3530111333300000", "3566002020360505", "3589000000000000009",                     /* JCB */
        "6200000000000005", "6250941006528599", "6205500000000000004", "8100000000000002", /* UnionPay */
        "6759649826438453", "6304000000000000", "5018000000007",       "50339619890917",   /* Maestro */
        "5020000000000005",                                                                /* Maestro */
        "6362970000457013", "5067310000000010", "5090000000000000",    "6500310000000005", /* Elo */
        "6277800000000006", "4514160000000003",                                            /* Elo */
        "6062826786276634", "6370950000000005",                                            /* Hipercard */
        "5895620000000002", "6042010000000006", "5896570000000008",    "6034880000000002", /* Argentina */
        "5062540000000009", "2869000000000006", "6393880000000007",                        /* Carnet */
        "2200700000000009", "6070000000000002",                                            /* Mir, RuPay */
    };
    char text[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cards / sizeof *cards; i++) {
        size_t at = 99, n = 99;

        (void)snprintf(text, sizeof text, "tarjeta %s.", cards[i]);
        if (!pos_pan_find((struct hilo_str){text, strlen(text)}, &at, &n))
            fail_msg("%s is not seen", cards[i]);
        assert_int_equal(at, 8);
        assert_int_equal(n, strlen(cards[i]));
    }
}

static void beyond_a_networks_edges_is_none(void **state)
{
    (void)state;
    assert_false(found("2220990000000002")); /* below Mastercard's 2221 */
    assert_false(found("2721000000000004")); /* above its 2720 */
    assert_false(found("1111111111111117"));
    assert_false(found("9999999999999995"));
    assert_false(found("41111111111111112")); /* Visa has no 17 */
    assert_false(found("37828224631000"));    /* nor Amex 14 */
    assert_false(found("0000000000000000"));
}

/* Of ten last digits exactly one is right: the one that makes the sum, counted from the left here, a multiple
 * of ten. */
static void exactly_one_digit_is_luhns(void **state)
{
    static const int doubled[] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    char number[17];
    unsigned seed = 7, round;
    int i, d, seen, want;

    (void)state;
    for (round = 0; round < 2000; round++) {
        int sum = 0;

        number[0] = '4';
        for (i = 1; i < 15; i++) {
            seed = seed * 1103515245 + 12345;
            number[i] = (char)('0' + seed / 65536 % 10);
        }
        number[16] = '\0';
        for (i = 0; i < 15; i++)
            sum += i % 2 == 0 ? doubled[number[i] - '0'] : number[i] - '0';
        want = sum * 9 % 10;
        for (d = seen = 0; d < 10; d++) {
            number[15] = (char)('0' + d);
            if (found(number)) {
                seen++;
                assert_int_equal(d, want);
            }
        }
        assert_int_equal(seen, 1);
    }
}

static void in_groups(void **state)
{
    static const char *const yes[] = {
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111 - 1111 - 1111 - 1111",
        "4111\xc2\xa0"
        "1111\xc2\xa0"
        "1111\xc2\xa0"
        "1111",
        "4111\xe2\x80\x93"
        "1111\xe2\x80\x93"
        "1111\xe2\x80\x93"
        "1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111\t1111\t1111\t1111",
        "3782 822463 10005",
        "3056 930902 5904",
        "4111.1111.1111.1111",
        "4111_1111_1111_1111",
        "4111/1111/1111/1111",
        "4917 6100 0000 0000 003",
        "paga con 4111 1111 1111 1111 exp 12/28 cvv 123",
        "12 4111 1111 1111 1111 7",
        "No.4111111111111111x",
        "a4111111111111111",
        "(4111111111111111)",
        "{\"x\":\"4111111111111111\"}",
        "4111111111111112 4111111111111111",
        "\xff\xfe"
        "4111111111111111\xff",
    };
    static const char *const no[] = {
        "4111 1111 1111 1112",
        "4111    1111    1111    1111", /* four blanks: columns */
        "4111\n1111\n1111\n1111",       /* lines */
        "411.11111.1111.1111",          /* points not as on cards */
        "450000.00 450000.00",          /* two amounts whose digits would do: */
        "411111.11 111111.11",
        "1.020.304.050",
        "94111111111111111119", /* a longer number that holds one */
        "041111111111111111110000",
        "4111111111111111000000000000",
        "\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91", /* full-width digits are not digits */
        "4111\xef\xbc\x91"
        "11111111111",
        "\xd9\xa4\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9"
        "\xa1\xd9\xa1"
        "\xd9\xa1\xd9\xa1",
        "4111x1111x1111x1111",
        "",
        "4",
        "41111111111111",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!found(yes[i]))
            fail_msg("not seen: %s", yes[i]);
    for (i = 0; i < sizeof no / sizeof *no; i++)
        if (found(no[i]))
            fail_msg("no card: %s", no[i]);
}

static void numbers_of_daily_life_are_none(void **state)
{
    static const char *const no[] = {
        "+573001112233", /* telephones in E.164 */
        "+5215512345678",
        "+4915112345673", /* 13 digits, Luhn, begins with Visa's 4: */
        "300 111 2233",
        "4006381333931", /* an EAN-13 that is right, and by Luhn too or not */
        "7702004003508",
        "900373115-3 890903938-8", /* NITs */
        "20-05536168-2",           /* CUIT */
        "BOXW310820HNERXN09",      /* CURP */
        "PED-20261127-000123456",  /* an order */
        "4111111111111112",        /* an order that fails Luhn */
        "2026-11-27T15:04:05.123456Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "129900.00",
        "1764255845123456",
    };
    unsigned long ean;
    char text[32];
    size_t i, cards = 0, bad = 0;

    (void)state;
    for (i = 0; i < sizeof no / sizeof *no; i++)
        if (found(no[i]))
            fail_msg("no card: %s", no[i]);
    /* Every German or Japanese bar code: none is refused, though each tenth is right by Luhn. Beside them, 13
     * digits that are no bar code still are. */
    for (ean = 400000000000; ean < 400000003000; ean++) {
        unsigned sum = 0, k;

        (void)snprintf(text, sizeof text, "%lu", ean);
        for (k = 0; k < 12; k++)
            sum += (unsigned)(text[k] - '0') * (k % 2 ? 3 : 1);
        (void)snprintf(text + 12, sizeof text - 12, "%u", (10 - sum % 10) % 10);
        bad += found(text);
        text[12] = text[12] == '9' ? '0' : (char)(text[12] + 1);
        cards += found(text);
    }
    assert_int_equal(bad, 0);
    assert_true(cards > 100);
    /* A plus does not hide what no telephone number is. */
    assert_true(found("+4111111111111111"));
    assert_true(found("+378282246310005"));
}

static void json_is_looked_through(void **state)
{
    static const struct {
        const char *json, *pointer; /* NULL: nothing to be found */
    } cases[] = {
        {"{\"text\":\"4111 1111 1111 1111\"}", "/text"},
        {"{\"a\":{\"b\":[1,\"x\",{\"c/d~e\":\"4111111111111111\"}]}}", "/a/b/2/c~1d~0e"},
        {"{\"price\":4111111111111111}", "/price"},
        {"{\"price\":-4111111111111111}", "/price"},
        {"{\"price\":4917610000000000003}", "/price"}, /* its digits are lost by then */
        {"{\"price\":1e300}", "/price"},
        {"{\"a\":{\"4111111111111111\":1}}", "/a/"}, /* a name is not repeated */
        {"{\"t\":\"\\u00344111111111111\\u0031\\u0031\\u0031\"}", NULL},
        {"{\"t\":\"\\u0034111111111111111\"}", "/t"}, /* escapes are the parser's, and gone by then */
        {"{\"at\":1764255845123,\"sku\":\"4006381333931\",\"price\":\"129900.00\",\"n\":3,\"b\":true,\"z\":"
         "null}",
         NULL},
        {"[[[[\"4111111111111112\"]]]]", NULL},
        {"{}", NULL},
    };
    char pointer[64], tiny[4];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *json = cJSON_Parse(cases[i].json);
        bool is;

        assert_non_null(json);
        is = pos_pan_in_json(json, pointer, sizeof pointer);
        if (is != (cases[i].pointer != NULL) || (is && strcmp(pointer, cases[i].pointer) != 0))
            fail_msg("%s: %d at %s", cases[i].json, is, pointer);
        assert_int_equal(pos_pan_in_json(json, tiny, sizeof tiny), is);
        assert_true(strlen(tiny) < sizeof tiny);
        cJSON_Delete(json);
    }
}

/* One in thousands has such digits; a till that named this push could not say hello again. */
static void an_id_is_none(void **state)
{
    static const char *const id[] = {
        "p-print-4e7d80ba1624d6a3b570269871832615", "4e7d80ba1624d6a3b570269871832615",
        "a4111111-1111-1111-1a00-000000000000",     "msg_01M84111111111111111ABCDEF",
        "p-evt_01M84111111111111111ABCDEF",
    };
    static const char *const other[] = {"p-4111111111111111", "msg_4111111111111111",
                                        "p-print-4111111111111111", "4111-1111-1111-1111"};
    char pointer[64];

    (void)state;
    for (unsigned i = 0; i < sizeof id / sizeof *id; i++) {
        cJSON *v = cJSON_CreateString(id[i]);
        assert_false(pos_pan_in_json(v, pointer, sizeof pointer));
        cJSON_Delete(v);
    }
    for (unsigned i = 0; i < sizeof other / sizeof *other; i++) {
        cJSON *v = cJSON_CreateString(other[i]);
        assert_true(pos_pan_in_json(v, pointer, sizeof pointer));
        cJSON_Delete(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_of_every_network),
        cmocka_unit_test(beyond_a_networks_edges_is_none),
        cmocka_unit_test(exactly_one_digit_is_luhns),
        cmocka_unit_test(in_groups),
        cmocka_unit_test(numbers_of_daily_life_are_none),
        cmocka_unit_test(json_is_looked_through),
        cmocka_unit_test(an_id_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
