/*
 * A file is copied a piece a turn, so that a long recording stops no call.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keep.h"

#include "ask.h"
#include "id.h"
#include "timer.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <hilo/message.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEEP_PIECE = 256 * 1024, KEEP_FETCHED_MAX = 10000 };

/* A fetch() that is under way. */
struct copying {
    struct voice *voice;
    uint64_t job, asking;
    int32_t from, into;
    struct voice_timer turn;
    char name[KEEP_NAME_MAX], message[ID_TEXT_MAX];
    enum say_language language;
    LIST_ENTRY(copying) at;
};
/* Given to the gateway, and not yet said to be stored. */
struct fetched {
    char name[KEEP_NAME_MAX], message[ID_TEXT_MAX];
    enum say_language language;
    LIST_ENTRY(fetched) at;
};
/* A file that is being taken leave of. */
struct leaving {
    struct voice *voice;
    uint64_t asking;
    char name[KEEP_NAME_MAX];
    LIST_ENTRY(leaving) at;
};
struct keep {
    LIST_HEAD(, copying) copying;
    LIST_HEAD(, fetched) fetched;
    LIST_HEAD(, leaving) leaving;
    uint32_t n_fetched;
};

void keep_name(const char *call, uint32_t n, char out[KEEP_NAME_MAX])
{
    (void)snprintf(out, KEEP_NAME_MAX, "rec-%.30s-%u.wav", call, n);
}

struct keep *keep_new(struct voice *v)
{
    (void)v;
    return calloc(1, sizeof(struct keep));
}

void keep_start(struct voice *v)
{
    if (v->host.follow(v->self, voice_str("media.stored,media.failed"), voice_none()) != HILO_OK)
        voice_log(v, HILO_LOG_ERROR,
                  "voice.keep: the gateway's events can't be followed; recordings stay in files/");
}

/* ---- fetch() ------------------------------------------------------------------------------------ */

static void copying_end(struct copying *c, int32_t code, const char *detail)
{
    struct voice *v = c->voice;
    struct fetched *f;

    voice_timer_cancel(v, &c->turn);
    voice_ask_forget(v, c->asking);
    if (c->from >= 0)
        (void)close(c->from);
    if (c->into >= 0)
        (void)close(c->into);
    LIST_REMOVE(c, at);
    v->host.fetched(v->self, c->job, code, voice_str(code == HILO_OK ? "audio/wav" : ""), voice_str(detail),
                    0);
    f = code == HILO_OK && v->keep->n_fetched < KEEP_FETCHED_MAX ? calloc(1, sizeof *f) : NULL;
    if (f) {
        memcpy(f->name, c->name, sizeof f->name);
        memcpy(f->message, c->message, sizeof f->message);
        f->language = c->language;
        LIST_INSERT_HEAD(&v->keep->fetched, f, at);
        v->keep->n_fetched++;
    }
    free(c);
}

static void copying_piece(void *arg)
{
    struct copying *c = arg;
    char *buf = malloc(KEEP_PIECE);
    ssize_t n = buf ? read(c->from, buf, KEEP_PIECE) : -1, w, done;

    for (done = 0; n > 0 && done < n; done += w) {
        w = write(c->into, buf + done, (size_t)(n - done));
        if (w < 0) {
            n = -1;
            break;
        }
    }
    free(buf);
    if (n < 0)
        copying_end(c, HILO_TEMP, errno == ENOSPC ? "the disk is full" : "the recording can't be copied");
    else if (n == 0)
        copying_end(c, HILO_OK, "");
    else
        voice_timer_in(c->voice, &c->turn, 0, copying_piece, c);
}

static void copying_opened(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct copying *c = arg;

    (void)size;
    c->asking = 0;
    c->from = fd;
    if (code == HILO_OK)
        copying_piece(c);
    else
        copying_end(c, code == HILO_NOTFOUND ? HILO_PERM : HILO_TEMP,
                    code == HILO_NOTFOUND ? "the recording is not in the channel's files any more"
                                          : "the recording can't be opened");
}

void keep_fetch(struct voice *v, uint64_t job, struct hilo_str message, int32_t fd)
{
    struct hilo_str name = hilo_get_str(hilo_content(message), HILO_T_CONTENT_EXT_MEDIA);
    struct copying *c = calloc(1, sizeof *c);

    if (!c || name.n == 0 || name.n >= sizeof c->name) {
        (void)close(fd);
        free(c);
        v->host.fetched(v->self, job, name.n ? HILO_TEMP : HILO_PERM, voice_none(),
                        voice_str(name.n ? "no memory" : "it names no recording"), 0);
        return;
    }
    c->voice = v;
    c->job = job;
    c->into = fd;
    c->from = -1;
    memcpy(c->name, name.p, (size_t)name.n);
    id_write("msg", hilo_get_id(message, HILO_T_MSG_ID), c->message);
    c->language =
        say_language_of(hilo_get_str(message, HILO_T_MSG_LANGUAGE), (enum say_language)v->conf.language);
    LIST_INSERT_HEAD(&v->keep->copying, c, at);
    c->asking = voice_ask_file(v, name, 0, copying_opened, c);
    if (c->asking == 0)
        copying_end(c, HILO_TEMP, "no memory");
}

/* ---- what became of it -------------------------------------------------------------------------- */

static void leaving_free(struct leaving *l)
{
    LIST_REMOVE(l, at);
    free(l);
}

static void leaving_removed(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct leaving *l = arg;

    (void)fd;
    (void)size;
    if (code != HILO_OK && code != HILO_NOTFOUND)
        voice_log(l->voice, HILO_LOG_WARN,
                  "voice.keep file=%s code=%d: can't be removed; the next start tries again", l->name,
                  (int)code);
    leaving_free(l);
}

static void leaving_remove(struct leaving *l)
{
    l->asking = voice_ask_file_remove(l->voice, voice_str(l->name), leaving_removed, l);
    if (l->asking == 0)
        leaving_free(l);
}

void keep_stored(struct voice *v, struct hilo_str message_id, struct hilo_str name,
                 enum say_language language)
{
    struct leaving *l = calloc(1, sizeof *l);

    if (!l || name.n >= sizeof l->name) {
        free(l);
        return;
    }
    l->voice = v;
    memcpy(l->name, name.p, (size_t)name.n);
    LIST_INSERT_HEAD(&v->keep->leaving, l, at);
    out_transcribe(v, message_id, language);
    leaving_remove(l);
}

void keep_event(struct voice *v, struct hilo_str json)
{
    cJSON *event = json.n ? cJSON_ParseWithLength(json.p, (size_t)json.n) : NULL;
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(event, "type");
    const cJSON *message =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(event, "data"), "message");
    struct fetched *f;

    if (cJSON_IsString(type) && cJSON_IsString(message)) {
        LIST_FOREACH(f, &v->keep->fetched, at)
        if (strcmp(f->message, message->valuestring) == 0)
            break;
        if (f) {
            if (strcmp(type->valuestring, "hilo.media.stored") == 0)
                keep_stored(v, voice_str(f->message), voice_str(f->name), f->language);
            else
                voice_log(v, HILO_LOG_ERROR, "voice.keep file=%s: the gateway gave it up; it stays in files/",
                          f->name);
            LIST_REMOVE(f, at);
            v->keep->n_fetched--;
            free(f);
        }
    }
    cJSON_Delete(event);
}

void keep_free(struct voice *v)
{
    struct copying *c;
    struct fetched *f;
    struct leaving *l;

    if (!v->keep)
        return;
    while ((c = LIST_FIRST(&v->keep->copying)))
        copying_end(c, HILO_TEMP, "the channel ends");
    while ((l = LIST_FIRST(&v->keep->leaving))) {
        voice_ask_forget(v, l->asking);
        leaving_free(l);
    }
    while ((f = LIST_FIRST(&v->keep->fetched))) {
        LIST_REMOVE(f, at);
        free(f);
    }
    free(v->keep);
    v->keep = NULL;
}
