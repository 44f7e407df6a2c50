/*
 * Reads a kannel.conf. Faults are told as Kannel would, by file and line; a file that Kannel
 * refuses is refused here.
 *
 * Differences, all on the generous side: an included path that is not found from the working
 * folder is looked for beside the file that includes it (Kannel's working folder is rarely
 * that of whoever converts), and a folder's files are read in the order of their names.
 */
#include "cli.h"
#include "kannel_conf.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 1000, BYTES_MAX = 16 << 20, DEPTH_MAX = 16 };

struct reader {
    struct kannel_conf *conf;
    struct kannel_group *group; /* the one that is open; NULL after an empty line */
    unsigned depth;
    const char *open[DEPTH_MAX]; /* files that are being read: one that includes itself never ends */
};

static void *grow(void *p, size_t n, size_t size)
{
    if (n & (n - 1)) /* full at powers of two only */
        return p;
    p = realloc(p, (n ? n * 2 : 1) * size);
    if (!p) {
        complain("out of memory");
        exit(EXIT_REFUSED);
    }
    return p;
}

static char *copy(const char *p, size_t n)
{
    char *s = strndup(p, n);

    if (!s) {
        complain("out of memory");
        exit(EXIT_REFUSED);
    }
    return s;
}

/* Without blanks at both ends. */
static void strip(const char **p, size_t *n)
{
    while (*n && isspace((unsigned char)**p)) {
        (*p)++;
        (*n)--;
    }
    while (*n && isspace((unsigned char)(*p)[*n - 1]))
        (*n)--;
}

static char *value_of(const char *p, size_t n)
{
    char *value;
    size_t at = 0;

    strip(&p, &n);
    if (n < 2 || p[0] != '"' || p[n - 1] != '"')
        return copy(p, n);
    value = copy(p + 1, n - 2);
    for (size_t i = 1; i + 1 < n; i++) {
        if (p[i] == '\\' && i + 2 < n && (p[i + 1] == '\\' || p[i + 1] == '"'))
            i++;
        value[at++] = p[i];
    }
    value[at] = 0;
    return value;
}

static int read_file(struct reader *, const char *path);

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_folder(struct reader *r, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char **names = NULL;
    size_t n = 0;
    int rc = EXIT_OK;

    if (!dir) {
        complain("can't read the included folder %s: %s", path, strerror(errno));
        return EXIT_REFUSED;
    }
    while ((entry = readdir(dir))) {
        struct text name = {0};
        struct stat st;
        text_fmt(&name, "%s/%s", path, entry->d_name);
        if (stat(name.p, &st) == 0 && S_ISREG(st.st_mode)) {
            names = grow(names, n, sizeof *names);
            names[n++] = copy(name.p, name.n);
        }
        text_done(&name);
    }
    (void)closedir(dir);
    if (n)
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        if (rc == EXIT_OK)
            rc = read_file(r, names[i]);
        free(names[i]);
    }
    free(names);
    return rc;
}

static int include(struct reader *r, const char *file, unsigned line, const char *wanted)
{
    struct text beside = {0};
    const char *slash = strrchr(file, '/'), *path = wanted;
    struct stat st;
    int rc;

    if (stat(path, &st) != 0 && wanted[0] != '/' && slash) {
        text_add_n(&beside, file, (size_t)(slash + 1 - file));
        text_add(&beside, wanted);
        path = beside.p;
    }
    if (stat(path, &st) != 0) {
        complain("%s:%u: can't include %s: %s", file, line, wanted, strerror(errno));
        rc = EXIT_REFUSED;
    } else {
        rc = S_ISDIR(st.st_mode) ? read_folder(r, path) : read_file(r, path);
    }
    text_done(&beside);
    return rc;
}

static void set(struct reader *r, const char *file, unsigned line, char *name, char *value)
{
    struct kannel_conf *conf = r->conf;
    struct kannel_group *group = r->group;

    if (!group) {
        conf->group = grow(conf->group, conf->n, sizeof *conf->group);
        group = r->group = &conf->group[conf->n++];
        *group = (struct kannel_group){.name = "", .file = file, .line = line};
    }
    for (size_t i = 0; i < group->n; i++) {
        if (strcmp(group->value[i].name, name) == 0) { // the last one counts
            free(group->value[i].value);
            free(name);
            group->value[i].value = value;
            group->value[i].line = line;
            group->value[i].file = file;
            goto named;
        }
    }
    group->value = grow(group->value, group->n, sizeof *group->value);
    group->value[group->n++] =
        (struct kannel_value){.name = name, .value = value, .file = file, .line = line};
named:
    for (size_t i = 0; i < group->n; i++)
        if (strcmp(group->value[i].name, "group") == 0)
            group->name = group->value[i].value;
}

static int read_line(struct reader *r, const char *file, unsigned line, const char *p, size_t n)
{
    const char *equals, *name = p;
    char *value;
    size_t name_n;
    int rc = EXIT_OK;

    strip(&p, &n);
    if (!n) {
        r->group = NULL;
        return EXIT_OK;
    }
    if (p[0] == '#')
        return EXIT_OK;
    equals = memchr(p, '=', n);
    if (!equals || memchr(p, 0, n)) {
        complain("%s:%u: %s", file, line,
                 equals ? "a byte 0 is in this line"
                        : "an equals sign is missing in this line; Kannel would not start with it");
        return EXIT_REFUSED;
    }
    name = p;
    name_n = (size_t)(equals - p);
    strip(&name, &name_n);
    value = value_of(equals + 1, n - (size_t)(equals + 1 - p));
    if (name_n == 7 && memcmp(name, "include", 7) == 0) {
        rc = include(r, file, line, value);
        free(value);
    } else {
        set(r, file, line, copy(name, name_n), value);
    }
    return rc;
}

static int read_file(struct reader *r, const char *path)
{
    struct kannel_conf *conf = r->conf;
    FILE *file = fopen(path, "re");
    char *line = NULL;
    const char *name;
    size_t room = 0, bytes = 0;
    unsigned number = 0;
    ssize_t n;
    int rc = EXIT_OK;

    if (!file) {
        complain("can't read %s: %s", path, strerror(errno));
        return EXIT_REFUSED;
    }
    for (unsigned i = 0; i < r->depth; i++) {
        if (strcmp(r->open[i], path) == 0) {
            complain("%s includes itself; Kannel would not start with it", path);
            rc = EXIT_REFUSED;
        }
    }
    if (rc == EXIT_OK && (r->depth == DEPTH_MAX || conf->n_files == FILES_MAX)) {
        complain("%s: files are included too deeply, or there are more than %d of them", path, FILES_MAX);
        rc = EXIT_REFUSED;
    }
    if (rc != EXIT_OK)
        goto out;
    conf->file = grow(conf->file, conf->n_files, sizeof *conf->file);
    name = conf->file[conf->n_files++] = copy(path, strlen(path));
    r->open[r->depth++] = name;
    while (rc == EXIT_OK && (n = getline(&line, &room, file)) > 0) {
        bytes += (size_t)n;
        rc = read_line(r, name, ++number, line, (size_t)n);
        if (rc == EXIT_OK && bytes > BYTES_MAX) {
            complain("%s is larger than %d MiB: this is no kannel.conf", path, BYTES_MAX >> 20);
            rc = EXIT_REFUSED;
        }
    }
    if (rc == EXIT_OK && ferror(file)) {
        complain("can't read %s: %s", path, strerror(errno));
        rc = EXIT_REFUSED;
    }
    r->depth--;
out:
    free(line);
    (void)fclose(file);
    return rc;
}

int kannel_conf_read(const char *path, struct kannel_conf *out)
{
    struct reader r = {.conf = out};
    int rc = read_file(&r, path);

    for (size_t i = 0; rc == EXIT_OK && i < out->n; i++) {
        if (!out->group[i].name[0]) {
            complain("%s:%u: these lines are in no group: the first of them should be \"group = …\"",
                     out->group[i].file, out->group[i].line);
            rc = EXIT_REFUSED;
        }
    }
    return rc;
}

void kannel_conf_done(struct kannel_conf *conf)
{
    for (size_t i = 0; i < conf->n; i++) {
        for (size_t k = 0; k < conf->group[i].n; k++) {
            free(conf->group[i].value[k].name);
            free(conf->group[i].value[k].value);
        }
        free(conf->group[i].value);
    }
    for (size_t i = 0; i < conf->n_files; i++)
        free(conf->file[i]);
    free(conf->group);
    free(conf->file);
    *conf = (struct kannel_conf){0};
}

struct kannel_value *kannel_conf_get(const struct kannel_group *group, const char *name)
{
    for (size_t i = 0; i < group->n; i++) {
        if (strcmp(group->value[i].name, name) == 0) {
            group->value[i].used = true;
            return &group->value[i];
        }
    }
    return NULL;
}
