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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sipp_calls_us),
        cmocka_unit_test(sipp_calls_us_by_tcp),
        cmocka_unit_test(we_call_sipp),
    };

    return cmocka_run_group_tests_name("ua", tests, NULL, NULL);
}
