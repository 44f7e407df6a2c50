/*
 * One life of a plugin's instance, as the core's side has it: the link, the thread and
 * copies of all that the thread reads. Held by both sides, so that a plugin which never
 * comes back can be given up without pulling anything from under it. All [core].
 */
#ifndef PLUG_RUN_H
#define PLUG_RUN_H

#include "plug/instance.h"
#include "plug/plug.h"

struct run; /* opaque */

/* Makes the link and starts the thread. name and conf are copied. */
int32_t run_new(const char *name, const struct hilo_plugin *, const void *conf, struct log *, struct err *,
                struct run **out);
/* The thread has said ENDED: waits for its very end. */
void run_join(struct run **, struct channel_stats *add_to);
/* It does not: it is left alone, and frees what it uses should it ever end. */
void run_give_up(struct run **, struct channel_stats *add_to);

struct link_end *run_link(struct run *); /* LINK_CORE */
/* How long the present callback has run by now, 0 if none does; which one it is. */
int64_t run_busy_us(const struct run *, const char **callback_out);
void run_stats(const struct run *, struct channel_stats *add_to);

#endif
