/*
 * Mails from a mail server on this machine.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "intake_impl.h"

#include "lmtp.h"
#include "ours.h"

#include <stdio.h>

enum { INTAKE_LISTEN_AGAIN_US = 5000000 };

/* One mail is taken or not for all of its recipients: they are all this channel. */
static void lmtp_told(struct intake *i, const char *reply)
{
    size_t n;

    for (n = 0; n < i->n_rcpt; n++)
        lmtp_answer(i->email->lmtp, i->transaction, n, reply);
}

static int32_t on_rcpt(void *arg, const char *address, char why[256])
{
    struct email *e = arg;

    if (e->draining) {
        (void)snprintf(why, 256, "451 4.3.2 The channel is being stopped, come again later");
        return HILO_AGAIN;
    }
    if (ours_address(e->conf, email_str(address)))
        return 0;
    (void)snprintf(why, 256, "550 5.1.1 This channel has no such address");
    return HILO_NOTFOUND;
}

static int32_t on_room(void *arg, uint64_t bytes)
{
    (void)bytes;
    return keep_room(arg) ? HILO_OK : HILO_FULL;
}

static void on_take(void *arg, const struct lmtp_mail *m)
{
    struct email *e = arg;
    struct intake *i = intake_new(e, m->bytes, lmtp_told);
    size_t n;

    if (!i) {
        for (n = 0; n < m->n_rcpt; n++)
            lmtp_answer(e->lmtp, m->transaction, n, "451 4.3.0 There is no memory now, come again later");
        return;
    }
    i->transaction = m->transaction;
    i->from = m->from;
    i->rcpt = m->rcpt;
    i->n_rcpt = m->n_rcpt;
    intake_begin(i);
}

void intake_lmtp_start(struct email *e)
{
    static const struct lmtp_hooks hooks = {.rcpt = on_rcpt, .room = on_room, .take = on_take};
    const struct email_conf *c = e->conf;
    char why[256] = "", text[400];
    const struct lmtp_conf conf = {.listen = c->lmtp,
                                   .hostname = c->helo.n ? c->helo : email_domain(c->address),
                                   .size_max = (uint64_t)c->size_max,
                                   .connections = (uint32_t)c->lmtp_connections,
                                   .recipients_max = (uint32_t)c->lmtp_recipients,
                                   .idle_us = c->lmtp_idle_us};

    e->lmtp = lmtp_new(&conf, &e->host, e->self, &hooks, e, why);
    if (e->lmtp)
        return;
    (void)snprintf(text, sizeof text, "LMTP can't listen: %s", why);
    email_set_state(e, HILO_DOWN, text);
    if (e->host.timer(e->self, EMAIL_TIMER_LISTEN, email_now(e) + INTAKE_LISTEN_AGAIN_US) != HILO_OK)
        email_log(e, HILO_LOG_ERROR, "email.lmtp: %s; restart the channel", text);
}
