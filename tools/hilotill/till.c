/*
 * A connection's story: when to begin one, hello, heartbeat, what comes in, and what follows when it ends.
 * All of it runs from hilotill_run; nothing waits.
 */
#include "handle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>

enum {
    OPEN_MS = 10000,     /* TLS and hello together (PROTOCOL.md, 7) */
    CONNECT_MS = 20000,  /* and names and TCP before it */
    LIVED_MS = 60000,    /* a connection of this age lets the waits begin anew */
    HEARTBEAT_MS = 25000 /* until hello says otherwise */
};

/* ---- small things ----------------------------------------------------------------------------------- */

int64_t till_now(const struct hilotill *t)
{
    return t->clock(t->clock_arg);
}

int64_t till_unix_ms(const struct hilotill *t)
{
    struct timespec ts;

    if (t->anchored)
        return t->anchor_unix_ms + till_now(t) - t->anchor_mono_ms;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void till_uuid(char out[HILOTILL_ID])
{
    uint8_t b[16];

    if (getrandom(b, sizeof b, 0) != sizeof b)
        abort(); /* never for 16 bytes once the system is up */
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, HILOTILL_ID, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void till_reason(struct hilotill *t, const char *text)
{
    if (strcmp(t->reason, text) == 0)
        return;
    snprintf(t->reason, sizeof t->reason, "%s", text);
    t->changed = true;
}

static void till__state(struct hilotill *t, enum hilotill_line state)
{
    if (t->state != state)
        t->changed = true;
    t->state = state;
}

static void till__out_of_memory(struct hilotill *t)
{
    till_reason(t, TILL_SAY(t->spanish, "out of memory", "no hay memoria suficiente"));
    t->drop = true;
}

void till_send(struct hilotill *t, const char *id, const char *method, const char *params)
{
    if (!till_frame_request(till_line_out(t->line), id, method, params))
        till__out_of_memory(t);
    t->due = true;
}

/* ---- answers to the application --------------------------------------------------------------------- */

void till_answer_local(struct hilotill *t, const char *id, const char *method, bool queued, int code,
                       const char *why)
{
    struct hilotill_answer a = {.id = id, .method = method, .queued = queued, .code = code, .error = why};

    if (t->o.on_answer)
        t->o.on_answer(t->o.arg, &a);
}

void till_answer(struct hilotill *t, const char *id, const char *method, bool queued,
                 const struct till_frame *f)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(f->error, "data");
    struct hilotill_answer a = {.id = id, .method = method, .queued = queued, .code = f->code};
    char *result = f->code ? NULL : cJSON_PrintUnformatted(f->result);
    char *more = data ? cJSON_PrintUnformatted(data) : NULL;

    a.result = result;
    a.data = more;
    a.error = f->code ? f->message : NULL;
    if (!f->code && !result)
        till__out_of_memory(t);
    else if (t->o.on_answer)
        t->o.on_answer(t->o.arg, &a);
    cJSON_free(result);
    cJSON_free(more);
}

static void till__keep(struct hilotill *t, const struct till_call *c, const struct till_frame *f)
{
    char *json = c->key && !f->code ? cJSON_PrintUnformatted(f->result) : NULL;
    struct hilotill_error e;
    int64_t now = till_unix_ms(t);

    if (json && till_store_keep(t->store, c->key, json, now, now - (int64_t)t->o.cache_hours * 3600000,
                                t->o.cache_max, &e) != HILOTILL_OK)
        till_reason(t, e.text);
    cJSON_free(json);
}

/* Takes a call out of the list. */
static struct till_call till__call_take(struct hilotill *t, size_t i)
{
    struct till_call c = t->calls[i];

    t->n_calls--;
    memmove(t->calls + i, t->calls + i + 1, (t->n_calls - i) * sizeof c);
    return c;
}

static bool till__call_answer(struct hilotill *t, const struct till_frame *f)
{
    struct till_call c;
    size_t i;

    for (i = 0; i < t->n_calls && strcmp(t->calls[i].id, f->id) != 0; i++)
        ;
    if (i == t->n_calls)
        return false;
    c = till__call_take(t, i);
    till__keep(t, &c, f);
    free(c.key);
    till_answer(t, c.id, c.method, false, f);
    return true;
}

static void till__calls_lost(struct hilotill *t, int64_t until)
{
    struct till_call c;
    size_t i;

    for (i = 0; i < t->n_calls;) {
        if (t->calls[i].until > until) {
            i++;
            continue;
        }
        c = till__call_take(t, i);
        free(c.key);
        till_answer_local(t, c.id, c.method, false, HILOTILL_ELOST,
                          TILL_SAY(t->spanish, "no answer came: the line was lost",
                                   "no llegó respuesta: se perdió la línea"));
        i = 0; /* the callback may have asked more */
    }
}

/* ---- connecting ------------------------------------------------------------------------------------------
 */

static int till__session_new(SSL *ssl, SSL_SESSION *session)
{
    struct hilotill *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(t->session);
    t->session = session;
    return 1;
}

static void till__connect(struct hilotill *t)
{
    SSL_SESSION *session = t->session;

    t->retry_at = 0;
    t->port = 7443;
    if (t->code) {
        snprintf(t->host, sizeof t->host, "%s", t->code->host);
        t->port = t->code->port;
    } else {
        till_host_read(t->id.host, t->host, &t->port);
    }
    if (t->host_option)
        till_host_read(t->host_option, t->host, &t->port);
    snprintf(t->name, sizeof t->name, strchr(t->host, ':') ? "[%s]:%u" : "%s:%u", t->host, t->port);
    if (!t->ctx) {
        t->ctx = t->code ? till_trust_nobody() : till_trust_identity(&t->id);
        if (t->ctx && !t->code) {
            SSL_CTX_set_app_data(t->ctx, t);
            SSL_CTX_sess_set_new_cb(t->ctx, till__session_new);
        }
    }
    /* A ticket is for one resumption. */
    t->session = NULL;
    t->line = t->ctx ? till_line_new(t->epfd, t->spanish, t->ctx, t->code ? "hilo-enroll/1" : "hilo-pos/1",
                                     session, t->host, t->port)
                     : NULL;
    SSL_SESSION_free(session);
    t->open = false;
    t->open_by = till_now(t) + CONNECT_MS;
    till__state(t, t->code ? HILOTILL_ENROLLING : HILOTILL_CONNECTING);
    if (!t->line)
        till__out_of_memory(t);
}

static void till__hello(struct hilotill *t)
{
    cJSON *o = cJSON_CreateObject(), *able;
    char *last = NULL, *params = NULL, *words = NULL, *word, *rest;
    struct hilotill_error e;

    if (!o || !cJSON_AddNumberToObject(o, "protocol", 1) ||
        !cJSON_AddStringToObject(o, "software", t->software) ||
        !cJSON_AddStringToObject(o, "language", t->language) ||
        !(able = cJSON_AddArrayToObject(o, "capabilities")) ||
        !(words = strdup(t->capabilities ? t->capabilities : ""))) {
        till__out_of_memory(t);
        goto out;
    }
    for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        cJSON_AddItemToArray(able, cJSON_CreateString(word));
    if (till_store_push_last(t->store, &last, &e) != HILOTILL_OK) {
        till_reason(t, e.text);
        t->drop = true;
        goto out;
    }
    if ((last && !cJSON_AddStringToObject(o, "last_push", last)) || !(params = cJSON_PrintUnformatted(o))) {
        till__out_of_memory(t);
        goto out;
    }
    till_uuid(t->hello_id);
    till_send(t, t->hello_id, "hello", params);
out:
    free(last);
    free(words);
    cJSON_free(params);
    cJSON_Delete(o);
}

/* TLS is done: is it the gateway, before a word is said? */
static void till__opened(struct hilotill *t)
{
    struct hilotill_error e;
    char enrolled[254] = "";
    uint16_t port;
    int rc;

    t->open = true;
    t->open_by = till_now(t) + OPEN_MS;
    t->heard_at = t->pinged_at = till_now(t);
    t->heartbeat_ms = HEARTBEAT_MS;
    if (t->code) {
        till_enroll_begin(t);
        return;
    }
    till_host_read(t->id.host, enrolled, &port);
    rc = till_trust_name(t->spanish, till_line_ssl(t->line), t->host, enrolled, &e);
    if (rc != HILOTILL_OK) {
        till_reason(t, e.text);
        t->drop = true;
        return;
    }
    till__hello(t);
}

static void till__text(const cJSON *o, const char *member, char *out, size_t cap)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, member);

    snprintf(out, cap, "%s", cJSON_IsString(v) ? v->valuestring : "");
}

static void till__online(struct hilotill *t, const struct till_frame *f)
{
    const cJSON *beat = cJSON_GetObjectItemCaseSensitive(f->result, "heartbeat_s");
    int64_t now = till_now(t), theirs, ours;
    struct timespec ts;
    char time[64];

    t->hello_id[0] = 0;
    if (f->code) {
        till_reason(t, f->message);
        t->drop = true;
        return;
    }
    till__text(f->result, "role", t->role, sizeof t->role);
    till__text(f->result, "country", t->country, sizeof t->country);
    till__text(f->result, "time", time, sizeof time);
    if (cJSON_IsNumber(beat) && beat->valuedouble >= 1 && beat->valuedouble <= 3600)
        t->heartbeat_ms = (int64_t)(beat->valuedouble * 1000);
    if (till_time_read(time, &theirs)) {
        clock_gettime(CLOCK_REALTIME, &ts);
        ours = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
        t->behind_ms = theirs - ours;
        t->anchor_unix_ms = theirs;
        t->anchor_mono_ms = now;
        t->anchored = true;
    }
    /* Let in with this identity: the one before is not needed any more. */
    till_identity_settled(t->folder);
    t->online_since = now;
    t->renew_at = now;
    t->sent_seq = t->hold_until = 0;
    t->n_flight = 0;
    till_reason(t, "");
    till__state(t, HILOTILL_ONLINE);
}

/* ---- what comes in
 * -------------------------------------------------------------------------------------------- */

static void till__request(struct hilotill *t, const struct till_frame *f)
{
    struct hilotill_error e;

    if (!f->id) /* a notification: there are none */
        return;
    if (strcmp(f->method, "ping") == 0) {
        if (!till_frame_answer(till_line_out(t->line), f->id, 0, "{}"))
            till__out_of_memory(t);
        t->due = true;
    } else if (strcmp(f->method, "certificate.rotate") == 0) {
        t->rotate = true;
        t->renew_at = till_now(t);
        if (!till_frame_answer(till_line_out(t->line), f->id, 0, "{}"))
            till__out_of_memory(t);
        t->due = true;
    } else if (strcmp(f->method, "revoked") == 0) {
        if (till_store_forget(t->store, &e) != HILOTILL_OK)
            till_reason(t, e.text);
        else
            till_reason(
                t,
                TILL_SAY(t->spanish, "this till's certificate was revoked: ask for a code and enrol it again",
                         "el certificado de esta caja fue revocado: pida un código e inscríbala de nuevo"));
        if (till_frame_answer(till_line_out(t->line), f->id, 0, "{}"))
            till_line_run(t->line, till_now(t));
        till__state(t, HILOTILL_REVOKED);
        t->drop = true;
    } else {
        till_push_take(t, f);
    }
}

static void till__frame(struct hilotill *t, const char *p, size_t n)
{
    struct till_frame f;

    if (n == 0 || (n == 1 && *p == '\r'))
        return;
    till_frame_read(p, n, &f);
    if (f.kind == TILL_FRAME_BAD) {
        till_reason(t, TILL_SAY(t->spanish, "what came from the gateway is not of its protocol",
                                "lo que llegó de la pasarela no es de su protocolo"));
        t->drop = true;
    } else if (f.kind == TILL_FRAME_REQUEST) {
        if (t->state == HILOTILL_ONLINE)
            till__request(t, &f);
    } else if (!f.id) {
        till_reason(t, f.message);
        till_outbox_unread(t, &f);
        t->drop = true;
    } else if (t->code) {
        till_enroll_answer(t, &f);
    } else if (strcmp(f.id, t->hello_id) == 0) {
        till__online(t, &f);
    } else if (strcmp(f.id, t->renew_id) == 0) {
        till_renew_answer(t, &f);
    } else if (strcmp(f.id, t->ping_id) != 0 && !till_outbox_answer(t, &f)) {
        till__call_answer(t, &f); /* or it came after its time */
    }
    till_frame_done(&f);
}

/* ---- the end of a line
 * -------------------------------------------------------------------------------------------- */

static void till__end(struct hilotill *t)
{
    const struct hilotill_error *e = t->line ? till_line_error(t->line) : NULL;
    struct hilotill_error said = {HILOTILL_ELOST, ""};
    bool revoked = t->state == HILOTILL_REVOKED, previous = false;
    int64_t now = till_now(t);

    if (e && e->code) {
        said = *e;
        /* An answer without an id has said it already, and better. */
        if (!t->drop)
            till_reason(t, e->text);
        if ((e->code == HILOTILL_EREFUSED || e->code == HILOTILL_ENOTENROLLED) && !t->code) {
            previous = till_identity_use_previous(t);
            revoked = e->code == HILOTILL_EREFUSED && !previous;
        }
        if (revoked)
            till_store_forget(t->store, NULL);
    } else {
        snprintf(said.text, sizeof said.text, "%s", t->reason);
    }
    if (t->state == HILOTILL_ONLINE && now - t->online_since >= LIVED_MS)
        t->attempt = 0;
    till_line_free(&t->line);
    t->drop = t->open = false;
    t->hello_id[0] = t->ping_id[0] = t->renew_id[0] = 0;
    EVP_PKEY_free(t->renew_key);
    t->renew_key = NULL;
    till_outbox_lost(t);
    till_push_lost(t);
    if (t->code)
        till_enroll_end(t, &said);
    if (revoked)
        t->wanted = false;
    if (t->wanted) {
        t->retry_at = now;
        if (!previous)
            t->retry_at +=
                till_backoff(t->attempt++, t->o.backoff_first_ms, t->o.backoff_max_ms, t->random());
        till__state(t, HILOTILL_WAITING);
        t->changed = true;
    } else {
        till__state(t, revoked ? HILOTILL_REVOKED : HILOTILL_OFFLINE);
    }
    till__calls_lost(t, INT64_MAX);
}

/* ---- a turn
 * -----------------------------------------------------------------------------------------------------------
 */

static void till__alive(struct hilotill *t, int64_t now)
{
    if (t->state != HILOTILL_ONLINE) {
        if (now < t->open_by)
            return;
        till_reason(t, TILL_SAY(t->spanish, "the gateway does not answer", "la pasarela no responde"));
        t->drop = true;
    } else if (now - t->heard_at >= 3 * t->heartbeat_ms || till_outbox_late(t, now)) {
        till_reason(
            t, TILL_SAY(t->spanish, "the gateway does not answer any more", "la pasarela dejó de responder"));
        t->drop = true;
    } else if (now - t->heard_at >= t->heartbeat_ms && now - t->pinged_at >= t->heartbeat_ms) {
        t->pinged_at = now;
        till_uuid(t->ping_id);
        till_send(t, t->ping_id, "ping", "{}");
    }
}

static void till__events(struct hilotill *t)
{
    struct epoll_event ev[16];
    int n = epoll_wait(t->epfd, ev, 16, 0), i;

    for (i = 0; i < n; i++)
        if (t->line)
            till_line_event(t->line, ev[i].data.fd, ev[i].events);
}

static void till__line(struct hilotill *t)
{
    const char *p;
    size_t n;
    int frames = 0;

    till_line_run(t->line, till_now(t));
    if (till_line_step(t->line) == LINE_OPEN && !t->open)
        till__opened(t);
    while (t->open && !t->drop && till_line_next(t->line, &p, &n)) {
        t->heard_at = till_now(t);
        till__frame(t, p, n);
        if (++frames == 64) { /* the application's turn */
            t->due = true;
            break;
        }
    }
    if (till_line_step(t->line) != LINE_FAILED && !t->drop)
        till__alive(t, till_now(t));
    if (t->state == HILOTILL_ONLINE && !t->drop) {
        till_renew(t);
        till_outbox_pump(t);
        till__calls_lost(t, till_now(t));
    }
    if (!t->drop)
        till_line_run(t->line, till_now(t));
}

void till_step(struct hilotill *t)
{
    t->due = false;
    if (t->line) {
        till__events(t);
        till__line(t);
    } else if (t->code || (t->wanted && t->enrolled && till_now(t) >= t->retry_at)) {
        till__connect(t);
        if (t->line)
            till__line(t);
    }
    if (t->drop || (t->line && till_line_step(t->line) == LINE_FAILED))
        till__end(t);
}

int64_t till_next_ms(const struct hilotill *t)
{
    int64_t now = till_now(t), next = INT64_MAX, beat;
    size_t i;

    if (t->due || t->drop || t->changed)
        return now;
    if (!t->line)
        return t->code ? now : t->wanted && t->enrolled ? t->retry_at : INT64_MAX;
    next = till_line_deadline(t->line, now);
    if (t->state != HILOTILL_ONLINE)
        return next < t->open_by ? next : t->open_by;
    beat = (t->heard_at > t->pinged_at ? t->heard_at : t->pinged_at) + t->heartbeat_ms;
    if (t->heard_at + 3 * t->heartbeat_ms < beat)
        beat = t->heard_at + 3 * t->heartbeat_ms;
    next = beat < next ? beat : next;
    next = t->renew_at < next ? t->renew_at : next;
    beat = till_outbox_due(t);
    next = beat < next ? beat : next;
    for (i = 0; i < t->n_calls; i++)
        next = t->calls[i].until < next ? t->calls[i].until : next;
    return next;
}
