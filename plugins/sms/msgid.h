/* Our id of a message as text, "msg_" and 26 digits of base32: what providers are given, and give
 * back in receipts. Pure; [any] thread. */
#ifndef SMS_MSGID_H
#define SMS_MSGID_H

#include <hilo/types.h>
#include <stdbool.h>

enum { SMS_MSGID_TEXT = 31 /* with the NUL */ };

void sms_msgid_write(struct hilo_id, char out[SMS_MSGID_TEXT]);
/* Letters of either case. False: it is none. */
bool sms_msgid_read(struct hilo_str, struct hilo_id *out);

#endif
