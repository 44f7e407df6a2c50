/*
 * A line that fails: a TCP proxy in a thread of the test, which cuts its connections at random, in the middle
 * of whatever goes through, by a reset, by an end, or by an end in one direction alone.
 */
#ifndef TESTS_POS_PROXY_H
#define TESTS_POS_PROXY_H

struct proxy; /* opaque */

/* Towards this port of 127.0.0.1; n listeners, whose ports are given. seed: of its dice. */
struct proxy *proxy_start(int to_port, unsigned seed, unsigned n, int *ports_out);
/* Cuts so many connections in all, of a listener at most so many (0: no end of its own). */
void proxy_cut(struct proxy *, unsigned in_all, const unsigned *of_listener);
unsigned proxy_cuts(const struct proxy *); /* so far */
void proxy_stop(struct proxy **);

#endif
