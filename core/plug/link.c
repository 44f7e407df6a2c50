/*
 * The link (link.h): rings, the queue beyond them, memory files for large frames.
 *
 * Invariants: the descriptor of a side is readable, or the side has said in its ring that
 * it sleeps, or it is working; so it sleeps only when there is nothing to do. A record
 * is copied out of the ring before it is looked at, since a hostile peer could change
 * it meanwhile, and a memory file likewise: it is read, not mapped, so that nothing the
 * peer does to it later is seen. Whatever the peer does, no call here waits for it.
 *
 * Between processes a frame's descriptors are in the socket before the frame is in the
 * ring: who takes the frame finds them. A socket that takes no more is a full ring.
 *
 * Limits: the queue beyond the ring has no bound of its own; what goes there answers
 * something that was bounded (sends by credit, requests by the instance's limit). A peer
 * that keeps to no limit is found out by link_swamped.
 */
#include "plug/link.h"
#include "base/check.h"
#include "plug/fdpass.h"
#include "plug/ring.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct queued {
    struct queued *next;
    uint32_t n; /* bytes of the record */
    _Alignas(8) uint8_t record[];
};

struct link_end {
    struct link *link;
    enum link_side side;
    int fd;         /* to watch */
    int bell;       /* read to be quiet again */
    int peer_bell;  /* written to wake the other side; between processes the same socket */
    int self;       /* written to keep our own fd readable */
    int post;       /* descriptors go through it; -1: one process, where numbers do */
    bool want_room; /* something was refused */
    bool blocked;   /* the socket of descriptors was full */
    bool gone;      /* the other process has closed its end */
    bool broken;    /* no descriptor can be sent any more */
    struct ring_tx tx;
    struct ring_rx rx;
    struct queued *queue, **queue_end;
    size_t queued_bytes, queued_frames, queued_fds;
    /* fields while they are written; grows up to FRAME_FIELDS_MAX */
    uint8_t *out;
    size_t out_cap;
    uint8_t *in; /* the record taken, out of the ring */
    struct frame_headers headers;
    struct link_counts counts;
    _Atomic uint64_t wakes;
};

struct link {
    _Atomic int refs;
    int fd[2];            /* eventfds by the side that they wake; one process */
    struct ring *ring[2]; /* by the side that reads it */
    struct link_end end[2];
    void *memory; /* two processes: what is mapped, with rings and area */
};

enum {
    RING_SPAN = (sizeof(struct ring) + LINK_RING + 4095) / 4096 * 4096,
    MEMORY_BYTES = LINK_AREA + 2 * RING_SPAN,
    MEMORY_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
    SWAMPED_BYTES = 64 * 1024 * 1024,
    SWAMPED_FRAMES = 64 * 1024, /* four times what an instance may have asked (instance.h) */
    SWAMPED_FDS = 256
};
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, OUT_FIRST = 4096, OUT_KEEP = 256 * 1024 };

static size_t record_bytes(size_t fields)
{
    return (sizeof(struct frame_head) + fields + 7) & ~(size_t)7;
}

/* ---- making and freeing -------------------------------------------------------------- */

static struct ring *ring_make(void)
{
    size_t n = ring_bytes(LINK_RING);
    struct ring *r = aligned_alloc(64, (n + 63) & ~(size_t)63);

    if (!r)
        check_nomem();
    ring_init(r, LINK_RING);
    return r;
}

static void wake_self(const struct link_end *end)
{
    uint64_t one = 1;

    (void)!write(end->self, &one, sizeof one);
}

static void end_init(struct link *l, enum link_side side)
{
    struct link_end *end = &l->end[side];

    end->link = l;
    end->side = side;
    ring_rx_init(&end->rx, l->ring[side], LINK_RING);
    ring_tx_init(&end->tx, l->ring[1 - side], LINK_RING);
    if (!ring_sleep(&end->rx))
        wake_self(end); /* the other process was faster */
    end->queue_end = &end->queue;
    end->out = malloc(OUT_FIRST);
    end->in = malloc(record_bytes(FRAME_INLINE_MAX));
    if (!end->out || !end->in)
        check_nomem();
    end->out_cap = OUT_FIRST;
    atomic_init(&end->wakes, 0);
}

int32_t link_new(struct err *e, struct link **out)
{
    struct link *l = calloc(1, sizeof *l);

    if (!l)
        check_nomem();
    atomic_init(&l->refs, 2);
    for (int s = 0; s < 2; s++)
        l->fd[s] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->fd[0] < 0 || l->fd[1] < 0) {
        int32_t code =
            err_errno(e, "cannot make the eventfd of a channel's link; raise the limit of open files");
        for (int s = 0; s < 2; s++)
            if (l->fd[s] >= 0)
                close(l->fd[s]);
        free(l);
        return code;
    }
    for (int s = 0; s < 2; s++)
        l->ring[s] = ring_make();
    for (int s = 0; s < 2; s++) {
        struct link_end *end = &l->end[s];

        end_init(l, (enum link_side)s);
        end->fd = end->bell = end->self = l->fd[s];
        end->peer_bell = l->fd[1 - s];
        end->post = -1;
    }
    *out = l;
    return HILO_OK;
}

/* One end, of a link between processes. Takes the descriptors if HILO_OK. */
static int32_t end_shared(struct link *l, enum link_side side, int bell, int post, struct err *e)
{
    struct epoll_event ev = {.events = EPOLLIN};
    struct link_end *end = &l->end[side];
    int fd = epoll_create1(EPOLL_CLOEXEC), self = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0 || self < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, self, &ev) != 0 ||
        epoll_ctl(fd, EPOLL_CTL_ADD, bell, &ev) != 0) {
        int32_t code = err_errno(e, "cannot watch a worker's link; raise the limit of open files");

        if (fd >= 0)
            close(fd);
        if (self >= 0)
            close(self);
        return code;
    }
    end->fd = fd;
    end->self = self;
    end->bell = end->peer_bell = bell;
    end->post = post;
    end_init(l, side);
    return HILO_OK;
}

static bool memory_map(struct link *l, int fd)
{
    char *p = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return false;
    l->memory = p;
    for (int s = 0; s < 2; s++)
        l->ring[s] = (struct ring *)(void *)(p + LINK_AREA + (size_t)s * RING_SPAN);
    return true;
}

void link_peer_close(struct link_peer *p)
{
    if (p->memory >= 0)
        close(p->memory);
    if (p->bell >= 0)
        close(p->bell);
    if (p->post >= 0)
        close(p->post);
    *p = (struct link_peer){-1, -1, -1};
}

int32_t link_new_shared(struct err *e, struct link **out, struct link_peer *peer_out)
{
    struct link *l = calloc(1, sizeof *l);
    int bell[2] = {-1, -1}, post[2] = {-1, -1};
    struct link_peer peer = {-1, -1, -1};
    int32_t code;

    if (!l)
        check_nomem();
    atomic_init(&l->refs, 1);
    l->fd[0] = l->fd[1] = -1;
    peer.memory = memfd_create("hilo-link", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (peer.memory < 0 || ftruncate(peer.memory, MEMORY_BYTES) != 0 ||
        fcntl(peer.memory, F_ADD_SEALS, MEMORY_SEALS) != 0 || !memory_map(l, peer.memory)) {
        code = err_errno(e, "cannot make the memory of a worker's link; see that there is memory and raise "
                            "the limit of open files");
        goto out;
    }
    for (int s = 0; s < 2; s++)
        ring_init(l->ring[s], LINK_RING);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, bell) != 0 ||
        fdpass_pair(post) != 0) {
        code = err_errno(e, "cannot make the sockets of a worker's link; raise the limit of open files");
        goto out;
    }
    peer.bell = bell[1];
    peer.post = post[1];
    code = end_shared(l, LINK_CORE, bell[0], post[0], e);
    if (code == HILO_OK) {
        *out = l;
        *peer_out = peer;
        return HILO_OK;
    }
out:
    for (int i = 0; i < 2; i++) {
        if (bell[i] >= 0)
            close(bell[i]);
        if (post[i] >= 0)
            close(post[i]);
    }
    if (peer.memory >= 0)
        close(peer.memory);
    if (l->memory)
        munmap(l->memory, MEMORY_BYTES);
    free(l);
    return code;
}

int32_t link_open_shared(const struct link_peer *p, struct err *e, struct link **out)
{
    struct link *l = calloc(1, sizeof *l);
    int seals = fcntl(p->memory, F_GET_SEALS);
    struct stat st;
    int32_t code;

    if (!l)
        check_nomem();
    atomic_init(&l->refs, 1);
    l->fd[0] = l->fd[1] = -1;
    if (seals < 0 || (seals & MEMORY_SEALS) != MEMORY_SEALS || fstat(p->memory, &st) != 0 ||
        st.st_size != MEMORY_BYTES || !memory_map(l, p->memory))
        code = err_set(e, HILO_INVALID, "the link's memory is not what this build of hilod makes");
    else
        code = end_shared(l, LINK_PLUG, p->bell, p->post, e);
    if (code == HILO_OK) {
        close(p->memory);
        *out = l;
        return HILO_OK;
    }
    if (l->memory)
        munmap(l->memory, MEMORY_BYTES);
    free(l);
    return code;
}

void *link_area(struct link *l)
{
    return l->memory;
}

/* Closes what descriptors a record holds: one that was not taken, or is still queued. */
static void record_drop(const uint8_t *record)
{
    struct frame_head h;

    memcpy(&h, record, sizeof h);
    if (h.fd >= 0)
        close(h.fd);
    if (h.big >= 0)
        close(h.big);
}

static void end_done(struct link_end *end)
{
    for (struct queued *q = end->queue, *next; q; q = next) {
        next = q->next;
        record_drop(q->record);
        free(q);
    }
    free(end->out);
    free(end->in);
    if (end->post >= 0) {
        close(end->fd);
        close(end->self);
        close(end->bell);
        close(end->post); /* and with it what it holds */
    }
}

void link_unref(struct link **lp)
{
    struct link *l = *lp;

    *lp = NULL;
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    if (l->memory) {
        end_done(&l->end[l->end[LINK_CORE].link ? LINK_CORE : LINK_PLUG]);
        munmap(l->memory, MEMORY_BYTES);
        free(l);
        return;
    }
    for (int s = 0; s < 2; s++) {
        const uint8_t *record;
        uint32_t n;

        (void)ring_publish(&l->end[1 - s].tx);
        while (ring_peek(&l->end[s].rx, &record, &n) == 1) {
            if (n >= sizeof(struct frame_head))
                record_drop(record);
            ring_next(&l->end[s].rx);
        }
    }
    for (int s = 0; s < 2; s++) {
        end_done(&l->end[s]);
        close(l->fd[s]);
        free(l->ring[s]);
    }
    free(l);
}

struct link_end *link_end(struct link *l, enum link_side side)
{
    return &l->end[side];
}

int link_fd(const struct link_end *end)
{
    return end->fd;
}

/* ---- sending -------------------------------------------------------------------------- */

static int grow(struct hilo_writer *w, uint64_t need)
{
    struct link_end *end = w->grow_arg;
    uint64_t cap = end->out_cap;
    uint8_t *p;

    if (need > FRAME_FIELDS_MAX)
        return 0;
    while (cap < need)
        cap *= 2;
    p = realloc(end->out, (size_t)cap);
    if (!p)
        return 0;
    end->out = p;
    end->out_cap = (size_t)cap;
    w->p = p;
    w->cap = cap;
    return 1;
}

static void wake(struct link_end *end)
{
    uint64_t one = 1;
    ssize_t r;

    /* EAGAIN: it is as readable as can be. EPIPE: its end is noticed elsewhere. */
    do
        r = end->post >= 0 ? send(end->peer_bell, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : write(end->peer_bell, &one, sizeof one);
    while (r < 0 && errno == EINTR);
    atomic_fetch_add_explicit(&end->wakes, 1, memory_order_relaxed);
}

/* A sealed memory file with these bytes, or -1. */
static int memory_file(struct hilo_str s)
{
    int fd = memfd_create("hilo-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    uint64_t at = 0;

    if (fd < 0)
        return -1;
    while (at < s.n) {
        ssize_t n = write(fd, s.p + at, (size_t)(s.n - at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            goto out;
        at += (uint64_t)n;
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0)
        return fd;
out:
    close(fd);
    return -1;
}

/* Sends a frame's descriptors ahead of it. false: not now. */
static bool post_send(struct link_end *end, struct frame_head *h)
{
    int fds[FDPASS_MAX], n = 0, sent;

    if (h->fd >= 0)
        fds[n++] = h->fd;
    if (h->big >= 0)
        fds[n++] = h->big;
    if (n == 0)
        return true;
    sent = fdpass_send(end->post, fds, n);
    if (sent == 0) {
        end->blocked = true;
        return false;
    }
    /* Nobody there: its end is noticed elsewhere. Else the frame would be without what it
     * needs, and the other process has to go: link_turn says so. */
    if (sent < 0 && errno != EPIPE && errno != ECONNRESET) {
        end->broken = true;
        wake_self(end);
    }
    for (int i = 0; i < n; i++)
        close(fds[i]);
    h->fd = h->fd >= 0 ? 0 : -1; /* "there is one" */
    h->big = h->big >= 0 ? 0 : -1;
    return true;
}

static bool to_ring(struct link_end *end, const struct frame_head *h, const void *fields)
{
    uint8_t *record = ring_reserve(&end->tx, h->length);
    struct frame_head head = *h;

    if (!record || (end->post >= 0 && !post_send(end, &head)))
        return false;
    memcpy(record, &head, sizeof head);
    if (h->fields)
        memcpy(record + sizeof head, fields, h->fields);
    ring_commit(&end->tx);
    return true;
}

static size_t head_fds(const struct frame_head *h)
{
    return (size_t)(h->fd >= 0) + (size_t)(h->big >= 0);
}

static void to_queue(struct link_end *end, const struct frame_head *h, const void *fields)
{
    struct queued *q = malloc(sizeof *q + h->length);

    if (!q)
        check_nomem();
    q->next = NULL;
    q->n = h->length;
    memcpy(q->record, h, sizeof *h);
    if (h->fields)
        memcpy(q->record + sizeof *h, fields, h->fields);
    *end->queue_end = q;
    end->queue_end = &q->next;
    end->queued_bytes += sizeof *q + q->n;
    end->queued_frames++;
    end->queued_fds += head_fds(h);
}

static void queue_to_ring(struct link_end *end)
{
    while (end->queue) {
        struct queued *q = end->queue;
        struct frame_head h;

        memcpy(&h, q->record, sizeof h);
        if (!to_ring(end, &h, q->record + sizeof h))
            return;
        end->queue = q->next;
        if (!end->queue)
            end->queue_end = &end->queue;
        end->queued_bytes -= sizeof *q + q->n;
        end->queued_frames--;
        end->queued_fds -= head_fds(&h);
        free(q);
    }
}

int32_t link_put(struct link_end *end, const struct frame *f)
{
    struct frame_head h = {.type = f->type, .token = f->token, .fd = f->fd, .big = -1};
    bool must = frame_must(f->type);
    struct hilo_writer w;
    struct hilo_str fields;
    int32_t code;

    CHECK(frame_direction(f->type) == (end->side == LINK_CORE ? FRAME_DOWN : FRAME_UP));
    queue_to_ring(end);
    if (end->queue && !must) {
        end->want_room = true;
        return HILO_FULL;
    }
    hilo_writer_init(&w, end->out, end->out_cap);
    w.grow = grow;
    w.grow_arg = end;
    code = frame_encode(f, &w);
    if (code != HILO_OK || w.failed)
        return HILO_INVALID;
    fields = hilo_written(&w);
    if (fields.n > FRAME_INLINE_MAX) {
        h.big = memory_file(fields);
        if (h.big < 0)
            return HILO_IO;
        fields.n = 0;
    }
    h.fields = (uint32_t)fields.n;
    h.length = (uint32_t)record_bytes((size_t)fields.n);
    if (end->queue || !to_ring(end, &h, fields.p)) {
        if (!must) {
            if (h.big >= 0)
                close(h.big);
            end->want_room = true;
            return HILO_FULL;
        }
        to_queue(end, &h, fields.p);
    }
    end->counts.frames_out++;
    end->counts.bytes_out += sizeof h + w.n;
    if (end->out_cap > OUT_KEEP) {
        /* one large frame must not hold its memory for ever */
        free(end->out);
        end->out = malloc(OUT_FIRST);
        if (!end->out)
            check_nomem();
        end->out_cap = OUT_FIRST;
    }
    return HILO_OK;
}

/* Asks to be woken when there is room. False: there is. */
static bool wait_for_room(struct link_end *end)
{
    if (end->blocked) {
        ring_want_progress(&end->tx); /* frames before it are still there, with what fills the socket */
        if (!fdpass_writable(end->post))
            return true;
        end->blocked = false;
    }
    return ring_want_room(&end->tx);
}

void link_publish(struct link_end *end)
{
    bool due;

    queue_to_ring(end);
    due = ring_publish(&end->tx);
    /* While something waits for room, the other side must tell us when there is. */
    while ((end->queue || end->want_room) && !wait_for_room(end)) {
        if (!end->queue) {
            wake_self(end); /* room already: our own turn finds it */
            break;
        }
        queue_to_ring(end);
        due |= ring_publish(&end->tx);
    }
    if (due)
        wake(end);
}

bool link_flushed(const struct link_end *end)
{
    return !end->queue && end->tx.head == end->tx.published;
}

bool link_backlog(const struct link_end *end)
{
    return end->queue != NULL;
}

void link_kick(struct link_end *end)
{
    wake(end);
}

bool link_swamped(const struct link_end *end)
{
    return end->queued_bytes > SWAMPED_BYTES || end->queued_frames > SWAMPED_FRAMES ||
           end->queued_fds > SWAMPED_FDS;
}

bool link_gone(const struct link_end *end)
{
    return end->gone;
}

bool link_room(struct link_end *end)
{
    queue_to_ring(end);
    if (!end->want_room || end->queue || wait_for_room(end))
        return false;
    end->want_room = false;
    return true;
}

/* ---- receiving ------------------------------------------------------------------------- */

/* Reads a large frame's fields into memory of their own; closes the file. Its seals say that
 * it is a memory file, so that reading it can't wait. */
static bool read_big(int fd, char **out, size_t *n_out)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;
    char *p = NULL;
    size_t at = 0, n = 0;

    if (seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 && st.st_size > 0 &&
        st.st_size <= FRAME_FIELDS_MAX) {
        n = (size_t)st.st_size;
        p = malloc(n);
    }
    while (p && at < n) {
        ssize_t r = pread(fd, p + at, n - at, (off_t)at);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        at += (size_t)r;
    }
    close(fd);
    if (p && at == n) {
        *out = p;
        *n_out = n;
        return true;
    }
    free(p);
    return false;
}

/* The descriptors of a frame from another process, in place of the marks in its head. */
static bool post_take(struct link_end *end, struct frame_head *h)
{
    int fds[FDPASS_MAX], n = (int)head_fds(h), at = 0;
    bool has_fd = h->fd >= 0, has_big = h->big >= 0;

    h->fd = h->big = -1;
    if (n == 0)
        return true;
    /* No frame to the core has a descriptor of its own. */
    if ((has_fd && end->side == LINK_CORE) || !fdpass_take(end->post, fds, n))
        return false;
    if (has_fd)
        h->fd = fds[at++];
    if (has_big)
        h->big = fds[at];
    return true;
}

/* Hands on one record. 1: go on, 0: fn asked to stop, -1: it is malformed. */
static int deliver(struct link_end *end, const uint8_t *record, uint32_t n, link_frame_fn *fn, void *arg)
{
    struct frame f = {.fd = -1};
    struct frame_head h;
    struct hilo_str fields;
    char *big = NULL;
    size_t big_n = 0;
    int32_t code;
    int r = -1;

    if (n < sizeof h || n > record_bytes(FRAME_INLINE_MAX))
        return -1;
    memcpy(end->in, record, n);
    atomic_signal_fence(memory_order_seq_cst); /* from here on only the copy is read */
    memcpy(&h, end->in, sizeof h);
    /* Only what the ring says about the length counts, and it says it once. */
    if (h.length != n || h.fields > n - sizeof h || h.flags != 0 || h.fd < -1 || h.big < -1)
        return -1;
    if (end->post >= 0 && !post_take(end, &h))
        return -1;
    fields = (struct hilo_str){(const char *)end->in + sizeof h, h.fields};
    if (h.big >= 0) {
        if (!read_big(h.big, &big, &big_n))
            goto out;
        fields = (struct hilo_str){big, big_n};
    }
    f.type = h.type;
    f.token = h.token;
    f.fd = h.fd;
    code = frame_decode(h.type, end->side == LINK_CORE ? FRAME_UP : FRAME_DOWN, fields, &end->headers, &f);
    if (code != HILO_OK)
        goto out;
    end->counts.frames_in++;
    end->counts.bytes_in += sizeof h + fields.n;
    h.fd = -1; /* fn's from here on */
    r = fn(arg, &f) ? 1 : 0;
out:
    if (h.fd >= 0)
        close(h.fd);
    free(big);
    return r;
}

/* Makes the descriptor unreadable. */
static void quiet(struct link_end *end)
{
    uint64_t count[8];

    if (read(end->bell, count, sizeof count) == 0) { /* only a socket has an end */
        end->gone = true;
        (void)epoll_ctl(end->fd, EPOLL_CTL_DEL, end->bell, NULL);
    }
    if (end->self != end->bell)
        (void)!read(end->self, count, sizeof count[0]);
}

int link_turn(struct link_end *end, link_frame_fn *fn, void *arg)
{
    const uint8_t *record;
    uint32_t n;
    int taken = 0, got = 0, r = 1;

    while (taken < LINK_BATCH && r == 1 && (got = ring_peek(&end->rx, &record, &n)) == 1) {
        r = deliver(end, record, n, fn, arg);
        ring_next(&end->rx);
        taken++;
    }
    if (ring_release(&end->rx))
        wake(end);
    if (got < 0 || r < 0 || end->broken)
        return -1;
    if (taken < LINK_BATCH && r == 1) {
        quiet(end);
        if (!ring_sleep(&end->rx))
            wake_self(end); /* more came: stay readable */
    }
    return end->gone && end->side == LINK_PLUG ? -1 : taken;
}

/* ---- counting --------------------------------------------------------------------------- */

void link_counts(const struct link_end *end, struct link_counts *out)
{
    *out = end->counts;
    out->wakes = link_wakes(end);
}

uint64_t link_wakes(const struct link_end *end)
{
    return atomic_load_explicit(&end->wakes, memory_order_relaxed);
}
