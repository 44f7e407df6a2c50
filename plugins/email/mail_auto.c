/*
 * Whether a mail is a machine's (RFC 3834, and what is usual without being in it), and whether it runs in a
 * circle. SPDX-License-Identifier: Apache-2.0
 */
#include "mail_impl.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *s, const char *word)
{
    return s && g_ascii_strncasecmp(s, word, strlen(word)) == 0;
}

/* Whoever answers such an address answers a machine. */
static bool machine_address(const char *address)
{
    static const char *const names[] = {
        "mailer-daemon@", "postmaster@", "noreply@",      "no-reply@",    "donotreply@",
        "do-not-reply@",  "bounce@",     "no-responder@", "noresponder@", NULL};
    size_t i;

    for (i = 0; names[i]; i++)
        if (begins(address, names[i]))
            return true;
    return false;
}

static const char *why_automatic(GMimeMessage *message, const char *envelope_from, const struct mail *m)
{
    static const struct {
        const char *header, *word, *why;
    } marks[] = {{"Precedence", "bulk", "bulk"},
                 {"Precedence", "list", "list"},
                 {"Precedence", "junk", "junk"},
                 {"Precedence", "auto", "auto-reply"},
                 {"List-Id", "", "list"},
                 {"List-Post", "", "list"},
                 {"List-Unsubscribe", "", "bulk"},
                 {"X-Autoreply", "", "auto-reply"},
                 {"X-Autorespond", "", "auto-reply"},
                 {"X-Auto-Response-Suppress", "", "auto-response-suppress"},
                 {"X-Failed-Recipients", "", "bounce"}};
    const char *value = g_mime_object_get_header(GMIME_OBJECT(message), "Auto-Submitted");
    size_t i;

    if (envelope_from && !*envelope_from)
        return "null-sender";
    while (value && (*value == ' ' || *value == '\t'))
        value++;
    if (value && !begins(value, "no"))
        return "auto-submitted";
    for (i = 0; i < sizeof marks / sizeof *marks; i++) {
        value = g_mime_object_get_header(GMIME_OBJECT(message), marks[i].header);
        while (value && *value == ' ')
            value++;
        if (begins(value, marks[i].word))
            return marks[i].why;
    }
    value = g_mime_object_get_header(GMIME_OBJECT(message), "Return-Path");
    if (value && strstr(value, "<>"))
        return "null-sender";
    return machine_address(m->from.address) ? "no-reply-address" : NULL;
}

void mail_automatic(GMimeMessage *message, const char *envelope_from, const char *own_mark, struct mail *m)
{
    GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(message));
    int i, n = g_mime_header_list_get_count(headers), received = 0;

    for (i = 0; i < n; i++) {
        GMimeHeader *h = g_mime_header_list_get_header_at(headers, i);
        const char *name = g_mime_header_get_name(h);
        char *value = NULL;

        if (g_ascii_strcasecmp(name, "Received") == 0)
            received++;
        else if (own_mark && g_ascii_strcasecmp(name, "X-Hilo-Loop") == 0 &&
                 (value = mail_clean(g_mime_header_get_value(h), false)))
            m->loop = m->loop || strcmp(g_strstrip(value), own_mark) == 0;
        free(value);
    }
    m->loop = m->loop || received > MAIL_RECEIVED_MAX;
    m->why_automatic = why_automatic(message, envelope_from, m);
    m->automatic = m->why_automatic != NULL;
}
