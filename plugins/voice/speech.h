/*
 * Speech: texts become sound by an espeak-ng child process (GPL and not re-entrant: never linked), WAV files
 * are read; both are cached by content, and what several ask for at a time is spoken once. On the plugin's
 * own loop; children are watched by descriptor. The same in the daemon's thread and in a worker.
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
    struct hilo_str currency;            /* what "$" is in a plain text: "COP"; empty: left to the voice */
    uint32_t words_per_minute, children; /* at once, at most SPEECH_CHILDREN_MAX */
    int64_t cache_bytes;                 /* of sound in memory */
    int64_t limit_us;                    /* of a child's time, then it is ended; 0: 20 s */
};
enum { SPEECH_CHILDREN_MAX = 16, SPEECH_WAITING_MAX = 1024 };
/* The one timer of the plugin's that it sets. */
#define SPEECH_TIMER UINT32_C(0x73706561)

struct speech;

/* Once for each token, from within speech_…() where the sound was there already. The sound is borrowed: who
 * keeps it holds it (pcm_hold). NULL: why, in words for an operator, without what was to be said. From
 * within, everything here may be called but speech_free(). */
typedef void speech_done(void *arg, uint64_t token, struct pcm *, const char *why);
/* conf's texts are copied. NULL: no memory. */
struct speech *speech_new(const struct speech_conf *, const struct hilo_host *, struct hilo_self *,
                          speech_done *, void *arg);
/* Plain text, of whoever: nothing in it is markup; hours, amounts, telephone numbers are said as say_text()
 * does. */
void speech_say(struct speech *, uint64_t token, enum say_language, struct hilo_str text);
/* SSML in <speak>…</speak>, the subset of ssml.h: what say_prompt() writes. */
void speech_say_ssml(struct speech *, uint64_t token, enum say_language, struct hilo_str ssml);
/* A WAV file of the operator (any rate, 8 or 16 bits, G.711, one or two channels). */
void speech_file(struct speech *, uint64_t token, const char *path);
/* token's done() will not be called any more; a child that speaks for nobody else is ended. */
void speech_forget(struct speech *, uint64_t token);
/* The plugin's on_fd and on_timer: true if it was its own. */
bool speech_on_fd(struct speech *, int32_t fd, uint32_t events);
bool speech_on_timer(struct speech *, uint32_t id);
/* Ends its children, forgets all tokens. NULL is fine. */
void speech_free(struct speech *);

#endif
