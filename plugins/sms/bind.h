/*
 * One bind: a connection to the SMSC and the SMPP session on it.
 *
 *   DOWN -> CONNECTING -> BINDING -> BOUND
 *     ^_________|____________|_________|
 *
 * DOWN it waits, 1 s doubling to 60 s, unless it was stopped. It keeps the link alive
 * (enquire_link), counts the window, and passes on what comes. All [own] loop.
 */
#ifndef SMS_BIND_H
#define SMS_BIND_H

#include "conn.h"
#include "window.h"

struct smpp;

enum smpp_mode { SMPP_TRANSCEIVER, SMPP_TRANSMITTER, SMPP_RECEIVER };
enum smpp_state { SMPP_DOWN, SMPP_CONNECTING, SMPP_BINDING, SMPP_BOUND };

struct smpp_bind {
    struct smpp *smpp;
    unsigned index;
    enum smpp_mode mode;
    enum smpp_state state;
    bool stopped;     /* DOWN, and stays so until smpp_bind_start */
    uint32_t session; /* counts them */
    struct sms_conn *conn;
    struct sms_window window;
    struct sms_timer timer;
    unsigned failures;        /* in a row */
    unsigned missed;          /* enquire_links without an answer */
    uint32_t asked;           /* number of the bind or enquire_link that waits for its answer; 0: none */
    int64_t heard_us, due_us; /* when anything last came; when what was asked must be answered */
    int64_t bound_us;         /* since when */
    int32_t code;             /* why it is going down, if not by the connection alone */
    char words[SMS_CONN_WORDS];
};

/* NULL: no memory. */
struct smpp_bind *smpp_bind_new(struct smpp *, unsigned index, enum smpp_mode);
void smpp_bind_free(struct smpp_bind **);
/* Connects now, if it is DOWN. */
void smpp_bind_start(struct smpp_bind *);
/* Says unbind if it is BOUND, and closes: DOWN, and it stays so. There is no answer to wait for:
 * whoever closes has nothing out any more, or no time. */
void smpp_bind_leave(struct smpp_bind *);

/* The SMSC no longer takes this bind for what it is: it is closed, and made anew as after any failure. */
void smpp_bind_renew(struct smpp_bind *, const char *words);

const char *smpp_mode_name(enum smpp_mode); /* "transceiver" */
static inline bool smpp_bind_sends(const struct smpp_bind *b)
{
    return b->state == SMPP_BOUND && b->mode != SMPP_RECEIVER;
}

/* A submit that was put into the connection with sms_conn_put. */
void smpp_bind_submitted(struct smpp_bind *, struct sms_slot *);
/* The answer to a request of the SMSC's with this command and number. Nothing if that session
 * is over. */
void smpp_bind_answer(struct smpp_bind *, uint32_t command, uint32_t status, uint32_t seq);

#endif
