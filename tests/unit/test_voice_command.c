/*
 * A command of the operator's: its words, what it gets, and every way in which it may end.
 */
#include "../../plugins/voice/command.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { FDS = 8, TIMERS = 4 };

/* A host that has a clock, descriptors and timers. */
struct host {
    struct voice voice;
    struct pollfd fd[FDS];
    struct {
        uint32_t id;
        int64_t due;
    } timer[TIMERS];
    struct command *command;
    char text[COMMAND_TEXT_MAX + 1], why[200];
    unsigned n_done;
};

static int64_t now_us(struct hilo_self *self)
{
    struct timespec t;

    (void)self;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int32_t host_watch(struct hilo_self *self, int32_t fd, uint32_t events)
{
    struct host *h = (struct host *)(void *)self;
    unsigned i;

    for (i = 0; i < FDS && h->fd[i].fd != (events ? -1 : fd); i++)
        ;
    assert_true(i < FDS);
    h->fd[i] = (struct pollfd){.fd = events ? fd : -1, .events = POLLIN};
    return HILO_OK;
}

static int32_t host_timer(struct hilo_self *self, uint32_t id, int64_t due)
{
    struct host *h = (struct host *)(void *)self;
    unsigned i;

    for (i = 0; i < TIMERS && h->timer[i].id != (due ? 0 : id); i++)
        ;
    assert_true(i < TIMERS);
    h->timer[i].id = due ? id : 0;
    h->timer[i].due = due;
    return HILO_OK;
}

static void host_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    (void)self;
    (void)level;
    (void)text;
}

static void done(void *arg, struct hilo_str text, const char *why)
{
    struct host *h = arg;

    h->n_done++;
    h->command = NULL;
    if (text.n)
        memcpy(h->text, text.p, text.n);
    h->text[text.n] = 0;
    (void)snprintf(h->why, sizeof h->why, "%s", why ? why : "");
}

static void host_init(struct host *h)
{
    unsigned i;

    memset(h, 0, sizeof *h);
    for (i = 0; i < FDS; i++)
        h->fd[i].fd = -1;
    h->voice.self = (struct hilo_self *)(void *)h;
    h->voice.host = (struct hilo_host){.size = sizeof h->voice.host,
                                       .log = host_log,
                                       .mono_us = now_us,
                                       .watch = host_watch,
                                       .timer = host_timer};
    h->voice.timers = voice_timers_new();
    assert_non_null(h->voice.timers);
}

/* Nothing is left of it. */
static void host_done(struct host *h)
{
    unsigned i;

    for (i = 0; i < FDS; i++)
        assert_int_equal(h->fd[i].fd, -1);
    for (i = 0; i < TIMERS; i++)
        assert_int_equal(h->timer[i].id, 0);
    voice_timers_free(h->voice.timers);
}

static int a_file(const char *bytes)
{
    FILE *f = tmpfile();
    int fd;

    assert_non_null(f);
    (void)fputs(bytes, f);
    (void)fflush(f);
    fd = dup(fileno(f));
    (void)fclose(f);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void turn(struct host *h)
{
    int64_t now = now_us(NULL), next = now + 60000000;
    unsigned i;

    for (i = 0; i < TIMERS; i++)
        if (h->timer[i].id && h->timer[i].due < next)
            next = h->timer[i].due;
    assert_true(poll(h->fd, FDS, next > now ? (int)((next - now) / 1000) + 1 : 0) >= 0);
    for (i = 0; i < FDS && h->command; i++)
        if (h->fd[i].fd >= 0 && h->fd[i].revents)
            assert_true(command_on_fd(h->command, h->fd[i].fd, HILO_READ));
    for (i = 0; i < TIMERS; i++)
        if (h->timer[i].id && h->timer[i].due <= now_us(NULL)) {
            uint32_t id = h->timer[i].id;

            h->timer[i].id = 0;
            voice_timers_on(&h->voice, id);
        }
}

static void run(const char *line, const char *language, const char *in, int64_t timeout_us, const char *text,
                const char *why)
{
    char wrong[200];
    struct host h;

    host_init(&h);
    h.command = command_run(&h.voice, voice_str(line), language, a_file(in), timeout_us, done, &h, wrong);
    if (!h.command)
        fail_msg("%s: %s", line, wrong);
    while (!h.n_done)
        turn(&h);
    assert_int_equal(h.n_done, 1);
    if (strcmp(h.text, text) != 0 || !strstr(h.why, why) || (!*why && h.why[0]))
        fail_msg("%s: \"%.60s\" %s", line, h.text, h.why);
    host_done(&h);
}

static void every_end(void **state)
{
    const int64_t long_us = 20000000;

    (void)state;
    run("cat", "es", "lo que dijo", long_us, "lo que dijo", "");
    run("/bin/echo {language} \"a b\"  c\"d e\"f", "en", "", long_us, "en a b cd ef\n", "");
    run("sh -c \"printenv HILO_LANGUAGE LANG; printenv HOME || true\"", "es", "", long_us, "es\nC.UTF-8\n",
        "");
    run("sh -c \"cat >/dev/null; exit 3\"", "es", "x", long_us, "", "status 3");
    run("sh -c \"kill -KILL $$\"", "es", "x", long_us, "", "signal 9");
    /* no descriptor but its three, and that of the folder which the shell reads itself */
    run("sh -c \"cd /proc/$$/fd; echo *\"", "es", "", long_us, "0 1 2 3\n", "");
}

static void too_much_or_too_long(void **state)
{
    char wrong[200];
    struct host h;
    pid_t child;

    (void)state;
    run("sh -c \"yes | head -c 70000\"", "es", "", 20000000, "", "more than");
    run("sleep 600", "es", "", 50000, "", "too long");
    /* and what it has started, too: a pipe that somebody keeps open does not hold us up */
    host_init(&h);
    h.command = command_run(&h.voice, voice_str("sh -c \"sleep 600 & echo $!\""), "es", a_file(""), 20000000,
                            done, &h, wrong);
    assert_non_null(h.command);
    while (!h.n_done)
        turn(&h);
    assert_string_equal(h.why, "");
    child = (pid_t)atol(h.text);
    assert_true(child > 1);
    (void)kill(child, SIGKILL); /* it ended well: what it left is its own business */
    host_done(&h);
}

static void what_can_t_be_started(void **state)
{
    static const char *const lines[] = {"/no/such/program", "\"never closed", "   "};
    char wrong[200];
    struct host h;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof lines / sizeof *lines; i++) {
        host_init(&h);
        wrong[0] = 0;
        assert_null(command_run(&h.voice, voice_str(lines[i]), "es", a_file(""), 1000000, done, &h, wrong));
        assert_non_null(strstr(wrong, "can't be started"));
        assert_int_equal(h.n_done, 0);
        host_done(&h);
    }
    /* and one that is ended before its time, with the channel */
    host_init(&h);
    h.command = command_run(&h.voice, voice_str("sleep 600"), "es", a_file(""), 1000000, done, &h, wrong);
    assert_non_null(h.command);
    command_kill(h.command);
    assert_int_equal(h.n_done, 0);
    host_done(&h);
}

static void words(void **state)
{
    char *word[COMMAND_WORDS + 1], line[256], many[256] = "";
    unsigned i;

    (void)state;
    (void)strcpy(line, "  a  \"b c\" d\"\"e\t\"\" ");
    assert_int_equal(command_words(line, word), 4);
    assert_string_equal(word[0], "a");
    assert_string_equal(word[1], "b c");
    assert_string_equal(word[2], "de");
    assert_string_equal(word[3], "");
    assert_null(word[4]);
    for (i = 0; i < COMMAND_WORDS; i++)
        (void)strcat(many, "x ");
    (void)strcpy(line, many);
    assert_int_equal(command_words(line, word), COMMAND_WORDS);
    (void)strcat(many, "x");
    assert_int_equal(command_words(many, word), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(every_end),
        cmocka_unit_test(too_much_or_too_long),
        cmocka_unit_test(what_can_t_be_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
