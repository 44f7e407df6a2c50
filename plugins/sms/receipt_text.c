/*
 * Delivery receipts. Fields are found by their names, in any case and order, and what is
 * missing is missing; the message's own words, in "text:", come last and are not looked into
 * once the rest is known, as a customer's text may have "id:" in it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "receipt_text.h"
#include "pdu.h"

#include <string.h>

enum { NO_FIELD = -1, ID, SUB, DLVRD, SUBMIT_DATE, DONE_DATE, STAT, ERR, TEXT, N_FIELDS };

/* A blank stands for one, for _ or -, or for nothing. */
static const char *const names[N_FIELDS] = {"id",        "sub",  "dlvrd", "submit date",
                                            "done date", "stat", "err",   "text"};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0;
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_word(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

/* How many characters at p are this name and the colon after it; 0: they are not. */
static uint64_t name_at(const char *p, const char *end, const char *name)
{
    const char *start = p;

    for (; *name; name++) {
        if (*name == ' ') {
            p += p < end && (*p == ' ' || *p == '_' || *p == '-');
            continue;
        }
        if (p == end || lower(*p) != *name)
            return 0;
        p++;
    }
    while (p < end && is_blank(*p))
        p++;
    return p < end && *p == ':' ? (uint64_t)(p + 1 - start) : 0;
}

/* The next name in what follows p: its field, where it begins and where its value does. */
static int next_name(const char *text, const char *p, const char *end, const char **name, const char **value)
{
    uint64_t n;
    int i;

    for (; p < end; p++) {
        if (p > text && is_word(p[-1]))
            continue;
        for (i = 0; i < N_FIELDS; i++) {
            n = name_at(p, end, names[i]);
            if (n) {
                *name = p;
                *value = p + n;
                return i;
            }
        }
    }
    *name = *value = end;
    return NO_FIELD;
}

static struct hilo_str trimmed(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    while (end > p && (is_blank(end[-1]) || end[-1] == ',' || end[-1] == ';'))
        end--;
    return (struct hilo_str){p, (uint64_t)(end - p)};
}

/* Of a value, its first word; of a date, all that may be one; both cut behind SMS_ID_MAX + 1
 * characters, which none has that means anything; of a text, all. */
static struct hilo_str value_of(int field, const char *p, const char *end)
{
    struct hilo_str v = trimmed(p, end);
    uint64_t n = 0;

    if (field == TEXT)
        return v;
    if (field == SUBMIT_DATE || field == DONE_DATE) {
        while (n < v.n && n <= SMS_ID_MAX && (is_digit(v.p[n]) || memchr("-/.: T_", v.p[n], 7)))
            n++;
    } else {
        while (n < v.n && n <= SMS_ID_MAX && !is_blank(v.p[n]) && v.p[n] != ',' && v.p[n] != ';')
            n++;
    }
    return trimmed(v.p, v.p + n);
}

static void read_fields(struct hilo_str text, struct hilo_str out[N_FIELDS])
{
    const char *end, *name, *value, *next_value;
    int field, next;

    if (text.n == 0)
        return;
    end = text.p + text.n;
    for (field = next_name(text.p, text.p, end, &name, &value); field != NO_FIELD;
         field = next, value = next_value) {
        if (field == TEXT && out[ID].n && out[STAT].n) {
            out[TEXT] = value_of(TEXT, value, end);
            return;
        }
        next = next_name(text.p, value, end, &name, &next_value);
        if (out[field].n == 0)
            out[field] = value_of(field, value, name);
    }
}

/* ---- states ------------------------------------------------------------------------- */

static const struct state {
    const char *begins; /* what centres write begins so */
    uint32_t state;
} states[] = {
    {"deliv", SMS_STATE_DELIVERED},     {"undel", SMS_STATE_UNDELIVERABLE}, {"expir", SMS_STATE_EXPIRED},
    {"delet", SMS_STATE_DELETED},       {"rejec", SMS_STATE_REJECTED},      {"accep", SMS_STATE_ACCEPTED},
    {"unkno", SMS_STATE_UNKNOWN},       {"enrou", SMS_STATE_ENROUTE},       {"en_rou", SMS_STATE_ENROUTE},
    {"fail", SMS_STATE_UNDELIVERABLE},  {"buff", SMS_STATE_ENROUTE},        {"sent", SMS_STATE_ENROUTE},
    {"sched", SMS_STATE_ENROUTE},       {"skip", SMS_STATE_REJECTED},       {"cancel", SMS_STATE_DELETED},
    {"undlv", SMS_STATE_UNDELIVERABLE}, {"dlvrd", SMS_STATE_DELIVERED},
};

static uint32_t state_of(struct hilo_str stat)
{
    size_t i, k, n;

    for (i = 0; i < sizeof states / sizeof *states; i++) {
        n = strlen(states[i].begins);
        if (stat.n < n)
            continue;
        for (k = 0; k < n && lower(stat.p[k]) == states[i].begins[k]; k++)
            ;
        if (k == n)
            return states[i].state;
    }
    return SMS_STATE_NONE;
}

uint32_t sms_state_status(uint32_t state)
{
    switch (state) {
    case SMS_STATE_DELIVERED:
        return HILO_STATUS_DELIVERED;
    case SMS_STATE_EXPIRED:
        return HILO_STATUS_EXPIRED;
    case SMS_STATE_DELETED:
        return HILO_STATUS_CANCELED;
    case SMS_STATE_UNDELIVERABLE:
    case SMS_STATE_REJECTED:
        return HILO_STATUS_FAILED;
    case SMS_STATE_ENROUTE:
    case SMS_STATE_ACCEPTED:
    case SMS_STATE_UNKNOWN:
        return HILO_STATUS_SENT;
    default:
        return 0;
    }
}

bool sms_state_final(uint32_t state)
{
    return sms_state_status(state) > HILO_STATUS_SENT;
}

const char *sms_state_reason(uint32_t state)
{
    switch (state) {
    case SMS_STATE_EXPIRED:
        return "expired";
    case SMS_STATE_DELETED:
        return "deleted";
    case SMS_STATE_UNDELIVERABLE:
        return "undeliverable";
    case SMS_STATE_REJECTED:
        return "rejected";
    default:
        return "";
    }
}

/* ---- a receipt ---------------------------------------------------------------------- */

static uint32_t number_of(struct hilo_str s)
{
    uint32_t v = 0;
    uint64_t i;

    for (i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) || i == 9)
            return UINT32_MAX;
        v = v * 10 + (uint32_t)(s.p[i] - '0');
    }
    return s.n ? v : UINT32_MAX;
}

bool sms_receipt_read(struct hilo_str text, struct hilo_str tlvs, struct sms_receipt *out)
{
    struct hilo_str field[N_FIELDS] = {{0}}, value;
    uint32_t state;

    memset(out, 0, sizeof *out);
    read_fields(text, field);
    out->id = field[ID];
    out->stat = field[STAT];
    if (number_of(field[ERR]) != 0)
        out->err = field[ERR];
    out->submit_date = field[SUBMIT_DATE];
    out->done_date = field[DONE_DATE];
    out->text = field[TEXT];
    out->state = state_of(out->stat);
    out->sub = number_of(field[SUB]);
    out->dlvrd = number_of(field[DLVRD]);
    if (sms_tlv_find(tlvs, SMS_TLV_RECEIPTED_MESSAGE_ID, &value) && value.n)
        out->id = value;
    if (sms_tlv_int(tlvs, SMS_TLV_MESSAGE_STATE, &state) && state > SMS_STATE_NONE &&
        state <= SMS_STATE_REJECTED)
        out->state = state;
    if (sms_tlv_find(tlvs, SMS_TLV_NETWORK_ERROR_CODE, &value) && value.n == 3) {
        out->network_type = (uint8_t)value.p[0];
        out->network_error = (uint32_t)((uint8_t)value.p[1] << 8 | (uint8_t)value.p[2]);
    }
    return out->id.n > 0 && out->id.n <= SMS_ID_MAX;
}

/* ---- spellings of an id ------------------------------------------------------------- */

struct spellings {
    struct hilo_str id, *out;
    char (*buf)[SMS_ID_MAX];
    unsigned n;
};

static void add(struct spellings *s, const char *p, uint64_t n)
{
    unsigned i;

    if (n == 0 || n > SMS_ID_MAX || s->n == SMS_ID_SPELLINGS_MAX)
        return;
    if (n == s->id.n && memcmp(p, s->id.p, n) == 0)
        return;
    for (i = 0; i < s->n; i++) {
        if (n == s->out[i].n && memcmp(p, s->out[i].p, n) == 0)
            return;
    }
    memcpy(s->buf[s->n], p, n);
    s->out[s->n] = (struct hilo_str){s->buf[s->n], n};
    s->n++;
}

/* A number, with leading zeros to so many digits. */
static void add_number(struct spellings *s, uint64_t v, unsigned base, const char *digits, unsigned width)
{
    char text[24], *p = text + sizeof text;

    do {
        *--p = digits[v % base];
        v /= base;
    } while (v);
    while (p > text + sizeof text - width)
        *--p = '0';
    add(s, p, (uint64_t)(text + sizeof text - p));
}
static void add_hex(struct spellings *s, uint64_t v, unsigned width)
{
    add_number(s, v, 16, "0123456789abcdef", width);
    add_number(s, v, 16, "0123456789ABCDEF", width);
}
static void add_decimal(struct spellings *s, uint64_t v, unsigned width)
{
    add_number(s, v, 10, "0123456789", width);
}

/* The number that an id is in this base; false: it is none, or does not fit 64 bits. */
static bool in_base(struct hilo_str id, unsigned base, uint64_t *out)
{
    uint64_t v = 0, i;

    for (i = 0; i < id.n; i++) {
        char c = lower(id.p[i]);
        unsigned digit = is_digit(c)            ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 99;

        if (digit >= base || v > (UINT64_MAX - digit) / base)
            return false;
        v = v * base + digit;
    }
    *out = v;
    return id.n > 0;
}

static void add_case(struct spellings *s, struct hilo_str id)
{
    char text[SMS_ID_MAX];
    uint64_t i;
    int upper;

    for (upper = 0; upper < 2; upper++) {
        for (i = 0; i < id.n; i++) {
            char c = lower(id.p[i]);

            text[i] = upper && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        }
        add(s, text, id.n);
    }
}

unsigned sms_id_spellings(struct hilo_str id, char buf[SMS_ID_SPELLINGS_MAX][SMS_ID_MAX],
                          struct hilo_str out[SMS_ID_SPELLINGS_MAX])
{
    struct spellings s = {id, out, buf, 0};
    struct hilo_str bare = id;
    bool decimal, hex;
    uint64_t dec, v;

    if (id.n == 0 || id.n > SMS_ID_MAX)
        return 0;
    while (bare.n > 1 && *bare.p == '0') {
        bare.p++;
        bare.n--;
    }
    decimal = in_base(id, 10, &dec);
    hex = in_base(id, 16, &v);
    add_case(&s, id);
    if (decimal)
        add_hex(&s, dec, 0);
    if (hex)
        add_decimal(&s, v, 0);
    add(&s, bare.p, bare.n);
    add_case(&s, bare);
    if (decimal) {
        add_hex(&s, dec, 8);
        add_decimal(&s, dec, 10);
    } else if (hex) {
        add_decimal(&s, v, 10);
        add_hex(&s, v, 8);
    }
    return s.n;
}
