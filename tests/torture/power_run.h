/*
 * What test_power.c is made of beside the model (power.h): a gateway under load that is
 * recorded, and processes that look at many cuts.
 *
 *   power_run.c    the gateway's lives
 *   power_plan.c   which cuts
 *   power_whole.c  whether a record is whole
 *   power_pool.c   a few workers, each making and checking one state after the other
 */
#ifndef TESTS_POWER_RUN_H
#define TESTS_POWER_RUN_H

#include "power.h"
#include "torture.h"

/* ---- power_pool.c ---- */

enum { POWER_WORKERS = 16, POWER_WHY = 1024 };

struct power_worker; /* in power_pool.c */

struct power_pool {
    /* Is all that was told before the cut there, in the state in dir? 0, or else with words. */
    int (*look)(const struct power_pool *, const struct power_plan *, const char *dir, char *why, size_t cap);
    const struct power_log *log;
    const struct power_facts *facts;
    struct power_worker *worker;
    unsigned workers, done, failed;
    const char *program; /* for power_look_served: the gateway that is started on each */
    bool expected;       /* failures are: they are counted, not told */
    char why[POWER_WHY]; /* of the first failure */
    struct power_plan plan;
};
/* Opened by the core; or started by the gateway first, and asked. */
int power_look_by_core(const struct power_pool *, const struct power_plan *, const char *dir, char *why,
                       size_t cap);
int power_look_served(const struct power_pool *, const struct power_plan *, const char *dir, char *why,
                      size_t cap);
/* By the core, if nothing else is set after it. */
void power_pool_start(struct power_pool *, const struct power_log *, const struct power_facts *);
/* Waits for a free worker. */
void power_pool_add(struct power_pool *, const struct power_plan *);
/* Waits for all of them, and ends them. */
void power_pool_finish(struct power_pool *);
/* "before write data/journal/0000000001.seg: one torn, of 7 unsynced" */
void power_plan_words(const struct power_log *, const struct power_plan *, char *out, size_t cap);

/* A folder for states, in memory if there is room. */
void power_folder_make(char out[64]);
void power_folder_remove(const char *);

/* ---- power_plan.c ---- */

/* What becomes of what is not synced at the cut: anything. */
enum power_how power_how_drawn(struct draw *);
/* Zeros that fill a segment, and their syncs, are many and alike. */
bool power_fills(const struct power_log *, uint32_t at);
/* A place where something happens: near a new or removed name, at a sync, or any. */
struct power_plan power_plan_drawn(const struct power_log *, struct draw *);
/* Holds the site to be without effect until a cut shows it: false, with words, if none does. */
bool power_site_needed(struct power_log *, unsigned site, struct power_pool *, struct draw *);

/* ---- power_whole.c ---- */

/* A folder is, byte by byte, what the record of it says; asserts. */
void power_log_is_whole(const struct power_log *, const char *dir);

/* ---- power_run.c ---- */

struct power_run {
    struct torture *t;
    struct scratch records; /* the records; left where a test failed */
    char record[192];       /* of the run under way */
    char env[2][256];
    char customer[ID_MAX]; /* whose attributes fill segments */
    unsigned big, changes;
};

void power_run_up(struct power_run *, uint64_t seed);
void power_run_down(struct power_run *, bool keep);
/* A load over many lives, most of which end at a sync. Leaves nothing running. */
void power_run_lives(struct power_run *);
/* Goes on from what a cut left, recorded anew, for one life; base_out is what it began with. */
void power_run_onward(struct power_run *, const struct power_log *, const struct power_plan *,
                      struct power_base *base_out);
/* From nothing, lives that each end by themselves with a failed sync and name its file; recorded
 * anew. */
void power_run_failing(struct power_run *);

#endif
