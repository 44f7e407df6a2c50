/*
 * Messages on their way out: the queue, the submits, and the one report of each.
 *
 * A message of one segment is counts alone: it costs no memory but its place, and is
 * written straight from the core's bytes if a bind has room. One of several is copied, as what
 * the SMSC could not take for now of it is sent again from here: the core knows only
 * the whole, and would send what was taken twice.
 *
 * Invariants: fresh + out + taken + those refused or in doubt = n. A message is in the
 * queue exactly while it has fresh segments, and is reported exactly once, when it has
 * none fresh and none out.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "smpp.h"
#include "status.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAUSE_MIN_US = 1000000, PAUSE_MAX_US = 60000000 };

/* ---- the pool --------------------------------------------------------------------------------- */

static struct smpp_msg *msg_new(struct smpp *s, struct hilo_id id)
{
    struct smpp_msg *m = s->pool;

    if (m)
        s->pool = m->next;
    else
        m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->next = NULL;
    m->at = NULL;
    m->id = id;
    m->out = m->taken = 0;
    m->status = 0;
    s->taken++;
    return m;
}

static void queue_put(struct smpp *s, struct smpp_msg *m)
{
    if (m->at)
        return;
    m->next = NULL;
    m->at = s->tail;
    *s->tail = m;
    s->tail = &m->next;
}

/* Before all others: its neighbours have left already. */
static void queue_put_first(struct smpp *s, struct smpp_msg *m)
{
    if (m->at)
        return;
    m->next = s->head;
    m->at = &s->head;
    if (m->next)
        m->next->at = &m->next;
    else
        s->tail = &m->next;
    s->head = m;
}

static void queue_take(struct smpp *s, struct smpp_msg *m)
{
    if (!m->at)
        return;
    *m->at = m->next;
    if (m->next)
        m->next->at = m->at;
    else
        s->tail = m->at;
    m->at = NULL;
    m->next = NULL;
}

static void msg_free(struct smpp *s, struct smpp_msg *m)
{
    queue_take(s, m);
    m->message_n = 0;
    m->next = s->pool;
    s->pool = m;
    s->taken--;
}

static bool msg_keep(struct smpp_msg *m, struct hilo_str message)
{
    char *p;

    if (m->message_n)
        return true;
    if (m->message_cap < message.n) {
        p = realloc(m->message, (size_t)message.n);
        if (!p)
            return false;
        m->message = p;
        m->message_cap = (size_t)message.n;
    }
    memcpy(m->message, message.p, (size_t)message.n);
    m->message_n = (size_t)message.n;
    return true;
}

/* Its segments; kept are the parts of a message before, for one of as many. */
static bool msg_parts(struct smpp *s, struct smpp_msg *m, unsigned n)
{
    struct smpp_part *p;

    m->n = m->fresh = (uint16_t)n;
    if (n == 1)
        return true;
    m->reference = ++s->reference;
    if (m->cap < n) {
        p = realloc(m->part, n * sizeof *p);
        if (!p)
            return false;
        m->part = p;
        m->cap = (uint16_t)n;
    }
    memset(m->part, 0, n * sizeof *m->part);
    return true;
}

/* ---- reports -------------------------------------------------------------------------------------- */

static void msg_report(struct smpp *s, struct smpp_msg *m, struct hilo_report *r)
{
    r->size = sizeof *r;
    r->id = m->id;
    s->sms->host.report(s->sms->self, r);
    msg_free(s, m);
}

static void msg_fail(struct smpp *s, struct smpp_msg *m, int32_t code, const char *reason, const char *words)
{
    struct hilo_report r = {.code = code, .reason = sms_str(reason), .detail = sms_str(words)};

    msg_report(s, m, &r);
}

/* The SMSC's refusal, in a report. */
static void report_refusal(const struct smpp *s, uint32_t status, char code[24], struct hilo_report *r)
{
    const struct sms_status *st = sms_status(status);

    r->code = st->message == HILO_DOWN ? HILO_AGAIN : st->message;
    r->reason = sms_str(st->reason);
    r->detail = sms_str(st->text);
    (void)snprintf(code, 24, "0x%02x", status);
    r->provider_code = sms_str(code);
    if (st->message == HILO_AGAIN) {
        r->scope = HILO_SCOPE_CHANNEL;
        r->retry_after_us = s->pause_us;
    }
}

/* Of a message of several segments, none of which is fresh or out any more. */
static void msg_settle_parts(struct smpp *s, struct smpp_msg *m)
{
    struct hilo_str id[HILO_PARTS_MAX];
    struct hilo_report r = {.code = HILO_OK};
    unsigned doubt = 0, i;
    char code[24];

    for (i = 0; i < m->n; i++) {
        id[i] = (struct hilo_str){m->part[i].id, m->part[i].id_n};
        doubt += m->part[i].state == SMPP_DOUBT;
    }
    if (m->taken < m->n) {
        if (m->status)
            report_refusal(s, m->status, code, &r);
        if (doubt) {
            r.code = HILO_IN_DOUBT;
            r.scope = HILO_SCOPE_MESSAGE;
            r.retry_after_us = 0;
            if (!m->status) {
                r.reason = sms_str("no_answer");
                r.detail = sms_str("some of its segments left and had no answer; receipts may tell");
            }
        } else if (m->taken) {
            r.code = HILO_PERM; /* trying again would send what was taken a second time */
        }
    }
    if (r.code == HILO_OK || doubt || m->taken) {
        r.ext_id = id[0];
        r.more_ext_ids = id + 1;
        r.n_more_ext_ids = m->n - 1u;
    }
    msg_report(s, m, &r);
}

static void msg_settle(struct smpp *s, struct smpp_msg *m)
{
    if (m->fresh || m->out)
        return;
    if (m->n > 1)
        msg_settle_parts(s, m);
}

/* ---- what is in doubt ------------------------------------------------------------------------------------
 */

/* Digits only: the SMSC may write a plus sign that we did not, and the other way round. */
static uint64_t doubt_to(struct hilo_str number)
{
    uint64_t h = 0xcbf29ce484222325u, i;

    for (i = 0; i < number.n; i++)
        if (number.p[i] >= '0' && number.p[i] <= '9')
            h = (h ^ (uint8_t)number.p[i]) * 0x100000001b3u;
    return h;
}

static void doubt_put(struct smpp *s, const struct sms_slot *slot, struct hilo_id id)
{
    if (!slot->user_reference)
        return;
    if (!s->doubt)
        s->doubt = calloc(SMPP_DOUBTS, sizeof *s->doubt);
    if (s->doubt) /* else receipts resolve it by its id, or nothing does */
        s->doubt[s->doubt_next++ & (SMPP_DOUBTS - 1)] = (struct smpp_doubt){
            .id = id, .to = slot->to, .user_reference = slot->user_reference, .used = true};
}

bool smpp_doubt_find(struct smpp *s, struct hilo_str to, uint16_t user_reference, struct hilo_id *id_out)
{
    uint64_t hash = doubt_to(to);
    uint32_t i;

    for (i = 1; s->doubt && i <= SMPP_DOUBTS; i++) { /* the newest first: references come round */
        struct smpp_doubt *d = &s->doubt[(s->doubt_next - i) & (SMPP_DOUBTS - 1)];

        if (d->used && d->user_reference == user_reference && d->to == hash) {
            d->used = false;
            *id_out = d->id;
            return true;
        }
    }
    return false;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

/* The bind that is to send next: in turn among those with room. */
static struct smpp_bind *out_bind(struct smpp *s)
{
    unsigned i;

    for (i = 0; i < s->n_binds; i++) {
        struct smpp_bind *b = s->bind[(s->turn + i) % s->n_binds];

        if (smpp_bind_sends(b) && sms_window_room(&b->window)) {
            s->turn = (s->turn + i + 1) % s->n_binds;
            return b;
        }
    }
    return NULL;
}

static bool part_is_fresh(const struct smpp_msg *m, unsigned i)
{
    return m->n == 1 || m->part[i].state == SMPP_NEW;
}

/* One submit. HILO_OK; HILO_NOMEM: not now; else it can't be written. */
static int32_t out_write(struct smpp_bind *b, struct smpp_msg *m, const struct smpp_plan *plan,
                         unsigned index, struct hilo_str part)
{
    struct sms_out out = {.cap = smpp_plan_room(plan)};
    struct sms_slot *slot;
    int32_t code;

    out.p = sms_conn_room(b->conn, out.cap);
    if (!out.p)
        return HILO_NOMEM;
    slot = sms_window_take(&b->window);
    if (b->smpp->sms->conf.user_reference) {
        b->smpp->user_reference = (uint16_t)(b->smpp->user_reference % UINT16_MAX + 1); /* never 0 */
        slot->user_reference = b->smpp->user_reference;
        slot->to = doubt_to(plan->pdu.destination_addr);
    }
    code = smpp_plan_put(plan, index, part, m->reference, slot, &out);
    if (code != HILO_OK) {
        sms_window_free(&b->window, slot);
        return code;
    }
    slot->msg = m;
    slot->segment = (uint16_t)index;
    sms_conn_put(b->conn, out.n);
    smpp_bind_submitted(b, slot);
    if (m->n > 1)
        m->part[index].state = SMPP_OUT;
    m->fresh--;
    m->out++;
    return HILO_OK;
}

/* Writes what is fresh of it, as far as there is room. HILO_OK: perhaps not all. */
static int32_t out_advance(struct smpp *s, struct smpp_msg *m, const struct smpp_plan *plan)
{
    struct hilo_str rest = plan->text, part = {NULL, 0};
    struct smpp_bind *b;
    int32_t code = HILO_OK;
    unsigned i;

    for (i = 0; i < m->n && m->fresh && code == HILO_OK; i++) {
        if (plan->n == 1) /* a payload too */
            part = rest;
        else
            (void)hilo_segment_next(&plan->cut, &rest, &part);
        if (!part_is_fresh(m, i))
            continue;
        b = out_bind(s);
        code = b ? out_write(b, m, plan, i, part) : HILO_NOMEM;
    }
    return code == HILO_NOMEM ? HILO_OK : code;
}

/* It can't be written, whoever tries: of some that left, this is news for the sender too. */
static void out_unwritable(struct smpp *s, struct smpp_msg *m)
{
    unsigned i;

    if (m->out || m->taken) {
        for (i = 0; i < m->n; i++)
            if (m->part[i].state == SMPP_NEW)
                m->part[i].state = SMPP_REFUSED;
        m->fresh = 0;
        m->status = SMS_RINVMSGLEN;
        queue_take(s, m);
        msg_settle(s, m);
        return;
    }
    msg_fail(s, m, HILO_PERM, "invalid_content", "a field of the submit_sm would be too long");
}

void smpp_pump(struct smpp *s)
{
    const char *reason, *why;
    struct smpp_plan plan;
    struct smpp_msg *m;

    while ((m = s->head) && !s->paused_until) {
        struct hilo_str message = {m->message, m->message_n};
        uint16_t before = m->fresh;

        if (smpp_plan(s, message, &plan, &reason, &why) != HILO_OK || plan.n != m->n) {
            out_unwritable(s, m); /* the options have changed since it was taken */
            continue;
        }
        if (out_advance(s, m, &plan) != HILO_OK) {
            out_unwritable(s, m);
            continue;
        }
        if (m->fresh == 0)
            queue_take(s, m);
        else if (m->fresh == before)
            break;
    }
}

int32_t smpp_send(void *driver, struct hilo_id id, struct hilo_str message)
{
    struct smpp *s = driver;
    const char *reason, *why;
    struct smpp_plan plan;
    struct smpp_msg *m;

    if (s->draining)
        return HILO_AGAIN;
    if (!smpp_up(s)) {
        smpp_try_again(s); /* an operator has resumed it, perhaps */
        return HILO_DOWN;
    }
    m = msg_new(s, id);
    if (!m)
        return HILO_TEMP;
    if (smpp_plan(s, message, &plan, &reason, &why) != HILO_OK) {
        msg_fail(s, m, HILO_PERM, reason, why);
        return HILO_OK;
    }
    if (!msg_parts(s, m, plan.n) || (plan.n > 1 && !msg_keep(m, message))) {
        msg_fail(s, m, HILO_TEMP, "no_memory", "no memory for the message");
        return HILO_OK;
    }
    if (!s->head && !s->paused_until && out_advance(s, m, &plan) != HILO_OK) {
        out_unwritable(s, m);
        return HILO_OK;
    }
    if (m->fresh) {
        if (msg_keep(m, message))
            queue_put(s, m);
        else
            msg_fail(s, m, HILO_TEMP, "no_memory", "no memory for the message");
    }
    return HILO_OK;
}

void smpp_revoke(void *driver, struct hilo_id id)
{
    struct smpp *s = driver;
    struct smpp_msg *m;

    for (m = s->head; m; m = m->next) {
        if (m->fresh == m->n && memcmp(&m->id, &id, sizeof id) == 0) {
            msg_fail(s, m, HILO_AGAIN, "revoked", "taken back before it left");
            return;
        }
    }
}

/* ---- answers --------------------------------------------------------------------------------------------
 */

/* It is too much for the SMSC: nothing is sent for a while, longer each time. What was out when it
 * said so for the first time says the same. */
static void out_pause(struct smpp *s)
{
    int64_t now = sms_now(&s->react);

    if (s->paused_until > now)
        return;
    s->pause_us = s->pause_us ? 2 * s->pause_us : PAUSE_MIN_US;
    if (s->pause_us > PAUSE_MAX_US)
        s->pause_us = PAUSE_MAX_US;
    s->paused_until = now + s->pause_us;
    if (sms_timer_at(&s->react, &s->pause, s->paused_until) != HILO_OK)
        s->paused_until = 0;
}

static void answered_one(struct smpp *s, struct smpp_msg *m, uint32_t status, struct hilo_str message_id)
{
    struct hilo_report r = {.code = HILO_OK, .ext_id = message_id};
    char code[24];

    m->out--;
    if (status != SMS_ROK)
        report_refusal(s, status, code, &r);
    msg_report(s, m, &r);
}

/* One of several: what was refused for now is tried again from here, if any of the others has left
 * or was taken; if not, all of it goes back to the core, which counts. */
static void answered_part(struct smpp *s, struct smpp_msg *m, unsigned index, uint32_t status,
                          struct hilo_str message_id)
{
    struct smpp_part *p = &m->part[index];
    int32_t means = sms_status(status)->message;

    m->out--;
    if (status == SMS_ROK) {
        p->state = SMPP_TAKEN;
        p->id_n = (uint8_t)(message_id.n < SMPP_ID_MAX ? message_id.n : SMPP_ID_MAX);
        memcpy(p->id, message_id.p, p->id_n);
        m->taken++;
    } else if (means != HILO_PERM && (m->taken || m->out) && ++p->tries < SMPP_TRIES_MAX && !s->draining) {
        p->state = SMPP_NEW;
        m->fresh++;
        if (means != HILO_AGAIN) /* a pause for whatever ails the SMSC, not to ask it again at once */
            out_pause(s);
        queue_put_first(s, m);
        return;
    } else {
        unsigned i;

        p->state = SMPP_REFUSED;
        m->status = status;
        for (i = 0; i < m->n; i++) { /* without this one the others are of no use */
            if (m->part[i].state == SMPP_NEW) {
                m->part[i].state = SMPP_REFUSED;
                m->fresh--;
            }
        }
        queue_take(s, m);
    }
    msg_settle(s, m);
}

void smpp_answered(struct smpp_bind *b, struct sms_slot *slot, uint32_t status, struct hilo_str message_id)
{
    struct smpp_msg *m = slot->msg;
    struct hilo_id id = slot->id;
    unsigned index = slot->segment;
    struct smpp *s = b->smpp;
    bool late = slot->place == SMS_PLACE_LATE;

    sms_window_free(&b->window, slot);
    if (late) {
        smpp_late(s, id, status, message_id);
        return;
    }
    if (status == SMS_ROK) {
        if (!s->paused_until)
            s->pause_us = 0;
    } else if (sms_status(status)->message == HILO_AGAIN) {
        out_pause(s);
    }
    if (m->n == 1)
        answered_one(s, m, status, message_id);
    else
        answered_part(s, m, index, status, message_id);
    if (sms_status(status)->message == HILO_DOWN) /* this bind is none to the SMSC, whatever we think */
        smpp_bind_renew(b, sms_status(status)->text);
}

static void doubt(struct smpp *s, struct smpp_msg *m, unsigned index, const char *reason, const char *words)
{
    m->out--;
    if (m->n == 1) {
        msg_fail(s, m, HILO_IN_DOUBT, reason, words);
        return;
    }
    m->part[index].state = SMPP_DOUBT;
    msg_settle(s, m);
}

void smpp_unanswered(struct smpp_bind *b, struct sms_slot *slot)
{
    struct smpp_msg *m = slot->msg;

    doubt_put(b->smpp, slot, m->id);
    sms_window_late(&b->window, slot, m->id);
    doubt(b->smpp, m, slot->segment, "no_answer", "it left and no answer came in time; a receipt may tell");
}

/* One that the SMSC can't have got whole. */
static void not_left(struct smpp *s, struct smpp_msg *m, unsigned index)
{
    m->out--;
    if (m->n == 1) {
        msg_fail(s, m, HILO_AGAIN, "link_lost", "the connection broke before it left");
        return;
    }
    m->part[index].state = SMPP_NEW;
    m->fresh++;
    queue_put_first(s, m);
}

void smpp_lost(struct smpp_bind *b)
{
    uint64_t sent = sms_conn_sent_total(b->conn);
    struct sms_slot *slot;

    while ((slot = sms_window_oldest(&b->window))) {
        struct smpp_msg *m = slot->msg;
        unsigned index = slot->segment;
        bool left = slot->end <= sent;

        if (left)
            doubt_put(b->smpp, slot, m->id);
        sms_window_free(&b->window, slot);
        if (left)
            doubt(b->smpp, m, index, "link_lost",
                  "the connection broke before the answer came; a receipt may tell");
        else
            not_left(b->smpp, m, index);
    }
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------ */

void smpp_give_back(struct smpp *s, int32_t code, const char *reason, const char *words)
{
    struct smpp_msg *m, *next;

    for (m = s->head; m; m = next) {
        next = m->next;
        if (m->fresh == m->n)
            msg_fail(s, m, code, reason, words);
    }
}

/* What is left of the queue has left in part. */
void smpp_out_end(struct smpp *s)
{
    struct smpp_msg *m;
    unsigned i;

    smpp_give_back(s, HILO_AGAIN, "closed", "the channel was closed; it was not sent");
    while ((m = s->head)) {
        queue_take(s, m);
        for (i = 0; i < m->n; i++)
            if (m->part[i].state == SMPP_NEW)
                m->part[i].state = SMPP_DOUBT;
        m->fresh = 0;
        msg_settle(s, m);
    }
}

void smpp_out_done(struct smpp *s)
{
    struct smpp_msg *m;

    free(s->doubt);
    while ((m = s->pool)) {
        s->pool = m->next;
        free(m->part);
        free(m->message);
        free(m);
    }
}
