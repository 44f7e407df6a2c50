/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "identity_impl.h"

struct each {
    pos_identity_each_fn *fn;
    void *arg;
};

static bool each_one(void *arg, struct pos_terminal *t)
{
    const struct each *e = arg;

    if (!t->revoked)
        e->fn(e->arg, t->store, t->terminal, t->role);
    return true;
}

void pos_identity_each(struct pos_identity *id, const char *store, pos_identity_each_fn *fn, void *arg)
{
    struct each e = {fn, arg};

    pos_terminals_each(id->terminals, store, each_one, &e);
}
