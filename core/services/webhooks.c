/* Endpoints of webhooks. What is decided here is who may have what sent where; everything else is the
 * outbox's. */
#include "services/webhooks.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/access.h"
#include "services/outbox.h"
#include "services/outbox_sign.h"
#include "services/outbox_url.h"
#include "services/public_event.h"
#include "store/keys.h"
#include <openssl/crypto.h>

static int check_change(struct gateway *gw, const struct webhook_change *c, struct fault *f)
{
    struct hilo_str unknown;
    struct err e = {0};
    uint64_t types;

    if ((c->set & WEBHOOK_URL) && outbox_url_check(c->url, gw->webhooks_plain, &e) != HILO_OK)
        return fault_set(f, 422, "invalid_url", "/url", "the URL: %.300s", e.text);
    if ((c->set & WEBHOOK_TYPES) && c->types.n && !public_types_parse(c->types, &types, &unknown))
        return fault_set(f, 422, "unknown_type", "/types",
                         "\"%.*s\" is no type of event; see the types in /openapi.json",
                         (int)(unknown.n > 60 ? 60 : unknown.n), unknown.p ? unknown.p : "");
    return 0;
}

/* Who changes where events go, or learns the secret, sees what the endpoint sees. */
static int check_scopes(const struct webhook *w, uint32_t scopes, struct arena *a, struct fault *f)
{
    struct hilo_str unknown;
    uint32_t has = 0;

    (void)access_scopes_parse(w->record.scopes, &has, &unknown);
    if (has & ~scopes)
        return fault_set(f, 403, "insufficient_scope", "", "this endpoint sees more than the key may: %.*s",
                         STR_FMT(access_scopes_text(has & ~scopes, a)));
    return 0;
}

static int append(struct gateway *gw, const struct actor *actor, const struct rec_desc *d, const void *ev,
                  struct fault *f)
{
    struct err e = {0};
    int32_t rc = store_append(gw->store, d, ev, actor, clock_wall_us(), NULL, &e);

    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

static bool count_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)key;
    (void)val;
    return ++*(unsigned *)arg < OUTBOX_ENDPOINTS;
}

int webhook_create(struct gateway *gw, const struct actor *actor, const struct webhook_change *c,
                   struct arena *a, struct hilo_str *secret_out, struct hilo_id *id_out, struct fault *f)
{
    uint8_t secret[OUTBOX_SECRET_BYTES];
    char text[OUTBOX_SECRET_TEXT];
    unsigned n = 0;
    struct err e = {0};
    int32_t rc = store_scan(gw->store, TABLE_WEBHOOK, (struct hilo_str){0}, (struct hilo_str){0}, false,
                            count_one, &n, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (n >= OUTBOX_ENDPOINTS)
        return fault_set(f, 409, "too_many_webhooks", "",
                         "there are %d endpoints already, the most that there may be; delete one",
                         OUTBOX_ENDPOINTS);
    if (check_change(gw, c, f) != 0)
        return -1;
    outbox_secret_new(secret);
    const struct ev_webhook_created ev = {.id = idgen_next(store_ids(gw->store)),
                                          .url = c->url,
                                          .types = c->types,
                                          .description = c->description,
                                          .scopes = access_scopes_text(c->scopes, a),
                                          .secret = str_n(secret, sizeof secret)};
    int failed = append(gw, actor, &ev_desc_webhook_created, &ev, f);
    outbox_secret_text(secret, text);
    *secret_out = arena_str(a, str(text));
    *id_out = ev.id;
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(text, sizeof text);
    return failed;
}

int webhook_update(struct gateway *gw, const struct actor *actor, const struct webhook *w,
                   const struct webhook_change *c, struct arena *a, struct fault *f)
{
    const struct ev_webhook_updated ev = {.id = w->id,
                                          .set = c->set,
                                          .url = c->url,
                                          .types = c->types,
                                          .description = c->description,
                                          .scopes = access_scopes_text(c->scopes, a)};

    if (check_change(gw, c, f) != 0)
        return -1;
    if ((c->set & (WEBHOOK_URL | WEBHOOK_TYPES)) && check_scopes(w, c->scopes, a, f) != 0)
        return -1;
    return append(gw, actor, &ev_desc_webhook_updated, &ev, f);
}

int webhook_rotate(struct gateway *gw, const struct actor *actor, const struct webhook *w, uint32_t scopes,
                   int64_t overlap_us, struct arena *a, struct hilo_str *secret_out, struct fault *f)
{
    uint8_t secret[OUTBOX_SECRET_BYTES];
    char text[OUTBOX_SECRET_TEXT];

    if (check_scopes(w, scopes, a, f) != 0)
        return -1;
    outbox_secret_new(secret);
    const struct ev_webhook_rotated ev = {.id = w->id,
                                          .secret = str_n(secret, sizeof secret),
                                          .until = overlap_us ? (uint64_t)(clock_wall_us() + overlap_us) : 0};
    int failed = append(gw, actor, &ev_desc_webhook_rotated, &ev, f);
    outbox_secret_text(secret, text);
    *secret_out = arena_str(a, str(text));
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(text, sizeof text);
    return failed;
}

int webhook_enable(struct gateway *gw, const struct actor *actor, struct hilo_id id, bool enabled,
                   struct fault *f)
{
    const struct ev_webhook_enabled on = {.id = id};
    const struct ev_webhook_disabled off = {.id = id, .reason = STR("operator")};

    return enabled ? append(gw, actor, &ev_desc_webhook_enabled, &on, f)
                   : append(gw, actor, &ev_desc_webhook_disabled, &off, f);
}

int webhook_delete(struct gateway *gw, const struct actor *actor, struct hilo_id id, struct fault *f)
{
    const struct ev_webhook_deleted ev = {.id = id};

    return append(gw, actor, &ev_desc_webhook_deleted, &ev, f);
}

/* ---- looking -------------------------------------------------------------------------------- */

int webhook_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct webhook *out, struct fault *f)
{
    struct key k = key_of_id(id);
    struct err e = {0};
    int32_t rc = store_record(gw->store, TABLE_WEBHOOK, key_str(&k), &rec_desc_webhook, a, &out->record, &e);

    out->id = id;
    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_webhook", "",
                         "there is no such endpoint; GET /v1/webhooks lists them");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

struct ids {
    struct hilo_id id[OUTBOX_ENDPOINTS];
    unsigned n;
};

static bool ids_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct ids *ids = arg;

    (void)val;
    ids->id[ids->n++] = key_tail_id(key);
    return ids->n < OUTBOX_ENDPOINTS;
}

int webhook_list(struct gateway *gw, struct arena *a, webhook_fn *fn, void *arg, struct fault *f)
{
    struct ids ids = {.n = 0};
    struct webhook w;
    struct err e = {0};
    int32_t rc = store_scan(gw->store, TABLE_WEBHOOK, (struct hilo_str){0}, (struct hilo_str){0}, false,
                            ids_collect, &ids, &e);

    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    for (unsigned i = 0; i < ids.n; i++) {
        if (webhook_get(gw, ids.id[i], a, &w, f) != 0)
            return -1;
        fn(arg, &w);
    }
    return 0;
}

struct page {
    struct arena *arena;
    struct hilo_id after;
    unsigned n, limit;
    struct parked_one {
        struct hilo_id customer;
        struct hilo_str val;
    } * one;
};

static bool page_collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct page *p = arg;
    struct hilo_id customer = key_tail_id(key);

    if (id_eq(customer, p->after))
        return true;
    p->one[p->n++] = (struct parked_one){customer, arena_str(p->arena, val)};
    return p->n <= p->limit;
}

int webhook_parked(struct gateway *gw, struct hilo_id webhook, struct hilo_id after, unsigned limit,
                   struct arena *a, webhook_parked_fn *fn, void *arg, struct hilo_id *next_out,
                   struct fault *f)
{
    struct page p = {.arena = a, .after = after, .limit = limit};
    struct key prefix = key_of_id(webhook), from = key_pair(webhook, after);
    struct rec_parked r;
    struct err e = {0};
    int32_t rc;

    p.one = ARENA_ARRAY(a, struct parked_one, limit + 1);
    rc = store_scan(gw->store, TABLE_WEBHOOK_PARKED, key_str(&prefix), key_str(&from), false, page_collect,
                    &p, &e);
    for (unsigned i = 0; i < p.n && i < limit && rc == HILO_OK; i++) {
        rc = rec_unpack(&rec_desc_parked, p.one[i].val, &r, &e);
        if (rc == HILO_OK)
            fn(arg, p.one[i].customer, &r);
    }
    *next_out = p.n > limit ? p.one[limit - 1].customer : (struct hilo_id){{0}};
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
