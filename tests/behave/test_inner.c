/*
 * What a plugin asks of the gateway from within, seen from outside: its requests to the API, the
 * events that it follows, its operators; on a thread and in a process of its own; across deaths of
 * the process and of the gateway. The plugin is tests/plugins/counter.c.
 */
#include "harness.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

struct counter {
    struct scratch scratch;
    struct gate gate;
    char lines[1024]; /* of its YAML */
};

static void wait_for(struct counter *c, const char *channel, const char *id)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/v1/channels/%s/admin/wait/%s", channel, id);
    struct answer a = gate_do(&c->gate, "GET", path, NULL);
    if (a.status != 200)
        print_message("%ld %s\n", a.status, a.body);
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static void again(struct counter *c)
{
    gate_again(&c->gate);
    (void)process_wait_nth(c->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

/* One counter named wa; more: lines of it, and maybe other channels. */
static void up(struct counter *c, const char *isolation, const char *more)
{
    char build[256];

    memset(c, 0, sizeof *c);
    scratch_init(&c->scratch);
    /* The process of a gateway that root started is nobody's. */
    assert_int_equal(chmod(c->scratch.dir, 0777), 0);
    assert_non_null(realpath(harness_build(), build));
    (void)snprintf(c->lines, sizeof c->lines,
                   "    plugin: %s/tests/plugins/counter.so\n    file: %s/wa.events\n"
                   "    types: customer.created\n%s",
                   build, c->scratch.dir, more);
    c->gate.type = "counter";
    c->gate.channel = c->lines;
    c->gate.isolation = isolation;
    gate_start(&c->gate, &c->scratch, NULL);
    (void)process_wait_nth(c->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    wait_for(c, "wa", "");
}

static void down(struct counter *c)
{
    gate_stop(&c->gate);
    gate_check_store(&c->gate);
    process_free(&c->gate.process);
    scratch_done(&c->scratch);
}

static const char *isolation_of(void **state)
{
    return *state ? *state : "thread";
}

static struct answer ask(struct counter *c, const char *method, const char *path, const char *body,
                         const char *key)
{
    char whole[256], header[128];

    (void)snprintf(whole, sizeof whole, "/v1/channels/wa/admin%s", path);
    (void)snprintf(header, sizeof header, "Idempotency-Key: %s", key);
    return key ? gate_with(&c->gate, method, whole, body, header) : gate_do(&c->gate, method, whole, body);
}

static void new_customer(struct counter *c, unsigned n)
{
    struct answer a = gate_post(&c->gate, "/v1/customers", "{\"name\":\"Customer %u\"}", n);

    assert_int_equal(a.status, 201);
    answer_done(&a);
}

/* The CloudEvents' ids of all customers made, in order, a line each. free() it. */
static char *all_made(struct counter *c, unsigned *n)
{
    struct answer a = gate_get(&c->gate, "/v1/events?type=customer.created&after=oldest&follow=false");
    char *out = calloc(1, a.n + 1), *at = a.body;

    assert_int_equal(a.status, 200);
    *n = 0;
    while ((at = strstr(at, "id: evt_"))) {
        (void)strncat(out, at + 4, 31); /* evt_, 26, and the line's end */
        at += 4;
        ++*n;
    }
    answer_done(&a);
    return out;
}

/* Waits until the channel has dealt with the newest of them. */
static void wait_for_all(struct counter *c, const char *channel)
{
    unsigned n;
    char *ids = all_made(c, &n), id[32];

    assert_true(n > 0);
    (void)snprintf(id, sizeof id, "%.30s", ids + strlen(ids) - 31);
    wait_for(c, channel, id);
    free(ids);
}

/* All that were made stand in the channel's file in order, none left out; some may be there again,
 * for a crash repeats the last ones. The first lines say where it began. */
static void none_is_left_out(struct counter *c, const char *name, unsigned made, unsigned again_at_most)
{
    unsigned n, again = 0;
    size_t size;
    char *ids = all_made(c, &n), *file = file_read(scratch_path(&c->scratch, name), &size), *line = file;
    const char *next = ids;

    assert_int_equal(n, made);
    while (line && *line) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        if (line[0] != '=') {
            if (*next && strncmp(line, next, 31) == 0) {
                next += 31;
            } else {
                const char *before = strstr(ids, "evt_");
                for (; before < next && strncmp(line, before, 31) != 0; before += 31)
                    ;
                if (before >= next)
                    fail_msg("%.30s is told before %.30s\n%s\n---\n%s", line, next, ids, file);
                again++;
            }
        }
        line = end + 1;
    }
    if (*next)
        fail_msg("%.30s was not told", next);
    assert_in_range(again, 0, again_at_most);
    free(ids);
    free(file);
}

/* ---- the API ------------------------------------------------------------------------------- */

static void a_plugin_asks_the_api(void **state)
{
    static const char ana[] =
        "{\"name\":\"Ana\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+573001112233\"}]}";
    struct counter c;
    char id[64], path[128];
    struct answer a;

    up(&c, isolation_of(state), "");
    a = ask(&c, "POST", "/api/v1/customers", ana, "once");
    assert_int_equal(a.status, 201);
    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    a = ask(&c, "POST", "/api/v1/customers", ana, "once"); /* the same again */
    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "id"), id);
    answer_done(&a);
    a = ask(&c, "POST", "/api/v1/customers", "{\"name\":\"Eva\"}", "once");
    answer_is(&a, 422, "idempotency_mismatch", NULL);
    answer_done(&a);
    (void)snprintf(path, sizeof path, "/api/v1/customers/%s", id);
    a = ask(&c, "GET", path, NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "name"), "Ana");
    answer_done(&a);
    a = ask(&c, "GET", "/api/v1/cases?status=open&limit=3", NULL, NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    a = ask(&c, "POST", "/api/v1/cases", "{\"title\":\"x\"}", NULL);
    answer_is(&a, 403, "insufficient_scope", NULL);
    assert_non_null(strstr(a.body, "cases:write"));
    answer_done(&a);
    a = ask(&c, "GET", "/api/v1/keys", NULL, NULL);
    answer_is(&a, 403, "insufficient_scope", NULL);
    answer_done(&a);
    a = ask(&c, "GET", "/api/metrics", NULL, NULL);
    answer_is(&a, 404, "no_such_route", NULL);
    answer_done(&a);
    /* Only so many at once; each that was taken is answered. */
    a = ask(&c, "POST", "/burst/300", "{}", NULL);
    assert_int_equal(a.status, 200);
    assert_int_equal((int)answer_num(&a, "taken"), 256);
    assert_int_equal((int)answer_num(&a, "answered"), 256);
    answer_done(&a);
    /* Who comes by /hooks is no operator. */
    a = gate_post(&c.gate, "/hooks/wa/api/v1/customers", "{}");
    assert_int_equal(a.status, 403);
    answer_done(&a);
    down(&c);
}

/* Who asks is said by the gateway, whatever the caller says. */
static void a_plugin_hears_who_asks(void **state)
{
    char want[96];
    struct counter c;
    struct answer a;

    up(&c, isolation_of(state), "");
    a = gate_get(&c.gate, "/v1/keys");
    (void)snprintf(want, sizeof want, "%s.", answer_str(&a, "keys/0/id"));
    assert_int_equal(strncmp(want, "key_", 4), 0);
    answer_done(&a);
    a = gate_with(&c.gate, "GET", "/v1/channels/wa/admin/whoami", NULL, "Hilo-Actor: key_somebody");
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "actor"), want);
    answer_done(&a);
    down(&c);
}

/* What a channel may do an operator takes away as it runs. */
static void scopes_are_narrowed_by_a_reload(void **state)
{
    struct counter c;
    struct answer a;

    up(&c, isolation_of(state), "");
    a = gate_get(&c.gate, "/v1/channels");
    assert_string_equal(answer_str(&a, "channels/0/scopes/0"), "customers:read");
    assert_string_equal(answer_str(&a, "channels/0/scopes/1"), "customers:write");
    answer_done(&a);
    (void)strcat(c.lines, "    scopes: customers:read\n");
    gate_configure(&c.gate);
    a = gate_post(&c.gate, "/v1/config/reload", "{}");
    assert_int_equal(a.status, 200);
    assert_null(strstr(a.body, "reopened"));
    answer_done(&a);
    a = ask(&c, "POST", "/api/v1/customers", "{\"name\":\"Eva\"}", NULL);
    answer_is(&a, 403, "insufficient_scope", NULL);
    answer_done(&a);
    a = gate_get(&c.gate, "/v1/channels");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "channels/0/scopes")), 1);
    answer_done(&a);
    down(&c);
}

/* Whenever its process dies, what it had asked takes effect once at the most, and once when asked again. */
static void a_process_that_dies_asks_again(void **state)
{
    static const char *const ways[] = {"/lost", "/unheard"};
    struct counter c;
    struct answer a;
    unsigned made;

    (void)state;
    up(&c, "process", "");
    for (unsigned i = 0; i < 2; i++) {
        char path[64], key[16];
        (void)snprintf(path, sizeof path, "%s/v1/customers", ways[i]);
        (void)snprintf(key, sizeof key, "k-%u", i);
        a = ask(&c, "POST", path, "{\"name\":\"Ana\"}", key);
        if (a.status != 201) /* lost: it may have answered before it died */
            answer_is(&a, 503, "channel_down", NULL);
        assert_true(i == 0 || a.status == 503);
        answer_done(&a);
        (void)process_wait_nth(c.gate.process, i + 1, "worker.died", "channel=wa", "signal=9", NULL);
        (void)process_wait_nth(c.gate.process, i + 2, "channel.state", "channel=wa", "state=up", NULL);
        a = ask(&c, "POST", "/api/v1/customers", "{\"name\":\"Ana\"}", key);
        assert_int_equal(a.status, 201);
        answer_done(&a);
        free(all_made(&c, &made));
        assert_int_equal(made, i + 1);
    }
    down(&c);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void it_goes_on_where_it_was_after_a_crash(void **state)
{
    struct counter c;
    unsigned n = 0;

    up(&c, isolation_of(state), "    slow_ms: 2\n");
    new_customer(&c, n++); /* so that there is one before the crash */
    wait_for_all(&c, "wa");
    for (unsigned crash = 0; crash < 3; crash++) {
        while (n < (crash + 1) * 60)
            new_customer(&c, n++);
        gate_kill(&c.gate); /* it has dealt with some of them */
        again(&c);
        new_customer(&c, n++);
    }
    wait_for_all(&c, "wa");
    none_is_left_out(&c, "wa.events", n, n);
    /* And a clean stop repeats nothing that the plugin had noted; what is noted is on disk. */
    gate_stop(&c.gate);
    again(&c);
    new_customer(&c, n++);
    wait_for_all(&c, "wa");
    none_is_left_out(&c, "wa.events", n, n);
    down(&c);
}

static void a_process_that_is_killed_misses_nothing(void **state)
{
    struct counter c;
    struct answer a;
    unsigned n = 0;
    pid_t pid;

    (void)state;
    up(&c, "process", "    slow_ms: 2\n");
    new_customer(&c, n++);
    wait_for_all(&c, "wa");
    a = gate_get(&c.gate, "/v1/channels");
    pid = (pid_t)answer_num(&a, "channels/0/pid");
    answer_done(&a);
    for (unsigned i = 0; i < 40; i++)
        new_customer(&c, n++);
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    for (unsigned i = 0; i < 40; i++)
        new_customer(&c, n++);
    (void)process_wait_nth(c.gate.process, 2, "channel.state", "channel=wa", "state=up", NULL);
    wait_for_all(&c, "wa");
    none_is_left_out(&c, "wa.events", n, n);
    down(&c);
}

static void what_cannot_be_continued_begins_from_now(void **state)
{
    struct counter c;
    struct answer a;
    char *file, last[32];
    unsigned n;
    size_t size;

    up(&c, isolation_of(state), "");
    for (unsigned i = 0; i < 5; i++)
        new_customer(&c, i);
    wait_for_all(&c, "wa");
    /* An event that never was: of another store, perhaps. */
    a = ask(&c, "POST", "/follow/evt_00000000000000000000000001", "{}", NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)process_wait_nth(c.gate.process, 1, "plugin.follow", "channel=wa", "reason=unknown", NULL);
    new_customer(&c, 5);
    wait_for_all(&c, "wa");
    file = file_read(scratch_path(&c.scratch, "wa.events"), &size);
    /* From now, twice: at the first start, and now; then only what came afterwards. */
    assert_int_equal(file[0], '=');
    char *second = strstr(file + 1, "= evt_");
    assert_non_null(second);
    assert_null(strstr(second + 1, "="));
    char *ids = all_made(&c, &n);
    assert_int_equal(n, 6);
    (void)snprintf(last, sizeof last, "%s", ids + strlen(ids) - 31);
    assert_string_equal(strchr(second, '\n') + 1, last);
    free(ids);
    free(file);
    a = ask(&c, "POST", "/follow/nonsense", "{}", NULL);
    assert_int_equal(a.status, 500); /* INVALID, and it follows as before */
    answer_done(&a);
    new_customer(&c, 6);
    wait_for_all(&c, "wa");
    down(&c);
}

/* One that is slow is told of all, and holds up neither the API nor another that follows. */
static void a_slow_plugin_holds_up_nobody(void **state)
{
    enum { MADE = 100 };
    char build[256], *slow;
    unsigned lines = 0;
    struct counter c;
    size_t size;

    assert_non_null(realpath(harness_build(), build));
    up(&c, isolation_of(state), "    slow_ms: 10\n");
    (void)snprintf(c.gate.extra_channel, sizeof c.gate.extra_channel,
                   "  fast:\n    type: counter\n    plugin: %s/tests/plugins/counter.so\n"
                   "    types: customer.created\n    file: %s/fast.events\n",
                   build, c.scratch.dir);
    gate_configure(&c.gate);
    struct answer a = gate_post(&c.gate, "/v1/config/reload", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)process_wait_nth(c.gate.process, 1, "channel.state", "channel=fast", "state=up", NULL);
    wait_for(&c, "fast", "");
    for (unsigned i = 0; i < MADE; i++)
        new_customer(&c, i);
    wait_for_all(&c, "fast");
    slow = file_read(scratch_path(&c.scratch, "wa.events"), &size);
    for (size_t i = 0; i < size; i++)
        lines += slow[i] == '\n';
    assert_in_range(lines, 0, MADE - 1); /* it is at it still */
    free(slow);
    wait_for_all(&c, "wa");
    none_is_left_out(&c, "wa.events", MADE, 0);
    none_is_left_out(&c, "fast.events", MADE, 0);
    down(&c);
}

int main(void)
{
    static char process[] = "process";
#define THREAD(name)                                                                                         \
    {                                                                                                        \
#name, name, NULL, NULL, NULL                                                                        \
    }
#define PROCESS(name)                                                                                        \
    {                                                                                                        \
#name " (process)", name, NULL, NULL, process                                                        \
    }
    const struct CMUnitTest tests[] = {
        THREAD(a_plugin_hears_who_asks),
        THREAD(a_plugin_asks_the_api),
        PROCESS(a_plugin_asks_the_api),
        THREAD(scopes_are_narrowed_by_a_reload),
        PROCESS(a_process_that_dies_asks_again),
        THREAD(it_goes_on_where_it_was_after_a_crash),
        PROCESS(it_goes_on_where_it_was_after_a_crash),
        PROCESS(a_process_that_is_killed_misses_nothing),
        THREAD(what_cannot_be_continued_begins_from_now),
        THREAD(a_slow_plugin_holds_up_nobody),
        PROCESS(a_slow_plugin_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
