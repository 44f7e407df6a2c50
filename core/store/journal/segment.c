/*
 * Segment files.
 *
 * Making one: zeros first, in pieces that are synced one by one so that a commit next
 * door never queues behind a large flush (with pieces of 1 MiB a commit took 3 ms
 * meanwhile, with 128 KiB 0.2 ms, and the whole took no longer); then the head block, synced; then the
 * folder. So a file with a good head is complete, and a last file without one and
 * with nothing behind it was never used: it is removed and made anew. Asking how much is
 * free and fallocate come before the zeros only to learn of a full disk at once, without taking
 * the little that is left from whoever else writes.
 *
 * Invariants: numbers first … first + n - 1 are all there; an entry with pins keeps
 * its descriptor; entries are only added while the journal is open.
 * Limits: at most OPEN_MAX descriptors stay open for entries without pins.
 */
#include "store/journal/segment.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { OPEN_MAX = 64 };

void journal__forget(int fd)
{
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

const struct journal_sys journal__sys = {.pwrite = pwrite,
                                         .fdatasync = fdatasync,
                                         .fsync = fsync,
                                         .fallocate = fallocate,
                                         .forget = journal__forget};

struct segment_name segment_name(uint32_t number)
{
    struct segment_name name;
    snprintf(name.z, sizeof name.z, "%010u.seg", number);
    return name;
}

/* errno's code: a full disk is for the caller to say in its own words. */
static int32_t io_code(struct err *err, int saved)
{
    int32_t code = saved == ENOSPC || saved == EDQUOT ? HILO_FULL : HILO_IO;
    if (err)
        err->code = code;
    return code;
}

int32_t segment_write(const struct journal_sys *sys, const struct segment *seg, const void *p, size_t n,
                      uint64_t offset, struct err *err)
{
    const uint8_t *b = p;
    for (size_t done = 0; done < n;) {
        ssize_t w = sys->pwrite(seg->fd, b + done, n - done, (off_t)(offset + done));
        if (w > 0) {
            done += (size_t)w;
            continue;
        }
        if (w < 0 && errno == EINTR)
            continue;
        int saved = w == 0 ? EIO : errno;
        errno = saved;
        err_errno(err, "segment %s: writing %zu bytes at offset %llu", segment_name(seg->number).z, n - done,
                  (unsigned long long)(offset + done));
        return io_code(err, saved);
    }
    return HILO_OK;
}

int32_t segment_sync(const struct journal_sys *sys, const struct segment *seg, struct err *err)
{
    if (sys->fdatasync(seg->fd) == 0)
        return HILO_OK;
    int saved = errno;
    err_errno(err, "segment %s: syncing it to disk", segment_name(seg->number).z);
    return io_code(err, saved);
}

int32_t segment_read(const struct segment *seg, void *p, size_t n, uint64_t offset, struct err *err)
{
    uint8_t *b = p;
    for (size_t done = 0; done < n;) {
        ssize_t r = pread(seg->fd, b + done, n - done, (off_t)(offset + done));
        if (r > 0) {
            done += (size_t)r;
            continue;
        }
        if (r < 0 && errno == EINTR)
            continue;
        if (r == 0)
            return err_set(err, HILO_IO, "segment %s ends at offset %llu, before what is to be read",
                           segment_name(seg->number).z, (unsigned long long)(offset + done));
        return err_errno(err, "segment %s: reading at offset %llu", segment_name(seg->number).z,
                         (unsigned long long)(offset + done));
    }
    return HILO_OK;
}

/* ---- the set --------------------------------------------------------------------- */

int32_t segment_set_init(struct segment_set *set, const char *dir, bool read_only,
                         const struct journal_sys *sys, struct err *err)
{
    *set = (struct segment_set){.dir_fd = -1, .read_only = read_only, .sys = sys, .first = 1};
    pthread_mutex_init(&set->lock, NULL);
    set->dir = strdup(dir);
    if (!set->dir)
        check_nomem();
    set->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (set->dir_fd < 0)
        return err_errno(err, "journal %s: opening the folder", dir);
    if (flock(set->dir_fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
        return HILO_OK;
    if (errno == EWOULDBLOCK)
        return err_set(err, HILO_IO, "journal %s: another process has it open; stop that one first", dir);
    return err_errno(err, "journal %s: locking the folder", dir);
}

void segment_set_done(struct segment_set *set)
{
    if (!set->dir)
        return;
    for (uint32_t i = 0; i < set->n; i++)
        if (set->entry[i].fd >= 0)
            close(set->entry[i].fd);
    free(set->entry);
    if (set->dir_fd >= 0)
        close(set->dir_fd);
    free(set->dir);
    pthread_mutex_destroy(&set->lock);
    *set = (struct segment_set){.dir_fd = -1};
}

/* Under the lock. */
static void set_add(struct segment_set *set, const struct segment *seg)
{
    if (set->n == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 16;
        struct segment_entry *more = realloc(set->entry, cap * sizeof *more);
        if (!more)
            check_nomem();
        set->entry = more;
        set->cap = cap;
    }
    if (set->n == 0)
        set->first = seg->number;
    CHECK(seg->number == set->first + set->n);
    set->entry[set->n++] = (struct segment_entry){.epoch = seg->epoch, .length = seg->length, .fd = seg->fd};
    set->open += seg->fd >= 0;
}

static int entry_open(const struct segment_set *set, uint32_t number)
{
    return openat(set->dir_fd, segment_name(number).z,
                  (set->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
}

/* Under the lock: closes what nobody has pinned until the limit is kept. One round only. */
static void set_trim(struct segment_set *set)
{
    for (uint32_t i = 0; i < set->n && set->open > OPEN_MAX; i++) {
        struct segment_entry *e = &set->entry[set->hand++ % set->n];
        if (e->fd < 0 || e->pins)
            continue;
        close(e->fd);
        e->fd = -1;
        set->open--;
    }
}

int32_t segment_set_pin(struct segment_set *set, uint32_t number, struct err *err, struct segment *out)
{
    int32_t rc = HILO_OK;
    pthread_mutex_lock(&set->lock);
    if (number < set->first || number - set->first >= set->n) {
        rc = err_set(err, HILO_NOTFOUND, "segment %s is %s", segment_name(number).z,
                     number < set->first ? "retired" : "not there");
        goto out;
    }
    struct segment_entry *e = &set->entry[number - set->first];
    if (e->fd < 0) {
        e->fd = entry_open(set, number);
        if (e->fd < 0) {
            rc = err_errno(err, "segment %s: opening it", segment_name(number).z);
            goto out;
        }
        set->open++;
    }
    e->pins++;
    *out = (struct segment){.number = number, .fd = e->fd, .epoch = e->epoch, .length = e->length};
    set_trim(set);
out:
    pthread_mutex_unlock(&set->lock);
    return rc;
}

void segment_set_unpin(struct segment_set *set, uint32_t number)
{
    pthread_mutex_lock(&set->lock);
    CHECK(number >= set->first && number - set->first < set->n);
    CHECK(set->entry[number - set->first].pins > 0);
    set->entry[number - set->first].pins--;
    pthread_mutex_unlock(&set->lock);
}

uint32_t segment_set_first(struct segment_set *set)
{
    pthread_mutex_lock(&set->lock);
    uint32_t first = set->first;
    pthread_mutex_unlock(&set->lock);
    return first;
}

uint32_t segment_set_last(struct segment_set *set)
{
    pthread_mutex_lock(&set->lock);
    uint32_t last = set->n ? set->first + set->n - 1 : 0;
    pthread_mutex_unlock(&set->lock);
    return last;
}

uint64_t segment_set_bytes(struct segment_set *set)
{
    uint64_t sum = 0;
    pthread_mutex_lock(&set->lock);
    for (uint32_t i = 0; i < set->n; i++)
        sum += set->entry[i].length;
    pthread_mutex_unlock(&set->lock);
    return sum;
}

uint64_t segment_set_ahead(struct segment_set *set, uint32_t number)
{
    uint64_t sum = 0;
    pthread_mutex_lock(&set->lock);
    for (uint32_t i = number + 1 - set->first; i < set->n; i++)
        sum += set->entry[i].length - SEGMENT_HEAD_BYTES;
    pthread_mutex_unlock(&set->lock);
    return sum;
}

/* ---- finding them ------------------------------------------------------------------ */

/* "0000000001.seg"; 0: another file, which is none of ours. */
static uint32_t name_number(const char *z)
{
    uint64_t v = 0;
    struct hilo_str s = str(z);
    if (s.n != 14 || !str_eqz(str_n(s.p + 10, 4), ".seg") || !str_u64(str_n(s.p, 10), &v) || v > UINT32_MAX)
        return 0;
    return (uint32_t)v;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int32_t list_numbers(const struct segment_set *set, struct err *err, uint32_t **list_out,
                            size_t *n_out)
{
    size_t n = 0, cap = 0;
    uint32_t *list = NULL;
    int32_t rc = HILO_OK;
    int fd = openat(set->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        rc = err_errno(err, "journal %s: reading the folder", set->dir);
        if (fd >= 0)
            close(fd);
        goto out;
    }
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e)
            break;
        uint32_t number = name_number(e->d_name);
        if (number == 0)
            continue;
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            uint32_t *more = realloc(list, cap * sizeof *more);
            if (!more)
                check_nomem();
            list = more;
        }
        list[n++] = number;
    }
    if (errno != 0) {
        rc = err_errno(err, "journal %s: reading the folder", set->dir);
        goto out;
    }
    if (n)
        qsort(list, n, sizeof *list, by_number);
    *list_out = list;
    *n_out = n;
    list = NULL;
out:
    free(list);
    if (d)
        closedir(d);
    return rc;
}

/* Nothing but zeros behind the head block: no batch was ever written. */
static int32_t is_unused(const struct segment *seg, uint64_t size, struct err *err, bool *unused_out)
{
    int32_t rc = HILO_OK;
    bool unused = true;
    uint8_t *piece = malloc(SEGMENT_PIECE_BYTES);
    if (!piece)
        check_nomem();
    for (uint64_t off = SEGMENT_HEAD_BYTES; unused && off < size; off += SEGMENT_PIECE_BYTES) {
        size_t n = (size_t)(size - off < SEGMENT_PIECE_BYTES ? size - off : SEGMENT_PIECE_BYTES);
        rc = segment_read(seg, piece, n, off, err);
        if (rc != HILO_OK)
            goto out;
        unused = journal_zeros(piece, n) == n;
    }
    *unused_out = unused;
out:
    free(piece);
    return rc;
}

/* HILO_AGAIN: its making was cut short. */
static int32_t load_one(struct segment_set *set, uint32_t number, bool last, struct err *err)
{
    struct segment_head head = {0};
    const char *why = NULL;
    uint8_t block[SEGMENT_HEAD_BYTES];
    struct stat st;
    struct segment seg = {.number = number, .fd = entry_open(set, number)};
    int32_t rc = HILO_OK;
    const struct segment_name text = segment_name(number);
    const char *name = text.z;
    if (seg.fd < 0 || fstat(seg.fd, &st) != 0) {
        rc = err_errno(err, "segment %s: opening it", name);
        goto out;
    }
    enum segment_look look = SEGMENT_BAD;
    if (st.st_size < SEGMENT_HEAD_BYTES) {
        why = "it is shorter than a segment's head";
    } else {
        rc = segment_read(&seg, block, sizeof block, 0, err);
        if (rc != HILO_OK)
            goto out;
        look = segment_head_decode(block, &head, &why);
    }
    if (look == SEGMENT_FOREIGN) {
        rc = err_set(
            err, HILO_CORRUPT,
            "segment %s, offset 8: version %u, and this program knows only version %u; use the program "
            "that wrote it, or a newer one",
            name, head.version, (unsigned)SEGMENT_VERSION);
        goto out;
    }
    if (look == SEGMENT_BAD) {
        bool unused = false;
        if (last)
            rc = is_unused(&seg, (uint64_t)st.st_size, err, &unused);
        if (rc == HILO_OK)
            rc = unused ? HILO_AGAIN
                        : err_set(err, HILO_CORRUPT,
                                  "segment %s, offset 0: %s; restore the file from a backup", name, why);
        goto out;
    }
    if (head.number != number)
        rc = err_set(err, HILO_CORRUPT, "segment %s, offset 0: its head says that it is number %u", name,
                     head.number);
    else if (head.length != (uint64_t)st.st_size)
        rc = err_set(err, HILO_CORRUPT, "segment %s is %lld bytes long, its head says %llu", name,
                     (long long)st.st_size, (unsigned long long)head.length);
    else {
        seg.epoch = head.epoch;
        seg.length = head.length;
        pthread_mutex_lock(&set->lock);
        set_add(set, &seg);
        set_trim(set);
        pthread_mutex_unlock(&set->lock);
        seg.fd = -1;
    }
out:
    if (seg.fd >= 0)
        close(seg.fd);
    return rc;
}

int32_t segment_set_load(struct segment_set *set, struct err *err, uint32_t *unfinished_out)
{
    uint32_t *list = NULL;
    size_t n = 0;
    uint32_t unfinished = 0;
    int32_t rc = list_numbers(set, err, &list, &n);
    for (size_t i = 0; rc == HILO_OK && i < n; i++) {
        if (i > 0 && list[i] != list[i - 1] + 1) {
            rc = err_set(
                err, HILO_CORRUPT, "segment %s is missing between %s and %s; restore it from a backup",
                segment_name(list[i - 1] + 1).z, segment_name(list[i - 1]).z, segment_name(list[i]).z);
            break;
        }
        rc = load_one(set, list[i], i + 1 == n, err);
        if (rc == HILO_AGAIN) {
            unfinished = list[i];
            rc = HILO_OK;
        }
    }
    if (rc == HILO_OK)
        *unfinished_out = unfinished;
    free(list);
    return rc;
}

static int32_t sync_dir(struct segment_set *set, struct err *err)
{
    if (set->sys->fsync(set->dir_fd) == 0)
        return HILO_OK;
    int saved = errno;
    err_errno(err, "journal %s: syncing the folder to disk", set->dir);
    return io_code(err, saved);
}

int32_t segment_set_sync(struct segment_set *set, uint32_t from, struct err *err)
{
    uint32_t first = segment_set_first(set), last = segment_set_last(set);
    int32_t rc = sync_dir(set, err);
    for (uint32_t n = from > first ? from : first; n <= last && rc == HILO_OK; n++) {
        struct segment seg;
        rc = segment_set_pin(set, n, err, &seg);
        if (rc != HILO_OK)
            break;
        rc = segment_sync(set->sys, &seg, err);
        segment_set_unpin(set, n);
    }
    return rc;
}

int32_t segment_set_forget(struct segment_set *set, uint32_t from, struct err *err)
{
    uint32_t first = segment_set_first(set), last = segment_set_last(set);
    for (uint32_t n = from > first ? from : first; n <= last; n++) {
        struct segment seg;
        int32_t rc = segment_set_pin(set, n, err, &seg);
        if (rc != HILO_OK)
            return rc;
        set->sys->forget(seg.fd);
        segment_set_unpin(set, n);
    }
    return HILO_OK;
}

/* Not synced: should a power cut bring it back, it is removed again, and the next one of that name is
 * synced with it. */
int32_t segment_set_remove_unfinished(struct segment_set *set, uint32_t number, struct err *err)
{
    if (unlinkat(set->dir_fd, segment_name(number).z, 0) != 0)
        return err_errno(err, "segment %s: removing what is left of its making", segment_name(number).z);
    return HILO_OK;
}

/* ---- making one ---------------------------------------------------------------------- */

static int32_t fill(const struct segment_set *set, const struct segment *seg, const atomic_bool *stop,
                    struct err *err)
{
    int32_t rc = HILO_OK;
    uint8_t *zero = calloc(1, SEGMENT_PIECE_BYTES);
    if (!zero)
        check_nomem();
    for (uint64_t off = 0; off < seg->length && rc == HILO_OK; off += SEGMENT_PIECE_BYTES) {
        size_t n =
            (size_t)(seg->length - off < SEGMENT_PIECE_BYTES ? seg->length - off : SEGMENT_PIECE_BYTES);
        if (stop && atomic_load(stop))
            rc = err_set(err, HILO_AGAIN, "the journal is being closed");
        else
            rc = segment_write(set->sys, seg, zero, n, off, err);
        if (rc == HILO_OK)
            rc = segment_sync(set->sys, seg, err);
    }
    free(zero);
    return rc;
}

/* Of errno. */
static int32_t no_room(struct err *err, struct segment_name name, uint64_t length)
{
    int saved = errno;
    err_errno(err, "segment %s: no room for %llu bytes", name.z, (unsigned long long)length);
    return io_code(err, saved);
}

int32_t segment_set_make(struct segment_set *set, uint64_t length, const atomic_bool *stop, struct err *err)
{
    uint8_t block[SEGMENT_HEAD_BYTES];
    pthread_mutex_lock(&set->lock);
    uint32_t number = set->first + set->n; /* nobody else adds */
    pthread_mutex_unlock(&set->lock);
    struct segment_name name = segment_name(number);
    struct segment seg = {.number = number, .length = length, .fd = -1};
    int32_t rc = HILO_OK;

    if (number == 0)
        return err_set(err, HILO_FULL, "journal %s: the segment numbers are used up", set->dir);
    if (getrandom(&seg.epoch, sizeof seg.epoch, 0) != (ssize_t)sizeof seg.epoch)
        return err_errno(err, "segment %s: getting random bytes", name.z);
    struct statvfs fs;
    if (fstatvfs(set->dir_fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < length) {
        errno = ENOSPC;
        return no_room(err, name, length);
    }
    seg.fd = openat(set->dir_fd, name.z, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (seg.fd < 0) {
        int saved = errno;
        err_errno(err, "segment %s: making it", name.z);
        return io_code(err, saved);
    }
    if (set->sys->fallocate(seg.fd, 0, 0, (off_t)length) != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
        rc = no_room(err, name, length);
        goto out;
    }
    rc = fill(set, &seg, stop, err);
    if (rc != HILO_OK)
        goto out;
    segment_head_encode(
        block, (struct segment_head){
                   .number = number, .epoch = seg.epoch, .length = length, .made_us = clock_wall_us()});
    rc = segment_write(set->sys, &seg, block, sizeof block, 0, err);
    if (rc != HILO_OK)
        goto out;
    if (set->sys->fsync(seg.fd) != 0) {
        int saved = errno;
        err_errno(err, "segment %s: syncing it to disk", name.z);
        rc = io_code(err, saved);
        goto out;
    }
    rc = sync_dir(set, err);
    if (rc != HILO_OK)
        goto out;
    pthread_mutex_lock(&set->lock);
    set_add(set, &seg);
    set_trim(set);
    pthread_mutex_unlock(&set->lock);
    seg.fd = -1;
out:
    if (seg.fd >= 0) {
        close(seg.fd);
        unlinkat(set->dir_fd, name.z, 0); /* if this fails, the next start removes it */
    }
    if (rc == HILO_IO) {
        pthread_mutex_lock(&set->lock);
        if (set->failed.code == HILO_OK)
            err_set(&set->failed, rc, "%s; see to the disk and start again", err->text);
        pthread_mutex_unlock(&set->lock);
    }
    return rc;
}

int32_t segment_set_failed(struct segment_set *set, struct err *err)
{
    pthread_mutex_lock(&set->lock);
    const struct err failed = set->failed;
    pthread_mutex_unlock(&set->lock);
    return failed.code == HILO_OK ? HILO_OK : err_set(err, failed.code, "%s", failed.text);
}
