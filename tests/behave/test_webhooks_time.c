/* Webhooks over days: the whole schedule, its end, and what is disabled by it. Days pass while the gateway is
 * stopped: what it waits for is stored by the wall clock. */
#include "harness.h"
#include "hooksink.h"
#include "settime.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

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

static const int64_t DAY_US = INT64_C(86400) * 1000000;

struct days {
    struct world w;
    struct hooksink *sink;
    struct settime *shared;
    int told; /* the FIFO, which the gateway opens */
    char env[3][512], id[64], customer[64];
};

static void up(struct days *d, const char *url)
{
    const char *asan = getenv("ASAN_OPTIONS");
    char path[256];

    if (!preload_works) {
        print_message("clang's AddressSanitizer can't be preloaded before: build with CC=gcc\n");
        skip();
    }
    scratch_init(&d->w.scratch);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&d->w.scratch, "clock"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)sizeof *d->shared), 0);
    d->shared = mmap(NULL, sizeof *d->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(d->shared != MAP_FAILED);
    (void)close(fd);
    (void)snprintf(d->env[0], sizeof d->env[0], "HILO_CLOCK=%s", path);
    (void)snprintf(d->env[1], sizeof d->env[1], "LD_PRELOAD=%s/tests/behave/settime.so", harness_build());
    (void)snprintf(d->env[2], sizeof d->env[2], "ASAN_OPTIONS=verify_asan_link_order=0%s%s", asan ? ":" : "",
                   asan ? asan : "");
    for (unsigned i = 0; i < 3; i++)
        d->w.gate.env[i] = d->env[i];
    (void)snprintf(path, sizeof path, "%s.set", scratch_path(&d->w.scratch, "clock"));
    assert_int_equal(mkfifo(path, 0600), 0);
    d->told = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(d->told >= 0);
    sim_start(&d->w.sim, NULL);
    gate_start(&d->w.gate, &d->w.scratch, &d->w.sim);
    struct answer a =
        gate_post(&d->w.gate, "/v1/webhooks", "{\"url\":\"%s\",\"types\":[\"customer.updated\"]}", url);
    assert_int_equal(a.status, 201);
    (void)snprintf(d->id, sizeof d->id, "%s", answer_str(&a, "id"));
    answer_done(&a);
    a = gate_post(&d->w.gate, "/v1/customers", "%s", "{\"name\":\"0\"}");
    assert_int_equal(a.status, 201);
    (void)snprintf(d->customer, sizeof d->customer, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

static void customer_name(struct days *d, const char *name)
{
    char path[128], body[64];

    (void)snprintf(path, sizeof path, "/v1/customers/%s", d->customer);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
    struct answer a = gate_do(&d->w.gate, "PATCH", path, body);
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

/* Stops it, lets a day and a half pass, and starts it again. */
static void next_day(struct days *d)
{
    gate_stop(&d->w.gate);
    atomic_fetch_add(&d->shared->offset_us, DAY_US * 3 / 2);
    gate_again(&d->w.gate);
}

static void down(struct days *d)
{
    world_down(&d->w);
    hooksink_stop(&d->sink);
    (void)close(d->told);
    (void)munmap(d->shared, sizeof *d->shared);
}

static struct hook_answer not_the_first(void *arg, const struct hook *k, unsigned nth)
{
    (void)arg;
    (void)nth;
    return (struct hook_answer){.status =
                                    strcmp(json_at(k->json, "data/name")->valuestring, "1") == 0 ? 500 : 200};
}

static void an_event_is_given_up_after_ten_attempts_and_the_next_goes_on(void **state)
{
    struct days d = {0};
    struct answer a;
    char words[32];

    (void)state;
    d.sink = hooksink_start(0, not_the_first, NULL);
    up(&d, hooksink_url(d.sink));
    customer_name(&d, "1");
    customer_name(&d, "2");
    for (unsigned attempt = 1; attempt < 10; attempt++) {
        (void)snprintf(words, sizeof words, "attempts=%u ", attempt);
        (void)process_wait_nth(d.w.gate.process, 1, "webhook.parked", words, NULL);
        next_day(&d);
    }
    (void)process_wait_nth(d.w.gate.process, 1, "webhook.given_up", "attempts=10", "reason=failing", NULL);
    hooksink_wait_ok(d.sink, 1);
    assert_int_equal(hooksink_came(d.sink), 11);
    for (unsigned i = 1; i < 10; i++) {
        assert_string_equal(hooksink_get(d.sink, i)->id, hooksink_get(d.sink, 0)->id);
        assert_string_equal(hooksink_get(d.sink, i)->body, hooksink_get(d.sink, 0)->body);
        assert_true(atol(hooksink_get(d.sink, i)->timestamp) > atol(hooksink_get(d.sink, i - 1)->timestamp));
    }
    assert_string_equal(json_at(hooksink_get(d.sink, 10)->json, "data/name")->valuestring, "2");
    gate_stop(&d.w.gate);
    gate_again(&d.w.gate);
    a = gate_get(&d.w.gate, "/v1/webhooks/%s", d.id);
    assert_int_equal(answer_num(&a, "given_up"), 1);
    assert_int_equal(answer_num(&a, "waiting/events"), 0);
    assert_string_equal(answer_str(&a, "state"), "up");
    answer_done(&a);
    down(&d);
}

static void an_endpoint_that_is_down_for_days_is_disabled_with_words(void **state)
{
    struct days d = {0};
    struct answer a;
    char words[32], url[64], path[128];
    int port = free_port();

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hooks", port);
    up(&d, url);
    customer_name(&d, "1");
    for (unsigned attempt = 1; attempt < 10; attempt++) {
        (void)snprintf(words, sizeof words, "attempts=%u ", attempt);
        (void)process_wait_nth(d.w.gate.process, 1, "webhook.failing", words, NULL);
        next_day(&d);
    }
    (void)process_wait_nth(d.w.gate.process, 1, "webhook.disabled", "reason=failing", "connect", NULL);
    a = gate_get(&d.w.gate, "/v1/webhooks/%s", d.id);
    assert_string_equal(answer_str(&a, "state"), "disabled");
    assert_string_equal(answer_str(&a, "reason"), "failing");
    assert_non_null(strstr(answer_str(&a, "detail"), "connect"));
    answer_done(&a);
    customer_name(&d, "2");
    d.sink = hooksink_start(port, NULL, NULL);
    (void)snprintf(path, sizeof path, "/v1/webhooks/%s", d.id);
    a = gate_do(&d.w.gate, "PATCH", path, "{\"enabled\":true}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
    hooksink_wait_ok(d.sink, 2);
    assert_string_equal(json_at(hooksink_get(d.sink, 0)->json, "data/name")->valuestring, "1");
    assert_string_equal(json_at(hooksink_get(d.sink, 1)->json, "data/name")->valuestring, "2");
    down(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_given_up_after_ten_attempts_and_the_next_goes_on),
        cmocka_unit_test(an_endpoint_that_is_down_for_days_is_disabled_with_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
