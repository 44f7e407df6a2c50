/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "smtp_talk.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "5.1.1 ", of the reply's own class (RFC 3463). */
static void read_enhanced(struct smtp_talk *t, const char *s, size_t n)
{
    size_t i = 1, part, digits;

    t->enhanced[0] = '\0';
    if (n < 5 || (uint32_t)(s[0] - '0') != t->line / 100)
        return;
    for (part = 0; part < 2; part++) {
        if (i >= n || s[i++] != '.')
            return;
        for (digits = 0; i < n && is_digit(s[i]) && digits < 3; digits++)
            i++;
        if (!digits)
            return;
    }
    if (i < n && s[i] != ' ')
        return;
    memcpy(t->enhanced, s, i);
    t->enhanced[i] = '\0';
}

static void read_words(struct smtp_talk *t, const char *s, size_t n)
{
    size_t have = strlen(t->words), i;

    if (have && have < TALK_WORDS - 1)
        t->words[have++] = ' ';
    for (i = 0; i < n && have < TALK_WORDS - 1; i++)
        t->words[have++] = (unsigned char)s[i] < ' ' || s[i] == 0x7f ? ' ' : s[i];
    t->words[have] = '\0';
}

static void read_ehlo(struct smtp_talk *t, const char *s, size_t n)
{
    uint64_t size = 0;
    size_t i;

    if (n == 8 && strncasecmp(s, "SMTPUTF8", 8) == 0)
        t->utf8 = true;
    if (n < 6 || strncasecmp(s, "SIZE ", 5) != 0)
        return;
    for (i = 5; i < n && is_digit(s[i]) && size < UINT64_MAX / 10 - 9; i++)
        size = size * 10 + (uint64_t)(s[i] - '0');
    t->size = size;
}

void smtp_talk_line(struct smtp_talk *t, const char *s, size_t n)
{
    uint32_t status;
    bool last;

    while (n && (s[n - 1] == '\r' || s[n - 1] == '\n'))
        n--;
    if (n < 3 || s[0] < '1' || s[0] > '5' || !is_digit(s[1]) || !is_digit(s[2]) ||
        (n > 3 && s[3] != ' ' && s[3] != '-'))
        return;
    status = (uint32_t)((s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0'));
    if (status == 221)
        return; /* to QUIT, which libcurl says when it gives up: what it was told before counts */
    last = n == 3 || s[3] == ' ';
    s += n > 3 ? 4 : 3;
    n -= n > 3 ? 4 : 3;
    if (t->line != status) { /* its first line */
        t->line = status;
        t->words[0] = '\0';
        if (t->ehlo && status == 250) {
            t->size = 0;
            t->utf8 = false;
        }
    }
    if (t->ehlo && status == 250)
        read_ehlo(t, s, n);
    read_enhanced(t, s, n);
    read_words(t, s, n);
    if (!last)
        return;
    if (status == 220)
        t->greeted = t->ehlo = true;
    else if (status == 250 && t->ehlo) {
        t->ehlo = false;
        t->known = true;
    }
    t->judged |= t->all;
    t->status = status;
    t->line = 0;
}

bool smtp_talk_stale(const struct smtp_talk *t, CURLcode rc)
{
    return rc != CURLE_OK && !t->greeted && !t->all && (t->status == 0 || t->status == 421) &&
           (rc == CURLE_SEND_ERROR || rc == CURLE_RECV_ERROR || rc == CURLE_GOT_NOTHING);
}

/* Who we are was refused, or is asked for first. */
static bool about_us(uint32_t status)
{
    return status == 530 || status == 534 || status == 535 || status == 538;
}

struct smtp_verdict smtp_talk_verdict(const struct smtp_talk *t, CURLcode rc)
{
    const bool temporary = t->status / 100 == 4;

    if (rc == CURLE_OK)
        return (struct smtp_verdict){HILO_OK, false};
    if (t->all && !t->judged)
        return (struct smtp_verdict){HILO_IN_DOUBT, false};
    switch (rc) {
    case CURLE_OUT_OF_MEMORY:
        return (struct smtp_verdict){HILO_TEMP, false};
    case CURLE_LOGIN_DENIED:
    case CURLE_AUTH_ERROR:
        return (struct smtp_verdict){temporary ? HILO_TEMP : HILO_CONFIG, true};
    case CURLE_USE_SSL_FAILED:
        return (struct smtp_verdict){temporary ? HILO_TEMP : HILO_CONFIG, true};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
        return (struct smtp_verdict){HILO_CONFIG, true};
    default:
        break;
    }
    if (t->status == 0)
        return (struct smtp_verdict){HILO_DOWN, true};
    if (about_us(t->status))
        return (struct smtp_verdict){HILO_CONFIG, true};
    if (t->status == 421)
        return (struct smtp_verdict){HILO_TEMP, true};
    /* Its greeting, or EHLO: it takes nothing from us, whatever the mail. */
    if (!t->all && (rc == CURLE_WEIRD_SERVER_REPLY || rc == CURLE_REMOTE_ACCESS_DENIED))
        return (struct smtp_verdict){temporary ? HILO_TEMP : HILO_CONFIG, true};
    if (temporary)
        return (struct smtp_verdict){HILO_TEMP, false};
    if (t->status / 100 == 5)
        return (struct smtp_verdict){HILO_PERM, false};
    return (struct smtp_verdict){HILO_TEMP, true}; /* it hung up on us before it had all of it */
}
