/*
 * The plugin's side of the media: orders go one way and events the other, each by a queue under one lock that
 * is held for no more than that. Ports are bound here, at once, because the answer to an INVITE names them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "media_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* ---- queues ------------------------------------------------------------------------------------- */

/* A few octets each: without them there is no call to go on with. */
static void *media_alloc(size_t n)
{
    void *p = calloc(1, n);

    if (!p)
        abort();
    return p;
}

static struct order *media_order_new(enum order_type type, uint64_t call)
{
    struct order *o = media_alloc(sizeof *o);

    o->type = type;
    o->call = call;
    return o;
}

static void media_give(struct media *m, struct order *o)
{
    uint64_t one = 1;
    bool first;

    pthread_mutex_lock(&m->lock);
    first = TAILQ_EMPTY(&m->orders);
    TAILQ_INSERT_TAIL(&m->orders, o, next);
    pthread_mutex_unlock(&m->lock);
    /* An eventfd that counts to 2^64 takes any one. */
    if (first && write(m->orders_fd, &one, sizeof one) != sizeof one)
        abort();
}

void media__tell(struct media *m, const struct media_event *e)
{
    struct media_news *n = media_alloc(sizeof *n);

    n->e = *e;
    pthread_mutex_lock(&m->lock);
    TAILQ_INSERT_TAIL(&m->news, n, next);
    pthread_mutex_unlock(&m->lock);
    m->fresh = true;
}

bool media_next(struct media *m, struct media_event *e)
{
    struct media_news *n;

    pthread_mutex_lock(&m->lock);
    n = TAILQ_FIRST(&m->news);
    if (n)
        TAILQ_REMOVE(&m->news, n, next);
    pthread_mutex_unlock(&m->lock);
    if (!n)
        return false;
    *e = n->e;
    free(n);
    return true;
}

/* [recorder] */
static void media_recorded(void *arg, const struct record_done *done)
{
    struct order *o = media_order_new(ORDER_RECORDED, done->call);

    o->recorded = *done;
    media_give(arg, o);
}

/* ---- beginning and end -------------------------------------------------------------------------- */

static bool media_listen_at(struct media *m, struct hilo_str text, char why[256])
{
    struct sockaddr_storage s;
    char host[INET6_ADDRSTRLEN];
    uint64_t at = 0, from;
    size_t n;

    while (at < text.n) {
        for (; at < text.n && text.p[at] == ' '; at++)
            ;
        for (from = at; at < text.n && text.p[at] != ' '; at++)
            ;
        n = at - from;
        if (n == 0)
            break;
        memset(&s, 0, sizeof s);
        memset(host, 0, sizeof host);
        if (n < sizeof host)
            memcpy(host, text.p + from, n);
        if (inet_pton(AF_INET, host, &((struct sockaddr_in *)&s)->sin_addr) == 1)
            s.ss_family = AF_INET;
        else if (inet_pton(AF_INET6, host, &((struct sockaddr_in6 *)&s)->sin6_addr) == 1)
            s.ss_family = AF_INET6;
        if (!s.ss_family) {
            (void)snprintf(why, 256,
                           "'%.*s' is no IP address to await RTP at; write 0.0.0.0, :: or one of this host's",
                           (int)(n < 64 ? n : 64), text.p + from);
            return false;
        }
        if (m->n_listen == 2 || (m->n_listen == 1 && m->listen[0].ss_family == s.ss_family)) {
            (void)snprintf(why, 256,
                           "more than one address of one IP version to await RTP at; write one of each");
            return false;
        }
        m->listen[m->n_listen++] = s;
    }
    if (m->n_listen == 0)
        (void)snprintf(why, 256, "no address to await RTP at; write 0.0.0.0");
    return m->n_listen > 0;
}

static bool media_descriptors(struct media *m, char why[256])
{
    struct epoll_event e = {.events = EPOLLIN};

    m->epoll = epoll_create1(EPOLL_CLOEXEC);
    m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    m->orders_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    e.data.ptr = &m->timer;
    if (m->epoll >= 0 && m->timer >= 0 && m->orders_fd >= 0 &&
        epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->timer, &e) == 0) {
        e.data.ptr = &m->orders_fd;
        if (epoll_ctl(m->epoll, EPOLL_CTL_ADD, m->orders_fd, &e) == 0)
            return true;
    }
    (void)snprintf(why, 256, "no descriptors for the media's thread: %s; raise LimitNOFILE", strerror(errno));
    return false;
}

static int64_t media_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void *media_thread(void *arg)
{
    const struct sched_param least = {.sched_priority = 1};
    struct media *m = arg;

    /* Before whoever only computes, where the system lets us (CAP_SYS_NICE, LimitRTPRIO): this thread never
     * does so for long. Where not, it is as late as the machine is busy, and MEDIA_CLOSED says how late. */
    (void)pthread_setschedparam(pthread_self(), SCHED_RR, &least);
    do
        media__wait(m, -1);
    while (media__run(m, media_now()));
    return NULL;
}

struct media *media__new(const struct media_conf *conf, void (*wake)(void *arg), void *arg, bool threaded,
                         char why[256])
{
    struct media *m = media_alloc(sizeof *m);
    int i, e = 0;

    m->conf = *conf;
    m->wake = wake;
    m->arg = arg;
    m->epoll = m->timer = m->orders_fd = -1;
    pthread_mutex_init(&m->lock, NULL);
    TAILQ_INIT(&m->orders);
    TAILQ_INIT(&m->news);
    for (i = 0; i < MEDIA_SLOTS; i++)
        LIST_INIT(&m->slot[i]);
    if (!media_listen_at(m, conf->listen, why))
        goto out;
    if (conf->port_min < 1024 || conf->port_max > UINT16_MAX ||
        conf->port_min + 1 + conf->port_min % 2 > conf->port_max) {
        (void)snprintf(why, 256,
                       "ports %u to %u hold no pair for RTP; write some between 1024 and 65535, two a call",
                       conf->port_min, conf->port_max);
        goto out;
    }
    if (getrandom(&m->pair, sizeof m->pair, 0) != sizeof m->pair) {
        (void)snprintf(why, 256, "the system gives no random numbers: %s", strerror(errno));
        goto out;
    }
    if (!secure_ready()) {
        (void)snprintf(why, 256, "libsrtp2 does not work here; install it anew");
        goto out;
    }
    if (!media_descriptors(m, why))
        goto out;
    m->recorder = recorder_new(media_recorded, m);
    if (m->recorder && threaded)
        e = pthread_create(&m->thread, NULL, media_thread, m);
    if (!m->recorder || e != 0) {
        (void)snprintf(why, 256, "no thread for the media: %s", strerror(e ? e : errno));
        goto out;
    }
    if (threaded)
        (void)pthread_setname_np(m->thread, "voice-media");
    m->threaded = threaded;
    return m;
out:
    media_free(m);
    return NULL;
}

struct media *media_new(const struct media_conf *conf, void (*wake)(void *arg), void *arg, char why[256])
{
    return media__new(conf, wake, arg, true, why);
}

static void media_order_free(struct order *o)
{
    if (o->type == ORDER_OPEN && !o->taken) {
        (void)close(o->open.rtp);
        (void)close(o->open.rtcp);
    } else if (o->type == ORDER_PLAY && !o->taken) {
        pcm_drop(o->play->pcm);
        free(o->play);
    } else if (o->type == ORDER_RECORD && !o->taken) {
        (void)close(o->record.fd);
    } else if (o->type == ORDER_SET) {
        OPENSSL_cleanse(&o->set, sizeof o->set);
    }
    free(o);
}

void media_free(struct media *m)
{
    struct media_event e;
    struct order *o;
    uint64_t one = 1;

    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_mutex_unlock(&m->lock);
    if (m->threaded) {
        if (write(m->orders_fd, &one, sizeof one) != sizeof one)
            abort();
        pthread_join(m->thread, NULL);
    }
    media__all_gone(m);
    recorder_free(m->recorder);
    while ((o = TAILQ_FIRST(&m->orders))) {
        TAILQ_REMOVE(&m->orders, o, next);
        media_order_free(o);
    }
    while (media_next(m, &e))
        ;
    if (m->epoll >= 0)
        (void)close(m->epoll);
    if (m->timer >= 0)
        (void)close(m->timer);
    if (m->orders_fd >= 0)
        (void)close(m->orders_fd);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* ---- the thread's round ------------------------------------------------------------------------- */

void media__wait(struct media *m, int ms)
{
    struct epoll_event e;

    (void)epoll_wait(m->epoll, &e, 1, ms);
}

/* The timer runs only while there are calls. */
static void media_timer(struct media *m, int64_t now)
{
    struct itimerspec t = {0};
    bool want = m->calls != NULL;

    if (want == m->ticking)
        return;
    if (want) {
        m->tick_us = now + MEDIA_TICK_US;
        t.it_interval.tv_nsec = MEDIA_TICK_US * 1000;
        t.it_value.tv_sec = m->tick_us / 1000000;
        t.it_value.tv_nsec = m->tick_us % 1000000 * 1000;
    }
    if (m->threaded && timerfd_settime(m->timer, TFD_TIMER_ABSTIME, &t, NULL) != 0)
        abort();
    m->ticking = want;
}

static void media_take_orders(struct media *m, int64_t now)
{
    struct orders todo = TAILQ_HEAD_INITIALIZER(todo);
    struct order *o;

    pthread_mutex_lock(&m->lock);
    TAILQ_CONCAT(&todo, &m->orders, next);
    pthread_mutex_unlock(&m->lock);
    while ((o = TAILQ_FIRST(&todo))) {
        TAILQ_REMOVE(&todo, o, next);
        media__order(m, o, now);
        media_order_free(o);
    }
}

static void media_ticks(struct media *m, int64_t now)
{
    struct media_call *c;
    uint64_t due, i;

    if (!m->ticking || now < m->tick_us)
        return;
    due = (uint64_t)(now - m->tick_us) / MEDIA_TICK_US + 1;
    /* Each slot once, even if it is late by more: a call knows how many beats it owes. */
    for (i = due > MEDIA_SLOTS ? due - MEDIA_SLOTS : 0; i < due; i++) {
        LIST_FOREACH(c, &m->slot[(m->tick + i) % MEDIA_SLOTS], in_slot)
        {
            media__beat(c, now, m->tick_us + (int64_t)i * MEDIA_TICK_US);
        }
    }
    m->tick += due;
    m->tick_us += (int64_t)due * MEDIA_TICK_US;
}

bool media__run(struct media *m, int64_t now)
{
    enum { SOME = 64 };
    struct epoll_event e[SOME];
    uint64_t count;
    bool stop;
    int n, i;

    n = epoll_wait(m->epoll, e, SOME, 0);
    for (i = 0; i < n; i++) {
        if (e[i].data.ptr == &m->timer || e[i].data.ptr == &m->orders_fd) {
            /* How often does not matter; nothing there is another's doing. */
            if (read(e[i].data.ptr == &m->timer ? m->timer : m->orders_fd, &count, sizeof count) < 0 &&
                errno != EAGAIN)
                abort();
        } else {
            media__in_rtcp(e[i].data.ptr, now);
        }
    }
    media_take_orders(m, now);
    media_timer(m, now);
    media_ticks(m, now);
    if (m->fresh) {
        m->fresh = false;
        m->wake(m->arg);
    }
    pthread_mutex_lock(&m->lock);
    stop = m->stop;
    pthread_mutex_unlock(&m->lock);
    return !stop;
}

/* ---- orders ------------------------------------------------------------------------------------- */

static int media_socket(const struct sockaddr_storage *at, uint16_t port)
{
    struct sockaddr_storage s = *at;
    int on = 1, tos = IPTOS_DSCP_EF, fd = socket(s.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool v6 = s.ss_family == AF_INET6;

    if (fd < 0)
        return -1;
    ((struct sockaddr_in *)&s)->sin_port = htons(port); /* at the same place in both families */
    /* What a network refuses of these only makes it less good: priority, and times of arrival. */
    (void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof tos);
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if ((v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, (struct sockaddr *)&s, v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) != 0) {
        on = errno;
        (void)close(fd);
        errno = on;
        return -1;
    }
    return fd;
}

bool media_open(struct media *m, uint64_t call, int family, struct sockaddr_storage *local)
{
    uint32_t first = m->conf.port_min + m->conf.port_min % 2, pairs = (m->conf.port_max - first + 1) / 2, i;
    const struct sockaddr_storage *at = NULL;
    struct order *o;
    int rtp = -1, rtcp = -1, e;
    uint16_t port = 0;

    for (i = 0; i < m->n_listen; i++)
        if (m->listen[i].ss_family == family)
            at = &m->listen[i];
    /* Onward from the last: what still comes for a call that has ended meets nobody for long. */
    for (i = 0; at && i < pairs && rtcp < 0; i++) {
        port = (uint16_t)(first + 2 * (m->pair++ % pairs));
        rtp = media_socket(at, port);
        if (rtp >= 0)
            rtcp = media_socket(at, (uint16_t)(port + 1));
        if (rtcp >= 0)
            break;
        e = errno;
        if (rtp >= 0)
            (void)close(rtp);
        if (e != EADDRINUSE)
            return false;
    }
    if (rtcp < 0)
        return false;
    *local = *at;
    ((struct sockaddr_in *)local)->sin_port = htons(port);
    o = media_order_new(ORDER_OPEN, call);
    o->open.rtp = rtp;
    o->open.rtcp = rtcp;
    media_give(m, o);
    return true;
}

void media_set(struct media *m, uint64_t call, const struct neg_agreed *agreed)
{
    struct order *o = media_order_new(ORDER_SET, call);

    o->set = *agreed;
    media_give(m, o);
}

void media_play(struct media *m, uint64_t call, uint64_t id, struct pcm *pcm, uint32_t flags, bool loop)
{
    struct order *o = media_order_new(ORDER_PLAY, call);

    o->play = media_alloc(sizeof *o->play);
    o->play->id = id;
    o->play->pcm = pcm_hold(pcm);
    o->play->flags = flags;
    o->play->loop = loop;
    media_give(m, o);
}

void media_stop(struct media *m, uint64_t call)
{
    media_give(m, media_order_new(ORDER_STOP, call));
}

void media_send_digit(struct media *m, uint64_t call, char digit, uint32_t ms)
{
    struct order *o = media_order_new(ORDER_KEY, call);

    o->key.key = digit;
    o->key.ms = ms;
    media_give(m, o);
}

void media_record(struct media *m, uint64_t call, const struct media_record *record)
{
    struct order *o = media_order_new(ORDER_RECORD, call);

    o->record = *record;
    media_give(m, o);
}

void media_record_end(struct media *m, uint64_t call)
{
    media_give(m, media_order_new(ORDER_RECORD_END, call));
}

void media_listen(struct media *m, uint64_t call, bool on)
{
    struct order *o = media_order_new(ORDER_LISTEN, call);

    o->listen = on;
    media_give(m, o);
}

void media_close(struct media *m, uint64_t call)
{
    media_give(m, media_order_new(ORDER_CLOSE, call));
}
