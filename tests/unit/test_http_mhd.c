/*
 * What the HTTP layer counts on from libmicrohttpd and its header does not promise: a
 * handler that gives no answer is called again on each run, bodies of any size come
 * whole before, a client that breaks off meanwhile frees its request, and at 128 and
 * 256 keep-alive connections nothing stalls when the daemon never waits by itself.
 * Everything runs on one thread: clients are sockets that do not block.
 */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct server {
    struct MHD_Daemon *d;
    int epoll;
    uint16_t port;
    bool suspend; /* instead of waiting without an answer */
    struct MHD_Connection *suspended;
    bool answer;        /* what waits is answered when it is called again */
    unsigned calls;     /* of handlers that had the whole request */
    unsigned waiting;   /* requests whose answer is due */
    unsigned completed; /* requests freed */
    size_t body;        /* bytes of the last body */
};
struct one {
    size_t body;
    bool waiting;
};

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **cls)
{
    struct server *s = arg;
    struct one *o = *cls;
    enum MHD_Result rc;

    (void)url, (void)method, (void)version, (void)data;
    if (!o) {
        *cls = o = calloc(1, sizeof *o);
        assert_non_null(o);
        return MHD_YES;
    }
    if (*n > 0) {
        o->body += *n;
        *n = 0;
        return MHD_YES;
    }
    s->calls++;
    if (!o->waiting) {
        o->waiting = true;
        s->waiting++;
        s->body = o->body;
        if (s->suspend) {
            s->suspended = c;
            MHD_suspend_connection(c);
        }
        return MHD_YES; /* no answer yet */
    }
    if (!s->answer)
        return MHD_YES;
    struct MHD_Response *r =
        MHD_create_response_from_buffer(2, (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT);
    rc = MHD_queue_response(c, 202, r);
    MHD_destroy_response(r);
    s->waiting--;
    o->waiting = false;
    return rc;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **cls, enum MHD_RequestTerminationCode why)
{
    struct server *s = arg;
    struct one *o = *cls;

    (void)c, (void)why;
    if (o && o->waiting)
        s->waiting--;
    free(o);
    *cls = NULL;
    s->completed++;
}

static struct server *start(void)
{
    struct server *s = calloc(1, sizeof *s);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    s->d = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
                            MHD_OPTION_SOCK_ADDR, &any, MHD_OPTION_CONNECTION_LIMIT, 600u,
                            MHD_OPTION_LISTEN_BACKLOG_SIZE, 600u, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                            s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192, MHD_OPTION_END);
    assert_non_null(s->d);
    s->epoll = MHD_get_daemon_info(s->d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    s->port = MHD_get_daemon_info(s->d, MHD_DAEMON_INFO_BIND_PORT)->port;
    return s;
}

static void stop(struct server *s)
{
    MHD_stop_daemon(s->d);
    free(s);
}

static int client(const struct server *s)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void put(int fd, const char *p, size_t n)
{
    assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}
static void ask(int fd)
{
    static const char request[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    put(fd, request, sizeof request - 1);
}

/* One turn of a loop that obeys the rule: run when the descriptor is ready or the daemon
 * has something due, never with a wait. false: it would sleep for ever. */
static bool turn(struct server *s)
{
    MHD_UNSIGNED_LONG_LONG due = 1000;
    struct pollfd p = {.fd = s->epoll, .events = POLLIN};
    bool now = MHD_get_timeout(s->d, &due) == MHD_YES && due == 0;
    int n = poll(&p, 1, now ? 0 : 1000);

    if (n == 0 && !now)
        return false;
    assert_int_equal(MHD_run_wait(s->d, 0), MHD_YES);
    return true;
}

static bool answered(int fd)
{
    char buf[1024];
    ssize_t n = recv(fd, buf, sizeof buf - 1, MSG_DONTWAIT);

    if (n < 0)
        assert_int_equal(errno, EAGAIN);
    if (n <= 0)
        return false;
    buf[n] = 0;
    assert_memory_equal(buf, "HTTP/1.1 202 ", 13);
    return true;
}

static void no_answer_is_called_again_on_each_run(void **state)
{
    (void)state;
    struct server *s = start();
    int fd = client(s);
    MHD_UNSIGNED_LONG_LONG due = 7;

    ask(fd);
    while (s->waiting == 0)
        assert_true(turn(s));
    for (unsigned i = 0; i < 3; i++) {
        unsigned before = s->calls;
        MHD_run_wait(s->d, 0);
        assert_true(s->calls > before);
        /* Due at once, always: whoever honours this blindly spins until the answer. */
        assert_int_equal(MHD_get_timeout(s->d, &due), MHD_YES);
        assert_int_equal(due, 0);
    }
    assert_false(answered(fd));
    s->answer = true;
    /* One run queues the answer, a second one writes it. */
    MHD_run_wait(s->d, 0);
    MHD_run_wait(s->d, 0);
    assert_true(answered(fd));
    assert_int_equal(s->completed, 1);
    /* Without a time-out for connections an idle daemon has nothing due. */
    assert_int_equal(MHD_get_timeout(s->d, &due), MHD_NO);
    close(fd);
    stop(s);
}

static void a_body_beyond_the_read_buffer_comes_whole(void **state)
{
    (void)state;
    struct server *s = start();
    int fd = client(s);
    enum { BODY = 300000 };
    char head[100], chunk[5000];
    size_t sent = 0;

    memset(chunk, 'x', sizeof chunk);
    int n = snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", BODY);
    put(fd, head, (size_t)n);
    while (sent < BODY) {
        ssize_t w = send(fd, chunk, sizeof chunk, MSG_NOSIGNAL);
        if (w > 0)
            sent += (size_t)w;
        assert_true(turn(s));
    }
    while (s->waiting == 0)
        assert_true(turn(s));
    assert_int_equal(s->body, BODY);
    s->answer = true;
    while (!answered(fd))
        assert_true(turn(s));
    close(fd);
    stop(s);
}

static void a_client_that_resets_while_it_waits_frees_its_request(void **state)
{
    (void)state;
    struct server *s = start();
    int fd = client(s);
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    ask(fd);
    while (s->waiting == 0)
        assert_true(turn(s));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    while (s->completed == 0)
        assert_true(turn(s));
    assert_int_equal(s->waiting, 0);
    stop(s);
}

static void a_client_that_closes_while_it_waits_is_freed_by_its_answer(void **state)
{
    (void)state;
    struct server *s = start();
    int fd = client(s);

    ask(fd);
    while (s->waiting == 0)
        assert_true(turn(s));
    close(fd);
    s->answer = true;
    while (s->completed == 0)
        assert_true(turn(s));
    assert_int_equal(s->waiting, 0);
    stop(s);
}

/* So whoever resumes one runs the daemon next. */
static void nothing_tells_of_a_resumed_connection(void **state)
{
    (void)state;
    struct server *s = start();
    int fd = client(s);
    MHD_UNSIGNED_LONG_LONG due = 7;

    s->suspend = true;
    s->answer = true;
    ask(fd);
    while (s->waiting == 0)
        assert_true(turn(s));
    /* Suspended, it is not due and costs nothing. */
    assert_int_equal(MHD_get_timeout(s->d, &due), MHD_NO);
    MHD_resume_connection(s->suspended);
    struct pollfd p = {.fd = s->epoll, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(MHD_get_timeout(s->d, &due), MHD_NO);
    MHD_run_wait(s->d, 0);
    while (!answered(fd))
        assert_true(turn(s));
    close(fd);
    stop(s);
}

/* 128 is the number of events that one wait of 0.9.75 takes. */
static void rounds(unsigned n)
{
    struct server *s = start();
    int fd[300];

    assert_true(n <= 300);
    for (unsigned i = 0; i < n; i++)
        fd[i] = client(s);
    for (unsigned round = 0; round < 10; round++) {
        unsigned left = n;
        bool done[300] = {0};

        s->answer = false;
        for (unsigned i = 0; i < n; i++)
            ask(fd[i]);
        while (s->waiting < n)
            assert_true(turn(s)); /* a stall ends here */
        s->answer = true;
        while (left > 0) {
            assert_true(turn(s));
            for (unsigned i = 0; i < n; i++)
                if (!done[i] && answered(fd[i])) {
                    done[i] = true;
                    left--;
                }
        }
    }
    while (s->completed < 10 * n) /* freed one run after the client has its answer */
        assert_true(turn(s));
    for (unsigned i = 0; i < n; i++)
        close(fd[i]);
    stop(s);
}
static void nothing_stalls_at_127_connections(void **state)
{
    (void)state, rounds(127);
}
static void nothing_stalls_at_128_connections(void **state)
{
    (void)state, rounds(128);
}
static void nothing_stalls_at_256_connections(void **state)
{
    (void)state, rounds(256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answer_is_called_again_on_each_run),
        cmocka_unit_test(a_body_beyond_the_read_buffer_comes_whole),
        cmocka_unit_test(a_client_that_resets_while_it_waits_frees_its_request),
        cmocka_unit_test(a_client_that_closes_while_it_waits_is_freed_by_its_answer),
        cmocka_unit_test(nothing_tells_of_a_resumed_connection),
        cmocka_unit_test(nothing_stalls_at_127_connections),
        cmocka_unit_test(nothing_stalls_at_128_connections),
        cmocka_unit_test(nothing_stalls_at_256_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
