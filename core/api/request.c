/*
 * Requests: made at the first line, used again after the answer. The body is collected
 * up to its route's limit; what a client sends beyond it is thrown away for a while, so
 * that it can read why, then the connection is dropped. Limits: a body that is kept
 * for the next request is at most 64 KiB.
 */
#include "api/http.h"
#include "api/inner.h"
#include "api/route.h"
#include "api/upload.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { BODY_KEPT = 65536, BODY_DRAIN = 1 << 20, BUTTON_MAX = 4096 };

struct request *request_new(struct api *api, struct MHD_Connection *conn, struct hilo_str uri)
{
    struct request *rq = LIST_FIRST(&api->kept);
    struct arena *arena;
    struct buf body;
    struct hilo_str query;

    if (rq) {
        LIST_REMOVE(rq, all);
        api->n_kept--;
        arena = rq->arena;
        body = rq->body;
    } else {
        rq = malloc(sizeof *rq);
        if (!rq)
            check_nomem();
        arena = arena_new();
        body = (struct buf){0};
    }
    memset(rq, 0, sizeof *rq);
    rq->magic = REQUEST_MAGIC;
    rq->state = REQUEST_HEAD;
    rq->api = api;
    rq->conn = conn;
    rq->arena = arena;
    rq->body = body;
    rq->answer.fd = -1;
    rq->started_us = clock_mono_us();
    rq->uri = arena_str(arena, uri);
    (void)str_cut(rq->uri, '?', &rq->path, &query);
    LIST_INSERT_HEAD(&api->live, rq, all);
    return rq;
}

void request_free(struct request *rq)
{
    struct api *api = rq->api;

    CHECK(rq->magic == REQUEST_MAGIC);
    if (rq->state == REQUEST_WAITING || (rq->inner && rq->state == REQUEST_BACK))
        api->waiting--;
    upload_abort(rq);
    if (rq->answer.fd >= 0)
        (void)close(rq->answer.fd);
    LIST_REMOVE(rq, all);
    if (api->n_kept < REQUESTS_KEPT && rq->body.cap <= BODY_KEPT) {
        arena_reset(rq->arena);
        buf_clear(&rq->body);
        api->n_kept++;
        LIST_INSERT_HEAD(&api->kept, rq, all);
        return;
    }
    arena_free(&rq->arena);
    buf_done(&rq->body);
    rq->magic = 0;
    free(rq);
}

struct hilo_str request_header(const struct request *rq, const char *name)
{
    const char *v = NULL;
    size_t n = 0;

    if (rq->inner)
        return inner_header(rq, name);
    if (MHD_lookup_connection_value_n(rq->conn, MHD_HEADER_KIND, name, strlen(name), &v, &n) != MHD_YES || !v)
        return (struct hilo_str){NULL, 0};
    return str_n(v, n);
}

struct hilo_str request_query(const struct request *rq, const char *name)
{
    const char *v = NULL;
    size_t n = 0;

    if (rq->inner)
        return inner_query(rq, name);
    if (MHD_lookup_connection_value_n(rq->conn, MHD_GET_ARGUMENT_KIND, name, strlen(name), &v, &n) != MHD_YES)
        return (struct hilo_str){NULL, 0};
    return v ? str_n(v, n) : str("");
}

struct known {
    const char *const *names;
    uint64_t seen;
    struct fault *f;
    bool bad;
};

static enum MHD_Result request__each(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct known *k = arg;
    const char *near = NULL;
    size_t best = 3;

    (void)kind, (void)value;
    for (unsigned i = 0; k->names[i]; i++) {
        size_t d;
        if (strcmp(k->names[i], key) == 0) {
            if (k->seen & (UINT64_C(1) << i)) {
                k->bad = true;
                (void)fault_set(k->f, 400, "duplicate_parameter", "", "the query parameter %s is given twice",
                                k->names[i]);
                return MHD_NO;
            }
            k->seen |= UINT64_C(1) << i;
            return MHD_YES;
        }
        d = str_distance(str(k->names[i]), str(key), 2);
        if (d < best) {
            best = d;
            near = k->names[i];
        }
    }
    k->bad = true;
    /* The name is not repeated: it may be anything, a person's number too. */
    if (near)
        (void)fault_set(k->f, 400, "unknown_parameter", "", "unknown query parameter; did you mean %s?",
                        near);
    else
        (void)fault_set(k->f, 400, "unknown_parameter", "", "unknown query parameter; see /openapi.json");
    return MHD_NO;
}

int request_query_known(struct request *rq, const char *const *names, struct fault *f)
{
    struct known k = {names, 0, f, false};

    if (!rq->inner)
        (void)MHD_get_connection_values(rq->conn, MHD_GET_ARGUMENT_KIND, request__each, &k);
    for (unsigned i = 0; i < rq->n_inner_args && !k.bad; i++)
        (void)request__each(&k, MHD_GET_ARGUMENT_KIND, rq->inner_args[i].key.p, rq->inner_args[i].val.p);
    return k.bad ? -1 : 0;
}

int request_limit(struct request *rq, unsigned otherwise, unsigned max, unsigned *out, struct fault *f)
{
    struct hilo_str v = request_query(rq, "limit");
    uint64_t n = 0;

    if (!v.p) {
        *out = otherwise;
        return 0;
    }
    if (!str_u64(v, &n) || n < 1 || n > max)
        return fault_set(f, 400, "invalid_parameter", "", "limit: a number from 1 to %u is expected", max);
    *out = (unsigned)n;
    return 0;
}

bool request_type_is(struct hilo_str content_type, const char *type)
{
    size_t n = strlen(type);

    if (content_type.n < n || strncasecmp(content_type.p, type, n) != 0)
        return false;
    return content_type.n == n || strchr("; \t", content_type.p[n]) != NULL;
}

struct heads {
    uint32_t seen;
    const char *wrong; /* NULL: nothing yet */
};
enum { HEAD_LENGTH = 1, HEAD_TRANSFER = 2 }; /* bits of the first two below */

/* tchar of RFC 9110, 5.6.2. */
static const bool token_char[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1};

static bool request__token(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!token_char[(unsigned char)p[i]])
            return false;
    return n > 0;
}

static enum MHD_Result request__head(void *arg, enum MHD_ValueKind kind, const char *key, size_t n_key,
                                     const char *value, size_t n_value)
{
    static const struct hilo_str once[] = {
        {"Content-Length", 14}, {"Transfer-Encoding", 17}, {"Content-Type", 12},    {"Host", 4},
        {"Authorization", 13},  {"If-Match", 8},           {"Idempotency-Key", 15}, {NULL, 0}};
    struct heads *h = arg;

    (void)kind;
    if (!request__token(key, n_key))
        h->wrong = "a header's name has a character that none may have";
    for (size_t i = 0; i < n_value && !h->wrong; i++)
        if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
            h->wrong = "a header has a control character";
    for (unsigned i = 0; once[i].p && !h->wrong; i++) {
        if (n_key != once[i].n || !str_eq_nocase(str_n(key, n_key), once[i]))
            continue;
        if (h->seen & (1u << i))
            h->wrong = "a header that may come once came twice";
        h->seen |= 1u << i;
        if (1u << i == HEAD_TRANSFER && !str_eq_nocase(str_n(value, n_value), STR("chunked")))
            h->wrong = "Transfer-Encoding may be chunked only";
    }
    return h->wrong ? MHD_NO : MHD_YES;
}

int request_head_check(struct request *rq, struct fault *f)
{
    struct heads h = {0, NULL};

    if (rq->inner)
        return inner_head_check(rq, f);
    (void)MHD_get_connection_values_n(rq->conn, MHD_HEADER_KIND, request__head, &h);
    if (!h.wrong && (h.seen & HEAD_LENGTH) && (h.seen & HEAD_TRANSFER))
        h.wrong = "Content-Length and Transfer-Encoding exclude one another";
    return h.wrong ? fault_set(f, 400, "malformed_request", "", "%s", h.wrong) : 0;
}

static int request__too_large(const struct request *rq, struct fault *f)
{
    return fault_set(f, 413, "too_large", "", "the body may have at most %llu bytes",
                     (unsigned long long)rq->body_max);
}

int request_body_begin(struct request *rq, struct fault *f)
{
    static const uint8_t no_body = BODY_NONE;
    switch (rq->route ? rq->route->body : no_body) {
    case BODY_HOOK:
        rq->body_max = (uint64_t)rq->api->opt.hook_max_bytes;
        break;
    case BODY_FILE:
        /* A multipart body has its frame around the file. */
        rq->body_max = (uint64_t)rq->api->gw->media_max_bytes + 65536;
        break;
    case BODY_BUTTON:
        rq->body_max = BUTTON_MAX;
        break;
    default:
        rq->body_max = (uint64_t)rq->api->opt.body_max_bytes;
        break;
    }
    return rq->length > rq->body_max ? request__too_large(rq, f) : 0;
}

bool request_answer_early(const struct request *rq)
{
    return rq->unframed || rq->length > BODY_DRAIN || rq->fault.status == 413 ||
           request_header(rq, "Expect").p;
}

bool request_body_add(struct request *rq, const char *p, size_t n)
{
    rq->body_bytes += n;
    if (rq->failed) {
        rq->drained += n;
        return rq->drained <= BODY_DRAIN;
    }
    if (rq->body_bytes > rq->body_max) {
        rq->failed = true;
        (void)request__too_large(rq, &rq->fault);
        upload_abort(rq);
        return true;
    }
    if (rq->route->body == BODY_FILE) {
        if (upload_add(rq, p, n, &rq->fault) != 0)
            rq->failed = true;
    } else if (rq->route->body != BODY_NONE && buf_add(&rq->body, p, n) != HILO_OK) {
        rq->failed = true;
        (void)fault_set(&rq->fault, 503, "no_memory", "", "out of memory; try again later");
        rq->fault.retry_after_s = 5;
    }
    return true;
}
