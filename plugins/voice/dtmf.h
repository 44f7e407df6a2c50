/*
 * Keys: telephone-event (RFC 4733) in and out, tones in and out (spandsp). Each key press is told once,
 * however it came. No thread, no clock: time is counted in frames.
 */
#ifndef VOICE_DTMF_H
#define VOICE_DTMF_H

#include "pcm.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- in ----------------------------------------------------------------------------------------- */

struct dtmf_in;
/* agreed: telephone-event was; tones: they are listened to. NULL: no memory. */
struct dtmf_in *dtmf_in_new(bool agreed, bool tones);
void dtmf_in_free(struct dtmf_in *);
void dtmf_in_agreed(struct dtmf_in *, bool agreed);
/* A packet of telephone-event; anew: of another sender than the one before. The key, the first time that this
 * press is seen; 0: nothing new. */
char dtmf_in_event(struct dtmf_in *, bool anew, bool marker, uint32_t ts, const uint8_t *payload, size_t n);
/* Whether dtmf_in_frame() has anything to do: not once events have come, and not without tones. */
bool dtmf_in_listens(const struct dtmf_in *);
/* A frame of sound. speaking: she is being recorded, so that a voice which hits a tone's pitch must be told
 * from a key by its length. The key, once it is sure (and, where events were agreed, once none has come for
 * it); 0: none. */
char dtmf_in_frame(struct dtmf_in *, const int16_t frame[VOICE_FRAME], bool speaking);

/* ---- out ---------------------------------------------------------------------------------------- */

enum { DTMF_OUT_MAX = 64, DTMF_EVENT = 4 };
enum { DTMF_MS_LEAST = 60, DTMF_MS_MOST = 5000 };

struct dtmf_out {
    struct {
        char key;
        uint32_t frames;
    } queue[DTMF_OUT_MAX];
    uint32_t head, n;
    uint32_t at;       /* frames into this press, and the pause behind it */
    uint32_t phase[2]; /* of its two tones, 1/2^32 of a turn */
};

/* False: no key of a telephone (0-9 * # A-D), or too many wait. ms is brought within least and most. */
bool dtmf_out_put(struct dtmf_out *, char key, uint32_t ms);
bool dtmf_out_busy(const struct dtmf_out *);
/* What goes out in this frame instead of sound: an event packet (true), or a pause. begins: its first frame,
 * whose time is that of the whole press, and which has the marker. dtmf_out_next() goes on to the next frame.
 */
bool dtmf_out_event(const struct dtmf_out *, uint8_t payload[DTMF_EVENT], bool *begins);
/* The same as sound, where events were not agreed; goes on by itself. */
void dtmf_out_tone(struct dtmf_out *, int16_t frame[VOICE_FRAME]);
void dtmf_out_next(struct dtmf_out *);

#endif
