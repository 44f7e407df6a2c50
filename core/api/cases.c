/* /v1/cases: open, read, change, list, and a case's messages. */
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/place.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/str.h"
#include <string.h>

enum {
    SET_SUBJECT = 1,
    SET_OWNER = 2,
    SET_STATUS = 4,
    PRESENT_SUBJECT = 1,
    PRESENT_OWNER = 2,
    PRESENT_STATUS = 4
};

struct wanted {
    struct hilo_str subject, owner, status;
    struct hilo_id customer;
    struct place place;
    int64_t at;
};
#define AT(field) .offset = offsetof(struct wanted, field)
static const struct field create_fields[] = {
    {.name = "subject", .type = FIELD_STR, .max = 500, AT(subject)},
    {.name = "owner", .type = FIELD_STR, .max = 200, AT(owner)},
    {.name = "status", .type = FIELD_STR, .max = 32, AT(status)},
    {.name = "customer", .type = FIELD_ID, .flags = FIELD_REQUIRED, .prefix = "cus", AT(customer)},
    PLACE_FIELDS(struct wanted),
};
static const struct field patch_fields[] = {
    {.name = "subject", .type = FIELD_STR, .flags = FIELD_NULL, .max = 500, AT(subject)},
    {.name = "owner", .type = FIELD_STR, .flags = FIELD_NULL, .max = 200, AT(owner)},
    {.name = "status", .type = FIELD_STR, .max = 32, AT(status)},
    PLACE_FIELDS(struct wanted),
};
#undef AT

static int case__status(struct hilo_str name, const char *pointer, uint32_t *out, struct fault *f)
{
    *out = case_status_parse(name);
    if (*out)
        return 0;
    return fault_set(f, pointer[0] ? 422 : 400, pointer[0] ? "invalid_field" : "invalid_parameter", pointer,
                     "status: open, pending or closed is expected");
}

static int case__fields(const struct wanted *w, uint64_t present, struct case_fields *out, struct fault *f)
{
    memset(out, 0, sizeof *out);
    out->subject = w->subject;
    out->owner = w->owner;
    out->place = w->place;
    out->at = w->at;
    if (place_at(&out->at, f) != 0)
        return -1;
    if (present & PRESENT_SUBJECT)
        out->set |= SET_SUBJECT;
    if (present & PRESENT_OWNER)
        out->set |= SET_OWNER;
    if (!(present & PRESENT_STATUS))
        return 0;
    out->set |= SET_STATUS;
    return case__status(w->status, "/status", &out->status, f);
}

static int case__reply(struct request *rq, uint32_t status, struct hilo_id id, struct fault *f)
{
    struct rec_case c;
    struct out o = {0};

    if (case_get(rq->api->gw, id, rq->arena, &c, f) != 0)
        return -1;
    shape_case(&o, NULL, id, &c);
    reply_etag(rq, c.version);
    return reply_json(rq, status, &o, f);
}

int case_post(struct request *rq, struct fault *f)
{
    struct wanted w;
    struct case_fields fields;
    const cJSON *root;
    uint64_t present;
    struct hilo_id id;
    int rc;

    memset(&w, 0, sizeof w);
    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", create_fields, sizeof create_fields / sizeof *create_fields, &w, &present, f) !=
            0 ||
        case__fields(&w, present, &fields, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = case_create(rq->api->gw, &rq->actor, w.customer, &fields, &id, f);
    if (rc == 0) {
        reply_location(rq, "cases", "cas", id);
        rc = case__reply(rq, 201, id, f);
    }
    return idempotent_end(rq, rc, f);
}

int case_show(struct request *rq, struct fault *f)
{
    struct hilo_id id;

    return reply_param_id(rq, 0, "cas", "unknown_case", &id, f) != 0 ? -1 : case__reply(rq, 200, id, f);
}

int case_patch(struct request *rq, struct fault *f)
{
    struct wanted w;
    struct case_fields fields;
    const cJSON *root;
    uint64_t present, version;
    struct hilo_id id;
    int rc;

    memset(&w, 0, sizeof w);
    if (reply_param_id(rq, 0, "cas", "unknown_case", &id, f) != 0 || reply_if_match(rq, &version, f) != 0 ||
        fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", patch_fields, sizeof patch_fields / sizeof *patch_fields, &w, &present, f) !=
            0 ||
        case__fields(&w, present, &fields, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = case_update(rq->api->gw, &rq->actor, id, &fields, version, f);
    if (rc == 0)
        rc = case__reply(rq, 200, id, f);
    return idempotent_end(rq, rc, f);
}

static void case__each(void *arg, struct hilo_id id, const struct rec_case *c)
{
    shape_case(arg, NULL, id, c);
}

int case_index(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"status", "owner", "customer", "limit", "cursor", NULL};
    struct hilo_str status = request_query(rq, "status"), who = request_query(rq, "customer"), after,
                    next = {NULL, 0};
    struct hilo_id customer;
    struct out o = {0};
    uint32_t wanted = 0;
    unsigned limit;

    memset(&customer, 0, sizeof customer);
    if (request_query_known(rq, known, f) != 0 || request_limit(rq, 50, 200, &limit, f) != 0 ||
        shape_cursor(rq, 'C', &after, f) != 0 || (status.p && case__status(status, "", &wanted, f) != 0))
        return -1;
    if (who.p && !id_parse("cus", who, &customer))
        return fault_set(f, 400, "invalid_parameter", "",
                         "customer: an id is expected, cus_ and 26 letters and digits");
    out_begin(&o, NULL, '{');
    out_begin(&o, "cases", '[');
    if (case_list(rq->api->gw, wanted, request_query(rq, "owner"), customer, after, limit, rq->arena,
                  case__each, &o, &next, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    shape_next(rq, &o, 'C', next);
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

struct page {
    struct request *rq;
    struct out o;
    struct fault *f;
    bool failed;
};

static void case__message(void *arg, struct hilo_id id, const struct rec_message *m, struct hilo_str bytes)
{
    struct page *p = arg;

    if (!p->failed && shape_message(p->rq, &p->o, NULL, id, m, bytes, p->f) != 0)
        p->failed = true;
}

int case_message_index(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"limit", "cursor", NULL};
    struct page p = {.rq = rq, .f = f};
    struct hilo_str cursor;
    struct hilo_id id;
    uint64_t after = 0, next = 0;
    unsigned limit;

    if (reply_param_id(rq, 0, "cas", "unknown_case", &id, f) != 0 || request_query_known(rq, known, f) != 0 ||
        request_limit(rq, 50, 200, &limit, f) != 0 || shape_cursor(rq, 'M', &cursor, f) != 0)
        return -1;
    if (cursor.n && !str_u64(cursor, &after))
        return fault_set(f, 400, "invalid_cursor", "", "cursor: send \"next\" of the last page, as it came");
    out_begin(&p.o, NULL, '{');
    out_begin(&p.o, "messages", '[');
    if (case_messages(rq->api->gw, id, after, limit, rq->arena, case__message, &p, &next, f) != 0 ||
        p.failed) {
        buf_done(&p.o.b);
        return -1;
    }
    out_end(&p.o, ']');
    shape_next(rq, &p.o, 'M',
               next ? arena_fmt(rq->arena, "%llu", (unsigned long long)next) : (struct hilo_str){NULL, 0});
    out_end(&p.o, '}');
    return reply_json(rq, 200, &p.o, f);
}
