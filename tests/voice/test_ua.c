/*
 * Signalling against a program that we did not write: sipp, its own scenarios and ours (tests/voice/sipp/).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char *build(void)
{
    const char *b = getenv("HILO_BUILD");

    return b ? b : "build/debug-gcc";
}

struct sipp {
    char port[8], log[256], target[64];
    pid_t pid;
};

/* sipp with a scenario of its own (name) or of ours (a file's name with .xml); more: further arguments. */
static void sipp_start(struct sipp *s, const char *scenario, int target, const char *const more[])
{
    const char *argv[48];
    char file[256];
    int n = 0;
    bool ours = strstr(scenario, ".xml") != NULL;

    snprintf(s->port, sizeof s->port, "%d", rig_port(false));
    snprintf(s->log, sizeof s->log, "%s/sipp-%s.log", build(), scenario);
    snprintf(s->target, sizeof s->target, "127.0.0.1:%d", target);
    snprintf(file, sizeof file, "tests/voice/sipp/%s", scenario);
    argv[n++] = "sipp";
    argv[n++] = ours ? "-sf" : "-sn";
    argv[n++] = ours ? file : scenario;
    argv[n++] = "-i";
    argv[n++] = "127.0.0.1";
    argv[n++] = "-p";
    argv[n++] = s->port;
    argv[n++] = "-nostdin";
    argv[n++] = "-timeout";
    argv[n++] = "20s";
    argv[n++] = "-timeout_error";
    argv[n++] = "-nd";
    if (getenv("HILO_SIPP_TRACE")) {
        argv[n++] = "-trace_err";
        argv[n++] = "-trace_msg";
    }
    for (int i = 0; more && more[i]; i++)
        argv[n++] = more[i];
    argv[n++] = s->target;
    argv[n] = NULL;
    s->pid = rig_spawn(s->log, argv);
}

static void ends_well(struct sipp *s, int status)
{
    if (status != 0)
        fail_msg("sipp ended with %d, see %s", status, s->log);
}

/* ---- inbound -------------------------------------------------------------------------------- */

static void sipp_calls_us(void **state)
{
    struct rig r;
    struct sipp s;

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    sipp_start(&s, "uac", r.port, (const char *[]){"-m", "20", "-r", "20", "-d", "100", NULL});
    ends_well(&s, rig_serve(&r, s.pid));
    rig_stop(&r);
}

static void sipp_calls_us_by_tcp(void **state)
{
    struct rig r;
    struct sipp s;

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    sipp_start(&s, "uac", r.port, (const char *[]){"-m", "20", "-r", "20", "-t", "t1", NULL});
    ends_well(&s, rig_serve(&r, s.pid));
    rig_stop(&r);
}

/* ---- outbound ------------------------------------------------------------------------------- */

static void we_call_sipp(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;
    char to[64];

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    sipp_start(&s, "uas", r.port, (const char *[]){"-m", "1", NULL});
    rig_listening(atoi(s.port), false);
    snprintf(to, sizeof to, "sip:+573001112233@127.0.0.1:%s", s.port);
    ua_call(r.ua, 7, &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 9000000});
    e = rig_await(&r, UA_PROGRESS);
    assert_int_equal(e.call, 7);
    assert_int_equal(e.status, 180);
    e = rig_await(&r, UA_ANSWERED);
    assert_int_equal(e.call, 7);
    assert_true(e.sdp.n > 50 && memmem(e.sdp.p, e.sdp.n, "m=audio", 7));
    ua_hangup(r.ua, 7, str("enough"));
    e = rig_await(&r, UA_ENDED);
    assert_int_equal(e.call, 7);
    assert_int_equal(e.status, 200);
    assert_int_equal(e.by_peer, 0);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

/* ---- inbound, by our scenarios --------------------------------------------------------------- */

static struct ua_event begin(struct rig *r, struct sipp *s, const char *scenario, const char *const more[])
{
    const char *args[16] = {"-m", "1"};

    for (int i = 0; more && more[i] && i < 13; i++)
        args[2 + i] = more[i];
    rig_start(r, true);
    sipp_start(s, scenario, r->port, args);
    return rig_await(r, UA_INCOMING);
}

static bool is(struct hilo_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}
static bool has(struct hilo_str s, const char *text)
{
    return s.n && memmem(s.p, s.n, text, strlen(text));
}

static void held_resumed_and_keyed(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;
    uint64_t call;

    (void)state;
    rig_init(&r);
    e = begin(&r, &s, "uac_hold.xml", NULL);
    call = e.call;
    assert_true(call & UA_CALL_INBOUND);
    assert_true(has(e.sdp, "m=audio"));
    assert_true(has(e.from, "sip:ana@127.0.0.1") && is(e.from_name, "Ana") && has(e.to, "sip:hilo@"));
    assert_true(e.call_id.n > 0 && has(e.peer, "127.0.0.1:") && !e.private_id);
    ua_ring(r.ua, call, str(NULL));
    ua_answer(r.ua, call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_ANSWERED);
    assert_int_equal(e.call, call);
    e = rig_await(&r, UA_OFFER);
    assert_true(e.call == call && has(e.sdp, "a=sendonly"));
    ua_answer(r.ua, call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_OFFER);
    assert_true(e.call == call && has(e.sdp, "a=sendrecv"));
    ua_answer(r.ua, call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_DIGIT);
    assert_true(e.call == call && e.digit == '5' && e.duration_ms == 240);
    e = rig_await(&r, UA_ENDED);
    assert_true(e.call == call && e.status == 200 && e.by_peer && is(e.reason, "gracias y adios"));
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void offer_in_the_answer(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    e = begin(&r, &s, "uac_offerless.xml", NULL);
    assert_int_equal(e.sdp.n, 0);
    ua_ring(r.ua, e.call, str(rig_sdp(30000)));
    ua_answer(r.ua, e.call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_ANSWERED);
    assert_true(has(e.sdp, "m=audio 41000"));
    ua_hangup(r.ua, e.call, str(NULL));
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void caller_gives_up(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    e = begin(&r, &s, "uac_cancel.xml", NULL);
    ua_ring(r.ua, e.call, str(NULL));
    e = rig_await(&r, UA_ENDED);
    assert_true(e.status == 487 && e.by_peer && is(e.reason, "Call completed elsewhere"));
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void early_media_reliably(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    e = begin(&r, &s, "uac_early.xml", NULL);
    ua_ring(r.ua, e.call, str(rig_sdp(30000)));
    ua_answer(r.ua, e.call, str(rig_sdp(30000))); /* kept until the PRACK */
    e = rig_await(&r, UA_ANSWERED);
    ua_hangup(r.ua, e.call, str(NULL));
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void who_calls(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    e = begin(&r, &s, "uac_identity.xml", NULL);
    assert_true(is(e.asserted, "sip:+573001112233@127.0.0.1"));
    assert_true(is(e.diverted, "sip:+576015550100@example.org"));
    assert_int_equal(e.private_id, 1);
    ua_answer(r.ua, e.call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_ANSWERED);
    ua_hangup(r.ua, e.call, str(NULL));
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void strangers_are_refused(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    r.conf.trunk = str("192.0.2.0/24 2001:db8::/32");
    rig_start(&r, true);
    sipp_start(&s, "uac_refused.xml", r.port, (const char *[]){"-m", "3", "-r", "100", NULL});
    e = rig_await(&r, UA_REFUSED);
    assert_true(e.status == 403 && has(e.peer, "127.0.0.1:"));
    ends_well(&s, rig_end(s.pid));
    while (rig_next(&r, &e, 0))
        assert_int_equal(e.type, UA_REFUSED);
    rig_stop(&r);
}

static void no_line_is_free(void **state)
{
    struct rig r;
    struct sipp s, full;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    r.conf.calls_max = 1;
    e = begin(&r, &s, "uac_cancel.xml", NULL);
    sipp_start(&full, "uac_full.xml", r.port, (const char *[]){"-m", "1", NULL});
    ends_well(&full, rig_end(full.pid));
    ua_ring(r.ua, e.call, str(NULL));
    e = rig_await(&r, UA_ENDED);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void too_many_a_second(void **state)
{
    struct rig r;
    struct sipp s;

    (void)state;
    rig_init(&r);
    r.conf.invites_per_s = 5;
    rig_start(&r, true);
    sipp_start(&s, "uac", r.port, (const char *[]){"-m", "40", "-r", "200", "-d", "10", NULL});
    (void)rig_serve(&r, s.pid); /* sipp's scenario knows no 503 */
    /* 40 in 0.2 s: two of the clock's seconds, three on a slow machine. */
    assert_in_range(r.incoming, 5, 15);
    assert_in_range(r.refused, 1, 3);
    rig_stop(&r);
}

static void they_transfer_us(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    e = begin(&r, &s, "uac_transfer.xml", NULL);
    ua_answer(r.ua, e.call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_TRANSFER);
    assert_true(is(e.target, "sip:agente@192.0.2.8"));
    assert_true(is(e.replaces, "abc@x;to-tag=7;from-tag=9"));
    assert_true(is(e.from, "sip:ana@example.net"));
    ua_refer_answer(r.ua, e.call, 202);
    ua_refer_answer(r.ua, e.call, 200);
    e = rig_await(&r, UA_ENDED);
    assert_true(e.status == 200 && e.by_peer);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void session_is_refreshed(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    r.conf.min_se_us = 1000000;
    e = begin(&r, &s, "uac_timer.xml", NULL);
    ua_answer(r.ua, e.call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_ANSWERED);
    e = rig_await(&r, UA_ENDED);
    assert_true(e.status == 200 && e.by_peer);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void a_session_that_nobody_refreshes_ends(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    r.conf.min_se_us = 1000000;
    e = begin(&r, &s, "uac_silent.xml", NULL);
    ua_answer(r.ua, e.call, str(rig_sdp(30000)));
    e = rig_await(&r, UA_ANSWERED);
    e = rig_await(&r, UA_ENDED);
    assert_true(e.status == 408 && !e.by_peer);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

/* ---- outbound, by our scenarios -------------------------------------------------------------- */

static void dial(struct rig *r, struct sipp *s, const char *scenario, const char *const more[])
{
    const char *args[16] = {"-m", "1"};
    char to[64];

    for (int i = 0; more && more[i] && i < 13; i++)
        args[2 + i] = more[i];
    sipp_start(s, scenario, r->port, args);
    rig_listening(atoi(s->port), false);
    snprintf(to, sizeof to, "sip:peer@127.0.0.1:%s", s->port);
    ua_call(r->ua, 1, &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 9000000});
}

static void their_early_media(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    dial(&r, &s, "uas_reliable.xml", NULL);
    e = rig_await(&r, UA_PROGRESS);
    assert_true(e.status == 183 && has(e.sdp, "m=audio 41000"));
    e = rig_await(&r, UA_ANSWERED);
    assert_true(e.call == 1 && e.call_id.n > 0);
    ua_hangup(r.ua, 1, str("basta"));
    e = rig_await(&r, UA_ENDED);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void nobody_answers(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;
    char to[64];

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    sipp_start(&s, "uas_rings.xml", r.port, (const char *[]){"-m", "1", NULL});
    rig_listening(atoi(s.port), false);
    snprintf(to, sizeof to, "sip:peer@127.0.0.1:%s", s.port);
    ua_call(r.ua, 1, &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 500000});
    e = rig_await(&r, UA_PROGRESS);
    assert_int_equal(e.status, 180);
    e = rig_await(&r, UA_ENDED);
    assert_true(e.status == 487 && !e.by_peer);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void moved(void **state)
{
    struct rig r;
    struct sipp first, second;
    struct ua_event e;
    char next[64];

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    sipp_start(&second, "uas", r.port, (const char *[]){"-m", "1", NULL});
    rig_listening(atoi(second.port), false);
    snprintf(next, sizeof next, "sip:peer@127.0.0.1:%s", second.port);
    dial(&r, &first, "uas_redirect.xml", (const char *[]){"-key", "next", next, NULL});
    e = rig_await(&r, UA_ANSWERED);
    assert_int_equal(e.call, 1);
    ua_hangup(r.ua, 1, str(NULL));
    e = rig_await(&r, UA_ENDED);
    ends_well(&first, rig_end(first.pid));
    ends_well(&second, rig_end(second.pid));
    rig_stop(&r);
}

/* To itself: a loop that ends. */
static void moved_in_a_circle(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;
    char to[64];

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    snprintf(to, sizeof to, "%d", rig_port(false));
    sipp_start(&s, "uas_redirect.xml", r.port,
               (const char *[]){"-m", "1", "-key", "next", "sip:peer@127.0.0.1:9;again", NULL});
    rig_listening(atoi(s.port), false);
    snprintf(to, sizeof to, "sip:peer@127.0.0.1:%s", s.port);
    ua_call(r.ua, 1, &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 4000000});
    e = rig_await(&r, UA_ENDED);
    assert_true(e.status == 503 || e.status == 487);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void session_longer_than_ours(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    dial(&r, &s, "uas_timer.xml", NULL);
    e = rig_await(&r, UA_ANSWERED);
    ua_hangup(r.ua, e.call, str(NULL));
    e = rig_await(&r, UA_ENDED);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void offers_meet(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    rig_start(&r, true);
    dial(&r, &s, "uas_glare.xml", NULL);
    e = rig_await(&r, UA_ANSWERED);
    ua_reoffer(r.ua, 1, str(rig_sdp(30002)));
    e = rig_await(&r, UA_ANSWERED);
    assert_true(has(e.sdp, "a=recvonly"));
    ua_reoffer(r.ua, 1, str(rig_sdp(30004)));
    e = rig_await(&r, UA_KEPT);
    assert_int_equal(e.status, 488);
    ua_hangup(r.ua, 1, str(NULL));
    e = rig_await(&r, UA_ENDED);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

static void we_transfer(void **state)
{
    struct rig r;
    struct sipp s;
    struct ua_event e;

    (void)state;
    rig_init(&r);
    r.conf.domain = str("pbx.example");
    rig_start(&r, true);
    dial(&r, &s, "uas_refer.xml",
         (const char *[]){"-key", "refer", "sip:agente@pbx.example", "-key", "result", "200 OK", NULL});
    e = rig_await(&r, UA_ANSWERED);
    ua_refer(r.ua, 1, str("agente"), 0);
    for (uint32_t want[] = {100, 100, 180, 200}, i = 0; i < 4; i++) {
        e = rig_await(&r, UA_REFERRED);
        if (e.status != want[i])
            fail_msg("%u instead of %u", e.status, want[i]);
    }
    ua_hangup(r.ua, 1, str(NULL));
    e = rig_await(&r, UA_ENDED);
    ends_well(&s, rig_end(s.pid));
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sipp_calls_us),
        cmocka_unit_test(sipp_calls_us_by_tcp),
        cmocka_unit_test(we_call_sipp),
        cmocka_unit_test(held_resumed_and_keyed),
        cmocka_unit_test(offer_in_the_answer),
        cmocka_unit_test(caller_gives_up),
        cmocka_unit_test(early_media_reliably),
        cmocka_unit_test(who_calls),
        cmocka_unit_test(strangers_are_refused),
        cmocka_unit_test(no_line_is_free),
        cmocka_unit_test(too_many_a_second),
        cmocka_unit_test(they_transfer_us),
        cmocka_unit_test(session_is_refreshed),
        cmocka_unit_test(a_session_that_nobody_refreshes_ends),
        cmocka_unit_test(their_early_media),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(moved),
        cmocka_unit_test(moved_in_a_circle),
        cmocka_unit_test(session_longer_than_ours),
        cmocka_unit_test(offers_meet),
        cmocka_unit_test(we_transfer),
    };

    if (getenv("HILO_TEST"))
        cmocka_set_test_filter(getenv("HILO_TEST"));
    return cmocka_run_group_tests_name("ua", tests, NULL, NULL);
}
