/* GET /v1/events: what happens, as it happens, as server-sent events whose data are CloudEvents. */
#include "api/http.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/streams.h"
#include "base/str.h"

static int events__id(struct request *rq, const char *name, const char *prefix, struct hilo_id *out,
                      struct fault *f)
{
    struct hilo_str v = request_query(rq, name);

    if (!v.p || id_parse(prefix, v, out))
        return 0;
    return fault_set(f, 400, "invalid_query", "", "%s: an id like %s_ and 26 letters and digits is expected",
                     name, prefix);
}

/* What the key may see of what is asked for. */
static int events__types(struct request *rq, struct public_filter *out, struct fault *f)
{
    struct hilo_str v = request_query(rq, "type"), word;
    uint32_t missing = 0;
    uint64_t allowed = 0;

    if (v.p && !public_types_parse(v, &out->types, &word))
        return fault_set(f, 400, "invalid_query", "",
                         "type: \"%.*s\" is none; send hilo.message.received, or hilo.message.* for all of "
                         "its kind, several with commas between; /openapi.json lists them",
                         STR_FMT(str_utf8_head(word, 60)));
    for (unsigned t = 0; t < PUBLIC__END; t++) {
        uint32_t scope = public_type_scope((enum public_type)t);
        if (out->types && !(out->types >> t & 1))
            continue;
        if ((rq->scopes & scope) == scope)
            allowed |= UINT64_C(1) << t;
        else
            missing |= scope;
    }
    out->scopes = rq->scopes;
    /* What was named must be allowed; of all there is, some. */
    if (missing && (v.p || !allowed))
        return fault_set(f, 403, "insufficient_scope", "", "this key has not the scope %.*s",
                         STR_FMT(access_scopes_text(missing, rq->arena)));
    return 0;
}

static int events__from(struct request *rq, struct stream_options *o, struct fault *f)
{
    struct hilo_str again = request_header(rq, "Last-Event-ID"), after = request_query(rq, "after"),
                    last = request_query(rq, "last");
    uint64_t n;

    if (after.p && last.p)
        return fault_set(f, 400, "invalid_query", "", "after and last: send one of them");
    /* A client that was cut off asks for the same address again; where it was counts more. */
    if (again.n)
        after = again;
    if (after.p && str_eqz(after, "oldest")) {
        o->from = STREAM_OLDEST;
    } else if (after.p) {
        if (!public_event_id_parse(after, &o->after))
            return fault_set(f, 400, "invalid_event_id", "",
                             "%s: send the id of an event, as it came, or \"oldest\"",
                             again.n ? "Last-Event-ID" : "after");
        o->from = STREAM_AFTER;
    } else if (last.p) {
        if (!str_u64(last, &n) || n == 0 || n > STREAM_LAST_MAX)
            return fault_set(f, 400, "invalid_query", "", "last: a number from 1 to %d is expected",
                             STREAM_LAST_MAX);
        o->from = STREAM_LAST;
        o->last = (unsigned)n;
    }
    return 0;
}

int events_show(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"type",  "customer", "case",   "channel",
                                        "after", "last",     "follow", NULL};
    static const struct hilo_kv unbuffered = {{"X-Accel-Buffering", 17}, {"no", 2}};
    struct stream_options o = {.follow = true};
    struct hilo_str follow;

    if (request_query_known(rq, known, f) != 0 || events__types(rq, &o.filter, f) != 0 ||
        events__id(rq, "customer", "cus", &o.filter.customer, f) != 0 ||
        events__id(rq, "case", "cas", &o.filter.case_id, f) != 0 || events__from(rq, &o, f) != 0)
        return -1;
    o.filter.channel = request_query(rq, "channel");
    if (o.filter.channel.n && !gateway_channel(rq->api->gw, o.filter.channel))
        return fault_set(f, 404, "unknown_channel", "", "no channel has this name");
    follow = request_query(rq, "follow");
    if (follow.p && !str_eqz(follow, "true") && !str_eqz(follow, "false"))
        return fault_set(f, 400, "invalid_query", "", "follow: true or false is expected");
    o.follow = !str_eqz(follow, "false");
    if (rq->actor.kind == ACTOR_KEY)
        o.key = rq->actor.id;
    if (str_eqz(rq->method, "GET") && stream_new(rq->api->streams, &o, &rq->stream, f) != 0)
        return -1;
    rq->answer.status = 200;
    rq->answer.type = STR("text/event-stream");
    rq->answer.header = &unbuffered; /* a proxy passes them on as they come */
    rq->answer.n_header = 1;
    return 0;
}
