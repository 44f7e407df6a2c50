/*
 * Changes of the registry: one at a time, in the order of asking, so that each is decided on what the one
 * before left. A change is planned (what to put into which keys), put key by key, applied in memory, told,
 * logged and answered. A crash between two keys leaves what a repetition mends: lists may name a terminal
 * that is not there, which a start passes over; a code is marked as used before its terminal is written, and
 * by the same key it may be used again.
 *
 * One thing does not wait for the disk: who is revoked is refused and cut off at once, also while the disk is
 * full; the answer says then that it has to be repeated. SPDX-License-Identifier: Apache-2.0
 */
#include "identity_impl.h"
#include "json.h"
#include "text.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum write_kind { WRITE_ENROLL, WRITE_RENEW, WRITE_PROMOTE, WRITE_CHANGE, WRITE_INVITE, WRITE_UNINVITE };
enum { WRITE_PUTS = 4, WRITE_KEY = 2 * POS_CA_NAME + 32 };

/* An address may try so many codes that are none at once, then one a minute; a terminal may renew as often.
 */
static const struct pos_rate tries_rate = {INT64_C(60) * 1000000, 10};

struct pos_write {
    struct pos_write *next;
    struct pos_identity *id;
    enum write_kind kind;
    /* what is asked */
    char store[POS_NAME_MAX + 1], terminal[POS_NAME_MAX + 1];
    enum pos_role role;
    enum pos_change change;
    char by[POS_BY_MAX], address[48], enrollment[POS_ENROLLMENT_ID];
    int64_t lifetime_us;
    uint8_t secret[POS_CODE_SECRET], key[32];
    char *csr; /* free() */
    uint64_t ref, request;
    pos_outcome_fn *answer;
    /* what is to be done */
    struct write_put {
        char key[WRITE_KEY];
        char *val; /* free() */
    } put[WRITE_PUTS];
    unsigned n_put, at;
    bool known; /* the terminal was registered before */
    struct pos_terminal t;
    struct pos_enrollment e;
    struct pos_issued issued;
};

static void write_free(struct pos_write *w)
{
    unsigned i;

    for (i = 0; i < w->n_put; i++)
        free(w->put[i].val);
    free(w->csr);
    free(w->issued.pem);
    OPENSSL_cleanse(w->secret, sizeof w->secret);
    free(w);
}

void pos_id_writes_free(struct pos_identity *id)
{
    struct pos_write *w, *next;

    for (w = id->writes; w; w = next) {
        next = w->next;
        write_free(w);
    }
    id->writes = NULL;
    id->writes_tail = &id->writes;
}

/* ---- answers ---------------------------------------------------------------------------------------------
 */

static void answer_method(struct pos_write *w, int32_t error, const char *reason, const char *message,
                          int64_t retry_after_ms, cJSON *result)
{
    struct pos_identity_answer a = {error, reason, message, retry_after_ms, result, false};

    w->id->hooks.answered(w->id->arg, w->ref, &a);
}

/* Who guesses: he is not to fill the log, so what he gets is written here or not at all. */
static void answer_guess(struct pos_write *w, int32_t error, const char *reason, const char *message,
                         int64_t retry_after_ms)
{
    struct pos_identity_answer a = {error, reason, message, retry_after_ms, NULL, true};

    w->id->hooks.answered(w->id->arg, w->ref, &a);
}

static void answer_operator(struct pos_write *w, int status, const char *code, const char *detail,
                            cJSON *body)
{
    struct pos_outcome o = {status, code, detail, body};

    w->answer(w->id, w->request, &o);
}

/* It can't be done now, whoever asked. */
static void write_failed(struct pos_write *w, int32_t code)
{
    const char *detail = code == HILO_FULL
                             ? "the gateway's disk is full; make room, then ask again"
                             : "the gateway could not write it down; see its log, then ask again";

    pos_id_log(w->id, HILO_LOG_ERROR,
               "pos.registry store=%s terminal=%s code=%d note=\"a change was not written\"", w->store,
               w->terminal, (int)code);
    switch (w->kind) {
    case WRITE_ENROLL:
    case WRITE_RENEW:
        answer_method(w, -32000, code == HILO_FULL ? "full" : "try_later", detail, 5000, NULL);
        break;
    case WRITE_PROMOTE:
        break; /* it is asked for again by the key's next use after a start */
    case WRITE_CHANGE:
        if (w->change == POS_CHANGE_REVOKE || w->change == POS_CHANGE_REMOVE)
            detail = "it is refused from now on, but that is not on disk: after a restart it would be taken "
                     "again. Make "
                     "room, then repeat this";
        answer_operator(w, 503, "try_later", detail, NULL);
        break;
    case WRITE_INVITE:
    case WRITE_UNINVITE:
        answer_operator(w, 503, "try_later", detail, NULL);
        break;
    }
}

static bool add_time(cJSON *to, const char *name, int64_t us)
{
    char text[POS_TEXT_TIME];

    pos_text_of_time(text, us);
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

/* The result of enroll and of certificate.renew; NULL: no memory. */
static cJSON *write_certificate(const struct pos_write *w)
{
    cJSON *json = cJSON_CreateObject();
    char *bundle = pos_id_bundle(w->id);
    bool whole = json && bundle && cJSON_AddStringToObject(json, "certificate", w->issued.pem) &&
                 cJSON_AddStringToObject(json, "ca", bundle) &&
                 add_time(json, "expires", w->issued.expires_us);

    if (whole && w->kind == WRITE_ENROLL)
        whole = cJSON_AddStringToObject(json, "store", w->store) &&
                cJSON_AddStringToObject(json, "terminal", w->terminal) &&
                cJSON_AddStringToObject(json, "role", pos_role_name(w->t.role));
    free(bundle);
    if (whole)
        return json;
    cJSON_Delete(json);
    return NULL;
}

/* ---- plans: true when there is something to put; else it was answered
 * ------------------------------------------ */

/* val: given away; NULL: no memory. */
static bool plan_put(struct pos_write *w, char *val, const char *key)
{
    if (!val)
        return false;
    (void)snprintf(w->put[w->n_put].key, WRITE_KEY, "%s", key);
    w->put[w->n_put++].val = val;
    return true;
}

static bool plan_terminal(struct pos_write *w)
{
    char key[WRITE_KEY];

    (void)snprintf(key, sizeof key, "terminal/%s/%s", w->store, w->terminal);
    return plan_put(w, pos_terminal_write(&w->t), key);
}

static bool plan_enrollments(struct pos_write *w, unsigned page, const struct pos_enrollment *more,
                             const char *but)
{
    char key[WRITE_KEY];

    (void)snprintf(key, sizeof key, "enrollments/%u", page);
    return plan_put(w, pos_enrollments_write(&w->id->enrollments, page, more, but), key);
}

/* The lists, if this terminal is not in them, and itself. */
static bool plan_registered(struct pos_write *w)
{
    struct pos_terminals *r = w->id->terminals;
    char key[WRITE_KEY];
    unsigned page;

    if (!pos_terminals_store(r, w->store)) {
        page = pos_terminals_page(r);
        (void)snprintf(key, sizeof key, page > 1 ? "stores/%u" : "stores", page);
        if (!plan_put(w, pos_terminals_write_stores(r, page, w->store), key))
            return false;
    }
    (void)snprintf(key, sizeof key, "store/%s", w->store);
    return (w->known || plan_put(w, pos_terminals_write_store(r, w->store, w->terminal, NULL), key)) &&
           plan_terminal(w);
}

/* Who tries codes that are none is told to wait after a few, and the log hears of him once a minute then. */
static bool refuse_code(struct pos_write *w, const char *reason)
{
    struct pos_identity *id = w->id;
    int64_t now = id->host->mono_us(id->self);

    pos_buckets_take(id->tries, pos_id_str(w->address), tries_rate, now);
    pos_id_log(id, HILO_LOG_WARN, "pos.refused reason=code address=%s detail=%s", w->address, reason);
    answer_guess(w, -32001, "code",
                 "this code is not good (any more): ask for another, and look how it is written", 0);
    return false;
}

static bool too_often(struct pos_write *w, struct hilo_str key, const char *what)
{
    struct pos_identity *id = w->id;
    int64_t now = id->host->mono_us(id->self), wait = pos_buckets_wait(id->tries, key, tries_rate, now);
    const struct pos_rate once = {INT64_C(60) * 1000000, 1};
    char log_key[2 * POS_NAME_MAX + 64];

    if (wait == 0)
        return false;
    (void)snprintf(log_key, sizeof log_key, "log %.*s", (int)key.n, key.p);
    if (pos_buckets_wait(id->tries, pos_id_str(log_key), once, now) == 0) {
        pos_buckets_take(id->tries, pos_id_str(log_key), once, now);
        pos_id_log(id, HILO_LOG_WARN, "pos.refused reason=rate %s=%.*s", what, (int)key.n, key.p);
    }
    answer_guess(w, -32003, "rate", "too many tries; wait before the next one", wait / 1000 + 1);
    return true;
}

static bool plan_no_memory(struct pos_write *w)
{
    write_failed(w, HILO_NOMEM);
    return false;
}

/* false: answered. */
static bool sign(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    const char *why = "";
    char message[256];
    int32_t rc = pos_ca_sign(&id->ca, pos_id_str(w->csr), w->store, w->terminal, pos_id_now(id),
                             id->conf.certificate_lifetime_us, &w->issued, &why);

    if (rc == HILO_INVALID) {
        (void)snprintf(message, sizeof message, "the certificate request is refused: %s", why);
        answer_method(w, -32602, "csr", message, 0, NULL);
    } else if (rc != HILO_OK) {
        write_failed(w, rc);
    }
    return rc == HILO_OK;
}

static struct pos_certificate certificate_of(const struct pos_issued *i)
{
    struct pos_certificate c = {.issued_us = i->issued_us, .expires_us = i->expires_us};

    memcpy(c.key, i->key, sizeof c.key);
    memcpy(c.serial, i->serial, sizeof c.serial);
    return c;
}

static bool plan_enroll(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    int64_t now = pos_id_now(id);
    const struct pos_terminal *before;
    struct pos_enrollment *e;

    if (too_often(w, pos_id_str(w->address), "address"))
        return false;
    e = pos_enrollments_find(&id->enrollments, w->secret, NULL, now);
    if (!e)
        return refuse_code(w, "unknown");
    w->e = *e;
    strcpy(w->store, e->store);
    strcpy(w->terminal, e->terminal);
    if (!sign(w))
        return false;
    if (e->used && memcmp(e->used_key, w->issued.key, sizeof e->used_key) != 0)
        return refuse_code(w, "used");
    before = pos_terminals_find(id->terminals, w->store, w->terminal);
    w->known = before != NULL;
    w->t = (struct pos_terminal){
        .role = e->role, .now = certificate_of(&w->issued), .enrolled_us = now, .changed_us = now};
    strcpy(w->t.store, w->store);
    strcpy(w->t.terminal, w->terminal);
    strcpy(w->t.changed_by, e->by);
    w->e.used = true;
    memcpy(w->e.used_key, w->issued.key, sizeof w->e.used_key);
    return (plan_enrollments(w, pos_enrollment_page(&w->e), &w->e, NULL) && plan_registered(w)) ||
           plan_no_memory(w);
}

static bool plan_renew(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    const struct pos_terminal *t = pos_terminals_find(id->terminals, w->store, w->terminal);
    char key[2 * POS_NAME_MAX + 8];

    (void)snprintf(key, sizeof key, "%s/%s", w->store, w->terminal);
    if (!t || t->revoked || memcmp(t->now.key, w->key, sizeof w->key) != 0) {
        answer_method(w, -32001, "revoked", "this terminal is not trusted any more: enrol it again", 0, NULL);
        return false;
    }
    if (too_often(w, pos_id_str(key), "terminal"))
        return false;
    pos_buckets_take(id->tries, pos_id_str(key), tries_rate, id->host->mono_us(id->self));
    if (!sign(w))
        return false;
    w->known = true;
    w->t = *t;
    w->t.rotate = false;
    if (memcmp(t->now.key, w->issued.key, sizeof w->issued.key) == 0) {
        w->t.now = certificate_of(&w->issued);
        memset(&w->t.next, 0, sizeof w->t.next);
    } else {
        w->t.next = certificate_of(&w->issued);
    }
    return plan_terminal(w) || plan_no_memory(w);
}

static bool plan_promote(struct pos_write *w)
{
    const struct pos_terminal *t = pos_terminals_find(w->id->terminals, w->store, w->terminal);

    if (!t)
        return false; /* removed meanwhile */
    w->t = *t;
    return plan_terminal(w) || plan_no_memory(w);
}

static bool plan_change(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    struct pos_terminal *t = pos_terminals_find(id->terminals, w->store, w->terminal);
    char key[WRITE_KEY];

    if (!t) {
        answer_operator(w, 404, "not_found", "there is no such terminal", NULL);
        return false;
    }
    if (t->revoked && (w->change == POS_CHANGE_ROTATE || w->change == POS_CHANGE_ROLE)) {
        answer_operator(w, 409, "conflict", "this terminal is revoked; enrol it again", NULL);
        return false;
    }
    w->t = *t;
    w->t.changed_us = pos_id_now(id);
    strcpy(w->t.changed_by, w->by);
    switch (w->change) {
    case POS_CHANGE_REVOKE:
    case POS_CHANGE_REMOVE:
        w->t.revoked = true;
        t->revoked = true;
        if (id->hooks.ended)
            id->hooks.ended(id->arg, w->store, w->terminal, "revoked");
        break;
    case POS_CHANGE_ROTATE:
        w->t.rotate = true;
        break;
    case POS_CHANGE_ROLE:
        w->t.role = w->role;
        break;
    }
    if (w->change == POS_CHANGE_REMOVE) {
        (void)snprintf(key, sizeof key, "terminal/%s/%s", w->store, w->terminal);
        if (!plan_put(w, strdup("{}"), key))
            return plan_no_memory(w);
        (void)snprintf(key, sizeof key, "store/%s", w->store);
        return plan_put(w, pos_terminals_write_store(id->terminals, w->store, NULL, w->terminal), key) ||
               plan_no_memory(w);
    }
    return plan_terminal(w) || plan_no_memory(w);
}

/* A secret whose page has room: the hash chooses the page, so another secret means another page. */
static bool invite_secret(struct pos_write *w)
{
    unsigned i;

    for (i = 0; i < 64; i++) {
        uint8_t id[8];

        if (RAND_bytes(w->secret, sizeof w->secret) != 1 || RAND_bytes(id, sizeof id) != 1)
            return false;
        pos_secret_hash(w->secret, w->e.hash);
        memcpy(w->e.id, "enr_", 4);
        pos_ca_hex(id, sizeof id, w->e.id + 4);
        if (pos_enrollments_on_page(&w->id->enrollments, pos_enrollment_page(&w->e)) <
            POS_ENROLLMENT_PAGE_MAX)
            return true;
    }
    return false;
}

static bool plan_invite(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    const struct pos_store_of *s = pos_terminals_store(id->terminals, w->store);
    const struct pos_enrollment *old;
    unsigned page;

    pos_enrollments_expire(&id->enrollments, pos_id_now(id));
    if (s && s->terminals >= POS_STORE_TERMINALS &&
        !pos_terminals_find(id->terminals, w->store, w->terminal)) {
        answer_operator(w, 409, "conflict", "this store has as many terminals as it may; remove some", NULL);
        return false;
    }
    if (!invite_secret(w)) {
        answer_operator(w, 503, "try_later",
                        "there are too many open codes; wait until some are used or over", NULL);
        return false;
    }
    strcpy(w->e.store, w->store);
    strcpy(w->e.terminal, w->terminal);
    strcpy(w->e.by, w->by);
    w->e.role = w->role;
    w->e.created_us = pos_id_now(id);
    w->e.expires_us = w->e.created_us + w->lifetime_us;
    /* The code before for the same terminal is over. */
    old = pos_enrollments_of(&id->enrollments, w->store, w->terminal);
    page = pos_enrollment_page(&w->e);
    if (old && pos_enrollment_page(old) != page &&
        !plan_enrollments(w, pos_enrollment_page(old), NULL, old->id))
        return plan_no_memory(w);
    if (old)
        strcpy(w->enrollment, old->id);
    return plan_enrollments(w, page, &w->e, old ? old->id : NULL) || plan_no_memory(w);
}

static bool plan_uninvite(struct pos_write *w)
{
    const struct pos_enrollment *e = pos_enrollments_by_id(&w->id->enrollments, w->enrollment);

    if (!e) {
        answer_operator(w, 404, "not_found", "there is no such code", NULL);
        return false;
    }
    w->e = *e;
    strcpy(w->store, e->store);
    strcpy(w->terminal, e->terminal);
    return plan_enrollments(w, pos_enrollment_page(e), NULL, e->id) || plan_no_memory(w);
}

/* ---- when it is on disk
 * -------------------------------------------------------------------------------------- */

static void done_enroll(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    const struct pos_terminal *before = pos_terminals_find(id->terminals, w->store, w->terminal);
    bool replaced =
        before && !before->revoked && memcmp(before->now.key, w->t.now.key, sizeof w->t.now.key) != 0;
    cJSON *result = write_certificate(w);

    if (!result || !pos_terminals_set(id->terminals, &w->t)) {
        cJSON_Delete(result);
        write_failed(w, HILO_NOMEM);
        return;
    }
    if (replaced && id->hooks.ended)
        id->hooks.ended(id->arg, w->store, w->terminal, "replaced");
    pos_id_log(id, HILO_LOG_INFO, "pos.enrolled store=%s terminal=%s role=%s serial=%s address=%s by=%s",
               w->store, w->terminal, pos_role_name(w->t.role), w->t.now.serial, w->address, w->t.changed_by);
    answer_method(w, 0, NULL, NULL, 0, result);
}

static void done_renew(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    cJSON *result = write_certificate(w);

    if (!result || !pos_terminals_set(id->terminals, &w->t)) {
        cJSON_Delete(result);
        write_failed(w, HILO_NOMEM);
        return;
    }
    pos_id_log(id, HILO_LOG_INFO, "pos.renewed store=%s terminal=%s serial=%s by=%s/%s", w->store,
               w->terminal, w->issued.serial, w->store, w->terminal);
    answer_method(w, 0, NULL, NULL, 0, result);
}

static cJSON *terminal_body(struct pos_write *w)
{
    cJSON *body = pos_terminal_shape(&w->t, pos_id_now(w->id));

    if (body && w->id->hooks.describe)
        w->id->hooks.describe(w->id->arg, w->store, w->terminal, body);
    return body;
}

static void done_change(struct pos_write *w)
{
    static const char *const events[] = {"pos.revoked", "pos.rotate", "pos.role", "pos.removed"};
    struct pos_identity *id = w->id;
    struct pos_terminal *t = pos_terminals_find(id->terminals, w->store, w->terminal);

    w->t.seen_us = t->seen_us;
    /* What a handshake has promoted meanwhile stays promoted. */
    w->t.now = t->now;
    w->t.next = t->next;
    *t = w->t;
    pos_id_log(id, HILO_LOG_INFO, "%s store=%s terminal=%s role=%s by=%s", events[w->change], w->store,
               w->terminal, pos_role_name(w->t.role), w->by);
    if (w->change == POS_CHANGE_ROTATE && id->hooks.rotate)
        id->hooks.rotate(id->arg, w->store, w->terminal);
    if (w->change == POS_CHANGE_ROLE && id->hooks.role_changed)
        id->hooks.role_changed(id->arg, w->store, w->terminal, w->t.role);
    if (w->change == POS_CHANGE_REMOVE) {
        pos_terminals_remove(id->terminals, w->store, w->terminal);
        answer_operator(w, 204, NULL, NULL, NULL);
        return;
    }
    answer_operator(w, 200, NULL, NULL, terminal_body(w));
}

static void done_invite(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    struct pos_code code = {.port = 0};
    char text[POS_CODE_TEXT_MAX];
    uint8_t digest[POS_CA_KEY];
    cJSON *body = pos_enrollment_shape(&w->e);

    if (w->enrollment[0])
        pos_enrollments_drop(&id->enrollments, w->enrollment);
    memcpy(code.secret, w->secret, sizeof code.secret);
    if (!pos_enrollments_add(&id->enrollments, &w->e) || !body || !pos_ca_key_of(pos_id_anchor(id), digest)) {
        cJSON_Delete(body);
        write_failed(w, HILO_NOMEM);
        return;
    }
    memcpy(code.fingerprint, digest, sizeof code.fingerprint);
    if (!pos_id_address(id, code.host, &code.port) || pos_code_write(&code, text) != HILO_OK) {
        cJSON_Delete(body);
        answer_operator(
            w, 409, "conflict",
            "the channel's options say no address that terminals could reach: give address or names", NULL);
        return;
    }
    pos_id_log(id, HILO_LOG_INFO, "pos.code store=%s terminal=%s role=%s enrollment=%s by=%s", w->store,
               w->terminal, pos_role_name(w->e.role), w->e.id, w->by);
    if (!cJSON_AddStringToObject(body, "code", text)) {
        cJSON_Delete(body);
        write_failed(w, HILO_NOMEM);
        return;
    }
    OPENSSL_cleanse(&code, sizeof code);
    answer_operator(w, 201, NULL, NULL, body);
}

static void done_uninvite(struct pos_write *w)
{
    pos_enrollments_drop(&w->id->enrollments, w->enrollment);
    pos_id_log(w->id, HILO_LOG_INFO, "pos.code_withdrawn store=%s terminal=%s enrollment=%s by=%s", w->store,
               w->terminal, w->enrollment, w->by);
    answer_operator(w, 204, NULL, NULL, NULL);
}

/* ---- one after the other
 * ---------------------------------------------------------------------------------------- */

static void write_run(struct pos_identity *id);
static bool write_put(struct pos_write *w);

static void write_next(struct pos_identity *id)
{
    struct pos_write *w = id->writes;

    id->writes = w->next;
    if (!id->writes)
        id->writes_tail = &id->writes;
    write_free(w);
    write_run(id);
}

static void write_done(struct pos_write *w)
{
    switch (w->kind) {
    case WRITE_ENROLL:
        done_enroll(w);
        break;
    case WRITE_RENEW:
        done_renew(w);
        break;
    case WRITE_PROMOTE:
        break;
    case WRITE_CHANGE:
        done_change(w);
        break;
    case WRITE_INVITE:
        done_invite(w);
        break;
    case WRITE_UNINVITE:
        done_uninvite(w);
        break;
    }
}

static void write_was_put(void *arg, int32_t code, struct hilo_str val)
{
    struct pos_write *w = arg;
    struct pos_identity *id = w->id;
    struct pos_enrollment *e;

    (void)val;
    if (code != HILO_OK) {
        write_failed(w, code);
        write_next(id);
        return;
    }
    if (w->kind == WRITE_ENROLL && w->at == 0 && (e = pos_enrollments_by_id(&id->enrollments, w->e.id)))
        *e = w->e;
    w->at++;
    if (w->at < w->n_put) {
        if (!write_put(w))
            write_next(id);
        return;
    }
    write_done(w);
    write_next(id);
}

/* false: it was answered that it can't be. */
static bool write_put(struct pos_write *w)
{
    const struct write_put *p = &w->put[w->at];
    int32_t rc = pos_kv_put(w->id->kv, p->key, pos_id_str(p->val), write_was_put, w);

    if (rc != HILO_OK)
        write_failed(w, rc);
    return rc == HILO_OK;
}

static bool write_plan(struct pos_write *w)
{
    switch (w->kind) {
    case WRITE_ENROLL:
        return plan_enroll(w);
    case WRITE_RENEW:
        return plan_renew(w);
    case WRITE_PROMOTE:
        return plan_promote(w);
    case WRITE_CHANGE:
        return plan_change(w);
    case WRITE_INVITE:
        return plan_invite(w);
    case WRITE_UNINVITE:
        return plan_uninvite(w);
    }
    return false;
}

/* Begins the first one; those that are answered at once are passed. */
static void write_run(struct pos_identity *id)
{
    struct pos_write *w;

    while ((w = id->writes) != NULL) {
        if (write_plan(w) && write_put(w))
            return;
        id->writes = w->next;
        if (!id->writes)
            id->writes_tail = &id->writes;
        write_free(w);
    }
}

static void write_queue(struct pos_write *w)
{
    struct pos_identity *id = w->id;
    bool idle = id->writes == NULL;

    *id->writes_tail = w;
    id->writes_tail = &w->next;
    if (idle)
        write_run(id);
}

static struct pos_write *write_new(struct pos_identity *id, enum write_kind kind, const char *store,
                                   const char *terminal)
{
    struct pos_write *w = calloc(1, sizeof *w);

    if (w) {
        w->id = id;
        w->kind = kind;
        (void)snprintf(w->store, sizeof w->store, "%s", store);
        (void)snprintf(w->terminal, sizeof w->terminal, "%s", terminal);
    }
    return w;
}

/* ---- what is asked
 * -------------------------------------------------------------------------------------------------- */

static void method_failed(struct pos_identity *id, uint64_t ref, int32_t error, const char *reason,
                          const char *message)
{
    struct pos_identity_answer a = {error, reason, message, 0, NULL, false};

    id->hooks.answered(id->arg, ref, &a);
}

void pos_identity_enroll(struct pos_identity *id, uint64_t ref, struct hilo_str address, const cJSON *params)
{
    const char *code = pos_json_text(params, "code"), *csr = pos_json_text(params, "csr"), *why;
    struct pos_write *w = write_new(id, WRITE_ENROLL, "", "");
    struct pos_code read;

    if (!w || !code || !csr || !(w->csr = strdup(csr))) {
        if (w)
            write_free(w);
        method_failed(id, ref, -32603, "internal", "no memory");
        return;
    }
    w->ref = ref;
    pos_enroll_address(address, w->address);
    /* A text that is no code is a try, too: it goes the way of a code that nobody has. */
    if (pos_code_read(pos_id_str(code), &read, &why) == HILO_OK)
        memcpy(w->secret, read.secret, sizeof w->secret);
    write_queue(w);
}

void pos_identity_renew(struct pos_identity *id, uint64_t ref, const struct pos_who *who, const cJSON *params)
{
    const char *csr = pos_json_text(params, "csr");
    struct pos_write *w = write_new(id, WRITE_RENEW, who->store, who->terminal);

    if (!w || !csr || !(w->csr = strdup(csr))) {
        if (w)
            write_free(w);
        method_failed(id, ref, -32603, "internal", "no memory");
        return;
    }
    w->ref = ref;
    memcpy(w->key, who->key, sizeof w->key);
    write_queue(w);
}

void pos_id_promote(struct pos_identity *id, const struct pos_terminal *t)
{
    struct pos_write *w = write_new(id, WRITE_PROMOTE, t->store, t->terminal);

    if (w)
        write_queue(w);
    else
        pos_id_log(id, HILO_LOG_ERROR,
                   "pos.registry store=%s terminal=%s note=\"no memory to write its new key\"", t->store,
                   t->terminal);
}

static void operator_failed(struct pos_identity *id, uint64_t request, pos_outcome_fn *answer)
{
    struct pos_outcome o = {503, "try_later", "the gateway has no memory for it now", NULL};

    answer(id, request, &o);
}

void pos_id_change(struct pos_identity *id, enum pos_change change, const char *store, const char *terminal,
                   enum pos_role role, const char *by, uint64_t request, pos_outcome_fn *answer)
{
    struct pos_write *w = write_new(id, WRITE_CHANGE, store, terminal);

    if (!w) {
        operator_failed(id, request, answer);
        return;
    }
    w->change = change;
    w->role = role;
    (void)snprintf(w->by, sizeof w->by, "%s", by);
    w->request = request;
    w->answer = answer;
    write_queue(w);
}

void pos_id_invite(struct pos_identity *id, const char *store, const char *terminal, enum pos_role role,
                   int64_t lifetime_us, const char *by, uint64_t request, pos_outcome_fn *answer)
{
    struct pos_write *w = write_new(id, WRITE_INVITE, store, terminal);

    if (!w) {
        operator_failed(id, request, answer);
        return;
    }
    w->role = role;
    w->lifetime_us = lifetime_us;
    (void)snprintf(w->by, sizeof w->by, "%s", by);
    w->request = request;
    w->answer = answer;
    write_queue(w);
}

void pos_id_uninvite(struct pos_identity *id, const char *enrollment, const char *by, uint64_t request,
                     pos_outcome_fn *answer)
{
    struct pos_write *w = write_new(id, WRITE_UNINVITE, "", "");

    if (!w) {
        operator_failed(id, request, answer);
        return;
    }
    (void)snprintf(w->enrollment, sizeof w->enrollment, "%s", enrollment);
    (void)snprintf(w->by, sizeof w->by, "%s", by);
    w->request = request;
    w->answer = answer;
    write_queue(w);
}
