/*
 * One mail: read on a thread; if it is a customer's, a file of the channel's is made and the mail written and
 * synced on a thread; then its message is submitted, and when that is committed its server is told. Nothing
 * is told before, so what a crash cuts short comes again, and is known by its Message-ID.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "intake.h"

#include "ask.h"
#include "id.h"
#include "imap.h"
#include "inbound.h"
#include "keep.h"
#include "lmtp.h"
#include "ours.h"
#include "words.h"
#include "work.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { INTAKE_LISTEN_AGAIN_US = 5000000, INTAKE_PATH = 120 };
#define INTAKE_CURSOR "imap-cursor"

struct intake {
    struct work work;
    struct email *email;
    LIST_ENTRY(intake) at;
    /* whom to answer */
    bool by_imap;
    uint64_t transaction;
    uint32_t uid, uidvalidity, cursor;
    size_t n_rcpt;
    const char *from; /* MAIL FROM, "" for <>; NULL: not known. Borrowed till answered, as are: */
    const char *const *rcpt;
    struct hilo_str bytes;
    /* what it is */
    int32_t code;
    const char *why;
    struct mail mail;
    struct hilo_id about; /* the message of ours that it answers or reports */
    char file[KEEP_NAME_MAX];
    int fd;
    bool filed;
};

struct intakes {
    LIST_HEAD(, intake) all;
    uint8_t *buf; /* HILO_MESSAGE_MAX: of the message that is being written */
    uint32_t uidvalidity;
    bool draining;
};

/* ---- answers ------------------------------------------------------------------------------------ */

static void intake_free(struct intake *i)
{
    LIST_REMOVE(i, at);
    if (i->fd >= 0)
        (void)close(i->fd);
    mail_done(&i->mail);
    free(i);
}

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

static void imap_answer(struct intake *i, bool taken)
{
    struct email *e = i->email;
    char cursor[40];

    imap_taken(e->imap, i->uid, taken);
    if (!taken)
        return;
    (void)snprintf(cursor, sizeof cursor, "%u %u", i->uidvalidity, i->cursor);
    (void)email_ask_put(e, e->host.channel(e->self), INTAKE_CURSOR, email_str(cursor), UINT64_MAX,
                        cursor_kept, e);
}

/* The end of it. reply: LMTP's. */
static void intake_answer(struct intake *i, const char *reply)
{
    struct email *e = i->email;
    size_t n;

    /* 5xx: it never will be taken, and stays in its mailbox. */
    if (i->by_imap)
        imap_answer(i, reply[0] != '4');
    else
        for (n = 0; n < i->n_rcpt; n++)
            lmtp_answer(e->lmtp, i->transaction, n, reply);
    intake_free(i);
    if (e->imap)
        intakes_woken(e);
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

static void intake_over(struct intake *i, int32_t code)
{
    if (i->filed && code == HILO_OK)
        keep_taken(i->email, i->file);
    else if (i->filed)
        keep_drop(i->email, i->file);
    intake_answer(i, reply_of(code));
}

/* ---- what it says of a mail of ours ----------------------------------------------------------------- */

static void receipt_committed(void *arg, int32_t code)
{
    struct intake *i = arg;

    if (code == HILO_INVALID) { /* a message that is not there any more */
        email_log(i->email, HILO_LOG_INFO,
                  "email.report: about a message that the gateway does not have; dropped");
        code = HILO_OK;
    }
    intake_over(i, code);
}

static void intake_receipt(struct intake *i, uint32_t status)
{
    const struct mail_about *a = &i->mail.about;
    struct email *e = i->email;
    struct words w = {.reason = NULL};
    struct hilo_writer out;

    hilo_writer_init(&out, e->intakes->buf, HILO_MESSAGE_MAX);
    if (status == HILO_STATUS_FAILED)
        words_of(email_str(a->status), 0, email_str(a->diagnostic), e->conf->language, &w);
    inbound_receipt(i->about, status, w.reason, email_str(a->status), w.reason ? w.text : "", email_wall(e),
                    &out);
    if (out.failed || !email_ask_submit(e, hilo_written(&out), receipt_committed, i))
        intake_over(i, HILO_NOMEM);
}

static void complaint_kept(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct intake *i = arg;

    (void)body;
    if (code == HILO_OK && (status == 200 || status == 404 || status == 410)) {
        intake_over(i, HILO_OK);
        return;
    }
    email_log(
        i->email, HILO_LOG_ERROR,
        "email.complaint code=%d status=%u: the opt-out can't be recorded; the report is asked for again. "
        "Has the channel the scopes messages:read and customers:write?",
        (int)code, status);
    intake_over(i, HILO_TEMP);
}

/* Whoever calls it spam wants no more of it. */
static void complaint_known(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct intake *i = arg;
    struct email *e = i->email;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    const cJSON *customer = cJSON_GetObjectItemCaseSensitive(json, "customer");
    struct hilo_str channel = e->host.channel(e->self);
    char path[INTAKE_PATH], text[256], id[ID_TEXT_MAX];

    if (!cJSON_IsString(customer) || !id_text_good("cus", customer->valuestring)) {
        complaint_kept(i, code, status == 200 ? 500 : status, email_none());
    } else {
        id_write("msg", i->about, id);
        (void)snprintf(path, sizeof path, "/v1/customers/%s/consents/promotional", customer->valuestring);
        (void)snprintf(text, sizeof text,
                       "{\"state\":\"denied\",\"channel\":\"%.*s\",\"proof\":\"complaint (ARF) about %s\"}",
                       (int)channel.n, channel.p, id);
        if (!email_ask_api(e, "PUT", path, text, "", complaint_kept, i))
            intake_over(i, HILO_NOMEM);
    }
    cJSON_Delete(json);
}

static void intake_complaint(struct intake *i)
{
    char path[INTAKE_PATH], id[ID_TEXT_MAX];

    id_write("msg", i->about, id);
    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    if (!email_ask_api(i->email, "GET", path, "", "", complaint_known, i))
        intake_over(i, HILO_NOMEM);
}

static void intake_report(struct intake *i)
{
    char id[ID_TEXT_MAX];

    id_write("msg", i->about, id);
    switch (i->mail.about.report) {
    case MAIL_BOUNCE:
        email_log(i->email, HILO_LOG_INFO, "email.bounce message=%s status=%s", id,
                  i->mail.about.status ? i->mail.about.status : "none");
        intake_receipt(i, HILO_STATUS_FAILED);
        break;
    case MAIL_DELIVERED:
        intake_receipt(i, HILO_STATUS_DELIVERED);
        break;
    case MAIL_READ:
        intake_receipt(i, HILO_STATUS_READ);
        break;
    case MAIL_COMPLAINT:
        email_log(i->email, HILO_LOG_WARN, "email.complaint message=%s", id);
        intake_complaint(i);
        break;
    case MAIL_DELAYED:
    case MAIL_NO_REPORT:
        email_log(i->email, HILO_LOG_INFO, "email.delayed message=%s: the server is still trying", id);
        intake_over(i, HILO_OK);
        break;
    }
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

static void intake_keep(struct intake *i)
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

static void intake_decide(struct intake *i)
{
    const struct email_conf *c = i->email->conf;
    const struct mail *m = &i->mail;
    const char *from = inbound_from(m, i->from);

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
        (void)ours_answered(i->email, i->rcpt, i->n_rcpt, m, &i->about);
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
              i->by_imap ? "it stays in its mailbox" : "its server was told so");
    (void)snprintf(reply, sizeof reply, "554 5.6.0 The mail can't be read: %s", i->why ? i->why : "");
    intake_answer(i, reply);
}

static struct intake *intake_new(struct email *e, struct hilo_str bytes)
{
    struct intake *i = calloc(1, sizeof *i);

    if (!i)
        return NULL;
    i->email = e;
    i->bytes = bytes;
    i->fd = -1;
    i->work.run = intake_read;
    i->work.done = intake_was_read;
    LIST_INSERT_HEAD(&e->intakes->all, i, at);
    return i;
}

/* ---- LMTP ------------------------------------------------------------------------------------------------
 */

static int32_t on_rcpt(void *arg, const char *address, char why[256])
{
    struct email *e = arg;

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
    struct intake *i = intake_new(e, m->bytes);
    size_t n;

    if (!i) {
        for (n = 0; n < m->n_rcpt; n++)
            lmtp_answer(e->lmtp, m->transaction, n, reply_of(HILO_NOMEM));
        return;
    }
    i->transaction = m->transaction;
    i->from = m->from;
    i->rcpt = m->rcpt;
    i->n_rcpt = m->n_rcpt;
    works_put(e->works, &i->work);
}

static void listen_lmtp(struct email *e)
{
    static const struct lmtp_hooks hooks = {.rcpt = on_rcpt, .room = on_room, .take = on_take};
    const struct email_conf *c = e->conf;
    char why[256] = "", text[400];
    const struct lmtp_conf conf = {.listen = c->lmtp,
                                   .hostname = c->helo,
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

/* ---- IMAP -------------------------------------------------------------------------------------------------
 */

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
    email_copy(text, sizeof text, val);
    if (code == HILO_OK && sscanf(text, "%10u %10u", &validity, &uid) != 2)
        validity = uid = 0; /* all unseen ones come again, and none is taken twice */
    if (code != HILO_OK && code != HILO_NOTFOUND) {
        email_set_state(e, HILO_DOWN, "where the mailbox goes on can't be read; see the gateway's log");
        return;
    }
    e->intakes->uidvalidity = validity;
    e->imap = imap_new(&conf, validity, uid, wake, e, why);
    if (!e->imap)
        email_set_state(e, HILO_CONFIG, why);
}

static void imap_mail(struct email *e, const struct imap_event *ev)
{
    struct intake *i = intake_new(e, ev->bytes);

    if (!i) {
        imap_taken(e->imap, ev->uid, false);
        return;
    }
    i->by_imap = true;
    i->uid = ev->uid;
    i->uidvalidity = ev->uidvalidity;
    i->cursor = ev->cursor;
    works_put(e->works, &i->work);
}

static void imap_told(struct email *e, const struct imap_event *ev)
{
    char words[256];

    email_copy(words, sizeof words, ev->words);
    switch (ev->type) {
    case IMAP_UP:
        email_log(e, HILO_LOG_INFO, "email.imap state=up");
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

void intakes_woken(struct email *e)
{
    struct imap_event ev;

    while (e->imap && !e->intakes->draining && imap_next(e->imap, &ev))
        imap_told(e, &ev);
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
        listen_lmtp(e);
    if (e->conf->imap.n && !e->imap &&
        !email_ask_get(e, e->host.channel(e->self), INTAKE_CURSOR, cursor_known, e))
        email_set_state(e, HILO_DOWN, "no memory");
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
