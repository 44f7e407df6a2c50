/*
 * Recordings that wait for their text: a list that is kept with the gateway, as JSON, so that a restart
 * forgets none. Bounded: an operator whose service is down for a day loses texts, never recordings. Pure.
 */
#ifndef VOICE_TRANSCRIPTS_H
#define VOICE_TRANSCRIPTS_H

#include "id.h"
#include "say.h"

enum {
    TRANSCRIPTS_MAX = 500,
    TRANSCRIPTS_TRIES = 8, /* over a day or so */
    TRANSCRIPTS_BYTES =
        TRANSCRIPTS_MAX * 64 + 64 /* of the JSON, below what a value of the context may have */
};

struct transcript {
    char message[ID_TEXT_MAX];
    enum say_language language;
    uint32_t tries; /* that failed */
    int64_t due_us; /* mono; not kept: after a restart all are due */
    bool running;
};
struct transcripts {
    struct transcript item[TRANSCRIPTS_MAX]; /* oldest first */
    uint32_t n;
};

enum transcripts_added { TRANSCRIPTS_ADDED, TRANSCRIPTS_KNOWN, TRANSCRIPTS_FULL, TRANSCRIPTS_NO_ID };
enum transcripts_added transcripts_add(struct transcripts *, struct hilo_str message, enum say_language);
/* Of this message; NULL: it is not in the list. Valid until the list changes. */
struct transcript *transcripts_find(struct transcripts *, const char *message);
void transcripts_remove(struct transcripts *, const char *message);
/* It failed: due again later. false: that was the last try, and it is off the list. */
bool transcripts_again(struct transcripts *, const char *message, int64_t now_us);
/* The oldest that is due and not running; NULL: none, and *next_us is when there will be, 0: never. */
struct transcript *transcripts_due(struct transcripts *, int64_t now_us, int64_t *next_us);

/* As JSON into out; its length. */
size_t transcripts_write(const struct transcripts *, char out[TRANSCRIPTS_BYTES]);
/* Adds what it lists, as far as there is room; false: it is none of ours. */
bool transcripts_read(struct transcripts *, struct hilo_str json);

#endif
