/*
 * Paths within messages and JSON documents, for errors. Names come from outside:
 * each is cut to NAME_MAX_CHARS, so that a long key can't push the words of an
 * error out of its buffer.
 */
#include "model/path.h"
#include "base/str.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

enum { NAME_MAX_CHARS = 40, POINTER_MAX = 320 };

struct out {
    char *p;
    size_t n, cap;
};

static void put(struct out *o, const char *p, size_t n)
{
    if (o->cap - o->n <= n) /* all of it or nothing: no half characters */
        return;
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

/* A name with the escapes of RFC 6901; control characters are left out. */
static void put_escaped(struct out *o, struct hilo_str name)
{
    struct hilo_str head = str_utf8_head(name, NAME_MAX_CHARS);
    size_t i, len;

    for (i = 0; i < head.n; i += len) {
        for (len = 1; i + len < head.n && ((uint8_t)head.p[i + len] & 0xc0) == 0x80;)
            len++;
        if (head.p[i] == '~')
            put(o, "~0", 2);
        else if (head.p[i] == '/')
            put(o, "~1", 2);
        else if ((uint8_t)head.p[i] >= 0x20 && head.p[i] != 0x7f)
            put(o, head.p + i, len);
    }
    if (head.n < name.n)
        put(o, "…", strlen("…"));
}

static void walk(struct out *o, const struct model_path *path, bool pointer)
{
    char num[24];
    int n;

    if (path->up)
        walk(o, path->up, pointer);
    if (!path->key.p) {
        n = snprintf(num, sizeof num, pointer ? "/%zu" : "[%zu]", path->index);
        put(o, num, (size_t)n);
    } else if (!path->up) {
        put(o, path->key.p, (size_t)path->key.n);
    } else if (pointer) {
        put(o, "/", 1);
        put_escaped(o, path->key);
    } else {
        if (o->n)
            put(o, ".", 1);
        put(o, path->key.p, (size_t)path->key.n);
    }
}

const char *path_pointer(const struct model_path *path, char *out, size_t cap)
{
    struct out o = {out, 0, cap};

    walk(&o, path, true);
    out[o.n] = '\0';
    return out;
}

const char *path_dotted(const struct model_path *path, char *out, size_t cap)
{
    struct out o = {out, 0, cap};

    walk(&o, path, false);
    out[o.n] = '\0';
    return out;
}

int32_t path_fail(struct err *e, int32_t code, const struct model_path *path, const char *fmt, ...)
{
    char where[POINTER_MAX], words[sizeof e->text];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    path_pointer(path, where, sizeof where);
    return err_set(e, code, "%s%s%s", where, where[0] ? ": " : "", words);
}
