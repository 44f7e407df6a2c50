/*
 * The WhatsApp plugin: templates, as they are sent.
 */
#include "whatsapp_write.h"

static void param(struct out *o, uint32_t tag, unsigned type, const char *text, const char *name)
{
    hilo_open(&o->w, tag);
    if (type)
        hilo_put_u64(&o->w, HILO_T_PARAM_TYPE, type);
    put(o, HILO_T_PARAM_TEXT, text);
    if (name)
        put(o, HILO_T_PARAM_NAME, name);
}

static void button(struct out *o, unsigned type, int index, const char *text)
{
    hilo_open(&o->w, HILO_T_PARAMS_BUTTONS);
    hilo_put_u64(&o->w, HILO_T_BUTTON_TYPE, type);
    if (index >= 0)
        hilo_put_u64(&o->w, HILO_T_BUTTON_INDEX, (uint64_t)index);
    put(o, HILO_T_BUTTON_TEXT, text);
    hilo_close(&o->w);
}

/* A template's name and language; its parameters are left open. */
static void out_template(struct out *o, const char *name, const char *language)
{
    out_begin(o, HILO_CONTENT_TEMPLATE);
    put(o, HILO_T_CONTENT_NAME, name);
    put(o, HILO_T_CONTENT_LANGUAGE, language);
    hilo_open(&o->w, HILO_T_CONTENT_PARAMETERS);
}

#define TEMPLATE(name, code)                                                                                 \
    "{\"type\":\"template\",\"template\":{\"name\":\"" name "\",\"language\":{\"code\":\"" code              \
    "\",\"policy\":\"deterministic\"}"

static void test_encode_template(void **state)
{
    struct hilo_id known = {{0}};
    struct out o;

    (void)state;
    known.b[15] = 7;
    out_template(&o, "hello_world", "en_US");
    hilo_close(&o.w);
    put(&o, HILO_T_CONTENT_TEXT, "for people, not sent");
    assert_encodes(out_end(&o), TEMPLATE("hello_world", "en_US") "}}");

    out_template(&o, "aviso_pago", "es");
    button(&o, HILO_BUTTON_QUICK_REPLY, -1, "PAGAR");
    param(&o, HILO_T_PARAMS_BODY, 0, "Ana", NULL);
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_BODY, HILO_PARAM_CURRENCY, "$100", NULL);
    put(&o, HILO_T_PARAM_CURRENCY, "CLP");
    hilo_put_u64(&o.w, HILO_T_PARAM_AMOUNT_1000, 100000);
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_BODY, HILO_PARAM_DATE_TIME, "lunes", NULL);
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_HEADER, HILO_PARAM_IMAGE, "", NULL);
    hilo_put_id(&o.w, HILO_T_PARAM_MEDIA, known);
    hilo_close(&o.w);
    button(&o, HILO_BUTTON_URL, 1, "ruta-123");
    button(&o, HILO_BUTTON_COPY_CODE, 2, "25OFF");
    hilo_close(&o.w);
    assert_encodes(
        out_end(&o),
        TEMPLATE(
            "aviso_pago",
            "es") ",\"components\":["
                  "{\"type\":\"header\",\"parameters\":[{\"type\":\"image\",\"image\":{\"id\":\"MEDIA7\"}}]},"
                  "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Ana\"},{\"type\":"
                  "\"currency\",\"currency\":"
                  "{\"fallback_value\":\"$100\",\"code\":\"CLP\",\"amount_1000\":100000}},{\"type\":\"date_"
                  "time\",\"date_time\":"
                  "{\"fallback_value\":\"lunes\"}}]},"
                  "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\",\"parameters\":[{"
                  "\"type\":\"payload\","
                  "\"payload\":\"PAGAR\"}]},"
                  "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"1\",\"parameters\":[{\"type\":"
                  "\"text\",\"text\":"
                  "\"ruta-123\"}]},"
                  "{\"type\":\"button\",\"sub_type\":\"copy_code\",\"index\":\"2\",\"parameters\":[{\"type\":"
                  "\"coupon_code\","
                  "\"coupon_code\":\"25OFF\"}]}]}}");

    out_template(&o, "n", "es");
    param(&o, HILO_T_PARAMS_HEADER, HILO_PARAM_LOCATION, "Tienda", NULL);
    hilo_put_f64(&o.w, HILO_T_PARAM_LATITUDE, 4.6);
    hilo_put_f64(&o.w, HILO_T_PARAM_LONGITUDE, -74.08);
    put(&o, HILO_T_PARAM_ADDRESS, "Calle 1");
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_HEADER, HILO_PARAM_DOCUMENT, "", NULL);
    put(&o, HILO_T_PARAM_URL, "https://x/f.pdf");
    put(&o, HILO_T_PARAM_FILENAME, "f.pdf");
    hilo_close(&o.w);
    param(&o, HILO_T_PARAMS_BODY, HILO_PARAM_TEXT, "Ana", "nombre");
    hilo_close(&o.w);
    hilo_close(&o.w);
    assert_encodes(
        out_end(&o),
        TEMPLATE(
            "n",
            "es") ",\"components\":[{\"type\":\"header\",\"parameters\":[{\"type\":\"location\","
                  "\"location\":{\"latitude\":\"4.6\",\"longitude\":\"-74.08\",\"name\":\"Tienda\","
                  "\"address\":"
                  "\"Calle "
                  "1\"}},{\"type\":\"document\",\"document\":{\"link\":\"https://x/f.pdf\",\"filename\":"
                  "\"f.pdf\"}}]},{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"parameter_name\":"
                  "\"nombre\",\"text\":\"Ana\"}]}]}}");

    out_template(&o, "n", "");
    hilo_close(&o.w);
    assert_refused(out_end(&o));
    out_template(&o, "n", "es");
    button(&o, 9, 0, "x");
    hilo_close(&o.w);
    assert_refused(out_end(&o));
}

/* Meta refuses new lines, tabs and more than four blanks in a row. */
static void test_parameters_are_made_fit(void **state)
{
    static const struct {
        const char *text, *sent;
    } row[] = {{"Cra 7\n# 1-2", "Cra 7 # 1-2"},
               {"a\r\nb", "a b"},
               {"a\tb", "a b"},
               {"a    b", "a    b"},
               {"a     b", "a    b"},
               {"a\n\n\n\n\n\nb", "a    b"},
               {"ñ\nñ", "ñ ñ"},
               {"\n", " "}};
    char expected[512];
    struct out o;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        out_template(&o, "t", "es");
        param(&o, HILO_T_PARAMS_BODY, 0, row[i].text, NULL);
        hilo_close(&o.w);
        hilo_close(&o.w);
        snprintf(expected, sizeof expected,
                 TEMPLATE("t", "es") ",\"components\":[{\"type\":\"body\",\"parameters\":[{\"type\":\"text\","
                                     "\"text\":\"%s\"}]}]}}",
                 row[i].sent);
        assert_encodes(out_end(&o), expected);
    }
}

static void test_a_flow_under_a_template(void **state)
{
    struct out o;

    (void)state;
    out_template(&o, "t", "es");
    button(&o, HILO_BUTTON_FLOW, 1, "token-1");
    hilo_close(&o.w);
    assert_encodes(
        out_end(&o),
        TEMPLATE("t", "es") ",\"components\":[{\"type\":\"button\",\"sub_type\":\"flow\",\"index\":"
                            "\"1\",\"parameters\":[{\"type\":\"action\",\"action\":{\"flow_token\":"
                            "\"token-1\"}}]}]}}");
    out_template(&o, "t", "es");
    button(&o, HILO_BUTTON_PHONE, 0, "x");
    hilo_close(&o.w);
    assert_refused(out_end(&o));
}

/* ---- as Meta lists them --------------------------------------------------------------------- */

struct listed {
    struct hilo_str group[8]; /* copies */
    unsigned n, left_out;
    char name[64], why[128];
};

static void listed_put(void *arg, struct hilo_str group, struct hilo_str name, const char *why)
{
    struct listed *l = arg;
    char *copy;

    if (why) {
        l->left_out++;
        snprintf(l->name, sizeof l->name, "%.*s", (int)name.n, name.n ? name.p : "");
        snprintf(l->why, sizeof l->why, "%s", why);
        return;
    }
    assert_true(l->n < 8);
    copy = malloc(group.n);
    assert_non_null(copy);
    memcpy(copy, group.p, group.n);
    l->group[l->n++] = (struct hilo_str){copy, group.n};
}

static bool list(struct listed *l, const char *body, char after[64])
{
    const struct wa_template_sink sink = {l, listed_put};
    struct hilo_http h = {.size = sizeof h, .status = 200, .sink_fd = -1};
    size_t n = strlen(body);
    char *exact = malloc(n ? n : 1);
    bool ok;

    assert_non_null(exact);
    memcpy(exact, body, n);
    h.body = (struct hilo_str){exact, n};
    memset(l, 0, sizeof *l);
    ok = wa_meta_templates_read(&h, &sink, after, 64);
    free(exact);
    return ok;
}

static void listed_free(struct listed *l)
{
    while (l->n)
        free((void *)(uintptr_t)l->group[--l->n].p);
}

static void test_a_listed_template(void **state)
{
    struct listed l;
    struct hilo_str t, b;
    char after[64];

    (void)state;
    assert_true(
        list(&l,
             "{\"data\":[{\"name\":\"pedir_foto\",\"parameter_format\":\"POSITIONAL\",\"components\":[{"
             "\"type\":\"HEADER\","
             "\"format\":\"TEXT\",\"text\":\"Hola {{1}}\"},{\"type\":\"BODY\",\"text\":\"Su {{2}} y {{1}}, "
             "{{ 2 }} otra vez, "
             "ma\\u00f1ana {x} "
             "{{}}\"},{\"type\":\"FOOTER\",\"text\":\"Tienda\"},{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":"
             "\"QUICK_REPLY\",\"text\":\"Ahora "
             "no\"},{\"type\":\"URL\",\"text\":\"Ver\",\"url\":\"https:\\/\\/x\\/{{1}}\"},{\"type\":"
             "\"URL\",\"text\":\"Todo\",\"url\":\"https://"
             "x\"},{\"type\":\"COPY_CODE\"},{\"type\":\"FLOW\",\"flow_id\":1},{\"type\":"
             "\"PHONE_NUMBER\"},{\"type\":\"VOICE_CALL\"},{\"type\":\"OTP\",\"otp_type\":\"COPY_CODE\"}]},{"
             "\"type\":\"NEW\"}],"
             "\"language\":\"es\",\"status\":\"APPROVED\",\"category\":\"UTILITY\",\"quality_score\":{"
             "\"score\":\"GREEN\"},"
             "\"rejected_reason\":\"NONE\",\"id\":\"1\"}],\"paging\":{\"cursors\":{\"before\":\"b\","
             "\"after\":\"c\"}}}",
             after));
    assert_string_equal(after, ""); /* there is a cursor, and no next page */
    assert_int_equal(l.n, 1);
    t = l.group[0];
    assert_field(t, HILO_T_TEMPLATE_NAME, "pedir_foto");
    assert_field(t, HILO_T_TEMPLATE_LANGUAGE, "es");
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_APPROVED);
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_CATEGORY), HILO_CATEGORY_TRANSACTIONAL);
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_HEADER), HILO_PARAM_TEXT);
    assert_field(t, HILO_T_TEMPLATE_HEADER_TEXT, "Hola {{1}}");
    assert_field(t, HILO_T_TEMPLATE_FOOTER, "Tienda");
    assert_holds(t, HILO_T_TEMPLATE_TEXT, "mañana");
    check_str(nth(t, HILO_T_TEMPLATE_HEADER_PARAMS, 0), "1", __LINE__);
    check_str(nth(t, HILO_T_TEMPLATE_BODY_PARAMS, 0), "1", __LINE__);
    check_str(nth(t, HILO_T_TEMPLATE_BODY_PARAMS, 1), "2", __LINE__);
    assert_int_equal(nth(t, HILO_T_TEMPLATE_BODY_PARAMS, 2).n, 0);
    assert_false(has(t, HILO_T_TEMPLATE_NAMED));
    assert_false(has(t, HILO_T_TEMPLATE_REASON));
    assert_field(t, HILO_T_TEMPLATE_QUALITY, "GREEN");
    assert_field(t, HILO_T_TEMPLATE_EXT_ID, "1");
    {
        static const struct {
            uint64_t type;
            bool needs;
        } button_of[] = {{HILO_BUTTON_QUICK_REPLY, false}, {HILO_BUTTON_URL, true},
                         {HILO_BUTTON_URL, false},         {HILO_BUTTON_COPY_CODE, true},
                         {HILO_BUTTON_FLOW, false},        {HILO_BUTTON_PHONE, false},
                         {HILO_BUTTON_OTHER, false},       {HILO_BUTTON_URL, true}};
        unsigned i;
        for (i = 0; i < 8; i++) {
            b = nth(t, HILO_T_TEMPLATE_BUTTONS, i);
            assert_int_equal(hilo_get_u64(b, HILO_T_TBUTTON_TYPE), button_of[i].type);
            assert_int_equal(hilo_get_u64(b, HILO_T_TBUTTON_NEEDS), button_of[i].needs);
        }
    }
    listed_free(&l);
}

static void test_named_places_and_media_headers(void **state)
{
    static const char *const kind[] = {"IMAGE", "VIDEO", "DOCUMENT", "LOCATION"};
    static const uint64_t param_kind[] = {HILO_PARAM_IMAGE, HILO_PARAM_VIDEO, HILO_PARAM_DOCUMENT,
                                          HILO_PARAM_LOCATION};
    char body[512], after[64];
    struct listed l;
    unsigned i;

    (void)state;
    for (i = 0; i < 4; i++) {
        snprintf(body, sizeof body,
                 "{\"data\":[{\"name\":\"n\",\"language\":\"es\",\"status\":\"PAUSED\",\"category\":\"NEW\","
                 "\"rejected_reason\":"
                 "\"ABUSE\",\"components\":[{\"type\":\"HEADER\",\"format\":\"%s\"},{\"type\":\"BODY\","
                 "\"text\":\"{{zona}} "
                 "{{dia}}\"}]}]}",
                 kind[i]);
        assert_true(list(&l, body, after));
        assert_int_equal(hilo_get_u64(l.group[0], HILO_T_TEMPLATE_HEADER), param_kind[i]);
        assert_int_equal(hilo_get_u64(l.group[0], HILO_T_TEMPLATE_NAMED), 1);
        assert_int_equal(hilo_get_u64(l.group[0], HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_PAUSED);
        assert_int_equal(hilo_get_u64(l.group[0], HILO_T_TEMPLATE_CATEGORY), HILO_CATEGORY_PROMOTIONAL);
        assert_field(l.group[0], HILO_T_TEMPLATE_REASON, "ABUSE");
        check_str(nth(l.group[0], HILO_T_TEMPLATE_BODY_PARAMS, 0), "zona", __LINE__);
        check_str(nth(l.group[0], HILO_T_TEMPLATE_BODY_PARAMS, 1), "dia", __LINE__);
        listed_free(&l);
    }
}

static void test_lists_that_are_not_as_they_should_be(void **state)
{
    char after[64], *big;
    struct listed l;
    size_t i, n;

    (void)state;
    assert_true(
        list(&l, "{\"data\":[{\"language\":\"es\"},{\"name\":\"\",\"language\":\"es\"},{\"name\":\"x\"},7]}",
             after));
    assert_int_equal(l.n, 0);
    assert_int_equal(l.left_out, 4);
    assert_true(list(
        &l, "{\"data\":[],\"paging\":{\"cursors\":{\"after\":\"QVF\\/\"},\"next\":\"https://x\"}}", after));
    assert_string_equal(after, "QVF/");
    assert_false(list(&l, "{\"data\":[],\"paging\":{\"cursors\":{},\"next\":\"https://x\"}}", after));
    assert_false(list(&l, "{\"data\":{}}", after));
    assert_false(list(&l, "[]", after));
    assert_false(list(&l, "", after));
    /* more places than there are parameters; larger than a template can be */
    big = malloc(60000);
    assert_non_null(big);
    n = (size_t)snprintf(
        big, 60000,
        "{\"data\":[{\"name\":\"many\",\"language\":\"es\",\"components\":[{\"type\":\"BODY\",\"text\":\"");
    for (i = 1; i <= 65; i++)
        n += (size_t)snprintf(big + n, 60000 - n, "{{%zu}}", i);
    snprintf(big + n, 60000 - n, "\"}]}]}");
    assert_true(list(&l, big, after));
    assert_string_equal(l.name, "many");
    assert_int_equal(l.n, 0);
    n = (size_t)snprintf(
        big, 60000,
        "{\"data\":[{\"name\":\"long\",\"language\":\"es\",\"components\":[{\"type\":\"BODY\",\"text\":\"");
    memset(big + n, 'x', 40000);
    snprintf(big + n + 40000, 60000 - n - 40000, "\"}]}]}");
    assert_true(list(&l, big, after));
    assert_string_equal(l.name, "long");
    assert_int_equal(l.n, 0);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_template),
        cmocka_unit_test(test_parameters_are_made_fit),
        cmocka_unit_test(test_a_flow_under_a_template),
        cmocka_unit_test(test_a_listed_template),
        cmocka_unit_test(test_named_places_and_media_headers),
        cmocka_unit_test(test_lists_that_are_not_as_they_should_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
