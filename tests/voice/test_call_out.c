/* Whom the shop calls: answered, engaged, not at home; what was said is what was sent, and what was pressed
 * is an answer. */
#include "rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";
static const char choices[] =
    "{\"type\":\"choices\",\"text\":\"¿Prefiere cambio o devolución?\",\"choices\":["
    "{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\",\"title\":\"Devolución\"}]}";

static void status_is(struct rig *r, const char *id, const char *status, const char *reason)
{
    struct answer a = gate_get(&r->gate, "/v1/messages/%s", id);

    if (strcmp(answer_str(&a, "status"), status))
        print_message("%s\n", a.body);
    assert_string_equal(answer_str(&a, "status"), status);
    if (reason)
        assert_non_null(strstr(a.body, reason));
    answer_done(&a);
}

static void up(struct rig *r, int proxy, const char *more)
{
    char lines[1024];

    (void)snprintf(lines, sizeof lines,
                   "    trunk: 127.0.0.1\n    proxy: \"sip:127.0.0.1:%d;lr\"\n    domain: 127.0.0.1\n    "
                   "user: tienda\n%s",
                   proxy, more);
    rig_up(r, lines);
}

/* sipp is the telephone: A-law, another payload type for keys; 1 is pressed. */
static void she_presses_one(void **state)
{
    struct sound said, heard;
    struct sipp phone;
    struct scratch s;
    struct rig r;
    char id[64];
    double score;
    cJSON *reply;

    (void)state;
    scratch_init(&s);
    sipp_serve(&phone, &s, "answer_press_1", NULL);
    up(&r, phone.port, "    out_machine: speak\n");
    rig_port(&r, phone.port);
    rig_send(&r, ana, choices, id);
    gate_wait_status(&r.gate, id, "sent");
    gate_wait_status(&r.gate, id, "delivered");
    reply = rig_event(&r, "hilo.message.received", "choice_reply");
    assert_string_equal(json_at(reply, "content/choice")->valuestring, "exchange");
    assert_string_equal(json_at(reply, "reply_to")->valuestring, id);
    gate_wait_status(&r.gate, id, "read");
    sipp_done(&phone);
    cJSON_Delete(reply);
    reply = rig_event(&r, "hilo.call.ended", NULL);
    assert_string_equal(json_at(reply, "direction")->valuestring, "outbound");
    cJSON_Delete(reply);
    said = rig_say(&r, "¿Prefiere cambio o devolución?");
    heard = capture_heard(r.pcap, phone.media);
    assert_true(sound_find(&heard, &said, 0, &score, NULL) >= 0);
    sound_done(&said);
    sound_done(&heard);
    rig_down(&r, 6, 200);
    scratch_done(&s);
}

/* baresip is the telephone: what it hears is what was sent. */
static void she_hears_what_was_sent(void **state)
{
    static const char text[] = "Su televisor nuevo ya está en la tienda. Puede recogerlo cuando quiera.";
    struct sound said;
    struct phone p;
    struct scratch s;
    struct rig r;
    char id[64];

    (void)state;
    scratch_init(&s);
    phone_up(&p, &s, &(struct phone_conf){.user = ana, .answer = "manual"});
    up(&r, p.sip, "");
    rig_port(&r, p.sip);
    said = rig_say(&r, text);
    rig_send(&r, ana,
             "{\"type\":\"text\",\"text\":\"Su televisor nuevo ya está en la tienda. Puede recogerlo cuando "
             "quiera.\"}",
             id);
    (void)phone_event(&p, "CALL_INCOMING");
    gate_wait_status(&r.gate, id, "sent");
    phone_answer(&p);
    (void)phone_event(&p, "CALL_ESTABLISHED");
    gate_wait_status(&r.gate, id, "delivered");
    (void)phone_hears(&p, &said);
    gate_wait_status(&r.gate, id, "read");
    (void)phone_event(&p, "CALL_CLOSED");
    phone_down(&p);
    rig_down(&r, 6, 100);
    scratch_done(&s);
    sound_done(&said);
}

static void an_engaged_line_is_tried_again(void **state)
{
    struct sipp phone;
    struct scratch s;
    struct rig r;
    char id[64];

    (void)state;
    scratch_init(&s);
    sipp_serve(&phone, &s, "busy_then_answer", (const char *const[]){"-m", "2", NULL});
    up(&r, phone.port, "    out_machine: speak\n    out_busy_retry: 1s\n    out_attempts: 3\n");
    rig_port(&r, phone.port);
    rig_send(&r, ana, "{\"type\":\"text\",\"text\":\"Su cambio está listo.\"}", id);
    gate_wait_status(&r.gate, id, "read");
    sipp_done(&phone);
    assert_int_equal(capture_count(r.pcap, r.ports, "sip.Method == \"INVITE\" && !sip.to.tag"), 2);
    rig_down(&r, 8, 50);
    scratch_done(&s);
}

static void who_never_answers_is_given_up(void **state)
{
    struct sipp phone;
    struct scratch s;
    struct rig r;
    char id[64];

    (void)state;
    scratch_init(&s);
    sipp_serve(&phone, &s, "no_answer", (const char *const[]){"-m", "2", NULL});
    up(&r, phone.port, "    out_ring: 5s\n    out_no_answer_retry: 1s\n    out_attempts: 2\n");
    rig_port(&r, phone.port);
    rig_send(&r, ana, "{\"type\":\"text\",\"text\":\"Su cambio está listo.\"}", id);
    gate_wait_status(&r.gate, id, "failed");
    sipp_done(&phone);
    status_is(&r, id, "failed", "no_answer");
    rig_down(&r, 10, 0);
    scratch_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(she_presses_one),
        cmocka_unit_test(she_hears_what_was_sent),
        cmocka_unit_test(an_engaged_line_is_tried_again),
        cmocka_unit_test(who_never_answers_is_given_up),
    };

    lab_network();
    cmocka_set_test_filter(getenv("HILO_TEST")); /* NULL: all */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
