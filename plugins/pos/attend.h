/*
 * Which customer is attended at which terminal: from when she was found or checked in there, until somebody
 * else does so elsewhere, or for the time that the option says. In memory: after a restart it is read anew
 * from the audit of look-ups; who had but checked in is found once more. All [own] loop.
 */
#ifndef POS_ATTEND_H
#define POS_ATTEND_H

#include "till.h"

struct pos_attend *pos_attend_new(void); /* NULL: no memory */
void pos_attend_free(struct pos *);
/* In start(): reads who was found lately, then calls read, whether that could be or not. */
void pos_attend_start(struct pos *, void (*read)(struct pos *));

/* From now on she is attended here; what waits for her (channel.h) comes. customer: "cus_…". at: when she was
 * found or checked in, RFC 3339; NULL: now. Nothing, if that is so long ago that it would be over by now: a
 * terminal that had no line says so of who left long since. */
void pos_attend_begin(struct pos *, struct pos_till *, const char *customer, const char *at);
/* Where; NULL: nowhere. */
struct pos_till *pos_attend_where(struct pos *, const char *customer);
bool pos_attend_here(struct pos *, const struct pos_till *, const char *customer);

#endif
