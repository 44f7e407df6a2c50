/*
 * A kannel.conf as Kannel's own parser reads it: groups of "name = value", each ended by an
 * empty line; comments are lines that begin with #; "include = FILE" or a folder; a value in
 * quotation marks may have \" and \\ in it.
 */
#ifndef KANNEL_CONF_H
#define KANNEL_CONF_H

#include <stdbool.h>
#include <stddef.h>

struct kannel_value {
    char *name, *value;
    const char *file; /* where it stands */
    unsigned line;
    bool used; /* somebody has asked for it */
};
struct kannel_group {
    const char *name; /* of its "group = …"; "" when it has none */
    const char *file;
    unsigned line; /* of its first */
    struct kannel_value *value;
    size_t n;
};
struct kannel_conf {
    struct kannel_group *group;
    size_t n;
    char **file; /* every file read, the main one first */
    size_t n_files;
};

/* EXIT_OK, or EXIT_REFUSED after it was said why; the caller frees it either way. */
int kannel_conf_read(const char *path, struct kannel_conf *out);
void kannel_conf_done(struct kannel_conf *);

/* A group's value, marked as used; NULL when it is not there. */
struct kannel_value *kannel_conf_get(const struct kannel_group *, const char *name);

#endif
