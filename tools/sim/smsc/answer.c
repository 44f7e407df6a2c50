/* What a session is answered, when, and the faults that a request meets instead. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

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

struct due due_take(struct smsc *s)
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
        if (n->open[i].seq == seq) {
            n->open[i] = n->open[--n->n_open];
            return;
        }
}

void response_write(struct session *n, struct response *r)
{
    if (r->submit)
        r->submit->answered = true;
    send_bytes(n, &r->bytes);
    close_open(n, r->to);
    if (r->end != END_NONE)
        session_end(n, r->end);
}

void response_free(struct response *r)
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
            response_write(n, r);
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
void answer(struct smsc *s, struct session *n, uint32_t seq, struct sbuf bytes, struct submit *m,
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
        response_write(n, r);
        response_free(r);
    }
}

void answer_bare(struct smsc *s, struct session *n, uint32_t id, uint32_t status, uint32_t seq,
                 const struct rule *rule)
{
    struct sbuf b = {0};

    pdu_begin(&b, id, status, seq);
    answer(s, n, seq, b, NULL, rule);
}

void nack(struct smsc *s, struct session *n, uint32_t status, uint32_t seq)
{
    s->counts.nacks++;
    answer_bare(s, n, GENERIC_NACK, status, seq, NULL);
}

void session_request(struct session *n, uint32_t command, const void *body, size_t len)
{
    struct sbuf b = {0};
    size_t begin = pdu_begin(&b, command, 0, n->next_seq);

    n->next_seq = n->next_seq == 0x7fffffff ? 1 : n->next_seq + 1;
    sbuf_add(&b, body, len);
    pdu_end(&b, begin);
    send_bytes(n, &b);
    free(b.p);
}

/* ---- faults ---- */

bool is_bind(uint32_t command)
{
    return command == BIND_RECEIVER || command == BIND_TRANSMITTER || command == BIND_TRANSCEIVER;
}

/* The rule that this request meets, if any; it counts. */
const struct rule *rule_for(struct smsc *s, uint32_t command, const char *to)
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

bool rule_refuses(const struct rule *rule)
{
    return rule && (rule->act == ACT_STATUS || rule->act == ACT_NACK);
}
