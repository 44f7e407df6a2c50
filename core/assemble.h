/* From a configuration file to what the daemon runs: settings, plugins, their options. */
#ifndef ASSEMBLE_H
#define ASSEMBLE_H

#include "conf/settings.h"
#include "plug/plug.h"

struct assembled { /* an enabled channel */
    struct assembled *next;
    const struct settings_channel *set;
    struct plugin *plugin;               /* NULL: broken says why */
    const struct worker_options *worker; /* NULL: on a thread */
    int64_t hung_us;
    void *conf; /* the plugin's struct of options, filled */
    const struct consent_rules *consent;
    struct hilo_abilities able; /* the plugin's, as these options narrow them */
    uint32_t scopes;            /* SCOPE_x: what its plugin may do from within */
    char broken[256];
};

struct assembly {
    struct assembly *older; /* for whoever keeps several */
    struct conf *conf;      /* owns all below */
    struct settings settings;
    struct worker_options worker;        /* of all channels that have a process */
    char no_worker[256];                 /* why they can't have one; else empty */
    const struct consent_rules *consent; /* of channels without words of their own */
    struct assembled *channels;          /* in the file's order */
};

/* Reads the file and its settings. HILO_INVALID: conf->errors has what is wrong so far. */
int32_t assembly_read(const char *config, struct assembly *, struct err *);
/* After a read that gave settings (conf->root is there), good or not: loads the plugins and
 * fills their options, so that all that is wrong is known at once. HILO_INVALID: so much is.
 * A plugin that can't be loaded only leaves its channel broken. */
int32_t assembly_load(struct assembly *, struct plugins *, struct err *);
void assembly_done(struct assembly *);
void assembly_log_broken(struct log *, const struct assembled *);

#endif
