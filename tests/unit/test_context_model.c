/*
 * The context against a plain sorted array: thousands of random puts, deletes, look-ups
 * and scans, with rotations, late syncs and reopenings at random moments. The seeds are
 * fixed, so a failure repeats itself (but for when the flusher runs).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "store/context.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TABLES = 3, KEYS_MAX = 4096, STEPS = 12000, KEY_BYTES = 12 };
static const enum table tables[TABLES] = {TABLE_DUE, TABLE_EXPIRY, TABLE_MESSAGE};

struct pair {
    char key[KEY_BYTES];
    size_t key_n, val_n;
    uint32_t val_seed; /* val_n bytes from it */
};

struct state { /* one table after some sequence */
    struct pair pair[KEYS_MAX];
    size_t n;
};

struct model {
    struct state now[TABLES], flushed[TABLES], frozen[TABLES];
    uint64_t seq, frozen_seq, flushed_seq;
    uint64_t random;
    char dir[64];
    struct context *c;
    struct arena *arena;
    struct err err;
    bool is_frozen;
};

static uint32_t rnd(struct model *m, uint32_t below)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m->random >> 33) % below;
}

static struct hilo_str key_of(const struct pair *p)
{
    return str_n(p->key, p->key_n);
}

static struct hilo_str val_of(const struct pair *p, char *room)
{
    for (size_t i = 0; i < p->val_n; i++)
        room[i] = (char)(p->val_seed * 31 + i);
    return str_n(room, p->val_n);
}

/* The first pair with key >= key. */
static size_t lower(const struct state *s, struct hilo_str key)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (str_cmp(key_of(&s->pair[mid]), key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool at_key(const struct state *s, size_t i, struct hilo_str key)
{
    return i < s->n && str_eq(key_of(&s->pair[i]), key);
}

/* Few distinct bytes and short, so that keys collide and are prefixes of each other. */
static struct hilo_str random_key(struct model *m, char *room)
{
    static const char bytes[] = {'\0', 'a', 'b', '\x7f', '\x80', '\xff'};
    size_t n = rnd(m, 7);
    for (size_t i = 0; i < n; i++)
        room[i] = bytes[rnd(m, sizeof bytes)];
    return str_n(room, n);
}

static void open_context(struct model *m)
{
    struct context_options o = {.dir = m->dir, .map_bytes = 64 << 20};
    if (context_open(&o, &m->err, &m->c) != HILO_OK)
        fail_msg("%s", m->err.text);
}

static void do_put(struct model *m, unsigned t)
{
    char room[KEY_BYTES], val[512];
    struct hilo_str key = random_key(m, room);
    struct state *s = &m->now[t];
    size_t i = lower(s, key);
    if (!at_key(s, i, key)) {
        if (s->n == KEYS_MAX)
            return;
        memmove(&s->pair[i + 1], &s->pair[i], (s->n - i) * sizeof s->pair[0]);
        s->pair[i] = (struct pair){.key_n = key.n};
        memcpy(s->pair[i].key, room, key.n);
        s->n++;
    }
    s->pair[i].val_n = rnd(m, 8) ? rnd(m, 40) : rnd(m, 512);
    s->pair[i].val_seed = rnd(m, 1000);
    context_put(m->c, tables[t], key, val_of(&s->pair[i], val));
    m->seq++;
}

static void do_del(struct model *m, unsigned t)
{
    char room[KEY_BYTES];
    struct hilo_str key = random_key(m, room);
    struct state *s = &m->now[t];
    if (s->n && rnd(m, 4)) { /* mostly one that is there */
        const struct pair *p = &s->pair[rnd(m, (uint32_t)s->n)];
        memcpy(room, p->key, p->key_n);
        key = str_n(room, p->key_n);
    }
    size_t i = lower(s, key);
    if (at_key(s, i, key)) {
        memmove(&s->pair[i], &s->pair[i + 1], (s->n - i - 1) * sizeof s->pair[0]);
        s->n--;
    }
    context_del(m->c, tables[t], key);
    m->seq++;
}

static void do_get(struct model *m, unsigned t)
{
    char room[KEY_BYTES], val[512];
    struct hilo_str key = random_key(m, room), got;
    struct state *s = &m->now[t];
    size_t i = lower(s, key);
    int32_t rc = context_get(m->c, tables[t], key, m->arena, &got, &m->err);
    if (!at_key(s, i, key)) {
        assert_int_equal(rc, HILO_NOTFOUND);
    } else {
        assert_int_equal(rc, HILO_OK);
        assert_true(str_eq(got, val_of(&s->pair[i], val)));
    }
    arena_reset(m->arena);
}

struct check {
    const struct state *s;
    size_t at, left;
    bool reverse, wrong;
};

static bool check_pair(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct check *k = arg;
    char room[512];
    const struct pair *p = &k->s->pair[k->reverse ? k->at - 1 : k->at];
    if (k->left == 0 || !str_eq(key, key_of(p)) || !str_eq(val, val_of(p, room))) {
        k->wrong = true;
        return false;
    }
    k->at += k->reverse ? (size_t)-1 : 1;
    return --k->left > 0;
}

/* What a scan must give by the header's words, looked for one by one. */
static void do_scan(struct model *m, unsigned t)
{
    char prefix_room[KEY_BYTES], from_room[KEY_BYTES];
    struct hilo_str prefix = random_key(m, prefix_room), from = random_key(m, from_room);
    struct state *s = &m->now[t];
    struct check k = {.s = s, .reverse = rnd(m, 2)};
    size_t all = 0, limit = rnd(m, 3) ? SIZE_MAX : 1 + rnd(m, 5);
    prefix.n = rnd(m, 2) ? 0 : prefix.n > 2 ? 2 : prefix.n;
    for (size_t n = 0; n < s->n; n++) {
        size_t i = k.reverse ? s->n - 1 - n : n;
        struct hilo_str key = key_of(&s->pair[i]);
        int cmp = str_cmp(key, from);
        if (!str_starts(key, prefix) || (k.reverse ? from.n && cmp > 0 : cmp < 0))
            continue;
        if (all++ == 0)
            k.at = k.reverse ? i + 1 : i;
    }
    k.left = all < limit ? all : limit;
    assert_int_equal(context_scan(m->c, tables[t], prefix, from, k.reverse, check_pair, &k, &m->err),
                     HILO_OK);
    assert_false(k.wrong);
    assert_int_equal(k.left, 0);
}

/* The flusher may have finished by itself: only then may another rotation work. */
static void do_rotate(struct model *m)
{
    if (!context_rotate(m->c, m->seq, POSITION(1, m->seq * 8)))
        return;
    if (m->is_frozen) {
        memcpy(m->flushed, m->frozen, sizeof m->flushed);
        m->flushed_seq = m->frozen_seq;
    }
    memcpy(m->frozen, m->now, sizeof m->frozen);
    m->frozen_seq = m->seq;
    m->is_frozen = true;
}

/* Closes at any moment: what comes back must be one of the two states that may be in
 * LMDB, whole, by the sequence that it says. Nothing is replayed: on from there. */
static void do_reopen(struct model *m)
{
    uint64_t seq;
    position end;
    context_close(&m->c);
    open_context(m);
    context_reached(m->c, &seq, &end);
    assert_true(end == (seq ? POSITION(1, seq * 8) : 0));
    if (m->is_frozen && seq == m->frozen_seq) {
        memcpy(m->now, m->frozen, sizeof m->now);
    } else {
        assert_int_equal(seq, m->flushed_seq);
        memcpy(m->now, m->flushed, sizeof m->now);
    }
    memcpy(m->flushed, m->now, sizeof m->now);
    m->seq = m->flushed_seq = seq;
    m->is_frozen = false;
    for (unsigned t = 0; t < TABLES; t++) {
        struct check k = {.s = &m->now[t], .left = m->now[t].n};
        assert_int_equal(context_walk(m->c, tables[t], check_pair, &k, &m->err), HILO_OK);
        assert_false(k.wrong);
        assert_int_equal(k.left, 0);
    }
}

static void run(uint64_t seed)
{
    struct model *m = calloc(1, sizeof *m);
    char path[128];
    m->random = seed;
    snprintf(m->dir, sizeof m->dir, "/tmp/hilo-model-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    m->arena = arena_new();
    open_context(m);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned t = rnd(m, TABLES), what = rnd(m, 1000);
        if (what < 350)
            do_put(m, t);
        else if (what < 550)
            do_del(m, t);
        else if (what < 800)
            do_get(m, t);
        else if (what < 950)
            do_scan(m, tables[t] == TABLE_MESSAGE ? 0 : t); /* MESSAGE can't be scanned */
        else if (what < 970)
            do_rotate(m);
        else if (what < 990)
            context_synced(m->c, m->is_frozen && rnd(m, 2) ? m->frozen_seq : m->seq);
        else if (what < 995 && m->is_frozen) {
            context_synced(m->c, m->frozen_seq);
            assert_int_equal(context_wait(m->c, &m->err), HILO_OK);
        } else if (what < 998)
            do_reopen(m);
    }
    do_reopen(m);
    context_close(&m->c);
    arena_free(&m->arena);
    snprintf(path, sizeof path, "%s/data.mdb", m->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", m->dir);
    unlink(path);
    assert_int_equal(rmdir(m->dir), 0);
    free(m);
}

static void context_is_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(context_is_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
