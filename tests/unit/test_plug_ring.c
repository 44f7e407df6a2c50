/* The ring: every record arrives once and in order, no wake-up is lost, a hostile peer is
 * told apart. Worth a run under -fsanitize=thread when the ring changes. */
#include "plug/ring.h"
#include "plug_harness.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

enum { SIZE = 4096, RECORDS = 60000 };

static struct ring *ring_make(uint32_t size)
{
    struct ring *r = aligned_alloc(64, (ring_bytes(size) + 63) & ~(size_t)63);

    assert_non_null(r);
    ring_init(r, size);
    return r;
}

/* A small generator, the same on both sides. */
static uint32_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static uint32_t length(uint64_t *seed)
{
    uint32_t words = next(seed) % (ring_record_max(SIZE) / RING_ALIGN);
    return (words + 1) * RING_ALIGN;
}

struct shared {
    struct ring *ring;
    int full_fd, room_fd; /* records are there; there is room */
    uint64_t wakes, naps;
};

static void give(int fd)
{
    uint64_t one = 1;
    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
}

/* Sleeps until the other side says so; a lost wake-up would be a test that hangs, so: an error. */
static void take(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t n;

    if (poll(&p, 1, 10000) != 1)
        abort();
    if (read(fd, &n, sizeof n) != sizeof n)
        abort();
}

static void *produce(void *arg)
{
    struct shared *s = arg;
    struct ring_tx tx;
    uint64_t seed = 7;

    ring_tx_init(&tx, s->ring, SIZE);
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t n = length(&seed);
        uint8_t *p;

        while (!(p = ring_reserve(&tx, n))) {
            if (ring_publish(&tx)) {
                s->wakes++;
                give(s->full_fd);
            }
            if (ring_want_room(&tx))
                take(s->room_fd);
        }
        for (uint32_t at = 4; at < n; at += 4) {
            uint32_t word = i ^ at;
            memcpy(p + at, &word, 4);
        }
        ring_commit(&tx);
        if (next(&seed) % 8 == 0 && ring_publish(&tx)) {
            s->wakes++;
            give(s->full_fd);
        }
    }
    if (ring_publish(&tx)) {
        s->wakes++;
        give(s->full_fd);
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    struct shared s = {.ring = ring_make(SIZE), .full_fd = eventfd(0, 0), .room_fd = eventfd(0, 0)};
    struct ring_rx rx;
    uint64_t seed = 7;
    pthread_t t;

    (void)state;
    ring_rx_init(&rx, s.ring, SIZE);
    assert_int_equal(pthread_create(&t, NULL, produce, &s), 0);
    for (uint32_t i = 0; i < RECORDS;) {
        const uint8_t *p;
        uint32_t n, expected;
        int got = ring_peek(&rx, &p, &n);

        assert_true(got >= 0);
        if (!got) {
            if (ring_release(&rx))
                give(s.room_fd);
            if (ring_sleep(&rx)) {
                s.naps++;
                take(s.full_fd);
            }
            continue;
        }
        expected = length(&seed);
        (void)next(&seed); /* the producer's die for publishing */
        assert_int_equal(n, expected);
        for (uint32_t at = 4; at < n; at += 4) {
            uint32_t word;
            memcpy(&word, p + at, 4);
            assert_int_equal(word, i ^ at);
        }
        ring_next(&rx);
        i++;
        if (i % 5 == 0 && ring_release(&rx))
            give(s.room_fd);
    }
    assert_int_equal(pthread_join(t, NULL), 0);
    /* a wake-up is only ever given to one that sleeps */
    assert_true(s.wakes <= s.naps + 1);
    close(s.full_fd);
    close(s.room_fd);
    free(s.ring);
}

static void test_full_and_empty(void **state)
{
    struct ring *r = ring_make(256);
    struct ring_tx tx;
    struct ring_rx rx;
    const uint8_t *p;
    uint32_t n;

    (void)state;
    ring_tx_init(&tx, r, 256);
    ring_rx_init(&rx, r, 256);
    assert_int_equal(ring_peek(&rx, &p, &n), 0);
    for (int i = 0; i < 4; i++) {
        assert_non_null(ring_reserve(&tx, 64));
        ring_commit(&tx);
    }
    assert_null(ring_reserve(&tx, 8));
    assert_int_equal(ring_peek(&rx, &p, &n), 0); /* not published */
    assert_false(ring_publish(&tx));             /* the consumer did not say that it sleeps */
    assert_true(ring_want_room(&tx));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ring_peek(&rx, &p, &n), 1);
        assert_int_equal(n, 64);
        ring_next(&rx);
        assert_int_equal(ring_release(&rx), i == 1); /* half is free: once */
    }
    assert_true(ring_sleep(&rx));
    assert_non_null(ring_reserve(&tx, 8));
    ring_commit(&tx);
    assert_true(ring_publish(&tx));
    assert_false(ring_sleep(&rx)); /* something came */
    assert_false(ring_want_room(&tx));
    free(r);
}

static void test_a_hostile_producer(void **state)
{
    static const uint32_t bad[] = {0, 4, 12, 72, 0x7fffffff, 0x80000000, 1, 9, 0xffffffff};
    const uint8_t *p;
    uint32_t n;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ring *r = ring_make(256);
        struct ring_rx rx;

        ring_rx_init(&rx, r, 256);
        memcpy(r->data, &bad[i], 4);
        atomic_store(&r->head, 256);
        assert_int_equal(ring_peek(&rx, &p, &n), -1);
        free(r);
    }
    static const uint64_t heads[] = {1, 264, 1 << 20, UINT64_MAX - 7, 8};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct ring *r = ring_make(256);
        struct ring_rx rx;
        uint32_t len = 16; /* more than a head of 8 says is there */

        ring_rx_init(&rx, r, 256);
        memcpy(r->data, &len, 4);
        atomic_store(&r->head, heads[i]);
        assert_int_equal(ring_peek(&rx, &p, &n), -1);
        free(r);
    }
}

static void test_a_hostile_consumer(void **state)
{
    struct ring *r = ring_make(256);
    struct ring_tx tx;

    (void)state;
    ring_tx_init(&tx, r, 256);
    for (int i = 0; i < 4; i++) {
        assert_non_null(ring_reserve(&tx, 64));
        ring_commit(&tx);
    }
    (void)ring_publish(&tx);
    static const uint64_t lies[] = {512, 3, UINT64_MAX, 264};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        atomic_store(&r->tail, lies[i]);
        assert_null(ring_reserve(&tx, 8)); /* as full as before */
    }
    atomic_store(&r->tail, 64);
    assert_non_null(ring_reserve(&tx, 64));
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_and_empty),
        cmocka_unit_test(test_a_hostile_producer),
        cmocka_unit_test(test_a_hostile_consumer),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
