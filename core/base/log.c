/* The structured log: one line, one write. */
#include "base/log.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOG_LINE = 2048 };

struct log {
    int fd;
    _Atomic int32_t level;
};

static const char *const log__names[] = {"error", "warn", "info", "debug"};

struct log *log_new(int fd, int32_t level)
{
    struct log *l = malloc(sizeof *l);

    if (!l)
        check_nomem();
    l->fd = fd;
    atomic_init(&l->level, level);
    return l;
}

void log_free(struct log **lp)
{
    free(*lp);
    *lp = NULL;
}

void log_level_set(struct log *l, int32_t level)
{
    atomic_store(&l->level, level);
}

int32_t log_level_parse(const char *name, int32_t otherwise)
{
    for (int32_t i = 0; i < 4; i++)
        if (strcmp(name, log__names[i]) == 0)
            return i;
    return otherwise;
}

void log_event(struct log *l, int32_t level, const char *event, const char *fmt, ...)
{
    char line[LOG_LINE], time[CLOCK_TEXT];
    va_list ap;
    int n, m;

    if (!l || level < 0 || level > 3 || level > atomic_load_explicit(&l->level, memory_order_relaxed))
        return;
    clock_format(clock_wall_us(), time);
    n = snprintf(line, sizeof line, "%s %s %s ", time, log__names[level], event);
    if (n < 0 || (size_t)n >= sizeof line - 1)
        return;
    va_start(ap, fmt);
    m = vsnprintf(line + n, sizeof line - 1 - (size_t)n, fmt, ap);
    va_end(ap);
    if (m < 0)
        return;
    size_t end = (size_t)n + (size_t)m;
    if (end > sizeof line - 2)
        end = sizeof line - 2; /* cut */
    for (size_t i = (size_t)n; i < end; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' '; /* one event, one line, whatever a peer put into a value */
    line[end++] = '\n';
    for (size_t at = 0; at < end;) {
        ssize_t w = write(l->fd, line + at, end - at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return; /* there is nobody left to tell */
        at += (size_t)w;
    }
}

const char *log_quote(struct hilo_str s, char *out, unsigned long cap)
{
    unsigned long n = 0;

    CHECK(cap >= 8);
    out[n++] = '"';
    for (uint64_t i = 0; i < s.n && n + 4 < cap; i++) {
        char c = s.p[i];
        if (c == '"' || c == '\\')
            out[n++] = '\\';
        out[n++] = (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
    }
    out[n++] = '"';
    out[n] = '\0';
    return out;
}
