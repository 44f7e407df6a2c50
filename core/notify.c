/*
 * One datagram a message, by a socket made once: an address beginning with @ is in the
 * abstract namespace. That nobody listens is no reason to stop: it is said
 * in the log, once.
 */
#include "notify.h"
#include "base/check.h"
#include "base/str.h"
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify {
    struct log *log;
    int fd; /* -1: nobody is told */
    struct sockaddr_un to;
    socklen_t to_n;
    int64_t watchdog_us;
    bool complained;
};

static void complain(struct notify *n, const char *what)
{
    char quoted[100];

    if (!n->complained)
        log_event(n->log, HILO_LOG_WARN, "gateway.notify", "what=%s error=%s", what,
                  log_quote(str(strerror(errno)), quoted, sizeof quoted));
    n->complained = true;
}

static bool address(struct notify *n, const char *path)
{
    size_t length = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || length < 2 || length >= sizeof n->to.sun_path)
        return false;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, path, length);
    if (path[0] == '@')
        n->to.sun_path[0] = '\0';
    n->to_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

static int64_t watchdog(void)
{
    const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t n, whose;

    if (!us || !str_u64(str(us), &n) || n < 2 || n > INT64_MAX)
        return 0;
    if (pid && (!str_u64(str(pid), &whose) || whose != (uint64_t)getpid()))
        return 0;
    return (int64_t)(n / 2);
}

struct notify *notify_new(struct log *log)
{
    struct notify *n = calloc(1, sizeof *n);
    const char *path = getenv("NOTIFY_SOCKET");

    if (!n)
        check_nomem();
    n->log = log;
    n->fd = -1;
    if (path && path[0]) {
        errno = EINVAL;
        if (address(n, path))
            n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (n->fd < 0)
            complain(n, "socket");
        else
            n->watchdog_us = watchdog();
    }
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    return n;
}

void notify_free(struct notify **np)
{
    if (*np && (*np)->fd >= 0)
        (void)close((*np)->fd);
    free(*np);
    *np = NULL;
}

bool notify_heard(const struct notify *n)
{
    return n->fd >= 0;
}

void notify_say(struct notify *n, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    int length;

    if (n->fd < 0)
        return;
    va_start(ap, fmt);
    length = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    CHECK(length > 0 && (size_t)length < sizeof text);
    if (sendto(n->fd, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
               n->to_n) < 0)
        complain(n, "send");
}

int64_t notify_watchdog_us(const struct notify *n)
{
    return n->watchdog_us;
}
