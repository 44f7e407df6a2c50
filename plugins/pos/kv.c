/*
 * One queue in the order of asking: those that the host has taken, by token, and behind them those that it
 * has not. SPDX-License-Identifier: Apache-2.0
 */
#include "kv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kv_op {
    struct kv_op *next;
    uint64_t token;
    pos_kv_fn *fn;
    void *arg;
    bool put, sent;
    size_t key_n, val_n;
    char bytes[]; /* key, value */
};

struct pos_kv {
    const struct hilo_host *host;
    struct hilo_self *self;
    uint64_t high, last; /* of tokens */
    struct kv_op *head, **tail;
    struct kv_op **unsent; /* the first that the host has not taken; where it would be */
};

struct pos_kv *pos_kv_new(const struct hilo_host *host, struct hilo_self *self, uint64_t token)
{
    struct pos_kv *kv = calloc(1, sizeof *kv);

    if (kv) {
        kv->host = host;
        kv->self = self;
        kv->high = token;
        kv->tail = kv->unsent = &kv->head;
    }
    return kv;
}

void pos_kv_free(struct pos_kv **at)
{
    struct kv_op *op, *next;

    if (!*at)
        return;
    for (op = (*at)->head; op; op = next) {
        next = op->next;
        free(op);
    }
    free(*at);
    *at = NULL;
}

static int32_t kv_send(struct pos_kv *kv, struct kv_op *op)
{
    const struct hilo_str none = {NULL, 0}, key = {op->bytes, op->key_n},
                          val = {op->bytes + op->key_n, op->val_n};

    if (op->put)
        return kv->host->context_put(kv->self, op->token, none, key, val, UINT64_MAX);
    return kv->host->context_get(kv->self, op->token, none, key);
}

void pos_kv_push(struct pos_kv *kv)
{
    while (*kv->unsent && kv_send(kv, *kv->unsent) == HILO_OK) {
        (*kv->unsent)->sent = true;
        kv->unsent = &(*kv->unsent)->next;
    }
}

bool pos_kv_waits(const struct pos_kv *kv)
{
    return *kv->unsent != NULL;
}

static int32_t kv_ask(struct pos_kv *kv, bool put, const char *key, struct hilo_str val, pos_kv_fn *fn,
                      void *arg)
{
    struct hilo_str channel = kv->host->channel(kv->self);
    size_t key_n = (size_t)channel.n + 1 + strlen(key);
    struct kv_op *op = malloc(sizeof *op + key_n + val.n);

    if (!op)
        return HILO_NOMEM;
    *op = (struct kv_op){.fn = fn, .arg = arg, .put = put, .key_n = key_n, .val_n = val.n};
    op->token = kv->high | (++kv->last & 0xffffffffffff);
    memcpy(op->bytes, channel.p, channel.n);
    op->bytes[channel.n] = '/';
    memcpy(op->bytes + channel.n + 1, key, strlen(key));
    if (val.n)
        memcpy(op->bytes + key_n, val.p, val.n);
    *kv->tail = op;
    kv->tail = &op->next;
    pos_kv_push(kv);
    return HILO_OK;
}

int32_t pos_kv_get(struct pos_kv *kv, const char *key, pos_kv_fn *fn, void *arg)
{
    return kv_ask(kv, false, key, (struct hilo_str){NULL, 0}, fn, arg);
}

int32_t pos_kv_put(struct pos_kv *kv, const char *key, struct hilo_str val, pos_kv_fn *fn, void *arg)
{
    return kv_ask(kv, true, key, val, fn, arg);
}

bool pos_kv_on_context(struct pos_kv *kv, uint64_t token, int32_t code, struct hilo_str val)
{
    struct kv_op **at, *op;

    if ((token & ~UINT64_C(0xffffffffffff)) != kv->high)
        return false;
    for (at = &kv->head; *at && (*at)->token != token; at = &(*at)->next)
        ;
    op = *at;
    if (!op || !op->sent)
        return true; /* of an instance before this one */
    *at = op->next;
    if (kv->unsent == &op->next)
        kv->unsent = at;
    if (kv->tail == &op->next)
        kv->tail = at;
    op->fn(op->arg, code, val);
    free(op);
    return true;
}
