/* hilo media: files to the gateway and back. */
#include "cli.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct column media_columns[] = {
    {.head = {"Media", "Archivo"}, .member = "id"},
    {.head = {"State", "Estado"}, .member = "state", .flags = COLUMN_STATUS},
    {.head = {"Reason", "Motivo"}, .member = "reason"},
    {.head = {"Type", "Tipo"}, .member = "mime"},
    {.head = {"Size", "Tamaño"}, .member = "size"},
    {.head = {"File", "Nombre"}, .member = "filename"},
    {.head = {"SHA-256", "SHA-256"}, .member = "sha256"},
    {.head = {"Message", "Mensaje"}, .member = "message"},
    {.head = {"Created", "Creado"}, .member = "created", .flags = COLUMN_TIME},
    {.head = {"Link", "Enlace"}, .member = "link"},
};

/* What channels carry; anything else is sent as bytes, or as --type says. */
const char *media_type(const char *file)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".png", "image/png"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".mp3", "audio/mpeg"},
        {".m4a", "audio/mp4"},
        {".aac", "audio/aac"},
        {".amr", "audio/amr"},
        {".ogg", "audio/ogg"},
        {".opus", "audio/ogg"},
        {".wav", "audio/wav"},
        {".mp4", "video/mp4"},
        {".3gp", "video/3gpp"},
        {".pdf", "application/pdf"},
        {".txt", "text/plain"},
        {".csv", "text/csv"},
        {".doc", "application/msword"},
        {".xls", "application/vnd.ms-excel"},
        {".ppt", "application/vnd.ms-powerpoint"},
        {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    };
    const char *dot = strrchr(file, '.');

    for (size_t i = 0; dot && i < COUNT(types); i++)
        if (strcasecmp(dot, types[i].end) == 0)
            return types[i].type;
    return "application/octet-stream";
}

int media_upload(struct cli *cli, const char *file, const char *type, const char *filename,
                 const char *idempotency, struct answer *out)
{
    struct upload up = {.type = type};
    struct text path = {0};
    struct stat st;
    int rc = EXIT_REFUSED;

    up.file = fopen(file, "rbe");
    if (!up.file || fstat(fileno(up.file), &st) != 0) {
        complain("can't read %s: %s", file, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        complain("%s is no file that can be sent", file);
        goto out;
    }
    up.bytes = st.st_size;
    text_add(&path, "/v1/media");
    path_query(&path, "filename", filename);
    rc = client_upload(cli, text_z(&path), &up, idempotency, out);
out:
    if (up.file)
        (void)fclose(up.file);
    text_done(&path);
    return rc;
}

int cmd_media_put(struct cli *cli)
{
    const char *file = operand(cli, 0), *slash = strrchr(file, '/');
    const char *name = arg(cli, "filename") ? arg(cli, "filename") : slash ? slash + 1 : file;
    struct answer a = {0};
    int rc = media_upload(cli, file, arg(cli, "type") ? arg(cli, "type") : media_type(file), name,
                          arg(cli, "idempotency-key"), &a);

    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", media_columns, COUNT(media_columns));
    answer_done(&a);
    return rc;
}

/* ---- back --------------------------------------------------------------------------------------- */

/* Into a file beside the one that is meant, which takes its place when it is whole. */
static int media__save(struct cli *cli, const char *path, const char *file)
{
    struct text part = {0};
    FILE *f = NULL;
    int fd, rc = EXIT_REFUSED;

    text_fmt(&part, "%s.XXXXXX", file);
    fd = mkostemp(part.p, O_CLOEXEC);
    f = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!f) {
        complain("can't write %s: %s", file, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        goto out;
    }
    rc = client_download(cli, path, f);
    /* As any new file is made, not as private as a temporary one. */
    mode_t mask = umask(0);
    (void)umask(mask);
    if (rc == EXIT_OK && (fchmod(fd, 0666 & ~mask) != 0 || fflush(f) != 0)) {
        complain("can't write %s: %s", file, strerror(errno));
        rc = EXIT_REFUSED;
    }
    if (fclose(f) != 0 && rc == EXIT_OK) {
        complain("can't write %s: %s", file, strerror(errno));
        rc = EXIT_REFUSED;
    }
    if (rc == EXIT_OK && rename(part.p, file) != 0) {
        complain("can't write %s: %s", file, strerror(errno));
        rc = EXIT_REFUSED;
    }
    if (rc != EXIT_OK)
        (void)unlink(part.p);
out:
    text_done(&part);
    return rc;
}

static int media__info(struct cli *cli, struct text *path)
{
    struct answer a = {0};
    int rc;

    path_query(path, "info", "");
    rc = client_call(cli, "GET", text_z(path), NULL, NULL, &a);
    if (rc == EXIT_OK)
        rc = show_object(cli, &a, "id", media_columns, COUNT(media_columns));
    answer_done(&a);
    return rc;
}

int cmd_media_get(struct cli *cli)
{
    const char *file = arg(cli, "output");
    struct text path = {0};
    struct stat st;
    int rc;

    text_add(&path, "/v1/media/");
    text_add_url(&path, operand(cli, 0));
    if (arg(cli, "info") || cli->json || cli->quiet)
        rc = file ? usage_error(cli, "-o is for the file itself, not for news of it")
                  : media__info(cli, &path);
    else if (!file && isatty(STDOUT_FILENO))
        rc = usage_error(cli, "a file does not belong on a terminal: -o FILE, or --info for news of it");
    else if (!file || strcmp(file, "-") == 0)
        rc = client_download(cli, text_z(&path), stdout);
    else if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
        rc = usage_error(cli, "%s is no file; -o - writes to standard output", file);
    else
        rc = media__save(cli, text_z(&path), file);
    text_done(&path);
    return rc;
}
