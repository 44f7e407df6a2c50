/*
 * What crosses between the plugin's loop and the signalling thread: nodes, each one block with its texts
 * behind it, in a queue under a lock that nobody holds over more than the queue.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_BOX_H
#define VOICE_UA_BOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <hilo/types.h>

/* A node begins with its link. */
struct ua_link {
    struct ua_link *next;
};
struct ua_box {
    pthread_mutex_t lock;
    struct ua_link *first, **last;
};

void ua_box_init(struct ua_box *);
/* Takes the node over. True: the box was empty, so who empties it must be told. [any] */
bool ua_box_put(struct ua_box *, struct ua_link *);
/* The oldest, the caller's to free(); NULL: none. [any] */
struct ua_link *ua_box_take(struct ua_box *);
/* Frees what is left. */
void ua_box_done(struct ua_box *);

/* A copy of the struct at head, of size octets, with what the hilo_str at each of the n offsets at[] point to
 * copied behind it, each ended by a NUL (so that it serves as a C string); never NULL (no memory: abort, the
 * sizes are limited by who calls). free() frees it. */
void *ua_node(const void *head, size_t size, const uint16_t *at, size_t n);

#endif
