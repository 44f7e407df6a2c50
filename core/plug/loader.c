/*
 * Loads plugins and checks their descriptors (plug.h).
 *
 * Everything a descriptor says is checked before anything of it is used, and what is
 * used from then on is our own copy: of the size that we know, zero where the plugin is
 * older, with the option table in our stride. So the rest of the core never asks how old
 * a plugin is.
 *
 * Invariants: a file is mapped once and never unmapped (its thread-exit destructors may
 * run later). The plugin's strings and tables stay where it has them.
 *
 * Limits: the plugin's constructors run when it is mapped, before anything could be
 * checked; loading one is trusting it.
 */
#include "plug/loader.h"
#include "base/check.h"
#include "base/str.h"
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What version 1.0 had: less is not a descriptor. */
enum {
    DESC_SIZE_1_0 = offsetof(struct hilo_plugin, close) + sizeof(void (*)(void)),
    OPTION_SIZE_1_0 = offsetof(struct hilo_option, max) + sizeof(int64_t),
    ABILITIES_SIZE_1_0 = offsetof(struct hilo_abilities, media_max) + 8 * sizeof(uint64_t),
    NAME_MAX_BYTES = 32,
};

struct plugins *plugins_new(struct log *log)
{
    struct plugins *ps = calloc(1, sizeof *ps);

    if (!ps)
        check_nomem();
    ps->log = log;
    return ps;
}

struct plugin *loader_plugin_new(const char *path, const struct stat *st)
{
    struct plugin *p = calloc(1, sizeof *p);

    if (!p)
        check_nomem();
    p->path = strdup(path);
    if (!p->path)
        check_nomem();
    p->dev = st->st_dev;
    p->ino = st->st_ino;
    p->changed = st->st_mtim;
    return p;
}

void loader_plugin_free(struct plugin **pp)
{
    struct plugin *p = *pp;

    *pp = NULL;
    if (!p)
        return;
    free(p->path);
    free(p->options);
    arena_free(&p->arena);
    free(p);
}

void loader_plugin_add(struct plugins *ps, struct plugin *p)
{
    p->next = ps->all;
    ps->all = p;
    log_event(ps->log, HILO_LOG_INFO, "plugin.loaded", "plugin=%s version=%s interface=1.%u%s", p->desc.name,
              p->desc.version, p->desc.minor, p->arena ? " described_by=worker" : "");
}

struct plugin *loader_plugin_find(const struct plugins *ps, const struct stat *st, bool described)
{
    for (struct plugin *p = ps->all; p; p = p->next)
        if (p->dev == st->st_dev && p->ino == st->st_ino && (p->arena != NULL) == described &&
            (!described ||
             (p->changed.tv_sec == st->st_mtim.tv_sec && p->changed.tv_nsec == st->st_mtim.tv_nsec)))
            return p; /* one that is mapped here stays what it is */
    return NULL;
}

void plugins_free(struct plugins **psp)
{
    struct plugins *ps = *psp;

    *psp = NULL;
    if (!ps)
        return;
    for (struct plugin *p = ps->all, *next; p; p = next) {
        next = p->next;
        loader_plugin_free(&p);
    }
    free(ps);
}

const struct hilo_plugin *plugin_desc(const struct plugin *p)
{
    return &p->desc;
}
const struct hilo_abilities *plugin_abilities(const struct plugin *p)
{
    return &p->abilities;
}
bool plugin_reconfigures(const struct plugin *p)
{
    return p->reconfigures;
}
const char *plugin_path(const struct plugin *p)
{
    return p->path;
}

/* ---- the file ----------------------------------------------------------------------------- */

int32_t loader_check_file(const char *path, struct stat *st, struct err *e)
{
    unsigned char head[EI_NIDENT + 2];
    uint16_t type;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: not even a FIFO stops us */

    if (fd < 0 && errno == ENOENT)
        return err_set(
            e, HILO_NOTFOUND,
            "plugin %s: there is no such file; build or install it, or correct the path in the configuration",
            path);
    if (fd < 0)
        return err_errno(e, "plugin %s: cannot be opened; make it readable for the daemon's user", path);
    n = fstat(fd, st) == 0 && S_ISREG(st->st_mode) ? pread(fd, head, sizeof head, 0) : 0;
    close(fd);
    if (n == (ssize_t)sizeof head && memcmp(head, ELFMAG, SELFMAG) == 0) {
        memcpy(&type, head + EI_NIDENT, sizeof type);
        if (type == ET_DYN)
            return HILO_OK;
    }
    return err_set(
        e, HILO_INVALID,
        "plugin %s: is not a shared object; give the path of the .so that the plugin's build makes", path);
}

static int32_t no_symbol(void *handle, const char *path, struct err *e)
{
    char name[] = "hilo_plugin_v0";

    for (char v = '0'; v <= '9'; v++) {
        name[sizeof name - 2] = v;
        if (v != '1' && dlsym(handle, name))
            return err_set(e, HILO_NOSUP,
                           "plugin %s: is built for version %c of the plugin interface (it exports %s), this "
                           "hilod has version 1 "
                           "(" HILO_PLUGIN_SYMBOL "); use a build of the plugin for version 1",
                           path, v, name);
    }
    return err_set(e, HILO_INVALID,
                   "plugin %s: exports no symbol " HILO_PLUGIN_SYMBOL
                   "; it is not a Hilo plugin, or its descriptor lacks HILO_EXPORT (the symbol is hidden)",
                   path);
}

/* How many bytes the file says that the symbol has; 0: it does not say. */
static uint64_t symbol_size(const void *symbol)
{
    Dl_info where;
    void *found = NULL;

    if (!dladdr1(symbol, &where, &found, RTLD_DL_SYMENT) || !found)
        return 0;
    return ((const ElfW(Sym) *)found)->st_size;
}

/* ---- the descriptor -------------------------------------------------------------------------- */

bool loader_name_ok(const char *s)
{
    size_t n = s ? strlen(s) : 0;

    if (n == 0 || n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') ||
              (i && (s[i] == '-' || s[i] == '_'))))
            return false;
    return true;
}

static uint64_t option_bytes(uint32_t type)
{
    switch (type) {
    case HILO_OPT_STR:
    case HILO_OPT_URL:
    case HILO_OPT_TREE:
        return sizeof(struct hilo_str);
    case HILO_OPT_BOOL:
    case HILO_OPT_INT:
    case HILO_OPT_DURATION:
    case HILO_OPT_BYTES:
    case HILO_OPT_ENUM:
        return 8;
    default:
        return 0;
    }
}

const char *loader_option_wrong(const struct plugin *p, uint32_t i)
{
    const struct hilo_option *o = &p->options[i];
    uint64_t bytes = option_bytes(o->type);

    if (!loader_name_ok(o->name))
        return "its name is missing or is not lower-case letters, digits, - and _";
    if (bytes == 0)
        return "its type is unknown to this hilod (HILO_OPT_x)";
    if (o->offset % 8 || (uint64_t)o->offset + bytes > p->desc.conf_size)
        return "its field is not within conf_size, the size of the struct that HILO_OPTION was given";
    if (o->type == HILO_OPT_ENUM && (!o->choices || !*o->choices))
        return "it has no choices";
    if (o->min > o->max)
        return "its min is above its max";
    if ((o->flags & HILO_OPT_REQUIRED) && o->def)
        return "it is required and has a default";
    if (o->type == HILO_OPT_TREE && o->def)
        return "it is a tree and has a default";
    for (uint32_t j = 0; j < i; j++) {
        const struct hilo_option *b = &p->options[j];

        if (strcmp(b->name, o->name) == 0)
            return "its name is there twice";
        if (b->offset < o->offset + bytes && o->offset < b->offset + option_bytes(b->type))
            return "its field is also that of an option before it";
    }
    return NULL;
}

static int32_t copy_options(struct plugin *p, const struct hilo_option *theirs, struct err *e)
{
    uint32_t stride = p->desc.option_size;
    size_t n = stride < sizeof *theirs ? stride : sizeof *theirs;

    if (p->desc.n_options == 0) {
        p->desc.options = NULL;
        return HILO_OK;
    }
    if (!theirs || stride < OPTION_SIZE_1_0 || stride % 8)
        return err_set(
            e, HILO_INVALID,
            "plugin %s: says %u options but %s; set options, n_options and option_size = sizeof(struct "
            "hilo_option)",
            p->path, p->desc.n_options, theirs ? "its option_size is too small" : "has no table of them");
    if (p->desc.n_options > LOADER_OPTIONS_MAX || p->desc.conf_size > LOADER_CONF_MAX)
        return err_set(e, HILO_INVALID,
                       "plugin %s: has %u options in %u bytes; at most %d in %d are possible", p->path,
                       p->desc.n_options, p->desc.conf_size, LOADER_OPTIONS_MAX, LOADER_CONF_MAX);
    p->options = calloc(p->desc.n_options, sizeof *p->options);
    if (!p->options)
        check_nomem();
    for (uint32_t i = 0; i < p->desc.n_options; i++) {
        const char *wrong;

        memcpy(&p->options[i], (const char *)theirs + (size_t)i * stride, n);
        wrong = loader_option_wrong(p, i);
        if (wrong)
            return err_set(e, HILO_INVALID,
                           "plugin %s: option %u (%.40s): %s; correct its entry in the option table", p->path,
                           i, p->options[i].name ? p->options[i].name : "no name", wrong);
    }
    p->desc.options = p->options;
    return HILO_OK;
}

static int32_t copy_abilities(struct plugin *p, struct err *e)
{
    const struct hilo_abilities *theirs = p->desc.abilities;

    if (!theirs && (p->desc.provides & HILO_CAN_SEND))
        return err_set(e, HILO_INVALID,
                       "plugin %s: provides SEND but declares no abilities; fill hilo_plugin.abilities",
                       p->path);
    if (theirs) {
        if (theirs->size < ABILITIES_SIZE_1_0)
            return err_set(
                e, HILO_INVALID,
                "plugin %s: its abilities are %u bytes, at least %d are needed; set abilities.size = "
                "sizeof(struct hilo_abilities)",
                p->path, theirs->size, ABILITIES_SIZE_1_0);
        memcpy(&p->abilities, theirs, theirs->size < sizeof *theirs ? theirs->size : sizeof *theirs);
    }
    p->abilities.size = sizeof p->abilities;
    p->desc.abilities = &p->abilities;
    return HILO_OK;
}

/* What is promised and not there, or NULL. */
static const char *missing(const struct hilo_plugin *d)
{
    if (!d->open)
        return "open()";
    if (!d->close)
        return "close()";
    if ((d->provides & HILO_CAN_SEND) && !d->send)
        return "send(), which it provides";
    if ((d->provides & HILO_CAN_RECEIVE) && !d->committed)
        return "committed(), which receiving needs";
    if ((d->provides & HILO_CAN_REQUEST) && !d->on_request)
        return "on_request(), which it provides";
    if ((d->provides & HILO_CAN_FETCH) && !d->fetch)
        return "fetch(), which it provides";
    return NULL;
}

static int32_t check_requires(const struct plugin *p, struct err *e)
{
    uint64_t unknown = p->desc.requires & ~(uint64_t)HILO_CAN_ALL_V1;
    int bit = 0;

    if (!unknown)
        return HILO_OK;
    while (!(unknown >> bit & 1))
        bit++;
    return err_set(e, HILO_NOSUP,
                   "plugin %s: requires the ability of bit %d, which this hilod (plugin interface 1.%d) does "
                   "not have; the "
                   "plugin is built for 1.%u: update hilod, or use an older build of the plugin",
                   p->path, bit, HILO_PLUGIN_MINOR, p->desc.minor);
}

static int32_t check_desc(struct plugin *p, const struct hilo_plugin *theirs, struct err *e)
{
    uint64_t there = symbol_size(theirs);
    const char *what;
    int32_t code;

    if (there && there < offsetof(struct hilo_plugin, provides))
        return err_set(e, HILO_INVALID,
                       "plugin %s: " HILO_PLUGIN_SYMBOL
                       " is only %llu bytes; it must be a struct hilo_plugin",
                       p->path, (unsigned long long)there);
    if (theirs->magic != HILO_PLUGIN_MAGIC)
        return err_set(
            e, HILO_INVALID,
            "plugin %s: the descriptor's magic is 0x%08x, not 0x%08x; set .magic = HILO_PLUGIN_MAGIC",
            p->path, theirs->magic, HILO_PLUGIN_MAGIC);
    if (theirs->size < DESC_SIZE_1_0)
        return err_set(
            e, HILO_INVALID,
            "plugin %s: the descriptor's size is %u bytes, at least %d are needed; set .size = sizeof(struct "
            "hilo_plugin)",
            p->path, theirs->size, DESC_SIZE_1_0);
    if (there && theirs->size > there)
        return err_set(
            e, HILO_INVALID,
            "plugin %s: the descriptor says %u bytes but has %llu; set .size = sizeof(struct hilo_plugin)",
            p->path, theirs->size, (unsigned long long)there);
    memcpy(&p->desc, theirs, theirs->size < sizeof p->desc ? theirs->size : sizeof p->desc);
    p->desc.size = sizeof p->desc;
    p->reconfigures = p->desc.reconfigure != NULL;
    p->checks = p->desc.check != NULL;
    code = check_requires(p, e);
    if (code != HILO_OK)
        return code;
    if (!loader_name_ok(p->desc.name))
        return err_set(e, HILO_INVALID,
                       "plugin %s: its name is missing or is not 1 to %d lower-case letters, digits, - and "
                       "_; set .name, the "
                       "type in YAML",
                       p->path, NAME_MAX_BYTES);
    if (!p->desc.version || !*p->desc.version)
        return err_set(e, HILO_INVALID, "plugin %s: has no version; set .version", p->path);
    what = missing(&p->desc);
    if (what)
        return err_set(e, HILO_INVALID, "plugin %s: lacks %s; fill that function of the descriptor", p->path,
                       what);
    code = copy_abilities(p, e);
    return code == HILO_OK ? copy_options(p, p->desc.options, e) : code;
}

int32_t plugins_load(struct plugins *ps, const char *path, struct err *e, struct plugin **out)
{
    struct plugin *p = NULL;
    const struct hilo_plugin *theirs;
    char *full = NULL;
    struct stat st;
    void *handle = NULL;
    int32_t code = loader_check_file(path, &st, e);

    if (code != HILO_OK)
        return code;
    p = loader_plugin_find(ps, &st, false);
    if (p) {
        *out = p;
        return HILO_OK;
    }
    /* An absolute path: dlopen looks up a bare name elsewhere. */
    full = realpath(path, NULL);
    p = loader_plugin_new(path, &st);
    handle = full ? dlopen(full, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : NULL;
    if (!handle) {
        const char *words = full ? dlerror() : strerror(errno);
        code = err_set(e, HILO_INVALID,
                       "plugin %s: cannot be loaded: %s; install what it needs, and build it with "
                       "-Wl,-z,defs so that this "
                       "fails earlier",
                       path, words ? words : "no reason given");
        goto out;
    }
    theirs = dlsym(handle, HILO_PLUGIN_SYMBOL);
    code = theirs ? check_desc(p, theirs, e) : no_symbol(handle, path, e);
    if (code != HILO_OK)
        goto out;
    loader_plugin_add(ps, p);
    *out = p;
    p = NULL;
out:
    free(full); /* and the handle stays open: see the top */
    loader_plugin_free(&p);
    return code;
}
