/*
 * The places in the code that sync: what is synced, and by which functions, the nearest first.
 * addr2line (binutils, which gcc needs) names them from the callers' offsets, inlined ones too.
 */
#include "power.h"
#include <ctype.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { NAMED = 2 /* functions of a site */, BATCH = 400 };

struct address {
    uint64_t offset;
    char names[256]; /* of the inlined functions there, the innermost first, separated by spaces */
};

struct addresses {
    struct address *a;
    unsigned n;
};

/* These sync for those that call them, which the site is then. */
static const char *const helpers[] = {"segment_sync", "sync_dir"};

static bool is_helper(const char *name)
{
    for (unsigned i = 0; i < sizeof helpers / sizeof *helpers; i++)
        if (strcmp(helpers[i], name) == 0)
            return true;
    return false;
}

/* What a path is, however it is called. */
static const char *kind_of(const char *path)
{
    static const char *const kinds[][2] = {{"data/journal/*.seg", "a segment"},
                                           {"data/journal", "the journal's folder"},
                                           {"data/context/*", "the context"},
                                           {"data/context", "the context's folder"},
                                           {"data/media/tmp-*", "a media file"},
                                           {"data/media/??", "a folder of media"},
                                           {"data/media", "the media's folder"},
                                           {"data", "the store's folder"},
                                           {"data/backup.last*", "when the last backup was"},
                                           {"backups", "the folder of backups"},
                                           {"backups/*.partial/manifest", "a backup's manifest"},
                                           {"backups/*.partial/context", "a folder of a backup"},
                                           {"backups/*.partial/journal", "a folder of a backup"},
                                           {"backups/*.partial/media", "a folder of a backup"},
                                           {"backups/*.partial/media/[0-9a-f]*", "a folder of a backup"},
                                           {"backups/*.partial", "a folder of a backup"},
                                           {"backups/*.partial/*/*", "a file of a backup"},
                                           {"backups/*.partial/media/[0-9a-f]*/*", "a file of a backup"},
                                           {"", "the folder of the store's"}};

    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (fnmatch(kinds[i][0], path, FNM_PATHNAME) == 0)
            return kinds[i][1];
    return "something else";
}

static struct address *find(struct addresses *all, uint64_t offset)
{
    for (unsigned i = 0; i < all->n; i++)
        if (all->a[i].offset == offset)
            return &all->a[i];
    return NULL;
}

static void collect(struct addresses *all, const struct power_log *l)
{
    for (unsigned i = 0; i < l->n_syncs; i++) {
        const struct power_rec *r = l->rec[l->sync[i].begin];
        for (unsigned k = 0; k < r->n_frames && k < NAMED; k++) {
            uint64_t offset;
            memcpy(&offset, (const char *)(r + 1) + k * sizeof offset, sizeof offset);
            if (find(all, offset))
                continue;
            all->a = realloc(all->a, (all->n + 1) * sizeof *all->a);
            assert_non_null(all->a);
            all->a[all->n++] = (struct address){.offset = offset};
        }
    }
}

/* addr2line -a -i -f: an address, then for each function a line with it and one with its place. */
static void name_all(struct addresses *all, const char *program)
{
    char command[64 * BATCH], line[512];
    struct address *now = NULL;
    int n = snprintf(command, sizeof command, "addr2line -a -i -f -e %s", program);
    bool is_function = false;

    assert_true(all->n < BATCH);
    for (unsigned i = 0; i < all->n; i++) /* a return address: the call is before it */
        n += snprintf(command + n, sizeof command - (size_t)n, " 0x%llx",
                      (unsigned long long)all->a[i].offset - 1);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0x", 2) == 0) {
            now = find(all, strtoull(line, NULL, 16) + 1);
            is_function = true;
            continue;
        }
        if (is_function && now) {
            char *dot = strchr(line, '.'); /* a part or a clone of it */
            if (dot)
                *dot = '\0';
            size_t used = strlen(now->names);
            (void)snprintf(now->names + used, sizeof now->names - used, "%s%s", used ? " " : "", line);
        }
        is_function = !is_function;
    }
    assert_int_equal(pclose(in), 0);
}

static void site_name(const struct power_rec *r, struct addresses *all, char *out, size_t cap)
{
    char names[1024] = "", path[1024], *word, *rest;
    unsigned n = 0;

    for (unsigned k = 0; k < r->n_frames && k < NAMED; k++) {
        uint64_t offset;
        memcpy(&offset, (const char *)(r + 1) + k * sizeof offset, sizeof offset);
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, " %s", find(all, offset)->names);
    }
    (void)snprintf(path, sizeof path, "%.*s", (int)r->n_path, power_path(r));
    size_t used = (size_t)snprintf(out, cap, "%s:", kind_of(path));
    for (word = strtok_r(names, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        used += (size_t)snprintf(out + used, cap - used, "%s%s", n++ ? " for " : " ", word);
        if (!is_helper(word))
            break;
    }
    if (!n)
        (void)snprintf(out + used, cap - used, " O_DSYNC");
}

void power_sites(struct power_log *l, const char *program)
{
    struct addresses all = {0};

    collect(&all, l);
    if (all.n)
        name_all(&all, program);
    for (unsigned i = 0; i < l->n_syncs; i++) {
        char name[sizeof l->site->name];
        unsigned s = 0;
        site_name(l->rec[l->sync[i].begin], &all, name, sizeof name);
        while (s < l->n_sites && strcmp(l->site[s].name, name) != 0)
            s++;
        if (s == l->n_sites) {
            l->site = realloc(l->site, (l->n_sites + 1) * sizeof *l->site);
            assert_non_null(l->site);
            l->site[l->n_sites] = (struct power_site){0};
            memcpy(l->site[l->n_sites++].name, name, sizeof name);
        }
        l->site[s].count++;
        l->sync[i].site = s;
    }
    free(all.a);
}
