/*
 * Listening sockets: "127.0.0.1:8080", "[::1]:8080", and a path of the control socket.
 * A path that nobody answers on any more is replaced; one that somebody does is an
 * error, for it is another daemon's.
 */
#include "api/http.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static bool listen__parse(struct hilo_str s, struct sockaddr_storage *a, socklen_t *len)
{
    char host[64];
    struct hilo_str h, p;
    uint64_t port;
    const char *colon = s.n ? memrchr(s.p, ':', (size_t)s.n) : NULL;

    if (!colon)
        return false;
    h = str_n(s.p, (size_t)(colon - s.p));
    p = str_n(colon + 1, (size_t)(s.n - h.n - 1));
    if (!str_u64(p, &port) || port > 65535 || h.n >= sizeof host || h.n == 0)
        return false;
    memset(a, 0, sizeof *a);
    if (h.p[0] == '[') {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a;
        if (h.p[h.n - 1] != ']' || h.n < 3)
            return false;
        memcpy(host, h.p + 1, (size_t)h.n - 2);
        host[h.n - 2] = 0;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        *len = sizeof *in6;
        return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)a;
    memcpy(host, h.p, (size_t)h.n);
    host[h.n] = 0;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    *len = sizeof *in;
    return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

int32_t http_listen_tcp(struct hilo_str address, struct err *e, int *fd_out)
{
    struct sockaddr_storage a;
    socklen_t len = 0;
    int one = 1, fd;
    int32_t rc;

    if (!listen__parse(address, &a, &len))
        return err_set(e, HILO_INVALID,
                       "http.listen: \"%.*s\" is no address; write 127.0.0.1:8080 or [::1]:8080",
                       STR_FMT(address));
    fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, "http.listen: socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* Accepted sockets inherit it: answers are small and leave at once. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (a.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, BACKLOG) != 0) {
        rc = err_errno(e, "http.listen: can't listen on %.*s", STR_FMT(address));
        (void)close(fd);
        return rc;
    }
    *fd_out = fd;
    return HILO_OK;
}

/* Whether a socket file has nobody behind it any more. */
static bool listen__stale(const struct sockaddr_un *a)
{
    struct stat st;
    int fd, rc;

    if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    rc = connect(fd, (const struct sockaddr *)a, sizeof *a);
    rc = rc != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return rc;
}

int32_t http_listen_unix(struct hilo_str path, struct err *e, int *fd_out)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    mode_t old;
    int fd, rc;

    if (path.n >= sizeof a.sun_path)
        return err_set(e, HILO_INVALID, "http.control: the path may have at most %zu bytes",
                       sizeof a.sun_path - 1);
    memcpy(a.sun_path, path.p, (size_t)path.n);
    if (listen__stale(&a))
        (void)unlink(a.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, "http.control: socket");
    old = umask(0117); /* 0660 from the start; who may act is decided by the peer's uid */
    rc = bind(fd, (struct sockaddr *)&a, sizeof a);
    (void)umask(old);
    if (rc != 0 || listen(fd, BACKLOG) != 0) {
        int32_t code =
            err_errno(e, "http.control: can't listen on %s (is another hilod running?)", a.sun_path);
        (void)close(fd);
        return code;
    }
    *fd_out = fd;
    return HILO_OK;
}

uint16_t http_socket_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;

    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return 0;
    if (a.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
    return ntohs(((struct sockaddr_in *)&a)->sin_port);
}
