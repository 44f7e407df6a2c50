/*
 * The WhatsApp plugin: statuses and the envelope of webhooks, well-formed or not.
 */
#include "whatsapp_read.h"

static void test_statuses(void **state)
{
    static const struct {
        const char *word;
        enum hilo_status status;
    } row[] = {{"sent", HILO_STATUS_SENT},
               {"delivered", HILO_STATUS_DELIVERED},
               {"read", HILO_STATUS_READ},
               {"played", HILO_STATUS_READ},
               {"failed", HILO_STATUS_FAILED}};
    const struct hilo_id id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    char value[1024], echo[WA_ECHO_TEXT];
    struct hilo_str r;
    struct hilo_id back;
    struct got g;
    size_t i;

    (void)state;
    wa_echo_write(id, echo);
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        memset(&g, 0, sizeof g);
        snprintf(value, sizeof value,
                 "\"statuses\":[{\"id\":\"wamid.S\",\"status\":\"%s\",\"timestamp\":\"1750857384\","
                 "\"recipient_id\":"
                 "\"569\",\"biz_opaque_callback_data\":\"%s\",\"conversation\":{\"id\":\"c\"},\"pricing\":{"
                 "\"billable\":"
                 "true,\"pricing_model\":\"PMP\",\"type\":\"regular\",\"category\":\"utility\"}}]",
                 row[i].word, echo);
        read_value(&g, value);
        assert_int_equal(g.n, 1);
        assert_int_equal(hilo_get_u64(g.message[0], HILO_T_MSG_KIND), HILO_KIND_RECEIPT);
        assert_field(g.message[0], HILO_T_MSG_EXT_ID, "wamid.S");
        assert_int_equal(hilo_get_u64(g.message[0], HILO_T_MSG_TIME), INT64_C(1750857384000000));
        assert_field(g.message[0], HILO_T_MSG_EXTRA, "{\"conversation\":{\"id\":\"c\"}}");
        r = hilo_get_str(g.message[0], HILO_T_MSG_RECEIPT);
        assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), row[i].status);
        back = hilo_get_id(r, HILO_T_RECEIPT_ECHO);
        assert_memory_equal(&back, &id, sizeof id);
        assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_BILLABLE), 1);
        assert_field(r, HILO_T_RECEIPT_PRICING_MODEL, "PMP");
        assert_field(r, HILO_T_RECEIPT_PRICING_TYPE, "regular");
        assert_field(r, HILO_T_RECEIPT_PRICING_CATEGORY, "utility");
        assert_false(has(r, HILO_T_RECEIPT_REASON));
        got_free(&g);
    }
}

static void test_a_failed_status_says_why(void **state)
{
    struct got g = {.n = 0};
    struct hilo_str r;

    (void)state;
    read_value(
        &g,
        "\"statuses\":["
        "{\"id\":\"w\",\"status\":\"failed\",\"timestamp\":\"1\",\"errors\":[{\"code\":131047,\"title\":"
        "\"Re-engagement message\",\"message\":\"Re\",\"error_data\":{\"details\":\"More than 24 hours\"}}]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"timestamp\":\"1\",\"errors\":[{\"code\":999999,\"title\":"
        "\"T\"}]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":{}},"
        "{\"id\":\"w\",\"status\":\"failed\",\"biz_opaque_callback_data\":\"of another\",\"pricing\":5}]");
    assert_int_equal(g.n, 4);
    r = hilo_get_str(g.message[0], HILO_T_MSG_RECEIPT);
    assert_field(r, HILO_T_RECEIPT_REASON, "window_closed");
    assert_field(r, HILO_T_RECEIPT_CODE, "131047");
    assert_field(r, HILO_T_RECEIPT_DETAIL, "More than 24 hours");
    r = hilo_get_str(g.message[1], HILO_T_MSG_RECEIPT);
    assert_field(r, HILO_T_RECEIPT_REASON, "rejected");
    assert_field(r, HILO_T_RECEIPT_CODE, "999999");
    assert_field(r, HILO_T_RECEIPT_DETAIL, "T");
    r = hilo_get_str(g.message[2], HILO_T_MSG_RECEIPT);
    assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), HILO_STATUS_FAILED);
    assert_false(has(g.message[2], HILO_T_MSG_TIME));
    assert_false(has(hilo_get_str(g.message[3], HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_ECHO));
    got_free(&g);
}

static void test_unknown_statuses_are_noted(void **state)
{
    struct got g = {.n = 0};

    (void)state;
    read_value(&g, "\"statuses\":[{\"id\":\"w\",\"status\":\"warning\",\"timestamp\":\"1\"},"
                   "{\"id\":7,\"status\":\"sent\"},{\"status\":\"sent\"},5,{\"id\":\"w\",\"status\":null}]");
    assert_int_equal(g.n, 0);
    assert_int_equal(g.note[WA_NOTE_STATUS], 1);
    assert_int_equal(g.note[WA_NOTE_MALFORMED], 4);
    got_free(&g);
}

/* ---- webhook: envelope ------------------------------------------------------------------------------ */

#define ONE_TEXT(id)                                                                                         \
    "{\"from\":\"56911111111\",\"id\":\"" id "\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}"
#define ROOT         "{\"object\":\"whatsapp_business_account\",\"entry\":"
#define CHANGE(pnid) "{\"field\":\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":\"" pnid "\"},"
#define OURS         "106540352242922"

static void test_batches_are_read_in_order(void **state)
{
    static const char body[] = ROOT
        "[{\"id\":\"102290129340398\",\"changes\":[" CHANGE(OURS) "\"messages\":[" ONE_TEXT("1") "," ONE_TEXT(
            "2") "]}}," CHANGE("666") "\"messages\":[" ONE_TEXT("foreign") "]}},{\"field\":\"calls\","
                                                                           "\"value\":{\"event\":\"X\"}}]},"
                                                                           "{\"id\":\"E2\",\"changes\":"
                                                                           "[" CHANGE(
                                                                               OURS) "\"statuses\":[{\"id\":"
                                                                                     "\"3\",\"status\":"
                                                                                     "\"read\"}],"
                                                                                     "\"messages\":"
                                                                                     "[" ONE_TEXT("4") "]}}]}"
                                                                                                       "]}";
    static const char *const order[] = {"1", "2", "4", "3"};
    struct got g = {.n = 0};
    unsigned i;

    (void)state;
    assert_int_equal(read_body(&g, body, strlen(body)), HILO_OK);
    assert_int_equal(g.n, 4);
    for (i = 0; i < 4; i++)
        assert_field(g.message[i], HILO_T_MSG_EXT_ID, order[i]);
    assert_int_equal(g.note[WA_NOTE_FOREIGN], 1);
    assert_int_equal(g.note[WA_NOTE_FIELD], 1);
    got_free(&g);
    g.stop_at = 2;
    assert_int_equal(read_body(&g, body, strlen(body)), HILO_AGAIN);
    assert_int_equal(g.n, 1);
    got_free(&g);
}

static void test_other_objects_and_account_errors(void **state)
{
    struct got g = {.n = 0};

    (void)state;
    assert_int_equal(read_body(&g, "{\"object\":\"page\",\"entry\":[]}", 28), HILO_OK);
    assert_int_equal(g.note[WA_NOTE_OBJECT], 1);
    assert_string_equal(g.text, "page");
    got_free(&g);
    assert_int_equal(read_body(&g, "{}", 2), HILO_OK);
    assert_int_equal(g.note[WA_NOTE_OBJECT], 1);
    got_free(&g);
    read_value(&g, "\"errors\":[{\"code\":131031,\"title\":\"Account locked\"}]");
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_ERROR], 1);
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_STOP], 1);
    assert_int_equal(g.code, 131031);
    assert_string_equal(g.text, "account_locked");
    got_free(&g);
    read_value(&g, "\"errors\":[{\"code\":130429,\"title\":\"Too fast\"}]");
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_ERROR], 1);
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_STOP], 0);
    assert_string_equal(g.text, "Too fast");
    got_free(&g);
}

/* A change of another field than "messages", of our account. */
static void read_field(struct got *g, const char *field, const char *value)
{
    char body[2048];

    memset(g, 0, sizeof *g);
    snprintf(body, sizeof body,
             ROOT "[{\"id\":\"102290129340398\",\"changes\":[{\"field\":\"%s\",\"value\":%s}]}]}", field,
             value);
    assert_int_equal(read_body(g, body, strlen(body)), HILO_OK);
    assert_int_equal(g->n, 0);
}

#define OF_TEMPLATE                                                                                          \
    "\"message_template_id\":1,\"message_template_name\":\"pedir_foto\",\"message_template_language\":"      \
    "\"es\""

static void test_changes_of_templates(void **state)
{
    static const struct {
        const char *event;
        uint64_t status;
    } row[] = {{"APPROVED", HILO_TEMPLATE_APPROVED}, {"PAUSED", HILO_TEMPLATE_PAUSED},
               {"REJECTED", HILO_TEMPLATE_REJECTED}, {"DISABLED", HILO_TEMPLATE_DISABLED},
               {"PENDING", HILO_TEMPLATE_PENDING},   {"REINSTATED", HILO_TEMPLATE_APPROVED},
               {"FLAGGED", HILO_TEMPLATE_APPROVED},  {"DELETED", HILO_TEMPLATE_DISABLED},
               {"WHATEVER", HILO_TEMPLATE_DISABLED}};
    char value[512];
    struct got g;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(value, sizeof value, "{\"event\":\"%s\"," OF_TEMPLATE ",\"reason\":\"%s\"}", row[i].event,
                 i % 2 ? "QUALITY" : "NONE");
        read_field(&g, "message_template_status_update", value);
        assert_int_equal(g.note[WA_NOTE_TEMPLATES], 1);
        assert_string_equal(g.text, "pedir_foto");
        assert_int_equal(g.n_template, 1);
        assert_field(g.template[0], HILO_T_TEMPLATE_NAME, "pedir_foto");
        assert_field(g.template[0], HILO_T_TEMPLATE_LANGUAGE, "es");
        assert_int_equal(hilo_get_u64(g.template[0], HILO_T_TEMPLATE_STATUS), row[i].status);
        assert_field(g.template[0], HILO_T_TEMPLATE_REASON, i % 2 ? "QUALITY" : "");
        assert_false(has(g.template[0], HILO_T_TEMPLATE_CATEGORY));
        got_free(&g);
    }
    read_field(&g, "template_category_update", "{\"new_category\":\"MARKETING\"," OF_TEMPLATE "}");
    assert_int_equal(hilo_get_u64(g.template[0], HILO_T_TEMPLATE_CATEGORY), HILO_CATEGORY_PROMOTIONAL);
    assert_false(has(g.template[0], HILO_T_TEMPLATE_STATUS));
    got_free(&g);
    read_field(&g, "message_template_quality_update", "{\"new_quality_score\":\"RED\"," OF_TEMPLATE "}");
    assert_field(g.template[0], HILO_T_TEMPLATE_QUALITY, "RED");
    got_free(&g);
    /* what they say can't be taken as it is: the list has to be asked for */
    read_field(&g, "message_template_components_update",
               "{\"message_template_element\":\"Hola\"," OF_TEMPLATE "}");
    assert_int_equal(g.n_template, 0);
    assert_int_equal(g.note[WA_NOTE_TEMPLATES], 1);
    read_field(&g, "template_category_update", "{\"correct_category\":\"MARKETING\"," OF_TEMPLATE "}");
    assert_int_equal(g.n_template, 0);
    assert_int_equal(g.note[WA_NOTE_TEMPLATES], 1);
    read_field(&g, "message_template_status_update",
               "{\"event\":\"PAUSED\",\"message_template_name\":\"x\"}");
    assert_int_equal(g.note[WA_NOTE_MALFORMED], 1);
    assert_int_equal(g.n_template, 0);
}

static void test_news_of_the_account(void **state)
{
    static const struct {
        const char *field, *value, *text;
        enum wa_note note;
        bool stops;
    } row[] = {
        {"account_update", "{\"event\":\"ACCOUNT_RESTRICTION\"}", "account_update: ACCOUNT_RESTRICTION",
         WA_NOTE_ACCOUNT_NEWS, false},
        {"account_update",
         "{\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":[\"SCHEDULE_FOR_DISABLE\"]}}",
         "account_update: DISABLED_UPDATE: SCHEDULE_FOR_DISABLE", WA_NOTE_ACCOUNT_NEWS, false},
        {"account_update", "{\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":[\"DISABLE\"]}}",
         "account_disabled", WA_NOTE_ACCOUNT_NEWS, true},
        {"account_update", "{\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"DISABLE\"}}",
         "account_disabled", WA_NOTE_ACCOUNT_NEWS, true},
        {"account_update", "{\"event\":\"ACCOUNT_DELETED\"}", "account_disabled", WA_NOTE_ACCOUNT_NEWS, true},
        {"account_update",
         "{\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":[\"REINSTATE\"]}}",
         "account_update: DISABLED_UPDATE: REINSTATE", WA_NOTE_ACCOUNT_UP, false},
        {"phone_number_quality_update", "{\"event\":\"FLAGGED\",\"current_limit\":\"TIER_10K\"}",
         "phone_number_quality_update: FLAGGED: TIER_10K", WA_NOTE_ACCOUNT_NEWS, false},
        {"account_alerts", "{\"alert_type\":\"LOW\",\"alert_severity\":\"Ana +573001112233\"}",
         "account_alerts: LOW", WA_NOTE_ACCOUNT_NEWS, false}, /* no word of Meta's: perhaps somebody's name */
        {"calls", "{}", "calls", WA_NOTE_FIELD, false},
    };
    static const char foreign[] =
        ROOT "[{\"id\":\"7\",\"changes\":[{\"field\":\"account_update\",\"value\":{\"event\":"
             "\"ACCOUNT_DELETED\"}}]}]}";
    struct got g;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        read_field(&g, row[i].field, row[i].value);
        assert_int_equal(g.note[row[i].note], 1);
        assert_int_equal(g.note[WA_NOTE_ACCOUNT_STOP], row[i].stops);
        assert_string_equal(g.text, row[i].text);
    }
    memset(&g, 0, sizeof g);
    assert_int_equal(read_body(&g, foreign, strlen(foreign)), HILO_OK);
    assert_int_equal(g.note[WA_NOTE_FOREIGN], 1);
    assert_int_equal(g.note[WA_NOTE_ACCOUNT_STOP], 0);
}

static void test_bodies_that_are_no_json_object(void **state)
{
    static const char *const row[] = {"",
                                      " ",
                                      "[]",
                                      "7",
                                      "null",
                                      "\"x\"",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":-}",
                                      "{\"a\":1e}",
                                      "{\"a\":+1}",
                                      "{\"a\":.5}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":\"\t\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\xc0\xaf\"}",
                                      "{\"a\":\"\xed\xa0\x80\"}",
                                      "{\"a\":\"\xf4\x90\x80\x80\"}",
                                      "{\"a\":\"\xe2\x82\"}",
                                      "{} {}",
                                      "{\"a\":[1 2]}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[}",
                                      "{\"a\":1]",
                                      "{\"a\":NaN}",
                                      "{\"a\":\"",
                                      "{\"a\":\"\\",
                                      "{\"a\":\"\\u00",
                                      "\xef\xbb\xbf{}",
                                      "{,\"a\":1}"};
    char *deep = malloc(200000);
    struct got g = {.n = 0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++)
        if (read_body(&g, row[i], strlen(row[i])) != HILO_INVALID)
            fail_msg("taken for a JSON object: %s", row[i]);
    assert_int_equal(read_body(&g, "{\0}", 3), HILO_INVALID);
    assert_non_null(deep);
    for (i = 0; i < 200000; i++)
        deep[i] = i < 100000 ? '[' : ']';
    assert_int_equal(read_body(&g, deep, 200000), HILO_INVALID);
    free(deep);
    assert_int_equal(g.n, 0);
}

/* Every prefix of a good body is refused, and none is read beyond its end. */
static void test_truncated_bodies(void **state)
{
    static const char body[] =
        ROOT "[{\"id\":\"E\",\"changes\":[" CHANGE(OURS) "\"messages\":[" ONE_TEXT("1\\u00f1") "]}}]}]}";
    struct got g = {.n = 0};
    size_t n;

    (void)state;
    for (n = 0; n < sizeof body - 1; n++)
        assert_int_equal(read_body(&g, body, n), HILO_INVALID);
    assert_int_equal(read_body(&g, body, n), HILO_OK);
    assert_int_equal(g.n, 1);
    got_free(&g);
}

/* Each value of a full body, replaced by each other kind of value. */
static void replace_each(cJSON *root, cJSON *node, unsigned *count)
{
    static const char *const other[] = {"null",
                                        "true",
                                        "-1.5e3",
                                        "\"\"",
                                        "\"\\u0000\\ud800\"",
                                        "[]",
                                        "[[{}]]",
                                        "{}",
                                        "{\"\":{\"\":[]}}",
                                        "123456789012345678901234567890"};
    cJSON *child, *spare, was;
    struct got g;
    char *text;
    size_t i;

    for (child = node->child; child; child = child->next)
        replace_each(root, child, count);
    for (i = 0; node != root && i < sizeof other / sizeof *other; i++) {
        spare = cJSON_CreateRaw(other[i]);
        assert_non_null(spare);
        was = *node; /* keeps its place and its name */
        node->type = cJSON_Raw;
        node->valuestring = spare->valuestring;
        node->child = NULL;
        text = cJSON_PrintUnformatted(root);
        *node = was;
        cJSON_Delete(spare);
        assert_non_null(text);
        memset(&g, 0, sizeof g);
        assert_int_equal(read_body(&g, text, strlen(text)), HILO_OK);
        got_free(&g);
        free(text);
        (*count)++;
    }
}

static void test_wrong_types_everywhere(void **state)
{
    static const char body[] = ROOT "[{\"id\":\"E\",\"changes\":[" CHANGE(
        OURS) "\"contacts\":[{\"profile\":{\"name\":\"A\"},\"wa_id\":"
              "\"56911111111\",\"user_id\":\"CL.1\"}],\"messages\":["
              "{\"from\":\"56911111111\",\"from_user_id\":\"CL.1\",\"id\":\"1\",\"timestamp\":\"1\",\"type\":"
              "\"image\","
              "\"image\":{\"id\":\"M\",\"mime_type\":\"m\",\"sha256\":\"s\",\"caption\":\"c\"},\"context\":{"
              "\"id\":\"q\"}},"
              "{\"id\":\"2\",\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_"
              "reply\":{\"id\":\"i\","
              "\"title\":\"t\",\"description\":\"d\"}}},"
              "{\"type\":\"contacts\",\"contacts\":[{\"name\":{\"formatted_name\":\"f\"},\"phones\":[{"
              "\"phone\":\"1\"}],"
              "\"org\":{\"company\":\"c\"}}]},{\"type\":\"order\",\"order\":{\"catalog_id\":\"c\",\"product_"
              "items\":[{"
              "\"product_retailer_id\":\"s\",\"quantity\":1,\"item_price\":2,\"currency\":\"USD\"}]}},"
              "{\"type\":\"reaction\",\"reaction\":{\"message_id\":\"m\",\"emoji\":\"e\"}},{\"type\":"
              "\"location\","
              "\"location\":{\"latitude\":1,\"longitude\":2}},{\"type\":\"button\",\"button\":{\"payload\":"
              "\"p\","
              "\"text\":\"t\"}},{\"type\":\"system\",\"system\":{\"type\":\"x\",\"body\":\"b\"}}],"
              "\"statuses\":[{\"id\":\"s\",\"status\":\"failed\",\"timestamp\":\"1\",\"biz_opaque_callback_"
              "data\":\"x\","
              "\"pricing\":{\"billable\":true},\"errors\":[{\"code\":1,\"title\":\"t\",\"error_data\":{"
              "\"details\":\"d\"}}]}],"
              "\"errors\":[{\"code\":1,\"title\":\"t\"}]}}]}]}";
    cJSON *root = cJSON_Parse(body);
    unsigned count = 0;

    (void)state;
    assert_non_null(root);
    replace_each(root, root, &count);
    assert_true(count > 500);
    cJSON_Delete(root);
}

static void test_a_message_without_id_is_recognised_again(void **state)
{
    struct got g = {.n = 0};
    struct hilo_str id;

    (void)state;
    read_value(&g,
               "\"messages\":[{\"type\":\"x\",\"n\":1},{\"type\":\"x\",\"n\":1},{\"type\":\"x\",\"n\":2},5]");
    assert_int_equal(g.n, 3);
    id = hilo_get_str(g.message[0], HILO_T_MSG_EXT_ID);
    assert_int_equal(id.n, 71);
    assert_memory_equal(id.p, "sha256:", 7);
    assert_memory_equal(hilo_get_str(g.message[1], HILO_T_MSG_EXT_ID).p, id.p, 71);
    assert_memory_not_equal(hilo_get_str(g.message[2], HILO_T_MSG_EXT_ID).p, id.p, 71);
    assert_int_equal(g.note[WA_NOTE_MALFORMED], 1);
    got_free(&g);
}

static void test_a_message_that_is_too_large(void **state)
{
    static const char head[] = ROOT
        "[{\"id\":\"E\",\"changes\":[" CHANGE(OURS) "\"messages\":[{\"from\":\"56911111111\","
                                                    "\"id\":\"big\",\"type\":\"text\",\"text\":{\"body\":\"";
    static const char tail[] = "\"}}," ONE_TEXT("next") "]}}]}]}";
    const size_t n = (size_t)2 << 20;
    char *body = malloc(n + sizeof head + sizeof tail);
    struct got g = {.n = 0};

    (void)state;
    assert_non_null(body);
    memcpy(body, head, sizeof head - 1);
    memset(body + sizeof head - 1, 'x', n);
    memcpy(body + sizeof head - 1 + n, tail, sizeof tail - 1);
    assert_int_equal(read_body(&g, body, sizeof head - 1 + n + sizeof tail - 1), HILO_OK);
    free(body);
    assert_int_equal(g.n, 2);
    assert_field(g.message[0], HILO_T_MSG_EXT_ID, "big");
    assert_int_equal(hilo_content_type(g.message[0]), HILO_CONTENT_UNSUPPORTED);
    assert_field(hilo_content(g.message[0]), HILO_T_CONTENT_RAW_TYPE, "text");
    assert_holds(g.message[0], HILO_T_MSG_EXTRA, "{\"dropped_bytes\":20972");
    assert_field(g.message[1], HILO_T_MSG_EXT_ID, "next");
    assert_int_equal(g.note[WA_NOTE_TOO_LARGE], 1);
    got_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_a_failed_status_says_why),
        cmocka_unit_test(test_unknown_statuses_are_noted),
        cmocka_unit_test(test_batches_are_read_in_order),
        cmocka_unit_test(test_other_objects_and_account_errors),
        cmocka_unit_test(test_changes_of_templates),
        cmocka_unit_test(test_news_of_the_account),
        cmocka_unit_test(test_bodies_that_are_no_json_object),
        cmocka_unit_test(test_truncated_bodies),
        cmocka_unit_test(test_wrong_types_everywhere),
        cmocka_unit_test(test_a_message_without_id_is_recognised_again),
        cmocka_unit_test(test_a_message_that_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
