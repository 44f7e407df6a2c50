/*
 * A day of the SMS channel: what test_day.c, out.c, in.c, trouble.c and lost.c share. The gateway's side
 * (messages, receipts, what is on disk) is played here; the plugin is behind host.h, the SMSC behind peer.h.
 */
#ifndef TESTS_SMS_DAY_H
#define TESTS_SMS_DAY_H

#include "host.h"
#include "peer.h"

#include <uthash.h>

enum {
    PARTS_MAX = 8,
    WINDOW = 10,
    RATE = 30 /* segments a second, then it throttles */
};
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

enum state { QUEUED, OUT, SENT, FAILED, DOUBT };

struct message {
    uint8_t state;
    uint8_t n;        /* segments */
    bool late;        /* in doubt, and a late response told */
    int64_t again_us; /* QUEUED: not before */
    char *text;
    char id[PARTS_MAX][66];    /* as reported */
    char final[PARTS_MAX][16]; /* what receipts said of each: "DELIVRD" … as a status */
};
struct known { /* an id that was reported, and what it names */
    char id[66];
    uint32_t message;
    uint8_t part;
    UT_hash_handle hh;
};
struct parked { /* a receipt whose message is not known yet */
    struct parked *next;
    char id[66], spelling[8][66];
    unsigned n;
    uint64_t status;
    bool taken;
};
struct spelled { /* one way to write the id of parked ones */
    char id[66];
    struct parked *r[4]; /* the same id, in other statuses or numbers of zeros */
    unsigned n;
    UT_hash_handle hh;
};
struct seen { /* an inbound message's id, or key and index of a part */
    char id[600];
    UT_hash_handle hh;
};
struct joined { /* parts of an inbound message */
    char key[520];
    unsigned total, n;
    char *text[PARTS_MAX];
    UT_hash_handle hh;
};
struct answer { /* of submit(), to be given */
    int64_t at_us;
    uint64_t token;
    int32_t code;
};
struct world {
    struct host host;
    struct peer peer;
    uint64_t random, seed;
    const char *const *options;
    uint32_t per_day, mobiles_per_day; /* messages out, and in */
    /* the gateway's side */
    struct message *message;
    uint32_t n, cap;
    uint32_t *queue, q_head, q_n, q_cap;
    uint32_t *later, n_later, cap_later; /* QUEUED with an again_us */
    uint32_t credit, out;
    int32_t state;
    int64_t rest_us; /* the channel rests until then */
    struct known *known;
    struct parked *parked;
    struct spelled *spelled;
    struct seen *seen;
    struct joined *joined;
    struct answer *answer;
    uint32_t n_answer, cap_answer;
    int64_t full_until;
    /* from mobiles */
    uint32_t mobiles;
    uint8_t *came;            /* of each: how often */
    uint32_t *first_delivery; /* seq of its first part, how many follow */
    uint8_t *n_deliveries;
    /* what happened */
    uint32_t cuts, throttles, restarts, kills, refusals, silences, garbage, late, receipts, again, downs;
};

/* ---- chance, strings: out.c ---- */
uint64_t chance(struct world *, uint64_t below); /* a number below that */
int64_t about(struct world *,
              int64_t mean); /* about that on average, never 0, never more than eight times it */
void *more(void *p, uint32_t *cap, uint32_t n, size_t size); /* room for one more than n */
void copy_str(char *out, size_t cap, struct hilo_str);

/* ---- messages out, their reports and receipts: out.c ---- */
void arrive(struct world *);    /* a message to be sent */
bool send_some(struct world *); /* as far as there is credit; false: none */
bool requeue(struct world *);   /* what has waited long enough */
void day_on_report(void *arg, const struct hilo_report *);
void day_on_receipt(struct world *, struct hilo_str message);

/* ---- messages in: in.c ---- */
int32_t day_on_submit(void *arg, uint64_t token, struct hilo_str message);
bool commit_some(struct world *);
void mobile_writes(struct world *);

/* ---- the plugin and the clock: test_day.c ---- */
void plugin_open(struct world *);
void plugin_close(struct world *); /* what it does not report is in doubt */
void run_until(struct world *, int64_t until_us);
void restart_gently(struct world *); /* drained before */

/* ---- what goes wrong: trouble.c ---- */
void something_goes_wrong(struct world *);
void all_is_well(struct world *);     /* from here on nothing does */
void receipts_change(struct world *); /* how the SMSC writes them, and when */

/* ---- what was lost: lost.c ---- */
void check_all(struct world *, double took_s);

#endif
