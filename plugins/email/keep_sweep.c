/*
 * At the start and once a day every file is looked at, one after the other: its head names the message, the
 * gateway says what has become of that one's media, and a file that nobody needs is removed. One whose head
 * names none was never fetched from: either its mail was not taken (its sender's server has it still), or the
 * gateway has yet to ask, which it does within minutes of a start; so it goes at the second look.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keep_impl.h"

#include "ask.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SWEEP_PATH = 80 };
#define SWEEP_EVERY_US (INT64_C(86400) * 1000000)

struct sweep {
    struct work work;
    struct email *email;
    char (*name)[KEEP_NAME_MAX];
    size_t n, at, media, removed;
    int fd;
    bool good;                 /* the head is one of ours */
    char message[ID_TEXT_MAX]; /* of the file that it is at */
};

static void sweep_next(struct sweep *s);

static void sweep_end(struct sweep *s)
{
    struct email *e = s->email;

    if (s->removed)
        email_log(e, HILO_LOG_INFO, "email.sweep files=%zu removed=%zu", s->n, s->removed);
    if (e->host.timer(e->self, EMAIL_TIMER_SWEEP, email_now(e) + SWEEP_EVERY_US) != HILO_OK)
        email_log(e, HILO_LOG_WARN, "email.sweep: the gateway takes no timer; the next start looks again");
    e->keep->sweep = NULL;
    free(s->name);
    free(s);
}

static struct kept *sweep_file(struct sweep *s)
{
    return keep_find(s->email->keep, s->name[s->at]);
}

static void sweep_over(struct sweep *s)
{
    s->at++;
    sweep_next(s);
}

static void sweep_remove(struct sweep *s)
{
    struct kept *f = sweep_file(s);

    if (f) {
        keep_leave(s->email, f);
        s->removed++;
    }
    sweep_over(s);
}

/* ---- what has become of its media -------------------------------------------------------------------- */

static void sweep_media(struct sweep *s);

static void sweep_on_media(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct sweep *s = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    const cJSON *state = cJSON_GetObjectItemCaseSensitive(json, "state");
    struct kept *f = sweep_file(s);

    if (f && s->media < f->n_media &&
        ((cJSON_IsString(state) && strcmp(state->valuestring, "pending") != 0) || status == 404 ||
         status == 410))
        f->media[s->media].over = true;
    cJSON_Delete(json);
    s->media++;
    sweep_media(s);
}

static void sweep_media(struct sweep *s)
{
    struct kept *f = sweep_file(s);
    char path[SWEEP_PATH];
    size_t i, over = 0;

    if (f && s->media < f->n_media) {
        (void)snprintf(path, sizeof path, "/v1/media/%s?info", f->media[s->media].id);
        if (email_ask_api(s->email, "GET", path, "", "", sweep_on_media, s))
            return;
    }
    for (i = 0; f && i < f->n_media; i++)
        over += f->media[i].over;
    if (f && over == f->n_media)
        sweep_remove(s);
    else
        sweep_over(s);
}

/* The file's part of a message: its media, whatever stands around them. */
static void sweep_collect(struct kept *f, const cJSON *group)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(group, "media");
    struct keep_media *more;

    if (!cJSON_IsString(id) || !id_text_good("med", id->valuestring))
        return;
    more = realloc(f->media, (f->n_media + 1) * sizeof *more);
    if (!more)
        return;
    f->media = more;
    email_copy(more[f->n_media].id, sizeof more->id, email_str(id->valuestring));
    more[f->n_media++].over = false;
}

static void sweep_on_message(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct sweep *s = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, (size_t)body.n) : NULL;
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(json, "content"), *one;
    struct kept *f = sweep_file(s);

    if (status == 404 || status == 410) { /* erased, or older than what is kept */
        sweep_remove(s);
    } else if (!f || !json) {
        sweep_over(s);
    } else {
        if (f->n_media == 0) {
            cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(content, "attachments"))
                sweep_collect(f, one);
            sweep_collect(f, cJSON_GetObjectItemCaseSensitive(content, "original"));
        }
        s->media = 0;
        sweep_media(s);
    }
    cJSON_Delete(json);
}

/* ---- one file ------------------------------------------------------------------------------------------ */

static void sweep_read(struct work *w) /* on a thread */
{
    struct sweep *s = (struct sweep *)w;
    char head[KEEP_HEAD];

    s->message[0] = '\0';
    s->good = pread(s->fd, head, sizeof head, 0) == (ssize_t)sizeof head && keep_head_read(head, s->message);
}

static void sweep_was_read(struct work *w)
{
    struct sweep *s = (struct sweep *)w;
    struct kept *f = sweep_file(s);
    char path[SWEEP_PATH];

    (void)close(s->fd);
    s->fd = -1;
    if (!f || f->busy || f->leaving) {
        sweep_over(s);
    } else if (!s->good || (!s->message[0] && f->seen)) {
        sweep_remove(s); /* cut short as it was written, or never fetched from */
    } else if (!s->message[0]) {
        f->seen = true;
        sweep_over(s);
    } else {
        memcpy(f->message, s->message, sizeof f->message);
        (void)snprintf(path, sizeof path, "/v1/messages/%s", s->message);
        if (!email_ask_api(s->email, "GET", path, "", "", sweep_on_message, s))
            sweep_over(s);
    }
}

static void sweep_opened(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct sweep *s = arg;

    (void)size;
    s->fd = fd;
    if (code == HILO_OK)
        works_put(s->email->works, &s->work);
    else
        sweep_over(s);
}

static void sweep_next(struct sweep *s)
{
    struct kept *f = NULL;

    /* What is being taken in, or copied from, is left alone. */
    while (s->at < s->n && (!(f = sweep_file(s)) || f->busy || f->leaving || f->taking))
        s->at++;
    if (s->at == s->n || !email_ask_file(s->email, s->name[s->at], 0, sweep_opened, s))
        sweep_end(s);
}

static void sweep_listed(void *arg, int32_t code, const struct hilo_str *names, uint64_t n)
{
    struct sweep *s = arg;
    uint64_t i;

    s->name = code == HILO_OK && n ? calloc((size_t)n, sizeof *s->name) : NULL;
    for (i = 0; s->name && i < n; i++) {
        if (names[i].n >= KEEP_NAME_MAX || names[i].n < 2 || memcmp(names[i].p, "m-", 2) != 0)
            continue;
        email_copy(s->name[s->n], sizeof *s->name, names[i]);
        if (keep_find(s->email->keep, s->name[s->n]) || keep_new_one(s->email->keep, s->name[s->n]))
            s->n++;
    }
    sweep_next(s);
}

void keep_sweep(struct email *e)
{
    struct sweep *s = e->keep->sweep ? NULL : calloc(1, sizeof *s);

    if (!s)
        return;
    s->email = e;
    s->fd = -1;
    s->work.run = sweep_read;
    s->work.done = sweep_was_read;
    e->keep->sweep = s;
    if (!email_ask_files(e, sweep_listed, s))
        sweep_end(s);
}

void keep_sweep_free(struct email *e)
{
    struct sweep *s = e->keep->sweep;

    if (!s)
        return;
    if (s->fd >= 0)
        (void)close(s->fd);
    (void)e->host.timer(e->self, EMAIL_TIMER_SWEEP, 0);
    free(s->name);
    free(s);
    e->keep->sweep = NULL;
}
