/*
 * The built-in prompts (prompts.def), in Spanish and English. Pure.
 */
#ifndef VOICE_PROMPTS_H
#define VOICE_PROMPTS_H

#include "say.h"

enum prompt {
#define PROMPT(name, es, en) PROMPT_##name,
#include "prompts.def"
    PROMPT__END
};
enum { PROMPT_NAME_MAX = 32 };

/* Plain text with places, for say_prompt(). Static, and NUL-ended too. */
struct hilo_str prompt_text(enum prompt, enum say_language);
/* As an operator writes it: "ask_document". */
void prompt_name(enum prompt, char out[PROMPT_NAME_MAX]);
/* PROMPT__END: there is none of this name. */
enum prompt prompt_find(struct hilo_str name);

#endif
