/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "smtp.h"

#include "compose_impl.h"
#include "smtp_talk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECT_MS = 30000,
    REPLY_S = 300, /* RFC 5321, section 4.5.3.2 */
    LAST_REPLY_S = 600,
    IDLE_S = 30, /* a connection without work */
    STACK = 512 * 1024,
    SOCKETS = 2 * SMTP_RELAYS_MAX
};
#define HELD_US     INT64_C(5000000) /* a relay that failed; doubling to */
#define HELD_MAX_US (INT64_C(300) * 1000000)

struct relay {
    struct smtp_relay conf; /* what it points to is in memory of its own */
    char *memory, *url, *user, *secret, *options;
    uint32_t active;
    int64_t held_until, held_us; /* held_us 0: it works, as far as is known */
    uint64_t size;
    bool utf8;
};
struct job {
    TAILQ_ENTRY(job) at;
    uint64_t token;
    char *from, *to, *bytes;
    size_t n, given;
    bool utf8;
    uint32_t tried; /* bits of relays */
    struct smtp *smtp;
    struct relay *relay;
    CURL *easy;
    struct smtp_talk talk;
    bool no_utf8; /* given up: the relay does not take such an address */
    /* how it ended, the weightiest of all relays */
    int32_t code;
    uint32_t status, which;
    char enhanced[TALK_ENHANCED], words[TALK_WORDS];
};
TAILQ_HEAD(jobs, job);
struct worker { /* a thread with its connections */
    struct smtp *smtp;
    pthread_t thread;
    CURL *easy;
    int fd[SOCKETS];
    size_t n_fd;
};
struct smtp {
    const struct hilo_host *host;
    struct hilo_self *self;
    smtp_done *done;
    void *arg;
    int event;
    size_t n_relays, n_workers, workers_max;
    struct relay relay[SMTP_RELAYS_MAX];
    /* under lock, all that follows, and what changes of relays and workers */
    pthread_mutex_t lock;
    pthread_cond_t work, room;
    struct jobs queue, ended;
    size_t idle;
    bool stop;
    struct worker *worker;
};

static void lock(struct smtp *s)
{
    (void)pthread_mutex_lock(&s->lock);
}
static void unlock(struct smtp *s)
{
    (void)pthread_mutex_unlock(&s->lock);
}

static void job_free(struct job *j)
{
    g_free(j->from);
    g_free(j->to);
    free(j->bytes);
    free(j);
}

/* ---- sockets: known, so that smtp_free() waits for none
 * ----------------------------------------------------- */

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct worker *w = arg;
    int fd = -1;

    (void)purpose;
    lock(w->smtp);
    if (!w->smtp->stop && w->n_fd < SOCKETS)
        fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    if (fd >= 0)
        w->fd[w->n_fd++] = fd;
    unlock(w->smtp);
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct worker *w = arg;
    size_t i;

    lock(w->smtp);
    for (i = 0; i < w->n_fd; i++)
        if (w->fd[i] == fd) {
            w->fd[i] = w->fd[--w->n_fd];
            break;
        }
    (void)close(fd);
    unlock(w->smtp);
    return 0;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct smtp *s = arg;
    bool stop;

    (void)a, (void)b, (void)c, (void)d;
    lock(s);
    stop = s->stop;
    unlock(s);
    return stop;
}

/* ---- one mail to one relay
 * ----------------------------------------------------------------------------------- */

static size_t on_line(char *bytes, size_t size, size_t n, void *arg)
{
    struct job *j = arg;

    smtp_talk_line(&j->talk, bytes, size * n);
    return size * n;
}

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
    struct job *j = arg;
    size_t k = j->n - j->given < size * n ? j->n - j->given : size * n;

    /* Known only now: EHLO was long ago where the connection is an old one. */
    if (j->utf8 && !(j->talk.known ? j->talk.utf8 : j->relay->utf8)) {
        j->no_utf8 = true;
        return CURL_READFUNC_ABORT;
    }
    if (k)
        memcpy(to, j->bytes + j->given, k);
    j->given += k;
    if (k == 0) {
        j->talk.all = true; /* the final dot goes out behind this */
        (void)curl_easy_setopt(j->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)LAST_REPLY_S);
    }
    return k;
}

static size_t on_write(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes, (void)arg;
    return size * n;
}

static struct curl_blob blob(struct hilo_str s)
{
    union {
        const char *given;
        void *taken;
    } p = {s.p}; /* libcurl only reads it */

    return (struct curl_blob){p.taken, (size_t)s.n, CURL_BLOB_NOCOPY};
}

static CURLcode set_tls(CURL *c, const struct relay *r)
{
    static const long use[] = {[SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
                               [SMTP_TLS_MAY] = CURLUSESSL_TRY,
                               [SMTP_TLS_NEVER] = CURLUSESSL_NONE};
    /* Encrypted for whom it may be is better than not at all, but nothing is entrusted to such a relay. */
    const bool anybody = r->conf.tls == SMTP_TLS_MAY && !r->conf.ca.n && !r->user;
    struct curl_blob ca = blob(r->conf.ca), cert = blob(r->conf.client_cert), key = blob(r->conf.client_key);
    CURLcode rc = curl_easy_setopt(c, CURLOPT_USE_SSL, use[r->conf.tls]);

    (void)curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (rc == CURLE_OK && anybody) {
        (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (rc == CURLE_OK && ca.len)
        rc = curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
    if (rc == CURLE_OK && cert.len) {
        rc = curl_easy_setopt(c, CURLOPT_SSLCERT_BLOB, &cert);
        (void)curl_easy_setopt(c, CURLOPT_SSLCERTTYPE, "PEM");
    }
    if (rc == CURLE_OK && key.len) {
        rc = curl_easy_setopt(c, CURLOPT_SSLKEY_BLOB, &key);
        (void)curl_easy_setopt(c, CURLOPT_SSLKEYTYPE, "PEM");
    }
    return rc;
}

static void set_auth(CURL *c, const struct relay *r)
{
    const bool bearer = r->options && strcmp(r->options, "AUTH=XOAUTH2") == 0;

    if (!r->user)
        return;
    (void)curl_easy_setopt(c, CURLOPT_USERNAME, r->user);
    (void)curl_easy_setopt(c, bearer ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, r->secret ? r->secret : "");
    (void)curl_easy_setopt(c, CURLOPT_SASL_IR, 1L); /* RFC 4954: a round trip less */
    if (r->options)
        (void)curl_easy_setopt(c, CURLOPT_LOGIN_OPTIONS, r->options);
}

/* What is the same for every mail; the setters that can fail are the last of each. */
static CURLcode set_relay(CURL *c, const struct relay *r)
{
    CURLcode rc;

    curl_easy_reset(c); /* keeps its connections */
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(c, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)REPLY_S);
    (void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    set_auth(c, r);
    rc = set_tls(c, r);
    return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_URL, r->url) : rc;
}

static CURLcode perform(struct worker *w, struct job *j, char error[CURL_ERROR_SIZE], bool fresh)
{
    CURL *c = w->easy ? w->easy : (w->easy = curl_easy_init());
    struct curl_slist *rcpt = c ? curl_slist_append(NULL, j->to) : NULL;
    CURLcode rc = rcpt ? set_relay(c, j->relay) : CURLE_OUT_OF_MEMORY;

    memset(&j->talk, 0, sizeof j->talk);
    j->given = 0;
    j->easy = c;
    error[0] = '\0';
    if (rc == CURLE_OK) {
        (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
        (void)curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, (long)fresh);
        (void)curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open);
        (void)curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, w);
        (void)curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, on_close);
        (void)curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, w);
        (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
        (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, w->smtp);
        (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_line);
        (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, j);
        (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
        (void)curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        (void)curl_easy_setopt(c, CURLOPT_READDATA, j);
        (void)curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)j->n);
        (void)curl_easy_setopt(c, CURLOPT_MAIL_RCPT, rcpt);
        rc = curl_easy_setopt(c, CURLOPT_MAIL_FROM, j->from);
    }
    if (rc == CURLE_OK)
        rc = curl_easy_perform(c);
    curl_slist_free_all(rcpt);
    return rc;
}

/* ---- relays
 * ------------------------------------------------------------------------------------------------- */

static void relay_log(struct smtp *s, int32_t level, const struct relay *r, const char *what,
                      const char *words)
{
    char line[400];
    int n = snprintf(line, sizeof line, "email.relay relay=%zu %s%s%.200s", (size_t)(r - s->relay) + 1, what,
                     *words ? ": " : "", words);

    s->host->log(s->self, level,
                 (struct hilo_str){line, n < (int)sizeof line ? (uint64_t)n : sizeof line - 1});
}

/* Under lock. The first that is not held off; else the one that is so for the shortest time. NULL: none is
 * left (*full false), or those that are left have all connections in use. */
static struct relay *relay_pick(struct smtp *s, const struct job *j, bool *full)
{
    int64_t now = s->host->mono_us(s->self), best_at = 0;
    struct relay *best = NULL, *r;

    *full = false;
    for (r = s->relay; r < s->relay + s->n_relays; r++) {
        int64_t at = r->held_until > now ? r->held_until : 0;

        if (j->tried & (1U << (r - s->relay)))
            continue;
        if (!best || at < best_at) {
            best = r;
            best_at = at;
        }
    }
    *full = best && best->active >= best->conf.connections;
    return *full ? NULL : best;
}

/* Waits for room. NULL: no relay is left, or it ends. */
static struct relay *relay_take(struct smtp *s, struct job *j)
{
    struct relay *r;
    bool full;

    lock(s);
    while (!(r = relay_pick(s, j, &full)) && full && !s->stop)
        (void)pthread_cond_wait(&s->room, &s->lock);
    if (s->stop)
        r = NULL;
    if (r) {
        r->active++;
        j->tried |= 1U << (r - s->relay);
    }
    unlock(s);
    return r;
}

static void relay_give(struct smtp *s, struct relay *r, const struct job *j, struct smtp_verdict v,
                       const char *words)
{
    bool up = false, down = false;

    lock(s);
    r->active--;
    if (j->talk.known) {
        r->size = j->talk.size;
        r->utf8 = j->talk.utf8;
    }
    if (v.relay && !s->stop) {
        down = r->held_us == 0;
        r->held_us = down ? HELD_US : r->held_us * 2 < HELD_MAX_US ? r->held_us * 2 : HELD_MAX_US;
        r->held_until = s->host->mono_us(s->self) + r->held_us;
    } else if (!v.relay) {
        up = r->held_us != 0;
        r->held_us = r->held_until = 0;
    }
    (void)pthread_cond_broadcast(&s->room);
    unlock(s);
    if (down)
        relay_log(s, HILO_LOG_WARN, r, "takes no mail, the next one is used meanwhile", words);
    if (up)
        relay_log(s, HILO_LOG_INFO, r, "takes mail again", "");
}

/* ---- a mail
 * -------------------------------------------------------------------------------------------------- */

/* Of relays that took nothing: what somebody can do something about comes first. */
static int weight(int32_t code)
{
    return code == HILO_CONFIG ? 2 : code == HILO_TEMP ? 1 : 0;
}

static void job_note(struct job *j, struct smtp_verdict v, const char *words)
{
    if (j->code != HILO_OK && v.relay && weight(v.code) < weight(j->code))
        return;
    j->code = v.code;
    j->which = (uint32_t)(j->relay - j->smtp->relay);
    j->status = j->talk.status >= 400 || v.code == HILO_OK ? j->talk.status : 0;
    (void)snprintf(j->enhanced, sizeof j->enhanced, "%s", j->status ? j->talk.enhanced : "");
    (void)snprintf(j->words, sizeof j->words, "%s", j->status ? j->talk.words : words);
    if (j->no_utf8) {
        j->status = 553;
        (void)snprintf(j->enhanced, sizeof j->enhanced, "5.6.7");
        (void)snprintf(j->words, sizeof j->words,
                       "the relay does not take addresses with such characters (SMTPUTF8)");
    }
}

static void deliver(struct worker *w, struct job *j)
{
    struct smtp *s = w->smtp;
    char error[CURL_ERROR_SIZE];
    struct smtp_verdict v;
    CURLcode rc;

    while ((j->relay = relay_take(s, j)) != NULL) {
        rc = perform(w, j, error, false);
        if (smtp_talk_stale(&j->talk, rc))
            rc = perform(w, j, error, true);
        v = smtp_talk_verdict(&j->talk, rc);
        if (j->no_utf8)
            v = (struct smtp_verdict){HILO_PERM, false};
        if (!error[0])
            (void)snprintf(error, sizeof error, "%s", curl_easy_strerror(rc));
        relay_give(s, j->relay, j, v, error);
        job_note(j, v, error);
        if (!v.relay)
            break;
    }
}

/* Under lock. */
static void job_ended(struct smtp *s, struct job *j)
{
    const uint64_t one = 1;

    TAILQ_INSERT_TAIL(&s->ended, j, at);
    while (write(s->event, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* Under lock. Whether there is work; false after IDLE_S without, or when it ends. */
static bool wait_for_work(struct smtp *s)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    s->idle++;
    while (TAILQ_EMPTY(&s->queue) && !s->stop && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&s->work, &s->lock, &until);
    s->idle--;
    return !TAILQ_EMPTY(&s->queue) && !s->stop;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct smtp *s = w->smtp;
    struct job *j;

    lock(s);
    while (!s->stop) {
        if (!wait_for_work(s)) {
            unlock(s);
            curl_easy_cleanup(w->easy); /* QUIT */
            w->easy = NULL;
            lock(s);
            continue;
        }
        j = TAILQ_FIRST(&s->queue);
        TAILQ_REMOVE(&s->queue, j, at);
        unlock(s);
        deliver(w, j);
        lock(s);
        job_ended(s, j);
    }
    unlock(s);
    curl_easy_cleanup(w->easy);
    return NULL;
}

/* Under lock. Another thread, if all are busy. */
static void add_worker(struct smtp *s)
{
    struct worker *w = &s->worker[s->n_workers];
    pthread_attr_t attr;

    if (s->idle || s->n_workers == s->workers_max || pthread_attr_init(&attr) != 0)
        return;
    w->smtp = s;
    (void)pthread_attr_setstacksize(&attr, STACK);
    if (pthread_create(&w->thread, &attr, work, w) == 0)
        s->n_workers++;
    (void)pthread_attr_destroy(&attr);
}

int32_t smtp_send(struct smtp *s, const struct smtp_mail *m)
{
    struct job *j = calloc(1, sizeof *j);
    bool utf8 = false;
    int32_t rc;

    if (!j) {
        free(m->bytes);
        return HILO_NOMEM;
    }
    j->smtp = s;
    j->token = m->token;
    j->bytes = m->bytes;
    j->n = m->n;
    j->from = compose_address((struct hilo_str){m->from, strlen(m->from)}, &utf8);
    j->to = compose_address((struct hilo_str){m->to, strlen(m->to)}, &utf8);
    j->utf8 = m->utf8 || utf8;
    lock(s);
    if (!j->from || !j->to) {
        j->code = HILO_PERM;
        (void)snprintf(j->enhanced, sizeof j->enhanced, j->to ? "5.1.7" : "5.1.3");
        (void)snprintf(j->words, sizeof j->words, "the address is none that a mail can be sent to");
        job_ended(s, j);
        unlock(s);
        return HILO_OK;
    }
    TAILQ_INSERT_TAIL(&s->queue, j, at);
    add_worker(s);
    (void)pthread_cond_signal(&s->work);
    rc = s->n_workers ? HILO_OK : HILO_NOMEM;
    if (rc != HILO_OK)
        TAILQ_REMOVE(&s->queue, j, at);
    unlock(s);
    if (rc != HILO_OK)
        job_free(j);
    return rc;
}

bool smtp_on_fd(struct smtp *s, int32_t fd, uint32_t events)
{
    struct smtp_outcome o;
    struct job *j;
    uint64_t n;

    (void)events;
    if (fd != s->event)
        return false;
    (void)!read(s->event, &n, sizeof n);
    for (;;) {
        lock(s);
        j = TAILQ_FIRST(&s->ended);
        if (j)
            TAILQ_REMOVE(&s->ended, j, at);
        unlock(s);
        if (!j)
            return true;
        o = (struct smtp_outcome){.code = j->code,
                                  .status = j->status,
                                  .relay = j->which,
                                  .enhanced = {j->enhanced, strlen(j->enhanced)},
                                  .words = {j->words, strlen(j->words)}};
        s->done(s->arg, j->token, &o);
        job_free(j);
    }
}

uint64_t smtp_size_max(struct smtp *s)
{
    uint64_t most = 0;
    size_t i;

    lock(s);
    for (i = 0; i < s->n_relays; i++)
        most = s->relay[i].size > most ? s->relay[i].size : most;
    unlock(s);
    return most;
}

/* ---- life
 * ------------------------------------------------------------------------------------------------------ */

/* s in memory that goes on at *at, NUL-ended. */
static char *keep(char **at, struct hilo_str *s)
{
    char *p = *at;

    if (!s->n)
        return NULL;
    memcpy(p, s->p, (size_t)s->n);
    p[s->n] = '\0';
    *at += s->n + 1;
    s->p = p;
    return p;
}

static const char *relay_init(struct relay *r, const struct smtp_relay *conf, const char *helo)
{
    struct hilo_str *all[] = {&r->conf.url,         &r->conf.user,       &r->conf.secret, &r->conf.mechanism,
                              &r->conf.client_cert, &r->conf.client_key, &r->conf.ca};
    size_t bytes = 1, i;
    char *at, *host, *path, *mechanism;
    CURL *c;
    CURLcode rc;

    r->conf = *conf;
    for (i = 0; i < sizeof all / sizeof *all; i++)
        bytes += all[i]->n + 1;
    r->memory = at = malloc(bytes);
    if (!r->memory)
        return "there is no memory for another relay";
    path = keep(&at, &r->conf.url);
    host = path ? strstr(path, "://") : NULL;
    if (!host || conf->tls > SMTP_TLS_NEVER || !conf->connections)
        return "a relay is given by a URL like smtp://mail.example.com:587";
    host[3 + strcspn(host + 3, "/")] = '\0';
    r->user = keep(&at, &r->conf.user);
    r->secret = keep(&at, &r->conf.secret);
    mechanism = keep(&at, &r->conf.mechanism);
    (void)keep(&at, &r->conf.client_cert);
    (void)keep(&at, &r->conf.client_key);
    (void)keep(&at, &r->conf.ca);
    r->url = g_strdup_printf("%s/%s", path, helo);
    r->options = mechanism ? g_strdup_printf("AUTH=%s", mechanism) : NULL;
    c = curl_easy_init();
    rc = c ? set_relay(c, r) : CURLE_OUT_OF_MEMORY;
    curl_easy_cleanup(c);
    if (rc == CURLE_NOT_BUILT_IN || rc == CURLE_UNKNOWN_OPTION)
        return "certificates can't be given to the libcurl that is installed; it must be OpenSSL's (package "
               "libcurl4)";
    return rc == CURLE_OK ? NULL : curl_easy_strerror(rc);
}

static bool helo_good(const char *helo)
{
    const char *c;

    for (c = helo; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr(".-", *c))
            return false;
    return c > helo && c - helo < 256;
}

static const char *begin(struct smtp *s)
{
    pthread_condattr_t attr;

    s->worker = calloc(s->workers_max, sizeof *s->worker);
    if (!s->worker || pthread_condattr_init(&attr) != 0)
        return "there is no memory for connections";
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->work, &attr);
    (void)pthread_cond_init(&s->room, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&s->lock, NULL);
    s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->event < 0)
        return strerror(errno);
    if (s->host->watch(s->self, s->event, HILO_READ) != HILO_OK)
        return "the host watches no more descriptors";
    return NULL;
}

struct smtp *smtp_new(const struct smtp_relay *relay, size_t n, const char *helo,
                      const struct hilo_host *host, struct hilo_self *self, smtp_done *done, void *arg,
                      char why[256])
{
    struct smtp *s = calloc(1, sizeof *s);
    const char *what = NULL;

    if (!s || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)snprintf(why, 256, "there is no memory for relays");
        free(s);
        return NULL;
    }
    s->host = host;
    s->self = self;
    s->done = done;
    s->arg = arg;
    s->event = -1;
    TAILQ_INIT(&s->queue);
    TAILQ_INIT(&s->ended);
    if (n == 0 || n > SMTP_RELAYS_MAX)
        what = "between 1 and 8 relays can be given";
    else if (!helo_good(helo))
        what = "our own name (EHLO) must be a host name";
    for (; !what && s->n_relays < n; s->n_relays++) {
        what = relay_init(&s->relay[s->n_relays], &relay[s->n_relays], helo);
        if (relay[s->n_relays].connections > s->workers_max)
            s->workers_max = relay[s->n_relays].connections;
    }
    if (!what)
        what = begin(s);
    if (what) {
        (void)snprintf(why, 256, "%s", what);
        smtp_free(s);
        return NULL;
    }
    return s;
}

static void stop_workers(struct smtp *s)
{
    size_t i, k;

    if (s->event < 0)
        return;
    lock(s);
    s->stop = true;
    (void)pthread_cond_broadcast(&s->work);
    (void)pthread_cond_broadcast(&s->room);
    /* QUIT still goes out, and what would wait for an answer sees the end at once. */
    for (i = 0; i < s->n_workers; i++)
        for (k = 0; k < s->worker[i].n_fd; k++)
            (void)shutdown(s->worker[i].fd[k], SHUT_RD);
    unlock(s);
    for (i = 0; i < s->n_workers; i++)
        (void)pthread_join(s->worker[i].thread, NULL);
    (void)s->host->watch(s->self, s->event, 0);
    (void)close(s->event);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_cond_destroy(&s->room);
    (void)pthread_mutex_destroy(&s->lock);
}

void smtp_free(struct smtp *s)
{
    struct job *j;
    size_t i;

    if (!s)
        return;
    stop_workers(s);
    while ((j = TAILQ_FIRST(&s->queue))) {
        TAILQ_REMOVE(&s->queue, j, at);
        job_free(j);
    }
    while ((j = TAILQ_FIRST(&s->ended))) {
        TAILQ_REMOVE(&s->ended, j, at);
        job_free(j);
    }
    for (i = 0; i < SMTP_RELAYS_MAX; i++) {
        free(s->relay[i].memory);
        g_free(s->relay[i].url);
        g_free(s->relay[i].options);
    }
    free(s->worker);
    free(s);
    curl_global_cleanup();
}
