/* Which stored media Meta has already, by which id, and until when. In memory: what
 * a restart forgets is uploaded again. Not thread-safe; zeroed is empty. */
#ifndef WHATSAPP_UPLOADS_H
#define WHATSAPP_UPLOADS_H

#include <hilo/types.h>
#include <stdbool.h>

enum { WA_UPLOADS_MAX = 512, WA_UPLOAD_ID_MAX = 64 };

struct wa_uploads {
    struct {
        struct hilo_id media; /* all zero: free */
        int64_t until_us;
        char ext[WA_UPLOAD_ID_MAX];
    } v[WA_UPLOADS_MAX];
    uint32_t next; /* the place that the next one takes: the oldest */
};

/* Meta's id, or NULL. Valid until the next put. */
const char *wa_uploads_get(const struct wa_uploads *, struct hilo_id media, int64_t now_us);
/* False: the id is longer than ids are. */
bool wa_uploads_put(struct wa_uploads *, struct hilo_id media, const char *ext, int64_t now_us);
void wa_uploads_forget(struct wa_uploads *, struct hilo_id media);

#endif
