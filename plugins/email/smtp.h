/*
 * Relays: mails leave by SMTP (libcurl), several relays with failover. libcurl waits for a relay's word on
 * the whole mail in the thread that calls it, so each connection has a thread of its own, which keeps it for
 * the next mail and takes leave (QUIT) after a while without one. What became of mails comes back to the
 * plugin's loop by a descriptor. [own] loop, all of it.
 */
#ifndef EMAIL_SMTP_H
#define EMAIL_SMTP_H

#include <hilo/plugin.h>
#include <stdbool.h>

enum { SMTP_RELAYS_MAX = 8 };
struct smtp_relay {
    struct hilo_str url; /* smtp://host:25, smtp://host:587 (STARTTLS as `tls` says), smtps://host:465 */
    struct hilo_str user, secret,
        mechanism; /* AUTH; mechanism empty: what both can; "XOAUTH2": secret is a bearer token */
    struct hilo_str client_cert, client_key, ca; /* PEM */
    uint32_t tls;                                /* SMTP_TLS_x */
    uint32_t connections;                        /* at once */
};
enum { SMTP_TLS_REQUIRED, SMTP_TLS_MAY, SMTP_TLS_NEVER };

struct smtp_mail {
    uint64_t token;
    const char *from, *to; /* envelope */
    char *bytes;           /* taken: free()d at the end */
    size_t n;
    bool utf8; /* SMTPUTF8 */
};
/* How it ended: HILO_OK; TEMP (4xx, or it went wrong before the relay had all of it), PERM (5xx), IN_DOUBT
 * (all was sent and no answer came), DOWN (no relay can be reached), CONFIG (no relay takes us: AUTH refused,
 * certificates). status: SMTP's 3 digits, 0: none; enhanced: "5.1.1" or empty; words: the relay's lines, or
 * libcurl's. Borrowed until done returns. */
struct smtp_outcome {
    int32_t code;
    uint32_t status, relay;
    struct hilo_str enhanced, words;
};
typedef void smtp_done(void *arg, uint64_t token, const struct smtp_outcome *);

struct smtp;
/* Copies what it needs, but host, which outlives it. helo: our name (EHLO); NULL, *why: what is wrong. */
struct smtp *smtp_new(const struct smtp_relay *, size_t n, const char *helo, const struct hilo_host *,
                      struct hilo_self *, smtp_done *, void *arg, char why[256]);
/* HILO_OK: done is called once, later; else HILO_NOMEM, and it is not. bytes are taken either way. A relay
 * that can't be reached, or takes nobody now, is left for the next one and tried again later; what a relay
 * says of the mail itself is final. */
int32_t smtp_send(struct smtp *, const struct smtp_mail *);
/* The largest mail that a relay takes (EHLO SIZE), as far as it is known; 0: not. */
uint64_t smtp_size_max(struct smtp *);
/* Whether it is its own; calls done. */
bool smtp_on_fd(struct smtp *, int32_t fd, uint32_t events);
/* done is called for none. Connections are left with QUIT, nothing is waited for. */
void smtp_free(struct smtp *);

#endif
