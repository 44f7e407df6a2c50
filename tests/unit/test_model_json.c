/* The message's JSON form, both ways. */
#include "model_util.h"

/* Written as given: what is read is written the same. */
static const struct {
    enum model_group group;
    const char *json;
} same[] = {
    {MODEL_G_MSG, "{}"},
    {MODEL_G_MSG, "{'kind':'inbound','id':'msg_00000000000000000000000001','channel':'whatsapp-co'}"},
    {MODEL_G_MSG, "{'time':'2026-11-24T23:59:59.123Z'}"},
    {MODEL_G_MSG, "{'time':'2026-11-24T23:59:59.123456Z'}"},
    {MODEL_G_MSG, "{'time':'2026-11-24T23:59:59.000001Z'}"},
    {MODEL_G_MSG, "{'priority':9007199254740992}"},
    {MODEL_G_MSG, "{'priority':'9007199254740993'}"},
    {MODEL_G_MSG, "{'priority':'18446744073709551615'}"},
    {MODEL_G_MSG, "{'kind':77}"}, /* a value of a newer peer */
    {MODEL_G_MSG,
     "{'party':[{'scheme':'phone','value':'+573001112233','verified':true,'native':'573001112233'},"
     "{'scheme':'whatsapp','scope':'1','value':'CO.1','verified':false}]}"},
    {MODEL_G_MSG,
     "{'_unknown':[{'tag':63,'value':''},{'tag':4294967295,'value':'AAEC'},{'tag':63,'value':'/w=='}]}"},
    /* design §6 */
    {MODEL_G_CONTENT, "{'type':'text','text':'Hola Ana'}"},
    {MODEL_G_CONTENT, "{'type':'choices','text':'\xc2\xbf"
                      "Cambio o devoluci\xc3\xb3n?','choices':[{'id':'exchange','title':'Cambio'},"
                      "{'id':'refund','title':'Devoluci\xc3\xb3n'}]}"},
    {MODEL_G_CONTENT,
     "{'type':'media','kind':'image','media':'med_00000000000000000000000001','caption':'x'}"},
    {MODEL_G_CONTENT, "{'type':'media','kind':'image','url':'https://example.com/a.jpg','caption':'x'}"},
    {MODEL_G_CONTENT,
     "{'type':'template','name':'pedir_foto','language':'es','parameters':{'body':['Ana']}}"},
    {MODEL_G_CONTENT, "{'type':'template','name':'t','language':'es','parameters':{'header':[{'type':'image',"
                      "'url':'https://e.co/i'}],"
                      "'body':['Ana',{'type':'currency','text':'$100','currency':'CLP','amount_1000':100000},"
                      "{'text':'x','name':'who'}],'buttons':[{'type':'url','index':1,'text':'r-1'}]}}"},
    {MODEL_G_CONTENT, "{'type':'location','latitude':4.7109886,'longitude':-74.072092}"},
    {MODEL_G_CONTENT, "{'latitude':1.2345678901234568e+20,'longitude':-0}"},
    {MODEL_G_CONTENT, "{'latitude':4.94065645841247e-324,'longitude':1.7976931348623157e+308}"},
    {MODEL_G_CONTENT, "{'contacts':[{'name':'L','phones':[{'number':'+1','label':'MOBILE'},{}]}]}"},
    {MODEL_G_CONTENT, "{'type':'appointment','title':'T','starts':'2026-11-24T10:00:00.000Z','_unknown':[{'"
                      "tag':60,'value':'AA=='}]}"},
    {MODEL_G_CONTENT, "{'parameters':{'body':[{'text':'a','_unknown':[{'tag':99,'value':'AA=='}]}]}}"},
    {MODEL_G_CONTENT, "{'text':'\\\\ \\n\\r\\t \\u0001 \\u007f \xf0\x9f\x98\x80'}"},
};

static void what_is_read_is_written_the_same(void **state)
{
    struct arena *a = arena_new();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof same / sizeof *same; i++)
        assert_string_equal(json_of(a, same[i].group, bytes_of(a, same[i].group, same[i].json)),
                            same[i].json);
    arena_free(&a);
}

static const struct {
    const char *in, *out;
} other[] = {
    {"{'time':'2026-11-24T18:59:59-05:00'}", "{'time':'2026-11-24T23:59:59.000Z'}"},
    {"{'priority':'2'}", "{'priority':2}"},
    {"{'priority':2e0}", "{'priority':2}"},
    {"{'party':[]}", "{}"},
    {"{'content':{'parameters':{'body':[{'text':'a'}]}}}", "{'content':{'parameters':{'body':['a']}}}"},
    {"{'content':{'text':'\\u00f1\\/'}}", "{'content':{'text':'\xc3\xb1/'}}"},
};

static void equal_forms_are_read_alike(void **state)
{
    struct arena *a = arena_new();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof other / sizeof *other; i++)
        assert_string_equal(json_of(a, MODEL_G_MSG, msg_of(a, other[i].in)), other[i].out);
    arena_free(&a);
}

static const struct {
    const char *json, *error;
} wrong[] = {
    {"[]", "must be an object"},
    {"{'content':{'choices':[{},{},{'tittle':'x'}]}}",
     "/content/choices/2/tittle: unknown, did you mean \"title\"?"},
    {"{'zzzzzzzz':1}", "/zzzzzzzz: unknown; remove it"},
    {"{'a/b~c':1}", "/a~1b~0c: unknown; remove it"},
    {"{'Kind':1}", "/Kind: unknown, did you mean \"kind\"?"},
    {"{'kind':'inbuond'}", "/kind: unknown value, did you mean \"inbound\"?"},
    {"{'kind':'what is it'}", "/kind: unknown value, expected for instance \"inbound\""},
    {"{'kind':1}", "/kind: must be the name \"inbound\", not its number"},
    {"{'kind':null}", "/kind: must be a name, for instance \"inbound\""},
    {"{'kind':4294967296}", "/kind: must be a name, for instance \"inbound\""},
    {"{'id':'cus_00000000000000000000000001'}", "/id: must be an id as in \"msg_01J\xe2\x80\xa6\""},
    {"{'channel':7}", "/channel: must be a string"},
    {"{'channel':null}", "/channel: must be a string"},
    {"{'priority':-1}", "/priority: must be a whole number, 0 or more (beyond 2^53 as a string)"},
    {"{'priority':1.5}", "/priority: must be a whole number, 0 or more (beyond 2^53 as a string)"},
    {"{'priority':'18446744073709551616'}",
     "/priority: must be a whole number, 0 or more (beyond 2^53 as a string)"},
    {"{'time':'yesterday'}", "/time: must be a time as in \"2026-11-24T23:59:59Z\" (RFC 3339)"},
    {"{'time':'1969-12-31T23:59:59Z'}", "/time: must be a time as in \"2026-11-24T23:59:59Z\" (RFC 3339)"},
    {"{'party':{}}", "/party: must be an array"},
    {"{'party':['x']}", "/party/0: must be an object"},
    {"{'party':[{'verified':1}]}", "/party/0/verified: must be true or false"},
    {"{'content':'x'}", "/content: must be an object"},
    {"{'content':{'latitude':'1'}}", "/content/latitude: must be a number"},
    {"{'content':{'parameters':{'body':[1]}}}", "/content/parameters/body/0: must be an object or a string"},
    {"{'_unknown':[{'tag':3,'value':''}]}", "/_unknown/0: tag 3 is known: write it as \"channel\""},
    {"{'_unknown':[{'tag':0,'value':''}]}", "/_unknown/0: must be {\"tag\":number,\"value\":\"base64\"}"},
    {"{'_unknown':[{'tag':99}]}", "/_unknown/0: must be {\"tag\":number,\"value\":\"base64\"}"},
    {"{'_unknown':[{'tag':99,'value':'A'}]}", "/_unknown/0/value: must be base64, padded (RFC 4648)"},
    {"{'_unknown':[{'tag':99,'value':'AAA='},{'tag':99,'value':'A==='}]}",
     "/_unknown/1/value: must be base64, padded (RFC 4648)"},
    {"{'_unknown':[{'tag':99,'value':'A=AA'}]}", "/_unknown/0/value: must be base64, padded (RFC 4648)"},
    {"{'_unknown':[{'tag':99,'value':'AAAA----'}]}", "/_unknown/0/value: must be base64, padded (RFC 4648)"},
    {"{'_unknown':[{'tag':99,'value':' AAA'}]}", "/_unknown/0/value: must be base64, padded (RFC 4648)"},
    {"{'_unknown':[{'tag':99,'value':'AB=='}]}",
     "/_unknown/0/value: must be base64 whose last bits are zero (RFC 4648)"},
    {"{'_unknown':[{'tag':99,'value':'','x':1}]}",
     "/_unknown/0: must be {\"tag\":number,\"value\":\"base64\"} and nothing else"},
};

static void what_is_wrong_is_named(void **state)
{
    char text[512];
    size_t i, k;

    (void)state;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct arena *a = arena_new();
        struct hilo_writer w;
        struct err e = {0};
        cJSON *tree = NULL;

        (void)snprintf(text, sizeof text, "%s", wrong[i].json);
        for (k = 0; text[k]; k++) {
            if (text[k] == '\'')
                text[k] = '"';
        }
        assert_int_equal(json_parse(str(text), NULL, &e, &tree), HILO_OK);
        arena_writer(a, &w);
        assert_int_equal(model_json_read(&w, MODEL_G_MSG, tree, NULL, &e), HILO_INVALID);
        assert_string_equal(e.text, wrong[i].error);
        cJSON_Delete(tree);
        arena_free(&a);
    }
}

/* As the API does it: the content inside a message that it writes, named by its place
 * in the body. */
static void a_group_is_read_into_an_open_one(void **state)
{
    const struct model_path root = path_key(NULL, STR("/content"));
    struct arena *a = arena_new();
    struct hilo_writer w;
    struct err e = {0};
    cJSON *good = cJSON_Parse("{\"type\":\"text\",\"text\":\"x\"}"), *bad = cJSON_Parse("{\"txet\":1}");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(good, "type");

    (void)state;
    arena_writer(a, &w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    assert_int_equal(model_json_read(&w, MODEL_G_CONTENT, good, &root, &e), HILO_OK);
    hilo_close(&w);
    assert_string_equal(json_of(a, MODEL_G_MSG, hilo_written(&w)), "{'content':{'type':'text','text':'x'}}");
    assert_int_equal(model_json_read(&w, MODEL_G_CONTENT, bad, &root, &e), HILO_INVALID);
    assert_string_equal(e.text, "/content/txet: unknown, did you mean \"text\"?");
    assert_int_equal(
        model_json_read_field(&w, model_field(MODEL_G_MSG, HILO_T_MSG_CATEGORY), type, &root, &e),
        HILO_INVALID);
    assert_string_equal(e.text, "/content: unknown value, expected for instance \"service\"");
    cJSON_Delete(good);
    cJSON_Delete(bad);
    arena_free(&a);
}

static void a_full_writer_is_told(void **state)
{
    uint8_t small[4];
    struct hilo_writer w;
    struct err e = {0};
    cJSON *tree = cJSON_Parse("{\"channel\":\"whatsapp\"}");

    (void)state;
    hilo_writer_init(&w, small, sizeof small);
    assert_int_equal(model_json_read(&w, MODEL_G_MSG, tree, NULL, &e), HILO_FULL);
    cJSON_Delete(tree);
}

/* Of a field that may not repeat, the first; malformed bytes leave the buffer alone. */
static void writing_is_strict_about_types(void **state)
{
    static const struct hilo_str bad[] = {{"\x02\x01z", 3},
                                          {"\x01\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01", 11},
                                          {"\x03\x05", 2},
                                          {"\x13\x03\x03\x01\x02", 5},
                                          {"\x13\x02\x0e\x00", 4}};
    struct arena *a = arena_new();
    struct buf b = {0};
    struct err e = {0};
    size_t i;

    (void)state;
    assert_string_equal(json_of(a, MODEL_G_MSG,
                                STR("\x03\x01"
                                    "a\x03\x01"
                                    "b")),
                        "{'channel':'a'}");
    /* An id of zeros is none. */
    assert_string_equal(json_of(a, MODEL_G_MSG,
                                STR("\x02\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                    "\x03\x01"
                                    "a")),
                        "{'channel':'a'}");
    assert_int_equal(buf_add(&b, "keep", 4), HILO_OK);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(model_json_write(&b, MODEL_G_MSG, bad[i], &e), HILO_INVALID);
        assert_int_equal(b.n, 4);
    }
    buf_done(&b);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(equal_forms_are_read_alike),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_group_is_read_into_an_open_one),
        cmocka_unit_test(a_full_writer_is_told),
        cmocka_unit_test(writing_is_strict_about_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
