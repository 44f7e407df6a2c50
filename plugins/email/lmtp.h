/*
 * Mails come in by LMTP (RFC 2033) from the operator's own mail server: on a unix socket or a loopback port.
 * On the plugin's own loop. Each accepted recipient is answered for itself, 250 only after take() was
 * answered with HILO_OK.
 */
#ifndef EMAIL_LMTP_H
#define EMAIL_LMTP_H

#include <hilo/plugin.h>
#include <stdbool.h>

/* The timer of the host's that is its own. */
enum { LMTP_TIMER = 0x4c4d5450 };

struct lmtp_conf {
    struct hilo_str listen;   /* "unix:/run/hilo/lmtp.sock" (mode 0660), "127.0.0.1:2424", "[::1]:2424" */
    struct hilo_str hostname; /* how it calls itself; empty: "localhost" */
    uint64_t size_max;        /* SIZE; beyond: 552 */
    uint32_t connections, recipients_max;
    int64_t idle_us; /* for a command, for 4 KiB of a mail, or for a client to read a reply */
};
/* One mail for one transaction. bytes as they came (CRLF, dots unstuffed), valid until all recipients are
 * answered. */
struct lmtp_mail {
    uint64_t transaction;
    const char *from; /* MAIL FROM, "" for <> */
    const char *const *rcpt;
    size_t n_rcpt;
    struct hilo_str bytes;
};
struct lmtp_hooks {
    /* RCPT TO: 0 takes it, else the reply: "550 5.1.1 …" in why[] (at most 200 bytes). */
    int32_t (*rcpt)(void *arg, const char *address, char why[256]);
    /* Room for a mail of so many bytes (0: not told): HILO_OK, or HILO_FULL: 452 4.3.1. */
    int32_t (*room)(void *arg, uint64_t bytes);
    /* The mail is whole: lmtp_answer() for each recipient, now or later, though its client be gone. */
    void (*take)(void *arg, const struct lmtp_mail *);
};
struct lmtp;
/* Copies conf; hooks outlive it. NULL: why not. A unix socket that nobody listens on is replaced; one that
 * somebody does is not. All mails in memory have at most four times size_max (at least 64 MiB): beyond, 452.
 */
struct lmtp *lmtp_new(const struct lmtp_conf *, const struct hilo_host *, struct hilo_self *,
                      const struct lmtp_hooks *, void *arg, char why[256]);
/* reply: "250 2.0.0 …", "451 4.3.0 …", "554 5.6.0 …". */
void lmtp_answer(struct lmtp *, uint64_t transaction, size_t rcpt, const char *reply);
bool lmtp_on_fd(struct lmtp *, int32_t fd, uint32_t events);
bool lmtp_on_timer(struct lmtp *, uint32_t id);
/* Mails that are not answered are not taken: their servers bring them again. */
void lmtp_free(struct lmtp *);

/* The protocol without sockets: bytes in, bytes out; fuzzed. lmtp_parse.h has it. */

#endif
