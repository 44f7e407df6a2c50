/*
 * Hostile clients: bytes on a socket, and what the gateway answers. Shared by the tests
 * in this folder, on top of tests/behave/harness.h. Every wait ends with an event or
 * fails at the harness's deadline.
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include "harness.h"

/* ---- bytes that grow; zeroed: none ---- */

struct bytes {
    char *p;
    size_t n, cap;
};
void bytes_add(struct bytes *, const void *, size_t);
void bytes_fmt(struct bytes *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bytes_repeat(struct bytes *, const char *unit, size_t times);
void bytes_clear(struct bytes *);
void bytes_done(struct bytes *);

/* ---- a connection ---- */

struct wire {
    int fd;
    char *in;
    size_t n, at; /* bytes that came, and those taken by replies */
};
struct reply {
    long status;        /* 0: it closed without an answer */
    unsigned continues; /* answers 100 before it */
    char *head, *body;  /* NUL-ended, valid until the wire's next reply or close */
    size_t n;
};
void wire_open(struct wire *, const struct gate *);
void wire_open_control(struct wire *, const struct gate *);
/* As much as the peer takes: it may have closed. */
void wire_put(struct wire *, const void *, size_t);
void wire_puts(struct wire *, const char *);
/* The next answer. head_only: it answers HEAD, and has no body. */
struct reply wire_reply(struct wire *, bool head_only);
/* No more will be sent. */
void wire_shut(struct wire *);
/* The peer closes, whatever it still sends. */
void wire_wait_end(struct wire *);
void wire_close(struct wire *);

/* Asserts status and, unless NULL, the code of a problem+json. what: for the message. */
void reply_is(const struct reply *, const char *what, long status, const char *code);
/* A whole request on a connection of its own; answers its status, asserts the code. */
void wire_expect(const struct gate *, const char *what, const void *request, size_t n, long status,
                 const char *code);

/* ---- the gateway under it ---- */

/* Like world_up with more lines for the sections http and store; NULL: none. */
void hostile_up(struct world *, const char *http, const char *store);
/* It answers still. */
void hostile_alive(struct world *);
/* It ends well: exit 0, no report by a sanitizer, none of these words (NULL-ended) in its
 * log, a store that checks. */
void hostile_down(struct world *, const char *const *secrets);
/* How many messages the customer with this phone has; 0: there is no such customer. */
unsigned hostile_count(struct world *, const char *phone);

/* Replaces the nth value within (0: the first member or element, 1: the next, wherever
 * they are) by this JSON. False if it has not so many. */
bool json_replace_nth(cJSON *, unsigned nth, const char *value);

#endif
