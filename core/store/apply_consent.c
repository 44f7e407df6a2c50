/*
 * Apply: consents. One event says it of the customer and, on a channel, of the addresses
 * that it came from, so the two can't part; each category has an entry of its own, so the
 * later of two events counts by being later.
 */
#include "store/apply.h"

/* Categories have the values 1 to 63 at most, as bits. */
enum { CATEGORY_END = 64 };

static int32_t addresses(struct apply *a, const struct ev_consent_changed *e, uint64_t category,
                         const struct rec_consent *r)
{
    struct hilo_str rest = e->parties;
    struct hilo_field f;
    int rc;

    while ((rc = hilo_next(&rest, &f)) == 1) {
        struct key k = key_consent_address(e->name, f.val, category);
        apply__put(a, TABLE_CONSENT_ADDRESS, &k, &rec_desc_consent, r);
    }
    return rc == 0 ? HILO_OK : apply__wrong(a, "its addresses are no fields");
}

int32_t apply__consent_changed(struct apply *a, const struct ev_consent_changed *e)
{
    const struct rec_consent r = {.state = e->state,
                                  .how = e->how,
                                  .time = (uint64_t)a->event->head.time_us,
                                  .seq = a->event->head.seq,
                                  .customer = e->customer,
                                  .message = e->message,
                                  .proof = e->proof,
                                  .answer = e->answer,
                                  .actor_kind = a->event->head.actor_kind,
                                  .actor = a->event->head.actor};
    struct key k = key_of_id(e->customer);
    struct hilo_str customer;
    int32_t rc = apply__raw(a, TABLE_CUSTOMER, &k, &customer);

    if (rc == HILO_NOTFOUND)
        return apply__wrong(a, "no such customer");
    if (rc == HILO_OK && e->parties.n && e->reach != CONSENT_CHANNEL)
        return apply__wrong(a, "addresses without a channel");
    for (uint64_t category = 1; category < CATEGORY_END && rc == HILO_OK; category++) {
        if (!(e->categories >> category & 1))
            continue;
        k = key_consent(e->customer, category, e->reach, e->name);
        apply__put(a, TABLE_CONSENT, &k, &rec_desc_consent, &r);
        rc = addresses(a, e, category, &r);
    }
    return rc;
}
