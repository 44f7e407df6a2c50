/*
 * 24 hours of an SMS channel in seconds: the plugin's .so on a clock of the test's, against the simulated
 * SMSC. Links are cut, the SMSC throttles, refuses, falls silent and restarts, and so does the plugin. At the
 * end
 *
 *   submitted = accepted, each segment once; what is in doubt is counted apart, and was never sent again;
 *   each receipt that the SMSC sent was taken to the message that it is about;
 *   each message from a mobile came, and came once unless its answer was lost with a link.
 *
 * HILO_SEED repeats a run (it is printed), HILO_RUNS makes more of them, HILO_DAYS longer ones, HILO_MESSAGES
 * fuller ones (a day); HILO_VERBOSE=1 tells what the plugin says.
 */
#include "day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* ---- life ---- */

static void on_credit(void *arg, uint32_t n)
{
    ((struct world *)arg)->credit += n;
}

static void on_state(void *arg, int32_t code, struct hilo_str text)
{
    struct world *w = arg;

    (void)text;
    w->downs += code == HILO_DOWN && w->state == HILO_OK;
    w->state = code;
}

void plugin_open(struct world *w)
{
    w->credit = w->out = 0;
    w->state = HILO_DOWN;
    w->rest_us = 0;
    host_open(&w->host, w->options);
}

void plugin_close(struct world *w)
{
    host_close(&w->host);
    w->n_answer = 0;
    for (uint32_t i = 0; i < w->n; i++)
        if (w->message[i].state == OUT)
            w->message[i].state = DOUBT;
}

/* Everything that can happen without time going by. */
static void settle(struct world *w)
{
    unsigned idle = 0;

    while (idle < 2) {
        bool any = host_turn(&w->host);
        any = peer_turn(&w->peer, w->host.now_us, w->host.wall_us + w->host.now_us) || any;
        any = commit_some(w) || any;
        any = requeue(w) || any;
        any = send_some(w) || any;
        idle = any ? 0 : idle + 1;
    }
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The next instant at which anything is to happen, no later than `limit`. */
static int64_t next_instant(struct world *w, int64_t limit)
{
    int64_t at = earliest(earliest(host_next(&w->host), peer_next(&w->peer)), limit);

    for (uint32_t i = 0; i < w->n_answer; i++)
        at = earliest(at, w->answer[i].at_us);
    for (uint32_t i = 0; i < w->n_later; i++)
        at = earliest(at, w->message[w->later[i]].again_us);
    if (w->q_n && w->rest_us > w->host.now_us)
        at = earliest(at, w->rest_us);
    return at > w->host.now_us ? at : w->host.now_us + 1;
}

void run_until(struct world *w, int64_t until_us)
{
    settle(w);
    while (w->host.now_us < until_us) {
        w->host.now_us = next_instant(w, until_us);
        settle(w);
    }
}

void restart_gently(struct world *w)
{
    int64_t deadline = w->host.now_us + 40 * SECOND;

    w->restarts++;
    w->credit = 0; /* nothing more is sent to it */
    w->host.plugin->drain(w->host.inst, deadline);
    settle(w);
    while (w->out && w->host.now_us < deadline) {
        w->host.now_us = next_instant(w, deadline);
        settle(w);
    }
    assert_int_equal(w->out, 0); /* all that it had is reported by then */
    plugin_close(w);
    plugin_open(w);
}

/* ---- the day ---- */

/* Messages in this hour of the day, of a thousand. */
static uint64_t share(int64_t now_us)
{
    static const uint8_t of[24] = {5,  3,  2,  2,  3,  8,  20, 45, 70, 80, 75, 70,
                                   60, 60, 65, 70, 70, 65, 60, 50, 45, 35, 25, 12};

    return of[now_us / HOUR % 24];
}

static void live(struct world *w, unsigned days)
{
    int64_t arrives = 0, writes = 0, wrong = 10 * MINUTE, changes = HOUR, end = days * DAY;

    while (w->host.now_us < end) {
        run_until(w, earliest(earliest(arrives, writes), earliest(earliest(wrong, changes), end)));
        if (w->host.now_us >= arrives) {
            for (uint64_t n = chance(w, 40) ? 1 : 1 + chance(w, 200); n > 0; n--)
                arrive(w);
            arrives =
                w->host.now_us + about(w, HOUR * 1000 / (int64_t)(share(w->host.now_us) * w->per_day) * 3);
        }
        if (w->host.now_us >= writes) {
            mobile_writes(w);
            writes = w->host.now_us +
                     about(w, HOUR * 1000 / (int64_t)(share(w->host.now_us) * w->mobiles_per_day));
        }
        if (w->host.now_us >= wrong) {
            something_goes_wrong(w);
            wrong = w->host.now_us + about(w, 5 * MINUTE);
        }
        if (w->host.now_us >= changes) {
            receipts_change(w);
            changes = w->host.now_us + about(w, 40 * MINUTE);
        }
    }
    /* Nothing new, and nothing goes wrong any more: all of it comes to an end. */
    all_is_well(w);
    peer_listen(&w->peer, true);
    run_until(w, end + 3 * HOUR);
}

/* ---- beginning and end ---- */

static void forget(struct world *w)
{
    struct known *k, *k2;
    struct seen *s, *s2;
    struct joined *j, *j2;
    struct spelled *p, *p2;

    HASH_ITER(hh, w->known, k, k2)
    {
        HASH_DEL(w->known, k);
        free(k);
    }
    HASH_ITER(hh, w->seen, s, s2)
    {
        HASH_DEL(w->seen, s);
        free(s);
    }
    HASH_ITER(hh, w->joined, j, j2)
    {
        for (unsigned i = 0; i < PARTS_MAX; i++)
            free(j->text[i]);
        HASH_DEL(w->joined, j);
        free(j);
    }
    HASH_ITER(hh, w->spelled, p, p2)
    {
        HASH_DEL(w->spelled, p);
        free(p);
    }
    while (w->parked) {
        struct parked *r = w->parked;
        w->parked = r->next;
        free(r);
    }
    for (uint32_t i = 0; i < w->n; i++)
        free(w->message[i].text);
    free(w->message);
    free(w->queue);
    free(w->later);
    free(w->answer);
    free(w->came);
    free(w->first_delivery);
    free(w->n_deliveries);
    free(w);
}

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void a_day(uint64_t seed, unsigned days, uint32_t messages, uint32_t mobiles)
{
    static const char *const longs[] = {"long_messages=udh8", "long_messages=udh16", "long_messages=sar"};
    static const char *const binds[] = {"bind=transceiver", "bind=transmitter_receiver"};
    static const enum id_format ids[] = {ID_DEC, ID_HEX, ID_HEX_UPPER, ID_DEC_ZEROS, ID_HEX_ZEROS, ID_DEC};
    static const struct host_events events = {day_on_submit, day_on_report, on_credit, on_state};
    struct world *w = calloc(1, sizeof *w);
    size_t room = (size_t)days * mobiles * 8;
    char port[32], so[256];
    double began = seconds();

    assert_non_null(w);
    print_message("seed %llu\n", (unsigned long long)seed);
    w->seed = seed;
    w->per_day = messages;
    w->mobiles_per_day = mobiles;
    w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    w->came = calloc(room, 1);
    w->n_deliveries = calloc(room, 1);
    w->first_delivery = calloc(room, sizeof *w->first_delivery);
    assert_true(w->came && w->n_deliveries && w->first_delivery);
    peer_start(&w->peer);
    w->peer.smsc.conf.rate = RATE;
    w->peer.smsc.conf.window = WINDOW;
    w->peer.smsc.conf.forget_ms = 30000; /* as long as the plugin waits */
    w->peer.smsc.conf.id = ids[seed % 6];
    w->peer.smsc.conf.response_ms = 20;
    w->peer.smsc.conf.seq_start = seed % 2 ? 1 : 0x7fffff00;
    w->peer.smsc.conf.receipts.delay_ms = 3000;
    w->peer.smsc.tokens = RATE;
    (void)snprintf(port, sizeof port, "port=%d", w->peer.port);
    const char *const options[] = {"provider=smpp",
                                   "host=127.0.0.1",
                                   port,
                                   "system_id=hilo",
                                   "password=secret",
                                   "sender=890123",
                                   longs[seed / 2 % 3],
                                   binds[seed % 2],
                                   "window_size=10",
                                   NULL};
    w->options = options;
    w->host.events = &events;
    w->host.arg = w;
    w->host.now_us = SECOND;
    w->host.wall_us = INT64_C(1790000000) * SECOND;
    w->host.verbose = getenv("HILO_VERBOSE") != NULL;
    (void)snprintf(so, sizeof so, "%s/plugins/sms.so",
                   getenv("HILO_BUILD") ? getenv("HILO_BUILD") : "build/debug-gcc");
    host_load(&w->host, so);
    plugin_open(w);
    live(w, days);
    check_all(w, seconds() - began);
    host_close(&w->host);
    host_unload(&w->host);
    peer_stop(&w->peer);
    forget(w);
}

static uint64_t env_number(const char *name, uint64_t absent)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 10) : absent;
}

static void nothing_is_lost_and_nothing_is_sent_twice(void **state)
{
    uint64_t seed = env_number("HILO_SEED", (uint64_t)time(NULL));
    uint32_t messages = (uint32_t)env_number("HILO_MESSAGES", 5000);

    (void)state;
    for (uint64_t runs = env_number("HILO_RUNS", 2); runs > 0; runs--)
        a_day(seed++, (unsigned)env_number("HILO_DAYS", 1), messages, messages / 5 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_and_nothing_is_sent_twice)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
