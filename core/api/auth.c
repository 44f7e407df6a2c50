/*
 * Bearer keys (RFC 6750), and the control socket, whose peer is known by its uid
 * (SO_PEERCRED): root and the daemon's own user may do everything, others need a key
 * there as well.
 */
#include "api/auth.h"
#include "api/http.h"
#include "api/inner.h"
#include "base/str.h"
#include "services/access.h"
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

bool auth_traceparent(struct hilo_str v, struct hilo_id *trace_out)
{
    uint8_t version[1], span[8], flags[1];
    struct hilo_id trace;

    /* 00-<32 hex>-<16 hex>-<2 hex>; a later version may go on after a dash. */
    if (v.n < 55 || v.p[2] != '-' || v.p[35] != '-' || v.p[52] != '-')
        return false;
    if (!str_unhex(str_n(v.p, 2), version, 1) || !str_unhex(str_n(v.p + 3, 32), trace.b, 16) ||
        !str_unhex(str_n(v.p + 36, 16), span, 8) || !str_unhex(str_n(v.p + 53, 2), flags, 1))
        return false;
    if (version[0] == 0xff || (v.n > 55 && (version[0] == 0 || v.p[55] != '-')) || id_none(trace))
        return false;
    *trace_out = trace;
    return true;
}

static bool auth__peer(struct request *rq)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(rq->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred peer;
    socklen_t n = sizeof peer;

    if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
        return false;
    if (peer.uid != 0 && peer.uid != geteuid())
        return false;
    rq->actor.kind = ACTOR_CONTROL;
    memset(&rq->actor.id, 0, sizeof rq->actor.id);
    for (unsigned i = 0; i < 4; i++)
        rq->actor.id.b[12 + i] = (uint8_t)(peer.uid >> (24 - 8 * i));
    rq->scopes = SCOPE_ALL;
    return true;
}

/* "Bearer KEY"; the name of the scheme in any case. */
static struct hilo_str auth__bearer(struct hilo_str v)
{
    if (v.n < 8 || strncasecmp(v.p, "Bearer ", 7) != 0)
        return (struct hilo_str){NULL, 0};
    v = str_n(v.p + 7, v.n - 7);
    while (v.n && v.p[0] == ' ')
        v = str_n(v.p + 1, v.n - 1);
    while (v.n && v.p[v.n - 1] == ' ')
        v.n--;
    return v;
}

int auth_check(struct request *rq, const struct route *route, struct fault *f)
{
    struct hilo_id cause = rq->actor.cause;
    struct hilo_str key, missing;

    if ((route->flags & ROUTE_OPEN) || ((route->flags & ROUTE_METRICS) && rq->api->opt.metrics_public))
        return 0;
    if (rq->inner)
        return inner_auth(rq, f);
    key = auth__bearer(request_header(rq, "Authorization"));
    if (key.n == 0 && rq->control && auth__peer(rq))
        return 0;
    if (key.n == 0) {
        rq->answer.authenticate = STR("Bearer realm=\"hilo\"");
        return fault_set(f, 401, "unauthorized", "",
                         "a key is needed: Authorization: Bearer hilo_…; `hilo key create` makes one");
    }
    if (access_check(rq->api->gw, key, rq->arena, &rq->actor, &rq->scopes, f) != 0) {
        rq->actor.cause = cause;
        rq->answer.authenticate = STR("Bearer realm=\"hilo\", error=\"invalid_token\"");
        return -1;
    }
    rq->actor.cause = cause;
    if ((rq->scopes & route->scopes) == route->scopes)
        return 0;
    missing = access_scopes_text(route->scopes & ~rq->scopes, rq->arena);
    rq->answer.authenticate =
        arena_fmt(rq->arena, "Bearer realm=\"hilo\", error=\"insufficient_scope\", scope=\"%.*s\"",
                  STR_FMT(access_scopes_text(route->scopes, rq->arena)));
    return fault_set(f, 403, "insufficient_scope", "", "this key has not the scope %.*s", STR_FMT(missing));
}
