/*
 * Telephone numbers: digit by digit, with a pause where the country's people make one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "say_out.h"

/* Of numbers that begin with prefix and have as many digits as these groups in all: the country's code, then
 * the groups. The first that fits. */
static const struct {
    const char *prefix, *groups;
} plans[] = {
    {"1", "1334"},      /* North America */
    {"34", "2333"},     /* Spain */
    {"44", "2433"},     /* United Kingdom */
    {"50", "344"},      /* Central America */
    {"519", "2333"},    /* Peru: mobile, others */
    {"51", "2134"},     /**/
    {"5255", "2244"},   /* Mexico: cities whose codes have two digits, others */
    {"5256", "2244"},   /**/
    {"5233", "2244"},   /**/
    {"5281", "2244"},   /**/
    {"52", "2334"},     /**/
    {"53", "2134"},     /* Cuba */
    {"54911", "21244"}, /* Argentina: mobile, Buenos Aires and others; the same without the 9 */
    {"549", "21334"},   /**/
    {"5411", "2244"},   /**/
    {"54", "2334"},     /**/
    {"55", "2254"},     /* Brazil: mobile, others */
    {"55", "2244"},     /**/
    {"56", "2144"},     /* Chile */
    {"57", "2334"},     /* Colombia */
    {"58", "2334"},     /* Venezuela */
    {"591", "344"},     /* Bolivia */
    {"593", "3234"},    /* Ecuador: mobile, others */
    {"593", "3134"},    /**/
    {"595", "3333"},    /* Paraguay */
    {"598", "3233"},    /* Uruguay */
};

static size_t digits_in(const char *groups)
{
    size_t sum = 0;

    for (; *groups; groups++)
        sum += (size_t)(*groups - '0');
    return sum;
}

/* NULL: of no plan that is known. */
static const char *plan_of(const char *digits, size_t n)
{
    unsigned i;

    for (i = 0; i < sizeof plans / sizeof *plans; i++)
        if (strncmp(digits, plans[i].prefix, strlen(plans[i].prefix)) == 0 && digits_in(plans[i].groups) == n)
            return plans[i].groups;
    return NULL;
}

/* Of a number without a plan: threes, and what is left in no group of one. */
static size_t group_of(size_t left)
{
    return left == 8 ? 4 : left > 4 ? 3 : left;
}

size_t say_phone(enum say_language language, struct hilo_str e164, char *out, size_t n)
{
    enum { PHONE_MAX = 20 };
    struct say_out o = {out, n, 0};
    char digits[PHONE_MAX + 1];
    size_t count = 0, at = 0, end;
    const char *groups = NULL;
    uint64_t i;
    bool plus = false;

    for (i = 0; i < e164.n; i++) {
        const char c = e164.p[i];
        if (c >= '0' && c <= '9' && count < PHONE_MAX)
            digits[count++] = c;
        else if (c == '+' && !plus && count == 0)
            plus = true;
        else if (c != ' ' && c != '-' && c != '.' && c != '(' && c != ')')
            return say_nothing(&o);
    }
    digits[count] = 0;
    if (plus && count) {
        say_word(&o, language == SAY_ES ? "más" : "plus");
        groups = plan_of(digits, count);
    }
    while (at < count) {
        end = at + (groups ? (size_t)(*groups++ - '0') : group_of(count - at));
        if (at)
            say_puts(&o, ",");
        for (; at < end; at++)
            say_put_digit(&o, language, digits[at]);
    }
    return say_end(&o);
}
