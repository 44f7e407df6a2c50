/* Keys of SRTP in SDP: the value of a=crypto (RFC 4568, RFC 6188). Pure. */
#ifndef VOICE_SDES_H
#define VOICE_SDES_H

#include "negotiate.h"

enum { SDES_TEXT_MAX = 160 }; /* of what sdes_write() writes, with its NUL */

/* Whether the value of an a=crypto can be used as it is: a suite of ours, one key without MKI, no parameter
 * that we would have to understand. *out is untouched if not. */
bool sdes_read(struct hilo_str value, struct neg_crypto *out);
/* "1 AES_CM_128_HMAC_SHA1_80 inline:…", NUL-ended; the suite is not NONE. */
void sdes_write(const struct neg_crypto *, char out[SDES_TEXT_MAX]);

#endif
