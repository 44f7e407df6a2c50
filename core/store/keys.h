/*
 * How the keys of each table are made (tables.def says what is in them). Numbers are
 * big-endian so that memcmp orders them; strings within a key end with a zero byte
 * unless they are last, and hold none themselves: a string over KEY_STR_MAX bytes, with a
 * zero byte, or beginning with "\1" is replaced by "\1" and the hex of its SHA-256. So
 * no two inputs share a key, and three strings and an id always fit. [any]
 */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <hilo/types.h>

enum { KEY_STR_MAX = 150 };

struct key {
    uint32_t n;
    uint8_t b[500];
};
static inline struct hilo_str key_str(const struct key *k)
{
    return (struct hilo_str){(const char *)k->b, k->n};
}

void key_init(struct key *);
void key_u8(struct key *, uint8_t);
void key_u64(struct key *, uint64_t);
void key_id(struct key *, struct hilo_id);
void key_text(struct key *, struct hilo_str);  /* with its zero byte */
void key_bytes(struct key *, struct hilo_str); /* as they are, last */

/* The tables' keys. */
struct key key_of_id(struct hilo_id);
struct key key_identifier(uint32_t scheme, struct hilo_str scope, struct hilo_str value);
struct key key_customer_ident(struct hilo_id customer, uint32_t scheme, struct hilo_str scope,
                              struct hilo_str value);
struct key key_address(struct hilo_str channel, uint32_t scheme, struct hilo_str scope,
                       struct hilo_str value);
struct key key_id_number(struct hilo_id, uint64_t number); /* WAITING, CASE_MESSAGE */
struct key key_ext(struct hilo_str channel, struct hilo_str ext_id);
struct key key_due(struct hilo_str channel, uint64_t priority, uint64_t due, uint64_t number);
struct key key_job(struct hilo_str channel, uint64_t due, struct hilo_id media);
struct key key_channel_id(struct hilo_str channel, struct hilo_id message); /* IN_FLIGHT */
struct key key_time_id(uint64_t time, struct hilo_id);                      /* EXPIRY */
struct key key_sku(struct hilo_str sku);                                    /* a prefix of WISH_SKU, STOCK */
struct key key_wish_sku(struct hilo_str sku, uint64_t number);
struct key key_stock(struct hilo_str sku, struct hilo_id);
struct key key_deal_customer(struct hilo_id customer, uint8_t kind, uint64_t at, struct hilo_id);
struct key key_sale_number(struct hilo_str number, struct hilo_id);
struct key key_audit(uint64_t time, uint64_t seq);
struct key key_audit_customer(struct hilo_id customer, uint64_t time, uint64_t seq);
struct key key_channel(struct hilo_str channel); /* CHANNEL, and a prefix of DUE, JOB, IN_FLIGHT, TEMPLATE */
struct key key_pair(struct hilo_id, struct hilo_id); /* CASE_CUSTOMER, WEBHOOK_PARKED */
struct key key_case_index(uint64_t status, uint64_t changed, struct hilo_id);
struct key key_template(struct hilo_str channel, struct hilo_str name, struct hilo_str language);
struct key key_consent(struct hilo_id customer, uint64_t category, uint64_t reach, struct hilo_str name);
/* party: group IDENT; CONSENT_ADDRESS. */
struct key key_consent_address(struct hilo_str channel, struct hilo_str party, uint64_t category);
struct key key_callback(uint64_t due, uint64_t seq, uint8_t rank);
struct key key_plugin(struct hilo_str plugin, struct hilo_str subject, struct hilo_str key);
struct key key_waiting(struct hilo_id webhook, struct hilo_id customer, uint64_t seq); /* WEBHOOK_WAITING */

/* APPOINTMENT_INDEX: all; those of a customer; those of a store. */
enum { APPOINTMENTS_ALL = 1, APPOINTMENTS_CUSTOMER = 2, APPOINTMENTS_STORE = 3 };
struct key key_appointments(void); /* the prefixes */
struct key key_appointments_customer(struct hilo_id customer);
struct key key_appointments_store(struct hilo_str store);
struct key key_appointment_at(struct key prefix, uint64_t starts, struct hilo_id);
/* APPOINTMENT_OPEN. */
struct key key_appointments_near(void); /* a prefix */
struct key key_appointment_near(uint64_t at, struct hilo_id);
struct key key_appointment_code(struct hilo_str code);

/* CALL_INDEX: all; those of a customer; of a channel; of a channel, that are not over. */
enum { CALLS_ALL = 1, CALLS_CUSTOMER = 2, CALLS_CHANNEL = 3, CALLS_OPEN = 4 };
struct key key_calls(void); /* the prefixes */
struct key key_calls_customer(struct hilo_id customer);
struct key key_calls_channel(struct hilo_str channel);
struct key key_calls_open(struct hilo_str channel);
struct key key_call_at(struct key prefix, struct hilo_id);

struct key key_parts(struct hilo_str channel, struct hilo_str parts);
struct key key_parts_age(struct hilo_str channel, uint64_t expires, struct hilo_str parts);

/* Reading back what ends a key. */
uint64_t key_tail_u64(struct hilo_str key, uint32_t before_end);
struct hilo_id key_tail_id(struct hilo_str key);

#endif
