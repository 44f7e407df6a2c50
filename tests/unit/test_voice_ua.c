/*
 * The pure parts of signalling: digest (the examples of RFC 7616), listens, networks, rates, header texts,
 * lists of addresses. SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../plugins/voice/ua_digest.h"
#include "../../plugins/voice/ua_gate.h"
#include "../../plugins/voice/ua_read.h"

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, s ? strlen(s) : 0};
}
static bool is(struct hilo_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static void digest_of_rfc_7616(void **state)
{
    struct ua_digest c = {.algorithm = UA_DIGEST_SHA256,
                          .realm = str("http-auth@example.org"),
                          .nonce = str("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
                          .opaque = str("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"),
                          .qop = true,
                          .qop_auth = true};
    char out[1024], tiny[40];
    const char *cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    (void)state;
    assert_true(ua_digest_answer(&c, str("Mufasa"), str("Circle of Life"), "GET", "/dir/index.html", cnonce,
                                 1, out, sizeof out));
    assert_non_null(
        strstr(out, "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
    assert_non_null(strstr(out, "algorithm=SHA-256"));
    assert_non_null(
        strstr(out, "qop=auth, nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\""));
    assert_non_null(strstr(out, "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""));
    c.algorithm = UA_DIGEST_MD5;
    assert_true(ua_digest_answer(&c, str("Mufasa"), str("Circle of Life"), "GET", "/dir/index.html", cnonce,
                                 1, out, sizeof out));
    assert_non_null(strstr(out, "response=\"8ca523f5e9506fed4657c9700eebdbec\""));
    assert_false(ua_digest_answer(&c, str("Mufasa"), str("x"), "GET", "/", cnonce, 1, tiny, sizeof tiny));
    c.qop_auth = false; /* only auth-int is offered */
    assert_false(ua_digest_answer(&c, str("Mufasa"), str("x"), "GET", "/", cnonce, 1, out, sizeof out));
}

static void listens(void **state)
{
    struct ua_listen l[UA_LISTENS_MAX];
    char why[UA_WHY];
    struct ua_conf c = {
        .udp = str("0.0.0.0:5060 [::]:5060"), .tcp = str("0.0.0.0:5060"), .tls = str("0.0.0.0:5061")};
    static const char *const bad[] = {"5060",      "0.0.0.0",  "0.0.0.0:", "0.0.0.0:0", "0.0.0.0:65536",
                                      "host:5060", "[::]5060", "[::",      "::1:5060",  "1.2.3.4:50x"};

    (void)state;
    assert_int_equal(ua_listens(&c, l, why), 3);
    assert_true(l[0].udp && l[0].tcp && !l[0].tls && !l[0].v6 && strcmp(l[0].port, "5060") == 0);
    assert_true(l[1].udp && !l[1].tcp && l[1].v6 && strcmp(l[1].host, "::") == 0);
    assert_true(l[2].tls && strcmp(l[2].port, "5061") == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        *why = '\0';
        assert_int_equal(ua_listens(&(struct ua_conf){.udp = str(bad[i])}, l, why), 0);
        assert_true(*why);
    }
    assert_int_equal(
        ua_listens(&(struct ua_conf){.tcp = str("0.0.0.0:5060"), .tls = str("0.0.0.0:5060")}, l, why), 0);
    assert_int_equal(ua_listens(&(struct ua_conf){0}, l, why), 0);
}

static bool in(const char *nets, const char *addr)
{
    struct ua_gate g = {0};
    struct sockaddr_in a = {.sin_family = AF_INET};
    struct sockaddr_in6 b = {.sin6_family = AF_INET6};
    char why[UA_WHY];

    g.n_nets = ua_nets(str(nets), g.nets, why);
    assert_int_not_equal(g.n_nets, UINT32_MAX);
    if (inet_pton(AF_INET, addr, &a.sin_addr) == 1)
        return ua_gate_trusts(&g, (struct sockaddr *)&a);
    assert_int_equal(inet_pton(AF_INET6, addr, &b.sin6_addr), 1);
    return ua_gate_trusts(&g, (struct sockaddr *)&b);
}

static void networks(void **state)
{
    struct ua_net n[UA_NETS_MAX];
    char why[UA_WHY];
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8",  "x", "::1/129",
                                      "1.2.3.4/",    "1.2.3.4/a", "/8"};

    (void)state;
    assert_true(in("10.0.0.0/8", "10.255.1.2") && !in("10.0.0.0/8", "11.0.0.1"));
    assert_true(in("192.0.2.7", "192.0.2.7") && !in("192.0.2.7", "192.0.2.6"));
    assert_true(in("192.0.2.128/25", "192.0.2.200") && !in("192.0.2.128/25", "192.0.2.100"));
    assert_true(in("2001:db8::/33", "2001:db8:7fff::1") && !in("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(in("192.0.2.7", "::ffff:192.0.2.7")); /* the same peer by a socket of both families */
    assert_true(!in("0.0.0.0/0", "2001:db8::1") && in("::/0", "192.0.2.1"));
    assert_true(!in("", "127.0.0.1"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ua_nets(str(bad[i]), n, why), UINT32_MAX);
}

static void rates(void **state)
{
    static struct ua_gate g;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)},
                       b = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000002)};

    (void)state;
    g.per_s = 2;
    for (int64_t second = 5; second < 8; second++) {
        assert_true(ua_gate_rate(&g, (struct sockaddr *)&a, second));
        assert_true(ua_gate_rate(&g, (struct sockaddr *)&a, second));
        assert_false(ua_gate_rate(&g, (struct sockaddr *)&a, second));
        assert_true(ua_gate_rate(&g, (struct sockaddr *)&b, second));
    }
    /* Refusals are told once a second, and all are counted. */
    assert_int_equal(ua_gate_refused(&g, 9), 1);
    assert_int_equal(ua_gate_refused(&g, 9), 0);
    assert_int_equal(ua_gate_refused(&g, 9), 0);
    assert_int_equal(ua_gate_refused(&g, 10), 3);
}

static void learned_addresses(void **state)
{
    static struct ua_gate g;
    struct sockaddr_in a = {.sin_family = AF_INET};

    (void)state;
    for (uint32_t i = 1; i <= UA_LEARNED_MAX + 1; i++) {
        a.sin_addr.s_addr = htonl(i);
        ua_gate_learn(&g, (struct sockaddr *)&a);
        ua_gate_learn(&g, (struct sockaddr *)&a);
        assert_true(ua_gate_trusts(&g, (struct sockaddr *)&a));
    }
    a.sin_addr.s_addr = htonl(1); /* the oldest has given way */
    assert_false(ua_gate_trusts(&g, (struct sockaddr *)&a));
    a.sin_addr.s_addr = htonl(2);
    assert_true(ua_gate_trusts(&g, (struct sockaddr *)&a));
}

static void targets_and_texts(void **state)
{
    struct ua_target t;
    char out[64] = "";

    (void)state;
    assert_true(ua_target(str("sip:ana@pbx.example:5070;transport=tcp"), &t));
    assert_true(is(t.user, "ana") && is(t.host, "pbx.example:5070") && is(t.params, ";transport=tcp") &&
                !t.secure);
    assert_true(ua_target(str("SIPS:[2001:db8::1]"), &t) && t.secure && is(t.host, "[2001:db8::1]") &&
                t.user.n == 0);
    assert_true(ua_target(str("pbx.example"), &t) && is(t.host, "pbx.example"));
    assert_false(ua_target(str(""), &t));
    assert_false(ua_target(str("sip:@host"), &t));
    assert_false(ua_target(str("sip:a@host?Route=x"), &t));
    assert_false(ua_target(str("sip:a@host\r\nX: y"), &t));
    assert_false(ua_target(str("sip:a@host>;x"), &t));
    assert_true(ua_put_user(out, sizeof out, str("+57 a@b\r\n")));
    assert_string_equal(out, "+57%20a%40b%0D%0A");
    out[0] = '\0';
    assert_true(ua_put_quoted(out, sizeof out, str("Ana \"la\\\r\nRuiz")));
    assert_string_equal(out, "\"Ana \\\"la\\\\Ruiz\"");
    assert_false(ua_put_hvalue(out, 20, str("abcdef"))); /* does not fit: as before */
    assert_string_equal(out, "\"Ana \\\"la\\\\Ruiz\"");
}

static void address_lists(void **state)
{
    struct hilo_str item;

    (void)state;
    assert_true(
        is(ua_read_addr(str("\"a, <sip:no@x>\" <sip:yes@x;p=1>;q=2, <sip:other@x>")), "sip:yes@x;p=1"));
    assert_true(is(ua_read_addr(str(" sip:plain@x;tag=1")), "sip:plain@x"));
    assert_true(is(ua_read_addr(str("tel:+573001112233")), "tel:+573001112233"));
    assert_int_equal(ua_read_addr(str("<sip:open@x")).n, 0);
    assert_int_equal(ua_read_addr(str("\"never closed")).n, 0);
    assert_int_equal(ua_read_addr(str("")).n, 0);
    assert_true(ua_read_item(str("a, \"b,c\\\"\", <d,e>"), 2, &item) && is(item, " <d,e>"));
    assert_false(ua_read_item(str("a"), 1, &item));
}

static void sipfrags(void **state)
{
    struct hilo_str phrase;

    (void)state;
    assert_int_equal(ua_read_sipfrag(str("SIP/2.0 180 Ringing\r\nX: y"), &phrase), 180);
    assert_true(is(phrase, "Ringing"));
    assert_int_equal(ua_read_sipfrag(str("SIP/2.0 200"), &phrase), 200);
    assert_int_equal(ua_read_sipfrag(str("SIP/2.0 2000 x"), &phrase), 0);
    assert_int_equal(ua_read_sipfrag(str("SIP/2.0 099 x"), &phrase), 0);
    assert_int_equal(ua_read_sipfrag(str("SIP/2.0 20"), &phrase), 0);
    assert_int_equal(ua_read_sipfrag(str("HTTP/1.1 200 OK"), &phrase), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_of_rfc_7616), cmocka_unit_test(listens),
        cmocka_unit_test(networks),           cmocka_unit_test(rates),
        cmocka_unit_test(learned_addresses),  cmocka_unit_test(targets_and_texts),
        cmocka_unit_test(address_lists),      cmocka_unit_test(sipfrags),
    };

    return cmocka_run_group_tests_name("voice_ua", tests, NULL, NULL);
}
