/*
 * A receipt's text and TLVs, and what is read of them: dates, ids, addresses; and rules for
 * addresses, an operator's. The first byte says how much of the rest is TLVs.
 *
 * Beyond not crashing: what is handed out lies within what was given; the fields written in
 * the specification's order read as the same receipt; spellings of an id are others, and
 * lead back to it; an address that was written is read again.
 */
#include "sms_parts.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spellings(struct hilo_str id)
{
    char buf[SMS_ID_SPELLINGS_MAX][SMS_ID_MAX], back_buf[SMS_ID_SPELLINGS_MAX][SMS_ID_MAX];
    struct hilo_str out[SMS_ID_SPELLINGS_MAX], back[SMS_ID_SPELLINGS_MAX];
    unsigned n = sms_id_spellings(id, buf, out), i, k;

    must(n <= SMS_ID_SPELLINGS_MAX);
    for (i = 0; i < n; i++) {
        must(out[i].n > 0 && out[i].n <= SMS_ID_MAX && !same(out[i], id));
        for (k = 0; k < i; k++)
            must(!same(out[i], out[k]));
        must(sms_id_spellings(out[i], back_buf, back) <= SMS_ID_SPELLINGS_MAX);
    }
}

/* As a centre would write it. What follows a name may hold another name ("id:id:5"), which reads
 * as that: such values are passed by. */
static void check_written(const struct sms_receipt *r)
{
    char text[512];
    struct sms_receipt again;
    uint64_t i;
    int n;

    if (r->stat.n > SMS_ID_MAX || r->err.n > SMS_ID_MAX)
        return;
    for (i = 0; i < r->id.n + r->stat.n + r->err.n; i++) {
        char c = i < r->id.n               ? r->id.p[i]
                 : i < r->id.n + r->stat.n ? r->stat.p[i - r->id.n]
                                           : r->err.p[i - r->id.n - r->stat.n];

        if (c == ':' || c == ',' || c == ';' || c <= ' ')
            return;
    }
    n = snprintf(text, sizeof text, "id:%.*s sub:001 dlvrd:000 stat:%.*s err:%.*s text:id:9 stat:DELIVRD",
                 (int)r->id.n, r->id.p, (int)r->stat.n, r->stat.n ? r->stat.p : "", (int)r->err.n,
                 r->err.n ? r->err.p : "");
    must(sms_receipt_read((struct hilo_str){text, (uint64_t)n}, (struct hilo_str){NULL, 0}, &again));
    must(same(again.id, r->id));
    if (r->stat.n) {
        must(same(again.stat, r->stat) && same(again.err, r->err));
        must(same(again.text, (struct hilo_str){"id:9 stat:DELIVRD", 17}));
    }
}

static void check_dates(struct hilo_str s)
{
    char out[SMS_TIME_MAX];
    int64_t us, back;

    if (sms_time_read(s, 0, &us) && s.p[15] != 'R' && sms_time_write(us, out)) {
        must(sms_time_read((struct hilo_str){out, SMS_TIME_MAX}, 0, &back) && back == us);
    }
    if (sms_date_read(s, 0, &us))
        must(us >= 0 && us % 1000000 == 0);
}

static void check_addresses(struct hilo_str s)
{
    static const struct sms_address_rules none;
    static const struct hilo_str no_country;
    struct sms_address_rules rules;
    struct sms_address a;
    char out[SMS_ADDRESS_MAX];
    const char *why = sms_address_rules_read(s, &rules);
    unsigned i, n;

    must(rules.n <= SMS_ADDRESS_RULES_MAX);
    for (i = 0; !why && i < rules.n; i++)
        must_lie_in(rules.rule[i].prefix, s);
    if (!why && !sms_address_write(s, &rules, &a))
        must_lie_in(a.addr, s);
    must(sms_address_read(0, 1, s, s, out) <= SMS_ADDRESS_MAX);
    if (sms_address_write(s, &none, &a))
        return;
    must(a.addr.n > 0 && a.addr.n <= 20);
    must_lie_in(a.addr, s);
    n = sms_address_read(a.ton, a.npi, a.addr, no_country, out);
    /* Without its plus sign where it was given without. */
    must(n == s.n ? memcmp(out, s.p, n) == 0
                  : n == s.n + 1 && out[0] == '+' && memcmp(out + 1, s.p, s.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sms_receipt r;
    struct hilo_str all, text, tlvs;
    uint64_t n;

    if (size == 0)
        return 0;
    all = (struct hilo_str){(const char *)data + 1, size - 1};
    n = data[0] < all.n ? data[0] : all.n;
    /* Nothing may also be NULL. */
    tlvs = (struct hilo_str){n ? all.p : NULL, n};
    text = (struct hilo_str){all.n > n ? all.p + n : NULL, all.n - n};
    check_dates(all);
    check_addresses(all);
    check_spellings(all);
    if (!sms_receipt_read(text, tlvs, &r))
        return 0;
    must(r.id.n > 0 && r.id.n <= SMS_ID_MAX);
    must(r.stat.n <= SMS_ID_MAX + 1 && r.err.n <= SMS_ID_MAX + 1 && r.done_date.n <= SMS_ID_MAX + 1);
    must_lie_in(r.id, all);
    must_lie_in(r.stat, text);
    must_lie_in(r.err, text);
    must_lie_in(r.submit_date, text);
    must_lie_in(r.done_date, text);
    must_lie_in(r.text, text);
    must(r.state <= SMS_STATE_REJECTED && (sms_state_status(r.state) != 0) == (r.state != SMS_STATE_NONE));
    must(sms_state_final(r.state) || sms_state_reason(r.state)[0] == 0);
    check_spellings(r.id);
    check_dates(r.done_date);
    check_written(&r);
    return 0;
}
