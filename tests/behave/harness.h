/*
 * Drives the gateway from outside: processes, HTTP, and waiting on events. Shared by
 * tests/behave, tests/hostile and tests/torture. Every wait is on an event (a log line,
 * a simulator's long poll, a process's end) with a deadline that only a hang meets.
 *
 * A failure here is a test's failure: functions assert (cmocka) rather than return it.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

enum { DEADLINE_S = 60 };

/* Where the binaries are: $HILO_BUILD, "build/debug-gcc" if unset. */
const char *harness_build(void);

/* A temporary folder, removed by scratch_done. */
struct scratch {
    char dir[128];
};
void scratch_init(struct scratch *);
void scratch_done(struct scratch *);
/* "dir/name", in a buffer that lives until the next few calls. */
const char *scratch_path(const struct scratch *, const char *name);
void file_write(const char *path, const char *text);
char *file_read(const char *path, size_t *n_out); /* free() it */

/* ---- a process, its output collected line by line by a thread ---- */

struct process; /* opaque */
/* argv is NULL-ended. Standard error (and output, if both) is collected. */
struct process *process_start(const char *const *argv);
pid_t process_pid(const struct process *);
/* Waits for a line, after the last one found, that holds all of the words given
 * (NULL-ended); returns it (valid until the next wait). Fails at the deadline, or when
 * the process has ended without it, showing the last lines. */
const char *process_wait_line(struct process *, const char *word, ...);
/* The same for the nth such line from the start, whatever was found before. */
const char *process_wait_nth(struct process *, unsigned nth, const char *word, ...);
/* Waits for such a line from the start, or for its end without one: false. */
bool process_came(struct process *, const char *word);
/* Waits for its end; all it wrote. free() it. */
char *process_output(struct process *);
/* The next wait looks at lines from now on. */
void process_skip(struct process *);
/* Whether such a line was there so far, from the start. */
bool process_saw(struct process *, const char *word);
unsigned process_count(struct process *, const char *word); /* lines with it, so far */
void process_signal(struct process *, int signo);
int process_wait(struct process *);        /* exit status, or 128 + signal */
void process_show(const struct process *); /* prints its last lines; it is held or has ended */
/* Kills it if it runs, and frees. */
void process_free(struct process **);

/* ---- HTTP ---- */

struct answer {
    long status;
    char *body; /* NUL-ended */
    size_t n;
    char *headers;
    cJSON *json; /* NULL if the body is none */
};
void answer_done(struct answer *);
/* key: bearer key or NULL; headers: "Name: value" lines, NULL-ended, or NULL. body may
 * be NULL. status 0: no answer (connection refused, dropped). */
struct answer http_do(const char *method, const char *url, const char *key, const char *body,
                      const char *const *headers);
/* The same with a body of any bytes. */
struct answer http_bytes(const char *method, const char *url, const char *key, const void *body, size_t n,
                         const char *const *headers);
/* Asserts a problem+json: its status, code and pointer (NULL: not looked at). */
void answer_is(const struct answer *, long status, const char *code, const char *pointer);
/* In a JSON answer: "customer", "messages/0/id"; NULL, or "" if it is no string. */
const char *answer_str(const struct answer *, const char *path);
double answer_num(const struct answer *, const char *path);
const cJSON *json_at(const cJSON *, const char *path);

/* ---- the simulator of Meta's side ---- */

struct sim {
    struct process *process;
    int port;
    char url[64];
};
/* extra: more options, NULL-ended, or NULL. */
void sim_start(struct sim *, const char *const *extra);
void sim_stop(struct sim *);
struct answer sim_post(struct sim *, const char *path, const char *json_fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same when the answer does not matter. */
void sim_set(struct sim *, const char *path, const char *json_fmt, ...) __attribute__((format(printf, 3, 4)));
struct answer sim_get(struct sim *, const char *path_fmt, ...) __attribute__((format(printf, 2, 3)));
/* Waits until at least n messages were accepted by it in all; the answer has them. */
struct answer sim_messages(struct sim *, unsigned n);
/* Waits until no webhook is pending. */
void sim_quiet(struct sim *);
/* A number of GET /_sim/counts: "accepted". */
unsigned sim_count(struct sim *, const char *name);
/* One inbound text; the wamid into id (128 bytes) if not NULL. */
void sim_text(struct sim *, const char *from, const char *text, char *id);

/* ---- the gateway ---- */

struct gate {
    struct scratch *scratch;
    struct process *process;
    int port;
    char url[64];
    char key[64];
    const struct sim *sim;
    char extra_channel[512]; /* more lines of the channel wa, indented by 4 */
    const char *channel;     /* its own lines but for type and base_url; NULL: those of Meta's */
    const char *type; /* of the channel wa; NULL: whatsapp. Another has no base_url, and all its lines are in
                         channel */
    char extra[2048]; /* more top-level YAML */
    char extra_http[256];     /* more lines of the section http, indented by 2 */
    char extra_store[128];    /* the same of store */
    char extra_gateway[128];  /* and of gateway */
    const char *isolation;    /* NULL: $HILO_ISOLATION, or thread */
    const char *segment_size; /* NULL: 16M */
    const char *public_url;   /* NULL: none */
    const char *env[4];       /* NULL-ended: "NAME=value" of its process, from its next start */
};
/* A port that nobody has now. */
int free_port(void);
/* Writes hilo.yaml into the scratch folder (one channel "wa" of type whatsapp towards the
 * simulator, which is NULL for another type; a route for phone) and starts hilod; makes a key with all scopes
 * the first time, and points the simulator's webhooks here. The port stays the same over restarts. */
void gate_start(struct gate *, struct scratch *, struct sim *);
/* Writes hilo.yaml again, for a reload. */
void gate_configure(struct gate *);
/* Only writes hilo.yaml: for gate_launch. */
void gate_prepare(struct gate *, struct scratch *, struct sim *);
/* SIGTERM, and it must end with 0. */
void gate_stop(struct gate *);
void gate_kill(struct gate *);   /* SIGKILL */
void gate_launch(struct gate *); /* starts it and does not wait until it is ready */
void gate_again(struct gate *);  /* starts it again after stop or kill */
/* hilod --check-store must find nothing; the gateway is not running. */
void gate_check_store(struct gate *);
struct answer gate_post(struct gate *, const char *path, const char *json_fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct answer gate_get(struct gate *, const char *path_fmt, ...) __attribute__((format(printf, 2, 3)));
struct answer gate_do(struct gate *, const char *method, const char *path, const char *json);
/* With one more header: "Idempotency-Key: x". */
struct answer gate_with(struct gate *, const char *method, const char *path, const char *json,
                        const char *header);
/* Does it and asserts the problem that is answered. */
void gate_expect(struct gate *, long status, const char *code, const char *pointer, const char *method,
                 const char *path, const char *json);
/* The channel wa comes to have so many messages that wait and that are with the provider: a
 * status may be known by a receipt before the send's own answer ends its flight. */
void gate_queue_is(struct gate *, unsigned queued, unsigned in_flight);
/* Like the next, with more members of the request: ",\"priority\":\"bulk\"". */
void gate_send(struct gate *, const char *phone, const char *text, const char *more, char *id);
/* Sends a text to a phone, asserts 202, copies the message's id (64 bytes). */
void gate_send_text(struct gate *, const char *phone, const char *text, char *id);
/* Waits until the log of this process says that this message had this status ("sent",
 * "delivered"), now or before. */
void gate_wait_status(struct gate *, const char *id, const char *status);
/* Its status by the API, into a static buffer. */
const char *gate_status(struct gate *, const char *id);

/* ---- a gateway and its simulator, for a test ---- */

struct world {
    struct scratch scratch;
    struct sim sim;
    struct gate gate;
};
/* channel: more lines of the channel wa (without "window:" the provider alone has the
 * customer service window, without "rate:" nothing is throttled); yaml: more sections; either may be NULL.
 * Waits until the channel is up. */
void world_up(struct world *, const char *channel, const char *yaml);
/* Stops it (unless it was), checks its store, removes all. */
void world_down(struct world *);

#endif
