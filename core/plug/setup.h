/*
 * What the core and a worker tell each other at the start, as bytes in the codec of
 * hilo/message.h: what to run (SETUP), and what a plugin's file says of itself (DESCRIBED).
 * Pure functions; [any] thread. A description comes from a process that has run the
 * plugin's code: it is read like anything from outside (tests/fuzz/fuzz_describe.c).
 */
#ifndef PLUG_SETUP_H
#define PLUG_SETUP_H

#include "base/arena.h"
#include "plug/plug.h"

enum {
    SETUP_RUN = 0,
    SETUP_DESCRIBE, /* what the plugin is, in MESSAGE of DESCRIBED */
    SETUP_CHECK     /* what its check() says of conf: abilities in MESSAGE, words in DETAIL */
};
struct setup {
    struct hilo_str build;  /* the core's: a worker of another does not start */
    struct hilo_str name;   /* of the channel; NUL-ended when decoded */
    struct hilo_str plugin; /* absolute path; NUL-ended when decoded */
    uint64_t describe;      /* SETUP_DESCRIBE, SETUP_CHECK: say it, and end */
    uint64_t drop;          /* 1: become this user and group before anything of the plugin runs */
    uint64_t uid, gid;
    uint64_t log_level;
    struct hilo_str digest; /* of the description that conf was filled by */
    struct hilo_str conf;   /* the filled options, packed (options.h) */
};

/* "0.1.0 46 11": the version and what travels; a worker of another build does not start. */
struct hilo_str setup_build(struct arena *);
struct hilo_str setup_encode(const struct setup *, struct arena *);
/* HILO_INVALID: malformed. Points into bytes or the arena. */
int32_t setup_decode(struct hilo_str bytes, struct arena *, struct setup *out);

/* A plugin that was loaded, as bytes; what was loaded from the same file gives the same. */
struct hilo_str setup_describe(const struct plugin *, struct arena *);
/* Fills p, which has a path and an arena of its own. HILO_INVALID with words: malformed, or
 * says what loading would have refused. */
int32_t setup_described(struct hilo_str bytes, struct plugin *p, struct err *);

#endif
