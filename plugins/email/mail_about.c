/*
 * What mail servers say of our mails: delivery status notifications (RFC 3464), read receipts (RFC 8098),
 * complaints (RFC 5965), and bounces that follow no form. SPDX-License-Identifier: Apache-2.0
 */
#include "mail_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ABOUT_TEXT_MAX = 64 * 1024 };

/* ---- fields, "Name: value" with folded lines, in blocks -------------------------------------------------
 */

/* The next field; false: the block's end (blank line) or the end. value is unfolded, g_free() it. */
static bool field_next(const char **at, char name[64], char **value)
{
    const char *p = *at, *colon, *end;
    GString *v;
    size_t n;

    *value = NULL;
    while (*p == '\r')
        p++;
    if (!*p || *p == '\n')
        return false;
    end = strchr(p, '\n');
    end = end ? end : p + strlen(p);
    colon = memchr(p, ':', (size_t)(end - p));
    n = colon ? (size_t)(colon - p) : 0;
    if (n >= 64)
        n = 63;
    memcpy(name, p, n);
    name[n] = '\0';
    v = g_string_new_len(colon ? colon + 1 : p, colon ? end - colon - 1 : end - p);
    while (*end && (end[1] == ' ' || end[1] == '\t')) {
        const char *next = strchr(end + 1, '\n');

        next = next ? next : end + strlen(end);
        while (v->len && (v->str[v->len - 1] == '\r' || v->str[v->len - 1] == ' '))
            g_string_truncate(v, v->len - 1);
        if (v->len < 2000)
            g_string_append_len(v, end + 1, next - end - 1);
        end = next;
    }
    *at = *end ? end + 1 : end;
    *value = g_strstrip(g_string_free(v, FALSE));
    return true;
}

/* "rfc822; ana@example.com" and the like: what is behind the type. */
static char *untyped(const char *value)
{
    const char *at = strchr(value, ';');
    char *s = mail_clean(at ? at + 1 : value, false), *bare;

    bare = s ? strdup(g_strstrip(s)) : NULL;
    free(s);
    if (bare && *bare == '<' && strlen(bare) > 2) {
        memmove(bare, bare + 1, strlen(bare));
        bare[strcspn(bare, ">")] = '\0';
    }
    return bare;
}

/* The first code x.y.z of class 2, 4 or 5 in it (RFC 3463). */
static bool status_in(const char *s, char out[12])
{
    const char *p;

    for (p = s; *p; p++) {
        size_t n;

        if ((*p != '2' && *p != '4' && *p != '5') || p[1] != '.' ||
            (p > s && (isalnum((unsigned char)p[-1]) || p[-1] == '.')))
            continue;
        n = strspn(p, "0123456789.");
        if (n >= 5 && n <= 11 && isdigit((unsigned char)p[2]) && memchr(p + 2, '.', n - 2) &&
            p[n - 1] != '.') {
            memcpy(out, p, n);
            out[n] = '\0';
            return true;
        }
    }
    return false;
}

static bool keep(char **to, char *made)
{
    if (!made)
        return false;
    if (*to)
        free(made); /* the first counts */
    else
        *to = made;
    return true;
}

/* ---- parts of a report ------------------------------------------------------------------------------------
 */

static bool delivery_fields(const char *text, struct mail_about *a)
{
    char name[64], *value, code[12];
    const char *at = text;
    bool ok = true;

    while (*at && ok) {
        if (!field_next(&at, name, &value)) {
            at += strspn(at, "\r\n");
            continue;
        }
        if (g_ascii_strcasecmp(name, "Final-Recipient") == 0)
            ok = keep(&a->recipient, untyped(value));
        else if (g_ascii_strcasecmp(name, "Status") == 0)
            ok = !status_in(value, code) || keep(&a->status, strdup(code));
        else if (g_ascii_strcasecmp(name, "Diagnostic-Code") == 0)
            ok = keep(&a->diagnostic, mail_clean(value, false));
        else if (g_ascii_strcasecmp(name, "Action") == 0 && a->report == MAIL_NO_REPORT)
            a->report = g_ascii_strncasecmp(value, "failed", 6) == 0    ? MAIL_BOUNCE
                        : g_ascii_strncasecmp(value, "delayed", 7) == 0 ? MAIL_DELAYED
                        : g_ascii_strncasecmp(value, "delivered", 9) == 0
                            ? MAIL_DELIVERED
                            : MAIL_NO_REPORT; /* relayed, expanded */
        g_free(value);
    }
    a->hard = a->report == MAIL_BOUNCE && (!a->status || a->status[0] == '5');
    return ok;
}

static bool disposition_fields(const char *text, struct mail_about *a)
{
    char name[64], *value;
    const char *at = text;
    bool ok = true;

    while (*at && ok) {
        if (!field_next(&at, name, &value)) {
            at += strspn(at, "\r\n");
            continue;
        }
        if (g_ascii_strcasecmp(name, "Disposition") == 0 && strstr(value, "displayed"))
            a->report = MAIL_READ;
        else if (g_ascii_strcasecmp(name, "Original-Message-ID") == 0)
            ok = keep(&a->message_id, untyped(value));
        else if (g_ascii_strcasecmp(name, "Final-Recipient") == 0)
            ok = keep(&a->recipient, untyped(value));
        g_free(value);
    }
    return ok;
}

static bool feedback_fields(const char *text, struct mail_about *a)
{
    char name[64], *value;
    const char *at = text;
    bool ok = true;

    while (*at && ok) {
        if (!field_next(&at, name, &value)) {
            at += strspn(at, "\r\n");
            continue;
        }
        if (g_ascii_strcasecmp(name, "Feedback-Type") == 0 && g_ascii_strcasecmp(value, "not-spam") != 0)
            a->report = MAIL_COMPLAINT;
        else if (g_ascii_strcasecmp(name, "Original-Rcpt-To") == 0 ||
                 g_ascii_strcasecmp(name, "Removal-Recipient") == 0)
            ok = keep(&a->recipient, untyped(value));
        g_free(value);
    }
    return ok;
}

/* The Message-ID among the headers of what came back. */
static bool original_headers(const char *text, struct mail_about *a)
{
    char name[64], *value;
    const char *at = text + strspn(text, "\r\n");
    bool ok = true;

    while (ok && field_next(&at, name, &value)) {
        if (g_ascii_strcasecmp(name, "Message-ID") == 0)
            ok = keep(&a->message_id, untyped(value));
        g_free(value);
    }
    return ok;
}

static bool report_part(GMimeObject *part, struct mail_about *a)
{
    GMimeContentType *type = g_mime_object_get_content_type(part);
    bool ok = true;
    char *text;

    if (GMIME_IS_MESSAGE_PART(part)) {
        GMimeMessage *in = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
        const char *id = in ? g_mime_message_get_message_id(in) : NULL;

        return !id || keep(&a->message_id, mail_clean(id, false));
    }
    if (!GMIME_IS_PART(part))
        return true;
    text = mail_part_text(GMIME_PART(part));
    if (!text)
        return false;
    if (strlen(text) > ABOUT_TEXT_MAX)
        text[ABOUT_TEXT_MAX] = '\0';
    if (g_mime_content_type_is_type(type, "message", "delivery-status") ||
        g_mime_content_type_is_type(type, "message", "global-delivery-status"))
        ok = delivery_fields(text, a);
    else if (g_mime_content_type_is_type(type, "message", "disposition-notification") ||
             g_mime_content_type_is_type(type, "message", "global-disposition-notification"))
        ok = disposition_fields(text, a);
    else if (g_mime_content_type_is_type(type, "message", "feedback-report"))
        ok = feedback_fields(text, a);
    else if (g_mime_content_type_is_type(type, "text", "rfc822-headers") ||
             g_mime_content_type_is_type(type, "message", "global-headers"))
        ok = original_headers(text, a);
    g_free(text);
    return ok;
}

int32_t mail_about_report(GMimeMultipart *report, const char *type, struct mail_about *a)
{
    int i, n = g_mime_multipart_get_count(report);

    (void)type; /* its parts say it, whatever the parameter */
    for (i = 0; i < n && i < 20; i++)
        if (!report_part(g_mime_multipart_get_part(report, i), a))
            return HILO_NOMEM;
    return HILO_OK;
}

/* ---- bounces without form
 * ----------------------------------------------------------------------------------- */

int32_t mail_about_words(const char *text, struct mail_about *a)
{
    static const char *const words[] = {"could not be delivered",
                                        "couldn't be delivered",
                                        "undeliverable",
                                        "delivery failed",
                                        "delivery to the following",
                                        "does not exist",
                                        "user unknown",
                                        "no such user",
                                        "mailbox full",
                                        "over quota",
                                        "no se pudo entregar",
                                        "no se ha podido entregar",
                                        "returned to sender",
                                        "permanent error",
                                        "failed permanently",
                                        NULL};
    const size_t n = strnlen(text, 8192);
    char *lower = g_ascii_strdown(text, (gssize)n), code[12];
    const char *id;
    bool said = false, ok = true;
    size_t i;

    for (i = 0; words[i] && !said; i++)
        said = strstr(lower, words[i]) != NULL;
    if (said) {
        a->report = MAIL_BOUNCE;
        a->hard = !strstr(lower, "mailbox full") && !strstr(lower, "over quota");
        if (status_in(lower, code)) {
            ok = keep(&a->status, strdup(code));
            a->hard = code[0] == '5';
        }
        id = strcasestr(text, "message-id:");
        if (id && ok) {
            char *line = g_strndup(id + 11, strcspn(id + 11, "\r\n"));

            ok = keep(&a->message_id, untyped(g_strstrip(line)));
            g_free(line);
        }
    }
    g_free(lower);
    return ok ? HILO_OK : HILO_NOMEM;
}
