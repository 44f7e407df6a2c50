/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "picture.h"

#include "picture_head.h"

#include <gd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { QUALITY = 80 };

static void quiet(int priority, const char *format, va_list ap)
{
    (void)priority;
    (void)format;
    (void)ap;
}

void pos_picture_quiet(void)
{
    gdSetErrorMethod(quiet);
}

static gdImagePtr decode(struct hilo_str file, enum pos_picture_kind kind)
{
    union {
        const char *in;
        void *out; /* libgd reads through a pointer that is not const */
    } p = {.in = file.p};

    switch (kind) {
    case POS_PICTURE_JPEG:
        return gdImageCreateFromJpegPtrEx((int)file.n, p.out, 1);
    case POS_PICTURE_PNG:
        return gdImageCreateFromPngPtr((int)file.n, p.out);
    case POS_PICTURE_GIF:
        return gdImageCreateFromGifPtr((int)file.n, p.out);
    case POS_PICTURE_WEBP:
        return gdImageCreateFromWebpPtr((int)file.n, p.out);
    case POS_PICTURE_NONE:
        break;
    }
    return NULL;
}

/* On white, where it is transparent. */
static gdImagePtr shrink(gdImagePtr from, uint32_t max_px)
{
    int w = gdImageSX(from), h = gdImageSY(from), longest = w > h ? w : h;
    gdImagePtr to;

    if ((uint32_t)longest > max_px) {
        w = (int)((int64_t)w * max_px / longest);
        h = (int)((int64_t)h * max_px / longest);
    }
    to = gdImageCreateTrueColor(w > 0 ? w : 1, h > 0 ? h : 1);
    if (!to)
        return NULL;
    gdImageFilledRectangle(to, 0, 0, gdImageSX(to), gdImageSY(to), gdTrueColor(255, 255, 255));
    gdImageAlphaBlending(to, 1);
    gdImageCopyResampled(to, from, 0, 0, 0, 0, gdImageSX(to), gdImageSY(to), gdImageSX(from),
                         gdImageSY(from));
    return to;
}

/* EXIF's eight ways; im is replaced. False: no memory. */
static bool set_upright(gdImagePtr *im, uint8_t turn)
{
    static const float angle[] = {[5] = 270, [6] = 270, [7] = 90, [8] = 90};
    gdImagePtr turned;

    if (turn >= 5) {
        turned = gdImageRotateInterpolated(*im, angle[turn], 0);
        if (!turned)
            return false;
        gdImageDestroy(*im);
        *im = turned;
    }
    if (turn == 2 || turn == 5 || turn == 7)
        gdImageFlipHorizontal(*im);
    else if (turn == 4)
        gdImageFlipVertical(*im);
    else if (turn == 3)
        gdImageFlipBoth(*im);
    return true;
}

const char *pos_picture_scale(struct hilo_str file, uint32_t max_px, struct pos_picture *out)
{
    struct pos_picture_head head;
    gdImagePtr whole, small;
    int n = 0;

    memset(out, 0, sizeof *out);
    if (file.n > POS_PICTURE_FILE_MAX)
        return "too_large";
    if (!pos_picture_head(file, &head))
        return "not_a_picture";
    if ((uint64_t)head.width * head.height > POS_PICTURE_PIXELS_MAX)
        return "too_large";
    whole = decode(file, head.kind);
    if (!whole)
        return "not_a_picture";
    small = shrink(whole, max_px);
    gdImageDestroy(whole);
    if (!small)
        return "memory";
    if (set_upright(&small, head.turn))
        out->p = gdImageJpegPtr(small, &n, QUALITY);
    out->n = (size_t)n;
    out->width = (uint32_t)gdImageSX(small);
    out->height = (uint32_t)gdImageSY(small);
    gdImageDestroy(small);
    return out->p ? NULL : "memory";
}

void pos_picture_done(struct pos_picture *p)
{
    if (p->p)
        gdFree(p->p);
    memset(p, 0, sizeof *p);
}
