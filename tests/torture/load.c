/*
 * The load. Each poster owns every fourth customer and posts to one after the other's
 * answer, so that it knows in what order each customer's messages were accepted.
 */
#include "torture.h"
#include <curl/curl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* ---- drawing ---- */

uint64_t draw_next(struct draw *d) /* splitmix64 */
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned draw_below(struct draw *d, unsigned n)
{
    return (unsigned)(draw_next(d) % n);
}

bool draw_chance(struct draw *d, unsigned percent)
{
    return draw_below(d, 100) < percent;
}

/* ---- what is said ---- */

void phone_of(unsigned customer, char out[16])
{
    (void)snprintf(out, 16, "57300%07u", 1000000 + customer);
}

void text_of(const struct post *p, char out[TEXT_MAX])
{
    size_t n = (size_t)snprintf(out, TEXT_MAX, "m-%u-%u.", p->poster, p->number);

    for (; p->kind == POST_LONG && n < p->length; n++)
        out[n] = (char)('a' + n % 26);
    out[n] = '\0';
}

void photo_bytes(const struct photo *p, uint8_t out[PHOTO_MAX])
{
    struct draw d = {p->seed};

    for (unsigned i = 0; i < p->bytes; i++)
        out[i] = (uint8_t)draw_next(&d);
}

static void photo_draw(struct photo *p, struct draw *d)
{
    p->seed = draw_next(d);
    p->bytes = 1000 + draw_below(d, PHOTO_MAX - 1000);
}

/* ---- a client that keeps its connection ---- */

struct client {
    CURL *curl;
    char *body;
    size_t n;
};

static size_t client_add(char *data, size_t size, size_t n, void *arg)
{
    struct client *c = arg;
    char *p = realloc(c->body, c->n + size * n + 1);

    if (!p)
        return 0;
    memcpy(p + c->n, data, size * n);
    c->body = p;
    c->n += size * n;
    p[c->n] = '\0';
    return size * n;
}

static struct client *client_new(void)
{
    struct client *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->curl = curl_easy_init();
    assert_non_null(c->curl);
    return c;
}

static void client_free(struct client **cp)
{
    if (!*cp)
        return;
    curl_easy_cleanup((*cp)->curl);
    free((*cp)->body);
    free(*cp);
    *cp = NULL;
}

/* The status; 0: no answer. The answer is in c->body. headers: NULL-ended. */
static long client_do(struct client *c, const char *method, const char *url, const void *body, size_t n,
                      const char *const *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    long status = 0;

    for (; *headers; headers++)
        list = curl_slist_append(list, *headers);
    c->n = 0;
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    if (body) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    }
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, client_add);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)DEADLINE_S);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
    if (curl_easy_perform(c->curl) == CURLE_OK)
        curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(list);
    return status;
}

void nap(struct torture *t, unsigned ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&t->lock);
    while (!t->stop && !t->killed && pthread_cond_timedwait(&t->changed, &t->lock, &until) == 0)
        ;
    (void)pthread_mutex_unlock(&t->lock);
}

static bool stopped(struct torture *t)
{
    (void)pthread_mutex_lock(&t->lock);
    bool stop = t->stop;
    (void)pthread_mutex_unlock(&t->lock);
    return stop;
}

/* ---- posters ---- */

/* An answer came: is it one to die right after? Nothing stands between it and the kill. */
static void answered(struct torture *t)
{
    if (atomic_fetch_sub(&t->answers_left, 1) != 1)
        return;
    (void)kill(atomic_load(&t->pid), SIGKILL); /* not waited for yet: the pid is its own */
    (void)pthread_mutex_lock(&t->lock);
    t->killed = true;
    (void)pthread_cond_broadcast(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
}

/* Repeats it with the same key until it is acknowledged with this status. False: it
 * was answered otherwise, or not for a long time. */
static bool insist(struct poster *p, const char *path, const char *type, const char *key, const void *body,
                   size_t n, long want)
{
    struct torture *t = p->torture;
    char url[128], auth[128], content[64], idempotency[96];
    const char *const headers[] = {auth, content, idempotency, NULL};
    time_t until = time(NULL) + DEADLINE_S;

    (void)snprintf(url, sizeof url, "%s%s", t->gate.url, path);
    (void)snprintf(auth, sizeof auth, "Authorization: Bearer %s", t->gate.key);
    (void)snprintf(content, sizeof content, "Content-Type: %s", type);
    (void)snprintf(idempotency, sizeof idempotency, "Idempotency-Key: %s", key);
    for (;;) {
        long status = client_do(p->client, "POST", url, body, n, headers);
        if (status)
            answered(t);
        if (status == want)
            return true;
        if ((status && status != 409 && status != 429 && status != 503 &&
             !(status == 500 && t->disk_fails)) ||
            time(NULL) > until) {
            (void)snprintf(p->wrong, sizeof p->wrong, "POST %s with key %s was answered %ld: %.300s", path,
                           key, status, p->client->n ? p->client->body : "");
            return false;
        }
        p->repeated++;
        struct timespec pause = {.tv_nsec = (long)(1 + draw_below(&p->draw, 10)) * 1000000};
        (void)nanosleep(&pause, NULL);
    }
}

static void copy(char *out, size_t cap, const cJSON *j, const char *path)
{
    const char *s = cJSON_GetStringValue(json_at(j, path));

    (void)snprintf(out, cap, "%s", s ? s : "");
}

/* A photo that the gateway has; NULL: wrong. */
static const struct photo *upload(struct poster *p)
{
    uint8_t bytes[PHOTO_MAX];
    struct photo photo = {.id = ""};
    char key[64];

    photo_draw(&photo, &p->draw);
    photo_bytes(&photo, bytes);
    (void)snprintf(key, sizeof key, "photo-%u-%u", p->number, p->n_photos);
    if (!insist(p, "/v1/media", "image/jpeg", key, bytes, photo.bytes, 201))
        return NULL;
    cJSON *j = cJSON_ParseWithLength(p->client->body, p->client->n);
    copy(photo.id, sizeof photo.id, j, "id");
    cJSON_Delete(j);
    p->photo = realloc(p->photo, (p->n_photos + 1) * sizeof *p->photo);
    if (!p->photo)
        abort();
    p->photo[p->n_photos] = photo;
    return &p->photo[p->n_photos++];
}

static void write_body(const struct post *post, char *out, size_t cap)
{
    char phone[16], text[TEXT_MAX], content[TEXT_MAX + 256];

    phone_of(post->customer, phone);
    text_of(post, text);
    switch (post->kind) {
    case POST_CHOICES:
        (void)snprintf(
            content, sizeof content,
            "{\"type\":\"choices\",\"text\":\"%s\",\"choices\":[{\"id\":\"a\",\"title\":\"Cambio\"},"
            "{\"id\":\"b\",\"title\":\"Devolución\"}]}",
            text);
        break;
    case POST_TEMPLATE:
        (void)snprintf(content, sizeof content,
                       "{\"type\":\"template\",\"name\":\"pedir_foto\",\"language\":\"es\",\"parameters\":"
                       "{\"body\":[\"%s\"]}}",
                       text);
        break;
    case POST_MEDIA:
        (void)snprintf(content, sizeof content,
                       "{\"type\":\"media\",\"kind\":\"image\",\"media\":\"%s\",\"caption\":\"%s\"}",
                       post->media, text);
        break;
    default:
        (void)snprintf(content, sizeof content, "{\"type\":\"text\",\"text\":\"%s\"}", text);
    }
    (void)snprintf(
        out, cap, "{\"to\":{\"phone\":\"+%s\"},\"channel\":\"wa\",\"priority\":\"%s\"%s,\"content\":%s}",
        phone, post->priority, post->kind == POST_BRIEF ? ",\"expires_in\":\"PT2S\"" : "", content);
}

/* Posts it, for the first time or again: the answer is always the same. */
static bool post_it(struct poster *p, struct post *post)
{
    char body[TEXT_MAX + 1024], key[64], id[ID_MAX], customer[ID_MAX];

    write_body(post, body, sizeof body);
    (void)snprintf(key, sizeof key, "post-%u-%u", post->poster, post->number);
    if (!insist(p, "/v1/messages", "application/json", key, body, strlen(body), 202))
        return false;
    cJSON *j = cJSON_ParseWithLength(p->client->body, p->client->n);
    copy(id, sizeof id, j, "id");
    copy(customer, sizeof customer, j, "customer");
    cJSON_Delete(j);
    if (!post->id[0]) {
        memcpy(post->id, id, sizeof id);
        memcpy(post->customer_id, customer, sizeof customer);
    }
    if (id[0] && strcmp(post->id, id) == 0 && strcmp(post->customer_id, customer) == 0)
        return true;
    (void)snprintf(p->wrong, sizeof p->wrong, "%s was accepted as %s of %s, and again as %s of %s", key,
                   post->id, post->customer_id, id, customer);
    return false;
}

static struct post *post_new(struct poster *p)
{
    static const enum post_kind kinds[20] = {POST_LONG,    POST_LONG,     POST_LONG,     POST_CHOICES,
                                             POST_CHOICES, POST_TEMPLATE, POST_TEMPLATE, POST_MEDIA,
                                             POST_MEDIA,   POST_BRIEF};
    static const char *const priorities[] = {"urgent", "normal", "normal", "bulk"};
    struct post *post = calloc(1, sizeof *post);

    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 256;
        p->post = realloc(p->post, p->cap * sizeof(struct post *));
    }
    if (!post || !p->post)
        abort();
    post->poster = p->number;
    post->number = p->n;
    post->customer = p->number + POSTERS * draw_below(&p->draw, CUSTOMERS / POSTERS);
    post->kind = kinds[draw_below(&p->draw, 20)]; /* half of them POST_TEXT, which is 0 */
    post->length = 1000 + draw_below(&p->draw, 2500);
    post->priority = priorities[draw_below(&p->draw, 4)];
    p->post[p->n++] = post;
    return post;
}

/* Cancels it, if it has not left. No answer: it is, or it is not. */
static bool cancel(struct poster *p, struct post *post)
{
    struct torture *t = p->torture;
    char url[160], auth[128];
    const char *const headers[] = {auth, NULL};
    long status;

    (void)snprintf(url, sizeof url, "%s/v1/messages/%s", t->gate.url, post->id);
    (void)snprintf(auth, sizeof auth, "Authorization: Bearer %s", t->gate.key);
    post->cancel_tried = true;
    status = client_do(p->client, "DELETE", url, NULL, 0, headers);
    if (status)
        answered(t);
    post->canceled = status >= 200 && status < 300;
    p->canceled += post->canceled;
    if (post->canceled || status == 0 || status == 409 || status == 503)
        return true;
    (void)snprintf(p->wrong, sizeof p->wrong, "DELETE of %s was answered %ld: %.300s", post->id, status,
                   p->client->n ? p->client->body : "");
    return false;
}

static bool post_next(struct poster *p)
{
    struct post *post = post_new(p);

    if (post->kind == POST_MEDIA) {
        const struct photo *photo = p->n_photos && draw_chance(&p->draw, 60)
                                        ? &p->photo[draw_below(&p->draw, p->n_photos)]
                                        : upload(p);
        if (!photo)
            return false;
        memcpy(post->media, photo->id, sizeof post->media);
    }
    if (!post_it(p, post))
        return false;
    return !draw_chance(&p->draw, 5) || cancel(p, post);
}

static void *poster_main(void *arg)
{
    struct poster *p = arg;

    while (!stopped(p->torture)) {
        for (unsigned n = 1 + draw_below(&p->draw, 10); n; n--)
            if (!post_next(p))
                return NULL;
        if (draw_chance(&p->draw, 50)) {
            if (!post_it(p, p->post[draw_below(&p->draw, p->n)]))
                return NULL;
            p->replayed++;
        }
        nap(p->torture, draw_below(&p->draw, 80) * (1 + p->torture->slower));
    }
    return NULL;
}

/* ---- customers ---- */

static void base64(const uint8_t *in, unsigned n, char *out)
{
    static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (unsigned i = 0; i < n; i += 3) {
        uint32_t v =
            (uint32_t)in[i] << 16 | (i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
        *out++ = letter[v >> 18];
        *out++ = letter[v >> 12 & 63];
        *out++ = i + 1 < n ? letter[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? letter[v & 63] : '=';
    }
    *out = '\0';
}

static void arrived(struct torture *t, const char *id, const struct arrival *like, unsigned nth)
{
    struct arrival *a = calloc(1, sizeof *a);

    if (t->n_arrivals == t->arrivals_cap) {
        t->arrivals_cap = t->arrivals_cap ? 2 * t->arrivals_cap : 256;
        t->arrival = realloc(t->arrival, t->arrivals_cap * sizeof(struct arrival *));
    }
    if (!a || !t->arrival)
        abort();
    *a = *like;
    (void)snprintf(a->id, sizeof a->id, "%s", id);
    if (nth)
        (void)snprintf(a->text, sizeof a->text, "%.30s %u", like->text, nth);
    t->arrival[t->n_arrivals++] = a;
}

/* One text, several, one that quotes, or a photo. */
static bool somebody_writes(struct torture *t)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct draw *d = &t->writer_draw;
    struct arrival a = {.customer = draw_below(d, CUSTOMERS)};
    char *body = malloc(2 * PHOTO_MAX), *data = malloc(2 * PHOTO_MAX), url[96], phone[16];
    unsigned what = draw_below(d, 10), count = 1, nth = 0;
    uint8_t *bytes = malloc(PHOTO_MAX);

    if (!body || !data || !bytes)
        abort();
    phone_of(a.customer, phone);
    (void)snprintf(a.text, sizeof a.text, "i-%u.", t->n_arrivals);
    (void)snprintf(url, sizeof url, "%s/_sim/inbound", t->sim.url);
    if (what < 3) {
        photo_draw(&a.photo, d);
        photo_bytes(&a.photo, bytes);
        base64(bytes, a.photo.bytes, data);
        (void)snprintf(body, 2 * PHOTO_MAX,
                       "{\"from\":\"%s\",\"name\":\"Ana\",\"type\":\"image\",\"mime_type\":\"image/jpeg\","
                       "\"caption\":\"%s\",\"data\":\"%s\"}",
                       phone, a.text, data);
    } else {
        if (what == 3)
            count = 2 + draw_below(d, 20);
        (void)snprintf(body, 2 * PHOTO_MAX,
                       "{\"from\":\"%s\",\"name\":\"Ana\",\"type\":\"text\",\"text\":{\"body\":\"%s\"},"
                       "\"count\":%u%s}",
                       phone, a.text, count, what == 4 ? ",\"reply_to\":\"last\"" : "");
    }
    long status = client_do(t->writer_client, "POST", url, body, strlen(body), headers);
    cJSON *j = cJSON_ParseWithLength(t->writer_client->body, t->writer_client->n);
    const cJSON *id;
    cJSON_ArrayForEach(id, json_at(j, "ids")) arrived(t, id->valuestring, &a, count > 1 ? ++nth : 0);
    cJSON_Delete(j);
    free(body);
    free(data);
    free(bytes);
    /* Nothing was sent to this customer yet that could be quoted: 400. */
    if (status == 200 || (status == 400 && what == 4))
        return true;
    (void)snprintf(t->writer_wrong, sizeof t->writer_wrong, "the simulator answered %ld: %.300s", status,
                   t->writer_client->n ? t->writer_client->body : "");
    return false;
}

static void *writer_main(void *arg)
{
    struct torture *t = arg;

    while (!stopped(t)) {
        if (!somebody_writes(t))
            break;
        nap(t, draw_below(&t->writer_draw, 40) * (1 + t->slower));
    }
    return NULL;
}

/* ---- all of it ---- */

void load_start(struct torture *t)
{
    t->writer_draw.state = draw_next(&t->draw);
    t->writer_client = client_new();
    assert_int_equal(pthread_create(&t->writer, NULL, writer_main, t), 0);
    for (unsigned i = 0; i < POSTERS; i++) {
        struct poster *p = &t->poster[i];
        *p =
            (struct poster){.torture = t, .number = i, .draw = {draw_next(&t->draw)}, .client = client_new()};
        assert_int_equal(pthread_create(&p->thread, NULL, poster_main, p), 0);
    }
}

void load_stop(struct torture *t)
{
    bool wrong = false;

    (void)pthread_mutex_lock(&t->lock);
    t->stop = true;
    (void)pthread_cond_broadcast(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_join(t->writer, NULL);
    for (unsigned i = 0; i < POSTERS; i++)
        (void)pthread_join(t->poster[i].thread, NULL);
    for (unsigned i = 0; i < POSTERS; i++)
        if (t->poster[i].wrong[0]) {
            print_message("  %s\n", t->poster[i].wrong);
            wrong = true;
        }
    if (t->writer_wrong[0])
        print_message("  %s\n", t->writer_wrong);
    assert_false(wrong || t->writer_wrong[0]);
}

void load_free(struct torture *t)
{
    for (unsigned i = 0; i < POSTERS; i++) {
        struct poster *p = &t->poster[i];
        for (unsigned k = 0; k < p->n; k++)
            free(p->post[k]);
        free(p->post);
        free(p->photo);
        client_free(&p->client);
    }
    for (unsigned i = 0; i < t->n_arrivals; i++)
        free(t->arrival[i]);
    free(t->arrival);
    client_free(&t->writer_client);
}
