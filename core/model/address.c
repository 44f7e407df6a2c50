/*
 * Phone numbers, email addresses, documents. A well-formed E.164 number is taken as
 * it is: whether it is in use only the network knows. WhatsApp's variants are a
 * table of three rules, each with its reason beside it.
 */
#include "model/address.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <unicase.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* ---- phone ------------------------------------------------------------------------ */

bool address_e164(struct hilo_str s)
{
    uint64_t i;

    if (s.n < 9 || s.n > 16 || s.p[0] != '+' || s.p[1] == '0')
        return false;
    for (i = 1; i < s.n; i++) {
        if (!digit(s.p[i]))
            return false;
    }
    return true;
}

int32_t address_phone(struct hilo_str s, char out[ADDRESS_PHONE], struct err *e)
{
    char t[ADDRESS_PHONE];
    size_t n = 0, i = 0;

    if (s.n >= 2 && s.p[0] == '0' && s.p[1] == '0') { /* the usual prefix to dial abroad (ITU-T E.123) */
        t[n++] = '+';
        i = 2;
    }
    for (; i < s.n; i++) {
        char c = s.p[i];

        if (c == ' ' || c == '-' || c == '.' || c == '(' || c == ')')
            continue;
        if (n == sizeof t - 1 || !(digit(c) || (c == '+' && n == 0)))
            return err_set(e, HILO_INVALID, "not a phone number; write it as +573001112233 (E.164)");
        t[n++] = c;
    }
    t[n] = '\0';
    if (n > 0 && t[0] != '+')
        return err_set(e, HILO_INVALID,
                       "a phone number without its country; write it as +573001112233 (E.164)");
    if (!address_e164(str_n(t, n)))
        return err_set(e, HILO_INVALID, "not a phone number: \"+\" and 8 to 15 digits are expected (E.164)");
    memcpy(out, t, n + 1);
    return HILO_OK;
}

/* ---- email ------------------------------------------------------------------------ */

/* RFC 5322 atext, and beyond ASCII RFC 6531. */
static bool atext(char c)
{
    return (uint8_t)c >= 0x80 || letter(c) || digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool email_local(struct hilo_str s)
{
    uint64_t i;

    if (s.n == 0 || s.n > 64 || s.p[0] == '.' || s.p[s.n - 1] == '.')
        return false;
    for (i = 0; i < s.n; i++) {
        if (!atext(s.p[i]) && !(s.p[i] == '.' && s.p[i - 1] != '.'))
            return false;
    }
    return true;
}

static bool email_domain(struct hilo_str s)
{
    struct hilo_str label, rest = s;
    size_t labels = 0;
    uint64_t i;
    bool more;

    do {
        more = str_cut(rest, '.', &label, &rest);
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (i = 0; i < label.n; i++) {
            if (!((uint8_t)label.p[i] >= 0x80 || letter(label.p[i]) || digit(label.p[i]) ||
                  label.p[i] == '-'))
                return false;
        }
        labels++;
    } while (more);
    return labels >= 2;
}

bool address_email(struct hilo_str s)
{
    struct hilo_str local, domain;

    return s.n <= 254 && str_utf8_valid(s) && str_cut(s, '@', &local, &domain) && email_local(local) &&
           email_domain(domain);
}

/* Lower case from the byte at from on; letters beyond ASCII by Unicode's rules. */
static int32_t email_lower(struct hilo_str s, size_t from, char out[ADDRESS_EMAIL], struct err *e)
{
    uint8_t low[ADDRESS_EMAIL];
    size_t n = sizeof low;
    uint8_t *r = u8_tolower((const uint8_t *)s.p + from, (size_t)s.n - from, NULL, NULL, low, &n);
    int32_t rc = HILO_OK;

    if (!r)
        return err_set(e, HILO_NOMEM, "no memory for an email address");
    if (from + n >= ADDRESS_EMAIL) {
        rc = err_set(e, HILO_INVALID, "an email address longer than 254 bytes");
    } else {
        memcpy(out, s.p, from);
        memcpy(out + from, r, n);
        out[from + n] = '\0';
    }
    if (r != low)
        free(r);
    return rc;
}

int32_t address_email_normal(struct hilo_str s, char out[ADDRESS_EMAIL], struct err *e)
{
    struct hilo_str local, domain;

    if (!address_email(s))
        return err_set(e, HILO_INVALID, "not an email address; expected as in ana@example.com");
    (void)str_cut(s, '@', &local, &domain);
    return email_lower(s, (size_t)local.n + 1, out, e);
}

int32_t address_email_identity(struct hilo_str s, char out[ADDRESS_EMAIL], struct err *e)
{
    if (!address_email(s))
        return err_set(e, HILO_INVALID, "not an email address; expected as in ana@example.com");
    return email_lower(s, 0, out, e);
}

/* ---- document --------------------------------------------------------------------- */

int32_t address_document(struct hilo_str s, char out[ADDRESS_DOCUMENT], struct err *e)
{
    struct hilo_str country, type, number, rest;
    char t[ADDRESS_DOCUMENT];
    size_t n = 0, start;
    uint64_t i;

    if (!str_cut(s, ':', &country, &rest) || !str_cut(rest, ':', &type, &number) || country.n != 2 ||
        !letter(country.p[0]) || !letter(country.p[1]) || type.n == 0 || type.n > 8)
        goto bad;
    t[n++] = upper(country.p[0]);
    t[n++] = upper(country.p[1]);
    t[n++] = ':';
    for (i = 0; i < type.n; i++) {
        if (!letter(type.p[i]) && !digit(type.p[i]))
            goto bad;
        t[n++] = upper(type.p[i]);
    }
    t[n++] = ':';
    start = n;
    for (i = 0; i < number.n; i++) {
        char c = upper(number.p[i]);

        if (c == '.' || c == '-' || c == ' ' || (c == '0' && n == start))
            continue;
        if ((!letter(c) && !digit(c)) || n - start == 32)
            goto bad;
        t[n++] = c;
    }
    if (n == start)
        goto bad;
    t[n] = '\0';
    memcpy(out, t, n + 1);
    return HILO_OK;
bad:
    return err_set(e, HILO_INVALID, "not a document; expected COUNTRY:TYPE:NUMBER as in CO:CC:1020304050");
}

/* ---- WhatsApp ------------------------------------------------------------------------ */

static bool begins(const char *z, size_t n, const char *prefix, size_t len)
{
    return n == len && strncmp(z, prefix, strlen(prefix)) == 0;
}

/*
 * The canonical form of digits (without "+"), and the other one that the same line
 * goes by; alt[0] is NUL if there is none.
 */
static void canonical(const char *z, size_t n, char main[ADDRESS_PHONE], char alt[ADDRESS_PHONE])
{
    alt[0] = '\0';
    /* Mexico: until 2019 mobiles were dialled from abroad as +52 1 and ten digits; the
     * 1 was abolished, but WhatsApp ids of that time still have it. */
    if (begins(z, n, "521", 13)) {
        (void)snprintf(main, ADDRESS_PHONE, "+52%s", z + 3);
        (void)snprintf(alt, ADDRESS_PHONE, "+%s", z);
    } else if (begins(z, n, "52", 12)) {
        (void)snprintf(main, ADDRESS_PHONE, "+%s", z);
        (void)snprintf(alt, ADDRESS_PHONE, "+521%s", z + 2);
        /* Argentina: a mobile is dialled from abroad as +54 9 and ten digits (area and
         * number without 15). WhatsApp ids have the 9, some platforms write it without. */
    } else if (begins(z, n, "549", 13)) {
        (void)snprintf(main, ADDRESS_PHONE, "+%s", z);
        (void)snprintf(alt, ADDRESS_PHONE, "+54%s", z + 3);
    } else if (begins(z, n, "54", 12)) {
        (void)snprintf(main, ADDRESS_PHONE, "+549%s", z + 2);
        (void)snprintf(alt, ADDRESS_PHONE, "+%s", z);
        /* Brazil: mobiles (eight digits starting with 6 to 9 after a two-digit area) got a
         * ninth digit, a 9 in front, area by area until 2016; ids of before lack it. */
    } else if (begins(z, n, "55", 13) && z[4] == '9' && z[5] >= '6') {
        (void)snprintf(main, ADDRESS_PHONE, "+%s", z);
        (void)snprintf(alt, ADDRESS_PHONE, "+%.4s%s", z, z + 5);
    } else if (begins(z, n, "55", 12) && z[4] >= '6') {
        (void)snprintf(main, ADDRESS_PHONE, "+%.4s9%s", z, z + 4);
        (void)snprintf(alt, ADDRESS_PHONE, "+%s", z);
    } else {
        (void)snprintf(main, ADDRESS_PHONE, "+%s", z);
    }
}

size_t address_whatsapp_variants(struct hilo_str e164, char out[ADDRESS_VARIANTS][ADDRESS_PHONE])
{
    char z[ADDRESS_PHONE];
    size_t n;

    if (!address_e164(e164))
        return 0;
    n = (size_t)e164.n - 1;
    memcpy(z, e164.p + 1, n);
    z[n] = '\0';
    canonical(z, n, out[0], out[1]);
    return out[1][0] ? 2 : 1;
}

int32_t address_whatsapp_e164(struct hilo_str wa_id, char out[ADDRESS_PHONE], struct err *e)
{
    char z[ADDRESS_PHONE], alt[ADDRESS_PHONE];
    size_t n = (size_t)wa_id.n;

    z[0] = '+';
    if (n < 16 && n > 0)
        memcpy(z + 1, wa_id.p, n);
    if (n >= 16 || !address_e164(str_n(z, n + 1)))
        return err_set(e, HILO_INVALID, "not a WhatsApp id: 8 to 15 digits are expected");
    z[n + 1] = '\0';
    canonical(z + 1, n, out, alt);
    return HILO_OK;
}
