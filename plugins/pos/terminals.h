/*
 * The registry of terminals, in memory as it is on disk, and how a terminal is written in its context key.
 * What changes it is identity_write.c; nothing here waits. [own] loop.
 *
 * A terminal has one key that is good, and perhaps a next one, which it was given a certificate for and has
 * not used yet. With the next one's first use the one before is over.
 */
#ifndef POS_TERMINALS_H
#define POS_TERMINALS_H

#include "ca.h"
#include "roles.h"

#include <cjson/cJSON.h>
#include <uthash.h>

enum { POS_BY_MAX = 64 };

struct pos_certificate {
    uint8_t key[POS_CA_KEY];
    char serial[POS_CA_SERIAL];
    int64_t issued_us, expires_us; /* expires_us 0: there is none */
};

struct pos_terminal {
    char store[POS_CA_NAME + 1], terminal[POS_CA_NAME + 1];
    enum pos_role role;
    bool revoked, rotate; /* rotate: it is to renew as soon as it hears of it */
    struct pos_certificate now, next;
    int64_t enrolled_us, changed_us; /* changed by an operator */
    char changed_by[POS_BY_MAX];     /* "key_…", or what else the core calls who did it */
    int64_t seen_us;                 /* its last handshake; not on disk */
};

struct pos_store_of {
    char name[POS_CA_NAME + 1];
    unsigned page; /* of the list of stores */
    unsigned terminals;
    UT_hash_handle hh;
};

struct pos_terminals; /* opaque */
struct pos_terminals *pos_terminals_new(void);
void pos_terminals_free(struct pos_terminals **);

/* NULL: not registered. */
struct pos_terminal *pos_terminals_find(struct pos_terminals *, const char *store, const char *terminal);
/* Takes a copy, instead of the one of this name if there is one. false: no memory. */
bool pos_terminals_set(struct pos_terminals *, const struct pos_terminal *);
void pos_terminals_remove(struct pos_terminals *, const char *store, const char *terminal);
unsigned pos_terminals_count(const struct pos_terminals *);
/* By store, then terminal, of one store if store is not NULL: calls fn until it says false. */
void pos_terminals_each(struct pos_terminals *, const char *store,
                        bool (*fn)(void *arg, struct pos_terminal *), void *arg);

enum { POS_STORES_PAGE = 1000, POS_STORE_TERMINALS = 1000 };
struct pos_store_of *pos_terminals_store(struct pos_terminals *, const char *name); /* NULL: none */
/* A page for one more store: the last one, or a new one. */
unsigned pos_terminals_page(const struct pos_terminals *);
/* Registers a store; it may have no terminal yet. false: no memory. */
bool pos_terminals_add_store(struct pos_terminals *, const char *name, unsigned page);

/* What is in keys; free() it, NULL: no memory. more: one name that is not there yet, or NULL; but: one to
 * leave out, or NULL. */
char *pos_terminals_write_stores(struct pos_terminals *, unsigned page, const char *more);
char *pos_terminals_write_store(struct pos_terminals *, const char *store, const char *more, const char *but);
/* Each name of such a list; false: it is none, or fn said false. */
bool pos_terminals_read_names(struct hilo_str text, bool (*fn)(void *arg, const char *name), void *arg);

char *pos_terminal_write(const struct pos_terminal *);
/* false: it is none (of this store and terminal), or one that was removed. */
bool pos_terminal_read(struct hilo_str text, const char *store, const char *terminal,
                       struct pos_terminal *out);

/* What operators see; NULL: no memory. */
cJSON *pos_terminal_shape(const struct pos_terminal *, int64_t now_us);

#endif
