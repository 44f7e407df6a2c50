/* Lifting: what of a customer's words is an answer, and what must not be taken for one. */
#include "model_util.h"
#include "model/lift.h"

#define QID  "'id':'msg_00000000000000000000000007'"
#define QREF "'reply_to':'msg_00000000000000000000000007'"

static const char question[] = "{'kind':'outbound'," QID ",'content':{'type':'choices','text':'?','choices':["
                               "{'id':'exchange','title':'Cambio','description':'otra "
                               "talla'},{'id':'refund','title':'Devoluci\xc3\xb3n'},"
                               "{'id':'store','title':'Ir a la tienda'}]}}";

#define IS(id, title, more) "{'type':'choice_reply','choice':'" id "','title':'" title "'" more "}"

static const struct {
    const char *text, *content; /* NULL: stays a text */
} texts[] = {
    {"1", IS("exchange", "Cambio", ",'description':'otra talla'")},
    {" 2. ", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"3)", IS("store", "Ir a la tienda", "")},
    {"opci\xc3\xb3n 2", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"OPCI\xc3\x93N 2", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"opcion2", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"Option 2.", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"n\xc3\xbamero 2", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"devolucion", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"DEVOLUCI\xc3\x93N\n", IS("refund", "Devoluci\xc3\xb3n", "")},
    {"Devolucio\xcc\x81n", IS("refund", "Devoluci\xc3\xb3n", "")}, /* o and a combining accent */
    {"\xc2\xa0ir a la tienda", IS("store", "Ir a la tienda", "")}, /* a no-break space before it */
    {"0", NULL},
    {"4", NULL},
    {"-1", NULL},
    {"1 2", NULL},
    {"1.5", NULL},
    {"12345678901234567890123", NULL},
    {"opcion", NULL},
    {"quiero 1", NULL},
    {"devolucion por favor", NULL},
    {"devolucio", NULL},
    {".", NULL},
    {"hola", NULL},
};

static void texts_that_answer_become_replies(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str q = msg_of(a, question), m, out;
    struct hilo_writer w;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        arena_writer(a, &w);
        hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
        hilo_open(&w, HILO_T_MSG_CONTENT);
        hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
        hilo_put_str(&w, HILO_T_CONTENT_TEXT, str(texts[i].text));
        hilo_close(&w);
        hilo_put_str(&w, 999, STR("kept"));
        m = hilo_written(&w);
        assert_int_equal(lift(m, q, false, a, &out, &e), HILO_OK);
        if (!texts[i].content) {
            assert_ptr_equal(out.p, m.p);
            continue;
        }
        assert_string_equal(json_of(a, MODEL_G_CONTENT, hilo_content(out)), texts[i].content);
        assert_true(str_eqz(hilo_get_str(out, HILO_T_MSG_LIFTED_FROM), texts[i].text));
        assert_true(str_eq(hilo_get_str(out, HILO_T_MSG_REPLY_TO), hilo_get_str(q, HILO_T_MSG_ID)));
        assert_true(str_eqz(hilo_get_str(out, 999), "kept"));
        assert_int_equal(model_check(out, &e), HILO_OK);
    }
    arena_free(&a);
}

/* What came, and what becomes of it (NULL: nothing). */
static const struct {
    const char *in, *out;
} replies[] = {
    /* the channel's own reply gets what it lacks */
    {"{'content':{'type':'choice_reply','choice':'refund'}}",
     "{'content':{'type':'choice_reply','choice':'refund','title':'Devoluci\xc3\xb3n'}," QREF "}"},
    {"{'content':{'type':'choice_reply','choice':'refund','title':'Devol\xe2\x80\xa6'},'reply_provider_id':'"
     "wamid.Q'}",
     "{'content':{'type':'choice_reply','choice':'refund','title':'Devoluci\xc3\xb3n'},'reply_provider_id':'"
     "wamid.Q'," QREF "}"},
    /* another question's */
    {"{'content':{'type':'choice_reply','choice':'refund','title':'Otra cosa'}}", NULL},
    {"{'content':{'type':'choice_reply','choice':'pay'}}", NULL},
    {"{'reply_to':'msg_00000000000000000000000008','content':{'type':'choice_reply','choice':'refund'}}",
     NULL},
    {"{'reply_to':'msg_00000000000000000000000008','content':{'type':'text','text':'1'}}", NULL},
    /* an id that can't be compared: not enough for a text */
    {"{'reply_provider_id':'wamid.Q','content':{'type':'text','text':'1'}}", NULL},
    {"{" QREF ",'content':{'type':'text','text':'2'}}",
     "{" QREF
     ",'content':{'type':'choice_reply','choice':'refund','title':'Devoluci\xc3\xb3n'},'lifted_from':'2'}"},
    /* neither text nor reply */
    {"{'content':{'type':'media','kind':'image','caption':'1'}}", NULL},
    {"{'content':{}}", NULL},
    {"{}", NULL},
};

static void replies_are_completed(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str q = msg_of(a, question), m, out;
    struct err e = {0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof replies / sizeof *replies; i++) {
        m = msg_of(a, replies[i].in);
        assert_int_equal(lift(m, q, false, a, &out, &e), HILO_OK);
        if (replies[i].out)
            assert_string_equal(json_of(a, MODEL_G_MSG, out), replies[i].out);
        else
            assert_ptr_equal(out.p, m.p);
    }
    arena_free(&a);
}

/* On a telephone a tenth choice is the key 0; who writes a 0 means none. */
static void a_tenth_key_is_0(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str q = msg_of(
                        a, "{" QID ",'content':{'type':'choices','text':'?','choices':[{'id':'a','title':"
                           "'A'},{'id':'b','title':'B'},{'id':'c','title':'C'},{'id':'d','title':'D'},{"
                           "'id':'e','title':'E'},{'id':'f','title':'F'},{'id':'g','title':'G'},{'id':'h',"
                           "'title':'H'},{'id':'i','title':'I'},{'id':'j','title':'J'}]}}"),
                    m = msg_of(a, "{'content':{'type':'text','text':'0'}}"), out;
    struct err e = {0};

    (void)state;
    assert_int_equal(lift(m, q, false, a, &out, &e), HILO_OK);
    assert_ptr_equal(out.p, m.p);
    assert_int_equal(lift(m, q, true, a, &out, &e), HILO_OK);
    assert_true(str_eqz(hilo_get_str(hilo_content(out), HILO_T_CONTENT_CHOICE), "j"));
    assert_int_equal(lift(m, msg_of(a, question), true, a, &out, &e), HILO_OK);
    assert_ptr_equal(out.p, m.p); /* there is none */
    m = msg_of(a, "{'content':{'type':'text','text':'9'}}");
    assert_int_equal(lift(m, q, true, a, &out, &e), HILO_OK);
    assert_true(str_eqz(hilo_get_str(hilo_content(out), HILO_T_CONTENT_CHOICE), "i"));
    arena_free(&a);
}

static void nothing_is_lifted_without_a_clear_question(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str m = msg_of(a, "{'content':{'type':'text','text':'2'}}"), out, q;
    struct err e = {0};

    (void)state;
    assert_int_equal(lift(m, STR(""), false, a, &out, &e), HILO_OK);
    assert_ptr_equal(out.p, m.p);
    q = msg_of(a, "{" QID ",'content':{'type':'text','text':'2'}}");
    assert_int_equal(lift(m, q, false, a, &out, &e), HILO_OK);
    assert_ptr_equal(out.p, m.p);
    /* "2" is the number of one and the title of the other */
    q = msg_of(a, "{" QID ",'content':{'type':'choices','text':'?','choices':[{'id':'a','title':'2'},{'id':'"
                  "b','title':'3'}]}}");
    assert_int_equal(lift(m, q, false, a, &out, &e), HILO_OK);
    assert_ptr_equal(out.p, m.p);
    /* two titles that are one when folded */
    q = msg_of(a, "{" QID ",'content':{'type':'choices','text':'?','choices':[{'id':'a','title':'si'},{'id':'"
                  "b','title':'S\xc3\xad'}]}}");
    m = msg_of(a, "{'content':{'type':'text','text':'SI'}}");
    assert_int_equal(lift(m, q, false, a, &out, &e), HILO_OK);
    assert_ptr_equal(out.p, m.p);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_answer_become_replies),
        cmocka_unit_test(replies_are_completed),
        cmocka_unit_test(a_tenth_key_is_0),
        cmocka_unit_test(nothing_is_lifted_without_a_clear_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
