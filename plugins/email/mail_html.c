/*
 * What a person would read of an HTML mail, by libxml2's parser: no script, no style, nothing hidden, nothing
 * fetched. SPDX-License-Identifier: Apache-2.0
 */
#include "mail_impl.h"

#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>

struct page {
    GString *out;
    unsigned quotes; /* blockquotes that are open */
    bool begins;     /* a line: no blank before its first word */
    bool pre, failed;
};

static bool is(const xmlNode *n, const char *const *names)
{
    for (; *names; names++)
        if (xmlStrcasecmp(n->name, (const xmlChar *)*names) == 0)
            return true;
    return false;
}

static void page_line(struct page *p)
{
    while (p->out->len && p->out->str[p->out->len - 1] == ' ')
        g_string_truncate(p->out, p->out->len - 1);
    g_string_append_c(p->out, '\n');
    p->begins = true;
}

/* A line of its own, unless it is one already. */
static void page_break(struct page *p)
{
    if (!p->begins)
        page_line(p);
}

/* A blank line, but not two. */
static void page_gap(struct page *p)
{
    page_break(p);
    if (p->out->len > 1 && !(p->out->str[p->out->len - 2] == '\n'))
        page_line(p);
}

static void page_begin(struct page *p)
{
    unsigned i;

    for (i = 0; p->begins && i < p->quotes && i < 8; i++)
        g_string_append(p->out, "> ");
    p->begins = false;
}

static void page_text(struct page *p, const char *s)
{
    for (; *s && p->out->len < MAIL_BODY_MAX; s++) {
        bool space = *s == ' ' || *s == '\n' || *s == '\t' || *s == '\r';

        if (p->pre && *s == '\n') {
            page_line(p);
        } else if (space && !p->pre) {
            if (!p->begins && p->out->len && p->out->str[p->out->len - 1] != ' ')
                g_string_append_c(p->out, ' ');
        } else if (*s != '\r') {
            page_begin(p);
            g_string_append_c(p->out, *s);
        }
    }
}

/* What a style hides from a reader, a mail's preheader mostly. */
static bool hidden(xmlNode *n)
{
    xmlChar *style = xmlGetProp(n, (const xmlChar *)"style"),
            *flag = xmlGetProp(n, (const xmlChar *)"hidden");
    bool no = flag != NULL;
    char *s = style ? g_ascii_strdown((char *)style, -1) : NULL, *to, *at;

    for (at = to = s; at && *at; at++)
        if (*at != ' ')
            *to++ = *at;
    if (s) {
        *to = '\0';
        no = no || strstr(s, "display:none") || strstr(s, "visibility:hidden") || strstr(s, "mso-hide:all");
    }
    g_free(s);
    xmlFree(style);
    xmlFree(flag);
    return no;
}

/* Where a link leads, behind its words, unless they say so. */
static void page_link(struct page *p, xmlNode *n, size_t began)
{
    xmlChar *href = xmlGetProp(n, (const xmlChar *)"href");
    const char *to = (const char *)href;

    if (to && (g_ascii_strncasecmp(to, "http://", 7) == 0 || g_ascii_strncasecmp(to, "https://", 8) == 0) &&
        strlen(to) < 2000 && began <= p->out->len && !strstr(p->out->str + began, to)) {
        page_text(p, p->out->len > began ? " (" : "(");
        page_text(p, to);
        page_text(p, ")");
    }
    xmlFree(href);
}

static void page_open(struct page *p, xmlNode *n)
{
    static const char *const
        blocks[] = {"div", "tr", "table", "section", "article", "header", "footer",  "form", "hr",
                    "dl",  "dt", "dd",    "ul",      "ol",      "center", "address", NULL},
        *const gaps[] = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", NULL}, *const item[] = {"li", NULL},
        *const quote[] = {"blockquote", NULL}, *const line[] = {"br", NULL},
        *const cell[] = {"td", "th", NULL}, *const pre[] = {"pre", NULL}, *const picture[] = {"img", NULL};

    if (is(n, line)) {
        page_begin(p);
        page_line(p);
    } else if (is(n, item)) {
        page_break(p);
        page_text(p, "- ");
    } else if (is(n, quote)) {
        page_break(p);
        p->quotes++;
    } else if (is(n, gaps)) {
        page_gap(p);
        p->pre = p->pre || is(n, pre);
    } else if (is(n, blocks)) {
        page_break(p);
    } else if (is(n, cell) && !p->begins) {
        page_text(p, " ");
    } else if (is(n, picture)) {
        xmlChar *alt = xmlGetProp(n, (const xmlChar *)"alt");

        if (alt && *alt && xmlStrlen(alt) < 200)
            page_text(p, (char *)alt);
        xmlFree(alt);
    }
}

static void page_close(struct page *p, xmlNode *n, size_t began)
{
    static const char *const
        blocks[] = {"div",  "tr", "li", "table", "section", "article", "header",  "footer",
                    "form", "dt", "dd", "ul",    "ol",      "center",  "address", NULL},
        *const gaps[] = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", NULL},
        *const quote[] = {"blockquote", NULL}, *const link[] = {"a", NULL}, *const pre[] = {"pre", NULL};

    if (is(n, link)) {
        page_link(p, n, began);
    } else if (is(n, quote)) {
        page_break(p);
        p->quotes -= p->quotes > 0;
    } else if (is(n, gaps)) {
        page_gap(p);
        p->pre = p->pre && !is(n, pre);
    } else if (is(n, blocks)) {
        page_break(p);
    }
}

/* The parser bounds how deep it goes (256), so does this. */
static void page_walk(struct page *p, xmlNode *n, unsigned depth)
{
    static const char *const silent[] = {"script",   "style",    "head",   "title", "template",
                                         "noscript", "object",   "iframe", "svg",   "math",
                                         "select",   "textarea", NULL};

    for (; n && depth < 256 && p->out->len < MAIL_BODY_MAX; n = n->next) {
        size_t began = p->out->len;

        if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) {
            page_text(p, (char *)n->content);
        } else if (n->type == XML_ELEMENT_NODE && !is(n, silent) && !hidden(n)) {
            page_open(p, n);
            page_walk(p, n->children, depth + 1);
            page_close(p, n, began);
        }
    }
}

char *mail_html_text(const char *html, size_t n)
{
    htmlDocPtr doc = n && n < INT32_MAX
                         ? htmlReadMemory(html, (int)n, NULL, "utf-8",
                                          HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                              HTML_PARSE_NONET | HTML_PARSE_NODEFDTD)
                         : NULL;
    struct page p = {.out = g_string_new(NULL), .begins = true};
    char *text;

    if (doc)
        page_walk(&p, xmlDocGetRootElement(doc), 0);
    xmlFreeDoc(doc);
    text = mail_clean(p.out->str, true);
    g_string_free(p.out, TRUE);
    return text;
}
