/*
 * A test plugin that uses every service of the host and breaks no rule. It sees only
 * hilo/plugin.h; tests/abi builds it against the frozen headers too, where it must go on
 * working with the present host.
 *
 * What a send does depends on its content's text:
 *   "http://…"  requests that URL and reports with the status
 *   "timer"     reports from a timer
 *   "thread"    reports after another thread has called wake()
 *   "watch"     reports when a descriptor becomes readable
 *   "media"     asks for the content's media and reports with its first bytes
 *   "template"  publishes a list of one template, the content's text as its name, and
 *               reports that this recipient is to be left alone for 6 seconds
 *   "several C a b …"  reports one send that was several: ids a, b … ("-": not known), by C: O
 *               sent, D in doubt, P refused
 *   "api M U B" asks the gateway's API: method, URL, body; reports with the status, the body and
 *               how many headers it came with
 *   "apis N"    asks it so often, and reports how many of them were taken
 *   "follow T"  follows these events, or "follow T A" after A
 *   "events"    reports how many events came, and the last one's id and text
 *   else        reports at once
 * A request's body is submitted and answered when it is committed; "/context" writes and
 * reads a key first; "/big" is answered with as many bytes as its body says.
 */
#include <hilo/message.h>
#include <hilo/plugin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct conf {
    struct hilo_str greeting;
    int64_t credit;
    uint64_t sms;
    int64_t segments_max;
};

static const struct hilo_option options[] = {
    {HILO_OPTION(struct conf, greeting, HILO_OPT_STR), .name = "greeting", .def = "hello",
     .flags = HILO_OPT_RELOADABLE, .help = "What it says; \"never\" it does not learn while it runs."},
    {HILO_OPTION(struct conf, credit, HILO_OPT_INT), .name = "credit", .def = "10",
     .help = "Sends at a time.", .max = 1000},
    {HILO_OPTION(struct conf, sms, HILO_OPT_BOOL), .name = "sms", .def = "no",
     .help = "Texts go to phones, in segments of 140 octets."},
    {HILO_OPTION(struct conf, segments_max, HILO_OPT_INT), .name = "segments_max", .def = "10",
     .help = "Segments of a message.", .min = 1, .max = 255},
};

/* One send or request that waits, by its token. */
struct job {
    struct job *next;
    uint64_t token;
    struct hilo_id id;
    uint64_t version;
};

struct echo {
    const struct hilo_host *host;
    struct hilo_self *self;
    const struct conf *conf;
    struct job *jobs;
    uint64_t next;
    int event; /* for "watch" */
    unsigned events;
    char last_id[64], last_text[64];
    pthread_t thread;
    uint64_t thread_job;
    int thread_runs;
};

#define LIT(s) ((struct hilo_str){(s), sizeof(s) - 1})

static struct job *job_new(struct echo *e, struct hilo_id id)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        abort();
    j->token = ++e->next;
    j->id = id;
    j->next = e->jobs;
    e->jobs = j;
    return j;
}

static int job_take(struct echo *e, uint64_t token, struct job *out)
{
    for (struct job **p = &e->jobs; *p; p = &(*p)->next) {
        struct job *j = *p;
        if (j->token != token)
            continue;
        *p = j->next;
        *out = *j;
        free(j);
        return 1;
    }
    return 0;
}

static void report(struct echo *e, struct hilo_id id, int32_t code, struct hilo_str ext_id,
                   struct hilo_str reason)
{
    struct hilo_report r = {.size = sizeof r, .code = code, .id = id, .ext_id = ext_id, .reason = reason};

    e->host->report(e->self, &r);
}

static void report_job(struct echo *e, uint64_t token, int32_t code, struct hilo_str ext_id)
{
    struct job j;

    if (job_take(e, token, &j))
        report(e, j.id, code, ext_id, LIT(""));
}

static int32_t echo_open(const struct hilo_host *host, struct hilo_self *self, const void *conf, void **inst)
{
    struct echo *e = calloc(1, sizeof *e);

    if (!e)
        return HILO_NOMEM;
    e->host = host;
    e->self = self;
    e->conf = conf;
    e->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    host->log(self, HILO_LOG_INFO, LIT("opened"));
    *inst = e;
    return HILO_OK;
}

static int32_t echo_reconfigure(void *inst, const void *conf)
{
    struct echo *e = inst;
    const struct conf *c = conf;

    if (c->greeting.n == 5 && memcmp(c->greeting.p, "never", 5) == 0)
        return HILO_NOSUP;
    e->conf = c;
    e->host->state(e->self, HILO_OK, e->conf->greeting);
    return HILO_OK;
}

static int32_t echo_start(void *inst)
{
    struct echo *e = inst;

    e->host->credit(e->self, (uint32_t)e->conf->credit);
    e->host->state(e->self, HILO_OK, e->conf->greeting);
    return HILO_OK;
}

static void *other_thread(void *arg)
{
    struct echo *e = arg;

    e->host->wake(e->self);
    return NULL;
}

static int starts(struct hilo_str s, struct hilo_str head)
{
    return s.n >= head.n && memcmp(s.p, head.p, head.n) == 0;
}

static int32_t publish(struct echo *e, struct hilo_id id, struct hilo_str name)
{
    struct hilo_report r = {.size = sizeof r,
                            .code = HILO_AGAIN,
                            .id = id,
                            .retry_after_us = 6000000,
                            .scope = HILO_SCOPE_CONVERSATION};
    struct hilo_writer w;
    char bytes[128];
    static char huge[HILO_TEMPLATE_MAX + 1];

    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_put_str(&w, HILO_T_TEMPLATE_NAME, name);
    e->host->template_begin(e->self);
    if (e->host->template_put(e->self, hilo_written(&w)) != HILO_OK ||
        e->host->template_put(e->self, LIT("")) != HILO_INVALID ||
        e->host->template_put(e->self, (struct hilo_str){huge, sizeof huge}) != HILO_INVALID)
        return HILO_PERM;
    e->host->template_end(e->self);
    e->host->report(e->self, &r);
    return HILO_OK;
}

static int32_t several(struct echo *e, struct hilo_id id, struct hilo_str text)
{
    struct hilo_report r = {.size = sizeof r, .id = id, .reason = LIT("several")};
    struct hilo_str ids[HILO_MORE_EXT_IDS_MAX + 1];
    uint64_t n = 0;

    r.code = text.n > 8 && text.p[8] == 'D'   ? HILO_IN_DOUBT
             : text.n > 8 && text.p[8] == 'P' ? HILO_PERM
                                              : HILO_OK;
    for (uint64_t at = 10; at < text.n && n <= HILO_MORE_EXT_IDS_MAX; n++) {
        uint64_t start = at;
        while (at < text.n && text.p[at] != ' ')
            at++;
        ids[n] = (struct hilo_str){text.p + start, at - start};
        if (ids[n].n == 1 && *ids[n].p == '-')
            ids[n].n = 0;
        at++;
    }
    if (n == 0)
        return HILO_PERM;
    r.ext_id = ids[0];
    r.more_ext_ids = ids + 1;
    r.n_more_ext_ids = n - 1;
    e->host->report(e->self, &r);
    return HILO_OK;
}

/* Cuts off what stands before the next space. */
static struct hilo_str word(struct hilo_str *s)
{
    struct hilo_str w = *s;

    while (s->n && *s->p != ' ')
        s->p++, s->n--;
    w.n -= s->n;
    if (s->n)
        s->p++, s->n--;
    return w;
}

static int32_t api(struct echo *e, struct hilo_id id, struct hilo_str text)
{
    struct hilo_kv header = {LIT("Idempotency-Key"), LIT("k1")};
    struct hilo_http h = {.size = sizeof h, .header = &header, .n_header = 1, .sink_fd = -1};
    struct job *j = job_new(e, id), gone;
    int32_t code;

    (void)word(&text);
    h.method = word(&text);
    h.url = word(&text);
    h.body = text;
    code = e->host->api(e->self, j->token, &h);
    if (code != HILO_OK)
        (void)job_take(e, j->token, &gone);
    return code;
}

static int32_t apis(struct echo *e, struct hilo_id id, struct hilo_str text)
{
    struct hilo_http h = {.size = sizeof h, .method = LIT("GET"), .url = LIT("/v1/x"), .sink_fd = -1};
    unsigned n = (unsigned)atoi(text.p + 5), taken = 0;
    char said[16];

    for (unsigned i = 0; i < n; i++)
        taken += e->host->api(e->self, UINT64_MAX - i, &h) == HILO_OK;
    report(e, id, HILO_OK, (struct hilo_str){said, (uint64_t)snprintf(said, sizeof said, "%u", taken)},
           LIT(""));
    return HILO_OK;
}

static int32_t follow(struct echo *e, struct hilo_id id, struct hilo_str text)
{
    struct hilo_str types;
    int32_t code;

    (void)word(&text);
    types = word(&text);
    e->events = 0;
    code = e->host->follow(e->self, types, text);
    report(e, id, HILO_OK, code == HILO_OK ? LIT("follows") : LIT("no"), LIT(""));
    return HILO_OK;
}

static int32_t events(struct echo *e, struct hilo_id id)
{
    char text[160];
    int n = snprintf(text, sizeof text, "%u %s %s", e->events, e->last_id, e->last_text);

    report(e, id, HILO_OK, (struct hilo_str){text, (uint64_t)n}, LIT(""));
    return HILO_OK;
}

static int32_t file(struct echo *e, struct hilo_id id, struct hilo_str text)
{
    struct job *j = job_new(e, id), gone;
    struct hilo_str what;
    int32_t code;

    (void)word(&text);
    what = word(&text);
    code = starts(what, LIT("create"))   ? e->host->file_open(e->self, j->token, text, HILO_FILE_CREATE)
           : starts(what, LIT("open"))   ? e->host->file_open(e->self, j->token, text, 0)
           : starts(what, LIT("remove")) ? e->host->file_remove(e->self, j->token, text)
                                         : e->host->file_list(e->self, j->token);
    if (code != HILO_OK)
        (void)job_take(e, j->token, &gone);
    return code;
}

static void echo_on_event(void *inst, struct hilo_str id, struct hilo_str json)
{
    struct echo *e = inst;

    e->events++;
    snprintf(e->last_id, sizeof e->last_id, "%.*s", (int)id.n, id.p);
    snprintf(e->last_text, sizeof e->last_text, "%.*s", (int)json.n, json.p);
}

static int32_t echo_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct echo *e = inst;
    struct hilo_str content = hilo_content(message), text = hilo_get_str(content, HILO_T_CONTENT_TEXT);

    if (starts(text, LIT("http://"))) {
        struct hilo_http h = {.size = sizeof h, .method = LIT("GET"), .url = text, .sink_fd = -1};
        struct job *j = job_new(e, id);
        int32_t code = e->host->http(e->self, j->token, &h);
        struct job gone;

        if (code != HILO_OK)
            (void)job_take(e, j->token, &gone);
        return code;
    }
    if (starts(text, LIT("timer"))) {
        struct job *j = job_new(e, id);
        return e->host->timer(e->self, (uint32_t)j->token, e->host->mono_us(e->self) + 1000);
    }
    if (starts(text, LIT("thread")) && !e->thread_runs) {
        e->thread_job = job_new(e, id)->token;
        e->thread_runs = pthread_create(&e->thread, NULL, other_thread, e) == 0;
        return HILO_OK;
    }
    if (starts(text, LIT("watch"))) {
        uint64_t token = job_new(e, id)->token;

        if (write(e->event, &token, sizeof token) != sizeof token)
            return HILO_IO;
        return e->host->watch(e->self, e->event, HILO_READ);
    }
    if (starts(text, LIT("template")))
        return publish(e, id, text);
    if (starts(text, LIT("several ")))
        return several(e, id, text);
    if (starts(text, LIT("api ")))
        return api(e, id, text);
    if (starts(text, LIT("apis ")))
        return apis(e, id, text);
    if (starts(text, LIT("follow ")))
        return follow(e, id, text);
    if (starts(text, LIT("events")))
        return events(e, id);
    if (starts(text, LIT("file ")))
        return file(e, id, text);
    if (starts(text, LIT("untaken"))) {
        const struct hilo_report r = {.size = sizeof r,
                                      .code = text.n > 7 ? HILO_PERM : HILO_TEMP,
                                      .id = id,
                                      .flags = HILO_REPORT_UNTAKEN | 0x80};
        e->host->report(e->self, &r);
        return HILO_OK;
    }
    if (starts(text, LIT("media")))
        return e->host->media_get(e->self, job_new(e, id)->token, hilo_get_id(content, HILO_T_CONTENT_MEDIA));
    report(e, id, HILO_OK, text, LIT(""));
    return HILO_OK;
}

static void echo_revoke(void *inst, struct hilo_id id)
{
    struct echo *e = inst;

    for (struct job *j = e->jobs; j; j = j->next)
        if (memcmp(&j->id, &id, sizeof id) == 0) {
            struct job gone;
            (void)e->host->timer(e->self, (uint32_t)j->token, 0);
            (void)job_take(e, j->token, &gone);
            report(e, id, HILO_AGAIN, LIT(""), LIT("revoked"));
            return;
        }
}

static void answer(struct echo *e, uint64_t request, uint32_t status, struct hilo_str body)
{
    struct hilo_kv header = {LIT("Content-Type"), LIT("text/plain")};
    struct hilo_http h = {
        .size = sizeof h, .status = status, .body = body, .header = &header, .n_header = 1, .sink_fd = -1};

    (void)e->host->http_answer(e->self, request, &h);
}

static void echo_committed(void *inst, uint64_t token, int32_t code)
{
    answer(inst, token, code == HILO_OK || code == HILO_DUPLICATE ? 200 : 503, LIT("committed"));
}

static void echo_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    struct echo *e = inst;

    if (starts(h->url, LIT("/context"))) {
        if (e->host->context_put(e->self, request, LIT(""), LIT("last"), h->body, UINT64_MAX) != HILO_OK)
            answer(e, request, 503, LIT("full"));
        return;
    }
    if (starts(h->url, LIT("/big"))) {
        size_t n = h->body.n;
        char *p = malloc(n + 1);

        if (!p)
            abort();
        memset(p, 'b', n);
        answer(e, request, 200, (struct hilo_str){p, n});
        free(p);
        return;
    }
    if (e->host->submit(e->self, request, h->body) != HILO_OK)
        answer(e, request, 503, LIT("full"));
}

static void echo_on_context(void *inst, uint64_t token, int32_t code, struct hilo_str val, uint64_t version)
{
    struct echo *e = inst;

    if (code == HILO_OK && val.n == 0 && version == 1) /* written: read it back */
        (void)e->host->context_get(e->self, token, LIT(""), LIT("last"));
    else
        answer(e, token, code == HILO_OK ? 200 : 500, val);
}

static void echo_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *a)
{
    char text[64];
    int n = a->body.n && a->body.n < 40 ? snprintf(text, sizeof text, "%u %.*s %u", a->status, (int)a->body.n,
                                                   a->body.p, (unsigned)a->n_header)
                                        : snprintf(text, sizeof text, "%u", a->status);

    if (code != HILO_OK && (a->flags & HILO_HTTP_MAYBE_SENT))
        code = HILO_IN_DOUBT;
    report_job(inst, token, code, (struct hilo_str){text, (uint64_t)n});
}

static void echo_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                          struct hilo_str filename, uint64_t size)
{
    char head[16];
    ssize_t n = 0;

    (void)mime;
    (void)filename;
    (void)size;
    if (fd >= 0) {
        n = read(fd, head, sizeof head);
        close(fd);
    }
    report_job(inst, token, code, (struct hilo_str){head, n > 0 ? (uint64_t)n : 0});
}

static void echo_on_file(void *inst, uint64_t token, int32_t code, int32_t fd, uint64_t size)
{
    char head[16], text[64];
    ssize_t n = 0;
    int len;

    if (fd >= 0) {
        n = read(fd, head, sizeof head);
        close(fd);
    }
    len = snprintf(text, sizeof text, "%d %u %.*s", (int)code, (unsigned)size, (int)(n > 0 ? n : 0), head);
    report_job(inst, token, HILO_OK, (struct hilo_str){text, (uint64_t)len});
}

/* How many, the first and the last. */
static void echo_on_files(void *inst, uint64_t token, int32_t code, const struct hilo_str *names, uint64_t n)
{
    char text[64];
    int len = n ? snprintf(text, sizeof text, "%d %u %.*s %.*s", (int)code, (unsigned)n, (int)names[0].n,
                           names[0].p, (int)names[n - 1].n, names[n - 1].p)
                : snprintf(text, sizeof text, "%d none", (int)code);

    report_job(inst, token, HILO_OK, (struct hilo_str){text, (uint64_t)len});
}

static void echo_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    struct echo *e = inst;
    struct hilo_str text = hilo_get_str(hilo_content(message), HILO_T_CONTENT_TEXT);
    int ok = write(fd, text.p, text.n) == (ssize_t)text.n && write(fd, which.p, which.n) == (ssize_t)which.n;

    close(fd);
    e->host->fetched(e->self, job, ok ? HILO_OK : HILO_IO, LIT("text/plain"), LIT(""), 0);
}

static void echo_on_fd(void *inst, int32_t fd, uint32_t events)
{
    struct echo *e = inst;
    uint64_t token;

    if (!(events & HILO_READ) || read(fd, &token, sizeof token) != sizeof token)
        return;
    (void)e->host->watch(e->self, fd, 0);
    report_job(e, token, HILO_OK, LIT("watched"));
}

static void echo_on_timer(void *inst, uint32_t id)
{
    report_job(inst, id, HILO_OK, LIT("timed"));
}

static void join(struct echo *e)
{
    if (e->thread_runs)
        pthread_join(e->thread, NULL);
    e->thread_runs = 0;
}

static void echo_woken(void *inst)
{
    struct echo *e = inst;

    join(e);
    report_job(e, e->thread_job, HILO_OK, LIT("woken"));
}

static void echo_close(void *inst)
{
    struct echo *e = inst;

    join(e);
    while (e->jobs) {
        struct job gone;
        (void)job_take(e, e->jobs->token, &gone);
    }
    close(e->event);
    free(e);
}

static const struct hilo_abilities abilities = {
    .size = sizeof abilities,
    .contents = (1u << HILO_CONTENT_TEXT) | (1u << HILO_CONTENT_MEDIA),
    .media_kinds = 1u << HILO_MEDIA_IMAGE,
    .text_max = 4096,
    .schemes = 1u << HILO_SCHEME_PHONE,
    .segment = {HILO_SEGMENT_GSM7 | HILO_SEGMENT_UCS2, 140, 6, 10, 0},
};

static const char *echo_check(const void *conf, struct hilo_abilities *able)
{
    const struct conf *c = conf;

    able->segment.segments_max = (uint32_t)c->segments_max;
    if (!c->sms) {
        memset(&able->segment, 0, sizeof able->segment);
        able->schemes = 0;
    }
    return NULL;
}

const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_ALL_V1,
    .requires = HILO_CAN_ALL_V1,
    .name = "echo",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "Answers what it is told.",
    .abilities = &abilities,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .conf_size = sizeof(struct conf),
    .open = echo_open,
    .start = echo_start,
    .reconfigure = echo_reconfigure,
    .send = echo_send,
    .revoke = echo_revoke,
    .committed = echo_committed,
    .on_context = echo_on_context,
    .on_http = echo_on_http,
    .on_request = echo_on_request,
    .on_media = echo_on_media,
    .fetch = echo_fetch,
    .on_fd = echo_on_fd,
    .on_timer = echo_on_timer,
    .woken = echo_woken,
    .close = echo_close,
    .check = echo_check,
    .scopes = "customers:read cases:read messages:read messages:write",
    .on_event = echo_on_event,
    .on_file = echo_on_file,
    .on_files = echo_on_files,
};
