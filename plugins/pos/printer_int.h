/*
 * Private to printer*.c: one printer of an instance.
 *
 *   REST -> CONNECTING -> ASKING -> MARKING -> SENDING -> WAITING -> AFTER -> (next job, IDLE, REST)
 *
 *   ASKING    its status, before: what stops it, and the job waits
 *   MARKING   "printing" goes to disk; nothing of the slip leaves before
 *   SENDING   the slip, and behind it the question that is answered in order (GS r)
 *   WAITING   for that answer, its status asked meanwhile, so that somebody hears why it takes long;
 *             without such a question, until its side of the connection has all
 *   AFTER     its status once more
 *   IDLE      connected, nothing to do: with asb only, as a printer serves one connection
 *
 * Invariants: a job that left MARKING ends as printed or unknown, never as failed; one that did not,
 * never as unknown. done() and accepted() are called for what is on disk. A printer has one
 * write of its queue under way at most; what changes meanwhile goes with the next one.
 */
#ifndef POS_PRINTER_INT_H
#define POS_PRINTER_INT_H

#include "printer.h"

#include "printer_conf.h"
#include "printer_queue.h"
#include "printer_status.h"

#define POS_SECOND INT64_C(1000000)
enum { POS_PRINTER_TRIES = 3 /* of a job, with unknown=again */ };

enum pos_printer_phase { REST, CONNECTING, ASKING, MARKING, SENDING, WAITING, AFTER, IDLE };

struct printer {
    struct pos_printers *all;
    uint32_t index;
    struct pos_printer_conf conf;
    struct pos_queue queue;
    /* disk */
    bool loaded, loading, saving;
    uint64_t rev, rev_saving, rev_saved, version;
    int64_t disk_at; /* try again then; 0: no need */
    /* the connection */
    enum pos_printer_phase phase;
    int fd;
    struct pos_status status;
    struct pos_job *job; /* MARKING to AFTER */
    uint8_t *out;
    size_t out_at, out_n;
    int64_t deadline, poll_at; /* of the phase; 0: none */
    int64_t sent_at;           /* the last byte of the slip */
    int64_t retry_at, backoff;
    uint32_t state;
    bool state_told;
};

struct pos_printers {
    const struct hilo_host *host;
    struct hilo_self *self;
    uint64_t tokens;
    uint32_t timer;
    struct pos_printers_events on;
    void *arg;
    int64_t connect_us, print_us, patience_us;
    bool draining;
    bool inside; /* one of its entry points: what is asked for from within an event is done at its end, */
    bool again;  /* which this says */
    int64_t armed;
    size_t n;
    struct printer *printer;
};

static inline int64_t pos__printers_now(const struct pos_printers *ps)
{
    return ps->host->mono_us(ps->self);
}

/* printer.c */
void pos__printer_log(struct printer *, int32_t level, const char *event, const char *more);
void pos__printer_set_state(struct printer *, uint32_t state);
static inline bool pos__printer_stopped(const struct printer *p)
{
    return (p->state & POS_PRINTER_STOPS) != 0;
}

/* printer_disk.c: what of the queue is on disk */
void pos__printer_load(struct printer *); /* if it is not, and its time is */
void pos__printer_save(struct printer *);
void pos__printer_loaded(struct printer *, int32_t code, struct hilo_str val, uint64_t version);
void pos__printer_saved(struct printer *, int32_t code, uint64_t version);
void pos__job_change(struct printer *, struct pos_job *, enum pos_job_state, const char *reason);
/* What is said of it; reason stays the caller's. */
struct pos_print_result pos__job_result(const struct printer *, const struct pos_job *, const char *reason);
/* Ends a job of which something may have left, or has it wait again if it may be printed again. */
void pos__job_unknown(struct printer *, struct pos_job *, const char *reason);

/* printer_run.c: the connection */
struct pos_job *pos__printer_next(const struct printer *); /* that can be begun; NULL: none */
void pos__printer_ready(struct printer *, uint32_t events);
void pos__printer_work(struct printer *); /* all that can be done now */
void pos__printer_close(struct printer *);

#endif
