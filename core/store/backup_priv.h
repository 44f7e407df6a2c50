/* What backup.c (the job and its thread) and backup_take.c (what it copies) share. */
#ifndef STORE_BACKUP_PRIV_H
#define STORE_BACKUP_PRIV_H

#include "store/backup.h"
#include "store/copy.h"
#include "store/manifest.h"
#include <pthread.h>
#include <stdatomic.h>

#define BACKUP_PARTIAL ".partial"

struct backup {
    struct journal *journal;
    struct context *context;
    char *data_dir;
    struct log *log;
    atomic_bool stop;
    _Atomic uint64_t bytes, total;

    pthread_mutex_t lock; /* what follows */
    bool started;         /* thread is to be joined */
    pthread_t thread;
    struct backup_state state;
    char since[BACKUP_PATH];
    int64_t last_us;
    uint64_t last_seq;
};

/* One run; belongs to its thread. */
struct backup_run {
    struct backup *b;
    struct err *err;
    struct copier *copier;
    struct manifest_writer *manifest;
    struct manifest facts;
    uint64_t linked;
    uint32_t first;       /* segment */
    uint64_t media_bytes; /* and of channels' files */
    char parent[BACKUP_PATH], name[256], partial[256 + sizeof BACKUP_PARTIAL];
    int parent_fd, data_fd, fd, since_fd; /* fd: of the partial folder */
    bool made;                            /* the partial folder is ours, to be removed */
};

/* "…: no room (making it)", and what to do where the daemon's user may not write. */
int32_t backup__failed(struct err *, const char *doing, const char *name);
/* An absolute path into the run's parent, name and partial. HILO_INVALID. */
int32_t backup__split(struct hilo_str dir, struct backup_run *, struct err *);
/* All of it: parent, data_fd, copier are set. What it opened stays open in the run. */
int32_t backup__take(struct backup_run *);

#endif
