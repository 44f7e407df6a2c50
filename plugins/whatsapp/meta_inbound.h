/* Private to meta_webhook.c and meta_inbound.c: the content of one message. */
#ifndef WHATSAPP_META_INBOUND_H
#define WHATSAPP_META_INBOUND_H

#include "inbound.h"

enum wa_in_result {
    WA_IN_MAPPED, /* every member of the content has its field */
    WA_IN_LEFT,   /* some have none: the caller keeps the content in EXTRA */
    WA_IN_RAW     /* UNSUPPORTED, with the whole message */
};

/* Writes CONTENT of an inbound message of this type, and REPLY_EXT of a reaction.
 * body is the member named like the type (empty if there is none), whole the
 * message. What can't be mapped cleanly is written as UNSUPPORTED. */
enum wa_in_result wa_meta_content(struct wa_in *, struct hilo_str type, struct hilo_str body,
                                  struct hilo_str whole);

#endif
