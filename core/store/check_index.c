/*
 * store_check: the walk over a context's tables. Each row below is one relation: a
 * table, the sizes that its keys and values have, the record that the value is, and
 * the function that looks for what must stand elsewhere. Sizes are checked here, so
 * the functions may count on them.
 */
#include "store/check.h"
#include "base/check.h"
#include "base/str.h"
#include <stdlib.h>

enum { ANY = -1, ID = 16, U64 = 8, HASH = 32 };

static const struct relation {
    enum table table;
    uint16_t key_min, key_max;
    int16_t val;
    const struct rec_desc *desc; /* of the value; NULL: it is no record */
    check_relation_fn *fn;
} relations[] = {
    {TABLE_CUSTOMER, ID, ID, ANY, &rec_desc_customer, check__customer},
    {TABLE_IDENTIFIER, 3, CONTEXT_KEY_MAX, ANY, &rec_desc_identifier, check__identifier},
    {TABLE_CUSTOMER_IDENT, ID + 3, CONTEXT_KEY_MAX, ANY, NULL, check__customer_ident},
    {TABLE_ADDRESS, 4, CONTEXT_KEY_MAX, ID, NULL, check__address},
    {TABLE_CONVERSATION, ID, ID, ANY, &rec_desc_conversation, check__conversation},
    {TABLE_WAITING, ID + U64, ID + U64, ID, NULL, check__waiting},
    {TABLE_MESSAGE, ID, ID, ANY, &rec_desc_message, check__message_entry},
    {TABLE_THREAD, ID, ID, ANY, &rec_desc_thread, check__thread},
    {TABLE_EXT, 2, CONTEXT_KEY_MAX, ANY, NULL, check__ext},
    {TABLE_PARKED, 2 + U64, CONTEXT_KEY_MAX, ANY, NULL, check__parked},
    {TABLE_PARKED_AGE, U64 + 2 + U64, CONTEXT_KEY_MAX, 0, NULL, check__parked_age},
    {TABLE_DUE, 1 + 1 + 2 * U64, CONTEXT_KEY_MAX, ID, NULL, check__due},
    {TABLE_JOB, 1 + U64 + ID, CONTEXT_KEY_MAX, 0, NULL, check__job},
    {TABLE_IN_FLIGHT, 1 + ID, CONTEXT_KEY_MAX, U64, NULL, check__in_flight},
    {TABLE_EXPIRY, U64 + ID, U64 + ID, 0, NULL, check__expiry},
    {TABLE_IDEMPOTENCY, 1, CONTEXT_KEY_MAX - U64, ANY, &rec_desc_idempotency, check__idempotency},
    {TABLE_IDEMPOTENCY_AGE, U64 + 1, CONTEXT_KEY_MAX, 0, NULL, check__idempotency_age},
    {TABLE_CASE, ID, ID, ANY, &rec_desc_case, check__case},
    {TABLE_CASE_INDEX, 1 + U64 + ID, 1 + U64 + ID, 0, NULL, check__case_index},
    {TABLE_CASE_CUSTOMER, ID + ID, ID + ID, 0, NULL, check__case_customer},
    {TABLE_CASE_MESSAGE, ID + U64, ID + U64, ID, NULL, check__case_message},
    {TABLE_MEDIA, ID, ID, ANY, &rec_desc_media, check__media},
    {TABLE_KEY, HASH, HASH, ANY, &rec_desc_key, check__key},
    {TABLE_KEY_ID, ID, ID, HASH, NULL, check__key_id},
    {TABLE_CHANNEL, 1, CONTEXT_KEY_MAX, ANY, &rec_desc_channel, check__value},
    {TABLE_TEMPLATE, 3, CONTEXT_KEY_MAX, ANY, &rec_desc_template, check__template},
    {TABLE_PARTS, 2, CONTEXT_KEY_MAX, ANY, &rec_desc_parts, check__parts},
    {TABLE_PARTS_AGE, 1 + U64 + 1, CONTEXT_KEY_MAX, 0, NULL, check__parts_age},
    {TABLE_CONSENT, ID + 3, CONTEXT_KEY_MAX, ANY, &rec_desc_consent, check__consent},
    {TABLE_CONSENT_ADDRESS, 5, CONTEXT_KEY_MAX, ANY, &rec_desc_consent, check__consent_address},
    {TABLE_CALLBACK, 2 * U64 + 1, 2 * U64 + 1, ANY, &rec_desc_callback, check__callback},
    {TABLE_WEBHOOK, ID, ID, ANY, &rec_desc_webhook, check__webhook},
    {TABLE_WEBHOOK_PARKED, ID + ID, ID + ID, ANY, &rec_desc_parked, check__webhook_parked},
    {TABLE_WEBHOOK_WAITING, ID + ID + U64, ID + ID + U64, 0, NULL, check__webhook_waiting},
    {TABLE_SCHEDULED, U64 + ID, U64 + ID, 0, NULL, check__scheduled},
    {TABLE_AUDIT, 2 * U64, 2 * U64, ANY, &rec_desc_audit, check__audit},
    {TABLE_AUDIT_CUSTOMER, ID + 2 * U64, ID + 2 * U64, 0, NULL, check__audit_customer},
    {TABLE_APPOINTMENT, ID, ID, ANY, &rec_desc_appointment, check__appointment},
    {TABLE_APPOINTMENT_INDEX, 1 + U64 + ID, CONTEXT_KEY_MAX, 0, NULL, check__appointment_index},
    {TABLE_APPOINTMENT_OPEN, 2, 1 + U64 + ID, ANY, NULL, check__appointment_open},
    {TABLE_WISH, ID, ID, ANY, &rec_desc_wish, check__wish},
    {TABLE_WISH_SKU, 1 + U64, CONTEXT_KEY_MAX, ANY, &rec_desc_wish_turn, check__wish_sku},
    {TABLE_WISH_CUSTOMER, ID + ID, ID + ID, 0, NULL, check__wish_customer},
    {TABLE_STOCK, 1 + ID, CONTEXT_KEY_MAX, ANY, &rec_desc_stock, check__stock},
    {TABLE_STOCK_DUE, U64 + ID, U64 + ID, ANY, NULL, check__stock_due},
    {TABLE_DEAL, ID, ID, U64, NULL, check__deal},
    {TABLE_DEAL_CUSTOMER, ID + 1 + U64 + ID, ID + 1 + U64 + ID, U64, NULL, check__deal_customer},
    {TABLE_SALE_NUMBER, 1 + ID, CONTEXT_KEY_MAX, ID, NULL, check__sale_number},
    {TABLE_CALL, ID, ID, ANY, &rec_desc_call, check__call},
    {TABLE_CALL_INDEX, 1 + ID, CONTEXT_KEY_MAX, 0, NULL, check__call_index},
    {TABLE_CALL_EXT, 2, CONTEXT_KEY_MAX, ID, NULL, check__call_ext},
    {TABLE_PLUGIN, 3, CONTEXT_KEY_MAX, ANY, &rec_desc_plugin_value, check__value},
};

struct walk {
    struct check *check;
    const struct relation *row;
};

static bool walk_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    const struct walk *w = arg;
    const struct relation *row = w->row;
    struct check *ck = w->check;
    void *rec = NULL;
    struct err e = {0};

    if (key.n < row->key_min || key.n > row->key_max) {
        check__found(ck, table_name(row->table), key, "its key has %llu bytes", (unsigned long long)key.n);
        return true;
    }
    if (row->val != ANY && val.n != (uint64_t)row->val) {
        check__found(ck, table_name(row->table), key, "its value has %llu bytes, not %d",
                     (unsigned long long)val.n, row->val);
        return true;
    }
    if (row->desc) {
        rec = arena_alloc(ck->arena, row->desc->bytes);
        if (rec_unpack(row->desc, val, rec, &e) != HILO_OK) {
            check__found(ck, table_name(row->table), key, "%s", e.text);
            arena_reset(ck->arena);
            return true;
        }
    }
    row->fn(ck, key, val, rec);
    arena_reset(ck->arena);
    return true;
}

void check__indexes(struct check *ck)
{
    ck->threaded = ck->chained = 0;
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++) {
        struct walk w = {ck, &relations[i]};
        struct err e = {0};
        if (context_walk(ck->context, relations[i].table, walk_one, &w, &e) != HILO_OK)
            check__found(ck, table_name(relations[i].table), (struct hilo_str){0}, "%s", e.text);
    }
    if (ck->journal && ck->threaded != ck->chained)
        check__found(ck, "THREAD", (struct hilo_str){0},
                     "the threads hold %llu messages, but %llu belong into one",
                     (unsigned long long)ck->chained, (unsigned long long)ck->threaded);
}

/* ---- what the relations look up ---- */

bool check__raw(struct check *ck, enum table table, const struct key *k, struct hilo_str *val_out)
{
    struct err e = {0};
    int32_t rc = context_get(ck->context, table, key_str(k), ck->arena, val_out, &e);

    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        check__found(ck, table_name(table), key_str(k), "%s", e.text);
    return rc == HILO_OK;
}

bool check__has(struct check *ck, enum table table, const struct key *k)
{
    struct hilo_str val;

    return check__raw(ck, table, k, &val);
}

bool check__get(struct check *ck, enum table table, const struct key *k, const struct rec_desc *d, void *out)
{
    struct hilo_str val;

    return check__raw(ck, table, k, &val) && rec_unpack(d, val, out, NULL) == HILO_OK;
}

static bool count_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)key;
    (void)val;
    ++*(uint64_t *)arg;
    return true;
}

uint64_t check__count(struct check *ck, enum table table, const struct key *prefix)
{
    struct err e = {0};
    uint64_t n = 0;

    if (context_scan(ck->context, table, key_str(prefix), (struct hilo_str){0}, false, count_one, &n, &e) !=
        HILO_OK)
        check__found(ck, table_name(table), key_str(prefix), "%s", e.text);
    return n;
}

struct hilo_id check__id(struct hilo_str key, uint64_t offset)
{
    struct hilo_id id;

    CHECK(offset <= key.n && key.n - offset >= sizeof id.b);
    memcpy(id.b, key.p + offset, sizeof id.b);
    return id;
}

bool check__same(const struct key *k, struct hilo_str key)
{
    return str_eq(key_str(k), key);
}
