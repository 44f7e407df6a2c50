/*
 * What a voice says for a number, a date, an hour, an amount, digits one by one: naturally, in Spanish and
 * English, as plain text. And the places in prompts: "Hola, {name}. Su cita es
 * {appointment.starts|date_time}". Pure: no clock, no files, but for a time zone's.
 *
 * Each function writes UTF-8 and a NUL to out (n bytes) and gives the text's length. 0: it does not fit, or
 * the value is none of its kind; out is then empty.
 */
#ifndef VOICE_SAY_H
#define VOICE_SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <hilo/types.h>
#include <time.h>

enum say_language { SAY_ES, SAY_EN };
enum { SAY_MAX = 4096 };

/* "es", "es-CO", "es_419", "spa": SAY_ES; what begins so with en: SAY_EN; anything else: otherwise. */
enum say_language say_language_of(struct hilo_str tag, enum say_language otherwise);

size_t say_number(enum say_language, int64_t number, char *out, size_t n); /* "ciento veintiuno" */
/* Before a noun: "veintiún casos", "una cita", "veintiuna citas". English has no genders. */
size_t say_count(enum say_language, int64_t number, bool feminine, char *out, size_t n);
/* "1234.50", "-3": "mil doscientos treinta y cuatro coma cinco". At most 18 digits. */
size_t say_decimal(enum say_language, struct hilo_str number, char *out, size_t n);
size_t say_ordinal_day(enum say_language, int day, char *out, size_t n); /* "primero", "first"; 1 to 31 */

/* As people say it on `today`, in the same time zone (tm_year, tm_mon, tm_mday, tm_hour and tm_min are looked
 * at): "mañana a las cuatro de la tarde", "el martes primero de diciembre a las diez y media de la mañana";
 * "tomorrow at four in the afternoon", "on Tuesday, December first, at half past ten in the morning". The
 * year is said where it is another. It can follow a verb as it is: "Su cita es …", "Abrimos …", "We open …".
 */
size_t say_date_time(enum say_language, const struct tm *when, const struct tm *today, char *out, size_t n);
size_t say_date(enum say_language, const struct tm *when, const struct tm *today, char *out, size_t n);
size_t say_time(enum say_language, const struct tm *when, char *out,
                size_t n); /* "a la una y media de la tarde" */
/* Alone, whatever day it is: "primero de diciembre de dos mil veintiséis"; "una y media de la tarde". */
size_t say_calendar_day(enum say_language, const struct tm *when, char *out, size_t n);
size_t say_clock(enum say_language, const struct tm *when, char *out, size_t n);

/* amount: "1234.50"; currency: ISO 4217. "doce mil pesos", "un dólar con cincuenta centavos". One whose name
 * is not known is spelled. */
size_t say_money(enum say_language, struct hilo_str amount, struct hilo_str currency, char *out, size_t n);
size_t say_digits(enum say_language, struct hilo_str digits, char *out, size_t n); /* "tres, cero, cero" */
size_t say_phone(enum say_language, struct hilo_str e164, char *out,
                 size_t n);                                       /* in groups, as the country does */
size_t say_key(enum say_language, char key, char *out, size_t n); /* "uno", "asterisco", "numeral" */
/* Signs one by one: "hache, guion, tres". */
size_t say_spell(enum say_language, struct hilo_str text, char *out, size_t n);

/* What "$" alone is in a country (ISO 3166): "COP" in CO, "USD" in PE; empty: not known. Static. */
struct hilo_str say_currency_of(struct hilo_str country);

/* A text that was written to be read, as it is spoken: hours, dates, amounts, telephone numbers, counts;
 * marks of bold and pictures are left out. currency: what "$" is (ISO 4217); empty: left to the voice. */
size_t say_text(enum say_language, struct hilo_str text, struct hilo_str currency, char *out, size_t n);

/* The value of a place; false: there is none. */
typedef bool say_value(void *arg, struct hilo_str name, struct hilo_str *value);
/* Fills {name|form} of a prompt and writes SSML, for speech_say_ssml(): a plain prompt (not <speak>…</speak>)
 * and every value are escaped, so nothing in a value is ever markup. Forms: number, count, count_f, digits,
 * key, date, time, date_time, money ("12000.00 COP"), phone, spell; none: as text. Times are RFC 3339, spoken
 * in time_zone (IANA; empty or not known: UTC). A place without a value, or with one that is not of its form,
 * leaves out the sentence that it stands in. Nothing is left to be said, or it does not fit: 0. */
size_t say_prompt(enum say_language, struct hilo_str prompt, struct hilo_str time_zone, int64_t now_us,
                  say_value *, void *arg, char *out, size_t n);
/* Whether say_prompt() and speech can do what a prompt says: its places, their forms, its SSML. false: wrong
 * has what is not right and where, in words for who wrote it. */
bool say_check(struct hilo_str prompt, char wrong[256]);

#endif
