/*
 * The gateway as a service: what it tells the service manager, by a socket that plays it,
 * and the unit, by systemd's own checks where they are installed.
 */
#include "harness.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct world w;

/* ---- the service manager's end ---- */

static int manager(const char *path)
{
    const struct timeval deadline = {.tv_sec = DEADLINE_S};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && n < sizeof a.sun_path);
    memcpy(a.sun_path, path, n);
    if (path[0] == '@')
        a.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                     0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline), 0);
    return fd;
}

/* The next message. */
static const char *hear(int fd)
{
    static char text[1024];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);

    if (n < 0)
        print_message("nothing was told: %s\n", strerror(errno));
    assert_true(n > 0);
    text[n] = '\0';
    return text;
}

/* Whether a message holds this line. */
static bool holds(const char *text, const char *line)
{
    size_t n = strlen(line);

    for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (strncmp(at, line, n) == 0 && (at[n] == '\n' || at[n] == '\0' || line[n - 1] == '='))
            return true;
    return false;
}

/* Passes by what else is said, but not what must not be: NULL, or a line. */
static const char *hear_until(int fd, const char *line, const char *not_before)
{
    for (;;) {
        const char *text = hear(fd);
        if (holds(text, line))
            return text;
        if (not_before && holds(text, not_before))
            fail_msg("%s was told before %s", not_before, line);
    }
}

static int64_t mono_us(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static char socket_env[160], watchdog_env[64], pid_env[64];

/* Starts the gateway with a manager at path; its end. */
static int up(const char *path, const char *watchdog_us, const char *watchdog_pid)
{
    int fd = manager(path), n = 0;

    memset(&w, 0, sizeof w);
    (void)snprintf(socket_env, sizeof socket_env, "NOTIFY_SOCKET=%s", path);
    w.gate.env[n++] = socket_env;
    if (watchdog_us) {
        (void)snprintf(watchdog_env, sizeof watchdog_env, "WATCHDOG_USEC=%s", watchdog_us);
        w.gate.env[n++] = watchdog_env;
    }
    if (watchdog_pid) {
        (void)snprintf(pid_env, sizeof pid_env, "WATCHDOG_PID=%s", watchdog_pid);
        w.gate.env[n++] = pid_env;
    }
    world_up(&w, NULL, NULL);
    return fd;
}

static const char *abstract(void)
{
    static char path[64];
    static unsigned nth;

    (void)snprintf(path, sizeof path, "@hilo-test-%ld-%u", (long)getpid(), nth++);
    return path;
}

/* ---- what it says ---- */

static void its_life_is_told(void **state)
{
    int fd = up(abstract(), NULL, NULL);

    (void)state;
    (void)hear_until(fd, "READY=1", "STOPPING=1");
    (void)hear_until(fd, "STATUS=Serving: 1 of 1 channels up", NULL);

    int64_t before = mono_us();
    process_signal(w.gate.process, SIGHUP);
    const char *reloading = hear_until(fd, "RELOADING=1", "READY=1");
    const char *at = strstr(reloading, "MONOTONIC_USEC=");
    assert_non_null(at);
    int64_t when = strtoll(at + 15, NULL, 10);
    assert_true(when >= before && when <= mono_us());
    (void)hear_until(fd, "READY=1", NULL);

    file_write(scratch_path(&w.scratch, "hilo.yaml"), "channels: [\n"); /* goes on, so it is ready again */
    struct answer a = gate_do(&w.gate, "POST", "/v1/config/reload", NULL);
    assert_int_equal(a.status, 422);
    answer_done(&a);
    (void)hear_until(fd, "RELOADING=1", NULL);
    (void)hear_until(fd, "READY=1", NULL);

    process_signal(w.gate.process, SIGTERM);
    (void)hear_until(fd, "STOPPING=1", NULL);
    assert_int_equal(process_wait(w.gate.process), 0);
    process_free(&w.gate.process);
    assert_false(recv(fd, (char[1]){0}, 1, MSG_DONTWAIT | MSG_TRUNC) > 0); /* nothing after it */
    (void)close(fd);
    world_down(&w);
}

static void it_is_ready_when_it_serves(void **state)
{
    char path[64];
    int fd;

    (void)state;
    (void)snprintf(path, sizeof path, "%s", abstract());
    fd = manager(path);
    memset(&w, 0, sizeof w);
    world_up(&w, NULL, NULL);
    gate_stop(&w.gate);
    (void)snprintf(socket_env, sizeof socket_env, "NOTIFY_SOCKET=%s", path);
    w.gate.env[0] = socket_env;
    gate_launch(&w.gate);
    (void)hear_until(fd, "READY=1", NULL);
    struct answer a = gate_get(&w.gate, "/readyz"); /* at once, with no second try */
    assert_int_equal(a.status, 200);
    answer_done(&a);
    (void)close(fd);
    world_down(&w);
}

static void a_path_serves_as_well_as_an_abstract_name(void **state)
{
    char path[64];

    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/hilo-test-notify-%ld", (long)getpid());
    (void)unlink(path);
    int fd = up(path, NULL, NULL);
    (void)hear_until(fd, "READY=1", NULL);
    (void)close(fd); /* a manager that is gone is no reason to stop */
    (void)unlink(path);
    process_signal(w.gate.process, SIGHUP);
    (void)process_wait_line(w.gate.process, "config.reloaded", NULL);
    world_down(&w);
}

/* Often enough, by the deadline of hear(), and not all the time. */
static void a_watchdog_is_patted_in_half_of_its_time(void **state)
{
    enum { PATS = 6, HALF_US = 200000 };
    char id[64];
    int64_t began = mono_us();
    int fd = up(abstract(), "400000", NULL);

    (void)state;
    for (unsigned i = 0; i < PATS; i++) {
        (void)hear_until(fd, "WATCHDOG=1", NULL);
        if (i == 2)
            gate_send_text(&w.gate, "+573001112233", "hola", id);
    }
    assert_true(mono_us() - began >= (PATS - 1) * HALF_US);
    (void)close(fd);
    world_down(&w);
}

static void a_watchdog_of_another_process_is_not_ours(void **state)
{
    int fd = up(abstract(), "20000", "1");
    bool all = false;

    (void)state;
    process_signal(w.gate.process, SIGTERM);
    while (!all) {
        const char *text = hear(fd);
        assert_false(holds(text, "WATCHDOG=1"));
        all = holds(text, "STOPPING=1");
    }
    assert_int_equal(process_wait(w.gate.process), 0);
    process_free(&w.gate.process);
    (void)close(fd);
    world_down(&w);
}

/* ---- the unit ---- */

/* Its exit status; $1 is the folder, $2 that of the binaries. */
static int shell(const struct scratch *s, const char *script)
{
    const char *const argv[] = {"/bin/sh", "-c", script, "sh", s->dir, harness_build(), NULL};
    struct process *p = process_start(argv);
    char *said = process_output(p);
    int status = process_wait(p);

    if (status)
        print_message("%s", said);
    free(said);
    process_free(&p);
    return status;
}

static void the_unit_stands_before_systemd(void **state)
{
    struct scratch s;

    (void)state;
    scratch_init(&s);
    if (shell(&s, "command -v systemd-analyze >/dev/null") != 0) {
        print_message("systemd-analyze is not installed: the unit is not checked here\n");
        scratch_done(&s);
        skip();
    }
    assert_int_equal(shell(&s, "mkdir $1/sbin $1/bin && cp $2/hilod $1/sbin && cp $2/hilo $1/bin && "
                               "sed \"s|@PREFIX@|$1|g\" conf/hilod.service >$1/hilod.service"),
                     0);
    assert_int_equal(shell(&s, "out=$(systemd-analyze verify --man=no $1/hilod.service 2>&1) && "
                               "[ -z \"$out\" ] || { echo \"$out\"; exit 1; }"),
                     0);
    /* Exposure in tenths: 100 is open, 0 sealed. */
    assert_int_equal(shell(&s, "systemd-analyze security --offline=yes --no-pager --threshold=30 "
                               "$1/hilod.service"),
                     0);
    scratch_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_life_is_told),
        cmocka_unit_test(it_is_ready_when_it_serves),
        cmocka_unit_test(a_path_serves_as_well_as_an_abstract_name),
        cmocka_unit_test(a_watchdog_is_patted_in_half_of_its_time),
        cmocka_unit_test(a_watchdog_of_another_process_is_not_ours),
        cmocka_unit_test(the_unit_stands_before_systemd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
