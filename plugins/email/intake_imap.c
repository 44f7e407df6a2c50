/*
 * Mails of a mailbox, one after the other; where it goes on is kept in the gateway's context.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "intake_impl.h"

#include "ask.h"
#include "imap.h"

#include <stdio.h>

#define INTAKE_CURSOR "imap-cursor"

static void cursor_kept(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct email *e = arg;

    (void)val;
    (void)version;
    if (code != HILO_OK)
        email_log(
            e, HILO_LOG_WARN,
            "email.imap code=%d: where the mailbox goes on can't be kept; the next start reads some mails "
            "again, and takes none twice",
            (int)code);
}

/* 5xx: it never will be taken, and stays in its mailbox. */
static void imap_answer(struct intake *i, const char *reply)
{
    struct email *e = i->email;
    const bool taken = reply[0] != '4';
    char cursor[40];

    imap_taken(e->imap, i->uid, taken);
    if (!taken)
        return;
    (void)snprintf(cursor, sizeof cursor, "%u %u", i->uidvalidity, i->cursor);
    (void)email_ask_put(e, e->host.channel(e->self), INTAKE_CURSOR, email_str(cursor), UINT64_MAX,
                        cursor_kept, e);
}

static void wake(void *arg)
{
    struct email *e = arg;

    e->host.wake(e->self);
}

static void cursor_known(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct email *e = arg;
    const struct email_conf *c = e->conf;
    const struct imap_conf conf = {.url = c->imap,
                                   .user = c->imap_user,
                                   .secret = c->imap_password,
                                   .ca = c->imap_ca,
                                   .move_to = c->imap_move_to,
                                   .tls = (uint32_t)c->imap_tls,
                                   .oauth = c->imap_oauth != 0,
                                   .poll_us = c->imap_poll_us,
                                   .size_max = (uint64_t)c->size_max};
    unsigned validity = 0, uid = 0;
    char text[40], why[256] = "";

    (void)version;
    if (e->imap)
        return; /* asked twice, as the channel could not listen at first */
    email_copy(text, sizeof text, val);
    if (code == HILO_OK && sscanf(text, "%10u %10u", &validity, &uid) != 2)
        validity = uid = 0; /* all unseen ones come again, and none is taken twice */
    if (code != HILO_OK && code != HILO_NOTFOUND) {
        email_set_state(e, HILO_DOWN, "where the mailbox goes on can't be read; see the gateway's log");
        return;
    }
    e->imap = imap_new(&conf, validity, uid, wake, e, why);
    if (!e->imap)
        email_set_state(e, HILO_CONFIG, why);
}

static void imap_mail(struct email *e, const struct imap_event *ev)
{
    struct intake *i = intake_new(e, ev->bytes, imap_answer);

    if (!i) {
        imap_taken(e->imap, ev->uid, false);
        return;
    }
    i->uid = ev->uid;
    i->uidvalidity = ev->uidvalidity;
    i->cursor = ev->cursor;
    intake_begin(i);
}

static void imap_told(struct email *e, const struct imap_event *ev)
{
    char words[256];

    email_copy(words, sizeof words, ev->words);
    switch (ev->type) {
    case IMAP_UP:
        email_log(e, HILO_LOG_INFO, "email.imap state=up");
        if (e->state == HILO_CONFIG && (!e->conf->lmtp.n || e->lmtp))
            email_set_state(e, HILO_OK, "the mailbox takes us again");
        break;
    case IMAP_DOWN:
        email_log(e, HILO_LOG_WARN, "email.imap state=down error=\"%s\": it is tried again", words);
        break;
    case IMAP_CONFIG:
        email_set_state(e, HILO_CONFIG, words[0] ? words : "the mailbox refuses imap_user or imap_password");
        break;
    case IMAP_TOO_LARGE:
        email_log(e, HILO_LOG_WARN,
                  "email.imap uid=%u: larger than size_max; it stays in its mailbox, flagged", ev->uid);
        break;
    case IMAP_RESET:
        email_log(e, HILO_LOG_WARN,
                  "email.imap uidvalidity=%u: the mailbox was made anew; all of it that is unseen is read",
                  ev->uidvalidity);
        break;
    case IMAP_MAIL:
        imap_mail(e, ev);
        break;
    }
}

void intake_imap_woken(struct email *e)
{
    struct imap_event ev;

    while (imap_next(e->imap, &ev))
        imap_told(e, &ev);
}

void intake_imap_start(struct email *e)
{
    if (!email_ask_get(e, e->host.channel(e->self), INTAKE_CURSOR, cursor_known, e))
        email_set_state(e, HILO_DOWN, "no memory");
}
