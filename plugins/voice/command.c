/*
 * posix_spawn in a process group of its own; its end is seen by a pidfd, as SIGCHLD belongs to the daemon.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct command {
    struct voice *voice;
    command_done *done;
    void *arg;
    pid_t pid;
    int out, pidfd; /* -1: none */
    bool late, long_winded;
    struct voice_timer timer;
    size_t n;
    char text[COMMAND_TEXT_MAX];
};

/* ---- words ---- */

unsigned command_words(char *p, char *word[COMMAND_WORDS + 1])
{
    unsigned n = 0;
    bool quoted;
    char *to;

    for (;;) {
        while (*p == ' ' || *p == '\t' || *p == '\n')
            p++;
        if (!*p)
            break;
        if (n == COMMAND_WORDS)
            return 0;
        word[n++] = to = p;
        for (quoted = false; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
            if (*p == '"')
                quoted = !quoted;
            else
                *to++ = *p;
        }
        if (quoted)
            return 0;
        if (*p)
            p++;
        *to = 0;
    }
    word[n] = NULL;
    return n;
}

/* line with each {language} replaced; NULL: no memory. */
static char *command_line(struct hilo_str line, const char *language)
{
    static const char place[] = "{language}";
    char *text = malloc(line.n + 1), *to = text;
    uint64_t i = 0;

    if (!text)
        return NULL;
    while (i < line.n) {
        if (line.n - i >= sizeof place - 1 && memcmp(line.p + i, place, sizeof place - 1) == 0) {
            memcpy(to, language, 2); /* shorter than the place */
            to += 2;
            i += sizeof place - 1;
        } else {
            *to++ = line.p[i++];
        }
    }
    *to = 0;
    return text;
}

/* ---- its life ---- */

static void command_close(struct voice *v, int *fd)
{
    if (*fd >= 0) {
        (void)v->host.watch(v->self, *fd, 0);
        (void)close(*fd);
        *fd = -1;
    }
}

/* All that it printed and that is there; false: the end, or nothing more of use. */
static bool command_read(struct command *c)
{
    char over[512];
    ssize_t n;

    for (;;) {
        n = c->n < sizeof c->text ? read(c->out, c->text + c->n, sizeof c->text - c->n)
                                  : read(c->out, over, sizeof over);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        if (c->n == sizeof c->text)
            c->long_winded = true;
        else
            c->n += (size_t)n;
    }
}

static void command_reap(struct command *c, int *status)
{
    *status = 0;
    while (waitpid(c->pid, status, 0) < 0 && errno == EINTR)
        ;
    c->pid = 0;
}

static void command_end(struct command *c)
{
    struct voice *v = c->voice;
    struct hilo_str text = {c->text, 0};
    char why[120] = "";
    int status;

    if (c->out >= 0)
        (void)command_read(c);
    voice_timer_cancel(v, &c->timer);
    command_close(v, &c->out);
    command_close(v, &c->pidfd);
    command_reap(c, &status);
    if (c->late)
        (void)snprintf(why, sizeof why, "it took too long and was killed");
    else if (WIFSIGNALED(status))
        (void)snprintf(why, sizeof why, "it was ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        (void)snprintf(why, sizeof why, "it ended with status %d", WEXITSTATUS(status));
    else if (c->long_winded)
        (void)snprintf(why, sizeof why, "it printed more than %d bytes", COMMAND_TEXT_MAX);
    else
        text.n = c->n;
    c->done(c->arg, text, why[0] ? why : NULL);
    free(c);
}

static void command_late(void *arg)
{
    struct command *c = arg;

    c->late = true;
    (void)kill(-c->pid, SIGKILL); /* its end comes by pidfd */
}

bool command_on_fd(struct command *c, int32_t fd, uint32_t events)
{
    (void)events;
    if (fd < 0 || (fd != c->out && fd != c->pidfd))
        return false;
    if (fd == c->pidfd)
        command_end(c);
    else if (!command_read(c))
        command_close(c->voice, &c->out);
    return true;
}

void command_kill(struct command *c)
{
    int status;

    if (!c)
        return;
    voice_timer_cancel(c->voice, &c->timer);
    command_close(c->voice, &c->out);
    command_close(c->voice, &c->pidfd);
    (void)kill(-c->pid, SIGKILL);
    command_reap(c, &status);
    free(c);
}

/* ---- starting ---- */

/* 0, or what is wrong. */
static int command_spawn(struct command *c, char *const word[], int in, int out, const char *language)
{
    char path[1024], lang[40];
    char *const env[] = {path, lang, (char[]){"LANG=C.UTF-8"}, NULL};
    const char *search = getenv("PATH");
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    (void)snprintf(path, sizeof path, "PATH=%s", search ? search : "/usr/local/bin:/usr/bin:/bin");
    (void)snprintf(lang, sizeof lang, "HILO_LANGUAGE=%s", language);
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    rc = posix_spawn_file_actions_init(&files);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        rc = posix_spawn_file_actions_adddup2(&files, in, 0);
        rc = rc ? rc : posix_spawn_file_actions_adddup2(&files, out, 1);
        rc = rc ? rc : posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
        rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(&files, 3);
        rc = rc ? rc : posix_spawnattr_setpgroup(&attr, 0);
        rc = rc ? rc : posix_spawnattr_setsigmask(&attr, &none);
        rc = rc ? rc : posix_spawnattr_setsigdefault(&attr, &all);
        rc = rc ? rc
                : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF);
        rc = rc ? rc : posix_spawnp(&c->pid, word[0], &files, &attr, word, env);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

struct command *command_run(struct voice *v, struct hilo_str line, const char *language, int in,
                            int64_t timeout_us, command_done *done, void *arg, char why[200])
{
    char *word[COMMAND_WORDS + 1], *text = command_line(line, language);
    struct command *c = calloc(1, sizeof *c);
    int pipes[2] = {-1, -1}, rc = 0, status;

    if (!c || !text) {
        rc = ENOMEM;
        goto out;
    }
    c->voice = v;
    c->done = done;
    c->arg = arg;
    c->out = c->pidfd = -1;
    if (command_words(text, word) == 0) {
        rc = EINVAL;
        goto out;
    }
    if (pipe2(pipes, O_CLOEXEC) != 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0) {
        rc = errno;
        goto out;
    }
    rc = command_spawn(c, word, in, pipes[1], language);
    if (rc)
        goto out;
    c->pidfd = pidfd_open(c->pid, 0);
    if (c->pidfd < 0)
        rc = errno;
    c->out = pipes[0];
    pipes[0] = -1;
    if (rc == 0 && (v->host.watch(v->self, c->pidfd, HILO_READ) != HILO_OK ||
                    v->host.watch(v->self, c->out, HILO_READ) != HILO_OK))
        rc = ENOMEM;
    if (rc) {
        (void)kill(-c->pid, SIGKILL);
        command_reap(c, &status);
        command_close(v, &c->pidfd);
        command_close(v, &c->out);
        goto out;
    }
    voice_timer_in(v, &c->timer, timeout_us, command_late, c);
out:
    if (in >= 0)
        (void)close(in);
    if (pipes[0] >= 0)
        (void)close(pipes[0]);
    if (pipes[1] >= 0)
        (void)close(pipes[1]);
    if (rc) {
        (void)snprintf(why, 200, "it can't be started: %s", strerror(rc));
        free(c);
        c = NULL;
    }
    free(text);
    return c;
}
