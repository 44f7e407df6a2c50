/* /v1/customers: create, search, read, change, timeline. Personal data comes in bodies
 * only, also for a search. */
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/place.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/str.h"
#include "model/json.h"
#include "model/table.h"
#include <stdio.h>
#include <string.h>

enum {
    IDENTIFIERS_MAX = 32,
    ATTRIBUTES_MAX = 16384,
    CUSTOMER_NAME = 1,
    CUSTOMER_LANGUAGE = 2,
    CUSTOMER_ZONE = 4,
    CUSTOMER_ATTRIBUTES = 8
};

struct wanted {
    struct hilo_str name, language, time_zone;
    const cJSON *attributes, *add, *remove;
    struct place place;
    int64_t at;
};
#define AT(field) .offset = offsetof(struct wanted, field)
/* Their order is that of the bits of ev_customer_updated.set. */
#define FIELDS(flag)                                                                                         \
    {.name = "name", .type = FIELD_STR, .flags = (flag), .max = 200, AT(name)},                              \
        {.name = "language", .type = FIELD_STR, .flags = (flag), .max = 35, AT(language)},                   \
        {.name = "time_zone", .type = FIELD_STR, .flags = (flag), .max = 64, AT(time_zone)},                 \
    {                                                                                                        \
        .name = "attributes", .type = FIELD_OBJECT, .flags = (flag), AT(attributes)                          \
    }
static const struct field create_fields[] = {
    FIELDS(0),
    {.name = "identifiers", .type = FIELD_ARRAY, .max = IDENTIFIERS_MAX, AT(add)},
    PLACE_FIELDS(struct wanted),
};
static const struct field patch_fields[] = {
    FIELDS(FIELD_NULL),
    {.name = "add_identifiers", .type = FIELD_ARRAY, .max = IDENTIFIERS_MAX, AT(add)},
    {.name = "remove_identifiers", .type = FIELD_ARRAY, .max = IDENTIFIERS_MAX, AT(remove)},
    PLACE_FIELDS(struct wanted),
};
#undef AT

struct given {
    struct hilo_str scheme, scope, value;
    bool verified;
};
static const struct field identifier_fields[] = {
    {.name = "scheme",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .max = 32,
     .offset = offsetof(struct given, scheme)},
    {.name = "value",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 256,
     .offset = offsetof(struct given, value)},
    {.name = "scope", .type = FIELD_STR, .max = 64, .offset = offsetof(struct given, scope)},
    {.name = "verified", .type = FIELD_BOOL, .offset = offsetof(struct given, verified)},
};

static int customer__identifier(struct request *rq, const cJSON *v, const char *at, struct identifier *out,
                                struct fault *f)
{
    struct given g;
    uint32_t scheme;
    char pointer[80];

    memset(&g, 0, sizeof g);
    if (fields_read(v, at, identifier_fields, 4, &g, NULL, f) != 0)
        return -1;
    scheme = (uint32_t)model_value(MODEL_E_SCHEME, g.scheme);
    (void)snprintf(pointer, sizeof pointer, "%s/scheme", at);
    if (scheme == 0)
        return fault_set(f, 422, "invalid_field", pointer,
                         "scheme: phone, email, document, whatsapp, loyalty or web_visitor is expected");
    (void)snprintf(pointer, sizeof pointer, "%s/value", at);
    if (identifier_parse(rq->arena, scheme, g.value, pointer, out, f) != 0)
        return -1;
    if (g.scope.n)
        out->scope = g.scope;
    out->verified = g.verified;
    return 0;
}

static int customer__identifiers(struct request *rq, const cJSON *array, const char *at,
                                 struct identifier **out, unsigned *n_out, struct fault *f)
{
    const cJSON *v;
    char pointer[64];

    *n_out = 0;
    if (!array)
        return 0;
    *out = ARENA_ARRAY(rq->arena, struct identifier, IDENTIFIERS_MAX);
    cJSON_ArrayForEach(v, array)
    {
        (void)snprintf(pointer, sizeof pointer, "%s/%u", at, *n_out);
        if (customer__identifier(rq, v, pointer, &(*out)[*n_out], f) != 0)
            return -1;
        ++*n_out;
    }
    return 0;
}

static int customer__fields(struct request *rq, const struct wanted *w, uint64_t present,
                            struct customer_fields *out, struct fault *f)
{
    char *text;

    memset(out, 0, sizeof *out);
    out->set =
        (uint32_t)(present & (CUSTOMER_NAME | CUSTOMER_LANGUAGE | CUSTOMER_ZONE | CUSTOMER_ATTRIBUTES));
    out->name = w->name;
    out->language = w->language;
    out->time_zone = w->time_zone;
    out->place = w->place;
    out->at = w->at;
    if (place_at(&out->at, f) != 0)
        return -1;
    if (!w->attributes)
        return 0;
    text = cJSON_PrintUnformatted(w->attributes);
    if (!text)
        return fault_set(f, 503, "no_memory", "", "out of memory; try again later");
    out->attributes = arena_str(rq->arena, str(text));
    cJSON_free(text);
    if (out->attributes.n > ATTRIBUTES_MAX)
        return fault_set(f, 422, "invalid_field", "/attributes", "attributes: at most %d bytes",
                         ATTRIBUTES_MAX);
    return 0;
}

/* Appends a customer as an object. */
static int customer__shape(struct request *rq, struct out *o, struct hilo_id id, uint64_t *version_out,
                           struct fault *f)
{
    struct customer_ident *ident;
    struct rec_customer c;
    unsigned n;

    if (customer_get(rq->api->gw, id, rq->arena, &c, f) != 0 ||
        customer_idents(rq->api->gw, id, rq->arena, &ident, &n, f) != 0)
        return -1;
    shape_customer(o, NULL, id, &c, ident, n);
    *version_out = c.version;
    return 0;
}

static int customer__reply(struct request *rq, uint32_t status, struct hilo_id id, struct fault *f)
{
    struct out o = {0};
    uint64_t version;

    if (customer__shape(rq, &o, id, &version, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    reply_etag(rq, version);
    return reply_json(rq, status, &o, f);
}

int customer_post(struct request *rq, struct fault *f)
{
    struct wanted w;
    struct customer_fields fields;
    struct identifier *ids = NULL;
    const cJSON *root;
    uint64_t present;
    struct hilo_id id;
    unsigned n;
    int rc;

    memset(&w, 0, sizeof w);
    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", create_fields, sizeof create_fields / sizeof *create_fields, &w, &present, f) !=
            0 ||
        customer__fields(rq, &w, present, &fields, f) != 0 ||
        customer__identifiers(rq, w.add, "/identifiers", &ids, &n, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = customer_create(rq->api->gw, &rq->actor, &fields, ids, n, &id, f);
    if (rc == 0) {
        reply_location(rq, "customers", "cus", id);
        rc = customer__reply(rq, 201, id, f);
    }
    return idempotent_end(rq, rc, f);
}

int customer_show(struct request *rq, struct fault *f)
{
    struct hilo_id id;

    return reply_param_id(rq, 0, "cus", "unknown_customer", &id, f) != 0 ? -1
                                                                         : customer__reply(rq, 200, id, f);
}

int customer_patch(struct request *rq, struct fault *f)
{
    struct wanted w;
    struct customer_fields fields;
    struct identifier *add = NULL, *gone = NULL;
    const cJSON *root;
    uint64_t present, version;
    struct hilo_id id;
    unsigned n_add, n_gone;
    int rc;

    memset(&w, 0, sizeof w);
    if (reply_param_id(rq, 0, "cus", "unknown_customer", &id, f) != 0 ||
        reply_if_match(rq, &version, f) != 0 || fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", patch_fields, sizeof patch_fields / sizeof *patch_fields, &w, &present, f) !=
            0 ||
        customer__fields(rq, &w, present, &fields, f) != 0 ||
        customer__identifiers(rq, w.add, "/add_identifiers", &add, &n_add, f) != 0 ||
        customer__identifiers(rq, w.remove, "/remove_identifiers", &gone, &n_gone, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = customer_update(rq->api->gw, &rq->actor, id, &fields, add, n_add, gone, n_gone, version, f);
    if (rc == 0)
        rc = customer__reply(rq, 200, id, f);
    return idempotent_end(rq, rc, f);
}

/* {"phone":"+57…"}: one or more identifiers; who has any of them, each once. */
int customer_search(struct request *rq, struct fault *f)
{
    const cJSON *root, *v;
    struct out o = {0};
    struct hilo_id seen[IDENTIFIERS_MAX];
    unsigned n = 0;
    int rc = -1;

    if (fields_body(rq, &root, f) != 0)
        return -1;
    if (!root->child || cJSON_GetArraySize(root) > IDENTIFIERS_MAX)
        return fault_set(f, 422, "missing_field", "",
                         "one of phone, email, document, whatsapp, loyalty, web_visitor is needed");
    out_begin(&o, NULL, '{');
    out_begin(&o, "customers", '[');
    cJSON_ArrayForEach(v, root)
    {
        uint32_t scheme = (uint32_t)model_value(MODEL_E_SCHEME, str(v->string));
        struct identifier ident;
        struct hilo_id id;
        struct err e = {0};
        uint64_t version;
        char pointer[80];
        unsigned i = 0;
        int32_t found;

        if (scheme == 0) {
            const char *near = model_value_near(MODEL_E_SCHEME, str(v->string));
            (void)fault_set(f, 422, "unknown_field", "",
                            near ? "unknown field; did you mean \"%s\"?"
                                 : "unknown field; a search is by phone, email, document, …%s",
                            near ? near : "");
            goto out;
        }
        pointer[0] = '/';
        (void)strcpy(pointer + 1, v->string); /* the name of a scheme */
        if (!cJSON_IsString(v) || json_str(v).n == 0 || json_str(v).n > 256) {
            (void)fault_set(f, 422, "invalid_field", pointer, "a string of 1 to 256 characters is expected");
            goto out;
        }
        memset(&ident, 0, sizeof ident);
        if (identifier_parse(rq->arena, scheme, json_str(v), pointer, &ident, f) != 0)
            goto out;
        found = customer_find(rq->api->gw, &ident, &id, &e);
        if (found == HILO_NOTFOUND)
            continue;
        if (found != HILO_OK) {
            (void)fault_store(f, found, &e);
            goto out;
        }
        while (i < n && !id_eq(seen[i], id))
            i++;
        if (i < n)
            continue;
        seen[n++] = id;
        if (customer__shape(rq, &o, id, &version, f) != 0)
            goto out;
    }
    out_end(&o, ']');
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
out:
    buf_done(&o.b);
    return rc;
}

struct page {
    struct request *rq;
    struct out o;
    struct fault *f;
    bool failed;
};

static int customer__message(void *arg, struct hilo_id id, const struct rec_message *m, struct hilo_str bytes)
{
    struct page *p = arg;

    if (!p->failed && shape_message(p->rq, &p->o, NULL, id, m, bytes, p->f) != 0)
        p->failed = true;
    return p->failed ? -1 : 0;
}

int customer_timeline_show(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"limit", "cursor", NULL};
    struct page p = {.rq = rq, .f = f};
    struct hilo_str cursor;
    struct hilo_id id, before, next;
    unsigned limit;

    memset(&before, 0, sizeof before);
    memset(&next, 0, sizeof next);
    if (reply_param_id(rq, 0, "cus", "unknown_customer", &id, f) != 0 ||
        request_query_known(rq, known, f) != 0 || request_limit(rq, 50, 200, &limit, f) != 0 ||
        shape_cursor(rq, 'T', &cursor, f) != 0)
        return -1;
    if (cursor.n) {
        if (cursor.n != sizeof before.b)
            return fault_set(f, 400, "invalid_cursor", "",
                             "cursor: send \"next\" of the last page, as it came");
        memcpy(before.b, cursor.p, sizeof before.b);
    }
    out_begin(&p.o, NULL, '{');
    out_begin(&p.o, "messages", '[');
    if (customer_timeline(rq->api->gw, id, before, limit, rq->arena, customer__message, &p, &next, f) != 0 ||
        p.failed) {
        buf_done(&p.o.b);
        return -1;
    }
    out_end(&p.o, ']');
    shape_next(rq, &p.o, 'T', id_none(next) ? (struct hilo_str){NULL, 0} : str_n(next.b, sizeof next.b));
    out_end(&p.o, '}');
    return reply_json(rq, 200, &p.o, f);
}
