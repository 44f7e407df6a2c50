/* Cursors: opaque to clients, base64url, with a checksum so that a damaged or foreign
 * one is refused. [any] */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include "base/arena.h"
#include <stdbool.h>

enum { CURSOR_MAX = 512 }; /* bytes within */

/* kind: a letter for each list, so that one list's cursor is not taken by another. */
struct hilo_str cursor_encode(struct arena *, char kind, struct hilo_str bytes);
bool cursor_decode(struct arena *, char kind, struct hilo_str text, struct hilo_str *out);

#endif
