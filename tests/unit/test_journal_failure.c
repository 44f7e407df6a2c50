/* The journal when the disk is full, and when it fails. */
#include "test_journal_tools.h"
#include <errno.h>

/* Which call of this thread fails; the preparing thread has its own, so none. */
static _Thread_local int pwrite_left = -1, pwrite_bytes, pwrite_errno, sync_left = -1;
static _Thread_local int interrupted, cut_short;
static _Thread_local unsigned syncs;
static atomic_bool disk_full;      /* for every thread */
static atomic_uint fallocates;     /* one for each segment that was tried */
static atomic_int full_after = -1; /* pieces of zeros until it is; -1: not */

static ssize_t test_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (n == SEGMENT_PIECE_BYTES && atomic_load(&full_after) >= 0) {
        if (atomic_load(&full_after) == 0) {
            errno = ENOSPC;
            return -1;
        }
        atomic_fetch_sub(&full_after, 1);
    }
    if (interrupted > 0 && interrupted--) {
        errno = EINTR;
        return -1;
    }
    if (cut_short > 0 && n > 100 && cut_short--)
        n = 100;
    if (pwrite_left >= 0 && pwrite_left-- == 0) {
        if (pwrite_bytes > 0) {
            size_t some = (size_t)pwrite_bytes < n ? (size_t)pwrite_bytes : n;
            pwrite_left = pwrite_bytes = 0;
            return pwrite(fd, p, some, at);
        }
        errno = pwrite_errno;
        return -1;
    }
    return pwrite(fd, p, n, at);
}

static int test_fdatasync(int fd)
{
    syncs++;
    if (sync_left >= 0 && sync_left-- == 0) {
        errno = EIO;
        return -1;
    }
    return fdatasync(fd);
}

static int test_fallocate(int fd, int mode, off_t at, off_t n)
{
    atomic_fetch_add(&fallocates, 1);
    if (atomic_load(&disk_full)) {
        errno = ENOSPC;
        return -1;
    }
    return fallocate(fd, mode, at, n);
}

static const struct journal_sys test_sys = {.pwrite = test_pwrite,
                                            .fdatasync = test_fdatasync,
                                            .fsync = fsync,
                                            .fallocate = test_fallocate,
                                            .forget = journal__forget};

static int reset(void **state)
{
    (void)state;
    pwrite_left = sync_left = -1;
    pwrite_bytes = interrupted = cut_short = 0;
    pwrite_errno = EIO;
    atomic_store(&disk_full, false);
    atomic_store(&full_after, -1);
    return 0;
}

static struct journal *reopen_test(const struct folder *f)
{
    struct journal *j = NULL;
    struct err err = {0};
    struct journal_options o = options(f);
    int32_t rc = journal__open(&o, &test_sys, 0, 0, false, NULL, NULL, &err, NULL, &j);
    if (rc != HILO_OK)
        fail_msg("%s", err.text);
    return j;
}

/* The next segment is tried once more, in vain, or until there is number. */
static void try_again(struct journal *j, uint32_t number)
{
    unsigned before = atomic_load(&fallocates);
    journal_retry(j);
    pthread_mutex_lock(&j->preparer.lock);
    while (number ? j->preparer.made < number : atomic_load(&fallocates) == before)
        pthread_cond_wait(&j->preparer.made_more, &j->preparer.lock);
    pthread_mutex_unlock(&j->preparer.lock);
}

/* Appends groups of 3 MiB until there is no room; how many. */
static int fill_up(struct journal *j)
{
    struct err err = {0};
    int n = 0;
    journal_lock(j);
    for (;; n++) {
        journal_group(j);
        int32_t rc = put(j, 3 << 20, 1, NULL, &err);
        if (rc != HILO_OK) {
            assert_int_equal(rc, HILO_FULL);
            assert_non_null(strstr(err.text, strerror(ENOSPC)));
            break;
        }
        assert_true(n < 10);
    }
    journal_unlock(j);
    return n;
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct folder f = folder_new();
        struct err err = {0};
        struct journal *j = reopen_test(&f);
        prepared(j, 2);
        if (way == 0)
            atomic_store(&disk_full, true); /* seen before a byte is written */
        else
            atomic_store(&full_after, 3); /* in the middle of the zeros */
        int n = fill_up(j);
        assert_true(n >= 2);
        assert_int_equal(folder_count(&f), 2); /* nothing is left of the third */
        assert_int_equal(journal_appended(j), n);
        unsigned tries = atomic_load(&fallocates);
        assert_int_equal(fill_up(j), 0);
        assert_int_equal(atomic_load(&fallocates), tries); /* who appends tries nothing */
        try_again(j, 0);
        assert_int_equal(fill_up(j), 0); /* in vain */
        assert_int_equal(journal_commit(j, (uint64_t)n, NULL, NULL, &err), HILO_OK);
        (void)reset(NULL);
        try_again(j, 3);
        put_commit(j, 3 << 20);
        journal_close(&j);
        struct seen s = {.next = 1};
        j = reopen(&f, &s, NULL);
        assert_int_equal(s.n, n + 1);
        journal_close(&j);
        folder_free(&f);
    }
}

static void the_end_of_the_last_segment_is_for_small_groups(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = reopen_test(&f);
    uint64_t n;
    prepared(j, 2);
    atomic_store(&disk_full, true);
    n = (uint64_t)fill_up(j);
    assert_int_equal(journal_next(j, true, &err), HILO_FULL);
    assert_true(journal_room(j) > 1 << 20);
    uint64_t before = journal_room(j);
    journal_lock(j);
    for (;; n++) { /* as many as journal_room promised, less the batches' own heads */
        journal_group(j);
        int32_t rc = put(j, 60000, 1, NULL, &err);
        if (rc == HILO_OK)
            rc = put(j, 60000, 1, NULL, &err); /* if the first has room, the second has too */
        else
            break;
        assert_int_equal(rc, HILO_OK);
        n++;
    }
    assert_int_equal(journal_appended(j), n);
    journal_unlock(j);
    assert_true(journal_room(j) < JOURNAL_GROUP_SMALL + BATCH_HEAD_BYTES);
    assert_true(before > journal_room(j));
    assert_int_equal(journal_commit(j, n, NULL, NULL, &err), HILO_OK);
    assert_int_equal(folder_count(&f), 2);
    journal_close(&j);
    (void)reset(NULL);
    struct seen s = {.next = 1};
    j = reopen(&f, &s, NULL);
    assert_int_equal(s.n, n);
    put_commit(j, 3 << 20); /* in the third, which has room now */
    journal_close(&j);
    folder_free(&f);
}

static void a_full_disk_at_the_first_start(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = NULL;
    struct journal_options o = options(&f);
    atomic_store(&disk_full, true);
    assert_int_equal(journal__open(&o, &test_sys, 0, 0, false, NULL, NULL, &err, NULL, &j), HILO_FULL);
    assert_null(j);
    assert_int_equal(folder_count(&f), 0);
    atomic_store(&disk_full, false);
    j = reopen_test(&f);
    put_commit(j, 1);
    journal_close(&j);
    folder_free(&f);
}

static void failed_for_good(struct journal *j, const char *words)
{
    struct err err = {0};
    for (int i = 0; i < 2; i++) {
        err = (struct err){0};
        assert_int_equal(journal_commit(j, 1, NULL, NULL, &err), HILO_IO);
        assert_non_null(strstr(err.text, words));
        journal_lock(j);
        assert_int_equal(put(j, 10, 1, NULL, &err), HILO_IO);
        journal_unlock(j);
    }
    assert_int_equal(journal_synced(j), 1);
}

static void a_failed_sync_is_final(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct event ev, got;
    struct arena *a = arena_new();
    struct journal *j = reopen_test(&f);
    put_commit(j, 100);
    journal_lock(j);
    assert_int_equal(put(j, 200, 1, &ev, &err), HILO_OK);
    journal_unlock(j);
    sync_left = 0;
    assert_int_equal(journal_commit(j, 2, NULL, NULL, &err), HILO_IO);
    assert_non_null(strstr(err.text, "segment 0000000001.seg: syncing"));
    unsigned before = syncs;
    failed_for_good(j, "syncing");
    assert_int_equal(syncs, before);                                  /* it isn't tried again */
    assert_int_equal(journal_read(j, ev.at, a, &got, &err), HILO_OK); /* still readable */
    event_check(&got);
    journal_close(&j);
    struct seen s = {.next = 1};
    j = reopen(&f, &s, NULL);
    assert_true(s.n >= 1);
    journal_close(&j);
    arena_free(&a);
    folder_free(&f);
}

static void a_failed_write_is_final(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = reopen_test(&f);
    put_commit(j, 100);
    journal_lock(j);
    assert_int_equal(put(j, 200, 1, NULL, &err), HILO_OK);
    journal_unlock(j);
    pwrite_left = 0;
    pwrite_errno = ENOSPC; /* that a full disk is no excuse here: HILO_IO, not HILO_FULL */
    unsigned before = syncs;
    assert_int_equal(journal_commit(j, 2, NULL, NULL, &err), HILO_IO);
    failed_for_good(j, "writing");
    assert_int_equal(syncs, before);
    journal_close(&j);
    struct seen s = {.next = 1};
    j = reopen(&f, &s, NULL);
    assert_int_equal(s.n, 1);
    journal_close(&j);
    folder_free(&f);
}

static void short_and_interrupted_writes_are_continued(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct journal *j = reopen_test(&f);
    interrupted = 2;
    cut_short = 5;
    put_commit(j, 1000);
    assert_int_equal(interrupted, 0);
    assert_int_equal(cut_short, 0);
    journal_close(&j);
    struct seen s = {.next = 1};
    j = reopen(&f, &s, NULL);
    assert_int_equal(s.n, 1);
    journal_close(&j);
    folder_free(&f);
}

/* What was found but perhaps never synced by the process before is synced at the start. */
static void opening_syncs_what_it_found(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = reopen_test(&f);
    put_commit(j, 1000);
    journal_close(&j);
    unsigned before = syncs;
    j = reopen_test(&f);
    assert_true(syncs > before);
    journal_close(&j);
    sync_left = 0;
    struct journal_options o = options(&f);
    assert_int_equal(journal__open(&o, &test_sys, 0, 0, false, NULL, NULL, &err, NULL, &j), HILO_IO);
    assert_null(j);
    folder_free(&f);
}

/* One sync a file, however many batches: a batch is sealed at 4 MiB, and three of
 * them come to 12 MiB, of which segments of 16 MiB hold two and one. */
static void one_sync_for_each_file(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = NULL;
    struct journal_options o = {.dir = f.path, .segment_bytes = 16 << 20};
    struct seen s = {.next = 1};
    assert_int_equal(journal__open(&o, &test_sys, 0, 0, false, NULL, NULL, &err, NULL, &j), HILO_OK);
    journal_lock(j);
    for (int i = 0; i < 13; i++) {
        journal_group(j);
        assert_int_equal(put(j, 1 << 20, 1, NULL, &err), HILO_OK);
    }
    assert_int_equal(j->active.number, 2);
    journal_unlock(j);
    unsigned before = syncs;
    assert_int_equal(journal_commit(j, 13, NULL, NULL, &err), HILO_OK);
    assert_int_equal(syncs - before, 2);
    journal_close(&j);
    assert_int_equal(journal_open(&o, 0, 0, true, see, &s, &err, NULL, &j), HILO_OK);
    assert_int_equal(s.n, 13);
    assert_true(s.batches >= 4);
    assert_int_equal(POSITION_SEGMENT(s.ends[1]), 1);
    journal_close(&j);
    folder_free(&f);
}

/* Rounds of random groups; the last commit of a round fails in the middle of its
 * write. Whatever was committed is there, and of the rest only whole groups in order. */
struct groups {
    uint64_t next_seq, n_groups;
    uint64_t end[4096]; /* the last sequence of each group */
    bool batch_open;
};

static int32_t see_groups(void *arg, const struct event *e, position batch_end)
{
    struct groups *g = arg;
    assert_int_equal(e->head.seq, g->next_seq);
    g->next_seq++;
    event_check(e);
    uint64_t group;
    memcpy(&group, e->head.cause.b, sizeof group);
    assert_true(group < g->n_groups);
    if (batch_end)
        assert_int_equal(e->head.seq, g->end[group]); /* no group goes on in another batch */
    return HILO_OK;
}

static uint32_t dice(uint64_t *x, uint32_t n)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (uint32_t)(*x >> 33) % n;
}

static void random_crashes_keep_what_was_committed(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal_options o = options(&f);
    struct groups g = {0};
    uint64_t x = 0x1234567, appended = 0, committed = 0;
    for (int round = 0; round < 60; round++) {
        struct journal *j = NULL;
        struct journal_recovery r;
        g.next_seq = 1;
        int32_t rc = journal__open(&o, &test_sys, 0, 0, false, see_groups, &g, &err, &r, &j);
        if (rc != HILO_OK)
            fail_msg("round %d: %s", round, err.text);
        assert_in_range(r.last_seq, committed, appended);
        appended = committed = r.last_seq;
        while (g.n_groups && g.end[g.n_groups - 1] > appended)
            g.n_groups--;
        assert_int_equal(appended, g.n_groups ? g.end[g.n_groups - 1] : 0);
        bool failing = false;
        for (int commits = 1 + (int)dice(&x, 6); commits > 0; commits--) {
            journal_lock(j);
            for (uint32_t groups = 1 + dice(&x, 5); groups > 0; groups--) {
                journal_group(j);
                for (uint32_t events = 1 + dice(&x, 4); events > 0; events--) {
                    size_t n = dice(&x, 20) ? dice(&x, 3000) : dice(&x, 900000);
                    assert_int_equal(put(j, n, g.n_groups, NULL, &err), HILO_OK);
                    appended++;
                }
                g.end[g.n_groups++] = appended;
            }
            journal_unlock(j);
            failing = commits == 1 && round % 4 != 3;
            if (failing) {
                pwrite_left = (int)dice(&x, 2);
                pwrite_bytes = (int)dice(&x, dice(&x, 2) ? 5000 : 500000);
            }
            rc = journal_commit(j, appended, NULL, NULL, &err);
            assert_true(rc == HILO_OK || failing);
            if (rc == HILO_OK)
                committed = appended;
            (void)reset(NULL);
        }
        journal_close(&j);
    }
    assert_true(committed > 100);
    folder_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_full_disk_refuses_and_loses_nothing, reset),
        cmocka_unit_test_setup(the_end_of_the_last_segment_is_for_small_groups, reset),
        cmocka_unit_test_setup(a_full_disk_at_the_first_start, reset),
        cmocka_unit_test_setup(a_failed_sync_is_final, reset),
        cmocka_unit_test_setup(a_failed_write_is_final, reset),
        cmocka_unit_test_setup(short_and_interrupted_writes_are_continued, reset),
        cmocka_unit_test_setup(opening_syncs_what_it_found, reset),
        cmocka_unit_test_setup(one_sync_for_each_file, reset),
        cmocka_unit_test_setup(random_crashes_keep_what_was_committed, reset),
    };
    return cmocka_run_group_tests_name("journal failures", tests, NULL, NULL);
}
