/*
 * What the files of store_check share. Private to the store.
 *
 * check.c opens everything and goes through it; check_rebuild.c verifies events and
 * builds a context from them; check_index.c walks the tables of a context, and
 * check_people.c, check_message.c and check_parts.c say what must hold between them.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/context.h"
#include "store/journal/journal.h"
#include "store/keys.h"
#include "store/record.h"

struct check {
    const char *dir;
    int fd;
    uint64_t found;
    /* The context that is looked at, and what is said of it behind each finding. */
    struct context *context;
    const char *which;
    struct journal *journal; /* NULL: it could not be opened, so no event is read */
    struct arena *arena;     /* of the key that is looked at */
    bool media;              /* look at the media files, too */
    uint64_t reached;        /* the sequence that the context stands for */
    uint64_t threaded;       /* messages that belong into a thread */
    uint64_t chained;        /* messages found in threads */
};

enum { CHECK_LINES = 100 }; /* findings beyond are only counted */

/* One finding: "table key-in-hex: words". A key of nothing is written "-". */
void check__found(struct check *, const char *table, struct hilo_str key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- the indexes ---- */

/* Walks every table of ck->context; what it finds is told. */
void check__indexes(struct check *);

/* What must hold for one entry. key and val have the sizes that the relation's row
 * says, rec is the value unpacked. */
typedef void check_relation_fn(struct check *, struct hilo_str key, struct hilo_str val, const void *rec);

#define CHECK_RELATION(name)                                                                                 \
    void check__##name(struct check *, struct hilo_str key, struct hilo_str val, const void *rec)
CHECK_RELATION(customer);
CHECK_RELATION(thread);
CHECK_RELATION(identifier);
CHECK_RELATION(customer_ident);
CHECK_RELATION(address);
CHECK_RELATION(conversation);
CHECK_RELATION(waiting);
CHECK_RELATION(message_entry);
CHECK_RELATION(ext);
CHECK_RELATION(parked);
CHECK_RELATION(parked_age);
CHECK_RELATION(parts);
CHECK_RELATION(parts_age);
CHECK_RELATION(due);
CHECK_RELATION(job);
CHECK_RELATION(in_flight);
CHECK_RELATION(expiry);
CHECK_RELATION(scheduled);
CHECK_RELATION(idempotency);
CHECK_RELATION(idempotency_age);
CHECK_RELATION(case);
CHECK_RELATION(case_index);
CHECK_RELATION(case_customer);
CHECK_RELATION(case_message);
CHECK_RELATION(media);
CHECK_RELATION(key);
CHECK_RELATION(key_id);
CHECK_RELATION(template);
CHECK_RELATION(consent);
CHECK_RELATION(consent_address);
CHECK_RELATION(value);
CHECK_RELATION(callback);
CHECK_RELATION(webhook);
CHECK_RELATION(webhook_parked);
CHECK_RELATION(webhook_waiting);
CHECK_RELATION(audit);
CHECK_RELATION(audit_customer);
CHECK_RELATION(appointment);
CHECK_RELATION(appointment_index);
CHECK_RELATION(appointment_open);
CHECK_RELATION(wish);
CHECK_RELATION(wish_sku);
CHECK_RELATION(wish_customer);
CHECK_RELATION(stock);
CHECK_RELATION(stock_due);
CHECK_RELATION(deal);
CHECK_RELATION(deal_customer);
CHECK_RELATION(sale_number);
CHECK_RELATION(call);
CHECK_RELATION(call_index);
CHECK_RELATION(call_ext);
#undef CHECK_RELATION

/* ---- for the relations ---- */

/* Whether there is such an entry; other failures than that are findings. */
bool check__raw(struct check *, enum table, const struct key *, struct hilo_str *val_out);
bool check__has(struct check *, enum table, const struct key *);
/* The same, unpacked. A value that can't be is found where its own table is walked. */
bool check__get(struct check *, enum table, const struct key *, const struct rec_desc *, void *out);
/* How many keys of an ORDERED table begin so. */
uint64_t check__count(struct check *, enum table, const struct key *prefix);
struct hilo_id check__id(struct hilo_str key, uint64_t offset);
/* Whether an attachment or the original of an inbound message is this media. */
bool check__attached(struct check *, const struct rec_message *, struct hilo_id media);
bool check__same(const struct key *, struct hilo_str key);

/* ---- media files ---- */
void check__media_file(struct check *, struct hilo_str key, const struct rec_media *);

/* ---- events, and the context built from them ---- */

struct rebuild;
/* Makes the temporary folder, and in it a context. */
int32_t rebuild_new(struct check *, uint64_t map_bytes, struct err *, struct rebuild **out);
void rebuild_free(struct rebuild **); /* removes the folder */
/* Before the first event: the context to compare with, which may be NULL. */
int32_t rebuild_real(struct rebuild *, struct context *real, struct err *);
/* Verifies an event and applies it; compares when the real context's sequence is met. */
int32_t rebuild_event(struct rebuild *, const struct event *, position batch_end, struct err *);
int32_t rebuild_finish(struct rebuild *, const struct journal_recovery *, struct err *);
/* The context of all events; NULL if they could not all be applied. */
struct context *rebuild_context(const struct rebuild *);
/* Whether the real one stands for the same sequence and is equal. */
bool rebuild_equal(const struct rebuild *);

#endif
