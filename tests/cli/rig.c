/* The scripted gateway (libmicrohttpd with a thread of its own) and the runs of hilo. */
#include "rig.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct rig_scripted {
    unsigned status;
    char *type, *location, *body;
};
struct rig {
    char dir[64], control[108], *path[8];
    unsigned next_path;
    struct MHD_Daemon *by_path, *by_port;
    pthread_mutex_t lock; /* of what follows, to env */
    struct rig_request request[RIG_REQUESTS];
    unsigned n_requests;
    struct rig_scripted answer[RIG_REQUESTS];
    unsigned n_answers, used;
    char env_name[RIG_ENV][32], env_value[RIG_ENV][300];
    unsigned n_env;
    char *out, *err;
};

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

/* ---- the gateway ------------------------------------------------------------------------ */

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *c)
{
    struct rig_request *rq = calloc(1, sizeof *rq);

    (void)arg, (void)c;
    if (rq)
        rq->uri = strdup(uri);
    return rq;
}

static enum MHD_Result reply(struct rig *rig, struct MHD_Connection *c)
{
    struct rig_scripted fallback = {.status = 200, .body = copy("{}")}, *a = &fallback;
    struct MHD_Response *r;
    enum MHD_Result rc = MHD_NO;

    if (rig->used < rig->n_answers)
        a = &rig->answer[rig->used++];
    if (a->status) {
        r = MHD_create_response_from_buffer(strlen(a->body), a->body, MHD_RESPMEM_MUST_COPY);
        (void)MHD_add_response_header(r, "Content-Type", a->type ? a->type : "application/json");
        if (a->location)
            (void)MHD_add_response_header(r, "Location", a->location);
        rc = MHD_queue_response(c, a->status, r);
        MHD_destroy_response(r);
    }
    free(fallback.body);
    return rc;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state)
{
    struct rig *rig = arg;
    struct rig_request *rq = *state;
    enum MHD_Result rc;

    (void)url, (void)version;
    if (!rq->method) {
        rq->method = strdup(method);
        rq->type = copy(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type"));
        rq->authorization = copy(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization"));
        rq->idempotency = copy(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Idempotency-Key"));
        rq->body = calloc(1, 1);
        return MHD_YES;
    }
    if (*size) {
        rq->body = realloc(rq->body, rq->body_n + *size + 1);
        memcpy(rq->body + rq->body_n, data, *size);
        rq->body_n += *size;
        rq->body[rq->body_n] = 0;
        *size = 0;
        return MHD_YES;
    }
    (void)pthread_mutex_lock(&rig->lock);
    if (rig->n_requests < RIG_REQUESTS) {
        rig->request[rig->n_requests++] = *rq;
        memset(rq, 0, sizeof *rq);
    }
    rc = reply(rig, c);
    (void)pthread_mutex_unlock(&rig->lock);
    return rc;
}

static void request_done(struct rig_request *rq)
{
    free(rq->method);
    free(rq->uri);
    free(rq->type);
    free(rq->authorization);
    free(rq->idempotency);
    free(rq->body);
    memset(rq, 0, sizeof *rq);
}

static void on_end(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    (void)arg, (void)c, (void)why;
    if (*state) {
        request_done(*state);
        free(*state);
    }
    *state = NULL;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int listen_tcp(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static struct MHD_Daemon *serve(struct rig *rig, int fd)
{
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, rig,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
                         MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);

    assert_non_null(d);
    return d;
}

struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);

    assert_non_null(rig);
    (void)strcpy(rig->dir, "/tmp/hilo-cli-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->control, sizeof rig->control, "%s/control.sock", rig->dir);
    (void)pthread_mutex_init(&rig->lock, NULL);
    rig->by_path = serve(rig, listen_unix(rig->control));
    rig->by_port = serve(rig, listen_tcp());
    rig_env(rig, "HILO_CONTROL", rig->control);
    rig_env(rig, "PATH", "/usr/bin:/bin");
    rig_env(rig, "TZ", "UTC");
    rig_env(rig, "LANG", "C");
    rig_env(rig, "TERM", "xterm");
    return rig;
}

void rig_stop(struct rig *rig)
{
    if (rig->by_path)
        MHD_stop_daemon(rig->by_path);
    if (rig->by_port)
        MHD_stop_daemon(rig->by_port);
    rig->by_path = rig->by_port = NULL;
}

void rig_forget(struct rig *rig)
{
    (void)pthread_mutex_lock(&rig->lock);
    while (rig->n_requests)
        request_done(&rig->request[--rig->n_requests]);
    while (rig->n_answers) {
        struct rig_scripted *a = &rig->answer[--rig->n_answers];
        free(a->type);
        free(a->location);
        free(a->body);
    }
    rig->used = 0;
    (void)pthread_mutex_unlock(&rig->lock);
}

void rig_free(struct rig **p)
{
    struct rig *rig = *p;
    char command[128];

    rig_stop(rig);
    rig_forget(rig);
    (void)pthread_mutex_destroy(&rig->lock);
    (void)snprintf(command, sizeof command, "rm -rf -- %s", rig->dir);
    assert_int_equal(system(command), 0);
    for (unsigned i = 0; i < 8; i++)
        free(rig->path[i]);
    free(rig->out);
    free(rig->err);
    free(rig);
    *p = NULL;
}

void rig_answer_as(struct rig *rig, unsigned status, const char *type, const char *location, const char *body)
{
    (void)pthread_mutex_lock(&rig->lock);
    assert_true(rig->n_answers < RIG_REQUESTS);
    rig->answer[rig->n_answers++] = (struct rig_scripted){status, copy(type), copy(location), copy(body)};
    (void)pthread_mutex_unlock(&rig->lock);
}

void rig_answer(struct rig *rig, unsigned status, const char *body)
{
    rig_answer_as(rig, status, NULL, NULL, body);
}

unsigned rig_port(const struct rig *rig)
{
    return MHD_get_daemon_info(rig->by_port, MHD_DAEMON_INFO_BIND_PORT)->port;
}

const char *rig_control(const struct rig *rig)
{
    return rig->control;
}

const char *rig_path(struct rig *rig, const char *name)
{
    char **p = &rig->path[rig->next_path++ % 8];

    free(*p);
    assert_true(asprintf(p, "%s/%s", rig->dir, name) > 0);
    return *p;
}

/* ---- running hilo ------------------------------------------------------------------------- */

void rig_env(struct rig *rig, const char *name, const char *value)
{
    unsigned i = 0;

    while (i < rig->n_env && strcmp(rig->env_name[i], name) != 0)
        i++;
    if (i == rig->n_env) {
        assert_true(i < RIG_ENV);
        (void)snprintf(rig->env_name[rig->n_env++], sizeof rig->env_name[0], "%s", name);
    }
    (void)snprintf(rig->env_value[i], sizeof rig->env_value[0], "%s", value ? value : "");
    if (!value)
        (void)strcpy(rig->env_name[i], "UNUSED");
}

/* In the child: never returns. */
static void run_child(struct rig *rig, const char *const *args, int out, int err)
{
    const char *build = getenv("HILO_BUILD");
    char program[512], *argv[RIG_ARGS + 2];
    size_t n = 0;

    (void)snprintf(program, sizeof program, "%s/hilo", build ? build : "build/debug-gcc");
    argv[n++] = program;
    for (; *args && n <= RIG_ARGS; args++)
        argv[n++] = strdup(*args);
    argv[n] = NULL;
    int in = open("/dev/null", O_RDONLY);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(99);
    /* All but how the sanitizers were told to behave. */
    char *asan = copy(getenv("ASAN_OPTIONS"));
    (void)clearenv();
    if (asan)
        (void)setenv("ASAN_OPTIONS", asan, 1);
    for (unsigned i = 0; i < rig->n_env; i++)
        (void)setenv(rig->env_name[i], rig->env_value[i], 1);
    (void)execv(program, argv);
    _exit(98);
}

static int run_status(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int rig_run_to(struct rig *rig, const char *file, const char *const *args)
{
    char err_path[128];
    (void)snprintf(err_path, sizeof err_path, "%s/stderr", rig->dir);
    int out = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
    int err = open(err_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(out >= 0 && err >= 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_child(rig, args, out, err);
    int status = run_status(pid);
    (void)close(out);
    (void)close(err);
    free(rig->out);
    free(rig->err);
    rig->out = strcmp(file, "/dev/full") == 0 ? NULL : rig_read(file);
    rig->err = rig_read(err_path);
    return status;
}

int rig_run(struct rig *rig, const char *const *args)
{
    char out[128];

    (void)snprintf(out, sizeof out, "%s/stdout", rig->dir);
    return rig_run_to(rig, out, args);
}

int rig_run_terminal(struct rig *rig, unsigned short columns, const char *const *args)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    int ours, theirs;
    size_t n = 0;
    ssize_t got;

    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, &size), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ours);
        run_child(rig, args, theirs, theirs);
    }
    (void)close(theirs);
    free(rig->out);
    rig->out = calloc(1, 65536);
    assert_non_null(rig->out);
    /* EIO: the other side is closed. */
    while (n < 65535 && (got = read(ours, rig->out + n, 65535 - n)) > 0)
        n += (size_t)got;
    (void)close(ours);
    return run_status(pid);
}

const char *rig_out(const struct rig *rig)
{
    return rig->out;
}

const char *rig_err(const struct rig *rig)
{
    return rig->err;
}

/* ---- looking ---------------------------------------------------------------------------------- */

unsigned rig_requests(struct rig *rig)
{
    (void)pthread_mutex_lock(&rig->lock);
    unsigned n = rig->n_requests;
    (void)pthread_mutex_unlock(&rig->lock);
    return n;
}

const struct rig_request *rig_request(struct rig *rig, unsigned i)
{
    assert_true(i < rig_requests(rig));
    return &rig->request[i];
}

void rig_write(struct rig *rig, const char *path, const char *bytes)
{
    FILE *f = fopen(path, "wb");

    (void)rig;
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, strlen(bytes), f), strlen(bytes));
    assert_int_equal(fclose(f), 0);
}

char *rig_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *p = f ? calloc(1, 1 << 20) : NULL;

    if (p)
        (void)!fread(p, 1, (1 << 20) - 1, f);
    if (f)
        (void)fclose(f);
    return p;
}

void assert_request(struct rig *rig, unsigned i, const char *method, const char *uri, const char *json)
{
    const struct rig_request *rq = rig_request(rig, i);

    assert_string_equal(rq->method, method);
    assert_string_equal(rq->uri, uri);
    if (!json) {
        assert_int_equal(rq->body_n, 0);
        return;
    }
    assert_non_null(rq->type);
    assert_string_equal(rq->type, "application/json");
    cJSON *is = cJSON_Parse(rq->body), *should = cJSON_Parse(json);
    bool same = should && cJSON_Compare(is, should, true);
    if (!same)
        print_error("sent:     %s\nexpected: %s\n", rq->body, json);
    cJSON_Delete(is);
    cJSON_Delete(should);
    assert_true(same);
}

void assert_contains(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text ? text : "(nothing)");
}
