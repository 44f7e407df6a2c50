/*
 * Look-ups of people. What was asked is in no event and no log: of who was found it is known anyway, of
 * nobody a hash stays, keyed by the store's secret, by which two look-ups of the same value can be told
 * to be that and no document can be told from it.
 */
#include "services/lookup.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/appointments.h"
#include "services/sales.h"
#include "store/keys.h"
#include <openssl/hmac.h>
#include <stdio.h>

enum { HASH = 32, ASKED_MAX = 256, REASON_MAX = 200 };

static const struct {
    const char *name, *pointer;
    uint32_t scheme; /* 0: it is no identifier */
} lookup__by[] = {
    [LOOKUP_DOCUMENT] = {"document", "/by/document", HILO_SCHEME_DOCUMENT},
    [LOOKUP_PHONE] = {"phone", "/by/phone", HILO_SCHEME_PHONE},
    [LOOKUP_EMAIL] = {"email", "/by/email", HILO_SCHEME_EMAIL},
    [LOOKUP_LOYALTY] = {"loyalty", "/by/loyalty", HILO_SCHEME_LOYALTY},
    [LOOKUP_CUSTOMER] = {"customer", "/by/customer", 0},
    [LOOKUP_APPOINTMENT] = {"appointment", "/by/appointment", 0},
    [LOOKUP_ORDER] = {"order", "/by/order", 0},
    [LOOKUP_CASE] = {"case", "/by/case", 0},
};
enum { LOOKUPS = sizeof lookup__by / sizeof *lookup__by };

uint32_t lookup_by(struct hilo_str name)
{
    for (uint32_t by = 1; by < LOOKUPS; by++)
        if (str_eqz(name, lookup__by[by].name))
            return by;
    return 0;
}

const char *lookup_by_name(uint64_t by)
{
    return by > 0 && by < LOOKUPS ? lookup__by[by].name : "";
}

/* Look-ups are exact, so a star would find nobody; who writes one is told instead. */
static bool lookup__wild(struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n; i++)
        if (s.p[i] == '*' || s.p[i] == '%' || s.p[i] == '?')
            return true;
    return false;
}

/* A code as it is read from a telephone: small letters, in groups. */
static struct hilo_str lookup__code(struct arena *a, struct hilo_str s)
{
    char *text = arena_z(a, s);
    size_t n = 0;

    for (uint64_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '-')
            text[n++] = (char)(s.p[i] >= 'a' && s.p[i] <= 'z' ? s.p[i] - 32 : s.p[i]);
    return str_n(text, n);
}

int lookup_by_value(struct arena *a, uint32_t by, struct hilo_str value, struct lookup *out, struct fault *f)
{
    const char *pointer = lookup__by[by].pointer;

    out->by = by;
    if (value.n == 0 || value.n > ASKED_MAX)
        return fault_set(f, 422, "invalid_field", pointer, "%s: a string of 1 to %d bytes is expected",
                         lookup__by[by].name, ASKED_MAX);
    if (lookup__wild(value))
        return fault_set(f, 422, "wildcard", pointer,
                         "a person is looked up by the whole %s; nothing partial is searched for",
                         lookup__by[by].name);
    if (lookup__by[by].scheme) {
        if (identifier_parse(a, lookup__by[by].scheme, value, pointer, &out->ident, f) != 0)
            return -1;
        out->value = out->ident.value;
        return 0;
    }
    out->value = by == LOOKUP_APPOINTMENT ? lookup__code(a, value) : value;
    if (by == LOOKUP_CUSTOMER && !id_parse("cus", value, &out->customer))
        return fault_set(f, 422, "invalid_field", pointer,
                         "customer: an id, cus_ and 26 letters and digits, is expected");
    if (by == LOOKUP_CASE && !id_parse("cas", value, &out->case_id))
        return fault_set(f, 422, "invalid_field", pointer,
                         "case: an id, cas_ and 26 letters and digits, is expected");
    return 0;
}

/* The customer whom an open appointment's code, a sale's number, or a case leads to. */
static int32_t lookup__led(struct gateway *gw, const struct lookup *l, struct arena *a, struct hilo_id *out,
                           struct err *e)
{
    struct rec_appointment r;
    struct rec_case c;
    struct hilo_id id;
    int32_t rc;

    if (l->by == LOOKUP_ORDER)
        return sale_customer(gw, l->value, l->place.store, a, out, e);
    if (l->by == LOOKUP_CASE) {
        const struct key k = key_of_id(l->case_id);
        rc = store_record(gw->store, TABLE_CASE, key_str(&k), &rec_desc_case, a, &c, e);
        if (rc == HILO_OK)
            *out = c.customer;
        return rc;
    }
    rc = appointment_by_code(gw, l->value, a, &id, e);
    if (rc == HILO_OK) {
        const struct key k = key_of_id(id);
        rc = store_record(gw->store, TABLE_APPOINTMENT, key_str(&k), &rec_desc_appointment, a, &r, e);
    }
    if (rc == HILO_OK)
        *out = r.customer;
    return rc;
}

int lookup_find(struct gateway *gw, const struct lookup *l, struct arena *a, struct lookup_found *out,
                struct fault *f)
{
    struct err e = {0};
    int32_t rc = HILO_NOTFOUND;

    memset(out, 0, sizeof *out);
    if (lookup__by[l->by].scheme) {
        rc = customer_find(gw, &l->ident, &out->id, &e);
    } else if (l->by == LOOKUP_CUSTOMER) {
        out->id = l->customer;
        rc = HILO_OK;
    } else {
        rc = lookup__led(gw, l, a, &out->id, &e);
        if (rc == HILO_DUPLICATE)
            return fault_set(f, 409, "ambiguous_order", "/by/order",
                             "several customers have a sale with this number; name its store");
    }
    if (rc == HILO_OK) {
        const struct key k = key_of_id(out->id);
        rc = store_record(gw->store, TABLE_CUSTOMER, key_str(&k), &rec_desc_customer, a, &out->record, &e);
    }
    if (rc == HILO_NOTFOUND) {
        memset(out, 0, sizeof *out);
        return 0;
    }
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    out->found = true;
    return customer_idents(gw, out->id, a, &out->ident, &out->n, f);
}

static void lookup__hash(const struct gateway *gw, const struct lookup *l, uint8_t out[HASH])
{
    /* What else the secret signs begins otherwise. */
    uint8_t said[sizeof "look-up" + 1 + ASKED_MAX] = "look-up";
    unsigned n = 0;

    said[sizeof "look-up"] = (uint8_t)l->by;
    CHECK(l->value.n <= ASKED_MAX);
    memcpy(said + sizeof "look-up" + 1, l->value.p, (size_t)l->value.n);
    CHECK(HMAC(EVP_sha256(), gw->link_secret, sizeof gw->link_secret, said,
               sizeof "look-up" + 1 + (size_t)l->value.n, out, &n) != NULL &&
          n == HASH);
}

int lookup_trace(struct gateway *gw, const struct actor *actor, const struct lookup *l,
                 const struct lookup_found *found, struct fault *f)
{
    struct ev_customer_looked_up ev = {.by = l->by,
                                       .reason = l->reason,
                                       .store = l->place.store,
                                       .terminal = l->place.terminal,
                                       .clerk = l->place.clerk};
    uint8_t hash[HASH];
    struct err e = {0};

    if (place_check(&l->place, f) != 0)
        return -1;
    if (l->reason.n == 0 || str_utf8_count(l->reason) > REASON_MAX)
        return fault_set(f, 422, "invalid_field", "/reason",
                         "reason: 1 to %d characters are expected; they are kept with the look-up",
                         REASON_MAX);
    if (found->found) {
        ev.customer = found->id;
    } else {
        lookup__hash(gw, l, hash);
        ev.hash = str_n(hash, sizeof hash);
    }
    int32_t rc = store_append(gw->store, &ev_desc_customer_looked_up, &ev, actor, clock_wall_us(), NULL, &e);
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
