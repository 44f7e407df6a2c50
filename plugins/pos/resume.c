/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "resume.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

enum { RESUME_ID = SSL_MAX_SSL_SESSION_ID_LENGTH, RESUME_SECRET = SSL_MAX_MASTER_KEY_LENGTH };

struct resume {
    unsigned char id[RESUME_ID], secret[RESUME_SECRET], cipher[2];
    size_t n_secret;
    long time, timeout; /* as OpenSSL has them */
    struct pos_who who;
    TAILQ_ENTRY(resume) by_age;
    UT_hash_handle hh;
};

struct pos_resume {
    struct resume *by_id;
    TAILQ_HEAD(resume_ages, resume) ages; /* the oldest first */
};

struct pos_resume *pos_resume_new(void)
{
    struct pos_resume *all = calloc(1, sizeof *all);

    if (all)
        TAILQ_INIT(&all->ages);
    return all;
}

static void resume_drop(struct pos_resume *all, struct resume *r)
{
    HASH_DEL(all->by_id, r);
    TAILQ_REMOVE(&all->ages, r, by_age);
    OPENSSL_cleanse(r, sizeof *r);
    free(r);
}

void pos_resume_clear(struct pos_resume *all)
{
    struct resume *r;

    while ((r = TAILQ_FIRST(&all->ages)))
        resume_drop(all, r);
}

void pos_resume_free(struct pos_resume **at)
{
    if (*at) {
        pos_resume_clear(*at);
        free(*at);
        *at = NULL;
    }
}

void pos_resume_keep(struct pos_resume *all, SSL *ssl, const struct pos_who *who, size_t max)
{
    const SSL_SESSION *session = SSL_get0_session(ssl);
    const SSL_CIPHER *cipher = session ? SSL_SESSION_get0_cipher(session) : NULL;
    const unsigned char *id;
    struct resume *r;
    unsigned n;

    if (!cipher || max == 0 || SSL_version(ssl) != TLS1_3_VERSION)
        return;
    id = SSL_SESSION_get_id(session, &n);
    if (n != RESUME_ID) /* no ticket was sent */
        return;
    r = calloc(1, sizeof *r);
    if (!r)
        return;
    memcpy(r->id, id, n);
    r->n_secret = SSL_SESSION_get_master_key(session, r->secret, sizeof r->secret);
    r->cipher[0] = (unsigned char)(SSL_CIPHER_get_protocol_id(cipher) >> 8);
    r->cipher[1] = (unsigned char)SSL_CIPHER_get_protocol_id(cipher);
    r->time = SSL_SESSION_get_time(session);
    r->timeout = SSL_SESSION_get_timeout(session);
    r->who = *who;
    while (HASH_COUNT(all->by_id) >= max)
        resume_drop(all, TAILQ_FIRST(&all->ages));
    HASH_ADD(hh, all->by_id, id, RESUME_ID, r);
    TAILQ_INSERT_TAIL(&all->ages, r, by_age);
}

static SSL_SESSION *resume_session(SSL *ssl, const struct resume *r)
{
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, r->cipher);
    SSL_SESSION *s = SSL_SESSION_new();

    if (s && cipher && SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) == 1 &&
        SSL_SESSION_set_cipher(s, cipher) == 1 &&
        SSL_SESSION_set1_master_key(s, r->secret, r->n_secret) == 1 &&
        SSL_SESSION_set1_id(s, r->id, RESUME_ID) == 1 &&
        SSL_SESSION_set1_id_context(s, (const unsigned char *)POS_RESUME_CONTEXT,
                                    sizeof POS_RESUME_CONTEXT - 1) == 1 &&
        SSL_SESSION_set_time(s, r->time) && SSL_SESSION_set_timeout(s, r->timeout) &&
        SSL_SESSION_set1_ticket_appdata(s, &r->who, sizeof r->who) == 1)
        return s;
    SSL_SESSION_free(s);
    return NULL;
}

SSL_SESSION *pos_resume_take(struct pos_resume *all, SSL *ssl, const unsigned char *id, size_t n)
{
    SSL_SESSION *session;
    struct resume *r;

    if (n != RESUME_ID)
        return NULL;
    HASH_FIND(hh, all->by_id, id, RESUME_ID, r);
    if (!r)
        return NULL;
    session = resume_session(ssl, r);
    resume_drop(all, r);
    return session;
}
