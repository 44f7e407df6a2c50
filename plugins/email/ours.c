/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ours.h"

#include <strings.h>

static bool same(struct hilo_str a, struct hilo_str b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, (size_t)a.n) == 0);
}

static bool split(struct hilo_str address, struct hilo_str *local, struct hilo_str *domain)
{
    const char *at = address.n ? memrchr(address.p, '@', (size_t)address.n) : NULL;

    if (!at)
        return false;
    *local = (struct hilo_str){address.p, (uint64_t)(at - address.p)};
    *domain = (struct hilo_str){at + 1, address.n - local->n - 1};
    return true;
}

char ours_separator(const struct email_conf *c)
{
    return c->reply_domain.n || !c->separator.n ? '\0' : c->separator.p[0];
}

bool ours_tokened(const struct email_conf *c, const char *token, char out[EMAIL_ADDRESS_MAX])
{
    char base[EMAIL_ADDRESS_MAX];
    struct hilo_str address = c->address;

    if (c->reply_domain.n) {
        if (c->reply_domain.n + 3 > sizeof base)
            return false;
        memcpy(base, "x@", 2);
        memcpy(base + 2, c->reply_domain.p, (size_t)c->reply_domain.n);
        address = (struct hilo_str){base, c->reply_domain.n + 2};
    }
    return token_address(address, ours_separator(c), token, out, EMAIL_ADDRESS_MAX);
}

/* Up to the first separator, as mail servers cut it. */
static bool is(const struct email_conf *c, struct hilo_str one, struct hilo_str local, struct hilo_str domain)
{
    struct hilo_str l, d;
    const char *cut = c->separator.n && local.n ? memchr(local.p, c->separator.p[0], (size_t)local.n) : NULL;

    if (!split(one, &l, &d) || !same(d, domain))
        return false;
    if (same(l, local))
        return true;
    local.n = cut ? (uint64_t)(cut - local.p) : local.n;
    return same(l, local);
}

/* The next word of a list with blanks between. */
static bool word_next(struct hilo_str *rest, struct hilo_str *out)
{
    uint64_t n = 0;

    while (rest->n && (*rest->p == ' ' || *rest->p == '\n')) {
        rest->p++;
        rest->n--;
    }
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\n')
        n++;
    if (n == 0)
        return false;
    *out = (struct hilo_str){rest->p, n};
    rest->p += n;
    rest->n -= n;
    return true;
}

bool ours_address(const struct email_conf *c, struct hilo_str address)
{
    struct hilo_str local, domain, rest = c->aliases, alias;

    if (!split(address, &local, &domain) || local.n == 0)
        return false;
    if (is(c, c->address, local, domain) || (c->reply_domain.n && same(c->reply_domain, domain)))
        return true;
    while (word_next(&rest, &alias))
        if (is(c, alias, local, domain))
            return true;
    return false;
}

/* *out only if it is one of ours: an id that somebody made up gets no further. */
static bool in_token(const struct email *e, enum token_kind kind, struct hilo_str token, struct hilo_id *out)
{
    struct hilo_id id;

    if (!token_read(kind, token, e->keys, e->n_keys, &id))
        return false;
    *out = id;
    return true;
}

static bool in_address(const struct email *e, enum token_kind kind, const char *address, struct hilo_id *out)
{
    return in_token(e, kind, token_in(email_str(address), ours_separator(e->conf)), out);
}

static bool in_id(const struct email *e, const char *id, struct hilo_id *out)
{
    return id && in_token(e, TOKEN_REPLY, token_in(email_str(id), '\0'), out);
}

bool ours_answered(const struct email *e, const char *const *rcpt, size_t n_rcpt, const struct mail *m,
                   struct hilo_id *out)
{
    size_t i;

    for (i = 0; i < n_rcpt; i++)
        if (in_address(e, TOKEN_REPLY, rcpt[i], out))
            return true;
    for (i = 0; i < m->n_to; i++)
        if (in_address(e, TOKEN_REPLY, m->to[i].address, out))
            return true;
    if (in_id(e, m->in_reply_to, out))
        return true;
    for (i = m->n_references; i-- > 0;)
        if (in_id(e, m->reference[i], out))
            return true;
    return false;
}

bool ours_invited(const struct email *e, const struct mail *m, struct hilo_id *out)
{
    return m->reply.partstat != MAIL_NO_REPLY && m->reply.uid &&
           in_token(e, TOKEN_EVENT, token_in(email_str(m->reply.uid), '\0'), out);
}

bool ours_bounced(const struct email *e, const char *const *rcpt, size_t n_rcpt, const struct mail *m)
{
    const char *from = m->from.address ? m->from.address : "";
    struct hilo_id id;
    size_t i;

    if (!m->automatic ||
        (strncasecmp(from, "mailer-daemon@", 14) != 0 && strncasecmp(from, "postmaster@", 11) != 0))
        return false;
    for (i = 0; i < n_rcpt; i++)
        if (in_address(e, TOKEN_BOUNCE, rcpt[i], &id))
            return true;
    return false;
}

bool ours_reported(const struct email *e, const char *const *rcpt, size_t n_rcpt, const struct mail *m,
                   struct hilo_id *out)
{
    size_t i;

    for (i = 0; i < n_rcpt; i++)
        if (in_address(e, TOKEN_BOUNCE, rcpt[i], out))
            return true;
    for (i = 0; i < m->n_to; i++)
        if (in_address(e, TOKEN_BOUNCE, m->to[i].address, out))
            return true;
    return in_id(e, m->about.message_id, out) || ours_answered(e, rcpt, n_rcpt, m, out);
}
