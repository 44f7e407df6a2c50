/*
 * A shift: 20 tills do 2,000 things while their line is cut 500 times at random, and gateway and tills are
 * killed in between. Each thing that a till has said to keep takes effect exactly once, and in its till's
 * order.
 *
 * Six of the tills are hilo-till, the others are the test's own (till_keep.h). HILO_SEED, HILO_TILLS,
 * HILO_OPERATIONS and HILO_CUTS say how much of it; make torture does more.
 */
#include "pos_proxy.h"
#include "till_keep.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { TILLS_MAX = 60, LINE = 1 << 16, AHEAD = 60, GATE_KILLS = 4, VENDORS = 3 /* a hilo-till in so many */ };

/* What may become of a thing that a till was told. */
enum { TOLD = 1, KEPT = 2 };

struct till {
    bool vendor; /* it is hilo-till */
    unsigned number;
    char folder[160], customer[64], its_case[64];
    pid_t pid;
    int in, out;
    char text[LINE];
    size_t n;
    unsigned char *state; /* by number of the thing */
    unsigned told, kept, answered, cap;
    bool waits;    /* for "queued" of the last one */
    unsigned last; /* the newest that took effect, + 1 */
    unsigned effects[4], errors;
};

struct shift {
    struct scratch scratch;
    struct gate gate;
    char lines[512];
    int port, via[2]; /* the proxy's, of the own tills and of hilo-till */
    struct proxy *proxy;
    struct till till[TILLS_MAX];
    unsigned tills, operations, cuts, seed, kills;
};

static unsigned number_of(const char *name, unsigned usual)
{
    const char *v = getenv(name);

    return v && atoi(v) > 0 ? (unsigned)atoi(v) : usual;
}

static unsigned dice(struct shift *s, unsigned sides)
{
    return (unsigned)rand_r(&s->seed) % sides;
}

/* ---- processes ---- */

static void till_start(struct shift *s, struct till *t)
{
    char program[256], port[32], host[64];
    int in[2], out[2];

    (void)snprintf(program, sizeof program, "%s/hilo-till", harness_build());
    (void)snprintf(port, sizeof port, "%d", s->via[0]);
    (void)snprintf(host, sizeof host, "127.0.0.1:%d", s->via[1]);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    t->pid = fork();
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nobody behind */
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        if (t->vendor)
            (void)execl(program, program, "--state", t->folder, "--host", host, "--clerk", "eva", "--drain",
                        "60", "--lang", "en", "--json", (char *)NULL);
        else
            (void)execl("/proc/self/exe", "till", t->folder, port, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    t->in = in[1];
    t->out = out[0];
    t->n = 0;
    t->waits = false;
}

static int till_ends(struct till *t)
{
    int status;

    (void)close(t->in);
    t->in = -1;
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    (void)close(t->out);
    t->out = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- what is done ---- */

static void label_of(const struct till *t, unsigned k, char out[32])
{
    (void)snprintf(out, 32, "T%02u-%05u", t->number, k);
}

static void tell(struct shift *s, struct till *t)
{
    unsigned k = t->told++;
    char label[32], line[1024];
    int n = 0;

    label_of(t, k, label);
    if (k % 4 == 0)
        n = snprintf(line, sizeof line,
                     "{\"queue\":true,\"tag\":%u,\"method\":\"visit.record\",\"params\":{\"customer\":\"%s\","
                     "\"purpose\":\"%s\"}}\n",
                     k, t->customer, label);
    else if (k % 4 == 1)
        n = snprintf(line, sizeof line,
                     "{\"queue\":true,\"tag\":%u,\"method\":\"sale.record\",\"params\":{\"customer\":\"%s\","
                     "\"number\":\"%s\",\"currency\":\"COP\",\"total\":\"%u.00\"}}\n",
                     k, t->customer, label, 1000 + k);
    else if (k % 4 == 2)
        n = snprintf(line, sizeof line,
                     "{\"queue\":true,\"tag\":%u,\"method\":\"case.note\",\"params\":{\"case\":\"%s\","
                     "\"text\":\"%s\"}}"
                     "\n",
                     k, t->its_case, label);
    else
        n = snprintf(line, sizeof line,
                     "{\"queue\":true,\"tag\":%u,\"method\":\"wish.add\",\"params\":{\"customer\":\"%s\","
                     "\"sku\":\"%s\","
                     "\"size\":\"%u\"}}\n",
                     k, t->customer, label, 30 + dice(s, 15));
    assert_true(n > 0 && n < (int)sizeof line);
    assert_true(k < t->cap);
    t->state[k] = TOLD;
    t->waits = true;
    /* A till that was killed reads no more: what it was told may be lost. */
    (void)!write(t->in, line, (size_t)n);
}

static void said(struct till *t, const char *line)
{
    cJSON *json = cJSON_Parse(line);
    const char *event = cJSON_GetStringValue(cJSON_GetObjectItem(json, "event"));
    const cJSON *tag = cJSON_GetObjectItem(json, "tag");

    if (!event)
        fail_msg("till %u said %s", t->number, line);
    if (strcmp(event, "queued") == 0 && cJSON_IsNumber(tag)) {
        if (t->state[tag->valueint] == TOLD) {
            t->state[tag->valueint] = KEPT;
            t->kept++;
        }
        if ((unsigned)tag->valueint + 1 == t->told)
            t->waits = false;
    } else if (strcmp(event, "answer") == 0) {
        t->answered++;
        if (cJSON_HasObjectItem(json, "error"))
            fail_msg("till %u was refused: %s", t->number, line);
    } else if (strcmp(event, "error") == 0) {
        fail_msg("till %u: %s", t->number, line);
    }
    cJSON_Delete(json);
}

static void hear(struct till *t)
{
    ssize_t n = read(t->out, t->text + t->n, sizeof t->text - t->n - 1);
    char *lf;

    if (n <= 0)
        fail_msg("till %u (%s) has ended by itself", t->number, t->vendor ? "hilo-till" : "own");
    t->n += (size_t)n;
    while ((lf = memchr(t->text, '\n', t->n))) {
        *lf = 0;
        said(t, t->text);
        t->n -= (size_t)(lf + 1 - t->text);
        memmove(t->text, lf + 1, t->n);
    }
}

/* ---- the shift ---- */

static void up(struct shift *s)
{
    struct answer a;

    (void)signal(SIGPIPE, SIG_IGN);
    scratch_init(&s->scratch);
    s->port = free_port();
    s->proxy = proxy_start(s->port, s->seed, 2, s->via);
    (void)snprintf(s->lines, sizeof s->lines, "    listen: 127.0.0.1:%d\n    names: 127.0.0.1\n", s->port);
    s->gate.type = "pos";
    s->gate.channel = s->lines;
    gate_start(&s->gate, &s->scratch, NULL);
    (void)process_wait_nth(s->gate.process, 1, "channel.state", "channel=wa", "listening", NULL);
    for (unsigned i = 0; i < s->tills; i++) {
        struct till *t = &s->till[i];
        char terminal[16], command[512];
        struct till_id id;

        t->number = i;
        t->vendor = i % VENDORS == 0;
        t->cap = s->operations + 64 * (s->kills + 1);
        t->state = calloc(t->cap, 1);
        (void)snprintf(terminal, sizeof terminal, "%u", i);
        (void)snprintf(t->folder, sizeof t->folder, "%s", scratch_path(&s->scratch, terminal));
        a = gate_post(&s->gate, "/v1/customers", "{\"name\":\"Customer %u\"}", i);
        assert_int_equal(a.status, 201);
        (void)snprintf(t->customer, sizeof t->customer, "%s", answer_str(&a, "id"));
        answer_done(&a);
        a = gate_post(&s->gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Of till %u\"}", t->customer,
                      i);
        assert_int_equal(a.status, 201);
        (void)snprintf(t->its_case, sizeof t->its_case, "%s", answer_str(&a, "id"));
        answer_done(&a);
        if (t->vendor) {
            char *code = till_invite(&s->gate, "CENTRO", terminal, "clerk");

            (void)snprintf(command, sizeof command, "%s/hilo-till --state %s enroll %s >/dev/null",
                           harness_build(), t->folder, code);
            assert_int_equal(system(command), 0);
            free(code);
        } else {
            till_enroll(&s->gate, s->port, "CENTRO", terminal, NULL, &id);
            till_keep_make(t->folder, &id);
            till_id_done(&id);
        }
    }
    for (unsigned i = 0; i < s->tills; i++)
        till_start(s, &s->till[i]);
}

static unsigned kept_in_all(const struct shift *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->tills; i++)
        n += s->till[i].kept;
    return n;
}

/* Things are told in step with the cuts, so that there is work for each. */
static void work(struct shift *s)
{
    unsigned each = s->operations / s->tills, gate_kills = 0, till_kills = 0, turn = 0;
    /* hilo-till waits up to a minute after many cuts in a row; it has its share. */
    const unsigned of[2] = {0, 2 * ((s->tills + VENDORS - 1) / VENDORS)};

    proxy_cut(s->proxy, s->cuts, of);
    while (kept_in_all(s) < s->operations || proxy_cuts(s->proxy) < s->cuts) {
        unsigned cuts = proxy_cuts(s->proxy),
                 may = AHEAD + (unsigned)((uint64_t)cuts * s->operations / s->cuts);
        struct pollfd p[TILLS_MAX];

        for (unsigned i = 0; i < s->tills; i++) {
            struct till *t = &s->till[(i + turn) % s->tills];

            if (!t->waits && t->kept < each && kept_in_all(s) < may)
                tell(s, t);
        }
        turn++;
        for (unsigned i = 0; i < s->tills; i++)
            p[i] = (struct pollfd){s->till[i].out, POLLIN, 0};
        if (poll(p, s->tills, 10) < 0)
            continue;
        for (unsigned i = 0; i < s->tills; i++)
            if (p[i].revents)
                hear(&s->till[i]);
        if (gate_kills < GATE_KILLS && cuts > (gate_kills + 1) * s->cuts / (GATE_KILLS + 1)) {
            gate_kills++;
            gate_kill(&s->gate);
            gate_again(&s->gate);
        }
        if (till_kills < s->kills && cuts > (till_kills + 1) * s->cuts / (s->kills + 1)) {
            struct till *t = &s->till[dice(s, s->tills)];

            till_kills++;
            (void)kill(t->pid, SIGKILL);
            assert_int_equal(till_ends(t), 128 + SIGKILL);
            till_start(s, t);
        }
    }
    assert_int_equal(gate_kills, GATE_KILLS);
    assert_int_equal(till_kills, s->kills);
}

/* ---- what became of it ---- */

static void effect(struct shift *s, const char *label, unsigned kind)
{
    unsigned number, k;

    if (sscanf(label, "T%u-%u", &number, &k) != 2)
        fail_msg("nobody did %s", label);
    struct till *t = &s->till[number];
    assert_true(number < s->tills && k < t->told);
    if (k + 1 <= t->last)
        fail_msg("%s took effect twice, or after a later one", label);
    for (unsigned i = t->last; i < k; i++)
        if (t->state[i] == KEPT)
            fail_msg("till %u had kept its number %u, which did not take effect before %s", number, i, label);
    t->last = k + 1;
    t->effects[kind]++;
}

static void judge(struct shift *s)
{
    static const struct {
        const char *type, *member;
    } kinds[] = {{"hilo.visit.recorded", "purpose"},
                 {"hilo.sale.recorded", "number"},
                 {"hilo.case.noted", "text"},
                 {"hilo.wish.added", "sku"}};
    struct answer a =
        gate_get(&s->gate, "/v1/events?after=oldest&follow=false&type=visit.recorded,sale.recorded,case."
                           "noted,wish.added");
    char *at = a.body, *end;
    unsigned n = 0;

    assert_int_equal(a.status, 200);
    for (; (at = strstr(at, "data: ")); at = end) {
        cJSON *event;

        end = strchr(at, '\n');
        assert_non_null(end);
        event = cJSON_ParseWithLength(at + 6, (size_t)(end - at) - 6);
        for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            const cJSON *label = cJSON_GetObjectItem(cJSON_GetObjectItem(event, "data"), kinds[i].member);

            if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(event, "type")), kinds[i].type) == 0) {
                assert_true(cJSON_IsString(label));
                effect(s, label->valuestring, i);
                n++;
            }
        }
        cJSON_Delete(event);
    }
    answer_done(&a);
    assert_true(n >= s->operations);
}

/* The same by what the API shows of each customer. */
static unsigned listed(struct shift *s, const struct till *t, const char *what, const char *member)
{
    char cursor[1024] = "";
    unsigned n = 0;

    do {
        struct answer a = gate_get(&s->gate, "/v1/customers/%s/%s?limit=100%s%s", t->customer, what,
                                   cursor[0] ? "&cursor=" : "", cursor);
        const char *next;

        assert_int_equal(a.status, 200);
        assert_non_null(json_at(a.json, member));
        n += (unsigned)cJSON_GetArraySize(json_at(a.json, member));
        next = answer_str(&a, "next");
        (void)snprintf(cursor, sizeof cursor, "%s", next ? next : "");
        answer_done(&a);
    } while (cursor[0]);
    return n;
}

static void each_thing_takes_effect_once_and_in_order(void **state)
{
    struct shift *s = calloc(1, sizeof *s);
    struct timespec began, ended;
    unsigned maybe = 0, vendors = 0;

    (void)state;
    assert_non_null(s);
    s->seed = number_of("HILO_SEED", 20261127);
    s->tills = number_of("HILO_TILLS", 20);
    s->operations = number_of("HILO_OPERATIONS", 2000) / s->tills * s->tills;
    s->cuts = number_of("HILO_CUTS", 500);
    s->kills = 4 + s->cuts / 50;
    assert_true(s->tills <= TILLS_MAX);
    print_message("seed %u: %u things from %u tills, %u cuts, %d kills of the gateway, %u of tills\n",
                  s->seed, s->operations, s->tills, s->cuts, GATE_KILLS, s->kills);
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    up(s);
    work(s);
    for (unsigned i = 0; i < s->tills; i++) {
        struct till *t = &s->till[i];

        vendors += t->vendor ? 1 : 0;
    }
    for (unsigned i = 0; i < s->tills; i++)
        (void)close(s->till[i].in);
    for (unsigned i = 0; i < s->tills; i++) {
        struct till *t = &s->till[i];
        int status;

        t->in = -1;
        while (read(t->out, t->text, sizeof t->text) > 0)
            ;
        assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("till %u (%s) did not get rid of its queue: %d", i, t->vendor ? "hilo-till" : "own",
                     status);
        (void)close(t->out);
    }
    judge(s);
    for (unsigned i = 0; i < s->tills; i++) {
        struct till *t = &s->till[i];

        for (unsigned k = 0; k < t->told; k++) {
            if (t->state[k] == KEPT && k >= t->last)
                fail_msg("till %u had kept its number %u, which took no effect", i, k);
            maybe += t->state[k] == TOLD ? 1 : 0;
        }
        assert_int_equal(listed(s, t, "visits", "visits"), t->effects[0]);
        assert_int_equal(listed(s, t, "sales", "sales"), t->effects[1]);
        assert_int_equal(listed(s, t, "subscriptions", "subscriptions"), t->effects[3]);
        free(t->state);
    }
    gate_stop(&s->gate);
    gate_check_store(&s->gate);
    process_free(&s->gate.process);
    print_message(
        "%u were kept, %u more were told to tills that were killed; %u cuts, %u tills of %u hilo-till\n",
        kept_in_all(s), maybe, proxy_cuts(s->proxy), vendors, s->tills);
    proxy_stop(&s->proxy);
    scratch_done(&s->scratch);
    free(s);
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    print_message("in %ld s\n", (long)(ended.tv_sec - began.tv_sec));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_thing_takes_effect_once_and_in_order)};

    if (argc == 3)
        return till_keep_run(argv[1], atoi(argv[2]));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
