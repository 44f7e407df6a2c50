/*
 * Visits, sales and notes, from outside: taken with their own times and places, by customer newest first,
 * found by their number, told to applications; a note is in the thread and never sent.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void keep(char out[64], const struct answer *a, const char *path)
{
    assert_non_null(answer_str(a, path));
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static void customer(struct gate *g, const char *document, char id[64])
{
    struct answer a = gate_post(g, "/v1/customers",
                                "{\"identifiers\":[{\"scheme\":\"document\",\"value\":\"%s\"}]}", document);

    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    answer_done(&a);
}

static void by_customer_newest_first_with_their_own_times(void **state)
{
    struct world w = {0};
    char ana[64], path[128], cursor[600] = "", last[64] = "~";
    unsigned n = 0;

    (void)state;
    world_up(&w, NULL, NULL);
    customer(&w.gate, "CO:CC:1020304050", ana);
    struct answer a =
        gate_post(&w.gate, "/v1/visits",
                  "{\"customer\":\"%s\",\"purpose\":\"cambio\",\"outcome\":\"hecho\",\"store\":\"CENTRO\","
                  "\"terminal\":\"3\",\"clerk\":\"luz\",\"at\":\"2026-01-02T03:04:05Z\"}",
                  ana);
    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "at"), "2026-01-02T03:04:05.000Z");
    assert_string_equal(answer_str(&a, "purpose"), "cambio");
    assert_string_equal(answer_str(&a, "clerk"), "luz");
    const char *location = strstr(a.headers, "Location: /v1/visits/vis_");
    assert_non_null(location);
    (void)snprintf(path, sizeof path, "/v1/visits/%s", answer_str(&a, "id"));
    struct answer b = gate_get(&w.gate, "%s", path);
    assert_true(cJSON_Compare(a.json, b.json, true));
    answer_done(&b);
    answer_done(&a);
    /* A later one that is of before. */
    a = gate_post(&w.gate, "/v1/visits", "{\"customer\":\"%s\",\"at\":\"2025-12-31T00:00:00Z\"}", ana);
    assert_int_equal(a.status, 201);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/customers/%s/visits", ana);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "visits")), 2);
    assert_string_equal(answer_str(&a, "visits/0/purpose"), "cambio");
    assert_string_equal(answer_str(&a, "visits/1/at"), "2025-12-31T00:00:00.000Z");
    assert_true(cJSON_IsNull(json_at(a.json, "next")));
    answer_done(&a);

    for (unsigned i = 0; i < 12; i++) {
        char key[64], body[400];
        (void)snprintf(
            body, sizeof body,
            "{\"customer\":\"%s\",\"number\":\"F-%u\",\"currency\":\"COP\",\"total\":\"%u.50\","
            "\"items\":[{\"sku\":\"S\",\"name\":\"Cosa\",\"quantity\":2,\"price\":\"10\",\"size\":\"M\"}],"
            "\"at\":\"2026-02-%02uT00:00:00Z\"}",
            ana, i, i, 1 + (i * 5) % 12);
        (void)snprintf(key, sizeof key, "Idempotency-Key: sale-%u", i);
        a = gate_with(&w.gate, "POST", "/v1/sales", body, key);
        assert_int_equal(a.status, 201);
        b = gate_with(&w.gate, "POST", "/v1/sales", body, key);
        assert_int_equal(b.status, 201);
        assert_string_equal(answer_str(&a, "id"), answer_str(&b, "id"));
        answer_done(&b);
        answer_done(&a);
    }
    do {
        a = gate_get(&w.gate, "/v1/customers/%s/sales?limit=5%s%s", ana, cursor[0] ? "&cursor=" : "", cursor);
        assert_int_equal(a.status, 200);
        const cJSON *s;
        cJSON_ArrayForEach(s, json_at(a.json, "sales"))
        {
            assert_true(strcmp(json_at(s, "at")->valuestring, last) < 0);
            (void)snprintf(last, sizeof last, "%s", json_at(s, "at")->valuestring);
            n++;
        }
        const cJSON *next = json_at(a.json, "next");
        (void)snprintf(cursor, sizeof cursor, "%s", cJSON_IsString(next) ? next->valuestring : "");
        answer_done(&a);
    } while (cursor[0]);
    assert_int_equal(n, 12);

    gate_kill(&w.gate);
    gate_check_store(&w.gate);
    gate_again(&w.gate);
    /* The look-up has the last five of each. */
    a = gate_post(&w.gate, "/v1/customers/lookup",
                  "{\"by\":{\"document\":\"CO:CC:1020304050\"},\"reason\":\"r\"}");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "sales")), 5);
    assert_string_equal(answer_str(&a, "sales/0/at"), "2026-02-12T00:00:00.000Z");
    assert_string_equal(answer_str(&a, "sales/0/items/0/name"), "Cosa");
    assert_true(answer_num(&a, "sales/0/items/0/quantity") == 2);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "visits")), 2);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/events?after=oldest&follow=false&type=sale.recorded,visit.recorded");
    assert_non_null(strstr(a.body, "\"purpose\":\"cambio\""));
    assert_non_null(strstr(a.body, "\"number\":\"F-11\""));
    answer_done(&a);
    world_down(&w);
}

static void sell(struct gate *g, const char *who, const char *number, const char *store)
{
    struct answer a = gate_post(
        g, "/v1/sales",
        "{\"customer\":\"%s\",\"number\":\"%s\",\"currency\":\"USD\",\"total\":\"-1\",\"store\":\"%s\"}", who,
        number, store);

    assert_int_equal(a.status, 201);
    answer_done(&a);
}

static struct answer order(struct gate *g, const char *number, const char *more)
{
    return gate_post(g, "/v1/customers/lookup", "{\"by\":{\"order\":\"%s\"},\"reason\":\"r\"%s}", number,
                     more);
}

/* Stores number their own receipts: one number may be several people's. */
static void an_order_leads_to_its_customer(void **state)
{
    struct world w = {0};
    char ana[64], luis[64];

    (void)state;
    world_up(&w, NULL, NULL);
    customer(&w.gate, "CO:CC:1020304050", ana);
    customer(&w.gate, "CO:CC:1020304051", luis);
    sell(&w.gate, ana, "A-1", "CENTRO");
    sell(&w.gate, ana, "A-2", "CENTRO");
    sell(&w.gate, ana, "A-2", "SUR");
    sell(&w.gate, luis, "A-2", "NORTE");
    sell(&w.gate, luis, "A-20", "NORTE");
    struct answer a = order(&w.gate, "A-1", "");
    assert_string_equal(answer_str(&a, "customer/id"), ana);
    answer_done(&a);
    a = order(&w.gate, "A-1", ",\"store\":\"NORTE\""); /* there is only one */
    assert_string_equal(answer_str(&a, "customer/id"), ana);
    answer_done(&a);
    a = order(&w.gate, "A-20", "");
    assert_string_equal(answer_str(&a, "customer/id"), luis);
    answer_done(&a);
    a = order(&w.gate, "A-2", "");
    answer_is(&a, 409, "ambiguous_order", "/by/order");
    answer_done(&a);
    a = order(&w.gate, "A-2", ",\"store\":\"NORTE\"");
    assert_string_equal(answer_str(&a, "customer/id"), luis);
    answer_done(&a);
    a = order(&w.gate, "A-2", ",\"store\":\"SUR\"");
    assert_string_equal(answer_str(&a, "customer/id"), ana);
    answer_done(&a);
    a = order(&w.gate, "A-3", "");
    assert_true(cJSON_IsNull(json_at(a.json, "customer")));
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/audit");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "lookups")), 6);
    assert_string_equal(answer_str(&a, "lookups/0/by"), "order");
    answer_done(&a);
    world_down(&w);
}

static void a_note_is_in_the_thread_and_never_sent(void **state)
{
    struct world w = {0};
    char who[64], id[64], note[64], path[128];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_text(&w.sim, "573001112233", "se ve negra", NULL);
    sim_quiet(&w.sim);
    struct answer a = gate_post(&w.gate, "/v1/customers/search", "{\"phone\":\"+573001112233\"}");
    keep(who, &a, "customers/0/id");
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"TV\"}", who);
    keep(id, &a, "id");
    answer_done(&a);
    (void)snprintf(path, sizeof path, "/v1/cases/%s/notes", id);
    static const char body[] = "{\"text\":\"Trae el control\",\"clerk\":\"luz\",\"store\":\"CENTRO\"}";
    a = gate_with(&w.gate, "POST", path, body, "Idempotency-Key: n-1");
    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "kind"), "note");
    assert_string_equal(answer_str(&a, "content/type"), "note");
    assert_string_equal(answer_str(&a, "content/text"), "Trae el control");
    assert_string_equal(answer_str(&a, "sender"), "luz");
    assert_null(answer_str(&a, "channel"));
    assert_null(answer_str(&a, "status"));
    keep(note, &a, "id");
    answer_done(&a);
    a = gate_with(&w.gate, "POST", path, body, "Idempotency-Key: n-1");
    assert_string_equal(answer_str(&a, "id"), note);
    answer_done(&a);

    a = gate_get(&w.gate, "/v1/customers/%s/timeline", who);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 2);
    assert_string_equal(answer_str(&a, "messages/0/id"), note);
    assert_string_equal(answer_str(&a, "messages/0/case"), id);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/cases/%s/messages", id);
    assert_string_equal(answer_str(&a, "messages/0/id"), note);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/cases/%s", id);
    assert_true(answer_num(&a, "messages") == 1);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/events?after=oldest&follow=false&type=case.noted");
    assert_non_null(strstr(a.body, "\"text\":\"Trae el control\""));
    answer_done(&a);
    /* It can't be canceled, read or answered as what came from her. */
    (void)snprintf(path, sizeof path, "/v1/messages/%s", note);
    gate_expect(&w.gate, 409, "already_settled", NULL, "DELETE", path, NULL);
    (void)snprintf(path, sizeof path, "/v1/messages/%s/read", note);
    gate_expect(&w.gate, 409, "not_inbound", NULL, "POST", path, NULL);
    gate_queue_is(&w.gate, 0, 0);
    assert_int_equal(sim_count(&w.sim, "accepted"), 0);
    gate_expect(&w.gate, 404, "unknown_case", NULL, "POST", "/v1/cases/cas_00000000000000000000000001/notes",
                "{\"text\":\"x\"}");
    world_down(&w);
}

static void what_is_no_sale_is_refused(void **state)
{
    static const struct {
        const char *code, *pointer, *more;
    } refused[] = {
        {"invalid_field", "/currency", "\"number\":\"1\",\"currency\":\"cop\",\"total\":\"1\""},
        {"invalid_field", "/total", "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1,5\""},
        {"invalid_field", "/total", "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1.\""},
        {"invalid_field", "/total", "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1234567890123456\""},
        {"invalid_field", "/total", "\"number\":\"1\",\"currency\":\"COP\",\"total\":12"},
        {"missing_field", "/number", "\"currency\":\"COP\",\"total\":\"1\""},
        {"missing_field", "/items/0/quantity",
         "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1\",\"items\":[{\"sku\":\"a\"}]"},
        {"missing_field", "/items/0",
         "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1\",\"items\":[{\"quantity\":1}]"},
        {"invalid_field", "/items/1/price",
         "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1\",\"items\":[{\"sku\":\"a\",\"quantity\":1},"
         "{\"sku\":\"b\",\"quantity\":1,\"price\":\"x\"}]"},
        {"invalid_field", "/at",
         "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1\",\"at\":\"2999-01-01T00:00:00Z\""},
        {"unknown_case", "/case",
         "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1\",\"case\":\"cas_00000000000000000000000001\""},
        {"unknown_field", "/card", "\"number\":\"1\",\"currency\":\"COP\",\"total\":\"1\",\"card\":\"4111\""},
    };
    struct world w = {0};
    char ana[64], body[512];

    (void)state;
    world_up(&w, NULL, NULL);
    customer(&w.gate, "CO:CC:1020304050", ana);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        (void)snprintf(body, sizeof body, "{\"customer\":\"%s\",%s}", ana, refused[i].more);
        gate_expect(&w.gate, 422, refused[i].code, refused[i].pointer, "POST", "/v1/sales", body);
    }
    gate_expect(&w.gate, 422, "unknown_customer", "/customer", "POST", "/v1/visits",
                "{\"customer\":\"cus_00000000000000000000000001\"}");
    gate_expect(&w.gate, 404, "unknown_sale", NULL, "GET", "/v1/sales/sal_00000000000000000000000001", NULL);
    gate_expect(&w.gate, 404, "unknown_customer", NULL, "GET",
                "/v1/customers/cus_00000000000000000000000001/sales", NULL);
    struct answer a = gate_get(&w.gate, "/v1/customers/%s/sales", ana);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "sales")), 0);
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_customer_newest_first_with_their_own_times),
        cmocka_unit_test(an_order_leads_to_its_customer),
        cmocka_unit_test(a_note_is_in_the_thread_and_never_sent),
        cmocka_unit_test(what_is_no_sale_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
