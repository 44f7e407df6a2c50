/*
 * One mail: read on a thread; if it is a customer's, a file of the channel's is made and the mail written and
 * synced on a thread; then its message is submitted, and when that is committed its server is told. Nothing
 * is told before, so what a crash cuts short comes again, and is known by its Message-ID.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "intake_impl.h"

#include "ask.h"
#include "inbound.h"
#include "ours.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- answers ------------------------------------------------------------------------------------ */

static void intake_free(struct intake *i)
{
    LIST_REMOVE(i, at);
    if (i->fd >= 0)
        (void)close(i->fd);
    mail_done(&i->mail);
    free(i);
}

/* The end of it. reply: LMTP's. */
static void intake_answer(struct intake *i, const char *reply)
{
    struct email *e = i->email;

    i->answer(i, reply);
    intake_free(i);
    intakes_woken(e); /* a mailbox gives its next one now */
}

static const char *reply_of(int32_t code)
{
    switch (code) {
    case HILO_OK:
    case HILO_DUPLICATE:
        return "250 2.0.0 Taken";
    case HILO_FULL:
        return "452 4.3.1 No room now, come again later";
    case HILO_INVALID:
        return "554 5.6.0 The mail can't be read";
    default:
        return "451 4.3.0 It can't be taken now, come again later";
    }
}

void intake_over(struct intake *i, int32_t code)
{
    if (i->filed && code == HILO_OK)
        keep_taken(i->email, i->file);
    else if (i->filed)
        keep_drop(i->email, i->file);
    intake_answer(i, reply_of(code));
}

/* ---- what a customer writes --------------------------------------------------------------------------- */

static void intake_committed(void *arg, int32_t code)
{
    intake_over(arg, code);
}

static void intake_submit(struct intake *i)
{
    struct email *e = i->email;
    const struct inbound_around around = {.file = i->file,
                                          .answered = i->about,
                                          .envelope_from = i->from,
                                          .size = i->bytes.n,
                                          .now_us = email_wall(e),
                                          .language = e->conf->language};
    struct hilo_writer w;
    int32_t rc;

    hilo_writer_init(&w, e->intakes->buf, HILO_MESSAGE_MAX);
    rc = inbound_write(&i->mail, &around, &w);
    if (rc == HILO_OK && !email_ask_submit(e, hilo_written(&w), intake_committed, i))
        rc = HILO_NOMEM;
    if (rc != HILO_OK)
        intake_over(i, rc);
}

static void intake_write(struct work *w) /* on a thread */
{
    struct intake *i = (struct intake *)w;

    i->code = keep_write(i->fd, i->bytes);
}

static void intake_written(struct work *w)
{
    struct intake *i = (struct intake *)w;

    (void)close(i->fd);
    i->fd = -1;
    if (i->code == 0) {
        intake_submit(i);
        return;
    }
    email_log(i->email, HILO_LOG_ERROR, "email.file error=%s: the mail is left with its server",
              strerror(i->code));
    intake_over(i, i->code == ENOSPC || i->code == EDQUOT ? HILO_FULL : HILO_IO);
}

static void intake_opened(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct intake *i = arg;

    (void)size;
    i->fd = fd;
    if (code != HILO_OK) {
        intake_over(i, code == HILO_FULL ? HILO_FULL : HILO_IO);
        return;
    }
    i->work.run = intake_write;
    i->work.done = intake_written;
    works_put(i->email->works, &i->work);
}

void intake_keep(struct intake *i)
{
    struct email *e = i->email;
    char name[KEEP_NAME_MAX];

    if (!keep_room(e)) {
        intake_over(i, HILO_FULL);
        return;
    }
    keep_name(e, name);
    if (keep_add(e, name) != HILO_OK) {
        intake_over(i, HILO_NOMEM);
        return;
    }
    memcpy(i->file, name, sizeof i->file);
    i->filed = true;
    if (!email_ask_file(e, i->file, HILO_FILE_CREATE, intake_opened, i))
        intake_over(i, HILO_NOMEM);
}

/* ---- which of them it is ------------------------------------------------------------------------------ */

static void intake_drop(struct intake *i, const char *why)
{
    email_log(i->email, HILO_LOG_INFO, "email.dropped reason=%s", why);
    intake_over(i, HILO_OK);
}

/* A bounce in words that nobody has a list of. Servers warn of delays in the same way. */
static void intake_guess(struct intake *i)
{
    struct mail *m = &i->mail;

    if (m->about.report != MAIL_NO_REPORT || !ours_bounced(i->email, i->rcpt, i->n_rcpt, m))
        return;
    m->about.report = strcasestr(m->subject, "delay") || strcasestr(m->subject, "warning") ||
                              strcasestr(m->subject, "retras")
                          ? MAIL_DELAYED
                          : MAIL_BOUNCE;
    if (!m->about.diagnostic)
        m->about.diagnostic = strdup(m->subject); /* NULL: no words, then */
}

static void intake_decide(struct intake *i)
{
    const struct email_conf *c = i->email->conf;
    const struct mail *m = &i->mail;
    const char *from = inbound_from(m, i->from);
    struct hilo_id event;

    intake_guess(i);
    if (m->loop) {
        intake_drop(i, "loop");
    } else if (m->about.report != MAIL_NO_REPORT) {
        /* Only what bears a token of ours is believed; backscatter is nobody's. */
        if (ours_reported(i->email, i->rcpt, i->n_rcpt, m, &i->about))
            intake_report(i);
        else
            intake_drop(i, "report-of-nothing-ours");
    } else if (!from) {
        if (m->automatic)
            intake_drop(i, "automatic-without-sender");
        else
            intake_answer(i, "554 5.6.0 The mail says nobody whom it is from");
    } else if (ours_address(c, email_str(from))) {
        intake_drop(i, "from-ourselves");
    } else if (m->automatic && c->automatic == EMAIL_AUTOMATIC_DROP) {
        intake_drop(i, m->why_automatic ? m->why_automatic : "automatic");
    } else {
        if (!ours_answered(i->email, i->rcpt, i->n_rcpt, m, &i->about) && ours_invited(i->email, m, &event))
            intake_event(i, event);
        else
            intake_keep(i);
    }
}

static void intake_read(struct work *w) /* on a thread */
{
    struct intake *i = (struct intake *)w;

    i->code = mail_read(i->bytes, i->from, i->email->loop_mark, &i->mail, &i->why);
}

static void intake_was_read(struct work *w)
{
    struct intake *i = (struct intake *)w;
    char reply[256];

    if (i->code == HILO_OK) {
        intake_decide(i);
        return;
    }
    if (i->code != HILO_INVALID) {
        intake_over(i, i->code);
        return;
    }
    email_log(i->email, HILO_LOG_WARN, "email.unreadable bytes=%llu reason=\"%s\": %s",
              (unsigned long long)i->bytes.n, i->why ? i->why : "",
              i->uid ? "it stays in its mailbox" : "its server was told so");
    (void)snprintf(reply, sizeof reply, "554 5.6.0 The mail can't be read: %s", i->why ? i->why : "");
    intake_answer(i, reply);
}

struct intake *intake_new(struct email *e, struct hilo_str bytes, intake_answer_fn *answer)
{
    struct intake *i = calloc(1, sizeof *i);

    if (!i)
        return NULL;
    i->email = e;
    i->bytes = bytes;
    i->fd = -1;
    i->work.run = intake_read;
    i->work.done = intake_was_read;
    i->answer = answer;
    LIST_INSERT_HEAD(&e->intakes->all, i, at);
    return i;
}

void intake_begin(struct intake *i)
{
    works_put(i->email->works, &i->work);
}

void intakes_woken(struct email *e)
{
    if (e->imap && !e->intakes->draining)
        intake_imap_woken(e);
}

/* ---- life
 * ---------------------------------------------------------------------------------------------------
 */

struct intakes *intakes_new(struct email *e)
{
    struct intakes *all = calloc(1, sizeof *all);

    (void)e;
    if (!all)
        return NULL;
    all->buf = malloc(HILO_MESSAGE_MAX);
    if (!all->buf) {
        free(all);
        return NULL;
    }
    LIST_INIT(&all->all);
    return all;
}

void intakes_start(struct email *e)
{
    if (e->conf->lmtp.n && !e->lmtp)
        intake_lmtp_start(e);
    if (e->conf->imap.n && !e->imap)
        intake_imap_start(e);
}

void intakes_drain(struct email *e)
{
    e->intakes->draining = true;
}

void intakes_free(struct email *e)
{
    struct intake *i;

    if (!e->intakes)
        return;
    while ((i = LIST_FIRST(&e->intakes->all)))
        intake_free(i);
    free(e->intakes->buf);
    free(e->intakes);
    e->intakes = NULL;
}
