/* A gateway with a channel of type sms and its SMSC (sms.h). */
#include "sms.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void sim_launch(struct sms_world *s, const char *config)
{
    char bin[256];
    const char *const argv[] = {bin, "--tls", s->w.scratch.dir, "--config", config ? config : "{}", NULL};
    const char *line;

    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-smsc", harness_build());
    s->w.sim.process = process_start(argv);
    line = process_wait_line(s->w.sim.process, "ready port=", NULL);
    s->w.sim.port = atoi(strstr(line, " port=") + 6);
    s->smpp = atoi(strstr(line, " smpp=") + 6);
    s->tls = atoi(strstr(line, " tls=") + 5);
    (void)snprintf(s->w.sim.url, sizeof s->w.sim.url, "http://127.0.0.1:%d", s->w.sim.port);
}

static void fill(struct sms_world *s, const char *lines)
{
    static const struct {
        const char *name, *value;
    } usual[] = {{"provider", "smpp"},
                 {"host", "127.0.0.1"},
                 {"system_id", "hilo"},
                 {"password", "secret"},
                 {"sender", "\"890123\""}};
    char option[64];
    size_t n = (size_t)snprintf(s->lines, sizeof s->lines, "%s", lines ? lines : "");

    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        (void)snprintf(option, sizeof option, "    %s:", usual[i].name);
        if (!lines || !strstr(lines, option))
            n += (size_t)snprintf(s->lines + n, sizeof s->lines - n, "%s %s\n", option, usual[i].value);
    }
    if (!lines || !strstr(lines, "    port:"))
        n += (size_t)snprintf(s->lines + n, sizeof s->lines - n, "    port: %d\n",
                              lines && strstr(lines, "    tls: true") ? s->tls : s->smpp);
    assert_true(n < sizeof s->lines);
    s->w.gate.type = "sms";
    s->w.gate.channel = s->lines;
}

void sms_up(struct sms_world *s, const char *lines, const char *sim, bool wait)
{
    scratch_init(&s->w.scratch);
    sim_launch(s, sim);
    fill(s, lines);
    gate_start(&s->w.gate, &s->w.scratch, NULL); /* it posts no webhooks */
    if (wait)                                    /* it is also up before it has said anything */
        (void)process_wait_nth(s->w.gate.process, 1, "channel.state", "channel=wa", "state=up", "bound",
                               NULL);
}

void sms_configure(struct sms_world *s, const char *lines)
{
    fill(s, lines);
    gate_configure(&s->w.gate);
}

void sms_down(struct sms_world *s)
{
    struct answer a = sim_get(&s->w.sim, "/_sim/counts");

    if (answer_num(&a, "violations") != 0)
        print_message("%s\n", a.body);
    assert_int_equal(answer_num(&a, "violations"), 0);
    answer_done(&a);
    world_down(&s->w);
}

void sms_send(struct sms_world *s, const char *phone, const char *text, const char *more, char *id)
{
    struct answer a = gate_post(
        &s->w.gate, "/v1/messages",
        "{\"to\":{\"phone\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\",\"text\":\"%s\"}%s}",
        phone, text, more);

    if (a.status != 202)
        print_message("%ld %s\n", a.status, a.body);
    assert_int_equal(a.status, 202);
    assert_true(snprintf(id, 64, "%s", answer_str(&a, "id")) < 64);
    answer_done(&a);
}

struct answer sms_submits(struct sms_world *s, unsigned n)
{
    struct answer a = sim_get(&s->w.sim, "/_sim/submits?min=%u&wait_ms=%d", n, DEADLINE_S * 1000);

    assert_true(cJSON_GetArraySize(json_at(a.json, "submits")) >= (int)n);
    return a;
}

void sms_faults(struct sms_world *s, const char *faults)
{
    sim_set(&s->w.sim, "/_sim/faults", "{\"faults\":[%s]}", faults);
}

void sms_binds(struct sms_world *s, unsigned n)
{
    struct answer a =
        sim_get(&s->w.sim, "/_sim/sessions?min_binds=%u&min_bound=1&wait_ms=%d", n, DEADLINE_S * 1000);

    assert_true(answer_num(&a, "bound") >= 1);
    answer_done(&a);
    assert_true(sim_count(&s->w.sim, "binds") >= n);
}

void sms_message_is(struct sms_world *s, const char *id, const char *path, const char *value)
{
    struct answer a = gate_get(&s->w.gate, "/v1/messages/%s", id);

    assert_int_equal(a.status, 200);
    if (!answer_str(&a, path) || strcmp(answer_str(&a, path), value) != 0)
        print_message("%s\n", a.body);
    assert_string_equal(answer_str(&a, path), value);
    answer_done(&a);
}

void sms_message_number(struct sms_world *s, const char *id, const char *path, double value)
{
    struct answer a = gate_get(&s->w.gate, "/v1/messages/%s", id);

    assert_int_equal(a.status, 200);
    if (answer_num(&a, path) != value)
        print_message("%s\n", a.body);
    assert_true(answer_num(&a, path) == value);
    answer_done(&a);
}

const char *sms_came(struct sms_world *s, unsigned nth)
{
    static char text[4096];
    const char *line = process_wait_nth(s->w.gate.process, nth, "message.received", NULL),
               *p = strstr(line, "id=msg_");
    char id[64];

    assert_non_null(p);
    (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(p + 3, " "), p + 3);
    struct answer a = gate_get(&s->w.gate, "/v1/messages/%s", id);
    assert_int_equal(a.status, 200);
    assert_non_null(answer_str(&a, "content/text"));
    (void)snprintf(text, sizeof text, "%s", answer_str(&a, "content/text"));
    answer_done(&a);
    return text;
}
