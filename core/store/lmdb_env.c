/*
 * The context's LMDB. Flags: MDB_NOMETASYNC (a commit syncs its pages, the pointer to
 * them with the next commit: a power cut undoes at most the last transaction, whose
 * events the journal replays), MDB_NORDAHEAD (a cold read costs one disk read and not
 * megabytes of read-ahead), MDB_NOTLS (a reader belongs to whoever holds it, not to a
 * thread, and can be kept). Never NOSYNC, WRITEMAP or a change of the map while open.
 *
 * LMDB has no checksums: damage inside a page is found by --check-store, which compares
 * with the journal, not here.
 */
#include "store/lmdb_env.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    READERS_MAX = 126, /* reads at the same moment; far more than the daemon has threads */
    LOCK_BYTES = 8192, /* of lock.mdb with so many */
    DISK_FULL_BYTES = 1 << 20,
    RELEASE_CHANGES = 5000 /* pages of so many are worth opening it again: some 20 MB */
};

struct lmdb_reader {
    struct lmdb *lmdb;
    MDB_txn *txn;
    MDB_cursor *cursor;
    struct lmdb_reader *next;
};

struct lmdb {
    MDB_env *env;
    MDB_dbi dbi;
    char *dir, *data; /* the folder, data.mdb in it */
    uint64_t map_bytes;
    bool read_only;
    pthread_mutex_t lock; /* idle, out, and env while nobody is out */
    struct lmdb_reader *idle;
    unsigned out;     /* reads and other uses of env that are under way */
    uint64_t written; /* changes since env was opened; the one writer's */
    MDB_txn *write;   /* of the one writer */
    MDB_cursor *write_cursor;
};

static const struct hilo_str format_key = {"!format", 7}, reached_key = {"!reached", 8},
                             time_key = {"!time", 5};

static MDB_val to_val(struct hilo_str s)
{
    /* mv_data is not const, but LMDB only reads what goes in. */
    union {
        const char *in;
        void *out;
    } p = {s.p ? s.p : ""};
    return (MDB_val){s.n, p.out};
}

static struct hilo_str from_val(MDB_val v)
{
    return str_n(v.mv_data, v.mv_size);
}

/* LMDB reports a write that the disk cut short as EIO. It was for lack of room if there
 * is hardly any left, or if the file has come to the process's limit. */
bool lmdb_disk_full(struct lmdb *l)
{
    struct statvfs fs;
    struct rlimit limit;
    struct stat st;
    if (statvfs(l->dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < DISK_FULL_BYTES)
        return true;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           stat(l->data, &st) == 0 && (rlim_t)st.st_size >= limit.rlim_cur;
}

static int32_t fail(struct lmdb *l, struct err *err, int rc, const char *doing)
{
    const char *dir = l->dir;
    switch (rc) {
    case MDB_NOTFOUND:
        return HILO_NOTFOUND;
    case MDB_MAP_FULL:
        return err_set(err, HILO_FULL,
                       "context %s: the map is full (%s): configure a larger map for the store and restart",
                       dir, doing);
    case EIO:
        if (!lmdb_disk_full(l))
            break;
        /* fall through */
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return err_set(err, HILO_FULL, "context %s: the disk is full (%s): free some space", dir, doing);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return err_set(
            err, HILO_CORRUPT,
            "context %s: %s (%s): restore a backup, or, if the journal is complete, move data.mdb away "
            "and start: it is built again",
            dir, mdb_strerror(rc), doing);
    case MDB_PANIC: /* an earlier commit failed half-way through its last page */
        return err_set(
            err, HILO_IO,
            "context %s: unusable since an earlier write failed (%s): see to the disk and restart, the "
            "journal brings it up to date",
            dir, doing);
    case MDB_VERSION_MISMATCH:
        return err_set(err, HILO_NOSUP, "context %s: data.mdb was written by another version of LMDB (%s)",
                       dir, doing);
    case ENOMEM:
        return err_set(err, HILO_NOMEM, "context %s: no memory (%s)", dir, doing);
    default:
        break;
    }
    return err_set(err, HILO_IO, "context %s: %s (%s)", dir, mdb_strerror(rc), doing);
}

/* ---- reading ---- */

static void reader_free(struct lmdb_reader *r)
{
    if (r->cursor)
        mdb_cursor_close(r->cursor);
    if (r->txn)
        mdb_txn_abort(r->txn);
    free(r);
}

static int reader_new(struct lmdb *l, struct lmdb_reader **out)
{
    struct lmdb_reader *r = calloc(1, sizeof *r);
    int rc;
    if (!r)
        return ENOMEM;
    r->lmdb = l;
    rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &r->txn);
    if (rc == 0)
        rc = mdb_cursor_open(r->txn, l->dbi, &r->cursor);
    if (rc != 0) {
        reader_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

/* From here to leave, env stays what it is. EIO: it could not be opened again. */
static int enter(struct lmdb *l)
{
    int rc;
    pthread_mutex_lock(&l->lock);
    rc = l->env ? 0 : EIO;
    if (rc == 0)
        l->out++;
    pthread_mutex_unlock(&l->lock);
    return rc;
}

static void leave(struct lmdb *l)
{
    pthread_mutex_lock(&l->lock);
    l->out--;
    pthread_mutex_unlock(&l->lock);
}

int32_t lmdb_read_begin(struct lmdb *l, struct err *err, struct lmdb_reader **out)
{
    struct lmdb_reader *r;
    int rc;
    pthread_mutex_lock(&l->lock);
    r = l->idle;
    if (r)
        l->idle = r->next;
    rc = l->env ? 0 : EIO;
    if (rc == 0)
        l->out++;
    pthread_mutex_unlock(&l->lock);
    if (rc != 0)
        return fail(l, err, rc, "starting to read");
    if (!r)
        rc = reader_new(l, &r);
    else if ((rc = mdb_txn_renew(r->txn)) != 0)
        reader_free(r);
    if (rc != 0) {
        leave(l);
        return fail(l, err, rc, "starting to read");
    }
    *out = r;
    return HILO_OK;
}

void lmdb_read_end(struct lmdb_reader **reader)
{
    struct lmdb_reader *r = *reader;
    if (!r)
        return;
    mdb_txn_reset(r->txn);
    pthread_mutex_lock(&r->lmdb->lock);
    r->next = r->lmdb->idle;
    r->lmdb->idle = r;
    r->lmdb->out--;
    pthread_mutex_unlock(&r->lmdb->lock);
    *reader = NULL;
}

int32_t lmdb_get(struct lmdb_reader *r, struct hilo_str key, struct hilo_str *val_out, struct err *err)
{
    MDB_val k = to_val(key), v;
    int rc = mdb_get(r->txn, r->lmdb->dbi, &k, &v);
    if (rc != 0)
        return fail(r->lmdb, err, rc, "reading");
    *val_out = from_val(v);
    return HILO_OK;
}

static int32_t cursor_result(struct lmdb_reader *r, int rc, MDB_val k, MDB_val v, struct hilo_str *key_out,
                             struct hilo_str *val_out, struct err *err)
{
    if (rc != 0)
        return fail(r->lmdb, err, rc, "reading in order");
    *key_out = from_val(k);
    *val_out = from_val(v);
    return HILO_OK;
}

int32_t lmdb_seek(struct lmdb_reader *r, struct hilo_str at, bool inclusive, bool reverse,
                  struct hilo_str *key_out, struct hilo_str *val_out, struct err *err)
{
    MDB_val k = to_val(at), v;
    int rc = mdb_cursor_renew(r->txn, r->cursor);
    if (rc == 0)
        rc = mdb_cursor_get(r->cursor, &k, &v, MDB_SET_RANGE);
    if (reverse && rc == 0 && !(inclusive && str_eq(from_val(k), at)))
        rc = mdb_cursor_get(r->cursor, &k, &v, MDB_PREV);
    else if (reverse && rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(r->cursor, &k, &v, MDB_LAST);
    return cursor_result(r, rc, k, v, key_out, val_out, err);
}

int32_t lmdb_next(struct lmdb_reader *r, bool reverse, struct hilo_str *key_out, struct hilo_str *val_out,
                  struct err *err)
{
    MDB_val k, v;
    int rc = mdb_cursor_get(r->cursor, &k, &v, reverse ? MDB_PREV : MDB_NEXT);
    return cursor_result(r, rc, k, v, key_out, val_out, err);
}

/* So many words of a key of ours; all 0 if it isn't there. */
static int32_t own_words(struct lmdb *l, struct hilo_str key, uint64_t *words, size_t n, struct err *err)
{
    struct lmdb_reader *r = NULL;
    struct hilo_str val;
    int32_t rc = lmdb_read_begin(l, err, &r);
    if (rc != HILO_OK)
        return rc;
    memset(words, 0, n * sizeof *words);
    rc = lmdb_get(r, key, &val, err);
    if (rc == HILO_NOTFOUND)
        rc = HILO_OK;
    else if (rc == HILO_OK && val.n != n * sizeof *words)
        rc = err_set(err, HILO_CORRUPT, "context %s: META's \"%.*s\" has %llu bytes, expected %zu", l->dir,
                     (int)key.n - 1, key.p + 1, (unsigned long long)val.n, n * sizeof *words);
    else if (rc == HILO_OK)
        memcpy(words, val.p, n * sizeof *words);
    lmdb_read_end(&r);
    return rc;
}

int32_t lmdb_reached(struct lmdb *l, uint64_t *seq_out, position *end_out, struct err *err)
{
    uint64_t words[2];
    int32_t rc = own_words(l, reached_key, words, 2, err);
    if (rc != HILO_OK)
        return rc;
    *seq_out = le64toh(words[0]);
    *end_out = le64toh(words[1]);
    return HILO_OK;
}

int32_t lmdb_time(struct lmdb *l, int64_t *time_us_out, struct err *err)
{
    uint64_t word;
    int32_t rc = own_words(l, time_key, &word, 1, err);
    if (rc == HILO_OK)
        *time_us_out = (int64_t)le64toh(word);
    return rc;
}

/* ---- writing ---- */

int32_t lmdb_write_begin(struct lmdb *l, struct err *err)
{
    int rc = l->env ? mdb_txn_begin(l->env, NULL, 0, &l->write) : EIO; /* none: lmdb_release failed */
    if (rc == 0)
        rc = mdb_cursor_open(l->write, l->dbi, &l->write_cursor);
    if (rc != 0) {
        lmdb_write_end(l);
        return fail(l, err, rc, "starting to write");
    }
    return HILO_OK;
}

int32_t lmdb_write_put(struct lmdb *l, struct hilo_str key, struct hilo_str val, struct err *err)
{
    MDB_val k = to_val(key), v = to_val(val);
    l->written++;
    int rc = mdb_cursor_put(l->write_cursor, &k, &v, 0);
    return rc == 0 ? HILO_OK : fail(l, err, rc, "writing");
}

int32_t lmdb_write_del(struct lmdb *l, struct hilo_str key, struct err *err)
{
    MDB_val k = to_val(key), v;
    int rc = mdb_cursor_get(l->write_cursor, &k, &v, MDB_SET);
    if (rc == MDB_NOTFOUND)
        return HILO_OK;
    if (rc == 0)
        rc = mdb_cursor_del(l->write_cursor, 0);
    return rc == 0 ? HILO_OK : fail(l, err, rc, "deleting");
}

int32_t lmdb_write_time(struct lmdb *l, int64_t time_us, struct err *err)
{
    uint64_t word = htole64((uint64_t)time_us);
    return lmdb_write_put(l, time_key, str_n(&word, sizeof word), err);
}

int32_t lmdb_write_commit(struct lmdb *l, uint64_t seq, position end, struct err *err)
{
    uint64_t words[2] = {htole64(seq), htole64(end)};
    int32_t rc = lmdb_write_put(l, reached_key, str_n(words, sizeof words), err);
    if (rc != HILO_OK)
        return rc;
    mdb_cursor_close(l->write_cursor);
    l->write_cursor = NULL;
    int lrc = mdb_txn_commit(l->write);
    l->write = NULL; /* freed by LMDB either way */
    return lrc == 0 ? HILO_OK : fail(l, err, lrc, "committing");
}

void lmdb_write_end(struct lmdb *l)
{
    if (l->write_cursor)
        mdb_cursor_close(l->write_cursor);
    if (l->write)
        mdb_txn_abort(l->write);
    l->write_cursor = NULL;
    l->write = NULL;
}

/* ---- making one ---- */

/* Its format, in an environment that nobody else has. */
static int put_format(MDB_env *env)
{
    MDB_val k = to_val(format_key), v;
    uint32_t format = htole32(LMDB_FORMAT);
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    int rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc != 0)
        return rc;
    v = (MDB_val){sizeof format, &format};
    rc = mdb_dbi_open(txn, NULL, 0, &dbi);
    if (rc == 0)
        rc = mdb_put(txn, dbi, &k, &v, 0);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* Under another name until it is whole and synced: LMDB takes a file whose first pages a
 * power cut lost for none of its own, and refuses it. The new name need not be synced:
 * without it the context is made once more. Nothing is lost by NOSYNC, as there is nothing. */
static int make(const char *dir, const char *data)
{
    char *path = NULL, *lock = NULL;
    MDB_env *env = NULL;
    int rc;
    if (asprintf(&path, "%s/data.new", dir) < 0 || asprintf(&lock, "%s-lock", path) < 0)
        check_nomem();
    (void)unlink(path); /* of a start that ended here */
    rc = mdb_env_create(&env);
    if (rc == 0)
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOSYNC, 0600);
    if (rc == 0)
        rc = put_format(env);
    if (rc == 0)
        rc = mdb_env_sync(env, 1);
    if (env)
        mdb_env_close(env);
    if (rc == 0 && rename(path, data) != 0)
        rc = errno;
    (void)unlink(lock);
    free(path);
    free(lock);
    return rc;
}

static int make_if_none(const struct lmdb *l)
{
    if (access(l->data, F_OK) == 0)
        return 0;
    return errno == ENOENT ? make(l->dir, l->data) : errno;
}

/* ---- opening ---- */

static int32_t check_format(struct lmdb *l, MDB_txn *txn, struct err *err)
{
    MDB_val k = to_val(format_key), v;
    uint32_t format;
    int rc;

    rc = mdb_get(txn, l->dbi, &k, &v);
    if (rc == MDB_NOTFOUND || (rc == 0 && v.mv_size != sizeof format))
        return err_set(err, HILO_CORRUPT,
                       "context %s: data.mdb has no format version: it is not Hilo's context", l->dir);
    if (rc != 0)
        return fail(l, err, rc, "reading the format's version");
    memcpy(&format, v.mv_data, sizeof format);
    format = le32toh(format);
    if (format > LMDB_FORMAT)
        return err_set(
            err, HILO_NOSUP,
            "context %s: its format is version %u, this program knows up to %d: use the newer program",
            l->dir, format, LMDB_FORMAT);
    if (format == 0)
        return err_set(err, HILO_CORRUPT, "context %s: its format is version 0, which never was", l->dir);
    return HILO_OK;
}

static int32_t open_database(struct lmdb *l, bool read_only, struct err *err)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(l->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
    int32_t code;
    if (rc == 0)
        rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
    if (rc != 0) {
        code = fail(l, err, rc, "opening the database");
        goto out;
    }
    code = check_format(l, txn, err);
    if (code != HILO_OK)
        goto out;
    rc = mdb_txn_commit(txn);
    txn = NULL;
    if (rc != 0)
        code = fail(l, err, rc, "opening the database");
out:
    if (txn)
        mdb_txn_abort(txn);
    return code;
}

/* LMDB writes its lock file through a map: a hole in it that the disk has no room for would end the
 * process by SIGBUS. So its room is taken first. */
static int32_t reserve_lock(struct lmdb *l, struct err *err)
{
    char *path = NULL;
    struct stat st;
    int32_t rc = HILO_OK;
    if (asprintf(&path, "%s/lock.mdb", l->dir) < 0)
        check_nomem();
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) != 0)
        rc = fail(l, err, errno, "making lock.mdb");
    else if ((uint64_t)st.st_blocks * 512 < LOCK_BYTES &&
             fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOCK_BYTES) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        rc = fail(l, err, errno, "making lock.mdb");
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

static int open_env(struct lmdb *l)
{
    unsigned flags = MDB_NOMETASYNC | MDB_NORDAHEAD | MDB_NOTLS | (l->read_only ? MDB_RDONLY : 0u);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int dead = 0;
    int rc = mdb_env_create(&l->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(l->env, (l->map_bytes + page - 1) / page * page);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(l->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_open(l->env, l->dir, flags, 0600);
    if (rc == 0)
        rc = mdb_reader_check(l->env, &dead);
    l->written = 0;
    return rc;
}

static void close_env(struct lmdb *l)
{
    while (l->idle) {
        struct lmdb_reader *r = l->idle;
        l->idle = r->next;
        reader_free(r);
    }
    if (l->env) {
        /* The last commit's pointer isn't synced: if a power cut takes it, the journal replays that
         * commit. */
        mdb_env_close(l->env);
    }
    l->env = NULL;
}

int32_t lmdb_open(const char *dir, uint64_t map_bytes, bool read_only, struct err *err, struct lmdb **out)
{
    int32_t code;
    int rc;
    struct lmdb *l = calloc(1, sizeof *l);
    if (!l || !(l->dir = strdup(dir)) || asprintf(&l->data, "%s/data.mdb", dir) < 0)
        check_nomem();
    l->map_bytes = map_bytes;
    l->read_only = read_only;
    pthread_mutex_init(&l->lock, NULL);

    if (!read_only) {
        code = reserve_lock(l, err);
        if (code != HILO_OK) {
            lmdb_close(&l);
            return code;
        }
    }
    rc = read_only ? 0 : make_if_none(l);
    if (rc == 0)
        rc = open_env(l);
    if (rc == ENOENT && read_only)
        code = err_set(err, HILO_NOTFOUND, "context %s: there is none (data.mdb is missing)", dir);
    else if (rc != 0)
        code = fail(l, err, rc, "opening");
    else
        code = open_database(l, read_only, err);
    if (code != HILO_OK) {
        lmdb_close(&l);
        return code;
    }
    *out = l;
    return HILO_OK;
}

void lmdb_close(struct lmdb **lmdb)
{
    struct lmdb *l = *lmdb;
    if (!l)
        return;
    lmdb_write_end(l);
    close_env(l);
    pthread_mutex_destroy(&l->lock);
    free(l->data);
    free(l->dir);
    free(l);
    *lmdb = NULL;
}

bool lmdb_release(struct lmdb *l, struct err *err)
{
    int32_t code;
    bool may;
    int rc;
    if (l->written < RELEASE_CHANGES)
        return false;
    pthread_mutex_lock(&l->lock);
    may = l->out == 0;
    if (may) {
        close_env(l);
        rc = open_env(l);
        code = rc == 0 ? open_database(l, false, err) : fail(l, err, rc, "opening it again");
        if (code != HILO_OK)
            close_env(l);
    }
    pthread_mutex_unlock(&l->lock);
    return may;
}

int32_t lmdb_free_bytes(struct lmdb *l, uint64_t *bytes_out, struct err *err)
{
    enum { FREE_DBI = 0 }; /* LMDB's own database: transaction -> count, pages */
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_stat stat;
    MDB_val k, v;
    uint64_t pages = 0;
    size_t n;
    int rc = enter(l);

    if (rc != 0)
        return fail(l, err, rc, "reading its free list");
    rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0)
        rc = mdb_stat(txn, l->dbi, &stat);
    if (rc == 0)
        rc = mdb_cursor_open(txn, FREE_DBI, &cursor);
    while (rc == 0 && (rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        memcpy(&n, v.mv_data, sizeof n);
        pages += n;
    }
    if (cursor)
        mdb_cursor_close(cursor);
    if (txn)
        mdb_txn_abort(txn);
    leave(l);
    if (rc != MDB_NOTFOUND)
        return fail(l, err, rc, "reading its free list");
    *bytes_out = pages * stat.ms_psize;
    return HILO_OK;
}

int32_t lmdb_copy(struct lmdb *l, int fd, struct err *err)
{
    int rc = enter(l);

    if (rc == 0) {
        rc = mdb_env_copyfd2(l->env, fd, 0);
        leave(l);
    }
    if (rc == EPIPE)
        return err_set(err, HILO_AGAIN, "context %s: nobody takes the copy any more", l->dir);
    return rc == 0 ? HILO_OK : fail(l, err, rc, "copying");
}

int lmdb_fd(struct lmdb *l)
{
    int fd = -1;

    if (enter(l) != 0)
        return -1;
    if (mdb_env_get_fd(l->env, &fd) == 0)
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    leave(l);
    return fd;
}

void lmdb_used(struct lmdb *l, uint64_t *map_bytes_out, uint64_t *used_bytes_out)
{
    MDB_envinfo info;
    MDB_stat stat;
    *map_bytes_out = *used_bytes_out = 0;
    if (enter(l) != 0)
        return;
    if (mdb_env_info(l->env, &info) == 0 && mdb_env_stat(l->env, &stat) == 0) {
        *map_bytes_out = info.me_mapsize;
        *used_bytes_out = (info.me_last_pgno + 1) * stat.ms_psize;
    }
    leave(l);
}
