/*
 * Mails are fetched from a mailbox by IMAP (RFC 3501; libetpan), on a thread of its own: by UID behind the
 * last one seen, with IDLE where the server has it. A mail is flagged or moved only after imap_taken();
 * nothing unread is deleted.
 */
#ifndef EMAIL_IMAP_H
#define EMAIL_IMAP_H

#include <hilo/types.h>
#include <stdbool.h>

struct imap_conf {
    struct hilo_str url;          /* imaps://host:993/INBOX, imap://host:143/INBOX (STARTTLS as tls says) */
    struct hilo_str user, secret; /* LOGIN, PLAIN; oauth: secret is a bearer token (XOAUTH2) */
    struct hilo_str ca,
        move_to; /* PEM; the folder that what was taken is moved to, empty: it is flagged \Seen */
    uint32_t tls, oauth;
    int64_t poll_us;
    uint64_t size_max; /* larger ones are left, flagged \Flagged, and told */
};
enum imap_event_type { IMAP_UP = 1, IMAP_DOWN, IMAP_CONFIG, IMAP_MAIL, IMAP_TOO_LARGE, IMAP_RESET };
struct imap_event {
    enum imap_event_type type;
    uint32_t uidvalidity, uid;
    struct hilo_str bytes, words; /* of the event's own memory, until the next imap_next() */
};
struct imap;
/* after: where it goes on, as it was kept; UIDVALIDITY other than that: IMAP_RESET, and all unseen ones come.
 */
struct imap *imap_new(const struct imap_conf *, uint32_t uidvalidity, uint32_t after_uid,
                      void (*wake)(void *), void *arg, char why[256]);
bool imap_next(struct imap *, struct imap_event *); /* one mail at a time: the next after imap_taken() */
void imap_taken(struct imap *, uint32_t uid, bool ok);
void imap_free(struct imap *);

#endif
