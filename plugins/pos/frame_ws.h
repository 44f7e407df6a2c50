/*
 * The WebSocket framing (RFC 6455), by wslay: bytes to messages and back. It has no socket: what is to
 * leave is given to a function. [own] loop.
 */
#ifndef POS_FRAME_WS_H
#define POS_FRAME_WS_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

struct pos_ws; /* opaque */

struct pos_ws_events {
    void (*message)(void *arg, struct hilo_str text); /* a whole text message, valid UTF-8 */
    bool (*send)(void *arg, const void *p, size_t n); /* takes all of it, or false: no memory */
};

/* NULL: no memory. */
struct pos_ws *pos_ws_new(const struct pos_ws_events *, void *arg);
void pos_ws_free(struct pos_ws **);

/* What came. NULL, or why it ends: "closed" (the peer's own close), "too_big", "utf8", "binary", "websocket"
 * (framing), "memory"; the close frame was given to send then. Not to be called again after that. */
const char *pos_ws_feed(struct pos_ws *, const void *p, size_t n);
/* Sends; false: no memory, or it was closed. */
bool pos_ws_text(struct pos_ws *, struct hilo_str text);
bool pos_ws_ping(struct pos_ws *);
/* The close frame; nothing is sent after it. */
void pos_ws_close(struct pos_ws *, uint16_t code);
/* In the midst of a message or frame: it is to be continued. */
bool pos_ws_partial(const struct pos_ws *);

#endif
