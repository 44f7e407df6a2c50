/* Following the journal: what a tail sees, from where, and what it must not see. */
#include "store/journal/tail.h"
#include "test_journal_tools.h"
#include <errno.h>

/* All that there is, in order; the sequence of the last. */
static uint64_t drain(struct tail *t)
{
    struct err err = {0};
    struct event ev;
    int32_t rc;

    while ((rc = tail_next(t, &ev, &err)) == HILO_OK) {
        event_check(&ev);
        assert_int_equal(ev.head.seq, tail_seq(t));
        assert_int_equal(tail_id_seq(tail_id(t)), ev.head.seq);
    }
    if (rc != HILO_AGAIN)
        fail_msg("%s", err.text);
    assert_int_equal(tail_ahead(t), 0);
    return tail_seq(t);
}

static uint64_t next_seq(struct tail *t)
{
    struct err err = {0};
    struct event ev;
    int32_t rc = tail_next(t, &ev, &err);

    if (rc != HILO_OK)
        fail_msg("%d %s", rc, err.text);
    event_check(&ev);
    return ev.head.seq;
}

static void what_is_not_synced_is_not_seen(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct journal *j = reopen(&f, NULL, NULL);
    struct tail *t = tail_new(j);
    struct event ev, got;
    struct err err = {0};

    assert_int_equal(tail_next(t, &got, &err), HILO_AGAIN);
    journal_lock(j);
    assert_int_equal(put(j, 100, 1, &ev, &err), HILO_OK);
    assert_int_equal(put(j, 0, 1, &ev, &err), HILO_OK);
    journal_unlock(j);
    assert_int_equal(tail_next(t, &got, &err), HILO_AGAIN);
    assert_int_equal(journal_commit(j, 2, NULL, NULL, &err), HILO_OK);
    assert_int_equal(tail_ahead(t), 2);
    assert_int_equal(next_seq(t), 1);
    assert_int_equal(next_seq(t), 2);
    assert_int_equal(tail_next(t, &got, &err), HILO_AGAIN);
    tail_free(&t);
    journal_close(&j);
    folder_free(&f);
}

static int cut_sync(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

/* Written, in the file, but its sync failed: nobody may be told of it. */
static void what_failed_to_sync_is_not_seen(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct journal_options o = options(&f);
    struct journal_sys sys = journal__sys;
    struct journal *j = NULL;
    struct err err = {0};
    struct event ev;

    assert_int_equal(journal__open(&o, &sys, 0, 0, false, NULL, NULL, &err, NULL, &j), HILO_OK);
    prepared(j, 2); /* the preparer syncs, too */
    put_commit(j, 50);
    struct tail *t = tail_new(j);
    assert_int_equal(tail_to_oldest(t, &err), HILO_OK);
    sys.fdatasync = cut_sync;
    journal_lock(j);
    assert_int_equal(put(j, 100, 1, &ev, &err), HILO_OK);
    journal_unlock(j);
    assert_int_equal(journal_commit(j, 2, NULL, NULL, &err), HILO_IO);
    assert_int_equal(drain(t), 1);
    tail_free(&t);
    journal_close(&j);
    folder_free(&f);
}

static void over_borders_and_from_anywhere(void **state)
{
    enum { LARGE = 3 << 20, GROUPS = 40 };
    (void)state;
    struct folder f = folder_new();
    struct journal *j = reopen(&f, NULL, NULL);
    struct tail *follower = tail_new(j), *t = tail_new(j);
    struct hilo_id id[4 * GROUPS + 1];
    struct err err = {0};
    struct event ev;
    struct journal_stats st;
    uint64_t last = 0;

    for (unsigned g = 0; g < GROUPS; g++) {
        journal_lock(j);
        for (unsigned i = 0; i < 1 + g % 4; i++)
            assert_int_equal(put(j, g % 5 == 4 && i == 0 ? LARGE : 40 * g + i, last, &ev, &err), HILO_OK);
        journal_unlock(j);
        last = ev.head.seq;
        /* Some commits bring several groups, in several batches when they are large. */
        if (g % 3 != 1)
            assert_int_equal(journal_commit(j, last, NULL, NULL, &err), HILO_OK);
        if (g % 3 == 2)
            assert_int_equal(drain(follower), last);
    }
    assert_int_equal(journal_commit(j, last, NULL, NULL, &err), HILO_OK);
    assert_int_equal(drain(follower), last);
    journal_stats(j, &st);
    assert_true(st.segments >= 4);

    assert_int_equal(tail_to_oldest(t, &err), HILO_OK);
    for (uint64_t s = 1; s <= last; s++) {
        assert_int_equal(next_seq(t), s);
        id[s] = tail_id(t);
        if (s > 1)
            assert_true(memcmp(id[s - 1].b, id[s].b, sizeof id[s].b) < 0);
    }
    tail_free(&t);
    tail_free(&follower);
    journal_close(&j); /* a clean one leaves a mark, which is no batch */
    j = reopen(&f, NULL, NULL);
    t = tail_new(j);
    for (uint64_t s = 1; s <= last; s++) {
        assert_int_equal(tail_to_id(t, id[s], &err), HILO_OK);
        assert_int_equal(drain(t), last);
    }
    tail_free(&t);
    journal_close(&j);
    folder_free(&f);
}

static void a_place_is_found_by_sequence_and_by_id(void **state)
{
    enum { EVENTS = 9000 };
    (void)state;
    struct folder f = folder_new();
    struct journal *j = reopen(&f, NULL, NULL);
    struct hilo_id *id = calloc(EVENTS + 1, sizeof *id);
    struct err err = {0};
    struct event ev;

    assert_non_null(id);
    for (unsigned n = 0; n < EVENTS;) {
        journal_lock(j);
        for (unsigned i = 0; i < 3 + n % 7 && n < EVENTS; i++, n++)
            assert_int_equal(put(j, 900 + n * 7 % 2500, 1, &ev, &err), HILO_OK);
        journal_unlock(j);
        if (n % 2)
            assert_int_equal(journal_commit(j, ev.head.seq, NULL, NULL, &err), HILO_OK);
    }
    assert_int_equal(journal_commit(j, EVENTS, NULL, NULL, &err), HILO_OK);
    struct tail *t = tail_new(j);
    assert_int_equal(tail_to_oldest(t, &err), HILO_OK);
    for (unsigned s = 1; s <= EVENTS; s++) {
        assert_int_equal(next_seq(t), s);
        id[s] = tail_id(t);
    }
    for (unsigned s = 0; s <= EVENTS; s += s < 20 || s > EVENTS - 20 ? 1 : 97) {
        if (tail_to_seq(t, s, &err) != HILO_OK)
            fail_msg("%u: %s", s, err.text);
        assert_int_equal(tail_seq(t), s);
        if (s < EVENTS)
            assert_int_equal(next_seq(t), s + 1);
        if (s == 0)
            continue;
        assert_int_equal(tail_to_id(t, id[s], &err), HILO_OK);
        if (s < EVENTS)
            assert_int_equal(next_seq(t), s + 1);
        else
            assert_int_equal(tail_next(t, &ev, &err), HILO_AGAIN);
    }
    /* Beyond the end, and an event of another timeline. */
    assert_int_equal(tail_to_seq(t, EVENTS + 1, &err), HILO_INVALID);
    struct hilo_id beyond = id[EVENTS];
    beyond.b[7]++;
    assert_int_equal(tail_to_id(t, beyond, &err), HILO_INVALID);
    struct hilo_id other = id[100];
    other.b[15] ^= 1;
    assert_int_equal(tail_to_id(t, other, &err), HILO_STALE);
    assert_int_equal(tail_next(t, &ev, &err), HILO_AGAIN); /* a failure leaves it at the end */
    tail_free(&t);
    journal_close(&j);

    /* The names stay over a restart, and the oldest segments may be gone. */
    struct seen s = {0};
    struct journal_recovery r;
    j = reopen(&f, &s, &r);
    t = tail_new(j);
    assert_int_equal(tail_to_id(t, id[4000], &err), HILO_OK);
    assert_int_equal(next_seq(t), 4001);
    tail_free(&t);
    journal_close(&j);
    assert_true(s.n == EVENTS);
    assert_int_equal(unlink(strcat(strcpy((char[128]){0}, f.path), "/0000000001.seg")), 0);
    struct journal_options o = options(&f);
    assert_int_equal(journal_open(&o, r.end, EVENTS, false, NULL, NULL, &err, NULL, &j), HILO_OK);
    t = tail_new(j);
    assert_int_equal(tail_to_seq(t, 10, &err), HILO_NOTFOUND);
    assert_int_equal(tail_to_id(t, id[10], &err), HILO_NOTFOUND);
    assert_int_equal(tail_to_oldest(t, &err), HILO_OK);
    uint64_t oldest = next_seq(t);
    assert_true(oldest > 1000);
    assert_int_equal(tail_to_seq(t, oldest - 1, &err), HILO_OK);
    assert_int_equal(tail_to_seq(t, oldest - 2, &err), HILO_NOTFOUND);
    assert_int_equal(drain(t), EVENTS);
    tail_free(&t);
    journal_close(&j);
    free(id);
    folder_free(&f);
}

static void damage_is_told_and_not_handed_out(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct journal *j = reopen(&f, NULL, NULL);
    struct err err = {0};
    struct event ev;
    uint8_t b;

    put_commit(j, 300);
    position second = put_commit(j, 300);
    put_commit(j, 300);
    struct tail *t = tail_new(j);
    assert_int_equal(tail_to_oldest(t, &err), HILO_OK);
    file_read(&f, 1, &b, 1, POSITION_OFFSET(second) + 100);
    b ^= 4;
    file_write(&f, 1, &b, 1, POSITION_OFFSET(second) + 100);
    assert_int_equal(next_seq(t), 1);
    tail_to_end(t);
    assert_int_equal(tail_to_seq(t, 1, &err), HILO_OK); /* heads are whole: the place is found */
    assert_int_equal(tail_next(t, &ev, &err), HILO_CORRUPT);
    assert_non_null(strstr(err.text, "checksum"));
    assert_int_equal(tail_next(t, &ev, &err), HILO_CORRUPT); /* and it stays there */
    b ^= 4;
    file_write(&f, 1, &b, 1, POSITION_OFFSET(second) + 100);
    assert_int_equal(next_seq(t), 2);
    assert_int_equal(drain(t), 3);
    tail_free(&t);
    journal_close(&j);
    folder_free(&f);
}

static void a_torn_tail_was_never_there(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct journal *j = reopen(&f, NULL, NULL);
    struct journal_recovery r;
    struct seen s = {0};
    struct err err = {0};
    uint8_t b = 0;

    put_commit(j, 300);
    position second = put_commit(j, 300);
    journal__drop(&j);
    file_write(&f, 1, &b, 1, POSITION_OFFSET(second) + 100);
    j = reopen(&f, &s, &r);
    assert_true(r.cut_bytes > 0);
    struct tail *t = tail_new(j);
    assert_int_equal(tail_to_oldest(t, &err), HILO_OK);
    assert_int_equal(drain(t), 1);
    put_commit(j, 20); /* another second one */
    assert_int_equal(drain(t), 2);
    tail_free(&t);
    journal_close(&j);
    folder_free(&f);
}

/* ---- beside the writer -------------------------------------------------------------- */

struct pair {
    struct journal *j;
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned told;
    uint64_t last; /* to be seen */
    int wrong;
};

static void on_more(void *arg)
{
    struct pair *p = arg;

    pthread_mutex_lock(&p->lock);
    p->told++;
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
}

/* Sleeps until it is told, as a consumer does. */
static void *follow(void *arg)
{
    struct pair *p = arg;
    struct tail *t = tail_new(p->j);
    struct err err = {0};
    struct event ev;
    unsigned heard = 0;

    if (tail_to_seq(t, 0, &err) != HILO_OK)
        p->wrong++;
    for (uint64_t seen = 0; seen < p->last && !p->wrong;) {
        int32_t rc = tail_next(t, &ev, &err);
        if (rc == HILO_OK) {
            p->wrong += ev.head.seq != ++seen || ev.head.seq > journal_synced(p->j);
            continue;
        }
        p->wrong += rc != HILO_AGAIN;
        pthread_mutex_lock(&p->lock);
        while (p->told == heard)
            pthread_cond_wait(&p->more, &p->lock);
        heard = p->told;
        pthread_mutex_unlock(&p->lock);
    }
    tail_free(&t);
    return NULL;
}

static void another_thread_follows_the_writer(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct pair p = {
        .j = reopen(&f, NULL, NULL), .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    struct journal_watch w = {.fn = on_more, .arg = &p};
    struct err err = {0};
    struct event ev;
    pthread_t thread;

    p.last = 3000;
    journal_watch(p.j, &w);
    assert_int_equal(pthread_create(&thread, NULL, follow, &p), 0);
    for (unsigned n = 0; n < p.last; n++) {
        journal_lock(p.j);
        assert_int_equal(put(p.j, n * 31 % 9000, 1, &ev, &err), HILO_OK);
        journal_unlock(p.j);
        if (n % 8 == 7)
            assert_int_equal(journal_commit(p.j, ev.head.seq, NULL, NULL, &err), HILO_OK);
    }
    assert_int_equal(journal_commit(p.j, p.last, NULL, NULL, &err), HILO_OK);
    pthread_join(thread, NULL);
    assert_int_equal(p.wrong, 0);
    unsigned told = p.told;
    journal_unwatch(p.j, &w);
    put_commit(p.j, 10);
    assert_int_equal(p.told, told);
    journal_close(&p.j);
    folder_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_synced_is_not_seen),
        cmocka_unit_test(what_failed_to_sync_is_not_seen),
        cmocka_unit_test(over_borders_and_from_anywhere),
        cmocka_unit_test(a_place_is_found_by_sequence_and_by_id),
        cmocka_unit_test(damage_is_told_and_not_handed_out),
        cmocka_unit_test(a_torn_tail_was_never_there),
        cmocka_unit_test(another_thread_follows_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
