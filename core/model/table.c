/*
 * The field table, generated from fields.def and values.def by X-macro.
 *
 * All fields lie in one array, group after group in the order of fields.def, and
 * FIRST_x is where group x starts. Tags are dense from 1 in every group (checked
 * when compiled), so that finding a field by its tag is an index. Enumerations
 * are arrays of names indexed by value.
 */
#include "model/table.h"
#include "base/str.h"
#include <assert.h>
#include <hilo/message.h>

/* The flag letters of fields.def. */
enum { R = MODEL_REPEATED, S = MODEL_SHORT, X = MODEL_INTERNAL };

/* FIRST_x and AT_x_FIELD: positions in fields[]. A group's own name takes no place:
 * the __BACK constant steps the count back. */
#define HILO_GROUP(group)                                    FIRST_##group, FIRST_##group##__BACK = FIRST_##group - 1,
#define HILO_FIELD(group, name, tag, type, arg, json, flags) AT_##group##_##name,
enum {
#include <hilo/fields.def>
    FIELDS
};

#define HILO_FIELD(group, name, tag, type, arg, json, flags)                                                 \
    static_assert(AT_##group##_##name - FIRST_##group + 1 == (tag), "tags are dense from 1");
#include <hilo/fields.def>

#define ARG_U64(arg)   0
#define ARG_TIME(arg)  0
#define ARG_BOOL(arg)  0
#define ARG_F64(arg)   0
#define ARG_STR(arg)   0
#define ARG_BYTES(arg) 0
#define ARG_ID(arg)    0
#define ARG_ENUM(arg)  MODEL_E_##arg
#define ARG_GROUP(arg) MODEL_G_##arg

#define PREFIX_U64(arg)   ""
#define PREFIX_TIME(arg)  ""
#define PREFIX_BOOL(arg)  ""
#define PREFIX_F64(arg)   ""
#define PREFIX_STR(arg)   ""
#define PREFIX_BYTES(arg) ""
#define PREFIX_ID(arg)    #arg
#define PREFIX_ENUM(arg)  ""
#define PREFIX_GROUP(arg) ""

#define HILO_FIELD(group, name, tag, type, arg, json, flags)                                                 \
    {(json), PREFIX_##type(arg), (tag), sizeof(json) - 1, MODEL_##type, (flags), ARG_##type(arg)},
static const struct model_field fields[] = {
#include <hilo/fields.def>
};

/* Where each group starts; the next entry is where it ends. */
#define HILO_GROUP(group) FIRST_##group,
static const uint16_t first[MODEL_GROUPS + 1] = {
#include <hilo/fields.def>
    FIELDS};

/* ---- enumerations ------------------------------------------------------------ */

#define HILO_STATUS(name, value, rank, text) [value] = (text),
static const char *const status_text[] = {
#include <hilo/values.def>
};
#define HILO_STATUS(name, value, rank, text) [value] = (rank),
static const uint8_t status_rank[] = {
#include <hilo/values.def>
};
#define HILO_CATEGORY(name, value, text) [value] = (text),
static const char *const category_text[] = {
#include <hilo/values.def>
};
#define HILO_CONTENT(name, value, text) [value] = (text),
static const char *const content_text[] = {
#include <hilo/values.def>
};
#define HILO_MEDIA(name, value, text) [value] = (text),
static const char *const media_text[] = {
#include <hilo/values.def>
};
#define HILO_SCHEME(name, value, text) [value] = (text),
static const char *const scheme_text[] = {
#include <hilo/values.def>
};
#define HILO_KIND(name, value, text) [value] = (text),
static const char *const kind_text[] = {
#include <hilo/values.def>
};
#define HILO_PARAM(name, value, text) [value] = (text),
static const char *const param_text[] = {
#include <hilo/values.def>
};
#define HILO_BUTTON(name, value, text) [value] = (text),
static const char *const button_text[] = {
#include <hilo/values.def>
};
#define HILO_SYSTEM(name, value, text) [value] = (text),
static const char *const system_text[] = {
#include <hilo/values.def>
};
#define HILO_TEMPLATE(name, value, text) [value] = (text),
static const char *const template_text[] = {
#include <hilo/values.def>
};

#define NAMES(array)                                                                                         \
    {                                                                                                        \
        (array), sizeof(array) / sizeof *(array)                                                             \
    }
static const struct {
    const char *const *text; /* by value; NULL where there is none */
    size_t n;
} names[MODEL_ENUMS] = {
    [MODEL_E_STATUS] = NAMES(status_text),   [MODEL_E_CATEGORY] = NAMES(category_text),
    [MODEL_E_CONTENT] = NAMES(content_text), [MODEL_E_MEDIA] = NAMES(media_text),
    [MODEL_E_SCHEME] = NAMES(scheme_text),   [MODEL_E_KIND] = NAMES(kind_text),
    [MODEL_E_PARAM] = NAMES(param_text),     [MODEL_E_BUTTON] = NAMES(button_text),
    [MODEL_E_SYSTEM] = NAMES(system_text),   [MODEL_E_TEMPLATE] = NAMES(template_text),
};

/* ---- look-ups ------------------------------------------------------------------ */

const struct model_field *model_fields(enum model_group group, size_t *n_out)
{
    *n_out = (size_t)(first[group + 1] - first[group]);
    return fields + first[group];
}

const struct model_field *model_field(enum model_group group, uint32_t tag)
{
    size_t n;
    const struct model_field *f = model_fields(group, &n);

    return tag >= 1 && tag <= n ? f + tag - 1 : NULL;
}

const struct model_field *model_field_json(enum model_group group, struct hilo_str name)
{
    size_t n;
    const struct model_field *f = model_fields(group, &n);

    for (; n > 0; n--, f++) {
        if (f->json_n == name.n && f->json[0] == name.p[0] && memcmp(f->json, name.p, (size_t)name.n) == 0)
            return f;
    }
    return NULL;
}

/* A slip of the pen is one edit in a short name, two in a longer one. */
static size_t slips(struct hilo_str name)
{
    return name.n < 4 ? 1 : 2;
}

const struct model_field *model_field_near(enum model_group group, struct hilo_str name)
{
    size_t n, d, best = slips(name) + 1;
    const struct model_field *f = model_fields(group, &n), *near = NULL;

    for (; n > 0; n--, f++) {
        if (f->flags & MODEL_INTERNAL)
            continue;
        d = str_distance(name, str_n(f->json, f->json_n), best);
        if (d < best) {
            best = d;
            near = f;
        }
    }
    return near;
}

uint64_t model_value(enum model_enum e, struct hilo_str text)
{
    size_t i;

    for (i = 1; i < names[e].n; i++) {
        if (names[e].text[i] && str_eqz(text, names[e].text[i]))
            return i;
    }
    return 0;
}

const char *model_value_text(enum model_enum e, uint64_t value)
{
    return value < names[e].n ? names[e].text[value] : NULL;
}

const char *model_value_near(enum model_enum e, struct hilo_str text)
{
    size_t i, d, best = slips(text) + 1;
    const char *near = NULL;

    for (i = 1; i < names[e].n; i++) {
        if (!names[e].text[i])
            continue;
        d = str_distance(text, str(names[e].text[i]), best);
        if (d < best) {
            best = d;
            near = names[e].text[i];
        }
    }
    return near;
}

int model_status_rank(uint64_t status)
{
    return model_value_text(MODEL_E_STATUS, status) ? status_rank[status] : -1;
}
