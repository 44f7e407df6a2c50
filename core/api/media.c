/*
 * /v1/media and the public links of /m. Files go out as attachments that a browser does
 * not interpret (nosniff, sandbox): they come from strangers.
 */
#include "services/media.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/reply.h"
#include "api/route.h"
#include "api/upload.h"
#include "base/clock.h"
#include "base/str.h"
#include <string.h>
#include <unistd.h>

int media_post(struct request *rq, struct fault *f)
{
    return upload_end(rq, f) != 0 ? -1 : 1;
}

int media_posted(struct request *rq, struct fault *f)
{
    struct upload_result up;
    struct hilo_id id;
    struct out o = {0};
    int rc;

    if (upload_result(rq, &up, f) != 0)
        return -1;
    rc = idempotent_begin(rq, up.stored.hash, NULL, f);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = media_add(rq->api->gw, &rq->actor, up.stored.hash, up.stored.bytes, up.mime, up.filename, &id, f);
    if (rc == 0) {
        out_begin(&o, NULL, '{');
        out_id(&o, "id", "med", id);
        out_str(&o, "mime", up.mime);
        out_u64(&o, "size", up.stored.bytes);
        out_hex(&o, "sha256", str_n(up.stored.hash, sizeof up.stored.hash));
        out_opt(&o, "filename", up.filename);
        out_end(&o, '}');
        reply_location(rq, "media", "med", id);
        rc = reply_json(rq, 201, &o, f);
    }
    return idempotent_end(rq, rc, f);
}

/* RFC 6266: an ASCII name for all, and the real one in UTF-8 (RFC 8187). */
static struct hilo_str media__disposition(struct arena *arena, struct hilo_str name)
{
    static const char hex[] = "0123456789ABCDEF";
    char *plain, *star;
    size_t n = 0, m = 0;

    if (name.n == 0 || name.n > 255)
        return STR("attachment");
    plain = arena_alloc(arena, (size_t)name.n + 1);
    star = arena_alloc(arena, (size_t)name.n * 3 + 1);
    for (uint64_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                    c == '-' || c == '_';
        plain[n++] = safe || c == ' ' ? (char)c : '_';
        if (safe) {
            star[m++] = (char)c;
        } else {
            star[m++] = '%';
            star[m++] = hex[c >> 4];
            star[m++] = hex[c & 15];
        }
    }
    return arena_fmt(arena, "attachment; filename=\"%.*s\"; filename*=UTF-8''%.*s", (int)n, plain, (int)m,
                     star);
}

static int media__file(struct request *rq, struct hilo_id id, struct fault *f)
{
    struct rec_media m;
    int fd = -1;

    if (media_get(rq->api->gw, id, rq->arena, &m, &fd, f) != 0)
        return -1;
    rq->answer.status = 200;
    rq->answer.type = m.mime.n ? m.mime : STR("application/octet-stream");
    rq->answer.disposition = media__disposition(rq->arena, m.filename);
    rq->answer.fd = fd;
    rq->answer.fd_bytes = m.size;
    return 0;
}

static const char *media__state(uint64_t state)
{
    return state == MEDIA_STORED ? "stored" : state == MEDIA_FAILED ? "failed" : "pending";
}

/* A pending or failed one has a record too: what ?info is for. */
static int media__info(struct request *rq, struct hilo_id id, struct fault *f)
{
    struct gateway *gw = rq->api->gw;
    struct rec_media m;
    struct hilo_str link;
    struct out o = {0};

    if (media_get(gw, id, rq->arena, &m, NULL, f) != 0)
        return -1;
    out_begin(&o, NULL, '{');
    out_id(&o, "id", "med", id);
    out_str(&o, "state", str(media__state(m.state)));
    out_opt(&o, "mime", m.mime);
    if (m.state == MEDIA_STORED)
        out_u64(&o, "size", m.size);
    out_hex(&o, "sha256", m.sha256);
    out_opt(&o, "filename", m.filename);
    out_id(&o, "message", "msg", m.message);
    out_opt(&o, "channel", m.channel);
    out_opt(&o, "reason", m.reason);
    if (m.state == MEDIA_PENDING)
        out_u64(&o, "attempts", m.attempts);
    out_time(&o, "created", m.created);
    if (gw->public_url.n && m.state == MEDIA_STORED) {
        int64_t now = clock_wall_us();
        if (media_link(gw, id, now, rq->arena, &link, f) != 0) {
            buf_done(&o.b);
            return -1;
        }
        out_str(&o, "link", link);
    }
    out_end(&o, '}');
    return reply_json(rq, 200, &o, f);
}

int media_show(struct request *rq, struct fault *f)
{
    static const char *const known[] = {"info", NULL};
    struct hilo_id id;

    if (reply_param_id(rq, 0, "med", "unknown_media", &id, f) != 0 || request_query_known(rq, known, f) != 0)
        return -1;
    if (request_query(rq, "info").p || request_type_is(request_header(rq, "Accept"), "application/json"))
        return media__info(rq, id, f);
    return media__file(rq, id, f);
}

int media_public(struct request *rq, struct fault *f)
{
    struct hilo_id id;

    if (media_token(rq->api->gw, rq->param[0], clock_wall_us(), &id, f) != 0)
        return -1;
    return media__file(rq, id, f);
}
