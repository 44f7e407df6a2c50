/* SPDX-License-Identifier: Apache-2.0 */
#include "negotiate.h"
#include "desc.h"
#include "sdes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NEG_TYPE_MAX = 127, NEG_DTMF_TYPE = 101 }; /* payload types; of our offers */
enum { NEG_PTIME = 20, NEG_PTIME_LEAST = 10, NEG_PTIME_MOST = 60 };
enum { NEG_RTCP_FIRST = 72, NEG_RTCP_LAST = 76 }; /* payload types that look like RTCP (RFC 3551) */

/* ---- one medium of theirs ----------------------------------------------------------------------- */

/* A number at the beginning of an attribute's value; none: what it is without one. */
static uint32_t neg_number(const struct desc_media *m, const char *name, uint32_t none)
{
    const char *at = NULL;
    struct hilo_str value;
    uint32_t v;

    if (!desc_attribute(m, name, &at, &value) || !desc_number(desc_word(&value, 0), UINT32_MAX, &v))
        return none;
    return v;
}

/* Where they await RTP. *hold: nowhere, 0.0.0.0 (RFC 3264 8.4). */
static bool neg_address(const struct desc_media *m, sa_family_t family, struct sockaddr_storage *out,
                        bool *hold)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    struct hilo_str c = m->connection, net = desc_word(&c, 0), type = desc_word(&c, 0),
                    address = desc_word(&c, 0);
    char host[INET6_ADDRSTRLEN] = "";

    memset(out, 0, sizeof *out);
    if (!desc_is(net, "IN") || !desc_is(type, family == AF_INET6 ? "IP6" : "IP4") || address.n >= sizeof host)
        return false;
    memcpy(host, address.p, address.n);
    if (family == AF_INET && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)m->port);
        *hold = v4->sin_addr.s_addr == htonl(INADDR_ANY);
        return !IN_MULTICAST(ntohl(v4->sin_addr.s_addr)) && v4->sin_addr.s_addr != htonl(INADDR_BROADCAST);
    }
    if (family == AF_INET6 && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)m->port);
        *hold = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
        return !IN6_IS_ADDR_MULTICAST(&v6->sin6_addr);
    }
    return false;
}

/* Whether a payload type stands for this: by its rtpmap, else by itself (RFC 3551). */
static bool neg_type_is(const struct desc_media *m, uint32_t type, const char *encoding)
{
    struct hilo_str value, name, rate;
    const char *at = NULL;
    uint32_t n;

    while (desc_attribute(m, "rtpmap", &at, &value)) {
        if (!desc_number(desc_word(&value, 0), NEG_TYPE_MAX, &n) || n != type)
            continue;
        name = desc_word(&value, '/');
        rate = desc_word(&value, '/');
        return desc_is(name, encoding) && desc_is(rate, "8000") &&
               (value.n == 0 || desc_is(desc_word(&value, 0), "1"));
    }
    return (type == NEG_PCMU && strcmp(encoding, "PCMU") == 0) ||
           (type == NEG_PCMA && strcmp(encoding, "PCMA") == 0) ||
           (type == NEG_CN && strcmp(encoding, "CN") == 0);
}

/* The first format that is this, or -1. */
static int32_t neg_format(const struct desc_media *m, const char *encoding)
{
    struct hilo_str rest = m->formats, word;
    uint32_t type;

    for (word = desc_word(&rest, 0); word.n; word = desc_word(&rest, 0))
        if (desc_number(word, NEG_TYPE_MAX, &type) && (type < NEG_RTCP_FIRST || type > NEG_RTCP_LAST) &&
            neg_type_is(m, type, encoding))
            return (int32_t)type;
    return -1;
}

static const char *neg_encoding(enum neg_codec codec)
{
    return codec == NEG_PCMU ? "PCMU" : "PCMA";
}

static bool neg_formats(const struct desc_media *m, const struct neg_local *l, struct neg_agreed *a)
{
    uint32_t i;

    a->codec_type = -1;
    for (i = 0; i < l->n_prefer && a->codec_type < 0; i++) {
        a->codec = l->prefer[i];
        a->codec_type = neg_format(m, neg_encoding(l->prefer[i]));
    }
    a->dtmf_type = a->dtmf_recv_type = neg_format(m, "telephone-event");
    a->cn_type = neg_format(m, "CN");
    return a->codec_type >= 0;
}

static uint32_t neg_ptime(const struct desc_media *m)
{
    uint32_t v = neg_number(m, "ptime", 0), most = neg_number(m, "maxptime", NEG_PTIME_MOST);

    if (v == 0)
        v = NEG_PTIME;
    if (v > most)
        v = most;
    if (v > NEG_PTIME_MOST)
        v = NEG_PTIME_MOST;
    if (v < NEG_PTIME_LEAST)
        v = NEG_PTIME_LEAST;
    return v - v % 10;
}

static bool neg_crypto(const struct desc_media *m, const struct neg_crypto *only, struct neg_crypto *out)
{
    const char *at = NULL;
    struct hilo_str value;

    while (desc_attribute(m, "crypto", &at, &value))
        if (sdes_read(value, out) && (!only || (out->suite == only->suite && out->tag == only->tag)))
            return true;
    *out = (struct neg_crypto){0};
    return false;
}

/* With feedback (RFC 4585) or without: we owe none. */
static bool neg_is_srtp(const struct desc_media *m)
{
    return desc_is(m->proto, "RTP/SAVP") || desc_is(m->proto, "RTP/SAVPF");
}

static bool neg_is_plain(const struct desc_media *m)
{
    return desc_is(m->proto, "RTP/AVP") || desc_is(m->proto, "RTP/AVPF");
}

/* Whether we can do what this medium says; only: the crypto that their answer must repeat. */
static bool neg_take(const struct neg_local *l, const struct desc_media *m, bool srtp,
                     const struct neg_crypto *only, struct neg_agreed *a, const char **why)
{
    bool hold = false;
    uint32_t rtcp;

    *a = (struct neg_agreed){0};
    *why = "no audio stream that can be taken";
    if (!desc_is(m->kind, "audio") || m->port == 0 || m->port > UINT16_MAX)
        return false;
    *why = srtp ? "SRTP is asked for here (RTP/SAVP)" : "plain RTP is asked for here (RTP/AVP)";
    if (!(srtp ? neg_is_srtp(m) : neg_is_plain(m)))
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
    rtcp = neg_number(m, "rtcp", m->port + 1);
    a->rtcp_port = rtcp <= UINT16_MAX ? (uint16_t)rtcp : 0;
    if (m->mode & DESC_RECEIVES && !hold)
        a->direction |= NEG_SEND;
    if (m->mode & DESC_SENDS)
        a->direction |= NEG_RECV;
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

static void neg_put_refused(struct neg_out *o, const struct desc_media *m)
{
    struct hilo_str rest = m->formats, format = desc_word(&rest, 0);

    if (format.n == 0)
        format = (struct hilo_str){"0", 1};
    if (m->kind.n + m->proto.n + format.n >= NEG_TEXT_MAX)
        o->full = true;
    else
        neg_put(o, "m=%.*s 0 %.*s %.*s\r\n", (int)m->kind.n, m->kind.p, (int)m->proto.n, m->proto.p,
                (int)format.n, format.p);
}

static const char *neg_mode(uint32_t direction)
{
    static const char *const mode[4] = {"inactive", "sendonly", "recvonly", "sendrecv"};

    return mode[direction & (NEG_SEND | NEG_RECV)];
}

/* Our audio, of one codec or of all that we prefer. dtmf, cn: -1: without. */
static void neg_put_audio(struct neg_out *o, const struct neg_local *l, struct hilo_str proto,
                          const enum neg_codec *codec, uint32_t n, const int32_t *codec_type, int32_t dtmf,
                          int32_t cn, const struct neg_crypto *crypto, uint32_t direction)
{
    /* The port is at the same place in both families. */
    unsigned port = ntohs(((const struct sockaddr_in *)&l->addr)->sin_port);
    char key[SDES_TEXT_MAX];
    uint32_t i;

    neg_put(o, "m=audio %u %.*s", port, (int)proto.n, proto.p);
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

/* Which of the media of `before` is the audio; all of them in d. */
static uint32_t neg_place(const struct neg_local *l, struct desc *d)
{
    uint32_t i;

    if (l->before.n == 0 || desc_read(l->before, d))
        d->n = 0;
    for (i = 0; i < d->n; i++)
        if (d->media[i].port != 0)
            return i;
    return 0;
}

/* ---- what negotiate.h promises ------------------------------------------------------------------ */

size_t neg_offer(const struct neg_local *l, char out[NEG_TEXT_MAX])
{
    static const struct neg_crypto none;
    bool srtp = l->srtp == NEG_SRTP_MUST;
    const struct hilo_str proto = {srtp ? "RTP/SAVP" : "RTP/AVP", srtp ? 8 : 7};
    struct neg_out o = {.p = out};
    struct desc before;
    int32_t type[2];
    uint32_t at = neg_place(l, &before), i;

    for (i = 0; i < l->n_prefer; i++)
        type[i] = (int32_t)l->prefer[i];
    neg_put_head(&o, l);
    for (i = 0; i < before.n || i == 0; i++) {
        if (i == at)
            neg_put_audio(&o, l, proto, l->prefer, l->n_prefer, type, NEG_DTMF_TYPE, -1,
                          srtp ? &l->crypto : &none, l->direction);
        else
            neg_put_refused(&o, &before.media[i]);
    }
    return o.full ? 0 : o.n;
}

uint32_t neg_answer(const struct neg_local *l, struct hilo_str offer, char out[NEG_TEXT_MAX], size_t *n,
                    struct neg_agreed *agreed, const char **why)
{
    const char *first = NULL;
    struct neg_out o = {.p = out};
    struct neg_agreed a = {0};
    struct desc d;
    uint32_t i, at;
    bool srtp;

    *why = desc_read(offer, &d);
    if (*why)
        return 400;
    *why = "no audio stream is offered";
    for (at = 0; at < d.n; at++) {
        /* Where both may be, the medium says which it is. */
        srtp =
            l->srtp == NEG_SRTP_MUST || (l->srtp == NEG_SRTP_MAY && desc_is(d.media[at].proto, "RTP/SAVP"));
        if (neg_take(l, &d.media[at], srtp, NULL, &a, why))
            break;
        /* Of several, the first audio says best what is wrong. */
        if (!first && desc_is(d.media[at].kind, "audio"))
            first = *why;
    }
    if (at == d.n) {
        *why = first ? first : *why;
        return 488;
    }
    if (a.remote.suite) {
        a.local = l->crypto;
        a.local.suite = a.remote.suite;
        a.local.tag = a.remote.tag;
    }
    neg_put_head(&o, l);
    for (i = 0; i < d.n; i++) {
        if (i == at)
            neg_put_audio(&o, l, d.media[at].proto, &a.codec, 1, &a.codec_type, a.dtmf_type, a.cn_type,
                          &a.local, a.direction);
        else
            neg_put_refused(&o, &d.media[i]);
    }
    *why = "more media than an answer has room for";
    if (o.full)
        return 488;
    *n = o.n;
    *agreed = a;
    return 0;
}

uint32_t neg_agree(const struct neg_local *l, struct hilo_str answer, struct neg_agreed *agreed,
                   const char **why)
{
    bool srtp = l->srtp == NEG_SRTP_MUST;
    struct neg_agreed a;
    struct desc d;
    uint32_t at = neg_place(l, &d);

    *why = desc_read(answer, &d);
    if (*why)
        return 488;
    *why = "the answer has fewer media than our offer";
    if (at >= d.n || !neg_take(l, &d.media[at], srtp, srtp ? &l->crypto : NULL, &a, why))
        return 488;
    if (srtp)
        a.local = l->crypto;
    if (a.dtmf_type >= 0)
        a.dtmf_recv_type = NEG_DTMF_TYPE;
    *agreed = a;
    return 0;
}
