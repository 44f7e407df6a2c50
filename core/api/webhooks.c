/* /v1/webhooks: where events go. A secret is shown once, in the answer that makes it: so no
 * Idempotency-Key here, whose answer would be kept with the secret in it. */
#include "api/fields.h"
#include "api/hooks.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/outbox.h"
#include "services/outbox_conn.h"
#include "services/public_event.h"
#include "services/webhooks.h"
#include <stdio.h>
#include <string.h>

#define HOUR INT64_C(3600000000)

enum { PRESENT_URL = 1, PRESENT_TYPES = 2, PRESENT_DESCRIPTION = 4, PRESENT_ENABLED = 8 };

struct wanted {
    struct hilo_str url, description;
    const cJSON *types;
    bool enabled;
    int64_t overlap_us;
};
#define AT(field) .offset = offsetof(struct wanted, field)
static const struct field create_fields[] = {
    {.name = "url", .type = FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 2048, AT(url)},
    {.name = "types", .type = FIELD_ARRAY, .max = 50, AT(types)},
    {.name = "description", .type = FIELD_STR, .max = 200, AT(description)},
};
static const struct field patch_fields[] = {
    {.name = "url", .type = FIELD_STR, .min = 1, .max = 2048, AT(url)},
    {.name = "types", .type = FIELD_ARRAY, .max = 50, AT(types)},
    {.name = "description", .type = FIELD_STR, .flags = FIELD_NULL, .max = 200, AT(description)},
    {.name = "enabled", .type = FIELD_BOOL, AT(enabled)},
};
static const struct field rotate_fields[] = {
    {.name = "overlap", .type = FIELD_DURATION, .min = 0, .max = 30 * 24 * (uint64_t)HOUR, AT(overlap_us)},
};
#undef AT

/* ["message.received","case.*"] as "message.received,case.*". */
static int webhook__types(struct request *rq, const cJSON *types, struct hilo_str *out, struct fault *f)
{
    const cJSON *word;
    char pointer[32];
    unsigned i = 0;

    *out = (struct hilo_str){NULL, 0};
    cJSON_ArrayForEach(word, types)
    {
        (void)snprintf(pointer, sizeof pointer, "/types/%u", i);
        if (!cJSON_IsString(word) || !word->valuestring[0] || strchr(word->valuestring, ','))
            return fault_set(f, 422, "invalid_field", pointer, "a type is a string: \"message.received\"");
        *out = arena_fmt(rq->arena, "%.*s%s%s", STR_FMT(*out), i ? "," : "", word->valuestring);
        i++;
    }
    return 0;
}

static int webhook__change(struct request *rq, const struct wanted *w, uint64_t present,
                           struct webhook_change *out, struct fault *f)
{
    *out = (struct webhook_change){.set = present & (PRESENT_URL | PRESENT_TYPES | PRESENT_DESCRIPTION),
                                   .url = w->url,
                                   .description = w->description,
                                   .scopes = rq->scopes};
    return webhook__types(rq, w->types, &out->types, f);
}

/* ---- how it looks ------------------------------------------------------------------------ */

static void webhook__words(struct out *o, const char *key, struct hilo_str words, char between)
{
    struct hilo_str word;

    out_begin(o, key, '[');
    while (words.n) {
        (void)str_cut(words, between, &word, &words);
        out_str(o, NULL, word);
    }
    out_end(o, ']');
}

static const char *webhook__state(const struct rec_webhook *r, const struct outbox_status *s)
{
    if (r->disabled)
        return "disabled";
    if (s->broken)
        return "broken";
    return s->attempts ? "failing" : "up";
}

static void webhook__status(struct out *o, const struct rec_webhook *r, const struct outbox_status *s)
{
    static const char *const names[OUTBOX_COUNTS] = {"delivered",  "status_3xx",  "status_4xx",
                                                     "status_5xx", "unreachable", "no_answer"};

    if (s->attempts && !r->disabled) {
        out_u64(o, "attempts", s->attempts);
        out_time(o, "next_attempt", (uint64_t)s->next_us);
    }
    out_begin(o, "lag", '{');
    out_u64(o, "events", s->lag_events);
    out_time(o, "since", (uint64_t)s->lag_since_us);
    out_end(o, '}');
    out_u64(o, "in_flight", s->in_flight);
    out_begin(o, "waiting", '{');
    out_u64(o, "customers", s->parked);
    out_u64(o, "events", s->waiting);
    out_end(o, '}');
    out_u64(o, "given_up", r->given_up);
    out_time(o, "last_delivery", (uint64_t)s->ok_us);
    if (s->bad_us) {
        out_begin(o, "last_failure", '{');
        out_time(o, "time", (uint64_t)s->bad_us);
        out_str(o, "detail", str(s->bad_words));
        out_end(o, '}');
    }
    out_begin(o, "since_start", '{');
    for (unsigned i = 0; i < OUTBOX_COUNTS; i++)
        out_u64(o, names[i], s->count[i]);
    out_end(o, '}');
}

static void webhook__shape(struct request *rq, struct out *o, const struct webhook *w, struct hilo_str secret)
{
    const struct rec_webhook *r = &w->record;
    struct outbox_status s = {.id = w->id};

    (void)outbox_status(rq->api->gw->outbox, w->id, &s);
    out_begin(o, NULL, '{');
    out_id(o, "id", "whk", w->id);
    out_str(o, "url", r->url);
    webhook__words(o, "types", r->types, ',');
    out_opt(o, "description", r->description);
    out_bool(o, "enabled", r->disabled == 0);
    out_opt(o, "secret", secret);
    out_time(o, "created", r->created);
    out_time(o, "changed", r->changed);
    webhook__words(o, "scopes", r->scopes, ' ');
    if ((int64_t)r->old_until > clock_wall_us())
        out_time(o, "old_secret_until", r->old_until);
    out_str(o, "state", str(webhook__state(r, &s)));
    out_time(o, "disabled", r->disabled);
    out_opt(o, "reason", r->reason);
    out_opt(o, "detail", r->detail);
    out_time(o, "failing_since", r->since);
    webhook__status(o, r, &s);
    out_end(o, '}');
}

static int webhook__answer(struct request *rq, uint32_t status, struct hilo_id id, struct hilo_str secret,
                           struct fault *f)
{
    struct webhook w;
    struct out o = {0};

    if (webhook_get(rq->api->gw, id, rq->arena, &w, f) != 0)
        return -1;
    webhook__shape(rq, &o, &w, secret);
    return reply_json(rq, status, &o, f);
}

static int webhook__find(struct request *rq, struct webhook *out, struct fault *f)
{
    struct hilo_id id;

    if (reply_param_id(rq, 0, "whk", "unknown_webhook", &id, f) != 0)
        return -1;
    return webhook_get(rq->api->gw, id, rq->arena, out, f);
}

/* ---- the resources ------------------------------------------------------------------------- */

int webhook_post(struct request *rq, struct fault *f)
{
    struct wanted w = {0};
    struct webhook_change c;
    struct hilo_str secret = {NULL, 0};
    struct hilo_id id = {{0}};
    const cJSON *root;
    int rc;

    if (fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", create_fields, sizeof create_fields / sizeof *create_fields, &w, NULL, f) !=
            0 ||
        webhook__change(rq, &w, PRESENT_URL | PRESENT_TYPES, &c, f) != 0 || write_begin(rq, f) != 0)
        return -1;
    rc = write_end(rq, webhook_create(rq->api->gw, &rq->actor, &c, rq->arena, &secret, &id, f));
    if (rc != 0)
        return rc;
    outbox_changed(rq->api->gw->outbox, id);
    reply_location(rq, "webhooks", "whk", id);
    return webhook__answer(rq, 201, id, secret, f);
}

struct shown {
    struct request *rq;
    struct out *o;
};

static void webhook__each(void *arg, const struct webhook *w)
{
    const struct shown *s = arg;

    webhook__shape(s->rq, s->o, w, (struct hilo_str){NULL, 0});
}

int webhook_index(struct request *rq, struct fault *f)
{
    struct out o = {0};
    struct shown s = {rq, &o};

    out_begin(&o, NULL, '{');
    out_begin(&o, "webhooks", '[');
    if (webhook_list(rq->api->gw, rq->arena, webhook__each, &s, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int webhook_show(struct request *rq, struct fault *f)
{
    struct webhook w;

    if (webhook__find(rq, &w, f) != 0)
        return -1;
    return webhook__answer(rq, 200, w.id, (struct hilo_str){NULL, 0}, f);
}

int webhook_patch(struct request *rq, struct fault *f)
{
    struct gateway *gw = rq->api->gw;
    struct wanted w = {0};
    struct webhook_change c;
    struct webhook old;
    const cJSON *root;
    uint64_t present;
    int rc = 0;

    if (webhook__find(rq, &old, f) != 0 || fields_body(rq, &root, f) != 0 ||
        fields_read(root, "", patch_fields, sizeof patch_fields / sizeof *patch_fields, &w, &present, f) !=
            0 ||
        webhook__change(rq, &w, present, &c, f) != 0)
        return -1;
    /* To disable one takes work away. */
    if (((present & PRESENT_ENABLED) && !w.enabled ? write_begin_anyway : write_begin)(rq, f) != 0)
        return -1;
    if (c.set)
        rc = webhook_update(gw, &rq->actor, &old, &c, rq->arena, f);
    if (rc == 0 && (present & PRESENT_ENABLED))
        rc = webhook_enable(gw, &rq->actor, old.id, w.enabled, f);
    if (write_end(rq, rc) != 0)
        return -1;
    outbox_changed(gw->outbox, old.id);
    return webhook__answer(rq, 200, old.id, (struct hilo_str){NULL, 0}, f);
}

int webhook_remove(struct request *rq, struct fault *f)
{
    struct webhook w;
    int rc;

    if (webhook__find(rq, &w, f) != 0 || write_begin_anyway(rq, f) != 0)
        return -1;
    rc = write_end(rq, webhook_delete(rq->api->gw, &rq->actor, w.id, f));
    if (rc != 0)
        return rc;
    outbox_changed(rq->api->gw->outbox, w.id);
    reply_empty(rq, 204);
    return 0;
}

int webhook_rotate_post(struct request *rq, struct fault *f)
{
    struct wanted wanted = {.overlap_us = 24 * HOUR};
    struct hilo_str secret;
    struct webhook w;
    const cJSON *root;
    int rc;

    if (webhook__find(rq, &w, f) != 0)
        return -1;
    if (rq->body.n &&
        (fields_body(rq, &root, f) != 0 || fields_read(root, "", rotate_fields, 1, &wanted, NULL, f) != 0))
        return -1;
    if (write_begin(rq, f) != 0)
        return -1;
    rc = write_end(rq, webhook_rotate(rq->api->gw, &rq->actor, &w, rq->scopes, wanted.overlap_us, rq->arena,
                                      &secret, f));
    if (rc != 0)
        return rc;
    outbox_changed(rq->api->gw->outbox, w.id);
    return webhook__answer(rq, 200, w.id, secret, f);
}

/* ---- tests ------------------------------------------------------------------------------------ */

int webhook_test_post(struct request *rq, struct fault *f)
{
    struct webhook w;

    if (webhook__find(rq, &w, f) != 0 || hook_wait(rq, f) != 0)
        return -1;
    outbox_test(rq->api->gw->outbox, w.id, rq->hook);
    return 1;
}

void api_webhook_tested(struct api *api, uint64_t token, int32_t outcome, uint32_t status, const char *words,
                        int64_t us)
{
    struct request *rq = hook_waiting(api, token);
    struct out o = {0};

    if (!rq)
        return;
    if (outcome < 0) {
        (void)fault_set(&rq->fault, 503, "webhook_changed", "",
                        "the endpoint was changed meanwhile; try again");
        rq->failed = true;
    } else {
        out_begin(&o, NULL, '{');
        out_bool(&o, "delivered", outcome == OUTBOX_ANSWERED && status / 100 == 2);
        if (outcome == OUTBOX_ANSWERED)
            out_u64(&o, "status", status);
        out_opt(&o, "detail", str(words));
        out_u64(&o, "milliseconds", (uint64_t)us / 1000);
        out_end(&o, '}');
        rq->failed = reply_json(rq, 200, &o, &rq->fault) != 0;
    }
    hook_go_on(rq);
}

/* ---- what waits ---------------------------------------------------------------------------------- */

static void webhook__parked(void *arg, struct hilo_id customer, const struct rec_parked *r)
{
    struct out *o = arg;

    out_begin(o, NULL, '{');
    out_id(o, "customer", "cus", customer);
    out_u64(o, "events", r->waiting);
    out_u64(o, "attempts", r->attempts);
    out_time(o, "since", r->since);
    out_time(o, "next_attempt", r->due);
    out_opt(o, "detail", r->detail);
    out_end(o, '}');
}

int webhook_failures(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"limit", "cursor", NULL};
    struct hilo_id after = {{0}}, next;
    struct hilo_str cursor;
    struct webhook w;
    struct out o = {0};
    unsigned limit;

    if (webhook__find(rq, &w, f) != 0 || request_query_known(rq, known, f) != 0 ||
        request_limit(rq, 50, 200, &limit, f) != 0 || shape_cursor(rq, 'w', &cursor, f) != 0)
        return -1;
    if (cursor.n == sizeof after.b)
        memcpy(after.b, cursor.p, sizeof after.b);
    out_begin(&o, NULL, '{');
    out_begin(&o, "failures", '[');
    if (webhook_parked(rq->api->gw, w.id, after, limit, rq->arena, webhook__parked, &o, &next, f) != 0) {
        buf_done(&o.b);
        return -1;
    }
    out_end(&o, ']');
    shape_next(rq, &o, 'w', id_none(next) ? (struct hilo_str){NULL, 0} : str_n(next.b, sizeof next.b));
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}
