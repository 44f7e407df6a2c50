/*
 * Mails are fetched from a mailbox by IMAP (RFC 3501; libetpan), on a thread of its own: by UID behind the
 * last one seen, with IDLE where the server has it. A mail is flagged or moved only after imap_taken();
 * nothing unread is deleted.
 */
#ifndef EMAIL_IMAP_H
#define EMAIL_IMAP_H

#include <hilo/types.h>
#include <stdbool.h>

enum { IMAP_TLS_REQUIRED, IMAP_TLS_MAY, IMAP_TLS_NEVER };

struct imap_conf {
    struct hilo_str url;          /* imaps://host:993/INBOX, imap://host:143/INBOX (STARTTLS as tls says) */
    struct hilo_str user, secret; /* LOGIN; oauth: secret is a bearer token (XOAUTH2) */
    struct hilo_str ca,
        move_to;         /* PEM; the folder that what was taken is moved to, empty: it is flagged \Seen */
    uint32_t tls, oauth; /* IMAP_TLS_x */
    int64_t poll_us;
    uint64_t size_max; /* larger ones are left, flagged \Flagged, and told */
};
/* DOWN: it is tried again. CONFIG: an operator must do something (words); it is tried again too, seldom. */
enum imap_event_type { IMAP_UP = 1, IMAP_DOWN, IMAP_CONFIG, IMAP_MAIL, IMAP_TOO_LARGE, IMAP_RESET };
struct imap_event {
    enum imap_event_type type;
    uint32_t uidvalidity, uid;
    uint32_t cursor; /* MAIL: after_uid of a later imap_new(), once this one is taken. 0 until all are taken
                      * that were there, unseen, at first */
    /* MAIL: as it came, until imap_taken(). */
    struct hilo_str bytes;
    struct hilo_str words; /* until the next imap_next() */
};
struct imap;
/* after: where it goes on, the cursor as it was kept, 0: nowhere, all unseen ones come. UIDVALIDITY other
 * than that: IMAP_RESET, and all unseen ones come. wake: [any]. NULL: why not. */
struct imap *imap_new(const struct imap_conf *, uint32_t uidvalidity, uint32_t after_uid,
                      void (*wake)(void *), void *arg, char why[256]);
bool imap_next(struct imap *, struct imap_event *); /* one mail at a time: the next after imap_taken() */
/* ok: it is flagged or moved. Not: the same one comes again, after a while. */
void imap_taken(struct imap *, uint32_t uid, bool ok);
/* Its thread ends first, but for one that asks for an address: that ends by itself. */
void imap_free(struct imap *);

#endif
