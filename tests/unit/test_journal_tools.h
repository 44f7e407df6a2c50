/*
 * What the journal's tests share: folders that come and go, events whose contents
 * follow from their sequence, and a replay that checks every one of them.
 */
#ifndef TEST_JOURNAL_TOOLS_H
#define TEST_JOURNAL_TOOLS_H

#include "store/journal/internal.h"
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT_BYTES (8u << 20)

struct folder {
    char path[64];
};

static inline struct folder folder_new(void)
{
    struct folder f;
    snprintf(f.path, sizeof f.path, "/tmp/hilo-journal-XXXXXX");
    assert_non_null(mkdtemp(f.path));
    return f;
}

static inline int folder_count(const struct folder *f)
{
    int n = 0;
    DIR *d = opendir(f->path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static inline void folder_free(const struct folder *f)
{
    DIR *d = opendir(f->path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
    closedir(d);
    assert_int_equal(rmdir(f->path), 0);
}

static inline int file_open(const struct folder *f, uint32_t number, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%010u.seg", f->path, number);
    return open(path, flags | O_CLOEXEC, 0600);
}

static inline void file_write(const struct folder *f, uint32_t number, const void *p, size_t n, uint64_t at)
{
    int fd = file_open(f, number, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, p, n, (off_t)at), n);
    close(fd);
}

static inline void file_read(const struct folder *f, uint32_t number, void *p, size_t n, uint64_t at)
{
    int fd = file_open(f, number, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, p, n, (off_t)at), n);
    close(fd);
}

/* One number for all bytes and names of a folder. */
static inline uint64_t folder_sum(const struct folder *f)
{
    uint64_t sum = 0;
    DIR *d = opendir(f->path);
    char *p = malloc(SEGMENT_BYTES);
    assert_non_null(d);
    assert_non_null(p);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, p, SEGMENT_BYTES);
        assert_true(n >= 0);
        sum += ((uint64_t)journal_crc32c(e->d_name, strlen(e->d_name)) << 32) + (uint64_t)n +
               (uint64_t)journal_crc32c(p, (size_t)n) * 31;
        close(fd);
    }
    free(p);
    closedir(d);
    return sum;
}

/* ---- events: the body of event seq with n bytes is always the same ---------------------- */

static inline void body_fill(uint8_t *p, size_t n, uint64_t seq)
{
    uint64_t x = seq * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (uint8_t)(x | 1); /* never zero, so that every lost byte shows */
    }
}

/* group lands in head.cause, so that a replay can tell groups apart. Under the lock. */
static inline int32_t put(struct journal *j, size_t n, uint64_t group, struct event *out, struct err *err)
{
    uint8_t *p = malloc(n ? n : 1);
    assert_non_null(p);
    body_fill(p, n, journal_appended(j) + 1);
    struct event ev = {.head = {.type = 7, .version = 3, .actor_kind = ACTOR_KEY, .time_us = (int64_t)n},
                       .body = {(const char *)p, n}};
    memcpy(ev.head.cause.b, &group, sizeof group);
    ev.head.actor.b[0] = 0xaa;
    int32_t rc = journal_append(j, &ev, err);
    ev.body = (struct hilo_str){0};
    if (out)
        *out = ev;
    free(p);
    return rc;
}

static inline void event_check(const struct event *e)
{
    assert_int_equal(e->head.type, 7);
    assert_int_equal(e->head.version, 3);
    assert_int_equal(e->head.flags, 0);
    assert_int_equal(e->head.actor_kind, ACTOR_KEY);
    assert_int_equal(e->head.actor.b[0], 0xaa);
    assert_int_equal(e->body.n, e->head.time_us);
    assert_int_equal(e->head.bytes, 64 + e->body.n);
    uint8_t *p = malloc(e->body.n ? e->body.n : 1);
    assert_non_null(p);
    body_fill(p, e->body.n, e->head.seq);
    assert_memory_equal(p, e->body.p, e->body.n);
    free(p);
}

/* One group of one event, committed. */
static inline position put_commit(struct journal *j, size_t n)
{
    struct event ev;
    struct err err = {0};
    journal_lock(j);
    assert_int_equal(put(j, n, journal_appended(j) + 1, &ev, &err), HILO_OK);
    journal_unlock(j);
    assert_int_equal(journal_commit(j, ev.head.seq, NULL, NULL, &err), HILO_OK);
    return ev.at;
}

struct seen {
    uint64_t next, n;  /* the sequence expected; 0: any */
    uint64_t batches;  /* ended */
    uint64_t group;    /* of the event before, when its batch goes on */
    position at, end;  /* of the last event; of the last batch */
    position ends[64]; /* of the first batches, and the sequence before each */
    uint64_t end_seq[64];
};

static inline int32_t see(void *arg, const struct event *e, position batch_end)
{
    struct seen *s = arg;
    uint64_t group = 0;
    if (s->next)
        assert_int_equal(e->head.seq, s->next);
    s->next = e->head.seq + 1;
    assert_true(e->at > s->at);
    assert_true(e->at >= s->end);
    s->at = e->at;
    s->n++;
    event_check(e);
    memcpy(&group, e->head.cause.b, sizeof group);
    s->group = group;
    if (batch_end) {
        assert_true(batch_end > e->at);
        if (s->batches < 64) {
            s->ends[s->batches] = batch_end;
            s->end_seq[s->batches] = e->head.seq;
        }
        s->batches++;
        s->end = batch_end;
    }
    return HILO_OK;
}

static inline struct journal_options options(const struct folder *f)
{
    return (struct journal_options){.dir = f->path, .segment_bytes = SEGMENT_BYTES};
}

static inline struct journal *reopen(const struct folder *f, struct seen *s, struct journal_recovery *r)
{
    struct journal *j = NULL;
    struct err err = {0};
    struct journal_options o = options(f);
    int32_t rc = journal_open(&o, 0, 0, false, s ? see : NULL, s, &err, r, &j);
    if (rc != HILO_OK)
        fail_msg("%s", err.text);
    return j;
}

/* Opening must be refused with this code, these words, and nothing changed. */
static inline void refused(const struct folder *f, position from, uint64_t from_seq, int32_t code,
                           const char *words)
{
    struct journal *j = NULL;
    struct err err = {0};
    struct journal_options o = options(f);
    assert_int_equal(journal_open(&o, from, from_seq, false, NULL, NULL, &err, NULL, &j), code);
    assert_null(j);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.text);
}

/* Waits until the segment is prepared. */
static inline void prepared(struct journal *j, uint32_t number)
{
    struct err err = {0};
    assert_int_equal(preparer_need(&j->preparer, number, true, &err), HILO_OK);
}

#endif
