/* The handle: opening and closing it, and what an application asks of it. hilotill.h says what each does. */
#include "handle.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- open and close ---------------------------------------------------------------------------------- */

/* Goes on while the machine sleeps: so do the gateway's clock and its patience. */
static int64_t api__clock(void *arg)
{
    struct timespec ts;

    (void)arg;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint32_t api__random(void)
{
    char id[HILOTILL_ID];

    till_uuid(id);
    id[8] = 0;
    return (uint32_t)strtoul(id, NULL, 16);
}

static int api__nomem(bool spanish, struct hilotill_error *e)
{
    return till_fail(e, HILOTILL_ENOMEM, TILL_SAY(spanish, "out of memory", "no hay memoria suficiente"));
}

static int api__folder(bool spanish, const char *folder, struct hilotill_error *e)
{
    struct stat st;

    if ((mkdir(folder, 0700) != 0 && errno != EEXIST) || stat(folder, &st) != 0 || !S_ISDIR(st.st_mode) ||
        access(folder, R_OK | W_OK | X_OK) != 0)
        return till_fail(
            e, errno == ENOSPC ? HILOTILL_EFULL : HILOTILL_EDISK,
            TILL_SAY(spanish, "the folder %s can't be used: %s", "no se puede usar la carpeta %s: %s"),
            folder, strerror(errno ? errno : ENOTDIR));
    if (st.st_mode & 077 && chmod(folder, 0700) != 0)
        return till_fail(e, HILOTILL_EDISK,
                         TILL_SAY(spanish, "the folder %s is open to others: chmod 700 it",
                                  "la carpeta %s está abierta a otros: use chmod 700"),
                         folder);
    return HILOTILL_OK;
}

static char *api__copy(const char *s, bool *ok)
{
    char *copy = s ? strdup(s) : NULL;

    if (s && !copy)
        *ok = false;
    return copy;
}

static int api__options(struct hilotill *t, const struct hilotill_options *o, struct hilotill_error *e)
{
    char host[254];
    uint16_t port;
    bool ok = true;

    memcpy(&t->o, o, o->size < sizeof t->o ? o->size : sizeof t->o);
    if (!t->o.folder || !t->o.folder[0] || strlen(t->o.folder) > 3000 || !t->o.software ||
        !t->o.software[0] || strlen(t->o.software) > 64)
        return till_fail(e, HILOTILL_EARG, "options: folder and software (at most 64 bytes) are required");
    t->spanish = t->o.language && strncmp(t->o.language, "es", 2) == 0;
    if (t->o.host && !till_host_read(t->o.host, host, &port))
        return till_fail(e, HILOTILL_EARG,
                         TILL_SAY(t->spanish, "\"%s\" is no host: write name, address, or name:port",
                                  "\"%s\" no es un equipo: escriba nombre, dirección o nombre:puerto"),
                         t->o.host);
    t->folder = api__copy(t->o.folder, &ok);
    t->software = api__copy(t->o.software, &ok);
    t->host_option = api__copy(t->o.host, &ok);
    t->capabilities = api__copy(t->o.capabilities, &ok);
    t->language = api__copy(t->o.language ? t->o.language : "en", &ok);
    t->o.queue_max = t->o.queue_max ? t->o.queue_max : 10000;
    t->o.cache_max = t->o.cache_max ? t->o.cache_max : 500;
    t->o.cache_hours = t->o.cache_hours ? t->o.cache_hours : 24;
    t->o.backoff_first_ms = t->o.backoff_first_ms ? t->o.backoff_first_ms : 1000;
    t->o.backoff_max_ms = t->o.backoff_max_ms ? t->o.backoff_max_ms : 60000;
    return ok ? HILOTILL_OK : api__nomem(t->spanish, e);
}

int hilotill_open(const struct hilotill_options *o, struct hilotill **out, struct hilotill_error *e)
{
    struct hilotill *t = NULL;
    int rc;

    if (!o || !out || o->size < offsetof(struct hilotill_options, host))
        return till_fail(e, HILOTILL_EARG, "options: size is sizeof(struct hilotill_options)");
    if (!(t = calloc(1, sizeof *t)))
        return api__nomem(false, e);
    t->magic = HANDLE_MAGIC;
    t->epfd = -1;
    t->clock = api__clock;
    t->random = api__random;
    t->window = OUTBOX_WINDOW;
    if ((rc = api__options(t, o, e)) != HILOTILL_OK ||
        (rc = api__folder(t->spanish, t->folder, e)) != HILOTILL_OK ||
        (rc = till_store_open(t->folder, t->spanish, &t->store, e)) != HILOTILL_OK ||
        (rc = till_store_count(t->store, &t->waiting, &t->refused, e)) != HILOTILL_OK)
        goto out;
    rc = till_identity_load(t->folder, t->spanish, &t->id, e);
    if (rc != HILOTILL_OK && rc != HILOTILL_ENOTENROLLED)
        goto out;
    t->enrolled = rc == HILOTILL_OK;
    t->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (t->epfd < 0) {
        rc = api__nomem(t->spanish, e);
        goto out;
    }
    *out = t;
    t = NULL;
    rc = HILOTILL_OK;
out:
    hilotill_close(&t);
    return rc;
}

void hilotill_close(struct hilotill **pt)
{
    struct hilotill *t = pt ? *pt : NULL;
    size_t i;

    if (!t)
        return;
    till_line_free(&t->line);
    for (i = 0; i < t->n_calls; i++)
        free(t->calls[i].key);
    SSL_SESSION_free(t->session);
    SSL_CTX_free(t->ctx);
    EVP_PKEY_free(t->renew_key);
    EVP_PKEY_free(t->enroll_key);
    free(t->code);
    till_identity_done(&t->id);
    till_store_close(&t->store);
    if (t->epfd >= 0)
        close(t->epfd);
    free(t->folder);
    free(t->software);
    free(t->host_option);
    free(t->capabilities);
    free(t->language);
    free(t->lent);
    t->magic = 0;
    free(t);
    *pt = NULL;
}

/* ---- the loop --------------------------------------------------------------------------------------------
 */

int hilotill_fd(const struct hilotill *t)
{
    return t->epfd;
}

int hilotill_timeout(const struct hilotill *t)
{
    int64_t next = till_next_ms(t), ms = next - till_now(t);

    return next == INT64_MAX ? -1 : ms <= 0 ? 0 : ms > 3600000 ? 3600000 : (int)ms;
}

void hilotill_run(struct hilotill *t)
{
    struct hilotill_status s;

    if (t->in_run)
        return;
    t->in_run = true;
    till_step(t);
    if (t->changed) {
        t->changed = false;
        hilotill_status(t, &s);
        if (t->o.on_change)
            t->o.on_change(t->o.arg, &s);
    }
    t->in_run = false;
}

void hilotill_status(const struct hilotill *t, struct hilotill_status *out)
{
    int64_t wait = t->retry_at - till_now(t);

    *out = (struct hilotill_status){
        .line = t->state,
        .waiting = t->waiting,
        .refused = t->refused,
        .queue_max = t->o.queue_max,
        .store = t->id.store,
        .terminal = t->id.terminal,
        .role = t->role,
        .country = t->country,
        .host = t->name[0]   ? t->name
                : t->id.host ? t->id.host
                             : "",
        .reason = t->reason,
        .retry_in_ms = t->state == HILOTILL_WAITING && wait > 0 ? wait : 0,
        .clock_behind_ms = t->behind_ms,
        .certificate_ends = t->id.ends,
    };
}

/* ---- connecting
 * -------------------------------------------------------------------------------------------- */

int hilotill_connect(struct hilotill *t, struct hilotill_error *e)
{
    struct till_identity id = {0};

    if (!t->enrolled) /* says it in its words */
        return till_identity_load(t->folder, t->spanish, &id, e) == HILOTILL_OK
                   ? till_fail(e, HILOTILL_ENOTENROLLED, "open the folder again")
                   : HILOTILL_ENOTENROLLED;
    if (t->wanted)
        return HILOTILL_OK;
    t->wanted = true;
    t->attempt = 0;
    t->retry_at = till_now(t);
    return HILOTILL_OK;
}

void hilotill_hurry(struct hilotill *t)
{
    if (t->line || !t->enrolled)
        return;
    t->wanted = true;
    t->retry_at = till_now(t);
}

void hilotill_disconnect(struct hilotill *t)
{
    t->wanted = false;
    if (t->line)
        t->drop = true;
    else if (t->state == HILOTILL_WAITING) {
        t->state = HILOTILL_OFFLINE;
        t->changed = true;
    }
}

int hilotill_set_clerk(struct hilotill *t, const char *clerk, struct hilotill_error *e)
{
    size_t n = clerk ? strlen(clerk) : 0;

    if (n > 64 || !till_utf8(clerk ? clerk : "", n))
        return till_fail(e, HILOTILL_EARG,
                         TILL_SAY(t->spanish, "a clerk's name has at most 64 bytes",
                                  "el nombre de quien atiende tiene 64 bytes a lo sumo"));
    snprintf(t->clerk, sizeof t->clerk, "%s", clerk ? clerk : "");
    return HILOTILL_OK;
}

/* ---- requests
 * ------------------------------------------------------------------------------------------------ */

static int api__method(const struct hilotill *t, const char *method, struct hilotill_error *e)
{
    if (till_method_valid(method))
        return HILOTILL_OK;
    return till_fail(e, HILOTILL_EARG,
                     TILL_SAY(t->spanish, "this is no method's name", "eso no es un nombre de método"));
}

/* What says that two requests ask the same. */
static int api__key(const struct hilotill *t, const char *method, const char *params, char **out,
                    struct hilotill_error *e)
{
    cJSON *o = cJSON_Parse(params ? params : "{}");
    char *text = NULL, *key = NULL;
    size_t n;

    if (!cJSON_IsObject(o)) {
        cJSON_Delete(o);
        return till_fail(e, HILOTILL_EARG,
                         TILL_SAY(t->spanish, "the parameters are no JSON object in UTF-8",
                                  "los parámetros no son un objeto JSON en UTF-8"));
    }
    cJSON_DeleteItemFromObjectCaseSensitive(o, "clerk");
    cJSON_DeleteItemFromObjectCaseSensitive(o, "reason");
    cJSON_DeleteItemFromObjectCaseSensitive(o, "at");
    text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    n = text ? strlen(text) + strlen(method) + 2 : 0;
    if (!text || !(key = malloc(n))) {
        cJSON_free(text);
        return api__nomem(t->spanish, e);
    }
    snprintf(key, n, "%s %s", method, text);
    cJSON_free(text);
    *out = key;
    return HILOTILL_OK;
}

int hilotill_request(struct hilotill *t, const char *method, const char *params, int cache,
                     char id_out[HILOTILL_ID], struct hilotill_error *e)
{
    char *made = NULL, *key = NULL;
    struct till_call *c;
    int rc;

    if ((rc = api__method(t, method, e)) != HILOTILL_OK ||
        (rc = till_params(t->spanish, params, t->clerk, NULL, &made, e)) != HILOTILL_OK)
        goto out;
    if (t->state != HILOTILL_ONLINE || t->drop) {
        rc = till_fail(e, HILOTILL_EOFFLINE,
                       TILL_SAY(t->spanish, "there is no line to the gateway now",
                                "ahora no hay línea con la pasarela"));
        goto out;
    }
    if (t->n_calls == TILL_CALLS_MAX) {
        rc = till_fail(e, HILOTILL_EFULL,
                       TILL_SAY(t->spanish, "64 requests are unanswered: wait",
                                "hay 64 solicitudes sin respuesta: espere"));
        goto out;
    }
    if (cache && (rc = api__key(t, method, params, &key, e)) != HILOTILL_OK)
        goto out;
    c = &t->calls[t->n_calls++];
    *c = (struct till_call){.key = key, .until = till_now(t) + TILL_ANSWER_MS};
    till_uuid(c->id);
    snprintf(c->method, sizeof c->method, "%s", method);
    till_send(t, c->id, method, made);
    if (id_out)
        memcpy(id_out, c->id, HILOTILL_ID);
out:
    cJSON_free(made);
    return rc;
}

int hilotill_cached(struct hilotill *t, const char *method, const char *params, const char **json_out,
                    int64_t *as_of_ms_out, struct hilotill_error *e)
{
    char *key = NULL, *json = NULL;
    int rc;

    if ((rc = api__method(t, method, e)) != HILOTILL_OK ||
        (rc = api__key(t, method, params, &key, e)) != HILOTILL_OK)
        return rc;
    rc = till_store_kept(t->store, key, till_unix_ms(t) - (int64_t)t->o.cache_hours * 3600000, &json,
                         as_of_ms_out, e);
    free(key);
    if (rc != HILOTILL_OK)
        return rc;
    free(t->lent);
    t->lent = json;
    *json_out = json;
    return HILOTILL_OK;
}

int hilotill_queue(struct hilotill *t, const char *method, const char *params, char id_out[HILOTILL_ID],
                   struct hilotill_error *e)
{
    char *made = NULL, id[HILOTILL_ID], at[32];
    int64_t now = till_unix_ms(t);
    int rc;

    till_time(now, at);
    till_uuid(id);
    if ((rc = api__method(t, method, e)) != HILOTILL_OK ||
        (rc = till_params(t->spanish, params, t->clerk, at, &made, e)) != HILOTILL_OK)
        goto out;
    if (t->waiting >= t->o.queue_max) {
        rc = till_fail(
            e, HILOTILL_EFULL,
            TILL_SAY(
                t->spanish,
                "%u operations wait for the line, and no more fit: this one is not kept; see to the line",
                "%u operaciones esperan la línea y no caben más: esta no se guardó; revise la línea"),
            t->waiting);
        goto out;
    }
    if ((rc = till_store_queue(t->store, id, method, made, now, e)) != HILOTILL_OK)
        goto out;
    t->waiting++;
    t->changed = t->due = true;
    if (id_out)
        memcpy(id_out, id, HILOTILL_ID);
out:
    cJSON_free(made);
    return rc;
}

int hilotill_items(struct hilotill *t, int (*each)(void *, const struct hilotill_item *), void *arg,
                   struct hilotill_error *e)
{
    return till_store_items(t->store, each, arg, e);
}

int hilotill_dismiss(struct hilotill *t, const char *id, struct hilotill_error *e)
{
    int rc = till_store_dismiss(t->store, id, e);

    if (rc == HILOTILL_OK)
        till_outbox_count(t);
    return rc;
}

int hilotill_again(struct hilotill *t, const char *id, struct hilotill_error *e)
{
    int rc = till_store_again(t->store, id, e);

    if (rc != HILOTILL_OK)
        return rc;
    till_outbox_count(t);
    t->due = true;
    return rc;
}
