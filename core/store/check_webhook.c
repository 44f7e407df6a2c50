/* store_check: webhooks, their cursors, and what waits for them. */
#include "store/check.h"
#include "base/str.h"

#define FOUND(ck, table, key, ...) check__found((ck), #table, (key), __VA_ARGS__)

void check__webhook(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_webhook *r = rec;

    (void)val;
    if (r->secret.n < 24 || r->secret.n > 64)
        FOUND(ck, WEBHOOK, key, "its secret has %llu bytes", (unsigned long long)r->secret.n);
    if (r->cursor > ck->reached)
        FOUND(ck, WEBHOOK, key, "its cursor is beyond the last event");
}

void check__webhook_parked(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    const struct rec_parked *r = rec;
    struct key webhook = key_of_id(check__id(key, 0)), all;
    uint64_t n;

    (void)val;
    key_init(&all);
    key_bytes(&all, key);
    n = check__count(ck, TABLE_WEBHOOK_WAITING, &all);
    if (!check__has(ck, TABLE_WEBHOOK, &webhook))
        FOUND(ck, WEBHOOK_PARKED, key, "its WEBHOOK does not exist");
    if (r->waiting == 0 || r->waiting != n)
        FOUND(ck, WEBHOOK_PARKED, key, "it says that %llu events wait, but WEBHOOK_WAITING has %llu",
              (unsigned long long)r->waiting, (unsigned long long)n);
}

void check__webhook_waiting(struct check *ck, struct hilo_str key, struct hilo_str val, const void *rec)
{
    struct key parked = key_pair(check__id(key, 0), check__id(key, 16));

    (void)val;
    (void)rec;
    if (!check__has(ck, TABLE_WEBHOOK_PARKED, &parked))
        FOUND(ck, WEBHOOK_WAITING, key, "its WEBHOOK_PARKED does not exist");
    if (key_tail_u64(key, 0) > ck->reached)
        FOUND(ck, WEBHOOK_WAITING, key, "the event is beyond the last one");
}
