/* The event loop: descriptors, timers, wake-ups, signals, idleness. */
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct loop_fd *watch[2];
    struct loop_timer *timer[3];
    struct loop_wake *wake;
    int order[8], n;
    int fd[2][2];
    int signo;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err e;

    assert_int_equal(loop_new(&e, &f->loop), HILO_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pipe(f->fd[i]), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        loop_fd_free(&f->watch[i]);
        close(f->fd[i][0]);
        close(f->fd[i][1]);
    }
    for (int i = 0; i < 3; i++)
        loop_timer_free(&f->timer[i]);
    loop_wake_free(&f->wake);
    loop_free(&f->loop);
    free(f);
    return 0;
}

static void read_one(void *arg, int fd, unsigned events)
{
    struct fixture *f = arg;
    char c;

    assert_int_equal(events, LOOP_READ);
    assert_int_equal(read(fd, &c, 1), 1);
    f->order[f->n++] = c;
}

static void a_poll_runs_what_is_ready_and_no_more(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_fd_new(f->loop, f->fd[0][0], LOOP_READ, read_one, f, &f->watch[0]), HILO_OK);
    assert_int_equal(loop_run(f->loop, false), 0);
    assert_int_equal(write(f->fd[0][1], "ab", 2), 2);
    assert_int_equal(loop_run(f->loop, false), 1);
    assert_int_equal(loop_run(f->loop, false), 1); /* level-triggered */
    assert_int_equal(loop_run(f->loop, false), 0);
    assert_int_equal(f->order[0], 'a');
    assert_int_equal(f->order[1], 'b');
    assert_int_equal(loop_fd_events(f->watch[0], 0), HILO_OK);
    assert_int_equal(write(f->fd[0][1], "c", 1), 1);
    assert_int_equal(loop_run(f->loop, false), 0);
    assert_int_equal(loop_fd_events(f->watch[0], LOOP_READ), HILO_OK);
    assert_int_equal(loop_run(f->loop, true), 1);
    assert_int_equal(loop_wakeups(f->loop), 1);
}

static void free_both(void *arg, int fd, unsigned events)
{
    struct fixture *f = arg;

    (void)fd;
    (void)events;
    f->n++;
    loop_fd_free(&f->watch[0]);
    loop_fd_free(&f->watch[1]);
}

static void a_callback_may_free_itself_and_others_that_are_ready(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(loop_fd_new(f->loop, f->fd[i][0], LOOP_READ, free_both, f, &f->watch[i]), HILO_OK);
        assert_int_equal(write(f->fd[i][1], "x", 1), 1);
    }
    assert_int_equal(loop_run(f->loop, false), 1);
    assert_int_equal(loop_run(f->loop, false), 0);
    assert_int_equal(f->n, 1);
}

static void t0(void *arg)
{
    struct fixture *f = arg;
    f->order[f->n++] = 0;
}
static void t1(void *arg)
{
    struct fixture *f = arg;
    f->order[f->n++] = 1;
}
static void t2(void *arg)
{
    struct fixture *f = arg;

    f->order[f->n++] = 2;
    loop_timer_cancel(f->timer[0]);
}

static void timers_fire_in_order_and_cancel(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_mono_us();

    f->timer[0] = loop_timer_new(f->loop, t0, f);
    f->timer[1] = loop_timer_new(f->loop, t1, f);
    f->timer[2] = loop_timer_new(f->loop, t2, f);
    loop_timer_at(f->timer[0], now + 1000000000);
    loop_timer_at(f->timer[1], now + 20000);
    loop_timer_at(f->timer[2], now + 5000);
    loop_timer_at(f->timer[1], now + 10000); /* replaces */
    assert_int_equal(loop_timer_due(f->timer[1]), now + 10000);
    while (f->n < 2)
        loop_run(f->loop, true);
    assert_int_equal(f->order[0], 2);
    assert_int_equal(f->order[1], 1);
    assert_int_equal(loop_timer_due(f->timer[0]), 0);
    assert_int_equal(loop_timer_due(f->timer[1]), 0);
    assert_true(clock_mono_us() >= now + 10000);
    loop_timer_at(f->timer[0], 1); /* the past */
    assert_int_equal(loop_run(f->loop, true), 1);
}

static void *give(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < 3; i++)
        loop_wake_give(f->wake);
    return NULL;
}

static void a_wake_from_a_thread_counts_once(void **state)
{
    struct fixture *f = *state;
    pthread_t t;

    assert_int_equal(loop_wake_new(f->loop, t1, f, &f->wake), HILO_OK);
    assert_int_equal(pthread_create(&t, NULL, give, f), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(loop_run(f->loop, true), 1);
    assert_int_equal(loop_run(f->loop, false), 0);
    assert_int_equal(f->n, 1);
}

static void signaled(void *arg, int signo)
{
    struct fixture *f = arg;

    f->signo = signo;
}

static void a_blocked_signal_arrives_on_the_loop(void **state)
{
    struct fixture *f = *state;
    const int signos[] = {SIGUSR1, SIGHUP};
    struct loop_signal *s = NULL;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    assert_int_equal(loop_signal_new(f->loop, signos, 2, signaled, f, &s), HILO_OK);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(loop_run(f->loop, true), 1);
    assert_int_equal(f->signo, SIGHUP);
    loop_signal_free(&s);
}

/* ---- what is never early, never lost, never awake ---- */

struct late {
    struct fixture *f;
    int64_t due;
};

static void runs_when_due(void *arg)
{
    struct late *l = arg;

    assert_true(clock_mono_us() >= l->due);
    l->f->n++;
}

static void works_then_arms(void *arg)
{
    struct late *l = arg;
    int64_t end = clock_mono_us() + 8000;

    while (clock_mono_us() < end) /* a turn that takes its time */
        ;
    l->due = clock_mono_us() + 2000;
    loop_timer_at(l->f->timer[1], l->due);
    loop_timer_free(&l->f->timer[0]); /* its own */
}

static void a_delay_counts_from_when_it_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct late l = {.f = f};

    f->timer[0] = loop_timer_new(f->loop, works_then_arms, &l);
    f->timer[1] = loop_timer_new(f->loop, runs_when_due, &l);
    loop_timer_at(f->timer[0], 1);
    while (f->n == 0)
        loop_run(f->loop, true);
    assert_null(f->timer[0]);
}

static void rearms(void *arg)
{
    struct fixture *f = arg;

    if (++f->n < 3)
        loop_timer_at(f->timer[0], -5);
}

static void the_past_is_the_next_turn(void **state)
{
    struct fixture *f = *state;

    f->timer[0] = loop_timer_new(f->loop, rearms, f);
    assert_int_equal(loop_timer_due(f->timer[0]), 0);
    loop_timer_at(f->timer[0], INT64_MAX);
    assert_int_equal(loop_run(f->loop, false), 0);
    loop_timer_at(f->timer[0], INT64_MIN);
    assert_int_not_equal(loop_timer_due(f->timer[0]), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(loop_run(f->loop, true), 1);
        assert_int_equal(f->n, i);
    }
    assert_int_equal(loop_run(f->loop, false), 0);
    loop_timer_at(f->timer[0], 0); /* armed, unlike what loop_timer_due says of 0 */
    assert_int_equal(loop_run(f->loop, false), 1);
}

enum { GIVES = 20000 };
struct giver {
    struct fixture *f;
    _Atomic unsigned said; /* counted before each give */
    unsigned heard;
};

static void *give_many(void *arg)
{
    struct giver *g = arg;

    for (int i = 0; i < GIVES; i++) {
        g->said++;
        loop_wake_give(g->f->wake);
    }
    return NULL;
}

static void hear(void *arg)
{
    struct giver *g = arg;

    g->heard = g->said;
}

static void no_wake_is_lost(void **state)
{
    struct fixture *f = *state;
    struct giver g = {.f = f};
    pthread_t t;

    assert_int_equal(loop_wake_new(f->loop, hear, &g, &f->wake), HILO_OK);
    assert_int_equal(pthread_create(&t, NULL, give_many, &g), 0);
    while (g.heard < GIVES) /* would sleep for ever on a lost one */
        assert_int_equal(loop_run(f->loop, true), 1);
    assert_int_equal(pthread_join(t, NULL), 0);
}

static void frees_its_wake(void *arg)
{
    struct fixture *f = arg;

    f->n++;
    loop_wake_free(&f->wake);
}

static void a_wake_may_free_itself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(loop_wake_new(f->loop, frees_its_wake, f, &f->wake), HILO_OK);
    loop_wake_give(f->wake);
    assert_int_equal(loop_run(f->loop, true), 1);
    assert_null(f->wake);
    assert_int_equal(loop_run(f->loop, false), 0);
}

static void sees_both(void *arg, int fd, unsigned events)
{
    struct fixture *f = arg;

    (void)fd;
    f->order[f->n++] = (int)events;
}

static void readiness_comes_in_one_call_with_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    int pair[2];
    char c;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(loop_fd_new(f->loop, pair[0], LOOP_READ | LOOP_WRITE, sees_both, f, &f->watch[0]),
                     HILO_OK);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_int_equal(loop_run(f->loop, false), 1);
    assert_int_equal(read(pair[0], &c, 1), 1);
    assert_int_equal(loop_run(f->loop, false), 1);
    assert_int_equal(loop_fd_events(f->watch[0], LOOP_READ), HILO_OK);
    assert_int_equal(loop_run(f->loop, false), 0);
    close(pair[1]); /* its end is read as an end of file */
    assert_int_equal(loop_run(f->loop, true), 1);
    assert_int_equal(f->order[0], LOOP_READ | LOOP_WRITE);
    assert_int_equal(f->order[1], LOOP_WRITE);
    assert_int_equal(f->order[2], LOOP_READ);
    loop_fd_free(&f->watch[0]);
    close(pair[0]);
}

static void what_epoll_refuses_is_an_error(void **state)
{
    struct fixture *f = *state;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(loop_fd_new(f->loop, file, LOOP_READ, read_one, f, &f->watch[0]), HILO_IO);
    assert_null(f->watch[0]);
    close(file);
}

static void an_idle_loop_never_wakes(void **state)
{
    struct fixture *f = *state;

    /* All is there and nothing is due for 30 ms: exactly one wake-up. */
    assert_int_equal(loop_fd_new(f->loop, f->fd[0][0], LOOP_READ, read_one, f, &f->watch[0]), HILO_OK);
    assert_int_equal(loop_wake_new(f->loop, t0, f, &f->wake), HILO_OK);
    f->timer[0] = loop_timer_new(f->loop, t0, f);
    f->timer[1] = loop_timer_new(f->loop, t1, f);
    loop_timer_at(f->timer[0], INT64_MAX / 2);
    loop_timer_at(f->timer[1], clock_mono_us() + 30000);
    assert_int_equal(loop_run(f->loop, true), 1);
    assert_int_equal(loop_wakeups(f->loop), 1);
    assert_int_equal(f->n, 1);
    assert_int_equal(f->order[0], 1);
    assert_int_equal(loop_run(f->loop, false), 0);
}

/* ---- processes ---- */

struct ended {
    int signal, status, n;
};

static void on_ended(void *arg, int signal, int status)
{
    struct ended *e = arg;

    *e = (struct ended){signal, status, e->n + 1};
}

static pid_t child(int status)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (status >= 0)
            _exit(status);
        for (;;)
            (void)pause();
    }
    return pid;
}

static void the_end_of_a_child_is_told_once_and_it_is_reaped(void **state)
{
    struct fixture *f = *state;
    struct loop_process *p = NULL;
    struct ended e = {0};
    pid_t pid = child(7);

    assert_int_equal(loop_process_new(f->loop, pid, on_ended, &e, &p), HILO_OK);
    while (!e.n)
        (void)loop_run(f->loop, true);
    assert_int_equal(e.signal, 0);
    assert_int_equal(e.status, 7);
    assert_int_equal(loop_run(f->loop, false), 0);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* no zombie */
    loop_process_signal(p, SIGKILL);                   /* nobody is hit */
    loop_process_free(&p);
    pid = child(-1);
    assert_int_equal(loop_process_new(f->loop, pid, on_ended, &e, &p), HILO_OK);
    loop_process_signal(p, SIGTERM);
    while (e.n < 2)
        (void)loop_run(f->loop, true);
    assert_int_equal(e.signal, SIGTERM);
    assert_int_equal(e.status, 0);
    loop_process_free(&p);
}

static void a_child_that_is_forgotten_is_ended(void **state)
{
    struct fixture *f = *state;
    struct loop_process *p = NULL;
    struct ended e = {0};
    pid_t pid = child(-1);

    assert_int_equal(loop_process_new(f->loop, pid, on_ended, &e, &p), HILO_OK);
    loop_process_free(&p);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
    assert_int_equal(loop_run(f->loop, false), 0);
    assert_int_equal(e.n, 0);
    assert_int_not_equal(loop_process_new(f->loop, pid, on_ended, &e, &p), HILO_OK); /* there is none */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_poll_runs_what_is_ready_and_no_more),
        T(a_callback_may_free_itself_and_others_that_are_ready),
        T(timers_fire_in_order_and_cancel),
        T(a_wake_from_a_thread_counts_once),
        T(a_blocked_signal_arrives_on_the_loop),
        T(a_delay_counts_from_when_it_is_asked_for),
        T(the_past_is_the_next_turn),
        T(no_wake_is_lost),
        T(a_wake_may_free_itself),
        T(readiness_comes_in_one_call_with_what_was_asked_for),
        T(what_epoll_refuses_is_an_error),
        T(an_idle_loop_never_wakes),
        T(the_end_of_a_child_is_told_once_and_it_is_reaped),
        T(a_child_that_is_forgotten_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
