/*
 * A photo or an invoice: fetched piece by piece, put into a file that only this user can read, opened with
 * the desktop's viewer if there is a desktop. The files go when the program ends: they are a customer's.
 */
#include "ui.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>

enum { FETCH_MAX = 32 * 1024 * 1024 };

struct fetch {
    char id[HILOTILL_ID]; /* of the piece that is asked for; "" none */
    char media[65], message[65], etag[129], path[4096];
    bool original;
    int fd;
    int64_t offset;
};

static void media__folder(const struct ui *ui, char out[4096])
{
    snprintf(out, 4096, "%s/media", ui->app->folder);
}

static bool media__ask(struct ui *ui)
{
    struct fetch *f = ui->fetch;
    struct hilotill_error e;
    cJSON *o = cJSON_CreateObject();
    char *params;
    int rc;

    cJSON_AddStringToObject(o, "media", f->media);
    cJSON_AddStringToObject(o, "message", f->message);
    if (f->original)
        cJSON_AddTrueToObject(o, "original");
    if (f->offset)
        cJSON_AddNumberToObject(o, "offset", (double)f->offset);
    params = cJSON_PrintUnformatted(o);
    rc = hilotill_request(ui->t, "media.get", params, 0, f->id, &e);
    cJSON_free(params);
    cJSON_Delete(o);
    if (rc == HILOTILL_OK)
        return true;
    f->id[0] = 0;
    ui_complain(ui, "%s", e.text);
    return false;
}

static void media__stop(struct ui *ui)
{
    struct fetch *f = ui->fetch;

    if (f && f->fd >= 0) {
        close(f->fd);
        f->fd = -1;
        unlink(f->path);
    }
    if (f)
        f->id[0] = 0;
}

static const char *media__ending(const char *mime)
{
    static const char *const rows[][2] = {
        {"image/jpeg", "jpg"}, {"image/png", "png"}, {"image/webp", "webp"}, {"application/pdf", "pdf"},
        {"video/mp4", "mp4"},  {"audio/ogg", "ogg"}, {"text/plain", "txt"}};
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i][0], mime) == 0)
            return rows[i][1];
    return "bin";
}

void media_fetch(struct ui *ui, const char *media, const char *message, const char *mime)
{
    struct fetch *f;

    if (!ui->fetch) {
        ui->fetch = app_alloc(sizeof *ui->fetch);
        ui->fetch->fd = -1;
    }
    media__stop(ui);
    f = ui->fetch;
    snprintf(f->media, sizeof f->media, "%s", media);
    snprintf(f->message, sizeof f->message, "%s", message);
    f->etag[0] = 0;
    f->offset = 0;
    f->original = strncmp(mime, "image/", 6) != 0; /* a picture comes scaled down */
    if (media__ask(ui))
        ui_say(ui, "%s", SAY(ui, "fetching it …", "trayéndolo …"));
}

/* The file, when its kind is known. */
static bool media__create(struct ui *ui, const char *mime)
{
    struct fetch *f = ui->fetch;
    char folder[4096];

    media__folder(ui, folder);
    mkdir(folder, 0700);
    snprintf(f->path, sizeof f->path, "%.3900s/%.64s.%s", folder, f->media, media__ending(mime));
    unlink(f->path);
    f->fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (f->fd < 0)
        ui_complain(ui, "%s: %s", f->path, strerror(errno));
    return f->fd >= 0;
}

static bool media__write(struct ui *ui, const char *base64)
{
    struct fetch *f = ui->fetch;
    char *bytes = app_alloc(strlen(base64) + 4);
    int got = app_base64(base64, bytes);
    bool ok = got >= 0 && write(f->fd, bytes, (size_t)got) == got;

    if (got < 0)
        ui_complain(ui, "%s", SAY(ui, "what came is no file", "lo que llegó no es un archivo"));
    else if (!ok)
        ui_complain(ui, "%s: %s", f->path, strerror(errno));
    f->offset += ok ? got : 0;
    free(bytes);
    return ok;
}

extern char **environ;

static void media__open(struct ui *ui)
{
    struct fetch *f = ui->fetch;
    char opener[] = "xdg-open";
    char *argv[] = {opener, f->path, NULL};
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    pid_t pid;
    bool opened = false;

    if ((x && x[0]) || (wayland && wayland[0])) {
        posix_spawn_file_actions_init(&fa);
        posix_spawnattr_init(&attr);
        posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
        opened = posix_spawnp(&pid, opener, &fa, &attr, argv, environ) == 0;
        posix_spawn_file_actions_destroy(&fa);
        posix_spawnattr_destroy(&attr);
    }
    if (opened)
        ui_say(ui, "%s %s", SAY(ui, "opened:", "abierto:"), f->path);
    else
        ui_say(ui, "%s %s", SAY(ui, "saved:", "guardado:"), f->path);
}

bool media_answer(struct ui *ui, const struct hilotill_answer *a)
{
    struct fetch *f = ui->fetch;
    cJSON *o;

    if (!f || !f->id[0] || strcmp(f->id, a->id) != 0)
        return false;
    f->id[0] = 0;
    if (a->code) {
        ui_complain(ui, "%s", a->error);
        media__stop(ui);
        return true;
    }
    o = cJSON_Parse(a->result);
    if (f->offset && strcmp(f->etag, app_text(o, "etag")) != 0) { /* it changed meanwhile: begin again */
        media__stop(ui);
        f->offset = 0;
        media__ask(ui);
        goto out;
    }
    snprintf(f->etag, sizeof f->etag, "%s", app_text(o, "etag"));
    if ((f->fd < 0 && !media__create(ui, app_text(o, "mime"))) || !media__write(ui, app_text(o, "data"))) {
        media__stop(ui);
    } else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "eof"))) {
        close(f->fd);
        f->fd = -1;
        media__open(ui);
    } else if (f->offset > FETCH_MAX || !app_text(o, "data")[0] || !media__ask(ui)) {
        media__stop(ui);
    }
out:
    cJSON_Delete(o);
    return true;
}

void media_done(struct ui *ui)
{
    char folder[4096], path[4400];
    const struct dirent *d;
    DIR *dir;

    media__stop(ui);
    free(ui->fetch);
    ui->fetch = NULL;
    media__folder(ui, folder);
    dir = opendir(folder);
    while (dir && (d = readdir(dir)))
        if (d->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
            unlink(path);
        }
    if (dir)
        closedir(dir);
    rmdir(folder);
}
