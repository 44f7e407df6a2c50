/*
 * The HTTP request that begins a WebSocket, and its answer (RFC 6455, section 4.2). Pure. [any]
 */
#ifndef POS_UPGRADE_H
#define POS_UPGRADE_H

#include <hilo/types.h>
#include <stddef.h>

enum { POS_HEAD_MAX = 8192, POS_UPGRADE_ANSWER = 384 };

struct pos_upgrade {
    size_t used;        /* bytes of the request; what follows them is of the WebSocket */
    const char *reason; /* NULL: it is one. Else "http" or "origin", and the answer refuses */
    char answer[POS_UPGRADE_ANSWER];
};

/* origins: those of browsers that may come, "https://till.example, https://…"; empty: none may.
 * 1: *out; 0: the request is not whole. What is longer than POS_HEAD_MAX is refused. */
int pos_upgrade(struct hilo_str request, struct hilo_str origins, struct pos_upgrade *out);

#endif
