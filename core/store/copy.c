/*
 * Copies. The pace: each piece is handed to the disk when it is written, and before the
 * next but one the one before it must have arrived (sync_file_range), so that no more
 * than two pieces are ever dirty. That is no durability, nor meant as it: tree_sync is.
 * The copy leaves the system's cache again, which belongs to the daemon.
 *
 * Syncing comes last and for all files at once: on most file systems the first fsync
 * commits what all others need, too.
 */
#include "store/copy.h"
#include "base/check.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, AHEAD_BYTES = 8 << 20 };

struct copier {
    const atomic_bool *stop;
    _Atomic uint64_t *done;
    EVP_MD_CTX *md;
    char *piece, *other;
};

struct copier *copier_new(const atomic_bool *stop, _Atomic uint64_t *done)
{
    struct copier *c = calloc(1, sizeof *c);

    if (!c || !(c->md = EVP_MD_CTX_new()) || !(c->piece = malloc(PIECE_BYTES)) ||
        !(c->other = malloc(PIECE_BYTES)))
        check_nomem();
    c->stop = stop;
    c->done = done;
    return c;
}

void copier_free(struct copier **cp)
{
    struct copier *c = *cp;

    if (!c)
        return;
    EVP_MD_CTX_free(c->md);
    free(c->piece);
    free(c->other);
    free(c);
    *cp = NULL;
}

static int32_t failed(struct err *err, const char *doing, const char *name)
{
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return err_set(err, HILO_FULL, "%s: no room (%s)", name, doing);
    return err_errno(err, "%s: %s", name, doing);
}

static int32_t may_go_on(const atomic_bool *stop, struct err *err)
{
    return stop && atomic_load(stop) ? err_set(err, HILO_AGAIN, "it was stopped") : HILO_OK;
}

static void hash_begin(struct copier *c)
{
    CHECK(EVP_DigestInit_ex(c->md, EVP_sha256(), NULL) == 1);
}

static void hash_end(struct copier *c, uint8_t out[COPY_HASH])
{
    CHECK(EVP_DigestFinal_ex(c->md, out, NULL) == 1);
}

/* Up to n bytes at an offset, fewer at the end; offset -1: of a pipe. */
static int32_t read_piece(int fd, char *p, size_t n, off_t offset, const char *name, size_t *n_out,
                          struct err *err)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r =
            offset < 0 ? read(fd, p + got, n - got) : pread(fd, p + got, n - got, offset + (off_t)got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return failed(err, "reading", name);
        if (r == 0)
            break;
        got += (size_t)r;
    }
    *n_out = got;
    return HILO_OK;
}

static int32_t write_piece(struct copier *c, int to, size_t n, uint64_t offset, const char *name,
                           struct err *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t w = pwrite(to, c->piece + done, n - done, (off_t)(offset + done));
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return failed(err, "writing", name);
        done += (size_t)w;
    }
    CHECK(EVP_DigestUpdate(c->md, c->piece, n) == 1);
    /* Best effort: file systems without it write when they like. */
    (void)sync_file_range(to, (off_t)offset, (off_t)n, SYNC_FILE_RANGE_WRITE);
    if (offset >= PIECE_BYTES) {
        off_t before = (off_t)(offset - PIECE_BYTES);
        (void)sync_file_range(to, before, PIECE_BYTES,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                  SYNC_FILE_RANGE_WAIT_AFTER);
        (void)posix_fadvise(to, before, PIECE_BYTES, POSIX_FADV_DONTNEED);
    }
    if (c->done)
        atomic_fetch_add(c->done, n);
    return HILO_OK;
}

/* The zeros behind the bytes: a hole in the file, and in the hash what they are. */
static int32_t pad(struct copier *c, int to, uint64_t bytes, uint64_t length, const char *name,
                   struct err *err)
{
    if (ftruncate(to, (off_t)length) != 0)
        return failed(err, "setting its length", name);
    memset(c->piece, 0, PIECE_BYTES);
    while (bytes < length) {
        size_t n = length - bytes < PIECE_BYTES ? (size_t)(length - bytes) : PIECE_BYTES;
        CHECK(EVP_DigestUpdate(c->md, c->piece, n) == 1);
        bytes += n;
    }
    return HILO_OK;
}

int32_t copy_file(struct copier *c, int from, uint64_t bytes, uint64_t length, int to, const char *name,
                  uint8_t hash_out[COPY_HASH], struct err *err)
{
    int32_t rc = HILO_OK;

    hash_begin(c);
    (void)posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (uint64_t at = 0; at < bytes && rc == HILO_OK;) {
        size_t want = bytes - at < PIECE_BYTES ? (size_t)(bytes - at) : PIECE_BYTES, n = 0;
        rc = may_go_on(c->stop, err);
        if (rc == HILO_OK)
            rc = read_piece(from, c->piece, want, (off_t)at, name, &n, err);
        if (rc == HILO_OK && n < want)
            rc = err_set(err, HILO_IO, "%s: it ends at byte %llu, %llu were expected", name,
                         (unsigned long long)(at + n), (unsigned long long)bytes);
        if (rc == HILO_OK)
            rc = write_piece(c, to, n, at, name, err);
        at += n;
    }
    if (rc == HILO_OK && length > bytes)
        rc = pad(c, to, bytes, length, name, err);
    if (rc == HILO_OK)
        hash_end(c, hash_out);
    return rc;
}

int32_t copy_stream(struct copier *c, int pipe, int source, int to, const char *name, uint64_t *bytes_out,
                    uint8_t hash_out[COPY_HASH], struct err *err)
{
    uint64_t at = 0, ahead = 0;
    int32_t rc;
    size_t n;

    hash_begin(c);
    do {
        for (; source >= 0 && ahead < at + AHEAD_BYTES; ahead += PIECE_BYTES)
            (void)posix_fadvise(source, (off_t)ahead, PIECE_BYTES, POSIX_FADV_WILLNEED);
        n = 0;
        rc = may_go_on(c->stop, err);
        if (rc == HILO_OK)
            rc = read_piece(pipe, c->piece, PIECE_BYTES, -1, name, &n, err);
        if (rc == HILO_OK && n)
            rc = write_piece(c, to, n, at, name, err);
        at += n;
    } while (rc == HILO_OK && n);
    if (rc == HILO_OK) {
        hash_end(c, hash_out);
        *bytes_out = at;
    }
    return rc;
}

int32_t copy_same(struct copier *c, int a, int b, uint64_t length, const char *name, bool *same_out,
                  uint8_t hash_out[COPY_HASH], struct err *err)
{
    bool same = true;
    int32_t rc = HILO_OK;

    hash_begin(c);
    for (uint64_t at = 0; at < length && rc == HILO_OK && same;) {
        size_t want = length - at < PIECE_BYTES ? (size_t)(length - at) : PIECE_BYTES, n = 0, m = 0;
        rc = may_go_on(c->stop, err);
        if (rc == HILO_OK)
            rc = read_piece(a, c->piece, want, (off_t)at, name, &n, err);
        if (rc == HILO_OK)
            rc = read_piece(b, c->other, want, (off_t)at, name, &m, err);
        if (rc != HILO_OK)
            break;
        same = n == want && m == want && memcmp(c->piece, c->other, n) == 0;
        CHECK(EVP_DigestUpdate(c->md, c->piece, n) == 1);
        at += n;
    }
    if (rc != HILO_OK)
        return rc;
    hash_end(c, hash_out);
    if (same && c->done)
        atomic_fetch_add(c->done, length);
    *same_out = same;
    return HILO_OK;
}

/* ---- folders ---- */

int32_t folder_make(int at, const char *name, int *fd_out, struct err *err)
{
    int fd;

    if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return failed(err, "making the folder", name);
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return failed(err, "opening the folder", name);
    *fd_out = fd;
    return HILO_OK;
}

int32_t folder_each(int fd, const char *folder, folder_fn *fn, void *arg, struct err *err)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    int32_t rc = HILO_OK;

    if (!dir) {
        rc = failed(err, "reading the folder", folder);
        if (again >= 0)
            close(again);
        return rc;
    }
    while (rc == HILO_OK && (errno = 0, entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = fn(arg, fd, entry->d_name, err);
    if (rc == HILO_OK && errno != 0)
        rc = failed(err, "reading the folder", folder);
    closedir(dir);
    return rc;
}

static int32_t sync_one(void *arg, int at, const char *name, struct err *err)
{
    const atomic_bool *const *stop = arg;
    struct stat st;
    int32_t rc = may_go_on(*stop, err);
    int fd;

    if (rc != HILO_OK)
        return rc;
    fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        rc = failed(err, "opening it", name);
    else if (S_ISDIR(st.st_mode))
        rc = tree_sync(fd, name, *stop, err);
    else if (fsync(fd) != 0)
        rc = failed(err, "syncing it to disk", name);
    if (fd >= 0)
        close(fd);
    return rc;
}

int32_t tree_sync(int fd, const char *name, const atomic_bool *stop, struct err *err)
{
    int32_t rc = folder_each(fd, name, sync_one, &stop, err);

    if (rc == HILO_OK && fsync(fd) != 0)
        rc = failed(err, "syncing the folder to disk", name);
    return rc;
}

struct owner {
    uid_t uid;
    gid_t gid;
};

static int32_t own_one(void *arg, int at, const char *name, struct err *err)
{
    const struct owner *o = arg;
    struct stat st;
    int32_t rc = HILO_OK;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        fchownat(at, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return failed(err, "giving it to its owner", name);
    if (S_ISDIR(st.st_mode)) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return failed(err, "opening the folder", name);
        rc = folder_each(fd, name, own_one, arg, err);
        close(fd);
    }
    return rc;
}

int32_t tree_own(int fd, uid_t uid, gid_t gid, struct err *err)
{
    struct owner o = {uid, gid};

    if (fchown(fd, uid, gid) != 0)
        return failed(err, "giving it to its owner", "the folder");
    return folder_each(fd, "the folder", own_one, &o, err);
}

static int32_t remove_one(void *arg, int at, const char *name, struct err *err)
{
    struct stat st;

    (void)arg;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return failed(err, "looking at it", name);
    if (S_ISDIR(st.st_mode))
        return tree_remove(at, name, err);
    return unlinkat(at, name, 0) == 0 ? HILO_OK : failed(err, "removing it", name);
}

int32_t tree_clear(int fd, const char *name, struct err *err)
{
    return folder_each(fd, name, remove_one, NULL, err);
}

int32_t tree_remove(int at, const char *name, struct err *err)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int32_t rc;

    if (fd < 0)
        return errno == ENOENT ? HILO_OK : failed(err, "opening the folder", name);
    rc = tree_clear(fd, name, err);
    close(fd);
    if (rc == HILO_OK && unlinkat(at, name, AT_REMOVEDIR) != 0)
        rc = failed(err, "removing the folder", name);
    return rc;
}

static int32_t any_one(void *arg, int at, const char *name, struct err *err)
{
    bool *empty = arg;

    (void)at;
    (void)name;
    (void)err;
    *empty = false;
    return HILO_OK;
}

int32_t folder_empty(int at, const char *name, bool *empty_out, struct err *err)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool empty = true;
    int32_t rc;

    if (fd < 0) {
        if (errno != ENOENT)
            return failed(err, "opening the folder", name);
        *empty_out = true;
        return HILO_OK;
    }
    rc = folder_each(fd, name, any_one, &empty, err);
    close(fd);
    if (rc == HILO_OK)
        *empty_out = empty;
    return rc;
}
