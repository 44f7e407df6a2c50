/*
 * What a relay says while a mail is handed over, and what it comes to. Pure; fuzzed.
 */
#ifndef EMAIL_SMTP_TALK_H
#define EMAIL_SMTP_TALK_H

#include <curl/curl.h>
#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TALK_WORDS = 512, TALK_ENHANCED = 12 };

struct smtp_talk {
    bool greeted; /* the connection is new: a greeting came */
    bool ehlo;    /* the next 250 answers EHLO */
    bool all;     /* every byte of the mail was given */
    bool judged;  /* and a reply came after that */
    bool known, utf8;
    uint64_t size;   /* of EHLO; 0: none told */
    uint32_t status; /* of the last whole reply; 0: none came */
    uint32_t line;   /* of a reply of several lines */
    char enhanced[TALK_ENHANCED], words[TALK_WORDS];
};
/* One line as it came, with or without its CRLF. */
void smtp_talk_line(struct smtp_talk *, const char *s, size_t n);

struct smtp_verdict {
    int32_t code;
    bool relay; /* it says nothing of the mail: another relay may take it */
};
/* rc: what libcurl makes of it. */
struct smtp_verdict smtp_talk_verdict(const struct smtp_talk *, CURLcode rc);
/* The connection was kept, and was not there any more when it was needed: nothing was said on it. */
bool smtp_talk_stale(const struct smtp_talk *, CURLcode rc);

#endif
