/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "frame_line.h"

#include "rpc.h"

#include <string.h>

int pos_line_next(struct hilo_str *rest, size_t *seen, struct hilo_str *frame_out)
{
    while (rest->n > *seen) {
        const char *end = memchr(rest->p + *seen, '\n', rest->n - *seen);
        size_t n;

        if (!end) {
            *seen = rest->n;
            /* One more may be the CR of a frame that is as long as may be. */
            return rest->n > POS_FRAME_MAX + 1 ? -1 : 0;
        }
        n = (size_t)(end - rest->p);
        frame_out->p = rest->p;
        frame_out->n = n > 0 && rest->p[n - 1] == '\r' ? n - 1 : n;
        rest->p += n + 1;
        rest->n -= n + 1;
        *seen = 0;
        if (frame_out->n > POS_FRAME_MAX)
            return -1;
        if (frame_out->n > 0)
            return 1;
    }
    return 0;
}
