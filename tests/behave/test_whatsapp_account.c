/*
 * What Meta says of the account and does to it, through the daemon: templates and their
 * changes, its two rates, a token that runs out, a ban.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static const char ana[] = "573001112233", bea[] = "573009998877";

/* The simulator is configured before the gateway first asks it. */
static void up(struct world *w, const char *sim_config)
{
    scratch_init(&w->scratch);
    sim_start(&w->sim, NULL);
    sim_set(&w->sim, "/_sim/config", "%s", sim_config);
    gate_start(&w->gate, &w->scratch, &w->sim);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

/* What a plugin says reaches the core after its log: asks until it is there. */
static void until(struct world *w, const char *path, bool (*there)(const struct answer *))
{
    const struct timespec pause = {.tv_nsec = 5000000};
    struct answer a;
    unsigned i;

    for (i = 0; i < DEADLINE_S * 200; i++) {
        a = gate_get(&w->gate, "%s", path);
        assert_int_equal(a.status, 200);
        if (there(&a)) {
            answer_done(&a);
            return;
        }
        answer_done(&a);
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("%s never came to what it should", path);
}

/* ---- templates ----------------------------------------------------------------------------- */

static const char five[] =
    "{\"template_page\":2,\"templates\":["
    "{\"name\":\"cita\",\"language\":\"es\",\"body_parameters\":2,\"parameter_names\":[\"zona\",\"dia\"],"
    "\"text\":\"Su cita en {{zona}} es el {{dia}}\"},"
    "{\"name\":\"foto\",\"language\":\"es\",\"header\":\"image\",\"body_parameters\":1,\"footer\":\"Tienda\","
    "\"buttons\":[\"quick_reply\",\"url_dynamic\"],\"button_texts\":[\"Ahora "
    "no\",\"Ver\"],\"quality\":\"GREEN\"},"
    "{\"name\":\"foto\",\"language\":\"en\",\"status\":\"PENDING\"},"
    "{\"name\":\"oferta\",\"language\":\"es\",\"category\":\"MARKETING\"},"
    "{\"name\":\"vieja\",\"language\":\"es\",\"status\":\"REJECTED\",\"reason\":\"ABUSIVE_CONTENT\"}]}";

static const cJSON *template_of(const struct answer *a, const char *name, const char *language)
{
    const cJSON *t;

    cJSON_ArrayForEach(t, json_at(a->json, "templates"))
    {
        if (strcmp(json_at(t, "name")->valuestring, name) == 0 &&
            strcmp(json_at(t, "language")->valuestring, language) == 0)
            return t;
    }
    fail_msg("no template %s in %s: %s", name, language, a->body);
    return NULL;
}

static void is(const cJSON *t, const char *path, const char *value)
{
    const cJSON *v = json_at(t, path);

    assert_non_null(v);
    assert_string_equal(v->valuestring, value);
}

static bool all_five(const struct answer *a)
{
    return cJSON_GetArraySize(json_at(a->json, "templates")) == 5;
}

static bool only_one(const struct answer *a)
{
    return cJSON_GetArraySize(json_at(a->json, "templates")) == 1;
}

static bool one_is_paused(const struct answer *a)
{
    return strcmp(json_at(template_of(a, "cita", "es"), "status")->valuestring, "paused") == 0;
}

static bool it_reads_otherwise(const struct answer *a)
{
    return strcmp(json_at(template_of(a, "cita", "es"), "text")->valuestring, "El {{dia}} en {{zona}}") == 0;
}

static struct answer templates(struct world *w)
{
    struct answer a = gate_get(&w->gate, "/v1/channels/wa/templates");
    assert_int_equal(a.status, 200);
    return a;
}

static void templates_are_fetched_page_by_page_and_followed(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, five);
    (void)process_wait_line(w.gate.process, "templates: 5 fetched", NULL);
    assert_int_equal(sim_count(&w.sim, "template_lists"), 3);
    until(&w, "/v1/channels/wa/templates", all_five);
    struct answer a = templates(&w);
    const cJSON *t = template_of(&a, "foto", "es");
    is(t, "status", "approved");
    is(t, "category", "transactional");
    is(t, "header", "image");
    is(t, "text", "foto {{1}}");
    is(t, "footer", "Tienda");
    is(t, "body_parameters/0", "1");
    is(t, "buttons/0/type", "quick_reply");
    is(t, "buttons/0/text", "Ahora no");
    is(t, "buttons/1/type", "url");
    assert_true(cJSON_IsTrue(json_at(t, "buttons/1/parameter")));
    is(t, "quality", "GREEN");
    t = template_of(&a, "cita", "es");
    assert_true(cJSON_IsTrue(json_at(t, "named")));
    is(t, "body_parameters/1", "dia");
    is(template_of(&a, "foto", "en"), "status", "pending");
    is(template_of(&a, "oferta", "es"), "category", "promotional");
    is(template_of(&a, "vieja", "es"), "status", "rejected");
    is(template_of(&a, "vieja", "es"), "reason", "ABUSIVE_CONTENT");
    answer_done(&a);

    /* A template that is paused is refused from the moment that Meta says so … */
    sim_set(&w.sim, "/_sim/template",
            "{\"name\":\"cita\",\"language\":\"es\",\"status\":\"PAUSED\",\"reason\":\"LOW_QUALITY\"}");
    sim_quiet(&w.sim);
    (void)process_wait_line(w.gate.process, "cita", "has changed", NULL);
    until(&w, "/v1/channels/wa/templates", one_is_paused);
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\","
                  "\"name\":\"cita\",\"language\":\"es\","
                  "\"parameters\":{\"body\":[{\"name\":\"zona\",\"text\":\"Norte\"},{\"name\":\"dia\","
                  "\"text\":\"lunes\"}]}}}",
                  ana);
    answer_is(&a, 422, "template_not_approved", NULL);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "refused"), 0); /* Meta was not asked */

    /* … and sent again when it may be, with what it has become. */
    sim_set(&w.sim, "/_sim/template",
            "{\"name\":\"cita\",\"language\":\"es\",\"status\":\"APPROVED\",\"text\":\"El {{dia}} en "
            "{{zona}}\",\"category\":\"MARKETING\",\"quality\":\"YELLOW\"}");
    sim_quiet(&w.sim);
    until(&w, "/v1/channels/wa/templates", it_reads_otherwise);
    a = templates(&w);
    is(template_of(&a, "cita", "es"), "category", "promotional");
    is(template_of(&a, "cita", "es"), "quality", "YELLOW");
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"template\","
                  "\"name\":\"cita\",\"language\":\"es\","
                  "\"parameters\":{\"body\":[{\"name\":\"zona\",\"text\":\"Norte\"},{\"name\":\"dia\","
                  "\"text\":\"lunes\"}]}}}",
                  ana);
    if (a.status != 202)
        fail_msg("%s", a.body);
    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w.gate, id, "read");
    world_down(&w);
}

static void what_is_gone_at_meta_is_gone_here(void **state)
{
    struct world w = {0};

    (void)state;
    up(&w, five);
    (void)process_wait_line(w.gate.process, "templates: 5 fetched", NULL);
    sim_set(&w.sim, "/_sim/config", "{\"templates\":[{\"name\":\"cita\",\"language\":\"es\"}]}");
    sim_set(&w.sim, "/_sim/field",
            "{\"field\":\"message_template_status_update\",\"value\":{\"event\":\"DELETED\",\"message_"
            "template_name\":\"foto\","
            "\"message_template_language\":\"es\"}}");
    until(&w, "/v1/channels/wa/templates", only_one);
    world_down(&w);
}

/* ---- rates ------------------------------------------------------------------------------------ */

static void open_windows(struct world *w)
{
    sim_set(&w->sim, "/_sim/window", "{\"customer\":\"%s\",\"open\":true}", ana);
    sim_set(&w->sim, "/_sim/window", "{\"customer\":\"%s\",\"open\":true}", bea);
}

static void who_is_written_to_too_fast_waits_alone(void **state)
{
    struct world w = {0};
    char first[64], second[64], other[64];

    (void)state;
    up(&w, "{\"pair_interval_ms\":3600000,\"pair_burst\":1,\"limit_retry_after_s\":3600}");
    open_windows(&w);
    gate_send_text(&w.gate, "+573001112233", "uno", first);
    gate_wait_status(&w.gate, first, "read");
    gate_send_text(&w.gate, "+573001112233", "dos", second);
    (void)process_wait_line(w.gate.process, "message.reported", second, "pair_rate_limited", NULL);
    /* Ana for an hour; nobody else. */
    gate_send_text(&w.gate, "+573009998877", "otra persona", other);
    gate_wait_status(&w.gate, other, "read");
    assert_string_equal(gate_status(&w.gate, second), "queued");
    /* And Bea for a second, after which it may go. */
    sim_set(&w.sim, "/_sim/config", "{\"limit_retry_after_s\":1}");
    gate_send_text(&w.gate, "+573009998877", "otra vez", other);
    (void)process_wait_line(w.gate.process, "message.reported", other, "pair_rate_limited", NULL);
    sim_set(&w.sim, "/_sim/clock", "{\"advance_s\":3600}");
    gate_wait_status(&w.gate, other, "read");
    assert_string_equal(gate_status(&w.gate, second), "queued");
    assert_int_equal(sim_count(&w.sim, "accepted"), 3);
    assert_int_equal(sim_count(&w.sim, "pair_throttled"), 2);
    world_down(&w);
}

/* The channel's own rates are a little slower than Meta's, so that Meta refuses nothing. */
static void what_meta_would_refuse_is_not_sent_yet(void **state)
{
    enum { ALL = 5 };
    struct world w = {0};
    char id[ALL][64];
    int i;

    (void)state;
    (void)snprintf(w.gate.extra_channel, sizeof w.gate.extra_channel,
                   "    rate: 50\n    pair_interval: 1s\n    pair_burst: 3\n");
    up(&w, "{\"pair_interval_ms\":600,\"pair_burst\":3,\"rate_per_s\":80}");
    open_windows(&w);
    for (i = 0; i < ALL; i++)
        gate_send_text(&w.gate, "+573001112233", "seguido", id[i]);
    for (i = 0; i < ALL; i++)
        gate_wait_status(&w.gate, id[i], "read");
    assert_int_equal(sim_count(&w.sim, "refused"), 0);
    world_down(&w);
}

static void a_number_that_sends_too_fast_rests_and_loses_nothing(void **state)
{
    enum { ALL = 12 };
    struct world w = {0};
    char id[ALL][64];
    int i;

    (void)state;
    up(&w, "{\"rate_per_s\":4,\"rate_burst\":4,\"limit_retry_after_s\":1}");
    open_windows(&w);
    for (i = 0; i < ALL; i++)
        gate_send_text(&w.gate, i % 2 ? "+573001112233" : "+573009998877", "rápido", id[i]);
    for (i = 0; i < ALL; i++)
        gate_wait_status(&w.gate, id[i], "read");
    assert_true(sim_count(&w.sim, "throttled") > 0);
    assert_int_equal(sim_count(&w.sim, "accepted"), ALL);
    assert_int_equal(sim_count(&w.sim, "duplicated"), 0);
    world_down(&w);
}

/* ---- the account -------------------------------------------------------------------------------- */

static void a_token_that_ran_out_stops_the_channel_and_burns_nothing(void **state)
{
    enum { ALL = 5 };
    struct world w = {0};
    char id[ALL][64];
    int i;

    (void)state;
    up(&w, "{}");
    open_windows(&w);
    (void)process_wait_line(w.gate.process, "templates: 0 fetched", NULL);
    sim_set(&w.sim, "/_sim/config", "{\"token_expired\":true}");
    gate_send_text(&w.gate, "+573001112233", "uno", id[0]);
    (void)process_wait_line(w.gate.process, "channel.stopped", "channel=wa", "token_invalid", NULL);
    for (i = 1; i < ALL; i++)
        gate_send_text(&w.gate, i % 2 ? "+573009998877" : "+573001112233", "más", id[i]);
    gate_queue_is(&w.gate, ALL, 0);
    assert_int_equal(sim_count(&w.sim, "unauthorised"), 1); /* one message told, the others were not tried */
    for (i = 0; i < ALL; i++)
        assert_string_equal(gate_status(&w.gate, id[i]), i ? "accepted" : "queued");
    sim_set(&w.sim, "/_sim/config", "{\"token_expired\":false}");
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    for (i = 0; i < ALL; i++)
        gate_wait_status(&w.gate, id[i], "read");
    assert_int_equal(sim_count(&w.sim, "accepted"), ALL);
    world_down(&w);
}

static bool it_is_down(const struct answer *a)
{
    return strcmp(answer_str(a, "channels/0/state"), "up") != 0;
}

static void a_banned_account_stops_the_channel_until_it_is_reinstated(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, "{}");
    open_windows(&w);
    sim_set(&w.sim, "/_sim/field",
            "{\"field\":\"account_update\",\"value\":{\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_"
            "state\":[\"DISABLE\"]}}}");
    sim_quiet(&w.sim);
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wa", "account_disabled", NULL);
    until(&w, "/v1/channels", it_is_down);
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    gate_queue_is(&w.gate, 1, 0);
    sim_set(&w.sim, "/_sim/field",
            "{\"field\":\"account_update\",\"value\":{\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_"
            "state\":[\"REINSTATE\"]}}}");
    gate_wait_status(&w.gate, id, "read");
    /* News for people are told; what nothing is made of is told once. */
    sim_set(&w.sim, "/_sim/field",
            "{\"field\":\"phone_number_quality_update\",\"value\":{\"event\":\"FLAGGED\",\"current_limit\":"
            "\"TIER_10K\"}}");
    (void)process_wait_line(w.gate.process, "phone_number_quality_update: FLAGGED: TIER_10K", NULL);
    sim_set(&w.sim, "/_sim/field", "{\"field\":\"calls\",\"value\":{\"x\":1}}");
    sim_set(&w.sim, "/_sim/field", "{\"field\":\"calls\",\"value\":{\"x\":2}}");
    sim_quiet(&w.sim);
    assert_int_equal(process_count(w.gate.process, "are not used, here and from now on"), 1);
    world_down(&w);
}

#define BAN(state)                                                                                           \
    "{\"field\":\"account_update\",\"value\":{\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_"       \
    "state\":[\"" state "\"]}}}"

static void an_account_that_was_resumed_too_early_is_stopped_again(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, "{}");
    open_windows(&w);
    sim_set(&w.sim, "/_sim/field", BAN("DISABLE"));
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wa", "account_disabled", NULL);
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wa", "state=up", NULL);
    sim_set(&w.sim, "/_sim/field", BAN("DISABLE"));
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wa", "account_disabled", NULL);
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    gate_queue_is(&w.gate, 1, 0);
    sim_set(&w.sim, "/_sim/field", BAN("REINSTATE"));
    gate_wait_status(&w.gate, id, "read");
    world_down(&w);
}

/* Stopped by what became of a message, it goes on when Meta says that it may. */
static void a_stopped_channel_goes_on_when_it_says_so(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    up(&w, "{}");
    open_windows(&w);
    (void)process_wait_line(w.gate.process, "templates.listed", "templates=0 ", NULL);
    sim_set(&w.sim, "/_sim/config", "{\"token_expired\":true}");
    gate_send_text(&w.gate, "+573001112233", "uno", id);
    (void)process_wait_line(w.gate.process, "channel.stopped", "channel=wa", "token_invalid", NULL);
    gate_queue_is(&w.gate, 1, 0);
    sim_set(&w.sim, "/_sim/config", "{\"token_expired\":false}");
    sim_set(&w.sim, "/_sim/field", BAN("REINSTATE"));
    (void)process_wait_line(w.gate.process, "channel.resumed", "channel=wa", NULL);
    gate_wait_status(&w.gate, id, "read");
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_fetched_page_by_page_and_followed),
        cmocka_unit_test(what_is_gone_at_meta_is_gone_here),
        cmocka_unit_test(who_is_written_to_too_fast_waits_alone),
        cmocka_unit_test(what_meta_would_refuse_is_not_sent_yet),
        cmocka_unit_test(a_number_that_sends_too_fast_rests_and_loses_nothing),
        cmocka_unit_test(a_token_that_ran_out_stops_the_channel_and_burns_nothing),
        cmocka_unit_test(a_banned_account_stops_the_channel_until_it_is_reinstated),
        cmocka_unit_test(an_account_that_was_resumed_too_early_is_stopped_again),
        cmocka_unit_test(a_stopped_channel_goes_on_when_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
