/*
 * Private to this plugin: one instance, and what its parts need of it. All [own] loop.
 *
 *   listen -> conn (tls, frame_line | frame_ws) -> session -> op (method_*) -> ask -> the gateway
 *                                                    till, attend, push <- follow, channel
 *
 * A part owns what its header declares, and is reached through struct pos alone; there is no
 * state outside of the instance.
 */
#ifndef POS_H
#define POS_H

#include "identity.h"
#include "limits.h"
#include "react.h"
#include "slots.h"

#include <hilo/plugin.h>
#include <hilo/types.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

enum { POS_MAGIC = 0x706f7331, POS_TILL_MAX = 2 * POS_NAME_MAX + 2 };

/* What YAML gives; plugin.c has the table. */
struct pos_conf {
    struct hilo_str listen;
    int64_t tls_min; /* enum pos_tls_min */
    struct hilo_str tls_cert, tls_key, names, address;
    struct hilo_str ca_cert, ca_key;
    int64_t code_lifetime_us, certificate_lifetime_us;
    int64_t connections, connections_per_address;
    int64_t handshake_us, half_frame_us, heartbeat_us;
    int64_t attend_us;
    struct hilo_str origins, country;
    int64_t finds_per_terminal, finds_per_clerk; /* a minute */
    int64_t held_max;
    struct hilo_str printers, time_zone;
    int64_t print_patience_us;
};
enum pos_tls_min { POS_TLS_1_3, POS_TLS_1_2 };

struct pos_asks;      /* ask.h */
struct pos_tls;       /* tls.h */
struct pos_listen;    /* listen.h */
struct pos_addresses; /* addresses.h */
struct pos_tills;     /* till.h */
struct pos_attend;    /* attend.h */
struct pos_pushes;    /* push.h */
struct pos_follow;    /* follow.h */
struct pos_channel;   /* channel.h */
struct pos_printing;  /* printing.h */
struct pos_conns;     /* conn.h */
struct pos_painter;   /* painter.h */

struct pos {
    uint32_t magic;
    int32_t state;         /* the code last given to host.state */
    struct hilo_host host; /* a copy, as long as the host's */
    struct hilo_self *self;
    struct pos_conf conf;
    struct pos_react react;
    struct pos_slots asked; /* ask.h: what the gateway has not answered */
    struct pos_asks *asks;
    struct pos_slots certificates; /* method_session.c: what the identity has not answered */
    struct pos_identity_conf identity_conf;
    struct pos_identity *identity;
    struct pos_limits *limits;
    struct pos_tls *tls; /* NULL until the identity is ready */
    struct pos_listen *listen;
    struct pos_addresses *addresses;
    struct pos_conns *conns;
    struct pos_tills *tills;
    struct pos_attend *attend;
    struct pos_pushes *pushes;
    struct pos_follow *follow;
    struct pos_channel *channel;
    struct pos_printing *printing;
    struct pos_painter *painter;
    TAILQ_HEAD(pos_all_ops, pos_op) ops; /* of all terminals */
    bool attended;                       /* who is attended where has been read */
    bool draining;
};

/* plugin.c */
/* One line, what can't be printed replaced; no personal data. */
void pos_log(struct pos *, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "pos.refused reason=…" and what else there is to say: words with ids only. */
void pos_log_refused(struct pos *, const char *reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* method_session.c: hooks.answered of the identity. */
void pos_certificate_answered(void *arg, uint64_t reference, struct pos_identity_answer *);
/* host.state; HILO_OK only when it was not before. */
void pos_set_state(struct pos *, int32_t code, const char *text);

static inline struct hilo_str pos_str(const char *s)
{
    struct hilo_str r = {s, s ? strlen(s) : 0};
    return r;
}
static inline struct hilo_str pos_none(void)
{
    struct hilo_str r = {NULL, 0};
    return r;
}
static inline bool pos_str_is(struct hilo_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}
static inline int64_t pos_now(const struct pos *pos)
{
    return pos->host.mono_us(pos->self);
}
static inline int64_t pos_wall(const struct pos *pos)
{
    return pos->host.wall_us(pos->self);
}

#endif
