/*
 * JSON of a terminal: a strict check of the text first (json_check.c), then cJSON, then a look at
 * the tree, so that what comes out is safe to use as C strings and doubles. Pure. [any]
 */
#ifndef POS_JSON_H
#define POS_JSON_H

#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One JSON value (RFC 8259) and nothing after it, nested at most depth deep (up to 64), in UTF-8. Refused
 * besides what is no JSON: a NUL written \u0000 and lone surrogates; two equal keys in an object, however
 * they are escaped; integers beyond ±2^53 and numbers of more than 63 characters.
 *
 * NULL: refused, and *reason is one of PROTOCOL.md's: json utf8 too_deep duplicate_key number, or "memory".
 * Else the tree, to be freed by cJSON_Delete; its keys are compared with strcmp.
 */
cJSON *pos_json_parse(struct hilo_str text, unsigned depth, const char **reason);

/* The scan alone; NULL: it is good. */
const char *pos_json_check(struct hilo_str text, unsigned depth);

/* A member, with its case; NULL: none. */
const cJSON *pos_json_get(const cJSON *object, const char *name);
/* Of a member that is a string; NULL otherwise. */
const char *pos_json_text(const cJSON *object, const char *name);
/* Of a member that is an integer within ±2^53. */
bool pos_json_int(const cJSON *object, const char *name, int64_t *out);
/* Copies a member (a deep copy) into another object; false: it was there and there is no memory. */
bool pos_json_copy(cJSON *to, const cJSON *from, const char *name, const char *as);

#endif
