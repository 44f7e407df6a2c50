/*
 * A gateway that says what a test tells it: TLS 1.3 on a port of loopback, a CA of its own, PROTOCOL.md's
 * grammar, written from that page and sharing no code with plugins/pos or with libhilotill. It can cut a
 * connection after any byte, and remembers what took effect, in its order.
 */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <cjson/cJSON.h>

struct rig;

struct rig *rig_new(void);
void rig_free(struct rig **);
unsigned rig_port(const struct rig *);
/* In the test's folder; allocated until rig_free. */
const char *rig_path(struct rig *, const char *name);
/* Readable when anything has happened since rig_woken. */
int rig_fd(const struct rig *);
void rig_woken(struct rig *);

/* A code for an enrolment at it, for a host that may be another's name, and with a fingerprint that may be
 * wrong. */
const char *rig_code(struct rig *, const char *host, bool wrong_fingerprint);
/* Certificates that it issues from now on have so many days left. */
void rig_days(struct rig *, int days);
/* … and are so many days old, until rig_days is called again with more than that. */
void rig_old(struct rig *, int days);
/* Its own certificate is for this name or address instead; a terminal's kind (clientAuth) if client. */
void rig_server_name(struct rig *, const char *name, bool client);
void rig_revoke(struct rig *); /* in the handshake, with an alert */
/* The certificate that it issued last is not known to it: as if it had been restored from before that. */
void rig_forget_last(struct rig *);
void rig_listen(struct rig *, bool on);
void rig_hang_up(struct rig *); /* every connection */

/* The answer to a method from now on: JSON of a result, or of an error if error. */
void rig_script(struct rig *, const char *method, bool error, const char *json);
/* The next n writes are answered -32000, and what is behind them as PROTOCOL.md says. */
void rig_later(struct rig *, unsigned n);
/* The next n requests of a method are taken and not answered. */
void rig_mute(struct rig *, const char *method, unsigned n);
/* It says nothing at all any more, though it reads. */
void rig_silent(struct rig *, bool on);
/* Bytes to be sent as they are, on the connection that said hello. */
void rig_raw(struct rig *, const char *bytes);
/* Something to be pushed, now and after each hello until it is answered. */
void rig_push(struct rig *, const char *id, const char *method, const char *params);
void rig_hello_extra(struct rig *, const char *json); /* members of hello's result that replace its own */

enum rig_direction { RIG_IN, RIG_OUT };
/* Connections are cut after so many bytes of TLS in a direction, counted from the answer to hello (which is
 * not counted); n < 0: not. Each connection from now on. */
void rig_cut(struct rig *, enum rig_direction, long n);
/* Bytes in a direction after hello was answered, of the last connection. */
long rig_bytes(struct rig *, enum rig_direction);

/* What took effect: writes, once for each id. Copies; free with cJSON_Delete: {"id","method","params"}. */
unsigned rig_effects(struct rig *);
cJSON *rig_effect(struct rig *, unsigned i);
/* Requests of a method, each time it came. */
unsigned rig_requests(struct rig *, const char *method);
cJSON *rig_request(struct rig *, const char *method, unsigned i); /* its params */
unsigned rig_hellos(struct rig *);
unsigned rig_resumed(struct rig *);     /* of them on a resumed session */
unsigned rig_connections(struct rig *); /* TCP */
/* The same id came with other params: must never be. */
unsigned rig_conflicts(struct rig *);
/* Answers to a push, and the last one: allocated JSON; NULL: none. */
unsigned rig_acks(struct rig *, const char *id);
char *rig_ack(struct rig *, const char *id);
/* What was wrong with frames that came, in words; "" if nothing. */
const char *rig_violation(struct rig *);

#endif
