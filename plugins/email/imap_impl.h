/*
 * Between imap.c (the thread, what crosses it) and imap_box.c (a session with a mailbox). Private to them.
 */
#ifndef EMAIL_IMAP_IMPL_H
#define EMAIL_IMAP_IMPL_H

#include "imap.h"
#include "imap_wire.h"

#include <pthread.h>
#include <sys/queue.h>

/* What the plugin is yet to be told. */
struct told {
    TAILQ_ENTRY(told) at;
    struct imap_event event;
    char words[IMAP_WIRE_WORDS];
};

enum mail_state { MAIL_NONE, MAIL_OUT, MAIL_TAKEN, MAIL_NOT };

struct imap {
    /* what never changes */
    char *host, *mailbox, *user, *secret, *ca, *move_to;
    uint16_t port;
    bool imaps, oauth;
    uint32_t tls;
    int64_t poll_us;
    uint64_t size_max;
    void (*wake)(void *);
    void *arg;
    int cancel; /* an eventfd, readable once it ends */
    pthread_t thread;
    /* the thread's */
    uint32_t validity, after, finish; /* finish: a mail that is taken, and neither flagged nor moved yet */
    bool up;                          /* told so */
    char last_words[IMAP_WIRE_WORDS]; /* told last */
    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* on the monotonic clock */
    bool ending, resolving, orphan;
    TAILQ_HEAD(, told) told;
    enum mail_state mail;
    uint32_t out_uid;
    /* the loop's */
    struct told *shown;
};

/* imap.c, on the thread. */
bool imap_ending(struct imap *);
void imap_pause(struct imap *, int64_t us); /* or until it ends */
void imap_tell(struct imap *, enum imap_event_type, uint32_t uid, const char *words);
/* Gives the mail until it is taken; false: it ends. */
bool imap_give(struct imap *, uint32_t uid, uint32_t cursor, struct hilo_str bytes);

/* imap_box.c: connects and fetches until something ends it: IMAP_DOWN or IMAP_CONFIG, words say what. */
enum imap_event_type imap_box(struct imap *, char words[IMAP_WIRE_WORDS]);

#endif
