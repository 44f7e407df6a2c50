/*
 * Terminals that say nothing, stop in the middle, do not read, or are too many: each is let go with a reason
 * that is logged, and a good till is served meanwhile.
 */
#include "shop.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- time, and crowds ---- */

static void who_says_nothing_is_shown_the_door(void **state)
{
    struct shop *s = *state;
    struct till_id id;
    struct till_dial d;
    struct till_line l;
    const struct till_dial enroll = {.port = s->port, .alpn = "hilo-enroll/1"};
    BIO *b = BIO_new_connect("127.0.0.1");
    char port[16], byte;

    shop_leave(s); /* the good till would have to keep up with these heartbeats */
    till_enroll(&s->gate, s->port, "CENTRO", "7", NULL, &id);
    d = shop_dial(s, &id);
    /* TCP, and nothing. */
    (void)snprintf(port, sizeof port, "%d", s->port);
    (void)BIO_set_conn_port(b, port);
    assert_int_equal(BIO_do_connect(b), 1);
    assert_true(BIO_read(b, &byte, 1) <= 0);
    BIO_free_all(b);
    shop_refused(s, "slow_handshake");
    /* TLS, and nothing. */
    assert_true(till_dial(&l, &d));
    till_wait_end(&l);
    till_close(&l);
    shop_refused(s, "no_hello");
    assert_true(till_dial(&l, &enroll));
    till_wait_end(&l);
    till_close(&l);
    shop_refused(s, "no_hello");
    /* Half a frame, and nothing; byte by byte helps nobody either. */
    till_hello(&l, &d);
    assert_true(till_puts(&l, "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"met"));
    for (;;) {
        struct pollfd p = {l.fd, POLLIN, 0};

        if (poll(&p, 1, 100) > 0)
            break;
        assert_true(till_puts(&l, " "));
    }
    shop_refused(s, "half_frame");
    till_wait_end(&l);
    till_close(&l);
    /* hello, and nothing: the gateway asks once, and ends it. */
    till_hello(&l, &d);
    cJSON *ping = till_json(&l);
    assert_string_equal(cJSON_GetStringValue(json_at(ping, "method")), "ping");
    cJSON_Delete(ping);
    till_wait_end(&l);
    till_close(&l);
    shop_refused(s, "silent");
    shop_serves(s);
    shop_leave(s);
    till_id_done(&id);
    ERR_clear_error();
}

static void who_does_not_read_is_shown_the_door(void **state)
{
    struct shop *s = *state;
    struct till_id id;
    struct till_dial d;
    struct till_line l;
    unsigned long sent = 0;

    shop_leave(s);
    till_enroll(&s->gate, s->port, "CENTRO", "8", NULL, &id);
    d = shop_dial(s, &id);
    d.receive = 4096;
    till_hello(&l, &d);
    /* Asks until its line is ended; nothing of it is read. */
    assert_int_equal(fcntl(l.fd, F_SETFL, O_NONBLOCK), 0);
    for (;;) {
        char ask[128];
        struct pollfd p = {l.fd, POLLOUT, 0};
        size_t put;
        int n =
            snprintf(ask, sizeof ask, "{\"jsonrpc\":\"2.0\",\"id\":\"r%lu\",\"method\":\"ping\"}\n", sent);
        int rc;

        while ((rc = SSL_write_ex(l.ssl, ask, (size_t)n, &put)) != 1 &&
               SSL_get_error(l.ssl, rc) == SSL_ERROR_WANT_WRITE && poll(&p, 1, DEADLINE_S * 1000) > 0)
            ;
        if (rc != 1)
            break;
        sent++;
    }
    assert_true(sent > 64);
    shop_refused(s, "slow_reader");
    shop_serves(s);
    shop_leave(s);
    till_close(&l);
    till_id_done(&id);
    ERR_clear_error();
}

/* So many connections that never speak, of so many as this machine allows. */
static void thousands_that_never_speak_are_limited(void **state)
{
    struct shop *s = *state;
    struct rlimit limit;
    unsigned n = 10000, open = 0, i;
    int *fd;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < n + 1000)
        n = limit.rlim_max > 2000 ? (unsigned)limit.rlim_max - 1000 : 1000;
    fd = calloc(n + 200, sizeof *fd);
    assert_non_null(fd);
    /* 200 of one address, of which it may have 100; then others, each its 100. */
    for (i = 0; i < n + 200; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)}, from = to;
        unsigned host = i < 200 ? 2 : 3 + (i - 200) / 100;
        int one = 1;

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        from.sin_addr.s_addr = htonl(0x7f010000u + host);
        from.sin_port = 0;
        fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd[i] >= 0);
        assert_int_equal(setsockopt(fd[i], IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one), 0);
        assert_int_equal(bind(fd[i], (struct sockaddr *)&from, sizeof from), 0);
        assert_int_equal(connect(fd[i], (struct sockaddr *)&to, sizeof to), 0);
        if (i == 199) {
            /* The second hundred was turned away; each is logged. */
            (void)process_wait_nth(s->gate.process, 100, "pos.refused", "reason=address_limit", NULL);
            for (unsigned k = 100; k < 200; k++) {
                struct pollfd p = {fd[k], POLLIN, 0};

                assert_int_equal(poll(&p, 1, DEADLINE_S * 1000), 1);
            }
            for (unsigned k = 0; k < 200; k++) {
                char byte;

                open += recv(fd[k], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN ? 1 : 0;
            }
            assert_int_equal(open, 100);
            shop_serves(s);
        }
    }
    /* All of them are there: the good till is served, and comes in anew, too. */
    shop_serves(s);
    shop_leave(s);
    shop_serves(s);
    assert_int_equal(process_count(s->gate.process, "reason=address_limit"), 100);
    /* Their time ends, of each with a reason. */
    for (i = 0; i < n + 200; i++) {
        struct pollfd p = {fd[i], POLLIN, 0};
        char byte;

        assert_int_equal(poll(&p, 1, DEADLINE_S * 1000), 1);
        assert_true(recv(fd[i], &byte, 1, MSG_DONTWAIT) <= 0);
        (void)close(fd[i]);
    }
    free(fd);
    (void)process_wait_nth(s->gate.process, n + 100, "pos.refused", "reason=slow_handshake", NULL);
    print_message("%u connections never spoke\n", n);
    shop_serves(s);
}

static void the_number_of_all_is_limited(void **state)
{
    struct shop *s = *state;
    struct till_line l[40];
    struct till_id id;
    struct till_dial d;
    unsigned n = 0, i;

    shop_leave(s);
    till_enroll(&s->gate, s->port, "CENTRO", "9", NULL, &id);
    d = shop_dial(s, &id);
    d.alpn = "hilo-enroll/1";
    d.id = NULL;
    for (i = 0; i < 40; i++)
        if (till_dial(&l[i], &d))
            n++;
    assert_true(n <= 32 && n >= 30);
    shop_refused(s, "connection_limit");
    for (i = 0; i < 40; i++)
        till_close(&l[i]);
    ERR_clear_error();
    d = shop_dial(s, &id);
    /* There is room again as soon as the gateway has seen their ends. */
    for (i = 0; i < 1000; i++) {
        bool up = till_dial(&l[0], &d);
        cJSON *hello = up ? till_call(&l[0], "h", "hello", "{\"protocol\":1}") : NULL;

        till_close(&l[0]);
        if (hello) {
            till_is_result(hello);
            break;
        }
    }
    assert_true(i < 1000);
    till_id_done(&id);
    ERR_clear_error();
    shop_serves(s);
}

/* As short as they may be. */
static int up_short(void **state)
{
    return shop_group(state, "    handshake_timeout: 500ms\n    frame_timeout: 500ms\n    heartbeat: 1s\n");
}
static int up_crowd(void **state)
{
    return shop_group(state,
                      "    handshake_timeout: 20s\n    heartbeat: 60s\n    connections_per_address: 100\n    "
                      "connections: 12000\n");
}
static int up_small(void **state)
{
    return shop_group(state, "    heartbeat: 60s\n    connections: 32\n");
}

int main(void)
{
    const struct CMUnitTest slow[] = {
        cmocka_unit_test(who_says_nothing_is_shown_the_door),
        cmocka_unit_test(who_does_not_read_is_shown_the_door),
    };
    const struct CMUnitTest crowd[] = {cmocka_unit_test(thousands_that_never_speak_are_limited)};
    const struct CMUnitTest all[] = {cmocka_unit_test(the_number_of_all_is_limited)};
    int failed = cmocka_run_group_tests(slow, up_short, shop_group_down);

    failed += cmocka_run_group_tests(crowd, up_crowd, shop_group_down);
    return failed + cmocka_run_group_tests(all, up_small, shop_group_down);
}
