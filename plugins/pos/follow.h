/*
 * The gateway's events that are a terminal's business, to whom they are: each becomes a push that is on disk
 * before the event counts as dealt with, so none is lost by a crash of either side. All [own] loop.
 */
#ifndef POS_FOLLOW_H
#define POS_FOLLOW_H

#include "pos.h"

struct pos_follow *pos_follow_new(struct pos *); /* NULL: no memory */
/* Goes on where it was. Once the terminals are known. */
void pos_follow_start(struct pos *);
void pos_follow_event(struct pos *, struct hilo_str id, struct hilo_str json);
void pos_follow_free(struct pos *);

#endif
