/*
 * The core's end of a link whose other process writes what it likes: into the ring (the
 * input, cut into records or as it is), into the head and the other ring's tail, and
 * descriptors into the socket. Taking what is there must end, touch nothing beyond the ring, and leave no
 * descriptor open.
 *
 * Input: a byte of flags, a byte of how many descriptors, then the ring's bytes.
 */
#include "base/check.h"
#include "base/str.h"
#include "plug/fdpass.h"
#include "plug/link.h"
#include "plug/ring.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { RAW = 1, PUT_BACK = 2, FILES = 4, HEAD_LIES = 8, TAIL_LIES = 16, BELL_CLOSED = 32 };

static bool on_frame(void *arg, const struct frame *f)
{
    struct hilo_http h = frame_http(f);

    CHECK(frame_direction(f->type) == FRAME_UP && f->fd == -1 && h.status <= 999);
    *(uint64_t *)arg += f->message.n + f->detail.n + f->val.n + h.body.n; /* so that they are read */
    if (f->message.n)
        *(uint64_t *)arg += (uint64_t)f->message.p[f->message.n - 1];
    return true;
}

/* The same again later: no descriptor is open that was not before. */
static int lowest_free(void)
{
    int fd = dup(0);

    CHECK(fd >= 0);
    close(fd);
    return fd;
}

static void give_descriptors(int post, unsigned n, bool files)
{
    for (unsigned i = 0; i < n % 8; i++) {
        int fds[2] = {memfd_create("fuzz", MFD_ALLOW_SEALING), 0}, count = i % 3 == 2 ? 2 : 1;

        CHECK(fds[0] >= 0);
        if (files) {
            static const uint8_t message[] = {2, 1, 'x'}; /* MESSAGE: x */
            CHECK(write(fds[0], message, sizeof message) == (ssize_t)sizeof message);
            CHECK(fcntl(fds[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
        }
        fds[1] = fds[0];
        (void)fdpass_send(post, fds, count);
        close(fds[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct link_peer peer;
    struct link *l;
    struct err e;
    struct ring *ring, *other;
    struct frame drain = {.type = FRAME_DRAIN, .fd = -1, .at = 1};
    char *memory;
    uint64_t taken_in = 0, at = 0;
    struct stat st;
    size_t span;
    uint8_t flags;
    int before = lowest_free();

    if (n < 2)
        return 0;
    flags = p[0];
    CHECK(link_new_shared(&e, &l, &peer) == HILO_OK);
    CHECK(fstat(peer.memory, &st) == 0);
    memory = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, peer.memory, 0);
    CHECK(memory != MAP_FAILED);
    span = ((size_t)st.st_size - LINK_AREA) / 2;
    ring = (struct ring *)(void *)(memory + LINK_AREA); /* the first is the core's to read */
    other = (struct ring *)(void *)(memory + LINK_AREA + span);
    give_descriptors(peer.post, p[1], flags & FILES);
    p += 2;
    n -= 2;
    if (flags & RAW) {
        size_t max = n < LINK_RING ? n : LINK_RING;
        memcpy(ring->data, p, max);
        at = (max + 7) & ~(uint64_t)7;
    } else {
        /* Records whose lengths are right, so that what is in them is reached. */
        while (n > 1 && at < LINK_RING / 2) {
            size_t take = p[0] < n - 1 ? p[0] : n - 1;
            uint32_t length = (uint32_t)((take + 4 + 7) & ~(size_t)7);
            uint8_t *record = ring->data + at;

            memset(record, 0, length);
            memcpy(record, &length, sizeof length);
            memcpy(record + 4, p + 1, take);
            p += take + 1;
            n -= take + 1;
            at += length;
        }
    }
    atomic_store(&ring->head, flags & HEAD_LIES ? at * 0x9e3779b97f4a7c15u : at);
    if (flags & TAIL_LIES)
        atomic_store(&other->tail, at * 0x9e3779b97f4a7c15u);
    if (flags & BELL_CLOSED) {
        close(peer.bell);
        peer.bell = -1;
    }
    for (int turns = 0; turns < 4096; turns++) {
        int taken = link_turn(link_end(l, LINK_CORE), on_frame, &taken_in);
        if (flags & PUT_BACK) {
            (void)link_put(link_end(l, LINK_CORE), &drain);
            link_publish(link_end(l, LINK_CORE));
        }
        if (taken <= 0)
            break;
        CHECK(turns < 4095); /* there is no end of it */
    }
    link_peer_close(&peer);
    link_unref(&l);
    munmap(memory, (size_t)st.st_size);
    CHECK(lowest_free() == before);
    return 0;
}
