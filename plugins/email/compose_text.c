/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compose_impl.h"
#include "mail_impl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool str_begins(const char *s, const char *with)
{
    return g_ascii_strncasecmp(s, with, strlen(with)) == 0;
}

/* What a mail program may follow: nothing that would be run. */
static bool link_good(const char *url)
{
    return str_begins(url, "https://") || str_begins(url, "http://") || str_begins(url, "mailto:") ||
           str_begins(url, "tel:");
}

/* ---- text ------------------------------------------------------------------------------------------ */

static void own_text(GString *out, const struct compose_mail *m)
{
    char *text = compose_clean(m->text, true), *html, *derived;

    g_string_append(out, g_strchomp(text));
    g_free(text);
    if (out->len || !m->html.n)
        return;
    html = compose_clean(m->html, true); /* HTML alone was given: those who read text read it too */
    derived = mail_html_text(html, strlen(html));
    if (derived)
        g_string_append(out, g_strchomp(derived));
    free(derived);
    g_free(html);
}

GString *compose_text(const struct compose_mail *m)
{
    GString *out = g_string_new(NULL);
    size_t i;

    own_text(out, m);
    if (out->len)
        g_string_append_c(out, '\n');
    for (i = 0; i < m->n_links; i++) {
        char *title = compose_clean(m->link[i].title, false), *url = compose_clean(m->link[i].url, false);

        if (i == 0 && out->len)
            g_string_append_c(out, '\n');
        g_string_append_printf(out, *title ? "%s: %s\n" : "%s%s\n", title, url);
        g_free(title);
        g_free(url);
    }
    return out;
}

/* ---- HTML ------------------------------------------------------------------------------------------ */

static void escape(GString *out, const char *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        switch (s[i]) {
        case '&':
            g_string_append(out, "&amp;");
            break;
        case '<':
            g_string_append(out, "&lt;");
            break;
        case '>':
            g_string_append(out, "&gt;");
            break;
        case '"':
            g_string_append(out, "&quot;");
            break;
        default:
            g_string_append_c(out, s[i]);
        }
}

/* The URL at s, without the punctuation of the sentence behind it; 0: there is none. */
static size_t url_at(const char *s)
{
    size_t head = str_begins(s, "https://") ? 8 : str_begins(s, "http://") ? 7 : 0;
    size_t n = head ? strcspn(s, " \t\n<>\"") : 0;

    while (n > head && strchr(".,;:!?)]'", s[n - 1]))
        n--;
    return n > head ? n : 0;
}

static void anchor(GString *out, const char *url, size_t n_url, const char *title, size_t n_title)
{
    g_string_append(out, "<a href=\"");
    escape(out, url, n_url);
    g_string_append(out, "\">");
    escape(out, title, n_title);
    g_string_append(out, "</a>");
}

static void paragraphs(GString *out, const char *s)
{
    size_t url;

    g_string_append(out, "<p>");
    while (*s) {
        if (*s == '\n') {
            size_t n = strspn(s, "\n");

            g_string_append(out, n > 1 ? "</p>\n<p>" : "<br>\n");
            s += n;
        } else if ((url = url_at(s)) != 0) {
            anchor(out, s, url, s, url);
            s += url;
        } else {
            escape(out, s++, 1);
        }
    }
    g_string_append(out, "</p>\n");
}

static bool cid_good(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > 0x7e || strchr("<>\"\\", s.p[i]))
            return false;
    return s.n > 0 && s.n <= 200;
}

bool compose_inline(const struct compose_mail *m, const struct compose_file *f)
{
    char *cid, *html;
    bool shown;

    if (!cid_good(f->content_id))
        return false;
    if (!m->html.n)
        return f->mime.n > 6 && g_ascii_strncasecmp(f->mime.p, "image/", 6) == 0;
    cid = g_strdup_printf("cid:%.*s", (int)f->content_id.n, f->content_id.p);
    html = g_strndup(m->html.p, m->html.n);
    shown = strstr(html, cid) != NULL;
    g_free(html);
    g_free(cid);
    return shown;
}

/* What is added below what was written. */
static void tail(GString *out, const struct compose_mail *m)
{
    char *name;
    size_t i;

    for (i = 0; i < m->n_links; i++) {
        char *title = compose_clean(m->link[i].title, false), *url = compose_clean(m->link[i].url, false);
        const char *shown = *title ? title : url;

        g_string_append(out, "<p>");
        if (link_good(url)) {
            anchor(out, url, strlen(url), shown, strlen(shown));
        } else {
            escape(out, title, strlen(title));
            g_string_append(out, *title ? ": " : "");
            escape(out, url, strlen(url));
        }
        g_string_append(out, "</p>\n");
        g_free(title);
        g_free(url);
    }
    for (i = 0; i < m->n_files && !m->html.n; i++) {
        if (!compose_inline(m, &m->file[i]))
            continue;
        g_string_append(out, "<p><img src=\"cid:");
        escape(out, m->file[i].content_id.p, (size_t)m->file[i].content_id.n);
        g_string_append(out, "\" alt=\"");
        name = compose_clean(m->file[i].filename, false);
        escape(out, name, strlen(name));
        g_free(name);
        g_string_append(out, "\"></p>\n");
    }
    if (compose_url_good(m->pixel_url)) {
        g_string_append(out, "<img src=\"");
        escape(out, m->pixel_url.p, (size_t)m->pixel_url.n);
        g_string_append(out, "\" width=\"1\" height=\"1\" alt=\"\">\n");
    }
}

static bool language_good(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++)
        if (!g_ascii_isalnum(s.p[i]) && s.p[i] != '-')
            return false;
    return s.n >= 2 && s.n <= 35;
}

static void own_html(GString *out, const struct compose_mail *m)
{
    char *text = compose_clean(m->text, true);

    g_string_append(out, "<!DOCTYPE html>\n<html");
    if (language_good(m->language))
        g_string_append_printf(out, " lang=\"%.*s\"", (int)m->language.n, m->language.p);
    g_string_append(out, "><head><meta charset=\"utf-8\"></head><body>\n");
    g_strchomp(text);
    if (*text)
        paragraphs(out, text);
    g_free(text);
    tail(out, m);
    g_string_append(out, "</body></html>\n");
}

GString *compose_html(const struct compose_mail *m)
{
    GString *out = g_string_new(NULL), *more;
    char *given, *at, *end = NULL;

    if (!m->html.n) {
        own_html(out, m);
        return out;
    }
    given = compose_clean(m->html, true);
    for (at = given; (at = strcasestr(at, "</body")) != NULL; at++)
        end = at;
    more = g_string_new(NULL);
    tail(more, m);
    g_string_append_len(out, given, end ? end - given : (gssize)strlen(given));
    g_string_append_len(out, more->str, (gssize)more->len);
    if (end)
        g_string_append(out, end);
    if (!out->len || out->str[out->len - 1] != '\n')
        g_string_append_c(out, '\n');
    g_string_free(more, TRUE);
    g_free(given);
    return out;
}
