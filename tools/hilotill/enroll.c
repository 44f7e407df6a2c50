/*
 * Getting a certificate: the first one with a code, and the next ones by itself from 30 days before the end.
 * The key of a request is on disk before it is sent, so a lost answer is asked for again with the same key.
 */
#include "handle.h"
#include <openssl/err.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RENEW_LOOK_MS = 6 * 3600 * 1000, RENEW_AGAIN_MS = 600 * 1000 };

static void enroll__use(struct hilotill *t)
{
    struct till_identity id = {0};
    struct hilotill_error e;

    if (till_identity_load(t->folder, t->spanish, &id, &e) != HILOTILL_OK) {
        till_reason(t, e.text);
        return;
    }
    till_identity_done(&t->id);
    t->id = id;
    t->enrolled = true;
    /* The old key's session is not the new one's. */
    SSL_SESSION_free(t->session);
    t->session = NULL;
    SSL_CTX_free(t->ctx);
    t->ctx = NULL;
    t->changed = true;
}

static int enroll__save(struct hilotill *t, EVP_PKEY *key, const char *host, const struct till_frame *f,
                        struct hilotill_error *e)
{
    const cJSON *certificate = cJSON_GetObjectItemCaseSensitive(f->result, "certificate");
    const cJSON *ca = cJSON_GetObjectItemCaseSensitive(f->result, "ca");

    return till_identity_save(t->folder, t->spanish, key,
                              cJSON_IsString(certificate) ? certificate->valuestring : "",
                              cJSON_IsString(ca) ? ca->valuestring : "", host, e);
}

/* {"csr":…,"code":…} */
static char *enroll__params(struct hilotill *t, EVP_PKEY *key, const char *code, struct hilotill_error *e)
{
    cJSON *o = cJSON_CreateObject();
    char *csr = NULL, *params = NULL;

    if (till_identity_csr(t->spanish, key, &csr, e) == HILOTILL_OK &&
        !(o && (!code || cJSON_AddStringToObject(o, "code", code)) &&
          cJSON_AddStringToObject(o, "csr", csr) && (params = cJSON_PrintUnformatted(o))))
        till_fail(e, HILOTILL_ENOMEM, TILL_SAY(t->spanish, "out of memory", "no hay memoria suficiente"));
    free(csr);
    cJSON_Delete(o);
    return params;
}

/* ---- enrolment ---------------------------------------------------------------------------------------- */

static void enroll__done(struct hilotill *t, const struct hilotill_error *e)
{
    free(t->code);
    t->code = NULL;
    EVP_PKEY_free(t->enroll_key);
    t->enroll_key = NULL;
    SSL_CTX_free(t->ctx);
    t->ctx = NULL;
    t->drop = true;
    if (e->code != HILOTILL_OK)
        till_reason(t, e->text);
    else
        till_reason(t, "");
    if (t->o.on_enrolled)
        t->o.on_enrolled(t->o.arg, e);
}

void till_enroll_begin(struct hilotill *t)
{
    struct hilotill_error e;
    char *params = NULL;

    if (till_trust_anchor(t->spanish, till_line_ssl(t->line), t->code->fingerprint, &e) != HILOTILL_OK ||
        till_trust_name(t->spanish, till_line_ssl(t->line), t->host, t->code->host, &e) != HILOTILL_OK ||
        !(params = enroll__params(t, t->enroll_key, t->code->text, &e))) {
        enroll__done(t, &e);
        return;
    }
    till_uuid(t->hello_id);
    till_send(t, t->hello_id, "enroll", params);
    cJSON_free(params);
}

void till_enroll_answer(struct hilotill *t, const struct till_frame *f)
{
    struct hilotill_error e = {HILOTILL_OK, ""};
    char host[sizeof t->code->host + 10];

    if (strcmp(f->id, t->hello_id) != 0)
        return;
    snprintf(host, sizeof host, strchr(t->code->host, ':') ? "[%s]:%u" : "%s:%u", t->code->host,
             t->code->port);
    if (f->code)
        till_fail(&e, HILOTILL_EREFUSED,
                  TILL_SAY(t->spanish,
                           "the gateway refused the code: %s. Ask for a new one (hilo pos enroll)",
                           "la pasarela rechazó el código: %s. Pida uno nuevo (hilo pos enroll)"),
                  f->message);
    else
        enroll__save(t, t->enroll_key, host, f, &e);
    if (e.code == HILOTILL_OK) {
        till_identity_settled(t->folder);
        enroll__use(t);
    }
    enroll__done(t, &e);
}

/* The line ended before the answer. */
void till_enroll_end(struct hilotill *t, const struct hilotill_error *e)
{
    struct hilotill_error said = *e;

    if (said.code == HILOTILL_OK)
        said.code = HILOTILL_ELOST;
    enroll__done(t, &said);
    t->drop = false;
}

int hilotill_enroll(struct hilotill *t, const char *text, struct hilotill_error *e)
{
    struct till_code *code = calloc(1, sizeof *code);
    EVP_PKEY *key = NULL;
    int rc;

    if (!code)
        return till_fail(e, HILOTILL_ENOMEM,
                         TILL_SAY(t->spanish, "out of memory", "no hay memoria suficiente"));
    if (t->code) {
        rc = till_fail(e, HILOTILL_EARG,
                       TILL_SAY(t->spanish, "an enrolment is under way", "ya hay una inscripción en curso"));
        goto out;
    }
    if ((rc = till_code_read(t->spanish, text ? text : "", code, e)) != HILOTILL_OK ||
        (rc = till_identity_pending(t->folder, t->spanish, &key, e)) != HILOTILL_OK)
        goto out;
    SSL_CTX_free(t->ctx);
    t->ctx = NULL;
    t->code = code;
    t->enroll_key = key;
    code = NULL;
    if (t->line)
        t->drop = true; /* of the old identity; the next turn begins the new line */
out:
    free(code);
    return rc;
}

/* ---- renewal --------------------------------------------------------------------------------------------
 */

bool till_identity_use_previous(struct hilotill *t)
{
    if (till_identity_back(t->folder, t->spanish, NULL) != HILOTILL_OK)
        return false;
    enroll__use(t);
    return true;
}

/* Seconds from now until it is to be renewed. */
static int64_t renew__in_s(const struct hilotill *t)
{
    int64_t before = (t->id.ends - t->id.begins) / 3;

    if (before > (int64_t)TILL_RENEW_DAYS * 86400)
        before = (int64_t)TILL_RENEW_DAYS * 86400;
    return t->id.ends - before - till_unix_ms(t) / 1000;
}

void till_renew(struct hilotill *t)
{
    int64_t now = till_now(t), in_s = renew__in_s(t);
    struct hilotill_error e;
    char *params;

    if (now < t->renew_at)
        return;
    if (!t->rotate && in_s > 0) {
        t->renew_at = now + (in_s * 1000 < RENEW_LOOK_MS ? in_s * 1000 : RENEW_LOOK_MS);
        return;
    }
    t->renew_at = now + RENEW_AGAIN_MS;
    EVP_PKEY_free(t->renew_key);
    t->renew_key = NULL;
    if (till_identity_pending(t->folder, t->spanish, &t->renew_key, &e) != HILOTILL_OK ||
        !(params = enroll__params(t, t->renew_key, NULL, &e))) {
        till_reason(t, e.text);
        return;
    }
    till_uuid(t->renew_id);
    till_send(t, t->renew_id, "certificate.renew", params);
    cJSON_free(params);
}

void till_renew_answer(struct hilotill *t, const struct till_frame *f)
{
    struct hilotill_error e = {HILOTILL_OK, ""};

    t->renew_id[0] = 0;
    if (f->code)
        till_fail(
            &e, HILOTILL_EREFUSED,
            TILL_SAY(t->spanish,
                     "the gateway does not renew this till's certificate: %s. Ask who runs the gateway",
                     "la pasarela no renueva el certificado de esta caja: %s. Consulte a quien la opera"),
            f->message);
    else if (till_identity_keep(t->folder, t->spanish, &e) == HILOTILL_OK)
        enroll__save(t, t->renew_key, t->id.host, f, &e);
    if (e.code != HILOTILL_OK) {
        till_reason(t, e.text);
        return;
    }
    /* From the next connection on; this one stands. */
    t->rotate = false;
    t->renew_at = till_now(t);
    enroll__use(t);
}
