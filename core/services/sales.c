/* Visits and sales. The events hold them; what is listed is read from there. */
#include "services/sales.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/cases.h"
#include "services/customers.h"
#include "services/stock.h"
#include "store/keys.h"
#include <stdio.h>

enum { SAME_NUMBER_MAX = 50 };

bool sale_money(struct hilo_str s)
{
    uint64_t whole = 0, part = 0, i = s.n && s.p[0] == '-';

    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        whole++;
    if (i < s.n && s.p[i] == '.')
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            part++;
    return i == s.n && whole >= 1 && whole <= 15 && part <= 4 && s.p[s.n - 1] != '.';
}

static int deal_check(struct gateway *gw, struct hilo_id customer, struct hilo_id case_id,
                      const struct place *place, struct arena *a, struct fault *f)
{
    struct rec_customer who;
    struct rec_case c;

    if (place_check(place, f) != 0)
        return -1;
    if (customer_get(gw, customer, a, &who, f) != 0)
        return f->status == 404
                   ? fault_set(f, 422, "unknown_customer", "/customer", "there is no such customer")
                   : -1;
    if (id_none(case_id))
        return 0;
    if (case_get(gw, case_id, a, &c, f) != 0)
        return f->status == 404 ? fault_set(f, 422, "unknown_case", "/case", "there is no such case") : -1;
    if (!id_eq(c.customer, customer))
        return fault_set(f, 422, "case_of_another", "/case", "this case belongs to another customer");
    return 0;
}

int visit_record(struct gateway *gw, const struct actor *actor, const struct visit_request *r,
                 struct arena *a, struct hilo_id *out, struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct err e = {0};

    if (deal_check(gw, r->customer, r->case_id, &r->place, a, f) != 0)
        return -1;
    const struct ev_visit_recorded ev = {.id = idgen_next(store_ids(gw->store)),
                                         .customer = r->customer,
                                         .purpose = r->purpose,
                                         .outcome = r->outcome,
                                         .case_id = r->case_id,
                                         .at = (uint64_t)(r->at ? r->at : now),
                                         .store = r->place.store,
                                         .terminal = r->place.terminal,
                                         .clerk = r->place.clerk};
    int32_t rc = store_append(gw->store, &ev_desc_visit_recorded, &ev, actor, now, NULL, &e);
    *out = ev.id;
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- sales ---- */

static int item_check(const struct sale_item *i, unsigned n, struct fault *f)
{
    char pointer[40];

    if (!i->sku.n && !i->name.n) {
        (void)snprintf(pointer, sizeof pointer, "/items/%u", n);
        return fault_set(f, 422, "missing_field", pointer, "an item has a sku or a name");
    }
    if (i->sku.n && !stock_sku_ok(i->sku)) {
        (void)snprintf(pointer, sizeof pointer, "/items/%u/sku", n);
        return fault_set(f, 422, "invalid_field", pointer, "a SKU has 1 to %d bytes on one line", SKU_MAX);
    }
    if (i->price.n && !sale_money(i->price)) {
        (void)snprintf(pointer, sizeof pointer, "/items/%u/price", n);
        return fault_set(f, 422, "invalid_field", pointer,
                         "price: a decimal as a string, like \"129900.00\", is expected");
    }
    return 0;
}

static int sale_check(const struct sale_request *r, struct fault *f)
{
    bool iso = r->currency.n == 3;

    for (uint64_t i = 0; i < r->currency.n; i++)
        iso = iso && r->currency.p[i] >= 'A' && r->currency.p[i] <= 'Z';
    if (!iso)
        return fault_set(f, 422, "invalid_field", "/currency",
                         "currency: three capitals of ISO 4217, like COP");
    if (!sale_money(r->total))
        return fault_set(f, 422, "invalid_field", "/total",
                         "total: a decimal as a string, like \"129900.00\", is expected");
    for (unsigned i = 0; i < r->n; i++)
        if (item_check(&r->item[i], i, f) != 0)
            return -1;
    return 0;
}

static int items_json(const struct sale_request *r, struct arena *a, struct hilo_str *out, struct fault *f)
{
    struct out o = {0};

    out_begin(&o, NULL, '[');
    for (unsigned i = 0; i < r->n; i++) {
        const struct sale_item *x = &r->item[i];
        out_begin(&o, NULL, '{');
        out_opt(&o, "sku", x->sku);
        out_opt(&o, "name", x->name);
        out_opt(&o, "size", x->size);
        out_opt(&o, "colour", x->colour);
        out_u64(&o, "quantity", x->quantity);
        out_opt(&o, "price", x->price);
        out_end(&o, '}');
    }
    out_end(&o, ']');
    *out = arena_str(a, buf_str(&o.b));
    buf_done(&o.b);
    return o.failed ? fault_set(f, 503, "no_memory", NULL, "out of memory; try again later") : 0;
}

int sale_record(struct gateway *gw, const struct actor *actor, const struct sale_request *r, struct arena *a,
                struct hilo_id *out, struct fault *f)
{
    const int64_t now = clock_wall_us();
    struct hilo_str items;
    struct err e = {0};

    if (sale_check(r, f) != 0 || deal_check(gw, r->customer, r->case_id, &r->place, a, f) != 0 ||
        items_json(r, a, &items, f) != 0)
        return -1;
    const struct ev_sale_recorded ev = {.id = idgen_next(store_ids(gw->store)),
                                        .customer = r->customer,
                                        .number = r->number,
                                        .currency = r->currency,
                                        .total = r->total,
                                        .items = items,
                                        .case_id = r->case_id,
                                        .at = (uint64_t)(r->at ? r->at : now),
                                        .store = r->place.store,
                                        .terminal = r->place.terminal,
                                        .clerk = r->place.clerk};
    int32_t rc = store_append(gw->store, &ev_desc_sale_recorded, &ev, actor, now, NULL, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    *out = ev.id;
    for (unsigned i = 0; i < r->n; i++) {
        const struct sale_item *x = &r->item[i];
        const struct stock_item item = {x->sku, x->size, x->colour, r->place.store};
        if (x->sku.n && stock_sold(gw, actor, ev.id, r->customer, &item, x->quantity, &r->place, a, f) != 0)
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

static int32_t deal_at(struct gateway *gw, struct hilo_str where, struct arena *a, struct deal *out,
                       struct err *e)
{
    struct event ev;
    int32_t rc = where.n == 8 ? store_event(gw->store, key_tail_u64(where, 0), a, &ev, e)
                              : err_set(e, HILO_CORRUPT, "a visit or sale has no position");

    if (rc != HILO_OK)
        return rc;
    memset(out, 0, sizeof *out);
    if (ev.head.type == EVENT_visit_recorded) {
        out->kind = DEAL_VISIT;
        rc = rec_unpack(&ev_desc_visit_recorded, ev.body, &out->visit, e);
        out->id = out->visit.id;
    } else if (ev.head.type == EVENT_sale_recorded) {
        out->kind = DEAL_SALE;
        rc = rec_unpack(&ev_desc_sale_recorded, ev.body, &out->sale, e);
        out->id = out->sale.id;
    } else {
        rc = err_set(e, HILO_CORRUPT, "the position of a visit or sale holds another event");
    }
    return rc;
}

int deal_get(struct gateway *gw, struct hilo_id id, uint64_t kind, struct arena *a, struct deal *out,
             struct fault *f)
{
    const struct key k = key_of_id(id);
    struct hilo_str where;
    struct err e = {0};
    int32_t rc = store_get(gw->store, TABLE_DEAL, key_str(&k), a, &where, &e);

    if (rc == HILO_OK)
        rc = deal_at(gw, where, a, out, &e);
    else if (rc == HILO_NOTFOUND)
        out->kind = 0;
    if (rc == HILO_NOTFOUND || (rc == HILO_OK && out->kind != kind))
        return kind == DEAL_SALE ? fault_set(f, 404, "unknown_sale", NULL, "there is no such sale")
                                 : fault_set(f, 404, "unknown_visit", NULL, "there is no such visit");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

struct deals {
    struct arena *arena;
    struct hilo_str after, *key, *where;
    unsigned n, max;
};

static bool deals_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct deals *d = arg;

    if (d->after.n && str_eq(key, d->after))
        return true;
    d->key[d->n] = arena_str(d->arena, key);
    d->where[d->n] = arena_str(d->arena, val);
    return ++d->n < d->max;
}

int deal_list(struct gateway *gw, struct hilo_id customer, uint64_t kind, struct hilo_str after,
              unsigned limit, struct arena *a, deal_fn *fn, void *arg, struct hilo_str *next_out,
              struct fault *f)
{
    enum { TAIL = 8 + 16 };
    struct deals d = {.arena = a,
                      .key = ARENA_ARRAY(a, struct hilo_str, limit + 1),
                      .where = ARENA_ARRAY(a, struct hilo_str, limit + 1),
                      .max = limit + 1};
    struct key prefix = key_of_id(customer), from;
    struct err e = {0};

    *next_out = (struct hilo_str){0};
    key_u8(&prefix, (uint8_t)kind);
    from = prefix;
    if (after.n != 0 && after.n != TAIL)
        return fault_set(f, 400, "invalid_cursor", NULL, "this cursor is not of this list");
    if (after.n) {
        key_bytes(&from, after);
        d.after = key_str(&from);
    }
    int32_t rc =
        store_scan(gw->store, TABLE_DEAL_CUSTOMER, key_str(&prefix), d.after, false, deals_add, &d, &e);
    for (unsigned i = 0; i < d.n && i < limit && rc == HILO_OK; i++) {
        struct deal one;
        rc = deal_at(gw, d.where[i], a, &one, &e);
        if (rc == HILO_OK)
            fn(arg, &one);
    }
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (d.n > limit)
        *next_out = str_n(d.key[limit - 1].p + d.key[limit - 1].n - TAIL, TAIL);
    return 0;
}

static void shape_place(struct out *o, struct hilo_str store, struct hilo_str terminal, struct hilo_str clerk)
{
    out_opt(o, "store", store);
    out_opt(o, "terminal", terminal);
    out_opt(o, "clerk", clerk);
}

void visit_members(struct out *o, const struct ev_visit_recorded *v)
{
    out_id(o, "id", "vis", v->id);
    out_id(o, "customer", "cus", v->customer);
    out_time(o, "at", v->at);
    out_opt(o, "purpose", v->purpose);
    out_opt(o, "outcome", v->outcome);
    out_id(o, "case", "cas", v->case_id);
    shape_place(o, v->store, v->terminal, v->clerk);
}

void sale_members(struct out *o, const struct ev_sale_recorded *s)
{
    out_id(o, "id", "sal", s->id);
    out_id(o, "customer", "cus", s->customer);
    out_time(o, "at", s->at);
    out_str(o, "number", s->number);
    out_str(o, "currency", s->currency);
    out_str(o, "total", s->total);
    out_raw(o, "items", s->items);
    out_id(o, "case", "cas", s->case_id);
    shape_place(o, s->store, s->terminal, s->clerk);
}

void deal_shape(struct out *o, const char *key, const struct deal *d)
{
    out_begin(o, key, '{');
    if (d->kind == DEAL_VISIT)
        visit_members(o, &d->visit);
    else
        sale_members(o, &d->sale);
    out_end(o, '}');
}

/* ---- by number ---- */

struct numbered {
    struct hilo_id sale[SAME_NUMBER_MAX], customer[SAME_NUMBER_MAX];
    unsigned n;
};

static bool numbered_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct numbered *x = arg;

    x->sale[x->n] = key_tail_id(key);
    x->customer[x->n++] = key_tail_id(val);
    return x->n < SAME_NUMBER_MAX;
}

int32_t sale_customer(struct gateway *gw, struct hilo_str number, struct hilo_str store, struct arena *a,
                      struct hilo_id *out, struct err *e)
{
    struct numbered *x = ARENA_NEW(a, struct numbered);
    const struct key prefix = key_channel(number);
    struct hilo_id found = {{0}};
    int32_t rc = store_scan(gw->store, TABLE_SALE_NUMBER, key_str(&prefix), (struct hilo_str){0}, true,
                            numbered_add, x, e);

    for (unsigned i = 0; i < x->n && rc == HILO_OK; i++) {
        struct deal d = {.kind = 0};
        if (id_eq(found, x->customer[i]))
            continue;
        if (x->n > 1 && store.n) {
            /* Each store numbers its own: of several the one of this store. */
            const struct key k = key_of_id(x->sale[i]);
            struct hilo_str where;
            rc = store_get(gw->store, TABLE_DEAL, key_str(&k), a, &where, e);
            if (rc == HILO_OK)
                rc = deal_at(gw, where, a, &d, e);
            if (rc != HILO_OK)
                break;
            if (!str_eq(d.sale.store, store))
                continue;
        }
        if (!id_none(found))
            return err_set(e, HILO_DUPLICATE, "several customers have a sale with this number");
        found = x->customer[i];
    }
    if (rc != HILO_OK)
        return rc;
    if (id_none(found))
        return HILO_NOTFOUND;
    *out = found;
    return HILO_OK;
}
