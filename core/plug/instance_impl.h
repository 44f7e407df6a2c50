/*
 * What instance.c (life and frames), ledger.c (what is owed) and services.c (the host
 * table) share of an instance. Private to them. All [own] loop.
 */
#ifndef PLUG_INSTANCE_IMPL_H
#define PLUG_INSTANCE_IMPL_H

#include "base/str.h"
#include "loop/loop.h"
#include "plug/httpc.h"
#include "plug/instance.h"
#include <pthread.h>

enum { INSTANCE_MAGIC = 0x494e5354, INSTANCE_TEXT_MAX = 400 };

enum instance_phase {
    INSTANCE_OPENING = 1,
    INSTANCE_RUNNING,
    INSTANCE_DRAINING,
    INSTANCE_CLOSED /* the plugin is gone */
};

/* Names of callbacks, for stalls and hangs. */
enum instance_callback {
#define CALLBACKS(X)                                                                                         \
    X(OPEN, open)                                                                                            \
    X(START, start)                                                                                          \
    X(SEND, send)                                                                                            \
    X(REVOKE, revoke)                                                                                        \
    X(COMMITTED, committed)                                                                                  \
    X(CONTEXT, on_context)                                                                                   \
    X(HTTP, on_http)                                                                                         \
    X(REQUEST, on_request)                                                                                   \
    X(MEDIA, on_media)                                                                                       \
    X(FETCH, fetch)                                                                                          \
    X(EVENT, on_event)                                                                                       \
    X(FILE, on_file)                                                                                         \
    X(FILES, on_files)                                                                                       \
    X(FD, on_fd)                                                                                             \
    X(TIMER, on_timer)                                                                                       \
    X(WOKEN, woken)                                                                                          \
    X(RECONFIGURE, reconfigure)                                                                              \
    X(DRAIN, drain)                                                                                          \
    X(CLOSE, close)
#define X(upper, lower) CALLBACK_##upper,
    CALLBACKS(X)
#undef X
        CALLBACK__END
};

struct sent;     /* ledger.c */
struct numbered; /* ledger.c */
struct watch;    /* services.c */
struct timer;    /* services.c */

/* The plugin knows it as an opaque pointer. */
struct hilo_self {
    uint32_t magic;
    enum instance_phase phase;
    struct instance_options o;
    pthread_t thread;
    struct loop *loop;
    struct loop_fd *link_fd;
    struct loop_wake *wake;
    struct loop_timer *deadline;
    struct httpc *httpc;
    struct hilo_host host;
    void *inst;
    void *conf;  /* options that reconfigure() took, in use instead of o.conf; NULL */
    bool inside; /* a callback runs */

    /* what is owed */
    struct sent *sends;
    struct numbered *requests, *jobs;
    uint64_t credit;                       /* sends that the core may still give us */
    uint64_t credit_up;                    /* of it, not yet told */
    uint64_t held;                         /* sends that the plugin did not take */
    uint32_t asked;                        /* requests to the core not yet answered */
    uint32_t apis;                         /* of api(), likewise */
    bool want_link, want_asked, want_http; /* the plugin was told HILO_FULL */
    bool want_api;

    uint64_t follow;   /* token of the follow() in force; 0: none yet */
    uint64_t followed; /* its events that are dealt with and not yet told */

    struct watch *watches;
    struct timer *timers;

    bool state_due;
    int32_t state_code;
    char state_text[INSTANCE_TEXT_MAX];
};

/* Around every call into the plugin. */
void instance_enter(struct hilo_self *, enum instance_callback);
void instance_leave(struct hilo_self *, enum instance_callback);

/* Adds a frame that must get there. */
void instance_must(struct hilo_self *, const struct frame *);
struct frame instance_frame(uint16_t type, uint64_t token);

/* ---- ledger.c: exactly one report a send, one answer a request, credit ---------------- */

/* A SEND frame: to the plugin, or back with HILO_AGAIN. */
void ledger_send(struct hilo_self *, const struct frame *);
void ledger_revoke(struct hilo_self *, struct hilo_id);
void ledger_report(struct hilo_self *, const struct hilo_report *);
void ledger_credit(struct hilo_self *, uint32_t n);
void ledger_fetched(struct hilo_self *, uint64_t job, int32_t code, struct hilo_str mime,
                    struct hilo_str detail, int64_t retry_after_us);
void ledger_job_add(struct hilo_self *, uint64_t job);
bool ledger_job_has(struct hilo_self *, uint64_t job);
void ledger_request_add(struct hilo_self *, uint64_t request);
bool ledger_request_has(struct hilo_self *, uint64_t request);
void ledger_request_del(struct hilo_self *, uint64_t request);
/* Sends that the plugin did not take go back: it drains. */
void ledger_give_back(struct hilo_self *);
/* The plugin is closed: what it still owes is reported in its stead. */
void ledger_settle(struct hilo_self *);
/* It owes nothing. */
bool ledger_quiet(const struct hilo_self *);

/* ---- services.c: the host table ---------------------------------------------------------- */
void services_fill(struct hilo_host *);
void services_done(struct hilo_self *); /* forgets watches and timers */
void services_http_done(void *self, uint64_t token, int32_t code, const struct hilo_http *);

#endif
