/*
 * A call's mouth and ear: pieces are spoken one behind the other, and keys are collected meanwhile. One
 * thing at a time; the next one ends the one before (its done() is not called). [own] loop.
 */
#ifndef VOICE_TALK_H
#define VOICE_TALK_H

#include "voice.h"

#include "timer.h"

struct voice_call;

enum { TALK_PIECES = 24, TALK_KEYS = 32, TALK_AHEAD = 16 };

/* What is spoken: a text (plain, or SSML in <speak>), or the path of a WAV file (file not empty). */
struct talk_piece {
    struct hilo_str text, file;
};

enum {
    TALK_BARGE_IN = 1, /* a key ends what is spoken; keys that were pressed before count */
    TALK_LOOP = 2,     /* until stopped: music */
    TALK_NO_AHEAD = 4  /* keys that were pressed before are forgotten */
};

struct talk_ask {
    const struct talk_piece *piece;
    uint32_t n_pieces;
    uint32_t flags;
    uint32_t keys_max; /* 0: only speaks. Ends when so many came */
    char end_key;      /* ends it too, and is not one of them: '#'; 0: none */
    char again_key;    /* what came before it is forgotten: '*'; 0: none */
    char spare[2];
    int64_t wait_us;    /* for the first key, after what is spoken */
    int64_t between_us; /* for each next one */
};

enum talk_why {
    TALK_SAID = 1, /* spoken to its end, no keys were asked for */
    TALK_PRESSED,  /* keys: keys_max, or the end key; key[] may be empty with the latter */
    TALK_SILENT,   /* no key came, or not enough */
    TALK_FAILED /* nothing could be spoken: no sound, why in the log. (One piece of several is left out.) */
};
struct talk_heard {
    enum talk_why why;
    uint32_t n;
    char key[TALK_KEYS + 1]; /* NUL-ended */
    bool whole;              /* all was played to its end */
    uint32_t listened_ms;
};
typedef void talk_done(void *arg, const struct talk_heard *);

/* Embedded in struct voice_call. */
struct talk {
    struct voice_call *call;
    talk_done *done;
    void *arg;
    struct voice_timer timer;
    uint32_t flags, keys_max;
    char end_key, again_key;
    bool spoken; /* all of it; now the keys are waited for */
    bool played_all;
    int64_t wait_us, between_us;
    uint32_t n_pieces, at_sound, at_play, failed; /* pieces whose sound is there; that have been played */
    uint32_t listened_ms;
    struct talk_one {
        uint64_t token; /* of speech; 0: its sound is there, or failed */
        uint64_t play;
        struct pcm *pcm;
        bool ready, gone;
    } one[TALK_PIECES];
    uint32_t n_keys, n_ahead;
    char key[TALK_KEYS + 1], ahead[TALK_AHEAD];
    struct talk_said *said; /* a done that is due at the end of the turn */
};

void talk_init(struct talk *, struct voice_call *);
/* Everything is copied. done() is never called from within. */
void talk_say(struct talk *, const struct talk_ask *, talk_done *, void *arg);
void talk_stop(struct talk *);
bool talk_busy(const struct talk *);
/* From calls.c: true if it was wanted here. */
bool talk_on_digit(struct talk *, char digit);
void talk_on_played(struct talk *, const struct media_event *);
/* From plugin.c: speech_done of speech_new(); arg is the voice. */
void talk_on_speech(void *voice, uint64_t token, struct pcm *, const char *why);
void talk_free(struct talk *);

#endif
