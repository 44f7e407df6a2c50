/*
 * A disk that has no room, whenever a test says so: preloaded into the gateway, it lets
 * calls that write to a folder fail with ENOSPC.
 *
 * Full, what needs room fails: files and folders that are made, and writes beyond the end
 * of a file. Writing over what is there goes through, as it does on ext4 or XFS. By
 * number, any call can be refused, writes over what is there included. Of a segment that
 * is filled with zeros (pieces of 128 KiB) the first piece counts and every 32nd.
 */
#include "nospace.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECE = 128 << 10, PIECES = 32 };

static struct nospace *shared;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void attach(void)
{
    const char *path = getenv("HILO_NOSPACE");
    int (*real_open)(const char *, int, ...);
    void *p = dlsym(RTLD_NEXT, "open");

    memcpy(&real_open, &p, sizeof p);
    int fd = path ? real_open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    p = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (p != MAP_FAILED)
        shared = p;
}

/* ISO C has no cast for it. */
#define REAL(name)                                                                                           \
    __typeof__(name) *real;                                                                                  \
    do {                                                                                                     \
        void *found = dlsym(RTLD_NEXT, #name);                                                               \
        if (!found)                                                                                          \
            abort();                                                                                         \
        memcpy(&real, &found, sizeof found);                                                                 \
    } while (0)

static bool within(const char *path)
{
    size_t n = strlen(shared->dir);

    return strncmp(path, shared->dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);

    return n >= m && strcmp(s + n - m, with) == 0;
}

/* Whether the call is refused; errno is set then. */
static bool refused(const char *call, const char *path, bool needs_room, bool counts)
{
    uint64_t number, at = atomic_load(&shared->at);
    unsigned full;

    if (counts) {
        number = atomic_fetch_add(&shared->calls, 1) + 1;
        if (number == at) {
            (void)snprintf(shared->what, sizeof shared->what, "%s %.200s", call, path);
            if (atomic_load(&shared->stays))
                atomic_store(&shared->full, 1);
            goto refuse;
        }
    }
    full = atomic_load(&shared->full);
    if (!needs_room || full == 0 || (full == 2 && !ends(path, ".seg")))
        return false;
refuse:
    atomic_fetch_add(&shared->refused, 1);
    errno = ENOSPC;
    return true;
}

/* The path of a descriptor in the folder; NULL: elsewhere. */
static const char *path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    ssize_t n;

    (void)pthread_once(&once, attach);
    if (!shared)
        return NULL;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    return within(path) ? path : NULL;
}

static bool write_refused(const char *call, int fd, size_t n, off_t at)
{
    char path[PATH_MAX];
    struct stat st;
    int saved = errno;
    const char *p = path_of(fd, path);

    if (!p || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        errno = saved;
        return false;
    }
    if (at < 0)
        at = lseek(fd, 0, SEEK_CUR);
    off_t there = st.st_blocks * 512 > st.st_size ? st.st_blocks * 512 : st.st_size;
    bool counts = !(n == PIECE && ends(p, ".seg") && at / PIECE % PIECES != 0);
    if (refused(call, p, at + (off_t)n > there, counts))
        return true;
    errno = saved;
    return false;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    REAL(pwrite);
    return write_refused("pwrite", fd, n, at) ? -1 : real(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
    REAL(write);
    return write_refused("write", fd, n, -1) ? -1 : real(fd, p, n);
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
    size_t n = 0;

    REAL(writev);
    for (int i = 0; i < count; i++)
        n += v[i].iov_len;
    return write_refused("writev", fd, n, -1) ? -1 : real(fd, v, count);
}

int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    return write_refused("ftruncate", fd, (size_t)length, 0) ? -1 : real(fd, length);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    REAL(fallocate);
    return write_refused("fallocate", fd, (size_t)n, at) ? -1 : real(fd, mode, at, n);
}

/* dir_fd and name to a path; false: not in the folder. */
static bool named(int dir_fd, const char *name, char path[PATH_MAX])
{
    char dir[PATH_MAX];

    (void)pthread_once(&once, attach);
    if (!shared)
        return false;
    if (name[0] == '/')
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && within(path);
    return dir_fd != AT_FDCWD && path_of(dir_fd, dir) &&
           snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

static bool make_refused(const char *call, int dir_fd, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    int saved = errno;
    bool no = named(dir_fd, name, path) && lstat(path, &st) != 0 && refused(call, path, true, true);

    if (!no)
        errno = saved;
    return no;
}

int open(const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list ap;

    REAL(open);
    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return flags & O_CREAT && make_refused("open", AT_FDCWD, name) ? -1 : real(name, flags, mode);
}

int openat(int dir_fd, const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list ap;

    REAL(openat);
    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    return flags & O_CREAT && make_refused("openat", dir_fd, name) ? -1 : real(dir_fd, name, flags, mode);
}

int mkdir(const char *name, mode_t mode)
{
    REAL(mkdir);
    return make_refused("mkdir", AT_FDCWD, name) ? -1 : real(name, mode);
}

int mkdirat(int dir_fd, const char *name, mode_t mode)
{
    REAL(mkdirat);
    return make_refused("mkdirat", dir_fd, name) ? -1 : real(dir_fd, name, mode);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    REAL(renameat);
    return make_refused("renameat", to_fd, to) ? -1 : real(from_fd, from, to_fd, to);
}
