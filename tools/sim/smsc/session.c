/* Sessions: PDUs in, answers out, and the faults between. */
#include "smsc.h"

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

static void send_bytes(struct session *n, const struct sbuf *b)
{
    if (n->end == END_NONE)
        sbuf_add(&n->out, b->p, b->n);
}

/* ---- what is due ---- */

static bool earlier(const struct due *a, const struct due *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

void due_add(struct smsc *s, int64_t at_us, int what, uint64_t session, void *p)
{
    size_t i = s->n_due++;

    if (s->n_due > s->cap_due) {
        s->cap_due = s->n_due * 2;
        s->due = must(realloc(s->due, s->cap_due * sizeof *s->due));
    }
    s->due[i].at_us = at_us;
    s->due[i].order = s->order++;
    s->due[i].what = what;
    s->due[i].session = session;
    s->due[i].p = p;
    while (i && earlier(&s->due[i], &s->due[(i - 1) / 2])) {
        struct due swap = s->due[i];
        s->due[i] = s->due[(i - 1) / 2];
        s->due[(i - 1) / 2] = swap;
        i = (i - 1) / 2;
    }
}

static struct due due_take(struct smsc *s)
{
    struct due first = s->due[0];

    s->due[0] = s->due[--s->n_due];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->n_due; child++)
            if (earlier(&s->due[child], &s->due[least]))
                least = child;
        if (least == i)
            break;
        struct due swap = s->due[i];
        s->due[i] = s->due[least];
        s->due[least] = swap;
        i = least;
    }
    return first;
}

/* ---- answering ---- */

static void close_open(struct session *n, uint32_t seq)
{
    for (size_t i = 0; i < n->n_open; i++)
        if (n->open[i] == seq) {
            n->open[i] = n->open[--n->n_open];
            return;
        }
}

static void answer_now(struct smsc *s, struct session *n, struct response *r)
{
    if (r->submit)
        r->submit->answered = true;
    send_bytes(n, &r->bytes);
    close_open(n, r->to);
    if (r->end != END_NONE)
        session_end(n, r->end);
    (void)s;
}

static void response_free(struct response *r)
{
    free(r->bytes.p);
    free(r);
}

void responses_release(struct smsc *s)
{
    struct response *r = s->held;

    s->held = NULL;
    while (r) {
        struct response *next = r->next;
        struct session *n = session_find(s, r->session);
        if (n)
            answer_now(s, n, r);
        s->n_waiting--;
        response_free(r);
        r = next;
    }
}

/* Another sequence, or another length, in the PDU that bytes are. */
static void set_u32(struct sbuf *b, size_t at, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        b->p[at + i] = (uint8_t)(v >> (24 - 8 * i));
}

/* The answer to a request, as the rule has it. bytes is taken over. */
static void answer(struct smsc *s, struct session *n, uint32_t seq, struct sbuf bytes, struct submit *m,
                   const struct rule *rule)
{
    struct response *r = zeroed(sizeof *r);
    int64_t after_ms = m ? s->conf.response_ms : 0;
    bool hold = false;

    *r = (struct response){.session = n->id, .to = seq, .bytes = bytes, .submit = m};
    switch (rule ? rule->act : ACT_STATUS) {
    case ACT_DROP:
        session_end(n, END_CLOSE);
        break;
    case ACT_RESET:
        session_end(n, END_RESET);
        break;
    case ACT_SILENT:
        response_free(r);
        return;
    case ACT_DROP_AFTER:
        r->end = END_CLOSE;
        break;
    case ACT_DELAY:
        after_ms = rule->ms;
        break;
    case ACT_HOLD:
        hold = true;
        break;
    case ACT_GARBAGE:
        r->bytes.n = 0;
        for (int i = 0; i < 64; i++)
            pdu_u8(&r->bytes, 0xff);
        break;
    case ACT_OVERLONG:
        set_u32(&r->bytes, 0, 0x7fffffff);
        break;
    case ACT_SHORT:
        set_u32(&r->bytes, 0, 8);
        break;
    case ACT_NO_ID:
        r->bytes.n = HEADER;
        set_u32(&r->bytes, 0, HEADER);
        break;
    case ACT_WRONG_SEQ:
        set_u32(&r->bytes, 12, (seq + 1000) & 0x7fffffff);
        break;
    case ACT_TWICE: {
        size_t once = r->bytes.n;
        uint8_t *same = must(malloc(once));
        memcpy(same, r->bytes.p, once);
        sbuf_add(&r->bytes, same, once);
        free(same);
        break;
    }
    case ACT_RAW:
        send_bytes(n, &rule->raw);
        break;
    case ACT_SPLIT:
        n->split = true;
        break;
    case ACT_STATUS:
    case ACT_NACK:
    case ACT_DROP_BEFORE:
        break;
    }
    if (n->end != END_NONE) {
        response_free(r);
    } else if (hold) {
        struct response **last = &s->held;
        while (*last)
            last = &(*last)->next;
        *last = r;
        s->n_waiting++;
    } else if (after_ms > 0) {
        s->n_waiting++;
        due_add(s, s->now_us + after_ms * 1000, DUE_RESPONSE, n->id, r);
    } else {
        answer_now(s, n, r);
        response_free(r);
    }
}

static struct sbuf header_only(uint32_t id, uint32_t status, uint32_t seq)
{
    struct sbuf b = {0};

    pdu_begin(&b, id, status, seq);
    return b;
}

static void nack(struct smsc *s, struct session *n, uint32_t status, uint32_t seq)
{
    s->counts.nacks++;
    answer(s, n, seq, header_only(GENERIC_NACK, status, seq), NULL, NULL);
}

void session_request(struct smsc *s, struct session *n, uint32_t command, const void *body, size_t len)
{
    struct sbuf b = {0};
    size_t begin = pdu_begin(&b, command, 0, n->next_seq);

    n->next_seq = n->next_seq == 0x7fffffff ? 1 : n->next_seq + 1;
    sbuf_add(&b, body, len);
    pdu_end(&b, begin);
    send_bytes(n, &b);
    free(b.p);
    (void)s;
}

/* ---- faults ---- */

static bool is_bind(uint32_t command)
{
    return command == BIND_RECEIVER || command == BIND_TRANSMITTER || command == BIND_TRANSCEIVER;
}

/* The rule that this request meets, if any; it counts. */
static const struct rule *rule_for(struct smsc *s, uint32_t command, const char *to)
{
    for (size_t i = 0; i < s->n_rules; i++) {
        struct rule *r = &s->rules[i];
        if ((r->on ? r->on != command : !is_bind(command)) || r->count == 0 ||
            (r->to[0] && strcmp(r->to, to)))
            continue;
        if (r->skip > 0) {
            r->skip--;
            continue;
        }
        if (r->count > 0)
            r->count--;
        return r;
    }
    return NULL;
}

static bool refuses(const struct rule *rule)
{
    return rule && (rule->act == ACT_STATUS || rule->act == ACT_NACK);
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
        status = refuses(rule) ? rule->status : bind_status(s, n, &b);
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

/* ---- messages ---- */

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
    if (refuses(rule))
        return rule->status;
    if (!m->dest[0])
        return ESME_RINVDSTADR;
    if (s->conf.require_npi && m->dest_npi == 0)
        return ESME_RINVDSTNPI;
    return throttled(s) ? ESME_RTHROTTLED : 0;
}

static void on_submit(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
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

static void on_query(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
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

static void on_cancel(struct smsc *s, struct session *n, const struct head *h, const uint8_t *p, size_t len)
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
    answer(s, n, h->seq, header_only(h->id | RESPONSE, status, h->seq), NULL, rule_for(s, h->id, ""));
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
    answer(s, n, h->seq, header_only(h->id | RESPONSE, refuses(rule) ? rule->status : 0, h->seq), NULL, rule);
    if (h->id == UNBIND && !rule)
        session_end(n, END_CLOSE);
}

static void open_add(struct smsc *s, struct session *n, uint32_t seq)
{
    if (seq == 0 || seq > 0x7fffffff)
        violation(s, n, "a sequence_number of %#x", seq);
    for (size_t i = 0; i < n->n_open; i++)
        if (n->open[i] == seq)
            violation(s, n, "sequence_number %u again, before it is answered", seq);
    if (n->n_open == n->cap_open) {
        n->cap_open = n->cap_open * 2 + 16;
        n->open = must(realloc(n->open, n->cap_open * sizeof *n->open));
    }
    n->open[n->n_open++] = seq;
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
        answer(s, n, h->seq, header_only(h->id | RESPONSE, ESME_RINVBNDSTS, h->seq), NULL, NULL);
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
        session_request(s, n, ENQUIRE_LINK, "", 0);
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
                answer_now(s, n, d.p);
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
    s->conf.id_start = 0x5a3f0000;
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
