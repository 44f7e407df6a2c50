/*
 * The field table: hilo/fields.def and hilo/values.def as constant data, for code
 * that handles fields without knowing them by name (codec, JSON, dump). [any]
 */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include <hilo/types.h>
#include <stddef.h>

enum model_type {
    MODEL_U64,
    MODEL_TIME,
    MODEL_BOOL,
    MODEL_F64,
    MODEL_STR,
    MODEL_BYTES,
    MODEL_ID,
    MODEL_ENUM,
    MODEL_GROUP
};

/* MODEL_G_MSG, MODEL_G_CONTENT … */
#define HILO_GROUP(group) MODEL_G_##group,
enum model_group {
#include <hilo/fields.def>
    MODEL_GROUPS
};

enum model_enum {
    MODEL_E_STATUS,
    MODEL_E_CATEGORY,
    MODEL_E_CONTENT,
    MODEL_E_MEDIA,
    MODEL_E_SCHEME,
    MODEL_E_KIND,
    MODEL_E_PARAM,
    MODEL_E_BUTTON,
    MODEL_E_SYSTEM,
    MODEL_E_TEMPLATE,
    MODEL_ENUMS
};

/* Flags of a field; the letters are those of fields.def. */
enum {
    MODEL_REPEATED = 1, /* R */
    MODEL_SHORT = 2,    /* S: a JSON string stands for the group's field "text" */
    MODEL_INTERNAL = 4  /* X: never in JSON */
};

/* The latest TIME that RFC 3339 can write: 9999-12-31T23:59:59.999999Z. */
#define MODEL_TIME_MAX UINT64_C(253402300799999999)

struct model_field {
    const char *json;   /* its name in JSON */
    const char *prefix; /* ID: of the text form; else "" */
    uint32_t tag;
    uint8_t json_n; /* length of json */
    uint8_t type;   /* enum model_type */
    uint8_t flags;
    uint8_t arg; /* ENUM: enum model_enum; GROUP: enum model_group */
};

/* The field with this tag, or with this name in JSON; NULL if the group has none. */
const struct model_field *model_field(enum model_group, uint32_t tag);
const struct model_field *model_field_json(enum model_group, struct hilo_str name);
/* All fields of a group, in order of their tags: tag t is at [t - 1]. */
const struct model_field *model_fields(enum model_group, size_t *n_out);
/* The field whose JSON name is nearest to a misspelt one; NULL if none is near. */
const struct model_field *model_field_near(enum model_group, struct hilo_str name);

/* An enumeration's value by name (0: no such name; 0 is no value of any), and
 * back (NULL: no such value here; a newer peer may know it). */
uint64_t model_value(enum model_enum, struct hilo_str text);
const char *model_value_text(enum model_enum, uint64_t value);
/* The nearest name, or NULL. */
const char *model_value_near(enum model_enum, struct hilo_str text);

/* The rank of a HILO_STATUS_x: a higher one wins. -1 for a value not known. */
int model_status_rank(uint64_t status);

#endif
