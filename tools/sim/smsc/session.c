/* Sessions: connections, binds, PDUs in, and the link between. */
#include "session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void violation(struct smsc *s, const struct session *n, const char *format, ...)
{
    char *out = s->violation[s->violations++ % VIOLATIONS_KEPT];
    va_list args;
    int used = snprintf(out, sizeof s->violation[0], "session %llu: ", (unsigned long long)n->id);

    va_start(args, format);
    vsnprintf(out + used, sizeof s->violation[0] - (size_t)used, format, args);
    va_end(args);
}

struct session *session_find(struct smsc *s, uint64_t id)
{
    struct session *n = s->sessions;

    while (n && n->id != id)
        n = n->next;
    return n && n->end == END_NONE ? n : NULL;
}

void session_end(struct session *n, enum end end)
{
    if (n->end == END_NONE)
        n->end = end;
}

/* ---- binds ---- */

static const struct account *account_of(const struct smsc *s, const char *system_id)
{
    for (int i = 0; i < s->conf.n_accounts; i++)
        if (!strcmp(s->conf.account[i].system_id, system_id))
            return &s->conf.account[i];
    return NULL;
}

static int64_t binds_of(const struct smsc *s, const char *system_id)
{
    int64_t n = 0;

    for (const struct session *o = s->sessions; o; o = o->next)
        n += o->end == END_NONE && (o->tx || o->rx) && !strcmp(o->system_id, system_id);
    return n;
}

static uint32_t bind_status(struct smsc *s, struct session *n, const struct bind *b)
{
    const struct account *a = account_of(s, b->system_id);

    if (n->tx || n->rx)
        return ESME_RALYBND;
    if (!a)
        return ESME_RINVSYSID;
    if (strcmp(a->password, b->password) != 0)
        return ESME_RINVPASWD;
    if (a->system_type[0] && strcmp(a->system_type, b->system_type) != 0)
        return ESME_RINVSYSTYP;
    if (a->max_binds && binds_of(s, b->system_id) >= a->max_binds)
        return ESME_RALYBND;
    if (!s->conf.any_version && b->version != 0x34) {
        violation(s, n, "interface_version is %#x", b->version);
        return ESME_RBINDFAIL;
    }
    return 0;
}

static void on_bind(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
{
    const struct rule *rule = rule_for(s, h->id, "");
    const char *why = "";
    struct bind b;
    struct sbuf out = {0};
    uint32_t status = bind_read(p, len, &b, &why);
    size_t begin;

    if (status)
        violation(s, n, "%s: %s", command_name(h->id), why);
    if (rule && rule->act == ACT_DROP_BEFORE) {
        session_end(n, END_CLOSE);
        return;
    }
    if (!status)
        status = rule_refuses(rule) ? rule->status : bind_status(s, n, &b);
    if (rule && rule->act == ACT_NACK) {
        s->counts.binds_refused++;
        nack(s, n, status, h->seq);
        return;
    }
    if (status) {
        s->counts.binds_refused++;
    } else {
        s->counts.binds++;
        n->tx = h->id != BIND_RECEIVER;
        n->rx = h->id != BIND_TRANSMITTER;
        (void)copy(n->system_id, sizeof n->system_id, b.system_id);
    }
    begin = pdu_begin(&out, h->id | RESPONSE, status, h->seq);
    if (!status || !s->conf.bare_errors) {
        pdu_text(&out, "hilo-sim-smsc");
        if (!status && s->conf.sc_version >= 0) {
            uint8_t version = (uint8_t)s->conf.sc_version;
            pdu_tlv(&out, TLV_SC_VERSION, &version, 1);
        }
    }
    pdu_end(&out, begin);
    answer(s, n, h->seq, out, NULL, rule);
    if (!status && s->conf.enquire_link_ms)
        due_add(s, s->now_us + s->conf.enquire_link_ms * 1000, DUE_LINK, n->id, NULL);
    deliveries_send(s);
}

/* ---- the rest ---- */

static void on_response(struct smsc *s, struct session *n, const struct head *h)
{
    const struct rule *rule = rule_for(s, h->id, "");

    if (rule && rule->act <= ACT_DROP_BEFORE && rule->act >= ACT_DROP) {
        session_end(n, rule->act == ACT_RESET ? END_RESET : END_CLOSE);
        return;
    }
    switch (h->id) {
    case RESPONSE | ENQUIRE_LINK:
        s->counts.enquire_link_answers++;
        n->asked = false;
        break;
    case RESPONSE | UNBIND:
        session_end(n, END_CLOSE);
        break;
    case RESPONSE | DELIVER_SM:
    case RESPONSE | DATA_SM:
    case GENERIC_NACK:
        delivery_answered(s, n, h->seq, h->id == GENERIC_NACK && !h->status ? ESME_RSYSERR : h->status);
        deliveries_send(s);
        break;
    default:
        violation(s, n, "%s, which nobody asked for", command_name(h->id));
    }
}

static void on_request(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
{
    const struct rule *rule;

    switch (h->id) {
    case BIND_RECEIVER:
    case BIND_TRANSMITTER:
    case BIND_TRANSCEIVER:
        on_bind(s, n, h, p, len);
        return;
    case SUBMIT_SM:
    case DATA_SM:
        on_submit(s, n, h, p, len);
        return;
    case QUERY_SM:
        on_query(s, n, h, p, len);
        return;
    case CANCEL_SM:
        on_cancel(s, n, h, p, len);
        return;
    case ENQUIRE_LINK:
        s->counts.enquire_links++;
        break;
    case UNBIND:
        s->counts.unbinds++;
        break;
    default:
        violation(s, n, "%s is no request for an SMSC", command_name(h->id));
        nack(s, n, ESME_RINVCMDID, h->seq);
        return;
    }
    if (len)
        violation(s, n, "%s with a body", command_name(h->id));
    rule = rule_for(s, h->id, "");
    if (rule && rule->act == ACT_DROP_BEFORE) {
        session_end(n, END_CLOSE);
        return;
    }
    if (rule && rule->act == ACT_NACK) {
        nack(s, n, rule->status, h->seq);
        return;
    }
    answer_bare(s, n, h->id | RESPONSE, rule_refuses(rule) ? rule->status : 0, h->seq, rule);
    if (h->id == UNBIND && !rule)
        session_end(n, END_CLOSE);
}

static void open_add(struct smsc *s, struct session *n, uint32_t seq)
{
    if (seq == 0 || seq > 0x7fffffff)
        violation(s, n, "a sequence_number of %#x", seq);
    for (size_t i = 0; i < n->n_open;) {
        if (n->open[i].seq == seq)
            violation(s, n, "sequence_number %u again, before it is answered", seq);
        if (s->conf.forget_ms && s->now_us - n->open[i].at_us >= s->conf.forget_ms * 1000)
            n->open[i] = n->open[--n->n_open];
        else
            i++;
    }
    if (n->n_open == n->cap_open) {
        n->cap_open = n->cap_open * 2 + 16;
        n->open = must(realloc(n->open, n->cap_open * sizeof *n->open));
    }
    n->open[n->n_open++] = (struct open){seq, s->now_us};
    if (n->n_open > n->window_max)
        n->window_max = n->n_open;
}

static void on_pdu(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
{
    if (!command_name(h->id)) {
        violation(s, n, "command_id %#x", h->id);
        nack(s, n, ESME_RINVCMDID, h->seq);
        return;
    }
    if (h->id & RESPONSE) {
        on_response(s, n, h);
        return;
    }
    if (h->status)
        violation(s, n, "%s with command_status %#x", command_name(h->id), h->status);
    open_add(s, n, h->seq);
    if (!n->tx && !n->rx && !is_bind(h->id) && h->id != ENQUIRE_LINK && h->id != UNBIND) {
        violation(s, n, "%s before it is bound", command_name(h->id));
        answer_bare(s, n, h->id | RESPONSE, ESME_RINVBNDSTS, h->seq, NULL);
        return;
    }
    on_request(s, n, h, p, len);
}

void smsc_input(struct smsc *s, struct session *n, const void *p, size_t len)
{
    size_t at = 0;
    struct head h;

    n->heard_us = s->now_us;
    sbuf_add(&n->in, p, len);
    while (n->end == END_NONE && n->in.n - at >= HEADER) {
        head_read(n->in.p + at, &h);
        if (h.length < HEADER || h.length > PDU_MAX) {
            violation(s, n, "command_length %u", h.length);
            nack(s, n, ESME_RINVCMDLEN, h.seq);
            session_end(n, END_CLOSE);
            break;
        }
        if (n->in.n - at < h.length)
            break;
        on_pdu(s, n, &h, n->in.p + at + HEADER, h.length - HEADER);
        at += h.length;
    }
    sbuf_drop(&n->in, at);
}

struct session *smsc_open(struct smsc *s, const char *peer)
{
    struct session *n = zeroed(sizeof *n), **last = &s->sessions;

    n->id = ++s->last_session;
    n->next_seq = (uint32_t)s->conf.seq_start;
    n->heard_us = s->now_us;
    n->fd = -1;
    (void)copy(n->peer, sizeof n->peer, peer);
    s->counts.connections++;
    while (*last)
        last = &(*last)->next;
    *last = n;
    return n;
}

static void session_free(struct session *n)
{
    free(n->in.p);
    free(n->out.p);
    free(n->open);
    free(n);
}

void smsc_closed(struct smsc *s, struct session *n)
{
    struct session **at = &s->sessions;

    session_end(n, END_CLOSE);
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    deliveries_back(s, n);
    session_free(n);
    deliveries_send(s);
}

static void link_check(struct smsc *s, struct session *n)
{
    int64_t idle_us = s->now_us - n->heard_us;

    if (!s->conf.enquire_link_ms)
        return;
    if (n->asked && idle_us >= s->conf.enquire_timeout_ms * 1000) {
        s->counts.links_lost++;
        session_end(n, END_CLOSE);
        return;
    }
    if (!n->asked && idle_us >= s->conf.enquire_link_ms * 1000) {
        n->asked = true;
        n->heard_us = s->now_us;
        session_request(n, ENQUIRE_LINK, "", 0);
    }
    due_add(s, n->heard_us + (n->asked ? s->conf.enquire_timeout_ms : s->conf.enquire_link_ms) * 1000,
            DUE_LINK, n->id, NULL);
}

int64_t smsc_tick(struct smsc *s)
{
    while (s->n_due && s->due[0].at_us <= s->now_us) {
        struct due d = due_take(s);
        struct session *n = d.what == DUE_DELIVERY ? NULL : session_find(s, d.session);
        if (d.what == DUE_DELIVERY)
            delivery_ready(s, d.p);
        else if (d.what == DUE_LINK && n)
            link_check(s, n);
        if (d.what == DUE_RESPONSE) {
            if (n)
                response_write(n, d.p);
            s->n_waiting--;
            response_free(d.p);
        }
    }
    deliveries_send(s);
    return s->n_due ? s->due[0].at_us : INT64_MAX;
}

void smsc_init(struct smsc *s)
{
    memset(s, 0, sizeof *s);
    s->conf.account[0] = (struct account){.system_id = "hilo", .password = "secret"};
    s->conf.n_accounts = 1;
    s->conf.enquire_timeout_ms = 5000;
    s->conf.deliver_window = 10;
    s->conf.retry_ms = 50;
    s->conf.id_start = 0x5a3f00;
    s->conf.seq_start = 1;
    s->conf.sc_version = 0x34;
    s->conf.bare_errors = true;
    s->conf.id = ID_DEC;
    s->conf.receipts = (struct receipts){
        .states = {"DELIVRD"}, .n_states = 1, .variant = "standard", .err = "000", .form = FORM_TEXT};
}

void smsc_done(struct smsc *s)
{
    while (s->sessions) {
        struct session *n = s->sessions;
        s->sessions = n->next;
        session_free(n);
    }
    while (s->n_due) {
        struct due d = due_take(s);
        if (d.what == DUE_RESPONSE)
            response_free(d.p);
    }
    while (s->held) {
        struct response *r = s->held;
        s->held = r->next;
        response_free(r);
    }
    for (size_t i = 0; i < s->n_submits; i++) {
        free(s->submits[i]->body.p);
        free(s->submits[i]);
    }
    for (size_t i = 0; i < s->n_deliveries; i++) {
        free(s->deliveries[i]->body.p);
        free(s->deliveries[i]);
    }
    for (size_t i = 0; i < s->n_rules; i++)
        free(s->rules[i].raw.p);
    free(s->rules);
    free(s->submits);
    free(s->deliveries);
    free(s->due);
    memset(s, 0, sizeof *s);
}
