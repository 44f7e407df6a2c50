/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger.h"

#include "ask.h"
#include "timer.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>

enum { LEDGER_FIRST_US = 250000, LEDGER_MOST_US = 15000000, LEDGER_GIVE_UP = 60 };

struct entry {
    char *body; /* JSON */
    const char *what;
    ledger_done *done;
    void *arg;
    STAILQ_ENTRY(entry) next;
};

struct ledger {
    struct voice *voice;
    char id[LEDGER_ID], customer[LEDGER_ID], key[33];
    STAILQ_HEAD(, entry) entries;
    uint64_t asking; /* the first entry is being told */
    struct voice_timer again;
    int64_t wait_us;
    uint32_t tries;
    bool left, lost; /* the gateway does not know this call, and will not */
    bool telling;    /* done() is being called */
    LIST_ENTRY(ledger) at;
};

static void ledger_next(struct ledger *);

static void ledger_free(struct ledger *l)
{
    struct entry *e;

    voice_timer_cancel(l->voice, &l->again);
    voice_ask_forget(l->voice, l->asking);
    while ((e = STAILQ_FIRST(&l->entries))) {
        STAILQ_REMOVE_HEAD(&l->entries, next);
        free(e->body);
        free(e);
    }
    LIST_REMOVE(l, at);
    free(l);
}

/* The first one is through, well or not; may free the ledger. */
static void ledger_through(struct ledger *l, bool ok)
{
    struct entry *e = STAILQ_FIRST(&l->entries);
    struct entry copy = *e;

    STAILQ_REMOVE_HEAD(&l->entries, next);
    free(e->body);
    free(e);
    l->tries = 0;
    l->wait_us = LEDGER_FIRST_US;
    /* What done() asks for stands behind what is there already. */
    l->telling = true;
    if (copy.done && !l->left)
        copy.done(copy.arg, ok);
    l->telling = false;
    if (l->asking == 0 && !voice_timer_armed(&l->again))
        ledger_next(l);
}

static void ledger_again(void *arg)
{
    ledger_next(arg);
}

static void ledger_text(char out[LEDGER_ID], const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

    if (cJSON_IsString(v) && strlen(v->valuestring) < LEDGER_ID)
        (void)snprintf(out, LEDGER_ID, "%s", v->valuestring);
}

static void ledger_answered(void *arg, int32_t code, uint32_t status, struct hilo_str body)
{
    struct ledger *l = arg;
    const char *what = STAILQ_FIRST(&l->entries)->what;
    cJSON *answer;

    l->asking = 0;
    if ((code != HILO_OK && code != HILO_INVALID) || status == 429 || status >= 500) {
        if (++l->tries < LEDGER_GIVE_UP) {
            voice_timer_in(l->voice, &l->again, l->wait_us, ledger_again, l);
            l->wait_us = l->wait_us * 2 > LEDGER_MOST_US ? LEDGER_MOST_US : l->wait_us * 2;
            return;
        }
        status = 0;
    }
    if (status >= 200 && status < 300) {
        answer = cJSON_ParseWithLength(body.p, (size_t)body.n);
        ledger_text(l->id, answer, "id");
        ledger_text(l->customer, answer, "customer");
        cJSON_Delete(answer);
    } else {
        voice_log(l->voice, HILO_LOG_ERROR,
                  "voice.call call=%s what=%s status=%u: the gateway did not take it", l->id, what, status);
    }
    l->lost = l->id[0] == 0;
    ledger_through(l, status >= 200 && status < 300);
}

static void ledger_lost(void *arg)
{
    struct ledger *l = arg;

    ledger_through(l, false);
}

static void ledger_next(struct ledger *l)
{
    struct entry *e = STAILQ_FIRST(&l->entries);
    char path[64], key[48];

    if (!e) {
        if (l->left)
            ledger_free(l);
        return;
    }
    if (l->lost) {
        voice_timer_in(l->voice, &l->again, 1, ledger_lost, l);
        return;
    }
    (void)snprintf(path, sizeof path, "/v1/calls%s%s", l->id[0] ? "/" : "", l->id);
    (void)snprintf(key, sizeof key, "%s", l->key);
    l->asking = voice_ask_api(l->voice, l->id[0] ? "PATCH" : "POST", voice_str(path), voice_str(e->body),
                              l->id[0] ? voice_none() : voice_str(key), ledger_answered, l);
    if (l->asking == 0)
        voice_timer_in(l->voice, &l->again, LEDGER_MOST_US, ledger_again, l);
}

/* Takes body. */
static bool ledger_add(struct ledger *l, const char *what, cJSON *body, ledger_done *done, void *arg)
{
    struct entry *e = calloc(1, sizeof *e);
    bool first;

    if (e)
        e->body = body ? cJSON_PrintUnformatted(body) : NULL;
    cJSON_Delete(body);
    if (!e || !e->body) {
        free(e);
        voice_log(l->voice, HILO_LOG_ERROR, "voice.call call=%s what=%s: no memory", l->id, what);
        return false;
    }
    e->what = what;
    e->done = done;
    e->arg = arg;
    first = STAILQ_EMPTY(&l->entries);
    STAILQ_INSERT_TAIL(&l->entries, e, next);
    if (first && !l->telling && l->asking == 0 && !voice_timer_armed(&l->again))
        ledger_next(l);
    return true;
}

static void add_text(cJSON *o, const char *name, struct hilo_str s)
{
    char *text = s.n ? strndup(s.p, (size_t)s.n) : NULL;

    if (text)
        (void)cJSON_AddStringToObject(o, name, text);
    free(text);
}

static void add_now(struct voice *v, cJSON *o)
{
    int64_t now = voice_wall(v);
    time_t s = (time_t)(now / 1000000);
    char text[48];
    struct tm tm;

    (void)gmtime_r(&s, &tm);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(now / 1000 % 1000));
    (void)cJSON_AddStringToObject(o, "at", text);
}

struct ledger *ledger_begin(struct voice *v, const struct ledger_open *o, ledger_done *done, void *arg)
{
    struct ledger *l = calloc(1, sizeof *l);
    cJSON *body = cJSON_CreateObject(), *party;
    unsigned char random[16];
    size_t i;

    if (!l || !body || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        goto out;
    l->voice = v;
    l->wait_us = LEDGER_FIRST_US;
    STAILQ_INIT(&l->entries);
    for (i = 0; i < sizeof random; i++)
        (void)snprintf(l->key + 2 * i, 3, "%02x", random[i]);
    (void)cJSON_AddStringToObject(body, "direction", o->inbound ? "inbound" : "outbound");
    if (o->customer.n) {
        add_text(body, "customer", o->customer);
    } else if ((party = cJSON_AddObjectToObject(body, "party"))) {
        (void)cJSON_AddStringToObject(party, "scheme", o->phone.n ? "phone" : "web_visitor");
        add_text(party, "value", o->phone.n ? o->phone : o->visitor);
    }
    add_text(body, "provider_id", o->provider_id);
    add_text(body, "message", o->message);
    add_text(body, "case", o->casus);
    add_text(body, "to", o->to);
    add_now(v, body);
    LIST_INSERT_HEAD(&v->ledgers, l, at);
    if (ledger_add(l, "begin", body, done, arg))
        return l;
    LIST_REMOVE(l, at);
    body = NULL;
out:
    cJSON_Delete(body);
    free(l);
    return NULL;
}

void ledger_tell(struct ledger *l, const struct ledger_change *c, ledger_done *done, void *arg)
{
    cJSON *body, *cause;

    if (!l || !(body = cJSON_CreateObject()))
        return;
    if (c->status)
        (void)cJSON_AddStringToObject(body, "status", c->status);
    add_text(body, "customer", c->customer);
    add_text(body, "case", c->casus);
    add_text(body, "to", c->to);
    if (c->recording_consent)
        (void)cJSON_AddStringToObject(body, "recording_consent", c->recording_consent);
    if (c->digits && c->digits[0])
        (void)cJSON_AddStringToObject(body, "digits", c->digits);
    if ((c->sip || c->reason) && (cause = cJSON_AddObjectToObject(body, "cause"))) {
        if (c->sip)
            (void)cJSON_AddNumberToObject(cause, "sip", c->sip);
        add_text(cause, "reason", voice_str(c->reason));
        add_text(cause, "text", c->text);
    }
    if (c->duration_us >= 0)
        (void)cJSON_AddNumberToObject(body, "duration_ms", (double)(c->duration_us / 1000));
    add_now(l->voice, body);
    (void)ledger_add(l, c->status ? c->status : "change", body, done, arg);
}

const char *ledger_id(const struct ledger *l)
{
    return l ? l->id : "";
}

const char *ledger_customer(const struct ledger *l)
{
    return l ? l->customer : "";
}

void ledger_mute(struct ledger *l)
{
    struct entry *e;

    if (l)
        STAILQ_FOREACH(e, &l->entries, next)
    e->done = NULL;
}

void ledger_left(struct ledger *l)
{
    if (!l)
        return;
    l->left = true;
    if (STAILQ_EMPTY(&l->entries) && !l->telling)
        ledger_free(l);
}

void ledgers_free(struct voice *v)
{
    struct ledger *l;

    while ((l = LIST_FIRST(&v->ledgers)))
        ledger_free(l);
}
