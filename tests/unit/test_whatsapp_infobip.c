/*
 * Infobip as the WhatsApp plugin's second provider, its pure parts: messages to
 * requests, answers and webhooks to what they mean, who may post, where the key goes.
 * Through the daemon it is tests/behave/test_infobip.c.
 */
#include "whatsapp_read.h"

#define THE_ECHO "msg_01K0PKRJTT0R3GG28A1C60T3GF"
static const struct hilo_id the_id = {{1, 0x98, 0x2d, 0x3c, 0x4b, 0x5a, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

static struct wa_conf conf(void)
{
    struct wa_conf c = {.provider = 1};

    c.base_url = str("https://acme.api.infobip.com");
    c.sender = str("573000000000");
    c.api_key = str("KEY");
    c.hook_secret = str("0123456789abcdef");
    c.in_flight = 4;
    c.timeout_us = 1000000;
    return c;
}

/* ---- out -------------------------------------------------------------------------------- */

struct draft {
    struct hilo_writer w;
    char buf[16384];
};

static void draft_begin(struct draft *d, uint64_t type)
{
    hilo_writer_init(&d->w, d->buf, sizeof d->buf);
    hilo_put_u64(&d->w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_open(&d->w, HILO_T_MSG_PARTY);
    hilo_put_u64(&d->w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&d->w, HILO_T_IDENT_VALUE, str("+573001112233"));
    hilo_close(&d->w);
    hilo_open(&d->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&d->w, HILO_T_CONTENT_TYPE, type);
}

static void put(struct draft *d, uint32_t tag, const char *text)
{
    hilo_put_str(&d->w, tag, str(text));
}

static void choice(struct draft *d, const char *id, const char *title, const char *description,
                   const char *section)
{
    hilo_open(&d->w, HILO_T_CONTENT_CHOICES);
    put(d, HILO_T_CHOICE_ID, id);
    put(d, HILO_T_CHOICE_TITLE, title);
    if (description)
        put(d, HILO_T_CHOICE_DESCRIPTION, description);
    if (section)
        put(d, HILO_T_CHOICE_SECTION, section);
    hilo_close(&d->w);
}

static int32_t encode(struct draft *d, const struct wa_conf *c, struct wa_encoded *out)
{
    const struct wa_encode with = {.conf = c};

    if (d->w.depth)
        hilo_close(&d->w);
    assert_false(d->w.failed);
    return wa_infobip.encode(the_id, hilo_written(&d->w), &with, out);
}

#define ME   "\"from\":\"573000000000\",\"to\":\"573001112233\",\"messageId\":\"%s\",\"content\":"
#define BACK ",\"callbackData\":\"%s\""

/* The endpoint, and the content between what every message has. */
static void encodes(struct draft *d, const char *endpoint, const char *content)
{
    const struct wa_conf c = conf();
    char url[256], body[8192], echo[WA_ECHO_TEXT];
    struct wa_encoded out;

    assert_int_equal(encode(d, &c, &out), HILO_OK);
    wa_echo_write(the_id, echo);
    assert_string_equal(echo, THE_ECHO);
    snprintf(url, sizeof url, "https://acme.api.infobip.com/whatsapp/1/message/%s", endpoint);
    assert_string_equal(out.url, url);
    assert_true(out.echoed);
    snprintf(body, sizeof body,
             strcmp(endpoint, "template") ? "{" ME "%s" BACK "}" : "{\"messages\":[{" ME "%s" BACK "}]}",
             echo, content, echo);
    assert_string_equal(out.body, body);
    wa_encoded_done(&out);
}

static void refuses(struct draft *d, const char *word)
{
    const struct wa_conf c = conf();
    struct wa_encoded out;

    assert_int_equal(encode(d, &c, &out), HILO_INVALID);
    assert_non_null(strstr(out.why, word));
    assert_null(out.body);
    wa_encoded_done(&out);
}

static void test_each_content_goes_to_its_endpoint(void **state)
{
    struct draft d;
    unsigned i;
    static const struct {
        uint64_t kind;
        const char *endpoint;
    } plain[] = {{HILO_MEDIA_AUDIO, "audio"}, {HILO_MEDIA_VOICE, "audio"}, {HILO_MEDIA_STICKER, "sticker"}};

    (void)state;
    draft_begin(&d, HILO_CONTENT_TEXT);
    put(&d, HILO_T_CONTENT_TEXT, "¿Hola \"Ana\"?");
    encodes(&d, "text", "{\"text\":\"¿Hola \\\"Ana\\\"?\"}");
    draft_begin(&d, HILO_CONTENT_MEDIA);
    hilo_put_u64(&d.w, HILO_T_CONTENT_KIND, HILO_MEDIA_IMAGE);
    put(&d, HILO_T_CONTENT_URL, "https://x/a.jpg");
    put(&d, HILO_T_CONTENT_CAPTION, "c");
    encodes(&d, "image", "{\"mediaUrl\":\"https://x/a.jpg\",\"caption\":\"c\"}");
    draft_begin(&d, HILO_CONTENT_MEDIA);
    hilo_put_u64(&d.w, HILO_T_CONTENT_KIND, HILO_MEDIA_DOCUMENT);
    put(&d, HILO_T_CONTENT_URL, "https://x/a.pdf");
    put(&d, HILO_T_CONTENT_FILENAME, "boleta.pdf");
    encodes(&d, "document", "{\"mediaUrl\":\"https://x/a.pdf\",\"filename\":\"boleta.pdf\"}");
    for (i = 0; i < sizeof plain / sizeof *plain; i++) {
        draft_begin(&d, HILO_CONTENT_MEDIA);
        hilo_put_u64(&d.w, HILO_T_CONTENT_KIND, plain[i].kind);
        put(&d, HILO_T_CONTENT_URL, "https://x/a");
        encodes(&d, plain[i].endpoint, "{\"mediaUrl\":\"https://x/a\"}");
    }
    draft_begin(&d, HILO_CONTENT_LOCATION);
    hilo_put_f64(&d.w, HILO_T_CONTENT_LATITUDE, -33.4);
    hilo_put_f64(&d.w, HILO_T_CONTENT_LONGITUDE, -70.66);
    put(&d, HILO_T_CONTENT_NAME, "Tienda");
    encodes(&d, "location", "{\"latitude\":-33.4,\"longitude\":-70.66,\"name\":\"Tienda\"}");
    draft_begin(&d, HILO_CONTENT_CONTACTS);
    hilo_open(&d.w, HILO_T_CONTENT_CONTACTS);
    put(&d, HILO_T_CONTACT_NAME, "Lucía Gómez");
    put(&d, HILO_T_CONTACT_ORGANIZATION, "X");
    hilo_open(&d.w, HILO_T_CONTACT_PHONES);
    put(&d, HILO_T_PHONE_NUMBER, "+57 1");
    put(&d, HILO_T_PHONE_LABEL, "Mobile");
    hilo_close(&d.w);
    hilo_open(&d.w, HILO_T_CONTACT_PHONES);
    put(&d, HILO_T_PHONE_NUMBER, "2");
    put(&d, HILO_T_PHONE_LABEL, "boat");
    hilo_close(&d.w);
    hilo_close(&d.w);
    encodes(&d, "contact",
            "{\"contacts\":[{\"name\":{\"firstName\":\"Lucía Gómez\",\"formattedName\":\"Lucía Gómez\"},"
            "\"org\":{\"company\":\"X\"},\"phones\":[{\"phone\":\"+57 "
            "1\",\"type\":\"CELL\"},{\"phone\":\"2\"}]}]}");
}

static void test_choices_are_buttons_or_a_list(void **state)
{
    struct draft d;

    (void)state;
    draft_begin(&d, HILO_CONTENT_CHOICES);
    put(&d, HILO_T_CONTENT_TEXT, "¿Cambio?");
    put(&d, HILO_T_CONTENT_HEADER, "H");
    put(&d, HILO_T_CONTENT_FOOTER, "F");
    choice(&d, "si", "Sí", NULL, NULL);
    choice(&d, "no", "No", NULL, NULL);
    encodes(&d, "interactive/buttons",
            "{\"body\":{\"text\":\"¿Cambio?\"},\"header\":{\"type\":\"TEXT\",\"text\":\"H\"},\"footer\":{"
            "\"text\":\"F\"},"
            "\"action\":{\"buttons\":[{\"type\":\"REPLY\",\"id\":\"si\",\"title\":\"Sí\"},"
            "{\"type\":\"REPLY\",\"id\":\"no\",\"title\":\"No\"}]}}");
    draft_begin(&d, HILO_CONTENT_CHOICES);
    put(&d, HILO_T_CONTENT_TEXT, "¿Cuál?");
    put(&d, HILO_T_CONTENT_BUTTON, "Ver");
    choice(&d, "1", "Uno", "el primero", NULL);
    choice(&d, "2", "Dos", NULL, "Otros");
    encodes(&d, "interactive/list",
            "{\"body\":{\"text\":\"¿Cuál?\"},\"action\":{\"title\":\"Ver\",\"sections\":[{\"rows\":[{\"id\":"
            "\"1\","
            "\"title\":\"Uno\",\"description\":\"el "
            "primero\"}],\"title\":\"Ver\"},{\"title\":\"Otros\",\"rows\":["
            "{\"id\":\"2\",\"title\":\"Dos\"}]}]}}");
    draft_begin(&d, HILO_CONTENT_CHOICES);
    put(&d, HILO_T_CONTENT_TEXT, "?");
    refuses(&d, "at least one choice");
}

static void test_links_and_forms(void **state)
{
    const struct wa_conf c = conf();
    struct wa_encoded out;
    struct draft d;

    (void)state;
    draft_begin(&d, HILO_CONTENT_LINK);
    put(&d, HILO_T_CONTENT_TEXT, "Pague aquí");
    put(&d, HILO_T_CONTENT_BUTTON, "Pagar");
    put(&d, HILO_T_CONTENT_URL, "https://x/p");
    encodes(&d, "interactive/url-button",
            "{\"body\":{\"text\":\"Pague "
            "aquí\"},\"action\":{\"displayText\":\"Pagar\",\"url\":\"https://x/p\"}}");
    draft_begin(&d, HILO_CONTENT_FORM);
    put(&d, HILO_T_CONTENT_TEXT, "Llene");
    put(&d, HILO_T_CONTENT_BUTTON, "Abrir");
    put(&d, HILO_T_CONTENT_NAME, "98E8");
    put(&d, HILO_T_CONTENT_SCREEN, "UNO");
    put(&d, HILO_T_CONTENT_DATA, "{\"a\":1}");
    assert_int_equal(encode(&d, &c, &out), HILO_OK);
    assert_non_null(strstr(out.url, "/interactive/flow"));
    assert_non_null(strstr(out.body,
                           "\"flowId\":\"98E8\",\"callToActionButton\":\"Abrir\",\"flowAction\":"
                           "\"NAVIGATE\",\"flowActionPayload\":{\"screen\":\"UNO\",\"data\":{\"a\":1}}"));
    assert_non_null(strstr(out.body, "\"flowToken\":\"msg_"));
    wa_encoded_done(&out);
    draft_begin(&d, HILO_CONTENT_FORM);
    put(&d, HILO_T_CONTENT_TEXT, "Llene");
    put(&d, HILO_T_CONTENT_BUTTON, "Abrir");
    put(&d, HILO_T_CONTENT_NAME, "98E8");
    put(&d, HILO_T_CONTENT_DATA, "{\"a\":1");
    refuses(&d, "one JSON object");
}

static void param_put(struct draft *d, uint32_t tag, uint64_t type, const char *text, const char *url)
{
    hilo_open(&d->w, tag);
    if (type)
        hilo_put_u64(&d->w, HILO_T_PARAM_TYPE, type);
    if (text)
        put(d, HILO_T_PARAM_TEXT, text);
    if (url)
        put(d, HILO_T_PARAM_URL, url);
    hilo_close(&d->w);
}

static void template_button_put(struct draft *d, uint64_t type, uint64_t index, const char *text)
{
    hilo_open(&d->w, HILO_T_PARAMS_BUTTONS);
    hilo_put_u64(&d->w, HILO_T_BUTTON_TYPE, type);
    hilo_put_u64(&d->w, HILO_T_BUTTON_INDEX, index);
    put(d, HILO_T_BUTTON_TEXT, text);
    hilo_close(&d->w);
}

static void template_begin(struct draft *d)
{
    draft_begin(d, HILO_CONTENT_TEMPLATE);
    put(d, HILO_T_CONTENT_NAME, "aviso");
    put(d, HILO_T_CONTENT_LANGUAGE, "es");
    hilo_open(&d->w, HILO_T_CONTENT_PARAMETERS);
}

static void test_templates(void **state)
{
    struct draft d;

    (void)state;
    template_begin(&d);
    hilo_close(&d.w);
    encodes(
        &d, "template",
        "{\"templateName\":\"aviso\",\"templateData\":{\"body\":{\"placeholders\":[]}},\"language\":\"es\"}");
    template_begin(&d);
    param_put(&d, HILO_T_PARAMS_HEADER, HILO_PARAM_DOCUMENT, NULL, "https://x/b.pdf");
    param_put(&d, HILO_T_PARAMS_BODY, 0, "Ana", NULL);
    param_put(&d, HILO_T_PARAMS_BODY, HILO_PARAM_CURRENCY, "$100", NULL);
    template_button_put(&d, HILO_BUTTON_URL, 1, "ruta");
    template_button_put(&d, HILO_BUTTON_QUICK_REPLY, 0, "PAGAR");
    hilo_close(&d.w);
    encodes(&d, "template",
            "{\"templateName\":\"aviso\",\"templateData\":{\"body\":{\"placeholders\":[\"Ana\",\"$100\"]},"
            "\"header\":{"
            "\"type\":\"DOCUMENT\",\"mediaUrl\":\"https://x/"
            "b.pdf\",\"filename\":\"document.pdf\"},\"buttons\":[{\"type\":"
            "\"QUICK_REPLY\",\"parameter\":\"PAGAR\"},{\"type\":\"URL\",\"parameter\":\"ruta\"}]},"
            "\"language\":\"es\"}");
    template_begin(&d);
    param_put(&d, HILO_T_PARAMS_HEADER, 0, "H", NULL);
    hilo_close(&d.w);
    encodes(&d, "template",
            "{\"templateName\":\"aviso\",\"templateData\":{\"body\":{\"placeholders\":[]},\"header\":{"
            "\"type\":\"TEXT\","
            "\"placeholder\":\"H\"}},\"language\":\"es\"}");
    template_begin(&d);
    param_put(&d, HILO_T_PARAMS_BODY, HILO_PARAM_IMAGE, NULL, "https://x");
    hilo_close(&d.w);
    refuses(&d, "body is no text");
    template_begin(&d);
    template_button_put(&d, HILO_BUTTON_URL, 1, "a");
    template_button_put(&d, HILO_BUTTON_URL, 1, "b");
    hilo_close(&d.w);
    refuses(&d, "same index");
}

static void test_what_infobip_has_not_is_refused_in_words(void **state)
{
    static const struct hilo_id media = {{9}};
    struct draft d;

    (void)state;
    draft_begin(&d, HILO_CONTENT_MEDIA);
    hilo_put_u64(&d.w, HILO_T_CONTENT_KIND, HILO_MEDIA_IMAGE);
    hilo_put_id(&d.w, HILO_T_CONTENT_MEDIA, media);
    refuses(&d, "http.public_url");
    draft_begin(&d, HILO_CONTENT_REACTION);
    put(&d, HILO_T_CONTENT_EMOJI, "👍");
    refuses(&d, "no reactions");
    draft_begin(&d, HILO_CONTENT_TEXT);
    put(&d, HILO_T_CONTENT_TEXT, "");
    refuses(&d, "empty");
    draft_begin(&d, HILO_CONTENT_MEDIA);
    hilo_put_u64(&d.w, HILO_T_CONTENT_KIND, HILO_MEDIA_AUDIO);
    put(&d, HILO_T_CONTENT_URL, "https://x");
    put(&d, HILO_T_CONTENT_CAPTION, "c");
    refuses(&d, "caption");
}

static void test_quotes_previews_and_signals(void **state)
{
    struct wa_conf c = conf();
    struct wa_encoded out;
    struct draft d;

    (void)state;
    c.preview_url = 1;
    c.notify_url = str("https://gw/hooks/wa/s");
    draft_begin(&d, HILO_CONTENT_TEXT);
    put(&d, HILO_T_CONTENT_TEXT, "mire https://x");
    hilo_close(&d.w);
    put(&d, HILO_T_MSG_REPLY_EXT, "wamid.Q");
    assert_int_equal(encode(&d, &c, &out), HILO_OK);
    assert_non_null(strstr(out.body, "{\"text\":\"mire https://x\",\"previewUrl\":true}"));
    assert_non_null(strstr(
        out.body, "\"notifyUrl\":\"https://gw/hooks/wa/s\",\"context\":{\"replyToMessageId\":\"wamid.Q\"}}"));
    wa_encoded_done(&out);
    draft_begin(&d, HILO_CONTENT_TEXT); /* a preview of nothing would be refused */
    put(&d, HILO_T_CONTENT_TEXT, "nada");
    assert_int_equal(encode(&d, &c, &out), HILO_OK);
    assert_null(strstr(out.body, "previewUrl"));
    wa_encoded_done(&out);
    draft_begin(&d, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&d.w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_MARK_READ);
    hilo_close(&d.w);
    put(&d, HILO_T_MSG_REPLY_EXT, "wamid.a/b=");
    assert_int_equal(encode(&d, &c, &out), HILO_OK);
    assert_string_equal(out.url, "https://acme.api.infobip.com/whatsapp/1/senders/573000000000/message/"
                                 "wamid.a%2Fb%3D/read");
    assert_string_equal(out.body, "");
    assert_false(out.echoed);
    wa_encoded_done(&out);
    draft_begin(&d, HILO_CONTENT_SYSTEM);
    hilo_put_u64(&d.w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_TYPING);
    assert_int_equal(encode(&d, &c, &out), HILO_OK);
    assert_string_equal(out.url, "https://acme.api.infobip.com/whatsapp/1/events");
    assert_string_equal(
        out.body, "{\"events\":[{\"sender\":\"573000000000\",\"destinations\":[{\"to\":\"573001112233\"}],"
                  "\"content\":{\"type\":\"TYPING_INDICATOR\"}}]}");
    assert_false(out.echoed);
    wa_encoded_done(&out);
}

/* ---- answers ------------------------------------------------------------------------------ */

#define OLD(id, text)                                                                                        \
    "{\"requestError\":{\"serviceException\":{\"messageId\":\"" id "\",\"text\":\"" text "\"}}}"
#define NEW(id, text)                                                                                        \
    "{\"errorCode\":\"" id "\",\"description\":\"" text                                                      \
    "\",\"action\":\"x\",\"violations\":[],\"resources\":[]}"
#define STATUS(group, id)                                                                                    \
    "{\"to\":\"573001112233\",\"messageCount\":1,\"messageId\":\"msg_1\",\"status\":{\"groupId\":" group     \
    ",\"groupName\":\"G\",\"id\":" id ",\"name\":\"NAME\",\"description\":\"words\"}}"

static void test_answers_mean_what_they_say(void **state)
{
    static const struct {
        uint32_t status;
        const char *body, *retry_after;
        int32_t code;
        const char *reason, *provider_code;
        int64_t retry_us;
    } row[] = {
        {200, STATUS("1", "26"), NULL, HILO_OK, "", "", 0},
        {200, STATUS("0", "1"), NULL, HILO_OK, "", "", 0},
        {200, STATUS("3", "5"), NULL, HILO_OK, "", "", 0},
        {200, "{\"messages\":[" STATUS("1", "7") "],\"bulkId\":\"b\"}", NULL, HILO_OK, "", "", 0},
        {200, STATUS("5", "23"), NULL, HILO_OK, "", "", 0}, /* there since an earlier try */
        {200, STATUS("5", "12"), NULL, HILO_CONFIG, "billing", "NAME", 0},
        {200, STATUS("5", "20"), NULL, HILO_AGAIN, "pair_rate_limited", "NAME", 60000000},
        {200, STATUS("5", "21"), NULL, HILO_TEMP, "provider_error", "NAME", 0},
        {200, STATUS("5", "6"), NULL, HILO_PERM, "rejected", "NAME", 0},
        {200, STATUS("2", "9"), NULL, HILO_PERM, "undeliverable", "NAME", 0},
        {200, STATUS("4", "99"), NULL, HILO_PERM, "expired", "NAME", 0},
        {200, STATUS("77", "1"), NULL, HILO_PERM, "rejected", "NAME", 0},
        {200, "{}", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {200, "{\"messages\":[]}", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {200, "{\"messageId\":", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {200, "", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {429, OLD("TOO_MANY_REQUESTS", "x"), "7", HILO_AGAIN, "rate_limited", "TOO_MANY_REQUESTS", 7000000},
        {429, NEW("E429", "x"), NULL, HILO_AGAIN, "rate_limited", "E429", 1000000},
        {429, "", NULL, HILO_AGAIN, "rate_limited", "http 429", 1000000},
        {401, OLD("UNAUTHORIZED", "x"), NULL, HILO_CONFIG, "token_invalid", "UNAUTHORIZED", 0},
        {401, NEW("E401", "x"), NULL, HILO_CONFIG, "token_invalid", "E401", 0},
        {401, "", NULL, HILO_CONFIG, "token_invalid", "http 401", 0},
        {403, NEW("E403", "x"), NULL, HILO_CONFIG, "permission_denied", "E403", 0},
        {400, NEW("E400", "x"), NULL, HILO_PERM, "invalid_parameter", "E400", 0},
        {400, "<html>", NULL, HILO_PERM, "rejected", "http 400", 0},
        {404, NEW("E404", "x"), NULL, HILO_PERM, "not_found", "E404", 0},
        {500, OLD("GENERAL_ERROR", "x"), NULL, HILO_IN_DOUBT, "unclear_answer", "GENERAL_ERROR", 0},
        {502, "<html>", NULL, HILO_IN_DOUBT, "unclear_answer", "http 502", 0},
        {503, "", NULL, HILO_IN_DOUBT, "unclear_answer", "http 503", 0},
        {503, OLD("SERVICE_UNAVAILABLE", "x"), "3", HILO_TEMP, "provider_unavailable", "SERVICE_UNAVAILABLE",
         3000000},
        {302, "", NULL, HILO_CONFIG, "redirected", "http 302", 0},
    };
    struct wa_verdict v;
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        const struct hilo_kv header = {str("retry-after"), str(row[i].retry_after ? row[i].retry_after : "")};
        const struct hilo_http h = {.size = sizeof h,
                                    .status = row[i].status,
                                    .body = str(row[i].body),
                                    .header = &header,
                                    .n_header = row[i].retry_after != NULL};
        wa_infobip.answer(&h, true, &v);
        if (v.code != row[i].code || strcmp(v.reason, row[i].reason) ||
            strcmp(v.provider_code, row[i].provider_code) || v.retry_after_us != row[i].retry_us)
            fail_msg("row %u: %d %s %s %lld", i, v.code, v.reason, v.provider_code,
                     (long long)v.retry_after_us);
        assert_string_equal(v.ext_id, v.code == HILO_OK ? "msg_1" : "");
    }
}

static void test_violations_are_told_and_a_wrong_sender_stops(void **state)
{
    static const struct {
        const char *body;
        int32_t code;
        const char *detail;
    } row[] = {
        {"{\"requestError\":{\"serviceException\":{\"messageId\":\"BAD_REQUEST\",\"text\":\"Bad request\","
         "\"validationErrors\":{\"content.text\":[\"must not be blank\",\"x\"]}}}}",
         HILO_PERM, "Bad request: content.text: must not be blank"},
        {"{\"errorCode\":\"E400\",\"description\":\"No\",\"violations\":[{\"property\":\"to\",\"violation\":"
         "\"573001112233 is "
         "none\"}]}",
         HILO_PERM, "No: to: # is none"},
        {"{\"requestError\":{\"serviceException\":{\"messageId\":\"BAD_REQUEST\",\"text\":\"t\","
         "\"validationErrors\":{"
         "\"messages[0].from\":[\"not registered\"]}}}}",
         HILO_CONFIG, "t: messages[0].from: not registered"},
        {"{\"errorCode\":\"E400\",\"description\":\"No\",\"violations\":[{\"property\":\"from\","
         "\"violation\":\"none\"}]}",
         HILO_CONFIG, "No: from: none"},
        {"{\"error\":\"Message cannot be read\"}", HILO_PERM, "Message cannot be read"},
    };
    struct wa_verdict v;
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        const struct hilo_http h = {.size = sizeof h, .status = 400, .body = str(row[i].body)};
        wa_infobip.judge(&h, &v);
        assert_int_equal(v.code, row[i].code);
        assert_string_equal(v.detail, row[i].detail);
    }
}

static void test_signals_need_no_words(void **state)
{
    const struct hilo_http ok = {.size = sizeof ok, .status = 204}, no = {.size = sizeof no, .status = 404},
                           busy = {.size = sizeof busy, .status = 429};
    struct wa_verdict v;

    (void)state;
    wa_infobip.answer(&ok, false, &v);
    assert_int_equal(v.code, HILO_OK);
    wa_infobip.answer(&no, false, &v);
    assert_int_equal(v.code, HILO_PERM);
    wa_infobip.answer(&busy, false, &v); /* signals have a limit of their own: messages go on */
    assert_int_equal(v.code, HILO_AGAIN);
    assert_int_equal(v.scope, WA_SCOPE_MESSAGE);
    wa_infobip.answer(&busy, true, &v);
    assert_int_equal(v.scope, WA_SCOPE_ACCOUNT);
}

/* ---- webhooks ------------------------------------------------------------------------------ */

static int32_t ib_body(struct got *g, const char *body)
{
    const struct wa_ib_account account = {str("573000000000"), str("WABA")};
    const struct wa_sink sink = {g, got_message, got_note, got_template};
    size_t n = strlen(body);
    char *exact = malloc(n ? n : 1); /* so that ASan sees any read beyond the end */
    int32_t rc;

    assert_non_null(exact);
    memcpy(exact, body, n);
    rc = wa_ib_read((struct hilo_str){exact, n}, &account, &sink);
    free(exact);
    return rc;
}

/* One inbound message of Ana's, with this object; more: members beside it. */
static struct hilo_str ib_one(struct got *g, const char *message, const char *more)
{
    char body[8192];

    got_free(g);
    snprintf(
        body, sizeof body,
        "{\"results\":[{\"from\":\"573001112233\",\"to\":\"573000000000\",\"integrationType\":\"WHATSAPP\","
        "\"receivedAt\":\"2026-01-02T03:04:05.678+0000\",\"messageId\":\"wamid.A\",\"callbackData\":\"k\","
        "\"message\":%s,"
        "\"price\":{\"pricePerMessage\":0,\"currency\":\"EUR\"},\"contact\":{\"name\":\"Ana\"}%s}],"
        "\"messageCount\":1,"
        "\"pendingMessageCount\":0}",
        message, more);
    assert_int_equal(ib_body(g, body), HILO_OK);
    assert_int_equal(g->n, 1);
    return g->message[0];
}

static void is(struct hilo_str group, uint32_t tag, const char *text)
{
    struct hilo_str s = hilo_get_str(group, tag);

    if (s.n != strlen(text) || (s.n && memcmp(s.p, text, s.n) != 0))
        fail_msg("expected \"%s\", it is \"%.*s\"", text, (int)s.n, s.n ? s.p : "");
}

static void test_a_text_with_all_that_comes_with_it(void **state)
{
    struct got g = {0};
    struct hilo_str m = ib_one(
                        &g,
                        "{\"type\":\"TEXT\",\"text\":\"hola\",\"context\":{\"from\":\"573000000000\",\"id\":"
                        "\"msg_1\",\"referredProduct\":"
                        "{\"catalogId\":\"C\",\"productRetailerId\":\"sku\"}},\"referral\":{\"sourceType\":"
                        "\"AD\",\"sourceUrl\":\"https://fb\","
                        "\"headline\":\"H\",\"referralMedia\":{\"type\":\"IMAGE\",\"url\":\"https://"
                        "i\"},\"ctwaClickId\":\"click\"}}",
                        ",\"identity\":{\"hash\":\"h\"},\"keyword\":\"HOLA\",\"pairedMessageId\":\"msg_9\""),
                    party, referral;

    (void)state;
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_INBOUND);
    is(m, HILO_T_MSG_EXT_ID, "wamid.A");
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_TIME), UINT64_C(1767323045678000));
    is(m, HILO_T_MSG_PARTY_NAME, "Ana");
    is(m, HILO_T_MSG_REPLY_EXT, "msg_1");
    assert_true(hilo_find(m, HILO_T_MSG_PARTY, &party));
    is(party, HILO_T_IDENT_VALUE, "+573001112233");
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_TEXT);
    is(hilo_content(m), HILO_T_CONTENT_TEXT, "hola");
    is(hilo_get_str(m, HILO_T_MSG_PRODUCT), HILO_T_PRODUCT_SKU, "sku");
    referral = hilo_get_str(m, HILO_T_MSG_REFERRAL);
    is(referral, HILO_T_REFERRAL_SOURCE_TYPE, "AD");
    is(referral, HILO_T_REFERRAL_MEDIA_URL, "https://i");
    is(referral, HILO_T_REFERRAL_CLICK_ID, "click");
    assert_int_equal(hilo_get_u64(referral, HILO_T_REFERRAL_KIND), HILO_MEDIA_IMAGE);
    is(m, HILO_T_MSG_EXTRA, "{\"identity\":{\"hash\":\"h\"},\"keyword\":\"HOLA\"}");
    got_free(&g);
}

static void test_each_inbound_type(void **state)
{
    static const struct {
        const char *message;
        uint64_t type, kind;
        uint32_t tag;
        const char *text;
    } row[] = {
        {"{\"type\":\"IMAGE\",\"url\":\"https://b/m\",\"caption\":\"c\"}", HILO_CONTENT_MEDIA,
         HILO_MEDIA_IMAGE, HILO_T_CONTENT_CAPTION, "c"},
        {"{\"type\":\"DOCUMENT\",\"url\":\"https://b/m\"}", HILO_CONTENT_MEDIA, HILO_MEDIA_DOCUMENT,
         HILO_T_CONTENT_EXT_MEDIA, "https://b/m"},
        {"{\"type\":\"VIDEO\",\"url\":\"u\"}", HILO_CONTENT_MEDIA, HILO_MEDIA_VIDEO, HILO_T_CONTENT_EXT_MEDIA,
         "u"},
        {"{\"type\":\"AUDIO\",\"url\":\"u\"}", HILO_CONTENT_MEDIA, HILO_MEDIA_AUDIO, HILO_T_CONTENT_EXT_MEDIA,
         "u"},
        {"{\"type\":\"VOICE\",\"url\":\"u\"}", HILO_CONTENT_MEDIA, HILO_MEDIA_VOICE, HILO_T_CONTENT_EXT_MEDIA,
         "u"},
        {"{\"type\":\"STICKER\",\"url\":\"u\"}", HILO_CONTENT_MEDIA, HILO_MEDIA_STICKER,
         HILO_T_CONTENT_EXT_MEDIA, "u"},
        {"{\"type\":\"LOCATION\",\"latitude\":-33.4,\"longitude\":-70,\"name\":\"T\"}", HILO_CONTENT_LOCATION,
         0, HILO_T_CONTENT_NAME, "T"},
        {"{\"type\":\"BUTTON\",\"text\":\"Baja\",\"payload\":\"STOP\"}", HILO_CONTENT_CHOICE_REPLY, 0,
         HILO_T_CONTENT_CHOICE, "STOP"},
        {"{\"type\":\"BUTTON\",\"text\":\"Baja\"}", HILO_CONTENT_CHOICE_REPLY, 0, HILO_T_CONTENT_CHOICE,
         "Baja"},
        {"{\"type\":\"INTERACTIVE_BUTTON_REPLY\",\"id\":\"si\",\"title\":\"Sí\"}", HILO_CONTENT_CHOICE_REPLY,
         0, HILO_T_CONTENT_CHOICE, "si"},
        {"{\"type\":\"INTERACTIVE_LIST_REPLY\",\"id\":\"r\",\"title\":\"R\",\"description\":\"D\"}",
         HILO_CONTENT_CHOICE_REPLY, 0, HILO_T_CONTENT_DESCRIPTION, "D"},
        {"{\"type\":\"INTERACTIVE_FLOW_REPLY\",\"text\":\"Sent\",\"response\":{\"a\":1}}",
         HILO_CONTENT_CHOICE_REPLY, 0, HILO_T_CONTENT_DATA, "{\"a\":1}"},
        {"{\"type\":\"ORDER\",\"catalogId\":\"C\",\"text\":\"t\",\"productItems\":[{\"productRetailerId\":"
         "\"s\",\"quantity\":2,"
         "\"itemPrice\":1.5,\"currency\":\"EUR\"}]}",
         HILO_CONTENT_ORDER, 0, HILO_T_CONTENT_CATALOG, "C"},
        {"{\"type\":\"REACTION\",\"emoji\":\"👍\",\"action\":\"ADDED\",\"context\":{\"id\":\"msg_1\",\"from\":"
         "\"x\"}}",
         HILO_CONTENT_REACTION, 0, HILO_T_CONTENT_EMOJI, "👍"},
        {"{\"type\":\"REACTION\",\"emoji\":\"👍\",\"action\":\"REMOVED\",\"context\":{\"id\":\"msg_1\"}}",
         HILO_CONTENT_REACTION, 0, HILO_T_CONTENT_EMOJI, ""},
        {"{\"type\":\"INFECTED_CONTENT\",\"malware\":\"x\"}", HILO_CONTENT_UNSUPPORTED, 0,
         HILO_T_CONTENT_RAW_TYPE, "INFECTED_CONTENT"},
        {"{\"type\":\"UNSUPPORTED\"}", HILO_CONTENT_UNSUPPORTED, 0, HILO_T_CONTENT_RAW,
         "{\"type\":\"UNSUPPORTED\"}"},
        {"{\"type\":\"INTERACTIVE_PAYMENT_CONFIRMATION\",\"a\":1}", HILO_CONTENT_UNSUPPORTED, 0,
         HILO_T_CONTENT_RAW, "{\"type\":\"INTERACTIVE_PAYMENT_CONFIRMATION\",\"a\":1}"},
        {"{\"type\":\"TEXT\"}", HILO_CONTENT_UNSUPPORTED, 0, HILO_T_CONTENT_RAW, "{\"type\":\"TEXT\"}"},
        {"{\"type\":\"REACTION\",\"emoji\":\"x\"}", HILO_CONTENT_UNSUPPORTED, 0, HILO_T_CONTENT_RAW_TYPE,
         "REACTION"},
        {"{\"type\":5}", HILO_CONTENT_UNSUPPORTED, 0, HILO_T_CONTENT_RAW, "{\"type\":5}"},
        {"{}", HILO_CONTENT_UNSUPPORTED, 0, HILO_T_CONTENT_RAW, "{}"},
    };
    struct got g = {0};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct hilo_str m = ib_one(&g, row[i].message, ""), c = hilo_content(m);
        if (hilo_content_type(m) != row[i].type)
            fail_msg("row %u is of type %u", i, hilo_content_type(m));
        assert_int_equal(hilo_get_u64(c, HILO_T_CONTENT_KIND), row[i].kind);
        is(c, row[i].tag, row[i].text);
        is(m, HILO_T_MSG_EXTRA, "");
    }
    got_free(&g);
}

static void test_contacts_keep_what_has_no_field(void **state)
{
    struct got g = {0};
    struct hilo_str
        m = ib_one(
            &g,
            "{\"type\":\"CONTACT\",\"contacts\":[{\"name\":{\"formattedName\":\"L G\",\"firstName\":\"L\"},"
            "\"org\":{\"company\":\"X\"},\"phones\":[{\"phone\":\"+1\",\"type\":\"CELL\",\"waId\":\"1\"}]}]}",
            ""),
        c = hilo_get_str(hilo_content(m), HILO_T_CONTENT_CONTACTS);

    (void)state;
    is(c, HILO_T_CONTACT_NAME, "L G");
    is(c, HILO_T_CONTACT_ORGANIZATION, "X");
    is(hilo_get_str(c, HILO_T_CONTACT_PHONES), HILO_T_PHONE_WHATSAPP, "1");
    is(m, HILO_T_MSG_EXTRA, "");
    m = ib_one(&g,
               "{\"type\":\"CONTACT\",\"contacts\":[{\"name\":{\"formattedName\":\"A\"},\"birthday\":"
               "\"2000-01-01\"}]}",
               "");
    is(m, HILO_T_MSG_EXTRA,
       "{\"message\":{\"type\":\"CONTACT\",\"contacts\":[{\"name\":{\"formattedName\":\"A\"},\"birthday\":"
       "\"2000-01-01\"}]}}");
    got_free(&g);
}

static void test_a_tap_answers_what_it_is_paired_with(void **state)
{
    struct got g = {0};
    struct hilo_str m;

    (void)state;
    m = ib_one(&g, "{\"type\":\"INTERACTIVE_BUTTON_REPLY\",\"id\":\"1\",\"title\":\"t\"}",
               ",\"pairedMessageId\":\"msg_9\"");
    is(m, HILO_T_MSG_REPLY_EXT, "msg_9");
    m = ib_one(
        &g,
        "{\"type\":\"INTERACTIVE_BUTTON_REPLY\",\"id\":\"1\",\"title\":\"t\",\"context\":{\"id\":\"msg_1\"}}",
        ",\"pairedMessageId\":\"msg_9\"");
    is(m, HILO_T_MSG_REPLY_EXT, "msg_1");
    m = ib_one(&g, "{\"type\":\"TEXT\",\"text\":\"t\"}", ",\"pairedMessageId\":\"msg_9\"");
    is(m, HILO_T_MSG_REPLY_EXT, "");
    got_free(&g);
}

static void test_user_ids_come_before_phones(void **state)
{
    struct got g = {0};
    struct hilo_str party;

    (void)state;
    assert_int_equal(
        ib_body(
            &g,
            "{\"results\":[{\"from\":\"CO.1502\",\"to\":\"+573000000000\",\"messageId\":\"w\",\"message\":{"
            "\"type\":\"TEXT\",\"text\":\"t\"},\"contact\":{\"name\":\"A\",\"userId\":\"CO.1502\","
            "\"phoneNumber\":"
            "\"573001112233\",\"username\":\"ana\"}}]}"),
        HILO_OK);
    assert_int_equal(g.n, 1);
    assert_true(hilo_find(g.message[0], HILO_T_MSG_PARTY, &party));
    assert_int_equal(hilo_get_u64(party, HILO_T_IDENT_SCHEME), HILO_SCHEME_WHATSAPP);
    is(party, HILO_T_IDENT_VALUE, "CO.1502");
    is(party, HILO_T_IDENT_SCOPE, "WABA");
    assert_non_null(memmem(g.message[0].p, g.message[0].n, "+573001112233", 13));
    is(g.message[0], HILO_T_MSG_EXTRA,
       "{\"contact\":{\"name\":\"A\",\"userId\":\"CO.1502\",\"phoneNumber\":\"573001112233\",\"username\":"
       "\"ana\"}}");
    got_free(&g);
}

#define REPORT(group, id, error, callback)                                                                   \
    "{\"results\":[{\"bulkId\":\"\",\"price\":{\"pricePerMessage\":0.01,\"currency\":\"EUR\"},\"status\":{"  \
    "\"groupId\":" group ",\"id\":" id                                                                       \
    ",\"name\":\"STATUS_NAME\",\"description\":\"status words\"},\"error\":" error                           \
    ",\"messageId\":\"" THE_ECHO                                                                             \
    "\",\"doneAt\":\"2026-01-02T03:04:05.678+0000\",\"to\":\"573001112233\",\"callbackData\":\"" callback    \
    "\"}]}"
#define ERROR_OF(id, permanent)                                                                              \
    "{\"groupId\":1,\"id\":" id                                                                              \
    ",\"name\":\"EC_NAME\",\"description\":\"error words\",\"permanent\":" permanent "}"
#define NONE ERROR_OF("0", "false")

static void test_reports_go_by_their_group(void **state)
{
    static const struct {
        const char *body;
        uint64_t status;
        const char *reason, *code;
        unsigned stop;
    } row[] = {
        {REPORT("0", "1", NONE, THE_ECHO), HILO_STATUS_SENT, "", "", 0},
        {REPORT("1", "26", NONE, "another's"), HILO_STATUS_SENT, "", "", 0},
        {REPORT("3", "5", NONE, THE_ECHO), HILO_STATUS_DELIVERED, "", "", 0},
        {REPORT("3", "2", NONE, "another's"), HILO_STATUS_SENT, "", "",
         0}, /* the network has it, nobody else */
        {REPORT("2", "9", ERROR_OF("7002", "true"), THE_ECHO), HILO_STATUS_FAILED, "undeliverable", "EC_NAME",
         0},
        {REPORT("2", "9", ERROR_OF("7010", "true"), "another's"), HILO_STATUS_FAILED, "window_closed",
         "EC_NAME", 0},
        {REPORT("2", "9", ERROR_OF("7050", "false"), THE_ECHO), HILO_STATUS_FAILED, "provider_error",
         "EC_NAME", 0},
        {REPORT("2", "9", ERROR_OF("7080", "true"), "another's"), HILO_STATUS_FAILED, "undeliverable",
         "EC_NAME", 0},
        {REPORT("4", "15", NONE, THE_ECHO), HILO_STATUS_FAILED, "expired", "STATUS_NAME", 0},
        {REPORT("5", "14", NONE, "another's"), HILO_STATUS_FAILED, "recipient_blocked", "STATUS_NAME", 0},
        {REPORT("5", "99", NONE, THE_ECHO), HILO_STATUS_FAILED, "rejected", "STATUS_NAME", 0},
        {REPORT("5", "12", NONE, "another's"), HILO_STATUS_FAILED, "billing", "STATUS_NAME", 1},
        {REPORT("2", "9", ERROR_OF("7034", "true"), THE_ECHO), HILO_STATUS_FAILED, "registration", "EC_NAME",
         1},
    };
    struct got g = {0};
    struct hilo_id got_id;
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct hilo_str m, r;
        got_free(&g);
        assert_int_equal(ib_body(&g, row[i].body), HILO_OK);
        assert_int_equal(g.n, 1);
        m = g.message[0];
        r = hilo_get_str(m, HILO_T_MSG_RECEIPT);
        assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_RECEIPT);
        is(m, HILO_T_MSG_EXT_ID, THE_ECHO);
        assert_int_equal(hilo_get_u64(m, HILO_T_MSG_TIME), UINT64_C(1767323045678000));
        if (hilo_get_u64(r, HILO_T_RECEIPT_STATUS) != row[i].status ||
            g.note[WA_NOTE_ACCOUNT_STOP] != row[i].stop)
            fail_msg("row %u", i);
        is(r, HILO_T_RECEIPT_REASON, row[i].reason);
        is(r, HILO_T_RECEIPT_CODE, row[i].code);
        got_id = hilo_get_id(r, HILO_T_RECEIPT_ECHO);
        assert_memory_equal(&got_id, &the_id, sizeof the_id);
        is(m, HILO_T_MSG_EXTRA, "{\"price\":{\"pricePerMessage\":0.01,\"currency\":\"EUR\"}}");
    }
    got_free(&g);
}

static void test_seen_is_read_and_many_come_at_once(void **state)
{
    struct got g = {0};

    (void)state;
    assert_int_equal(
        ib_body(
            &g,
            "{\"results\":[{\"messageId\":\"a\",\"from\":\"573001112233\",\"to\":\"573000000000\",\"sentAt\":"
            "\"2026-01-02T03:04:05.678+0000\",\"seenAt\":\"2026-01-02T03:04:06+01:00\"},{\"messageId\":\"b\","
            "\"seenAt\":\"2026-01-02T03:04:06Z\"},5,{\"messageId\":\"c\"},{\"seenAt\":\"x\"},{\"messageId\":"
            "\"d\","
            "\"status\":{\"groupId\":9,\"name\":\"NEW\"}}]}"),
        HILO_OK);
    assert_int_equal(g.n, 2);
    assert_int_equal(hilo_get_u64(hilo_get_str(g.message[0], HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_STATUS),
                     HILO_STATUS_READ);
    assert_int_equal(hilo_get_u64(g.message[0], HILO_T_MSG_TIME), UINT64_C(1767319446000000));
    is(g.message[1], HILO_T_MSG_EXT_ID, "b");
    assert_int_equal(g.note[WA_NOTE_MALFORMED], 3);
    assert_int_equal(g.note[WA_NOTE_STATUS], 1);
    got_free(&g);
}

static void test_other_bodies(void **state)
{
    struct got g = {0};
    char *large = malloc(1200000 + 200);
    int n;

    (void)state;
    assert_non_null(large);
    assert_int_equal(ib_body(&g, "[]"), HILO_INVALID);
    assert_int_equal(ib_body(&g, "{\"results\":"), HILO_INVALID);
    assert_int_equal(ib_body(&g, "{}"), HILO_OK);
    assert_int_equal(g.note[WA_NOTE_MALFORMED], 1);
    assert_int_equal(ib_body(&g, "{\"from\":\"1\",\"content\":{\"type\":\"user_identity_changed\"}}"),
                     HILO_OK);
    assert_string_equal(g.text, "user_identity_changed");
    assert_int_equal(ib_body(&g, "{\"results\":[{\"to\":\"99\",\"messageId\":\"w\",\"message\":{\"type\":"
                                 "\"TEXT\",\"text\":\"t\"}}]}"),
                     HILO_OK);
    assert_int_equal(g.note[WA_NOTE_FOREIGN], 1);
    assert_int_equal(g.n, 0);
    /* without an id, the same bytes make the same one */
    assert_int_equal(
        ib_body(&g,
                "{\"results\":[{\"from\":\"573001112233\",\"message\":{\"type\":\"TEXT\",\"text\":\"t\"}}]}"),
        HILO_OK);
    assert_int_equal(hilo_get_str(g.message[0], HILO_T_MSG_EXT_ID).n, 71);
    got_free(&g);
    g.stop_at = 1;
    assert_int_equal(ib_body(&g, "{\"results\":[{\"messageId\":\"a\",\"seenAt\":\"x\"}]}"), HILO_AGAIN);
    got_free(&g);
    n = sprintf(large, "{\"results\":[{\"from\":\"573001112233\",\"messageId\":\"w\",\"message\":{\"type\":"
                       "\"TEXT\",\"text\":\"");
    memset(large + n, 'x', 1200000);
    strcpy(large + n + 1200000, "\"}}]}");
    assert_int_equal(ib_body(&g, large), HILO_OK);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.note[WA_NOTE_TOO_LARGE], 1);
    assert_int_equal(hilo_content_type(g.message[0]), HILO_CONTENT_UNSUPPORTED);
    got_free(&g);
    free(large);
}

/* ---- templates ------------------------------------------------------------------------------- */

static void listed(void *arg, struct hilo_str group, struct hilo_str name, const char *why)
{
    struct got *g = arg;

    if (why)
        snprintf(g->text, sizeof g->text, "%.*s: %s", (int)name.n, name.n ? name.p : "", why);
    else
        got_template(g, group);
}

static void test_templates_are_listed(void **state)
{
    static const char body[] =
        "{\"templates\":[{\"id\":\"111\",\"businessAccountId\":222,\"name\":\"aviso\",\"language\":\"es\","
        "\"status\":"
        "\"APPROVED\",\"category\":\"UTILITY\",\"structure\":{\"header\":{\"format\":\"TEXT\",\"text\":"
        "\"Hola {{1}}\"},\"body\":{"
        "\"text\":\"debe {{2}} de "
        "{{1}}\"},\"footer\":{\"text\":\"F\"},\"buttons\":[{\"type\":\"QUICK_REPLY\",\"text\":\"Sí\"},{"
        "\"type\":\"URL\",\"text\":\"Ver\",\"url\":\"https://x/"
        "{{1}}\"},{\"type\":\"PHONE_NUMBER\",\"text\":\"T\",\"phoneNumber\":"
        "\"1\"}],\"type\":\"TEXT\"},\"quality\":\"HIGH\"},{\"name\":\"foto\",\"language\":\"en\",\"status\":"
        "\"FIRST_PAUSED\","
        "\"category\":\"MARKETING\",\"structure\":{\"header\":{\"format\":\"IMAGE\"},\"body\":{\"text\":"
        "\"x\"}}},{\"name\":"
        "\"clave\",\"language\":\"es\",\"status\":\"PENDING\",\"category\":\"AUTHENTICATION\",\"structure\":{"
        "\"body\":{"
        "\"addSecurityRecommendation\":true},\"buttons\":[{\"text\":\"Copiar\",\"otpType\":\"COPY_CODE\"}]}},"
        "{\"language\":\"es\"}]}";
    const struct hilo_http h = {.size = sizeof h, .status = 200, .body = str(body)},
                           none = {.size = sizeof none, .status = 200, .body = str("{\"data\":[]}")};
    const struct wa_conf c = conf();
    struct got g = {0};
    const struct wa_template_sink sink = {&g, listed};
    char after[16] = "x", url[WA_URL_MAX];
    struct hilo_str t, b;

    (void)state;
    assert_true(wa_infobip.templates_url(&c, "", url));
    assert_string_equal(url, "https://acme.api.infobip.com/whatsapp/2/senders/573000000000/templates");
    assert_true(wa_infobip.templates_read(&h, &sink, after, sizeof after));
    assert_string_equal(after, "");
    assert_int_equal(g.n_template, 3);
    assert_string_equal(g.text, ": it has no name or no language");
    t = g.template[0];
    is(t, HILO_T_TEMPLATE_NAME, "aviso");
    is(t, HILO_T_TEMPLATE_TEXT, "debe {{2}} de {{1}}");
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_APPROVED);
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_CATEGORY), HILO_CATEGORY_TRANSACTIONAL);
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_HEADER), HILO_PARAM_TEXT);
    assert_int_equal(nth(t, HILO_T_TEMPLATE_BODY_PARAMS, 1).n, 1);
    assert_int_equal(nth(t, HILO_T_TEMPLATE_BODY_PARAMS, 2).n, 0);
    b = nth(t, HILO_T_TEMPLATE_BUTTONS, 1);
    assert_int_equal(hilo_get_u64(b, HILO_T_TBUTTON_TYPE), HILO_BUTTON_URL);
    assert_int_equal(hilo_get_u64(b, HILO_T_TBUTTON_NEEDS), 1);
    assert_int_equal(hilo_get_u64(nth(t, HILO_T_TEMPLATE_BUTTONS, 2), HILO_T_TBUTTON_TYPE),
                     HILO_BUTTON_PHONE);
    t = g.template[1];
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_PAUSED);
    assert_int_equal(hilo_get_u64(t, HILO_T_TEMPLATE_HEADER), HILO_PARAM_IMAGE);
    t = g.template[2]; /* of a one-time password: the code in the text and behind the button */
    is(t, HILO_T_TEMPLATE_BODY_PARAMS, "1");
    b = hilo_get_str(t, HILO_T_TEMPLATE_BUTTONS);
    assert_int_equal(hilo_get_u64(b, HILO_T_TBUTTON_TYPE), HILO_BUTTON_URL);
    assert_int_equal(hilo_get_u64(b, HILO_T_TBUTTON_NEEDS), 1);
    assert_false(wa_infobip.templates_read(&none, &sink, after, sizeof after));
    got_free(&g);
}

static void test_a_template_changes(void **state)
{
    struct got g = {0};

    (void)state;
    assert_int_equal(ib_body(&g, "{\"messageTemplateId\":\"1\",\"messageTemplateName\":\"aviso\","
                                 "\"messageTemplateLanguage\":\"es\","
                                 "\"change\":{\"type\":\"TEMPLATE_STATUS_UPDATE\",\"newStatus\":\"REJECTED\","
                                 "\"reason\":\"SCAM\"}}"),
                     HILO_OK);
    assert_int_equal(g.n_template, 1);
    assert_int_equal(g.note[WA_NOTE_TEMPLATES], 1);
    is(g.template[0], HILO_T_TEMPLATE_NAME, "aviso");
    is(g.template[0], HILO_T_TEMPLATE_LANGUAGE, "es");
    is(g.template[0], HILO_T_TEMPLATE_REASON, "SCAM");
    assert_int_equal(hilo_get_u64(g.template[0], HILO_T_TEMPLATE_STATUS), HILO_TEMPLATE_REJECTED);
    got_free(&g);
    assert_int_equal(
        ib_body(&g, "{\"messageTemplateName\":\"a\",\"messageTemplateLanguage\":\"es\",\"change\":{\"type\":"
                    "\"TEMPLATE_QUALITY_UPDATE\",\"newQualityScore\":\"LOW\"}}"),
        HILO_OK);
    is(g.template[0], HILO_T_TEMPLATE_QUALITY, "LOW");
    got_free(&g);
}

/* ---- who posts, where the key goes, which options ---------------------------------------------- */

static enum wa_caller caller(const struct wa_conf *c, const char *url, const char *authorization)
{
    const struct hilo_kv header = {str("authorization"), str(authorization ? authorization : "")};
    const struct hilo_http h = {
        .size = sizeof h, .url = str(url), .header = &header, .n_header = authorization != NULL};

    return wa_infobip.caller(c, NULL, &h);
}

static void test_who_may_post(void **state)
{
    struct wa_conf c = conf();

    (void)state;
    assert_int_equal(caller(&c, "/0123456789abcdef", NULL), WA_CALLER_KNOWN);
    assert_int_equal(caller(&c, "/0123456789abcdef?x=1", NULL), WA_CALLER_KNOWN);
    assert_int_equal(caller(&c, "/0123456789abcdeF", NULL), WA_CALLER_LOST);
    assert_int_equal(caller(&c, "/0123456789abcdef/", NULL), WA_CALLER_LOST);
    assert_int_equal(caller(&c, "/", NULL), WA_CALLER_LOST);
    assert_int_equal(caller(&c, "", NULL), WA_CALLER_LOST);
    c.hook_user = str("hilo");
    c.hook_password = str("s3:cret");
    assert_int_equal(caller(&c, "/0123456789abcdef", NULL), WA_CALLER_UNKNOWN);
    assert_int_equal(caller(&c, "/0123456789abcdef", "Basic aGlsbzpzMzpjcmV0"), WA_CALLER_KNOWN);
    assert_int_equal(caller(&c, "/0123456789abcdef", "basic aGlsbzpzMzpjcmV0"), WA_CALLER_KNOWN);
    assert_int_equal(caller(&c, "/0123456789abcdef", "Basic aGlsbzpzMzpjcmV1"), WA_CALLER_UNKNOWN);
    assert_int_equal(caller(&c, "/0123456789abcdef", "Basic "), WA_CALLER_UNKNOWN);
    assert_int_equal(caller(&c, "/0123456789abcdef", "Bearer aGlsbzpzMzpjcmV0"), WA_CALLER_UNKNOWN);
    assert_int_equal(caller(&c, "/x", "Basic aGlsbzpzMzpjcmV0"), WA_CALLER_LOST);
    c.hook_secret = str("");
    assert_int_equal(caller(&c, "", "Basic aGlsbzpzMzpjcmV0"), WA_CALLER_KNOWN);
    assert_int_equal(caller(&c, "/", "Basic aGlsbzpzMzpjcmV0"), WA_CALLER_KNOWN);
    assert_int_equal(caller(&c, "/x", "Basic aGlsbzpzMzpjcmV0"), WA_CALLER_LOST);
}

static void test_where_the_key_goes(void **state)
{
    static const struct {
        const char *url;
        bool trusted;
    } row[] = {
        {"https://acme.api.infobip.com/whatsapp/1/senders/1/media/x", true},
        {"https://ACME.api.infobip.com/x", true},
        {"HTTPS://other.api.infobip.com/x", true},
        {"https://infobip.com.evil.example/x", false},
        {"https://evil-infobip.com/x", false},
        {"https://infobip.com/x", false}, /* no API lives there */
        {"http://acme.api.infobip.com/x", false},
        {"https://acme.api.infobip.com@evil.example/x", false},
        {"https://user:pass@acme.api.infobip.com/x", false},
        {"https://evil.example/?https://acme.api.infobip.com", false},
        {"https://evil.example#.infobip.com/x", false},
        {"https://evil.example\\.infobip.com/x", false},
        {"https://evil.example%2f.infobip.com/x", false},
        {"https://evil.example /.infobip.com", false},
        {"https://acme.api.infobip.com/a b", false},
        {"ftp://acme.api.infobip.com/x", false},
        {"//acme.api.infobip.com/x", false},
        {"https://", false},
        {"", false},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++)
        if (wa_ib_trusted(str(row[i].url), str("https://acme.api.infobip.com")) != row[i].trusted)
            fail_msg("%s", row[i].url);
    assert_true(wa_ib_trusted(str("http://127.0.0.1:81/x"), str("http://127.0.0.1:81")));
    assert_false(wa_ib_trusted(str("http://127.0.0.1:82/x"), str("http://127.0.0.1:81")));
    assert_false(wa_ib_trusted(str("http://127.0.0.1:810/x"), str("http://127.0.0.1:81")));
    assert_false(wa_ib_trusted(str("https://127.0.0.1:81/x"), str("http://127.0.0.1:81")));
}

static void test_options_are_told_by_name(void **state)
{
    static const struct {
        size_t at;
        const char *value, *says;
    } row[] = {
        {offsetof(struct wa_conf, base_url), "", "base_url is missing"},
        {offsetof(struct wa_conf, api_key), "", "api_key is missing"},
        {offsetof(struct wa_conf, api_key), "k\n", "api_key holds"},
        {offsetof(struct wa_conf, sender), "", "sender is missing"},
        {offsetof(struct wa_conf, sender), "+57300", "sender must be digits"},
        {offsetof(struct wa_conf, hook_secret), "", "webhook_secret is missing"},
        {offsetof(struct wa_conf, hook_secret), "short", "webhook_secret must have"},
        {offsetof(struct wa_conf, hook_secret), "0123456789abcdef/x", "webhook_secret must be"},
        {offsetof(struct wa_conf, hook_user), "u", "webhook_user and webhook_password"},
        {offsetof(struct wa_conf, hook_password), "p", "webhook_user and webhook_password"},
    };
    struct hilo_abilities able = *hilo_plugin_v1.abilities;
    struct wa_conf c = conf();
    const char *says;
    unsigned i;

    (void)state;
    assert_null(hilo_plugin_v1.check(&c, &able));
    assert_int_equal(able.flags & HILO_ABLE_MEDIA_FILE, 0);
    assert_true(able.flags & HILO_ABLE_MEDIA_LINK);
    assert_int_equal(able.contents >> HILO_CONTENT_REACTION & 1, 0);
    assert_int_equal(able.list_body_max, 1024);
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        c = conf();
        *(struct hilo_str *)(void *)((char *)&c + row[i].at) = str(row[i].value);
        says = hilo_plugin_v1.check(&c, &able);
        assert_non_null(says);
        if (strncmp(says, row[i].says, strlen(row[i].says)) != 0)
            fail_msg("row %u: %s", i, says);
    }
    c.provider = 0; /* Meta's stay what they were */
    able = *hilo_plugin_v1.abilities;
    c.token = c.app_secret = c.verify_token = str("x");
    c.phone_number_id = str("1");
    c.version = str("v23.0");
    assert_null(hilo_plugin_v1.check(&c, &able));
    assert_memory_equal(&able, hilo_plugin_v1.abilities, sizeof able);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_content_goes_to_its_endpoint),
        cmocka_unit_test(test_choices_are_buttons_or_a_list),
        cmocka_unit_test(test_links_and_forms),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_what_infobip_has_not_is_refused_in_words),
        cmocka_unit_test(test_quotes_previews_and_signals),
        cmocka_unit_test(test_answers_mean_what_they_say),
        cmocka_unit_test(test_violations_are_told_and_a_wrong_sender_stops),
        cmocka_unit_test(test_signals_need_no_words),
        cmocka_unit_test(test_a_text_with_all_that_comes_with_it),
        cmocka_unit_test(test_each_inbound_type),
        cmocka_unit_test(test_contacts_keep_what_has_no_field),
        cmocka_unit_test(test_a_tap_answers_what_it_is_paired_with),
        cmocka_unit_test(test_user_ids_come_before_phones),
        cmocka_unit_test(test_reports_go_by_their_group),
        cmocka_unit_test(test_seen_is_read_and_many_come_at_once),
        cmocka_unit_test(test_other_bodies),
        cmocka_unit_test(test_templates_are_listed),
        cmocka_unit_test(test_a_template_changes),
        cmocka_unit_test(test_who_may_post),
        cmocka_unit_test(test_where_the_key_goes),
        cmocka_unit_test(test_options_are_told_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
