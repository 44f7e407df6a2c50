/*
 * Who answers a call of ours: a person, or a machine that records. A person greets shortly and then waits for
 * an answer; a machine talks on, or beeps. Fed with MEDIA_SPEECH and the clock; says each thing once.
 * Pure. CALLING.md says what it costs, and where it is wrong.
 */
#ifndef VOICE_ANSWERER_H
#define VOICE_ANSWERER_H

#include <stdbool.h>
#include <stdint.h>

struct answerer_conf {
    int64_t greeting_us; /* no greeting of a person is longer */
    int64_t silence_us;  /* so much silence ends one */
    int64_t quiet_us;    /* who says nothing for so long is a person who waits */
    int64_t records_us;  /* so much silence of a machine means that it records, beep or not */
    int64_t patience_us; /* a machine that has not come to its beep by then is given up */
};

enum answerer_says {
    ANSWERER_NOTHING, /* nothing new */
    ANSWERER_PERSON,
    ANSWERER_MACHINE, /* wait for ANSWERER_RECORDS, or hang up */
    ANSWERER_RECORDS, /* it records from now on; after ANSWERER_PERSON: that was wrong, it was a machine */
    ANSWERER_GIVE_UP  /* after ANSWERER_MACHINE: it talks and talks */
};

/* A beep is no shorter and no longer; what is shorter is noise or a key, what is longer a fax or a tone of
 * the network. */
enum { ANSWERER_BEEP_MIN_US = 120000, ANSWERER_BEEP_MAX_US = 2500000 };

struct answerer {
    struct answerer_conf conf;
    enum answerer_says is; /* the last that was said, ANSWERER_NOTHING: undecided */
    bool on, tone, spoke, beeped;
    int64_t since_us;       /* of the answer, then of ANSWERER_MACHINE */
    int64_t began_us;       /* of the greeting */
    int64_t fell_silent_us; /* or the answer */
    int64_t tone_us;        /* when the tone began */
};

/* The call was answered now. */
void answerer_begin(struct answerer *, const struct answerer_conf *, int64_t now_us);
/* MEDIA_SPEECH: somebody speaks (on), a tone sounds (tone). Instants must not go back. */
enum answerer_says answerer_heard(struct answerer *, bool on, bool tone, int64_t now_us);
/* Time went by. */
enum answerer_says answerer_tick(struct answerer *, int64_t now_us);
/* When answerer_tick() is to be called next; 0: never. */
int64_t answerer_next(const struct answerer *);

#endif
