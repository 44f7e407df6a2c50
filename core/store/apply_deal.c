/* Apply: visits and sales. Their events hold them; the tables say where. */
#include "store/apply.h"

static void deal_put(struct apply *a, struct hilo_id id, struct hilo_id customer, uint8_t kind, uint64_t at)
{
    const struct key k = key_of_id(id), by_customer = key_deal_customer(customer, kind, at, id);
    struct key where;

    key_init(&where);
    key_u64(&where, a->event->at);
    apply__put_raw(a, TABLE_DEAL, &k, key_str(&where));
    apply__put_raw(a, TABLE_DEAL_CUSTOMER, &by_customer, key_str(&where));
}

int32_t apply__visit_recorded(struct apply *a, const struct ev_visit_recorded *e)
{
    deal_put(a, e->id, e->customer, DEAL_VISIT, e->at);
    return HILO_OK;
}

int32_t apply__sale_recorded(struct apply *a, const struct ev_sale_recorded *e)
{
    const struct key number = key_sale_number(e->number, e->id);

    deal_put(a, e->id, e->customer, DEAL_SALE, e->at);
    apply__put_raw(a, TABLE_SALE_NUMBER, &number, (struct hilo_str){(const char *)e->customer.b, 16});
    return HILO_OK;
}
