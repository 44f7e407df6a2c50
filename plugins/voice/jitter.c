/* SPDX-License-Identifier: Apache-2.0 */
#include "jitter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { JITTER_WINDOW = 100, JITTER_STRAYS = 3, JITTER_QUIET = 100 };

static uint32_t jitter_at(uint32_t ts)
{
    return ts % JITTER_SPAN;
}

static uint32_t jitter_samples(int64_t us)
{
    if (us > JITTER_MAX_US)
        us = JITTER_MAX_US;
    return us < VOICE_PTIME_MS * 1000 ? VOICE_FRAME : (uint32_t)(us * VOICE_RATE / 1000000);
}

void jitter_init(struct jitter *j, int64_t min_us, int64_t max_us)
{
    memset(j, 0, sizeof *j);
    j->min = jitter_samples(min_us);
    j->max = jitter_samples(max_us);
    if (j->max < j->min)
        j->max = j->min;
}

void jitter_reset(struct jitter *j)
{
    memset(j->there, 0, sizeof j->there);
    j->begun = false;
    j->gap = j->stray = j->beats = 0;
}

/* What lies between next and ts is given up. */
static void jitter_skip(struct jitter *j, uint32_t ts)
{
    for (; j->next != ts; j->next++)
        j->there[jitter_at(j->next)] = 0;
    j->gap = 0;
}

static void jitter_begin(struct jitter *j, uint32_t ts)
{
    jitter_reset(j);
    j->begun = true;
    j->next = ts - j->min;
    j->newest = ts;
}

/* Makes ts a place in the buffer; false: it is none, now. */
static bool jitter_fits(struct jitter *j, uint32_t ts, uint32_t n)
{
    int32_t ahead = (int32_t)(ts - j->next);

    if (ahead >= 0)
        return (uint32_t)ahead + n <= JITTER_SPAN;
    /* Only silence went out meanwhile: back to there, and play it now. */
    if ((uint32_t)-ahead <= j->gap && j->newest - ts <= JITTER_SPAN) {
        j->gap -= (uint32_t)-ahead;
        j->next = ts;
        return true;
    }
    return false;
}

void jitter_put(struct jitter *j, uint32_t ts, const int16_t *sample, uint32_t n)
{
    uint32_t i, at;

    assert(n <= JITTER_PUT_MAX);
    if (!j->begun)
        jitter_begin(j, ts);
    if (!jitter_fits(j, ts, n)) {
        if ((int32_t)(ts - j->next) < 0)
            j->late++;
        /* Several in a row: its clock was set. */
        if (++j->stray < JITTER_STRAYS)
            return;
        jitter_begin(j, ts);
    }
    j->stray = 0;
    for (i = 0; i < n; i++) {
        at = jitter_at(ts + i);
        j->ring[at] = sample[i];
        j->there[at] = 1;
    }
    if ((int32_t)(ts + n - j->newest) > 0)
        j->newest = ts + n;
    if ((int32_t)(j->newest - j->next) > (int32_t)(j->max + VOICE_FRAME))
        jitter_skip(j, j->newest - j->max);
}

static bool jitter_quiet(const struct jitter *j)
{
    uint32_t i, sum = 0;

    for (i = 0; i < VOICE_FRAME; i++)
        if (j->there[jitter_at(j->next + i)])
            sum += (uint32_t)abs(j->ring[jitter_at(j->next + i)]);
    return sum < JITTER_QUIET * VOICE_FRAME;
}

/* Gives up a frame where for a while there was always more than need be. */
static void jitter_shrink(struct jitter *j)
{
    int32_t spare = (int32_t)(j->newest - j->next) - VOICE_FRAME;

    if (j->beats++ == 0 || spare < j->spare)
        j->spare = spare;
    if (j->spare < (int32_t)j->min + VOICE_FRAME) {
        if (j->beats >= JITTER_WINDOW)
            j->beats = 0;
    } else if (j->beats >= 2 * JITTER_WINDOW || (j->beats >= JITTER_WINDOW && jitter_quiet(j))) {
        jitter_skip(j, j->next + VOICE_FRAME);
        j->beats = 0;
    }
}

bool jitter_get(struct jitter *j, int16_t out[VOICE_FRAME])
{
    uint32_t i, at, came = 0;

    if (!j->begun) {
        memset(out, 0, VOICE_FRAME * sizeof *out);
        return false;
    }
    jitter_shrink(j);
    for (i = 0; i < VOICE_FRAME; i++, j->next++) {
        at = jitter_at(j->next);
        out[i] = j->there[at] ? j->ring[at] : 0;
        came += j->there[at];
        j->gap = j->there[at] ? 0 : j->gap < JITTER_SPAN ? j->gap + 1 : j->gap;
        j->there[at] = 0;
    }
    /* So that no time is ever mistaken for one of half the clock before. */
    if ((int32_t)(j->newest - j->next) < 0)
        j->newest = j->next;
    return came > 0;
}
