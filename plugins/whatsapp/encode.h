/* From a Hilo message to a provider's request: what providers share. Pure; [any]
 * thread. */
#ifndef WHATSAPP_ENCODE_H
#define WHATSAPP_ENCODE_H

#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stdbool.h>

struct wa_conf;
struct wa_build;

struct wa_encode {
    const struct wa_conf *conf;
    /* The provider's id of a stored media, or NULL if it was not uploaded yet. */
    const char *(*media)(void *arg, struct hilo_id);
    void *arg;
};

/* A request to be made; POST, JSON. */
struct wa_encoded {
    char *url, *body;    /* HILO_OK; freed by wa_encoded_done */
    bool echoed;         /* receipts will carry our id; not so for a signal */
    struct hilo_id need; /* HILO_AGAIN: this media has to be uploaded first */
    const char *why;     /* HILO_INVALID, HILO_CONFIG: words for a person */
};
/* A provider's encode() gives HILO_OK, HILO_AGAIN, HILO_INVALID, HILO_CONFIG or
 * HILO_NOMEM; see above for what each fills. */
void wa_encoded_done(struct wa_encoded *);

/* Whom a message goes to: a phone in digits, or a user id. NULL and *why if its
 * address is neither. buf has WA_TO_MAX bytes; *user_id tells which of the two it
 * is. */
enum { WA_TO_MAX = 160 };
const char *wa_encode_to(struct hilo_str message, char *buf, bool *user_id, const char **why);

/* Limits of WhatsApp's own that hilo_abilities do not name. */
enum {
    WA_BUTTONS_MAX = 3,
    WA_BUTTON_TITLE_MAX = 20,
    WA_BUTTON_BODY_MAX = 1024,
    WA_LIST_MAX = 10,
    WA_LIST_BUTTON_MAX = 20,
    WA_SECTION_TITLE_MAX = 24
};
/* At most max characters of it. */
struct hilo_str wa_cut(struct hilo_str, uint64_t max);
/* Whether choices fit under the message as buttons, which show at once; else they
 * are a list, behind a button that opens it. With a label for that button a list is
 * what was asked for. */
bool wa_as_buttons(struct hilo_str content, uint64_t *n_out);
/* The label of the button that opens a list, in the language of the message. */
struct hilo_str wa_list_button(struct hilo_str message, struct hilo_str content);
/* The action of a list: that button under the member label, and its sections of rows. */
void wa_list_sections(struct wa_build *, cJSON *action, const char *label, struct hilo_str message,
                      struct hilo_str content);

#endif
