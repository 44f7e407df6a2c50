/*
 * What a scalar stands for: ${NAME} from the environment, file:PATH for a secret.
 *
 * The result is at most 64 KiB of UTF-8 without NUL, whatever it was made of. The
 * prefix file: counts only as written in the configuration: what the environment
 * gives is a value, never a path to read. A secret's file must be a regular file, so
 * that a pipe can't make the daemon wait.
 */
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "conf/private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool name_char(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (!first && c >= '0' && c <= '9');
}

/* The NAME of "${NAME}…" at p; empty if it is malformed. */
static struct hilo_str name_of(const char *p, const char *end)
{
    const char *name = p += 2;

    while (p < end && name_char(*p, p == name))
        p++;
    return p < end && *p == '}' ? str_n(name, (size_t)(p - name)) : (struct hilo_str){0};
}

static bool add(struct buf *b, const char *p, size_t n)
{
    if (n > CONF_VALUE_MAX - b->n)
        return false;
    if (buf_add(b, p, n) != HILO_OK)
        check_nomem();
    return true;
}

/* s with each ${NAME} replaced, into b. */
static bool expand(struct conf *c, struct hilo_str s, struct buf *b, const char **why_out)
{
    const char *end = s.p + s.n;

    for (const char *p = s.p; p < end;) {
        struct hilo_str piece = {p, 1};
        size_t skip = 1;
        if (str_starts(str_n(p, (size_t)(end - p)), STR("$${"))) {
            piece = STR("${");
            skip = 3;
        } else if (str_starts(str_n(p, (size_t)(end - p)), STR("${"))) {
            struct hilo_str name = name_of(p, end);
            if (!name.n) {
                *why_out = "has a ${ that is not followed by a name and }; a plain ${ is written $${";
                return false;
            }
            piece = str(getenv(arena_z(c->arena, name)));
            if (!piece.p) {
                *why_out = arena_fmt(c->arena, "needs the environment variable %.60s, which is not set",
                                     arena_z(c->arena, name))
                               .p;
                return false;
            }
            skip = (size_t)name.n + 3;
        }
        if (!add(b, piece.p, (size_t)piece.n)) {
            *why_out = arena_fmt(c->arena, "is longer than %d bytes", CONF_VALUE_MAX).p;
            return false;
        }
        p += skip;
    }
    return true;
}

/* All of a regular file, but at most a byte more than a value may have. errno's
 * words, or others, in the result; NULL: read. */
static const char *read_secret(struct conf *c, const char *path, struct buf *b)
{
    const char *why = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) != 0) {
        why = strerrordesc_np(errno);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        why = "not a regular file";
        goto out;
    }
    if (buf_reserve(b, CONF_VALUE_MAX + 1) != HILO_OK)
        check_nomem();
    while (b->n <= CONF_VALUE_MAX) {
        ssize_t n = read(fd, b->p + b->n, CONF_VALUE_MAX + 1 - b->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            why = strerrordesc_np(errno);
        if (n <= 0)
            break;
        b->n += (size_t)n;
    }
    if (b->n > CONF_VALUE_MAX)
        why = arena_fmt(c->arena, "longer than %d bytes", CONF_VALUE_MAX).p;
out:
    if (fd >= 0)
        (void)close(fd);
    return why;
}

static bool resolve_file(struct conf *c, struct hilo_str written, struct buf *b, const char **why_out)
{
    struct buf name = {0};
    bool ok = expand(c, written, &name, why_out);

    if (ok) {
        char *path = arena_z(c->arena, buf_str(&name));
        if (path[0] != '/')
            path = arena_z(c->arena, arena_fmt(c->arena, "%s/%s", c->dir, path));
        const char *why = read_secret(c, path, b);
        if (!why && b->n && b->p[b->n - 1] == '\n')
            b->n--;
        if (!why && b->n == 0)
            why = "empty";
        if (why)
            *why_out =
                arena_fmt(c->arena, "can't be read from the file %s: %s", conf__quote(c->arena, written), why)
                    .p;
        ok = !why;
    }
    buf_done(&name);
    return ok;
}

bool conf__resolve(struct conf *c, const struct conf_node *n, bool secret, struct arena *arena,
                   struct hilo_str *out, const char **why_out)
{
    struct hilo_str written = n->scalar;
    struct buf b = {0};
    bool ok;

    if (written.n && memchr(written.p, 0, (size_t)written.n)) {
        *why_out = "has a NUL character";
        return false;
    }
    if (secret && str_starts(written, STR("file:")))
        ok = resolve_file(c, str_n(written.p + 5, (size_t)written.n - 5), &b, why_out);
    else
        ok = expand(c, written, &b, why_out);
    if (ok && b.n && memchr(b.p, 0, b.n)) {
        *why_out = "has a NUL character";
        ok = false;
    }
    if (ok && !str_utf8_valid(buf_str(&b))) {
        *why_out = "is not UTF-8";
        ok = false;
    }
    if (ok)
        *out = arena_str(arena, buf_str(&b));
    buf_done(&b);
    return ok;
}
