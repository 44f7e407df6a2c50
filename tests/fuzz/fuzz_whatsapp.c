/*
 * Bodies of Meta's webhooks, and messages to be written.
 *
 * Beyond not crashing: every message that a webhook gives is well-formed, what it
 * kept of the body is JSON, and writing it again never fails in another way than
 * refusing.
 */
#include "whatsapp_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *any_media(void *arg, struct hilo_id media)
{
    (void)arg;
    return media.b[0] & 1 ? "MEDIA" : NULL;
}

static void write_one(struct hilo_str message)
{
    const struct wa_conf conf = {
        .base_url = {"http://x", 8}, .version = {"v1", 2}, .phone_number_id = {"1065", 4}};
    const struct wa_encode with = {.conf = &conf, .media = any_media};
    struct hilo_id id = {{0}};
    struct wa_encoded out;
    int32_t rc = wa_meta_encode(id, message, &with, &out);

    must(rc == HILO_OK || rc == HILO_AGAIN || rc == HILO_INVALID);
    must((rc == HILO_OK) == (out.body != NULL && out.url != NULL));
    must(rc != HILO_INVALID || out.why);
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
        if (f.tag == HILO_T_MSG_CONTENT || f.tag == HILO_T_MSG_RECEIPT || f.tag == HILO_T_MSG_PARTY ||
            f.tag == HILO_T_MSG_REFERRAL || f.tag == HILO_T_MSG_PRODUCT) {
            inner = f.val;
            while ((rc = hilo_next(&inner, &f)) == 1)
                ;
            must(rc == 0);
        }
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct hilo_str bytes = {(const char *)data, size};
    const struct wa_account account = {{"1065", 4}, {"102", 3}};
    const struct wa_sink sink = {NULL, take, note, change};
    int32_t rc;

    rc = wa_meta_read(bytes, &account, &sink);
    must(rc == HILO_OK || rc == HILO_INVALID);
    write_one(bytes);
    return 0;
}
