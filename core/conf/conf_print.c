/* What people read: the errors of a configuration, and a sample of its options. */
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "conf/private.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* By place; the list is in the order of finding and qsort is not stable, so equal
 * places go by what was found first. */
struct placed {
    const struct conf_error *error;
    size_t nth;
};

static int by_place(const void *va, const void *vb)
{
    const struct placed *a = va, *b = vb;

    if (a->error->line != b->error->line)
        return a->error->line < b->error->line ? -1 : 1;
    if (a->error->column != b->error->column)
        return a->error->column < b->error->column ? -1 : 1;
    return a->nth < b->nth ? -1 : 1;
}

static void write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return; /* nobody to tell */
        p += w;
        n -= (size_t)w;
    }
}

void conf_print_errors(const struct conf *c, int fd)
{
    struct placed all[CONF_ERRORS_MAX];
    struct buf b = {0};
    size_t n = 0;
    int32_t rc = HILO_OK;

    for (const struct conf_error *e = c->errors; e && n < CONF_ERRORS_MAX; e = e->next, n++)
        all[n] = (struct placed){e, n};
    if (n)
        qsort(all, n, sizeof *all, by_place);
    for (size_t i = 0; i < n && rc == HILO_OK; i++)
        rc = buf_fmt(&b, "%s:%u:%u: %.*s\n", c->file, all[i].error->line, all[i].error->column,
                     STR_FMT(all[i].error->text));
    if (rc == HILO_OK && c->n_errors > n)
        rc = buf_fmt(&b, "%s: and %zu more errors\n", c->file, c->n_errors - n);
    if (rc != HILO_OK)
        check_nomem();
    write_all(fd, b.p, b.n);
    buf_done(&b);
}

/* ---- samples ------------------------------------------------------------------------- */

/* Letters that YAML reads as themselves anywhere in a plain scalar. */
static bool plain(struct hilo_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        if (!letter && !(i > 0 && strchr("._-/", ch)) && !(i == 0 && ch == '/'))
            return false;
    }
    return s.n > 0;
}

static const char *scalar_of(struct arena *a, struct hilo_str s)
{
    struct buf b = {0};

    if (plain(s))
        return arena_z(a, s);
    int32_t rc = buf_add_str(&b, STR("\""));
    for (size_t i = 0; i < s.n && rc == HILO_OK; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            rc = buf_add_str(&b, STR("\\"));
        if (rc == HILO_OK)
            rc = (unsigned char)s.p[i] < 0x20 ? buf_fmt(&b, "\\x%02x", (unsigned)s.p[i])
                                              : buf_add(&b, s.p + i, 1);
    }
    if (rc == HILO_OK)
        rc = buf_add_str(&b, STR("\""));
    if (rc != HILO_OK)
        check_nomem();
    const char *out = arena_z(a, buf_str(&b));
    buf_done(&b);
    return out;
}

/* ${TOKEN} for token: what a sample gives for a required value. */
static const char *variable_of(struct arena *a, const char *name)
{
    char *z = arena_z(a, arena_fmt(a, "${%s}", name));

    for (char *p = z; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (*p == '-' || *p == '.')
            *p = '_';
    }
    return z;
}

static const char *type_words(struct arena *a, const struct hilo_option *o)
{
    switch (o->type) {
    case HILO_OPT_STR:
        return "text";
    case HILO_OPT_BOOL:
        return "true or false";
    case HILO_OPT_INT:
        return "a whole number";
    case HILO_OPT_DURATION:
        return "a duration (500ms, 10s, 5m, 2h, 1d)";
    case HILO_OPT_BYTES:
        return "a size (512, 64k, 5M, 1G)";
    case HILO_OPT_ENUM:
        return arena_fmt(a, "one of %s", conf__choices(a, o->choices ? o->choices : "")).p;
    case HILO_OPT_URL:
        return "a URL, http or https";
    case HILO_OPT_TREE:
        return "a mapping or list";
    default:
        return "of a type that this version does not know";
    }
}

static const char *range_of(struct arena *a, const struct hilo_option *o)
{
    bool text = o->type == HILO_OPT_STR || o->type == HILO_OPT_TREE;
    const char *unit = text ? " bytes" : "";

    if ((o->min == 0 && o->max == 0) || o->type == HILO_OPT_BOOL || o->type == HILO_OPT_ENUM ||
        o->type == HILO_OPT_URL)
        return "";
    if (o->max == INT64_MAX)
        return arena_fmt(a, ", at least %s%s", conf__number(a, o->type, o->min), unit).p;
    if (text && o->min <= 0)
        return arena_fmt(a, ", at most %s%s", conf__number(a, o->type, o->max), unit).p;
    return arena_fmt(a, ", %s to %s%s", conf__number(a, o->type, o->min), conf__number(a, o->type, o->max),
                     unit)
        .p;
}

/* One line of a comment: a line break in help would end it. */
static const char *one_line(struct arena *a, const char *help)
{
    char *z = arena_z(a, str(help));

    for (char *p = z; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    return z;
}

static int32_t sample_option(struct buf *b, struct arena *a, const struct hilo_option *o)
{
    bool secret = o->flags & HILO_OPT_SECRET, required = o->flags & HILO_OPT_REQUIRED;
    int32_t rc = HILO_OK;

    if (o->help)
        rc = buf_fmt(b, "# %s\n", one_line(a, o->help));
    if (rc == HILO_OK)
        rc = buf_fmt(b, "# %s: %s%s%s%s.\n", required ? "Required" : "Optional", type_words(a, o),
                     range_of(a, o), secret ? "; a secret: ${NAME} of the environment, or file:PATH" : "",
                     o->flags & HILO_OPT_RELOADABLE ? "; a reload changes it" : "");
    if (rc == HILO_OK && required)
        rc = buf_fmt(b, "%s: %s\n", o->name, o->type == HILO_OPT_TREE ? "{}" : variable_of(a, o->name));
    else if (rc == HILO_OK && o->def && !secret)
        rc = buf_fmt(b, "#%s: %s\n", o->name, scalar_of(a, str(o->def)));
    else if (rc == HILO_OK)
        rc = buf_fmt(b, "#%s:\n", o->name);
    return rc;
}

struct hilo_str conf_sample(const struct hilo_option *options, uint32_t n, struct arena *a)
{
    struct buf b = {0};
    int32_t rc = HILO_OK;

    for (uint32_t i = 0; i < n && rc == HILO_OK; i++)
        rc = sample_option(&b, a, &options[i]);
    if (rc != HILO_OK)
        check_nomem();
    struct hilo_str out = arena_str(a, buf_str(&b));
    buf_done(&b);
    return out;
}
