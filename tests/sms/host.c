/* A host for one plugin on a clock of the test's (host.h). */
#include "host.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct host *of(struct hilo_self *self)
{
    return (struct host *)self;
}

/* ---- services ---- */

static void host_log(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    if (of(self)->verbose)
        (void)printf("%12.3f [%d] %.*s\n", (double)of(self)->now_us / 1e6, level, (int)text.n, text.p);
}

static void host_wake(struct hilo_self *self)
{
    atomic_store(&of(self)->woken, true);
}

static int64_t host_mono_us(struct hilo_self *self)
{
    return of(self)->now_us;
}

static int64_t host_wall_us(struct hilo_self *self)
{
    return of(self)->wall_us + of(self)->now_us;
}

static struct hilo_str host_channel(struct hilo_self *self)
{
    (void)self;
    return (struct hilo_str){"sms", 3};
}

static int32_t host_submit(struct hilo_self *self, uint64_t token, struct hilo_str message)
{
    return of(self)->events->submit(of(self)->arg, token, message);
}

static void host_report(struct hilo_self *self, const struct hilo_report *r)
{
    of(self)->events->report(of(self)->arg, r);
}

static void host_credit(struct hilo_self *self, uint32_t n)
{
    of(self)->events->credit(of(self)->arg, n);
}

static void host_state(struct hilo_self *self, int32_t code, struct hilo_str text)
{
    if (of(self)->verbose)
        (void)printf("%12.3f state %d: %.*s\n", (double)of(self)->now_us / 1e6, code, (int)text.n, text.p);
    of(self)->events->state(of(self)->arg, code, text);
}

static int32_t host_watch(struct hilo_self *self, int32_t fd, uint32_t events)
{
    struct host *h = of(self);
    unsigned i = 0;

    assert_true(fd >= 0);
    while (i < h->n_fds && h->fd[i].fd != fd)
        i++;
    if (!events) {
        assert_true(i < h->n_fds); /* it forgets what it watches */
        h->fd[i] = h->fd[--h->n_fds];
        return HILO_OK;
    }
    assert_true(i < HOST_FDS);
    if (i == h->n_fds)
        h->n_fds++;
    h->fd[i] = (struct pollfd){
        .fd = fd, .events = (short)((events & HILO_READ ? POLLIN : 0) | (events & HILO_WRITE ? POLLOUT : 0))};
    return HILO_OK;
}

static int32_t host_timer(struct hilo_self *self, uint32_t id, int64_t mono_us)
{
    assert_true(id < HOST_TIMERS);
    of(self)->timer[id] = mono_us;
    return HILO_OK;
}

static int32_t host_http_answer(struct hilo_self *self, uint64_t request, const struct hilo_http *h)
{
    (void)self;
    (void)request;
    (void)h;
    fail_msg("nobody asked the plugin anything by HTTP");
    return HILO_BUG;
}

/* ---- loading ---- */

void host_load(struct host *h, const char *so)
{
    h->so = dlopen(so, RTLD_NOW | RTLD_LOCAL);
    if (!h->so)
        fail_msg("%s", dlerror());
    h->plugin = dlsym(h->so, HILO_PLUGIN_SYMBOL);
    assert_non_null(h->plugin);
    assert_int_equal(h->plugin->magic, HILO_PLUGIN_MAGIC);
    assert_int_equal(h->plugin->option_size, sizeof(struct hilo_option));
    h->table = (struct hilo_host){.size = sizeof h->table,
                                  .log = host_log,
                                  .wake = host_wake,
                                  .mono_us = host_mono_us,
                                  .wall_us = host_wall_us,
                                  .channel = host_channel,
                                  .submit = host_submit,
                                  .report = host_report,
                                  .credit = host_credit,
                                  .watch = host_watch,
                                  .timer = host_timer,
                                  .http_answer = host_http_answer,
                                  .state = host_state};
}

static void conf_text(struct host *h, const struct hilo_option *o, const char *text)
{
    struct hilo_str *s = (struct hilo_str *)((char *)h->conf + o->offset);
    char *copy = strdup(text);

    assert_non_null(copy);
    h->texts = realloc(h->texts, (h->n_texts + 1) * sizeof *h->texts);
    assert_non_null(h->texts);
    h->texts[h->n_texts++] = copy;
    *s = (struct hilo_str){copy, strlen(copy)};
}

static int64_t conf_duration(const char *text)
{
    char *unit;
    int64_t n = strtoll(text, &unit, 10);

    return n * (!strcmp(unit, "ms")  ? 1000
                : !strcmp(unit, "s") ? 1000000
                : !strcmp(unit, "m") ? 60000000
                : !strcmp(unit, "h") ? INT64_C(3600000000)
                                     : INT64_C(86400000000));
}

static int64_t conf_choice(const struct hilo_option *o, const char *text)
{
    const char *at = o->choices;
    size_t n = strlen(text);

    for (int64_t i = 0;; i++, at++) {
        if (!strncmp(at, text, n) && (at[n] == '|' || !at[n]))
            return i;
        at = strchr(at, '|');
        if (!at)
            fail_msg("%s has no choice %s", o->name, text);
    }
}

static void conf_set(struct host *h, const struct hilo_option *o, const char *text)
{
    int64_t *number = (int64_t *)((char *)h->conf + o->offset);
    uint64_t *flag = (uint64_t *)((char *)h->conf + o->offset);

    switch (o->type) {
    case HILO_OPT_STR:
    case HILO_OPT_URL:
        conf_text(h, o, text);
        break;
    case HILO_OPT_BOOL:
        *flag = !strcmp(text, "true");
        break;
    case HILO_OPT_INT:
    case HILO_OPT_BYTES:
        *number = strtoll(text, NULL, 10);
        break;
    case HILO_OPT_DURATION:
        *number = conf_duration(text);
        break;
    case HILO_OPT_ENUM:
        *number = conf_choice(o, text);
        break;
    default:
        fail_msg("%s is of no known type", o->name);
    }
}

static const char *given(const char *const *options, const char *name)
{
    size_t n = strlen(name);

    for (; *options; options++)
        if (!strncmp(*options, name, n) && (*options)[n] == '=')
            return *options + n + 1;
    return NULL;
}

/* Each names an option that there is. */
static void check_names(const struct host *h, const char *const *options)
{
    for (; *options; options++) {
        uint32_t i = 0;
        size_t n = strcspn(*options, "=");
        while (i < h->plugin->n_options &&
               (strncmp(h->plugin->options[i].name, *options, n) != 0 || h->plugin->options[i].name[n]))
            i++;
        if (i == h->plugin->n_options)
            fail_msg("the plugin has no option %s", *options);
    }
}

static void conf_free(struct host *h)
{
    for (size_t i = 0; i < h->n_texts; i++)
        free(h->texts[i]);
    free(h->texts);
    free(h->conf);
    h->texts = NULL;
    h->n_texts = 0;
    h->conf = NULL;
}

void host_open(struct host *h, const char *const *options)
{
    const char *wrong;

    check_names(h, options);
    h->conf = calloc(1, h->plugin->conf_size);
    assert_non_null(h->conf);
    for (uint32_t i = 0; i < h->plugin->n_options; i++) {
        const struct hilo_option *o = &h->plugin->options[i];
        const char *text = given(options, o->name);
        if (!text)
            text = o->def;
        if (text)
            conf_set(h, o, text);
    }
    h->able = *h->plugin->abilities;
    wrong = h->plugin->check ? h->plugin->check(h->conf, &h->able) : NULL;
    if (wrong)
        fail_msg("%s", wrong);
    assert_int_equal(h->plugin->open(&h->table, (struct hilo_self *)h, h->conf, &h->inst), HILO_OK);
    assert_int_equal(h->plugin->start(h->inst), HILO_OK);
}

/* ---- running ---- */

static bool turn_fds(struct host *h)
{
    struct pollfd ready[HOST_FDS];
    unsigned n = h->n_fds;
    bool any = false;

    memcpy(ready, h->fd, n * sizeof *ready);
    if (!n || poll(ready, n, 0) <= 0)
        return false;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = 0;
        uint32_t events;
        while (at < h->n_fds && h->fd[at].fd != ready[i].fd)
            at++;
        if (!ready[i].revents || at == h->n_fds) /* forgotten meanwhile */
            continue;
        /* As the core has it: an error or a hang-up is told as whatever is watched. */
        events = (ready[i].revents & (POLLIN | POLLHUP | POLLERR) ? HILO_READ : 0u) |
                 (ready[i].revents & (POLLOUT | POLLHUP | POLLERR) ? HILO_WRITE : 0u);
        events &=
            (h->fd[at].events & POLLIN ? HILO_READ : 0u) | (h->fd[at].events & POLLOUT ? HILO_WRITE : 0u);
        if (!events)
            continue;
        h->wakeups++;
        h->plugin->on_fd(h->inst, ready[i].fd, events);
        any = true;
    }
    return any;
}

bool host_turn(struct host *h)
{
    bool any = turn_fds(h);

    for (uint32_t id = 0; id < HOST_TIMERS && h->inst; id++) {
        if (!h->timer[id] || h->timer[id] > h->now_us)
            continue;
        h->timer[id] = 0;
        h->wakeups++;
        h->plugin->on_timer(h->inst, id);
        any = true;
    }
    if (atomic_exchange(&h->woken, false)) {
        h->wakeups++;
        h->plugin->woken(h->inst);
        any = true;
    }
    return any;
}

int64_t host_next(const struct host *h)
{
    int64_t next = INT64_MAX;

    for (uint32_t id = 0; id < HOST_TIMERS; id++)
        if (h->timer[id] && h->timer[id] < next)
            next = h->timer[id];
    return next;
}

void host_close(struct host *h)
{
    h->plugin->close(h->inst);
    h->inst = NULL;
    assert_int_equal(h->n_fds, 0);
    assert_true(host_next(h) == INT64_MAX);
    atomic_store(&h->woken, false);
    conf_free(h);
}

void host_unload(struct host *h)
{
    dlclose(h->so);
    h->so = NULL;
}
