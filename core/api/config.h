/*
 * What a reload of the configuration came to: made by main, told by POST
 * /v1/config/reload and in the log. Everything lives in the arena it was made in.
 */
#ifndef API_CONFIG_H
#define API_CONFIG_H

#include "conf/conf.h"

struct config_channel {
    struct config_channel *next;
    struct hilo_str name;
    /* "added"         it is started
     * "removed"       it drains and ends, or is disabled; queued messages stay in the store
     * "reopened"      it drains, and starts again with the new options
     * "reconfigured"  it goes on; its plugin is given the new options
     * "updated"       it goes on; only the gateway itself looks at what changed
     * "started"       it could not be loaded before, and can now */
    const char *change;
    struct conf_change *options; /* whose values changed */
    uint64_t queued;             /* messages that wait for it */
};

struct config_report {
    struct hilo_str file;
    struct conf_error *faults;         /* not empty: nothing was changed. line 0: of no place */
    unsigned n_faults;                 /* all that there are; the list may hold fewer */
    struct conf_change *changed;       /* settings of the gateway that it has taken over */
    struct conf_change *needs_restart; /* that differ from those it runs with */
    struct config_channel *channels;   /* those that were touched */
    unsigned untouched;                /* channels that went on as they were */
};

/* Reads the file again and takes over what changed, or nothing at all if it has faults. */
typedef void config_reload_fn(void *arg, struct arena *, struct config_report *out);

#endif
