/*
 * Mappings and lists that are handed on as JSON (HILO_OPT_TREE), and the way back: from a path
 * into one to the node that it names.
 *
 * A plain scalar that is written as JSON writes true, false, null or a number is one; all others
 * are strings: a phone number keeps its plus sign, a key code its zeros, an hour its colon.
 * Depth is bounded by CONF_LEVELS_MAX, so these may call themselves.
 */
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "conf/private.h"
#include <stdio.h>

struct tree {
    struct conf *conf;
    struct buf json;
    bool ok;
};

static void add(struct tree *t, struct hilo_str s)
{
    if (buf_add_str(&t->json, s) != HILO_OK)
        check_nomem();
}

static void add_string(struct tree *t, struct hilo_str s)
{
    uint64_t from = 0;

    add(t, STR("\""));
    for (uint64_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        add(t, str_n(s.p + from, (size_t)(i - from)));
        if (buf_fmt(&t->json, c < 0x20 ? "\\u%04x" : "\\%c", c) != HILO_OK)
            check_nomem();
        from = i + 1;
    }
    add(t, str_n(s.p + from, (size_t)(s.n - from)));
    add(t, STR("\""));
}

static size_t digits(struct hilo_str s, size_t at)
{
    size_t n = 0;

    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
        n++;
    return n;
}

/* number of RFC 8259, all of s. */
static bool is_number(struct hilo_str s)
{
    size_t at = s.n && s.p[0] == '-', n = digits(s, at);

    if (n == 0 || (n > 1 && s.p[at] == '0'))
        return false;
    at += n;
    if (at < s.n && s.p[at] == '.') {
        n = digits(s, ++at);
        if (n == 0)
            return false;
        at += n;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        at += at < s.n && (s.p[at] == '+' || s.p[at] == '-');
        n = digits(s, at);
        if (n == 0)
            return false;
        at += n;
    }
    return at == s.n;
}

static void add_scalar(struct tree *t, const struct conf_node *n, const char *path)
{
    struct hilo_str s = n->scalar;

    if (s.n && memchr(s.p, 0, (size_t)s.n)) {
        conf_fail(t->conf, n->line, n->column, "%s has a NUL character", path);
        t->ok = false;
    } else if (conf__null(n)) {
        add(t, STR("null"));
    } else if (!n->quoted && (str_eqz(s, "true") || str_eqz(s, "false") || is_number(s))) {
        add(t, s);
    } else {
        add_string(t, s);
    }
}

static void add_node(struct tree *t, const struct conf_node *n, const char *path)
{
    const char *between = "";
    bool map = n->kind == CONF_MAP;
    unsigned i = 0;

    if (n->kind == CONF_SCALAR) {
        add_scalar(t, n, path);
        return;
    }
    add(t, map ? STR("{") : STR("["));
    for (const struct conf_node *c = n->child; c; c = c->next, i++) {
        if (c->kind == CONF_REFUSED) { /* its error is there */
            t->ok = false;
            continue;
        }
        add(t, str(between));
        between = ",";
        if (map) {
            add_string(t, c->key);
            add(t, STR(":"));
            add_node(t, c, arena_fmt(t->conf->arena, "%s.%.*s", path, STR_FMT(c->key)).p);
        } else {
            add_node(t, c, arena_fmt(t->conf->arena, "%s.%u", path, i).p);
        }
    }
    add(t, map ? STR("}") : STR("]"));
}

bool conf__tree(struct conf *c, const struct conf_node *n, const char *path, struct arena *arena,
                struct hilo_str *out)
{
    struct tree t = {.conf = c, .ok = true};

    add_node(&t, n, path);
    *out = arena_str(arena, buf_str(&t.json));
    buf_done(&t.json);
    return t.ok;
}

/* ---- and back ------------------------------------------------------------------------------ */

/* Whether the path goes on with this name. */
static bool leads(struct hilo_str path, struct hilo_str name)
{
    return name.n && str_starts(path, name) && (path.n == name.n || strchr(".: ", path.p[name.n]));
}

static const struct conf_node *step(const struct conf_node *at, struct hilo_str path, size_t *n_out)
{
    const struct conf_node *found = NULL;
    char place[16];
    unsigned i = 0;

    *n_out = 0;
    for (const struct conf_node *c = at->child; c; c = c->next, i++) {
        struct hilo_str name = c->key;

        if (at->kind == CONF_LIST) {
            (void)snprintf(place, sizeof place, "%u", i);
            name = str(place);
        }
        if (leads(path, name) && name.n > *n_out) {
            found = c;
            *n_out = (size_t)name.n;
        }
    }
    return found;
}

const struct conf_node *conf_path(const struct conf_node *map, struct hilo_str path)
{
    const struct conf_node *at = map, *next;
    size_t n;

    while (at && (next = step(at, path, &n))) {
        at = next;
        if (n == path.n || path.p[n] != '.')
            break;
        path = str_n(path.p + n + 1, (size_t)path.n - n - 1);
    }
    return at;
}

void conf_place(const struct conf_node *n, uint32_t *line_out, uint32_t *column_out)
{
    bool at_key = n->kind != CONF_SCALAR && n->key_line;

    *line_out = at_key ? n->key_line : n->line;
    *column_out = at_key ? n->key_column : n->column;
}
