/*
 * The story of one message there and back: template, answers with a photo, buttons, the
 * tapped choice, receipts, the case and the timeline; and what belongs to it: the mark as
 * read, the signed link of the photo.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static const char phone[] = "573001112233";
/* Not a valid picture, which is nobody's business on the way. */
static const char photo_base64[] = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP8=";
static const unsigned char photo[] = {0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 'J',  'F',  'I',
                                      'F',  0x00, 0x01, 0x01, 0x01, 0x00, 0x48, 0x00, 0x48,
                                      0x00, 0x00, 0xff, 0xdb, 0x00, 0x43, 0x00, 0xff};

static void copy(char *out, size_t cap, const char *text)
{
    assert_non_null(text);
    assert_true((size_t)snprintf(out, cap, "%s", text) < cap);
}

/* The value behind "name=" in a log line. */
static void value_of(const char *line, const char *name, char *out, size_t cap)
{
    const char *p = strstr(line, name);

    assert_non_null(p);
    p += strlen(name);
    (void)snprintf(out, cap, "%.*s", (int)strcspn(p, " "), p);
}

/* The id that the gateway gave to the next message that came in. */
static void received(struct world *w, char *id)
{
    value_of(process_wait_line(w->gate.process, "message.received", NULL), "id=", id, 64);
}

static void photo_comes(struct world *w, char *message, char *media)
{
    sim_set(
        &w->sim, "/_sim/inbound",
        "{\"from\":\"%s\",\"name\":\"Ana\",\"type\":\"image\",\"data\":\"%s\",\"mime_type\":\"image/jpeg\","
        "\"caption\":\"la pantalla\"}",
        phone, photo_base64);
    received(w, message);
    value_of(process_wait_line(w->gate.process, "media.stored", NULL), "id=", media, 64);
}

static void story(void **state)
{
    struct world w = {0};
    char customer[64], case_id[64], template[64], said[64], image[64], media[64], asked[64], tapped[64];
    struct answer a;

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config",
            "{\"templates\":[{\"name\":\"pedir_foto\",\"language\":\"es\",\"body_parameters\":1}]}");

    a = gate_post(&w.gate, "/v1/customers",
                  "{\"name\":\"Ana\",\"identifiers\":[{\"scheme\":\"phone\",\"value\":\"+%s\"}]}", phone);
    assert_int_equal(a.status, 201);
    copy(customer, sizeof customer, answer_str(&a, "id"));
    answer_done(&a);
    a = gate_post(&w.gate, "/v1/cases", "{\"customer\":\"%s\",\"subject\":\"Televisor\",\"owner\":\"luis\"}",
                  customer);
    assert_int_equal(a.status, 201);
    copy(case_id, sizeof case_id, answer_str(&a, "id"));
    answer_done(&a);

    /* The agent writes first. */
    a = gate_post(&w.gate, "/v1/messages",
                  "{\"to\":{\"phone\":\"+%s\"},\"case\":\"%s\",\"content\":{\"type\":\"template\","
                  "\"name\":\"pedir_foto\",\"language\":\"es\",\"parameters\":{\"body\":[\"Ana\"]}}}",
                  phone, case_id);
    assert_int_equal(a.status, 202);
    assert_string_equal(answer_str(&a, "status"), "accepted");
    assert_string_equal(answer_str(&a, "channel"), "wa");
    assert_string_equal(answer_str(&a, "customer"), customer);
    copy(template, sizeof template, answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w.gate, template, "read");
    a = sim_messages(&w.sim, 1);
    assert_string_equal(answer_str(&a, "messages/0/type"), "template");
    assert_string_equal(answer_str(&a, "messages/0/biz_opaque_callback_data"), template);
    answer_done(&a);

    /* She answers with a text and a photo. */
    sim_text(&w.sim, phone, "Así quedó", NULL);
    received(&w, said);
    photo_comes(&w, image, media);
    a = gate_get(&w.gate, "/v1/media/%s", media);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.n, sizeof photo);
    assert_memory_equal(a.body, photo, sizeof photo);
    assert_non_null(strstr(a.headers, "Content-Type: image/jpeg"));
    answer_done(&a);

    /* Buttons, and the one that she taps. */
    a = gate_post(
        &w.gate, "/v1/messages",
        "{\"to\":{\"customer\":\"%s\"},\"channel\":\"wa\",\"case\":\"%s\",\"content\":{"
        "\"type\":\"choices\",\"text\":\"¿Cambio o devolución?\",\"choices\":["
        "{\"id\":\"exchange\",\"title\":\"Cambio\"},{\"id\":\"refund\",\"title\":\"Devolución\"}]}}",
        customer, case_id);
    assert_int_equal(a.status, 202);
    copy(asked, sizeof asked, answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w.gate, asked, "read");
    a = sim_messages(&w.sim, 2);
    assert_string_equal(answer_str(&a, "messages/1/type"), "interactive");
    assert_string_equal(answer_str(&a, "messages/1/body/interactive/action/buttons/1/reply/id"), "refund");
    answer_done(&a);
    sim_set(&w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"reply_to\":\"last\",\"button\":\"exchange\"}",
            phone);
    received(&w, tapped);
    a = gate_get(&w.gate, "/v1/messages/%s", tapped);
    assert_string_equal(answer_str(&a, "kind"), "inbound");
    assert_string_equal(answer_str(&a, "content/type"), "choice_reply");
    assert_string_equal(answer_str(&a, "content/choice"), "exchange");
    assert_string_equal(answer_str(&a, "content/title"), "Cambio");
    assert_string_equal(answer_str(&a, "reply_to"), asked);
    assert_string_equal(answer_str(&a, "case"), case_id);
    answer_done(&a);

    /* Receipts: each step once, in its order, with the price. */
    a = gate_get(&w.gate, "/v1/messages/%s", asked);
    assert_string_equal(answer_str(&a, "status"), "read");
    static const char *const steps[] = {"accepted", "queued", "sent", "delivered", "read"};
    unsigned found = 0;
    const cJSON *step;
    cJSON_ArrayForEach(step, json_at(a.json, "history"))
    {
        const char *status = json_at(step, "status")->valuestring;
        if (found < 5 && strcmp(status, steps[found]) == 0)
            found++;
        else
            assert_string_equal(status, "sent"); /* the answer and the webhook say it */
    }
    assert_int_equal(found, 5);
    assert_true(answer_num(&a, "attempts") == 1);
    assert_non_null(json_at(a.json, "cost/pricing_category"));
    answer_done(&a);

    /* The timeline has all five, newest first; and so has the case, in its own list. */
    const char *const order[] = {tapped, asked, image, said, template};
    a = gate_get(&w.gate, "/v1/customers/%s/timeline", customer);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 5);
    for (int i = 0; i < 5; i++) {
        const cJSON *m = cJSON_GetArrayItem(json_at(a.json, "messages"), i);
        assert_string_equal(json_at(m, "id")->valuestring, order[i]);
        assert_string_equal(json_at(m, "customer")->valuestring, customer);
        assert_string_equal(json_at(m, "case")->valuestring, case_id);
    }
    assert_string_equal(answer_str(&a, "messages/2/content/kind"), "image");
    assert_string_equal(answer_str(&a, "messages/2/content/caption"), "la pantalla");
    assert_string_equal(answer_str(&a, "messages/2/content/media"), media);
    assert_string_equal(answer_str(&a, "messages/3/content/text"), "Así quedó");
    assert_true(cJSON_IsNull(json_at(a.json, "next")));
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/cases/%s/messages", case_id);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 5);
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/cases/%s", case_id);
    assert_true(answer_num(&a, "messages") == 5);
    answer_done(&a);
    world_down(&w);
}

static void a_message_marked_as_read_is_marked_at_the_channel_and_here(void **state)
{
    struct world w = {0};
    char wamid[128], id[64], mark[64], path[128];
    struct answer a;

    (void)state;
    world_up(&w, NULL, NULL);
    sim_text(&w.sim, phone, "hola", wamid);
    received(&w, id);
    (void)snprintf(path, sizeof path, "/v1/messages/%s/read", id);
    a = gate_post(&w.gate, path, "{}");
    assert_int_equal(a.status, 202);
    copy(mark, sizeof mark, answer_str(&a, "id"));
    answer_done(&a);
    gate_wait_status(&w.gate, mark, "sent");
    assert_string_equal(gate_status(&w.gate, id), "read");
    a = sim_get(&w.sim, "/_sim/webhooks");
    assert_string_equal(answer_str(&a, "read/0"), wamid);
    answer_done(&a);
    /* A signal is no part of what was said. */
    a = gate_get(&w.gate, "/v1/messages/%s", id);
    char customer[64];
    copy(customer, sizeof customer, answer_str(&a, "customer"));
    answer_done(&a);
    a = gate_get(&w.gate, "/v1/customers/%s/timeline", customer);
    assert_int_equal(cJSON_GetArraySize(json_at(a.json, "messages")), 1);
    answer_done(&a);
    world_down(&w);
}

static void only_what_a_customer_wrote_can_be_marked_as_read(void **state)
{
    struct world w = {0};
    char id[64], path[128];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/window", "{\"customer\":\"%s\",\"open\":true}", phone);
    gate_send_text(&w.gate, "+573001112233", "hola", id);
    (void)snprintf(path, sizeof path, "/v1/messages/%s/read", id);
    gate_expect(&w.gate, 409, "not_inbound", NULL, "POST", path, "{}");
    gate_wait_status(&w.gate, id, "read");
    world_down(&w);
}

/* GET of a link without a key; its tail changed at *change to what it is not. */
static long follow(struct world *w, const char *link, char *change)
{
    char url[512];

    if (change)
        *change = *change == 'A' ? 'B' : 'A';
    const char *path = strstr(link, "/m/");
    assert_non_null(path);
    (void)snprintf(url, sizeof url, "%s%s", w->gate.url, path);
    struct answer a = http_do("GET", url, NULL, NULL, NULL);
    long status = a.status;
    if (status == 200) {
        assert_int_equal(a.n, sizeof photo);
        assert_memory_equal(a.body, photo, sizeof photo);
        /* It comes from strangers: never to be interpreted. */
        assert_non_null(strstr(a.headers, "Content-Disposition: attachment"));
        assert_non_null(strstr(a.headers, "nosniff"));
    }
    answer_done(&a);
    return status;
}

static void a_signed_link_opens_without_a_key_and_a_forged_one_does_not(void **state)
{
    struct world w = {.gate.public_url = "https://hilo.example.com"};
    char message[64], media[64], link[256];

    (void)state;
    world_up(&w, NULL, NULL);
    photo_comes(&w, message, media);
    struct answer a = gate_get(&w.gate, "/v1/media/%s?info", media);
    assert_string_equal(answer_str(&a, "state"), "stored");
    copy(link, sizeof link, answer_str(&a, "link"));
    answer_done(&a);
    assert_memory_equal(link, "https://hilo.example.com/m/", 27);
    assert_int_equal(follow(&w, link, NULL), 200);
    /* Every character of the token counts: the id, the time, the signature. */
    for (size_t i = 27; i < strlen(link); i += 6) {
        char forged[256];
        copy(forged, sizeof forged, link);
        assert_int_equal(follow(&w, forged, forged + i), 404);
    }
    link[strlen(link) - 1] = '\0';
    assert_int_equal(follow(&w, link, NULL), 404);
    world_down(&w);
}

static void a_signed_link_ends(void **state)
{
    struct world w = {.gate.public_url = "https://hilo.example.com\n  link_life: 1s"};
    char message[64], media[64], link[256], later[256];
    long status = 200;

    (void)state;
    world_up(&w, NULL, NULL);
    photo_comes(&w, message, media);
    struct answer a = gate_get(&w.gate, "/v1/media/%s?info", media);
    copy(link, sizeof link, answer_str(&a, "link"));
    answer_done(&a);
    /* The link ends within its second; each question takes time, so this does too. */
    for (time_t end = time(NULL) + DEADLINE_S; status == 200 && time(NULL) < end;) {
        copy(later, sizeof later, link);
        status = follow(&w, later, NULL);
    }
    assert_int_equal(status, 410);
    world_down(&w);
}

static void no_links_are_given_without_a_public_url(void **state)
{
    struct world w = {0};
    char message[64], media[64];

    (void)state;
    world_up(&w, NULL, NULL);
    photo_comes(&w, message, media);
    struct answer a = gate_get(&w.gate, "/v1/media/%s?info", media);
    assert_int_equal(a.status, 200);
    assert_null(json_at(a.json, "link"));
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(story),
        cmocka_unit_test(a_message_marked_as_read_is_marked_at_the_channel_and_here),
        cmocka_unit_test(only_what_a_customer_wrote_can_be_marked_as_read),
        cmocka_unit_test(a_signed_link_opens_without_a_key_and_a_forged_one_does_not),
        cmocka_unit_test(a_signed_link_ends),
        cmocka_unit_test(no_links_are_given_without_a_public_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
