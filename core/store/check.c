/*
 * store_check: everything that a store holds, read and held against the rest of it.
 *
 * The journal comes first and whole. While it is read, each event is verified and
 * applied to a second context in a temporary folder; where that has come to the
 * sequence of the real context, the two are compared. Then the indexes of the real
 * one, and, where it is not the same, of the one that holds all events.
 *
 * The journal's lock is taken before the context is opened, so no daemon can be at
 * work in it. Nothing in the store is changed (LMDB keeps a lock file of its own). The
 * temporary folder is made in TMPDIR, or else beside the store, where there is room.
 *
 * Limits: memory is that of a start's replay. Damage that LMDB itself stumbles over
 * (it has no checksums) can end the process.
 */
#include "store/check.h"
#include "base/check.h"
#include "base/str.h"
#include "store/store.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t MAP_MIN_BYTES = UINT64_C(1) << 30;

struct run {
    struct check check;
    struct rebuild *rebuild;
    char *context_dir;
    bool opened; /* it was tried */
    struct context *real;
    struct err err; /* why the check can't go on */
};

/* ---- findings ---- */

static void hex_add(char *out, size_t cap, struct hilo_str key)
{
    size_t n = key.n < (cap - 1) / 2 ? (size_t)key.n : (cap - 1) / 2;

    if (key.n == 0)
        (void)snprintf(out, cap, "-");
    else
        str_hex(out, key.p, n);
}

void check__found(struct check *ck, const char *table, struct hilo_str key, const char *fmt, ...)
{
    char hex[2 * (CONTEXT_KEY_MAX + 1) + 1], words[600];
    va_list args;

    if (++ck->found > CHECK_LINES)
        return;
    hex_add(hex, sizeof hex, key);
    va_start(args, fmt);
    (void)vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    (void)dprintf(ck->fd, "%s %s: %s%s\n", table, hex, words, ck->which);
}

/* ---- what there is ---- */

/* Bytes of the files in a folder; 0 if there is none. */
static uint64_t folder_bytes(const char *path)
{
    DIR *dir = opendir(path);
    uint64_t bytes = 0;
    struct dirent *entry;
    struct stat st;

    if (!dir)
        return 0;
    while ((entry = readdir(dir)))
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    closedir(dir);
    return bytes;
}

static char *sub_folder(const char *dir, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", dir, name) < 0)
        check_nomem();
    return path;
}

/* The real context, once, and only under the journal's lock. */
static int32_t real_open(struct run *r)
{
    const struct context_options o = {.dir = r->context_dir, .map_bytes = 1 << 20, .read_only = true};
    struct err e = {0};
    int32_t rc;

    if (r->opened)
        return HILO_OK;
    r->opened = true;
    rc = context_open(&o, &e, &r->real);
    if (rc == HILO_NOTFOUND)
        (void)dprintf(r->check.fd, "note: there is no context; the next start builds it from the journal\n");
    else if (rc == HILO_CORRUPT || rc == HILO_NOSUP)
        check__found(&r->check, "META", (struct hilo_str){0}, "%s", e.text);
    else if (rc != HILO_OK)
        return err_set(&r->err, rc, "%s", e.text);
    return rebuild_real(r->rebuild, r->real, &r->err);
}

static int32_t on_event(void *arg, const struct event *ev, position batch_end)
{
    struct run *r = arg;
    int32_t rc = real_open(r);

    return rc == HILO_OK ? rebuild_event(r->rebuild, ev, batch_end, &r->err) : rc;
}

/* ---- the check ---- */

static int32_t check_journal(struct run *r, const char *dir, struct err *err)
{
    const struct journal_options o = {.dir = dir, .segment_bytes = 8 << 20};
    struct journal_recovery rec = {0};
    struct err e = {0};
    int32_t rc = journal_open(&o, 0, 0, true, on_event, r, &e, &rec, &r->check.journal);

    if (r->err.code != HILO_OK)
        return err_set(err, r->err.code, "%s", r->err.text);
    if (rc != HILO_OK && rc != HILO_CORRUPT && rc != HILO_NOSUP)
        return err_set(err, rc, "%s", e.text);
    if (real_open(r) != HILO_OK)
        return err_set(err, r->err.code, "%s", r->err.text);
    if (rc != HILO_OK) {
        check__found(&r->check, "JOURNAL", (struct hilo_str){0}, "%s", e.text);
        return HILO_OK;
    }
    if (rec.cut_bytes)
        (void)dprintf(r->check.fd,
                      "note: the journal ends in a torn tail of %" PRIu64 " bytes at segment %" PRIu32
                      " offset %" PRIu32 ", which the next start cuts off\n",
                      rec.cut_bytes, POSITION_SEGMENT(rec.cut_at), POSITION_OFFSET(rec.cut_at));
    return rebuild_finish(r->rebuild, &rec, err);
}

static void check_context(struct run *r, struct context *c, const char *which, bool media)
{
    struct check *ck = &r->check;
    position end;

    ck->context = c;
    ck->which = which;
    ck->media = media;
    context_reached(c, &ck->reached, &end);
    check__indexes(ck);
    ck->which = "";
}

int32_t store_check(const char *dir, int fd, struct err *err)
{
    struct run r = {.check = {.dir = dir, .fd = fd, .which = ""}};
    char *journal_dir = sub_folder(dir, "journal");
    struct stat st;
    int32_t rc;

    r.context_dir = sub_folder(dir, "context");
    r.check.arena = arena_new();
    if (stat(journal_dir, &st) != 0) {
        rc = errno == ENOENT ? err_set(err, HILO_NOTFOUND, "%s holds no store: it has no folder journal", dir)
                             : err_errno(err, "%s", journal_dir);
        goto out;
    }
    rc = rebuild_new(&r.check, MAP_MIN_BYTES + 4 * (folder_bytes(journal_dir) + folder_bytes(r.context_dir)),
                     err, &r.rebuild);
    if (rc == HILO_OK)
        rc = check_journal(&r, journal_dir, err);
    if (rc != HILO_OK)
        goto out;

    struct context *built = rebuild_context(r.rebuild);
    bool same = rebuild_equal(r.rebuild);
    if (r.real)
        check_context(&r, r.real, "", same || !built);
    if (built && !same)
        check_context(&r, built, r.real ? " (in the context built from the whole journal)" : "", true);
    if (r.check.found) {
        (void)dprintf(fd, "%" PRIu64 " findings%s\n", r.check.found,
                      r.check.found > CHECK_LINES ? ", the first 100 are listed" : "");
        rc = err_set(err, HILO_CORRUPT, "the store %s has %" PRIu64 " findings", dir, r.check.found);
    }
out:
    rebuild_free(&r.rebuild);
    context_close(&r.real);
    journal_close(&r.check.journal);
    arena_free(&r.check.arena);
    free(r.context_dir);
    free(journal_dir);
    return rc;
}
