/*
 * Writes of a terminal: one at a time, so that they take effect in the order in which they were sent.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "till.h"

#include "conn.h"
#include "push.h"

#include <stdio.h>
#include <stdlib.h>

struct pos_tills {
    struct pos_till *by_key;
};

struct pos_tills *pos_tills_new(void)
{
    return calloc(1, sizeof(struct pos_tills));
}

static void till_free(struct pos *pos, struct pos_till *t)
{
    struct pos_op *op;

    HASH_DEL(pos->tills->by_key, t);
    while ((op = TAILQ_FIRST(&t->writes))) {
        TAILQ_REMOVE(&t->writes, op, of_till);
        op->till = NULL;
        pos_op_free(op);
    }
    pos_push_forget(t);
    free(t);
}

void pos_tills_free(struct pos *pos)
{
    struct pos_till *t, *next;

    if (!pos->tills)
        return;
    HASH_ITER(hh, pos->tills->by_key, t, next)
    till_free(pos, t);
    free(pos->tills);
    pos->tills = NULL;
}

struct pos_till *pos_till_find(struct pos *pos, const char *store, const char *terminal)
{
    struct pos_till *t;
    char key[POS_TILL_MAX];

    (void)snprintf(key, sizeof key, "%.32s/%.32s", store, terminal);
    HASH_FIND_STR(pos->tills->by_key, key, t);
    return t;
}

struct pos_till *pos_till_get(struct pos *pos, const char *store, const char *terminal)
{
    struct pos_till *t = pos_till_find(pos, store, terminal);

    if (t)
        return t;
    t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    TAILQ_INIT(&t->writes);
    (void)snprintf(t->who.store, sizeof t->who.store, "%.32s", store);
    (void)snprintf(t->who.terminal, sizeof t->who.terminal, "%.32s", terminal);
    (void)snprintf(t->key, sizeof t->key, "%.32s/%.32s", store, terminal);
    HASH_ADD_STR(pos->tills->by_key, key, t);
    return t;
}

void pos_till_settle(struct pos *pos, struct pos_till **at)
{
    struct pos_till *t = *at;

    if (!t || t->conn || t->attends || t->holds || !TAILQ_EMPTY(&t->writes) || !pos_push_idle(t))
        return;
    till_free(pos, t);
    *at = NULL;
}

/* ---- writes ---------------------------------------------------------------------------------------- */

static void till_behind(struct pos_op *op)
{
    struct pos_fault f;

    (void)pos_fault(&f, POS_E_LATER, "behind", NULL, "a write before this one is to come again first");
    f.retry_after_ms = 0;
    pos_op_end(op, NULL, &f);
}

void pos_till_write(struct pos_till *t, struct pos_op *op)
{
    bool idle = TAILQ_EMPTY(&t->writes);

    if (t->behind[0] && strcmp(t->behind, op->rpc.id) != 0) {
        till_behind(op);
        return;
    }
    t->behind[0] = '\0';
    TAILQ_INSERT_TAIL(&t->writes, op, of_till);
    if (idle)
        op->method->start(op);
}

void pos_till_behind(struct pos_till *t, const char *id)
{
    struct pos_op *next;

    (void)snprintf(t->behind, sizeof t->behind, "%s", id);
    while ((next = TAILQ_FIRST(&t->writes))) {
        TAILQ_REMOVE(&t->writes, next, of_till);
        till_behind(next);
    }
}

void pos_till_next(struct pos_till *t)
{
    struct pos_op *next = TAILQ_FIRST(&t->writes);

    if (next)
        next->method->start(next);
}
