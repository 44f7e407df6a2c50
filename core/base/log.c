/*
 * The log: each event is one line made on the stack and given to one write(2), at
 * most LOG_LINE bytes, which a pipe takes whole; a longer one is cut and ends in "...".
 * No lock, no buffer, no allocation. A reader that does not keep up costs lines on
 * a non-blocking descriptor, never a wait; on a blocking one write itself waits.
 */
#include "base/log.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <unistr.h>

enum { LOG_LINE = 4096 }; /* PIPE_BUF */

struct log {
    int fd;
    _Atomic int32_t level;
};

static const char *const log__names[] = {"error", "warn", "info", "debug"};
enum { LOG_LEVELS = sizeof log__names / sizeof log__names[0] };

struct log *log_new(int fd, int32_t level)
{
    struct log *l = calloc(1, sizeof *l);

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
    atomic_store_explicit(&l->level, level, memory_order_relaxed);
}

int32_t log_level(const struct log *l)
{
    return l ? atomic_load_explicit(&l->level, memory_order_relaxed) : (int32_t)HILO_LOG_ERROR;
}

int32_t log_level_parse(const char *name, int32_t otherwise)
{
    for (int32_t i = 0; i < LOG_LEVELS; i++)
        if (name && strcmp(name, log__names[i]) == 0)
            return i;
    return otherwise;
}

/* Text that is being made in a buffer of cap bytes. mark: the longest head with
 * whole units after which tail bytes still fit. */
struct log__text {
    char *p;
    size_t n, cap, mark, tail;
    bool cut;
};

static void log__text_add(struct log__text *t, const char *p, size_t n)
{
    if (t->cut || t->cap - t->n < n) {
        t->cut = true;
        return;
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
    if (t->n + t->tail <= t->cap)
        t->mark = t->n;
}

/* Adds s with control characters and bytes that are not UTF-8 escaped, and what
 * quotes need if quoting. */
static void log__text_escape(struct log__text *t, struct hilo_str s, bool quoting)
{
    static const char plain[] = "\n\r\t", letter[] = "nrt";

    for (uint64_t i = 0; i < s.n && !t->cut;) {
        unsigned char c = (unsigned char)s.p[i];
        int length = u8_mblen((const uint8_t *)s.p + i, (size_t)(s.n - i));
        const char *at = c ? strchr(plain, c) : NULL;
        char escaped[5];

        if (at) {
            log__text_add(t, (const char[]){'\\', letter[at - plain]}, 2);
            length = 1;
        } else if (quoting && (c == '"' || c == '\\')) {
            log__text_add(t, (const char[]){'\\', (char)c}, 2);
        } else if (length <= 0 || c < 0x20 || c == 0x7f) {
            (void)snprintf(escaped, sizeof escaped, "\\x%02x", c);
            log__text_add(t, escaped, 4);
            length = 1;
        } else {
            log__text_add(t, s.p + i, (size_t)length);
        }
        i += (size_t)length;
    }
}

/* Ends with tail, preceded by "..." if something was cut. */
static void log__text_end(struct log__text *t, const char *tail)
{
    size_t n = strlen(tail);

    if (!t->cut && t->cap - t->n >= n) {
        memcpy(t->p + t->n, tail, n);
        t->n += n;
        return;
    }
    t->n = t->mark;
    memcpy(t->p + t->n, "...", 3);
    memcpy(t->p + t->n + 3, tail, n);
    t->n += 3 + n;
}

static void log__write_line(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);

        if (put < 0) {
            if (errno == EINTR)
                continue;
            return; /* full or closed: the line is lost, the work goes on */
        }
        p += put;
        n -= (size_t)put;
    }
}

void log_event(struct log *l, int32_t level, const char *event, const char *fmt, ...)
{
    char line[LOG_LINE], words[LOG_LINE], time_text[CLOCK_TEXT];
    struct log__text t = {.p = line, .cap = sizeof line, .tail = 4}; /* "...\n" */
    int saved = errno, made;
    const char *name;
    va_list ap;

    if (!l || level > atomic_load_explicit(&l->level, memory_order_relaxed))
        return;
    name = log__names[level < 0 ? 0 : level >= LOG_LEVELS ? LOG_LEVELS - 1 : level];
    clock_format(clock_wall_us(), time_text);
    log__text_add(&t, time_text, strlen(time_text));
    log__text_add(&t, " ", 1);
    log__text_add(&t, name, strlen(name));
    log__text_add(&t, " ", 1);
    log__text_escape(&t, str(event), false);
    va_start(ap, fmt);
    made = vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    if (made > 0) {
        log__text_add(&t, " ", 1);
        log__text_escape(&t, str_n(words, strlen(words)), false);
        if ((size_t)made >= sizeof words)
            t.cut = true;
    }
    log__text_end(&t, "\n");
    log__write_line(l->fd, line, t.n);
    errno = saved;
}

const char *log_quote(struct hilo_str s, char *out, unsigned long cap)
{
    struct log__text t = {.p = out, .cap = cap ? cap - 1 : 0, .tail = 4}; /* "...\"" */

    if (cap < sizeof "\"...\"") {
        if (cap)
            out[0] = 0;
        return cap ? out : "";
    }
    log__text_add(&t, "\"", 1);
    log__text_escape(&t, s, true);
    log__text_end(&t, "\"");
    out[t.n] = 0;
    return out;
}

const char *log_word(struct hilo_str s, char *out, unsigned long cap)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:";
    bool word = s.n > 0 && s.n < cap;

    for (uint64_t i = 0; i < s.n && word; i++)
        word = s.p[i] && strchr(plain, s.p[i]);
    if (!word)
        return log_quote(s, out, cap);
    memcpy(out, s.p, (size_t)s.n);
    out[s.n] = 0;
    return out;
}
