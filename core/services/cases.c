/* Cases. Lists are by status, newest change first. */
#include "services/cases.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/keys.h"

enum { SUBJECT_MAX = 300, OWNER_MAX = 120 };

static const char *const case__names[] = {"", "open", "pending", "closed"};

const char *case_status_name(uint64_t status)
{
    return status <= CASE_CLOSED ? case__names[status] : "";
}

uint32_t case_status_parse(struct hilo_str name)
{
    for (uint32_t i = CASE_OPEN; i <= CASE_CLOSED; i++)
        if (str_eqz(name, case__names[i]))
            return i;
    return 0;
}

static int case__check(const struct case_fields *c, struct fault *f)
{
    if (place_check(&c->place, f) != 0)
        return -1;
    if (str_utf8_count(c->subject) > SUBJECT_MAX)
        return fault_set(f, 422, "invalid_case", "/subject", "a subject has at most %d characters",
                         SUBJECT_MAX);
    if (str_utf8_count(c->owner) > OWNER_MAX)
        return fault_set(f, 422, "invalid_case", "/owner", "an owner has at most %d characters", OWNER_MAX);
    return 0;
}

int case_create(struct gateway *gw, const struct actor *actor, struct hilo_id customer,
                const struct case_fields *c, struct hilo_id *out, struct fault *f)
{
    struct key k = key_of_id(customer);
    struct rec_customer who;
    struct err e = {0};
    int32_t rc =
        store_record(gw->store, TABLE_CUSTOMER, key_str(&k), &rec_desc_customer, gw->arena, &who, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 422, "unknown_customer", "/customer",
                         "there is no such customer; create it first");
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (c->subject.n == 0)
        return fault_set(f, 422, "invalid_case", "/subject", "a case needs a subject");
    if (case__check(c, f) != 0)
        return -1;
    const struct ev_case_opened ev = {.id = idgen_next(store_ids(gw->store)),
                                      .customer = customer,
                                      .subject = c->subject,
                                      .owner = c->owner,
                                      .status = c->set & 4 ? c->status : (uint32_t)CASE_OPEN,
                                      .store = c->place.store,
                                      .terminal = c->place.terminal,
                                      .clerk = c->place.clerk,
                                      .at = (uint64_t)c->at};
    rc = store_append(gw->store, &ev_desc_case_opened, &ev, actor, clock_wall_us(), NULL, &e);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    *out = ev.id;
    return 0;
}

int case_get(struct gateway *gw, struct hilo_id id, struct arena *a, struct rec_case *out, struct fault *f)
{
    struct err e = {0};
    struct key k = key_of_id(id);
    int32_t rc = store_record(gw->store, TABLE_CASE, key_str(&k), &rec_desc_case, a, out, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_case", NULL, "there is no such case");
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int case_update(struct gateway *gw, const struct actor *actor, struct hilo_id id, const struct case_fields *c,
                uint64_t if_version, struct fault *f)
{
    struct rec_case now_is;
    struct err e = {0};

    if (case_get(gw, id, gw->arena, &now_is, f) != 0)
        return -1;
    if (if_version && if_version != now_is.version)
        return fault_set(f, 412, "stale", NULL, "somebody changed this case meanwhile; read it again");
    if ((c->set & 1) && c->subject.n == 0)
        return fault_set(f, 422, "invalid_case", "/subject", "a case needs a subject");
    if (case__check(c, f) != 0)
        return -1;
    if (!c->set)
        return 0;
    const struct ev_case_updated ev = {.id = id,
                                       .set = c->set,
                                       .subject = c->subject,
                                       .owner = c->owner,
                                       .status = c->status,
                                       .store = c->place.store,
                                       .terminal = c->place.terminal,
                                       .clerk = c->place.clerk,
                                       .at = (uint64_t)c->at};
    int32_t rc = store_append(gw->store, &ev_desc_case_updated, &ev, actor, clock_wall_us(), NULL, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

/* ---- lists ---- */

struct case__page {
    struct hilo_id *id;
    struct hilo_str *key;
    struct arena *arena;
    struct hilo_str after;
    unsigned n, max;
};

static bool case__collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct case__page *p = arg;

    (void)val;
    if (p->after.n && str_eq(key, p->after))
        return true; /* the cursor is the last one that was shown */
    p->id[p->n] = key_tail_id(key);
    p->key[p->n] = arena_str(p->arena, key);
    return ++p->n < p->max;
}

static int case__fits(struct gateway *gw, struct hilo_id id, struct hilo_str owner, struct hilo_id customer,
                      struct arena *a, struct rec_case *c, struct fault *f)
{
    if (case_get(gw, id, a, c, f) != 0)
        return -1;
    return (owner.n == 0 || str_eq(owner, c->owner)) && (id_none(customer) || id_eq(customer, c->customer));
}

/* One status after the other; the cursor's first byte is the status it is in. */
int case_list(struct gateway *gw, uint32_t status, struct hilo_str owner, struct hilo_id customer,
              struct hilo_str after, unsigned limit, struct arena *a, case_fn *fn, void *arg,
              struct hilo_str *next_out, struct fault *f)
{
    enum { CHUNK = 100, LOOK_MAX = 20000 };
    unsigned shown = 0, looked = 0;
    uint8_t from = status ? (uint8_t)status : (uint8_t)CASE_OPEN,
            to = status ? (uint8_t)status : (uint8_t)CASE_CLOSED;

    *next_out = (struct hilo_str){0};
    if (after.n) {
        if (after.n != 25 || (uint8_t)after.p[0] < from || (uint8_t)after.p[0] > to)
            return fault_set(f, 400, "invalid_cursor", NULL, "this cursor is not of this list");
        from = (uint8_t)after.p[0];
    }
    for (uint8_t s = from; s <= to;) {
        struct case__page p = {.id = ARENA_ARRAY(a, struct hilo_id, CHUNK),
                               .key = ARENA_ARRAY(a, struct hilo_str, CHUNK),
                               .arena = a,
                               .after = after,
                               .max = CHUNK};
        struct err e = {0};
        int32_t rc =
            store_scan(gw->store, TABLE_CASE_INDEX, str_n(&s, 1), after, false, case__collect, &p, &e);
        if (rc != HILO_OK)
            return fault_store(f, rc, &e);
        for (unsigned i = 0; i < p.n; i++) {
            struct rec_case c;
            int fits = case__fits(gw, p.id[i], owner, customer, a, &c, f);
            if (fits < 0)
                return -1;
            after = p.key[i];
            looked++;
            if (fits) {
                fn(arg, p.id[i], &c);
                shown++;
            }
            /* A filter that fits little ends the page early rather than holding the loop. */
            if (shown == limit || looked == LOOK_MAX) {
                *next_out = after;
                return 0;
            }
        }
        if (p.n < CHUNK) {
            s++;
            after = (struct hilo_str){0};
        }
    }
    return 0;
}

struct case__messages {
    struct hilo_id *id;
    uint64_t *number;
    unsigned n, max;
};

static bool case__message(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct case__messages *m = arg;

    if (val.n != sizeof(struct hilo_id))
        return true;
    memcpy(m->id[m->n].b, val.p, sizeof m->id[m->n].b);
    m->number[m->n] = key_tail_u64(key, 0);
    return ++m->n < m->max;
}

int case_messages(struct gateway *gw, struct hilo_id id, uint64_t after, unsigned limit, struct arena *a,
                  case_message_fn *fn, void *arg, uint64_t *next_out, struct fault *f)
{
    struct case__messages l = {.id = ARENA_ARRAY(a, struct hilo_id, limit + 1),
                               .number = ARENA_ARRAY(a, uint64_t, limit + 1),
                               .max = limit + 1};
    struct key prefix = key_of_id(id), from = key_id_number(id, after + 1);
    struct rec_case c;
    struct err e = {0};

    *next_out = 0;
    if (case_get(gw, id, a, &c, f) != 0)
        return -1;
    int32_t rc = store_scan(gw->store, TABLE_CASE_MESSAGE, key_str(&prefix), key_str(&from), false,
                            case__message, &l, &e);
    for (unsigned i = 0; i < l.n && i < limit && rc == HILO_OK; i++) {
        struct key k = key_of_id(l.id[i]);
        struct rec_message m;
        struct hilo_str bytes;
        rc = store_record(gw->store, TABLE_MESSAGE, key_str(&k), &rec_desc_message, a, &m, &e);
        if (rc == HILO_OK)
            rc = store_message_bytes(gw->store, &m, a, &bytes, &e);
        if (rc == HILO_OK)
            fn(arg, l.id[i], &m, bytes);
    }
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (l.n > limit)
        *next_out = l.number[limit - 1];
    return 0;
}

/* ---- the case of a message that names none ---- */

struct case__few {
    struct hilo_id id[100];
    unsigned n, max;
};

static bool case__of_customer(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct case__few *few = arg;

    (void)val;
    few->id[few->n++] = key_tail_id(key);
    return few->n < few->max;
}

/* The newest few are looked at: who has more open at once has several anyway. */
int32_t case_only_open(struct gateway *gw, struct hilo_id customer, struct arena *a, struct hilo_id *out,
                       struct err *e)
{
    struct case__few few = {.max = 8};
    struct key k = key_of_id(customer);
    struct hilo_id found = {{0}};
    unsigned open = 0;
    int32_t rc = store_scan(gw->store, TABLE_CASE_CUSTOMER, key_str(&k), (struct hilo_str){0}, true,
                            case__of_customer, &few, e);

    for (unsigned i = 0; i < few.n && rc == HILO_OK; i++) {
        struct rec_case c;
        k = key_of_id(few.id[i]);
        rc = store_record(gw->store, TABLE_CASE, key_str(&k), &rec_desc_case, a, &c, e);
        if (rc == HILO_OK && c.status != CASE_CLOSED) {
            found = few.id[i];
            open++;
        }
    }
    if (rc == HILO_OK && open == 1)
        *out = found;
    return rc;
}

int case_open_of(struct gateway *gw, struct hilo_id customer, unsigned limit, struct arena *a, case_fn *fn,
                 void *arg, struct fault *f)
{
    struct case__few few = {.max = sizeof few.id / sizeof *few.id};
    struct key k = key_of_id(customer);
    struct err e = {0};
    int32_t rc = store_scan(gw->store, TABLE_CASE_CUSTOMER, key_str(&k), (struct hilo_str){0}, true,
                            case__of_customer, &few, &e);

    for (unsigned i = 0, shown = 0; i < few.n && shown < limit && rc == HILO_OK; i++) {
        struct rec_case c;
        k = key_of_id(few.id[i]);
        rc = store_record(gw->store, TABLE_CASE, key_str(&k), &rec_desc_case, a, &c, &e);
        if (rc == HILO_OK && c.status != CASE_CLOSED) {
            fn(arg, few.id[i], &c);
            shown++;
        }
    }
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
