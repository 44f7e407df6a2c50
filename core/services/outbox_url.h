/* URLs that webhooks are posted to. [any] */
#ifndef SERVICES_OUTBOX_URL_H
#define SERVICES_OUTBOX_URL_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>

enum { OUTBOX_URL_MAX = 2048 };

/* Whether it is a URL that can be posted to: https, or http to this machine itself or if plain says so.
 * HILO_INVALID with words. No name is looked up. */
int32_t outbox_url_check(struct hilo_str url, bool plain, struct err *);

/* The request line of a POST there, and the lines that are the same each time, onto out. Only for a URL that
 * outbox_url_check has taken. */
void outbox_url_head(struct hilo_str url, struct buf *out);

#endif
