/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attend.h"

#include "ask.h"
#include "channel.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

enum { ATTEND_MAX = 100000 }; /* customers; then whoever was found first is no longer attended */

struct attended {
    struct hilo_id customer;
    struct pos_till *till;
    int64_t since_us; /* Unix time */
    int64_t until_us; /* monotonic */
    TAILQ_ENTRY(attended) at;
    UT_hash_handle hh;
};
struct pos_attend {
    uint64_t token; /* of the page of the audit that is asked for */
    void (*read)(struct pos *);
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
    pos_ask_forget(pos, pos->attend->token);
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

/* In the order of their ends: what is found in the audit is older than what there is. */
static void attend_place(struct pos_attend *a, struct attended *e)
{
    struct attended *before = TAILQ_LAST(&a->oldest, attended_list);

    while (before && before->until_us > e->until_us)
        before = TAILQ_PREV(before, attended_list, at);
    if (before)
        TAILQ_INSERT_AFTER(&a->oldest, before, e, at);
    else
        TAILQ_INSERT_HEAD(&a->oldest, e, at);
}

static bool attend_add(struct pos *pos, struct pos_till *t, const char *customer, int64_t since_us,
                       int64_t left_us)
{
    struct attended *e = attend_find(pos, customer);
    struct hilo_id id;

    if (!pos_text_id(pos_str(customer), "cus", &id) || (e && e->since_us > since_us))
        return false;
    t->attends++; /* first, so that it stays */
    if (e)
        attend_end(pos, e);
    e = calloc(1, sizeof *e);
    if (!e) {
        t->attends--;
        return false;
    }
    e->customer = id;
    e->till = t;
    e->since_us = since_us;
    e->until_us = pos_now(pos) + left_us;
    HASH_ADD(hh, pos->attend->by_customer, customer, sizeof e->customer, e);
    attend_place(pos->attend, e);
    return true;
}

void pos_attend_begin(struct pos *pos, struct pos_till *t, const char *customer, const char *at)
{
    int64_t when;

    if (at && pos_text_time(pos_str(at), &when) && when <= pos_wall(pos) - pos->conf.attend_us)
        return;
    if (attend_add(pos, t, customer, pos_wall(pos), pos->conf.attend_us))
        pos_channel_attended(pos, customer, t);
}

/* ---- after a restart ---------------------------------------------------------------------------- */

static void attend_ask(struct pos *pos, const char *cursor);

/* One look-up that the gateway remembers, newest first. */
static void attend_again(struct pos *pos, const cJSON *entry)
{
    const char *customer = pos_json_text(entry, "customer"), *store = pos_json_text(entry, "store"),
               *terminal = pos_json_text(entry, "terminal"), *time = pos_json_text(entry, "time");
    int64_t when, left;
    struct pos_till *t;

    if (!customer || !store || !terminal || strlen(store) > POS_NAME_MAX || strlen(terminal) > POS_NAME_MAX ||
        pos_json_text(entry, "key") || !time || !pos_text_time(pos_str(time), &when))
        return;
    left = when + pos->conf.attend_us - pos_wall(pos);
    t = left > 0 ? pos_till_get(pos, store, terminal) : NULL;
    if (!t)
        return;
    t->holds++;
    if (attend_add(pos, t, customer, when, left < pos->conf.attend_us ? left : pos->conf.attend_us))
        pos_channel_attended(pos, customer, t);
    t->holds--;
    pos_till_settle(pos, &t);
}

static void attend_page(void *arg, int32_t code, uint32_t status, struct hilo_str body,
                        const struct hilo_http *answer)
{
    struct pos *pos = arg;
    cJSON *page = status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    const char *next = pos_json_text(page, "next");
    const cJSON *entry;

    (void)answer;
    pos->attend->token = 0;
    if (!page)
        pos_log(
            pos, HILO_LOG_WARN,
            "who was attended before the restart can't be read (code %d, status %u): a terminal finds its "
            "customer once more",
            (int)code, status);
    cJSON_ArrayForEach(entry, pos_json_get(page, "lookups")) attend_again(pos, entry);
    if (next && HASH_COUNT(pos->attend->by_customer) < ATTEND_MAX)
        attend_ask(pos, next);
    else
        pos->attend->read(pos);
    cJSON_Delete(page);
}

static void attend_ask(struct pos *pos, const char *cursor)
{
    char from[POS_TEXT_TIME], path[512];
    struct pos_api api = {.method = "GET"};

    pos_text_of_time(from, pos_wall(pos) - pos->conf.attend_us);
    (void)snprintf(path, sizeof path, "/v1/audit?from=%s&limit=200%s%.300s", from, cursor ? "&cursor=" : "",
                   cursor ? cursor : "");
    api.path = pos_str(path);
    pos->attend->token = pos_ask_api(pos, &api, attend_page, pos);
    if (pos->attend->token == 0)
        attend_page(pos, HILO_NOMEM, 0, pos_none(), NULL);
}

void pos_attend_start(struct pos *pos, void (*read)(struct pos *))
{
    pos->attend->read = read;
    attend_ask(pos, NULL);
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
