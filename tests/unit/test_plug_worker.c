/*
 * Workers that attack, die or hang, from the core's side: the core goes on, says what was
 * wrong, starts another, and keeps nothing. tests/plugins/hostile.c has the attacks.
 */
#include "base/ids.h"
#include "base/str.h"
#include "plug/instance.h"
#include "plug/plug.h"
#include "plug_harness.h"
#include <signal.h>
#include <sys/wait.h>

/* ---- a core that counts ---- */

static struct told {
    struct channel *ch;
    unsigned reports, submits, medias, states;
    uint64_t credit;
    int32_t code;
    int64_t retry_after_us;
    enum channel_state state;
    char text[256];
    pid_t pid;
} told;

static void up_submit(void *arg, struct channel *ch, uint64_t token, struct hilo_str message)
{
    (void)arg;
    (void)message;
    told.submits++;
    channel_committed(ch, token, HILO_OK);
}
static void up_report(void *arg, struct channel *ch, const struct hilo_report *r)
{
    (void)arg;
    (void)ch;
    told.reports++;
    told.credit++;
    told.code = r->code;
    told.retry_after_us = r->retry_after_us;
}
static void up_credit(void *arg, struct channel *ch, uint32_t n)
{
    (void)arg;
    (void)ch;
    told.credit += n;
}
static void up_context_get(void *arg, struct channel *ch, uint64_t token, struct hilo_str subject,
                           struct hilo_str key)
{
    (void)arg;
    (void)subject;
    (void)key;
    channel_context(ch, token, HILO_NOTFOUND, STR(""), 0);
}
static void up_context_put(void *arg, struct channel *ch, uint64_t token, struct hilo_str subject,
                           struct hilo_str key, struct hilo_str val, uint64_t if_version)
{
    (void)val;
    (void)if_version;
    up_context_get(arg, ch, token, subject, key);
}
static void up_answer(void *arg, struct channel *ch, uint64_t request, const struct hilo_http *h)
{
    (void)arg;
    (void)ch;
    (void)request;
    (void)h;
}
static void up_media_get(void *arg, struct channel *ch, uint64_t token, struct hilo_id media)
{
    (void)arg;
    (void)media;
    told.medias++;
    channel_media(ch, token, HILO_OK, open("/dev/null", O_RDONLY | O_CLOEXEC), STR(""), STR(""), 0);
}
static void up_fetched(void *arg, struct channel *ch, uint64_t job, int32_t code, struct hilo_str mime,
                       struct hilo_str detail, int64_t retry_after_us)
{
    (void)arg;
    (void)ch;
    (void)job;
    (void)code;
    (void)mime;
    (void)detail;
    (void)retry_after_us;
}
static void up_state(void *arg, struct channel *ch, enum channel_state state, struct hilo_str text)
{
    (void)arg;
    told.states++;
    told.state = state;
    snprintf(told.text, sizeof told.text, "%.*s", STR_FMT(text));
    if (state == CHANNEL_UP)
        told.pid = channel_pid(ch);
    if (state == CHANNEL_CLOSED)
        channel_free(&told.ch);
}
static void up_nothing(void *arg, struct channel *ch)
{
    (void)arg;
    (void)ch;
}
static void up_template(void *arg, struct channel *ch, struct hilo_str group)
{
    (void)arg;
    (void)ch;
    (void)group;
}
static void up_reconfigured(void *arg, struct channel *ch, int32_t code)
{
    (void)arg;
    (void)ch;
    (void)code;
}

static void up_api(void *arg, struct channel *ch, uint64_t token, const struct hilo_http *h)
{
    (void)arg;
    (void)h;
    channel_api_answer(ch, token, HILO_NOSUP, NULL);
}
static void up_follow(void *arg, struct channel *ch, struct hilo_str types, struct hilo_str after)
{
    (void)arg;
    (void)ch;
    (void)types;
    (void)after;
}

static void up_file_open(void *arg, struct channel *ch, uint64_t token, struct hilo_str name, uint32_t flags)
{
    (void)arg;
    (void)flags;
    if (!str_eqz(name, "never"))
        channel_file(ch, token, HILO_NOTFOUND, -1, 0);
}
static void up_file_remove(void *arg, struct channel *ch, uint64_t token, struct hilo_str name)
{
    up_file_open(arg, ch, token, name, 0);
}
static void up_file_list(void *arg, struct channel *ch, uint64_t token)
{
    (void)arg;
    channel_files(ch, token, HILO_OK, STR(""));
}

static const struct plug_up up = {.submit = up_submit,
                                  .report = up_report,
                                  .credit = up_credit,
                                  .context_get = up_context_get,
                                  .context_put = up_context_put,
                                  .answer = up_answer,
                                  .media_get = up_media_get,
                                  .fetched = up_fetched,
                                  .state = up_state,
                                  .room = up_nothing,
                                  .template_begin = up_nothing,
                                  .template_put = up_template,
                                  .template_end = up_nothing,
                                  .reconfigured = up_reconfigured,
                                  .api = up_api,
                                  .follow = up_follow,
                                  .file_open = up_file_open,
                                  .file_remove = up_file_remove,
                                  .file_list = up_file_list};

static struct loop *loop;
static struct plugins *plugins;
static struct worker_options worker;
static unsigned fds;

static int set_up(void **state)
{
    struct err e;

    (void)state;
    memset(&told, 0, sizeof told);
    worker = (struct worker_options){.path = harness_beside("hilo-worker")};
    fds = harness_count("/proc/self/fd");
    plugins = plugins_new(NULL);
    return loop_new(&e, &loop) == HILO_OK ? 0 : -1;
}

static unsigned links_mapped(void)
{
    char line[512];
    unsigned n = 0;
    FILE *f = fopen("/proc/self/maps", "r");

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, "hilo-link") != NULL;
    fclose(f);
    return n;
}

static int tear_down(void **state)
{
    (void)state;
    assert_null(told.ch);
    plugins_free(&plugins);
    loop_free(&loop);
    assert_int_equal(harness_count("/proc/self/fd"), fds);
    assert_int_equal(links_mapped(), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, not even a zombie */
    return 0;
}

static bool flushed(void)
{
    if (told.ch)
        channel_flush(told.ch);
    return true;
}
#define UNTIL(cond) HARNESS_UNTIL(loop, flushed() && (cond))

static void start(int64_t hung_us)
{
    struct channel_options o = {
        .name = "test", .loop = loop, .up = &up, .hung_us = hung_us, .worker = &worker};
    char path[512];
    struct err e;

    memset(&told, 0, sizeof told);
    if (plugins_describe(plugins, harness_plugin("hostile", path), &worker, &e, &o.plugin) != HILO_OK ||
        channel_new(&o, &e, &told.ch) != HILO_OK)
        fail_msg("%s", e.text);
    UNTIL(told.credit == 10 && told.state == CHANNEL_UP);
    assert_true(told.pid > 0 && channel_isolated(told.ch));
}

static void close_it(void)
{
    channel_drain(told.ch, clock_mono_us() + 200 * 1000);
    UNTIL(told.ch == NULL);
}

static void send_text(uint32_t n, const char *text)
{
    uint8_t bytes[256];
    struct hilo_writer w;

    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, str(text));
    hilo_close(&w);
    assert_int_equal(channel_send(told.ch, harness_id(n), hilo_written(&w)), HILO_OK);
    told.credit--;
}

/* ---- ---- */

static void test_it_dies_and_another_comes(void **state)
{
    struct channel_stats s;
    pid_t first;

    (void)state;
    start(0);
    first = told.pid;
    send_text(1, "ok");
    UNTIL(told.reports == 1);
    send_text(2, "die");
    UNTIL(told.state == CHANNEL_DOWN);
    assert_non_null(strstr(told.text, "died of signal 9"));
    assert_non_null(strstr(told.text, "tried again in 1 s"));
    assert_int_equal(channel_pid(told.ch), 0);
    assert_false(channel_runs(told.ch)); /* so what it had is in doubt */
    assert_int_equal(channel_send(told.ch, harness_id(3), STR("x")), HILO_DOWN);
    told.credit = 0;
    UNTIL(told.state == CHANNEL_UP && told.credit == 10);
    assert_true(told.pid > 0 && told.pid != first);
    send_text(4, "ok");
    UNTIL(told.reports == 2);
    send_text(5, "exit");
    UNTIL(told.state == CHANNEL_DOWN);
    assert_non_null(strstr(told.text, "ended with status 7; tried again in 2 s"));
    channel_stats(told.ch, &s);
    assert_int_equal(s.restarts, 1);
    assert_int_equal(s.deaths, 2);
    close_it();
}

static void test_what_it_reported_before_it_died_counts(void **state)
{
    siginfo_t info;

    (void)state;
    start(0);
    send_text(1, "last");
    channel_flush(told.ch);
    assert_int_equal(waitid(P_PID, (id_t)told.pid, &info, WEXITED | WNOWAIT), 0); /* before we look */
    UNTIL(told.state == CHANNEL_DOWN);
    assert_int_equal(told.reports, 1);
    close_it();
}

static void test_attacks_end_the_worker_only(void **state)
{
    static const struct {
        const char *what, *words;
        int64_t hung_us;
    } attacks[] = {
        {"scribble", "malformed frames", 0},
        {"head", "malformed frames", 0},
        {"lengths", "malformed frames", 0},
        {"alien", "malformed frames", 0},
        {"secret", "what only an inspected plugin says", 0},
        {"missing", "malformed frames", 0},
        {"gift", "malformed frames", 0},
        {"pipe", "malformed frames", 0},
        {"hole", "malformed frames", 0},
        {"deaf", "died of signal 9", 0},
        {"greedy", "did not take what it had asked for", 0},
        {"flood", "did not take what it had asked for", 0},
        {"path", "a name that no file has", 0},
        {"files", "more questions for files than it may have out", 0},
        {"stop", "did not answer", 500 * 1000},
        {"spin", "did not ", 500 * 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        start(attacks[i].hung_us);
        send_text(1, attacks[i].what);
        UNTIL(told.state == CHANNEL_DOWN);
        if (!strstr(told.text, attacks[i].words))
            fail_msg("%s: %s", attacks[i].what, told.text);
        assert_int_equal(told.reports, 0);
        assert_int_equal(kill(told.pid, 0), -1);
        close_it();
    }
}

static void test_descriptors_that_no_frame_names(void **state)
{
    (void)state;
    start(0);
    send_text(1, "fds");
    for (uint32_t n = 2; n < 100; n++) {
        UNTIL(told.reports == n - 1);
        send_text(n, "ok");
    }
    UNTIL(told.reports == 99);
    assert_int_equal(told.state, CHANNEL_UP);
    close_it();
}

static void test_wake_ups_that_would_wait(void **state)
{
    (void)state;
    start(500 * 1000);
    send_text(1, "bells");
    send_text(2, "ok");
    /* Its own host may wait in a read that it made to; ours never, in neither direction. */
    UNTIL(told.reports == 1 || told.state == CHANNEL_DOWN);
    close_it();
}

static void test_numbers_that_can_not_be(void **state)
{
    (void)state;
    start(500 * 1000);
    send_text(1, "times"); /* in memory that we look at when we send */
    channel_flush(told.ch);
    while (told.state == CHANNEL_UP) {
        int32_t code = channel_send(told.ch, harness_id(2), STR("x"));
        assert_true(code == HILO_OK || code == HILO_DOWN || code == HILO_FULL);
        UNTIL(true);
        loop_run(loop, true);
    }
    assert_non_null(strstr(told.text, "did not answer"));
    close_it();
    start(500 * 1000);
    send_text(1, "credit");
    UNTIL(told.credit > 10);
    assert_true(told.credit <= INSTANCE_CREDIT_MAX);
    UNTIL(told.state == CHANNEL_DOWN); /* what its host writes next is not where we are */
    assert_true(told.credit <= INSTANCE_CREDIT_MAX);
    close_it();
    start(500 * 1000);
    send_text(1, "retry");
    UNTIL(told.reports == 1);
    assert_int_equal(told.code, HILO_AGAIN);
    assert_true(told.retry_after_us > 0 && told.retry_after_us <= INT64_C(30) * 86400 * 1000000);
    close_it();
}

static void test_a_worker_that_does_not_close_is_killed(void **state)
{
    (void)state;
    start(0);
    send_text(1, "stop");
    UNTIL(told.ch != NULL);
    channel_drain(told.ch, clock_mono_us() - 5 * 1000 * 1000 + 300 * 1000); /* and 5 s on top */
    UNTIL(told.ch == NULL);
    assert_int_equal(told.state, CHANNEL_CLOSED);
    assert_non_null(strstr(told.text, "did not close in time"));
    assert_int_equal(kill(told.pid, 0), -1);
}

static void test_a_hundred_kills_leave_nothing(void **state)
{
    unsigned open = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        start(0);
        send_text(1, i % 2 ? "hold" : "die");
        channel_flush(told.ch);
        if (i % 2)
            kill(told.pid, SIGKILL);
        UNTIL(told.state == CHANNEL_DOWN);
        close_it();
        if (i == 0)
            open = harness_count("/proc/self/fd");
        assert_int_equal(harness_count("/proc/self/fd"), open);
        assert_int_equal(links_mapped(), 0);
    }
}

/* ---- what a file is, told by a worker ---- */

static bool same(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static void test_a_description_is_what_loading_gives(void **state)
{
    struct plugin *loaded, *described, *again;
    const struct hilo_plugin *a, *b;
    char path[512];
    struct err e;

    (void)state;
    assert_int_equal(plugins_load(plugins, harness_plugin("echo", path), &e, &loaded), HILO_OK);
    assert_int_equal(plugins_describe(plugins, path, &worker, &e, &described), HILO_OK);
    assert_ptr_not_equal(loaded, described);
    assert_int_equal(plugins_describe(plugins, path, &worker, &e, &again), HILO_OK);
    assert_ptr_equal(described, again);
    a = plugin_desc(loaded);
    b = plugin_desc(described);
    assert_null(b->open); /* nothing of it can be called */
    assert_true(same(a->name, b->name) && same(a->version, b->version) && same(a->summary, b->summary) &&
                same(a->license, b->license));
    assert_true(a->provides == b->provides && a->requires == b->requires && a->minor == b->minor);
    assert_int_equal(a->conf_size, b->conf_size);
    assert_int_equal(a->n_options, b->n_options);
    for (uint32_t i = 0; i < a->n_options; i++) {
        const struct hilo_option *x = &a->options[i], *y = &b->options[i];
        assert_true(same(x->name, y->name) && same(x->def, y->def) && same(x->choices, y->choices) &&
                    same(x->help, y->help));
        assert_true(x->type == y->type && x->flags == y->flags && x->offset == y->offset &&
                    x->min == y->min && x->max == y->max);
    }
    assert_memory_equal(plugin_abilities(loaded), plugin_abilities(described), sizeof(struct hilo_abilities));
    assert_int_equal(plugin_reconfigures(loaded), plugin_reconfigures(described));
}

static void test_a_file_that_can_not_be_described(void **state)
{
    static const struct {
        const char *name, *words;
    } files[] = {{"BROKEN_constructor", "ends the process that loads it (signal "},
                 {"BROKEN_option_offset", "option 1 (number): its field is not within conf_size"},
                 {"BROKEN_other_major", "version 2"},
                 {"none", "there is no such file"}};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct plugin *p = NULL;
        char path[512];
        struct err e = {0};

        assert_int_not_equal(plugins_describe(plugins, harness_plugin(files[i].name, path), &worker, &e, &p),
                             HILO_OK);
        if (!strstr(e.text, files[i].words))
            fail_msg("%s: %s", files[i].name, e.text);
        assert_null(p);
    }
}

static void test_no_worker_to_execute(void **state)
{
    struct plugin *p = NULL;
    char path[512];
    struct err e = {0};

    (void)state;
    worker.path = "/nonexistent/hilo-worker";
    assert_int_equal(plugins_describe(plugins, harness_plugin("echo", path), &worker, &e, &p), HILO_IO);
    assert_non_null(strstr(e.text, "/nonexistent/hilo-worker"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_it_dies_and_another_comes),
        T(test_what_it_reported_before_it_died_counts),
        T(test_attacks_end_the_worker_only),
        T(test_descriptors_that_no_frame_names),
        T(test_wake_ups_that_would_wait),
        T(test_numbers_that_can_not_be),
        T(test_a_worker_that_does_not_close_is_killed),
        T(test_a_hundred_kills_leave_nothing),
        T(test_a_description_is_what_loading_gives),
        T(test_a_file_that_can_not_be_described),
        T(test_no_worker_to_execute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
