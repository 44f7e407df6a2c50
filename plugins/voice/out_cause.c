/*
 * The tables of out_cause.def.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "out_cause.h"

#include <stdio.h>
#include <string.h>

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

/* ---- what it comes to ---- */

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

void out_cause_of(uint32_t status, uint32_t q850, bool rang, struct out_cause *out)
{
    enum cause_how how;
    enum cause_name name = cause_of_sip(status, &how);
    size_t i;

    memset(out, 0, sizeof *out);
    out->status = status;
    out->q850 = q850;
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
