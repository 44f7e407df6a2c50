/* Private to json.c and json_check.c. */
#ifndef WHATSAPP_JSON_CHARS_H
#define WHATSAPP_JSON_CHARS_H

#include <stdbool.h>

static inline bool json_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool json_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline int json_hex(char c)
{
    if (json_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static inline const char *json_skip_blanks(const char *p, const char *end)
{
    while (p < end && json_blank(*p))
        p++;
    return p;
}

#endif
