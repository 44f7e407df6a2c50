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
    NOTE_TEMPLATE = 1 << 15,
    NOTE_FORM = 1 << 16,
    NOTE_LINK = 1 << 17,
    NOTE_LOCATION = 1 << 18,
    NOTE_CONTACTS = 1 << 19,
    NOTE_APPOINTMENT = 1 << 20,
    NOTE_SPOKEN = 1 << 21,
    NOTE_URLS = 1 << 22,
    NOTE_SUBJECT = 1 << 23,
    NOTE_SUBJECT_DROPPED = 1 << 24,
    NOTE_HTML = 1 << 25,
    NOTE_ATTACHMENTS = 1 << 26,
    NOTE_ATTACHMENTS_DROPPED = 1 << 27
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
/* One more part: the message with another content. */
int32_t lower__emit_whole(struct lower_job *, const struct model_change *content);
/* More parts: texts of their own, split where need be. */
int32_t lower__emit_text(struct lower_job *, struct hilo_str text);

/* More parts: texts that end with a link, which is never cut: "words", a line break,
 * "label: url". words and label may be empty. HILO_NOSUP if no text can hold it. */
int32_t lower__emit_link(struct lower_job *, struct hilo_str words, struct hilo_str label,
                         struct hilo_str url);
/* The content's text as the body of something with buttons, of at most max characters:
 * header and footer are in it where the channel has no room for them apart, what is too
 * long goes before as texts. Adds the changes that the content needs, at most 3. */
int32_t lower__body(struct lower_job *, size_t max, struct model_change *, size_t *n);
/* At most max (2 or more) characters, with an ellipsis if it is cut. */
struct hilo_str lower__shorten(struct arena *, struct hilo_str, size_t max);

/* What is spoken to who listens; *taken: it is such a type. */
int32_t lower__spoken(struct lower_job *, uint32_t type, bool *taken);
/* Before anything is made: takes out of the content what the channel has no place for (subject, HTML,
 * attachments, invitation), the subject into the text. *subject_out: a text of its own to begin with,
 * else empty. *attachments_out: the groups that go as media of their own, each with tag ATTACHMENTS. */
int32_t lower__surroundings(struct lower_job *, uint32_t type, struct hilo_str *subject_out,
                            struct hilo_str *attachments_out);
/* More parts: those as media. */
int32_t lower__attachments(struct lower_job *, struct hilo_str attachments);

int32_t lower__choices(struct lower_job *);
int32_t lower__media(struct lower_job *);
int32_t lower__form(struct lower_job *);
int32_t lower__link(struct lower_job *);
int32_t lower__location(struct lower_job *);
int32_t lower__contacts(struct lower_job *);

#endif
