/*
 * Each thing asked is a block with its texts behind it, in a table by its token. What the link refused stands
 * in a list and is tried again when the host wakes us, and after 20 ms besides.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask.h"

#include "timer.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

enum ask_kind { ASK_API, ASK_HTTP, ASK_SUBMIT, ASK_GET, ASK_PUT, ASK_MEDIA, ASK_FILE, ASK_REMOVE, ASK_FILES };
enum { ASK_AGAIN_US = 20000, ASK_BUCKETS = 1024, ASK_TEXTS = 4 };

struct ask {
    enum ask_kind kind;
    uint64_t token;
    union {
        voice_api_fn *api;
        voice_http_fn *http;
        voice_committed_fn *committed;
        voice_context_fn *context;
        voice_media_fn *media;
        voice_file_fn *file;
        voice_files_fn *files;
    } fn; /* all NULL: forgotten */
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

struct voice_asks {
    uint64_t last;
    LIST_HEAD(, ask) bucket[ASK_BUCKETS];
    TAILQ_HEAD(, ask) waits;
    struct voice_timer again;
};

/* ---- asking ------------------------------------------------------------------------------------- */

static int32_t ask_api(struct voice *v, const struct ask *a)
{
    struct hilo_kv key = {.key = voice_str("Idempotency-Key"), .val = a->text[3]};
    struct hilo_http h = {.size = sizeof h, .sink_fd = -1};

    h.method = a->text[0];
    h.url = a->text[1];
    h.body = a->text[2];
    h.header = &key;
    h.n_header = key.val.n > 0;
    return v->host.api(v->self, a->token, &h);
}

static int32_t ask_once(struct voice *v, const struct ask *a)
{
    switch (a->kind) {
    case ASK_API:
        return ask_api(v, a);
    case ASK_HTTP:
        return HILO_BUG; /* never waits */
    case ASK_SUBMIT:
        return v->host.submit(v->self, a->token, a->text[0]);
    case ASK_GET:
        return v->host.context_get(v->self, a->token, a->text[0], a->text[1]);
    case ASK_PUT:
        return v->host.context_put(v->self, a->token, a->text[0], a->text[1], a->text[2], a->if_version);
    case ASK_MEDIA:
        return v->host.media_get(v->self, a->token, a->media);
    case ASK_FILE:
        return v->host.file_open(v->self, a->token, a->text[0], a->flags);
    case ASK_REMOVE:
        return v->host.file_remove(v->self, a->token, a->text[0]);
    case ASK_FILES:
        return v->host.file_list(v->self, a->token);
    }
    return HILO_BUG;
}

static void ask_end(struct voice *v, struct ask *a)
{
    if (a->waits)
        TAILQ_REMOVE(&v->asks->waits, a, at);
    LIST_REMOVE(a, in_bucket);
    free(a);
}

/* Its answer is that there is none. */
static void ask_tell(struct voice *v, struct ask *a, int32_t code)
{
    struct ask copy = *a;

    ask_end(v, a);
    if (!copy.fn.api)
        return;
    switch (copy.kind) {
    case ASK_API:
        copy.fn.api(copy.arg, code, 0, voice_none());
        break;
    case ASK_HTTP:
        copy.fn.http(copy.arg, code, NULL);
        break;
    case ASK_SUBMIT:
        copy.fn.committed(copy.arg, code);
        break;
    case ASK_GET:
    case ASK_PUT:
        copy.fn.context(copy.arg, code, voice_none(), 0);
        break;
    case ASK_MEDIA:
        copy.fn.media(copy.arg, code, -1, voice_none(), 0);
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

static void ask_again(void *arg)
{
    struct voice *v = arg;
    struct ask *a;
    int32_t code;

    while ((a = TAILQ_FIRST(&v->asks->waits))) {
        code = ask_once(v, a);
        if (code == HILO_FULL) {
            voice_timer_in(v, &v->asks->again, ASK_AGAIN_US, ask_again, v);
            return;
        }
        TAILQ_REMOVE(&v->asks->waits, a, at);
        a->waits = false;
        if (code != HILO_OK) {
            voice_log(v, HILO_LOG_ERROR, "voice.ask: the gateway does not take a request (%d)", (int)code);
            ask_tell(v, a, code);
        }
    }
}

static struct ask *ask_new(struct voice *v, enum ask_kind kind, const struct hilo_str *text, size_t n)
{
    size_t bytes = 0, i;
    struct ask *a;

    for (i = 0; i < n; i++)
        bytes += text[i].n;
    a = calloc(1, sizeof *a + bytes);
    if (!a)
        return NULL;
    a->kind = kind;
    a->token = ++v->asks->last;
    for (i = 0, bytes = 0; i < n; i++) {
        a->text[i].p = a->bytes + bytes;
        a->text[i].n = text[i].n;
        if (text[i].n)
            memcpy(a->bytes + bytes, text[i].p, text[i].n);
        bytes += text[i].n;
    }
    LIST_INSERT_HEAD(&v->asks->bucket[a->token % ASK_BUCKETS], a, in_bucket);
    return a;
}

static uint64_t ask_put(struct voice *v, struct ask *a, void *arg)
{
    int32_t code = HILO_FULL;

    a->arg = arg;
    if (TAILQ_EMPTY(&v->asks->waits))
        code = ask_once(v, a);
    if (code != HILO_OK) {
        /* What else is wrong is told from the list too, so never from within this call. */
        a->waits = true;
        TAILQ_INSERT_TAIL(&v->asks->waits, a, at);
        if (code != HILO_FULL || !voice_timer_armed(&v->asks->again))
            voice_timer_in(v, &v->asks->again, code == HILO_FULL ? ASK_AGAIN_US : 1, ask_again, v);
    }
    return a->token;
}

uint64_t voice_ask_api(struct voice *v, const char *method, struct hilo_str path, struct hilo_str body,
                       struct hilo_str key, voice_api_fn *fn, void *arg)
{
    const struct hilo_str text[] = {voice_str(method), path, body, key};
    struct ask *a = ask_new(v, ASK_API, text, 4);

    if (!a)
        return 0;
    a->fn.api = fn;
    return ask_put(v, a, arg);
}

uint64_t voice_ask_http(struct voice *v, const struct hilo_http *h, voice_http_fn *fn, void *arg)
{
    struct ask *a = ask_new(v, ASK_HTTP, NULL, 0);
    uint64_t i;

    if (a) {
        a->fn.http = fn;
        a->arg = arg;
        if (v->host.http(v->self, a->token, h) == HILO_OK)
            return a->token;
        ask_end(v, a);
    }
    /* Not taken: its descriptors are still ours, and were given away. */
    for (i = 0; i < h->n_part; i++)
        if (h->part[i].fd >= 0)
            (void)close((int)h->part[i].fd);
    if (h->sink_fd >= 0)
        (void)close((int)h->sink_fd);
    return 0;
}

uint64_t voice_ask_submit(struct voice *v, struct hilo_str message, voice_committed_fn *fn, void *arg)
{
    struct ask *a = ask_new(v, ASK_SUBMIT, &message, 1);

    if (!a)
        return 0;
    a->fn.committed = fn;
    return ask_put(v, a, arg);
}

uint64_t voice_ask_get(struct voice *v, struct hilo_str subject, struct hilo_str key, voice_context_fn *fn,
                       void *arg)
{
    const struct hilo_str text[] = {subject, key};
    struct ask *a = ask_new(v, ASK_GET, text, 2);

    if (!a)
        return 0;
    a->fn.context = fn;
    return ask_put(v, a, arg);
}

uint64_t voice_ask_put(struct voice *v, struct hilo_str subject, struct hilo_str key, struct hilo_str val,
                       uint64_t if_version, voice_context_fn *fn, void *arg)
{
    const struct hilo_str text[] = {subject, key, val};
    struct ask *a = ask_new(v, ASK_PUT, text, 3);

    if (!a)
        return 0;
    a->if_version = if_version;
    a->fn.context = fn;
    return ask_put(v, a, arg);
}

uint64_t voice_ask_media(struct voice *v, struct hilo_id media, voice_media_fn *fn, void *arg)
{
    struct ask *a = ask_new(v, ASK_MEDIA, NULL, 0);

    if (!a)
        return 0;
    a->media = media;
    a->fn.media = fn;
    return ask_put(v, a, arg);
}

uint64_t voice_ask_file(struct voice *v, struct hilo_str name, uint32_t flags, voice_file_fn *fn, void *arg)
{
    struct ask *a = ask_new(v, ASK_FILE, &name, 1);

    if (!a)
        return 0;
    a->flags = flags;
    a->fn.file = fn;
    return ask_put(v, a, arg);
}

uint64_t voice_ask_file_remove(struct voice *v, struct hilo_str name, voice_file_fn *fn, void *arg)
{
    struct ask *a = ask_new(v, ASK_REMOVE, &name, 1);

    if (!a)
        return 0;
    a->fn.file = fn;
    return ask_put(v, a, arg);
}

uint64_t voice_ask_files(struct voice *v, voice_files_fn *fn, void *arg)
{
    struct ask *a = ask_new(v, ASK_FILES, NULL, 0);

    if (!a)
        return 0;
    a->fn.files = fn;
    return ask_put(v, a, arg);
}

static struct ask *ask_find(const struct voice *v, uint64_t token)
{
    struct ask *a;

    LIST_FOREACH(a, &v->asks->bucket[token % ASK_BUCKETS], in_bucket)
    if (a->token == token)
        return a;
    return NULL;
}

void voice_ask_forget(struct voice *v, uint64_t token)
{
    struct ask *a = token ? ask_find(v, token) : NULL;

    if (a)
        memset(&a->fn, 0, sizeof a->fn);
}

/* ---- answers ------------------------------------------------------------------------------------ */

static bool ask_take(struct voice *v, uint64_t token, uint32_t kinds, struct ask *copy)
{
    struct ask *a = ask_find(v, token);

    if (!a || a->waits || !(kinds & (UINT32_C(1) << a->kind)))
        return false;
    memcpy(copy, a, sizeof *copy);
    ask_end(v, a);
    return true;
}

#define KIND(x) (UINT32_C(1) << ASK_##x)

void voice_asks_on_http(struct voice *v, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct ask a;

    if (!ask_take(v, token, KIND(API) | KIND(HTTP), &a) || !a.fn.api)
        return;
    if (a.kind == ASK_HTTP)
        a.fn.http(a.arg, code, answer);
    else
        a.fn.api(a.arg, code, code == HILO_OK ? answer->status : 0,
                 code == HILO_OK ? answer->body : voice_none());
}

void voice_asks_on_committed(struct voice *v, uint64_t token, int32_t code)
{
    struct ask a;

    if (ask_take(v, token, KIND(SUBMIT), &a) && a.fn.committed)
        a.fn.committed(a.arg, code);
}

void voice_asks_on_context(struct voice *v, uint64_t token, int32_t code, struct hilo_str val,
                           uint64_t version)
{
    struct ask a;

    if (ask_take(v, token, KIND(GET) | KIND(PUT), &a) && a.fn.context)
        a.fn.context(a.arg, code, val, version);
}

void voice_asks_on_media(struct voice *v, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                         uint64_t size)
{
    struct ask a;

    if (ask_take(v, token, KIND(MEDIA), &a) && a.fn.media)
        a.fn.media(a.arg, code, fd, mime, size);
    else if (fd >= 0)
        (void)close(fd);
}

void voice_asks_on_file(struct voice *v, uint64_t token, int32_t code, int32_t fd, uint64_t size)
{
    struct ask a;

    if (ask_take(v, token, KIND(FILE) | KIND(REMOVE), &a) && a.fn.file)
        a.fn.file(a.arg, code, fd, size);
    else if (fd >= 0)
        (void)close(fd);
}

void voice_asks_on_files(struct voice *v, uint64_t token, int32_t code, const struct hilo_str *names,
                         uint64_t n)
{
    struct ask a;

    if (ask_take(v, token, KIND(FILES), &a) && a.fn.files)
        a.fn.files(a.arg, code, names, n);
}

void voice_asks_woken(struct voice *v)
{
    if (!TAILQ_EMPTY(&v->asks->waits))
        ask_again(v);
}

/* ---- life --------------------------------------------------------------------------------------- */

struct voice_asks *voice_asks_new(void)
{
    struct voice_asks *all = calloc(1, sizeof *all);

    if (all)
        TAILQ_INIT(&all->waits);
    return all;
}

void voice_asks_free(struct voice *v)
{
    struct ask *a;
    size_t i;

    if (!v->asks)
        return;
    voice_timer_cancel(v, &v->asks->again);
    for (i = 0; i < ASK_BUCKETS; i++) {
        while ((a = LIST_FIRST(&v->asks->bucket[i]))) {
            LIST_REMOVE(a, in_bucket);
            free(a);
        }
    }
    free(v->asks);
    v->asks = NULL;
}
