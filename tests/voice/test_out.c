/*
 * Calls that the shop makes, judged by the telephone at the other end: a person, an answering machine, one
 * who does not take the call; the hours; what a kill leaves.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";
static const char text[] = "Su televisor nuevo ya está en la tienda. Puede recogerlo cuando quiera.";
static const char text_json[] = "{\"type\":\"text\",\"text\":\"Su televisor nuevo ya está en la tienda. "
                                "Puede recogerlo cuando quiera.\"}";
static const char choices[] =
    "{\"type\":\"choices\",\"text\":\"¿Prefiere cambio o devolución?\",\"choices\":["
    "{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\",\"title\":\"Devolución\"}]}";
/* Any day and hour, so that the tests run at any. */
#define ANY_HOUR "    out_hours: \"\"\n"

struct call {
    struct scratch scratch;
    struct rig rig;
    struct phone phone;
    bool has_phone;
    char id[64];
};

/* A gateway whose trunk is this port. */
static void gateway_up(struct call *c, int proxy, const char *more)
{
    char lines[1024];

    (void)snprintf(lines, sizeof lines,
                   "    trunk: 127.0.0.1\n    proxy: \"sip:127.0.0.1:%d;lr\"\n    domain: 127.0.0.1\n"
                   "    user: tienda\n    keep_alive: 0s\n%s",
                   proxy, more);
    rig_up(&c->rig, lines);
    rig_port(&c->rig, proxy);
}

static void phone_and_gateway_up(struct call *c, const char *more)
{
    scratch_init(&c->scratch);
    phone_up(&c->phone, &c->scratch, &(struct phone_conf){.user = ana, .answer = "manual"});
    c->has_phone = true;
    gateway_up(c, c->phone.sip, more);
}

static void all_down(struct call *c, unsigned sip, unsigned rtp)
{
    if (c->has_phone)
        phone_down(&c->phone);
    rig_down(&c->rig, sip, rtp);
    scratch_done(&c->scratch);
}

/* She picks it up and says this. */
static void picks_up(struct call *c, const struct sound *greeting)
{
    (void)phone_event(&c->phone, "CALL_INCOMING");
    gate_wait_status(&c->rig.gate, c->id, "sent");
    phone_answer(&c->phone);
    (void)phone_event(&c->phone, "CALL_ESTABLISHED");
    if (greeting)
        phone_say(&c->phone, greeting);
}

/* What an answering machine says, with its tone. */
static struct sound machine(struct call *c, bool tone)
{
    struct sound s =
        rig_say(&c->rig, "Hola. Usted se ha comunicado con Ana María. En este momento no puedo atender "
                         "su llamada. Deje su mensaje después de la señal.");
    struct sound pause = sound_silence(0.4), beep = sound_tone(1000, 0.6);

    s = sound_then(s, &pause);
    if (tone)
        s = sound_then(s, &beep);
    sound_done(&pause);
    sound_done(&beep);
    return s;
}

static cJSON *message(struct call *c)
{
    struct answer a = gate_get(&c->rig.gate, "/v1/messages/%s", c->id);
    cJSON *json = a.json;

    assert_int_equal(a.status, 200);
    a.json = NULL;
    answer_done(&a);
    return json;
}

static const char *word(const cJSON *o, const char *path)
{
    const cJSON *v = json_at(o, path);

    return cJSON_IsString(v) ? v->valuestring : "";
}

/* ---- a person ---- */

static void she_hears_it_again_when_she_asks(void **state)
{
    struct sound said, alo;
    struct call c = {0};
    cJSON *ended;

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR);
    said = rig_say(&c.rig, text);
    alo = rig_say(&c.rig, "¿Aló?");
    rig_send(&c.rig, ana, text_json, c.id);
    picks_up(&c, &alo);
    (void)phone_hears(&c.phone, &said);
    gate_wait_status(&c.rig.gate, c.id, "delivered");
    phone_press(&c.phone, "*");
    (void)phone_hears(&c.phone, &said);
    gate_wait_status(&c.rig.gate, c.id, "read");
    (void)phone_event(&c.phone, "CALL_CLOSED");
    ended = rig_event(&c.rig, "hilo.call.ended", NULL);
    assert_string_equal(word(ended, "direction"), "outbound");
    assert_string_equal(word(ended, "message"), c.id);
    assert_string_equal(word(ended, "status"), "ended");
    assert_true(json_at(ended, "duration_ms")->valuedouble > 5000); /* twice as long as the text */
    cJSON_Delete(ended);
    all_down(&c, 6, 300);
    sound_done(&said);
    sound_done(&alo);
}

static void her_key_is_her_choice(void **state)
{
    struct sound question, wrong;
    struct call c = {0};
    cJSON *reply;

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR);
    question = rig_say(&c.rig, "¿Prefiere cambio o devolución?");
    wrong = rig_say(&c.rig, "Esa opción no existe.");
    rig_send(&c.rig, ana, choices, c.id);
    picks_up(&c, NULL);
    (void)phone_hears(&c.phone, &question);
    phone_press(&c.phone, "7");
    (void)phone_hears(&c.phone, &wrong);
    phone_press(&c.phone, "2");
    reply = rig_event(&c.rig, "hilo.message.received", "choice_reply");
    assert_string_equal(word(reply, "content/choice"), "refund");
    assert_string_equal(word(reply, "reply_to"), c.id);
    cJSON_Delete(reply);
    gate_wait_status(&c.rig.gate, c.id, "read");
    (void)phone_event(&c.phone, "CALL_CLOSED");
    all_down(&c, 6, 200);
    sound_done(&question);
    sound_done(&wrong);
}

/* Nobody rings her twice at once. */
static void what_comes_meanwhile_is_spoken_in_her_call(void **state)
{
    static const char more[] = "La factura llegó a su correo.";
    struct sound said, second;
    struct call c = {0};
    char id[64];

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR);
    said = rig_say(&c.rig, text);
    second = rig_say(&c.rig, more);
    rig_send(&c.rig, ana, text_json, c.id);
    rig_send(&c.rig, ana, "{\"type\":\"text\",\"text\":\"La factura llegó a su correo.\"}", id);
    picks_up(&c, NULL);
    (void)phone_hears(&c.phone, &said);
    (void)phone_hears(&c.phone, &second);
    gate_wait_status(&c.rig.gate, c.id, "read");
    gate_wait_status(&c.rig.gate, id, "read");
    (void)phone_event(&c.phone, "CALL_CLOSED");
    assert_int_equal(process_count(c.rig.events, "hilo.call.started"), 1);
    all_down(&c, 6, 300);
    sound_done(&said);
    sound_done(&second);
}

/* Sound that the shop has recorded itself. And one line for calls of ours: who is second waits. */
static void sound_is_played_one_call_at_a_time(void **state)
{
    struct sound said;
    struct call c = {0};
    char url[160], content[200], second[64], *wav;
    struct answer a;
    size_t n;

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR "    out_calls: 1\n");
    said = rig_say(&c.rig, text);
    sound_write(&said, scratch_path(&c.scratch, "said.wav"));
    wav = file_read(scratch_path(&c.scratch, "said.wav"), &n);
    (void)snprintf(url, sizeof url, "%s/v1/media", c.rig.gate.url);
    a = http_bytes("POST", url, c.rig.gate.key, wav, n,
                   (const char *const[]){"Content-Type: audio/wav", NULL});
    assert_int_equal(a.status, 201);
    (void)snprintf(content, sizeof content, "{\"type\":\"media\",\"kind\":\"audio\",\"media\":\"%s\"}",
                   answer_str(&a, "id"));
    answer_done(&a);
    free(wav);
    rig_send(&c.rig, ana, content, c.id);
    (void)phone_event(&c.phone, "CALL_INCOMING");
    rig_send(&c.rig, "+573001112234", content, second);
    rig_log(&c.rig, "message.reported", "lines_busy");
    phone_answer(&c.phone);
    (void)phone_event(&c.phone, "CALL_ESTABLISHED");
    (void)phone_hears(&c.phone, &said);
    (void)phone_event(&c.phone, "CALL_CLOSED");
    gate_wait_status(&c.rig.gate, c.id, "read");
    gate_wait_status(&c.rig.gate, second, "failed"); /* nobody has that number; it was called, then */
    all_down(&c, 9, 300);
    sound_done(&said);
}

/* ---- a machine ---- */

static void a_machine_gets_it_after_its_tone(void **state)
{
    struct sound said, greeting;
    struct call c = {0};
    size_t at;
    cJSON *m;

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR "    out_machine: message\n");
    said = rig_say(&c.rig, text);
    greeting = machine(&c, true);
    rig_send(&c.rig, ana, text_json, c.id);
    picks_up(&c, &greeting);
    at = phone_hears(&c.phone, &said);
    assert_true(at > greeting.n); /* not into its greeting */
    gate_wait_status(&c.rig.gate, c.id, "delivered");
    (void)phone_event(&c.phone, "CALL_CLOSED");
    m = message(&c);
    assert_string_equal(word(m, "status"), "delivered"); /* nobody has heard it */
    cJSON_Delete(m);
    all_down(&c, 6, 300);
    sound_done(&said);
    sound_done(&greeting);
}

static void a_machine_is_no_answer(void **state)
{
    struct sound greeting;
    struct call c = {0};
    unsigned i;
    cJSON *m;

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR "    out_attempts: 2\n    out_no_answer_retry: 1s\n");
    greeting = machine(&c, true);
    rig_send(&c.rig, ana, text_json, c.id);
    for (i = 0; i < 2; i++) {
        (void)phone_event(&c.phone, "CALL_INCOMING");
        phone_answer(&c.phone);
        (void)phone_event(&c.phone, "CALL_ESTABLISHED");
        phone_say(&c.phone, &greeting);
        (void)phone_event(&c.phone, "CALL_CLOSED");
    }
    gate_wait_status(&c.rig.gate, c.id, "failed");
    m = message(&c);
    assert_string_equal(word(m, "reason"), "answering_machine");
    assert_int_equal(json_at(m, "attempts")->valueint, 2);
    cJSON_Delete(m);
    all_down(&c, 12, 300);
    sound_done(&greeting);
}

/* ---- who does not take it ---- */

static void why_is_said_in_words(void **state)
{
    /* As sipp/out_refusals.xml answers. */
    static const struct {
        const char *is, *code, *words;
    } rows[] = {{"unknown_number", "404", "no existe"},  {"declined", "603", "rechazó"},
                {"number_changed", "410", "cambió"},     {"busy", "480 Q.850 17", "ocupada"},
                {"declined", "500 Q.850 21", "rechazó"}, {"unwanted", "607", "no deseada"}};
    struct call c = {0};
    struct sipp phone;
    char number[32];
    size_t i;
    cJSON *m;

    (void)state;
    scratch_init(&c.scratch);
    sipp_serve(&phone, &c.scratch, "out_refusals", (const char *const[]){"-m", "6", NULL});
    gateway_up(&c, phone.port, ANY_HOUR "    out_attempts: 1\n");
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(number, sizeof number, "+57300111223%zu", i);
        rig_send(&c.rig, number, text_json, c.id);
        gate_wait_status(&c.rig.gate, c.id, "failed");
        m = message(&c);
        if (strcmp(word(m, "reason"), rows[i].is) != 0 ||
            strcmp(word(m, "provider_code"), rows[i].code) != 0 || !strstr(word(m, "detail"), rows[i].words))
            fail_msg("%s: %s %s \"%s\"", rows[i].code, word(m, "reason"), word(m, "provider_code"),
                     word(m, "detail"));
        cJSON_Delete(m);
    }
    sipp_done(&phone);
    all_down(&c, 18, 0);
}

/* Asked back before anything rang: it goes back, and is canceled there. */
static void it_is_taken_back_before_it_rings(void **state)
{
    struct call c = {0};
    struct sipp phone;
    struct answer a;
    char path[128];
    cJSON *m;

    (void)state;
    scratch_init(&c.scratch);
    sipp_serve(&phone, &c.scratch, "out_silent", NULL);
    gateway_up(&c, phone.port, ANY_HOUR);
    rig_send(&c.rig, ana, text_json, c.id);
    sipp_saw(&phone, "100 Trying");
    m = message(&c);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/service", word(m, "customer"));
    cJSON_Delete(m);
    a = gate_do(&c.rig.gate, "PUT", path, "{\"channel\":\"wa\",\"state\":\"denied\",\"proof\":\"llamó\"}");
    if (a.status / 100 != 2)
        print_message("%s\n", a.body);
    assert_int_equal(a.status / 100, 2);
    answer_done(&a);
    sipp_done(&phone);
    gate_wait_status(&c.rig.gate, c.id, "suppressed");
    all_down(&c, 5, 0);
}

/* ---- hours ---- */

/* The week day that it is there now, "mon". */
static void today(const char *zone, int days, char out[8])
{
    time_t now = time(NULL) + days * 86400;
    struct tm tm;

    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
    (void)localtime_r(&now, &tm);
    (void)strftime(out, 8, "%a", &tm);
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void nobody_is_called_outside_the_hours(void **state)
{
    char day[8], lines[256];
    struct call c = {0};
    struct sipp phone;
    struct tm tm = {0};
    time_t due;
    cJSON *m;

    (void)state;
    scratch_init(&c.scratch);
    sipp_serve(&phone, &c.scratch, "out_refusals", NULL);
    /* Open in three days, at an hour that is another one wherever else. */
    today("America/Bogota", 3, day);
    (void)snprintf(lines, sizeof lines, "    out_hours: \"%s 10:15-11:00\"\n    time_zone: Asia/Tokyo\n",
                   day);
    gateway_up(&c, phone.port, lines);
    rig_send(&c.rig, ana, text_json, c.id);
    rig_log(&c.rig, "message.reported", "calling_hours");
    m = message(&c);
    assert_string_equal(word(m, "status"), "queued");
    assert_string_equal(word(m, "reason"), "calling_hours");
    assert_int_equal(json_at(m, "attempts")->valueint, 0);
    assert_non_null(strptime(word(m, "due"), "%Y-%m-%dT%H:%M", &tm));
    due = timegm(&tm);
    assert_in_range(due - time(NULL), 86400, 4 * 86400);
    assert_int_equal(due % 86400 / 60, (10 + 5) * 60 + 15);
    cJSON_Delete(m);
    sipp_kill(&phone);
    all_down(&c, 0, 0);
}

/* ---- a kill ---- */

/* It rang, and what came of that nobody knows: "sent" is all that is known, and she is left in peace. */
static void what_rang_when_it_was_killed_is_left_at_that(void **state)
{
    struct call c = {0};
    cJSON *event;

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR);
    rig_send(&c.rig, ana, text_json, c.id);
    (void)phone_event(&c.phone, "CALL_INCOMING");
    cJSON_Delete(rig_event(&c.rig, "hilo.message.status", "\"sent\"")); /* both are on disk */
    gate_kill(&c.rig.gate);
    gate_again(&c.rig.gate);
    event = rig_event(&c.rig, "hilo.call.ended", NULL);
    assert_string_equal(word(event, "status"), "broken");
    cJSON_Delete(event);
    rig_log(&c.rig, "recover:", "1 calls are marked broken");
    gate_queue_is(&c.rig.gate, 0, 0);
    assert_int_equal(process_count(c.rig.events, "hilo.call.started"), 1);
    phone_hang_up(&c.phone);
    all_down(&c, 2, 0);
}

static void after_a_kill_nobody_is_called_again(void **state)
{
    struct call c = {0};
    struct answer a;
    char call[64];
    cJSON *event;

    (void)state;
    phone_and_gateway_up(&c, ANY_HOUR);
    rig_send(&c.rig, ana, text_json, c.id);
    picks_up(&c, NULL);
    event = rig_event(&c.rig, "hilo.call.answered", NULL);
    (void)snprintf(call, sizeof call, "%s", word(event, "id"));
    cJSON_Delete(event);
    cJSON_Delete(rig_event(&c.rig, "hilo.message.status", "\"delivered\"")); /* it is on disk */
    gate_kill(&c.rig.gate);
    gate_again(&c.rig.gate);
    rig_log(&c.rig, "recover:", "1 calls are marked broken");
    a = gate_get(&c.rig.gate, "/v1/calls/%s", call);
    assert_string_equal(answer_str(&a, "status"), "broken");
    answer_done(&a);
    assert_string_equal(gate_status(&c.rig.gate, c.id), "delivered");
    phone_hang_up(&c.phone);
    assert_int_equal(process_count(c.rig.events, "hilo.call.started"), 1);
    all_down(&c, 4, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(she_hears_it_again_when_she_asks),
        cmocka_unit_test(her_key_is_her_choice),
        cmocka_unit_test(what_comes_meanwhile_is_spoken_in_her_call),
        cmocka_unit_test(sound_is_played_one_call_at_a_time),
        cmocka_unit_test(a_machine_gets_it_after_its_tone),
        cmocka_unit_test(a_machine_is_no_answer),
        cmocka_unit_test(why_is_said_in_words),
        cmocka_unit_test(it_is_taken_back_before_it_rings),
        cmocka_unit_test(nobody_is_called_outside_the_hours),
        cmocka_unit_test(what_rang_when_it_was_killed_is_left_at_that),
        cmocka_unit_test(after_a_kill_nobody_is_called_again),
    };

    cmocka_set_test_filter(getenv("HILO_TEST")); /* one alone, by its name */
    lab_network();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
