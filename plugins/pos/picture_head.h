/*
 * What the head of a picture's file says, before anybody decodes it: its kind, its size, and which way up.
 * Pure. [any]
 */
#ifndef POS_PICTURE_HEAD_H
#define POS_PICTURE_HEAD_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stdint.h>

enum pos_picture_kind {
    POS_PICTURE_NONE,
    POS_PICTURE_JPEG,
    POS_PICTURE_PNG,
    POS_PICTURE_GIF,
    POS_PICTURE_WEBP
};

struct pos_picture_head {
    enum pos_picture_kind kind;
    uint32_t width, height;
    uint8_t turn; /* EXIF's orientation, 1 to 8; 1: as it is */
};

/* False: none of these kinds, or its head is not whole. */
bool pos_picture_head(struct hilo_str file, struct pos_picture_head *out);

#endif
