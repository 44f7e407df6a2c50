/*
 * What the outbox's files share. Private to them. What is in struct run and below belongs to the
 * outbox's thread; struct outbox is shared as it says.
 */
#ifndef SERVICES_OUTBOX_RUN_H
#define SERVICES_OUTBOX_RUN_H

#include "base/buf.h"
#include "base/str.h"
#include "services/outbox.h"
#include "services/outbox_conn.h"
#include "services/outbox_sign.h"
#include "services/public_event.h"
#include "store/journal/tail.h"
#include <pthread.h>
#include <stdatomic.h>
#include <bsd/sys/tree.h>

#define uthash_fatal(msg) check_nomem()
#include "base/check.h"
#include <uthash.h>

#define OUTBOX_SECOND INT64_C(1000000)

/* ---- between the two threads ---------------------------------------------------------------- */

/* What the core is to write down, or to hear. */
enum note_type { NOTE_PROGRESS, NOTE_FAILING, NOTE_DISABLED, NOTE_PARKED, NOTE_SETTLED, NOTE_TESTED };
struct note {
    TAILQ_ENTRY(note) list;
    enum note_type type;
    struct hilo_id id, customer;
    uint64_t seq, attempts, token;
    int64_t due_us; /* wall */
    const char *reason;
    int32_t outcome;
    uint32_t status;
    int64_t us;
    char words[200];
};
TAILQ_HEAD(note_list, note);

/* What the thread is to do. */
enum order_type { ORDER_CHANGED, ORDER_TEST };
struct order {
    TAILQ_ENTRY(order) list;
    enum order_type type;
    struct hilo_id id;
    uint64_t token;
};

struct shown { /* an endpoint's status as others see it */
    LIST_ENTRY(shown) list;
    struct outbox_status status;
};

struct outbox {
    struct gateway *gw;
    struct outbox_options o;
    pthread_t thread;
    bool started;
    struct loop_wake *to_core; /* on the core's loop */
    struct loop_timer *again;  /* the core's: what could not be written down */
    struct run *run;
    atomic_bool ending, drained;
    atomic_uint_fast64_t connections, disabled[2];
    pthread_mutex_t lock; /* what follows */
    struct note_list notes;
    TAILQ_HEAD(, order) orders;
    LIST_HEAD(, shown) shown;
    uint64_t n_notes;
    bool stuck; /* the thread waits for fewer notes */
};

enum { NOTES_MAX = 4096 };
/* A zeroed note; then to the core, given away. [the thread] */
struct note *outbox__note_new(enum note_type, struct hilo_id);
void outbox__note_give(struct outbox *, struct note *);
uint64_t outbox__notes(struct outbox *); /* [any] */
/* Whether there are too many, since the store has no room for them; the thread is woken when there are
 * fewer. [the thread] */
bool outbox__notes_stuck(struct outbox *);

/* ---- the thread ------------------------------------------------------------------------------- */

struct endpoint;

struct letter {
    struct outbox_post post;
    struct endpoint *at;
    struct lane *lane; /* NULL: of a parked customer, or a test */
    struct parked *parked;
    uint64_t token; /* of a test */
    TAILQ_ENTRY(letter) list;
    uint64_t seq, slot;
    int64_t time_us;
    size_t bytes;
    struct hilo_str id; /* webhook-id; behind it, the body */
    char head[512];
    char mem[];
};

/* A customer's deliveries in memory, in their order. */
struct lane {
    struct hilo_id customer;
    UT_hash_handle hh;
    TAILQ_ENTRY(lane) list;
    TAILQ_HEAD(, letter) queue;
    bool busy; /* the first is out; else it is in ready */
};

struct parked {
    struct hilo_id customer;
    UT_hash_handle hh;
    RB_ENTRY(parked) entry;
    int64_t due_us; /* monotonic; 0: it is out, in no tree */
    uint64_t waiting, attempts;
    uint64_t seq; /* the last that was settled: the first comes after it */
};
RB_HEAD(parked_tree, parked);

struct endpoint {
    LIST_ENTRY(endpoint) list;
    struct run *run;
    struct hilo_id id;
    char name[ID_TEXT];
    bool enabled;
    struct public_filter filter;
    struct outbox_target *target;
    struct outbox_signer *signer, *old_signer;
    int64_t old_until_us; /* wall */
    /* reading */
    struct tail *tail;
    uint64_t read, saved;          /* sequences: read up to here; the cursor as the core was told */
    uint64_t known;                /* up to here, events may be parked already */
    bool placed;                   /* the tail stands where it goes on */
    bool broken;                   /* the journal could not be read */
    struct letter **ring;          /* by slot; NULL: settled */
    uint64_t ring_cap, first, end; /* slots */
    uint64_t unsettled;
    size_t bytes;
    /* sending */
    struct lane *lanes;
    TAILQ_HEAD(, lane) ready;
    uint32_t in_flight;
    uint32_t row;      /* failures since the last success */
    uint64_t attempts; /* as a whole; 0: it is up */
    bool probing;
    uint32_t probes;  /* of this try, that may still leave */
    int64_t since_us; /* wall: of attempts */
    int64_t due_us;   /* monotonic: of the next probe */
    /* parked */
    struct parked *parked;
    struct parked_tree due;
    uint64_t waiting;
    TAILQ_HEAD(, letter) loose; /* out, and in no lane: of parked ones and tests */
    bool dirty;                 /* the status has changed */
    struct shown *shown;
};

struct run {
    struct outbox *o;
    struct gateway *gw;
    struct loop *loop;
    struct loop_wake *wake;
    struct journal_watch watch;
    struct outbox_conns *conns;
    struct loop_timer *timer, *save; /* the next probe or parked one; progress */
    struct tail *spot;               /* for parked ones */
    struct arena *arena;             /* scratch */
    LIST_HEAD(, endpoint) endpoints;
    uint64_t random;
    bool watching;     /* the journal tells of each commit */
    atomic_bool poked; /* it has told since the last turn */
    bool more;         /* something is left to be read without waiting */
};

/* run.c */
void *outbox__main(void *run);
int32_t outbox__new(struct outbox *, struct err *, struct run **out); /* [core] before the thread */
void outbox__free(struct run **);                                     /* [core] after it */
uint64_t outbox__random(struct run *);
void outbox__later(struct run *, int64_t mono_us); /* the timer at this time at the latest */
void outbox__save_soon(struct run *);

/* outbox_send.c */
void outbox__send_ready(struct endpoint *); /* what may leave, leaves */
struct letter *outbox__letter_new(struct endpoint *, uint64_t seq, int64_t time_us, struct hilo_str id,
                                  struct hilo_str body);
void outbox__letter_free(struct letter *);
void outbox__send_add(struct endpoint *, struct hilo_id customer, struct letter *); /* into its lane */
void outbox__send_test(struct endpoint *, uint64_t token);
void outbox__send_forget(struct endpoint *); /* all that is in memory; nothing is out any more */
/* The first that is not settled, less one. */
uint64_t outbox__send_low(const struct endpoint *);
void outbox__disable(struct endpoint *, const char *reason, const char *words);

/* outbox_park.c */
int32_t outbox__park_load(struct endpoint *, struct err *);
struct parked *outbox__park_find(struct endpoint *, struct hilo_id customer);
/* The first of a customer, which has failed. */
void outbox__park_begin(struct endpoint *, struct hilo_id customer, uint64_t seq, const char *words,
                        int64_t wait_us);
void outbox__park_add(struct endpoint *, struct parked *, uint64_t seq); /* behind it */
bool outbox__park_full(const struct endpoint *);
int64_t outbox__park_due(const struct endpoint *); /* monotonic: of the first; 0: none */
void outbox__park_ready(struct endpoint *);        /* those that are due leave, as many as may */
void outbox__park_done(struct letter *, bool ok, bool counts, const char *words, int64_t wait_us);
void outbox__park_forget(struct endpoint *);

/* outbox_event.c */
/* What an event is to the endpoint. HILO_NOSUP: nothing. In the run's arena. */
int32_t outbox__event_wanted(struct endpoint *, const struct event *, struct public_event *out, struct err *);
int32_t outbox__event_make(struct endpoint *, const struct event *, const struct public_event *,
                           struct letter **out, struct err *);
/* The event with a sequence. HILO_NOTFOUND: it was retired. */
int32_t outbox__event_at(struct endpoint *, uint64_t seq, struct letter **out, struct err *);
/* A webhook.test: its id and body. */
void outbox__event_test(struct endpoint *, char id[ID_TEXT], struct buf *body);

/* outbox_send.c again: deliveries that may still be begun; and one of them begins. */
uint32_t outbox__send_room(const struct endpoint *);
void outbox__send_out(struct endpoint *, struct letter *);

#endif
