/* Replay at a start: memory is bounded however much there is, and it tells how far it is. */
#include "test_store_tools.h"

#include "store/replay.h"
#include <inttypes.h>
#include <sys/mman.h>

enum { PEOPLE = 300, BIG = 120, BIG_BYTES = 150000 };

struct watch {
    struct replay replay;
    uint64_t keys, bytes; /* the most that was pending after an event */
    uint64_t events;
};

static int32_t watched(void *arg, const struct event *ev, position batch_end)
{
    struct watch *w = arg;
    struct context_stats st;
    int32_t rc = replay_event(&w->replay, ev, batch_end);

    context_stats(w->replay.context, &st);
    if (st.active_keys + st.frozen_keys > w->keys)
        w->keys = st.active_keys + st.frozen_keys;
    if (st.pending_bytes > w->bytes)
        w->bytes = st.pending_bytes;
    w->events++;
    return rc;
}

/* Builds the context anew from the rig's journal, which is closed. */
static char *replayed(struct rig *r, struct watch *w, uint64_t keys_max, uint64_t bytes_max, int64_t tell_us)
{
    char journal_dir[128], dir[128], *text = calloc(1, 1 << 20);
    int fd = memfd_create("log", MFD_CLOEXEC);
    struct log *log = log_new(fd, HILO_LOG_INFO);
    struct journal_recovery rec;
    struct journal *journal = NULL;
    struct context *context = NULL;
    uint64_t reached;
    position end;

    assert_non_null(text);
    (void)snprintf(journal_dir, sizeof journal_dir, "%s/journal", r->dir);
    (void)snprintf(dir, sizeof dir, "%s/again", r->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    const struct context_options co = {.dir = dir, .map_bytes = 256 << 20};
    OK(r, context_open(&co, &r->err, &context));
    memset(w, 0, sizeof *w);
    replay_init(&w->replay, context, r->arena, log, journal_dir);
    w->replay.keys_max = keys_max;
    w->replay.bytes_max = bytes_max;
    w->replay.tell_us = tell_us;
    const struct journal_options jo = {.dir = journal_dir, .segment_bytes = 8 << 20};
    OK(r, journal_open(&jo, 0, 0, true, watched, w, &r->err, &rec, &journal));
    assert_int_equal(w->replay.seq, rec.last_seq);
    assert_int_equal(w->replay.end, rec.end);
    assert_int_equal(w->events, rec.last_seq);
    assert_int_equal(w->replay.newest_us, r->now - 1000);
    OK(r, context_wait(context, &r->err));
    context_reached(context, &reached, &end);
    assert_true(reached <= rec.last_seq && (keys_max > 100000 || reached > rec.last_seq / 2));
    context_close(&context);
    journal_close(&journal);
    log_free(&log);
    assert_true(pread(fd, text, (1 << 20) - 1, 0) >= 0);
    (void)close(fd);
    folder_remove(dir);
    return text;
}

static void many_people(struct rig *r)
{
    char phone[16];

    for (unsigned i = 0; i < PEOPLE; i++) {
        (void)snprintf(phone, sizeof phone, "+57300%07u", i);
        (void)rig_person(r, phone);
        arena_reset(r->arena);
    }
    store_close(&r->store);
}

static void keys_pending_are_bounded(void **state)
{
    struct rig *r = *state;
    struct watch w;

    many_people(r);
    free(replayed(r, &w, 100, UINT64_MAX, INT64_MAX));
    /* Two generations, and what one batch adds to the first. */
    assert_in_range(w.keys, 100, 220);
    free(replayed(r, &w, 1000000, UINT64_MAX, INT64_MAX));
    assert_true(w.keys > 900); /* so it was the limit */
    rig_open(r);
}

static void big_people(struct rig *r)
{
    static char big[BIG_BYTES];

    memset(big, 'a', sizeof big);
    for (unsigned i = 0; i < BIG; i++)
        EMIT(r, customer_created, .id = rig_id(r), .attributes = str_n(big, sizeof big));
    store_close(&r->store);
}

static void bytes_pending_are_bounded(void **state)
{
    struct rig *r = *state;
    struct watch w;

    big_people(r);
    free(replayed(r, &w, 1000000, 1 << 20, INT64_MAX));
    assert_in_range(w.bytes, 1 << 20, 3 << 20);
    free(replayed(r, &w, 1000000, UINT64_MAX, INT64_MAX));
    assert_true(w.bytes > BIG * BIG_BYTES);
    rig_open(r);
}

/* 18 MB in segments of 8 whose last 4 are kept for large groups: the fifth is under way. */
static void it_tells_how_far_it_is(void **state)
{
    struct rig *r = *state;
    struct watch w;
    unsigned lines = 0;
    uint64_t done = 0, of = 0, before = 0;
    unsigned percent = 0;
    char *text, *line;

    big_people(r);
    text = replayed(r, &w, 1000000, 4 << 20, 0);
    for (line = strstr(text, "store.replaying"); line; line = strstr(line + 1, "store.replaying"), lines++) {
        assert_int_equal(
            sscanf(line, "store.replaying done=%" SCNu64 " of=%" SCNu64 " percent=%u", &done, &of, &percent),
            3);
        assert_true(done > before && done <= of);
        assert_int_equal(percent, done * 100 / of);
        before = done;
    }
    assert_int_equal(lines, BIG);
    /* Five, without the head of the first: more than there is, by less than one. */
    assert_int_equal(of, (5 << 23) - 4096 - 48);
    assert_true(done < of && done > of - (8 << 20));
    free(text);
    text = replayed(r, &w, 1000000, 4 << 20, INT64_MAX);
    assert_null(strstr(text, "store.replaying"));
    free(text);
    rig_open(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_pending_are_bounded, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(bytes_pending_are_bounded, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(it_tells_how_far_it_is, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
