/*
 * Media files by content. Everything is done relative to the folder's descriptor, so
 * the folder may be moved while open. The order in media_finish is what makes it safe:
 * the contents are synced before they get a name, and the name's folder after; a
 * named file is therefore always whole.
 */
#include "store/media.h"
#include "base/check.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TMP_PREFIX "tmp-"
enum {
    TMP_NAME = sizeof TMP_PREFIX + 32,
    FOLDER_NAME = 3,                    /* "ab" */
    FILE_NAME = MEDIA_HASH_HEX - 2 + 1, /* the rest */
    READ_BYTES = 256 << 10
};

struct media_store {
    int dir_fd;
    char *dir; /* for words only */
    _Atomic uint64_t max_bytes;
    pthread_mutex_t lock; /* failed */
    struct err failed;    /* the first sync that failed; it is final */
};

struct media_file {
    struct media_store *store;
    int fd;
    uint64_t bytes;
    char name[TMP_NAME];
};

/* errno's words, and HILO_FULL where there was no room. */
static int32_t fail(const struct media_store *s, struct err *err, const char *doing)
{
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return err_set(err, HILO_FULL, "media folder %s: no room (%s): free some space", s->dir, doing);
    return err_errno(err, "media folder %s: %s", s->dir, doing);
}

/* A disk that was full is tried again; any other failure to sync never is, as the system
 * may have dropped what it was to write and say that all is well the next time. */
static int32_t fail_sync(struct media_store *s, struct err *err, const char *doing, const char *name)
{
    char words[128];
    int saved = errno;
    snprintf(words, sizeof words, "%s %s", doing, name);
    errno = saved;
    int32_t rc = fail(s, err, words);
    if (rc == HILO_FULL)
        return rc;
    pthread_mutex_lock(&s->lock);
    if (s->failed.code == HILO_OK)
        err_set(&s->failed, HILO_IO, "%s; see to the disk and start again", err->text);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int32_t media_failed(struct media_store *s, struct err *err)
{
    pthread_mutex_lock(&s->lock);
    const struct err failed = s->failed;
    pthread_mutex_unlock(&s->lock);
    return failed.code == HILO_OK ? HILO_OK : err_set(err, failed.code, "%s", failed.text);
}

/* ---- the store ---- */

static int32_t remove_left_over(struct media_store *s, struct log *log, struct err *err)
{
    unsigned removed = 0;
    int32_t rc = HILO_OK;
    int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    if (!dir) {
        rc = fail(s, err, "reading the folder");
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (rc == HILO_OK && (errno = 0, entry = readdir(dir))) {
        if (!str_starts(str(entry->d_name), STR(TMP_PREFIX)))
            continue;
        if (unlinkat(s->dir_fd, entry->d_name, 0) != 0)
            rc = fail(s, err, "removing a left-over file");
        removed++;
    }
    if (rc == HILO_OK && errno != 0)
        rc = fail(s, err, "reading the folder");
    closedir(dir);
    if (rc == HILO_OK && removed)
        log_event(log, HILO_LOG_INFO, "media.left_over", "removed=%u", removed);
    return rc;
}

int32_t media_store_open(const struct media_options *options, struct err *err, struct media_store **out)
{
    int32_t rc;
    struct media_store *s = calloc(1, sizeof *s);
    if (!s || !(s->dir = strdup(options->dir)))
        check_nomem();
    s->max_bytes = options->max_bytes;
    pthread_mutex_init(&s->lock, NULL);
    s->dir_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = s->dir_fd < 0 ? fail(s, err, "opening the folder") : remove_left_over(s, options->log, err);
    if (rc != HILO_OK) {
        media_store_close(&s);
        return rc;
    }
    *out = s;
    return HILO_OK;
}

void media_store_limit(struct media_store *s, uint64_t max_bytes)
{
    s->max_bytes = max_bytes;
}

void media_store_close(struct media_store **store)
{
    struct media_store *s = *store;
    if (!s)
        return;
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    pthread_mutex_destroy(&s->lock);
    free(s->dir);
    free(s);
    *store = NULL;
}

/* ---- writing ---- */

int32_t media_begin(struct media_store *s, struct err *err, struct media_file **out)
{
    uint8_t random[16];
    int32_t rc;
    struct media_file *f = calloc(1, sizeof *f);
    if (!f)
        check_nomem();
    f->store = s;
    f->fd = -1;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        rc = fail(s, err, "no randomness");
        goto out;
    }
    memcpy(f->name, TMP_PREFIX, sizeof TMP_PREFIX);
    str_hex(f->name + sizeof TMP_PREFIX - 1, random, sizeof random);
    f->fd = openat(s->dir_fd, f->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (f->fd < 0) {
        rc = fail(s, err, "making a temporary file");
        goto out;
    }
    *out = f;
    return HILO_OK;
out:
    free(f);
    return rc;
}

int media_fd(const struct media_file *f)
{
    return f->fd;
}
uint64_t media_bytes(const struct media_file *f)
{
    return f->bytes;
}

static int32_t too_large(const struct media_store *s, struct err *err)
{
    return err_set(err, HILO_INVALID, "the media is larger than the limit of %llu bytes",
                   (unsigned long long)s->max_bytes);
}

int32_t media_write(struct media_file *f, const void *p, size_t n, struct err *err)
{
    const char *from = p;
    if (n > f->store->max_bytes - f->bytes)
        return too_large(f->store, err);
    while (n) {
        ssize_t done = write(f->fd, from, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(f->store, err, "writing");
        from += done;
        n -= (size_t)done;
        f->bytes += (uint64_t)done;
    }
    return HILO_OK;
}

/* Leaves nothing of it but, after a rename, the named file. */
static void file_free(struct media_file **file, bool renamed)
{
    struct media_file *f = *file;
    if (!renamed)
        unlinkat(f->store->dir_fd, f->name, 0);
    close(f->fd);
    free(f);
    *file = NULL;
}

void media_abort(struct media_file **file)
{
    if (*file)
        file_free(file, false);
}

/* ---- finishing ---- */

/* Whoever was given the descriptor may have kept it, and could write to the contents after
 * they got their name. A read lease is given only while nobody has the file open for
 * writing; from then on nobody can, as it has no other name than ours. */
static int32_t close_to_writers(struct media_file *f, struct err *err)
{
    int fd = openat(f->store->dir_fd, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return fail(f->store, err, "opening what was written");
    close(f->fd);
    f->fd = fd;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        return fcntl(fd, F_SETLEASE, F_UNLCK) == 0 ? HILO_OK : fail(f->store, err, "ending a lease");
    if (errno == EAGAIN)
        return err_set(err, HILO_TEMP, "the media is still open for writing by whoever downloaded it");
    return HILO_OK; /* a file system without leases: nobody can tell */
}

static int32_t hash_file(const struct media_file *f, struct media_stored *stored, struct err *err)
{
    int32_t rc = HILO_OK;
    uint64_t at = 0;
    char *block = malloc(READ_BYTES);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!block || !ctx)
        check_nomem();
    CHECK(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    for (;;) {
        ssize_t n = pread(f->fd, block, READ_BYTES, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = fail(f->store, err, "reading what was written");
        if (n <= 0)
            break;
        at += (uint64_t)n;
        if (at > f->store->max_bytes) {
            rc = too_large(f->store, err);
            break;
        }
        CHECK(EVP_DigestUpdate(ctx, block, (size_t)n) == 1);
    }
    if (rc == HILO_OK)
        CHECK(EVP_DigestFinal_ex(ctx, stored->hash, NULL) == 1);
    stored->bytes = at;
    EVP_MD_CTX_free(ctx);
    free(block);
    return rc;
}

static int32_t check_expected(struct hilo_str expected_hex, const struct media_stored *stored,
                              struct err *err)
{
    uint8_t expected[MEDIA_HASH];
    char hex[MEDIA_HASH_HEX + 1];
    if (expected_hex.n == 0)
        return HILO_OK;
    if (!str_unhex(expected_hex, expected, sizeof expected))
        return err_set(err, HILO_INVALID, "the media's expected SHA-256 isn't %d hex digits",
                       (int)MEDIA_HASH_HEX);
    if (memcmp(expected, stored->hash, sizeof expected) == 0)
        return HILO_OK;
    str_hex(hex, stored->hash, sizeof stored->hash);
    return err_set(err, HILO_INVALID,
                   "the media's SHA-256 is %s, %.*s was expected: it came incomplete or altered", hex,
                   STR_FMT(expected_hex));
}

static void names_of(const uint8_t hash[MEDIA_HASH], char folder[FOLDER_NAME], char name[FILE_NAME])
{
    str_hex(folder, hash, 1);
    str_hex(name, hash + 1, MEDIA_HASH - 1);
}

/* Gives the synced file its name and syncs the folders; also when the name is there
 * already, since another thread may have made it and not yet synced. */
static int32_t name_file(struct media_file *f, struct media_stored *stored, bool *renamed_out,
                         struct err *err)
{
    struct media_store *s = f->store;
    char folder[FOLDER_NAME], name[FILE_NAME];
    struct stat st;
    int32_t rc = HILO_OK;
    int fd = -1;

    names_of(stored->hash, folder, name);
    if (mkdirat(s->dir_fd, folder, 0700) != 0 && errno != EEXIST)
        return fail(s, err, "making a folder");
    fd = openat(s->dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(s, err, "opening a folder");
    /* Named files are whole; one of another size was damaged from outside: replaced. */
    stored->known = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                    (uint64_t)st.st_size == stored->bytes;
    if (!stored->known && renameat(s->dir_fd, f->name, fd, name) != 0)
        rc = fail(s, err, "renaming");
    else
        *renamed_out = !stored->known;
    if (rc == HILO_OK && fsync(fd) != 0)
        rc = fail_sync(s, err, "syncing the folder", folder);
    if (rc == HILO_OK && fsync(s->dir_fd) != 0)
        rc = fail_sync(s, err, "syncing the folder", ".");
    close(fd);
    return rc;
}

int32_t media_finish(struct media_file **file, struct hilo_str expected_hex, struct media_stored *out,
                     struct err *err)
{
    struct media_file *f = *file;
    struct media_stored stored = {0};
    bool renamed = false;
    int32_t rc = media_failed(f->store, err);
    if (rc == HILO_OK)
        rc = close_to_writers(f, err);
    if (rc == HILO_OK)
        rc = hash_file(f, &stored, err);
    if (rc == HILO_OK)
        rc = check_expected(expected_hex, &stored, err);
    if (rc == HILO_OK && fdatasync(f->fd) != 0)
        rc = fail_sync(f->store, err, "syncing", f->name);
    if (rc == HILO_OK)
        rc = name_file(f, &stored, &renamed, err);
    file_free(file, renamed);
    if (rc == HILO_OK)
        *out = stored;
    return rc;
}

int32_t media_open(struct media_store *s, const uint8_t hash[MEDIA_HASH], int *fd_out, uint64_t *bytes_out,
                   struct err *err)
{
    char folder[FOLDER_NAME], name[FILE_NAME], path[FOLDER_NAME + FILE_NAME];
    struct stat st;
    int32_t rc;
    names_of(hash, folder, name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = openat(s->dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, HILO_NOTFOUND, "media folder %s: there is no %s", s->dir, path);
    if (fd < 0)
        return fail(s, err, "opening a file");
    if (fstat(fd, &st) != 0) {
        rc = fail(s, err, "looking at a file");
        close(fd);
        return rc;
    }
    *fd_out = fd;
    *bytes_out = (uint64_t)st.st_size;
    return HILO_OK;
}
