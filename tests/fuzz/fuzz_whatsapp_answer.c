/*
 * Answers of the Cloud API: the first byte chooses the status, the first line after it
 * is Retry-After, the second Date, the rest the body.
 *
 * Beyond not crashing: every answer has a verdict that the core understands, words for
 * people hold no number that could be somebody's, each template of a list is a group
 * that can be read, small enough for the core, and the next page is never asked for
 * with nothing.
 */
#include "whatsapp_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hilo_str line(struct hilo_str *rest)
{
    return wa_split(rest, '\n');
}

static void check_words(const char *s)
{
    unsigned run = 0;

    for (; *s; s++) {
        run = *s >= '0' && *s <= '9' ? run + 1 : 0;
        must(run <= 7 && (unsigned char)*s >= 0x20 && *s != 0x7f);
    }
}

static void check_verdict(const struct wa_verdict *v)
{
    must(v->code == HILO_OK || v->code == HILO_AGAIN || v->code == HILO_TEMP || v->code == HILO_PERM ||
         v->code == HILO_IN_DOUBT || v->code == HILO_CONFIG);
    must((v->code == HILO_OK) == (v->reason[0] == 0));
    must(v->retry_after_us >= 0 && v->retry_after_us <= INT64_C(86400) * 1000000);
    must(!v->retry_after_given || v->code == HILO_AGAIN || v->code == HILO_TEMP);
    must(!v->media_stale || v->code == HILO_PERM);
    check_words(v->detail);
}

static void put(void *arg, struct hilo_str group, struct hilo_str name, const char *why)
{
    struct hilo_field f;
    int rc;

    (void)arg;
    must(name.n == 0 || name.p);
    if (why)
        return;
    must(group.n > 0 && group.n <= HILO_TEMPLATE_MAX);
    must(hilo_get_str(group, HILO_T_TEMPLATE_NAME).n > 0);
    must(hilo_get_str(group, HILO_T_TEMPLATE_LANGUAGE).n > 0);
    must(hilo_get_u64(group, HILO_T_TEMPLATE_STATUS) > 0);
    must(hilo_get_u64(group, HILO_T_TEMPLATE_CATEGORY) > 0);
    while ((rc = hilo_next(&group, &f)) == 1) {
        struct hilo_str inner = f.val;
        struct hilo_field g;
        if (f.tag == HILO_T_TEMPLATE_BUTTONS) {
            while ((rc = hilo_next(&inner, &g)) == 1)
                ;
            must(rc == 0 && hilo_get_u64(f.val, HILO_T_TBUTTON_TYPE) > 0);
        }
        if (f.tag == HILO_T_TEMPLATE_BODY_PARAMS)
            must(f.val.n > 0);
    }
    must(rc == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t status[] = {200, 201, 301, 400, 401, 403, 404, 429, 500, 503};
    static const struct wa_conf conf = {
        .base_url = {"http://x", 8}, .version = {"v1", 2}, .waba_id = {"102", 3}};
    const struct wa_template_sink sink = {NULL, put};
    struct hilo_str rest = {(const char *)data, size};
    struct hilo_kv header[2] = {{{"Retry-After", 11}, {NULL, 0}}, {{"Date", 4}, {NULL, 0}}};
    struct hilo_http h = {.size = sizeof h, .header = header, .n_header = 2, .sink_fd = -1};
    struct wa_verdict v;
    char out[64], after[256], url[WA_URL_MAX], mime[16];

    if (size == 0)
        return 0;
    h.status = status[data[0] % (sizeof status / sizeof *status)];
    rest.p++;
    rest.n--;
    header[0].val = line(&rest);
    header[1].val = line(&rest);
    h.body = rest;
    wa_meta.answer(&h, true, &v);
    check_verdict(&v);
    must((v.code == HILO_OK) == (v.ext_id[0] != 0));
    wa_meta.answer(&h, false, &v);
    check_verdict(&v);
    wa_meta.judge(&h, &v);
    must(v.code != HILO_OK);
    check_verdict(&v);
    if (wa_meta.uploaded(&h, out, sizeof out))
        must(out[0] && strlen(out) < sizeof out);
    if (wa_meta.fetch_address(&h, url, mime, sizeof mime))
        must(url[0] && strlen(mime) < sizeof mime);
    if (wa_meta.templates_read(&h, &sink, after, sizeof after) && after[0])
        must(wa_meta.templates_url(&conf, after, url) && strstr(url, "&after="));
    return 0;
}
