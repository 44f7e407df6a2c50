/*
 * What the gateway says by itself. Each is given to the application once; its id is on disk before it is
 * acknowledged, so that the one which comes again, after either side's restart, is only acknowledged again.
 */
#include "handle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RPC_NO_METHOD = -32601, RPC_REFUSED = -32000 - 10 };

static void push__say(struct hilotill *t, const char *id, int code, const char *answer)
{
    if (!t->line)
        return;
    if (!till_frame_answer(till_line_out(t->line), id, code, answer))
        t->drop = true; /* it comes again */
    t->due = true;
}

static const char *push__message(const struct till_frame *f)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(f->params, "message");

    return cJSON_IsString(m) && strlen(m->valuestring) < 65 ? m->valuestring : NULL;
}

/* Under an id, or as the same message under another. */
static struct till_push *push__open(struct hilotill *t, const char *id, const char *message)
{
    size_t i;

    for (i = 0; i < t->n_pushes; i++)
        if (strcmp(t->pushes[i].id, id) == 0 || (message && strcmp(t->pushes[i].message, message) == 0))
            return &t->pushes[i];
    return NULL;
}

void till_push_take(struct hilotill *t, const struct till_frame *f)
{
    const char *message = push__message(f);
    struct till_push *p = push__open(t, f->id, message);
    struct till_push_done done = {0};
    struct hilotill_error e;
    struct hilotill_push said = {.id = f->id, .method = f->method};
    char *params;
    int seen;

    if (strlen(f->id) >= sizeof p->id)
        return;
    if (p) {
        snprintf(p->id, sizeof p->id, "%s", f->id);
        p->asked = true;
        return;
    }
    seen = till_store_push_seen(t->store, f->id, message, &done, &e);
    if (seen > 0) {
        push__say(t, f->id, done.refused ? RPC_REFUSED : 0, done.answer);
        free(done.answer);
        return;
    }
    if (seen < 0) { /* unanswered it comes again */
        t->push_left = true;
        till_reason(t, e.text);
        return;
    }
    if (!t->o.on_push) {
        push__say(t, f->id, RPC_NO_METHOD, "this terminal does not do that");
        return;
    }
    if (t->n_pushes == TILL_PUSHES_MAX ||
        !(params = f->params ? cJSON_PrintUnformatted(f->params) : strdup("{}"))) {
        t->push_left = true;
        return;
    }
    p = &t->pushes[t->n_pushes++];
    snprintf(p->id, sizeof p->id, "%s", f->id);
    snprintf(p->message, sizeof p->message, "%s", message ? message : "");
    p->asked = true;
    said.params = params;
    t->o.on_push(t->o.arg, &said);
    free(params);
}

void till_push_lost(struct hilotill *t)
{
    size_t i;

    for (i = 0; i < t->n_pushes; i++)
        t->pushes[i].asked = false;
    t->push_left = false;
}

static int push__end(struct hilotill *t, const char *id, bool refused, const char *answer,
                     struct hilotill_error *e)
{
    struct till_push *p = push__open(t, id ? id : "", NULL);
    int rc;

    if (!p)
        return till_fail(
            e, HILOTILL_EARG,
            TILL_SAY(t->spanish, "no push with this id is open", "no hay ningún aviso abierto con ese id"));
    rc = till_store_push_done(t->store, p->id, p->message[0] ? p->message : NULL, refused, answer,
                              p == t->pushes && !t->push_left, e);
    if (rc != HILOTILL_OK)
        return rc;
    if (p->asked)
        push__say(t, p->id, refused ? RPC_REFUSED : 0, answer);
    t->n_pushes--;
    memmove(p, p + 1, (size_t)(t->pushes + t->n_pushes - p) * sizeof *p);
    return HILOTILL_OK;
}

int hilotill_push_done(struct hilotill *t, const char *id, const char *result, struct hilotill_error *e)
{
    char *made = NULL;
    int rc = till_params(t->spanish, result, NULL, NULL, &made, e);

    if (rc == HILOTILL_OK)
        rc = push__end(t, id, false, made, e);
    cJSON_free(made);
    return rc;
}

int hilotill_push_refuse(struct hilotill *t, const char *id, const char *why, struct hilotill_error *e)
{
    if (!why || strlen(why) > 1000 || !till_utf8(why, strlen(why)))
        return till_fail(e, HILOTILL_EARG,
                         TILL_SAY(t->spanish, "say why, in at most 1000 bytes of UTF-8",
                                  "diga por qué, en 1000 bytes de UTF-8 a lo sumo"));
    return push__end(t, id, true, why, e);
}
