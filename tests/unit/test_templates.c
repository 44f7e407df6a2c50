/* Templates: what a channel publishes is kept, whole or in part, by events that are
 * written only when something changed; and messages are checked against it. */
#include "api_rig.h"
#include "model/json.h"
#include "services/templates.h"
#include "store/keys.h"

static int setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    templates_drop(&((struct rig *)*state)->ch);
    rig_free(*state);
    return 0;
}

/* A template; status, category 0 and text NULL: not given. */
static struct hilo_str template(struct rig *r, const char *name, const char *language, uint64_t status,
                                uint64_t category, const char *text)
{
    struct hilo_writer w;

    arena_writer(r->gw.arena, &w);
    hilo_put_str(&w, HILO_T_TEMPLATE_NAME, str(name));
    hilo_put_str(&w, HILO_T_TEMPLATE_LANGUAGE, str(language));
    if (status)
        hilo_put_u64(&w, HILO_T_TEMPLATE_STATUS, status);
    if (category)
        hilo_put_u64(&w, HILO_T_TEMPLATE_CATEGORY, category);
    if (text) {
        hilo_put_str(&w, HILO_T_TEMPLATE_TEXT, str(text));
        hilo_put_str(&w, HILO_T_TEMPLATE_BODY_PARAMS, STR("1"));
        hilo_put_str(&w, HILO_T_TEMPLATE_BODY_PARAMS, STR("2"));
    }
    return hilo_written(&w);
}

static void put(struct rig *r, const char *name, const char *language)
{
    templates_put(&r->ch, template(r, name, language, HILO_TEMPLATE_APPROVED, HILO_CATEGORY_TRANSACTIONAL,
                                   "Hola {{1}}, {{2}}"));
}

/* The stored body; empty: there is none. */
static struct hilo_str stored(struct rig *r, const char *name, const char *language)
{
    struct key k = key_template(STR("wa"), str(name), str(language));
    struct rec_template t = {0};
    struct err e = {0};

    (void)store_record(r->store, TABLE_TEMPLATE, key_str(&k), &rec_desc_template, r->gw.arena, &t, &e);
    return t.body;
}

static void a_list_replaces_the_one_before(void **state)
{
    struct rig *r = *state;

    templates_begin(&r->ch);
    put(r, "a", "es");
    put(r, "a", "en");
    put(r, "b", "es");
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n && stored(r, "a", "en").n && stored(r, "b", "es").n);

    uint64_t seq = store_seq(r->store);
    templates_begin(&r->ch);
    put(r, "b", "es");
    put(r, "a", "es");
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n && stored(r, "b", "es").n);
    assert_int_equal(stored(r, "a", "en").n, 0);
    assert_int_equal(store_seq(r->store), seq + 1); /* the removal; the others are as they were */
}

static void a_list_that_never_ended_removes_nothing(void **state)
{
    struct rig *r = *state;

    put(r, "a", "es");
    templates_begin(&r->ch);
    put(r, "b", "es");
    templates_begin(&r->ch); /* the plugin tries again */
    put(r, "c", "es");
    templates_drop(&r->ch); /* and ends */
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n && stored(r, "b", "es").n && stored(r, "c", "es").n);
}

static void a_list_with_a_wrong_one_removes_nothing(void **state)
{
    struct rig *r = *state;

    put(r, "a", "es");
    templates_begin(&r->ch);
    templates_put(&r->ch, template(r, "b", "es", 99, HILO_CATEGORY_SERVICE, NULL));
    templates_put(&r->ch, template(r, "c", "es", HILO_TEMPLATE_PENDING, 0, NULL));
    templates_put(&r->ch, template(r, "", "es", HILO_TEMPLATE_PENDING, HILO_CATEGORY_SERVICE, NULL));
    templates_put(&r->ch, STR("\x01\x05"));
    templates_end(&r->ch);
    assert_true(stored(r, "a", "es").n);
    assert_int_equal(stored(r, "b", "es").n, 0);
    assert_int_equal(stored(r, "c", "es").n, 0);
}

static void a_change_keeps_what_it_does_not_give(void **state)
{
    struct rig *r = *state;
    struct hilo_str rest, t;
    struct hilo_field f;
    unsigned n = 0;

    put(r, "a", "es");
    templates_put(&r->ch, template(r, "a", "es", HILO_TEMPLATE_PAUSED, 0, NULL));
    t = stored(r, "a", "es");
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_PAUSED);
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_CATEGORY), HILO_CATEGORY_TRANSACTIONAL);
    assert_true(str_eqz(hilo_get_str(t, HILO_T_TEMPLATE_TEXT), "Hola {{1}}, {{2}}"));
    templates_put(&r->ch, template(r, "a", "es", HILO_TEMPLATE_APPROVED, 0, "Chao {{1}}, {{2}}"));
    t = rest = stored(r, "a", "es");
    while (hilo_next(&rest, &f) == 1)
        n += f.tag == HILO_T_TEMPLATE_BODY_PARAMS;
    assert_int_equal(n, 2); /* given whole, not added to */
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_APPROVED);

    /* What is not known can't be changed. */
    templates_put(&r->ch, template(r, "b", "es", HILO_TEMPLATE_PAUSED, 0, NULL));
    assert_int_equal(stored(r, "b", "es").n, 0);
}

/* ---- messages against them ---- */

/* As JSON, by the model's own reader. */
static void put_json(struct rig *r, const char *json)
{
    struct hilo_writer w;
    struct err e = {0};
    cJSON *tree = cJSON_Parse(json);

    assert_non_null(tree);
    arena_writer(r->gw.arena, &w);
    if (model_json_read(&w, MODEL_G_TEMPLATE, tree, NULL, &e) != HILO_OK)
        fail_msg("%s", e.text);
    cJSON_Delete(tree);
    templates_put(&r->ch, hilo_written(&w));
}

static void publish(struct rig *r)
{
    r->able.contents |= 1u << HILO_CONTENT_TEMPLATE;
    templates_begin(&r->ch);
    put_json(
        r, "{\"name\":\"pedir_foto\",\"language\":\"es\",\"status\":\"approved\",\"category\":"
           "\"transactional\",\"header\":\"text\",\"header_text\":\"Hola {{1}}\",\"text\":\"Mande una foto "
           "de su {{1}}, {{ 2 }}. {{3}} {{\",\"footer\":\"Tienda Sur\",\"header_parameters\":[\"1\"],"
           "\"body_parameters\":[\"1\",\"2\"],\"buttons\":[{\"type\":\"quick_reply\",\"text\":\"Si\"},"
           "{\"type\":\"url\",\"text\":\"Ver\",\"parameter\":true},{\"type\":\"phone\",\"text\":\"Tel\"}]}");
    put_json(
        r, "{\"name\":\"aviso\",\"language\":\"es_CO\",\"status\":\"approved\",\"category\":\"promotional\","
           "\"header\":\"image\",\"text\":\"Oferta para {{nombre}} en {{ciudad}}\",\"named\":true,"
           "\"body_parameters\":[\"nombre\",\"ciudad\"]}");
    put_json(r,
             "{\"name\":\"plano\",\"language\":\"es\",\"status\":\"approved\",\"category\":\"transactional\","
             "\"text\":\"Hola\"}");
    put_json(r,
             "{\"name\":\"nuevo\",\"language\":\"es\",\"status\":\"paused\",\"category\":\"transactional\","
             "\"text\":\"Hola\",\"reason\":\"low quality\"}");
    templates_end(&r->ch);
}

#define FOTO(params)  "\"name\":\"pedir_foto\",\"language\":\"es\",\"parameters\":{" params "}"
#define AVISO(params) "\"name\":\"aviso\",\"language\":\"es_CO\",\"parameters\":{" params "}"
#define FOTO_HEAD     "\"header\":[\"Ana\"],"
#define FOTO_BODY     "\"body\":[\"tele\",\"Ana\"]"
#define URL1          "\"buttons\":[{\"type\":\"url\",\"index\":1,\"text\":\"a\"}]"
#define IMG           "\"header\":[{\"type\":\"image\",\"url\":\"https://x.co/a.jpg\"}],"
#define NOMBRE        "{\"name\":\"nombre\",\"text\":\"Ana\"}"
#define CIUDAD        "{\"name\":\"ciudad\",\"text\":\"Cali\"}"

static const struct {
    const char *content, *code, *pointer, *words; /* code NULL: accepted */
} cases[] = {
    {FOTO(FOTO_HEAD FOTO_BODY "," URL1), NULL, NULL, NULL},
    {AVISO(IMG "\"body\":[" CIUDAD "," NOMBRE "]"), NULL, NULL, NULL},
    {"\"name\":\"plano\",\"language\":\"es\"", NULL, NULL, NULL},
    /* which */
    {"\"name\":\"pedir_fotos\",\"language\":\"es\"", "template_unknown", "/content/name",
     "did you mean pedir_foto?"},
    {"\"name\":\"avi\",\"language\":\"es\"", "template_unknown", "/content/name", "approved ones are"},
    {"\"name\":\"zzz\",\"language\":\"es\"", "template_unknown", "/content/name",
     "approved ones are aviso, pedir_foto, plano; see GET /v1/channels/wa/templates"},
    {"\"name\":\"aviso\",\"language\":\"es\"", "template_unknown_language", "/content/language",
     "does not exist in es; it does in es_CO"},
    {"\"name\":\"nuevo\",\"language\":\"es\"", "template_not_approved", "/content/name",
     "is paused by the provider: low quality"},
    /* header */
    {FOTO(FOTO_BODY "," URL1), "template_parameters", "/content/parameters/header",
     "header takes 1 parameter, and 0 are given"},
    {FOTO("\"header\":[\"Ana\",\"Gil\"]," FOTO_BODY "," URL1), "template_parameters",
     "/content/parameters/header/1", "header takes 1 parameter, and 2 are given"},
    {FOTO("\"header\":[{\"type\":\"image\",\"url\":\"https://x.co/a\"}]," FOTO_BODY "," URL1),
     "template_parameters", "/content/parameters/header/0", "a text is expected"},
    {AVISO("\"body\":[" NOMBRE "," CIUDAD "]"), "template_parameters", "/content/parameters/header",
     "header of type image; give one"},
    {AVISO("\"header\":[\"Ana\"],\"body\":[" NOMBRE "," CIUDAD "]"), "template_parameters",
     "/content/parameters/header/0", "header of type image; give a"},
    {"\"name\":\"plano\",\"language\":\"es\",\"parameters\":{\"header\":[\"a\"]}", "template_parameters",
     "/content/parameters/header/0", "has no header"},
    /* body */
    {"\"name\":\"plano\",\"language\":\"es\",\"parameters\":{\"body\":[\"a\"]}", "template_parameters",
     "/content/parameters/body/0", "takes no parameters"},
    {FOTO(FOTO_HEAD "\"body\":[\"tele\"]," URL1), "template_parameters", "/content/parameters/body",
     "body takes 2 parameters, and 1 is given"},
    {FOTO(FOTO_HEAD "\"body\":[\"a\",\"b\",\"c\"]," URL1), "template_parameters",
     "/content/parameters/body/2", "body takes 2 parameters, and 3 are given"},
    {FOTO(FOTO_HEAD "\"body\":[\"a\"," NOMBRE "]," URL1), "template_parameters", "/content/parameters/body/1",
     "go by place; remove"},
    {AVISO(IMG "\"body\":[\"Ana\",\"Cali\"]"), "template_parameters", "/content/parameters/body/0",
     "go by name; give \\\"name\\\": nombre, ciudad"},
    {AVISO(IMG "\"body\":[" NOMBRE ",{\"name\":\"pueblo\",\"text\":\"x\"}]"), "template_parameters",
     "/content/parameters/body/1", "it has nombre, ciudad"},
    {AVISO(IMG "\"body\":[" NOMBRE "," NOMBRE "]"), "template_parameters", "/content/parameters/body/1",
     "the same name"},
    {AVISO(IMG "\"body\":[" NOMBRE "]"), "template_parameters", "/content/parameters/body",
     "the parameter ciudad is missing"},
    /* buttons */
    {FOTO(FOTO_HEAD FOTO_BODY), "template_parameters", "/content/parameters/buttons",
     "the button 1 of this template (url) needs a parameter"},
    {FOTO(FOTO_HEAD FOTO_BODY ",\"buttons\":[{\"type\":\"url\",\"index\":3,\"text\":\"a\"}]"),
     "template_parameters", "/content/parameters/buttons/0", "has 3 buttons"},
    {FOTO(FOTO_HEAD FOTO_BODY ",\"buttons\":[{\"type\":\"url\",\"index\":0,\"text\":\"a\"}]"),
     "template_parameters", "/content/parameters/buttons/0", "button 0 of this template is a quick_reply"},
    {FOTO(FOTO_HEAD FOTO_BODY ",\"buttons\":[{\"type\":\"url\",\"index\":2,\"text\":\"a\"}]"),
     "template_parameters", "/content/parameters/buttons/0", "takes no parameter"},
    {FOTO(FOTO_HEAD FOTO_BODY ",\"buttons\":[{\"type\":\"url\",\"index\":1,\"text\":\"a\"},{\"type\":\"url\","
                              "\"index\":1,\"text\":\"b\"}]"),
     "template_parameters", "/content/parameters/buttons/1", "the same button"},
};

static unsigned post(struct rig *r, const char *path, const char *content, struct reply *a)
{
    char body[1200];

    (void)snprintf(
        body, sizeof body,
        "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\",%s}}",
        content);
    return rig_post(r, path, body, a);
}

static void a_message_must_fit_its_template(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char value[128];

    publish(r);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned status = post(r, "/v1/messages", cases[i].content, &a);
        if (!cases[i].code) {
            if (status != 202)
                fail_msg("%s: %s", cases[i].content, a.body);
            continue;
        }
        if (status != 422 || strcmp(rig_value(&a, "code", value), cases[i].code) != 0)
            fail_msg("%s: %s", cases[i].content, a.body);
        assert_string_equal(rig_value(&a, "pointer", value), cases[i].pointer);
        assert_has(a.body, cases[i].words);
    }
}

static void without_a_list_it_is_accepted_as_it_is(void **state)
{
    struct rig *r = *state;
    struct reply a;

    r->able.contents |= 1u << HILO_CONTENT_TEMPLATE;
    assert_int_equal(post(r, "/v1/messages", "\"name\":\"zzz\",\"language\":\"es\"", &a), 202);
    r->able.contents &= ~(1u << HILO_CONTENT_TEMPLATE);
    publish(r); /* of a channel that lowers templates it is nobody's business */
    r->able.contents &= ~(1u << HILO_CONTENT_TEMPLATE);
    assert_int_equal(post(r, "/v1/messages", "\"name\":\"zzz\",\"language\":\"es\",\"text\":\"Hola\"", &a),
                     202);
}

static void its_text_and_category_are_the_template_s(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char id[128], path[200];

    publish(r);
    assert_int_equal(post(r, "/v1/messages", FOTO(FOTO_HEAD FOTO_BODY "," URL1), &a), 202);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", rig_value(&a, "id", id));
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"text\":\"Hola Ana\\n\\nMande una foto de su tele, Ana. {{3}} {{\\n\\nTienda Sur\"");
    assert_has(a.body, "\"category\":\"transactional\"");

    assert_int_equal(post(r, "/v1/messages", AVISO(IMG "\"body\":[" CIUDAD "," NOMBRE "]"), &a), 202);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", rig_value(&a, "id", id));
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"text\":\"Oferta para Ana en Cali\"");
    assert_has(a.body, "\"category\":\"promotional\"");

    /* What the author says goes before. */
    assert_int_equal(
        rig_post(r, "/v1/messages",
                 "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"category\":\"service\","
                 "\"content\":{\"type\":\"template\",\"name\":\"plano\",\"language\":\"es\",\"text\":"
                 "\"Buenas\"}}",
                 &a),
        202);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", rig_value(&a, "id", id));
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"text\":\"Buenas\"");
    assert_has(a.body, "\"category\":\"service\"");
}

static void people_can_read_them_page_by_page(void **state)
{
    struct rig *r = *state;
    struct reply a;
    char next[128], path[200];

    publish(r);
    rig_turn(r);
    assert_int_equal(rig_call(r, "GET", "/v1/channels/wa/templates?limit=3", "", NULL, &a), 200);
    assert_has(a.body, "\"name\":\"aviso\",\"language\":\"es_CO\",\"status\":\"approved\"");
    assert_has(a.body, "\"body_parameters\":[\"nombre\",\"ciudad\"]");
    assert_hasnt(a.body, "\"name\":\"plano\"");
    (void)snprintf(path, sizeof path, "/v1/channels/wa/templates?limit=3&cursor=%s",
                   rig_value(&a, "next", next));
    assert_int_equal(rig_call(r, "GET", path, "", NULL, &a), 200);
    assert_has(a.body, "\"name\":\"plano\"");
    assert_hasnt(a.body, "\"name\":\"pedir_foto\"");
    assert_has(a.body, "\"next\":null");
    assert_int_equal(rig_call(r, "GET", "/v1/channels/nosuch/templates", "", NULL, &a), 404);
    assert_int_equal(rig_call(r, "GET", "/v1/channels/wa/templates?cursor=x", "", NULL, &a), 400);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_list_replaces_the_one_before),           T(a_list_that_never_ended_removes_nothing),
        T(a_list_with_a_wrong_one_removes_nothing),  T(a_change_keeps_what_it_does_not_give),
        T(a_message_must_fit_its_template),          T(without_a_list_it_is_accepted_as_it_is),
        T(its_text_and_category_are_the_template_s), T(people_can_read_them_page_by_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
