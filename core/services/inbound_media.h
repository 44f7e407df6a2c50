/* The media of an inbound message, before it is written down. Private to the services. [core] */
#ifndef SERVICES_INBOUND_MEDIA_H
#define SERVICES_INBOUND_MEDIA_H

#include "services/gateway.h"

struct inbound_media {
    struct hilo_id own;       /* of a content of type media, to be fetched; none: it is not */
    struct hilo_str expected; /* its SHA-256, 32 bytes, or empty */
    bool any;                 /* something is to be fetched */
};

/* Gives an id to each media that the channel can fetch: the content's own, those of attachments, that of
 * the original. Ids that the channel gave itself are taken out: it knows none of ours, and one would
 * show another customer's file. HILO_INVALID: more than HILO_ATTACHMENTS_MAX. */
int32_t inbound_media(struct gateway *, const struct gw_channel *, struct hilo_str *content, struct arena *,
                      struct inbound_media *out, struct err *);

#endif
