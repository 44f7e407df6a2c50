/*
 * STOP, from outside: what was queued before it is not claimed after it, what was claimed is
 * asked back or told as it is; START; what applications and operators say; restarts.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "573001112233", luis[] = "573004445566";
enum { BURST = 30 };

static void keep(char out[64], const struct answer *a, const char *path)
{
    assert_non_null(answer_str(a, path));
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static void pause_or_resume(struct world *w, const char *what)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/v1/channels/wa/%s", what);
    struct answer a = gate_do(&w->gate, "POST", path, "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

/* A text that is acknowledged by the gateway when this returns. */
static void says(struct world *w, const char *from, const char *text)
{
    sim_text(&w->sim, from, text, NULL);
    sim_quiet(&w->sim);
}

static void is(struct world *w, const char *id, const char *status, const char *reason)
{
    gate_wait_status(&w->gate, id, status);
    struct answer a = gate_get(&w->gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), status);
    if (reason)
        assert_string_equal(answer_str(&a, "reason"), reason);
    answer_done(&a);
}

/* What the provider got with these words, in all. */
static unsigned got(struct world *w, const char *words)
{
    struct answer a = sim_get(&w->sim, "/_sim/messages?since=0&min=0");
    const cJSON *m;
    unsigned n = 0;

    cJSON_ArrayForEach(m, json_at(a.json, "messages"))
    {
        char *text = cJSON_PrintUnformatted(m);
        n += strstr(text, words) != NULL;
        cJSON_free(text);
    }
    answer_done(&a);
    return n;
}

static struct answer post(struct world *w, const char *to, const char *category, const char *text)
{
    return gate_post(&w->gate, "/v1/messages",
                     "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"category\":\"%s\",\"content\":{"
                     "\"type\":\"text\",\"text\":\"%s\"}}",
                     to, category, text);
}

static void send_one(struct world *w, const char *to, const char *category, const char *text, char id[64])
{
    struct answer a = post(w, to, category, text);

    assert_int_equal(a.status, 202);
    assert_string_equal(answer_str(&a, "status"), "accepted");
    keep(id, &a, "id");
    answer_done(&a);
}

static void suppressed_at_once(struct world *w, const char *to, const char *category)
{
    char id[64];
    struct answer a = post(w, to, category, "no saldrá");

    assert_int_equal(a.status, 202);
    assert_string_equal(answer_str(&a, "status"), "suppressed");
    assert_string_equal(answer_str(&a, "reason"), "opted_out");
    keep(id, &a, "id");
    answer_done(&a);
    is(w, id, "suppressed", "opted_out");
}

static void customer_of(struct world *w, const char *phone, char id[64])
{
    struct answer a = gate_post(&w->gate, "/v1/customers/search", "{\"phone\":\"+%s\"}", phone);

    keep(id, &a, "customers/0/id");
    answer_done(&a);
}

/* Everything is queued, then STOP comes, then the channel opens: what the STOP found in the
 * queue never reaches the provider, its confirmation does, other people's does. */
static void what_was_queued_before_a_stop_never_leaves(void **state)
{
    struct world w = {0};
    char burst[BURST][64], other[64], code[64], customer[64];

    (void)state;
    world_up(&w, NULL, NULL);
    says(&w, ana, "hola");
    says(&w, luis, "hola");
    pause_or_resume(&w, "pause");
    for (unsigned i = 0; i < BURST; i++)
        send_one(&w, ana, i % 2 ? "promotional" : "service", "rebajas", burst[i]);
    send_one(&w, ana, "authentication", "código 123", code);
    send_one(&w, luis, "promotional", "rebajas de Luis", other);
    says(&w, ana, "¡Baja!");
    pause_or_resume(&w, "resume");
    for (unsigned i = 0; i < BURST; i++)
        is(&w, burst[i], "suppressed", "opted_out");
    is(&w, code, "read", NULL);
    is(&w, other, "read", NULL);
    answer_done(&(struct answer[1]){sim_messages(&w.sim, 3)}[0]);
    assert_int_equal(got(&w, "\"rebajas\""), 0);
    assert_int_equal(got(&w, "ya no le enviaremos"), 1); /* in Spanish, for the word was */
    assert_int_equal(sim_count(&w.sim, "accepted"), 3);
    gate_queue_is(&w.gate, 0, 0);

    /* Nothing new leaves either; the code does. */
    suppressed_at_once(&w, ana, "promotional");
    suppressed_at_once(&w, ana, "service");
    suppressed_at_once(&w, ana, "transactional");
    send_one(&w, ana, "authentication", "código 456", code);
    is(&w, code, "read", NULL);

    /* Said twice, answered once; and the message is in the thread, in no case. */
    says(&w, ana, "STOP");
    says(&w, ana, "baja");
    customer_of(&w, ana, customer);
    struct answer a = gate_get(&w.gate, "/v1/customers/%s/timeline", customer);
    assert_string_equal(answer_str(&a, "messages/0/content/text"), "baja");
    answer_done(&a);
    send_one(&w, luis, "service", "última", other);
    is(&w, other, "read", NULL);
    assert_int_equal(got(&w, "ya no le enviaremos"), 1);

    /* Who, what, how. */
    a = gate_get(&w.gate, "/v1/customers/%s/consents", customer);
    assert_int_equal(a.status, 200);
    unsigned customers = 0, addresses = 0;
    const cJSON *c;
    cJSON_ArrayForEach(c, json_at(a.json, "consents"))
    {
        const struct answer one = {.json = cJSON_Duplicate(c, true)};
        assert_string_equal(answer_str(&one, "state"), "denied");
        assert_string_equal(answer_str(&one, "how"), "word");
        assert_string_equal(answer_str(&one, "channel"), "wa");
        assert_string_equal(answer_str(&one, "proof"), "¡Baja!");
        assert_non_null(strstr(answer_str(&one, "message"), "msg_"));
        addresses += json_at(c, "address") != NULL;
        customers += json_at(c, "address") == NULL;
        cJSON_Delete(one.json);
    }
    assert_int_equal(customers, 3);
    assert_true(addresses >= 3);
    answer_done(&a);
    a = gate_get(&w.gate, "/metrics");
    assert_non_null(strstr(a.body, "hilo_channel_messages_total{channel=\"wa\",status=\"suppressed\"} 33\n"));
    assert_non_null(strstr(a.body, "hilo_channel_opted_out_total{channel=\"wa\"} 1\n"));
    answer_done(&a);
    world_down(&w);
}

/* In the middle of a burst that flows: in the journal's order no message is claimed after the
 * STOP, so the last of its claims is older than it. */
static void a_stop_in_the_middle_of_a_burst(void **state)
{
    struct world w = {0};
    char burst[BURST][64], stop[64] = "";
    unsigned sent = 0, suppressed = 0;

    (void)state;
    world_up(&w, NULL, NULL);
    says(&w, ana, "hola");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"ok\",\"delay_ms\":20}");
    for (unsigned i = 0; i < BURST; i++)
        send_one(&w, ana, "promotional", "rebajas", burst[i]);
    answer_done(&(struct answer[1]){sim_messages(&w.sim, 3)}[0]); /* some have left */
    says(&w, ana, "STOP");
    char customer[64];
    customer_of(&w, ana, customer);
    struct answer t = gate_get(&w.gate, "/v1/customers/%s/timeline?limit=200", customer);
    const cJSON *m;
    cJSON_ArrayForEach(m, json_at(t.json, "messages"))
    {
        const cJSON *text = json_at(m, "content/text");
        if (text && strcmp(text->valuestring, "STOP") == 0)
            (void)snprintf(stop, sizeof stop, "%s", json_at(m, "arrived")->valuestring);
    }
    answer_done(&t);
    assert_true(stop[0]);
    for (unsigned i = 0; i < BURST; i++) {
        struct answer a;
        do { /* the last ones are suppressed as their turn comes */
            a = gate_get(&w.gate, "/v1/messages/%s", burst[i]);
            const char *s = answer_str(&a, "status");
            if (strcmp(s, "accepted") != 0 && strcmp(s, "queued") != 0)
                break;
            answer_done(&a);
        } while (true);
        bool went = strcmp(answer_str(&a, "status"), "suppressed") != 0;
        sent += went;
        suppressed += !went;
        assert_false(went && suppressed); /* in order: none after the first that did not */
        const cJSON *h;
        cJSON_ArrayForEach(h, json_at(a.json, "history"))
        {
            if (strcmp(json_at(h, "status")->valuestring, "queued") == 0)
                assert_true(strcmp(json_at(h, "time")->valuestring, stop) <= 0); /* a claim */
        }
        answer_done(&a);
    }
    assert_true(sent >= 3 && suppressed > 0 && sent + suppressed == BURST);
    assert_int_equal(got(&w, "\"rebajas\""), sent);
    (void)process_wait_nth(w.gate.process, sent + 1, "message.reported", "status=sent", NULL);
    gate_queue_is(&w.gate, 0, 0);
    world_down(&w);
}

/* The provider says "later", so the plugin or the core has it back: it must not go again. */
static void what_comes_back_after_a_stop_is_not_tried_again(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w, "    retry_min: 1s\n", NULL);
    says(&w, ana, "hola");
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"500\",\"count\":1}");
    send_one(&w, ana, "service", "rebajas", id);
    (void)process_wait_nth(w.gate.process, 1, "message.reported", id, "status=queued", NULL);
    says(&w, ana, "stop");
    is(&w, id, "suppressed", "opted_out");
    assert_int_equal(got(&w, "\"rebajas\""), 0);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_int_equal(answer_num(&a, "attempts"), 1);
    answer_done(&a);
    world_down(&w);
}

static void plan_is(struct world *w, const char *category, bool suppressed)
{
    struct answer a = gate_post(&w->gate, "/v1/messages/plan",
                                "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"category\":\"%s\","
                                "\"content\":{\"type\":\"text\",\"text\":\"hola\"}}",
                                ana, category);
    assert_int_equal(a.status, 200);
    assert_true(cJSON_IsTrue(json_at(a.json, "accepted")));
    assert_int_equal(json_at(a.json, "suppressed") != NULL, suppressed);
    if (suppressed)
        assert_string_equal(answer_str(&a, "suppressed/reason"), "opted_out");
    answer_done(&a);
}

static void start_opens_it_again_over_a_restart(void **state)
{
    struct world w = {0};
    char id[64], customer[64];

    (void)state;
    world_up(&w, NULL, NULL);
    says(&w, ana, "hola");
    says(&w, ana, "cancelar");
    plan_is(&w, "service", true);
    gate_kill(&w.gate);
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    plan_is(&w, "service", true);
    suppressed_at_once(&w, ana, "promotional");
    says(&w, ana, "Alta");
    plan_is(&w, "service", false);
    send_one(&w, ana, "promotional", "otra vez", id);
    is(&w, id, "read", NULL);
    assert_int_equal(got(&w, "de nuevo por este medio"), 1);
    says(&w, ana, "ALTA"); /* no news: no answer */
    says(&w, ana, "basta por favor");
    send_one(&w, ana, "service", "claro", id);
    is(&w, id, "read", NULL);
    assert_int_equal(got(&w, "de nuevo por este medio"), 1);
    gate_stop(&w.gate);
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    plan_is(&w, "service", false);
    customer_of(&w, ana, customer);
    struct answer a = gate_get(&w.gate, "/v1/customers/%s/consents", customer);
    assert_string_equal(answer_str(&a, "consents/0/state"), "granted");
    assert_string_equal(answer_str(&a, "consents/0/proof"), "Alta");
    answer_done(&a);
    world_down(&w);
}

static struct answer put(struct world *w, const char *customer, const char *category, const char *body)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/%s", customer, category);
    return gate_do(&w->gate, "PUT", path, body);
}

static void put_ok(struct world *w, const char *customer, const char *category, const char *body)
{
    struct answer a = put(w, customer, category, body);

    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static void put_fails(struct world *w, const char *customer, const char *category, const char *body,
                      long status, const char *code, const char *pointer)
{
    struct answer a = put(w, customer, category, body);

    answer_is(&a, status, code, pointer);
    answer_done(&a);
}

static void applications_say_it_too(void **state)
{
    struct world w = {0};
    char customer[64], id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    says(&w, ana, "hola");
    customer_of(&w, ana, customer);
    pause_or_resume(&w, "pause");
    send_one(&w, ana, "promotional", "rebajas", id);
    struct answer a = put(&w, customer, "promotional", "{\"state\":\"denied\",\"proof\":\"llamada del 27\"}");
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "consents/0/category"), "promotional");
    assert_string_equal(answer_str(&a, "consents/0/how"), "api");
    assert_string_equal(answer_str(&a, "consents/0/proof"), "llamada del 27");
    assert_non_null(strstr(answer_str(&a, "consents/0/key"), "key_"));
    answer_done(&a);
    pause_or_resume(&w, "resume");
    is(&w, id, "suppressed", "opted_out");
    plan_is(&w, "service", false);
    plan_is(&w, "promotional", true);

    /* A narrower, later grant opens the channel; a wider denial, later, closes it. */
    put_ok(&w, customer, "promotional", "{\"state\":\"granted\",\"channel_type\":\"whatsapp\"}");
    plan_is(&w, "promotional", false);
    put_ok(&w, customer, "promotional", "{\"state\":\"denied\"}");
    plan_is(&w, "promotional", true);
    put_ok(&w, customer, "promotional", "{\"state\":\"granted\"}");
    plan_is(&w, "promotional", false);

    /* A form that says "write to me" does not undo a STOP; one that says where does. */
    says(&w, ana, "STOP");
    put_ok(&w, customer, "promotional", "{\"state\":\"granted\"}");
    put_ok(&w, customer, "service", "{\"state\":\"granted\",\"channel_type\":\"whatsapp\"}");
    plan_is(&w, "promotional", true);
    plan_is(&w, "service", true);
    put_ok(&w, customer, "promotional", "{\"state\":\"granted\",\"channel\":\"wa\"}");
    plan_is(&w, "promotional", false);
    plan_is(&w, "service", true);

    put_fails(&w, customer, "adverts", "{\"state\":\"denied\"}", 404, "unknown_category", NULL);
    put_fails(&w, customer, "service", "{\"state\":\"no\"}", 422, "invalid_field", "/state");
    put_fails(&w, customer, "service", "{}", 422, "missing_field", "/state");
    put_fails(&w, customer, "service", "{\"state\":\"denied\",\"channel\":\"w\"}", 422, "unknown_channel",
              "/channel");
    put_fails(&w, customer, "service", "{\"state\":\"denied\",\"channel_type\":\"fax\"}", 422,
              "unknown_channel", "/channel_type");
    put_fails(&w, customer, "service",
              "{\"state\":\"denied\",\"channel\":\"wa\",\"channel_type\":\"whatsapp\"}", 422, "invalid_field",
              "/channel_type");
    put_fails(&w, "cus_01JDX3V5Q8E7Z2M4N6P8R0T2V4", "service", "{\"state\":\"denied\"}", 404,
              "unknown_customer", NULL);
    world_down(&w);
}

/* The number is somebody else's now: what was said from it holds. */
static void a_stop_stays_with_the_number(void **state)
{
    struct world w = {0};
    char customer[64], path[128], body[256];

    (void)state;
    world_up(&w, NULL, NULL);
    says(&w, ana, "STOP");
    customer_of(&w, ana, customer);
    (void)snprintf(path, sizeof path, "/v1/customers/%s", customer);
    (void)snprintf(body, sizeof body, "{\"remove_identifiers\":[{\"scheme\":\"phone\",\"value\":\"+%s\"}]}",
                   ana);
    struct answer a = gate_do(&w.gate, "PATCH", path, body);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/customers",
                  "{\"name\":\"Luz\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+%s\"}]}", ana);
    assert_int_equal(a.status, 201);
    assert_string_not_equal(answer_str(&a, "id"), customer);
    keep(customer, &a, "id");
    answer_done(&a);
    suppressed_at_once(&w, ana, "promotional");
    /* It is in what is known of her; she may write again if she says so. */
    a = gate_get(&w.gate, "/v1/customers/%s/consents", customer);
    assert_non_null(json_at(a.json, "consents/0/address"));
    answer_done(&a);
    put_ok(&w, customer, "promotional", "{\"state\":\"granted\",\"channel\":\"wa\",\"proof\":\"tienda\"}");
    plan_is(&w, "promotional", false);
    world_down(&w);
}

static void tap(struct world *w, const char *payload, const char *reply_to)
{
    sim_set(&w->sim, "/_sim/inbound", "{\"from\":\"%s\",\"reply_to\":\"%s\",\"button\":\"%s\"}", ana,
            reply_to, payload);
    sim_quiet(&w->sim);
}

static void ask(struct world *w, char id[64])
{
    struct answer a = gate_post(
        &w->gate, "/v1/messages",
        "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"choices\",\"text\":\"¿La "
        "cita?\",\"choices\":[{\"id\":\"ok\",\"title\":\"Confirmar\"},{\"id\":\"cancelar\",\"title\":"
        "\"Cancelar\"}]}}",
        ana);

    assert_int_equal(a.status, 202);
    keep(id, &a, "id");
    answer_done(&a);
    is(w, id, "read", NULL);
}

static void an_answer_to_a_question_is_no_opt_out(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    says(&w, ana, "hola");
    ask(&w, id);
    says(&w, ana, "Cancelar");
    plan_is(&w, "service", false);
    ask(&w, id);
    tap(&w, "cancelar", "last");
    plan_is(&w, "service", false);
    /* No question is open any more: now it is one. */
    says(&w, ana, "Cancelar");
    plan_is(&w, "service", true);
    says(&w, ana, "START");
    plan_is(&w, "service", false);
    /* STOP is STOP, whatever was asked. */
    ask(&w, id);
    says(&w, ana, "stop");
    plan_is(&w, "service", true);
    world_down(&w);
}

static void a_templates_button_may_say_stop(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config",
            "{\"templates\":[{\"name\":\"oferta\",\"language\":\"es\",\"buttons\":2,\"text\":\"Hoy\","
            "\"button_texts\":[\"Cancelar\",\"Baja\"]}]}");
    struct answer a = gate_post(
        &w.gate, "/v1/messages",
        "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\",\"name\":"
        "\"oferta\","
        "\"language\":\"es\",\"parameters\":{\"buttons\":[{\"type\":\"quick_reply\",\"index\":0,\"text\":"
        "\"cancelar\"},{\"type\":\"quick_reply\",\"index\":1,\"text\":\"STOP\"}]}}}",
        ana);
    if (a.status != 202)
        print_message("%s\n", a.body);
    assert_int_equal(a.status, 202);
    keep(id, &a, "id");
    answer_done(&a);
    is(&w, id, "read", NULL);
    tap(&w, "cancelar", "last");
    plan_is(&w, "promotional", false);
    tap(&w, "STOP", "last");
    plan_is(&w, "promotional", true);
    world_down(&w);
}

static void the_operators_words_and_texts(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w,
             "    consent:\n      stop_words: [\"No quiero más\"]\n      stops: [promotional]\n"
             "      stop_text:\n        es: \"Listo, {name}.\"\n        en: \"Done.\"\n",
             "consent:\n  ignored_words: [cancelar]\n  confirm: true\n  help_text: \"Escriba BAJA\"\n");
    says(&w, ana, "cancelar");
    plan_is(&w, "promotional", false);
    says(&w, ana, "Ayuda");
    answer_done(&(struct answer[1]){sim_messages(&w.sim, 1)}[0]);
    assert_int_equal(got(&w, "Escriba BAJA"), 1);
    says(&w, ana, "no quiero mas");
    plan_is(&w, "promotional", true);
    plan_is(&w, "service", false);
    send_one(&w, ana, "service", "su pedido", id);
    is(&w, id, "read", NULL);
    assert_int_equal(got(&w, "Listo, Test."), 1);

    /* A reload takes new words over. */
    says(&w, ana, "start");
    plan_is(&w, "promotional", false);
    (void)snprintf(w.gate.extra, sizeof w.gate.extra, "consent:\n  stop_words: [BASTA]\n");
    gate_configure(&w.gate);
    struct answer a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    says(&w, ana, "¡Basta!");
    plan_is(&w, "promotional", true);
    world_down(&w);
}

/* The first answer of an idempotent request, again. */
static void suppressed_again_is_suppressed(void **state)
{
    static const char body[] =
        "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":"
        "\"text\",\"text\":\"hola\"}}";
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    says(&w, ana, "STOP");
    struct answer a = gate_with(&w.gate, "POST", "/v1/messages", body, "Idempotency-Key: k1");
    assert_string_equal(answer_str(&a, "status"), "suppressed");
    keep(id, &a, "id");
    answer_done(&a);
    a = gate_with(&w.gate, "POST", "/v1/messages", body, "Idempotency-Key: k1");
    assert_int_equal(a.status, 202);
    assert_string_equal(answer_str(&a, "status"), "suppressed");
    assert_string_equal(answer_str(&a, "id"), id);
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_queued_before_a_stop_never_leaves),
        cmocka_unit_test(a_stop_in_the_middle_of_a_burst),
        cmocka_unit_test(what_comes_back_after_a_stop_is_not_tried_again),
        cmocka_unit_test(start_opens_it_again_over_a_restart),
        cmocka_unit_test(applications_say_it_too),
        cmocka_unit_test(a_stop_stays_with_the_number),
        cmocka_unit_test(an_answer_to_a_question_is_no_opt_out),
        cmocka_unit_test(a_templates_button_may_say_stop),
        cmocka_unit_test(the_operators_words_and_texts),
        cmocka_unit_test(suppressed_again_is_suppressed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
