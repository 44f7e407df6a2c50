/*
 * A till of the tests' own, over OpenSSL: it knows plugins/pos/PROTOCOL.md, and shares no code with the
 * gateway or with libhilotill. Blocking; every wait has the harness's deadline. What must not happen
 * in a good run asserts (cmocka); what a test is about is returned.
 */
#ifndef TESTS_TILL_CLIENT_H
#define TESTS_TILL_CLIENT_H

#include "harness.h"
#include <openssl/ssl.h>

/* ---- certificates ------------------------------------------------------------------- */

EVP_PKEY *cert_key(void); /* EC P-256 */
/* A certificate of this key: uri is its SAN (NULL: none), from and to in seconds from now; signed by
 * ca_cert and ca_key, itself a CA when ca_cert is NULL (ca_key is ignored then). */
X509 *cert_make(EVP_PKEY *key, const char *name, const char *uri, long from_s, long to_s, X509 *ca_cert,
                EVP_PKEY *ca_key);
char *cert_pem(X509 *);           /* free() it */
char *cert_key_pem(EVP_PKEY *);   /* free() it */
char *cert_request(EVP_PKEY *);   /* a CSR in PEM; free() it */
X509 *cert_read(const char *pem); /* the first in it; NULL: none */

/* Who a till is. */
struct till_id {
    char store[33], terminal[33];
    EVP_PKEY *key;
    X509 *cert;
    char *ca; /* whom it believes, PEM */
};
void till_id_done(struct till_id *);

/* ---- a line -------------------------------------------------------------------------- */

struct till_dial {
    int port;
    const char *from;         /* the address that it comes from, 127.x.y.z; NULL: any */
    const struct till_id *id; /* NULL: has no certificate */
    const char *ca;           /* whom it believes, PEM; NULL: id->ca, and without one it believes anybody */
    const char *alpn;         /* NULL: none */
    int tls_max;              /* TLS1_2_VERSION; 0: the newest */
    SSL_SESSION *session;     /* to resume; NULL: none */
    int receive;              /* bytes of its socket's buffer; 0: as the system has it */
};
struct till_line {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    char *in, *line; /* what came, and the last frame of it */
    size_t n, cap;
    int alert;            /* that came, -1: none */
    SSL_SESSION *session; /* the newest ticket that came; till_close frees it unless it is taken */
};
/* true: TCP and the client's side of TLS are done. false: not; alert may say why. */
bool till_dial(struct till_line *, const struct till_dial *);
void till_close(struct till_line *);
/* Raw bytes; false: the line has ended. */
bool till_put(struct till_line *, const void *, size_t);
bool till_puts(struct till_line *, const char *);
/* The next frame, without its LF, valid until the next call; NULL: the line has ended. Fails at the deadline.
 */
const char *till_frame(struct till_line *);
/* Whether a frame, or bytes of one, are here already, of which the socket does not tell. */
bool till_more(const struct till_line *);
/* The next frame, parsed; cJSON_Delete it. */
cJSON *till_json(struct till_line *);
/* Reads until the end; all frames are thrown away. */
void till_wait_end(struct till_line *);

/* Sends a request; params is JSON, NULL: {}. */
bool till_ask(struct till_line *, const char *id, const char *method, const char *params);
/* Its answer, after what the gateway has asked meanwhile was answered with {}; NULL: the line has ended. */
cJSON *till_answer(struct till_line *, const char *id);
/* Both. */
cJSON *till_call(struct till_line *, const char *id, const char *method, const char *params_fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Dials by "hilo-pos/1" and says hello; asserts that it is welcome. */
void till_hello(struct till_line *, const struct till_dial *);
/* Asserts error.code and, unless NULL, error.data.reason; deletes the answer. */
void till_is_error(cJSON *answer, int code, const char *reason);
/* Asserts a result, and deletes the answer. */
void till_is_result(cJSON *answer);

/* ---- enrolment ---------------------------------------------------------------------- */

/* An operator's code for this till, of the channel wa; free() it. */
char *till_invite(struct gate *, const char *store, const char *terminal, const char *role);
/* With such a code of its own key; role NULL: clerk. port: of the channel. */
void till_enroll(struct gate *, int port, const char *store, const char *terminal, const char *role,
                 struct till_id *out);

#endif
