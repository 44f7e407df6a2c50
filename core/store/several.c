/* Segments of a message: the arithmetic of several.h. */
#include "store/several.h"
#include "base/check.h"
#include "model/table.h"

bool ext_read(struct hilo_str val, struct ext *out)
{
    const uint8_t *p = (const uint8_t *)val.p;

    *out = (struct ext){.several = val.n == EXT_SEVERAL};
    if (val.n != sizeof out->id.b && !out->several)
        return false;
    if (out->several) {
        out->part = (uint16_t)(p[0] << 8 | p[1]);
        out->segment = p[2];
    }
    memcpy(out->id.b, p + val.n - sizeof out->id.b, sizeof out->id.b);
    return true;
}

struct hilo_str ext_write(const struct ext *x, uint8_t buf[EXT_SEVERAL])
{
    size_t n = 0;

    if (x->several) {
        buf[n++] = (uint8_t)(x->part >> 8);
        buf[n++] = (uint8_t)x->part;
        buf[n++] = x->segment;
    }
    memcpy(buf + n, x->id.b, sizeof x->id.b);
    return (struct hilo_str){(const char *)buf, n + sizeof x->id.b};
}

unsigned several_n(struct hilo_str segments)
{
    return segments.n > SEVERAL_HEAD ? (unsigned)(segments.n - SEVERAL_HEAD) : 0;
}

uint16_t several_part(struct hilo_str segments)
{
    const uint8_t *p = (const uint8_t *)segments.p;

    return (uint16_t)(segments.n < SEVERAL_HEAD ? 0 : p[0] << 8 | p[1]);
}

uint64_t several_status(struct hilo_str segments, unsigned i)
{
    CHECK(i < several_n(segments));
    return (uint8_t)segments.p[SEVERAL_HEAD + i];
}

unsigned several_count(struct hilo_str segments, uint64_t status)
{
    unsigned n = 0;

    for (unsigned i = 0; i < several_n(segments); i++)
        n += several_status(segments, i) == status;
    return n;
}

uint64_t several_outcome(struct hilo_str segments)
{
    unsigned n = several_n(segments), read = several_count(segments, HILO_STATUS_READ),
             arrived = read + several_count(segments, HILO_STATUS_DELIVERED),
             failed = several_count(segments, HILO_STATUS_FAILED);

    if (n && arrived == n)
        return read == n ? HILO_STATUS_READ : HILO_STATUS_DELIVERED;
    if (failed && arrived + failed == n)
        return HILO_STATUS_FAILED;
    return several_count(segments, 0) ? HILO_STATUS_IN_DOUBT : HILO_STATUS_SENT;
}

bool several_moves(struct hilo_str segments, unsigned i, uint64_t status)
{
    uint64_t is = several_status(segments, i);

    return is == 0 || model_status_rank(status) > model_status_rank(is);
}

void several_unnamed(const struct rec_message *m, struct ext *x)
{
    unsigned n = m->place == PLACE_HELD ? several_n(m->segments) : 0;

    for (unsigned i = 0; i < n; i++)
        if (several_status(m->segments, i) == 0) {
            x->several = true;
            x->part = several_part(m->segments);
            x->segment = (uint8_t)i;
            return;
        }
}
