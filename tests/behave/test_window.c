/*
 * The customer service window from outside: the gateway holds it, Meta never has to refuse.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define TEXT                                                                                                 \
    "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":"      \
    "\"hola\"}}"

static void up(struct world *w)
{
    scratch_init(&w->scratch);
    sim_start(&w->sim, NULL);
    sim_set(&w->sim, "/_sim/config",
            "{\"templates\":[{\"name\":\"saludo\",\"language\":\"es\",\"body_parameters\":1,\"text\":\"Hola "
            "{{1}}\"}]}");
    (void)snprintf(w->gate.extra_channel, sizeof w->gate.extra_channel, "    window: core\n");
    gate_start(&w->gate, &w->scratch, &w->sim);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    (void)process_wait_nth(w->gate.process, 1, "templates.listed", "templates=1 ", NULL);
}

/* A text from Ana, which Meta got so many seconds ago. */
static void inbound(struct world *w, const char *wamid, long ago_s)
{
    struct answer a = sim_post(
        &w->sim, "/_sim/post",
        "{\"payload\":{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\","
        "\"changes\":[{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{"
        "\"display_phone_number\":\"15550783881\",\"phone_number_id\":\"106540352242922\"},\"contacts\":[{"
        "\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"573001112233\"}],\"messages\":[{\"from\":"
        "\"573001112233\","
        "\"id\":\"%s\",\"timestamp\":\"%ld\",\"type\":\"text\",\"text\":{\"body\":\"hola\"}}]}}]}]}}",
        wamid, (long)time(NULL) - ago_s);

    assert_int_equal(answer_num(&a, "status"), 200);
    answer_done(&a);
}

static bool accepted_by_plan(struct world *w)
{
    struct answer a = gate_post(&w->gate, "/v1/messages/plan", TEXT);
    assert_int_equal(a.status, 200);
    bool accepted = cJSON_IsTrue(json_at(a.json, "accepted"));
    answer_done(&a);
    return accepted;
}

static void until_the_customer_writes_only_templates_go(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w);
    struct answer a = gate_post(&w.gate, "/v1/messages", TEXT);
    answer_is(&a, 409, "window_closed", "/content");
    assert_non_null(strstr(answer_str(&a, "detail"), "one of saludo (es)"));
    answer_done(&a);
    assert_false(accepted_by_plan(&w));

    a = gate_post(
        &w.gate, "/v1/messages",
        "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\","
        "\"name\":\"saludo\",\"language\":\"es\",\"parameters\":{\"body\":[\"Ana\"]}}}");
    assert_int_equal(a.status, 202);
    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w.gate, id, "read");
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "content/text"), "Hola Ana");
    answer_done(&a);

    sim_text(&w.sim, "573001112233", "buenas", NULL);
    sim_quiet(&w.sim);
    assert_true(accepted_by_plan(&w));
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    gate_wait_status(&w.gate, id, "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    world_down(&w);
}

static void one_that_closes_while_a_message_waits_fails_it_unsent(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w);
    inbound(&w, "wamid.old", 86400 - 3);
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/pause", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    while (accepted_by_plan(&w)) /* three seconds, by the clock that the gateway has */
        ;
    a = gate_post(&w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    gate_wait_status(&w.gate, id, "failed");
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "reason"), "window_closed");
    assert_int_equal(answer_num(&a, "attempts"), 0);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 0);
    gate_queue_is(&w.gate, 0, 0);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_the_customer_writes_only_templates_go),
        cmocka_unit_test(one_that_closes_while_a_message_waits_fails_it_unsent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
