/* Private to webhook.c and inbound.c: one message or status, as it is being
 * written. */
#ifndef WHATSAPP_INBOUND_H
#define WHATSAPP_INBOUND_H

#include "json.h"

#include <hilo/message.h>

/* Bytes that grow, up to a limit. */
struct wa_bytes {
    char *p;
    size_t n, cap;
    bool failed; /* the limit was met, or there was no memory */
    bool nomem;
};
void wa_bytes_put(struct wa_bytes *, const char *p, size_t n);

struct wa_in {
    struct hilo_writer w;
    struct wa_bytes extra; /* the object of EXTRA without its closing brace */
    uint32_t n_extra;      /* its members */
    char *scratch;         /* for the text of any string of the body */
};

/* Keeps a member that has no field of its own: it goes into EXTRA. Of two with the
 * same name the first is kept. */
void wa_in_extra(struct wa_in *, struct hilo_str key, struct hilo_str value);
/* Writes what was kept, if anything. */
void wa_in_extra_done(struct wa_in *);
/* Writes a string's text into a field; false if value is not a string. */
bool wa_in_text(struct wa_in *, uint32_t tag, struct hilo_str value);

enum wa_in_result {
    WA_IN_MAPPED, /* every member of the content has its field */
    WA_IN_LEFT,   /* some have none: the caller keeps the content in EXTRA */
    WA_IN_RAW     /* UNSUPPORTED, with the whole message */
};

/* Writes CONTENT of an inbound message of this type, and REPLY_EXT of a reaction.
 * body is the member named like the type (empty if there is none), whole the
 * message. What can't be mapped cleanly is written as UNSUPPORTED. */
enum wa_in_result wa_in_content(struct wa_in *, struct hilo_str type, struct hilo_str body,
                                struct hilo_str whole);

#endif
