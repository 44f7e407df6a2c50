/*
 * Recovery: a torn tail is cut and costs only what was never acknowledged; damage to
 * what was synced is refused and left as it is.
 */
#include "test_journal_tools.h"
#include <errno.h>

enum { BATCH_MAX_TEST = 1024 };

/* Three commits and a fourth, and a kill; where each batch begins, and the fourth's bytes. */
struct fixture {
    struct folder f;
    uint32_t at[5]; /* of the batches; [4]: the end */
    uint8_t last[BATCH_MAX_TEST];
    size_t n; /* of last */
};

static struct fixture fixture_new(void)
{
    struct fixture x = {.f = folder_new()};
    struct journal *j = reopen(&x.f, NULL, NULL);
    struct seen s = {.next = 1};
    prepared(j, 2);
    put_commit(j, 100);
    put_commit(j, 37);
    put_commit(j, 64);
    put_commit(j, 90);
    journal__drop(&j);
    j = reopen(&x.f, &s, NULL);
    journal__drop(&j);
    assert_int_equal(s.batches, 4);
    x.at[0] = 4096;
    for (int i = 0; i < 4; i++)
        x.at[i + 1] = POSITION_OFFSET(s.ends[i]);
    x.n = x.at[4] - x.at[3];
    file_read(&x.f, 1, x.last, x.n, x.at[3]);
    return x;
}

/* Opens over an image of the last batch: three or four events must be there, and the
 * journal goes on after them. */
static void check_tail(struct fixture *x, const uint8_t *image)
{
    bool whole = memcmp(image, x->last, x->n) == 0, zeros = journal_zeros(image, x->n) == x->n;
    struct seen s = {.next = 1};
    struct journal_recovery r;
    uint8_t after[BATCH_MAX_TEST];
    file_write(&x->f, 1, image, x->n, x->at[3]);
    struct journal *j = reopen(&x->f, &s, &r);
    assert_int_equal(s.n, whole ? 4 : 3);
    assert_int_equal(r.last_seq, whole ? 4 : 3);
    assert_int_equal(r.end, POSITION(1, x->at[whole ? 4 : 3]));
    assert_int_equal(r.cut_bytes != 0, !whole && !zeros);
    assert_true(r.cut_bytes <= x->n);
    if (!whole) {
        file_read(&x->f, 1, after, x->n, x->at[3]);
        assert_int_equal(journal_zeros(after, x->n), x->n);
    }
    journal__drop(&j);
}

static void every_truncation_of_the_tail_is_cut(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    uint8_t image[BATCH_MAX_TEST];
    for (size_t k = 0; k <= x.n; k++) {
        memset(image, 0, x.n);
        memcpy(image, x.last, k); /* the end was lost */
        check_tail(&x, image);
        memcpy(image, x.last, x.n);
        memset(image, 0, k); /* the beginning was lost */
        check_tail(&x, image);
    }
    folder_free(&x.f);
}

static void every_flipped_byte_of_the_tail_is_cut(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    uint8_t image[BATCH_MAX_TEST];
    for (size_t k = 0; k < x.n; k++) {
        memcpy(image, x.last, x.n);
        image[k] ^= (uint8_t)(1 << (k % 8));
        check_tail(&x, image);
    }
    folder_free(&x.f);
}

static void after_a_cut_the_journal_goes_on(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    file_write(&x.f, 1, "", 1, x.at[3] + 60);
    struct journal_recovery r;
    struct journal *j = reopen(&x.f, NULL, &r);
    assert_true(r.cut_bytes > 0);
    assert_int_equal(r.cut_at, POSITION(1, x.at[3]));
    assert_int_equal(POSITION_OFFSET(put_commit(j, 500)), x.at[3] + 48);
    put_commit(j, 5);
    journal_close(&j);
    struct seen s = {.next = 1};
    j = reopen(&x.f, &s, &r);
    assert_int_equal(s.n, 5);
    assert_int_equal(r.cut_bytes, 0);
    journal_close(&j);
    folder_free(&x.f);
}

static void every_flipped_byte_of_what_was_synced_is_refused(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    char words[64];
    for (int b = 0; b < 3; b++) {
        snprintf(words, sizeof words, "segment 0000000001.seg, offset %u:", x.at[b]);
        for (uint32_t k = x.at[b]; k < x.at[b + 1]; k++) {
            uint8_t good, bad, now;
            file_read(&x.f, 1, &good, 1, k);
            bad = good ^ (uint8_t)(1 << (k % 8));
            file_write(&x.f, 1, &bad, 1, k);
            uint64_t before = k % 64 ? 0 : folder_sum(&x.f);
            refused(&x.f, 0, 0, HILO_CORRUPT, words);
            assert_true(k % 64 || folder_sum(&x.f) == before);
            file_read(&x.f, 1, &now, 1, k);
            assert_int_equal(now, bad);
            file_write(&x.f, 1, &good, 1, k);
        }
    }
    struct seen s = {.next = 1};
    struct journal *j = reopen(&x.f, &s, NULL);
    assert_int_equal(s.n, 4);
    journal_close(&j);
    folder_free(&x.f);
}

static void a_zeroed_batch_that_was_synced_is_refused(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    uint8_t zeros[BATCH_MAX_TEST] = {0};
    file_write(&x.f, 1, zeros, x.at[2] - x.at[1], x.at[1]);
    refused(&x.f, 0, 0, HILO_CORRUPT, "event 2 is expected but there is nothing");
    folder_free(&x.f);
}

/* A journal whose last commit lies in two segments, killed; s tells where. */
static struct folder two_segments(struct seen *s, bool commit_after)
{
    struct folder f = folder_new();
    struct err err = {0};
    struct journal *j = reopen(&f, NULL, NULL);
    put_commit(j, 2 << 20);
    journal_lock(j);
    for (int i = 0; i < 2; i++) {
        journal_group(j);
        assert_int_equal(put(j, 2 << 20, 1, NULL, &err), HILO_OK);
    }
    journal_unlock(j);
    assert_int_equal(journal_commit(j, 3, NULL, NULL, &err), HILO_OK);
    if (commit_after)
        put_commit(j, 1000);
    prepared(j, 3);
    journal__drop(&j);
    *s = (struct seen){.next = 1};
    j = reopen(&f, s, NULL);
    journal__drop(&j);
    assert_int_equal(s->batches, commit_after ? 4 : 3);
    assert_int_equal(POSITION_SEGMENT(s->ends[1]), 1);
    assert_int_equal(POSITION_SEGMENT(s->ends[2]), 2);
    return f;
}

/* The disk kept the second half of an unsynced commit, and not the first. */
static void a_commit_over_two_segments_is_torn_as_one(void **state)
{
    (void)state;
    enum { FLIP, ZERO_HEAD, ZERO_ALL, CUT_BEFORE, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct seen s;
        struct folder f = two_segments(&s, false);
        struct journal_recovery r;
        uint32_t at = POSITION_OFFSET(s.ends[0]), end = POSITION_OFFSET(s.ends[1]);
        uint8_t *zeros = calloc(1, end - at);
        assert_non_null(zeros);
        if (way == FLIP)
            file_write(&f, 1, "\0\0\0", 3, at + 777);
        else
            file_write(&f, 1, zeros, way == ZERO_HEAD ? 48 : end - at, at);
        if (way == CUT_BEFORE) /* an earlier cut that ended in the middle of the second segment */
            file_write(&f, 2, zeros, 1 << 20, 4096);
        free(zeros);
        struct seen again = {.next = 1};
        struct journal *j = reopen(&f, &again, &r);
        assert_int_equal(again.n, 1);
        assert_int_equal(r.end, s.ends[0]);
        assert_true(r.cut_bytes > 1 << 20);
        uint8_t *rest = malloc(SEGMENT_BYTES - 4096);
        assert_non_null(rest);
        file_read(&f, 2, rest, SEGMENT_BYTES - 4096, 4096);
        assert_int_equal(journal_zeros(rest, SEGMENT_BYTES - 4096), SEGMENT_BYTES - 4096);
        free(rest);
        put_commit(j, 3 << 20); /* into the same segment, and one into the next */
        put_commit(j, 3 << 20);
        journal_close(&j);
        again = (struct seen){.next = 1};
        j = reopen(&f, &again, &r);
        assert_int_equal(again.n, 3);
        assert_int_equal(r.cut_bytes, 0);
        journal_close(&j);
        assert_int_equal(folder_count(&f), 3);
        folder_free(&f);
    }
}

/* Files that this thread has written and not synced. */
enum { DIRTY_MAX = 8 };
static _Thread_local ino_t dirty[DIRTY_MAX];
static _Thread_local unsigned dirtied;

static void note(int fd, bool synced)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    for (unsigned i = 0; i < DIRTY_MAX; i++)
        if (dirty[i] == st.st_ino)
            dirty[i] = 0;
    if (!synced)
        dirty[dirtied++ % DIRTY_MAX] = st.st_ino;
}

static ssize_t noting_pwrite(int fd, const void *p, size_t n, off_t at)
{
    note(fd, false);
    return pwrite(fd, p, n, at);
}

static int noting_fdatasync(int fd)
{
    note(fd, true);
    return fdatasync(fd);
}

/* Else a power cut could bring back, behind events that were acknowledged since, a batch of the tail
 * whose sequence happens to go on from them. */
static void a_cut_is_on_disk_in_each_segment(void **state)
{
    (void)state;
    static const struct journal_sys sys = {.pwrite = noting_pwrite,
                                           .fdatasync = noting_fdatasync,
                                           .fsync = noting_fdatasync,
                                           .fallocate = fallocate,
                                           .forget = journal__forget};
    struct seen s;
    struct folder f = two_segments(&s, false);
    struct journal_options o = options(&f);
    struct journal_recovery r;
    struct journal *j = NULL;
    struct err err = {0};
    file_write(&f, 1, "\0\0\0", 3, POSITION_OFFSET(s.ends[0]) + 777);
    dirtied = 0;
    assert_int_equal(journal__open(&o, &sys, 0, 0, false, NULL, NULL, &err, &r, &j), HILO_OK);
    assert_true(r.cut_bytes > 0);
    assert_true(dirtied > 2);
    for (unsigned i = 0; i < DIRTY_MAX; i++)
        assert_int_equal(dirty[i], 0);
    journal_close(&j);
    folder_free(&f);
}

/* A disk below the system's memory of the files: a sync takes the dirty pages there, and one that
 * fails takes none and leaves them clean, as Linux may. What pread sees is the memory. */
enum { PAGE = 4096, PAGES = SEGMENT_BYTES / PAGE, LOWER_MAX = 3 };
struct lower {
    ino_t ino;
    uint8_t *disk; /* SEGMENT_BYTES */
    bool dirty[PAGES];
};
static _Thread_local struct lower lower[LOWER_MAX];
static _Thread_local bool lower_fails;

static struct lower *lower_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    for (unsigned i = 0; i < LOWER_MAX; i++)
        if (lower[i].ino == st.st_ino)
            return &lower[i];
    return NULL; /* the folder */
}

static ssize_t lower_pwrite(int fd, const void *p, size_t n, off_t at)
{
    struct lower *l = lower_of(fd);
    assert_non_null(l);
    for (size_t page = (size_t)at / PAGE; page * PAGE < (size_t)at + n; page++)
        l->dirty[page] = true;
    return pwrite(fd, p, n, at);
}

static int lower_sync(int fd)
{
    struct lower *l = lower_of(fd);
    for (size_t page = 0; l && page < PAGES; page++) {
        if (l->dirty[page] && !lower_fails)
            assert_int_equal(pread(fd, l->disk + page * PAGE, PAGE, (off_t)(page * PAGE)), PAGE);
        l->dirty[page] = false;
    }
    if (!lower_fails)
        return 0;
    errno = EIO;
    return -1;
}

/* A system need not forget what it is asked to. */
static void lower_keeps(int fd)
{
    (void)fd;
}

static void lower_forget(int fd)
{
    const struct lower *l = lower_of(fd);
    for (size_t page = 0; l && page < PAGES; page++)
        if (!l->dirty[page])
            assert_int_equal(pwrite(fd, l->disk + page * PAGE, PAGE, (off_t)(page * PAGE)), PAGE);
}

static const struct journal_sys lower_sys = {.pwrite = lower_pwrite,
                                             .fdatasync = lower_sync,
                                             .fsync = lower_sync,
                                             .fallocate = fallocate,
                                             .forget = lower_keeps};

/* All that the files hold now is on disk. */
static void lower_new(const struct folder *f)
{
    lower_fails = false;
    for (unsigned i = 0; i < LOWER_MAX; i++) {
        struct stat st;
        int fd = file_open(f, i + 1, O_RDONLY);
        lower[i] = (struct lower){0};
        if (fd < 0)
            continue;
        lower[i].disk = malloc(SEGMENT_BYTES);
        assert_non_null(lower[i].disk);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(pread(fd, lower[i].disk, SEGMENT_BYTES, 0), SEGMENT_BYTES);
        lower[i].ino = st.st_ino;
        close(fd);
    }
}

/* The machine is booted again: the files hold what is on disk. */
static void lower_boot(const struct folder *f)
{
    for (unsigned i = 0; i < LOWER_MAX; i++) {
        if (lower[i].disk)
            file_write(f, i + 1, lower[i].disk, SEGMENT_BYTES, 0);
        free(lower[i].disk);
        lower[i] = (struct lower){0};
    }
}

static int32_t lower_open(const struct folder *f, struct seen *s, struct err *err, struct journal **out)
{
    struct journal_options o = options(f);
    return journal__open(&o, &lower_sys, 0, 0, false, s ? see : NULL, s, err, NULL, out);
}

/* Is all of a commit that failed on disk when the first event of it is replayed? */
static int32_t see_on_disk(void *arg, const struct event *e, position batch_end)
{
    const struct folder *f = arg;
    const struct lower *l = &lower[POSITION_SEGMENT(e->at) - 1];
    uint8_t *now = malloc(e->head.bytes);
    assert_non_null(now);
    (void)batch_end;
    file_read(f, POSITION_SEGMENT(e->at), now, e->head.bytes, POSITION_OFFSET(e->at));
    assert_memory_equal(now, l->disk + POSITION_OFFSET(e->at), e->head.bytes);
    free(now);
    return HILO_OK;
}

static void what_a_failed_sync_has_lost_is_written_again(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    struct seen s = {.next = 1};
    struct journal *j = NULL;
    struct err err = {0};
    lower_new(&x.f);
    assert_int_equal(lower_open(&x.f, &s, &err, &j), HILO_OK);
    journal_lock(j);
    for (int i = 0; i < 3; i++) /* more than a page */
        assert_int_equal(put(j, 3000, 1, NULL, &err), HILO_OK);
    journal_unlock(j);
    lower_fails = true;
    assert_int_equal(journal_commit(j, 7, NULL, NULL, &err), HILO_IO);
    journal_close(&j);
    assert_int_equal(lower_open(&x.f, NULL, &err, &j), HILO_IO); /* the next start's sync fails, too */
    assert_null(j);
    lower_fails = false;
    s = (struct seen){.next = 1};
    assert_int_equal(lower_open(&x.f, &s, &err, &j), HILO_OK);
    assert_int_equal(s.n, 7); /* they are in memory, so they are taken */
    put_commit(j, 10);        /* and built on */
    journal_close(&j);
    lower_boot(&x.f);
    s = (struct seen){.next = 1};
    j = reopen(&x.f, &s, NULL);
    assert_int_equal(s.n, 8);
    journal_close(&j);
    folder_free(&x.f);
}

/* Only of the zeros that a cut writes into the second segment. */
static int cut_sync(int fd)
{
    struct lower *l = lower_of(fd);
    lower_fails = l == &lower[1] && l->dirty[1];
    int rc = lower_sync(fd);
    lower_fails = false;
    return rc;
}

/* The sync of a cut fails, and memory has zeros where the disk has the second batch of the tail. It must
 * not come back behind what is written next, whose sequence it would go on from. */
static void a_cut_whose_sync_failed_is_made_again(void **state)
{
    (void)state;
    struct seen s;
    struct folder f = two_segments(&s, false);
    struct journal_options o = options(&f);
    struct journal_sys sys = lower_sys, forgets = lower_sys;
    struct journal_recovery r;
    struct journal *j = NULL;
    struct err err = {0};
    sys.fdatasync = cut_sync;
    forgets.forget = lower_forget;
    file_write(&f, 1, "\0\0\0", 3, POSITION_OFFSET(s.ends[0]) + 777);
    lower_new(&f);
    assert_int_equal(journal__open(&o, &sys, 0, 0, false, NULL, NULL, &err, &r, &j), HILO_IO);
    assert_null(j);
    assert_int_equal(journal__open(&o, &forgets, 0, 0, false, NULL, NULL, &err, &r, &j), HILO_OK);
    assert_int_equal(r.last_seq, 1);
    put_commit(j, 1000);
    journal__drop(&j);
    lower_boot(&f);
    s = (struct seen){.next = 1};
    j = reopen(&f, &s, NULL);
    assert_int_equal(s.n, 2);
    journal_close(&j);
    folder_free(&f);
}

/* A commit over two segments, and the heads of the second and of the one that was made ahead. */
static void what_is_written_again_is_so_before_it_is_replayed(void **state)
{
    (void)state;
    struct seen s;
    struct folder f = two_segments(&s, false);
    struct journal_options o = options(&f);
    struct journal *j = NULL;
    struct err err = {0};
    uint8_t head[SEGMENT_HEAD_BYTES], now[SEGMENT_HEAD_BYTES];
    uint32_t from = POSITION_OFFSET(s.ends[0]), end = POSITION_OFFSET(s.ends[2]);
    file_read(&f, 3, head, sizeof head, 0);
    lower_new(&f);
    memset(lower[0].disk + from, 0, SEGMENT_BYTES - from);
    memset(lower[1].disk, 0, SEGMENT_BYTES);
    memset(lower[2].disk, 0, SEGMENT_BYTES);
    assert_int_equal(
        journal__open(&o, &lower_sys, 0, 0, true, see, &(struct seen){.next = 1}, &err, NULL, &j),
        HILO_OK); /* read only: nothing */
    journal_close(&j);
    assert_int_equal(journal_zeros(lower[1].disk, SEGMENT_BYTES), SEGMENT_BYTES);
    assert_int_equal(journal__open(&o, &lower_sys, 0, 0, false, see_on_disk, &f, &err, NULL, &j), HILO_OK);
    journal_close(&j);
    lower_boot(&f);
    struct seen again = {.next = 1};
    j = reopen(&f, &again, NULL);
    assert_int_equal(again.n, 3);
    assert_int_equal(POSITION_OFFSET(again.end), end);
    prepared(j, 3);
    journal_close(&j);
    file_read(&f, 3, now, sizeof now, 0);
    assert_memory_equal(now, head, sizeof head); /* else it was made anew, with another epoch */
    folder_free(&f);
}

/* Only what no batch names as synced, and the page it begins in. */
static void little_is_written_again(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct journal *j = reopen(&f, NULL, NULL);
    struct err err = {0};
    unsigned pages = 0;
    put_commit(j, 1 << 20);
    put_commit(j, 1 << 20);
    put_commit(j, 10000);
    prepared(j, 2);
    journal_close(&j);
    lower_new(&f);
    memset(lower[0].disk + PAGE, 0, SEGMENT_BYTES - PAGE);
    memset(lower[1].disk, 0, PAGE);
    assert_int_equal(lower_open(&f, NULL, &err, &j), HILO_OK);
    journal_close(&j);
    for (unsigned i = 1; i < PAGES; i++)
        pages += journal_zeros(lower[0].disk + (size_t)i * PAGE, PAGE) != PAGE;
    assert_in_range(pages, 1, 5);
    for (unsigned i = 0; i < LOWER_MAX; i++)
        free(lower[i].disk);
    folder_free(&f);
}

static void a_witness_in_a_later_segment_counts(void **state)
{
    (void)state;
    struct seen s;
    struct folder f = two_segments(&s, true);
    file_write(&f, 1, "\0\0\0", 3, POSITION_OFFSET(s.ends[0]) + 777);
    uint64_t before = folder_sum(&f);
    refused(&f, 0, 0, HILO_CORRUPT, "segment 0000000002.seg, offset");
    assert_true(folder_sum(&f) == before);
    folder_free(&f);
}

/* Bytes behind a segment's last batch belong to nobody. */
static void rubbish_where_nothing_was_written_loses_nothing(void **state)
{
    (void)state;
    struct seen s, again = {.next = 1};
    struct folder f = two_segments(&s, false);
    file_write(&f, 1, "rubbish.rubbish", 15, POSITION_OFFSET(s.ends[1]));
    struct journal *j = reopen(&f, &again, NULL);
    assert_int_equal(again.n, 3);
    journal_close(&j);
    folder_free(&f);
}

/* A batch that is good in itself. */
static void forge(const struct folder *f, uint32_t at, uint64_t first_seq, uint64_t event_seq,
                  position synced)
{
    uint8_t block[SEGMENT_HEAD_BYTES], batch[48 + 64];
    struct segment_head sh;
    const char *why;
    file_read(f, 1, block, sizeof block, 0);
    assert_int_equal(segment_head_decode(block, &sh, &why), SEGMENT_GOOD);
    struct event_head h = {
        .type = 7, .version = 3, .actor_kind = ACTOR_KEY, .seq = event_seq, .actor.b = {0xaa}};
    event_encode(batch + 48, &h, (struct hilo_str){0});
    batch_encode(batch, (struct batch_head){.epoch = sh.epoch,
                                            .at = POSITION(1, at),
                                            .first_seq = first_seq,
                                            .synced = synced,
                                            .bytes = sizeof batch,
                                            .count = 1});
    file_write(f, 1, batch, sizeof batch, at);
}

static void a_gap_in_the_sequence_is_refused(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    forge(&x.f, x.at[4], 6, 6, POSITION(1, x.at[4]));
    refused(&x.f, 0, 0, HILO_CORRUPT, "event 5 is expected, the batch there begins with 6");
    forge(&x.f, x.at[4], 4, 4, POSITION(1, x.at[4]));
    refused(&x.f, 0, 0, HILO_CORRUPT, "event 5 is expected, the batch there begins with 4");
    forge(&x.f, x.at[4], 5, 6, POSITION(1, x.at[4]));
    refused(&x.f, 0, 0, HILO_CORRUPT, "sequence");
    forge(&x.f, x.at[4], 5, 5, POSITION(2, 4096));
    refused(&x.f, 0, 0, HILO_CORRUPT, "beyond itself");
    forge(&x.f, x.at[4], 5, 5, POSITION(1, x.at[4]));
    struct seen s = {.next = 1};
    struct journal *j = reopen(&x.f, &s, NULL);
    assert_int_equal(s.n, 5);
    journal_close(&j);
    folder_free(&x.f);
}

static void a_batch_copied_elsewhere_is_none(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    struct journal_recovery r;
    file_write(&x.f, 1, x.last, x.n, x.at[4]); /* as a sender could by its contents, if it knew the epoch */
    struct journal *j = reopen(&x.f, NULL, &r);
    assert_int_equal(r.last_seq, 4);
    assert_int_equal(r.end, POSITION(1, x.at[4]));
    assert_true(r.cut_bytes > 0);
    journal_close(&j);
    folder_free(&x.f);
}

/* The same place, count, sequence and lengths, only of another segment's life. */
static void a_batch_of_another_epoch_is_none(void **state)
{
    (void)state;
    struct fixture x = fixture_new(), y = fixture_new();
    struct journal_recovery r;
    assert_int_equal(x.at[3], y.at[3]);
    assert_int_equal(x.n, y.n);
    file_write(&x.f, 1, y.last, y.n, x.at[3]);
    struct journal *j = reopen(&x.f, NULL, &r);
    assert_int_equal(r.last_seq, 3);
    assert_true(r.cut_bytes > 0);
    journal_close(&j);
    folder_free(&x.f);
    folder_free(&y.f);
}

static void numbers_are_without_gaps(void **state)
{
    (void)state;
    struct seen s;
    struct folder f = two_segments(&s, true);
    char a[128], b[128];
    snprintf(a, sizeof a, "%s/0000000002.seg", f.path);
    snprintf(b, sizeof b, "%s/away", f.path);
    assert_int_equal(rename(a, b), 0);
    refused(&f, 0, 0, HILO_CORRUPT, "segment 0000000002.seg is missing");
    assert_int_equal(rename(b, a), 0);
    snprintf(b, sizeof b, "%s/0000000004.seg", f.path);
    assert_int_equal(link(a, b), 0);
    refused(&f, 0, 0, HILO_CORRUPT, "says that it is number 2");
    assert_int_equal(unlink(b), 0);
    snprintf(b, sizeof b, "%s/0000000003.seg", f.path);
    assert_int_equal(truncate(b, 8 << 19), 0);
    refused(&f, 0, 0, HILO_CORRUPT, "bytes long");
    folder_free(&f);
}

static void every_flipped_byte_of_a_segments_head_is_refused(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    for (uint32_t k = 0; k < 4096; k += k < 64 ? 1 : 97) {
        uint8_t good, bad;
        file_read(&x.f, 1, &good, 1, k);
        bad = good ^ 0x10;
        file_write(&x.f, 1, &bad, 1, k);
        refused(&x.f, 0, 0, HILO_CORRUPT, "segment 0000000001.seg, offset");
        file_write(&x.f, 1, &good, 1, k);
    }
    uint32_t version = 2;
    file_write(&x.f, 1, &version, sizeof version, 8);
    refused(&x.f, 0, 0, HILO_CORRUPT, "version 2, and this program knows only version 1");
    folder_free(&x.f);
}

static void a_segment_that_was_being_made_is_made_anew(void **state)
{
    (void)state;
    enum { EMPTY, HALF, ALL_ZERO, TORN_HEAD, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct fixture x = fixture_new();
        char path[128];
        struct seen s = {.next = 1};
        snprintf(path, sizeof path, "%s/0000000002.seg", x.f.path);
        if (way == TORN_HEAD) {
            file_write(&x.f, 2, "\1\1\1\1", 4, 20);
        } else {
            assert_int_equal(truncate(path, 0), 0);
            assert_int_equal(truncate(path, way == EMPTY ? 0 : way == HALF ? 1 << 20 : SEGMENT_BYTES), 0);
        }
        struct journal *j = reopen(&x.f, &s, NULL);
        assert_int_equal(s.n, 4);
        prepared(j, 2);
        journal_close(&j);
        uint8_t block[SEGMENT_HEAD_BYTES];
        struct segment_head h;
        const char *why;
        file_read(&x.f, 2, block, sizeof block, 0);
        assert_int_equal(segment_head_decode(block, &h, &why), SEGMENT_GOOD);
        assert_int_equal(h.number, 2);
        folder_free(&x.f);
    }
    /* The first one, too; but not if anything stands behind a bad head. */
    struct folder f = folder_new();
    close(file_open(&f, 1, O_CREAT | O_WRONLY));
    struct journal *j = reopen(&f, NULL, NULL);
    put_commit(j, 1);
    journal_close(&j);
    folder_free(&f);
    struct fixture x = fixture_new();
    file_write(&x.f, 2, "\1\1\1\1", 4, 20);
    file_write(&x.f, 2, "\1", 1, SEGMENT_BYTES - 1);
    refused(&x.f, 0, 0, HILO_CORRUPT, "segment 0000000002.seg, offset 0");
    folder_free(&x.f);
}

static void replay_resumes_at_every_batch(void **state)
{
    (void)state;
    struct seen s;
    struct folder f = two_segments(&s, true);
    struct journal_options o = options(&f);
    struct journal_recovery r;
    struct err err = {0};
    struct journal *j = NULL;
    for (uint64_t b = 0; b < s.batches; b++) {
        struct seen rest = {.next = s.end_seq[b] + 1};
        assert_int_equal(journal_open(&o, s.ends[b], s.end_seq[b], false, see, &rest, &err, &r, &j), HILO_OK);
        assert_int_equal(rest.n, 4 - s.end_seq[b]);
        assert_int_equal(r.events, rest.n);
        assert_int_equal(r.last_seq, 4);
        assert_int_equal(journal_appended(j), 4);
        journal_close(&j);
        refused(&f, s.ends[b], s.end_seq[b] + 1, HILO_CORRUPT, "context is ahead of the journal");
        refused(&f, s.ends[b] - 8, s.end_seq[b], HILO_CORRUPT, "no batch ends there");
    }
    refused(&f, s.end + 8, 4, HILO_CORRUPT, "context is ahead of the journal");
    refused(&f, s.end + 4096, 9, HILO_CORRUPT, "context is ahead of the journal");
    refused(&f, POSITION(7, 5000), 9, HILO_CORRUPT, "context is ahead of the journal");
    /* What was reached is evidence, too: a tail torn before it is no torn tail. */
    file_write(&f, 2, "\0\0\0\0", 4, POSITION_OFFSET(s.ends[2]));
    refused(&f, s.end, 4, HILO_CORRUPT, "context is ahead of the journal");
    folder_free(&f);
    f = folder_new();
    refused(&f, s.end, 4, HILO_CORRUPT, "holds no segment");
    assert_int_equal(folder_count(&f), 0);
    folder_free(&f);
}

/* ---- the closing mark -------------------------------------------------------------------- */

/* As the fixture, but closed. */
static struct fixture closed_new(void)
{
    struct fixture x = fixture_new();
    struct journal *j = reopen(&x.f, NULL, NULL);
    journal_close(&j);
    return x;
}

static void after_a_close_every_flipped_byte_of_the_last_commit_is_refused(void **state)
{
    (void)state;
    struct fixture x = closed_new();
    char words[64];
    snprintf(words, sizeof words, "segment 0000000001.seg, offset %u:", x.at[3]);
    for (uint32_t k = x.at[3]; k < x.at[4]; k++) {
        uint8_t bad = x.last[k - x.at[3]] ^ (uint8_t)(1 << (k % 8)), now;
        file_write(&x.f, 1, &bad, 1, k);
        refused(&x.f, 0, 0, HILO_CORRUPT, words);
        file_read(&x.f, 1, &now, 1, k);
        assert_int_equal(now, bad);
        file_write(&x.f, 1, &x.last[k - x.at[3]], 1, k);
    }
    uint8_t zeros[BATCH_MAX_TEST] = {0};
    file_write(&x.f, 1, zeros, x.n, x.at[3]);
    refused(&x.f, 0, 0, HILO_CORRUPT, "event 4 is expected but there is nothing");
    file_write(&x.f, 1, x.last, x.n, x.at[3]);
    struct seen s = {.next = 1};
    struct journal_recovery r;
    struct journal *j = reopen(&x.f, &s, &r);
    assert_int_equal(s.n, 4);
    assert_int_equal(r.cut_bytes, 0);
    assert_int_equal(r.end, POSITION(1, x.at[4]));
    journal_close(&j);
    folder_free(&x.f);
}

/* Also when the segment that it ends in is not where the commit began. */
static void a_closing_mark_names_all_of_the_last_commit(void **state)
{
    (void)state;
    struct seen s;
    struct folder f = two_segments(&s, false);
    struct journal *j = reopen(&f, NULL, NULL);
    journal_close(&j);
    file_write(&f, 1, "\0\0\0", 3, POSITION_OFFSET(s.ends[0]) + 777);
    refused(&f, 0, 0, HILO_CORRUPT, "segment 0000000002.seg, offset");
    folder_free(&f);
}

/* The next batch goes over the mark: positions and sequences are what they were without it. */
static void a_closing_mark_takes_no_place(void **state)
{
    (void)state;
    struct fixture x = closed_new(), y = fixture_new();
    for (int i = 0; i < 3; i++) {
        struct journal *a = reopen(&x.f, NULL, NULL), *b = reopen(&y.f, NULL, NULL);
        assert_int_equal(put_commit(a, (size_t)i), put_commit(b, (size_t)i));
        assert_int_equal(journal_appended(a), journal_appended(b));
        journal_close(&a);
        journal__drop(&b);
    }
    folder_free(&x.f);
    folder_free(&y.f);
}

/* A program that does not know marks reads rubbish there; this one takes a torn mark for the same. */
static void a_torn_closing_mark_loses_nothing(void **state)
{
    (void)state;
    struct fixture x = closed_new();
    uint8_t mark[BATCH_HEAD_BYTES];
    file_read(&x.f, 1, mark, sizeof mark, x.at[4]);
    assert_true(journal_zeros(mark, sizeof mark) < sizeof mark);
    for (size_t k = 0; k < sizeof mark; k++) {
        struct seen s = {.next = 1};
        struct journal_recovery r;
        uint8_t bad = mark[k] ^ (uint8_t)(1 << (k % 8));
        file_write(&x.f, 1, mark, sizeof mark, x.at[4]);
        file_write(&x.f, 1, &bad, 1, x.at[4] + k);
        struct journal *j = reopen(&x.f, &s, &r);
        assert_int_equal(s.n, 4);
        assert_true(r.cut_bytes > 0);
        assert_int_equal(r.end, POSITION(1, x.at[4]));
        journal__drop(&j);
    }
    folder_free(&x.f);
}

/* A cut of the power in the first commit after a clean stop: its first sector was lost, so the mark
 * is there still, and what is behind belongs to nobody. */
static void a_tail_torn_over_a_closing_mark_is_cut(void **state)
{
    (void)state;
    struct fixture x = closed_new();
    uint8_t mark[BATCH_HEAD_BYTES], after[4096];
    struct err err = {0};
    struct seen s = {.next = 1};
    struct journal_recovery r;
    file_read(&x.f, 1, mark, sizeof mark, x.at[4]);
    struct journal *j = reopen(&x.f, NULL, NULL);
    journal_lock(j);
    for (int i = 0; i < 2; i++) { /* two batches, the second of them whole */
        journal_group(j);
        assert_int_equal(put(j, i ? 100 : JOURNAL_GROUP_MAX - 64, 1, NULL, &err), HILO_OK);
    }
    journal_unlock(j);
    assert_int_equal(journal_commit(j, 6, NULL, NULL, &err), HILO_OK);
    journal__drop(&j);
    file_write(&x.f, 1, mark, sizeof mark, x.at[4]);
    j = reopen(&x.f, &s, &r);
    assert_int_equal(s.n, 4);
    assert_true(r.cut_bytes > 1 << 20);
    assert_int_equal(r.end, POSITION(1, x.at[4]));
    file_read(&x.f, 1, after, sizeof after, x.at[4]);
    assert_int_equal(journal_zeros(after, sizeof after), sizeof after);
    put_commit(j, 10);
    journal_close(&j);
    folder_free(&x.f);
}

/* When the next group has no room behind it, the mark stays where the segment ends, and the journal
 * goes on in the next; damage before it is seen, and a tail torn behind it is cut. */
static void a_closing_mark_may_stay_at_a_segments_end(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct seen s = {.next = 1};
    struct journal_recovery r;
    struct journal *j = reopen(&f, NULL, NULL);
    put_commit(j, 3 << 20);
    position last = put_commit(j, 3 << 20);
    journal_close(&j);
    j = reopen(&f, NULL, NULL);
    position next = put_commit(j, 200);
    assert_int_equal(POSITION_SEGMENT(next), 2);
    prepared(j, 3);
    journal__drop(&j);
    j = reopen(&f, &s, &r);
    assert_int_equal(s.n, 3);
    assert_int_equal(r.cut_bytes, 0);
    journal__drop(&j);
    file_write(&f, 2, "\0\0\0", 3, POSITION_OFFSET(next) + 100);
    s = (struct seen){.next = 1};
    j = reopen(&f, &s, &r);
    assert_int_equal(s.n, 2);
    assert_true(r.cut_bytes > 0);
    assert_int_equal(POSITION_SEGMENT(r.end), 1);
    next = put_commit(j, 200);
    journal_close(&j);
    s = (struct seen){.next = 1};
    j = reopen(&f, &s, &r);
    assert_int_equal(s.n, 3);
    journal_close(&j);
    file_write(&f, 1, "\0\0\0", 3, POSITION_OFFSET(last) + 100);
    refused(&f, 0, 0, HILO_CORRUPT, "event 2 is expected");
    folder_free(&f);
}

/* What says nothing that is true and new is not written. */
static void only_a_clean_close_leaves_a_mark(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    struct journal_options o = options(&x.f);
    struct journal *j = NULL;
    struct err err = {0};
    uint64_t before = folder_sum(&x.f);
    assert_int_equal(journal_open(&o, 0, 0, true, NULL, NULL, &err, NULL, &j), HILO_OK);
    journal_close(&j); /* read only */
    assert_true(folder_sum(&x.f) == before);
    j = reopen(&x.f, NULL, NULL);
    journal_lock(j);
    assert_int_equal(put(j, 10, 1, NULL, &err), HILO_OK);
    journal_unlock(j);
    journal_close(&j); /* something was appended and not committed */
    assert_true(folder_sum(&x.f) == before);
    j = reopen(&x.f, NULL, NULL);
    journal_close(&j);
    uint64_t closed = folder_sum(&x.f);
    assert_true(closed != before);
    j = reopen(&x.f, NULL, NULL);
    journal_close(&j); /* the same again */
    assert_true(folder_sum(&x.f) == closed);
    folder_free(&x.f);
    struct folder f = folder_new();
    j = reopen(&f, NULL, NULL);
    prepared(j, 2);
    before = folder_sum(&f);
    journal_close(&j); /* there is no event */
    assert_true(folder_sum(&f) == before);
    j = reopen(&f, NULL, NULL);
    put_commit(j, 10);
    journal_close(&j);
    folder_free(&f);
}

static int32_t stop_at_two(void *arg, const struct event *e, position batch_end)
{
    (void)batch_end;
    (*(int *)arg)++;
    return e->head.seq == 2 ? HILO_NOSUP : HILO_OK;
}

static void replay_can_stop_the_start(void **state)
{
    (void)state;
    struct fixture x = fixture_new();
    struct journal_options o = options(&x.f);
    struct journal *j = NULL;
    struct err err = {0};
    int n = 0;
    file_write(&x.f, 1, "\1", 1, x.at[4] + 600); /* a tail to be cut, but not now */
    uint64_t before = folder_sum(&x.f);
    assert_int_equal(journal_open(&o, 0, 0, false, stop_at_two, &n, &err, NULL, &j), HILO_NOSUP);
    assert_int_equal(n, 2);
    assert_null(j);
    assert_non_null(strstr(err.text, "event 2"));
    assert_true(folder_sum(&x.f) == before);
    folder_free(&x.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_of_the_tail_is_cut),
        cmocka_unit_test(every_flipped_byte_of_the_tail_is_cut),
        cmocka_unit_test(after_a_cut_the_journal_goes_on),
        cmocka_unit_test(every_flipped_byte_of_what_was_synced_is_refused),
        cmocka_unit_test(a_zeroed_batch_that_was_synced_is_refused),
        cmocka_unit_test(a_commit_over_two_segments_is_torn_as_one),
        cmocka_unit_test(a_cut_is_on_disk_in_each_segment),
        cmocka_unit_test(what_a_failed_sync_has_lost_is_written_again),
        cmocka_unit_test(what_is_written_again_is_so_before_it_is_replayed),
        cmocka_unit_test(a_cut_whose_sync_failed_is_made_again),
        cmocka_unit_test(little_is_written_again),
        cmocka_unit_test(a_witness_in_a_later_segment_counts),
        cmocka_unit_test(rubbish_where_nothing_was_written_loses_nothing),
        cmocka_unit_test(a_gap_in_the_sequence_is_refused),
        cmocka_unit_test(a_batch_copied_elsewhere_is_none),
        cmocka_unit_test(a_batch_of_another_epoch_is_none),
        cmocka_unit_test(numbers_are_without_gaps),
        cmocka_unit_test(every_flipped_byte_of_a_segments_head_is_refused),
        cmocka_unit_test(a_segment_that_was_being_made_is_made_anew),
        cmocka_unit_test(replay_resumes_at_every_batch),
        cmocka_unit_test(replay_can_stop_the_start),
        cmocka_unit_test(after_a_close_every_flipped_byte_of_the_last_commit_is_refused),
        cmocka_unit_test(a_closing_mark_names_all_of_the_last_commit),
        cmocka_unit_test(a_closing_mark_takes_no_place),
        cmocka_unit_test(a_torn_closing_mark_loses_nothing),
        cmocka_unit_test(a_tail_torn_over_a_closing_mark_is_cut),
        cmocka_unit_test(a_closing_mark_may_stay_at_a_segments_end),
        cmocka_unit_test(only_a_clean_close_leaves_a_mark),
    };
    return cmocka_run_group_tests_name("journal recovery", tests, NULL, NULL);
}
