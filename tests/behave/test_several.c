/*
 * One message that is several at the peer, both ways, through the daemon and a plugin, on a thread
 * and in a process: segments with their ids and receipts, parts that come one by one; a kill
 * in between. The plugin is tests/plugins/echo.c, which submits the bodies that it is posted.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "+573001112233";

/* ---- the message model's bytes, by hand ---- */

struct bytes {
    unsigned char b[1024];
    size_t n;
};

static void put(struct bytes *to, unsigned tag, const void *p, size_t n)
{
    assert_true(tag < 128 && n < 128 && to->n + n + 2 <= sizeof to->b);
    to->b[to->n++] = (unsigned char)tag;
    to->b[to->n++] = (unsigned char)n;
    memcpy(to->b + to->n, p, n);
    to->n += n;
}

static void put_text(struct bytes *to, unsigned tag, const char *text)
{
    put(to, tag, text, strlen(text));
}

static void put_number(struct bytes *to, unsigned tag, unsigned char n)
{
    put(to, tag, &n, 1);
}

/* kind 3, provider_id, time (µs, little-endian), receipt {status, spellings} */
static void receipt(struct gate *g, const char *id, unsigned char status, const char *spelling)
{
    static const unsigned char time[] = {0, 0, 0x44, 0x8f, 0x1c, 0x5c, 6};
    struct bytes m = {.n = 0}, r = {.n = 0};
    char url[128];

    put_number(&r, 1, status);
    if (spelling)
        put_text(&r, 10, spelling);
    put_number(&m, 1, 3);
    put_text(&m, 8, id);
    put(&m, 11, time, sizeof time);
    put(&m, 20, r.b, r.n);
    (void)snprintf(url, sizeof url, "%s/hooks/sms", g->url);
    struct answer a = http_bytes("POST", url, NULL, m.b, m.n, NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
}
enum { FAILED = 5, DELIVERED = 9 };

/* kind 1, provider_id, party {phone}, content {text}, part {key, index, total} */
static void part(struct gate *g, const char *id, unsigned char index, unsigned char total, const char *text)
{
    struct bytes m = {.n = 0}, who = {.n = 0}, content = {.n = 0}, p = {.n = 0};
    char url[128];

    put_number(&who, 1, 1);
    put_text(&who, 3, ana);
    put_number(&content, 1, 1);
    put_text(&content, 2, text);
    put_text(&p, 1, "ana/77/2");
    put_number(&p, 2, index);
    put_number(&p, 3, total);
    put_number(&m, 1, 1);
    put_text(&m, 8, id);
    put(&m, 16, who.b, who.n);
    put(&m, 19, content.b, content.n);
    put(&m, 27, p.b, p.n);
    (void)snprintf(url, sizeof url, "%s/hooks/sms", g->url);
    struct answer a = http_bytes("POST", url, NULL, m.b, m.n, NULL);
    assert_int_equal(a.status, 200);
    answer_done(&a);
}

/* ---- the scene ---- */

static void up(struct world *w, const char *isolation, const char *gateway)
{
    static char channel[400];

    memset(w, 0, sizeof *w);
    w->gate.isolation = isolation;
    (void)snprintf(w->gate.extra_gateway, sizeof w->gate.extra_gateway, "%s", gateway);
    (void)snprintf(channel, sizeof channel,
                   "  sms:\n    type: echo\n    plugin: %s/tests/plugins/echo.so\n    sms: yes\n"
                   "    segments_max: 2\n",
                   harness_build());
    world_up(w, channel, NULL);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=sms", "state=up", NULL);
}

static void again(struct world *w)
{
    gate_kill(&w->gate);
    gate_again(&w->gate);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=sms", "state=up", NULL);
}

/* The answer, whatever it is. */
static struct answer send_sms(struct world *w, const char *text)
{
    return gate_post(&w->gate, "/v1/messages",
                     "{\"to\":{\"phone\":\"%s\"},\"channel\":\"sms\",\"content\":{\"type\":\"text\","
                     "\"text\":\"%s\"}}",
                     ana, text);
}

static void sent(struct world *w, const char *text, char id[64])
{
    struct answer a = send_sms(w, text);

    assert_int_equal(a.status, 202);
    assert_int_equal(answer_num(&a, "segments/count"), 1); /* of a text so short */
    (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w->gate, id, "sent");
}

static void segments(const char *isolation)
{
    struct world w;
    char id[64], text[400];

    up(&w, isolation, "");
    sent(&w, "several O s1 ff s3", id);
    receipt(&w.gate, "s3", DELIVERED, NULL);
    receipt(&w.gate, "255", DELIVERED, "ff");
    assert_string_equal(gate_status(&w.gate, id), "sent");
    again(&w);
    receipt(&w.gate, "s3", DELIVERED, NULL); /* again: 200, and nothing new */
    assert_string_equal(gate_status(&w.gate, id), "sent");
    receipt(&w.gate, "s1", DELIVERED, NULL);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "delivered");
    assert_int_equal(answer_num(&a, "segments/count"), 1); /* of a text so short */
    answer_done(&a);

    /* Early, for an id that nobody knows yet, and one of them failed. */
    receipt(&w.gate, "t2", FAILED, NULL);
    receipt(&w.gate, "t1", DELIVERED, NULL);
    sent(&w, "several O t1 t2", id);
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    assert_string_equal(answer_str(&a, "status"), "failed");
    assert_string_equal(answer_str(&a, "detail"), "1 of 2 segments failed");
    answer_done(&a);

    /* What is too long is refused, by rules that came out of the plugin's process. */
    memset(text, 'x', 307);
    text[307] = '\0';
    a = gate_post(
        &w.gate, "/v1/messages",
        "{\"to\":{\"phone\":\"%s\"},\"channel\":\"sms\",\"content\":{\"type\":\"text\",\"text\":\"%s\"}}",
        ana, text);
    answer_is(&a, 422, "too_many_segments", "/content/text");
    answer_done(&a);
    text[306] = '\0';
    a = gate_post(
        &w.gate, "/v1/messages",
        "{\"to\":{\"phone\":\"%s\"},\"channel\":\"sms\",\"content\":{\"type\":\"text\",\"text\":\"%s\"}}",
        ana, text);
    assert_int_equal(a.status, 202);
    assert_int_equal(answer_num(&a, "segments/count"), 2);
    assert_string_equal(answer_str(&a, "segments/encoding"), "gsm7");
    answer_done(&a);
    world_down(&w);
}

static void segments_on_a_thread(void **state)
{
    (void)state;
    segments("thread");
}

static void segments_in_a_process(void **state)
{
    (void)state;
    segments("process");
}

/* The newest of Ana's messages. */
static struct answer newest(struct world *w)
{
    char id[64];
    struct answer a = gate_post(&w->gate, "/v1/customers/search", "{\"phone\":\"%s\"}", ana);

    (void)snprintf(id, sizeof id, "%s", answer_str(&a, "customers/0/id"));
    answer_done(&a);
    return gate_get(&w->gate, "/v1/customers/%s/timeline", id);
}

static void parts_are_joined_after_a_kill(void **state)
{
    struct world w;
    struct answer a;

    (void)state;
    up(&w, "process", "");
    part(&w.gate, "p3", 3, 3, "tres");
    part(&w.gate, "p1", 1, 3, "uno ");
    again(&w);
    part(&w.gate, "p1", 1, 3, "uno ");
    part(&w.gate, "p2", 2, 3, "dos ");
    a = newest(&w);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 1);
    assert_string_equal(answer_str(&a, "messages/0/content/text"), "uno dos tres");
    assert_string_equal(answer_str(&a, "messages/0/provider_id"), "p1");
    answer_done(&a);
    part(&w.gate, "p3", 3, 3, "tres"); /* the peer did not hear our answer */
    a = newest(&w);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 1);
    answer_done(&a);
    world_down(&w);
}

static void what_never_becomes_whole_is_taken_after_a_restart(void **state)
{
    struct world w;
    struct answer a;

    (void)state;
    up(&w, "thread", "  parts_wait: 2s\n");
    part(&w.gate, "p2", 2, 3, "dos");
    gate_kill(&w.gate);
    gate_again(&w.gate);
    (void)process_wait_nth(w.gate.process, 1, "message.incomplete", "missing=2 parts=3 reason=expired", NULL);
    a = newest(&w);
    assert_string_equal(answer_str(&a, "messages/0/content/text"), "[\xe2\x80\xa6]dos[\xe2\x80\xa6]");
    assert_int_equal(answer_num(&a, "messages/0/missing_parts"), 2);
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_on_a_thread),
        cmocka_unit_test(segments_in_a_process),
        cmocka_unit_test(parts_are_joined_after_a_kill),
        cmocka_unit_test(what_never_becomes_whole_is_taken_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
