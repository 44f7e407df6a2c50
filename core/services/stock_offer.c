/*
 * Offers: who is next in turn is told, as long as more is left than is held.
 *
 * Durable as everything: what is to be done stands in STOCK_DUE (apply_stock.c), put there by whatever event
 * made it so, and what was done is in the same batch as the message: the wish that is told has its turn
 * behind it, so a crash at any moment repeats and skips nobody. In memory is only when to look again. Lapsing
 * goes by the clock that never goes back (delivery_time.c).
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/table.h"
#include "services/delivery.h"
#include "services/messages.h"
#include "services/stock.h"
#include "store/keys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DUE_A_TURN: entries of STOCK_DUE; OFFERS_AT_ONCE: offers and passes of one arrival. */
enum { DUE_A_TURN = 64, OFFERS_AT_ONCE = 64, TURNS = 64, CHANNELS_MAX = 16 };
static const int64_t SECOND_US = 1000000, LATER_US = 5 * INT64_C(1000000);

/* An entry of STOCK_DUE that must not be looked at yet, whatever STOCK_DUE says. Lost with a restart, which
 * costs nothing: a rate is begun anew. */
struct pause {
    struct pause *next;
    struct hilo_id id;
    int64_t until_us; /* monotonic */
};

struct stock {
    struct gateway *gw;
    struct loop_timer *timer;
    uint64_t seen;   /* store_changes of STOCK_DUE, when it was looked at last */
    int64_t next_us; /* Unix: when the next offer lapses; 0: none */
    int64_t look_us; /* monotonic: look again then; 0 */
    struct pause *pauses;
};

static void wake(void *arg)
{
    (void)arg; /* the turn does it */
}

struct stock *stock_new(struct gateway *gw)
{
    struct stock *s = calloc(1, sizeof *s);

    if (!s)
        check_nomem();
    s->gw = gw;
    s->timer = loop_timer_new(gw->loop, wake, s);
    s->look_us = clock_mono_us(); /* what the last gateway left */
    return s;
}

void stock_free(struct stock **sp)
{
    struct stock *s = *sp;

    if (!s)
        return;
    while (s->pauses) {
        struct pause *p = s->pauses;
        s->pauses = p->next;
        free(p);
    }
    loop_timer_free(&s->timer);
    free(s);
    *sp = NULL;
}

static void pauses_end(struct stock *s, int64_t now)
{
    for (struct pause **p = &s->pauses; *p;) {
        struct pause *x = *p;
        if (x->until_us > now) {
            p = &x->next;
            continue;
        }
        *p = x->next;
        free(x);
    }
}

static int64_t paused_until(const struct stock *s, struct hilo_id id)
{
    for (const struct pause *p = s->pauses; p; p = p->next)
        if (id_eq(p->id, id))
            return p->until_us;
    return 0;
}

static void pause_for(struct stock *s, struct hilo_id id, int64_t us)
{
    struct pause *p = calloc(1, sizeof *p);

    if (!p)
        check_nomem();
    *p = (struct pause){s->pauses, id, clock_mono_us() + us};
    s->pauses = p;
}

/* ---- one offer ---- */

/* An arrival while it is offered. */
struct arrival {
    struct gateway *gw;
    struct hilo_id id;
    struct hilo_str sku;
    struct rec_stock rec; /* as it is after each event */
    struct ev_stock_arrived ev;
    struct stock_item item;
    const struct actor *actor;
    bool inside; /* the caller has begun: all in his batch */
    unsigned offered, passed;
    struct stock_passed **told; /* who was passed over; NULL: nobody asks */
    struct arena *arena;
};

enum verdict {
    OFFERED,
    PASSED,
    LATER, /* not now: a full queue, a full disk; it is his turn still */
    BROKEN /* the store's error */
};

/* What can be tried, in this order: her channel, the arrival's, those of the routes. */
static unsigned channels_of(const struct arrival *x, const struct rec_wish *w,
                            struct hilo_str out[CHANNELS_MAX])
{
    unsigned n = 0;

    if (w->channel.n || x->ev.channel.n) {
        out[0] = w->channel.n ? w->channel : x->ev.channel;
        return 1;
    }
    for (const struct gw_route *r = x->gw->routes; r && n < CHANNELS_MAX; r = r->next) {
        bool known = r->category && r->category != x->ev.category;
        for (unsigned i = 0; i < n; i++)
            known |= str_eq(out[i], r->channel);
        if (!known)
            out[n++] = r->channel;
    }
    return n;
}

/* A channel by which she can be told; else why not. */
static enum verdict offer_by(const struct arrival *x, const struct rec_wish *w, struct message_request *r,
                             const char **reason_out, struct err *e)
{
    struct hilo_str channel[CHANNELS_MAX];
    const unsigned n = channels_of(x, w, channel);
    bool busy = false;

    *reason_out = "no_route";
    for (unsigned i = 0; i < n; i++) {
        struct message_outlook look;
        struct fault f = {0};
        r->channel = channel[i];
        if (message_outlook(x->gw, r, x->arena, &look, &f) == 0) {
            if (!look.denial.denied)
                return OFFERED;
            *reason_out = "opted_out";
            continue;
        }
        if (f.status == 500) {
            (void)err_set(e, HILO_CORRUPT, "%s", f.text);
            return BROKEN;
        }
        busy |= f.status == 429 || f.status == 503;
        *reason_out = f.code;
    }
    return busy ? LATER : PASSED;
}

static int32_t pass_over(struct arrival *x, struct hilo_id id, const struct rec_wish *w, const char *reason,
                         struct err *e)
{
    const struct ev_wish_passed ev = {.id = id, .stock = x->id, .reason = str(reason)};
    int32_t rc = store_append(x->gw->store, &ev_desc_wish_passed, &ev, x->actor, clock_wall_us(), NULL, e);
    char text[ID_TEXT];

    if (rc != HILO_OK)
        return rc;
    x->passed++;
    x->rec.turn = w->number;
    id_format("wsh", id, text);
    log_event(x->gw->log, HILO_LOG_WARN, "stock.passed", "wish=%s reason=%s", text, reason);
    if (x->told) {
        struct stock_passed *p = ARENA_NEW(x->arena, struct stock_passed);
        *p = (struct stock_passed){NULL, id, w->customer, reason};
        *x->told = p;
        x->told = &p->next;
    }
    return HILO_OK;
}

/* The message and the event that says whose turn it was, in one batch. */
static int32_t tell(struct arrival *x, struct hilo_id id, const struct rec_wish *w,
                    const struct message_request *r, struct err *e)
{
    struct ev_wish_offered ev = {.id = id, .stock = x->id};
    struct message_plan plan;
    struct fault f = {0};

    /* It was looked at a moment ago by the same thread: what goes wrong now is the store's. */
    if (message_accept(x->gw, x->actor, r, x->arena, &plan, &f) != 0)
        return err_set(e, HILO_AGAIN, "%s", f.text);
    ev.message = plan.id;
    ev.until = (uint64_t)(delivery_due_now(x->gw->delivery) + (int64_t)x->ev.hold);
    int32_t rc = store_append(x->gw->store, &ev_desc_wish_offered, &ev, x->actor, clock_wall_us(), NULL, e);
    if (rc == HILO_OK) {
        x->offered++;
        x->rec.open++;
        x->rec.turn = w->number;
    }
    return rc;
}

static enum verdict offer_one(struct arrival *x, struct hilo_id id, struct err *e)
{
    struct message_request r = {
        .category = (uint32_t)x->ev.category, .priority = 1, .expires_in_us = (int64_t)x->ev.hold};
    const struct key k = key_of_id(id);
    struct gateway *gw = x->gw;
    const char *reason = NULL;
    struct rec_customer who;
    struct rec_wish w;
    struct fault f = {0};
    enum verdict v;
    int32_t rc = store_record(gw->store, TABLE_WISH, key_str(&k), &rec_desc_wish, x->arena, &w, e);

    if (rc != HILO_OK)
        return BROKEN;
    if (customer_get(gw, w.customer, x->arena, &who, &f) != 0) {
        (void)err_set(e, HILO_CORRUPT, "%s", f.text);
        return BROKEN;
    }
    r.customer = w.customer;
    r.case_id = w.case_id;
    r.language = who.language;
    if (stock__words(gw, &x->ev, &w, &who, x->arena, &r.content, &f) != 0) {
        v = PASSED;
        reason = f.code;
    } else {
        v = offer_by(x, &w, &r, &reason, e);
    }
    if (v == LATER || v == BROKEN)
        return v;
    rc = x->inside ? HILO_OK : store_room(gw->store, STORE_NEW, e);
    if (rc != HILO_OK)
        return LATER;
    if (!x->inside)
        store_begin(gw->store);
    rc = v == OFFERED ? tell(x, id, &w, &r, e) : pass_over(x, id, &w, reason, e);
    if (!x->inside)
        store_end(gw->store);
    return rc == HILO_OK ? v : rc == HILO_AGAIN || rc == HILO_FULL ? LATER : BROKEN;
}

/* ---- who is next ---- */

struct turns {
    const struct arrival *x;
    struct hilo_id id[TURNS];
    unsigned n;
    uint64_t waiting; /* counted, if all is set */
    bool all;
};

static bool turns_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct turns *t = arg;
    struct rec_wish_turn w;

    (void)key;
    if (rec_unpack(&rec_desc_wish_turn, val, &w, NULL) != HILO_OK || w.status != WISH_WAITING)
        return true;
    const struct stock_item wanted = {{0}, w.size, w.colour, w.store};
    if (!stock__fits(&wanted, &t->x->item))
        return true;
    t->waiting++;
    if (t->all)
        return true;
    t->id[t->n++] = w.id;
    return t->n < TURNS;
}

static int32_t turns_next(const struct arrival *x, struct turns *t, struct err *e)
{
    const struct key prefix = key_sku(x->sku), from = key_wish_sku(x->sku, x->rec.turn + 1);

    t->x = x;
    return store_scan(x->gw->store, TABLE_WISH_SKU, key_str(&prefix), key_str(&from), false, turns_collect, t,
                      e);
}

/* Goes along the order until nothing is left, nobody waits, or it is enough for now. */
static enum verdict offer_some(struct arrival *x, struct err *e)
{
    const unsigned most = x->ev.rate && x->ev.rate < OFFERS_AT_ONCE ? (unsigned)x->ev.rate : OFFERS_AT_ONCE;
    struct turns *t = ARENA_NEW(x->arena, struct turns);

    do {
        t->n = 0;
        if (x->rec.left <= x->rec.open)
            return PASSED; /* rests */
        if (turns_next(x, t, e) != HILO_OK)
            return BROKEN;
        for (unsigned i = 0; i < t->n && x->rec.left > x->rec.open; i++) {
            if (x->offered == most || x->offered + x->passed >= OFFERS_AT_ONCE)
                return OFFERED; /* goes on */
            enum verdict v = offer_one(x, t->id[i], e);
            if (v == LATER || v == BROKEN)
                return v;
        }
    } while (t->n == TURNS);
    return PASSED;
}

static int32_t rest(struct arrival *x, struct err *e)
{
    /* Nothing is held and it has come to the end of the order (or is sold out): it has no more to do. */
    const struct ev_stock_rested ev = {.id = x->id, .sku = x->sku, .ended = x->rec.open == 0};
    int32_t rc;

    if (!x->inside) {
        rc = store_room(x->gw->store, STORE_RECORD, e);
        if (rc != HILO_OK)
            return rc;
        store_begin(x->gw->store);
    }
    rc = store_append(x->gw->store, &ev_desc_stock_rested, &ev, x->actor, clock_wall_us(), NULL, e);
    if (!x->inside)
        store_end(x->gw->store);
    return rc;
}

static int32_t arrival_load(struct arrival *x, struct err *e)
{
    const struct key k = key_stock(x->sku, x->id);
    struct event ev;
    int32_t rc = store_record(x->gw->store, TABLE_STOCK, key_str(&k), &rec_desc_stock, x->arena, &x->rec, e);

    if (rc == HILO_OK)
        rc = store_event(x->gw->store, x->rec.at, x->arena, &ev, e);
    if (rc == HILO_OK)
        rc = rec_unpack(&ev_desc_stock_arrived, ev.body, &x->ev, e);
    x->item = (struct stock_item){x->sku, x->rec.size, x->rec.colour, x->rec.store};
    return rc;
}

/* ---- an arrival ---- */

static int arrive_check(struct gateway *gw, const struct stock_request *r, struct arena *a, struct fault *f)
{
    struct ev_stock_arrived e = {
        .sku = r->item.sku, .title = r->title, .link = r->link, .content = r->content};
    const struct rec_wish w = {.sku = r->item.sku};
    const struct rec_customer who = {.name = STR("Ana")};
    struct hilo_str said;

    if (stock__item_check(&r->item, f) != 0 || place_check(&r->place, f) != 0)
        return -1;
    if (r->channel.n && !gateway_channel(gw, r->channel))
        return fault_set(f, 422, "unknown_channel", "/channel",
                         "there is no channel %.*s; see GET /v1/channels",
                         STR_FMT(str_utf8_head(r->channel, 63)));
    return stock__words(gw, &e, &w, &who, a, &said, f);
}

int stock_arrive(struct gateway *gw, const struct actor *actor, const struct stock_request *r,
                 struct arena *a, struct stock_outcome *out, struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct turns *t = ARENA_NEW(a, struct turns);
    struct err e = {0};

    memset(out, 0, sizeof *out);
    if (arrive_check(gw, r, a, f) != 0)
        return -1;
    const struct ev_stock_arrived ev = {.id = idgen_next(store_ids(gw->store)),
                                        .sku = r->item.sku,
                                        .size = r->item.size,
                                        .colour = r->item.colour,
                                        .store = r->item.store,
                                        .quantity = r->quantity,
                                        .hold = (uint64_t)(r->hold_us ? r->hold_us : gw->stock_hold_us),
                                        .rate = r->rate ? r->rate : gw->stock_rate,
                                        .title = r->title,
                                        .link = r->link,
                                        .content = r->content,
                                        .category = r->category ? r->category : gw->stock_category,
                                        .channel = r->channel,
                                        .at = (uint64_t)(r->at ? r->at : now),
                                        .terminal = r->place.terminal,
                                        .clerk = r->place.clerk};
    struct arrival x = {.gw = gw,
                        .id = ev.id,
                        .sku = ev.sku,
                        .ev = ev,
                        .rec = {.left = ev.quantity},
                        .item = r->item,
                        .actor = actor,
                        .inside = true,
                        .told = &out->passed,
                        .arena = a};
    int32_t rc = store_append(gw->store, &ev_desc_stock_arrived, &ev, actor, now, NULL, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    switch (offer_some(&x, &e)) {
    case BROKEN:
        return fault_store(f, e.code ? e.code : HILO_CORRUPT, &e);
    case PASSED:
        rc = rest(&x, &e);
        break;
    case LATER: /* the turns that follow go on */
        pause_for(gw->stock, x.id, LATER_US);
        break;
    case OFFERED:
        if (ev.rate)
            pause_for(gw->stock, x.id, SECOND_US);
    }
    t->all = true;
    if (rc == HILO_OK)
        rc = turns_next(&x, t, &e);
    out->id = ev.id;
    out->offered = x.offered;
    out->waiting = t->waiting;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- what is due ---- */

/* Who was told may have it no longer. Whose message is not known to have left waits on. */
static int32_t lapse(struct stock *s, struct hilo_id id, struct err *e)
{
    struct gateway *gw = s->gw;
    struct key k = key_of_id(id);
    struct rec_message m;
    struct rec_wish w;
    int32_t rc = store_record(gw->store, TABLE_WISH, key_str(&k), &rec_desc_wish, gw->arena, &w, e);

    if (rc != HILO_OK)
        return rc;
    k = key_of_id(w.message);
    rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, gw->arena, &m, e);
    if (rc == HILO_OK)
        rc = store_room(gw->store, STORE_RECORD, e);
    if (rc != HILO_OK)
        return rc;
    const bool unsent = m.status == HILO_STATUS_ACCEPTED || m.status == HILO_STATUS_QUEUED;
    const struct ev_wish_settled ev = {
        .id = id, .status = unsent && m.place != PLACE_IN_FLIGHT ? WISH_WAITING : WISH_LAPSED};
    store_begin(gw->store);
    rc = store_append(gw->store, &ev_desc_wish_settled, &ev, &actor_core, clock_wall_us(), NULL, e);
    store_end(gw->store);
    return rc;
}

static int32_t offer_more(struct stock *s, struct hilo_id id, struct hilo_str sku, struct err *e)
{
    struct arrival x = {.gw = s->gw, .id = id, .sku = sku, .actor = &actor_core, .arena = s->gw->arena};
    int32_t rc = arrival_load(&x, e);

    if (rc != HILO_OK)
        return rc;
    switch (offer_some(&x, e)) {
    case PASSED:
        return rest(&x, e);
    case BROKEN:
        return e->code ? e->code : HILO_CORRUPT;
    case LATER:
        pause_for(s, id, LATER_US);
        break;
    case OFFERED:
        if (x.ev.rate)
            pause_for(s, id, SECOND_US);
    }
    return HILO_OK;
}

struct due {
    struct stock *stock;
    struct arena *arena;
    struct {
        uint64_t time;
        struct hilo_id id;
        struct hilo_str sku;
    } at[DUE_A_TURN];
    unsigned n;
    uint64_t now, next; /* next: when the first that is not due lapses */
    int64_t look_us;    /* monotonic: when to look again; 0 */
};

static bool due_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct due *d = arg;
    const uint64_t time = key_tail_u64(key, 16);

    if (time > d->now) {
        d->next = time;
        return false;
    }
    const int64_t until = paused_until(d->stock, key_tail_id(key));
    if (until) {
        if (d->look_us == 0 || until < d->look_us)
            d->look_us = until;
        return true;
    }
    if (d->n == DUE_A_TURN) {
        d->look_us = 1; /* at once */
        return false;
    }
    d->at[d->n].time = time;
    d->at[d->n].id = key_tail_id(key);
    d->at[d->n++].sku = arena_str(d->arena, val);
    return true;
}

/* One that fails stops nobody else, and is tried again. */
static void look_failed(struct stock *s, struct hilo_id id, int32_t rc, const struct err *e)
{
    pause_for(s, id, LATER_US);
    if (rc != HILO_FULL && rc != HILO_AGAIN) /* of a full disk the store tells */
        log_event(s->gw->log, HILO_LOG_ERROR, "stock.failed", "error=%s", LOG_VALUE(str(e->text)));
}

static int32_t look(struct stock *s, struct err *e)
{
    struct due *d = ARENA_NEW(s->gw->arena, struct due);
    int32_t rc;

    pauses_end(s, clock_mono_us());
    *d = (struct due){.stock = s, .arena = s->gw->arena, .now = (uint64_t)delivery_due_now(s->gw->delivery)};
    s->seen = store_changes(s->gw->store, TABLE_STOCK_DUE);
    rc = store_scan(s->gw->store, TABLE_STOCK_DUE, (struct hilo_str){0}, (struct hilo_str){0}, false,
                    due_collect, d, e);
    s->next_us = (int64_t)d->next;
    s->look_us = d->n ? clock_mono_us() : d->look_us; /* what is done now may bring more */
    for (unsigned i = 0; i < d->n && rc == HILO_OK; i++) {
        struct err why = {0};
        int32_t did =
            d->at[i].sku.n ? offer_more(s, d->at[i].id, d->at[i].sku, &why) : lapse(s, d->at[i].id, &why);
        if (did != HILO_OK)
            look_failed(s, d->at[i].id, did, &why);
    }
    return rc;
}

static void arm(struct stock *s)
{
    int64_t at = s->look_us;

    if (s->next_us) {
        const int64_t left = s->next_us - delivery_due_now(s->gw->delivery),
                      lapses = clock_mono_us() + (left > 0 ? left : 0);
        if (at == 0 || lapses < at)
            at = lapses;
    }
    if (at)
        loop_timer_at(s->timer, at);
    else
        loop_timer_cancel(s->timer);
}

void stock_turn(struct stock *s)
{
    struct err e = {0};

    if (s->seen == store_changes(s->gw->store, TABLE_STOCK_DUE) &&
        !(s->look_us && s->look_us <= clock_mono_us()) &&
        !(s->next_us && s->next_us <= delivery_due_now(s->gw->delivery))) {
        /* Two clocks: the timer may come a moment early. */
        if ((s->look_us || s->next_us) && !loop_timer_due(s->timer))
            arm(s);
        return;
    }
    int32_t rc = look(s, &e);
    if (rc != HILO_OK) {
        s->look_us = clock_mono_us() + LATER_US;
        log_event(s->gw->log, HILO_LOG_ERROR, "stock.failed", "error=%s", LOG_VALUE(str(e.text)));
    }
    arm(s);
}
