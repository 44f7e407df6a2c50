/* The context, behaviour by behaviour: layers, tombstones, durability, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/context.h"
#include "store/context_table.h"
#include "store/pending_hash.h"
#include <lmdb.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAP = 64 << 20,
    CHANCE_US = 100000 /* of news, for a flusher that would act on them wrongly */
};

struct fixture {
    char dir[64];
    struct context *c;
    struct arena *arena;
    struct err err;
    atomic_uint flushed;
};

static void on_flushed(void *arg)
{
    struct fixture *f = arg;
    atomic_fetch_add(&f->flushed, 1);
}

static void reopen(struct fixture *f, uint64_t map_bytes, bool read_only)
{
    context_close(&f->c);
    struct context_options o = {
        .dir = f->dir, .map_bytes = map_bytes, .read_only = read_only, .flushed = on_flushed, .arg = f};
    if (context_open(&o, &f->err, &f->c) != HILO_OK)
        fail_msg("%s", f->err.text);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/hilo-context-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->arena = arena_new();
    reopen(f, MAP, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char path[128];
    context_close(&f->c);
    arena_free(&f->arena);
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", f->dir);
    unlink(path);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static void expect(struct fixture *f, enum table table, const char *key, const char *val)
{
    struct hilo_str got;
    int32_t rc = context_get(f->c, table, str(key), f->arena, &got, &f->err);
    if (!val) {
        assert_int_equal(rc, HILO_NOTFOUND);
        return;
    }
    assert_int_equal(rc, HILO_OK);
    assert_int_equal(got.n, strlen(val));
    assert_memory_equal(got.p, val, got.n);
}

static void flush(struct fixture *f, uint64_t seq)
{
    assert_true(context_rotate(f->c, seq, POSITION(1, seq * 100)));
    context_synced(f->c, seq);
    if (context_wait(f->c, &f->err) != HILO_OK)
        fail_msg("%s", f->err.text);
}

static void put_many(struct fixture *f, const char *prefix)
{
    char key[16];
    for (unsigned i = 10000; i < 90000; i++) {
        (void)snprintf(key, sizeof key, "%s%u", prefix, i);
        context_put(f->c, TABLE_MEDIA, str(key),
                    STR("a value of some length, so that there is something to write"));
    }
}

/* ---- scans as text: "key=val key=val" ---- */

struct listing {
    char text[512];
    size_t n, left;
};

static bool list(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct listing *l = arg;
    l->n += (size_t)snprintf(l->text + l->n, sizeof l->text - l->n, "%s%.*s=%.*s", l->n ? " " : "",
                             STR_FMT(key), STR_FMT(val));
    return --l->left > 0;
}

static void expect_scan(struct fixture *f, const char *prefix, const char *from, bool reverse, size_t limit,
                        const char *wanted)
{
    struct listing l = {.left = limit};
    assert_int_equal(context_scan(f->c, TABLE_DUE, str(prefix), str(from), reverse, list, &l, &f->err),
                     HILO_OK);
    assert_string_equal(l.text, wanted);
}

static void put(struct fixture *f, enum table table, const char *key, const char *val)
{
    context_put(f->c, table, str(key), str(val));
}

/* ---- tests ---- */

static void each_table_has_a_name_and_a_letter_of_its_own(void **state)
{
    (void)state;
    bool seen[128] = {false};
    for (unsigned i = 0; i < TABLE__COUNT; i++) {
        unsigned letter = (unsigned char)table_infos[i].letter;
        assert_true(letter > ' ' && letter < 127);
        assert_false(seen[letter]);
        seen[letter] = true;
        assert_true(strlen(table_name((enum table)i)) > 0);
    }
    assert_string_equal(table_name(TABLE_CUSTOMER_IDENT), "CUSTOMER_IDENT");
    assert_int_equal(table_infos[TABLE_CUSTOMER_IDENT].letter, 'i');
    assert_true(table_infos[TABLE_CUSTOMER_IDENT].ordered);
    assert_false(table_infos[TABLE_CUSTOMER].ordered);
}

static void hash_is_siphash(void **state)
{
    (void)state;
    /* The example of the paper, appendix A: key 00…0f, message 00…0e. */
    struct pending_hash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    char message[15];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (char)i;
    assert_true(pending_hash(key, message, sizeof message, 2, 4) == 0xa129ca6149be45e5);
}

static void a_key_is_found_in_whichever_layer_it_is(void **state)
{
    struct fixture *f = *state;
    put(f, TABLE_MESSAGE, "a", "in lmdb");
    put(f, TABLE_MESSAGE, "b", "in lmdb");
    put(f, TABLE_MESSAGE, "c", "in lmdb");
    flush(f, 1);
    put(f, TABLE_MESSAGE, "b", "frozen");
    put(f, TABLE_MESSAGE, "c", "frozen");
    assert_true(context_rotate(f->c, 2, POSITION(1, 200)));
    put(f, TABLE_MESSAGE, "c", "active");
    expect(f, TABLE_MESSAGE, "a", "in lmdb");
    expect(f, TABLE_MESSAGE, "b", "frozen");
    expect(f, TABLE_MESSAGE, "c", "active");
    expect(f, TABLE_MESSAGE, "d", NULL);
    expect(f, TABLE_CUSTOMER, "a", NULL); /* tables don't mix */
}

static void a_tombstone_hides_what_is_beneath(void **state)
{
    struct fixture *f = *state;
    put(f, TABLE_DUE, "a", "1");
    put(f, TABLE_DUE, "b", "1");
    flush(f, 1);
    context_del(f->c, TABLE_DUE, STR("a"));
    expect(f, TABLE_DUE, "a", NULL);
    expect_scan(f, "", "", false, 9, "b=1");
    assert_true(context_rotate(f->c, 2, POSITION(1, 200)));
    expect(f, TABLE_DUE, "a", NULL); /* hidden by the frozen generation too */
    expect_scan(f, "", "", false, 9, "b=1");
    put(f, TABLE_DUE, "a", "2"); /* and back */
    expect(f, TABLE_DUE, "a", "2");
    context_synced(f->c, 2);
    assert_int_equal(context_wait(f->c, &f->err), HILO_OK);
    context_del(f->c, TABLE_DUE, STR("a"));
    context_del(f->c, TABLE_DUE, STR("never was"));
    flush(f, 3);
    reopen(f, MAP, false);
    expect(f, TABLE_DUE, "a", NULL);
    expect(f, TABLE_DUE, "b", "1");
}

static void values_may_be_empty_or_change_their_length(void **state)
{
    struct fixture *f = *state;
    static char big[1 << 20];
    struct hilo_str got;
    memset(big, 'x', sizeof big);
    put(f, TABLE_EXT, "k", "");
    expect(f, TABLE_EXT, "k", "");
    put(f, TABLE_EXT, "k", "longer");
    expect(f, TABLE_EXT, "k", "longer");
    put(f, TABLE_EXT, "k", "no");
    expect(f, TABLE_EXT, "k", "no");
    context_put(f->c, TABLE_EXT, STR("k"), str_n(big, sizeof big));
    put(f, TABLE_EXT, "empty", "");
    struct context_stats stats;
    context_stats(f->c, &stats);
    assert_int_equal(stats.active_keys, 2); /* the entry was reused */
    flush(f, 1);
    reopen(f, MAP, false);
    expect(f, TABLE_EXT, "empty", "");
    assert_int_equal(context_get(f->c, TABLE_EXT, STR("k"), f->arena, &got, &f->err), HILO_OK);
    assert_int_equal(got.n, sizeof big);
    assert_memory_equal(got.p, big, sizeof big);
}

static void the_longest_key_works_and_a_longer_one_ends_the_process(void **state)
{
    struct fixture *f = *state;
    char key[CONTEXT_KEY_MAX + 1];
    struct hilo_str got;
    memset(key, 'k', sizeof key);
    context_put(f->c, TABLE_PLUGIN, str_n(key, CONTEXT_KEY_MAX), STR("v"));
    flush(f, 1);
    assert_int_equal(context_get(f->c, TABLE_PLUGIN, str_n(key, CONTEXT_KEY_MAX), f->arena, &got, &f->err),
                     HILO_OK);

    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        context_put(f->c, TABLE_PLUGIN, str_n(key, sizeof key), STR("v"));
        _exit(0);
    }
    int status;
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void scans_merge_the_layers_in_both_directions(void **state)
{
    struct fixture *f = *state;
    put(f, TABLE_DUE, "p1", "L");
    put(f, TABLE_DUE, "p3", "L");
    put(f, TABLE_DUE, "p5", "L");
    put(f, TABLE_DUE, "q1", "L");
    put(f, TABLE_IN_FLIGHT, "p4", "other table");
    put(f, TABLE_JOB, "p4", "other table");
    flush(f, 1);
    put(f, TABLE_DUE, "p2", "F");
    put(f, TABLE_DUE, "p3", "F");
    context_del(f->c, TABLE_DUE, STR("p5"));
    assert_true(context_rotate(f->c, 2, POSITION(1, 200)));
    put(f, TABLE_DUE, "o9", "A");
    put(f, TABLE_DUE, "p3", "A");
    put(f, TABLE_DUE, "p6", "A");

    expect_scan(f, "p", "", false, 9, "p1=L p2=F p3=A p6=A");
    expect_scan(f, "p", "", true, 9, "p6=A p3=A p2=F p1=L");
    expect_scan(f, "", "", false, 9, "o9=A p1=L p2=F p3=A p6=A q1=L");
    expect_scan(f, "", "", true, 9, "q1=L p6=A p3=A p2=F p1=L o9=A");
    expect_scan(f, "p", "p2", false, 9, "p2=F p3=A p6=A");     /* from itself */
    expect_scan(f, "p", "p25", false, 9, "p3=A p6=A");         /* between */
    expect_scan(f, "p", "p5", false, 9, "p6=A");               /* a deleted one */
    expect_scan(f, "p", "a", false, 9, "p1=L p2=F p3=A p6=A"); /* before the prefix */
    expect_scan(f, "p", "q", false, 9, "");                    /* beyond it */
    expect_scan(f, "p", "p3", true, 9, "p3=A p2=F p1=L");
    expect_scan(f, "p", "p5", true, 9, "p3=A p2=F p1=L");
    expect_scan(f, "p", "zz", true, 9, "p6=A p3=A p2=F p1=L");
    expect_scan(f, "p", "a", true, 9, "");
    expect_scan(f, "p", "", false, 2, "p1=L p2=F"); /* fn stops it */
    expect_scan(f, "p", "", true, 1, "p6=A");
    expect_scan(f, "x", "", false, 9, "");
    expect_scan(f, "x", "", true, 9, "");
}

static void a_prefix_of_0xff_has_an_end(void **state)
{
    struct fixture *f = *state;
    put(f, TABLE_DUE, "\xff\xff", "1");
    put(f, TABLE_DUE, "\xff\xff\xff", "2");
    put(f, TABLE_EXPIRY, "z", "next letter"); /* E comes before Q, F and J too */
    put(f, TABLE_CASE, "z", "next letter");   /* S after it */
    expect_scan(f, "\xff", "", true, 9, "\xff\xff\xff=2 \xff\xff=1");
    flush(f, 1);
    expect_scan(f, "\xff", "", true, 9, "\xff\xff\xff=2 \xff\xff=1");
    expect_scan(f, "\xff\xff\xff", "", false, 9, "\xff\xff\xff=2");
}

static void a_walk_sees_lmdb_alone(void **state)
{
    struct fixture *f = *state;
    struct listing l = {.left = 9};
    put(f, TABLE_MESSAGE, "b", "1");
    put(f, TABLE_MESSAGE, "a", "1");
    flush(f, 1);
    put(f, TABLE_MESSAGE, "c", "pending");
    context_del(f->c, TABLE_MESSAGE, STR("a"));
    assert_int_equal(context_walk(f->c, TABLE_MESSAGE, list, &l, &f->err), HILO_OK);
    assert_string_equal(l.text, "a=1 b=1");
}

static void a_flush_waits_for_the_journal(void **state)
{
    struct fixture *f = *state;
    struct context_stats stats;
    uint64_t seq;
    position end;
    context_synced(f->c, 6);
    put(f, TABLE_MESSAGE, "a", "1");
    assert_true(context_rotate(f->c, 7, POSITION(3, 4096)));
    put(f, TABLE_MESSAGE, "b", "1");
    assert_false(context_rotate(f->c, 8, POSITION(3, 8192))); /* not idle */
    for (int64_t began = clock_mono_us(); clock_mono_us() - began < CHANCE_US; sched_yield())
        context_synced(f->c, 5); /* late news */
    context_synced(f->c, 6);
    context_stats(f->c, &stats);
    assert_int_equal(stats.frozen_keys, 1);
    context_reached(f->c, &seq, &end);
    assert_int_equal(seq, 0);
    /* Closing now drops it; had the flusher not waited, it would be in LMDB. */
    reopen(f, MAP, false);
    expect(f, TABLE_MESSAGE, "a", NULL);
    assert_int_equal(atomic_load(&f->flushed), 0);

    put(f, TABLE_MESSAGE, "a", "1");
    assert_true(context_rotate(f->c, 7, POSITION(3, 4096)));
    context_synced(f->c, 9);
    assert_int_equal(context_wait(f->c, &f->err), HILO_OK);
    reopen(f, MAP, false);
    assert_int_equal(atomic_load(&f->flushed), 1);
    expect(f, TABLE_MESSAGE, "a", "1");
    context_reached(f->c, &seq, &end);
    assert_int_equal(seq, 7);
    assert_true(end == POSITION(3, 4096));
}

static void nothing_pending_is_not_rotated(void **state)
{
    struct fixture *f = *state;
    assert_false(context_rotate(f->c, 1, POSITION(1, 100)));
    assert_int_equal(context_wait(f->c, &f->err), HILO_OK);
    put(f, TABLE_MESSAGE, "a", "1");
    flush(f, 1);
    assert_false(context_rotate(f->c, 1, POSITION(1, 100)));
}

static void stats_count_keys_and_flushes(void **state)
{
    struct fixture *f = *state;
    struct context_stats stats;
    put(f, TABLE_MESSAGE, "a", "1");
    put(f, TABLE_DUE, "b", "1");
    assert_true(context_rotate(f->c, 1, POSITION(1, 100)));
    put(f, TABLE_MESSAGE, "c", "1");
    context_stats(f->c, &stats);
    assert_int_equal(stats.active_keys, 1);
    assert_int_equal(stats.frozen_keys, 2);
    assert_true(stats.pending_bytes > 6 && stats.pending_bytes < 100000);
    context_synced(f->c, 1);
    assert_int_equal(context_wait(f->c, &f->err), HILO_OK);
    context_stats(f->c, &stats);
    assert_int_equal(stats.active_keys, 1);
    assert_int_equal(stats.frozen_keys, 0);
    assert_int_equal(stats.flushes, 1);
    assert_int_equal(stats.flushed_keys, 2);
    assert_int_equal(stats.flush_us, stats.last_flush_us);
    assert_int_equal(stats.failed_flushes, 0);
    assert_int_equal(stats.map_bytes, MAP);
    assert_true(stats.used_bytes > 0 && stats.used_bytes < MAP);
}

/* ---- failures ---- */

static void fill(struct fixture *f, unsigned keys, char mark)
{
    char key[16], val[1000];
    memset(val, mark, sizeof val);
    for (unsigned i = 0; i < keys; i++) {
        snprintf(key, sizeof key, "%08u", i);
        context_put(f->c, TABLE_MESSAGE, str(key), str_n(val, sizeof val));
    }
}

static void expect_filled(struct fixture *f, unsigned keys, char mark)
{
    char key[16];
    struct hilo_str got;
    for (unsigned i = 0; i < keys; i++) {
        snprintf(key, sizeof key, "%08u", i);
        assert_int_equal(context_get(f->c, TABLE_MESSAGE, str(key), f->arena, &got, &f->err), HILO_OK);
        assert_int_equal(got.n, 1000);
        assert_int_equal(got.p[999], mark);
    }
}

static void a_full_map_is_reported_and_a_larger_one_recovers(void **state)
{
    struct fixture *f = *state;
    struct context_stats stats;
    uint64_t seq;
    position end;
    reopen(f, 1 << 20, false);
    put(f, TABLE_MESSAGE, "before", "1");
    flush(f, 1);
    fill(f, 2000, 'x'); /* 2 MB */
    assert_true(context_rotate(f->c, 2, POSITION(1, 200)));
    context_synced(f->c, 2);
    assert_int_equal(context_wait(f->c, &f->err), HILO_FULL);
    assert_non_null(strstr(f->err.text, "map"));
    assert_int_equal(context_failed(f->c, NULL), HILO_FULL);
    expect_filled(f, 2000, 'x'); /* still read */
    put(f, TABLE_MESSAGE, "meanwhile", "1");
    expect(f, TABLE_MESSAGE, "meanwhile", "1");

    /* News of syncs, 10,000 a second when busy, may not make it try each time: once a
     * second at most. */
    int64_t began = clock_mono_us();
    context_stats(f->c, &stats);
    uint64_t tried = stats.failed_flushes;
    for (uint64_t i = 3; clock_mono_us() - began < CHANCE_US; i++) {
        context_synced(f->c, i);
        assert_false(context_rotate(f->c, i, POSITION(1, i * 100)));
        sched_yield();
    }
    context_stats(f->c, &stats);
    assert_in_range(stats.failed_flushes, tried, tried + 1 + (uint64_t)(clock_mono_us() - began) / 1000000);

    reopen(f, MAP, false); /* the journal would replay from here */
    context_reached(f->c, &seq, &end);
    assert_int_equal(seq, 1);
    expect(f, TABLE_MESSAGE, "before", "1");
    expect(f, TABLE_MESSAGE, "00000000", NULL);
    fill(f, 2000, 'y');
    flush(f, 2);
    assert_int_equal(context_failed(f->c, NULL), HILO_OK);
    expect_filled(f, 2000, 'y');
}

static void a_full_disk_recovers_by_itself(void **state)
{
    struct fixture *f = *state;
    struct rlimit was, small;
    uint64_t seq;
    position end;
    put(f, TABLE_MESSAGE, "before", "1");
    flush(f, 1);
    fill(f, 2000, 'x');
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = was;
    small.rlim_cur = (1 << 20) + 100; /* not a whole page: LMDB sees a short write */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_true(context_rotate(f->c, 2, POSITION(1, 200)));
    context_synced(f->c, 2);
    int32_t full = context_wait(f->c, &f->err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(full, HILO_FULL);
    assert_non_null(strstr(f->err.text, "disk"));
    expect_filled(f, 2000, 'x');
    context_reached(f->c, &seq, &end);
    assert_int_equal(seq, 1);

    assert_int_equal(context_wait(f->c, &f->err), HILO_OK); /* space came back */
    assert_int_equal(context_failed(f->c, NULL), HILO_OK);
    reopen(f, MAP, false);
    context_reached(f->c, &seq, &end);
    assert_int_equal(seq, 2);
    expect_filled(f, 2000, 'x');
}

static void rewrite_format(const struct fixture *f, uint32_t format, size_t bytes)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    char name[] = "!format";
    MDB_val k = {strlen(name), name}, v = {bytes, &format};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_mapsize(env, MAP), 0);
    assert_int_equal(mdb_env_open(env, f->dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void expect_refused(struct fixture *f, bool read_only, int32_t code, const char *words)
{
    struct context_options o = {.dir = f->dir, .map_bytes = MAP, .read_only = read_only};
    context_close(&f->c);
    int32_t rc = context_open(&o, &f->err, &f->c);
    assert_int_equal(rc, code);
    assert_null(f->c);
    assert_non_null(strstr(f->err.text, words));
    assert_non_null(strstr(f->err.text, f->dir));
}

static void what_is_not_our_format_is_refused(void **state)
{
    struct fixture *f = *state;
    context_close(&f->c);
    rewrite_format(f, 2, 4);
    expect_refused(f, false, HILO_NOSUP, "version 2");
    rewrite_format(f, 0, 4);
    expect_refused(f, false, HILO_CORRUPT, "version 0");
    rewrite_format(f, 1, 3);
    expect_refused(f, true, HILO_CORRUPT, "format");
    rewrite_format(f, 1, 4);
    reopen(f, MAP, false);
}

static void a_damaged_file_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[128];
    context_close(&f->c);
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    for (int i = 0; i < 8192; i++)
        fputc('x', file);
    fclose(file);
    expect_refused(f, false, HILO_CORRUPT, "data.mdb");
}

static void read_only_reads_and_needs_a_context(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct stat st;
    put(f, TABLE_MESSAGE, "a", "1");
    flush(f, 1);
    reopen(f, MAP, true);
    expect(f, TABLE_MESSAGE, "a", "1");
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    context_close(&f->c);
    unlink(path);
    expect_refused(f, true, HILO_NOTFOUND, "data.mdb");
    struct context_options o = {.dir = "/nonexistent/context", .map_bytes = MAP};
    assert_int_equal(context_open(&o, &f->err, &f->c), HILO_IO);
    assert_non_null(strstr(f->err.text, "/nonexistent/context"));
}

/* What a flush takes out of pending is looked for in LMDB as it was after the flush. */
static void who_holds_still_reads_what_is_newest(void **state)
{
    struct fixture *f = *state;
    context_hold(f->c);
    expect(f, TABLE_MESSAGE, "k", NULL); /* its transaction begins */
    put(f, TABLE_MESSAGE, "k", "1");
    put(f, TABLE_DUE, "d", "1");
    expect(f, TABLE_MESSAGE, "k", "1");
    flush(f, 1);
    expect(f, TABLE_MESSAGE, "k", "1");
    expect_scan(f, "d", "", false, 9, "d=1");
    put(f, TABLE_DUE, "d", "2");
    put(f, TABLE_MESSAGE, "k", "2");
    flush(f, 2);
    expect_scan(f, "d", "", false, 9, "d=2");
    expect(f, TABLE_MESSAGE, "k", "2");
    context_rest(f->c);
    context_rest(f->c);
    context_del(f->c, TABLE_MESSAGE, STR("k"));
    flush(f, 3);
    expect(f, TABLE_MESSAGE, "k", NULL);
    context_rest(f->c);
}

/* ---- two threads ---- */

struct readers {
    struct fixture *f;
    atomic_bool stop;
    atomic_uint rounds;
};

struct pair {
    uint64_t first, seen;
    bool torn;
};

static bool same_value(void *arg, struct hilo_str key, struct hilo_str val)
{
    struct pair *p = arg;
    uint64_t n;
    (void)key;
    memcpy(&n, val.p, sizeof n);
    if (p->seen++ == 0)
        p->first = n;
    else if (n != p->first && n + 1 != p->first)
        p->torn = true;
    return true;
}

/* The writer sets four keys in order to n, then n+1: a scan that sees one state sees
 * values that never rise from key to key and differ by at most one. */
static void *reader(void *arg)
{
    struct readers *r = arg;
    struct arena *arena = arena_new();
    struct err err;
    uint64_t last = 0, n;
    struct hilo_str val;
    while (!atomic_load(&r->stop)) {
        struct pair p = {0};
        int32_t rc = context_scan(r->f->c, TABLE_DUE, STR("r"), STR(""), false, same_value, &p, &err);
        if (rc != HILO_OK || p.torn || (p.seen != 0 && p.seen != 4))
            break;
        rc = context_get(r->f->c, TABLE_DUE, STR("r3"), arena, &val, &err);
        if (rc == HILO_OK) {
            memcpy(&n, val.p, sizeof n);
            if (n < last) /* never back to an older layer */
                break;
            last = n;
        }
        arena_reset(arena);
        atomic_fetch_add(&r->rounds, 1);
    }
    bool good = atomic_load(&r->stop);
    arena_free(&arena);
    return good ? r : NULL;
}

static void readers_see_one_state_while_all_moves(void **state)
{
    struct fixture *f = *state;
    struct readers r = {.f = f};
    pthread_t thread;
    void *good;
    uint64_t flushes = 0, n = 0;
    static const char *const keys[] = {"r0", "r1", "r2", "r3"};
    for (unsigned i = 0; i < 4; i++)
        context_put(f->c, TABLE_DUE, str(keys[i]), str_n(&n, sizeof n));
    assert_int_equal(pthread_create(&thread, NULL, reader, &r), 0);
    for (n = 1; flushes < 30 || atomic_load(&r.rounds) < 200; n++) {
        for (unsigned i = 0; i < 4; i++)
            context_put(f->c, TABLE_DUE, str(keys[i]), str_n(&n, sizeof n));
        if (n % 50 == 0 && context_rotate(f->c, n, POSITION(1, n)))
            flushes++;
        context_synced(f->c, n);
        if (pthread_tryjoin_np(thread, &good) == 0)
            fail_msg("a reader saw a state that never was");
    }
    atomic_store(&r.stop, true);
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_non_null(good);
    assert_int_equal(context_wait(f->c, &f->err), HILO_OK);
}

/* The callback runs on the flusher's thread: while it holds it, the flush is not over
 * for the flusher, and reads, puts and statistics must not mind. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool inside, open;
};

static void hold(void *arg)
{
    struct gate *g = arg;
    pthread_mutex_lock(&g->lock);
    g->inside = true;
    pthread_cond_broadcast(&g->moved);
    while (!g->open)
        pthread_cond_wait(&g->moved, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void a_slow_flush_does_not_block_reads(void **state)
{
    struct fixture *f = *state;
    struct gate g = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct context_options o = {.dir = f->dir, .map_bytes = MAP, .flushed = hold, .arg = &g};
    struct context_stats stats;
    unsigned during = 0;
    context_close(&f->c);
    assert_int_equal(context_open(&o, &f->err, &f->c), HILO_OK);
    fill(f, 20000, 'x');
    assert_true(context_rotate(f->c, 1, POSITION(1, 100)));
    context_synced(f->c, 1);
    do { /* 20 MB are being written meanwhile */
        expect(f, TABLE_MESSAGE, "nothing", NULL);
        put(f, TABLE_DUE, "r", "1");
        expect_scan(f, "", "", false, 9, "r=1");
        arena_reset(f->arena);
        context_stats(f->c, &stats);
        during += stats.frozen_keys != 0;
    } while (stats.frozen_keys != 0);
    assert_true(during > 0);

    pthread_mutex_lock(&g.lock);
    while (!g.inside)
        pthread_cond_wait(&g.moved, &g.lock);
    pthread_mutex_unlock(&g.lock);
    expect_filled(f, 20000, 'x');
    assert_true(context_rotate(f->c, 2, POSITION(1, 200)));
    expect(f, TABLE_DUE, "r", "1");
    pthread_mutex_lock(&g.lock);
    g.open = true;
    pthread_cond_broadcast(&g.moved);
    pthread_mutex_unlock(&g.lock);
    context_synced(f->c, 2);
    assert_int_equal(context_wait(f->c, &f->err), HILO_OK);
    context_close(&f->c); /* before g goes */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Bytes that the heap has given out. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));
static size_t heap(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

static bool one(void *arg, struct hilo_str key, struct hilo_str val)
{
    (void)key, (void)val;
    /* Somebody reads all the while: the flusher must leave LMDB as it is under him. */
    put_many(arg, "b");
    flush(arg, 2);
    return false;
}

static void what_a_large_flush_needed_is_given_back(void **state)
{
    enum { PAGES = 6 << 20 }; /* it changes more than that; half of it pending's tables may keep */
    struct fixture *f = *state;
    size_t before = heap();

    put_many(f, "a");
    flush(f, 1);
    assert_in_range(heap(), 0, before + PAGES / 2);
    expect(f, TABLE_MEDIA, "a77777", "a value of some length, so that there is something to write");

    assert_int_equal(context_walk(f->c, TABLE_MEDIA, one, f, &f->err), HILO_OK);
    assert_in_range(heap(), before + PAGES, SIZE_MAX);
    expect(f, TABLE_MEDIA, "b77777", "a value of some length, so that there is something to write");
    context_put(f->c, TABLE_MEDIA, STR("last"), STR("one"));
    flush(f, 3);
    assert_in_range(heap(), 0, before + PAGES / 2);
    expect(f, TABLE_MEDIA, "a77777", "a value of some length, so that there is something to write");
    expect(f, TABLE_MEDIA, "last", "one");
    reopen(f, MAP, false);
    expect(f, TABLE_MEDIA, "b10000", "a value of some length, so that there is something to write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_has_a_name_and_a_letter_of_its_own),
        cmocka_unit_test(hash_is_siphash),
        TEST(a_key_is_found_in_whichever_layer_it_is),
        TEST(a_tombstone_hides_what_is_beneath),
        TEST(values_may_be_empty_or_change_their_length),
        TEST(the_longest_key_works_and_a_longer_one_ends_the_process),
        TEST(scans_merge_the_layers_in_both_directions),
        TEST(a_prefix_of_0xff_has_an_end),
        TEST(a_walk_sees_lmdb_alone),
        TEST(a_flush_waits_for_the_journal),
        TEST(nothing_pending_is_not_rotated),
        TEST(stats_count_keys_and_flushes),
        TEST(a_full_map_is_reported_and_a_larger_one_recovers),
        TEST(a_full_disk_recovers_by_itself),
        TEST(what_is_not_our_format_is_refused),
        TEST(a_damaged_file_is_refused),
        TEST(read_only_reads_and_needs_a_context),
        TEST(who_holds_still_reads_what_is_newest),
        TEST(readers_see_one_state_while_all_moves),
        TEST(a_slow_flush_does_not_block_reads),
        TEST(what_a_large_flush_needed_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
