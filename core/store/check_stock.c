/* store_check: wishes, arrivals and offers, as apply_stock.c describes them. */
#include "store/check.h"
#include "base/ids.h"
#include "base/str.h"

#define FOUND(ck, table, key, words) check__found((ck), #table, (key), "%s", (words))

static bool wish_get(struct check *ck, struct hilo_id id, struct rec_wish *w)
{
    struct key k = key_of_id(id);

    return check__get(ck, TABLE_WISH, &k, &rec_desc_wish, w);
}

static void wish_offer(struct check *ck, struct hilo_str key, struct hilo_id id, const struct rec_wish *w)
{
    const struct key due = key_time_id(w->until, id), mk = key_of_id(w->message);
    struct rec_message m;

    if (!check__has(ck, TABLE_STOCK_DUE, &due))
        FOUND(ck, WISH, key, "it is offered and its end is missing in STOCK_DUE");
    if (!check__get(ck, TABLE_MESSAGE, &mk, &rec_desc_message, &m))
        FOUND(ck, WISH, key, "the message that offers it does not exist");
    else if (!id_eq(m.wish, id))
        FOUND(ck, WISH, key, "the message that offers it offers another");
}

void check__wish(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_wish *w = rec;
    const struct hilo_id id = check__id(key, 0);
    const struct key customer = key_of_id(w->customer), pair = key_pair(w->customer, id),
                     turn = key_wish_sku(w->sku, w->number);
    const bool waits = w->status == WISH_WAITING || w->status == WISH_OFFERED;
    struct rec_wish_turn t;

    (void)val;
    if (w->status < WISH_WAITING || w->status > WISH_CANCELED)
        FOUND(ck, WISH, key, "its status is unknown");
    if (!check__has(ck, TABLE_CUSTOMER, &customer))
        FOUND(ck, WISH, key, "its customer does not exist");
    if (!check__has(ck, TABLE_WISH_CUSTOMER, &pair))
        FOUND(ck, WISH, key, "it is missing in WISH_CUSTOMER");
    if (!check__get(ck, TABLE_WISH_SKU, &turn, &rec_desc_wish_turn, &t)) {
        if (waits)
            FOUND(ck, WISH, key, "it is not at its end and is missing in WISH_SKU");
    } else if (!waits) {
        FOUND(ck, WISH, key, "it is at its end and stands in WISH_SKU");
    } else if (!id_eq(t.id, id) || t.status != w->status || !str_eq(t.size, w->size) ||
               !str_eq(t.colour, w->colour) || !str_eq(t.store, w->store)) {
        FOUND(ck, WISH, key, "its entry in WISH_SKU says something else");
    }
    if (w->status == WISH_OFFERED)
        wish_offer(ck, key, id, w);
}

void check__wish_sku(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_wish_turn *t = rec;
    struct rec_wish w;

    (void)val;
    if (!wish_get(ck, t->id, &w)) {
        FOUND(ck, WISH_SKU, key, "its wish does not exist");
        return;
    }
    const struct key again = key_wish_sku(w.sku, w.number);
    if (!check__same(&again, key))
        FOUND(ck, WISH_SKU, key, "its wish has another sku or number");
}

void check__wish_customer(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct rec_wish w;

    (void)val;
    (void)rec;
    if (!wish_get(ck, key_tail_id(key), &w))
        FOUND(ck, WISH_CUSTOMER, key, "its wish does not exist");
    else if (!id_eq(w.customer, check__id(key, 0)))
        FOUND(ck, WISH_CUSTOMER, key, "its wish is another customer's");
}

/* How many of a sku's wishes are offered of one arrival. */
struct offers {
    struct arena *arena;
    struct offer {
        struct offer *next;
        struct hilo_id id;
    } * first;
};

static bool offer_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct offers *all = arg;
    struct rec_wish_turn t;

    (void)key;
    if (rec_unpack(&rec_desc_wish_turn, val, &t, NULL) == HILO_OK && t.status == WISH_OFFERED) {
        struct offer *x = ARENA_NEW(all->arena, struct offer);
        x->id = t.id;
        x->next = all->first;
        all->first = x;
    }
    return true;
}

static uint64_t offers_of(struct check *ck, struct hilo_str sku, struct hilo_id stock)
{
    const struct key prefix = key_sku(sku);
    struct offers all = {.arena = ck->arena};
    struct rec_wish w;
    struct err e = {0};
    uint64_t n = 0;

    if (context_scan(ck->context, TABLE_WISH_SKU, key_str(&prefix), (struct hilo_str){0}, false, offer_add,
                     &all, &e) != HILO_OK)
        check__found(ck, "WISH_SKU", key_str(&prefix), "%s", e.text);
    for (const struct offer *x = all.first; x; x = x->next)
        n += wish_get(ck, x->id, &w) && id_eq(w.stock, stock);
    return n;
}

/* Its event names its sku, which the key may hold as a digest only. */
static void stock_event(struct check *ck, struct hilo_str key, const struct rec_stock *s)
{
    const struct hilo_id id = key_tail_id(key);
    struct ev_stock_arrived e;
    struct event ev;
    struct err why = {0};

    if (!ck->journal)
        return;
    if (journal_read(ck->journal, s->at, ck->arena, &ev, &why) != HILO_OK) {
        check__found(ck, "STOCK", key, "its event can't be read: %s", why.text);
        return;
    }
    if (ev.head.type != EVENT_stock_arrived ||
        rec_unpack(&ev_desc_stock_arrived, ev.body, &e, NULL) != HILO_OK || !id_eq(e.id, id)) {
        FOUND(ck, STOCK, key, "its position holds another event");
        return;
    }
    const struct key again = key_stock(e.sku, id);
    if (!check__same(&again, key))
        FOUND(ck, STOCK, key, "its event has another sku");
    if (s->open != offers_of(ck, e.sku, id))
        FOUND(ck, STOCK, key, "it counts other open offers than there are");
}

void check__stock(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_stock *s = rec;
    const struct key due = key_time_id(0, key_tail_id(key));

    (void)val;
    if (s->left == 0 || s->left > s->quantity)
        FOUND(ck, STOCK, key, "nothing of it is left, or more than there was");
    if (check__has(ck, TABLE_STOCK_DUE, &due) != (s->ready != 0))
        FOUND(ck, STOCK, key, "STOCK_DUE says otherwise whether it has more to offer");
    stock_event(ck, key, s);
}

void check__stock_due(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct hilo_id id = key_tail_id(key);
    const uint64_t time = key_tail_u64((struct hilo_str){key.p, 8}, 0);
    struct rec_wish w;

    (void)rec;
    if (val.n) {
        const struct key k = key_stock(val, id);
        if (time != 0 || !check__has(ck, TABLE_STOCK, &k))
            FOUND(ck, STOCK_DUE, key, "its arrival does not exist");
    } else if (!wish_get(ck, id, &w)) {
        FOUND(ck, STOCK_DUE, key, "its wish does not exist");
    } else if (w.status != WISH_OFFERED || w.until != time) {
        FOUND(ck, STOCK_DUE, key, "its wish is not offered until then");
    }
}
