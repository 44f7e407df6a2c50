/*
 * To a person: what the agent's screen shows is there before the agent's telephone rings, and then the two
 * hear each other.
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

struct desk {
    struct scratch s;
    struct kamailio k;
    struct rig r;
    struct phone caller, agent;
    char customer[64], case_id[64];
};

static void desk_up(struct desk *d, const char *more)
{
    char lines[512];
    struct answer a;

    scratch_init(&d->s);
    kamailio_up(&d->k, &d->s);
    (void)snprintf(lines, sizeof lines,
                   "    registrar: \"sip:127.0.0.1:%d\"\n    user: tienda\n    secret: " KAMAILIO_PASSWORD
                   "\n    trunk: 127.0.0.1\n%s",
                   d->k.port, more);
    rig_up(&d->r, lines);
    rig_port(&d->r, d->k.port);
    rig_customer(&d->r, "Ana", ana, "CO:CC:1020304050", d->customer);
    a = gate_post(&d->r.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Pantalla rota\"}",
                  d->customer);
    assert_int_equal(a.status, 201);
    (void)snprintf(d->case_id, sizeof d->case_id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    phone_up(&d->caller, &d->r.scratch,
             &(struct phone_conf){.user = ana, .registrar = d->k.port, .password = KAMAILIO_PASSWORD});
    phone_up(&d->agent, &d->r.scratch,
             &(struct phone_conf){.user = "agente", .registrar = d->k.port, .password = KAMAILIO_PASSWORD});
    rig_port(&d->r, d->caller.sip);
    rig_port(&d->r, d->agent.sip);
}

static void desk_down(struct desk *d)
{
    phone_down(&d->caller);
    phone_down(&d->agent);
    gate_stop(&d->r.gate);
    gate_check_store(&d->r.gate);
    kamailio_down(&d->k);
    rig_down(&d->r, 30, 100);
    scratch_done(&d->s);
}

static void call_and_ask_for_the_agent(struct desk *d)
{
    struct sound welcome = rig_say(&d->r, rig_welcome);
    char uri[64];

    (void)snprintf(uri, sizeof uri, "sip:tienda@127.0.0.1:%d", d->k.port);
    phone_dial(&d->caller, uri);
    (void)phone_hears(&d->caller, &welcome);
    phone_listens(&d->caller, 4 * SOUND_RATE); /* her case is told; the menu has begun */
    phone_press(&d->caller, "2");
    sound_done(&welcome);
}

/* Seconds of an RFC 3339 time in UTC. */
static double epoch_of(const char *time)
{
    struct tm t = {0};
    const char *rest = strptime(time, "%Y-%m-%dT%H:%M:%S", &t);

    assert_non_null(rest);
    return (double)timegm(&t) + (*rest == '.' ? strtod(rest, NULL) : 0);
}

static void the_agent_knows_before_it_rings(struct desk *d)
{
    char invite[64], filter[160];
    cJSON *offered = rig_event(&d->r, "hilo.call.offered", NULL);

    (void)phone_event(&d->agent, "CALL_INCOMING");
    assert_string_equal(json_at(offered, "customer")->valuestring, d->customer);
    assert_non_null(strstr(json_at(offered, "to")->valuestring, "agente"));
    assert_string_equal(json_at(offered, "context/customer/name")->valuestring, "Ana");
    assert_string_equal(json_at(offered, "context/cases/0/subject")->valuestring, "Pantalla rota");
    /* By the clock that both share: it was out before the INVITE was. */
    (void)snprintf(filter, sizeof filter, "sip.Method == \"INVITE\" && udp.dstport == %d", d->agent.sip);
    capture_field(d->r.pcap, d->r.ports, filter, "frame.time_epoch", invite, sizeof invite);
    assert_true(strtod(invite, NULL) > 1e9);
    assert_true(epoch_of(json_at(offered, "event_time")->valuestring) < strtod(invite, NULL));
    cJSON_Delete(offered);
}

static void they_hear_each_other(struct desk *d)
{
    struct sound from_agent = rig_say(&d->r, "Buenos días, le habla Luis. Ya veo su caso en la pantalla.");
    struct sound from_caller = rig_say(&d->r, "Hola Luis. Sí, es por el televisor que llegó roto.");

    phone_say(&d->agent, &from_agent);
    (void)phone_hears(&d->caller, &from_agent);
    phone_say(&d->caller, &from_caller);
    (void)phone_hears(&d->agent, &from_caller);
    sound_done(&from_agent);
    sound_done(&from_caller);
}

static void a_blind_transfer_leads_to_the_agent(void **state)
{
    struct desk d;
    cJSON *call;

    (void)state;
    desk_up(&d, "    attended_transfer: false\n");
    call_and_ask_for_the_agent(&d);
    the_agent_knows_before_it_rings(&d);
    phone_answer(&d.agent);
    (void)phone_event(&d.agent, "CALL_ESTABLISHED");
    they_hear_each_other(&d);
    call = rig_event(&d.r, "hilo.call.transferred", NULL);
    assert_string_equal(json_at(call, "customer")->valuestring, d.customer);
    cJSON_Delete(call);
    phone_hang_up(&d.agent);
    desk_down(&d);
}

/* The agent is called first; the caller, by sipp, is referred to that call (Replaces, which baresip 1.0 has
 * not). */
static void an_attended_transfer_leads_to_the_agent(void **state)
{
    struct sipp caller;
    struct desk d;
    cJSON *call;

    (void)state;
    desk_up(&d, "    attended_transfer: true\n    rtp_timeout: 5m\n"); /* sipp sends no sound but keys */
    sipp_call(&caller, &d.r.scratch, "attended", "tienda", d.r.sip, NULL);
    rig_port(&d.r, caller.port);
    the_agent_knows_before_it_rings(&d);
    phone_answer(&d.agent);
    (void)phone_event(&d.agent, "CALL_ESTABLISHED");
    sipp_done(&caller);
    call = rig_event(&d.r, "hilo.call.transferred", NULL);
    assert_string_equal(json_at(call, "customer")->valuestring, d.customer);
    cJSON_Delete(call);
    desk_down(&d);
}

/* Nobody is there: she is told so, and is in the menu again. */
static void an_agent_who_does_not_answer(void **state)
{
    struct desk d;
    struct sound nobody, heard;
    char filter[96], port[16];
    double score;
    long at;

    (void)state;
    desk_up(&d, "    attended_transfer: true\n    agent_ring: 3s\n");
    nobody = rig_say(&d.r, "Nadie contesta en este momento.");
    call_and_ask_for_the_agent(&d);
    (void)phone_event(&d.agent, "CALL_INCOMING");
    rig_log(&d.r, "voice.transfer", "back in the menu");
    cJSON_Delete(rig_event(&d.r, "hilo.call.ended", NULL));
    /* She was on hold meanwhile, after which baresip 1.0 decodes no more: what came to her is in the capture.
     */
    (void)snprintf(filter, sizeof filter, "sip.Method == \"INVITE\" && udp.srcport == %d", d.caller.sip);
    capture_field(d.r.pcap, d.r.ports, filter, "sdp.media.port", port, sizeof port);
    heard = capture_heard(d.r.pcap, atoi(port));
    at = sound_find(&heard, &nobody, 0, &score, NULL);
    assert_true(at > 0);
    sound_done(&heard);
    desk_down(&d);
    sound_done(&nobody);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blind_transfer_leads_to_the_agent),
        cmocka_unit_test(an_attended_transfer_leads_to_the_agent),
        cmocka_unit_test(an_agent_who_does_not_answer),
    };

    lab_network();
    cmocka_set_test_filter(getenv("HILO_TEST")); /* NULL: all */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
