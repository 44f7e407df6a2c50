/* What an outbound message must be to make sense, whatever the channel. [any] */
#ifndef MODEL_VALIDATE_H
#define MODEL_VALIDATE_H

#include "base/err.h"
#include <hilo/types.h>

/* Limits that no channel exceeds; a channel's own are met by lowering. Characters,
 * unless they say bytes. */
enum {
    MODEL_TEXT_MAX = 65536,
    MODEL_CAPTION_MAX = 4096,
    MODEL_CHOICES_MAX = 50,
    MODEL_CHOICE_ID_MAX = 256, /* bytes */
    MODEL_TITLE_MAX = 200,
    MODEL_NAME_MAX = 512,
    MODEL_URL_MAX = 2048, /* bytes */
    MODEL_PARAMS_MAX = 64,
    MODEL_CONTACTS_MAX = 50,
    MODEL_DATA_MAX = 32768, /* bytes */
    MODEL_SUBJECT_MAX = 512,
    MODEL_HTML_MAX = 524288,
    MODEL_ATTACHMENTS_MAX = 32
};

/*
 * Whether a well-formed message (model_check) may be accepted for sending: kind
 * outbound, known values in its enumerations, a priority of 0 to 2, at most one
 * party, and content as its type requires and nothing that its type forbids.
 * HILO_OK, or HILO_INVALID with a JSON pointer and what to do:
 *     /content/choices/1/title: the same title as another choice; make it different
 * Unknown tags pass.
 */
int32_t model_validate_outbound(struct hilo_str message, struct err *);

#endif
