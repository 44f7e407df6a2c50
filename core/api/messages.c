/*
 * /v1/messages. The accept path: fields in one pass over the object, the content by the
 * model's own reader, the rest is the service's. Limits: a lifetime of 1 s to 30 days;
 * a sender as networks know them.
 */
#include "api/messages.h"
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/place.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/str.h"
#include "model/json.h"
#include "model/table.h"
#include <string.h>

enum { TO_MAX = 256 };

struct to {
    struct hilo_str phone, email, document, whatsapp, loyalty, web_visitor;
    struct hilo_id customer;
};
#define TO(name_)                                                                                            \
    {                                                                                                        \
        .name = #name_, .type = FIELD_STR, .offset = offsetof(struct to, name_), .min = 1, .max = TO_MAX     \
    }
static const struct field to_fields[] = {
    TO(phone),
    TO(email),
    TO(document),
    TO(whatsapp),
    TO(loyalty),
    TO(web_visitor),
    {.name = "customer", .type = FIELD_ID, .prefix = "cus", .offset = offsetof(struct to, customer)},
};
enum { TO_SCHEMES = 6, TO_CUSTOMER = 6, TO_N = 7 };
static const uint32_t to_scheme[TO_SCHEMES] = {HILO_SCHEME_PHONE,    HILO_SCHEME_EMAIL,
                                               HILO_SCHEME_DOCUMENT, HILO_SCHEME_WHATSAPP,
                                               HILO_SCHEME_LOYALTY,  HILO_SCHEME_WEB_VISITOR};

struct wanted {
    const cJSON *to, *content, *priority;
    struct hilo_str channel, category, language, sender;
    struct hilo_id case_id, reply_to;
    int64_t expires_in, send_at;
    bool flash;
    struct place place;
    int64_t at;
};
#define AT(field) .offset = offsetof(struct wanted, field)
static const struct field wanted_fields[] = {
    {.name = "to", .type = FIELD_OBJECT, .flags = FIELD_REQUIRED, AT(to)},
    {.name = "channel", .type = FIELD_STR, .min = 1, .max = 64, AT(channel)},
    {.name = "category", .type = FIELD_STR, .min = 1, .max = 32, AT(category)},
    {.name = "content", .type = FIELD_OBJECT, .flags = FIELD_REQUIRED, AT(content)},
    {.name = "case", .type = FIELD_ID, .prefix = "cas", AT(case_id)},
    {.name = "expires_in",
     .type = FIELD_DURATION,
     .min = 1000000,
     .max = UINT64_C(30) * 86400000000,
     AT(expires_in)},
    {.name = "priority", .type = FIELD_ANY, AT(priority)},
    {.name = "reply_to", .type = FIELD_ID, .prefix = "msg", AT(reply_to)},
    {.name = "language", .type = FIELD_STR, .min = 2, .max = 35, AT(language)},
    {.name = "send_at", .type = FIELD_TIME, AT(send_at)},
    {.name = "sender", .type = FIELD_STR, .min = 1, .max = 16, AT(sender)},
    {.name = "flash", .type = FIELD_BOOL, AT(flash)},
    PLACE_FIELDS(struct wanted),
};
#undef AT

int message_to_read(struct arena *arena, const cJSON *object, const char *at, struct identifier *out,
                    struct hilo_id *customer, struct fault *f)
{
    struct to to;
    uint64_t present;
    unsigned which = 0;

    memset(&to, 0, sizeof to);
    if (fields_read(object, at, to_fields, TO_N, &to, &present, f) != 0)
        return -1;
    if (present == 0 || (present & (present - 1)))
        return fault_set(
            f, 422, "invalid_field", at,
            "exactly one of phone, email, document, whatsapp, loyalty, web_visitor, customer is expected");
    while (!(present >> which & 1))
        which++;
    if (which == TO_CUSTOMER) {
        *customer = to.customer;
        return 0;
    }
    struct hilo_str value;
    memcpy(&value, (const char *)&to + to_fields[which].offset, sizeof value);
    return identifier_parse(arena, to_scheme[which], value,
                            arena_fmt(arena, "%s/%s", at, to_fields[which].name).p, out, f);
}

int message_content_read(struct arena *arena, const cJSON *object, const char *at, struct hilo_str *out,
                         struct fault *f)
{
    const struct model_path path = {NULL, str(at), 0};
    struct hilo_writer writer;
    struct err e = {0};
    int32_t rc;

    arena_writer(arena, &writer);
    rc = model_json_read(&writer, MODEL_G_CONTENT, object, &path, &e);
    if (rc == HILO_FULL)
        return fault_set(f, 413, "too_large", at, "the content is larger than a message may be");
    if (rc != HILO_OK)
        return fields_fault(f, 422, "invalid_content", "", &e);
    *out = hilo_written(&writer);
    return 0;
}

static int message__priority(const cJSON *v, uint32_t *out, struct fault *f)
{
    static const char *const names[] = {"urgent", "normal", "bulk"};
    uint64_t n;

    for (uint32_t i = 0; i < 3; i++)
        if (cJSON_IsString(v) && str_eqz(json_str(v), names[i])) {
            *out = i;
            return 0;
        }
    if (!cJSON_IsNumber(v) || !json_u64(v, &n) || n > 2)
        return fault_set(f, 422, "invalid_field", "/priority",
                         "priority: \"urgent\", \"normal\", \"bulk\" or 0 to 2 is expected");
    *out = (uint32_t)n;
    return 0;
}

/* A number or a short code, with + or without, or a name of up to 11 characters of ASCII. */
static int message__sender(struct hilo_str s, struct fault *f)
{
    const uint64_t plus = s.n > 1 && s.p[0] == '+';
    bool digits = true, name = s.n <= 11;

    for (uint64_t i = 0; i < s.n; i++) {
        digits = digits && (i < plus || (s.p[i] >= '0' && s.p[i] <= '9'));
        name = name && s.p[i] >= ' ' && s.p[i] <= '~';
    }
    if (name || (digits && s.n - plus <= 15))
        return 0;
    return fault_set(f, 422, "invalid_field", "/sender",
                     "sender: up to 15 digits, or a name of up to 11 letters, digits and signs of ASCII, is "
                     "expected");
}

int message_request_read(struct arena *arena, const cJSON *root, struct message_request *out, struct fault *f)
{
    struct wanted w;
    const char *near;

    memset(&w, 0, sizeof w);
    memset(out, 0, sizeof *out);
    if (fields_read(root, "", wanted_fields, sizeof wanted_fields / sizeof *wanted_fields, &w, NULL, f) != 0)
        return -1;
    if (message_to_read(arena, w.to, "/to", &out->to, &out->customer, f) != 0)
        return -1;
    out->priority = 1;
    if (w.priority && message__priority(w.priority, &out->priority, f) != 0)
        return -1;
    if (message__sender(w.sender, f) != 0 || (w.at && place_at(&w.at, f) != 0))
        return -1;
    if (w.category.n) {
        out->category = (uint32_t)model_value(MODEL_E_CATEGORY, w.category);
        near = out->category ? NULL : model_value_near(MODEL_E_CATEGORY, w.category);
        if (!out->category)
            return fault_set(
                f, 422, "invalid_field", "/category",
                "category: service, transactional, promotional or authentication is expected%s%s%s",
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    if (message_content_read(arena, w.content, "/content", &out->content, f) != 0)
        return -1;
    out->channel = w.channel;
    out->case_id = w.case_id;
    out->reply_to = w.reply_to;
    out->expires_in_us = w.expires_in;
    out->send_at = w.send_at;
    out->sender = w.sender;
    out->flash = w.flash;
    out->place = w.place;
    out->at = w.at;
    out->language = w.language;
    return 0;
}

static void message__lowered(struct out *o, struct hilo_str notes)
{
    struct hilo_str note;

    if (notes.n == 0)
        return;
    out_begin(o, "lowered", '[');
    while (notes.n) {
        (void)str_cut(notes, ' ', &note, &notes);
        out_str(o, NULL, note);
    }
    out_end(o, ']');
}

/* 202 for a message that was queued: the same now and, from what the journal has, when
 * its Idempotency-Key comes again. */
static int message__accepted(struct request *rq, const struct message_plan *plan, struct hilo_str channel,
                             struct fault *f)
{
    struct out o = {0};

    out_begin(&o, NULL, '{');
    out_id(&o, "id", "msg", plan->id);
    out_id(&o, "customer", "cus", plan->customer);
    out_id(&o, "conversation", "cnv", plan->conversation);
    out_str(&o, "channel", channel);
    out_str(&o, "status", plan->suppressed ? STR("suppressed") : STR("accepted"));
    if (plan->suppressed)
        out_str(&o, "reason", STR("opted_out"));
    out_time(&o, "due", (uint64_t)plan->due);
    message__lowered(&o, plan->notes);
    if (plan->segments.n && shape_group(&o, "segments", MODEL_G_SEGMENTS, plan->segments, false, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, '}');
    reply_location(rq, "messages", "msg", plan->id);
    return reply_json(rq, 202, &o, f);
}

static int message__again(struct request *rq, const struct access_first *first, struct fault *f)
{
    struct message_plan plan = {.id = hilo_get_id(first->message, HILO_T_MSG_ID),
                                .customer = hilo_get_id(first->message, HILO_T_MSG_CUSTOMER),
                                .conversation = hilo_get_id(first->message, HILO_T_MSG_CONVERSATION),
                                .notes = first->notes,
                                .segments = hilo_get_str(first->message, HILO_T_MSG_SEGMENTS)};
    struct rec_message m;
    struct hilo_str bytes;

    const uint64_t due = hilo_get_u64(first->message, HILO_T_MSG_DUE);
    if (due > hilo_get_u64(first->message, HILO_T_MSG_ARRIVED))
        plan.due = (int64_t)due;
    /* Suppressed when it was accepted, or since: no other status is told here. */
    if (message_get(rq->api->gw, plan.id, rq->arena, &m, &bytes, f) != 0)
        return -1;
    plan.suppressed = m.status == HILO_STATUS_SUPPRESSED;
    return message__accepted(rq, &plan, hilo_get_str(first->message, HILO_T_MSG_CHANNEL), f);
}

/* Why it would be accepted and not leave. */
static void message__suppressed(struct out *o, const struct consent_denial *d)
{
    if (!d->denied)
        return;
    out_begin(o, "suppressed", '{');
    out_str(o, "reason", STR("opted_out"));
    out_time(o, "since", d->r.time);
    out_str(o, "how", str(consent_how_name(d->r.how)));
    out_opt(o, "proof", d->r.proof);
    out_id(o, "message", "msg", d->r.message);
    out_end(o, '}');
}

/* The members of an outlook that are known. */
static int message__outlook(struct out *o, const struct message_outlook *x, struct fault *f)
{
    const struct message_plan *plan = &x->plan;

    if (plan->channel)
        out_str(o, "channel", plan->channel->name);
    if (x->category)
        out_str(o, "category", str(model_value_text(MODEL_E_CATEGORY, x->category)));
    if (!plan->new_customer)
        out_id(o, "customer", "cus", plan->customer);
    if (!plan->new_conversation)
        out_id(o, "conversation", "cnv", plan->conversation);
    out_id(o, "case", "cas", x->case_id);
    if (x->party.n && shape_group(o, "address", MODEL_G_IDENT, x->party, false, f) != 0)
        return -1;
    if (plan->channel && (plan->channel->able->flags & HILO_ABLE_WINDOW)) {
        out_begin(o, "window", '{');
        out_bool(o, "needed", x->window_needed);
        out_time(o, "open_until", x->window_us > 0 ? (uint64_t)x->window_us : 0);
        out_end(o, '}');
    }
    out_time(o, "due", (uint64_t)plan->due);
    message__lowered(o, plan->notes);
    if (plan->segments.n && shape_group(o, "segments", MODEL_G_SEGMENTS, plan->segments, false, f) != 0)
        return -1;
    if (x->n) {
        out_begin(o, "parts", '[');
        for (size_t i = 0; i < x->n; i++)
            if (shape_group(o, NULL, MODEL_G_CONTENT, hilo_content(x->part[i]), false, f) != 0)
                return -1;
        out_end(o, ']');
    }
    message__suppressed(o, &x->denial);
    out_opt(o, "waits", x->waits);
    return 0;
}

int message_plan_post(struct request *rq, struct fault *f)
{
    struct message_request wanted;
    struct message_outlook x;
    struct fault why = {0};
    const cJSON *root;
    struct out o = {0};
    int rc;

    if (fields_body(rq, &root, f) != 0 || message_request_read(rq->arena, root, &wanted, f) != 0)
        return -1;
    rc = message_outlook(rq->api->gw, &wanted, rq->arena, &x, &why);
    if (rc != 0 && why.status >= 500) {
        *f = why;
        return -1;
    }
    out_begin(&o, NULL, '{');
    out_bool(&o, "accepted", rc == 0);
    if (rc != 0)
        problem_shape(rq, &o, "problem", &why);
    if (message__outlook(&o, &x, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int message_post(struct request *rq, struct fault *f)
{
    struct message_request wanted;
    struct message_plan plan;
    struct access_first first;
    const cJSON *root;
    int rc;

    if (fields_body(rq, &root, f) != 0 || message_request_read(rq->arena, root, &wanted, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, &first, f);
    if (rc != 0)
        return rc < 0 ? -1 : message__again(rq, &first, f);
    memset(&plan, 0, sizeof plan);
    wanted.once = &rq->once;
    rc = message_accept(rq->api->gw, &rq->actor, &wanted, rq->arena, &plan, f);
    if (rc == 0)
        rc = message__accepted(rq, &plan, plan.channel->name, f);
    return write_end(rq, rc);
}

int message_show(struct request *rq, struct fault *f)
{
    struct rec_message m;
    struct hilo_str bytes;
    struct hilo_id id;
    struct out o = {0};

    if (reply_param_id(rq, 0, "msg", "unknown_message", &id, f) != 0 ||
        message_get(rq->api->gw, id, rq->arena, &m, &bytes, f) != 0)
        return -1;
    if (shape_message(rq, &o, NULL, id, &m, bytes, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    return reply_json(rq, 200, &o, f);
}

int message_delete(struct request *rq, struct fault *f)
{
    struct hilo_id id;
    struct out o = {0};
    int rc;

    if (reply_param_id(rq, 0, "msg", "unknown_message", &id, f) != 0)
        return -1;
    if (write_begin_anyway(rq, f) != 0)
        return -1;
    rc = write_end(rq, message_cancel(rq->api->gw, &rq->actor, id, f));
    if (rc != 0)
        return rc;
    out_begin(&o, NULL, '{');
    out_id(&o, "id", "msg", id);
    out_str(&o, "status", STR("canceled"));
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

static int message__signal(struct request *rq, uint64_t event, struct fault *f)
{
    struct message_plan plan;
    struct access_first first;
    struct hilo_id id;
    int rc;

    if (reply_param_id(rq, 0, "msg", "unknown_message", &id, f) != 0)
        return -1;
    rc = idempotent_begin(rq, NULL, &first, f);
    if (rc != 0)
        return rc < 0 ? -1 : message__again(rq, &first, f);
    memset(&plan, 0, sizeof plan);
    rc = message_signal(rq->api->gw, &rq->actor, id, event, &rq->once, rq->arena, &plan, f);
    if (rc == 0)
        rc = message__accepted(rq, &plan, plan.channel->name, f);
    return write_end(rq, rc);
}

int message_read(struct request *rq, struct fault *f)
{
    return message__signal(rq, HILO_SYSTEM_MARK_READ, f);
}

int message_typing(struct request *rq, struct fault *f)
{
    return message__signal(rq, HILO_SYSTEM_TYPING, f);
}
