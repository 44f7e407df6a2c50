/*
 * What sofia's parser drops or lets pass and RFC 3261 does not: a message class of ours, which is sofia's
 * with first lines read more patiently, and a look at all headers before the body is taken.
 *
 * A request whose first line or topmost Via is broken would be dropped in silence, and in a stream put what
 * follows out of step; here it is read on, so that it can be answered 400 (RFC 4475 3.1.2.1, 3.1.2.8) or, a
 * response, be dropped alone. An error header of ours makes sofia answer "400 Bad NAME Header".
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_int.h"

#include <errno.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/msg_parser.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/su_string.h>
#include <sofia-sip/url.h>
#include <stdlib.h>
#include <string.h>

/* The header classes that differ lie behind the message class in its block. */
struct classes {
    struct msg_hclass_s request, status, cseq;
};

enum { CODE_BROKEN = 999 }; /* of a status line that is none; no message of that code passes check() */

/* How many octets of token (RFC 3261 25.1) s begins with; sofia's methods have fewer characters. */
static size_t token(const char *s)
{
    size_t n = 0;

    while ((s[n] >= '0' && s[n] <= '9') || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= 'a' && s[n] <= 'z') ||
           (s[n] && strchr("-.!%*_+`'~", s[n])))
        n++;
    return n;
}

static char *upto(su_home_t *home, const char *s, size_t n)
{
    return su_strndup(home, s, (isize_t)n);
}

/* A NUL may stand in a quoted string behind a backslash (RFC 3261 25.1, RFC 4475 3.1.1.2), and would end the
 * text for sofia: in what has come of the headers it becomes another control character. */
static void mend_nul(msg_t *msg)
{
    char *p = msg_buf_committed_data(msg);
    usize_t n = p ? msg_buf_committed(msg) : 0;

    for (usize_t i = 1; i < n; i++) {
        if (p[i] == '\0' && p[i - 1] == '\\')
            p[i] = 0x1a;
        else if (p[i] == '\n' && (p[i - 1] == '\n' || (i >= 3 && p[i - 1] == '\r' && p[i - 2] == '\n')))
            break; /* the body is nobody's text */
    }
}

/* A method that sofia can't read, or a URI that is none: enough for a 405, or a 400. */
static issize_t request_d(su_home_t *home, msg_header_t *h, char *s, isize_t n)
{
    sip_request_t *rq = (sip_request_t *)(void *)h;
    char *whole = su_strndup(home, s, n), *uri, *version, *method;
    size_t len = whole ? token(whole) : 0;

    mend_nul(
        (msg_t *)(void *)home); /* first lines are read of messages only, with the message as their home */
    if (sip_request_d(home, h, s, n) == 0) {
        su_free(home, whole);
        return 0;
    }
    if (len == 0 || (whole[len] != ' ' && whole[len] != '\t') || !(method = upto(home, whole, len))) {
        su_free(home, whole);
        return -1;
    }
    memset(rq->rq_url, 0, sizeof *rq->rq_url);
    rq->rq_method_name = method;
    rq->rq_method = sip_method_code(method);
    if (rq->rq_method < 0)
        rq->rq_method = sip_method_unknown;
    uri = whole + len + strspn(whole + len, " \t");
    version = uri + strcspn(uri, " \t");
    if (*version) {
        *version++ = '\0';
        version += strspn(version, " \t");
    }
    if (sip_version_d(&version, &rq->rq_version) < 0 || *version || url_d(rq->rq_url, uri) < 0) {
        /* whole stays: url_d() may have left pointers into it */
        memset(rq->rq_url, 0, sizeof *rq->rq_url);
        rq->rq_url->url_type = url_invalid;
        rq->rq_version = sip_version_2_0;
    }
    return 0;
}

static issize_t cseq_d(su_home_t *home, msg_header_t *h, char *s, isize_t n)
{
    sip_cseq_t *cs = (sip_cseq_t *)(void *)h;
    char *copy = su_strndup(home, s, n), *p, *end;
    unsigned long seq;
    size_t len;
    issize_t result = sip_cseq_d(home, h, s, n);

    if (result >= 0 || !copy)
        goto out;
    errno = 0;
    seq = strtoul(copy, &end, 10);
    p = end + strspn(end, " \t\r\n");
    len = token(p);
    if (copy[0] < '0' || copy[0] > '9' || errno || seq > UINT32_MAX || p == end || len == 0 ||
        p[len + strspn(p + len, " \t\r\n")] || !(cs->cs_method_name = upto(home, p, len)))
        goto out;
    cs->cs_seq = (uint32_t)seq;
    cs->cs_method = sip_method_unknown;
    result = 0;
out:
    su_free(home, copy);
    return result;
}

static issize_t status_d(su_home_t *home, msg_header_t *h, char *s, isize_t n)
{
    sip_status_t *st = (sip_status_t *)(void *)h;

    if (sip_status_d(home, h, s, n) != 0) {
        st->st_version = sip_version_2_0;
        st->st_status = CODE_BROKEN;
        st->st_phrase = "";
    }
    return 0;
}

static void reject(msg_t *msg, sip_t *sip, const char *name)
{
    msg_header_t *h = msg_header_alloc(msg_home(msg), sip_error_class, 0);
    sip_error_t *e = (sip_error_t *)(void *)h;

    if (e) {
        e->er_name = name;
        e->er_next = sip->sip_error;
        sip->sip_error = e;
    }
    sip->sip_flags |= MSG_FLG_ERROR;
}

/* The Via that the request should have had: of where it came from, so that the answer finds back. */
static void make_via(msg_t *msg, sip_t *sip)
{
    su_sockaddr_t const *from = msg_addr(msg);
    char peer[UA_ADDRESS_MAX];
    sip_via_t *v;

    if (from->su_family != AF_INET && from->su_family != AF_INET6)
        return;
    ua_address(&from->su_sa, peer);
    v = sip_via_format(
        msg_home(msg), "SIP/2.0/%s %s;rport",
        MSG_IS_EXTRACT_COPY(sip->sip_flags) || !(sip->sip_flags & MSG_FLG_STREAMING) ? "UDP" : "TCP", peer);
    if (v)
        (void)msg_header_insert(msg, (msg_pub_t *)sip, (msg_header_t *)(void *)v);
}

static bool broken_via(sip_t const *sip)
{
    for (msg_error_t const *e = (msg_error_t const *)(void const *)sip->sip_error; e; e = e->er_next) {
        const char *name =
            e->er_common->h_class == sip_error_class ? e->er_name : e->er_common->h_class->hc_name;

        if (name && su_casematch(name, "Via"))
            return true;
    }
    return false;
}

/* A REFER outside of a dialog is none of ours, and nua can't refuse it: it sends a NOTIFY before anybody has
 * answered, fails, and tries again within itself until the stack is full. A method unknown to it, it answers
 * 501. */
static void hide_refer(sip_t *sip)
{
    if (sip->sip_request->rq_method != sip_method_refer || !sip->sip_cseq || !sip->sip_to ||
        sip->sip_to->a_tag)
        return;
    sip->sip_request->rq_method = sip_method_unknown;
    sip->sip_cseq->cs_method = sip_method_unknown;
}

static bool reachable(url_t const *u)
{
    return (u->url_type == url_sip || u->url_type == url_sips) && u->url_host && *u->url_host;
}

/* Where a dialog's requests would go must be SIP (RFC 3261 12.1.1): a BYE that nua can't address it tries
 * again within itself until the stack is full. The header's name, NULL: it is well. */
static const char *bad_target(sip_t const *sip)
{
    for (sip_contact_t const *m = sip->sip_contact; m; m = m->m_next)
        if (!reachable(m->m_url))
            return "Contact";
    for (sip_record_route_t const *r = sip->sip_record_route; r; r = r->r_next)
        if (!reachable(r->r_url))
            return "Record-Route";
    return NULL;
}

static void check_request(msg_t *msg, sip_t *sip)
{
    sip_request_t const *rq = sip->sip_request;

    if (!sip->sip_via && broken_via(sip))
        make_via(msg, sip);
    if (rq->rq_url->url_type == url_invalid)
        reject(msg, sip, "Request-Line");
    else if (rq->rq_url->url_headers)
        reject(msg, sip, "Request-URI"); /* RFC 3261 19.1.1: no headers in it */
    /* Also where sofia has found another header bad that it can do without. */
    if (!sip->sip_to)
        reject(msg, sip, "or Missing To");
    else if (!sip->sip_from)
        reject(msg, sip, "or Missing From");
    else if (!sip->sip_call_id)
        reject(msg, sip, "or Missing Call-ID");
    else if (!sip->sip_cseq)
        reject(msg, sip, "or Missing CSeq");
    else if (rq->rq_method == sip_method_invite && !sip->sip_contact)
        reject(msg, sip, "or Missing Contact"); /* RFC 3261 8.1.1.8 */
    else if (rq->rq_method != sip->sip_cseq->cs_method ||
             (rq->rq_method == sip_method_unknown &&
              !su_strmatch(rq->rq_method_name, sip->sip_cseq->cs_method_name)))
        reject(msg, sip, "CSeq"); /* RFC 3261 8.1.1.5: the request's method */
    else if (rq->rq_method != sip_method_register && rq->rq_method != sip_method_options && bad_target(sip))
        reject(msg, sip, bad_target(sip));
    hide_refer(sip);
}

static issize_t extract_body(msg_t *msg, msg_pub_t *pub, char b[], isize_t n, int eos)
{
    sip_t *sip = (sip_t *)(void *)pub;

    if (!(sip->sip_flags & (MSG_FLG_BODY | MSG_FLG_ERROR))) {
        if (sip->sip_request)
            check_request(msg, sip);
        else if (sip->sip_status && (sip->sip_status->st_status < 100 || sip->sip_status->st_status > 699 ||
                                     (sip->sip_status->st_status < 300 && sip->sip_cseq &&
                                      sip->sip_cseq->cs_method != sip_method_register &&
                                      sip->sip_cseq->cs_method != sip_method_options && bad_target(sip))))
            sip->sip_flags |= MSG_FLG_TRUNC; /* the one flag for which sofia drops a response */
    } else if (!(sip->sip_flags & MSG_FLG_BODY) && sip->sip_request && !sip->sip_via && broken_via(sip))
        make_via(msg, sip);
    return sip_extract_body(msg, sip, b, n, eos);
}

/* By its name, the header is found as ours; by its class, as which sofia makes headers, as theirs: both are
 * in the probing sequence of the table, ours first. */
static void stand_before(struct msg_mclass_s *mc, msg_hclass_t *theirs, msg_hclass_t *ours)
{
    short i = 0, k, n = mc->mc_hash_size;

    while (i < n && mc->mc_hash[i].hr_class != theirs)
        i++;
    for (k = i; i < n && mc->mc_hash[k].hr_class; k = (short)((k + 1) % n))
        ;
    if (i == n || mc->mc_hash_used + 1 >= n)
        return;
    mc->mc_hash[k] = mc->mc_hash[i];
    mc->mc_hash[i].hr_class = ours;
    mc->mc_hash_used++;
}

struct msg_mclass_s *ua_mclass_new(void)
{
    msg_mclass_t const *theirs = sip_default_mclass();
    size_t size = offsetof(msg_mclass_t, mc_hash) + (size_t)theirs->mc_hash_size * sizeof theirs->mc_hash[0];
    struct msg_mclass_s *mc;
    struct classes *ours;

    size = (size + 15) / 16 * 16;
    mc = calloc(1, size + sizeof *ours);
    if (!mc)
        abort();
    memcpy(mc, theirs,
           offsetof(msg_mclass_t, mc_hash) + (size_t)theirs->mc_hash_size * sizeof theirs->mc_hash[0]);
    ours = (struct classes *)(void *)((char *)mc + size);
    ours->request = *theirs->mc_request->hr_class;
    ours->request.hc_parse = request_d;
    ours->status = *theirs->mc_status->hr_class;
    ours->status.hc_parse = status_d;
    mc->mc_request->hr_class = &ours->request;
    mc->mc_status->hr_class = &ours->status;
    ours->cseq = *sip_cseq_class;
    ours->cseq.hc_parse = cseq_d;
    stand_before(mc, sip_cseq_class, &ours->cseq);
    mc->mc_extract_body = extract_body;
    return mc;
}
