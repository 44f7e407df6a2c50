/*
 * The link between the core and one plugin instance: a ring of frames each way, and a
 * way to wake the other side. Each end belongs to one thread.
 *
 * Within one process the rings are on the heap and an eventfd wakes each side. Between
 * two they lie in a sealed memory file, a pair of stream sockets wakes (an eventfd would
 * be shared with its flags: a hostile peer could make our own write to it wait), and
 * descriptors go through a unix socket beside the frames. The peer is then not trusted.
 *
 * Frames are seen by the other side after link_publish; frames that must arrive
 * (frame_must) are queued beyond the ring when it is full, and order is kept: while
 * the queue is not empty, others are refused as full. Fields above FRAME_INLINE_MAX
 * travel in a sealed memory file. Descriptors in a frame are given away: within one
 * process they are just their numbers, else the sender's are closed once they are sent.
 */
#ifndef PLUG_LINK_H
#define PLUG_LINK_H

#include "base/err.h"
#include "plug/frames.h"
#include <stdbool.h>

struct link;     /* both ends and what is between; opaque */
struct link_end; /* one side's; opaque */

enum link_side { LINK_CORE = 0, LINK_PLUG = 1 };
enum {
    LINK_RING = 512 * 1024, /* bytes each way */
    LINK_BATCH = 256,       /* frames taken by one link_turn */
    LINK_AREA = 4096        /* bytes that both sides share beside the rings */
};

/* Held twice when made, once by each side; the last link_unref [any] frees it and closes
 * what descriptors are in frames that nobody took. */
int32_t link_new(struct err *, struct link **out);
void link_unref(struct link **);

/* The same between two processes: *out has the core's end only, and is held once. The other
 * process gets the descriptors of *peer_out, which are closed here once it has them. */
struct link_peer {
    int memory, bell, post;
};
int32_t link_new_shared(struct err *, struct link **out, struct link_peer *peer_out);
void link_peer_close(struct link_peer *);
/* In the other process: *out has the plugin's end only. The descriptors are taken. */
int32_t link_open_shared(const struct link_peer *, struct err *, struct link **out);
/* LINK_AREA zeroed bytes, aligned for anything; the other side may write there at any time. */
void *link_area(struct link *);

struct link_end *link_end(struct link *, enum link_side);

/* Readable when something is to be done: link_turn. */
int link_fd(const struct link_end *);

/* Adds a frame. HILO_OK: taken, with its descriptor. Otherwise nothing happened:
 * HILO_FULL (never for a frame that must; link_room says when there is room again),
 * HILO_INVALID (too large, too many headers), HILO_IO (no memory file could be made). */
int32_t link_put(struct link_end *, const struct frame *);
/* Shows what was put to the other side, and wakes it if it sleeps. */
void link_publish(struct link_end *);
/* All that was put is in the ring and shown. */
bool link_flushed(const struct link_end *);
/* Frames wait beyond the ring, for link_publish to move them once there is room. */
bool link_backlog(const struct link_end *);
/* Makes the other side's descriptor readable, whatever there is. */
void link_kick(struct link_end *);
/* So much waits beyond the ring that the other side can't be taking its frames: more than
 * what any number of fair requests leads to. */
bool link_swamped(const struct link_end *);
/* The other process has closed its end: it has ended, or makes as if. */
bool link_gone(const struct link_end *);

/* Gives at most LINK_BATCH frames to fn; they are borrowed until it returns, the
 * descriptor is its own. fn returns false to stop there. When nothing is left, the
 * descriptor of link_fd is unreadable afterwards until more comes; else it stays readable.
 * Returns how many were taken, or -1 when the other side's bytes are malformed (of the
 * plugin's end also when the core is gone). */
typedef bool link_frame_fn(void *arg, const struct frame *);
int link_turn(struct link_end *, link_frame_fn *, void *arg);

/* True once, when a frame was refused as full before and there is room again. Asked
 * after each link_turn; makes sure that the descriptor becomes readable when there is. */
bool link_room(struct link_end *);

struct link_counts {
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t wakes; /* of the other side, by us */
};
void link_counts(const struct link_end *, struct link_counts *out); /* the end's own thread */
uint64_t link_wakes(const struct link_end *);                       /* [any] */

#endif
