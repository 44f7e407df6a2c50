/* Writing outbound messages, and what the plugin makes of them. */
#ifndef WHATSAPP_WRITE_H
#define WHATSAPP_WRITE_H

#include "whatsapp_check.h"

static const struct hilo_id our_id = {{0x01, 0x93, 0x5c, 0x7e, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255}};

struct out {
    uint8_t buf[8192];
    struct hilo_writer w;
};

static inline void put(struct out *o, uint32_t tag, const char *s)
{
    hilo_put_str(&o->w, tag, str(s));
}

/* Begins a message to an address, its content open. */
static inline void out_to(struct out *o, unsigned scheme, const char *value, const char *native,
                          enum hilo_content type)
{
    hilo_writer_init(&o->w, o->buf, sizeof o->buf);
    hilo_put_u64(&o->w, HILO_T_MSG_KIND, HILO_KIND_OUTBOUND);
    hilo_open(&o->w, HILO_T_MSG_PARTY);
    hilo_put_u64(&o->w, HILO_T_IDENT_SCHEME, scheme);
    put(o, HILO_T_IDENT_VALUE, value);
    if (native)
        put(o, HILO_T_IDENT_NATIVE, native);
    hilo_close(&o->w);
    hilo_open(&o->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&o->w, HILO_T_CONTENT_TYPE, type);
}

static inline void out_begin(struct out *o, enum hilo_content type)
{
    out_to(o, HILO_SCHEME_PHONE, "+56912345678", NULL, type);
}

/* Closes the content; reply: the message answered, or NULL. */
static inline struct hilo_str out_reply(struct out *o, const char *reply)
{
    hilo_close(&o->w);
    if (reply)
        put(o, HILO_T_MSG_REPLY_EXT, reply);
    assert_int_equal(o->w.failed, 0);
    return hilo_written(&o->w);
}

static inline struct hilo_str out_end(struct out *o)
{
    return out_reply(o, NULL);
}

static inline const char *media_known(void *arg, struct hilo_id media)
{
    (void)arg;
    return media.b[15] == 7 ? "MEDIA7" : NULL;
}

static inline int32_t encode(struct hilo_str message, struct wa_encoded *out)
{
    const struct wa_conf conf = {.base_url = str("https://graph.example"),
                                 .version = str("v23.0"),
                                 .phone_number_id = str("106540352242922")};
    const struct wa_encode with = {.conf = &conf, .media = media_known};
    char *exact = malloc(message.n ? message.n : 1);
    int32_t rc;

    assert_non_null(exact);
    if (message.n)
        memcpy(exact, message.p, message.n);
    rc = wa_meta_encode(our_id, (struct hilo_str){exact, message.n}, &with, out);
    free(exact);
    return rc;
}

/* The body, without what all have in common, is this JSON. */
static inline void check_encodes(struct hilo_str message, const char *expected, int line)
{
    struct wa_encoded out;
    char echo[WA_ECHO_TEXT];
    cJSON *got, *want;

    assert_int_equal(encode(message, &out), HILO_OK);
    assert_true(out.echoed);
    assert_string_equal(out.url, "https://graph.example/v23.0/106540352242922/messages");
    got = cJSON_Parse(out.body);
    want = cJSON_Parse(expected);
    if (!got || !want)
        fail_msg("line %d: no JSON", line);
    wa_echo_write(our_id, echo);
    assert_non_null(cJSON_AddStringToObject(want, "messaging_product", "whatsapp"));
    assert_non_null(cJSON_AddStringToObject(want, "recipient_type", "individual"));
    if (!cJSON_GetObjectItemCaseSensitive(want, "recipient") && !cJSON_GetObjectItemCaseSensitive(want, "to"))
        assert_non_null(cJSON_AddStringToObject(want, "to", "56912345678"));
    assert_non_null(cJSON_AddStringToObject(want, "biz_opaque_callback_data", echo));
    if (!cJSON_Compare(got, want, 1))
        fail_msg("line %d: got %s, expected %s", line, out.body, expected);
    cJSON_Delete(got);
    cJSON_Delete(want);
    wa_encoded_done(&out);
}
#define assert_encodes(message, expected) check_encodes(message, expected, __LINE__)

static inline void check_refused(struct hilo_str message, int line)
{
    struct wa_encoded out;

    if (encode(message, &out) != HILO_INVALID || out.body || !out.why)
        fail_msg("line %d: not refused", line);
}
#define assert_refused(message) check_refused(message, __LINE__)

#endif
