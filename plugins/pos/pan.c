/*
 * Card numbers: groups of digits, then each run of whole groups that has a card's length, against the
 * networks' prefixes and Luhn's formula. One pass; a run is looked at from each of its groups, which is at
 * most nineteen steps a group. Prefixes as published by the networks and listed in ISO/IEC 7812's registry;
 * co-badged and private-label cards of Latin America where they lie outside of the large networks' ranges.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PAN_MIN = 13, PAN_MAX = 19, SEPARATORS_MAX = 3 };

/* Bits of lengths: L(16) | L(19). */
#define L(n)    (UINT32_C(1) << ((n)-PAN_MIN))
#define L_16_19 (L(16) | L(17) | L(18) | L(19))
#define L_14_19 (L(14) | L(15) | L_16_19)
#define L_13_19 (L(13) | L_14_19)

/* The first six digits of a number, from low to high, both within. */
struct pan_range {
    uint32_t low, high, lengths;
};
static const struct pan_range pan_ranges[] = {
    {400000, 499999, L(13) | L(16) | L(19)}, /* Visa (Elo's 401178, 438935, 457631 … within) */
    {510000, 559999, L(16)},                 /* Mastercard */
    {222100, 272099, L(16)},
    {340000, 349999, L(15)}, /* American Express */
    {370000, 379999, L(15)},
    {300000, 305999, L_14_19}, /* Diners Club */
    {309500, 309599, L_14_19},
    {360000, 369999, L_14_19},
    {380000, 399999, L_14_19},
    {601100, 601199, L_16_19}, /* Discover */
    {644000, 659999, L_16_19}, /* (Elo's 650031-655058 and RuPay's 652 within) */
    {352800, 358999, L_16_19}, /* JCB */
    {620000, 629999, L_16_19}, /* UnionPay (Elo's 627780 within) */
    {810000, 817199, L_16_19},
    {500000, 509999, L_13_19}, /* Maestro (Elo's 504175, 506699-506778, 509000-509999 within; Carnet's 506) */
    {560000, 589999, L_13_19}, /* (Naranja's 589562, Cabal's 589657 within) */
    {630000, 630999, L_13_19}, /* Maestro's 6304 and the like */
    {639000, 639999, L_13_19}, /* (Carnet's 6393 within) */
    {670000, 679999, L_13_19},
    {636297, 636297, L(16)}, /* Elo */
    {636368, 636369, L(16)},
    {606282, 606282, L(13) | L(16) | L(19)}, /* Hipercard */
    {637095, 637095, L(16)},
    {637568, 637568, L(16)},
    {637599, 637599, L(16)},
    {637609, 637609, L(16)},
    {637612, 637612, L(16)},
    {384100, 384199, L(19)},
    {604201, 604400, L(16)},   /* Cabal */
    {603488, 603488, L(16)},   /* Tarjeta Shopping */
    {603493, 603493, L(16)},   /* Argencard's Tuya and store cards */
    {590712, 590712, L(16)},   /* Codensa, Tuya: Colombia */
    {286900, 286900, L(16)},   /* Carnet */
    {220000, 220499, L_16_19}, /* Mir */
    {607000, 608999, L(16)},   /* RuPay */
};

static bool pan_network(const char *d, size_t n)
{
    uint32_t six = 0;
    size_t i;

    for (i = 0; i < 6; i++)
        six = six * 10 + (uint32_t)(d[i] - '0');
    for (i = 0; i < sizeof pan_ranges / sizeof *pan_ranges; i++)
        if (six >= pan_ranges[i].low && six <= pan_ranges[i].high && (pan_ranges[i].lengths & L(n)))
            return true;
    return false;
}

static bool pan_luhn(const char *d, size_t n)
{
    unsigned sum = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        unsigned v = (unsigned)(d[n - 1 - i] - '0');

        if (i & 1)
            v = 2 * v > 9 ? 2 * v - 9 : 2 * v;
        sum += v;
    }
    return sum % 10 == 0;
}

static bool pan_ean13(const char *d)
{
    unsigned sum = 0, i;

    for (i = 0; i < 13; i++)
        sum += (unsigned)(d[i] - '0') * (i & 1 ? 3 : 1);
    return sum % 10 == 0;
}

/* ---- groups ------------------------------------------------------------------------------------ */

static bool pan_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum between { BETWEEN_END, BETWEEN_PLAIN, BETWEEN_ODD };

struct group {
    size_t at, n;         /* bytes, and digits */
    enum between between; /* what follows up to the next group */
    bool plus;            /* a '+' stands right before it */
};

/* One separator at p: its bytes; 0: none. */
static size_t pan_separator(const char *p, size_t n, bool *odd)
{
    static const char *const wide[] = {
        "\xc2\xa0",     /* no-break space */
        "\xe2\x80\x87", /* figure space */
        "\xe2\x80\x89", /* thin space */
        "\xe2\x80\xaf", /* narrow no-break space */
        "\xe2\x80\x90", /* hyphen */
        "\xe2\x80\x91", /* non-breaking hyphen */
        "\xe2\x80\x92", /* figure dash */
        "\xe2\x80\x93", /* en dash */
        "\xe2\x80\x94", /* em dash */
        "\xe2\x88\x92", /* minus */
    };
    size_t i, len;

    *odd = memchr("._/*,:", *p, 6) != NULL;
    if (*odd || *p == ' ' || *p == '-' || *p == '\t')
        return 1;
    for (i = 0; i < sizeof wide / sizeof *wide; i++) {
        len = strlen(wide[i]);
        if (n >= len && memcmp(p, wide[i], len) == 0)
            return len;
    }
    return 0;
}

/* The group that begins at the first digit at or after *at; *at goes to the next one, or what ends the run.
 */
static bool pan_group(struct hilo_str text, size_t *at, struct group *g)
{
    size_t i = *at, seps = 0, len;
    bool odd, any_odd = false;

    while (i < text.n && !pan_digit(text.p[i]))
        i++;
    if (i == text.n)
        return false;
    g->at = i;
    g->plus = i > 0 && text.p[i - 1] == '+';
    while (i < text.n && pan_digit(text.p[i]))
        i++;
    g->n = i - g->at;
    while (i < text.n && seps <= SEPARATORS_MAX && (len = pan_separator(text.p + i, text.n - i, &odd)) > 0) {
        any_odd |= odd;
        seps++;
        i += len;
    }
    if (seps > SEPARATORS_MAX || i == text.n || !pan_digit(text.p[i]))
        g->between = BETWEEN_END;
    else
        g->between = any_odd ? BETWEEN_ODD : BETWEEN_PLAIN;
    *at = i;
    return true;
}

/* As cards print them. */
static bool pan_printed(const struct group *g, size_t n)
{
    static const char *const forms[] = {"4444", "465", "464", "44443", "445", "4443", "442", "446", "434"};
    size_t i, k;

    for (i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strlen(forms[i]) != n)
            continue;
        for (k = 0; k < n && g[k].n == (size_t)(forms[i][k] - '0'); k++)
            ;
        if (k == n)
            return true;
    }
    return false;
}

/* A card number that begins with the first of these groups: how many of them it is; 0: none. */
static size_t pan_run(struct hilo_str text, const struct group *g, size_t n)
{
    char digits[PAN_MAX];
    bool odd = false;
    size_t i, have = 0;

    for (i = 0; i < n && have + g[i].n <= PAN_MAX; i++) {
        memcpy(digits + have, text.p + g[i].at, g[i].n);
        have += g[i].n;
        if (have >= PAN_MIN && pan_network(digits, have) && pan_luhn(digits, have) &&
            !(have == 13 && pan_ean13(digits)) && !(have < 15 && g->plus) && (!odd || pan_printed(g, i + 1)))
            return i + 1;
        if (g[i].between == BETWEEN_END)
            break;
        odd |= g[i].between == BETWEEN_ODD;
    }
    return 0;
}

bool pos_pan_find(struct hilo_str text, size_t *at_out, size_t *n_out)
{
    /* The groups from here on that one number could be made of. */
    struct group g[PAN_MAX];
    size_t n = 0, next = 0, used;
    bool more = true;

    for (;;) {
        while (more && n < PAN_MAX) {
            more = pan_group(text, &next, &g[n]);
            n += more;
        }
        if (n == 0)
            return false;
        used = pan_run(text, g, n);
        if (used) {
            if (at_out)
                *at_out = g[0].at;
            if (n_out)
                *n_out = g[used - 1].at + g[used - 1].n - g[0].at;
            return true;
        }
        memmove(g, g + 1, --n * sizeof *g);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------ */

struct pointer {
    char *p;
    size_t n, cap;
};

static void pointer_add(struct pointer *to, const char *token)
{
    const char *c;

    for (c = token; *c && to->n + 3 < to->cap; c++) {
        if (*c == '~' || *c == '/') {
            to->p[to->n++] = '~';
            to->p[to->n++] = *c == '~' ? '0' : '1';
        } else {
            to->p[to->n++] = *c;
        }
    }
    to->p[to->n] = '\0';
}

static size_t pan_span(const char *s, const char *of)
{
    return strspn(s, of);
}

/* An id as the gateway and tills make them: cus_ and 26 letters and digits, 32 hexadecimal digits, a UUID; of
 * a push, with "p-" and a word before. One in some thousands has digits in a row that would do for a card. */
static bool pan_id(const char *s)
{
    static const char hex[] = "0123456789abcdef", word[] = "abcdefghijklmnopqrstuvwxyz",
                      base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    static const unsigned uuid[] = {8, 4, 4, 4, 12};
    size_t i;

    if (strncmp(s, "p-", 2) == 0) {
        s += 2;
        if (s[pan_span(s, word)] == '-')
            s += pan_span(s, word) + 1;
    }
    if (pan_span(s, word) == 3 && s[3] == '_')
        return pan_span(s + 4, base32) == 26 && !s[30];
    if (pan_span(s, hex) == 32)
        return !s[32];
    for (i = 0; i < sizeof uuid / sizeof *uuid; i++) {
        if (pan_span(s, hex) != uuid[i] || s[uuid[i]] != (i < 4 ? '-' : 0))
            return false;
        s += uuid[i] + (i < 4);
    }
    return true;
}

static bool pan_text(const char *s)
{
    return pos_pan_find((struct hilo_str){s, strlen(s)}, NULL, NULL);
}

/* An amount such as 12345678901234.5 is no card number; what has lost its digits may be one. */
static bool pan_number(double v)
{
    char text[32];

    if (v != floor(v) || fabs(v) < 1e12)
        return false;
    if (fabs(v) >= 9007199254740992.0)
        return true;
    (void)snprintf(text, sizeof text, "%.0f", fabs(v));
    return pan_text(text);
}

/* Depth is the parser's, which has a limit. */
static bool pan_walk(const cJSON *value, struct pointer *to)
{
    const cJSON *child;
    char index[24];
    size_t here = to->n;
    unsigned i = 0;

    if (cJSON_IsString(value))
        return !pan_id(value->valuestring) && pan_text(value->valuestring);
    if (cJSON_IsNumber(value))
        return pan_number(value->valuedouble);
    cJSON_ArrayForEach(child, value)
    {
        if (to->n + 1 < to->cap) {
            to->p[to->n++] = '/';
            to->p[to->n] = '\0';
        }
        /* A name that is a card number must not come back by way of the pointer. */
        if (child->string && pan_text(child->string))
            return true;
        (void)snprintf(index, sizeof index, "%u", i++);
        pointer_add(to, child->string ? child->string : index);
        if (pan_walk(child, to))
            return true;
        to->n = here;
        to->p[here] = '\0';
    }
    return false;
}

bool pos_pan_in_json(const cJSON *value, char *pointer_out, size_t cap)
{
    struct pointer to = {pointer_out, 0, cap};

    pointer_out[0] = '\0';
    return pan_walk(value, &to);
}
