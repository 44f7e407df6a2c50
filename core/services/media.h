/* Media as a service: uploads, records, signed links, download jobs. [core] */
#ifndef SERVICES_MEDIA_H
#define SERVICES_MEDIA_H

#include "services/gateway.h"

/* Records an upload whose file (store/media.h) is finished. Between begin and end. */
int media_add(struct gateway *, const struct actor *, const uint8_t sha256[32], uint64_t size,
              struct hilo_str mime, struct hilo_str filename, struct hilo_id *out, struct fault *);
/* The record and, unless fd_out is NULL, its file open for reading. Faults: not_found,
 * media_pending (409, with what to do), media_failed (410). */
int media_get(struct gateway *, struct hilo_id, struct arena *, struct rec_media *out, int *fd_out,
              struct fault *);
/* A public link, {http.public_url}/m/{token}; the token holds id and expiry and an
 * HMAC-SHA256. Fault no_public_url if there is no http.public_url. */
int media_link(struct gateway *, struct hilo_id, int64_t now_us, struct arena *, struct hilo_str *out,
               struct fault *);
/* Checks a token: the id, or a fault 404 (bad) or 410 (expired). */
int media_token(struct gateway *, struct hilo_str token, int64_t now_us, struct hilo_id *out, struct fault *);

#endif
