/*
 * Lowering: turning a message into what a channel can carry, once, in the core, so
 * that no plugin has to. The same message, abilities and environment always give the
 * same result. [any]
 */
#ifndef MODEL_LOWER_H
#define MODEL_LOWER_H

#include "base/arena.h"
#include "base/err.h"
#include <hilo/plugin.h>
#include <hilo/types.h>

struct lower_env {
    /* Language of words that lowering adds ("Reply 1 for …") where the message names
     * none that we speak: "es" or "en" (NULL). */
    const char *language;
    /* A public link to a stored media, in the arena; NULL: there are no links. */
    int32_t (*media_link)(void *arg, struct hilo_id media, struct arena *, struct hilo_str *url_out,
                          struct err *);
    /* The page that asks for a choice of this message, by its place from 0, and the one that ends
     * promotional messages; in the arena. NULL: the gateway has no address that they could be at. */
    int32_t (*choice_link)(void *arg, struct hilo_id message, uint32_t choice, struct arena *,
                           struct hilo_str *url_out, struct err *);
    int32_t (*unsubscribe_link)(void *arg, struct hilo_id message, struct arena *, struct hilo_str *url_out,
                                struct err *);
    void *arg;
};

enum { LOWER_PARTS_MAX = 32 };

struct lowered {
    struct hilo_str *message; /* in the arena; one that needed no change is the original's bytes */
    size_t n;
    /* What was done, names joined by spaces, in this order: quote_dropped, text_split,
     * choices_to_buttons, choices_to_list, choices_to_text, titles_shortened,
     * descriptions_shortened, body_split, header_to_body, footer_to_body,
     * button_shortened, media_kind, media_to_url, media_to_link, caption_to_text,
     * template_to_text, form_to_link, link_to_text, location_to_text, contacts_to_text,
     * appointment_to_text, choices_spoken, urls_dropped, subject_to_text, subject_dropped,
     * html_dropped, attachments_to_media, attachments_dropped. */
    struct hilo_str notes;
};

/*
 * Lowers a well-formed outbound message (model_check, model_validate_outbound):
 *
 *   text      split at text_max (model/split.h)
 *   choices   as buttons or a list, titles shortened with "…" if they stay different;
 *             else as a text with numbers, whose answer model/lift.h understands. What
 *             the author asked for by a description, a section or a label of the list
 *             ("button") is tried as a list first. Lowered choices with the field
 *             BUTTON are a list, those without are buttons: BUTTON is always there for
 *             a list, and never for buttons. On a channel of choice links each has its URL;
 *             it has numbers instead where there are no links.
 *   media     as it is; as another kind that shows the same (voice as audio, sticker as
 *             image, anything as document); stored ones as a URL; else a text with a
 *             link. A caption too long, or of a kind that has none (audio, voice,
 *             sticker), follows as a text.
 *   template, appointment
 *             as it is, or its text where the channel has none.
 *   link      as a button, or a text with the link.
 *   form      as it is, or as a link to its url.
 *   location, contacts
 *             as they are, or a text; a location's has a link to a map.
 *   subject   as it is, or the first line of the text or caption (a text before a location or
 *             contacts; a template or appointment that is sent as one has no place for it).
 *   html      as it is, or left out: the text says it.
 *   attachments
 *             as they are, stored ones as URLs where the channel has no files, and those at a
 *             URL as lines of the text where it has no URLs; else each as a media, behind the
 *             rest. What only the HTML shows goes with it. Nothing of them is spoken.
 *   invitation
 *             to channels that take appointments; others have the text.
 *   A channel that speaks (HILO_ABLE_SPOKEN) gets one message of each: choices as a text with
 *   keys, "Para cambio, marque 1.", with CONTENT.CHOICES as they were, in the order of their keys;
 *   of links, forms, places and media that can't be played the words; no URL.
 *   others    (reaction, system, note …) as they are, if the channel has declared them.
 *
 * Several messages are to be sent in this order. All are copies of the original but
 * for their content; only the first answers what the original answered, and none does
 * where the channel can't show it (HILO_ABLE_QUOTE).
 *
 * HILO_OK; HILO_NOSUP when the channel can't carry it, naming what is missing;
 * HILO_INVALID when the bytes are malformed; or what media_link says.
 */
int32_t lower(struct hilo_str message, const struct hilo_abilities *, const struct lower_env *,
              struct arena *, struct lowered *out, struct err *);

#endif
