/* Private to meta_message.c and meta_inbound.c: the content of one message. */
#ifndef WHATSAPP_META_INBOUND_H
#define WHATSAPP_META_INBOUND_H

#include "meta_webhook.h"

enum wa_in_result {
    WA_IN_MAPPED, /* every member of the content has its field */
    WA_IN_LEFT,   /* some have none: the caller keeps the content in EXTRA */
    WA_IN_RAW     /* UNSUPPORTED, with the whole message */
};

/* Writes CONTENT of an inbound message of this type, and REPLY_EXT if its content names
 * another message (a reaction, an edit). body is the member named like the type (empty if there is none),
 * whole the message. What can't be mapped cleanly is written as UNSUPPORTED. */
enum wa_in_result wa_meta_content(struct webhook *, struct hilo_str type, struct hilo_str body,
                                  struct hilo_str whole);
/* Whether messages of this type name another in their content, not in their context. */
bool wa_meta_names_another(struct hilo_str type);

#endif
