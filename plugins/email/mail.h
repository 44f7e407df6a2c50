/*
 * A mail that somebody sent, read: from any bytes to what the gateway needs of it. By GMime, within limits
 * (depth, parts, header and decoded bytes); nothing is fetched, nothing is run. Pure; [any] thread.
 */
#ifndef EMAIL_MAIL_H
#define EMAIL_MAIL_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAIL_DEPTH_MAX = 30,
    MAIL_PARTS_MAX = 500,
    MAIL_HEADER_MAX = 256 * 1024, /* bytes of one block of headers */
    MAIL_REFERENCES_MAX = 50,
    MAIL_RECEIVED_MAX = 50,    /* more is a loop */
    MAIL_TEXT_MAX = 256 * 1024 /* of new text; what is longer is in the original */
};

struct mail_address {
    char
        *address; /* "ana@example.com", the domain in lower case and as U-labels; the local part as it came */
    char *name;   /* decoded; NULL: none */
};

/* A part that is a file: its bytes decoded lie at offset in no buffer, they are written by mail_part_write().
 */
struct mail_part {
    char *path;       /* "2.1": which one, for mail_part_write() */
    char *filename;   /* decoded (RFC 2231, 2047), without folders or control characters; never NULL */
    char *mime;       /* "image/jpeg", lower case */
    char *content_id; /* without < >; NULL: none */
    uint64_t size;    /* decoded */
    bool inline_;     /* shown within the text, by its content_id */
};

/* What a machine says of a mail of ours. */
enum mail_report { MAIL_NO_REPORT, MAIL_BOUNCE, MAIL_DELAYED, MAIL_DELIVERED, MAIL_READ, MAIL_COMPLAINT };
struct mail_about {
    enum mail_report report;
    char *message_id; /* of the mail that it is about, as far as it is told; NULL */
    char *recipient;  /* Final-Recipient or Original-Recipient; NULL */
    char *status;     /* enhanced status code "5.1.1" (RFC 3463); NULL */
    char *diagnostic; /* "smtp; 550 …", one line; NULL */
    bool hard;        /* permanent: 5.x.x, or words that say so */
};

/* An answer to an invitation (RFC 5546, METHOD:REPLY). */
enum mail_partstat { MAIL_NO_REPLY, MAIL_ACCEPTED, MAIL_DECLINED, MAIL_TENTATIVE };
struct mail_reply {
    enum mail_partstat partstat;
    char *uid; /* the event's */
    int64_t sequence;
};

struct mail {
    struct mail_address from, sender; /* sender: Sender or Reply-To where it differs; address NULL: none */
    struct mail_address *to;          /* To and Cc */
    size_t n_to;
    char *subject;     /* decoded, one line, without Re:, Fwd:, RV: …; "" */
    char *message_id;  /* without < >; made of a digest of the mail where it has none */
    char *in_reply_to; /* NULL: none */
    char **reference;  /* oldest first */
    size_t n_references;
    int64_t date_us;        /* 0: none that can be read */
    char *language;         /* Content-Language, or told from the text ("es", "en"); NULL */
    char *text;             /* what was newly said, UTF-8, LF; without history and signature */
    char *quoted;           /* the history that it repeats; NULL: none */
    char *signature;        /* NULL: none */
    bool from_html;         /* text was derived of HTML */
    struct mail_part *part; /* attachments and inline pictures; winmail.dat is one */
    size_t n_parts;
    struct mail_about about;
    struct mail_reply reply;
    bool automatic;            /* not by a person (RFC 3834 and what is usual): never answered by machine */
    bool loop;                 /* our own mark, or too many Received: dropped */
    const char *why_automatic; /* "auto-submitted", "list", "bulk", "null-sender" …; NULL */
};

/* envelope_from: MAIL FROM ("" for <>; NULL: not known). own_mark: the token of our X-Hilo-Loop header, NULL:
 * none. 0, or HILO_INVALID (no mail at all, or beyond a limit: *why), HILO_NOMEM. */
int32_t mail_read(struct hilo_str bytes, const char *envelope_from, const char *own_mark, struct mail *out,
                  const char **why);
void mail_done(struct mail *);
/* The part's decoded bytes into fd. HILO_IO: writing failed; HILO_NOTFOUND. */
int32_t mail_part_write(struct hilo_str bytes, const char *path, int fd);

#endif
