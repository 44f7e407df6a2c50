/*
 * hilo-till on a pseudo terminal, with libvterm as the judge of what a clerk sees. Waits for what is on the
 * screen, never for a time.
 */
#ifndef TERM_H
#define TERM_H

#include "rig.h"
#include <sys/types.h>

struct term;
/* lang: of LC_ALL ("es_CO.UTF-8"; the locale need not be there). NULL-ended words after the program's name.
 */
struct term *term_start(struct rig *, int rows, int cols, const char *lang, const char *const *words);
#define TERM_START(rig, rows, cols, lang, ...)                                                               \
    term_start((rig), (rows), (cols), (lang), (const char *const[]){__VA_ARGS__, NULL})
void term_type(struct term *, const char *bytes);
void term_resize(struct term *, int rows, int cols);
/* Until a line of the screen has this in it; the line's number. */
int term_until(struct term *, const char *text);
void term_until_gone(struct term *, const char *text);
/* Waits until the program has written something, or something has happened at the gateway. */
void term_or_rig(struct term *, struct rig *);
/* Works off what has come, without waiting for more. */
bool term_has(struct term *, const char *text);
const char *term_row(struct term *, int y); /* without blanks at its end; valid until the next call */
void term_cursor(struct term *, int *y, int *x);
/* Bytes that came, and how often all of the screen was erased, since the last call. */
unsigned long term_bytes(struct term *, unsigned *erased_out);
/* Until it ends by itself; its exit status. */
int term_wait(struct term **);
void term_kill(struct term **);

#endif
