/*
 * Files of channels' own (files.h). All goes by the descriptor of a channel's folder, which is kept
 * open; how many files are in it is counted when it is opened, and nobody else writes there.
 */
#include "store/files.h"
#include "base/check.h"
#include "base/str.h"
#include "store/copy.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    struct folder *next;
    char *name; /* of the channel */
    int fd;
    uint32_t files;
    bool unsynced;
};

struct files {
    char *data_dir;
    int fd; /* of files/; -1: not made yet */
    struct folder *folders;
};

static int32_t failed(struct err *e, const char *doing, struct hilo_str channel)
{
    if (errno == ENOSPC || errno == EDQUOT || errno == EMFILE || errno == ENFILE)
        return err_set(e, errno == ENOSPC || errno == EDQUOT ? HILO_FULL : HILO_IO,
                       "files of channel %.*s: no room (%s)", STR_FMT(channel), doing);
    return err_errno(e, "files of channel %.*s: %s", STR_FMT(channel), doing);
}

struct files *files_new(const char *data_dir)
{
    struct files *f = calloc(1, sizeof *f);

    if (!f || !(f->data_dir = strdup(data_dir)))
        check_nomem();
    f->fd = -1;
    return f;
}

void files_free(struct files **fp)
{
    struct files *f = *fp;

    if (!f)
        return;
    while (f->folders) {
        struct folder *x = f->folders;
        f->folders = x->next;
        close(x->fd);
        free(x->name);
        free(x);
    }
    if (f->fd >= 0)
        close(f->fd);
    free(f->data_dir);
    free(f);
    *fp = NULL;
}

/* ---- folders --------------------------------------------------------------------------- */

/* A folder in another, its name on disk if it was made. HILO_NOTFOUND: none, and not to be made. */
static int32_t open_folder(int at, const char *name, bool create, struct hilo_str channel, int *fd_out,
                           struct err *e)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT && !create)
        return HILO_NOTFOUND;
    if (fd < 0 && errno == ENOENT) {
        if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
            return failed(e, "making the folder", channel);
        if (fsync(at) != 0)
            return failed(e, "syncing the folder above", channel);
        fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0)
        return failed(e, "opening the folder", channel);
    *fd_out = fd;
    return HILO_OK;
}

static int32_t open_all(struct files *f, bool create, struct hilo_str channel, struct err *e)
{
    int32_t rc;
    int data;

    if (f->fd >= 0)
        return HILO_OK;
    data = open(f->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (data < 0)
        return failed(e, "opening the data folder", channel);
    rc = open_folder(data, FILES_FOLDER, create, channel, &f->fd, e);
    close(data);
    return rc;
}

static int32_t count_one(void *arg, int fd, const char *name, struct err *e)
{
    struct folder *x = arg;

    (void)fd;
    (void)name;
    (void)e;
    x->files++;
    return HILO_OK;
}

static int32_t folder_of(struct files *f, struct hilo_str channel, bool create, struct folder **out,
                         struct err *e)
{
    struct folder *x;
    char *name;
    int32_t rc;
    int fd = -1;

    for (x = f->folders; x; x = x->next)
        if (str_eqz(channel, x->name)) {
            *out = x;
            return HILO_OK;
        }
    rc = open_all(f, create, channel, e);
    if (rc != HILO_OK)
        return rc;
    name = strndup(channel.p, (size_t)channel.n);
    x = calloc(1, sizeof *x);
    if (!name || !x)
        check_nomem();
    rc = open_folder(f->fd, name, create, channel, &fd, e);
    if (rc == HILO_OK)
        rc = folder_each(fd, name, count_one, x, e);
    if (rc != HILO_OK) {
        if (fd >= 0)
            close(fd);
        free(name);
        free(x);
        return rc;
    }
    x->name = name;
    x->fd = fd;
    x->next = f->folders;
    f->folders = x;
    *out = x;
    return HILO_OK;
}

/* ---- files ------------------------------------------------------------------------------ */

static void z_of(struct hilo_str name, char z[HILO_FILE_NAME_MAX + 1])
{
    CHECK(str_file_name(name, HILO_FILE_NAME_MAX));
    (void)snprintf(z, HILO_FILE_NAME_MAX + 1, "%.*s", STR_FMT(name));
}

int32_t files_open(struct files *f, struct hilo_str channel, struct hilo_str name, bool create, int *fd_out,
                   uint64_t *size_out, struct err *e)
{
    char z[HILO_FILE_NAME_MAX + 1];
    struct folder *x;
    struct stat st;
    int32_t rc = folder_of(f, channel, create, &x, e);
    int fd;

    z_of(name, z);
    if (rc != HILO_OK)
        return rc;
    fd = openat(x->fd, z, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !create)
        return HILO_NOTFOUND;
    if (fd < 0 && errno == ENOENT) {
        if (x->files >= HILO_FILES_MAX)
            return err_set(e, HILO_FULL, "files of channel %.*s: there are %d, the most that one may have",
                           STR_FMT(channel), HILO_FILES_MAX);
        fd = openat(x->fd, z, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            x->files++;
            x->unsynced = true;
        }
    }
    if (fd < 0)
        return failed(e, "opening a file", channel);
    if (fstat(fd, &st) != 0)
        rc = failed(e, "looking at a file", channel);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, HILO_INVALID, "files of channel %.*s: %s is no file; remove it", STR_FMT(channel), z);
    if (rc != HILO_OK) {
        close(fd);
        return rc;
    }
    *fd_out = fd;
    *size_out = (uint64_t)st.st_size;
    return HILO_OK;
}

int32_t files_remove(struct files *f, struct hilo_str channel, struct hilo_str name, struct err *e)
{
    char z[HILO_FILE_NAME_MAX + 1];
    struct folder *x;
    int32_t rc = folder_of(f, channel, false, &x, e);

    z_of(name, z);
    if (rc != HILO_OK)
        return rc;
    if (unlinkat(x->fd, z, 0) != 0)
        return errno == ENOENT ? HILO_NOTFOUND : failed(e, "removing a file", channel);
    x->files -= x->files > 0;
    x->unsynced = true;
    return HILO_OK;
}

struct names {
    char **name;
    size_t n, cap;
};

static int32_t collect(void *arg, int fd, const char *name, struct err *e)
{
    struct names *all = arg;

    (void)fd;
    (void)e;
    if (!str_file_name(str(name), HILO_FILE_NAME_MAX)) /* none of a plugin's making */
        return HILO_OK;
    if (all->n == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 64;
        char **more = realloc(all->name, cap * sizeof *more);
        if (!more)
            check_nomem();
        all->name = more;
        all->cap = cap;
    }
    all->name[all->n] = strdup(name);
    if (!all->name[all->n])
        check_nomem();
    all->n++;
    return HILO_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int32_t files_list(struct files *f, struct hilo_str channel, struct buf *out, struct err *e)
{
    struct names all = {0};
    struct folder *x;
    int32_t rc = folder_of(f, channel, false, &x, e);

    if (rc == HILO_NOTFOUND)
        return HILO_OK;
    if (rc == HILO_OK)
        rc = folder_each(x->fd, x->name, collect, &all, e);
    if (all.n)
        qsort(all.name, all.n, sizeof *all.name, by_bytes);
    for (size_t i = 0; i < all.n; i++) {
        if (rc == HILO_OK && buf_fmt(out, "%s\n", all.name[i]) != HILO_OK)
            check_nomem();
        free(all.name[i]);
    }
    free(all.name);
    return rc;
}

int32_t files_sync(struct files *f, struct hilo_str channel, struct err *e)
{
    for (struct folder *x = f->folders; x; x = x->next) {
        if (!str_eqz(channel, x->name) || !x->unsynced)
            continue;
        if (fsync(x->fd) != 0)
            return failed(e, "syncing the folder", channel);
        x->unsynced = false;
    }
    return HILO_OK;
}
