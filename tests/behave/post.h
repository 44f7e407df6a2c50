/*
 * A post office of the tests: a relay that takes mails by SMTP, and a mail server that delivers by LMTP. Own
 * code, which shares nothing with the plugin.
 */
#ifndef TESTS_POST_H
#define TESTS_POST_H

#include <stdbool.h>
#include <stddef.h>

/* ---- a relay, on a thread ---- */

struct relay; /* opaque */
struct letter_in {
    char from[320], to[320];
    char *data; /* CRLF, dots unstuffed, NUL-ended */
};
/* On a free port of 127.0.0.1. RCPT TO:<nobody@…> is answered 550 5.1.1; TO:<full@…> 452 4.2.2. */
struct relay *relay_new(void);
int relay_port(const struct relay *);
/* Waits for the nth mail (from 0). It stays the relay's. */
const struct letter_in *relay_wait(struct relay *, unsigned n);
unsigned relay_count(struct relay *);
/* The next mail is taken whole, and then the connection is closed without an answer. */
void relay_drop_next(struct relay *);
void relay_free(struct relay *);
/* A header of a mail, unfolded; "" if there is none. Static, for a few calls. */
const char *letter_header(const struct letter_in *, const char *name);

/* ---- delivering ---- */

struct lmtp_client {
    int fd;
    char in[4096];
    size_t n;
};
/* path: of the unix socket. LHLO is done. */
void lmtp_open(struct lmtp_client *, const char *path);
/* The reply, all of its lines, without the last line end. "": the connection has ended. Static. */
const char *lmtp_reply(struct lmtp_client *);
void lmtp_say(struct lmtp_client *, const char *bytes, size_t n);
void lmtp_line(struct lmtp_client *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lmtp_close(struct lmtp_client *);
/* A whole delivery to one recipient over a connection of its own; the reply to DATA, or what refused before.
 * Static. from: "" for <>. */
const char *lmtp_deliver(const char *path, const char *from, const char *to, const char *mail);

#endif
