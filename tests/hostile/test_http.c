/* Malformed HTTP and ill-mannered clients: each is told so or cut off, and others are
 * served meanwhile. What the library refuses by itself has a status and no code. */
#include "wire.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <cmocka.h>

#define PHONE    "+573009998877"
#define PHONE_IN "573009998877"
#define HOST     "Host: x\r\n"
/* A hook needs no key: the plugin says 401 to what reaches it whole. */
#define HOOK         "POST /hooks/wa HTTP/1.1\r\n" HOST
#define REACHED_HOOK 401

static const char *const secrets[] = {PHONE_IN, "secreto", NULL};

struct row {
    const char *what, *bytes;
    size_t n;
    long status;
    const char *code;
};
#define ROW(what_, bytes_, status_, code_)                                                                   \
    {                                                                                                        \
        .what = (what_), .bytes = (bytes_), .n = sizeof(bytes_) - 1, .status = (status_), .code = (code_)    \
    }
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static const struct row rows[] = {
    ROW("no version", "GET /healthz\r\n\r\n", 400, NULL),
    ROW("another protocol", "GET /healthz RTSP/1.0\r\n" HOST "\r\n", 400, NULL),
    ROW("HTTP/2 by heart", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, NULL),
    ROW("HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", 200, NULL),
    ROW("empty lines first", "\r\n\r\n" GET("/healthz"), 200, NULL),
    ROW("a space first", " " GET("/healthz"), 0, NULL),
    ROW("a space in the path", GET("/health z"), 0, NULL),
    ROW("no host", "GET /healthz HTTP/1.1\r\n\r\n", 400, NULL),
    ROW("two hosts", "GET /healthz HTTP/1.1\r\n" HOST HOST "\r\n", 400, "malformed_request"),
    ROW("a header without a colon", "GET /healthz HTTP/1.1\r\n" HOST "secreto\r\n\r\n", 400, NULL),
    ROW("a space before the colon", "GET /healthz HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400,
        "malformed_request"),
    ROW("a control character", "GET /healthz HTTP/1.1\r\n" HOST "A: b\001c\r\n\r\n", 400,
        "malformed_request"),
    ROW("a NUL in a header", "GET /healthz HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n", 200, NULL),
    ROW("a NUL in the path", GET("/hea\0lthz"), 404, "no_such_route"),
    ROW("a folded header", "GET /healthz HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 200, NULL),
    ROW("nowhere", GET("/"), 404, "no_such_route"),
    ROW("%00", GET("/healthz%00"), 404, "no_such_route"),
    ROW("a bad escape", GET("/%zz"), 404, "no_such_route"),
    ROW("half an escape", GET("/%"), 404, "no_such_route"),
    ROW("bytes that are no UTF-8", GET("/\xff\xfe\xc0\xaf"), 404, "no_such_route"),
    ROW("dots", GET("/v1/../healthz"), 404, "no_such_route"),
    ROW("two slashes", GET("//healthz"), 404, "no_such_route"),
    ROW("an encoded way up", GET("/m/..%2f..%2fetc%2fpasswd"), 404, "unknown_link"),
    ROW("a whole URL", GET("http://x/healthz"), 404, "no_such_route"),
    ROW("a method of its own", "BREW /healthz HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed"),
    ROW("a method in small letters", "get /healthz HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed"),
    ROW("a number as the method", PHONE " /healthz HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed"),
    ROW("OPTIONS", "OPTIONS /v1/messages HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed"),
    ROW("OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 404, "no_such_route"),
    ROW("CONNECT", "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 404, "no_such_route"),
    ROW("TRACE", "TRACE / HTTP/1.1\r\n" HOST "\r\n", 404, "no_such_route"),
    ROW("GET with a body", "GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 200, NULL),

    ROW("a right length", HOOK "Content-Length: 2\r\n\r\n{}", REACHED_HOOK, NULL),
    ROW("no length, no body", HOOK "\r\n", REACHED_HOOK, NULL),
    ROW("length: a word", HOOK "Content-Length: two\r\n\r\n{}", 400, NULL),
    ROW("length: empty", HOOK "Content-Length:\r\n\r\n{}", 400, NULL),
    ROW("length: negative", HOOK "Content-Length: -2\r\n\r\n{}", 400, NULL),
    ROW("length: with a plus", HOOK "Content-Length: +2\r\n\r\n{}", 400, NULL),
    ROW("length: hexadecimal", HOOK "Content-Length: 0x2\r\n\r\n{}", 400, NULL),
    ROW("length: a list", HOOK "Content-Length: 2, 2\r\n\r\n{}", 400, NULL),
    ROW("length: beyond 64 bits", HOOK "Content-Length: 99999999999999999999\r\n\r\n{}", 413, NULL),
    ROW("length: 2^64-1", HOOK "Content-Length: 18446744073709551615\r\n\r\n{}", 413, "too_large"),
    ROW("length: 2^63-1", HOOK "Content-Length: 9223372036854775807\r\n\r\n{}", 413, "too_large"),
    ROW("length: above the limit", HOOK "Content-Length: 5000000\r\n\r\n{}", 413, "too_large"),
    ROW("length twice", HOOK "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, "malformed_request"),
    ROW("two lengths", HOOK "Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}", 400, "malformed_request"),
    ROW("length with a space", HOOK "Content-Length : 2\r\n\r\n{}", 400, "malformed_request"),
    ROW("length and chunks",
        HOOK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400,
        "malformed_request"),
    ROW("another coding", HOOK "Transfer-Encoding: gzip\r\n\r\n{}", 400, "malformed_request"),
    ROW("two codings", HOOK "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400,
        "malformed_request"),
    ROW("coding twice", HOOK "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{}", 400,
        "malformed_request"),
    ROW("two keys",
        "GET /v1/channels HTTP/1.1\r\n" HOST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        400, "malformed_request"),

#define CHUNKS HOOK "Transfer-Encoding: chunked\r\n\r\n"
    ROW("chunks", CHUNKS "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", REACHED_HOOK, NULL),
    ROW("chunks with extension and trailer", CHUNKS "2;a=\"b\"\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
        REACHED_HOOK, NULL),
    ROW("chunk: no number", CHUNKS "zz\r\n{}\r\n0\r\n\r\n", 400, NULL),
    ROW("chunk: negative", CHUNKS "-2\r\n{}\r\n0\r\n\r\n", 400, NULL),
    ROW("chunk: with 0x", CHUNKS "0x2\r\n{}\r\n0\r\n\r\n", 400, NULL),
    ROW("chunk: empty line", CHUNKS "\r\n{}\r\n0\r\n\r\n", 400, NULL),
    ROW("chunk: longer than it says", CHUNKS "2\r\n{}}}0\r\n\r\n", 400, NULL),
    ROW("chunk: beyond 64 bits", CHUNKS "ffffffffffffffffff\r\n{}\r\n", 413, NULL),
};

static void each_malformed_request_has_its_answer(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire c;
        wire_open(&c, &w->gate);
        wire_put(&c, rows[i].bytes, rows[i].n);
        const struct reply r = wire_reply(&c, false);
        reply_is(&r, rows[i].what, rows[i].status, rows[i].code);
        if (rows[i].status == 405 || (rows[i].status == 200 && rows[i].n == 0))
            assert_non_null(strstr(r.head, "\nAllow: "));
        /* What follows a request whose end is uncertain is not read as another. */
        if (rows[i].status == 413 || (rows[i].code && strcmp(rows[i].code, "malformed_request") == 0)) {
            assert_non_null(strstr(r.head, "\nConnection: close"));
            wire_wait_end(&c);
        }
        wire_close(&c);
    }
    hostile_alive(w);
}

/* At once where the library sees that it is none, else when its idle time is over: a
 * client's end that comes together with bytes goes unseen until then. */
static void what_is_not_http_is_cut_off(void **state)
{
    (void)state;
    enum { N = 200 };
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct world w;
    struct bytes b = {0};
    struct wire c[N], tls;

    memset(&w, 0, sizeof w);
    hostile_up(&w, "  idle_timeout: 1s\n", NULL);
    wire_open(&tls, &w.gate);
    wire_put(&tls, hello, sizeof hello - 1);
    /* Any bytes, the same each time. */
    for (uint32_t i = 0; i < N; i++) {
        uint32_t x = (i + 1) * 2654435761u;
        bytes_clear(&b);
        for (unsigned k = 0; k < 16u * (i + 1); k++) {
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            bytes_add(&b, &(char){(char)x}, 1);
        }
        wire_open(&c[i], &w.gate);
        wire_put(&c[i], b.p, b.n);
        if (i % 2)
            wire_shut(&c[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        wire_wait_end(&c[i]);
        wire_close(&c[i]);
    }
    wire_wait_end(&tls);
    assert_int_equal(tls.n, 0);
    wire_close(&tls);
    bytes_done(&b);
    hostile_down(&w, NULL);
}

static void long_lines_and_many_headers_have_limits(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};

    bytes_fmt(&b, "GET /");
    bytes_repeat(&b, "a", 16000);
    bytes_fmt(&b, " HTTP/1.1\r\n" HOST "\r\n");
    wire_expect(&w->gate, "a path of 16,000", b.p, b.n, 404, "no_such_route");
    bytes_clear(&b);
    bytes_fmt(&b, "GET /");
    bytes_repeat(&b, "a", 100000);
    bytes_fmt(&b, " HTTP/1.1\r\n" HOST "\r\n");
    wire_expect(&w->gate, "a path of 100,000", b.p, b.n, 414, NULL);
    bytes_clear(&b);
    bytes_fmt(&b, "GET /healthz HTTP/1.1\r\n" HOST);
    bytes_repeat(&b, "X-Y: z\r\n", 200);
    bytes_fmt(&b, "\r\n");
    wire_expect(&w->gate, "200 headers", b.p, b.n, 200, NULL);
    bytes_clear(&b);
    bytes_fmt(&b, "GET /healthz HTTP/1.1\r\n" HOST);
    bytes_repeat(&b, "X-Y: z\r\n", 10000);
    bytes_fmt(&b, "\r\n");
    wire_expect(&w->gate, "10,000 headers", b.p, b.n, 431, NULL);
    bytes_clear(&b);
    bytes_fmt(&b, "GET /healthz HTTP/1.1\r\n" HOST "X: ");
    bytes_repeat(&b, "y", 100000);
    bytes_fmt(&b, "\r\n\r\n");
    wire_expect(&w->gate, "a header of 100,000", b.p, b.n, 431, NULL);
    bytes_clear(&b);
    bytes_fmt(&b, CHUNKS "2\r\n{}\r\n0\r\n");
    bytes_repeat(&b, "Trailer: x\r\n", 10000);
    bytes_fmt(&b, "\r\n");
    wire_expect(&w->gate, "10,000 trailers", b.p, b.n, 431, NULL);
    bytes_done(&b);
    hostile_alive(w);
}

static void pipelined_requests_are_answered_in_their_order(void **state)
{
    struct world *w = *state;
    static const long expected[] = {200, 404, 401, 405, 400};
    struct bytes b = {0};
    struct wire c;

    for (unsigned i = 0; i < 40; i++)
        bytes_fmt(&b,
                  GET("/healthz") GET("/nowhere") HOOK "Content-Length: 2\r\n\r\n{}"
                                                       "DELETE /healthz HTTP/1.1\r\n" HOST "\r\n"
                                                       "POST /v1/customers/search HTTP/1.1\r\n" HOST
                                                       "Authorization: Bearer %s\r\nContent-Type: "
                                                       "application/json\r\nContent-Length: 1\r\n\r\n{",
                  w->gate.key);
    wire_open(&c, &w->gate);
    wire_put(&c, b.p, b.n);
    for (unsigned i = 0; i < 200; i++) {
        const struct reply r = wire_reply(&c, false);
        reply_is(&r, "pipelined", expected[i % 5], NULL);
    }
    wire_close(&c);
    bytes_done(&b);
}

static void head_has_the_headers_and_no_body(void **state)
{
    struct world *w = *state;
    struct wire c;
    struct reply r;

    wire_open(&c, &w->gate);
    wire_puts(&c, "HEAD /openapi.json HTTP/1.1\r\n" HOST "\r\n");
    r = wire_reply(&c, true);
    reply_is(&r, "HEAD", 200, NULL);
    assert_null(strstr(r.head, "\nContent-Length: 0"));
    /* The next answer begins at once behind it. */
    wire_puts(&c, GET("/healthz"));
    r = wire_reply(&c, false);
    reply_is(&r, "GET after HEAD", 200, NULL);
    wire_puts(&c, "HEAD /v1/channels HTTP/1.1\r\n" HOST "\r\n");
    r = wire_reply(&c, true);
    reply_is(&r, "HEAD without a key", 401, NULL);
    wire_close(&c);
}

static void expect_is_answered_before_the_body(void **state)
{
    struct world *w = *state;
    struct wire c;
    struct reply r;

    wire_open(&c, &w->gate);
    wire_puts(&c, HOOK "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    wire_puts(&c, "{}");
    r = wire_reply(&c, false);
    reply_is(&r, "Expect", REACHED_HOOK, NULL);
    assert_int_equal(r.continues, 1);
    wire_close(&c);
    wire_open(&c, &w->gate);
    wire_puts(&c, HOOK "Expect: 100-continue\r\nContent-Length: 100000000\r\n\r\n");
    r = wire_reply(&c, false);
    reply_is(&r, "Expect with too much", 413, "too_large");
    assert_int_equal(r.continues, 0);
    wire_close(&c);
    wire_open(&c, &w->gate);
    wire_puts(&c,
              "POST /v1/messages HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n");
    r = wire_reply(&c, false);
    reply_is(&r, "Expect without a key", 401, "unauthorized");
    assert_int_equal(r.continues, 0);
    wire_close(&c);
}

static void a_body_beyond_the_limit_is_refused_however_it_comes(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    struct wire c;
    struct reply r;

    /* In chunks it is known only on the way. */
    wire_open(&c, &w->gate);
    wire_puts(&c, CHUNKS);
    bytes_fmt(&b, "10000\r\n");
    bytes_repeat(&b, "x", 65536);
    bytes_fmt(&b, "\r\n");
    for (unsigned i = 0; i < 68; i++) /* 4.25 MiB; the limit is 4 */
        wire_put(&c, b.p, b.n);
    wire_puts(&c, "0\r\n\r\n");
    r = wire_reply(&c, false);
    reply_is(&r, "4.25 MiB in chunks", 413, "too_large");
    /* One that goes on and on is cut off. */
    wire_puts(&c, CHUNKS);
    for (unsigned i = 0; i < 1000; i++)
        wire_put(&c, b.p, b.n);
    wire_wait_end(&c);
    wire_close(&c);
    bytes_done(&b);
    hostile_alive(w);
}

static void of_a_truncated_request_nothing_is_kept(void **state)
{
    struct world *w = *state;
    char whole[600], body[300];
    struct wire c;

    (void)snprintf(body, sizeof body,
                   "{\"to\":{\"phone\":\"" PHONE "\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\","
                   "\"text\":\"secreto\"}}");
    int n =
        snprintf(whole, sizeof whole,
                 "POST /v1/messages HTTP/1.1\r\n" HOST
                 "Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n"
                 "%s",
                 w->gate.key, strlen(body), body);
    for (size_t cut = 1; cut < (size_t)n; cut += 7) {
        wire_open(&c, &w->gate);
        wire_put(&c, whole, cut);
        if (cut % 2)
            wire_shut(&c);
        wire_close(&c);
    }
    assert_int_equal(hostile_count(w, PHONE), 0);
    /* Half-closed behind a whole one: it is answered. */
    wire_open(&c, &w->gate);
    wire_put(&c, whole, (size_t)n);
    wire_shut(&c);
    const struct reply r = wire_reply(&c, false);
    reply_is(&r, "half-closed", 202, NULL);
    wire_close(&c);
    assert_int_equal(hostile_count(w, PHONE), 1);
}

static void slow_senders_hold_up_nobody(void **state)
{
    struct world *w = *state;
    static const char head[] = HOOK "Content-Length: 20\r\nX-Sl", rest[] = "ow: y\r\n\r\n{\"a\":\"",
                      tail[] = "bcdefghijklm\"}";
    enum { N = 100 };
    struct wire c[N];

    for (unsigned i = 0; i < N; i++) {
        wire_open(&c[i], &w->gate);
        wire_put(&c[i], head, sizeof head - 1);
        if (i % 2)
            wire_put(&c[i], rest, sizeof rest - 1);
        hostile_alive(w);
    }
    for (unsigned i = 0; i < N; i++) {
        if (i % 2 == 0)
            wire_put(&c[i], rest, sizeof rest - 1);
        wire_put(&c[i], tail, sizeof tail - 1);
        const struct reply r = wire_reply(&c[i], false);
        reply_is(&r, "a slow sender", REACHED_HOOK, NULL);
        wire_close(&c[i]);
    }
}

static void clients_that_do_not_read_hold_up_nobody(void **state)
{
    struct world *w = *state;
    enum { N = 10, ASKED = 50 };
    struct wire c[N];

    for (unsigned i = 0; i < N; i++) {
        wire_open(&c[i], &w->gate);
        for (unsigned k = 0; k < ASKED; k++)
            wire_puts(&c[i], GET("/openapi.json"));
        hostile_alive(w);
    }
    for (unsigned k = 0; k < ASKED; k++) {
        const struct reply r = wire_reply(&c[0], false);
        reply_is(&r, "the one that reads at last", 200, NULL);
    }
    for (unsigned i = 0; i < N; i++)
        wire_close(&c[i]);
    hostile_alive(w);
}

/* As slow as can be: each byte a packet, headers, lengths, chunks and body. */
static void byte_by_byte_it_is_the_same_request(void **state)
{
    struct world *w = *state;
    static const char *const requests[] = {
        HOOK "X-Slow: y\r\nContent-Length: 13\r\n\r\n{\"a\":\"bcdef\"}",
        HOOK "Transfer-Encoding: chunked\r\n\r\n7;x=\"y\"\r\n{\"a\":\"b\r\n6\r\ncdef\"}\r\n0\r\nTrailer: "
             "z\r\n\r\n"};
    struct wire c;

    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
        wire_open(&c, &w->gate);
        for (const char *p = requests[i]; *p; p++) {
            wire_put(&c, p, 1);
            if ((p - requests[i]) % 20 == 0)
                hostile_alive(w);
        }
        const struct reply r = wire_reply(&c, false);
        reply_is(&r, "byte by byte", REACHED_HOOK, NULL);
        wire_close(&c);
    }
}

/* Of the daemon's own numbers, by the control socket. */
static double number(struct world *w, const char *name)
{
    char want[80];
    struct wire c;

    wire_open_control(&c, &w->gate);
    wire_puts(&c, GET("/metrics"));
    const struct reply r = wire_reply(&c, false);
    reply_is(&r, "metrics", 200, NULL);
    (void)snprintf(want, sizeof want, "\n%s ", name);
    const char *at = strstr(r.body, want);
    assert_non_null(at);
    double v = strtod(at + strlen(want), NULL);
    wire_close(&c);
    return v;
}

/* Until the daemon has taken all that came, or seen all go: each question is a turn of it. */
static void wait_for_connections(struct world *w, double least, double most)
{
    for (unsigned i = 0;; i++) {
        double n = number(w, "hilo_http_connections");
        if (n >= least && n <= most)
            return;
        assert_true(i < 20000);
    }
}

/* They cost no turns, at most twice the room that headers have, and leave nothing. */
static void ten_thousand_silent_connections_hold_up_nobody(void **state)
{
    (void)state;
    enum { MANY = 10000, SPARE = 400, ASKED = 50, EACH_BYTES = 32768 };
    struct world w;
    struct rlimit l;
    unsigned n = MANY;
    struct wire *c = calloc(MANY, sizeof *c);
    double memory[3];

    assert_non_null(c);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0); /* up() has raised it to its most */
    if (l.rlim_max < MANY + SPARE) {
        n = (unsigned)l.rlim_max - SPARE;
        print_message("the limit of descriptors is %llu: only %u silent connections\n",
                      (unsigned long long)l.rlim_max, n);
    }
    memset(&w, 0, sizeof w);
    w.gate.env[0] = "ASAN_OPTIONS=quarantine_size_mb=1"; /* else what was freed is not used again */
    hostile_up(&w, "  connections: 12000\n  connections_per_ip: 12000\n", NULL);
    memory[0] = number(&w, "process_resident_anonymous_bytes");
    for (unsigned round = 1; round <= 2; round++) {
        for (unsigned i = 0; i < n; i++) {
            wire_open(&c[i], &w.gate);
            if (i % 500 == 0)
                hostile_alive(&w);
        }
        wait_for_connections(&w, n, n + 10);
        double turns = number(&w, "hilo_loop_wakeups_total");
        for (unsigned i = 0; i < ASKED; i++)
            hostile_alive(&w);
        turns = number(&w, "hilo_loop_wakeups_total") - turns;
        if (turns > 10 * ASKED)
            print_message("%g turns for %u requests\n", turns, (unsigned)ASKED);
        assert_true(turns <= 10 * ASKED);
        memory[round] = number(&w, "process_resident_anonymous_bytes");
        if (memory[round] - memory[0] > (double)n * EACH_BYTES)
            print_message("%g bytes each\n", (memory[round] - memory[0]) / n);
        assert_true(memory[round] - memory[0] <= (double)n * EACH_BYTES);
        /* They were silent and not lost. */
        for (unsigned i = 0; i < n; i += 500) {
            wire_puts(&c[i], GET("/healthz"));
            const struct reply r = wire_reply(&c[i], false);
            reply_is(&r, "silent until now", 200, NULL);
        }
        for (unsigned i = 0; i < n; i++)
            wire_close(&c[i]);
        wait_for_connections(&w, 0, 10);
    }
    /* What the first round took was used again. */
    if (memory[2] > memory[1] * 1.25)
        print_message("memory: %g, %g, %g\n", memory[0], memory[1], memory[2]);
    assert_true(memory[2] <= memory[1] * 1.25);
    free(c);
    hostile_alive(&w);
    hostile_down(&w, NULL);
}

/* Sends this again and again, a piece each 100 ms, until the peer has closed; how long, ms. */
static long trickle(struct wire *c, const char *piece, long most_ms)
{
    struct timespec began, now;
    long ms;

    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    do {
        struct pollfd end = {.fd = c->fd, .events = POLLIN};
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        ms = (now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000;
        if (poll(&end, 1, 100) == 1)
            return ms;
        wire_puts(c, piece);
    } while (ms < most_ms);
    return ms;
}

/* Never silent, never done: such a one has twice the idle time for a head, and must bring a
 * kilobyte a second of a body. */
static void one_that_trickles_loses_its_place(void **state)
{
    (void)state;
    struct world w;
    struct wire head, body, fair;
    char piece[300];
    long ms;

    memset(&w, 0, sizeof w);
    hostile_up(&w, "  idle_timeout: 1s\n", NULL);
    wire_open(&head, &w.gate);
    wire_puts(&head, "GET /healthz HTTP/1.1\r\n" HOST);
    ms = trickle(&head, "A: b\r\n", 30000);
    assert_true(ms >= 1900 && ms < 30000);
    wire_wait_end(&head);
    wire_close(&head);
    wire_open(&body, &w.gate);
    wire_puts(&body, HOOK "Content-Length: 100000\r\n\r\n");
    ms = trickle(&body, "x", 30000);
    assert_true(ms >= 1900 && ms < 30000);
    wire_wait_end(&body);
    wire_close(&body);
    assert_true(number(&w, "hilo_http_slow_cut_total") == 2);
    /* Three kilobytes a second are slow enough to be seen, and fair. */
    memset(piece, 'x', sizeof piece - 1);
    piece[sizeof piece - 1] = '\0';
    wire_open(&fair, &w.gate);
    wire_puts(&fair, HOOK "Content-Length: 20000\r\n\r\n");
    ms = trickle(&fair, piece, 5000);
    assert_true(ms >= 5000);
    for (unsigned i = 0; i < 70; i++)
        wire_puts(&fair, piece);
    const struct reply r = wire_reply(&fair, false);
    reply_is(&r, "slow and fair", REACHED_HOOK, NULL);
    wire_close(&fair);
    hostile_alive(&w);
    hostile_down(&w, NULL);
}

static void one_address_has_a_limit_of_connections(void **state)
{
    (void)state;
    struct world w;
    enum { LIMIT = 20 };
    struct wire c[LIMIT], more;

    memset(&w, 0, sizeof w);
    hostile_up(&w, "  connections_per_ip: 20\n", NULL);
    for (unsigned i = 0; i < LIMIT; i++) {
        wire_open(&c[i], &w.gate);
        wire_puts(&c[i], GET("/healthz"));
        const struct reply r = wire_reply(&c[i], false);
        reply_is(&r, "within the limit", 200, NULL);
    }
    wire_open(&more, &w.gate);
    wire_puts(&more, GET("/healthz"));
    wire_wait_end(&more);
    assert_int_equal(more.n, 0);
    wire_close(&more);
    wire_puts(&c[0], GET("/healthz"));
    const struct reply r = wire_reply(&c[0], false);
    reply_is(&r, "those within stay", 200, NULL);
    /* The control socket is another door. */
    wire_open_control(&more, &w.gate);
    wire_puts(&more, GET("/healthz"));
    const struct reply control = wire_reply(&more, false);
    reply_is(&control, "the control socket", 200, NULL);
    wire_close(&more);
    wire_puts(&c[0], "GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    wire_wait_end(&c[0]);
    wire_close(&c[0]);
    hostile_alive(&w);
    for (unsigned i = 1; i < LIMIT; i++)
        wire_close(&c[i]);
    hostile_down(&w, NULL);
}

/* The daemon is started with few descriptors, as a shell gives them, and raises that. */
static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct rlimit few, before;

    assert_non_null(w);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = before.rlim_max < 1024 ? before.rlim_max : 1024;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    hostile_up(w, "  connections_per_ip: 3000\n", NULL);
    before.rlim_cur = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    *state = w;
    return 0;
}

static int down(void **state)
{
    hostile_down(*state, secrets);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_malformed_request_has_its_answer),
        cmocka_unit_test(what_is_not_http_is_cut_off),
        cmocka_unit_test(long_lines_and_many_headers_have_limits),
        cmocka_unit_test(pipelined_requests_are_answered_in_their_order),
        cmocka_unit_test(head_has_the_headers_and_no_body),
        cmocka_unit_test(expect_is_answered_before_the_body),
        cmocka_unit_test(a_body_beyond_the_limit_is_refused_however_it_comes),
        cmocka_unit_test(of_a_truncated_request_nothing_is_kept),
        cmocka_unit_test(slow_senders_hold_up_nobody),
        cmocka_unit_test(clients_that_do_not_read_hold_up_nobody),
        cmocka_unit_test(byte_by_byte_it_is_the_same_request),
        cmocka_unit_test(ten_thousand_silent_connections_hold_up_nobody),
        cmocka_unit_test(one_that_trickles_loses_its_place),
        cmocka_unit_test(one_address_has_a_limit_of_connections),
    };

    return cmocka_run_group_tests(tests, up, down);
}
