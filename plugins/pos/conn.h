/*
 * A terminal's connection: the socket, TLS, the framing, and when it ends.
 *
 *   HANDSHAKE -> FIRST -> LINE ----------> ENDING
 *        |         |-> HEAD -> WS ----------^
 *        `---------------------------------/
 *
 * What frames mean is the session's (session.h). Ending, what is to be said is still sent, and what comes
 * is read and thrown away for a moment, so that the last words are not lost to a reset. All [own] loop.
 */
#ifndef POS_CONN_H
#define POS_CONN_H

#include "addresses.h"
#include "buf.h"
#include "frame_ws.h"
#include "op.h"
#include "tls.h"
#include "wheel.h"

enum pos_conn_state {
    POS_CONN_HANDSHAKE,
    POS_CONN_FIRST,
    POS_CONN_HEAD,
    POS_CONN_LINE,
    POS_CONN_WS,
    POS_CONN_ENDING
};

struct pos_conn {
    struct pos *pos;
    int fd;
    enum pos_conn_state state;
    SSL *ssl;
    struct pos_ws *ws;      /* WS */
    struct pos_buf in, out; /* not yet taken, not yet sent: plain */
    size_t seen;            /* LINE: of in, without an end of line */
    bool enrolment;         /* without a certificate */
    bool admitted;          /* who is known */
    bool wants_write;       /* TLS waits for room in the socket */
    bool sent_all, shut;    /* ENDING: nothing more is sent; the socket was told so */
    bool asked;             /* a ping of ours is out */
    struct pos_who who;
    struct sockaddr_storage from;
    struct pos_address *address;
    int64_t began_us, heard_us; /* monotonic */
    int64_t partial_us;         /* since when there is half a frame; 0: none */
    int64_t out_us;             /* since when nothing of out was taken; 0: it is empty */
    int64_t end_us;             /* ENDING: when at the latest */
    struct pos_wheel_entry due;
    struct pos_soon work; /* at the end of the turn: flush, go on reading, or free */
    LIST_ENTRY(pos_conn) all;

    /* session.c */
    struct pos_till *till; /* after hello */
    struct pos_ops ops;    /* on their way */
    uint32_t n_ops;
    uint32_t strikes; /* invalid requests */
    uint32_t can;     /* POS_CAN_x: capabilities */
    char language[4];
};

struct pos_conns {
    LIST_HEAD(pos_conn_list, pos_conn) all;
    uint32_t n;
    struct pos_wheel wheel;
    uint64_t taken, refused; /* since the start */
};

struct pos_conns *pos_conns_new(struct pos *); /* NULL: no memory */
/* A socket that was accepted, given away. */
void pos_conns_take(struct pos *, int fd);
/* Ends each; those that are not gone by free are cut off. */
void pos_conns_end(struct pos *, const char *reason, uint16_t ws_code);
void pos_conns_free(struct pos *);

/* From conns.c: begins the handshake, false: no memory; frees it, at once; what the wheel calls. */
bool pos_conn_begin(struct pos_conn *);
void pos_conn_free(struct pos_conn *);
void pos_conn_due(void *arg, struct pos_wheel_entry *);

/* One frame; it leaves at the end of the turn. */
void pos_conn_send(struct pos_conn *, const char *text, size_t n);
/* Is more to be read of it? Call it when n_ops has become less. */
void pos_conn_go_on(struct pos_conn *);
/* Ends it. refused: the reason is logged as a refusal; else as an event of life. ws_code: of the close frame.
 */
void pos_conn_end(struct pos_conn *, const char *reason, bool refused, uint16_t ws_code);

#endif
