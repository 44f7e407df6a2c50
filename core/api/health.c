/*
 * /healthz, /readyz, /openapi.json. Ready means: new work is taken, and kept. No
 * channel makes the gateway unready, for what it can't send yet it keeps, and a balancer
 * that took the gateway away would help nobody; how channels are is for alerts.
 */
#include "api/http.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/str.h"

extern const char openapi_json[], openapi_json_end[]; /* openapi.S */

int openapi_show(struct request *rq, struct fault *f)
{
    (void)f;
    rq->answer.status = 200;
    rq->answer.type = STR("application/json");
    rq->answer.body = str_n(openapi_json, (size_t)(openapi_json_end - openapi_json));
    return 0;
}

int health_show(struct request *rq, struct fault *f)
{
    struct out o = {0};

    out_begin(&o, NULL, '{');
    out_str(&o, "status", STR("ok"));
    out_str(&o, "version", STR(HILO_VERSION));
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int ready_show(struct request *rq, struct fault *f)
{
    struct api *api = rq->api;
    struct err e = {0};
    struct out o = {0};
    unsigned up = 0, starting = 0, down = 0;
    bool room = store_room(api->gw->store, STORE_NEW, &e) == HILO_OK, ready;

    for (const struct gw_channel *ch = api->gw->channels; ch; ch = ch->next) {
        enum channel_state s = ch->plug ? channel_state(ch->plug, NULL) : CHANNEL_CLOSED;
        if (s == CHANNEL_UP)
            up++;
        else if (s == CHANNEL_STARTING)
            starting++;
        else
            down++;
    }
    ready = room && !api->quiesced;
    out_begin(&o, NULL, '{');
    out_str(&o, "status", ready ? STR("ready") : api->quiesced ? STR("stopping") : STR("not_ready"));
    out_str(&o, "store", room ? STR("ok") : str(e.text));
    out_begin(&o, "channels", '{');
    out_u64(&o, "up", up);
    out_u64(&o, "starting", starting);
    out_u64(&o, "down", down);
    out_end(&o, '}');
    out_end(&o, '}');
    if (!ready)
        rq->answer.retry_after_s = 1;
    return reply_json(rq, ready ? 200 : 503, &o, f);
}
