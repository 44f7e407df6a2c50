/*
 * A gateway that says what a test tells it, on a unix socket and on a port of loopback,
 * and the program hilo run against it. Each test makes its own; nothing is shared.
 */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { RIG_REQUESTS = 8, RIG_ENV = 12, RIG_ARGS = 40 };

struct rig_request {
    char *method, *uri; /* as it stood in the request line, with its query */
    char *type, *authorization, *idempotency;
    char *body; /* NUL-ended */
    size_t body_n;
};
struct rig;

struct rig *rig_new(void);
void rig_free(struct rig **);

/* The next answers, in their order; afterwards 200 and {}. status 0: the connection is
 * closed without one. type NULL: application/json. location may be NULL. */
void rig_answer(struct rig *, unsigned status, const char *body);
void rig_answer_as(struct rig *, unsigned status, const char *type, const char *location, const char *body);
/* Stops listening. The file of the socket remains, with nobody behind it. */
void rig_stop(struct rig *);

/* Before a run; NULL takes it away. At first: HILO_CONTROL, PATH, TZ=UTC, LANG=C. */
void rig_env(struct rig *, const char *name, const char *value);
const char *rig_path(struct rig *, const char *name); /* in the test's folder; until the next eight calls */
const char *rig_control(const struct rig *);
unsigned rig_port(const struct rig *);

/* Runs hilo and waits. Returns its exit status; -signal if it was killed. What it wrote
 * is in rig_out and rig_err until the next run. */
int rig_run(struct rig *, const char *const *args);
#define RUN(rig, ...) rig_run((rig), (const char *const[]){__VA_ARGS__, NULL})
/* With a terminal of so many columns as its standard output. */
int rig_run_terminal(struct rig *, unsigned short columns, const char *const *args);
/* With its standard output to a file. */
int rig_run_to(struct rig *, const char *file, const char *const *args);
const char *rig_out(const struct rig *);
const char *rig_err(const struct rig *);

/* Requests since rig_new or rig_forget. */
unsigned rig_requests(struct rig *);
const struct rig_request *rig_request(struct rig *, unsigned i);
void rig_forget(struct rig *);

void rig_write(struct rig *, const char *path, const char *bytes);
/* Allocated; NULL if there is no such file. */
char *rig_read(const char *path);

/* Of a request: its line, and its body as JSON (NULL: it has none). */
void assert_request(struct rig *, unsigned i, const char *method, const char *uri, const char *json);
void assert_contains(const char *text, const char *part);

#endif
