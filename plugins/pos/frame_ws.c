/*
 * wslay reads from what pos_ws_feed was given and writes to the send function; both always take all,
 * so it never waits. It answers pings and closes by itself, checks masks, lengths, reserved bits, the
 * order of fragments and UTF-8, and holds one message of at most a frame's size.
 *
 * Its context has two buffers of 4 KiB in it, and between two messages nothing that is worth them: it is made
 * for what comes or leaves, and freed when all of that is whole. It does not tell whether it has begun to
 * read a header, so that is reckoned here: what was fed, less the frames that it has told of.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "frame_ws.h"

#include "rpc.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

struct pos_ws {
    wslay_event_context_ptr ctx; /* NULL: between messages */
    struct pos_ws_events on;
    void *arg;
    const uint8_t *in;
    size_t in_n;
    const char *ends;
    uint64_t begun; /* modulo 2^64: bytes that came, less the frames begun; 0 only where a frame may begin */
    bool fragments; /* of a message; more follow */
    bool feeding;   /* a message is being taken: the context is in use */
    bool closed;    /* we have said that it ends */
};

static ssize_t ws_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *arg)
{
    struct pos_ws *ws = arg;
    size_t n = len < ws->in_n ? len : ws->in_n;

    (void)flags;
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, ws->in, n);
    ws->in += n;
    ws->in_n -= n;
    return (ssize_t)n;
}

static ssize_t ws_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *arg)
{
    struct pos_ws *ws = arg;

    (void)flags;
    if (ws->on.send(ws->arg, data, len))
        return (ssize_t)len;
    ws->ends = "memory";
    wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void ws_frame(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_start_arg *a,
                     void *arg)
{
    struct pos_ws *ws = arg;
    uint64_t head = 2 + 4; /* with the mask: without one it is not told of */

    (void)ctx;
    if (a->payload_length > 65535)
        head += 8;
    else if (a->payload_length > 125)
        head += 2;
    ws->begun -= head + a->payload_length;
    if (!wslay_is_ctrl_frame(a->opcode))
        ws->fragments = !a->fin;
}

static void ws_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *a, void *arg)
{
    struct pos_ws *ws = arg;
    struct hilo_str text = {(const char *)a->msg, a->msg_length};

    if (ws->ends)
        return;
    if (a->opcode == WSLAY_CONNECTION_CLOSE) {
        ws->ends = "closed";
    } else if (a->opcode == WSLAY_BINARY_FRAME) {
        ws->ends = "binary";
        (void)wslay_event_queue_close(ctx, WSLAY_CODE_UNSUPPORTED_DATA, NULL, 0);
        wslay_event_shutdown_read(ctx);
    } else if (a->opcode == WSLAY_TEXT_FRAME) {
        ws->on.message(ws->arg, text);
    }
}

struct pos_ws *pos_ws_new(const struct pos_ws_events *on, void *arg)
{
    struct pos_ws *ws = calloc(1, sizeof *ws);

    if (!ws)
        return NULL;
    ws->on = *on;
    ws->arg = arg;
    return ws;
}

void pos_ws_free(struct pos_ws **at)
{
    if (*at) {
        wslay_event_context_free((*at)->ctx);
        free(*at);
        *at = NULL;
    }
}

/* ---- the context ------------------------------------------------------------------------------------ */

static bool ws_wake(struct pos_ws *ws)
{
    static const struct wslay_event_callbacks calls = {.recv_callback = ws_recv,
                                                       .send_callback = ws_send,
                                                       .on_frame_recv_start_callback = ws_frame,
                                                       .on_msg_recv_callback = ws_message};

    if (ws->ctx || ws->closed)
        return ws->ctx != NULL;
    if (wslay_event_context_server_init(&ws->ctx, &calls, ws) != 0) {
        ws->ctx = NULL;
        return false;
    }
    wslay_event_config_set_max_recv_msg_length(ws->ctx, POS_FRAME_MAX);
    return true;
}

/* Nothing of it is needed any more: not when it ends, since it knows that nothing may follow. */
static void ws_rest(struct pos_ws *ws)
{
    if (ws->feeding || ws->ends || ws->closed || pos_ws_partial(ws) ||
        wslay_event_get_queued_msg_count(ws->ctx))
        return;
    wslay_event_context_free(ws->ctx);
    ws->ctx = NULL;
}

/* What is queued leaves. */
static bool ws_flush(struct pos_ws *ws)
{
    return wslay_event_send(ws->ctx) == 0;
}

/* The close that wslay queued says what it did not like. */
static const char *ws_reason(struct pos_ws *ws)
{
    switch (wslay_event_get_status_code_sent(ws->ctx)) {
    case WSLAY_CODE_MESSAGE_TOO_BIG:
        return "too_big";
    case WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA:
        return "utf8";
    default:
        return "websocket";
    }
}

const char *pos_ws_feed(struct pos_ws *ws, const void *p, size_t n)
{
    int rc;

    if (!ws_wake(ws))
        return ws->ends = "memory";
    ws->in = p;
    ws->in_n = n;
    ws->begun += n;
    ws->feeding = true;
    rc = wslay_event_recv(ws->ctx);
    ws->feeding = false;
    ws->in = NULL;
    ws->in_n = 0;
    if (rc == WSLAY_ERR_NOMEM)
        ws->ends = "memory";
    if (!ws_flush(ws) && !ws->ends)
        ws->ends = "memory";
    if (!ws->ends && (rc != 0 || !wslay_event_get_read_enabled(ws->ctx)))
        ws->ends = ws_reason(ws);
    ws_rest(ws);
    return ws->ends;
}

static bool ws_queue(struct pos_ws *ws, uint8_t opcode, struct hilo_str body)
{
    const struct wslay_event_msg msg = {opcode, (const uint8_t *)body.p, body.n};
    bool sent = ws_wake(ws) && wslay_event_queue_msg(ws->ctx, &msg) == 0 && ws_flush(ws);

    if (ws->ctx)
        ws_rest(ws);
    return sent;
}

bool pos_ws_text(struct pos_ws *ws, struct hilo_str text)
{
    return ws_queue(ws, WSLAY_TEXT_FRAME, text);
}

bool pos_ws_ping(struct pos_ws *ws)
{
    struct hilo_str none = {NULL, 0};

    return ws_queue(ws, WSLAY_PING, none);
}

void pos_ws_close(struct pos_ws *ws, uint16_t code)
{
    if (ws_wake(ws) && wslay_event_queue_close(ws->ctx, code, NULL, 0) == 0)
        (void)ws_flush(ws);
    ws->closed = true;
}

bool pos_ws_partial(const struct pos_ws *ws)
{
    return ws->begun != 0 || ws->fragments;
}
