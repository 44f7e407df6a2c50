/*
 * Events are dealt with in order of coming, their pushes are kept in any: how far we are is the last
 * event before which all are kept. That is written, under NAME/follow, behind each event that made a push,
 * and else when there has been time; what is dealt with twice after a crash is known by its id (queue.h).
 *
 * When too many are not kept yet, those that come are let go, and asked for again later.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "follow.h"

#include "ask.h"
#include "attend.h"
#include "json.h"
#include "push.h"
#include "route.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MAX = 1024, EVENT_ID = 64, LAZY_US = 5000000, AGAIN_US = 1000000 };

struct event {
    struct pos *pos;
    char id[EVENT_ID];
    unsigned waits; /* pushes that are not kept yet, and one while they are made */
    bool failed, pushed;
    TAILQ_ENTRY(event) at;
};
struct pos_follow {
    TAILQ_HEAD(events, event) events; /* not dealt with, in order */
    unsigned n;
    char done[EVENT_ID], written[EVENT_ID]; /* the last that was dealt with; that the store knows of */
    bool started;
    bool dropped; /* some were let go, behind those that wait */
    bool broken;  /* one of those that wait could not be kept */
    uint64_t token;
    struct pos_timer timer;
};

static void follow_write(struct pos *);

/* ---- how far we are --------------------------------------------------------------------------------------
 */

static struct hilo_str follow_key(struct pos *pos, char out[160])
{
    struct hilo_str channel = pos->host.channel(pos->self);

    (void)snprintf(out, 160, "%.*s/follow", (int)(channel.n < 100 ? channel.n : 100), channel.p);
    return pos_str(out);
}

static void follow_ask(struct pos *pos)
{
    int32_t code = pos->host.follow(pos->self, pos_str(POS_ROUTE_TYPES), pos_str(pos->follow->done));

    if (code != HILO_OK) {
        pos_log(pos, HILO_LOG_ERROR, "the gateway's events can't be followed now (%d); it is tried again",
                (int)code);
        (void)pos_timer_by(&pos->react, &pos->follow->timer, pos_now(pos) + AGAIN_US);
        return;
    }
    pos->follow->started = true;
    pos->follow->dropped = pos->follow->broken = false;
}

static void follow_wrote(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos *pos = arg;

    (void)val;
    (void)version;
    pos->follow->token = 0;
    if (code != HILO_OK)
        pos->follow->written[0] = '\0';
    if (strcmp(pos->follow->written, pos->follow->done) != 0)
        (void)pos_timer_by(&pos->react, &pos->follow->timer, pos_now(pos) + AGAIN_US);
}

static void follow_write(struct pos *pos)
{
    struct pos_follow *f = pos->follow;
    char key[160];

    if (f->token || strcmp(f->written, f->done) == 0)
        return;
    f->token = pos_ask_put(pos, follow_key(pos, key), pos_str(f->done), UINT64_MAX, follow_wrote, pos);
    if (f->token)
        (void)snprintf(f->written, sizeof f->written, "%s", f->done);
}

static void follow_timer(void *arg)
{
    struct pos *pos = arg;

    if (!pos->follow->started || (pos->follow->dropped && TAILQ_EMPTY(&pos->follow->events)))
        follow_ask(pos);
    follow_write(pos);
}

/* The first ones that are dealt with go. Behind one that could not be kept nothing counts: it is all asked
 * for once more, a little later. */
static void follow_settle(struct pos *pos)
{
    struct pos_follow *f = pos->follow;
    bool pushed = false;
    struct event *e;

    while ((e = TAILQ_FIRST(&f->events)) && e->waits == 0) {
        TAILQ_REMOVE(&f->events, e, at);
        f->n--;
        if (e->failed)
            f->broken = f->dropped = true;
        if (!f->broken) {
            (void)snprintf(f->done, sizeof f->done, "%s", e->id);
            pushed = pushed || e->pushed;
        }
        free(e);
    }
    if (pushed)
        follow_write(pos);
    (void)pos_timer_by(&pos->react, &f->timer, pos_now(pos) + (f->dropped ? AGAIN_US : LAZY_US));
}

/* ---- to whom
 * ------------------------------------------------------------------------------------------------ */

static void event_kept(void *arg, int32_t code)
{
    struct event *e = arg;

    e->waits--;
    if (code != HILO_OK)
        e->failed = true;
    if (e->waits == 0)
        follow_settle(e->pos);
}

struct send {
    struct event *e;
    struct pos_route *r;
};

static void event_push(struct event *e, const struct pos_route *r, const char *store, const char *terminal)
{
    struct pos_push push = {.method = r->method, .id = r->id, .key = r->key, .until_us = r->until_us};

    push.params = cJSON_Duplicate(r->params, true);
    if (!push.params) {
        e->failed = true;
        return;
    }
    e->waits++;
    e->pushed = true;
    pos_push_put(e->pos, store, terminal, &push, event_kept, e);
}

/* People are served at all but kiosks. */
static void event_to_terminal(void *arg, const char *store, const char *terminal, enum pos_role role)
{
    struct send *s = arg;

    if (role == POS_ROLE_CLERK || role == POS_ROLE_CASHIER)
        event_push(s->e, s->r, store, terminal);
}

void pos_follow_event(struct pos *pos, struct hilo_str id, struct hilo_str json)
{
    struct pos_follow *f = pos->follow;
    struct pos_route route;
    struct send s = {.r = &route};
    struct pos_till *till;
    struct event *e;

    if (f->dropped)
        return;
    e = f->n < WAIT_MAX && id.n < EVENT_ID ? calloc(1, sizeof *e) : NULL;
    if (!e) {
        f->dropped = true;
        (void)pos_timer_by(&pos->react, &f->timer, pos_now(pos) + AGAIN_US);
        return;
    }
    e->pos = pos;
    e->waits = 1;
    pos_text_copy(e->id, sizeof e->id, id);
    TAILQ_INSERT_TAIL(&f->events, e, at);
    f->n++;
    e->pushed = json.n == 0; /* where it began is written at once: a crash would begin later */
    if (json.n == 0 && f->done[0])
        pos_log(pos, HILO_LOG_WARN,
                "pos.follow: what happened meanwhile is no longer kept; it goes on from now");
    if (json.n && pos_route(id, json, pos_wall(pos), &route)) {
        s.e = e;
        till = route.to == POS_ROUTE_ATTENDED ? pos_attend_where(pos, route.customer) : NULL;
        if (route.to == POS_ROUTE_STORE)
            pos_identity_each(pos->identity, route.store, event_to_terminal, &s);
        else if (till)
            event_push(e, &route, till->who.store, till->who.terminal);
        cJSON_Delete(route.params);
    }
    event_kept(e, HILO_OK);
}

/* ---- life
 * ------------------------------------------------------------------------------------------------------ */

static void follow_read(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct pos *pos = arg;
    struct pos_follow *f = pos->follow;

    (void)version;
    f->token = 0;
    if (code != HILO_OK && code != HILO_NOTFOUND) {
        pos_log(pos, HILO_LOG_ERROR,
                "how far the events were dealt with can't be read (%d); it is tried again", (int)code);
        (void)pos_timer_by(&pos->react, &f->timer, pos_now(pos) + AGAIN_US);
        return;
    }
    if (code == HILO_OK)
        pos_text_copy(f->done, sizeof f->done, val);
    memcpy(f->written, f->done, sizeof f->written);
    f->timer.fn = follow_timer;
    follow_ask(pos);
}

static void follow_begin(void *arg)
{
    struct pos *pos = arg;
    char key[160];

    pos->follow->token = pos_ask_get(pos, follow_key(pos, key), follow_read, pos);
    if (!pos->follow->token)
        (void)pos_timer_by(&pos->react, &pos->follow->timer, pos_now(pos) + AGAIN_US);
}

void pos_follow_start(struct pos *pos)
{
    if (!pos->follow->started && !pos->follow->token)
        follow_begin(pos);
}

struct pos_follow *pos_follow_new(struct pos *pos)
{
    struct pos_follow *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    TAILQ_INIT(&f->events);
    pos_timer_init(&f->timer, follow_begin, pos);
    return f;
}

void pos_follow_free(struct pos *pos)
{
    struct pos_follow *f = pos->follow;
    struct event *e;

    if (!f)
        return;
    while ((e = TAILQ_FIRST(&f->events))) {
        TAILQ_REMOVE(&f->events, e, at);
        free(e);
    }
    pos_timer_cancel(&pos->react, &f->timer);
    free(f);
    pos->follow = NULL;
}
