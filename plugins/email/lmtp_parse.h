/*
 * LMTP (RFC 2033) without sockets: bytes in, bytes out, hooks for what is decided. One session for each
 * connection; a mail at a time. Pure; [any] thread; fuzzed.
 *
 * Only CRLF . CRLF ends a mail: a lone LF or CR in it is a byte of it, so nobody can hide a second mail in a
 * first one. Replies come in the order of the commands, however they were pipelined.
 */
#ifndef EMAIL_LMTP_PARSE_H
#define EMAIL_LMTP_PARSE_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LMTP_COMMAND_MAX = 576, /* 512 octets (RFC 5321), and what SIZE, BODY and SMTPUTF8 add */
    LMTP_ADDRESS_MAX = 254, /* a path of 256 octets, without < > */
    LMTP_REPLY_MAX = 512,
    LMTP_OUT_MAX = 16 * 1024, /* replies that wait: beyond, no more is read */
    LMTP_REFUSED_MAX = 100    /* commands that were refused, one after the other: then it is ended */
};

struct lmtp_session_conf {
    const char *hostname; /* outlives the session */
    uint64_t size_max;
    uint32_t recipients_max;
};
struct lmtp_session_hooks {
    /* As in lmtp.h. */
    int32_t (*rcpt)(void *arg, const char *address, char why[256]);
    int32_t (*room)(void *arg, uint64_t bytes);
    /* The memory of mails grows by so much (less: it was freed); false: there is not so much, 452. */
    bool (*hold)(void *arg, int64_t bytes);
    /* The mail is whole: from, rcpt, bytes below, until each recipient is answered. */
    void (*take)(void *arg);
};

enum lmtp_state {
    LMTP_GREETED, /* no LHLO yet */
    LMTP_READY,
    LMTP_MAIL,  /* MAIL FROM was taken, perhaps recipients */
    LMTP_DATA,  /* a mail comes */
    LMTP_TAKEN, /* it is whole; answers are awaited */
    LMTP_ENDED  /* after what is in out, the connection is closed */
};

struct lmtp_session {
    const struct lmtp_session_conf *conf;
    const struct lmtp_session_hooks *hooks;
    void *arg;
    enum lmtp_state state;
    /* what goes to the client: the first out_n bytes */
    char *out;
    size_t out_n, out_cap;
    /* the transaction */
    char from[LMTP_ADDRESS_MAX + 1];
    char **rcpt, **answer; /* answer: NULL until it is there */
    size_t n_rcpt, rcpt_cap, answered;
    bool utf8;
    char *bytes;
    size_t n_bytes, bytes_cap;
    /* private */
    uint32_t refused, at;
    char line[LMTP_COMMAND_MAX];
    size_t line_n;
    bool line_long, over, full;
    uint64_t progress; /* commands and bytes of mails so far: who is slow is known by it */
};

/* hostname, hooks: outlive it. The greeting is in out, unless memory failed (LMTP_ENDED). */
void lmtp_session_init(struct lmtp_session *, const struct lmtp_session_conf *,
                       const struct lmtp_session_hooks *, void *arg);
/* How many of the bytes it took. Fewer: a mail was taken, out is too long, or it has ended; give it the
 * others after the answer, or when out is shorter. */
size_t lmtp_session_feed(struct lmtp_session *, const char *, size_t n);
/* out's first n bytes are written. */
void lmtp_session_wrote(struct lmtp_session *, size_t n);
/* For a recipient of the mail taken, once: "250 2.0.0 …". After the last one the session goes on. */
void lmtp_session_answer(struct lmtp_session *, size_t rcpt, const char *reply);
/* Ends it from our side: "421 4.4.2 …". Not while a mail is taken. */
void lmtp_session_end(struct lmtp_session *, const char *reply);
void lmtp_session_done(struct lmtp_session *);

#endif
