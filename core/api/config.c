/* /v1/config/reload: the configuration read again, and what that came to. */
#include "api/config.h"
#include "api/http.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/str.h"

static void out__names(struct out *o, const char *key, const struct conf_change *c)
{
    out_begin(o, key, '[');
    for (; c; c = c->next)
        out_str(o, NULL, c->name);
    out_end(o, ']');
}

/* A problem with one member more. */
static int config__refused(struct request *rq, const struct config_report *r, struct fault *f)
{
    struct out o = {0};

    (void)fault_set(f, 422, "invalid_configuration", "",
                    "the file has %u fault%s; the gateway goes on with the configuration before", r->n_faults,
                    r->n_faults == 1 ? "" : "s");
    out_begin(&o, NULL, '[');
    for (const struct conf_error *e = r->faults; e; e = e->next) {
        out_begin(&o, NULL, '{');
        out_str(&o, "file", r->file);
        if (e->line) {
            out_u64(&o, "line", e->line);
            out_u64(&o, "column", e->column);
        }
        out_str(&o, "text", e->text);
        out_end(&o, '}');
    }
    out_end(&o, ']');
    return problem_reply_with(rq, f, "faults", &o);
}

int config_reload(struct request *rq, struct fault *f)
{
    struct api *api = rq->api;
    struct config_report r;
    struct out o = {0};

    if (!api->opt.reload || api->quiesced)
        return fault_set(f, 503, "stopping", "", "the gateway does not reload now");
    api->opt.reload(api->opt.reload_arg, rq->arena, &r);
    if (r.n_faults)
        return config__refused(rq, &r, f);
    out_begin(&o, NULL, '{');
    out_str(&o, "file", r.file);
    out__names(&o, "changed", r.changed);
    out__names(&o, "needs_restart", r.needs_restart);
    out_begin(&o, "channels", '[');
    for (const struct config_channel *c = r.channels; c; c = c->next) {
        out_begin(&o, NULL, '{');
        out_str(&o, "name", c->name);
        out_str(&o, "change", str(c->change));
        out__names(&o, "options", c->options);
        out_u64(&o, "queued", c->queued);
        out_end(&o, '}');
    }
    out_end(&o, ']');
    out_u64(&o, "untouched", r.untouched);
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}
