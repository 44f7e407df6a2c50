/*
 * A terminal that is connected or has something under way: its session, its writes in their order.
 * By store and name; there as long as there is reason. All [own] loop.
 */
#ifndef POS_TILL_H
#define POS_TILL_H

#include "op.h"

#include <uthash.h>

enum { POS_OPS_MAX = 64 }; /* requests of one connection on their way */

struct pos_queue; /* push.h: what waits for it */

struct pos_till {
    struct pos_who who;
    char key[POS_TILL_MAX]; /* "CENTRO/3" */
    struct pos_conn *conn;  /* its session; NULL: away */
    bool open;              /* hello was answered: pushes may go */
    char software[65];
    int64_t since_us;            /* Unix time of its hello */
    struct pos_ops writes;       /* the first is under way */
    char behind[POS_ID_MAX + 1]; /* the write that was told to come again; empty: none */
    struct pos_queue *queue;     /* NULL: not read yet */
    uint32_t attends;            /* customers */
    uint32_t holds;              /* why it must stay besides */
    UT_hash_handle hh;
};

struct pos_tills *pos_tills_new(void);
void pos_tills_free(struct pos *);
/* The terminal of this name, made if need be; NULL: no memory. */
struct pos_till *pos_till_get(struct pos *, const char *store, const char *terminal);
struct pos_till *pos_till_find(struct pos *, const char *store, const char *terminal); /* NULL: not there */
/* It may have become needless: freed then. */
void pos_till_settle(struct pos *, struct pos_till **);
/* A write: begins when all before it have ended. */
void pos_till_write(struct pos_till *, struct pos_op *);
/* From op.c: the write with this id is to come again; those that were sent behind it must not overtake it:
 * each ends without having begun. */
void pos_till_behind(struct pos_till *, const char *id);
/* Begins the next, if there is one. */
void pos_till_next(struct pos_till *);

#endif
