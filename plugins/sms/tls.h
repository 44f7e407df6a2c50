/*
 * TLS of a connection that we made, by OpenSSL on memory: bytes from and to the socket
 * go through here, the socket itself is the connection's (conn.h). TLS 1.2 or later; the
 * peer's certificate is verified, by name or address too, unless that is switched off.
 * All [own] loop.
 */
#ifndef SMS_TLS_H
#define SMS_TLS_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

enum { SMS_TLS_WORDS = 256 };

struct sms_tls_settings {
    struct hilo_str ca;        /* PEM; empty: the system's */
    struct hilo_str cert, key; /* PEM of ours; empty: none */
    bool verify;
};

struct sms_tls_context; /* of an instance */
/* NULL: why says what is wrong with the settings. */
struct sms_tls_context *sms_tls_context_new(const struct sms_tls_settings *, char why[SMS_TLS_WORDS]);
void sms_tls_context_free(struct sms_tls_context **);

struct sms_tls; /* of a connection */
/* name: as the certificate must have it; NUL-ended. NULL: no memory. */
struct sms_tls *sms_tls_new(struct sms_tls_context *, const char *name);
void sms_tls_free(struct sms_tls **);

/* Bytes from the socket. false: no memory. */
bool sms_tls_feed(struct sms_tls *, const uint8_t *p, size_t n);
/* 1: the handshake is through; 0: it needs more from the socket, or ours sent; -1: it failed. */
int sms_tls_handshake(struct sms_tls *, char why[SMS_TLS_WORDS]);
/* Bytes of the peer: how many; 0: none now; -1: it ended or broke, see why. */
long sms_tls_read(struct sms_tls *, uint8_t *p, size_t cap, char why[SMS_TLS_WORDS]);
/* Bytes for the peer; all are taken. false: broken. */
bool sms_tls_write(struct sms_tls *, const uint8_t *p, size_t n, char why[SMS_TLS_WORDS]);
/* Tells the peer that it is the end. */
void sms_tls_shutdown(struct sms_tls *);
/* What is to go to the socket, and that n bytes of it have gone. */
size_t sms_tls_pending(struct sms_tls *, const uint8_t **p);
void sms_tls_sent(struct sms_tls *, size_t n);

#endif
