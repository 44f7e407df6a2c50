/*
 * The SMS channel against the simulated SMSC, from outside: a text, its receipts and answers; TLS; what
 * becomes of messages when the link breaks, the SMSC is away or has enough, and of the channel when
 * it is not let in.
 */
#include "harness.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

struct rig {
    struct scratch scratch;
    struct sim smsc;
    int smpp, tls;
    struct gate gate;
    char lines[1024];
};

static void smsc_start(struct rig *r, const char *tls_name)
{
    char bin[256];
    const char *argv[] = {bin,     "--port",       "0",          "--smpp", "0",
                          "--tls", r->scratch.dir, "--tls-name", tls_name, NULL};
    const char *line;

    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-smsc", harness_build());
    r->smsc.process = process_start(argv);
    line = process_wait_line(r->smsc.process, "ready port=", NULL);
    r->smsc.port = atoi(strstr(line, "port=") + 5);
    r->smpp = atoi(strstr(line, "smpp=") + 5);
    r->tls = atoi(strstr(line, "tls=") + 4);
    (void)snprintf(r->smsc.url, sizeof r->smsc.url, "http://127.0.0.1:%d", r->smsc.port);
}

/* more: lines of the channel; port and password of the simulator unless it has its own. Waits until the
 * gateway is ready. */
static void up(struct rig *r, const char *more)
{
    char port[32];

    (void)snprintf(port, sizeof port, "    port: %d\n", r->smpp);
    (void)snprintf(
        r->lines, sizeof r->lines, "    host: 127.0.0.1\n    system_id: hilo\n    sender: \"890\"\n%s%s%s",
        strstr(more, "password:") ? "" : "    password: secret\n", strstr(more, "port:") ? "" : port, more);
    r->gate.type = "sms";
    r->gate.channel = r->lines;
    gate_start(&r->gate, &r->scratch, NULL);
}

static void bound(struct rig *r)
{
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "text=\"bound\"", NULL);
}

static unsigned count(struct rig *r, const char *name)
{
    return sim_count(&r->smsc, name);
}

static unsigned length(const struct answer *a, const char *list)
{
    return (unsigned)cJSON_GetArraySize(json_at(a->json, list));
}

/* The SMSC's own checks of all that was sent to it found nothing. */
static void down(struct rig *r)
{
    if (r->gate.process)
        gate_stop(&r->gate);
    assert_int_equal(count(r, "violations"), 0);
    gate_check_store(&r->gate);
    process_free(&r->gate.process);
    sim_stop(&r->smsc);
    scratch_done(&r->scratch);
}

static struct rig *rig(void)
{
    static struct rig r;

    memset(&r, 0, sizeof r);
    scratch_init(&r.scratch);
    smsc_start(&r, "127.0.0.1");
    return &r;
}

static const char long_text[] =
    "Uno, dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, once, doce, trece, catorce, quince, "
    "dieciseis, "
    "diecisiete, dieciocho, diecinueve, veinte, veintiuno, veintidos, veintitres, veinticuatro.";

static void there_and_back(struct rig *r)
{
    char id[64], second[64];
    struct answer a;

    gate_send_text(&r->gate, ana, "Hola, tu pedido va en camino", id);
    gate_wait_status(&r->gate, id, "delivered");
    gate_send_text(&r->gate, ana, long_text, second);
    gate_wait_status(&r->gate, second, "delivered");
    a = sim_get(&r->smsc, "/_sim/submits?since=0&min=3&wait_ms=5000");
    assert_int_equal(length(&a, "submits"), 3);
    assert_string_equal(answer_str(&a, "submits/0/destination"), "573001112233");
    assert_string_equal(answer_str(&a, "submits/0/text"), "Hola, tu pedido va en camino");
    assert_int_equal((int)answer_num(&a, "submits/1/concat/total"), 2);
    answer_done(&a);

    sim_set(&r->smsc, "/_sim/inbound",
            "{\"from\":\"573001112233\",\"to\":\"890\",\"text\":\"¿Y cuándo llega? ñ€\"}");
    (void)process_wait_nth(r->gate.process, 1, "message.received", NULL);
    a = sim_get(&r->smsc, "/_sim/deliveries?min_acked=1&min_done=4&wait_ms=5000");
    answer_done(&a);
    a = gate_do(&r->gate, "POST", "/v1/customers/search", "{\"phone\":\"+573001112233\"}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static void a_text_its_receipts_and_an_answer(void **state)
{
    struct rig *r = rig();

    (void)state;
    up(r, "");
    bound(r);
    there_and_back(r);
    gate_stop(&r->gate);
    assert_int_equal(count(r, "unbinds"), 1);
    assert_int_equal(count(r, "pending"), 0);
    down(r);
}

static void a_connection_for_each_direction_and_several_of_them(void **state)
{
    struct rig *r = rig();

    (void)state;
    up(r, "    bind: transmitter_receiver\n    binds: 2\n");
    bound(r);
    assert_int_equal(count(r, "violations"), 0);
    there_and_back(r);
    assert_int_equal(count(r, "binds"), 4);
    down(r);
}

static void tls_only_with_whom_it_should_be(void **state)
{
    struct rig *r = rig();
    char more[256];

    (void)state;
    (void)snprintf(more, sizeof more, "    port: %d\n    tls: true\n    tls_ca: file:%s/smsc.pem\n", r->tls,
                   r->scratch.dir);
    up(r, more);
    bound(r);
    there_and_back(r);
    gate_stop(&r->gate);

    /* Nobody vouches for it. */
    (void)snprintf(more, sizeof more, "    port: %d\n    tls: true\n", r->tls);
    up(r, more);
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "state=down", "certificate is refused", NULL);
    gate_stop(&r->gate);

    /* It is somebody else's. */
    (void)snprintf(
        more, sizeof more,
        "    port: %d\n    tls: true\n    tls_ca: file:%s/smsc.pem\n    tls_name: smsc.example.com\n", r->tls,
        r->scratch.dir);
    up(r, more);
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "state=down", "certificate is refused", NULL);
    gate_stop(&r->gate);

    /* Without TLS at its port, and the other way round. */
    (void)snprintf(more, sizeof more, "    port: %d\n    tls: true\n    tls_verify: false\n", r->smpp);
    up(r, more);
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "state=down", "TLS", NULL);
    gate_stop(&r->gate);
    process_free(&r->gate.process);
    sim_stop(&r->smsc);
    scratch_done(&r->scratch);
}

static void a_wrong_password_stops_it_until_it_is_corrected(void **state)
{
    struct rig *r = rig();
    char id[64];

    (void)state;
    up(r, "    password: wrong\n");
    (void)process_wait_nth(r->gate.process, 1, "channel.state", "password is wrong", NULL);
    assert_false(process_saw(r->gate.process, "wrong\n"));
    gate_send_text(&r->gate, ana, "espera", id);
    char *at = strstr(r->lines, "password: wrong");
    (void)snprintf(at, 32, "password: secret\n"); /* they are the last words */
    gate_configure(&r->gate);
    process_signal(r->gate.process, SIGHUP);
    gate_wait_status(&r->gate, id, "delivered");
    down(r);
}

static void what_left_with_a_link_that_broke_is_in_doubt_and_the_rest_goes(void **state)
{
    struct rig *r = rig();
    char id[3][64];

    (void)state;
    up(r, "");
    bound(r);
    sim_set(&r->smsc, "/_sim/faults", "{\"faults\":[{\"do\":\"drop\"}]}");
    gate_send_text(&r->gate, ana, "tomado, pero sin respuesta", id[0]);
    gate_wait_status(&r->gate, id[0], "in_doubt");
    gate_send_text(&r->gate, "+573001112244", "el siguiente", id[1]);
    gate_wait_status(&r->gate, id[1], "delivered");
    assert_int_equal(count(r, "accepted"), 2);
    assert_string_equal(gate_status(&r->gate, id[0]), "in_doubt"); /* never sent twice */
    down(r);
}

static void a_late_answer_resolves_what_is_in_doubt(void **state)
{
    struct rig *r = rig();
    struct answer a;
    char id[64];

    (void)state;
    up(r, "    response_timeout: 300ms\n");
    bound(r);
    sim_set(&r->smsc, "/_sim/faults", "{\"faults\":[{\"do\":\"hold\"}]}");
    gate_send_text(&r->gate, ana, "tarde", id);
    gate_wait_status(&r->gate, id, "in_doubt");
    a = sim_get(&r->smsc,
                "/_sim/deliveries?min_done=1&wait_ms=30000"); /* its receipt, of an id nobody knows yet */
    answer_done(&a);
    sim_set(&r->smsc, "/_sim/faults", "{\"release\":true}");
    (void)process_wait_nth(r->gate.process, 1, "message.receipt", id, "status=sent", NULL);
    assert_string_equal(gate_status(&r->gate, id), "delivered");
    assert_int_equal(count(r, "accepted"), 1);
    down(r);
}

static void an_smsc_that_is_away_loses_nothing(void **state)
{
    struct rig *r = rig();
    char id[20][64], phone[32];
    unsigned i;

    (void)state;
    up(r, "");
    bound(r);
    sim_set(&r->smsc, "/_sim/listen", "{\"on\":false}");
    sim_set(&r->smsc, "/_sim/do", "{\"do\":\"drop\"}");
    (void)process_wait_nth(r->gate.process, 2, "channel.state", "state=down", NULL);
    for (i = 0; i < 20; i++) {
        (void)snprintf(phone, sizeof phone, "+5730011100%02u", i);
        gate_send_text(&r->gate, phone, "espera", id[i]);
    }
    sim_set(&r->smsc, "/_sim/listen", "{\"on\":true}");
    for (i = 0; i < 20; i++)
        gate_wait_status(&r->gate, id[i], "delivered");
    assert_int_equal(count(r, "accepted"), 20);
    down(r);
}

static void one_that_has_enough_gets_each_once(void **state)
{
    struct rig *r = rig();
    char id[30][64], phone[32];
    unsigned i;

    (void)state;
    sim_set(&r->smsc, "/_sim/config", "{\"window\":5}");
    up(r, "    window_size: 5\n");
    bound(r);
    sim_set(&r->smsc, "/_sim/faults",
            "{\"faults\":[{\"do\":\"status\",\"status\":88,\"skip\":4,\"count\":3},{\"do\":\"status\","
            "\"status\":20,"
            "\"skip\":3,\"count\":2}]}");
    for (i = 0; i < 30; i++) {
        (void)snprintf(phone, sizeof phone, "+5730011100%02u", i);
        gate_send_text(&r->gate, phone, "una sola vez", id[i]);
    }
    for (i = 0; i < 30; i++)
        gate_wait_status(&r->gate, id[i], "delivered");
    assert_int_equal(count(r, "accepted"), 30);
    assert_true(count(r, "refused") >= 2);
    assert_int_equal(count(r, "window_exceeded"), 0);
    down(r);
}

static void what_the_smsc_brings_again_is_there_once(void **state)
{
    struct rig *r = rig();
    struct answer a;

    (void)state;
    up(r, "");
    bound(r);
    sim_set(&r->smsc, "/_sim/faults", "{\"faults\":[{\"on\":\"deliver_sm_resp\",\"do\":\"drop\"}]}");
    sim_set(&r->smsc, "/_sim/inbound", "{\"from\":\"573001112233\",\"to\":\"890\",\"text\":\"una vez\"}");
    a = sim_get(&r->smsc, "/_sim/deliveries?min_acked=1&wait_ms=30000");
    assert_int_equal((int)answer_num(&a, "deliveries/0/attempts"), 2);
    answer_done(&a);
    assert_int_equal(process_count(r->gate.process, "message.received"), 1);
    down(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_its_receipts_and_an_answer),
        cmocka_unit_test(a_connection_for_each_direction_and_several_of_them),
        cmocka_unit_test(tls_only_with_whom_it_should_be),
        cmocka_unit_test(a_wrong_password_stops_it_until_it_is_corrected),
        cmocka_unit_test(what_left_with_a_link_that_broke_is_in_doubt_and_the_rest_goes),
        cmocka_unit_test(a_late_answer_resolves_what_is_in_doubt),
        cmocka_unit_test(an_smsc_that_is_away_loses_nothing),
        cmocka_unit_test(one_that_has_enough_gets_each_once),
        cmocka_unit_test(what_the_smsc_brings_again_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
