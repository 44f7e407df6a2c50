/*
 * Apply: wishes, what has arrived for them, and offers.
 *
 * A wish stands in WISH_SKU until its end, in the order in which wishes came. What arrives (STOCK) goes along
 * that order once: each offer and each one passed over moves its turn on, so no wish is offered twice of one
 * arrival, whatever happens in between. An open offer stands in STOCK_DUE with the time when it lapses.
 * An arrival stands there with time 0 while it may have something to offer, which is whenever it has more
 * left than open offers and something has changed: it arrived, an offer ended, somebody new waits.
 */
#include "store/apply.h"
#include "base/ids.h"
#include "base/str.h"

static int32_t wish_load(struct apply *a, struct hilo_id id, struct rec_wish *w)
{
    struct key k = key_of_id(id);
    int32_t rc = apply__get(a, TABLE_WISH, &k, &rec_desc_wish, w);

    return rc == HILO_NOTFOUND ? apply__wrong(a, "no such wish") : rc;
}

/* With its place in the order, as long as it has one. */
static void wish_save(struct apply *a, struct hilo_id id, struct rec_wish *w)
{
    const struct key k = key_of_id(id), turn = key_wish_sku(w->sku, w->number);
    const struct rec_wish_turn t = {
        .id = id, .status = w->status, .size = w->size, .colour = w->colour, .store = w->store};

    w->changed = (uint64_t)a->event->head.time_us;
    apply__put(a, TABLE_WISH, &k, &rec_desc_wish, w);
    if (w->status == WISH_WAITING || w->status == WISH_OFFERED)
        apply__put(a, TABLE_WISH_SKU, &turn, &rec_desc_wish_turn, &t);
    else
        apply__del(a, TABLE_WISH_SKU, &turn);
}

static int32_t stock_load(struct apply *a, struct hilo_str sku, struct hilo_id id, struct rec_stock *s)
{
    struct key k = key_stock(sku, id);

    return apply__get(a, TABLE_STOCK, &k, &rec_desc_stock, s);
}

/* It has more to offer now, if it has more left than is held; or it has not. */
static void stock_save(struct apply *a, struct hilo_str sku, struct hilo_id id, struct rec_stock *s,
                       bool ready)
{
    const struct key k = key_stock(sku, id), due = key_time_id(0, id);

    if (ready && !s->ready)
        apply__put_raw(a, TABLE_STOCK_DUE, &due, sku);
    else if (!ready && s->ready)
        apply__del(a, TABLE_STOCK_DUE, &due);
    s->ready = ready;
    apply__put(a, TABLE_STOCK, &k, &rec_desc_stock, s);
}

static void stock_end(struct apply *a, struct hilo_str sku, struct hilo_id id, const struct rec_stock *s)
{
    const struct key k = key_stock(sku, id), due = key_time_id(0, id);

    apply__del(a, TABLE_STOCK, &k);
    if (s->ready)
        apply__del(a, TABLE_STOCK_DUE, &due);
}

/* An offer is open no longer: its arrival, if that is not at its end, may offer another. */
static int32_t offer_close(struct apply *a, struct hilo_id id, const struct rec_wish *w)
{
    const struct key due = key_time_id(w->until, id);
    struct rec_stock s;
    int32_t rc = stock_load(a, w->sku, w->stock, &s);

    apply__del(a, TABLE_STOCK_DUE, &due);
    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? HILO_OK : rc;
    if (s.open == 0)
        return apply__wrong(a, "an offer ends of an arrival that has none");
    s.open--;
    stock_save(a, w->sku, w->stock, &s, s.ready || s.left > s.open);
    return HILO_OK;
}

struct arrivals {
    struct arena *arena;
    struct arrival {
        struct arrival *next;
        struct hilo_id id;
    } * first;
};

static bool arrival_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct arrivals *all = arg;
    struct arrival *x = ARENA_NEW(all->arena, struct arrival);

    (void)val;
    x->id = key_tail_id(key);
    x->next = all->first;
    all->first = x;
    return true;
}

int32_t apply__wish_added(struct apply *a, const struct ev_wish_added *e)
{
    struct rec_wish w = {.customer = e->customer,
                         .sku = e->sku,
                         .size = e->size,
                         .colour = e->colour,
                         .store = e->store,
                         .channel = e->channel,
                         .link = e->link,
                         .case_id = e->case_id,
                         .status = WISH_WAITING,
                         .number = a->event->head.seq,
                         .since = e->at,
                         .terminal = e->terminal,
                         .clerk = e->clerk};
    const struct key pair = key_pair(e->customer, e->id), prefix = key_sku(e->sku);
    struct arrivals all = {.arena = a->arena};
    int32_t rc;

    wish_save(a, e->id, &w);
    apply__put_raw(a, TABLE_WISH_CUSTOMER, &pair, (struct hilo_str){0});
    rc = context_scan(a->context, TABLE_STOCK, key_str(&prefix), (struct hilo_str){0}, false, arrival_add,
                      &all, a->err);
    for (const struct arrival *x = all.first; x && rc == HILO_OK; x = x->next) {
        struct rec_stock s;
        rc = stock_load(a, e->sku, x->id, &s);
        if (rc == HILO_OK && !s.ready && s.left > s.open)
            stock_save(a, e->sku, x->id, &s, true);
    }
    return rc;
}

int32_t apply__stock_arrived(struct apply *a, const struct ev_stock_arrived *e)
{
    struct rec_stock s = {.at = a->event->at,
                          .size = e->size,
                          .colour = e->colour,
                          .store = e->store,
                          .quantity = e->quantity,
                          .left = e->quantity,
                          .since = (uint64_t)a->event->head.time_us};

    if (!e->quantity)
        return apply__wrong(a, "nothing has arrived");
    stock_save(a, e->sku, e->id, &s, true);
    return HILO_OK;
}

int32_t apply__wish_offered(struct apply *a, const struct ev_wish_offered *e)
{
    const struct key mk = key_of_id(e->message), due = key_time_id(e->until, e->id);
    struct rec_message m;
    struct rec_stock s;
    struct rec_wish w;
    int32_t rc = wish_load(a, e->id, &w);

    if (rc == HILO_OK)
        rc = stock_load(a, w.sku, e->stock, &s);
    if (rc == HILO_OK)
        rc = apply__get(a, TABLE_MESSAGE, &mk, &rec_desc_message, &m);
    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such arrival or message") : rc;
    if (w.status != WISH_WAITING || s.turn >= w.number || !e->until)
        return apply__wrong(a, "it is not this wish's turn");
    s.open++;
    s.offered++;
    s.turn = w.number;
    stock_save(a, w.sku, e->stock, &s, s.ready);
    w.status = WISH_OFFERED;
    w.stock = e->stock;
    w.message = e->message;
    w.until = e->until;
    wish_save(a, e->id, &w);
    apply__put_raw(a, TABLE_STOCK_DUE, &due, (struct hilo_str){0});
    m.wish = e->id;
    apply__put(a, TABLE_MESSAGE, &mk, &rec_desc_message, &m);
    return HILO_OK;
}

int32_t apply__wish_passed(struct apply *a, const struct ev_wish_passed *e)
{
    struct rec_stock s;
    struct rec_wish w;
    int32_t rc = wish_load(a, e->id, &w);

    if (rc == HILO_OK)
        rc = stock_load(a, w.sku, e->stock, &s);
    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such arrival") : rc;
    if (w.status != WISH_WAITING || s.turn >= w.number)
        return apply__wrong(a, "it is not this wish's turn");
    s.passed++;
    s.turn = w.number;
    stock_save(a, w.sku, e->stock, &s, s.ready);
    w.reason = e->reason;
    w.passed = (uint64_t)a->event->head.time_us;
    wish_save(a, e->id, &w);
    return HILO_OK;
}

int32_t apply__wish_settled(struct apply *a, const struct ev_wish_settled *e)
{
    struct rec_wish w;
    int32_t rc = wish_load(a, e->id, &w);

    if (rc != HILO_OK)
        return rc;
    if (e->status < WISH_WAITING || e->status > WISH_CANCELED || e->status == WISH_OFFERED ||
        w.status == WISH_FULFILLED || w.status == WISH_CANCELED ||
        (w.status == WISH_LAPSED && e->status != WISH_FULFILLED))
        return apply__wrong(a, "the wish can't come to that");
    if (w.status == WISH_OFFERED)
        rc = offer_close(a, e->id, &w);
    if (rc != HILO_OK)
        return rc;
    w.status = e->status;
    w.sale = e->sale;
    wish_save(a, e->id, &w);
    return HILO_OK;
}

int32_t apply__stock_sold(struct apply *a, const struct ev_stock_sold *e)
{
    struct rec_stock s;
    int32_t rc = stock_load(a, e->sku, e->id, &s);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such arrival") : rc;
    s.left -= e->quantity < s.left ? e->quantity : s.left;
    if (s.left == 0)
        stock_end(a, e->sku, e->id, &s);
    else
        stock_save(a, e->sku, e->id, &s, s.ready);
    return HILO_OK;
}

int32_t apply__stock_rested(struct apply *a, const struct ev_stock_rested *e)
{
    struct rec_stock s;
    int32_t rc = stock_load(a, e->sku, e->id, &s);

    if (rc != HILO_OK)
        return rc == HILO_NOTFOUND ? apply__wrong(a, "no such arrival") : rc;
    if (e->ended)
        stock_end(a, e->sku, e->id, &s);
    else
        stock_save(a, e->sku, e->id, &s, false);
    return HILO_OK;
}

int32_t apply__wish_unsaid(struct apply *a, struct hilo_id id, struct hilo_id message)
{
    struct rec_wish w;
    int32_t rc = wish_load(a, id, &w);

    if (rc != HILO_OK || w.status != WISH_OFFERED || !id_eq(w.message, message))
        return rc;
    rc = offer_close(a, id, &w);
    if (rc != HILO_OK)
        return rc;
    w.status = WISH_WAITING;
    wish_save(a, id, &w);
    return HILO_OK;
}
