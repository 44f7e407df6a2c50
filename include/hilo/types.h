/*
 * hilo/types.h - the values that cross every border of Hilo: strings, result
 * codes, and the enumerations of the common message model.
 *
 * Everything here is frozen once released: values are stored on disk and cross
 * the plugin border. New values are appended, none is renumbered.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HILO_TYPES_H
#define HILO_TYPES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes with a length; not NUL-ended, may hold NUL. p may be NULL when n is 0.
 * Borrowed unless a comment says otherwise. Frozen. */
struct hilo_str {
    const char *p;
    uint64_t n;
};

/* A name and its value, for instance an HTTP header. Frozen. */
struct hilo_kv {
    struct hilo_str key, val;
};

/* A 128-bit id: 48 bits of Unix milliseconds, then 80 bits that make it unique,
 * big-endian, so that memcmp orders ids by time. Written as a prefix and 26
 * characters of Crockford's base32: "msg_01J…". All zero means "none". */
struct hilo_id {
    uint8_t b[16];
};

/* Result codes. They say what the core must do next; the text beside a code
 * says what went wrong. 0 is success, every other is negative. */
enum {
    HILO_OK = 0,
    HILO_AGAIN = -1,     /* not taken or throttled: the same again later, no attempt is counted */
    HILO_TEMP = -2,      /* failed this time: the core retries with backoff */
    HILO_PERM = -3,      /* failed for good: the core tells the sender */
    HILO_IN_DOUBT = -4,  /* it may have left; never resent blindly (design: unknown outcome) */
    HILO_DOWN = -5,      /* the whole channel can't send now: back to the queue, retry the channel */
    HILO_CONFIG = -6,    /* the channel can't work until an operator acts (token, account): stop it */
    HILO_STALE = -7,     /* the version given is not the current one */
    HILO_DUPLICATE = -8, /* already known; harmless */
    HILO_FULL = -9,      /* no room now: refuse in the channel's own words, the peer comes back */
    HILO_NOMEM = -10,
    HILO_NOSUP = -11,    /* not supported here */
    HILO_BUG = -12,      /* the caller broke the contract of a function */
    HILO_INVALID = -13,  /* the bytes or arguments given are malformed */
    HILO_NOTFOUND = -14,
    HILO_IO = -15,       /* the operating system refused; the text has errno's words */
    HILO_CORRUPT = -16   /* stored bytes that were once synced are damaged */
};

/* ---- enumerations of the message model, each described once in values.def ---- */

#define HILO_STATUS(name, value, rank, text) HILO_STATUS_##name = (value),
enum hilo_status {
#include <hilo/values.def>
    HILO_STATUS__END
};
#define HILO_CATEGORY(name, value, text) HILO_CATEGORY_##name = (value),
enum hilo_category {
#include <hilo/values.def>
    HILO_CATEGORY__END
};
#define HILO_CONTENT(name, value, text) HILO_CONTENT_##name = (value),
enum hilo_content {
#include <hilo/values.def>
    HILO_CONTENT__END
};
#define HILO_MEDIA(name, value, text) HILO_MEDIA_##name = (value),
enum hilo_media_kind {
#include <hilo/values.def>
    HILO_MEDIA__END
};
#define HILO_SCHEME(name, value, text) HILO_SCHEME_##name = (value),
enum hilo_scheme {
#include <hilo/values.def>
    HILO_SCHEME__END
};
#define HILO_KIND(name, value, text) HILO_KIND_##name = (value),
enum hilo_kind {
#include <hilo/values.def>
    HILO_KIND__END
};
#define HILO_PARAM(name, value, text) HILO_PARAM_##name = (value),
enum hilo_param_type {
#include <hilo/values.def>
    HILO_PARAM__END
};
#define HILO_BUTTON(name, value, text) HILO_BUTTON_##name = (value),
enum hilo_button_type {
#include <hilo/values.def>
    HILO_BUTTON__END
};
#define HILO_SYSTEM(name, value, text) HILO_SYSTEM_##name = (value),
enum hilo_system {
#include <hilo/values.def>
    HILO_SYSTEM__END
};
#define HILO_TEMPLATE(name, value, text) HILO_TEMPLATE_##name = (value),
enum hilo_template_status {
#include <hilo/values.def>
    HILO_TEMPLATE__END
};

#ifdef __cplusplus
}
#endif
#endif
