/*
 * A shop under attack: a gateway with a channel of type pos, a good till that is served meanwhile, and the
 * CA's own key, so that any certificate can be made. On top of tests/behave/till_client.h.
 */
#ifndef TESTS_SHOP_H
#define TESTS_SHOP_H

#include "till_client.h"

#define DOCUMENT "{\"country\":\"CO\",\"type\":\"CC\",\"number\":\"1.020.304.050\"}"

/* A gateway whose channel trusts a CA of the test's, so that any certificate can be made. */
struct shop {
    struct scratch scratch;
    struct gate gate;
    int port;
    char lines[1024];
    EVP_PKEY *ca_key;
    X509 *ca_cert;
    struct till_id good;   /* CENTRO/1 */
    struct till_line line; /* its own, open all the time */
    unsigned finds;
    char customer[64], case_id[64];
};

/* more: lines of the channel, indented by 4. Waits until it listens. */
void shop_up(struct shop *, const char *more);
struct till_dial shop_dial(const struct shop *, const struct till_id *);
/* The good till finds Ana by her document, on a line that stays open if it may. */
void shop_serves(struct shop *);
/* Its line is closed. */
void shop_leave(struct shop *);
/* Waits for a line of this refusal in the gateway's log, behind the last one found. */
void shop_refused(struct shop *, const char *reason);
/* It serves still, and ends well: exit 0, no report by a sanitizer, a store that checks. */
void shop_down(struct shop *);
/* before, then unit so many times, then after; free() it. */
char *shop_repeated(const char *before, const char *unit, size_t times, const char *after, size_t *n_out);

/* For cmocka: *state is a shop with these lines. */
int shop_group(void **state, const char *more);
int shop_group_down(void **state);

#endif
