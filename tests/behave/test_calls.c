/*
 * Calls, from outside: what a channel says of them and applications see; messages that are spoken, ring, and
 * are not taken; what belongs to a case and a call; files of the channel's own. On a thread and in a process
 * of its own. The plugin is tests/plugins/phone.c.
 */
#include "harness.h"
#include "nospace.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

struct line {
    struct scratch scratch;
    struct gate gate;
    char lines[1024]; /* of its YAML */
};

static const char ana[] = "+573001112233", luis[] = "+573004445566";

static void up(struct line *l, void **state, const char *more)
{
    char build[256];

    memset(l, 0, sizeof *l);
    scratch_init(&l->scratch);
    /* The process of a gateway that root started is nobody's. */
    assert_int_equal(chmod(l->scratch.dir, 0777), 0);
    assert_non_null(realpath(harness_build(), build));
    (void)snprintf(l->lines, sizeof l->lines, "    plugin: %s/tests/plugins/phone.so\n%s%s", build,
                   strstr(more, "retry_min") ? "" : "    retry_min: 1ms\n    retry_max: 2ms\n", more);
    l->gate.type = "phone";
    l->gate.channel = l->lines;
    l->gate.isolation = *state ? *state : "thread";
    gate_start(&l->gate, &l->scratch, NULL);
    (void)process_wait_nth(l->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

static void again(struct line *l)
{
    gate_again(&l->gate);
    (void)process_wait_nth(l->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

static void down(struct line *l)
{
    gate_stop(&l->gate);
    gate_check_store(&l->gate);
    process_free(&l->gate.process);
    scratch_done(&l->scratch);
}

/* An operator's word to the plugin. */
static struct answer tell(struct line *l, const char *method, const char *path)
{
    char whole[256];

    (void)snprintf(whole, sizeof whole, "/v1/channels/wa/admin%s", path);
    return gate_do(&l->gate, method, whole, strcmp(method, "GET") == 0 ? NULL : "{}");
}

static void told(struct line *l, const char *path)
{
    struct answer a = tell(l, "POST", path);

    if (a.status != 200)
        fail_msg("%s: %ld %s", path, a.status, a.body);
    answer_done(&a);
}

/* What rings now: its text. */
static void rings(struct line *l, char *text, size_t size)
{
    struct answer a = tell(l, "GET", "/held");

    assert_int_equal(a.status, 200);
    (void)snprintf(text, size, "%s", answer_str(&a, "text"));
    answer_done(&a);
}

__attribute__((format(printf, 3, 4))) static void says(struct line *l, long status, const char *fmt, ...)
{
    char body[1024], url[128];
    struct answer a;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(body, sizeof body, fmt, args);
    va_end(args);
    (void)snprintf(url, sizeof url, "%s/hooks/wa", l->gate.url);
    a = http_bytes("POST", url, NULL, body, strlen(body), NULL);
    if (a.status != status)
        fail_msg("%s: %ld %s", body, a.status, a.body);
    answer_done(&a);
}

/* Asserts the status, copies the id, and gives the answer to be looked at. */
static struct answer made(struct answer a, long status, char id[64])
{
    if (a.status != status)
        fail_msg("%ld instead of %ld: %s", a.status, status, a.body);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    return a;
}

static void customer(struct line *l, const char *name, const char *phone, char id[64])
{
    struct answer a =
        made(gate_post(&l->gate, "/v1/customers",
                       "{\"name\":\"%s\",\"language\":\"es\",\"identifiers\":[{\"scheme\":\"phone\","
                       "\"value\":\"%s\"}]}",
                       name, phone),
             201, id);
    answer_done(&a);
}

static void new_case(struct line *l, const char *who, const char *subject, char id[64])
{
    struct answer a = made(
        gate_post(&l->gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"%s\"}", who, subject), 201, id);
    answer_done(&a);
}

/* Public events so far, as text. */
static char *events(struct line *l, const char *types)
{
    struct answer a = gate_get(&l->gate, "/v1/events?type=%s&after=oldest&follow=false", types);
    char *out = strdup(a.body);

    assert_int_equal(a.status, 200);
    answer_done(&a);
    return out;
}

static void in_order(const char *text, ...)
{
    const char *word, *at = text;
    va_list words;

    va_start(words, text);
    while ((word = va_arg(words, const char *))) {
        at = strstr(at, word);
        if (!at)
            fail_msg("\"%s\" is missing in: %s", word, text);
        at += strlen(word);
    }
    va_end(words);
}

/* ---- a call ---------------------------------------------------------------------------------- */

static void a_call_is_told_from_its_ring_to_its_end(void **state)
{
    struct line l;
    char her[64], case_id[64], id[64], same[64], path[128], body[512];
    struct answer a;
    char *all;

    up(&l, state, "");
    customer(&l, "Ana", ana, her);
    new_case(&l, her, "Cambio de talla", case_id);
    const time_t tomorrow = time(NULL) + 86400;
    char when[32];
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&tomorrow));
    a = gate_post(&l.gate, "/v1/appointments",
                  "{\"customer\":\"%s\",\"store\":\"centro\",\"starts_at\":\"%s\",\"confirm\":false}", her,
                  when);
    assert_int_equal(a.status, 201);
    answer_done(&a);

    (void)snprintf(body, sizeof body,
                   "{\"direction\":\"inbound\",\"party\":{\"scheme\":\"phone\",\"value\":\"%s\"},\"provider_"
                   "id\":\"a84b@x\"}",
                   ana);
    a = made(gate_do(&l.gate, "POST", "/v1/channels/wa/admin/api/v1/calls", body), 201, id);
    assert_string_equal(answer_str(&a, "status"), "ringing");
    assert_string_equal(answer_str(&a, "channel"), "wa"); /* who asks */
    assert_string_equal(answer_str(&a, "customer"), her);
    assert_string_equal(answer_str(&a, "party/value"), ana);
    answer_done(&a);
    /* The same Call-ID is the same call. */
    a = made(gate_do(&l.gate, "POST", "/v1/channels/wa/admin/api/v1/calls", body), 200, same);
    assert_string_equal(same, id);
    answer_done(&a);

    (void)snprintf(path, sizeof path, "/v1/calls/%s", id);
    a = gate_do(&l.gate, "PATCH", path, "{\"status\":\"answered\",\"recording_consent\":\"announced\"}");
    assert_int_equal(a.status, 200);
    assert_non_null(answer_str(&a, "answered"));
    assert_string_equal(answer_str(&a, "recording_consent"), "announced");
    answer_done(&a);
    (void)snprintf(body, sizeof body, "{\"status\":\"offered\",\"to\":\"sip:ventas@pbx\",\"case\":\"%s\"}",
                   case_id);
    a = gate_do(&l.gate, "PATCH", path, body);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "case"), case_id);
    answer_done(&a);
    /* Forward only. */
    gate_expect(&l.gate, 409, "call_further", "/status", "PATCH", path, "{\"status\":\"ringing\"}");
    a = gate_get(&l.gate, "/v1/calls?channel=wa&status=open");
    assert_string_equal(answer_str(&a, "calls/0/id"), id);
    answer_done(&a);
    a = gate_do(&l.gate, "PATCH", path, "{\"status\":\"transferred\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = gate_do(&l.gate, "PATCH", path,
                "{\"status\":\"ended\",\"duration_ms\":61500,\"digits\":\"12\",\"cause\":{\"sip\":200,"
                "\"reason\":\"normal\","
                "\"text\":\"Colgó\"}}");
    assert_int_equal(a.status, 200);
    assert_int_equal((int)answer_num(&a, "duration_ms"), 61500);
    assert_int_equal((int)answer_num(&a, "cause/sip"), 200);
    answer_done(&a);
    gate_expect(&l.gate, 409, "call_further", "/status", "PATCH", path, "{\"status\":\"broken\"}");
    a = gate_get(&l.gate, "/v1/calls?channel=wa&status=open");
    assert_null(json_at(a.json, "calls/0"));
    answer_done(&a);
    a = gate_get(&l.gate, "/v1/calls?customer=%s&status=ended", her);
    assert_string_equal(answer_str(&a, "calls/0/id"), id);
    answer_done(&a);

    /* One entry in her timeline and in the case, with what it came to. */
    a = gate_get(&l.gate, "/v1/customers/%s/timeline", her);
    assert_string_equal(answer_str(&a, "messages/0/content/type"), "call");
    assert_string_equal(answer_str(&a, "messages/0/content/leg"), "inbound");
    assert_string_equal(answer_str(&a, "messages/0/content/outcome"), "ended");
    assert_string_equal(answer_str(&a, "messages/0/content/digits"), "12");
    assert_int_equal((int)answer_num(&a, "messages/0/content/duration_ms"), 61500);
    assert_string_equal(answer_str(&a, "messages/0/call"), id);
    assert_null(json_at(a.json, "messages/1"));
    answer_done(&a);
    a = gate_get(&l.gate, "/v1/cases/%s/messages", case_id);
    assert_string_equal(answer_str(&a, "messages/0/call"), id);
    answer_done(&a);

    all = events(&l, "call.*");
    in_order(all, "hilo.call.started", "hilo.call.answered", "hilo.call.offered",
             "\"context\":{\"customer\":{\"id\":\"", "\"name\":\"Ana\",\"language\":\"es\"}", "\"cases\":[{",
             "Cambio de talla", "\"appointments\":[{", "starts_at", "\"timeline\":[{", "\"type\":\"call\"",
             "hilo.call.transferred", "hilo.call.ended", "\"duration_ms\":61500", NULL);
    free(all);
    /* What an event says stays the same, whatever comes later, also over a restart. */
    char *before = events(&l, "call.offered");
    gate_kill(&l.gate);
    again(&l);
    char *after = events(&l, "call.offered");
    assert_string_equal(before, after);
    free(before);
    free(after);
    down(&l);
}

static void who_calls_may_turn_out_to_be_another(void **state)
{
    struct line l;
    char her[64], unknown[64], id[64], path[128], body[256];
    struct answer a;

    up(&l, state, "");
    customer(&l, "Ana", ana, her);
    a = made(gate_post(&l.gate, "/v1/calls",
                       "{\"direction\":\"inbound\",\"channel\":\"wa\",\"party\":{\"scheme\":\"web_visitor\","
                       "\"value\":\"x1@pbx\"}}"),
             201, id);
    (void)snprintf(unknown, sizeof unknown, "%s", answer_str(&a, "customer"));
    answer_done(&a);
    assert_string_not_equal(unknown, her);
    (void)snprintf(path, sizeof path, "/v1/calls/%s", id);
    (void)snprintf(body, sizeof body, "{\"customer\":\"%s\"}", her);
    a = gate_do(&l.gate, "PATCH", path, body);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "customer"), her);
    answer_done(&a);
    a = gate_do(&l.gate, "PATCH", path, "{\"status\":\"broken\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = gate_get(&l.gate, "/v1/customers/%s/timeline", her);
    assert_string_equal(answer_str(&a, "messages/0/content/outcome"), "broken");
    answer_done(&a);
    a = gate_get(&l.gate, "/v1/customers/%s/timeline", unknown);
    assert_string_equal(answer_str(&a, "messages/0/content/outcome"), "moved");
    answer_done(&a);
    char *all = events(&l, "call.*");
    in_order(all, "hilo.call.started", "hilo.call.updated", "\"changes\":[\"customer\"]", "hilo.call.ended",
             "\"status\":\"broken\"", NULL);
    free(all);
    down(&l);
}

static void what_is_wrong_with_a_call_is_told(void **state)
{
    static const struct {
        const char *body, *code, *pointer;
        long status;
    } row[] = {
        {"{\"direction\":\"up\",\"channel\":\"wa\",\"customer\":\"%s\"}", "invalid_field", "/direction", 422},
        {"{\"direction\":\"inbound\",\"channel\":\"wa\"}", "invalid_field", NULL, 422},
        {"{\"direction\":\"inbound\",\"customer\":\"%s\"}", "unknown_channel", "/channel", 422},
        {"{\"direction\":\"inbound\",\"channel\":\"no\",\"customer\":\"%s\"}", "unknown_channel", "/channel",
         422},
        {"{\"direction\":\"inbound\",\"channel\":\"wa\",\"party\":{\"scheme\":\"phone\",\"value\":\"x\"}}",
         "invalid_identifier", "/party/value", 422},
        {"{\"direction\":\"inbound\",\"channel\":\"wa\",\"customer\":\"cus_00000000000000000000000001\"}",
         "unknown_customer", "/customer", 422},
        {"{\"direction\":\"inbound\",\"channel\":\"wa\",\"customer\":\"%s\",\"case\":\"cas_"
         "00000000000000000000000001\"}",
         "unknown_case", "/case", 422},
        {"{\"direction\":\"inbound\",\"channel\":\"wa\",\"party\":{\"scheme\":\"phone\",\"value\":\"+"
         "573007778899\"},"
         "\"case\":\"cas_00000000000000000000000001\"}",
         "unknown_case", "/case", 422},
        {"{\"direction\":\"outbound\",\"channel\":\"wa\",\"customer\":\"%s\",\"message\":\"msg_"
         "00000000000000000000000001\"}",
         "unknown_message", "/message", 422},
    };
    struct line l;
    char her[64], id[64], path[128], body[512];
    struct answer a;
    uint64_t customers;

    up(&l, state, "");
    customer(&l, "Ana", ana, her);
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(body, sizeof body, row[i].body, her);
#pragma GCC diagnostic pop
        gate_expect(&l.gate, row[i].status, row[i].code, row[i].pointer, "POST", "/v1/calls", body);
    }
    /* Nobody was made of what was refused. */
    char *all = events(&l, "customer.created");
    customers = 0;
    for (const char *at = all; (at = strstr(at, "\nevent: hilo.customer.created")); at++)
        customers++;
    free(all);
    assert_int_equal(customers, 1);
    a = made(gate_post(&l.gate, "/v1/calls",
                       "{\"direction\":\"inbound\",\"channel\":\"wa\",\"customer\":\"%s\"}", her),
             201, id);
    answer_done(&a);
    (void)snprintf(path, sizeof path, "/v1/calls/%s", id);
    gate_expect(&l.gate, 422, "invalid_field", "/status", "PATCH", path, "{\"status\":\"up\"}");
    gate_expect(&l.gate, 422, "invalid_field", "/recording_consent", "PATCH", path,
                "{\"recording_consent\":1}");
    gate_expect(&l.gate, 422, "invalid_field", "/cause/sip", "PATCH", path, "{\"cause\":{\"sip\":99}}");
    gate_expect(&l.gate, 404, "unknown_call", NULL, "GET", "/v1/calls/cal_00000000000000000000000001", NULL);
    gate_expect(&l.gate, 400, "invalid_parameter", NULL, "GET", "/v1/calls?status=up", NULL);
    down(&l);
}

/* ---- what is said in it ------------------------------------------------------------------------ */

static void what_is_said_in_a_call_belongs_to_its_case(void **state)
{
    struct line l;
    char her[64], case_id[64], other_case[64], his[64], call[64], message[64], path[160];
    struct answer a;

    up(&l, state, "");
    customer(&l, "Ana", ana, her);
    customer(&l, "Luis", luis, his);
    new_case(&l, her, "Uno", case_id);
    new_case(&l, her, "Dos", other_case); /* so that none is the only one */
    a = made(gate_post(&l.gate, "/v1/calls",
                       "{\"direction\":\"inbound\",\"channel\":\"wa\",\"customer\":\"%s\"}", her),
             201, call);
    answer_done(&a);
    says(&l, 200, "ext c#rec1\nphone %s\ncase %s\ncall %s\nvoice", ana, case_id, call);
    says(&l, 409, "ext c#rec1\nphone %s\ncase %s\ncall %s\nvoice", ana, case_id, call);
    /* Another's case, a call that there is not. */
    says(&l, 422, "ext c#rec2\nphone %s\ncase %s\ntext x", luis, case_id);
    says(&l, 422, "ext c#rec3\nphone %s\ncall cal_00000000000000000000000001\ntext x", ana);
    (void)process_wait_nth(l.gate.process, 1, "message.refused", "its sender has no such case", NULL);
    a = gate_get(&l.gate, "/v1/cases/%s/messages", case_id);
    assert_string_equal(answer_str(&a, "messages/0/call"), call);
    assert_string_equal(answer_str(&a, "messages/0/content/kind"), "voice");
    (void)snprintf(message, sizeof message, "%s", answer_str(&a, "messages/0/id"));
    assert_null(json_at(a.json, "messages/1"));
    answer_done(&a);

    /* Its words, once and once more. */
    (void)snprintf(path, sizeof path, "/v1/messages/%s/transcript", message);
    a = gate_post(&l.gate, path, "{\"text\":\"se me daño\",\"language\":\"es\",\"service\":\"whisper\"}");
    assert_int_equal(a.status, 201);
    answer_done(&a);
    a = gate_post(&l.gate, path, "{\"text\":\"Se me dañó el televisor.\"}");
    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "transcript/text"), "Se me dañó el televisor.");
    answer_done(&a);
    a = gate_get(&l.gate, "/v1/customers/%s/timeline", her);
    assert_string_equal(answer_str(&a, "messages/0/transcript/text"), "Se me dañó el televisor.");
    (void)snprintf(path, sizeof path, "/v1/messages/%s/transcript", answer_str(&a, "messages/1/id"));
    answer_done(&a);
    gate_expect(&l.gate, 409, "not_media", NULL, "POST", path, "{\"text\":\"x\"}"); /* the call's entry */
    gate_expect(&l.gate, 404, NULL, NULL, "POST", "/v1/messages/msg_00000000000000000000000001/transcript",
                "{\"text\":\"x\"}");
    char *all = events(&l, "message.transcribed");
    in_order(all, "se me daño", "\"service\":\"whisper\"", "Se me dañó el televisor.", NULL);
    free(all);
    down(&l);
}

/* Without the scopes a channel says of no message which case or call it is of. */
static void a_channel_without_scopes_names_no_case(void **state)
{
    struct line l;
    char her[64], case_id[64], call[64];
    struct answer a;

    up(&l, state, "    scopes: customers:read\n");
    customer(&l, "Ana", ana, her);
    new_case(&l, her, "Uno", case_id);
    a = made(gate_post(&l.gate, "/v1/calls",
                       "{\"direction\":\"inbound\",\"channel\":\"wa\",\"customer\":\"%s\"}", her),
             201, call);
    answer_done(&a);
    says(&l, 422, "ext 1\nphone %s\ncase %s\ntext x", ana, case_id);
    says(&l, 422, "ext 2\nphone %s\ncall %s\ntext x", ana, call);
    says(&l, 200, "ext 3\nphone %s\ntext x", ana);
    a = gate_do(&l.gate, "GET", "/v1/channels/wa/admin/api/v1/calls", NULL);
    answer_is(&a, 403, "insufficient_scope", NULL);
    answer_done(&a);
    down(&l);
}

/* ---- what is spoken ----------------------------------------------------------------------------- */

static void choices_are_keys(void **state)
{
    struct line l;
    char her[64], id[64], text[512];
    struct answer a;

    up(&l, state, "");
    customer(&l, "Ana", ana, her);
    a = made(
        gate_post(&l.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"%s\"},\"language\":\"es\",\"content\":{\"type\":\"choices\",\"text\":"
                  "\"¿Qué "
                  "necesita?\",\"choices\":[{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\","
                  "\"title\":\"Devolución\"}]}}",
                  ana),
        202, id);
    assert_string_equal(answer_str(&a, "lowered/0"), "choices_spoken");
    answer_done(&a);
    rings(&l, text, sizeof text);
    assert_string_equal(text, "¿Qué necesita?\nPara cambio, marque 1.\nPara devolución, marque 2.");
    a = tell(&l, "GET", "/held"); /* it knows which keys mean something */
    assert_string_equal(answer_str(&a, "choices/2"), "refund");
    answer_done(&a);
    told(&l, "/taken");
    gate_wait_status(&l.gate, id, "delivered");
    says(&l, 200, "ext k1\nphone %s\ntext 2", ana);
    a = gate_get(&l.gate, "/v1/customers/%s/timeline", her);
    assert_string_equal(answer_str(&a, "messages/0/content/type"), "choice_reply");
    assert_string_equal(answer_str(&a, "messages/0/content/choice"), "refund");
    assert_string_equal(answer_str(&a, "messages/0/lifted_from"), "2");
    assert_string_equal(answer_str(&a, "messages/0/reply_to"), id);
    answer_done(&a);
    /* Nothing can be said of a link alone. */
    a = gate_post(&l.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"%s\"},\"content\":{\"type\":\"text\",\"text\":\"https://x.co/a\"}}",
                  ana);
    answer_is(&a, 422, "not_supported", NULL);
    answer_done(&a);
    down(&l);
}

static char *history(struct line *l, const char *id)
{
    struct answer a = gate_get(&l->gate, "/v1/messages/%s", id);
    static char out[512];
    const cJSON *s;

    out[0] = '\0';
    cJSON_ArrayForEach(s, json_at(a.json, "history"))
    {
        (void)strcat(out, json_at(s, "status")->valuestring);
        (void)strcat(out, " ");
    }
    answer_done(&a);
    return out;
}

static void what_nobody_took_rings_again(void **state)
{
    struct line l;
    char id[64], text[512];

    up(&l, state, "");
    gate_send_text(&l.gate, ana, "Su cita es mañana", id);
    rings(&l, text, sizeof text);
    assert_string_equal(text, "Su cita es mañana");
    told(&l, "/rings");
    gate_wait_status(&l.gate, id, "sent");
    told(&l, "/untaken");
    rings(&l, text, sizeof text); /* again */
    assert_string_equal(gate_status(&l.gate, id), "queued");
    told(&l, "/rings");
    told(&l, "/taken");
    gate_wait_status(&l.gate, id, "delivered");
    assert_string_equal(history(&l, id), "accepted queued sent queued queued sent sent delivered ");

    /* Without that word a message that a receipt called sent stays sent. */
    gate_send_text(&l.gate, luis, "Hola", id);
    rings(&l, text, sizeof text);
    told(&l, "/rings");
    told(&l, "/temp");
    assert_string_equal(gate_status(&l.gate, id), "sent");
    gate_queue_is(&l.gate, 0, 0);
    /* Refused for good after it rang, it failed. */
    gate_send_text(&l.gate, luis, "Hola", id);
    rings(&l, text, sizeof text);
    told(&l, "/rings");
    told(&l, "/no");
    gate_wait_status(&l.gate, id, "failed");
    down(&l);
}

static void attempts_end_and_the_last_has_failed(void **state)
{
    struct line l;
    char id[64], text[512];

    up(&l, state, "    max_attempts: 2\n");
    gate_send_text(&l.gate, ana, "Hola", id);
    for (unsigned i = 0; i < 2; i++) {
        rings(&l, text, sizeof text);
        told(&l, "/rings");
        told(&l, "/untaken");
    }
    gate_wait_status(&l.gate, id, "failed");
    assert_string_equal(history(&l, id), "accepted queued sent queued queued sent failed ");
    down(&l);
}

static void a_stop_between_two_rings_ends_it(void **state)
{
    struct line l;
    char id[64], text[512];

    up(&l, state, "    retry_min: 1s\n    retry_max: 1s\n");
    gate_send_text(&l.gate, ana, "Oferta", id);
    rings(&l, text, sizeof text);
    told(&l, "/rings");
    says(&l, 200, "ext s1\nphone %s\ntext ALTO", ana);
    told(&l, "/untaken");
    gate_wait_status(&l.gate, id, "suppressed");
    assert_string_equal(history(&l, id), "accepted queued sent queued suppressed ");
    down(&l);
}

/* What rang when the gateway or the plugin died is in doubt, and rings no more by itself. */
static void a_death_while_it_rings_leaves_it_in_doubt(void **state)
{
    struct line l;
    char id[64], text[512];

    up(&l, state, "");
    gate_send_text(&l.gate, ana, "Hola", id);
    rings(&l, text, sizeof text);
    told(&l, "/rings");
    gate_wait_status(&l.gate, id, "sent");
    gate_kill(&l.gate);
    again(&l);
    assert_string_equal(gate_status(&l.gate, id), "in_doubt");
    gate_queue_is(&l.gate, 0, 0);
    down(&l);
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int code_of(struct line *l, const char *method, const char *path, int *size)
{
    struct answer a = tell(l, method, path);
    int code = (int)answer_num(&a, "code");

    assert_int_equal(a.status, 200);
    if (size)
        *size = (int)answer_num(&a, "size");
    answer_done(&a);
    return code;
}

static void names_are(struct line *l, const char *one, const char *two)
{
    struct answer a = tell(l, "GET", "/file/list");

    assert_int_equal(a.status, 200);
    assert_int_equal((int)answer_num(&a, "code"), 0);
    assert_string_equal(answer_str(&a, "names/0"), one);
    if (one[0])
        assert_string_equal(answer_str(&a, "names/1"), two);
    answer_done(&a);
}

static bool is_file(struct line *l, const char *name, const char *has)
{
    char path[128];
    struct stat st;
    size_t n;
    bool is;

    (void)snprintf(path, sizeof path, "data/files/wa/%s", name);
    if (stat(scratch_path(&l->scratch, path), &st) != 0)
        return false;
    assert_int_equal(st.st_mode & 0777, 0600);
    char *text = file_read(scratch_path(&l->scratch, path), &n);
    is = strcmp(text, has) == 0;
    free(text);
    return is;
}

static void a_channel_has_files_of_its_own(void **state)
{
    enum { NOTFOUND = -14, INVALID = -13 };
    struct line l;
    char long_name[140] = "/file/create/", over[160];
    int size;

    up(&l, state, "");
    names_are(&l, "", NULL); /* and no folder of them */
    assert_int_equal(code_of(&l, "POST", "/file/open/rec-1.wav", NULL), NOTFOUND);
    assert_int_equal(code_of(&l, "POST", "/file/remove/rec-1.wav", NULL), NOTFOUND);
    assert_int_equal(code_of(&l, "POST", "/file/create/rec-1.wav", &size), 0);
    assert_int_equal(size, 0);
    assert_true(is_file(&l, "rec-1.wav", "voice"));
    /* Nothing of it is cut when it is there. */
    assert_int_equal(code_of(&l, "POST", "/file/create/rec-1.wav", &size), 0);
    assert_int_equal(size, 5);
    assert_true(is_file(&l, "rec-1.wav", "voicevoice"));
    memset(long_name + 13, 'x', 100);
    assert_int_equal(code_of(&l, "POST", long_name, NULL), 0);
    (void)snprintf(over, sizeof over, "%sx", long_name);
    assert_int_equal(code_of(&l, "POST", over, NULL), INVALID);
    assert_int_equal(code_of(&l, "POST", "/file/create/.hidden", NULL), INVALID);
    assert_int_equal(code_of(&l, "POST", "/file/create/a%2Fb", NULL), INVALID);
    names_are(&l, "rec-1.wav", long_name + 13);
    /* They are there after a crash. */
    gate_kill(&l.gate);
    again(&l);
    names_are(&l, "rec-1.wav", long_name + 13);
    assert_int_equal(code_of(&l, "POST", "/file/open/rec-1.wav", &size), 0);
    assert_int_equal(size, 10);
    assert_int_equal(code_of(&l, "POST", "/file/remove/rec-1.wav", NULL), 0);
    assert_false(is_file(&l, "rec-1.wav", ""));
    assert_int_equal(code_of(&l, "POST", "/file/remove/rec-1.wav", NULL), NOTFOUND);
    down(&l);
}

/* clang's AddressSanitizer can't be preloaded before. */
#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define PRELOAD_IS_BEHIND 1
#endif
#endif
#ifdef PRELOAD_IS_BEHIND
static const bool preload_works = false;
#else
static const bool preload_works = true;
#endif

/* Its folder has no room, for a while. */
static void a_full_disk_makes_no_file(void **state)
{
    enum { FULL = -9 };
    static char env[3][256];
    struct line l;
    struct nospace *shared;
    int fd;

    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    up(&l, state, "");
    assert_int_equal(code_of(&l, "POST", "/file/create/before", NULL), 0);
    gate_stop(&l.gate);
    fd = open(scratch_path(&l.scratch, "nospace"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *shared), 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    close(fd);
    (void)snprintf(shared->dir, sizeof shared->dir, "%s", scratch_path(&l.scratch, "data/files"));
    (void)snprintf(env[0], sizeof env[0], "LD_PRELOAD=%s/tests/behave/nospace.so", harness_build());
    (void)snprintf(env[1], sizeof env[1], "HILO_NOSPACE=%s", scratch_path(&l.scratch, "nospace"));
    const char *asan = getenv("ASAN_OPTIONS");
    (void)snprintf(env[2], sizeof env[2], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    for (unsigned i = 0; i < 3; i++)
        l.gate.env[i] = env[i];
    again(&l);
    atomic_store(&shared->full, 1);
    assert_int_equal(code_of(&l, "POST", "/file/create/during", NULL), FULL);
    (void)process_wait_nth(l.gate.process, 1, "channel.files", "no room", NULL);
    assert_int_equal(code_of(&l, "POST", "/file/open/before", NULL), 0);
    assert_int_equal(code_of(&l, "POST", "/file/remove/before", NULL), 0); /* that makes room */
    atomic_store(&shared->full, 0);
    assert_int_equal(code_of(&l, "POST", "/file/create/during", NULL), 0);
    names_are(&l, "during", "");
    down(&l);
    assert_int_equal(munmap(shared, sizeof *shared), 0);
}

/* ---- its menu ------------------------------------------------------------------------------------------ */

static void menu_is(struct line *l, const char *json)
{
    struct answer a = tell(l, "GET", "/menu");

    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, json);
    answer_done(&a);
}

static void a_tree_reaches_the_plugin_also_by_a_reload(void **state)
{
    struct line l;
    struct answer a;

    up(&l, state, "    menu:\n      main: {say: \"Hola, ñ\", keys: {1: ventas, 2: [+57300, 5, true]}}\n");
    menu_is(&l, "{\"main\":{\"say\":\"Hola, ñ\",\"keys\":{\"1\":\"ventas\",\"2\":[\"+57300\",5,true]}}}");
    char *end = strstr(l.lines, "    menu:");
    (void)strcpy(end, "    menu: [a, {b: ~}]\n");
    gate_configure(&l.gate);
    a = gate_post(&l.gate, "/v1/config/reload", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)process_wait_nth(l.gate.process, 1, "config.reloaded", NULL);
    menu_is(&l, "[\"a\",{\"b\":null}]");
    down(&l);
}

int main(void)
{
    static char process[] = "process";
#define T(name)                                                                                              \
    cmocka_unit_test(name),                                                                                  \
    {                                                                                                        \
#name " (process)", name, NULL, NULL, process                                                        \
    }
    const struct CMUnitTest tests[] = {
        T(a_call_is_told_from_its_ring_to_its_end),
        T(who_calls_may_turn_out_to_be_another),
        cmocka_unit_test(what_is_wrong_with_a_call_is_told),
        T(what_is_said_in_a_call_belongs_to_its_case),
        T(a_channel_without_scopes_names_no_case),
        T(choices_are_keys),
        T(what_nobody_took_rings_again),
        cmocka_unit_test(attempts_end_and_the_last_has_failed),
        cmocka_unit_test(a_stop_between_two_rings_ends_it),
        T(a_death_while_it_rings_leaves_it_in_doubt),
        T(a_channel_has_files_of_its_own),
        cmocka_unit_test(a_full_disk_makes_no_file),
        T(a_tree_reaches_the_plugin_also_by_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
