/*
 * The structured log: one line an event, logfmt after a time, a level and the
 * event's name:
 *     2026-11-24T23:59:59.123Z info channel.up channel=whatsapp-co
 * No personal data: ids, never names, numbers, addresses or contents. [any]
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <hilo/plugin.h>
#include <hilo/types.h>

struct log; /* opaque */

/* fd is borrowed. level: HILO_LOG_x; what is above it is dropped. */
struct log *log_new(int fd, int32_t level);
void log_free(struct log **);
void log_level_set(struct log *, int32_t level);
int32_t log_level(const struct log *);                        /* of NULL: HILO_LOG_ERROR */
int32_t log_level_parse(const char *name, int32_t otherwise); /* "error" … "debug" */

/* event: dotted, lower-case. fmt makes "key=value key=value"; a value with spaces
 * or quotes is passed through log_quote. Line breaks are escaped. NULL log: none. */
void log_event(struct log *, int32_t level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "…" with escapes, cut to fit. Returns out. */
const char *log_quote(struct hilo_str, char *out, unsigned long cap);
/* The same in memory of the calling block: "error=%s", LOG_VALUE(str(e.text)). Whatever is
 * not a constant, a number, an id, a channel's name or a code goes through this. */
enum { LOG_VALUE_MAX = 640 };
#define LOG_VALUE(s) log_quote((s), (char[LOG_VALUE_MAX]){0}, LOG_VALUE_MAX)
/* A word, such as a plugin's reason: as it is if it is one, else quoted, or "" if empty. */
const char *log_word(struct hilo_str, char *out, unsigned long cap);
enum { LOG_WORD_MAX = 160 };
#define LOG_WORD(s) log_word((s), (char[LOG_WORD_MAX]){0}, LOG_WORD_MAX)

#endif
