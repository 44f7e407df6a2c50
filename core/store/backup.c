/* The backup's job: begun, run on its thread, ended, remembered. */
#include "store/backup_priv.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LAST_FILE "backup.last" /* in the data folder: when, and the sequence */

enum { NICE = 10 };

/* ---- when the last one was made ---- */

/* "2026-11-27T13:56:01.000Z 51201". That it is missing or not well is like never. */
static void last_read(struct backup *b)
{
    char path[BACKUP_PATH + 32], text[128];
    struct hilo_str time, seq;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/" LAST_FILE, b->data_dir);
    f = fopen(path, "re");
    if (!f)
        return;
    if (fgets(text, sizeof text, f) && str_cut(str(text), ' ', &time, &seq) && seq.n &&
        (!clock_parse(time, &b->last_us) || !str_u64(str_n(seq.p, (size_t)seq.n - 1), &b->last_seq)))
        b->last_us = 0;
    (void)fclose(f);
}

/* Its loss is no more than that nobody is told when the last one was. */
static void last_write(struct backup_run *r)
{
    struct backup *b = r->b;
    char made[CLOCK_TEXT], text[128];
    int fd =
        openat(r->data_fd, LAST_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good;
    int n;

    clock_format(r->facts.made_us, made);
    n = snprintf(text, sizeof text, "%s %" PRIu64 "\n", made, r->facts.seq);
    good = fd >= 0 && write(fd, text, (size_t)n) == n && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    good = good && renameat(r->data_fd, LAST_FILE ".new", r->data_fd, LAST_FILE) == 0;
    if (!good)
        log_event(b->log, HILO_LOG_WARN, "backup.last",
                  "note=\"the backup is whole; when it was made could not be written down\"");
}

/* ---- the thread ---- */

static void tell(struct backup_run *r, int64_t began_us)
{
    char quoted[sizeof r->err->text + 64];
    struct backup *b = r->b;

    if (r->err->code == HILO_OK)
        log_event(b->log, HILO_LOG_INFO, "backup.finished",
                  "seq=%" PRIu64 " files=%" PRIu64 " linked=%" PRIu64 " bytes=%" PRIu64 " us=%" PRId64,
                  r->facts.seq, r->facts.files, r->linked, r->facts.bytes, clock_mono_us() - began_us);
    else
        log_event(b->log, HILO_LOG_ERROR, "backup.failed", "error=%s",
                  log_quote(str(r->err->text), quoted, sizeof quoted));
}

static void ended(struct backup_run *r)
{
    struct backup *b = r->b;
    struct backup_state *s = &b->state;
    bool good = r->err->code == HILO_OK;

    pthread_mutex_lock(&b->lock);
    s->phase = good ? BACKUP_DONE : BACKUP_FAILED;
    s->ended_us = clock_wall_us();
    s->err = *r->err;
    s->files = r->facts.files;
    s->linked = r->linked;
    if (good) {
        atomic_store(&b->total, atomic_load(&b->bytes));
        b->last_us = r->facts.made_us;
        b->last_seq = r->facts.seq;
    }
    pthread_mutex_unlock(&b->lock);
}

static void *backup__run(void *arg)
{
    struct backup *b = arg;
    struct err err = {0};
    struct backup_run r = {.b = b, .err = &err, .parent_fd = -1, .data_fd = -1, .fd = -1, .since_fd = -1};
    int64_t began_us = clock_mono_us();
    int32_t rc = backup__split(str(b->state.dir), &r, &err);

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* on Linux, of this thread */
    r.copier = copier_new(&b->stop, &b->bytes);
    if (rc == HILO_OK) {
        r.data_fd = open(b->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = r.data_fd < 0 ? backup__failed(&err, "opening the folder", b->data_dir) : backup__take(&r);
    }
    if (rc == HILO_OK)
        last_write(&r);
    if (rc != HILO_OK && err.code == HILO_OK)
        (void)err_set(&err, rc, "the backup failed: %s", err_name(rc));
    if (r.made) {
        struct err why = {0};
        if (tree_remove(r.parent_fd, r.partial, &why) != HILO_OK)
            log_event(b->log, HILO_LOG_WARN, "backup.left_over", "note=\"remove what is left of it: %s/%s\"",
                      r.parent, r.partial);
    }
    tell(&r, began_us);
    ended(&r);
    copier_free(&r.copier);
    for (int *fd = (int[]){r.parent_fd, r.data_fd, r.fd, r.since_fd, -2}; *fd != -2; fd++)
        if (*fd >= 0)
            close(*fd);
    return NULL;
}

struct backup *backup_new(struct journal *journal, struct context *context, const char *data_dir,
                          struct log *log)
{
    struct backup *b = calloc(1, sizeof *b);

    if (!b || !(b->data_dir = strdup(data_dir)))
        check_nomem();
    b->journal = journal;
    b->context = context;
    b->log = log;
    pthread_mutex_init(&b->lock, NULL);
    last_read(b);
    return b;
}

void backup_free(struct backup **bp)
{
    struct backup *b = *bp;

    if (!b)
        return;
    atomic_store(&b->stop, true);
    if (b->started)
        pthread_join(b->thread, NULL);
    pthread_mutex_destroy(&b->lock);
    free(b->data_dir);
    free(b);
    *bp = NULL;
}

int32_t backup_start(struct backup *b, const struct backup_order *o, struct err *err)
{
    struct backup_run r = {0}; /* to look at the path */
    int32_t rc = backup__split(o->dir, &r, err);
    int made;

    if (rc == HILO_OK && (o->since.n >= BACKUP_PATH || (o->since.n && o->since.p[0] != '/')))
        rc = err_set(err, HILO_INVALID, "the earlier backup's folder is an absolute path, and not too long");
    if (rc != HILO_OK)
        return rc;
    pthread_mutex_lock(&b->lock);
    if (b->state.phase == BACKUP_RUNNING) {
        rc = err_set(err, HILO_AGAIN, "a backup is being made already; wait until it has ended");
        goto out;
    }
    if (b->started)
        pthread_join(b->thread, NULL);
    b->started = false;
    b->state = (struct backup_state){.phase = BACKUP_RUNNING, .id = o->id, .began_us = clock_wall_us()};
    (void)snprintf(b->state.dir, sizeof b->state.dir, "%.*s", STR_FMT(o->dir));
    (void)snprintf(b->since, sizeof b->since, "%.*s", STR_FMT(o->since));
    atomic_store(&b->bytes, 0);
    atomic_store(&b->total, 0);
    made = pthread_create(&b->thread, NULL, backup__run, b);
    if (made != 0) {
        errno = made;
        rc = err_errno(err, "no thread for the backup");
        b->state = (struct backup_state){0};
        goto out;
    }
    b->started = true;
    log_event(b->log, HILO_LOG_INFO, "backup.started", "since=%s", b->since[0] ? "yes" : "no");
out:
    pthread_mutex_unlock(&b->lock);
    return rc;
}

void backup_state(struct backup *b, struct backup_state *out)
{
    pthread_mutex_lock(&b->lock);
    *out = b->state;
    pthread_mutex_unlock(&b->lock);
    out->bytes = atomic_load(&b->bytes);
    out->total = atomic_load(&b->total);
}

void backup_last(struct backup *b, int64_t *made_us_out, uint64_t *seq_out)
{
    pthread_mutex_lock(&b->lock);
    *made_us_out = b->last_us;
    *seq_out = b->last_us ? b->last_seq : 0;
    pthread_mutex_unlock(&b->lock);
}
