/*
 * Configuration: a YAML file (libyaml) as a tree that knows where each value
 * stood, checked against schemas. All errors are found in one pass, each with
 * file, line, column, what was expected and the nearest valid key. [own] thread.
 *
 * Accepted YAML: one document of mappings, sequences and scalars, without anchors,
 * aliases, tags or merge keys (each refused with its place). Duplicate keys are an
 * error. Limits: 1 MiB, 16 levels, 100,000 nodes.
 *
 * Scalars may hold ${NAME} (from the environment; unset is an error) and may be
 * "file:PATH" where the schema says SECRET (contents without the last newline;
 * a relative path is taken from the configuration's folder). Both are resolved
 * when a schema reads the value; a secret's value never enters an error.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include <hilo/plugin.h>

enum conf_kind { CONF_MAP = 1, CONF_LIST, CONF_SCALAR };

struct conf_node {
    enum conf_kind kind;
    uint32_t line, column;   /* from 1 */
    struct hilo_str key;     /* in a mapping */
    uint32_t key_line, key_column;
    struct hilo_str scalar;  /* SCALAR: as written, unquoted */
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
    struct arena *arena;    /* owns everything below */
    const char *file;       /* as given, for messages */
    const char *dir;
    struct conf_node *root; /* a MAP; never NULL after conf_load succeeds */
    struct conf_error *errors, **errors_end;
    unsigned n_errors;
};

/* Reads and parses. A syntax error is one entry in errors, then HILO_INVALID; a
 * file that can't be read is HILO_IO with the text in err. conf_free in any case. */
int32_t conf_load(const char *file, struct err *, struct conf **out);
/* The same from memory, for tests and the fuzzer; name stands for the file. */
int32_t conf_parse(const char *name, struct hilo_str yaml, struct err *, struct conf **out);
void conf_free(struct conf **);

const struct conf_node *conf_get(const struct conf_node *map, const char *key); /* NULL: absent */
void conf_fail(struct conf *, uint32_t line, uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills the zeroed struct at dst from a mapping by an option table (the same that
 * plugins use, hilo/plugin.h). Every fault becomes an entry in errors: wrong type,
 * out of range, missing required, and keys that are neither in the table nor in
 * also (NULL-ended names that somebody else reads; may be NULL). section names the
 * mapping in messages ("http", "channels.whatsapp-co"). map may be NULL (absent):
 * defaults, and required keys fail at at_line:at_column. Strings live in arena. */
void conf_fill(struct conf *, const struct conf_node *map, const char *section, uint32_t at_line, uint32_t at_column,
               const struct hilo_option *options, uint32_t n_options, const char *const *also, struct arena *,
               void *dst);
/* Keys of map not named in known (NULL-ended) are errors, with the nearest. */
void conf_known(struct conf *, const struct conf_node *map, const char *section, const char *const *known);

/* "file:line:column: text" lines into out, for people. */
void conf_print_errors(const struct conf *, int fd);

/* The options of a table as commented YAML, for `hilod --check-plugin` and docs. */
struct hilo_str conf_sample(const struct hilo_option *, uint32_t n, struct arena *);

#endif
