/*
 * Consents: what is known, and whether a message may leave.
 *
 * Invariant: whoever has a denial in the store, or an address that has one, is in the watch.
 * It is filled from the tables once, and by note() with each change; nothing else writes
 * consents.
 *
 * The later of two is told by their events' sequences. Of what reaches a channel (said of
 * everything, of its type, of itself), the newest denial counts, unless something at least
 * as narrow was granted later.
 */
#include "services/consent.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/address.h"
#include "services/consent_watch.h"
#include "services/customers.h"
#include "services/delivery.h"
#include "store/keys.h"

enum { LISTED_MAX = 10000, NAME_SHOWN = 64 };

const char *consent_state_name(uint64_t state)
{
    return state == CONSENT_DENIED ? "denied" : "granted";
}

const char *consent_how_name(uint64_t how)
{
    static const char *const names[] = {"", "word", "api", "cli", "provider", "link"};

    return how < sizeof names / sizeof *names ? names[how] : "";
}

/* ---- who has denied something ---- */

/* The part of a key that stands for whom it is about. */
static struct hilo_str subject(enum table t, struct hilo_str key)
{
    return t == TABLE_CONSENT ? str_n(key.p, sizeof(struct hilo_id)) : str_n(key.p, (size_t)key.n - 1);
}

struct reading {
    struct consent_watch *watch;
    enum table table;
    int32_t rc;
};

static bool read_one(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct reading *x = arg;
    struct rec_consent r;

    x->rc = rec_unpack(&rec_desc_consent, val, &r, NULL);
    if (x->rc == HILO_OK && r.state == CONSENT_DENIED)
        consent_watch_add(x->watch, subject(x->table, key));
    return x->rc == HILO_OK;
}

int32_t consents_new(struct gateway *gw, struct err *e)
{
    static const enum table tables[] = {TABLE_CONSENT, TABLE_CONSENT_ADDRESS};
    struct reading x = {.watch = consent_watch_new(), .rc = HILO_OK};
    int32_t rc = HILO_OK;

    gw->consents = x.watch;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == HILO_OK; i++) {
        x.table = tables[i];
        rc = store_scan(gw->store, x.table, (struct hilo_str){0}, (struct hilo_str){0}, false, read_one, &x,
                        e);
        if (rc == HILO_OK && x.rc != HILO_OK)
            /* Whom it is about may not be written to, and it can't be told who that is. */
            rc = err_set(e, x.rc, "a consent in %s can't be read; run: hilod --check-store",
                         table_name(x.table));
    }
    return rc;
}

void consents_free(struct gateway *gw)
{
    consent_watch_free(&gw->consents);
}

static void note(struct gateway *gw, const struct ev_consent_changed *ev)
{
    struct hilo_str rest = ev->parties;
    struct hilo_field f;

    if (ev->state != CONSENT_DENIED)
        return;
    consent_watch_add(gw->consents, str_n(ev->customer.b, sizeof ev->customer.b));
    while (hilo_next(&rest, &f) == 1) {
        struct key k = key_consent_address(ev->name, f.val, 0);
        consent_watch_add(gw->consents, subject(TABLE_CONSENT_ADDRESS, key_str(&k)));
    }
}

int32_t consent__append(struct gateway *gw, const struct actor *actor, const struct ev_consent_changed *ev,
                        int64_t now, struct err *e)
{
    char customer[ID_TEXT];
    int32_t rc = store_append(gw->store, &ev_desc_consent_changed, ev, actor, now, NULL, e);

    if (rc != HILO_OK)
        return rc;
    note(gw, ev);
    id_format("cus", ev->customer, customer);
    log_event(gw->log, HILO_LOG_INFO, "consent.changed", "customer=%s of=%s state=%s how=%s", customer,
              ev->name.n ? LOG_WORD(ev->name) : "all", consent_state_name(ev->state),
              consent_how_name(ev->how));
    return HILO_OK;
}

/* ---- whether it may leave ---- */

static int32_t look(struct gateway *gw, enum table t, const struct key *k, struct arena *a,
                    struct rec_consent *out, struct err *e)
{
    int32_t rc = store_record(gw->store, t, key_str(k), &rec_desc_consent, a, out, e);

    if (rc == HILO_NOTFOUND) {
        *out = (struct rec_consent){0};
        return HILO_OK;
    }
    return rc;
}

static int32_t by_customer(struct gateway *gw, const struct gw_channel *c, struct hilo_id customer,
                           uint64_t category, struct arena *a, struct consent_denial *out, struct err *e)
{
    const struct hilo_str name[] = {{NULL, 0}, {NULL, 0}, c->type, c->name}; /* by reach */
    int32_t rc = HILO_OK;

    for (uint64_t reach = CONSENT_ALL; reach <= CONSENT_CHANNEL && rc == HILO_OK; reach++) {
        struct key k = key_consent(customer, category, reach, name[reach]);
        struct rec_consent r;
        rc = look(gw, TABLE_CONSENT, &k, a, &r, e);
        if (rc != HILO_OK || r.state == 0 || (out->denied && r.seq < out->r.seq))
            continue; /* none, or something wider was denied later */
        if (r.state == CONSENT_DENIED)
            *out = (struct consent_denial){.denied = true, .reach = reach, .r = r};
        else
            *out = (struct consent_denial){0};
    }
    return rc;
}

int32_t consent_denied(struct gateway *gw, const struct gw_channel *c, struct hilo_id customer,
                       struct hilo_str party, uint64_t category, struct hilo_id message, struct arena *a,
                       struct consent_denial *out, struct err *e)
{
    int32_t rc = HILO_OK;

    *out = (struct consent_denial){0};
    if (consent_watch_empty(gw->consents))
        return HILO_OK;
    struct key k = key_consent_address(c->name, party, category);
    if (consent_watch_has(gw->consents, subject(TABLE_CONSENT_ADDRESS, key_str(&k)))) {
        rc = look(gw, TABLE_CONSENT_ADDRESS, &k, a, &out->r, e);
        out->reach = CONSENT_CHANNEL;
        out->denied = out->address = out->r.state == CONSENT_DENIED;
    }
    if (rc == HILO_OK && !out->denied &&
        consent_watch_has(gw->consents, str_n(customer.b, sizeof customer.b))) {
        *out = (struct consent_denial){0};
        rc = by_customer(gw, c, customer, category, a, out, e);
    }
    if (rc == HILO_OK && out->denied && !id_none(message) && id_eq(out->r.answer, message))
        out->denied = false;
    return rc;
}

/* ---- what is known ---- */

struct listing {
    struct arena *arena;
    struct listed {
        struct listed *next;
        struct hilo_str key, val;
    } * first, **end;
    unsigned n;
};

static bool listing_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct listing *l = arg;
    struct listed *x = ARENA_NEW(l->arena, struct listed);

    x->key = arena_str(l->arena, key);
    x->val = arena_str(l->arena, val);
    *l->end = x;
    l->end = &x->next;
    return ++l->n < LISTED_MAX;
}

/* Every entry under a prefix, to fn. tail: bytes of the key behind its prefix's part. */
static int32_t list_under(struct gateway *gw, enum table t, const struct key *prefix, uint64_t category,
                          struct consent_entry *entry, struct arena *a, consent_fn *fn, void *arg,
                          struct err *e)
{
    struct listing l = {.arena = a};
    struct rec_consent r;

    l.end = &l.first;
    int32_t rc = store_scan(gw->store, t, key_str(prefix), (struct hilo_str){0}, false, listing_add, &l, e);
    for (const struct listed *x = l.first; x && rc == HILO_OK; x = x->next) {
        const uint8_t *tail = (const uint8_t *)x->key.p + prefix->n;
        rc = rec_unpack(&rec_desc_consent, x->val, &r, e);
        entry->r = &r;
        entry->category = tail[0];
        if (t == TABLE_CONSENT) {
            entry->reach = tail[1];
            entry->name = str_n(tail + 2, (size_t)x->key.n - prefix->n - 3);
        }
        if (rc == HILO_OK && (category == 0 || entry->category == category))
            fn(arg, entry);
    }
    return rc;
}

/* As messages are sent to it: of a line that is known by several numbers, the canonical one. */
static struct hilo_str party_of(struct arena *a, const struct identifier *id)
{
    char variants[ADDRESS_VARIANTS][ADDRESS_PHONE];
    struct hilo_str value = id->value;
    struct hilo_writer w;

    if (id->scheme == HILO_SCHEME_PHONE && address_whatsapp_variants(value, variants) > 0)
        value = arena_str(a, str(variants[0]));
    arena_writer(a, &w);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, id->scheme);
    if (id->scope.n)
        hilo_put_str(&w, HILO_T_IDENT_SCOPE, id->scope);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, value);
    return hilo_written(&w);
}

struct parties {
    struct arena *arena;
    struct hilo_str party[64];
    unsigned n;
};

static void party_add(void *arg, const struct identifier *id, const struct rec_identifier *r)
{
    struct parties *p = arg;

    (void)r;
    if (p->n < sizeof p->party / sizeof *p->party)
        p->party[p->n++] = party_of(p->arena, id);
}

/* What is known of one address on one channel. */
static int32_t list_address(struct gateway *gw, const struct gw_channel *c, struct hilo_str party,
                            uint64_t category, struct arena *a, consent_fn *fn, void *arg, struct err *e)
{
    struct consent_entry entry = {.reach = CONSENT_CHANNEL, .name = c->name, .party = party};
    struct key prefix = key_consent_address(c->name, party, 0);

    prefix.n--;
    if (!consent_watch_has(gw->consents, key_str(&prefix)))
        return HILO_OK; /* it never denied anything; that it granted something is the customer's */
    return list_under(gw, TABLE_CONSENT_ADDRESS, &prefix, category, &entry, a, fn, arg, e);
}

int consent_list_of(struct gateway *gw, struct hilo_id customer, const struct customer_ident *ident,
                    unsigned n, uint64_t category, struct arena *a, consent_fn *fn, void *arg,
                    struct fault *f)
{
    struct consent_entry entry = {0};
    struct key prefix = key_of_id(customer);
    struct err e = {0};
    int32_t rc = list_under(gw, TABLE_CONSENT, &prefix, category, &entry, a, fn, arg, &e);

    for (const struct gw_channel *c = gw->channels; c && rc == HILO_OK; c = c->next)
        for (unsigned i = 0; i < n && rc == HILO_OK; i++)
            rc = list_address(gw, c, party_of(a, &ident[i].is), category, a, fn, arg, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int consent_list(struct gateway *gw, struct hilo_id customer, uint64_t category, struct arena *a,
                 consent_fn *fn, void *arg, struct fault *f)
{
    struct customer_ident *ident;
    struct rec_customer who;
    unsigned n;

    return customer_get(gw, customer, a, &who, f) != 0 || customer_idents(gw, customer, a, &ident, &n, f) != 0
               ? -1
               : consent_list_of(gw, customer, ident, n, category, a, fn, arg, f);
}

/* ---- by an application or an operator ---- */

/* The customer's addresses on a channel that a denial holds for, as ev_consent_changed has
 * them. */
static int closed_addresses(struct gateway *gw, const struct gw_channel *c, struct hilo_id customer,
                            uint64_t category, struct arena *a, struct hilo_str *out, struct fault *f)
{
    struct parties *p = ARENA_NEW(a, struct parties);
    struct rec_consent r;
    struct hilo_writer w;
    struct err e = {0};
    int32_t rc = HILO_OK;

    p->arena = a;
    if (customer_identifiers(gw, customer, a, party_add, p, f) != 0)
        return -1;
    arena_writer(a, &w);
    for (unsigned i = 0; i < p->n && rc == HILO_OK; i++) {
        struct key k = key_consent_address(c->name, p->party[i], category);
        rc = look(gw, TABLE_CONSENT_ADDRESS, &k, a, &r, &e);
        if (rc == HILO_OK && r.state == CONSENT_DENIED)
            hilo_put_str(&w, 1, p->party[i]);
    }
    *out = hilo_written(&w);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

static bool type_known(const struct gateway *gw, struct hilo_str type)
{
    for (const struct gw_channel *c = gw->channels; c; c = c->next)
        if (str_eq(c->type, type))
            return true;
    return false;
}

int consent_put(struct gateway *gw, const struct actor *actor, struct hilo_id customer,
                const struct consent_change *change, struct arena *a, struct fault *f)
{
    struct ev_consent_changed ev = {.customer = customer,
                                    .categories = UINT64_C(1) << change->category,
                                    .reach = change->channel.n ? CONSENT_CHANNEL
                                             : change->type.n  ? CONSENT_TYPE
                                                               : CONSENT_ALL,
                                    .name = change->channel.n ? change->channel : change->type,
                                    .state = change->granted ? CONSENT_GRANTED : CONSENT_DENIED,
                                    .how = actor->kind == ACTOR_CONTROL ? CONSENT_BY_CLI : CONSENT_BY_API,
                                    .proof = change->proof};
    struct gw_channel *only = gateway_channel(gw, change->channel);
    struct rec_customer who;
    struct err e = {0};

    if (customer_get(gw, customer, a, &who, f) != 0)
        return -1;
    if (change->channel.n && !only)
        return fault_set(f, 422, "unknown_channel", "/channel",
                         "there is no channel %.*s; see GET /v1/channels",
                         STR_FMT(str_utf8_head(change->channel, NAME_SHOWN)));
    if (change->type.n && !type_known(gw, change->type))
        return fault_set(f, 422, "unknown_channel", "/channel_type", "no channel has the type %.*s",
                         STR_FMT(str_utf8_head(change->type, NAME_SHOWN)));
    if (only && change->granted &&
        closed_addresses(gw, only, customer, change->category, a, &ev.parties, f) != 0)
        return -1;
    int32_t rc = consent__append(gw, actor, &ev, clock_wall_us(), &e);
    if (rc == HILO_OK && !change->granted)
        for (struct gw_channel *c = gw->channels; c && rc == HILO_OK; c = c->next)
            if (!only || c == only)
                rc = delivery_recall(gw->delivery, c, customer, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
