/*
 * One place for each thing that is asked; its slot's key is the token. What the link refused
 * waits in a list and is tried again when the host wakes us, and each 20 ms besides.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

enum ask_kind { ASK_API, ASK_GET, ASK_PUT, ASK_SUBMIT, ASK_MEDIA };
enum { ASK_AGAIN_US = 20000 };

struct ask {
    enum ask_kind kind;
    uint64_t token;
    union {
        pos_api_fn *api;
        pos_context_fn *context;
        pos_committed_fn *committed;
        pos_media_fn *media;
    } fn; /* all NULL: forgotten */
    void *arg;
    bool waits;
    TAILQ_ENTRY(ask) at; /* of those that wait */
    const char *method;
    struct hilo_str text[4]; /* by kind; point into bytes */
    uint64_t if_version;
    struct hilo_id media;
    char bytes[];
};
TAILQ_HEAD(ask_list, ask);

struct pos_asks {
    struct ask_list waits;
    struct pos_timer again;
};

/* ---- asking ------------------------------------------------------------------------------------- */

static int32_t ask_api(struct pos *pos, const struct ask *a)
{
    struct hilo_kv header[2];
    struct hilo_http h = {.size = sizeof h, .sink_fd = -1};

    h.method = pos_str(a->method);
    h.url = a->text[0];
    h.body = a->text[1];
    h.header = header;
    if (a->text[2].n) {
        header[h.n_header].key = pos_str("Idempotency-Key");
        header[h.n_header++].val = a->text[2];
    }
    if (a->text[3].n) {
        header[h.n_header].key = pos_str("If-Match");
        header[h.n_header++].val = a->text[3];
    }
    return pos->host.api(pos->self, a->token, &h);
}

static int32_t ask_once(struct pos *pos, const struct ask *a)
{
    switch (a->kind) {
    case ASK_API:
        return ask_api(pos, a);
    case ASK_GET:
        return pos->host.context_get(pos->self, a->token, pos_none(), a->text[0]);
    case ASK_PUT:
        return pos->host.context_put(pos->self, a->token, pos_none(), a->text[0], a->text[1], a->if_version);
    case ASK_SUBMIT:
        return pos->host.submit(pos->self, a->token, a->text[0]);
    case ASK_MEDIA:
        return pos->host.media_get(pos->self, a->token, a->media);
    }
    return HILO_BUG;
}

/* Off the tables, with its answer to nobody but the caller. */
static void ask_end(struct pos *pos, struct ask *a)
{
    if (a->waits)
        TAILQ_REMOVE(&pos->asks->waits, a, at);
    (void)pos_slots_take(&pos->asked, a->token);
    free(a);
}

static void ask_tell(struct pos *pos, struct ask *a, int32_t code)
{
    struct ask copy = *a;

    ask_end(pos, a);
    if (copy.kind == ASK_API && copy.fn.api)
        copy.fn.api(copy.arg, code, 0, pos_none(), NULL);
    else if ((copy.kind == ASK_GET || copy.kind == ASK_PUT) && copy.fn.context)
        copy.fn.context(copy.arg, code, pos_none(), 0);
    else if (copy.kind == ASK_SUBMIT && copy.fn.committed)
        copy.fn.committed(copy.arg, code);
    else if (copy.kind == ASK_MEDIA && copy.fn.media)
        copy.fn.media(copy.arg, code, -1, pos_none(), pos_none(), 0);
}

/* Those that wait, in their order, until the link is full again. Never from within a call that asks. */
static void ask_again(void *arg)
{
    struct pos *pos = arg;
    struct ask *a;
    int32_t code;

    while ((a = TAILQ_FIRST(&pos->asks->waits))) {
        code = ask_once(pos, a);
        if (code == HILO_FULL) {
            (void)pos_timer_at(&pos->react, &pos->asks->again, pos_now(pos) + ASK_AGAIN_US);
            return;
        }
        TAILQ_REMOVE(&pos->asks->waits, a, at);
        a->waits = false;
        if (code != HILO_OK) {
            pos_log(pos, HILO_LOG_ERROR, "the gateway does not take a request (%d)", (int)code);
            ask_tell(pos, a, code);
        }
    }
}

static uint64_t ask_put(struct pos *pos, struct ask *a, void *arg)
{
    int32_t code = HILO_FULL;

    a->arg = arg;
    a->token = pos_slots_put(&pos->asked, a);
    if (a->token == 0) {
        free(a);
        return 0;
    }
    if (TAILQ_EMPTY(&pos->asks->waits))
        code = ask_once(pos, a);
    if (code != HILO_OK) {
        /* What else is wrong is told from the list too, so never from within this call. */
        a->waits = true;
        TAILQ_INSERT_TAIL(&pos->asks->waits, a, at);
        (void)pos_timer_by(&pos->react, &pos->asks->again,
                           pos_now(pos) + (code == HILO_FULL ? ASK_AGAIN_US : 1));
    }
    return a->token;
}

/* With copies of the texts in its own block. NULL: no memory. */
static struct ask *ask_new(enum ask_kind kind, const struct hilo_str *text, size_t n)
{
    size_t bytes = 0, i;
    struct ask *a;

    for (i = 0; i < n; i++)
        bytes += text[i].n;
    a = calloc(1, sizeof *a + bytes);
    if (!a)
        return NULL;
    a->kind = kind;
    bytes = 0;
    for (i = 0; i < n; i++) {
        a->text[i].p = a->bytes + bytes;
        a->text[i].n = text[i].n;
        if (text[i].n)
            memcpy(a->bytes + bytes, text[i].p, text[i].n);
        bytes += text[i].n;
    }
    return a;
}

uint64_t pos_ask_api(struct pos *pos, const struct pos_api *api, pos_api_fn *fn, void *arg)
{
    const struct hilo_str text[] = {api->path, api->body, api->key, api->match};
    struct ask *a = ask_new(ASK_API, text, 4);

    if (!a)
        return 0;
    a->method = api->method;
    a->fn.api = fn;
    return ask_put(pos, a, arg);
}

uint64_t pos_ask_get(struct pos *pos, struct hilo_str key, pos_context_fn *fn, void *arg)
{
    struct ask *a = ask_new(ASK_GET, &key, 1);

    if (!a)
        return 0;
    a->fn.context = fn;
    return ask_put(pos, a, arg);
}

uint64_t pos_ask_put(struct pos *pos, struct hilo_str key, struct hilo_str val, uint64_t if_version,
                     pos_context_fn *fn, void *arg)
{
    const struct hilo_str text[] = {key, val};
    struct ask *a = ask_new(ASK_PUT, text, 2);

    if (!a)
        return 0;
    a->if_version = if_version;
    a->fn.context = fn;
    return ask_put(pos, a, arg);
}

uint64_t pos_ask_submit(struct pos *pos, struct hilo_str message, pos_committed_fn *fn, void *arg)
{
    struct ask *a = ask_new(ASK_SUBMIT, &message, 1);

    if (!a)
        return 0;
    a->fn.committed = fn;
    return ask_put(pos, a, arg);
}

uint64_t pos_ask_media(struct pos *pos, struct hilo_id media, pos_media_fn *fn, void *arg)
{
    struct ask *a = ask_new(ASK_MEDIA, NULL, 0);

    if (!a)
        return 0;
    a->media = media;
    a->fn.media = fn;
    return ask_put(pos, a, arg);
}

void pos_ask_forget(struct pos *pos, uint64_t token)
{
    struct ask *a = token ? pos_slots_get(&pos->asked, token) : NULL;

    if (a)
        memset(&a->fn, 0, sizeof a->fn);
}

/* ---- answers --------------------------------------------------------------------------------------- */

static struct ask *ask_answered(struct pos *pos, uint64_t token, enum ask_kind kind, enum ask_kind or_kind)
{
    struct ask *a = pos_slots_get(&pos->asked, token);

    return a && !a->waits && (a->kind == kind || a->kind == or_kind) ? a : NULL;
}

void pos_ask_on_http(struct pos *pos, uint64_t token, int32_t code, const struct hilo_http *answer)
{
    struct ask *a = ask_answered(pos, token, ASK_API, ASK_API);
    struct ask copy;

    if (!a)
        return;
    copy = *a;
    ask_end(pos, a);
    if (copy.fn.api)
        copy.fn.api(copy.arg, code, code == HILO_OK ? answer->status : 0,
                    code == HILO_OK ? answer->body : pos_none(), answer);
}

void pos_ask_on_context(struct pos *pos, uint64_t token, int32_t code, struct hilo_str val, uint64_t version)
{
    struct ask *a = ask_answered(pos, token, ASK_GET, ASK_PUT);
    struct ask copy;

    if (!a)
        return;
    copy = *a;
    ask_end(pos, a);
    if (copy.fn.context)
        copy.fn.context(copy.arg, code, val, version);
}

void pos_ask_committed(struct pos *pos, uint64_t token, int32_t code)
{
    struct ask *a = ask_answered(pos, token, ASK_SUBMIT, ASK_SUBMIT);

    if (a)
        ask_tell(pos, a, code);
}

void pos_ask_on_media(struct pos *pos, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                      struct hilo_str filename, uint64_t size)
{
    struct ask *a = ask_answered(pos, token, ASK_MEDIA, ASK_MEDIA);
    struct ask copy;

    if (!a || !a->fn.media) {
        if (fd >= 0)
            (void)close(fd);
        if (a)
            ask_end(pos, a);
        return;
    }
    copy = *a;
    ask_end(pos, a);
    copy.fn.media(copy.arg, code, fd, mime, filename, size);
}

void pos_ask_woken(struct pos *pos)
{
    ask_again(pos);
}

/* ---- life -------------------------------------------------------------------------------------------- */

bool pos_ask_init(struct pos *pos)
{
    pos->asks = calloc(1, sizeof *pos->asks);
    if (!pos->asks)
        return false;
    TAILQ_INIT(&pos->asks->waits);
    pos_timer_init(&pos->asks->again, ask_again, pos);
    return true;
}

void pos_ask_done(struct pos *pos)
{
    uint32_t i;

    if (!pos->asks)
        return;
    pos_timer_cancel(&pos->react, &pos->asks->again);
    for (i = 0; i < pos->asked.n; i++)
        free(pos->asked.v[i].p);
    pos_slots_done(&pos->asked);
    free(pos->asks);
    pos->asks = NULL;
}
