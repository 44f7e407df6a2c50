/*
 * Each text is read twice: by sofia-sip's parser, and its m= lines as they stand, because a refused line is
 * given back as it came and the parser names some transports anew. Where the two count differently, the text
 * is refused. SPDX-License-Identifier: Apache-2.0
 */
#include "negotiate.h"
#include "sdes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <inttypes.h>
#include <sofia-sip/sdp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NEG_READ_MAX = 65536, NEG_LINES_MAX = 64 };
enum { NEG_DTMF_TYPE = 101 }; /* of our offers */
enum { NEG_PTIME = 20, NEG_PTIME_LEAST = 10, NEG_PTIME_MOST = 60 };
enum { NEG_RTCP_FIRST = 72, NEG_RTCP_LAST = 76 }; /* payload types that look like RTCP (RFC 3551) */

/* An m= line as it stands. */
struct neg_line {
    struct hilo_str media, port, proto, format; /* the first format; may be empty */
};
struct neg_text {
    su_home_t *home;
    sdp_parser_t *parser;
    const sdp_session_t *sdp;
    struct neg_line line[NEG_LINES_MAX];
    uint32_t n;
};

/* ---- reading ------------------------------------------------------------------------------------ */

static struct hilo_str neg_word(struct hilo_str *rest)
{
    struct hilo_str w;

    while (rest->n && (*rest->p == ' ' || *rest->p == '\t'))
        rest->p++, rest->n--;
    w = (struct hilo_str){rest->p, 0};
    while (rest->n && *rest->p > ' ' && *rest->p <= '~')
        rest->p++, rest->n--, w.n++;
    return w;
}

/* The m= lines, as sofia-sip sees lines. */
static bool neg_lines(struct hilo_str text, struct neg_line *line, uint32_t *n)
{
    struct hilo_str rest, part;
    uint64_t at = 0, end;

    *n = 0;
    while (at < text.n) {
        for (end = at; end < text.n && text.p[end] != '\r' && text.p[end] != '\n';)
            end++;
        rest = (struct hilo_str){text.p + at, end - at};
        at = end + 1;
        while (rest.n && (*rest.p == ' ' || *rest.p == '\t'))
            rest.p++, rest.n--;
        if (rest.n < 2 || memcmp(rest.p, "m=", 2) != 0)
            continue;
        if (*n == NEG_LINES_MAX)
            return false;
        rest = (struct hilo_str){rest.p + 2, rest.n - 2};
        line[*n].media = neg_word(&rest);
        line[*n].port = neg_word(&rest);
        line[*n].proto = neg_word(&rest);
        line[*n].format = neg_word(&rest);
        part = line[*n].proto;
        if (part.n == 0)
            return false;
        ++*n;
    }
    return true;
}

static void neg_done(struct neg_text *t)
{
    if (t->parser)
        sdp_parser_free(t->parser);
    if (t->home)
        su_home_unref(t->home);
}

/* False: *why; neg_done() in any case. */
static bool neg_read(struct neg_text *t, struct hilo_str text, const char **why)
{
    const sdp_media_t *m;
    uint32_t n = 0;

    *t = (struct neg_text){0};
    *why = "the session description (SDP) is missing";
    if (text.n == 0)
        return false;
    *why = "the session description (SDP) is longer than can be read";
    if (text.n > NEG_READ_MAX)
        return false;
    *why = "the session description (SDP) is malformed";
    if (memchr(text.p, '\0', text.n) || !neg_lines(text, t->line, &t->n))
        return false;
    t->home = su_home_new(sizeof *t->home);
    if (!t->home)
        abort();
    t->parser = sdp_parse(t->home, text.p, (issize_t)text.n, sdp_f_c_missing);
    t->sdp = sdp_session(t->parser);
    if (!t->sdp)
        return false;
    for (m = t->sdp->sdp_media; m; m = m->m_next)
        n++;
    return n == t->n;
}

static bool neg_is(struct hilo_str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* A number at the beginning of an attribute's value, or none. */
static unsigned long neg_number(const sdp_media_t *m, const char *name, unsigned long none)
{
    const sdp_attribute_t *a = sdp_attribute_find(m->m_attributes, name);
    unsigned long v;
    char *end;

    if (!a || !a->a_value)
        return none;
    v = strtoul(a->a_value, &end, 10);
    return end == a->a_value ? none : v;
}

/* ---- one line of theirs ------------------------------------------------------------------------- */

/* Where they await RTP. *hold: nowhere, 0.0.0.0 (RFC 3264 8.4). */
static bool neg_address(const sdp_media_t *m, sa_family_t family, struct sockaddr_storage *out, bool *hold)
{
    const sdp_connection_t *c = sdp_media_connections(m);
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    uint16_t port = htons((uint16_t)m->m_port);

    memset(out, 0, sizeof *out);
    if (!c || !c->c_address || c->c_mcast)
        return false;
    if (c->c_addrtype == sdp_addr_ip4 && family == AF_INET &&
        inet_pton(AF_INET, c->c_address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        *hold = v4->sin_addr.s_addr == htonl(INADDR_ANY);
        return !IN_MULTICAST(ntohl(v4->sin_addr.s_addr)) && v4->sin_addr.s_addr != htonl(INADDR_BROADCAST);
    }
    if (c->c_addrtype == sdp_addr_ip6 && family == AF_INET6 &&
        inet_pton(AF_INET6, c->c_address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        *hold = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
        return !IN6_IS_ADDR_MULTICAST(&v6->sin6_addr);
    }
    return false;
}

static const sdp_rtpmap_t *neg_format(const sdp_media_t *m, const char *encoding)
{
    const sdp_rtpmap_t *rm;

    for (rm = m->m_rtpmaps; rm; rm = rm->rm_next)
        if (rm->rm_encoding && strcasecmp(rm->rm_encoding, encoding) == 0 && rm->rm_rate == 8000 &&
            (!rm->rm_params || strcmp(rm->rm_params, "1") == 0) &&
            (rm->rm_pt < NEG_RTCP_FIRST || rm->rm_pt > NEG_RTCP_LAST))
            return rm;
    return NULL;
}

static const char *neg_encoding(enum neg_codec codec)
{
    return codec == NEG_PCMU ? "PCMU" : "PCMA";
}

static bool neg_formats(const sdp_media_t *m, const struct neg_local *l, struct neg_agreed *a)
{
    const sdp_rtpmap_t *rm = NULL;
    uint32_t i;

    for (i = 0; i < l->n_prefer && !rm; i++) {
        rm = neg_format(m, neg_encoding(l->prefer[i]));
        a->codec = l->prefer[i];
    }
    if (!rm)
        return false;
    a->codec_type = rm->rm_pt;
    rm = neg_format(m, "telephone-event");
    a->dtmf_type = a->dtmf_recv_type = rm ? (int32_t)rm->rm_pt : -1;
    rm = neg_format(m, "CN");
    a->cn_type = rm ? (int32_t)rm->rm_pt : -1;
    return true;
}

static uint32_t neg_ptime(const sdp_media_t *m)
{
    unsigned long v = neg_number(m, "ptime", 0), most = neg_number(m, "maxptime", NEG_PTIME_MOST);

    if (v == 0)
        v = NEG_PTIME;
    if (v > most)
        v = most;
    if (v > NEG_PTIME_MOST)
        v = NEG_PTIME_MOST;
    if (v < NEG_PTIME_LEAST)
        v = NEG_PTIME_LEAST;
    return (uint32_t)(v - v % 10);
}

static bool neg_crypto(const sdp_media_t *m, const struct neg_crypto *only, struct neg_crypto *out)
{
    const sdp_attribute_t *a;

    for (a = m->m_attributes; a; a = a->a_next)
        if (a->a_name && strcasecmp(a->a_name, "crypto") == 0 && a->a_value && sdes_read(a->a_value, out) &&
            (!only || (out->suite == only->suite && out->tag == only->tag)))
            return true;
    *out = (struct neg_crypto){0};
    return false;
}

/* Whether we can do what this line says; only: the crypto that their answer must repeat. */
static bool neg_take(const struct neg_local *l, const sdp_media_t *m, const struct neg_line *line, bool srtp,
                     const struct neg_crypto *only, struct neg_agreed *a, const char **why)
{
    unsigned long rtcp;
    bool hold = false;

    *a = (struct neg_agreed){0};
    *why = "no audio stream that can be taken";
    if (!neg_is(line->media, "audio") || m->m_rejected || m->m_port == 0 || m->m_port > UINT16_MAX)
        return false;
    *why = srtp ? "SRTP is asked for here (RTP/SAVP)" : "plain RTP is asked for here (RTP/AVP)";
    if (!neg_is(line->proto, srtp ? "RTP/SAVP" : "RTP/AVP"))
        return false;
    *why = "the address of the audio is missing, a name, of the other IP version, or no host's";
    if (!neg_address(m, l->addr.ss_family, &a->addr, &hold))
        return false;
    *why = "no codec in common: PCMU or PCMA is asked for here";
    if (!neg_formats(m, l, a))
        return false;
    *why = "no SRTP key (a=crypto) that can be used: AES_CM_128_HMAC_SHA1_80, one key, no MKI";
    if (srtp && !neg_crypto(m, only, &a->remote))
        return false;
    a->ptime_ms = neg_ptime(m);
    rtcp = neg_number(m, "rtcp", m->m_port + 1);
    a->rtcp_port = rtcp <= UINT16_MAX ? (uint16_t)rtcp : 0;
    a->direction =
        ((m->m_mode & sdp_recvonly) && !hold ? NEG_SEND : 0) | (m->m_mode & sdp_sendonly ? NEG_RECV : 0);
    a->direction &= l->direction;
    return true;
}

/* ---- writing ------------------------------------------------------------------------------------ */

struct neg_out {
    char *p;
    size_t n;
    bool full;
};

__attribute__((format(printf, 2, 3))) static void neg_put(struct neg_out *o, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(o->p + o->n, NEG_TEXT_MAX - o->n, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= NEG_TEXT_MAX - o->n)
        o->full = true;
    else
        o->n += (size_t)n;
}

static uint16_t neg_port(const struct sockaddr_storage *s)
{
    return ntohs(s->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)s)->sin6_port
                                          : ((const struct sockaddr_in *)s)->sin_port);
}

static void neg_put_head(struct neg_out *o, const struct neg_local *l)
{
    char host[INET6_ADDRSTRLEN] = "";
    bool v6 = l->addr.ss_family == AF_INET6;
    const void *addr = v6 ? (const void *)&((const struct sockaddr_in6 *)&l->addr)->sin6_addr
                          : (const void *)&((const struct sockaddr_in *)&l->addr)->sin_addr;

    if (!inet_ntop(l->addr.ss_family, addr, host, sizeof host))
        o->full = true;
    neg_put(o, "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN IP%c %s\r\ns=-\r\nc=IN IP%c %s\r\nt=0 0\r\n",
            l->session, l->version, v6 ? '6' : '4', host, v6 ? '6' : '4', host);
}

static void neg_put_refused(struct neg_out *o, const struct neg_line *line)
{
    neg_put(o, "m=%.*s 0 %.*s %.*s\r\n", (int)line->media.n, line->media.p, (int)line->proto.n, line->proto.p,
            line->format.n ? (int)line->format.n : 1, line->format.n ? line->format.p : "0");
}

static const char *neg_mode(uint32_t direction)
{
    static const char *const mode[4] = {"inactive", "sendonly", "recvonly", "sendrecv"};

    return mode[direction & (NEG_SEND | NEG_RECV)];
}

/* The line of our audio, of one codec or of all that we prefer. dtmf, cn: -1: without. */
static void neg_put_audio(struct neg_out *o, const struct neg_local *l, const enum neg_codec *codec,
                          uint32_t n, const int32_t *codec_type, int32_t dtmf, int32_t cn,
                          const struct neg_crypto *crypto, uint32_t direction)
{
    char key[SDES_TEXT_MAX];
    uint32_t i;

    neg_put(o, "m=audio %u RTP/%s", neg_port(&l->addr), crypto->suite ? "SAVP" : "AVP");
    for (i = 0; i < n; i++)
        neg_put(o, " %d", codec_type[i]);
    if (cn >= 0)
        neg_put(o, " %d", cn);
    if (dtmf >= 0)
        neg_put(o, " %d", dtmf);
    neg_put(o, "\r\n");
    if (crypto->suite) {
        sdes_write(crypto, key);
        neg_put(o, "a=crypto:%s\r\n", key);
    }
    for (i = 0; i < n; i++)
        neg_put(o, "a=rtpmap:%d %s/8000\r\n", codec_type[i], neg_encoding(codec[i]));
    if (cn >= 0)
        neg_put(o, "a=rtpmap:%d CN/8000\r\n", cn);
    if (dtmf >= 0)
        neg_put(o, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-16\r\n", dtmf, dtmf);
    neg_put(o, "a=ptime:%d\r\na=%s\r\n", NEG_PTIME, neg_mode(direction));
}

/* Which m= line of `before` carries the audio; its lines in t. */
static uint32_t neg_place(const struct neg_local *l, struct neg_line *line, uint32_t *n)
{
    uint32_t i;

    if (l->before.n == 0 || !neg_lines(l->before, line, n))
        *n = 0;
    for (i = 0; i < *n; i++)
        if (!neg_is(line[i].port, "0"))
            return i;
    return 0;
}

/* ---- what negotiate.h promises ------------------------------------------------------------------ */

size_t neg_offer(const struct neg_local *l, char out[NEG_TEXT_MAX])
{
    static const struct neg_crypto none;
    struct neg_line line[NEG_LINES_MAX];
    struct neg_out o = {.p = out};
    int32_t type[2];
    uint32_t n = 0, at = neg_place(l, line, &n), i;

    for (i = 0; i < l->n_prefer; i++)
        type[i] = (int32_t)l->prefer[i];
    neg_put_head(&o, l);
    for (i = 0; i < n || i == 0; i++) {
        if (i == at)
            neg_put_audio(&o, l, l->prefer, l->n_prefer, type, NEG_DTMF_TYPE, -1,
                          l->srtp == NEG_SRTP_MUST ? &l->crypto : &none, l->direction);
        else
            neg_put_refused(&o, &line[i]);
    }
    return o.full ? 0 : o.n;
}

uint32_t neg_answer(const struct neg_local *l, struct hilo_str offer, char out[NEG_TEXT_MAX], size_t *n,
                    struct neg_agreed *agreed, const char **why)
{
    const char *first = NULL;
    struct neg_agreed a;
    struct neg_text t;
    struct neg_out o = {.p = out};
    const sdp_media_t *m;
    uint32_t i, at, status = 400;

    if (!neg_read(&t, offer, why))
        goto out;
    status = 488;
    *why = "no audio stream is offered";
    for (m = t.sdp->sdp_media, at = 0; m; m = m->m_next, at++) {
        /* With SRTP allowed, the line says what it is. */
        bool srtp =
            l->srtp == NEG_SRTP_MUST || (l->srtp == NEG_SRTP_MAY && neg_is(t.line[at].proto, "RTP/SAVP"));

        if (neg_take(l, m, &t.line[at], srtp, NULL, &a, why))
            break;
        /* Of several audio lines, the first says best what is wrong. */
        if (!first && neg_is(t.line[at].media, "audio"))
            first = *why;
    }
    if (!m) {
        *why = first ? first : *why;
        goto out;
    }
    if (a.remote.suite) {
        a.local = l->crypto;
        a.local.suite = a.remote.suite;
        a.local.tag = a.remote.tag;
    }
    neg_put_head(&o, l);
    for (i = 0; i < t.n; i++) {
        if (i == at)
            neg_put_audio(&o, l, &a.codec, 1, &a.codec_type, a.dtmf_type, a.cn_type, &a.local, a.direction);
        else
            neg_put_refused(&o, &t.line[i]);
    }
    *why = "more media than an answer has room for";
    if (o.full)
        goto out;
    *n = o.n;
    *agreed = a;
    status = 0;
out:
    neg_done(&t);
    return status;
}

uint32_t neg_agree(const struct neg_local *l, struct hilo_str answer, struct neg_agreed *agreed,
                   const char **why)
{
    struct neg_line line[NEG_LINES_MAX];
    struct neg_agreed a;
    struct neg_text t;
    const sdp_media_t *m;
    bool srtp = l->srtp == NEG_SRTP_MUST;
    uint32_t n = 0, at = neg_place(l, line, &n), i, status = 488;

    if (!neg_read(&t, answer, why))
        goto out;
    *why = "the answer has fewer media than our offer";
    for (m = t.sdp->sdp_media, i = 0; m && i < at; i++)
        m = m->m_next;
    if (!m || !neg_take(l, m, &t.line[at], srtp, srtp ? &l->crypto : NULL, &a, why))
        goto out;
    if (srtp)
        a.local = l->crypto;
    if (a.dtmf_type >= 0)
        a.dtmf_recv_type = NEG_DTMF_TYPE;
    *agreed = a;
    status = 0;
out:
    neg_done(&t);
    return status;
}
