/*
 * A test plugin as a shop's counter is one: it has no peer, asks the gateway's API from within,
 * follows its events and answers operators. It sees only hilo/plugin.h.
 *
 * Operators ask, under /v1/channels/{name}/admin:
 *   any  /api/v1/…      asks the API for the same, with the body and the Idempotency-Key
 *   any  /unheard/v1/…  likewise, and its process dies when the answer comes
 *   any  /lost/v1/…     likewise, and its process dies right after the question has left
 *   POST /burst/N       asks for the open cases N times at once; how often it was let, and answered
 *   GET  /wait/ID       answered when the event ID was dealt with; without an ID, when it follows
 *   POST /follow/ID     follows after ID
 * Each event's id goes to a file, one a line, "= " before one that only says where it begins; the
 * last one is kept in the context, by channel, and followed after when it starts.
 */
#include <fcntl.h>
#include <hilo/plugin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIT(s) ((struct hilo_str){(s), sizeof(s) - 1})
enum { CURSOR = 1, BURST = 2, WAITS = 8 };

struct conf {
    struct hilo_str file, types;
    int64_t slow_ms;
};
static const struct hilo_option options[] = {
    {HILO_OPTION(struct conf, file, HILO_OPT_STR), .name = "file", .flags = HILO_OPT_REQUIRED,
     .help = "Where ids of events go."},
    {HILO_OPTION(struct conf, types, HILO_OPT_STR), .name = "types", .help = "Events that it follows."},
    {HILO_OPTION(struct conf, slow_ms, HILO_OPT_INT), .name = "slow_ms", .def = "0", .max = 90,
     .help = "How long it takes for one."},
};

struct counter {
    const struct hilo_host *host;
    struct hilo_self *self;
    const struct conf *conf;
    int fd;
    struct {
        uint64_t request; /* 0: none */
        char id[32];
    } waits[WAITS];
    char last[32];
    int follows; /* it was told where that begins */
    int kill_on_answer;
    uint64_t burst;
    unsigned taken, answered;
};

static int cut(struct hilo_str *s, struct hilo_str head)
{
    if (s->n < head.n || memcmp(s->p, head.p, head.n) != 0)
        return 0;
    s->p += head.n;
    s->n -= head.n;
    return 1;
}

static void answer(struct counter *c, uint64_t request, uint32_t status, struct hilo_str body,
                   struct hilo_str type)
{
    const struct hilo_kv header = {LIT("Content-Type"), type};
    const struct hilo_http h = {
        .size = sizeof h, .status = status, .body = body, .header = &header, .n_header = 1, .sink_fd = -1};

    (void)c->host->http_answer(c->self, request, &h);
}

static void answer_code(struct counter *c, uint64_t request, int32_t code)
{
    char text[32];
    int n = snprintf(text, sizeof text, "{\"code\":%d}", (int)code);

    answer(c, request, code == HILO_OK ? 200 : 500, (struct hilo_str){text, (uint64_t)n},
           LIT("application/json"));
}

/* ---- the life ------------------------------------------------------------------------- */

static int32_t counter_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                            void **inst)
{
    struct counter *c = calloc(1, sizeof *c);

    if (!c)
        return HILO_NOMEM;
    c->host = host;
    c->self = self;
    c->conf = conf;
    c->fd = open(c->conf->file.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    *inst = c;
    return HILO_OK;
}

static int32_t counter_start(void *inst)
{
    struct counter *c = inst;

    c->host->state(c->self, HILO_OK, LIT("open"));
    return c->host->context_get(c->self, CURSOR, c->host->channel(c->self), LIT("cursor"));
}

static void counter_close(void *inst)
{
    struct counter *c = inst;

    close(c->fd);
    free(c);
}

/* ---- events --------------------------------------------------------------------------- */

static void counter_on_context(void *inst, uint64_t token, int32_t code, struct hilo_str val,
                               uint64_t version)
{
    struct counter *c = inst;

    (void)version;
    if (token == CURSOR)
        (void)c->host->follow(c->self, c->conf->types, code == HILO_OK ? val : LIT(""));
}

static void counter_on_event(void *inst, struct hilo_str id, struct hilo_str json)
{
    struct counter *c = inst;
    const struct timespec slow = {0, (long)c->conf->slow_ms * 1000000};
    char line[64];
    int n = snprintf(line, sizeof line, "%s%.*s\n", json.n ? "" : "= ", (int)id.n, id.p);

    if (slow.tv_nsec)
        (void)nanosleep(&slow, NULL);
    if (write(c->fd, line, (size_t)n) != n)
        abort();
    c->follows = 1;
    snprintf(c->last, sizeof c->last, "%.*s", (int)id.n, id.p);
    (void)c->host->context_put(c->self, 0, c->host->channel(c->self), LIT("cursor"), id, UINT64_MAX);
    for (unsigned i = 0; i < WAITS; i++)
        if (c->waits[i].request && strcmp(c->waits[i].id, c->last) <= 0) { /* ids sort as events do */
            answer_code(c, c->waits[i].request, HILO_OK);
            c->waits[i].request = 0;
        }
}

static void wait_for(struct counter *c, uint64_t request, struct hilo_str id)
{
    for (unsigned i = 0; i < WAITS; i++)
        if (!c->waits[i].request) {
            snprintf(c->waits[i].id, sizeof c->waits[i].id, "%.*s", (int)id.n, id.p);
            if (c->follows && strcmp(c->waits[i].id, c->last) <= 0)
                answer_code(c, request, HILO_OK);
            else
                c->waits[i].request = request;
            return;
        }
    answer_code(c, request, HILO_FULL);
}

/* ---- operators -------------------------------------------------------------------------- */

static void ask(struct counter *c, uint64_t request, const struct hilo_http *h, struct hilo_str url)
{
    struct hilo_http q = {.size = sizeof q,
                          .method = h->method,
                          .url = url,
                          .body = h->body,
                          .header = h->header,
                          .n_header = h->n_header,
                          .sink_fd = -1};
    int32_t code = c->host->api(c->self, request << 2, &q);

    if (code != HILO_OK)
        answer_code(c, request, code);
}

static void burst(struct counter *c, uint64_t request, unsigned n)
{
    const struct hilo_http q = {
        .size = sizeof q, .method = LIT("GET"), .url = LIT("/v1/cases?status=open"), .sink_fd = -1};

    c->burst = request;
    c->taken = c->answered = 0;
    for (unsigned i = 0; i < n; i++)
        c->taken += c->host->api(c->self, BURST, &q) == HILO_OK;
}

/* Every Hilo-Actor that came, so that one of the caller's own would be seen. */
static void whoami(struct counter *c, uint64_t request, const struct hilo_http *h)
{
    char text[256];
    int n = snprintf(text, sizeof text, "{\"actor\":\"");

    for (uint64_t i = 0; i < h->n_header; i++)
        if (h->header[i].key.n == 10 && strncasecmp(h->header[i].key.p, "hilo-actor", 10) == 0)
            n += snprintf(text + n, sizeof text - (size_t)n, "%.*s.", (int)h->header[i].val.n,
                          h->header[i].val.p);
    n += snprintf(text + n, sizeof text - (size_t)n, "\"}");
    answer(c, request, 200, (struct hilo_str){text, (uint64_t)n}, LIT("application/json"));
}

static void counter_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    struct counter *c = inst;
    struct hilo_str url = h->url;

    if (!(h->flags & HILO_HTTP_OPERATOR)) {
        answer(c, request, 403, LIT("{\"code\":\"not_for_you\"}"), LIT("application/problem+json"));
        return;
    }
    if (cut(&url, LIT("/api"))) {
        ask(c, request, h, url);
    } else if (cut(&url, LIT("/unheard"))) {
        c->kill_on_answer = 1;
        ask(c, request, h, url);
    } else if (cut(&url, LIT("/lost"))) {
        ask(c, request, h, url);
        (void)c->host->timer(c->self, 1, c->host->mono_us(c->self));
    } else if (cut(&url, LIT("/burst/"))) {
        burst(c, request, (unsigned)atoi(url.p));
    } else if (cut(&url, LIT("/wait/"))) {
        wait_for(c, request, url);
    } else if (cut(&url, LIT("/whoami"))) {
        whoami(c, request, h);
    } else if (cut(&url, LIT("/follow/"))) {
        answer_code(c, request, c->host->follow(c->self, c->conf->types, url));
    } else {
        answer(c, request, 404, LIT("{\"code\":\"no_such_thing\"}"), LIT("application/problem+json"));
    }
}

static void counter_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *h)
{
    struct counter *c = inst;
    struct hilo_str type = LIT("application/json");
    char text[64];

    if (c->kill_on_answer)
        (void)raise(SIGKILL);
    if (token == BURST) {
        c->answered += code == HILO_OK && h->status == 200;
        if (c->answered == c->taken)
            answer(c, c->burst, 200,
                   (struct hilo_str){text,
                                     (uint64_t)snprintf(text, sizeof text, "{\"taken\":%u,\"answered\":%u}",
                                                        c->taken, c->answered)},
                   type);
        return;
    }
    if (code != HILO_OK) {
        answer_code(c, token >> 2, code);
        return;
    }
    for (uint64_t i = 0; i < h->n_header; i++)
        if (h->header[i].key.n == 12 && memcmp(h->header[i].key.p, "Content-Type", 12) == 0)
            type = h->header[i].val;
    answer(c, token >> 2, h->status, h->body, type);
}

static void counter_on_timer(void *inst, uint32_t id)
{
    (void)inst;
    (void)id;
    (void)raise(SIGKILL);
}

const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_REQUEST,
    .name = "counter",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "A shop's counter.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .conf_size = sizeof(struct conf),
    .open = counter_open,
    .start = counter_start,
    .on_context = counter_on_context,
    .on_http = counter_on_http,
    .on_request = counter_on_request,
    .on_timer = counter_on_timer,
    .close = counter_close,
    .scopes = "customers:read customers:write cases:read",
    .on_event = counter_on_event,
};
