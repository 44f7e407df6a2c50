/*
 * hilo-sim-printer: a receipt printer on a TCP port, one connection at a time, and an HTTP port to
 * make it run out of paper and to see what it printed (README.md).
 */
#include "printer.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BODY_MAX = 64 * 1024 };

struct sim {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct printer printer;
    bool stall;      /* takes no bytes off the connection */
    long drop_after; /* closes once so many bytes came over a connection; -1: never */
    bool refuse;     /* takes no connections */
    unsigned connections;
    int wake[2]; /* the control port to the loop */
    int conn;
    uint8_t pending[BUFFER_MAX]; /* read and not taken */
    size_t n_pending;
    long seen; /* bytes of this connection */
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

/* ---- control ------------------------------------------------------------------------------------- */

struct request {
    char body[BODY_MAX];
    size_t n;
};

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, cJSON *json)
{
    char *text = must(cJSON_PrintUnformatted(json));
    struct MHD_Response *response =
        must(MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
    enum MHD_Result rc;

    MHD_add_response_header(response, "Content-Type", "application/json");
    rc = MHD_queue_response(c, status, response);
    MHD_destroy_response(response);
    cJSON_Delete(json);
    return rc;
}

static enum MHD_Result wrong(struct MHD_Connection *c, const char *why)
{
    cJSON *e = must(cJSON_CreateObject());

    cJSON_AddStringToObject(e, "error", why);
    return reply(c, 400, e);
}

/* What is not named stays. */
static const char *set(struct sim *s, const cJSON *root)
{
    struct printer *p = &s->printer;
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"cover_open", &p->cover_open}, {"paper_out", &p->paper_out}, {"paper_low", &p->paper_low},
                 {"offline", &p->offline},       {"cutter", &p->cutter},       {"hot", &p->hot},
                 {"silent", &p->silent},         {"no_order", &p->no_order},   {"stall", &s->stall},
                 {"refuse", &s->refuse}};
    const cJSON *m;
    size_t i;

    cJSON_ArrayForEach(m, root)
    {
        for (i = 0; i < sizeof flags / sizeof *flags && strcmp(flags[i].name, m->string) != 0; i++)
            ;
        if (i < sizeof flags / sizeof *flags && cJSON_IsBool(m))
            *flags[i].flag = cJSON_IsTrue(m);
        else if (strcmp(m->string, "rows") == 0 && cJSON_IsNumber(m))
            p->rows = (long)m->valuedouble;
        else if (strcmp(m->string, "drop_after") == 0 && cJSON_IsNumber(m))
            s->drop_after = (long)m->valuedouble;
        else
            return "no such member, or not of its type";
    }
    printer_changed(p);
    pthread_cond_broadcast(&s->changed);
    return write(s->wake[1], "x", 1) == 1 ? NULL : "the loop does not listen";
}

static cJSON *receipt_json(const struct receipt *r)
{
    cJSON *o = must(cJSON_CreateObject());
    char *hex = must(malloc(r->n * 2 + 1)), *text = must(strndup(r->text_n ? r->text : "", r->text_n));
    size_t i;

    for (i = 0; i < r->n; i++)
        (void)sprintf(hex + 2 * i, "%02x", r->bytes[i]);
    hex[2 * r->n] = 0;
    cJSON_AddStringToObject(o, "text", text);
    cJSON_AddStringToObject(o, "kind", r->kind);
    cJSON_AddStringToObject(o, "code", r->code);
    cJSON_AddStringToObject(o, "cut", r->cut);
    cJSON_AddStringToObject(o, "hex", hex);
    free(hex);
    free(text);
    return o;
}

static size_t finished(const struct printer *p)
{
    return p->n_receipt - (p->open ? 1 : 0);
}

static long query(struct MHD_Connection *c, const char *name)
{
    const char *v = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);

    return v ? strtol(v, NULL, 10) : 0;
}

/* Waits until as many receipts, questions and connections as asked for are there, or the time is over. */
static cJSON *look(struct sim *s, struct MHD_Connection *c)
{
    long receipts = query(c, "min"), asked = query(c, "min_asked"), connections = query(c, "min_connections");
    const struct printer *p = &s->printer;
    cJSON *o = must(cJSON_CreateObject()), *list;
    struct timespec until;
    size_t i;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += query(c, "wait_ms") / 1000;
    until.tv_nsec += query(c, "wait_ms") % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (finished(p) < (size_t)receipts || p->asked < (unsigned)asked ||
           s->connections < (unsigned)connections)
        if (pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0)
            break;
    list = must(cJSON_AddArrayToObject(o, "receipts"));
    for (i = 0; i < finished(p); i++)
        cJSON_AddItemToArray(list, receipt_json(&p->receipt[i]));
    cJSON_AddBoolToObject(o, "unfinished", p->open || p->n > 0);
    cJSON_AddNumberToObject(o, "connections", s->connections);
    cJSON_AddNumberToObject(o, "asked", p->asked);
    cJSON_AddNumberToObject(o, "ordered", p->ordered);
    cJSON_AddNumberToObject(o, "kicks", p->kicks);
    cJSON_AddNumberToObject(o, "violations", p->violations);
    cJSON_AddStringToObject(o, "violated", p->violated);
    return o;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_n, void **of)
{
    struct sim *s = arg;
    struct request *r = *of;
    const char *why;
    cJSON *json;

    (void)version;
    if (!r) {
        *of = must(calloc(1, sizeof *r));
        return MHD_YES;
    }
    if (*data_n) {
        if (r->n + *data_n >= BODY_MAX)
            return MHD_NO;
        memcpy(r->body + r->n, data, *data_n);
        r->n += *data_n;
        *data_n = 0;
        return MHD_YES;
    }
    if (strcmp(method, "POST") == 0 && strcmp(url, "/_sim/state") == 0) {
        json = cJSON_ParseWithLength(r->body, r->n);
        if (!cJSON_IsObject(json)) {
            cJSON_Delete(json);
            return wrong(c, "an object is expected");
        }
        (void)pthread_mutex_lock(&s->lock);
        why = set(s, json);
        (void)pthread_mutex_unlock(&s->lock);
        cJSON_Delete(json);
        return why ? wrong(c, why) : reply(c, 200, must(cJSON_CreateObject()));
    }
    if (strcmp(method, "GET") == 0 && strcmp(url, "/_sim/receipts") == 0) {
        (void)pthread_mutex_lock(&s->lock);
        json = look(s, c);
        (void)pthread_mutex_unlock(&s->lock);
        return reply(c, 200, json);
    }
    return wrong(c, "POST /_sim/state and GET /_sim/receipts are known");
}

static void on_done(void *arg, struct MHD_Connection *c, void **of, enum MHD_RequestTerminationCode code)
{
    (void)arg;
    (void)c;
    (void)code;
    free(*of);
}

/* ---- the loop -------------------------------------------------------------------------------------- */

static void hang_up(struct sim *s)
{
    (void)close(s->conn);
    s->conn = -1;
    s->n_pending = 0;
    s->printer.asb = false;
    s->printer.out_n = 0;
    printer_run(&s->printer); /* what it has, it prints */
}

static void speak(struct sim *s)
{
    ssize_t n;

    if (s->conn < 0 || s->printer.out_n == 0)
        return;
    n = send(s->conn, s->printer.out, s->printer.out_n, MSG_NOSIGNAL);
    if (n > 0) {
        memmove(s->printer.out, s->printer.out + n, s->printer.out_n - (size_t)n);
        s->printer.out_n -= (size_t)n;
    }
}

static void hear(struct sim *s)
{
    ssize_t n = recv(s->conn, s->pending + s->n_pending, BUFFER_MAX - s->n_pending, MSG_DONTWAIT);
    size_t took;

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            hang_up(s);
        return;
    }
    if (s->drop_after >= 0 && s->seen + n > s->drop_after) {
        took = printer_take(&s->printer, s->pending, s->n_pending + (size_t)(s->drop_after - s->seen));
        (void)took;
        s->drop_after = -1;
        hang_up(s);
        return;
    }
    s->seen += n;
    s->n_pending += (size_t)n;
    took = printer_take(&s->printer, s->pending, s->n_pending);
    memmove(s->pending, s->pending + took, s->n_pending - took);
    s->n_pending -= took;
}

static void loop(struct sim *s, int listening, bool exit_on_eof)
{
    char bytes[64];

    for (;;) {
        struct pollfd p[4] = {
            {.fd = exit_on_eof ? 0 : -1, .events = POLLIN},
            {.fd = s->wake[0], .events = POLLIN},
            {.fd = s->conn < 0 && !s->refuse ? listening : -1, .events = POLLIN},
            {.fd = s->stall || s->n_pending == BUFFER_MAX ? -1 : s->conn, .events = POLLIN}};

        if (poll(p, 4, -1) < 0 && errno != EINTR)
            abort();
        if (p[0].revents && read(0, bytes, sizeof bytes) <= 0)
            return;
        (void)pthread_mutex_lock(&s->lock);
        if (p[1].revents & POLLIN)
            (void)!read(s->wake[0], bytes, sizeof bytes);
        if (p[2].revents & POLLIN) {
            s->conn = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
            s->seen = 0;
            s->connections += s->conn >= 0;
        }
        if (p[3].revents)
            hear(s);
        speak(s);
        pthread_cond_broadcast(&s->changed);
        (void)pthread_mutex_unlock(&s->lock);
    }
}

static int listen_on(unsigned port, unsigned *port_out)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    socklen_t n = sizeof at;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
        perror("hilo-sim-printer");
        exit(1);
    }
    *port_out = ntohs(at.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    static struct sim s = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .drop_after = -1, .conn = -1};
    unsigned port = 0, paper = 0;
    struct MHD_Daemon *http;
    bool exit_on_eof = false;
    int i, control, listening;
    size_t k;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--exit-on-eof") == 0) {
            exit_on_eof = true;
        } else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = (unsigned)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--printer") == 0 && i + 1 < argc) {
            paper = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: hilo-sim-printer [--port N] [--printer N] [--exit-on-eof]\n");
            return 2;
        }
    }
    s.printer.rows = -1;
    if (pipe(s.wake) != 0)
        abort();
    control = listen_on(port, &port);
    listening = listen_on(paper, &paper);
    http = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
                            on_request, &s, MHD_OPTION_LISTEN_SOCKET, control, MHD_OPTION_NOTIFY_COMPLETED,
                            on_done, NULL, MHD_OPTION_END);
    if (!http) {
        (void)fprintf(stderr, "hilo-sim-printer: the control port does not start\n");
        return 1;
    }
    (void)printf("ready port=%u printer=%u\n", port, paper);
    (void)fflush(stdout);
    loop(&s, listening, exit_on_eof);
    MHD_stop_daemon(http);
    if (s.conn >= 0)
        (void)close(s.conn);
    (void)close(listening);
    for (k = 0; k < s.printer.n_receipt; k++) {
        free(s.printer.receipt[k].bytes);
        free(s.printer.receipt[k].text);
    }
    free(s.printer.receipt);
    return 0;
}
