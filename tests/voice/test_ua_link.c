/*
 * Signalling's other transports and its other parties: TLS (judged by openssl's own client), IPv6 (by sipp),
 * several listens, an attended transfer among three endpoints, and the end with calls up.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/hilo-ua-XXXXXX";

static char *slurp(const char *path)
{
    static char text[16][16384];
    static int at;
    char *out = text[at++ % 16];
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    n = fread(out, 1, 16383, f);
    out[n] = '\0';
    fclose(f);
    return out;
}

/* A CA, and a certificate of it for 127.0.0.1, in the CN too, as there sofia looks for an address. */
static int setup(void **state)
{
    char cmd[2048];

    (void)state;
    assert_non_null(mkdtemp(dir));
    setenv("TMPDIR", dir, 1); /* what is left there would be ours */
    snprintf(cmd, sizeof cmd,
             "cd %s && { openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3 -subj "
             "/CN=ca && "
             "openssl req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=127.0.0.1 && "
             "printf 'subjectAltName=IP:127.0.0.1\\n' >ext && "
             "openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 3 -extfile ext "
             "-out cert.pem; "
             "} >log 2>&1",
             dir);
    return system(cmd);
}

static int teardown(void **state)
{
    char cmd[128];

    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

static const char *in(const char *name)
{
    static char path[4][128];
    static int at;
    char *out = path[at++ % 4];

    snprintf(out, 128, "%s/%s", dir, name);
    return out;
}

struct tls_rig {
    struct rig r;
    char listen[64];
    int port;
};

static void tls_init(struct tls_rig *t, bool ca)
{
    rig_init(&t->r);
    t->port = rig_port(false);
    snprintf(t->listen, sizeof t->listen, "127.0.0.1:%d", t->port);
    t->r.conf.tls = str(t->listen);
    t->r.conf.tls_cert = str(slurp(in("cert.pem")));
    t->r.conf.tls_key = str(slurp(in("key.pem")));
    if (ca)
        t->r.conf.tls_ca = str(slurp(in("ca.pem")));
}

static void ignore(void *arg)
{
    (void)arg;
}

static int left_in_tmp(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int n = 0;

    while ((e = readdir(d)))
        n += strncmp(e->d_name, "hilo-voice-", 11) == 0;
    closedir(d);
    return n;
}

static void openssl_asks_by_tls(void **state)
{
    struct tls_rig t;
    char cmd[2048], file[128];

    (void)state;
    tls_init(&t, false);
    rig_start(&t.r, true);
    snprintf(file, sizeof file, "%s", in("out"));
    snprintf(cmd, sizeof cmd,
             "(printf 'OPTIONS sip:x@127.0.0.1 SIP/2.0\\r\\nVia: SIP/2.0/TLS "
             "127.0.0.1:9;branch=z9hG4bKtls;rport\\r\\n"
             "From: <sip:a@b>;tag=1\\r\\nTo: <sip:x@127.0.0.1>\\r\\nCall-ID: tls\\r\\nCSeq: 1 OPTIONS\\r\\n"
             "Max-Forwards: 70\\r\\nContent-Length: 0\\r\\n\\r\\n'; while ! grep -qs Content-Length %s; do "
             "sleep 0.05; done) | timeout 10 openssl s_client -quiet -verify_return_error -CAfile %s/ca.pem "
             "-verify_ip 127.0.0.1 "
             "-tls1_2 -connect 127.0.0.1:%d >%s 2>/dev/null",
             file, dir, t.port, file);
    (void)system(cmd);
    assert_int_equal(strncmp(slurp(file), "SIP/2.0 200 ", 12), 0);
    /* Below TLS 1.2 nobody is heard, however low the client goes (RFC 8996). */
    snprintf(
        cmd, sizeof cmd,
        "echo | timeout 10 openssl s_client -tls1_1 -cipher ALL:@SECLEVEL=0 -connect 127.0.0.1:%d >%s 2>&1",
        t.port, file);
    assert_int_not_equal(system(cmd), 0);
    assert_non_null(strstr(slurp(file), "no peer certificate available"));
    rig_stop(&t.r);
    assert_int_equal(left_in_tmp(), 0);
}

static void call_by_tls(void **state)
{
    struct tls_rig a, b;
    struct ua_event e;
    char to[128];

    (void)state;
    tls_init(&a, true);
    tls_init(&b, true);
    rig_start(&a.r, true);
    rig_start(&b.r, true);
    snprintf(to, sizeof to, "sip:tienda@127.0.0.1:%d;transport=tls", b.port);
    ua_call(a.r.ua, 1, &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 8000000});
    e = rig_await(&b.r, UA_INCOMING);
    ua_answer(b.r.ua, e.call, str(rig_sdp(30000)));
    e = rig_await(&a.r, UA_ANSWERED);
    e = rig_await(&b.r, UA_ANSWERED);
    ua_hangup(a.r.ua, 1, str(NULL));
    e = rig_await(&b.r, UA_ENDED);
    assert_int_equal(e.status, 200);
    rig_stop(&a.r);
    rig_stop(&b.r);
}

/* A certificate of another CA is no peer: neither may it call, nor is it called. */
static void tls_of_another_ca(void **state)
{
    struct tls_rig a, b;
    struct ua_event e;
    char to[128], cmd[512];

    (void)state;
    snprintf(cmd, sizeof cmd,
             "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout o.key -out o.pem -days 3 -subj "
             "/CN=localhost >>log 2>&1",
             dir);
    assert_int_equal(system(cmd), 0);
    tls_init(&a, true);
    tls_init(&b, true);
    b.r.conf.tls_cert = str(slurp(in("o.pem")));
    b.r.conf.tls_key = str(slurp(in("o.key")));
    rig_start(&a.r, true);
    rig_start(&b.r, true);
    snprintf(to, sizeof to, "sip:x@127.0.0.1:%d;transport=tls", b.port);
    ua_call(a.r.ua, 1, &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 2000000});
    for (;;) {
        assert_true(rig_next(&a.r, &e, RIG_WAIT_MS));
        if (e.type == UA_ENDED)
            break;
    }
    assert_int_not_equal(e.status, 200);
    assert_false(rig_next(&b.r, &e, 0));
    rig_stop(&a.r);
    rig_stop(&b.r);
}

static void a_wrong_key_is_told(void **state)
{
    struct tls_rig a;
    struct ua_event e;

    (void)state;
    tls_init(&a, false);
    a.r.conf.tls_key = str(slurp(in("ca.key")));
    rig_start(&a.r, false);
    assert_true(rig_next(&a.r, &e, RIG_WAIT_MS));
    assert_int_equal(e.type, UA_CONFIG);
    assert_non_null(memmem(e.reason.p, e.reason.n, "key is not the certificate's", 28));
    rig_stop(&a.r);
    assert_int_equal(left_in_tmp(), 0);
}

static void a_taken_port_is_told(void **state)
{
    struct rig a, b;
    struct ua_event e;

    (void)state;
    rig_init(&a);
    rig_start(&a, true);
    rig_init(&b);
    b.conf = a.conf;
    rig_start(&b, false);
    assert_true(rig_next(&b, &e, RIG_WAIT_MS));
    assert_int_equal(e.type, UA_CONFIG);
    assert_non_null(memmem(e.reason.p, e.reason.n, "in use", 6));
    /* And no call of such an endpoint is waited for. */
    ua_call(b.ua, 5, &(struct ua_invite){.to = str("sip:x@127.0.0.1"), .sdp = str(rig_sdp(30000))});
    assert_true(rig_next(&b, &e, RIG_WAIT_MS));
    assert_true(e.type == UA_ENDED && e.call == 5 && e.status == 503);
    rig_stop(&b);
    rig_stop(&a);
}

static void sipp_calls_by_ipv6(void **state)
{
    struct rig r;
    char listen[128], target[64], port[16], log[256];
    const char *build = getenv("HILO_BUILD");
    int six = rig_port(true);

    (void)state;
    rig_init(&r);
    /* Two families: two listens each, one endpoint. */
    snprintf(listen, sizeof listen, "127.0.0.1:%d [::1]:%d", r.port, six);
    r.conf.udp = r.conf.tcp = str(listen);
    r.conf.trunk = str("::1 127.0.0.0/8");
    rig_start(&r, true);
    snprintf(target, sizeof target, "[::1]:%d", six);
    snprintf(port, sizeof port, "%d", rig_port(true));
    snprintf(log, sizeof log, "%s/sipp-ipv6.log", build ? build : "build/debug-gcc");
    for (int tcp = 0; tcp < 2; tcp++)
        assert_int_equal(
            rig_serve(&r, rig_spawn(log, (const char *[]){"sipp", "-sn", "uac", "-i", "[::1]", "-p", port,
                                                          "-m", "5", "-r", "20", "-nostdin", "-timeout",
                                                          "20s", "-t", tcp ? "t1" : "u1", target, NULL})),
            0);
    rig_stop(&r);
}

/* Behind a NAT, Contact and Via name the public host; a proxy gets what is not for it; an order given before
 * the thread listens is kept. */
static void seen_from_outside(void **state)
{
    struct rig r;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd p = {.events = POLLIN};
    char proxy[64], text[4096] = "", via[64], contact[64], why[256];
    ssize_t n;

    (void)state;
    rig_init(&r);
    a.sin_port = htons((uint16_t)rig_port(false));
    snprintf(proxy, sizeof proxy, "127.0.0.1:%d", ntohs(a.sin_port));
    r.conf.proxy = str(proxy);
    r.conf.public_host = str("198.51.100.7");
    p.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p.fd, (struct sockaddr *)&a, sizeof a), 0);
    r.ua = ua_new(&r.conf, ignore, NULL, why);
    assert_non_null(r.ua);
    ua_start(r.ua);
    ua_call(r.ua, 1, &(struct ua_invite){.to = str("sip:x@example.org"), .sdp = str(rig_sdp(30000))});
    assert_int_equal(poll(&p, 1, RIG_WAIT_MS), 1);
    n = recv(p.fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    snprintf(via, sizeof via, "Via: SIP/2.0/UDP 198.51.100.7:%d;", r.port);
    snprintf(contact, sizeof contact, "Contact: <sip:198.51.100.7:%d", r.port);
    assert_int_equal(strncmp(text, "INVITE sip:x@example.org SIP/2.0\r\n", 34), 0);
    assert_non_null(strstr(text, via));
    if (!strstr(text, contact) && !strstr(text, "Contact: <sip:hilo@198.51.100.7"))
        fail_msg("%s", text);
    close(p.fd);
    ua_free(r.ua, 0);
}

/* ana called by the gateway, agente called by the gateway, and ana handed over to agente: her endpoint calls
 * his with Replaces, and his call goes on with her. */
static void attended_transfer(void **state)
{
    struct rig us, ana, agente;
    struct ua_event e;
    struct ua_invite i = {.sdp = str(rig_sdp(30000)), .ring_us = 8000000};
    char to[64], target[256], replaces[256], sdp[600];
    uint64_t hers, his;

    (void)state;
    snprintf(sdp, sizeof sdp, "%s", rig_sdp(30000));
    i.sdp = str(sdp);
    rig_init(&us);
    rig_init(&ana);
    rig_init(&agente);
    rig_start(&us, true);
    rig_start(&ana, true);
    rig_start(&agente, true);
    snprintf(to, sizeof to, "sip:ana@127.0.0.1:%d", ana.port);
    i.to = str(to);
    ua_call(us.ua, 1, &i);
    hers = rig_await(&ana, UA_INCOMING).call;
    ua_answer(ana.ua, hers, str(sdp));
    rig_await(&us, UA_ANSWERED);
    rig_await(&ana, UA_ANSWERED);
    snprintf(to, sizeof to, "sip:agente@127.0.0.1:%d", agente.port);
    i.to = str(to);
    ua_call(us.ua, 2, &i);
    his = rig_await(&agente, UA_INCOMING).call;
    ua_answer(agente.ua, his, str(sdp));
    rig_await(&us, UA_ANSWERED);
    rig_await(&agente, UA_ANSWERED);
    ua_refer(us.ua, 1, str(NULL), 2);
    e = rig_await(&ana, UA_TRANSFER);
    snprintf(target, sizeof target, "%.*s", (int)e.target.n, e.target.p);
    snprintf(replaces, sizeof replaces, "%.*s", (int)e.replaces.n, e.replaces.p);
    assert_true(*replaces);
    ua_refer_answer(ana.ua, hers, 202);
    i.to = str(target);
    i.replaces = str(replaces);
    ua_call(ana.ua, 77, &i);
    e = rig_await(&agente, UA_OFFER);
    assert_true(e.call == his && e.sdp.n);
    ua_answer(agente.ua, his, str(sdp));
    e = rig_await(&agente, UA_ANSWERED);
    assert_true(e.call == his);
    e = rig_await(&ana, UA_ANSWERED);
    assert_int_equal(e.call, 77);
    /* Our call with him is over by that; hers by us, when she says that it went well. */
    do
        assert_true(rig_next(&us, &e, RIG_WAIT_MS));
    while (e.type != UA_ENDED);
    assert_int_equal(e.call, 2);
    ua_refer_answer(ana.ua, hers, 200);
    do
        e = rig_await(&us, UA_REFERRED);
    while (e.status < 200);
    assert_int_equal(e.status, 200);
    ua_hangup(us.ua, 1, str(NULL));
    e = rig_await(&ana, UA_ENDED);
    assert_int_equal(e.call, hers);
    ua_hangup(ana.ua, 77, str(NULL));
    e = rig_await(&agente, UA_ENDED);
    assert_int_equal(e.call, his);
    rig_stop(&us);
    rig_stop(&ana);
    rig_stop(&agente);
}

/* A Replaces of a dialog that is not there: 481. */
static void replaces_nothing(void **state)
{
    struct rig a, b;
    struct ua_event e;
    char to[64];

    (void)state;
    rig_init(&a);
    rig_init(&b);
    rig_start(&a, true);
    rig_start(&b, true);
    snprintf(to, sizeof to, "sip:x@127.0.0.1:%d", b.port);
    ua_call(a.ua, 1,
            &(struct ua_invite){
                .to = str(to), .sdp = str(rig_sdp(30000)), .replaces = str("no@where;to-tag=1;from-tag=2")});
    do
        assert_true(rig_next(&a, &e, RIG_WAIT_MS));
    while (e.type != UA_ENDED);
    assert_int_equal(e.status, 481);
    assert_false(rig_next(&b, &e, 0));
    rig_stop(&a);
    rig_stop(&b);
}

/* The end says good-bye to every call, and waits for nobody that is silent. */
static void the_end_with_calls_up(void **state)
{
    struct rig a, b;
    struct ua_event e;
    struct timespec t0, t1;
    char to[64], nobody[64];

    (void)state;
    rig_init(&a);
    rig_init(&b);
    rig_start(&a, true);
    rig_start(&b, true);
    snprintf(to, sizeof to, "sip:x@127.0.0.1:%d", b.port);
    for (uint64_t i = 1; i <= 3; i++)
        ua_call(a.ua, i, &(struct ua_invite){.to = str(to), .sdp = str(rig_sdp(30000)), .ring_us = 9000000});
    for (int i = 0; i < 3; i++) {
        e = rig_await(&b, UA_INCOMING);
        if (i)
            ua_answer(b.ua, e.call, str(rig_sdp(30000)));
        else
            ua_ring(b.ua, e.call, str(NULL));
    }
    rig_await(&b, UA_ANSWERED);
    rig_await(&b, UA_ANSWERED);
    snprintf(nobody, sizeof nobody, "sip:x@127.0.0.1:%d", rig_port(false));
    ua_call(
        a.ua, 9,
        &(struct ua_invite){.to = str("sip:x@192.0.2.77"), .sdp = str(rig_sdp(30000)), .ring_us = 9000000});
    (void)nobody;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    ua_free(a.ua, 1000000);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    assert_true((t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000 < 3000);
    for (int i = 0; i < 3; i++) {
        do
            assert_true(rig_next(&b, &e, RIG_WAIT_MS));
        while (e.type != UA_ENDED);
        assert_true(e.by_peer);
    }
    close(a.wake[0]);
    close(a.wake[1]);
    rig_stop(&b);
}

/* Sofia 1.12 frees no SSL object of a connection (plugins/voice/SIGNALLING.md): what OpenSSL made for it is
 * not ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libssl.so\nleak:libcrypto.so\n";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_asks_by_tls),  cmocka_unit_test(call_by_tls),
        cmocka_unit_test(tls_of_another_ca),    cmocka_unit_test(a_wrong_key_is_told),
        cmocka_unit_test(a_taken_port_is_told), cmocka_unit_test(seen_from_outside),
        cmocka_unit_test(sipp_calls_by_ipv6),   cmocka_unit_test(attended_transfer),
        cmocka_unit_test(replaces_nothing),     cmocka_unit_test(the_end_with_calls_up),
    };

    if (getenv("HILO_TEST"))
        cmocka_set_test_filter(getenv("HILO_TEST"));
    return cmocka_run_group_tests_name("ua_link", tests, setup, teardown);
}
