/* String views. UTF-8 by libunistring; nothing here allocates. */
#include "base/str.h"
#include "base/check.h"
#include <openssl/crypto.h>
#include <unistr.h>

bool str_starts(struct hilo_str s, struct hilo_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, (size_t)prefix.n) == 0);
}

static unsigned char str__lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_eq_nocase(struct hilo_str a, struct hilo_str b)
{
    if (a.n != b.n)
        return false;
    for (uint64_t i = 0; i < a.n; i++)
        if (str__lower(a.p[i]) != str__lower(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct hilo_str a, struct hilo_str b)
{
    uint64_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, (size_t)n) : 0;

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

bool str_cut(struct hilo_str s, char c, struct hilo_str *head_out, struct hilo_str *rest_out)
{
    const char *at = s.n ? memchr(s.p, c, (size_t)s.n) : NULL;

    if (!at) {
        *head_out = s;
        *rest_out = (struct hilo_str){0};
        return false;
    }
    uint64_t n = (uint64_t)(at - s.p);
    *head_out = (struct hilo_str){s.p, n};
    *rest_out = (struct hilo_str){at + 1, s.n - n - 1};
    return true;
}

bool str_u64(struct hilo_str s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return false;
    for (uint64_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9 || v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

bool str_utf8_valid(struct hilo_str s)
{
    uint64_t i = 0, eight;

    /* Most of most texts is ASCII. */
    for (; i + sizeof eight <= s.n; i += sizeof eight) {
        memcpy(&eight, s.p + i, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    return i == s.n || u8_check((const uint8_t *)s.p + i, (size_t)(s.n - i)) == NULL;
}

size_t str_utf8_count(struct hilo_str s)
{
    return s.n ? u8_mbsnlen((const uint8_t *)s.p, (size_t)s.n) : 0;
}

struct hilo_str str_utf8_head(struct hilo_str s, size_t max)
{
    uint64_t i = 0;

    for (; i < s.n; i++) {
        if (((unsigned char)s.p[i] & 0xc0u) == 0x80u)
            continue;
        if (max-- == 0)
            break;
    }
    return (struct hilo_str){s.p, i};
}

void str_hex(char *dst, const void *src, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = src;

    for (size_t i = 0; i < n; i++) {
        dst[2 * i] = digits[p[i] >> 4];
        dst[2 * i + 1] = digits[p[i] & 15];
    }
    dst[2 * n] = '\0';
}

static int str__hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)str__lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_unhex(struct hilo_str s, void *dst, size_t n)
{
    unsigned char *p = dst;

    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (str__hex_digit(s.p[i]) < 0)
            return false;
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(str__hex_digit(s.p[2 * i]) << 4 | str__hex_digit(s.p[2 * i + 1]));
    return true;
}

bool str_eq_secret(struct hilo_str a, struct hilo_str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, (size_t)a.n) == 0);
}

size_t str_distance(struct hilo_str a, struct hilo_str b, size_t max)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];

    if (a.n > LONGEST || b.n > LONGEST)
        return max + 1;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t cost = diagonal + (a.p[i - 1] != b.p[j - 1]);
            size_t edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = cost < edit ? cost : edit;
        }
    }
    return row[b.n] > max ? max + 1 : row[b.n];
}

bool str_file_name(struct hilo_str s, size_t max)
{
    if (s.n == 0 || s.n > max || s.p[0] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}
