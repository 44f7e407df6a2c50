/* The counting thread. Each piece is a read transaction of its own, which goes on at the key
 * where the one before stopped; keys that come and go behind it are missed. */
#include "store/count.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/context_priv.h"
#include "store/context_table.h"
#include "store/copy.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_KEYS = 20000, NICE = 10, KEY_BYTES = 1 + CONTEXT_KEY_MAX };

struct count {
    struct context *context;
    char *data_dir;
    atomic_bool stop;
    pthread_mutex_t lock; /* what follows */
    pthread_t thread;
    bool started;
    struct counted last;
};

static int32_t may_go_on(struct count *c, struct err *err)
{
    return atomic_load(&c->stop) ? err_set(err, HILO_AGAIN, "it was stopped") : HILO_OK;
}

/* ---- LMDB ---- */

static void add_key(uint64_t by_letter[256], struct hilo_str key)
{
    by_letter[key.n ? (uint8_t)key.p[0] : 0]++;
}

/* From the key at on, without it if it is not the first piece. HILO_NOTFOUND: the end was met. */
static int32_t count_piece(struct count *c, char at[KEY_BYTES], size_t *at_n, uint64_t by_letter[256],
                           struct err *err)
{
    struct lmdb_reader *reader = NULL;
    struct hilo_str key = {NULL, 0}, val, from = str_n(at, *at_n);
    int32_t rc = lmdb_read_begin(c->context->lmdb, err, &reader);
    bool first = *at_n == 1 && at[0] == 0;

    if (rc != HILO_OK)
        return rc;
    rc = lmdb_seek(reader, from, true, false, &key, &val, err);
    if (rc == HILO_OK && !first && str_eq(key, from))
        rc = lmdb_next(reader, false, &key, &val, err);
    for (unsigned i = 0; rc == HILO_OK; i++) {
        add_key(by_letter, key);
        if (i == PIECE_KEYS)
            break;
        rc = lmdb_next(reader, false, &key, &val, err);
    }
    if (rc == HILO_OK) {
        CHECK(key.n <= KEY_BYTES);
        memcpy(at, key.p, (size_t)key.n);
        *at_n = (size_t)key.n;
    }
    lmdb_read_end(&reader);
    return rc;
}

static int32_t count_context(struct count *c, struct counted *out, struct err *err)
{
    uint64_t by_letter[256] = {0};
    char at[KEY_BYTES] = {0};
    size_t at_n = 1; /* the smallest key: LMDB has none that is empty */
    int32_t rc;

    do {
        rc = may_go_on(c, err);
        if (rc == HILO_OK)
            rc = count_piece(c, at, &at_n, by_letter, err);
    } while (rc == HILO_OK);
    if (rc != HILO_NOTFOUND)
        return rc;
    for (unsigned t = 0; t < TABLE__COUNT; t++)
        out->entries[t] = by_letter[(uint8_t)table_infos[t].letter];
    return lmdb_free_bytes(c->context->lmdb, &out->free_bytes, err);
}

/* ---- media ---- */

struct media_count {
    struct count *count;
    struct counted *out;
};

static int32_t media_one(void *arg, int at, const char *name, struct err *err)
{
    struct media_count *m = arg;
    struct stat st;
    int32_t rc = HILO_OK;

    if (strncmp(name, "tmp-", 4) == 0 || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return HILO_OK; /* half written; or gone meanwhile */
    if (S_ISREG(st.st_mode)) {
        m->out->media_files++;
        m->out->media_bytes += (uint64_t)st.st_size;
    } else if (S_ISDIR(st.st_mode)) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return err_errno(err, "media/%s: opening the folder", name);
        rc = may_go_on(m->count, err);
        if (rc == HILO_OK)
            rc = folder_each(fd, name, media_one, m, err);
        close(fd);
    }
    return rc;
}

static int32_t count_media(struct count *c, struct counted *out, struct err *err)
{
    struct media_count m = {c, out};
    char path[4096];
    int32_t rc;
    int fd;

    if (snprintf(path, sizeof path, "%s/media", c->data_dir) >= (int)sizeof path)
        return err_set(err, HILO_INVALID, "the path of the data folder is too long");
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "%s: opening the folder", path);
    rc = folder_each(fd, path, media_one, &m, err);
    close(fd);
    return rc;
}

/* ---- the thread ---- */

static void *count__run(void *arg)
{
    struct count *c = arg;
    struct counted out = {0};
    struct err err = {0};
    int32_t rc;

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* on Linux, of this thread */
    rc = count_context(c, &out, &err);
    if (rc == HILO_OK)
        rc = count_media(c, &out, &err);
    out.at_us = clock_wall_us();
    pthread_mutex_lock(&c->lock);
    if (rc == HILO_OK)
        c->last = out;
    else
        c->last.err = err;
    c->last.running = false;
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

struct count *count_new(struct context *context, const char *data_dir)
{
    struct count *c = calloc(1, sizeof *c);

    if (!c || !(c->data_dir = strdup(data_dir)))
        check_nomem();
    c->context = context;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void count_free(struct count **cp)
{
    struct count *c = *cp;

    if (!c)
        return;
    atomic_store(&c->stop, true);
    if (c->started)
        pthread_join(c->thread, NULL);
    pthread_mutex_destroy(&c->lock);
    free(c->data_dir);
    free(c);
    *cp = NULL;
}

int32_t count_start(struct count *c, struct err *err)
{
    int32_t rc = HILO_OK;
    int made;

    pthread_mutex_lock(&c->lock);
    if (c->last.running)
        goto out;
    if (c->started)
        pthread_join(c->thread, NULL);
    made = pthread_create(&c->thread, NULL, count__run, c);
    c->started = made == 0;
    c->last.running = made == 0;
    if (made != 0) {
        errno = made;
        rc = err_errno(err, "no thread for counting");
    }
out:
    pthread_mutex_unlock(&c->lock);
    return rc;
}

void count_get(struct count *c, struct counted *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->last;
    pthread_mutex_unlock(&c->lock);
}
