/*
 * Between the parts that write a mail. Private to compose*.c. Memory is GLib's, which ends the process when
 * there is none, as GMime does anyway.
 */
#ifndef EMAIL_COMPOSE_IMPL_H
#define EMAIL_COMPOSE_IMPL_H

#include "compose.h"

#include <gmime/gmime.h>

/* ---- compose_head.c: headers, each a line of its own with CRLF, folded at 76 columns ------------------ */

/* Valid UTF-8 without control characters; lines: LF and tab are kept, CRLF becomes LF, else it is one line
 * without spaces at its ends. g_free() it. */
char *compose_clean(struct hilo_str, bool lines);
/* An address as it is written: the domain as A-labels, lower case; *utf8 is set where the local part needs
 * SMTPUTF8. NULL: it is none. g_free() it. */
char *compose_address(struct hilo_str, bool *utf8);
/* Unstructured text: encoded words (RFC 2047) where it is not plain. */
void compose_head_text(GString *, const char *name, struct hilo_str text);
void compose_head_mailbox(GString *, const char *name, struct hilo_str display, const char *address);
void compose_head_date(GString *, int64_t date_us);
/* Whether it can stand between < and >, in a header of its own. */
bool compose_id_good(struct hilo_str);
/* "<a> <b> …": each on a line. Those that are no ids are left out; nothing is written when none is left. */
void compose_head_ids(GString *, const char *name, const struct hilo_str *id, size_t n);
/* What goes between < and >: printable ASCII without spaces and < > ,. */
bool compose_url_good(struct hilo_str);

/* ---- compose_text.c: what is read -----------------------------------------------------------------------
 */

/* As text/plain, LF, with the links below. */
GString *compose_text(const struct compose_mail *);
/* As text/html: what the sender gave or made of the text, with links, inline images, pixel. */
GString *compose_html(const struct compose_mail *);
/* Whether the HTML shows this file itself, by its content id. */
bool compose_inline(const struct compose_mail *, const struct compose_file *);

#endif
