/* Events out of the gateway: what an application that takes webhooks sees. */
#include "harness.h"
#include "hooksink.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct hook_world {
    struct world w;
    struct hooksink *sink;
    char id[64], secret[128]; /* of the endpoint */
};

static void endpoint_make(struct hook_world *h, const char *url, const char *more)
{
    struct answer a = gate_post(&h->w.gate, "/v1/webhooks", "{\"url\":\"%s\"%s}", url, more);

    if (a.status != 201)
        print_message("%s\n", a.body);
    assert_int_equal(a.status, 201);
    (void)snprintf(h->id, sizeof h->id, "%s", answer_str(&a, "id"));
    (void)snprintf(h->secret, sizeof h->secret, "%s", answer_str(&a, "secret"));
    assert_int_equal(strncmp(h->id, "whk_", 4), 0);
    answer_done(&a);
}

static void up(struct hook_world *h, hook_decide_fn *decide, void *arg, const char *more)
{
    world_up(&h->w, NULL, "webhooks: {timeout: 1s}\n");
    h->sink = hooksink_start(0, decide, arg);
    endpoint_make(h, hooksink_url(h->sink), more);
}

static void down(struct hook_world *h)
{
    world_down(&h->w);
    hooksink_stop(&h->sink);
}

static void customer_make(struct hook_world *h, char id[64])
{
    static unsigned n;
    struct answer a = gate_post(&h->w.gate, "/v1/customers",
                                "{\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+57300%07u\"}]}", ++n);

    if (a.status / 100 != 2)
        print_message("%s\n", a.body);
    assert_int_equal(a.status / 100, 2);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

static void customer_name(struct hook_world *h, const char *id, unsigned n)
{
    char path[128], body[64];

    (void)snprintf(path, sizeof path, "/v1/customers/%s", id);
    (void)snprintf(body, sizeof body, "{\"name\":\"%u\"}", n);
    struct answer a = gate_do(&h->w.gate, "PATCH", path, body);
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static struct answer endpoint_get(struct hook_world *h)
{
    return gate_get(&h->w.gate, "/v1/webhooks/%s", h->id);
}

static void endpoint_is(struct hook_world *h, const char *state)
{
    struct answer a = endpoint_get(h);

    assert_string_equal(answer_str(&a, "state"), state);
    answer_done(&a);
}

static struct answer endpoint_do(struct hook_world *h, const char *method, const char *rest, const char *json)
{
    char path[160];

    (void)snprintf(path, sizeof path, "/v1/webhooks/%s%s", h->id, rest);
    return gate_do(&h->w.gate, method, path, json);
}

/* The names that a customer was given, in the order in which they came first: "1 2 3 ". */
static void names_of(struct hook_world *h, const char *customer, char *out, size_t cap)
{
    unsigned n = hooksink_came(h->sink);

    out[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        const struct hook *k = hooksink_get(h->sink, i);
        const cJSON *name = json_at(k->json, "data/name");
        bool before = false;
        if (strcmp(k->customer, customer) != 0 || !name || k->answered / 100 != 2)
            continue;
        for (unsigned j = 0; j < i; j++)
            before |= strcmp(hooksink_get(h->sink, j)->id, k->id) == 0 &&
                      hooksink_get(h->sink, j)->answered / 100 == 2;
        if (!before)
            (void)snprintf(out + strlen(out), cap - strlen(out), "%s ", name->valuestring);
    }
}

static void same_event(const struct hook *a, const struct hook *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->body, b->body);
}

/* ---- what comes ------------------------------------------------------------------------- */

static void events_come_signed_and_in_their_order(void **state)
{
    struct hook_world h = {0};
    char customer[5][64], names[64];

    (void)state;
    up(&h, NULL, NULL, ",\"types\":[\"customer.*\"]");
    for (unsigned i = 0; i < 5; i++)
        customer_make(&h, customer[i]);
    for (unsigned n = 1; n <= 5; n++)
        for (unsigned i = 0; i < 5; i++)
            customer_name(&h, customer[i], n);
    hooksink_wait_ok(h.sink, 30); /* created, and 5 names, each; no identifiers */
    for (unsigned i = 0; i < 5; i++) {
        names_of(&h, customer[i], names, sizeof names);
        assert_string_equal(names, "1 2 3 4 5 ");
    }
    for (unsigned i = 0; i < 30; i++) {
        const struct hook *k = hooksink_get(h.sink, i);
        assert_true(hook_signed_by(k, h.secret));
        assert_string_equal(k->type, "application/cloudevents+json; charset=utf-8");
        assert_string_equal(k->path, "/hooks");
        assert_string_equal(json_at(k->json, "specversion")->valuestring, "1.0");
        assert_string_equal(json_at(k->json, "id")->valuestring, k->id);
        assert_int_equal(strncmp(k->event, "hilo.customer.", 14), 0);
        assert_true(k->connection <= 16);
    }
    assert_int_equal(hooksink_came(h.sink), 30);
    struct answer a = endpoint_get(&h);
    assert_string_equal(answer_str(&a, "state"), "up");
    assert_int_equal(answer_num(&a, "since_start/delivered"), 30);
    assert_null(json_at(a.json, "secret")); /* shown once */
    answer_done(&a);
    down(&h);
}

static void a_restart_repeats_nothing(void **state)
{
    struct hook_world h = {0};
    char customer[64], names[64];

    (void)state;
    up(&h, NULL, NULL, ",\"types\":[\"customer.updated\"]");
    customer_make(&h, customer);
    customer_name(&h, customer, 1);
    hooksink_wait_ok(h.sink, 1);
    gate_stop(&h.w.gate);
    gate_check_store(&h.w.gate);
    gate_again(&h.w.gate);
    customer_name(&h, customer, 2);
    hooksink_wait_ok(h.sink, 2);
    names_of(&h, customer, names, sizeof names);
    assert_string_equal(names, "1 2 ");
    assert_int_equal(hooksink_came(h.sink), 2);
    down(&h);
}

/* ---- failures ----------------------------------------------------------------------------- */

struct fault_plan {
    char customer[64];
    struct hook_answer answer;
    unsigned times;
};

/* The first times of the customer's first event that has a name. */
static struct hook_answer fail_one(void *arg, const struct hook *k, unsigned nth)
{
    const struct fault_plan *p = arg;
    const cJSON *name = json_at(k->json, "data/name");

    if (strcmp(k->customer, p->customer) == 0 && name && strcmp(name->valuestring, "1") == 0 &&
        nth < p->times)
        return p->answer;
    return (struct hook_answer){.status = 200, .chunked = nth % 2 == 0};
}

static void one_fails(struct hook_answer answer, const char *words)
{
    struct hook_world h = {0};
    struct fault_plan plan = {.answer = answer, .times = 1};
    char eva[64], names[64];
    const struct hook *first = NULL, *again = NULL;

    up(&h, fail_one, &plan, ",\"types\":[\"customer.updated\"]");
    customer_make(&h, plan.customer);
    customer_make(&h, eva);
    customer_name(&h, plan.customer, 1);
    (void)process_wait_line(h.w.gate.process, "webhook.parked", "attempts=1", NULL);
    for (unsigned n = 2; n <= 4; n++)
        customer_name(&h, plan.customer, n);
    customer_name(&h, eva, 1);
    hooksink_wait_ok(h.sink, 1); /* the other customer's goes on */
    struct answer a = gate_get(&h.w.gate, "/v1/webhooks/%s/failures", h.id);
    assert_string_equal(answer_str(&a, "failures/0/customer"), plan.customer);
    assert_non_null(strstr(answer_str(&a, "failures/0/detail"), words));
    answer_done(&a);
    hooksink_wait_ok(h.sink, 5); /* 5 seconds later */
    names_of(&h, plan.customer, names, sizeof names);
    assert_string_equal(names, "1 2 3 4 ");
    for (unsigned i = 0; i < hooksink_came(h.sink); i++) {
        const struct hook *k = hooksink_get(h.sink, i);
        if (strcmp(k->customer, plan.customer) == 0 && !first)
            first = k;
        else if (strcmp(k->customer, plan.customer) == 0 && !again)
            again = k;
        assert_true(hook_signed_by(k, h.secret));
    }
    same_event(first, again);
    assert_true(again->came_us - first->came_us >= 4900000);
    a = gate_get(&h.w.gate, "/v1/webhooks/%s/failures", h.id);
    if (json_at(a.json, "failures/0")) { /* the last answer may not be written down yet */
        answer_done(&a);
        hooksink_wait_ok(h.sink, 5);
        gate_stop(&h.w.gate);
        gate_again(&h.w.gate);
        a = gate_get(&h.w.gate, "/v1/webhooks/%s/failures", h.id);
    }
    assert_null(json_at(a.json, "failures/0"));
    answer_done(&a);
    down(&h);
}

static void a_customer_whose_event_fails_waits_alone(void **state)
{
    (void)state;
    one_fails((struct hook_answer){.status = 500}, "status 500");
}

static void a_connection_that_is_cut_is_a_failure(void **state)
{
    (void)state;
    one_fails((struct hook_answer){.status = 200, .half = true}, "cut in the middle");
}

static void an_answer_that_is_late_is_a_failure(void **state)
{
    (void)state;
    one_fails((struct hook_answer){.status = -1}, "no answer within 1000 ms");
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    one_fails((struct hook_answer){.status = 302, .header = "Location: /elsewhere\r\n"},
              "redirects are not followed");
}

static void an_endpoint_that_is_down_is_waited_for(void **state)
{
    struct hook_world h = {0};
    char customer[3][64], names[64], url[64];
    int port = free_port();

    (void)state;
    world_up(&h.w, NULL, NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hooks", port);
    endpoint_make(&h, url, ",\"types\":[\"customer.updated\"]");
    for (unsigned i = 0; i < 3; i++)
        customer_make(&h, customer[i]);
    customer_name(&h, customer[0], 1);
    (void)process_wait_line(h.w.gate.process, "webhook.failing", "attempts=1", NULL);
    for (unsigned n = 2; n <= 4; n++)
        for (unsigned i = 0; i < 3; i++)
            customer_name(&h, customer[i], n);
    endpoint_is(&h, "failing");
    assert_false(process_saw(h.w.gate.process, "webhook.parked"));
    h.sink = hooksink_start(port, NULL, NULL);
    hooksink_wait_ok(h.sink, 10);
    (void)process_wait_line(h.w.gate.process, "webhook.well", NULL);
    names_of(&h, customer[0], names, sizeof names);
    assert_string_equal(names, "1 2 3 4 ");
    names_of(&h, customer[2], names, sizeof names);
    assert_string_equal(names, "2 3 4 ");
    endpoint_is(&h, "up");
    assert_int_equal(hooksink_came(h.sink), 10);
    down(&h);
}

static struct hook_answer always(void *arg, const struct hook *k, unsigned nth)
{
    (void)k;
    (void)nth;
    return *(struct hook_answer *)arg;
}

static void an_endpoint_that_fails_for_everybody_is_down(void **state)
{
    struct hook_world h = {0};
    struct hook_answer answer = {.status = 503};
    char customer[64];

    (void)state;
    up(&h, always, &answer, ",\"types\":[\"customer.created\"]");
    for (unsigned i = 0; i < 20; i++)
        customer_make(&h, customer);
    (void)process_wait_line(h.w.gate.process, "webhook.failing", "attempts=1", NULL);
    unsigned came = hooksink_came(h.sink);
    assert_in_range(came, 16, 20);
    assert_in_range(process_count(h.w.gate.process, "webhook.parked"), 1, 16);
    /* Five seconds later a few are tried, and no more. */
    (void)process_wait_line(h.w.gate.process, "webhook.failing", "attempts=2", NULL);
    assert_in_range(hooksink_came(h.sink), came + 1, 20 + 4);
    answer.status = 200;
    struct answer a = endpoint_do(&h, "PATCH", "", "{\"enabled\":true}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    hooksink_wait_events(h.sink, 20);
    down(&h);
}

static void gone_disables_and_enabled_again_nothing_is_lost(void **state)
{
    struct hook_world h = {0};
    struct hook_answer answer = {.status = 410};
    char customer[64], names[64];

    (void)state;
    up(&h, always, &answer, ",\"types\":[\"customer.updated\"]");
    customer_make(&h, customer);
    customer_name(&h, customer, 1);
    (void)process_wait_line(h.w.gate.process, "webhook.disabled", "reason=gone", NULL);
    struct answer a = endpoint_get(&h);
    assert_string_equal(answer_str(&a, "state"), "disabled");
    assert_string_equal(answer_str(&a, "reason"), "gone");
    answer_done(&a);
    customer_name(&h, customer, 2);
    gate_stop(&h.w.gate);
    gate_again(&h.w.gate);
    customer_name(&h, customer, 3);
    assert_int_equal(hooksink_came(h.sink), 1);
    answer.status = 204;
    a = endpoint_do(&h, "PATCH", "", "{\"enabled\":true}");
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "state"), "up");
    answer_done(&a);
    hooksink_wait_ok(h.sink, 3);
    names_of(&h, customer, names, sizeof names);
    assert_string_equal(names, "1 2 3 ");
    down(&h);
}

struct throttle {
    unsigned refused;
};
static struct hook_answer throttled(void *arg, const struct hook *k, unsigned nth)
{
    struct throttle *t = arg;

    (void)k;
    (void)nth;
    if (t->refused++ == 0)
        return (struct hook_answer){.status = 429, .header = "Retry-After: 2\r\n"};
    return (struct hook_answer){.status = 200, .close = true};
}

static void retry_after_is_honoured(void **state)
{
    struct hook_world h = {0};
    struct throttle t = {0};
    char customer[64], names[64];

    (void)state;
    up(&h, throttled, &t, ",\"types\":[\"customer.updated\"]");
    customer_make(&h, customer);
    for (unsigned n = 1; n <= 3; n++)
        customer_name(&h, customer, n);
    hooksink_wait_ok(h.sink, 3);
    int64_t wait = hooksink_get(h.sink, 1)->came_us - hooksink_get(h.sink, 0)->came_us;
    assert_in_range(wait, 1950000, 4500000); /* not the schedule's 5 s */
    same_event(hooksink_get(h.sink, 0), hooksink_get(h.sink, 1));
    names_of(&h, customer, names, sizeof names);
    assert_string_equal(names, "1 2 3 ");
    down(&h);
}

/* ---- kills ------------------------------------------------------------------------------------ */

struct kill_plan {
    unsigned hold_at, n;
};
static struct hook_answer hold_later(void *arg, const struct hook *k, unsigned nth)
{
    struct kill_plan *p = arg;

    (void)k;
    /* One that fails twice comes again after five minutes. */
    return (struct hook_answer){.status = ++p->n == p->hold_at ? -1 : p->n % 7 == 3 && nth == 0 ? 500 : 200};
}

static void a_kill_loses_nothing_and_keeps_the_order(void **state)
{
    enum { PEOPLE = 30, NAMES = 6 };
    struct hook_world h = {0};
    struct kill_plan plan = {.hold_at = 60};
    char customer[PEOPLE][64], names[128];

    (void)state;
    up(&h, hold_later, &plan, ",\"types\":[\"customer.updated\"]");
    for (unsigned i = 0; i < PEOPLE; i++)
        customer_make(&h, customer[i]);
    for (unsigned n = 1; n <= NAMES; n++) {
        for (unsigned i = 0; i < PEOPLE; i++)
            customer_name(&h, customer[i], n);
        if (n == 2 || n == 4) { /* with deliveries out, held, parked */
            gate_kill(&h.w.gate);
            gate_check_store(&h.w.gate);
            gate_again(&h.w.gate);
        }
    }
    hooksink_go(h.sink);
    hooksink_wait_events(h.sink, PEOPLE * NAMES);
    for (unsigned i = 0; i < PEOPLE; i++) {
        names_of(&h, customer[i], names, sizeof names);
        assert_string_equal(names, "1 2 3 4 5 6 ");
    }
    for (unsigned i = 0; i < hooksink_came(h.sink); i++) /* whatever came twice is the same */
        for (unsigned j = 0; j < i; j++)
            if (strcmp(hooksink_get(h.sink, i)->id, hooksink_get(h.sink, j)->id) == 0)
                same_event(hooksink_get(h.sink, i), hooksink_get(h.sink, j));
    down(&h);
}

/* ---- endpoints by the API ------------------------------------------------------------------------ */

static void a_rotated_secret_signs_beside_the_one_before(void **state)
{
    struct hook_world h = {0};
    char customer[64], secret[128];

    (void)state;
    up(&h, NULL, NULL, ",\"types\":[\"customer.created\"]");
    struct answer a = endpoint_do(&h, "POST", "/rotate", "{\"overlap\":\"PT1H\"}");
    assert_int_equal(a.status, 200);
    (void)snprintf(secret, sizeof secret, "%s", answer_str(&a, "secret"));
    answer_done(&a);
    customer_make(&h, customer);
    hooksink_wait_ok(h.sink, 1);
    assert_true(hook_signed_by(hooksink_get(h.sink, 0), secret));
    assert_true(hook_signed_by(hooksink_get(h.sink, 0), h.secret));
    a = endpoint_do(&h, "POST", "/rotate", "{\"overlap\":\"PT0S\"}");
    assert_int_equal(a.status, 200);
    (void)snprintf(h.secret, sizeof h.secret, "%s", answer_str(&a, "secret"));
    answer_done(&a);
    customer_make(&h, customer);
    hooksink_wait_ok(h.sink, 2);
    assert_true(hook_signed_by(hooksink_get(h.sink, 1), h.secret));
    assert_false(hook_signed_by(hooksink_get(h.sink, 1), secret));
    down(&h);
}

static void a_test_says_what_came_of_it(void **state)
{
    struct hook_world h = {0};
    struct hook_answer answer = {.status = 200};

    (void)state;
    up(&h, always, &answer, "");
    struct answer a = endpoint_do(&h, "POST", "/test", NULL);
    assert_int_equal(a.status, 200);
    assert_true(cJSON_IsTrue(json_at(a.json, "delivered")));
    assert_int_equal(answer_num(&a, "status"), 200);
    answer_done(&a);
    const struct hook *k = hooksink_get(h.sink, 0);
    assert_string_equal(k->event, "hilo.webhook.test");
    assert_true(hook_signed_by(k, h.secret));
    answer.status = 404;
    a = endpoint_do(&h, "POST", "/test", NULL);
    assert_true(cJSON_IsFalse(json_at(a.json, "delivered")));
    assert_int_equal(answer_num(&a, "status"), 404);
    answer_done(&a);
    hooksink_stop(&h.sink);
    a = endpoint_do(&h, "POST", "/test", NULL);
    assert_true(cJSON_IsFalse(json_at(a.json, "delivered")));
    assert_non_null(strstr(answer_str(&a, "detail"), "connect"));
    answer_done(&a);
    down(&h);
}

static void endpoints_are_refused_with_words(void **state)
{
    struct hook_world h = {0};
    struct gate *g = &h.w.gate;

    (void)state;
    world_up(&h.w, NULL, NULL);
    gate_expect(g, 422, "invalid_url", "/url", "POST", "/v1/webhooks", "{\"url\":\"http://example.com/\"}");
    gate_expect(g, 422, "invalid_url", "/url", "POST", "/v1/webhooks", "{\"url\":\"ftp://example.com/\"}");
    gate_expect(g, 422, "invalid_url", "/url", "POST", "/v1/webhooks",
                "{\"url\":\"https://a:b@example.com/\"}");
    gate_expect(g, 422, "invalid_url", "/url", "POST", "/v1/webhooks",
                "{\"url\":\"https://example.com/#x\"}");
    gate_expect(g, 422, "invalid_url", "/url", "POST", "/v1/webhooks",
                "{\"url\":\"https://example.com/\\r\\nx: y\"}");
    gate_expect(g, 422, "unknown_type", "/types", "POST", "/v1/webhooks",
                "{\"url\":\"https://example.com/\",\"types\":[\"message.sung\"]}");
    gate_expect(g, 404, "unknown_webhook", NULL, "GET", "/v1/webhooks/whk_01JDX3V5Q8E7Z2M4N6P8R0T2V4", NULL);
    endpoint_make(&h, "https://127.0.0.1:1/", ",\"description\":\"the shop\"");
    struct answer a = gate_get(g, "/v1/webhooks");
    assert_string_equal(answer_str(&a, "webhooks/0/id"), h.id);
    assert_string_equal(answer_str(&a, "webhooks/0/description"), "the shop");
    answer_done(&a);
    a = endpoint_do(&h, "DELETE", "", NULL);
    assert_int_equal(a.status, 204);
    answer_done(&a);
    a = endpoint_get(&h);
    assert_int_equal(a.status, 404);
    answer_done(&a);
    (void)snprintf(g->extra, sizeof g->extra, "webhooks: {allow_http: true}\n");
    gate_configure(g);
    a = gate_post(g, "/v1/config/reload", "%s", "");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    endpoint_make(&h, "http://example.invalid/", "");
    for (unsigned i = 1; i < 50; i++)
        endpoint_make(&h, "https://example.invalid/", "");
    gate_expect(g, 409, "too_many_webhooks", NULL, "POST", "/v1/webhooks",
                "{\"url\":\"https://example.com/\"}");
    world_down(&h.w);
}

static void a_key_has_nothing_sent_that_it_may_not_see(void **state)
{
    struct hook_world h = {0};
    char narrow[64], customer[64], all[64], path[200];

    (void)state;
    up(&h, NULL, NULL, "");
    struct answer a = gate_post(&h.w.gate, "/v1/keys",
                                "{\"name\":\"n\",\"scopes\":\"webhooks:write webhooks:read cases:read\"}");
    assert_int_equal(a.status, 201);
    (void)snprintf(narrow, sizeof narrow, "%s", answer_str(&a, "key"));
    answer_done(&a);
    (void)snprintf(path, sizeof path, "%s/v1/webhooks/%s", h.w.gate.url, h.id);
    a = http_do("PATCH", path, narrow, "{\"url\":\"https://example.com/\"}", NULL);
    answer_is(&a, 403, "insufficient_scope", NULL);
    answer_done(&a);
    (void)snprintf(path, sizeof path, "%s/v1/webhooks/%s/rotate", h.w.gate.url, h.id);
    a = http_do("POST", path, narrow, NULL, NULL);
    answer_is(&a, 403, "insufficient_scope", NULL);
    answer_done(&a);
    a = endpoint_do(&h, "DELETE", "", NULL);
    answer_done(&a);
    (void)snprintf(all, sizeof all, "%s", h.w.gate.key);
    (void)snprintf(h.w.gate.key, sizeof h.w.gate.key, "%s", narrow);
    endpoint_make(&h, hooksink_url(h.sink), "");
    (void)snprintf(h.w.gate.key, sizeof h.w.gate.key, "%s", all);
    unsigned before = hooksink_came(h.sink);
    customer_make(&h, customer);
    a = gate_post(&h.w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"tv\"}", customer);
    assert_int_equal(a.status, 201);
    answer_done(&a);
    hooksink_wait_came(h.sink, before + 1);
    assert_string_equal(hooksink_get(h.sink, before)->event, "hilo.case.opened");
    down(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_signed_and_in_their_order),
        cmocka_unit_test(a_restart_repeats_nothing),
        cmocka_unit_test(a_customer_whose_event_fails_waits_alone),
        cmocka_unit_test(a_connection_that_is_cut_is_a_failure),
        cmocka_unit_test(an_answer_that_is_late_is_a_failure),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(an_endpoint_that_is_down_is_waited_for),
        cmocka_unit_test(an_endpoint_that_fails_for_everybody_is_down),
        cmocka_unit_test(gone_disables_and_enabled_again_nothing_is_lost),
        cmocka_unit_test(retry_after_is_honoured),
        cmocka_unit_test(a_kill_loses_nothing_and_keeps_the_order),
        cmocka_unit_test(a_rotated_secret_signs_beside_the_one_before),
        cmocka_unit_test(a_test_says_what_came_of_it),
        cmocka_unit_test(endpoints_are_refused_with_words),
        cmocka_unit_test(a_key_has_nothing_sent_that_it_may_not_see),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
