/*
 * The message in JSON, by the field table.
 *
 *   TIME     RFC 3339 in UTC, with as many of three or six decimals as it has
 *   ID       with its prefix, "msg_01J…"
 *   ENUM     by name; a value that has no name here as a number
 *   U64      a number; beyond 2^53, where JSON's readers lose digits, a string
 *   BYTES    base64 (RFC 4648 §4, padded)
 *   R        an array;  S  a string stands for the group's field "text"
 *   X        not at all
 *   unknown  "_unknown":[{"tag":99,"value":"base64"}] in the group they are in
 * [any]
 */
#ifndef MODEL_JSON_H
#define MODEL_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "model/path.h"
#include "model/table.h"
#include <cjson/cJSON.h>
#include <hilo/message.h>
#include <stdbool.h>

/* ---- to JSON ---------------------------------------------------------------------- */

/*
 * Appends a group's fields as one JSON object, in the order of the bytes (repeated
 * fields together, unknown ones last; of a field that may not repeat, the first).
 * The bytes should have passed model_check: what is malformed is HILO_INVALID, but
 * strings are not checked again. On failure (or HILO_NOMEM) the buffer is as it was.
 */
int32_t model_json_write(struct buf *, enum model_group, struct hilo_str bytes, struct err *);

/* Appends a string with its quotes and escapes; s is UTF-8. */
int32_t json_put_str(struct buf *, struct hilo_str s);
/* Appends base64, without quotes. */
int32_t json_put_base64(struct buf *, struct hilo_str bytes);

/* ---- from JSON -------------------------------------------------------------------- */

/*
 * Puts the fields of a JSON object (by json_parse) into w, which may be inside an
 * open group. at is where the object is, for errors; NULL: it is the document.
 * HILO_OK, or HILO_INVALID with a JSON pointer, what was expected, and for a
 * misspelt name the nearest:
 *     /content/choices/2/tittle: unknown, did you mean "title"?
 * or HILO_FULL if w has no room or grows beyond HILO_MESSAGE_MAX. After an error
 * what is in w is worth nothing.
 */
int32_t model_json_read(struct hilo_writer *w, enum model_group, const cJSON *object,
                        const struct model_path *at, struct err *);
/* One field from its JSON value, for callers that take some members themselves. */
int32_t model_json_read_field(struct hilo_writer *w, const struct model_field *, const cJSON *value,
                              const struct model_path *at, struct err *);
/* The error for a member that nobody knows. */
int32_t model_json_unknown(enum model_group, const struct model_path *member, struct err *);

/* Integers, exact: a number within ±2^53, or a string of decimal digits, which may
 * be any 64-bit integer. false: it is neither. */
bool json_i64(const cJSON *, int64_t *out);
bool json_u64(const cJSON *, uint64_t *out);
/* The string of a JSON string, borrowed; {NULL, 0} if it is none. */
struct hilo_str json_str(const cJSON *);

#endif
