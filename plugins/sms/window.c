/*
 * Places by the low bits of the number. Numbers whose place is still OPEN are passed
 * over (the specification asks that they grow, not that none is left out), so a number
 * found in its place is the one that was meant.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "window.h"

#include <stdlib.h>
#include <string.h>

static struct sms_slot *window_at(struct sms_window *w, uint32_t seq)
{
    return &w->slot[seq & (SMS_WINDOW_PLACES - 1)];
}

static uint32_t window_after(uint32_t seq)
{
    return seq >= SMS_SEQUENCE_MAX ? 1 : seq + 1;
}

bool sms_window_init(struct sms_window *w, uint32_t limit)
{
    memset(w, 0, sizeof *w);
    w->slot = calloc(SMS_WINDOW_PLACES, sizeof *w->slot);
    w->limit = limit < SMS_WINDOW_MAX ? limit : SMS_WINDOW_MAX;
    w->next = w->oldest = 1;
    return w->slot != NULL;
}

void sms_window_done(struct sms_window *w)
{
    free(w->slot);
    w->slot = NULL;
}

void sms_window_reset(struct sms_window *w)
{
    memset(w->slot, 0, SMS_WINDOW_PLACES * sizeof *w->slot);
    w->open = 0;
    w->next = w->oldest = 1;
}

uint32_t sms_window_sequence(struct sms_window *w)
{
    uint32_t seq = w->next;

    w->next = window_after(seq);
    return seq;
}

struct sms_slot *sms_window_take(struct sms_window *w)
{
    struct sms_slot *s;

    /* At most SMS_WINDOW_MAX of the places are OPEN, so this ends. */
    while ((s = window_at(w, w->next))->place == SMS_PLACE_OPEN)
        w->next = window_after(w->next);
    if (w->open == 0)
        w->oldest = w->next;
    memset(s, 0, sizeof *s);
    s->seq = sms_window_sequence(w);
    s->place = SMS_PLACE_OPEN;
    w->open++;
    return s;
}

struct sms_slot *sms_window_find(struct sms_window *w, uint32_t seq)
{
    struct sms_slot *s = window_at(w, seq);

    return s->place != SMS_PLACE_FREE && s->seq == seq ? s : NULL;
}

void sms_window_free(struct sms_window *w, struct sms_slot *s)
{
    if (s->place == SMS_PLACE_OPEN)
        w->open--;
    s->place = SMS_PLACE_FREE;
    s->msg = NULL;
}

void sms_window_late(struct sms_window *w, struct sms_slot *s, struct hilo_id id)
{
    if (s->place == SMS_PLACE_OPEN)
        w->open--;
    s->place = SMS_PLACE_LATE;
    s->msg = NULL;
    s->id = id;
}

struct sms_slot *sms_window_oldest(struct sms_window *w)
{
    struct sms_slot *s;

    if (w->open == 0)
        return NULL;
    for (;;) {
        s = window_at(w, w->oldest);
        if (s->place == SMS_PLACE_OPEN && s->seq == w->oldest)
            return s;
        w->oldest = window_after(w->oldest);
    }
}
