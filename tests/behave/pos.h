/*
 * A till for tests: what PROTOCOL.md says, by OpenSSL and a few lines, sharing nothing with
 * plugins/pos or libhilotill. A failure here is the test's.
 */
#ifndef TESTS_POS_H
#define TESTS_POS_H

#include "harness.h"
#include <openssl/ssl.h>

/* A gateway with one channel, "wa", of type pos. */
struct rig {
    struct scratch scratch;
    struct gate gate;
    int port;
    char lines[1024];
};
/* more: lines of the channel. Waits until it listens. */
struct rig *up(const char *more);
void down(struct rig *);  /* and checks its store */
void crash(struct rig *); /* kill -9, and again until it listens */
/* Waits for the line of a refusal, behind the last one. */
void refused(struct rig *, const char *reason);

struct till {
    struct gate *gate;
    int port, fd;
    EVP_PKEY *key;
    X509 *cert, *ca;
    SSL *ssl;
    SSL_SESSION *session; /* of the last connection, if it gave a ticket */
    bool ws;
    char buf[1 << 17];
    size_t n;
    cJSON *pushes; /* requests of the gateway that were not asked for yet */
};

/* Enrols it by an operator's code: a key of its own, a certificate, the CA. */
void till_enroll(struct till *, struct gate *, int port, const char *store, const char *terminal,
                 const char *role);
/* Ends the connection and forgets all. */
void till_free(struct till *);

enum { TILL_OLD_TLS = 1, TILL_NO_CERT = 2, TILL_RESUME = 4 };
/* Connects; alpn NULL: none. False: the handshake failed, or the gateway closed before a byte came of a probe
 * that TLS 1.3 needs (a refused certificate is told behind the client's handshake). */
bool till_connect(struct till *, const char *alpn, unsigned flags);
/* And WebSocket's upgrade; the status line's code. */
int till_upgrade(struct till *, const char *path, const char *more_headers);
void till_close(struct till *);

/* Bytes as they are. */
void till_raw(struct till *, const void *p, size_t n);
void till_frame(struct till *, const char *text);
/* Sends a WebSocket frame of any kind, masked. */
void till_ws(struct till *, unsigned opcode, bool fin, const void *p, size_t n);
/* The next frame, parsed; NULL: the connection ended. */
cJSON *till_next(struct till *);
/* Sends a request and waits for its answer; pushes that come meanwhile are kept. Of %s params. */
cJSON *till_ask(struct till *, const char *id, const char *method, const char *params_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Connects by the raw framing and says hello; the result is dropped. */
void till_open(struct till *);
/* The next request of the gateway of this method. */
cJSON *till_push(struct till *, const char *method);
void till_answer(struct till *, const cJSON *push);
/* Waits until the gateway has closed. */
void till_ended(struct till *);

/* Asserts an error of this code and reason, and frees it. */
void is_error(cJSON *answer, int code, const char *reason);
/* Asserts a result. */
const cJSON *result_of(const cJSON *answer);
const char *text_of(const cJSON *json, const char *path); /* json_at, "" if none */

#endif
