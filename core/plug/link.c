/*
 * The link (link.h): rings, the queue beyond them, memory files for large frames.
 *
 * Invariants: the eventfd of a side is readable, or the side has said in its ring that
 * it sleeps, or it is working; so it sleeps only when there is nothing to do. A record
 * is copied out of the ring before it is looked at, since a hostile peer could change
 * it meanwhile; a memory file is looked at only once its seals say that it can't change.
 *
 * Limits: the queue beyond the ring has no bound of its own; what goes there answers
 * something that was bounded (sends by credit, requests by the instance's limit).
 */
#include "plug/link.h"
#include "base/check.h"
#include "plug/ring.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
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
    int fd, peer_fd;
    bool want_room; /* something was refused */
    struct ring_tx tx;
    struct ring_rx rx;
    struct queued *queue, **queue_end;
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
    int fd[2];            /* by the side that it wakes */
    struct ring *ring[2]; /* by the side that reads it */
    struct link_end end[2];
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

        end->link = l;
        end->side = (enum link_side)s;
        end->fd = l->fd[s];
        end->peer_fd = l->fd[1 - s];
        ring_rx_init(&end->rx, l->ring[s], LINK_RING);
        ring_tx_init(&end->tx, l->ring[1 - s], LINK_RING);
        (void)ring_sleep(&end->rx);
        end->queue_end = &end->queue;
        end->out = malloc(OUT_FIRST);
        end->in = malloc(record_bytes(FRAME_INLINE_MAX));
        if (!end->out || !end->in)
            check_nomem();
        end->out_cap = OUT_FIRST;
        atomic_init(&end->wakes, 0);
    }
    *out = l;
    return HILO_OK;
}

static void record_drop(const uint8_t *record)
{
    struct frame_head h;

    memcpy(&h, record, sizeof h);
    if (h.fd >= 0)
        close(h.fd);
    if (h.big >= 0)
        close(h.big);
}

void link_unref(struct link **lp)
{
    struct link *l = *lp;

    *lp = NULL;
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    for (int s = 0; s < 2; s++) {
        struct link_end *end = &l->end[s];
        const uint8_t *record;
        uint32_t n;

        (void)ring_publish(&l->end[1 - s].tx);
        while (ring_peek(&end->rx, &record, &n) == 1) {
            if (n >= sizeof(struct frame_head))
                record_drop(record);
            ring_next(&end->rx);
        }
        for (struct queued *q = end->queue, *next; q; q = next) {
            next = q->next;
            record_drop(q->record);
            free(q);
        }
        free(end->out);
        free(end->in);
    }
    for (int s = 0; s < 2; s++) {
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

    do
        r = write(end->peer_fd, &one, sizeof one);
    while (r < 0 && errno == EINTR); /* EAGAIN: it is as readable as can be */
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

static bool to_ring(struct link_end *end, const struct frame_head *h, const void *fields)
{
    uint8_t *record = ring_reserve(&end->tx, h->length);

    if (!record)
        return false;
    memcpy(record, h, sizeof *h);
    if (h->fields)
        memcpy(record + sizeof *h, fields, h->fields);
    ring_commit(&end->tx);
    return true;
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

void link_publish(struct link_end *end)
{
    bool due;

    queue_to_ring(end);
    due = ring_publish(&end->tx);
    /* While something waits for room, the other side must tell us when there is. */
    while ((end->queue || end->want_room) && !ring_want_room(&end->tx)) {
        if (!end->queue) {
            uint64_t one = 1; /* room already: our own turn finds it */
            (void)!write(end->fd, &one, sizeof one);
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

bool link_room(struct link_end *end)
{
    queue_to_ring(end);
    if (!end->want_room || end->queue || ring_want_room(&end->tx))
        return false;
    end->want_room = false;
    return true;
}

/* ---- receiving ------------------------------------------------------------------------- */

/* Maps a large frame's fields; closes the file. */
static bool map_big(int fd, struct hilo_str *out)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;
    void *p = MAP_FAILED;

    if (seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 && st.st_size > 0 &&
        st.st_size <= FRAME_FIELDS_MAX)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return false;
    *out = (struct hilo_str){p, (uint64_t)st.st_size};
    return true;
}

/* Hands on one record. 1: go on, 0: fn asked to stop, -1: it is malformed. */
static int deliver(struct link_end *end, const uint8_t *record, uint32_t n, link_frame_fn *fn, void *arg)
{
    struct frame f = {.fd = -1};
    struct frame_head h;
    struct hilo_str fields, map = {NULL, 0};
    int32_t code;
    int r = -1;

    if (n < sizeof h || n > record_bytes(FRAME_INLINE_MAX))
        return -1;
    memcpy(end->in, record, n);
    memcpy(&h, end->in, sizeof h);
    /* Only what the ring says about the length counts, and it says it once. */
    if (h.length != n || h.fields > n - sizeof h || h.flags != 0 || h.fd < -1 || h.big < -1)
        return -1;
    fields = (struct hilo_str){(const char *)end->in + sizeof h, h.fields};
    if (h.big >= 0) {
        if (!map_big(h.big, &map))
            goto out;
        fields = map;
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
    if (map.n)
        munmap((void *)(uintptr_t)map.p, (size_t)map.n);
    return r;
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
    if (got < 0 || r < 0)
        return -1;
    if (taken < LINK_BATCH && r == 1) {
        uint64_t count;

        (void)!read(end->fd, &count, sizeof count);
        if (!ring_sleep(&end->rx)) {
            uint64_t one = 1;
            (void)!write(end->fd, &one, sizeof one); /* more came: stay readable */
        }
    }
    return taken;
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
