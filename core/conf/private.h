/* What the files of core/conf share among themselves. */
#ifndef CONF_PRIVATE_H
#define CONF_PRIVATE_H

#include "conf/conf.h"

enum { CONF_VALUE_MAX = 64 << 10 }; /* bytes of a value after ${} and file: */

/* A conf without a tree; dir is taken from the file's name. */
struct conf *conf__new(const char *file);

/* conf_parse.c: builds c->root; faults become errors. HILO_OK even if some were
 * refused constructs; HILO_INVALID: there is no tree, c->root is NULL. */
int32_t conf__parse(struct conf *c, struct hilo_str yaml);

/* "…" for a message: cut to 60 characters, control characters shown as '?'. */
const char *conf__quote(struct arena *, struct hilo_str);

/* null, ~ or nothing at all, without quotes. */
bool conf__null(const struct conf_node *);

/* conf_value.c. Resolves ${} and file: of a scalar; the result lives in the arena.
 * false: why_out says why, in the configuration's arena, and never with a secret. */
bool conf__resolve(struct conf *, const struct conf_node *, bool secret, struct arena *, struct hilo_str *out,
                   const char **why_out);

/* conf_convert.c. Reads s as the option's type into its field of dst; strings are
 * copied into the arena. shown is how s was written, for the words in why_out, which
 * leave it out for secrets. */
bool conf__convert(struct conf *, const struct hilo_option *, struct hilo_str s, struct hilo_str shown,
                   struct arena *, void *dst, const char **why_out);
/* conf_tree.c. A mapping or list as JSON, in the arena. false: a value in it can't be, and its error,
 * which begins with path, is there. */
bool conf__tree(struct conf *, const struct conf_node *, const char *path, struct arena *,
                struct hilo_str *out);
/* A number as the option's type writes it: "10s", "64M". */
const char *conf__number(struct arena *, uint32_t type, int64_t value);
/* "hold, resend" of "hold|resend". */
const char *conf__choices(struct arena *, const char *choices);

/* conf_near.c. The nearest of some names: set name, try each, ask for the words:
 * "; did you mean "listen"?", or nothing when none is near. */
struct conf__near {
    struct hilo_str name, best;
    size_t distance;
};
void conf__near_try(struct conf__near *, struct hilo_str candidate);
const char *conf__near_words(struct arena *, const struct conf__near *);

#endif
