/*
 * Connections in all: which are taken, and their end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conn.h"

#include <stdlib.h>
#include <unistd.h>

/* Before TLS there is nothing to be said. */
static void conns_turn_away(struct pos *pos, int fd, const struct sockaddr_storage *from, const char *reason)
{
    char text[INET6_ADDRSTRLEN];

    pos->conns->refused++;
    pos_address_text(from, text);
    pos_log_refused(pos, reason, "address=%s", text);
    (void)close(fd);
}

void pos_conns_take(struct pos *pos, int fd)
{
    struct sockaddr_storage from;
    struct pos_address *address;
    socklen_t n = sizeof from;
    struct pos_conn *c;

    memset(&from, 0, sizeof from);
    if (getpeername(fd, (struct sockaddr *)&from, &n) != 0) {
        (void)close(fd); /* it has gone already */
        return;
    }
    if (pos->conns->n >= (uint64_t)pos->conf.connections) {
        conns_turn_away(pos, fd, &from, "connection_limit");
        return;
    }
    address = pos_address_take(pos->addresses, &from, (uint32_t)pos->conf.connections_per_address);
    if (!address) {
        conns_turn_away(pos, fd, &from, "address_limit");
        return;
    }
    c = calloc(1, sizeof *c);
    if (!c) {
        pos_address_drop(pos->addresses, address);
        conns_turn_away(pos, fd, &from, "memory");
        return;
    }
    c->pos = pos;
    c->fd = fd;
    c->from = from;
    c->address = address;
    LIST_INSERT_HEAD(&pos->conns->all, c, all);
    pos->conns->n++;
    pos->conns->taken++;
    if (!pos_conn_begin(c)) {
        pos->conns->refused++;
        pos_log_refused(pos, "memory", "connections=%u", pos->conns->n);
        pos_conn_free(c);
    }
}

/* ---- all of them ----------------------------------------------------------------------------------------
 */

struct pos_conns *pos_conns_new(struct pos *pos)
{
    struct pos_conns *all = calloc(1, sizeof *all);

    if (!all)
        return NULL;
    LIST_INIT(&all->all);
    pos_wheel_init(&all->wheel, &pos->react, pos_conn_due, pos);
    return all;
}

void pos_conns_end(struct pos *pos, const char *reason, uint16_t ws_code)
{
    struct pos_conn *c;

    LIST_FOREACH(c, &pos->conns->all, all)
    pos_conn_end(c, reason, false, ws_code);
}

void pos_conns_free(struct pos *pos)
{
    struct pos_conn *c;

    if (!pos->conns)
        return;
    while ((c = LIST_FIRST(&pos->conns->all)))
        pos_conn_free(c);
    pos_wheel_done(&pos->conns->wheel);
    free(pos->conns);
    pos->conns = NULL;
}
