/* What the files of lowering share. Private to them. */
#ifndef MODEL_LOWER_JOB_H
#define MODEL_LOWER_JOB_H

#include "model/codec.h"
#include "model/lower.h"
#include <stdbool.h>

/* Bits in the order of the names in lower.h. */
enum {
    NOTE_QUOTE = 1 << 0,
    NOTE_TEXT_SPLIT = 1 << 1,
    NOTE_BUTTONS = 1 << 2,
    NOTE_LIST = 1 << 3,
    NOTE_NUMBERED = 1 << 4,
    NOTE_TITLES = 1 << 5,
    NOTE_DESCRIPTIONS = 1 << 6,
    NOTE_BODY_SPLIT = 1 << 7,
    NOTE_HEADER = 1 << 8,
    NOTE_FOOTER = 1 << 9,
    NOTE_BUTTON_LABEL = 1 << 10,
    NOTE_MEDIA_KIND = 1 << 11,
    NOTE_MEDIA_URL = 1 << 12,
    NOTE_MEDIA_LINK = 1 << 13,
    NOTE_CAPTION = 1 << 14,
    NOTE_TEMPLATE = 1 << 15
};

struct lower_job {
    struct hilo_str message, content;
    const struct hilo_abilities *able;
    const struct lower_env *env;
    struct arena *arena;
    struct err *err;
    uint32_t notes;
    struct hilo_str part[LOWER_PARTS_MAX];
    size_t n;
};

static inline bool lower__can(const struct lower_job *j, uint32_t content)
{
    return content < 32 && (j->able->contents >> content & 1);
}
/* Texts can be sent: declared, and of some length. */
static inline bool lower__can_text(const struct lower_job *j)
{
    return lower__can(j, HILO_CONTENT_TEXT) && j->able->text_max > 0;
}
/* Whether words that we add are to be Spanish. */
bool lower__spanish(const struct lower_job *);

/* One more part: the message with these changes to its content (n 0: none). */
int32_t lower__emit(struct lower_job *, const struct model_change *, size_t n);
/* More parts: texts of their own, split where need be. */
int32_t lower__emit_text(struct lower_job *, struct hilo_str text);

int32_t lower__choices(struct lower_job *);
int32_t lower__media(struct lower_job *);

#endif
