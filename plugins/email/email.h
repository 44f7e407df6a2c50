/*
 * Private to this plugin: one instance, and what its parts need of it. All [own] loop but what work.h runs.
 *
 *   lmtp ─┐
 *   imap ─┴─ intake ── ask ── the gateway            work (threads) ─┬─ mail_read
 *              │        │                                          └─ compose_mail
 *            keep      send ── smtp
 *
 * intake takes mails in: read, kept in a file, submitted, and only then acknowledged. keep has those files
 * until the gateway has every part of them. send writes mails and hands them to the relays. A part owns what
 * its header declares; there is no state outside of the instance.
 */
#ifndef EMAIL_H
#define EMAIL_H

#include "smtp.h"
#include "token.h"

#include <hilo/plugin.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

enum { EMAIL_MAGIC = 0x6d61696c, EMAIL_ADDRESS_MAX = 255, EMAIL_KEYS_MAX = 4 };
/* Whose id a timer of the host's is: lmtp and smtp know theirs. */
enum { EMAIL_TIMER_ASK = 1, EMAIL_TIMER_SWEEP = 2, EMAIL_TIMER_LISTEN = 3 };

enum email_language { EMAIL_ES, EMAIL_EN };
enum email_automatic { EMAIL_AUTOMATIC_KEEP, EMAIL_AUTOMATIC_DROP };

/* What YAML gives; options.c has the table. */
struct email_conf {
    /* who we are */
    struct hilo_str address, name, aliases, separator, reply_domain, subject;
    int64_t language;
    /* out */
    struct hilo_str relays, relay_user, relay_password, relay_auth, relay_ca, relay_cert, relay_key, helo;
    int64_t relay_tls, relay_connections, relay_size;
    struct hilo_str dkim_domain, dkim_selector, dkim_key, dkim_selector2, dkim_key2;
    /* in */
    struct hilo_str lmtp;
    int64_t lmtp_connections, lmtp_recipients, lmtp_idle_us, size_max;
    struct hilo_str imap, imap_user, imap_password, imap_ca, imap_move_to;
    int64_t imap_tls, imap_poll_us;
    uint64_t imap_oauth;
    int64_t automatic, workers;
};

struct email_asks; /* ask.h */
struct works;      /* work.h */
struct keep;       /* keep.h */
struct intakes;    /* intake.h */
struct sends;      /* send.h */
struct lmtp;
struct imap;

struct email {
    uint32_t magic;
    int32_t state;         /* the code last given to host.state */
    struct hilo_host host; /* a copy, as long as the host's */
    struct hilo_self *self;
    const struct email_conf *conf;
    struct email_asks *asks;
    struct works *works;
    struct keep *keep;
    struct intakes *intakes;
    struct sends *sends;
    struct smtp *smtp;
    struct lmtp *lmtp;
    struct imap *imap;
    uint8_t keys[EMAIL_KEYS_MAX][TOKEN_KEY]; /* keys.h; the newest first */
    size_t n_keys;                           /* 0: not known yet, nothing goes out or comes in */
    char loop_mark[33];                      /* of mails of ours that come back */
    bool credited;                           /* once, when it was first ready */
    bool draining;
};

/* ---- plugin.c ----------------------------------------------------------------------------------- */

/* One line, what can't be printed replaced; no personal data. */
void email_log(struct email *, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* host.state; HILO_OK only when it was not before. */
void email_set_state(struct email *, int32_t code, const char *text);
/* The keys are known: sends and mails may come. */
void email_ready(struct email *);

/* ---- strings ------------------------------------------------------------------------------------ */

static inline struct hilo_str email_str(const char *s)
{
    struct hilo_str r = {s, s ? strlen(s) : 0};
    return r;
}
static inline struct hilo_str email_none(void)
{
    struct hilo_str r = {NULL, 0};
    return r;
}
static inline bool email_str_is(struct hilo_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}
static inline int64_t email_now(const struct email *e)
{
    return e->host.mono_us(e->self);
}
static inline int64_t email_wall(const struct email *e)
{
    return e->host.wall_us(e->self);
}
/* Behind the last @; empty: there is none. */
static inline struct hilo_str email_domain(struct hilo_str address)
{
    uint64_t at = address.n;

    while (at && address.p[at - 1] != '@')
        at--;
    return at ? (struct hilo_str){address.p + at, address.n - at} : email_none();
}
/* NUL-ended, cut where it does not fit. */
static inline void email_copy(char *out, size_t n, struct hilo_str s)
{
    size_t k = s.n < n ? (size_t)s.n : n - 1;

    if (k)
        memcpy(out, s.p, k);
    out[k] = '\0';
}

#endif
