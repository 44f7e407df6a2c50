/*
 * Appointments, from outside: the customer is asked on WhatsApp and her tap confirms, cancels or asks for
 * another time; reminders come due, move and go with it; it is told of as near once, also over a kill; who
 * wants no messages gets none, and whoever books sees it. Hours pass by the gateway's clock.
 */
#include "sms.h"
#include "timed.h"
#include <signal.h>
#include <string.h>

static const char ana[] = "573001112233";

static void up(struct timed *t, const char *yaml, bool window)
{
    static const char *const options[] = {"--no-window", NULL};

    timed_prepare(t);
    (void)snprintf(t->w.gate.extra_gateway, sizeof t->w.gate.extra_gateway, "  time_zone: America/Bogota\n");
    if (yaml)
        (void)snprintf(t->w.gate.extra, sizeof t->w.gate.extra, "%s", yaml);
    if (window)
        (void)snprintf(t->w.gate.extra_channel, sizeof t->w.gate.extra_channel, "    window: core\n");
    sim_start(&t->w.sim, window ? NULL : options);
    sim_set(
        &t->w.sim, "/_sim/config",
        "{\"templates\":[{\"name\":\"cita\",\"language\":\"es\",\"body_parameters\":3,\"text\":\"Cita {{1}} "
        "{{2}} {{3}}\",\"buttons\":3,\"button_texts\":[\"Confirmar\",\"Cambiar\",\"Cancelar\"]}]}");
    gate_start(&t->w.gate, &t->w.scratch, &t->w.sim);
    (void)process_wait_nth(t->w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    (void)process_wait_nth(t->w.gate.process, 1, "templates.listed", "templates=1 ", NULL);
}

/* So much after the machine's time, as RFC 3339; static. */
static const char *at(int64_t us)
{
    static char text[4][32];
    static unsigned n;
    char *out = text[n++ % 4];
    time_t when = time(NULL) + (time_t)(us / 1000000);
    struct tm tm;

    assert_non_null(gmtime_r(&when, &tm));
    assert_true(strftime(out, sizeof text[0], "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    return out;
}

/* Books for Ana; the 201's answer. more: members. */
static struct answer book(struct timed *t, int64_t in_us, const char *more)
{
    struct answer a = gate_post(&t->w.gate, "/v1/appointments",
                                "{\"to\":{\"phone\":\"+%s\"},\"store\":\"centro\",\"starts_at\":\"%s\"%s}",
                                ana, at(in_us), more);

    if (a.status != 201)
        fail_msg("%ld %s", a.status, a.body);
    return a;
}

static void keep(char out[64], const struct answer *a, const char *path)
{
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static void is(struct timed *t, const char *id, const char *member, const char *value)
{
    struct answer a = gate_get(&t->w.gate, "/v1/appointments/%s", id);

    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, member), value);
    answer_done(&a);
}

/* Customers' webhooks come when they come: until the appointment says so. */
static void becomes(struct timed *t, const char *id, const char *member, const char *value)
{
    for (;;) {
        struct answer a = gate_get(&t->w.gate, "/v1/appointments/%s", id);
        const char *now = answer_str(&a, member);
        const bool done = now && strcmp(now, value) == 0;
        answer_done(&a);
        if (done)
            return;
        sim_quiet(&t->w.sim);
    }
}

static struct answer patch(struct timed *t, const char *id, const char *json)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/v1/appointments/%s", id);
    return gate_do(&t->w.gate, "PATCH", path, json);
}

static struct answer checkin(struct timed *t, const char *id, const char *json)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/v1/appointments/%s/checkin", id);
    return gate_do(&t->w.gate, "POST", path, json);
}

static void tap(struct timed *t, const char *button)
{
    sim_set(&t->w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"reply_to\":\"last\",\"button\":\"%s\"}", ana,
            button);
}

/* The public events about appointments so far, "booked changed …", and the last one's data. */
static void events_are(struct timed *t, const char *types, const char *member, const char *value)
{
    char bin[256], control[256], seen[512] = "";
    (void)snprintf(bin, sizeof bin, "%s/hilo", harness_build());
    (void)snprintf(control, sizeof control, "HILO_CONTROL=%s/data/control.sock", t->w.scratch.dir);
    const char *const argv[] = {"/usr/bin/env", control,  bin,      "events",        "--json",
                                "--after",      "oldest", "--type", "appointment.*", NULL};
    struct process *p = process_start(argv);
    char *all = process_output(p), *rest = all, *line;
    cJSON *last = NULL;

    process_free(&p);
    while ((line = strsep(&rest, "\n"))) {
        if (strncmp(line, "{\"specversion\"", 14) != 0)
            continue;
        cJSON_Delete(last);
        last = cJSON_Parse(line);
        assert_non_null(last);
        const char *type = json_at(last, "type")->valuestring;
        (void)snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s", *seen ? " " : "",
                       type + strlen("hilo.appointment."));
    }
    assert_string_equal(seen, types);
    if (member) {
        char path[64];
        (void)snprintf(path, sizeof path, "data/%s", member);
        const cJSON *v = json_at(last, path);
        assert_non_null(v);
        assert_string_equal(v->valuestring, value);
    }
    cJSON_Delete(last);
    free(all);
}

/* ---- the story: asked, tapped, reminded, near, here ------------------------------------- */

static void she_confirms_is_reminded_and_comes(void **state)
{
    struct timed t = {.told = -1};
    char id[64], code[64], reminder[64], confirmation[64], customer[64], case_id[64];

    (void)state;
    up(&t, NULL, false);
    struct answer a =
        gate_post(&t.w.gate, "/v1/customers",
                  "{\"name\":\"Ana\",\"language\":\"es-CO\",\"identifiers\":[{\"scheme\":\"phone\","
                  "\"value\":\"+%s\"}]}",
                  ana);
    keep(customer, &a, "id");
    answer_done(&a);
    a = gate_post(&t.w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\"}", customer);
    keep(case_id, &a, "id");
    answer_done(&a);

    a = book(&t, 48 * HOUR_US, ",\"place\":\"Tienda Centro\",\"subject\":\"Cambio de televisor\"");
    keep(id, &a, "id");
    keep(code, &a, "code");
    assert_int_equal(strlen(code), 6);
    assert_string_equal(answer_str(&a, "status"), "booked");
    assert_string_equal(answer_str(&a, "customer"), customer);
    assert_string_equal(answer_str(&a, "case"), case_id); /* her only open one */
    assert_string_equal(answer_str(&a, "messages/0/kind"), "confirmation");
    assert_string_equal(answer_str(&a, "messages/1/kind"), "reminder");
    assert_string_equal(answer_str(&a, "messages/1/before"), "PT24H");
    keep(confirmation, &a, "messages/0/id");
    keep(reminder, &a, "messages/1/id");
    answer_done(&a);
    gate_wait_status(&t.w.gate, confirmation, "read");
    a = sim_messages(&t.w.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/type"), "interactive");
    assert_string_equal(answer_str(&a, "messages/0/body/interactive/action/buttons/0/reply/title"),
                        "Confirmar");
    assert_string_equal(answer_str(&a, "messages/0/body/interactive/action/buttons/1/reply/title"),
                        "Cambiar");
    assert_string_equal(answer_str(&a, "messages/0/body/interactive/action/buttons/2/reply/id"), "cancel");
    const char *text = answer_str(&a, "messages/0/body/interactive/body/text");
    assert_non_null(strstr(text, "Cambio de televisor. Tu cita en Tienda Centro:\n"));
    assert_non_null(strstr(text, code));
    answer_done(&a);
    a = gate_get(&t.w.gate, "/v1/messages/%s", reminder);
    assert_string_equal(answer_str(&a, "case"), case_id);
    assert_string_equal(answer_str(&a, "appointment"), id);
    answer_done(&a);

    tap(&t, "confirm");
    becomes(&t, id, "status", "confirmed");
    is(&t, id, "answer", "confirm");
    tap(&t, "confirm"); /* once more changes nothing */
    sim_quiet(&t.w.sim);
    events_are(&t, "booked changed", "status", "confirmed");

    timed_set(&t, 25 * HOUR_US);
    gate_wait_status(&t.w.gate, reminder, "read");
    a = sim_messages(&t.w.sim, 2);
    assert_non_null(strstr(answer_str(&a, "messages/1/body/interactive/body/text"), "Te recordamos tu cita"));
    answer_done(&a);

    gate_kill(&t.w.gate); /* and the time passes while it is off */
    atomic_fetch_add(&t.shared->offset_us, 22 * HOUR_US + 50 * MINUTE_US);
    gate_again(&t.w.gate);
    (void)process_wait_nth(t.w.gate.process, 1, "appointment.near", id, NULL);
    events_are(&t, "booked changed near", "code", code);
    gate_kill(&t.w.gate);
    gate_again(&t.w.gate);
    (void)process_wait_nth(t.w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    timed_set(&t, -HOUR_US);
    timed_set(&t, HOUR_US);
    is(&t, id, "status", "confirmed");
    events_are(&t, "booked changed near", NULL, NULL); /* once */

    a = checkin(&t, code, "{\"store\":\"centro\",\"terminal\":\"caja-1\",\"clerk\":\"luis\"}");
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "status"), "checked_in");
    char *first = strdup(a.body);
    answer_done(&a);
    a = checkin(&t, id, "{\"clerk\":\"eva\"}");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, first);
    free(first);
    answer_done(&a);
    events_are(&t, "booked changed near checked_in", "origin/clerk", "luis");
    a = patch(&t, id, "{\"status\":\"completed\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = checkin(&t, id, "{}");
    answer_is(&a, 409, "appointment_closed", NULL);
    answer_done(&a);
    timed_down(&t);
}

static void moved_and_canceled_reminders_go_with_it(void **state)
{
    struct timed t = {.told = -1};
    char id[64], first[64], second[64], old[64];

    (void)state;
    up(&t, NULL, false);
    struct answer a = book(&t, 48 * HOUR_US, ",\"remind_before\":[\"PT24H\",\"PT2H\"]");
    keep(id, &a, "id");
    keep(old, &a, "messages/0/id");
    keep(first, &a, "messages/1/id");
    keep(second, &a, "messages/2/id");
    answer_done(&a);
    gate_wait_status(&t.w.gate, old, "read");
    gate_queue_is(&t.w.gate, 2, 0);
    a = sim_messages(&t.w.sim, 1);
    char wamid[128];
    (void)snprintf(wamid, sizeof wamid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    char json[128];
    (void)snprintf(json, sizeof json, "{\"starts_at\":\"%s\"}", at(96 * HOUR_US));
    a = patch(&t, id, json);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "messages/0/kind"), "confirmation");
    assert_string_equal(answer_str(&a, "messages/2/before"), "PT2H");
    answer_done(&a);
    assert_string_equal(gate_status(&t.w.gate, first), "canceled");
    assert_string_equal(gate_status(&t.w.gate, second), "canceled");
    gate_queue_is(&t.w.gate, 2, 0);
    a = sim_messages(&t.w.sim, 2);
    assert_non_null(strstr(answer_str(&a, "messages/1/body/interactive/body/text"), "es ahora:"));
    answer_done(&a);
    /* Her yes to the time before is none to this one. */
    sim_set(&t.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"reply_to\":\"%s\",\"button\":\"confirm\"}", ana,
            wamid);
    becomes(&t, id, "answer", "confirm");
    is(&t, id, "status", "booked");
    /* What she wants changed is people's to change. */
    tap(&t, "change");
    becomes(&t, id, "answer", "change");
    is(&t, id, "status", "booked");
    events_are(&t, "booked changed changed changed", "answer", "change");
    gate_queue_is(&t.w.gate, 2, 0);
    tap(&t, "cancel");
    becomes(&t, id, "status", "canceled");
    gate_queue_is(&t.w.gate, 0, 0);
    a = checkin(&t, id, "{}");
    answer_is(&a, 409, "appointment_closed", NULL);
    assert_non_null(strstr(answer_str(&a, "detail"), "canceled"));
    answer_done(&a);
    timed_set(&t, 100 * HOUR_US); /* neither reminded of nor near */
    gate_send_text(&t.w.gate, "+573004445566", "hola", first);
    gate_wait_status(&t.w.gate, first, "sent");
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 3);
    events_are(&t, "booked changed changed changed changed", "status", "canceled");
    timed_down(&t);
}

/* The clerk sees what she will not hear of. */
static void who_wants_none_gets_none(void **state)
{
    struct timed t = {.told = -1};
    char id[64];

    (void)state;
    up(&t, NULL, false);
    sim_text(&t.w.sim, ana, "STOP", NULL);
    (void)process_wait_nth(t.w.gate.process, 1, "message.reported", "status=sent", NULL);
    struct answer a = book(&t, 48 * HOUR_US, "");
    keep(id, &a, "id");
    assert_string_equal(answer_str(&a, "status"), "booked");
    for (unsigned i = 0; i < 2; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "messages/%u/code", i);
        assert_string_equal(answer_str(&a, path), "opted_out");
        (void)snprintf(path, sizeof path, "messages/%u/id", i);
        assert_string_equal(gate_status(&t.w.gate, answer_str(&a, path)), "suppressed");
    }
    answer_done(&a);
    timed_set(&t, 30 * HOUR_US);
    is(&t, id, "messages/1/code", "opted_out");
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 1); /* what confirmed her STOP */
    timed_down(&t);
}

/* Who says STOP after the booking gets no reminder, and who looks at the appointment sees that. */
static void who_wants_none_later_is_not_reminded(void **state)
{
    struct timed t = {.told = -1};
    char id[64], reminder[64];

    (void)state;
    up(&t, NULL, false);
    struct answer a = book(&t, 48 * HOUR_US, "");
    keep(id, &a, "id");
    keep(reminder, &a, "messages/1/id");
    assert_null(answer_str(&a, "messages/1/code"));
    gate_wait_status(&t.w.gate, answer_str(&a, "messages/0/id"), "read");
    answer_done(&a);
    sim_text(&t.w.sim, ana, "STOP", NULL);
    (void)process_wait_nth(t.w.gate.process, 2, "message.reported", "status=sent", NULL);
    timed_set(&t, 25 * HOUR_US);
    gate_wait_status(&t.w.gate, reminder, "suppressed");
    is(&t, id, "messages/1/status", "suppressed");
    is(&t, id, "status", "booked"); /* STOP is no answer */
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 2);
    timed_down(&t);
}

/* Killed behind the 201: it is there, and what was to be said is said once. */
static void a_kill_behind_the_booking_loses_nothing(void **state)
{
    struct timed t = {.told = -1};
    char id[64], code[64], confirmation[64], last[64];

    (void)state;
    up(&t, NULL, false);
    struct answer a = gate_post(&t.w.gate, "/v1/channels/wa/pause", "{}");
    answer_done(&a);
    a = book(&t, 48 * HOUR_US, "");
    keep(id, &a, "id");
    keep(code, &a, "code");
    keep(confirmation, &a, "messages/0/id");
    answer_done(&a);
    gate_kill(&t.w.gate);
    gate_check_store(&t.w.gate);
    gate_again(&t.w.gate);
    is(&t, code, "id", id);
    gate_queue_is(&t.w.gate, 2, 0);
    a = gate_post(&t.w.gate, "/v1/channels/wa/resume", "{}");
    answer_done(&a);
    gate_wait_status(&t.w.gate, confirmation, "read");
    tap(&t, "cancel");
    becomes(&t, id, "status", "canceled");
    gate_kill(&t.w.gate);
    gate_again(&t.w.gate);
    (void)process_wait_nth(t.w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    is(&t, id, "status", "canceled");
    gate_queue_is(&t.w.gate, 0, 0);
    gate_send_text(&t.w.gate, "+573004445566", "hola", last);
    gate_wait_status(&t.w.gate, last, "sent");
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 2);
    events_are(&t, "booked changed", "answer", "cancel");
    timed_down(&t);
}

static void a_word_that_fills_nothing_is_refused_with_its_place(void **state)
{
    struct timed t = {.told = -1};

    (void)state;
    up(&t, NULL, false);
    (void)snprintf(t.w.gate.extra, sizeof t.w.gate.extra,
                   "appointments:\n  template_parameters: when,plaza\n");
    gate_configure(&t.w.gate);
    struct answer a = gate_do(&t.w.gate, "POST", "/v1/config/reload", NULL);
    assert_int_equal(a.status, 422);
    assert_non_null(strstr(a.body, "appointments.template_parameters: \\\"plaza\\\" is none of when"));
    answer_done(&a);
    /* What is right is taken over without a restart. */
    (void)snprintf(t.w.gate.extra, sizeof t.w.gate.extra,
                   "appointments:\n  remind: 0s\n  confirmation_text: Te esperamos en {place}, {time}\n");
    gate_configure(&t.w.gate);
    a = gate_do(&t.w.gate, "POST", "/v1/config/reload", NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = book(&t, 48 * HOUR_US, "");
    assert_null(json_at(a.json, "messages/1"));
    answer_done(&a);
    a = sim_messages(&t.w.sim, 1);
    assert_non_null(
        strstr(answer_str(&a, "messages/0/body/interactive/body/text"), "Te esperamos en centro, "));
    answer_done(&a);
    timed_down(&t);
}

/* No channel, no address, too late: booked all the same, and told why nobody was. */
static void what_was_not_said_is_told(void **state)
{
    struct timed t = {.told = -1};

    (void)state;
    up(&t, NULL, false);
    struct answer a =
        gate_post(&t.w.gate, "/v1/appointments",
                  "{\"to\":{\"document\":\"CO:CC:1020304050\"},\"store\":\"centro\",\"starts_at\":"
                  "\"%s\"}",
                  at(2 * HOUR_US));
    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "messages/0/code"), "no_route");
    assert_string_equal(answer_str(&a, "messages/1/code"), "too_late");
    answer_done(&a);
    a = gate_post(
        &t.w.gate, "/v1/appointments",
        "{\"to\":{\"document\":\"CO:CC:1020304050\"},\"store\":\"centro\",\"starts_at\":\"%s\",\"channel\":"
        "\"wa\",\"remind_before\":[],\"subject\":\"Cita 2\"}",
        at(3 * HOUR_US));
    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "messages/0/code"), "no_address");
    assert_null(json_at(a.json, "messages/1"));
    answer_done(&a);
    timed_down(&t);
}

/* Where the window is closed a template confirms, and its buttons answer as ours do. */
static void a_template_stands_in_where_the_window_is_closed(void **state)
{
    struct timed t = {.told = -1};
    char id[64], confirmation[64], reminder[64];

    (void)state;
    up(&t,
       "appointments:\n  confirmation_template: cita\n  reminder_template: cita\n  template_parameters: "
       "\"when, place,code\"\n",
       true);
    struct answer a = book(&t, 48 * HOUR_US, "");
    keep(id, &a, "id");
    keep(confirmation, &a, "messages/0/id");
    keep(reminder, &a, "messages/1/id");
    assert_null(answer_str(&a, "messages/0/code"));
    assert_null(answer_str(&a, "messages/1/code"));
    answer_done(&a);
    gate_wait_status(&t.w.gate, confirmation, "read");
    a = sim_messages(&t.w.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/type"), "template");
    assert_string_equal(answer_str(&a, "messages/0/body/template/components/0/parameters/1/text"), "centro");
    char wamid[128];
    (void)snprintf(wamid, sizeof wamid, "%s", answer_str(&a, "messages/0/id"));
    answer_done(&a);
    /* A quick reply that was given no payload has its title as one. */
    sim_set(&t.w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"message\":{\"type\":\"button\",\"context\":{\"id\":\"%s\"},\"button\":{"
            "\"payload\":"
            "\"Confirmar\",\"text\":\"Confirmar\"}}}",
            ana, wamid);
    becomes(&t, id, "status", "confirmed");
    /* She has written: now our own words go. The reminder stays a template. */
    a = book(&t, 49 * HOUR_US, ",\"remind_before\":[]");
    answer_done(&a);
    a = sim_messages(&t.w.sim, 2);
    assert_string_equal(answer_str(&a, "messages/1/type"), "interactive");
    answer_done(&a);
    timed_set(&t, 25 * HOUR_US);
    gate_wait_status(&t.w.gate, reminder, "read");
    a = sim_messages(&t.w.sim, 3);
    assert_string_equal(answer_str(&a, "messages/2/type"), "template");
    answer_done(&a);
    timed_down(&t);
}

static void without_a_template_the_closed_window_is_told(void **state)
{
    struct timed t = {.told = -1};

    (void)state;
    up(&t, NULL, true);
    struct answer a = book(&t, 48 * HOUR_US, "");
    assert_string_equal(answer_str(&a, "messages/0/code"), "window_closed");
    assert_non_null(strstr(answer_str(&a, "messages/0/detail"), "cita (es)"));
    assert_string_equal(answer_str(&a, "messages/1/code"), "needs_window");
    answer_done(&a);
    /* Or whoever books brings one. */
    a = book(&t, 48 * HOUR_US,
             ",\"confirmation\":{\"type\":\"template\",\"name\":\"cita\",\"language\":\"es\",\"parameters\":{"
             "\"body\":"
             "[\"a\",\"b\",\"c\"]}},\"remind_before\":[]");
    assert_null(answer_str(&a, "messages/0/code"));
    answer_done(&a);
    timed_down(&t);
}

/* Where a channel has no buttons the choice is numbers, and a number is the same answer. */
static void a_number_by_sms_answers(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    struct answer a = gate_post(&s.w.gate, "/v1/appointments",
                                "{\"to\":{\"phone\":\"+%s\"},\"store\":\"centro\",\"starts_at\":\"%s\"}", ana,
                                at(48 * HOUR_US));
    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    answer_done(&a);
    a = sms_submits(&s, 1);
    assert_non_null(strstr(answer_str(&a, "submits/0/text"), "3 para Cancelar"));
    answer_done(&a);
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"to\":\"890123\",\"text\":\"1\"}", ana);
    a = sim_get(&s.w.sim, "/_sim/deliveries?min_acked=1&wait_ms=%d", DEADLINE_S * 1000);
    answer_done(&a);
    a = gate_get(&s.w.gate, "/v1/appointments/%s", id);
    assert_string_equal(answer_str(&a, "status"), "confirmed"); /* before the SMSC was acknowledged */
    answer_done(&a);
    sms_down(&s);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void requests_are_refused_in_words(void **state)
{
    struct timed t = {.told = -1};
    static const char path[] = "/v1/appointments";
    char id[64], code[64], one[256], body[512], etag[64];

    (void)state;
    up(&t, NULL, false);
#define TO "\"to\":{\"phone\":\"+573001112233\"},\"store\":\"centro\""
    gate_expect(&t.w.gate, 422, "missing_field", "/starts_at", "POST", path, "{" TO "}");
    gate_expect(&t.w.gate, 422, "invalid_appointment", "/starts_at", "POST", path,
                "{" TO ",\"starts_at\":\"2020-01-01T00:00:00Z\"}");
    gate_expect(&t.w.gate, 422, "invalid_appointment", "/starts_at", "POST", path,
                "{" TO ",\"starts_at\":\"2090-01-01T00:00:00Z\"}");
    (void)snprintf(body, sizeof body, "{" TO ",\"starts_at\":\"%s\",\"ends_at\":\"%s\"}", at(2 * HOUR_US),
                   at(HOUR_US));
    gate_expect(&t.w.gate, 422, "invalid_appointment", "/ends_at", "POST", path, body);
    (void)snprintf(body, sizeof body, "{" TO ",\"starts_at\":\"%s\",\"time_zone\":\"America/Macondo\"}",
                   at(HOUR_US));
    gate_expect(&t.w.gate, 422, "invalid_appointment", "/time_zone", "POST", path, body);
    (void)snprintf(body, sizeof body, "{" TO ",\"starts_at\":\"%s\",\"channel\":\"fax\"}", at(HOUR_US));
    gate_expect(&t.w.gate, 422, "unknown_channel", "/channel", "POST", path, body);
    (void)snprintf(body, sizeof body, "{" TO ",\"starts_at\":\"%s\",\"remind_before\":[\"a day\"]}",
                   at(HOUR_US));
    gate_expect(&t.w.gate, 422, "invalid_field", "/remind_before", "POST", path, body);
    (void)snprintf(body, sizeof body, "{\"store\":\"centro\",\"starts_at\":\"%s\"}", at(HOUR_US));
    gate_expect(&t.w.gate, 422, "invalid_field", "", "POST", path, body);
    (void)snprintf(body, sizeof body,
                   "{" TO ",\"starts_at\":\"%s\",\"reminder\":{\"type\":\"text\",\"txt\":\"x\"}}",
                   at(HOUR_US));
    gate_expect(&t.w.gate, 422, "invalid_content", "/reminder/txt", "POST", path, body);
    gate_expect(&t.w.gate, 404, "unknown_appointment", NULL, "GET", "/v1/appointments/K7QM2P", NULL);

    /* The same answer when its key comes again, and one appointment. */
    (void)snprintf(one, sizeof one, "{" TO ",\"starts_at\":\"%s\",\"ends_at\":\"%s\"}", at(48 * HOUR_US),
                   at(49 * HOUR_US));
    struct answer a = gate_with(&t.w.gate, "POST", path, one, "Idempotency-Key: apt-1");
    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    keep(code, &a, "code");
    char *first = strdup(a.body);
    answer_done(&a);
    a = gate_with(&t.w.gate, "POST", path, one, "Idempotency-Key: apt-1");
    assert_int_equal(a.status, 201);
    assert_string_equal(a.body, first);
    free(first);
    answer_done(&a);

    a = gate_get(&t.w.gate, "/v1/appointments/%.3s-%s", code, code + 3);
    assert_string_equal(answer_str(&a, "id"), id);
    (void)snprintf(etag, sizeof etag, "If-Match: \"%.0f\"", answer_num(&a, "version"));
    answer_done(&a);
    char at_id[128];
    (void)snprintf(at_id, sizeof at_id, "%s/%s", path, id);
    a = gate_with(&t.w.gate, "PATCH", at_id, "{\"status\":\"confirmed\"}", etag);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = gate_with(&t.w.gate, "PATCH", at_id, "{\"status\":\"no_show\"}", etag);
    answer_is(&a, 412, "stale", NULL);
    answer_done(&a);
    gate_expect(&t.w.gate, 422, "invalid_appointment", "/status", "PATCH", at_id,
                "{\"status\":\"checked_in\"}");
    gate_expect(&t.w.gate, 422, "invalid_field", "/status", "PATCH", at_id, "{\"status\":\"gone\"}");

    /* Late, after all: and its code is hers again. */
    a = patch(&t, id, "{\"status\":\"no_show\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    gate_expect(&t.w.gate, 409, "appointment_closed", NULL, "PATCH", at_id, "{\"subject\":\"x\"}");
    a = checkin(&t, code, "{}");
    answer_is(&a, 404, "unknown_appointment", NULL);
    answer_done(&a);
    a = checkin(&t, id, "{}");
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "code"), code);
    answer_done(&a);
    gate_expect(&t.w.gate, 409, "checked_in", "/status", "PATCH", at_id, "{\"status\":\"no_show\"}");
    timed_down(&t);
}

static void lists_are_by_customer_store_and_time(void **state)
{
    struct timed t = {.told = -1};
    char customer[64], cursor[256];
    unsigned n = 0;

    (void)state;
    up(&t, "appointments:\n  remind: 0s\n", false);
    for (unsigned i = 0; i < 7; i++) {
        struct answer a = gate_post(
            &t.w.gate, "/v1/appointments",
            "{\"to\":{\"phone\":\"+57300111223%u\"},\"store\":\"%s\",\"starts_at\":\"%s\",\"confirm\":"
            "false}",
            i % 2, i % 3 ? "centro" : "norte", at((10 - (int64_t)i) * HOUR_US));
        assert_int_equal(a.status, 201);
        assert_null(json_at(a.json, "messages/0"));
        keep(customer, &a, "customer");
        answer_done(&a);
    }
    struct answer a = gate_get(&t.w.gate, "/v1/appointments?customer=%s", customer);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "appointments")), 4);
    assert_true(
        strcmp(answer_str(&a, "appointments/0/starts_at"), answer_str(&a, "appointments/1/starts_at")) < 0);
    answer_done(&a);
    a = gate_get(&t.w.gate, "/v1/appointments?store=norte&customer=%s", customer);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "appointments")), 2);
    answer_done(&a);
    a = gate_get(&t.w.gate, "/v1/appointments?from=%s&to=%s", at(5 * HOUR_US - MINUTE_US),
                 at(8 * HOUR_US - MINUTE_US));
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "appointments")), 3);
    answer_done(&a);
    a = gate_get(&t.w.gate, "/v1/appointments?status=canceled");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "appointments")), 0);
    answer_done(&a);
    cursor[0] = '\0';
    do {
        a = *cursor ? gate_get(&t.w.gate, "/v1/appointments?store=centro&limit=2&cursor=%s", cursor)
                    : gate_get(&t.w.gate, "/v1/appointments?store=centro&limit=2");
        assert_int_equal(a.status, 200);
        n += (unsigned)cJSON_GetArraySize(json_at(a.json, "appointments"));
        (void)snprintf(cursor, sizeof cursor, "%s", answer_str(&a, "next"));
        answer_done(&a);
    } while (*cursor);
    assert_int_equal(n, 4);
    a = gate_get(&t.w.gate, "/v1/appointments?from=today");
    answer_is(&a, 400, "invalid_parameter", NULL);
    answer_done(&a);
    timed_down(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(she_confirms_is_reminded_and_comes),
        cmocka_unit_test(moved_and_canceled_reminders_go_with_it),
        cmocka_unit_test(who_wants_none_gets_none),
        cmocka_unit_test(who_wants_none_later_is_not_reminded),
        cmocka_unit_test(a_kill_behind_the_booking_loses_nothing),
        cmocka_unit_test(a_word_that_fills_nothing_is_refused_with_its_place),
        cmocka_unit_test(what_was_not_said_is_told),
        cmocka_unit_test(a_template_stands_in_where_the_window_is_closed),
        cmocka_unit_test(without_a_template_the_closed_window_is_told),
        cmocka_unit_test(a_number_by_sms_answers),
        cmocka_unit_test(requests_are_refused_in_words),
        cmocka_unit_test(lists_are_by_customer_store_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
