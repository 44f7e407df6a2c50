/*
 * Parsing JSON that comes from outside: a strict check of the text first, then
 * cJSON, then a look at the tree. What comes out is safe to use as C strings and
 * doubles. [any]
 */
#ifndef MODEL_JSONCHECK_H
#define MODEL_JSONCHECK_H

#include "base/arena.h"
#include "base/err.h"
#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_BYTES_MAX = 1 << 20, JSON_DEPTH_MAX = 32, JSON_DEPTH_CEILING = 256 };

struct json_limits { /* 0: the default above */
    size_t bytes_max;
    uint32_t depth_max; /* arrays and objects within one another; at most JSON_DEPTH_CEILING */
};

/*
 * One JSON value (RFC 8259) and nothing after it. Refused besides what is no JSON:
 * text that is not UTF-8 or has a byte order mark; a NUL written \u0000, and lone
 * surrogates; two equal keys in an object, however they are escaped; integers
 * beyond ±2^53, which would silently lose digits (write them as strings, see
 * json_i64), numbers of more than 63 characters or beyond the range of a double;
 * more bytes or depth than the limits (NULL: the defaults).
 *
 * HILO_OK and *out, to be freed by cJSON_Delete; HILO_INVALID with words that say
 * where ("at byte 17: …", or a JSON pointer for a duplicate key); HILO_FULL for too
 * many bytes; HILO_NOMEM. Time grows as n log n with the length at worst, whatever the
 * text. Keys of the tree are to be compared with strcmp (cJSON_GetObjectItem
 * ignores case: use cJSON_GetObjectItemCaseSensitive).
 */
int32_t json_parse(struct hilo_str text, const struct json_limits *, struct err *, cJSON **out);
/* The same, with a tree that lives as long as the arena (no cJSON_Delete), made in the
 * check's own pass: for where a request's time counts. */
int32_t json_parse_in(struct arena *, struct hilo_str text, const struct json_limits *, struct err *,
                      const cJSON **out);

#endif
