/* Messages from the client: submit_sm and data_sm, and what asks about them. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

static bool throttled(struct smsc *s)
{
    if (!s->conf.rate)
        return false;
    s->tokens += (double)(s->now_us - s->tokens_us) * (double)s->conf.rate / 1e6;
    if (s->tokens > (double)s->conf.rate)
        s->tokens = (double)s->conf.rate;
    s->tokens_us = s->now_us;
    if (s->tokens < 1)
        return true;
    s->tokens -= 1;
    return false;
}

/* What the specification leaves no room for, beyond what reading it shows. */
static void judge(struct smsc *s, const struct session *n, const struct sm *m)
{
    unsigned mode = m->esm_class & 0x3u;

    if (!m->dest[0])
        violation(s, n, "no destination_addr");
    if (m->source_ton > 6 || m->dest_ton > 6)
        violation(s, n, "a TON that there is not");
    if (m->source_ton == 5 && strlen(m->source) > 11)
        violation(s, n, "an alphanumeric source_addr of more than 11");
    if (m->source_ton == 1 && strspn(m->source, "0123456789") != strlen(m->source))
        violation(s, n, "an international source_addr that is not digits alone");
    if (m->dest_ton == 1 && strspn(m->dest, "0123456789") != strlen(m->dest))
        violation(s, n, "an international destination_addr that is not digits alone");
    if (m->esm_class & 0x3c)
        violation(s, n, "esm_class %#x says that a submit is a receipt", m->esm_class);
    if (mode == 1 && m->schedule[0])
        violation(s, n, "a datagram with a schedule");
    if (m->priority > 3)
        violation(s, n, "priority_flag %u", m->priority);
    if (m->esm_class & 0x40 && (!m->n || m->text[0] + 1u > m->n))
        violation(s, n, "a user data header longer than its message");
    if (sm_tlv(m, TLV_SAR_REF) && m->esm_class & 0x40)
        violation(s, n, "SAR TLVs and a user data header together");
    if (!sm_tlv(m, TLV_PAYLOAD) && m->n > 160)
        violation(s, n, "%zu octets of short_message: more than any segment", m->n);
}

static struct submit *submit_new(struct smsc *s, struct session *n, uint32_t command, const uint8_t *p,
                                 size_t len)
{
    struct submit *m = zeroed(sizeof *m);
    const char *why;

    m->seq = s->n_submits + 1;
    m->session = n->id;
    m->at_us = s->now_us;
    m->command = command;
    (void)copy(m->system_id, sizeof m->system_id, n->system_id);
    (void)copy(m->state, sizeof m->state, "ENROUTE");
    sbuf_add(&m->body, p, len);
    (void)sm_read(command, m->body.p, m->body.n, &m->sm, &why);
    if (s->n_submits == s->cap_submits) {
        s->cap_submits = s->cap_submits * 2 + 64;
        s->submits = must(realloc(s->submits, s->cap_submits * sizeof(void *)));
    }
    s->submits[s->n_submits++] = m;
    return m;
}

static uint32_t submit_status(struct smsc *s, struct session *n, const struct sm *m, const struct rule *rule)
{
    if (!n->tx)
        return ESME_RINVBNDSTS;
    if (s->conf.window && (int64_t)n->n_open > s->conf.window) {
        s->counts.window_exceeded++;
        violation(s, n, "%zu submits without a response, and %lld are agreed", n->n_open,
                  (long long)s->conf.window);
        return ESME_RTHROTTLED;
    }
    if (rule_refuses(rule))
        return rule->status;
    if (!m->dest[0])
        return ESME_RINVDSTADR;
    if (s->conf.require_npi && m->dest_npi == 0)
        return ESME_RINVDSTNPI;
    return throttled(s) ? ESME_RTHROTTLED : 0;
}

void on_submit(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
{
    const char *why = "";
    struct sm m;
    uint32_t status = sm_read(h->id, p, len, &m, &why);
    const struct rule *rule = rule_for(s, h->id, m.dest);
    struct submit *record;
    struct sbuf out = {0};
    size_t begin;

    n->submits++;
    if (status)
        violation(s, n, "%s: %s", command_name(h->id), why);
    else
        judge(s, n, &m);
    if (rule && rule->act == ACT_DROP_BEFORE) {
        session_end(n, END_CLOSE);
        return;
    }
    if (!status)
        status = submit_status(s, n, &m, rule);
    record = submit_new(s, n, h->id, p, len);
    record->status = status;
    record->accepted = status == 0;
    if (status) {
        s->counts.refused++;
        s->counts.throttled += status == ESME_RTHROTTLED;
    } else {
        s->counts.accepted++;
        record->number = (uint64_t)s->conf.id_start + s->counts.accepted;
        id_print(s->conf.id, record->number, record->id);
        receipts_plan(s, record);
    }
    if (rule && rule->act == ACT_NACK) {
        nack(s, n, status, h->seq);
        return;
    }
    begin = pdu_begin(&out, h->id | RESPONSE, status, h->seq);
    if (!status)
        pdu_text(&out, record->id);
    else if (!s->conf.bare_errors)
        pdu_text(&out, "");
    pdu_end(&out, begin);
    answer(s, n, h->seq, out, record, rule);
}

void on_query(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
{
    static const char *const states[] = {"",        "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
                                         "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"};
    char id[66], source[22], dest[22];
    uint32_t status = ask_read(p, len, false, id, source, dest);
    struct submit *m = status ? NULL : submit_find(s, id);
    struct sbuf out = {0};
    size_t begin, state = 0;

    s->counts.queries++;
    if (!status && (!m || strcmp(m->sm.source, source) != 0))
        status = ESME_RINVMSGID;
    begin = pdu_begin(&out, h->id | RESPONSE, status, h->seq);
    if (!status) {
        for (size_t i = 1; i < sizeof states / sizeof *states; i++)
            if (!strcmp(states[i], m->state))
                state = i;
        pdu_text(&out, m->id);
        pdu_text(&out, "");
        pdu_u8(&out, (unsigned)state);
        pdu_u8(&out, 0);
    }
    pdu_end(&out, begin);
    answer(s, n, h->seq, out, NULL, rule_for(s, h->id, ""));
}

void on_cancel(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
{
    char id[66], source[22], dest[22];
    uint32_t status = ask_read(p, len, true, id, source, dest);
    struct submit *m = status ? NULL : submit_find(s, id);

    s->counts.cancels++;
    if (!status && (!m || strcmp(m->state, "ENROUTE") != 0))
        status = ESME_RCANCELFAIL;
    if (!status) {
        m->canceled = true;
        (void)copy(m->state, sizeof m->state, "DELETED");
    }
    answer_bare(s, n, h->id | RESPONSE, status, h->seq, rule_for(s, h->id, ""));
}
