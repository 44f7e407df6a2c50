/*
 * A call's mouth and ear: pieces are spoken one behind the other, and keys are collected meanwhile. One
 * thing at a time; the next one ends the one before (its done() is not called). [own] loop.
 */
#ifndef VOICE_TALK_H
#define VOICE_TALK_H

#include "timer.h"
#include "voice.h"

struct voice_call;

enum { TALK_PIECES = 24, TALK_KEYS = 32, TALK_AHEAD = 16 };

/* What is spoken; one of the three. */
struct talk_piece {
    struct hilo_str text; /* plain, or, with ssml, what say_prompt() writes */
    struct hilo_str file; /* path of a WAV file */
    struct pcm *sound;    /* held by talk meanwhile */
    bool ssml;
    enum say_language language; /* of text */
};

enum {
    TALK_BARGE_IN = 1, /* a key ends what is spoken; keys that were pressed before count */
    TALK_LOOP = 2,     /* the last piece again and again, until stopped: music */
    TALK_NO_AHEAD = 4  /* keys that were pressed before are forgotten */
};

struct talk_ask {
    const struct talk_piece *piece;
    uint32_t n_pieces; /* what is beyond TALK_PIECES is left out, with a line in the log */
    uint32_t flags;
    uint32_t keys_max; /* 0: only speaks. Ends when so many came; at most TALK_KEYS */
    char end_key;      /* ends it too, and is not one of them: '#'; 0: none */
    char again_key;    /* what came before it is forgotten: '*'; 0: none */
    char spare[2];
    int64_t wait_us;    /* for the first key, after what is spoken */
    int64_t between_us; /* for each next one; 0: as wait_us */
};

enum talk_why {
    TALK_SAID = 1, /* spoken to its end (or, with TALK_BARGE_IN, to a key), no keys were asked for */
    TALK_PRESSED,  /* keys: keys_max, or the end key; key[] may be empty with the latter */
    TALK_SILENT,   /* no key came, or not enough; key[] has what did */
    TALK_FAILED    /* nothing could be spoken, why is in the log. (One piece of several is left out.) */
};
struct talk_heard {
    enum talk_why why;
    uint32_t n;
    char key[TALK_KEYS + 1]; /* NUL-ended */
    bool whole;              /* all was played to its end */
    uint32_t listened_ms;
};
typedef void talk_done(void *arg, const struct talk_heard *);

/* Embedded in struct voice_call; talk.c's own. */
struct talk {
    struct voice_call *call;
    talk_done *done; /* NULL: idle */
    void *arg;
    struct voice_timer timer;
    struct talk_ask ask;                                  /* without its pieces */
    enum talk_why why;                                    /* due at the end of the turn; 0: not */
    bool spoken;                                          /* all of it; now keys are waited for */
    bool cut;                                             /* by a key */
    uint32_t n_pieces, n_played, at, failed, listened_ms; /* at: the next one to give to media */
    struct talk_one {
        struct talk *talk;
        uint64_t token; /* of speech, 0: not waited for */
        uint64_t play;  /* of media, 0: not given to it */
        struct pcm *pcm;
        bool ready;            /* its sound is there, or will not be */
        struct talk_one *next; /* of its bucket */
    } one[TALK_PIECES];
    uint32_t n_keys, n_ahead;
    char key[TALK_KEYS + 1], ahead[TALK_AHEAD];
};
struct talk_waits; /* in struct voice: who waits for which sound */

struct talk_waits *talk_waits_new(void); /* NULL: no memory */
void talk_waits_free(struct talk_waits *);

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
