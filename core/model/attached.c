/* What a message names as media, whatever field it stands in. */
#include "model/attached.h"
#include "base/ids.h"
#include <hilo/message.h>

static void attached_own(struct hilo_str content, struct attached *out)
{
    *out = (struct attached){.in = HILO_T_CONTENT_MEDIA,
                             .media = hilo_get_id(content, HILO_T_CONTENT_MEDIA),
                             .ext = hilo_get_str(content, HILO_T_CONTENT_EXT_MEDIA),
                             .mime = hilo_get_str(content, HILO_T_CONTENT_MIME),
                             .filename = hilo_get_str(content, HILO_T_CONTENT_FILENAME),
                             .sha256 = hilo_get_str(content, HILO_T_CONTENT_SHA256)};
}

bool attached_next(struct attached_walk *w, struct attached *out)
{
    struct hilo_field f;

    if (!w->begun) {
        w->begun = true;
        if (hilo_get_u64(w->content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_MEDIA) {
            attached_own(w->content, out);
            return true;
        }
    }
    while (hilo_next(&w->rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_ATTACHMENTS && f.tag != HILO_T_CONTENT_ORIGINAL)
            continue;
        *out = (struct attached){.in = f.tag,
                                 .media = hilo_get_id(f.val, HILO_T_ATTACHMENT_MEDIA),
                                 .ext = hilo_get_str(f.val, HILO_T_ATTACHMENT_EXT_MEDIA),
                                 .mime = hilo_get_str(f.val, HILO_T_ATTACHMENT_MIME),
                                 .filename = hilo_get_str(f.val, HILO_T_ATTACHMENT_FILENAME),
                                 .sha256 = hilo_get_str(f.val, HILO_T_ATTACHMENT_SHA256)};
        return true;
    }
    return false;
}

bool attached_find(struct hilo_str content, struct hilo_id media, struct attached *out)
{
    struct attached_walk w = attached_begin(content);

    while (attached_next(&w, out))
        if (id_eq(out->media, media))
            return true;
    return false;
}
