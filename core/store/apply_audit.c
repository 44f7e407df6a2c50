/*
 * Apply: look-ups of people. The writer has found whom it names; apply doesn't look again, as this is what
 * a clerk waits for.
 */
#include "store/apply.h"
#include "base/ids.h"

int32_t apply__customer_looked_up(struct apply *a, const struct ev_customer_looked_up *e)
{
    const uint64_t time = (uint64_t)a->event->head.time_us, seq = a->event->head.seq;
    const struct rec_audit r = {.at = a->event->at,
                                .customer = e->customer,
                                .store = e->store,
                                .terminal = e->terminal,
                                .clerk = e->clerk};
    struct key k = key_audit(time, seq);

    apply__put(a, TABLE_AUDIT, &k, &rec_desc_audit, &r);
    if (!id_none(e->customer)) {
        k = key_audit_customer(e->customer, time, seq);
        apply__put_raw(a, TABLE_AUDIT_CUSTOMER, &k, (struct hilo_str){0});
    }
    return HILO_OK;
}
