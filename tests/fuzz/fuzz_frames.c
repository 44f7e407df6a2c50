/*
 * Frames of the link from a peer that is not trusted: the first two bytes choose type and
 * direction, the rest are the fields. What is accepted must survive being written again.
 */
#include "base/check.h"
#include "base/str.h"
#include "plug/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t again[1 << 16];
    static struct frame_headers headers, other;
    struct frame f = {.fd = -1}, g = {.fd = -1};
    struct hilo_writer w;
    struct hilo_http h;

    if (n < 2 || n > sizeof again / 2)
        return 0;
    if (frame_decode(p[0], p[1], str_n(p + 2, n - 2), &headers, &f) != HILO_OK)
        return 0;
    CHECK(frame_direction(p[0]) == p[1]);
    f.type = p[0];
    hilo_writer_init(&w, again, sizeof again);
    CHECK(frame_encode(&f, &w) == HILO_OK && !w.failed);
    CHECK(frame_decode(p[0], p[1], hilo_written(&w), &other, &g) == HILO_OK);
    CHECK(g.n_header == f.n_header && g.code == f.code && str_eq(g.body, f.body) &&
          str_eq(g.message, f.message) && g.flags == f.flags && g.count == f.count &&
          memcmp(&g.id, &f.id, sizeof f.id) == 0);
    for (uint64_t i = 0; i < f.n_header; i++)
        CHECK(str_eq(f.header[i].key, g.header[i].key) && str_eq(f.header[i].val, g.header[i].val));
    CHECK(g.n_more == f.n_more);
    for (uint64_t i = 0; i < f.n_more; i++)
        CHECK(str_eq(f.more[i], g.more[i]));
    h = frame_http(&f);
    CHECK(h.status <= 999);
    return 0;
}
