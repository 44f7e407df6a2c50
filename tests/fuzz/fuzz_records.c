/*
 * Any bytes as a record or as an event's body. The first byte chooses the description,
 * the rest are the fields.
 *
 * Beyond not crashing: what was unpacked and packed again is the same struct, its bytes
 * do not change any more, and the dump for people is one line of text.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/str.h"
#include "store/record.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rec_desc *const descs[] = {
#define RECORD(record) &rec_desc_##record,
#include "store/records.def"
#define EVENT(event, number, text) &ev_desc_##event,
#include "store/events.def"
};

static struct hilo_str packed(struct arena *a, const struct rec_desc *d, const void *obj)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    rec_pack(d, obj, &w);
    CHECK(!w.failed);
    return hilo_written(&w);
}

static void again(struct arena *a, const struct rec_desc *d, const void *obj)
{
    void *other = arena_alloc(a, d->bytes);
    struct buf text = {0}, other_text = {0};
    struct hilo_str bytes = packed(a, d, obj);

    CHECK(rec_unpack(d, bytes, other, NULL) == HILO_OK);
    CHECK(str_eq(packed(a, d, other), bytes));
    rec_dump(d, obj, &text);
    rec_dump(d, other, &other_text);
    CHECK(str_eq(buf_str(&text), buf_str(&other_text)));
    CHECK(str_utf8_valid(buf_str(&text)) && !memchr(text.p, '\n', text.n));
    buf_done(&text);
    buf_done(&other_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};

    if (size == 0)
        return 0;
    const struct rec_desc *d = descs[data[0] % (sizeof descs / sizeof *descs)];
    struct arena *a = arena_new();
    void *obj = arena_alloc(a, d->bytes);
    int32_t rc = rec_unpack(d, str_n(data + 1, size - 1), obj, &e);
    if (rc == HILO_OK)
        again(a, d, obj);
    else
        CHECK(rc == HILO_CORRUPT && e.code == rc && e.text[0]);
    if (d->number)
        CHECK(event_desc(d->number) == d);
    arena_free(&a);
    return 0;
}
