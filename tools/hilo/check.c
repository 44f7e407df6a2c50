/*
 * What works without a gateway: hilod checks and restores, and hilo runs it. It is looked for by
 * $HILOD, beside hilo, in ../sbin (where make install puts it), and in PATH.
 */
#include "cli.h"
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Always something to try; what has no slash is looked for in PATH. */
static void hilod_path(struct text *out)
{
    static const char *const places[] = {"/hilod", "/../sbin/hilod"};
    const char *named = getenv("HILOD");
    char self[4096];
    ssize_t n;

    if (named && named[0]) {
        text_add(out, named);
        return;
    }
    n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        text_add_n(out, self, (size_t)(slash - self));
        text_add(out, places[i]);
        if (access(out->p, X_OK) == 0)
            return;
        text_done(out);
    }
    text_add(out, "hilod");
}

/* hilod has said what is wrong. 2 is a misunderstanding between the two. */
static int hilod_status(const char *path, int status, int bad)
{
    if (WIFSIGNALED(status)) {
        complain("%s was ended by a signal: %s", path, strsignal(WTERMSIG(status)));
        return EXIT_REFUSED;
    }
    switch (WEXITSTATUS(status)) {
    case 0:
        return EXIT_OK;
    case 2:
        complain("%s does not know how to do this: is it of the same version as hilo " HILO_VERSION "?",
                 path);
        return EXIT_REFUSED;
    default:
        return bad;
    }
}

int hilod_run(const char *const *words, int bad)
{
    struct text path = {0};
    char *argv[10] = {0}; /* copies: its type promises less than posix_spawn keeps */
    size_t n = 0;
    int rc, status = 0;
    pid_t pid;

    hilod_path(&path);
    for (const char *word = text_z(&path); word && n + 1 < sizeof argv / sizeof *argv; word = *words++) {
        argv[n] = strdup(word);
        if (!argv[n]) {
            complain("out of memory");
            rc = EXIT_REFUSED;
            goto out;
        }
        n++;
    }
    rc = posix_spawnp(&pid, path.p, NULL, NULL, argv, environ);
    if (rc != 0) {
        complain("can't run %s, which does this: %s; name it by HILOD", path.p, strerror(rc));
        rc = EXIT_UNREACHABLE;
        goto out;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    rc = hilod_status(path.p, status, bad);
out:
    while (n)
        free(argv[--n]);
    text_done(&path);
    return rc;
}

int cmd_config_check(struct cli *cli)
{
    const char *config = arg(cli, "config");

    return hilod_run((const char *const[]){"--check-config", config ? "-c" : NULL, config, NULL}, EXIT_FOUND);
}

int cmd_store_check(struct cli *cli)
{
    return hilod_run((const char *const[]){"--check-store", operand(cli, 0), NULL}, EXIT_FOUND);
}

int cmd_plugin_check(struct cli *cli)
{
    return hilod_run((const char *const[]){"--check-plugin", operand(cli, 0), NULL}, EXIT_FOUND);
}
