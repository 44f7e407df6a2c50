/*
 * For scripts: one JSON object a line on standard input, one a line on standard output; hilo-till(1) has
 * them. What was said to be queued is on disk before it is said. Standard output is written line by line, and
 * waited for.
 */
#include "app.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JSON_LINE_MAX = 131072 };

struct pending {
    char id[HILOTILL_ID];
    cJSON *tag; /* NULL: none */
    bool queued;
    struct pending *next;
};

struct held {
    struct held *next;
    size_t n;
    char line[];
};

struct json {
    const struct app *app;
    struct hilotill *t;
    struct pending *pending;
    unsigned asked;                /* of pending, not queued */
    bool broken;                   /* nobody reads any more */
    bool tried;                    /* the first try to connect has ended, one way or the other */
    struct held *held, **held_end; /* lines that ask now, given before that */
};

static void json__say(struct json *j, cJSON *o)
{
    char *s = cJSON_PrintUnformatted(o);

    if (!s || puts(s) < 0 || fflush(stdout) != 0)
        j->broken = true;
    cJSON_free(s);
    cJSON_Delete(o);
}

static cJSON *json__event(const char *event)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(o, "event", event);
    return o;
}

static void json__tag(cJSON *o, const cJSON *tag)
{
    if (tag)
        cJSON_AddItemToObject(o, "tag", cJSON_Duplicate(tag, 1));
}

static void json__raw(cJSON *o, const char *name, const char *json)
{
    if (json)
        cJSON_AddRawToObject(o, name, json);
}

/* ---- what the library tells -------------------------------------------------------------------------------
 */

static const char *const line_names[] = {"offline", "connecting", "waiting",
                                         "online",  "enrolling",  "revoked"};

static void json__status(struct json *j, const struct hilotill_status *s)
{
    cJSON *o = json__event("state");

    cJSON_AddStringToObject(o, "line", line_names[s->line]);
    cJSON_AddStringToObject(o, "store", s->store);
    cJSON_AddStringToObject(o, "terminal", s->terminal);
    cJSON_AddStringToObject(o, "role", s->role);
    cJSON_AddNumberToObject(o, "waiting", s->waiting);
    cJSON_AddNumberToObject(o, "refused", s->refused);
    if (s->reason[0])
        cJSON_AddStringToObject(o, "reason", s->reason);
    if (s->retry_in_ms)
        cJSON_AddNumberToObject(o, "retry_in_ms", (double)s->retry_in_ms);
    json__say(j, o);
}

static void json__changed(void *arg, const struct hilotill_status *s)
{
    struct json *j = arg;

    json__status(j, s);
    if (s->line != HILOTILL_CONNECTING && (s->line != HILOTILL_OFFLINE || s->reason[0]))
        j->tried = true;
}

static struct pending json__take(struct json *j, const char *id)
{
    struct pending **p, *found, one = {0};

    for (p = &j->pending; *p; p = &(*p)->next)
        if (strcmp((*p)->id, id) == 0) {
            found = *p;
            *p = found->next;
            one = *found;
            free(found);
            j->asked -= one.queued ? 0 : 1;
            break;
        }
    return one;
}

static void json__answered(void *arg, const struct hilotill_answer *a)
{
    struct json *j = arg;
    struct pending p = json__take(j, a->id);
    cJSON *o = json__event("answer"), *error;

    cJSON_AddStringToObject(o, "id", a->id);
    cJSON_AddStringToObject(o, "method", a->method);
    cJSON_AddBoolToObject(o, "queued", a->queued);
    json__tag(o, p.tag);
    cJSON_Delete(p.tag);
    if (a->code) {
        error = cJSON_AddObjectToObject(o, "error");
        cJSON_AddNumberToObject(error, "code", a->code);
        cJSON_AddStringToObject(error, "message", a->error);
        json__raw(error, "data", a->data);
    } else {
        json__raw(o, "result", a->result);
    }
    json__say(j, o);
}

static void json__pushed(void *arg, const struct hilotill_push *p)
{
    struct json *j = arg;
    struct hilotill_error e;
    cJSON *o = json__event("push");

    cJSON_AddStringToObject(o, "id", p->id);
    cJSON_AddStringToObject(o, "method", p->method);
    json__raw(o, "params", p->params);
    json__say(j, o);
    if (j->app->ack && !j->broken && hilotill_push_done(j->t, p->id, NULL, &e) != HILOTILL_OK)
        complain("%s", e.text);
}

/* ---- what the script says
 * ------------------------------------------------------------------------------------ */

static void json__error(struct json *j, int code, const char *text, const cJSON *tag)
{
    cJSON *o = json__event("error"), *error = cJSON_AddObjectToObject(o, "error");

    cJSON_AddNumberToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", text);
    json__tag(o, tag);
    json__say(j, o);
}

static void json__call(struct json *j, const cJSON *in, const char *method, const cJSON *tag)
{
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(in, "params");
    bool queue = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "queue"));
    bool cache = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "cache"));
    char *text = params ? cJSON_PrintUnformatted(params) : app_copy("{}");
    struct pending *p = app_alloc(sizeof *p);
    struct hilotill_error e;
    cJSON *o;
    int rc = queue ? hilotill_queue(j->t, method, text, p->id, &e)
                   : hilotill_request(j->t, method, text, cache, p->id, &e);

    free(text);
    if (rc != HILOTILL_OK) {
        free(p);
        json__error(j, e.code, e.text, tag);
        return;
    }
    p->tag = tag ? cJSON_Duplicate(tag, 1) : NULL;
    p->queued = queue;
    p->next = j->pending;
    j->pending = p;
    j->asked += queue ? 0 : 1;
    o = json__event(queue ? "queued" : "asked");
    cJSON_AddStringToObject(o, "id", p->id);
    cJSON_AddStringToObject(o, "method", method);
    json__tag(o, tag);
    json__say(j, o);
}

static int json__item(void *arg, const struct hilotill_item *item)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(o, "id", item->id);
    cJSON_AddStringToObject(o, "method", item->method);
    json__raw(o, "params", item->params);
    cJSON_AddNumberToObject(o, "code", item->code);
    if (item->error)
        cJSON_AddStringToObject(o, "message", item->error);
    cJSON_AddItemToArray(arg, o);
    return 0;
}

static void json__items(struct json *j, const cJSON *tag)
{
    cJSON *o = json__event("items"), *list = cJSON_AddArrayToObject(o, "items");
    struct hilotill_error e;

    if (hilotill_items(j->t, json__item, list, &e) != HILOTILL_OK) {
        cJSON_Delete(o);
        json__error(j, e.code, e.text, tag);
        return;
    }
    json__tag(o, tag);
    json__say(j, o);
}

static void json__cached(struct json *j, const cJSON *what, const cJSON *tag)
{
    char *params = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(what, "params"));
    struct hilotill_error e;
    const char *json;
    int64_t as_of;
    cJSON *o;

    if (hilotill_cached(j->t, app_text(what, "method"), params, &json, &as_of, &e) != HILOTILL_OK) {
        json__error(j, e.code, e.text, tag);
    } else {
        o = json__event("cached");
        cJSON_AddNumberToObject(o, "as_of_ms", (double)as_of);
        json__raw(o, "result", json);
        json__tag(o, tag);
        json__say(j, o);
    }
    cJSON_free(params);
}

/* {"done":ID,"result":{…}}, {"refuse":ID,"why":…}, {"dismiss":ID}, {"again":ID}, {"clerk":NAME} */
static bool json__small(struct json *j, const cJSON *in, int *rc, struct hilotill_error *e)
{
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(in, "result");
    char *text = result ? cJSON_PrintUnformatted(result) : NULL;
    bool known = true;

    if (app_text(in, "done")[0])
        *rc = hilotill_push_done(j->t, app_text(in, "done"), text, e);
    else if (app_text(in, "refuse")[0])
        *rc = hilotill_push_refuse(j->t, app_text(in, "refuse"), app_text(in, "why"), e);
    else if (app_text(in, "dismiss")[0])
        *rc = hilotill_dismiss(j->t, app_text(in, "dismiss"), e);
    else if (app_text(in, "again")[0])
        *rc = hilotill_again(j->t, app_text(in, "again"), e);
    else if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(in, "clerk")))
        *rc = hilotill_set_clerk(j->t, app_text(in, "clerk"), e);
    else
        known = false;
    cJSON_free(text);
    return known;
}

/* A script that begins with a question means it to be asked when there is a line. */
static bool json__hold(struct json *j, const cJSON *in, const char *p, size_t n)
{
    struct held *h;

    if (j->tried || !app_text(in, "method")[0] || cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "queue")))
        return false;
    h = app_alloc(sizeof *h + n);
    memcpy(h->line, p, n);
    h->n = n;
    *j->held_end = h;
    j->held_end = &h->next;
    return true;
}

static void json__line(struct json *j, const char *p, size_t n)
{
    cJSON *in = cJSON_ParseWithLength(p, n);
    const cJSON *tag = cJSON_GetObjectItemCaseSensitive(in, "tag");
    const cJSON *cached = cJSON_GetObjectItemCaseSensitive(in, "cached");
    struct hilotill_error e;
    int rc = HILOTILL_OK;
    cJSON *o;

    if (n == 0)
        goto out;
    if (json__hold(j, in, p, n))
        goto out;
    if (!cJSON_IsObject(in)) {
        json__error(j, HILOTILL_EARG, "this line is no JSON object", NULL);
    } else if (app_text(in, "method")[0]) {
        json__call(j, in, app_text(in, "method"), tag);
    } else if (cached) {
        json__cached(j, cached, tag);
    } else if (cJSON_HasObjectItem(in, "items")) {
        json__items(j, tag);
    } else if (!json__small(j, in, &rc, &e)) {
        json__error(j, HILOTILL_EARG,
                    "a line has one of: method, cached, items, done, refuse, dismiss, again, clerk", tag);
    } else if (rc != HILOTILL_OK) {
        json__error(j, e.code, e.text, tag);
    } else {
        o = json__event("ok");
        json__tag(o, tag);
        json__say(j, o);
    }
out:
    cJSON_Delete(in);
}

static void json__release(struct json *j)
{
    struct held *h;

    while (j->tried && (h = j->held)) {
        j->held = h->next;
        if (!j->held)
            j->held_end = &j->held;
        json__line(j, h->line, h->n);
        free(h);
    }
}

struct input {
    char *p;
    size_t n;
    bool ended;
};

/* Takes what is there; whole lines are worked off. */
static void json__read(struct json *j, struct input *in)
{
    ssize_t r = read(STDIN_FILENO, in->p + in->n, JSON_LINE_MAX - in->n);
    char *lf;
    size_t n;

    if (r <= 0) {
        if (r == 0 || (errno != EAGAIN && errno != EINTR))
            in->ended = true;
        if (in->ended && in->n)
            json__line(j, in->p, in->n); /* the last one, without its end */
        return;
    }
    in->n += (size_t)r;
    while ((lf = memchr(in->p, '\n', in->n))) {
        n = (size_t)(lf - in->p);
        json__line(j, in->p, n);
        memmove(in->p, lf + 1, in->n - n - 1);
        in->n -= n + 1;
    }
    if (in->n == JSON_LINE_MAX) {
        json__error(j, HILOTILL_EARG, "this line is longer than 128 KiB", NULL);
        in->ended = true;
    }
}

static bool json__idle(const struct json *j)
{
    struct hilotill_status s;

    hilotill_status(j->t, &s);
    return s.waiting == 0 && j->asked == 0 && !j->held;
}

static int json__loop(struct json *j)
{
    struct input in = {.p = app_alloc(JSON_LINE_MAX)};
    int64_t until = INT64_MAX, left;
    int wait;

    while (!j->broken && !(in.ended && (json__idle(j) || app_now() >= until))) {
        struct pollfd p[2] = {{hilotill_fd(j->t), POLLIN, 0}, {in.ended ? -1 : STDIN_FILENO, POLLIN, 0}};

        wait = hilotill_timeout(j->t);
        left = until - app_now();
        if (until != INT64_MAX && (wait < 0 || left < wait))
            wait = left < 0 ? 0 : (int)left;
        if (poll(p, 2, wait) < 0 && errno != EINTR)
            break;
        if (p[1].revents) {
            json__read(j, &in);
            if (in.ended)
                until = app_now() + j->app->drain_ms;
        }
        hilotill_run(j->t);
        json__release(j);
    }
    free(in.p);
    return j->broken ? EXIT_FAILED : json__idle(j) ? EXIT_OK : EXIT_WAITING;
}

int app_json(const struct app *app)
{
    struct json j = {.app = app};
    struct hilotill_options o = {.size = sizeof o,
                                 .folder = app->folder,
                                 .host = app->host,
                                 .software = "hilo-till " HILO_VERSION,
                                 .language = app->spanish ? "es" : "en",
                                 .capabilities = app->can,
                                 .arg = &j,
                                 .on_change = json__changed,
                                 .on_answer = json__answered,
                                 .on_push = json__pushed};
    struct hilotill_status s;
    struct hilotill_error e;
    struct pending *p;
    struct held *h;
    int rc = EXIT_FAILED;

    if (hilotill_open(&o, &j.t, &e) != HILOTILL_OK ||
        hilotill_set_clerk(j.t, app->clerk, &e) != HILOTILL_OK) {
        complain("%s", e.text);
        goto out;
    }
    j.held_end = &j.held;
    hilotill_status(j.t, &s);
    json__status(&j, &s);
    /* Without an identity it can still queue; the state says what is missing. */
    if (hilotill_connect(j.t, &e) != HILOTILL_OK) {
        complain("%s", e.text);
        j.tried = true;
    }
    rc = json__loop(&j);
out:
    hilotill_close(&j.t);
    while ((h = j.held)) {
        j.held = h->next;
        free(h);
    }
    while ((p = j.pending)) {
        j.pending = p->next;
        cJSON_Delete(p->tag);
        free(p);
    }
    return rc;
}
