/*
 * Relays: mails leave by SMTP (libcurl's multi interface, connections kept and reused), several relays with
 * failover. On the plugin's own loop; sockets and timers by the host's watch and timer.
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
/* How it ended: HILO_OK; TEMP (4xx, grey-listed), PERM (5xx), IN_DOUBT (all was sent and no answer came),
 * DOWN (no relay can be reached), CONFIG (AUTH refused, certificate). status: SMTP's 3 digits, 0: none;
 * enhanced: "5.1.1" or empty; words: the relay's line. Borrowed. */
struct smtp_outcome {
    int32_t code;
    uint32_t status, relay;
    struct hilo_str enhanced, words;
};
typedef void smtp_done(void *arg, uint64_t token, const struct smtp_outcome *);

struct smtp;
struct smtp *smtp_new(const struct smtp_relay *, size_t n, const char *helo, const struct hilo_host *,
                      struct hilo_self *, smtp_done *, void *arg, char why[256]);
int32_t smtp_send(struct smtp *, const struct smtp_mail *); /* HILO_OK, then done once; HILO_NOMEM */
/* The largest mail that the relays take (EHLO SIZE), as far as it is known; 0: not. */
uint64_t smtp_size_max(const struct smtp *);
bool smtp_on_fd(struct smtp *, int32_t fd, uint32_t events);
bool smtp_on_timer(struct smtp *, uint32_t id);
void smtp_free(struct smtp *); /* done is called for none */

#endif
