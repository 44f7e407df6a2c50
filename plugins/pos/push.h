/*
 * What waits for terminals: kept in the gateway's store, a key each, until it is answered. By id, so that
 * what is put twice is there once; by "key", so that a newer one takes the place of an older. All [own] loop.
 */
#ifndef POS_PUSH_H
#define POS_PUSH_H

#include "till.h"
#include "wheel.h"

struct pos_pushes {
    struct pos_wheel wheel; /* writes that are not urgent, or are to be tried again */
};
struct pos_pushes *pos_pushes_new(struct pos *); /* NULL: no memory */
void pos_pushes_free(struct pos *);              /* after the tills */

/* One to be kept. Borrowed but for params, which are taken. */
struct pos_push {
    const char *method;
    const char *id;   /* "p-…" */
    const char *key;  /* what it is the newest of; "": of nothing */
    int64_t until_us; /* Unix time: then it is needless; 0: never */
    cJSON *params;
};
/* code: HILO_OK when it is on disk, or was answered already; else it was not kept. */
typedef void pos_push_fn(void *arg, int32_t code);
/* Keeps it for this terminal, and sends it if that is there. done is called once, perhaps before this
 * returns. */
void pos_push_put(struct pos *, const char *store, const char *terminal, struct pos_push *, pos_push_fn *done,
                  void *arg);

/* At hello: reads what waits, unless it is there, then calls fn once, perhaps before this returns. */
void pos_push_open(struct pos *, struct pos_till *, pos_push_fn *fn, void *arg);
/* How many wait; those up to last ("": none) are taken for answered. Opened. */
uint32_t pos_push_count(struct pos_till *, const char *last);
/* Sends all that waits, in order, up to what is about a request that is not answered yet; behind the answer to
 * hello, and to each write. */
void pos_push_send(struct pos_till *);
/* The connection has gone: what was sent and not answered waits again. */
void pos_push_away(struct pos_till *);
/* A terminal's answer to one of ours, of any kind. result or error is NULL. */
void pos_push_answered(struct pos_conn *, const char *id, const cJSON *result, const cJSON *error);
/* Nothing of it is under way. */
bool pos_push_idle(const struct pos_till *);
/* From till.c, which frees it. */
void pos_push_forget(struct pos_till *);

#endif
