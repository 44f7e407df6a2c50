/*
 * The search for an opening goes from one zone's next opening to the other's until all are open at the same
 * instant: where they never are (Kaliningrad and Kamchatka share no office hours) it ends by itself.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "callhours.h"

#include <stdio.h>
#include <string.h>

static const int64_t CALLHOURS_STEP_US = 60000000, CALLHOURS_END_US = INT64_C(400) * 86400 * 1000000;

/* ---- reading ---- */

static bool callhours_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct hilo_str callhours_trim(struct hilo_str s)
{
    for (; s.n && callhours_space(*s.p); s.p++)
        s.n--;
    while (s.n && callhours_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* What stands before the next of a few characters, and goes on behind it. */
static struct hilo_str callhours_take(struct hilo_str *rest, const char *ends)
{
    struct hilo_str w = *rest;

    for (w.n = 0; w.n < rest->n && !strchr(ends, w.p[w.n]); w.n++)
        ;
    rest->p += w.n + (w.n < rest->n);
    rest->n -= w.n + (w.n < rest->n);
    return w;
}

static bool callhours_is(struct hilo_str w, const char *text)
{
    return w.n == strlen(text) && memcmp(w.p, text, w.n) == 0;
}

static bool callhours_wrong(char wrong[CALLHOURS_WRONG], struct hilo_str at, const char *what)
{
    (void)snprintf(wrong, CALLHOURS_WRONG, "\"%.*s\": %s", (int)(at.n < 40 ? at.n : 40), at.p, what);
    return false;
}

static bool callhours_holidays(struct hilo_str dates, struct hours *h, char wrong[CALLHOURS_WRONG])
{
    struct hilo_str w;
    int32_t date;

    while ((dates = callhours_trim(dates)).n) {
        w = callhours_take(&dates, " \t\r\n");
        date = hours_holiday(w);
        if (date == 0)
            return callhours_wrong(wrong, w, "holidays are dates, 2026-12-25 or, of each year, 12-25");
        if (h->n_holidays == HOURS_HOLIDAYS_MAX)
            return callhours_wrong(wrong, w, "there are too many holidays; those of past years can go");
        h->holiday[h->n_holidays++] = date;
    }
    return true;
}

/* "authentication service": bits by HILO_CATEGORY_x. */
static bool callhours_except(struct hilo_str names, uint32_t *bits, char wrong[CALLHOURS_WRONG])
{
    static const struct {
        const char *name;
        uint32_t category;
    } known[] = {
#define HILO_CATEGORY(name, value, text) {text, value},
#include <hilo/values.def>
    };
    struct hilo_str w;
    size_t i;

    while ((names = callhours_trim(names)).n) {
        w = callhours_take(&names, " \t\r\n");
        for (i = 0; i < sizeof known / sizeof *known && !callhours_is(w, known[i].name); i++)
            ;
        if (i == sizeof known / sizeof *known)
            return callhours_wrong(wrong, w, "except is followed by categories of messages: authentication");
        *bits |= UINT32_C(1) << known[i].category;
    }
    return true;
}

static bool callhours_rule(struct hilo_str rule, struct callhours *c, uint32_t *seen,
                           char wrong[CALLHOURS_WRONG])
{
    struct hours *h = &c->week;
    struct hilo_str spans = rule, days = callhours_take(&spans, " \t\r\n");
    uint32_t bits = callhours_is(days, "daily") ? 0x7f : hours_days(days), d;
    struct hours_span span[HOURS_SPANS_MAX];
    char why[160];

    if (callhours_is(days, "holidays"))
        return callhours_holidays(spans, h, wrong);
    if (callhours_is(days, "except"))
        return callhours_except(spans, &c->except, wrong);
    if (bits == 0)
        return callhours_wrong(wrong, days,
                               "a rule begins with days: mon, mon-fri, daily, or with holidays or except");
    if (*seen & bits)
        return callhours_wrong(wrong, rule, "one of these days has its hours already");
    *seen |= bits;
    if (!hours_spans(callhours_trim(spans), span, why))
        return callhours_wrong(wrong, rule, why);
    for (d = 0; d < 7; d++)
        if (bits & UINT32_C(1) << d)
            memcpy(h->day[d], span, sizeof span);
    return true;
}

bool callhours_read(struct hilo_str text, struct callhours *c, char wrong[CALLHOURS_WRONG])
{
    struct hilo_str rule;
    uint32_t seen = 0;

    memset(c, 0, sizeof *c);
    while (text.n) {
        rule = callhours_trim(callhours_take(&text, ",;"));
        if (rule.n && !callhours_rule(rule, c, &seen, wrong))
            return false;
    }
    c->given = seen != 0;
    if (!c->given && (c->except || c->week.n_holidays))
        return callhours_wrong(wrong, rule, "there are no days with hours, \"mon-fri 08:00-19:00\"");
    return true;
}

/* ---- when ---- */

int64_t callhours_opens(const struct callhours *c, uint32_t category, const struct hilo_str *zone,
                        uint32_t n_zones, int64_t wall_us)
{
    static const struct hilo_str utc = {NULL, 0};
    const int64_t end = wall_us + CALLHOURS_END_US;
    int64_t at = wall_us, next;
    uint32_t i = 0;

    if (!c->given || (category < 32 && c->except & UINT32_C(1) << category))
        return 0;
    if (n_zones == 0) {
        zone = &utc;
        n_zones = 1;
    }
    while (i < n_zones) {
        if (hours_at(&c->week, zone[i], at) == HOURS_OPEN) {
            i++;
            continue;
        }
        next = hours_next(&c->week, zone[i], at);
        if (next == 0 || next > end)
            return CALLHOURS_NEVER;
        /* An hour that a clock shows twice may be found in its first run, which is over. */
        at = next > at ? next : at + CALLHOURS_STEP_US;
        i = 0; /* those that were open before are asked again */
    }
    return at == wall_us ? 0 : at;
}
