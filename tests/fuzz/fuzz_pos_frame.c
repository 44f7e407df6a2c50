/* Lines of a terminal, cut anywhere: the frames must be the same as without a cut, none is longer than it may
 * be, and none holds a line feed. The first byte says where it is cut. */
#include "../../plugins/pos/frame_line.h"
#include "../../plugins/pos/rpc.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    uint64_t n, hash;
    int rc;
};

static void take(struct hilo_str *rest, size_t *seen, struct sum *s)
{
    struct hilo_str frame;

    while ((s->rc = pos_line_next(rest, seen, &frame)) == 1) {
        if (frame.n == 0 || frame.n > POS_FRAME_MAX || memchr(frame.p, '\n', frame.n))
            abort();
        for (uint64_t i = 0; i < frame.n; i++)
            s->hash = s->hash * 1099511628211u + (uint8_t)frame.p[i];
        s->n++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sum whole = {0}, parts = {0};
    size_t seen = 0, cut;
    struct hilo_str rest;
    char *copy;

    if (size < 1)
        return 0;
    rest.p = (const char *)data + 1;
    rest.n = size - 1;
    take(&rest, &seen, &whole);

    cut = (size_t)data[0] * (size - 1) / 255;
    copy = malloc(size);
    memcpy(copy, data + 1, cut);
    rest.p = copy;
    rest.n = cut;
    seen = 0;
    take(&rest, &seen, &parts);
    if (parts.rc == 0) {
        memmove(copy, rest.p, rest.n);
        memcpy(copy + rest.n, data + 1 + cut, size - 1 - cut);
        rest.p = copy;
        rest.n += size - 1 - cut;
        take(&rest, &seen, &parts);
        if (parts.n != whole.n || parts.hash != whole.hash || parts.rc != whole.rc)
            abort();
    }
    free(copy);
    return 0;
}
