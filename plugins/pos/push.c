/*
 * A terminal's queue is one value, written whole: it is small and seldom. Of several changes while one is
 * being written, one more write takes all. What is answered is written with the next change, or after a
 * second: after a crash in between the terminal sees it again and knows its id.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "push.h"

#include "channel.h"
#include "json.h"
#include "queue.h"
#include "session.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { LAZY_US = 1000000, AGAIN_US = 1000000 };

/* Who waits until the queue was read, or until the write with this number is on disk. */
struct push_waiter {
    pos_push_fn *fn;
    void *arg;
    uint64_t turn;
    STAILQ_ENTRY(push_waiter) at;
};
STAILQ_HEAD(push_waiters, push_waiter);

struct pos_queue {
    struct pos *pos;
    struct pos_till *till;
    bool loaded, dirty;
    uint64_t token;         /* of the get or put that is under way */
    uint64_t turn, writing; /* numbers of the next write, and of the one under way or last */
    struct push_waiters reads, writes;
    struct pos_entries entries;
    struct pos_wheel_entry later;
};

static void queue_write(struct pos_queue *);

/* ---- waiting --------------------------------------------------------------------------------------------
 */

static bool wait_for(struct push_waiters *list, uint64_t turn, pos_push_fn *fn, void *arg)
{
    struct push_waiter *w = calloc(1, sizeof *w);

    if (!w)
        return false;
    w->fn = fn;
    w->arg = arg;
    w->turn = turn;
    STAILQ_INSERT_TAIL(list, w, at);
    return true;
}

/* Those up to a turn. q may be gone afterwards. */
static void tell(struct pos_queue *q, struct push_waiters *list, uint64_t turn, int32_t code)
{
    struct pos_till *t = q->till;
    struct pos *pos = q->pos;
    struct push_waiter *w;

    t->holds++;
    while ((w = STAILQ_FIRST(list)) && w->turn <= turn) {
        STAILQ_REMOVE_HEAD(list, at);
        w->fn(w->arg, code);
        free(w);
    }
    t->holds--;
    pos_till_settle(pos, &t);
}

/* ---- the store --------------------------------------------------------------------------------------------
 */

static struct hilo_str queue_key(const struct pos_queue *q, char out[192])
{
    struct hilo_str channel = q->pos->host.channel(q->pos->self);

    (void)snprintf(out, 192, "%.*s/push/%s", (int)(channel.n < 100 ? channel.n : 100), channel.p,
                   q->till->key);
    return pos_str(out);
}

static void queue_later(struct pos_queue *q, int64_t us)
{
    if (q->later.due_s == 0)
        pos_wheel_set(&q->pos->pushes->wheel, &q->later, pos_now(q->pos) + us);
}

static void queue_wrote(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos_queue *q = arg;
    uint64_t wrote = q->writing;
    const struct push_waiter *w;
    bool more = false;

    (void)val;
    (void)version;
    q->token = 0;
    if (code != HILO_OK) {
        pos_log(q->pos, HILO_LOG_ERROR,
                "what waits for store=%s terminal=%s can't be kept now (%d); it is tried again",
                q->till->who.store, q->till->who.terminal, (int)code);
        q->dirty = true;
        queue_later(q, AGAIN_US);
        return;
    }
    /* Somebody waits for what came meanwhile. */
    STAILQ_FOREACH(w, &q->writes, at)
    more = more || w->turn > wrote;
    if (more)
        queue_write(q);
    tell(q, &q->writes, wrote, HILO_OK);
}

static void queue_write(struct pos_queue *q)
{
    char key[192];
    char *text;

    if (q->token || !q->loaded || !q->dirty)
        return;
    text = pos_entries_write(&q->entries);
    if (text)
        q->token = pos_ask_put(q->pos, queue_key(q, key), pos_str(text), UINT64_MAX, queue_wrote, q);
    free(text);
    if (q->token == 0) { /* no memory */
        queue_later(q, AGAIN_US);
        return;
    }
    q->dirty = false;
    q->writing = q->turn++;
    pos_wheel_cancel(&q->pos->pushes->wheel, &q->later);
}

static void queue_due(void *arg, struct pos_wheel_entry *e)
{
    (void)arg;
    queue_write((struct pos_queue *)(void *)((char *)e - offsetof(struct pos_queue, later)));
}

static void queue_came(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos_queue *q = arg;
    const char *why = NULL;

    (void)version;
    q->token = 0;
    if (code == HILO_OK && val.n)
        why = pos_entries_read(&q->entries, val);
    if (why)
        pos_log(q->pos, HILO_LOG_ERROR, "of what waits for store=%s terminal=%s not all can be read (%s)",
                q->till->who.store, q->till->who.terminal, why);
    q->loaded = code == HILO_OK || code == HILO_NOTFOUND;
    tell(q, &q->reads, 0, q->loaded ? HILO_OK : code);
}

/* Calls fn once it is loaded, at once if it is. */
void pos_push_open(struct pos *pos, struct pos_till *t, pos_push_fn *fn, void *arg)
{
    struct pos_queue *q = t->queue;
    char key[192];

    if (!q) {
        q = calloc(1, sizeof *q);
        if (!q) {
            fn(arg, HILO_NOMEM);
            return;
        }
        q->pos = pos;
        q->till = t;
        q->turn = 1;
        STAILQ_INIT(&q->reads);
        STAILQ_INIT(&q->writes);
        pos_entries_init(&q->entries);
        t->queue = q;
    }
    if (!q->loaded && !q->token)
        q->token = pos_ask_get(pos, queue_key(q, key), queue_came, q);
    if (q->loaded || !q->token || !wait_for(&q->reads, 0, fn, arg))
        fn(arg, q->loaded ? HILO_OK : HILO_NOMEM);
}

/* ---- to the terminal
 * ---------------------------------------------------------------------------------------- */

/* It is about a request that is not answered yet, and follows its answer; and what is behind it follows it.
 */
static bool push_held(const struct pos_queue *q, const struct pos_queued *e)
{
    const struct pos_op *op = TAILQ_FIRST(&q->till->writes);
    const char *job = op && !e->sent ? pos_json_text(e->params, "job") : NULL;

    return job && strcmp(job, op->rpc.id) == 0;
}

static void push_send(struct pos_queue *q, struct pos_queued *e)
{
    struct pos_conn *c = q->till->conn;
    cJSON *params;

    if (!c || !q->till->open || e->sent || (strcmp(e->method, "print") == 0 && !(c->can & POS_CAN_PRINT)))
        return;
    params = cJSON_Duplicate(e->params, true);
    e->sent = params && pos_session_request(c, e->id, e->method, params);
}

uint32_t pos_push_count(struct pos_till *t, const char *last)
{
    struct pos_queue *q = t->queue;
    struct pos_queued *e, *next;

    if (!q)
        return 0;
    if (pos_entries_expire(&q->entries, pos_wall(q->pos)))
        q->dirty = true;
    if (*last && pos_entries_find(&q->entries, last)) {
        do {
            e = TAILQ_FIRST(&q->entries.list);
            next = strcmp(e->id, last) == 0 ? NULL : TAILQ_NEXT(e, at);
            pos_entries_end(&q->entries, e);
            q->dirty = true;
        } while (next);
    }
    if (q->dirty)
        queue_later(q, LAZY_US);
    return q->entries.n;
}

void pos_push_send(struct pos_till *t)
{
    struct pos_queued *e;

    if (!t->queue)
        return;
    TAILQ_FOREACH(e, &t->queue->entries.list, at)
    {
        if (push_held(t->queue, e))
            return;
        push_send(t->queue, e);
    }
}

void pos_push_away(struct pos_till *t)
{
    struct pos_queued *e;

    if (t->queue)
        TAILQ_FOREACH(e, &t->queue->entries.list, at)
    e->sent = false;
}

/* What a printer said, for operators. */
static void push_printed(struct pos_queue *q, const cJSON *result, const cJSON *error)
{
    const char *status = pos_json_text(result, "status");
    bool known = status && (strcmp(status, "printed") == 0 || strcmp(status, "failed") == 0);

    pos_log(q->pos, error ? HILO_LOG_WARN : HILO_LOG_INFO, "pos.printed status=%s store=%s terminal=%s",
            error   ? "refused"
            : known ? status
                    : "unknown",
            q->till->who.store, q->till->who.terminal);
}

void pos_push_answered(struct pos_conn *c, const char *id, const cJSON *result, const cJSON *error)
{
    struct pos_queue *q = c->till->queue;
    struct pos_queued *e = q ? pos_entries_find(&q->entries, id) : NULL;

    if (!e) {
        pos_channel_answered(c, id, error);
        return;
    }
    if (strcmp(e->method, "print") == 0)
        push_printed(q, result, error);
    else if (error)
        pos_log(q->pos, HILO_LOG_WARN,
                "pos.unanswered method=%s store=%s terminal=%s: the terminal refused it", e->method,
                q->till->who.store, q->till->who.terminal);
    pos_entries_end(&q->entries, e);
    q->dirty = true;
    queue_later(q, LAZY_US);
}

/* ---- putting ----------------------------------------------------------------------------------------------
 */

struct push_put {
    struct pos_till *till;
    char id[POS_ID_MAX + 1], method[32], key[POS_QUEUE_KEY];
    int64_t until_us;
    cJSON *params;
    pos_push_fn *done;
    void *arg;
};

static void put_end(struct push_put *p, int32_t code)
{
    p->done(p->arg, code);
    cJSON_Delete(p->params);
    free(p);
}

static void put_now(void *arg, int32_t code)
{
    struct push_put *p = arg;
    struct pos_queue *q = p->till->queue;
    struct pos_queued *e;
    uint32_t dropped;

    if (code != HILO_OK) {
        put_end(p, code);
        return;
    }
    if (!pos_entries_known(&q->entries, p->id)) {
        dropped = q->entries.dropped;
        e = pos_entries_add(&q->entries, p->id, p->method, p->key, p->until_us, p->params);
        p->params = NULL;
        if (!e) {
            put_end(p, HILO_NOMEM);
            return;
        }
        if (q->entries.dropped != dropped)
            pos_log(q->pos, HILO_LOG_WARN, "pos.dropped store=%s terminal=%s: more waits for it than is kept",
                    q->till->who.store, q->till->who.terminal);
        q->dirty = true;
        pos_push_send(p->till);
    }
    /* What is known may yet be in the next write, or in the one under way. */
    if (!q->dirty && !q->token) {
        put_end(p, HILO_OK);
    } else if (!wait_for(&q->writes, q->dirty ? q->turn : q->writing, p->done, p->arg)) {
        put_end(p, HILO_NOMEM);
    } else {
        cJSON_Delete(p->params);
        free(p);
        queue_write(q);
    }
}

void pos_push_put(struct pos *pos, const char *store, const char *terminal, struct pos_push *push,
                  pos_push_fn *done, void *arg)
{
    struct pos_till *t = pos_till_get(pos, store, terminal);
    struct push_put *p = calloc(1, sizeof *p);

    if (!t || !p) {
        free(p);
        cJSON_Delete(push->params);
        done(arg, HILO_NOMEM);
    } else {
        p->till = t;
        pos_text_copy(p->id, sizeof p->id, pos_str(push->id));
        pos_text_copy(p->method, sizeof p->method, pos_str(push->method));
        pos_text_copy(p->key, sizeof p->key, pos_str(push->key));
        p->until_us = push->until_us;
        p->params = push->params;
        p->done = done;
        p->arg = arg;
        t->holds++;
        pos_push_open(pos, t, put_now, p);
        t->holds--;
    }
    pos_till_settle(pos, &t);
}

/* ---- life
 * ---------------------------------------------------------------------------------------------------- */

bool pos_push_idle(const struct pos_till *t)
{
    return !t->queue || (!t->queue->token && !t->queue->dirty && STAILQ_EMPTY(&t->queue->reads));
}

void pos_push_forget(struct pos_till *t)
{
    struct pos_queue *q = t->queue;
    struct push_waiter *w;

    if (!q)
        return;
    pos_ask_forget(q->pos, q->token);
    pos_wheel_cancel(&q->pos->pushes->wheel, &q->later);
    STAILQ_CONCAT(&q->reads, &q->writes);
    while ((w = STAILQ_FIRST(&q->reads))) {
        STAILQ_REMOVE_HEAD(&q->reads, at);
        free(w);
    }
    pos_entries_free(&q->entries);
    free(q);
    t->queue = NULL;
}

struct pos_pushes *pos_pushes_new(struct pos *pos)
{
    struct pos_pushes *p = calloc(1, sizeof *p);

    if (p)
        pos_wheel_init(&p->wheel, &pos->react, queue_due, pos);
    return p;
}

void pos_pushes_free(struct pos *pos)
{
    if (!pos->pushes)
        return;
    pos_wheel_done(&pos->pushes->wheel);
    free(pos->pushes);
    pos->pushes = NULL;
}
