/*
 * A tone: for a sine, x[n] + x[n-2] = 2 cos w x[n-1]. The best such w is found for each frame; what is left
 * over tells a sine from a voice, and a voice does not keep its pitch and loudness for 120 ms.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hear.h"

#include <math.h>
#include <string.h>

/* Frames in a row that begin and end speech, and end a tone. */
enum { HEAR_BEGIN = 3, HEAR_END = 15, HEAR_STEADY = 6, HEAR_TONE_END = 4 };

/* Powers, of samples to 32768: -55 and -40 dB of full scale bound what is taken for noise. */
#define HEAR_FLOOR_LEAST 3.4e3
#define HEAR_FLOOR_MOST  1.07e5
#define HEAR_ABOVE       6.3    /* 8 dB */
#define HEAR_FALL        0.3    /* of the way, each frame */
#define HEAR_RISE        1.0025 /* half a decibel a second: speech has gaps, a fan has none */
/* Left over of a sine, with the noise of G.711; a tone's change from frame to frame; 400 to 2,500 Hz. */
#define HEAR_LEFT      0.01
#define HEAR_PITCH     0.02
#define HEAR_LEVEL     1.6
#define HEAR_PITCH_LOW 1.902
#define HEAR_PITCH_TOP (-0.765)

void hear_init(struct hear *h)
{
    memset(h, 0, sizeof *h);
    h->floor = HEAR_FLOOR_LEAST;
}

/* Whether the frame is a sine, and its 2 cos w. */
static bool hear_sine(const int16_t *x, double power, double *pitch)
{
    double cross = 0, middle = 0, ends = 0, sum;
    int i;

    for (i = 2; i < VOICE_FRAME; i++) {
        sum = (double)x[i] + x[i - 2];
        cross += sum * x[i - 1];
        middle += (double)x[i - 1] * x[i - 1];
        ends += sum * sum;
    }
    if (middle <= 0)
        return false;
    *pitch = cross / middle;
    return ends - cross * *pitch < HEAR_LEFT * power * VOICE_FRAME &&
           *pitch<HEAR_PITCH_LOW && * pitch> HEAR_PITCH_TOP;
}

static bool hear_tone(struct hear *h, const int16_t *frame, double power, bool loud)
{
    double pitch = 0;
    bool sine = loud && hear_sine(frame, power, &pitch);

    if (sine && h->steady && fabs(pitch - h->pitch) < HEAR_PITCH && power < h->level * HEAR_LEVEL &&
        power * HEAR_LEVEL > h->level) {
        h->steady++;
        h->missed = 0;
    } else if (h->tone && ++h->missed < HEAR_TONE_END) {
        return true;
    } else {
        h->steady = sine;
        h->missed = 0;
        h->pitch = pitch;
        h->level = power;
    }
    return h->steady >= HEAR_STEADY;
}

bool hear_frame(struct hear *h, const int16_t frame[VOICE_FRAME], bool *loud)
{
    double power = 0;
    bool on = h->on, tone;
    int i;

    for (i = 0; i < VOICE_FRAME; i++)
        power += (double)frame[i] * frame[i];
    power /= VOICE_FRAME;
    *loud = power > h->floor * HEAR_ABOVE;
    h->floor = power < h->floor ? h->floor + (power - h->floor) * HEAR_FALL : h->floor * HEAR_RISE;
    h->floor = fmin(fmax(h->floor, HEAR_FLOOR_LEAST), HEAR_FLOOR_MOST);
    h->loud = *loud ? h->loud + 1 : 0;
    h->quiet = *loud ? 0 : h->quiet + 1;
    tone = hear_tone(h, frame, power, *loud);
    if (h->loud >= HEAR_BEGIN)
        on = true;
    else if (h->quiet >= (h->tone && !tone ? HEAR_TONE_END : HEAR_END))
        on = false;
    if (on == h->on && tone == h->tone)
        return false;
    /* A beep that ends in silence is one change. */
    if (h->tone && !tone && h->quiet >= HEAR_TONE_END)
        on = false;
    h->on = on || tone;
    h->tone = tone;
    return true;
}
