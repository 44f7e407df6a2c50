/*
 * A test plugin with a correct descriptor that misbehaves when it runs, as its option
 * "mode" says. The host must hold its rules whatever this does.
 */
#include <hilo/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MODE_CONFIG = 0, /* open() fails: an operator must act */
    MODE_DOWN,       /* start() fails, later it may work */
    MODE_SLOW,       /* send() blocks for 150 ms */
    MODE_HANG,       /* send() blocks until the descriptor "fd" is readable */
    MODE_SILENT,     /* takes sends and never reports */
    MODE_TWICE,      /* reports each send twice, and one never sent */
    MODE_FLOOD,      /* submits "count" messages as fast as the link takes them */
    MODE_AGAIN,      /* takes no send; gives credit again after the second */
    MODE_CREDIT,     /* gives more credit than there can be */
    MODE_THREAD,     /* submits from another thread */
    MODE_CODES,      /* send() fails with a code that is no outcome */
    MODE_FORGETS,    /* leaves jobs, requests, a watch and a timer at close() */
    MODE_STATES,     /* says that it is down, misconfigured, and up, one each send */
    MODE_LARGE,      /* submits what no message can be, and words beyond all limits */
};

struct conf {
    int64_t mode, fd, count;
};

static const struct hilo_option options[] = {
    {HILO_OPTION(struct conf, mode, HILO_OPT_INT), .name = "mode", .help = "Which rule to break."},
    {HILO_OPTION(struct conf, fd, HILO_OPT_INT), .name = "fd", .help = "A descriptor."},
    {HILO_OPTION(struct conf, count, HILO_OPT_INT), .name = "count", .help = "How many."},
};

struct rogue {
    const struct hilo_host *host;
    struct hilo_self *self;
    const struct conf *conf;
    int64_t done;
    unsigned sends;
    int32_t thread_code;
};

#define LIT(s) ((struct hilo_str){(s), sizeof(s) - 1})

static void flood(struct rogue *r)
{
    char text[64];

    memset(text, 'x', sizeof text);
    while (r->done < r->conf->count) {
        memcpy(text, &r->done, sizeof r->done);
        if (r->host->submit(r->self, (uint64_t)r->done, (struct hilo_str){text, sizeof text}) != HILO_OK)
            return; /* woken() comes */
        r->done++;
    }
}

static int32_t rogue_open(const struct hilo_host *host, struct hilo_self *self, const void *conf, void **inst)
{
    const struct conf *c = conf;
    struct rogue *r;

    if (c->mode == MODE_CONFIG) {
        host->state(self, HILO_CONFIG, LIT("the token is missing"));
        return HILO_CONFIG;
    }
    r = calloc(1, sizeof *r);
    if (!r)
        return HILO_NOMEM;
    r->host = host;
    r->self = self;
    r->conf = c;
    *inst = r;
    return HILO_OK;
}

static void *other_thread(void *arg)
{
    struct rogue *r = arg;

    r->thread_code = r->host->submit(r->self, 1, LIT("from another thread"));
    return NULL;
}

static int32_t rogue_start(void *inst)
{
    struct rogue *r = inst;
    pthread_t t;

    switch (r->conf->mode) {
    case MODE_DOWN:
        free(r);
        return HILO_DOWN;
    case MODE_FLOOD:
        flood(r);
        break;
    case MODE_CREDIT:
        r->host->credit(r->self, UINT32_MAX);
        r->host->credit(r->self, UINT32_MAX);
        return HILO_OK;
    case MODE_THREAD:
        if (pthread_create(&t, NULL, other_thread, r) == 0)
            pthread_join(t, NULL);
        r->host->state(r->self, r->thread_code == HILO_BUG ? HILO_OK : HILO_DOWN, LIT("tried"));
        break;
    default:
        break;
    }
    r->host->credit(r->self, 2);
    return HILO_OK;
}

static void report(struct rogue *r, struct hilo_id id, int32_t code)
{
    struct hilo_report rep = {.size = sizeof rep, .code = code, .id = id};

    r->host->report(r->self, &rep);
}

static void large(struct rogue *r, struct hilo_id id)
{
    enum { N = 2 << 20 };
    char *p = malloc(N);
    struct hilo_report rep = {.size = sizeof rep, .code = HILO_PERM, .id = id};

    if (!p)
        abort();
    memset(p, 'L', N);
    rep.reason =
        r->host->submit(r->self, 7, (struct hilo_str){p, N}) == HILO_INVALID ? LIT("refused") : LIT("taken");
    rep.detail = (struct hilo_str){p, N};
    r->host->report(r->self, &rep);
    free(p);
}

static int32_t rogue_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct rogue *r = inst;
    struct hilo_id other = id;
    char byte;

    (void)message;
    r->sends++;
    switch (r->conf->mode) {
    case MODE_SLOW:
        usleep(150 * 1000);
        report(r, id, HILO_OK);
        return HILO_OK;
    case MODE_HANG:
        return read((int)r->conf->fd, &byte, 1) >= 0 ? HILO_OK : HILO_IO;
    case MODE_SILENT:
    case MODE_FORGETS:
        return HILO_OK;
    case MODE_TWICE:
        other.b[0] ^= 0xff;
        report(r, other, HILO_OK);
        report(r, id, HILO_OK);
        report(r, id, HILO_PERM);
        return HILO_TEMP;
    case MODE_AGAIN:
        if (r->sends == 2)
            r->host->credit(r->self, 3);
        return HILO_AGAIN;
    case MODE_CODES:
        return r->sends == 1 ? HILO_INVALID : 12345;
    case MODE_STATES:
        r->host->state(r->self,
                       r->sends == 1   ? HILO_DOWN
                       : r->sends == 2 ? HILO_CONFIG
                                       : HILO_OK,
                       LIT("so it says"));
        report(r, id, HILO_OK);
        return HILO_OK;
    case MODE_LARGE:
        large(r, id);
        return HILO_OK;
    default:
        report(r, id, HILO_OK);
        return HILO_OK;
    }
}

static void rogue_committed(void *inst, uint64_t token, int32_t code)
{
    (void)inst;
    (void)token;
    (void)code;
}

static void rogue_woken(void *inst)
{
    struct rogue *r = inst;

    if (r->conf->mode == MODE_FLOOD)
        flood(r);
}

static void rogue_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    (void)inst;
    (void)job;
    (void)message;
    (void)which;
    close(fd); /* and never fetched() */
}

static void rogue_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    struct rogue *r = inst;

    (void)request;
    (void)h;
    (void)r->host->watch(r->self, (int32_t)r->conf->fd, HILO_READ);
    (void)r->host->timer(r->self, 1, r->host->mono_us(r->self) + INT64_C(3600000000));
}

static void rogue_on_fd(void *inst, int32_t fd, uint32_t events)
{
    (void)inst;
    (void)fd;
    (void)events;
}

static void rogue_on_timer(void *inst, uint32_t id)
{
    (void)inst;
    (void)id;
}

static void rogue_close(void *inst)
{
    free(inst);
}

static const struct hilo_abilities abilities = {.size = sizeof abilities,
                                                .contents = 1u << HILO_CONTENT_TEXT};

const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_ALL_V1,
    .name = "rogue",
    .version = "1.0",
    .abilities = &abilities,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .conf_size = sizeof(struct conf),
    .open = rogue_open,
    .start = rogue_start,
    .send = rogue_send,
    .committed = rogue_committed,
    .on_request = rogue_on_request,
    .fetch = rogue_fetch,
    .on_fd = rogue_on_fd,
    .on_timer = rogue_on_timer,
    .woken = rogue_woken,
    .close = rogue_close,
};
