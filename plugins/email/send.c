/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "send.h"

#include "ask.h"
#include "id.h"
#include "letter.h"
#include "words.h"
#include "work.h"

#include <hilo/message.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEND_AGAIN_US = 5000000, SEND_PATH = 100, SEND_THREAD = 20, SEND_WORD_MAX = 256 };
#define SEND_DEFERRED_US (INT64_C(120) * 1000000)

/* A file that goes along. */
struct enclosed {
    struct sending *of;
    struct hilo_str group; /* of the message: an attachment */
    bool own;              /* the media of content of type media */
    char mime[128], filename[SEND_WORD_MAX];
    int fd;
};
struct sending {
    struct work work;
    struct email *email;
    LIST_ENTRY(sending) at;
    struct hilo_id id;
    uint64_t token;
    char id_text[ID_TEXT_MAX];
    struct hilo_str message; /* a copy, behind it in memory */
    unsigned asked;          /* answers that are still to come */
    bool asking;             /* send() is not through yet */
    bool revoked, gone;      /* gone: with a relay */
    struct enclosed *enclosed;
    size_t n_enclosed;
    struct letter_thread thread;
    struct letter letter;
    struct compose_file *file;
    struct compose_out out;
    int32_t code; /* what went wrong, and in words */
    const char *reason, *why;
    char bytes[];
};
struct sends {
    LIST_HEAD(, sending) all;
    uint64_t last;
};

/* ---- the end -------------------------------------------------------------------------------------- */

static void sending_free(struct sending *s)
{
    size_t i;

    LIST_REMOVE(s, at);
    for (i = 0; i < s->n_enclosed; i++)
        if (s->enclosed[i].fd >= 0)
            (void)close(s->enclosed[i].fd);
    letter_done(&s->letter);
    free(s->enclosed);
    free(s->file);
    free(s->out.bytes);
    free(s);
}

static void sending_end(struct sending *s, int32_t code, const char *reason, const char *detail,
                        int64_t retry_us)
{
    struct email *e = s->email;
    struct hilo_report r = {.size = sizeof r, .code = code, .id = s->id, .retry_after_us = retry_us};

    r.reason = email_str(reason);
    r.detail = email_str(detail);
    sending_free(s);
    e->host.report(e->self, &r);
}

/* Nothing of it has left yet, and nothing is to. */
static bool sending_stopped(struct sending *s)
{
    if (!s->revoked && !s->email->draining)
        return false;
    sending_end(s, HILO_AGAIN, s->revoked ? "revoked" : "draining",
                s->revoked ? "it was taken back before it left" : "the channel is being stopped", 0);
    return true;
}

/* ---- the relays ------------------------------------------------------------------------------------- */

static void report_smtp(struct sending *s, const struct smtp_outcome *o)
{
    struct email *e = s->email;
    struct hilo_report r = {.size = sizeof r, .code = o->code, .id = s->id};
    const bool es = e->conf->language != EMAIL_EN;
    char message_id[EMAIL_ADDRESS_MAX], code[16];
    struct words w = {.reason = NULL};

    memcpy(message_id, s->letter.message_id, sizeof message_id);
    if (o->code == HILO_OK || o->code == HILO_IN_DOUBT || o->code == HILO_PERM)
        r.ext_id = email_str(message_id);
    (void)snprintf(code, sizeof code, "%u", o->status);
    if (o->code != HILO_OK) {
        words_of(o->enhanced, o->status, o->words, e->conf->language, &w);
        r.reason = email_str(w.reason);
        r.detail = email_str(w.text);
        r.provider_code = o->enhanced.n ? o->enhanced : email_str(o->status ? code : "");
    }
    switch (o->code) {
    case HILO_TEMP:
        r.retry_after_us = o->status == 450 || o->status == 451 ? SEND_DEFERRED_US : 0;
        break;
    case HILO_IN_DOUBT:
        r.reason = email_str("in_doubt");
        r.detail = email_str(es ? "El servidor no respondió después de recibir el correo entero"
                                : "The server did not answer after it had the whole mail");
        break;
    case HILO_DOWN:
        r.reason = email_str("relay_down");
        break;
    case HILO_CONFIG:
        r.reason = email_str("relay_refuses_us");
        email_set_state(e, HILO_CONFIG, w.text);
        break;
    default:
        break;
    }
    sending_free(s);
    e->host.report(e->self, &r);
}

void sends_on_smtp(void *arg, uint64_t token, const struct smtp_outcome *o)
{
    struct email *e = arg;
    struct sending *s;

    LIST_FOREACH(s, &e->sends->all, at)
    if (s->gone && s->token == token)
        break;
    if (s)
        report_smtp(s, o);
}

static void sending_hand_over(struct sending *s)
{
    struct smtp_mail mail = {.token = s->token, .from = s->letter.mail_from};
    char to[EMAIL_ADDRESS_MAX];

    email_copy(to, sizeof to, s->letter.mail.to);
    mail.to = to;
    mail.bytes = s->out.bytes;
    mail.n = s->out.n;
    mail.utf8 = s->out.utf8;
    s->out.bytes = NULL; /* smtp's from here */
    s->gone = true;
    if (smtp_send(s->email->smtp, &mail) != HILO_OK)
        sending_end(s, HILO_TEMP, "no_memory", "there is no memory for another mail", 0);
}

/* ---- the mail ---------------------------------------------------------------------------------------- */

static void sending_compose(struct work *w) /* on a thread */
{
    struct sending *s = (struct sending *)w;

    s->code = compose_mail(&s->letter.mail, &s->out, &s->why);
}

static void sending_composed(struct work *w)
{
    struct sending *s = (struct sending *)w;

    if (sending_stopped(s))
        return;
    if (s->code == HILO_OK)
        sending_hand_over(s);
    else if (s->code == HILO_INVALID)
        sending_end(s, HILO_PERM, "cannot_be_written", s->why ? s->why : "the mail can't be written", 0);
    else
        sending_end(s, HILO_TEMP, "compose", "the mail can't be written now", 0);
}

static uint64_t size_max(const struct email *e)
{
    uint64_t told = smtp_size_max(e->smtp), set = (uint64_t)e->conf->relay_size;

    return told && told < set ? told : set;
}

static void sending_ready(struct sending *s)
{
    const char *why = NULL;
    int32_t rc;
    size_t i;

    if (sending_stopped(s))
        return;
    if (s->code != HILO_OK) {
        sending_end(s, s->code, s->reason, s->why, 0);
        return;
    }
    rc = letter_write(s->email, s->id, s->message, &s->thread, &s->letter, &why);
    if (rc != HILO_OK) {
        sending_end(s, rc == HILO_INVALID ? HILO_PERM : HILO_TEMP, "cannot_be_written",
                    why ? why : "no memory", 0);
        return;
    }
    s->file = s->n_enclosed ? calloc(s->n_enclosed, sizeof *s->file) : NULL;
    if (s->n_enclosed && !s->file) {
        sending_end(s, HILO_TEMP, "no_memory", "there is no memory for another mail", 0);
        return;
    }
    for (i = 0; i < s->n_enclosed; i++)
        s->file[i] = (struct compose_file){
            .fd = s->enclosed[i].fd,
            .filename = email_str(s->enclosed[i].filename),
            .mime = email_str(s->enclosed[i].mime),
            .content_id = s->enclosed[i].own
                              ? email_none()
                              : hilo_get_str(s->enclosed[i].group, HILO_T_ATTACHMENT_CONTENT_ID)};
    s->letter.mail.file = s->file;
    s->letter.mail.n_files = s->n_enclosed;
    s->letter.mail.size_max = size_max(s->email);
    s->work.run = sending_compose;
    s->work.done = sending_composed;
    works_put(s->email->works, &s->work);
}

static void sending_answered(struct sending *s)
{
    if (--s->asked == 0 && !s->asking)
        sending_ready(s);
}

/* ---- what it needs --------------------------------------------------------------------------------------
 */

static void on_thread(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct sending *s = arg;
    struct email *e = s->email;

    /* Without it the mail begins a thread of its own, which is better than none. */
    letter_thread_read(code == HILO_OK && status == 200 ? body : email_none(), e->host.channel(e->self),
                       s->id_text, s->message, &s->thread);
    if (code != HILO_OK || status != 200)
        email_log(e, HILO_LOG_WARN,
                  "email.thread message=%s code=%d status=%u: what went before is not known", s->id_text,
                  (int)code, status);
    sending_answered(s);
}

static void enclosed_failed(struct sending *s, int32_t code)
{
    if (s->code != HILO_OK)
        return;
    s->code = code == HILO_NOTFOUND ? HILO_PERM : HILO_TEMP;
    s->reason = "media";
    s->why = code == HILO_NOTFOUND ? "a file that goes along is not there any more"
                                   : "a file that goes along can't be read now";
}

static void on_media(void *arg, int32_t code, int32_t fd, struct hilo_str mime, struct hilo_str filename,
                     uint64_t size)
{
    struct enclosed *x = arg;
    struct sending *s = x->of;

    (void)size;
    x->fd = fd;
    if (!x->mime[0])
        email_copy(x->mime, sizeof x->mime, mime);
    if (!x->filename[0])
        email_copy(x->filename, sizeof x->filename, filename);
    if (code != HILO_OK)
        enclosed_failed(s, code);
    sending_answered(s);
}

static size_t count_files(struct hilo_str content)
{
    size_t n = hilo_get_u64(content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_MEDIA;
    struct hilo_field f;

    while (hilo_next(&content, &f) == 1)
        n += f.tag == HILO_T_CONTENT_ATTACHMENTS;
    return n;
}

static void enclosed_ask(struct sending *s, struct hilo_str group, bool own)
{
    struct enclosed *x = &s->enclosed[s->n_enclosed++];
    struct hilo_id media =
        hilo_get_id(group, own ? (uint32_t)HILO_T_CONTENT_MEDIA : (uint32_t)HILO_T_ATTACHMENT_MEDIA);

    x->of = s;
    x->fd = -1;
    x->group = group;
    x->own = own;
    email_copy(x->mime, sizeof x->mime,
               hilo_get_str(group, own ? (uint32_t)HILO_T_CONTENT_MIME : (uint32_t)HILO_T_ATTACHMENT_MIME));
    email_copy(
        x->filename, sizeof x->filename,
        hilo_get_str(group, own ? (uint32_t)HILO_T_CONTENT_FILENAME : (uint32_t)HILO_T_ATTACHMENT_FILENAME));
    if (id_is_none(media)) {
        enclosed_failed(s, HILO_NOTFOUND);
        return;
    }
    s->asked++;
    if (!email_ask_media(s->email, media, on_media, x)) {
        s->asked--;
        enclosed_failed(s, HILO_NOMEM);
    }
}

static bool ask_files(struct sending *s)
{
    struct hilo_str content = hilo_content(s->message), rest = content;
    size_t n = count_files(content);
    struct hilo_field f;

    s->enclosed = n ? calloc(n, sizeof *s->enclosed) : NULL;
    if (n && !s->enclosed)
        return false;
    if (hilo_get_u64(content, HILO_T_CONTENT_TYPE) == HILO_CONTENT_MEDIA)
        enclosed_ask(s, content, true);
    while (hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_CONTENT_ATTACHMENTS)
            enclosed_ask(s, f.val, false);
    return true;
}

static void ask_thread(struct sending *s)
{
    struct hilo_id customer = hilo_get_id(s->message, HILO_T_MSG_CUSTOMER);
    char path[SEND_PATH], id[ID_TEXT_MAX];

    letter_thread_read(email_none(), email_none(), s->id_text, s->message, &s->thread);
    if (!letter_threaded(s->message) || id_is_none(customer))
        return;
    id_write("cus", customer, id);
    (void)snprintf(path, sizeof path, "/v1/customers/%s/timeline?limit=%d", id, SEND_THREAD);
    s->asked++;
    if (!email_ask_api(s->email, "GET", path, "", "", on_thread, s))
        s->asked--;
}

int32_t sends_send(struct email *e, struct hilo_id id, struct hilo_str message)
{
    struct sending *s = calloc(1, sizeof *s + (size_t)message.n);

    if (!s)
        return HILO_TEMP;
    s->email = e;
    s->id = id;
    s->token = ++e->sends->last;
    id_write("msg", id, s->id_text);
    memcpy(s->bytes, message.p, (size_t)message.n);
    s->message = (struct hilo_str){s->bytes, message.n};
    LIST_INSERT_HEAD(&e->sends->all, s, at);
    s->asking = true;
    ask_thread(s);
    if (!ask_files(s) && s->code == HILO_OK) {
        s->code = HILO_TEMP;
        s->reason = "no_memory";
        s->why = "there is no memory for another mail";
    }
    s->asking = false;
    if (s->asked == 0)
        sending_ready(s);
    return HILO_OK;
}

void sends_revoke(struct email *e, struct hilo_id id)
{
    struct sending *s;

    LIST_FOREACH(s, &e->sends->all, at)
    if (!s->gone && memcmp(&s->id, &id, sizeof id) == 0)
        s->revoked = true; /* its next step sees it */
}

/* ---- life -------------------------------------------------------------------------------------------------
 */

struct sends *sends_new(struct email *e)
{
    struct sends *all = calloc(1, sizeof *all);

    (void)e;
    if (all)
        LIST_INIT(&all->all);
    return all;
}

void sends_free(struct email *e)
{
    struct sending *s;

    if (!e->sends)
        return;
    while ((s = LIST_FIRST(&e->sends->all)))
        sending_free(s);
    free(e->sends);
    e->sends = NULL;
}
