/* Descriptors over a unix socket (fdpass.h). The peer may send anything, so counts are checked
 * and what was not expected is closed. */
#include "plug/fdpass.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
    struct cmsghdr head; /* aligns it */
    char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
};

int fdpass_pair(int out[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out);
}

int fdpass_send(int socket, const int *fds, int n)
{
    union control control;
    char byte = (char)n;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE((unsigned)n * sizeof(int))};
    struct cmsghdr *c;
    ssize_t sent;

    memset(&control, 0, sizeof control);
    c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((unsigned)n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (unsigned)n * sizeof(int));
    do
        sent = sendmsg(socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    return 1;
}

bool fdpass_take(int socket, int *out, int n)
{
    union control control;
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    int got = 0;
    ssize_t r;

    do
        r = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (r < 0 && errno == EINTR);
    if (r != 1)
        return false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        int fd;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof fd <= c->cmsg_len; at += sizeof fd) {
            memcpy(&fd, (const char *)c + at, sizeof fd);
            if (got < n)
                out[got] = fd;
            else
                (void)close(fd);
            got++;
        }
    }
    if (got == n && !(m.msg_flags & MSG_CTRUNC))
        return true;
    for (int i = 0; i < got && i < n; i++)
        (void)close(out[i]);
    return false;
}

bool fdpass_writable(int socket)
{
    struct pollfd p = {.fd = socket, .events = POLLOUT};

    return poll(&p, 1, 0) == 1;
}
