/*
 * The floor under the gateway: libmicrohttpd with a handler that reads the body, throws
 * it away and answers a static 202. Driven exactly as core/api/http.c drives it (its
 * epoll descriptor in an epoll of our own, never run with a wait), so that the ratio to
 * it is the price of what the gateway does and not of how it calls the library.
 *
 * Prints "port=N", serves until it gets SIGTERM. One thread, no limits of its own.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* As long as the gateway's answer to POST /v1/messages. */
static char body[] =
    "{\"id\":\"msg_01KAW0000000000000000000AA\",\"customer\":\"cus_01KAW0000000000000000000AA\","
    "\"conversation\":\"cnv_01KAW0000000000000000000AA\",\"channel\":\"bench\",\"status\":\"accepted\"}";

static volatile sig_atomic_t ended;

static void on_term(int signo)
{
    (void)signo;
    ended = 1;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
                              const char *version, const char *data, size_t *n, void **state)
{
    struct MHD_Response *r;
    enum MHD_Result rc;

    (void)url, (void)method, (void)version, (void)data;
    if (!*state) {
        *state = arg; /* anything: the head was seen */
        return MHD_YES;
    }
    if (*n) {
        *n = 0;
        return MHD_YES;
    }
    r = MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
    if (!r)
        return MHD_NO;
    rc = MHD_add_response_header(r, "Content-Type", "application/json");
    if (rc == MHD_YES)
        rc = MHD_queue_response(conn, MHD_HTTP_ACCEPTED, r);
    MHD_destroy_response(r);
    return rc;
}

static int listener(unsigned *port_out)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return -1;
    *port_out = ntohs(at.sin_port);
    return fd;
}

int main(void)
{
    static int seen;
    const struct sigaction term = {.sa_handler = on_term};
    const union MHD_DaemonInfo *info;
    struct MHD_Daemon *d;
    struct epoll_event ev = {.events = EPOLLIN};
    unsigned port = 0;
    int fd = listener(&port), ep = epoll_create1(EPOLL_CLOEXEC);

    (void)sigaction(SIGTERM, &term, NULL);
    if (fd < 0 || ep < 0) {
        perror("bench_bare: no listening socket or epoll");
        return 1;
    }
    d = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, &seen,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, 4096u, MHD_OPTION_END);
    info = d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || epoll_ctl(ep, EPOLL_CTL_ADD, info->epoll_fd, &ev) != 0) {
        perror("bench_bare: libmicrohttpd does not start");
        return 1;
    }
    (void)MHD_run_wait(d, 0); /* puts the listener into its epoll */
    printf("port=%u\n", port);
    (void)fflush(stdout);
    while (!ended) {
        MHD_UNSIGNED_LONG_LONG due_ms = 0;
        int wait = MHD_get_timeout(d, &due_ms) == MHD_YES ? (int)(due_ms < 1000 ? due_ms : 1000) : -1;
        (void)epoll_wait(ep, &ev, 1, wait);
        (void)MHD_run_wait(d, 0);
    }
    MHD_stop_daemon(d);
    return 0;
}
