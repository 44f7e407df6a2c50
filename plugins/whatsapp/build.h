/* For providers: building a request with a JSON body, with cJSON. */
#ifndef WHATSAPP_BUILD_H
#define WHATSAPP_BUILD_H

#include "provider.h"

#include <cjson/cJSON.h>
#include <hilo/message.h>

/* The first failure stays; functions do nothing after it and give NULL. */
struct wa_build {
    const struct wa_encode *with;
    int32_t code; /* HILO_OK so far */
    const char *why;
    struct hilo_id need;
};

void wa_build_fail(struct wa_build *, int32_t code, const char *why);

/* A new object or array in an object (name) or an array (NULL). */
cJSON *wa_build_object(struct wa_build *, cJSON *in, const char *name);
cJSON *wa_build_array(struct wa_build *, cJSON *in, const char *name);

/* Members. An empty string is written by _text and left out by _optional. */
void wa_build_text(struct wa_build *, cJSON *in, const char *name, struct hilo_str);
void wa_build_optional(struct wa_build *, cJSON *in, const char *name, struct hilo_str);
void wa_build_word(struct wa_build *, cJSON *in, const char *name, const char *);
void wa_build_bool(struct wa_build *, cJSON *in, const char *name, bool);
void wa_build_u64(struct wa_build *, cJSON *in, const char *name, uint64_t);
/* A value as it is: JSON that wa_json_check accepted. */
void wa_build_raw(struct wa_build *, cJSON *in, const char *name, struct hilo_str json);
/* latitude and longitude, as decimal strings, of a group that has the two tags. */
void wa_build_place(struct wa_build *, cJSON *in, struct hilo_str group, uint32_t latitude,
                    uint32_t longitude);
/* The same as numbers. */
void wa_build_coordinates(struct wa_build *, cJSON *in, struct hilo_str group, uint32_t latitude,
                          uint32_t longitude);
/* "id" of a stored media, which may have to be uploaded first, or "link". */
void wa_build_media(struct wa_build *, cJSON *in, struct hilo_id media, struct hilo_str ext_media,
                    struct hilo_str url);

/* Ends it: the body is root, which is freed, the URL by format. Gives what a
 * provider's encode() gives. */
int32_t wa_build_done(struct wa_build *, cJSON *root, bool echoed, struct wa_encoded *out, const char *url,
                      ...) __attribute__((format(printf, 5, 6)));

#endif
