/* Looking at messages: for the tests of the WhatsApp plugin's pure parts. */
#ifndef WHATSAPP_CHECK_H
#define WHATSAPP_CHECK_H

#include "whatsapp_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static inline struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static inline void check_str(struct hilo_str s, const char *expected, int line)
{
    if (s.n != strlen(expected) || (s.n && memcmp(s.p, expected, s.n) != 0))
        fail_msg("line %d: \"%.*s\" is not \"%s\"", line, (int)s.n, s.n ? s.p : "", expected);
}
#define assert_field(group, tag, expected) check_str(hilo_get_str(group, tag), expected, __LINE__)

static inline void check_holds(struct hilo_str s, const char *part, int line)
{
    if (!s.n || !memmem(s.p, s.n, part, strlen(part)))
        fail_msg("line %d: \"%.*s\" does not hold \"%s\"", line, (int)s.n, s.n ? s.p : "", part);
}
#define assert_holds(group, tag, part) check_holds(hilo_get_str(group, tag), part, __LINE__)

static inline bool has(struct hilo_str group, uint32_t tag)
{
    struct hilo_str v;
    return hilo_find(group, tag, &v);
}

/* The n-th group with this tag. */
static inline struct hilo_str nth(struct hilo_str group, uint32_t tag, unsigned n)
{
    struct hilo_field f;

    while (hilo_next(&group, &f) == 1)
        if (f.tag == tag && n-- == 0)
            return f.val;
    return (struct hilo_str){NULL, 0};
}

#endif
