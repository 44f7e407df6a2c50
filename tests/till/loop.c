#include "loop.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 30000 }; /* a failure's, never waited for otherwise */

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

static void loop__change(void *arg, const struct hilotill_status *s)
{
    struct loop *l = arg;

    (void)s;
    l->changes++;
}

static void loop__answer(void *arg, const struct hilotill_answer *a)
{
    struct loop *l = arg;
    struct loop_answer *m = &l->answers[l->n_answers++];

    assert_true(l->n_answers < LOOP_ANSWERS);
    snprintf(m->id, sizeof m->id, "%s", a->id);
    snprintf(m->method, sizeof m->method, "%s", a->method);
    m->queued = a->queued;
    m->code = a->code;
    m->result = copy(a->result);
    m->error = copy(a->error);
    m->data = copy(a->data);
}

static void loop__push(void *arg, const struct hilotill_push *p)
{
    struct loop *l = arg;
    struct loop_push *m = &l->pushes[l->n_pushes++];

    assert_true(l->n_pushes < LOOP_PUSHES);
    snprintf(m->id, sizeof m->id, "%s", p->id);
    snprintf(m->method, sizeof m->method, "%s", p->method);
    m->params = copy(p->params);
    if (l->take)
        assert_int_equal(hilotill_push_done(l->t, p->id, NULL, &l->e), HILOTILL_OK);
}

static void loop__enrolled(void *arg, const struct hilotill_error *e)
{
    struct loop *l = arg;

    l->enrolled = e->code;
    l->enrolled_why = *e;
}

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof *l);

    assert_non_null(l);
    l->rig = rig_new();
    l->o = (struct hilotill_options){
        .size = sizeof l->o,
        .folder = rig_path(l->rig, "till"),
        .software = "test 1",
        .capabilities = "message.show choice.ask print",
        .backoff_first_ms = 1,
        .backoff_max_ms = 4,
        .arg = l,
        .on_change = loop__change,
        .on_answer = loop__answer,
        .on_push = loop__push,
        .on_enrolled = loop__enrolled,
    };
    return l;
}

void loop_free(struct loop *l)
{
    unsigned i;

    hilotill_close(&l->t);
    assert_string_equal(rig_violation(l->rig), "");
    rig_free(&l->rig);
    for (i = 0; i < l->n_answers; i++) {
        free(l->answers[i].result);
        free(l->answers[i].error);
        free(l->answers[i].data);
    }
    for (i = 0; i < l->n_pushes; i++)
        free(l->pushes[i].params);
    free(l);
}

int loop_open(struct loop *l)
{
    return hilotill_open(&l->o, &l->t, &l->e);
}

void loop_close(struct loop *l)
{
    hilotill_close(&l->t);
}

void loop_enrolled(struct loop *l)
{
    if (!l->t && loop_open(l) != HILOTILL_OK)
        fail_msg("%s", l->e.text);
    l->enrolled = 1;
    assert_int_equal(hilotill_enroll(l->t, rig_code(l->rig, "127.0.0.1", false), &l->e), HILOTILL_OK);
    UNTIL(l, l->enrolled <= 0);
    if (l->enrolled != HILOTILL_OK)
        fail_msg("%s", l->enrolled_why.text);
}

void loop_online(struct loop *l)
{
    if (!l->t && loop_open(l) != HILOTILL_OK)
        fail_msg("%s", l->e.text);
    if (hilotill_connect(l->t, &l->e) == HILOTILL_ENOTENROLLED) {
        loop_enrolled(l);
        assert_int_equal(hilotill_connect(l->t, &l->e), HILOTILL_OK);
    }
    UNTIL(l, loop_status(l).line == HILOTILL_ONLINE);
}

struct hilotill_status loop_status(struct loop *l)
{
    struct hilotill_status s;

    hilotill_status(l->t, &s);
    return s;
}

const struct loop_answer *loop_answer(struct loop *l, const char *id)
{
    unsigned i;

    for (i = 0; i < l->n_answers; i++)
        if (strcmp(l->answers[i].id, id) == 0)
            return &l->answers[i];
    return NULL;
}

unsigned loop_answers(struct loop *l, const char *id)
{
    unsigned i, n = 0;

    for (i = 0; i < l->n_answers; i++)
        n += strcmp(l->answers[i].id, id) == 0;
    return n;
}

void loop_note(struct loop *l, const char *text, char id_out[HILOTILL_ID])
{
    char params[256];

    snprintf(params, sizeof params, "{\"case\":\"cas_1\",\"text\":\"%s\"}", text);
    if (hilotill_queue(l->t, "case.note", params, id_out, &l->e) != HILOTILL_OK)
        fail_msg("%s", l->e.text);
}

void loop_assert_notes(struct loop *l, unsigned n)
{
    char want[16];
    cJSON *effect, *params;
    unsigned i;

    assert_int_equal(rig_effects(l->rig), n);
    assert_int_equal(rig_conflicts(l->rig), 0);
    for (i = 0; i < n; i++) {
        snprintf(want, sizeof want, "%u", i);
        effect = rig_effect(l->rig, i);
        params = cJSON_GetObjectItem(effect, "params");
        assert_string_equal(cJSON_GetObjectItem(params, "text")->valuestring, want);
        cJSON_Delete(effect);
    }
}

void loop_turn(struct loop *l, const char *what)
{
    struct pollfd p[2] = {{l->t ? hilotill_fd(l->t) : -1, POLLIN, 0}, {rig_fd(l->rig), POLLIN, 0}};
    int wait = l->t ? hilotill_timeout(l->t) : -1;
    int n = poll(p, 2, wait < 0 || wait > PATIENCE_MS ? PATIENCE_MS : wait);

    if (n == 0 && (wait < 0 || wait >= PATIENCE_MS))
        fail_msg("waited in vain for %s (%s)", what, l->t ? loop_status(l).reason : "");
    if (p[1].revents)
        rig_woken(l->rig);
    if (l->t)
        hilotill_run(l->t);
}
