/*
 * Mails in the channel's own files, each from before its sender's server is told that we have it until the
 * gateway has it and every part of it as media. fetch() gives parts out of them. [own] loop.
 *
 * A file is KEEP_HEAD bytes, then the mail as it came. The head says whose message it is once that is known
 * (its first fetch()), so that what a crash left can be looked up and removed: keep_sweep.c.
 */
#ifndef EMAIL_KEEP_H
#define EMAIL_KEEP_H

#include "email.h"

enum { KEEP_NAME_MAX = 48, KEEP_HEAD = 64, KEEP_WHICH_MAX = 320 };

struct keep *keep_new(struct email *); /* NULL: no memory */
/* When the keys are known: follows what becomes of media, and looks at what was left. */
void keep_start(struct email *);
/* Whether another file may be made. */
bool keep_room(const struct email *);
/* A name that is nobody's yet: time and chance. */
void keep_name(struct email *, char out[KEEP_NAME_MAX]);
/* [any] Writes a whole file and syncs it: 0, or an errno. */
int keep_write(int fd, struct hilo_str mail);
/* EXT_MEDIA of a part ("2.1"), or of the whole mail (""). */
void keep_which(const char *name, const char *path, char out[KEEP_WHICH_MAX]);
/* A file of this name is going to be there, for a mail that is being taken in. HILO_NOMEM. */
int32_t keep_add(struct email *, const char *name);
/* Its message is committed: fetch() will come. */
void keep_taken(struct email *, const char *name);
/* Nobody needs it. */
void keep_drop(struct email *, const char *name);

/* The plugin's fetch(), on_event() and on_timer(). */
void keep_fetch(struct email *, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd);
void keep_event(struct email *, struct hilo_str json);
bool keep_on_timer(struct email *, uint32_t id);
void keep_free(struct email *);

#endif
