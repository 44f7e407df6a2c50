/*
 * Preloaded into the gateway: records what it does to the files below HILO_POWER_ROOT and
 * what it says and hears on sockets (power_log.h) in the file HILO_POWER_LOG, which it
 * appends to. liblmdb's own calls come by here as well.
 *
 * Invariants: a call and its record are one step under one lock, so the order of the records
 * is the order of the calls; a sync is two records, as what is written while it runs may
 * or may not be covered. Nothing is synced in truth: there will be no power cut but those
 * that the builder makes. A sync takes some time instead, so that what runs ahead of it is seen.
 *
 * HILO_POWER_DIE="pattern n before|after": SIGKILL at the n-th sync of a path that matches, at
 * a place between two records, so that the log knows all that was done. "." is the root.
 * HILO_POWER_FAIL="pattern n": that sync fails with EIO.
 *
 * Limits: one process (a fork would share its log, not its lock); stores to a shared mapping
 * aren't seen, nor are calls of the C library within itself; test_power.c compares what the log
 * says with the folder, byte by byte, so that either would be noticed.
 */
#include "power_log.h"
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, SYNC_NS = 300000 };

struct trigger {
    char pattern[128];
    unsigned left; /* 0: none */
    bool after;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int log_fd = -1;
static char root[PATH_BYTES];
static size_t root_n;
static uint64_t syncs;
static uintptr_t program;
static struct trigger die, fail;

/* ---- the real functions ---- */

/* The next definition of a function. ISO C has no cast for it. */
static void *next_of(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);

    if (!p)
        abort();
    return p;
}

#define REAL(name)                                                                                           \
    __typeof__(name) *real;                                                                                  \
    do {                                                                                                     \
        static void *found;                                                                                  \
        if (!found)                                                                                          \
            found = next_of(#name);                                                                          \
        memcpy(&real, &found, sizeof real);                                                                  \
    } while (0)

/* ---- starting ---- */

static int first_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(uintptr_t *)arg = (uintptr_t)info->dlpi_addr;
    return 1;
}

static void trigger_read(struct trigger *t, const char *name)
{
    const char *text = getenv(name);
    char when[16] = "";

    if (text && sscanf(text, "%127s %u %15s", t->pattern, &t->left, when) >= 2)
        t->after = strcmp(when, "after") == 0;
}

static void put_record(enum power_kind kind, uint64_t ino, uint64_t offset, uint64_t length, const char *path,
                       size_t n_path, const struct iovec *v, int n_v, size_t n_data, const uint64_t *frame,
                       unsigned n_frames);

static void start(void)
{
    const char *path = getenv("HILO_POWER_LOG"), *below = getenv("HILO_POWER_ROOT");
    void *warm[4];

    if (!path || !below)
        return;
    root_n = (size_t)snprintf(root, sizeof root, "%s", below);
    (void)dl_iterate_phdr(first_object, &program);
    (void)backtrace(warm, 4); /* loads what it needs */
    trigger_read(&die, "HILO_POWER_DIE");
    trigger_read(&fail, "HILO_POWER_FAIL");
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log_fd < 0)
        abort();
    put_record(POWER_START, 0, 0, 0, "", 0, NULL, 0, 0, NULL, 0);
}

static bool recording(void)
{
    (void)pthread_once(&once, start);
    return log_fd >= 0;
}

/* ---- records ---- */

static bool all_zero(const struct iovec *v, int n_v, size_t n)
{
    for (int i = 0; i < n_v && n; i++) {
        const uint8_t *p = v[i].iov_base;
        size_t part = v[i].iov_len < n ? v[i].iov_len : n;
        for (size_t k = 0; k < part; k++)
            if (p[k])
                return false;
        n -= part;
    }
    return true;
}

/* One write of all of it. Under the lock. */
static void put_record(enum power_kind kind, uint64_t ino, uint64_t offset, uint64_t length, const char *path,
                       size_t n_path, const struct iovec *v, int n_v, size_t n_data, const uint64_t *frame,
                       unsigned n_frames)
{
    size_t n = sizeof(struct power_rec) + n_frames * sizeof *frame + n_path + n_data,
           padded = (n + 7) / 8 * 8;
    uint8_t *p = calloc(1, padded), *at = p;
    struct power_rec r = {.magic = POWER_MAGIC,
                          .bytes = (uint32_t)padded,
                          .kind = (uint16_t)kind,
                          .n_frames = (uint16_t)n_frames,
                          .pid = (uint32_t)getpid(),
                          .ino = ino,
                          .offset = offset,
                          .length = length,
                          .n_path = (uint32_t)n_path,
                          .n_data = (uint32_t)n_data};

    if (!p)
        abort();
    memcpy(at, &r, sizeof r);
    at += sizeof r;
    if (n_frames)
        memcpy(at, frame, n_frames * sizeof *frame);
    at += n_frames * sizeof *frame;
    memcpy(at, path, n_path);
    at += n_path;
    for (int i = 0; i < n_v && n_data; i++) {
        size_t part = v[i].iov_len < n_data ? v[i].iov_len : n_data;
        memcpy(at, v[i].iov_base, part);
        at += part;
        n_data -= part;
    }
    if (syscall(SYS_write, log_fd, p, padded) != (long)padded)
        abort();
    free(p);
}

/* ---- whose descriptor, whose path ---- */

/* Relative to the root, in out; NULL: elsewhere. */
static const char *below_root(const char *path)
{
    if (strncmp(path, root, root_n) != 0 || (path[root_n] != '/' && path[root_n] != '\0'))
        return NULL;
    path += root_n;
    while (*path == '/')
        path++;
    return path;
}

static bool fd_path(int fd, char out[PATH_BYTES])
{
    char link[64];
    ssize_t n;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, out, PATH_BYTES - 1);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* A path as the caller has given it, without double slashes; false: not below the root. */
static bool name_path(int dir_fd, const char *name, char out[PATH_BYTES])
{
    char whole[2 * PATH_BYTES], dir[PATH_BYTES] = "", *to = whole;
    const char *rel;

    if (name[0] != '/') {
        if (dir_fd == AT_FDCWD ? !getcwd(dir, sizeof dir) : !fd_path(dir_fd, dir))
            return false;
    }
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", dir, name) >= sizeof whole)
        return false;
    for (const char *from = whole; *from; from++)
        if (!(from[0] == '/' && from[1] == '/'))
            *to++ = *from;
    *to = '\0';
    rel = below_root(whole);
    if (!rel || strlen(rel) >= PATH_BYTES)
        return false;
    (void)strcpy(out, rel);
    return true;
}

enum target { ELSEWHERE, A_FILE, A_SOCKET };

/* What a descriptor is; path_out is relative to the root. */
static enum target target_of(int fd, uint64_t *ino_out, char path_out[PATH_BYTES])
{
    char path[PATH_BYTES];
    const char *rel;
    struct stat st;

    if (fd < 0 || fd == log_fd || fstat(fd, &st) != 0)
        return ELSEWHERE;
    path_out[0] = '\0';
    if (S_ISSOCK(st.st_mode)) {
        *ino_out = (uint64_t)fd;
        return A_SOCKET;
    }
    if ((!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) || !fd_path(fd, path))
        return ELSEWHERE;
    rel = below_root(path);
    if (!rel)
        return ELSEWHERE;
    (void)strcpy(path_out, rel);
    *ino_out = (uint64_t)st.st_ino;
    return A_FILE;
}

static void name_record(enum power_kind kind, uint64_t ino, const char *path, const char *other)
{
    char both[2 * PATH_BYTES];
    size_t n = strlen(path);

    memcpy(both, path, n);
    if (other) {
        both[n++] = '\0';
        memcpy(both + n, other, strlen(other));
        n += strlen(other);
    }
    put_record(kind, ino, 0, 0, both, n, NULL, 0, 0, NULL, 0);
}

/* ---- writing and sending ---- */

static bool synchronous(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && (flags & O_DSYNC); /* O_SYNC has its bit, too */
}

/* What was just written, at offset. Under the lock. */
static void wrote(int fd, uint64_t ino, const char *path, const struct iovec *v, int n_v, ssize_t n, off_t at)
{
    bool zeros = all_zero(v, n_v, (size_t)n);
    int saved = errno;

    put_record(POWER_WRITE, ino, (uint64_t)at, (uint64_t)n, path, strlen(path), zeros ? NULL : v,
               zeros ? 0 : n_v, zeros ? 0 : (size_t)n, NULL, 0);
    if (synchronous(fd)) {
        put_record(POWER_SYNC, ino, ++syncs, 0, path, strlen(path), NULL, 0, 0, NULL, 0);
        put_record(POWER_SYNCED, ino, syncs, 0, path, strlen(path), NULL, 0, 0, NULL, 0);
    }
    errno = saved;
}

static void said(enum power_kind kind, uint64_t fd, const struct iovec *v, int n_v, ssize_t n)
{
    int saved = errno;

    if (n > 0 || (n == 0 && kind == POWER_RECEIVE))
        put_record(kind, fd, 0, (uint64_t)n, "", 0, v, n_v, (size_t)n, NULL, 0);
    errno = saved;
}

static off_t place_of(int fd)
{
    return fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
}

/* A call that writes at the descriptor's place (at < 0) or at an offset. */
#define WRITES(fd, vec, n_vec, at, call)                                                                     \
    do {                                                                                                     \
        uint64_t ino = 0;                                                                                    \
        char path[PATH_BYTES];                                                                               \
        enum target t = recording() ? target_of(fd, &ino, path) : ELSEWHERE;                                 \
        if (t == ELSEWHERE)                                                                                  \
            return (call);                                                                                   \
        (void)pthread_mutex_lock(&lock);                                                                     \
        off_t place = t == A_SOCKET ? 0 : (at) >= 0 ? (at) : place_of(fd);                                   \
        ssize_t n = (call);                                                                                  \
        if (t == A_SOCKET)                                                                                   \
            said(POWER_SEND, ino, vec, n_vec, n);                                                            \
        else if (n > 0)                                                                                      \
            wrote(fd, ino, path, vec, n_vec, n, place);                                                      \
        (void)pthread_mutex_unlock(&lock);                                                                   \
        return n;                                                                                            \
    } while (0)

/* It only reads, though iov_base is not const. */
static struct iovec one(const void *p, size_t n)
{
    union {
        const void *in;
        void *out;
    } u = {p};
    return (struct iovec){u.out, n};
}

ssize_t write(int fd, const void *p, size_t n_bytes)
{
    const struct iovec v = one(p, n_bytes);
    REAL(write);
    WRITES(fd, &v, 1, (off_t)-1, real(fd, p, n_bytes));
}

ssize_t writev(int fd, const struct iovec *v, int n_v)
{
    REAL(writev);
    WRITES(fd, v, n_v, (off_t)-1, real(fd, v, n_v));
}

ssize_t pwrite(int fd, const void *p, size_t n_bytes, off_t offset)
{
    const struct iovec v = one(p, n_bytes);
    REAL(pwrite);
    WRITES(fd, &v, 1, offset, real(fd, p, n_bytes, offset));
}
ssize_t pwrite64(int fd, const void *p, size_t n_bytes, off_t offset)
{
    return pwrite(fd, p, n_bytes, offset);
}

ssize_t pwritev(int fd, const struct iovec *v, int n_v, off_t offset)
{
    REAL(pwritev);
    WRITES(fd, v, n_v, offset, real(fd, v, n_v, offset));
}
ssize_t pwritev64(int fd, const struct iovec *v, int n_v, off_t offset)
{
    return pwritev(fd, v, n_v, offset);
}

ssize_t send(int fd, const void *p, size_t n_bytes, int flags)
{
    const struct iovec v = one(p, n_bytes);
    REAL(send);
    WRITES(fd, &v, 1, (off_t)0, real(fd, p, n_bytes, flags));
}

ssize_t sendto(int fd, const void *p, size_t n_bytes, int flags, const struct sockaddr *to, socklen_t n_to)
{
    const struct iovec v = one(p, n_bytes);
    REAL(sendto);
    WRITES(fd, &v, 1, (off_t)0, real(fd, p, n_bytes, flags, to, n_to));
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    REAL(sendmsg);
    WRITES(fd, m->msg_iov, (int)m->msg_iovlen, (off_t)0, real(fd, m, flags));
}

/* ---- receiving ---- */

#define READS(fd, vec, n_vec, call)                                                                          \
    do {                                                                                                     \
        uint64_t ino = 0;                                                                                    \
        char path[PATH_BYTES];                                                                               \
        ssize_t n = (call);                                                                                  \
        if (n < 0 || !recording() || target_of(fd, &ino, path) != A_SOCKET)                                  \
            return n;                                                                                        \
        (void)pthread_mutex_lock(&lock);                                                                     \
        said(POWER_RECEIVE, ino, vec, n_vec, n);                                                             \
        (void)pthread_mutex_unlock(&lock);                                                                   \
        return n;                                                                                            \
    } while (0)

ssize_t read(int fd, void *p, size_t n_bytes)
{
    const struct iovec v = {p, n_bytes};
    REAL(read);
    READS(fd, &v, 1, real(fd, p, n_bytes));
}

ssize_t recv(int fd, void *p, size_t n_bytes, int flags)
{
    const struct iovec v = {p, n_bytes};
    REAL(recv);
    if (flags & MSG_PEEK)
        return real(fd, p, n_bytes, flags);
    READS(fd, &v, 1, real(fd, p, n_bytes, flags));
}

int close(int fd)
{
    uint64_t ino;
    char path[PATH_BYTES];
    REAL(close);

    if (!recording() || target_of(fd, &ino, path) != A_SOCKET)
        return real(fd);
    (void)pthread_mutex_lock(&lock);
    put_record(POWER_CLOSE, ino, 0, 0, "", 0, NULL, 0, 0, NULL, 0);
    int rc = real(fd);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

/* ---- sizes ---- */

#define SIZES(fd, kind, at, len, call)                                                                       \
    do {                                                                                                     \
        uint64_t ino = 0;                                                                                    \
        char path[PATH_BYTES];                                                                               \
        if (!recording() || target_of(fd, &ino, path) != A_FILE)                                             \
            return (call);                                                                                   \
        (void)pthread_mutex_lock(&lock);                                                                     \
        int rc = (call);                                                                                     \
        if (rc == 0)                                                                                         \
            put_record(kind, ino, (uint64_t)(at), (uint64_t)(len), path, strlen(path), NULL, 0, 0, NULL, 0); \
        (void)pthread_mutex_unlock(&lock);                                                                   \
        return rc;                                                                                           \
    } while (0)

int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    SIZES(fd, POWER_TRUNCATE, 0, length, real(fd, length));
}
int ftruncate64(int fd, off_t length)
{
    return ftruncate(fd, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    REAL(fallocate);
    SIZES(fd, POWER_ALLOCATE, offset, length, real(fd, mode, offset, length));
}
int fallocate64(int fd, int mode, off_t offset, off_t length)
{
    return fallocate(fd, mode, offset, length);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
    REAL(posix_fallocate);
    SIZES(fd, POWER_ALLOCATE, offset, length, real(fd, offset, length));
}

/* ---- names ---- */

static int open_at(int dir_fd, const char *name, int flags, mode_t mode)
{
    char path[PATH_BYTES];
    struct stat st;
    REAL(openat);

    if (!recording() || !(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE ||
        !name_path(dir_fd, name, path))
        return real(dir_fd, name, flags, mode);
    (void)pthread_mutex_lock(&lock);
    bool there = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int fd = real(dir_fd, name, flags, mode), saved = errno;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        if (!there)
            name_record(POWER_CREATE, st.st_ino, path, NULL);
        else if (flags & O_TRUNC)
            put_record(POWER_TRUNCATE, st.st_ino, 0, 0, path, strlen(path), NULL, 0, 0, NULL, 0);
    }
    (void)pthread_mutex_unlock(&lock);
    errno = saved;
    return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, unsigned) : 0;
}

#define OPENS(fd, dir_fd, name, flags)                                                                       \
    do {                                                                                                     \
        va_list ap;                                                                                          \
        va_start(ap, flags);                                                                                 \
        mode_t mode = mode_of(flags, ap);                                                                    \
        va_end(ap);                                                                                          \
        return open_at(dir_fd, name, flags, mode);                                                           \
    } while (0)

int open(const char *name, int flags, ...)
{
    OPENS(fd, AT_FDCWD, name, flags);
}
int open64(const char *name, int flags, ...)
{
    OPENS(fd, AT_FDCWD, name, flags);
}
int openat(int dir_fd, const char *name, int flags, ...)
{
    OPENS(fd, dir_fd, name, flags);
}
int openat64(int dir_fd, const char *name, int flags, ...)
{
    OPENS(fd, dir_fd, name, flags);
}
int creat(const char *name, mode_t mode)
{
    return open_at(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* A call that makes or removes a name; the inode is looked up before or after it. */
#define NAMES(kind, dir_fd, name, lookup_before, call)                                                       \
    do {                                                                                                     \
        char path[PATH_BYTES];                                                                               \
        struct stat st = {0};                                                                                \
        if (!recording() || !name_path(dir_fd, name, path))                                                  \
            return (call);                                                                                   \
        (void)pthread_mutex_lock(&lock);                                                                     \
        if (lookup_before)                                                                                   \
            (void)fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);                                           \
        int rc = (call), saved = errno;                                                                      \
        if (rc == 0) {                                                                                       \
            if (!(lookup_before))                                                                            \
                (void)fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);                                       \
            name_record(kind, st.st_ino, path, NULL);                                                        \
        }                                                                                                    \
        (void)pthread_mutex_unlock(&lock);                                                                   \
        errno = saved;                                                                                       \
        return rc;                                                                                           \
    } while (0)

int mkdirat(int dir_fd, const char *name, mode_t mode)
{
    REAL(mkdirat);
    NAMES(POWER_MKDIR, dir_fd, name, false, real(dir_fd, name, mode));
}
int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}
int unlinkat(int dir_fd, const char *name, int flags)
{
    REAL(unlinkat);
    NAMES(POWER_UNLINK, dir_fd, name, true, real(dir_fd, name, flags));
}
int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}
int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

#define TWO_NAMES(kind, from_fd, from, to_fd, to, call)                                                      \
    do {                                                                                                     \
        char path[PATH_BYTES], other[PATH_BYTES];                                                            \
        struct stat st = {0};                                                                                \
        if (!recording() || !name_path(from_fd, from, path) || !name_path(to_fd, to, other))                 \
            return (call);                                                                                   \
        (void)pthread_mutex_lock(&lock);                                                                     \
        int rc = (call), saved = errno;                                                                      \
        if (rc == 0 && fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0)                                    \
            name_record(kind, st.st_ino, path, other);                                                       \
        (void)pthread_mutex_unlock(&lock);                                                                   \
        errno = saved;                                                                                       \
        return rc;                                                                                           \
    } while (0)

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    REAL(renameat2);
    TWO_NAMES(POWER_RENAME, from_fd, from, to_fd, to, real(from_fd, from, to_fd, to, flags));
}
int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return renameat2(from_fd, from, to_fd, to, 0);
}
int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    REAL(linkat);
    TWO_NAMES(POWER_LINK, from_fd, from, to_fd, to, real(from_fd, from, to_fd, to, flags));
}
int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- syncing ---- */

/* The callers that are in the program itself, the nearest first. */
static unsigned callers(uint64_t out[POWER_FRAMES])
{
    void *at[POWER_FRAMES];
    int n = backtrace(at, POWER_FRAMES);
    unsigned kept = 0;
    Dl_info info;

    for (int i = 0; i < n; i++)
        if (dladdr(at[i], &info) && (uintptr_t)info.dli_fbase == program)
            out[kept++] = (uint64_t)((uintptr_t)at[i] - program);
    return kept;
}

static bool trips(struct trigger *t, const char *path)
{
    return t->left && fnmatch(t->pattern, path[0] ? path : ".", FNM_PATHNAME) == 0 && --t->left == 0;
}

static void die_now(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

/* -1: not ours. */
static int sync_it(int fd)
{
    const struct timespec wait = {.tv_nsec = SYNC_NS};
    uint64_t ino = 0, frame[POWER_FRAMES];
    char path[PATH_BYTES];

    if (!recording() || target_of(fd, &ino, path) != A_FILE)
        return -1;
    unsigned n = callers(frame);
    (void)pthread_mutex_lock(&lock);
    uint64_t number = ++syncs;
    put_record(POWER_SYNC, ino, number, 0, path, strlen(path), NULL, 0, 0, frame, n);
    bool dies = trips(&die, path);
    bool fails = trips(&fail, path);
    if (dies && !die.after)
        die_now();
    (void)pthread_mutex_unlock(&lock);
    (void)nanosleep(&wait, NULL);
    (void)pthread_mutex_lock(&lock);
    put_record(fails ? POWER_FAILED : POWER_SYNCED, ino, number, 0, path, strlen(path), NULL, 0, 0, NULL, 0);
    if (dies)
        die_now();
    (void)pthread_mutex_unlock(&lock);
    errno = EIO;
    return fails ? 1 : 0;
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    int rc = sync_it(fd);

    return rc < 0 ? real(fd) : rc ? -1 : 0;
}

int fsync(int fd)
{
    REAL(fsync);
    int rc = sync_it(fd);

    return rc < 0 ? real(fd) : rc ? -1 : 0;
}
