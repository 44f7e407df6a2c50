/*
 * Each thing asked is a block with its texts behind it, in a table by its token. What the link refused stands
 * in a list and is tried again when the host wakes us, and after 20 ms besides.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask.h"

#include <stdlib.h>
#include <unistd.h>

enum ask_kind { ASK_API, ASK_SUBMIT, ASK_GET, ASK_PUT, ASK_MEDIA, ASK_FILE, ASK_REMOVE, ASK_FILES };
enum { ASK_AGAIN_US = 20000, ASK_BUCKETS = 1024, ASK_TEXTS = 4 };
#define KIND(x) (UINT32_C(1) << ASK_##x)

struct ask {
    enum ask_kind kind;
    uint64_t token;
    union {
        email_api_fn *api;
        email_committed_fn *committed;
        email_context_fn *context;
        email_media_fn *media;
        email_file_fn *file;
        email_files_fn *files;
    } fn;
    void *arg;
    bool waits;
    uint32_t flags;
    uint64_t if_version;
    struct hilo_id media;
    struct hilo_str text[ASK_TEXTS]; /* by kind; point into bytes */
    LIST_ENTRY(ask) in_bucket;
    TAILQ_ENTRY(ask) at; /* of those that wait */
    char bytes[];
};

struct email_asks {
    uint64_t last;
    bool again; /* the timer is set */
    LIST_HEAD(, ask) bucket[ASK_BUCKETS];
    TAILQ_HEAD(, ask) waits;
};

/* ---- asking ------------------------------------------------------------------------------------- */

static int32_t ask_api(struct email *e, const struct ask *a)
{
    struct hilo_kv key = {.key = email_str("Idempotency-Key"), .val = a->text[3]};
    struct hilo_http h = {.size = sizeof h, .sink_fd = -1};

    h.method = a->text[0];
    h.url = a->text[1];
    h.body = a->text[2];
    h.header = &key;
    h.n_header = key.val.n > 0;
    return e->host.api(e->self, a->token, &h);
}

static int32_t ask_once(struct email *e, const struct ask *a)
{
    switch (a->kind) {
    case ASK_API:
        return ask_api(e, a);
    case ASK_SUBMIT:
        return e->host.submit(e->self, a->token, a->text[0]);
    case ASK_GET:
        return e->host.context_get(e->self, a->token, a->text[0], a->text[1]);
    case ASK_PUT:
        return e->host.context_put(e->self, a->token, a->text[0], a->text[1], a->text[2], a->if_version);
    case ASK_MEDIA:
        return e->host.media_get(e->self, a->token, a->media);
    case ASK_FILE:
        return e->host.file_open(e->self, a->token, a->text[0], a->flags);
    case ASK_REMOVE:
        return e->host.file_remove(e->self, a->token, a->text[0]);
    case ASK_FILES:
        return e->host.file_list(e->self, a->token);
    }
    return HILO_BUG;
}

static void ask_end(struct email *e, struct ask *a)
{
    if (a->waits)
        TAILQ_REMOVE(&e->asks->waits, a, at);
    LIST_REMOVE(a, in_bucket);
    free(a);
}

/* Its answer is that there is none. */
static void ask_tell(struct email *e, struct ask *a, int32_t code)
{
    struct ask copy = *a;

    ask_end(e, a);
    switch (copy.kind) {
    case ASK_API:
        copy.fn.api(copy.arg, code, 0, email_none());
        break;
    case ASK_SUBMIT:
        copy.fn.committed(copy.arg, code);
        break;
    case ASK_GET:
    case ASK_PUT:
        copy.fn.context(copy.arg, code, email_none(), 0);
        break;
    case ASK_MEDIA:
        copy.fn.media(copy.arg, code, -1, email_none(), email_none(), 0);
        break;
    case ASK_FILE:
    case ASK_REMOVE:
        copy.fn.file(copy.arg, code, -1, 0);
        break;
    case ASK_FILES:
        copy.fn.files(copy.arg, code, NULL, 0);
        break;
    }
}

static void ask_later(struct email *e, int64_t us)
{
    e->asks->again = true;
    if (e->host.timer(e->self, EMAIL_TIMER_ASK, email_now(e) + us) != HILO_OK)
        e->asks->again = false; /* it is asked when the host wakes us */
}

static void ask_again(struct email *e)
{
    struct ask *a;
    int32_t code;

    while ((a = TAILQ_FIRST(&e->asks->waits))) {
        code = ask_once(e, a);
        if (code == HILO_FULL) {
            ask_later(e, ASK_AGAIN_US);
            return;
        }
        TAILQ_REMOVE(&e->asks->waits, a, at);
        a->waits = false;
        if (code != HILO_OK) {
            email_log(e, HILO_LOG_ERROR, "email.ask kind=%d code=%d: the gateway does not take a request",
                      (int)a->kind, (int)code);
            ask_tell(e, a, code);
        }
    }
}

static struct ask *ask_new(struct email *e, enum ask_kind kind, const struct hilo_str *text, size_t n)
{
    size_t bytes = 0, i;
    struct ask *a;

    for (i = 0; i < n; i++)
        bytes += text[i].n;
    a = calloc(1, sizeof *a + bytes);
    if (!a)
        return NULL;
    a->kind = kind;
    a->token = ++e->asks->last;
    for (i = 0, bytes = 0; i < n; i++) {
        a->text[i].p = a->bytes + bytes;
        a->text[i].n = text[i].n;
        if (text[i].n)
            memcpy(a->bytes + bytes, text[i].p, text[i].n);
        bytes += text[i].n;
    }
    LIST_INSERT_HEAD(&e->asks->bucket[a->token % ASK_BUCKETS], a, in_bucket);
    return a;
}

static bool ask_put(struct email *e, struct ask *a, void *arg)
{
    int32_t code = HILO_FULL;

    a->arg = arg;
    if (TAILQ_EMPTY(&e->asks->waits))
        code = ask_once(e, a);
    if (code != HILO_OK) {
        /* What else is wrong is told from the list too, so never from within this call. */
        a->waits = true;
        TAILQ_INSERT_TAIL(&e->asks->waits, a, at);
        if (code != HILO_FULL || !e->asks->again)
            ask_later(e, code == HILO_FULL ? ASK_AGAIN_US : 1);
    }
    return true;
}

bool email_ask_api(struct email *e, const char *method, const char *path, const char *body, const char *key,
                   email_api_fn *fn, void *arg)
{
    const struct hilo_str text[] = {email_str(method), email_str(path), email_str(body), email_str(key)};
    struct ask *a = ask_new(e, ASK_API, text, 4);

    if (!a)
        return false;
    a->fn.api = fn;
    return ask_put(e, a, arg);
}

bool email_ask_submit(struct email *e, struct hilo_str message, email_committed_fn *fn, void *arg)
{
    struct ask *a = ask_new(e, ASK_SUBMIT, &message, 1);

    if (!a)
        return false;
    a->fn.committed = fn;
    return ask_put(e, a, arg);
}

bool email_ask_get(struct email *e, struct hilo_str subject, const char *key, email_context_fn *fn, void *arg)
{
    const struct hilo_str text[] = {subject, email_str(key)};
    struct ask *a = ask_new(e, ASK_GET, text, 2);

    if (!a)
        return false;
    a->fn.context = fn;
    return ask_put(e, a, arg);
}

bool email_ask_put(struct email *e, struct hilo_str subject, const char *key, struct hilo_str val,
                   uint64_t if_version, email_context_fn *fn, void *arg)
{
    const struct hilo_str text[] = {subject, email_str(key), val};
    struct ask *a = ask_new(e, ASK_PUT, text, 3);

    if (!a)
        return false;
    a->if_version = if_version;
    a->fn.context = fn;
    return ask_put(e, a, arg);
}

bool email_ask_media(struct email *e, struct hilo_id media, email_media_fn *fn, void *arg)
{
    struct ask *a = ask_new(e, ASK_MEDIA, NULL, 0);

    if (!a)
        return false;
    a->media = media;
    a->fn.media = fn;
    return ask_put(e, a, arg);
}

static bool ask_file(struct email *e, enum ask_kind kind, const char *name, uint32_t flags, email_file_fn *fn,
                     void *arg)
{
    const struct hilo_str text = email_str(name);
    struct ask *a = ask_new(e, kind, &text, 1);

    if (!a)
        return false;
    a->flags = flags;
    a->fn.file = fn;
    return ask_put(e, a, arg);
}

bool email_ask_file(struct email *e, const char *name, uint32_t flags, email_file_fn *fn, void *arg)
{
    return ask_file(e, ASK_FILE, name, flags, fn, arg);
}

bool email_ask_file_remove(struct email *e, const char *name, email_file_fn *fn, void *arg)
{
    return ask_file(e, ASK_REMOVE, name, 0, fn, arg);
}

bool email_ask_files(struct email *e, email_files_fn *fn, void *arg)
{
    struct ask *a = ask_new(e, ASK_FILES, NULL, 0);

    if (!a)
        return false;
    a->fn.files = fn;
    return ask_put(e, a, arg);
}

/* ---- answers ------------------------------------------------------------------------------------ */

static bool ask_take(struct email *e, uint64_t token, uint32_t kinds, struct ask *copy)
{
    struct ask *a;

    LIST_FOREACH(a, &e->asks->bucket[token % ASK_BUCKETS], in_bucket)
    if (a->token == token)
        break;
    if (!a || a->waits || !(kinds & (UINT32_C(1) << a->kind)))
        return false;
    memcpy(copy, a, sizeof *copy);
    ask_end(e, a);
    return true;
}

void email_asks_on_http(struct email *e, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct ask a;

    if (ask_take(e, token, KIND(API), &a))
        a.fn.api(a.arg, code, code == HILO_OK ? answer->status : 0,
                 code == HILO_OK ? answer->body : email_none());
}

void email_asks_on_committed(struct email *e, uint64_t token, int32_t code)
{
    struct ask a;

    if (ask_take(e, token, KIND(SUBMIT), &a))
        a.fn.committed(a.arg, code);
}

void email_asks_on_context(struct email *e, uint64_t token, int32_t code, struct hilo_str val,
                           uint64_t version)
{
    struct ask a;

    if (ask_take(e, token, KIND(GET) | KIND(PUT), &a))
        a.fn.context(a.arg, code, val, version);
}

void email_asks_on_media(struct email *e, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                         struct hilo_str filename, uint64_t size)
{
    struct ask a;

    if (ask_take(e, token, KIND(MEDIA), &a))
        a.fn.media(a.arg, code, fd, mime, filename, size);
    else if (fd >= 0)
        (void)close(fd);
}

void email_asks_on_file(struct email *e, uint64_t token, int32_t code, int32_t fd, uint64_t size)
{
    struct ask a;

    if (ask_take(e, token, KIND(FILE) | KIND(REMOVE), &a))
        a.fn.file(a.arg, code, fd, size);
    else if (fd >= 0)
        (void)close(fd);
}

void email_asks_on_files(struct email *e, uint64_t token, int32_t code, const struct hilo_str *names,
                         uint64_t n)
{
    struct ask a;

    if (ask_take(e, token, KIND(FILES), &a))
        a.fn.files(a.arg, code, names, n);
}

void email_asks_woken(struct email *e)
{
    if (!TAILQ_EMPTY(&e->asks->waits))
        ask_again(e);
}

bool email_asks_on_timer(struct email *e, uint32_t id)
{
    if (id != EMAIL_TIMER_ASK)
        return false;
    e->asks->again = false;
    ask_again(e);
    return true;
}

/* ---- life --------------------------------------------------------------------------------------- */

struct email_asks *email_asks_new(void)
{
    struct email_asks *all = calloc(1, sizeof *all);

    if (all)
        TAILQ_INIT(&all->waits);
    return all;
}

void email_asks_free(struct email *e)
{
    struct ask *a;
    size_t i;

    if (!e->asks)
        return;
    if (e->asks->again)
        (void)e->host.timer(e->self, EMAIL_TIMER_ASK, 0);
    for (i = 0; i < ASK_BUCKETS; i++) {
        while ((a = LIST_FIRST(&e->asks->bucket[i]))) {
            LIST_REMOVE(a, in_bucket);
            free(a);
        }
    }
    free(e->asks);
    e->asks = NULL;
}
