/*
 * Sending the queue: in order, several on their way at a time, each off the disk when it is answered.
 *
 * Order over a refusal: when one is answered "later" nothing more is sent; once all that is on its way
 * is answered (the gateway refuses what is behind), it begins from the front again. A connection that ends
 * does the same. What had taken effect is recognised by the gateway, by its id.
 */
#include "handle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OUTBOX_LATE_MS = 120000, /* without an answer on a line that lives: begin a new one */
    OUTBOX_HOLD_MS = 1000,
    OUTBOX_DISK_MS = 5000,
    RPC_TRY_LATER = -32000
};

void till_outbox_count(struct hilotill *t)
{
    uint32_t waiting, refused;
    struct hilotill_error e;

    if (till_store_count(t->store, &waiting, &refused, &e) != HILOTILL_OK) {
        till_reason(t, e.text);
        return;
    }
    if (waiting != t->waiting || refused != t->refused)
        t->changed = true;
    t->waiting = waiting;
    t->refused = refused;
}

/* Nothing more is sent until then. */
static void outbox__hold(struct hilotill *t, int64_t ms)
{
    int64_t until = till_now(t) + ms;

    if (until > t->hold_until)
        t->hold_until = until;
}

static bool outbox__disk(struct hilotill *t, int rc, const struct hilotill_error *e)
{
    if (rc == HILOTILL_OK) {
        if (t->disk_bad)
            till_reason(t, "");
        t->disk_bad = false;
        return true;
    }
    t->disk_bad = true;
    till_reason(t, e->text);
    outbox__hold(t, OUTBOX_DISK_MS);
    return false;
}

/* "=ID/member" that is not filled in: an earlier one's result is not there (yet). */
static bool outbox__refers(const char *params)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx/";
    size_t i;

    while ((params = strstr(params, "\"="))) {
        params += 2;
        for (i = 0; form[i]; i++)
            if (form[i] == 'x' ? !strchr("0123456789abcdef", params[i] ? params[i] : ' ')
                               : params[i] != form[i])
                break;
        if (!form[i])
            return true;
    }
    return false;
}

static void outbox__refuse(struct hilotill *t, const char *id, const char *method, int code, const char *why)
{
    struct hilotill_error e;

    if (!outbox__disk(t, till_store_refused(t->store, id, code, why, &e), &e))
        return;
    till_outbox_count(t);
    till_answer_local(t, id, method, true, code, why);
}

/* More may be sent, as far as the answers of what was are concerned. */
static bool outbox__open(const struct hilotill *t)
{
    size_t i;

    for (i = 0; i < t->n_flight; i++)
        if (t->flight[i].again)
            return false;
    return t->waiting > t->n_flight && t->n_flight < t->window;
}

int64_t till_outbox_due(const struct hilotill *t)
{
    size_t i;
    int64_t due = outbox__open(t) && t->hold_until ? t->hold_until : INT64_MAX;

    for (i = 0; i < t->n_flight; i++)
        due = t->flight[i].until < due ? t->flight[i].until : due;
    return due;
}

void till_outbox_pump(struct hilotill *t)
{
    struct till_head head = {0};
    struct hilotill_error e;
    int64_t now = till_now(t);
    int rc;

    while (t->state == HILOTILL_ONLINE && !t->drop && outbox__open(t) && now >= t->hold_until &&
           till_line_out(t->line)->n < 4 * TILL_FRAME_MAX) {
        t->hold_until = 0;
        rc = till_store_next(t->store, t->sent_seq, &head, &e);
        if (rc == HILOTILL_EARG)
            break;
        if (!outbox__disk(t, rc, &e))
            break;
        if (outbox__refers(head.params)) {
            if (t->n_flight == 0)
                outbox__refuse(t, head.id, head.method, HILOTILL_EREFUSED,
                               TILL_SAY(t->spanish, "what this belongs to was refused, so it was not sent",
                                        "aquello a lo que pertenece fue rechazado, así que no se envió"));
            till_head_done(&head);
            if (t->n_flight || t->hold_until)
                break;
            continue;
        }
        snprintf(t->flight[t->n_flight].id, HILOTILL_ID, "%s", head.id);
        snprintf(t->flight[t->n_flight].method, sizeof t->flight[0].method, "%s", head.method);
        t->flight[t->n_flight].again = false;
        t->flight[t->n_flight++].until = now + OUTBOX_LATE_MS;
        t->sent_seq = head.seq;
        till_send(t, head.id, head.method, head.params);
        till_head_done(&head);
    }
}

/* All are answered, some of them "later": from the front again. */
static void outbox__rewind(struct hilotill *t)
{
    size_t i;

    for (i = 0; i < t->n_flight; i++)
        if (!t->flight[i].again)
            return;
    if (t->n_flight) {
        t->n_flight = 0;
        t->sent_seq = 0;
    }
}

static int64_t outbox__retry_after(const struct till_frame *f)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(f->error, "data");
    const cJSON *ms = cJSON_GetObjectItemCaseSensitive(data, "retry_after_ms");

    return cJSON_IsNumber(ms) && ms->valuedouble >= 0 && ms->valuedouble <= 3600000 ? (int64_t)ms->valuedouble
                                                                                    : OUTBOX_HOLD_MS;
}

bool till_outbox_answer(struct hilotill *t, const struct till_frame *f)
{
    struct till_flight *one, done;
    struct hilotill_error e;
    size_t i;
    int rc;

    for (i = 0; i < t->n_flight && strcmp(t->flight[i].id, f->id) != 0; i++)
        ;
    if (i == t->n_flight || t->flight[i].again)
        return i < t->n_flight;
    one = &t->flight[i];
    one->until = INT64_MAX;
    if (f->code == RPC_TRY_LATER) {
        outbox__hold(t, outbox__retry_after(f));
        one->again = true;
        outbox__rewind(t);
        return true;
    }
    rc = f->code ? till_store_refused(t->store, one->id, f->code, f->message, &e)
                 : till_store_answered(t->store, one->id, f->result, &e);
    if (!outbox__disk(t, rc, &e)) {
        /* Asked again, it is answered the same. */
        one->again = true;
        outbox__rewind(t);
        return true;
    }
    done = *one;
    memmove(one, one + 1, (t->n_flight - i - 1) * sizeof *one);
    t->n_flight--;
    t->window = OUTBOX_WINDOW;
    outbox__rewind(t);
    till_outbox_count(t);
    till_answer(t, done.id, done.method, true, f);
    return true;
}

void till_outbox_unread(struct hilotill *t, const struct till_frame *f)
{
    /* Which one it was shows when they go one by one. With requests besides it may have been one of those. */
    if (t->n_flight == 1 && t->n_calls == 0 && (f->code == -32700 || f->code == -32600))
        outbox__refuse(t, t->flight[0].id, t->flight[0].method, f->code, f->message);
    else if (t->n_flight)
        t->window = 1;
}

void till_outbox_lost(struct hilotill *t)
{
    t->n_flight = 0;
    t->sent_seq = 0;
    t->hold_until = 0;
}

bool till_outbox_late(struct hilotill *t, int64_t now)
{
    size_t i;

    for (i = 0; i < t->n_flight; i++)
        if (now >= t->flight[i].until)
            return true;
    return false;
}
