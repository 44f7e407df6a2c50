/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compose_impl.h"

#include <idn2.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LINE = 76, CHUNK_HEAD = 12 /* of an encoded word, beside its text */, ID_MAX = 500 };

char *compose_clean(struct hilo_str s, bool lines)
{
    char *valid = s.n ? g_utf8_make_valid(s.p, (gssize)s.n) : g_strdup(""), *at;
    GString *out = g_string_new(NULL);

    for (at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        if (lines && c == '\r') {
            if (at[1] != '\n')
                g_string_append_c(out, '\n');
        } else if (lines && (c == '\n' || c == '\t')) {
            g_string_append_c(out, *at);
        } else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
            g_string_append_c(out, ' ');
        } else {
            g_string_append_unichar(out, c);
        }
    }
    g_free(valid);
    return lines ? g_string_free(out, FALSE) : g_strstrip(g_string_free(out, FALSE));
}

/* ---- addresses ------------------------------------------------------------------------------------ */

/* atext of RFC 5322 and 6532. */
static bool local_good(const char *s, size_t n, bool *utf8)
{
    size_t i;

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c >= 0x80)
            *utf8 = true;
        else if (!g_ascii_isalnum(c) && !memchr("!#$%&'*+-/=?^_`{|}~.", c, 20))
            return false;
    }
    return n > 0 && n <= 64;
}

static bool domain_good(const char *d)
{
    const char *c;

    for (c = d; *c; c++)
        if (!g_ascii_isalnum(*c) && *c != '-' && *c != '.')
            return false;
    return d[0] && d[0] != '.' && !strstr(d, "..") && c[-1] != '.' && c[-1] != '-';
}

char *compose_address(struct hilo_str s, bool *utf8)
{
    const char *at = s.n ? memrchr(s.p, '@', (size_t)s.n) : NULL;
    uint8_t *domain = NULL;
    char *u, *out = NULL;
    bool eight = false;
    size_t local;

    if (!at || s.n > 254 || memchr(s.p, '\0', (size_t)s.n) || !g_utf8_validate(s.p, (gssize)s.n, NULL))
        return NULL;
    local = (size_t)(at - s.p);
    u = g_strndup(at + 1, s.n - local - 1);
    if (local_good(s.p, local, &eight) &&
        idn2_lookup_u8((const uint8_t *)u, &domain, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
        domain_good((const char *)domain))
        out = g_strdup_printf("%.*s@%s", (int)local, s.p, (const char *)domain);
    if (out && strlen(out) > 254) {
        g_free(out);
        out = NULL;
    }
    if (out)
        *utf8 |= eight;
    idn2_free(domain);
    g_free(u);
    return out;
}

/* ---- words ------------------------------------------------------------------------------------------- */

/* It can be written as it is: no encoded word is read where none was meant, and every line can be folded. */
static bool plain(const char *s)
{
    size_t word = 0;

    if (strstr(s, "=?"))
        return false;
    for (; *s; s++) {
        if (*s < 0x20 || *s > 0x7e)
            return false;
        word = *s == ' ' ? 0 : word + 1;
        if (word > LINE - 20)
            return false;
    }
    return true;
}

/* Plain text, broken before spaces. column: where it begins. */
static size_t fold(GString *out, const char *s, size_t column)
{
    while (*s) {
        size_t space = strspn(s, " "), n = space + strcspn(s + space, " ");

        if (space && column + n > LINE && n > space) {
            /* The last of the spaces begins the line: what is before it would be a line of its own. */
            g_string_append_len(out, s, (gssize)(space - 1));
            g_string_append(out, "\r\n ");
            s += space;
            n -= space;
            column = 1;
        }
        g_string_append_len(out, s, (gssize)n);
        s += n;
        column += n;
    }
    return column;
}

/* Encoded words of whole characters, of at most 75 columns in lines of at most 76. */
static size_t encode(GString *out, const char *s, size_t column)
{
    size_t left = strlen(s);

    while (left) {
        size_t room = column + CHUNK_HEAD + 8 < LINE ? (LINE - 1 - column - CHUNK_HEAD) / 4 * 3 : 0, n = left;
        char *text;

        if (n > room)
            for (n = room; n && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
                ;
        if (!n) {
            g_string_append(out, "\r\n ");
            column = 1;
            continue;
        }
        text = g_base64_encode((const guchar *)s, n);
        g_string_append_printf(out, "=?utf-8?b?%s?=", text);
        column += CHUNK_HEAD + strlen(text);
        g_free(text);
        s += n;
        left -= n;
        if (left) {
            g_string_append(out, "\r\n ");
            column = 1;
        }
    }
    return column;
}

void compose_head_text(GString *out, const char *name, struct hilo_str text)
{
    char *s = compose_clean(text, false);

    g_string_append_printf(out, "%s: ", name);
    if (plain(s))
        (void)fold(out, s, strlen(name) + 2);
    else
        (void)encode(out, s, strlen(name) + 2);
    g_string_append(out, "\r\n");
    g_free(s);
}

void compose_head_mailbox(GString *out, const char *name, struct hilo_str display, const char *address)
{
    char *s = compose_clean(display, false);
    size_t column = strlen(name) + 2;
    GString *quoted;
    const char *c;

    g_string_append_printf(out, "%s: ", name);
    if (*s && plain(s) && strlen(s) < LINE / 2) {
        quoted = g_string_new("\"");
        for (c = s; *c; c++) {
            if (*c == '"' || *c == '\\')
                g_string_append_c(quoted, '\\');
            g_string_append_c(quoted, *c);
        }
        column = fold(out, quoted->str, column);
        g_string_append_c(out, '"');
        column++;
        g_string_free(quoted, TRUE);
    } else if (*s) {
        column = encode(out, s, column);
    }
    if (*s)
        g_string_append(out, column + strlen(address) + 3 > LINE ? "\r\n " : " ");
    g_string_append_printf(out, *s ? "<%s>\r\n" : "%s\r\n", address);
    g_free(s);
}

/* ---- dates, ids, URLs ------------------------------------------------------------------------------ */

void compose_head_date(GString *out, int64_t date_us)
{
    static const char day[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char month[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)(date_us / 1000000);
    struct tm tm;

    if (!gmtime_r(&t, &tm)) {
        t = 0;
        (void)gmtime_r(&t, &tm);
    }
    g_string_append_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", day[tm.tm_wday], tm.tm_mday,
                           month[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

bool compose_id_good(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > 0x7e || s.p[i] == '<' || s.p[i] == '>')
            return false;
    return s.n > 2 && s.n <= ID_MAX && memchr(s.p, '@', (size_t)s.n);
}

void compose_head_ids(GString *out, const char *name, const struct hilo_str *id, size_t n)
{
    bool any = false;
    size_t i;

    for (i = 0; i < n; i++) {
        if (!compose_id_good(id[i]))
            continue;
        if (any)
            g_string_append(out, "\r\n ");
        else
            g_string_append_printf(out, "%s: ", name);
        g_string_append_printf(out, "<%.*s>", (int)id[i].n, id[i].p);
        any = true;
    }
    if (any)
        g_string_append(out, "\r\n");
}

bool compose_url_good(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > 0x7e || strchr("<>,\"", s.p[i]))
            return false;
    return s.n > 8 && s.n < 900;
}
