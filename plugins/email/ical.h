/*
 * Invitations to appointments: iCalendar (RFC 5545) as iTIP has it (RFC 5546), by libical. Pure; [any]
 * thread.
 */
#ifndef EMAIL_ICAL_H
#define EMAIL_ICAL_H

#include "compose.h"

/* REQUEST asks the attendee for an answer to the organizer; CANCEL takes it back. Addresses as written in
 * mails. *out: CRLF, NUL-ended; free(). HILO_OK; HILO_INVALID (*why: a time zone that nobody knows, an end
 * before its start); HILO_NOMEM. */
int32_t ical_write(const struct compose_event *, const char *organizer, const char *attendee, char **out,
                   const char **why);

#endif
