/* store_check: visits and sales. */
#include "store/check.h"
#include "base/ids.h"
#include "base/str.h"

#define FOUND(ck, table, key, words) check__found((ck), #table, (key), "%s", (words))

/* What the event at a position says. */
struct deal {
    struct hilo_id id, customer;
    uint8_t kind;
    uint64_t at;
    struct hilo_str number;
};

static bool deal_read(struct check *ck, const char *table, struct hilo_str key, struct hilo_str val,
                      struct deal *out)
{
    struct ev_visit_recorded visit;
    struct ev_sale_recorded sale;
    struct event ev;
    struct err e = {0};

    if (!ck->journal)
        return false;
    if (journal_read(ck->journal, key_tail_u64(val, 0), ck->arena, &ev, &e) != HILO_OK) {
        check__found(ck, table, key, "its event can't be read: %s", e.text);
        return false;
    }
    if (ev.head.type == EVENT_visit_recorded &&
        rec_unpack(&ev_desc_visit_recorded, ev.body, &visit, NULL) == HILO_OK) {
        *out = (struct deal){visit.id, visit.customer, DEAL_VISIT, visit.at, {0}};
        return true;
    }
    if (ev.head.type == EVENT_sale_recorded &&
        rec_unpack(&ev_desc_sale_recorded, ev.body, &sale, NULL) == HILO_OK) {
        *out = (struct deal){sale.id, sale.customer, DEAL_SALE, sale.at, sale.number};
        return true;
    }
    check__found(ck, table, key, "its position holds neither a visit nor a sale");
    return false;
}

void check__deal(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct deal d;

    (void)rec;
    if (!deal_read(ck, "DEAL", key, val, &d))
        return;
    const struct key customer = key_of_id(d.customer),
                     index = key_deal_customer(d.customer, d.kind, d.at, d.id),
                     number = key_sale_number(d.number, d.id);
    if (!id_eq(d.id, check__id(key, 0)))
        FOUND(ck, DEAL, key, "its event is another's");
    if (!check__has(ck, TABLE_CUSTOMER, &customer))
        FOUND(ck, DEAL, key, "its customer does not exist");
    if (!check__has(ck, TABLE_DEAL_CUSTOMER, &index))
        FOUND(ck, DEAL, key, "it is missing in DEAL_CUSTOMER");
    if (d.kind == DEAL_SALE && !check__has(ck, TABLE_SALE_NUMBER, &number))
        FOUND(ck, DEAL, key, "its number is missing in SALE_NUMBER");
}

void check__deal_customer(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct key k = key_of_id(key_tail_id(key));
    struct hilo_str at;
    struct deal d;

    (void)rec;
    if (!check__raw(ck, TABLE_DEAL, &k, &at) || !str_eq(at, val)) {
        FOUND(ck, DEAL_CUSTOMER, key, "DEAL has no such entry, or another position");
        return;
    }
    if (!deal_read(ck, "DEAL_CUSTOMER", key, val, &d))
        return;
    const struct key again = key_deal_customer(d.customer, d.kind, d.at, d.id);
    if (!check__same(&again, key))
        FOUND(ck, DEAL_CUSTOMER, key, "its event has another customer or time");
}

void check__sale_number(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct hilo_id id = key_tail_id(key);
    const struct key k = key_of_id(id);
    struct hilo_str at;
    struct deal d;

    (void)rec;
    if (!check__raw(ck, TABLE_DEAL, &k, &at)) {
        FOUND(ck, SALE_NUMBER, key, "its sale does not exist");
        return;
    }
    if (!deal_read(ck, "SALE_NUMBER", key, at, &d))
        return;
    const struct key again = key_sale_number(d.number, id);
    if (!check__same(&again, key) || !id_eq(d.customer, check__id(val, 0)))
        FOUND(ck, SALE_NUMBER, key, "its sale has another number or customer");
}
