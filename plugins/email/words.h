/*
 * What went wrong with a mail, in words for an operator: by its enhanced status code (RFC 3463) or the three
 * digits of SMTP. Pure.
 */
#ifndef EMAIL_WORDS_H
#define EMAIL_WORDS_H

#include "email.h"

enum { WORDS_MAX = 300 };

struct words {
    const char *reason; /* machine-readable: "no_such_mailbox", "mailbox_full" … */
    char text[WORDS_MAX];
};
/* enhanced: "5.1.1", may be empty; line: what the server said, shown without the addresses in it. */
void words_of(struct hilo_str enhanced, uint32_t status, struct hilo_str line, int64_t language,
              struct words *);

#endif
