/*
 * The HTTP client (httpc.h): libcurl's multi interface driven by our loop through its
 * socket and timer callbacks.
 *
 * Not sent twice. libcurl repeats a request by itself when a reused connection dies
 * before any answer, although the peer may have got it. It can only do so if it can
 * rewind the body; so bodies come from a read callback that can't be rewound, and a
 * request without a body that must not be repeated never gets a used connection.
 *
 * MAYBE_SENT is decided from libcurl's count of bytes sent, head and body: only when both
 * are zero has nothing left.
 *
 * Limits: HTTP/1.1 and HTTP/2 as the peer chooses by ALPN; 128 headers of an answer are
 * kept, further ones are dropped.
 */
#include "plug/httpc.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "plug/frames.h"
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_BYTES_MAX = 64 * 1024, CONNECTIONS_KEPT = 64, CONNECTION_IDLE_S = 50 };

struct http_part { /* one part's bytes while libcurl reads them */
    int fd;        /* -1: from data */
    struct hilo_str data;
    uint64_t at;
};

struct header_at { /* of an answer, in head */
    uint32_t key, key_n, val, val_n;
};

struct request {
    struct httpc *client;
    struct request *prev, *next;
    uint64_t token;
    CURL *easy;
    struct curl_slist *headers;
    curl_mime *mime;
    struct http_part body;
    struct http_part *part;
    uint64_t n_part;
    char *copies; /* body and parts' data */
    /* the answer */
    struct buf answer, head;
    struct header_at header[FRAME_HEADERS_MAX];
    unsigned n_header;
    int sink_fd;
    uint64_t max_bytes, received;
    int32_t failed;              /* why a callback of ours stopped the transfer, and */
    char why[80];                /* its words; */
    char words[CURL_ERROR_SIZE]; /* those of libcurl */
};

struct httpc {
    struct loop *loop;
    struct loop_timer *timer;
    CURLM *multi;
    httpc_done_fn *done;
    void *arg;
    struct request *all;
    unsigned n;
    uint64_t requests, connections;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init_library(void)
{
    /* Never undone: libcurl's clean-up is not for a process that may load plugins using it. */
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* ---- a request's memory ----------------------------------------------------------------- */

static void request_free(struct request *r, bool close_fds)
{
    if (r->easy)
        curl_easy_cleanup(r->easy);
    curl_mime_free(r->mime);
    curl_slist_free_all(r->headers);
    if (close_fds) {
        for (uint64_t i = 0; i < r->n_part; i++)
            if (r->part[i].fd >= 0)
                close(r->part[i].fd);
        if (r->sink_fd >= 0)
            close(r->sink_fd);
    }
    free(r->part);
    free(r->copies);
    buf_done(&r->answer);
    buf_done(&r->head);
    free(r);
}

static void request_unlink(struct request *r)
{
    struct httpc *c = r->client;

    if (r->prev)
        r->prev->next = r->next;
    else
        c->all = r->next;
    if (r->next)
        r->next->prev = r->prev;
    c->n--;
}

/* ---- checking what the plugin asks for ----------------------------------------------------- */

static bool token_ok(struct hilo_str s, uint64_t max)
{
    if (s.n == 0 || s.n > max)
        return false;
    for (uint64_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
              (ch && strchr("!#$%&'*+-.^_`|~", ch))))
            return false;
    }
    return true;
}

static bool line_ok(struct hilo_str s, uint64_t max)
{
    if (s.n > max)
        return false;
    for (uint64_t i = 0; i < s.n; i++) {
        uint8_t ch = (uint8_t)s.p[i];
        if ((ch < 0x20 && ch != '\t') || ch == 0x7f)
            return false;
    }
    return true;
}

static bool url_ok(struct hilo_str u)
{
    struct hilo_str head = {u.p, u.n < 8 ? u.n : 8};

    if (!line_ok(u, 16 * 1024) || (u.n && memchr(u.p, ' ', (size_t)u.n)))
        return false;
    if (u.n > 8 && str_eq_nocase(head, STR("https://")))
        return true;
    head.n = u.n < 7 ? u.n : 7;
    return u.n > 7 && str_eq_nocase(head, STR("http://"));
}

static bool http_ok(const struct hilo_http *h)
{
    if (h->size < sizeof *h || !token_ok(h->method, 16) || !url_ok(h->url) || h->body.n > HTTPC_BODY_MAX ||
        h->n_header > FRAME_HEADERS_MAX || h->n_part > FRAME_HEADERS_MAX)
        return false;
    for (uint64_t i = 0; i < h->n_header; i++)
        if (!token_ok(h->header[i].key, 256) || !line_ok(h->header[i].val, HEADER_BYTES_MAX))
            return false;
    for (uint64_t i = 0; i < h->n_part; i++) {
        const struct hilo_part *p = &h->part[i];
        if (p->name.n == 0 || !line_ok(p->name, 1024) || !line_ok(p->filename, 1024) ||
            !line_ok(p->type, 256) || (p->fd < 0 && p->data.n > HTTPC_BODY_MAX))
            return false;
    }
    return true;
}

/* ---- libcurl's callbacks for one transfer ---------------------------------------------------- */

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
    struct http_part *p = arg;
    size_t room = size * n;
    ssize_t got;

    if (p->fd < 0) {
        uint64_t left = p->data.n - p->at;
        size_t k = left < room ? (size_t)left : room;
        if (k)
            memcpy(to, p->data.p + p->at, k);
        p->at += k;
        return k;
    }
    do
        got = pread(p->fd, to, room, (off_t)p->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return CURL_READFUNC_ABORT;
    p->at += (uint64_t)got;
    return (size_t)got;
}

/* See the top: what can't be rewound is not sent twice. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    const struct http_part *p = arg;

    return p->at == 0 && offset == 0 && origin == SEEK_SET ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct request *r = arg;
    size_t len = size * n, at = 0;

    if (r->max_bytes && len > r->max_bytes - r->received) {
        r->failed = HILO_INVALID;
        snprintf(r->why, sizeof r->why, "the answer is longer than %llu bytes",
                 (unsigned long long)r->max_bytes);
        return 0;
    }
    r->received += len;
    if (r->sink_fd < 0) {
        if (buf_add(&r->answer, p, len) == HILO_OK)
            return len;
        r->failed = HILO_NOMEM;
        return 0;
    }
    while (at < len) {
        ssize_t w = write(r->sink_fd, p + at, len - at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            r->failed = errno == ENOSPC || errno == EDQUOT ? HILO_FULL : HILO_IO;
            snprintf(r->why, sizeof r->why, "cannot write the answer to its file: errno %d", errno);
            return 0;
        }
        at += (size_t)w;
    }
    return len;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct request *r = arg;
    size_t len = size * n;
    struct hilo_str line = {p, len}, key, val;
    struct header_at *h;

    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    if (str_starts(line, STR("HTTP/"))) { /* of the final answer, after a 100 */
        r->n_header = 0;
        buf_clear(&r->head);
        return len;
    }
    if (!str_cut(line, ':', &key, &val) || r->n_header == FRAME_HEADERS_MAX ||
        r->head.n + line.n > HEADER_BYTES_MAX)
        return len;
    while (val.n && (val.p[0] == ' ' || val.p[0] == '\t')) {
        val.p++;
        val.n--;
    }
    h = &r->header[r->n_header];
    *h = (struct header_at){(uint32_t)r->head.n, (uint32_t)key.n, (uint32_t)(r->head.n + key.n),
                            (uint32_t)val.n};
    if (buf_add_str(&r->head, key) == HILO_OK && buf_add_str(&r->head, val) == HILO_OK)
        r->n_header++;
    return len;
}

/* ---- setting up a transfer ---------------------------------------------------------------------- */

static bool copy_bodies(struct request *r, const struct hilo_http *h)
{
    uint64_t n = h->body.n + 1;
    char *at;

    for (uint64_t i = 0; i < h->n_part; i++)
        n += h->part[i].fd < 0 ? h->part[i].data.n : 0;
    r->copies = at = malloc((size_t)n);
    r->part = calloc((size_t)(h->n_part ? h->n_part : 1), sizeof *r->part);
    if (!r->copies || !r->part)
        return false;
    if (h->body.n)
        memcpy(at, h->body.p, (size_t)h->body.n);
    r->body = (struct http_part){-1, {at, h->body.n}, 0};
    at += h->body.n;
    for (uint64_t i = 0; i < h->n_part; i++) {
        const struct hilo_part *p = &h->part[i];

        r->part[i] = (struct http_part){(int)p->fd, {NULL, 0}, 0};
        if (p->fd < 0) {
            if (p->data.n)
                memcpy(at, p->data.p, (size_t)p->data.n);
            r->part[i] = (struct http_part){-1, {at, p->data.n}, 0};
            at += p->data.n;
        }
    }
    r->n_part = h->n_part;
    return true;
}

static bool add_header(struct request *r, struct hilo_str key, const char *between, struct hilo_str val)
{
    struct buf line = {0};
    struct curl_slist *list = NULL;

    if (buf_add_str(&line, key) == HILO_OK && buf_add_str(&line, str(between)) == HILO_OK &&
        buf_add_str(&line, val) == HILO_OK && buf_add(&line, "", 1) == HILO_OK)
        list = curl_slist_append(r->headers, line.p);
    buf_done(&line);
    if (!list)
        return false;
    r->headers = list;
    return true;
}

static bool set_headers(struct request *r, const struct hilo_http *h)
{
    bool has_type = false, ok = true;

    for (uint64_t i = 0; i < h->n_header && ok; i++) {
        const struct hilo_kv *kv = &h->header[i];

        has_type |= str_eq_nocase(kv->key, STR("content-type"));
        ok = add_header(r, kv->key, kv->val.n ? ": " : ";", kv->val); /* ";": libcurl's way to say empty */
    }
    /* Nothing that the plugin did not ask for: no 100-continue round trip, no made-up type. */
    ok = ok && add_header(r, STR("Expect"), ":", STR(""));
    if (!has_type && !h->n_part)
        ok = ok && add_header(r, STR("Content-Type"), ":", STR(""));
    return ok && curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers) == CURLE_OK;
}

static char *z(struct hilo_str s)
{
    char *p = malloc((size_t)s.n + 1);

    if (!p)
        check_nomem();
    if (s.n)
        memcpy(p, s.p, (size_t)s.n);
    p[s.n] = '\0';
    return p;
}

static bool set_parts(struct request *r, const struct hilo_http *h)
{
    r->mime = curl_mime_init(r->easy);
    for (uint64_t i = 0; r->mime && i < h->n_part; i++) {
        const struct hilo_part *p = &h->part[i];
        curl_mimepart *part = curl_mime_addpart(r->mime);
        char *name = z(p->name), *filename = z(p->filename), *type = z(p->type);
        int64_t size = (int64_t)p->data.n;
        struct stat st;
        bool ok = part && curl_mime_name(part, name) == CURLE_OK;

        if (p->fd >= 0) {
            ok = ok && fstat((int)p->fd, &st) == 0 && S_ISREG(st.st_mode);
            size = ok ? (int64_t)st.st_size : 0;
        }
        ok = ok && (!p->filename.n || curl_mime_filename(part, filename) == CURLE_OK);
        ok = ok && (!p->type.n || curl_mime_type(part, type) == CURLE_OK);
        ok = ok && (size ? curl_mime_data_cb(part, size, on_read, NULL, NULL, &r->part[i])
                         : curl_mime_data(part, "", 0)) == CURLE_OK;
        free(name);
        free(filename);
        free(type);
        if (!ok)
            return false;
    }
    return r->mime && curl_easy_setopt(r->easy, CURLOPT_MIMEPOST, r->mime) == CURLE_OK;
}

static bool set_method(struct request *r, const struct hilo_http *h)
{
    static const char *const repeatable[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    char method[17];
    CURL *e = r->easy;
    bool again = false, ok = true;

    memcpy(method, h->method.p, (size_t)h->method.n);
    method[h->method.n] = '\0';
    for (unsigned i = 0; i < sizeof repeatable / sizeof repeatable[0]; i++)
        again |= strcmp(method, repeatable[i]) == 0;
    if (h->n_part) {
        ok = set_parts(r, h);
    } else if (h->body.n || !again) {
        ok = curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)h->body.n) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_READDATA, &r->body) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_SEEKDATA, &r->body) == CURLE_OK &&
             (h->body.n || curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK);
    } else if (strcmp(method, "HEAD") == 0) {
        return curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
    } else {
        ok = curl_easy_setopt(e, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    }
    return ok && curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_up(struct request *r, const struct hilo_http *h)
{
    CURL *e = r->easy;
    long timeout = h->timeout_ms ? (long)h->timeout_ms : HTTPC_TIMEOUT_MS;
    char *url = z(h->url);
    bool ok = curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK;

    free(url);
#define SET(option, value) ok = ok && curl_easy_setopt(e, option, value) == CURLE_OK
    SET(CURLOPT_PRIVATE, r);
    SET(CURLOPT_ERRORBUFFER, r->words);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_USERAGENT, "Hilo/" HILO_VERSION);
    SET(CURLOPT_TIMEOUT_MS, timeout);
    SET(CURLOPT_CONNECTTIMEOUT_MS,
        timeout < HTTPC_CONNECT_TIMEOUT_MS ? timeout : (long)HTTPC_CONNECT_TIMEOUT_MS);
    SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_S);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, r);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, r);
#undef SET
    return ok && set_headers(r, h) && set_method(r, h);
}

int32_t httpc_start(struct httpc *c, uint64_t token, const struct hilo_http *h)
{
    struct request *r;
    int32_t code = HILO_NOMEM;

    if (!http_ok(h))
        return HILO_INVALID;
    if (c->n >= HTTPC_IN_FLIGHT_MAX)
        return HILO_FULL;
    r = calloc(1, sizeof *r);
    if (!r)
        return HILO_NOMEM;
    r->client = c;
    r->token = token;
    r->sink_fd = (int)h->sink_fd;
    r->max_bytes = h->max_bytes;
    if (!r->max_bytes && r->sink_fd < 0)
        r->max_bytes = HTTPC_BYTES_MAX;
    r->easy = curl_easy_init();
    if (!r->easy || !copy_bodies(r, h))
        goto out;
    code = HILO_INVALID;
    if (!set_up(r, h) || curl_multi_add_handle(c->multi, r->easy) != CURLM_OK)
        goto out;
    r->next = c->all;
    if (r->next)
        r->next->prev = r;
    c->all = r;
    c->n++;
    c->requests++;
    return HILO_OK;
out:
    request_free(r, false);
    return code;
}

/* ---- outcomes --------------------------------------------------------------------------------------- */

static void finish(struct request *r, CURLcode result)
{
    struct httpc *c = r->client;
    struct hilo_kv kv[FRAME_HEADERS_MAX];
    struct hilo_http a = {.size = sizeof a, .sink_fd = -1};
    long status = 0, connects = 0, head_sent = 0;
    curl_off_t body_sent = 0;
    int32_t code = HILO_OK;

    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &head_sent);
    curl_easy_getinfo(r->easy, CURLINFO_SIZE_UPLOAD_T, &body_sent);
    c->connections += (uint64_t)connects;
    if (result == CURLE_OK) {
        a.status = (uint32_t)status;
        a.body = buf_str(&r->answer);
        for (unsigned i = 0; i < r->n_header; i++) {
            const struct header_at *h = &r->header[i];
            kv[i] = (struct hilo_kv){{r->head.p + h->key, h->key_n}, {r->head.p + h->val, h->val_n}};
        }
        a.header = kv;
        a.n_header = r->n_header;
    } else {
        code = r->failed ? r->failed : HILO_TEMP;
        a.flags = head_sent || body_sent ? HILO_HTTP_MAYBE_SENT : 0;
        a.body = r->why[0] ? str(r->why) : r->words[0] ? str(r->words) : str(curl_easy_strerror(result));
    }
    curl_multi_remove_handle(c->multi, r->easy);
    request_unlink(r);
    if (r->sink_fd >= 0) { /* complete before the plugin hears of it */
        close(r->sink_fd);
        r->sink_fd = -1;
    }
    c->done(c->arg, r->token, code, &a);
    request_free(r, true);
}

static void finish_all(struct httpc *c)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(c->multi, &left))) {
        char *r = NULL;
        CURLcode result = m->data.result;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
        CHECK(r != NULL);
        finish((struct request *)(void *)r, result);
    }
}

/* ---- libcurl and the loop ------------------------------------------------------------------------------ */

static void on_ready(void *arg, int fd, unsigned events)
{
    struct httpc *c = arg;
    int running;

    curl_multi_socket_action(
        c->multi, fd,
        (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0), &running);
    finish_all(c);
}

static void on_timeout(void *arg)
{
    struct httpc *c = arg;
    int running;

    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_all(c);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch)
{
    struct httpc *c = arg;
    struct loop_fd *w = watch;
    unsigned events = (what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_fd_free(&w);
        return 0;
    }
    if (w)
        return loop_fd_events(w, events) == HILO_OK ? 0 : -1;
    if (loop_fd_new(c->loop, fd, events, on_ready, c, &w) != HILO_OK)
        return -1;
    curl_multi_assign(c->multi, fd, w);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct httpc *c = arg;

    (void)multi;
    if (ms < 0)
        loop_timer_cancel(c->timer);
    else
        loop_timer_at(c->timer, clock_mono_us() + ms * 1000);
    return 0;
}

int32_t httpc_new(struct loop *loop, httpc_done_fn *done, void *arg, struct err *e, struct httpc **out)
{
    struct httpc *c = calloc(1, sizeof *c);

    if (!c)
        check_nomem();
    pthread_once(&once, init_library);
    c->loop = loop;
    c->done = done;
    c->arg = arg;
    c->multi = curl_multi_init();
    c->timer = loop_timer_new(loop, on_timeout, c);
    if (!c->multi || curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK ||
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT) != CURLM_OK) {
        httpc_free(&c);
        return err_set(e, HILO_NOMEM, "cannot start the HTTP client: libcurl refused");
    }
    *out = c;
    return HILO_OK;
}

void httpc_free(struct httpc **cp)
{
    struct httpc *c = *cp;

    *cp = NULL;
    if (!c)
        return;
    for (struct request *r = c->all, *next; r; r = next) {
        next = r->next;
        curl_multi_remove_handle(c->multi, r->easy);
        request_free(r, true);
    }
    if (c->multi)
        curl_multi_cleanup(c->multi); /* forgets its sockets through on_socket */
    loop_timer_free(&c->timer);
    free(c);
}

unsigned httpc_in_flight(const struct httpc *c)
{
    return c->n;
}
uint64_t httpc_requests(const struct httpc *c)
{
    return c->requests;
}
uint64_t httpc_connections(const struct httpc *c)
{
    return c->connections;
}
