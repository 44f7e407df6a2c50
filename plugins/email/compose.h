/*
 * A mail that goes out: from the core's message to the bytes of RFC 5322, by GMime, libical and libopendkim.
 * Nothing that anybody wrote gets into a header unencoded. Pure, but for the files of attachments that are
 * read; [any] thread.
 */
#ifndef EMAIL_COMPOSE_H
#define EMAIL_COMPOSE_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compose_file {
    int32_t fd;                                 /* of the media, read from its start; not closed */
    struct hilo_str filename, mime, content_id; /* content_id: inline, empty: attached */
};
struct compose_link { /* a choice */
    struct hilo_str title, url;
};
enum compose_method { COMPOSE_NO_EVENT, COMPOSE_REQUEST, COMPOSE_CANCEL };
struct compose_event { /* iCalendar (RFC 5545, 5546) */
    enum compose_method method;
    struct hilo_str uid, summary, description, location, time_zone; /* IANA; empty: UTC */
    struct hilo_str organizer_name;
    int64_t starts_us, ends_us, stamp_us;
    uint32_t sequence;
};
struct compose_dkim {                      /* RFC 6376, 8463; n 0: no signature */
    struct hilo_str domain, selector, key; /* PEM; RSA (rsa-sha256) or Ed25519 */
};
struct compose_mail {
    struct hilo_str from, from_name, reply_to, to, to_name; /* addresses: UTF-8 */
    struct hilo_str subject, text, html;                    /* html empty: made of text; both are sent */
    struct hilo_str message_id, in_reply_to;                /* without < > */
    const struct hilo_str *reference;
    size_t n_references;
    int64_t date_us;
    struct hilo_str language;
    bool automatic;                                    /* Auto-Submitted: auto-generated */
    struct hilo_str loop_mark;                         /* X-Hilo-Loop */
    struct hilo_str unsubscribe_url, unsubscribe_mail; /* List-Unsubscribe, and -Post (RFC 8058) */
    const struct compose_file *file;
    size_t n_files;
    const struct compose_link *link;
    size_t n_links;
    struct compose_event event;
    const struct compose_dkim *dkim; /* each one signature */
    size_t n_dkim;
    struct hilo_str pixel_url; /* opening pixel; empty: none */
    uint64_t size_max;         /* of the relay; 0: not known */
};
struct compose_out {
    char *bytes; /* CRLF; free() */
    size_t n;
    bool utf8; /* needs SMTPUTF8 (RFC 6531) */
};
/* HILO_OK; HILO_INVALID (*why: an address that is none, too large for the relay); HILO_IO, HILO_NOMEM. */
int32_t compose_mail(const struct compose_mail *, struct compose_out *, const char **why);

#endif
