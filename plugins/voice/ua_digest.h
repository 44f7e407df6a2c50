/*
 * Digest authentication of a request (RFC 7616, RFC 8760): pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_DIGEST_H
#define VOICE_UA_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <hilo/types.h>

enum ua_digest_algorithm { UA_DIGEST_NONE, UA_DIGEST_MD5, UA_DIGEST_SHA256 };
enum { UA_DIGEST_HEX = 65 };

/* A challenge; texts without quotes. */
struct ua_digest {
    enum ua_digest_algorithm algorithm;
    struct hilo_str realm, nonce, opaque;
    bool qop_auth, qop; /* "auth" is offered; some qop is */
};

/* Hash of user:realm:secret, in hex. */
bool ua_digest_ha1(enum ua_digest_algorithm, struct hilo_str user, struct hilo_str realm,
                   struct hilo_str secret, char out[UA_DIGEST_HEX]);
/* The value of Authorization; false: it does not fit, or the challenge has a qop that is not "auth". */
bool ua_digest_answer(const struct ua_digest *, struct hilo_str user, struct hilo_str secret,
                      const char *method, const char *uri, const char *cnonce, uint32_t nc, char *out,
                      size_t n);

#endif
