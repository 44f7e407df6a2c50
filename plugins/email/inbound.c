/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inbound.h"

#include "id.h"
#include "keep.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { INBOUND_QUOTED_MAX = 256 * 1024, INBOUND_SUBJECT_MAX = 900, INBOUND_NAME_MAX = 200 };

const char *inbound_from(const struct mail *m, const char *envelope_from)
{
    if (m->from.address && *m->from.address)
        return m->from.address;
    return envelope_from && strchr(envelope_from, '@') ? envelope_from : NULL;
}

/* At most so many bytes, whole characters. */
static struct hilo_str head(const char *s, size_t max)
{
    struct hilo_str r = email_str(s);

    if (r.n <= max)
        return r;
    for (r.n = max; r.n && ((unsigned char)r.p[r.n] & 0xc0) == 0x80; r.n--)
        ;
    return r;
}

static void put(struct hilo_writer *w, uint32_t tag, const char *s, size_t max)
{
    if (s && *s)
        hilo_put_str(w, tag, head(s, max));
}

static enum hilo_media_kind kind_of(const char *mime)
{
    if (strncmp(mime, "image/", 6) == 0)
        return HILO_MEDIA_IMAGE;
    if (strncmp(mime, "audio/", 6) == 0)
        return HILO_MEDIA_AUDIO;
    if (strncmp(mime, "video/", 6) == 0)
        return HILO_MEDIA_VIDEO;
    return HILO_MEDIA_DOCUMENT;
}

static void put_attachment(struct hilo_writer *w, const struct mail_part *p, const char *file)
{
    char which[KEEP_WHICH_MAX];

    keep_which(file, p->path, which);
    hilo_open(w, HILO_T_CONTENT_ATTACHMENTS);
    hilo_put_u64(w, HILO_T_ATTACHMENT_KIND, kind_of(p->mime));
    put(w, HILO_T_ATTACHMENT_MIME, p->mime, 127);
    put(w, HILO_T_ATTACHMENT_FILENAME, p->filename, 255);
    hilo_put_u64(w, HILO_T_ATTACHMENT_SIZE, p->size);
    hilo_put_str(w, HILO_T_ATTACHMENT_EXT_MEDIA, email_str(which));
    put(w, HILO_T_ATTACHMENT_CONTENT_ID, p->content_id, 255);
    hilo_close(w);
}

static void put_original(struct hilo_writer *w, const struct inbound_around *a)
{
    char which[KEEP_WHICH_MAX];

    keep_which(a->file, "", which);
    hilo_open(w, HILO_T_CONTENT_ORIGINAL);
    hilo_put_u64(w, HILO_T_ATTACHMENT_KIND, HILO_MEDIA_DOCUMENT);
    hilo_put_str(w, HILO_T_ATTACHMENT_MIME, email_str("message/rfc822"));
    hilo_put_str(w, HILO_T_ATTACHMENT_FILENAME, email_str("mail.eml"));
    hilo_put_u64(w, HILO_T_ATTACHMENT_SIZE, a->size);
    hilo_put_str(w, HILO_T_ATTACHMENT_EXT_MEDIA, email_str(which));
    hilo_close(w);
}

/* The signature and the history: what a person does not read again, kept beside the text. */
static int32_t put_folded(struct hilo_writer *w, const struct mail *m)
{
    const char *sign = m->signature ? m->signature : "", *quoted = m->quoted ? m->quoted : "";
    size_t n = strlen(sign) + strlen(quoted) + 2;
    char *both;

    if (!*sign && !*quoted)
        return HILO_OK;
    both = malloc(n + 1);
    if (!both)
        return HILO_NOMEM;
    (void)snprintf(both, n + 1, "%s%s%s", sign, *sign && *quoted ? "\n\n" : "", quoted);
    put(w, HILO_T_CONTENT_QUOTED, both, INBOUND_QUOTED_MAX);
    free(both);
    return HILO_OK;
}

/* An answer to an invitation is the tap on its button, as far as we know which invitation. */
static bool is_choice(const struct mail *m, const struct inbound_around *a)
{
    return !id_is_none(a->answered) &&
           (m->reply.partstat == MAIL_ACCEPTED || m->reply.partstat == MAIL_DECLINED);
}

static void put_choice(struct hilo_writer *w, const struct mail *m, int64_t language)
{
    const bool yes = m->reply.partstat == MAIL_ACCEPTED;

    hilo_put_u64(w, HILO_T_CONTENT_TYPE, HILO_CONTENT_CHOICE_REPLY);
    hilo_put_str(w, HILO_T_CONTENT_CHOICE, email_str(yes ? "confirm" : "cancel"));
    if (language == EMAIL_EN)
        hilo_put_str(w, HILO_T_CONTENT_TITLE, email_str(yes ? "Confirm" : "Cancel"));
    else
        hilo_put_str(w, HILO_T_CONTENT_TITLE, email_str(yes ? "Confirmar" : "Cancelar"));
}

static int32_t put_content(struct hilo_writer *w, const struct mail *m, const struct inbound_around *a)
{
    int32_t rc = HILO_OK;
    size_t i;

    hilo_open(w, HILO_T_MSG_CONTENT);
    if (is_choice(m, a)) {
        put_choice(w, m, a->language);
    } else {
        hilo_put_u64(w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
        hilo_put_str(w, HILO_T_CONTENT_TEXT, head(m->text ? m->text : "", MAIL_TEXT_MAX));
        put(w, HILO_T_CONTENT_SUBJECT, m->subject, INBOUND_SUBJECT_MAX);
        rc = put_folded(w, m);
        /* The others are in the original. */
        for (i = 0; i < m->n_parts && i < HILO_ATTACHMENTS_MAX; i++)
            put_attachment(w, &m->part[i], a->file);
    }
    put_original(w, a);
    hilo_close(w);
    return rc;
}

/* What the mail says besides, as JSON. */
static int32_t put_extra(struct hilo_writer *w, const struct mail *m)
{
    cJSON *extra = cJSON_CreateObject();
    char *text = NULL;
    bool ok = extra != NULL;

    if (ok && m->automatic)
        ok = cJSON_AddStringToObject(extra, "automatic", m->why_automatic ? m->why_automatic : "yes") != NULL;
    if (ok && m->from_html)
        ok = cJSON_AddTrueToObject(extra, "from_html") != NULL;
    if (ok && m->sender.address)
        ok = cJSON_AddStringToObject(extra, "reply_to_address", m->sender.address) != NULL;
    if (ok && m->reply.partstat == MAIL_TENTATIVE)
        ok = cJSON_AddStringToObject(extra, "invitation", "tentative") != NULL;
    if (ok && m->n_parts > HILO_ATTACHMENTS_MAX)
        ok = cJSON_AddNumberToObject(extra, "attachments_in_original", (double)m->n_parts) != NULL;
    if (ok && extra->child) {
        text = cJSON_PrintUnformatted(extra);
        ok = text != NULL;
        if (ok)
            hilo_put_str(w, HILO_T_MSG_EXTRA, email_str(text));
    }
    cJSON_free(text);
    cJSON_Delete(extra);
    return ok ? HILO_OK : HILO_NOMEM;
}

/* "es", "en-US"; anything else is not told on. */
static bool language_good(const char *s)
{
    size_t n = s ? strlen(s) : 0, i;

    for (i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '-')
            return false;
    return n >= 2 && n <= 35 && islower((unsigned char)s[0]) && islower((unsigned char)s[1]) &&
           (n == 2 || s[2] == '-');
}

int32_t inbound_write(const struct mail *m, const struct inbound_around *a, struct hilo_writer *w)
{
    const char *from = inbound_from(m, a->envelope_from);
    int64_t date = m->date_us;
    int32_t rc;

    if (!from)
        return HILO_INVALID;
    if (date <= 0 || date > a->now_us)
        date = a->now_us; /* a clock that is ahead puts nothing before what comes later */
    hilo_put_u64(w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(w, HILO_T_MSG_EXT_ID, head(m->message_id, 500));
    hilo_put_u64(w, HILO_T_MSG_TIME, (uint64_t)date);
    hilo_open(w, HILO_T_MSG_PARTY);
    hilo_put_u64(w, HILO_T_IDENT_SCHEME, HILO_SCHEME_EMAIL);
    hilo_put_str(w, HILO_T_IDENT_VALUE, email_str(from));
    hilo_close(w);
    put(w, HILO_T_MSG_PARTY_NAME, m->from.name, INBOUND_NAME_MAX);
    if (language_good(m->language))
        put(w, HILO_T_MSG_LANGUAGE, m->language, 35);
    if (!id_is_none(a->answered))
        hilo_put_id(w, HILO_T_MSG_REPLY_TO, a->answered);
    if (m->in_reply_to || m->n_references)
        put(w, HILO_T_MSG_REPLY_EXT, m->in_reply_to ? m->in_reply_to : m->reference[m->n_references - 1],
            500);
    rc = put_content(w, m, a);
    if (rc == HILO_OK)
        rc = put_extra(w, m);
    return rc == HILO_OK && w->failed ? HILO_NOMEM : rc;
}

void inbound_receipt(struct hilo_id message, uint32_t status, const char *reason, struct hilo_str code,
                     const char *detail, int64_t now_us, struct hilo_writer *w)
{
    hilo_put_u64(w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_u64(w, HILO_T_MSG_TIME, (uint64_t)now_us);
    hilo_open(w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(w, HILO_T_RECEIPT_STATUS, status);
    hilo_put_id(w, HILO_T_RECEIPT_ECHO, message);
    put(w, HILO_T_RECEIPT_REASON, reason, 64);
    if (code.n)
        hilo_put_str(w, HILO_T_RECEIPT_CODE, code);
    put(w, HILO_T_RECEIPT_DETAIL, detail, 300);
    hilo_close(w);
}
