/* The journal used by several threads at once. Also built by hand with -fsanitize=thread. */
#include "test_journal_tools.h"

enum { THREADS = 4, ROUNDS = 150, EVENTS_MAX = 5 };

struct crowd {
    struct journal *j;
    atomic_int wrong;      /* asserting in another thread would end the process */
    _Atomic uint64_t some; /* a position that somebody has appended */
    atomic_int leaders;
};

struct member {
    struct crowd *crowd;
    uint64_t x; /* random */
};

static uint32_t dice(uint64_t *x, uint32_t n)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (uint32_t)(*x >> 33) % n;
}

static void count_leader(void *arg, uint64_t seq, position end)
{
    struct crowd *c = arg;
    atomic_fetch_add(&c->leaders, 1);
    if (seq == 0 || end == 0)
        atomic_fetch_add(&c->wrong, 1);
}

static void *work(void *arg)
{
    struct member *m = arg;
    struct crowd *c = m->crowd;
    struct arena *a = arena_new();
    struct event ev = {0}, got = {0};
    struct err err = {0};
    for (int r = 0; r < ROUNDS; r++) {
        uint64_t group = 0;
        arena_reset(a);
        journal_lock(c->j);
        group = journal_appended(c->j) + 1;
        for (uint32_t n = 1 + dice(&m->x, EVENTS_MAX); n > 0; n--) {
            if (put(c->j, dice(&m->x, 12000), group, &ev, &err) != HILO_OK ||
                journal_read(c->j, ev.at, a, &got, &err) != HILO_OK || got.head.crc != ev.head.crc)
                atomic_fetch_add(&c->wrong, 1);
        }
        journal_unlock(c->j);
        position other = atomic_exchange(&c->some, ev.at);
        if (dice(&m->x, 3) && journal_commit(c->j, ev.head.seq, count_leader, c, &err) != HILO_OK)
            atomic_fetch_add(&c->wrong, 1);
        if (other && (journal_read(c->j, other, a, &got, &err) != HILO_OK || got.at != other))
            atomic_fetch_add(&c->wrong, 1);
        if (r % 16 == 0) {
            struct journal_stats st;
            journal_stats(c->j, &st);
            if (st.synced_events > journal_synced(c->j))
                atomic_fetch_add(&c->wrong, 1);
        }
    }
    if (journal_commit(c->j, ev.head.seq, count_leader, c, &err) != HILO_OK ||
        journal_synced(c->j) < ev.head.seq)
        atomic_fetch_add(&c->wrong, 1);
    arena_free(&a);
    return NULL;
}

static int32_t see_whole_groups(void *arg, const struct event *e, position batch_end)
{
    struct seen *s = arg;
    uint64_t group;
    memcpy(&group, e->head.cause.b, sizeof group);
    /* A group is named by its first sequence; another may only begin where the last has ended, and
     * a batch begins with a group. */
    assert_true(group == e->head.seq || (group == s->group && s->at != s->end));
    int32_t rc = see(arg, e, batch_end);
    s->group = group;
    if (batch_end)
        s->at = s->end = batch_end;
    return rc;
}

static void a_crowd_appends_commits_and_reads(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct crowd c = {.j = reopen(&f, NULL, NULL)};
    struct member m[THREADS];
    pthread_t t[THREADS];
    struct journal_stats st;
    for (int i = 0; i < THREADS; i++) {
        m[i] = (struct member){.crowd = &c, .x = 77 + (uint64_t)i};
        assert_int_equal(pthread_create(&t[i], NULL, work, &m[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(atomic_load(&c.wrong), 0);
    journal_lock(c.j);
    uint64_t last = journal_appended(c.j);
    journal_unlock(c.j);
    assert_int_equal(journal_synced(c.j), last);
    journal_stats(c.j, &st);
    assert_int_equal(st.synced_events, last);
    assert_int_equal(st.commits, atomic_load(&c.leaders));
    assert_true(st.commits <= THREADS * (ROUNDS + 1));
    assert_true(st.segments >= 2);
    journal_close(&c.j);

    struct seen s = {.next = 1};
    struct err err = {0};
    struct journal_options o = options(&f);
    assert_int_equal(journal_open(&o, 0, 0, false, see_whole_groups, &s, &err, NULL, &c.j), HILO_OK);
    assert_int_equal(s.n, last);
    journal_close(&c.j);
    folder_free(&f);
}

/* ---- what happens while the leader syncs ------------------------------------------ */

static struct journal *syncing; /* whose leader is in fdatasync; NULL: let it pass */
static pthread_t leader;
static position appended_at;
static int32_t append_rc, read_rc, early_read_rc;
static position leader_at; /* of the leader's event */

static void *append_one(void *arg)
{
    struct journal *j = arg;
    struct err err = {0};
    struct event ev = {0}, got;
    struct arena *a = arena_new();
    journal_lock(j);
    append_rc = put(j, 300, 1, &ev, &err);
    journal_unlock(j);
    appended_at = ev.at;
    read_rc = journal_read(j, ev.at, a, &got, &err);
    arena_free(&a);
    return NULL;
}

/* The leader has taken its event from where others append, and not written it. */
static ssize_t write_after_a_read(int fd, const void *p, size_t n, off_t at)
{
    if (syncing && pthread_equal(leader, pthread_self())) {
        struct err err = {0};
        struct event got;
        struct arena *a = arena_new();
        early_read_rc = journal_read(syncing, leader_at, a, &got, &err);
        arena_free(&a);
    }
    return pwrite(fd, p, n, at);
}

/* Two others append, one after the other, and this returns only when they have. */
static int sync_with_company(int fd)
{
    struct journal *j = syncing;
    if (j && pthread_equal(leader, pthread_self())) {
        syncing = NULL;
        for (int i = 0; i < 2; i++) {
            pthread_t t;
            if (pthread_create(&t, NULL, append_one, j) != 0)
                return -1;
            pthread_join(t, NULL);
        }
    }
    return fdatasync(fd);
}

static void others_append_while_the_leader_syncs(void **state)
{
    (void)state;
    static const struct journal_sys sys = {.pwrite = write_after_a_read,
                                           .fdatasync = sync_with_company,
                                           .fsync = fsync,
                                           .fallocate = fallocate,
                                           .forget = journal__forget};
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = NULL;
    struct journal_stats st;
    struct journal_options o = options(&f);
    leader = pthread_self();
    assert_int_equal(journal__open(&o, &sys, 0, 0, false, NULL, NULL, &err, NULL, &j), HILO_OK);
    prepared(j, 2);
    journal_lock(j);
    struct event ev = {0};
    early_read_rc = HILO_BUG;
    assert_int_equal(put(j, 100, 1, &ev, &err), HILO_OK);
    leader_at = ev.at;
    journal_unlock(j);
    syncing = j;
    assert_int_equal(journal_commit(j, 1, NULL, NULL, &err), HILO_OK);
    assert_null(syncing);
    assert_int_equal(early_read_rc, HILO_OK);
    assert_int_equal(append_rc, HILO_OK);
    assert_int_equal(read_rc, HILO_OK);
    assert_int_equal(journal_synced(j), 1); /* theirs came too late for this sync … */
    assert_int_equal(journal_commit(j, 2, NULL, NULL, &err), HILO_OK);
    assert_int_equal(journal_synced(j), 3); /* … and share the next */
    journal_stats(j, &st);
    assert_int_equal(st.commits, 2);
    assert_int_equal(st.max_batch_events, 2);
    journal_close(&j);
    folder_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_appends_commits_and_reads),
        cmocka_unit_test(others_append_while_the_leader_syncs),
    };
    return cmocka_run_group_tests_name("journal threads", tests, NULL, NULL);
}
