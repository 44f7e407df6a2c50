/*
 * Texts of recordings, by a command or an HTTP service of the operator's (option transcriber; off without
 * it). A recording waits durably for its text (transcripts.h) and is sent to it with bounded patience, so
 * many at a time; what comes of it is kept with the message. All [own] loop. CALLING.md has what a command
 * and a service get.
 */
#ifndef VOICE_TRANSCRIBER_H
#define VOICE_TRANSCRIBER_H

#include "voice.h"

struct transcriber;

struct transcriber *transcriber_new(struct voice *); /* NULL: no memory */
/* Goes on with what waited when the last instance ended. */
void transcriber_start(struct transcriber *);
/* A recording that is the media of this message ("msg_…"). It is kept before what is asked of the gateway
 * after this call. Does nothing where no transcriber is configured. */
void transcriber_add(struct transcriber *, struct hilo_str message, enum say_language);
bool transcriber_on_fd(struct transcriber *, int32_t fd, uint32_t events); /* true: it was its own */
void transcriber_free(struct transcriber *); /* ends its children; NULL is fine */

/* What is wrong with the options, in words that begin with one's name; NULL: nothing. Pure. */
const char *transcriber_wrong(const struct out_conf *);

#endif
