/*
 * A test plugin as a telephone line is one, without a telephone: what is sent rings until an operator says
 * what comes of it; it keeps files, has a tree among its options, speaks texts, and asks the API about its
 * calls. It sees only include/hilo.
 *
 * Under /hooks/{channel}: what a customer said, as lines: "ext ID", "phone +57…" or "document CO:CC:…",
 * "case cas_…", "call cal_…", and "text …" or "voice"; 200, 409 (duplicate), 422, 503.
 * Operators ask, under /v1/channels/{name}/admin:
 *   any  /api/v1/…              asks the API for the same
 *   GET  /held                  the message that rings: its text, type, choices; answered when there is one
 *   POST /rings                 a receipt: it was sent
 *   POST /untaken, /taken, /no  reports TEMP with UNTAKEN, OK with a receipt that it was delivered, PERM
 *   POST /temp                  reports TEMP, though a receipt may have said that it was sent
 *   POST /file/create/NAME, /file/open/NAME, /file/remove/NAME; GET /file/list
 *   GET  /menu                  the tree, as it came
 *   POST /die
 */
#include <hilo/message.h>
#include <hilo/plugin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIT(s) ((struct hilo_str){(s), sizeof(s) - 1})
enum { TEXT_MAX = 16384 };

struct conf {
    struct hilo_str menu;
};
static const struct hilo_option options[] = {
    {HILO_OPTION(struct conf, menu, HILO_OPT_TREE), .name = "menu", .flags = HILO_OPT_RELOADABLE,
     .help = "What callers hear."},
};

struct phone {
    const struct hilo_host *host;
    struct hilo_self *self;
    const struct conf *conf;
    int holds;
    struct hilo_id id;
    char text[TEXT_MAX]; /* of what rings, as JSON */
    uint64_t waits;      /* a request for what rings; 0: none */
};

static int cut(struct hilo_str *s, struct hilo_str head)
{
    if (s->n < head.n || memcmp(s->p, head.p, head.n) != 0)
        return 0;
    s->p += head.n;
    s->n -= head.n;
    return 1;
}

static void answer(struct phone *c, uint64_t request, uint32_t status, struct hilo_str body)
{
    const struct hilo_kv header = {LIT("Content-Type"), LIT("application/json")};
    const struct hilo_http h = {
        .size = sizeof h, .status = status, .body = body, .header = &header, .n_header = 1, .sink_fd = -1};

    (void)c->host->http_answer(c->self, request, &h);
}

static void answer_code(struct phone *c, uint64_t request, int32_t code, uint64_t size)
{
    char text[64];
    int n = snprintf(text, sizeof text, "{\"code\":%d,\"size\":%llu}", (int)code, (unsigned long long)size);

    answer(c, request, 200, (struct hilo_str){text, (uint64_t)n});
}

/* ---- the life --------------------------------------------------------------------------- */

static int32_t phone_open(const struct hilo_host *host, struct hilo_self *self, const void *conf, void **inst)
{
    struct phone *c = calloc(1, sizeof *c);

    if (!c)
        return HILO_NOMEM;
    c->host = host;
    c->self = self;
    c->conf = conf;
    *inst = c;
    return HILO_OK;
}

static int32_t phone_start(void *inst)
{
    struct phone *c = inst;

    c->host->state(c->self, HILO_OK, LIT("registered"));
    c->host->credit(c->self, 1);
    return HILO_OK;
}

static int32_t phone_reconfigure(void *inst, const void *conf)
{
    ((struct phone *)inst)->conf = conf;
    return HILO_OK;
}

static void phone_close(void *inst)
{
    free(inst);
}

/* ---- what is sent ------------------------------------------------------------------------- */

static size_t put_json(char *out, size_t at, struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n && at + 8 < TEXT_MAX; i++) {
        unsigned char ch = (unsigned char)s.p[i];

        if (ch < 0x20 || ch == '"' || ch == '\\')
            at += (size_t)snprintf(out + at, TEXT_MAX - at, "\\u%04x", ch);
        else
            out[at++] = (char)ch;
    }
    out[at] = '\0';
    return at;
}

static void tell_held(struct phone *c)
{
    if (!c->waits || !c->holds)
        return;
    answer(c, c->waits, 200, (struct hilo_str){c->text, strlen(c->text)});
    c->waits = 0;
}

static int32_t phone_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct phone *c = inst;
    struct hilo_str content = hilo_content(message), rest = content;
    struct hilo_field f;
    size_t at;

    if (c->holds)
        return HILO_AGAIN;
    c->holds = 1;
    c->id = id;
    at = (size_t)snprintf(c->text, TEXT_MAX, "{\"type\":%u,\"media\":%s,\"url\":%s,\"text\":\"",
                          (unsigned)hilo_get_u64(content, HILO_T_CONTENT_TYPE),
                          hilo_get_str(content, HILO_T_CONTENT_MEDIA).n ? "true" : "false",
                          hilo_get_str(content, HILO_T_CONTENT_URL).n ? "true" : "false");
    at = put_json(c->text, at, hilo_get_str(content, HILO_T_CONTENT_TEXT));
    at += (size_t)snprintf(c->text + at, TEXT_MAX - at, "\",\"caption\":\"");
    at = put_json(c->text, at, hilo_get_str(content, HILO_T_CONTENT_CAPTION));
    at += (size_t)snprintf(c->text + at, TEXT_MAX - at, "\",\"choices\":[\"\"");
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        at += (size_t)snprintf(c->text + at, TEXT_MAX - at, ",\"");
        at = put_json(c->text, at, hilo_get_str(f.val, HILO_T_CHOICE_ID));
        at += (size_t)snprintf(c->text + at, TEXT_MAX - at, "\"");
    }
    (void)snprintf(c->text + at, TEXT_MAX - at, "]}");
    tell_held(c);
    return HILO_OK;
}

static int32_t receipt(struct phone *c, uint64_t token, uint64_t status)
{
    char buf[256];
    struct hilo_writer w;

    hilo_writer_init(&w, buf, sizeof buf);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)c->host->wall_us(c->self));
    hilo_open(&w, HILO_T_MSG_RECEIPT);
    hilo_put_u64(&w, HILO_T_RECEIPT_STATUS, status);
    hilo_put_id(&w, HILO_T_RECEIPT_ECHO, c->id);
    hilo_close(&w);
    return c->host->submit(c->self, token, hilo_written(&w));
}

static void outcome(struct phone *c, uint64_t request, int32_t code, uint32_t flags)
{
    const struct hilo_report r = {.size = sizeof r,
                                  .code = code,
                                  .id = c->id,
                                  .reason = code == HILO_OK ? LIT("") : LIT("no_answer"),
                                  .detail = code == HILO_OK ? LIT("") : LIT("it rang, and nobody took it"),
                                  .retry_after_us = 1000,
                                  .flags = flags};

    c->holds = 0;
    c->host->report(c->self, &r);
    if (code == HILO_OK && receipt(c, request, HILO_STATUS_DELIVERED) == HILO_OK)
        return;
    answer_code(c, request, HILO_OK, 0);
}

/* ---- files --------------------------------------------------------------------------------- */

static void file(struct phone *c, uint64_t request, struct hilo_str url)
{
    int32_t code = HILO_NOSUP;

    if (cut(&url, LIT("create/")))
        code = c->host->file_open(c->self, request << 1, url, HILO_FILE_CREATE);
    else if (cut(&url, LIT("open/")))
        code = c->host->file_open(c->self, request << 1 | 1, url, 0);
    else if (cut(&url, LIT("remove/")))
        code = c->host->file_remove(c->self, request << 1, url);
    else if (cut(&url, LIT("list")))
        code = c->host->file_list(c->self, request << 1);
    if (code != HILO_OK)
        answer_code(c, request, code, 0);
}

/* What was created gets a word and is synced. */
static void phone_on_file(void *inst, uint64_t token, int32_t code, int32_t fd, uint64_t size)
{
    if (fd >= 0 && !(token & 1) && (pwrite(fd, "voice", 5, (off_t)size) != 5 || fsync(fd) != 0))
        code = HILO_IO;
    if (fd >= 0)
        close(fd);
    answer_code(inst, token >> 1, code, size);
}

static void phone_on_files(void *inst, uint64_t token, int32_t code, const struct hilo_str *names, uint64_t n)
{
    static const char ends[] = "\",\"";
    size_t at = 0;
    char *text = malloc(n * 104 + 64);

    if (!text)
        abort();
    at += (size_t)sprintf(text, "{\"code\":%d,\"names\":[\"", (int)code);
    for (uint64_t i = 0; i < n; i++) {
        memcpy(text + at, names[i].p, names[i].n);
        at += names[i].n;
        memcpy(text + at, ends, 3);
        at += 3;
    }
    at += (size_t)sprintf(text + at, "\"]}");
    answer(inst, token >> 1, 200, (struct hilo_str){text, at});
    free(text);
}

/* ---- what customers say -------------------------------------------------------------------------- */

/* "cas_" and 26 signs of Crockford's base32. */
static struct hilo_id id_of(struct hilo_str s)
{
    static const char signs[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct hilo_id id = {{0}};
    unsigned at = 0, have = 0;

    for (uint64_t i = 4; i < s.n && i < 30; i++) {
        const char *sign = strchr(signs, s.p[i]);
        for (int b = 4; sign && b >= 0; b--) {
            if (i == 4 && b >= 3) /* 130 bits stand for 128 */
                continue;
            at = at << 1 | ((unsigned)(sign - signs) >> b & 1);
            if (++have % 8 == 0)
                id.b[have / 8 - 1] = (uint8_t)at;
        }
    }
    return id;
}

static int32_t said(struct phone *c, uint64_t token, struct hilo_str body)
{
    char buf[2048];
    struct hilo_writer w;
    struct hilo_str line, text = {NULL, 0};
    int voice = 0;

    hilo_writer_init(&w, buf, sizeof buf);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    while (body.n) {
        const char *end = memchr(body.p, '\n', body.n);

        line = body;
        line.n = end ? (uint64_t)(end - body.p) : body.n;
        body.p += line.n + (end != NULL);
        body.n -= line.n + (end != NULL);
        if (cut(&line, LIT("ext "))) {
            hilo_put_str(&w, HILO_T_MSG_EXT_ID, line);
        } else if (cut(&line, LIT("case "))) {
            hilo_put_id(&w, HILO_T_MSG_CASE, id_of(line));
        } else if (cut(&line, LIT("call "))) {
            hilo_put_id(&w, HILO_T_MSG_CALL, id_of(line));
        } else if (cut(&line, LIT("text "))) {
            text = line;
        } else if (cut(&line, LIT("voice"))) {
            voice = 1;
        } else {
            int phone = cut(&line, LIT("phone "));
            if (!phone)
                (void)cut(&line, LIT("document "));
            hilo_open(&w, HILO_T_MSG_PARTY);
            hilo_put_u64(&w, HILO_T_IDENT_SCHEME, phone ? HILO_SCHEME_PHONE : HILO_SCHEME_DOCUMENT);
            hilo_put_str(&w, HILO_T_IDENT_VALUE, line);
            hilo_close(&w);
        }
    }
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, voice ? HILO_CONTENT_MEDIA : HILO_CONTENT_TEXT);
    if (voice) {
        hilo_put_u64(&w, HILO_T_CONTENT_KIND, HILO_MEDIA_VOICE);
        hilo_put_str(&w, HILO_T_CONTENT_EXT_MEDIA, LIT("rec-1.wav"));
        hilo_put_str(&w, HILO_T_CONTENT_MIME, LIT("audio/wav"));
    } else {
        hilo_put_str(&w, HILO_T_CONTENT_TEXT, text);
    }
    hilo_close(&w);
    return c->host->submit(c->self, token, hilo_written(&w));
}

/* ---- requests --------------------------------------------------------------------------------- */

static void ask(struct phone *c, uint64_t request, const struct hilo_http *h, struct hilo_str url)
{
    struct hilo_http q = {.size = sizeof q,
                          .method = h->method,
                          .url = url,
                          .body = h->body,
                          .header = h->header,
                          .n_header = h->n_header,
                          .sink_fd = -1};
    int32_t code = c->host->api(c->self, request, &q);

    if (code != HILO_OK)
        answer_code(c, request, code, 0);
}

static void phone_on_http(void *inst, uint64_t token, int32_t code, const struct hilo_http *h)
{
    if (code != HILO_OK)
        answer_code(inst, token, code, 0);
    else
        answer(inst, token, h->status, h->body);
}

static void phone_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    struct phone *c = inst;
    struct hilo_str url = h->url;

    if (!(h->flags & HILO_HTTP_OPERATOR)) {
        if (said(c, request, h->body) != HILO_OK)
            answer(c, request, 422, LIT("{}"));
    } else if (cut(&url, LIT("/api"))) {
        ask(c, request, h, url);
    } else if (cut(&url, LIT("/held"))) {
        c->waits = request;
        tell_held(c);
    } else if (cut(&url, LIT("/menu"))) {
        answer(c, request, 200, c->conf->menu.n ? c->conf->menu : LIT("null"));
    } else if (cut(&url, LIT("/file/"))) {
        file(c, request, url);
    } else if (cut(&url, LIT("/die"))) {
        (void)raise(SIGKILL);
    } else if (!c->holds) {
        answer(c, request, 409, LIT("{}"));
    } else if (cut(&url, LIT("/rings"))) {
        (void)receipt(c, request, HILO_STATUS_SENT);
    } else if (cut(&url, LIT("/untaken"))) {
        outcome(c, request, HILO_TEMP, HILO_REPORT_UNTAKEN);
    } else if (cut(&url, LIT("/temp"))) {
        outcome(c, request, HILO_TEMP, 0);
    } else if (cut(&url, LIT("/no"))) {
        outcome(c, request, HILO_PERM, HILO_REPORT_UNTAKEN);
    } else if (cut(&url, LIT("/taken"))) {
        outcome(c, request, HILO_OK, 0);
    } else {
        answer(c, request, 404, LIT("{}"));
    }
}

static void phone_committed(void *inst, uint64_t token, int32_t code)
{
    answer(inst, token,
           code == HILO_OK          ? 200
           : code == HILO_DUPLICATE ? 409
           : code == HILO_FULL      ? 503
                                    : 422,
           LIT("{\"committed\":true}"));
}

/* A recording is a WAV of nothing. */
static void phone_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    struct phone *c = inst;
    int ok = write(fd, "RIFF....WAVE", 12) == 12;

    (void)message;
    (void)which;
    close(fd);
    c->host->fetched(c->self, job, ok ? HILO_OK : HILO_IO, LIT("audio/wav"), LIT(""), 0);
}

static const struct hilo_abilities abilities = {
    .size = sizeof abilities,
    .contents = (1u << HILO_CONTENT_TEXT) | (1u << HILO_CONTENT_MEDIA),
    .media_kinds = (1u << HILO_MEDIA_AUDIO) | (1u << HILO_MEDIA_VOICE),
    .text_max = 4000,
    .caption_max = 500,
    .flags = HILO_ABLE_SPOKEN | HILO_ABLE_MEDIA_FILE | HILO_ABLE_RECEIPTS | HILO_ABLE_RECONCILE,
    .schemes = 1u << HILO_SCHEME_PHONE,
};

/* As the words of an operator's mistake: a step that leads nowhere. */
static const char *phone_check(const void *conf, struct hilo_abilities *able)
{
    const struct conf *c = conf;

    (void)able;
    if (c->menu.n && strstr(c->menu.p, "\"salse\""))
        return "menu.main.keys.1: there is no step 'salse'";
    if (c->menu.n && strstr(c->menu.p, "\"2026-13-01\""))
        return "menu.holidays.1: is no date";
    return NULL;
}

const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_ALL_V1,
    .name = "phone",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "A telephone line without a telephone.",
    .abilities = &abilities,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .conf_size = sizeof(struct conf),
    .open = phone_open,
    .start = phone_start,
    .reconfigure = phone_reconfigure,
    .send = phone_send,
    .committed = phone_committed,
    .on_http = phone_on_http,
    .on_request = phone_on_request,
    .fetch = phone_fetch,
    .close = phone_close,
    .check = phone_check,
    .scopes = "customers:read customers:write cases:read cases:write messages:read messages:write "
              "appointments:read calls:read calls:write",
    .on_file = phone_on_file,
    .on_files = phone_on_files,
};
