/*
 * Speech: texts become sound by an espeak-ng child process (GPL and not re-entrant: never linked), WAV files
 * are read; both are cached by content. On the plugin's own loop; children are watched by descriptor.
 */
#ifndef VOICE_SPEECH_H
#define VOICE_SPEECH_H

#include "pcm.h"
#include "say.h"

#include <stdbool.h>
#include <hilo/plugin.h>

struct speech_conf {
    struct hilo_str program;             /* "espeak-ng" */
    struct hilo_str voice_es, voice_en;  /* "es-419", "en-us" */
    uint32_t words_per_minute, children; /* at once */
    int64_t cache_bytes;                 /* of sound in memory */
};

struct speech;

/* done: once for each say(), from within it where the sound was there; NULL: why, in words for an operator.
 */
typedef void speech_done(void *arg, uint64_t token, struct pcm *, const char *why);
struct speech *speech_new(const struct speech_conf *, const struct hilo_host *, struct hilo_self *,
                          speech_done *, void *arg);
/* Plain text, of whoever: nothing in it is markup. */
void speech_say(struct speech *, uint64_t token, enum say_language, struct hilo_str text);
/* SSML in <speak>…</speak>, the subset of ssml.h: what say_prompt() writes. */
void speech_say_ssml(struct speech *, uint64_t token, enum say_language, struct hilo_str ssml);
/* A WAV file of the operator (any rate, 8 or 16 bits, G.711, one or two channels). */
void speech_file(struct speech *, uint64_t token, const char *path);
/* token's done() will not be called any more. */
void speech_forget(struct speech *, uint64_t token);
/* The plugin's on_fd and on_timer: true if it was its own. */
bool speech_on_fd(struct speech *, int32_t fd, uint32_t events);
bool speech_on_timer(struct speech *, uint32_t id);
void speech_free(struct speech *);

#endif
