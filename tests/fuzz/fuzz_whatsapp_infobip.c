/*
 * Infobip: bodies of its webhooks, its answers and lists of templates, URLs of media,
 * and messages to be written to it. The first byte chooses the status of the answer,
 * the rest is the body.
 *
 * Beyond not crashing: messages given are well-formed and what they kept is JSON;
 * writing them again is done or refused; every answer has a verdict, and no number that
 * could be somebody's in its words; each template can be read; the key goes nowhere but
 * to the two places that it may.
 */
#include "whatsapp_parts.h"

#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wa_conf conf = {
    .base_url = {"https://a.b", 11}, .sender = {"57300", 5}, .api_key = {"K", 1}, .hook_secret = {"s", 1}};

static void write_one(struct hilo_str message)
{
    const struct wa_encode with = {.conf = &conf};
    struct hilo_id id = {{0}};
    struct wa_encoded out;
    struct hilo_str root;
    int32_t rc = wa_infobip.encode(id, message, &with, &out);

    must(rc == HILO_OK || rc == HILO_INVALID);
    must((rc == HILO_OK) == (out.body != NULL && out.url != NULL));
    must(rc != HILO_INVALID || out.why);
    if (rc == HILO_OK && out.body[0])
        must(wa_json_check((struct hilo_str){out.body, strlen(out.body)}, &root));
    wa_encoded_done(&out);
}

static void must_be_json(struct hilo_str group, uint32_t tag)
{
    struct hilo_str value, root;

    if (hilo_find(group, tag, &value))
        must(wa_json_check(value, &root) && wa_json_type(root) == WA_JSON_OBJECT);
}

static bool take(void *arg, struct hilo_str message)
{
    struct hilo_str rest = message, inner;
    struct hilo_field f;
    int rc;

    (void)arg;
    must(message.n <= HILO_MESSAGE_MAX);
    must(hilo_find(message, HILO_T_MSG_EXT_ID, &inner) && inner.n > 0);
    while ((rc = hilo_next(&rest, &f)) == 1) {
        if (f.tag != HILO_T_MSG_CONTENT && f.tag != HILO_T_MSG_RECEIPT && f.tag != HILO_T_MSG_PARTY &&
            f.tag != HILO_T_MSG_REFERRAL && f.tag != HILO_T_MSG_PRODUCT)
            continue;
        inner = f.val;
        while ((rc = hilo_next(&inner, &f)) == 1)
            ;
        must(rc == 0);
    }
    must(rc == 0);
    must_be_json(message, HILO_T_MSG_EXTRA);
    must_be_json(hilo_content(message), HILO_T_CONTENT_RAW);
    must_be_json(hilo_content(message), HILO_T_CONTENT_DATA);
    write_one(message);
    return true;
}

static void note(void *arg, enum wa_note what, int64_t code, struct hilo_str text)
{
    (void)arg;
    (void)what;
    (void)code;
    must(text.n == 0 || text.p != NULL);
}

static void change(void *arg, struct hilo_str group)
{
    (void)arg;
    must(hilo_get_str(group, HILO_T_TEMPLATE_NAME).n > 0);
}

static void put(void *arg, struct hilo_str group, struct hilo_str name, const char *why)
{
    (void)arg;
    must(name.n == 0 || name.p);
    must(why ||
         (group.n > 0 && group.n <= HILO_TEMPLATE_MAX && hilo_get_str(group, HILO_T_TEMPLATE_NAME).n > 0 &&
          hilo_get_u64(group, HILO_T_TEMPLATE_STATUS) > 0));
}

static void check_verdict(const struct wa_verdict *v)
{
    const char *s = v->detail;
    unsigned run = 0;

    must((v->code == HILO_OK) == (v->reason[0] == 0));
    must(v->retry_after_us >= 0 && v->retry_after_us <= INT64_C(86400) * 1000000);
    for (; *s; s++) {
        run = *s >= '0' && *s <= '9' ? run + 1 : 0;
        must(run <= 7 && (unsigned char)*s >= 0x20 && *s != 0x7f);
    }
}

/* Read as a strict parser would: what follows the scheme up to the first / ? or # */
static void check_trust(struct hilo_str url)
{
    static const char suffix[] = ".infobip.com";
    const char *end, *host = url.p + 8;

    if (!wa_ib_trusted(url, conf.base_url))
        return;
    must(url.n > 8 && strncasecmp(url.p, "https://", 8) == 0);
    for (end = host; end < url.p + url.n && !strchr("/?#", *end); end++)
        must(*end && *end != '@' && *end != '\\');
    must((end - host == 3 && strncasecmp(host, "a.b", 3) == 0) ||
         (end - host >= (long)sizeof suffix - 1 &&
          strncasecmp(end - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t status[] = {200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503};
    const struct wa_ib_account account = {conf.sender, {"102", 3}};
    const struct wa_sink sink = {NULL, take, note, change};
    const struct wa_template_sink templates = {NULL, put};
    struct hilo_http h = {.size = sizeof h, .sink_fd = -1};
    struct hilo_str bytes;
    struct wa_verdict v;
    char after[8];
    int64_t us;
    int32_t rc;

    if (size == 0)
        return 0;
    bytes = (struct hilo_str){(const char *)data + 1, size - 1};
    h.status = status[data[0] % (sizeof status / sizeof *status)];
    h.body = h.url = bytes;
    rc = wa_ib_read(bytes, &account, &sink);
    must(rc == HILO_OK || rc == HILO_INVALID);
    wa_infobip.answer(&h, true, &v);
    check_verdict(&v);
    must((v.code == HILO_OK) == (v.ext_id[0] != 0));
    wa_infobip.answer(&h, false, &v);
    check_verdict(&v);
    wa_infobip.judge(&h, &v);
    must(v.code != HILO_OK);
    check_verdict(&v);
    if (wa_infobip.templates_read(&h, &templates, after, sizeof after))
        must(after[0] == 0);
    must(wa_infobip.caller(&conf, NULL, &h) != WA_CALLER_KNOWN || (size >= 2 && data[1] != 0));
    if (wa_ib_time(bytes, &us))
        must(us >= 0);
    check_trust(bytes);
    write_one(bytes);
    return 0;
}
