/*
 * Nodes and boxes (ua_box.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_box.h"

#include <stdlib.h>
#include <string.h>

void ua_box_init(struct ua_box *b)
{
    (void)pthread_mutex_init(&b->lock, NULL);
    b->first = NULL;
    b->last = &b->first;
}

bool ua_box_put(struct ua_box *b, struct ua_link *node)
{
    bool empty;

    node->next = NULL;
    (void)pthread_mutex_lock(&b->lock);
    empty = b->first == NULL;
    *b->last = node;
    b->last = &node->next;
    (void)pthread_mutex_unlock(&b->lock);
    return empty;
}

struct ua_link *ua_box_take(struct ua_box *b)
{
    struct ua_link *node;

    (void)pthread_mutex_lock(&b->lock);
    node = b->first;
    if (node && !(b->first = node->next))
        b->last = &b->first;
    (void)pthread_mutex_unlock(&b->lock);
    return node;
}

void ua_box_done(struct ua_box *b)
{
    struct ua_link *node;

    while ((node = ua_box_take(b)))
        free(node);
    (void)pthread_mutex_destroy(&b->lock);
}

void *ua_node(const void *head, size_t size, const uint16_t *at, size_t n)
{
    size_t total = size;
    struct hilo_str s;
    char *node, *text;

    for (size_t i = 0; i < n; i++) {
        memcpy(&s, (const char *)head + at[i], sizeof s);
        total += s.n + 1;
    }
    node = malloc(total);
    if (!node)
        abort();
    memcpy(node, head, size);
    text = node + size;
    for (size_t i = 0; i < n; i++) {
        memcpy(&s, (const char *)head + at[i], sizeof s);
        if (s.n)
            memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        s.p = text;
        memcpy(node + at[i], &s, sizeof s);
        text += s.n + 1;
    }
    return node;
}
