/*
 * hilotill.h - a till's side of Hilo's POS channel (plugins/pos/PROTOCOL.md): enrolment, a
 * connection that looks after itself, requests, a durable queue for what can wait, pushes.
 *
 *     struct hilotill_options o = {.size = sizeof o, .folder = "/var/lib/till", .software = "acme-pos 4.1",
 *                                  .on_answer = answered, .on_push = pushed, .on_change = changed};
 *     struct hilotill_error e;
 *     struct hilotill *t;
 *
 *     if (hilotill_open(&o, &t, &e) != HILOTILL_OK)          // e.text says why, and what to do
 *         …
 *     hilotill_connect(t, &e);
 *     for (;;) {
 *         struct pollfd p[] = {{hilotill_fd(t), POLLIN, 0}, …};
 *         poll(p, n, hilotill_timeout(t));
 *         hilotill_run(t);                                   // callbacks are made here, and only here
 *     }
 *
 * Loop     Nothing here waits for the network. hilotill_fd is one descriptor for the life of
 *          the handle, to be polled for POLLIN; hilotill_timeout says by when to call hilotill_run
 *          at the latest. Calling it too often does no harm. What writes to the queue waits for the
 *          disk (an fdatasync, some milliseconds).
 * Threads  A handle belongs to one thread at a time. Two handles, of two folders, are independent.
 *          SIGPIPE is neither raised nor touched.
 * Memory   What is passed in is copied before the call returns; what a callback gets is borrowed
 *          until it returns. All text is UTF-8 and NUL-ended; JSON is one value, without line ends
 *          of its own. A callback may call any function but hilotill_close and hilotill_run.
 * Errors   0 or a negative HILOTILL_E…: negative means that nothing has happened. The error's text
 *          is a sentence for who stands at the till, in the language of the options, and says
 *          what to do next. An error argument may be NULL.
 * Disk     All is in one folder (0700), by one process at a time: identity.pem (address, key, certificate,
 *          the gateway's CA; 0600; the key is made here and never sent) and till.db (SQLite: the queue,
 *          pushes seen, answers kept).
 *          A queued write is on disk before hilotill_queue returns.
 *
 * Structs grow at their end; size says what the application was compiled with. Zero is the default.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HILOTILL_H
#define HILOTILL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HILOTILL_API           __attribute__((visibility("default")))
#define HILOTILL_VERSION_MAJOR 1
#define HILOTILL_VERSION_MINOR 0

enum {
    HILOTILL_OK = 0,
    HILOTILL_EARG = -1, /* what was passed can't be (no JSON object, too long, no such id) */
    HILOTILL_ENOMEM = -2,
    HILOTILL_EDISK = -3,        /* the folder can't be read or written: errno's words are in the text */
    HILOTILL_EFULL = -4,        /* the queue has as many as it may, or the disk is full; nothing was queued */
    HILOTILL_EDAMAGED = -5,     /* a file in the folder is damaged; the text says which, and what to do */
    HILOTILL_EINUSE = -6,       /* another process has this folder open */
    HILOTILL_EOFFLINE = -7,     /* there is no line now, and this can't wait */
    HILOTILL_ENOTENROLLED = -8, /* no certificate here yet: hilotill_enroll */
    HILOTILL_EREFUSED = -9,     /* the gateway refused (an enrolment code, a certificate request) */
    HILOTILL_ETRUST = -10,      /* who answered is not the gateway that this till was enrolled at */
    HILOTILL_ELOST = -11 /* the line ended, or 30 s passed, before the answer: it may have taken effect */
};

struct hilotill; /* one till; opaque */

struct hilotill_error {
    int32_t code; /* HILOTILL_E… */
    char text[508];
};

/* ---- what the application is told -------------------------------------------------- */

enum hilotill_line {
    HILOTILL_OFFLINE = 0,    /* not trying: not enrolled, or hilotill_connect was not called */
    HILOTILL_CONNECTING = 1, /* trying */
    HILOTILL_WAITING = 2,    /* tries again at retry_in_ms; reason says why the last try failed */
    HILOTILL_ONLINE = 3,     /* hello was answered */
    HILOTILL_ENROLLING = 4,
    HILOTILL_REVOKED = 5 /* the gateway has taken this till's certificate back; enrol again */
};

/* What a status bar shows. */
struct hilotill_status {
    uint32_t line;    /* enum hilotill_line */
    uint32_t waiting; /* writes in the queue */
    uint32_t refused; /* of earlier ones, those that the gateway refused and nobody has dismissed */
    uint32_t queue_max;
    const char *store, *terminal, *role; /* of the certificate; role once hello was answered; "" before */
    const char *country;                 /* of documents that name none, as the operator has set it; "" */
    const char *host;                    /* where it connects to, "host:port" */
    const char *reason;       /* a sentence: why there is no line, or what is wrong with the disk; "" */
    int64_t retry_in_ms;      /* until the next try; 0 when it is not waiting */
    int64_t clock_behind_ms;  /* the gateway's clock less ours, at the last hello */
    int64_t certificate_ends; /* Unix time in seconds; 0: none. Renewed by itself 30 days before */
};

/* An answer to hilotill_request or hilotill_queue, exactly one for each id within a run. */
struct hilotill_answer {
    const char *id, *method;
    int32_t queued;     /* 1: it was hilotill_queue's */
    int32_t code;       /* 0: result; HILOTILL_ELOST, HILOTILL_EOFFLINE: no answer came; else the
                         * gateway's error code (PROTOCOL.md: -32002 not found, …) */
    const char *result; /* JSON; NULL unless code is 0 */
    const char *error;  /* what went wrong, in words; NULL when code is 0 */
    const char *data;   /* JSON: the error's data; NULL: none */
};

/* Something that the gateway says: customer.arriving, message.show, … */
struct hilotill_push {
    const char *id, *method;
    const char *params; /* JSON */
};

/* One of the queue. */
struct hilotill_item {
    const char *id, *method, *params;
    int64_t at_ms;     /* when it was queued, Unix time */
    int32_t code;      /* 0: waits; else the gateway's code: it was refused */
    const char *error; /* in words; NULL when it waits */
};

struct hilotill_options {
    uint32_t size;        /* sizeof(struct hilotill_options) */
    uint32_t queue_max;   /* writes that may wait; 0: 10000 */
    const char *folder;   /* made if it is not there; required */
    const char *software; /* name and version, for hello; required */
    const char *language; /* "es" or "en", of texts from here and of what the gateway writes; NULL: "en" */
    const char *host;     /* "host" or "host:port" instead of the one of the enrolment; NULL */
    /* What this till can do, for hello: method names of pushes, separated by spaces; NULL: none. */
    const char *capabilities;
    uint32_t cache_max;                        /* answers kept for when there is no line; 0: 500 */
    uint32_t cache_hours;                      /* for so long; 0: 24. They hold customers' data */
    uint32_t backoff_first_ms, backoff_max_ms; /* between tries; 0: 1000 and 60000 */

    /* Callbacks, from hilotill_run alone; each may be NULL. */
    void *arg; /* passed to each */
    /* Anything of the status has changed. */
    void (*on_change)(void *arg, const struct hilotill_status *);
    /* To a request or to one of the queue. */
    void (*on_answer)(void *arg, const struct hilotill_answer *);
    /* To be answered by hilotill_push_done, now or later, once it is shown or kept. A push that
     * was not comes again, also after a restart of either side; one that was never does. NULL: each
     * is answered as a method that is not known. */
    void (*on_push)(void *arg, const struct hilotill_push *);
    /* How hilotill_enroll ended. */
    void (*on_enrolled)(void *arg, const struct hilotill_error *);
};

/* ---- the handle ----------------------------------------------------------------------- */

/* Opens the folder. HILOTILL_OK and *out; else nothing is left behind: EARG, EDISK, EFULL (no
 * room to open it), EDAMAGED, EINUSE, ENOMEM. Connects to nothing. */
HILOTILL_API int hilotill_open(const struct hilotill_options *, struct hilotill **out,
                               struct hilotill_error *);
/* Ends the line and frees all; *t becomes NULL. What waits in the queue is there at the next
 * hilotill_open. NULL and a pointer to NULL are taken. */
HILOTILL_API void hilotill_close(struct hilotill **t);

/* The descriptor to poll for POLLIN; not to be read, written or closed. */
HILOTILL_API int hilotill_fd(const struct hilotill *);
/* Milliseconds until hilotill_run must be called though the descriptor is silent: 0 now, -1: none. */
HILOTILL_API int hilotill_timeout(const struct hilotill *);
/* Does what is due; makes the callbacks. */
HILOTILL_API void hilotill_run(struct hilotill *);
/* The strings are valid until the next call with this handle. */
HILOTILL_API void hilotill_status(const struct hilotill *, struct hilotill_status *out);

/* ---- who it is ------------------------------------------------------------------------ */

/*
 * Makes a key, sends its request for a certificate with a code of `hilo pos enroll`, and keeps
 * what comes back; the code names the gateway and its CA, which is pinned. Ends by on_enrolled: OK,
 * EREFUSED, ETRUST, EDISK, EFULL, ELOST (try again with the same code). A till that is enrolled may be so
 * again: the old identity is in use until the new one is on disk. EARG: this is no code.
 */
HILOTILL_API int hilotill_enroll(struct hilotill *, const char *code, struct hilotill_error *);
/* Begins to connect, and from then on connects again whenever the line is lost: at random within
 * 1 s, doubling to 60 s (full jitter). ENOTENROLLED. */
HILOTILL_API int hilotill_connect(struct hilotill *, struct hilotill_error *);
/* Tries now instead of at retry_in_ms: somebody waits at the counter. */
HILOTILL_API void hilotill_hurry(struct hilotill *);
/* Ends the line and connects no more until hilotill_connect. */
HILOTILL_API void hilotill_disconnect(struct hilotill *);
/* Who stands at the till: "clerk" of every request from now on that does not name one; at most
 * 64 bytes. NULL or "": nobody. EARG, ENOMEM. */
HILOTILL_API int hilotill_set_clerk(struct hilotill *, const char *clerk, struct hilotill_error *);

/* ---- requests --------------------------------------------------------------------------- */

enum { HILOTILL_ID = 37 }; /* bytes of an id with its NUL: a UUID */

/*
 * Asks now. params: a JSON object, NULL: none; "clerk" is added. The answer comes by on_answer:
 * the gateway's, EOFFLINE or ELOST (code). EOFFLINE at once when there is no line. It overtakes what
 * waits in the queue, so what changes something belongs there.
 * cache: 1: a result is kept, for hilotill_cached.
 */
HILOTILL_API int hilotill_request(struct hilotill *, const char *method, const char *params, int cache,
                                  char id_out[HILOTILL_ID], struct hilotill_error *);
/* The last result of a request like this one (method and params, but for clerk, reason and at)
 * that was asked with cache = 1: HILOTILL_OK, *json_out (valid until the next call with this
 * handle) and when it came (Unix time, ms). EARG: there is none, or it is too old. */
HILOTILL_API int hilotill_cached(struct hilotill *, const char *method, const char *params,
                                 const char **json_out, int64_t *as_of_ms_out, struct hilotill_error *);
/*
 * Puts a write into the queue: when HILOTILL_OK is returned it is on disk, and it takes effect
 * exactly once, in the order of these calls, however often line, till or gateway fail. "at" (now) and
 * "clerk" are added where params lack them. It is sent at once when there is a line and nothing waits
 * before it. The gateway's answer comes by on_answer; after a restart of the application, too. One that
 * it refuses for good is kept (hilotill_items) until it is dismissed or sent again, and those after it go on;
 * of one that had a card number in it (-32004) only that it was, without its params.
 *
 * What an earlier one makes has no id yet, if that one waits, too: a string "=ID/member" anywhere in
 * params becomes that member of the result of the one with that ID before it is sent ("case":
 * "=0f8f…/case", a note on a case that was opened without a line). The results of the last thousand are
 * kept for that.
 * EFULL, EDISK, EDAMAGED, EARG, ENOMEM: it is not queued.
 */
HILOTILL_API int hilotill_queue(struct hilotill *, const char *method, const char *params,
                                char id_out[HILOTILL_ID], struct hilotill_error *);
/* Calls each for what is in the queue, oldest first, those refused too; stops when it returns
 * non-zero. each must not queue or dismiss. */
HILOTILL_API int hilotill_items(struct hilotill *, int (*each)(void *arg, const struct hilotill_item *),
                                void *arg, struct hilotill_error *);
/* Forgets one that was refused. EARG: no such one; what waits can't be dismissed, as it may have
 * been sent already. */
HILOTILL_API int hilotill_dismiss(struct hilotill *, const char *id, struct hilotill_error *);
/* One that was refused waits again, with the same id, behind all others: its reason is gone (a
 * right that was missing). EARG: no such one. */
HILOTILL_API int hilotill_again(struct hilotill *, const char *id, struct hilotill_error *);

/* ---- pushes ------------------------------------------------------------------------------- */

/* The push was shown or kept: its id is put on disk, so that it is never given again, and it is
 * acknowledged. result: a JSON object (print wants {"status":…}); NULL: {}. EARG: no such push is open, or no
 * object; EDISK, EFULL, EDAMAGED: not acknowledged, call again. */
HILOTILL_API int hilotill_push_done(struct hilotill *, const char *id, const char *result,
                                    struct hilotill_error *);
/* The push can't be done (no printer, no such thing here): the gateway is told so, in words, and it
 * does not come again either. */
HILOTILL_API int hilotill_push_refuse(struct hilotill *, const char *id, const char *why,
                                      struct hilotill_error *);

#ifdef __cplusplus
}
#endif
#endif
