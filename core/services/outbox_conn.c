/*
 * The outbox's HTTP client (outbox_conn.h). A connection is made by an easy handle in the multi
 * handle, which it never leaves, so that libcurl keeps the connection for it alone; once made, its
 * descriptor is watched by us, and bytes go through curl_easy_send and curl_easy_recv.
 *
 * A connection carries one post at a time. It is given up after CONN_LIFE_US, so that a name that
 * points elsewhere is followed, or when it was idle for CONN_IDLE_US.
 */
#include "services/outbox_conn.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "services/outbox_answer.h"
#include "services/outbox_url.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CONN_IDLE_US INT64_C(50000000)
#define CONN_LIFE_US INT64_C(300000000)

enum { READ_BYTES = 16 << 10 };
enum conn_state { CONN_CONNECTING, CONN_BUSY, CONN_IDLE };

TAILQ_HEAD(conn_list, outbox_conn);

struct outbox_conn {
    struct outbox_target *target;
    TAILQ_ENTRY(outbox_conn) all, idle, idle_all;
    CURL *easy;
    int fd;
    struct loop_fd *watch; /* once connected */
    enum conn_state state;
    struct outbox_post *post; /* connecting or busy */
    struct buf out;
    size_t sent;
    bool want_write;
    int64_t made_us, idle_us;
    struct outbox_answer answer;
    char words[CURL_ERROR_SIZE];
};

struct outbox_target {
    struct outbox_conns *conns;
    char *url;
    struct buf head;            /* request line, and the lines that each request has */
    struct conn_list all, idle; /* idle: the longest first */
};

struct outbox_conns {
    struct loop *loop;
    struct outbox_conns_options o;
    char *ca_file;
    CURLM *multi;
    struct loop_timer *curl_timer, *timer;
    TAILQ_HEAD(, outbox_post) posts; /* under way; the first to be given up first */
    struct conn_list idle;
    uint64_t made;
};

static void conn_ready(void *arg, int fd, unsigned events);

/* ---- time ------------------------------------------------------------------------------------ */

static void arm(struct outbox_conns *c)
{
    const struct outbox_post *p = TAILQ_FIRST(&c->posts);
    const struct outbox_conn *idle = TAILQ_FIRST(&c->idle);
    int64_t due = p ? p->due_us : 0, armed = loop_timer_due(c->timer);

    if (idle && (due == 0 || idle->idle_us + CONN_IDLE_US < due))
        due = idle->idle_us + CONN_IDLE_US;
    /* One that is early looks again; so a busy client sets no timer for each post. */
    if (due && (armed == 0 || armed > due))
        loop_timer_at(c->timer, due);
}

/* ---- connections ---------------------------------------------------------------------------------- */

static void conn_idle_end(struct outbox_conn *x)
{
    TAILQ_REMOVE(&x->target->idle, x, idle);
    TAILQ_REMOVE(&x->target->conns->idle, x, idle_all);
}

static void conn_free(struct outbox_conn *x)
{
    struct outbox_conns *c = x->target->conns;

    if (x->state == CONN_IDLE)
        conn_idle_end(x);
    TAILQ_REMOVE(&x->target->all, x, all);
    loop_fd_free(&x->watch);
    curl_multi_remove_handle(c->multi, x->easy);
    curl_easy_cleanup(x->easy);
    buf_done(&x->out);
    free(x);
}

/* The post is no longer the client's. */
static void post_off(struct outbox_conns *c, struct outbox_post *p)
{
    TAILQ_REMOVE(&c->posts, p, list);
    p->conn = NULL;
}

static void post_done(struct outbox_conns *c, struct outbox_post *p, struct outbox_result *r)
{
    post_off(c, p);
    r->us = clock_mono_us() - p->started_us;
    p->done(p, r);
}

static void conn_new(struct outbox_target *t, struct outbox_post *p)
{
    struct outbox_conns *c = t->conns;
    struct outbox_conn *x = calloc(1, sizeof *x);

    if (!x || !(x->easy = curl_easy_init()))
        check_nomem();
    x->target = t;
    x->fd = -1;
    x->state = CONN_CONNECTING;
    x->post = p;
    p->conn = x;
    x->made_us = clock_mono_us();
    TAILQ_INSERT_TAIL(&t->all, x, all);
#define SET(option, value) CHECK(curl_easy_setopt(x->easy, option, value) == CURLE_OK)
    SET(CURLOPT_URL, t->url);
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_PRIVATE, x);
    SET(CURLOPT_ERRORBUFFER, x->words);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(c->o.connect_timeout_us / 1000));
    if (c->ca_file)
        SET(CURLOPT_CAINFO, c->ca_file);
#undef SET
    CHECK(curl_multi_add_handle(c->multi, x->easy) == CURLM_OK);
}

/* Nothing came of a post. Over a used connection that says only that the peer had closed it. */
static void conn_lost(struct outbox_conn *x, bool old, const char *words)
{
    struct outbox_target *t = x->target;
    struct outbox_post *p = x->post;
    struct outbox_result r = {.outcome = OUTBOX_LOST, .retry_after = ""};
    char copy[CURL_ERROR_SIZE];

    (void)snprintf(copy, sizeof copy, "%s", words);
    r.words = copy;
    conn_free(x);
    if (!p)
        return;
    if (old && !p->again) {
        p->again = true;
        conn_new(t, p);
        return;
    }
    post_done(t->conns, p, &r);
}

/* ---- a request and its answer ------------------------------------------------------------------------- */

static bool conn_old(const struct outbox_conn *x)
{
    return x->idle_us && !x->answer.begun;
}

/* false: the connection is gone. */
static bool conn_write(struct outbox_conn *x)
{
    while (x->sent < x->out.n) {
        size_t n = 0;
        CURLcode rc = curl_easy_send(x->easy, x->out.p + x->sent, x->out.n - x->sent, &n);
        if (rc == CURLE_AGAIN)
            break;
        if (rc != CURLE_OK) {
            conn_lost(x, conn_old(x), "the connection was cut while the request was sent");
            return false;
        }
        x->sent += n;
    }
    if (x->want_write != (x->sent < x->out.n)) {
        x->want_write = x->sent < x->out.n;
        (void)loop_fd_events(x->watch, LOOP_READ | (x->want_write ? LOOP_WRITE : 0u));
    }
    return true;
}

static void conn_begin(struct outbox_conn *x)
{
    const struct outbox_post *p = x->post;
    int32_t rc;

    x->state = CONN_BUSY;
    memset(&x->answer, 0, offsetof(struct outbox_answer, line));
    buf_clear(&x->out);
    x->sent = 0;
    rc = buf_add_str(&x->out, buf_str(&x->target->head));
    if (rc == HILO_OK)
        rc = buf_add_str(&x->out, p->head);
    if (rc == HILO_OK)
        rc = buf_fmt(&x->out, "Content-Length: %llu\r\n\r\n", (unsigned long long)p->body.n);
    if (rc == HILO_OK)
        rc = buf_add_str(&x->out, p->body);
    if (rc != HILO_OK)
        check_nomem();
    (void)conn_write(x);
}

static void conn_answered(struct outbox_conn *x)
{
    struct outbox_conns *c = x->target->conns;
    struct outbox_post *p = x->post;
    char retry_after[OUTBOX_LINE_MAX];
    struct outbox_result r = {
        .outcome = OUTBOX_ANSWERED, .status = x->answer.status, .retry_after = "", .words = ""};

    if (x->answer.retry_after[0]) {
        memcpy(retry_after, x->answer.retry_after, sizeof retry_after);
        r.retry_after = retry_after;
    }
    x->post = NULL;
    x->idle_us = clock_mono_us();
    if (x->answer.keep && x->sent == x->out.n && x->idle_us - x->made_us < CONN_LIFE_US) {
        x->state = CONN_IDLE;
        TAILQ_INSERT_TAIL(&x->target->idle, x, idle);
        TAILQ_INSERT_TAIL(&c->idle, x, idle_all);
        arm(c);
    } else {
        conn_free(x);
    }
    post_done(c, p, &r);
}

static void conn_read(struct outbox_conn *x)
{
    char bytes[READ_BYTES];
    enum outbox_answer_state state = OUTBOX_ANSWER_MORE;

    while (state == OUTBOX_ANSWER_MORE) {
        size_t n = 0;
        CURLcode rc = curl_easy_recv(x->easy, bytes, sizeof bytes, &n);
        if (rc == CURLE_AGAIN)
            return;
        if (rc == CURLE_OK && n > 0) {
            state = outbox_answer_read(&x->answer, bytes, n);
            continue;
        }
        state = outbox_answer_end(&x->answer);
        if (state == OUTBOX_ANSWER_BAD) {
            conn_lost(x, conn_old(x),
                      x->answer.begun ? "the connection was cut in the middle of the answer"
                                      : "the connection was cut without an answer");
            return;
        }
    }
    if (state == OUTBOX_ANSWER_DONE)
        conn_answered(x);
    else
        conn_lost(x, false, "what it answered is no HTTP");
}

static void conn_ready(void *arg, int fd, unsigned events)
{
    struct outbox_conn *x = arg;

    (void)fd;
    if (x->state == CONN_IDLE) { /* closed, or something that nobody asked for */
        conn_free(x);
        return;
    }
    if ((events & LOOP_WRITE) && !conn_write(x))
        return;
    if (events & LOOP_READ)
        conn_read(x);
}

/* libcurl has connected it, or not. */
static void conn_made(struct outbox_conn *x, CURLcode result)
{
    struct outbox_conns *c = x->target->conns;
    struct outbox_post *p = x->post;
    curl_socket_t fd = CURL_SOCKET_BAD;
    struct outbox_result r = {.outcome = OUTBOX_UNREACHABLE, .retry_after = ""};
    char words[CURL_ERROR_SIZE];

    if (result == CURLE_OK)
        (void)curl_easy_getinfo(x->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (result == CURLE_OK && fd != CURL_SOCKET_BAD &&
        loop_fd_new(c->loop, fd, LOOP_READ, conn_ready, x, &x->watch) == HILO_OK) {
        c->made++;
        x->fd = fd;
        conn_begin(x);
        return;
    }
    (void)snprintf(words, sizeof words, "%s",
                   x->words[0]          ? x->words
                   : result != CURLE_OK ? curl_easy_strerror(result)
                                        : "the descriptor cannot be watched");
    r.words = words;
    conn_free(x);
    post_done(c, p, &r);
}

void outbox_post(struct outbox_target *t, struct outbox_post *p)
{
    struct outbox_conns *c = t->conns;
    struct outbox_conn *x = TAILQ_LAST(&t->idle, conn_list);

    p->started_us = clock_mono_us();
    p->due_us = p->started_us + c->o.timeout_us;
    p->again = false;
    TAILQ_INSERT_TAIL(&c->posts, p, list);
    arm(c);
    if (!x) {
        conn_new(t, p);
        return;
    }
    conn_idle_end(x);
    x->post = p;
    p->conn = x;
    conn_begin(x);
}

/* ---- libcurl and the loop --------------------------------------------------------------------------- */

static void multi_done(struct outbox_conns *c)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(c->multi, &left))) {
        char *x = NULL;
        CURLcode result = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
        CHECK(x != NULL);
        conn_made((struct outbox_conn *)(void *)x, result);
    }
}

static void multi_ready(void *arg, int fd, unsigned events)
{
    struct outbox_conns *c = arg;
    int running;

    curl_multi_socket_action(
        c->multi, fd,
        (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0), &running);
    multi_done(c);
}

static void multi_timeout(void *arg)
{
    struct outbox_conns *c = arg;
    int running;

    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    multi_done(c);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch)
{
    struct outbox_conns *c = arg;
    struct loop_fd *w = watch;
    unsigned events = (what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_fd_free(&w);
        return 0;
    }
    if (w)
        return loop_fd_events(w, events) == HILO_OK ? 0 : -1;
    if (loop_fd_new(c->loop, fd, events, multi_ready, c, &w) != HILO_OK)
        return -1;
    curl_multi_assign(c->multi, fd, w);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct outbox_conns *c = arg;

    (void)multi;
    if (ms < 0)
        loop_timer_cancel(c->curl_timer);
    else
        loop_timer_at(c->curl_timer, clock_mono_us() + ms * 1000);
    return 0;
}

static void on_due(void *arg)
{
    struct outbox_conns *c = arg;
    int64_t now = clock_mono_us();
    struct outbox_post *p;
    struct outbox_conn *x;
    char words[80];

    (void)snprintf(words, sizeof words, "no answer within %lld ms", (long long)(c->o.timeout_us / 1000));
    while ((p = TAILQ_FIRST(&c->posts)) && p->due_us <= now)
        conn_lost(p->conn, false, words);
    while ((x = TAILQ_FIRST(&c->idle)) && x->idle_us + CONN_IDLE_US <= now)
        conn_free(x);
    arm(c);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init_library(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

int32_t outbox_conns_new(struct loop *loop, const struct outbox_conns_options *o, struct err *e,
                         struct outbox_conns **out)
{
    struct outbox_conns *c = calloc(1, sizeof *c);

    if (!c)
        check_nomem();
    pthread_once(&once, init_library);
    c->loop = loop;
    c->o = *o;
    if (o->ca_file && !(c->ca_file = strdup(o->ca_file)))
        check_nomem();
    TAILQ_INIT(&c->posts);
    TAILQ_INIT(&c->idle);
    c->multi = curl_multi_init();
    c->curl_timer = loop_timer_new(loop, multi_timeout, c);
    c->timer = loop_timer_new(loop, on_due, c);
    if (!c->multi || curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK) {
        outbox_conns_free(&c);
        return err_set(e, HILO_NOMEM, "cannot start the webhooks' HTTP client: libcurl refused");
    }
    *out = c;
    return HILO_OK;
}

void outbox_conns_free(struct outbox_conns **cp)
{
    struct outbox_conns *c = *cp;

    if (!c)
        return;
    if (c->multi)
        curl_multi_cleanup(c->multi);
    loop_timer_free(&c->curl_timer);
    loop_timer_free(&c->timer);
    free(c->ca_file);
    free(c);
    *cp = NULL;
}

uint64_t outbox_conns_made(const struct outbox_conns *c)
{
    return c->made;
}

struct outbox_target *outbox_target_new(struct outbox_conns *c, struct hilo_str url)
{
    struct outbox_target *t = calloc(1, sizeof *t);

    if (!t || !(t->url = strndup(url.p, (size_t)url.n)))
        check_nomem();
    t->conns = c;
    TAILQ_INIT(&t->all);
    TAILQ_INIT(&t->idle);
    outbox_url_head(url, &t->head);
    return t;
}

void outbox_target_free(struct outbox_target **tp)
{
    struct outbox_target *t = *tp;
    struct outbox_conn *x;

    if (!t)
        return;
    while ((x = TAILQ_FIRST(&t->all))) {
        if (x->post)
            post_off(t->conns, x->post);
        conn_free(x);
    }
    buf_done(&t->head);
    free(t->url);
    free(t);
    *tp = NULL;
}
