/*
 * The SMS channel's link to its SMSC, through the daemon: how it binds, what it makes of refusals, cuts,
 * silence and throttling, and that idle costs nothing.
 */
#include "sms.h"
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char to[] = "+573001112233", phone[] = "573001112233";

static void state_says(struct sms_world *s, const char *state, const char *words)
{
    (void)process_wait_nth(s->w.gate.process, 1, "channel.state", "channel=wa", state, words, NULL);
}

/* What it was sent as, how often. */
static unsigned submitted(struct sms_world *s, const char *text, bool accepted)
{
    struct answer a = sim_get(&s->w.sim, "/_sim/submits");
    const cJSON *one;
    unsigned n = 0;

    cJSON_ArrayForEach(one, json_at(a.json, "submits"))
    {
        n += !strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(one, "text")), text) &&
             (!accepted || cJSON_IsTrue(cJSON_GetObjectItem(one, "accepted")));
    }
    answer_done(&a);
    return n;
}

/* ---- binding ---- */

static void it_binds_both_ways_and_as_often_as_it_is_told(void **state)
{
    struct sms_world s = {0};
    unsigned tx = 0, rx = 0;
    char id[64];
    const cJSON *one;

    (void)state;
    sms_up(&s, "    bind: transmitter_receiver\n    binds: 2\n", NULL, true);
    sms_binds(&s, 4);
    struct answer a = sim_get(&s.w.sim, "/_sim/sessions");
    cJSON_ArrayForEach(one, json_at(a.json, "sessions"))
    {
        tx += !strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(one, "mode")), "tx");
        rx += !strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(one, "mode")), "rx");
    }
    answer_done(&a);
    assert_int_equal(tx, 2);
    assert_int_equal(rx, 2);
    sms_send(&s, to, "hola", "", id);
    gate_wait_status(&s.w.gate, id, "delivered"); /* out by one, its receipt in by another */
    sms_down(&s);
}

static void a_refused_bind_is_told_in_words(void **state)
{
    static const struct {
        unsigned status;
        const char *state, *words;
    } refusals[] = {{0x0e, "state=stopped", "password"},
                    {0x0f, "state=stopped", "system_id"},
                    {0x05, "state=down", "already bound"},
                    {0x0d, "state=down", "refused to bind"}};

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct sms_world s = {0};
        print_message("0x%02x\n", refusals[i].status);
        sms_up(&s, NULL, "{\"accounts\":[]}", false); /* nobody is let in before the fault is set */
        sms_faults(&s, "");
        char fault[96];
        (void)snprintf(fault, sizeof fault, "{\"on\":\"bind\",\"do\":\"status\",\"status\":%u,\"count\":-1}",
                       refusals[i].status);
        sms_faults(&s, fault);
        gate_stop(&s.w.gate);
        gate_again(&s.w.gate);
        state_says(&s, refusals[i].state, refusals[i].words);
        sms_down(&s);
    }
}

static void an_operator_corrects_the_password_and_reloads(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, "    password: wrong\n", NULL, false);
    state_says(&s, "state=stopped", "password");
    sms_configure(&s, "    password: secret\n");
    process_signal(s.w.gate.process, SIGHUP);
    sms_binds(&s, 1);
    struct answer a = gate_post(&s.w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    sms_send(&s, to, "hola", "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    assert_false(process_saw(s.w.gate.process, "secret"));
    sms_down(&s);
}

static void a_reload_with_another_window_binds_anew_and_loses_nothing(void **state)
{
    struct sms_world s = {0};
    char id[64], waits[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sms_faults(&s, "{\"do\":\"hold\"}");
    sms_send(&s, to, "espera", "", waits);
    struct answer a = sms_submits(&s, 1);
    answer_done(&a);
    sms_configure(&s, "    window_size: 3\n");
    process_signal(s.w.gate.process, SIGHUP);
    (void)process_wait_nth(s.w.gate.process, 1, "config.reloaded", NULL);
    sim_set(&s.w.sim, "/_sim/faults", "{\"release\":true}");
    gate_wait_status(&s.w.gate, waits, "sent");
    sms_binds(&s, 2);
    sms_send(&s, to, "hola", "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    assert_int_equal(submitted(&s, "espera", false), 1);
    sms_down(&s);
}

static void tls_is_checked(void **state)
{
    struct sms_world s = {0};
    char lines[256], id[64];

    (void)state;
    /* Its certificate is nobody's that we know: not even the password is sent. */
    sms_up(&s, "    tls: true\n", NULL, false);
    state_says(&s, "state=down", "certificate");
    assert_int_equal(sim_count(&s.w.sim, "binds") + sim_count(&s.w.sim, "binds_refused"), 0);
    (void)snprintf(lines, sizeof lines, "    tls: true\n    tls_ca: file:%s/smsc.pem\n", s.w.scratch.dir);
    sms_configure(&s, lines);
    process_signal(s.w.gate.process, SIGHUP);
    sms_binds(&s, 1);
    sms_send(&s, to, "en secreto", "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    struct answer a = sim_get(&s.w.sim, "/_sim/sessions");
    assert_true(cJSON_IsTrue(json_at(a.json, "sessions/0/tls")));
    answer_done(&a);
    sms_down(&s);
}

/* ---- cuts ---- */

static void cut(const char *fault, const char *wants, unsigned times)
{
    struct sms_world s = {0};
    char before[64], id[64], after[64];

    print_message("%s\n", fault);
    sms_up(&s, NULL, NULL, true);
    sms_send(&s, to, "antes", "", before);
    gate_wait_status(&s.w.gate, before, "delivered");
    sms_faults(&s, fault);
    sms_send(&s, to, "durante", "", id);
    gate_wait_status(&s.w.gate, id, wants);
    sms_faults(&s, "");
    sms_binds(&s, 2);
    sms_send(&s, "+573009998877", "despues", "", after);
    gate_wait_status(&s.w.gate, after, "delivered");
    assert_int_equal(submitted(&s, "durante", true), times);
    assert_string_equal(gate_status(&s.w.gate, id), wants);
    sms_down(&s);
}

static void cut_before_its_response_a_message_is_in_doubt_and_never_sent_again(void **state)
{
    (void)state;
    cut("{\"do\":\"drop\"}", "in_doubt", 1);
    cut("{\"do\":\"reset\"}", "in_doubt", 1);
    cut("{\"do\":\"garbage\"}", "in_doubt", 1);
    cut("{\"do\":\"overlong\"}", "in_doubt", 1);
    cut("{\"do\":\"short\"}", "in_doubt", 1);
    cut("{\"do\":\"drop_before\"}", "in_doubt", 0); /* nobody can tell it from the first */
}

static void without_a_response_in_time_it_is_in_doubt_until_a_late_one(void **state)
{
    struct sms_world s = {0};
    char id[64], other[64];

    (void)state;
    sms_up(&s, "    response_timeout: 200ms\n", "{\"receipts\":{\"states\":[]}}", true);
    sms_faults(&s, "{\"do\":\"hold\"}");
    sms_send(&s, to, "tarde", "", id);
    gate_wait_status(&s.w.gate, id, "in_doubt");
    sms_send(&s, "+573009998877", "otro", "", other);
    gate_wait_status(&s.w.gate, other, "sent");
    sim_set(&s.w.sim, "/_sim/faults", "{\"release\":true}");
    gate_wait_status(&s.w.gate, id, "sent");
    assert_int_equal(submitted(&s, "tarde", false), 1);
    sms_down(&s);
}

static void a_closed_port_is_tried_again(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sim_set(&s.w.sim, "/_sim/listen", "{\"on\":false}");
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"drop\"}");
    state_says(&s, "state=down", "closed the connection");
    sms_send(&s, to, "cuando vuelva", "", id);
    sim_set(&s.w.sim, "/_sim/listen", "{\"on\":true}");
    sms_binds(&s, 2);
    gate_wait_status(&s.w.gate, id, "delivered");
    assert_int_equal(submitted(&s, "cuando vuelva", false), 1);
    sms_down(&s);
}

static void whatever_the_smsc_asks_is_answered(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, "{\"seq_start\":2147483646}", true);
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"enquire_link\"}");
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"enquire_link\"}");
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"outbind\"}");
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"alert\"}");
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"split\"}"); /* from here on, octet by octet */
    sms_send(&s, to, "octeto a octeto", "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    assert_int_equal(sim_count(&s.w.sim, "enquire_link_answers"), 2);
    assert_int_equal(sim_count(&s.w.sim, "binds"), 1);
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"unbind\"}");
    sms_binds(&s, 2);
    sms_send(&s, to, "otra vez", "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"overlong\"}");
    sms_binds(&s, 3);
    sms_down(&s);
}

static void a_dead_link_is_noticed(void **state)
{
    struct sms_world s = {0};

    (void)state;
    sms_up(&s, "    enquire_link: 1s\n", NULL, true);
    struct answer a = sim_get(&s.w.sim, "/_sim/counts");
    answer_done(&a);
    sim_set(&s.w.sim, "/_sim/do", "{\"do\":\"deaf\"}");
    state_says(&s, "state=down", "no longer answers enquire_link");
    sms_binds(&s, 2);
    sms_down(&s);
}

/* ---- limits ---- */

static void the_window_is_never_exceeded(void **state)
{
    struct sms_world s = {0};
    char number[32], id[64];

    (void)state;
    sms_up(&s, "    window_size: 4\n", "{\"window\":4,\"receipts\":{\"states\":[]}}", true);
    sms_faults(&s, "{\"do\":\"hold\",\"count\":4}");
    for (unsigned i = 0; i < 60; i++) {
        (void)snprintf(number, sizeof number, "+57300111%04u", i);
        sms_send(&s, number, i % 5 ? "uno" : "uno \xf0\x9f\x98\x80", "", id);
    }
    struct answer a = sms_submits(&s, 4);
    answer_done(&a);
    a = sim_get(&s.w.sim, "/_sim/sessions");
    assert_int_equal(answer_num(&a, "sessions/0/outstanding"), 4); /* full, and no more */
    answer_done(&a);
    sim_set(&s.w.sim, "/_sim/faults", "{\"release\":true}");
    a = sms_submits(&s, 60);
    answer_done(&a);
    a = sim_get(&s.w.sim, "/_sim/sessions");
    assert_int_equal(answer_num(&a, "sessions/0/outstanding_max"), 4);
    answer_done(&a);
    assert_int_equal(sim_count(&s.w.sim, "window_exceeded"), 0);
    gate_wait_status(&s.w.gate, id, "sent");
    sms_down(&s);
}

static void throttled(const char *fault)
{
    struct sms_world s = {0};
    char id[64], other[64];

    print_message("%s\n", fault);
    sms_up(&s, NULL, NULL, true);
    sms_faults(&s, fault);
    sms_send(&s, to, "despacio", "", id);
    sms_send(&s, "+573009998877", "detras", "", other);
    gate_wait_status(&s.w.gate, id, "delivered");
    gate_wait_status(&s.w.gate, other, "delivered");
    assert_int_equal(submitted(&s, "despacio", true), 1);
    assert_int_equal(submitted(&s, "detras", true), 1);
    sms_message_number(&s, id, "attempts", 1); /* waiting is no attempt */
    sms_down(&s);
}

static void throttled_it_slows_down_and_recovers(void **state)
{
    (void)state;
    throttled("{\"do\":\"status\",\"status\":88}");
    throttled("{\"do\":\"status\",\"status\":20}");
}

static void refused_for_good_it_has_failed_and_says_why(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sms_faults(&s, "{\"do\":\"status\",\"status\":11}");
    sms_send(&s, to, "a nadie", "", id);
    gate_wait_status(&s.w.gate, id, "failed");
    sms_message_is(&s, id, "reason", "invalid_recipient");
    sms_message_is(&s, id, "provider_code", "0x0b");
    assert_int_equal(submitted(&s, "a nadie", false), 1);
    sms_down(&s);
}

static void a_message_is_acknowledged_only_when_it_is_stored(void **state)
{
    struct sms_world s = {0};

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sms_faults(&s, "{\"on\":\"deliver_sm_resp\",\"do\":\"drop\"}");
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"text\":\"una vez\"}", phone);
    sms_binds(&s, 2); /* the answer was lost with the link, and it comes again */
    sim_quiet(&s.w.sim);
    struct answer a = sim_get(&s.w.sim, "/_sim/deliveries");
    assert_int_equal(answer_num(&a, "deliveries/0/attempts"), 2);
    assert_string_equal(answer_str(&a, "deliveries/0/state"), "acked");
    answer_done(&a);
    assert_string_equal(sms_came(&s, 1), "una vez");
    assert_int_equal(process_count(s.w.gate.process, "message.received"), 1);
    sms_down(&s);
}

/* ---- idle ---- */

enum { WINDOW_MS = 2500, SETTLE_MS = 700, SETTLE_TRIES = 120 };

static unsigned long long switches(pid_t pid)
{
    char path[64], line[256];
    unsigned long long sum = 0, n;
    struct dirent *entry;
    DIR *d;

    (void)snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    d = opendir(path);
    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%ld/task/%.16s/status", (long)pid, entry->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            continue; /* it ended in between */
        while (fgets(line, sizeof line, f))
            if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1)
                sum += n;
        (void)fclose(f);
    }
    (void)closedir(d);
    return sum;
}

/* Time is what is measured here: an absence has no event to wait for. */
static void an_open_bind_sleeps_between_enquire_links(void **state)
{
    struct sms_world s = {0};
    unsigned tries = 0;
    char id[64];

    (void)state;
    sms_up(&s, "    enquire_link: 10m\n", NULL, true);
    sms_send(&s, to, "hola", "", id);
    gate_wait_status(&s.w.gate, id, "delivered");
    sim_quiet(&s.w.sim);
    pid_t pid = process_pid(s.w.gate.process);
    unsigned long long before, after = switches(pid);
    do {
        before = after;
        (void)poll(NULL, 0, SETTLE_MS);
        after = switches(pid);
    } while (after != before && ++tries < SETTLE_TRIES);
    before = after;
    (void)poll(NULL, 0, WINDOW_MS);
    after = switches(pid);
    if (after != before)
        print_message("%llu context switches in %d ms\n", after - before, WINDOW_MS);
    assert_true(after == before);
    sms_down(&s);
}

/* ---- STOP ---- */

/* The centre has some of a burst and holds the next when the customer writes STOP: nothing more is
 * submitted but the confirmation. */
static void a_stop_in_the_middle_of_a_burst(void **state)
{
    enum { BEFORE = 3, BURST = 12 };
    struct sms_world s = {0};
    char id[BURST][64], texts[BURST][16];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    for (unsigned i = 0; i < BURST; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "rebajas %u", i);
        if (i == BEFORE)
            sms_faults(&s, "{\"do\":\"hold\"}");
        sms_send(&s, to, texts[i], ",\"category\":\"promotional\"", id[i]);
        if (i < BEFORE)
            gate_wait_status(&s.w.gate, id[i], "sent");
    }
    struct answer a = sms_submits(&s, BEFORE + 1);
    answer_done(&a);
    sim_set(&s.w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"to\":\"890123\",\"text\":\"STOP\"}", to + 1);
    (void)process_wait_nth(s.w.gate.process, 1, "message.received", NULL);
    sim_set(&s.w.sim, "/_sim/faults", "{\"release\":true}");
    gate_wait_status(&s.w.gate, id[BEFORE], "sent");
    a = sms_submits(&s, BEFORE + 2); /* the confirmation */
    answer_done(&a);
    while (strcmp(gate_status(&s.w.gate, id[BURST - 1]), "accepted") == 0)
        ; /* it is suppressed as its turn comes */
    for (unsigned i = 0; i < BURST; i++) {
        assert_int_equal(submitted(&s, texts[i], false), i <= BEFORE);
        if (i > BEFORE)
            assert_string_equal(gate_status(&s.w.gate, id[i]), "suppressed");
    }
    a = sms_submits(&s, BEFORE + 2);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "submits")), BEFORE + 2);
    answer_done(&a);
    gate_queue_is(&s.w.gate, 0, 0);
    sms_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_binds_both_ways_and_as_often_as_it_is_told),
        cmocka_unit_test(a_refused_bind_is_told_in_words),
        cmocka_unit_test(an_operator_corrects_the_password_and_reloads),
        cmocka_unit_test(a_reload_with_another_window_binds_anew_and_loses_nothing),
        cmocka_unit_test(tls_is_checked),
        cmocka_unit_test(cut_before_its_response_a_message_is_in_doubt_and_never_sent_again),
        cmocka_unit_test(without_a_response_in_time_it_is_in_doubt_until_a_late_one),
        cmocka_unit_test(a_closed_port_is_tried_again),
        cmocka_unit_test(whatever_the_smsc_asks_is_answered),
        cmocka_unit_test(a_dead_link_is_noticed),
        cmocka_unit_test(the_window_is_never_exceeded),
        cmocka_unit_test(throttled_it_slows_down_and_recovers),
        cmocka_unit_test(refused_for_good_it_has_failed_and_says_why),
        cmocka_unit_test(a_message_is_acknowledged_only_when_it_is_stored),
        cmocka_unit_test(an_open_bind_sleeps_between_enquire_links),
        cmocka_unit_test(a_stop_in_the_middle_of_a_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
