/*
 * A ring of the last uploads. Meta keeps a media for 30 days; a day less is
 * counted on, so that none runs out between the look and the send.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "uploads.h"

#include <string.h>

#define UPLOADS_KEPT_US (INT64_C(29) * 86400 * 1000000)

static const struct hilo_id uploads_none;

const char *wa_uploads_get(const struct wa_uploads *u, struct hilo_id media, int64_t now_us)
{
    unsigned i;

    for (i = 0; i < WA_UPLOADS_MAX; i++)
        if (memcmp(&u->v[i].media, &media, sizeof media) == 0)
            return now_us < u->v[i].until_us ? u->v[i].ext : NULL;
    return NULL;
}

void wa_uploads_forget(struct wa_uploads *u, struct hilo_id media)
{
    unsigned i;

    for (i = 0; i < WA_UPLOADS_MAX; i++)
        if (memcmp(&u->v[i].media, &media, sizeof media) == 0)
            u->v[i].media = uploads_none;
}

bool wa_uploads_put(struct wa_uploads *u, struct hilo_id media, const char *ext, int64_t now_us)
{
    size_t n = strlen(ext);

    if (n >= WA_UPLOAD_ID_MAX)
        return false;
    wa_uploads_forget(u, media);
    u->v[u->next].media = media;
    u->v[u->next].until_us = now_us + UPLOADS_KEPT_US;
    memcpy(u->v[u->next].ext, ext, n + 1);
    u->next = (u->next + 1) % WA_UPLOADS_MAX;
    return true;
}
