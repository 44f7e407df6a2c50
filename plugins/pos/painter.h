/*
 * Pictures are scaled by a thread of their own: decoding one takes a tenth of a second, in which every
 * terminal would wait. The last few are kept, since a picture is fetched in pieces.
 */
#ifndef POS_PAINTER_H
#define POS_PAINTER_H

#include "picture.h"
#include "pos.h"

/* why: NULL, and the picture, borrowed; or pos_picture_scale's word, or "busy". */
typedef void pos_painted_fn(void *arg, const char *why, const struct pos_picture *, const char *etag);

struct pos_painter *pos_painter_new(struct pos *); /* [own]; NULL: no memory */
void pos_painter_free(struct pos *);               /* [own]; waits for the one in work */
/* Whether it is kept: then fn was called. [own] */
bool pos_painter_have(struct pos *, struct hilo_id media, uint32_t max_px, pos_painted_fn *fn, void *arg);
/* Scales the file, whose descriptor is given away; fn is called once, later, unless forgotten. A ticket, or
 * 0: no memory, or too many wait. [own] */
uint64_t pos_painter_paint(struct pos *, struct hilo_id media, uint32_t max_px, int fd, pos_painted_fn *fn,
                           void *arg);
void pos_painter_forget(struct pos *, uint64_t ticket); /* [own] */
void pos_painter_woken(struct pos *);                   /* [own] from woken() */

#endif
