/*
 * Being registered at a real registrar, and calls through a real proxy: kamailio, unpacked, not installed
 * (tests/voice/kamailio.sh).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_rig.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char secret[] = "se:cr\"eto";

struct proxy {
    pid_t pid;
    int port;
    const char *algorithm;
    char dir[64], cfg[128], uri[64], tcp_uri[64], modules[600];
};

static void replace(char *text, size_t n, const char *what, const char *by)
{
    static char out[16384];
    char *at;

    while ((at = strstr(text, what))) {
        snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, by, at + strlen(what));
        assert_true(strlen(out) < n);
        strcpy(text, out);
    }
}

static void proxy_run(struct proxy *p)
{
    static char program[512], libs[1200], pattern[600], text[16384];
    glob_t g;
    int n;
    char listen[64];
    const char *build = getenv("HILO_BUILD");
    char log[256], pid[128];
    FILE *f;

    snprintf(listen, sizeof listen, "127.0.0.1:%d", p->port);
    f = popen("sh tests/voice/kamailio.sh", "r");
    assert_non_null(f);
    assert_non_null(fgets(program, sizeof program, f));
    assert_int_equal(pclose(f), 0);
    program[strcspn(program, "\n")] = '\0';
    /* …/usr/sbin/kamailio: libraries are in …/usr/lib/MULTIARCH and below, modules too. */
    program[strlen(program) - strlen("/sbin/kamailio")] = '\0';
    snprintf(pattern, sizeof pattern, "%s/lib/*/kamailio/modules", program);
    strcat(program, "/sbin/kamailio");
    assert_int_equal(glob(pattern, 0, NULL, &g), 0);
    snprintf(p->modules, sizeof p->modules, "%s", g.gl_pathv[0]);
    globfree(&g);
    n = (int)(strlen(p->modules) - strlen("/modules"));
    snprintf(libs, sizeof libs, "%.*s:%.*s", n, p->modules, n - (int)strlen("/kamailio"), p->modules);
    f = fopen("tests/voice/ua_kamailio.cfg", "r");
    if (!f)
        fail_msg("run from the project's folder");
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    replace(text, sizeof text, "\"MODULES\"", "\"@\"");
    replace(text, sizeof text, "@", p->modules);
    for (int i = 0; i < 2; i++) {
        replace(text, sizeof text, i ? "tcp:LISTEN" : "udp:LISTEN", i ? "tcp:@" : "udp:@");
        replace(text, sizeof text, "@", listen);
    }
    replace(text, sizeof text, "\"ALGORITHM\"", "\"@\"");
    replace(text, sizeof text, "@", p->algorithm);
    f = fopen(p->cfg, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    snprintf(log, sizeof log, "%s/kamailio-ua.log", build ? build : "build/debug-gcc");
    snprintf(pid, sizeof pid, "%s/pid", p->dir);
    (void)unlink(pid);
    setenv("LD_LIBRARY_PATH", libs, 1);
    p->pid = rig_spawn(log, (const char *[]){program, "-DD", "-E", "-m", "64", "-M", "8", "-w", p->dir, "-Y",
                                             p->dir, "-P", pid, "-f", p->cfg, NULL});
    unsetenv("LD_LIBRARY_PATH");
    rig_listening(p->port, true);
}

static void proxy_start(struct proxy *p, const char *algorithm)
{
    memset(p, 0, sizeof *p);
    p->algorithm = algorithm;
    snprintf(p->dir, sizeof p->dir, "/tmp/hilo-kamailio-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    p->port = rig_port(false);
    snprintf(p->uri, sizeof p->uri, "sip:127.0.0.1:%d", p->port);
    snprintf(p->tcp_uri, sizeof p->tcp_uri, "sip:127.0.0.1:%d;transport=tcp", p->port);
    snprintf(p->cfg, sizeof p->cfg, "%s/kamailio.cfg", p->dir);
    proxy_run(p);
}

static void proxy_kill(struct proxy *p)
{
    kill(p->pid, SIGTERM);
    (void)rig_end(p->pid);
}

static void proxy_stop(struct proxy *p)
{
    char cmd[128];

    proxy_kill(p);
    snprintf(cmd, sizeof cmd, "rm -rf %s", p->dir);
    assert_int_equal(system(cmd), 0);
}

/* An endpoint that registers as user, at uri. */
static void user_init(struct rig *r, const char *user, const char *uri)
{
    rig_init(r);
    r->conf.trunk = str(NULL);
    r->conf.user = str(user);
    r->conf.secret = str(secret);
    r->conf.registrar = str(uri);
    r->conf.register_expires_us = INT64_C(30000000); /* kamailio wants 60: 423 */
}

static void call_through(const char *algorithm, bool tcp)
{
    struct proxy p;
    struct rig a, b;
    struct ua_event e;
    uint64_t call;

    proxy_start(&p, algorithm);
    user_init(&a, "ana", tcp ? p.tcp_uri : p.uri);
    user_init(&b, "tienda", p.uri);
    rig_start(&a, true);
    rig_start(&b, true);
    ua_call(a.ua, 1,
            &(struct ua_invite){.to = str("tienda"),
                                .from_name = str("Ana \"la\" Ruiz"),
                                .sdp = str(rig_sdp(30000)),
                                .headers = str("X-Hilo-Call: cal_1\r\n"),
                                .ring_us = 8000000});
    e = rig_await(&b, UA_INCOMING);
    call = e.call;
    assert_true(e.from.n && memmem(e.from.p, e.from.n, "sip:ana@127.0.0.1", 17));
    assert_int_equal(e.from_name.n, strlen("Ana \"la\" Ruiz"));
    ua_ring(b.ua, call, str(rig_sdp(30010)));
    e = rig_await(&a, UA_PROGRESS);
    while (e.status != 183)
        e = rig_await(&a, UA_PROGRESS);
    ua_answer(b.ua, call, str(rig_sdp(30010)));
    e = rig_await(&b, UA_ANSWERED);
    e = rig_await(&a, UA_ANSWERED);
    ua_reoffer(b.ua, call, str(rig_sdp(30012)));
    e = rig_await(&a, UA_OFFER);
    ua_answer(a.ua, 1, str(rig_sdp(30000)));
    e = rig_await(&b, UA_ANSWERED);
    ua_hangup(b.ua, call, str("listo"));
    e = rig_await(&a, UA_ENDED);
    assert_true(e.status == 200 && e.by_peer && e.reason.n == 5);
    e = rig_await(&b, UA_ENDED);
    /* Who is gone is not registered any more. */
    rig_stop(&b);
    ua_call(a.ua, 2,
            &(struct ua_invite){.to = str("tienda"), .sdp = str(rig_sdp(30000)), .ring_us = 8000000});
    e = rig_await(&a, UA_ENDED);
    assert_int_equal(e.status, 404);
    rig_stop(&a);
    proxy_stop(&p);
}

static void called_with_md5(void **state)
{
    (void)state;
    call_through("MD5", false);
}
static void called_with_md5_by_tcp(void **state)
{
    (void)state;
    call_through("MD5", true);
}
static void called_with_sha256(void **state)
{
    (void)state;
    call_through("SHA-256", false);
}

static void a_wrong_secret_is_for_the_operator(void **state)
{
    struct proxy p;
    struct rig a;
    struct ua_event e;

    (void)state;
    for (int i = 0; i < 2; i++) {
        proxy_start(&p, i ? "SHA-256" : "MD5");
        user_init(&a, "ana", p.uri);
        a.conf.secret = str("otra");
        rig_start(&a, false);
        assert_true(rig_next(&a, &e, RIG_WAIT_MS));
        assert_int_equal(e.type, UA_CONFIG);
        assert_int_equal(e.status, 401);
        rig_stop(&a);
        proxy_stop(&p);
    }
}

static void the_registrar_goes_and_comes(void **state)
{
    struct proxy p;
    struct rig a, b;
    struct ua_event e;

    (void)state;
    proxy_start(&p, "MD5");
    user_init(&a, "ana", p.uri);
    a.conf.options_us = 200000;
    rig_start(&a, true);
    proxy_kill(&p);
    for (;;) {
        assert_true(rig_next(&a, &e, 40000));
        if (e.type == UA_DOWN)
            break;
    }
    proxy_run(&p);
    for (;;) {
        assert_true(rig_next(&a, &e, 40000));
        if (e.type == UA_UP)
            break;
    }
    /* Up is: can be called. The new registrar knows her only if she registered again. */
    user_init(&b, "bea", p.uri);
    rig_start(&b, true);
    ua_call(b.ua, 1, &(struct ua_invite){.to = str("ana"), .sdp = str(rig_sdp(30000)), .ring_us = 8000000});
    e = rig_await(&a, UA_INCOMING);
    ua_reject(a.ua, e.call, 486, str(NULL), 0);
    e = rig_await(&b, UA_ENDED);
    assert_int_equal(e.status, 486);
    rig_stop(&b);
    rig_stop(&a);
    proxy_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(called_with_md5),
        cmocka_unit_test(called_with_md5_by_tcp),
        cmocka_unit_test(called_with_sha256),
        cmocka_unit_test(a_wrong_secret_is_for_the_operator),
        cmocka_unit_test(the_registrar_goes_and_comes),
    };

    if (getenv("HILO_TEST"))
        cmocka_set_test_filter(getenv("HILO_TEST"));
    return cmocka_run_group_tests_name("ua_kamailio", tests, NULL, NULL);
}
