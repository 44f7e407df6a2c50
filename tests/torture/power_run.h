/*
 * What test_power.c is made of beside the model (power.h): a gateway under load that is
 * recorded, and processes that look at many cuts.
 *
 *   power_run.c    the gateway's lives
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
    const struct power_log *log;
    const struct power_facts *facts;
    struct power_worker *worker;
    unsigned workers, done, failed;
    bool expected;       /* failures are: they are counted, not told */
    char why[POWER_WHY]; /* of the first failure */
    struct power_plan plan;
};
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
