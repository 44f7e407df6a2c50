/* The parts of delivery that its files share. Private. [core] */
#ifndef SERVICES_DELIVERY_QUEUE_H
#define SERVICES_DELIVERY_QUEUE_H

#include "services/delivery.h"
#include "services/quarantine.h"

struct claim {
    struct claim *next;
    struct gw_channel *channel;
    struct hilo_id id;
    struct hilo_str bytes; /* the part to send, lowered; allocated with the claim */
};

/* In the list jobs from its start to its end, so that no other starts for its media. */
struct fetch_job {
    struct fetch_job *next;
    struct fetch_job *next_given; /* the finisher's lists */
    bool given;                   /* it is with the finisher */
    uint64_t job;
    struct gw_channel *channel;
    struct hilo_id media;
    struct media_file *file;
    char expected_hex[2 * MEDIA_HASH + 1]; /* empty: unknown */
    /* After fetched(): what the helper thread found out. */
    int32_t code;
    struct media_stored stored;
    char mime[128];
    char reason[200];
    int64_t retry_after_us;
};

/* A report that the store had no room for. Bounded by the credit of the channels. */
struct late_report {
    struct late_report *next;
    struct gw_channel *channel;
    bool voided; /* its instance has ended, and the credit with it */
    struct hilo_report r;
    char words[]; /* what r points to */
};

/* delivery_time.c */
struct delivery_clock {
    struct loop_clock *watch;
    int64_t offset_us; /* the wall clock less the monotonic one, when it was last set */
    int64_t behind_us; /* how far the wall clock stands behind what it has been at */
    int64_t ahead_us;  /* how far it has jumped ahead, while that is not believed */
    int64_t ask_us;    /* monotonic: when to ask whether it is to be believed; 0 */
};

struct delivery {
    struct gateway *gw;
    struct delivery_clock clock;
    struct loop_timer *timer;
    struct claim *first, **end; /* claimed, not yet handed over */
    unsigned n_claims;
    bool kicked;         /* some channel is */
    int64_t expiry_us;   /* Unix: when the next message expires; 0: unknown or none */
    int64_t schedule_us; /* Unix: when the next that is scheduled is due; 0: none */
    int64_t near_us;     /* Unix: when the next appointment is to be told of as near; 0: none */
    int64_t forget_us;   /* monotonic: next look at old idempotency keys and orphans */
    int64_t full_us;     /* monotonic: when to try again what had no room on the disk; 0 */
    struct late_report *late, **late_end;
    struct hilo_id unreadable; /* the last that the log was told of */
    struct fetch_job *jobs;    /* with a plugin, or being finished */
    uint64_t last_job;
    struct finisher *finisher;
    struct quarantine *quarantine;
};

/* Watches the clock; a later time in the store than now puts it behind. */
int32_t clock_start(struct delivery *, struct err *);
/* Looks at the clock: somebody set it, or the machine slept, or it has drifted. arg: delivery. */
void clock_look(void *arg);
/* The wall clock was set by so much. */
void clock_moved(struct delivery *, int64_t by_us);
/* If it is time to ask, asks the system whether its clock is synchronized. */
void clock_ask(struct delivery *, int64_t mono_us);
/* Unix time, to compare with when something ends; never ahead by a jump. */
int64_t delivery_end_now(const struct delivery *);

/* delivery_schedule.c: what is scheduled and due now takes its place in the queue; sets schedule_us. */
int32_t schedule_look(struct delivery *, struct err *);

/* delivery_pace.c: what the peer takes. now: monotonic. */
/* How many of at most max messages the channel's bucket has room for. */
unsigned pacing_room(struct gw_channel *, unsigned max, int64_t now_us);
/* Whether this message, which is so many for the peer, may leave now; if so, its tokens are taken. */
enum pacing {
    PACING_TAKEN,
    PACING_PAIR, /* its recipient's bucket is empty; another may go in its place */
    PACING_RATE  /* the channel's has too few for it; nothing goes before it */
};
enum pacing pacing_take(struct gw_channel *, struct hilo_id message, const struct rec_message *,
                        struct hilo_str bytes, unsigned segments, int64_t now_us);
bool pacing_held(const struct gw_channel *, struct hilo_id message, int64_t now_us);
/* After the claims: when to look again. more: something was due and had no room. */
void pacing_next(struct gw_channel *, bool more, int64_t now_us);
/* What a report says of the recipient or the channel. */
void pacing_report(struct gw_channel *, const struct hilo_report *, const struct rec_message *);

/* Hashes and moves downloaded files on a thread of its own. done [core]. */
struct finisher;
int32_t finisher_new(struct delivery *, struct err *, struct finisher **out);
void finisher_free(struct finisher **); /* waits for what is under way */
void finisher_give(struct finisher *, struct fetch_job *);
void fetch_finished(struct delivery *, struct fetch_job *);

/* Hands due downloads to the channel's plugin. */
int32_t fetch_start(struct delivery *, struct gw_channel *, struct err *);
void fetch_gone(struct delivery *, struct gw_channel *);

/* Writes down the reports that had no room. HILO_FULL: still not all. */
int32_t late_write(struct delivery *, struct err *);
/* It is in flight in the store, and its outcome is about to be written: the channel never
 * got it, or its report had no room. */
bool delivery_out(const struct delivery *, struct hilo_id);
/* The credit of this channel is void: late reports give none back. */
void late_void(struct delivery *, const struct gw_channel *);
void late_free(struct delivery *);

/* Something had no room on the disk: the timer brings it again. */
void delivery_full(struct delivery *);
/* Sets the timer to the next thing that is due. */
void delivery_arm(struct delivery *);
/* Logs what time settled: reason "expired", or "in_doubt" of one that was held. */
void delivery_settled(struct delivery *, struct hilo_id, struct hilo_str channel, uint64_t status,
                      struct hilo_str reason);
/* Logs what the store holds and can't read, with why; once if it stays. */
void delivery_unreadable(struct delivery *, const char *prefix, struct hilo_id, const struct err *why);
/* How a message ends whose time is over: EXPIRED, or FAILED if it may have left. */
uint64_t delivery_overdue(const struct rec_message *, struct hilo_str *reason_out);
/* Backoff with jitter: attempt 1 gives about min. */
int64_t delivery_backoff(int64_t min_us, int64_t max_us, uint64_t attempt);
/* Appends a record (STORE_RECORD) in its own begin/end. */
int32_t delivery_append(struct delivery *, const struct rec_desc *, const void *ev, struct err *);

#endif
