/*
 * The thread that makes segments ahead of their use. It sleeps until one is wanted;
 * there are no periodic wake-ups. All functions but init and done: [any].
 */
#ifndef STORE_JOURNAL_PREPARE_H
#define STORE_JOURNAL_PREPARE_H

#include "store/journal/segment.h"

struct preparer {
    pthread_mutex_t lock;
    pthread_cond_t wanted_more, made_more;
    pthread_t thread;
    bool running;
    struct segment_set *set; /* borrowed */
    struct log *log;         /* borrowed, may be NULL */
    uint64_t length;
    uint32_t made, wanted; /* numbers of the last segment there is, and that there should be */
    bool complained;       /* the log knows that it can't be made */
    atomic_bool stop;
    struct err failed; /* why the last try failed; until one does not */
    bool again;        /* try although it failed */
};

/* The set has at least one segment. */
int32_t preparer_init(struct preparer *, struct segment_set *, uint64_t length, struct log *, struct err *);
/* Ends the thread; one half made is removed. Takes a preparer of zeros, too. */
void preparer_done(struct preparer *);

/* Asks for the segment to be made in the background. */
void preparer_ahead(struct preparer *, uint32_t number);
/* HILO_OK when the segment is there. HILO_FULL, HILO_IO: it could not be made; nobody tries
 * again until preparer_retry. While it is made for the first time: waits, or HILO_AGAIN. */
int32_t preparer_need(struct preparer *, uint32_t number, bool wait, struct err *);
/* After a failure: tries again in the background. */
void preparer_retry(struct preparer *);

#endif
