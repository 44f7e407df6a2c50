/* Frames and the link: round trips, order, backpressure, large frames, descriptors, wake-ups.
 * Each test of the link runs twice: within one process, and as between two. */
#include "plug/link.h"
#include "base/str.h"
#include "plug_harness.h"
#include <poll.h>
#include <sys/mman.h>

static struct link *l, *other;
static struct link_end *core, *plug;
static unsigned fds;

static int set_up(void **state)
{
    struct link_peer peer;
    struct err e;

    fds = harness_count("/proc/self/fd");
    if (!*state) {
        if (link_new(&e, &l) != HILO_OK)
            return -1;
        other = l;
    } else if (link_new_shared(&e, &l, &peer) != HILO_OK || link_open_shared(&peer, &e, &other) != HILO_OK) {
        return -1;
    }
    core = link_end(l, LINK_CORE);
    plug = link_end(other, LINK_PLUG);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    link_unref(&other);
    link_unref(&l);
    return harness_count("/proc/self/fd") == fds ? 0 : -1; /* nothing left open */
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

struct seen {
    unsigned n;
    uint64_t token[4096];
    uint16_t type[4096];
    uint64_t bytes;
    bool stop_after_one;
};

static bool on_frame(void *arg, const struct frame *f)
{
    struct seen *s = arg;

    assert_true(s->n < 4096);
    s->token[s->n] = f->token;
    s->type[s->n++] = f->type;
    s->bytes += f->message.n + f->body.n + f->val.n;
    for (uint64_t i = 0; i < f->message.n; i++)
        assert_int_equal(f->message.p[i], (char)f->token);
    if (f->fd >= 0)
        close(f->fd);
    return !s->stop_after_one;
}

static int32_t put(struct link_end *end, uint16_t type, uint64_t token, uint64_t n)
{
    static char text[300000];
    struct frame f = {.type = type, .token = token, .fd = -1, .id = harness_id(1)};

    assert_true(n <= sizeof text);
    memset(text, (int)(char)token, (size_t)n);
    f.message = str_n(text, (size_t)n);
    return link_put(end, &f);
}

static void test_a_frame_s_fields_survive(void **state)
{
    struct hilo_kv kv[2] = {{STR("Host"), STR("example.org")}, {STR("X-Empty"), STR("")}};
    const struct hilo_str more[3] = {STR("second"), STR(""), STR("fourth")};
    struct frame f = {.type = FRAME_REPORT, .token = 5, .fd = -1}, g = {.fd = 9, .token = 8, .type = 7};
    uint8_t bytes[1024];
    struct frame_headers headers;
    struct hilo_writer w;

    (void)state;
    f.id = harness_id(77);
    f.code = HILO_IN_DOUBT;
    f.reason = STR("no_report");
    f.retry_after = UINT64_MAX;
    f.header = kv;
    f.n_header = 2;
    f.more = more;
    f.n_more = 3;
    hilo_writer_init(&w, bytes, sizeof bytes);
    assert_int_equal(frame_encode(&f, &w), HILO_OK);
    assert_int_equal(w.failed, 0);
    assert_int_equal(frame_decode(FRAME_REPORT, FRAME_UP, hilo_written(&w), &headers, &g), HILO_OK);
    assert_int_equal(g.token, 8); /* the head's are left alone */
    assert_int_equal(g.fd, 9);
    assert_memory_equal(&g.id, &f.id, sizeof f.id);
    assert_int_equal(g.code, HILO_IN_DOUBT);
    assert_true(g.retry_after == UINT64_MAX);
    assert_true(str_eq(g.reason, f.reason));
    assert_int_equal(g.n_header, 2);
    assert_true(str_eq(g.header[0].val, kv[0].val));
    assert_true(str_eq(g.header[1].key, kv[1].key));
    assert_int_equal(g.n_more, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_true(str_eq(g.more[i], more[i]));
    /* in the wrong direction, of no type, or cut anywhere, it is refused or has lost fields only at its end
     */
    assert_int_equal(frame_decode(FRAME_REPORT, FRAME_DOWN, hilo_written(&w), &headers, &g), HILO_INVALID);
    assert_int_equal(frame_decode(999, FRAME_UP, hilo_written(&w), &headers, &g), HILO_INVALID);
    for (uint64_t n = 0; n < 18; n++) /* within the id, which a report needs */
        assert_int_equal(frame_decode(FRAME_REPORT, FRAME_UP, str_n(bytes, (size_t)n), &headers, &g),
                         HILO_INVALID);
    /* a field that comes twice */
    hilo_put_u64(&w, 12, 1);
    hilo_put_u64(&w, 12, 2);
    assert_int_equal(frame_decode(FRAME_REPORT, FRAME_UP, hilo_written(&w), &headers, &g), HILO_INVALID);
    f.n_header = FRAME_HEADERS_MAX + 1;
    assert_int_equal(frame_encode(&f, &w), HILO_INVALID);
    f.n_header = 2;
    f.n_more = FRAME_MORE_MAX + 1;
    assert_int_equal(frame_encode(&f, &w), HILO_INVALID);
    f.n_more = 0;
    hilo_writer_init(&w, bytes, sizeof bytes);
    assert_int_equal(frame_encode(&f, &w), HILO_OK);
    for (unsigned i = 0; i < FRAME_MORE_MAX + 1; i++)
        hilo_put_str(&w, 24, STR("x"));
    assert_int_equal(frame_decode(FRAME_REPORT, FRAME_UP, hilo_written(&w), &headers, &g), HILO_INVALID);
}

static void test_frames_are_seen_when_published_and_cost_one_wake_up(void **state)
{
    struct seen s = {0};

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(put(core, FRAME_SEND, i, 600), HILO_OK);
    assert_int_equal(link_turn(plug, on_frame, &s), 0);
    assert_false(readable(link_fd(plug)));
    link_publish(core);
    assert_int_equal(link_wakes(core), 1);
    assert_true(readable(link_fd(plug)));
    for (uint64_t i = 100; i < 110; i++) {
        assert_int_equal(put(core, FRAME_SEND, i, 600), HILO_OK);
        link_publish(core); /* it is awake */
    }
    assert_int_equal(link_wakes(core), 1);
    assert_int_equal(link_turn(plug, on_frame, &s), 110);
    for (uint64_t i = 0; i < 110; i++)
        assert_int_equal(s.token[i], i);
    assert_false(readable(link_fd(plug)));
    assert_int_equal(link_wakes(plug), 0);
}

static void test_a_turn_is_bounded_and_the_rest_stays_readable(void **state)
{
    struct seen s = {0};

    (void)state;
    for (uint64_t i = 0; i < LINK_BATCH + 10; i++)
        assert_int_equal(put(plug, FRAME_SUBMIT, i, 10), HILO_OK);
    link_publish(plug);
    assert_int_equal(link_turn(core, on_frame, &s), LINK_BATCH);
    assert_true(readable(link_fd(core)));
    assert_int_equal(link_turn(core, on_frame, &s), 10);
    assert_false(readable(link_fd(core)));
    s.stop_after_one = true;
    assert_int_equal(put(plug, FRAME_SUBMIT, 1, 1), HILO_OK);
    assert_int_equal(put(plug, FRAME_SUBMIT, 2, 1), HILO_OK);
    link_publish(plug);
    assert_int_equal(link_turn(core, on_frame, &s), 1);
    assert_true(readable(link_fd(core)));
}

static void test_a_full_ring_refuses_and_tells_when_there_is_room(void **state)
{
    struct seen s = {0};
    uint64_t taken = 0;

    (void)state;
    while (put(plug, FRAME_SUBMIT, taken, 2000) == HILO_OK)
        taken++;
    assert_true(taken > 200 && taken < LINK_RING / 2000);
    assert_false(link_room(plug));
    /* what must get there still does, in order, and holds the others back */
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(put(plug, FRAME_FETCHED, 1000 + i, 2000), HILO_OK);
    assert_int_equal(put(plug, FRAME_SUBMIT, 1, 1), HILO_FULL);
    link_publish(plug);
    assert_true(link_backlog(plug));
    assert_false(readable(link_fd(plug)));
    while (s.n < taken + 1000) {
        int n = link_turn(core, on_frame, &s);

        assert_true(n >= 0);
        if (readable(link_fd(plug))) { /* woken, since it waits for room */
            assert_int_equal(link_turn(plug, on_frame, &s), 0);
            link_publish(plug);
        } else {
            assert_true(n > 0); /* or both would sleep */
        }
    }
    for (uint64_t i = 0; i < taken; i++)
        assert_int_equal(s.token[i], i);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(s.token[taken + i], 1000 + i);
    assert_true(link_flushed(plug));
    assert_true(link_room(plug));
    assert_false(link_room(plug)); /* once */
    assert_int_equal(put(plug, FRAME_SUBMIT, 1, 1), HILO_OK);
}

static void test_large_frames_go_through_a_sealed_file(void **state)
{
    struct frame f = {.type = FRAME_REQUEST, .fd = -1, .token = 3, .method = STR("POST")};
    struct seen s = {0};
    size_t n = 20 << 20;
    char *body = calloc(1, n);
    int pair[2];

    (void)state;
    assert_non_null(body);
    for (uint64_t size = FRAME_INLINE_MAX - 100; size < FRAME_INLINE_MAX + 100; size += 10) {
        assert_int_equal(put(core, FRAME_SEND, 'q', size), HILO_OK);
        link_publish(core);
        assert_int_equal(link_turn(plug, on_frame, &s), 1);
    }
    s.bytes = 0;
    assert_int_equal(put(core, FRAME_SEND, 'z', 300000), HILO_OK);
    f.body = str_n(body, n);
    assert_int_equal(link_put(core, &f), HILO_OK);
    link_publish(core);
    assert_int_equal(link_turn(plug, on_frame, &s), 2);
    assert_int_equal(s.bytes, n + 300000);
    /* one with a descriptor of its own, never taken: both are closed with the link */
    assert_int_equal(pipe(pair), 0);
    close(pair[1]);
    f = (struct frame){.type = FRAME_FETCH, .fd = pair[0], .token = 4, .message = str_n(body, 100000)};
    assert_int_equal(link_put(core, &f), HILO_OK);
    free(body);
}

static void test_too_large_is_refused(void **state)
{
    struct frame f = {.type = FRAME_REQUEST, .fd = -1, .method = STR("POST")};
    size_t n = FRAME_FIELDS_MAX;
    void *body = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(body != MAP_FAILED);
    f.body = str_n(body, n);
    assert_int_equal(link_put(core, &f), HILO_INVALID);
    assert_true(link_flushed(core));
    munmap(body, n);
}

/* Reads the one byte that each descriptor has; its number is that of the frame. */
static bool on_file(void *arg, const struct frame *f)
{
    struct seen *s = arg;
    unsigned char byte = 0;

    assert_true(f->fd >= 0);
    assert_int_equal(pread(f->fd, &byte, 1, 0), 1);
    assert_int_equal(byte, f->token);
    assert_int_equal(f->token, s->n);
    s->n++;
    close(f->fd);
    return true;
}

static int file_of(unsigned char byte)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, &byte, 1), 1);
    return fd;
}

static void test_descriptors_arrive_with_their_frames_however_many(void **state)
{
    enum { ALL = 200 };
    struct seen s = {0};
    unsigned n = 0;

    /* Those that may be refused: a socket that takes no more is a full ring. */
    for (unsigned turns = 0; s.n < ALL; turns++) {
        assert_true(turns < 10 * ALL);
        while (n < ALL) {
            struct frame f = {.type = FRAME_FETCH, .token = n, .message = STR("x"), .key = STR("media")};
            int32_t code;

            f.fd = file_of((unsigned char)n);
            code = link_put(core, &f);
            if (code == HILO_OK) {
                n++;
                continue;
            }
            close(f.fd);
            assert_int_equal(code, HILO_FULL);
            break;
        }
        link_publish(core);
        assert_true(readable(link_fd(plug)));
        assert_true(link_turn(plug, on_file, &s) >= 0);
        if (n < ALL) { /* refused: we are told of room */
            assert_true(readable(link_fd(core)));
            (void)link_turn(core, on_frame, &s);
            assert_true(link_room(core));
        }
    }
    /* Those that must get there: they wait in a queue. */
    s.n = 0;
    for (n = 0; n < ALL; n++) {
        struct frame f = {.type = FRAME_MEDIA, .token = n};
        f.fd = file_of((unsigned char)n);
        assert_int_equal(link_put(core, &f), HILO_OK);
    }
    assert_true(*state ? !link_flushed(core) : true);
    link_publish(core);
    while (s.n < ALL) {
        assert_true(readable(link_fd(plug)));
        assert_true(link_turn(plug, on_file, &s) >= 0);
        if (readable(link_fd(core)))
            (void)link_turn(core, on_frame, &s);
        link_publish(core);
    }
    assert_true(link_flushed(core));
    /* And what is never taken is closed with the link. */
    for (n = 0; n < 50; n++) {
        struct frame f = {.type = FRAME_MEDIA, .token = n};
        f.fd = file_of((unsigned char)n);
        assert_int_equal(link_put(core, &f), HILO_OK);
    }
    link_publish(core);
}

static void test_the_end_of_the_other_process_is_seen(void **state)
{
    struct seen s = {0};

    (void)state;
    assert_int_equal(put(plug, FRAME_SUBMIT, 1, 10), HILO_OK);
    link_publish(plug);
    link_unref(&other);
    assert_true(readable(link_fd(core)));
    assert_int_equal(link_turn(core, on_frame, &s), 1); /* what it wrote before counts */
    while (readable(link_fd(core)))                     /* first its last wake-up, then its end; told once */
        assert_int_equal(link_turn(core, on_frame, &s), 0);
    assert_true(link_gone(core));
    assert_int_equal(put(core, FRAME_SEND, 1, 10), HILO_OK); /* to nobody */
    link_publish(core);
}

int main(void)
{
    static char shared;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_frame_s_fields_survive),
#define SHARED(name) {#name " (shared)", name, set_up, tear_down, &shared}
#define T(name)      {#name, name, set_up, tear_down, NULL}, SHARED(name)
        T(test_frames_are_seen_when_published_and_cost_one_wake_up),
        T(test_a_turn_is_bounded_and_the_rest_stays_readable),
        T(test_a_full_ring_refuses_and_tells_when_there_is_room),
        T(test_large_frames_go_through_a_sealed_file),
        T(test_too_large_is_refused),
        T(test_descriptors_arrive_with_their_frames_however_many),
        SHARED(test_the_end_of_the_other_process_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
