/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lmtp_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BYTES_FIRST = 16 * 1024 };
/* Where in a mail we are (s->at). */
enum { AT_LINE, AT_DOT, AT_DOT_CR, AT_TEXT, AT_CR };

/* ---- replies ------------------------------------------------------------------------------------ */

static void end(struct lmtp_session *s)
{
    s->state = LMTP_ENDED;
}

/* One line; what would end or garble it is replaced. */
static void reply_text(struct lmtp_session *s, const char *text)
{
    size_t n = strnlen(text, LMTP_REPLY_MAX - 2), cap, i;
    char *grown;

    if (s->out_n + n + 2 > s->out_cap) {
        cap = s->out_cap ? s->out_cap * 2 : 1024;
        while (cap < s->out_n + n + 2)
            cap *= 2;
        grown = realloc(s->out, cap);
        if (!grown) { /* a client that gets no answer must not go on as if it had one */
            end(s);
            return;
        }
        s->out = grown;
        s->out_cap = cap;
    }
    for (i = 0; i < n; i++)
        s->out[s->out_n++] = (unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~' ? '?' : text[i];
    s->out[s->out_n++] = '\r';
    s->out[s->out_n++] = '\n';
}

static void reply(struct lmtp_session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void reply(struct lmtp_session *s, const char *format, ...)
{
    char line[LMTP_REPLY_MAX];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    reply_text(s, line);
}

static void refuse(struct lmtp_session *s, const char *text)
{
    reply_text(s, text);
    if (++s->refused < LMTP_REFUSED_MAX)
        return;
    reply(s, "421 4.7.0 %s Too many commands were refused", s->conf->hostname);
    end(s);
}

/* A digit 2, 4 or 5 and two more: else it is a mistake of ours, and the mail must come again. */
static bool reply_good(const char *text)
{
    return (text[0] == '2' || text[0] == '4' || text[0] == '5') && text[1] >= '0' && text[1] <= '5' &&
           text[2] >= '0' && text[2] <= '9' && text[3] == ' ';
}

/* ---- the transaction ------------------------------------------------------------------------------ */

static void bytes_drop(struct lmtp_session *s)
{
    if (s->bytes_cap)
        (void)s->hooks->hold(s->arg, -(int64_t)s->bytes_cap);
    free(s->bytes);
    s->bytes = NULL;
    s->n_bytes = s->bytes_cap = 0;
}

static void transaction_reset(struct lmtp_session *s)
{
    size_t i;

    for (i = 0; i < s->n_rcpt; i++) {
        free(s->rcpt[i]);
        free(s->answer[i]);
    }
    free(s->rcpt);
    free(s->answer);
    s->rcpt = s->answer = NULL;
    s->n_rcpt = s->rcpt_cap = s->answered = 0;
    s->from[0] = '\0';
    s->utf8 = s->over = s->full = false;
    bytes_drop(s);
}

static bool rcpt_add(struct lmtp_session *s, const char *address)
{
    size_t cap = s->rcpt_cap ? s->rcpt_cap * 2 : 4;
    char **grown;

    if (s->n_rcpt == s->rcpt_cap) {
        grown = realloc(s->rcpt, cap * sizeof *grown);
        if (!grown)
            return false;
        s->rcpt = grown;
        grown = realloc(s->answer, cap * sizeof *grown);
        if (!grown)
            return false;
        s->answer = grown;
        s->rcpt_cap = cap;
    }
    s->rcpt[s->n_rcpt] = strdup(address);
    s->answer[s->n_rcpt] = NULL;
    if (!s->rcpt[s->n_rcpt])
        return false;
    s->n_rcpt++;
    return true;
}

static void bytes_add(struct lmtp_session *s, const char *p, size_t n)
{
    size_t cap;
    char *grown;

    if (s->over || s->full || n == 0)
        return;
    if (n > s->conf->size_max || s->n_bytes > s->conf->size_max - n) {
        s->over = true;
        bytes_drop(s);
        return;
    }
    if (n > s->bytes_cap - s->n_bytes) {
        cap = s->bytes_cap ? s->bytes_cap : BYTES_FIRST;
        while (cap - s->n_bytes < n)
            cap *= 2;
        if (!s->hooks->hold(s->arg, (int64_t)(cap - s->bytes_cap))) {
            s->full = true;
        } else if ((grown = realloc(s->bytes, cap))) {
            s->bytes = grown;
            s->bytes_cap = cap;
        } else {
            (void)s->hooks->hold(s->arg, -(int64_t)(cap - s->bytes_cap));
            s->full = true;
        }
    }
    if (s->full) {
        bytes_drop(s);
        return;
    }
    memcpy(s->bytes + s->n_bytes, p, n);
    s->n_bytes += n;
}

/* ---- paths and parameters --------------------------------------------------------------------------- */

/* Whole characters of UTF-8; other: whether there are any but ASCII. */
static bool utf8_good(const char *p, bool *other)
{
    const unsigned char *c = (const unsigned char *)p;
    unsigned more, least, code;

    for (*other = false; *c; c++) {
        if (*c < 0x80)
            continue;
        *other = true;
        if (*c >= 0xc2 && *c <= 0xdf)
            more = 1, least = 0x80, code = *c & 0x1fU;
        else if ((*c & 0xf0) == 0xe0)
            more = 2, least = 0x800, code = *c & 0x0fU;
        else if (*c >= 0xf0 && *c <= 0xf4)
            more = 3, least = 0x10000, code = *c & 0x07U;
        else
            return false;
        for (; more; more--) {
            if ((*++c & 0xc0) != 0x80)
                return false;
            code = code << 6 | (*c & 0x3fU);
        }
        if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
    }
    return true;
}

/* "<@old,@route:ana@example.com> PARAMS": the address without brackets and route; params: behind the blank,
 * or the end. false: no path at all. too_long: it is one, but nobody has such an address. */
static bool path_read(const char *p, char out[LMTP_ADDRESS_MAX + 1], bool *too_long, const char **params)
{
    bool quoted = false, escaped = false;
    size_t n = 0;

    *too_long = false;
    while (*p == ' ')
        p++;
    if (*p++ != '<')
        return false;
    if (*p == '@') { /* a source route: taken and not followed (RFC 5321, appendix C) */
        p += strcspn(p, ":>");
        if (*p++ != ':')
            return false;
    }
    for (; *p && (quoted || *p != '>'); p++) {
        if (!quoted && (*p == ' ' || *p == '<'))
            return false;
        if (*p == '"' && !escaped)
            quoted = !quoted;
        escaped = quoted && *p == '\\' && !escaped;
        if (n < LMTP_ADDRESS_MAX)
            out[n++] = *p;
        else
            *too_long = true;
    }
    out[n] = '\0';
    if (*p++ != '>' || (*p && *p != ' '))
        return false;
    while (*p == ' ')
        p++;
    *params = p;
    return true;
}

/* The next "KEY=VALUE" of them; false: no more. */
static bool param_next(const char **p, const char **key, size_t *key_n, const char **val, size_t *val_n)
{
    const char *q;
    size_t n;

    while (**p == ' ')
        ++*p;
    if (!**p)
        return false;
    n = strcspn(*p, " ");
    q = memchr(*p, '=', n);
    *key = *p;
    *key_n = q ? (size_t)(q - *p) : n;
    *val = q ? q + 1 : NULL;
    *val_n = q ? n - *key_n - 1 : 0;
    *p += n;
    return true;
}

static bool is(const char *p, size_t n, const char *word)
{
    return p && n == strlen(word) && strncasecmp(p, word, n) == 0;
}

static bool number(const char *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    size_t i;

    if (n == 0 || n > 20)
        return false;
    for (i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        if (v > (UINT64_MAX - 9) / 10)
            v = UINT64_MAX; /* SIZE may have 20 digits: more than anybody has */
        else
            v = v * 10 + (uint64_t)(p[i] - '0');
    }
    *out = v;
    return true;
}

/* What is wrong with MAIL's parameters; NULL: nothing. */
static const char *mail_params(const char *p, uint64_t *size, bool *utf8)
{
    bool sized = false, body = false;
    const char *key, *val;
    size_t key_n, val_n;

    *size = 0;
    *utf8 = false;
    while (param_next(&p, &key, &key_n, &val, &val_n)) {
        if (is(key, key_n, "SIZE") && !sized) {
            sized = true;
            if (!number(val, val_n, size))
                return "501 5.5.4 SIZE must be a number";
        } else if (is(key, key_n, "BODY") && !body) {
            body = true;
            if (!is(val, val_n, "7BIT") && !is(val, val_n, "8BITMIME"))
                return "501 5.5.4 BODY must be 7BIT or 8BITMIME";
        } else if (is(key, key_n, "SMTPUTF8") && !*utf8 && !val) {
            *utf8 = true;
        } else {
            return "555 5.5.4 Only SIZE, BODY and SMTPUTF8 are known here, each once";
        }
    }
    return NULL;
}

/* ---- commands ---------------------------------------------------------------------------------------- */

static void do_lhlo(struct lmtp_session *s, const char *rest)
{
    if (!*rest) {
        refuse(s, "501 5.5.4 LHLO needs your name");
        return;
    }
    transaction_reset(s);
    s->state = LMTP_READY;
    reply(s, "250-%s", s->conf->hostname);
    reply(s, "250-PIPELINING");
    reply(s, "250-ENHANCEDSTATUSCODES");
    reply(s, "250-8BITMIME");
    reply(s, "250-SMTPUTF8");
    reply(s, "250 SIZE %llu", (unsigned long long)s->conf->size_max);
}

static void do_mail(struct lmtp_session *s, const char *rest)
{
    char address[LMTP_ADDRESS_MAX + 1];
    const char *params, *why;
    bool too_long, utf8, other;
    uint64_t size;

    if (s->state != LMTP_READY) {
        refuse(s,
               s->state == LMTP_GREETED ? "503 5.5.1 LHLO comes first" : "503 5.5.1 A mail is begun already");
    } else if (!path_read(rest, address, &too_long, &params)) {
        refuse(s, "501 5.1.7 MAIL FROM:<address> is what is understood");
    } else if (too_long) {
        refuse(s, "501 5.1.7 The sender's address is too long");
    } else if ((why = mail_params(params, &size, &utf8))) {
        refuse(s, why);
    } else if (!utf8_good(address, &other)) {
        refuse(s, "501 5.1.7 The sender's address is no UTF-8");
    } else if (other && !utf8) {
        refuse(s, "553 5.6.7 Such an address needs SMTPUTF8");
    } else if (size > s->conf->size_max) {
        reply(s, "552 5.3.4 The largest mail taken has %llu bytes", (unsigned long long)s->conf->size_max);
    } else if (s->hooks->room(s->arg, size) != HILO_OK) {
        reply(s, "452 4.3.1 No room now, come again later");
    } else {
        memcpy(s->from, address, strlen(address) + 1);
        s->utf8 = utf8;
        s->state = LMTP_MAIL;
        s->refused = 0;
        reply(s, "250 2.1.0 Sender taken");
    }
}

static void do_rcpt(struct lmtp_session *s, const char *rest)
{
    char address[LMTP_ADDRESS_MAX + 1], why[256] = "";
    const char *params;
    bool too_long, other;

    if (s->state != LMTP_MAIL) {
        refuse(s, "503 5.5.1 MAIL comes first");
    } else if (!path_read(rest, address, &too_long, &params) || !address[0]) {
        refuse(s, "501 5.1.3 RCPT TO:<address> is what is understood");
    } else if (*params) {
        refuse(s, "555 5.5.4 Recipients have no parameters here");
    } else if (too_long) {
        reply(s, "550 5.1.1 Nobody here has so long an address");
    } else if (!utf8_good(address, &other)) {
        refuse(s, "501 5.1.3 The recipient's address is no UTF-8");
    } else if (other && !s->utf8) {
        refuse(s, "553 5.6.7 Such an address needs SMTPUTF8");
    } else if (s->n_rcpt >= s->conf->recipients_max) {
        reply(s, "452 4.5.3 No more recipients in one mail");
    } else if (s->hooks->rcpt(s->arg, address, why) != 0) {
        why[sizeof why - 1] = '\0';
        reply_text(s, reply_good(why) && why[0] != '2' ? why : "550 5.1.1 Nobody here has this address");
    } else if (!rcpt_add(s, address)) {
        reply(s, "451 4.3.0 No memory now, come again later");
    } else {
        s->refused = 0;
        reply(s, "250 2.1.5 Recipient taken");
    }
}

static void do_data(struct lmtp_session *s)
{
    if (s->state != LMTP_MAIL || s->n_rcpt == 0) {
        refuse(s, s->state == LMTP_MAIL ? "503 5.5.1 No recipient was taken" : "503 5.5.1 MAIL comes first");
        return;
    }
    s->state = LMTP_DATA;
    s->at = AT_LINE;
    reply(s, "354 End it with a line of one dot");
}

static void do_rset(struct lmtp_session *s)
{
    transaction_reset(s);
    if (s->state == LMTP_MAIL)
        s->state = LMTP_READY;
    reply(s, "250 2.0.0 Forgotten");
}

/* The command's word, and a blank or the end behind it. rest: what follows. */
static bool word(const char *line, const char *name, const char **rest)
{
    size_t n = strlen(name);

    if (strncasecmp(line, name, n) != 0 || (line[n] && line[n] != ' ' && name[n - 1] != ':'))
        return false;
    for (line += n; *line == ' '; line++)
        ;
    *rest = line;
    return true;
}

static void command(struct lmtp_session *s, const char *line)
{
    const char *rest;

    if (word(line, "LHLO", &rest)) {
        do_lhlo(s, rest);
    } else if (word(line, "MAIL FROM:", &rest)) {
        do_mail(s, rest);
    } else if (word(line, "RCPT TO:", &rest)) {
        do_rcpt(s, rest);
    } else if (word(line, "DATA", &rest) && !*rest) {
        do_data(s);
    } else if (word(line, "RSET", &rest) && !*rest) {
        do_rset(s);
    } else if (word(line, "NOOP", &rest)) {
        refuse(s, "250 2.0.0 Here"); /* counted: whoever does nothing else is ended */
    } else if (word(line, "VRFY", &rest)) {
        refuse(s, "252 2.5.1 Nothing is told of addresses; send the mail");
    } else if (word(line, "QUIT", &rest) && !*rest) {
        reply(s, "221 2.0.0 %s Until the next mail", s->conf->hostname);
        end(s);
    } else if (word(line, "HELO", &rest) || word(line, "EHLO", &rest)) {
        refuse(s, "500 5.5.1 This is LMTP: LHLO");
    } else if (word(line, "MAIL", &rest) || word(line, "RCPT", &rest)) {
        refuse(s, "501 5.5.2 MAIL FROM:<address> and RCPT TO:<address> are what is understood");
    } else if (word(line, "DATA", &rest) || word(line, "RSET", &rest) || word(line, "QUIT", &rest)) {
        refuse(s, "501 5.5.4 Nothing may follow this command");
    } else {
        refuse(s, "500 5.5.2 LHLO, MAIL, RCPT, DATA, RSET, NOOP, VRFY and QUIT are known here");
    }
}

/* A line is whole, or too long. */
static void line_whole(struct lmtp_session *s)
{
    size_t n = s->line_n;
    bool too_long = s->line_long;

    s->line_n = 0;
    s->line_long = false;
    s->progress++;
    if (n && s->line[n - 1] == '\r')
        n--;
    if (too_long || n >= sizeof s->line) {
        refuse(s, "500 5.5.2 The line is too long");
        return;
    }
    s->line[n] = '\0';
    if (strlen(s->line) != n || memchr(s->line, '\r', n)) {
        refuse(s, "500 5.5.2 The line has characters that no command has");
        return;
    }
    while (n && s->line[n - 1] == ' ')
        s->line[--n] = '\0';
    command(s, s->line);
}

static size_t feed_command(struct lmtp_session *s, const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    size_t k = lf ? (size_t)(lf - p) : n, room = sizeof s->line - s->line_n;

    if (k > room)
        s->line_long = true;
    if (!s->line_long)
        memcpy(s->line + s->line_n, p, k);
    s->line_n += s->line_long ? 0 : k;
    if (!lf)
        return n;
    line_whole(s);
    return k + 1;
}

/* ---- mails -------------------------------------------------------------------------------------------- */

static void answers_all(struct lmtp_session *s, const char *text)
{
    size_t i;

    for (i = 0; i < s->n_rcpt; i++)
        reply_text(s, text);
    transaction_reset(s);
    if (s->state != LMTP_ENDED)
        s->state = LMTP_READY;
}

static void mail_whole(struct lmtp_session *s)
{
    char text[LMTP_REPLY_MAX];

    s->progress++;
    if (s->over) {
        (void)snprintf(text, sizeof text, "552 5.3.4 The largest mail taken has %llu bytes",
                       (unsigned long long)s->conf->size_max);
        answers_all(s, text);
    } else if (s->full) {
        answers_all(s, "452 4.3.1 No room now, come again later");
    } else {
        s->state = LMTP_TAKEN;
        s->hooks->take(s->arg);
    }
}

static size_t feed_data(struct lmtp_session *s, const char *p, size_t n)
{
    const char *at = p, *to = p + n, *cr;

    while (at < to) {
        switch (s->at) {
        case AT_LINE:
            s->at = *at == '.' ? AT_DOT : AT_TEXT;
            if (*at == '.')
                at++;
            break;
        case AT_DOT: /* dropped, whatever follows */
            s->at = *at == '\r' ? AT_DOT_CR : AT_TEXT;
            if (*at == '\r')
                at++;
            break;
        case AT_DOT_CR:
            if (*at == '\n') {
                at++;
                s->progress += (uint64_t)(at - p);
                mail_whole(s);
                return (size_t)(at - p);
            }
            bytes_add(s, "\r", 1);
            s->at = AT_TEXT;
            break;
        case AT_TEXT:
            cr = memchr(at, '\r', (size_t)(to - at));
            bytes_add(s, at, (size_t)((cr ? cr : to) - at));
            s->at = cr ? AT_CR : AT_TEXT;
            at = cr ? cr + 1 : to;
            break;
        case AT_CR:
            if (*at == '\n') {
                bytes_add(s, "\r\n", 2);
                s->at = AT_LINE;
                at++;
            } else {
                bytes_add(s, "\r", 1);
                s->at = AT_TEXT;
            }
            break;
        }
    }
    s->progress += n;
    return n;
}

/* ---- the session ----------------------------------------------------------------------------------------
 */

void lmtp_session_init(struct lmtp_session *s, const struct lmtp_session_conf *conf,
                       const struct lmtp_session_hooks *hooks, void *arg)
{
    memset(s, 0, sizeof *s);
    s->conf = conf;
    s->hooks = hooks;
    s->arg = arg;
    s->state = LMTP_GREETED;
    reply(s, "220 %s LMTP Hilo", conf->hostname);
}

size_t lmtp_session_feed(struct lmtp_session *s, const char *p, size_t n)
{
    size_t done = 0;

    while (done < n && s->state < LMTP_TAKEN && s->out_n < LMTP_OUT_MAX)
        done +=
            s->state == LMTP_DATA ? feed_data(s, p + done, n - done) : feed_command(s, p + done, n - done);
    return done;
}

void lmtp_session_wrote(struct lmtp_session *s, size_t n)
{
    if (n < s->out_n)
        memmove(s->out, s->out + n, s->out_n - n);
    s->out_n -= n;
}

void lmtp_session_answer(struct lmtp_session *s, size_t rcpt, const char *text)
{
    const char *what = text && reply_good(text) ? text : "451 4.3.0 It can't be taken now, come again later";

    if (s->state != LMTP_TAKEN || rcpt >= s->n_rcpt || s->answer[rcpt])
        return;
    s->answer[rcpt] = strdup(what);
    if (!s->answer[rcpt]) { /* no answer: it is ended, and whatever is not known comes again */
        transaction_reset(s);
        end(s);
        return;
    }
    /* In the order of the recipients. */
    while (s->answered < s->n_rcpt && s->answer[s->answered])
        reply_text(s, s->answer[s->answered++]);
    if (s->answered < s->n_rcpt)
        return;
    transaction_reset(s);
    if (s->state == LMTP_TAKEN)
        s->state = LMTP_READY;
}

void lmtp_session_end(struct lmtp_session *s, const char *text)
{
    if (s->state == LMTP_TAKEN || s->state == LMTP_ENDED)
        return;
    reply_text(s, text);
    end(s);
}

void lmtp_session_done(struct lmtp_session *s)
{
    transaction_reset(s);
    free(s->out);
    s->out = NULL;
    s->out_n = s->out_cap = 0;
}
