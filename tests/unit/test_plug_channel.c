/*
 * Channels, from the core's side: what a well-behaved plugin can do, and the rules that
 * hold for one that is not. Each test leaves no descriptor, thread or process behind, and
 * all but a few run twice: with the plugin on a thread, and in a worker process.
 */
#include "base/str.h"
#include "plug/instance.h"
#include "plug/plug.h"
#include "plug_harness.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* ---- a core that writes down what it is asked ---- */

enum { REPORTS_MAX = 64 };

struct told {
    struct channel *ch;
    unsigned submits, contexts, answers, medias, fetches, states, rooms, reports, reconfigured, apis, follows;
    int32_t reconfigured_code;
    uint64_t credit;
    struct {
        struct hilo_id id;
        int32_t code;
        char ext_id[64], more[64], reason[64];
        uint64_t detail_n;
        int64_t retry_after_us;
        uint32_t scope, flags;
    } report[REPORTS_MAX];
    uint64_t submit_next; /* MODE_FLOOD: the message that must come next */
    bool submit_order_ok, hold_commits, answer_restart_by_drain;
    char put_val[64], types[64], after[64];
    unsigned files, listed;
    uint32_t file_flags, answer_status;
    uint64_t answer_n;
    char answer_body[64];
    int32_t fetched_code;
    char fetched_mime[64];
    enum channel_state seen[64];
    char text[256];
    struct hilo_id media;
    char templates[64]; /* "(" begin, the name of each put, ")" end */
};

static void up_submit(void *arg, struct channel *ch, uint64_t token, struct hilo_str message)
{
    struct told *t = arg;
    uint64_t n = 0;

    if (message.n >= 8)
        memcpy(&n, message.p, 8);
    t->submit_order_ok &= n == t->submits && token == t->submits;
    t->submits++;
    if (!t->hold_commits)
        channel_committed(ch, token, HILO_OK);
}

static void up_report(void *arg, struct channel *ch, const struct hilo_report *r)
{
    struct told *t = arg;

    (void)ch;
    assert_true(t->reports < REPORTS_MAX);
    t->report[t->reports].id = r->id;
    t->report[t->reports].code = r->code;
    t->report[t->reports].detail_n = r->detail.n;
    t->report[t->reports].retry_after_us = r->retry_after_us;
    t->report[t->reports].scope = r->scope;
    t->report[t->reports].flags = r->flags;
    snprintf(t->report[t->reports].ext_id, 64, "%.*s", STR_FMT(r->ext_id));
    for (uint64_t i = 0, n = 0; i < r->n_more_ext_ids; i++)
        n +=
            (uint64_t)snprintf(t->report[t->reports].more + n, 64 - n, "(%.*s)", STR_FMT(r->more_ext_ids[i]));
    snprintf(t->report[t->reports].reason, 64, "%.*s", STR_FMT(r->reason));
    t->reports++;
    t->credit++;
}

static void up_credit(void *arg, struct channel *ch, uint32_t n)
{
    (void)ch;
    ((struct told *)arg)->credit += n;
}

static void up_context_get(void *arg, struct channel *ch, uint64_t token, struct hilo_str subject,
                           struct hilo_str key)
{
    struct told *t = arg;

    assert_true(str_eq(key, STR("last")) && subject.n == 0);
    t->contexts++;
    channel_context(ch, token, HILO_OK, str(t->put_val), 1);
}

static void up_context_put(void *arg, struct channel *ch, uint64_t token, struct hilo_str subject,
                           struct hilo_str key, struct hilo_str val, uint64_t if_version)
{
    struct told *t = arg;

    assert_true(str_eq(key, STR("last")) && subject.n == 0 && if_version == UINT64_MAX);
    t->contexts++;
    snprintf(t->put_val, sizeof t->put_val, "%.*s", STR_FMT(val));
    channel_context(ch, token, HILO_OK, STR(""), 1);
}

static void up_answer(void *arg, struct channel *ch, uint64_t request, const struct hilo_http *h)
{
    struct told *t = arg;

    (void)ch;
    (void)request;
    t->answers++;
    t->answer_status = h->status;
    t->answer_n = h->body.n;
    assert_int_equal(h->n_header, 1);
    snprintf(t->answer_body, sizeof t->answer_body, "%.*s", STR_FMT(h->body));
}

static void up_media_get(void *arg, struct channel *ch, uint64_t token, struct hilo_id media)
{
    struct told *t = arg;
    int pair[2];

    t->medias++;
    t->media = media;
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(write(pair[1], "photo", 5), 5);
    close(pair[1]);
    channel_media(ch, token, HILO_OK, pair[0], STR("image/jpeg"), STR("a.jpg"), 5);
}

static void up_fetched(void *arg, struct channel *ch, uint64_t job, int32_t code, struct hilo_str mime,
                       struct hilo_str detail, int64_t retry_after_us)
{
    struct told *t = arg;

    (void)ch;
    (void)detail;
    (void)retry_after_us;
    assert_int_equal(job, 42);
    t->fetches++;
    t->fetched_code = code;
    snprintf(t->fetched_mime, sizeof t->fetched_mime, "%.*s", STR_FMT(mime));
}

static void up_state(void *arg, struct channel *ch, enum channel_state state, struct hilo_str text)
{
    struct told *t = arg;

    assert_true(t->states < 64);
    t->seen[t->states++] = state;
    snprintf(t->text, sizeof t->text, "%.*s", STR_FMT(text));
    if (state == CHANNEL_CLOSED)
        channel_free(&t->ch); /* allowed here */
    else if (state == CHANNEL_STARTING && t->answer_restart_by_drain)
        channel_drain(ch, clock_mono_us());
}

static void up_room(void *arg, struct channel *ch)
{
    (void)ch;
    ((struct told *)arg)->rooms++;
}

static void template_note(struct told *t, struct hilo_str s)
{
    size_t n = strlen(t->templates);

    snprintf(t->templates + n, sizeof t->templates - n, "%.*s", STR_FMT(s));
}

static void up_template_begin(void *arg, struct channel *ch)
{
    (void)ch;
    template_note(arg, STR("("));
}

static void up_template_put(void *arg, struct channel *ch, struct hilo_str group)
{
    (void)ch;
    template_note(arg, hilo_get_str(group, HILO_T_TEMPLATE_NAME));
}

static void up_template_end(void *arg, struct channel *ch)
{
    (void)ch;
    template_note(arg, STR(")"));
}

static void up_reconfigured(void *arg, struct channel *ch, int32_t code)
{
    struct told *t = arg;

    (void)ch;
    t->reconfigured++;
    t->reconfigured_code = code;
}

static void up_api(void *arg, struct channel *ch, uint64_t token, const struct hilo_http *h)
{
    struct told *t = arg;
    const struct hilo_kv headers[] = {{STR("Content-Type"), STR("application/json")},
                                      {STR("ETag"), STR("7")}};
    const struct hilo_http a = {
        .size = sizeof a, .status = 201, .body = h->body, .header = headers, .n_header = 2, .sink_fd = -1};

    t->apis++;
    if (str_eqz(h->url, "/v1/x")) /* it waits */
        return;
    assert_string_equal(channel_name(ch), "test");
    assert_true(str_eqz(h->method, "POST") && str_eqz(h->url, "/v1/things?a=b") && h->n_header == 1);
    assert_true(str_eqz(h->header[0].key, "Idempotency-Key") && str_eqz(h->header[0].val, "k1"));
    channel_api_answer(ch, token, HILO_OK, &a);
}

static void up_follow(void *arg, struct channel *ch, struct hilo_str types, struct hilo_str after)
{
    struct told *t = arg;

    (void)ch;
    t->follows++;
    snprintf(t->types, sizeof t->types, "%.*s", STR_FMT(types));
    snprintf(t->after, sizeof t->after, "%.*s", STR_FMT(after));
}

/* Of files, "gone" is none, "big.list" leads to a list that travels apart; each opened has "voice" in it. */
static void up_file_open(void *arg, struct channel *ch, uint64_t token, struct hilo_str name, uint32_t flags)
{
    struct told *t = arg;
    int pair[2];

    t->files++;
    t->file_flags = flags;
    if (str_eqz(name, "gone")) {
        channel_file(ch, token, HILO_NOTFOUND, -1, 0);
        return;
    }
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(write(pair[1], "voice", 5), 5);
    close(pair[1]);
    channel_file(ch, token, HILO_OK, pair[0], 5);
}

static void up_file_remove(void *arg, struct channel *ch, uint64_t token, struct hilo_str name)
{
    ((struct told *)arg)->files++;
    channel_file(ch, token, str_eqz(name, "gone") ? HILO_NOTFOUND : HILO_OK, -1, 0);
}

static void up_file_list(void *arg, struct channel *ch, uint64_t token)
{
    struct told *t = arg;
    char *names = malloc(200000), *at = names;

    assert_non_null(names);
    t->files++;
    for (unsigned i = 0; i < t->listed; i++)
        at += sprintf(at, "rec-%05u.wav\n", i);
    channel_files(ch, token, HILO_OK, str_n(names, (size_t)(at - names)));
    free(names);
}

static struct told told;
static const struct plug_up up = {
    &told,           up_submit,  up_report, up_credit,    up_context_get,    up_context_put,  up_answer,
    up_media_get,    up_fetched, up_state,  up_room,      up_template_begin, up_template_put, up_template_end,
    up_reconfigured, up_api,     up_follow, up_file_open, up_file_remove,    up_file_list};

static struct loop *loop;
static struct plugins *plugins;
static unsigned fds, threads;
static bool isolated; /* in a worker */
static char worker_path[512];
static const struct worker_options worker = {.path = worker_path};
static int64_t worker_hung_us;

static int set_up(void **state)
{
    struct err e;

    isolated = *state != NULL;
    worker_hung_us = 10 * 1000 * 1000;
    snprintf(worker_path, sizeof worker_path, "%s", harness_beside("hilo-worker"));
    memset(&told, 0, sizeof told);
    told.submit_order_ok = true;
    threads = harness_count("/proc/self/task");
    fds = harness_count("/proc/self/fd");
    plugins = plugins_new(NULL);
    return loop_new(&e, &loop) == HILO_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    assert_null(told.ch);
    plugins_free(&plugins);
    loop_free(&loop);
    assert_int_equal(harness_count("/proc/self/fd"), fds);
    assert_int_equal(harness_count("/proc/self/task"), threads);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, not even a zombie */
    return 0;
}

static void start_with(const char *file, const void *conf)
{
    struct channel_options o = {
        .name = "test", .conf = conf, .loop = loop, .up = &up, .user = &told, .hung_us = 50 * 1000};
    char path[512];
    struct err e;
    int32_t code;

    if (isolated) {
        o.worker = &worker;
        o.hung_us = worker_hung_us;
        code = plugins_describe(plugins, harness_plugin(file, path), &worker, &e, &o.plugin);
    } else {
        code = plugins_load(plugins, harness_plugin(file, path), &e, &o.plugin);
    }
    if (code != HILO_OK)
        fail_msg("%s", e.text);
    if (channel_new(&o, &e, &told.ch) != HILO_OK)
        fail_msg("%s", e.text);
    assert_string_equal(channel_name(told.ch), "test");
    assert_ptr_equal(channel_user(told.ch), &told);
}

/* Turns as the daemon does: the loop, then what the turn has put down is shown. */
static bool flushed(void)
{
    if (told.ch)
        channel_flush(told.ch);
    return true;
}
#define UNTIL(cond) HARNESS_UNTIL(loop, flushed() && (cond))

static void close_it(void)
{
    channel_drain(told.ch, clock_mono_us() + 5 * 1000 * 1000);
    assert_int_equal(channel_state(told.ch, NULL), CHANNEL_DRAINING);
    UNTIL(told.ch == NULL);
    assert_int_equal(told.seen[told.states - 1], CHANNEL_CLOSED);
}

/* ---- echo ---- */

struct echo_conf {
    struct hilo_str greeting;
    int64_t credit;
    uint64_t sms;
    int64_t segments_max;
};

static const char *echo_file = "echo";

static void start_echo(void)
{
    char greeting[] = "good day";
    struct echo_conf conf = {str(greeting), 10, 0, 10};

    start_with(echo_file, &conf);
    memset(greeting, '!', 8); /* the instance has its own copy */
    memset(&conf, 0xff, sizeof conf);
    UNTIL(told.credit == 10 && told.states == 1);
    assert_int_equal(told.seen[told.states - 1], CHANNEL_UP);
    assert_string_equal(told.text, "good day");
}

static int32_t send_text(uint32_t n, const char *text, struct hilo_id media)
{
    uint8_t bytes[512];
    struct hilo_writer w;
    int32_t code;

    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, str(text));
    hilo_put_id(&w, HILO_T_CONTENT_MEDIA, media);
    hilo_close(&w);
    code = channel_send(told.ch, harness_id(n), hilo_written(&w));
    if (code == HILO_OK)
        told.credit--;
    channel_flush(told.ch);
    return code;
}

static void expect_report(unsigned i, uint32_t n, int32_t code, const char *ext_id, const char *reason)
{
    struct hilo_id id = harness_id(n);

    UNTIL(told.reports > i);
    assert_memory_equal(&told.report[i].id, &id, sizeof id);
    assert_int_equal(told.report[i].code, code);
    assert_string_equal(told.report[i].ext_id, ext_id);
    assert_string_equal(told.report[i].reason, reason);
}

static void test_all_that_a_plugin_can_do(void **state)
{
    struct hilo_http h = {.size = sizeof h,
                          .method = STR("POST"),
                          .url = STR("/in"),
                          .body = STR("\0\0\0\0\0\0\0\0in"),
                          .sink_fd = -1};
    char path[] = "/tmp/hilo-fetch-XXXXXX", text[32] = "";
    uint8_t bytes[128];
    struct hilo_writer w;
    int fd;

    (void)state;
    start_echo();
    assert_int_equal(send_text(1, "hola", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_OK, "hola", "");
    assert_int_equal(send_text(2, "timer", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_OK, "timed", "");
    assert_int_equal(send_text(3, "thread", harness_id(9)), HILO_OK);
    expect_report(2, 3, HILO_OK, "woken", "");
    assert_int_equal(send_text(4, "watch", harness_id(9)), HILO_OK);
    expect_report(3, 4, HILO_OK, "watched", "");
    assert_int_equal(send_text(5, "media", harness_id(99)), HILO_OK);
    expect_report(4, 5, HILO_OK, "photo", "");
    assert_int_equal(told.media.b[12], 99);
    assert_int_equal(send_text(6, "http://127.0.0.1:1/", harness_id(9)),
                     HILO_OK); /* nobody listens on port 1 */
    expect_report(5, 6, HILO_TEMP, "0", "");
    assert_int_equal(told.report[5].scope, HILO_SCOPE_MESSAGE);
    assert_int_equal(send_text(7, "template_a", harness_id(9)), HILO_OK);
    expect_report(6, 7, HILO_AGAIN, "", "");
    assert_int_equal(told.report[6].scope, HILO_SCOPE_CONVERSATION);
    assert_int_equal(told.report[6].retry_after_us, 6000000);
    assert_string_equal(told.templates, "(template_a)"); /* in order, before the report */
    assert_int_equal(send_text(8, "several D a1 - c3", harness_id(9)), HILO_OK);
    expect_report(7, 8, HILO_IN_DOUBT, "a1", "several");
    assert_string_equal(told.report[7].more, "()(c3)");
    assert_int_equal(told.credit, 10);

    assert_int_equal(channel_request(told.ch, 7, &h), HILO_OK);
    channel_flush(told.ch);
    UNTIL(told.answers == 1);
    assert_int_equal(told.answer_status, 200);
    assert_string_equal(told.answer_body, "committed");
    h.url = STR("/context");
    h.body = STR("remembered");
    assert_int_equal(channel_request(told.ch, 8, &h), HILO_OK);
    channel_flush(told.ch);
    UNTIL(told.answers == 2);
    assert_string_equal(told.answer_body, "remembered");

    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, STR("a file"));
    hilo_close(&w);
    fd = mkstemp(path);
    assert_int_equal(
        channel_fetch(told.ch, 42, hilo_written(&w), STR(": its part 2"), fcntl(fd, F_DUPFD_CLOEXEC, 0)),
        HILO_OK);
    channel_flush(told.ch);
    UNTIL(told.fetches == 1);
    assert_int_equal(told.fetched_code, HILO_OK);
    assert_string_equal(told.fetched_mime, "text/plain");
    assert_int_equal(pread(fd, text, sizeof text - 1, 0), 18);
    assert_string_equal(text, "a file: its part 2");
    close(fd);
    unlink(path);
    close_it();
    assert_int_equal(told.reports, 8);
}

static void test_a_request_to_the_api_is_answered(void **state)
{
    (void)state;
    start_echo();
    assert_int_equal(send_text(1, "api POST /v1/things?a=b {\"x\":1}", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_OK, "201 {\"x\":1} 2", "");
    assert_int_equal(told.apis, 1);
    /* Only so many wait at a time. */
    assert_int_equal(send_text(2, "apis 300", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_OK, "256", "");
    UNTIL(told.apis == 257);
    /* What it has asked before it drains is still answered, and it waits for that. */
    channel_drain(told.ch, clock_mono_us() + 60 * 1000 * 1000);
    for (unsigned i = 0; i < HILO_API_MAX; i++)
        channel_api_answer(told.ch, UINT64_MAX - i, HILO_IO, NULL);
    UNTIL(told.ch == NULL);
}

static void test_events_come_one_by_one_and_are_held_back(void **state)
{
    static const char id[] = "evt_00000000000000000000000001";
    unsigned put = 0, n = 1, rooms;

    (void)state;
    start_echo();
    assert_int_equal(channel_event(told.ch, str(id), STR("{}")), HILO_NOSUP); /* it follows nothing */
    assert_int_equal(send_text(n++, "follow a.*,b not_an_id", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_OK, "no", "");
    assert_int_equal(send_text(n++, "follow a.*,b evt_00000000000000000000000001", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_OK, "follows", "");
    UNTIL(told.follows == 1);
    assert_string_equal(told.types, "a.*,b");
    assert_string_equal(told.after, id);
    /* More than it has dealt with are refused until it has: then there is room. */
    rooms = told.rooms;
    while (channel_event(told.ch, str(id), STR("{\"n\":1}")) == HILO_OK)
        put++;
    assert_in_range(put, 2, 1000);
    assert_int_equal(channel_event(told.ch, str(id), STR("{}")), HILO_FULL);
    UNTIL(told.rooms > rooms);
    assert_int_equal(channel_event(told.ch, STR(""), STR("{\"n\":2}")), HILO_OK);
    put++;
    /* What it followed before is not told it any more, and takes no room. */
    assert_int_equal(send_text(n, "events", harness_id(9)), HILO_OK);
    UNTIL(told.reports == 3);
    assert_int_equal(atoi(told.report[2].ext_id), put);
    assert_non_null(strstr(told.report[2].ext_id, "{\"n\":2}"));
    assert_int_equal(send_text(++n, "follow c", harness_id(9)), HILO_OK);
    assert_int_equal(channel_event(told.ch, str(id), STR("{\"n\":3}")), HILO_OK);
    channel_flush(told.ch);
    UNTIL(told.follows == 2);
    assert_string_equal(told.after, "");
    assert_int_equal(channel_event(told.ch, str(id), STR("{\"n\":4}")), HILO_OK);
    assert_int_equal(send_text(++n, "events", harness_id(9)), HILO_OK);
    UNTIL(told.reports == 5);
    assert_int_equal(atoi(told.report[4].ext_id), 1);
    assert_non_null(strstr(told.report[4].ext_id, "{\"n\":4}"));
    close_it();
}

static void test_a_channel_has_files(void **state)
{
    (void)state;
    start_echo();
    assert_int_equal(send_text(1, "file create rec-1.wav", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_OK, "0 5 voice", "");
    assert_int_equal(told.file_flags, HILO_FILE_CREATE);
    assert_int_equal(send_text(2, "file open gone", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_OK, "-14 0 ", "");
    assert_int_equal(told.file_flags, 0);
    assert_int_equal(send_text(3, "file remove rec-1.wav", harness_id(9)), HILO_OK);
    expect_report(2, 3, HILO_OK, "0 0 ", "");
    assert_int_equal(send_text(4, "file list", harness_id(9)), HILO_OK);
    expect_report(3, 4, HILO_OK, "0 none", "");
    told.listed = HILO_FILES_MAX; /* more than a ring's frame holds */
    assert_int_equal(send_text(5, "file list", harness_id(9)), HILO_OK);
    expect_report(4, 5, HILO_OK, "0 10000 rec-00000.wav rec-09999.wav", "");
    assert_int_equal(told.files, 5);
    /* What is no name gets nowhere. */
    static const char *const bad[] = {"file open ", "file open .x", "file open a/b", "file create ..",
                                      "file remove a b"};
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(send_text(10 + i, bad[i], harness_id(9)), HILO_OK);
        expect_report(5 + i, 10 + i, HILO_PERM, "", "refused");
    }
    assert_int_equal(told.files, 5);
    close_it();
}

static void test_what_nobody_took_is_said(void **state)
{
    (void)state;
    start_echo();
    assert_int_equal(send_text(1, "untaken", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_TEMP, "", "");
    assert_int_equal(told.report[0].flags, HILO_REPORT_UNTAKEN); /* no bit that is none */
    assert_int_equal(send_text(2, "untaken!", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_PERM, "", "");
    assert_int_equal(told.report[1].flags, 0);
    close_it();
}

/* It goes on with what it has in flight, and keeps the new options, which are its own. */
static void test_an_instance_takes_new_options(void **state)
{
    char greeting[] = "good night";
    struct echo_conf conf = {str(greeting), 10, 0, 10}, never = {STR("never"), 10, 0, 10};
    unsigned states;

    (void)state;
    start_echo();
    states = told.states;
    assert_int_equal(send_text(1, "timer", harness_id(9)), HILO_OK);
    assert_int_equal(channel_reconfigure(told.ch, &conf), HILO_OK);
    channel_flush(told.ch);
    memset(greeting, '!', 10);
    UNTIL(told.reconfigured == 1 && told.states == states + 1);
    assert_int_equal(told.reconfigured_code, HILO_OK);
    assert_string_equal(told.text, "good night");
    expect_report(0, 1, HILO_OK, "timed", "");

    assert_int_equal(channel_reconfigure(told.ch, &never), HILO_OK);
    UNTIL(told.reconfigured == 2);
    assert_int_equal(told.reconfigured_code, HILO_NOSUP);
    assert_int_equal(told.states, states + 1); /* nothing else came of it */
    assert_int_equal(send_text(2, "hola", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_OK, "hola", "");
    close_it();
}

static void test_a_plugin_built_on_the_frozen_headers_works_the_same(void **state)
{
    echo_file = "echo_v1.0";
    test_all_that_a_plugin_can_do(state);
    echo_file = "echo";
}

static void test_big_bodies_cross_both_ways(void **state)
{
    struct hilo_http h = {.size = sizeof h, .method = STR("POST"), .url = STR("/big"), .sink_fd = -1};
    size_t n = 5 << 20;
    char *body = calloc(1, n);

    (void)state;
    assert_non_null(body);
    start_echo();
    h.body = str_n(body, n);
    assert_int_equal(channel_request(told.ch, 1, &h), HILO_OK);
    free(body);
    channel_flush(told.ch);
    UNTIL(told.answers == 1);
    assert_int_equal(told.answer_n, n);
    assert_int_equal(told.answer_body[0], 'b');
    close_it();
}

static void test_what_the_core_can_not_do(void **state)
{
    struct hilo_http h = {.size = sizeof h, .url = STR("/"), .sink_fd = -1};

    (void)state;
    start_echo();
    assert_int_equal(channel_send(told.ch, harness_id(1), STR("")), HILO_INVALID);
    assert_int_equal(channel_request(told.ch, 1, &h), HILO_INVALID);
    assert_int_equal(channel_fetch(told.ch, 1, STR("x"), STR("1"), -1), HILO_INVALID);
    assert_int_equal(channel_fetch(told.ch, 1, STR("x"), STR(""), 0), HILO_INVALID);
    channel_drain(told.ch, clock_mono_us() + 1000 * 1000);
    assert_int_equal(channel_send(told.ch, harness_id(1), STR("x")), HILO_DOWN);
    UNTIL(told.ch == NULL);
}

static void test_a_revoked_send_is_reported_once(void **state)
{
    uint16_t port;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char url[64];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    port = ntohs(a.sin_port);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port); /* connects, never answers */
    start_echo();
    assert_int_equal(send_text(1, url, harness_id(9)), HILO_OK);
    channel_revoke(told.ch, harness_id(1));
    channel_revoke(told.ch, harness_id(2)); /* nobody knows it */
    channel_flush(told.ch);
    expect_report(0, 1, HILO_AGAIN, "", "revoked");
    channel_drain(told.ch, clock_mono_us() + 50 * 1000); /* the request is still under way */
    UNTIL(told.ch == NULL);
    assert_int_equal(told.reports, 1);
    close(fd);
}

static void test_idle_is_asleep_on_both_loops(void **state)
{
    struct channel_stats before, after;
    struct loop_timer *t;
    uint64_t wakeups;
    bool over = false;

    (void)state;
    start_echo();
    assert_int_equal(send_text(1, "hola", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_OK, "hola", "");
    t = loop_timer_new(loop, harness_late, &over);
    loop_timer_at(t, clock_mono_us() + 50 * 1000); /* both settle */
    while (!over)
        loop_run(loop, true);
    over = false;
    channel_stats(told.ch, &before);
    wakeups = loop_wakeups(loop);
    loop_timer_at(t, clock_mono_us() + 300 * 1000);
    while (!over)
        loop_run(loop, true);
    channel_stats(told.ch, &after);
    assert_int_equal(loop_wakeups(loop) - wakeups, 1); /* our timer */
    assert_int_equal(after.loop_wakeups, before.loop_wakeups);
    assert_int_equal(after.wakes_up + after.wakes_down, before.wakes_up + before.wakes_down);
    assert_true(after.frames_up >= 3 && after.frames_down == (isolated ? 2 : 1)); /* SETUP */
    assert_int_equal(after.stalls, 0);
    loop_timer_free(&t);
    close_it();
}

/* ---- rogue ---- */

enum { /* as in tests/plugins/rogue.c */
       MODE_CONFIG = 0,
       MODE_DOWN,
       MODE_SLOW,
       MODE_HANG,
       MODE_SILENT,
       MODE_TWICE,
       MODE_FLOOD,
       MODE_AGAIN,
       MODE_CREDIT,
       MODE_THREAD,
       MODE_CODES,
       MODE_FORGETS,
       MODE_STATES,
       MODE_LARGE
};

struct rogue_conf {
    int64_t mode, fd, count;
};

static void start_rogue(int64_t mode, int fd, int64_t count)
{
    static struct rogue_conf conf;

    conf = (struct rogue_conf){mode, fd, count};
    start_with("rogue", &conf);
}

static void start_rogue_up(int64_t mode, int fd)
{
    start_rogue(mode, fd, 0);
    UNTIL(told.credit == 2);
}

static void test_a_misconfigured_plugin_is_stopped(void **state)
{
    (void)state;
    start_rogue(MODE_CONFIG, -1, 0);
    UNTIL(told.states == 1);
    assert_int_equal(told.seen[0], CHANNEL_STOPPED);
    assert_non_null(strstr(told.text, "the token is missing"));
    assert_int_equal(channel_send(told.ch, harness_id(1), STR("x")), HILO_DOWN);
    close_it();
    assert_int_equal(told.states, 2);
}

static void test_a_plugin_that_is_down_is_tried_again(void **state)
{
    int64_t began = clock_mono_us();
    struct channel_stats s;

    (void)state;
    start_rogue(MODE_DOWN, -1, 0);
    UNTIL(told.states == 3);
    assert_int_equal(told.seen[0], CHANNEL_DOWN);
    assert_int_equal(told.seen[1], CHANNEL_STARTING);
    assert_int_equal(told.seen[2], CHANNEL_DOWN);
    assert_true(clock_mono_us() - began >= 1000 * 1000);
    assert_non_null(strstr(told.text, "tried again in 2 s"));
    channel_stats(told.ch, &s);
    assert_int_equal(s.restarts, 1);
    close_it(); /* while it waits */
    memset(&told, 0, sizeof told);
    told.answer_restart_by_drain = true; /* and while it is about to start */
    start_rogue(MODE_DOWN, -1, 0);
    UNTIL(told.ch == NULL && told.states);
    assert_int_equal(told.states, 3);
    assert_int_equal(told.seen[2], CHANNEL_CLOSED);
}

static void test_a_slow_callback_is_counted(void **state)
{
    struct channel_stats s;

    (void)state;
    start_rogue_up(MODE_SLOW, -1);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_OK, "", "");
    channel_stats(told.ch, &s);
    assert_int_equal(s.stalls, 1);
    close_it();
}

static void test_a_plugin_that_hangs_is_given_up(void **state)
{
    int pair[2];
    unsigned before;

    (void)state;
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    before = harness_count("/proc/self/fd");
    start_rogue_up(MODE_HANG, pair[0]);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    /* its time is over 50 ms from now */
    channel_drain(told.ch, clock_mono_us() - 5 * 1000 * 1000 + 50 * 1000);
    UNTIL(told.ch == NULL);
    assert_string_equal(told.text, "the plugin hung and was given up");
    assert_int_equal(told.reports, 0);
    assert_int_equal(harness_count("/proc/self/task"), threads + 1);
    /* should it ever come back, it finds nobody, ends, and leaves nothing */
    assert_int_equal(write(pair[1], "x", 1), 1);
    for (int64_t began = clock_mono_us();
         harness_count("/proc/self/task") != threads || harness_count("/proc/self/fd") != before;)
        assert_true(clock_mono_us() - began < 10 * 1000 * 1000);
    close(pair[0]);
    close(pair[1]);
}

static void test_a_hang_is_told_and_so_is_its_end(void **state)
{
    struct loop_timer *t;
    bool over = false;
    int pair[2];

    (void)state;
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    start_rogue_up(MODE_HANG, pair[0]);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    t = loop_timer_new(loop, harness_late, &over);
    loop_timer_at(t, clock_mono_us() + 100 * 1000);
    UNTIL(over);
    loop_timer_free(&t);
    assert_int_equal(channel_state(told.ch, NULL), CHANNEL_UP); /* nobody wanted anything */
    assert_int_equal(send_text(2, "x", harness_id(9)), HILO_DOWN);
    assert_int_equal(channel_state(told.ch, NULL), CHANNEL_UP); /* not from within */
    UNTIL(told.seen[told.states - 1] == CHANNEL_DOWN);
    assert_string_equal(told.text, "the plugin has not come back from send() for more than 50 ms");
    assert_int_equal(write(pair[1], "x", 1), 1);
    UNTIL(told.seen[told.states - 1] == CHANNEL_UP); /* although the plugin says nothing */
    channel_drain(told.ch, clock_mono_us());
    UNTIL(told.ch == NULL);
    assert_int_equal(told.reports, 1);
    close(pair[0]);
    close(pair[1]);
}

static void test_a_missing_report_is_in_doubt(void **state)
{
    (void)state;
    start_rogue_up(MODE_SILENT, -1);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    assert_int_equal(send_text(2, "x", harness_id(9)), HILO_OK);
    channel_drain(told.ch, clock_mono_us() + 20 * 1000);
    UNTIL(told.ch == NULL);
    assert_int_equal(told.reports, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(told.report[i].code, HILO_IN_DOUBT);
        assert_string_equal(told.report[i].reason, "no_report");
    }
}

static void test_a_second_report_is_dropped(void **state)
{
    (void)state;
    start_rogue_up(MODE_TWICE, -1);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    assert_int_equal(send_text(2, "x", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_OK, "", "");
    close_it();
    assert_int_equal(told.reports, 2); /* and not the code of send(), nor that of a stranger */
    expect_report(0, 1, HILO_OK, "", "");
    assert_int_equal(told.credit, 2);
}

static void test_sends_without_credit_come_back(void **state)
{
    (void)state;
    start_rogue_up(MODE_SILENT, -1);
    for (uint32_t n = 1; n <= 3; n++)
        assert_int_equal(channel_send(told.ch, harness_id(n), STR("x")), HILO_OK);
    assert_int_equal(channel_send(told.ch, harness_id(1), STR("x")), HILO_OK); /* still out */
    channel_flush(told.ch);
    expect_report(0, 3, HILO_AGAIN, "", "no_credit");
    channel_drain(told.ch, clock_mono_us());
    UNTIL(told.ch == NULL);
    assert_int_equal(told.reports, 3);
}

static void test_credit_has_a_ceiling(void **state)
{
    (void)state;
    start_rogue(MODE_CREDIT, -1, 0);
    UNTIL(told.credit > 0);
    assert_int_equal(told.credit, INSTANCE_CREDIT_MAX);
    close_it();
}

static void test_a_send_not_taken_waits_for_credit(void **state)
{
    (void)state;
    start_rogue_up(MODE_AGAIN, -1);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    assert_int_equal(send_text(2, "x", harness_id(9)), HILO_OK);
    /* the second made it give three: one takes the first back, two are new */
    expect_report(0, 1, HILO_AGAIN, "", "not_taken");
    UNTIL(told.credit == 3);
    close_it();
    expect_report(1, 2, HILO_AGAIN, "", "draining");
    assert_int_equal(told.reports, 2);
}

static void test_codes_that_are_no_outcome(void **state)
{
    (void)state;
    start_rogue_up(MODE_CODES, -1);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_PERM, "", "refused");
    assert_int_equal(send_text(2, "x", harness_id(9)), HILO_OK);
    expect_report(1, 2, HILO_IN_DOUBT, "", "refused");
    close_it();
}

static void test_a_host_call_from_another_thread_is_refused(void **state)
{
    (void)state;
    start_rogue_up(MODE_THREAD, -1);
    UNTIL(told.states == 1);
    assert_int_equal(told.seen[0], CHANNEL_UP); /* it was told HILO_BUG */
    assert_true(told.text[0]);                  /* and what it said of its state came with it */
    assert_int_equal(told.submits, 0);
    close_it();
}

static void test_a_flood_is_held_back_and_all_of_it_arrives(void **state)
{
    enum { COUNT = 100000 };
    struct channel_stats s;

    (void)state;
    told.hold_commits = true;
    start_rogue(MODE_FLOOD, -1, COUNT);
    UNTIL(told.submits == INSTANCE_ASKED_MAX);
    assert_int_equal(loop_run(loop, false), 0); /* no more is asked until something is answered */
    told.hold_commits = false;
    for (uint64_t i = 0; i < INSTANCE_ASKED_MAX; i++)
        channel_committed(told.ch, i, HILO_OK);
    channel_flush(told.ch);
    while (told.submits < COUNT) {
        loop_run(loop, true);
        channel_flush(told.ch);
    }
    assert_true(told.submit_order_ok);
    channel_stats(told.ch, &s);
    assert_true(s.wakes_up < COUNT / 10); /* a wake-up for many */
    close_it();
    assert_int_equal(told.submits, COUNT);
}

static void test_the_core_is_told_of_room(void **state)
{
    static char text[60000];
    int pair[2];
    uint32_t n = 0;
    int32_t code;

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    start_rogue_up(MODE_HANG, pair[0]);
    do {
        code = channel_send(told.ch, harness_id(++n), str_n(text, sizeof text));
        channel_flush(told.ch); /* it hangs in the first */
    } while (code == HILO_OK && n < 1000);
    assert_int_equal(code, HILO_FULL);
    assert_true(n > 5);
    assert_int_equal(told.rooms, 0);
    for (uint64_t i = 0; i < 3000; i++)
        channel_committed(told.ch, i,
                          HILO_OK); /* more than the ring has room for: these get there all the same */
    channel_flush(told.ch);
    assert_int_equal(write(pair[1], "xx", 2), 2);
    UNTIL(told.rooms == 1 && told.reports == n - 3); /* two had credit */
    channel_drain(told.ch, clock_mono_us());
    UNTIL(told.ch == NULL);
    assert_int_equal(told.reports, n - 1); /* exactly one each */
    close(pair[0]);
    close(pair[1]);
}

static void test_a_drain_gets_through_a_full_link(void **state)
{
    static char text[60000];
    int pair[2];
    uint32_t n = 0;

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    start_rogue_up(MODE_HANG, pair[0]);
    while (channel_send(told.ch, harness_id(++n), str_n(text, sizeof text)) == HILO_OK)
        channel_flush(told.ch);
    for (uint64_t i = 0; i < 3000; i++)
        channel_committed(told.ch, i, HILO_OK); /* fill the ring, and more */
    channel_drain(told.ch, clock_mono_us() + 50 * 1000);
    assert_int_equal(write(pair[1], "xx", 2), 2);
    UNTIL(told.ch == NULL);
    assert_string_equal(told.text, ""); /* not given up */
    assert_int_equal(told.reports, n - 1);
    close(pair[0]);
    close(pair[1]);
}

static void test_what_is_left_at_close_is_answered(void **state)
{
    struct hilo_http h = {.size = sizeof h, .method = STR("GET"), .url = STR("/"), .sink_fd = -1};
    int pair[2];

    (void)state;
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    start_rogue_up(MODE_FORGETS, pair[0]);
    assert_int_equal(channel_fetch(told.ch, 42, STR("x"), STR("1"), fcntl(pair[0], F_DUPFD_CLOEXEC, 0)),
                     HILO_OK);
    assert_int_equal(channel_request(told.ch, 1, &h), HILO_OK);
    channel_drain(told.ch, clock_mono_us() + 20 * 1000);
    UNTIL(told.ch == NULL);
    assert_int_equal(told.fetches, 1);
    assert_int_equal(told.fetched_code, HILO_TEMP);
    assert_int_equal(told.answers, 0);
    close(pair[0]);
    close(pair[1]);
}

static void test_states_that_a_plugin_says(void **state)
{
    static const enum channel_state expected[] = {CHANNEL_UP, CHANNEL_DOWN, CHANNEL_STOPPED};

    (void)state;
    start_rogue_up(MODE_STATES, -1);
    for (uint32_t n = 1; n <= 2; n++) {
        assert_int_equal(send_text(n, "x", harness_id(9)), HILO_OK);
        UNTIL(told.states == n + 1);
        assert_int_equal(told.seen[n], expected[n]);
        assert_string_equal(told.text, "so it says");
    }
    assert_int_equal(send_text(3, "x", harness_id(9)), HILO_DOWN);
    close_it();
}

static void test_what_is_too_large_is_cut_or_refused(void **state)
{
    (void)state;
    start_rogue_up(MODE_LARGE, -1);
    assert_int_equal(send_text(1, "x", harness_id(9)), HILO_OK);
    expect_report(0, 1, HILO_PERM, "", "refused");
    assert_int_equal(told.report[0].detail_n, 4096);
    assert_int_equal(told.submits, 0);
    close_it();
}

int main(void)
{
    static char in_worker;
#define THREAD(name)                                                                                         \
    {                                                                                                        \
#name, name, set_up, tear_down, NULL                                                                 \
    }
#define WORKER(name)                                                                                         \
    {                                                                                                        \
#name " (worker)", name, set_up, tear_down, &in_worker                                               \
    }
#define T(name) THREAD(name), WORKER(name)
    const struct CMUnitTest tests[] = {
        T(test_all_that_a_plugin_can_do),
        T(test_a_request_to_the_api_is_answered),
        T(test_events_come_one_by_one_and_are_held_back),
        T(test_a_channel_has_files),
        T(test_what_nobody_took_is_said),
        T(test_an_instance_takes_new_options),
        T(test_a_plugin_built_on_the_frozen_headers_works_the_same),
        T(test_big_bodies_cross_both_ways),
        T(test_what_the_core_can_not_do),
        T(test_a_revoked_send_is_reported_once),
        T(test_idle_is_asleep_on_both_loops),
        T(test_a_misconfigured_plugin_is_stopped),
        T(test_a_plugin_that_is_down_is_tried_again),
        T(test_a_slow_callback_is_counted),
        THREAD(test_a_plugin_that_hangs_is_given_up),
        THREAD(test_a_hang_is_told_and_so_is_its_end),
        T(test_a_missing_report_is_in_doubt),
        T(test_a_second_report_is_dropped),
        T(test_sends_without_credit_come_back),
        T(test_credit_has_a_ceiling),
        T(test_a_send_not_taken_waits_for_credit),
        T(test_codes_that_are_no_outcome),
        T(test_a_host_call_from_another_thread_is_refused),
        T(test_a_flood_is_held_back_and_all_of_it_arrives),
        THREAD(test_the_core_is_told_of_room),
        THREAD(test_a_drain_gets_through_a_full_link),
        T(test_what_is_left_at_close_is_answered),
        T(test_states_that_a_plugin_says),
        T(test_what_is_too_large_is_cut_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
