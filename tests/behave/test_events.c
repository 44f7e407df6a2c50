/* The stream of events: what a client is told over restarts, and when it can't be told all. */
#include "harness.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

/* hilo events with these words, on the control socket. */
static struct process *events(struct world *w, const char *const *words)
{
    char bin[256], control[256];
    const char *argv[16] = {"/usr/bin/env", control, bin, "events"};

    (void)snprintf(bin, sizeof bin, "%s/hilo", harness_build());
    (void)snprintf(control, sizeof control, "HILO_CONTROL=%s/data/control.sock", w->scratch.dir);
    for (unsigned i = 0; words[i]; i++)
        argv[4 + i] = words[i];
    return process_start(argv);
}
#define EVENTS(w, ...) events((w), (const char *const[]){__VA_ARGS__, NULL})

/* The lines of a text that are CloudEvents, in their order. */
static unsigned cloud_events(char *text, char *line[], unsigned max)
{
    unsigned n = 0;

    for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n"))
        if (strncmp(p, "{\"specversion\"", 14) == 0) {
            assert_true(n < max);
            line[n++] = p;
        }
    return n;
}

static void customer(struct world *w, const char *name)
{
    struct answer a = gate_post(&w->gate, "/v1/customers", "{\"name\":\"%s\"}", name);

    assert_int_equal(a.status, 201);
    answer_done(&a);
}

/* ---- order, once each, over whatever happens to the gateway ---------------------------- */

static void a_follower_misses_nothing_and_sees_nothing_twice(void **state)
{
    enum { MAX = 4000 };
    struct world w = {0};
    char id[64], text[64], *all, *seen;
    static char *told[MAX], *kept[MAX];
    unsigned n_told, n_kept;

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    struct process *p = EVENTS(&w, "--follow", "--json", "--after", "oldest");
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 25; i++)
            gate_send_text(&w.gate, i % 2 ? ana : "+573004445566", "hola", id);
        (void)snprintf(text, sizeof text, "adios %u", round);
        sim_text(&w.sim, "573001112233", text, NULL);
        (void)process_wait_line(p, "hilo.message.received", text, NULL);
        if (round == 1 || round == 3)
            continue; /* in the middle of what is sent */
        gate_wait_status(&w.gate, id, "read");
        if (round == 0)
            gate_stop(&w.gate); /* a stream ends with it */
        else
            gate_kill(&w.gate);
        gate_again(&w.gate);
        (void)process_wait_nth(w.gate.process, 1, "channel.state", "state=up", NULL);
    }
    gate_wait_status(&w.gate, id, "read");
    sim_quiet(&w.sim);
    customer(&w, "the end");
    (void)process_wait_line(p, "the end", NULL);
    assert_true(process_count(p, "the stream has ended; trying again") >= 2);
    process_signal(p, SIGTERM);
    seen = process_output(p);
    process_free(&p);

    struct process *whole = EVENTS(&w, "--json", "--after", "oldest");
    all = process_output(whole);
    process_free(&whole);
    n_told = cloud_events(seen, told, MAX);
    n_kept = cloud_events(all, kept, MAX);
    assert_true(n_kept > 4 * 26 * 3);
    if (n_told != n_kept)
        print_message("%u events were told, %u are kept\n", n_told, n_kept);
    assert_int_equal(n_told, n_kept);
    for (unsigned i = 0; i < n_told; i++)
        assert_string_equal(told[i], kept[i]);

    /* Each message: accepted, then statuses that only grow. */
    unsigned accepted = 0, read = 0;
    for (unsigned i = 0; i < n_told; i++) {
        cJSON *e = cJSON_Parse(told[i]);
        const char *type = json_at(e, "type")->valuestring;
        accepted += strcmp(type, "hilo.message.accepted") == 0;
        if (strcmp(type, "hilo.message.status") == 0)
            read += strcmp(json_at(e, "data/status")->valuestring, "read") == 0;
        cJSON_Delete(e);
    }
    assert_int_equal(accepted, 100);
    assert_int_equal(read, 100);
    free(all);
    free(seen);
    world_down(&w);
}

static void people_read_a_line_for_each(void **state)
{
    struct world w = {0};
    char id[64], *text;

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    gate_send_text(&w.gate, ana, "hola \\u001b[31mAna", id);
    gate_wait_status(&w.gate, id, "read");
    struct process *p = EVENTS(&w, "--type", "message.*", "-n", "3");
    text = process_output(p);
    assert_int_equal(process_wait(p), 0);
    process_free(&p);
    /* accepted, sent, delivered, read: the last three. */
    assert_non_null(strstr(text, "message.status"));
    assert_non_null(strstr(text, id));
    assert_non_null(strstr(text, " read wa"));
    assert_null(strstr(text, "message.accepted"));
    free(text);
    p = EVENTS(&w, "--type", "message.accepted");
    text = process_output(p);
    process_free(&p);
    assert_non_null(strstr(text, "outbound wa hola"));
    assert_null(strchr(text, 0x1b));
    free(text);
    p = EVENTS(&w, "--type", "mesage.*");
    assert_int_equal(process_wait(p), 1);
    assert_true(process_saw(p, "mesage.*"));
    process_free(&p);
    p = EVENTS(&w, "--after", "oldest", "-n", "2");
    assert_int_equal(process_wait(p), 2);
    process_free(&p);
    world_down(&w);
    p = EVENTS(&w, "--follow");
    assert_int_equal(process_wait(p), 3); /* it was never there: no use in trying again */
    process_free(&p);
}

/* ---- slow readers, and what is gone ------------------------------------------------------- */

/* A client that asks for the stream and reads nothing. */
static int stream_open(struct world *w, const char *path, int room)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)w->gate.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[512];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\n\r\n",
                     path, w->gate.key);

    assert_true(fd >= 0);
    if (room)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
    return fd;
}

/* So many events of 8 KiB. */
static void bulk(struct world *w, unsigned n)
{
    static char big[8192];

    memset(big, 'x', sizeof big - 1);
    for (unsigned i = 0; i < n; i++) {
        struct answer a = gate_post(&w->gate, "/v1/customers", "{\"attributes\":{\"x\":\"%s\"}}", big);
        assert_int_equal(a.status, 201);
        answer_done(&a);
    }
}

static double metric(struct world *w, const char *name)
{
    struct answer a = gate_get(&w->gate, "/metrics");
    char line[80];
    double v;

    (void)snprintf(line, sizeof line, "\n%s ", name);
    const char *p = strstr(a.body, line);
    if (!p)
        fail_msg("no %s", name);
    v = strtod(p + strlen(line), NULL);
    answer_done(&a);
    return v;
}

static void a_slow_reader_is_disconnected_and_nobody_else(void **state)
{
    struct world w = {0};
    char byte;

    (void)state;
    (void)snprintf(w.gate.extra_http, sizeof w.gate.extra_http, "  idle_timeout: 1s\n");
    world_up(&w, NULL, NULL);
    struct process *good = EVENTS(&w, "--follow", "--type", "customer.created", "-q");
    int slow = stream_open(&w, "/v1/events", 4096);
    int idle = stream_open(&w, "/v1/events?type=case.opened", 0); /* has nothing to take */
    while (metric(&w, "hilo_event_streams") < 3)
        ;
    bulk(&w, 1000);
    /* The sockets' buffers are full, and its own: it is ended, which the log tells. */
    (void)process_wait_line(w.gate.process, "http.request", "route=/v1/events", "aborted=true", NULL);
    assert_true(metric(&w, "hilo_event_streams_slow_total") == 1);
    customer(&w, "last");
    while (process_count(good, "evt_") < 1001)
        (void)process_wait_line(good, "evt_", NULL);
    assert_int_equal(process_count(good, "trying again"), 0);
    assert_true(metric(&w, "hilo_event_streams") == 2);
    /* What the slow one was sent ends; the idle one has had signs of life and no end. */
    assert_int_equal(fcntl(idle, F_SETFL, O_NONBLOCK), 0);
    unsigned got = 0;
    ssize_t n;
    while ((n = recv(idle, &byte, 1, 0)) == 1)
        got++;
    assert_true(n < 0 && got > 0);
    (void)close(slow);
    (void)close(idle);
    process_signal(good, SIGTERM);
    process_free(&good);
    world_down(&w);
}

static void what_is_not_kept_is_said_to_be_missing(void **state)
{
    struct world w = {0};
    char first[64], *text;

    (void)state;
    w.gate.segment_size = "8M";
    world_up(&w, NULL, NULL);
    customer(&w, "gone");
    struct process *p = EVENTS(&w, "-q", "-n", "1");
    (void)snprintf(first, sizeof first, "%.30s", process_wait_line(p, "evt_", NULL));
    process_free(&p);
    bulk(&w, 1500);
    customer(&w, "there");
    gate_stop(&w.gate);
    assert_int_equal(unlink(scratch_path(&w.scratch, "data/journal/0000000001.seg")), 0);
    gate_again(&w.gate);
    p = EVENTS(&w, "--json", "--after", first);
    text = process_output(p);
    process_free(&p);
    assert_non_null(strstr(text, "events are missing here"));
    assert_non_null(strstr(text, "\"there\""));
    assert_null(strstr(text, "\"gone\""));
    free(text);
    gate_stop(&w.gate);
    sim_stop(&w.sim);
    scratch_done(&w.scratch); /* the store is no longer whole, so it isn't checked */
}

static void a_restored_store_says_that_events_are_others(void **state)
{
    struct world w = {0};
    char last[64], bin[640], config[640], *text;

    (void)state;
    world_up(&w, NULL, NULL);
    customer(&w, "both");
    gate_stop(&w.gate);
    (void)snprintf(bin, sizeof bin, "cp -r %s/data %s/backup", w.scratch.dir, w.scratch.dir);
    assert_int_equal(system(bin), 0);
    gate_again(&w.gate);
    customer(&w, "lost");
    struct process *p = EVENTS(&w, "-q", "-n", "1");
    (void)snprintf(last, sizeof last, "%.30s", process_wait_line(p, "evt_", NULL));
    process_free(&p);
    gate_stop(&w.gate);
    (void)snprintf(config, sizeof config, "rm -r %s/data && mv %s/backup %s/data", w.scratch.dir,
                   w.scratch.dir, w.scratch.dir);
    assert_int_equal(system(config), 0);
    gate_again(&w.gate);
    customer(&w, "other");
    p = EVENTS(&w, "--json", "--follow", "--after", last);
    (void)process_wait_line(p, "events may be missing here", NULL);
    customer(&w, "next");
    (void)process_wait_line(p, "\"next\"", NULL);
    process_signal(p, SIGTERM);
    text = process_output(p);
    process_free(&p);
    assert_null(strstr(text, "\"lost\""));
    free(text);
    world_down(&w);
}

/* ---- limits ------------------------------------------------------------------------------- */

static void thousands_ask_and_the_gateway_goes_on(void **state)
{
    enum { ASK = 1500, LIMIT = 50 };
    struct world w = {0};
    static int fd[ASK];
    char id[64];

    (void)state;
    (void)snprintf(w.gate.extra_http, sizeof w.gate.extra_http,
                   "  event_streams: 50\n  connections_per_ip: 3000\n");
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    for (unsigned i = 0; i < ASK; i++)
        fd[i] = stream_open(&w, i % 3 ? "/v1/events?after=oldest" : "/v1/events?last=1000", 4096);
    unsigned taken = 0, refused = 0;
    for (unsigned i = 0; i < ASK; i++) {
        char head[64] = "";
        struct pollfd p = {.fd = fd[i], .events = POLLIN};
        assert_int_equal(poll(&p, 1, DEADLINE_S * 1000), 1);
        assert_true(recv(fd[i], head, sizeof head - 1, MSG_PEEK) > 12);
        taken += strncmp(head, "HTTP/1.1 200", 12) == 0;
        refused += strncmp(head, "HTTP/1.1 503", 12) == 0;
    }
    assert_int_equal(taken, LIMIT);
    assert_int_equal(refused, ASK - LIMIT);
    bulk(&w, 300); /* more than their buffers hold, which none of them reads */
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "read");
    double rss = metric(&w, "process_resident_anonymous_bytes");
    print_message("%u streams that nobody reads: %.0f MiB\n", LIMIT, rss / (1 << 20));
    for (unsigned i = 0; i < ASK; i++)
        (void)close(fd[i]);
    while (metric(&w, "hilo_event_streams") > 0)
        customer(&w, "x"); /* what is written finds them gone */
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_follower_misses_nothing_and_sees_nothing_twice),
        cmocka_unit_test(people_read_a_line_for_each),
        cmocka_unit_test(a_slow_reader_is_disconnected_and_nobody_else),
        cmocka_unit_test(what_is_not_kept_is_said_to_be_missing),
        cmocka_unit_test(a_restored_store_says_that_events_are_others),
        cmocka_unit_test(thousands_ask_and_the_gateway_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
