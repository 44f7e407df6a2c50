/*
 * One generation of the pending table: what has been applied and is not yet in LMDB,
 * as keys and values in memory. A deletion is an entry too, a tombstone, that hides
 * what is beneath. Entries are found by hash; those of ORDERED tables also stand in
 * a tree, for scans. Everything goes at once (pending_clear), which keeps up to 32 MiB
 * of the memory for what comes next.
 *
 * No locks here: set and clear need the generation alone, the rest may run side by
 * side. What is found is valid until the next set or clear.
 */
#ifndef STORE_PENDING_H
#define STORE_PENDING_H

#include "store/context.h"
#include "store/pending_hash.h"

struct pending;      /* opaque */
struct pending_leaf; /* opaque */

struct pending *pending_new(void);
void pending_free(struct pending **);
void pending_clear(struct pending *);
/* Gives back the memory that a cleared generation keeps, but for 1 MiB; whether there was any. */
bool pending_trim(struct pending *);

/* hash: of the key, the same function for every call on this generation. */
enum pending_found { PENDING_NONE, PENDING_VALUE, PENDING_DEAD };
enum pending_found pending_find(const struct pending *, enum table, struct hilo_str key, uint32_t hash,
                                struct hilo_str *val_out);
/* Copies both. val NULL: a tombstone. An entry already there is reused. */
void pending_set(struct pending *, enum table, struct hilo_str key, uint32_t hash,
                 const struct hilo_str *val);

uint64_t pending_keys(const struct pending *);
uint64_t pending_bytes(const struct pending *); /* of memory, the hash's own included */

/* An entry as the layers beneath see it: the key begins with the table's letter. */
struct pending_item {
    struct hilo_str key, val;
    bool dead;
};

/* A walk in key order over an ORDERED table. at: whole key, letter included. Forward:
 * from the first key >= at. Reverse: from the last key <= at, or < at if !inclusive. */
struct pending_iter {
    struct pending_leaf *leaf;
    bool reverse;
};
void pending_seek(struct pending *, enum table, struct hilo_str at, bool inclusive, bool reverse,
                  struct pending_iter *out);
bool pending_item(const struct pending_iter *, struct pending_item *out); /* false: at the end */
void pending_next(struct pending_iter *);

/* Hands every entry to fn in the order of LMDB's keys until fn returns other than
 * HILO_OK, which is returned. HILO_NOMEM: no memory to sort in; fn was not called for
 * all then. */
int32_t pending_sorted(struct pending *, int32_t (*fn)(void *arg, const struct pending_item *), void *arg);

#endif
