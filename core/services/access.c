/*
 * Who may do what: API keys, of which only the SHA-256 is stored, and idempotency keys,
 * which are remembered per key holder.
 */
#include "services/access.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/str.h"
#include "store/keys.h"
#include <openssl/evp.h>
#include <sys/random.h>

static const struct {
    uint32_t bit;
    struct hilo_str text;
} access__scopes[] = {
#define X(name, bit, text) {1u << (bit), {(text), sizeof(text) - 1}},
    ACCESS_SCOPES(X)
#undef X
};

bool access_scopes_parse(struct hilo_str s, uint32_t *out, struct hilo_str *unknown_out)
{
    uint32_t all = 0;
    struct hilo_str word;

    while (s.n) {
        (void)str_cut(s, ' ', &word, &s);
        if (word.n == 0)
            continue;
        uint32_t bit = str_eqz(word, "all") ? (uint32_t)SCOPE_ALL : 0;
        for (size_t i = 0; !bit && i < sizeof access__scopes / sizeof *access__scopes; i++)
            if (str_eq(word, access__scopes[i].text))
                bit = access__scopes[i].bit;
        if (!bit) {
            *unknown_out = word;
            return false;
        }
        all |= bit;
    }
    *out = all;
    return true;
}

struct hilo_str access_scopes_text(uint32_t scopes, struct arena *a)
{
    struct hilo_str s = {0};

    for (size_t i = 0; i < sizeof access__scopes / sizeof *access__scopes; i++)
        if (scopes & access__scopes[i].bit)
            s = arena_fmt(a, "%.*s%s%.*s", STR_FMT(s), s.n ? " " : "", STR_FMT(access__scopes[i].text));
    return s;
}

int access_key_create(struct gateway *gw, const struct actor *actor, struct hilo_str name, uint32_t scopes,
                      struct arena *a, struct hilo_str *secret_out, struct hilo_id *id_out, struct fault *f)
{
    uint8_t random[32], hash[SHA256_BYTES];
    char text[64];
    struct err e = {0};

    if (name.n == 0 || str_utf8_count(name) > 100)
        return fault_set(f, 422, "invalid_key", "/name",
                         "a key needs a name of at most 100 characters, for the audit");
    if (scopes == 0)
        return fault_set(f, 422, "invalid_key", "/scopes",
                         "a key needs scopes, for instance \"messages:write\" or "
                         "\"all\"");
    CHECK(getrandom(random, sizeof random, 0) == (ssize_t)sizeof random);
    int n = EVP_EncodeBlock((unsigned char *)text, random, sizeof random);
    CHECK(n == 44);
    for (int i = 0; i < n; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    struct hilo_str secret = arena_fmt(a, "hilo_%.43s", text);
    sha256(secret.p, (size_t)secret.n, hash);
    const struct ev_key_created ev = {.id = idgen_next(store_ids(gw->store)),
                                      .hash = str_n(hash, sizeof hash),
                                      .name = name,
                                      .scopes = access_scopes_text(scopes, a)};
    int32_t rc = store_append(gw->store, &ev_desc_key_created, &ev, actor, clock_wall_us(), NULL, &e);
    OPENSSL_cleanse(random, sizeof random);
    OPENSSL_cleanse(text, sizeof text);
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    *secret_out = secret;
    *id_out = ev.id;
    return 0;
}

int access_key_revoke(struct gateway *gw, const struct actor *actor, struct hilo_id id, struct fault *f)
{
    struct key k = key_of_id(id);
    struct hilo_str hash;
    struct err e = {0};
    int32_t rc = store_get(gw->store, TABLE_KEY_ID, key_str(&k), gw->arena, &hash, &e);

    if (rc == HILO_NOTFOUND)
        return fault_set(f, 404, "unknown_key", NULL, "there is no such key");
    if (rc == HILO_OK) {
        const struct ev_key_revoked ev = {.id = id};
        rc = store_append(gw->store, &ev_desc_key_revoked, &ev, actor, clock_wall_us(), NULL, &e);
        memset(gw->known_keys, 0, sizeof gw->known_keys);
    }
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

struct access__hashes {
    struct arena *arena;
    struct hilo_str val[1000];
    unsigned n;
};

static bool access__collect(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct access__hashes *h = arg;

    (void)key;
    h->val[h->n++] = arena_str(h->arena, val);
    return h->n < sizeof h->val / sizeof *h->val;
}

int access_key_list(struct gateway *gw, struct arena *a, access_key_fn *fn, void *arg, struct fault *f)
{
    struct access__hashes *h = ARENA_NEW(a, struct access__hashes);
    struct err e = {0};

    h->arena = a;
    int32_t rc = store_scan(gw->store, TABLE_KEY_ID, (struct hilo_str){0}, (struct hilo_str){0}, false,
                            access__collect, h, &e);
    for (unsigned i = 0; i < h->n && rc == HILO_OK; i++) {
        struct rec_key r;
        rc = store_record(gw->store, TABLE_KEY, h->val[i], &rec_desc_key, a, &r, &e);
        if (rc == HILO_OK)
            fn(arg, &r);
    }
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int access_check(struct gateway *gw, struct hilo_str secret, struct arena *a, struct actor *actor_out,
                 uint32_t *scopes_out, struct fault *f)
{
    uint8_t hash[SHA256_BYTES];
    struct hilo_str unknown;
    struct rec_key r;
    struct err e = {0};
    int32_t rc;

    /* A look-up by the digest says nothing about the secret by its time. */
    sha256(secret.p, (size_t)secret.n, hash);
    struct gw_known_key *known = &gw->known_keys[hash[0] % GATEWAY_KNOWN_KEYS];
    if (known->scopes && memcmp(known->hash, hash, sizeof hash) == 0) {
        actor_out->kind = ACTOR_KEY;
        actor_out->id = known->id;
        *scopes_out = known->scopes;
        return 0;
    }
    rc = store_record(gw->store, TABLE_KEY, str_n(hash, sizeof hash), &rec_desc_key, a, &r, &e);
    if (rc != HILO_OK && rc != HILO_NOTFOUND)
        return fault_store(f, rc, &e);
    if (rc == HILO_NOTFOUND || r.revoked)
        return fault_set(f, 401, "unauthorized", NULL,
                         "this API key is unknown or revoked; make one with: hilo key create");
    if (!access_scopes_parse(r.scopes, scopes_out, &unknown))
        return fault_set(f, 401, "unauthorized", NULL,
                         "this API key has scopes that this version does not know");
    actor_out->kind = ACTOR_KEY;
    actor_out->id = r.id;
    memcpy(known->hash, hash, sizeof hash);
    known->id = r.id;
    known->scopes = *scopes_out;
    return 0;
}

/* ---- idempotency ---- */

void access_once(struct access_once *out, const struct actor *actor, struct hilo_str key,
                 struct hilo_str method, struct hilo_str uri, struct hilo_str body)
{
    uint8_t hash[SHA256_BYTES], who[1 + sizeof actor->id.b];

    /* Half of a digest: nobody but the holder of the key gains from two that collide. */
    _Static_assert(sizeof out->key <= sizeof hash && sizeof out->request <= sizeof hash,
                   "a part of a digest");
    who[0] = actor->kind;
    memcpy(who + 1, actor->id.b, sizeof actor->id.b);
    const struct hilo_str keys[] = {str_n(who, sizeof who), key};
    sha256_parts(keys, 2, hash);
    memcpy(out->key, hash, sizeof out->key);
    const struct hilo_str parts[] = {method, STR(" "), uri, STR("\n"), body};
    sha256_parts(parts, 5, hash);
    memcpy(out->request, hash, sizeof out->request);
    out->given = true;
}

struct hilo_str access_once_key(const struct access_once *o)
{
    return o && o->given ? str_n(o->key, sizeof o->key) : (struct hilo_str){NULL, 0};
}

struct hilo_str access_once_request(const struct access_once *o)
{
    return o && o->given ? str_n(o->request, sizeof o->request) : (struct hilo_str){NULL, 0};
}

/* The first answer, or what it was made from, is in the event that took the key. */
static int access__first(struct gateway *gw, position at, struct arena *a, struct access_first *out,
                         struct fault *f)
{
    struct ev_message_accepted accepted;
    struct ev_idempotency_stored stored;
    struct event ev;
    struct err e = {0};
    int32_t rc = store_event(gw->store, at, a, &ev, &e);

    memset(out, 0, sizeof *out);
    if (rc == HILO_OK && ev.head.type == EVENT_message_accepted) {
        rc = rec_unpack(&ev_desc_message_accepted, ev.body, &accepted, &e);
        out->message = accepted.message;
        out->notes = accepted.notes;
    } else if (rc == HILO_OK && ev.head.type == EVENT_idempotency_stored) {
        rc = rec_unpack(&ev_desc_idempotency_stored, ev.body, &stored, &e);
        out->status = (uint32_t)stored.status;
        out->answer = stored.answer;
        out->location = stored.location;
    } else if (rc == HILO_OK) {
        rc = err_set(&e, HILO_CORRUPT, "an Idempotency-Key leads to an event that holds no answer");
    }
    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}

int access_idempotency(struct gateway *gw, const struct access_once *once, struct arena *a,
                       struct access_first *out, struct fault *f)
{
    struct rec_idempotency r;
    struct err e = {0};
    int32_t rc =
        store_record(gw->store, TABLE_IDEMPOTENCY, access_once_key(once), &rec_desc_idempotency, a, &r, &e);

    if (rc == HILO_NOTFOUND)
        return 0;
    if (rc != HILO_OK)
        return fault_store(f, rc, &e);
    if (!str_eq(r.request, access_once_request(once)))
        return fault_set(
            f, 422, "idempotency_mismatch", NULL,
            "this Idempotency-Key was used with another request; use a new key for a new request");
    if (r.seq > store_synced(gw->store))
        return fault_set(f, 409, "idempotency_running", NULL,
                         "the first request with this Idempotency-Key is still running; retry in a moment");
    return access__first(gw, r.at, a, out, f) == 0 ? 1 : -1;
}

int access_idempotency_store(struct gateway *gw, const struct actor *actor, const struct access_once *once,
                             uint32_t status, struct hilo_str answer, struct hilo_str location,
                             struct fault *f)
{
    struct err e = {0};
    const struct ev_idempotency_stored ev = {.key = access_once_key(once),
                                             .request = access_once_request(once),
                                             .status = status,
                                             .answer = answer,
                                             .location = location};
    int32_t rc = store_append(gw->store, &ev_desc_idempotency_stored, &ev, actor, clock_wall_us(), NULL, &e);

    return rc == HILO_OK ? 0 : fault_store(f, rc, &e);
}
