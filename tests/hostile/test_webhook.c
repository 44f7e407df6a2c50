/* What anybody may post to a webhook, with a good signature or a bad one. What Meta
 * signed is answered 200 when each of its messages is on disk, whatever is beside them. */
#include "wire.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define OURS "106540352242922"
static const char secret[] = "sim-app-secret";
static const char *const secrets[] = {"573007776655", "573006665544", "Ana-Secreta", "palabra-secreta",
                                      secret,         "sim-verify",   NULL};

/* "sha256=…" over the bytes. */
static void sign(const char *key, const void *p, size_t n, char out[80])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    assert_non_null(HMAC(EVP_sha256(), key, (int)strlen(key), p, n, mac, &len));
    memcpy(out, "sha256=", 8);
    for (unsigned i = 0; i < len; i++)
        (void)snprintf(out + 7 + 2 * i, 3, "%02x", mac[i]);
}

/* signature: the header's value, or NULL for none. */
static long hook(struct world *w, const void *p, size_t n, const char *signature)
{
    struct bytes b = {0};
    struct wire c;

    bytes_fmt(&b,
              "POST /hooks/wa HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s%s%s"
              "Content-Length: %zu\r\n\r\n",
              signature ? "X-Hub-Signature-256: " : "", signature ? signature : "", signature ? "\r\n" : "",
              n);
    bytes_add(&b, p, n);
    wire_open(&c, &w->gate);
    wire_put(&c, b.p, b.n);
    const long status = wire_reply(&c, false).status;
    wire_close(&c);
    bytes_done(&b);
    return status;
}

static long signed_hook(struct world *w, const void *p, size_t n)
{
    char signature[80];

    sign(secret, p, n, signature);
    return hook(w, p, n, signature);
}

static void change_begin(struct bytes *b, const char *object, const char *number)
{
    bytes_fmt(
        b,
        "{\"object\":\"%s\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"field\":\"messages\","
        "\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"1555\","
        "\"phone_number_id\":\"%s\"},\"contacts\":[{\"profile\":{\"name\":\"Ana-Secreta\"},\"wa_id\":"
        "\"573007776655\"}],\"messages\":[",
        object, number);
}

static void message(struct bytes *b, const char *phone, const char *id, const char *text)
{
    bytes_fmt(
        b,
        "{\"from\":\"%s\",\"id\":\"%s\",\"timestamp\":\"1769000000\",\"type\":\"text\",\"text\":{\"body\":"
        "\"%s\"}}",
        phone, id, text);
}

static void change_end(struct bytes *b)
{
    bytes_fmt(b, "]}}]}]}");
}

static void one(struct bytes *b, const char *phone, const char *id, const char *text)
{
    bytes_clear(b);
    change_begin(b, "whatsapp_business_account", OURS);
    message(b, phone, id, text);
    change_end(b);
}

static void only_what_is_signed_is_taken(void **state)
{
    struct world *w = *state;
    struct bytes b = {0}, other = {0};
    char right[80], wrong[80];

    one(&other, "573007776655", "wamid.other", "palabra-secreta");
    one(&b, "573007776655", "wamid.signed", "palabra-secreta");
    sign(secret, b.p, b.n, right);
    assert_int_equal(hook(w, b.p, b.n, NULL), 401);
    assert_int_equal(hook(w, b.p, b.n, ""), 401);
    assert_int_equal(hook(w, b.p, b.n, "sha256="), 401);
    assert_int_equal(hook(w, b.p, b.n, right + 7), 401);
    sign(secret, other.p, other.n, wrong);
    assert_int_equal(hook(w, b.p, b.n, wrong), 401);
    sign("another-secret", b.p, b.n, wrong);
    assert_int_equal(hook(w, b.p, b.n, wrong), 401);
    sign("", b.p, b.n, wrong);
    assert_int_equal(hook(w, b.p, b.n, wrong), 401);
    memcpy(wrong, right, sizeof wrong);
    wrong[70] = wrong[70] == '0' ? '1' : '0';
    assert_int_equal(hook(w, b.p, b.n, wrong), 401);
    wrong[70] = 0;
    assert_int_equal(hook(w, b.p, b.n, wrong), 401);
    (void)snprintf(wrong, sizeof wrong, "sha1=%.40s", right + 7);
    assert_int_equal(hook(w, b.p, b.n, wrong), 401);
    (void)snprintf(wrong, sizeof wrong, "%.70sg", right);
    assert_int_equal(hook(w, b.p, b.n, wrong), 401);
    assert_int_equal(hook(w, "", 0, right), 401);
    assert_int_equal(hostile_count(w, "+573007776655"), 0);
    assert_int_equal(hook(w, b.p, b.n, right), 200);
    assert_int_equal(hostile_count(w, "+573007776655"), 1);
    bytes_done(&b);
    bytes_done(&other);
}

static void what_comes_again_is_stored_once(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};

    one(&b, "573007770001", "wamid.again", "palabra-secreta");
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770001"), 1);
    /* The same id with other words is the same message. */
    one(&b, "573007770001", "wamid.again", "otra");
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770001"), 1);
    /* Twice within one body, and beside a new one. */
    bytes_clear(&b);
    change_begin(&b, "whatsapp_business_account", OURS);
    message(&b, "573007770001", "wamid.again", "palabra-secreta");
    bytes_fmt(&b, ",");
    message(&b, "573007770001", "wamid.new", "palabra-secreta");
    bytes_fmt(&b, ",");
    message(&b, "573007770001", "wamid.new", "palabra-secreta");
    change_end(&b);
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770001"), 2);
    /* And after a restart. */
    gate_stop(&w->gate);
    gate_again(&w->gate);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770001"), 2);
    bytes_done(&b);
}

static void what_is_not_for_us_is_taken_and_left(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};

    change_begin(&b, "page", OURS);
    message(&b, "573006665544", "wamid.page", "palabra-secreta");
    change_end(&b);
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    bytes_clear(&b);
    change_begin(&b, "whatsapp_business_account", "999");
    message(&b, "573006665544", "wamid.foreign", "palabra-secreta");
    change_end(&b);
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(signed_hook(w, "{}", 2), 200);
    assert_int_equal(signed_hook(w, "{\"object\":5}", 12), 200);
    assert_int_equal(hostile_count(w, "+573006665544"), 0);
    bytes_done(&b);
}

static void what_is_no_json_is_refused(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "[]",
                                      "\"object\"",
                                      "null",
                                      "{}{}",
                                      "{\"a\":1,}",
                                      "{\"object\":\"\xff\"}",
                                      "{\"object\":\"\xed\xa0\x80\"}",
                                      NULL};

    for (unsigned i = 0; bad[i]; i++)
        assert_int_equal(signed_hook(w, bad[i], strlen(bad[i])), 400);
    one(&b, "573006665544", "wamid.cut", "palabra-secreta");
    for (size_t cut = 1; cut < b.n; cut += 13)
        assert_int_equal(signed_hook(w, b.p, cut), 400);
    assert_int_equal(signed_hook(w, "{\"a\":\"\0\"}", 9), 400);
    bytes_clear(&b);
    bytes_repeat(&b, "{\"a\":", 10000);
    bytes_fmt(&b, "1");
    bytes_repeat(&b, "}", 10000);
    assert_int_equal(signed_hook(w, b.p, b.n), 400);
    bytes_clear(&b);
    bytes_fmt(&b, "{\"object\":\"whatsapp_business_account\",\"entry\":");
    bytes_repeat(&b, "[", 100000);
    bytes_repeat(&b, "]", 100000);
    bytes_fmt(&b, "}");
    assert_int_equal(signed_hook(w, b.p, b.n), 400);
    assert_int_equal(hostile_count(w, "+573006665544"), 0);
    bytes_done(&b);
}

static void odd_characters_lose_no_message(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    static const char *const odd[] = {"\\ud800",        "\\udc00\\ud800", "\\u0000", "a\\u0000b",
                                      "\\ud83d\\ude00", "\\u202e",        "",        " ",
                                      "\\uffff",        "\x7f",           NULL};
    unsigned n = 0;
    char id[32];

    for (; odd[n]; n++) {
        (void)snprintf(id, sizeof id, "wamid.odd%u", n);
        one(&b, "573007770002", id, odd[n]);
        assert_int_equal(signed_hook(w, b.p, b.n), 200);
    }
    assert_int_equal(hostile_count(w, "+573007770002"), n);
    bytes_done(&b);
}

static void a_large_body_is_taken_up_to_its_limit(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};

    change_begin(&b, "whatsapp_business_account", OURS);
    message(&b, "573007770003", "wamid.large", "palabra-secreta");
    bytes_fmt(&b, "],\"unknown\":\"");
    bytes_repeat(&b, "x", 3 << 20);
    bytes_fmt(&b, "\"}}]}]}");
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770003"), 1);
    /* A message that is itself too large keeps its place, without its content. */
    bytes_clear(&b);
    change_begin(&b, "whatsapp_business_account", OURS);
    bytes_fmt(&b, "{\"from\":\"573007770003\",\"id\":\"wamid.huge\",\"timestamp\":\"1769000000\",\"type\":"
                  "\"text\",\"text\":{\"body\":\"");
    bytes_repeat(&b, "x", 3 << 20);
    bytes_fmt(&b, "\"}}");
    change_end(&b);
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770003"), 2);
    bytes_clear(&b);
    bytes_fmt(&b, "{\"object\":\"");
    bytes_repeat(&b, "x", 5 << 20);
    bytes_fmt(&b, "\"}");
    assert_int_equal(signed_hook(w, b.p, b.n), 413);
    bytes_done(&b);
    hostile_alive(w);
}

static void a_thousand_messages_in_one_body_are_all_stored(void **state)
{
    struct world *w = *state;
    struct bytes b = {0};
    char id[32];

    change_begin(&b, "whatsapp_business_account", OURS);
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof id, "wamid.many%u", i);
        bytes_fmt(&b, "%s", i ? "," : "");
        message(&b, "573007770004", id, "palabra-secreta");
    }
    change_end(&b);
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770004"), 1000);
    assert_int_equal(signed_hook(w, b.p, b.n), 200);
    assert_int_equal(hostile_count(w, "+573007770004"), 1000);
    bytes_done(&b);
}

/* One entry has a value of a wrong type somewhere; the message in the entry beside it is
 * stored each time. */
static void wrong_types_anywhere_lose_no_message_beside_them(void **state)
{
    struct world *w = *state;
    static const char *const values[] = {"null",        "true", "-1", "1e308", "\"\"",
                                         "\"\\ud800\"", "[]",   "{}", "[[]]",  "[{}]"};
    static const char odd[] =
        "{\"id\":\"102290129340398\",\"time\":1,\"changes\":[{\"field\":\"messages\",\"value\":{"
        "\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"1555\","
        "\"phone_number_id\":\"" OURS "\"},\"contacts\":[{\"profile\":{\"name\":\"Ana-Secreta\"},"
        "\"wa_id\":\"573006665544\",\"user_id\":\"CO.1\"}],\"messages\":[{\"from\":\"573006665544\",\"id\":"
        "\"wamid.odd\",\"timestamp\":\"1769000000\",\"context\":{\"from\":\"1\",\"id\":\"wamid.0\"},"
        "\"type\":\"interactive\",\"interactive\":{\"type\":\"button_reply\",\"button_reply\":{\"id\":\"1\","
        "\"title\":\"t\"}}},{\"from\":\"573006665544\",\"id\":\"wamid.odd2\",\"timestamp\":\"1769000000\","
        "\"type\":\"image\",\"image\":{\"id\":\"5\",\"mime_type\":\"image/"
        "jpeg\",\"sha256\":\"x\",\"caption\":"
        "\"c\"}}],\"statuses\":[{\"id\":\"wamid.1\",\"status\":\"failed\",\"timestamp\":\"1769000000\","
        "\"recipient_id\":\"573006665544\",\"biz_opaque_callback_data\":\"msg_x\",\"errors\":[{\"code\":"
        "131026,\"title\":\"t\",\"error_data\":{\"details\":\"d\"}}],\"pricing\":{\"billable\":true,"
        "\"category\":\"service\"}}],\"errors\":[{\"code\":1,\"title\":\"t\"}]}}]}";
    unsigned sent = 0;

    for (unsigned nth = 0, there = 1; there; nth++)
        for (unsigned v = 0; v < sizeof values / sizeof *values; v++) {
            cJSON *tree = cJSON_Parse(odd);
            struct bytes b = {0};
            char id[32], *text;
            there = json_replace_nth(tree, nth, values[v]);
            text = cJSON_PrintUnformatted(tree);
            cJSON_Delete(tree);
            if (there) {
                (void)snprintf(id, sizeof id, "wamid.beside%u", sent++);
                bytes_fmt(&b, "{\"object\":\"whatsapp_business_account\",\"entry\":[%s,", text);
                bytes_fmt(&b, "{\"id\":\"102290129340398\",\"changes\":[{\"field\":\"messages\",\"value\":{"
                              "\"metadata\":{\"phone_number_id\":\"" OURS "\"},\"messages\":[");
                message(&b, "573007770005", id, "palabra-secreta");
                change_end(&b);
                assert_int_equal(signed_hook(w, b.p, b.n), 200);
            }
            cJSON_free(text);
            bytes_done(&b);
        }
    assert_true(sent > 400);
    assert_int_equal(hostile_count(w, "+573007770005"), sent);
}

static void paths_methods_and_handshakes(void **state)
{
    struct world *w = *state;
    const struct gate *g = &w->gate;
    struct bytes b = {0};
#define ASK(what, line, status)                                                                              \
    wire_expect(g, what, line " HTTP/1.1\r\nHost: x\r\n\r\n",                                                \
                sizeof(line " HTTP/1.1\r\nHost: x\r\n\r\n") - 1, status, NULL)

    ASK("another channel", "POST /hooks/other", 404);
    ASK("no channel", "POST /hooks/", 404);
    ASK("a path behind", "POST /hooks/wa/x", 404);
    ASK("a way up", "POST /hooks/wa/..", 404);
    ASK("a method", "DELETE /hooks/wa", 405);
    ASK("no token", "GET /hooks/wa", 403);
    ASK("an empty token", "GET /hooks/wa?hub.mode=subscribe&hub.verify_token=&hub.challenge=1", 403);
    ASK("a wrong token", "GET /hooks/wa?hub.mode=subscribe&hub.verify_token=sim-verifi&hub.challenge=1", 403);
    ASK("a token cut by NUL",
        "GET /hooks/wa?hub.mode=subscribe&hub.verify_token=sim-verify%00&hub.challenge=1", 403);
    ASK("another mode", "GET /hooks/wa?hub.mode=x&hub.verify_token=sim-verify&hub.challenge=1", 403);
    ASK("no challenge", "GET /hooks/wa?hub.mode=subscribe&hub.verify_token=sim-verify", 403);
    ASK("bad escapes", "GET /hooks/wa?%&%z&=&&hub.mode=%zz", 403);
    ASK("the right one", "GET /hooks/wa?hub.mode=subscribe&hub.verify_token=sim-verify&hub.challenge=1", 200);
    bytes_fmt(&b, "GET /hooks/wa?hub.mode=subscribe&hub.verify_token=sim-verify&hub.challenge=");
    bytes_repeat(&b, "1", 2000);
    bytes_fmt(&b, " HTTP/1.1\r\nHost: x\r\n\r\n");
    wire_expect(g, "a long challenge", b.p, b.n, 403, NULL);
    bytes_done(&b);
#undef ASK
}

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    hostile_up(w, NULL, NULL);
    *state = w;
    return 0;
}

static int down(void **state)
{
    hostile_down(*state, secrets);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_signed_is_taken),
        cmocka_unit_test(what_is_not_for_us_is_taken_and_left),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(odd_characters_lose_no_message),
        cmocka_unit_test(a_large_body_is_taken_up_to_its_limit),
        cmocka_unit_test(a_thousand_messages_in_one_body_are_all_stored),
        cmocka_unit_test(wrong_types_anywhere_lose_no_message_beside_them),
        cmocka_unit_test(paths_methods_and_handshakes),
        cmocka_unit_test(what_comes_again_is_stored_once),
    };

    return cmocka_run_group_tests(tests, up, down);
}
