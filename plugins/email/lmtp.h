/*
 * Mails come in by LMTP (RFC 2033) from the operator's own mail server: on a unix socket or a loopback port.
 * On the plugin's own loop. Each accepted recipient is answered for itself, 250 only after take() was
 * answered with HILO_OK.
 */
#ifndef EMAIL_LMTP_H
#define EMAIL_LMTP_H

#include <hilo/plugin.h>
#include <stdbool.h>

struct lmtp_conf {
    struct hilo_str listen; /* "unix:/run/hilo/lmtp.sock" (mode 0660), "127.0.0.1:2424" */
    struct hilo_str hostname;
    uint64_t size_max; /* SIZE; beyond: 552 */
    uint32_t connections, recipients_max;
    int64_t idle_us;
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
    /* The mail is whole: lmtp_answer() for each recipient, now or later. */
    void (*take)(void *arg, const struct lmtp_mail *);
};
struct lmtp;
struct lmtp *lmtp_new(const struct lmtp_conf *, const struct hilo_host *, struct hilo_self *,
                      const struct lmtp_hooks *, void *arg, char why[256]);
/* reply: "250 2.0.0 …", "451 4.3.0 …", "554 5.6.0 …". */
void lmtp_answer(struct lmtp *, uint64_t transaction, size_t rcpt, const char *reply);
bool lmtp_on_fd(struct lmtp *, int32_t fd, uint32_t events);
bool lmtp_on_timer(struct lmtp *, uint32_t id);
void lmtp_free(struct lmtp *);

/* The protocol without sockets: bytes in, bytes out; fuzzed. lmtp_parse.h has it. */

#endif
