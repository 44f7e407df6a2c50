/*
 * The raw framing: frames that end with LF. Pure. [any]
 */
#ifndef POS_FRAME_LINE_H
#define POS_FRAME_LINE_H

#include <hilo/types.h>
#include <stddef.h>

/* Takes the next frame off *rest, without its CR and LF; empty lines are skipped. *seen is how much of *rest
 * was looked at before, 0 at first: kept by the caller while it adds bytes, so that a frame which comes byte
 * by byte is read once. 1: *frame_out, which points into what was given; 0: there is no whole one; -1: more
 * than a frame may have. */
int pos_line_next(struct hilo_str *rest, size_t *seen, struct hilo_str *frame_out);

#endif
