/* /v1/channels: what is configured and how it is; pause and resume by an operator; the
 * templates that a channel may send. */
#include "api/fields.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/shapes.h"
#include "base/str.h"
#include "services/delivery.h"
#include "services/templates.h"
#include <string.h>

static void channel__shape(struct out *o, const struct gw_channel *ch, struct arena *a)
{
    struct hilo_str text = {NULL, 0};
    struct channel_stats stats = {0};
    const char *state = "broken";

    if (ch->plug)
        state = channel_state_name(channel_state(ch->plug, &text));
    else
        text = str(ch->broken);
    out_begin(o, NULL, '{');
    out_str(o, "name", ch->name);
    out_str(o, "type", ch->type);
    out_str(o, "state", str(state));
    out_opt(o, "text", text);
    out_bool(o, "paused", ch->paused);
    out_bool(o, "stopped", ch->stopped);
    out_opt(o, "why", str(ch->why));
    if (ch->plug) {
        channel_stats(ch->plug, &stats);
        out_str(o, "isolation", channel_isolated(ch->plug) ? STR("process") : STR("thread"));
        if (channel_pid(ch->plug))
            out_u64(o, "pid", (uint64_t)channel_pid(ch->plug));
    }
    shape_scopes(o, access_scopes_text(ch->scopes, a));
    out_u64(o, "queued", ch->queued);
    out_u64(o, "in_flight", ch->in_flight);
    out_u64(o, "credit", ch->credit);
    out_begin(o, "since_start", '{');
    out_u64(o, "sent", ch->sent);
    out_u64(o, "failed", ch->failed);
    out_u64(o, "in_doubt", ch->in_doubt);
    out_u64(o, "retries", ch->retries);
    out_u64(o, "received", ch->received);
    out_u64(o, "receipts", ch->receipts);
    out_u64(o, "restarts", stats.restarts);
    out_u64(o, "deaths", stats.deaths);
    out_end(o, '}');
    out_end(o, '}');
}

int channel_index(struct request *rq, struct fault *f)
{
    struct out o = {0};

    out_begin(&o, NULL, '{');
    out_begin(&o, "channels", '[');
    for (const struct gw_channel *ch = rq->api->gw->channels; ch; ch = ch->next)
        channel__shape(&o, ch, rq->arena);
    out_end(&o, ']');
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

static struct gw_channel *channel__find(struct request *rq, struct fault *f)
{
    struct gw_channel *ch = gateway_channel(rq->api->gw, rq->param[0]);

    if (!ch)
        (void)fault_set(f, 404, "unknown_channel", "",
                        "no channel of this name; GET /v1/channels lists them");
    return ch;
}

struct shown {
    struct out o;
    struct fault *f;
    bool failed;
};

static void channel__template(void *arg, const struct rec_template *t)
{
    struct shown *s = arg;

    out_begin(&s->o, NULL, '{');
    out_time(&s->o, "changed", t->changed);
    if (!s->failed && shape_group(&s->o, NULL, MODEL_G_TEMPLATE, t->body, true, s->f) != 0)
        s->failed = true;
    out_end(&s->o, '}');
}

int channel_templates(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"limit", "cursor", NULL};
    const struct gw_channel *ch = channel__find(rq, f);
    struct shown s = {.f = f};
    struct hilo_str after, next;
    unsigned limit;

    if (!ch || request_query_known(rq, known, f) != 0 || request_limit(rq, 100, 500, &limit, f) != 0 ||
        shape_cursor(rq, 'T', &after, f) != 0)
        return -1;
    out_begin(&s.o, NULL, '{');
    out_begin(&s.o, "templates", '[');
    if (templates_list(rq->api->gw, ch, after, limit, rq->arena, channel__template, &s, &next, f) != 0 ||
        s.failed) {
        buf_done(&s.o.b);
        return -1;
    }
    out_end(&s.o, ']');
    shape_next(rq, &s.o, 'T', next);
    out_end(&s.o, '}');
    return reply_json(rq, 200, &s.o, f);
}

struct wanted {
    struct hilo_str reason;
};
static const struct field pause_fields[] = {
    {.name = "reason", .type = FIELD_STR, .max = 200, .offset = offsetof(struct wanted, reason)},
};

static int channel__change(struct request *rq, bool pause, struct fault *f)
{
    struct gateway *gw = rq->api->gw;
    struct gw_channel *ch = channel__find(rq, f);
    struct wanted w = {{NULL, 0}};
    const cJSON *root;
    struct out o = {0};
    int rc;

    if (!ch)
        return -1;
    if (rq->body.n &&
        (fields_body(rq, &root, f) != 0 || fields_read(root, "", pause_fields, pause, &w, NULL, f) != 0))
        return -1;
    if (write_begin_anyway(rq, f) != 0)
        return -1;
    rc = pause ? delivery_pause(gw->delivery, &rq->actor, ch, w.reason, f)
               : delivery_resume(gw->delivery, &rq->actor, ch, f);
    if (write_end(rq, rc) != 0)
        return -1;
    channel__shape(&o, ch, rq->arena);
    return reply_json(rq, 200, &o, f);
}

int channel_pause(struct request *rq, struct fault *f)
{
    return channel__change(rq, true, f);
}
int channel_resume(struct request *rq, struct fault *f)
{
    return channel__change(rq, false, f);
}
