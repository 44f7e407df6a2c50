/*
 * Where say*.c write: a text of limited length. What is put beyond is lost, and say_end() tells.
 */
#ifndef VOICE_SAY_OUT_H
#define VOICE_SAY_OUT_H

#include "say.h"

#include <string.h>

struct say_out {
    char *p;
    size_t n, at; /* at beyond n: it did not fit */
};

static inline void say_put(struct say_out *o, const char *s, size_t n)
{
    if (o->at <= o->n && n <= o->n - o->at)
        memcpy(o->p + o->at, s, n);
    o->at = o->at > o->n || n > o->n - o->at ? o->n + 1 : o->at + n;
}

static inline void say_puts(struct say_out *o, const char *s)
{
    say_put(o, s, strlen(s));
}

/* A word after others: with a space between. */
static inline void say_word(struct say_out *o, const char *s)
{
    if (o->at && o->at <= o->n && o->p[o->at - 1] != ' ')
        say_puts(o, " ");
    say_puts(o, s);
}

/* The length; 0 and an empty text if it did not fit, or nothing was said. */
static inline size_t say_end(struct say_out *o)
{
    const bool fits = o->at < o->n;

    if (o->n)
        o->p[fits ? o->at : 0] = 0;
    return fits ? o->at : 0;
}

/* Nothing can be said of it: the same, as a function's last words. */
static inline size_t say_nothing(struct say_out *o)
{
    o->at = 0;
    return say_end(o);
}

/* ---- parts that are said within others ------------------------------------------------------ */

enum say_gender { SAY_COUNTING, SAY_MASCULINE, SAY_FEMININE }; /* uno; un caso; una cita */

void say_put_cardinal(struct say_out *, enum say_language, uint64_t, enum say_gender);
void say_put_digit(struct say_out *, enum say_language, char digit);

/* "-1234.50": digits as they stand. false: it is no number, or has more than 18 digits before or behind the
 * point. */
struct say_amount {
    bool minus;
    uint64_t whole;
    struct hilo_str fraction; /* without zeros at its end */
    bool point;               /* there was one */
};
bool say_amount_read(struct hilo_str, struct say_amount *);

/* What a value says. false: it is nothing of the kind. */
bool say_read_date(struct hilo_str, struct tm *);        /* "2026-12-01" */
bool say_read_time(struct hilo_str, struct tm *);        /* "15:30", "15:30:00" */
bool say_read_instant(struct hilo_str, int64_t *us_out); /* "2026-12-01T15:30:00.5-05:00" (RFC 3339) */

/* say_clock(), without the half of the day where that is not known. */
size_t say_clock_of(enum say_language, const struct tm *, bool half, char *out, size_t n);
bool say_money_known(struct hilo_str currency);

#endif
