/*
 * What a terminal that was let in may send that is no frame, no request, no upgrade: each is answered by the
 * error, the status or the close code that PROTOCOL.md has for it, and logged; a good till is served
 * meanwhile.
 */
#include "shop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define REQUEST(params) "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\",\"params\":" params "}\n"

/* ---- frames ---- */

/* Sends bytes on a new line that has said hello; the answer must be this error. ends: the line ends after it.
 */
static void frame_is(struct shop *s, const char *what, const struct till_id *id, const void *p, size_t n,
                     int code, const char *reason, bool ends)
{
    const struct till_dial d = shop_dial(s, id);
    struct till_line l;
    cJSON *answer;
    const cJSON *why;

    till_hello(&l, &d);
    (void)till_put(&l, p, n);
    answer = till_json(&l);
    why = json_at(answer, "error/data/reason");
    if (!answer || !json_at(answer, "error/code") || json_at(answer, "error/code")->valueint != code ||
        !why || strcmp(cJSON_GetStringValue(why), reason) != 0)
        fail_msg("%s: %s", what, answer ? cJSON_Print(answer) : "ended without an answer");
    if (ends) {
        assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(answer, "id")));
        till_wait_end(&l);
    } else {
        till_is_result(till_call(&l, "still", "ping", "{}"));
    }
    cJSON_Delete(answer);
    till_close(&l);
    shop_refused(s, reason);
}

static void what_is_no_frame_ends_the_connection(void **state)
{
    static const struct {
        const char *what, *text;
        size_t n;
        const char *reason;
    } bad[] = {
        {"no JSON", "hello\n", 6, "json"},
        {"half an object", "{\"jsonrpc\":\"2.0\"\n", 17, "json"},
        {"two objects", "{}{}\n", 5, "json"},
        {"a comma too many", REQUEST("{\"clerk\":\"a\",}"), 0, "json"},
        {"a control character", REQUEST("{\"clerk\":\"a\tb\"}"), 0, "json"},
        {"half a surrogate", REQUEST("{\"clerk\":\"\\ud800\"}"), 0, "utf8"},
        {"a byte of none", REQUEST("{\"clerk\":\"\xff\"}"), 0, "utf8"},
        {"too long a form", REQUEST("{\"clerk\":\"\xc0\xaf\"}"), 0, "utf8"},
        {"a surrogate in UTF-8", REQUEST("{\"clerk\":\"\xed\xa0\x80\"}"), 0, "utf8"},
        {"beyond Unicode", REQUEST("{\"clerk\":\"\xf4\x90\x80\x80\"}"), 0, "utf8"},
        {"half a character", REQUEST("{\"clerk\":\"\xc3\"}"), 0, "utf8"},
        {"a NUL", REQUEST("{\"clerk\":\"a\\u0000b\"}"), 0, "utf8"},
        {"a key twice", REQUEST("{\"clerk\":\"a\",\"clerk\":\"b\"}"), 0, "duplicate_key"},
        {"a key twice, written differently", REQUEST("{\"clerk\":\"a\",\"\\u0063lerk\":\"b\"}"), 0,
         "duplicate_key"},
        {"an integer beyond 2^53", REQUEST("{\"x\":9007199254740994}"), 0, "number"},
        {"no number", REQUEST("{\"x\":NaN}"), 0, "json"},
        {"17 deep", REQUEST("{\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}"), 0, "too_deep"},
    };
    struct shop *s = *state;
    struct till_id id;
    char *p;
    size_t n;

    till_enroll(&s->gate, s->port, "CENTRO", "2", NULL, &id);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        frame_is(s, bad[i].what, &id, bad[i].text, bad[i].n ? bad[i].n : strlen(bad[i].text), -32700,
                 bad[i].reason, true);
    p = shop_repeated("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\",\"params\":", "[", 10000, "",
                      &n);
    p = realloc(p, n + 10002 + 2);
    memset(p + n, ']', 10000);
    (void)strcpy(p + n + 10000, "}\n");
    frame_is(s, "10,000 arrays deep", &id, p, n + 10002, -32700, "too_deep", true);
    free(p);
    p = shop_repeated("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\",\"params\":", "{\"a\":", 10000,
                      "\n", &n);
    frame_is(s, "10,000 objects deep, of which none ends", &id, p, n, -32700, "too_deep", true);
    free(p);
    /* The largest frame is taken: it is only blanks too many. One byte more, with or without an end, is not.
     */
    p = shop_repeated("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"nothing\",\"params\":{}", " ",
                      65536 - 57, "}\n", &n);
    assert_int_equal(n, 65537);
    frame_is(s, "the largest", &id, p, n, -32601, "unknown_method", false);
    free(p);
    p = shop_repeated("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"nothing\",\"params\":{}", " ",
                      65536 - 56, "}\n", &n);
    frame_is(s, "one byte too big", &id, p, n, -32700, "too_big", true);
    free(p);
    p = shop_repeated("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"", "a", 1000000, "", &n);
    frame_is(s, "a megabyte without an end", &id, p, n, -32700, "too_big", true);
    free(p);
    shop_serves(s);
    till_id_done(&id);
}

static void what_is_no_request_is_an_error(void **state)
{
    static const struct {
        const char *what, *text;
        int code;
        const char *reason;
    } bad[] = {
        {"an unknown method", "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"customer.list\"}\n", -32601,
         "unknown_method"},
        {"the gateway's own method", "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"message.show\"}\n",
         -32601, "unknown_method"},
        {"a batch", "[{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\"}]\n", -32600, "batch"},
        {"a number", "1\n", -32600, "jsonrpc"},
        {"JSON-RPC 1.0", "{\"id\":\"1\",\"method\":\"ping\",\"params\":{}}\n", -32600, "jsonrpc"},
        {"a notification", "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}\n", -32600, "id"},
        {"an id that is a number", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n", -32600, "id"},
        {"an id that is null", "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}\n", -32600, "id"},
        {"the gateway's id", "{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"method\":\"ping\"}\n", -32600, "id"},
        {"an id with a blank", "{\"jsonrpc\":\"2.0\",\"id\":\"a b\",\"method\":\"ping\"}\n", -32600, "id"},
        {"no method", "{\"jsonrpc\":\"2.0\",\"id\":\"1\"}\n", -32600, "method"},
        {"a method that is an object", "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":{}}\n", -32600,
         "method"},
        {"params that are an array", "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"ping\",\"params\":[]}\n",
         -32600, "params"},
        {"a member too many", REQUEST("{\"clerk\":\"a\",\"clark\":\"a\"}"), -32602, "unknown_member"},
        {"a clerk that is a number", REQUEST("{\"clerk\":7}"), -32602, "type"},
        {"tomorrow", REQUEST("{\"at\":\"2999-01-01T00:00:00Z\"}"), -32602, "value"},
        {"long ago", REQUEST("{\"at\":\"1999-01-01T00:00:00Z\"}"), -32602, "value"},
        {"a look-up by nobody",
         "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"customer.find\",\"params\":{\"by\":{"
         "\"document\":" DOCUMENT "},\"reason\":\"claim\"}}\n",
         -32602, "missing"},
        {"a look-up for no reason",
         "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"customer.find\",\"params\":{\"by\":{"
         "\"document\":" DOCUMENT "},\"clerk\":\"a\"}}\n",
         -32602, "missing"},
        {"half a document",
         "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"customer.find\",\"params\":{\"by\":{\"document\":{"
         "\"country\":\"CO\",\"type\":\"CC\",\"number\":\"1020*\"}},\"reason\":\"claim\",\"clerk\":\"a\"}}\n",
         -32602, "partial"},
        {"half a loyalty card",
         "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"customer.find\",\"params\":{\"by\":{\"loyalty\":\"%"
         "\"},"
         "\"reason\":\"claim\",\"clerk\":\"a\"}}\n",
         -32602, "partial"},
        {"a check digit that is wrong",
         "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"customer.find\",\"params\":{\"by\":{\"document\":{"
         "\"country\":\"CL\",\"type\":\"RUT\",\"number\":\"12.345.678-9\"}},\"reason\":\"claim\",\"clerk\":"
         "\"a\"}}\n",
         -32602, "document"},
    };
    struct shop *s = *state;
    struct till_dial d;
    struct till_id id;
    struct till_line l;
    cJSON *answer;

    till_enroll(&s->gate, s->port, "CENTRO", "3", NULL, &id);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        frame_is(s, bad[i].what, &id, bad[i].text, strlen(bad[i].text), bad[i].code, bad[i].reason, false);
    d = shop_dial(s, &id);
    /* Before hello nothing is answered but by this. */
    assert_true(till_dial(&l, &d));
    till_is_error(till_call(&l, "1", "ping", "{}"), -32600, "hello_first");
    shop_refused(s, "hello_first");
    till_is_error(till_call(&l, "2", "customer.find",
                            "{\"by\":{\"document\":" DOCUMENT "},\"reason\":\"x\",\"clerk\":\"x\"}"),
                  -32600, "hello_first");
    till_is_result(till_call(&l, "3", "hello", "{\"protocol\":1}"));
    till_close(&l);
    /* Ten of those that are no request end the connection; nine do not. */
    till_hello(&l, &d);
    for (unsigned i = 0; i < 9; i++)
        assert_true(till_puts(&l, "{}\n"));
    for (unsigned i = 0; i < 9; i++)
        till_is_error(till_json(&l), -32600, "id");
    till_is_result(till_call(&l, "nine", "ping", "{}"));
    (void)till_puts(&l, "{}\n");
    while ((answer = till_json(&l)))
        cJSON_Delete(answer);
    till_close(&l);
    shop_refused(s, "strikes");
    shop_serves(s);
    till_id_done(&id);
}

/* ---- WebSocket ---- */

#define UPGRADE                                                                                              \
    "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void ws_open(struct shop *s, struct till_line *l, const struct till_id *id, const char *request)
{
    struct till_dial d = shop_dial(s, id);

    d.alpn = "http/1.1";
    if (!till_dial(l, &d))
        fail_msg("no TLS, alert %d", l->alert);
    assert_true(till_puts(l, request));
}

static void a_bad_upgrade_is_refused(void **state)
{
    static const struct {
        const char *request, *status, *reason;
    } bad[] = {
        {"GET / HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: hilo-pos.1\r\n\r\n", "404", "http"},
        {"GET /pos HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: chat\r\n\r\n", "400", "http"},
        {"GET /pos HTTP/1.1\r\n" UPGRADE "\r\n", "400", "http"},
        {"GET /pos HTTP/1.1\r\n" UPGRADE
         "Sec-WebSocket-Protocol: hilo-pos.1\r\nOrigin: https://evil.example\r\n\r\n",
         "403", "origin"},
        {"GET /pos HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: hilo-pos.1\r\nOrigin: null\r\n\r\n", "403",
         "origin"},
        {"POST /pos HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: hilo-pos.1\r\n\r\n", "405", "http"},
        {"GET /pos HTTP/1.1\r\nHost: x\r\n\r\n", "426", "http"},
        {"GET /pos HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Version: "
         "8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: hilo-pos.1\r\n\r\n",
         "426", "http"},
        {"GET /pos HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Version: "
         "13\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Protocol: hilo-pos.1\r\n\r\n",
         "400", "http"},
        {"G\r\n\r\n", "400", "http"},
    };
    struct shop *s = *state;
    struct till_id id;
    char *p;
    size_t n;

    till_enroll(&s->gate, s->port, "CENTRO", "4", NULL, &id);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct till_line l;
        const char *first;

        ws_open(s, &l, &id, bad[i].request);
        first = till_frame(&l);
        if (!first || strncmp(first, "HTTP/1.1 ", 9) != 0 || strncmp(first + 9, bad[i].status, 3) != 0)
            fail_msg("not %s to %s: %s", bad[i].status, bad[i].request, first ? first : "its end");
        till_wait_end(&l);
        till_close(&l);
        shop_refused(s, bad[i].reason);
    }
    /* A head without an end. */
    p = shop_repeated("GET /pos HTTP/1.1\r\n", "X-A: b\r\n", 20000, "", &n);
    struct till_line l;
    ws_open(s, &l, &id, "");
    (void)till_put(&l, p, n);
    till_wait_end(&l);
    till_close(&l);
    free(p);
    shop_refused(s, "http");
    shop_serves(s);
    till_id_done(&id);
}

/* One frame of a client, masked with zeros. */
static size_t ws_frame(char *out, unsigned first, unsigned long long n, bool masked)
{
    size_t at = 0;

    out[at++] = (char)first;
    if (n < 126) {
        out[at++] = (char)((masked ? 0x80 : 0) | (int)n);
    } else if (n < 65536) {
        out[at++] = (char)((masked ? 0x80 : 0) | 126);
        out[at++] = (char)(n >> 8);
        out[at++] = (char)n;
    } else {
        out[at++] = (char)((masked ? 0x80 : 0) | 127);
        for (int i = 7; i >= 0; i--)
            out[at++] = (char)(n >> (8 * i));
    }
    if (masked) {
        memset(out + at, 0, 4);
        at += 4;
    }
    return at;
}

/* The close code that comes; 0: none. */
static unsigned ws_close_code(struct till_line *l)
{
    unsigned char in[4096];
    size_t have = 0, got, at = 0;

    while (have < sizeof in && SSL_read_ex(l->ssl, in + have, sizeof in - have, &got) == 1)
        have += got;
    /* What was read with the head, if anything, is no frame of close. */
    while (at + 2 <= have) {
        size_t n = in[at + 1] & 0x7f, head = 2;

        if (n == 126 && at + 4 <= have) {
            n = (size_t)in[at + 2] << 8 | in[at + 3];
            head = 4;
        }
        if ((in[at] & 0x0f) == 8)
            return n >= 2 ? (unsigned)in[at + 2] << 8 | in[at + 3] : 1005;
        at += head + n;
    }
    return 0;
}

static void a_bad_websocket_frame_is_refused(void **state)
{
    static const struct {
        const char *what;
        unsigned first;
        unsigned long long n;
        bool masked;
        const char *payload;
        unsigned code;
        const char *reason;
    } bad[] = {
        {"binary", 0x82, 5, true, "hello", 1003, "binary"},
        {"not masked", 0x81, 5, false, "hello", 1002, "ws"},
        {"a reserved bit", 0xf1, 5, true, "hello", 1002, "ws"},
        {"an opcode of none", 0x83, 5, true, "hello", 1002, "ws"},
        {"a ping of 200 bytes", 0x89, 200, true, "hello", 1005,
         "ws"}, /* a close without a code, of wslay's */
        {"a continuation of nothing", 0x80, 5, true, "hello", 1002, "ws"},
        {"not UTF-8", 0x81, 2, true, "\xff\xfe", 1007, "utf8"},
        {"too big", 0x81, 65537, true, "hello", 1009, "too_big"},
        {"2^63", 0x81, 1ull << 63, true, "hello", 1005, "ws"},
        {"2^62", 0x81, 1ull << 62, true, "hello", 1009, "too_big"},
        {"no JSON", 0x81, 5, true, "hello", 1008, "json"},
    };
    struct shop *s = *state;
    struct till_id id;

    till_enroll(&s->gate, s->port, "CENTRO", "5", NULL, &id);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct till_line l;
        const char *line;
        char frame[64];
        size_t n;
        unsigned code;

        ws_open(s, &l, &id, "GET /pos HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: hilo-pos.1\r\n\r\n");
        line = till_frame(&l);
        assert_non_null(line);
        assert_int_equal(strncmp(line, "HTTP/1.1 101", 12), 0);
        while ((line = till_frame(&l)) && strcmp(line, "\r") != 0)
            ;
        n = ws_frame(frame, bad[i].first, bad[i].n, bad[i].masked);
        memcpy(frame + n, bad[i].payload, strlen(bad[i].payload));
        assert_true(till_put(&l, frame, n + strlen(bad[i].payload)));
        code = ws_close_code(&l);
        if (code != bad[i].code)
            fail_msg("%s: close %u, not %u", bad[i].what, code, bad[i].code);
        till_close(&l);
        /* The reason's word for framing is the library's or ours; that there is one counts. */
        if (strcmp(bad[i].reason, "ws") == 0)
            (void)process_wait_line(s->gate.process, "pos.refused", "terminal=5", NULL);
        else
            shop_refused(s, bad[i].reason);
    }
    shop_serves(s);
    till_id_done(&id);
}

static int up(void **state)
{
    return shop_group(state, "    heartbeat: 60s\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_frame_ends_the_connection),
        cmocka_unit_test(what_is_no_request_is_an_error),
        cmocka_unit_test(a_bad_upgrade_is_refused),
        cmocka_unit_test(a_bad_websocket_frame_is_refused),
    };

    return cmocka_run_group_tests(tests, up, shop_group_down);
}
