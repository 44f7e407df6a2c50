/*
 * A message is the core's until the terminal has answered: after a crash the core sends it again, and the
 * terminal knows it by its id. Nothing of it is kept here.
 *
 * What nobody is attended for after HOLD is given back to the core for a while: its expiry is the core's to
 * see. More than the core was given credit for is never held. SPDX-License-Identifier: Apache-2.0
 */
#include "channel.h"

#include "attend.h"
#include "content.h"
#include "session.h"
#include "text.h"
#include "wheel.h"

#include <hilo/message.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOLD_US = 600000000, BACK_US = 30000000 };

struct held {
    struct pos *pos;
    struct hilo_id id;
    char customer[POS_TEXT_ID];
    const char *method;
    cJSON *params;
    struct pos_till *till; /* whom it was sent to; NULL: it waits */
    struct pos_wheel_entry due;
    LIST_ENTRY(held) all;
    UT_hash_handle hh;
};
struct pos_channel {
    LIST_HEAD(held_list, held) all;
    struct held *by_id;
    struct pos_wheel wheel;
};

static struct hilo_str held_push_id(const struct held *h, char out[POS_ID_MAX + 1])
{
    char id[POS_TEXT_ID];

    pos_text_of_id(id, "msg", h->id);
    (void)snprintf(out, POS_ID_MAX + 1, "p-%s", id);
    return pos_str(out);
}

static void held_free(struct held *h)
{
    struct pos_channel *ch = h->pos->channel;
    struct pos_till *t = h->till;

    HASH_DEL(ch->by_id, h);
    LIST_REMOVE(h, all);
    pos_wheel_cancel(&ch->wheel, &h->due);
    if (t) {
        t->holds--;
        pos_till_settle(h->pos, &t);
    }
    cJSON_Delete(h->params);
    free(h);
}

static void held_report(struct held *h, int32_t code, const char *reason, int64_t retry_us)
{
    struct hilo_report r = {.size = sizeof r, .code = code, .id = h->id, .retry_after_us = retry_us};
    char ext[POS_ID_MAX + 1];
    struct pos *pos = h->pos;

    if (code == HILO_OK)
        r.ext_id = held_push_id(h, ext);
    else
        r.reason = pos_str(reason);
    pos->host.report(pos->self, &r);
    held_free(h);
}

/* ---- to a terminal ------------------------------------------------------------------------------------ */

static void held_show(struct held *h, struct pos_till *t)
{
    uint32_t needs = strcmp(h->method, "choice.ask") == 0 ? POS_CAN_CHOICE : POS_CAN_MESSAGE;
    char id[POS_ID_MAX + 1];
    cJSON *params;

    if (!t->conn || !t->open || !(t->conn->can & needs))
        return;
    params = cJSON_Duplicate(h->params, true);
    (void)held_push_id(h, id);
    if (!params || !pos_session_request(t->conn, id, h->method, params))
        return;
    if (h->till != t) {
        t->holds++;
        if (h->till)
            h->till->holds--;
        h->till = t;
    }
}

void pos_channel_attended(struct pos *pos, const char *customer, struct pos_till *t)
{
    struct held *h;

    LIST_FOREACH(h, &pos->channel->all, all)
    if (!h->till && strcmp(h->customer, customer) == 0)
        held_show(h, t);
}

void pos_channel_opened(struct pos *pos, struct pos_till *t)
{
    struct held *h;

    LIST_FOREACH(h, &pos->channel->all, all)
    if (!h->till && pos_attend_here(pos, t, h->customer))
        held_show(h, t);
}

void pos_channel_away(struct pos *pos, struct pos_till *t)
{
    struct held *h;

    LIST_FOREACH(h, &pos->channel->all, all)
    {
        if (h->till == t) {
            h->till = NULL;
            t->holds--;
        }
    }
}

void pos_channel_answered(struct pos_conn *c, const char *id, const cJSON *error)
{
    struct held *h = NULL;
    struct hilo_id of;

    if (strncmp(id, "p-", 2) != 0 || !pos_text_id(pos_str(id + 2), "msg", &of))
        return;
    HASH_FIND(hh, c->pos->channel->by_id, &of, sizeof of, h);
    if (!h || h->till != c->till)
        return;
    held_report(h, error ? HILO_PERM : HILO_OK, "terminal_refused", 0);
}

/* ---- from the core ----------------------------------------------------------------------------------------
 */

static void held_due(void *arg, struct pos_wheel_entry *e)
{
    struct held *h = (struct held *)(void *)((char *)e - offsetof(struct held, due));

    (void)arg;
    /* On a terminal's screen it is no longer ours to give back: its answer, or its end, decides. */
    if (h->till)
        pos_wheel_set(&h->pos->channel->wheel, &h->due, pos_now(h->pos) + HOLD_US);
    else
        held_report(h, HILO_AGAIN, "not_attended", BACK_US);
}

int32_t pos_channel_send(struct pos *pos, struct hilo_id id, struct hilo_str message)
{
    struct hilo_id customer = hilo_get_id(message, HILO_T_MSG_CUSTOMER);
    struct pos_till *t;
    const char *method;
    struct held *h = calloc(1, sizeof *h);

    if (!h)
        return HILO_NOMEM;
    h->params = pos_content_params(message, &method);
    if (!h->params) {
        free(h);
        return HILO_PERM;
    }
    h->pos = pos;
    h->id = id;
    h->method = method;
    pos_text_of_id(h->customer, "cus", customer);
    HASH_ADD(hh, pos->channel->by_id, id, sizeof h->id, h);
    LIST_INSERT_HEAD(&pos->channel->all, h, all);
    pos_wheel_set(&pos->channel->wheel, &h->due, pos_now(pos) + HOLD_US);
    t = pos_attend_where(pos, h->customer);
    if (t)
        held_show(h, t);
    return HILO_OK;
}

void pos_channel_revoke(struct pos *pos, struct hilo_id id)
{
    struct held *h = NULL;

    HASH_FIND(hh, pos->channel->by_id, &id, sizeof id, h);
    if (h && !h->till)
        held_report(h, HILO_AGAIN, "revoked", 0);
}

void pos_channel_drain(struct pos *pos)
{
    struct held *h, *next;

    for (h = LIST_FIRST(&pos->channel->all); h; h = next) {
        next = LIST_NEXT(h, all);
        if (!h->till)
            held_report(h, HILO_AGAIN, "draining", 0);
    }
}

struct pos_channel *pos_channel_new(struct pos *pos)
{
    struct pos_channel *ch = calloc(1, sizeof *ch);

    if (!ch)
        return NULL;
    LIST_INIT(&ch->all);
    pos_wheel_init(&ch->wheel, &pos->react, held_due, pos);
    return ch;
}

/* What a terminal did not answer may be on its screen. */
void pos_channel_free(struct pos *pos)
{
    struct held *h;

    if (!pos->channel)
        return;
    while ((h = LIST_FIRST(&pos->channel->all)))
        held_report(h, HILO_IN_DOUBT, "closed", 0);
    pos_wheel_done(&pos->channel->wheel);
    free(pos->channel);
    pos->channel = NULL;
}
