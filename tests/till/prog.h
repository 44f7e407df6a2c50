/* The program hilo-till as a process: lines in, lines out, kills. Waits on what comes, never on a clock. */
#ifndef PROG_H
#define PROG_H

#include "rig.h"
#include <sys/types.h>

struct prog {
    pid_t pid;
    int in, out; /* -1: closed */
    char *buf;
    size_t n;
    cJSON *event;  /* the last one */
    char err[128]; /* the file of its standard error */
};

/* NULL-ended words after the program's name. */
struct prog *prog_start(struct rig *, const char *const *words);
#define PROG(rig, ...) prog_start((rig), (const char *const[]){__VA_ARGS__, NULL})
void prog_say(struct prog *, const char *line);
void prog_end_input(struct prog *);
/* The next line it writes, as JSON; NULL: it has ended. Valid until the next call. */
const cJSON *prog_next(struct prog *);
/* The next with this "event"; the test fails if the program ends before. */
const cJSON *prog_event(struct prog *, const char *event);
/* The next state of this line ("online"). */
void prog_line(struct prog *, const char *line);
void prog_kill(struct prog **);
/* Its exit status, after all of its output; *out (free): that output and its standard error. */
int prog_wait(struct prog **, char **out);

/* Enrols a folder by the program; fails the test otherwise. */
void prog_enroll(struct rig *, const char *folder);
const char *event_text(const cJSON *o, const char *member);

#endif
