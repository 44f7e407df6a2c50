/*
 * Reading JSON where it lies: every value is the exact bytes that it has in the
 * text, so that what Hilo does not understand can be kept unchanged. All [any]
 * thread; nothing allocates; what is handed out points into the text given.
 */
#ifndef WHATSAPP_JSON_H
#define WHATSAPP_JSON_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

enum { WA_JSON_DEPTH_MAX = 64 };

enum wa_json_type {
    WA_JSON_NONE, /* no value: empty bytes */
    WA_JSON_NULL,
    WA_JSON_BOOL,
    WA_JSON_NUMBER,
    WA_JSON_STRING,
    WA_JSON_ARRAY,
    WA_JSON_OBJECT
};

/* Whether text is exactly one JSON value (RFC 8259) in valid UTF-8, nested at most
 * WA_JSON_DEPTH_MAX deep. *root_out is the value without the blanks around it.
 * The functions below may be given only what this accepted, or parts of it. */
bool wa_json_check(struct hilo_str text, struct hilo_str *root_out);

enum wa_json_type wa_json_type(struct hilo_str value);

/* To walk an array or object: rest = wa_json_inside(value), then _item or _member
 * until false. A value of another type has nothing inside. A key is the bytes
 * between its quotes, not decoded. */
struct hilo_str wa_json_inside(struct hilo_str value);
bool wa_json_item(struct hilo_str *rest, struct hilo_str *item_out);
bool wa_json_member(struct hilo_str *rest, struct hilo_str *key_out, struct hilo_str *value_out);
bool wa_json_key_is(struct hilo_str key, const char *name);

/* The first member with this name; empty if there is none or it is no object. */
struct hilo_str wa_json_get(struct hilo_str object, const char *name);

/* The same for several members in one pass: value[i] of name[i]. */
void wa_json_take(struct hilo_str object, const char *const *name, struct hilo_str *value, size_t n);

/* The text of a string; of any other value an empty one. scratch has room for
 * value.n bytes and is used only if there are escapes: the result then points
 * into it. NUL and halves of surrogate pairs become U+FFFD. */
struct hilo_str wa_json_text(struct hilo_str value, char *scratch);

/* Whether value is a string, written without escapes, equal to this text. */
bool wa_json_is(struct hilo_str value, const char *text);

/* The value of the word that a string is, by wa_json_is; or absent. The table ends with
 * {NULL, 0}. */
struct wa_word {
    const char *word;
    uint64_t value;
};
uint64_t wa_json_word(struct hilo_str value, const struct wa_word *table, uint64_t absent);

/* An unsigned integer written as a number, or as a string of digits. */
bool wa_json_u64(struct hilo_str value, uint64_t *out);
/* A number. */
bool wa_json_f64(struct hilo_str value, double *out);

#endif
