/* Webhooks, as Infobip posts them: one sort a POST, up to `batch` results in it, in order, by Basic
 * authentication if there is a user. Only a 2xx takes results out of the queue; anything else repeats them
 * after a back-off that doubles, while all others wait. Before the first delivery report of a message with a
 * mediaUrl the media is fetched, as WhatsApp does: one that can't be had makes the message undeliverable. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wait_locked(struct sim *s, int64_t until_us)
{
    struct timespec t = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

    if (s->stopping || now_us() >= until_us)
        return false;
    pthread_cond_timedwait(&s->changed, &s->lock, &t);
    return !s->stopping;
}

static void event_free(struct event *e)
{
    cJSON_Delete(e->result);
    free(e->media_url);
    free(e);
}

static void add_one(struct sim *s, struct event *e)
{
    struct event **at = &s->events;

    /* not between those that are just being posted, which are the first */
    for (size_t i = 0; *at && (i < s->sending || (*at)->due_us <= e->due_us); i++)
        at = &(*at)->next;
    e->next = *at;
    *at = e;
    s->n_events++;
}

void webhook_add_locked(struct sim *s, enum event_kind kind, const char *url, const char *id, cJSON *result,
                        const char *media_url, int64_t delay_ms)
{
    for (int i = 0; i < (s->faults.duplicate_webhooks ? 2 : 1); i++) {
        struct event *e = must(calloc(1, sizeof *e));
        e->kind = kind;
        e->due_us = now_us() + delay_ms * 1000;
        (void)copy(e->url, sizeof e->url, url);
        (void)copy(e->id, sizeof e->id, id);
        e->result = must(cJSON_Duplicate(result, true));
        e->media_url = media_url && i == 0 ? must(strdup(media_url)) : NULL;
        add_one(s, e);
    }
    cJSON_Delete(result);
    pthread_cond_broadcast(&s->changed);
}

/* What a message's media is; held against its kind. */
static void fetch_media(struct sim *s, struct event *e)
{
    struct message *m;
    struct http_result r;
    cJSON *media;
    char hash[65];
    bool fits;

    pthread_mutex_unlock(&s->lock);
    http_call(e->media_url, NULL, NULL, s->conf.timeout_ms, &r);
    sha256_hex(r.body.p ? r.body.p : "", r.body.n, hash);
    pthread_mutex_lock(&s->lock);
    HASH_FIND_STR(s->messages, e->id, m);
    if (m && !m->media) {
        media = m->media = must(cJSON_CreateObject());
        cJSON_AddNumberToObject(media, "status", (double)r.status);
        cJSON_AddStringToObject(media, "type", r.type);
        cJSON_AddNumberToObject(media, "bytes", (double)r.body.n);
        cJSON_AddStringToObject(media, "sha256", hash);
        fits = strcmp(m->kind, "image") != 0 || !strncmp(r.type, "image/", 6);
        if (r.status != 200 || r.body.n == 0 || !fits) {
            cJSON_ReplaceItemInObjectCaseSensitive(e->result, "status",
                                                   status_json("UNDELIVERABLE_NOT_DELIVERED"));
            cJSON_ReplaceItemInObjectCaseSensitive(
                e->result, "error", error_json(fits ? "EC_MEDIA_HOSTING_ERROR" : "EC_MEDIA_UNSUPPORTED"));
            for (struct event *o = e->next; o; o = o->next) /* nobody will see it */
                if (!strcmp(o->id, e->id) && o->kind == E_SEEN)
                    o->kind = E_INBOUND, o->url[0] = 0;
        }
    }
    free(r.body.p);
}

/* The first events that may go into one POST, as its body; how many into *n. */
static char *gather_locked(struct sim *s, size_t *n)
{
    const struct event *first = s->events, *e = first;
    cJSON *body = must(cJSON_CreateObject()), *results = cJSON_AddArrayToObject(body, "results");
    char *text;

    for (*n = 0; e && (int64_t)*n < s->conf.batch && e->kind == first->kind && !strcmp(e->url, first->url) &&
                 e->due_us <= now_us() && !(e != first && e->media_url);
         e = e->next, ++*n)
        cJSON_AddItemToArray(results, must(cJSON_Duplicate(e->result, true)));
    if (first->kind == E_INBOUND) {
        cJSON_AddNumberToObject(body, "messageCount", (double)*n);
        cJSON_AddNumberToObject(body, "pendingMessageCount", 0);
    }
    text = print(body);
    cJSON_Delete(body);
    return text;
}

static void drop_first_locked(struct sim *s, size_t n, bool acked)
{
    struct inbound *in;

    while (n--) {
        struct event *e = s->events;
        s->events = e->next;
        s->n_events--;
        if (e->kind == E_INBOUND && acked) {
            HASH_FIND_STR(s->inbound, e->id, in);
            if (in)
                in->acked = true;
        }
        event_free(e);
    }
    pthread_cond_broadcast(&s->changed);
}

static void *work(void *arg)
{
    struct sim *s = arg;
    int64_t back_off_ms = 0;

    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct event *e = s->events;
        char url[URL_MAX], credentials[sizeof s->conf.webhook_user + sizeof s->conf.webhook_password + 1];
        struct http_result r;
        size_t n;
        char *body;

        if (!e || e->due_us > now_us()) {
            (void)wait_locked(s, e ? e->due_us : now_us() + 60000000);
            continue;
        }
        if (!e->url[0]) {
            drop_first_locked(s, 1, false);
            continue;
        }
        if (e->media_url) {
            s->sending = 1;
            fetch_media(s, e);
            s->sending = 0;
            free(e->media_url);
            e->media_url = NULL;
        }
        body = gather_locked(s, &n);
        s->sending = n;
        (void)copy(url, sizeof url, e->url);
        snprintf(credentials, sizeof credentials, "%s:%s", s->conf.webhook_user, s->conf.webhook_password);
        s->posted++;
        pthread_mutex_unlock(&s->lock);
        http_call(url, body, s->conf.webhook_user[0] ? credentials : NULL, s->conf.timeout_ms, &r);
        free(body);
        free(r.body.p);
        pthread_mutex_lock(&s->lock);
        s->sending = 0;
        if (r.status >= 200 && r.status <= 299) {
            s->acked++;
            back_off_ms = 0;
            drop_first_locked(s, n, true);
            continue;
        }
        s->failed++;
        pthread_cond_broadcast(&s->changed);
        back_off_ms = back_off_ms ? back_off_ms * 2 : s->conf.retry_min_ms;
        if (back_off_ms > s->conf.retry_max_ms)
            back_off_ms = s->conf.retry_max_ms;
        for (int64_t until = now_us() + back_off_ms * 1000; wait_locked(s, until);)
            ;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool webhook_start(struct sim *s)
{
    return pthread_create(&s->worker, NULL, work, s) == 0;
}

void webhook_stop(struct sim *s)
{
    pthread_join(s->worker, NULL);
    while (s->events) {
        struct event *e = s->events;
        s->events = e->next;
        event_free(e);
    }
}
