/*
 * What a backup copies. The order is what makes it consistent: context, then position,
 * then segments, then media, then files of channels (backup.h says why). The journal's segments are read by
 * their descriptors, pinned one at a time; bytes before the position never change.
 *
 * LMDB writes its copy into a pipe from a second thread, and this one takes it out: so it is
 * hashed and paced like every file, and read ahead in large pieces, which LMDB itself
 * (MDB_NORDAHEAD) would not do. Pages are copied as they lie, not compacted: in order they
 * come as fast as the disk reads, and how long LMDB may reuse no pages depends on it.
 */
#include "store/backup_priv.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/files.h"
#include "store/media.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SPARE_BYTES = 128 << 20 };

int32_t backup__failed(struct err *err, const char *doing, const char *name)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(err, HILO_FULL, "%s: no room (%s)", name, doing);
    if (errno == EROFS || errno == EACCES || errno == EPERM)
        return err_errno(err,
                         "%s: %s: the user that runs hilod must be able to write there (under systemd, "
                         "ReadWritePaths= must name it, too)",
                         name, doing);
    return err_errno(err, "%s: %s", name, doing);
}

/* ---- one file ---- */

static int32_t file_new(struct backup_run *r, int folder, const char *base, const char *name, int *fd_out)
{
    int fd = openat(folder, base, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return backup__failed(r->err, "making it", name);
    *fd_out = fd;
    return HILO_OK;
}

/* A link to the earlier backup's file if that has the same contents. */
static int32_t try_link(struct backup_run *r, int from, const struct manifest_file *f, bool *linked_out,
                        uint8_t hash_out[COPY_HASH])
{
    struct stat st;
    int fd = r->since_fd < 0 ? -1 : openat(r->since_fd, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool same = false;
    int32_t rc = HILO_OK;

    if (fd < 0)
        return HILO_OK;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == f->bytes)
        rc = copy_same(r->copier, from, fd, f->bytes, f->name, &same, hash_out, r->err);
    close(fd);
    /* Another file system, or too many links: a copy does as well. */
    *linked_out = rc == HILO_OK && same && linkat(r->since_fd, f->name, r->fd, f->name, 0) == 0;
    if (same && !*linked_out)
        atomic_fetch_sub(&r->b->bytes, f->bytes);
    return rc;
}

/* bytes of it are wanted, of a file that is to be f->bytes long. */
static int32_t take_file(struct backup_run *r, int from, uint64_t bytes, int folder, const char *base,
                         struct manifest_file *f)
{
    bool linked = false;
    int32_t rc = HILO_OK;
    int to = -1;

    if (bytes == f->bytes)
        rc = try_link(r, from, f, &linked, f->hash);
    if (rc == HILO_OK && linked)
        r->linked++;
    if (rc == HILO_OK && !linked)
        rc = file_new(r, folder, base, f->name, &to);
    if (rc == HILO_OK && !linked)
        rc = copy_file(r->copier, from, bytes, f->bytes, to, f->name, f->hash, r->err);
    if (to >= 0 && close(to) != 0 && rc == HILO_OK)
        rc = backup__failed(r->err, "closing it", f->name);
    return rc == HILO_OK ? manifest_add(r->manifest, f, r->err) : rc;
}

/* ---- the context ---- */

struct pour {
    struct context *context;
    int fd;
    int32_t rc;
    struct err err;
};

static void *pour(void *arg)
{
    struct pour *p = arg;

    p->rc = context_copy(p->context, p->fd, &p->err);
    close(p->fd);
    return NULL;
}

static int32_t pour_into(struct backup_run *r, int to, struct manifest_file *f)
{
    struct pour p = {.context = r->b->context};
    pthread_t thread;
    int ends[2], made, source;
    int32_t rc;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(r->err, "no pipe");
    (void)fcntl(ends[0], F_SETPIPE_SZ, 1 << 20); /* fewer changes of thread; any size will do */
    p.fd = ends[1];
    made = pthread_create(&thread, NULL, pour, &p);
    if (made != 0) {
        close(ends[0]);
        close(ends[1]);
        errno = made;
        return err_errno(r->err, "no thread for the copy");
    }
    source = context_fd(r->b->context);
    rc = copy_stream(r->copier, ends[0], source, to, f->name, &f->bytes, f->hash, r->err);
    if (source >= 0)
        close(source);
    close(ends[0]); /* if that failed, LMDB stops at its next write */
    pthread_join(thread, NULL);
    return rc == HILO_OK && p.rc != HILO_OK ? err_set(r->err, p.rc, "%s", p.err.text) : rc;
}

static int32_t take_context(struct backup_run *r)
{
    struct manifest_file f = {.name = "context/data.mdb"};
    int folder = -1, to = -1;
    int32_t rc = folder_make(r->fd, "context", &folder, r->err);

    if (rc == HILO_OK)
        rc = file_new(r, folder, "data.mdb", f.name, &to);
    if (rc == HILO_OK)
        rc = pour_into(r, to, &f);
    if (to >= 0 && close(to) != 0 && rc == HILO_OK)
        rc = backup__failed(r->err, "closing it", f.name);
    if (folder >= 0)
        close(folder);
    return rc == HILO_OK ? manifest_add(r->manifest, &f, r->err) : rc;
}

/* ---- the journal ---- */

static int32_t take_segment(struct backup_run *r, int folder, uint32_t number)
{
    struct manifest_file f = {0};
    uint64_t bytes;
    int fd;
    int32_t rc = journal_pin(r->b->journal, number, r->err, &fd, &f.bytes);

    if (rc != HILO_OK)
        return rc;
    /* Behind the position stands what this backup does not hold, perhaps half written. */
    bytes = number == POSITION_SEGMENT(r->facts.end) ? POSITION_OFFSET(r->facts.end) : f.bytes;
    (void)snprintf(f.name, sizeof f.name, "journal/%010" PRIu32 ".seg", number);
    rc = take_file(r, fd, bytes, folder, f.name + strlen("journal/"), &f);
    journal_unpin(r->b->journal, number);
    return rc;
}

static int32_t take_journal(struct backup_run *r)
{
    int folder = -1;
    int32_t rc = folder_make(r->fd, "journal", &folder, r->err);

    for (uint32_t n = r->first; rc == HILO_OK && n <= POSITION_SEGMENT(r->facts.end); n++)
        rc = take_segment(r, folder, n);
    if (folder >= 0)
        close(folder);
    return rc;
}

/* ---- media ---- */

static bool is_hex(const char *name, size_t digits)
{
    return strlen(name) == digits && strspn(name, "0123456789abcdef") == digits;
}

/* What is done with each named file, by the folder that it is in. */
struct media_walk {
    struct backup_run *r;
    int32_t (*each)(struct media_walk *, int fd, const char *name, struct err *);
    char folder[3]; /* "ab" */
    int to;         /* of the copy; -1: not made */
};

static int32_t weigh_media(struct media_walk *w, int fd, const char *name, struct err *err)
{
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? HILO_OK : backup__failed(err, "looking at a media file", name);
    w->r->media_bytes += (uint64_t)st.st_size;
    return HILO_OK;
}

static int32_t take_media(struct media_walk *w, int fd, const char *name, struct err *err)
{
    struct manifest_file f = {0};
    struct stat st;
    int32_t rc = HILO_OK;
    int from = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    (void)snprintf(f.name, sizeof f.name, "media/%s/%.64s", w->folder, name);
    if (from < 0 || fstat(from, &st) != 0)
        rc = backup__failed(err, "opening it", f.name);
    if (rc == HILO_OK && w->to < 0) {
        char path[16];
        (void)snprintf(path, sizeof path, "media/%s", w->folder);
        rc = folder_make(w->r->fd, path, &w->to, err);
    }
    if (rc == HILO_OK) {
        f.bytes = (uint64_t)st.st_size;
        rc = take_file(w->r, from, f.bytes, w->to, name, &f);
    }
    if (from >= 0)
        close(from);
    return rc;
}

static int32_t media_file(void *arg, int fd, const char *name, struct err *err)
{
    struct media_walk *w = arg;

    if (!is_hex(name, MEDIA_HASH_HEX - 2))
        return HILO_OK;
    if (atomic_load(&w->r->b->stop))
        return err_set(err, HILO_AGAIN, "it was stopped");
    return w->each(w, fd, name, err);
}

static int32_t media_folder(void *arg, int fd, const char *name, struct err *err)
{
    struct media_walk *w = arg;
    int32_t rc;
    int folder;

    if (!is_hex(name, 2))
        return HILO_OK; /* tmp-…: not yet named by any event */
    folder = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return backup__failed(err, "opening a folder of media", name);
    memcpy(w->folder, name, sizeof w->folder);
    w->to = -1;
    rc = folder_each(folder, name, media_file, w, err);
    if (w->to >= 0)
        close(w->to);
    close(folder);
    return rc;
}

static int32_t walk_media(struct backup_run *r,
                          int32_t (*each)(struct media_walk *, int fd, const char *name, struct err *))
{
    struct media_walk w = {.r = r, .each = each};
    int fd = openat(r->data_fd, "media", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int32_t rc;

    if (fd < 0)
        return backup__failed(r->err, "opening the folder", "media");
    rc = folder_each(fd, "media", media_folder, &w, r->err);
    close(fd);
    return rc;
}

/* ---- files of channels' own ---- */

/* What is done with each, by the channel whose it is. */
struct files_walk {
    struct backup_run *r;
    int32_t (*each)(struct files_walk *, int fd, const char *name, struct err *);
    const char *channel;
    int to; /* of the copy; -1: not made */
};

static int32_t weigh_file(struct files_walk *w, int fd, const char *name, struct err *err)
{
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? HILO_OK : backup__failed(err, "looking at a channel's file", name);
    w->r->media_bytes += (uint64_t)st.st_size;
    return HILO_OK;
}

static int32_t take_one_file(struct files_walk *w, int fd, const char *name, struct err *err)
{
    struct manifest_file f = {0};
    struct stat st;
    int32_t rc = HILO_OK;
    int from = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (from < 0 && errno == ENOENT) /* removed meanwhile */
        return HILO_OK;
    (void)snprintf(f.name, sizeof f.name, FILES_FOLDER "/%.64s/%.*s", w->channel, HILO_FILE_NAME_MAX, name);
    if (from < 0 || fstat(from, &st) != 0)
        rc = backup__failed(err, "opening it", f.name);
    if (rc == HILO_OK && !S_ISREG(st.st_mode))
        goto out;
    if (rc == HILO_OK && w->to < 0) {
        int files = -1;
        rc = folder_make(w->r->fd, FILES_FOLDER, &files, err);
        if (rc == HILO_OK)
            rc = folder_make(files, w->channel, &w->to, err);
        if (files >= 0)
            close(files);
    }
    if (rc == HILO_OK) {
        f.bytes = (uint64_t)st.st_size;
        rc = take_file(w->r, from, f.bytes, w->to, name, &f);
    }
out:
    if (from >= 0)
        close(from);
    return rc;
}

static int32_t channel_file(void *arg, int fd, const char *name, struct err *err)
{
    struct files_walk *w = arg;

    if (!str_file_name(str(name), HILO_FILE_NAME_MAX))
        return HILO_OK;
    if (atomic_load(&w->r->b->stop))
        return err_set(err, HILO_AGAIN, "it was stopped");
    return w->each(w, fd, name, err);
}

static int32_t channel_folder(void *arg, int fd, const char *name, struct err *err)
{
    struct files_walk *w = arg;
    int32_t rc;
    int folder;

    if (!str_file_name(str(name), CHANNEL_NAME_MAX))
        return HILO_OK;
    folder = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return backup__failed(err, "opening a folder of files", name);
    w->channel = name;
    w->to = -1;
    rc = folder_each(folder, name, channel_file, w, err);
    if (w->to >= 0)
        close(w->to);
    close(folder);
    return rc;
}

static int32_t walk_files(struct backup_run *r,
                          int32_t (*each)(struct files_walk *, int fd, const char *name, struct err *))
{
    struct files_walk w = {.r = r, .each = each};
    int fd = openat(r->data_fd, FILES_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int32_t rc;

    if (fd < 0) /* no channel has had any */
        return errno == ENOENT ? HILO_OK : backup__failed(r->err, "opening the folder", FILES_FOLDER);
    rc = folder_each(fd, FILES_FOLDER, channel_folder, &w, r->err);
    close(fd);
    return rc;
}

/* ---- before and after ---- */

/* The parent's folder and the name in it. */
int32_t backup__split(struct hilo_str dir, struct backup_run *r, struct err *err)
{
    uint64_t slash;

    while (dir.n > 1 && dir.p[dir.n - 1] == '/')
        dir.n--;
    for (slash = dir.n; slash > 0 && dir.p[slash - 1] != '/'; slash--)
        ;
    if (dir.n < 2 || dir.p[0] != '/' || memchr(dir.p, 0, (size_t)dir.n))
        return err_set(err, HILO_INVALID, "a backup's folder is an absolute path");
    if (dir.n >= BACKUP_PATH || dir.n - slash >= sizeof r->name - sizeof BACKUP_PARTIAL)
        return err_set(err, HILO_INVALID, "the path of the backup's folder is too long");
    (void)snprintf(r->name, sizeof r->name, "%.*s", (int)(dir.n - slash), dir.p + slash);
    if (strcmp(r->name, ".") == 0 || strcmp(r->name, "..") == 0)
        return err_set(err, HILO_INVALID, "a backup's folder needs a name");
    (void)snprintf(r->parent, sizeof r->parent, "%.*s", (int)(slash > 1 ? slash - 1 : 1), dir.p);
    (void)snprintf(r->partial, sizeof r->partial, "%s%s", r->name, BACKUP_PARTIAL);
    return HILO_OK;
}

static int32_t open_target(struct backup_run *r)
{
    bool empty = false;
    int32_t rc;

    r->parent_fd = open(r->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->parent_fd < 0)
        return err_errno(r->err, "%s: the folder that the backup is to be made in", r->parent);
    rc = folder_empty(r->parent_fd, r->name, &empty, r->err);
    if (rc == HILO_OK && !empty)
        rc = err_set(r->err, HILO_INVALID,
                     "%s/%s is there already and not empty: give each backup a name of its own", r->parent,
                     r->name);
    if (rc == HILO_OK)
        rc = tree_remove(r->parent_fd, r->partial, r->err);
    if (rc != HILO_OK)
        return rc;
    if (mkdirat(r->parent_fd, r->partial, 0700) != 0)
        return backup__failed(r->err, "making the backup's folder", r->parent);
    r->made = true;
    return folder_make(r->parent_fd, r->partial, &r->fd, r->err);
}

static int32_t open_since(struct backup_run *r)
{
    struct stat st;

    if (r->b->since[0] == 0)
        return HILO_OK;
    r->since_fd = open(r->b->since, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->since_fd < 0)
        return err_errno(r->err, "%s: the earlier backup", r->b->since);
    if (fstatat(r->since_fd, MANIFEST_FILE, &st, 0) != 0)
        return err_set(r->err, HILO_INVALID, "%s is no whole backup: it has no manifest", r->b->since);
    return HILO_OK;
}

/* About what is copied of the journal up to a position. */
static uint64_t journal_need(const struct backup_run *r, position end)
{
    struct journal_stats js;

    journal_stats(r->b->journal, &js);
    return (POSITION_SEGMENT(end) - r->first) * (js.segments ? js.segment_bytes / js.segments : 0) +
           POSITION_OFFSET(end);
}

/* How much there is, and whether the target has room for it. */
static int32_t survey(struct backup_run *r)
{
    struct context_stats cs;
    struct statvfs fs;
    struct stat here, there;
    uint64_t seq, need, room;
    position end;
    int32_t rc = walk_media(r, weigh_media);

    if (rc == HILO_OK)
        rc = walk_files(r, weigh_file);
    if (rc != HILO_OK)
        return rc;
    context_stats(r->b->context, &cs);
    journal_durable(r->b->journal, &r->first, &seq, &end);
    need = journal_need(r, end) + cs.used_bytes + r->media_bytes;
    atomic_store(&r->b->total, need);
    /* How many will be links, which need no room, is not known yet. */
    if (r->since_fd >= 0 || fstatvfs(r->fd, &fs) != 0 || fstat(r->fd, &there) != 0 ||
        fstat(r->data_fd, &here) != 0)
        return HILO_OK;
    if (here.st_dev == there.st_dev)
        need += SPARE_BYTES; /* the daemon goes on meanwhile */
    room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (need <= room)
        return HILO_OK;
    return err_set(r->err, HILO_FULL,
                   "%s has room for %" PRIu64 " MiB and the backup takes %" PRIu64
                   " MiB: free some, or make it elsewhere",
                   r->parent, room >> 20, (need >> 20) + 1);
}

static void take_position(struct backup_run *r)
{
    struct backup *b = r->b;

    journal_durable(b->journal, &r->first, &r->facts.seq, &r->facts.end);
    pthread_mutex_lock(&b->lock);
    b->state.seq = r->facts.seq;
    pthread_mutex_unlock(&b->lock);
    atomic_store(&b->total, atomic_load(&b->bytes) + journal_need(r, r->facts.end) + r->media_bytes);
}

static int32_t complete(struct backup_run *r)
{
    int32_t rc = manifest_finish(&r->manifest, &r->facts, r->err);

    if (rc == HILO_OK)
        rc = tree_sync(r->fd, r->partial, &r->b->stop, r->err);
    if (rc != HILO_OK)
        return rc;
    if (renameat(r->parent_fd, r->partial, r->parent_fd, r->name) != 0)
        return backup__failed(r->err, "giving the backup its name", r->name);
    r->made = false;
    return fsync(r->parent_fd) == 0 ? HILO_OK
                                    : backup__failed(r->err, "syncing the folder to disk", r->parent);
}

int32_t backup__take(struct backup_run *r)
{
    int32_t rc = open_target(r);
    int fd = -1;

    if (rc == HILO_OK)
        rc = open_since(r);
    if (rc == HILO_OK)
        rc = survey(r);
    if (rc == HILO_OK)
        rc = file_new(r, r->fd, MANIFEST_FILE, MANIFEST_FILE, &fd);
    if (rc != HILO_OK)
        return rc;
    r->manifest = manifest_begin(fd);
    r->facts.made_us = clock_wall_us();
    rc = take_context(r);
    if (rc == HILO_OK) {
        take_position(r);
        rc = take_journal(r);
    }
    if (rc == HILO_OK) {
        int media = -1;
        rc = folder_make(r->fd, "media", &media, r->err);
        if (media >= 0)
            close(media);
    }
    if (rc == HILO_OK)
        rc = walk_media(r, take_media);
    if (rc == HILO_OK)
        rc = walk_files(r, take_one_file);
    if (rc == HILO_OK)
        rc = complete(r);
    manifest_abort(&r->manifest);
    close(fd);
    return rc;
}
