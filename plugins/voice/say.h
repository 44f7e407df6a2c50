/*
 * What a voice says for a number, a date, an hour, an amount, digits one by one: naturally, in Spanish and
 * English, as text for speech.h. Pure. And the places in prompts: "Hola, {name}. Su cita es
 * {appointment.starts|date_time}".
 */
#ifndef VOICE_SAY_H
#define VOICE_SAY_H

#include <stdbool.h>
#include <hilo/types.h>
#include <time.h>

enum say_language { SAY_ES, SAY_EN };
enum { SAY_MAX = 4096 };

/* Each writes text with its NUL to out (n bytes) and gives its length; 0: does not fit. */
size_t say_number(enum say_language, int64_t number, char *out, size_t n); /* "ciento veintiuno" */
size_t say_ordinal_day(enum say_language, int day, char *out, size_t n);   /* "primero", "the first" */
/* As people say it on `today`: "mañana a las cuatro de la tarde", "el martes primero de diciembre a las diez
 * y media". */
size_t say_date_time(enum say_language, const struct tm *when, const struct tm *today, char *out, size_t n);
size_t say_date(enum say_language, const struct tm *when, const struct tm *today, char *out, size_t n);
size_t say_time(enum say_language, const struct tm *when, char *out, size_t n);
size_t say_money(enum say_language, struct hilo_str amount, struct hilo_str currency, char *out, size_t n);
size_t say_digits(enum say_language, struct hilo_str digits, char *out, size_t n); /* "tres, cero, cero" */
size_t say_phone(enum say_language, struct hilo_str e164, char *out,
                 size_t n); /* in groups, as the country does */

/* The value of a place; false: there is none. */
typedef bool say_value(void *arg, struct hilo_str name, struct hilo_str *value);
/* Fills {name|form} of a prompt: forms: number, digits, date, time, date_time, money, phone, spell; none: as
 * text, escaped where the prompt is SSML. Times are RFC 3339, spoken in time_zone (IANA). A place without a
 * value leaves out the sentence that it stands in. */
size_t say_prompt(enum say_language, struct hilo_str prompt, struct hilo_str time_zone, int64_t now_us,
                  say_value *, void *arg, char *out, size_t n);

#endif
