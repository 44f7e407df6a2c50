/* The media of an inbound message (inbound_media.h). */
#include "services/inbound_media.h"
#include "base/str.h"
#include "model/codec.h"
#include <hilo/plugin.h>

/* An attachment with an id of ours, or without any. */
static int32_t attachment(struct gateway *gw, bool fetches, struct hilo_str *group, struct arena *a,
                          bool *any, struct err *e)
{
    const bool wanted = fetches && hilo_get_str(*group, HILO_T_ATTACHMENT_EXT_MEDIA).n;
    struct hilo_id id = {{0}};
    struct hilo_str s;

    if (wanted)
        id = idgen_next(store_ids(gw->store));
    else if (!hilo_find(*group, HILO_T_ATTACHMENT_MEDIA, &s))
        return HILO_OK;
    *any |= wanted;
    const struct model_change c =
        wanted ? change_id(HILO_T_ATTACHMENT_MEDIA, &id) : change_remove(HILO_T_ATTACHMENT_MEDIA);
    return model_edit(a, *group, &c, 1, group, e);
}

static void own(struct gateway *gw, struct hilo_str content, struct arena *a, struct inbound_media *out)
{
    uint8_t *hash = arena_alloc(a, MEDIA_HASH);

    out->own = idgen_next(store_ids(gw->store));
    out->any = true;
    if (str_unhex(hilo_get_str(content, HILO_T_CONTENT_SHA256), hash, MEDIA_HASH))
        out->expected = str_n(hash, MEDIA_HASH);
}

int32_t inbound_media(struct gateway *gw, const struct gw_channel *c, struct hilo_str *content,
                      struct arena *a, struct inbound_media *out, struct err *e)
{
    const bool fetches = c->provides & HILO_CAN_FETCH;
    struct hilo_str rest = *content, s;
    struct hilo_writer w;
    struct hilo_field f;
    unsigned n = 0;

    *out = (struct inbound_media){.any = false};
    if (fetches && hilo_get_u64(*content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_MEDIA &&
        hilo_get_str(*content, HILO_T_CONTENT_EXT_MEDIA).n)
        own(gw, *content, a, out);
    if (id_none(out->own) && !hilo_find(*content, HILO_T_CONTENT_ATTACHMENTS, &s) &&
        !hilo_find(*content, HILO_T_CONTENT_ORIGINAL, &s) && !hilo_find(*content, HILO_T_CONTENT_MEDIA, &s))
        return HILO_OK;
    arena_writer(a, &w);
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag == HILO_T_CONTENT_MEDIA)
            continue;
        if (f.tag == HILO_T_CONTENT_ATTACHMENTS && ++n > HILO_ATTACHMENTS_MAX)
            return err_set(e, HILO_INVALID, "content.attachments: more than %d", HILO_ATTACHMENTS_MAX);
        if (f.tag == HILO_T_CONTENT_ATTACHMENTS || f.tag == HILO_T_CONTENT_ORIGINAL) {
            int32_t rc = attachment(gw, fetches, &f.val, a, &out->any, e);
            if (rc != HILO_OK)
                return rc;
        }
        hilo_put_str(&w, f.tag, f.val);
    }
    if (!id_none(out->own))
        hilo_put_id(&w, HILO_T_CONTENT_MEDIA, out->own);
    *content = hilo_written(&w);
    return HILO_OK;
}
