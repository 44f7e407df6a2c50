/*
 * What a terminal has had printed in the last seven days, by the ids of its requests: kept in the gateway's
 * store, so that the same request is answered the same again, whoever is attended by then and whatever the
 * printer's own queue still knows. By day and by the id's hash, a key each. All [own] loop.
 */
#ifndef POS_PRINTS_H
#define POS_PRINTS_H

#include "op.h"

/* status and printer ("": none) as they were answered; NULL: it was not asked for before. */
typedef void pos_prints_fn(struct pos_op *, const char *status, const char *printer);
/* Looks this request up, then calls fn; where the store can't be read, the op ends by itself. */
void pos_prints_find(struct pos_op *, pos_prints_fn *);
/* Keeps how it is answered, then calls fn with the same; where it can't be kept, the op ends by itself. */
void pos_prints_keep(struct pos_op *, const char *status, const char *printer, pos_prints_fn *);

#endif
