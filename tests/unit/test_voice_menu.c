/*
 * The voice menu: what is written becomes steps, what is wrong is said with its place, and what would leave a
 * caller in a circle or without an end is refused.
 */
#include "../../plugins/voice/caller.h"
#include "../../plugins/voice/id.h"
#include "../../plugins/voice/menu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS       "{\"es\":\"Hola\",\"en\":\"Hello\"}"
#define BYE         "\"bye\":{\"do\":\"hangup\"}"
#define MENU(steps) "{\"start\":\"a\"," steps "," BYE "}"

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};

    return r;
}

static void refused(const char *json, const char *begins)
{
    char wrong[MENU_WRONG] = "";
    struct menu *m = menu_read(str(json), str(""), wrong);

    if (m || strncmp(wrong, begins, strlen(begins)) != 0)
        fail_msg("\"%s\" instead of \"%s\" for %s", m ? "taken" : wrong, begins, json);
}

static struct menu *taken(const char *json)
{
    char wrong[MENU_WRONG] = "";
    struct menu *m = menu_read(str(json), str(""), wrong);

    if (!m)
        fail_msg("%s: %s", wrong, json);
    return m;
}

static bool is(struct hilo_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* ---- what is taken ----------------------------------------------------------------------------- */

static const char whole[] =
    "{\"start\":\"when\","
    "\"hours\":{\"time_zone\":\"America/Bogota\",\"mon-fri\":\"09:00-18:00\",\"holidays\":[\"12-25\"]},"
    "\"when\":{\"do\":\"hours\",\"open\":\"tongue\",\"closed\":\"night\",\"holiday\":\"night\"},"
    "\"tongue\":{\"do\":\"language\",\"next\":\"who\"},"
    "\"who\":{\"do\":\"identify\",\"document\":\"CO:CC\",\"tries\":2,\"caller_id\":false,"
    "\"found\":\"open\",\"unknown\":\"main\"},"
    "\"open\":{\"do\":\"tell\",\"next\":\"main\"},"
    "\"main\":{\"do\":\"keys\",\"say\":" WORDS ",\"wait\":\"4s\",\"tries\":2,\"barge_in\":false,"
    "\"no_key\":\"night\",\"wrong_key\":\"person\",\"keys\":{"
    "\"1\":{\"to\":\"case\",\"label\":" WORDS ",\"choice\":\"exchange\"},\"0\":\"person\",\"*\":\"main\"}},"
    "\"case\":{\"do\":\"case\",\"subject\":\"Cambio\",\"new\":true,\"next\":\"what\"},"
    "\"what\":{\"do\":\"choices\",\"say\":" WORDS ",\"no_key\":\"tell\",\"choices\":["
    "{\"choice\":\"refund\",\"label\":" WORDS ",\"to\":\"tell\"},"
    "{\"choice\":\"repair\",\"label\":" WORDS ",\"to\":\"person\"}]},"
    "\"tell\":{\"do\":\"record\",\"max\":\"90s\",\"silence\":\"3s\",\"next\":\"night\"},"
    "\"person\":{\"do\":\"transfer\",\"to\":\"sip:600@pbx.example\",\"attended\":true,\"busy\":\"main\","
    "\"no_answer\":\"night\"},"
    "\"night\":{\"do\":\"say\",\"say\":\"closed\",\"next\":\"bye\"},"
    "\"bye\":{\"do\":\"hangup\",\"say\":{\"es\":\"file:/a.wav\",\"en\":\"file:/b.wav\"}}}";

static void all_of_it(void **state)
{
    struct menu *m = taken(whole);
    const struct menu_step *s;

    (void)state;
    assert_int_equal(m->n_steps, 11);
    assert_int_equal(m->start, menu_find(m, str("when")));
    assert_true(m->has_hours);
    assert_true(is(m->hours.time_zone, "America/Bogota"));
    assert_int_equal(m->hours.day[1][0].from, 540);
    assert_int_equal(m->hours.day[0][0].until, 0);
    assert_int_equal(m->hours.holiday[0], 1225);

    s = &m->step[menu_find(m, str("who"))];
    assert_int_equal(s->what, MENU_IDENTIFY);
    assert_int_equal(s->tries, 2);
    assert_false(s->caller_id);
    assert_true(is(s->document, "CO:CC"));
    assert_int_equal(s->found, menu_find(m, str("open")));

    s = &m->step[menu_find(m, str("main"))];
    assert_int_equal(s->n_keys, 3);
    assert_int_equal(s->wait_us, 4000000);
    assert_false(s->barge_in);
    assert_int_equal(s->key[0].key, '1');
    assert_true(is(s->key[0].choice, "exchange"));
    assert_int_equal(s->key[0].to, menu_find(m, str("case")));
    assert_int_equal(s->key[1].key, '0');
    assert_int_equal(s->key[2].key, '*');
    assert_int_equal(s->wrong_key, menu_find(m, str("person")));

    s = &m->step[menu_find(m, str("what"))];
    assert_int_equal(s->key[1].key, '2');
    assert_true(is(s->key[1].choice, "repair"));

    s = &m->step[menu_find(m, str("person"))];
    assert_true(s->attended && s->attended_given);
    assert_true(is(s->target, "sip:600@pbx.example"));

    s = &m->step[menu_find(m, str("tell"))];
    assert_int_equal(s->max_us, 90000000);
    assert_int_equal(s->silence_us, 3000000);
    assert_true(is(m->step[menu_find(m, str("night"))].prompt.built_in, "closed"));
    assert_true(is(m->step[menu_find(m, str("bye"))].prompt.en, "file:/b.wav"));
    menu_free(m);
}

static void built_in(void **state)
{
    char wrong[MENU_WRONG] = "";
    struct menu *m = menu_read(str(""), str(""), wrong);
    uint32_t i;

    (void)state;
    assert_string_equal(wrong, "");
    assert_non_null(m);
    for (i = 0; i < m->n_steps; i++)
        assert_int_not_equal(m->step[i].what, MENU_TRANSFER);
    menu_free(m);
    m = menu_read(str(""), str("sip:600@pbx"), wrong);
    assert_non_null(m);
    assert_true(is(m->step[menu_find(m, str("person"))].target, "sip:600@pbx"));
    menu_free(m);
}

/* ---- what is not -------------------------------------------------------------------------------------- */

static void places(void **state)
{
    (void)state;
    refused("[]", "menu: ");
    refused("nonsense", "menu: ");
    refused("{}", "menu: there is no step");
    refused("{" BYE "}", "menu: where a call begins");
    refused("{\"start\":\"buy\"," BYE "}", "menu.start: there is no step 'buy'");
    refused("{\"start\":\"bye\",\"bye\":\"hangup\"}", "menu.bye: ");
    refused("{\"start\":\"bye\",\"bye\":{}}", "menu.bye: what this step does");
    refused("{\"start\":\"bye\",\"bye\":{\"do\":\"hang\"}}", "menu.bye.do: 'hang'");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":" WORDS "}"),
            "menu.a: a step that does 'say' says 'next' too");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":" WORDS ",\"next\":\"bye\",\"keys\":{}}"), "menu.a.keys: ");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":" WORDS ",\"next\":7}"), "menu.a.next: a text");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{\"1\":\"salse\"}}"),
            "menu.a.keys.1: there is no step 'salse'");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{\"10\":\"bye\"}}"),
            "menu.a.keys.10: a key is");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{\"A\":\"bye\"}}"),
            "menu.a.keys.A: a key is");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{}}"), "menu.a.keys: ");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{\"1\":{\"label\":" WORDS "}}}"),
            "menu.a.keys.1: where this key leads");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{\"1\":{\"to\":\"bye\",\"lable\":1}}}"),
            "menu.a.keys.1.lable: ");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"tries\":0,\"keys\":{\"1\":\"bye\"}}"),
            "menu.a.tries: ");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"wait\":\"5\",\"keys\":{\"1\":\"bye\"}}"),
            "menu.a.wait: ");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"wait\":\"61s\",\"keys\":{\"1\":\"bye\"}}"),
            "menu.a.wait: ");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"barge_in\":\"no\",\"keys\":{\"1\":\"bye\"}}"),
            "menu.a.barge_in: ");
    refused(MENU("\"a\":{\"do\":\"choices\",\"say\":" WORDS
                 ",\"no_key\":\"bye\",\"choices\":[{\"choice\":\"x\",\"to\":\"bye\"}]}"),
            "menu.a.choices.0: its label");
    refused(MENU("\"a\":{\"do\":\"choices\",\"say\":" WORDS
                 ",\"no_key\":\"bye\",\"choices\":[{\"label\":" WORDS ",\"to\":\"bye\"}]}"),
            "menu.a.choices.0: what it is called");
    refused(MENU("\"a\":{\"do\":\"identify\",\"document\":\"cc\",\"found\":\"bye\",\"unknown\":\"bye\"}"),
            "menu.a.document: ");
    refused(MENU("\"a\":{\"do\":\"hours\",\"open\":\"bye\",\"closed\":\"bye\"}"),
            "menu.a: there are no opening hours");
}

static void words(void **state)
{
    (void)state;
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":{\"es\":\"Hola\"},\"next\":\"bye\"}"),
            "menu.a.say: en is lacking");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":{\"en\":\"Hello\"},\"next\":\"bye\"}"),
            "menu.a.say: es is lacking");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":{\"es\":\"a\",\"en\":\"b\",\"pt\":\"c\"},\"next\":\"bye\"}"),
            "menu.a.say.pt: ");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":\"Hola\",\"next\":\"bye\"}"),
            "menu.a.say: there is no built-in prompt");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":{\"es\":\"\",\"en\":\"b\"},\"next\":\"bye\"}"),
            "menu.a.say.es: ");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":{\"es\":\"a\",\"en\":\"b {name\"},\"next\":\"bye\"}"),
            "menu.a.say.en: ");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":{\"es\":\"a\",\"en\":\"b {x|fate}\"},\"next\":\"bye\"}"),
            "menu.a.say.en: ");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":{\"es\":\"file:a.wav\",\"en\":\"b\"},\"next\":\"bye\"}"),
            "menu.a.say.es: ");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{\"1\":{\"to\":\"bye\",\"label\":\"menu_"
                 "item\"}}}"),
            "menu.a.keys.1.label: words");
    refused(MENU("\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{\"1\":{\"to\":\"bye\",\"label\":{"
                 "\"es\":\"file:/"
                 "a\",\"en\":\"b\"}}}}"),
            "menu.a.keys.1.label: words are expected, no file");
    menu_free(taken(MENU("\"a\":{\"do\":\"say\",\"say\":{\"es\":\"Su cita: {appointment.starts|date_time}\","
                         "\"en\":\"<speak>Hi <break time='300ms'/></speak>\"},\"next\":\"bye\"}")));
}

static void hours(void **state)
{
    (void)state;
#define HOURS(h) "{\"start\":\"bye\",\"hours\":" h "," BYE "}"
    refused(HOURS("7"), "menu.hours: ");
    refused(HOURS("{}"), "menu.hours: no day");
    refused(HOURS("{\"lun\":\"09:00-10:00\"}"), "menu.hours.lun: ");
    refused(HOURS("{\"mon\":\"9-10\"}"), "menu.hours.mon: hours are written");
    refused(HOURS("{\"mon\":9}"), "menu.hours.mon: ");
    refused(HOURS("{\"mon-wed\":\"09:00-10:00\",\"tue\":\"closed\"}"), "menu.hours.tue: one of these days");
    refused(HOURS("{\"time_zone\":\"Bogota\",\"mon\":\"closed\"}"), "menu.hours.time_zone: ");
    refused(HOURS("{\"mon\":\"09:00-10:00\",\"holidays\":\"12-25\"}"), "menu.hours.holidays: ");
    refused(HOURS("{\"mon\":\"09:00-10:00\",\"holidays\":[\"12-25\",\"31-12\"]}"), "menu.hours.holidays.1: ");
    menu_free(taken(HOURS("{\"mon\":\"09:00-10:00\"}")));
}

static void targets(void **state)
{
    static const char *const good[] = {"600",
                                       "*98",
                                       "+573001112233",
                                       "ventas.norte",
                                       "sip:600@pbx.example",
                                       "sips:a@[2001:db8::1]:5061;transport=tls",
                                       "tel:+57-300-111-2233"};
    static const char *const bad[] = {"",          "600 601",      "a@b",           "sip:", "sip:a@",
                                      "sip:a b@c", "sip:<a@b>",    "sip:a\r\nX@b",  "tel:", "tel:abc",
                                      "http://x",  "sip:a@b\"c\"", "sip:\xc3\xa9@b"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof good / sizeof *good; i++)
        if (!menu_target_good(str(good[i])))
            fail_msg("%s", good[i]);
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        if (menu_target_good(str(bad[i])))
            fail_msg("%s", bad[i]);
    refused(MENU("\"a\":{\"do\":\"transfer\",\"to\":\"sales desk\",\"no_answer\":\"bye\"}"),
            "menu.a.to: not a SIP target");
}

/* ---- the proof --------------------------------------------------------------------------------------------
 */

static void proof(void **state)
{
    (void)state;
    /* Nobody comes here. */
    refused("{\"start\":\"bye\",\"lost\":{\"do\":\"hangup\"}," BYE "}", "menu.lost: no way leads");
    /* Silent circles: of one, of two, by a menu's silence, by a transfer that fails. */
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":" WORDS ",\"next\":\"a\"}"), "menu.a.next: ");
    refused(MENU("\"a\":{\"do\":\"say\",\"say\":" WORDS ",\"next\":\"b\"},"
                 "\"b\":{\"do\":\"keys\",\"no_key\":\"a\",\"keys\":{\"1\":\"bye\"}}"),
            "menu.b.no_key: ");
    refused(MENU("\"a\":{\"do\":\"transfer\",\"to\":\"600\",\"busy\":\"b\",\"no_answer\":\"bye\"},"
                 "\"b\":{\"do\":\"say\",\"say\":" WORDS ",\"next\":\"a\"}"),
            "menu.b.next: ");
    refused("{\"start\":\"a\",\"hours\":{\"mon\":\"09:00-10:00\"},"
            "\"a\":{\"do\":\"hours\",\"open\":\"bye\",\"closed\":\"b\"},"
            "\"b\":{\"do\":\"tell\",\"next\":\"a\"}," BYE "}",
            "menu.b.next: ");
    refused(MENU("\"a\":{\"do\":\"identify\",\"found\":\"bye\",\"unknown\":\"b\"},"
                 "\"b\":{\"do\":\"tell\",\"next\":\"a\"}"),
            "menu.b.next: ");
    /* By a key is her own doing, as is one key wrong after the other. */
    menu_free(taken(MENU(
        "\"a\":{\"do\":\"keys\",\"no_key\":\"bye\",\"wrong_key\":\"b\",\"keys\":{\"1\":\"a\",\"2\":\"b\"}},"
        "\"b\":{\"do\":\"say\",\"say\":" WORDS ",\"next\":\"a\"}")));
    /* Two ways to one step are no circle. */
    menu_free(taken(MENU("\"a\":{\"do\":\"identify\",\"found\":\"b\",\"unknown\":\"c\"},"
                         "\"b\":{\"do\":\"tell\",\"next\":\"c\"},\"c\":{\"do\":\"tell\",\"next\":\"bye\"}")));
}

static void large(void **state)
{
    size_t room = 64 * 1024, n;
    char *json = malloc(room), wrong[MENU_WRONG];
    int i, steps;

    (void)state;
    assert_non_null(json);
    for (steps = 254; steps < 260; steps++) {
        n = (size_t)snprintf(json, room, "{\"start\":\"s0\"");
        for (i = 0; i < steps; i++)
            n += (size_t)snprintf(json + n, room - n,
                                  ",\"s%d\":{\"do\":\"say\",\"say\":" WORDS ",\"next\":\"s%d\"}", i, i + 1);
        (void)snprintf(json + n, room - n, ",\"s%d\":{\"do\":\"hangup\"}}", steps);
        {
            struct menu *m = menu_read(str(json), str(""), wrong);

            assert_int_equal(m != NULL, steps + 1 <= MENU_STEPS_MAX);
            menu_free(m);
        }
    }
    free(json);
}

/* ---- who calls
 * ------------------------------------------------------------------------------------------------ */

static void numbers(void **state)
{
    static const struct {
        const char *uri, *code, *number; /* NULL: none */
    } cases[] = {{"sip:+573001112233@pbx.example;user=phone", "57", "+573001112233"},
                 {"sips:+57-300-111.22.33@pbx", "", "+573001112233"},
                 {"tel:+57(300)1112233;phone-context=x", "", "+573001112233"},
                 {"sip:00573001112233@pbx", "57", "+573001112233"},
                 {"sip:3001112233@pbx", "57", "+573001112233"},
                 {"sip:03001112233@pbx", "57", "+573001112233"},
                 {"sip:573001112233@pbx", "57", "+573001112233"},
                 {"sip:5731234567@pbx", "57", "+5731234567"},
                 {"sip:3001112233@pbx", "", NULL},
                 {"sip:101@pbx", "57", NULL},
                 {"sip:anonymous@anonymous.invalid", "57", NULL},
                 {"sip:pbx.example", "57", NULL},
                 {"sip:+1234567890123456@pbx", "57", NULL},
                 {"sip:++573001112233@pbx", "57", NULL},
                 {"sip:300111223344556677889900@pbx", "57", NULL},
                 {"", "57", NULL}};
    char out[40];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good = caller_number(str(cases[i].uri), str(cases[i].code), out, sizeof out);

        if (good != (cases[i].number != NULL) || (good && strcmp(out, cases[i].number) != 0))
            fail_msg("%s: %s", cases[i].uri, good ? out : "none");
    }
    assert_false(caller_number(str("sip:+573001112233@x"), str(""), out, 13));
    assert_true(caller_document(str("CO:CC"), "1020304050", out, sizeof out));
    assert_string_equal(out, "CO:CC:1020304050");
    assert_false(caller_document(str("CO:CC"), "1020304050", out, 10));
}

static void ids(void **state)
{
    struct hilo_id id, back;
    char text[ID_TEXT_MAX];
    unsigned i;

    (void)state;
    for (i = 0; i < 16; i++)
        id.b[i] = (uint8_t)(i * 17 + 3);
    id_write("cas", id, text);
    assert_int_equal(strlen(text), 30);
    assert_true(id_read("cas", str(text), &back));
    assert_memory_equal(&id, &back, sizeof id);
    assert_false(id_read("cal", str(text), &back));
    memset(&id, 0xff, sizeof id);
    id_write("msg", id, text);
    assert_string_equal(text, "msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_true(id_read("msg", str(text), &back));
    assert_memory_equal(&id, &back, sizeof id);
    assert_false(id_read("msg", str("msg_8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &back));
    assert_false(id_read("msg", str("msg_7ZZZZZZZZZZZZZZZZZZZZZZZZU"), &back));
    assert_false(id_read("msg", str("msg_7ZZ"), &back));
    memset(&id, 0, sizeof id);
    assert_true(id_is_none(id));
    id_write("cal", id, text);
    assert_string_equal(text, "cal_00000000000000000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_of_it), cmocka_unit_test(built_in),
                                       cmocka_unit_test(places),    cmocka_unit_test(words),
                                       cmocka_unit_test(hours),     cmocka_unit_test(targets),
                                       cmocka_unit_test(proof),     cmocka_unit_test(large),
                                       cmocka_unit_test(numbers),   cmocka_unit_test(ids)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
