/*
 * Answers. JSON is built in a buffer and copied into the request's arena, where the
 * library reads it until it is sent.
 */
#include "api/reply.h"
#include "api/http.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>

int reply_json(struct request *rq, uint32_t status, struct out *o, struct fault *f)
{
    if (o->failed) {
        buf_done(&o->b);
        return fault_set(f, 500, "no_memory", "", "out of memory while the answer was written");
    }
    rq->answer.status = status;
    rq->answer.type = STR("application/json");
    rq->answer.body = arena_str(rq->arena, buf_str(&o->b));
    buf_done(&o->b);
    return 0;
}

void reply_empty(struct request *rq, uint32_t status)
{
    rq->answer.status = status;
}

void reply_location(struct request *rq, const char *collection, const char *prefix, struct hilo_id id)
{
    char text[ID_TEXT];

    id_format(prefix, id, text);
    rq->answer.location = arena_fmt(rq->arena, "/v1/%s/%s", collection, text);
}

void reply_etag(struct request *rq, uint64_t version)
{
    rq->answer.etag = arena_fmt(rq->arena, "\"%llu\"", (unsigned long long)version);
}

int reply_if_match(struct request *rq, uint64_t *version_out, struct fault *f)
{
    struct hilo_str v = request_header(rq, "If-Match");

    if (!v.p || str_eqz(v, "*")) {
        *version_out = 0;
        return 0;
    }
    if (v.n < 3 || v.p[0] != '"' || v.p[v.n - 1] != '"' || !str_u64(str_n(v.p + 1, v.n - 2), version_out))
        return fault_set(f, 400, "invalid_if_match", "",
                         "If-Match: send the ETag of the last answer, as it came");
    return 0;
}

int reply_param_id(struct request *rq, unsigned param, const char *prefix, const char *code,
                   struct hilo_id *out, struct fault *f)
{
    if (id_parse(prefix, rq->param[param], out))
        return 0;
    return fault_set(f, 404, code, "",
                     "there is none with this id; ids look like %s_ and 26 letters and digits", prefix);
}

static const char *problem__title(uint32_t status)
{
    switch (status) {
    case 400:
        return "The request is malformed";
    case 401:
        return "A valid key is needed";
    case 403:
        return "The key may not do this";
    case 404:
        return "Not found";
    case 405:
        return "Not for this method";
    case 409:
        return "It conflicts with the present state";
    case 410:
        return "Gone";
    case 412:
        return "It was changed in between";
    case 413:
        return "Too large";
    case 415:
        return "Not this media type";
    case 422:
        return "The request can't be carried out as it is";
    case 429:
        return "Too much at once";
    case 502:
        return "The channel failed to answer";
    case 503:
        return "Not now";
    case 504:
        return "The channel did not answer in time";
    default:
        return status >= 500 ? "The gateway failed" : "Refused";
    }
}

/* A fault's text is cut to fit, perhaps within a character. */
static struct hilo_str problem__text(const char *z)
{
    struct hilo_str s = str(z);

    for (unsigned i = 0; i < 3 && s.n && !str_utf8_valid(s); i++)
        s.n--;
    return str_utf8_valid(s) ? s : STR("");
}

static uint32_t problem__status(const struct fault *f)
{
    return f->status >= 400 && f->status < 600 ? f->status : 500;
}

static void problem__fields(struct request *rq, struct out *o, const struct fault *f)
{
    uint32_t status = problem__status(f);
    const char *code = f->code ? f->code : "internal";

    out_str(o, "type", arena_fmt(rq->arena, "urn:hilo:problem:%s", code));
    out_str(o, "title", str(problem__title(status)));
    out_u64(o, "status", status);
    out_str(o, "code", str(code));
    out_opt(o, "detail", problem__text(f->text));
    out_opt(o, "pointer", problem__text(f->pointer));
    if (f->retry_after_s)
        out_u64(o, "retry_after", f->retry_after_s);
    out_str(o, "instance", arena_fmt(rq->arena, "urn:hilo:request:%s", rq->id));
}

void problem_shape(struct request *rq, struct out *o, const char *key, const struct fault *f)
{
    out_begin(o, key, '{');
    problem__fields(rq, o, f);
    out_end(o, '}');
}

static void problem__write(struct request *rq, const struct fault *f, const char *key, struct hilo_str json)
{
    struct out o = {0};
    uint32_t status = problem__status(f);

    out_begin(&o, NULL, '{');
    problem__fields(rq, &o, f);
    if (json.n)
        out_raw(&o, key, json);
    out_end(&o, '}');
    /* Nothing of an answer that was begun remains, but what goes with the refusal. */
    rq->answer.location = rq->answer.etag = rq->answer.disposition = (struct hilo_str){NULL, 0};
    rq->answer.n_header = 0;
    rq->answer.status = status;
    rq->answer.type = STR("application/problem+json");
    rq->answer.body = o.failed ? (struct hilo_str){NULL, 0} : arena_str(rq->arena, buf_str(&o.b));
    rq->answer.retry_after_s = f->retry_after_s;
    if ((status == 429 || status == 503) && rq->answer.retry_after_s == 0)
        rq->answer.retry_after_s = 5;
    buf_done(&o.b);
}

void problem_reply(struct request *rq, const struct fault *f)
{
    problem__write(rq, f, NULL, (struct hilo_str){NULL, 0});
}

int problem_reply_with(struct request *rq, const struct fault *f, const char *key, struct out *member)
{
    struct hilo_str json = member->failed ? (struct hilo_str){NULL, 0} : buf_str(&member->b);

    problem__write(rq, f, key, json);
    buf_done(&member->b);
    return 0;
}
