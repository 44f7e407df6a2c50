/*
 * Operators' requests (README.md, "For operators"): paths, bodies, problems. What changes something goes to
 * identity_write.c; what only looks is answered here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "identity_impl.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ADMIN_DEPTH = 4,
    ADMIN_PARTS = 5 /* one more than any path has */,
    ADMIN_LIMIT = 200,
    ADMIN_LIMIT_MAX = 1000
};

struct admin {
    struct pos_identity *id;
    uint64_t request;
    struct hilo_str method, part[ADMIN_PARTS], query;
    unsigned n_part;
    char by[POS_BY_MAX];
    cJSON *body; /* an object; NULL: none was sent */
};

/* ---- answers
 * ------------------------------------------------------------------------------------------------ */

static void answer(struct pos_identity *id, uint64_t request, int status, const cJSON *body)
{
    static const char problem[] = "application/problem+json", json[] = "application/json";
    const char *type = status >= 400 ? problem : json;
    struct hilo_kv header = {{"Content-Type", 12}, {type, strlen(type)}};
    char *text = body ? cJSON_PrintUnformatted(body) : NULL;
    struct hilo_http h = {
        .size = sizeof h, .status = (uint32_t)(body && !text ? 503 : status), .sink_fd = -1};

    if (text) {
        h.body = pos_id_str(text);
        h.header = &header;
        h.n_header = 1;
    }
    if (id->host->http_answer(id->self, request, &h) != HILO_OK)
        pos_id_log(id, HILO_LOG_WARN,
                   "pos.admin note=\"an operator's request was not answered: the link is full\"");
    cJSON_free(text);
}

static void refuse(struct pos_identity *id, uint64_t request, int status, const char *code,
                   const char *pointer, const char *detail)
{
    cJSON *body = cJSON_CreateObject();

    if (body && cJSON_AddStringToObject(body, "type", "about:blank") &&
        cJSON_AddStringToObject(body, "title", code) && cJSON_AddNumberToObject(body, "status", status) &&
        cJSON_AddStringToObject(body, "code", code) && cJSON_AddStringToObject(body, "detail", detail) &&
        (!pointer || cJSON_AddStringToObject(body, "pointer", pointer)))
        answer(id, request, status, body);
    else
        answer(id, request, status, NULL);
    cJSON_Delete(body);
}

/* What a change came to. */
static void outcome(struct pos_identity *id, uint64_t request, struct pos_outcome *o)
{
    if (o->status >= 400)
        refuse(id, request, o->status, o->code, NULL, o->detail);
    else
        answer(id, request, o->status, o->body);
    cJSON_Delete(o->body);
}

static bool method_is(const struct admin *a, const char *method)
{
    return a->method.n == strlen(method) && memcmp(a->method.p, method, a->method.n) == 0;
}

static bool part_is(const struct admin *a, unsigned i, const char *text)
{
    return i < a->n_part && a->part[i].n == strlen(text) && memcmp(a->part[i].p, text, a->part[i].n) == 0;
}

static void no_method(const struct admin *a)
{
    refuse(a->id, a->request, 405, "method_not_allowed", NULL, "this path takes another method");
}

/* ---- what is asked
 * --------------------------------------------------------------------------------------------- */

/* A member of the query; empty: it is not there. Names need no escapes, so none are read. */
static struct hilo_str query_get(const struct admin *a, const char *name)
{
    struct hilo_str rest = a->query, none = {NULL, 0};
    size_t n = strlen(name);

    while (rest.n) {
        const char *amp = memchr(rest.p, '&', rest.n);
        struct hilo_str one = {rest.p, amp ? (uint64_t)(amp - rest.p) : rest.n};

        if (one.n > n && memcmp(one.p, name, n) == 0 && one.p[n] == '=')
            return (struct hilo_str){one.p + n + 1, one.n - n - 1};
        rest.p += one.n + (amp ? 1 : 0);
        rest.n -= one.n + (amp ? 1 : 0);
    }
    return none;
}

/* A name of the path or the body, checked; false: answered. */
static bool name_take(const struct admin *a, struct hilo_str s, const char *pointer,
                      char out[POS_NAME_MAX + 1])
{
    if (!pos_ca_terminal_name(s)) {
        refuse(a->id, a->request, pointer ? 422 : 404, pointer ? "invalid" : "not_found", pointer,
               pointer ? "a name has 1 to 32 of A-Z a-z 0-9 _ . -" : "there is no such terminal");
        return false;
    }
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

static bool member_name(const struct admin *a, const char *member, char out[POS_NAME_MAX + 1])
{
    const char *s = pos_json_text(a->body, member);
    char pointer[32];

    (void)snprintf(pointer, sizeof pointer, "/%s", member);
    return name_take(a, pos_id_str(s ? s : ""), pointer, out);
}

static bool member_role(const struct admin *a, enum pos_role otherwise, enum pos_role *out)
{
    const cJSON *member = pos_json_get(a->body, "role");
    const char *s = cJSON_GetStringValue(member);

    *out = member ? pos_role_of(pos_id_str(s ? s : "")) : otherwise;
    if (*out == POS_ROLE_NONE)
        refuse(a->id, a->request, 422, "invalid", "/role", "a role is clerk, cashier or kiosk");
    return *out != POS_ROLE_NONE;
}

/* Every member is one of these (NULL-ended); false: answered. */
static bool members_known(const struct admin *a, const char *const *names)
{
    const cJSON *m;
    size_t i;

    cJSON_ArrayForEach(m, a->body)
    {
        for (i = 0; names[i] && strcmp(names[i], m->string) != 0; i++)
            ;
        if (!names[i]) {
            refuse(a->id, a->request, 422, "unknown_member", NULL,
                   "the body has a member that is not known here");
            return false;
        }
    }
    return true;
}

/* ---- terminals
 * ----------------------------------------------------------------------------------------------------- */

struct listing {
    const struct admin *a;
    cJSON *array;
    char after[2 * POS_NAME_MAX + 2], last[2 * POS_NAME_MAX + 2];
    struct hilo_str state;
    unsigned limit, n;
    bool more, whole;
};

static cJSON *shape(struct pos_identity *id, const struct pos_terminal *t)
{
    cJSON *json = pos_terminal_shape(t, pos_id_now(id));

    if (json && id->hooks.describe)
        id->hooks.describe(id->arg, t->store, t->terminal, json);
    return json;
}

/* By store, then terminal, as they come. */
static bool listed_before(const struct pos_terminal *t, const char *after)
{
    const char *slash = strchr(after, '/');
    size_t n = slash ? (size_t)(slash - after) : strlen(after);
    int order = strncmp(t->store, after, n);

    if (order == 0 && strlen(t->store) > n)
        order = 1;
    return order < 0 || (order == 0 && slash && strcmp(t->terminal, slash + 1) <= 0);
}

static bool list_one(void *arg, struct pos_terminal *t)
{
    struct listing *l = arg;
    cJSON *json;
    const char *state;

    if (l->after[0] && listed_before(t, l->after))
        return true;
    json = shape(l->a->id, t);
    state = pos_json_text(json, "state");
    if (state && l->state.n && (strlen(state) != l->state.n || memcmp(state, l->state.p, l->state.n) != 0)) {
        cJSON_Delete(json);
        return true;
    }
    if (l->n == l->limit) {
        cJSON_Delete(json);
        l->more = true;
        return false;
    }
    l->whole = json && cJSON_AddItemToArray(l->array, json);
    (void)snprintf(l->last, sizeof l->last, "%s/%s", t->store, t->terminal);
    l->n++;
    return l->whole;
}

static void terminals_list(const struct admin *a)
{
    struct hilo_str store = query_get(a, "store"), limit = query_get(a, "limit"),
                    cursor = query_get(a, "cursor");
    struct listing l = {.a = a, .state = query_get(a, "state"), .limit = ADMIN_LIMIT, .whole = true};
    char name[POS_NAME_MAX + 1] = "";
    cJSON *body;
    uint64_t i;

    if (store.n && !name_take(a, store, "?store", name))
        return;
    for (i = 0, l.limit = limit.n ? 0 : ADMIN_LIMIT; i < limit.n && i < 5; i++)
        l.limit =
            limit.p[i] >= '0' && limit.p[i] <= '9' ? l.limit * 10 + (unsigned)(limit.p[i] - '0') : 100000;
    if (l.limit == 0 || l.limit > ADMIN_LIMIT_MAX || cursor.n >= sizeof l.after) {
        refuse(a->id, a->request, 422, "invalid", cursor.n >= sizeof l.after ? "?cursor" : "?limit",
               "limit is 1 to 1000, cursor what \"next\" said");
        return;
    }
    if (cursor.n)
        memcpy(l.after, cursor.p, cursor.n);
    body = cJSON_CreateObject();
    l.array = cJSON_AddArrayToObject(body, "terminals");
    if (l.array)
        pos_terminals_each(a->id->terminals, store.n ? name : NULL, list_one, &l);
    if (!l.array || !l.whole || (l.more && !cJSON_AddStringToObject(body, "next", l.last)))
        refuse(a->id, a->request, 503, "try_later", NULL, "no memory");
    else
        answer(a->id, a->request, 200, body);
    cJSON_Delete(body);
}

static void terminal_show(const struct admin *a, const char *store, const char *terminal)
{
    const struct pos_terminal *t = pos_terminals_find(a->id->terminals, store, terminal);
    cJSON *json = t ? shape(a->id, t) : NULL;

    if (json)
        answer(a->id, a->request, 200, json);
    else
        refuse(a->id, a->request, t ? 503 : 404, t ? "try_later" : "not_found", NULL,
               t ? "no memory" : "there is no such terminal");
    cJSON_Delete(json);
}

static void terminals(const struct admin *a)
{
    static const char *const role_members[] = {"role", NULL}, *const none[] = {NULL};
    char store[POS_NAME_MAX + 1], terminal[POS_NAME_MAX + 1];
    enum pos_role role = POS_ROLE_NONE;
    enum pos_change change;

    if (a->n_part == 1) {
        if (method_is(a, "GET"))
            terminals_list(a);
        else
            no_method(a);
        return;
    }
    if (a->n_part == 2) {
        refuse(a->id, a->request, 404, "not_found", NULL, "a terminal is /terminals/{store}/{terminal}");
        return;
    }
    if (!name_take(a, a->part[1], NULL, store) || !name_take(a, a->part[2], NULL, terminal))
        return;
    if (a->n_part == 3 && method_is(a, "GET")) {
        terminal_show(a, store, terminal);
        return;
    }
    if (a->n_part == 3 && method_is(a, "PATCH")) {
        change = POS_CHANGE_ROLE;
        if (!members_known(a, role_members) || !member_role(a, POS_ROLE_NONE, &role))
            return;
    } else if (a->n_part == 3 && method_is(a, "DELETE")) {
        change = POS_CHANGE_REMOVE;
    } else if (a->n_part > 4) {
        refuse(a->id, a->request, 404, "not_found", NULL, "there is nothing at this path");
        return;
    } else if (part_is(a, 3, "revoke") && method_is(a, "POST")) {
        change = POS_CHANGE_REVOKE;
    } else if (part_is(a, 3, "rotate") && method_is(a, "POST")) {
        change = POS_CHANGE_ROTATE;
    } else if (a->n_part == 3 || part_is(a, 3, "revoke") || part_is(a, 3, "rotate")) {
        no_method(a);
        return;
    } else {
        refuse(a->id, a->request, 404, "not_found", NULL, "there is nothing at this path");
        return;
    }
    if (change != POS_CHANGE_ROLE && !members_known(a, none))
        return;
    pos_id_change(a->id, change, store, terminal, role, a->by, a->request, outcome);
}

/* ---- codes
 * ------------------------------------------------------------------------------------------------------------
 */

static void enrollments_list(const struct admin *a)
{
    cJSON *body = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(body, "enrollments"), *one;
    struct pos_enrollments *e = &a->id->enrollments;
    bool whole = list != NULL;
    unsigned i;

    pos_enrollments_expire(e, pos_id_now(a->id));
    for (i = 0; i < e->n && whole; i++) {
        one = pos_enrollment_shape(&e->list[i]);
        whole = one && cJSON_AddItemToArray(list, one);
    }
    if (whole)
        answer(a->id, a->request, 200, body);
    else
        refuse(a->id, a->request, 503, "try_later", NULL, "no memory");
    cJSON_Delete(body);
}

static void enrollment_make(const struct admin *a)
{
    static const char *const members[] = {"store", "terminal", "role", "lifetime_s", NULL};
    const cJSON *seconds = pos_json_get(a->body, "lifetime_s");
    char store[POS_NAME_MAX + 1], terminal[POS_NAME_MAX + 1];
    int64_t lifetime = a->id->conf.code_lifetime_us;
    enum pos_role role;

    if (!members_known(a, members) || !member_name(a, "store", store) ||
        !member_name(a, "terminal", terminal) || !member_role(a, POS_ROLE_CLERK, &role))
        return;
    if (seconds) {
        int64_t s = 0;

        if (!pos_json_int(a->body, "lifetime_s", &s) || s < 60 || s > 7 * 86400) {
            refuse(a->id, a->request, 422, "invalid", "/lifetime_s",
                   "a code is good for 60 to 604800 seconds");
            return;
        }
        lifetime = s * 1000000;
    }
    pos_id_invite(a->id, store, terminal, role, lifetime, a->by, a->request, outcome);
}

static void enrollments(const struct admin *a)
{
    char name[POS_ENROLLMENT_ID];

    if (a->n_part == 1 && method_is(a, "GET")) {
        enrollments_list(a);
    } else if (a->n_part == 1 && method_is(a, "POST")) {
        enrollment_make(a);
    } else if (a->n_part == 2 && method_is(a, "DELETE")) {
        (void)snprintf(name, sizeof name, "%.*s",
                       (int)(a->part[1].n < sizeof name ? a->part[1].n : sizeof name - 1), a->part[1].p);
        pos_id_uninvite(a->id, name, a->by, a->request, outcome);
    } else if (a->n_part <= 2) {
        no_method(a);
    } else {
        refuse(a->id, a->request, 404, "not_found", NULL, "there is nothing at this path");
    }
}

/* ---- the authority
 * ------------------------------------------------------------------------------------------------------- */

static bool add_time(cJSON *to, const char *name, int64_t us)
{
    char text[POS_TEXT_TIME];

    pos_text_of_time(text, us);
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

static bool add_digest(cJSON *to, const char *name, X509 *x)
{
    uint8_t digest[POS_CA_KEY];
    char text[2 * POS_CA_KEY + 1];

    if (!pos_ca_key_of(x, digest))
        return false;
    pos_ca_hex(digest, POS_CA_KEY, text);
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

static void authority(const struct admin *a)
{
    struct pos_identity *id = a->id;
    char host[POS_CODE_HOST_MAX + 1] = "", *bundle;
    cJSON *body, *server;
    uint16_t port = 0;
    bool whole;

    if (a->n_part > 1) {
        refuse(id, a->request, 404, "not_found", NULL, "there is nothing at this path");
        return;
    }
    if (!method_is(a, "GET")) {
        no_method(a);
        return;
    }
    (void)pos_id_address(id, host, &port);
    bundle = pos_id_bundle(id);
    body = cJSON_CreateObject();
    server = cJSON_AddObjectToObject(body, "server");
    whole =
        server && bundle && cJSON_AddStringToObject(body, "kind", id->conf.ca_cert.n ? "operator" : "own") &&
        cJSON_AddStringToObject(body, "certificates", bundle) &&
        add_digest(body, "spki_sha256", id->ca.cert) && add_time(body, "expires", pos_ca_ends(id->ca.cert)) &&
        cJSON_AddStringToObject(server, "kind", id->own_server ? "own" : "operator") &&
        add_digest(server, "anchor_spki_sha256", pos_id_anchor(id)) &&
        add_time(server, "expires", pos_ca_ends(id->server.cert)) &&
        cJSON_AddStringToObject(server, "host", host) && cJSON_AddNumberToObject(server, "port", port) &&
        cJSON_AddNumberToObject(body, "terminals", pos_terminals_count(id->terminals));
    if (whole)
        answer(id, a->request, 200, body);
    else
        refuse(id, a->request, 503, "try_later", NULL, "no memory");
    free(bundle);
    cJSON_Delete(body);
}

/* ---- the way in
 * --------------------------------------------------------------------------------------------------------------
 */

/* "/a/b?c" in its parts; false: it is no path. */
static bool path_read(struct admin *a, struct hilo_str url)
{
    const char *mark = url.n ? memchr(url.p, '?', url.n) : NULL;

    if (mark) {
        a->query = (struct hilo_str){mark + 1, url.n - (uint64_t)(mark - url.p) - 1};
        url.n = (uint64_t)(mark - url.p);
    }
    while (url.n > 0 && url.p[0] == '/') {
        const char *slash;

        url.p++;
        url.n--;
        slash = url.n ? memchr(url.p, '/', url.n) : NULL;
        if (a->n_part == ADMIN_PARTS)
            break;
        a->part[a->n_part] = (struct hilo_str){url.p, slash ? (uint64_t)(slash - url.p) : url.n};
        url.p += a->part[a->n_part].n;
        url.n -= a->part[a->n_part].n;
        a->n_part++;
    }
    return a->n_part > 0;
}

/* Who asks, as the core says; for the log and the registry. */
static void by_read(struct admin *a, const struct hilo_http *h)
{
    static const char name[] = "hilo-actor";
    uint64_t i, k;

    (void)snprintf(a->by, sizeof a->by, "operator");
    for (i = 0; i < h->n_header; i++) {
        struct hilo_str key = h->header[i].key, val = h->header[i].val;

        if (key.n != sizeof name - 1)
            continue;
        for (k = 0; k < key.n && (key.p[k] | 0x20) == (name[k] | 0x20); k++)
            ;
        if (k < key.n || val.n == 0 || val.n >= sizeof a->by)
            continue;
        for (k = 0; k < val.n && val.p[k] > 0x20 && val.p[k] < 0x7f && val.p[k] != '"' && val.p[k] != '=';
             k++)
            ;
        if (k == val.n) {
            memcpy(a->by, val.p, val.n);
            a->by[val.n] = '\0';
        }
    }
}

bool pos_identity_request(struct pos_identity *id, uint64_t request, const struct hilo_http *h)
{
    struct admin a = {.id = id, .request = request, .method = h->method};
    const char *reason = "";

    if (!path_read(&a, h->url) ||
        (!part_is(&a, 0, "terminals") && !part_is(&a, 0, "enrollments") && !part_is(&a, 0, "ca")))
        return false;
    if (!id->ready) {
        refuse(id, request, 503, "try_later", NULL, "the channel is not ready yet; see its state");
        return true;
    }
    by_read(&a, h);
    if (h->body.n) {
        a.body = pos_json_parse(h->body, ADMIN_DEPTH, &reason);
        if (!a.body || !cJSON_IsObject(a.body)) {
            refuse(id, request, 400, "malformed", NULL, "the body is no JSON object");
            cJSON_Delete(a.body);
            return true;
        }
    }
    if (part_is(&a, 0, "terminals"))
        terminals(&a);
    else if (part_is(&a, 0, "enrollments"))
        enrollments(&a);
    else
        authority(&a);
    cJSON_Delete(a.body);
    return true;
}
