/* Our id of a message as it travels in biz_opaque_callback_data: "msg_" and 26
 * characters of Crockford's base32. Both [any] thread. */
#ifndef WHATSAPP_ECHO_H
#define WHATSAPP_ECHO_H

#include <hilo/types.h>
#include <stdbool.h>

enum { WA_ECHO_TEXT = 31 }; /* with the NUL */

void wa_echo_write(struct hilo_id, char out[WA_ECHO_TEXT]);
/* False, and *out unchanged, if text is not such an id: somebody else sent it. */
bool wa_echo_parse(struct hilo_str text, struct hilo_id *out);

#endif
