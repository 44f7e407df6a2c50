/*
 * Life of a configuration: read the file, hand it to the parser, keep the errors.
 *
 * A configuration file is small and written by the operator: it is read whole, at
 * most 1 MiB of it. Everything of a configuration, the errors too, lives in its arena.
 */
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "conf/private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct conf *conf__new(const char *file)
{
    struct arena *a = arena_new();
    struct conf *c = ARENA_NEW(a, struct conf);
    const char *slash = strrchr(file, '/');

    c->arena = a;
    c->file = arena_z(a, str(file));
    if (!slash)
        c->dir = ".";
    else
        c->dir = arena_z(a, slash == file ? STR("/") : str_n(file, (size_t)(slash - file)));
    c->errors_end = &c->errors;
    return c;
}

void conf_free(struct conf **cp)
{
    struct conf *c = *cp;

    if (!c)
        return;
    struct arena *a = c->arena; /* c itself lives in it */
    arena_free(&a);
    *cp = NULL;
}

void conf_fail(struct conf *c, uint32_t line, uint32_t column, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    if (c->n_errors++ >= CONF_ERRORS_MAX)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    struct hilo_str s = str_n(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
    while (s.n < (uint64_t)n && !str_utf8_valid(s))
        s.n--; /* not half a character where the text is cut */
    struct conf_error *e = ARENA_NEW(c->arena, struct conf_error);
    e->line = line ? line : 1;
    e->column = column ? column : 1;
    e->text = arena_str(c->arena, s);
    *c->errors_end = e;
    c->errors_end = &e->next;
}

/* HILO_INVALID with the first error in words, if there is any. */
static int32_t conf__outcome(const struct conf *c, struct err *err)
{
    const struct conf_error *e = c->errors;

    if (!e)
        return HILO_OK;
    return err_set(err, HILO_INVALID, "%s:%u:%u: %.*s", c->file, e->line, e->column, STR_FMT(e->text));
}

int32_t conf_parse(const char *name, struct hilo_str yaml, struct err *err, struct conf **out)
{
    struct conf *c = conf__new(name);

    *out = c;
    if (yaml.n > CONF_BYTES_MAX)
        conf_fail(c, 1, 1, "the file has more than %d bytes, the most that a configuration may have",
                  CONF_BYTES_MAX);
    else
        (void)conf__parse(c, yaml);
    return conf__outcome(c, err);
}

/* All of fd, up to one byte more than a configuration may have. */
static int32_t conf__read(int fd, struct buf *b)
{
    for (;;) {
        int32_t rc = buf_reserve(b, 64 << 10);
        if (rc != HILO_OK)
            return rc;
        ssize_t n = read(fd, b->p + b->n, 64 << 10);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return HILO_IO;
        b->n += (size_t)n;
        if (n == 0 || b->n > CONF_BYTES_MAX)
            return HILO_OK;
    }
}

int32_t conf_load(const char *file, struct err *err, struct conf **out)
{
    struct buf b = {0};
    int32_t rc;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    *out = NULL;
    if (fd < 0) {
        rc = err_errno(err, "can't open the configuration %s (-c names another)", file);
        goto out;
    }
    rc = conf__read(fd, &b);
    if (rc == HILO_IO)
        rc = err_errno(err, "can't read the configuration %s", file);
    else if (rc != HILO_OK)
        rc = err_set(err, rc, "out of memory while reading the configuration %s", file);
    else
        rc = conf_parse(file, buf_str(&b), err, out);
out:
    if (!*out)
        *out = conf__new(file);
    buf_done(&b);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

const struct conf_node *conf_get(const struct conf_node *map, const char *key)
{
    if (!map || map->kind != CONF_MAP)
        return NULL;
    for (const struct conf_node *n = map->child; n; n = n->next)
        if (str_eqz(n->key, key))
            return n;
    return NULL;
}
