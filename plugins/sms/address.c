/* Addresses of SMPP: rules, then the usual. SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <hilo/gsm0338.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool all_digits(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
    }
    return s.n > 0;
}

/* ---- rules -------------------------------------------------------------------------- */

/* Takes a number up to 255 off *s, of one to three digits. */
static bool take_number(struct hilo_str *s, uint8_t *out)
{
    unsigned v = 0, n = 0;

    for (; s->n && is_digit(*s->p) && n < 3; n++) {
        v = v * 10 + (unsigned)(*s->p - '0');
        s->p++;
        s->n--;
    }
    *out = (uint8_t)v;
    return n > 0 && v < 256;
}

static bool take_char(struct hilo_str *s, char c)
{
    if (s->n == 0 || *s->p != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

static bool is_word(struct hilo_str s, const char *word)
{
    return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

static const char *read_rule(struct hilo_str s, struct sms_address_rule *out)
{
    const char *equals = memchr(s.p, '=', s.n);
    struct hilo_str pattern, value;

    if (!equals || equals == s.p)
        return "a rule is PATTERN=TON/NPI, as in short=3/0";
    pattern = (struct hilo_str){s.p, (uint64_t)(equals - s.p)};
    value = (struct hilo_str){equals + 1, s.n - pattern.n - 1};
    memset(out, 0, sizeof *out);
    out->match = is_word(pattern, "+")        ? SMS_MATCH_PLUS
                 : is_word(pattern, "short")  ? SMS_MATCH_SHORT
                 : is_word(pattern, "number") ? SMS_MATCH_NUMBER
                 : is_word(pattern, "name")   ? SMS_MATCH_NAME
                                              : SMS_MATCH_PREFIX;
    if (out->match == SMS_MATCH_PREFIX) {
        out->prefix = pattern;
        pattern.p += *pattern.p == '+';
        pattern.n -= pattern.p != out->prefix.p;
        if (!all_digits(pattern))
            return "the pattern of a rule is +, short, number, name, or the digits that an address begins "
                   "with";
    }
    out->strip = out->match == SMS_MATCH_PLUS || (out->match == SMS_MATCH_PREFIX && *out->prefix.p == '+');
    if (!take_number(&value, &out->ton) || !take_char(&value, '/') || !take_number(&value, &out->npi) ||
        (value.n && (!take_char(&value, '/') || !take_number(&value, &out->strip))) || value.n)
        return "TON, NPI and what is left out are numbers from 0 to 255 with / between them, as in +56=2/1/3";
    return NULL;
}

const char *sms_address_rules_read(struct hilo_str text, struct sms_address_rules *out)
{
    const char *why = NULL;
    uint64_t i = 0, start;

    memset(out, 0, sizeof *out);
    while (i < text.n && !why) {
        if (text.p[i] == ',' || text.p[i] == ' ') {
            i++;
            continue;
        }
        for (start = i; i < text.n && text.p[i] != ',' && text.p[i] != ' '; i++)
            ;
        if (out->n == SMS_ADDRESS_RULES_MAX)
            return "there are more than 32 rules";
        why = read_rule((struct hilo_str){text.p + start, i - start}, &out->rule[out->n++]);
    }
    return why;
}

/* ---- to the wire -------------------------------------------------------------------- */

static bool fits(const struct sms_address_rule *rule, uint8_t match, struct hilo_str address)
{
    if (rule->match != SMS_MATCH_PREFIX)
        return rule->match == match;
    return match != SMS_MATCH_NAME && address.n >= rule->prefix.n &&
           memcmp(address.p, rule->prefix.p, rule->prefix.n) == 0;
}

static struct sms_address_rule rule_for(uint8_t match, struct hilo_str address,
                                        const struct sms_address_rules *rules)
{
    static const struct sms_address_rule usual[] = {
        [SMS_MATCH_PLUS] = {.ton = SMS_TON_INTERNATIONAL, .npi = SMS_NPI_E164, .strip = 1},
        [SMS_MATCH_SHORT] = {.ton = SMS_TON_NETWORK, .npi = SMS_NPI_UNKNOWN},
        [SMS_MATCH_NUMBER] = {.ton = SMS_TON_INTERNATIONAL, .npi = SMS_NPI_E164},
        [SMS_MATCH_NAME] = {.ton = SMS_TON_ALPHANUMERIC, .npi = SMS_NPI_UNKNOWN},
    };
    const struct sms_address_rule *best = NULL;
    uint32_t i;

    for (i = 0; i < rules->n; i++) {
        if (fits(&rules->rule[i], match, address) && (!best || rules->rule[i].prefix.n > best->prefix.n))
            best = &rules->rule[i];
    }
    return best ? *best : usual[match];
}

static const char *check_name(struct hilo_str name)
{
    uint8_t septets[2];
    uint64_t i;

    if (name.n > SMS_ALPHANUMERIC_MAX)
        return "a sender's name has at most 11 characters";
    for (i = 0; i < name.n; i++) {
        uint8_t c = (uint8_t)name.p[i];

        if (c < 0x20 || c > 0x7e || hilo_gsm_put(0, c, septets) != 1)
            return "a sender's name has a character that SMS can't show in one: use letters, digits, spaces";
    }
    return NULL;
}

const char *sms_address_write(struct hilo_str address, const struct sms_address_rules *rules,
                              struct sms_address *out)
{
    struct sms_address_rule rule;
    const char *why = NULL;
    struct hilo_str digits;
    uint8_t match;
    bool plus;

    if (address.n == 0)
        return "an address is empty";
    plus = *address.p == '+';
    digits = (struct hilo_str){address.p + plus, address.n - plus};
    if (!all_digits(digits)) {
        match = SMS_MATCH_NAME;
        why = check_name(address);
    } else {
        match = plus ? SMS_MATCH_PLUS : digits.n <= 8 ? SMS_MATCH_SHORT : SMS_MATCH_NUMBER;
        if (digits.n > 15 || (plus && digits.n < 7))
            why = "a number has 7 to 15 digits";
    }
    if (why)
        return why;
    rule = rule_for(match, address, rules);
    if (rule.strip >= address.n)
        return "a rule leaves nothing of the address";
    /* A plus sign is never sent: where a rule does not say, TON does. */
    if (match != SMS_MATCH_NAME && plus && rule.strip == 0)
        rule.strip = 1;
    out->ton = rule.ton;
    out->npi = rule.npi;
    out->addr = (struct hilo_str){address.p + rule.strip, address.n - rule.strip};
    return NULL;
}

/* ---- from the wire ------------------------------------------------------------------ */

unsigned sms_address_read(uint8_t ton, uint8_t npi, struct hilo_str addr, struct hilo_str country,
                          char out[SMS_ADDRESS_MAX])
{
    struct hilo_str digits = addr;
    unsigned n = 0;
    uint64_t i;

    (void)npi;
    if (digits.n && *digits.p == '+') {
        digits.p++;
        digits.n--;
        ton = SMS_TON_INTERNATIONAL;
    }
    if (all_digits(digits) && digits.n <= 15 && country.n <= 4) {
        bool national = ton == SMS_TON_NATIONAL && country.n;

        if (national || ton == SMS_TON_INTERNATIONAL || (ton == SMS_TON_UNKNOWN && digits.n > 8)) {
            out[n++] = '+';
            for (i = 0; national && i < country.n; i++)
                out[n++] = country.p[i];
            addr = digits;
        }
    }
    for (i = 0; i < addr.n && n < SMS_ADDRESS_MAX; i++) {
        if (addr.p[i] >= 0x20 && addr.p[i] < 0x7f)
            out[n++] = addr.p[i];
    }
    return n;
}
