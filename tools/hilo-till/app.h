/*
 * The program hilo-till: a clerk's full-screen terminal, an enrolment, and lines of JSON for scripts. All
 * that it knows of the gateway it has from libhilotill.
 */
#ifndef APP_H
#define APP_H

#include <hilotill.h>
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses; documented in hilo-till(1). */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_WAITING = 3 };

struct app {
    bool spanish;
    const char *folder, *host, *clerk, *reason;
    int64_t drain_ms; /* of --json */
    bool ack;
    const char *can; /* of --json: which pushes the script does */
};

/* "hilo-till: …" on standard error. */
__attribute__((format(printf, 1, 2))) void complain(const char *fmt, ...);
/* Monotonic milliseconds. */
int64_t app_now(void);
/* Allocated memory or the end of the program. */
void *app_alloc(size_t n);
char *app_copy(const char *s); /* NULL stays NULL */
/* A string member, "" if it is not there; path: names joined by dots. */
const char *app_text(const cJSON *o, const char *path);

/* Decodes base64 into out (3/4 of its length, at most, and a NUL); how many bytes, -1: it is none. */
int app_base64(const char *text, char *out);

int app_enroll(const struct app *, const char *code); /* main.c */
int app_json(const struct app *);                     /* json.c */
int app_screen(const struct app *);                   /* screen.c */

#endif
