/* What must hold of whatever a driver of an HTTP API reads. */
#ifndef SMS_HTTP_PARTS_H
#define SMS_HTTP_PARTS_H

#include "../../plugins/sms/api.h"
#include "../../plugins/sms/msgid.h"
#include "../../plugins/sms/text_in.h"
#include "sms_parts.h"

static const uint32_t http_status[] = {200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503};

/* UTF-8 without NUL. */
static inline void must_be_text(struct hilo_str s)
{
    const uint8_t *p = (const uint8_t *)s.p, *end = s.n ? p + s.n : p;
    uint32_t len;

    for (; p < end; p += len) {
        uint32_t cp = hilo__utf8(p, end, &len);

        must(cp != UINT32_MAX && cp != 0);
    }
}

static inline bool must_be_good(void *arg, struct hilo_str message)
{
    struct hilo_str rest = message, inner, extra;
    struct hilo_field f, g;
    cJSON *json;
    int rc;

    (void)arg;
    must(message.n <= SMS_IN_MAX);
    must(hilo_get_str(message, HILO_T_MSG_EXT_ID).n > 0);
    while ((rc = hilo_next(&rest, &f)) == 1) {
        if (f.tag != HILO_T_MSG_CONTENT && f.tag != HILO_T_MSG_RECEIPT && f.tag != HILO_T_MSG_PARTY)
            continue;
        inner = f.val;
        while ((rc = hilo_next(&inner, &g)) == 1)
            ;
        must(rc == 0);
    }
    must(rc == 0);
    must_be_text(hilo_get_str(message, HILO_T_MSG_EXT_ID));
    must_be_text(hilo_get_str(hilo_content(message), HILO_T_CONTENT_TEXT));
    must_be_text(hilo_get_str(hilo_get_str(message, HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_DETAIL));
    if (hilo_find(message, HILO_T_MSG_EXTRA, &extra)) {
        must_be_text(extra);
        json = sms_json_read(extra);
        must(cJSON_IsObject(json));
        cJSON_Delete(json);
    }
    return true;
}

static inline void must_be_words(void *arg, const char *words)
{
    (void)arg;
    must(words && *words);
}

static const struct sms_sink http_sink = {NULL, must_be_good, must_be_words, must_be_words};

static inline void must_be_verdict(const struct sms_verdict *v)
{
    const char *s = v->detail;
    unsigned run = 0;

    must((v->code == HILO_OK) == (v->ext_id[0] != 0));
    must((v->code == HILO_OK) == (v->reason[0] == 0));
    must(v->retry_after_us >= 0 && v->retry_after_us <= INT64_C(86400000000));
    for (; *s; s++) {
        run = *s >= '0' && *s <= '9' ? run + 1 : 0;
        must(run <= 7 && (unsigned char)*s >= 0x20 && *s != 0x7f);
    }
}

/* Some message to send, of this text. NULL: it can't be sent. */
static inline struct sms_item *http_item(const struct sms_conf *conf, struct hilo_str text)
{
    static uint8_t bytes[16384];
    const struct hilo_id id = {{1, 2, 3, [15] = 9}};
    const char *reason, *why;
    struct sms_item *item;
    struct hilo_writer w;

    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_put_u64(&w, HILO_T_MSG_EXPIRES, UINT64_C(1573315200000000));
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put(&w, HILO_T_IDENT_VALUE, "+573001112233", 13);
    hilo_close(&w);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, text);
    hilo_close(&w);
    must(!w.failed);
    item = sms_item_new(conf, id, hilo_written(&w), &reason, &why);
    must(item || (*reason && *why));
    return item;
}

/* Segments of the text that goes are those of the text that came. */
static inline void must_cost_the_same(const struct sms_conf *conf, struct hilo_str text,
                                      const struct sms_item *item)
{
    const struct hilo_segment_rules rules = sms_segment_rules(conf);
    struct hilo_segments before, after;

    must(hilo_segments_measure(text, &rules, &before) == HILO_OK);
    if (item->text_n == 0) /* nothing of it is seen */
        return;
    must(hilo_segments_measure((struct hilo_str){item->text, item->text_n}, &rules, &after) == HILO_OK);
    must(after.segments <= before.segments);
    must_be_text((struct hilo_str){item->text, item->text_n});
}

#endif
