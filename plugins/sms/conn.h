/*
 * One connection to a peer by TCP, with TLS or without: from a name to bytes.
 *
 *   IDLE -> RESOLVING -> CONNECTING (each address in turn) -> HANDSHAKE -> OPEN
 *     ^________________ closed(), or sms_conn_close() ___________________|
 *
 * What is put is sent at the end of the turn, all of it in one call. It knows no
 * protocol. All [own] loop.
 */
#ifndef SMS_CONN_H
#define SMS_CONN_H

#include "react.h"
#include "tls.h"

enum {
    SMS_CONN_IN = 256 * 1024,       /* bytes that are read at a time; a PDU must be smaller */
    SMS_CONN_OUT_SOFT = 256 * 1024, /* sent before the turn ends */
    SMS_CONN_OUT_MAX = 1024 * 1024, /* a peer that leaves so much unread isn't read from either */
    SMS_CONN_WORDS = 320
};

enum sms_conn_state {
    SMS_CONN_IDLE,
    SMS_CONN_RESOLVING,
    SMS_CONN_CONNECTING,
    SMS_CONN_HANDSHAKE,
    SMS_CONN_OPEN
};

/* None of these may free the connection; all may put bytes, close it or fail it. */
struct sms_conn_events {
    void (*opened)(void *arg);
    /* Bytes that came; how many were used up. The rest comes again with what follows. */
    size_t (*received)(void *arg, const uint8_t *p, size_t n);
    /* It is over, not by sms_conn_close(); it is IDLE, and may be opened again later. words: for a
     * person, begins with what happened. */
    void (*closed)(void *arg, const char *words);
};

struct sms_conn_to {
    const char *host; /* NUL-ended, like tls_name; valid until it is IDLE */
    uint16_t port;
    struct sms_tls_context *tls; /* NULL: without */
    const char *tls_name;
    int64_t timeout_us; /* from here to OPEN */
};

struct sms_conn;
/* NULL: no memory. */
struct sms_conn *sms_conn_new(struct sms_react *, const struct sms_conn_events *, void *arg);
void sms_conn_free(struct sms_conn **);

enum sms_conn_state sms_conn_state(const struct sms_conn *);
/* IDLE -> RESOLVING. What goes wrong comes by closed(), from a later turn. */
void sms_conn_open(struct sms_conn *, const struct sms_conn_to *);
/* Room for n bytes at the end of what is to be sent; NULL: no memory, or it is not OPEN. */
uint8_t *sms_conn_room(struct sms_conn *, size_t n);
/* So many of them are written now. */
void sms_conn_put(struct sms_conn *, size_t n);
/* How many bytes were put since it was opened, and of how many the kernel has taken every one. */
uint64_t sms_conn_put_total(const struct sms_conn *);
uint64_t sms_conn_sent_total(const struct sms_conn *);
/* Sends what can be sent now, and closes: no closed() comes. */
void sms_conn_close(struct sms_conn *);
/* Something is wrong with what came: closes, and closed() comes with these words, from here or, if
 * called from received(), when that returns. */
void sms_conn_fail(struct sms_conn *, const char *words);

#endif
