/*
 * The WhatsApp plugin behind a fake host: what it asks, answers and reports in each
 * flow and on each failure. Everything goes through hilo_plugin_v1, as in the daemon.
 * The fake host only records; tests play Meta and the core.
 */
#ifndef WHATSAPP_HOST_H
#define WHATSAPP_HOST_H

#include "whatsapp_parts.h"

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
        uint32_t scope;
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

static inline struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static inline void copy(char *out, size_t cap, struct hilo_str s)
{
    assert_true(s.n < cap);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static inline struct fake *fake_of(struct hilo_self *self)
{
    return (struct fake *)self;
}

static inline void fake_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    (void)level;
    (void)text;
    fake_of(self)->n_log++;
}

static inline int64_t fake_mono_us(struct hilo_self *self)
{
    return fake_of(self)->now_us;
}

static inline int32_t fake_submit(struct hilo_self *self, uint64_t token, struct hilo_str message)
{
    struct fake *f = fake_of(self);
    unsigned i;

    assert_true(message.n > 0 && f->n_submit < CALLS_MAX);
    for (i = 0; i < f->n_submit; i++)
        assert_true(f->submit_token[i] != token);
    f->submit_token[f->n_submit++] = token;
    return f->submit_fails_at == 0 || f->submit_fails_at == f->n_submit ? f->submit_rc : HILO_OK;
}

static inline void fake_report(struct hilo_self *self, const struct hilo_report *r)
{
    struct fake *f = fake_of(self);
    unsigned i;

    for (i = 0; i < f->n_report; i++)
        assert_memory_not_equal(&f->report[i].id, &r->id, sizeof r->id); /* exactly one each */
    assert_int_equal(r->size, sizeof *r);
    f->report[f->n_report].code = r->code;
    f->report[f->n_report].id = r->id;
    f->report[f->n_report].retry_after_us = r->retry_after_us;
    f->report[f->n_report].scope = r->scope;
    copy(f->report[f->n_report].ext_id, sizeof f->report->ext_id, r->ext_id);
    copy(f->report[f->n_report].reason, sizeof f->report->reason, r->reason);
    copy(f->report[f->n_report].provider_code, sizeof f->report->provider_code, r->provider_code);
    copy(f->report[f->n_report].detail, sizeof f->report->detail, r->detail);
    f->n_report++;
}

static inline void fake_credit(struct hilo_self *self, uint32_t n)
{
    fake_of(self)->credit += n;
}

static inline int32_t fake_timer(struct hilo_self *self, uint32_t id, int64_t mono_us)
{
    (void)id;
    fake_of(self)->timer_us = mono_us;
    return HILO_OK;
}

static inline int32_t fake_http(struct hilo_self *self, uint64_t token, const struct hilo_http *h)
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

static inline int32_t fake_http_answer(struct hilo_self *self, uint64_t request, const struct hilo_http *h)
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

static inline int32_t fake_media_get(struct hilo_self *self, uint64_t token, struct hilo_id media)
{
    struct fake *f = fake_of(self);

    (void)media;
    f->media_token[f->n_media++] = token;
    return f->media_rc;
}

static inline void fake_fetched(struct hilo_self *self, uint64_t job, int32_t code, struct hilo_str mime,
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

static inline void fake_state(struct hilo_self *self, int32_t code, struct hilo_str text)
{
    struct fake *f = fake_of(self);

    f->state = code;
    (void)snprintf(f->state_text, sizeof f->state_text, "%.*s", (int)text.n, text.p ? text.p : "");
}

static const struct hilo_plugin *const plugin = &hilo_plugin_v1;

static inline void fake_conf(struct wa_conf *c)
{
    c->phone_number_id = str("1065");
    c->waba_id = str("102");
    c->token = str("TOKEN");
    c->app_secret = str("app-secret");
    c->verify_token = str("verify me");
    c->base_url = str("https://graph.example");
    c->version = str("v23.0");
    c->in_flight = 32;
    c->timeout_us = 30000000;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    struct fake *f = *state;

    if (f->inst)
        plugin->close(f->inst);
    free(f);
    return 0;
}

struct out {
    uint8_t buf[1024];
    struct hilo_writer w;
};

static inline struct hilo_id id_of(unsigned n)
{
    struct hilo_id id = {{0}};

    id.b[0] = 1;
    id.b[15] = (uint8_t)n;
    return id;
}

static inline struct hilo_str message(struct out *o, enum hilo_content type, const char *text, unsigned media)
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

static inline void send_text(struct fake *f, unsigned id)
{
    struct out o;
    assert_int_equal(plugin->send(f->inst, id_of(id), message(&o, HILO_CONTENT_TEXT, "hola", 0)), HILO_OK);
}

static inline void send_image(struct fake *f, unsigned id, unsigned media)
{
    struct out o;
    assert_int_equal(plugin->send(f->inst, id_of(id), message(&o, HILO_CONTENT_MEDIA, "", media)), HILO_OK);
}

/* Meta answers the n-th request. retry_after: NULL or seconds. */
static inline void meta(struct fake *f, unsigned n, uint32_t status, const char *body,
                        const char *retry_after)
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

static inline void meta_breaks(struct fake *f, unsigned n, uint32_t flags)
{
    const struct hilo_http h = {.size = sizeof h, .flags = flags, .sink_fd = -1};

    plugin->on_http(f->inst, f->http[n].token, HILO_TEMP, &h);
}

#define TAKEN(id)   "{\"messaging_product\":\"whatsapp\",\"contacts\":[],\"messages\":[{\"id\":\"" id "\"}]}"
#define ERROR(code) "{\"error\":{\"message\":\"no\",\"code\":" #code "}}"

#define FLOW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static inline int a_file(void)
{
    FILE *file = tmpfile();
    int fd;

    assert_non_null(file);
    fd = dup(fileno(file));
    fclose(file);
    assert_true(fd >= 0);
    return fd;
}

static inline void give_file(struct fake *f, unsigned n)
{
    plugin->on_media(f->inst, f->media_token[n], HILO_OK, a_file(), str("image/jpeg"), str("foto.jpg"), 0);
}

static inline void fetch(struct fake *f, uint64_t job, const char *media)
{
    uint8_t buf[256];
    struct hilo_writer w;

    hilo_writer_init(&w, buf, sizeof buf);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_str(&w, HILO_T_CONTENT_EXT_MEDIA, str(media));
    hilo_close(&w);
    plugin->fetch(f->inst, job, hilo_written(&w), str(media), a_file());
}

#define ADDRESS(url) "{\"url\":\"" url "\",\"mime_type\":\"image\\/jpeg\",\"sha256\":\"x\",\"file_size\":3}"

static inline void request(struct fake *f, uint64_t id, const char *method, const char *url, const char *body,
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

static inline void deliver(struct fake *f, uint64_t id, const char *body)
{
    uint8_t mac[32];
    char header[80] = "sha256=";
    unsigned i, n = sizeof mac;

    assert_non_null(HMAC(EVP_sha256(), "app-secret", 10, (const uint8_t *)body, strlen(body), mac, &n));
    for (i = 0; i < n; i++)
        sprintf(header + 7 + 2 * i, "%02x", mac[i]);
    request(f, id, "POST", "", body, header);
}

#define VALUE(value)                                                                                         \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"W\",\"changes\":[{\"field\":"            \
    "\"messages\",\"value\":{"                                                                               \
    "\"metadata\":{\"phone_number_id\":\"1065\"}," value "}}]}]}"
#define TEXT(id) "{\"from\":\"569111\",\"id\":\"" id "\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}"
#define BATCH                                                                                                \
    VALUE("\"messages\":[" TEXT("1") "," TEXT("2") "],\"statuses\":[{\"id\":\"3\",\"status\":\"read\"}]")

#endif
