/*
 * One HTTP request: from its first line until its answer was sent or its client is
 * gone. Everything it makes lives in its arena. [core]
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/api.h"
#include "base/arena.h"
#include "base/buf.h"
#include "services/access.h"
#include <microhttpd.h>
#include <sys/queue.h>

struct route;
struct http;
struct upload;
struct stream;

enum { REQUEST_MAGIC = 0x52657131, REQUEST_ID = 33, REQUEST_PARAMS = 2, REQUEST_INNER_HEADERS = 3 };

enum request_state {
    REQUEST_HEAD = 1,  /* the first line came; the handler was not called yet */
    REQUEST_BODY,      /* the body comes in */
    REQUEST_WAITING,   /* decided; answered when the store has synced wait_seq */
    REQUEST_ELSEWHERE, /* suspended: a plugin or the helper thread works for it */
    REQUEST_BACK,      /* the same, done: goes on when the library calls again */
    REQUEST_ANSWERED
};

/* What is sent. Strings in the arena or constant. */
struct answer {
    uint32_t status;
    struct hilo_str type, body;
    struct hilo_str location, etag, allow, authenticate, disposition;
    uint32_t retry_after_s;
    bool replayed;
    const struct hilo_kv *header; /* more of them, of a plugin */
    uint64_t n_header;
    int fd; /* the body is this file, fd_bytes long, given away; -1 */
    uint64_t fd_bytes;
};

struct request {
    uint32_t magic;
    enum request_state state;
    struct api *api;
    struct http *http;           /* the daemon it came by */
    struct MHD_Connection *conn; /* NULL: from within */
    struct arena *arena;
    bool control;                /* came by the control socket */
    bool unframed;               /* where it ends is uncertain: its connection ends with it */
    bool failed;                 /* fault holds why; the handler will not run */
    const struct route *route;   /* NULL: none matched */
    const struct route *allowed; /* a route of the path with another method, for 405 */
    struct hilo_str method, uri; /* as they came; uri with its query */
    struct hilo_str path;        /* uri without query */
    struct hilo_str param[REQUEST_PARAMS];
    struct hilo_str rest; /* of a hook: what follows the channel's name, with query */
    char id[REQUEST_ID];
    struct actor actor;
    uint32_t scopes;
    int64_t started_us; /* monotonic */
    struct buf body;    /* its memory is kept for the next request unless it is large */
    uint64_t length;    /* of the body as announced; 0 if it was not */
    uint64_t body_max, body_bytes, drained;
    struct upload *upload; /* of POST /v1/media */
    struct stream *stream; /* of GET /v1/events: its answer's body */
    struct access_once once;
    uint64_t hook; /* token of a waiting hook; 0 */
    bool operator; /* of /v1/channels/{}/admin, not of /hooks */
    struct gw_channel *hook_channel;
    int64_t hook_due_us;
    TAILQ_ENTRY(request) hooks;
    struct gw_channel *inner; /* the channel that asks from within (inner.h); NULL: it has a connection */
    uint64_t inner_token;
    struct hilo_str inner_header[REQUEST_INNER_HEADERS];
    struct hilo_kv *inner_args; /* the query, decoded */
    unsigned n_inner_args;
    TAILQ_ENTRY(request) inners;
    uint64_t wait_seq;
    struct fault fault;
    struct answer answer;
    LIST_ENTRY(request) all; /* of the api: those alive, or those to be used again */
};

/* A request for a first line; never NULL. conn NULL: from within, and what inner_… in it is is
 * filled next. */
struct request *request_new(struct api *, struct MHD_Connection *, struct hilo_str uri);
void request_free(struct request *);

/* A header's value, as it came; p NULL if absent. */
struct hilo_str request_header(const struct request *, const char *name);
/* A parameter of the query, decoded; p NULL if absent. */
struct hilo_str request_query(const struct request *, const char *name);
/* Only these parameters (NULL-ended) may be there, each once; else a fault. */
int request_query_known(struct request *, const char *const *names, struct fault *);
/* limit=: from 1 to max, otherwise_ if absent. */
int request_limit(struct request *, unsigned otherwise, unsigned max, unsigned *out, struct fault *);

/* Headers that two readers may understand differently, a proxy in front and this one: 400. */
int request_head_check(struct request *, struct fault *);
/* Which body the route takes, and whether what is announced fits. */
int request_body_begin(struct request *, struct fault *);
/* Takes a piece. false: it goes far beyond what is read of a refused body: drop the
 * connection. */
bool request_body_add(struct request *, const char *p, size_t n);
/* A refused request is answered before its body came: it is too long to be read through,
 * or the client asked first (Expect). The library closes the connection then. */
bool request_answer_early(const struct request *);

/* The value's media type is type, whatever parameters follow. */
bool request_type_is(struct hilo_str content_type, const char *type);

#endif
