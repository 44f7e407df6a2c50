/*
 * Tables of out_cause.def, and a reader of Reason as far as Q.850 goes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "out_cause.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum cause_name {
#define OUT_CAUSE(name, what, reason, es, en) CAUSE_##name,
#include "out_cause.def"
    CAUSE__END
};
enum cause_how { HOW_PLAIN, HOW_GENERAL };

#define CAUSE_STR(s)                                                                                         \
    {                                                                                                        \
        (s), sizeof(s) - 1                                                                                   \
    }
static const struct {
    enum out_what what;
    struct hilo_str reason, es, en;
} cause_table[] = {
#define OUT_CAUSE(name, to, why, spanish, english)                                                           \
    [CAUSE_##name] = {OUT_##to, CAUSE_STR(why), CAUSE_STR(spanish), CAUSE_STR(english)},
#include "out_cause.def"
};
static const struct {
    uint16_t status;
    uint8_t name, how;
} cause_sip[] = {
#define OUT_SIP(status, name, how) {status, CAUSE_##name, HOW_##how},
#include "out_cause.def"
};
static const struct {
    uint8_t cause, name;
} cause_q850[] = {
#define OUT_Q850(cause, name) {cause, CAUSE_##name},
#include "out_cause.def"
};

/* ---- Reason: Q.850;cause=17;text="User busy" ------------------------------------------------------ */

static bool cause_is(struct hilo_str s, size_t at, const char *word)
{
    size_t n = strlen(word);

    return at + n <= s.n && strncasecmp(s.p + at, word, n) == 0;
}

uint32_t out_cause_q850(struct hilo_str s)
{
    bool quoted = false, q850 = false;
    size_t i, k;
    uint32_t v;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        else if (quoted && s.p[i] == '\\')
            i++; /* a quoted pair */
        if (quoted)
            continue;
        if (cause_is(s, i, "Q.850")) {
            q850 = true;
        } else if (s.p[i] == ',') {
            q850 = false; /* another protocol's */
        } else if (q850 && s.p[i] == ';') {
            for (k = i + 1; k < s.n && (s.p[k] == ' ' || s.p[k] == '\t'); k++)
                ;
            if (!cause_is(s, k, "cause"))
                continue;
            for (k += 5; k < s.n && (s.p[k] == ' ' || s.p[k] == '='); k++)
                ;
            for (v = 0; k < s.n && s.p[k] >= '0' && s.p[k] <= '9' && v < 1000; k++)
                v = v * 10 + (uint32_t)(s.p[k] - '0');
            return v < 128 ? v : 0;
        }
    }
    return 0;
}

/* ---- what it comes to ------------------------------------------------------------------------------- */

static enum cause_name cause_of_sip(uint32_t status, enum cause_how *how)
{
    size_t i;

    *how = HOW_GENERAL;
    for (i = 0; i < sizeof cause_sip / sizeof *cause_sip; i++)
        if (cause_sip[i].status == status) {
            *how = (enum cause_how)cause_sip[i].how;
            return (enum cause_name)cause_sip[i].name;
        }
    if (status < 300)
        return CAUSE_UNREACHABLE;
    if (status < 400)
        return CAUSE_MOVED;
    return status >= 500 && status < 600 ? CAUSE_NETWORK : CAUSE_REFUSED;
}

void out_cause_of(uint32_t status, struct hilo_str reason, bool rang, struct out_cause *out)
{
    enum cause_how how;
    enum cause_name name = cause_of_sip(status, &how);
    size_t i;

    memset(out, 0, sizeof *out);
    out->status = status;
    out->q850 = out_cause_q850(reason);
    if (how == HOW_GENERAL) {
        /* It rang, and that was all: whatever a proxy calls the end of its patience. */
        if (rang && (status == 408 || status == 480 || status == 504))
            name = CAUSE_NO_ANSWER;
        for (i = 0; i < sizeof cause_q850 / sizeof *cause_q850; i++)
            if (cause_q850[i].cause == out->q850)
                name = (enum cause_name)cause_q850[i].name;
    }
    out->what = cause_table[name].what;
    out->reason = cause_table[name].reason;
    out->es = cause_table[name].es;
    out->en = cause_table[name].en;
}

struct hilo_str out_cause_code(const struct out_cause *c, char out[OUT_CODE_MAX])
{
    struct hilo_str s = {out, 0};
    int n = c->q850 ? snprintf(out, OUT_CODE_MAX, "%u Q.850 %u", c->status, c->q850)
                    : snprintf(out, OUT_CODE_MAX, "%u", c->status);

    if (n > 0 && n < OUT_CODE_MAX)
        s.n = (uint64_t)n;
    return s;
}
