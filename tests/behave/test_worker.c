/*
 * Channels in processes of their own (isolation: process): what a worker has and has not,
 * and what its death, hang or attack costs the gateway and the other channels.
 */
#include "harness.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

/* ---- a gateway with wa in a worker, and beside it maybe a channel that attacks ---- */

static void up(struct world *w, const char *wa, const char *bad)
{
    char channel[512], build[256];

    assert_non_null(realpath(harness_build(), build));
    (void)snprintf(channel, sizeof channel, "    isolation: process\n%s", wa);
    if (bad)
        (void)snprintf(
            channel + strlen(channel), sizeof channel - strlen(channel),
            "  bad:\n    type: hostile\n    isolation: process\n    plugin: %s/tests/plugins/hostile.so\n%s",
            build, bad);
    world_up(w, channel, NULL);
    sim_set(&w->sim, "/_sim/config", "{\"enforce_window\":false}");
    if (bad)
        (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=bad", "state=up", NULL);
}

static double channel_num(struct world *w, unsigned nth, const char *member)
{
    struct answer a = gate_get(&w->gate, "/v1/channels");
    char path[64];
    double n;

    (void)snprintf(path, sizeof path, "channels/%u/%s", nth, member);
    n = cJSON_IsNumber(json_at(a.json, path)) ? answer_num(&a, path) : -1;
    answer_done(&a);
    return n;
}

static pid_t worker_pid(struct world *w, unsigned nth)
{
    double pid = channel_num(w, nth, "pid");

    assert_true(pid > 1);
    return (pid_t)pid;
}

static void send_bad(struct world *w, const char *what, char *id)
{
    struct answer a =
        gate_post(&w->gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"%s\"},\"channel\":\"bad\",\"content\":{\"type\":\"text\","
                  "\"text\":\"%s\"}}",
                  ana, what);

    if (a.status != 202)
        print_message("%ld %s\n", a.status, a.body);
    assert_int_equal(a.status, 202);
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

/* A process that is not our child, to wait for its end by. */
static int watch(pid_t pid)
{
    int fd = pidfd_open(pid, 0);

    assert_true(fd >= 0);
    return fd;
}

static void gone(int watched)
{
    struct pollfd p = {.fd = watched, .events = POLLIN};

    assert_int_equal(poll(&p, 1, DEADLINE_S * 1000), 1);
    (void)close(watched);
}

/* ---- what it has and has not ---- */

static void programs_have(const char *program, const char *const *no_library)
{
    char path[256];
    const char *const needed[] = {"/usr/bin/env", "readelf", "-dW", path, NULL};
    const char *const symbols[] = {"/usr/bin/env", "readelf", "-sW", path, NULL};

    (void)snprintf(path, sizeof path, "%s/%s", harness_build(), program);
    struct process *p = process_start(needed);
    char *said = process_output(p);
    assert_int_equal(process_wait(p), 0);
    assert_non_null(strstr(said, "libevent_core")); /* so it is a list of libraries */
    for (; *no_library; no_library++)
        assert_null(strstr(said, *no_library));
    free(said);
    process_free(&p);
    p = process_start(symbols);
    said = process_output(p);
    assert_int_equal(process_wait(p), 0);
    assert_non_null(strstr(said, "instance_run"));
    assert_null(strstr(said, "mdb_"));
    assert_null(strstr(said, "MHD_"));
    assert_null(strstr(said, "journal_"));
    free(said);
    process_free(&p);
}

static void it_is_built_without_the_store(void **state)
{
    static const char *const none[] = {"lmdb", "microhttpd", "yaml", NULL};

    (void)state;
    programs_have("hilo-worker", none);
}

static char *proc_file(pid_t pid, const char *name)
{
    char path[64], *text = NULL;
    size_t n = 0;
    FILE *f, *out = open_memstream(&text, &n);
    int c;

    (void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    f = fopen(path, "r");
    assert_non_null(f);
    while ((c = fgetc(f)) != EOF)
        (void)fputc(c ? c : '\n', out);
    (void)fclose(f);
    (void)fclose(out);
    return text;
}

static void has_line(const char *text, const char *line)
{
    if (!strstr(text, line))
        print_message("%s\nhas no %s\n", text, line);
    assert_non_null(strstr(text, line));
}

/* Only standard error, its link (two sockets; the memory is mapped, not open), and what it
 * has made itself: event loops and event counters. */
static void descriptors_are_its_own(pid_t pid)
{
    char dir[64], path[384], to[256];
    unsigned sockets = 0;
    DIR *d;

    (void)snprintf(dir, sizeof dir, "/proc/%ld/fd", (long)pid);
    d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        ssize_t n;
        if (e->d_name[0] == '.' || strcmp(e->d_name, "2") == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        n = readlink(path, to, sizeof to - 1);
        assert_true(n > 0);
        to[n] = '\0';
        sockets += strncmp(to, "socket:", 7) == 0;
        if (strncmp(to, "socket:", 7) != 0 && strncmp(to, "anon_inode:", 11) != 0 &&
            strncmp(to, "pipe:", 5) != 0 && strcmp(to, "/dev/null") != 0) {
            print_message("descriptor %s: %s\n", e->d_name, to);
            fail();
        }
    }
    (void)closedir(d);
    assert_true(sockets >= 2 && sockets <= 6); /* and those of its HTTP client */
}

/* 0, or why this user can't open it. */
static int open_as(const char *path, uid_t uid, gid_t gid)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
            _exit(255);
        _exit(open(path, O_RDONLY) < 0 ? errno : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void it_has_no_right_that_it_does_not_need(void **state)
{
    struct world w = {.gate.env = {"HILO_TEST_SECRET=do-not-tell"}};
    char link[256] = "", path[64], *status, *text;
    unsigned uid, gid;
    pid_t pid;

    (void)state;
    up(&w, "", NULL);
    pid = worker_pid(&w, 0);
    status = proc_file(pid, "status");
    has_line(status, "NoNewPrivs:\t1");
    has_line(status, "CapEff:\t0000000000000000");
    has_line(status, "CapPrm:\t0000000000000000");
    has_line(status, "CapAmb:\t0000000000000000");
    assert_int_equal(sscanf(strstr(status, "\nUid:"), "\nUid:\t%u", &uid), 1);
    assert_int_equal(sscanf(strstr(status, "\nGid:"), "\nGid:\t%u", &gid), 1);
    if (geteuid() == 0) {
        assert_int_not_equal(uid, 0);
        assert_int_not_equal(gid, 0);
        has_line(status, "Groups:\t \n");
        assert_int_equal(chmod(w.scratch.dir, 0755), 0); /* it is the data folder that keeps it out */
        assert_int_equal(open_as(w.scratch.dir, uid, gid), 0);
        assert_int_equal(open_as(scratch_path(&w.scratch, "data"), uid, gid), EACCES);
    }
    free(status);
    text = proc_file(pid, "environ");
    assert_null(strstr(text, "do-not-tell"));
    free(text);
    text = proc_file(pid, "cmdline");
    assert_string_equal(text, "hilo-worker\nwa\n"); /* no secret, no path */
    free(text);
    text = proc_file(pid, "limits");
    has_line(text, "Max core file size        0                    0 ");
    has_line(text, "Max open files            4096                 4096 ");
    free(text);
    text = proc_file(pid, "maps");
    has_line(text, "hilo-link");
    assert_null(strstr(text, "mdb"));
    free(text);
    (void)snprintf(path, sizeof path, "/proc/%ld/cwd", (long)pid);
    assert_int_equal(readlink(path, link, sizeof link - 1), 1);
    assert_string_equal(link, "/");
    descriptors_are_its_own(pid);
    /* The core has not mapped the plugin, not even to read its options. */
    text = proc_file(process_pid(w.gate.process), "maps");
    assert_null(strstr(text, "whatsapp.so"));
    free(text);
    world_down(&w);
}

static void nobody_else_starts_it(void **state)
{
    char bin[256];
    const char *const argv[] = {bin, NULL};

    (void)state;
    (void)snprintf(bin, sizeof bin, "%s/hilo-worker", harness_build());
    struct process *p = process_start(argv);
    char *said = process_output(p);
    assert_int_equal(process_wait(p), 1);
    assert_non_null(strstr(said, "hilod starts it"));
    free(said);
    process_free(&p);
}

/* ---- deaths ---- */

static void its_death_leaves_what_it_had_in_doubt(void **state)
{
    struct world w = {0};
    char held[64], next[64];
    pid_t pid;

    (void)state;
    up(&w, "", NULL);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, ana, "hola", held);
    struct answer a = sim_messages(&w.sim, 1); /* it is there; its answer is not */
    answer_done(&a);
    pid = worker_pid(&w, 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    (void)process_wait_nth(w.gate.process, 1, "worker.died", "channel=wa", "signal=9", NULL);
    gate_wait_status(&w.gate, held, "in_doubt");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    (void)process_wait_nth(w.gate.process, 2, "channel.state", "channel=wa", "state=up", NULL);
    assert_int_not_equal(worker_pid(&w, 0), pid);
    assert_int_equal(channel_num(&w, 0, "since_start/restarts"), 1);
    assert_int_equal(channel_num(&w, 0, "since_start/deaths"), 1);
    gate_send_text(&w.gate, ana, "and on", next);
    gate_wait_status(&w.gate, next, "delivered");
    gate_wait_status(&w.gate, held, "delivered");       /* by its receipt */
    assert_int_equal(sim_count(&w.sim, "accepted"), 2); /* and never sent again */
    world_down(&w);
}

static void another_channel_notices_nothing(void **state)
{
    static const char *const attacks[] = {"die", "scribble", "gift", "flood"};
    struct world w = {0};
    char id[64], held[64], sent[64];
    pid_t pid;

    (void)state;
    up(&w, "", "");
    pid = worker_pid(&w, 0);
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"after_accept\"}");
    gate_send_text(&w.gate, ana, "hola", held); /* in flight all the time */
    struct answer a = sim_messages(&w.sim, 1);
    answer_done(&a);
    send_bad(&w, attacks[0], id);
    (void)process_wait_nth(w.gate.process, 1, "worker.died", "channel=bad", NULL);
    gate_wait_status(&w.gate, id, "in_doubt");
    assert_string_not_equal(gate_status(&w.gate, held), "in_doubt");
    sim_set(&w.sim, "/_sim/faults", "{\"hold\":\"none\"}");
    gate_wait_status(&w.gate, held, "delivered");
    for (unsigned i = 1; i < sizeof attacks / sizeof attacks[0]; i++) {
        (void)process_wait_nth(w.gate.process, i + 1, "channel.state", "channel=bad", "state=up", NULL);
        send_bad(&w, attacks[i], id);
        (void)process_wait_nth(w.gate.process, i + 1, "worker.died", "channel=bad", NULL);
        gate_wait_status(&w.gate, id, "in_doubt");
        gate_send_text(&w.gate, ana, attacks[i], sent);
        gate_wait_status(&w.gate, sent, "delivered");
    }
    assert_int_equal(worker_pid(&w, 0), pid);
    assert_int_equal(channel_num(&w, 0, "since_start/restarts"), 0);
    world_down(&w);
}

static void a_message_that_kills_is_quarantined(void **state)
{
    struct world w = {0};
    char id[64], other[64];

    (void)state;
    up(&w, "", "    in_doubt: resend\n    retry_min: 1ms\n    retry_max: 1ms\n");
    send_bad(&w, "die", id);
    gate_wait_status(&w.gate, id, "failed");
    (void)process_wait_nth(w.gate.process, 1, "message.quarantined", id, NULL);
    assert_int_equal(process_count(w.gate.process, "worker.died"), 3);
    /* Longer each time. */
    assert_true(process_saw(w.gate.process, "tried again in 1 s"));
    assert_true(process_saw(w.gate.process, "tried again in 2 s"));
    assert_true(process_saw(w.gate.process, "tried again in 4 s"));
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_non_null(strstr(a.body, "\"quarantined\""));
    answer_done(&a);
    send_bad(&w, "ok", other); /* and the channel goes on */
    gate_wait_status(&w.gate, other, "sent");
    world_down(&w);
}

/* ---- hangs ---- */

static void one_that_stops_is_killed_when_it_owes_something(void **state)
{
    struct world w = {.gate.extra_gateway = "  hung_after: 1s\n"};
    char id[64];
    int watched;
    pid_t pid;

    (void)state;
    up(&w, "", NULL);
    pid = worker_pid(&w, 0);
    watched = watch(pid);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    gate_send_text(&w.gate, ana, "hola", id);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wa", "state=down", "did not answer",
                           NULL);
    gate_wait_status(&w.gate, id, "in_doubt");
    gone(watched);
    (void)process_wait_nth(w.gate.process, 2, "channel.state", "channel=wa", "state=up", NULL);
    assert_int_equal(sim_count(&w.sim, "accepted"), 0); /* it had not got so far; nobody knew */
    world_down(&w);
}

static void *post_hook(void *arg)
{
    struct answer *a = arg;
    char url[128];

    (void)snprintf(url, sizeof url, "%s", a->body);
    a->body = NULL;
    *a = http_do("POST", url, NULL, "{}", NULL);
    return NULL;
}

static void a_request_that_it_had_is_answered_503(void **state)
{
    struct world w = {0};
    char url[128], id[128];
    struct answer a = {.body = url};
    pthread_t thread;
    pid_t pid;

    (void)state;
    up(&w, "", "");
    (void)snprintf(url, sizeof url, "%s/hooks/bad", w.gate.url);
    pid = worker_pid(&w, 1);
    assert_int_equal(pthread_create(&thread, NULL, post_hook, &a), 0);
    (void)process_wait_nth(w.gate.process, 1, "channel=bad", "has a request", NULL); /* never answered */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(a.status, 503);
    answer_done(&a);
    sim_text(&w.sim, "573001112233", "hola", id); /* others go on */
    sim_quiet(&w.sim);
    world_down(&w);
}

/* ---- the end ---- */

static void a_stop_lets_it_finish(void **state)
{
    struct world w = {0};
    char id[64];
    int watched;
    pid_t pid;

    (void)state;
    up(&w, "", NULL);
    pid = worker_pid(&w, 0);
    watched = watch(pid);
    /* What a service manager or a terminal sends to all of a service ends none of it. */
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(kill(pid, SIGINT), 0);
    gate_send_text(&w.gate, ana, "hola", id);
    gate_wait_status(&w.gate, id, "sent");
    process_signal(w.gate.process, SIGTERM);
    assert_int_equal(process_wait(w.gate.process), 0);
    assert_false(process_saw(w.gate.process, "worker.died"));
    gone(watched);
    process_free(&w.gate.process);
    world_down(&w);
}

static void it_ends_with_a_gateway_that_is_killed(void **state)
{
    struct world w = {0};
    char id[64];
    int good, spins;

    (void)state;
    up(&w, "", "");
    good = watch(worker_pid(&w, 0));
    spins = watch(worker_pid(&w, 1));
    send_bad(&w, "spin", id); /* even one that does not look at its link */
    (void)process_wait_nth(w.gate.process, 1, "channel=bad", "spins", NULL);
    gate_kill(&w.gate);
    gone(good);
    gone(spins);
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    world_down(&w);
}

/* ---- configuration ---- */

static void copy_file(const char *from, const char *to)
{
    size_t n;
    char *bytes = file_read(from, &n);
    FILE *f = fopen(to, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(to, 0755), 0);
    free(bytes);
}

static char *check(const char *hilod, const char *yaml, int status)
{
    const char *const argv[] = {hilod, "--check-config", "-c", yaml, NULL};
    struct process *p = process_start(argv);
    char *said = process_output(p);
    int got = process_wait(p);

    if (got != status)
        print_message("%s\n", said);
    assert_int_equal(got, status);
    process_free(&p);
    return said;
}

static void what_is_wrong_with_it_is_said(void **state)
{
    struct world w = {0};
    char hilod[256], alone[256], yaml[256], bad[256], *said, *text;
    size_t n;

    (void)state;
    up(&w, "", NULL);
    (void)snprintf(hilod, sizeof hilod, "%s/hilod", harness_build());
    (void)snprintf(yaml, sizeof yaml, "%s/hilo.yaml", w.scratch.dir);
    said = check(hilod, yaml, 0);
    free(said);
    /* Without hilo-worker. */
    (void)snprintf(alone, sizeof alone, "%s/hilod", w.scratch.dir);
    copy_file(hilod, alone);
    said = check(alone, yaml, 3);
    assert_non_null(strstr(said, "hilo-worker is neither beside hilod nor in ../libexec/hilo"));
    free(said);
    /* A user that is not there. */
    (void)snprintf(bad, sizeof bad, "%s/bad.yaml", w.scratch.dir);
    text = file_read(yaml, &n);
    FILE *f = fopen(bad, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "gateway:\n  worker_user: no-such-user\n%.*s", (int)(n - 9), text + 9) > 0);
    assert_int_equal(fclose(f), 0);
    free(text);
    said = check(hilod, bad, 3);
    assert_non_null(strstr(said, "bad.yaml:2:16: gateway.worker_user: there is no user \"no-such-user\""));
    free(said);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_built_without_the_store),
        cmocka_unit_test(it_has_no_right_that_it_does_not_need),
        cmocka_unit_test(nobody_else_starts_it),
        cmocka_unit_test(its_death_leaves_what_it_had_in_doubt),
        cmocka_unit_test(another_channel_notices_nothing),
        cmocka_unit_test(a_message_that_kills_is_quarantined),
        cmocka_unit_test(one_that_stops_is_killed_when_it_owes_something),
        cmocka_unit_test(a_request_that_it_had_is_answered_503),
        cmocka_unit_test(a_stop_lets_it_finish),
        cmocka_unit_test(it_ends_with_a_gateway_that_is_killed),
        cmocka_unit_test(what_is_wrong_with_it_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
