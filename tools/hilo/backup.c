/*
 * hilo backup, hilo restore. The gateway makes a backup by itself; this begins it, tells
 * how it goes, and waits for its end. A restore is done by hilod, without a gateway.
 */
#include "cli.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { WAIT_FIRST_MS = 20, WAIT_MAX_MS = 500 };

void bytes_text(double n, struct text *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;

    for (; n >= 1024 && i + 1 < COUNT(units); i++)
        n /= 1024;
    text_fmt(out, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

static void bytes_member(const cJSON *o, const char *member, struct text *out)
{
    const cJSON *v = json_at(o, member);

    if (cJSON_IsNumber(v))
        bytes_text(v->valuedouble, out);
}

static void backup__bytes(const cJSON *o, struct text *out)
{
    bytes_member(o, "bytes", out);
}

static const struct column backup_columns[] = {
    {.head = {"DIRECTORY", "CARPETA"}, .member = "directory"},
    {.head = {"STATE", "ESTADO"}, .member = "state", .flags = COLUMN_STATUS},
    {.head = {"STARTED", "INICIO"}, .member = "started", .flags = COLUMN_TIME},
    {.head = {"ENDED", "FIN"}, .member = "ended", .flags = COLUMN_TIME},
    {.head = {"LAST EVENT", "ÚLTIMO EVENTO"}, .member = "sequence"},
    {.head = {"FILES", "ARCHIVOS"}, .member = "files"},
    {.head = {"LINKED", "ENLAZADOS"}, .member = "files_linked"},
    {.head = {"BYTES", "BYTES"}, .cell = backup__bytes},
};

/* What hilo and the gateway call the same folder. */
static int add_path(cJSON *body, const char *member, const char *path)
{
    struct text whole = {0};
    char *here = NULL;
    int rc = EXIT_OK;

    if (path[0] != '/') {
        here = getcwd(NULL, 0);
        if (!here) {
            complain("the present folder has no path: %s; give an absolute one", strerror(errno));
            rc = EXIT_REFUSED;
            goto out;
        }
        text_fmt(&whole, "%s/", strcmp(here, "/") == 0 ? "" : here);
    }
    text_add(&whole, path);
    (void)cJSON_AddStringToObject(body, member, text_z(&whole));
out:
    free(here);
    text_done(&whole);
    return rc;
}

static void show_progress(const struct cli *cli, const cJSON *o)
{
    struct text line = {0};

    if (cli->quiet || !isatty(STDERR_FILENO))
        return;
    bytes_member(o, "bytes", &line);
    text_add(&line, " / ");
    bytes_member(o, "bytes_expected", &line);
    (void)fprintf(stderr, "\r%-40s", text_z(&line));
    if (strcmp(json_text(o, "state"), "running") != 0)
        (void)fputs("\r                                        \r", stderr);
    text_done(&line);
}

static void nap(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Asks until it has ended; a holds the last answer. */
static int backup__wait(struct cli *cli, struct answer *a)
{
    struct text path = {0};
    unsigned ms = WAIT_FIRST_MS;
    int rc = EXIT_OK;

    text_add(&path, "/v1/backups/");
    text_add_url(&path, json_text(a->json, "id"));
    while (strcmp(json_text(a->json, "state"), "running") == 0) {
        show_progress(cli, a->json);
        nap(ms);
        ms = ms * 2 > WAIT_MAX_MS ? WAIT_MAX_MS : ms * 2;
        answer_done(a);
        rc = client_call(cli, "GET", text_z(&path), NULL, NULL, a);
        if (rc != EXIT_OK) {
            complain("the backup was begun; whether it ended well is unknown: look for its folder, which has "
                     "its name only when it is whole");
            break;
        }
    }
    if (rc == EXIT_OK)
        show_progress(cli, a->json);
    text_done(&path);
    return rc;
}

int cmd_backup(struct cli *cli)
{
    cJSON *body = cJSON_CreateObject();
    struct answer a = {0};
    int rc = add_path(body, "directory", operand(cli, 0));

    if (rc == EXIT_OK && arg(cli, "since"))
        rc = add_path(body, "since", arg(cli, "since"));
    if (rc == EXIT_OK)
        rc = client_call(cli, "POST", "/v1/backups", body, NULL, &a);
    if (rc == EXIT_OK)
        rc = backup__wait(cli, &a);
    if (rc == EXIT_OK && strcmp(json_text(a.json, "state"), "done") != 0) {
        struct text why = {0};
        text_add_shown(&why, json_text(a.json, "error"));
        if (cli->json)
            show_json(&a);
        complain("the backup failed: %s", text_z(&why));
        text_done(&why);
        rc = EXIT_REFUSED;
    } else if (rc == EXIT_OK) {
        rc = show_object(cli, &a, "directory", backup_columns, COUNT(backup_columns));
    }
    answer_done(&a);
    cJSON_Delete(body);
    return rc;
}

int cmd_restore(struct cli *cli)
{
    const char *words[6] = {"--restore", operand(cli, 0)};
    size_t n = 2;

    if (arg(cli, "config")) {
        words[n++] = "-c";
        words[n++] = arg(cli, "config");
    }
    if (arg(cli, "replace"))
        words[n++] = "--replace";
    return hilod_run(words, EXIT_REFUSED);
}
