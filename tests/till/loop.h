/*
 * An application on libhilotill: the loop of its header, and a memory of what it was told. UNTIL runs it
 * until something is so; nothing here sleeps.
 */
#ifndef LOOP_H
#define LOOP_H

#include "rig.h"
#include <hilotill.h>

enum { LOOP_ANSWERS = 4096, LOOP_PUSHES = 64 };

struct loop_answer {
    char id[HILOTILL_ID], method[65];
    int32_t queued, code;
    char *result, *error, *data;
};
struct loop_push {
    char id[65], method[65];
    char *params;
};
struct loop {
    struct rig *rig;
    struct hilotill *t;
    struct hilotill_error e; /* of the last call */
    struct loop_answer answers[LOOP_ANSWERS];
    unsigned n_answers;
    struct loop_push pushes[LOOP_PUSHES];
    unsigned n_pushes;
    bool take; /* each push is done at once */
    unsigned changes;
    int enrolled; /* 1: not ended */
    struct hilotill_error enrolled_why;
    struct hilotill_options o;
};

struct loop *loop_new(void); /* a gateway, and a folder that is not opened */
void loop_free(struct loop *);
int loop_open(struct loop *); /* HILOTILL_E… */
void loop_close(struct loop *);
void loop_enrolled(struct loop *); /* opens and enrols, or the test fails */
void loop_online(struct loop *);   /* and connects */
struct hilotill_status loop_status(struct loop *);
const struct loop_answer *loop_answer(struct loop *, const char *id); /* NULL: none came */
unsigned loop_answers(struct loop *, const char *id);
void loop_note(struct loop *, const char *text, char id_out[HILOTILL_ID]); /* queues a case.note */
/* What took effect is notes with texts "0", "1" … in order, n of them, each once. */
void loop_assert_notes(struct loop *, unsigned n);

void loop_turn(struct loop *, const char *what);
#define UNTIL(l, cond)                                                                                       \
    while (!(cond))                                                                                          \
    loop_turn((l), __FILE__ ": " #cond)

#endif
