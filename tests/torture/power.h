/*
 * Power cuts, made from the record of a run (README.md).
 *
 *   power_shim.c   records, within the gateway, every write, name, sync and word on a socket
 *   power_log.c    reads that: operations on files, and which sync covers which
 *   power_wire.c   reads that: what the gateway told whom, and so has to know for ever
 *   power_state.c  makes the folder that a power cut at some place may leave
 *   power_site.c   names the places in the code that sync
 *   power_serve.c  starts a gateway on such a folder, and asks it as those would who were told
 *   power_check.c  opens such a folder and looks for everything that was told before the cut
 *   test_power.c   runs gateways, and thousands of cuts
 */
#ifndef TESTS_POWER_H
#define TESTS_POWER_H

#include "power_log.h"
#include <stdbool.h>
#include <stddef.h>

/* ---- power_log.c ---- */

struct power_op;

struct power_inode {
    unsigned number; /* in power_log.inode */
    bool folder;
    char *path; /* where it was when it was made, for words */
    struct power_op **op;
    unsigned n_ops, cap; /* writes and sizes, in order */
};

enum { POWER_NEVER = UINT32_MAX };

/* One change of a file or of names. Places are numbers of records. */
struct power_op {
    enum power_kind kind;
    bool base; /* it began with this: on disk whatever comes */
    uint32_t at;
    uint32_t synced; /* the place where it is on disk; POWER_NEVER */
    uint32_t by;     /* the same with every sync that there was */
    struct power_inode *inode;
    /* Names: of inode in folder; of a rename or a link, to_name in to_folder as well. */
    struct power_inode *folder, *to_folder;
    char *path, *to_path;
    const char *name, *to_name; /* the last of them */
    uint64_t offset, length;
    const uint8_t *data; /* NULL: zeros */
};

struct power_sync {
    uint32_t begin, end; /* places; end: POWER_NEVER */
    bool failed;
    struct power_inode *inode;
    unsigned site;
};

/* A place in the code that syncs one kind of file. */
struct power_site {
    char name[192]; /* "a segment: segment_sync < write_out" */
    unsigned count;
};

struct power_log {
    void *map;
    size_t map_bytes;
    const struct power_rec **rec;
    uint32_t n;
    struct power_inode **inode; /* [0]: the root */
    unsigned n_inodes;
    struct power_op *op;
    unsigned n_ops;
    struct power_sync *sync;
    unsigned n_syncs;
    struct power_site *site;
    unsigned n_sites;
};

/* What a run began with, all of it on disk. */
struct power_base {
    struct power_base_file {
        char *path; /* relative */
        uint64_t ino, size;
        bool folder;
        uint8_t *bytes; /* size of them */
    } * file;
    unsigned n;
};
/* Reads all below a folder into memory. Asserts (cmocka). */
void power_base_read(struct power_base *, const char *dir);
void power_base_free(struct power_base *);

/* program: whose call sites are named; base: NULL if it began with nothing. It and the record's
 * file must stay. Asserts. */
void power_log_read(struct power_log *, const char *path, const char *program, const struct power_base *base);
void power_log_free(struct power_log *);
/* Which sync covers what, when those of one site are none; site < 0: all are. */
void power_log_cover(struct power_log *, int site);

static inline const char *power_path(const struct power_rec *r)
{
    return (const char *)(r + 1) + r->n_frames * sizeof(uint64_t);
}
static inline const uint8_t *power_data(const struct power_rec *r)
{
    return (const uint8_t *)power_path(r) + r->n_path;
}

/* ---- power_site.c ---- */

/* Gives every sync its site. */
void power_sites(struct power_log *, const char *program);

/* ---- power_state.c ---- */

/* What becomes of the operations that no sync covers at the cut. */
enum power_how {
    POWER_ALL,          /* the disk got all of it: as after a kill */
    POWER_NONE,         /* nothing of it */
    POWER_NONE_SIZED,   /* nothing but the sizes of files */
    POWER_ONE_LOST,     /* all but one */
    POWER_ONE_KEPT,     /* nothing but one */
    POWER_ONE_TORN,     /* all, of one some sectors only */
    POWER_RANDOM,       /* each by itself: kept, lost or torn */
    POWER_FOCUS_LOST,   /* lost is what only the site without effect would have synced */
    POWER_FOCUS_SIZED,  /* likewise, but for the sizes */
    POWER_FOCUS_ONE,    /* one of it is lost */
    POWER_FOCUS_RANDOM, /* each of it by itself, all else is kept */
    POWER_HOWS
};
extern const char *const power_how_name[POWER_HOWS];

struct power_plan {
    uint32_t cut; /* what has a smaller number has happened */
    enum power_how how;
    unsigned pick; /* of the ONE: modulo how many there are */
    uint64_t seed;
};

/* Builds it in an empty folder. False: errno says why. */
bool power_state_make(const struct power_log *, const struct power_plan *, const char *dir);
/* How many operations a cut there leaves in the balance. */
unsigned power_unsynced(const struct power_log *, uint32_t cut);
/* How many of these only a site without effect would have synced (power_log_cover). */
unsigned power_focus(const struct power_log *, uint32_t cut);
uint64_t power_mix(uint64_t);

/* ---- power_wire.c ---- */

enum power_fact_kind {
    FACT_ACCEPTED, /* 202: id, text, phone, key, idempotency key and the whole request */
    FACT_CANCELED, /* 200: id */
    FACT_UPLOADED, /* 201: id, data */
    FACT_CUSTOMER, /* 201: id */
    FACT_CASE,     /* 201: id */
    FACT_KEY,      /* 201: id */
    FACT_CHANGED,  /* 200: a customer's id; number: of the change, which grows */
    FACT_RECEIVED, /* a webhook's 200: id: the provider's, text */
    FACT_RECEIPT,  /* a webhook's 200: id: ours, text: the status */
    FACT_LEFT,     /* a message went out: id */
    FACT_ANSWERED, /* the provider answered that: id */
    FACT_BACKING,  /* 202: a backup was begun: id, text: its folder, number: the record of the request */
    FACT_BACKED_UP /* 200: it is said to be done: id */
};

struct power_fact {
    enum power_fact_kind kind;
    uint32_t at; /* the record of the first byte that told it */
    char id[192];
    char *text;
    uint64_t number;
    /* The request whose answer this was (parts of a log that stays mapped, or a copy). */
    char *method, *path, *head;
    uint8_t *body;
    size_t n_body;
    char *answer; /* FACT_ACCEPTED, FACT_UPLOADED: its body */
};

struct power_facts {
    struct power_fact *fact;
    unsigned n, cap;
};
void power_facts_read(struct power_facts *, const struct power_log *);
/* What was told before a cut stays told in the run that goes on from there. Copies. */
void power_facts_go_on(struct power_facts *, const struct power_facts *before, uint32_t cut);
void power_facts_free(struct power_facts *);

/* ---- power_serve.c ---- */

/* Starts the gateway of this program on dir/data, asks for what was told before the cut, and ends it, by
 * SIGTERM or SIGKILL. 0, or 1 with words. Calls alarm()'s signal its own. */
int power_serve(const char *program, const char *dir, const struct power_facts *, const struct power_plan *,
                char *why, size_t cap);

/* ---- power_check.c ---- */

/* Opens the store in dir, looks for all that was told before the cut, closes it and has it
 * checked. 0, or 1 with words. Runs in a process of its own: it may also crash. */
int power_check(const char *dir, const struct power_facts *, uint32_t cut, char *why, size_t cap);
/* Whether a journal ends in a torn tail. */
bool power_torn(const char *journal);

#endif
