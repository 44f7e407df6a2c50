/*
 * Idle means no wake-ups: with nothing to do no thread of the gateway runs at all. What
 * is counted is the kernel's own number of context switches of every thread.
 */
#include "harness.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { WINDOW_MS = 2500, SETTLE_MS = 700 /* more than a flush waits */, SETTLE_TRIES = 120 };

/* Of all threads together; how many there are. */
static unsigned long long switches(pid_t pid, unsigned *threads)
{
    char path[64], line[256];
    unsigned long long sum = 0, n;
    struct dirent *entry;
    DIR *d;

    *threads = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    d = opendir(path);
    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%ld/task/%.16s/status", (long)pid, entry->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            continue; /* it ended in between */
        ++*threads;
        while (fgets(line, sizeof line, f))
            if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1 ||
                sscanf(line, "nonvoluntary_ctxt_switches: %llu", &n) == 1)
                sum += n;
        (void)fclose(f);
    }
    (void)closedir(d);
    return sum;
}

/* Lets the last work end (a flush, a segment being made), then none may come. Time is
 * what is measured here: an absence has no event to wait for. */
static void sleeps(struct world *w)
{
    pid_t pid = process_pid(w->gate.process);
    unsigned threads, tries = 0;
    unsigned long long before, after = switches(pid, &threads);

    do {
        before = after;
        (void)poll(NULL, 0, SETTLE_MS);
        after = switches(pid, &threads);
    } while (after != before && ++tries < SETTLE_TRIES);
    assert_true(threads >= 3); /* the core's, the channel's, the flusher's at least */
    before = after;
    (void)poll(NULL, 0, WINDOW_MS);
    after = switches(pid, &threads);
    if (after != before)
        print_message("%llu context switches of %u threads in %d ms\n", after - before, threads, WINDOW_MS);
    assert_true(after == before);
}

static void a_gateway_without_work_sleeps(void **state)
{
    struct world w = {0};

    (void)state;
    world_up(&w, NULL, NULL);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "state=up", NULL);
    sleeps(&w);
    world_down(&w);
}

static void it_sleeps_again_after_traffic(void **state)
{
    struct world w = {0};
    char phone[32];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(phone, sizeof phone, "+57300111%04u", i);
        gate_send_text(&w.gate, phone, "hola", NULL);
    }
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"573001112233\",\"type\":\"text\",\"text\":{\"body\":\"n\"},\"count\":50}");
    (void)process_wait_nth(w.gate.process, 50, "message.received", NULL);
    (void)process_wait_nth(w.gate.process, 50, "message.reported", "status=sent", NULL);
    sim_quiet(&w.sim);
    sleeps(&w);
    world_down(&w);
}

static void it_sleeps_with_messages_that_wait_for_an_operator(void **state)
{
    struct world w = {0};
    char id[64];

    (void)state;
    world_up(&w, NULL, NULL);
    struct answer a = gate_post(&w.gate, "/v1/channels/wa/pause", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    sleeps(&w);
    world_down(&w);
}

/* Between two signs of life, which come every 15 s. */
static void it_sleeps_with_an_open_stream_of_events(void **state)
{
    struct world w = {0};
    char text[600], got[4096] = "";
    size_t n = 0;

    (void)state;
    world_up(&w, NULL, NULL);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)w.gate.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = snprintf(text, sizeof text,
                       "GET /v1/events HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer %s\r\n\r\n", w.gate.key);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
    /* The first sign of life: the next is far. */
    while (!strstr(got, "\n:\n\n")) {
        ssize_t r = recv(fd, got + n, sizeof got - 1 - n, 0);
        assert_true(r > 0);
        n += (size_t)r;
    }
    sleeps(&w);
    (void)close(fd);
    world_down(&w);
}

static void it_sleeps_while_a_send_has_no_answer(void **state)
{
    struct world w = {0};

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"enforce_window\":false}");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\",\"statuses\":[]}");
    gate_send_text(&w.gate, "+573001112233", "hola", NULL);
    struct answer a = sim_messages(&w.sim, 1);
    answer_done(&a);
    sleeps(&w);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    (void)process_wait_nth(w.gate.process, 1, "message.reported", "status=sent", NULL);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_without_work_sleeps),
        cmocka_unit_test(it_sleeps_again_after_traffic),
        cmocka_unit_test(it_sleeps_with_messages_that_wait_for_an_operator),
        cmocka_unit_test(it_sleeps_with_an_open_stream_of_events),
        cmocka_unit_test(it_sleeps_while_a_send_has_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
