/*
 * Wishes and what arrives for them, from outside: told in order, each once, never more than there is; held,
 * and then the next; sales; who can't be told; kills and restarts in the middle. Hours pass by the gateway's
 * clock.
 */
#include "harness.h"
#include "settime.h"
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

static const int64_t MINUTE_US = INT64_C(60) * 1000000;

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

static void keep(char out[64], const struct answer *a, const char *path)
{
    assert_non_null(answer_str(a, path));
    (void)snprintf(out, 64, "%s", answer_str(a, path));
}

static void customer(struct gate *g, const char *phone, const char *name, const char *language, char id[64])
{
    struct answer a = gate_post(g, "/v1/customers",
                                "{\"name\":\"%s\",\"language\":\"%s\",\"identifiers\":[{\"scheme\":\"phone\","
                                "\"value\":\"+%s\"}]}",
                                name, language, phone);

    assert_int_equal(a.status, 201);
    keep(id, &a, "id");
    answer_done(&a);
}

static void subscribe(struct gate *g, const char *who, const char *more, char id[64])
{
    struct answer a = gate_post(g, "/v1/stock/CAM-7/subscriptions", "{\"customer\":\"%s\"%s}", who, more);

    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "status"), "waiting");
    keep(id, &a, "id");
    answer_done(&a);
}

/* The answer to an arrival; the caller frees it. */
static struct answer arrives(struct gate *g, unsigned n, const char *more)
{
    struct answer a =
        gate_post(g, "/v1/stock/CAM-7/available",
                  "{\"quantity\":%u,\"title\":\"Camisa azul\",\"link\":\"https://tienda.co/c7\"%s}", n, more);

    assert_int_equal(a.status, 202);
    return a;
}

/* One of the customer's, by its id. */
static void wish_is(struct gate *g, const char *who, const char *id, const char *member, const char *value)
{
    struct answer a = gate_get(g, "/v1/customers/%s/subscriptions", who);
    const cJSON *w;

    cJSON_ArrayForEach(w, json_at(a.json, "subscriptions"))
    {
        if (strcmp(json_at(w, "id")->valuestring, id) != 0)
            continue;
        const cJSON *v = json_at(w, member);
        if (!value)
            assert_null(v);
        else
            assert_string_equal(v ? v->valuestring : "(absent)", value);
        answer_done(&a);
        return;
    }
    fail_msg("%s is not among the customer's", id);
}

/* The nth message that reached the provider: to whom, and what. */
static void nth_was(struct sim *s, unsigned n, const char *to, const char *text)
{
    struct answer a = sim_messages(s, n + 1);
    char path[64];

    (void)snprintf(path, sizeof path, "messages/%u/body/to", n);
    assert_string_equal(answer_str(&a, path), to);
    (void)snprintf(path, sizeof path, "messages/%u/body/text/body", n);
    if (text)
        assert_string_equal(answer_str(&a, path), text);
    answer_done(&a);
}

/* Among the first n that reached the provider, in whatever order it took them. */
static void told(struct sim *s, unsigned n, const char *to, const char *text)
{
    struct answer a = sim_messages(s, n);
    const cJSON *m;

    cJSON_ArrayForEach(m, json_at(a.json, "messages"))
    {
        if (strcmp(json_at(m, "body/to")->valuestring, to) != 0)
            continue;
        assert_string_equal(json_at(m, "body/text/body")->valuestring, text);
        answer_done(&a);
        return;
    }
    fail_msg("%s was not told", to);
}

static void wa(struct gate *g, const char *what)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/v1/channels/wa/%s", what);
    struct answer a = gate_do(g, "POST", path, "{}");
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

static void available(struct gate *g, unsigned entries, double left, double held)
{
    struct answer a = gate_get(g, "/v1/stock/CAM-7");

    assert_int_equal(a.status, 200);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "available")), entries);
    if (entries) {
        assert_true(answer_num(&a, "available/0/left") == left);
        assert_true(answer_num(&a, "available/0/held") == held);
    }
    answer_done(&a);
}

/* Customers need not have written for a provider to take what is sent. */
static void shop_up(struct world *w)
{
    static const char *const options[] = {"--no-window", NULL};

    scratch_init(&w->scratch);
    sim_start(&w->sim, options);
    gate_start(&w->gate, &w->scratch, &w->sim);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

static void those_who_wait_are_told_in_order_as_many_as_there_are(void **state)
{
    struct world w = {0};
    char who[5][64], wish[5][64], other[128];

    (void)state;
    shop_up(&w);
    customer(&w.gate, "573001110001", "Ana", "es-CO", who[0]);
    customer(&w.gate, "573001110002", "Bob", "en", who[1]);
    customer(&w.gate, "573001110003", "Carla", "es", who[2]);
    customer(&w.gate, "573001110004", "Dora", "es", who[3]);
    customer(&w.gate, "573001110005", "Eva", "es", who[4]);
    subscribe(&w.gate, who[0], ",\"size\":\"M\"", wish[0]);
    subscribe(&w.gate, who[1], "", wish[1]);
    subscribe(&w.gate, who[4], ",\"size\":\"L\"", wish[4]); /* another size */
    subscribe(&w.gate, who[2], ",\"size\":\"m\",\"colour\":\"azul\",\"store\":\"CENTRO\"", wish[2]);
    subscribe(&w.gate, who[3], ",\"size\":\"M\"", wish[3]);

    /* Asked for again it is the same one. */
    struct answer a =
        gate_post(&w.gate, "/v1/stock/CAM-7/subscriptions", "{\"customer\":\"%s\",\"size\":\"M\"}", who[3]);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_str(&a, "id"), wish[3]);
    answer_done(&a);

    a = arrives(&w.gate, 3, ",\"size\":\"M\"");
    assert_true(answer_num(&a, "offered") == 3);
    assert_true(answer_num(&a, "waiting") == 1);
    assert_non_null(strstr(answer_str(&a, "id"), "stk_"));
    answer_done(&a);
    told(&w.sim, 3, "573001110001", "Hola, Ana. Ya hay Camisa azul (M). Para comprar: https://tienda.co/c7");
    told(&w.sim, 3, "573001110002", "Hello Bob. Camisa azul (M) is here. To buy: https://tienda.co/c7");
    told(&w.sim, 3, "573001110003",
         "Hola, Carla. Ya hay Camisa azul (M, azul). Para comprar: https://tienda.co/c7");
    wish_is(&w.gate, who[0], wish[0], "status", "offered");
    wish_is(&w.gate, who[2], wish[2], "status", "offered");
    wish_is(&w.gate, who[3], wish[3], "status", "waiting");
    wish_is(&w.gate, who[4], wish[4], "status", "waiting");
    available(&w.gate, 1, 3, 3);

    /* In their order, those who wait and those who were told. */
    a = gate_get(&w.gate, "/v1/stock/CAM-7/subscriptions?limit=2");
    assert_string_equal(answer_str(&a, "subscriptions/0/id"), wish[0]);
    assert_string_equal(answer_str(&a, "subscriptions/1/id"), wish[1]);
    (void)snprintf(other, sizeof other, "%s", answer_str(&a, "next"));
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/stock/CAM-7/subscriptions?cursor=%s", other);
    assert_string_equal(answer_str(&a, "subscriptions/0/id"), wish[4]);
    assert_string_equal(answer_str(&a, "subscriptions/2/id"), wish[3]);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "subscriptions")), 3);
    answer_done(&a);

    /* The message is one as any: hers, of the category, and it ends when it is held no longer. */
    a = gate_get(&w.gate, "/v1/customers/%s/timeline", who[0]);
    assert_string_equal(answer_str(&a, "messages/0/category"), "transactional");
    assert_non_null(answer_str(&a, "messages/0/expires"));
    answer_done(&a);

    /* Nobody is told again by another arrival of what is held for her; the next in turn is. */
    a = arrives(&w.gate, 1, ",\"text\":\"{name}: {title}, {size}. {link}\",\"hold\":\"PT5M\"");
    assert_true(answer_num(&a, "offered") == 1);
    answer_done(&a);
    nth_was(&w.sim, 3, "573001110005", "Eva: Camisa azul, L. https://tienda.co/c7");

    /* Who wants it no longer gives it to the next. */
    (void)snprintf(other, sizeof other, "/v1/subscriptions/%s", wish[1]);
    a = gate_do(&w.gate, "DELETE", other, NULL);
    assert_int_equal(a.status, 204);
    answer_done(&a);
    nth_was(&w.sim, 4, "573001110004", NULL);
    gate_expect(&w.gate, 409, "subscription_ended", NULL, "DELETE", other, NULL);
    wish_is(&w.gate, who[3], wish[3], "status", "offered");

    /* Applications hear of all of it. */
    a = gate_get(&w.gate, "/v1/events?after=oldest&follow=false&type=wish.*");
    unsigned n[3] = {0};
    for (const char *p = a.body; (p = strstr(p, "event: hilo.wish.")); p += 17)
        n[p[17] == 'a' ? 0 : p[17] == 'o' ? 1 : 2]++;
    assert_int_equal(n[0], 5);
    assert_int_equal(n[1], 5);
    assert_int_equal(n[2], 1);
    answer_done(&a);
    world_down(&w);
}

static void who_can_t_be_told_is_passed_over_and_reported(void **state)
{
    struct world w = {0};
    char who[4][64], wish[4][64];

    (void)state;
    shop_up(&w);
    struct answer a = gate_post(&w.gate, "/v1/customers",
                                "{\"name\":\"Sin\",\"identifiers\":[{\"scheme\":\"document\",\"value\":"
                                "\"CO:CC:1020304050\"}]}");
    keep(who[0], &a, "id");
    answer_done(&a);
    customer(&w.gate, "573001110002", "Berta", "es", who[1]);
    customer(&w.gate, "573001110003", "Carla", "es", who[2]);
    customer(&w.gate, "573001110004", "Dora", "es", who[3]);
    for (unsigned i = 0; i < 4; i++)
        subscribe(&w.gate, who[i], "", wish[i]);
    sim_text(&w.sim, "573001110002", "STOP", NULL);
    sim_quiet(&w.sim);
    answer_done(&(struct answer[1]){sim_messages(&w.sim, 1)}[0]); /* its confirmation */

    wa(&w.gate, "pause");
    a = arrives(&w.gate, 1, "");
    assert_true(answer_num(&a, "offered") == 1);
    assert_true(answer_num(&a, "waiting") == 1);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "passed_over")), 2);
    assert_string_equal(answer_str(&a, "passed_over/0/subscription"), wish[0]);
    assert_string_equal(answer_str(&a, "passed_over/0/reason"), "no_address");
    assert_string_equal(answer_str(&a, "passed_over/1/customer"), who[1]);
    assert_string_equal(answer_str(&a, "passed_over/1/reason"), "opted_out");
    answer_done(&a);
    wish_is(&w.gate, who[0], wish[0], "passed_over/reason", "no_address");
    wish_is(&w.gate, who[1], wish[1], "status", "waiting");
    wish_is(&w.gate, who[2], wish[2], "status", "offered");

    /* STOP comes before her message leaves: it was no offer, and the next one is told. */
    sim_text(&w.sim, "573001110003", "STOP", NULL);
    sim_quiet(&w.sim);
    wa(&w.gate, "resume");
    answer_done(&(struct answer[1]){sim_messages(&w.sim, 3)}[0]);
    a = sim_messages(&w.sim, 3);
    unsigned told = 0;
    const cJSON *m;
    cJSON_ArrayForEach(m, json_at(a.json, "messages"))
    {
        const cJSON *text = json_at(m, "body/text/body");
        if (!text || !strstr(text->valuestring, "Camisa"))
            continue;
        assert_string_equal(json_at(m, "body/to")->valuestring, "573001110004");
        told++;
    }
    assert_int_equal(told, 1);
    answer_done(&a);
    wish_is(&w.gate, who[2], wish[2], "status", "waiting");
    wish_is(&w.gate, who[3], wish[3], "status", "offered");
    available(&w.gate, 1, 1, 1);
    world_down(&w);
}

static void sell(struct gate *g, const char *who, const char *items, char id[64])
{
    struct answer a = gate_post(g, "/v1/sales",
                                "{\"customer\":\"%s\",\"number\":\"F-1\",\"currency\":\"COP\",\"total\":"
                                "\"129900.00\",\"items\":[%s]}",
                                who, items);

    assert_int_equal(a.status, 201);
    if (id)
        keep(id, &a, "id");
    answer_done(&a);
}

static void sales_take_from_what_is_left_and_fulfil_wishes(void **state)
{
    struct world w = {0};
    char who[4][64], wish[4][64], sale[64];

    (void)state;
    shop_up(&w);
    customer(&w.gate, "573001110001", "Ana", "es", who[0]);
    customer(&w.gate, "573001110002", "Berta", "es", who[1]);
    customer(&w.gate, "573001110003", "Carla", "es", who[2]);
    customer(&w.gate, "573001110004", "Dora", "es", who[3]);
    for (unsigned i = 0; i < 3; i++)
        subscribe(&w.gate, who[i], ",\"size\":\"M\"", wish[i]);
    answer_done(&(struct answer[1]){arrives(&w.gate, 2, ",\"size\":\"M\"")}[0]);
    available(&w.gate, 1, 2, 2);

    /* What was bought in another size is not of this; what somebody bought who did not wait is. */
    sell(&w.gate, who[3], "{\"sku\":\"CAM-7\",\"size\":\"L\",\"quantity\":1}", NULL);
    sell(&w.gate, who[3], "{\"sku\":\"OTRA\",\"quantity\":1}", NULL);
    available(&w.gate, 1, 2, 2);
    sell(&w.gate, who[3],
         "{\"name\":\"Bolsa\",\"quantity\":3},{\"sku\":\"CAM-7\",\"size\":\"M\",\"quantity\":1}", NULL);
    available(&w.gate, 1, 1, 2);

    /* One is left and two are held: that one of the two is let go brings nobody else in. */
    char path[96];
    (void)snprintf(path, sizeof path, "/v1/subscriptions/%s", wish[1]);
    struct answer a = gate_do(&w.gate, "DELETE", path, NULL);
    assert_int_equal(a.status, 204);
    answer_done(&a);
    available(&w.gate, 1, 1, 1);
    wish_is(&w.gate, who[2], wish[2], "status", "waiting");

    /* Ana comes for hers. */
    sell(&w.gate, who[0], "{\"sku\":\"CAM-7\",\"quantity\":1}", sale);
    wish_is(&w.gate, who[0], wish[0], "status", "fulfilled");
    wish_is(&w.gate, who[0], wish[0], "sale", sale);
    available(&w.gate, 0, 0, 0);

    /* Carla finds another one by herself. */
    sell(&w.gate, who[2], "{\"sku\":\"CAM-7\",\"size\":\"M\",\"quantity\":1}", NULL);
    wish_is(&w.gate, who[2], wish[2], "status", "fulfilled");
    a = arrives(&w.gate, 5, "");
    assert_true(answer_num(&a, "offered") == 0);
    assert_true(answer_num(&a, "waiting") == 0);
    answer_done(&a);
    available(&w.gate, 0, 0, 0);
    assert_int_equal(sim_count(&w.sim, "accepted"), 2);
    a = gate_get(&w.gate, "/v1/customers/%s/subscriptions?open=true", who[0]);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "subscriptions")), 0);
    answer_done(&a);
    world_down(&w);
}

/* ---- kills ---- */

enum { MANY = 200, AT_ONCE = 64 };

/* Each offer is in one batch with the message that makes it: whatever the moment of a kill, everybody is told
 * once, in order, and a request that is made again after it makes no second arrival. */
static void a_kill_in_the_middle_tells_everybody_once(void **state)
{
    static const char body[] =
        "{\"quantity\":200,\"rate\":64,\"title\":\"Camisa\",\"link\":\"https://t.co/c\"}";
    struct world w = {0};
    char who[64], wish[MANY][64];

    (void)state;
    shop_up(&w);
    for (unsigned i = 0; i < MANY; i++) {
        char phone[32];
        (void)snprintf(phone, sizeof phone, "5730020%05u", i);
        customer(&w.gate, phone, "X", "es", who);
        subscribe(&w.gate, who, "", wish[i]);
    }
    wa(&w.gate, "pause"); /* nothing is with the provider when it is killed: no doubt about what left */
    struct answer a =
        gate_with(&w.gate, "POST", "/v1/stock/CAM-7/available", body, "Idempotency-Key: llegó-1");
    assert_int_equal(a.status, 400); /* not printable ASCII */
    answer_done(&a);
    a = gate_with(&w.gate, "POST", "/v1/stock/CAM-7/available", body, "Idempotency-Key: arrived-1");
    assert_int_equal(a.status, 202);
    assert_true(answer_num(&a, "offered") == AT_ONCE);
    answer_done(&a);
    gate_kill(&w.gate);
    gate_check_store(&w.gate);
    gate_again(&w.gate);
    /* It goes on by itself; asked again, it is the same arrival. */
    a = gate_with(&w.gate, "POST", "/v1/stock/CAM-7/available", body, "Idempotency-Key: arrived-1");
    assert_int_equal(a.status, 202);
    assert_true(answer_num(&a, "offered") == AT_ONCE);
    answer_done(&a);
    gate_kill(&w.gate);
    gate_check_store(&w.gate);
    gate_again(&w.gate);
    gate_kill(&w.gate);
    gate_again(&w.gate);
    wa(&w.gate, "resume");
    a = sim_messages(&w.sim, MANY);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), MANY);
    char seen[MANY] = {0};
    const cJSON *m;
    cJSON_ArrayForEach(m, json_at(a.json, "messages"))
    {
        unsigned n = (unsigned)atoi(json_at(m, "body/to")->valuestring + 7);
        assert_true(n < MANY);
        assert_int_equal(seen[n], 0);
        seen[n] = 1;
    }
    answer_done(&a);
    available(&w.gate, 1, MANY, MANY);
    a = gate_get(&w.gate, "/v1/events?after=oldest&follow=false&type=wish.offered");
    const char *p = a.body;
    for (unsigned i = 0; i < MANY; i++) { /* in the order in which they asked */
        p = strstr(p, "event: hilo.wish.offered");
        assert_non_null(p);
        p = strstr(p, "\"subject\":\"");
        assert_non_null(p);
        assert_memory_equal(p + 11, wish[i], strlen(wish[i]));
    }
    assert_null(strstr(p, "event: hilo.wish.offered"));
    answer_done(&a);
    world_down(&w);
}

/* ---- time ---- */

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

static void what_is_held_lapses_and_the_next_is_told(void **state)
{
    struct timed t = {0};
    char who[5][64], wish[5][64];

    (void)state;
    up(&t, "stock: {hold: 20m, category: service}\n");
    struct gate *g = &t.w.gate;
    for (unsigned i = 0; i < 5; i++) {
        char phone[32];
        (void)snprintf(phone, sizeof phone, "57300111000%u", i);
        customer(g, phone, "X", "es", who[i]);
        subscribe(g, who[i], "", wish[i]);
    }
    struct answer a = arrives(g, 1, "");
    assert_true(answer_num(&a, "offered") == 1);
    answer_done(&a);
    nth_was(&t.w.sim, 0, "573001110000", NULL);
    a = gate_get(g, "/v1/customers/%s/timeline", who[0]);
    assert_string_equal(answer_str(&a, "messages/0/category"), "service");
    answer_done(&a);
    set_clock(&t, 19 * MINUTE_US);
    available(g, 1, 1, 1);
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 1);
    set_clock(&t, 2 * MINUTE_US);
    nth_was(&t.w.sim, 1, "573001110001", NULL);
    wish_is(g, who[0], wish[0], "status", "lapsed");
    wish_is(g, who[0], wish[0], "until", NULL);

    /* While the gateway is off, too; and by a clock that is set to and fro. */
    gate_stop(g);
    atomic_fetch_add(&t.shared->offset_us, 21 * MINUTE_US);
    gate_again(g);
    nth_was(&t.w.sim, 2, "573001110002", NULL);
    wish_is(g, who[1], wish[1], "status", "lapsed");
    set_clock(&t, -60 * MINUTE_US); /* this clock is known to have been later */
    set_clock(&t, 81 * MINUTE_US);
    nth_was(&t.w.sim, 3, "573001110003", NULL);

    /* Nobody is told of what was withdrawn. */
    a = gate_get(g, "/v1/stock/CAM-7");
    char path[128];
    (void)snprintf(path, sizeof path, "/v1/stock/CAM-7/available/%s", answer_str(&a, "available/0/id"));
    answer_done(&a);
    a = gate_do(g, "DELETE", path, NULL);
    assert_int_equal(a.status, 204);
    answer_done(&a);
    gate_expect(g, 404, "unknown_stock", NULL, "DELETE", path, NULL);
    set_clock(&t, 21 * MINUTE_US);
    wish_is(g, who[4], wish[4], "status", "waiting");
    /* It comes again: the order is that of before. */
    answer_done(&(struct answer[1]){arrives(g, 1, "")}[0]);
    nth_was(&t.w.sim, 4, "573001110004", NULL);
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 5);
    down(&t);
}

/* An offer that is still queued when its time is over was none. */
static void what_never_left_in_its_time_was_no_offer(void **state)
{
    struct timed t = {0};
    char who[2][64], wish[2][64];

    (void)state;
    up(&t, "stock: {hold: 20m}\n");
    struct gate *g = &t.w.gate;
    customer(g, "573001110000", "X", "es", who[0]);
    customer(g, "573001110001", "X", "es", who[1]);
    subscribe(g, who[0], "", wish[0]);
    wa(g, "pause");
    answer_done(&(struct answer[1]){arrives(g, 1, "")}[0]);
    wish_is(g, who[0], wish[0], "status", "offered");
    set_clock(&t, 21 * MINUTE_US);
    wa(g, "resume"); /* what had to end has ended when this is answered, or does now */
    subscribe(g, who[1], "", wish[1]);
    answer_done(&(struct answer[1]){arrives(g, 2, ",\"text\":\"{name}: again\"")}[0]);
    told(&t.w.sim, 2, "573001110001", "X: again");
    told(&t.w.sim, 2, "573001110000", "X: again");
    assert_int_equal(sim_count(&t.w.sim, "accepted"), 2);
    down(&t);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const struct {
        long status;
        const char *code, *pointer, *path, *body;
    } refused[] = {
        {422, "missing_field", "/quantity", "/v1/stock/A/available", "{}"},
        {422, "invalid_field", "/quantity", "/v1/stock/A/available", "{\"quantity\":0}"},
        {422, "invalid_field", "/hold", "/v1/stock/A/available", "{\"quantity\":1,\"hold\":\"P60D\"}"},
        {422, "invalid_field", "/category", "/v1/stock/A/available",
         "{\"quantity\":1,\"category\":\"authentication\"}"},
        {422, "unknown_channel", "/channel", "/v1/stock/A/available", "{\"quantity\":1,\"channel\":\"x\"}"},
        {422, "invalid_field", "/content", "/v1/stock/A/available",
         "{\"quantity\":1,\"text\":\"a\",\"template\":{\"name\":\"t\",\"language\":\"es\"}}"},
        {422, "invalid_content", "/content", "/v1/stock/A/available",
         "{\"quantity\":1,\"content\":{\"type\":\"nothing\"}}"},
        {404, "unknown_sku", NULL, "/v1/stock/A%0A/available", "{\"quantity\":1}"},
        {422, "missing_field", "/customer", "/v1/stock/A/subscriptions", "{}"},
        {422, "missing_field", "/customer", "/v1/stock/A/subscriptions",
         "{\"customer\":\"cus_00000000000000000000000001\",\"to\":{\"phone\":\"+573001112233\"}}"},
        {422, "unknown_customer", "/customer", "/v1/stock/A/subscriptions",
         "{\"customer\":\"cus_00000000000000000000000001\"}"},
        {422, "invalid_field", "/at", "/v1/stock/A/subscriptions",
         "{\"to\":{\"phone\":\"+573001112233\"},\"at\":\"2999-01-01T00:00:00Z\"}"},
        {422, "case_of_another", "/case", "/v1/stock/A/subscriptions",
         "{\"to\":{\"phone\":\"+573001112233\"},\"case\":\"cas_00000000000000000000000001\"}"},
    };
    struct world w = {0};

    (void)state;
    shop_up(&w);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        gate_expect(&w.gate, refused[i].status, refused[i].code, refused[i].pointer, "POST", refused[i].path,
                    refused[i].body);
    /* A SKU with an escape in its path; a customer who was not known. */
    struct answer a = gate_post(&w.gate, "/v1/stock/A%2F1%20x/subscriptions",
                                "{\"to\":{\"phone\":\"+573001112233\"},\"at\":\"2026-01-02T03:04:05Z\"}");
    assert_int_equal(a.status, 201);
    assert_string_equal(answer_str(&a, "sku"), "A/1 x");
    assert_string_equal(answer_str(&a, "since"), "2026-01-02T03:04:05.000Z");
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/customers/search", "{\"phone\":\"+573001112233\"}");
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "customers")), 1);
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_who_wait_are_told_in_order_as_many_as_there_are),
        cmocka_unit_test(who_can_t_be_told_is_passed_over_and_reported),
        cmocka_unit_test(sales_take_from_what_is_left_and_fulfil_wishes),
        cmocka_unit_test(a_kill_in_the_middle_tells_everybody_once),
        cmocka_unit_test(what_is_held_lapses_and_the_next_is_told),
        cmocka_unit_test(what_never_left_in_its_time_was_no_offer),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
