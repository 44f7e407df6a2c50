/*
 * The drivers infobip and twilio, their pure parts: requests by their bytes, answers, webhooks, proofs.
 * Signatures are those of Twilio's documentation, or made by openssl; ids in text by Python.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../plugins/sms/infobip.h"
#include "../../plugins/sms/msgid.h"
#include "../../plugins/sms/slots.h"
#include "../../plugins/sms/text_in.h"
#include "../../plugins/sms/twilio.h"

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static void str_is(struct hilo_str s, const char *expect)
{
    if (s.n != strlen(expect) || (s.n && memcmp(s.p, expect, (size_t)s.n) != 0))
        fail_msg("\"%.*s\" is not \"%s\"", (int)s.n, s.p, expect);
}

/* ---- small parts ------------------------------------------------------------------------------- */

static void ids_are_text_and_back(void **state)
{
    static const struct {
        uint8_t id[16];
        const char *text;
    } row[] = {{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "msg_01081G81860W40J2GB1G6GW3RG"},
               {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
                "msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
               {{1, 0x9a, 0x3b, [15] = 0x5f}, "msg_01K8XG0000000000000000002Z"}};
    char text[SMS_MSGID_TEXT];
    struct hilo_id id;

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        memcpy(id.b, row[i].id, 16);
        sms_msgid_write(id, text);
        assert_string_equal(text, row[i].text);
        memset(&id, 0, sizeof id);
        assert_true(sms_msgid_read(str(text), &id));
        assert_memory_equal(id.b, row[i].id, 16);
    }
    assert_true(sms_msgid_read(str("msg_01k8xg0000000000000000002z"), &id));
    assert_memory_equal(id.b, row[2].id, 16);
    assert_false(sms_msgid_read(str("msg_8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &id)); /* 129 bits */
    assert_false(sms_msgid_read(str("msg_01K8XG000000000000000000UZ"), &id));
    assert_false(sms_msgid_read(str("msg_01K8XG0000000000000000002"), &id));
    assert_false(sms_msgid_read(str("cus_01K8XG0000000000000000002Z"), &id));
    assert_false(sms_msgid_read(str(""), &id));
}

static void keys_of_slots_are_never_used_again(void **state)
{
    struct sms_slots s = {0};
    uint64_t key[40], again;
    int thing[40];

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        key[i] = sms_slots_put(&s, &thing[i]);
        assert_true(key[i] > 0 && key[i] >> 40 == 0);
    }
    for (unsigned i = 0; i < 40; i++)
        assert_ptr_equal(sms_slots_get(&s, key[i]), &thing[i]);
    assert_ptr_equal(sms_slots_take(&s, key[7]), &thing[7]);
    assert_null(sms_slots_get(&s, key[7]));
    assert_null(sms_slots_take(&s, key[7]));
    again = sms_slots_put(&s, &thing[0]);
    assert_int_not_equal(again, key[7]);
    assert_null(sms_slots_get(&s, key[7]));
    assert_ptr_equal(sms_slots_get(&s, again), &thing[0]);
    assert_int_equal(s.used, 40);
    assert_null(sms_slots_get(&s, 0));
    assert_null(sms_slots_get(&s, UINT64_MAX));
    sms_slots_done(&s);
}

static void json_is_mended_and_read(void **state)
{
    static const struct {
        const char *json, *text;
    } row[] = {{"{\"t\":\"a\\ud83d\\ude00b\"}", "a😀b"},
               {"{\"t\":\"a\\ud83db\"}", "a\xef\xbf\xbd"
                                         "b"},
               {"{\"t\":\"a\\ude00\\ud83d\"}", "a\xef\xbf\xbd\xef\xbf\xbd"},
               {"{\"t\":\"a\\u0000b\"}", "a\xef\xbf\xbd"
                                         "b"},
               {"{\"t\":\"a\xff"
                "b\xc3\"}",
                "a\xef\xbf\xbd"
                "b\xef\xbf\xbd"},
               {"{\"t\":\"\\\\u0000\\\\ud83d\"}", "\\u0000\\ud83d"}, /* escaped backslashes: no escapes */
               {" {\"t\":\"x\"} ", "x"}};
    cJSON *j;

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        j = sms_json_read(str(row[i].json));
        assert_non_null(j);
        str_is(sms_json_text(j, "t"), row[i].text);
        cJSON_Delete(j);
    }
    assert_null(sms_json_read(str("{\"t\":1} x")));
    assert_null(sms_json_read(str("{\"t\":")));
    assert_null(sms_json_read(str("")));
    assert_null(sms_json_read((struct hilo_str){NULL, 0}));
    j = sms_json_read(str("{\"a\":7,\"b\":1.5,\"c\":-1,\"d\":\"7\",\"e\":1e300}"));
    assert_int_equal(sms_json_int(j, "a"), 7);
    assert_int_equal(sms_json_int(j, "b"), -1);
    assert_int_equal(sms_json_int(j, "c"), -1);
    assert_int_equal(sms_json_int(j, "d"), -1);
    assert_int_equal(sms_json_int(j, "e"), -1);
    assert_int_equal(sms_json_int(j, "f"), -1);
    cJSON_Delete(j);
}

static void forms_are_read(void **state)
{
    char many[4096] = "";
    struct sms_form f;

    (void)state;
    assert_int_equal(sms_form_read(str("a=1&b=%C3%b1+x%2B&&c&a=2&d=%zz%4"), &f), HILO_OK);
    assert_int_equal(f.n, 5);
    str_is(sms_form_get(&f, "a"), "1");
    str_is(sms_form_get(&f, "b"), "ñ x+");
    str_is(sms_form_get(&f, "c"), "");
    str_is(f.pair[3].val, "2");
    str_is(sms_form_get(&f, "d"), "%zz%4"); /* what is no escape stays */
    str_is(sms_form_get(&f, "e"), "");
    sms_form_done(&f);
    assert_int_equal(sms_form_read(str(""), &f), HILO_OK);
    assert_int_equal(f.n, 0);
    sms_form_done(&f);
    for (unsigned i = 0; i <= SMS_FORM_MAX; i++)
        strcat(many, "a=1&");
    assert_int_equal(sms_form_read(str(many), &f), HILO_INVALID);
    sms_form_done(&f);
}

static void words_hide_what_may_be_a_number(void **state)
{
    struct sms_verdict v = {0};

    (void)state;
    sms_verdict_words(&v, str("to +573001112233, code 1234567\nand 12345678"));
    assert_string_equal(v.detail, "to +#, code 1234567 and #");
    sms_verdict_words(&v, str("más"));
    assert_string_equal(v.detail, "to +#, code 1234567 and #: más");
    for (unsigned i = 0; i < 100; i++)
        sms_verdict_words(&v, str("ñandú"));
    assert_true(strlen(v.detail) < sizeof v.detail);
}

/* ---- out --------------------------------------------------------------------------------------- */

static struct sms_conf infobip_conf(void)
{
    return (struct sms_conf){.provider = SMS_PROVIDER_INFOBIP,
                             .base_url = str("https://x.api.infobip.com"),
                             .api_key = str("K"),
                             .sender = str("+573000000000"),
                             .hook_secret = str("0123456789abcdef"),
                             .segments_max = 10,
                             .batch = 100};
}

static struct sms_conf twilio_conf(void)
{
    return (struct sms_conf){.provider = SMS_PROVIDER_TWILIO,
                             .account_sid = str("AC00000000000000000000000000000001"),
                             .auth_token = str("s3cret"),
                             .sender = str("TIENDA"),
                             .webhook_url = str("https://h.example/hooks/sms"),
                             .segments_max = 10};
}

static const char *own_sender; /* of the next items */
static bool own_flash;
static const int64_t now = INT64_C(1573315200) * 1000000;

/* A message for the drivers, by the model. */
static struct sms_item *item(const struct sms_conf *conf, const char *to, const char *text,
                             int64_t expires_us, const char **reason)
{
    const struct hilo_id id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    static uint8_t bytes[8192];
    const char *why;
    struct hilo_writer w;

    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_put_u64(&w, HILO_T_MSG_EXPIRES, (uint64_t)expires_us);
    if (own_sender)
        hilo_put_str(&w, HILO_T_MSG_SENDER, str(own_sender));
    if (own_flash)
        hilo_put_u64(&w, HILO_T_MSG_FLASH, 1);
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, str(to));
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, str(text));
    hilo_close(&w);
    return sms_item_new(conf, id, hilo_written(&w), reason, &why);
}

static void a_text_is_as_its_segments_carry_it(void **state)
{
    static const struct {
        bool transliterate;
        int64_t national;
        const char *text, *expect;
        uint32_t tables;
    } row[] = {
        {false, 0, "Hola [ñ] €", "Hola [ñ] €", 0},
        {false, 0, "cafe\xcc\x81", "café", 0}, /* a letter and its mark become one */
        {false, 0, "n\xcc\x83 ж", "ñ ж", 0},
        {false, 0, "😀\r\n", "😀\r\n", 0},
        {true, 0, "“á” fue a 71 lugares y no cabe en un solo segmento de UCS-2, nunca, de veras",
         "\"a\" fue a 71 lugares y no cabe en un solo segmento de UCS-2, nunca, de veras", 0},
        {true, 0, "corto: á", "corto: á", 0}, /* one segment either way: as written */
        {false, SMS_NATIONAL_SPANISH,
         "á fue a 71 lugares y no cabe en un solo segmento de UCS-2, no, de veras",
         "á fue a 71 lugares y no cabe en un solo segmento de UCS-2, no, de veras", HILO_SEGMENT_ES_SINGLE},
    };
    const char *reason;

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        struct sms_conf conf = infobip_conf();
        conf.transliterate = row[i].transliterate;
        conf.national = row[i].national;
        struct sms_item *m = item(&conf, "+573001112233", row[i].text, 0, &reason);
        assert_non_null(m);
        str_is((struct hilo_str){m->text, m->text_n}, row[i].expect);
        assert_int_equal(m->tables, row[i].tables);
        assert_string_equal(m->to, "+573001112233");
        free(m);
    }
}

static void what_can_not_be_sent_says_why(void **state)
{
    struct sms_conf conf = infobip_conf();
    const char *reason;
    char text[2000];

    (void)state;
    assert_null(item(&conf, "TIENDA", "x", 0, &reason));
    assert_string_equal(reason, "invalid_recipient");
    assert_null(item(&conf, "+123456", "x", 0, &reason));
    assert_string_equal(reason, "invalid_recipient");
    assert_null(item(&conf, "+1234567890123456", "x", 0, &reason));
    assert_null(item(&conf, "+573001112233", "", 0, &reason));
    assert_string_equal(reason, "invalid_content");
    memset(text, 'x', sizeof text);
    text[1531] = '\0';
    assert_null(item(&conf, "+573001112233", text, 0, &reason));
    assert_string_equal(reason, "too_long");
    own_sender = "123456789012345678901";
    assert_null(item(&conf, "+573001112233", "x", 0, &reason));
    assert_string_equal(reason, "invalid_sender");
    own_sender = NULL;
    text[1530] = '\0';
    struct sms_item *m = item(&conf, "573001112233", text, 0, &reason);
    assert_non_null(m);
    assert_string_equal(m->to, "+573001112233");
    free(m);
}

static void body_is(const struct sms_api *api, const struct sms_conf *conf, const char *text, int64_t left_s,
                    const char *expect)
{
    const char *reason;
    struct sms_item *m = item(conf, "+573001112233", text, left_s ? now + left_s * 1000000 : 0, &reason);
    char *body;

    assert_non_null(m);
    body = api->body(conf, now, &m, 1);
    assert_string_equal(body, expect);
    free(body);
    free(m);
}

#define IB_HEAD                                                                                              \
    "{\"messages\":[{\"sender\":\"573000000000\",\"destinations\":[{\"to\":\"573001112233\",\"messageId\":"  \
    "\"msg_01081G81860W40J2GB1G6GW3RG\"}],\"content\":{\"text\":"
#define IB_TAIL "\"callbackData\":\"msg_01081G81860W40J2GB1G6GW3RG\"}}]}"

static void infobips_request_by_its_bytes(void **state)
{
    struct sms_conf conf = infobip_conf();
    struct sms_item *m[2];
    char url[SMS_URL_MAX], *body;
    const char *reason;

    (void)state;
    assert_true(sms_ib_url(&conf, conf.base_url, url));
    assert_string_equal(url, "https://x.api.infobip.com/sms/3/messages");
    body_is(&sms_api_infobip, &conf, "a \"b\"\n\\ñ", 0,
            IB_HEAD "\"a \\\"b\\\"\\n\\\\ñ\"},\"webhooks\":{" IB_TAIL);
    /* Whole minutes, never less; at most Infobip's 48 hours. */
    body_is(&sms_api_infobip, &conf, "x", 61,
            IB_HEAD "\"x\"},\"options\":{\"validityPeriod\":{\"amount\":2,\"timeUnit\":\"MINUTES\"}},"
                    "\"webhooks\":{" IB_TAIL);
    body_is(&sms_api_infobip, &conf, "x", -5,
            IB_HEAD "\"x\"},\"options\":{\"validityPeriod\":{\"amount\":1,\"timeUnit\":\"MINUTES\"}},"
                    "\"webhooks\":{" IB_TAIL);
    body_is(&sms_api_infobip, &conf, "x", 48 * 3600 + 1, IB_HEAD "\"x\"},\"webhooks\":{" IB_TAIL);
    conf.validity = SMS_VALIDITY_NONE;
    conf.flash = 1;
    conf.intermediate = 1;
    conf.webhook_url = str("https://h/hooks/sms");
    body_is(&sms_api_infobip, &conf, "x", 61,
            IB_HEAD "\"x\"},\"options\":{\"flash\":true},\"webhooks\":{\"delivery\":{\"url\":"
                    "\"https://h/hooks/sms/0123456789abcdef\",\"intermediateReport\":true},\"contentType\":"
                    "\"application/json\"," IB_TAIL);
    conf.receipts = SMS_RECEIPTS_NONE;
    conf.hook_secret.n = 0;
    conf.flash = 0;
    conf.national = SMS_NATIONAL_SPANISH;
    body_is(&sms_api_infobip, &conf,
            "á fue a 71 lugares y no cabe en un solo segmento de UCS-2, no, de veras", 0,
            IB_HEAD "\"á fue a 71 lugares y no cabe en un solo segmento de UCS-2, no, de veras\","
                    "\"language\":{\"languageCode\":\"ES\"}},\"webhooks\":{" IB_TAIL);
    /* A message's own sender, and flash. */
    own_sender = "+5730";
    own_flash = true;
    m[0] = item(&conf, "+573001112233", "x", 0, &reason);
    own_sender = NULL;
    own_flash = false;
    body = sms_ib_body(&conf, now, m, 1);
    assert_non_null(strstr(body, "{\"sender\":\"5730\","));
    assert_non_null(strstr(body, "\"options\":{\"flash\":true}"));
    free(body);
    free(m[0]);
    /* Two in one. */
    m[0] = m[1] = item(&conf, "+573001112233", "x", 0, &reason);
    body = sms_ib_body(&conf, now, m, 2);
    cJSON *j = cJSON_Parse(body);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(j, "messages")), 2);
    cJSON_Delete(j);
    free(body);
    free(m[0]);
}

static void twilios_request_by_its_bytes(void **state)
{
    struct sms_conf conf = twilio_conf();
    char url[SMS_URL_MAX], *auth;

    (void)state;
    assert_true(sms_tw_url(&conf, sms_api_base(&sms_api_twilio, &conf), url));
    assert_string_equal(
        url, "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json");
    conf.auth_token = str("tok");
    auth = sms_api_twilio.authorization(&conf);
    assert_string_equal(auth, "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp0b2s=");
    free(auth);
    body_is(&sms_api_twilio, &conf, "ñ &=+%\n~", 90,
            "To=%2B573001112233&From=TIENDA&Body=%C3%B1%20%26%3D%2B%25%0A~&SmartEncoded=false&StatusCallback="
            "https%3A%2F%2Fh.example%2Fhooks%2Fsms%3Fmsg%3Dmsg_01081G81860W40J2GB1G6GW3RG&ValidityPeriod=90");
    conf.receipts = SMS_RECEIPTS_NONE;
    conf.sender.n = 0;
    conf.service_sid = str("MG00000000000000000000000000000001");
    body_is(&sms_api_twilio, &conf, "x", 36000,
            "To=%2B573001112233&MessagingServiceSid=MG00000000000000000000000000000001&Body=x&SmartEncoded="
            "false");
    own_sender = "+1555";
    body_is(&sms_api_twilio, &conf, "x", 0,
            "To=%2B573001112233&MessagingServiceSid=MG00000000000000000000000000000001&From=%2B1555&Body=x&"
            "SmartEncoded="
            "false");
    own_sender = NULL;
}

/* ---- answers ----------------------------------------------------------------------------------- */

struct answer_row {
    uint32_t status;
    const char *body;
    int32_t code;
    uint32_t scope;
    const char *reason, *provider_code, *ext_id;
};

static void answers_mean(const struct sms_api *api, const struct answer_row *row, size_t n)
{
    struct sms_conf conf = twilio_conf();
    const char *reason;
    struct sms_item *m = item(&conf, "+573001112233", "x", 0, &reason);
    struct sms_verdict v;

    for (size_t i = 0; i < n; i++) {
        struct hilo_http h = {.size = sizeof h, .status = row[i].status, .body = str(row[i].body)};
        (void)api->answer(&h, &m, 1, &v);
        if (v.code != row[i].code || strcmp(v.reason, row[i].reason) != 0)
            print_message("%u %s: %d %s\n", row[i].status, row[i].body, (int)v.code, v.reason);
        assert_int_equal(v.code, row[i].code);
        assert_string_equal(v.reason, row[i].reason);
        assert_string_equal(v.provider_code, row[i].provider_code);
        assert_string_equal(v.ext_id, row[i].ext_id);
        if (v.code == HILO_AGAIN || v.code == HILO_TEMP)
            assert_int_equal(v.scope, row[i].scope);
    }
    free(m);
}

#define IB_STATUS(group, id, name)                                                                           \
    "{\"messages\":[{\"messageId\":\"msg_01081G81860W40J2GB1G6GW3RG\",\"status\":{\"groupId\":" #group       \
    ",\"id\":" #id ",\"name\":\"" name "\",\"description\":\"d\"}}]}"
#define IB_OURS "msg_01081G81860W40J2GB1G6GW3RG"

static void infobips_answers_mean_what_they_say(void **state)
{
    static const struct answer_row row[] = {
        {200, IB_STATUS(1, 26, "PENDING_ACCEPTED"), HILO_OK, 0, "", "", IB_OURS},
        {200, IB_STATUS(3, 5, "DELIVERED_TO_HANDSET"), HILO_OK, 0, "", "", IB_OURS},
        {200, IB_STATUS(5, 23, "REJECTED_DUPLICATE_MESSAGE_ID"), HILO_OK, 0, "", "", IB_OURS},
        {200, IB_STATUS(5, 12, "REJECTED_NOT_ENOUGH_CREDITS"), HILO_CONFIG, 0, "billing",
         "REJECTED_NOT_ENOUGH_CREDITS", ""},
        {200, IB_STATUS(5, 20, "REJECTED_FLOODING_FILTER"), HILO_AGAIN, HILO_SCOPE_CONVERSATION,
         "pair_rate_limited", "REJECTED_FLOODING_FILTER", ""},
        {200, IB_STATUS(5, 21, "REJECTED_SYSTEM_ERROR"), HILO_TEMP, 0, "provider_error",
         "REJECTED_SYSTEM_ERROR", ""},
        {200, IB_STATUS(2, 4000, "NEW"), HILO_PERM, 0, "undeliverable", "NEW", ""},
        {200, "{\"messages\":[]}", HILO_IN_DOUBT, 0, "unclear_answer", "", ""},
        {200, "{\"messages\":", HILO_IN_DOUBT, 0, "unclear_answer", "", ""},
        {200,
         "{\"messages\":[{\"messageId\":\"msg_01K8XG0000000000000000002Z\",\"status\":{\"groupId\":1,\"id\":"
         "26}}]}",
         HILO_IN_DOUBT, 0, "unclear_answer", "", ""}, /* somebody else's */
        {401, "{\"requestError\":{\"serviceException\":{\"messageId\":\"UNAUTHORIZED\",\"text\":\"t\"}}}",
         HILO_CONFIG, 0, "token_invalid", "UNAUTHORIZED", ""},
        {403, "{\"errorCode\":\"E403\",\"description\":\"d\"}", HILO_CONFIG, 0, "permission_denied", "E403",
         ""},
        {429, "{\"errorCode\":\"E429\",\"description\":\"d\"}", HILO_AGAIN, HILO_SCOPE_CHANNEL,
         "rate_limited", "E429", ""},
        {400,
         "{\"errorCode\":\"E400\",\"violations\":[{\"property\":\"messages[0].content.text\",\"violation\":"
         "\"v\"}]}",
         HILO_PERM, 0, "invalid_parameter", "E400", ""},
        {400,
         "{\"errorCode\":\"E400\",\"violations\":[{\"property\":\"messages[0].sender\",\"violation\":\"v\"}]"
         "}",
         HILO_CONFIG, 0, "sender_rejected", "E400", ""},
        {400,
         "{\"requestError\":{\"serviceException\":{\"messageId\":\"BAD_REQUEST\",\"text\":\"t\","
         "\"validationErrors\":{\"messages[0].sender\":[\"v\"]}}}}",
         HILO_CONFIG, 0, "sender_rejected", "BAD_REQUEST", ""},
        {404, "<html>", HILO_PERM, 0, "rejected", "http 404", ""},
        {500, "{\"errorCode\":\"E500\",\"description\":\"d\"}", HILO_IN_DOUBT, 0, "unclear_answer", "E500",
         ""},
        {502, "<html>", HILO_IN_DOUBT, 0, "unclear_answer", "http 502", ""},
        {503, "{\"errorCode\":\"E503\",\"description\":\"d\"}", HILO_TEMP, 0, "provider_unavailable", "E503",
         ""},
        {503, "", HILO_IN_DOUBT, 0, "unclear_answer", "http 503", ""},
        {302, "", HILO_CONFIG, 0, "redirected", "http 302", ""},
    };

    (void)state;
    answers_mean(&sms_api_infobip, row, sizeof row / sizeof *row);
}

static void twilios_answers_mean_what_they_say(void **state)
{
    static const struct answer_row row[] = {
        {201, "{\"sid\":\"SM1\",\"status\":\"queued\"}", HILO_OK, 0, "", "", "SM1"},
        {201, "{\"sid\":\"\"}", HILO_IN_DOUBT, 0, "unclear_answer", "", ""},
        {201, "{\"sid\":", HILO_IN_DOUBT, 0, "unclear_answer", "", ""},
        {400, "{\"code\":21610,\"message\":\"m\",\"status\":400}", HILO_PERM, 0, "opted_out", "21610", ""},
        {400, "{\"code\":21606,\"message\":\"m\"}", HILO_CONFIG, 0, "sender_rejected", "21606", ""},
        {400, "{\"code\":21611,\"message\":\"m\"}", HILO_AGAIN, HILO_SCOPE_CHANNEL, "queue_full", "21611",
         ""},
        {400, "{\"code\":99999,\"message\":\"m\"}", HILO_PERM, 0, "rejected", "99999", ""},
        {401, "{\"code\":20003,\"message\":\"m\"}", HILO_CONFIG, 0, "token_invalid", "20003", ""},
        {401, "", HILO_CONFIG, 0, "token_invalid", "http 401", ""},
        {429, "{\"code\":20429,\"message\":\"m\"}", HILO_AGAIN, HILO_SCOPE_CHANNEL, "rate_limited", "20429",
         ""},
        {429, "{\"code\":63038,\"message\":\"m\"}", HILO_AGAIN, HILO_SCOPE_CHANNEL, "daily_limit", "63038",
         ""},
        {500, "{\"code\":20500,\"message\":\"m\"}", HILO_IN_DOUBT, 0, "unclear_answer", "20500", ""},
        {500, "{\"code\":21610,\"message\":\"m\"}", HILO_IN_DOUBT, 0, "unclear_answer", "21610", ""},
        {503, "{\"code\":20503,\"message\":\"m\"}", HILO_TEMP, 0, "provider_unavailable", "20503", ""},
        {502, "<html>", HILO_IN_DOUBT, 0, "unclear_answer", "http 502", ""},
    };

    (void)state;
    answers_mean(&sms_api_twilio, row, sizeof row / sizeof *row);
}

static void retry_after_counts_where_it_is_tried_again(void **state)
{
    const struct hilo_kv header = {str("retry-after"), str("17")},
                         long_one = {str("Retry-After"), str("9999999")};
    struct hilo_http h = {
        .size = sizeof h, .status = 429, .body = str("{\"code\":20429}"), .header = &header, .n_header = 1};
    struct sms_verdict v;
    struct sms_item *none = NULL;

    (void)state;
    (void)sms_tw_answer(&h, &none, 1, &v);
    assert_int_equal(v.retry_after_us, 17000000);
    h.header = &long_one;
    (void)sms_tw_answer(&h, &none, 1, &v);
    assert_int_equal(v.retry_after_us, INT64_C(86400000000));
    h.status = 400;
    (void)sms_tw_answer(&h, &none, 1, &v);
    assert_int_equal(v.code, HILO_AGAIN); /* by its code */
}

/* ---- webhooks ---------------------------------------------------------------------------------- */

struct got {
    uint8_t bytes[4][4096];
    uint64_t size[4];
    unsigned n, notes;
    char stop[32];
};

static bool take(void *arg, struct hilo_str message)
{
    struct got *g = arg;

    assert_true(g->n < 4 && message.n <= sizeof g->bytes[0]);
    memcpy(g->bytes[g->n], message.p, (size_t)message.n);
    g->size[g->n++] = message.n;
    return true;
}

static void note(void *arg, const char *words)
{
    struct got *g = arg;

    assert_non_null(words);
    g->notes++;
}

static void stop(void *arg, const char *reason)
{
    (void)snprintf(((struct got *)arg)->stop, 32, "%s", reason);
}

static struct hilo_str nth(const struct got *g, unsigned i)
{
    assert_true(i < g->n);
    return (struct hilo_str){(const char *)g->bytes[i], g->size[i]};
}

static int32_t reads(const struct sms_api *api, const char *method, const char *url, const char *body,
                     struct got *g)
{
    struct hilo_http h = {.size = sizeof h, .method = str(method), .url = str(url), .body = str(body)};
    const struct sms_sink sink = {g, take, note, stop};

    memset(g, 0, sizeof *g);
    return api->read(now, &h, &sink);
}

static void receipt_is(const struct got *g, unsigned i, const char *ext, uint64_t status, const char *reason,
                       const char *code)
{
    struct hilo_str m = nth(g, i), r = hilo_get_str(m, HILO_T_MSG_RECEIPT);

    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_RECEIPT);
    str_is(hilo_get_str(m, HILO_T_MSG_EXT_ID), ext);
    assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), status);
    str_is(hilo_get_str(r, HILO_T_RECEIPT_REASON), reason);
    str_is(hilo_get_str(r, HILO_T_RECEIPT_CODE), code);
}

static void infobips_reports_are_receipts(void **state)
{
    struct hilo_str v;
    struct got g;

    (void)state;
    assert_int_equal(
        reads(&sms_api_infobip, "POST", "/s",
              "{\"results\":[{\"messageId\":\"" IB_OURS "\",\"doneAt\":\"2019-11-09T16:00:00.000+0000\","
              "\"status\":{\"groupId\":3,\"id\":5,\"name\":\"DELIVERED_TO_HANDSET\"},\"error\":{\"id\":0}},"
              "{\"messageId\":\"x\",\"callbackData\":\"" IB_OURS "\",\"status\":{\"groupId\":3,\"id\":2}},"
              "{\"messageId\":\"y\",\"status\":{\"groupId\":2,\"id\":9},\"error\":{\"id\":27,\"name\":"
              "\"EC_ABSENT_SUBSCRIBER\",\"description\":\"573001112233 is away\"}},"
              "{\"messageId\":\"z\",\"status\":{\"groupId\":5,\"id\":12,\"name\":\"REJECTED_NOT_ENOUGH_"
              "CREDITS\"}}]}",
              &g),
        HILO_OK);
    assert_int_equal(g.n, 4);
    receipt_is(&g, 0, IB_OURS, HILO_STATUS_DELIVERED, "", "");
    assert_int_equal(hilo_get_u64(nth(&g, 0), HILO_T_MSG_TIME), now);
    receipt_is(&g, 1, "x", HILO_STATUS_SENT, "", "");
    for (unsigned i = 0; i < 2; i++) { /* by messageId, and by callbackData */
        assert_true(hilo_find(hilo_get_str(nth(&g, i), HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_ECHO, &v));
        assert_int_equal(v.n, 16);
        assert_int_equal(v.p[15], 16);
    }
    receipt_is(&g, 2, "y", HILO_STATUS_FAILED, "unreachable", "EC_ABSENT_SUBSCRIBER");
    str_is(hilo_get_str(hilo_get_str(nth(&g, 2), HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_DETAIL), "# is away");
    receipt_is(&g, 3, "z", HILO_STATUS_FAILED, "billing", "REJECTED_NOT_ENOUGH_CREDITS");
    assert_string_equal(g.stop, "billing");
    /* What can't be used is noted, and keeps nothing from being read. */
    assert_int_equal(
        reads(&sms_api_infobip, "POST", "/s",
              "{\"results\":[{\"status\":{\"groupId\":3}},{},7,{\"messageId\":\"m\",\"status\":{}},"
              "{\"messageId\":\"n\",\"status\":{\"groupId\":1}}]}",
              &g),
        HILO_OK);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.notes, 4);
    assert_int_equal(reads(&sms_api_infobip, "POST", "/s", "{\"results\":7}", &g), HILO_OK);
    assert_int_equal(reads(&sms_api_infobip, "POST", "/s", "[]", &g), HILO_INVALID);
    assert_int_equal(reads(&sms_api_infobip, "POST", "/s", "{\"results\":[{\"messageId\":\"m\"", &g),
                     HILO_INVALID);
}

static void infobips_messages_come_in(void **state)
{
    struct hilo_str m, party;
    struct got g;

    (void)state;
    assert_int_equal(
        reads(
            &sms_api_infobip, "POST", "/s",
            "{\"results\":[{\"messageId\":\"in-1\",\"from\":\"573001112233\",\"to\":\"890\",\"text\":\"¿y?\","
            "\"cleanText\":\"\",\"keyword\":\"\",\"receivedAt\":\"2019-11-09T11:00:00.000-05:00\","
            "\"smsCount\":1,"
            "\"price\":{},\"entityId\":\"e\",\"callbackData\":\"c\"},"
            "{\"messageId\":\"in-2\",\"from\":\"BANCO\",\"text\":\"x\"}],\"messageCount\":2}",
            &g),
        HILO_OK);
    assert_int_equal(g.n, 2);
    m = nth(&g, 0);
    party = hilo_get_str(m, HILO_T_MSG_PARTY);
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_INBOUND);
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_TIME), now);
    str_is(hilo_get_str(m, HILO_T_MSG_EXT_ID), "in-1");
    str_is(hilo_get_str(party, HILO_T_IDENT_VALUE), "+573001112233");
    str_is(hilo_get_str(hilo_content(m), HILO_T_CONTENT_TEXT), "¿y?");
    str_is(hilo_get_str(m, HILO_T_MSG_EXTRA), "{\"destination\":\"890\",\"entityId\":\"e\"}");
    str_is(hilo_get_str(hilo_get_str(nth(&g, 1), HILO_T_MSG_PARTY), HILO_T_IDENT_VALUE), "BANCO");
    assert_int_equal(hilo_get_u64(nth(&g, 1), HILO_T_MSG_TIME), now); /* when it came */
}

static void infobips_times(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } row[] = {{"2019-11-09T16:00:00.000+0000", INT64_C(1573315200000000)},
               {"2019-11-09T16:00:00.123+0100", INT64_C(1573311600123000)},
               {"2019-11-09T16:00:00-00:30", INT64_C(1573317000000000)},
               {"2019-11-09T16:00:00Z", INT64_C(1573315200000000)},
               {"2019-11-09 16:00:00Z", -1},
               {"2019-11-09T16:00:00", -1},
               {"2019-13-09T16:00:00Z", -1},
               {"2019-11-09T16:00:00+00", -1},
               {"2019-11-09T16:00:00+00000", -1},
               {"-019-11-09T16:00:00Z", -1},
               {"1969-11-09T16:00:00Z", -1},
               {"", -1}};
    int64_t us;

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        us = -1;
        if (sms_ib_time(str(row[i].text), &us) != (row[i].us >= 0))
            print_message("%s\n", row[i].text);
        assert_int_equal(us, row[i].us);
    }
}

static void infobip_is_known_by_path_and_password(void **state)
{
    /* hilo:pw, by base64(1) */
    const struct hilo_kv good = {str("authorization"), str("Basic aGlsbzpwdw==")},
                         bad = {str("Authorization"), str("Basic aGlsbzpwdw=")};
    struct sms_conf conf = infobip_conf();
    struct hilo_http h = {
        .size = sizeof h, .url = str("/0123456789abcdef?x=1"), .header = &good, .n_header = 1};

    (void)state;
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_KNOWN);
    conf.hook_user = str("hilo");
    conf.hook_password = str("pw");
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_KNOWN);
    h.header = &bad;
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_UNKNOWN);
    h.n_header = 0;
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_UNKNOWN);
    h.url = str("/0123456789abcdeF");
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_LOST);
    h.url = str("");
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_LOST);
    conf.hook_secret.n = 0;
    h.header = &good;
    h.n_header = 1;
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_KNOWN);
    h.url = str("/x");
    assert_int_equal(sms_ib_caller(&conf, &h), SMS_CALLER_LOST);
}

static void twilios_signatures(void **state)
{
    /* of https://www.twilio.com/docs/usage/security, as its libraries test it */
    const struct hilo_kv documented[] = {{str("Digits"), str("1234")},
                                         {str("To"), str("+18005551212")},
                                         {str("From"), str("+12349013030")},
                                         {str("Caller"), str("+12349013030")},
                                         {str("CallSid"), str("CA1234567890ABCDE")}};
    /* printf 'https://h.example/hooks/smsAa1Aa2Bañb' | openssl dgst -sha1 -hmac s3cret -binary | base64:
     * names by bytes, values of one name each once, sorted */
    const struct hilo_kv twice[] = {{str("a"), str("ñb")},
                                    {str("A"), str("a2")},
                                    {str("A"), str("a1")},
                                    {str("A"), str("a2")},
                                    {str("B"), str("")}};
    char out[SMS_TW_SIGNATURE];

    (void)state;
    assert_true(
        sms_tw_sign(str("12345"), str("https://mycompany.com/myapp.php?foo=1&bar=2"), documented, 5, out));
    assert_string_equal(out, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
    assert_true(sms_tw_sign(str("s3cret"), str("https://h.example/hooks/sms"), twice, 5, out));
    assert_string_equal(out, "d93hBIPWC0IPHicaYIumUB3DrmI=");
    assert_true(sms_tw_sign(str("s3cret"), str("https://h.example/hooks/sms"), NULL, 0, out));
    assert_string_equal(out, "ot+I76ujWh2y312cO9m8WuS9okM=");
}

static enum sms_caller calls(const char *hook, const char *url, const char *type, const char *body,
                             const char *signature)
{
    struct sms_conf conf = twilio_conf();
    const struct hilo_kv header[] = {{str("Content-Type"), str(type)},
                                     {str("x-twilio-signature"), str(signature)}};
    struct hilo_http h = {.size = sizeof h,
                          .method = str("POST"),
                          .url = str(url),
                          .body = str(body),
                          .header = header,
                          .n_header = 2};

    conf.webhook_url = str(hook);
    return sms_tw_caller(&conf, &h);
}

static void twilio_is_known_by_its_signature(void **state)
{
    static const char form[] = "application/x-www-form-urlencoded; charset=UTF-8",
                      body[] = "MessageSid=SM1&From=%2B573001112233", hook[] = "https://h.example/hooks/sms";
    /* by openssl: without a port, with the default one; and of JSON, by its SHA-256 */
    static const char bare[] = "/LgXr+sNZKfaEm1b5qqXNOIPWWE=", port[] = "6PDwTClxsAIIh1EUJPCtbZo9WMU=",
                      json[] = "RLXZuGVULmWTWzxPd1IXuaOhgls=";
    static const char hashed[] =
        "?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";

    (void)state;
    assert_int_equal(calls(hook, "", form, body, bare), SMS_CALLER_KNOWN);
    assert_int_equal(calls(hook, "", form, body, port), SMS_CALLER_KNOWN);
    assert_int_equal(calls("https://h.example:443/hooks/sms", "", form, body, bare), SMS_CALLER_KNOWN);
    assert_int_equal(calls("https://h.example:8443/hooks/sms", "", form, body, bare), SMS_CALLER_KNOWN);
    assert_int_equal(calls("https://h.example:8443/hooks/sms", "", form, body, port), SMS_CALLER_UNKNOWN);
    assert_int_equal(calls("http://h.example/hooks/sms", "", form, body, bare), SMS_CALLER_UNKNOWN);
    assert_int_equal(calls(hook, "?x=1", form, body, bare), SMS_CALLER_UNKNOWN);
    assert_int_equal(calls(hook, "", form, "MessageSid=SM2&From=%2B573001112233", bare), SMS_CALLER_UNKNOWN);
    assert_int_equal(calls(hook, "", form, body, ""), SMS_CALLER_UNKNOWN);
    assert_int_equal(calls(hook, "", form, body, "/LgXr+sNZKfaEm1b5qqXNOIPWWE"), SMS_CALLER_UNKNOWN);
    assert_int_equal(calls(hook, "/x", form, body, bare), SMS_CALLER_LOST);
    assert_int_equal(calls(hook, hashed, "application/json", "{\"a\":1}", json), SMS_CALLER_KNOWN);
    assert_int_equal(calls(hook, hashed, "application/json", "{\"a\":2}", json), SMS_CALLER_UNKNOWN);
    /* A body that is no form, and that nothing in the URL vouches for. */
    assert_int_equal(calls(hook, "", "text/plain", body, "ot+I76ujWh2y312cO9m8WuS9okM="), SMS_CALLER_UNKNOWN);
    assert_int_equal(calls(hook, "", "text/plain", "", "ot+I76ujWh2y312cO9m8WuS9okM="), SMS_CALLER_KNOWN);
}

static void twilios_callbacks_are_receipts(void **state)
{
    static const struct {
        const char *body;
        uint64_t status;
        const char *reason, *code;
    } row[] = {
        {"MessageSid=SM1&MessageStatus=queued", HILO_STATUS_SENT, "", ""},
        {"MessageSid=SM1&MessageStatus=sent", HILO_STATUS_SENT, "", ""},
        {"MessageSid=SM1&MessageStatus=new_word", HILO_STATUS_SENT, "", ""},
        {"MessageSid=SM1&MessageStatus=delivered", HILO_STATUS_DELIVERED, "", ""},
        {"MessageSid=SM1&MessageStatus=read", HILO_STATUS_READ, "", ""},
        {"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003", HILO_STATUS_FAILED, "unreachable",
         "30003"},
        {"MessageSid=SM1&MessageStatus=failed&ErrorCode=30007", HILO_STATUS_FAILED, "content_blocked",
         "30007"},
        {"MessageSid=SM1&MessageStatus=failed&ErrorCode=x", HILO_STATUS_FAILED, "undeliverable", "x"},
        {"MessageSid=SM1&MessageStatus=failed", HILO_STATUS_FAILED, "undeliverable", ""},
        {"MessageSid=SM1&MessageStatus=canceled", HILO_STATUS_FAILED, "canceled", ""},
    };
    struct hilo_str v;
    struct got g;

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(reads(&sms_api_twilio, "POST", "?msg=" IB_OURS, row[i].body, &g), HILO_OK);
        receipt_is(&g, 0, "SM1", row[i].status, row[i].reason, row[i].code);
        assert_true(hilo_find(hilo_get_str(nth(&g, 0), HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_ECHO, &v));
        assert_int_equal(v.p[15], 16);
    }
    assert_int_equal(reads(&sms_api_twilio, "POST", "", row[3].body, &g), HILO_OK);
    assert_false(hilo_find(hilo_get_str(nth(&g, 0), HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_ECHO, &v));
    assert_int_equal(
        reads(&sms_api_twilio, "POST", "", "MessageSid=S&MessageStatus=failed&ErrorCode=30002", &g), HILO_OK);
    assert_string_equal(g.stop, "account_suspended");
    assert_int_equal(reads(&sms_api_twilio, "POST", "", "MessageStatus=failed", &g), HILO_OK);
    assert_int_equal(g.n, 0);
    assert_int_equal(g.notes, 1);
    assert_int_equal(reads(&sms_api_twilio, "POST", "", "MessageSid=SM1", &g), HILO_OK);
    assert_int_equal(g.notes, 1);
}

static void twilios_messages_come_in(void **state)
{
    struct hilo_str m;
    struct got g;

    (void)state;
    assert_int_equal(
        reads(&sms_api_twilio, "POST", "",
              "ToCountry=CO&SmsMessageSid=SM1&NumMedia=0&SmsStatus=received&Body=a%00b%FF+%C3%B1&To=%2B1555&"
              "MessageSid=SM1&From=%2B573001112233&ApiVersion=2010-04-01&OptOutType=STOP",
              &g),
        HILO_OK);
    assert_int_equal(g.n, 1);
    m = nth(&g, 0);
    str_is(hilo_get_str(m, HILO_T_MSG_EXT_ID), "SM1");
    str_is(hilo_get_str(hilo_get_str(m, HILO_T_MSG_PARTY), HILO_T_IDENT_VALUE), "+573001112233");
    str_is(hilo_get_str(hilo_content(m), HILO_T_CONTENT_TEXT), "a\xef\xbf\xbd"
                                                               "b\xef\xbf\xbd ñ");
    str_is(hilo_get_str(m, HILO_T_MSG_EXTRA),
           "{\"ToCountry\":\"CO\",\"destination\":\"+1555\",\"OptOutType\":\"STOP\"}");
    /* By GET, and with a picture: its address beside the words. */
    assert_int_equal(
        reads(&sms_api_twilio, "GET",
              "?MessageSid=MM1&From=%2B573001112233&Body=mira&NumMedia=1&MediaUrl0=https%3A%2F%2Fm", "", &g),
        HILO_OK);
    str_is(hilo_get_str(hilo_content(nth(&g, 0)), HILO_T_CONTENT_TEXT), "mira");
    str_is(hilo_get_str(nth(&g, 0), HILO_T_MSG_EXTRA), "{\"MediaUrl0\":\"https://m\"}");
    assert_int_equal(
        reads(&sms_api_twilio, "POST", "", "MessageSid=MM1&From=%2B57300111&Body=&NumMedia=1", &g), HILO_OK);
    assert_int_equal(hilo_content_type(nth(&g, 0)), HILO_CONTENT_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_text_and_back),
        cmocka_unit_test(keys_of_slots_are_never_used_again),
        cmocka_unit_test(json_is_mended_and_read),
        cmocka_unit_test(forms_are_read),
        cmocka_unit_test(words_hide_what_may_be_a_number),
        cmocka_unit_test(a_text_is_as_its_segments_carry_it),
        cmocka_unit_test(what_can_not_be_sent_says_why),
        cmocka_unit_test(infobips_request_by_its_bytes),
        cmocka_unit_test(twilios_request_by_its_bytes),
        cmocka_unit_test(infobips_answers_mean_what_they_say),
        cmocka_unit_test(twilios_answers_mean_what_they_say),
        cmocka_unit_test(retry_after_counts_where_it_is_tried_again),
        cmocka_unit_test(infobips_reports_are_receipts),
        cmocka_unit_test(infobips_messages_come_in),
        cmocka_unit_test(infobips_times),
        cmocka_unit_test(infobip_is_known_by_path_and_password),
        cmocka_unit_test(twilios_signatures),
        cmocka_unit_test(twilio_is_known_by_its_signature),
        cmocka_unit_test(twilios_callbacks_are_receipts),
        cmocka_unit_test(twilios_messages_come_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
