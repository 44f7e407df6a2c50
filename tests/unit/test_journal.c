/* The journal used as it is meant to: append, commit, read, reopen. */
#include "test_journal_tools.h"

static void crc32c_is_the_known_one(void **state)
{
    (void)state;
    assert_int_equal(journal_crc32c("123456789", 9), 0xe3069283u);
}

static void events_read_back_before_and_after_commit_and_reopen(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 8, 9, 600, 4032, 4033, 5000, 100000, 3};
    enum { N = sizeof sizes / sizeof *sizes };
    struct folder f = folder_new();
    struct journal_recovery r;
    struct event ev[N], got;
    struct err err = {0};
    struct arena *a = arena_new();
    struct journal *j = reopen(&f, NULL, &r);
    assert_int_equal(r.last_seq, 0);
    assert_int_equal(r.end, POSITION(1, 4096));
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 0) {
            journal_lock(j);
            for (int i = 0; i < N; i++) {
                assert_int_equal(put(j, sizes[i], 1, &ev[i], &err), HILO_OK);
                assert_int_equal(ev[i].head.seq, i + 1);
            }
            journal_unlock(j);
        } else {
            assert_int_equal(journal_synced(j), 0);
            assert_int_equal(journal_commit(j, N, NULL, NULL, &err), HILO_OK);
            assert_int_equal(journal_synced(j), N);
        }
        for (int i = 0; i < N; i++) {
            assert_int_equal(journal_read(j, ev[i].at, a, &got, &err), HILO_OK);
            assert_memory_equal(&got.head, &ev[i].head, sizeof got.head);
            assert_int_equal(got.at, ev[i].at);
            event_check(&got);
        }
    }
    journal_close(&j);
    assert_null(j);

    struct seen s = {.next = 1};
    j = reopen(&f, &s, &r);
    assert_int_equal(s.n, N);
    assert_int_equal(s.batches, 1);
    assert_int_equal(r.events, N);
    assert_int_equal(r.last_seq, N);
    assert_int_equal(r.end, s.end);
    assert_int_equal(r.cut_bytes, 0);
    assert_int_equal(journal_read(j, ev[N - 1].at, a, &got, &err), HILO_OK);
    event_check(&got);
    put_commit(j, 10);
    journal_close(&j);
    s = (struct seen){.next = 1};
    j = reopen(&f, &s, &r);
    assert_int_equal(s.n, N + 1);
    assert_int_equal(s.batches, 2);
    journal_close(&j);
    arena_free(&a);
    folder_free(&f);
}

struct sealing {
    int n;
    uint64_t seq;
    position end;
};

static void sealed(void *arg, uint64_t seq, position end)
{
    struct sealing *s = arg;
    s->n++;
    s->seq = seq;
    s->end = end;
}

static void commit_takes_all_along_once(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct journal_recovery r;
    struct journal_stats st;
    struct err err = {0};
    struct sealing s = {0};
    struct journal *j = reopen(&f, NULL, &r);
    assert_int_equal(journal_commit(j, 0, sealed, &s, &err), HILO_OK);
    assert_int_equal(s.n, 0);
    journal_lock(j);
    for (int i = 0; i < 5; i++)
        assert_int_equal(put(j, 50, 1, NULL, &err), HILO_OK);
    assert_int_equal(journal_appended(j), 5);
    journal_unlock(j);
    assert_int_equal(journal_commit(j, 2, sealed, &s, &err), HILO_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.seq, 5);
    assert_int_equal(journal_synced(j), 5);
    assert_int_equal(journal_commit(j, 5, sealed, &s, &err), HILO_OK);
    assert_int_equal(s.n, 1);
    journal_stats(j, &st);
    assert_int_equal(st.commits, 1);
    assert_int_equal(st.synced_events, 5);
    assert_int_equal(st.max_batch_events, 5);
    assert_int_equal(st.synced_bytes, POSITION_OFFSET(s.end) - 4096);
    assert_true(st.segments >= 1 && st.segment_bytes == st.segments * SEGMENT_BYTES);
    assert_int_equal(journal_commit(j, 6, sealed, &s, &err), HILO_BUG);
    /* What isn't committed is gone. */
    journal_lock(j);
    assert_int_equal(put(j, 50, 2, NULL, &err), HILO_OK);
    journal_unlock(j);
    journal_close(&j);
    j = reopen(&f, NULL, &r);
    assert_int_equal(r.last_seq, 5);
    assert_int_equal(r.end, s.end);
    journal_close(&j);
    folder_free(&f);
}

static void a_group_has_a_largest_size(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = reopen(&f, NULL, NULL);
    journal_lock(j);
    assert_int_equal(put(j, JOURNAL_GROUP_MAX - 64 + 1, 1, NULL, &err), HILO_INVALID);
    assert_int_equal(put(j, JOURNAL_GROUP_MAX, 1, NULL, &err), HILO_INVALID);
    assert_int_equal(put(j, 1 << 20, 1, NULL, &err), HILO_OK);
    assert_int_equal(put(j, 3 << 20, 1, NULL, &err), HILO_INVALID);
    assert_int_equal(journal_appended(j), 1);
    assert_int_equal(put(j, (3 << 20) - 128, 1, NULL, &err), HILO_OK); /* to the last byte */
    assert_int_equal(put(j, 0, 1, NULL, &err), HILO_INVALID);
    journal_group(j);
    assert_int_equal(put(j, JOURNAL_GROUP_MAX - 64, 2, NULL, &err), HILO_OK);
    journal_unlock(j);
    assert_int_equal(journal_commit(j, 3, NULL, NULL, &err), HILO_OK);
    journal_close(&j);
    struct seen s = {.next = 1};
    j = reopen(&f, &s, NULL);
    assert_int_equal(s.n, 3);
    journal_close(&j);
    folder_free(&f);
}

/* Groups of three events that add up to 2.7 MiB: one and a half fit a segment of 8 MiB. */
static void one_commit_over_several_segments(void **state)
{
    (void)state;
    enum { GROUPS = 6, EACH = 3 };
    struct folder f = folder_new();
    struct journal_recovery r;
    struct journal_stats st;
    struct err err = {0};
    struct event ev[GROUPS * EACH], got;
    struct sealing se = {0};
    struct arena *a = arena_new();
    struct journal *j = reopen(&f, NULL, NULL);
    journal_lock(j);
    for (int i = 0; i < GROUPS * EACH; i++) {
        if (i % EACH == 0)
            journal_group(j);
        assert_int_equal(put(j, 900 << 10, (uint64_t)(i / EACH), &ev[i], &err), HILO_OK);
        assert_true(i == 0 || ev[i].at > ev[i - 1].at);
        if (i % EACH)
            assert_int_equal(POSITION_SEGMENT(ev[i].at), POSITION_SEGMENT(ev[i - 1].at));
    }
    assert_true(POSITION_SEGMENT(ev[GROUPS * EACH - 1].at) >= 3);
    journal_unlock(j);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < GROUPS * EACH; i++) {
            assert_int_equal(journal_read(j, ev[i].at, a, &got, &err), HILO_OK);
            event_check(&got);
            arena_reset(a);
        }
        if (pass == 0)
            assert_int_equal(journal_commit(j, GROUPS * EACH, sealed, &se, &err), HILO_OK);
    }
    journal_stats(j, &st);
    assert_int_equal(st.commits, 1);
    assert_int_equal(se.seq, GROUPS * EACH);
    /* Only the segment that is written to is still held. */
    pthread_mutex_lock(&j->set.lock);
    for (uint32_t i = 0; i < j->set.n; i++)
        assert_int_equal(j->set.entry[i].pins, j->set.first + i == j->active.number);
    pthread_mutex_unlock(&j->set.lock);
    put_commit(j, 100);
    journal_close(&j);
    struct seen s = {.next = 1};
    j = reopen(&f, &s, &r);
    assert_int_equal(s.n, GROUPS * EACH + 1);
    assert_true(s.batches >= 3);
    /* No group is torn apart: every batch ends with the third event of a group. */
    for (uint64_t b = 0; b + 1 < s.batches; b++)
        assert_int_equal(s.end_seq[b] % EACH, 0);
    journal_close(&j);
    arena_free(&a);
    folder_free(&f);
}

static void a_prepared_segment_is_used_again(void **state)
{
    (void)state;
    struct folder f = folder_new();
    for (int i = 0; i < 4; i++) {
        struct journal *j = reopen(&f, NULL, NULL);
        prepared(j, 2);
        put_commit(j, 600);
        journal_close(&j);
        assert_int_equal(folder_count(&f), 2);
    }
    folder_free(&f);
}

static void the_folder_is_locked(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal_options o = options(&f);
    struct journal *j = reopen(&f, NULL, NULL), *r1 = NULL, *r2 = NULL;
    refused(&f, 0, 0, HILO_IO, "another process");
    assert_int_equal(journal_open(&o, 0, 0, true, NULL, NULL, &err, NULL, &r1), HILO_IO);
    journal_close(&j);
    assert_int_equal(journal_open(&o, 0, 0, true, NULL, NULL, &err, NULL, &r1), HILO_OK);
    assert_int_equal(journal_open(&o, 0, 0, true, NULL, NULL, &err, NULL, &r2), HILO_OK);
    refused(&f, 0, 0, HILO_IO, "another process");
    journal_close(&r1);
    journal_close(&r2);
    j = reopen(&f, NULL, NULL);
    journal_close(&j);
    folder_free(&f);
}

static void read_only_changes_nothing(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct journal_recovery r;
    struct journal_options o = options(&f);
    struct arena *a = arena_new();
    struct event ev = {0};
    struct journal *j = NULL;
    assert_int_equal(journal_open(&o, 0, 0, true, NULL, NULL, &err, &r, &j), HILO_OK);
    assert_int_equal(r.end, 0);
    assert_int_equal(journal_read(j, POSITION(1, 4144), a, &ev, &err), HILO_CORRUPT);
    journal_close(&j);
    assert_int_equal(folder_count(&f), 0);

    j = reopen(&f, NULL, NULL);
    prepared(j, 2);
    position at = put_commit(j, 600), torn = put_commit(j, 600);
    journal__drop(&j); /* killed */
    file_write(&f, 1, "x", 1, POSITION_OFFSET(torn) + 100);
    int fd = file_open(&f, 3, O_CREAT | O_WRONLY); /* and one that was being made */
    assert_true(fd >= 0);
    close(fd);
    uint64_t before = folder_sum(&f);
    struct seen s = {.next = 1};
    assert_int_equal(journal_open(&o, 0, 0, true, see, &s, &err, &r, &j), HILO_OK);
    assert_int_equal(s.n, 1);
    assert_true(r.cut_bytes >= 600);
    assert_int_equal(POSITION_OFFSET(r.cut_at), POSITION_OFFSET(torn) - 48);
    assert_int_equal(journal_read(j, at, a, &ev, &err), HILO_OK);
    event_check(&ev);
    assert_int_equal(journal_append(j, &ev, &err), HILO_BUG);
    assert_int_equal(journal_commit(j, 1, NULL, NULL, &err), HILO_BUG);
    journal_close(&j);
    assert_true(folder_sum(&f) == before);
    arena_free(&a);
    folder_free(&f);
}

static void wrong_positions_are_refused(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct event ev = {0};
    struct arena *a = arena_new();
    struct journal *j = reopen(&f, NULL, NULL);
    position at = put_commit(j, 600), second = put_commit(j, 6000);
    assert_int_equal(journal_read(j, 0, a, &ev, &err), HILO_INVALID);
    assert_int_equal(journal_read(j, at + 1, a, &ev, &err), HILO_INVALID);
    assert_int_equal(journal_read(j, POSITION(1, 4096), a, &ev, &err), HILO_INVALID);
    assert_int_equal(journal_read(j, at + 8, a, &ev, &err), HILO_CORRUPT);
    assert_int_equal(journal_read(j, second + 8000, a, &ev, &err), HILO_CORRUPT);
    assert_int_equal(journal_read(j, POSITION(9, 8000), a, &ev, &err), HILO_CORRUPT);
    /* A flipped byte in the body, in the head, and in the length. */
    static const unsigned where[] = {64, 5999, 8, 40, 0, 3};
    for (unsigned i = 0; i < sizeof where / sizeof *where; i++) {
        uint8_t b, bad;
        file_read(&f, 1, &b, 1, POSITION_OFFSET(second) + where[i]);
        bad = b ^ 0x40;
        file_write(&f, 1, &bad, 1, POSITION_OFFSET(second) + where[i]);
        assert_int_equal(journal_read(j, second, a, &ev, &err), HILO_CORRUPT);
        file_write(&f, 1, &b, 1, POSITION_OFFSET(second) + where[i]);
        assert_int_equal(journal_read(j, second, a, &ev, &err), HILO_OK);
    }
    journal_close(&j);
    arena_free(&a);
    folder_free(&f);
}

static void a_retired_segment_is_not_found(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct err err = {0};
    struct event ev = {0};
    struct seen s = {.next = 1};
    struct journal_recovery r;
    struct journal_options o = options(&f);
    struct arena *a = arena_new();
    struct journal *j = reopen(&f, NULL, NULL);
    position at = put_commit(j, 600);
    while (POSITION_SEGMENT(put_commit(j, 3 << 20)) < 2)
        ;
    put_commit(j, 10);
    journal_close(&j);
    j = reopen(&f, &s, &r);
    journal_close(&j);
    char path[128];
    snprintf(path, sizeof path, "%s/0000000001.seg", f.path);
    assert_int_equal(unlink(path), 0);
    /* From the beginning of what there is, or from a place in it. */
    struct seen rest = {0};
    assert_int_equal(journal_open(&o, 0, 0, false, see, &rest, &err, NULL, &j), HILO_OK);
    assert_int_equal(rest.n, 2);
    journal_close(&j);
    rest = (struct seen){0};
    assert_int_equal(
        journal_open(&o, s.ends[s.batches - 2], s.end_seq[s.batches - 2], false, see, &rest, &err, &r, &j),
        HILO_OK);
    assert_int_equal(rest.n, 1);
    assert_int_equal(journal_read(j, at, a, &ev, &err), HILO_NOTFOUND);
    assert_non_null(strstr(err.text, "retired"));
    journal_close(&j);
    refused(&f, s.ends[0], s.end_seq[0], HILO_CORRUPT, "begins with 0000000002.seg");
    arena_free(&a);
    folder_free(&f);
}

static void options_are_checked(void **state)
{
    (void)state;
    static const uint64_t bad[] = {0, 4 << 20, (8 << 20) + 1, (uint64_t)2 << 30};
    struct folder f = folder_new();
    struct journal *j = NULL;
    struct err err = {0};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct journal_options o = {.dir = f.path, .segment_bytes = bad[i]};
        assert_int_equal(journal_open(&o, 0, 0, false, NULL, NULL, &err, NULL, &j), HILO_INVALID);
    }
    refused(&f, 0, 5, HILO_INVALID, "don't go together");
    struct journal_options o = {.dir = "/nowhere/at/all", .segment_bytes = SEGMENT_BYTES};
    assert_int_equal(journal_open(&o, 0, 0, false, NULL, NULL, &err, NULL, &j), HILO_IO);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_int_equal(folder_count(&f), 0);
    folder_free(&f);
}

/* Far more segments than descriptors that are kept; the pinned ones stay open. */
static void descriptors_are_bounded(void **state)
{
    (void)state;
    enum { N = 100 };
    struct folder f = folder_new();
    struct segment_set set;
    struct segment first, seg;
    struct err err = {0};
    uint32_t unfinished = 1;
    assert_int_equal(segment_set_init(&set, f.path, false, &journal__sys, &err), HILO_OK);
    for (int i = 0; i < N; i++)
        assert_int_equal(segment_set_make(&set, 8192, NULL, &err), HILO_OK);
    segment_set_done(&set);
    assert_int_equal(segment_set_init(&set, f.path, false, &journal__sys, &err), HILO_OK);
    assert_int_equal(segment_set_load(&set, &err, &unfinished), HILO_OK);
    assert_int_equal(unfinished, 0);
    assert_int_equal(segment_set_last(&set), N);
    assert_int_equal(segment_set_pin(&set, 1, &err, &first), HILO_OK);
    for (uint32_t n = 2; n <= N; n++) {
        uint8_t block[SEGMENT_HEAD_BYTES];
        struct segment_head h;
        const char *why = NULL;
        assert_int_equal(segment_set_pin(&set, n, &err, &seg), HILO_OK);
        assert_int_equal(segment_read(&seg, block, sizeof block, 0, &err), HILO_OK);
        assert_int_equal(segment_head_decode(block, &h, &why), SEGMENT_GOOD);
        assert_int_equal(h.number, n);
        assert_true(h.epoch == seg.epoch && h.epoch != first.epoch);
        segment_set_unpin(&set, n);
        assert_true(set.open <= 64);
    }
    assert_int_equal(fcntl(first.fd, F_GETFD), FD_CLOEXEC);
    segment_set_unpin(&set, 1);
    assert_int_equal(segment_set_pin(&set, N + 1, &err, &seg), HILO_NOTFOUND);
    segment_set_done(&set);
    folder_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_is_the_known_one),
        cmocka_unit_test(events_read_back_before_and_after_commit_and_reopen),
        cmocka_unit_test(commit_takes_all_along_once),
        cmocka_unit_test(a_group_has_a_largest_size),
        cmocka_unit_test(one_commit_over_several_segments),
        cmocka_unit_test(a_prepared_segment_is_used_again),
        cmocka_unit_test(the_folder_is_locked),
        cmocka_unit_test(read_only_changes_nothing),
        cmocka_unit_test(wrong_positions_are_refused),
        cmocka_unit_test(a_retired_segment_is_not_found),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(descriptors_are_bounded),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
