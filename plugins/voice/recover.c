/*
 * One thing at a time, in the order in which it happened: the recordings one by one, then the ends of the
 * calls that are open, page by page. What the gateway can't take now is left for the next start: a file is
 * removed only when it is empty, or the gateway has its media.
 *
 * A recording may be there as a message already: it was submitted and the crash came before it was fetched,
 * which the gateway asks for again by itself; or it was fetched, and only the file was not removed any more.
 * The timeline tells which. SPDX-License-Identifier: Apache-2.0
 */
#include "recover.h"

#include "ask.h"
#include "id.h"
#include "keep.h"
#include "said.h"
#include "wav.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECOVER_PATH = 400, RECOVER_PAGE = 50 };
#define RECOVER_START "rec-"
#define RECOVER_END   ".wav"

struct recover {
    struct voice *voice;
    uint64_t asked;
    int64_t began_us; /* wall: later calls are this instance's */
    /* calls */
    char **call;
    uint32_t n_calls, at_call, broken;
    char cursor[256];
    /* files */
    char **file;
    uint32_t n_files, at_file, saved;
    char *body; /* of the call whose file it is, JSON */
    char message[ID_TEXT_MAX], media[ID_TEXT_MAX];
    bool freeing;
};

/* ---- names ---- */

bool recover_name(struct hilo_str name, struct hilo_str *call, uint32_t *n)
{
    const uint64_t start = sizeof RECOVER_START - 1, end = sizeof RECOVER_END - 1, id = ID_TEXT_MAX - 1;
    struct hilo_id parsed;
    uint64_t i;

    if (name.n < start + id + 2 + end || memcmp(name.p, RECOVER_START, start) != 0 ||
        memcmp(name.p + name.n - end, RECOVER_END, end) != 0 || name.p[start + id] != '-')
        return false;
    call->p = name.p + start;
    call->n = id;
    if (!id_read("cal", *call, &parsed))
        return false;
    *n = 0;
    for (i = start + id + 1; i < name.n - end; i++) {
        if (name.p[i] < '0' || name.p[i] > '9' || *n > 99999)
            return false;
        *n = *n * 10 + (uint32_t)(name.p[i] - '0');
    }
    return *n > 0;
}

static char *recover_copy(const char *p, size_t n)
{
    char *s = malloc(n + 1);

    if (s) {
        if (n)
            memcpy(s, p, n);
        s[n] = 0;
    }
    return s;
}

static bool recover_put(char ***list, uint32_t *n, const char *p, size_t len)
{
    char **more = realloc(*list, (*n + 1) * sizeof **list);

    if (!more)
        return false;
    *list = more;
    more[*n] = recover_copy(p, len);
    *n += more[*n] != NULL;
    return true;
}

static const char *recover_text(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsString(v) ? v->valuestring : "";
}

static void recover_get(struct recover *r, const char *path, voice_api_fn *fn,
                        void (*otherwise)(struct recover *))
{
    r->asked = voice_ask_api(r->voice, "GET", voice_str(path), voice_none(), voice_none(), fn, r);
    if (!r->asked)
        otherwise(r);
}

/* ---- recordings ---- */

static void file_next(struct recover *r);
static void calls_page(struct recover *r);

static const char *file_name(const struct recover *r)
{
    return r->file[r->at_file];
}

static void file_over(struct recover *r)
{
    r->at_file++;
    free(r->body);
    r->body = NULL;
    file_next(r);
}

static void file_stays(struct recover *r, const char *why)
{
    voice_log(r->voice, HILO_LOG_WARN, "recover: the recording %s stays in the channel's files: %s",
              file_name(r), why);
    file_over(r);
}

static void file_no_memory(struct recover *r)
{
    file_stays(r, "no memory; it is tried at the next start");
}

/* The gateway has it: what is left is to make its text, and to remove the file. */
static void file_on_media(void *arg, int32_t code, int32_t fd, struct hilo_str mime, uint64_t size)
{
    struct recover *r = arg;

    (void)mime;
    (void)size;
    r->asked = 0;
    if (fd >= 0)
        (void)close(fd);
    if (code == HILO_OK) {
        keep_stored(r->voice, voice_str(r->message), voice_str(file_name(r)),
                    (enum say_language)r->voice->conf.language);
        r->saved++;
    }
    file_over(r); /* else the gateway asks for it (fetch), and it is removed then */
}

static void file_on_timeline(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct recover *r = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(json, "entries"), *e;
    struct hilo_id media;
    bool found = false;

    r->asked = 0;
    cJSON_ArrayForEach(e, entries)
    {
        if (strcmp(recover_text(cJSON_GetObjectItemCaseSensitive(e, "content"), "provider_media"),
                   file_name(r)) != 0)
            continue;
        found = id_read("med", voice_str(recover_text(e, "media")), &media) &&
                strlen(recover_text(e, "id")) < sizeof r->message;
        if (found)
            (void)strcpy(r->message, recover_text(e, "id"));
        break;
    }
    cJSON_Delete(json);
    if (found)
        r->asked = voice_ask_media(r->voice, media, file_on_media, r);
    if (!r->asked)
        file_over(r);
}

static void file_known(struct recover *r)
{
    cJSON *call = cJSON_Parse(r->body);
    char path[RECOVER_PATH];

    (void)snprintf(path, sizeof path, "/v1/customers/%.40s/timeline?limit=%d", recover_text(call, "customer"),
                   RECOVER_PAGE);
    cJSON_Delete(call);
    recover_get(r, path, file_on_timeline, file_no_memory);
}

static void file_submitted(void *arg, int32_t code)
{
    struct recover *r = arg;

    if (r->freeing)
        return;
    if (code == HILO_DUPLICATE) {
        file_known(r);
    } else if (code != HILO_OK) {
        file_stays(r, "the gateway does not take it; message.refused in its log says why");
    } else {
        r->saved++;
        file_over(r);
    }
}

/* The identifier by which its sender is found: the call's own, if that is hers, else another of hers. */
static bool file_party(const cJSON *call, const cJSON *customer, struct said_by *by)
{
    static const char *const schemes[] = {"document", "phone", "web_visitor"};
    struct hilo_str *const to[] = {&by->document, &by->phone, &by->visitor};
    const cJSON *party = cJSON_GetObjectItemCaseSensitive(call, "party"), *one, *best = NULL;
    unsigned i, best_i = 0;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(customer, "identifiers"))
    {
        for (i = 0; i < 3; i++) {
            if (strcmp(recover_text(one, "scheme"), schemes[i]) != 0)
                continue;
            if (strcmp(recover_text(one, "value"), recover_text(party, "value")) == 0 &&
                strcmp(schemes[i], recover_text(party, "scheme")) == 0) {
                *to[i] = voice_str(recover_text(one, "value"));
                return true;
            }
            if (!best || i < best_i) {
                best = one;
                best_i = i;
            }
        }
    }
    if (best)
        *to[best_i] = voice_str(recover_text(best, "value"));
    return best != NULL;
}

static void file_on_customer(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct recover *r = arg;
    cJSON *customer = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    cJSON *call = cJSON_Parse(r->body);
    struct said_by by = {.call = voice_str(recover_text(call, "id")),
                         .casus = voice_str(recover_text(call, "case"))};
    char ext_id[KEEP_NAME_MAX];
    size_t n = strlen(file_name(r)) - (sizeof RECOVER_END - 1);

    r->asked = 0;
    memcpy(ext_id, file_name(r), n);
    ext_id[n] = 0;
    by.ext_id = voice_str(ext_id);
    by.language = say_language_of(voice_str(recover_text(customer, "language")),
                                  (enum say_language)r->voice->conf.language);
    if (!file_party(call, customer, &by))
        file_stays(r, "whose it is can't be told");
    else if (!said_recording(r->voice, &by, voice_str(file_name(r)), file_submitted, r))
        file_no_memory(r);
    cJSON_Delete(customer);
    cJSON_Delete(call);
}

static void file_on_call(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct recover *r = arg;
    cJSON *call = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    char path[RECOVER_PATH];

    r->asked = 0;
    (void)snprintf(path, sizeof path, "/v1/customers/%.40s", recover_text(call, "customer"));
    r->body = call ? recover_copy(body.p, body.n) : NULL;
    if (!call)
        file_stays(r, status == 404 ? "its call is not known to the gateway; look at it and remove it by hand"
                                    : "the gateway does not tell its call");
    else if (!r->body)
        file_no_memory(r);
    else
        recover_get(r, path, file_on_customer, file_no_memory);
    cJSON_Delete(call);
}

static void file_removed(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct recover *r = arg;

    (void)code;
    (void)fd;
    (void)size;
    r->asked = 0;
    file_over(r);
}

/* A crash leaves a head that is behind the sound in the file by up to a second (record.c): it says all of it
 * now, and no half sample is left. What fails here is tried no further: the file is a WAV either way. */
static void file_mend(struct recover *r, int32_t fd, uint64_t size)
{
    unsigned char head[WAV_HEAD];
    uint64_t data, frame;

    if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head || (head[22] != 1 && head[22] != 2))
        return;
    frame = 2 * (uint64_t)head[22];
    data = (size - WAV_HEAD) / frame * frame;
    wav_head(VOICE_RATE, head[22], (uint32_t)(data < WAV_DATA_MAX ? data : WAV_DATA_MAX), head);
    if (ftruncate(fd, (off_t)(WAV_HEAD + data)) != 0 ||
        pwrite(fd, head, sizeof head, 0) != (ssize_t)sizeof head || fdatasync(fd) != 0)
        voice_log(r->voice, HILO_LOG_WARN, "recover: the last second of the recording %s is lost: %s",
                  file_name(r), strerror(errno));
}

static void file_opened(void *arg, int32_t code, int32_t fd, uint64_t size)
{
    struct recover *r = arg;
    struct hilo_str call;
    char path[RECOVER_PATH];
    uint32_t n;

    r->asked = 0;
    if (fd >= 0 && size > WAV_HEAD)
        file_mend(r, fd, size);
    if (fd >= 0)
        (void)close(fd);
    if (code != HILO_OK) {
        file_stays(r, "it can't be opened");
    } else if (size <= WAV_HEAD) {
        /* The crash came before the first second was on disk. */
        r->asked = voice_ask_file_remove(r->voice, voice_str(file_name(r)), file_removed, r);
        if (!r->asked)
            file_no_memory(r);
    } else {
        (void)recover_name(voice_str(file_name(r)), &call, &n);
        (void)snprintf(path, sizeof path, "/v1/calls/%.*s", (int)call.n, call.p);
        recover_get(r, path, file_on_call, file_no_memory);
    }
}

static void file_next(struct recover *r)
{
    if (r->at_file < r->n_files) {
        r->asked = voice_ask_file(r->voice, voice_str(file_name(r)), 0, file_opened, r);
        if (!r->asked)
            file_no_memory(r);
        return;
    }
    calls_page(r);
}

static void files_listed(void *arg, int32_t code, const struct hilo_str *names, uint64_t n)
{
    struct recover *r = arg;
    struct hilo_str call;
    uint32_t which;
    uint64_t i;

    r->asked = 0;
    if (code != HILO_OK)
        voice_log(
            r->voice, HILO_LOG_ERROR,
            "recover: the channel's files can't be listed (%d): recordings that a crash left stay there",
            (int)code);
    for (i = 0; code == HILO_OK && i < n; i++)
        if (recover_name(names[i], &call, &which) &&
            !recover_put(&r->file, &r->n_files, names[i].p, (size_t)names[i].n))
            break;
    file_next(r);
}

/* ---- calls ---- */

static void recover_done(struct recover *r)
{
    if (r->broken || r->n_files)
        voice_log(
            r->voice, HILO_LOG_WARN,
            "recover: the last instance did not end well: %u calls are marked broken, %u of %u recordings "
            "that it left are messages now",
            r->broken, r->saved, r->n_files);
}

static void call_next(struct recover *r);

static void call_skip(struct recover *r)
{
    r->at_call++;
    call_next(r);
}

static void call_told(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct recover *r = arg;

    (void)body;
    r->asked = 0;
    if (code == HILO_OK && status == 200)
        r->broken++;
    else if (code != HILO_OK || status != 409) /* 409: it has ended meanwhile */
        voice_log(r->voice, HILO_LOG_ERROR, "recover: the call %s can't be marked broken (%d, HTTP %u)",
                  r->call[r->at_call], (int)code, status);
    call_skip(r);
}

static void call_next(struct recover *r)
{
    static const char body[] = "{\"status\":\"broken\",\"cause\":{\"reason\":\"crash\",\"text\":\"The "
                               "gateway stopped during the call\"}}";
    char path[RECOVER_PATH];

    if (r->at_call == r->n_calls) {
        if (r->cursor[0])
            calls_page(r);
        else
            recover_done(r);
        return;
    }
    (void)snprintf(path, sizeof path, "/v1/calls/%s", r->call[r->at_call]);
    r->asked = voice_ask_api(r->voice, "PATCH", voice_str(path), voice_str(body), voice_none(), call_told, r);
    if (!r->asked)
        call_skip(r);
}

static void calls_on_page(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct recover *r = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    const cJSON *one;
    struct hilo_id id;
    int64_t ms;
    unsigned i;

    r->asked = 0;
    r->cursor[0] = 0;
    if (!json)
        voice_log(r->voice, HILO_LOG_ERROR,
                  "recover: the gateway does not list the calls that are open (%d, HTTP %u)", (int)code,
                  status);
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(json, "calls"))
    {
        if (!id_read("cal", voice_str(recover_text(one, "id")), &id))
            continue;
        for (ms = 0, i = 0; i < 6; i++) /* an id begins with its time */
            ms = ms << 8 | id.b[i];
        if (ms * 1000 < r->began_us)
            (void)recover_put(&r->call, &r->n_calls, recover_text(one, "id"),
                              strlen(recover_text(one, "id")));
    }
    if (strlen(recover_text(json, "next")) < sizeof r->cursor)
        (void)strcpy(r->cursor, recover_text(json, "next"));
    cJSON_Delete(json);
    call_next(r);
}

static void calls_page(struct recover *r)
{
    struct hilo_str channel = r->voice->host.channel(r->voice->self);
    char path[RECOVER_PATH];

    (void)snprintf(path, sizeof path, "/v1/calls?channel=%.*s&status=open&limit=%d%s%s", (int)channel.n,
                   channel.p, RECOVER_PAGE, r->cursor[0] ? "&cursor=" : "", r->cursor);
    recover_get(r, path, calls_on_page, recover_done);
}

/* ---- life ---- */

struct recover *recover_new(struct voice *v)
{
    struct recover *r = calloc(1, sizeof *r);

    if (r)
        r->voice = v;
    return r;
}

void recover_start(struct recover *r)
{
    r->began_us = voice_wall(r->voice);
    r->asked = voice_ask_files(r->voice, files_listed, r);
    if (!r->asked)
        calls_page(r);
}

void recover_free(struct recover *r)
{
    uint32_t i;

    if (!r)
        return;
    r->freeing = true;
    if (r->asked)
        voice_ask_forget(r->voice, r->asked);
    for (i = 0; i < r->n_calls; i++)
        free(r->call[i]);
    for (i = 0; i < r->n_files; i++)
        free(r->file[i]);
    free(r->call);
    free(r->file);
    free(r->body);
    free(r);
}
