/*
 * The live stream of events: who listens, and what each still has to be told.
 *
 * A stream that is behind reads the journal by a tail of its own, as far as its client takes what
 * there is; once at the end it joins the others, for whom the journal is read and written as JSON once.
 * One that falls behind by more than its buffer holds goes back to reading by itself, so a burst ends
 * nobody's stream and no client costs more than its buffer. Whoever takes nothing of what is there for
 * http.idle_timeout is disconnected. Nothing runs while nothing happens, but a sign of life. [core]
 */
#ifndef API_STREAMS_H
#define API_STREAMS_H

#include "api/api.h"
#include "services/public_event.h"
#include <microhttpd.h>

struct streams; /* opaque; of the api */
struct stream;  /* one of them */
struct http;

enum stream_from { STREAM_NOW, STREAM_OLDEST, STREAM_AFTER, STREAM_LAST };
enum { STREAM_LAST_MAX = 1000 };
struct stream_options {
    struct public_filter filter;
    struct hilo_id key; /* whose it is: ends with it; none: the control socket's */
    enum stream_from from;
    struct hilo_id after; /* STREAM_AFTER */
    unsigned last;        /* STREAM_LAST: so many of the newest, at most STREAM_LAST_MAX */
    bool follow;          /* false: it ends when it has caught up */
};

struct streams *streams_new(struct api *);
/* Ends them all, each with what it still has; no more are taken, and none is suspended. */
void streams_quiesce(struct streams *);
/* After the library has ended, and they with it. */
void streams_free(struct streams **);
/* After a commit: tells what is new. */
void streams_turn(struct streams *);
/* A key was revoked. */
void streams_key_gone(struct streams *, struct hilo_id key);

/* A place for one. -1: the fault says why not (too_many_streams, stopping). It is its request's
 * until the response is made, and lives until both have let go of it. */
int stream_new(struct streams *, const struct stream_options *, struct stream **out, struct fault *);
/* NULL: no memory. */
struct MHD_Response *stream_response(struct stream *, struct http *, struct MHD_Connection *);
/* Its request has ended; slow: because its client took nothing. */
void stream_gone(struct stream *, bool slow);

struct streams_stats {
    uint64_t open, opened, slow, resets; /* slow: ended for that; resets: could not go on where they were */
    uint64_t events, bytes;              /* given to all of them together */
};
void streams_stats(const struct streams *, struct streams_stats *out);

#endif
