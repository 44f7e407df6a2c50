/* From a Hilo message to the JSON body of POST …/messages. Pure; [any] thread. */
#ifndef WHATSAPP_ENCODE_H
#define WHATSAPP_ENCODE_H

#include <hilo/types.h>
#include <stdbool.h>

struct wa_encode {
    bool preview_url; /* for a text that does not say */
    /* The provider's id of a stored media, or NULL if it was not uploaded yet. */
    const char *(*media)(void *arg, struct hilo_id);
    void *arg;
};

struct wa_encoded {
    char *body;          /* HILO_OK: the JSON; the caller frees it */
    bool echoed;         /* statuses will carry our id; not so for a mark as read */
    struct hilo_id need; /* HILO_AGAIN: this media has to be uploaded first */
    const char *why;     /* HILO_INVALID: words for a person */
};

/* HILO_OK, HILO_AGAIN, HILO_INVALID or HILO_NOMEM; see above for what each fills. */
int32_t wa_encode(struct hilo_id id, struct hilo_str message, const struct wa_encode *,
                  struct wa_encoded *out);

/* Whom a message goes to: the text of "to" or "recipient". NULL and *why if its
 * address is neither a phone nor a user id. buf has WA_TO_MAX bytes; *user_id
 * tells which of the two it is. */
enum { WA_TO_MAX = 160 };
const char *wa_encode_to(struct hilo_str message, char *buf, bool *user_id, const char **why);

#endif
