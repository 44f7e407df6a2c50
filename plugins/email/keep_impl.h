/* Private to keep*.c. */
#ifndef EMAIL_KEEP_IMPL_H
#define EMAIL_KEEP_IMPL_H

#include "id.h"
#include "keep.h"
#include "work.h"

#include <hilo/message.h>

struct keep_media {
    char id[ID_TEXT_MAX];
    bool over; /* stored, or given up */
};
struct kept {
    char name[KEEP_NAME_MAX];
    char message[ID_TEXT_MAX]; /* "": not known yet */
    struct keep_media *media;
    size_t n_media;
    unsigned busy; /* copies under way */
    bool taking;   /* its message is not committed yet */
    bool seen;     /* by a sweep, which found no message in its head */
    bool leaving;  /* to be removed, or being */
    LIST_ENTRY(kept) at, in_bucket;
};
enum { KEEP_BUCKETS = 1024 };
struct sweep;
struct copying;
struct keep {
    LIST_HEAD(, kept) all, bucket[KEEP_BUCKETS];
    LIST_HEAD(, copying) copying;
    size_t n;
    struct sweep *sweep; /* NULL: none is under way */
};

struct kept *keep_find(struct keep *, const char *name);
struct kept *keep_new_one(struct keep *, const char *name); /* NULL: no memory */
/* Removes its file if nobody is at it and all of its media are over. */
void keep_look(struct email *, struct kept *);
void keep_leave(struct email *, struct kept *);
/* The head's bytes; message "": not known. */
void keep_head(const char *message, char out[KEEP_HEAD]);
/* false: it is none of ours. message "": it says none. */
bool keep_head_read(const char head[KEEP_HEAD], char message[ID_TEXT_MAX]);

/* keep_sweep.c: looks at all files once, one after the other. */
void keep_sweep(struct email *);
void keep_sweep_free(struct email *);

#endif
