/*
 * The listening sockets. [own] loop.
 */
#ifndef POS_LISTEN_H
#define POS_LISTEN_H

#include "pos.h"

/* What is wrong with the option listen: words that begin with its name; NULL: nothing. Pure. */
const char *pos_listen_wrong(struct hilo_str listen);
/* The port of its first address. Pure. */
int64_t pos_listen_port(struct hilo_str listen);

/* Opens them, and calls taken for each connection, whose socket is given away; where one is in use (the
 * instance before may be draining) it is tried again each second. NULL: no memory. */
struct pos_listen *pos_listen_new(struct pos *, void (*taken)(struct pos *, int fd));
/* Whether all are open. */
bool pos_listen_open(const struct pos_listen *);
/* No more connections. */
void pos_listen_free(struct pos_listen **);

#endif
