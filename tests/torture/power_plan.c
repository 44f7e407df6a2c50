/* Which cuts are made: drawn anywhere, or where they show that a sync is needed. */
#include "power_run.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { CUTS_FOR_A_SITE = 400, TRIES = 20000 };

bool power_fills(const struct power_log *l, uint32_t at)
{
    const struct power_rec *r = l->rec[at];

    if (r->kind == POWER_SYNC || r->kind == POWER_SYNCED)
        return at > 0 && power_fills(l, at - 1);
    return r->kind == POWER_WRITE && !r->n_data;
}

static bool is_name(const struct power_rec *r)
{
    return r->kind == POWER_START || (r->kind >= POWER_CREATE && r->kind <= POWER_LINK);
}

static uint32_t cut_drawn(const struct power_log *l, struct draw *d)
{
    enum { NEAR = 12, TURNS = 2000 };
    unsigned where = draw_below(d, 3);

    for (unsigned turn = 0; turn < TURNS; turn++) {
        uint32_t at = draw_below(d, l->n);
        const struct power_rec *r = l->rec[at];
        if (where == 0 && is_name(r))
            return at + draw_below(d, NEAR) < l->n ? at + draw_below(d, NEAR) : l->n;
        if (where == 1 && (r->kind == POWER_SYNC || r->kind == POWER_SYNCED) && !power_fills(l, at))
            return at + draw_below(d, 2);
        if (where == 2 && r->kind >= POWER_CREATE && r->kind <= POWER_SEND && !power_fills(l, at))
            return at;
    }
    return l->n;
}

enum power_how power_how_drawn(struct draw *d)
{
    static const enum power_how hows[] = {POWER_ALL,      POWER_NONE,     POWER_NONE_SIZED, POWER_ONE_LOST,
                                          POWER_ONE_LOST, POWER_ONE_KEPT, POWER_ONE_TORN,   POWER_RANDOM,
                                          POWER_RANDOM,   POWER_RANDOM};

    return hows[draw_below(d, sizeof hows / sizeof *hows)];
}

struct power_plan power_plan_drawn(const struct power_log *l, struct draw *d)
{
    return (struct power_plan){
        .cut = cut_drawn(l, d), .how = power_how_drawn(d), .pick = draw_below(d, 1000), .seed = draw_next(d)};
}

/* ---- syncs without effect ---- */

/* A cut after one of the site's syncs and before another that covers what it would have. */
static bool plan_for_site(const struct power_log *l, unsigned site, struct draw *d, struct power_plan *out)
{
    static const enum power_how hows[] = {POWER_FOCUS_LOST, POWER_FOCUS_SIZED, POWER_FOCUS_ONE,
                                          POWER_FOCUS_RANDOM, POWER_NONE};
    unsigned nth = draw_below(d, l->site[site].count), i = 0;
    uint32_t end = l->n;

    for (; i < l->n_syncs; i++)
        if (l->sync[i].site == site && nth-- == 0)
            break;
    if (l->sync[i].end == POWER_NEVER)
        return false;
    for (unsigned k = 0; k < l->n_syncs; k++)
        if (l->sync[k].inode == l->sync[i].inode && l->sync[k].site != site &&
            l->sync[k].end != POWER_NEVER && l->sync[k].begin > l->sync[i].end && l->sync[k].end < end)
            end = l->sync[k].end;
    *out = (struct power_plan){.how = hows[draw_below(d, sizeof hows / sizeof *hows)],
                               .cut = l->sync[i].end + 1 + draw_below(d, end - l->sync[i].end),
                               .pick = draw_below(d, 1000),
                               .seed = draw_next(d)};
    return power_focus(l, out->cut) > 0;
}

bool power_site_needed(struct power_log *l, unsigned site, struct power_pool *pool, struct draw *d)
{
    const char *name = l->site[site].name;
    unsigned long cuts = 0;
    char words[256];

    power_log_cover(l, (int)site);
    pool->expected = true;
    for (unsigned tries = 0; tries < TRIES && cuts < CUTS_FOR_A_SITE && !pool->failed; tries++) {
        struct power_plan p;
        if (!plan_for_site(l, site, d, &p))
            continue;
        power_pool_add(pool, &p);
        cuts++;
    }
    power_pool_finish(pool);
    if (pool->failed) {
        power_plan_words(l, &pool->plan, words, sizeof words);
        print_message("  %s (%u times): cut %u shows it, %s: %.200s\n", name, l->site[site].count, pool->done,
                      words, pool->why);
    } else {
        print_message("  ! %s (%u times): %u cuts and none needs it\n", name, l->site[site].count,
                      pool->done);
    }
    power_log_cover(l, -1);
    return pool->failed > 0;
}
