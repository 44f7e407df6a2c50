/* For providers: a template of a list, as it is being written. Pure; [any] thread. All
 * values are JSON. */
#ifndef WHATSAPP_LIST_H
#define WHATSAPP_LIST_H

#include "json.h"
#include "webhook.h"

#include <hilo/message.h>
#include <hilo/plugin.h>

struct wa_list {
    struct hilo_writer w; /* the group TEMPLATE */
    char *scratch;        /* room for the text of any string of the body */
};

/* A text, if it is one and not empty. */
void wa_list_text(struct wa_list *, uint32_t tag, struct hilo_str value);
/* "NONE" is WhatsApp's word for no reason. */
void wa_list_reason(struct wa_list *, struct hilo_str value);
/* HILO_TEMPLATE_x and HILO_CATEGORY_x of WhatsApp's words. */
uint64_t wa_list_status(struct hilo_str value);
uint64_t wa_list_category(struct hilo_str value);
/* A text with its places ({{1}}, {{name}}), which go into params_tag, in order; *named is
 * set if they go by name. False: there are too many. */
bool wa_list_put_places(struct wa_list *, uint32_t text_tag, uint32_t params_tag, struct hilo_str value,
                        bool *named);
/* The object of a header: format, and text. False as above. */
bool wa_list_header(struct wa_list *, struct hilo_str header, bool *named);
/* The object of a button: type, text and url. */
void wa_list_put_button(struct wa_list *, struct hilo_str button);
/* Ends it: to the sink with it, or with why it is left out. */
void wa_list_give(struct wa_list *, struct hilo_str name, struct hilo_str language, const char *why,
                  const struct wa_template_sink *);

#endif
