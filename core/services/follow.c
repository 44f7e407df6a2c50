/*
 * Followers (follow.h).
 *
 * Invariants: what was put into the channel is before the tail, and so is what is held, which is
 * the one event that the channel did not take; nothing else is. So none is lost or out of order, and
 * what a plugin has not dealt with when it dies comes again by the id that it had kept.
 */
#include "services/follow.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/public_event.h"
#include <stdlib.h>

enum {
    TURN_EVENTS = 256,      /* of the journal that one follower looks at in a turn */
    AGAIN_US = 1000 * 1000, /* after an event that could not be put for want of a descriptor */
    WORD_SHOWN = 60
};

struct follower {
    struct follower *next;
    struct gw_channel *channel;
    struct tail *tail;
    struct public_filter filter;
    bool none; /* of what it asked for there is nothing */
    bool held;
    char id[ID_TEXT]; /* of what is held; empty: a store without events */
    struct buf json;
};

struct follows {
    struct gateway *gw;
    struct follower *all;
    struct arena *arena;     /* of the present event */
    struct loop_timer *more; /* a turn of its own for what is left */
};

static void follower_free(struct follower **at)
{
    struct follower *f = *at;

    *at = f->next;
    tail_free(&f->tail);
    buf_done(&f->json);
    free(f);
}

static void failed(const struct follower *f, const struct err *e)
{
    log_event(f->channel->gateway->log, HILO_LOG_ERROR, "plugin.follow",
              "channel=%.*s after=%llu error=%s next=\"it is told of nothing more; hilo store check\"",
              STR_FMT(f->channel->name), (unsigned long long)tail_seq(f->tail), LOG_VALUE(str(e->text)));
}

/* ---- where it begins -------------------------------------------------------------------------- */

/* From now, and it is told so: behind the newest event. */
static int32_t from_now(struct follower *f, struct err *e)
{
    struct event ev;
    int32_t rc = HILO_OK;

    tail_to_end(f->tail);
    f->held = true;
    f->id[0] = '\0';
    buf_clear(&f->json);
    if (tail_seq(f->tail) == 0)
        return HILO_OK;
    rc = tail_to_seq(f->tail, tail_seq(f->tail) - 1, e);
    if (rc == HILO_OK)
        rc = tail_next(f->tail, &ev, e);
    if (rc == HILO_OK)
        public_event_id(tail_id(f->tail), f->id);
    return rc;
}

static int32_t begin(struct follower *f, struct hilo_str after, struct err *e)
{
    struct hilo_id id;
    int32_t rc;

    if (after.n == 0)
        return from_now(f, e);
    rc = public_event_id_parse(after, &id) ? tail_to_id(f->tail, id, e) : HILO_INVALID;
    if (rc != HILO_NOTFOUND && rc != HILO_STALE && rc != HILO_INVALID)
        return rc;
    log_event(f->channel->gateway->log, HILO_LOG_WARN, "plugin.follow",
              "channel=%.*s reason=%s note=\"where it was can't be continued from; it goes on from now\"",
              STR_FMT(f->channel->name), rc == HILO_NOTFOUND ? "expired" : "unknown");
    return from_now(f, e);
}

static void left_out(const struct follower *f, struct hilo_str word, const char *why)
{
    log_event(f->channel->gateway->log, HILO_LOG_WARN, "plugin.follow", "channel=%.*s type=%s reason=\"%s\"",
              STR_FMT(f->channel->name), LOG_VALUE(str_utf8_head(word, WORD_SHOWN)), why);
}

/* What there is of the types that it asks for; the others are named in the log. */
static void take_types(struct follower *f, struct hilo_str types)
{
    const uint32_t scopes = f->channel->scopes;
    uint64_t bits;
    struct hilo_str word, unknown;

    f->none = types.n != 0;
    while (types.n) {
        (void)str_cut(types, ',', &word, &types);
        if (word.n == 0)
            continue;
        if (!public_types_parse(word, &bits, &unknown)) {
            left_out(f, str_utf8_valid(word) ? word : STR("?"), "this gateway has no such type");
            continue;
        }
        f->filter.types |= bits;
        f->none = false;
        for (unsigned t = 0; t < PUBLIC__END; t++)
            if ((bits >> t & 1) && (public_type_scope((enum public_type)t) & ~scopes))
                left_out(f, str(public_type_name((enum public_type)t)), "its scope is lacking");
    }
}

void follow_begin(struct follows *h, struct gw_channel *ch, struct hilo_str types, struct hilo_str after)
{
    struct follower *f = calloc(1, sizeof *f);
    struct err e = {0};

    if (!f)
        check_nomem();
    follow_end(h, ch);
    f->channel = ch;
    f->tail = store_tail(h->gw->store);
    take_types(f, types);
    f->next = h->all;
    h->all = f;
    if (begin(f, after, &e) != HILO_OK) {
        failed(f, &e);
        follower_free(&h->all);
    }
}

void follow_end(struct follows *h, struct gw_channel *ch)
{
    for (struct follower **at = &h->all; *at; at = &(*at)->next)
        if ((*at)->channel == ch) {
            follower_free(at);
            return;
        }
}

/* ---- telling ------------------------------------------------------------------------------------ */

/* true: the channel has it. */
static bool put(struct follows *h, struct follower *f, struct hilo_str id, struct hilo_str json)
{
    int32_t rc = channel_event(f->channel->plug, id, json);

    /* FULL and DOWN end with a frame from the channel, which is a turn. */
    if (rc == HILO_IO && loop_timer_due(h->more) == 0)
        loop_timer_at(h->more, clock_mono_us() + AGAIN_US);
    return rc == HILO_OK;
}

/* The next event of the journal. HILO_OK: it is dealt with, or held; HILO_AGAIN: there is none. */
static int32_t step(struct follows *h, struct follower *f, struct err *e)
{
    struct public_event p;
    struct event ev;
    struct hilo_str json;
    char id[ID_TEXT];
    int32_t rc = tail_next(f->tail, &ev, e);

    if (rc == HILO_NOTFOUND) /* retired while the plugin was slow */
        return from_now(f, e);
    arena_reset(h->arena);
    if (rc == HILO_OK)
        rc = public_event_look(h->gw, &ev, h->arena, &p, e);
    if (rc == HILO_NOSUP || (rc == HILO_OK && (f->none || !public_filter_takes(&f->filter, &p))))
        return HILO_OK;
    if (rc == HILO_OK)
        rc = public_event_write(h->gw, &ev, tail_id(f->tail), &p, h->arena, &json, e);
    if (rc != HILO_OK)
        return rc;
    public_event_id(tail_id(f->tail), id);
    if (put(h, f, str(id), json))
        return HILO_OK;
    f->held = true;
    memcpy(f->id, id, sizeof f->id);
    buf_clear(&f->json);
    if (buf_add_str(&f->json, json) != HILO_OK)
        check_nomem();
    return HILO_OK;
}

/* false: it has all that there is, or takes no more. */
static bool turn(struct follows *h, struct follower *f, struct err *e, int32_t *rc)
{
    f->filter.scopes = f->channel->scopes; /* an operator may have changed them */
    for (unsigned n = 0; n < TURN_EVENTS; n++) {
        if (f->held && !put(h, f, str(f->id), buf_str(&f->json)))
            return false;
        f->held = false;
        if (tail_ahead(f->tail) == 0)
            return false;
        *rc = step(h, f, e);
        if (*rc == HILO_AGAIN)
            *rc = HILO_OK;
        if (*rc != HILO_OK)
            return false;
    }
    return true;
}

void follows_turn(struct follows *h)
{
    bool more = false;

    for (struct follower **at = &h->all; *at;) {
        struct follower *f = *at;
        struct err e = {0};
        int32_t rc = HILO_OK;
        more |= turn(h, f, &e, &rc);
        if (rc != HILO_OK) {
            failed(f, &e);
            follower_free(at);
        } else {
            at = &f->next;
        }
    }
    if (more)
        loop_timer_at(h->more, clock_mono_us());
}

/* ---- all of them ----------------------------------------------------------------------------------- */

static void on_more(void *arg)
{
    (void)arg; /* the turn does it */
}

struct follows *follows_new(struct gateway *gw)
{
    struct follows *h = calloc(1, sizeof *h);

    if (!h)
        check_nomem();
    h->gw = gw;
    h->arena = arena_new();
    h->more = loop_timer_new(gw->loop, on_more, h);
    return h;
}

void follows_free(struct follows **hp)
{
    struct follows *h = *hp;

    *hp = NULL;
    if (!h)
        return;
    while (h->all)
        follower_free(&h->all);
    loop_timer_free(&h->more);
    arena_free(&h->arena);
    free(h);
}
