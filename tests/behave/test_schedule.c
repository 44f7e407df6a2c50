/*
 * send_at, from outside: what is scheduled blocks nobody, comes when it is due, also when that was while the
 * gateway was off, and until then a cancel, a STOP and its expiry hold. Hours pass by the gateway's clock.
 */
#include "harness.h"
#include "settime.h"
#include "sms.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const int64_t MINUTE_US = INT64_C(60) * 1000000, HOUR_US = INT64_C(3600) * 1000000;
static const char ana[] = "+573001112233", berta[] = "+573004445566";

/* clang's runtime is part of the program, and what is preloaded comes behind it. */
#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define PRELOAD_IS_BEHIND 1
#endif
#endif
#ifdef PRELOAD_IS_BEHIND
static const bool preload_works = false;
#else
static const bool preload_works = true;
#endif

struct timed {
    struct world w;
    struct settime *shared;
    int told; /* the FIFO */
    char env[3][512];
};

static void up(struct timed *t, const char *yaml)
{
    static const char *const options[] = {"--no-window", NULL};
    const char *asan = getenv("ASAN_OPTIONS");
    char path[256], fifo[300];

    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    scratch_init(&t->w.scratch);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&t->w.scratch, "clock"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)sizeof *t->shared), 0);
    t->shared = mmap(NULL, sizeof *t->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(t->shared != MAP_FAILED);
    (void)close(fd);
    (void)snprintf(fifo, sizeof fifo, "%s.set", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    t->told = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(t->told >= 0);
    (void)snprintf(t->env[0], sizeof t->env[0], "LD_PRELOAD=%s/tests/behave/settime.so", harness_build());
    (void)snprintf(t->env[1], sizeof t->env[1], "ASAN_OPTIONS=%s%sverify_asan_link_order=0", asan ? asan : "",
                   asan ? ":" : "");
    (void)snprintf(t->env[2], sizeof t->env[2], "HILO_CLOCK=%s", path);
    for (unsigned i = 0; i < 3; i++)
        t->w.gate.env[i] = t->env[i];
    if (yaml)
        (void)snprintf(t->w.gate.extra, sizeof t->w.gate.extra, "%s", yaml);
    sim_start(&t->w.sim, options);
    gate_start(&t->w.gate, &t->w.scratch, &t->w.sim);
    (void)process_wait_nth(t->w.gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

static void down(struct timed *t)
{
    (void)close(t->told);
    (void)munmap(t->shared, sizeof *t->shared);
    world_down(&t->w);
}

/* date -s, and the kernel tells whoever asked for it. */
static void set_clock(struct timed *t, int64_t by_us)
{
    uint64_t word = 1;

    atomic_fetch_add(&t->shared->offset_us, by_us);
    assert_int_equal(write(t->told, &word, sizeof word), sizeof word);
}

/* ",\"send_at\":\"…\"", so much after the machine's time, which the gateway's was at its start; static. */
static const char *in(int64_t us, const char *more)
{
    static char text[256];
    char at[64];
    time_t when = time(NULL) + (time_t)(us / 1000000);
    struct tm tm;

    assert_non_null(gmtime_r(&when, &tm));
    assert_true(strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    (void)snprintf(text, sizeof text, ",\"send_at\":\"%s\"%s", at, more);
    return text;
}

/* The nth message that reached the provider has this text. */
static void nth_was(struct timed *t, unsigned n, const char *text)
{
    struct answer a = sim_messages(&t->w.sim, n + 1);
    char path[64];

    (void)snprintf(path, sizeof path, "messages/%u/body/text/body", n);
    assert_string_equal(answer_str(&a, path), text);
    answer_done(&a);
}

static void message_is(struct timed *t, const char *id, const char *member, const char *value)
{
    struct answer a = gate_get(&t->w.gate, "/v1/messages/%s", id);

    assert_string_equal(answer_str(&a, member), value);
    answer_done(&a);
}

static void cancel(struct timed *t, const char *id)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/v1/messages/%s", id);
    struct answer a = gate_do(&t->w.gate, "DELETE", path, NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static void what_is_scheduled_blocks_nobody_and_comes_in_its_time(void **state)
{
    struct timed t = {.told = -1};
    char later[64], other[64], now[64];

    (void)state;
    up(&t, NULL);
    gate_send(&t.w.gate, ana, "in ten minutes", in(10 * MINUTE_US, ""), later);
    gate_send(&t.w.gate, ana, "in twenty", in(20 * MINUTE_US, ""), other);
    gate_send_text(&t.w.gate, ana, "now", now);
    gate_wait_status(&t.w.gate, now, "sent");
    assert_string_equal(gate_status(&t.w.gate, later), "accepted");
    gate_queue_is(&t.w.gate, 2, 0);
    struct answer a = gate_get(&t.w.gate, "/v1/messages/%s", later);
    assert_non_null(json_at(a.json, "due"));
    answer_done(&a);
    set_clock(&t, 15 * MINUTE_US);
    gate_wait_status(&t.w.gate, later, "sent");
    gate_queue_is(&t.w.gate, 1, 0);
    assert_string_equal(gate_status(&t.w.gate, other), "accepted");
    set_clock(&t, 10 * MINUTE_US);
    gate_wait_status(&t.w.gate, other, "sent");
    nth_was(&t, 0, "now");
    nth_was(&t, 1, "in ten minutes");
    nth_was(&t, 2, "in twenty");
    gate_queue_is(&t.w.gate, 0, 0);
    down(&t);
}

/* By the clock alone that the machine has. */
static void it_comes_without_anybody_asking(void **state)
{
    struct timed t = {.told = -1};
    char id[64];

    (void)state;
    up(&t, NULL);
    gate_send(&t.w.gate, ana, "in a second", in(2000000, ""), id);
    gate_wait_status(&t.w.gate, id, "sent");
    /* The past is at once. */
    gate_send(&t.w.gate, ana, "an hour ago", in(-HOUR_US, ""), id);
    gate_wait_status(&t.w.gate, id, "sent");
    down(&t);
}

static void it_comes_due_while_the_gateway_is_off(void **state)
{
    struct timed t = {.told = -1};
    char due[64], later[64], over[64];

    (void)state;
    up(&t, NULL);
    gate_send(&t.w.gate, ana, "in an hour", in(HOUR_US, ""), due);
    gate_send(&t.w.gate, ana, "in five", in(5 * HOUR_US, ""), later);
    gate_send(&t.w.gate, berta, "for half an hour", in(HOUR_US, ",\"expires_in\":\"PT30M\""), over);
    gate_kill(&t.w.gate);
    atomic_fetch_add(&t.shared->offset_us, 2 * HOUR_US);
    gate_again(&t.w.gate);
    gate_wait_status(&t.w.gate, due, "sent");
    gate_wait_status(&t.w.gate, over, "expired");
    gate_queue_is(&t.w.gate, 1, 0);
    assert_string_equal(gate_status(&t.w.gate, later), "accepted");
    gate_stop(&t.w.gate);
    gate_check_store(&t.w.gate);
    atomic_fetch_add(&t.shared->offset_us, 4 * HOUR_US);
    gate_again(&t.w.gate);
    gate_wait_status(&t.w.gate, later, "sent");
    down(&t);
}

static void until_then_it_can_be_canceled_and_suppressed_and_expires(void **state)
{
    struct timed t = {.told = -1};
    char canceled[64], stopped[64], expired[64], last[64];

    (void)state;
    up(&t, NULL);
    gate_send(&t.w.gate, ana, "canceled", in(10 * MINUTE_US, ""), canceled);
    gate_send(&t.w.gate, ana, "stopped", in(10 * MINUTE_US, ""), stopped);
    gate_send(&t.w.gate, berta, "expired", in(10 * MINUTE_US, ",\"expires_in\":\"PT5M\""), expired);
    gate_send(&t.w.gate, berta, "last", in(10 * MINUTE_US, ",\"expires_in\":\"P1D\""), last);
    cancel(&t, canceled);
    message_is(&t, canceled, "status", "canceled");
    sim_text(&t.w.sim, "573001112233", "STOP", NULL);
    (void)process_wait_nth(t.w.gate.process, 1, "message.reported", "status=sent",
                           NULL); /* it is confirmed */
    gate_queue_is(&t.w.gate, 3, 0);
    struct answer a = gate_post(&t.w.gate, "/v1/channels/wa/pause", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    set_clock(&t, 12 * MINUTE_US); /* from the time that it is to be sent at */
    assert_string_equal(gate_status(&t.w.gate, expired), "accepted");
    set_clock(&t, 4 * MINUTE_US);
    gate_wait_status(&t.w.gate, expired, "expired");
    a = gate_post(&t.w.gate, "/v1/channels/wa/resume", "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    gate_wait_status(&t.w.gate, last, "sent");
    gate_wait_status(&t.w.gate, stopped, "suppressed");
    message_is(&t, stopped, "reason", "opted_out");
    message_is(&t, canceled, "status", "canceled");
    gate_queue_is(&t.w.gate, 0, 0);
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 2); /* the confirmation and the last */
    down(&t);
}

/* Set back, it comes in its time by what the clock has been at, not ten hours late. */
static void it_comes_in_its_time_when_the_clock_is_set_back(void **state)
{
    struct timed t = {.told = -1};
    char id[64];

    (void)state;
    up(&t, NULL);
    gate_send(&t.w.gate, ana, "in three seconds", in(3000000, ""), id);
    set_clock(&t, -10 * HOUR_US);
    (void)process_wait_nth(t.w.gate.process, 1, "clock.set", "by_s=-3", NULL);
    gate_wait_status(&t.w.gate, id, "sent");
    down(&t);
}

static void it_is_told_and_refused_in_words(void **state)
{
    struct timed t = {.told = -1};
    char body[512], path[] = "/v1/messages", plan[] = "/v1/messages/plan";

    (void)state;
    up(&t, NULL);
#define TO "{\"to\":{\"phone\":\"+573001112233\"},\"content\":{\"type\":\"text\",\"text\":\"hola\"}"
    gate_expect(&t.w.gate, 422, "invalid_field", "/send_at", "POST", path, TO ",\"send_at\":\"tomorrow\"}");
    (void)snprintf(body, sizeof body, TO "%s}", in(31 * 24 * HOUR_US, ""));
    gate_expect(&t.w.gate, 422, "invalid_field", "/send_at", "POST", path, body);
    gate_expect(&t.w.gate, 422, "not_supported", "/sender", "POST", path, TO ",\"sender\":\"Tienda\"}");
    gate_expect(&t.w.gate, 422, "not_supported", "/flash", "POST", path, TO ",\"flash\":true}");
    gate_expect(&t.w.gate, 422, "invalid_field", "/sender", "POST", path, TO ",\"sender\":\"Ni\\u00f1o\"}");
    gate_expect(&t.w.gate, 422, "invalid_field", "/sender", "POST", path,
                TO ",\"sender\":\"much too long\"}");
    (void)snprintf(body, sizeof body, TO "%s}", in(HOUR_US, ""));
    struct answer a = gate_do(&t.w.gate, "POST", plan, body);
    assert_int_equal(a.status, 200);
    assert_non_null(json_at(a.json, "due"));
    assert_string_equal(answer_str(&a, "waits"), "it is scheduled");
    answer_done(&a);
    /* The same 202 when its key comes again. */
    for (unsigned i = 0; i < 2; i++) {
        a = gate_with(&t.w.gate, "POST", path, body, "Idempotency-Key: later-1");
        assert_int_equal(a.status, 202);
        assert_string_equal(answer_str(&a, "status"), "accepted");
        assert_non_null(json_at(a.json, "due"));
        answer_done(&a);
    }
    gate_queue_is(&t.w.gate, 1, 0);
    down(&t);
}

/* sendsms: in minutes, as Kannel has it. */
static void kannels_deferred_is_scheduled(void **state)
{
    struct timed t = {.told = -1};
    char url[512];

    (void)state;
    up(&t, "kannel:\n  - {username: app, password: s3cret, default_sender: \"85000\"}\n");
    (void)snprintf(
        url, sizeof url,
        "%s/cgi-bin/sendsms?username=app&password=s3cret&to=573001112233&text=%s&deferred=%d&validity=%d",
        t.w.gate.url, "later", 30, 40);
    struct answer a = http_do("GET", url, NULL, NULL, NULL);
    assert_int_equal(a.status, 202);
    answer_done(&a);
    gate_queue_is(&t.w.gate, 1, 0);
    set_clock(&t, 20 * MINUTE_US);
    gate_queue_is(&t.w.gate, 1, 0);
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 0);
    set_clock(&t, 15 * MINUTE_US);
    nth_was(&t, 0, "later");
    down(&t);
}

static void a_sender_and_flash_reach_the_smsc(void **state)
{
    struct sms_world s = {0};
    char id[64];

    (void)state;
    sms_up(&s, NULL, NULL, true);
    sms_send(&s, ana, "hola", ",\"sender\":\"Tienda\",\"flash\":true", id);
    struct answer a = sms_submits(&s, 1);
    assert_string_equal(answer_str(&a, "submits/0/source"), "Tienda");
    assert_int_equal((int)answer_num(&a, "submits/0/data_coding"), 0x10);
    answer_done(&a);
    sms_message_is(&s, id, "sender", "Tienda");
    sms_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_scheduled_blocks_nobody_and_comes_in_its_time),
        cmocka_unit_test(it_comes_without_anybody_asking),
        cmocka_unit_test(it_comes_due_while_the_gateway_is_off),
        cmocka_unit_test(until_then_it_can_be_canceled_and_suppressed_and_expires),
        cmocka_unit_test(it_comes_in_its_time_when_the_clock_is_set_back),
        cmocka_unit_test(it_is_told_and_refused_in_words),
        cmocka_unit_test(kannels_deferred_is_scheduled),
        cmocka_unit_test(a_sender_and_flash_reach_the_smsc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
