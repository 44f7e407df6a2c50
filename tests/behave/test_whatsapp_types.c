/*
 * Every type of message through the daemon and the simulator of Meta's side, both ways:
 * what a customer sends stands in the timeline with its fields, what is sent is accepted
 * by the simulator's rules as that type.
 */
#include "harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char ana[] = "573001112233";

enum { EXPECT_MAX = 8 };

/* A path into JSON and what is there: a string as it is, a number or true as JSON writes
 * it, NULL for nothing. */
struct expect {
    const char *path, *value;
};

static void check(const char *what, const cJSON *json, const struct expect *e)
{
    char text[512];

    for (; e->path; e++) {
        const cJSON *v = json_at(json, e->path);
        if (v && cJSON_IsString(v))
            (void)snprintf(text, sizeof text, "%s", v->valuestring);
        else if (v && !cJSON_PrintPreallocated((cJSON *)(uintptr_t)v, text, sizeof text, 0))
            fail_msg("%s: %s is too long", what, e->path);
        if (!v != !e->value || (v && strcmp(text, e->value) != 0)) {
            char *all = cJSON_Print(json);
            print_error("%s\n", all);
            free(all);
            fail_msg("%s: %s is %s, not %s", what, e->path, v ? text : "absent",
                     e->value ? e->value : "absent");
        }
    }
}

/* The newest message of a customer, from the timeline. */
static struct answer newest_of(struct world *w, const char *customer, const cJSON **m)
{
    struct answer a = gate_get(&w->gate, "/v1/customers/%s/timeline?limit=1", customer);

    assert_int_equal(a.status, 200);
    *m = json_at(a.json, "messages/0");
    return a;
}

/* Waits for the next message that came in; its id and customer. */
static void received(struct world *w, char id[64], char customer[64])
{
    const char *line = process_wait_line(w->gate.process, "message.received", "id=", NULL);

    (void)snprintf(id, 64, "%.30s", strstr(line, "id=") + 3);
    struct answer a = gate_get(&w->gate, "/v1/messages/%s", id);
    assert_int_equal(a.status, 200);
    (void)snprintf(customer, 64, "%s", answer_str(&a, "customer"));
    answer_done(&a);
}

/* ---- from customers --------------------------------------------------------------------------- */

static const struct {
    const char *what, *inbound; /* members of POST /_sim/inbound */
    struct expect expect[EXPECT_MAX + 1];
} inbound[] = {
    {"text",
     "\"type\":\"text\",\"text\":{\"body\":\"hola ñ\"}",
     {{"content/type", "text"}, {"content/text", "hola ñ"}}},
    {"image",
     "\"type\":\"image\",\"data\":\"QUJD\",\"mime_type\":\"image/jpeg\",\"caption\":\"así quedó\"",
     {{"content/type", "media"},
      {"content/kind", "image"},
      {"content/caption", "así quedó"},
      {"content/mime", "image/jpeg"}}},
    {"video",
     "\"type\":\"video\",\"data\":\"QUJE\",\"mime_type\":\"video/mp4\",\"caption\":\"c\"",
     {{"content/type", "media"}, {"content/kind", "video"}, {"content/caption", "c"}}},
    {"audio",
     "\"type\":\"audio\",\"data\":\"QUJF\",\"mime_type\":\"audio/mpeg\",\"voice\":false",
     {{"content/type", "media"}, {"content/kind", "audio"}}},
    {"voice",
     "\"type\":\"audio\",\"data\":\"QUJG\",\"mime_type\":\"audio/ogg; codecs=opus\",\"voice\":true",
     {{"content/type", "media"}, {"content/kind", "voice"}}},
    {"document",
     "\"type\":\"document\",\"data\":\"JVBERi0=\",\"mime_type\":\"application/pdf\",\"filename\":\"a.pdf\"",
     {{"content/type", "media"}, {"content/kind", "document"}, {"content/filename", "a.pdf"}}},
    {"sticker",
     "\"type\":\"sticker\",\"data\":\"QUJH\",\"mime_type\":\"image/webp\",\"animated\":true",
     {{"content/type", "media"}, {"content/kind", "sticker"}, {"content/animated", "true"}}},
    {"location",
     "\"type\":\"location\",\"location\":{\"latitude\":-33.45,\"longitude\":-70.6,\"name\":\"Tienda\","
     "\"address\":\"Cra 7\"}",
     {{"content/type", "location"},
      {"content/latitude", "-33.45"},
      {"content/longitude", "-70.6"},
      {"content/name", "Tienda"},
      {"content/address", "Cra 7"}}},
    {"contacts",
     "\"type\":\"contacts\",\"contacts\":[{\"name\":{\"formatted_name\":\"Lucía "
     "Gómez\",\"first_name\":\"Lucía\"},"
     "\"phones\":[{\"phone\":\"+1 "
     "983\",\"wa_id\":\"19835552319\",\"type\":\"MOBILE\"}],\"org\":{\"company\":\"X\"}}]",
     {{"content/type", "contacts"},
      {"content/contacts/0/name", "Lucía Gómez"},
      {"content/contacts/0/organization", "X"},
      {"content/contacts/0/phones/0/whatsapp", "19835552319"}}},
    {"reaction",
     "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"wamid.X\",\"emoji\":\"👍\"}",
     {{"content/type", "reaction"}, {"content/emoji", "👍"}}},
    {"a reaction taken back",
     "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"wamid.X\"}",
     {{"content/type", "reaction"}, {"content/emoji", ""}}},
    {"order",
     "\"type\":\"order\",\"order\":{\"catalog_id\":\"C\",\"text\":\"rojo\",\"product_items\":[{\"product_"
     "retailer_id\":\"sku\",\"quantity\":2,"
     "\"item_price\":30.5,\"currency\":\"USD\"}]}",
     {{"content/type", "order"},
      {"content/catalog", "C"},
      {"content/text", "rojo"},
      {"content/items/0/sku", "sku"},
      {"content/items/0/quantity", "2"},
      {"content/items/0/price", "30.5"}}},
    {"identity changed",
     "\"type\":\"system\",\"system\":{\"type\":\"user_identity_changed\",\"body\":\"cambió\",\"wa_id\":"
     "\"573001112233\"}",
     {{"content/type", "system"}, {"content/event", "other"}, {"content/text", "cambió"}}},
    {"an advertisement",
     "\"type\":\"text\",\"text\":{\"body\":\"info\"},\"referral\":{\"source_url\":\"https://fb.me/"
     "1\",\"source_id\":\"9\",\"source_type\":\"ad\","
     "\"headline\":\"Oferta\",\"media_type\":\"image\",\"image_url\":\"https://i\",\"ctwa_clid\":\"clid\"}",
     {{"content/text", "info"},
      {"referral/source_type", "ad"},
      {"referral/source_url", "https://fb.me/1"},
      {"referral/headline", "Oferta"},
      {"referral/kind", "image"},
      {"referral/media_url", "https://i"},
      {"referral/click_id", "clid"}}},
    {"forwarded",
     "\"type\":\"text\",\"text\":{\"body\":\"f\"},\"context\":{\"forwarded\":true}",
     {{"content/text", "f"}, {"forwarded", "true"}, {"frequently_forwarded", NULL}}},
    {"frequently forwarded",
     "\"type\":\"text\",\"text\":{\"body\":\"ff\"},\"context\":{\"frequently_forwarded\":true}",
     {{"content/text", "ff"}, {"forwarded", NULL}, {"frequently_forwarded", "true"}}},
    {"a product asked about",
     "\"type\":\"text\",\"text\":{\"body\":\"¿hay?\"},\"context\":{\"from\":\"15550783881\",\"referred_"
     "product\":{\"catalog_id\":\"C\",\"product_retailer_id\":\"sku\"}}",
     {{"content/text", "¿hay?"}, {"product/catalog", "C"}, {"product/sku", "sku"}}},
    {"a template's button without its template",
     "\"type\":\"button\",\"button\":{\"payload\":\"LUEGO\",\"text\":\"Más tarde\"}",
     {{"content/type", "choice_reply"}, {"content/choice", "LUEGO"}, {"content/title", "Más tarde"}}},
    {"a form by itself",
     "\"type\":\"interactive\",\"interactive\":{\"type\":\"nfm_reply\",\"nfm_reply\":{\"name\":\"flow\","
     "\"body\":\"Sent\",\"response_json\":\"{\\\"a\\\":1}\"}}",
     {{"content/type", "choice_reply"}, {"content/name", "flow"}, {"content/data", "{\"a\":1}"}}},
    {"unsupported",
     "\"type\":\"unsupported\",\"errors\":[{\"code\":131051,\"title\":\"Message type unknown\"}]",
     {{"content/type", "unsupported"}, {"content/raw_type", "unsupported"}}},
    {"a type that nobody knows yet",
     "\"type\":\"hologram\",\"hologram\":{\"z\":1}",
     {{"content/type", "unsupported"}, {"content/raw_type", "hologram"}}},
};

static void what_customers_send_stands_in_the_timeline(void **state)
{
    struct world w = {0};
    char customer[64], id[64], other[64];
    const cJSON *m;
    size_t i;

    (void)state;
    world_up(&w, NULL, NULL);
    sim_text(&w.sim, ana, "la primera", NULL);
    received(&w, id, customer);
    for (i = 0; i < sizeof inbound / sizeof *inbound; i++) {
        struct answer a = sim_post(&w.sim, "/_sim/inbound", "{\"from\":\"%s\",%s}", ana, inbound[i].inbound);
        if (a.status != 200)
            fail_msg("%s: %s", inbound[i].what, a.body);
        answer_done(&a);
        received(&w, id, other);
        assert_string_equal(other, customer); /* all of them are Ana's */
        a = newest_of(&w, customer, &m);
        check(inbound[i].what, m,
              (const struct expect[]){{"id", id}, {"kind", "inbound"}, {"channel", "wa"}, {NULL, NULL}});
        check(inbound[i].what, m, inbound[i].expect);
        answer_done(&a);
    }
    world_down(&w);
}

/* What was edited reads as it does now, what was taken back is empty. */
static void what_a_customer_corrects_is_corrected(void **state)
{
    struct world w = {0};
    char wamid[128], first[64], id[64], customer[64];
    const cJSON *m;

    (void)state;
    world_up(&w, NULL, NULL);
    sim_text(&w.sim, ana, "la primera", wamid);
    received(&w, first, customer);
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"type\":\"edit\",\"edit\":{\"original_message_id\":\"%s\",\"message\":{"
            "\"type\":\"text\",\"text\":{"
            "\"body\":\"corregida\"}}}}",
            ana, wamid);
    received(&w, id, customer);
    struct answer a = newest_of(&w, customer, &m);
    check("edited", m, (const struct expect[]){{"id", first}, {"content/text", "corregida"}, {NULL, NULL}});
    assert_non_null(json_at(m, "edited"));
    answer_done(&a);
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"type\":\"revoke\",\"revoke\":{\"original_message_id\":\"%s\"}}", ana, wamid);
    received(&w, id, customer);
    a = newest_of(&w, customer, &m);
    check("deleted", m, (const struct expect[]){{"id", first}, {"content/text", NULL}, {NULL, NULL}});
    assert_non_null(json_at(m, "deleted"));
    answer_done(&a);
    world_down(&w);
}

/* She writes from another number afterwards and is the same customer. */
static void a_number_that_changed_is_hers(void **state)
{
    struct world w = {0};
    char id[64], before[64], after[64];

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config", "{\"user_ids\":false}");
    sim_text(&w.sim, ana, "hola", NULL);
    received(&w, id, before);
    sim_set(&w.sim, "/_sim/inbound",
            "{\"from\":\"%s\",\"type\":\"system\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":"
            "\"573009998877\",\"body\":"
            "\"Ana changed\"}}",
            ana);
    received(&w, id, after);
    assert_string_equal(after, before);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", id);
    check("number changed", a.json,
          (const struct expect[]){{"content/event", "number_changed"},
                                  {"content/new_party/0/value", "+573009998877"},
                                  {NULL, NULL}});
    answer_done(&a);
    sim_text(&w.sim, "573009998877", "soy yo", NULL);
    received(&w, id, after);
    assert_string_equal(after, before);
    world_down(&w);
}

/* ---- to customers --------------------------------------------------------------------------------- */

static const struct {
    const char *what, *more; /* members beside content, or "" */
    const char *content;
    struct expect expect[EXPECT_MAX + 1]; /* in the body that Meta got */
} outbound[] = {
    {"text", "", "{\"type\":\"text\",\"text\":\"hola\"}", {{"type", "text"}, {"text/body", "hola"}}},
    {"image",
     "",
     "{\"type\":\"media\",\"kind\":\"image\",\"url\":\"https://example.com/a.jpg\",\"caption\":\"c\"}",
     {{"type", "image"}, {"image/link", "https://example.com/a.jpg"}, {"image/caption", "c"}}},
    {"video",
     "",
     "{\"type\":\"media\",\"kind\":\"video\",\"url\":\"https://example.com/a.mp4\"}",
     {{"type", "video"}, {"video/link", "https://example.com/a.mp4"}}},
    {"audio",
     "",
     "{\"type\":\"media\",\"kind\":\"audio\",\"url\":\"https://example.com/a.mp3\"}",
     {{"type", "audio"}, {"audio/link", "https://example.com/a.mp3"}}},
    {"voice",
     "",
     "{\"type\":\"media\",\"kind\":\"voice\",\"url\":\"https://example.com/a.ogg\"}",
     {{"type", "audio"}, {"audio/link", "https://example.com/a.ogg"}}},
    {"document",
     "",
     "{\"type\":\"media\",\"kind\":\"document\",\"url\":\"https://example.com/"
     "a.pdf\",\"filename\":\"boleta.pdf\"}",
     {{"type", "document"},
      {"document/link", "https://example.com/a.pdf"},
      {"document/filename", "boleta.pdf"}}},
    {"sticker",
     "",
     "{\"type\":\"media\",\"kind\":\"sticker\",\"url\":\"https://example.com/a.webp\"}",
     {{"type", "sticker"}, {"sticker/link", "https://example.com/a.webp"}}},
    {"location",
     "",
     "{\"type\":\"location\",\"latitude\":-33.4,\"longitude\":-70.65,\"name\":\"Tienda\",\"address\":\"Cra "
     "7\"}",
     {{"type", "location"},
      {"location/latitude", "-33.4"},
      {"location/longitude", "-70.65"},
      {"location/name", "Tienda"},
      {"location/address", "Cra 7"}}},
    {"contacts",
     "",
     "{\"type\":\"contacts\",\"contacts\":[{\"name\":\"Luis "
     "Díaz\",\"first_name\":\"Luis\",\"phones\":[{\"number\":\"+573001234567\",\"label\":\"WORK\"}]}]}",
     {{"type", "contacts"},
      {"contacts/0/name/formatted_name", "Luis Díaz"},
      {"contacts/0/phones/0/phone", "+573001234567"}}},
    {"reaction",
     "first",
     "{\"type\":\"reaction\",\"emoji\":\"👍\"}",
     {{"type", "reaction"}, {"reaction/message_id", "wamid"}, {"reaction/emoji", "👍"}}},
    {"a reaction taken back",
     "first",
     "{\"type\":\"reaction\",\"emoji\":\"\"}",
     {{"type", "reaction"}, {"reaction/emoji", ""}}},
    {"buttons",
     "",
     "{\"type\":\"choices\",\"text\":\"¿?\",\"choices\":[{\"id\":\"a\",\"title\":\"A\"},{\"id\":\"b\","
     "\"title\":\"B\"}]}",
     {{"interactive/type", "button"}, {"interactive/action/buttons/1/reply/id", "b"}}},
    {"list",
     "",
     "{\"type\":\"choices\",\"text\":\"¿?\",\"button\":\"Ver\",\"choices\":[{\"id\":\"a\",\"title\":\"A\","
     "\"description\":\"d\"},{\"id\":\"b\",\"title\":\"B\"}]}",
     {{"interactive/type", "list"},
      {"interactive/action/button", "Ver"},
      {"interactive/action/sections/0/rows/0/description", "d"}}},
    {"link",
     "",
     "{\"type\":\"link\",\"text\":\"Pague aquí\",\"button\":\"Pagar\",\"url\":\"https://example.com/p\"}",
     {{"interactive/type", "cta_url"},
      {"interactive/action/parameters/display_text", "Pagar"},
      {"interactive/action/parameters/url", "https://example.com/p"}}},
    {"template",
     "",
     "{\"type\":\"template\",\"name\":\"pedir_foto\",\"language\":\"es\",\"parameters\":{\"body\":["
     "\"Ana\\nMaría\"]}}",
     {{"type", "template"},
      {"template/name", "pedir_foto"},
      {"template/components/0/parameters/0/text", "Ana María"}}},
    {"form",
     "",
     "{\"type\":\"form\",\"text\":\"Pida su "
     "cita\",\"button\":\"Agendar\",\"name\":\"1234567890\",\"screen\":\"CITA\",\"data\":\"{\\\"a\\\":1}\"}",
     {{"interactive/type", "flow"},
      {"interactive/action/parameters/flow_id", "1234567890"},
      {"interactive/action/parameters/flow_token", "id"},
      {"interactive/action/parameters/flow_action_payload/screen", "CITA"},
      {"interactive/action/parameters/flow_action_payload/data/a", "1"}}},
};

static void what_is_sent_is_of_its_type(void **state)
{
    struct world w = {0};
    char wamid[128], first[64], customer[64], more[128], id[64];
    unsigned n = 0;
    size_t i, k;

    (void)state;
    world_up(&w, NULL, NULL);
    sim_set(&w.sim, "/_sim/config",
            "{\"templates\":[{\"name\":\"pedir_foto\",\"language\":\"es\",\"body_parameters\":1}]}");
    sim_text(&w.sim, ana, "hola", wamid);
    received(&w, first, customer);
    for (i = 0; i < sizeof outbound / sizeof *outbound; i++) {
        struct expect expect[EXPECT_MAX + 1] = {{NULL, NULL}};
        more[0] = 0;
        if (outbound[i].more[0])
            (void)snprintf(more, sizeof more, ",\"reply_to\":\"%s\"", first);
        struct answer a = gate_post(&w.gate, "/v1/messages",
                                    "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\"%s,\"content\":%s}", ana,
                                    more, outbound[i].content);
        if (a.status != 202)
            fail_msg("%s: %s", outbound[i].what, a.body);
        (void)snprintf(id, sizeof id, "%s", answer_str(&a, "id"));
        answer_done(&a);
        gate_wait_status(&w.gate, id, "read");
        for (k = 0; outbound[i].expect[k].path; k++) {
            expect[k] = outbound[i].expect[k];
            if (expect[k].value && strcmp(expect[k].value, "wamid") == 0)
                expect[k].value = wamid;
            if (expect[k].value && strcmp(expect[k].value, "id") == 0)
                expect[k].value = id;
        }
        a = sim_get(&w.sim, "/_sim/messages?since=%u&min=1&wait_ms=20000", n++);
        const cJSON *m = json_at(a.json, "messages/0");
        check(outbound[i].what, m, (const struct expect[]){{"biz_opaque_callback_data", id}, {NULL, NULL}});
        check(outbound[i].what, json_at(m, "body"), expect);
        answer_done(&a);
    }
    /* Signals are no messages of hers; Meta knows them by her message. */
    static const char *const signal[] = {"typing", "read"};
    for (i = 0; i < 2; i++) {
        char path[128], mark[64];
        (void)snprintf(path, sizeof path, "/v1/messages/%s/%s", first, signal[i]);
        struct answer a = gate_post(&w.gate, path, "{}");
        assert_int_equal(a.status, 202);
        (void)snprintf(mark, sizeof mark, "%s", answer_str(&a, "id"));
        answer_done(&a);
        gate_wait_status(&w.gate, mark, "sent");
    }
    assert_int_equal(sim_count(&w.sim, "typings"), 1);
    assert_int_equal(sim_count(&w.sim, "reads"), 2);
    /* The last one was a form: what she fills in names it. */
    sim_set(&w.sim, "/_sim/inbound", "{\"from\":\"%s\",\"reply_to\":\"last\",\"flow\":{\"dia\":\"lunes\"}}",
            ana);
    char reply[64];
    received(&w, reply, customer);
    struct answer a = gate_get(&w.gate, "/v1/messages/%s", reply);
    check("what was filled in", a.json,
          (const struct expect[]){{"reply_to", id}, {"content/type", "choice_reply"}, {NULL, NULL}});
    assert_non_null(strstr(answer_str(&a, "content/data"), "lunes"));
    assert_non_null(strstr(answer_str(&a, "content/data"), id));
    answer_done(&a);
    world_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_customers_send_stands_in_the_timeline),
        cmocka_unit_test(what_a_customer_corrects_is_corrected),
        cmocka_unit_test(a_number_that_changed_is_hers),
        cmocka_unit_test(what_is_sent_is_of_its_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
