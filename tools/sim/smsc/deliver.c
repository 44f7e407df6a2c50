/* What goes to the client: deliver_sm and data_sm, each until it is answered, by whatever session may
 * receive. */
#include "smsc.h"

#include <stdlib.h>
#include <string.h>

struct delivery *delivery_new(struct smsc *s, uint32_t command, const char *system_id, const struct sm *m)
{
    struct delivery *d = zeroed(sizeof *d);

    d->seq = s->n_deliveries + 1;
    d->command = command;
    d->at_us = s->now_us;
    (void)copy(d->system_id, sizeof d->system_id, system_id);
    sm_write(&d->body, command, m);
    if (s->n_deliveries == s->cap_deliveries) {
        s->cap_deliveries = s->cap_deliveries * 2 + 64;
        s->deliveries = must(realloc(s->deliveries, s->cap_deliveries * sizeof(void *)));
    }
    s->deliveries[s->n_deliveries++] = d;
    return d;
}

void delivery_plan(struct smsc *s, struct delivery *d, int64_t after_us)
{
    d->state = D_PLANNED;
    s->n_planned++;
    if (after_us > 0)
        due_add(s, s->now_us + after_us, DUE_DELIVERY, 0, d);
    else
        delivery_ready(s, d);
}

void delivery_ready(struct smsc *s, struct delivery *d)
{
    s->n_planned--;
    d->state = D_READY;
    d->prev = s->last;
    d->next = NULL;
    *(s->last ? &s->last->next : &s->first) = d;
    s->last = d;
    s->n_active++;
    s->n_ready++;
}

static void unlink_active(struct smsc *s, struct delivery *d)
{
    *(d->prev ? &d->prev->next : &s->first) = d->next;
    *(d->next ? &d->next->prev : &s->last) = d->prev;
    s->n_active--;
}

/* The session with the fewest on their way. */
static struct session *session_for(struct smsc *s, const struct delivery *d)
{
    struct session *best = NULL;

    for (struct session *n = s->sessions; n; n = n->next)
        if (n->rx && n->end == END_NONE && (!d || !strcmp(n->system_id, d->system_id)) &&
            (int64_t)n->deliveries < s->conf.deliver_window && (!best || n->deliveries < best->deliveries))
            best = n;
    return best;
}

void deliveries_send(struct smsc *s)
{
    struct session *n;

    if (!s->n_ready || !session_for(s, NULL))
        return;
    for (struct delivery *d = s->first; d; d = d->next) {
        if (d->state != D_READY)
            continue;
        n = session_for(s, d);
        if (!n)
            continue;
        d->state = D_SENT;
        s->n_ready--;
        d->session = n->id;
        d->sequence = n->next_seq;
        d->attempts++;
        n->deliveries++;
        s->counts.delivered++;
        session_request(n, d->command, d->body.p, d->body.n);
    }
}

static bool for_now(uint32_t status)
{
    return status == ESME_RMSGQFUL || status == ESME_RTHROTTLED || status == ESME_RX_T_APPN ||
           status == ESME_RSYSERR;
}

void delivery_answered(struct smsc *s, struct session *n, uint32_t sequence, uint32_t status)
{
    struct delivery *d = s->first;

    while (d && (d->state != D_SENT || d->session != n->id || d->sequence != sequence))
        d = d->next;
    if (!d) {
        violation(s, n, "a response to sequence_number %u, which is not open", sequence);
        return;
    }
    unlink_active(s, d);
    n->deliveries--;
    d->status = status;
    if (for_now(status)) {
        delivery_plan(s, d, s->conf.retry_ms * 1000);
        return;
    }
    d->state = status ? D_REFUSED : D_ACKED;
    d->acked_us = s->now_us;
    if (status) {
        s->counts.refused_deliveries++;
    } else {
        s->counts.acked++;
        if (d->about)
            d->about->receipts_acked++;
    }
}

void deliveries_back(struct smsc *s, const struct session *n)
{
    for (struct delivery *d = s->first; d; d = d->next)
        if (d->state == D_SENT && d->session == n->id) {
            d->state = D_READY;
            d->lost++;
            s->n_ready++;
        }
}
