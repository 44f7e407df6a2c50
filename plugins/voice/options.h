/*
 * What an operator may say of this channel, and what is wrong with it. Pure. [any]
 */
#ifndef VOICE_OPTIONS_H
#define VOICE_OPTIONS_H

#include "voice.h"

enum { VOICE_OPTIONS = 71 };
extern const struct hilo_option voice_options[VOICE_OPTIONS];
extern const struct hilo_abilities voice_abilities;

/* Words that begin with an option's name, valid until the thread asks again; NULL: nothing. */
const char *voice_options_check(const void *conf, struct hilo_abilities *able);
/* Parts borrow texts for their life, options may be reloaded: out has copies of all texts, to be freed by
 * _free. false: no memory. */
bool voice_options_copy(const struct voice_conf *, struct voice_conf *out);
void voice_options_free(struct voice_conf *);
void voice_options_ua(const struct voice_conf *, struct ua_conf *out);
void voice_options_media(const struct voice_conf *, struct media_conf *out);
void voice_options_speech(const struct voice_conf *, struct speech_conf *out);

#endif
