/*
 * Reading messages (ua_read.h). Sofia has parsed the structures; header values that it does not know are
 * read here with the same grammar's care: quotes, angle brackets, commas, nothing trusted.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_read.h"

#include <ctype.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mime.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "ua_text.h"

/* ---- texts ---------------------------------------------------------------------------------- */

bool ua_read_item(struct hilo_str v, uint32_t n, struct hilo_str *item)
{
    uint64_t from = 0, i = 0;
    bool quoted = false, angle = false;

    if (v.n == 0)
        return false;
    for (; i <= v.n; i++) {
        char c = i < v.n ? v.p[i] : ',';

        if (i == v.n)
            quoted = angle = false;
        if (quoted) {
            if (c == '\\')
                i += i + 1 < v.n; /* the last octet escapes nothing */
            else if (c == '"')
                quoted = false;
        } else if (c == '"')
            quoted = !angle;
        else if (c == '<')
            angle = true;
        else if (c == '>')
            angle = false;
        else if (c == ',' && !angle) {
            if (n-- == 0) {
                *item = (struct hilo_str){v.p + from, i - from};
                return true;
            }
            from = i + 1;
        }
    }
    return false;
}

struct hilo_str ua_read_addr(struct hilo_str v)
{
    struct hilo_str none = {NULL, 0}, item;
    uint64_t i = 0, from;

    if (!ua_read_item(v, 0, &item))
        return none;
    while (i < item.n && isspace((unsigned char)item.p[i]))
        i++;
    if (i < item.n && item.p[i] == '"') {
        for (i++; i < item.n && item.p[i] != '"'; i++)
            if (item.p[i] == '\\')
                i++;
    }
    for (from = i; i < item.n && item.p[i] != '<'; i++)
        ;
    if (i < item.n) {
        from = ++i;
        while (i < item.n && item.p[i] != '>')
            i++;
        if (i == item.n)
            return none;
    } else {
        /* addr-spec alone: parameters are the header's (RFC 3261 20.10) */
        for (i = from; i < item.n && item.p[i] != ';' && !isspace((unsigned char)item.p[i]); i++)
            ;
    }
    return i > from ? (struct hilo_str){item.p + from, i - from} : none;
}

uint32_t ua_read_sipfrag(struct hilo_str b, struct hilo_str *phrase)
{
    static const char version[] = "SIP/2.0 ";
    uint32_t status = 0;
    uint64_t i = sizeof version - 1, from;

    if (b.n < i + 3 || memcmp(b.p, version, i) != 0)
        return 0;
    for (from = i; i < from + 3; i++) {
        if (b.p[i] < '0' || b.p[i] > '9')
            return 0;
        status = status * 10 + (uint32_t)(b.p[i] - '0');
    }
    if (status < 100 || status > 699 || (i < b.n && b.p[i] != ' ' && b.p[i] != '\r' && b.p[i] != '\n'))
        return 0;
    while (i < b.n && b.p[i] == ' ')
        i++;
    for (from = i; i < b.n && b.p[i] != '\r' && b.p[i] != '\n'; i++)
        ;
    *phrase = (struct hilo_str){b.p + from, i - from};
    return status;
}

/* ---- identity ------------------------------------------------------------------------------- */

static struct hilo_str unknown(sip_t const *sip, const char *name, bool last)
{
    struct hilo_str found = {NULL, 0};

    for (sip_unknown_t const *u = sip->sip_unknown; u; u = u->un_next)
        if (u->un_name && u->un_value && strcasecmp(u->un_name, name) == 0) {
            found = ua_str(u->un_value);
            if (!last)
                break;
        }
    return found;
}

/* Who was called first: the oldest entry, which is the last of Diversion (RFC 5806, the newest on top), and
 * the first of History-Info (RFC 7044). One History-Info entry alone is this call's own target. */
static struct hilo_str diverted(sip_t const *sip)
{
    struct hilo_str v = unknown(sip, "Diversion", true), item, next;
    uint32_t n = 0;

    if (v.n) {
        while (ua_read_item(v, n + 1, &next))
            n++;
        if (ua_read_item(v, n, &item))
            return ua_read_addr(item);
    }
    v = unknown(sip, "History-Info", false);
    if (v.n && (ua_read_item(v, 1, &next) || unknown(sip, "History-Info", true).p != v.p))
        return ua_read_addr(v);
    return (struct hilo_str){NULL, 0};
}

static struct hilo_str copy(su_home_t *home, struct hilo_str s)
{
    char *p = s.n ? su_strndup(home, s.p, (isize_t)s.n) : NULL;

    return (struct hilo_str){p, p ? s.n : 0};
}

/* The display name without its quotes and escapes. */
static struct hilo_str display(su_home_t *home, const char *d)
{
    struct hilo_str out = {NULL, 0};
    char *p;

    if (!d || !*d)
        return out;
    if (*d != '"')
        return copy(home, ua_str(d));
    p = su_strdup(home, d + 1);
    if (!p)
        return out;
    out.p = p;
    for (const char *q = d + 1; *q && *q != '"'; q++) {
        if (*q == '\\' && q[1])
            q++;
        p[out.n++] = *q;
    }
    return out;
}

static bool anonymous(url_t const *u)
{
    return (u->url_user && strcasecmp(u->url_user, "anonymous") == 0) ||
           (u->url_host && strcasecmp(u->url_host, "anonymous.invalid") == 0);
}

static bool wants_privacy(sip_t const *sip)
{
    sip_privacy_t const *p = sip->sip_privacy;

    for (size_t i = 0; p && p->priv_values && p->priv_values[i]; i++)
        if (strcasecmp(p->priv_values[i], "id") == 0 || strcasecmp(p->priv_values[i], "user") == 0 ||
            strcasecmp(p->priv_values[i], "header") == 0)
            return true;
    return false;
}

void ua_read_identity(sip_t const *sip, bool trusted, su_home_t *home, struct ua_event *e)
{
    if (sip->sip_from) {
        e->from = ua_str(url_as_string(home, sip->sip_from->a_url));
        e->from_name = display(home, sip->sip_from->a_display);
    }
    if (sip->sip_request)
        e->to = ua_str(url_as_string(home, sip->sip_request->rq_url));
    if (sip->sip_call_id)
        e->call_id = copy(home, ua_str(sip->sip_call_id->i_id));
    e->private_id = wants_privacy(sip) || (sip->sip_from && anonymous(sip->sip_from->a_url));
    e->diverted = copy(home, diverted(sip));
    if (trusted)
        e->asserted = copy(home, ua_read_addr(unknown(sip, "P-Asserted-Identity", false)));
}

/* ---- bodies --------------------------------------------------------------------------------- */

static bool is_type(msg_content_type_t const *c, const char *type)
{
    return c && c->c_type && strcasecmp(c->c_type, type) == 0;
}

/* The next line of *rest without its CRLF; false: no more. */
static bool next_line(struct hilo_str *rest, struct hilo_str *line)
{
    const char *end;

    if (rest->n == 0)
        return false;
    end = memchr(rest->p, '\n', rest->n);
    line->p = rest->p;
    line->n = end ? (uint64_t)(end - rest->p) : rest->n;
    rest->p += line->n + (end != NULL);
    rest->n -= line->n + (end != NULL);
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

/* 1: the line is the delimiter of a multipart body (RFC 2046 5.1.1), 2: the closing one; 0: it is neither. */
static int delimiter(struct hilo_str line, struct hilo_str boundary)
{
    int kind = 1;

    if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) != 0 ||
        memcmp(line.p + 2, boundary.p, boundary.n) != 0)
        return 0;
    line.p += boundary.n + 2;
    line.n -= boundary.n + 2;
    if (line.n >= 2 && memcmp(line.p, "--", 2) == 0) {
        kind = 2;
        line.p += 2;
        line.n -= 2;
    }
    while (line.n && (*line.p == ' ' || *line.p == '\t'))
        line.p++, line.n--;
    return line.n ? 0 : kind;
}

/* The boundary without its quotes, in home; empty: there is none. */
static struct hilo_str boundary_of(msg_content_type_t const *c, su_home_t *home)
{
    const char *v = msg_header_find_param(c->c_common, "boundary=");

    return v ? display(home, v) : (struct hilo_str){NULL, 0};
}

static bool is_sdp_type(struct hilo_str line)
{
    static const char name[] = "content-type:", type[] = "application/sdp";

    if (line.n < sizeof name - 1 || strncasecmp(line.p, name, sizeof name - 1) != 0)
        return false;
    line.p += sizeof name - 1;
    line.n -= sizeof name - 1;
    while (line.n && (*line.p == ' ' || *line.p == '\t'))
        line.p++, line.n--;
    return line.n >= sizeof type - 1 && strncasecmp(line.p, type, sizeof type - 1) == 0 &&
           (line.n == sizeof type - 1 || strchr(" \t;", line.p[sizeof type - 1]));
}

/* The application/sdp part of a multipart body; *whole: it has a first and a closing delimiter. Not by sofia:
 * its reader writes into the body, reads beyond it, and stops the process where a part has no header. */
static struct hilo_str sdp_part(struct hilo_str body, struct hilo_str boundary, bool *whole)
{
    struct hilo_str rest = body, line, found = {NULL, 0};
    const char *part = NULL; /* where the body of an SDP part begins */
    bool in_header = false, sdp = false, begun = false;

    *whole = false;
    while (boundary.n && next_line(&rest, &line)) {
        int kind = delimiter(line, boundary);

        if (kind) {
            if (part && !found.p)
                found = (struct hilo_str){part, (uint64_t)(line.p - part)};
            if (kind == 2) {
                *whole = begun;
                return found;
            }
            begun = in_header = true;
            sdp = false;
            part = NULL;
        } else if (in_header && line.n == 0) {
            in_header = false;
            part = sdp ? rest.p : NULL;
        } else if (in_header)
            sdp = sdp || is_sdp_type(line);
    }
    return found;
}

static bool is_multipart(msg_content_type_t const *c)
{
    return c && c->c_type && strncasecmp(c->c_type, "multipart/", 10) == 0;
}

struct hilo_str ua_read_sdp(sip_t const *sip, su_home_t *home)
{
    struct hilo_str none = {NULL, 0}, body;
    bool whole;

    if (!sip || !sip->sip_payload || sip->sip_payload->pl_len == 0)
        return none;
    body = (struct hilo_str){sip->sip_payload->pl_data, sip->sip_payload->pl_len};
    if (is_type(sip->sip_content_type, "application/sdp"))
        return body;
    if (is_multipart(sip->sip_content_type))
        return sdp_part(body, boundary_of(sip->sip_content_type, home), &whole);
    return none;
}

/* A Content-Disposition that must be understood and is not: "handling" is required unless it says optional
 * (RFC 3261 20.11). */
static bool must_handle(sip_content_disposition_t const *d)
{
    return !d || !d->cd_handling || strcasecmp(d->cd_handling, "optional") != 0;
}

static bool accepts_sdp(sip_accept_t const *a)
{
    if (!a)
        return true; /* application/sdp is what none means (RFC 3261 20.1) */
    for (; a; a = a->ac_next)
        if (a->ac_type && (strcasecmp(a->ac_type, "application/sdp") == 0 ||
                           strcasecmp(a->ac_type, "application/*") == 0 || strcmp(a->ac_type, "*/*") == 0))
            return true;
    return false;
}

uint32_t ua_read_body(sip_t const *sip, su_home_t *home, const char **why)
{
    msg_content_type_t const *c = sip->sip_content_type;

    if (!accepts_sdp(sip->sip_accept)) {
        *why = "Answers are application/sdp only";
        return 406;
    }
    if (!sip->sip_payload || sip->sip_payload->pl_len == 0)
        return 0;
    if (sip->sip_content_encoding && sip->sip_content_encoding->k_items)
        for (size_t i = 0; sip->sip_content_encoding->k_items[i]; i++)
            if (strcasecmp(sip->sip_content_encoding->k_items[i], "identity") != 0) {
                *why = "Content-Encoding Not Supported";
                return 415;
            }
    if (!c) {
        *why = "Body Without Content-Type";
        return 400;
    }
    if (is_type(c, "application/sdp") || ua_read_sdp(sip, home).n)
        return 0;
    if (is_multipart(c)) {
        bool whole;

        (void)sdp_part((struct hilo_str){sip->sip_payload->pl_data, sip->sip_payload->pl_len},
                       boundary_of(c, home), &whole);
        if (!whole) {
            *why = "Bad Multipart Body";
            return 400;
        }
    }
    if (!must_handle(sip->sip_content_disposition))
        return 0;
    *why = "Unsupported Media Type";
    return 415;
}

/* A number at the head of s; false: none, or beyond max. */
static bool number(struct hilo_str s, uint32_t max, uint32_t *out)
{
    uint32_t v = 0;
    uint64_t i = 0;

    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
        v = v * 10 + (uint32_t)(s.p[i] - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return i > 0;
}

/* "0" to "9", "*", "#", "A" to "D", or RFC 4733's 10 to 15, possibly followed by blanks. */
static bool key(struct hilo_str s, char *digit)
{
    static const char keys[] = "0123456789*#ABCD";
    uint32_t n;

    while (s.n && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    if (s.n == 1) {
        char c = (char)toupper((unsigned char)*s.p);

        if (!c || !strchr(keys, c))
            return false;
        *digit = c;
        return true;
    }
    if (s.n != 2 || !number(s, 15, &n) || s.p[1] < '0' || s.p[1] > '9')
        return false;
    *digit = keys[n];
    return true;
}

bool ua_read_digit(sip_t const *sip, char *digit, uint32_t *duration_ms)
{
    struct hilo_str rest, line;
    bool found = false;

    *duration_ms = 160;
    if (!sip->sip_payload || !sip->sip_content_type)
        return false;
    rest = (struct hilo_str){sip->sip_payload->pl_data, sip->sip_payload->pl_len};
    while (rest.n && isspace((unsigned char)*rest.p))
        rest.p++, rest.n--;
    if (is_type(sip->sip_content_type, "application/dtmf"))
        return key(rest, digit);
    if (!is_type(sip->sip_content_type, "application/dtmf-relay"))
        return false;
    while (rest.n) {
        const char *end = memchr(rest.p, '\n', rest.n), *eq;
        struct hilo_str value;

        line = (struct hilo_str){rest.p, end ? (uint64_t)(end - rest.p) : rest.n};
        rest.p += line.n + (end != NULL);
        rest.n -= line.n + (end != NULL);
        eq = line.n ? memchr(line.p, '=', line.n) : NULL;
        if (!eq)
            continue;
        value = (struct hilo_str){eq + 1, (uint64_t)(line.p + line.n - eq - 1)};
        while (value.n && isspace((unsigned char)*value.p))
            value.p++, value.n--;
        if (line.n >= 6 && strncasecmp(line.p, "signal", 6) == 0)
            found = key(value, digit);
        else if (line.n >= 8 && strncasecmp(line.p, "duration", 8) == 0)
            (void)number(value, 60000, duration_ms);
    }
    return found;
}

char *ua_read_reason(sip_t const *sip, su_home_t *home)
{
    const char *text = NULL;

    for (sip_reason_t const *re = sip ? sip->sip_reason : NULL; re && !text; re = re->re_next)
        text = re->re_text;
    if (!text && sip && sip->sip_warning)
        text = sip->sip_warning->w_text;
    if (!text || !*text)
        return NULL;
    return su_strndup(home, display(home, text).p, (isize_t)display(home, text).n);
}

uint32_t ua_read_q850(sip_t const *sip)
{
    char *end;

    for (sip_reason_t const *re = sip ? sip->sip_reason : NULL; re; re = re->re_next) {
        unsigned long cause = re->re_protocol && strcasecmp(re->re_protocol, "Q.850") == 0 && re->re_cause
                                  ? strtoul(re->re_cause, &end, 10)
                                  : 0;

        if (cause > 0 && cause < 128 && *end == 0)
            return (uint32_t)cause;
    }
    return 0;
}
