/* Webhooks: a queue of events, sent signed by a few threads with a kept-alive connection each.
 *
 * An event leaves the queue only for a 200. Anything else puts it back with a back-off that doubles up to a
 * limit; when nobody answers at all the whole queue waits, so a gateway that is down is asked once in a while
 * and gets everything in order when it is back. With one connection events of equal due time keep their
 * order. */
#include "sim.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the heap
 * ---------------------------------------------------------------------------------------------- */

static bool before(const struct event *a, const struct event *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->seq < b->seq;
}

static void push(struct sim *s, struct event *e)
{
    if (s->n_queue == s->queue_cap) {
        s->queue_cap = s->queue_cap ? s->queue_cap * 2 : 1024;
        struct event **grown = xcalloc(s->queue_cap, sizeof *grown);
        if (s->n_queue)
            memcpy(grown, s->queue, s->n_queue * sizeof *grown);
        free(s->queue);
        s->queue = grown;
    }
    size_t i = s->n_queue++;
    while (i && before(e, s->queue[(i - 1) / 2])) {
        s->queue[i] = s->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->queue[i] = e;
}

static struct event *pop(struct sim *s)
{
    struct event *top = s->queue[0], *last = s->queue[--s->n_queue];
    size_t i = 0, n = s->n_queue;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(s->queue[child + 1], s->queue[child]))
            child++;
        if (!before(s->queue[child], last))
            break;
        s->queue[i] = s->queue[child];
    }
    if (n)
        s->queue[i] = last;
    return top;
}

static void event_free(struct event *e)
{
    if (!e)
        return;
    free(e->id);
    free(e->field);
    free(e->item);
    free(e->contact);
    free(e);
}

bool webhook_full_locked(const struct sim *s, size_t more)
{
    return s->n_queue + s->in_flight + more > s->queue_max;
}

size_t webhook_pending_locked(const struct sim *s)
{
    return s->n_queue + s->in_flight;
}

void webhook_add_locked(struct sim *s, bool is_message, const char *id, char *item, char *contact,
                        int64_t delay_ms)
{
    struct faults *f = &s->faults;
    int copies = f->duplicate_webhooks ? 2 : 1;
    if (!s->conf.webhook_url[0] || webhook_full_locked(s, (size_t)copies)) {
        s->counts.discarded++;
        free(item);
        free(contact);
        return;
    }
    int64_t due = mono_us() + delay_ms * 1000;
    for (int i = 0; i < copies; i++) {
        struct event *e = xcalloc(1, sizeof *e);
        *e =
            (struct event){.seq = ++s->event_seq, .due_us = due, .is_message = is_message, .id = xstrdup(id)};
        e->item = i ? xstrdup(item) : item;
        e->contact = i && contact ? xstrdup(contact) : contact;
        if (f->reorder_webhooks)
            e->due_us += (int64_t)(rng_unit(&f->rng) * (double)f->reorder_ms * 1000);
        push(s, e);
    }
    pthread_cond_signal(&s->work);
}

void webhook_field_locked(struct sim *s, const char *field, char *value)
{
    if (!s->conf.webhook_url[0] || webhook_full_locked(s, 1)) {
        s->counts.discarded++;
        free(value);
        return;
    }
    struct event *e = xcalloc(1, sizeof *e);
    *e = (struct event){.seq = ++s->event_seq,
                        .due_us = mono_us(),
                        .item = value,
                        .id = xstrdup(field),
                        .field = xstrdup(field)};
    push(s, e);
    pthread_cond_signal(&s->work);
}

/* ---- the body
 * ---------------------------------------------------------------------------------------------- */

static void add_text(struct sbuf *b, const char *name, const char *value, const char *after)
{
    cJSON *v = cJSON_CreateString(value);
    char *text = xprint(v);
    sbuf_printf(b, "\"%s\":", name);
    sbuf_text(b, text);
    sbuf_text(b, after);
    free(text);
    cJSON_Delete(v);
}

/* One change with the events from..to that are of this kind. Nothing when there are none. */
static bool add_change(struct sbuf *b, const struct conf *c, struct event **event, size_t from, size_t to,
                       bool messages, bool comma)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += event[i]->is_message == messages && !event[i]->field;
    if (!n)
        return false;
    sbuf_text(b, comma ? "," : "");
    sbuf_text(b, "{\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{");
    add_text(b, "display_phone_number", c->display_phone_number, ",");
    add_text(b, "phone_number_id", c->phone_number_id, "}");
    bool first = true;
    for (size_t i = from; messages && i < to; i++) {
        bool said = !event[i]->is_message || !event[i]->contact;
        for (size_t j = from; j < i && !said; j++)
            said = event[j]->contact && !strcmp(event[j]->contact, event[i]->contact);
        if (said)
            continue;
        sbuf_text(b, first ? ",\"contacts\":[" : ",");
        sbuf_text(b, event[i]->contact);
        first = false;
    }
    sbuf_text(b, first ? "" : "]");
    first = true;
    for (size_t i = from; i < to; i++) {
        if (event[i]->is_message != messages || event[i]->field)
            continue;
        sbuf_text(b, !first ? "," : messages ? ",\"messages\":[" : ",\"statuses\":[");
        sbuf_text(b, event[i]->item);
        first = false;
    }
    sbuf_text(b, "]},\"field\":\"messages\"}");
    return true;
}

/* One change for each event of another field. */
static bool add_fields(struct sbuf *b, struct event **event, size_t from, size_t to, bool comma)
{
    bool any = false;
    for (size_t i = from; i < to; i++) {
        if (!event[i]->field)
            continue;
        sbuf_text(b, comma || any ? ",{\"value\":" : "{\"value\":");
        sbuf_text(b, event[i]->item);
        sbuf_text(b, ",");
        add_text(b, "field", event[i]->field, "}");
        any = true;
    }
    return any;
}

static void build(struct sbuf *out, const struct conf *c, struct event **event, size_t n)
{
    struct sbuf b = {0};
    size_t step = c->batch_style == BATCH_VALUES ? n : 1;
    sbuf_text(&b, "{\"object\":\"whatsapp_business_account\",\"entry\":[");
    bool comma = false;
    for (size_t i = 0; i < n; i += step) {
        if (i == 0 || c->batch_style == BATCH_ENTRIES) {
            sbuf_text(&b, i ? "]},{" : "{");
            add_text(&b, "id", c->waba_id, ",\"changes\":[");
            comma = false;
        }
        comma |= add_change(&b, c, event, i, i + step, true, comma);
        comma |= add_change(&b, c, event, i, i + step, false, comma);
        comma |= add_fields(&b, event, i, i + step, comma);
    }
    sbuf_text(&b, "]}]}");
    json_escape(out, b.p, b.n);
    sbuf_free(&b);
}

/* ---- one exchange
 * ------------------------------------------------------------------------------------------ */

struct exchange {
    struct sim *sim;
    struct http_result *keep; /* may be NULL */
    size_t n;
};

static size_t on_body(char *p, size_t size, size_t n, void *cls)
{
    struct exchange *x = cls;
    size_t all = size * n;
    if (x->keep && x->n < sizeof x->keep->body - 1) {
        size_t room = sizeof x->keep->body - 1 - x->n, take = all < room ? all : room;
        memcpy(x->keep->body + x->n, p, take);
        x->n += take;
        x->keep->body[x->n] = 0;
    }
    return all;
}

static int on_progress(void *cls, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct exchange *x = cls;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    pthread_mutex_lock(&x->sim->lock);
    bool stop = x->sim->stopping;
    pthread_mutex_unlock(&x->sim->lock);
    return stop;
}

/* The HTTP status, 0 when there was no answer. */
static long post(CURL *curl, struct sim *s, const char *url, const char *secret, const char *signature,
                 int64_t timeout_ms, const char *body, size_t n, struct http_result *keep)
{
    struct exchange x = {.sim = s, .keep = keep};
    uint8_t mac[32];
    char digits[65], header[100];
    long status = 0;
    hmac_sha256(secret, body, n, mac);
    if (!strcmp(signature, "bad"))
        mac[0] ^= 1;
    hex(mac, sizeof mac, digits);
    snprintf(header, sizeof header, "X-Hub-Signature-256: sha256=%s", digits);
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:");
    if (strcmp(signature, "none"))
        list = curl_slist_append(list, header);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "hilo-sim-whatsapp");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &x);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &x);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    else if (keep)
        copy_text(keep->error, sizeof keep->error, curl_easy_strerror(code));
    curl_slist_free_all(list);
    return status;
}

void webhook_post_once(struct sim *s, const char *url, const char *body, size_t n, const char *signature,
                       struct http_result *out)
{
    char secret[sizeof s->conf.app_secret];
    CURL *curl = curl_easy_init();
    *out = (struct http_result){0};
    pthread_mutex_lock(&s->lock);
    memcpy(secret, s->conf.app_secret, sizeof secret);
    int64_t timeout_ms = s->conf.timeout_ms;
    pthread_mutex_unlock(&s->lock);
    if (curl)
        out->status = post(curl, s, url, secret, signature, timeout_ms, body, n, out);
    curl_easy_cleanup(curl);
}

void webhook_get_once(const char *url, int64_t timeout_ms, struct http_result *out)
{
    struct exchange x = {.keep = out};
    CURL *curl = curl_easy_init();
    *out = (struct http_result){0};
    if (!curl)
        return;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "hilo-sim-whatsapp");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &x);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
    else
        copy_text(out->error, sizeof out->error, curl_easy_strerror(code));
    curl_easy_cleanup(curl);
}

/* ---- the workers
 * ------------------------------------------------------------------------------------------- */

/* Waits for due events and takes up to one batch of them. 0: the program stops. */
static size_t take(struct sim *s, struct event **batch, size_t max)
{
    while (!s->stopping) {
        int64_t now = mono_us(), next = s->n_queue ? s->queue[0]->due_us : INT64_MAX;
        if (next < s->hold_until_us)
            next = s->hold_until_us;
        if (next <= now) {
            size_t n = 0, limit = (size_t)s->conf.batch < max ? (size_t)s->conf.batch : max;
            while (n < limit && s->n_queue && s->queue[0]->due_us <= now)
                batch[n++] = pop(s);
            if (s->n_queue)
                pthread_cond_signal(&s->work); /* more is due: another worker may help */
            return n;
        }
        if (next == INT64_MAX) {
            pthread_cond_wait(&s->work, &s->lock);
        } else {
            struct timespec ts = {.tv_sec = next / 1000000, .tv_nsec = next % 1000000 * 1000};
            pthread_cond_timedwait(&s->work, &s->lock, &ts);
        }
    }
    return 0;
}

/* What comes of a batch that was answered with `status`. */
static void settle(struct sim *s, struct event **batch, size_t n, long status)
{
    int64_t now = mono_us();
    s->counts.posts++;
    if (status == 200) {
        s->counts.posts_ok++;
        s->hold_ms = 0;
    } else {
        s->counts.posts_failed++;
    }
    if (status == 0 && now >= s->hold_until_us) {
        s->hold_ms = !s->hold_ms                             ? s->conf.retry_min_ms
                     : s->hold_ms * 2 < s->conf.retry_max_ms ? s->hold_ms * 2
                                                             : s->conf.retry_max_ms;
        s->hold_until_us = now + s->hold_ms * 1000;
    }
    for (size_t i = 0; i < n; i++) {
        struct event *e = batch[i];
        if (status == 200) {
            if (e->is_message)
                inbound_acked_locked(s, e->id);
            else if (!e->field)
                s->counts.acked_statuses++;
            event_free(e);
            continue;
        }
        if (status) { /* without an answer the whole queue waits, and the order stays */
            uint32_t shift = e->attempts < 20 ? e->attempts : 20;
            int64_t ms = s->conf.retry_min_ms << shift;
            e->due_us = now + (ms < s->conf.retry_max_ms ? ms : s->conf.retry_max_ms) * 1000;
        }
        e->attempts++;
        push(s, e);
    }
    pthread_cond_broadcast(&s->changed);
}

static void *worker(void *cls)
{
    enum { BATCH_MAX = 1000 };
    struct sim *s = cls;
    struct event **batch = xcalloc(BATCH_MAX, sizeof *batch);
    struct sbuf body = {0};
    CURL *curl = curl_easy_init();
    pthread_mutex_lock(&s->lock);
    for (size_t n; curl && (n = take(s, batch, BATCH_MAX)) > 0;) {
        struct conf c = s->conf; /* its templates belong to the lock and are not looked at */
        s->in_flight += n;
        pthread_mutex_unlock(&s->lock);
        body.n = 0;
        build(&body, &c, batch, n);
        long status = post(curl, s, c.webhook_url, c.app_secret, "good", c.timeout_ms, body.p, body.n, NULL);
        pthread_mutex_lock(&s->lock);
        s->in_flight -= n;
        settle(s, batch, n, status);
    }
    pthread_mutex_unlock(&s->lock);
    curl_easy_cleanup(curl);
    sbuf_free(&body);
    free(batch);
    return NULL;
}

bool webhook_start(struct sim *s, size_t connections)
{
    s->workers = xcalloc(connections, sizeof *s->workers);
    for (size_t i = 0; i < connections; i++) {
        if (pthread_create(&s->workers[i], NULL, worker, s))
            return false;
        s->n_workers++;
    }
    return true;
}

void webhook_stop(struct sim *s)
{
    for (size_t i = 0; i < s->n_workers; i++)
        pthread_join(s->workers[i], NULL);
    free(s->workers);
    while (s->n_queue)
        event_free(pop(s));
    free(s->queue);
}
