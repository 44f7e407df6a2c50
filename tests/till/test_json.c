/*
 * hilo-till enroll and hilo-till --json as a script sees them, and what a kill -9 of it loses: nothing that
 * it said was queued, and nothing twice.
 */
#include "prog.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
    struct rig *rig;
    const char *folder;
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    s->rig = rig_new();
    s->folder = rig_path(s->rig, "deep/er/till");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    assert_string_equal(rig_violation(s->rig), "");
    rig_free(&s->rig);
    free(s);
    return 0;
}

static struct prog *json(struct scene *s)
{
    return PROG(s->rig, "--state", s->folder, "--clerk", "ana", "--can", "message.show", "--json");
}

static void enrolls_by_a_code(void **state)
{
    struct scene *s = *state;
    struct prog *p = PROG(s->rig, "--lang", "es", "--state", s->folder, "enroll", "HILO1-AAAAA");
    char *out;

    assert_int_equal(prog_wait(&p, &out), 1);
    assert_non_null(strstr(out, "no es un código de inscripción"));
    free(out);
    prog_enroll(s->rig, s->folder);
    p = PROG(s->rig, "--state", s->folder, "enroll");
    assert_int_equal(prog_wait(&p, NULL), 2);
}

static void asks_and_is_answered(void **state)
{
    struct scene *s = *state;
    struct prog *p;
    const cJSON *o;

    prog_enroll(s->rig, s->folder);
    rig_script(s->rig, "customer.find", false,
               "{\"as_of\":\"x\",\"customer\":{\"id\":\"cus_1\",\"name\":\"Añá 日本\"}}");
    rig_script(s->rig, "case.open", true,
               "{\"code\":-32001,\"message\":\"not attended\",\"data\":{\"reason\":\"not_attended\"}}");
    p = json(s);
    /* At once: it is asked when there is a line. */
    prog_say(p, "{\"method\":\"customer.find\",\"params\":{\"by\":{\"phone\":\"+573001112233\"},\"reason\":"
                "\"claim\"},\"cache\":true,\"tag\":7}");
    o = prog_event(p, "asked");
    assert_int_equal(cJSON_GetObjectItem(o, "tag")->valueint, 7);
    o = prog_event(p, "answer");
    assert_int_equal(cJSON_GetObjectItem(o, "tag")->valueint, 7);
    assert_string_equal(event_text(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "result"), "customer"), "name"),
                        "Añá 日本");
    prog_say(p,
             "{\"cached\":{\"method\":\"customer.find\",\"params\":{\"by\":{\"phone\":\"+573001112233\"}}}}");
    o = prog_event(p, "cached");
    assert_true(cJSON_GetObjectItem(o, "as_of_ms")->valuedouble > 1.5e12);
    prog_say(p, "{\"method\":\"case.open\",\"params\":{},\"queue\":true,\"tag\":\"x\"}");
    o = prog_event(p, "queued");
    assert_string_equal(event_text(o, "tag"), "x");
    o = prog_event(p, "answer");
    assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "error"), "code")->valueint, -32001);
    assert_string_equal(event_text(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "error"), "data"), "reason"),
                        "not_attended");
    prog_say(p, "{\"items\":true}");
    o = prog_event(p, "items");
    o = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "items"), 0);
    assert_int_equal(cJSON_GetObjectItem(o, "code")->valueint, -32001);
    prog_say(p, "no json");
    assert_non_null(strstr(event_text(cJSON_GetObjectItem(prog_event(p, "error"), "error"), "message"),
                           "no JSON object"));
    prog_say(p, "{\"what\":1}");
    prog_event(p, "error");
    prog_say(p, "{\"method\":\"case.note\",\"params\":[1],\"queue\":true}");
    prog_event(p, "error");
    rig_push(s->rig, "p-1", "message.show", "{\"message\":\"msg_1\"}");
    o = prog_event(p, "push");
    assert_string_equal(event_text(o, "method"), "message.show");
    assert_int_equal(rig_acks(s->rig, "p-1"), 0);
    prog_say(p, "{\"done\":\"p-1\"}");
    prog_event(p, "ok");
    prog_end_input(p);
    assert_int_equal(prog_wait(&p, NULL), 0);
    assert_int_equal(rig_acks(s->rig, "p-1"), 1);
}

static void says_what_is_left_at_the_end(void **state)
{
    struct scene *s = *state;
    struct prog *p;

    prog_enroll(s->rig, s->folder);
    rig_listen(s->rig, false);
    p = PROG(s->rig, "--state", s->folder, "--drain", "0", "--json");
    prog_say(p, "{\"method\":\"case.note\",\"params\":{},\"queue\":true}");
    prog_end_input(p);
    assert_int_equal(prog_wait(&p, NULL), 3);
    p = json(s);
    prog_say(p, "{\"method\":\"customer.find\",\"params\":{}}");
    assert_int_equal(
        cJSON_GetObjectItem(cJSON_GetObjectItem(prog_event(p, "error"), "error"), "code")->valueint,
        -7 /* HILOTILL_EOFFLINE */);
    prog_kill(&p);
    rig_listen(s->rig, true);
    p = json(s);
    prog_end_input(p);
    assert_int_equal(prog_wait(&p, NULL), 0);
    assert_int_equal(rig_effects(s->rig), 1);
}

/* Notes with the texts 0 … n-1 took effect, in this order, once each. */
static void assert_notes(struct rig *rig, unsigned n)
{
    cJSON *effect;
    char want[16];
    unsigned i;

    assert_int_equal(rig_effects(rig), n);
    assert_int_equal(rig_conflicts(rig), 0);
    for (i = 0; i < n; i++) {
        effect = rig_effect(rig, i);
        snprintf(want, sizeof want, "%u", i);
        assert_string_equal(event_text(cJSON_GetObjectItem(effect, "params"), "text"), want);
        cJSON_Delete(effect);
    }
}

static void note(struct prog *p, unsigned n)
{
    char line[160];

    snprintf(line, sizeof line,
             "{\"method\":\"case.note\",\"params\":{\"case\":\"cas_1\",\"text\":\"%u\"},\"queue\":true,"
             "\"tag\":%u}",
             n, n);
    prog_say(p, line);
}

/* Killed at another point of queueing each time; then it asks what is there, and goes on behind that. */
static void killed_while_queueing(void **state)
{
    struct scene *s = *state;
    unsigned round, next = 0, said, i;
    struct prog *p;
    const cJSON *o, *items;

    prog_enroll(s->rig, s->folder);
    rig_listen(s->rig, false);
    for (round = 0; round < 12; round++) {
        p = json(s);
        for (i = 0; i < 40; i++)
            note(p, next + i);
        for (said = 0; said < 1 + round * 3; said++)
            o = prog_event(p, "queued");
        said = (unsigned)cJSON_GetObjectItem(o, "tag")->valueint + 1;
        prog_kill(&p);
        p = json(s);
        prog_say(p, "{\"items\":true}");
        items = cJSON_GetObjectItem(prog_event(p, "items"), "items");
        next = (unsigned)cJSON_GetArraySize(items);
        assert_true(next >= said);
        for (i = 0; i < next; i++)
            assert_int_equal(
                atoi(event_text(cJSON_GetObjectItem(cJSON_GetArrayItem(items, (int)i), "params"), "text")),
                i);
        prog_kill(&p);
    }
    rig_listen(s->rig, true);
    p = json(s);
    prog_end_input(p);
    assert_int_equal(prog_wait(&p, NULL), 0);
    assert_notes(s->rig, next);
}

/* Killed when another few had taken effect, each time; and the line is cut besides. */
static void killed_while_sending(void **state)
{
    struct scene *s = *state;
    struct prog *p;
    unsigned i, round;

    prog_enroll(s->rig, s->folder);
    rig_listen(s->rig, false);
    p = json(s);
    for (i = 0; i < 400; i++)
        note(p, i);
    for (i = 0; i < 400; i++)
        prog_event(p, "queued");
    prog_kill(&p);
    rig_listen(s->rig, true);
    for (round = 0; round < 15; round++) {
        unsigned reach = rig_effects(s->rig) + 1 + round;

        rig_cut(s->rig, round % 2 ? RIG_IN : RIG_OUT, round % 3 ? -1 : 3000);
        rig_cut(s->rig, round % 2 ? RIG_OUT : RIG_IN, -1);
        p = json(s);
        while (rig_effects(s->rig) < reach && rig_effects(s->rig) < 400) {
            struct pollfd fd = {rig_fd(s->rig), POLLIN, 0};

            assert_int_equal(poll(&fd, 1, 30000), 1);
            rig_woken(s->rig);
        }
        prog_kill(&p);
    }
    rig_cut(s->rig, RIG_IN, -1);
    rig_cut(s->rig, RIG_OUT, -1);
    p = json(s);
    prog_end_input(p);
    assert_int_equal(prog_wait(&p, NULL), 0);
    assert_notes(s->rig, 400);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(enrolls_by_a_code),     T(asks_and_is_answered), T(says_what_is_left_at_the_end),
        T(killed_while_queueing), T(killed_while_sending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
