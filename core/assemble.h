/* From a configuration to what the daemon runs: settings, plugins, channels. */
#ifndef ASSEMBLE_H
#define ASSEMBLE_H

#include "conf/settings.h"
#include "services/gateway.h"

struct assembled {
    struct assembled *next;
    struct gw_channel channel;
    struct plugin *plugin; /* NULL: channel.broken says why */
    void *conf;            /* the plugin's struct of options */
};

struct assembly {
    struct conf *conf;
    struct settings settings;
    struct plugins *plugins;
    struct assembled *channels;
};

/* Reads the configuration and loads the plugins; makes gw's log, loop, arena, channels
 * and routes. A configuration with errors is HILO_INVALID, each printed to fd 2. A
 * plugin that can't be loaded only leaves its channel broken, and is logged. */
int32_t assemble(const char *config, struct gateway *gw, struct assembly *, struct err *);
void assembly_done(struct gateway *gw, struct assembly *);

#endif
