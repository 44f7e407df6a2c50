/*
 * Twilio's API: webhooks and answers, and texts to be sent. The first byte chooses the status of the answer,
 * the method and the kind of the body, the first line after it is the URL, the second the signature, the rest
 * the body.
 *
 * Beyond not crashing: messages and receipts given are well-formed and their words UTF-8; every answer has a
 * verdict, without a number of a person in its words; a text that is sent costs no more segments than were
 * counted, and its form reads as itself; nobody is believed but who signs with the token.
 */
#include "../../plugins/sms/twilio.h"
#include "sms_http_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_text(const struct sms_conf *conf, struct hilo_str text)
{
    static struct sms_form form;
    struct sms_item *item = text.n <= 8000 ? http_item(conf, text) : NULL;
    char *body;

    if (!item)
        return;
    must_cost_the_same(conf, text, item);
    body = sms_tw_body(conf, 0, &item, 1);
    must(body);
    must(sms_form_read((struct hilo_str){body, strlen(body)}, &form) == HILO_OK);
    must(same(sms_form_get(&form, "Body"), (struct hilo_str){item->text, item->text_n}));
    must(sms_form_get(&form, "To").n == 13 && form.n == 5);
    sms_form_done(&form);
    free(body);
    free(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sms_form form;
    struct sms_conf conf = {.webhook_url = {"https://h/hooks/sms", 19},
                            .auth_token = {"a token that no input has", 25},
                            .sender = {"T", 1},
                            .segments_max = 20};
    struct hilo_kv header[] = {{{"Content-Type", 12}, {"application/x-www-form-urlencoded", 33}},
                               {{"X-Twilio-Signature", 18}, {NULL, 0}}};
    struct hilo_http h = {.size = sizeof h, .method = {"POST", 4}, .header = header, .n_header = 2};
    struct hilo_str rest = {(const char *)data + 1, size - 1};
    char url[2048], made[SMS_TW_SIGNATURE];
    struct sms_item *none = NULL;
    struct sms_verdict v;
    int32_t rc;

    if (size == 0)
        return 0;
    h.status = http_status[data[0] % (sizeof http_status / sizeof *http_status)];
    if (data[0] & 64)
        h.method = (struct hilo_str){"GET", 3};
    h.url = sms_split(&rest, '\n');
    header[1].val = sms_split(&rest, '\n');
    h.body = rest;
    must(sms_tw_caller(&conf, &h) != SMS_CALLER_KNOWN);
    /* And is believed when it is signed so. */
    if (h.url.n + 19 < sizeof url && (h.url.n == 0 || h.url.p[0] == '?') &&
        sms_form_read(h.body, &form) == HILO_OK) {
        memcpy(url, "https://h/hooks/sms", 19);
        if (h.url.n)
            memcpy(url + 19, h.url.p, (size_t)h.url.n);
        must(sms_tw_sign(conf.auth_token, (struct hilo_str){url, 19 + h.url.n}, form.pair, form.n, made));
        header[1].val = (struct hilo_str){made, sizeof made - 1};
        must(sms_tw_caller(&conf, &h) == SMS_CALLER_KNOWN);
        made[5] ^= 1;
        must(sms_tw_caller(&conf, &h) == SMS_CALLER_UNKNOWN);
    }
    sms_form_done(&form);
    if (data[0] & 128)
        header[0].val = (struct hilo_str){"application/json", 16};
    must(sms_tw_caller(&conf, &h) != SMS_CALLER_KNOWN);
    rc = sms_tw_read(0, &h, &http_sink);
    must(rc == HILO_OK || rc == HILO_INVALID);
    (void)sms_tw_answer(&h, &none, 1, &v);
    must_be_verdict(&v);
    conf.transliterate = data[0] & 1;
    write_text(&conf, h.body);
    return 0;
}
