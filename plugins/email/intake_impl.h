/* Private to intake*.c: intake.c takes a mail in, wherever it is from. */
#ifndef EMAIL_INTAKE_IMPL_H
#define EMAIL_INTAKE_IMPL_H

#include "intake.h"
#include "keep.h"
#include "mail.h"
#include "work.h"

struct intake;
/* What its server is told: "250 …", "4xx …" (come again), "5xx …" (never). Once. */
typedef void intake_answer_fn(struct intake *, const char *reply);

struct intake {
    struct work work;
    struct email *email;
    LIST_ENTRY(intake) at;
    /* whom to answer: LMTP's transaction, or the mailbox's UID */
    intake_answer_fn *answer;
    uint64_t transaction;
    uint32_t uid, uidvalidity; /* 0: by LMTP */
    uint32_t cursor;           /* imap.h's */
    size_t n_rcpt;
    const char *from; /* MAIL FROM, "" for <>; NULL: not known. Borrowed till answered, as are: */
    const char *const *rcpt;
    struct hilo_str bytes;
    /* what it is */
    int32_t code;
    const char *why;
    struct mail mail;
    struct hilo_id about; /* the message of ours that it answers or reports */
    char file[KEEP_NAME_MAX];
    int fd;
    bool filed;
};

struct intakes {
    LIST_HEAD(, intake) all;
    uint8_t *buf; /* HILO_MESSAGE_MAX: of the message that is being written */
    bool draining;
};

/* Then what is known of it is filled in, and intake_begin(). NULL: no memory. */
struct intake *intake_new(struct email *, struct hilo_str bytes, intake_answer_fn *);
void intake_begin(struct intake *);
/* The end of it, with what committed() said, or HILO_FULL, HILO_INVALID, anything else: come again. */
void intake_over(struct intake *, int32_t code);
/* It is a customer's, and answers i->about, if anything: written down. */
void intake_keep(struct intake *);
/* intake_event.c: it answers the invitation to this appointment, and no mail of ours for sure. */
void intake_event(struct intake *, struct hilo_id appointment);
/* intake_report.c: it is about a message of ours, i->about. */
void intake_report(struct intake *);

/* intake_lmtp.c, intake_imap.c: begins it; what can't be begun is said by the state. */
void intake_lmtp_start(struct email *);
void intake_imap_start(struct email *);
void intake_imap_woken(struct email *);

#endif
