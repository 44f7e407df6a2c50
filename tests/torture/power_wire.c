/*
 * What the gateway told whom, read from its sockets: HTTP/1.1 with Content-Length. The first
 * to speak on a connection is the client. A fact counts from the record of the first byte that
 * told it.
 */
#include "power.h"
#include <cjson/cJSON.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uthash.h>
#include <cmocka.h>

struct bytes {
    uint8_t *p;
    size_t n;
    uint32_t at; /* the record of the first of them */
};

struct message { /* of HTTP, a whole one at the start of some bytes */
    char *head;
    const uint8_t *body;
    size_t n_body, n;
    int status; /* of an answer */
};

struct stream {
    UT_hash_handle hh;
    uint64_t fd;
    enum { SILENT, SERVES, ASKS } role;
    struct bytes in, out;
    char asked[192]; /* ASKS: the id in what was asked last */
};

struct wire {
    struct power_facts *facts;
    struct stream *streams;
};

/* ---- HTTP ---- */

static size_t header_number(const char *head, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
            return strtoull(line + 3 + n, NULL, 10);
    return 0;
}

static bool whole(const struct bytes *b, struct message *out)
{
    const uint8_t *end = b->n ? memmem(b->p, b->n, "\r\n\r\n", 4) : NULL;

    if (!end)
        return false;
    *out = (struct message){.head = strndup((const char *)b->p, (size_t)(end + 2 - b->p)), .body = end + 4};
    assert_non_null(out->head);
    out->n_body = header_number(out->head, "Content-Length");
    out->n = (size_t)(end + 4 - b->p) + out->n_body;
    if (strncmp(out->head, "HTTP/", 5) == 0)
        out->status = atoi(out->head + 9);
    if (out->n <= b->n)
        return true;
    free(out->head);
    return false;
}

static void add(struct bytes *b, const struct power_rec *r, uint32_t at)
{
    if (b->n == 0)
        b->at = at;
    b->p = realloc(b->p, b->n + r->n_data + 1);
    assert_non_null(b->p);
    memcpy(b->p + b->n, power_data(r), r->n_data);
    b->n += r->n_data;
}

static void drop(struct bytes *b, size_t n)
{
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

/* ---- facts ---- */

static struct power_fact *fact_new(struct wire *w, enum power_fact_kind kind, uint32_t at, const char *id)
{
    struct power_facts *f = w->facts;

    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 256;
        f->fact = realloc(f->fact, f->cap * sizeof *f->fact);
        assert_non_null(f->fact);
    }
    f->fact[f->n] = (struct power_fact){.kind = kind, .at = at};
    (void)snprintf(f->fact[f->n].id, sizeof f->fact[f->n].id, "%s", id ? id : "");
    return &f->fact[f->n++];
}

static const char *str_in(const cJSON *j, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(j, name));
}

static void keep_request(struct power_fact *f, const struct message *m)
{
    char *rest;

    f->head = strdup(m->head);
    char *line = strndup(m->head, strcspn(m->head, "\r"));
    f->body = malloc(m->n_body + 1);
    assert_true(f->head && line && f->body);
    f->method = strdup(strtok_r(line, " ", &rest));
    f->path = strdup(strtok_r(NULL, " ", &rest));
    memcpy(f->body, m->body, m->n_body);
    f->n_body = m->n_body;
    free(line);
}

/* The words of a message: of its content, in a request to us. */
static char *words_of(const uint8_t *body, size_t n)
{
    cJSON *j = cJSON_ParseWithLength((const char *)body, n);
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(j, "content");
    const char *text = str_in(content, "text");
    char *copy = NULL;

    if (!text)
        text = str_in(content, "caption");
    if (!text) /* a template's only parameter */
        text = cJSON_GetStringValue(cJSON_GetArrayItem(
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(content, "parameters"), "body"),
            0));
    if (text)
        copy = strdup(text);
    cJSON_Delete(j);
    return copy;
}

static void received_one(struct wire *w, const cJSON *m, uint32_t at)
{
    static const char *const kinds[] = {"image", "video", "audio", "document"};
    const char *text = str_in(cJSON_GetObjectItemCaseSensitive(m, "text"), "body");
    struct power_fact *f = fact_new(w, FACT_RECEIVED, at, str_in(m, "id"));

    for (unsigned i = 0; !text && i < 4; i++)
        text = str_in(cJSON_GetObjectItemCaseSensitive(m, kinds[i]), "caption");
    f->text = strdup(text ? text : "");
    assert_non_null(f->text);
}

static void webhook(struct wire *w, const struct message *request, uint32_t at)
{
    cJSON *j = cJSON_ParseWithLength((const char *)request->body, request->n_body);
    const cJSON *entry, *change, *x;
    unsigned first = w->facts->n;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(j, "entry"))
        cJSON_ArrayForEach(change, cJSON_GetObjectItemCaseSensitive(entry, "changes"))
    {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(change, "value");
        cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(value, "messages")) received_one(w, x, at);
        cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(value, "statuses"))
        {
            const char *id = str_in(x, "biz_opaque_callback_data");
            if (!id)
                continue;
            struct power_fact *f = fact_new(w, FACT_RECEIPT, at, id);
            f->text = strdup(str_in(x, "status") ? str_in(x, "status") : "");
            assert_non_null(f->text);
        }
    }
    cJSON_Delete(j);
    if (w->facts->n > first)
        keep_request(&w->facts->fact[first], request);
}

/* We answered this request so. */
static void answered(struct wire *w, const struct message *request, uint32_t request_at,
                     const struct message *answer, uint32_t at)
{
    static const struct {
        const char *start;
        int status;
        enum power_fact_kind kind;
    } known[] = {{"POST /v1/messages ", 202, FACT_ACCEPTED},
                 {"POST /v1/media ", 201, FACT_UPLOADED},
                 {"POST /v1/customers ", 201, FACT_CUSTOMER},
                 {"POST /v1/cases ", 201, FACT_CASE},
                 {"POST /v1/keys ", 201, FACT_KEY},
                 {"PATCH /v1/customers/", 200, FACT_CHANGED},
                 {"POST /v1/backups ", 202, FACT_BACKING},
                 {"GET /v1/backups/bak_", 200, FACT_BACKED_UP},
                 {"DELETE /v1/messages/msg_", 0, FACT_CANCELED}};
    cJSON *j = cJSON_ParseWithLength((const char *)answer->body, answer->n_body);

    if (strncmp(request->head, "POST /hooks/", 12) == 0 && answer->status == 200)
        webhook(w, request, at);
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        bool good = known[i].status ? answer->status == known[i].status : answer->status / 100 == 2;
        if (!good || strncmp(request->head, known[i].start, strlen(known[i].start)) != 0)
            continue;
        if (known[i].kind == FACT_BACKED_UP &&
            strcmp(str_in(j, "state") ? str_in(j, "state") : "", "done") != 0)
            continue; /* it runs */
        struct power_fact *f = fact_new(w, known[i].kind, at, str_in(j, "id"));
        if (f->kind == FACT_BACKING) {
            f->text = strdup(str_in(j, "directory") ? str_in(j, "directory") : "");
            f->number = request_at;
        }
        if (f->kind == FACT_CANCELED)
            (void)snprintf(f->id, sizeof f->id, "%.*s", (int)strcspn(request->head + 20, " ?"),
                           request->head + 20);
        if (f->kind == FACT_CHANGED)
            f->number = (uint64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(
                cJSON_GetObjectItemCaseSensitive(j, "attributes"), "number"));
        if (f->kind == FACT_ACCEPTED)
            f->text = words_of(request->body, request->n_body);
        keep_request(f, request);
        if (f->kind == FACT_ACCEPTED || f->kind == FACT_UPLOADED)
            f->answer = strndup((const char *)answer->body, answer->n_body);
    }
    cJSON_Delete(j);
}

static void serve(struct wire *w, struct stream *s)
{
    struct message request, answer;

    while (whole(&s->out, &answer)) {
        if (answer.status >= 200 && whole(&s->in, &request)) {
            answered(w, &request, s->in.at, &answer, s->out.at);
            drop(&s->in, request.n);
            free(request.head);
        }
        drop(&s->out, answer.n);
        free(answer.head);
    }
}

static void ask(struct wire *w, struct stream *s)
{
    struct message m;

    while (whole(&s->out, &m)) {
        cJSON *j = cJSON_ParseWithLength((const char *)m.body, m.n_body);
        const char *id = str_in(j, "biz_opaque_callback_data");
        (void)snprintf(s->asked, sizeof s->asked, "%s", id ? id : "");
        if (id)
            (void)fact_new(w, FACT_LEFT, s->out.at, id);
        cJSON_Delete(j);
        drop(&s->out, m.n);
        free(m.head);
    }
    while (whole(&s->in, &m)) {
        if (m.status >= 200 && s->asked[0]) {
            (void)fact_new(w, FACT_ANSWERED, s->in.at, s->asked);
            s->asked[0] = '\0';
        }
        drop(&s->in, m.n);
        free(m.head);
    }
}

/* ---- streams ---- */

static void stream_end(struct wire *w, struct stream *s)
{
    HASH_DEL(w->streams, s);
    free(s->in.p);
    free(s->out.p);
    free(s);
}

static struct stream *stream_of(struct wire *w, uint64_t fd)
{
    struct stream *s;

    HASH_FIND(hh, w->streams, &fd, sizeof fd, s);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->fd = fd;
    HASH_ADD(hh, w->streams, fd, sizeof s->fd, s);
    return s;
}

static void on_bytes(struct wire *w, const struct power_rec *r, uint32_t at)
{
    struct stream *s = stream_of(w, r->ino);

    if (s->role == SILENT)
        s->role = r->kind == POWER_RECEIVE ? SERVES : ASKS;
    add(r->kind == POWER_RECEIVE ? &s->in : &s->out, r, at);
    if (s->role == SERVES)
        serve(w, s);
    else
        ask(w, s);
}

void power_facts_read(struct power_facts *f, const struct power_log *l)
{
    struct wire w = {.facts = f};
    struct stream *s, *next;

    *f = (struct power_facts){0};
    for (uint32_t i = 0; i < l->n; i++) {
        const struct power_rec *r = l->rec[i];
        if (r->kind == POWER_START) { /* its predecessor's are gone */
            HASH_ITER(hh, w.streams, s, next) stream_end(&w, s);
        } else if (r->kind == POWER_SEND || r->kind == POWER_RECEIVE) {
            on_bytes(&w, r, i);
        } else if (r->kind == POWER_CLOSE) {
            HASH_FIND(hh, w.streams, &r->ino, sizeof r->ino, s);
            if (s)
                stream_end(&w, s);
        }
    }
    HASH_ITER(hh, w.streams, s, next) stream_end(&w, s);
}

static char *copied(const char *s)
{
    char *copy = s ? strdup(s) : NULL;

    assert_true(!s || copy);
    return copy;
}

void power_facts_go_on(struct power_facts *f, const struct power_facts *before, uint32_t cut)
{
    struct power_facts own = *f;
    struct wire w = {.facts = f};

    *f = (struct power_facts){0};
    for (unsigned i = 0; i < before->n; i++) {
        const struct power_fact *b = &before->fact[i];
        if (b->at >= cut)
            continue;
        struct power_fact *x = fact_new(&w, b->kind, 0, b->id);
        x->number = b->number;
        x->text = copied(b->text);
        x->method = copied(b->method);
        x->path = copied(b->path);
        x->head = copied(b->head);
        x->answer = copied(b->answer);
        x->n_body = b->n_body;
        x->body = b->body ? malloc(b->n_body + 1) : NULL;
        assert_true(!b->body || x->body);
        if (b->body)
            memcpy(x->body, b->body, b->n_body);
    }
    for (unsigned i = 0; i < own.n; i++)
        *fact_new(&w, own.fact[i].kind, 0, "") = own.fact[i];
    free(own.fact);
}

void power_facts_free(struct power_facts *f)
{
    for (unsigned i = 0; i < f->n; i++) {
        struct power_fact *x = &f->fact[i];
        free(x->text);
        free(x->method);
        free(x->path);
        free(x->head);
        free(x->body);
        free(x->answer);
    }
    free(f->fact);
    *f = (struct power_facts){0};
}
