/*
 * Messages to phones. Each is asked about at the gateway first: how often it was tried, what it offers to
 * choose, and in which language and time zone its customer lives; then it is called, spoken in the call that
 * she is in already, or put off until the hours in which she may be called.
 *
 * Nothing waits here for a free line: it would be in doubt after a crash though it never rang. What is beyond
 * the calls that may go on at once goes back (AGAIN) and comes again, at the channel's rate.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "out.h"

#include "dialing.h"
#include "recover.h"
#include "transcriber.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t OUT_FULL_US = 5000000,      /* no memory, or it is being stopped */
    OUT_ASK_AGAIN_US = 5000000,                  /* the gateway could not say */
    OUT_LEAVE_US = 1000000,                      /* before a drain's end: to be told in time */
    OUT_HOURS_MAX_US = INT64_C(7) * 86400000000; /* one look a week at hours that never come */

/* ---- a message ---- */

void out_message_free(struct out_message *m)
{
    size_t i;

    for (i = 0; i < sizeof m->asked / sizeof *m->asked; i++)
        if (m->asked[i])
            voice_ask_forget(m->out->voice, m->asked[i]);
    if (m->fd >= 0)
        (void)close(m->fd);
    free(m->text);
    free(m->question);
    free(m);
}

static char *out_copy(struct hilo_str s)
{
    char *p = malloc(s.n + 1);

    if (p) {
        if (s.n)
            memcpy(p, s.p, s.n);
        p[s.n] = 0;
    }
    return p;
}

static void out_word(char *out, size_t n, struct hilo_str s)
{
    if (s.n >= n)
        s.n = 0; /* half of an id or number is none */
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static void out_id_word(const char *prefix, struct hilo_str message, uint32_t tag, char out[ID_TEXT_MAX])
{
    struct hilo_id id = hilo_get_id(message, tag);

    out[0] = 0;
    if (!id_is_none(id))
        id_write(prefix, id, out);
}

/* The first phone of its PARTY. */
static struct hilo_str out_phone(struct hilo_str message)
{
    struct hilo_field f;

    while (hilo_next(&message, &f) == 1)
        if (f.tag == HILO_T_MSG_PARTY && hilo_get_u64(f.val, HILO_T_IDENT_SCHEME) == HILO_SCHEME_PHONE)
            return hilo_get_str(f.val, HILO_T_IDENT_VALUE);
    return voice_none();
}

static void out_refuse(struct out *o, struct hilo_id id, int32_t code, const char *reason, const char *detail,
                       int64_t retry_after_us)
{
    struct hilo_report r = {.size = sizeof r, .code = code, .id = id, .retry_after_us = retry_after_us};

    r.reason = voice_str(reason);
    r.detail = voice_str(detail);
    o->voice->host.report(o->voice->self, &r);
}

/* NULL: it was told why not. */
static struct out_message *out_read(struct out *o, struct hilo_id id, struct hilo_str message)
{
    struct hilo_str content = hilo_content(message), phone = out_phone(message);
    uint64_t type = hilo_get_u64(content, HILO_T_CONTENT_TYPE);
    struct hilo_str language = hilo_get_str(message, HILO_T_MSG_LANGUAGE);
    struct out_message *m;

    if (phone.n < 2 || phone.n >= sizeof m->phone || phone.p[0] != '+') {
        out_refuse(o, id, HILO_PERM, "no_phone", "the message names no telephone number", 0);
        return NULL;
    }
    if (type != HILO_CONTENT_TEXT && type != HILO_CONTENT_MEDIA) {
        out_refuse(o, id, HILO_PERM, "unsupported", "only texts and sound can be spoken", 0);
        return NULL;
    }
    m = calloc(1, sizeof *m);
    if (m) {
        m->out = o;
        m->id = id;
        m->fd = -1;
        m->text = out_copy(hilo_get_str(content, HILO_T_CONTENT_TEXT));
    }
    if (!m || !m->text) {
        free(m);
        out_refuse(o, id, HILO_AGAIN, "no_memory", "no memory for another call", OUT_FULL_US);
        return NULL;
    }
    id_write("msg", id, m->id_text);
    out_word(m->phone, sizeof m->phone, phone);
    out_id_word("cus", message, HILO_T_MSG_CUSTOMER, m->customer);
    out_id_word("cas", message, HILO_T_MSG_CASE, m->casus);
    m->category = (uint32_t)hilo_get_u64(message, HILO_T_MSG_CATEGORY);
    m->media = hilo_get_id(content, HILO_T_CONTENT_MEDIA);
    m->language_given = language.n > 0;
    m->language = say_language_of(language, (enum say_language)o->voice->conf.language);
    if (type == HILO_CONTENT_MEDIA && id_is_none(m->media)) {
        out_message_free(m);
        out_refuse(o, id, HILO_PERM, "unsupported", "sound that is not stored here can't be played", 0);
        return NULL;
    }
    return m;
}

/* ---- what is asked about it ---- */

static void out_ready(struct out_message *m);

static void out_asked(struct out_message *m, unsigned which)
{
    m->asked[which] = 0;
    if (!m->asked[0] && !m->asked[1] && !m->asked[2])
        out_ready(m);
}

/* Off the list of those that are asked about, told, and gone. */
static void out_drop(struct out_message *m, int32_t code, const char *reason, int64_t retry_after_us)
{
    struct out *o = m->out;

    TAILQ_REMOVE(&o->asking, m, next);
    out_tell(m, code, reason, retry_after_us);
    out_message_free(m);
}

static const char *out_json_text(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsString(v) ? v->valuestring : "";
}

/* GET /v1/messages/{id}: as its author wrote it, and how often it was tried. */
static void out_on_message(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct out_message *m = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;
    const cJSON *content, *attempts;

    if (!json) {
        voice_log(m->out->voice, HILO_LOG_WARN,
                  "%s: the gateway does not say what it is (%d, HTTP %u): it is tried again", m->id_text,
                  (int)code, status);
        m->asked[0] = 0;
        out_drop(m, HILO_AGAIN, "gateway", OUT_ASK_AGAIN_US);
        return;
    }
    attempts = cJSON_GetObjectItemCaseSensitive(json, "attempts");
    if (cJSON_IsNumber(attempts))
        m->attempts = (int64_t)attempts->valuedouble;
    content = cJSON_GetObjectItemCaseSensitive(json, "content");
    if (strcmp(out_json_text(content, "type"), "choices") == 0) {
        m->n_choices = (uint32_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(content, "choices"));
        if (out_json_text(content, "text")[0])
            m->question = out_copy(voice_str(out_json_text(content, "text")));
    }
    cJSON_Delete(json);
    out_asked(m, 0);
}

static void out_on_customer(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct out_message *m = arg;
    cJSON *json = code == HILO_OK && status == 200 ? cJSON_ParseWithLength(body.p, body.n) : NULL;

    /* Nothing of her is needed for the call itself: her phone tells where she is. */
    if (json) {
        out_word(m->zone, sizeof m->zone, voice_str(out_json_text(json, "time_zone")));
        if (!m->language_given)
            m->language = say_language_of(voice_str(out_json_text(json, "language")), m->language);
    }
    cJSON_Delete(json);
    out_asked(m, 1);
}

static void out_on_media(void *arg, int32_t code, int32_t fd, struct hilo_str mime, uint64_t size)
{
    struct out_message *m = arg;

    (void)mime;
    (void)size;
    m->fd = fd;
    if (code != HILO_OK) {
        m->asked[2] = 0;
        out_drop(m, code == HILO_NOTFOUND ? HILO_PERM : HILO_TEMP, "media", 0);
        return;
    }
    out_asked(m, 2);
}

static bool out_ask(struct out_message *m)
{
    struct voice *v = m->out->voice;
    char path[80];

    (void)snprintf(path, sizeof path, "/v1/messages/%s", m->id_text);
    m->asked[0] = voice_ask_api(v, "GET", voice_str(path), voice_none(), voice_none(), out_on_message, m);
    if (!m->asked[0])
        return false;
    if (m->customer[0]) {
        (void)snprintf(path, sizeof path, "/v1/customers/%s", m->customer);
        m->asked[1] =
            voice_ask_api(v, "GET", voice_str(path), voice_none(), voice_none(), out_on_customer, m);
        if (!m->asked[1])
            return false;
    }
    if (!id_is_none(m->media)) {
        m->asked[2] = voice_ask_media(v, m->media, out_on_media, m);
        return m->asked[2] != 0;
    }
    return true;
}

/* ---- hours ---- */

/* 0: now; else how long not. */
static int64_t out_closed_us(struct out_message *m)
{
    struct out *o = m->out;
    int64_t now = voice_wall(o->voice), opens;
    struct hilo_str zone[DIALING_ZONES_MAX];
    struct dialing_zones of_phone;
    char wrong[CALLHOURS_WRONG];
    struct callhours hours;
    uint32_t n = 0;

    /* Read each time: they may have changed. check() has told what is wrong with them; nobody is called then.
     */
    if (!callhours_read(o->voice->conf.out.hours, &hours, wrong))
        return OUT_HOURS_MAX_US;
    if (!hours.given)
        return 0;
    if (hours_zone_known(voice_str(m->zone))) {
        zone[n++] = voice_str(m->zone);
    } else {
        dialing_zones(voice_str(m->phone), &of_phone);
        for (; n < of_phone.n; n++)
            zone[n] = voice_str(of_phone.name[n]);
        if (n == 0)
            zone[n++] = o->voice->conf.time_zone;
    }
    opens = callhours_opens(&hours, m->category, zone, n, now);
    if (opens == CALLHOURS_NEVER || opens - now > OUT_HOURS_MAX_US)
        return OUT_HOURS_MAX_US;
    return opens ? opens - now : 0;
}

static void out_ready(struct out_message *m)
{
    struct out *o = m->out;
    struct out_call *same = out_call_of(o, voice_str(m->customer), voice_str(m->phone));
    int64_t wait_us = same ? 0 : out_closed_us(m);

    if (wait_us) {
        out_drop(m, HILO_AGAIN, "calling_hours", wait_us);
        return;
    }
    if (!same && !pace_take(&o->pace, voice_now(o->voice), o->n_calls, o->voice->conf.out.calls,
                            o->voice->conf.out.per_second, &wait_us)) {
        out_drop(m, HILO_AGAIN, "lines_busy", wait_us);
        return;
    }
    TAILQ_REMOVE(&o->asking, m, next);
    m->at = OUT_WAITS;
    if (same)
        out_call_add(same, m);
    else
        (void)out_call_begin(m);
}

/* ---- what the plugin asks ---- */

int32_t out_send(struct voice *v, struct hilo_id id, struct hilo_str message)
{
    struct out *o = v->out;
    struct out_message *m;

    if (v->draining) {
        out_refuse(o, id, HILO_AGAIN, "draining", "the channel is being stopped", OUT_FULL_US);
        return HILO_OK;
    }
    if (!v->up) {
        out_refuse(o, id, HILO_DOWN, "line_down", "the telephone line is down", 0);
        return HILO_OK;
    }
    m = out_read(o, id, message);
    if (!m)
        return HILO_OK;
    m->at = OUT_ASKING;
    TAILQ_INSERT_TAIL(&o->asking, m, next);
    if (!out_ask(m))
        out_drop(m, HILO_AGAIN, "no_memory", OUT_FULL_US);
    return HILO_OK;
}

static struct out_message *out_find(struct out *o, struct hilo_id id, struct out_call **call)
{
    struct out_message *m;

    *call = NULL;
    TAILQ_FOREACH(m, &o->asking, next)
    if (memcmp(&m->id, &id, sizeof id) == 0)
        return m;
    TAILQ_FOREACH(*call, &o->calls, next)
    TAILQ_FOREACH(m, &(*call)->messages, next)
    if (memcmp(&m->id, &id, sizeof id) == 0)
        return m;
    return NULL;
}

/* What has rung has left. */
void out_revoke(struct voice *v, struct hilo_id id)
{
    struct out_call *c;
    struct out_message *m = out_find(v->out, id, &c);

    if (!m || m->at != OUT_ASKING) {
        if (!m || m->at != OUT_WAITS)
            return;
        if (c->stage == OUT_CALLING && m == TAILQ_FIRST(&c->messages)) {
            if (!c->rang && TAILQ_NEXT(m, next) == NULL)
                out_call_leave(c, HILO_AGAIN, "revoked");
            return;
        }
        if (m == TAILQ_FIRST(&c->messages))
            return;
        TAILQ_REMOVE(&c->messages, m, next);
        out_tell(m, HILO_AGAIN, "revoked", 0);
        out_message_free(m);
        return;
    }
    out_drop(m, HILO_AGAIN, "revoked", 0);
}

void out_line(struct voice *v, bool up)
{
    /* Calls that are up go on without the registrar; new ones wait in the gateway for the line. */
    (void)v;
    (void)up;
}

/* Time is up: who is in a call hears no more, who was not reached is called by the next instance. */
static void out_drained(void *arg)
{
    struct out *o = arg;
    struct out_call *c, *next;

    for (c = TAILQ_FIRST(&o->calls); c; c = next) {
        next = TAILQ_NEXT(c, next);
        out_call_leave(c, HILO_TEMP, "restarted");
    }
}

void out_drain(struct voice *v, int64_t mono_us)
{
    struct out *o = v->out;
    struct out_call *c, *next;
    int64_t left = mono_us - voice_now(v) - OUT_LEAVE_US;

    while (!TAILQ_EMPTY(&o->asking))
        out_drop(TAILQ_FIRST(&o->asking), HILO_AGAIN, "draining", OUT_FULL_US);
    for (c = TAILQ_FIRST(&o->calls); c; c = next) {
        next = TAILQ_NEXT(c, next);
        if (c->stage == OUT_CALLING && !c->rang)
            out_call_leave(c, HILO_AGAIN, "draining");
    }
    voice_timer_in(v, &o->drain, left > 0 ? left : 0, out_drained, o);
}

/* ---- life ---- */

struct out *out_new(struct voice *v)
{
    struct out *o = calloc(1, sizeof *o);

    if (!o)
        return NULL;
    o->voice = v;
    pace_init(&o->pace);
    TAILQ_INIT(&o->asking);
    TAILQ_INIT(&o->calls);
    o->recover = recover_new(v);
    o->transcriber = transcriber_new(v);
    if (!o->recover || !o->transcriber) {
        recover_free(o->recover);
        transcriber_free(o->transcriber);
        free(o);
        return NULL;
    }
    return o;
}

void out_start(struct voice *v)
{
    recover_start(v->out->recover);
    transcriber_start(v->out->transcriber);
}

bool out_on_fd(struct voice *v, int32_t fd, uint32_t events)
{
    return transcriber_on_fd(v->out->transcriber, fd, events);
}

void out_transcribe(struct voice *v, struct hilo_str message_id, enum say_language language)
{
    transcriber_add(v->out->transcriber, message_id, language);
}

void out_free(struct voice *v)
{
    struct out *o = v->out;
    struct out_message *m;

    if (!o)
        return;
    voice_timer_cancel(v, &o->drain);
    while ((m = TAILQ_FIRST(&o->asking))) {
        TAILQ_REMOVE(&o->asking, m, next);
        out_message_free(m);
    }
    recover_free(o->recover);
    transcriber_free(o->transcriber);
    free(o);
    v->out = NULL;
}
