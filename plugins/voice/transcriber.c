/*
 * One job for each recording that is due, as many at a time as the operator allows: the message is asked for
 * its media, the media for its file, the command or the service for the text, and the gateway takes it. What
 * is wrong with the service costs a try of the recording's; what is wrong with the recording ends it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "transcriber.h"

#include "ask.h"
#include "command.h"
#include "transcripts.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum { TRANSCRIBER_JOBS = 8, TRANSCRIBER_WAV_MAX = 32 << 20, TRANSCRIBER_FORM_MAX = 8 };
static const char transcriber_key[] = "transcripts";

struct job {
    struct transcriber *t;
    char message[ID_TEXT_MAX]; /* empty: free */
    enum say_language language;
    uint64_t asked;
    struct command *command;
};

struct transcriber {
    struct voice *voice;
    bool on, loaded, saving, changed;
    uint64_t asked; /* reading or writing the list */
    struct voice_timer timer;
    struct job job[TRANSCRIBER_JOBS];
    struct transcripts list;
};

static void transcriber_go(struct transcriber *t);

/* ---- the list, kept ---- */

static void transcriber_save(struct transcriber *t);

static void transcriber_saved(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct transcriber *t = arg;

    (void)val;
    (void)version;
    t->saving = false;
    t->asked = 0;
    if (code != HILO_OK)
        voice_log(t->voice, HILO_LOG_WARN,
                  "the list of recordings without a text could not be kept (%d): a restart may forget some",
                  (int)code);
    else if (t->changed)
        transcriber_save(t);
}

static void transcriber_save(struct transcriber *t)
{
    struct voice *v = t->voice;
    struct hilo_str json;
    char *text;

    t->changed = true;
    if (t->saving || !t->loaded)
        return;
    text = malloc(TRANSCRIPTS_BYTES);
    if (text) {
        json.p = text;
        json.n = transcripts_write(&t->list, text);
        t->asked = voice_ask_put(v, v->host.channel(v->self), voice_str(transcriber_key), json, UINT64_MAX,
                                 transcriber_saved, t);
        t->saving = t->asked != 0;
        t->changed = !t->saving;
    }
    free(text);
}

static void transcriber_loaded(void *arg, int32_t code, struct hilo_str val, uint64_t version)
{
    struct transcriber *t = arg;

    (void)version;
    t->asked = 0;
    t->loaded = true;
    if (code == HILO_OK && val.n && !transcripts_read(&t->list, val))
        voice_log(t->voice, HILO_LOG_ERROR,
                  "the list of recordings without a text can't be read: what it held has no text");
    if (t->changed)
        transcriber_save(t);
    transcriber_go(t);
}

/* ---- a job ---- */

static void job_free(struct job *j)
{
    if (j->asked)
        voice_ask_forget(j->t->voice, j->asked);
    command_kill(j->command);
    *j = (struct job){.t = j->t};
}

/* It has its text, or never will. */
static void job_over(struct job *j)
{
    struct transcriber *t = j->t;

    transcripts_remove(&t->list, j->message);
    job_free(j);
    transcriber_save(t);
    transcriber_go(t);
}

static void job_failed(struct job *j, const char *why)
{
    struct transcriber *t = j->t;
    struct voice *v = t->voice;
    bool again = transcripts_again(&t->list, j->message, voice_now(v));

    voice_log(v, again ? HILO_LOG_WARN : HILO_LOG_ERROR, "transcriber: no text for the recording %s: %s%s",
              j->message, why, again ? "; it is tried again" : "; given up");
    job_free(j);
    transcriber_save(t);
    transcriber_go(t);
}

static void job_stored(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct job *j = arg;
    char why[80];

    (void)body;
    j->asked = 0;
    if (code == HILO_OK && (status / 100 == 2 || status == 409)) {
        job_over(j);
    } else if (code == HILO_OK && status / 100 == 4 && status != 429) {
        voice_log(j->t->voice, HILO_LOG_ERROR,
                  "transcriber: the gateway does not take the text of %s (HTTP %u)", j->message, status);
        job_over(j);
    } else {
        (void)snprintf(why, sizeof why, "the gateway could not keep it (%d, HTTP %u)", (int)code, status);
        job_failed(j, why);
    }
}

static bool job_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void job_text(struct job *j, struct hilo_str text)
{
    struct voice *v = j->t->voice;
    char path[80], key[64], *body = NULL;
    cJSON *json;
    char *copy;

    for (; text.n && job_space(*text.p); text.p++)
        text.n--;
    while (text.n && job_space(text.p[text.n - 1]))
        text.n--;
    if (text.n == 0) {
        voice_log(v, HILO_LOG_INFO, "transcriber: nothing is said in the recording %s", j->message);
        job_over(j);
        return;
    }
    json = cJSON_CreateObject();
    copy = malloc(text.n + 1);
    if (json && copy) {
        memcpy(copy, text.p, text.n);
        copy[text.n] = 0;
        if (cJSON_AddStringToObject(json, "text", copy) &&
            cJSON_AddStringToObject(json, "language", j->language == SAY_EN ? "en" : "es"))
            body = cJSON_PrintUnformatted(json);
    }
    (void)snprintf(path, sizeof path, "/v1/messages/%s/transcript", j->message);
    (void)snprintf(key, sizeof key, "transcript-%s", j->message);
    if (body)
        j->asked = voice_ask_api(v, "POST", voice_str(path), voice_str(body), voice_str(key), job_stored, j);
    cJSON_Delete(json);
    free(body);
    free(copy);
    if (!j->asked)
        job_failed(j, "no memory");
}

/* ---- a service by HTTP ---- */

static bool job_is_json(const struct hilo_http *h)
{
    uint64_t i;

    for (i = 0; i < h->n_header; i++)
        if (h->header[i].key.n == 12 && strncasecmp(h->header[i].key.p, "Content-Type", 12) == 0)
            return h->header[i].val.n >= 16 && strncasecmp(h->header[i].val.p, "application/json", 16) == 0;
    return false;
}

static void job_answered(void *arg, int32_t code, const struct hilo_http *h)
{
    struct job *j = arg;
    const cJSON *text;
    char why[120];
    cJSON *json;

    j->asked = 0;
    if (code != HILO_OK || h->status != 200) {
        (void)snprintf(why, sizeof why, "the service answers %s %d", code == HILO_OK ? "HTTP" : "not, code",
                       code == HILO_OK ? (int)h->status : (int)code);
        job_failed(j, why);
        return;
    }
    if (!job_is_json(h)) {
        job_text(j, h->body);
        return;
    }
    json = cJSON_ParseWithLength(h->body.p, h->body.n);
    text = cJSON_GetObjectItemCaseSensitive(json, "text");
    if (cJSON_IsString(text))
        job_text(j, voice_str(text->valuestring));
    else
        job_failed(j, "the service's JSON has no member \"text\"");
    cJSON_Delete(json);
}

static void transcriber_line(char *line, struct hilo_str s)
{
    if (s.n)
        memcpy(line, s.p, s.n);
    line[s.n] = 0;
}

/* form: "file model=whisper-1": the name of the file's field, then fields with their values. */
static uint64_t job_form(char *form, const char *language, struct hilo_part part[TRANSCRIBER_FORM_MAX])
{
    char *word[COMMAND_WORDS + 1], *value;
    unsigned n = command_words(form, word), i;
    uint64_t parts = 0;

    for (i = 0; i < n && parts < TRANSCRIBER_FORM_MAX; i++) {
        value = i ? strchr(word[i], '=') : NULL;
        if (value)
            *value++ = 0;
        part[parts] = (struct hilo_part){.name = voice_str(word[i]), .fd = -1};
        if (value && strcmp(value, "{language}") == 0)
            value = NULL, part[parts].data = voice_str(language);
        if (value)
            part[parts].data = voice_str(value);
        parts++;
    }
    return parts;
}

/* The whole file; NULL: no memory, too large, or it can't be read. */
static char *job_read(int fd, uint64_t size)
{
    char *bytes = size <= TRANSCRIBER_WAV_MAX ? malloc(size + 1) : NULL;
    uint64_t n = 0;
    ssize_t got;

    while (bytes && n < size) {
        got = pread(fd, bytes + n, size - n, (off_t)n);
        if (got <= 0) {
            free(bytes);
            return NULL;
        }
        n += (uint64_t)got;
    }
    return bytes;
}

static void job_post(struct job *j, int fd, uint64_t size)
{
    struct voice *v = j->t->voice;
    const struct out_conf *conf = &v->conf.out;
    const char *language = j->language == SAY_EN ? "en" : "es";
    struct hilo_part part[TRANSCRIBER_FORM_MAX];
    struct hilo_kv header[4];
    struct hilo_http h = {.size = sizeof h, .sink_fd = -1, .header = header, .max_bytes = COMMAND_TEXT_MAX};
    char *bearer = malloc(conf->transcriber_secret.n + 8), *form = malloc(conf->transcriber_form.n + 1);
    char *bytes = NULL;

    if (!bearer || !form)
        goto out;
    h.method = voice_str("POST");
    h.url = conf->transcriber;
    h.timeout_ms = (uint32_t)(conf->transcriber_timeout_us / 1000);
    header[h.n_header++] = (struct hilo_kv){voice_str("Accept"), voice_str("application/json, text/plain")};
    if (conf->transcriber_secret.n) {
        memcpy(bearer, "Bearer ", 7);
        memcpy(bearer + 7, conf->transcriber_secret.p, conf->transcriber_secret.n);
        header[h.n_header].key = voice_str("Authorization");
        header[h.n_header].val.p = bearer;
        header[h.n_header++].val.n = conf->transcriber_secret.n + 7;
    }
    if (conf->transcriber_form.n) {
        transcriber_line(form, conf->transcriber_form);
        h.part = part;
        h.n_part = job_form(form, language, part);
        part[0].filename = voice_str("recording.wav");
        part[0].type = voice_str("audio/wav");
        part[0].fd = fd;
        fd = -1;
    } else {
        bytes = job_read(fd, size);
        if (!bytes)
            goto out;
        h.body.p = bytes;
        h.body.n = size;
        header[h.n_header++] = (struct hilo_kv){voice_str("Content-Type"), voice_str("audio/wav")};
        header[h.n_header++] = (struct hilo_kv){voice_str("Content-Language"), voice_str(language)};
    }
    j->asked = voice_ask_http(v, &h, job_answered, j);
out:
    if (fd >= 0)
        (void)close(fd);
    free(bearer);
    free(form);
    free(bytes);
    if (!j->asked)
        job_failed(j, "it can't be read, is larger than 32 MiB, or there is no memory");
}

/* ---- or a command ---- */

static void job_ran(void *arg, struct hilo_str text, const char *why)
{
    struct job *j = arg;
    char words[200];

    j->command = NULL;
    if (why) {
        (void)snprintf(words, sizeof words, "the command: %s", why);
        job_failed(j, words);
    } else {
        job_text(j, text);
    }
}

static bool transcriber_is_url(struct hilo_str s)
{
    return (s.n > 7 && memcmp(s.p, "http://", 7) == 0) || (s.n > 8 && memcmp(s.p, "https://", 8) == 0);
}

static void job_on_media(void *arg, int32_t code, int32_t fd, struct hilo_str mime, uint64_t size)
{
    struct job *j = arg;
    struct voice *v = j->t->voice;
    const struct out_conf *conf = &v->conf.out;
    char why[200], words[260];

    (void)mime;
    j->asked = 0;
    if (code != HILO_OK) {
        job_failed(j, code == HILO_NOTFOUND ? "it is not stored yet" : "its file can't be read");
        return;
    }
    if (transcriber_is_url(conf->transcriber)) {
        job_post(j, fd, size);
        return;
    }
    j->command = command_run(v, conf->transcriber, j->language == SAY_EN ? "en" : "es", fd,
                             conf->transcriber_timeout_us, job_ran, j, why);
    if (!j->command) {
        (void)snprintf(words, sizeof words, "the command: %s", why);
        job_failed(j, words);
    }
}

static void job_on_message(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct job *j = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    const cJSON *media = cJSON_GetObjectItemCaseSensitive(json, "media");
    struct hilo_id id;
    char why[80];
    bool good = cJSON_IsString(media) && id_read("med", voice_str(media->valuestring), &id);

    cJSON_Delete(json);
    j->asked = 0;
    if (code == HILO_OK && (status == 404 || status == 410 || (status == 200 && !good))) {
        job_over(j); /* it was erased, or has no sound any more */
        return;
    }
    if (good)
        j->asked = voice_ask_media(j->t->voice, id, job_on_media, j);
    if (!j->asked) {
        (void)snprintf(why, sizeof why, "the gateway does not say where it is (%d, HTTP %u)", (int)code,
                       status);
        job_failed(j, why);
    }
}

/* ---- which, and when ---- */

static void transcriber_on_timer(void *arg)
{
    transcriber_go(arg);
}

static struct job *transcriber_free_job(struct transcriber *t)
{
    int64_t jobs = t->voice->conf.out.transcriber_jobs;
    int64_t i;

    for (i = 0; i < jobs && i < TRANSCRIBER_JOBS; i++)
        if (!t->job[i].message[0])
            return &t->job[i];
    return NULL;
}

static void transcriber_go(struct transcriber *t)
{
    struct voice *v = t->voice;
    struct transcript *one;
    int64_t next_us = 0;
    struct job *j;
    char path[80];

    while (t->on && t->loaded && !v->draining && (j = transcriber_free_job(t)) &&
           (one = transcripts_due(&t->list, voice_now(v), &next_us))) {
        one->running = true;
        memcpy(j->message, one->message, sizeof j->message);
        j->language = one->language;
        (void)snprintf(path, sizeof path, "/v1/messages/%s", j->message);
        j->asked = voice_ask_api(v, "GET", voice_str(path), voice_none(), voice_none(), job_on_message, j);
        if (!j->asked) {
            job_failed(j, "no memory");
            return; /* which has gone on with the others */
        }
    }
    if (next_us)
        voice_timer_in(v, &t->timer, next_us - voice_now(v), transcriber_on_timer, t);
}

void transcriber_add(struct transcriber *t, struct hilo_str message, enum say_language language)
{
    if (!t->on)
        return;
    switch (transcripts_add(&t->list, message, language)) {
    case TRANSCRIPTS_ADDED:
        transcriber_save(t);
        transcriber_go(t);
        break;
    case TRANSCRIPTS_FULL:
        voice_log(
            t->voice, HILO_LOG_ERROR,
            "transcriber: %d recordings wait for a text already; this one gets none. Look at the service",
            TRANSCRIPTS_MAX);
        break;
    case TRANSCRIPTS_KNOWN:
    case TRANSCRIPTS_NO_ID:
        break;
    }
}

bool transcriber_on_fd(struct transcriber *t, int32_t fd, uint32_t events)
{
    unsigned i;

    for (i = 0; i < TRANSCRIBER_JOBS; i++)
        if (t->job[i].command && command_on_fd(t->job[i].command, fd, events))
            return true;
    return false;
}

/* ---- life ---- */

const char *transcriber_wrong(const struct out_conf *conf)
{
    char *word[COMMAND_WORDS + 1], line[4096];
    bool url = transcriber_is_url(conf->transcriber);

    if (conf->transcriber.n == 0)
        return conf->transcriber_secret.n ? "transcriber_secret is of no use without transcriber" : NULL;
    if (conf->transcriber.n >= sizeof line || conf->transcriber_form.n >= sizeof line)
        return "transcriber is longer than 4,000 characters";
    if (!url && conf->transcriber_secret.n)
        return "transcriber_secret is for a service by HTTP: transcriber is no http:// or https:// URL";
    if (!url && conf->transcriber_form.n)
        return "transcriber_form is for a service by HTTP: transcriber is no http:// or https:// URL";
    transcriber_line(line, conf->transcriber);
    if (!url && command_words(line, word) == 0)
        return "transcriber is neither an http:// or https:// URL nor a command of at most 32 words";
    transcriber_line(line, conf->transcriber_form);
    if (conf->transcriber_form.n && command_words(line, word) > TRANSCRIBER_FORM_MAX)
        return "transcriber_form has more than 8 fields";
    return NULL;
}

struct transcriber *transcriber_new(struct voice *v)
{
    struct transcriber *t = calloc(1, sizeof *t);
    unsigned i;

    if (!t)
        return NULL;
    t->voice = v;
    t->on = v->conf.out.transcriber.n > 0;
    for (i = 0; i < TRANSCRIBER_JOBS; i++)
        t->job[i].t = t;
    return t;
}

void transcriber_start(struct transcriber *t)
{
    struct voice *v = t->voice;

    if (!t->on)
        return;
    t->asked = voice_ask_get(v, v->host.channel(v->self), voice_str(transcriber_key), transcriber_loaded, t);
    if (!t->asked)
        t->loaded = true;
}

void transcriber_free(struct transcriber *t)
{
    unsigned i;

    if (!t)
        return;
    voice_timer_cancel(t->voice, &t->timer);
    if (t->asked)
        voice_ask_forget(t->voice, t->asked);
    for (i = 0; i < TRANSCRIBER_JOBS; i++)
        job_free(&t->job[i]);
    free(t);
}
