#include "prog.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, WORDS = 24 };

const char *event_text(const cJSON *o, const char *member)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, member);

    return cJSON_IsString(v) ? v->valuestring : "";
}

struct prog *prog_start(struct rig *rig, const char *const *words)
{
    const char *build = getenv("HILO_BUILD"), *argv[WORDS + 2];
    struct prog *p = calloc(1, sizeof *p);
    int in[2], out[2], i, err;
    char path[512];

    assert_non_null(p);
    snprintf(path, sizeof path, "%s/hilo-till", build ? build : "build/debug-gcc");
    argv[0] = "hilo-till";
    for (i = 0; words[i]; i++) {
        assert_true(i < WORDS);
        argv[i + 1] = words[i];
    }
    argv[i + 1] = NULL;
    snprintf(p->err, sizeof p->err, "%s", rig_path(rig, "err"));
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    signal(SIGPIPE, SIG_IGN);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        union {
            const char **from;
            char **to;
        } words_out = {argv};

        err = open(p->err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err, 2);
        signal(SIGPIPE, SIG_DFL);
        setenv("LC_ALL", "C.UTF-8", 1);
        execv(path, words_out.to);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p->in = in[1];
    p->out = out[0];
    return p;
}

void prog_say(struct prog *p, const char *line)
{
    size_t n = strlen(line);
    char *with = malloc(n + 2);

    memcpy(with, line, n);
    with[n] = '\n';
    (void)!write(p->in, with, n + 1); /* it may be dead: that is some tests' point */
    free(with);
}

void prog_end_input(struct prog *p)
{
    close(p->in);
    p->in = -1;
}

const cJSON *prog_next(struct prog *p)
{
    struct pollfd fd = {p->out, POLLIN, 0};
    char buf[65536], *lf;
    ssize_t r;
    size_t n;

    while (!p->n || !(lf = memchr(p->buf, '\n', p->n))) {
        if (poll(&fd, 1, PATIENCE_MS) <= 0)
            fail_msg("hilo-till says nothing");
        r = read(p->out, buf, sizeof buf);
        if (r <= 0)
            return NULL;
        p->buf = realloc(p->buf, p->n + (size_t)r);
        memcpy(p->buf + p->n, buf, (size_t)r);
        p->n += (size_t)r;
    }
    n = (size_t)(lf - p->buf);
    cJSON_Delete(p->event);
    p->event = cJSON_ParseWithLength(p->buf, n);
    if (!p->event)
        fail_msg("not JSON: %.*s", (int)n, p->buf);
    memmove(p->buf, lf + 1, p->n - n - 1);
    p->n -= n + 1;
    return p->event;
}

const cJSON *prog_event(struct prog *p, const char *event)
{
    const cJSON *o;

    while ((o = prog_next(p)))
        if (strcmp(event_text(o, "event"), event) == 0)
            return o;
    fail_msg("hilo-till ended without an event \"%s\"", event);
    return NULL;
}

void prog_line(struct prog *p, const char *line)
{
    while (strcmp(event_text(prog_event(p, "state"), "line"), line) != 0)
        ;
}

static void prog__free(struct prog **pp)
{
    struct prog *p = *pp;

    if (p->in >= 0)
        close(p->in);
    close(p->out);
    free(p->buf);
    cJSON_Delete(p->event);
    free(p);
    *pp = NULL;
}

void prog_kill(struct prog **pp)
{
    kill((*pp)->pid, SIGKILL);
    assert_int_equal(waitpid((*pp)->pid, NULL, 0), (*pp)->pid);
    prog__free(pp);
}

int prog_wait(struct prog **pp, char **out)
{
    struct prog *p = *pp;
    struct pollfd fd = {p->out, POLLIN, 0};
    char buf[4096], *all = calloc(1, 1);
    size_t n = 0;
    ssize_t r;
    int status, err;

    if (p->n) {
        all = realloc(all, p->n + 1);
        memcpy(all, p->buf, p->n);
        n = p->n;
    }
    for (;;) {
        if (poll(&fd, 1, PATIENCE_MS) <= 0)
            fail_msg("hilo-till does not end");
        if ((r = read(p->out, buf, sizeof buf)) <= 0)
            break;
        all = realloc(all, n + (size_t)r + 1);
        memcpy(all + n, buf, (size_t)r);
        n += (size_t)r;
    }
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    err = open(p->err, O_RDONLY);
    while (err >= 0 && (r = read(err, buf, sizeof buf)) > 0) {
        all = realloc(all, n + (size_t)r + 1);
        memcpy(all + n, buf, (size_t)r);
        n += (size_t)r;
    }
    close(err);
    all[n] = 0;
    if (out)
        *out = all;
    else
        free(all);
    prog__free(pp);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void prog_enroll(struct rig *rig, const char *folder)
{
    struct prog *p = PROG(rig, "--state", folder, "enroll", rig_code(rig, "127.0.0.1", false));
    char *out;
    int rc = prog_wait(&p, &out);

    if (rc != 0)
        fail_msg("enroll: %s", out);
    assert_non_null(strstr(out, "CENTRO/3"));
    free(out);
}
