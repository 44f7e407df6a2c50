/*
 * The table of methods, what it refuses, and that schema/ and PROTOCOL.md say the same.
 */
#include "../../plugins/pos/json.h"
#include "../../plugins/pos/method.h"
#include "../../plugins/pos/person.h"
#include "../../plugins/pos/queue.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const int64_t now = INT64_C(1795791845000000); /* 2026-11-27T15:04:05Z */

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *p = calloc(1, 1 << 20);

    if (!f || !p)
        fail_msg("%s can't be read", path);
    (void)!fread(p, 1, (1 << 20) - 1, f);
    (void)fclose(f);
    return p;
}

/* ---- the three say the same -------------------------------------------------------------------------- */

static bool required(const cJSON *params, const char *name)
{
    const cJSON *r;

    cJSON_ArrayForEach(r,
                       pos_json_get(params, "required")) if (strcmp(r->valuestring, name) == 0) return true;
    return false;
}

static void schema_says_the_same(const struct pos_method *m)
{
    const struct pos_param *p;
    const cJSON *params, *properties, *property, *v;
    char path[128], *text;
    int n = 0, own = 0;
    cJSON *schema;
    size_t i;

    (void)snprintf(path, sizeof path, "plugins/pos/schema/%s.json", m->name);
    text = read_file(path);
    schema = cJSON_Parse(text);
    free(text);
    params = pos_json_get(pos_json_get(schema, "$defs"), "params");
    properties = pos_json_get(params, "properties");
    if (!properties || !pos_json_get(pos_json_get(schema, "$defs"), "result"))
        fail_msg("%s has no params or no result", path);
    assert_true(cJSON_IsFalse(pos_json_get(params, "additionalProperties")));
    for (i = 0; (p = pos_method_param(m, i)); i++) {
        property = pos_json_get(properties, p->name);
        if (!property)
            fail_msg("%s lacks %s", path, p->name);
        if (required(params, p->name) != ((p->flags & POS_PARAM_REQ) != 0))
            fail_msg("%s: whether %s is needed", path, p->name);
        v = pos_json_get(property, "maxLength");
        if (v && (p->type == POS_STRING || p->type == POS_TEXT) && v->valueint != (int)p->max)
            fail_msg("%s: the length of %s", path, p->name);
        v = pos_json_get(property, "maximum");
        if (v && p->type == POS_INTEGER && (int64_t)v->valuedouble != p->max)
            fail_msg("%s: the size of %s", path, p->name);
        v = pos_json_get(property, "maxItems");
        if (v && p->type == POS_ARRAY && v->valueint != (int)p->max)
            fail_msg("%s: the items of %s", path, p->name);
        own += strcmp(p->name, "clerk") != 0;
    }
    cJSON_ArrayForEach(property, properties) n +=
        strcmp(property->string, "clerk") != 0 && strcmp(property->string, "at") != 0;
    if (n != own || !pos_json_get(properties, "clerk") || !pos_json_get(properties, "at"))
        fail_msg("%s has members that the method does not take, or lacks clerk or at", path);
    cJSON_Delete(schema);
}

static void each_method_has_its_schema_and_its_line_in_the_protocol(void **state)
{
    char *protocol = read_file("plugins/pos/PROTOCOL.md"), line[96];
    size_t i;

    (void)state;
    for (i = 0; i < pos_n_methods; i++) {
        const struct pos_method *m = &pos_methods[i];

        schema_says_the_same(m);
        (void)snprintf(line, sizeof line, "| `%s` | %s |", m->name,
                       m->kind == POS_READ    ? "R"
                       : m->kind == POS_WRITE ? "W"
                                              : "–");
        if (!strstr(protocol, line))
            fail_msg("PROTOCOL.md lacks the line \"%s\"", line);
    }
    free(protocol);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

static void judge(const char *method, const char *params, enum pos_error code, const char *reason)
{
    const struct pos_method *m = pos_method_find(method);
    cJSON *o = cJSON_Parse(params);
    struct pos_fault f;
    int rc;

    assert_non_null(m);
    assert_non_null(o);
    rc = pos_method_check(m, o, now, &f);
    if (reason ? rc == 0 || f.code != code || strcmp(f.reason, reason) != 0 : rc != 0)
        fail_msg("%s %s: %d %s", method, params, rc ? f.code : 0, rc ? f.reason : "taken");
    cJSON_Delete(o);
}

#define CUS "\"cus_01M8FDPS0BF747MPDS9AS2FZ06\""
#define CAS "\"cas_01M8FDPS0BF747MPDS9AS2FZ06\""

static void params_are_what_the_table_says(void **state)
{
    (void)state;
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"TV\"}", 0, NULL);
    judge("case.open",
          "{\"customer\":" CUS ",\"subject\":\"TV\",\"clerk\":\"ana\",\"at\":\"2026-11-27T10:00:00Z\"}", 0,
          NULL);
    judge("case.open", "{\"customer\":" CUS "}", POS_E_PARAMS, "missing");
    judge("case.open", "{\"customer\":" CAS ",\"subject\":\"TV\"}", POS_E_PARAMS, "value");
    judge("case.open", "{\"customer\":7,\"subject\":\"TV\"}", POS_E_PARAMS, "type");
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"\"}", POS_E_PARAMS, "value");
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"a\\u0007\"}", POS_E_PARAMS, "value");
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"TV\",\"ovner\":\"x\"}", POS_E_PARAMS,
          "unknown_member");
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"TV\",\"at\":\"2026-11-27T15:09:05Z\"}", 0, NULL);
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"TV\",\"at\":\"2026-11-27T15:09:06Z\"}",
          POS_E_PARAMS, "value");
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"TV\",\"at\":\"2026-10-01T00:00:00Z\"}",
          POS_E_PARAMS, "value");
    judge("case.open", "{\"customer\":" CUS ",\"subject\":\"TV\",\"at\":\"yesterday\"}", POS_E_PARAMS,
          "value");
    judge("case.note", "{\"case\":" CAS ",\"text\":\"uno\\ndos\"}", 0, NULL);
    judge("case.update", "{\"case\":" CAS ",\"owner\":null}", 0, NULL);
    judge("case.update", "{\"case\":" CAS ",\"subject\":null}", POS_E_PARAMS, "type");
    judge("customer.timeline", "{\"customer\":" CUS ",\"clerk\":\"ana\",\"limit\":51}", POS_E_PARAMS,
          "value");
    judge("customer.timeline", "{\"customer\":" CUS ",\"clerk\":\"ana\",\"limit\":1.5}", POS_E_PARAMS,
          "type");
    judge("customer.find", "{\"by\":{},\"reason\":\"x\",\"clerk\":\"ana\"}", POS_E_PARAMS, "value");
    judge("customer.find",
          "{\"by\":{\"phone\":\"+573001112233\",\"email\":\"a@b.co\"},\"reason\":\"x\",\"clerk\":\"ana\"}",
          POS_E_PARAMS, "value");
}

/* Wherever it stands, and before anything else is said of the request. */
static void a_card_number_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    judge("case.note", "{\"case\":" CAS ",\"text\":\"4111111111111111\"}", POS_E_CARD, "card_number");
    judge("case.note", "{\"case\":\"4111 1111 1111 1111\"}", POS_E_CARD, "card_number");
    judge("case.note", "{\"4111111111111111\":1}", POS_E_CARD, "card_number");
    judge("case.note", "{\"nobody\":{\"knows\":[\"me: 5500-0000-0000-0004\"]}}", POS_E_CARD, "card_number");
    judge("customer.upsert", "{\"attributes\":{\"card\":4111111111111111}}", POS_E_CARD, "card_number");
    judge("certificate.renew", "{\"csr\":\"4111111111111111\"}", 0,
          NULL); /* base64 of a key may look like one */
}

static void judge_by(const char *by, const char *country, const char *is, const char *reason)
{
    cJSON *o = cJSON_Parse(by), *what;
    struct pos_fault f;

    what = pos_person_by(o, country, &f);
    if (is ? !what || strcmp(what->child->valuestring, is) != 0 : what || strcmp(f.reason, reason) != 0)
        fail_msg("%s: %s", by, what ? what->child->valuestring : f.reason);
    cJSON_Delete(what);
    cJSON_Delete(o);
}

static void who_is_looked_for_is_whole(void **state)
{
    (void)state;
    judge_by("{\"document\":{\"type\":\"CC\",\"number\":\"1.020.304.050\"}}", "CO", "CO:CC:1020304050", NULL);
    judge_by("{\"document\":{\"country\":\"CL\",\"type\":\"RUT\",\"number\":\"12.345.678-5\"}}", "CO",
             "CL:RUT:123456785", NULL);
    judge_by("{\"document\":{\"type\":\"CC\",\"number\":\"1020304050\"}}", "", NULL, "missing");
    judge_by("{\"document\":{\"type\":\"CC\",\"number\":\"10203*\"}}", "CO", NULL, "partial");
    judge_by("{\"document\":{\"type\":\"NIT\",\"number\":\"800197268-5\"}}", "CO", NULL, "document");
    judge_by("{\"document\":\"1020304050\"}", "CO", NULL, "type");
    judge_by("{\"phone\":\"+57300%\"}", "CO", NULL, "partial");
    judge_by("{\"name\":\"Ana\"}", "CO", NULL, "unknown_member");
    judge_by("{\"order\":\"F-1\"}", "CO", "F-1", NULL);
}

/* ---- what waits for a terminal
 * ----------------------------------------------------------------------------- */

static void put(struct pos_entries *q, const char *id, const char *method, const char *key, int64_t until)
{
    assert_non_null(pos_entries_add(q, id, method, key, until, cJSON_CreateObject()));
}

static void what_waits_is_bounded_newest_and_known(void **state)
{
    struct pos_entries q, back;
    char id[32], *text;

    (void)state;
    pos_entries_init(&q);
    put(&q, "p-1", "case.updated", "case a", 0);
    put(&q, "p-2", "customer.arriving", "arriving b", now + 1);
    put(&q, "p-3", "case.updated", "case a", 0); /* in the place of p-1 */
    assert_int_equal(q.n, 2);
    assert_null(pos_entries_find(&q, "p-1"));
    assert_true(pos_entries_known(&q, "p-1"));
    pos_entries_end(&q, pos_entries_find(&q, "p-3"));
    assert_true(pos_entries_known(&q, "p-3"));

    text = pos_entries_write(&q);
    pos_entries_init(&back);
    assert_null(pos_entries_read(&back, (struct hilo_str){text, strlen(text)}));
    free(text);
    assert_int_equal(back.n, 1);
    assert_string_equal(pos_entries_find(&back, "p-2")->method, "customer.arriving");
    assert_true(pos_entries_known(&back, "p-1"));
    assert_true(pos_entries_known(&back, "p-3"));
    assert_false(pos_entries_known(&back, "p-4"));
    assert_false(pos_entries_expire(&back, now));
    assert_true(pos_entries_expire(&back, now + 2000000));
    assert_int_equal(back.n, 0);
    pos_entries_free(&back);

    for (int i = 0; i < 2 * POS_QUEUE_MAX; i++) {
        (void)snprintf(id, sizeof id, "p-x%d", i);
        put(&q, id, "stock.arrived", "", 0);
    }
    assert_int_equal(q.n, POS_QUEUE_MAX);
    assert_null(pos_entries_find(&q, "p-2")); /* who arrives went first */
    assert_null(pos_entries_find(&q, "p-x0"));
    assert_non_null(pos_entries_find(&q, "p-x127"));
    pos_entries_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_method_has_its_schema_and_its_line_in_the_protocol),
        cmocka_unit_test(params_are_what_the_table_says),
        cmocka_unit_test(a_card_number_is_refused_wherever_it_stands),
        cmocka_unit_test(who_is_looked_for_is_whole),
        cmocka_unit_test(what_waits_is_bounded_newest_and_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
