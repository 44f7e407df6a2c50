/* The channel's options, what it can carry, and what is wrong with them together. */
#ifndef EMAIL_OPTIONS_H
#define EMAIL_OPTIONS_H

#include "email.h"

enum { EMAIL_OPTIONS = 38 };
extern const struct hilo_option email_options[EMAIL_OPTIONS];
extern const struct hilo_abilities email_abilities;

const char *email_options_check(const void *conf, struct hilo_abilities *able);
/* The relays of a list with blanks between; how many (0: none), or more than SMTP_RELAYS_MAX: too many. Their
 * strings point into conf. */
size_t email_options_relays(const struct email_conf *, struct smtp_relay out[SMTP_RELAYS_MAX]);

#endif
