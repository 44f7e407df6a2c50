/*
 * What an outbound message carries, before it is written down: stored media are there
 * and within the channel's sizes, a template is as its channel has published it.
 */
#include "base/str.h"
#include "model/codec.h"
#include "model/table.h"
#include "services/media.h"
#include "services/outbound.h"
#include "services/templates.h"
#include <stdio.h>

/* "/content/text: too long" -> pointer and text. */
int outbound_content_fault(struct fault *f, const char *code, const struct err *e)
{
    struct hilo_str pointer, text, all = str(e->text);
    char z[sizeof f->pointer];

    if (e->text[0] != '/' || !str_cut(all, ':', &pointer, &text) || pointer.n >= sizeof z)
        return fault_set(f, 422, code, "/content", "%.380s", e->text);
    memcpy(z, pointer.p, (size_t)pointer.n);
    z[pointer.n] = '\0';
    return fault_set(f, 422, code, z, "%.*s", (int)(text.n > 380 ? 380 : text.n), text.n ? text.p + 1 : "");
}

/* ---- media ---- */

/* "5 MB" if it is even, else bytes. */
static struct hilo_str size_words(struct arena *a, uint64_t n)
{
    if (n >= 1 << 20 && n % (1 << 20) == 0)
        return arena_fmt(a, "%llu MB", (unsigned long long)(n >> 20));
    if (n >= 1 << 10 && n % (1 << 10) == 0)
        return arena_fmt(a, "%llu kB", (unsigned long long)(n >> 10));
    return arena_fmt(a, "%llu bytes", (unsigned long long)n);
}

static uint64_t limit_of(const struct gw_channel *c, uint64_t kind)
{
    return kind < 8 ? c->able->media_max[kind] : 0;
}

/* size 0: not known. */
static int size_check(const struct gw_channel *c, uint64_t kind, uint64_t size, const char *pointer,
                      struct arena *a, struct fault *f)
{
    uint64_t max = limit_of(c, kind), document = limit_of(c, HILO_MEDIA_DOCUMENT);
    const char *name = model_value_text(MODEL_E_MEDIA, kind);
    bool can_document = kind != HILO_MEDIA_DOCUMENT && kind < 8 &&
                        (c->able->media_kinds >> HILO_MEDIA_DOCUMENT & 1) && (!document || size <= document);

    if (max == 0 || size <= max)
        return 0;
    return fault_set(f, 422, "media_too_large", pointer,
                     "the channel %.*s takes at most %.*s as %s, and this has %.*s; make it smaller%s",
                     STR_FMT(c->name), STR_FMT(size_words(a, max)), name ? name : "media",
                     STR_FMT(size_words(a, size)), can_document ? ", or send it as a document" : "");
}

static int media_usable(struct gateway *gw, const struct gw_channel *c, struct hilo_id id,
                        const char *pointer, uint64_t kind, struct arena *a, struct rec_media *m,
                        struct fault *f)
{
    if (media_get(gw, id, a, m, NULL, f) != 0) {
        if (f->status == 404)
            (void)fault_set(f, 422, "unknown_media", pointer,
                            "there is no such media; upload it with POST /v1/media");
        return -1;
    }
    if (m->state != MEDIA_STORED)
        return fault_set(f, 422, "media_not_stored", pointer, "this media is %s",
                         m->state == MEDIA_PENDING ? "still being fetched; retry in a moment"
                                                   : "not available");
    return size_check(c, kind, m->size, pointer, a, f);
}

/* Stored media must be there; its type and name are added, for the plugin. */
static int media_complete(struct gateway *gw, const struct gw_channel *c, struct hilo_str *content,
                          struct arena *a, struct fault *f)
{
    struct hilo_id id = hilo_get_id(*content, HILO_T_CONTENT_MEDIA);
    uint64_t kind = hilo_get_u64(*content, HILO_T_CONTENT_KIND);
    struct model_change change[3];
    struct rec_media m;
    struct err e = {0};
    size_t n = 0;

    if (id_none(id)) /* a link, whose size its sender may know */
        return size_check(c, kind, hilo_get_u64(*content, HILO_T_CONTENT_SIZE), "/content/size", a, f);
    if (media_usable(gw, c, id, "/content/media", kind, a, &m, f) != 0)
        return -1;
    if (hilo_get_str(*content, HILO_T_CONTENT_MIME).n == 0 && m.mime.n)
        change[n++] = change_str(HILO_T_CONTENT_MIME, m.mime);
    if (hilo_get_str(*content, HILO_T_CONTENT_FILENAME).n == 0 && m.filename.n)
        change[n++] = change_str(HILO_T_CONTENT_FILENAME, m.filename);
    change[n++] = change_u64(HILO_T_CONTENT_SIZE, m.size);
    if (model_edit(a, *content, change, n, content, &e) != HILO_OK)
        return outbound_content_fault(f, "invalid_content", &e);
    return 0;
}

/* The media of a template's parameters. */
static int params_media(struct gateway *gw, const struct gw_channel *c, struct hilo_str params,
                        struct arena *a, struct fault *f)
{
    static const uint8_t kinds[] = {[HILO_PARAM_IMAGE] = HILO_MEDIA_IMAGE,
                                    [HILO_PARAM_VIDEO] = HILO_MEDIA_VIDEO,
                                    [HILO_PARAM_DOCUMENT] = HILO_MEDIA_DOCUMENT};
    unsigned header = 0, body = 0;
    struct hilo_field p;
    struct rec_media m;

    while (hilo_next(&params, &p) == 1) {
        bool in_header = p.tag == HILO_T_PARAMS_HEADER;
        uint64_t type = hilo_get_u64(p.val, HILO_T_PARAM_TYPE);
        char pointer[64];
        if (!in_header && p.tag != HILO_T_PARAMS_BODY)
            continue;
        (void)snprintf(pointer, sizeof pointer, "/content/parameters/%s/%u/media",
                       in_header ? "header" : "body", in_header ? header++ : body++);
        struct hilo_id id = hilo_get_id(p.val, HILO_T_PARAM_MEDIA);
        if (!id_none(id) &&
            media_usable(gw, c, id, pointer, type < sizeof kinds ? kinds[type] : 0, a, &m, f) != 0)
            return -1;
    }
    return 0;
}

/* One attachment: stored, it must be there, and its type, name and size are added; *total: of all that
 * are known. */
static int attachment_complete(struct gateway *gw, const struct gw_channel *c, struct hilo_str *group,
                               unsigned place, uint64_t *total, struct arena *a, struct fault *f)
{
    const struct hilo_id id = hilo_get_id(*group, HILO_T_ATTACHMENT_MEDIA);
    const uint64_t own = hilo_get_u64(*group, HILO_T_ATTACHMENT_KIND),
                   kind = own ? own : (uint64_t)HILO_MEDIA_DOCUMENT;
    struct model_change change[3];
    struct rec_media m;
    struct err e = {0};
    char pointer[64];
    size_t n = 0;

    (void)snprintf(pointer, sizeof pointer, "/content/attachments/%u/media", place);
    if (id_none(id))
        return 0; /* where it is at a URL, that is what is sent */
    if (media_usable(gw, c, id, pointer, kind, a, &m, f) != 0)
        return -1;
    if (hilo_get_str(*group, HILO_T_ATTACHMENT_MIME).n == 0 && m.mime.n)
        change[n++] = change_str(HILO_T_ATTACHMENT_MIME, m.mime);
    if (hilo_get_str(*group, HILO_T_ATTACHMENT_FILENAME).n == 0 && m.filename.n)
        change[n++] = change_str(HILO_T_ATTACHMENT_FILENAME, m.filename);
    change[n++] = change_u64(HILO_T_ATTACHMENT_SIZE, m.size);
    *total += m.size;
    if (model_edit(a, *group, change, n, group, &e) != HILO_OK)
        return outbound_content_fault(f, "invalid_content", &e);
    return 0;
}

static int attachments_complete(struct gateway *gw, const struct gw_channel *c, struct hilo_str *content,
                                struct arena *a, struct fault *f)
{
    const uint64_t max = c->able->flags & HILO_ABLE_ATTACHMENTS ? c->able->media_max[0] : 0;
    struct hilo_str rest = *content;
    uint64_t total = 0;
    struct hilo_writer w;
    struct hilo_field x;
    unsigned n = 0;

    if (!hilo_find(*content, HILO_T_CONTENT_ATTACHMENTS, &rest))
        return 0;
    rest = *content;
    arena_writer(a, &w);
    while (hilo_next(&rest, &x) == 1) {
        if (x.tag == HILO_T_CONTENT_ATTACHMENTS && attachment_complete(gw, c, &x.val, n++, &total, a, f) != 0)
            return -1;
        hilo_put_str(&w, x.tag, x.val);
    }
    *content = hilo_written(&w);
    if (max && total > max)
        return fault_set(f, 422, "media_too_large", "/content/attachments",
                         "the channel %.*s takes at most %.*s of attachments in one message, and these have "
                         "%.*s; send fewer, or links to them",
                         STR_FMT(c->name), STR_FMT(size_words(a, max)), STR_FMT(size_words(a, total)));
    return 0;
}

int outbound_content(struct gateway *gw, struct outbound *o, struct arena *a, struct fault *f)
{
    struct gw_channel *c = o->plan.channel;

    switch (hilo_get_u64(o->content, HILO_T_CONTENT_TYPE)) {
    case HILO_CONTENT_MEDIA:
        return media_complete(gw, c, &o->content, a, f);
    case HILO_CONTENT_TEMPLATE:
        if (params_media(gw, c, hilo_get_str(o->content, HILO_T_CONTENT_PARAMETERS), a, f) != 0)
            return -1;
        return template_check(gw, c, &o->content, &o->category, a, f);
    default:
        return attachments_complete(gw, c, &o->content, a, f);
    }
}
