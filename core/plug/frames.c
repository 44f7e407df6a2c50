/*
 * Frames to bytes and back (frames.h). The link may one day end in another process, so
 * decoding trusts nothing: it is the function that tests/fuzz/fuzz_frames.c calls.
 */
#include "plug/frames.h"

enum { TAG_HEADER = 22, HEADER_KEY = 1, HEADER_VAL = 2, TAG_MORE = 24 };

enum field_index {
#define FRAME_FIELD(name, tag, type, member) INDEX_##name,
#include "plug/frames.def"
    INDEX__END
};
_Static_assert(INDEX__END <= 32, "a bit for each field");
#define F(name) (UINT32_C(1) << INDEX_##name)

struct frame_info {
    uint16_t type;
    uint8_t direction, must;
    uint32_t needs;
    const char *name;
};
static const struct frame_info infos[] = {
#define DOWN                                       FRAME_DOWN
#define UP                                         FRAME_UP
#define FRAME(name, ftype, direction, must, needs) {(ftype), (direction), (must), (needs), #name},
#include "plug/frames.def"
#undef DOWN
#undef UP
};

static const struct frame_info *info(uint16_t type)
{
    for (unsigned i = 0; i < sizeof infos / sizeof infos[0]; i++)
        if (infos[i].type == type)
            return &infos[i];
    return NULL;
}

const char *frame_name(uint16_t type)
{
    const struct frame_info *f = info(type);
    return f ? f->name : "unknown";
}

int frame_direction(uint16_t type)
{
    const struct frame_info *f = info(type);
    return f ? f->direction : 0;
}

bool frame_must(uint16_t type)
{
    const struct frame_info *f = info(type);
    return f && f->must;
}

/* ---- writing ----------------------------------------------------------------------- */

static void put_ID(struct hilo_writer *w, uint32_t tag, struct hilo_id id)
{
    static const struct hilo_id none;
    if (memcmp(&id, &none, sizeof id) != 0)
        hilo_put_id(w, tag, id);
}

static void put_STR(struct hilo_writer *w, uint32_t tag, struct hilo_str s)
{
    if (s.n)
        hilo_put_str(w, tag, s);
}

static void put_U64(struct hilo_writer *w, uint32_t tag, uint64_t v)
{
    if (v)
        hilo_put_u64(w, tag, v);
}

static void put_CODE(struct hilo_writer *w, uint32_t tag, int32_t code)
{
    if (code < 0)
        hilo_put_u64(w, tag, (uint64_t)(-(int64_t)code));
}

int32_t frame_encode(const struct frame *f, struct hilo_writer *w)
{
    if (f->n_header > FRAME_HEADERS_MAX || f->n_more > FRAME_MORE_MAX)
        return HILO_INVALID;
#define FRAME_FIELD(name, tag, type, member) put_##type(w, (tag), f->member);
#include "plug/frames.def"
    for (uint64_t i = 0; i < f->n_header; i++) {
        hilo_open(w, TAG_HEADER);
        hilo_put_str(w, HEADER_KEY, f->header[i].key);
        hilo_put_str(w, HEADER_VAL, f->header[i].val);
        hilo_close(w);
    }
    for (uint64_t i = 0; i < f->n_more; i++)
        hilo_put_str(w, TAG_MORE, f->more[i]);
    return HILO_OK;
}

/* ---- reading ----------------------------------------------------------------------- */

/* Only what frame_encode writes is read: nothing empty or zero, no leading zero bytes. So a
 * field that is there says something, and "needs" can count on it. */

static bool get_ID(struct hilo_str v, struct hilo_id *out)
{
    static const struct hilo_id none;

    if (v.n != sizeof out->b || memcmp(v.p, none.b, sizeof none.b) == 0)
        return false;
    memcpy(out->b, v.p, sizeof out->b);
    return true;
}

static bool get_STR(struct hilo_str v, struct hilo_str *out)
{
    *out = v;
    return v.n > 0;
}

static bool get_U64(struct hilo_str v, uint64_t *out)
{
    *out = hilo_u64(v);
    return v.n > 0 && v.n <= 8 && v.p[v.n - 1] != 0;
}

static bool get_CODE(struct hilo_str v, int32_t *out)
{
    uint64_t u;

    if (!get_U64(v, &u) || u > 0xffff)
        return false;
    *out = (int32_t)(-(int64_t)u);
    return true;
}

static bool get_header(struct hilo_str group, struct hilo_kv *out)
{
    struct hilo_field f;
    int more;

    *out = (struct hilo_kv){{NULL, 0}, {NULL, 0}};
    while ((more = hilo_next(&group, &f)) == 1) {
        if (f.tag == HEADER_KEY)
            out->key = f.val;
        else if (f.tag == HEADER_VAL)
            out->val = f.val;
    }
    return more == 0;
}

int32_t frame_decode(uint16_t type, int direction, struct hilo_str fields, struct frame_headers *headers,
                     struct frame *out)
{
    const struct frame_info *fi = info(type);
    struct frame got = {.type = out->type, .token = out->token, .fd = out->fd};
    struct hilo_field f;
    uint32_t have = 0;
    int more;

    if (!fi || fi->direction != direction)
        return HILO_INVALID;
    while ((more = hilo_next(&fields, &f)) == 1) {
        switch (f.tag) {
#define FRAME_FIELD(name, tag, ftype, member)                                                                \
    case (tag):                                                                                              \
        if ((have & F(name)) || !get_##ftype(f.val, &got.member))                                            \
            return HILO_INVALID;                                                                             \
        have |= F(name);                                                                                     \
        break;
#include "plug/frames.def"
        case TAG_HEADER:
            if (got.n_header == FRAME_HEADERS_MAX || !get_header(f.val, &headers->kv[got.n_header]))
                return HILO_INVALID;
            got.n_header++;
            break;
        case TAG_MORE:
            if (got.n_more == FRAME_MORE_MAX)
                return HILO_INVALID;
            headers->more[got.n_more++] = f.val;
            break;
        default: /* a field that we don't know says nothing to us */
            break;
        }
    }
    if (more != 0 || (have & fi->needs) != fi->needs)
        return HILO_INVALID;
    got.header = headers->kv;
    got.more = headers->more;
    *out = got;
    return HILO_OK;
}

struct hilo_http frame_http(const struct frame *f)
{
    return (struct hilo_http){.size = sizeof(struct hilo_http),
                              .status = (uint32_t)(f->status > 999 ? 0 : f->status),
                              .flags = (uint32_t)f->flags,
                              .method = f->method,
                              .url = f->url,
                              .body = f->body,
                              .header = f->header,
                              .n_header = f->n_header,
                              .sink_fd = -1};
}

void frame_http_set(struct frame *f, const struct hilo_http *h)
{
    f->method = h->method;
    f->url = h->url;
    f->body = h->body;
    f->status = h->status;
    f->flags = h->flags;
    f->header = h->header;
    f->n_header = h->n_header;
}
