/*
 * The configuration read again, by SIGHUP and by POST /v1/config/reload: what did not
 * change is not disturbed, what is broken changes nothing, what changed is taken over, by a
 * plugin as it runs, or by another instance after the one before has drained.
 */
#include "harness.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct world w;

/* More channels, below wa. */
static const char *wb(const char *more)
{
    static char text[512];

    (void)snprintf(text, sizeof text,
                   "    window: provider\n  wb:\n    type: whatsapp\n    phone_number_id: "
                   "\"106540352242922\"\n    token: sim-token\n"
                   "    app_secret: sim-app-secret\n    verify_token: sim-verify\n"
                   "    base_url: http://127.0.0.1:%d\n    window: provider\n%s",
                   w.sim.port, more);
    return text;
}

static void configure(const char *channels, const char *http)
{
    (void)snprintf(w.gate.extra_channel, sizeof w.gate.extra_channel, "%s", channels);
    (void)snprintf(w.gate.extra_http, sizeof w.gate.extra_http, "%s", http);
    gate_configure(&w.gate);
}

static void up(const char *channels)
{
    memset(&w, 0, sizeof w);
    world_up(&w, channels, NULL);
}

/* Answers 200; the answer is the caller's. */
static struct answer reload(void)
{
    struct answer a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);

    if (a.status != 200)
        print_message("%ld %s\n", a.status, a.body);
    assert_int_equal(a.status, 200);
    return a;
}

static void channel_is(const struct answer *a, unsigned i, const char *name, const char *change,
                       const char *option)
{
    char path[64];

    (void)snprintf(path, sizeof path, "channels/%u/name", i);
    if (!answer_str(a, path))
        print_message("%s\n", a->body);
    assert_string_equal(answer_str(a, path), name);
    (void)snprintf(path, sizeof path, "channels/%u/change", i);
    assert_string_equal(answer_str(a, path), change);
    (void)snprintf(path, sizeof path, "channels/%u/options/0", i);
    if (option)
        assert_string_equal(answer_str(a, path), option);
    else
        assert_null(answer_str(a, path));
}

static unsigned channels_in(const struct answer *a)
{
    return (unsigned)cJSON_GetArraySize(json_at(a->json, "channels"));
}

static void send_on(const char *channel, const char *text, char *id)
{
    struct answer a =
        gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"%s\",\"content\":{\"type\":\"text\","
                  "\"text\":\"%s\"}}",
                  channel, text);

    assert_int_equal(a.status, 202);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

/* The provider has it, and has not answered yet if it holds. */
static void sent_off(unsigned n)
{
    struct answer a = sim_messages(&w.sim, n);

    answer_done(&a);
}

static void window(void)
{
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
}

/* How many states of a channel the log has told. */
static unsigned states(const char *channel)
{
    char word[64];

    (void)snprintf(word, sizeof word, "channel.state channel=%s ", channel);
    return process_count(w.gate.process, word);
}

static unsigned in_flight(unsigned i)
{
    struct answer a = gate_get(&w.gate, "/v1/channels");
    char path[64];

    (void)snprintf(path, sizeof path, "channels/%u/in_flight", i);
    double n = answer_num(&a, path);
    answer_done(&a);
    return (unsigned)n;
}

static void what_is_the_same_goes_on_with_what_it_has_in_flight(void **state)
{
    char id[64], b[64];
    unsigned before;

    (void)state;
    up(NULL);
    window();
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    send_on("wa", "uno", id);
    sent_off(1);
    before = states("wa");
    configure(wb(""), "");
    process_signal(w.gate.process, SIGHUP);
    (void)process_wait_line(w.gate.process, "channel.reloaded", "channel=wb", "change=added", NULL);
    (void)process_wait_line(w.gate.process, "config.reloaded", "untouched=1", NULL);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wb", "state=up", NULL);
    assert_int_equal(in_flight(0), 1);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_wait_status(&w.gate, id, "sent");
    assert_int_equal(states("wa"), before); /* neither restarted nor asked for anything */
    send_on("wb", "dos", b);
    gate_wait_status(&w.gate, b, "sent");
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    world_down(&w);
}

static void a_new_token_is_taken_by_the_channel_that_runs(void **state)
{
    char id[64];

    (void)state;
    memset(&w, 0, sizeof w);
    scratch_init(&w.scratch);
    file_write(scratch_path(&w.scratch, "secret"), "sim-app-secret\n");
    sim_start(&w.sim, NULL);
    (void)snprintf(
        w.gate.extra_channel, sizeof w.gate.extra_channel,
        "    window: provider\n  wb:\n    type: whatsapp\n    phone_number_id: \"106540352242922\"\n    "
        "token: file:token\n"
        "    app_secret: file:secret\n    verify_token: v\n    base_url: http://127.0.0.1:%d\n    window: "
        "provider\n",
        w.sim.port);
    file_write(scratch_path(&w.scratch, "token"), "sim-token\n");
    gate_start(&w.gate, &w.scratch, &w.sim);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wb", "state=up", NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false,\"token\":\"another-token\"}");
    send_on("wb", "hola", id);
    (void)process_wait_line(w.gate.process, "channel.stopped", "channel=wb", NULL);
    unsigned starts = process_count(w.gate.process, "channel.state channel=wb state=starting");

    file_write(scratch_path(&w.scratch, "token"), "another-token\n");
    struct answer a = reload();
    assert_int_equal(channels_in(&a), 1);
    channel_is(&a, 0, "wb", "reconfigured", "token");
    assert_int_equal(answer_num(&a, "untouched"), 1);
    assert_null(strstr(a.body, "another-token"));
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "channel.reconfigured", "channel=wb", NULL);
    gate_wait_status(&w.gate, id, "sent");
    assert_int_equal(process_count(w.gate.process, "channel.state channel=wb state=starting"), starts);
    assert_false(process_saw(w.gate.process, "another-token"));
    world_down(&w);
}

/* The line of the configuration that has this word. */
static unsigned line_of(const char *word)
{
    char *yaml = file_read(scratch_path(&w.scratch, "hilo.yaml"), NULL), *at = strstr(yaml, word);
    unsigned n = 1;

    assert_non_null(at);
    for (const char *p = yaml; p < at; p++)
        n += *p == '\n';
    free(yaml);
    return n;
}

static void a_broken_file_changes_nothing(void **state)
{
    char id[64];
    unsigned before;

    (void)state;
    up(NULL);
    window();
    before = states("wa");
    configure("    tokn: x\n  wb:\n    type: whatsapp\n", "  listn: x\n");
    const unsigned line = line_of("listn");
    struct answer a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);
    answer_is(&a, 422, "invalid_configuration", "");
    assert_true(cJSON_GetArraySize(json_at(a.json, "faults")) >= 3);
    bool told = false;
    const cJSON *f;
    cJSON_ArrayForEach(f, json_at(a.json, "faults"))
    {
        assert_non_null(json_at(f, "file"));
        told |= strstr(json_at(f, "text")->valuestring, "did you mean \"listen\"") &&
                (unsigned)json_at(f, "line")->valuedouble == line && json_at(f, "column")->valuedouble == 3;
    }
    assert_true(told);
    answer_done(&a);
    process_signal(w.gate.process, SIGHUP);
    (void)process_wait_nth(w.gate.process, 2, "config.refused", "faults=", NULL);
    char place[64];
    (void)snprintf(place, sizeof place, "config.fault line=%u column=3", line);
    assert_true(process_saw(w.gate.process, place));

    file_write(scratch_path(&w.scratch, "hilo.yaml"), "channels: [\n"); /* no YAML at all */
    a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);
    answer_is(&a, 422, "invalid_configuration", "");
    answer_done(&a);
    assert_int_equal(remove(scratch_path(&w.scratch, "hilo.yaml")), 0);
    a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);
    answer_is(&a, 422, "invalid_configuration", "");
    answer_done(&a);

    send_on("wa", "hola", id);
    gate_wait_status(&w.gate, id, "sent");
    assert_int_equal(states("wa"), before);
    world_down(&w);
}

static void the_command_tells_the_places(void **state)
{
    char bin[256], sock[256];
    const char *const argv[] = {bin, "config", "reload", "--control", sock, NULL};

    (void)state;
    up(NULL);
    (void)snprintf(bin, sizeof bin, "%s/hilo", harness_build());
    (void)snprintf(sock, sizeof sock, "%s/data/control.sock", w.scratch.dir);
    configure("    max_attempts: many\n", "");
    struct process *p = process_start(argv);
    char *said = process_output(p);
    assert_int_equal(process_wait(p), 1);
    char place[80];
    (void)snprintf(place, sizeof place, "hilo.yaml:%u:19: channels.wa.max_attempts", line_of("max_attempts"));
    if (!strstr(said, place))
        print_message("%s\n", said);
    assert_non_null(strstr(said, place));
    process_free(&p);
    free(said);

    configure("    max_attempts: 3\n", "  link_life: 2d\n");
    p = process_start(argv);
    said = process_output(p);
    if (process_wait(p) != 0)
        print_message("%s\n", said);
    assert_int_equal(process_wait(p), 0);
    assert_non_null(strstr(said, "http.link_life"));
    assert_non_null(strstr(said, "updated"));
    assert_non_null(strstr(said, "max_attempts"));
    process_free(&p);
    free(said);
    world_down(&w);
}

static void an_option_that_no_instance_takes_reopens_after_a_drain(void **state)
{
    char id[64];

    (void)state;
    up(NULL);
    window();
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    send_on("wa", "hola", id);
    sent_off(1);
    configure("    in_flight: 7\n    timeout: 29s\n", "");
    process_skip(w.gate.process);
    struct answer a = reload();
    assert_int_equal(channels_in(&a), 1);
    channel_is(&a, 0, "wa", "reopened", "in_flight");
    answer_done(&a);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}"); /* within the time of the drain */
    gate_wait_status(&w.gate, id, "sent");
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wa", "state=closed", NULL);
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wa", "state=up", NULL);
    a = gate_get(&w.gate, "/v1/channels");
    assert_int_equal(answer_num(&a, "channels/0/credit"), 7);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

static void what_outlasts_the_drain_is_in_doubt(void **state)
{
    char id[64], next[64];

    (void)state;
    up(NULL);
    window();
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    send_on("wa", "hola", id);
    sent_off(1);
    configure("    in_flight: 7\n", "");
    process_skip(w.gate.process);
    struct answer a = reload();
    channel_is(&a, 0, "wa", "reopened", "in_flight");
    answer_done(&a);
    gate_wait_status(&w.gate, id, "in_doubt");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_wait_status(&w.gate, id, "delivered"); /* its receipts tell */
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wa", "state=up", NULL);
    send_on("wa", "otra", next);
    gate_wait_status(&w.gate, next, "sent");
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    world_down(&w);
}

static void a_plugin_that_refuses_new_options_is_reopened(void **state)
{
    char channel[400];

    (void)state;
    memset(&w, 0, sizeof w);
    (void)snprintf(channel, sizeof channel,
                   "  ec:\n    type: echo\n    plugin: %s/tests/plugins/echo.so\n    greeting: hi\n",
                   harness_build());
    world_up(&w, channel, NULL);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=ec", "state=up", "hi", NULL);
    (void)snprintf(channel, sizeof channel,
                   "  ec:\n    type: echo\n    plugin: %s/tests/plugins/echo.so\n    greeting: again\n",
                   harness_build());
    configure(channel, "");
    struct answer a = reload();
    channel_is(&a, 0, "ec", "reconfigured", "greeting");
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "channel.state", "channel=ec", "state=up", "again", NULL);
    assert_false(process_saw(w.gate.process, "channel.state channel=ec state=closed"));

    (void)snprintf(channel, sizeof channel,
                   "  ec:\n    type: echo\n    plugin: %s/tests/plugins/echo.so\n    greeting: never\n",
                   harness_build());
    configure(channel, "");
    a = reload();
    channel_is(&a, 0, "ec", "reconfigured", "greeting");
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "channel.state", "channel=ec", "state=closed", NULL);
    (void)process_wait_line(w.gate.process, "channel.state", "channel=ec", "state=up", "never", NULL);
    world_down(&w);
}

static void a_removed_channel_keeps_its_queue(void **state)
{
    char one[64], two[64];

    (void)state;
    memset(&w, 0, sizeof w);
    scratch_init(&w.scratch);
    sim_start(&w.sim, NULL);
    (void)snprintf(w.gate.extra_channel, sizeof w.gate.extra_channel, "%s", wb(""));
    gate_start(&w.gate, &w.scratch, &w.sim);
    window();
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wb", "state=up", NULL);
    struct answer a = gate_post(&w.gate, "/v1/channels/wb/pause", "{\"reason\":\"later\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    send_on("wb", "uno", one);
    send_on("wb", "dos", two); /* waits behind the first: one conversation */
    configure("", "");
    a = reload();
    channel_is(&a, 0, "wb", "removed", NULL);
    assert_int_equal(answer_num(&a, "channels/0/queued"), 2);
    answer_done(&a);
    gate_expect(&w.gate, 422, "unknown_channel", "/channel", "POST", "/v1/messages",
                "{\"to\":{\"phone\":\"+573001112233\"},\"channel\":\"wb\",\"content\":{\"type\":\"text\","
                "\"text\":\"tres\"}}");
    (void)process_wait_line(w.gate.process, "channel.removed", "channel=wb", "queued=2", NULL);
    gate_expect(&w.gate, 404, "unknown_channel", NULL, "POST", "/v1/channels/wb/resume", "{}");
    a = gate_get(&w.gate, "/v1/channels");
    assert_int_equal(channels_in(&a), 1);
    answer_done(&a);
    a = gate_do(&w.gate, "DELETE", one, NULL); /* no such path: nothing */
    answer_done(&a);
    char path[128];
    (void)snprintf(path, sizeof path, "/v1/messages/%s", one);
    a = gate_do(&w.gate, "DELETE", path, NULL); /* while nobody counts it */
    assert_int_equal(a.status / 100, 2);
    answer_done(&a);

    configure(wb(""), "");
    a = reload();
    channel_is(&a, 0, "wb", "added", NULL);
    assert_int_equal(answer_num(&a, "channels/0/queued"), 1);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/channels");
    assert_true(cJSON_IsTrue(json_at(a.json, "channels/1/paused")));
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/channels/wb/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    gate_wait_status(&w.gate, two, "sent");
    assert_int_equal(sim_count(&w.sim, "accepted"), 1);
    world_down(&w);
}

static void one_that_comes_back_while_it_drains_starts_again(void **state)
{
    char id[64], waiting[64];

    (void)state;
    memset(&w, 0, sizeof w);
    scratch_init(&w.scratch);
    sim_start(&w.sim, NULL);
    (void)snprintf(w.gate.extra_channel, sizeof w.gate.extra_channel, "%s", wb(""));
    gate_start(&w.gate, &w.scratch, &w.sim);
    window();
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wb", "state=up", NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    send_on("wb", "uno", id);
    send_on("wb", "dos", waiting);
    sent_off(1);
    configure("", "");
    struct answer a = reload();
    channel_is(&a, 0, "wb", "removed", NULL);
    answer_done(&a);
    configure(wb(""), "");
    a = reload();
    channel_is(&a, 0, "wb", "added", NULL);
    answer_done(&a);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_wait_status(&w.gate, id, "sent");
    gate_wait_status(&w.gate, waiting, "sent");
    assert_int_equal(process_count(w.gate.process, "channel.state channel=wb state=closed"), 1);
    assert_false(process_saw(w.gate.process, "channel.removed"));
    a = gate_get(&w.gate, "/v1/channels");
    assert_int_equal(answer_num(&a, "channels/1/queued"), 0);
    assert_int_equal(answer_num(&a, "channels/1/in_flight"), 0);
    answer_done(&a);
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    world_down(&w);
}

static void what_needs_a_restart_is_said_and_the_rest_is_taken_over(void **state)
{
    (void)state;
    up(NULL);
    configure("", "  connections: 77\n  body_max: 1024\n");
    for (unsigned i = 0; i < 2; i++) { /* said each time, until it is restarted */
        struct answer a = reload();
        assert_string_equal(answer_str(&a, "needs_restart/0"), "http.connections");
        assert_null(answer_str(&a, "needs_restart/1"));
        if (i == 0)
            assert_string_equal(answer_str(&a, "changed/0"), "http.body_max");
        else
            assert_null(answer_str(&a, "changed/0"));
        assert_int_equal(channels_in(&a), 0);
        answer_done(&a);
        (void)process_wait_line(w.gate.process, "config.needs_restart", "http.connections", NULL);
    }
    char *big = malloc(3000);
    assert_non_null(big);
    memset(big, 'x', 2999);
    big[2999] = '\0';
    struct answer a = gate_do(&w.gate, "POST", "/v1/messages", big);
    assert_int_equal(a.status, 413);
    answer_done(&a);
    free(big);
    world_down(&w);
}

static void routes_and_the_log_are_taken_over(void **state)
{
    static const char body[] = "{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\","
                               "\"text\":\"hola\"}}";

    (void)state;
    up(NULL);
    window();
    char *yaml = file_read(scratch_path(&w.scratch, "hilo.yaml"), NULL);
    char *routes = strstr(yaml, "routes:"), *level = strstr(yaml, "level: debug");
    assert_non_null(routes);
    assert_non_null(level);
    *routes = '\0';
    memcpy(level, "level: error", 12);
    file_write(scratch_path(&w.scratch, "hilo.yaml"), yaml);
    free(yaml);
    struct answer a = reload();
    assert_string_equal(answer_str(&a, "changed/0"), "routes");
    assert_string_equal(answer_str(&a, "changed/1"), "log.level");
    answer_done(&a);
    gate_expect(&w.gate, 422, "no_route", NULL, "POST", "/v1/messages", body);
    unsigned debug = process_count(w.gate.process, " debug http.request");
    gate_expect(&w.gate, 422, "no_route", NULL, "POST", "/v1/messages", body);
    assert_int_equal(process_count(w.gate.process, " debug http.request"), debug);
    gate_configure(&w.gate);
    a = reload();
    answer_done(&a);
    a = gate_do(&w.gate, "POST", "/v1/messages", body);
    assert_int_equal(a.status, 202);
    answer_done(&a);
    world_down(&w);
}

static void a_channel_whose_plugin_is_not_there_refuses_the_file(void **state)
{
    (void)state;
    up(NULL);
    configure("  wb:\n    type: whatsapp\n    plugin: /nowhere.so\n", "  body_max: 2k\n");
    struct answer a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);
    answer_is(&a, 422, "invalid_configuration", "");
    assert_non_null(strstr(answer_str(&a, "faults/0/text"), "/nowhere.so"));
    assert_true(answer_num(&a, "faults/0/line") > 20);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/channels");
    assert_int_equal(channels_in(&a), 1);
    answer_done(&a);

    /* The gateway can be started with it; then it is no reason to refuse other changes. */
    gate_stop(&w.gate);
    gate_again(&w.gate);
    configure("  wb:\n    type: whatsapp\n    plugin: /nowhere.so\n", "  body_max: 3k\n");
    a = reload();
    assert_string_equal(answer_str(&a, "changed/0"), "http.body_max");
    answer_done(&a);
    configure(wb(""), "");
    a = reload();
    channel_is(&a, 0, "wb", "started", "plugin");
    answer_done(&a);
    (void)process_wait_line(w.gate.process, "channel.state", "channel=wb", "state=up", NULL);
    world_down(&w);
}

static void a_key_needs_the_scope(void **state)
{
    char key[64], was[64];

    (void)state;
    up(NULL);
    struct answer a = gate_post(&w.gate, "/v1/keys", "{\"name\":\"x\",\"scopes\":[\"keys:write\"]}");
    (void)snprintf(key, sizeof key, "%s", answer_str(&a, "key"));
    answer_done(&a);
    memcpy(was, w.gate.key, sizeof was);
    memcpy(w.gate.key, key, sizeof key);
    gate_expect(&w.gate, 403, "insufficient_scope", NULL, "POST", "/v1/config/reload", NULL);
    memcpy(w.gate.key, was, sizeof was);
    world_down(&w);
}

/* Under the sanitizers nothing may be left over, nor anything used that is gone. */
static void many_reloads_leave_nothing_behind(void **state)
{
    char id[64];

    (void)state;
    up(NULL);
    window();
    for (unsigned i = 0; i < 60; i++) {
        char http[64];
        (void)snprintf(http, sizeof http, "  body_max: %uk\n", 2 + i);
        configure(i % 3 == 0   ? ""
                  : i % 3 == 1 ? wb("    preview_url: true\n")
                               : wb("    in_flight: 3\n"),
                  http);
        struct answer a = reload();
        answer_done(&a);
        send_on("wa", "hola", id);
    }
    gate_wait_status(&w.gate, id, "sent");
    assert_int_equal(sim_count(&w.sim, "accepted"), 60);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_the_same_goes_on_with_what_it_has_in_flight),
        cmocka_unit_test(a_new_token_is_taken_by_the_channel_that_runs),
        cmocka_unit_test(a_broken_file_changes_nothing),
        cmocka_unit_test(the_command_tells_the_places),
        cmocka_unit_test(an_option_that_no_instance_takes_reopens_after_a_drain),
        cmocka_unit_test(what_outlasts_the_drain_is_in_doubt),
        cmocka_unit_test(a_plugin_that_refuses_new_options_is_reopened),
        cmocka_unit_test(a_removed_channel_keeps_its_queue),
        cmocka_unit_test(one_that_comes_back_while_it_drains_starts_again),
        cmocka_unit_test(what_needs_a_restart_is_said_and_the_rest_is_taken_over),
        cmocka_unit_test(routes_and_the_log_are_taken_over),
        cmocka_unit_test(a_channel_whose_plugin_is_not_there_refuses_the_file),
        cmocka_unit_test(a_key_needs_the_scope),
        cmocka_unit_test(many_reloads_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
