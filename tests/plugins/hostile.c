/*
 * A test plugin that attacks the core from its worker: it writes into the shared memory of
 * the link and the sockets behind the host's back, or ends, stops or spins. It knows the
 * layout as an attacker would, from reading core/plug (ring.h, frames.h, worker.h).
 *
 * What a send does is its content's text:
 *   ok        reports at once                 hold      takes it and never reports
 *   die       SIGKILL                         exit      _exit(7)
 *   last      reports, then SIGKILL
 *   stop      SIGSTOP                         spin      never comes back
 *   scribble  noise over the whole memory     head      a ring's head beyond the ring
 *   lengths   a record longer than the ring   alien     a frame that only the core sends
 *   secret    a frame that only describing has   missing   a frame whose descriptor never came
 *   gift      a descriptor with a frame that has none
 *   pipe      a large frame that is a pipe    hole      a large frame that is not sealed
 *   times     a callback that began before time, then SIGSTOP   credit    all the credit there is, often
 *   retry     a report with a wait for ever   fds       descriptors that no frame names
 *   bells     the wake-up sockets filled, their flags changed
 *   deaf      its end of the wake-ups closed  greedy    a stored media asked for, for ever
 *   flood     messages submitted without end, answers never taken
 *   path      a file by a name that leads elsewhere   files     one file asked for, for ever
 */
#include <fcntl.h>
#include <hilo/message.h>
#include <hilo/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    AREA = 4096, /* link.h */
    RING_HEAD = 64,
    RING_TAIL = 128,
    RING_DATA = 192,
    RING_BYTES = 512 * 1024,
    FD_BELL = 4, /* worker.h */
    FD_POST = 5,
    SUBMIT = 32, /* frames.def */
    REPORT = 33,
    CREDIT = 34,
    MEDIA_GET = 38,
    FILE_OPEN = 50,
    DESCRIBED = 62
};

struct frame_head { /* frames.h */
    uint32_t length;
    uint16_t type, flags;
    uint64_t token;
    int32_t fd, big;
    uint32_t fields, spare;
};

struct hostile {
    const struct hilo_host *host;
    struct hilo_self *self;
    unsigned char *memory;
    size_t memory_n;
};

#define LIT(s) ((struct hilo_str){(s), sizeof(s) - 1})

static int32_t hostile_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                            void **inst)
{
    struct hostile *h = calloc(1, sizeof *h);
    char line[512];
    FILE *f;

    (void)conf;
    if (!h)
        return HILO_NOMEM;
    h->host = host;
    h->self = self;
    f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long from, to;
        if (strstr(line, "memfd:hilo-link") && sscanf(line, "%lx-%lx", &from, &to) == 2) {
            h->memory = (unsigned char *)from;
            h->memory_n = to - from;
        }
    }
    if (f)
        fclose(f);
    *inst = h;
    return HILO_OK;
}

static int32_t hostile_start(void *inst)
{
    struct hostile *h = inst;

    h->host->credit(h->self, 10);
    return HILO_OK;
}

/* ---- the ring to the core ---- */

static unsigned char *ring(struct hostile *h)
{
    return h->memory + AREA;
}

static uint64_t ring_head(struct hostile *h)
{
    uint64_t head;

    memcpy(&head, ring(h) + RING_HEAD, sizeof head);
    return head;
}

static void ring_head_set(struct hostile *h, uint64_t head)
{
    const char byte = 0;

    __atomic_store_n((uint64_t *)(void *)(ring(h) + RING_HEAD), head, __ATOMIC_SEQ_CST);
    (void)!send(FD_BELL, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A record as it is, at the head; then the host's own idea of the ring is wrong, so no more
 * is to come of it. */
static void record(struct hostile *h, uint32_t length, const struct frame_head *f, const void *fields,
                   size_t n)
{
    uint64_t head = ring_head(h);
    unsigned char *at = ring(h) + RING_DATA + (head & (RING_BYTES - 1));
    struct frame_head copy = *f;

    copy.length = length;
    copy.fields = (uint32_t)n;
    memcpy(at, &copy, sizeof copy);
    if (n)
        memcpy(at + sizeof copy, fields, n);
    ring_head_set(h, head + length);
}

static void frame(struct hostile *h, uint16_t type, const void *fields, size_t n, int fd, int big)
{
    const struct frame_head f = {.type = type, .fd = fd, .big = big};

    record(h, (uint32_t)((sizeof f + n + 7) & ~(size_t)7), &f, fields, n);
}

static void send_fd(int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 1;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    (void)!sendmsg(FD_POST, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void frames_forever(struct hostile *h, uint16_t type, const void *fields, size_t n)
{
    for (;;) {
        uint64_t tail;

        frame(h, type, fields, n, -1, -1);
        do /* as long as the core takes them */
            memcpy(&tail, ring(h) + RING_TAIL, sizeof tail);
        while (ring_head(h) - tail > RING_BYTES / 2);
        if ((ring_head(h) & (RING_BYTES - 1)) > RING_BYTES - 4096) { /* to the start, by a pad */
            uint64_t head = ring_head(h);
            uint32_t pad = (uint32_t)(RING_BYTES - (head & (RING_BYTES - 1)));
            uint32_t mark = pad | 1;

            memcpy(ring(h) + RING_DATA + (head & (RING_BYTES - 1)), &mark, sizeof mark);
            ring_head_set(h, head + pad);
        }
    }
}

/* ---- attacks ---- */

static void report(struct hostile *h, struct hilo_id id, int64_t retry_after_us)
{
    struct hilo_report r = {.size = sizeof r, .code = HILO_OK, .id = id, .retry_after_us = retry_after_us};

    if (retry_after_us)
        r.code = HILO_AGAIN;
    h->host->report(h->self, &r);
}

static void bells(void)
{
    char bytes[4096] = {0};

    while (send(FD_BELL, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
    (void)fcntl(FD_BELL, F_SETFL, 0);
    (void)fcntl(FD_POST, F_SETFL, 0);
}

static void attack(struct hostile *h, const char *what, struct hilo_id id)
{
    unsigned char fields[64];
    struct hilo_writer w;
    unsigned seed = 1;
    int fds[2];

    hilo_writer_init(&w, fields, sizeof fields);
    if (strcmp(what, "ok") == 0) {
        report(h, id, 0);
    } else if (strcmp(what, "last") == 0) {
        report(h, id, 0);
        (void)h->host->timer(h->self, 1, 1);
    } else if (strcmp(what, "die") == 0) {
        kill(getpid(), SIGKILL);
    } else if (strcmp(what, "exit") == 0) {
        _exit(7);
    } else if (strcmp(what, "stop") == 0) {
        kill(getpid(), SIGSTOP);
    } else if (strcmp(what, "spin") == 0) {
        h->host->log(h->self, HILO_LOG_INFO, LIT("spins"));
        for (volatile unsigned i = 0;; i++)
            ;
    } else if (strcmp(what, "scribble") == 0) {
        for (size_t i = 0; i < h->memory_n; i++)
            h->memory[i] = (unsigned char)rand_r(&seed);
        ring_head_set(h, (uint64_t)rand_r(&seed));
        kill(getpid(), SIGSTOP); /* before our own host sees it */
    } else if (strcmp(what, "head") == 0) {
        ring_head_set(h, UINT64_C(1) << 63);
    } else if (strcmp(what, "lengths") == 0) {
        const struct frame_head f = {.type = SUBMIT, .fd = -1, .big = -1};
        record(h, RING_BYTES, &f, NULL, 0);
    } else if (strcmp(what, "alien") == 0) {
        frame(h, 1, NULL, 0, -1, -1);
    } else if (strcmp(what, "secret") == 0) {
        hilo_put_str(&w, 2, LIT("x"));
        frame(h, DESCRIBED, fields, w.n, -1, -1);
    } else if (strcmp(what, "missing") == 0) {
        frame(h, SUBMIT, NULL, 0, -1, 0);
    } else if (strcmp(what, "gift") == 0) {
        send_fd(0);
        hilo_put_str(&w, 2, LIT("x"));
        frame(h, SUBMIT, fields, w.n, 0, -1);
    } else if (strcmp(what, "pipe") == 0 && pipe(fds) == 0) {
        send_fd(fds[0]);
        frame(h, SUBMIT, NULL, 0, -1, 0);
    } else if (strcmp(what, "hole") == 0) {
        int fd = memfd_create("hole", 0);
        (void)!ftruncate(fd, 1 << 20);
        send_fd(fd);
        frame(h, SUBMIT, NULL, 0, -1, 0);
    } else if (strcmp(what, "times") == 0) {
        const int64_t never = INT64_MIN, late = INT64_MAX;
        for (size_t at = 0; at < 64; at += 8)
            memcpy(h->memory + at, at % 16 ? &never : &late, sizeof never);
        kill(getpid(), SIGSTOP); /* before our own host sees them */
    } else if (strcmp(what, "credit") == 0) {
        hilo_put_u64(&w, 13, UINT64_MAX);
        for (int i = 0; i < 100; i++)
            frame(h, CREDIT, fields, w.n, -1, -1);
    } else if (strcmp(what, "retry") == 0) {
        hilo_put_id(&w, 1, id);
        hilo_put_u64(&w, 3, 1); /* HILO_AGAIN */
        hilo_put_u64(&w, 8, UINT64_MAX);
        frame(h, REPORT, fields, w.n, -1, -1);
    } else if (strcmp(what, "fds") == 0) {
        for (int i = 0; i < 1000; i++)
            send_fd(0);
        report(h, id, 0);
    } else if (strcmp(what, "bells") == 0) {
        bells();
    } else if (strcmp(what, "deaf") == 0) {
        close(FD_BELL);
        for (;;)
            pause();
    } else if (strcmp(what, "greedy") == 0) {
        hilo_put_id(&w, 1, id);
        frames_forever(h, MEDIA_GET, fields, w.n);
    } else if (strcmp(what, "path") == 0) {
        hilo_put_str(&w, 10, LIT("../journal/0000000001.seg"));
        frame(h, FILE_OPEN, fields, w.n, -1, -1);
    } else if (strcmp(what, "files") == 0) {
        hilo_put_str(&w, 10, LIT("never"));
        frames_forever(h, FILE_OPEN, fields, w.n);
    } else if (strcmp(what, "flood") == 0) {
        hilo_put_str(&w, 2, LIT("x"));
        frames_forever(h, SUBMIT, fields, w.n);
    }
}

static int32_t hostile_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct hilo_str text = hilo_get_str(hilo_content(message), HILO_T_CONTENT_TEXT);
    char what[16] = "";

    if (text.n < sizeof what)
        memcpy(what, text.p, (size_t)text.n);
    attack(inst, what, id);
    return HILO_OK;
}

static void hostile_committed(void *inst, uint64_t token, int32_t code)
{
    (void)inst;
    (void)token;
    (void)code;
}

static void hostile_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                             struct hilo_str filename, uint64_t size)
{
    (void)inst;
    (void)token;
    (void)code;
    (void)mime;
    (void)filename;
    (void)size;
    if (fd >= 0)
        close(fd);
}

static void hostile_on_timer(void *inst, uint32_t id)
{
    (void)inst;
    (void)id;
    kill(getpid(), SIGKILL);
}

/* Never answered. */
static void hostile_on_request(void *inst, uint64_t request, const struct hilo_http *http)
{
    struct hostile *h = inst;

    (void)request;
    (void)http;
    h->host->log(h->self, HILO_LOG_INFO, LIT("has a request"));
}

static void hostile_close(void *inst)
{
    free(inst);
}

static const struct hilo_abilities abilities = {.size = sizeof abilities,
                                                .contents = 1u << HILO_CONTENT_TEXT,
                                                .text_max = 100,
                                                .schemes = 1u << HILO_SCHEME_PHONE};

const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_SEND | HILO_CAN_RECEIVE | HILO_CAN_REQUEST,
    .name = "hostile",
    .version = "1.0",
    .abilities = &abilities,
    .open = hostile_open,
    .start = hostile_start,
    .send = hostile_send,
    .committed = hostile_committed,
    .on_request = hostile_on_request,
    .on_media = hostile_on_media,
    .on_timer = hostile_on_timer,
    .close = hostile_close,
};
