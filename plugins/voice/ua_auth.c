/*
 * Challenges. MD5 is sofia's: it gets the hash of user, realm and secret, and answers this and the dialog's
 * later requests itself. It gives up where SHA-256 is asked for (RFC 8760, which is preferred by standing
 * first); that is answered here by a request of our own with the header made.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ua_int.h"

#include <openssl/rand.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_tag.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "ua_digest.h"

static struct hilo_str user(const struct ua *ua)
{
    return ua->conf.auth_user.n ? ua->conf.auth_user : ua->conf.user;
}

/* A parameter without its quotes and escapes, in home. */
static struct hilo_str param(su_home_t *home, msg_auth_t const *au, const char *name)
{
    const char *v = msg_header_find_param(au->au_common, name);
    struct hilo_str out = {NULL, 0};
    char *p = v ? su_strdup(home, v) : NULL;

    if (!p)
        return out;
    out.p = p;
    if (*v != '"') {
        out.n = strlen(v);
        return out;
    }
    for (v++; *v && *v != '"'; v++) {
        if (*v == '\\' && v[1])
            v++;
        p[out.n++] = *v;
    }
    return out;
}

static bool is(struct hilo_str s, const char *text)
{
    return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static enum ua_digest_algorithm algorithm(su_home_t *home, msg_auth_t const *au)
{
    struct hilo_str a = param(home, au, "algorithm=");

    if (!au->au_scheme || strcasecmp(au->au_scheme, "Digest") != 0)
        return UA_DIGEST_NONE;
    return a.p == NULL || is(a, "MD5") ? UA_DIGEST_MD5 : is(a, "SHA-256") ? UA_DIGEST_SHA256 : UA_DIGEST_NONE;
}

/* Whether one more answer makes sense: not if the last was refused. A nonce that is stale, or another who
 * challenges (a proxy, then the server), is no refusal. */
static bool again(su_home_t *home, struct ua_op *op, sip_t const *sip)
{
    uint32_t status = (uint32_t)sip->sip_status->st_status;
    msg_auth_t const *au = status == 401 ? sip->sip_www_authenticate : sip->sip_proxy_authenticate;
    bool stale = au && is(param(home, au, "stale="), "true");

    if (!au || op->challenges >= UA_CHALLENGES_MAX || (op->challenges && op->last == status && !stale))
        return false;
    op->last = status;
    op->challenges++;
    return true;
}

static bool sha_in(su_home_t *home, msg_auth_t const *au)
{
    for (; au; au = au->au_next)
        if (algorithm(home, au) == UA_DIGEST_SHA256)
            return true;
    return false;
}

bool ua_authenticate(struct ua *ua, nua_handle_t *nh, struct ua_op *op, sip_t const *sip)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    msg_auth_t const *lists[2] = {sip->sip_www_authenticate, sip->sip_proxy_authenticate};
    bool ok = false;

    if (user(ua).n == 0 || ua->conf.secret.n == 0 || sha_in(home, lists[0]) || sha_in(home, lists[1]) ||
        !again(home, op, sip))
        goto out;
    for (int i = 0; i < 2; i++)
        for (msg_auth_t const *au = lists[i]; au; au = au->au_next) {
            const char *realm = msg_header_find_param(au->au_common, "realm=");
            char ha1[UA_DIGEST_HEX], *data;

            if (algorithm(home, au) != UA_DIGEST_MD5 || !realm ||
                !ua_digest_ha1(UA_DIGEST_MD5, user(ua), param(home, au, "realm="), ua->conf.secret, ha1))
                continue;
            data = su_sprintf(home, "HA1+Digest:%s:%s:HA1+%s", realm, user(ua).p, ha1);
            if (!data)
                continue;
            nua_authenticate(nh, NUTAG_AUTH(data), TAG_END());
            ok = true;
        }
out:
    su_home_deinit(home);
    return ok;
}

char *ua_authorize(struct ua *ua, su_home_t *keep, struct ua_op *op, sip_t const *sip, const char *method,
                   const char *uri, bool *proxy)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    msg_auth_t const *au;
    struct ua_digest c = {.algorithm = UA_DIGEST_SHA256};
    unsigned char random[12];
    char cnonce[2 * sizeof random + 1], out[4096], *header = NULL;
    struct hilo_str qop;

    *proxy = sip->sip_status->st_status == 407;
    au = *proxy ? sip->sip_proxy_authenticate : sip->sip_www_authenticate;
    while (au && algorithm(home, au) != UA_DIGEST_SHA256)
        au = au->au_next;
    if (!au || user(ua).n == 0 || ua->conf.secret.n == 0 || !again(home, op, sip) ||
        RAND_bytes(random, sizeof random) != 1)
        goto out;
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(cnonce + 2 * i, 3, "%02x", random[i]);
    c.realm = param(home, au, "realm=");
    c.nonce = param(home, au, "nonce=");
    c.opaque = param(home, au, "opaque=");
    qop = param(home, au, "qop=");
    c.qop = qop.n > 0;
    for (uint64_t i = 0; i < qop.n; i++) {
        uint64_t from = i;

        while (i < qop.n && qop.p[i] != ',' && qop.p[i] != ' ')
            i++;
        c.qop_auth = c.qop_auth || is((struct hilo_str){qop.p + from, i - from}, "auth");
    }
    if (ua_digest_answer(&c, user(ua), ua->conf.secret, method, uri, cnonce, 1, out, sizeof out))
        header = su_strdup(keep, out);
out:
    su_home_deinit(home);
    return header;
}
