/* Wishes and arrivals: taking them, ending them, lists, and what a sale does to both. */
#include "services/stock.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/cases.h"
#include "store/keys.h"
#include <string.h>

enum { LOOKED_MAX = 1000, CHUNK = 200, NUMBER = 8 };

static const char *const wish__status[] = {"", "waiting", "offered", "fulfilled", "lapsed", "canceled"};

const char *wish_status_name(uint64_t status)
{
    return status <= WISH_CANCELED ? wish__status[status] : "";
}

/* ---- what is the same ---- */

static bool fits(struct hilo_str a, struct hilo_str b)
{
    if (a.n == 0 || b.n == 0)
        return true;
    if (a.n != b.n)
        return false;
    for (uint64_t i = 0; i < a.n; i++) {
        const uint8_t x = (uint8_t)a.p[i], y = (uint8_t)b.p[i];
        if (x != y && ((x | 0x20) != (y | 0x20) || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
            return false;
    }
    return true;
}

bool stock__fits(const struct stock_item *a, const struct stock_item *b)
{
    return fits(a->size, b->size) && fits(a->colour, b->colour) && fits(a->store, b->store);
}

static bool on_one_line(struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

bool stock_sku_ok(struct hilo_str s)
{
    return s.n > 0 && s.n <= SKU_MAX && on_one_line(s) && str_utf8_valid(s);
}

int stock__item_check(const struct stock_item *i, struct fault *f)
{
    if (!stock_sku_ok(i->sku))
        return fault_set(f, 422, "invalid_field", "/sku", "a SKU has 1 to %d bytes on one line", SKU_MAX);
    if (i->size.n > VARIANT_MAX || !on_one_line(i->size))
        return fault_set(f, 422, "invalid_field", "/size", "size: at most %d bytes on one line", VARIANT_MAX);
    if (i->colour.n > VARIANT_MAX || !on_one_line(i->colour))
        return fault_set(f, 422, "invalid_field", "/colour", "colour: at most %d bytes on one line",
                         VARIANT_MAX);
    return 0;
}

/* ---- lists ---- */

struct keys {
    struct arena *arena;
    struct hilo_str after; /* the last key of the page before; empty: none */
    struct hilo_str key[CHUNK], val[CHUNK];
    unsigned n, max;
};

static bool keys_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct keys *k = arg;

    if (k->after.n && str_eq(key, k->after))
        return true;
    k->key[k->n] = arena_str(k->arena, key);
    k->val[k->n] = arena_str(k->arena, val);
    return ++k->n < k->max;
}

/* The next entries under a prefix, at most CHUNK, behind after. */
static int32_t keys_next(struct gateway *gw, enum table t, const struct key *prefix, bool reverse,
                         struct keys *k, struct err *e)
{
    k->n = 0;
    return store_scan(gw->store, t, key_str(prefix), k->after, reverse, keys_add, k, e);
}

int wish_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_wish *out, struct fault *f)
{
    const struct key k = key_of_id(id);
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_WISH, key_str(&k), &rec_desc_wish, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_subscription", NULL, "there is no such subscription");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

static int cursor_key(const struct key *prefix, struct hilo_str after, uint64_t tail, struct arena *a,
                      struct hilo_str *out, struct fault *f)
{
    struct key k = *prefix;

    *out = (struct hilo_str){0};
    if (after.n == 0)
        return 0;
    if (after.n != tail)
        return fault_set(f, 400, "invalid_cursor", NULL, "this cursor is not of this list");
    key_bytes(&k, after);
    *out = arena_str(a, key_str(&k));
    return 0;
}

static int wish_page(struct gateway *gw, enum table t, const struct key *prefix, uint64_t tail, bool reverse,
                     bool open, struct hilo_str after, unsigned limit, struct arena *a, wish_fn *fn,
                     void *arg, struct hilo_str *next_out, struct fault *f)
{
    struct keys *k = ARENA_NEW(a, struct keys);
    unsigned shown = 0, looked = 0;
    struct err e = {0};

    *next_out = (struct hilo_str){0};
    k->arena = a;
    k->max = CHUNK;
    if (cursor_key(prefix, after, tail, a, &k->after, f) != 0)
        return -1;
    do {
        int32_t rc = keys_next(gw, t, prefix, reverse, k, &e);
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
        for (unsigned i = 0; i < k->n; i++) {
            struct rec_wish_turn turn = {0};
            struct rec_wish w;
            if (t == TABLE_WISH_SKU)
                rc = rec_unpack(&rec_desc_wish_turn, k->val[i], &turn, &e);
            else
                turn.id = key_tail_id(k->key[i]);
            if (rc != HILO_OK)
                return fault_store(f, rc, &e);
            if (wish_get(gw, turn.id, a, &w, f) != 0)
                return -1;
            k->after = k->key[i];
            looked++;
            if (!open || w.status == WISH_WAITING || w.status == WISH_OFFERED) {
                fn(arg, turn.id, &w);
                shown++;
            }
            if (shown == limit || looked == LOOKED_MAX) {
                *next_out = str_n(k->after.p + k->after.n - tail, (size_t)tail);
                return 0;
            }
        }
    } while (k->n == k->max);
    return 0;
}

int wish_of_sku(struct gateway *gw, struct hilo_str sku, struct hilo_str after, unsigned limit,
                struct arena *a, wish_fn *fn, void *arg, struct hilo_str *next_out, struct fault *f)
{
    const struct key prefix = key_sku(sku);

    return wish_page(gw, TABLE_WISH_SKU, &prefix, NUMBER, false, false, after, limit, a, fn, arg, next_out,
                     f);
}

int wish_of_customer(struct gateway *gw, struct hilo_id customer, bool open, struct hilo_str after,
                     unsigned limit, struct arena *a, wish_fn *fn, void *arg, struct hilo_str *next_out,
                     struct fault *f)
{
    const struct key prefix = key_of_id(customer);

    return wish_page(gw, TABLE_WISH_CUSTOMER, &prefix, sizeof customer.b, true, open, after, limit, a, fn,
                     arg, next_out, f);
}

void wish_shape(struct out *o, const char *key, struct hilo_id id, const struct rec_wish *w)
{
    out_begin(o, key, '{');
    out_id(o, "id", "wsh", id);
    out_id(o, "customer", "cus", w->customer);
    out_str(o, "sku", w->sku);
    out_opt(o, "size", w->size);
    out_opt(o, "colour", w->colour);
    out_opt(o, "store", w->store);
    out_opt(o, "channel", w->channel);
    out_opt(o, "link", w->link);
    out_id(o, "case", "cas", w->case_id);
    out_str(o, "status", str(wish_status_name(w->status)));
    out_time(o, "since", w->since);
    out_time(o, "changed", w->changed);
    out_id(o, "stock", "stk", w->stock);
    out_id(o, "message", "msg", w->message);
    out_time(o, "until", w->status == WISH_OFFERED ? w->until : 0);
    out_id(o, "sale", "sal", w->sale);
    if (w->reason.n) {
        out_begin(o, "passed_over", '{');
        out_str(o, "reason", w->reason);
        out_time(o, "time", w->passed);
        out_end(o, '}');
    }
    out_opt(o, "terminal", w->terminal);
    out_opt(o, "clerk", w->clerk);
    out_end(o, '}');
}

int stock_list(struct gateway *gw, struct hilo_str sku, struct arena *a, stock_fn *fn, void *arg,
               struct fault *f)
{
    const struct key prefix = key_sku(sku);
    struct keys *k = ARENA_NEW(a, struct keys);
    struct rec_stock s;
    struct err e = {0};

    *k = (struct keys){.arena = a, .max = CHUNK};
    int32_t rc = keys_next(gw, TABLE_STOCK, &prefix, false, k, &e);
    for (unsigned i = 0; i < k->n && rc == HILO_OK; i++) {
        rc = rec_unpack(&rec_desc_stock, k->val[i], &s, &e);
        if (rc == HILO_OK)
            fn(arg, key_tail_id(k->key[i]), &s);
    }
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- taking a wish ---- */

struct same {
    const struct wish_request *r;
    struct hilo_id id;
    bool found;
};

static void same_look(void *arg, struct hilo_id id, const struct rec_wish *w)
{
    struct same *s = arg;
    const struct stock_item *i = &s->r->item;

    if (!s->found && str_eq(w->sku, i->sku) && str_eq(w->size, i->size) && str_eq(w->colour, i->colour) &&
        str_eq(w->store, i->store)) {
        s->id = id;
        s->found = true;
    }
}

static int wish_whose(struct gateway *gw, const struct actor *actor, const struct wish_request *r,
                      struct arena *a, struct hilo_id *out, bool *made_out, struct fault *f)
{
    const struct customer_fields none = {0};
    struct rec_customer c;
    struct err e = {0};
    int32_t rc;

    *made_out = false;
    if (!r->to.scheme) {
        *out = r->customer;
        if (customer_get(gw, r->customer, a, &c, f) == 0)
            return 0;
        return f->status == 404
                   ? fault_set(f, 422, "unknown_customer", "/customer", "there is no such customer")
                   : -1;
    }
    rc = customer_find(gw, &r->to, out, &e);
    if (rc != HILO_NOTFOUND)
        return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
    *made_out = true;
    return customer_create(gw, actor, &none, &r->to, 1, out, f);
}

static int wish_check(struct gateway *gw, const struct wish_request *r, struct fault *f)
{
    if (stock__item_check(&r->item, f) != 0 || place_check(&r->place, f) != 0)
        return -1;
    if (r->link.n > LINK_MAX || !on_one_line(r->link))
        return fault_set(f, 422, "invalid_field", "/link", "link: at most %d bytes on one line", LINK_MAX);
    if (r->channel.n && !gateway_channel(gw, r->channel))
        return fault_set(f, 422, "unknown_channel", "/channel",
                         "there is no channel %.*s; see GET /v1/channels",
                         STR_FMT(str_utf8_head(r->channel, 63)));
    return 0;
}

static int wish_case(struct gateway *gw, const struct wish_request *r, struct hilo_id customer, bool made,
                     struct arena *a, struct fault *f)
{
    struct rec_case c;

    if (id_none(r->case_id))
        return 0;
    if (case_get(gw, r->case_id, a, &c, f) != 0)
        return f->status == 404 ? fault_set(f, 422, "unknown_case", "/case", "there is no such case") : -1;
    if (made || !id_eq(c.customer, customer))
        return fault_set(f, 422, "case_of_another", "/case", "this case belongs to another customer");
    return 0;
}

int wish_add(struct gateway *gw, const struct actor *actor, const struct wish_request *r, struct arena *a,
             struct hilo_id *out, bool *again_out, struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct hilo_str next;
    struct hilo_id customer;
    struct err e = {0};
    bool made;

    *again_out = false;
    if (wish_check(gw, r, f) != 0)
        return -1;
    /* A case of somebody who is not known yet is another's, before anything is appended. */
    if (!id_none(r->case_id) && r->to.scheme && customer_find(gw, &r->to, &customer, &e) == HILO_NOTFOUND)
        return fault_set(f, 422, "case_of_another", "/case", "this case belongs to another customer");
    if (wish_whose(gw, actor, r, a, &customer, &made, f) != 0 || wish_case(gw, r, customer, made, a, f) != 0)
        return -1;
    struct same s = {.r = r};
    if (!made && wish_of_customer(gw, customer, true, (struct hilo_str){0}, LOOKED_MAX, a, same_look, &s,
                                  &next, f) != 0)
        return -1;
    if (s.found) {
        *out = s.id;
        *again_out = true;
        return 0;
    }
    const struct ev_wish_added ev = {.id = idgen_next(store_ids(gw->store)),
                                     .customer = customer,
                                     .sku = r->item.sku,
                                     .size = r->item.size,
                                     .colour = r->item.colour,
                                     .store = r->item.store,
                                     .channel = r->channel,
                                     .link = r->link,
                                     .case_id = r->case_id,
                                     .at = (uint64_t)(r->at ? r->at : now),
                                     .terminal = r->place.terminal,
                                     .clerk = r->place.clerk};
    int32_t rc = store_append(gw->store, &ev_desc_wish_added, &ev, actor, now, NULL, &e);
    *out = ev.id;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int wish_cancel(struct gateway *gw, const struct actor *actor, struct hilo_id id, const struct place *place,
                struct arena *a, struct fault *f)
{
    const struct ev_wish_settled ev = {
        .id = id, .status = WISH_CANCELED, .terminal = place->terminal, .clerk = place->clerk};
    struct rec_wish w;
    struct err e = {0};

    if (wish_get(gw, id, a, &w, f) != 0)
        return -1;
    if (w.status != WISH_WAITING && w.status != WISH_OFFERED)
        return fault_set(f, 409, "subscription_ended", NULL, "this subscription is %s already",
                         wish_status_name(w.status));
    int32_t rc = store_append(gw->store, &ev_desc_wish_settled, &ev, actor, clock_wall_us(), NULL, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- arrivals ---- */

int stock_withdraw(struct gateway *gw, const struct actor *actor, struct hilo_str sku, struct hilo_id id,
                   struct arena *a, struct fault *f)
{
    const struct ev_stock_rested ev = {.id = id, .sku = sku, .ended = 1};
    const struct key k = key_stock(sku, id);
    struct rec_stock s;
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_STOCK, key_str(&k), &rec_desc_stock, a, &s, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_stock", NULL, "no such arrival has anything to offer");
    if (rc == HILO_OK)
        rc = store_append(gw->store, &ev_desc_stock_rested, &ev, actor, clock_wall_us(), NULL, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- a sale ---- */

/* The buyer's wishes that this sale fulfils, and the arrival that one of them was offered of. */
struct bought {
    struct arena *arena;
    const struct stock_item *item;
    struct bought_wish {
        struct bought_wish *next;
        struct hilo_id id;
    } * first;
    struct hilo_id stock; /* none: nothing was offered */
};

static void bought_look(void *arg, struct hilo_id id, const struct rec_wish *w)
{
    const struct stock_item wanted = {w->sku, w->size, w->colour, {0}}; /* wherever she buys it */
    struct bought *b = arg;

    if (!str_eq(w->sku, b->item->sku) || !stock__fits(&wanted, b->item) || w->status == WISH_FULFILLED ||
        w->status == WISH_CANCELED)
        return;
    struct bought_wish *x = ARENA_NEW(b->arena, struct bought_wish);
    x->id = id;
    x->next = b->first;
    b->first = x;
    if (w->status == WISH_OFFERED)
        b->stock = w->stock;
}

struct shelf {
    struct arena *arena;
    const struct stock_item *item;
    struct shelf_stock {
        struct shelf_stock *next;
        struct hilo_id id;
        uint64_t left;
    } * first, **end;
};

static void shelf_look(void *arg, struct hilo_id id, const struct rec_stock *s)
{
    const struct stock_item there = {{0}, s->size, s->colour, s->store};
    struct shelf *x = arg;

    if (!stock__fits(&there, x->item))
        return;
    struct shelf_stock *n = ARENA_NEW(x->arena, struct shelf_stock);
    n->id = id;
    n->left = s->left;
    *x->end = n;
    x->end = &n->next;
}

static int32_t shelf_take(struct gateway *gw, const struct actor *actor, struct hilo_id sale,
                          struct hilo_str sku, struct shelf_stock *s, uint64_t *quantity, struct err *e)
{
    const uint64_t n = *quantity < s->left ? *quantity : s->left;
    const struct ev_stock_sold ev = {.id = s->id, .sku = sku, .quantity = n, .sale = sale};

    if (n == 0)
        return HILO_OK;
    s->left -= n;
    *quantity -= n;
    return store_append(gw->store, &ev_desc_stock_sold, &ev, actor, clock_wall_us(), NULL, e);
}

int stock_sold(struct gateway *gw, const struct actor *actor, struct hilo_id sale, struct hilo_id customer,
               const struct stock_item *item, uint64_t quantity, const struct place *place, struct arena *a,
               struct fault *f)
{
    struct bought b = {.arena = a, .item = item};
    struct shelf x = {.arena = a, .item = item};
    struct hilo_str next;
    struct err e = {0};
    int32_t rc = HILO_OK;

    x.end = &x.first;
    if (wish_of_customer(gw, customer, false, (struct hilo_str){0}, LOOKED_MAX, a, bought_look, &b, &next,
                         f) != 0 ||
        stock_list(gw, item->sku, a, shelf_look, &x, f) != 0)
        return -1;
    /* What was put aside for the buyer first, then what came first. */
    for (struct shelf_stock *s = x.first; s && rc == HILO_OK; s = s->next)
        if (!id_none(b.stock) && id_eq(s->id, b.stock))
            rc = shelf_take(gw, actor, sale, item->sku, s, &quantity, &e);
    for (struct shelf_stock *s = x.first; s && rc == HILO_OK; s = s->next)
        rc = shelf_take(gw, actor, sale, item->sku, s, &quantity, &e);
    for (const struct bought_wish *w = b.first; w && rc == HILO_OK; w = w->next) {
        const struct ev_wish_settled ev = {.id = w->id,
                                           .status = WISH_FULFILLED,
                                           .sale = sale,
                                           .terminal = place->terminal,
                                           .clerk = place->clerk};
        rc = store_append(gw->store, &ev_desc_wish_settled, &ev, actor, clock_wall_us(), NULL, &e);
    }
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
