/*
 * From a mapping to a struct, by an option table: each key to its field, defaults for
 * what is absent, and an error with its place for all that does not fit. One pass
 * finds all faults; the struct of a faulty mapping is half filled and not to be used.
 */
#include "base/str.h"
#include "conf/private.h"

const char *const conf_any[] = {NULL};

/* Where messages about one mapping point, and how they name it. */
struct scope {
    struct conf *conf;
    const char *section;
    uint32_t line, column; /* of what is missing */
    struct arena *arena;
    void *dst;
};

static const char *path_of(const struct scope *s, const char *name)
{
    return *s->section ? arena_fmt(s->conf->arena, "%s.%s", s->section, name).p : name;
}

static void fill_default(const struct scope *s, const struct hilo_option *o)
{
    struct conf *c = s->conf;
    const char *why;

    if (o->flags & HILO_OPT_REQUIRED)
        conf_fail(c, s->line, s->column, "%s is required and missing%s%s", path_of(s, o->name),
                  o->help ? ": " : "", o->help ? o->help : "");
    else if (o->def && !conf__convert(c, o, str(o->def), str(o->def), s->arena, s->dst, &why))
        conf_fail(c, s->line, s->column, "%s: the default of its option table %s; write a value here",
                  path_of(s, o->name), why);
}

static void fill_tree(const struct scope *s, const struct hilo_option *o, const struct conf_node *n)
{
    struct conf *c = s->conf;
    struct hilo_str json;
    const char *why;

    if (conf__null(n) && !(o->flags & HILO_OPT_REQUIRED))
        return;
    if (n->kind == CONF_SCALAR)
        conf_fail(c, n->line, n->column, "%s must be a mapping or list", path_of(s, o->name));
    else if (conf__tree(c, n, path_of(s, o->name), s->arena, &json) &&
             !conf__convert(c, o, json, json, s->arena, s->dst, &why))
        conf_fail(c, n->line, n->column, "%s, as JSON, %s", path_of(s, o->name), why);
}

static void fill_value(const struct scope *s, const struct hilo_option *o, const struct conf_node *n)
{
    struct conf *c = s->conf;
    bool required = o->flags & HILO_OPT_REQUIRED;
    bool text = o->type == HILO_OPT_STR || o->type == HILO_OPT_URL;
    const char *why;
    struct hilo_str value;

    if (n->kind == CONF_REFUSED)
        return;
    if (o->type == HILO_OPT_TREE) {
        fill_tree(s, o, n);
        return;
    }
    if (n->kind != CONF_SCALAR) {
        conf_fail(c, n->line, n->column, "%s must be a single value, not a %s", path_of(s, o->name),
                  n->kind == CONF_MAP ? "mapping" : "list");
        return;
    }
    if (conf__null(n)) {
        if (text && !required)
            fill_default(s, o);
        else
            conf_fail(c, n->line, n->column, "%s has no value", path_of(s, o->name));
        return;
    }
    if (!conf__resolve(c, n, o->flags & HILO_OPT_SECRET, s->arena, &value, &why)) {
        conf_fail(c, n->line, n->column, "%s %s", path_of(s, o->name), why);
        return;
    }
    if (text && required && value.n == 0) {
        conf_fail(c, n->line, n->column, "%s is required and empty", path_of(s, o->name));
        return;
    }
    if (!conf__convert(c, o, value, n->scalar, s->arena, s->dst, &why))
        conf_fail(c, n->line, n->column, "%s %s", path_of(s, o->name), why);
}

/* The names that a mapping may have: of a table, and others. */
struct names {
    const struct hilo_option *options;
    uint32_t n_options;
    const char *const *also; /* may be NULL */
};

static bool is_known(const struct names *names, struct hilo_str key)
{
    for (uint32_t i = 0; i < names->n_options; i++)
        if (str_eqz(key, names->options[i].name))
            return true;
    for (const char *const *p = names->also; p && *p; p++)
        if (str_eqz(key, *p))
            return true;
    return false;
}

/* "; did you mean "listen"?", or all that is known here. */
static const char *suggestion(struct conf *c, const struct names *names, struct hilo_str key)
{
    struct conf__near near = {.name = key};
    const char *all = "";

    for (uint32_t i = 0; i < names->n_options; i++)
        conf__near_try(&near, str(names->options[i].name));
    for (const char *const *p = names->also; p && *p; p++)
        conf__near_try(&near, str(*p));
    if (near.best.p)
        return conf__near_words(c->arena, &near);
    for (uint32_t i = 0; i < names->n_options; i++)
        all = arena_fmt(c->arena, "%s%s%s", all, *all ? ", " : "", names->options[i].name).p;
    for (const char *const *p = names->also; p && *p; p++)
        all = arena_fmt(c->arena, "%s%s%s", all, *all ? ", " : "", *p).p;
    return arena_fmt(c->arena, "; known here: %s", *all ? all : "nothing").p;
}

static void check_keys(struct conf *c, const struct conf_node *map, const char *section,
                       const struct names *names)
{
    for (const struct conf_node *n = map->child; n; n = n->next) {
        if (is_known(names, n->key))
            continue;
        /* Past the limit errors are only counted: no words for them. */
        bool words = c->n_errors < CONF_ERRORS_MAX;
        conf_fail(c, n->key_line, n->key_column, "%s%sunknown key %s%s", section, *section ? ": " : "",
                  words ? conf__quote(c->arena, n->key) : "", words ? suggestion(c, names, n->key) : "");
    }
}

void conf_known(struct conf *c, const struct conf_node *map, const char *section, const char *const *known)
{
    const struct names names = {.also = known};

    if (map && map->kind == CONF_MAP)
        check_keys(c, map, section, &names);
}

void conf_fill(struct conf *c, const struct conf_node *map, const char *section, uint32_t at_line,
               uint32_t at_column, const struct hilo_option *options, uint32_t n_options,
               const char *const *also, struct arena *arena, void *dst)
{
    const struct scope s = {c, section, at_line, at_column, arena, dst};
    const struct names names = {options, n_options, also};

    if (!conf_absent(map) && map->kind != CONF_MAP) {
        if (map->kind != CONF_REFUSED)
            conf_fail(c, map->line, map->column, "%s must be a mapping of options", section);
        return;
    }
    if (conf_absent(map))
        map = NULL;
    for (uint32_t i = 0; i < n_options; i++) {
        const struct conf_node *n = conf_get(map, options[i].name);
        if (n)
            fill_value(&s, &options[i], n);
        else
            fill_default(&s, &options[i]);
    }
    if (map && also != conf_any)
        check_keys(c, map, section, &names);
}
