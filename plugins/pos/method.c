/*
 * The table that method.def makes, and params against it. What depends on more than one member is
 * each method's own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "method.h"

#include "json.h"
#include "pan.h"
#include "pos.h"
#include "text.h"

#include <stdio.h>

enum { AT_PAST_DAYS = 30, AT_FUTURE_S = 300 /* a clock that runs fast: the API takes it for now */ };

/* ---- the tables -------------------------------------------------------------------------------- */

/* Roles are judged by roles.c; here only whether a method needs one. */
#define NONE    0
#define CLERK   1
#define CASHIER 2
#define KIOSK   4
#define REQ     POS_PARAM_REQ
#define NUL     POS_PARAM_NUL
#define ANY     POS_PARAM_ANY

/* Of all methods in one array; a method's own are those with its number. */
enum {
#define POS_METHOD(function, name, kind, roles) method_##function,
#include "method.def"
    method_count
};
static const struct method_param {
    int of;
    struct pos_param p;
} method_params[] = {
#define POS_PARAM(function, member, t, lo, hi, f)                                                            \
    {method_##function, {.name = (member), .type = POS_##t, .flags = (f), .min = (lo), .max = (hi)}},
#include "method.def"
};
static const struct pos_param method_common[] = {
    {.name = "clerk", .type = POS_STRING, .min = 1, .max = 64},
    {.name = "at", .type = POS_TIME},
};

const struct pos_method pos_methods[] = {
#define POS_METHOD(function, n, k, r)                                                                        \
    {.name = (n), .kind = POS_##k, .enrolment = (r) == NONE, .start = pos_do_##function},
#include "method.def"
};
const size_t pos_n_methods = method_count;

const struct pos_method *pos_method_find(const char *name)
{
    size_t i;

    for (i = 0; i < pos_n_methods; i++)
        if (strcmp(pos_methods[i].name, name) == 0)
            return &pos_methods[i];
    return NULL;
}

static const struct pos_param *method_param(const struct pos_method *m, const char *name)
{
    int of = (int)(m - pos_methods);
    size_t i;

    for (i = 0; i < sizeof method_params / sizeof *method_params; i++)
        if (method_params[i].of == of && strcmp(method_params[i].p.name, name) == 0)
            return &method_params[i].p;
    for (i = 0; i < sizeof method_common / sizeof *method_common; i++)
        if (strcmp(method_common[i].name, name) == 0)
            return &method_common[i];
    return NULL;
}

const struct pos_param *pos_method_param(const struct pos_method *m, size_t i)
{
    int of = (int)(m - pos_methods);
    size_t at;

    for (at = 0; at < sizeof method_params / sizeof *method_params; at++)
        if (method_params[at].of == of && i-- == 0)
            return &method_params[at].p;
    return NULL;
}

/* ---- one member ---------------------------------------------------------------------------------- */

static const char *const id_prefix[] = {[POS_CUS] = "cus", [POS_CAS] = "cas", [POS_MSG] = "msg",
                                        [POS_MED] = "med", [POS_APT] = "apt", [POS_WSH] = "wsh"};

static int wrong(struct pos_fault *f, const char *name, const char *reason, const char *what)
{
    char pointer[80];

    (void)snprintf(pointer, sizeof pointer, "/%.70s", name);
    return pos_fault(f, POS_E_PARAMS, reason, pointer, "%.64s %s", name, what);
}

static int check_string(const struct pos_param *p, const cJSON *v, struct pos_fault *f)
{
    char what[64];
    const char *c;
    size_t n;

    if (!cJSON_IsString(v))
        return wrong(f, p->name, "type", "must be a string");
    n = strlen(v->valuestring);
    (void)snprintf(what, sizeof what, "must have %d to %d bytes", (int)p->min, (int)p->max);
    if ((int64_t)n < p->min || (int64_t)n > p->max)
        return wrong(f, p->name, "value", what);
    for (c = v->valuestring; *c; c++)
        if ((unsigned char)*c < 0x20 && !(p->type == POS_TEXT && strchr("\r\n\t", *c)))
            return wrong(f, p->name, "value", "must not hold control characters");
    return 0;
}

static int check_integer(const struct pos_param *p, const cJSON *params, struct pos_fault *f)
{
    char what[80];
    int64_t n;

    (void)snprintf(what, sizeof what, "must be an integer from %lld to %lld", (long long)p->min,
                   (long long)p->max);
    if (!pos_json_int(params, p->name, &n))
        return wrong(f, p->name, "type", what);
    return n >= p->min && n <= p->max ? 0 : wrong(f, p->name, "value", what);
}

static int check_time(const struct pos_param *p, const cJSON *v, int64_t now_us, struct pos_fault *f)
{
    int64_t us;

    if (!cJSON_IsString(v))
        return wrong(f, p->name, "type", "must be a string");
    if (!pos_text_time(pos_str(v->valuestring), &us))
        return wrong(f, p->name, "value", "must be a time as in RFC 3339");
    if (us > now_us + AT_FUTURE_S * INT64_C(1000000))
        return wrong(f, p->name, "value", "must not be ahead of the gateway's clock: set the terminal's");
    if (us < now_us - AT_PAST_DAYS * INT64_C(86400000000))
        return wrong(f, p->name, "value", "must not be more than 30 days ago");
    return 0;
}

static int check_count(const struct pos_param *p, const cJSON *v, bool right_type, struct pos_fault *f)
{
    char what[80];

    (void)snprintf(what, sizeof what, "must be %s with %d to %d members",
                   p->type == POS_ARRAY ? "an array" : "an object", (int)p->min, (int)p->max);
    if (!right_type)
        return wrong(f, p->name, "type", what);
    return cJSON_GetArraySize(v) >= p->min && cJSON_GetArraySize(v) <= p->max
               ? 0
               : wrong(f, p->name, "value", what);
}

static int check_param(const struct pos_param *p, const cJSON *params, const cJSON *v, int64_t now_us,
                       struct pos_fault *f)
{
    if (cJSON_IsNull(v) && (p->flags & POS_PARAM_NUL))
        return 0;
    switch (p->type) {
    case POS_STRING:
    case POS_TEXT:
        return check_string(p, v, f);
    case POS_INTEGER:
        return check_integer(p, params, f);
    case POS_BOOLEAN:
        return cJSON_IsBool(v) ? 0 : wrong(f, p->name, "type", "must be true or false");
    case POS_OBJECT:
        return check_count(p, v, cJSON_IsObject(v), f);
    case POS_ARRAY:
        return check_count(p, v, cJSON_IsArray(v), f);
    case POS_TIME:
        return check_time(p, v, now_us, f);
    case POS_CUS:
    case POS_CAS:
    case POS_MSG:
    case POS_MED:
    case POS_APT:
    case POS_WSH:
        if (!cJSON_IsString(v))
            return wrong(f, p->name, "type", "must be an id");
        return pos_text_is_id(pos_str(v->valuestring), id_prefix[p->type])
                   ? 0
                   : wrong(f, p->name, "value", "is no id as the gateway gives them");
    }
    return wrong(f, p->name, "type", "is not known");
}

/* Card numbers in every string and every name, however deep; but for keys and certificates. */
static int no_cards(const struct pos_method *m, const cJSON *params, struct pos_fault *f)
{
    const struct pos_param *p;
    const cJSON *v;
    char pointer[sizeof f->pointer];

    cJSON_ArrayForEach(v, params)
    {
        size_t n = (size_t)snprintf(pointer, sizeof pointer, "/%.60s", v->string);

        if (pos_pan_find(pos_str(v->string), NULL, NULL))
            return pos_fault(f, POS_E_CARD, "card_number", NULL, "a member's name looks like a card number");
        p = method_param(m, v->string);
        if (p && (p->flags & POS_PARAM_ANY))
            continue;
        if (pos_pan_in_json(v, pointer + n, sizeof pointer - n))
            return pos_fault(f, POS_E_CARD, "card_number", pointer,
                             "it looks like a card number, and was not kept; never type one here");
    }
    return 0;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

int pos_method_check(const struct pos_method *m, const cJSON *params, int64_t now_us, struct pos_fault *f)
{
    const struct pos_param *p;
    const cJSON *v;
    size_t i;

    /* Cards first: what else is wrong with such a request would be said in words that quote it. */
    if (no_cards(m, params, f) != 0)
        return -1;
    cJSON_ArrayForEach(v, params)
    {
        p = method_param(m, v->string);
        if (!p)
            return wrong(f, v->string, "unknown_member", "is not known to this method");
        if (check_param(p, params, v, now_us, f) != 0)
            return -1;
    }
    for (i = 0; (p = pos_method_param(m, i)); i++)
        if ((p->flags & POS_PARAM_REQ) && !pos_json_get(params, p->name))
            return wrong(f, p->name, "missing", "is needed");
    return 0;
}
