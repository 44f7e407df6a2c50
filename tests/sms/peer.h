/*
 * The simulated SMSC (tools/sim/smsc/smsc.h) in the test's own process, behind a real listening socket
 * and on the test's clock.
 */
#ifndef TESTS_SMS_PEER_H
#define TESTS_SMS_PEER_H

#include "smsc.h"

struct peer {
    struct smsc smsc;
    int listener; /* -1: connections are refused */
    int port;
};

void peer_start(struct peer *);
void peer_listen(struct peer *, bool on);
/* Everything that is ready or due at this time; false: nothing was. */
bool peer_turn(struct peer *, int64_t now_us, int64_t wall_us);
int64_t peer_next(const struct peer *); /* when it has something to do; INT64_MAX: never */
/* Ends all connections, as when it is switched off. */
void peer_hang_up(struct peer *, enum end);
void peer_stop(struct peer *);

#endif
