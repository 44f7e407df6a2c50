/*
 * Listens, networks, targets, and texts for headers (ua_text.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The next word of *rest; false: no more. */
static bool word(struct hilo_str *rest, struct hilo_str *out)
{
    while (rest->n && isspace((unsigned char)*rest->p))
        rest->p++, rest->n--;
    out->p = rest->p;
    while (rest->n && !isspace((unsigned char)*rest->p))
        rest->p++, rest->n--;
    out->n = (uint64_t)(rest->p - out->p);
    return out->n > 0;
}

/* ---- listens -------------------------------------------------------------------------------- */

static bool listen_read(struct hilo_str w, struct ua_listen *l)
{
    struct in6_addr six;
    struct in_addr four;
    const char *colon, *host = w.p, *end;
    size_t n, port;
    char *stop;

    colon = w.n ? memrchr(w.p, ':', w.n) : NULL;
    if (!colon)
        return false;
    end = colon;
    if (*host == '[') {
        if (end == host || end[-1] != ']')
            return false;
        host++, end--;
        l->v6 = true;
    }
    n = (size_t)(end - host);
    port = (size_t)(w.p + w.n - colon - 1);
    if (n == 0 || n >= sizeof l->host || port == 0 || port >= sizeof l->port)
        return false;
    memcpy(l->host, host, n);
    memcpy(l->port, colon + 1, port);
    if (strspn(l->port, "0123456789") != port)
        return false;
    n = strtoul(l->port, &stop, 10);
    return n > 0 && n < 65536 &&
           (l->v6 ? inet_pton(AF_INET6, l->host, &six) == 1 : inet_pton(AF_INET, l->host, &four) == 1);
}

static bool listens_of(struct hilo_str text, char kind, struct ua_listen *out, uint32_t *n, char why[UA_WHY])
{
    struct hilo_str w;

    while (word(&text, &w)) {
        struct ua_listen l = {0};
        uint32_t i;

        if (!listen_read(w, &l)) {
            (void)snprintf(why, UA_WHY, "%.*s is no address to listen on; write 0.0.0.0:5060 or [::]:5060",
                           (int)(w.n < 100 ? w.n : 100), w.p);
            return false;
        }
        for (i = 0; i < *n; i++)
            if (strcmp(out[i].host, l.host) == 0 && strcmp(out[i].port, l.port) == 0)
                break;
        if (i == UA_LISTENS_MAX) {
            (void)snprintf(why, UA_WHY, "more than %d addresses to listen on", UA_LISTENS_MAX);
            return false;
        }
        if (i == *n)
            out[(*n)++] = l;
        if ((kind == 's' && out[i].tcp) || (kind == 't' && out[i].tls)) {
            (void)snprintf(why, UA_WHY, "%.*s can't be for TCP and for TLS; give one another port", (int)w.n,
                           w.p);
            return false;
        }
        *(kind == 'u' ? &out[i].udp : kind == 't' ? &out[i].tcp : &out[i].tls) = true;
    }
    return true;
}

uint32_t ua_listens(const struct ua_conf *c, struct ua_listen out[UA_LISTENS_MAX], char why[UA_WHY])
{
    uint32_t n = 0;

    if (!listens_of(c->udp, 'u', out, &n, why) || !listens_of(c->tcp, 't', out, &n, why) ||
        !listens_of(c->tls, 's', out, &n, why))
        return 0;
    if (n == 0)
        (void)snprintf(why, UA_WHY, "no address to listen on; give one for UDP, TCP or TLS");
    return n;
}

/* ---- networks ------------------------------------------------------------------------------- */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool net_read(struct hilo_str w, struct ua_net *net)
{
    char host[48];
    const char *slash = memchr(w.p, '/', w.n);
    size_t n = slash ? (size_t)(slash - w.p) : w.n;
    uint32_t max = 128, bits = 0;
    struct in_addr four;

    if (n == 0 || n >= sizeof host)
        return false;
    memcpy(host, w.p, n);
    host[n] = '\0';
    if (inet_pton(AF_INET, host, &four) == 1) {
        memcpy(net->addr, mapped, sizeof mapped);
        memcpy(net->addr + 12, &four, 4);
        max = 32;
    } else if (inet_pton(AF_INET6, host, net->addr) != 1)
        return false;
    if (slash) {
        const char *p = slash + 1, *end = w.p + w.n;

        if (p == end || end - p > 3)
            return false;
        for (; p < end; p++) {
            if (*p < '0' || *p > '9')
                return false;
            bits = bits * 10 + (uint32_t)(*p - '0');
        }
        if (bits > max)
            return false;
    } else
        bits = max;
    net->bits = bits + (128 - max);
    return true;
}

uint32_t ua_nets(struct hilo_str text, struct ua_net out[UA_NETS_MAX], char why[UA_WHY])
{
    struct hilo_str w;
    uint32_t n = 0;

    while (word(&text, &w)) {
        if (n == UA_NETS_MAX) {
            (void)snprintf(why, UA_WHY, "more than %d networks of a trunk; write wider ones", UA_NETS_MAX);
            return UINT32_MAX;
        }
        if (!net_read(w, &out[n])) {
            (void)snprintf(why, UA_WHY, "%.*s is no address or network; write 192.0.2.7 or 10.0.0.0/8",
                           (int)(w.n < 100 ? w.n : 100), w.p);
            return UINT32_MAX;
        }
        n++;
    }
    return n;
}

bool ua_net_has(const struct ua_net *net, const uint8_t addr[16])
{
    uint32_t octets = net->bits / 8, rest = net->bits % 8;

    return memcmp(net->addr, addr, octets) == 0 &&
           (rest == 0 || ((net->addr[octets] ^ addr[octets]) & (uint8_t)(0xff00u >> rest)) == 0);
}

bool ua_net_of(const struct sockaddr *sa, uint8_t addr[16])
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        memcpy(addr, mapped, sizeof mapped);
        memcpy(addr + 12, &in.sin_addr, 4);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in;

        memcpy(&in, sa, sizeof in);
        memcpy(addr, &in.sin6_addr, 16);
        return true;
    }
    return false;
}

void ua_address(const struct sockaddr *sa, char out[UA_ADDRESS_MAX])
{
    char host[48] = "?";

    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
        (void)snprintf(out, UA_ADDRESS_MAX, "%s:%u", host, (unsigned)ntohs(in.sin_port));
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in;

        memcpy(&in, sa, sizeof in);
        if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
            (void)inet_ntop(AF_INET, in.sin6_addr.s6_addr + 12, host, sizeof host);
            (void)snprintf(out, UA_ADDRESS_MAX, "%s:%u", host, (unsigned)ntohs(in.sin6_port));
        } else {
            (void)inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof host);
            (void)snprintf(out, UA_ADDRESS_MAX, "[%s]:%u", host, (unsigned)ntohs(in.sin6_port));
        }
    } else
        (void)snprintf(out, UA_ADDRESS_MAX, "?");
}

/* ---- targets -------------------------------------------------------------------------------- */

bool ua_target(struct hilo_str text, struct ua_target *t)
{
    const char *at, *p;
    struct hilo_str rest = text;

    memset(t, 0, sizeof *t);
    for (uint64_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == '<' || text.p[i] == '>' || text.p[i] == '"')
            return false;
    if (rest.n > 5 && strncasecmp(rest.p, "sips:", 5) == 0) {
        t->secure = true;
        rest.p += 5, rest.n -= 5;
    } else if (rest.n > 4 && strncasecmp(rest.p, "sip:", 4) == 0)
        rest.p += 4, rest.n -= 4;
    at = rest.n ? memchr(rest.p, '@', rest.n) : NULL;
    if (at) {
        t->user = (struct hilo_str){rest.p, (uint64_t)(at - rest.p)};
        rest.n -= t->user.n + 1;
        rest.p = at + 1;
        if (t->user.n == 0)
            return false;
    }
    p = rest.n ? memchr(rest.p, ';', rest.n) : NULL;
    t->host = (struct hilo_str){rest.p, p ? (uint64_t)(p - rest.p) : rest.n};
    if (p)
        t->params = (struct hilo_str){p, rest.n - t->host.n};
    return t->host.n > 0 && !memchr(t->host.p, '?', t->host.n) &&
           !(t->params.n && memchr(t->params.p, '?', t->params.n));
}

/* ---- texts ---------------------------------------------------------------------------------- */

bool ua_put(char *out, size_t n, struct hilo_str s)
{
    size_t have = strlen(out);

    if (s.n >= n - have)
        return false;
    if (s.n)
        memcpy(out + have, s.p, s.n);
    out[have + s.n] = '\0';
    return true;
}

static bool put_but(char *out, size_t n, struct hilo_str s, const char *also)
{
    size_t have = strlen(out), at = have;

    for (uint64_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x80 && (isalnum(c) || (c && strchr(also, c)))) {
            if (at + 1 >= n)
                goto full;
            out[at++] = (char)c;
        } else {
            if (at + 3 >= n)
                goto full;
            (void)snprintf(out + at, 4, "%%%02X", c);
            at += 3;
        }
    }
    out[at] = '\0';
    return true;
full:
    out[have] = '\0';
    return false;
}

bool ua_put_user(char *out, size_t n, struct hilo_str s)
{
    return put_but(out, n, s, "-_.!~*'()&=+$,;?/");
}

bool ua_put_hvalue(char *out, size_t n, struct hilo_str s)
{
    return put_but(out, n, s, "-_.!~*'()");
}

bool ua_put_quoted(char *out, size_t n, struct hilo_str s)
{
    size_t have = strlen(out), at = have;

    if (at + 3 >= n)
        return false;
    out[at++] = '"';
    for (uint64_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < ' ' || c == 0x7f)
            continue;
        if (at + 4 >= n) {
            out[have] = '\0';
            return false;
        }
        if (c == '"' || c == '\\')
            out[at++] = '\\';
        out[at++] = (char)c;
    }
    out[at++] = '"';
    out[at] = '\0';
    return true;
}
