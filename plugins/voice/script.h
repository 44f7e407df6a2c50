/*
 * What is going to be spoken, put together piece by piece: built-in prompts (or an operator's own words for
 * them), prompts of the menu, texts of messages. Filled for one language, then given to talk_say(). [own]
 * loop.
 */
#ifndef VOICE_SCRIPT_H
#define VOICE_SCRIPT_H

#include "prompts.h"
#include "talk.h"

/* An operator's own words for built-in prompts: the option `prompts`. */
struct words;
/* json: {"greeting": {"es": …, "en": …}}; may be empty. NULL: wrong begins with the place. */
struct words *words_read(struct hilo_str json, char wrong[MENU_WRONG]);
void words_free(struct words *);

/* Values of places that go before those of the script. */
struct script_value {
    const char *name;
    struct hilo_str value;
};

struct script {
    struct voice *voice;
    enum say_language language;
    say_value *value; /* may be NULL; asked for what is no value of the prompt's own, nor "business" */
    void *arg;
    struct hilo_str time_zone; /* of dates; empty: the channel's */
    uint32_t n;
    struct talk_piece piece[TALK_PIECES];
    char *text[TALK_PIECES];
    struct pcm *sound[TALK_PIECES];
};

void script_init(struct script *, struct voice *, enum say_language, say_value *, void *arg);
/* A prompt of which nothing is left to be said (its places have no values) adds nothing. */
void script_prompt(struct script *, enum prompt, const struct script_value *, uint32_t n);
void script_menu(struct script *, const struct menu_prompt *);
bool script_has(const struct menu_prompt *); /* something is written there */
void script_plain(struct script *, struct hilo_str text);
/* A prompt in another language than the script's. */
void script_prompt_in(struct script *, enum say_language, enum prompt, const struct script_value *,
                      uint32_t n);
void script_sound(struct script *, struct pcm *); /* held */
void script_file(struct script *, struct hilo_str path);
/* A tone of so many Hz and milliseconds, then silence; NULL: no memory. */
struct pcm *script_tone(uint32_t hz, uint32_t ms, uint32_t silence_ms);
void script_done(struct script *);

#endif
