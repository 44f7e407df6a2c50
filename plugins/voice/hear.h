/*
 * What a frame of sound is: silence, speech (or music), or one steady tone, as of an answering machine's
 * beep. Pure; frames in the order of time.
 */
#ifndef VOICE_HEAR_H
#define VOICE_HEAR_H

#include "pcm.h"

#include <stdbool.h>

struct hear {
    /* What is there: speaking, from its third loud frame on until 300 ms of silence; tone: it is one. */
    bool on, tone;
    double floor;            /* power of the noise when nobody speaks */
    uint32_t loud, quiet;    /* frames in a row */
    double pitch, level;     /* of the tone that may be one; its 2 cos w, its power */
    uint32_t steady, missed; /* frames that it has lasted; that it has been away */
};

void hear_init(struct hear *);
/* True: on or tone has changed. *loud: this frame is louder than noise. */
bool hear_frame(struct hear *, const int16_t frame[VOICE_FRAME], bool *loud);

#endif
