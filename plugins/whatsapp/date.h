/* Dates in HTTP headers (RFC 9110, 5.6.7). Pure; [any] thread. */
#ifndef WHATSAPP_DATE_H
#define WHATSAPP_DATE_H

#include <hilo/types.h>
#include <stdbool.h>

/* Unix seconds of a date in any of the three forms; false if it is none. */
bool wa_http_date(struct hilo_str, int64_t *s_out);

#endif
