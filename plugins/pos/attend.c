/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attend.h"

#include "channel.h"
#include "text.h"

#include <stdlib.h>
#include <uthash.h>

enum { ATTEND_MAX = 100000 }; /* customers; then whoever was found first is no longer attended */

struct attended {
    struct hilo_id customer;
    struct pos_till *till;
    int64_t until_us; /* monotonic */
    TAILQ_ENTRY(attended) at;
    UT_hash_handle hh;
};
struct pos_attend {
    struct attended *by_customer;
    TAILQ_HEAD(attended_list, attended) oldest; /* first: the one whose time is over first */
};

struct pos_attend *pos_attend_new(void)
{
    struct pos_attend *a = calloc(1, sizeof *a);

    if (a)
        TAILQ_INIT(&a->oldest);
    return a;
}

static void attend_end(struct pos *pos, struct attended *e)
{
    struct pos_till *t = e->till;

    HASH_DEL(pos->attend->by_customer, e);
    TAILQ_REMOVE(&pos->attend->oldest, e, at);
    free(e);
    t->attends--;
    pos_till_settle(pos, &t);
}

void pos_attend_free(struct pos *pos)
{
    struct attended *e;

    if (!pos->attend)
        return;
    while ((e = TAILQ_FIRST(&pos->attend->oldest)))
        attend_end(pos, e);
    free(pos->attend);
    pos->attend = NULL;
}

static void attend_expire(struct pos *pos)
{
    int64_t now = pos_now(pos);
    struct attended *e;

    while ((e = TAILQ_FIRST(&pos->attend->oldest)) &&
           (e->until_us <= now || HASH_COUNT(pos->attend->by_customer) > ATTEND_MAX))
        attend_end(pos, e);
}

static struct attended *attend_find(struct pos *pos, const char *customer)
{
    struct attended *e = NULL;
    struct hilo_id id;

    attend_expire(pos);
    if (pos_text_id(pos_str(customer), "cus", &id))
        HASH_FIND(hh, pos->attend->by_customer, &id, sizeof id, e);
    return e;
}

void pos_attend_begin(struct pos *pos, struct pos_till *t, const char *customer, const char *at)
{
    struct attended *e = attend_find(pos, customer);
    struct hilo_id id;
    int64_t when;

    if (!pos_text_id(pos_str(customer), "cus", &id) ||
        (at && pos_text_time(pos_str(at), &when) && when <= pos_wall(pos) - pos->conf.attend_us))
        return;
    t->attends++; /* first, so that it stays */
    if (e)
        attend_end(pos, e);
    e = calloc(1, sizeof *e);
    if (!e) {
        t->attends--;
        return;
    }
    e->customer = id;
    e->till = t;
    e->until_us = pos_now(pos) + pos->conf.attend_us;
    HASH_ADD(hh, pos->attend->by_customer, customer, sizeof e->customer, e);
    TAILQ_INSERT_TAIL(&pos->attend->oldest, e, at);
    pos_channel_attended(pos, customer, t);
}

struct pos_till *pos_attend_where(struct pos *pos, const char *customer)
{
    struct attended *e = attend_find(pos, customer);

    return e ? e->till : NULL;
}

bool pos_attend_here(struct pos *pos, const struct pos_till *t, const char *customer)
{
    return pos_attend_where(pos, customer) == t;
}
