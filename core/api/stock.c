/* /v1/stock: what has arrived, and who waits for it; /v1/subscriptions. */
#include "services/stock.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/messages.h"
#include "api/place.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/str.h"
#include "model/table.h"
#include <string.h>

/* The SKU of the path, which may need an escape there. */
static int stock__sku(struct request *rq, struct hilo_str *out, struct fault *f)
{
    const struct hilo_str raw = rq->param[0];
    char *text = arena_alloc(rq->arena, (size_t)raw.n + 1);
    size_t n = 0;

    for (uint64_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '%' && i + 2 < raw.n && str_unhex(str_n(raw.p + i + 1, 2), text + n, 1)) {
            n++;
            i += 2;
        } else {
            text[n++] = raw.p[i];
        }
    }
    *out = str_n(text, n);
    if (stock_sku_ok(*out))
        return 0;
    return fault_set(f, 404, "unknown_sku", "", "a SKU has 1 to %d bytes on one line", SKU_MAX);
}

/* ---- subscriptions ---- */

struct wanted_wish {
    const cJSON *to;
    struct hilo_id customer, case_id;
    struct hilo_str size, colour, channel, link;
    struct place place;
    int64_t at;
};
#define AT(field) .offset = offsetof(struct wanted_wish, field)
static const struct field wish_fields[] = {
    {.name = "customer", .type = FIELD_ID, .prefix = "cus", AT(customer)},
    {.name = "to", .type = FIELD_OBJECT, AT(to)},
    {.name = "size", .type = FIELD_STR, .min = 1, .max = VARIANT_MAX, AT(size)},
    {.name = "colour", .type = FIELD_STR, .min = 1, .max = VARIANT_MAX, AT(colour)},
    {.name = "channel", .type = FIELD_STR, .min = 1, .max = 64, AT(channel)},
    {.name = "link", .type = FIELD_STR, .min = 1, .max = LINK_MAX, AT(link)},
    {.name = "case", .type = FIELD_ID, .prefix = "cas", AT(case_id)},
    PLACE_FIELDS(struct wanted_wish),
};
#undef AT

static int wish__read(struct request *rq, struct wish_request *out, struct fault *f)
{
    struct wanted_wish w = {.at = 0};
    const cJSON *root;
    uint64_t present;

    if (stock__sku(rq, &out->item.sku, f) != 0 || fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", wish_fields, sizeof wish_fields / sizeof *wish_fields, &w, &present, f) != 0 ||
        place_at(&w.at, f) != 0)
        return -1;
    if ((present & 3) != 1 && (present & 3) != 2)
        return fault_set(f, 422, "missing_field", "/customer", "one of customer and to is needed");
    out->customer = w.customer;
    if (w.to && message_to_read(rq->arena, w.to, "/to", &out->to, &out->customer, f) != 0)
        return -1;
    out->case_id = w.case_id;
    out->item.size = w.size;
    out->item.colour = w.colour;
    out->item.store = w.place.store;
    out->channel = w.channel;
    out->link = w.link;
    out->place = w.place;
    out->at = w.at;
    return 0;
}

int wish_post(struct request *rq, struct fault *f)
{
    struct wish_request r = {.at = 0};
    struct rec_wish w;
    struct out o = {0};
    struct hilo_id id;
    bool again;

    if (wish__read(rq, &r, f) != 0)
        return -1;
    int rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = wish_add(rq->api->gw, &rq->actor, &r, rq->arena, &id, &again, f);
    if (rc == 0)
        rc = wish_get(rq->api->gw, id, rq->arena, &w, f);
    if (rc == 0) {
        wish_shape(&o, NULL, id, &w);
        rc = reply_json(rq, again ? 200 : 201, &o, f);
    }
    return idempotent_end(rq, rc, f);
}

int wish_remove(struct request *rq, struct fault *f)
{
    const struct place nowhere = {.store = {NULL, 0}};
    struct hilo_id id;

    if (reply_param_id(rq, 0, "wsh", "unknown_subscription", &id, f) != 0 || write_begin_anyway(rq, f) != 0 ||
        write_end(rq, wish_cancel(rq->api->gw, &rq->actor, id, &nowhere, rq->arena, f)) != 0)
        return -1;
    reply_empty(rq, 204);
    return 0;
}

static void wish__each(void *arg, struct hilo_id id, const struct rec_wish *w)
{
    wish_shape(arg, NULL, id, w);
}

int wish_index(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"limit", "cursor", NULL};
    struct hilo_str sku, after, next = {NULL, 0};
    struct out o = {0};
    unsigned limit;

    if (stock__sku(rq, &sku, f) != 0 || request_query_known(rq, known, f) != 0 ||
        request_limit(rq, 50, 200, &limit, f) != 0 || shape_cursor(rq, 'W', &after, f) != 0)
        return -1;
    out_begin(&o, NULL, '{');
    out_begin(&o, "subscriptions", '[');
    if (wish_of_sku(rq->api->gw, sku, after, limit, rq->arena, wish__each, &o, &next, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    shape_next(rq, &o, 'W', next);
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int customer_wishes(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"limit", "cursor", "open", NULL};
    struct hilo_str open = request_query(rq, "open"), after, next = {NULL, 0};
    struct rec_customer who;
    struct out o = {0};
    struct hilo_id id;
    unsigned limit;

    if (reply_param_id(rq, 0, "cus", "unknown_customer", &id, f) != 0 ||
        request_query_known(rq, known, f) != 0 || request_limit(rq, 50, 200, &limit, f) != 0 ||
        shape_cursor(rq, 'w', &after, f) != 0 || customer_get(rq->api->gw, id, rq->arena, &who, f) != 0)
        return -1;
    if (open.p && !str_eqz(open, "true") && !str_eqz(open, "false"))
        return fault_set(f, 400, "invalid_parameter", "", "open: true or false is expected");
    out_begin(&o, NULL, '{');
    out_begin(&o, "subscriptions", '[');
    if (wish_of_customer(rq->api->gw, id, str_eqz(open, "true"), after, limit, rq->arena, wish__each, &o,
                         &next, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    shape_next(rq, &o, 'w', next);
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

/* ---- arrivals ---- */

struct wanted_stock {
    uint64_t quantity, rate;
    int64_t hold, at;
    struct hilo_str size, colour, title, link, text, category, channel;
    const cJSON *content, *template_;
    struct place place;
};
#define AT(field) .offset = offsetof(struct wanted_stock, field)
static const struct field stock_fields[] = {
    {.name = "quantity", .type = FIELD_U64, .flags = FIELD_REQUIRED, .min = 1, .max = 1000000, AT(quantity)},
    {.name = "size", .type = FIELD_STR, .min = 1, .max = VARIANT_MAX, AT(size)},
    {.name = "colour", .type = FIELD_STR, .min = 1, .max = VARIANT_MAX, AT(colour)},
    {.name = "title", .type = FIELD_STR, .min = 1, .max = TITLE_MAX, AT(title)},
    {.name = "link", .type = FIELD_STR, .min = 1, .max = LINK_MAX, AT(link)},
    {.name = "text", .type = FIELD_STR, .min = 1, .max = 4096, AT(text)},
    {.name = "content", .type = FIELD_OBJECT, AT(content)},
    {.name = "template", .type = FIELD_OBJECT, AT(template_)},
    {.name = "channel", .type = FIELD_STR, .min = 1, .max = 64, AT(channel)},
    {.name = "category", .type = FIELD_STR, .min = 1, .max = 32, AT(category)},
    {.name = "hold", .type = FIELD_DURATION, .min = 1000000, .max = UINT64_C(30) * 86400000000, AT(hold)},
    {.name = "rate", .type = FIELD_U64, .min = 1, .max = 10000, AT(rate)},
    PLACE_FIELDS(struct wanted_stock),
};
#undef AT

/* The JSON of what is said: a content as it is, a text, or a template without its type. */
static int stock__content(struct request *rq, const struct wanted_stock *w, struct hilo_str *out,
                          struct fault *f)
{
    struct out o = {0};
    char *json;

    if ((w->content != NULL) + (w->template_ != NULL) + (w->text.n != 0) > 1)
        return fault_set(f, 422, "invalid_field", "/content",
                         "one of text, content and template is expected");
    if (w->content || w->template_) {
        json = cJSON_PrintUnformatted(w->content ? w->content : w->template_);
        if (!json)
            return fault_set(f, 503, "no_memory", "", "out of memory; try again later");
        if (w->content)
            *out = arena_str(rq->arena, str(json));
        else
            *out = arena_fmt(rq->arena, "{\"type\":\"template\"%s%s", json[1] == '}' ? "" : ",", json + 1);
        cJSON_free(json);
        return 0;
    }
    if (!w->text.n)
        return 0;
    out_begin(&o, NULL, '{');
    out_str(&o, "type", STR("text"));
    out_str(&o, "text", w->text);
    out_end(&o, '}');
    *out = arena_str(rq->arena, buf_str(&o.b));
    buf_done(&o.b);
    return o.failed ? fault_set(f, 503, "no_memory", "", "out of memory; try again later") : 0;
}

static int stock__read(struct request *rq, struct stock_request *out, struct fault *f)
{
    struct wanted_stock w = {.at = 0};
    const cJSON *root;

    if (stock__sku(rq, &out->item.sku, f) != 0 || fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", stock_fields, sizeof stock_fields / sizeof *stock_fields, &w, NULL, f) != 0 ||
        place_at(&w.at, f) != 0 || stock__content(rq, &w, &out->content, f) != 0)
        return -1;
    if (w.category.n) {
        out->category = (uint32_t)model_value(MODEL_E_CATEGORY, w.category);
        if (!out->category || out->category == HILO_CATEGORY_AUTHENTICATION)
            return fault_set(f, 422, "invalid_field", "/category",
                             "category: service, transactional or promotional is expected");
    }
    out->item.size = w.size;
    out->item.colour = w.colour;
    out->item.store = w.place.store;
    out->quantity = w.quantity;
    out->hold_us = w.hold;
    out->rate = w.rate;
    out->title = w.title;
    out->link = w.link;
    out->channel = w.channel;
    out->place = w.place;
    out->at = w.at;
    return 0;
}

static int stock__reply(struct request *rq, const struct stock_outcome *s, struct fault *f)
{
    struct out o = {0};

    out_begin(&o, NULL, '{');
    out_id(&o, "id", "stk", s->id);
    out_u64(&o, "offered", s->offered);
    out_u64(&o, "waiting", s->waiting);
    out_begin(&o, "passed_over", '[');
    for (const struct stock_passed *p = s->passed; p; p = p->next) {
        out_begin(&o, NULL, '{');
        out_id(&o, "subscription", "wsh", p->wish);
        out_id(&o, "customer", "cus", p->customer);
        out_str(&o, "reason", str(p->reason));
        out_end(&o, '}');
    }
    out_end(&o, ']');
    out_end(&o, '}');
    return reply_json(rq, 202, &o, f);
}

int stock_post(struct request *rq, struct fault *f)
{
    struct stock_request r = {.at = 0};
    struct stock_outcome made;

    if (stock__read(rq, &r, f) != 0)
        return -1;
    int rc = idempotent_begin(rq, NULL, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = stock_arrive(rq->api->gw, &rq->actor, &r, rq->arena, &made, f);
    if (rc == 0)
        rc = stock__reply(rq, &made, f);
    return idempotent_end(rq, rc, f);
}

int stock_delete(struct request *rq, struct fault *f)
{
    struct hilo_str sku;
    struct hilo_id id;

    if (stock__sku(rq, &sku, f) != 0 || reply_param_id(rq, 1, "stk", "unknown_stock", &id, f) != 0 ||
        write_begin_anyway(rq, f) != 0 ||
        write_end(rq, stock_withdraw(rq->api->gw, &rq->actor, sku, id, rq->arena, f)) != 0)
        return -1;
    reply_empty(rq, 204);
    return 0;
}

static void stock__each(void *arg, struct hilo_id id, const struct rec_stock *s)
{
    struct out *o = arg;

    out_begin(o, NULL, '{');
    out_id(o, "id", "stk", id);
    out_opt(o, "size", s->size);
    out_opt(o, "colour", s->colour);
    out_opt(o, "store", s->store);
    out_u64(o, "quantity", s->quantity);
    out_u64(o, "left", s->left);
    out_u64(o, "held", s->open);
    out_u64(o, "offered", s->offered);
    out_u64(o, "passed_over", s->passed);
    out_time(o, "since", s->since);
    out_end(o, '}');
}

int stock_show(struct request *rq, struct fault *f)
{
    struct hilo_str sku;
    struct out o = {0};

    if (stock__sku(rq, &sku, f) != 0)
        return -1;
    out_begin(&o, NULL, '{');
    out_str(&o, "sku", sku);
    out_begin(&o, "available", '[');
    if (stock_list(rq->api->gw, sku, rq->arena, stock__each, &o, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}
