/*
 * Looking a person up at a counter, from outside: all that is known in one answer, found by whatever
 * whole identifier, and never without a trace that is on disk before the answer.
 */
#include "harness.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static const char ana[] = "573001112233";

static void keep(char out[64], const struct answer *a, const char *path)
{
    assert_non_null(answer_str(a, path));
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static void make_ana(struct world *w, char id[64])
{
    struct answer a = gate_post(&w->gate, "/v1/customers",
                                "{\"name\":\"Ana\",\"language\":\"es\",\"identifiers\":["
                                "{\"scheme\":\"document\",\"value\":\"CO:CC:1020304050\"},"
                                "{\"scheme\":\"phone\",\"value\":\"+%s\"},"
                                "{\"scheme\":\"email\",\"value\":\"ana@example.co\"},"
                                "{\"scheme\":\"loyalty\",\"value\":\"L-77\"}]}",
                                ana);

    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    answer_done(&a);
}

static struct answer look(struct world *w, const char *by, const char *value, const char *more)
{
    return gate_post(&w->gate, "/v1/customers/lookup", "{\"by\":{\"%s\":\"%s\"},\"reason\":\"garantía\"%s}",
                     by, value, more);
}

static int size_of(const struct answer *a, const char *path)
{
    const cJSON *list = json_at(a->json, path);

    assert_true(cJSON_IsArray(list));
    return cJSON_GetArraySize(list);
}

/* An entry says nothing that the whole message doesn't, times to the millisecond, and nothing of how it went
 * there. */
static void same_entry(const cJSON *entry, const cJSON *message)
{
    const cJSON *m, *of;

    cJSON_ArrayForEach(m, entry)
    {
        of = cJSON_GetObjectItem(message, m->string);
        if (!of && strcmp(m->string, "time") == 0)
            of = cJSON_GetObjectItem(message, "arrived");
        assert_non_null(of);
        if (strcmp(m->string, "time") == 0)
            assert_memory_equal(m->valuestring, of->valuestring, strlen("2026-11-27T20:00:00.000"));
        else
            assert_true(cJSON_Compare(m, of, true));
    }
    assert_non_null(cJSON_GetObjectItem(entry, "content"));
    assert_null(cJSON_GetObjectItem(entry, "history"));
    assert_null(cJSON_GetObjectItem(entry, "party"));
}

static void all_of_a_person_in_one_answer(void **state)
{
    struct world w = {0};
    char id[64], open[64], closed[64], message[64], request[64] = "";

    (void)state;
    world_up(&w, NULL, NULL);
    make_ana(&w, id);
    struct answer a =
        gate_post(&w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"TV sin imagen\"}", id);
    keep(open, &a, "id");
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"viejo\",\"status\":\"closed\"}",
                  id);
    keep(closed, &a, "id");
    answer_done(&a);
    sim_text(&w.sim, ana, "se ve negra", NULL);
    sim_quiet(&w.sim);
    gate_send_text(&w.gate, "+573001112233", "¿cambio o devolución?", message);
    char path[128];
    (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/promotional", id);
    a = gate_do(&w.gate, "PUT", path, "{\"state\":\"denied\",\"proof\":\"formulario 7\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);

    a = look(&w, "document", "co:cc:1.020.304-050",
             ",\"store\":\"CENTRO\",\"terminal\":\"3\",\"clerk\":\"luz\"");
    assert_int_equal(a.status, 200);
    assert_non_null(answer_str(&a, "as_of"));
    assert_string_equal(answer_str(&a, "customer/id"), id);
    assert_string_equal(answer_str(&a, "customer/name"), "Ana");
    assert_true(size_of(&a, "customer/identifiers") >= 4);
    assert_int_equal(size_of(&a, "consents"), 1);
    assert_string_equal(answer_str(&a, "consents/0/state"), "denied");
    assert_string_equal(answer_str(&a, "consents/0/proof"), "formulario 7");
    assert_int_equal(size_of(&a, "cases"), 1);
    assert_string_equal(answer_str(&a, "cases/0/id"), open);
    assert_int_equal(size_of(&a, "timeline"), 2);
    assert_string_equal(answer_str(&a, "timeline/0/id"), message);
    assert_string_equal(answer_str(&a, "timeline/1/content/text"), "se ve negra");
    assert_string_equal(answer_str(&a, "timeline/1/case"), open);
    const char *header = strstr(a.headers, "X-Request-Id: ");
    assert_non_null(header);
    (void)snprintf(request, 33, "%s", header + 14);

    /* The same as each part by itself. */
    (void)snprintf(path, sizeof path, "/v1/customers/%s", id);
    struct answer b = gate_get(&w.gate, "/v1/customers/%s", id);
    assert_true(cJSON_Compare(json_at(a.json, "customer"), b.json, true));
    answer_done(&b);
    b = gate_get(&w.gate, "/v1/customers/%s/timeline", id);
    assert_int_equal(size_of(&b, "messages"), 2);
    same_entry(json_at(a.json, "timeline/1"), json_at(b.json, "messages/1"));
    answer_done(&b);
    b = gate_get(&w.gate, "/v1/customers/%s/consents", id);
    assert_true(cJSON_Compare(json_at(a.json, "consents"), json_at(b.json, "consents"), true));
    answer_done(&b);
    answer_done(&a);

    /* Whoever asked, and by what else. */
    static const char *const by[][2] = {
        {"phone", "+573001112233"}, {"email", "Ana@Example.CO"}, {"loyalty", "L-77"}, {"customer", NULL}};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        a = look(&w, by[i][0], by[i][1] ? by[i][1] : id, ",\"timeline\":1");
        assert_int_equal(a.status, 200);
        assert_string_equal(answer_str(&a, "customer/id"), id);
        assert_int_equal(size_of(&a, "timeline"), 1);
        answer_done(&a);
    }
    a = look(&w, "email", "ana@example.co", ",\"timeline\":0");
    assert_int_equal(size_of(&a, "timeline"), 0);
    answer_done(&a);

    a = gate_get(&w.gate, "/v1/audit?customer=%s", id);
    assert_int_equal(a.status, 200);
    assert_int_equal(size_of(&a, "lookups"), 6);
    assert_string_equal(answer_str(&a, "lookups/5/by"), "document");
    assert_string_equal(answer_str(&a, "lookups/5/store"), "CENTRO");
    assert_string_equal(answer_str(&a, "lookups/5/terminal"), "3");
    assert_string_equal(answer_str(&a, "lookups/5/clerk"), "luz");
    assert_string_equal(answer_str(&a, "lookups/5/reason"), "garantía");
    assert_string_equal(answer_str(&a, "lookups/5/customer"), id);
    assert_string_equal(answer_str(&a, "lookups/5/request"), request);
    assert_non_null(strstr(answer_str(&a, "lookups/5/key"), "key_"));
    assert_null(answer_str(&a, "lookups/5/asked"));
    assert_string_equal(answer_str(&a, "lookups/1/by"), "customer");
    answer_done(&a);
    world_down(&w);
}

/* Whether a file below a folder has these bytes. */
static bool written(const char *dir, const char *bytes)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    bool found = false;

    assert_non_null(d);
    while (!found && (e = readdir(d))) {
        char path[512];
        size_t n;
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        char *text = file_read(path, &n);
        found = memmem(text, n, bytes, strlen(bytes)) != NULL;
        free(text);
    }
    closedir(d);
    return found;
}

static void nobody_leaves_a_trace_too_and_what_was_asked_nowhere(void **state)
{
    struct world w = {0};
    char first[80], id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    make_ana(&w, id);
    for (unsigned i = 0; i < 2; i++) {
        struct answer a = look(&w, "document", "CO:CC:9988776655", "");
        assert_int_equal(a.status, 200);
        assert_true(cJSON_IsNull(json_at(a.json, "customer")));
        static const char *const lists[] = {"consents", "cases", "appointments", "wishes",
                                            "visits",   "sales", "timeline"};
        for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
            assert_int_equal(size_of(&a, lists[l]), 0);
        answer_done(&a);
    }
    answer_done(&(struct answer[1]){look(&w, "document", "CO:CC:9988776656", "")}[0]);
    answer_done(&(struct answer[1]){look(&w, "loyalty", "CO:CC:9988776655", "")}[0]);
    answer_done(&(struct answer[1]){look(&w, "phone", "+573009988776", "")}[0]);
    answer_done(&(struct answer[1]){look(&w, "customer", "cus_00000000000000000000000001", "")}[0]);

    struct answer a = gate_get(&w.gate, "/v1/audit");
    assert_int_equal(size_of(&a, "lookups"), 6);
    for (int i = 0; i < 6; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "lookups/%d/found", i);
        assert_true(cJSON_IsFalse(json_at(a.json, path)));
    }
    (void)snprintf(first, sizeof first, "%s", answer_str(&a, "lookups/5/asked"));
    assert_int_equal(strlen(first), 64);
    assert_string_equal(answer_str(&a, "lookups/4/asked"), first);     /* the same question */
    assert_string_not_equal(answer_str(&a, "lookups/3/asked"), first); /* another number */
    assert_string_not_equal(answer_str(&a, "lookups/2/asked"), first); /* another kind */
    assert_null(answer_str(&a, "lookups/5/customer"));
    answer_done(&a);
    assert_false(process_saw(w.gate.process, "9988776655"));
    assert_false(process_saw(w.gate.process, "1020304050"));
    gate_stop(&w.gate);
    assert_false(written(scratch_path(&w.scratch, "data/journal"), "9988776655"));
    assert_false(written(scratch_path(&w.scratch, "data/context"), "9988776655"));
    assert_false(written(scratch_path(&w.scratch, "data/journal"), "+573009988776"));
    assert_true(written(scratch_path(&w.scratch, "data/journal"), "1020304050")); /* the search works */
    world_down(&w);
}

static void only_whole_identifiers_and_only_with_a_reason(void **state)
{
    static const struct {
        long status;
        const char *code, *pointer, *body;
    } refused[] = {
        {422, "wildcard", "/by/loyalty", "{\"by\":{\"loyalty\":\"L-*\"},\"reason\":\"r\"}"},
        {422, "wildcard", "/by/document", "{\"by\":{\"document\":\"CO:CC:10203%\"},\"reason\":\"r\"}"},
        {422, "wildcard", "/by/order", "{\"by\":{\"order\":\"?\"},\"reason\":\"r\"}"},
        {422, "invalid_identifier", "/by/phone", "{\"by\":{\"phone\":\"300111\"},\"reason\":\"r\"}"},
        {422, "invalid_identifier", "/by/document",
         "{\"by\":{\"document\":\"1020304050\"},\"reason\":\"r\"}"},
        {422, "invalid_field", "/by/customer", "{\"by\":{\"customer\":\"cus_1\"},\"reason\":\"r\"}"},
        {422, "invalid_field", "/by/email", "{\"by\":{\"email\":7},\"reason\":\"r\"}"},
        {422, "invalid_field", "/by", "{\"by\":{},\"reason\":\"r\"}"},
        {422, "invalid_field", "/by", "{\"by\":{\"name\":\"Ana\"},\"reason\":\"r\"}"},
        {422, "invalid_field", "/by",
         "{\"by\":{\"phone\":\"+573001112233\",\"email\":\"a@b.co\"},\"reason\":\"r\"}"},
        {422, "missing_field", "/reason", "{\"by\":{\"loyalty\":\"L-77\"}}"},
        {422, "invalid_field", "/reason", "{\"by\":{\"loyalty\":\"L-77\"},\"reason\":\"\"}"},
        {422, "missing_field", "/by", "{\"reason\":\"r\"}"},
        {422, "invalid_field", "/timeline",
         "{\"by\":{\"loyalty\":\"L-77\"},\"reason\":\"r\",\"timeline\":201}"},
        {422, "invalid_field", "/clerk",
         "{\"by\":{\"loyalty\":\"L-77\"},\"reason\":\"r\",\"clerk\":\"a\\nb\"}"},
        {422, "unknown_field", "/stores",
         "{\"by\":{\"loyalty\":\"L-77\"},\"reason\":\"r\",\"stores\":\"a\"}"},
    };
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    make_ana(&w, id);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        gate_expect(&w.gate, refused[i].status, refused[i].code, refused[i].pointer, "POST",
                    "/v1/customers/lookup", refused[i].body);
    struct answer a = gate_get(&w.gate, "/v1/audit");
    assert_int_equal(size_of(&a, "lookups"), 0);
    answer_done(&a);
    gate_expect(&w.gate, 400, "invalid_parameter", NULL, "GET", "/v1/audit?from=yesterday", NULL);
    gate_expect(&w.gate, 400, "invalid_parameter", NULL, "GET", "/v1/audit?customer=cas_1", NULL);
    gate_expect(&w.gate, 400, "invalid_cursor", NULL, "GET", "/v1/audit?cursor=abc", NULL);
    world_down(&w);
}

static void key_of(struct world *w, const char *scopes, char key[64])
{
    struct answer a = gate_post(&w->gate, "/v1/keys", "{\"name\":\"till\",\"scopes\":\"%s\"}", scopes);

    assert_int_equal(a.status, 201);
    keep(key, &a, "key");
    answer_done(&a);
}

static void a_clerk_s_key_looks_up_and_an_auditor_s_reads_who_did(void **state)
{
    static const char body[] = "{\"by\":{\"loyalty\":\"L-77\"},\"reason\":\"r\",\"store\":\"SUR\"}";
    struct world w = {0};
    char id[64], key[64], url[128];

    (void)state;
    world_up(&w, NULL, NULL);
    make_ana(&w, id);
    (void)snprintf(url, sizeof url, "%s/v1/customers/lookup", w.gate.url);
    static const char *const json[] = {"Content-Type: application/json", NULL};
    key_of(&w, "customers:read cases:read", key);
    struct answer a = http_do("POST", url, key, body, json);
    answer_is(&a, 403, "insufficient_scope", NULL);
    answer_done(&a);
    key_of(&w, "customers:read cases:read messages:read", key);
    a = http_do("POST", url, key, body, json);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)snprintf(url, sizeof url, "%s/v1/audit", w.gate.url);
    a = http_do("GET", url, key, NULL, NULL);
    answer_is(&a, 403, "insufficient_scope", NULL);
    answer_done(&a);
    key_of(&w, "audit:read", key);
    a = http_do("GET", url, key, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal(size_of(&a, "lookups"), 1);
    answer_done(&a);
    /* And hears of it. */
    (void)snprintf(url, sizeof url, "%s/v1/events?after=oldest&follow=false&type=customer.looked_up",
                   w.gate.url);
    a = http_do("GET", url, key, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "event: hilo.customer.looked_up"));
    assert_non_null(strstr(a.body, "\"store\":\"SUR\""));
    assert_non_null(strstr(a.body, id));
    answer_done(&a);
    world_down(&w);
}

static void the_audit_is_filtered_and_paged_and_outlives_a_kill(void **state)
{
    static const char *const stores[] = {"NORTE", "SUR"}, *const clerks[] = {"ana", "luis", "luz"};
    struct world w = {0};
    char id[64], cursor[600] = "", from[64] = "", to[64] = "";
    unsigned n = 0, pages = 0;

    (void)state;
    world_up(&w, NULL, NULL);
    make_ana(&w, id);
    for (unsigned i = 0; i < 30; i++) {
        char more[128];
        (void)snprintf(more, sizeof more, ",\"store\":\"%s\",\"clerk\":\"%s\",\"terminal\":\"%u\"",
                       stores[i % 2], clerks[i % 3], i % 5);
        struct answer a = i % 10 == 9 ? look(&w, "loyalty", "none", more) : look(&w, "loyalty", "L-77", more);
        assert_int_equal(a.status, 200);
        answer_done(&a);
    }
    gate_kill(&w.gate); /* what was answered is on disk */
    gate_again(&w.gate);
    char last[64] = "~";
    do {
        struct answer a = gate_get(&w.gate, "/v1/audit?limit=7%s%s", cursor[0] ? "&cursor=" : "", cursor);
        assert_int_equal(a.status, 200);
        const cJSON *one;
        cJSON_ArrayForEach(one, json_at(a.json, "lookups"))
        {
            const char *time = json_at(one, "time")->valuestring;
            assert_true(strcmp(time, last) <= 0);
            (void)snprintf(last, sizeof last, "%s", time);
            n++;
            if (n == 11)
                (void)snprintf(to, sizeof to, "%s", time);
            if (n == 20)
                (void)snprintf(from, sizeof from, "%s", time);
        }
        const cJSON *next = json_at(a.json, "next");
        (void)snprintf(cursor, sizeof cursor, "%s", cJSON_IsString(next) ? next->valuestring : "");
        answer_done(&a);
        pages++;
    } while (cursor[0]);
    assert_int_equal(n, 30);
    assert_int_equal(pages, 5);

    static const struct {
        const char *query;
        int n;
    } filters[] = {{"store=SUR", 15},        {"clerk=luz", 10},          {"store=SUR&clerk=luz", 5},
                   {"terminal=4", 6},        {"store=OESTE", 0},         {"store=SU", 0},
                   {"store=SUR&limit=2", 2}, {"terminal=4&clerk=ana", 2}};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct answer a = gate_get(&w.gate, "/v1/audit?%s", filters[i].query);
        assert_int_equal(size_of(&a, "lookups"), filters[i].n);
        answer_done(&a);
    }
    struct answer a = gate_get(&w.gate, "/v1/audit?customer=%s&store=SUR", id);
    assert_int_equal(size_of(&a, "lookups"), 12); /* three of SUR's found nobody */
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/audit?from=%s&to=%s", from, to);
    assert_true(size_of(&a, "lookups") >= 9 - 2 && size_of(&a, "lookups") <= 9 + 2);
    const cJSON *one;
    cJSON_ArrayForEach(one, json_at(a.json, "lookups"))
    {
        const char *time = json_at(one, "time")->valuestring;
        assert_true(strcmp(time, from) >= 0 && strcmp(time, to) < 0);
    }
    answer_done(&a);
    world_down(&w);
}

/* Whoever shows the code of an open appointment, however it is written; it is among what is known of her. */
static void an_appointment_s_code_leads_to_who_has_it(void **state)
{
    struct world w = {0};
    char id[64], code[64], spelt[80], apt[64];

    (void)state;
    const time_t tomorrow = time(NULL) + 86400;
    struct tm tm;
    char when[40];
    assert_non_null(gmtime_r(&tomorrow, &tm));
    assert_true(strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    world_up(&w, NULL, NULL);
    make_ana(&w, id);
    struct answer a = gate_post(&w.gate, "/v1/appointments",
                                "{\"customer\":\"%s\",\"store\":\"CENTRO\",\"starts_at\":\"%s\","
                                "\"confirm\":false,\"remind_before\":[]}",
                                id, when);
    assert_int_equal(a.status, 201);
    keep(code, &a, "code");
    keep(apt, &a, "id");
    answer_done(&a);
    (void)snprintf(spelt, sizeof spelt, "%.3s-%s", code, code + 3);
    for (char *p = spelt; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    a = look(&w, "appointment", spelt, "");
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "customer/id"), id);
    assert_int_equal(size_of(&a, "appointments"), 1);
    assert_string_equal(answer_str(&a, "appointments/0/id"), apt);
    assert_string_equal(answer_str(&a, "appointments/0/code"), code);
    answer_done(&a);
    char path[96];
    (void)snprintf(path, sizeof path, "/v1/appointments/%s", apt);
    a = gate_do(&w.gate, "PATCH", path, "{\"status\":\"canceled\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = look(&w, "appointment", code, "");
    assert_int_equal(a.status, 200);
    assert_true(cJSON_IsNull(json_at(a.json, "customer")));
    answer_done(&a);
    a = look(&w, "customer", id, "");
    assert_int_equal(size_of(&a, "appointments"), 0);
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_person_in_one_answer),
        cmocka_unit_test(nobody_leaves_a_trace_too_and_what_was_asked_nowhere),
        cmocka_unit_test(only_whole_identifiers_and_only_with_a_reason),
        cmocka_unit_test(a_clerk_s_key_looks_up_and_an_auditor_s_reads_who_did),
        cmocka_unit_test(an_appointment_s_code_leads_to_who_has_it),
        cmocka_unit_test(the_audit_is_filtered_and_paged_and_outlives_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
