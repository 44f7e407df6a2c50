/* What customers send: who it is from, what it answers, and what is refused. */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "573001112233", user_id[] = "CO.1502576394655843";

/* The next message that came in, by the API. */
static struct answer received(struct world *w)
{
    const char *line = process_wait_line(w->gate.process, "message.received", "id=", NULL);
    char id[64];

    (void)snprintf(id, sizeof id, "%.30s", strstr(line, "id=") + 3);
    struct answer a = gate_get(&w->gate, "/v1/messages/%s", id);
    assert_int_equal(a.status, 200);
    return a;
}

static void keep(char out[64], const struct answer *a, const char *path)
{
    assert_non_null(answer_str(a, path));
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static void ask(struct world *w, char *id)
{
    struct answer a =
        gate_post(&w->gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"choices\",\"text\":"
                  "\"¿Cambio o devolución?\",\"choices\":[{\"id\":\"exchange\",\"title\":\"Cambio\"},"
                  "{\"id\":\"refund\",\"title\":\"Devolución\"}]}}",
                  ana);

    assert_int_equal(a.status, 202);
    keep(id, &a, "id");
    answer_done(&a);
    gate_wait_status(&w->gate, id, "read");
}

/* A text that answers the question, as the choice. */
static void typed(const char *text, const char *choice)
{
    struct world w = {0};
    char question[64];

    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/window", "{\"customer\":\"%s\",\"open\":true}", ana);
    ask(&w, question);
    sim_text(&w.sim, ana, text, NULL);
    struct answer a = received(&w);
    assert_string_equal(answer_str(&a, "content/type"), "choice_reply");
    assert_string_equal(answer_str(&a, "content/choice"), choice);
    assert_string_equal(answer_str(&a, "reply_to"), question);
    answer_done(&a);
    /* Answered: the same text later is a text. */
    sim_text(&w.sim, ana, text, NULL);
    a = received(&w);
    assert_string_equal(answer_str(&a, "content/type"), "text");
    answer_done(&a);
    world_down(&w);
}

static void a_number_answers_the_question(void **state)
{
    (void)state;
    typed("1", "exchange");
}

static void a_title_without_its_accents_answers_the_question(void **state)
{
    (void)state;
    typed(" DEVOLUCION ", "refund");
}

static void another_text_is_a_text(void **state)
{
    struct world w = {0};
    char question[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/window", "{\"customer\":\"%s\",\"open\":true}", ana);
    ask(&w, question);
    sim_text(&w.sim, ana, "3", NULL);
    struct answer a = received(&w);
    assert_string_equal(answer_str(&a, "content/type"), "text");
    assert_null(json_at(a.json, "reply_to"));
    answer_done(&a);
    world_down(&w);
}

static void a_quote_names_the_message_that_it_answers(void **state)
{
    struct world w = {0};
    char id[64], customer[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/window", "{\"customer\":\"%s\",\"open\":true}", ana);
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    gate_wait_status(&w.gate, id, "read");
    (void)process_wait_line(w.gate.process, "message.reported", id, NULL);
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"reply_to\":\"last\",\"type\":\"text\",\"text\":{\"body\":\"sí\"}}", ana);
    struct answer a = received(&w);
    assert_string_equal(answer_str(&a, "reply_to"), id);
    assert_string_equal(answer_str(&a, "content/text"), "sí");
    keep(customer, &a, "customer");
    char inbound[64];
    keep(inbound, &a, "id");
    answer_done(&a);
    /* And the other way: our answer quotes hers. */
    char more[96], reply[64];
    (void)snprintf(more, sizeof more, ",\"reply_to\":\"%s\"", inbound);
    gate_send(&w.gate, "+573001112233", "bien", more, reply);
    gate_wait_status(&w.gate, reply, "read");
    a = sim_messages(&w.sim, 2);
    assert_non_null(answer_str(&a, "messages/1/body/context/message_id"));
    answer_done(&a);
    world_down(&w);
}

static void somebody_without_a_phone_is_a_customer_and_can_be_answered(void **state)
{
    struct world w = {0};
    char customer[64], id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":{\"user_id\":\"%s\",\"no_phone\":true,\"name\":\"Ana\"},\"type\":\"text\","
            "\"text\":{\"body\":\"hola\"}}",
            user_id);
    struct answer a = received(&w);
    keep(customer, &a, "customer");
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/customers/%s", customer);
    assert_string_equal(answer_str(&a, "name"), "Ana");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "identifiers")), 1);
    assert_string_equal(answer_str(&a, "identifiers/0/scheme"), "whatsapp");
    assert_string_equal(answer_str(&a, "identifiers/0/value"), user_id);
    assert_string_equal(answer_str(&a, "identifiers/0/scope"), "102290129340398");
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\","
                  "\"text\":\"buenas\"}}",
                  customer);
    assert_int_equal(a.status, 202);
    keep(id, &a, "id");
    answer_done(&a);
    gate_wait_status(&w.gate, id, "read");
    a = sim_messages(&w.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/body/recipient"), user_id);
    assert_null(json_at(a.json, "messages/0/body/to"));
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "dropped"), 0);
    /* With the phone later it is the same person, in the same conversation. */
    sim_set(
        &w.sim, "/_sim/inbound",
        "{\"from\":{\"user_id\":\"%s\",\"phone\":\"%s\",\"no_phone\":false},\"message\":{\"type\":\"text\","
        "\"from\":\"%s\",\"from_user_id\":\"%s\",\"text\":{\"body\":\"soy yo\"}}}",
        user_id, ana, ana, user_id);
    a = received(&w);
    assert_string_equal(answer_str(&a, "customer"), customer);
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/customers/search", "{\"phone\":\"+%s\"}", ana);
    assert_string_equal(answer_str(&a, "customers/0/id"), customer);
    answer_done(&a);
    world_down(&w);
}

static void the_two_forms_of_a_mexican_number_are_one_person(void **state)
{
    struct world w = {0};
    char customer[64], conversation[64], id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    struct answer a =
        gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+525512345678\"},\"content\":{\"type\":\"text\",\"text\":\"hola\"}}");
    assert_int_equal(a.status, 202);
    keep(customer, &a, "customer");
    keep(conversation, &a, "conversation");
    keep(id, &a, "id");
    answer_done(&a);
    gate_wait_status(&w.gate, id, "read");
    sim_text(&w.sim, "5215512345678", "hola", NULL);
    a = received(&w);
    assert_string_equal(answer_str(&a, "customer"), customer);
    assert_string_equal(answer_str(&a, "conversation"), conversation);
    answer_done(&a);
    /* Either form leads there, and the answer goes to the form that WhatsApp gave. */
    static const char *const forms[] = {"+525512345678", "+5215512345678"};
    for (unsigned i = 0; i < 2; i++) {
        a = gate_post(&w.gate, "/v1/messages",
                      "{\"to\":{\"phone\":\"%s\"},\"content\":{\"type\":\"text\",\"text\":\"bien\"}}",
                      forms[i]);
        assert_int_equal(a.status, 202);
        assert_string_equal(answer_str(&a, "customer"), customer);
        assert_string_equal(answer_str(&a, "conversation"), conversation);
        keep(id, &a, "id");
        answer_done(&a);
        gate_wait_status(&w.gate, id, "read");
        a = gate_post(&w.gate, "/v1/customers/search", "{\"phone\":\"%s\"}", forms[i]);
        assert_int_equal(cJSON_GetArraySize(json_at(a.json, "customers")), 1);
        assert_string_equal(answer_str(&a, "customers/0/id"), customer);
        answer_done(&a);
    }
    a = sim_messages(&w.sim, 3);
    assert_string_equal(answer_str(&a, "messages/1/body/to"), "5215512345678");
    assert_string_equal(answer_str(&a, "messages/2/body/to"), "5215512345678");
    answer_done(&a);
    world_down(&w);
}

static void the_older_form_written_first_leads_there_too(void **state)
{
    struct world w = {0};
    char customer[64], conversation[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    struct answer a = gate_post(
        &w.gate, "/v1/messages",
        "{\"to\":{\"phone\":\"+5215512345678\"},\"content\":{\"type\":\"text\",\"text\":\"hola\"}}");
    assert_int_equal(a.status, 202);
    keep(customer, &a, "customer");
    keep(conversation, &a, "conversation");
    answer_done(&a);
    sim_text(&w.sim, "525512345678", "hola", NULL);
    a = received(&w);
    assert_string_equal(answer_str(&a, "customer"), customer);
    assert_string_equal(answer_str(&a, "conversation"), conversation);
    answer_done(&a);
    sim_quiet(&w.sim);
    world_down(&w);
}

static void a_batch_with_what_is_known_already_takes_the_rest(void **state)
{
    static const char batch[] =
        "{\"payload\":{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\","
        "\"changes\":[{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{"
        "\"display_phone_number\":\"15550783881\",\"phone_number_id\":\"106540352242922\"},\"contacts\":[{"
        "\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"573001112233\"}],\"messages\":[%s]}}]}]}}";
    static const char one[] = "{\"from\":\"573001112233\",\"id\":\"wamid.A%d\",\"timestamp\":\"1770000000\","
                              "\"type\":\"text\",\"text\":{\"body\":\"%d\"}}";
    struct world w = {0};
    char messages[2048] = "", customer[64];
    int n = 0;

    (void)state;
    world_up(&w, NULL, NULL);
    for (int i = 0; i < 3; i++)
        n += snprintf(messages + n, sizeof messages - (size_t)n, one, i, i), messages[n++] = ',';
    messages[n - 1] = '\0';
    struct answer a = sim_post(&w.sim, "/_sim/post", batch, messages);
    assert_int_equal(answer_num(&a, "status"), 200);
    answer_done(&a);
    /* The second and third again, and two more. */
    n = 0;
    for (int i = 1; i < 5; i++)
        n += snprintf(messages + n, sizeof messages - (size_t)n, one, i, i), messages[n++] = ',';
    messages[n - 1] = '\0';
    for (int again = 0; again < 2; again++) {
        a = sim_post(&w.sim, "/_sim/post", batch, messages);
        assert_int_equal(answer_num(&a, "status"), 200);
        answer_done(&a);
    }
    assert_int_equal(process_count(w.gate.process, "message.received"), 5);
    a = received(&w);
    keep(customer, &a, "customer");
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/customers/%s/timeline", customer);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 5);
    for (int i = 0; i < 5; i++) {
        char path[64], text[8];
        (void)snprintf(path, sizeof path, "messages/%d/content/text", i);
        (void)snprintf(text, sizeof text, "%d", 4 - i);
        assert_string_equal(answer_str(&a, path), text);
    }
    answer_done(&a);
    world_down(&w);
}

static void a_type_that_nobody_knows_is_kept_whole(void **state)
{
    struct world w = {0};

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"message\":{\"type\":\"poll\",\"poll\":{\"question\":\"¿Sí?\",\"n\":7}}}",
            ana);
    struct answer a = received(&w);
    assert_string_equal(answer_str(&a, "content/type"), "unsupported");
    assert_string_equal(answer_str(&a, "content/raw_type"), "poll");
    cJSON *raw = cJSON_Parse(answer_str(&a, "content/raw"));
    assert_string_equal(json_at(raw, "poll/question")->valuestring, "¿Sí?");
    assert_int_equal(json_at(raw, "poll/n")->valueint, 7);
    assert_string_equal(json_at(raw, "from")->valuestring, ana);
    cJSON_Delete(raw);
    answer_done(&a);
    world_down(&w);
}

static void what_is_not_signed_by_the_app_is_refused_and_nothing_kept(void **state)
{
    static const char *const signatures[] = {"bad", "none"};
    struct world w = {0};

    (void)state;
    world_up(&w, NULL, NULL);
    struct answer before = gate_get(&w.gate, "/metrics");
    for (unsigned i = 0; i < 2; i++) {
        struct answer a = sim_post(
            &w.sim, "/_sim/post",
            "{\"signature\":\"%s\",\"payload\":{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":"
            "\"102290129340398\",\"changes\":[{\"field\":\"messages\",\"value\":{\"messaging_product\":"
            "\"whatsapp\",\"metadata\":{\"phone_number_id\":\"106540352242922\"},\"messages\":[{\"from\":"
            "\"573001112233\",\"id\":\"wamid.X\",\"timestamp\":\"1770000000\",\"type\":\"text\",\"text\":{"
            "\"body\":\"x\"}}]}}]}]}}",
            signatures[i]);
        assert_int_equal(answer_num(&a, "status"), 401);
        answer_done(&a);
    }
    assert_int_equal(process_count(w.gate.process, "message.received"), 0);
    /* No event was appended. */
    struct answer after = gate_get(&w.gate, "/metrics");
    const char *was = strstr(before.body, "\nhilo_store_events_total "),
               *is = strstr(after.body, "\nhilo_store_events_total ");
    assert_true(was && is);
    assert_int_equal(atoi(was + 19), atoi(is + 19));
    answer_done(&before);
    answer_done(&after);
    world_down(&w);
}

static void what_is_signed_but_no_webhook_is_answered_as_such(void **state)
{
    struct world w = {0};

    (void)state;
    world_up(&w, NULL, NULL);
    struct answer a = sim_post(&w.sim, "/_sim/post", "{\"body\":\"not JSON\",\"signature\":\"good\"}");
    assert_int_equal(answer_num(&a, "status"), 400);
    answer_done(&a);
    /* Another object of Meta's: it is not ours to refuse for ever. */
    a = sim_post(&w.sim, "/_sim/post", "{\"payload\":{\"object\":\"page\",\"entry\":[]}}");
    assert_int_equal(answer_num(&a, "status"), 200);
    answer_done(&a);
    assert_int_equal(process_count(w.gate.process, "message.received"), 0);
    world_down(&w);
}

static void the_webhook_is_verified_with_the_words_agreed(void **state)
{
    struct world w = {0};

    (void)state;
    world_up(&w, NULL, NULL);
    struct answer a = sim_post(&w.sim, "/_sim/verify", "{\"verify_token\":\"sim-verify\"}");
    assert_true(cJSON_IsTrue(json_at(a.json, "verified")));
    answer_done(&a);
    a = sim_post(&w.sim, "/_sim/verify", "{\"verify_token\":\"another\"}");
    assert_true(cJSON_IsFalse(json_at(a.json, "verified")));
    assert_int_equal(answer_num(&a, "status"), 403);
    answer_done(&a);
    world_down(&w);
}

static void a_photo_that_can_not_be_had_at_first_comes_later(void **state)
{
    struct world w = {0};
    char media[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"media_fault\":\"500\",\"media_count\":1}");
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"type\":\"document\",\"data\":\"JVBERi0=\",\"mime_type\":\"application/pdf\","
            "\"filename\":\"factura.pdf\"}",
            ana);
    struct answer a = received(&w);
    keep(media, &a, "content/media");
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "media.stored", media, NULL);
    a = gate_get(&w.gate, "/v1/media/%s", media);
    assert_string_equal(a.body, "%PDF-");
    assert_non_null(strstr(a.headers, "factura.pdf"));
    answer_done(&a);
    world_down(&w);
}

static void bytes_that_are_not_those_announced_are_not_kept(void **state)
{
    struct world w = {0};
    char media[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"media_fault\":\"wrong_bytes\",\"media_count\":1}");
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"type\":\"document\",\"data\":\"JVBERi0=\",\"mime_type\":\"application/pdf\"}",
            ana);
    struct answer a = received(&w);
    keep(media, &a, "content/media");
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "media.failed", media, NULL);
    (void)process_wait_line(w.gate.process, "media.stored", media, NULL);
    a = gate_get(&w.gate, "/v1/media/%s", media);
    assert_string_equal(a.body, "%PDF-");
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_answers_the_question),
        cmocka_unit_test(a_title_without_its_accents_answers_the_question),
        cmocka_unit_test(another_text_is_a_text),
        cmocka_unit_test(a_quote_names_the_message_that_it_answers),
        cmocka_unit_test(somebody_without_a_phone_is_a_customer_and_can_be_answered),
        cmocka_unit_test(the_two_forms_of_a_mexican_number_are_one_person),
        cmocka_unit_test(the_older_form_written_first_leads_there_too),
        cmocka_unit_test(a_batch_with_what_is_known_already_takes_the_rest),
        cmocka_unit_test(a_type_that_nobody_knows_is_kept_whole),
        cmocka_unit_test(what_is_not_signed_by_the_app_is_refused_and_nothing_kept),
        cmocka_unit_test(what_is_signed_but_no_webhook_is_answered_as_such),
        cmocka_unit_test(the_webhook_is_verified_with_the_words_agreed),
        cmocka_unit_test(a_photo_that_can_not_be_had_at_first_comes_later),
        cmocka_unit_test(bytes_that_are_not_those_announced_are_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
