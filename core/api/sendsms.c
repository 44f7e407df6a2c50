/*
 * /cgi-bin/sendsms: Kannel's HTTP interface, for applications that were written for it.
 * There are no problem documents here, no keys and no JSON: its own parameters (query, form,
 * or X-Kannel headers with the text as the body) and its own answers. It is there only if
 * the configuration names users (kannel:).
 */
#include "services/sendsms.h"
#include "api/http.h"
#include "api/idempotent.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <stddef.h>

/* Parameters by their place in struct sendsms_request. */
static const struct parameter {
    const char *name, *header, *old; /* old: deprecated by Kannel, and still sent */
    size_t offset;
} parameters[] = {
#define P(name, header, old, field)                                                                          \
    {                                                                                                        \
        name, header, old, offsetof(struct sendsms_request, field)                                           \
    }
    P("username", "X-Kannel-Username", "user", username),
    P("password", "X-Kannel-Password", "pass", password),
    P("from", "X-Kannel-From", NULL, from),
    P("to", "X-Kannel-To", NULL, to),
    P("text", NULL, NULL, text),
    P("charset", NULL, NULL, charset),
    P("smsc", "X-Kannel-SMSC", NULL, smsc),
    P("udh", "X-Kannel-UDH", NULL, udh),
    P("dlr-url", "X-Kannel-DLR-URL", "dlrurl", dlr_url),
    P("account", "X-Kannel-Account", NULL, account),
    P("binfo", "X-Kannel-BInfo", NULL, binfo),
    P("meta-data", "X-Kannel-Meta-Data", NULL, meta_data),
    P("mclass", "X-Kannel-MClass", NULL, mclass),
    P("mwi", "X-Kannel-MWI", NULL, mwi),
    P("coding", "X-Kannel-Coding", NULL, coding),
    P("compress", "X-Kannel-Compress", NULL, compress),
    P("validity", "X-Kannel-Validity", NULL, validity),
    P("deferred", "X-Kannel-Deferred", NULL, deferred),
    P("dlr-mask", "X-Kannel-DLR-Mask", "dlrmask", dlr_mask),
    P("pid", "X-Kannel-PID", NULL, pid),
    P("alt-dcs", "X-Kannel-Alt-DCS", NULL, alt_dcs),
    P("rpi", "X-Kannel-RPI", NULL, rpi),
    P("priority", "X-Kannel-Priority", NULL, priority),
#undef P
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters };

static struct hilo_str *at(struct sendsms_request *r, const struct parameter *p)
{
    return (struct hilo_str *)(void *)((char *)r + p->offset);
}

static void put(struct sendsms_request *r, struct hilo_str name, struct hilo_str value)
{
    for (size_t i = 0; i < PARAMETERS; i++)
        if ((str_eqz(name, parameters[i].name) || (parameters[i].old && str_eqz(name, parameters[i].old))) &&
            !at(r, &parameters[i])->p)
            *at(r, &parameters[i]) = value;
}

static enum MHD_Result each_argument(void *arg, enum MHD_ValueKind kind, const char *key, size_t n_key,
                                     const char *value, size_t n_value)
{
    (void)kind;
    put(arg, str_n(key, n_key), str_n(value ? value : "", value ? n_value : 0));
    return MHD_YES;
}

/* application/x-www-form-urlencoded, decoded in place. */
static struct hilo_str decoded(struct hilo_str s, char *to)
{
    size_t n = 0;

    for (uint64_t i = 0; i < s.n; i++) {
        uint8_t byte;
        if (s.p[i] == '%' && i + 2 < s.n && str_unhex(str_n(s.p + i + 1, 2), &byte, 1)) {
            to[n++] = (char)byte;
            i += 2;
        } else {
            to[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return str_n(to, n);
}

static void read_form(struct request *rq, struct sendsms_request *r)
{
    struct hilo_str left = buf_str(&rq->body), pair, name, value;

    while (left.n) {
        (void)str_cut(left, '&', &pair, &left);
        (void)str_cut(pair, '=', &name, &value);
        put(r, decoded(name, arena_alloc(rq->arena, (size_t)name.n + 1)),
            decoded(value, arena_alloc(rq->arena, (size_t)value.n + 1)));
    }
}

/* charset=… of a Content-Type. */
static struct hilo_str charset_of(struct hilo_str type)
{
    static const char name[] = "charset=";

    for (uint64_t i = 0; i + sizeof name <= type.n; i++) {
        if (!str_eq_nocase(str_n(type.p + i, sizeof name - 1), STR("charset=")))
            continue;
        struct hilo_str value = str_n(type.p + i + sizeof name - 1, (size_t)(type.n - i) - (sizeof name - 1));
        (void)str_cut(value, ';', &value, &type);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_n(value.p + 1, (size_t)value.n - 2);
        return value;
    }
    return (struct hilo_str){NULL, 0};
}

/* The text as the body, all else in X-Kannel headers. */
static void read_headers(struct request *rq, struct hilo_str type, struct sendsms_request *r)
{
    for (size_t i = 0; i < PARAMETERS; i++) {
        struct hilo_str value;
        if (!parameters[i].header || at(r, &parameters[i])->p)
            continue;
        value = request_header(rq, parameters[i].header);
        if (value.p)
            *at(r, &parameters[i]) = value;
    }
    r->text = buf_str(&rq->body);
    if (!r->text.p)
        r->text = STR("");
    if (!r->charset.p)
        r->charset = charset_of(type);
}

static struct hilo_str client_of(struct request *rq)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(rq->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";

    if (info && info->client_addr && info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)info->client_addr;
        (void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    } else if (info && info->client_addr && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)info->client_addr;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    }
    return arena_str(rq->arena, str(text));
}

static int answered(struct request *rq, uint32_t status, struct hilo_str text)
{
    rq->answer.status = status;
    rq->answer.type = STR("text/plain; charset=utf-8");
    rq->answer.body = text;
    return 0;
}

static int handle(struct request *rq, const struct sendsms_request *r)
{
    struct gateway *gw = rq->api->gw;
    const struct sendsms_user *user = sendsms_user(gw, r);
    struct sendsms_answer a;
    struct fault f;

    if (!user)
        return answered(rq, 403, STR("Authorization failed for sendsms"));
    if (write_begin(rq, &f) != 0)
        return answered(rq, 503, STR("Temporal failure, try again later."));
    (void)sendsms_accept(gw, user, &rq->actor.cause, r, rq->arena, &a);
    (void)write_end(rq, 0);
    return answered(rq, a.status, a.text);
}

int sendsms(struct request *rq, struct fault *f)
{
    const struct hilo_str type = request_header(rq, "Content-Type");
    struct sendsms_request r = {.client = client_of(rq)};

    if (!rq->api->gw->sendsms)
        return fault_set(f, 404, "no_such_route", "", "there is nothing at this path; see /openapi.json");
    (void)MHD_get_connection_values_n(rq->conn, MHD_GET_ARGUMENT_KIND, each_argument, &r);
    if (str_eqz(rq->method, "GET"))
        return handle(rq, &r);
    if (!str_eqz(rq->method, "POST")) { // HEAD sends nothing
        rq->answer.allow = STR("GET, POST");
        return fault_set(f, 405, "method_not_allowed", "", "this path takes GET and POST");
    }
    if (request_type_is(type, "application/x-www-form-urlencoded"))
        read_form(rq, &r);
    else if (!type.n || request_type_is(type, "text/plain"))
        read_headers(rq, type, &r);
    else
        return answered(rq, 400, STR("Invalid content-type"));
    return handle(rq, &r);
}
