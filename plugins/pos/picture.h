/*
 * A picture made small: as JPEG, the right way up, without what a camera wrote beside it. [any] thread
 */
#ifndef POS_PICTURE_H
#define POS_PICTURE_H

#include <hilo/types.h>
#include <stddef.h>
#include <stdint.h>

enum { POS_PICTURE_FILE_MAX = 16 << 20, /* bytes */ POS_PICTURE_PIXELS_MAX = 25000000 };

struct pos_picture {
    void *p; /* free with pos_picture_done */
    size_t n;
    uint32_t width, height;
};

/* So that its longest side has at most max_px pixels; never larger than it is. NULL, or why not:
 * "not_a_picture" (none that is known, or damaged), "too_large", "memory". */
const char *pos_picture_scale(struct hilo_str file, uint32_t max_px, struct pos_picture *out);
void pos_picture_done(struct pos_picture *);
/* libgd's own words go nowhere: they are about files of strangers. Once, before any of it. */
void pos_picture_quiet(void);

#endif
