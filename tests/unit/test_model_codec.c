/* Checking, editing and dumping the message's bytes. */
#include "model_util.h"
#include "model/dump.h"

static const struct {
    const char *hex, *error; /* NULL: passes */
} checks[] = {
    {"", NULL},
    {"010101", NULL},   /* kind inbound */
    {"0102ff7f", NULL}, /* an enumerated value that nobody knows yet */
    {"0100", NULL},     /* 0 has no bytes */
    {"010100", "kind: an integer with leading zero bytes"},
    {"0b09010101010101010101", "time: an integer of more than 8 bytes"},
    {"0b08ffffffffffffffff", "time: a time beyond year 9999"},
    {"0105ffffffffff", "kind: an enumerated value beyond 32 bits"},
    {"020101", "id: not 16 bytes"},
    {"0303c3b161", NULL}, /* "ña" */
    {"0302c328", "channel: not UTF-8"},
    {"0303eda080", "channel: not UTF-8"}, /* a surrogate */
    {"03026100", "channel: holds a NUL character"},
    {"0301", "message: a field is cut short or malformed"},
    {"03", "message: a field is cut short or malformed"},
    {"ffffffffff0100", "message: a field is cut short or malformed"},
    {"0000", "message: a field with tag 0"},
    {"830000", "message: a tag or length that is longer than it need be"},
    {"03810061", "message: a tag or length that is longer than it need be"},
    {"e70703ff00c3", NULL}, /* an unknown tag: anything */
    {"1303020161", NULL},   /* content.text "a" */
    {"1303020261", "content: a field is cut short or malformed"},
    {"1303030102", "content.preview_url: neither 0 nor 1"},
    {"13030e0100", "content.latitude: not 8 bytes"},
    {"130a0e08000000000000f07f", "content.latitude: not a finite number"},
};

static void check_names_the_fault(void **state)
{
    uint8_t b[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct hilo_str hex = str(checks[i].hex);
        struct err e = {0};
        int32_t rc;

        assert_true(str_unhex(hex, b, (size_t)hex.n / 2));
        rc = model_check(str_n(b, (size_t)hex.n / 2), &e);
        if (!checks[i].error && rc)
            fail_msg("%s: %s", checks[i].hex, e.text);
        if (checks[i].error) {
            assert_int_equal(rc, HILO_INVALID);
            assert_string_equal(e.text, checks[i].error);
        }
    }
}

static void check_names_the_place_among_repeated_groups(void **state)
{
    uint8_t b[128];
    struct hilo_writer w;
    struct err e = {0};
    int i;

    (void)state;
    hilo_writer_init(&w, b, sizeof b);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    for (i = 0; i < 3; i++) {
        hilo_open(&w, HILO_T_CONTENT_CHOICES);
        hilo_put_str(&w, HILO_T_CHOICE_TITLE, i == 2 ? STR("\xff") : STR("ok"));
        hilo_close(&w);
    }
    hilo_close(&w);
    assert_int_equal(model_check(hilo_written(&w), &e), HILO_INVALID);
    assert_string_equal(e.text, "content.choices[2].title: not UTF-8");
}

static void check_limits_the_size(void **state)
{
    size_t n = HILO_MESSAGE_MAX + 1;
    uint8_t *b = calloc(1, n + 16);
    struct hilo_writer w;
    struct err e = {0};

    (void)state;
    assert_non_null(b);
    hilo_writer_init(&w, b, n + 16);
    hilo_open(&w, 900);
    memset(b + w.n, 'x', HILO_MESSAGE_MAX - 5);
    w.n += HILO_MESSAGE_MAX - 5;
    hilo_close(&w);
    assert_int_equal(w.n, HILO_MESSAGE_MAX); /* two bytes of tag, three of length */
    assert_int_equal(model_check(hilo_written(&w), &e), HILO_OK);
    assert_int_equal(model_check(str_n(b, HILO_MESSAGE_MAX + 1), &e), HILO_INVALID);
    assert_non_null(strstr(e.text, "the limit is 1048576"));
    free(b);
}

/* ---- editing -------------------------------------------------------------------- */

static void edit_changes_what_is_named_and_nothing_else(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str old, new;
    struct model_change c[5];
    struct err e = {0};

    (void)state;
    old = msg_of(a, "{'kind':'inbound','channel':'w','priority':2,'_unknown':[{'tag':99,'value':'AQI='}],"
                    "'party':[{'value':'a'},{'value':'b'}]}");
    c[0] = change_str(HILO_T_MSG_CHANNEL, STR("sms"));
    c[1] = change_remove(HILO_T_MSG_PRIORITY);
    c[2] = change_u64(HILO_T_MSG_DUE, 1000000);
    c[3] = change_add(HILO_T_MSG_PARTY, bytes_of(a, MODEL_G_IDENT, "{'value':'c'}"));
    assert_int_equal(model_edit(a, old, c, 4, &new, &e), HILO_OK);
    assert_string_equal(
        json_of(a, MODEL_G_MSG, new),
        "{'kind':'inbound','channel':'sms','party':[{'value':'a'},{'value':'b'},{'value':'c'}],"
        "'due':'1970-01-01T00:00:01.000Z','_unknown':[{'tag':99,'value':'AQI='}]}");
    /* no change: the same bytes */
    assert_int_equal(model_edit(a, old, c, 0, &new, &e), HILO_OK);
    assert_true(str_eq(old, new));
    /* REMOVE beside ADD replaces all */
    c[0] = change_remove(HILO_T_MSG_PARTY);
    c[1] = c[3];
    assert_int_equal(model_edit(a, old, c, 2, &new, &e), HILO_OK);
    assert_string_equal(json_of(a, MODEL_G_MSG, new),
                        "{'kind':'inbound','channel':'w','priority':2,"
                        "'party':[{'value':'c'}],'_unknown':[{'tag':99,'value':'AQI='}]}");
    arena_free(&a);
}

static void edit_goes_into_groups(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str old, new;
    struct model_change in, c;
    struct err e = {0};

    (void)state;
    old = msg_of(
        a, "{'content':{'type':'text','text':'a','_unknown':[{'tag':77,'value':'/w=='}]},'channel':'w'}");
    in = change_str(HILO_T_CONTENT_TEXT, STR("b"));
    c = change_into(HILO_T_MSG_CONTENT, &in, 1);
    assert_int_equal(model_edit(a, old, &c, 1, &new, &e), HILO_OK);
    assert_string_equal(
        json_of(a, MODEL_G_MSG, new),
        "{'content':{'type':'text','text':'b','_unknown':[{'tag':77,'value':'/w=='}]},'channel':'w'}");
    /* absent: made */
    assert_int_equal(model_edit(a, STR(""), &c, 1, &new, &e), HILO_OK);
    assert_string_equal(json_of(a, MODEL_G_MSG, new), "{'content':{'text':'b'}}");
    arena_free(&a);
}

static void edit_refuses_malformed_bytes(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str out = STR("untouched");
    struct model_change c = change_remove(HILO_T_MSG_CHANNEL);
    struct err e = {0};

    (void)state;
    assert_int_equal(model_edit(a, STR("\x03\x05xx"), &c, 1, &out, &e), HILO_INVALID);
    assert_true(str_eqz(out, "untouched"));
    arena_free(&a);
}

/* ---- dump ----------------------------------------------------------------------- */

static void dump_shows_every_field(void **state)
{
    struct arena *a = arena_new();
    struct buf b = {0};
    struct hilo_str m = msg_of(
        a, "{'kind':'outbound','id':'msg_00000000000000000000000001','time':'2026-11-24T10:00:00Z',"
           "'content':{'type':'location','latitude':4.5,'name':'Caf\xc3\xa9 \\'X\\'','preview_url':true},"
           "'_unknown':[{'tag':500,'value':'q80='}],'category':999}");

    (void)state;
    assert_int_equal(model_dump(&b, MODEL_G_MSG, m), HILO_OK);
    assert_string_equal(arena_z(a, buf_str(&b)), "kind: outbound\n"
                                                 "id: msg_00000000000000000000000001\n"
                                                 "time: 2026-11-24T10:00:00.000Z\n"
                                                 "content:\n"
                                                 "  type: location\n"
                                                 "  latitude: 4.5\n"
                                                 "  name: \"Caf\xc3\xa9 \\\"X\\\"\"\n"
                                                 "  preview_url: true\n"
                                                 "tag 500: hex abcd\n"
                                                 "category: 999\n");
    buf_clear(&b);
    assert_int_equal(model_dump(&b, MODEL_G_MSG, STR("\x02\x01z\x03\x01\xff\x03\x09x")), HILO_OK);
    assert_string_equal(arena_z(a, buf_str(&b)),
                        "id: malformed 7a\nchannel: malformed ff\nmalformed: hex 030978\n");
    buf_done(&b);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_names_the_fault),
        cmocka_unit_test(check_names_the_place_among_repeated_groups),
        cmocka_unit_test(check_limits_the_size),
        cmocka_unit_test(edit_changes_what_is_named_and_nothing_else),
        cmocka_unit_test(edit_goes_into_groups),
        cmocka_unit_test(edit_refuses_malformed_bytes),
        cmocka_unit_test(dump_shows_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
