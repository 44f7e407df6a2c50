/*
 * What a menu must hold, whatever its callers press: each step is reached, and who does nothing comes to an
 * end. The ways that lead on without a key (next, no_key, found, busy …) must have no circle, for a silent
 * line would go round in it for ever; a circle through a key is a caller's own doing. As only hangup has no
 * such way, and transfer none when it succeeds, each way without circle ends in one of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "menu.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROVE_WAYS = 12 };

/* The ways out of a step that no key opens, with the members' names. */
static uint32_t prove_silent(const struct menu_step *s, uint32_t to[PROVE_WAYS], const char *name[PROVE_WAYS])
{
    const struct {
        const char *name;
        uint32_t to;
    } ways[] = {{"next", s->next},       {"no_key", s->no_key}, {"found", s->found},
                {"unknown", s->unknown}, {"busy", s->busy},     {"no_answer", s->no_answer},
                {"open", s->open},       {"closed", s->closed}, {"holiday", s->holiday}};
    uint32_t n = 0;
    size_t i;

    for (i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].to == MENU_NONE)
            continue;
        name[n] = ways[i].name;
        to[n++] = ways[i].to;
    }
    return n;
}

static void prove_reach(const struct menu *m, uint32_t at, bool *seen)
{
    const char *name[PROVE_WAYS];
    uint32_t to[PROVE_WAYS], n, i;
    const struct menu_step *s = &m->step[at];

    if (seen[at])
        return;
    seen[at] = true; /* as deep as there are steps: 256 */
    n = prove_silent(s, to, name);
    for (i = 0; i < n; i++)
        prove_reach(m, to[i], seen);
    for (i = 0; i < s->n_keys; i++)
        prove_reach(m, s->key[i].to, seen);
    if (s->wrong_key != MENU_NONE)
        prove_reach(m, s->wrong_key, seen);
}

enum { PROVE_NEW, PROVE_ON_WAY, PROVE_DONE };

/* false: a circle leads through here, and *wrong says where it closes. */
static bool prove_ends(const struct menu *m, uint32_t at, unsigned char *state, char wrong[MENU_WRONG])
{
    const char *name[PROVE_WAYS];
    uint32_t to[PROVE_WAYS], n, i;

    if (state[at] == PROVE_DONE)
        return true;
    state[at] = PROVE_ON_WAY;
    n = prove_silent(&m->step[at], to, name);
    for (i = 0; i < n; i++) {
        if (state[to[i]] == PROVE_ON_WAY) {
            (void)snprintf(
                wrong, MENU_WRONG,
                "menu.%.60s.%s: a caller who presses nothing would go round for ever: '%.60s' leads "
                "back here",
                m->step[at].name.p, name[i], m->step[to[i]].name.p);
            return false;
        }
        if (!prove_ends(m, to[i], state, wrong))
            return false;
    }
    state[at] = PROVE_DONE;
    return true;
}

bool menu_prove(const struct menu *m, char wrong[MENU_WRONG])
{
    bool seen[MENU_STEPS_MAX] = {false};
    unsigned char state[MENU_STEPS_MAX] = {PROVE_NEW};
    uint32_t i;

    for (i = 0; i < m->n_steps; i++)
        if (!prove_ends(m, i, state, wrong))
            return false;
    prove_reach(m, m->start, seen);
    for (i = 0; i < m->n_steps; i++) {
        if (!seen[i]) {
            (void)snprintf(wrong, MENU_WRONG, "menu.%.60s: no way leads to this step", m->step[i].name.p);
            return false;
        }
        if (m->step[i].what == MENU_HOURS && !m->has_hours) {
            (void)snprintf(wrong, MENU_WRONG, "menu.%.60s: there are no opening hours to ask (menu.hours)",
                           m->step[i].name.p);
            return false;
        }
    }
    return true;
}
