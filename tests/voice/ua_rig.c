/*
 * The endpoint alone (ua_rig.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

int rig_port(bool v6)
{
    for (;;) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        struct sockaddr *sa = v6 ? (struct sockaddr *)&b : (struct sockaddr *)&a;
        socklen_t n = v6 ? sizeof b : sizeof a;
        int u = socket(sa->sa_family, SOCK_DGRAM, 0), t = socket(sa->sa_family, SOCK_STREAM, 0), ok;

        assert_true(bind(u, sa, n) == 0);
        assert_true(getsockname(u, sa, &n) == 0);
        ok = bind(t, sa, n) == 0;
        close(u);
        close(t);
        if (ok)
            return ntohs(v6 ? b.sin6_port : a.sin_port);
    }
}

void rig_listening(int port, bool stream)
{
    int64_t until = now_ms() + RIG_WAIT_MS;

    for (;;) {
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
        bool taken = stream ? connect(fd, (struct sockaddr *)&a, sizeof a) == 0
                            : bind(fd, (struct sockaddr *)&a, sizeof a) != 0;

        close(fd);
        if (taken)
            return;
        if (now_ms() > until)
            fail_msg("nobody listens on port %d", port);
        (void)poll(NULL, 0, 5);
    }
}

static void on_wake(void *arg)
{
    struct rig *r = arg;

    while (write(r->wake[1], "", 1) < 0 && errno == EINTR)
        ;
}

void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->port = rig_port(false);
    snprintf(r->listen, sizeof r->listen, "127.0.0.1:%d", r->port);
    r->conf.udp = r->conf.tcp = str(r->listen);
    r->conf.trunk = str("127.0.0.0/8");
    r->conf.user = str("hilo");
    r->conf.calls_max = 1000;
    r->conf.session_expires_us = INT64_C(1800000000);
}

void rig_start(struct rig *r, bool up)
{
    char why[256] = "";

    assert_int_equal(pipe2(r->wake, O_CLOEXEC | O_NONBLOCK), 0);
    r->ua = ua_new(&r->conf, on_wake, r, why);
    if (!r->ua)
        fail_msg("ua_new: %s", why);
    ua_start(r->ua);
    if (up)
        rig_await(r, UA_UP);
}

void rig_stop(struct rig *r)
{
    ua_free(r->ua, 2000000);
    close(r->wake[0]);
    close(r->wake[1]);
}

bool rig_next(struct rig *r, struct ua_event *e, int ms)
{
    int64_t until = now_ms() + ms;
    char drain[64];

    for (;;) {
        struct pollfd p = {.fd = r->wake[0], .events = POLLIN};
        int64_t left = until - now_ms();

        if (ua_next(r->ua, e))
            return true;
        if (left < 0)
            return false;
        if (poll(&p, 1, (int)left) > 0)
            while (read(r->wake[0], drain, sizeof drain) > 0)
                ;
    }
}

struct ua_event rig_await(struct rig *r, enum ua_event_type type)
{
    struct ua_event e;
    int64_t until = now_ms() + RIG_WAIT_MS;

    for (;;) {
        int64_t left = until - now_ms();

        if (left < 0 || !rig_next(r, &e, (int)left))
            fail_msg("event %d did not come", type);
        if (e.type == type)
            return e;
        if (e.type == UA_CONFIG || e.type == UA_ENDED)
            fail_msg("event %d (%u %.*s) where %d was awaited", e.type, e.status, (int)e.reason.n, e.reason.p,
                     type);
    }
}

const char *rig_sdp(int port)
{
    static char sdp[512];

    snprintf(sdp, sizeof sdp,
             "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0 "
             "101\r\n"
             "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n",
             port);
    return sdp;
}

pid_t rig_spawn(const char *log, const char *const argv[])
{
    char *args[64] = {NULL};
    size_t n = 0;
    pid_t pid;

    while (argv[n] && n < 63)
        n++;
    memcpy(args, argv, n * sizeof *argv);
    pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644), null = open("/dev/null", O_RDONLY);

        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails leaves nobody behind */
        dup2(null, 0);
        dup2(fd, 1);
        dup2(fd, 2);
        execvp(args[0], args);
        _exit(127);
    }
    return pid;
}

int rig_end(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int rig_serve(struct rig *r, pid_t pid)
{
    struct ua_event e;
    int status;

    for (;;) {
        pid_t done = waitpid(pid, &status, WNOHANG);

        if (done == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        while (rig_next(r, &e, 50))
            if (e.type == UA_INCOMING) {
                r->incoming++;
                ua_ring(r->ua, e.call, str(NULL));
                ua_answer(r->ua, e.call, str(rig_sdp(30000)));
            } else if (e.type == UA_OFFER)
                ua_answer(r->ua, e.call, str(rig_sdp(30000)));
            else if (e.type == UA_REFUSED && e.status == 503)
                r->refused++;
    }
}
