/*
 * Keys of the context's tables. Every key is built here and nowhere else, so that
 * order and prefixes are decided once.
 */
#include "store/keys.h"
#include "base/check.h"
#include "base/sha256.h"
#include "base/str.h"
#include <hilo/message.h>

void key_init(struct key *k)
{
    k->n = 0;
}

static void key__add(struct key *k, const void *p, size_t n)
{
    CHECK(n <= sizeof k->b - k->n);
    if (n)
        memcpy(k->b + k->n, p, n);
    k->n += (uint32_t)n;
}

void key_u8(struct key *k, uint8_t v)
{
    key__add(k, &v, 1);
}

void key_u64(struct key *k, uint64_t v)
{
    uint8_t b[8];
    for (unsigned i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> (56 - 8 * i));
    key__add(k, b, sizeof b);
}

void key_id(struct key *k, struct hilo_id id)
{
    key__add(k, id.b, sizeof id.b);
}

void key_bytes(struct key *k, struct hilo_str s)
{
    CHECK(s.n <= sizeof k->b);
    key__add(k, s.p, (size_t)s.n);
}

void key_text(struct key *k, struct hilo_str s)
{
    if (s.n > KEY_STR_MAX || (s.n && (s.p[0] == 1 || memchr(s.p, 0, (size_t)s.n)))) {
        uint8_t digest[SHA256_BYTES];
        char hex[2 * SHA256_BYTES + 1];
        sha256(s.p, (size_t)s.n, digest);
        str_hex(hex, digest, sizeof digest);
        key_u8(k, 1);
        key__add(k, hex, sizeof hex); /* with its zero byte */
        return;
    }
    key__add(k, s.p, (size_t)s.n);
    key_u8(k, 0);
}

struct key key_of_id(struct hilo_id id)
{
    struct key k;
    key_init(&k);
    key_id(&k, id);
    return k;
}

struct key key_identifier(uint32_t scheme, struct hilo_str scope, struct hilo_str value)
{
    struct key k;
    key_init(&k);
    key_u8(&k, (uint8_t)scheme);
    key_text(&k, scope);
    key_text(&k, value);
    return k;
}

struct key key_customer_ident(struct hilo_id customer, uint32_t scheme, struct hilo_str scope,
                              struct hilo_str value)
{
    struct key k, tail = key_identifier(scheme, scope, value);
    key_init(&k);
    key_id(&k, customer);
    key_bytes(&k, key_str(&tail));
    return k;
}

struct key key_address(struct hilo_str channel, uint32_t scheme, struct hilo_str scope, struct hilo_str value)
{
    struct key k, tail = key_identifier(scheme, scope, value);
    key_init(&k);
    key_text(&k, channel);
    key_bytes(&k, key_str(&tail));
    return k;
}

struct key key_id_number(struct hilo_id id, uint64_t number)
{
    struct key k;
    key_init(&k);
    key_id(&k, id);
    key_u64(&k, number);
    return k;
}

struct key key_ext(struct hilo_str channel, struct hilo_str ext_id)
{
    struct key k;
    key_init(&k);
    key_text(&k, channel);
    key_text(&k, ext_id);
    return k;
}

struct key key_due(struct hilo_str channel, uint64_t priority, uint64_t due, uint64_t number)
{
    struct key k;
    key_init(&k);
    key_text(&k, channel);
    key_u8(&k, (uint8_t)priority);
    key_u64(&k, due);
    key_u64(&k, number);
    return k;
}

struct key key_job(struct hilo_str channel, uint64_t due, struct hilo_id media)
{
    struct key k;
    key_init(&k);
    key_text(&k, channel);
    key_u64(&k, due);
    key_id(&k, media);
    return k;
}

struct key key_channel_id(struct hilo_str channel, struct hilo_id message)
{
    struct key k;
    key_init(&k);
    key_text(&k, channel);
    key_id(&k, message);
    return k;
}

struct key key_time_id(uint64_t time, struct hilo_id id)
{
    struct key k;
    key_init(&k);
    key_u64(&k, time);
    key_id(&k, id);
    return k;
}

struct key key_sku(struct hilo_str sku)
{
    return key_channel(sku);
}

struct key key_wish_sku(struct hilo_str sku, uint64_t number)
{
    struct key k = key_sku(sku);
    key_u64(&k, number);
    return k;
}

struct key key_stock(struct hilo_str sku, struct hilo_id id)
{
    struct key k = key_sku(sku);
    key_id(&k, id);
    return k;
}

struct key key_deal_customer(struct hilo_id customer, uint8_t kind, uint64_t at, struct hilo_id id)
{
    struct key k = key_of_id(customer);
    key_u8(&k, kind);
    key_u64(&k, ~at); /* newest first */
    key_id(&k, id);
    return k;
}

struct key key_sale_number(struct hilo_str number, struct hilo_id id)
{
    struct key k;
    key_init(&k);
    key_text(&k, number);
    key_id(&k, id);
    return k;
}

struct key key_audit(uint64_t time, uint64_t seq)
{
    struct key k;
    key_init(&k);
    key_u64(&k, time);
    key_u64(&k, seq);
    return k;
}

struct key key_audit_customer(struct hilo_id customer, uint64_t time, uint64_t seq)
{
    struct key k = key_of_id(customer);
    key_u64(&k, time);
    key_u64(&k, seq);
    return k;
}

struct key key_channel(struct hilo_str channel)
{
    struct key k;
    key_init(&k);
    key_text(&k, channel);
    return k;
}

struct key key_pair(struct hilo_id a, struct hilo_id b)
{
    struct key k = key_of_id(a);
    key_id(&k, b);
    return k;
}

struct key key_case_index(uint64_t status, uint64_t changed, struct hilo_id id)
{
    struct key k;
    key_init(&k);
    key_u8(&k, (uint8_t)status);
    key_u64(&k, ~changed); /* newest first */
    key_id(&k, id);
    return k;
}

struct key key_template(struct hilo_str channel, struct hilo_str name, struct hilo_str language)
{
    struct key k;
    key_init(&k);
    key_text(&k, channel);
    key_text(&k, name);
    key_text(&k, language);
    return k;
}

struct key key_consent(struct hilo_id customer, uint64_t category, uint64_t reach, struct hilo_str name)
{
    struct key k = key_of_id(customer);
    key_u8(&k, (uint8_t)category);
    key_u8(&k, (uint8_t)reach);
    key_text(&k, name);
    return k;
}

struct key key_consent_address(struct hilo_str channel, struct hilo_str party, uint64_t category)
{
    struct key k =
        key_address(channel, (uint32_t)hilo_get_u64(party, HILO_T_IDENT_SCHEME),
                    hilo_get_str(party, HILO_T_IDENT_SCOPE), hilo_get_str(party, HILO_T_IDENT_VALUE));
    key_u8(&k, (uint8_t)category);
    return k;
}

struct key key_plugin(struct hilo_str plugin, struct hilo_str subject, struct hilo_str name)
{
    struct key k;
    key_init(&k);
    key_text(&k, plugin);
    key_text(&k, subject);
    key_text(&k, name);
    return k;
}

struct key key_parts(struct hilo_str channel, struct hilo_str parts)
{
    struct key k = key_channel(channel);
    key_text(&k, parts);
    return k;
}

struct key key_parts_age(struct hilo_str channel, uint64_t expires, struct hilo_str parts)
{
    struct key k = key_channel(channel);
    key_u64(&k, expires);
    key_text(&k, parts);
    return k;
}

static struct key key__kind(uint8_t kind)
{
    struct key k;

    key_init(&k);
    key_u8(&k, kind);
    return k;
}

struct key key_appointments(void)
{
    return key__kind(APPOINTMENTS_ALL);
}

struct key key_appointments_customer(struct hilo_id customer)
{
    struct key k = key__kind(APPOINTMENTS_CUSTOMER);
    key_id(&k, customer);
    return k;
}

struct key key_appointments_store(struct hilo_str store)
{
    struct key k = key__kind(APPOINTMENTS_STORE);
    key_text(&k, store);
    return k;
}

struct key key_appointment_at(struct key prefix, uint64_t starts, struct hilo_id id)
{
    key_u64(&prefix, starts);
    key_id(&prefix, id);
    return prefix;
}

enum { OPEN_NEAR = 1, OPEN_CODE = 2 };

struct key key_appointments_near(void)
{
    return key__kind(OPEN_NEAR);
}

struct key key_appointment_near(uint64_t at, struct hilo_id id)
{
    return key_appointment_at(key_appointments_near(), at, id);
}

struct key key_appointment_code(struct hilo_str code)
{
    struct key k = key__kind(OPEN_CODE);
    key_bytes(&k, code);
    return k;
}

struct key key_calls(void)
{
    return key__kind(CALLS_ALL);
}

struct key key_calls_customer(struct hilo_id customer)
{
    struct key k = key__kind(CALLS_CUSTOMER);
    key_id(&k, customer);
    return k;
}

static struct key key__calls_of(uint8_t kind, struct hilo_str channel)
{
    struct key k = key__kind(kind);
    key_text(&k, channel);
    return k;
}

struct key key_calls_channel(struct hilo_str channel)
{
    return key__calls_of(CALLS_CHANNEL, channel);
}

struct key key_calls_open(struct hilo_str channel)
{
    return key__calls_of(CALLS_OPEN, channel);
}

struct key key_call_at(struct key prefix, struct hilo_id id)
{
    key_id(&prefix, id);
    return prefix;
}

struct key key_callback(uint64_t due, uint64_t seq, uint8_t rank)
{
    struct key k;

    key_init(&k);
    key_u64(&k, due);
    key_u64(&k, seq);
    key_u8(&k, rank);
    return k;
}

struct key key_waiting(struct hilo_id webhook, struct hilo_id customer, uint64_t seq)
{
    struct key k = key_pair(webhook, customer);
    key_u64(&k, seq);
    return k;
}

uint64_t key_tail_u64(struct hilo_str key, uint32_t before_end)
{
    uint64_t v = 0;
    CHECK(key.n >= 8u + before_end);
    const uint8_t *p = (const uint8_t *)key.p + key.n - before_end - 8;
    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

struct hilo_id key_tail_id(struct hilo_str key)
{
    struct hilo_id id;
    CHECK(key.n >= sizeof id.b);
    memcpy(id.b, key.p + key.n - sizeof id.b, sizeof id.b);
    return id;
}
