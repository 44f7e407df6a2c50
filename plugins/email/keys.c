/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keys.h"

#include "ask.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>

#define KEYS_NAME "token-keys"

static void keys_failed(struct email *e, const char *why)
{
    email_set_state(e, HILO_DOWN, why);
    if (e->host.timer(e->self, EMAIL_TIMER_LISTEN, email_now(e) + 1000000) != HILO_OK)
        email_log(e, HILO_LOG_ERROR, "email.keys: %s; restart the channel", why);
}

/* What comes back with it is ours: only who has the key could have written it. */
static void keys_loop_mark(struct email *e)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0, i;

    memset(e->loop_mark, 0, sizeof e->loop_mark);
    if (!HMAC(EVP_sha256(), e->keys[e->n_keys - 1], TOKEN_KEY, (const uint8_t *)"loop", 4, mac, &n))
        return;
    for (i = 0; i < (sizeof e->loop_mark - 1) / 2; i++)
        (void)snprintf(e->loop_mark + 2 * (size_t)i, 3, "%02x", mac[i]);
}

static bool keys_take(struct email *e, struct hilo_str val)
{
    if (val.n < TOKEN_KEY || val.n % TOKEN_KEY != 0 || val.n > sizeof e->keys)
        return false;
    memcpy(e->keys, val.p, (size_t)val.n);
    e->n_keys = (size_t)val.n / TOKEN_KEY;
    keys_loop_mark(e);
    return true;
}

/* HILO_STALE: another start of this channel was first; its keys hold. */
static void keys_on_put(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct email *e = arg;

    (void)val;
    (void)version;
    if (code == HILO_OK) {
        e->n_keys = 1;
        keys_loop_mark(e);
        email_ready(e);
    } else if (code == HILO_STALE) {
        keys_start(e);
    } else {
        keys_failed(e, "the keys of reply addresses can't be kept; see the gateway's log");
    }
}

static void keys_make(struct email *e)
{
    const struct hilo_str val = {(const char *)e->keys[0], TOKEN_KEY};

    if (RAND_bytes(e->keys[0], TOKEN_KEY) != 1)
        keys_failed(e, "the system has no random bytes for the keys of reply addresses");
    else if (!email_ask_put(e, e->host.channel(e->self), KEYS_NAME, val, 0, keys_on_put, e))
        keys_failed(e, "no memory");
}

static void keys_on_get(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct email *e = arg;

    (void)version;
    if (code == HILO_OK && keys_take(e, val))
        email_ready(e);
    else if (code == HILO_OK)
        email_set_state(e, HILO_CONFIG, "the channel's kept keys of reply addresses are damaged");
    else if (code == HILO_NOTFOUND)
        keys_make(e);
    else
        keys_failed(e, "the keys of reply addresses can't be read; see the gateway's log");
}

void keys_start(struct email *e)
{
    if (!email_ask_get(e, e->host.channel(e->self), KEYS_NAME, keys_on_get, e))
        keys_failed(e, "no memory");
}
