/*
 * Between the parts that read a mail: mail.c walks it, the others look at one thing each. Private to mail*.c.
 */
#ifndef EMAIL_MAIL_IMPL_H
#define EMAIL_MAIL_IMPL_H

#include "mail.h"

#include <gmime/gmime.h>

enum {
    MAIL_BODY_MAX = 4 * 1024 * 1024, /* of a text or HTML part that is looked at */
    MAIL_WORD_MAX = 998              /* of one header that is kept */
};

/* Before anything of GMime: once for all threads, whoever comes first. */
void mail_library(void);

/* A copy, valid UTF-8, without control characters but LF and tab; lines: those too. NULL: no memory, or s is.
 */
char *mail_clean(const char *s, bool lines);
/* A header of the mail, unfolded and decoded; NULL: none. free() it. */
char *mail_header(GMimeMessage *, const char *name);
/* The content of a part as text in UTF-8, at most MAIL_BODY_MAX of it; NULL: no memory. g_free() it. */
char *mail_part_text(GMimePart *);

/* mail_html.c: what a person would read of HTML; free() it. NULL: no memory. */
char *mail_html_text(const char *html, size_t n);
/* mail_quote.c: cuts whole (UTF-8, LF) into what is new, what it repeats and the signature. */
int32_t mail_quote(const char *whole, struct mail *);
/* mail_about.c: what a report (multipart/report) says of a mail of ours; and bounces in other forms. */
int32_t mail_about_report(GMimeMultipart *, const char *type, struct mail_about *);
int32_t mail_about_words(const char *text, struct mail_about *);
/* mail_reply.c: text/calendar. */
int32_t mail_calendar(const char *text, struct mail_reply *);
/* mail_auto.c */
void mail_automatic(GMimeMessage *, const char *envelope_from, const char *own_mark, struct mail *);

#endif
