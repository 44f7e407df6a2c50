/*
 * The log at its most talkative, after a story full of personal data, good and bad: each
 * line can be parsed, and none, nor a metric, has anything that says who somebody is, what
 * was said, or a secret.
 */
#include "harness.h"
#include <ctype.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Not to be found, whatever else is around them. */
static const char *const personal[] = {"3158882277",  "Zoraida",  "zoraida", "Quimbayo",    "8181727263",
                                       "secretisimo", "intimo",   "cedula",  "sim-token",   "sim-app-secret",
                                       "sim-verify",  "Calle 45", "4.60971", "hilo_notakey"};
static const char phone[] = "573158882277";

static struct world w;

/* ---- logfmt ---- */

static bool is_time(const char *p)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z ";

    for (unsigned i = 0; shape[i]; i++)
        if (shape[i] == '0' ? !isdigit((unsigned char)p[i]) : p[i] != shape[i])
            return false;
    return true;
}

/* The end of a word of these characters; NULL if it is empty. */
static const char *word(const char *p, const char *of)
{
    size_t n = strspn(p, of);

    return n ? p + n : NULL;
}

static const char *value(const char *p)
{
    if (*p != '"') {
        size_t n = strcspn(p, " \"=");
        return n ? p + n : NULL;
    }
    for (p++; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        if (!*p)
            return NULL;
    }
    return p + 1;
}

/* time level event key=value key="value" */
static bool is_logfmt(const char *line)
{
    static const char low[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    static const char *const levels[] = {"error ", "warn ", "info ", "debug "};
    const char *p = NULL;

    if (strlen(line) < 26 || !is_time(line))
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (strncmp(line + 25, levels[i], strlen(levels[i])) == 0)
            p = line + 25 + strlen(levels[i]);
    p = p ? word(p, "abcdefghijklmnopqrstuvwxyz_.") : NULL;
    while (p && *p == ' ') {
        p = word(p + 1, low);
        p = p && *p == '=' ? value(p + 1) : NULL;
    }
    return p && !*p;
}

/* What it wrote until its end. */
static void all_lines_are_clean(void)
{
    char *said, *save = NULL;
    unsigned lines = 0, wrong = 0;

    process_signal(w.gate.process, SIGTERM);
    said = process_output(w.gate.process);
    assert_int_equal(process_wait(w.gate.process), 0);
    for (char *line = strtok_r(said, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        lines++;
        if (!is_logfmt(line)) {
            print_message("no logfmt: %s\n", line);
            wrong++;
        }
        for (unsigned i = 0; i < sizeof personal / sizeof *personal; i++)
            if (strstr(line, personal[i])) {
                print_message("\"%s\" in: %s\n", personal[i], line);
                wrong++;
            }
        if (strstr(line, w.gate.key + 5)) {
            print_message("a key in: %s\n", line);
            wrong++;
        }
    }
    assert_true(lines > 5);
    assert_int_equal(wrong, 0);
    free(said);
    process_free(&w.gate.process);
}

static void metrics_are_clean(void)
{
    struct answer a = gate_get(&w.gate, "/metrics");

    assert_int_equal(a.status, 200);
    for (unsigned i = 0; i < sizeof personal / sizeof *personal; i++)
        assert_null(strstr(a.body, personal[i]));
    answer_done(&a);
}

/* ---- the stories ---- */

static void ask(const char *method, const char *path, const char *json)
{
    struct answer a = gate_do(&w.gate, method, path, json);

    assert_true(a.status >= 200);
    answer_done(&a);
}

static void up(void)
{
    memset(&w, 0, sizeof w);
    w.gate.public_url = "http://links.example\n";
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
}

static void what_goes_well(void **state)
{
    char id[64], path[128];

    (void)state;
    up();
    ask("POST", "/v1/customers",
        "{\"name\":\"Zoraida Quimbayo\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573158882277\"},"
        "{\"scheme\":\"email\",\"value\":\"zoraida@correo.example\"},"
        "{\"scheme\":\"document\",\"value\":\"CO:CC:8181727263\"}]}");
    ask("POST", "/v1/customers/search", "{\"document\":\"CO:CC:8181727263\"}");
    ask("POST", "/v1/customers/search", "{\"email\":\"zoraida@correo.example\"}");
    sim_text(&w.sim, phone, "algo secretisimo", NULL);
    sim_set(
        &w.sim, "/_sim/inbound",
        "[{\"from\":\"%s\",\"name\":\"Zoraida\",\"type\":\"document\",\"data\":\"JVBERi0=\",\"mime_type\":"
        "\"application/pdf\",\"filename\":\"cedula.pdf\",\"caption\":\"intimo\"},"
        "{\"from\":\"%s\",\"name\":\"Zoraida\",\"message\":{\"type\":\"location\",\"location\":{\"latitude\":"
        "4.60971,\"longitude\":-74.08175,\"name\":\"intimo\",\"address\":\"Calle 45\"}}},"
        "{\"from\":\"%s\",\"name\":\"Zoraida\",\"message\":{\"type\":\"contacts\",\"contacts\":[{\"name\":"
        "{\"formatted_name\":\"Quimbayo\"},\"phones\":[{\"phone\":\"+573158882277\"}]}]}},"
        "{\"from\":\"%s\",\"name\":\"Zoraida\",\"message\":{\"type\":\"poll\",\"poll\":{\"q\":\"intimo\"}}},"
        "{\"from\":\"%s\",\"name\":\"Zoraida\",\"message\":{\"type\":\"system\",\"system\":{\"type\":"
        "\"user_changed_number\",\"body\":\"Zoraida changed to 573158882278\",\"wa_id\":\"573158882278\"}}}]",
        phone, phone, phone, phone, phone);
    (void)process_wait_line(w.gate.process, "media.stored", NULL);
    sim_quiet(&w.sim);
    struct answer a =
        gate_with(&w.gate, "POST", "/v1/messages",
                  "{\"to\":{\"phone\":\"+573158882277\"},\"channel\":\"wa\",\"content\":{\"type\":"
                  "\"text\",\"text\":\"secretisimo\"}}",
                  "Idempotency-Key: pedido-de-zoraida");
    assert_int_equal(a.status, 202);
    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w.gate, id, "read");
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    ask("GET", path, NULL);
    ask("POST", "/v1/cases",
        "{\"to\":{\"phone\":\"+573158882277\"},\"customer\":\"x\",\"subject\":\"intimo\",\"owner\":"
        "\"Zoraida\"}");
    ask("POST", "/v1/channels/wa/pause", "{\"reason\":\"Zoraida lo pide\"}");
    ask("POST", "/v1/channels/wa/resume", "{}");
    ask("POST", "/v1/config/reload", NULL);
    metrics_are_clean();
    all_lines_are_clean();
    world_down(&w);
}

static void what_is_refused(void **state)
{
    static const char *const paths[] = {
        "/v1/customers/+573158882277",
        "/v1/customers?phone=%2B573158882277",
        "/v1/cases?owner=Zoraida%20Quimbayo",
        "/v1/cases?zoraida=1",
        "/zoraida/3158882277",
        "/m/zoraida3158882277",
        "/hooks/wa?hub.verify_token=secretisimo&hub.mode=subscribe&hub.challenge=3158882277",
        "/hooks/3158882277",
        "/v1/channels/zoraida/pause",
        "/v1/messages/msg_3158882277",
        "/v1/customers/cus_zoraida/timeline?cursor=zoraida"};

    (void)state;
    up();
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        ask("GET", paths[i], NULL);
        ask("POST", paths[i], "{\"name\":\"Zoraida\"}");
    }
    ask("ZORAIDA3158882277", "/v1/messages", NULL);
    ask("POST", "/v1/customers",
        "{\"name\":\"Zoraida\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":"
        "\"3158882277\"}],\"zoraida\":1}");
    ask("POST", "/v1/customers", "{\"name\":\"Zoraida");
    ask("POST", "/v1/messages", "{\"to\":{\"phone\":\"3158882277 Zoraida\"},\"content\":\"secretisimo\"}");
    ask("POST", "/v1/messages",
        "{\"to\":{\"phone\":\"+573158882277\"},\"channel\":\"zoraida\",\"content\":{\"type\":\"text\","
        "\"text\":\"secretisimo\"}}");
    struct answer a = http_do("GET", w.gate.url, "hilo_notakeyzoraida3158882277", NULL, NULL);
    answer_done(&a);
    /* Signed webhooks that are nothing of what is documented, and one that is not signed. */
    static const char *const payloads[] = {
        "{\"object\":\"Zoraida Quimbayo\",\"entry\":[]}",
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{"
        "\"field\":"
        "\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{\"phone_number_id\":"
        "\"106540352242922\"},\"contacts\":[{\"wa_id\":\"573158882277\",\"profile\":{\"name\":\"Zoraida\"}}],"
        "\"messages\":[{\"from\":\"zoraida\",\"id\":\"\",\"timestamp\":\"intimo\",\"type\":\"text\",\"text\":"
        "{\"body\":7}},{\"from\":\"573158882277\",\"id\":\"wamid.1\",\"timestamp\":\"1\",\"type\":"
        "\"secretisimo\"},"
        "{\"from\":{},\"type\":[\"intimo\"]}],\"statuses\":[{\"id\":\"wamid.zoraida\",\"status\":"
        "\"3158882277\","
        "\"recipient_id\":\"573158882277\",\"timestamp\":\"1\"}],\"errors\":[{\"code\":131005,\"title\":"
        "\"Access denied\",\"error_data\":{\"details\":\"for 573158882277\"}}]}}]}]}",
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":"
        "\"messages\","
        "\"value\":{\"metadata\":{\"phone_number_id\":\"9\",\"display_phone_number\":\"573158882277\"},"
        "\"messages\":[]}},{\"field\":\"3158882277\",\"value\":{\"name\":\"Zoraida\"}}]}]}"};
    for (unsigned i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        sim_set(&w.sim, "/_sim/post", "{\"payload\":%s,\"signature\":\"good\"}", payloads[i]);
        sim_set(&w.sim, "/_sim/post", "{\"payload\":%s,\"signature\":\"bad\"}", payloads[i]);
    }
    sim_set(&w.sim, "/_sim/post", "{\"body\":\"secretisimo de Zoraida\",\"signature\":\"good\"}");
    metrics_are_clean();
    all_lines_are_clean();
    world_down(&w);
}

static void what_fails(void **state)
{
    static const char *const faults[] = {"error:131026", "error:100",   "500",
                                         "garbage",      "drop_before", "drop_after_accept"};
    char id[64];

    (void)state;
    up();
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"%s\",\"count\":1}", faults[i]);
        gate_send_text(&w.gate, "+573158882277", "secretisimo de Zoraida", id);
        (void)process_wait_nth(w.gate.process, 1, "message.reported", id, NULL);
    }
    sim_set(&w.sim, "/_sim/faults", "{\"reply\":\"ok\",\"media_fault\":\"404\",\"media_count\":1}");
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"name\":\"Zoraida\",\"type\":\"document\",\"data\":\"JVBERi0=\",\"mime_type\":"
            "\"application/pdf\",\"filename\":\"cedula.pdf\"}",
            phone);
    (void)process_wait_line(w.gate.process, "media.failed", NULL);
    /* A plugin's words, a file's and the operator's are quoted, whatever is in them. */
    sim_set(&w.sim, "/_sim/config", "{\"token\":\"not \\\"the\\\" old one\"}");
    gate_send_text(&w.gate, "+573158882278", "secretisimo", id);
    (void)process_wait_line(w.gate.process, "channel.stopped", NULL);
    (void)snprintf(
        w.gate.extra_channel, sizeof w.gate.extra_channel,
        "  \"no name=\":\n    type: whatsapp\n  wb:\n    type: \"a\\\" b=c\"\n    token: [sim-token]\n");
    gate_configure(&w.gate);
    ask("POST", "/v1/config/reload", NULL);
    metrics_are_clean();
    all_lines_are_clean();
    world_down(&w);
}

static void a_start_after_a_crash(void **state)
{
    char id[64];

    (void)state;
    up();
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, "+573158882277", "secretisimo de Zoraida", id);
    struct answer a = sim_messages(&w.sim, 1);
    answer_done(&a);
    gate_kill(&w.gate);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_again(&w.gate);
    gate_wait_status(&w.gate, id, "delivered");
    metrics_are_clean();
    all_lines_are_clean();
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_well),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_fails),
        cmocka_unit_test(a_start_after_a_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
