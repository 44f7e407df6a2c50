/* Times of SMPP 3.4 (7.1.1) and of delivery receipts. Unix microseconds. Pure; [any] thread. */
#ifndef SMS_DATE_H
#define SMS_DATE_H

#include <hilo/types.h>
#include <stdbool.h>

enum { SMS_TIME_MAX = 16, SMS_RELATIVE_MAX_S = 99 * 86400 };

/* "YYMMDDhhmmsst00+", in UTC; false: before 2000 or after 2099. */
bool sms_time_write(int64_t us, char out[SMS_TIME_MAX]);
/* From when the centre takes it: "0000DDhhmmss000R"; false: beyond SMS_RELATIVE_MAX_S, for which
 * an absolute time is to be written, as a month has no fixed length. */
bool sms_time_write_relative(int64_t seconds, char out[SMS_TIME_MAX]);
/* Either of them, as seen from now_us; a relative year is 365 days, a month 30. */
bool sms_time_read(struct hilo_str, int64_t now_us, int64_t *us_out);

/* A receipt's date: "YYMMDDhhmm", "YYMMDDhhmmss", also with the century, with or without
 * separators ("2026-11-27 17:08:00"), or Unix seconds (10 digits that are no such
 * date). It is in the centre's local time: offset_s, east of UTC, is taken off. */
bool sms_date_read(struct hilo_str, int32_t offset_s, int64_t *us_out);

#endif
