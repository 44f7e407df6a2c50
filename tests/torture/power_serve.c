/*
 * The gateway itself on what a cut has left. It must start; then it is asked by HTTP, as those
 * would who were told something before the cut: a request is repeated by its idempotency key and
 * gets its first answer, byte by byte; a webhook comes again and brings nothing new; what was told of is
 * found by its id. The newest facts are asked for, and as many drawn of those before them: the
 * core looks for all of them afterwards (power_check.c).
 *
 * Runs in a worker: one gateway at a time, and words instead of cmocka.
 */
#include "power.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NEWEST = 24, OLDER = 24, LOG_MAX = 1 << 16, PIPE_BYTES = 1 << 20 };

extern char **environ;

struct serving {
    const struct power_facts *facts;
    const struct power_plan *plan;
    int log, fd;
    char said[LOG_MAX]; /* the log, its latest half if it is long */
    size_t n_said;
    char *in; /* the last answer, NUL-ended, its body at body */
    size_t n_in, cap;
    const char *body;
    size_t n_body;
    char *why;
    size_t why_cap;
};

static volatile pid_t running; /* for the alarm */

static bool wrong(struct serving *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct serving *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(s->why, s->why_cap, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- the gateway ---- */

static void on_alarm(int signo)
{
    if (running > 0)
        (void)kill(running, SIGKILL);
    (void)signal(signo, SIG_DFL);
    (void)raise(signo);
}

static bool configure(const char *dir, const char *plugins, char path[160])
{
    FILE *f;

    (void)snprintf(path, 160, "%s/serve.yaml", dir);
    f = fopen(path, "we");
    if (!f)
        return false;
    /* Whatever is to leave meets a closed port, and waits for a minute. */
    (void)fprintf(
        f,
        "gateway:\n  name: Test\n  language: es\n  data_dir: %s/data\n  plugin_dir: %s\n"
        "store:\n  segment_size: 8M\n  map_size: 2G\nhttp:\n  listen: 127.0.0.1:0\n"
        "log: {level: info}\n"
        "channels:\n  wa:\n    type: whatsapp\n    account: \"102290129340398\"\n"
        "    phone_number_id: \"106540352242922\"\n    waba_id: \"102290129340398\"\n"
        "    token: sim-token\n    app_secret: sim-app-secret\n    verify_token: sim-verify\n"
        "    base_url: http://127.0.0.1:9\n    window: provider\n    rate: 0\n    pair_interval: 0s\n"
        "    in_doubt: hold\n    retry_min: 60s\n    retry_max: 60s\n    in_flight: 16\n"
        "routes:\n  - scheme: phone\n    channel: wa\n",
        dir, plugins);
    return fclose(f) == 0;
}

static bool launch(struct serving *s, const char *program, const char *dir)
{
    char yaml[160], plugins[256];
    posix_spawn_file_actions_t actions;
    int out[2], rc = -1;
    pid_t pid;

    (void)snprintf(plugins, sizeof plugins, "%.*s/plugins", (int)(strrchr(program, '/') - program), program);
    if (!configure(dir, plugins, yaml) || pipe2(out, O_CLOEXEC) != 0)
        return wrong(s, "no gateway can be started: %s", strerror(errno));
    (void)fcntl(out[1], F_SETPIPE_SZ, PIPE_BYTES); /* it is not read while the gateway is asked */
    char *argv[] = {strdup(program), strdup("-c"), yaml, NULL};
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    if (argv[0] && argv[1])
        rc = posix_spawn(&pid, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(out[1]);
    free(argv[0]);
    free(argv[1]);
    s->log = out[0];
    if (rc != 0)
        return wrong(s, "%s does not run: %s", program, strerror(rc));
    running = pid;
    return true;
}

/* More of the log; false: it has ended. */
static bool hear(struct serving *s)
{
    ssize_t n;

    if (s->n_said > sizeof s->said / 2) {
        memmove(s->said, s->said + s->n_said - sizeof s->said / 4, sizeof s->said / 4);
        s->n_said = sizeof s->said / 4;
    }
    do
        n = read(s->log, s->said + s->n_said, sizeof s->said - 1 - s->n_said);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    s->n_said += (size_t)n;
    s->said[s->n_said] = '\0';
    return true;
}

/* Its last words. */
static const char *tail_of(const struct serving *s)
{
    return s->said + (s->n_said > 500 ? s->n_said - 500 : 0);
}

static bool is_up(struct serving *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *ready, *port = NULL;
    int one = 1;

    /* Both, in either order. */
    while (!(ready = strstr(s->said, "gateway.ready")) || !(port = strstr(ready, "port=")) ||
           !strchr(ready, '\n') || !strstr(s->said, "state=up"))
        if (!hear(s))
            return wrong(s, "the gateway does not start: %s", tail_of(s));
    a.sin_port = htons((uint16_t)atoi(port + 5));
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (s->fd < 0 || connect(s->fd, (const struct sockaddr *)&a, sizeof a) != 0)
        return wrong(s, "the gateway can't be connected to: %s", strerror(errno));
    return true;
}

/* Ended, it has said nothing of a sanitizer; asked to end, it has done so well. */
static bool ends(struct serving *s, int signo)
{
    int status = 0;

    (void)kill(running, signo);
    while (hear(s))
        ;
    (void)waitpid(running, &status, 0);
    running = 0;
    if (strstr(s->said, "Sanitizer"))
        return wrong(s, "the gateway's sanitizer: %s", tail_of(s));
    if (signo == SIGTERM && status != 0)
        return wrong(s, "told to end, the gateway ended with 0x%x: %s", (unsigned)status, tail_of(s));
    return true;
}

/* ---- asking ---- */

static bool put(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

/* Asks, and takes the whole answer. Its status; 0: none. */
static int answer_to(struct serving *s, const char *head, const void *body, size_t n_body)
{
    const char *end = NULL, *length;
    size_t want = 0;

    s->n_in = 0;
    if (!put(s->fd, head, strlen(head)) || !put(s->fd, "\r\n", 2) || !put(s->fd, body, n_body))
        return 0;
    for (;;) {
        if (s->cap - s->n_in < 4096) {
            char *more = realloc(s->in, 2 * s->cap + 8192);
            if (!more)
                return 0;
            s->in = more;
            s->cap = 2 * s->cap + 8192;
        }
        ssize_t n = recv(s->fd, s->in + s->n_in, s->cap - 1 - s->n_in, 0);
        if (n <= 0)
            return 0;
        s->n_in += (size_t)n;
        s->in[s->n_in] = '\0';
        if (!end && (end = strstr(s->in, "\r\n\r\n"))) {
            length = strcasestr(s->in, "\r\nContent-Length:");
            want = (size_t)(end + 4 - s->in) + (length && length < end ? strtoull(length + 17, NULL, 10) : 0);
        }
        if (want && s->n_in >= want)
            break;
        end = NULL; /* it may have moved */
        want = 0;
    }
    s->body = end ? end + 4 : strstr(s->in, "\r\n\r\n") + 4;
    s->n_body = s->n_in - (size_t)(s->body - s->in);
    return atoi(s->in + 9);
}

/* As whoever did what told this fact. */
static int get(struct serving *s, const struct power_fact *f, const char *path)
{
    const char *key = strcasestr(f->head, "\r\nAuthorization:");
    char head[512];

    (void)snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: gateway\r\n%.*s\r\n", path,
                   key ? (int)strcspn(key + 2, "\r") : 0, key ? key + 2 : "");
    return answer_to(s, head, "", 0);
}

static bool found(struct serving *s, const struct power_fact *f, const char *where, const char *holds)
{
    char path[256];
    int status;

    (void)snprintf(path, sizeof path, "/v1/%s/%s", where, f->id);
    status = get(s, f, path);
    if (status != 200)
        return wrong(s, "%s was acknowledged, and is answered %d: %.200s", f->id, status,
                     status ? s->body : "");
    return !holds || strstr(s->body, holds)
               ? true
               : wrong(s, "%s does not say \"%.40s\": %.300s", f->id, holds, s->body);
}

/* Webhooks are recognised by what they bring, requests by their key. */
static bool repeated(struct serving *s, const struct power_fact *f, int want)
{
    int status;

    if (f->kind != FACT_RECEIVED && !strcasestr(f->head, "\r\nIdempotency-Key:"))
        return true;
    status = answer_to(s, f->head, f->body, f->n_body);
    if (status != want)
        return wrong(s, "%s %s was answered %d, and repeated %d: %.200s", f->method, f->path, want, status,
                     status ? s->body : "");
    if (f->answer && (strlen(f->answer) != s->n_body || memcmp(f->answer, s->body, s->n_body) != 0))
        return wrong(s, "%s was answered %.200s, and repeated %.200s", f->path, f->answer, s->body);
    return true;
}

static bool asked_for(const struct power_fact *f)
{
    return f->head && f->kind != FACT_KEY && f->kind != FACT_RECEIPT;
}

static bool ask(struct serving *s, const struct power_fact *f)
{
    char path[256];

    switch (f->kind) {
    case FACT_ACCEPTED:
        return repeated(s, f, 202) && found(s, f, "messages", f->text);
    case FACT_UPLOADED:
        (void)snprintf(path, sizeof path, "/v1/media/%s", f->id);
        if (!repeated(s, f, 201))
            return false;
        return (get(s, f, path) == 200 && s->n_body == f->n_body &&
                memcmp(s->body, f->body, s->n_body) == 0) ||
               wrong(s, "the upload %s is not what it was", f->id);
    case FACT_RECEIVED:
        return repeated(s, f, 200);
    case FACT_CANCELED:
        return found(s, f, "messages", "\"status\":\"canceled\"");
    case FACT_CUSTOMER:
        return found(s, f, "customers", NULL);
    case FACT_CASE:
        return found(s, f, "cases", NULL);
    case FACT_CHANGED:
        if (!found(s, f, "customers", "\"number\":"))
            return false;
        return strtoull(strstr(s->body, "\"number\":") + 9, NULL, 10) >= f->number ||
               wrong(s, "%s: change %llu was acknowledged and is lost", f->id, (unsigned long long)f->number);
    default:
        return true;
    }
}

/* A webhook that came again, or a request repeated, has made nothing. */
static bool nothing_new(struct serving *s, const struct power_fact *f)
{
    const char *count;

    if (get(s, f, "/metrics") != 200 || !(count = strstr(s->body, "\nhilo_channel_received_total{")))
        return wrong(s, "no metrics: %.200s", s->n_in ? s->body : "");
    count = strchr(count, '}');
    return atoi(count + 1) == 0 ||
           wrong(s, "a webhook that was acknowledged, repeated, brought something new");
}

static bool ask_all(struct serving *s)
{
    const struct power_facts *f = s->facts;
    const struct power_fact *with_key = NULL;
    unsigned asked = 0, older = 0;

    for (unsigned i = f->n; i-- > 0;)
        if (f->fact[i].at < s->plan->cut && asked_for(&f->fact[i])) {
            const struct power_fact *x = &f->fact[i];
            older = i;
            if (asked++ == NEWEST)
                break;
            if (!ask(s, x))
                return false;
            if (!with_key && x->kind == FACT_ACCEPTED)
                with_key = x;
        }
    for (unsigned n = 0; asked > NEWEST && n < OLDER; n++) {
        const struct power_fact *x = &f->fact[power_mix(s->plan->seed + n) % (older + 1)];
        if (x->at < s->plan->cut && asked_for(x) && !ask(s, x))
            return false;
    }
    return !with_key || nothing_new(s, with_key);
}

int power_serve(const char *program, const char *dir, const struct power_facts *facts,
                const struct power_plan *plan, char *why, size_t cap)
{
    struct serving s = {.facts = facts, .plan = plan, .log = -1, .fd = -1, .why = why, .why_cap = cap};
    bool good;

    (void)signal(SIGALRM, on_alarm);
    good = launch(&s, program, dir) && is_up(&s) && ask_all(&s);
    if (s.fd >= 0)
        (void)close(s.fd);
    if (running)
        good = ends(&s, good && plan->cut % 2 ? SIGTERM : SIGKILL) && good;
    if (s.log >= 0)
        (void)close(s.log);
    free(s.in);
    return good ? 0 : 1;
}
