/* See lab.h. */
#include "lab.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a network of its own ---- */

static bool write_line(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* What a user may have in a namespace of her own is handed on to programs that she starts there. */
static void keep_rights(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    static const unsigned kept[] = {CAP_NET_RAW, CAP_NET_ADMIN};

    if (syscall(SYS_capget, &head, data) != 0)
        return;
    for (unsigned i = 0; i < 2; i++)
        data[0].inheritable |= 1u << kept[i];
    (void)syscall(SYS_capset, &head, data);
    for (unsigned i = 0; i < 2; i++)
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0);
}

void lab_network(void)
{
    struct ifreq lo = {.ifr_name = "lo"};
    char map[64];
    uid_t uid = getuid();
    gid_t gid = getgid();
    int fd;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* what was said is there when a test is ended from outside */
    if (uid == 0) {
        if (unshare(CLONE_NEWNET) != 0)
            return;
    } else {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            return;
        (void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
        assert_true(write_line("/proc/self/uid_map", map));
        assert_true(write_line("/proc/self/setgroups", "deny"));
        (void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
        assert_true(write_line("/proc/self/gid_map", map));
        keep_rights();
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &lo), 0);
    lo.ifr_flags |= IFF_UP | IFF_RUNNING;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    (void)close(fd);
}

/* ---- everything that crosses it ---- */

struct capture {
    int fd, stop, file;
    pthread_t thread;
};

/* Each in one piece, so that who reads meanwhile finds only whole ones. */
static void capture_packet(struct capture *c, unsigned char *p, size_t n, const struct timespec *at)
{
    uint32_t head[4] = {(uint32_t)at->tv_sec, (uint32_t)at->tv_nsec / 1000, (uint32_t)n, (uint32_t)n};

    memcpy(p, head, sizeof head);
    if (write(c->file, p, sizeof head + n) != (ssize_t)(sizeof head + n))
        abort();
}

/* Each packet of the loopback is seen twice; the one that leaves is taken. */
static void capture_read(struct capture *c)
{
    static unsigned char buf[16 + (1 << 17)];
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct sockaddr_ll from;
    struct iovec v = {buf + 16, sizeof buf - 16};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_name = &from};
    struct timespec at;
    ssize_t n;

    for (;;) {
        m.msg_namelen = sizeof from;
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
        if ((n = recvmsg(c->fd, &m, MSG_DONTWAIT)) < 0)
            return;
        if (from.sll_pkttype != PACKET_OUTGOING)
            continue;
        (void)clock_gettime(CLOCK_REALTIME, &at);
        for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
            if (h->cmsg_type == SCM_TIMESTAMPNS)
                memcpy(&at, CMSG_DATA(h), sizeof at);
        capture_packet(c, buf, (size_t)n, &at);
    }
}

static void *capture_run(void *arg)
{
    struct capture *c = arg;
    struct pollfd p[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = c->stop, .events = POLLIN}};

    while (!(p[1].revents & POLLIN)) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            abort();
        capture_read(c);
    }
    return NULL;
}

struct capture *capture_begin(const char *path)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 1 << 17, 1 /* Ethernet */};
    struct capture *c = calloc(1, sizeof *c);
    int one = 1, room = 16 << 20;

    assert_non_null(c);
    at.sll_ifindex = (int)if_nametoindex("lo");
    c->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fail_msg("packets can't be captured: %s. Run the test as root, or allow user namespaces "
                 "(sysctl kernel.unprivileged_userns_clone=1)",
                 strerror(errno));
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one), 0);
    assert_int_equal(bind(c->fd, (struct sockaddr *)&at, sizeof at), 0);
    c->stop = eventfd(0, EFD_CLOEXEC);
    c->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(c->file, head, sizeof head), sizeof head);
    assert_int_equal(pthread_create(&c->thread, NULL, capture_run, c), 0);
    return c;
}

void capture_end(struct capture **cp)
{
    struct capture *c = *cp;
    struct tpacket_stats stats;
    socklen_t len = sizeof stats;

    if (!c)
        return;
    assert_int_equal(eventfd_write(c->stop, 1), 0);
    assert_int_equal(pthread_join(c->thread, NULL), 0);
    assert_int_equal(getsockopt(c->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len), 0);
    assert_int_equal(stats.tp_drops, 0);
    assert_int_equal(close(c->file), 0);
    (void)close(c->fd);
    (void)close(c->stop);
    free(c);
    *cp = NULL;
}

/* tshark's lines for what the filter finds, one field each. free() it. */
static char *tshark(const char *path, const int *ports, const char *filter, const char *field)
{
    char as[16][48];
    const char *argv[48] = {"/usr/bin/tshark", "-n", "-r", path, "-Y", filter, "-T", "fields", "-e", field};
    unsigned n = 10, k = 0;
    struct process *p;
    char *out;
    int status;

    for (; *ports; ports++) {
        assert_true(k + 2 <= 16);
        (void)snprintf(as[k], sizeof as[k], "udp.port==%d,sip", *ports);
        (void)snprintf(as[k + 1], sizeof as[k + 1], "tcp.port==%d,sip", *ports);
        for (unsigned i = 0; i < 2; i++) {
            argv[n++] = "-d";
            argv[n++] = as[k++];
        }
    }
    argv[n] = NULL;
    p = process_start(argv);
    out = process_output(p);
    status = process_wait(p);
    if (status)
        process_show(p);
    assert_int_equal(status, 0);
    process_free(&p);
    return out;
}

/* Lines that are no word of tshark's own ("Running as user root"). */
static unsigned numbers(const char *text)
{
    unsigned n = 0;

    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p != 0)
        n += *p >= '0' && *p <= '9';
    return n;
}

unsigned capture_count(const char *path, const int *ports, const char *filter)
{
    char *text = tshark(path, ports, filter, "frame.number");
    unsigned n = numbers(text);

    free(text);
    return n;
}

void capture_field(const char *path, const int *ports, const char *filter, const char *field, char *out,
                   size_t cap)
{
    char *text = tshark(path, ports, filter, field), *p = text;

    while (!strncmp(p, "Running as user", 15) || !strncmp(p, " **", 3))
        p += strcspn(p, "\n") + 1;
    (void)snprintf(out, cap, "%.*s", (int)strcspn(p, "\n"), p);
    free(text);
}

void capture_judge(const char *path, const int *ports, unsigned sip, unsigned rtp)
{
    char *bad = tshark(path, ports, "_ws.malformed || _ws.expert.severity == \"Error\"", "frame.number");
    unsigned n = numbers(bad);

    if (n) {
        char filter[64], *what;
        (void)snprintf(filter, sizeof filter, "frame.number == %ld",
                       strtol(strpbrk(bad, "123456789"), NULL, 10));
        what = tshark(path, ports, filter, "_ws.expert.message");
        print_message("  %u packets are not as they should be; the first is frame %s\n", n, what);
        free(what);
        what = tshark(path, ports, filter, "_ws.col.Info");
        print_message("  %s\n", what);
        free(what);
    }
    free(bad);
    assert_int_equal(n, 0);
    assert_true(capture_count(path, ports, "sip") >= sip);
    assert_true(capture_count(path, ports, "rtp") >= rtp);
}

/* ---- what is heard in it ---- */

static float g711(unsigned type, unsigned char v)
{
    int x;

    if (type == 8) { /* A-law */
        unsigned a = v ^ 0x55u, exponent = a >> 4 & 7;
        x = (int)((a & 15) << 4) + 8;
        if (exponent)
            x = (x + 0x100) << (exponent - 1);
        return (float)(a & 0x80 ? x : -x) / 32768;
    }
    unsigned u = ~v & 0xffu;
    x = (int)(((((u & 15) << 3) + 0x84) << (u >> 4 & 7)) - 0x84);
    return (float)(u & 0x80 ? -x : x) / 32768;
}

struct sound capture_heard(const char *path, int port)
{
    char filter[64], as[48];
    const char *const argv[] = {
        "/usr/bin/tshark", "-n", "-r",         path, "-d",          as,  "-Y", filter, "-T", "fields", "-e",
        "rtp.timestamp",   "-e", "rtp.p_type", "-e", "rtp.payload", NULL};
    struct process *p;
    struct sound s = {NULL, 0};
    unsigned long first = 0, timestamp;
    unsigned type;
    char *all;
    int n;

    (void)snprintf(filter, sizeof filter, "rtp && udp.dstport == %d && rtp.p_type <= 8", port);
    (void)snprintf(as, sizeof as, "udp.port==%d,rtp", port);
    p = process_start(argv);
    all = process_output(p);
    assert_int_equal(process_wait(p), 0);
    process_free(&p);
    s.sample = calloc(1, sizeof *s.sample);
    assert_non_null(s.sample);
    for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n")) {
        size_t at, len;
        if (sscanf(line, "%lu\t%u\t%n", &timestamp, &type, &n) != 2)
            continue;
        line += n;
        if (!s.n)
            first = timestamp;
        at = (uint32_t)(timestamp - first);
        len = (strlen(line) + 1) / (line[2] == ':' ? 3 : 2);
        if (at > 3600 * SOUND_RATE)
            continue; /* before the first one */
        if (at + len > s.n) {
            s.sample = realloc(s.sample, (at + len) * sizeof *s.sample);
            assert_non_null(s.sample);
            memset(s.sample + s.n, 0, (at + len - s.n) * sizeof *s.sample);
            s.n = at + len;
        }
        for (size_t i = 0; i < len; i++) {
            char hex[3] = {line[0], line[1], '\0'};
            s.sample[at + i] = g711(type, (unsigned char)strtoul(hex, NULL, 16));
            line += line[2] == ':' ? 3 : 2;
        }
    }
    free(all);
    return s;
}

/* ---- failures ---- */

static const struct process *shown;

void lab_shows(const struct process *p)
{
    shown = p;
}

void lab_show(void)
{
    if (shown)
        process_show(shown);
}

/* ---- waiting ---- */

struct watch {
    int fd;
};

struct watch *watch_new(const char *dir)
{
    struct watch *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(w->fd >= 0);
    assert_true(
        inotify_add_watch(w->fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE) >= 0);
    return w;
}

void watch_wait(struct watch *w, int ms)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    char buf[8192];

    (void)poll(&p, 1, ms);
    while (read(w->fd, buf, sizeof buf) > 0)
        ;
}

void watch_free(struct watch **wp)
{
    if (*wp)
        (void)close((*wp)->fd);
    free(*wp);
    *wp = NULL;
}

void sip_awake(int port, struct process *process)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                       own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof own;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char ask[512], got[2048];

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    for (unsigned i = 0; i < DEADLINE_S * 10; i++) {
        int n = snprintf(
            ask, sizeof ask,
            "OPTIONS sip:127.0.0.1:%d SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKw%u;rport\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:test@127.0.0.1>;tag=w\r\nTo: <sip:127.0.0.1:%d>\r\n"
            "Call-ID: awake%u@test\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            port, ntohs(own.sin_port), i, port, i);
        (void)send(fd, ask, (size_t)n, 0); /* refused while nobody listens */
        if (poll(&p, 1, 100) != 1)
            continue;
        if (recv(fd, got, sizeof got, 0) > 8 && !memcmp(got, "SIP/2.0 ", 8)) {
            (void)close(fd);
            return;
        }
        (void)poll(NULL, 0, 100);
    }
    process_show(process);
    fail_msg("nobody answers SIP on port %d", port);
}
