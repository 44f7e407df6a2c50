/*
 * A key press may come as events, as a tone, or as both (gateways that let the beginning of the tone through
 * before they write events for it). So where events were agreed, a tone waits a little for the event of the
 * same key; and once events have come in a call, tones are not listened to any more.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "dtmf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <spandsp/telephony.h>
#include <spandsp/fast_convert.h>
#include <spandsp/logging.h>
#include <spandsp/complex.h>
#include <spandsp/queue.h>
#include <spandsp/tone_detect.h>
#include <spandsp/tone_generate.h>
#include <spandsp/super_tone_rx.h>
#include <spandsp/dtmf.h>

static const char dtmf_keys[] = "0123456789*#ABCD"; /* by event */

enum { DTMF_END = 0x80, DTMF_VOLUME = 10 }; /* -10 dBm0 */
/* Frames: a tone's least length beyond spandsp's own two blocks of 13 ms, while she is being recorded; how
 * long it waits for its event; how long after its end an event of the same key is still the same press. */
enum { DTMF_SURE = 1, DTMF_SURE_SPEAKING = 3, DTMF_WAIT = 6, DTMF_SAME = 15 };

struct dtmf_in {
    dtmf_rx_state_t *rx; /* NULL: no tones */
    bool agreed, events; /* events: some have come */
    /* the last event */
    bool seen, ended;
    uint8_t event;
    uint32_t ts, duration;
    /* the tone */
    char on;      /* sounds now; 0: none */
    bool sure;    /* it has lasted long enough to be one */
    char pending; /* heard, not told yet */
    uint32_t on_frames, pending_frames;
    char told; /* the last told of a tone, and how long it is over */
    uint32_t told_frames;
};

static void dtmf_change(void *arg, int code, int level, int delay)
{
    struct dtmf_in *d = arg;

    (void)level;
    (void)delay;
    d->on = (char)code;
    d->on_frames = 0;
    d->sure = false;
}

struct dtmf_in *dtmf_in_new(bool agreed, bool tones)
{
    struct dtmf_in *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->agreed = agreed;
    if (tones) {
        d->rx = dtmf_rx_init(NULL, NULL, NULL);
        if (!d->rx) {
            free(d);
            return NULL;
        }
        dtmf_rx_set_realtime_callback(d->rx, dtmf_change, d);
    }
    return d;
}

void dtmf_in_free(struct dtmf_in *d)
{
    if (d && d->rx)
        (void)dtmf_rx_free(d->rx);
    free(d);
}

void dtmf_in_agreed(struct dtmf_in *d, bool agreed)
{
    d->agreed = agreed;
}

/* Whether this packet goes on with the press of the one before. */
static bool dtmf_same_press(const struct dtmf_in *d, bool marker, uint32_t ts, uint8_t event)
{
    uint32_t ahead = ts - d->ts;

    if (ahead == 0)
        return true;
    /* Of an older press, late or sent again. */
    if (ahead > UINT32_MAX / 2)
        return ahead > UINT32_MAX - 10 * VOICE_RATE;
    /* A press longer than a duration can say goes on in segments (RFC 4733 2.5.1.3); some write a new time in
     * each packet. */
    return !marker && !d->ended && event == d->event && ahead <= d->duration + 2 * VOICE_FRAME;
}

char dtmf_in_event(struct dtmf_in *d, bool anew, bool marker, uint32_t ts, const uint8_t *p, size_t n)
{
    bool fresh;
    char key;

    if (n < DTMF_EVENT || p[0] >= sizeof dtmf_keys - 1)
        return 0;
    fresh = !d->seen || anew || !dtmf_same_press(d, marker, ts, p[0]);
    if (fresh || (int32_t)(ts - d->ts) >= 0) {
        d->ended = p[1] & DTMF_END;
        d->event = p[0];
        d->ts = ts;
        d->duration = (uint32_t)p[2] << 8 | p[3];
    }
    d->seen = d->events = true;
    if (!fresh)
        return 0;
    key = dtmf_keys[p[0]];
    /* Its tone came before it, and was waited for in vain. */
    if (d->told == key && (d->on == key || d->told_frames < DTMF_SAME)) {
        d->told = 0;
        return 0;
    }
    d->told = d->pending = 0;
    return key;
}

bool dtmf_in_listens(const struct dtmf_in *d)
{
    return d->rx && !d->events;
}

char dtmf_in_frame(struct dtmf_in *d, const int16_t frame[VOICE_FRAME], bool speaking)
{
    char key, before = d->on;

    if (!dtmf_in_listens(d))
        return 0;
    (void)dtmf_rx(d->rx, frame, VOICE_FRAME);
    if (d->on != d->told)
        d->told_frames++;
    if (d->on && d->on == before)
        d->on_frames++;
    if (d->on && !d->sure && d->on_frames >= (speaking ? DTMF_SURE_SPEAKING : DTMF_SURE)) {
        d->sure = true;
        d->pending = d->on;
        d->pending_frames = 0;
    } else if (d->pending) {
        d->pending_frames++;
    }
    if (!d->pending || (d->agreed && d->pending_frames < DTMF_WAIT))
        return 0;
    key = d->pending;
    d->pending = 0;
    d->told = key;
    d->told_frames = 0;
    return key;
}

/* ---- out ---------------------------------------------------------------------------------------- */

enum { DTMF_ENDS = 3, DTMF_PAUSE = 2 }; /* packets that say the end; frames without anything behind them */

bool dtmf_out_put(struct dtmf_out *d, char key, uint32_t ms)
{
    uint32_t i = (d->head + d->n) % DTMF_OUT_MAX;

    if (key >= 'a' && key <= 'd')
        key = (char)(key - 'a' + 'A');
    if (!key || !strchr(dtmf_keys, key) || d->n == DTMF_OUT_MAX)
        return false;
    ms = ms < DTMF_MS_LEAST ? DTMF_MS_LEAST : ms > DTMF_MS_MOST ? DTMF_MS_MOST : ms;
    d->queue[i].key = key;
    d->queue[i].frames = (ms + VOICE_PTIME_MS - 1) / VOICE_PTIME_MS;
    d->n++;
    return true;
}

bool dtmf_out_busy(const struct dtmf_out *d)
{
    return d->n > 0;
}

bool dtmf_out_event(const struct dtmf_out *d, uint8_t p[DTMF_EVENT], bool *begins)
{
    uint32_t frames = d->queue[d->head].frames, duration = (d->at + 1) * VOICE_FRAME;

    *begins = d->at == 0;
    if (!d->n || d->at >= frames + DTMF_ENDS - 1)
        return false;
    if (duration > frames * VOICE_FRAME)
        duration = frames * VOICE_FRAME;
    p[0] = (uint8_t)(strchr(dtmf_keys, d->queue[d->head].key) - dtmf_keys);
    p[1] = DTMF_VOLUME | (d->at + 1 >= frames ? DTMF_END : 0);
    p[2] = (uint8_t)(duration >> 8);
    p[3] = (uint8_t)duration;
    return true;
}

void dtmf_out_next(struct dtmf_out *d)
{
    if (d->n && ++d->at >= d->queue[d->head].frames + DTMF_ENDS - 1 + DTMF_PAUSE) {
        d->head = (d->head + 1) % DTMF_OUT_MAX;
        d->n--;
        d->at = 0;
        d->phase[0] = d->phase[1] = 0;
    }
}

void dtmf_out_tone(struct dtmf_out *d, int16_t frame[VOICE_FRAME])
{
    static const double low[4] = {697, 770, 852, 941}, high[4] = {1209, 1336, 1477, 1633};
    static const char pad[] = "123A456B789C*0#D"; /* row by row */
    const double turn = 6.283185307179586 / 4294967296.0;
    uint32_t k, i, step[2];

    memset(frame, 0, VOICE_FRAME * sizeof *frame);
    if (d->n && d->at < d->queue[d->head].frames) {
        k = (uint32_t)(strchr(pad, d->queue[d->head].key) - pad);
        step[0] = (uint32_t)(low[k / 4] / VOICE_RATE * 4294967296.0);
        step[1] = (uint32_t)(high[k % 4] / VOICE_RATE * 4294967296.0);
        for (i = 0; i < VOICE_FRAME; i++) {
            /* -10 and -8 dBm0: the higher one is worn down more on its way. */
            frame[i] = (int16_t)(7200.0 * sin(d->phase[0] * turn) + 9000.0 * sin(d->phase[1] * turn));
            d->phase[0] += step[0];
            d->phase[1] += step[1];
        }
    }
    dtmf_out_next(d);
}
