/*
 * Infobip's SMS API: bodies of its webhooks and its answers, paths, times; and texts to be sent. The first
 * byte chooses the status of the answer, the rest is the body.
 *
 * Beyond not crashing: messages and receipts given are well-formed and their words UTF-8; every answer has a
 * verdict, without a number of a person in its words; a text that is sent costs no more segments than were
 * counted, and is written as JSON that reads as itself; nobody is believed without the secret.
 */
#include "../../plugins/sms/infobip.h"
#include "sms_http_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_text(const struct sms_conf *conf, struct hilo_str text)
{
    struct sms_item *item = text.n <= 8000 ? http_item(conf, text) : NULL;
    const cJSON *message;
    cJSON *json;
    char *body;

    if (!item)
        return;
    must_cost_the_same(conf, text, item);
    body = sms_ib_body(conf, 0, &item, 1);
    must(body);
    json = sms_json_read((struct hilo_str){body, strlen(body)});
    message = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "messages"), 0);
    must(same(sms_json_text(cJSON_GetObjectItem(message, "content"), "text"),
              (struct hilo_str){item->text, item->text_n}));
    cJSON_Delete(json);
    free(body);
    free(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sms_conf conf = {.hook_secret = {"0123456789abcdef", 16}, .sender = {"T", 1}, .segments_max = 20};
    struct hilo_http h = {.size = sizeof h, .method = {"POST", 4}};
    struct sms_item *item = http_item(&conf, (struct hilo_str){"x", 1});
    struct sms_verdict v;
    int64_t us;
    int32_t rc;

    if (size == 0) {
        free(item);
        return 0;
    }
    h.status = http_status[data[0] % (sizeof http_status / sizeof *http_status)];
    h.body = h.url = (struct hilo_str){(const char *)data + 1, size - 1};
    rc = sms_ib_read(0, &h, &http_sink);
    must(rc == HILO_OK || rc == HILO_INVALID);
    (void)sms_ib_answer(&h, &item, 1, &v);
    must_be_verdict(&v);
    must(sms_ib_caller(&conf, &h) == SMS_CALLER_LOST ||
         (size > 16 && memmem(data, size, "0123456789abcdef", 16)));
    if (sms_ib_time(h.body, &us))
        must(us >= 0);
    conf.transliterate = data[0] & 1;
    conf.national = data[0] & 2 ? SMS_NATIONAL_SPANISH : SMS_NATIONAL_NONE;
    write_text(&conf, h.body);
    free(item);
    return 0;
}
