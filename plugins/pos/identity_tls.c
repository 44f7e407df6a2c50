/*
 * Handshakes: what TLS asks for, and who is let in. The callback within the handshake says no by an alert
 * that tells the terminal why; after it, also of a session that was resumed, the registry is asked once more.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "identity_impl.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pos_refused_word(enum pos_refused r)
{
    static const char *const words[] = {
        [POS_ADMITTED] = "",
        [POS_NO_CERTIFICATE] = "no_certificate",
        [POS_EXPIRED] = "expired",
        [POS_NOT_YET_VALID] = "not_yet_valid",
        [POS_UNKNOWN_CA] = "unknown_ca",
        [POS_BAD_NAME] = "bad_name",
        [POS_REVOKED] = "revoked",
        [POS_NOT_REGISTERED] = "not_registered",
        [POS_OTHER_KEY] = "other_key",
        [POS_TLS_VERSION] = "tls_version",
        [POS_HANDSHAKE] = "handshake",
    };

    return (unsigned)r < sizeof words / sizeof *words ? words[r] : "handshake";
}

/* ---- verdicts
 * ------------------------------------------------------------------------------------------------- */

/* In the registry as it is now. t_out: who it is, when it is known. */
static enum pos_refused registered(struct pos_identity *id, const char *store, const char *terminal,
                                   const uint8_t key[POS_CA_KEY], struct pos_terminal **t_out)
{
    struct pos_terminal *t = pos_terminals_find(id->terminals, store, terminal);

    *t_out = t;
    if (!t)
        return POS_NOT_REGISTERED;
    if (t->revoked)
        return POS_REVOKED;
    if (memcmp(t->now.key, key, POS_CA_KEY) == 0 ||
        (t->next.expires_us && memcmp(t->next.key, key, POS_CA_KEY) == 0))
        return POS_ADMITTED;
    return POS_OTHER_KEY;
}

static enum pos_refused of_verify_error(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return POS_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return POS_NOT_YET_VALID;
    case X509_V_ERR_INVALID_PURPOSE:
        return POS_BAD_NAME;
    default:
        return POS_UNKNOWN_CA;
    }
}

/* The error whose alert OpenSSL sends; of the last two it has none of its own, so they are
 * certificate_unknown. */
static int verify_error_of(enum pos_refused r)
{
    switch (r) {
    case POS_BAD_NAME:
        return X509_V_ERR_CERT_REJECTED;
    case POS_REVOKED:
        return X509_V_ERR_CERT_REVOKED;
    case POS_NOT_REGISTERED:
        return X509_V_ERR_NO_EXPLICIT_POLICY;
    default:
        return X509_V_ERR_SUBTREE_MINMAX;
    }
}

static int judge(X509_STORE_CTX *ctx, void *arg)
{
    struct pos_identity *id = arg;
    X509 *cert = X509_STORE_CTX_get0_cert(ctx);
    char store[POS_CA_NAME + 1] = "", terminal[POS_CA_NAME + 1] = "";
    enum pos_refused verdict;
    struct pos_terminal *t;
    uint8_t key[POS_CA_KEY];

    X509_STORE_CTX_set_time(ctx, 0, (time_t)(pos_id_now(id) / 1000000));
    if (X509_verify_cert(ctx) <= 0) {
        verdict = of_verify_error(X509_STORE_CTX_get_error(ctx));
        /* Whatever is wrong with the chain; of some of it (another CA of our name) OpenSSL's alert says less.
         */
        if (verdict == POS_UNKNOWN_CA)
            X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
        /* For the log; what another CA has signed may say any name. */
        if (verdict != POS_UNKNOWN_CA)
            (void)pos_ca_terminal_of(cert, store, terminal);
    } else {
        verdict = !pos_ca_terminal_of(cert, store, terminal) || !pos_ca_key_of(cert, key)
                      ? POS_BAD_NAME
                      : registered(id, store, terminal, key, &t);
        if (verdict != POS_ADMITTED)
            X509_STORE_CTX_set_error(ctx, verify_error_of(verdict));
    }
    id->judged = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    id->verdict = verdict;
    memcpy(id->judged_store, store, sizeof store);
    memcpy(id->judged_terminal, terminal, sizeof terminal);
    return verdict == POS_ADMITTED;
}

/* ---- what a connection needs
 * ------------------------------------------------------------------------------------ */

int32_t pos_identity_use(struct pos_identity *id, SSL_CTX *ctx, bool enrolment, char why[POS_WORDS])
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate(ctx, id->server.cert) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, id->server.key) != 1 ||
        (id->server.above && SSL_CTX_set1_chain(ctx, id->server.above) != 1)) {
        unsigned long error = ERR_get_error();
        const char *words = error ? ERR_reason_error_string(error) : NULL;

        (void)snprintf(why, POS_WORDS, "%s can't be used: %s",
                       id->own_server ? "the server's certificate" : "tls_cert", words ? words : "no memory");
        ERR_clear_error();
        return HILO_CONFIG;
    }
    if (enrolment) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return HILO_OK;
    }
    SSL_CTX_set1_cert_store(ctx, id->trust);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_CLIENT_ONCE, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, judge, id);
    if (SSL_CTX_add_client_CA(ctx, id->ca.cert) != 1) {
        (void)snprintf(why, POS_WORDS, "no memory");
        ERR_clear_error();
        return HILO_CONFIG;
    }
    return HILO_OK;
}

/* What a certificate says, whether it was shown now or when the session that is resumed was made. */
static enum pos_refused shown(SSL *ssl, int64_t now, struct pos_who *who)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    void *kept;
    size_t n;

    if (cert) {
        if (now < pos_ca_begins(cert))
            return POS_NOT_YET_VALID;
        who->expires_us = pos_ca_ends(cert);
        if (!pos_ca_terminal_of(cert, who->store, who->terminal) || !pos_ca_key_of(cert, who->key))
            return POS_BAD_NAME;
    } else if (SSL_session_reused(ssl) &&
               SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &kept, &n) == 1 && n == sizeof *who) {
        memcpy(who, kept, sizeof *who);
    } else {
        return POS_NO_CERTIFICATE;
    }
    return now < who->expires_us ? POS_ADMITTED : POS_EXPIRED;
}

enum pos_refused pos_identity_admit(struct pos_identity *id, SSL *ssl, struct pos_who *who_out)
{
    struct pos_who who = {.role = POS_ROLE_NONE};
    int64_t now = pos_id_now(id);
    enum pos_refused verdict = shown(ssl, now, &who);
    struct pos_terminal *t;

    if (verdict != POS_ADMITTED)
        return verdict;
    verdict = registered(id, who.store, who.terminal, who.key, &t);
    if (verdict != POS_ADMITTED)
        return verdict;
    t->seen_us = now;
    if (memcmp(t->now.key, who.key, POS_CA_KEY) != 0) {
        t->now = t->next;
        memset(&t->next, 0, sizeof t->next);
        pos_id_log(id, HILO_LOG_INFO,
                   "pos.rotated store=%s terminal=%s serial=%s note=\"the key before is over\"", t->store,
                   t->terminal, t->now.serial);
        pos_id_promote(id, t);
    }
    who.role = t->role;
    who.renew = t->rotate || who.expires_us - now < id->conf.certificate_lifetime_us / 3;
    *who_out = who;
    return POS_ADMITTED;
}

enum pos_refused pos_identity_failed(struct pos_identity *id, SSL *ssl, char words[POS_WORDS])
{
    enum pos_refused verdict = POS_HANDSHAKE;
    unsigned long error = ERR_peek_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;

    if (id->judged == ssl && id->verdict != POS_ADMITTED) {
        verdict = id->verdict;
        id->presented = id->judged_store[0] ? ssl : NULL;
        (void)snprintf(words, POS_WORDS, "%s%s%s", id->judged_store, id->judged_store[0] ? "/" : "",
                       id->judged_terminal);
    } else {
        id->presented = NULL;
        (void)snprintf(words, POS_WORDS, "%s", reason ? reason : "");
        if (error && ERR_GET_LIB(error) == ERR_LIB_SSL)
            switch (ERR_GET_REASON(error)) {
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
                verdict = POS_NO_CERTIFICATE;
                break;
            case SSL_R_UNSUPPORTED_PROTOCOL:
            case SSL_R_VERSION_TOO_LOW:
            case SSL_R_NO_PROTOCOLS_AVAILABLE:
                verdict = POS_TLS_VERSION;
                break;
            default:
                break;
            }
    }
    id->judged = NULL;
    ERR_clear_error();
    return verdict;
}

bool pos_identity_presented(struct pos_identity *id, const SSL *ssl, struct pos_who *who_out)
{
    if (!id || !ssl || id->presented != ssl)
        return false;
    memcpy(who_out->store, id->judged_store, sizeof who_out->store);
    memcpy(who_out->terminal, id->judged_terminal, sizeof who_out->terminal);
    id->presented = NULL;
    return true;
}

enum pos_refused pos_identity_still(struct pos_identity *id, const struct pos_who *who)
{
    struct pos_terminal *t;

    if (pos_id_now(id) >= who->expires_us)
        return POS_EXPIRED;
    return registered(id, who->store, who->terminal, who->key, &t);
}
