/*
 * Recordings in the channel's own files, from the first word until the gateway has them as media: named
 * rec-CAL-N.wav, given by fetch(), transcribed where an operator wants that, removed when they are stored.
 * What a crash left there is recover.c's. [own] loop.
 */
#ifndef VOICE_KEEP_H
#define VOICE_KEEP_H

#include "voice.h"

enum { KEEP_NAME_MAX = 64 };

struct keep;

struct keep *keep_new(struct voice *); /* NULL: no memory */
/* In start(): follows what becomes of media. */
void keep_start(struct voice *);
/* "rec-cal_01J…-1.wav"; call: "cal_…". Without ".wav" it is the EXT_ID of its message. */
void keep_name(const char *call, uint32_t n, char out[KEEP_NAME_MAX]);
/* The plugin's fetch() and on_event(). */
void keep_fetch(struct voice *, uint64_t job, struct hilo_str message, int32_t fd);
void keep_event(struct voice *, struct hilo_str json);
/* A message's media is stored: its file is not needed any more, but perhaps for its text. */
void keep_stored(struct voice *, struct hilo_str message_id, struct hilo_str name, enum say_language);
void keep_free(struct voice *);

#endif
