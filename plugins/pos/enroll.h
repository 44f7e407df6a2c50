/*
 * One-time codes that are good, as on disk: hashed, bound to a store and terminal, until their time is over
 * or they were used. And how often an address may try. [own] loop.
 *
 * A code is used by one key: whoever comes again with the same key before the code's time is over (an answer
 * got lost) is answered again, anybody else is refused.
 */
#ifndef POS_ENROLL_H
#define POS_ENROLL_H

#include "buckets.h"
#include "ca.h"
#include "code.h"
#include "terminals.h"

/* Codes lie in pages by their hash, so that a chain can open its thousand tills on one day; a page is one
 * context value. */
enum { POS_ENROLLMENT_PAGES = 128, POS_ENROLLMENT_PAGE_MAX = 128, POS_ENROLLMENT_ID = 24 };

struct pos_enrollment {
    char id[POS_ENROLLMENT_ID]; /* "enr_" and 16 hexadecimal digits: to name it, not to use it */
    char store[POS_CA_NAME + 1], terminal[POS_CA_NAME + 1];
    enum pos_role role;
    uint8_t hash[32]; /* SHA-256 of the secret */
    bool used;
    uint8_t used_key[POS_CA_KEY];
    int64_t created_us, expires_us;
    char by[POS_BY_MAX];
};

/* Zeroed is empty. */
struct pos_enrollments {
    struct pos_enrollment *list;
    unsigned n, cap;
};
void pos_enrollments_done(struct pos_enrollments *);
unsigned pos_enrollment_page(const struct pos_enrollment *);
unsigned pos_enrollments_on_page(const struct pos_enrollments *, unsigned page);

/* What is over is taken out. */
void pos_enrollments_expire(struct pos_enrollments *, int64_t now_us);
/* NULL: there is none with this secret that is good, for this key (NULL: any). Takes as long whatever it
 * finds. */
struct pos_enrollment *pos_enrollments_find(struct pos_enrollments *, const uint8_t secret[POS_CODE_SECRET],
                                            const uint8_t *key, int64_t now_us);
struct pos_enrollment *pos_enrollments_by_id(struct pos_enrollments *, const char *id);
struct pos_enrollment *pos_enrollments_of(struct pos_enrollments *, const char *store, const char *terminal);
/* false: no memory. */
bool pos_enrollments_add(struct pos_enrollments *, const struct pos_enrollment *);
void pos_enrollments_drop(struct pos_enrollments *, const char *id);

/* In its key; free() it, NULL: no memory. more: one that is not in the list yet, or is instead of the one
 * with its id; NULL: none. but: the id of one to leave out, or NULL. */
char *pos_enrollments_write(const struct pos_enrollments *, unsigned page, const struct pos_enrollment *more,
                            const char *but);
/* Adds those of a page. false: it is none, or there is no memory. */
bool pos_enrollments_read(struct hilo_str text, struct pos_enrollments *);
/* What operators see of one: no secret, no hash. NULL: no memory. */
cJSON *pos_enrollment_shape(const struct pos_enrollment *);

void pos_secret_hash(const uint8_t secret[POS_CODE_SECRET], uint8_t out[32]);
/* What counts as one address: of IPv6 its first 64 bits, since a host has that many. text as inet_ntop gives
 * it. */
void pos_enroll_address(struct hilo_str text, char out[48]);

#endif
