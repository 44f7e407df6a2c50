/*
 * The jobs of one printer, oldest first, and how they are kept: as one value of the plugin's
 * context, so that one write says all that changed. Those that are done stay for a while as
 * their ids, so that the same job asked for again is not printed again. Pure.
 */
#ifndef POS_PRINTER_QUEUE_H
#define POS_PRINTER_QUEUE_H

#include "printer.h"

enum {
    POS_JOBS_DONE = 64,             /* ids kept of those that are done */
    POS_JOBS_BYTES_MAX = 60 * 1024, /* the value; the context takes 64 KiB */
    POS_JOBS_PLACE_MAX = 32,
    POS_JOBS_REASON_MAX = 32
};
enum pos_job_state { POS_JOB_QUEUED, POS_JOB_PRINTING, POS_JOB_PRINTED, POS_JOB_FAILED, POS_JOB_UNKNOWN };

struct pos_job {
    char id[POS_PRINT_ID_MAX + 1], store[POS_JOBS_PLACE_MAX + 1], terminal[POS_JOBS_PLACE_MAX + 1];
    enum pos_job_state state;
    char reason[POS_JOBS_REASON_MAX + 1];
    bool confirmed;
    uint32_t tries; /* how often it was begun */
    char *slip;     /* JSON, NUL-ended; NULL: it is done */
    bool told;      /* its end, to who asked */
    /* In memory only. The revisions of the queue in which it came, and changed last; what is on disk is acted
     * upon. */
    uint64_t rev_came, rev_changed;
    bool accepted;       /* who asked was told that it is on disk */
    int64_t since_us;    /* it waits: monotonic */
    uint32_t told_state; /* what it waits for, as who asked was told */
};
struct pos_queue {
    struct pos_job *job[POS_PRINT_QUEUE + POS_JOBS_DONE + 1];
    size_t n;
};

static inline bool pos_job_done(const struct pos_job *job)
{
    return job->state >= POS_JOB_PRINTED;
}
/* Jobs that are not done. */
size_t pos_queue_waiting(const struct pos_queue *);
/* NULL: that terminal has none of this id. */
struct pos_job *pos_queue_find(const struct pos_queue *, struct hilo_str id, struct hilo_str store,
                               struct hilo_str terminal);
/* At the end. NULL: no memory, or no room. slip is taken over, if it is not NULL. */
struct pos_job *pos_queue_add(struct pos_queue *, struct hilo_str id, struct hilo_str store,
                              struct hilo_str terminal, char *slip);
void pos_queue_drop(struct pos_queue *, const struct pos_job *);
/* Forgets the oldest of those that are done and told, beyond POS_JOBS_DONE. */
void pos_queue_prune(struct pos_queue *);
/* As it is kept, malloc'ed, NUL-ended. NULL: no memory. */
char *pos_queue_json(const struct pos_queue *, size_t *n_out);
/* Into an empty queue. False: it is none; what could be read is in it. */
bool pos_queue_read(struct pos_queue *, struct hilo_str json);
void pos_queue_clear(struct pos_queue *);

#endif
