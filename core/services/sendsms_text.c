/*
 * Sendsms: addresses that are let in, character sets, and the escapes of dlr-url. Kannel
 * exchanges sender and receiver in a callback, so %p is the customer's number there, and
 * %P what the message came from; here they have these names at once.
 */
#include "base/str.h"
#include "services/sendsms.h"
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

/* ---- who is let in ---------------------------------------------------------------- */

static bool ip_fits(struct hilo_str client, struct hilo_str pattern)
{
    uint64_t i = 0;

    for (uint64_t k = 0; k < pattern.n; k++) {
        if (pattern.p[k] != '*') {
            if (i == client.n || client.p[i++] != pattern.p[k])
                return false;
            continue;
        }
        while (i < client.n && client.p[i] != '.')
            i++;
    }
    return i == client.n;
}

static bool ip_any(struct hilo_str client, struct hilo_str patterns)
{
    struct hilo_str one;

    while (patterns.n) {
        (void)str_cut(patterns, ';', &one, &patterns);
        while (one.n && one.p[0] == ' ')
            one = str_n(one.p + 1, (size_t)one.n - 1);
        while (one.n && one.p[one.n - 1] == ' ')
            one.n--;
        if (one.n && ip_fits(client, one))
            return true;
    }
    return false;
}

bool sendsms_ip(struct hilo_str client, struct hilo_str allow, struct hilo_str deny)
{
    return ip_any(client, allow) || !ip_any(client, deny);
}

/* ---- text -------------------------------------------------------------------------- */

/* Names that iconv is asked for: what comes from outside opens no other. */
static bool charset_known(struct hilo_str name)
{
    static const char *const known[] = {"UTF-8",  "UTF8",    "UTF-16",  "UTF-16BE", "UTF-16LE",
                                        "UCS-2",  "UCS-2BE", "UCS-2LE", "ASCII",    "US-ASCII",
                                        "LATIN1", "KOI8-R",  "KOI8-U",  "MACINTOSH"};
    static const char *const families[] = {"ISO-8859-", "ISO8859-", "WINDOWS-125", "CP125", "CP85", "IBM85"};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq_nocase(name, str(known[i])))
            return true;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        size_t n = strlen(families[i]);
        uint64_t number;
        if (name.n > n && name.n <= n + 2 && strncasecmp(name.p, families[i], n) == 0 &&
            str_u64(str_n(name.p + n, (size_t)name.n - n), &number))
            return true;
    }
    return false;
}

static bool to_utf8(struct arena *a, const char *from, struct hilo_str text, struct hilo_str *out)
{
    size_t left = (size_t)text.n, room = left * 4 + 4, all = room, rc;
    char *in = arena_dup(a, text.n ? text.p : "", left), *to = arena_alloc(a, room), *p = to;
    iconv_t cd = iconv_open("UTF-8", from);

    if (cd == (iconv_t)-1)
        return false;
    rc = iconv(cd, &in, &left, &p, &room);
    (void)iconv_close(cd);
    if (rc == (size_t)-1 || left)
        return false;
    *out = str_n(to, all - room);
    return true;
}

const char *sendsms_text(struct arena *a, struct hilo_str text, struct hilo_str charset, int64_t coding,
                         struct hilo_str *out)
{
    static const char wrong[] = "Charset or body misformed, rejected";
    /* Kannel's default: UTF-8, but what is said to be UCS-2 already is taken as that. */
    struct hilo_str from = charset.n ? charset : coding == 2 ? STR("UTF-16BE") : STR("UTF-8");

    if (coding == 1)
        return "8-bit messages (coding=1) are not supported, rejected";
    if (str_eq_nocase(from, STR("UTF-8")))
        *out = text;
    else if (!charset_known(from) || !to_utf8(a, arena_z(a, from), text, out))
        return wrong;
    if (!str_utf8_valid(*out) || (out->n && memchr(out->p, 0, (size_t)out->n)))
        return wrong;
    return NULL;
}

/* ---- the escapes of dlr-url ------------------------------------------------------------ */

static int32_t add_encoded(struct buf *out, struct hilo_str s)
{
    int32_t rc = HILO_OK;

    for (uint64_t i = 0; i < s.n && rc == HILO_OK; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '_' || c == '.')
            rc = buf_add(out, &c, 1);
        else if (c == ' ')
            rc = buf_add(out, "+", 1);
        else
            rc = buf_fmt(out, "%%%02X", c);
    }
    return rc;
}

/* The second half of an URL is filled later: what is put in now must not look like an escape. */
static int32_t add_asked(struct buf *out, struct hilo_str s)
{
    struct buf once = {0};
    int32_t rc = add_encoded(&once, s);

    for (size_t i = 0; i < once.n && rc == HILO_OK; i++)
        rc = buf_add(out, once.p[i] == '%' ? "%%" : &once.p[i], once.p[i] == '%' ? 2 : 1);
    buf_done(&once);
    return rc;
}

static int32_t add_number(struct buf *out, int64_t n)
{
    return buf_fmt(out, "%lld", (long long)n);
}

/* "00…" as "+…", of %q and %Q. */
static int32_t add_plus(struct buf *out, struct hilo_str number)
{
    if (str_starts(number, STR("00"))) {
        int32_t rc = buf_add(out, "%%2B", 4);
        return rc == HILO_OK ? add_asked(out, str_n(number.p + 2, (size_t)number.n - 2)) : rc;
    }
    return add_asked(out, number);
}

static int32_t asked_one(char c, const struct sendsms_escapes *e, struct buf *out)
{
    const char later[3] = {'%', c, 0};

    switch (c) {
    case 'p':
        return add_asked(out, e->receiver);
    case 'P':
        return add_asked(out, e->sender);
    case 'q':
        return add_plus(out, e->receiver);
    case 'Q':
        return add_plus(out, e->sender);
    case 'i':
        return add_asked(out, e->smsc);
    case 'I':
        return add_asked(out, e->id);
    case 'n':
        return add_asked(out, e->service);
    case 'o':
        return add_asked(out, e->account);
    case 'B':
        return add_asked(out, e->binfo);
    case 'D':
        return add_asked(out, e->meta_data);
    case 'R':
        return add_asked(out, e->dlr_url);
    case 'C':
        return add_asked(out, e->charset.n ? e->charset : e->coding == 2 ? STR("UTF-16BE") : STR("UTF-8"));
    case 'c':
        return add_number(out, e->coding);
    case 'm':
        return add_number(out, e->mclass);
    case 'M':
        return add_number(out, e->mwi);
    case 'v':
        return e->validity == SENDSMS_UNSET ? HILO_OK : add_number(out, e->validity);
    case 'V':
        return e->deferred == SENDSMS_UNSET ? HILO_OK : add_number(out, e->deferred);
    case 'u':
    case 'f':
        return HILO_OK; /* no UDH, and SMSCs don't say their number */
    default:
        return buf_add(out, later, 2);
    }
}

int32_t sendsms_url_asked(struct hilo_str url, const struct sendsms_escapes *e, struct buf *out)
{
    int32_t rc = HILO_OK;

    for (uint64_t i = 0; i < url.n && rc == HILO_OK; i++) {
        if (url.p[i] != '%')
            rc = buf_add(out, &url.p[i], 1);
        else if (i + 1 == url.n)
            rc = buf_add(out, "%%", 2);
        else
            rc = asked_one(url.p[++i], e, out);
    }
    return rc;
}

/* The word number nth of s, from 0; empty: there is none. */
static struct hilo_str word(struct hilo_str s, unsigned nth)
{
    struct hilo_str one = {NULL, 0};

    do {
        while (s.n && s.p[0] == ' ')
            s = str_n(s.p + 1, (size_t)s.n - 1);
        if (!s.n)
            return (struct hilo_str){NULL, 0};
        (void)str_cut(s, ' ', &one, &s);
    } while (nth--);
    return one;
}

/* The words from number nth on, as they are. */
static struct hilo_str words(struct hilo_str s, unsigned nth)
{
    struct hilo_str first = word(s, nth);

    return first.p ? str_n(first.p, (size_t)(s.p + s.n - first.p)) : first;
}

static int32_t add_time(struct buf *out, uint64_t us)
{
    time_t t = (time_t)(us / 1000000);
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    return buf_fmt(out, "%04d-%02d-%02d+%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int32_t sendsms_url_told(struct hilo_str url, const struct rec_callback *r, struct buf *out)
{
    /* The words that Kannel puts before those of the SMSC when it answers itself. */
    const char *ack = r->kind == CALLBACK_TAKEN ? "ACK/" : r->kind == CALLBACK_REFUSED ? "NACK/" : "";
    unsigned nth = 1;
    struct buf said = {0};
    int32_t rc = buf_add(&said, ack, strlen(ack));
    struct hilo_str text;

    if (rc == HILO_OK)
        rc = buf_add_str(&said, r->text);
    text = buf_str(&said);
    for (uint64_t i = 0; i < url.n && rc == HILO_OK; i++) {
        if (url.p[i] != '%' || i + 1 == url.n) {
            rc = buf_add(out, &url.p[i], 1);
            continue;
        }
        switch (url.p[++i]) {
        case 'd':
            rc = add_number(out, (int64_t)r->kind);
            break;
        case 'F':
            rc = add_encoded(out, r->ext_id);
            break;
        case 't':
            rc = add_time(out, r->time);
            break;
        case 'T':
            rc = add_number(out, (int64_t)(r->time / 1000000));
            break;
        case 'a':
        case 'A':
        case 'b':
            rc = add_encoded(out, text);
            break;
        case 'k':
            rc = add_encoded(out, word(text, 0));
            break;
        case 's':
        case 'S':
            rc = add_encoded(out, word(text, nth++));
            break;
        case 'r':
            rc = add_encoded(out, words(text, nth));
            break;
        case '%':
            rc = buf_add(out, "%", 1);
            break;
        default:
            rc = buf_add(out, &url.p[i - 1], 2);
            break;
        }
    }
    buf_done(&said);
    return rc;
}
