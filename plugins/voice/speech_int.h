/*
 * The parts of speech.c among themselves.
 *
 * An item is one sound, known by the SHA-256 of what it is made of: it waits for a child (QUEUED), is spoken
 * (SPOKEN), converted (CONVERTED) or there (READY). Those who want it hang on it until then. Items that are
 * READY are in the order of their last use, and the oldest go when they are more bytes than allowed; the
 * others stay as long as somebody waits.
 */
#ifndef VOICE_SPEECH_INT_H
#define VOICE_SPEECH_INT_H

#include "convert.h"
#include "speech.h"

#include <stdlib.h>
#include <sys/types.h>
/* As everywhere for small things of fixed size: without memory there is no going on. */
#define uthash_fatal(msg) abort()
#include <uthash.h>
#include <utlist.h>

enum { SPEECH_KEY = 32, SPEECH_WHY = 400 };

struct waiter {
    uint64_t token;
    struct item *item; /* that it waits for; NULL: it is in speech.told */
    struct pcm *pcm;   /* told: held, or NULL and why */
    char *why;
    struct waiter *prev, *next;
    UT_hash_handle hh; /* by token */
};

enum item_state { ITEM_QUEUED, ITEM_SPOKEN, ITEM_CONVERTED, ITEM_READY };
struct item {
    unsigned char key[SPEECH_KEY];
    enum item_state state;
    enum say_language language;
    char *ssml; /* QUEUED: as the program takes it */
    size_t n_ssml;
    char *file; /* CONVERTED: its bytes */
    struct convert *convert;
    struct pcm *pcm; /* READY */
    struct waiter *waiters;
    struct item *prev, *next; /* in the list of its state */
    UT_hash_handle hh;        /* by key */
};

struct child {
    pid_t pid;        /* 0: free; also its group's */
    int watched;      /* pidfd */
    int sound, words; /* what it writes: WAV; what it complains of */
    int64_t deadline_us;
    bool overdue;
    struct item *item; /* NULL: nobody waits any more */
};

struct speech {
    const struct hilo_host *host;
    struct hilo_self *self;
    speech_done *done;
    void *arg;
    char *program, *voice[2], *currency;
    uint32_t words_per_minute, children;
    int64_t cache_bytes, limit_us;
    struct item *items;                      /* all, by key */
    struct item *queued, *converted, *ready; /* lists; ready: the longest unused first */
    struct waiter *waiters;                  /* all, by token */
    struct waiter *told;                     /* whose done() is next */
    bool telling;
    uint32_t n_queued;
    int64_t ready_bytes;
    struct child child[SPEECH_CHILDREN_MAX];
};

/* Spoken: file is the child's WAV, given away; or not: NULL and why. */
void speech__spoken(struct speech *, struct item *, char *file, size_t n, const char *why);

/* Starts children for what is queued, as many as may be. */
void speech__children_start(struct speech *);
/* NULL: it is none of ours. */
struct child *speech__child_of(struct speech *, int32_t fd);
/* It has ended, or may have. */
void speech__child_ended(struct speech *, struct child *);
/* Those beyond their time are ended; the next time at which one will be, INT64_MAX: none. */
int64_t speech__children_overdue(struct speech *, int64_t now_us);
/* Nobody waits for it any more. */
void speech__child_drop(struct speech *, struct item *);
void speech__children_end(struct speech *);

/* All of a file from its start, NUL-ended too, to be freed; at most max bytes. NULL: errno. */
char *speech__read(int fd, size_t max, size_t *n_out);

#endif
