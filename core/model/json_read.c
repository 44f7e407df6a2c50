/*
 * JSON to codec, by the table, straight from cJSON's tree into a writer.
 *
 * The tree comes from json_parse (model/jsoncheck.h), which has refused duplicate
 * keys, bad UTF-8, NUL characters and numbers that a double can't hold. Each level
 * has one frame of struct model_path; a pointer is written only for an error.
 */
#include "base/clock.h"
#include "base/ids.h"
#include "base/str.h"
#include "model/codec.h"
#include "model/json.h"
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define EXACT 9007199254740992.0 /* 2^53 */

static const struct hilo_str UNKNOWN = {"_unknown", 8};

struct hilo_str json_str(const cJSON *v)
{
    return cJSON_IsString(v) ? str(v->valuestring) : (struct hilo_str){NULL, 0};
}

bool json_i64(const cJSON *v, int64_t *out)
{
    struct hilo_str s;
    uint64_t u, limit = INT64_MAX;
    bool minus;

    if (cJSON_IsNumber(v)) {
        if (!(fabs(v->valuedouble) <= EXACT) || v->valuedouble != trunc(v->valuedouble))
            return false;
        *out = (int64_t)v->valuedouble;
        return true;
    }
    s = json_str(v);
    minus = s.n > 0 && s.p[0] == '-';
    if (minus) {
        s = str_n(s.p + 1, (size_t)s.n - 1);
        limit++;
    }
    if (!str_u64(s, &u) || u > limit)
        return false;
    *out = minus ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}

bool json_u64(const cJSON *v, uint64_t *out)
{
    int64_t i;

    if (cJSON_IsString(v))
        return str_u64(json_str(v), out);
    if (!json_i64(v, &i) || i < 0)
        return false;
    *out = (uint64_t)i;
    return true;
}

static int32_t wrong(struct err *e, const struct model_path *at, const char *must)
{
    return path_fail(e, HILO_INVALID, at, "must be %s", must);
}

/* ---- base64 ------------------------------------------------------------------------ */

static bool base64_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* How many bytes s stands for, or SIZE_MAX if it is no padded base64. EVP_DecodeBlock
 * by itself strips blanks and dashes, and takes padding anywhere for zeros. */
static size_t base64_size(struct hilo_str s)
{
    size_t i, pad = 0;

    if (s.n % 4 || s.n > 2u * HILO_MESSAGE_MAX)
        return SIZE_MAX;
    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '=')
            pad++;
        else if (pad || !base64_digit(s.p[i]))
            return SIZE_MAX;
    }
    return pad <= 2 ? (size_t)s.n / 4 * 3 - pad : SIZE_MAX;
}

static int32_t put_base64(struct hilo_writer *w, uint32_t tag, const cJSON *v, const struct model_path *at,
                          struct err *e)
{
    struct hilo_str s = json_str(v);
    size_t n = s.p ? base64_size(s) : SIZE_MAX;
    unsigned char *raw, last[8];
    bool canonical = true;

    if (n == SIZE_MAX)
        return wrong(e, at, "base64, padded (RFC 4648)");
    raw = malloc((size_t)s.n / 4 * 3 + 1);
    if (!raw)
        return err_set(e, HILO_NOMEM, "no memory for %llu bytes of base64", (unsigned long long)s.n);
    if (s.n)
        (void)EVP_DecodeBlock(raw, (const unsigned char *)s.p, (int)s.n);
    if (n % 3) { /* the bits beyond the last byte must be zero, as an encoder leaves them */
        (void)EVP_EncodeBlock(last, raw + n / 3 * 3, (int)(n % 3));
        canonical = memcmp(last, s.p + s.n - 4, 4) == 0;
    }
    if (canonical)
        hilo_put(w, tag, raw, n);
    free(raw);
    return canonical ? HILO_OK : wrong(e, at, "base64 whose last bits are zero (RFC 4648)");
}

static int32_t read_unknown(struct hilo_writer *w, enum model_group group, const cJSON *array,
                            const struct model_path *at, struct err *e)
{
    const cJSON *el, *m, *tag, *value;
    uint64_t t = 0;
    size_t i = 0;
    int32_t rc;

    if (!cJSON_IsArray(array))
        return wrong(e, at, "an array of {\"tag\":number,\"value\":\"base64\"}");
    cJSON_ArrayForEach(el, array)
    {
        const struct model_path here = path_index(at, i++);

        tag = value = NULL;
        for (m = cJSON_IsObject(el) ? el->child : NULL; m; m = m->next) {
            if (strcmp(m->string, "tag") == 0)
                tag = m;
            else if (strcmp(m->string, "value") == 0)
                value = m;
            else
                return wrong(e, &here, "{\"tag\":number,\"value\":\"base64\"} and nothing else");
        }
        if (!tag || !value || !json_u64(tag, &t) || t == 0 || t > UINT32_MAX)
            return wrong(e, &here, "{\"tag\":number,\"value\":\"base64\"}");
        if (model_field(group, (uint32_t)t))
            return path_fail(e, HILO_INVALID, &here, "tag %u is known: write it as \"%s\"", (unsigned)t,
                             model_field(group, (uint32_t)t)->json);
        const struct model_path in = path_key(&here, STR("value"));
        rc = put_base64(w, (uint32_t)t, value, &in, e);
        if (rc)
            return rc;
    }
    return HILO_OK;
}

/* ---- values --------------------------------------------------------------------------- */

static int32_t read_group(struct hilo_writer *w, enum model_group group, const cJSON *object,
                          const struct model_path *at, struct err *e);

static int32_t read_enum(struct hilo_writer *w, const struct model_field *f, const cJSON *v,
                         const struct model_path *at, struct err *e)
{
    struct hilo_str s = json_str(v);
    const char *near;
    uint64_t u;

    if (s.p) {
        u = model_value(f->arg, s);
        if (!u) {
            near = model_value_near(f->arg, s);
            if (near)
                return path_fail(e, HILO_INVALID, at, "unknown value, did you mean \"%s\"?", near);
            return path_fail(e, HILO_INVALID, at, "unknown value, expected for instance \"%s\"",
                             model_value_text(f->arg, 1));
        }
    } else if (!json_u64(v, &u) || u > UINT32_MAX) {
        return path_fail(e, HILO_INVALID, at, "must be a name, for instance \"%s\"",
                         model_value_text(f->arg, 1));
    } else if (model_value_text(f->arg, u)) {
        return path_fail(e, HILO_INVALID, at, "must be the name \"%s\", not its number",
                         model_value_text(f->arg, u));
    }
    hilo_put_u64(w, f->tag, u);
    return HILO_OK;
}

static int32_t read_subgroup(struct hilo_writer *w, const struct model_field *f, const cJSON *v,
                             const struct model_path *at, struct err *e)
{
    struct hilo_str s = json_str(v);
    const struct model_field *text;
    int32_t rc = HILO_OK;

    if ((f->flags & MODEL_SHORT) && s.p) {
        text = model_field_json(f->arg, STR("text"));
        hilo_open(w, f->tag);
        hilo_put_str(w, text->tag, s);
        hilo_close(w);
        return HILO_OK;
    }
    if (!cJSON_IsObject(v))
        return wrong(e, at, f->flags & MODEL_SHORT ? "an object or a string" : "an object");
    hilo_open(w, f->tag);
    rc = read_group(w, f->arg, v, at, e);
    if (!rc)
        hilo_close(w);
    return rc;
}

static int32_t read_value(struct hilo_writer *w, const struct model_field *f, const cJSON *v,
                          const struct model_path *at, struct err *e)
{
    struct hilo_str s;
    struct hilo_id id;
    int64_t us;
    uint64_t u;

    switch ((enum model_type)f->type) {
    case MODEL_U64:
        if (!json_u64(v, &u))
            return wrong(e, at, "a whole number, 0 or more (beyond 2^53 as a string)");
        hilo_put_u64(w, f->tag, u);
        return HILO_OK;
    case MODEL_TIME:
        s = json_str(v);
        if (!s.p || !clock_parse(s, &us) || us < 0 || (uint64_t)us > MODEL_TIME_MAX)
            return wrong(e, at, "a time as in \"2026-11-24T23:59:59Z\" (RFC 3339)");
        hilo_put_u64(w, f->tag, (uint64_t)us);
        return HILO_OK;
    case MODEL_BOOL:
        if (!cJSON_IsBool(v))
            return wrong(e, at, "true or false");
        hilo_put_u64(w, f->tag, cJSON_IsTrue(v) ? 1 : 0);
        return HILO_OK;
    case MODEL_F64:
        if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble))
            return wrong(e, at, "a number");
        hilo_put_f64(w, f->tag, v->valuedouble);
        return HILO_OK;
    case MODEL_STR:
        s = json_str(v);
        if (!s.p)
            return wrong(e, at, "a string");
        hilo_put_str(w, f->tag, s);
        return HILO_OK;
    case MODEL_BYTES:
        return put_base64(w, f->tag, v, at, e);
    case MODEL_ID:
        s = json_str(v);
        if (!s.p || !id_parse(f->prefix, s, &id))
            return path_fail(e, HILO_INVALID, at, "must be an id as in \"%s_01J…\"", f->prefix);
        hilo_put_id(w, f->tag, id);
        return HILO_OK;
    case MODEL_ENUM:
        return read_enum(w, f, v, at, e);
    case MODEL_GROUP:
        return read_subgroup(w, f, v, at, e);
    }
    return HILO_OK;
}

static int32_t read_field(struct hilo_writer *w, const struct model_field *f, const cJSON *v,
                          const struct model_path *at, struct err *e)
{
    const cJSON *el;
    size_t i = 0;
    int32_t rc;

    if (!(f->flags & MODEL_REPEATED))
        return read_value(w, f, v, at, e);
    if (!cJSON_IsArray(v))
        return wrong(e, at, "an array");
    cJSON_ArrayForEach(el, v)
    {
        const struct model_path here = path_index(at, i++);

        rc = read_value(w, f, el, &here, e);
        if (rc)
            return rc;
    }
    return HILO_OK;
}

int32_t model_json_unknown(enum model_group group, const struct model_path *member, struct err *e)
{
    const struct model_field *near = model_field_near(group, member->key);

    if (near)
        return path_fail(e, HILO_INVALID, member, "unknown, did you mean \"%s\"?", near->json);
    return path_fail(e, HILO_INVALID, member, "unknown; remove it");
}

static int32_t read_group(struct hilo_writer *w, enum model_group group, const cJSON *object,
                          const struct model_path *at, struct err *e)
{
    const cJSON *m;
    int32_t rc;

    for (m = object->child; m; m = m->next) {
        const struct model_path here = path_key(at, str(m->string));
        const struct model_field *f = model_field_json(group, here.key);

        if (f && !(f->flags & MODEL_INTERNAL))
            rc = read_field(w, f, m, &here, e);
        else if (str_eq(here.key, UNKNOWN))
            rc = read_unknown(w, group, m, &here, e);
        else
            rc = model_json_unknown(group, &here, e);
        if (rc)
            return rc;
    }
    return HILO_OK;
}

/* ---- entry ------------------------------------------------------------------------------ */

static int32_t end(const struct hilo_writer *w, int32_t rc, struct err *e)
{
    if (!rc && (w->failed || w->n > HILO_MESSAGE_MAX))
        return err_set(e, HILO_FULL, "the message is larger than %d bytes", HILO_MESSAGE_MAX);
    return rc;
}

int32_t model_json_read(struct hilo_writer *w, enum model_group group, const cJSON *object,
                        const struct model_path *at, struct err *e)
{
    const struct model_path root = path_key(NULL, STR(""));

    if (!cJSON_IsObject(object))
        return wrong(e, at ? at : &root, "an object");
    return end(w, read_group(w, group, object, at ? at : &root, e), e);
}

int32_t model_json_read_field(struct hilo_writer *w, const struct model_field *f, const cJSON *value,
                              const struct model_path *at, struct err *e)
{
    return end(w, read_field(w, f, value, at, e), e);
}
