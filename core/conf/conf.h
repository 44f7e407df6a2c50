/*
 * Configuration: a YAML file (libyaml) as a tree that knows where each value
 * stood, checked against schemas. All errors are found in one pass, each with
 * file, line, column, what was expected and the nearest valid key. [own] thread.
 *
 * Accepted YAML: one document of mappings, sequences and scalars, without anchors,
 * aliases, tags or merge keys (each refused with its place). Duplicate keys are an
 * error. Limits: 1 MiB, 16 levels, 100,000 nodes.
 *
 * Scalars may hold ${NAME} (from the environment; unset is an error; $${ stands for
 * a plain ${) and may be "file:PATH" where the schema says SECRET (contents without
 * the last newline, at most 64 KiB; a relative path is taken from the configuration's
 * folder). Both are resolved when a schema reads the value. Errors quote values as
 * they are written, never what the environment gave for them, and of a secret
 * nothing but the path of its file.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include <hilo/plugin.h>
#include <stdbool.h>

enum conf_kind {
    CONF_MAP = 1,
    CONF_LIST,
    CONF_SCALAR,
    CONF_REFUSED /* an alias; its error is there already, readers pass it over */
};

struct conf_node {
    enum conf_kind kind;
    uint32_t line, column; /* from 1 */
    struct hilo_str key;   /* in a mapping */
    uint32_t key_line, key_column;
    struct hilo_str scalar; /* SCALAR: as written, unquoted */
    bool quoted;
    struct conf_node *child, *next; /* of MAP and LIST, in order */
};

/* Errors of a whole check, in order of finding. */
struct conf_error {
    struct conf_error *next;
    uint32_t line, column;
    struct hilo_str text; /* "unknown key "porrt"; did you mean "port"?" */
};
struct conf {
    struct arena *arena; /* owns everything below */
    const char *file;    /* as given, for messages */
    const char *dir;
    struct conf_node *root; /* a MAP; never NULL after conf_load succeeds */
    struct conf_error *errors, **errors_end;
    unsigned n_errors; /* all found; the list holds the first CONF_ERRORS_MAX */
};
enum { CONF_BYTES_MAX = 1 << 20, CONF_LEVELS_MAX = 16, CONF_NODES_MAX = 100000, CONF_ERRORS_MAX = 200 };

/* Reads and parses. HILO_INVALID: errors has what is wrong, err the first of it. root
 * is NULL then if there is no tree to speak of (syntax, encoding, limits, an empty
 * file); else (duplicate keys, anchors and so on) it is there without what was
 * refused, so that a caller can fill from it too and show all faults at once.
 * HILO_IO: the file can't be read, with the text in err. *out is set and to be
 * freed by conf_free in any case. */
int32_t conf_load(const char *file, struct err *, struct conf **out);
/* The same from memory, for tests and the fuzzer; name stands for the file. */
int32_t conf_parse(const char *name, struct hilo_str yaml, struct err *, struct conf **out);
void conf_free(struct conf **);

const struct conf_node *conf_get(const struct conf_node *map, const char *key); /* NULL: absent */
void conf_fail(struct conf *, uint32_t line, uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* As also: every other key of the mapping belongs to somebody else. */
extern const char *const conf_any[];

/* Whether a mapping or list is absent for its reader: NULL, or a key without a value. */
bool conf_absent(const struct conf_node *);

/* The node that a path from map begins with ("menu.main.keys.1: no such step": as far as it leads),
 * by keys and by places in lists from 0; map itself if it leads nowhere. Of keys that have dots or
 * spaces in them the longest that fits is taken. */
const struct conf_node *conf_path(const struct conf_node *map, struct hilo_str path);
/* Where people look for it: at its key, of a mapping or list, else at its value. */
void conf_place(const struct conf_node *, uint32_t *line_out, uint32_t *column_out);

/* Fills the zeroed struct at dst from a mapping by an option table (the same that
 * plugins use, hilo/plugin.h). Every fault becomes an entry in errors: wrong type,
 * out of range, missing required, and keys that are neither in the table nor in
 * also (NULL-ended names that somebody else reads; may be NULL). section names the
 * mapping in messages ("http", "channels.whatsapp-co"). map may be NULL or a key
 * without a value (absent): defaults, and required keys fail at at_line:at_column.
 * Strings live in arena; one that is neither given nor has a default has p NULL.
 * The length of a STR counts bytes. */
void conf_fill(struct conf *, const struct conf_node *map, const char *section, uint32_t at_line,
               uint32_t at_column, const struct hilo_option *options, uint32_t n_options,
               const char *const *also, struct arena *, void *dst);
/* Keys of map not named in known (NULL-ended) are errors, with the nearest. */
void conf_known(struct conf *, const struct conf_node *map, const char *section, const char *const *known);

/* Which options of a table differ between two structs filled by it: their names in the
 * table's order, each after section and a dot unless section is NULL; only those that have
 * all of flags and none of without. For a reload. */
struct conf_change {
    struct conf_change *next;
    struct hilo_str name;
};
struct conf_change **conf_diff(const struct hilo_option *, uint32_t n, const void *a, const void *b,
                               uint32_t flags, uint32_t without, const char *section, struct arena *,
                               struct conf_change **end);

/* "file:line:column: text" lines to fd, for people, by place; the count of what was
 * left out, if any, on a line of its own. */
void conf_print_errors(const struct conf *, int fd);

/* The options of a table as commented YAML, for `hilod --check-plugin` and docs. */
struct hilo_str conf_sample(const struct hilo_option *, uint32_t n, struct arena *);

#endif
