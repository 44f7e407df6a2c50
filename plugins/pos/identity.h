/*
 * The identity of terminals, for whoever owns the connections: the gateway's CA, the server's certificate,
 * the registry, enrolment and renewal, and the judgement of a handshake. All [own] loop.
 *
 * Life: pos_identity_new, then _start; hooks.ready comes once (the CA and the registry were read, or made),
 * and only then may a port be opened. Give it every on_context, on_timer, woken, and operators' request; each
 * says whether it was its own.
 *
 * Where it is kept (context keys of the plugin, subject empty; NAME is the channel's, since all channels of a
 * plugin share its keys): NAME/ca                        {certificate, key, made}: the own CA, PEM
 *   NAME/stores, NAME/stores/2 …   {names: [store, …]}: what to read at the start, in pages
 *   NAME/store/STORE               {names: [terminal, …]}
 *   NAME/terminal/STORE/TERMINAL   a terminal (terminals.h)
 *   NAME/enrollments               {list: […]}: codes that are good, hashed (enroll.h)
 */
#ifndef POS_IDENTITY_H
#define POS_IDENTITY_H

#include "roles.h"

#include <cjson/cJSON.h>
#include <hilo/plugin.h>
#include <openssl/ssl.h>
#include <stdbool.h>

enum { POS_NAME_MAX = 32, POS_WORDS = 256 };

/* ---- options ----------------------------------------------------------------------------------------- */

/* What the channel's options of these names say; borrowed for the life of the instance. */
struct pos_identity_conf {
    struct hilo_str ca_cert, ca_key; /* PEM, SECRET: the operator's CA; both or neither: the own one */
    struct hilo_str tls_cert,
        tls_key; /* PEM, SECRET, RELOADABLE: the server's certificate with its chain, and key */
    struct hilo_str
        names; /* RELOADABLE: DNS names and addresses that terminals know the gateway by, "pos.tienda.co,
                  10.0.0.5": of the own server certificate. Required without tls_cert */
    struct hilo_str
        address;  /* RELOADABLE: "host" or "host:port" that codes carry; empty: the first of names */
    int64_t port; /* of the listener: what codes carry when address names none */
    int64_t code_lifetime_us;        /* RELOADABLE: code_lifetime, 1h; 1m to 7d */
    int64_t certificate_lifetime_us; /* RELOADABLE: certificate_lifetime, 90d; 1h to 825d */
};
/* What is wrong with them together, in words that begin with an option's name; NULL: nothing. Pure. */
const char *pos_identity_wrong_option(const struct pos_identity_conf *);

/* ---- what it tells ------------------------------------------------------------------------------------ */

struct pos_who {
    char store[POS_NAME_MAX + 1], terminal[POS_NAME_MAX + 1];
    enum pos_role role;
    int64_t expires_us; /* of the certificate that was presented; Unix time */
    bool renew;         /* it should renew now: near its end, or an operator asks for it */
    uint8_t key[32];    /* SHA-256 of its certificate's SubjectPublicKeyInfo */
};

/* Answer of a method: error 0: result (given away, may be NULL in no other case), else a JSON-RPC error. */
struct pos_identity_answer {
    int32_t error;          /* -32602, -32603, -32000, -32001, -32002, -32003 */
    const char *reason;     /* data.reason: "code", "csr", "rate" … */
    const char *message;    /* English, names no secret */
    int64_t retry_after_ms; /* 0: none */
    cJSON *result;
    bool logged; /* the line is written, or left out on purpose: whoever answers writes none */
};

/* Each may be NULL but ready and answered. arg is that of pos_identity_new. */
struct pos_identity_hooks {
    /* HILO_OK: connections may be taken. HILO_CONFIG, HILO_TEMP (tried again by itself): not, why says what
     * to do. */
    void (*ready)(void *arg, int32_t code, const char *why);
    /* The server has another certificate: make a new SSL_CTX with pos_identity_use for connections from now
     * on. */
    void (*server_changed)(void *arg);
    /* Answers a pos_identity_enroll or _renew, exactly once, perhaps before it returned. It is on disk by
     * then. */
    void (*answered)(void *arg, uint64_t ref, struct pos_identity_answer *);
    /* The terminal is not to be trusted any more: push `revoked` with this reason ("revoked", or "replaced":
     * another enrolled as it) and end its connections. */
    void (*ended)(void *arg, const char *store, const char *terminal, const char *reason);
    /* It is asked to renew its certificate now: push `certificate.rotate`, params {}. */
    void (*rotate)(void *arg, const char *store, const char *terminal);
    /* Of connections from now on, and of open ones. */
    void (*role_changed)(void *arg, const char *store, const char *terminal, enum pos_role);
    /* Adds to what operators see of a terminal: "connected", "since", "software", … */
    void (*describe)(void *arg, const char *store, const char *terminal, cJSON *into);
};

struct pos_identity; /* opaque */
/* NULL: no memory. host, self and conf outlive it. */
struct pos_identity *pos_identity_new(const struct hilo_host *host, struct hilo_self *self,
                                      const struct pos_identity_conf *conf,
                                      const struct pos_identity_hooks *hooks, void *arg);
void pos_identity_free(struct pos_identity **);
void pos_identity_start(struct pos_identity *);
/* conf, with RELOADABLE fields that differ, instead of the one before. HILO_OK, or HILO_CONFIG: nothing was
 * changed and why says what is wrong. server_changed may come from within. */
int32_t pos_identity_reconfigure(struct pos_identity *, const struct pos_identity_conf *,
                                 char why[POS_WORDS]);

/* Tokens and timers that are its own have these in their high bits. */
#define POS_IDENTITY_TOKEN (UINT64_C(0x1d) << 56)
#define POS_IDENTITY_TIMER UINT32_C(0x1d000000)
/* true: it was its own. */
bool pos_identity_on_context(struct pos_identity *, uint64_t token, int32_t code, struct hilo_str val,
                             uint64_t version);
bool pos_identity_on_timer(struct pos_identity *, uint32_t id);
void pos_identity_woken(struct pos_identity *);
/* A request with HILO_HTTP_OPERATOR to /terminals…, /enrollments… or /ca; answers it by http_answer, now or
 * later. */
bool pos_identity_request(struct pos_identity *, uint64_t request, const struct hilo_http *);

/* Each registered terminal of a store that is not revoked. */
typedef void pos_identity_each_fn(void *arg, const char *store, const char *terminal, enum pos_role);
void pos_identity_each(struct pos_identity *, const char *store, pos_identity_each_fn *, void *arg);

/* ---- handshakes ------------------------------------------------------------------------------------------
 */

/* Why a terminal is refused; the word of `pos.refused reason=…` and its alert. */
enum pos_refused {
    POS_ADMITTED = 0,
    POS_NO_CERTIFICATE, /* no_certificate: certificate_required */
    POS_EXPIRED,        /* expired: certificate_expired */
    POS_NOT_YET_VALID,  /* not_yet_valid: bad_certificate */
    POS_UNKNOWN_CA,     /* unknown_ca: unknown_ca; also a certificate that is not whole */
    POS_BAD_NAME,       /* bad_name: bad_certificate; no urn:hilo:pos: of ours in it, or not for clients */
    POS_REVOKED,        /* revoked: certificate_revoked */
    POS_NOT_REGISTERED, /* not_registered: certificate_unknown; no such terminal */
    POS_OTHER_KEY,      /* other_key: certificate_unknown; another's key, or one that was replaced */
    POS_TLS_VERSION,    /* tls_version: protocol_version */
    POS_HANDSHAKE       /* handshake: anything else; OpenSSL's words say what */
};
const char *pos_refused_word(enum pos_refused); /* "" of POS_ADMITTED */

/* Gives a context its certificate, key and chain and, unless it is for enrolment alone, whom it believes:
 * asks for a certificate, without which the handshake fails, and judges it against the registry within the
 * handshake. For a connection whose ALPN is hilo-enroll/1, SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL) in the
 * ClientHello's callback (SSL_CTX_set_client_hello_cb; the ALPN callback is too late with some versions), or
 * a context of its own. Everything else of the context (versions, ALPN, tickets, session id context) is the
 * caller's. HILO_OK, or HILO_CONFIG with why. */
int32_t pos_identity_use(struct pos_identity *, SSL_CTX *, bool enrolment, char why[POS_WORDS]);

/* After a handshake that succeeded: who it is, from the registry as it is now. Not POS_ADMITTED: end it. A
 * new key that is used for the first time is, from then on, the only one. A session that is resumed has the
 * certificate in it (TLS does not judge that again), or else, as its ticket's application data, the struct
 * pos_who that this gave when it was made. */
enum pos_refused pos_identity_admit(struct pos_identity *, SSL *, struct pos_who *who_out);
/* After one that failed: why. Reads and clears OpenSSL's queue of errors; words: what it said. */
enum pos_refused pos_identity_failed(struct pos_identity *, SSL *, char words[POS_WORDS]);
/* Right after pos_identity_failed, once: the store and terminal of the certificate that was refused, for the
 * log; false: it named none that may be believed. Other members of who_out stay as they are. */
bool pos_identity_presented(struct pos_identity *, const SSL *, struct pos_who *who_out);
/* Now, of an open connection: still POS_ADMITTED? For timers: a certificate may end while it is in use. */
enum pos_refused pos_identity_still(struct pos_identity *, const struct pos_who *);

/* ---- methods
 * ------------------------------------------------------------------------------------------------ */

/* enroll {code, csr} from this address (text, as inet_ntop gives it), on a connection without a certificate.
 * params were checked against method.def. ref comes back with hooks.answered. */
void pos_identity_enroll(struct pos_identity *, uint64_t ref, struct hilo_str address, const cJSON *params);
/* certificate.renew {csr} of an admitted terminal. */
void pos_identity_renew(struct pos_identity *, uint64_t ref, const struct pos_who *, const cJSON *params);

#endif
