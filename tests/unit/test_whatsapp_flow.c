/*
 * The WhatsApp plugin behind a fake host: what it asks, answers and reports in each
 * flow and on each failure. Everything goes through hilo_plugin_v1, as in the
 * daemon. The fake host only records; tests play Meta and the core.
 */
#include "whatsapp_sources.h"

#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

enum { CALLS_MAX = 64, TEXT_MAX = 4096 };

struct call_http {
    uint64_t token;
    char method[8], url[512], body[TEXT_MAX], authorization[64], type[64];
    char part_type[64], part_filename[64];
    unsigned n_part;
    int64_t fd; /* of the file part, or the sink; -1 */
};

struct fake {
    /* what came */
    struct call_http http[CALLS_MAX];
    struct {
        int32_t code;
        struct hilo_id id;
        char ext_id[128], reason[32], provider_code[24], detail[320];
        int64_t retry_after_us;
    } report[CALLS_MAX];
    struct {
        uint64_t request;
        uint32_t status;
        char body[256], type[32];
    } answer[CALLS_MAX];
    struct {
        uint64_t job;
        int32_t code;
        char mime[64];
        int64_t retry_after_us;
    } fetched[CALLS_MAX];
    uint64_t submit_token[CALLS_MAX], media_token[CALLS_MAX];
    unsigned n_http, n_report, n_answer, n_fetched, n_submit, n_media, n_log;
    uint32_t credit;
    int32_t state;
    char state_text[200];
    int64_t timer_us, now_us;
    /* what to say */
    int32_t submit_rc, http_rc, media_rc;
    unsigned submit_fails_at; /* that submit gives submit_rc; 0: each */
    /* the instance */
    struct wa_conf conf;
    struct hilo_host host;
    void *inst;
};

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static void copy(char *out, size_t cap, struct hilo_str s)
{
    assert_true(s.n < cap);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static struct fake *fake_of(struct hilo_self *self)
{
    return (struct fake *)self;
}

static void fake_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    (void)level;
    (void)text;
    fake_of(self)->n_log++;
}

static int64_t fake_mono_us(struct hilo_self *self)
{
    return fake_of(self)->now_us;
}

static int32_t fake_submit(struct hilo_self *self, uint64_t token, struct hilo_str message)
{
    struct fake *f = fake_of(self);
    unsigned i;

    assert_true(message.n > 0 && f->n_submit < CALLS_MAX);
    for (i = 0; i < f->n_submit; i++)
        assert_true(f->submit_token[i] != token);
    f->submit_token[f->n_submit++] = token;
    return f->submit_fails_at == 0 || f->submit_fails_at == f->n_submit ? f->submit_rc : HILO_OK;
}

static void fake_report(struct hilo_self *self, const struct hilo_report *r)
{
    struct fake *f = fake_of(self);
    unsigned i;

    for (i = 0; i < f->n_report; i++)
        assert_memory_not_equal(&f->report[i].id, &r->id, sizeof r->id); /* exactly one each */
    assert_int_equal(r->size, sizeof *r);
    f->report[f->n_report].code = r->code;
    f->report[f->n_report].id = r->id;
    f->report[f->n_report].retry_after_us = r->retry_after_us;
    copy(f->report[f->n_report].ext_id, sizeof f->report->ext_id, r->ext_id);
    copy(f->report[f->n_report].reason, sizeof f->report->reason, r->reason);
    copy(f->report[f->n_report].provider_code, sizeof f->report->provider_code, r->provider_code);
    copy(f->report[f->n_report].detail, sizeof f->report->detail, r->detail);
    f->n_report++;
}

static void fake_credit(struct hilo_self *self, uint32_t n)
{
    fake_of(self)->credit += n;
}

static int32_t fake_timer(struct hilo_self *self, uint32_t id, int64_t mono_us)
{
    (void)id;
    fake_of(self)->timer_us = mono_us;
    return HILO_OK;
}

static int32_t fake_http(struct hilo_self *self, uint64_t token, const struct hilo_http *h)
{
    struct fake *f = fake_of(self);
    struct call_http *c = &f->http[f->n_http];
    uint64_t i;

    assert_true(f->n_http < CALLS_MAX);
    if (f->http_rc != HILO_OK)
        return f->http_rc;
    memset(c, 0, sizeof *c);
    assert_int_equal(h->size, sizeof *h);
    assert_true(h->timeout_ms > 0);
    c->token = token;
    copy(c->method, sizeof c->method, h->method);
    copy(c->url, sizeof c->url, h->url);
    copy(c->body, sizeof c->body, h->body);
    copy(c->authorization, sizeof c->authorization, wa_header(h, "authorization"));
    copy(c->type, sizeof c->type, wa_header(h, "content-type"));
    c->n_part = (unsigned)h->n_part;
    c->fd = h->sink_fd;
    for (i = 0; i < h->n_part; i++) {
        if (h->part[i].fd >= 0) {
            c->fd = h->part[i].fd;
            copy(c->part_type, sizeof c->part_type, h->part[i].type);
            copy(c->part_filename, sizeof c->part_filename, h->part[i].filename);
        }
    }
    if (c->fd >= 0)
        close((int)c->fd); /* given away */
    f->n_http++;
    return HILO_OK;
}

static int32_t fake_http_answer(struct hilo_self *self, uint64_t request, const struct hilo_http *h)
{
    struct fake *f = fake_of(self);
    unsigned i;

    for (i = 0; i < f->n_answer; i++)
        assert_true(f->answer[i].request != request); /* once */
    f->answer[f->n_answer].request = request;
    f->answer[f->n_answer].status = h->status;
    copy(f->answer[f->n_answer].body, sizeof f->answer->body, h->body);
    copy(f->answer[f->n_answer].type, sizeof f->answer->type, wa_header(h, "Content-Type"));
    f->n_answer++;
    return HILO_OK;
}

static int32_t fake_media_get(struct hilo_self *self, uint64_t token, struct hilo_id media)
{
    struct fake *f = fake_of(self);

    (void)media;
    f->media_token[f->n_media++] = token;
    return f->media_rc;
}

static void fake_fetched(struct hilo_self *self, uint64_t job, int32_t code, struct hilo_str mime,
                         struct hilo_str detail, int64_t retry_after_us)
{
    struct fake *f = fake_of(self);

    (void)detail;
    f->fetched[f->n_fetched].job = job;
    f->fetched[f->n_fetched].code = code;
    f->fetched[f->n_fetched].retry_after_us = retry_after_us;
    copy(f->fetched[f->n_fetched].mime, sizeof f->fetched->mime, mime);
    f->n_fetched++;
}

static void fake_state(struct hilo_self *self, int32_t code, struct hilo_str text)
{
    struct fake *f = fake_of(self);

    f->state = code;
    (void)snprintf(f->state_text, sizeof f->state_text, "%.*s", (int)text.n, text.p ? text.p : "");
}

static const struct hilo_plugin *const plugin = &hilo_plugin_v1;

static void fake_conf(struct wa_conf *c)
{
    c->phone_number_id = str("1065");
    c->waba_id = str("WABA");
    c->token = str("TOKEN");
    c->app_secret = str("app-secret");
    c->verify_token = str("verify me");
    c->base_url = str("https://graph.example");
    c->version = str("v23.0");
    c->in_flight = 32;
    c->timeout_us = 30000000;
}

static int setup(void **state)
{
    struct fake *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    f->state = 99;
    fake_conf(&f->conf);
    f->host = (struct hilo_host){.size = sizeof f->host,
                                 .log = fake_log,
                                 .mono_us = fake_mono_us,
                                 .submit = fake_submit,
                                 .report = fake_report,
                                 .credit = fake_credit,
                                 .timer = fake_timer,
                                 .http = fake_http,
                                 .http_answer = fake_http_answer,
                                 .media_get = fake_media_get,
                                 .fetched = fake_fetched,
                                 .state = fake_state};
    if (plugin->open(&f->host, (struct hilo_self *)f, &f->conf, &f->inst) != HILO_OK ||
        plugin->start(f->inst) != HILO_OK)
        return -1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fake *f = *state;

    if (f->inst)
        plugin->close(f->inst);
    free(f);
    return 0;
}

/* ---- sending -------------------------------------------------------------------------------- */

struct out {
    uint8_t buf[1024];
    struct hilo_writer w;
};

static struct hilo_id id_of(unsigned n)
{
    struct hilo_id id = {{0}};

    id.b[0] = 1;
    id.b[15] = (uint8_t)n;
    return id;
}

static struct hilo_str message(struct out *o, enum hilo_content type, const char *text, unsigned media)
{
    hilo_writer_init(&o->w, o->buf, sizeof o->buf);
    hilo_open(&o->w, HILO_T_MSG_PARTY);
    hilo_put_u64(&o->w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&o->w, HILO_T_IDENT_VALUE, str("+56912345678"));
    hilo_close(&o->w);
    hilo_put_str(&o->w, HILO_T_MSG_REPLY_EXT, str("wamid.Q"));
    hilo_open(&o->w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&o->w, HILO_T_CONTENT_TYPE, type);
    hilo_put_str(&o->w, HILO_T_CONTENT_TEXT, str(text));
    if (type == HILO_CONTENT_SYSTEM)
        hilo_put_u64(&o->w, HILO_T_CONTENT_EVENT, HILO_SYSTEM_MARK_READ);
    if (media) {
        hilo_put_u64(&o->w, HILO_T_CONTENT_KIND, HILO_MEDIA_IMAGE);
        hilo_put_id(&o->w, HILO_T_CONTENT_MEDIA, id_of(media));
    }
    hilo_close(&o->w);
    return hilo_written(&o->w);
}

static void send_text(struct fake *f, unsigned id)
{
    struct out o;
    assert_int_equal(plugin->send(f->inst, id_of(id), message(&o, HILO_CONTENT_TEXT, "hola", 0)), HILO_OK);
}

static void send_image(struct fake *f, unsigned id, unsigned media)
{
    struct out o;
    assert_int_equal(plugin->send(f->inst, id_of(id), message(&o, HILO_CONTENT_MEDIA, "", media)), HILO_OK);
}

/* Meta answers the n-th request. retry_after: NULL or seconds. */
static void meta(struct fake *f, unsigned n, uint32_t status, const char *body, const char *retry_after)
{
    const struct hilo_kv header = {str("retry-after"), str(retry_after ? retry_after : "")};
    const struct hilo_http h = {.size = sizeof h,
                                .status = status,
                                .body = str(body),
                                .header = &header,
                                .n_header = retry_after ? 1 : 0,
                                .sink_fd = -1};

    assert_true(n < f->n_http);
    plugin->on_http(f->inst, f->http[n].token, HILO_OK, &h);
}

static void meta_breaks(struct fake *f, unsigned n, uint32_t flags)
{
    const struct hilo_http h = {.size = sizeof h, .flags = flags, .sink_fd = -1};

    plugin->on_http(f->inst, f->http[n].token, HILO_TEMP, &h);
}

#define TAKEN(id)   "{\"messaging_product\":\"whatsapp\",\"contacts\":[],\"messages\":[{\"id\":\"" id "\"}]}"
#define ERROR(code) "{\"error\":{\"message\":\"no\",\"code\":" #code "}}"

static void test_start_gives_credit_and_is_up(void **state)
{
    struct fake *f = *state;

    assert_int_equal(f->credit, 32);
    assert_int_equal(f->state, HILO_OK);
}

static void test_a_send_is_one_post_and_one_report(void **state)
{
    struct fake *f = *state;
    cJSON *body;

    send_text(f, 1);
    assert_int_equal(f->n_http, 1);
    assert_string_equal(f->http[0].method, "POST");
    assert_string_equal(f->http[0].url, "https://graph.example/v23.0/1065/messages");
    assert_string_equal(f->http[0].authorization, "Bearer TOKEN");
    assert_string_equal(f->http[0].type, "application/json");
    body = cJSON_Parse(f->http[0].body);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(body, "to")), "56912345678");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(body, "biz_opaque_callback_data")),
                        "msg_01000000000000000000000001");
    cJSON_Delete(body);
    assert_int_equal(f->n_report, 0);
    meta(f, 0, 200, TAKEN("wamid.1"), NULL);
    assert_int_equal(f->n_report, 1);
    assert_int_equal(f->report[0].code, HILO_OK);
    assert_string_equal(f->report[0].ext_id, "wamid.1");
    meta(f, 0, 200, TAKEN("wamid.1"), NULL); /* a late repetition finds nothing */
    assert_int_equal(f->n_report, 1);
}

static void test_each_answer_has_its_report(void **state)
{
    static const struct {
        uint32_t status;
        const char *body, *retry_after;
        int32_t code;
        const char *reason, *provider_code;
        int64_t retry_us;
    } row[] = {
        {200, "", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {200, "{\"messages\":[]}", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {200, "{\"messages\":[{\"id\":\"\"}]}", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {200, "<html>", NULL, HILO_IN_DOUBT, "unclear_answer", "", 0},
        {400, ERROR(131047), NULL, HILO_PERM, "window_closed", "131047", 0},
        {404, ERROR(132001), NULL, HILO_PERM, "template_missing", "132001", 0},
        {400, ERROR(130429), NULL, HILO_AGAIN, "rate_limited", "130429", 1000000},
        {429, ERROR(130429), "7", HILO_AGAIN, "rate_limited", "130429", 7000000},
        {400, ERROR(131056), NULL, HILO_AGAIN, "pair_rate_limited", "131056", 4000000},
        {400, ERROR(131056), NULL, HILO_AGAIN, "pair_rate_limited", "131056", 16000000},
        {400, ERROR(131056), "9", HILO_AGAIN, "pair_rate_limited", "131056", 9000000},
        {503, ERROR(2), NULL, HILO_TEMP, "provider_unavailable", "2", 0},
        {503, ERROR(2), "30", HILO_TEMP, "provider_unavailable", "2", 30000000},
        {500, ERROR(131000), NULL, HILO_TEMP, "provider_error", "131000", 0},
        {429, "slow down", "3", HILO_AGAIN, "rate_limited", "http 429", 3000000},
        {429, "", NULL, HILO_AGAIN, "rate_limited", "http 429", 1000000},
        {500, "", NULL, HILO_IN_DOUBT, "unclear_answer", "http 500", 0},
        {502, "<html>bad gateway</html>", "5", HILO_IN_DOUBT, "unclear_answer", "http 502", 0},
        {504, "{\"error\":\"x\"}", NULL, HILO_IN_DOUBT, "unclear_answer", "http 504", 0},
        {400, "{}", NULL, HILO_PERM, "rejected", "http 400", 0},
        {400, ERROR(999999), NULL, HILO_PERM, "rejected", "999999", 0},
        {500, ERROR(999999), NULL, HILO_TEMP, "provider_error", "999999", 0},
        {400, "{\"error\":{\"code\":999999,\"is_transient\":true}}", NULL, HILO_TEMP, "provider_error",
         "999999", 0},
        {401, ERROR(190), NULL, HILO_CONFIG, "token_invalid", "190", 0},
        {401, ERROR(0), NULL, HILO_CONFIG, "token_invalid", "0", 0},
        {403, ERROR(131031), NULL, HILO_CONFIG, "account_locked", "131031", 0},
        {400, ERROR(131042), NULL, HILO_CONFIG, "billing", "131042", 0},
        {401, "", NULL, HILO_CONFIG, "token_invalid", "http 401", 0},
        {301, "", NULL, HILO_CONFIG, "redirected", "http 301", 0},
    };
    struct fake *f = *state;
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        send_text(f, i + 1);
        meta(f, i, row[i].status, row[i].body, row[i].retry_after);
        assert_int_equal(f->n_report, i + 1);
        if (f->report[i].code != row[i].code || strcmp(f->report[i].reason, row[i].reason) != 0 ||
            strcmp(f->report[i].provider_code, row[i].provider_code) != 0 ||
            f->report[i].retry_after_us != row[i].retry_us)
            fail_msg("%u %s: got %d %s %s %lld", row[i].status, row[i].body, f->report[i].code,
                     f->report[i].reason, f->report[i].provider_code, (long long)f->report[i].retry_after_us);
        assert_int_equal(f->state, row[i].code == HILO_CONFIG ? HILO_CONFIG : HILO_OK);
    }
    send_text(f, 100);
    meta(f, i, 200, TAKEN("w"), NULL);
    assert_int_equal(f->state, HILO_OK); /* it works again */
}

static void test_what_may_have_left_is_in_doubt(void **state)
{
    struct fake *f = *state;

    send_text(f, 1);
    meta_breaks(f, 0, 0);
    assert_int_equal(f->report[0].code, HILO_TEMP);
    assert_string_equal(f->report[0].reason, "unreachable");
    send_text(f, 2);
    meta_breaks(f, 1, HILO_HTTP_MAYBE_SENT);
    assert_int_equal(f->report[1].code, HILO_IN_DOUBT);
    assert_string_equal(f->report[1].reason, "no_answer");
    send_text(f, 3);
    plugin->on_http(f->inst, f->http[2].token, HILO_TEMP, NULL);
    assert_int_equal(f->report[2].code, HILO_TEMP);
    f->http_rc = HILO_FULL;
    send_text(f, 4);
    assert_int_equal(f->report[3].code, HILO_AGAIN);
    assert_true(f->report[3].retry_after_us > 0);
}

static void test_mark_as_read_is_never_in_doubt(void **state)
{
    struct fake *f = *state;
    struct out o;
    unsigned i;

    for (i = 0; i < 4; i++)
        assert_int_equal(plugin->send(f->inst, id_of(i), message(&o, HILO_CONTENT_SYSTEM, "", 0)), HILO_OK);
    assert_string_equal(
        f->http[0].body,
        "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":\"wamid.Q\"}");
    meta(f, 0, 200, "{\"success\":true}", NULL);
    meta(f, 1, 200, "{}", NULL);
    meta(f, 2, 502, "", NULL);
    meta_breaks(f, 3, HILO_HTTP_MAYBE_SENT);
    assert_int_equal(f->report[0].code, HILO_OK);
    for (i = 1; i < 4; i++)
        assert_int_equal(f->report[i].code, HILO_TEMP);
}

static void test_what_can_not_be_written_is_refused(void **state)
{
    struct fake *f = *state;
    struct out o;

    assert_int_equal(plugin->send(f->inst, id_of(1), message(&o, HILO_CONTENT_NOTE, "x", 0)), HILO_OK);
    assert_int_equal(plugin->send(f->inst, id_of(2), str("\xff\xff\xff")), HILO_OK);
    assert_int_equal(f->n_http, 0);
    assert_int_equal(f->report[0].code, HILO_PERM);
    assert_string_equal(f->report[0].reason, "invalid_content");
    assert_true(f->report[0].detail[0]);
    assert_int_equal(f->report[1].code, HILO_PERM);
}

/* ---- media out --------------------------------------------------------------------------------- */

static int a_file(void)
{
    FILE *file = tmpfile();
    int fd;

    assert_non_null(file);
    fd = dup(fileno(file));
    fclose(file);
    assert_true(fd >= 0);
    return fd;
}

static void give_file(struct fake *f, unsigned n)
{
    plugin->on_media(f->inst, f->media_token[n], HILO_OK, a_file(), str("image/jpeg"), str("foto.jpg"), 0);
}

static void test_stored_media_is_uploaded_once(void **state)
{
    struct fake *f = *state;

    send_image(f, 1, 50);
    send_image(f, 2, 50); /* waits for the first one's upload */
    assert_int_equal(f->n_media, 1);
    assert_int_equal(f->n_http, 0);
    give_file(f, 0);
    assert_int_equal(f->n_http, 1);
    assert_string_equal(f->http[0].url, "https://graph.example/v23.0/1065/media");
    assert_int_equal(f->http[0].n_part, 3);
    assert_string_equal(f->http[0].part_type, "image/jpeg");
    assert_string_equal(f->http[0].part_filename, "foto.jpg");
    assert_string_equal(f->http[0].type, ""); /* the host knows the boundary */
    meta(f, 0, 200, "{\"id\":\"META1\"}", NULL);
    assert_int_equal(f->n_http, 3);
    assert_non_null(strstr(f->http[1].body, "\"image\":{\"id\":\"META1\"}"));
    assert_non_null(strstr(f->http[2].body, "\"image\":{\"id\":\"META1\"}"));
    meta(f, 1, 200, TAKEN("w1"), NULL);
    meta(f, 2, 200, TAKEN("w2"), NULL);
    send_image(f, 3, 50);
    assert_int_equal(f->n_media, 1); /* known */
    assert_int_equal(f->n_http, 4);
    meta(f, 3, 400, ERROR(131053), NULL); /* the id has run out: once more, with an upload */
    assert_int_equal(f->report[2].code, HILO_TEMP);
    send_image(f, 4, 50);
    assert_int_equal(f->n_media, 2);
    give_file(f, 1);
    meta(f, 4, 200, "{\"id\":\"META2\"}", NULL);
    meta(f, 5, 400, ERROR(131053), NULL); /* not that: the media itself */
    assert_int_equal(f->report[3].code, HILO_PERM);
    assert_string_equal(f->report[3].reason, "media_upload_failed");
}

static void test_a_failed_upload_is_never_in_doubt(void **state)
{
    struct fake *f = *state;

    send_image(f, 1, 50);
    send_image(f, 2, 50);
    plugin->on_media(f->inst, f->media_token[0], HILO_NOTFOUND, -1, str(""), str(""), 0);
    assert_int_equal(f->n_report, 2); /* who waited shares its end */
    assert_int_equal(f->report[0].code, HILO_PERM);
    assert_string_equal(f->report[0].reason, "media_missing");
    assert_int_equal(f->report[1].code, HILO_PERM);
    send_image(f, 3, 51);
    plugin->on_media(f->inst, f->media_token[1], HILO_TEMP, -1, str(""), str(""), 0);
    assert_int_equal(f->report[2].code, HILO_TEMP);
    send_image(f, 4, 51);
    give_file(f, 2);
    meta_breaks(f, 0, HILO_HTTP_MAYBE_SENT);
    assert_int_equal(f->report[3].code, HILO_TEMP);
    send_image(f, 5, 51);
    give_file(f, 3);
    meta(f, 1, 500, "", NULL);
    assert_int_equal(f->report[4].code, HILO_TEMP);
    send_image(f, 6, 51);
    give_file(f, 4);
    meta(f, 2, 200, "{}", NULL);
    assert_int_equal(f->report[5].code, HILO_TEMP);
    f->media_rc = HILO_FULL;
    send_image(f, 7, 51);
    assert_int_equal(f->report[6].code, HILO_AGAIN);
    f->media_rc = HILO_OK;
    send_image(f, 8, 51);
    f->http_rc = HILO_FULL;
    give_file(f, 6);
    assert_int_equal(f->report[7].code, HILO_AGAIN);
}

static void test_revoke_takes_back_what_has_not_left(void **state)
{
    struct fake *f = *state;

    send_text(f, 1);
    plugin->revoke(f->inst, id_of(1)); /* is on its way */
    assert_int_equal(f->n_report, 0);
    send_image(f, 2, 50);
    send_image(f, 3, 50);
    plugin->revoke(f->inst, id_of(2));
    assert_int_equal(f->n_report, 1);
    assert_int_equal(f->report[0].code, HILO_AGAIN);
    assert_string_equal(f->report[0].reason, "revoked");
    assert_int_equal(f->n_media, 2); /* who waited goes on by itself */
    give_file(f, 0);                 /* too late: closed, not leaked */
    give_file(f, 1);
    assert_int_equal(f->n_http, 2);
    plugin->revoke(f->inst, id_of(77));
}

/* ---- media in ------------------------------------------------------------------------------------ */

static void fetch(struct fake *f, uint64_t job, const char *media)
{
    uint8_t buf[256];
    struct hilo_writer w;

    hilo_writer_init(&w, buf, sizeof buf);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_str(&w, HILO_T_CONTENT_EXT_MEDIA, str(media));
    hilo_close(&w);
    plugin->fetch(f->inst, job, hilo_written(&w), a_file());
}

#define ADDRESS(url) "{\"url\":\"" url "\",\"mime_type\":\"image\\/jpeg\",\"sha256\":\"x\",\"file_size\":3}"

static void test_a_download_has_two_steps(void **state)
{
    struct fake *f = *state;

    fetch(f, 7, "123/..?x");
    assert_string_equal(f->http[0].method, "GET");
    assert_string_equal(f->http[0].url, "https://graph.example/v23.0/123%2F..%3Fx?phone_number_id=1065");
    assert_int_equal(f->http[0].fd, -1);
    meta(f, 0, 200, ADDRESS("https:\\/\\/lookaside.example\\/a"), NULL);
    assert_int_equal(f->n_http, 2);
    assert_string_equal(f->http[1].url, "https://lookaside.example/a");
    assert_string_equal(f->http[1].authorization, "Bearer TOKEN");
    assert_true(f->http[1].fd >= 0);
    meta(f, 1, 200, "", NULL);
    assert_int_equal(f->n_fetched, 1);
    assert_int_equal(f->fetched[0].job, 7);
    assert_int_equal(f->fetched[0].code, HILO_OK);
    assert_string_equal(f->fetched[0].mime, "image/jpeg");
}

static void test_each_failed_download_is_told(void **state)
{
    static const struct {
        uint32_t status; /* 0: the exchange broke */
        const char *body;
        bool second;
        int32_t code;
    } row[] = {
        {404, "", false, HILO_PERM},
        {400, ERROR(100), false, HILO_PERM},
        {401, ERROR(190), false, HILO_TEMP}, /* for the channel's state it is CONFIG */
        {500, "", false, HILO_TEMP},
        {429, "", false, HILO_TEMP},
        {200, "{}", false, HILO_TEMP},
        {200, ADDRESS("http://evil.example/"), false, HILO_TEMP}, /* the token would go in the clear */
        {200, ADDRESS("file:///etc/passwd"), false, HILO_TEMP},
        {0, "", false, HILO_TEMP},
        {401, "", true, HILO_TEMP},
        {404, "", true, HILO_TEMP},
        {500, "", true, HILO_TEMP},
        {0, "", true, HILO_TEMP},
    };
    struct fake *f = *state;
    unsigned i, n = 0;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        fetch(f, i, "M");
        if (row[i].second)
            meta(f, n++, 200, ADDRESS("https://x/"), NULL);
        if (row[i].status)
            meta(f, n++, row[i].status, row[i].body, NULL);
        else
            meta_breaks(f, n++, 0);
        assert_int_equal(f->n_fetched, i + 1);
        assert_int_equal(f->fetched[i].job, i);
        assert_int_equal(f->fetched[i].code, row[i].code);
    }
    assert_int_equal(f->n_http, n);
    fetch(f, 90, "");
    assert_int_equal(f->fetched[i].code, HILO_PERM);
    f->http_rc = HILO_FULL;
    fetch(f, 91, "M");
    assert_int_equal(f->fetched[i + 1].code, HILO_TEMP);
}

/* ---- webhook --------------------------------------------------------------------------------------- */

static void request(struct fake *f, uint64_t id, const char *method, const char *url, const char *body,
                    const char *signature)
{
    const struct hilo_kv header[2] = {{str("Host"), str("x")},
                                      {str("x-hub-signature-256"), str(signature ? signature : "")}};
    const struct hilo_http h = {.size = sizeof h,
                                .method = str(method),
                                .url = str(url),
                                .body = str(body),
                                .header = header,
                                .n_header = signature ? 2 : 1,
                                .sink_fd = -1};

    plugin->on_request(f->inst, id, &h);
}

static void deliver(struct fake *f, uint64_t id, const char *body)
{
    uint8_t mac[32];
    char header[80] = "sha256=";
    unsigned i, n = sizeof mac;

    assert_non_null(HMAC(EVP_sha256(), "app-secret", 10, (const uint8_t *)body, strlen(body), mac, &n));
    for (i = 0; i < n; i++)
        sprintf(header + 7 + 2 * i, "%02x", mac[i]);
    request(f, id, "POST", "", body, header);
}

static void test_handshake(void **state)
{
    static const struct {
        const char *url;
        uint32_t status;
    } row[] = {
        {"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify%20me", 200},
        {"/?hub.verify_token=verify+me&hub.challenge=1158201444&hub.mode=subscribe", 200},
        {"?hub%2Emode=subscribe&hub.challenge=1158201444&hub.verify_token=verify%20me&x", 200},
        {"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify%20mE", 403},
        {"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=", 403},
        {"?hub.mode=unsubscribe&hub.challenge=1158201444&hub.verify_token=verify%20me", 403},
        {"?hub.mode=subscribe&hub.verify_token=verify%20me", 403},
        {"?hub.challenge=1158201444", 403},
        {"", 403},
        {"?", 403},
        {"?&&=&%&%zz=%", 403},
        {"/other?hub.mode=subscribe&hub.challenge=1&hub.verify_token=verify%20me", 404},
    };
    struct fake *f = *state;
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        request(f, i, "GET", row[i].url, "", NULL);
        assert_int_equal(f->n_answer, i + 1);
        assert_int_equal(f->answer[i].status, row[i].status);
        if (row[i].status == 200)
            assert_string_equal(f->answer[i].body, "1158201444");
        assert_string_equal(f->answer[i].type, "text/plain");
    }
    request(f, 90, "PUT", "", "", NULL);
    assert_int_equal(f->answer[i].status, 405);
}

#define VALUE(value)                                                                                         \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"W\",\"changes\":[{\"field\":"            \
    "\"messages\",\"value\":{"                                                                               \
    "\"metadata\":{\"phone_number_id\":\"1065\"}," value "}}]}]}"
#define TEXT(id) "{\"from\":\"569111\",\"id\":\"" id "\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}"
#define BATCH                                                                                                \
    VALUE("\"messages\":[" TEXT("1") "," TEXT("2") "],\"statuses\":[{\"id\":\"3\",\"status\":\"read\"}]")

static void test_unsigned_deliveries_are_refused(void **state)
{
    struct fake *f = *state;

    request(f, 1, "POST", "", BATCH, NULL);
    request(f, 2, "POST", "", BATCH,
            "sha256=0000000000000000000000000000000000000000000000000000000000000000");
    request(f, 3, "POST", "", BATCH, "sha1=x");
    assert_int_equal(f->n_answer, 3);
    assert_int_equal(f->answer[0].status, 401);
    assert_int_equal(f->answer[1].status, 401);
    assert_int_equal(f->answer[2].status, 401);
    assert_int_equal(f->n_submit, 0);
    assert_int_equal(f->n_log, 1); /* anybody could fill the log otherwise */
    deliver(f, 4, "{\"object\":");
    assert_int_equal(f->answer[3].status, 400);
    deliver(f, 5, "{\"object\":\"page\"}");
    assert_int_equal(f->answer[4].status, 200);
    deliver(f, 6, VALUE("\"messages\":[]"));
    assert_int_equal(f->answer[5].status, 200);
    assert_int_equal(f->n_submit, 0);
}

static void test_a_delivery_is_answered_after_the_last_commit(void **state)
{
    struct fake *f = *state;

    deliver(f, 1, BATCH);
    deliver(f, 2, BATCH);
    assert_int_equal(f->n_submit, 6);
    assert_int_equal(f->n_answer, 0);
    plugin->committed(f->inst, f->submit_token[2], HILO_DUPLICATE);
    plugin->committed(f->inst, f->submit_token[0], HILO_OK);
    plugin->committed(f->inst, f->submit_token[3], HILO_OK);
    assert_int_equal(f->n_answer, 0);
    plugin->committed(f->inst, f->submit_token[1], HILO_INVALID); /* no repetition would help */
    assert_int_equal(f->n_answer, 1);
    assert_int_equal(f->answer[0].request, 1);
    assert_int_equal(f->answer[0].status, 200);
    plugin->committed(f->inst, f->submit_token[4], HILO_FULL);
    assert_int_equal(f->n_answer, 1);
    plugin->committed(f->inst, f->submit_token[5], HILO_OK);
    assert_int_equal(f->answer[1].request, 2);
    assert_int_equal(f->answer[1].status, 503);
    plugin->committed(f->inst, f->submit_token[5], HILO_OK); /* finds nothing */
    assert_int_equal(f->n_answer, 2);
}

static void test_a_full_link_makes_meta_come_back(void **state)
{
    struct fake *f = *state;

    f->submit_rc = HILO_FULL;
    f->submit_fails_at = 2;
    deliver(f, 1, BATCH);
    assert_int_equal(f->n_submit, 2); /* no use to go on */
    assert_int_equal(f->n_answer, 0);
    plugin->committed(f->inst, f->submit_token[0], HILO_OK);
    assert_int_equal(f->answer[0].status, 503);
    f->submit_fails_at = 0;
    deliver(f, 2, BATCH);
    assert_int_equal(f->answer[1].status, 503);
    f->submit_rc = HILO_INVALID;
    deliver(f, 3, BATCH);
    assert_int_equal(f->answer[2].status, 200);
}

static void test_an_account_error_stops_the_channel(void **state)
{
    struct fake *f = *state;

    deliver(f, 1, VALUE("\"errors\":[{\"code\":130429,\"title\":\"slow\"}]"));
    assert_int_equal(f->state, HILO_OK);
    deliver(f, 2, VALUE("\"errors\":[{\"code\":131031,\"title\":\"locked\"}]"));
    assert_int_equal(f->state, HILO_CONFIG);
    assert_int_equal(f->answer[1].status, 200);
}

/* ---- the end ------------------------------------------------------------------------------------------ */

static void begin_everything(struct fake *f)
{
    send_text(f, 1);
    send_image(f, 2, 50);
    send_image(f, 3, 50);
    fetch(f, 9, "M");
    deliver(f, 1, BATCH);
}

static void assert_everything_ended(struct fake *f)
{
    assert_int_equal(f->n_report, 3);
    assert_int_equal(f->report[0].code, HILO_IN_DOUBT); /* the text had left */
    assert_int_equal(f->report[1].code, HILO_AGAIN);
    assert_int_equal(f->report[2].code, HILO_AGAIN);
    assert_int_equal(f->n_fetched, 1);
    assert_int_equal(f->fetched[0].code, HILO_TEMP);
    assert_int_equal(f->n_answer, 1);
    assert_int_equal(f->answer[0].status, 503);
}

static void test_close_ends_everything_once(void **state)
{
    struct fake *f = *state;

    begin_everything(f);
    plugin->close(f->inst);
    f->inst = NULL;
    assert_everything_ended(f);
}

static void test_drain_takes_no_more_and_waits(void **state)
{
    struct fake *f = *state;
    struct out o;

    begin_everything(f);
    plugin->drain(f->inst, 5000000);
    assert_int_equal(f->timer_us, 5000000);
    assert_int_equal(plugin->send(f->inst, id_of(4), message(&o, HILO_CONTENT_TEXT, "x", 0)), HILO_AGAIN);
    deliver(f, 2, BATCH);
    assert_int_equal(f->answer[0].status, 503);
    f->n_answer = 0;
    assert_int_equal(f->n_report, 0);
    plugin->on_timer(f->inst, 1);
    assert_everything_ended(f);
    meta(f, 0, 200, TAKEN("late"), NULL);
    give_file(f, 0);
    plugin->committed(f->inst, f->submit_token[0], HILO_OK);
    plugin->close(f->inst);
    f->inst = NULL;
    assert_everything_ended(f);
}

static void test_open_refuses_what_could_change_a_url_or_header(void **state)
{
    struct fake *f = *state;
    struct wa_conf conf;
    struct hilo_host host = f->host;
    void *inst = NULL;
    static const char *const named[] = {"phone_number_id", "phone_number_id", "version", "token",
                                        "app_secret",      "verify_token",    "provider"};
    unsigned i;

    for (i = 0; i < 7; i++) {
        memset(&conf, 0, sizeof conf);
        fake_conf(&conf);
        if (i == 0)
            conf.phone_number_id = str("1/2");
        else if (i == 1)
            conf.phone_number_id = str("");
        else if (i == 2)
            conf.version = str("v1?x");
        else if (i == 3)
            conf.token = str("abc\n");
        else if (i == 4)
            conf.app_secret = str("");
        else if (i == 5)
            conf.verify_token = str("");
        else
            conf.provider = 7;
        assert_int_equal(plugin->open(&host, (struct hilo_self *)f, &conf, &inst), HILO_CONFIG);
        assert_null(inst);
        /* The operator is told by the channel's state, and which option it is. */
        assert_int_equal(f->state, HILO_CONFIG);
        assert_non_null(strstr(f->state_text, named[i]));
    }
    host.size = 64;
    assert_int_equal(plugin->open(&host, (struct hilo_self *)f, &f->conf, &inst), HILO_BUG);
}

static void test_the_descriptor_is_whole(void **state)
{
    const struct hilo_abilities *a = plugin->abilities;
    uint32_t i;

    (void)state;
    assert_int_equal(plugin->magic, HILO_PLUGIN_MAGIC);
    assert_int_equal(plugin->size, sizeof *plugin);
    assert_string_equal(plugin->name, "whatsapp");
    assert_int_equal(plugin->requires & ~HILO_CAN_ALL_V1, 0);
    assert_int_equal(plugin->conf_size, sizeof(struct wa_conf));
    for (i = 0; i < plugin->n_options; i++) {
        assert_true(plugin->options[i].offset < plugin->conf_size);
        assert_non_null(plugin->options[i].help);
        assert_true((plugin->options[i].flags & HILO_OPT_REQUIRED) == 0 || plugin->options[i].def == NULL);
    }
    assert_int_equal(a->buttons_max, 3);
    assert_int_equal(a->schemes, 1u << HILO_SCHEME_PHONE | 1u << HILO_SCHEME_WHATSAPP);
    assert_int_equal(a->list_max, 10);
    assert_true(a->contents & 1u << HILO_CONTENT_TEMPLATE);
    assert_false(a->contents & 1u << HILO_CONTENT_NOTE);
}

#define FLOW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW(test_start_gives_credit_and_is_up),
        FLOW(test_a_send_is_one_post_and_one_report),
        FLOW(test_each_answer_has_its_report),
        FLOW(test_what_may_have_left_is_in_doubt),
        FLOW(test_mark_as_read_is_never_in_doubt),
        FLOW(test_what_can_not_be_written_is_refused),
        FLOW(test_stored_media_is_uploaded_once),
        FLOW(test_a_failed_upload_is_never_in_doubt),
        FLOW(test_revoke_takes_back_what_has_not_left),
        FLOW(test_a_download_has_two_steps),
        FLOW(test_each_failed_download_is_told),
        FLOW(test_handshake),
        FLOW(test_unsigned_deliveries_are_refused),
        FLOW(test_a_delivery_is_answered_after_the_last_commit),
        FLOW(test_a_full_link_makes_meta_come_back),
        FLOW(test_an_account_error_stops_the_channel),
        FLOW(test_close_ends_everything_once),
        FLOW(test_drain_takes_no_more_and_waits),
        FLOW(test_open_refuses_what_could_change_a_url_or_header),
        cmocka_unit_test(test_the_descriptor_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
