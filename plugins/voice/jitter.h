/*
 * A jitter buffer of sound, by its RTP time, for any length of packets: a frame goes out each beat.
 *
 * It begins with the least delay. Where nothing has come, silence goes out; what comes while that lasts is
 * played late instead of dropped, so the delay grows by as much as was needed, up to the greatest. A delay
 * that was not needed for two seconds shrinks by a frame that is silent, or after four by any. Clocks that
 * differ need no more than that. Pure; times are 1/8000 s.
 */
#ifndef VOICE_JITTER_H
#define VOICE_JITTER_H

#include "pcm.h"

#include <stdbool.h>

enum { JITTER_SPAN = 8192 }; /* samples it has room for, about one second; a power of two */

struct jitter {
    int16_t ring[JITTER_SPAN];
    uint8_t there[JITTER_SPAN]; /* whether that sample has come */
    uint32_t min, max;          /* delay */
    uint32_t next;              /* time of the sample that goes out next */
    uint32_t newest;            /* one behind the newest that came */
    uint32_t gap;               /* samples of silence that have just gone out because nothing had come */
    int32_t spare;              /* the least that lay ready beyond what went out, in so many beats: */
    uint32_t beats;
    uint32_t stray; /* packets in a row that fitted nowhere */
    bool begun;
    uint64_t late; /* packets that came too late to be played at all */
};

/* max at most JITTER_MAX_US; min is one frame at least. */
enum { JITTER_MAX_US = 800000 };
void jitter_init(struct jitter *, int64_t min_us, int64_t max_us);
/* Forgets all sound: another sender. */
void jitter_reset(struct jitter *);
/* n: at most JITTER_PUT_MAX samples. */
enum { JITTER_PUT_MAX = 1600 };
void jitter_put(struct jitter *, uint32_t ts, const int16_t *sample, uint32_t n);
/* The next frame. False: it is silence, because nothing has come for any of it. */
bool jitter_get(struct jitter *, int16_t out[VOICE_FRAME]);

#endif
