/* What the core and a worker tell each other at the start (setup.h). */
#include "plug/setup.h"
#include "base/check.h"
#include "base/str.h"
#include "plug/frames.h"
#include "plug/instance.h"
#include "plug/loader.h"
#include <stdlib.h>

#ifndef HILO_VERSION
#define HILO_VERSION "unknown"
#endif

/* Tags: only ever between two programs of one build. */
enum { S_BUILD = 1, S_NAME, S_PLUGIN, S_DESCRIBE, S_DROP, S_UID, S_GID, S_LOG_LEVEL, S_DIGEST, S_CONF };
enum {
    D_MINOR = 1,
    D_PROVIDES,
    D_REQUIRES,
    D_NAME,
    D_VERSION,
    D_LICENSE,
    D_SUMMARY,
    D_CONF_SIZE,
    D_RECONFIGURES,
    D_CHECKS,
    D_ABILITIES,
    D_OPTION,
    D_SCOPES,
    O_NAME = 1,
    O_DEF,
    O_CHOICES,
    O_HELP,
    O_TYPE,
    O_FLAGS,
    O_OFFSET,
    O_MIN,
    O_MAX
};

struct hilo_str setup_build(struct arena *a)
{
    enum {
#define FRAME(name, type, direction, must, needs) COUNT_F_##name,
#define FRAME_FIELD(name, tag, type, member)      COUNT_D_##name,
#include "plug/frames.def"
        COUNT_ALL
    };
    return arena_fmt(a, "%s %d %d %zu %zu", HILO_VERSION, (int)COUNT_ALL, (int)S_CONF,
                     sizeof(struct instance_shared), sizeof(struct hilo_abilities));
}

/* ---- setup -------------------------------------------------------------------------------- */

struct hilo_str setup_encode(const struct setup *s, struct arena *a)
{
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_str(&w, S_BUILD, s->build);
    hilo_put_str(&w, S_NAME, s->name);
    hilo_put_str(&w, S_PLUGIN, s->plugin);
    hilo_put_u64(&w, S_DESCRIBE, s->describe);
    hilo_put_u64(&w, S_DROP, s->drop);
    hilo_put_u64(&w, S_UID, s->uid);
    hilo_put_u64(&w, S_GID, s->gid);
    hilo_put_u64(&w, S_LOG_LEVEL, s->log_level);
    hilo_put_str(&w, S_DIGEST, s->digest);
    hilo_put_str(&w, S_CONF, s->conf);
    CHECK(!w.failed);
    return hilo_written(&w);
}

int32_t setup_decode(struct hilo_str bytes, struct arena *a, struct setup *out)
{
    struct setup s = {.conf = {NULL, 0}};
    struct hilo_field f;
    int more;

    while ((more = hilo_next(&bytes, &f)) == 1) {
        switch (f.tag) {
        case S_BUILD:
            s.build = f.val;
            break;
        case S_NAME:
            s.name = arena_str(a, f.val);
            break;
        case S_PLUGIN:
            s.plugin = arena_str(a, f.val);
            break;
        case S_DESCRIBE:
            s.describe = hilo_u64(f.val);
            break;
        case S_DROP:
            s.drop = hilo_u64(f.val);
            break;
        case S_UID:
            s.uid = hilo_u64(f.val);
            break;
        case S_GID:
            s.gid = hilo_u64(f.val);
            break;
        case S_LOG_LEVEL:
            s.log_level = hilo_u64(f.val);
            break;
        case S_DIGEST:
            s.digest = f.val;
            break;
        case S_CONF:
            s.conf = f.val;
            break;
        default:
            break;
        }
    }
    if (more != 0 || s.build.n == 0 || s.name.n == 0 || s.plugin.n == 0)
        return HILO_INVALID;
    *out = s;
    return HILO_OK;
}

/* ---- what a plugin is ------------------------------------------------------------------------ */

static void put_z(struct hilo_writer *w, uint32_t tag, const char *z)
{
    if (z)
        hilo_put_str(w, tag, str(z));
}

struct hilo_str setup_describe(const struct plugin *p, struct arena *a)
{
    const struct hilo_plugin *d = &p->desc;
    struct hilo_writer w;

    arena_writer(a, &w);
    hilo_put_u64(&w, D_MINOR, d->minor);
    hilo_put_u64(&w, D_PROVIDES, d->provides);
    hilo_put_u64(&w, D_REQUIRES, d->requires);
    put_z(&w, D_NAME, d->name);
    put_z(&w, D_VERSION, d->version);
    put_z(&w, D_LICENSE, d->license);
    put_z(&w, D_SUMMARY, d->summary);
    put_z(&w, D_SCOPES, d->scopes);
    hilo_put_u64(&w, D_CONF_SIZE, d->conf_size);
    hilo_put_u64(&w, D_RECONFIGURES, p->reconfigures);
    hilo_put_u64(&w, D_CHECKS, p->checks);
    hilo_put(&w, D_ABILITIES, &p->abilities, sizeof p->abilities);
    for (uint32_t i = 0; i < d->n_options; i++) {
        const struct hilo_option *o = &d->options[i];

        hilo_open(&w, D_OPTION);
        put_z(&w, O_NAME, o->name);
        put_z(&w, O_DEF, o->def);
        put_z(&w, O_CHOICES, o->choices);
        put_z(&w, O_HELP, o->help);
        hilo_put_u64(&w, O_TYPE, o->type);
        hilo_put_u64(&w, O_FLAGS, o->flags);
        hilo_put_u64(&w, O_OFFSET, o->offset);
        hilo_put_u64(&w, O_MIN, (uint64_t)o->min);
        hilo_put_u64(&w, O_MAX, (uint64_t)o->max);
        hilo_close(&w);
    }
    CHECK(!w.failed);
    return hilo_written(&w);
}

static bool get_option(struct plugin *p, struct hilo_str group)
{
    struct hilo_option *o = &p->options[p->desc.n_options];
    struct hilo_field f;
    int more;

    while ((more = hilo_next(&group, &f)) == 1) {
        uint64_t u = hilo_u64(f.val);

        switch (f.tag) {
        case O_NAME:
            o->name = arena_z(p->arena, f.val);
            break;
        case O_DEF:
            o->def = arena_z(p->arena, f.val);
            break;
        case O_CHOICES:
            o->choices = arena_z(p->arena, f.val);
            break;
        case O_HELP:
            o->help = arena_z(p->arena, f.val);
            break;
        case O_TYPE:
            o->type = (uint32_t)u;
            break;
        case O_FLAGS:
            o->flags = (uint32_t)u;
            break;
        case O_OFFSET:
            o->offset = (uint32_t)u;
            break;
        case O_MIN:
            o->min = (int64_t)u;
            break;
        case O_MAX:
            o->max = (int64_t)u;
            break;
        default:
            break;
        }
    }
    return more == 0;
}

static const char *described_fields(struct hilo_str bytes, struct plugin *p)
{
    struct hilo_plugin *d = &p->desc;
    struct hilo_field f;
    int more;

    while ((more = hilo_next(&bytes, &f)) == 1) {
        uint64_t u = hilo_u64(f.val);
        const char *wrong;

        switch (f.tag) {
        case D_MINOR:
            d->minor = (uint32_t)u;
            break;
        case D_PROVIDES:
            d->provides = u;
            break;
        case D_REQUIRES:
            d->requires
            = u;
            break;
        case D_NAME:
            d->name = arena_z(p->arena, f.val);
            break;
        case D_VERSION:
            d->version = arena_z(p->arena, f.val);
            break;
        case D_LICENSE:
            d->license = arena_z(p->arena, f.val);
            break;
        case D_SUMMARY:
            d->summary = arena_z(p->arena, f.val);
            break;
        case D_SCOPES:
            d->scopes = arena_z(p->arena, f.val);
            break;
        case D_CONF_SIZE:
            if (u > LOADER_CONF_MAX || d->n_options) /* options were checked by it */
                return "its options take too much room";
            d->conf_size = (uint32_t)u;
            break;
        case D_RECONFIGURES:
            p->reconfigures = u != 0;
            break;
        case D_CHECKS:
            p->checks = u != 0;
            break;
        case D_ABILITIES:
            if (f.val.n != sizeof p->abilities)
                return "its abilities have a wrong size";
            memcpy(&p->abilities, f.val.p, sizeof p->abilities);
            break;
        case D_OPTION:
            if (d->n_options == LOADER_OPTIONS_MAX)
                return "it has too many options";
            if (!get_option(p, f.val))
                return "an option is malformed";
            wrong = loader_option_wrong(p, d->n_options);
            if (wrong)
                return wrong;
            d->n_options++;
            break;
        default:
            break;
        }
    }
    return more == 0 ? NULL : "it is malformed";
}

int32_t setup_described(struct hilo_str bytes, struct plugin *p, struct err *e)
{
    const char *wrong;

    p->options = calloc(LOADER_OPTIONS_MAX, sizeof *p->options);
    if (!p->options)
        check_nomem();
    p->desc = (struct hilo_plugin){.magic = HILO_PLUGIN_MAGIC,
                                   .size = sizeof p->desc,
                                   .option_size = sizeof *p->options,
                                   .abilities = &p->abilities,
                                   .options = p->options};
    wrong = described_fields(bytes, p);
    if (!wrong && (!loader_name_ok(p->desc.name) || !p->desc.version || !*p->desc.version))
        wrong = "it has no name or no version";
    if (!wrong && p->abilities.size != sizeof p->abilities)
        wrong = "it has no abilities";
    if (wrong)
        return err_set(e, HILO_INVALID, "plugin %s: what its worker says of it can't be: %s", p->path, wrong);
    if (p->desc.n_options == 0)
        p->desc.options = NULL;
    sha256(bytes.p, (size_t)bytes.n, p->digest);
    return HILO_OK;
}
