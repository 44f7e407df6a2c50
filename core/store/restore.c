/*
 * Restore. The order makes an interruption harmless: DATA/restoring is there before
 * anything else changes and goes last, its going synced.
 *
 * A daemon that starts meanwhile takes the journal's lock and then looks for restoring; this
 * makes restoring and then looks for the lock: one of the two sees the other.
 */
#include "store/restore.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/context.h"
#include "store/copy.h"
#include "store/files.h"
#include "store/journal/journal.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* In the order in which they take their places: a journal without its context would be
 * replayed from its start, so it comes last. */
static const char *const parts[] = {FILES_FOLDER, "media", "context", "journal"};
enum { PARTS = sizeof parts / sizeof *parts };

struct restore {
    const struct restore_options *o;
    struct err *err;
    struct manifest manifest;
    struct copier *copier;
    _Atomic uint64_t bytes;
    int64_t told_us;
    int backup_fd, data_fd, fd; /* fd: DATA/restoring */
    char folder[MANIFEST_NAME]; /* the one that is open in the new store, as to_fd */
    int to_fd;
};

static int32_t failed(struct err *err, const char *doing, const char *name)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(err, HILO_FULL, "%s: no room (%s)", name, doing);
    return err_errno(err, "%s: %s", name, doing);
}

int32_t restore_absent(const char *data_dir, struct err *err)
{
    char path[4096];
    struct stat st;

    if (snprintf(path, sizeof path, "%s/" RESTORE_FOLDER, data_dir) >= (int)sizeof path)
        return err_set(err, HILO_INVALID, "the path of the data folder is too long");
    if (lstat(path, &st) != 0)
        return HILO_OK;
    return err_set(
        err, HILO_AGAIN,
        "%s: a restore into this folder is under way or was cut short: wait for it, or run it again "
        "(hilo restore)",
        path);
}

/* ---- what is there ---- */

static int32_t open_manifest(struct restore *r, FILE **out)
{
    int fd = openat(r->backup_fd, MANIFEST_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

    if (!f) {
        if (errno == ENOENT)
            return err_set(r->err, HILO_NOTFOUND, "%s is no whole backup: it has no manifest", r->o->backup);
        if (fd >= 0)
            close(fd);
        return failed(r->err, "opening the manifest", r->o->backup);
    }
    *out = f;
    return HILO_OK;
}

static int32_t read_manifest(struct restore *r, manifest_file_fn *fn)
{
    FILE *f = NULL;
    int32_t rc = open_manifest(r, &f);

    if (rc != HILO_OK)
        return rc;
    rc = manifest_read(f, MANIFEST_FILE, fn, r, &r->manifest, r->err);
    (void)fclose(f);
    return rc;
}

/* Whether the data folder holds a store. */
static int32_t store_there(struct restore *r, bool *there_out)
{
    *there_out = false;
    for (unsigned i = 0; i < PARTS; i++) {
        bool empty = true;
        int32_t rc = folder_empty(r->data_fd, parts[i], &empty, r->err);
        if (rc != HILO_OK)
            return rc;
        *there_out = *there_out || !empty;
    }
    return HILO_OK;
}

static int32_t no_daemon(struct restore *r)
{
    int fd = openat(r->data_fd, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int32_t rc = HILO_OK;

    if (fd < 0)
        return errno == ENOENT ? HILO_OK : failed(r->err, "opening the folder", "journal");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        rc = errno == EWOULDBLOCK
                 ? err_set(r->err, HILO_AGAIN, "%s is in use: stop the gateway first", r->o->data_dir)
                 : failed(r->err, "locking the folder", "journal");
    close(fd);
    return rc;
}

static int32_t room(struct restore *r)
{
    struct statvfs fs;
    uint64_t avail;

    if (fstatvfs(r->data_fd, &fs) != 0)
        return HILO_OK;
    avail = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (r->manifest.bytes <= avail)
        return HILO_OK;
    return err_set(r->err, HILO_FULL,
                   "%s has room for %" PRIu64 " MiB and the backup takes %" PRIu64 " MiB: free some",
                   r->o->data_dir, avail >> 20, (r->manifest.bytes >> 20) + 1);
}

/* ---- copying ---- */

/* The folder of a name, kept open as long as names are in it. */
static int32_t enter(struct restore *r, const char *name, const char **base_out)
{
    const char *slash = strrchr(name, '/');
    char folder[MANIFEST_NAME], *sub;
    int32_t rc = HILO_OK;
    int part = -1;

    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
    *base_out = slash + 1;
    if (r->to_fd >= 0 && strcmp(folder, r->folder) == 0)
        return HILO_OK;
    if (r->to_fd >= 0)
        close(r->to_fd);
    r->to_fd = -1;
    memcpy(r->folder, folder, sizeof r->folder);
    sub = strchr(folder, '/'); /* of media and files */
    if (sub)
        *sub = 0;
    rc = folder_make(r->fd, folder, &part, r->err);
    if (rc == HILO_OK && sub) {
        rc = folder_make(part, sub + 1, &r->to_fd, r->err);
        close(part);
    } else if (rc == HILO_OK) {
        r->to_fd = part;
    }
    return rc;
}

static void tell(struct restore *r, bool last)
{
    int64_t now = clock_mono_us();

    if (!r->o->progress || (!last && now - r->told_us < 200000))
        return;
    r->told_us = now;
    r->o->progress(r->o->arg, atomic_load(&r->bytes), r->manifest.bytes);
}

static int32_t copy_one(void *arg, const struct manifest_file *f, struct err *err)
{
    struct restore *r = arg;
    uint8_t hash[COPY_HASH];
    const char *base;
    struct stat st;
    int32_t rc = enter(r, f->name, &base);
    int to = -1, from = openat(r->backup_fd, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (rc == HILO_OK && from < 0)
        rc = errno == ENOENT
                 ? err_set(err, HILO_CORRUPT, "%s is missing in the backup: take another one", f->name)
                 : failed(err, "opening it", f->name);
    if (rc == HILO_OK && fstat(from, &st) != 0)
        rc = failed(err, "looking at it", f->name);
    if (rc == HILO_OK && (uint64_t)st.st_size != f->bytes)
        rc =
            err_set(err, HILO_CORRUPT,
                    "%s has %" PRIu64 " bytes in the backup, its manifest says %" PRIu64 ": take another one",
                    f->name, (uint64_t)st.st_size, f->bytes);
    if (rc == HILO_OK) {
        to = openat(r->to_fd, base, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
            rc = errno == EEXIST ? err_set(err, HILO_CORRUPT, "%s stands twice in the manifest", f->name)
                                 : failed(err, "making it", f->name);
    }
    if (rc == HILO_OK)
        rc = copy_file(r->copier, from, f->bytes, f->bytes, to, f->name, hash, err);
    if (rc == HILO_OK && memcmp(hash, f->hash, sizeof hash) != 0)
        rc = err_set(err, HILO_CORRUPT,
                     "%s is damaged in the backup (its SHA-256 is not the manifest's): take another one",
                     f->name);
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) != 0 && rc == HILO_OK)
        rc = failed(err, "closing it", f->name);
    tell(r, false);
    return rc;
}

/* ---- does it open? ---- */

static int32_t open_both(struct restore *r, const char *journal_dir, const char *context_dir)
{
    const struct context_options co = {.dir = context_dir, .map_bytes = 1 << 20, .read_only = true};
    const struct journal_options jo = {.dir = journal_dir, .segment_bytes = 8 << 20};
    struct journal_recovery rec = {0};
    struct context *context = NULL;
    struct journal *journal = NULL;
    uint64_t reached;
    position end;
    int32_t rc = context_open(&co, r->err, &context);

    if (rc == HILO_OK) {
        context_reached(context, &reached, &end);
        rc = journal_open(&jo, end, reached, true, NULL, NULL, r->err, &rec, &journal);
    }
    if (rc == HILO_OK && (rec.last_seq != r->manifest.seq || rec.end != r->manifest.end))
        rc = err_set(r->err, HILO_CORRUPT,
                     "the backup's journal ends with event %" PRIu64 ", its manifest says %" PRIu64
                     ": take another one",
                     rec.last_seq, r->manifest.seq);
    journal_close(&journal);
    context_close(&context);
    return rc;
}

static int32_t verify(struct restore *r)
{
    char journal_dir[4096], context_dir[4096];
    int32_t rc;
    int fd;

    if (snprintf(journal_dir, sizeof journal_dir, "%s/" RESTORE_FOLDER "/journal", r->o->data_dir) >=
            (int)sizeof journal_dir ||
        snprintf(context_dir, sizeof context_dir, "%s/" RESTORE_FOLDER "/context", r->o->data_dir) >=
            (int)sizeof context_dir)
        return err_set(r->err, HILO_INVALID, "the path of the data folder is too long");
    rc = open_both(r, journal_dir, context_dir);
    /* LMDB's lock file is made by who opens it first, and that may be root here. */
    fd = openat(r->fd, "context", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)unlinkat(fd, "lock.mdb", 0);
        close(fd);
    }
    return rc;
}

/* ---- into place ---- */

static int32_t move_aside(struct restore *r, char aside[64])
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    int32_t rc;
    struct tm tm;
    int fd = -1;

    (void)gmtime_r(&now, &tm);
    (void)strftime(aside, 64, "replaced-%Y%m%dT%H%M%SZ", &tm);
    rc = folder_make(r->data_fd, aside, &fd, r->err);
    for (unsigned i = PARTS; i > 0 && rc == HILO_OK; i--)
        if (renameat(r->data_fd, parts[i - 1], fd, parts[i - 1]) != 0 && errno != ENOENT)
            rc = failed(r->err, "moving aside what was there", parts[i - 1]);
    if (rc == HILO_OK && (fsync(fd) != 0 || fsync(r->data_fd) != 0))
        rc = failed(r->err, "syncing the folder to disk", aside);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int32_t take_places(struct restore *r)
{
    for (unsigned i = 0; i < PARTS; i++)
        if (renameat(r->fd, parts[i], r->data_fd, parts[i]) != 0)
            return failed(r->err, "putting it in its place", parts[i]);
    if (fsync(r->fd) != 0 || fsync(r->data_fd) != 0 ||
        unlinkat(r->data_fd, RESTORE_FOLDER, AT_REMOVEDIR) != 0 || fsync(r->data_fd) != 0)
        return failed(r->err, "syncing the folder to disk", r->o->data_dir);
    return HILO_OK;
}

/* The folders of all, whatever the manifest held. */
static int32_t make_parts(struct restore *r)
{
    int32_t rc = HILO_OK;

    for (unsigned i = 0; i < PARTS && rc == HILO_OK; i++) {
        int fd = -1;
        rc = folder_make(r->fd, parts[i], &fd, r->err);
        if (fd >= 0)
            close(fd);
    }
    return rc;
}

/* As root: all belongs to whom the data folder belongs to, as a daemon of its own user needs. */
static int32_t give_away(struct restore *r)
{
    struct stat st;

    if (geteuid() != 0)
        return HILO_OK;
    if (fstat(r->data_fd, &st) != 0)
        return failed(r->err, "looking at the folder", r->o->data_dir);
    return tree_own(r->fd, st.st_uid, st.st_gid, r->err);
}

static int32_t fill(struct restore *r)
{
    int32_t rc = make_parts(r);

    r->copier = copier_new(NULL, &r->bytes);
    if (rc == HILO_OK)
        rc = read_manifest(r, copy_one);
    if (r->to_fd >= 0)
        close(r->to_fd);
    r->to_fd = -1;
    if (rc == HILO_OK)
        rc = verify(r);
    if (rc == HILO_OK)
        rc = give_away(r);
    if (rc == HILO_OK)
        rc = tree_sync(r->fd, RESTORE_FOLDER, NULL, r->err);
    if (rc == HILO_OK)
        tell(r, true);
    return rc;
}

static int32_t open_folders(struct restore *r)
{
    const char *dir = r->o->data_dir;

    r->backup_fd = open(r->o->backup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->backup_fd < 0)
        return err_errno(r->err, "the backup %s", r->o->backup);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return failed(r->err, "making the data folder", dir);
    r->data_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->data_fd < 0 ? failed(r->err, "opening the data folder", dir) : HILO_OK;
}

int32_t store_restore(const struct restore_options *o, struct manifest *out, char aside_out[64],
                      struct err *err)
{
    struct restore r = {.o = o, .err = err, .backup_fd = -1, .data_fd = -1, .fd = -1, .to_fd = -1};
    bool there = false, earlier = false, filled = false;
    int32_t rc = open_folders(&r);

    aside_out[0] = 0;
    if (rc == HILO_OK)
        rc = read_manifest(&r, NULL);
    if (rc == HILO_OK)
        rc = no_daemon(&r);
    if (rc == HILO_OK)
        rc = store_there(&r, &there);
    if (rc == HILO_OK && there && !o->replace)
        rc = err_set(
            err, HILO_INVALID,
            "%s holds a store already: with --replace it is moved aside within that folder, nothing is "
            "deleted",
            o->data_dir);
    if (rc == HILO_OK)
        rc = room(&r);
    if (rc != HILO_OK)
        goto out;
    earlier = faccessat(r.data_fd, RESTORE_FOLDER, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    rc = folder_make(r.data_fd, RESTORE_FOLDER, &r.fd, err);
    if (rc == HILO_OK)
        rc = tree_clear(r.fd, RESTORE_FOLDER, err);
    if (rc == HILO_OK && fsync(r.data_fd) != 0)
        rc = failed(err, "syncing the folder to disk", o->data_dir);
    if (rc == HILO_OK)
        rc = no_daemon(&r);
    if (rc == HILO_OK)
        rc = fill(&r);
    filled = rc == HILO_OK;
    if (rc == HILO_OK && there)
        rc = move_aside(&r, aside_out);
    if (rc == HILO_OK)
        rc = take_places(&r);
    if (rc == HILO_OK)
        *out = r.manifest;
    /* What stands there may be the half of an earlier restore: then it stays unserved. */
    if (!filled && !(earlier && there)) {
        struct err why = {0};
        (void)tree_remove(r.data_fd, RESTORE_FOLDER, &why); /* the next restore removes it else */
    }
out:
    copier_free(&r.copier);
    for (int *fd = (int[]){r.backup_fd, r.data_fd, r.fd, r.to_fd, -2}; *fd != -2; fd++)
        if (*fd >= 0)
            close(*fd);
    return rc;
}
