/*
 * What the POS channel refuses, from outside: each with an answer or an alert, and a reason in the log; and
 * the two framings.
 */
#include "pos.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- what is refused
 * ------------------------------------------------------------------------------------------ */

static char *repeated(const char *what, size_t n, const char *end)
{
    size_t one = strlen(what), i;
    char *p = malloc(one * n + strlen(end) + 1);

    for (i = 0; i < n; i++)
        memcpy(p + i * one, what, one);
    strcpy(p + one * n, end);
    return p;
}

static void what_is_no_frame_ends_the_connection(void **state)
{
    struct rig *r = up("");
    char *deep = repeated("[", 10000, ""), *big = repeated("a", 70000, "");
    const struct {
        const char *frame, *reason;
    } all[] = {
        {"{\"jsonrpc\":\"2.0\",", "json"},
        {"nonsense", "json"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\",\"params\":{\"x\":\"\xff\"}}", "utf8"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\",\"params\":{\"x\":\"\\u0000\"}}", "utf8"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"id\":\"2\",\"method\":\"ping\"}", "duplicate_key"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\",\"params\":{\"x\":90071992547409930}}",
         "number"},
        {deep, "too_deep"},
        {big, "too_big"}};
    struct till t;
    size_t i;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        cJSON *a;

        till_open(&t);
        till_frame(&t, all[i].frame);
        a = till_next(&t);
        assert_true(cJSON_IsNull(json_at(a, "id")));
        is_error(a, -32700, all[i].reason);
        till_ended(&t);
        refused(r, all[i].reason);
    }
    free(deep);
    free(big);
    till_free(&t);
    down(r);
}

static void what_is_no_request_is_answered_so(void **state)
{
    struct rig *r = up("");
    const struct {
        const char *frame;
        int code;
        const char *reason;
    } all[] = {
        {"{\"id\":\"1\",\"method\":\"ping\"}", -32600, "jsonrpc"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", -32600, "id"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}", -32600, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"method\":\"ping\"}", -32600, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":7}", -32600, "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\",\"params\":[]}", -32600, "params"},
        {"[]", -32600, "batch"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"customer.delete\"}", -32601, "unknown_method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"enroll\",\"params\":{\"code\":\"x\",\"csr\":\"x\"}}",
         -32001, "role"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\",\"params\":{\"a\":1}}", -32602,
         "unknown_member"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"case.note\",\"params\":{\"case\":\"x\",\"text\":"
         "\"x\"}}",
         -32602, "value"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"case.note\",\"params\":{\"case\":\"cas_"
         "01M8FDPS0BF747MPDS9AS2FZ06\"}}",
         -32602, "missing"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\",\"params\":{\"at\":\"2001-01-01T00:00:00Z\"}"
         "}",
         -32602, "value"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"case.note\",\"params\":{\"case\":\"cas_"
         "01M8FDPS0BF747MPDS9AS2FZ06\",\"text\":"
         "\"paga con 4111 1111 1111 1111\"}}",
         -32004, "card_number"}};
    struct till t;
    unsigned i;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_open(&t);
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        till_frame(&t, all[i].frame);
        is_error(till_next(&t), all[i].code, all[i].reason);
        refused(r, all[i].reason);
    }
    assert_false(process_saw(r->gate.process, "4111"));
    /* Seven of them were no requests; the tenth is the last. */
    for (i = 0; i < 3; i++) {
        till_frame(&t, all[0].frame);
        is_error(till_next(&t), -32600, "jsonrpc");
    }
    till_ended(&t);
    refused(r, "strikes");
    assert_true(till_connect(&t, "hilo-pos/1", 0));
    is_error(till_ask(&t, "1", "ping", "{}"), -32600, "hello_first");
    till_free(&t);
    down(r);
}

static void who_is_not_trusted_does_not_get_in(void **state)
{
    struct rig *r = up("");
    struct till t, other;
    struct answer a;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_enroll(&other, &r->gate, r->port, "CENTRO", "4", "clerk");

    (void)till_connect(&t, "hilo-pos/1", TILL_NO_CERT);
    assert_null(till_next(&t));
    refused(r, "no_certificate");
    assert_false(till_connect(&t, "hilo-pos/1", TILL_OLD_TLS));
    refused(r, "tls_version");
    assert_false(till_connect(&t, "spdy/3", 0));
    refused(r, "alpn");
    /* A ticket of an enrolment is no certificate: there is none. */
    assert_true(till_connect(&t, "hilo-enroll/1", TILL_NO_CERT));
    is_error(till_ask(&t, "1", "hello", "{\"protocol\":1}"), -32001, "role");

    /* Revoked, an open connection ends at once, and no ticket brings it back. */
    till_open(&t);
    a = gate_post(&r->gate, "/v1/channels/wa/admin/terminals/CENTRO/3/revoke", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    cJSON_Delete(till_push(&t, "revoked"));
    till_ended(&t);
    (void)till_connect(&t, "hilo-pos/1", 0);
    assert_null(till_next(&t));
    refused(r, "revoked");
    till_close(&t);
    if (till_connect(&t, "hilo-pos/1", TILL_RESUME)) {
        cJSON *last = till_next(&t);

        cJSON_Delete(last);
        till_ended(&t);
    }
    refused(r, "revoked");
    till_open(&other);
    till_free(&t);
    till_free(&other);
    down(r);
}

static void who_is_silent_or_slow_is_let_go(void **state)
{
    struct rig *r = up("    handshake_timeout: 1s\n    frame_timeout: 1s\n    heartbeat: 1s\n    "
                       "connections_per_address: 3\n");
    struct till t, more[3];
    unsigned i;
    cJSON *p;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    for (i = 0; i < 3; i++) {
        more[i] = t;
        more[i].session = NULL;
    }
    assert_true(till_connect(&t, "hilo-pos/1", 0));
    till_ended(&t);
    refused(r, "no_hello");
    till_open(&t);
    till_raw(&t, "{\"jsonrpc\":", 11);
    till_ended(&t);
    refused(r, "half_frame");
    /* It is asked, and when it says nothing, it is gone. */
    till_open(&t);
    p = till_push(&t, "ping");
    till_answer(&t, p);
    cJSON_Delete(p);
    till_ended(&t);
    refused(r, "silent");
    /* By WebSocket: the half of a header is half a frame, a ping is a whole one. */
    assert_true(till_connect(&t, "http/1.1", 0));
    assert_int_equal(till_upgrade(&t, "/pos", ""), 101);
    cJSON_Delete(till_ask(&t, "h", "hello", "{\"protocol\":1}"));
    till_raw(&t, "\x81", 1);
    till_ended(&t);
    refused(r, "half_frame");
    assert_true(till_connect(&t, "http/1.1", 0));
    assert_int_equal(till_upgrade(&t, "/pos", ""), 101);
    cJSON_Delete(till_ask(&t, "h", "hello", "{\"protocol\":1}"));
    till_ws(&t, 9, true, "x", 1);
    till_ended(&t);
    refused(r, "silent");

    for (i = 0; i < 3; i++)
        assert_true(till_connect(&more[i], "hilo-pos/1", 0));
    assert_false(till_connect(&t, "hilo-pos/1", 0));
    refused(r, "address_limit");
    for (i = 0; i < 3; i++) {
        till_ended(&more[i]);
        SSL_SESSION_free(more[i].session);
    }
    till_open(&t);
    till_free(&t);
    down(r);
}

static void two_connections_of_one_terminal_are_one_too_many(void **state)
{
    struct rig *r = up("");
    struct till t, again;
    cJSON *a;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    again = t;
    again.pushes = cJSON_CreateArray();
    again.session = NULL;
    till_open(&t);
    till_open(&again);
    till_ended(&t);
    a = till_ask(&again, "1", "ping", "{}");
    (void)result_of(a);
    cJSON_Delete(a);
    /* Back with a ticket. */
    till_close(&again);
    assert_true(till_connect(&again, "hilo-pos/1", TILL_RESUME));
    assert_true(SSL_session_reused(again.ssl));
    a = till_ask(&again, "2", "hello", "{\"protocol\":1}");
    (void)result_of(a);
    cJSON_Delete(a);
    till_close(&again);
    cJSON_Delete(again.pushes);
    SSL_SESSION_free(again.session);
    till_free(&t);
    down(r);
}

/* Comes with this session, and not with the one of its last connection. */
static void resume(struct till *t, SSL_SESSION *session)
{
    till_close(t);
    SSL_SESSION_free(t->session);
    assert_true(SSL_SESSION_up_ref(session));
    t->session = session;
    assert_true(till_connect(t, "hilo-pos/1", TILL_RESUME));
}

static void a_session_is_resumed_once_and_judged_anew(void **state)
{
    struct rig *r = up("");
    struct till t, other;
    SSL_SESSION *first, *second, *others;
    struct answer a;
    cJSON *said;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    till_enroll(&other, &r->gate, r->port, "CENTRO", "4", "cashier");
    till_open(&other);
    others = SSL_get1_session(other.ssl);
    till_open(&t);
    first = SSL_get1_session(t.ssl);
    resume(&t, first);
    assert_true(SSL_session_reused(t.ssl));
    said = till_ask(&t, "1", "hello", "{\"protocol\":1}");
    assert_string_equal(text_of(result_of(said), "terminal"), "3");
    assert_string_equal(text_of(result_of(said), "role"), "clerk");
    cJSON_Delete(said);
    second = SSL_get1_session(t.ssl);
    /* Who has seen the ticket on its way can't use it again; the terminal shows its certificate. */
    resume(&t, first);
    assert_false(SSL_session_reused(t.ssl));
    cJSON_Delete(till_ask(&t, "1", "hello", "{\"protocol\":1}"));

    a = gate_post(&r->gate, "/v1/channels/wa/admin/terminals/CENTRO/3/revoke", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    cJSON_Delete(till_push(&t, "revoked"));
    till_ended(&t);
    resume(&t, second);
    assert_true(SSL_session_reused(t.ssl));
    is_error(till_next(&t), -32001, "revoked");
    till_ended(&t);
    refused(r, "revoked");

    /* A gateway that was killed knows no sessions, and takes certificates. */
    till_close(&other);
    crash(r);
    resume(&other, others);
    assert_false(SSL_session_reused(other.ssl));
    cJSON_Delete(till_ask(&other, "1", "hello", "{\"protocol\":1}"));
    SSL_SESSION_free(first);
    SSL_SESSION_free(second);
    SSL_SESSION_free(others);
    till_free(&t);
    till_free(&other);
    down(r);
}

/* ---- WebSocket
 * ---------------------------------------------------------------------------------------------------- */

static void the_same_by_websocket(void **state)
{
    static const char hello[] =
        "{\"jsonrpc\":\"2.0\",\"id\":\"h\",\"method\":\"hello\",\"params\":{\"protocol\":1}}";
    struct rig *r = up("    origins: https://till.example\n");
    char *big = repeated("a", 70000, "");
    struct till t;
    cJSON *a;

    (void)state;
    till_enroll(&t, &r->gate, r->port, "CENTRO", "3", "clerk");
    assert_true(till_connect(&t, "http/1.1", 0));
    assert_int_equal(till_upgrade(&t, "/pos", "Origin: https://till.example\r\n"), 101);
    /* In three pieces, with a ping in between. */
    till_ws(&t, 1, false, hello, 10);
    till_ws(&t, 9, true, "x", 1);
    till_ws(&t, 0, false, hello + 10, 20);
    till_ws(&t, 0, true, hello + 30, strlen(hello) - 30);
    a = till_next(&t);
    assert_string_equal(text_of(result_of(a), "terminal"), "3");
    cJSON_Delete(a);
    till_ws(&t, 2, true, "x", 1);
    a = till_next(&t);
    assert_int_equal(a->valueint, 1003);
    cJSON_Delete(a);
    refused(r, "binary");

    /* Without ALPN the first byte tells. */
    assert_true(till_connect(&t, NULL, 0));
    assert_int_equal(till_upgrade(&t, "/pos", ""), 101);
    till_ws(&t, 1, true, "\xff\xff", 2);
    a = till_next(&t);
    assert_int_equal(a->valueint, 1007);
    cJSON_Delete(a);
    refused(r, "utf8");
    assert_true(till_connect(&t, NULL, 0));
    assert_int_equal(till_upgrade(&t, "/pos", ""), 101);
    till_ws(&t, 1, true, big, 70000);
    a = till_next(&t);
    assert_int_equal(a->valueint, 1009);
    cJSON_Delete(a);
    refused(r, "too_big");

    assert_true(till_connect(&t, "http/1.1", 0));
    assert_int_equal(till_upgrade(&t, "/pos", "Origin: https://evil.example\r\n"), 403);
    refused(r, "origin");
    assert_true(till_connect(&t, "http/1.1", 0));
    assert_int_equal(till_upgrade(&t, "/", ""), 404);
    refused(r, "http");
    free(big);
    till_free(&t);
    down(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_frame_ends_the_connection),
        cmocka_unit_test(what_is_no_request_is_answered_so),
        cmocka_unit_test(who_is_not_trusted_does_not_get_in),
        cmocka_unit_test(who_is_silent_or_slow_is_let_go),
        cmocka_unit_test(two_connections_of_one_terminal_are_one_too_many),
        cmocka_unit_test(a_session_is_resumed_once_and_judged_anew),
        cmocka_unit_test(the_same_by_websocket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
