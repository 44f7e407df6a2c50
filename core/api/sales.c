/* /v1/visits, /v1/sales, and both of a customer. */
#include "services/sales.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/place.h"
#include "api/route.h"
#include "api/shapes.h"
#include "services/customers.h"
#include <stdio.h>

#define AT(field) .offset = offsetof(struct visit_request, field)
static const struct field visit_fields[] = {
    {.name = "customer", .type = FIELD_ID, .flags = FIELD_REQUIRED, .prefix = "cus", AT(customer)},
    {.name = "purpose", .type = FIELD_STR, .min = 1, .max = VISIT_TEXT_MAX, AT(purpose)},
    {.name = "outcome", .type = FIELD_STR, .min = 1, .max = VISIT_TEXT_MAX, AT(outcome)},
    {.name = "case", .type = FIELD_ID, .prefix = "cas", AT(case_id)},
    PLACE_FIELDS(struct visit_request),
};
#undef AT

struct wanted_sale {
    struct hilo_id customer, case_id;
    struct hilo_str number, currency, total;
    const cJSON *items;
    struct place place;
    int64_t at;
};
#define AT(field) .offset = offsetof(struct wanted_sale, field)
static const struct field sale_fields[] = {
    {.name = "customer", .type = FIELD_ID, .flags = FIELD_REQUIRED, .prefix = "cus", AT(customer)},
    {.name = "number",
     .type = FIELD_STR,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = SALE_NUMBER_MAX,
     AT(number)},
    {.name = "currency", .type = FIELD_STR, .flags = FIELD_REQUIRED, .min = 3, .max = 3, AT(currency)},
    {.name = "total", .type = FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 24, AT(total)},
    {.name = "items", .type = FIELD_ARRAY, .max = SALE_ITEMS_MAX, AT(items)},
    {.name = "case", .type = FIELD_ID, .prefix = "cas", AT(case_id)},
    PLACE_FIELDS(struct wanted_sale),
};
#undef AT
#define AT(field) .offset = offsetof(struct sale_item, field)
static const struct field item_fields[] = {
    {.name = "sku", .type = FIELD_STR, .min = 1, .max = 64, AT(sku)},
    {.name = "name", .type = FIELD_STR, .min = 1, .max = SALE_NAME_MAX, AT(name)},
    {.name = "size", .type = FIELD_STR, .min = 1, .max = 64, AT(size)},
    {.name = "colour", .type = FIELD_STR, .min = 1, .max = 64, AT(colour)},
    {.name = "price", .type = FIELD_STR, .min = 1, .max = 24, AT(price)},
    {.name = "quantity", .type = FIELD_U64, .flags = FIELD_REQUIRED, .min = 1, .max = 1000000, AT(quantity)},
};
#undef AT

/* The answer to what was recorded, and to a GET of it. */
static int deal__reply(struct request *rq, uint32_t status, struct hilo_id id, uint64_t kind, struct fault *f)
{
    struct out o = {0};
    struct deal d;

    if (deal_get(rq->api->gw, id, kind, rq->arena, &d, f) != 0)
        return -1;
    deal_shape(&o, NULL, &d);
    return reply_json(rq, status, &o, f);
}

int visit_post(struct request *rq, struct fault *f)
{
    struct visit_request r = {.at = 0};
    const cJSON *root;
    struct hilo_id id;

    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", visit_fields, sizeof visit_fields / sizeof *visit_fields, &r, NULL, f) != 0 ||
        place_at(&r.at, f) != 0)
        return -1;
    int rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = visit_record(rq->api->gw, &rq->actor, &r, rq->arena, &id, f);
    if (rc == 0) {
        reply_location(rq, "visits", "vis", id);
        rc = deal__reply(rq, 201, id, DEAL_VISIT, f);
    }
    return idempotent_end(rq, rc, f);
}

static int sale__items(struct request *rq, const cJSON *array, struct sale_request *out, struct fault *f)
{
    struct sale_item *item;
    const cJSON *v;

    if (!array)
        return 0;
    item = ARENA_ARRAY(rq->arena, struct sale_item, SALE_ITEMS_MAX);
    cJSON_ArrayForEach(v, array)
    {
        char at[32];
        (void)snprintf(at, sizeof at, "/items/%u", out->n);
        item[out->n] = (struct sale_item){.quantity = 0};
        if (fields_read(v, at, item_fields, sizeof item_fields / sizeof *item_fields, &item[out->n], NULL,
                        f) != 0)
            return -1;
        out->n++;
    }
    out->item = item;
    return 0;
}

int sale_post(struct request *rq, struct fault *f)
{
    struct wanted_sale w = {.at = 0};
    struct sale_request r = {.at = 0};
    const cJSON *root;
    struct hilo_id id;

    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", sale_fields, sizeof sale_fields / sizeof *sale_fields, &w, NULL, f) != 0 ||
        place_at(&w.at, f) != 0 || sale__items(rq, w.items, &r, f) != 0)
        return -1;
    r.customer = w.customer;
    r.case_id = w.case_id;
    r.number = w.number;
    r.currency = w.currency;
    r.total = w.total;
    r.place = w.place;
    r.at = w.at;
    int rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = sale_record(rq->api->gw, &rq->actor, &r, rq->arena, &id, f);
    if (rc == 0) {
        reply_location(rq, "sales", "sal", id);
        rc = deal__reply(rq, 201, id, DEAL_SALE, f);
    }
    return idempotent_end(rq, rc, f);
}

int visit_show(struct request *rq, struct fault *f)
{
    struct hilo_id id;

    return reply_param_id(rq, 0, "vis", "unknown_visit", &id, f) != 0
               ? -1
               : deal__reply(rq, 200, id, DEAL_VISIT, f);
}

int sale_show(struct request *rq, struct fault *f)
{
    struct hilo_id id;

    return reply_param_id(rq, 0, "sal", "unknown_sale", &id, f) != 0 ? -1
                                                                     : deal__reply(rq, 200, id, DEAL_SALE, f);
}

static void deal__each(void *arg, const struct deal *d)
{
    deal_shape(arg, NULL, d);
}

static int deal__index(struct request *rq, uint64_t kind, const char *name, char cursor, struct fault *f)
{
    static const char *const known[] = {"limit", "cursor", NULL};
    struct hilo_str after, next = {NULL, 0};
    struct rec_customer who;
    struct out o = {0};
    struct hilo_id id;
    unsigned limit;

    if (reply_param_id(rq, 0, "cus", "unknown_customer", &id, f) != 0 ||
        request_query_known(rq, known, f) != 0 || request_limit(rq, 50, 200, &limit, f) != 0 ||
        shape_cursor(rq, cursor, &after, f) != 0 || customer_get(rq->api->gw, id, rq->arena, &who, f) != 0)
        return -1;
    out_begin(&o, NULL, '{');
    out_begin(&o, name, '[');
    if (deal_list(rq->api->gw, id, kind, after, limit, rq->arena, deal__each, &o, &next, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    shape_next(rq, &o, cursor, next);
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int customer_visits(struct request *rq, struct fault *f)
{
    return deal__index(rq, DEAL_VISIT, "visits", 'V', f);
}

int customer_sales(struct request *rq, struct fault *f)
{
    return deal__index(rq, DEAL_SALE, "sales", 'S', f);
}
