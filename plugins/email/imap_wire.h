/*
 * The connection that libetpan speaks IMAP over: TCP and TLS (OpenSSL, verified: libetpan by itself verifies
 * nobody), with time limits, an end to what a server may send, and a descriptor that cancels all waiting.
 * Private to imap.c; on its thread, blocking.
 */
#ifndef EMAIL_IMAP_WIRE_H
#define EMAIL_IMAP_WIRE_H

#include <libetpan/libetpan.h>
#include <stdbool.h>
#include <stdint.h>

enum { IMAP_WIRE_WORDS = 200 };
struct imap_wire;

/* cancel: a descriptor that gets readable when nothing shall be waited for any more. NULL: words say why. */
struct imap_wire *imap_wire_open(const char *host, uint16_t port, int cancel, char words[IMAP_WIRE_WORDS]);
/* For mailimap_connect(), which owns the wire from then on: it ends with the stream. NULL: no memory. */
mailstream *imap_wire_stream(struct imap_wire *);
/* Before there is a stream only. */
void imap_wire_free(struct imap_wire *);
/* From now on in TLS. ca: PEM, "": the system's authorities. false: words say why. */
bool imap_wire_tls(struct imap_wire *, char *host, const char *ca);
/* So many bytes may yet be read; with more it breaks. */
void imap_wire_allow(struct imap_wire *, uint64_t bytes);
/* Until there is something to read (1), us are over (0), or it is cancelled (-1). */
int imap_wire_wait(struct imap_wire *, mailstream *, int64_t us);
/* Why it broke, "": it did not. */
const char *imap_wire_words(const struct imap_wire *);

#endif
