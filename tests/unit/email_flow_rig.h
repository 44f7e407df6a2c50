/*
 * The email plugin behind a gateway, a mail server, a mailbox and relays that are the test's: what it asks,
 * answers and reports. Everything goes through hilo_plugin_v1 and the headers of its parts, which are
 * defined here (Makefile: the real ones are left out). Files are real ones, in a temporary folder.
 */
#ifndef EMAIL_FLOW_RIG_H
#define EMAIL_FLOW_RIG_H

#include "../../plugins/email/compose.h"
#include "../../plugins/email/email.h"
#include "../../plugins/email/imap.h"
#include "../../plugins/email/keep_impl.h"
#include "../../plugins/email/lmtp.h"

#include <fcntl.h>
#include <hilo/message.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <dirent.h>
#include <cmocka.h>

enum { RIG_MAX = 64, RIG_BYTES = 65536 };

enum rig_what { RIG_SUBMIT, RIG_GET, RIG_PUT, RIG_API, RIG_MEDIA, RIG_OPEN, RIG_REMOVE, RIG_LIST };
struct rig_asked {
    enum rig_what what;
    uint64_t token;
    char a[128], b[256], c[4096]; /* subject key value; method url body; name */
    uint64_t version;
    uint32_t flags;
};
struct rig_kv {
    char subject[64], key[64], val[256];
    uint64_t n, version;
};

struct rig {
    char dir[64];
    struct email_conf conf;
    struct hilo_host host;
    void *inst;
    int wake_fd;
    int64_t now_us;
    /* asked and not answered yet, in order */
    struct rig_asked asked[RIG_MAX];
    unsigned n_asked;
    struct rig_kv kv[RIG_MAX];
    unsigned n_kv;
    /* what came */
    uint8_t message[RIG_MAX][RIG_BYTES];
    uint64_t message_n[RIG_MAX];
    unsigned n_messages;
    struct {
        int32_t code;
        struct hilo_id id;
        char ext_id[256], reason[64], provider_code[24], detail[320];
        int64_t retry_us;
    } report[RIG_MAX];
    unsigned n_reports;
    struct {
        uint64_t job;
        int32_t code;
        char detail[128];
    } fetched[RIG_MAX];
    unsigned n_fetched;
    char api[RIG_MAX][768]; /* "GET /v1/… body" */
    unsigned n_api;
    int32_t state;
    char state_text[200], follows[64];
    uint32_t credit;
    /* what to say */
    int32_t commit, open_code;
    unsigned commit_held; /* so many submits are not answered yet */
    const char *(*answer)(const char *line, uint32_t *status);
    /* LMTP */
    const struct lmtp_hooks *hooks;
    void *hooks_arg;
    char reply[RIG_MAX][256];
    unsigned n_replies;
    int32_t lmtp_fails;
    /* relays */
    smtp_done *done;
    void *done_arg;
    struct {
        uint64_t token;
        char from[256], to[256];
        char bytes[4096];
    } out[RIG_MAX];
    unsigned n_out;
    /* composing */
    struct {
        char subject[512], text[2048], message_id[256], reply_to[256], in_reply_to[256], references[2048],
            unsubscribe[256], loop[64], uid[256], links[1024], files[512];
        bool automatic;
        enum compose_method method;
    } composed; /* the last one */
    int32_t compose_code;
    /* the mailbox */
    struct imap_event event[8];
    unsigned n_events, at_event;
    uint32_t cursor_validity, cursor_uid;
    char taken[256];
};

static struct rig *rig; /* of the test that runs */

static inline struct hilo_str rig_str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}
static inline void rig_copy(char *out, size_t cap, struct hilo_str s)
{
    assert_true(s.n < cap);
    if (s.n)
        memcpy(out, s.p, (size_t)s.n);
    out[s.n] = '\0';
}
#define RIG_COPY(to, s) rig_copy((to), sizeof(to), (s))

/* ---- the gateway --------------------------------------------------------------------------------- */

static inline struct rig_asked *rig_ask(enum rig_what what, uint64_t token)
{
    struct rig_asked *a = &rig->asked[rig->n_asked++];

    assert_true(rig->n_asked <= RIG_MAX);
    memset(a, 0, sizeof *a);
    a->what = what;
    a->token = token;
    return a;
}
static inline void h_log(struct hilo_self *s, int32_t level, struct hilo_str text)
{
    (void)s;
    (void)level;
    (void)text;
}
static inline void h_wake(struct hilo_self *s)
{
    const uint64_t one = 1;

    (void)s;
    assert_int_equal(write(rig->wake_fd, &one, sizeof one), sizeof one);
}
static inline int64_t h_mono(struct hilo_self *s)
{
    (void)s;
    return rig->now_us;
}
static inline int64_t h_wall(struct hilo_self *s)
{
    (void)s;
    return INT64_C(1764300000000000) + rig->now_us;
}
static inline struct hilo_str h_channel(struct hilo_self *s)
{
    (void)s;
    return rig_str("mail-co");
}
static inline int32_t h_submit(struct hilo_self *s, uint64_t token, struct hilo_str message)
{
    (void)s;
    assert_true(message.n <= RIG_BYTES && rig->n_messages < RIG_MAX);
    memcpy(rig->message[rig->n_messages], message.p, (size_t)message.n);
    rig->message_n[rig->n_messages++] = message.n;
    (void)rig_ask(RIG_SUBMIT, token);
    return HILO_OK;
}
static inline void h_report(struct hilo_self *s, const struct hilo_report *r)
{
    unsigned n = rig->n_reports++;

    (void)s;
    rig->report[n].code = r->code;
    rig->report[n].id = r->id;
    rig->report[n].retry_us = r->retry_after_us;
    RIG_COPY(rig->report[n].ext_id, r->ext_id);
    RIG_COPY(rig->report[n].reason, r->reason);
    RIG_COPY(rig->report[n].provider_code, r->provider_code);
    RIG_COPY(rig->report[n].detail, r->detail);
}
static inline void h_credit(struct hilo_self *s, uint32_t n)
{
    (void)s;
    rig->credit += n;
}
static inline int32_t h_watch(struct hilo_self *s, int32_t fd, uint32_t events)
{
    (void)s;
    (void)fd;
    (void)events;
    return HILO_OK;
}
static inline int32_t h_timer(struct hilo_self *s, uint32_t id, int64_t us)
{
    (void)s;
    (void)id;
    (void)us;
    return HILO_OK;
}
static inline int32_t h_get(struct hilo_self *s, uint64_t token, struct hilo_str subject, struct hilo_str key)
{
    struct rig_asked *a = rig_ask(RIG_GET, token);

    (void)s;
    RIG_COPY(a->a, subject);
    RIG_COPY(a->b, key);
    return HILO_OK;
}
static inline int32_t h_put(struct hilo_self *s, uint64_t token, struct hilo_str subject, struct hilo_str key,
                            struct hilo_str val, uint64_t version)
{
    struct rig_asked *a = rig_ask(RIG_PUT, token);

    (void)s;
    RIG_COPY(a->a, subject);
    RIG_COPY(a->b, key);
    RIG_COPY(a->c, val);
    a->flags = (uint32_t)val.n;
    a->version = version;
    return HILO_OK;
}
static inline int32_t h_media(struct hilo_self *s, uint64_t token, struct hilo_id id)
{
    (void)s;
    (void)id;
    (void)rig_ask(RIG_MEDIA, token);
    return HILO_OK;
}
static inline void h_fetched(struct hilo_self *s, uint64_t job, int32_t code, struct hilo_str mime,
                             struct hilo_str detail, int64_t retry)
{
    unsigned n = rig->n_fetched++;

    (void)s;
    (void)mime;
    (void)retry;
    rig->fetched[n].job = job;
    rig->fetched[n].code = code;
    RIG_COPY(rig->fetched[n].detail, detail);
}
static inline void h_state(struct hilo_self *s, int32_t code, struct hilo_str text)
{
    (void)s;
    rig->state = code;
    RIG_COPY(rig->state_text, text);
}
static inline int32_t h_api(struct hilo_self *s, uint64_t token, const struct hilo_http *h)
{
    struct rig_asked *a = rig_ask(RIG_API, token);

    (void)s;
    RIG_COPY(a->a, h->method);
    RIG_COPY(a->b, h->url);
    RIG_COPY(a->c, h->body);
    return HILO_OK;
}
static inline int32_t h_follow(struct hilo_self *s, struct hilo_str types, struct hilo_str after)
{
    (void)s;
    (void)after;
    RIG_COPY(rig->follows, types);
    return HILO_OK;
}
static inline int32_t h_open(struct hilo_self *s, uint64_t token, struct hilo_str name, uint32_t flags)
{
    struct rig_asked *a = rig_ask(RIG_OPEN, token);

    (void)s;
    RIG_COPY(a->a, name);
    a->flags = flags;
    return HILO_OK;
}
static inline int32_t h_remove(struct hilo_self *s, uint64_t token, struct hilo_str name)
{
    struct rig_asked *a = rig_ask(RIG_REMOVE, token);

    (void)s;
    RIG_COPY(a->a, name);
    return HILO_OK;
}
static inline int32_t h_list(struct hilo_self *s, uint64_t token)
{
    (void)s;
    (void)rig_ask(RIG_LIST, token);
    return HILO_OK;
}

/* ---- what it answers ------------------------------------------------------------------------------ */

static inline const char *rig_path(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", rig->dir, name);
    return path;
}
static inline unsigned rig_files(char names[][128])
{
    DIR *d = opendir(rig->dir);
    struct dirent *one;
    unsigned n = 0;

    assert_non_null(d);
    while ((one = readdir(d))) {
        if (one->d_name[0] == '.')
            continue;
        if (names)
            (void)snprintf(names[n], 128, "%.127s", one->d_name);
        n++;
    }
    (void)closedir(d);
    return n;
}
static inline struct rig_kv *rig_kv(const char *subject, const char *key)
{
    unsigned i;

    for (i = 0; i < rig->n_kv; i++)
        if (strcmp(rig->kv[i].subject, subject) == 0 && strcmp(rig->kv[i].key, key) == 0)
            return &rig->kv[i];
    return NULL;
}
static inline void rig_answer(const struct rig_asked *a)
{
    const struct hilo_plugin *p = &hilo_plugin_v1;
    const struct hilo_str none = {NULL, 0};
    struct rig_kv *kv;

    switch (a->what) {
    case RIG_SUBMIT:
        p->committed(rig->inst, a->token, rig->commit);
        break;
    case RIG_GET:
        kv = rig_kv(a->a, a->b);
        p->on_context(rig->inst, a->token, kv ? HILO_OK : HILO_NOTFOUND,
                      kv ? (struct hilo_str){kv->val, kv->n} : none, kv ? kv->version : 0);
        break;
    case RIG_PUT:
        kv = rig_kv(a->a, a->b);
        if (kv && a->version != UINT64_MAX && a->version != kv->version) {
            p->on_context(rig->inst, a->token, HILO_STALE, none, 0);
            break;
        }
        if (!kv)
            kv = &rig->kv[rig->n_kv++];
        (void)snprintf(kv->subject, sizeof kv->subject, "%.63s", a->a);
        (void)snprintf(kv->key, sizeof kv->key, "%.63s", a->b);
        memcpy(kv->val, a->c, a->flags);
        kv->n = a->flags;
        kv->version++;
        p->on_context(rig->inst, a->token, HILO_OK, none, kv->version);
        break;
    case RIG_API: {
        uint32_t status = 404;
        const char *body;

        (void)snprintf(rig->api[rig->n_api], sizeof rig->api[0], "%s %s %.200s", a->a, a->b, a->c);
        body = rig->answer ? rig->answer(rig->api[rig->n_api], &status) : "{}";
        rig->n_api++;
        const struct hilo_http h = {.size = sizeof h, .status = status, .body = rig_str(body)};
        p->on_http(rig->inst, a->token, HILO_OK, &h);
        break;
    }
    case RIG_MEDIA: {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        p->on_media(rig->inst, a->token, HILO_OK, fd, rig_str("image/png"), rig_str("foto.png"), 0);
        break;
    }
    case RIG_OPEN: {
        int fd =
            rig->open_code == HILO_OK
                ? open(rig_path(a->a), O_RDWR | O_CLOEXEC | (a->flags & HILO_FILE_CREATE ? O_CREAT : 0), 0600)
                : -1;

        p->on_file(rig->inst, a->token,
                   fd >= 0                     ? HILO_OK
                   : rig->open_code != HILO_OK ? rig->open_code
                                               : HILO_NOTFOUND,
                   fd, 0);
        break;
    }
    case RIG_REMOVE:
        p->on_file(rig->inst, a->token, unlink(rig_path(a->a)) == 0 ? HILO_OK : HILO_NOTFOUND, -1, 0);
        break;
    case RIG_LIST: {
        char names[RIG_MAX][128];
        struct hilo_str list[RIG_MAX];
        unsigned n = rig_files(names), i;

        for (i = 0; i < n; i++)
            list[i] = rig_str(names[i]);
        p->on_files(rig->inst, a->token, HILO_OK, list, n);
        break;
    }
    }
}
/* Answers what is asked and gives threads their time, until nothing happens for what is expected: cond. */
static inline void rig_until(bool (*cond)(void))
{
    struct pollfd p = {.fd = rig->wake_fd, .events = POLLIN};
    struct rig_asked a;
    uint64_t n;
    unsigned i;

    for (;;) {
        for (i = 0; i < rig->n_asked && rig->asked[i].what == RIG_SUBMIT && rig->commit_held; i++)
            ;
        if (i < rig->n_asked) {
            a = rig->asked[i];
            memmove(&rig->asked[i], &rig->asked[i + 1], (--rig->n_asked - i) * sizeof a);
            rig_answer(&a);
            continue;
        }
        if (cond())
            return;
        if (poll(&p, 1, 20000) != 1)
            fail_msg("nothing happens any more");
        assert_int_equal(read(rig->wake_fd, &n, sizeof n), sizeof n);
        hilo_plugin_v1.woken(rig->inst);
    }
}

/* ---- its parts that are the test's ------------------------------------------------------------------- */

struct lmtp {
    int none;
};
struct lmtp *lmtp_new(const struct lmtp_conf *c, const struct hilo_host *h, struct hilo_self *s,
                      const struct lmtp_hooks *hooks, void *arg, char why[256])
{
    (void)c;
    (void)h;
    (void)s;
    if (rig->lmtp_fails) {
        (void)snprintf(why, 256, "the address is in use");
        return NULL;
    }
    rig->hooks = hooks;
    rig->hooks_arg = arg;
    return calloc(1, sizeof(struct lmtp));
}
void lmtp_answer(struct lmtp *l, uint64_t transaction, size_t rcpt, const char *reply)
{
    assert_non_null(l);
    (void)snprintf(rig->reply[rig->n_replies++], 256, "%llu.%zu %s", (unsigned long long)transaction, rcpt,
                   reply);
}
bool lmtp_on_fd(struct lmtp *l, int32_t fd, uint32_t events)
{
    (void)l;
    (void)fd;
    (void)events;
    return false;
}
bool lmtp_on_timer(struct lmtp *l, uint32_t id)
{
    (void)l;
    (void)id;
    return false;
}
void lmtp_free(struct lmtp *l)
{
    free(l);
}

struct smtp {
    int none;
};
struct smtp *smtp_new(const struct smtp_relay *relay, size_t n, const char *helo, const struct hilo_host *h,
                      struct hilo_self *s, smtp_done *done, void *arg, char why[256])
{
    (void)relay;
    (void)helo;
    (void)h;
    (void)s;
    (void)why;
    assert_int_equal(n, 2);
    rig->done = done;
    rig->done_arg = arg;
    return calloc(1, sizeof(struct smtp));
}
int32_t smtp_send(struct smtp *s, const struct smtp_mail *m)
{
    unsigned n = rig->n_out++;

    (void)s;
    rig->out[n].token = m->token;
    (void)snprintf(rig->out[n].from, sizeof rig->out[n].from, "%s", m->from);
    (void)snprintf(rig->out[n].to, sizeof rig->out[n].to, "%s", m->to);
    RIG_COPY(rig->out[n].bytes, ((struct hilo_str){m->bytes, m->n}));
    free(m->bytes);
    return HILO_OK;
}
uint64_t smtp_size_max(struct smtp *s)
{
    (void)s;
    return 0;
}
bool smtp_on_fd(struct smtp *s, int32_t fd, uint32_t events)
{
    (void)s;
    (void)fd;
    (void)events;
    return false;
}
void smtp_free(struct smtp *s)
{
    free(s);
}

struct imap {
    int none;
};
struct imap *imap_new(const struct imap_conf *c, uint32_t validity, uint32_t uid, void (*wake)(void *),
                      void *arg, char why[256])
{
    (void)c;
    (void)why;
    rig->cursor_validity = validity;
    rig->cursor_uid = uid;
    wake(arg);
    return calloc(1, sizeof(struct imap));
}
bool imap_next(struct imap *i, struct imap_event *out)
{
    (void)i;
    if (rig->at_event >= rig->n_events)
        return false;
    *out = rig->event[rig->at_event++];
    return true;
}
void imap_taken(struct imap *i, uint32_t uid, bool ok)
{
    size_t n = strlen(rig->taken);

    (void)i;
    (void)snprintf(rig->taken + n, sizeof rig->taken - n, "%u:%d ", uid, ok);
}
void imap_free(struct imap *i)
{
    free(i);
}

int32_t compose_mail(const struct compose_mail *m, struct compose_out *out, const char **why)
{
    static const char bytes[] = "From: x\r\n\r\nhola\r\n";
    size_t i;

    memset(&rig->composed, 0, sizeof rig->composed);
    RIG_COPY(rig->composed.subject, m->subject);
    RIG_COPY(rig->composed.text, m->text);
    RIG_COPY(rig->composed.message_id, m->message_id);
    RIG_COPY(rig->composed.reply_to, m->reply_to);
    RIG_COPY(rig->composed.in_reply_to, m->in_reply_to);
    RIG_COPY(rig->composed.unsubscribe, m->unsubscribe_url);
    RIG_COPY(rig->composed.loop, m->loop_mark);
    RIG_COPY(rig->composed.uid, m->event.uid);
    rig->composed.automatic = m->automatic;
    rig->composed.method = m->event.method;
    for (i = 0; i < m->n_references; i++) {
        strncat(rig->composed.references, m->reference[i].p, 200);
        strcat(rig->composed.references, " ");
    }
    for (i = 0; i < m->n_links; i++) {
        strncat(rig->composed.links, m->link[i].title.p, (size_t)m->link[i].title.n);
        strcat(rig->composed.links, "=");
        strncat(rig->composed.links, m->link[i].url.p, (size_t)m->link[i].url.n);
        strcat(rig->composed.links, " ");
    }
    for (i = 0; i < m->n_files; i++) {
        assert_true(m->file[i].fd >= 0);
        strncat(rig->composed.files, m->file[i].filename.p, (size_t)m->file[i].filename.n);
        strcat(rig->composed.files, " ");
    }
    if (rig->compose_code != HILO_OK) {
        *why = "it is too large";
        return rig->compose_code;
    }
    out->bytes = strdup(bytes);
    out->n = sizeof bytes - 1;
    out->utf8 = false;
    return HILO_OK;
}

/* ---- life --------------------------------------------------------------------------------------------- */

static inline bool rig_is_up(void)
{
    return rig->state == HILO_OK && rig->n_asked == 0 && !((struct email *)rig->inst)->keep->sweep;
}
static inline void rig_start(void)
{
    const struct hilo_plugin *p = &hilo_plugin_v1;

    rig->state = HILO_DOWN;
    assert_int_equal(p->open(&rig->host, (struct hilo_self *)rig, &rig->conf, &rig->inst), HILO_OK);
    assert_int_equal(p->start(rig->inst), HILO_OK);
}
static inline void rig_end(void)
{
    hilo_plugin_v1.close(rig->inst);
    rig->inst = NULL;
    rig->n_asked = 0;
}
static inline void rig_set(struct hilo_str *to, const char *s)
{
    *to = rig_str(s);
}
/* Up, with LMTP and a relay. */
static inline int rig_up(void **state)
{
    (void)state;
    rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    (void)snprintf(rig->dir, sizeof rig->dir, "/tmp/hilo-email-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    rig->wake_fd = eventfd(0, EFD_CLOEXEC);
    rig->now_us = 1000000;
    rig_set(&rig->conf.address, "soporte@tienda.example");
    rig_set(&rig->conf.name, "Tienda");
    rig_set(&rig->conf.aliases, "ventas@tienda.example");
    rig_set(&rig->conf.separator, "+");
    rig_set(&rig->conf.relays, "smtp://127.0.0.1:25 smtp://127.0.0.2:25");
    rig_set(&rig->conf.lmtp, "127.0.0.1:2424");
    rig->conf.relay_connections = 2;
    rig->conf.relay_size = 10 << 20;
    rig->conf.size_max = 10 << 20;
    rig->conf.workers = 2;
    rig->host = (struct hilo_host){.size = sizeof rig->host,
                                   .log = h_log,
                                   .wake = h_wake,
                                   .mono_us = h_mono,
                                   .wall_us = h_wall,
                                   .channel = h_channel,
                                   .submit = h_submit,
                                   .report = h_report,
                                   .credit = h_credit,
                                   .watch = h_watch,
                                   .timer = h_timer,
                                   .context_get = h_get,
                                   .context_put = h_put,
                                   .media_get = h_media,
                                   .fetched = h_fetched,
                                   .state = h_state,
                                   .api = h_api,
                                   .follow = h_follow,
                                   .file_open = h_open,
                                   .file_remove = h_remove,
                                   .file_list = h_list};
    rig_start();
    rig_until(rig_is_up);
    return 0;
}
static inline int rig_down(void **state)
{
    char names[RIG_MAX][128];
    unsigned n, i;

    (void)state;
    if (rig->inst)
        rig_end();
    n = rig_files(names);
    for (i = 0; i < n; i++)
        (void)unlink(rig_path(names[i]));
    (void)rmdir(rig->dir);
    (void)close(rig->wake_fd);
    free(rig);
    rig = NULL;
    return 0;
}

#endif
