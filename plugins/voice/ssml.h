/*
 * The part of SSML 1.1 (W3C) that operators may write and that can be spoken:
 *
 *   speak                       all of it
 *   p, s                        paragraphs and sentences
 *   break time= | strength=     "500ms", "2s", at most 10 s; none, x-weak, weak, medium, strong, x-strong
 *   prosody rate=               x-slow, slow, medium, fast, x-fast, default, or "80%", 20% to 300%
 *   emphasis level=             none, reduced, moderate, strong
 *   say-as interpret-as=        digits, cardinal, date, time, telephone, characters: of text alone
 *   sub alias=                  spoken instead of what is within: of text alone
 *   lang xml:lang=              es, en: what is within is spoken in it
 *
 * xml:lang is taken on speak, p and s, too. No document type, so no entities but XML's own five. Pure.
 */
#ifndef VOICE_SSML_H
#define VOICE_SSML_H

#include "say.h"

enum ssml_element {
    SSML_SPEAK = 1,
    SSML_P,
    SSML_S,
    SSML_BREAK,
    SSML_PROSODY,
    SSML_EMPHASIS,
    SSML_SAY_AS,
    SSML_SUB,
    SSML_LANG
};
enum ssml_as {
    SSML_AS_DIGITS = 1,
    SSML_AS_CARDINAL,
    SSML_AS_DATE,
    SSML_AS_TIME,
    SSML_AS_TELEPHONE,
    SSML_AS_CHARACTERS
};
enum { SSML_BYTES_MAX = 16384, SSML_DEPTH_MAX = 16, SSML_PAUSE_MAX_MS = 10000, SSML_PAUSES_MAX_MS = 60000 };

struct ssml_tag {
    enum ssml_element element;
    enum say_language language, outer; /* that is spoken within, and around it */
    enum ssml_as as;                   /* SAY_AS */
    uint32_t pause_ms;                 /* BREAK */
    uint32_t rate_percent;             /* PROSODY; 100: as it is */
    const char *level;                 /* EMPHASIS */
    struct hilo_str alias;             /* SUB */
};

/* What a document is made of, in order. Text between two tags comes as one; entities are done. Whatever is
 * given is borrowed. Each gives false to stop, with the reason in wrong. */
struct ssml_reader {
    bool (*open)(void *arg, const struct ssml_tag *, char wrong[200]);
    bool (*text)(void *arg, const struct ssml_tag *within, struct hilo_str, char wrong[200]);
    bool (*close)(void *arg, const struct ssml_tag *, char wrong[200]);
};

/* false: wrong has what and where, in words for who wrote it ("line 1, column 9: …"). language: what is
 * spoken where the document says nothing. */
bool ssml_read(struct hilo_str ssml, enum say_language language, const struct ssml_reader *, void *arg,
               char wrong[256]);

/* Whether a prompt is meant as SSML: it begins with <speak or <?xml, after spaces. */
bool ssml_is(struct hilo_str prompt);

/* The document as espeak-ng -m takes it: what it would not know (say-as, sub, lang, names of rates) is done
 * here. voices: its name of each language's voice. The length, with a NUL behind; 0: wrong says why. */
size_t ssml_for_espeak(struct hilo_str ssml, enum say_language language, const struct hilo_str voices[2],
                       char *out, size_t n, char wrong[256]);
/* The same of plain text; 0: it does not fit. */
size_t ssml_of_text(struct hilo_str text, char *out, size_t n);

/* What say-as makes of a text, by say.h; 0: it is nothing of that kind. */
size_t ssml_say_as(enum ssml_as, enum say_language, struct hilo_str text, char *out, size_t n);
/* Says so in wrong; false. */
bool ssml_not_said_as(enum ssml_as, struct hilo_str text, char wrong[200]);

/* Parts of a document that is written: a text, escaped; a tag that is neither say-as nor sub. */
struct say_out;
void ssml_put_text(struct say_out *, struct hilo_str text);
void ssml_put_open(struct say_out *, const struct ssml_tag *);
void ssml_put_close(struct say_out *, const struct ssml_tag *);

#endif
