/*
 * Lowering media. First the kind: the message's own, else one that shows the same,
 * within the channel's sizes; then where the bytes are: a stored media as a file or as
 * a link to it, a URL only where the channel sends by URL (fetching it for the sender
 * would make the gateway ask any address it is told). What fits nowhere is a text with
 * a link, and a link is never cut.
 */
#include "base/str.h"
#include "model/lower_job.h"
#include "model/split.h"
#include "model/table.h"

static bool can_kind(const struct lower_job *j, uint64_t kind)
{
    uint64_t size = hilo_get_u64(j->content, HILO_T_CONTENT_SIZE);

    return lower__can(j, HILO_CONTENT_MEDIA) && kind >= 1 && kind < 8 && (j->able->media_kinds >> kind & 1) &&
           (j->able->media_max[kind] == 0 || size <= j->able->media_max[kind]);
}

/* The kind to send it as; 0: none. */
static uint64_t find_kind(const struct lower_job *j, uint64_t kind)
{
    if (can_kind(j, kind))
        return kind;
    if (kind == HILO_MEDIA_VOICE && can_kind(j, HILO_MEDIA_AUDIO))
        return HILO_MEDIA_AUDIO;
    if (kind == HILO_MEDIA_STICKER && can_kind(j, HILO_MEDIA_IMAGE))
        return HILO_MEDIA_IMAGE;
    return can_kind(j, HILO_MEDIA_DOCUMENT) ? HILO_MEDIA_DOCUMENT : 0;
}

static int32_t link_to(struct lower_job *j, struct hilo_str *out)
{
    if (hilo_find(j->content, HILO_T_CONTENT_URL, out))
        return HILO_OK;
    if (!j->env->media_link)
        return err_set(j->err, HILO_NOSUP,
                       "the channel can't carry this media, and there are no public links to it");
    return j->env->media_link(j->env->arg, hilo_get_id(j->content, HILO_T_CONTENT_MEDIA), j->arena, out,
                              j->err);
}

static int32_t as_link(struct lower_job *j)
{
    struct hilo_str url;
    int32_t rc;

    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP,
                       "the channel can carry neither this media nor a text with a link to it");
    rc = link_to(j, &url);
    if (rc)
        return rc;
    j->notes |= NOTE_MEDIA_LINK;
    return lower__emit_link(j, hilo_get_str(j->content, HILO_T_CONTENT_CAPTION),
                            hilo_get_str(j->content, HILO_T_CONTENT_FILENAME), url);
}

int32_t lower__media(struct lower_job *j)
{
    uint64_t own = hilo_get_u64(j->content, HILO_T_CONTENT_KIND), kind = find_kind(j, own);
    struct hilo_str caption = hilo_get_str(j->content, HILO_T_CONTENT_CAPTION), url;
    bool stored = hilo_find(j->content, HILO_T_CONTENT_MEDIA, &url), text = false;
    struct model_change c[4];
    size_t n = 0;
    int32_t rc;

    if (!kind || !(stored ? j->able->flags & (HILO_ABLE_MEDIA_FILE | HILO_ABLE_MEDIA_LINK)
                          : j->able->flags & HILO_ABLE_MEDIA_LINK))
        return as_link(j);
    if (kind != own) {
        j->notes |= NOTE_MEDIA_KIND;
        c[n++] = change_u64(HILO_T_CONTENT_KIND, kind);
    }
    if (stored && !(j->able->flags & HILO_ABLE_MEDIA_FILE)) {
        rc = link_to(j, &url);
        if (rc)
            return rc;
        j->notes |= NOTE_MEDIA_URL;
        c[n++] = change_remove(HILO_T_CONTENT_MEDIA);
        c[n++] = change_str(HILO_T_CONTENT_URL, url);
    }
    if (caption.n && (kind == HILO_MEDIA_AUDIO || kind == HILO_MEDIA_VOICE || kind == HILO_MEDIA_STICKER ||
                      !split_fits(caption, j->able->caption_max))) {
        if (!lower__can_text(j))
            return err_set(j->err, HILO_NOSUP,
                           "the channel can't carry the media's caption; shorten or remove it");
        j->notes |= NOTE_CAPTION;
        c[n++] = change_remove(HILO_T_CONTENT_CAPTION);
        text = true;
    }
    rc = lower__emit(j, c, n);
    return rc || !text ? rc : lower__emit_text(j, caption);
}
