/*
 * Customers: found and made by their identifiers. An identifier names one customer;
 * one that names somebody already is never moved by itself.
 */
#include "services/customers.h"
#include "base/clock.h"
#include "base/str.h"
#include "model/address.h"
#include "model/table.h"
#include "store/keys.h"

enum { VALUE_MAX = 256, ATTRIBUTES_MAX = 16384, NAME_MAX_CHARS = 200 };

static const char *scheme_name(uint32_t scheme)
{
    const char *name = model_value_text(MODEL_E_SCHEME, scheme);

    return name ? name : "identifier";
}

int identifier_parse(struct arena *a, uint32_t scheme, struct hilo_str value, const char *pointer,
                     struct identifier *out, struct fault *f)
{
    struct err e = {0};
    char text[ADDRESS_EMAIL];
    int32_t rc = HILO_OK;

    *out = (struct identifier){.scheme = scheme};
    switch (scheme) {
    case HILO_SCHEME_PHONE:
        if (!address_e164(value))
            return fault_set(f, 422, "invalid_identifier", pointer,
                             "a phone number is written in E.164: a plus sign, the country, the number, "
                             "like +573001112233");
        out->value = arena_str(a, value);
        return 0;
    case HILO_SCHEME_EMAIL:
        rc = address_email_identity(value, text, &e);
        break;
    case HILO_SCHEME_DOCUMENT:
        rc = address_document(value, text, &e);
        break;
    default:
        if (value.n == 0 || value.n > VALUE_MAX || !str_utf8_valid(value))
            return fault_set(f, 422, "invalid_identifier", pointer, "%s must have 1 to %d bytes of UTF-8",
                             scheme_name(scheme), VALUE_MAX);
        out->value = arena_str(a, value);
        return 0;
    }
    if (rc != HILO_OK)
        return fault_set(f, 422, "invalid_identifier", pointer, "%.380s", e.text);
    out->value = arena_str(a, str(text));
    return 0;
}

static int32_t customer__lookup(struct gateway *gw, uint32_t scheme, struct hilo_str scope,
                                struct hilo_str value, struct hilo_id *out, struct err *e)
{
    struct key k = key_identifier(scheme, scope, value);
    struct rec_identifier r;
    int32_t rc =
        store_record(gw->store, TABLE_IDENTIFIER, key_str(&k), &rec_desc_identifier, gw->arena, &r, e);

    if (rc == HILO_OK)
        *out = r.customer;
    return rc;
}

int32_t customer_find(struct gateway *gw, const struct identifier *id, struct hilo_id *out, struct err *e)
{
    char variants[ADDRESS_VARIANTS][ADDRESS_PHONE];
    int32_t rc = customer__lookup(gw, id->scheme, id->scope, id->value, out, e);

    if (rc != HILO_NOTFOUND || id->scheme != HILO_SCHEME_PHONE)
        return rc;
    size_t n = address_whatsapp_variants(id->value, variants);
    for (size_t i = 0; i < n && rc == HILO_NOTFOUND; i++)
        if (!str_eqz(id->value, variants[i]))
            rc = customer__lookup(gw, id->scheme, id->scope, str(variants[i]), out, e);
    return rc;
}

static int fields_check(const struct customer_fields *c, struct fault *f)
{
    if (place_check(&c->place, f) != 0)
        return -1;
    if (str_utf8_count(c->name) > NAME_MAX_CHARS)
        return fault_set(f, 422, "invalid_customer", "/name", "a name has at most %d characters",
                         NAME_MAX_CHARS);
    if (c->language.n > 35)
        return fault_set(f, 422, "invalid_customer", "/language",
                         "a language is a BCP 47 tag, like es or es-CO");
    if (c->time_zone.n > 64)
        return fault_set(f, 422, "invalid_customer", "/time_zone",
                         "a time zone is an IANA name, like America/Bogota");
    if (c->attributes.n > ATTRIBUTES_MAX)
        return fault_set(f, 422, "invalid_customer", "/attributes",
                         "attributes have at most %d bytes as JSON", ATTRIBUTES_MAX);
    return 0;
}

/* No identifier may belong to somebody else. */
static int identifiers_free(struct gateway *gw, const struct identifier *ids, unsigned n,
                            struct hilo_id owner, struct fault *f)
{
    struct hilo_id who;
    struct err e = {0};

    for (unsigned i = 0; i < n; i++) {
        int32_t rc = customer_find(gw, &ids[i], &who, &e);
        if (rc == HILO_OK && !id_eq(who, owner)) {
            char text[ID_TEXT];
            id_format("cus", who, text);
            return fault_set(f, 409, "identifier_taken", NULL,
                             "this %s belongs to %s already; use that customer", scheme_name(ids[i].scheme),
                             text);
        }
        if (rc != HILO_OK && rc != HILO_NOTFOUND)
            return fault_store(f, rc, &e);
    }
    return 0;
}

static int identifier_append(struct gateway *gw, const struct actor *actor, struct hilo_id customer,
                             const struct identifier *id, const struct customer_fields *c, int64_t now,
                             struct fault *f)
{
    struct err e = {0};
    const struct ev_identifier_added ev = {.customer = customer,
                                           .scheme = id->scheme,
                                           .scope = id->scope,
                                           .value = id->value,
                                           .verified = id->verified,
                                           .store = c->place.store,
                                           .terminal = c->place.terminal,
                                           .clerk = c->place.clerk,
                                           .at = (uint64_t)c->at};
    int32_t rc = store_append(gw->store, &ev_desc_identifier_added, &ev, actor, now, NULL, &e);

    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int customer_create(struct gateway *gw, const struct actor *actor, const struct customer_fields *c,
                    const struct identifier *ids, unsigned n, struct hilo_id *out, struct fault *f)
{
    struct err e = {0};
    const struct hilo_id none = {{0}};
    int64_t now = clock_wall_us();

    if (fields_check(c, f) != 0 || identifiers_free(gw, ids, n, none, f) != 0)
        return -1;
    const struct ev_customer_created ev = {.id = idgen_next(store_ids(gw->store)),
                                           .name = c->name,
                                           .language = c->language,
                                           .time_zone = c->time_zone,
                                           .attributes = c->attributes,
                                           .store = c->place.store,
                                           .terminal = c->place.terminal,
                                           .clerk = c->place.clerk,
                                           .at = (uint64_t)c->at};
    int32_t rc = store_append(gw->store, &ev_desc_customer_created, &ev, actor, now, NULL, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    for (unsigned i = 0; i < n; i++)
        if (identifier_append(gw, actor, ev.id, &ids[i], c, now, f) != 0)
            return -1;
    *out = ev.id;
    return 0;
}

int customer_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_customer *out,
                 struct fault *f)
{
    struct err e = {0};
    struct key k = key_of_id(id);
    int32_t rc = store_record(gw->store, TABLE_CUSTOMER, key_str(&k), &rec_desc_customer, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_customer", NULL, "there is no such customer");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int customer_update(struct gateway *gw, const struct actor *actor, struct hilo_id id,
                    const struct customer_fields *c, const struct identifier *add, unsigned n_add,
                    const struct identifier *remove, unsigned n_remove, uint64_t if_version, struct fault *f)
{
    struct rec_customer now_is;
    struct err e = {0};
    struct hilo_id who;
    int64_t now = clock_wall_us();
    int32_t rc = HILO_OK;

    if (customer_get(gw, id, gw->arena, &now_is, f) != 0)
        return -1;
    if (if_version && if_version != now_is.version)
        return fault_set(f, 412, "stale", NULL, "somebody changed this customer meanwhile; read it again");
    if (fields_check(c, f) != 0 || identifiers_free(gw, add, n_add, id, f) != 0)
        return -1;
    for (unsigned i = 0; i < n_remove; i++) {
        rc = customer__lookup(gw, remove[i].scheme, remove[i].scope, remove[i].value, &who, &e);
        if (rc == HILO_NOTFOUND || (rc == HILO_OK && !id_eq(who, id)))
            return fault_set(f, 422, "not_an_identifier", NULL,
                             "the %s to remove is not one of this customer", scheme_name(remove[i].scheme));
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
    }
    for (unsigned i = 0; i < n_remove && rc == HILO_OK; i++) {
        const struct ev_identifier_removed ev = {.customer = id,
                                                 .scheme = remove[i].scheme,
                                                 .scope = remove[i].scope,
                                                 .value = remove[i].value,
                                                 .store = c->place.store,
                                                 .terminal = c->place.terminal,
                                                 .clerk = c->place.clerk,
                                                 .at = (uint64_t)c->at};
        rc = store_append(gw->store, &ev_desc_identifier_removed, &ev, actor, now, NULL, &e);
    }
    if (rc == HILO_OK && c->set) {
        const struct ev_customer_updated ev = {.id = id,
                                               .set = c->set,
                                               .name = c->name,
                                               .language = c->language,
                                               .time_zone = c->time_zone,
                                               .attributes = c->attributes,
                                               .store = c->place.store,
                                               .terminal = c->place.terminal,
                                               .clerk = c->place.clerk,
                                               .at = (uint64_t)c->at};
        rc = store_append(gw->store, &ev_desc_customer_updated, &ev, actor, now, NULL, &e);
    }
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    for (unsigned i = 0; i < n_add; i++) {
        if (customer__lookup(gw, add[i].scheme, add[i].scope, add[i].value, &who, &e) == HILO_OK)
            continue; /* it is this customer's already */
        if (identifier_append(gw, actor, id, &add[i], c, now, f) != 0)
            return -1;
    }
    return 0;
}

/* ---- reading lists ---- */

struct list {
    struct arena *arena;
    struct list_item {
        struct list_item *next;
        struct hilo_str val;
    } * first, **end;
    unsigned n, max;
};

static bool list_add(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct list *l = arg;
    struct list_item *i = ARENA_NEW(l->arena, struct list_item);

    (void)key;
    i->val = arena_str(l->arena, val);
    *l->end = i;
    l->end = &i->next;
    return ++l->n < l->max;
}

int customer_identifiers(struct gateway *gw, struct hilo_id id, struct arena *a,
                         void (*fn)(void *arg, const struct identifier *, const struct rec_identifier *),
                         void *arg, struct fault *f)
{
    struct list l = {.arena = a, .max = 1000};
    struct err e = {0};
    struct key k = key_of_id(id);
    int32_t rc;

    l.end = &l.first;
    rc = store_scan(gw->store, TABLE_CUSTOMER_IDENT, key_str(&k), (struct hilo_str){0}, false, list_add, &l,
                    &e);
    for (const struct list_item *i = l.first; i && rc == HILO_OK; i = i->next) {
        struct rec_identifier r;
        struct identifier one = {.scheme = (uint32_t)hilo_get_u64(i->val, HILO_T_IDENT_SCHEME),
                                 .scope = hilo_get_str(i->val, HILO_T_IDENT_SCOPE),
                                 .value = hilo_get_str(i->val, HILO_T_IDENT_VALUE)};
        struct key ik = key_identifier(one.scheme, one.scope, one.value);
        rc = store_record(gw->store, TABLE_IDENTIFIER, key_str(&ik), &rec_desc_identifier, a, &r, &e);
        if (rc == HILO_OK) {
            one.verified = r.verified != 0;
            fn(arg, &one, &r);
        }
    }
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

struct idents {
    struct arena *arena;
    struct customer_ident *ident;
    unsigned n, room;
};

static void idents_add(void *arg, const struct identifier *is, const struct rec_identifier *r)
{
    struct idents *all = arg;

    if (all->n == all->room) {
        struct customer_ident *more =
            ARENA_ARRAY(all->arena, struct customer_ident, all->room = 2 * all->room + 8);
        if (all->n)
            memcpy(more, all->ident, all->n * sizeof *more);
        all->ident = more;
    }
    all->ident[all->n++] = (struct customer_ident){*is, *r};
}

int customer_idents(struct gateway *gw, struct hilo_id id, struct arena *a, struct customer_ident **out,
                    unsigned *n_out, struct fault *f)
{
    struct idents all = {.arena = a};

    if (customer_identifiers(gw, id, a, idents_add, &all, f) != 0)
        return -1;
    *out = all.ident;
    *n_out = all.n;
    return 0;
}

/* From a message on, back to where retention ended the thread. */
static int32_t thread_walk(struct gateway *gw, struct hilo_id id, unsigned limit, struct arena *a,
                           timeline_fn *fn, void *arg, struct hilo_id *next_out, struct err *e)
{
    for (unsigned i = 0; !id_none(id); i++) {
        struct key mk = key_of_id(id);
        struct rec_message m;
        struct hilo_str bytes;
        if (i == limit) {
            *next_out = id;
            break;
        }
        int32_t rc = store_record(gw->store, TABLE_MESSAGE, key_str(&mk), &rec_desc_message, a, &m, e);
        if (rc == HILO_OK)
            rc = store_message_bytes(gw->store, &m, a, &bytes, e);
        if (rc == HILO_NOTFOUND)
            break;
        if (rc != HILO_OK)
            return rc;
        if (fn(arg, id, &m, bytes) != 0)
            break;
        id = m.before;
    }
    return HILO_OK;
}

static int32_t thread_newest(struct gateway *gw, struct hilo_id customer, struct arena *a,
                             struct hilo_id *out, struct err *e)
{
    struct key k = key_of_id(customer);
    struct rec_thread t;
    int32_t rc = store_record(gw->store, TABLE_THREAD, key_str(&k), &rec_desc_thread, a, &t, e);

    if (rc == HILO_OK)
        *out = t.newest;
    return rc == HILO_NOTFOUND ? HILO_OK : rc;
}

int customer_thread(struct gateway *gw, struct hilo_id customer, unsigned limit, struct arena *a,
                    timeline_fn *fn, void *arg, struct hilo_id *next_out, struct fault *f)
{
    struct hilo_id id = {{0}};
    struct err e = {0};
    int32_t rc = thread_newest(gw, customer, a, &id, &e);

    memset(next_out, 0, sizeof *next_out);
    if (rc == HILO_OK)
        rc = thread_walk(gw, id, limit, a, fn, arg, next_out, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int customer_timeline(struct gateway *gw, struct hilo_id customer, struct hilo_id before, unsigned limit,
                      struct arena *a, timeline_fn *fn, void *arg, struct hilo_id *next_out, struct fault *f)
{
    struct rec_customer c;
    struct rec_message m;
    struct hilo_id id = before;
    struct err e = {0};
    int32_t rc = HILO_OK;

    memset(next_out, 0, sizeof *next_out);
    if (customer_get(gw, customer, a, &c, f) != 0)
        return -1;
    if (!id_none(before)) {
        /* The cursor is the message to go on with; it must be this customer's. */
        struct key mk = key_of_id(before);
        rc = store_record(gw->store, TABLE_MESSAGE, key_str(&mk), &rec_desc_message, a, &m, &e);
        if (rc == HILO_NOTFOUND || (rc == HILO_OK && !id_eq(m.customer, customer)))
            return fault_set(f, 400, "invalid_cursor", NULL, "this cursor is not of this timeline");
    } else {
        rc = thread_newest(gw, customer, a, &id, &e);
    }
    if (rc == HILO_OK)
        rc = thread_walk(gw, id, limit, a, fn, arg, next_out, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
