/*
 * What loader.c (plugins in this process) and describe.c (those that only workers load)
 * share. Private to them and serve.c. [core]
 */
#ifndef PLUG_LOADER_H
#define PLUG_LOADER_H

#include "base/arena.h"
#include "base/sha256.h"
#include "plug/plug.h"
#include <sys/stat.h>
#include <time.h>

enum { LOADER_OPTIONS_MAX = 256, LOADER_CONF_MAX = 64 * 1024 };

struct plugin {
    struct plugin *next;
    char *path;
    dev_t dev;
    ino_t ino;
    struct timespec changed; /* described: the file was not changed since */
    struct hilo_plugin desc; /* described: without any function */
    struct hilo_abilities abilities;
    struct hilo_option *options;
    bool reconfigures, checks; /* it has reconfigure(), check() */
    struct arena *arena;       /* of one that is described: its texts; else NULL */
    uint8_t digest[SHA256_BYTES];
};

struct plugins {
    struct log *log;
    struct plugin *all;
};

struct plugin *loader_plugin_new(const char *path, const struct stat *);
void loader_plugin_free(struct plugin **);
void loader_plugin_add(struct plugins *, struct plugin *);
struct plugin *loader_plugin_find(const struct plugins *, const struct stat *, bool described);
/* Whether it is a shared object at all, without running anything of it. */
int32_t loader_check_file(const char *path, struct stat *, struct err *);
bool loader_name_ok(const char *);
/* What is wrong with option i, whose entries before it are right; or NULL. */
const char *loader_option_wrong(const struct plugin *, uint32_t i);

#endif
