/*
 * libmicrohttpd within the core's loop: a daemon for the listener and one for the
 * control socket. Internal to api. [core]
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include "api/api.h"
#include "api/limit.h"
#include "api/request.h"
#include "base/hist.h"

struct http; /* opaque */
struct uploads;
struct streams;

enum { HTTP_CLASSES = 6, HOOKS_MAX = 1024, HTTP_HEADER_BYTES = 16384, REQUESTS_KEPT = 1024 };

/* Of one route, since the start. */
struct http_count {
    uint64_t by_class[HTTP_CLASSES]; /* [2]: 2xx */
    struct hist us;                  /* hist_time_us: from the first line to the end of the answer */
};

TAILQ_HEAD(hook_list, request);
TAILQ_HEAD(inner_list, request);
LIST_HEAD(request_list, request);

struct api {
    struct gateway *gw;
    struct api_options opt;
    struct http *tcp, *control;
    uint16_t port;
    struct request_list live, kept;
    unsigned n_kept;
    unsigned waiting;
    uint64_t progress; /* moves when a run of the library did something */
    bool quiesced;
    struct hook_list hooks; /* waiting for a plugin, the oldest first */
    struct loop_timer *hook_timer;
    unsigned n_hooks;
    uint64_t hook_last;       /* token */
    struct inner_list inners; /* from within: all that are not answered, the oldest first */
    struct uploads *uploads;
    struct streams *streams;
    struct http_count *count;   /* by route; one more for what matched none */
    struct limit links, strays; /* of the pages that links in messages open */
    uint64_t requests, replays;
    int64_t clocks_apart; /* wall less monotonic, when last looked at; 0: never */
    uint64_t clock_jumps;
};

/* fd: a listening socket, given away. */
int32_t http_new(struct api *, int fd, bool control, struct err *, struct http **out);
void http_free(struct http **);
void http_quiesce(struct http *);
/* Runs the library once, without waiting. */
void http_run(struct http *);
/* Whether it has something due at once. */
bool http_due_now(struct http *);
/* Arms the timer for what the library has due. */
void http_arm(struct http *);
unsigned http_connections(const struct http *);
uint64_t http_cut(const struct http *); /* connections ended for being too slow */

/* A listening TCP socket, or a unix one (mode 0660, replacing a stale one): listen.c. */
int32_t http_listen_tcp(struct hilo_str address, struct err *, int *fd_out);
int32_t http_listen_unix(struct hilo_str path, struct err *, int *fd_out);
uint16_t http_socket_port(int fd);

/* A suspended request's work elsewhere ended: the library calls its handler again. */
void http_back(struct request *);
/* A suspended connection was resumed: nothing else tells the loop. */
void http_resumed(struct http *);

/* What to do with a request (dispatch.c). */
void dispatch_head(struct request *);  /* after the headers */
void dispatch_whole(struct request *); /* after the body */
void dispatch_back(struct request *);  /* after its work elsewhere */
/* It was answered, or its client is gone: counted, logged. */
void dispatch_done(struct request *, bool aborted);
/* For the log: a method of one's own making may hold anything. */
const char *dispatch_method(struct hilo_str method);

#endif
