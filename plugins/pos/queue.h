/*
 * What waits for one terminal, in memory and as the value that is kept. Pure but for its own memory. [own]
 * loop.
 *
 *   {"done":["p-…",…],"q":[{"id":"p-…","method":"…","key":"…","until":"…","params":{…}},…]}
 *
 * done: the last ids that were answered or replaced, so that an event which is dealt with once more
 * after a crash is not pushed once more.
 */
#ifndef POS_QUEUE_H
#define POS_QUEUE_H

#include "rpc.h"

#include <stdint.h>
#include <sys/queue.h>

enum {
    POS_QUEUE_MAX = 64,
    POS_QUEUE_BYTES = 60000, /* a value of the gateway's context has at most 64 KiB */
    POS_QUEUE_DONE = 64,
    POS_QUEUE_KEY = 80
};

struct pos_queued {
    char id[POS_ID_MAX + 1], method[32], key[POS_QUEUE_KEY];
    int64_t until_us; /* Unix time; 0: for ever */
    cJSON *params;
    size_t bytes;
    bool sent;
    TAILQ_ENTRY(pos_queued) at;
};
struct pos_entries {
    TAILQ_HEAD(pos_queued_list, pos_queued) list;
    uint32_t n;
    uint32_t dropped; /* since the start: more than is kept */
    size_t bytes;
    char (*done)[POS_ID_MAX + 1]; /* a ring of POS_QUEUE_DONE; NULL: none yet, as of most terminals */
    uint32_t n_done;
};

void pos_entries_init(struct pos_entries *);
void pos_entries_free(struct pos_entries *);
struct pos_queued *pos_entries_find(struct pos_entries *, const char *id);
/* It waits, or was answered not long ago. */
bool pos_entries_known(struct pos_entries *, const char *id);
/* At the end, in place of the one with the same key unless that is empty. params is taken. What is more than
 * is kept goes: the oldest customer.arriving, else the oldest. NULL: no memory. */
struct pos_queued *pos_entries_add(struct pos_entries *, const char *id, const char *method, const char *key,
                                   int64_t until_us, cJSON *params);
/* It was answered. */
void pos_entries_end(struct pos_entries *, struct pos_queued *);
/* Those whose time is over go; whether there were any. */
bool pos_entries_expire(struct pos_entries *, int64_t now_us);

char *pos_entries_write(const struct pos_entries *); /* NULL: no memory */
/* NULL, or what is wrong with it; what can be read is there then. */
const char *pos_entries_read(struct pos_entries *, struct hilo_str text);

#endif
