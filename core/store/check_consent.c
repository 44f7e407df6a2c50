/*
 * store_check: what must hold for consents: an address's entry has the customer's of the
 * same event, or a later one of it, beside it.
 */
#include "store/check.h"
#include "base/str.h"

#define FOUND(ck, table, key, words) check__found((ck), #table, (key), "%s", (words))

static void value(struct check *ck, const char *table, struct hilo_str key, const struct rec_consent *r)
{
    struct key k = key_of_id(r->message);

    if (r->state != CONSENT_GRANTED && r->state != CONSENT_DENIED)
        check__found(ck, table, key, "it is neither granted nor denied");
    if (r->seq == 0 || r->seq > ck->reached)
        check__found(ck, table, key, "its sequence was not reached");
    if ((r->how == CONSENT_BY_WORD || r->how == CONSENT_BY_LINK) && !check__has(ck, TABLE_MESSAGE, &k))
        check__found(ck, table, key, "the message that said it does not exist");
}

void check__consent(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_consent *r = rec;
    struct hilo_id customer = check__id(key, 0);
    struct key k = key_of_id(customer);

    (void)val;
    value(ck, "CONSENT", key, r);
    if (!check__has(ck, TABLE_CUSTOMER, &k))
        FOUND(ck, CONSENT, key, "its customer does not exist");
    if (!check__same(&k, str_n(r->customer.b, sizeof r->customer.b)))
        FOUND(ck, CONSENT, key, "it is another customer's");
}

void check__consent_address(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_consent *r = rec;
    struct rec_consent own;
    struct hilo_str channel, rest;

    (void)val;
    value(ck, "CONSENT_ADDRESS", key, r);
    if (!str_cut(key, '\0', &channel, &rest)) {
        FOUND(ck, CONSENT_ADDRESS, key, "its key names no channel");
        return;
    }
    /* The key has a channel's name as it is: a name is too short to be digested. */
    struct key k = key_consent(r->customer, (uint8_t)key.p[key.n - 1], CONSENT_CHANNEL, channel);
    if (!check__get(ck, TABLE_CONSENT, &k, &rec_desc_consent, &own))
        FOUND(ck, CONSENT_ADDRESS, key, "it is missing among its customer's (CONSENT)");
    else if (own.seq < r->seq)
        FOUND(ck, CONSENT_ADDRESS, key, "its customer's is older");
}
