/*
 * Life of the identity: options, the authority, the server's certificate, and reading the registry at the
 * start. It is ready when all was read; a registry that was read in part would refuse terminals that are
 * good, so then it begins again a second later. SPDX-License-Identifier: Apache-2.0
 */
#include "identity_impl.h"
#include "json.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMER_TICK = 0, TIMER_RETRY = 1, TRIES_PLACES = 4096 };
#define TICK_US   (INT64_C(3600) * 1000000)
#define RETRY_US  (INT64_C(1000) * 1000)
#define LINK_US   (INT64_C(20) * 1000)
#define SERVER_US (90 * POS_DAY_US)
#define WARN_US   (14 * POS_DAY_US)
#define NO_STR    ((struct hilo_str){NULL, 0})

void pos_id_log(struct pos_identity *id, int32_t level, const char *format, ...)
{
    char line[512];
    va_list ap;
    char *p;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    for (p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    id->host->log(id->self, level, pos_id_str(line));
}

/* ---- options --------------------------------------------------------------------------------------------
 */

/* "host", "host:port", "[::1]:port", "::1". */
static bool address_read(struct hilo_str s, struct hilo_str *host_out, uint16_t *port)
{
    const char *colon = NULL, *end = s.p + s.n;
    unsigned long v = 0;
    uint64_t i;

    if (s.n > 0 && s.p[0] == '[') {
        const char *close = memchr(s.p, ']', s.n);

        if (!close)
            return false;
        *host_out = (struct hilo_str){s.p + 1, (uint64_t)(close - s.p) - 1};
        if (close + 1 < end && close[1] != ':')
            return false;
        colon = close + 1 < end ? close + 1 : NULL;
    } else {
        const char *first = s.n ? memchr(s.p, ':', s.n) : NULL;

        if (first && !memchr(first + 1, ':', (size_t)(end - first - 1)))
            colon = first;
        *host_out = (struct hilo_str){s.p, colon ? (uint64_t)(colon - s.p) : s.n};
    }
    if (!colon)
        return pos_ca_name_good(*host_out);
    s = (struct hilo_str){colon + 1, (uint64_t)(end - colon) - 1};
    for (i = 0; i < s.n && i < 6; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (unsigned long)(s.p[i] - '0');
    }
    if (s.n == 0 || v == 0 || v > 65535)
        return false;
    *port = (uint16_t)v;
    return pos_ca_name_good(*host_out);
}

const char *pos_identity_wrong_option(const struct pos_identity_conf *c)
{
    struct hilo_str rest = c->names, one;
    struct pos_pair pair;
    char why[POS_CA_WORDS];
    uint16_t port;

    if ((c->ca_cert.n == 0) != (c->ca_key.n == 0))
        return "ca_cert and ca_key belong together: give both, or neither for the gateway's own CA";
    if ((c->tls_cert.n == 0) != (c->tls_key.n == 0))
        return "tls_cert and tls_key belong together: give both, or neither and names";
    if (c->ca_cert.n) {
        if (pos_pair_read(c->ca_cert, c->ca_key, &pair, why) != HILO_OK)
            return "ca_cert and ca_key are no certificate in PEM and its key, without a pass phrase";
        pos_pair_done(&pair);
    }
    if (c->tls_cert.n) {
        if (pos_pair_read(c->tls_cert, c->tls_key, &pair, why) != HILO_OK)
            return "tls_cert and tls_key are no certificate in PEM and its key, without a pass phrase";
        pos_pair_done(&pair);
    }
    while (pos_ca_name_next(&rest, &one))
        if (!pos_ca_name_good(one))
            return "names has one that is neither a DNS name nor an address; separate them by commas";
    rest = c->names;
    if (!pos_ca_name_next(&rest, &one)) {
        if (!c->tls_cert.n)
            return "names says no name by which terminals reach the gateway; give one, or tls_cert and "
                   "tls_key";
        if (!c->address.n)
            return "address says no name by which terminals reach the gateway; give it, or names";
    }
    if (c->address.n && !address_read(c->address, &one, &port))
        return "address is no name or address, with or without a port: pos.example:7443";
    return NULL;
}

bool pos_id_address(const struct pos_identity *id, char host[POS_CODE_HOST_MAX + 1], uint16_t *port_out)
{
    struct hilo_str one = {NULL, 0}, rest = id->conf.names;

    *port_out = (uint16_t)id->conf.port;
    if (id->conf.address.n) {
        if (!address_read(id->conf.address, &one, port_out))
            return false;
    } else if (!pos_ca_name_next(&rest, &one)) {
        return false;
    }
    return (size_t)snprintf(host, POS_CODE_HOST_MAX + 1, "%.*s", (int)one.n, one.p) <= POS_CODE_HOST_MAX;
}

/* ---- certificates
 * ------------------------------------------------------------------------------------------ */

X509 *pos_id_anchor(const struct pos_identity *id)
{
    int n = sk_X509_num(id->server.above);

    if (id->own_server)
        return id->ca.cert;
    return n > 0 ? sk_X509_value(id->server.above, n - 1) : id->server.cert;
}

char *pos_id_bundle(const struct pos_identity *id)
{
    char *ca = pos_ca_pem(id->ca.cert), *anchor, *both;
    size_t n;

    if (!ca || X509_cmp(pos_id_anchor(id), id->ca.cert) == 0)
        return ca;
    anchor = pos_ca_pem(pos_id_anchor(id));
    n = anchor ? strlen(ca) + strlen(anchor) + 1 : 0;
    both = anchor ? malloc(n) : NULL;
    if (both)
        (void)snprintf(both, n, "%s%s", ca, anchor);
    free(ca);
    free(anchor);
    return both;
}

/* The server's certificate by these options; id->ca is there. */
static int32_t server_make(struct pos_identity *id, const struct pos_identity_conf *conf,
                           struct pos_pair *out, char why[POS_WORDS])
{
    char words[POS_CA_WORDS] = "no memory";
    int32_t rc;

    if (conf->tls_cert.n) {
        rc = pos_pair_read(conf->tls_cert, conf->tls_key, out, words);
        if (rc == HILO_OK && pos_ca_ends(out->cert) <= pos_id_now(id)) {
            pos_pair_done(out);
            rc = HILO_CONFIG;
            (void)snprintf(words, sizeof words, "has expired; give another one");
        }
        if (rc != HILO_OK)
            (void)snprintf(why, POS_WORDS, "tls_cert %.200s", words);
        return rc;
    }
    rc = pos_ca_server(&id->ca, conf->names, pos_id_now(id), SERVER_US, out, words);
    if (rc != HILO_OK)
        (void)snprintf(why, POS_WORDS, "names: %.200s", words);
    return rc;
}

static void server_take(struct pos_identity *id, struct pos_pair *made, bool own)
{
    bool had = id->server.cert != NULL;

    pos_pair_done(&id->server);
    id->server = *made;
    id->own_server = own;
    if (had && id->ready && id->hooks.server_changed)
        id->hooks.server_changed(id->arg);
}

/* Made again when a third of its time is left; of a certificate of the operator's, words every day. */
static void server_look(struct pos_identity *id)
{
    int64_t now = pos_id_now(id), begins = pos_ca_begins(id->server.cert),
            ends = pos_ca_ends(id->server.cert);
    struct pos_pair made = {0};
    char why[POS_WORDS] = "";

    if (id->own_server && ends - now < (ends - begins) / 3) {
        if (server_make(id, &id->conf, &made, why) != HILO_OK) {
            pos_id_log(id, HILO_LOG_ERROR, "pos.certificate note=\"the server's was not renewed: %s\"", why);
            return;
        }
        server_take(id, &made, true);
        pos_id_log(id, HILO_LOG_INFO, "pos.certificate note=\"the server has a new one\"");
    } else if (!id->own_server && ends - now < WARN_US && (now / TICK_US) % 24 == 0) {
        pos_id_log(id, HILO_LOG_WARN,
                   "pos.certificate note=\"tls_cert ends in %d days: give another and reload\"",
                   (int)((ends - now) / POS_DAY_US));
    }
    if (pos_ca_ends(id->ca.cert) - now < id->conf.certificate_lifetime_us && (now / TICK_US) % 24 == 0)
        pos_id_log(
            id, HILO_LOG_WARN,
            "pos.ca note=\"the CA ends in %d days, and certificates with it: give another (ca_cert, ca_key) "
            "and enrol anew\"",
            (int)((pos_ca_ends(id->ca.cert) - now) / POS_DAY_US));
}

static bool trust_make(struct pos_identity *id)
{
    X509_STORE_free(id->trust);
    id->trust = X509_STORE_new();
    /* The CA itself is believed, whoever signed it. */
    return id->trust && X509_STORE_add_cert(id->trust, id->ca.cert) == 1 &&
           X509_STORE_set_flags(id->trust, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

/* ---- life
 * ------------------------------------------------------------------------------------------------------ */

struct pos_identity *pos_identity_new(const struct hilo_host *host, struct hilo_self *self,
                                      const struct pos_identity_conf *conf,
                                      const struct pos_identity_hooks *hooks, void *arg)
{
    struct pos_identity *id = calloc(1, sizeof *id);

    if (!id)
        return NULL;
    id->magic = POS_IDENTITY_MAGIC;
    id->host = host;
    id->self = self;
    id->conf = *conf;
    id->hooks = *hooks;
    id->arg = arg;
    id->writes_tail = &id->writes;
    id->kv = pos_kv_new(host, self, POS_IDENTITY_TOKEN);
    id->terminals = pos_terminals_new();
    id->tries = pos_buckets_new(TRIES_PLACES);
    if (!id->kv || !id->terminals || !id->tries)
        pos_identity_free(&id);
    return id;
}

void pos_identity_free(struct pos_identity **at)
{
    struct pos_identity *id = *at;

    if (!id)
        return;
    pos_kv_free(&id->kv);
    pos_id_writes_free(id);
    pos_terminals_free(&id->terminals);
    pos_enrollments_done(&id->enrollments);
    pos_buckets_free(&id->tries);
    pos_pair_done(&id->ca);
    pos_pair_done(&id->server);
    X509_STORE_free(id->trust);
    if (id->made_ca) {
        OPENSSL_cleanse(id->made_ca, strlen(id->made_ca));
        free(id->made_ca);
    }
    id->magic = 0;
    free(id);
    *at = NULL;
}

/* ---- reading the registry
 * ---------------------------------------------------------------------------------------- */

struct load {
    struct pos_identity *id;
    char store[POS_CA_NAME + 1], terminal[POS_CA_NAME + 1];
};

static void load_finish(struct pos_identity *id);

static void load_get(struct pos_identity *id, const char *key, const char *store, const char *terminal,
                     pos_kv_fn *fn)
{
    struct load *l = calloc(1, sizeof *l);

    if (l) {
        l->id = id;
        (void)snprintf(l->store, sizeof l->store, "%s", store);
        (void)snprintf(l->terminal, sizeof l->terminal, "%s", terminal);
        if (pos_kv_get(id->kv, key, fn, l) == HILO_OK) {
            id->loading++;
            return;
        }
    }
    free(l);
    id->load_failed = true;
}

/* One is answered; true: with a value. What is not there is nothing, all else is a failure. */
static bool load_got(struct load *l, int32_t code)
{
    if (code != HILO_OK && code != HILO_NOTFOUND)
        l->id->load_failed = true;
    return code == HILO_OK;
}

static void load_over(struct load *l)
{
    struct pos_identity *id = l->id;

    free(l);
    if (--id->loading == 0)
        load_finish(id);
}

static void load_terminal(void *arg, int32_t code, struct hilo_str val)
{
    struct load *l = arg;
    struct pos_terminal t;

    if (load_got(l, code)) {
        if (pos_terminal_read(val, l->store, l->terminal, &t)) {
            if (!pos_terminals_set(l->id->terminals, &t))
                l->id->load_failed = true;
        } else if (val.n != 2) { /* "{}": removed */
            pos_id_log(l->id, HILO_LOG_ERROR,
                       "pos.registry store=%s terminal=%s note=\"its record can't be read: enrol it again\"",
                       l->store, l->terminal);
        }
    }
    load_over(l);
}

static bool load_terminal_name(void *arg, const char *name)
{
    const struct load *l = arg;
    char key[2 * POS_CA_NAME + 16];

    (void)snprintf(key, sizeof key, "terminal/%s/%s", l->store, name);
    load_get(l->id, key, l->store, name, load_terminal);
    return true;
}

static void load_store(void *arg, int32_t code, struct hilo_str val)
{
    struct load *l = arg;

    if (load_got(l, code) && !pos_terminals_read_names(val, load_terminal_name, l))
        pos_id_log(l->id, HILO_LOG_ERROR,
                   "pos.registry store=%s note=\"its list of terminals can't be read\"", l->store);
    load_over(l);
}

static bool load_store_name(void *arg, const char *name)
{
    const struct load *l = arg;
    char key[POS_CA_NAME + 16];

    if (!pos_terminals_add_store(l->id->terminals, name, l->id->page)) {
        l->id->load_failed = true;
        return true;
    }
    (void)snprintf(key, sizeof key, "store/%s", name);
    load_get(l->id, key, name, "", load_store);
    return true;
}

static void load_stores(void *arg, int32_t code, struct hilo_str val)
{
    struct load *l = arg;
    char key[32];

    if (load_got(l, code)) {
        if (!pos_terminals_read_names(val, load_store_name, l))
            pos_id_log(l->id, HILO_LOG_ERROR, "pos.registry note=\"a list of stores can't be read\"");
        (void)snprintf(key, sizeof key, "stores/%u", ++l->id->page);
        load_get(l->id, key, "", "", load_stores);
    }
    load_over(l);
}

static void load_enrollments(void *arg, int32_t code, struct hilo_str val)
{
    struct load *l = arg;

    if (load_got(l, code) && !pos_enrollments_read(val, &l->id->enrollments))
        pos_id_log(l->id, HILO_LOG_ERROR, "pos.registry note=\"open codes can't be read: make new ones\"");
    load_over(l);
}

static void start_failed(struct pos_identity *id, int32_t code, const char *why)
{
    id->hooks.ready(id->arg, code, why);
}

/* The authority is there: what is made of it, and the registry. */
static void load_registry(struct pos_identity *id)
{
    struct pos_pair made = {0};
    char why[POS_WORDS] = "OpenSSL can't begin", key[32];
    unsigned i;
    int32_t rc;

    rc = trust_make(id) ? server_make(id, &id->conf, &made, why) : HILO_NOMEM;
    if (rc != HILO_OK) {
        start_failed(id, rc == HILO_CONFIG ? HILO_CONFIG : HILO_TEMP, why);
        if (rc != HILO_CONFIG)
            (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY,
                                  id->host->mono_us(id->self) + RETRY_US);
        return;
    }
    server_take(id, &made, id->conf.tls_cert.n == 0);
    id->loading = 1; /* this function */
    id->load_failed = false;
    id->page = 1;
    load_get(id, "stores", "", "", load_stores);
    for (i = 0; i < POS_ENROLLMENT_PAGES; i++) {
        (void)snprintf(key, sizeof key, "enrollments/%u", i);
        load_get(id, key, "", "", load_enrollments);
    }
    if (--id->loading == 0)
        load_finish(id);
}

static void load_finish(struct pos_identity *id)
{
    int64_t now = id->host->mono_us(id->self);

    if (id->load_failed) {
        pos_terminals_free(&id->terminals);
        pos_enrollments_done(&id->enrollments);
        id->terminals = pos_terminals_new();
        (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY, now + RETRY_US);
        start_failed(id, HILO_TEMP, "the registry of terminals can't be read now");
        return;
    }
    pos_enrollments_expire(&id->enrollments, pos_id_now(id));
    id->ready = true;
    (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_TICK, now + TICK_US);
    id->hooks.ready(id->arg, HILO_OK, "");
}

/* ---- the authority
 * --------------------------------------------------------------------------------------------------- */

static void ca_was_put(void *arg, int32_t code, struct hilo_str val)
{
    struct pos_identity *id = arg;

    (void)val;
    id->asking = false;
    OPENSSL_cleanse(id->made_ca, strlen(id->made_ca));
    free(id->made_ca);
    id->made_ca = NULL;
    if (code != HILO_OK) {
        /* One that is not on disk must sign nothing. */
        pos_pair_done(&id->ca);
        (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY,
                              id->host->mono_us(id->self) + RETRY_US);
        start_failed(id, HILO_TEMP,
                     code == HILO_FULL ? "the disk is full: its own CA can't be kept"
                                       : "its own CA can't be kept now");
        return;
    }
    pos_id_log(id, HILO_LOG_INFO, "pos.ca note=\"made; its key is in the store and its backups\"");
    load_registry(id);
}

static void ca_create(struct pos_identity *id)
{
    struct hilo_str channel = id->host->channel(id->self);
    cJSON *json = cJSON_CreateObject();
    char *cert = NULL, *key = NULL, label[64];
    bool whole = false;

    (void)snprintf(label, sizeof label, "%.*s", (int)(channel.n < 60 ? channel.n : 60), channel.p);
    if (pos_ca_make(label, pos_id_now(id), &id->ca) == HILO_OK) {
        cert = pos_ca_pem(id->ca.cert);
        key = pos_ca_key_pem(id->ca.key);
        whole = cert && key && cJSON_AddStringToObject(json, "certificate", cert) &&
                cJSON_AddStringToObject(json, "key", key) &&
                cJSON_AddNumberToObject(json, "made", (double)pos_id_now(id));
        id->made_ca = whole ? cJSON_PrintUnformatted(json) : NULL;
    }
    if (key)
        OPENSSL_cleanse(key, strlen(key));
    free(cert);
    free(key);
    cJSON_Delete(json);
    id->asking = id->made_ca && pos_kv_put(id->kv, "ca", pos_id_str(id->made_ca), ca_was_put, id) == HILO_OK;
    if (!id->asking) {
        pos_pair_done(&id->ca);
        free(id->made_ca);
        id->made_ca = NULL;
        start_failed(id, HILO_TEMP, "OpenSSL made no CA: no memory");
        (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY,
                              id->host->mono_us(id->self) + RETRY_US);
    }
}

static void ca_was_read(void *arg, int32_t code, struct hilo_str val)
{
    struct pos_identity *id = arg;
    char why[POS_CA_WORDS] = "is not there", words[POS_WORDS];
    const char *cert, *key;
    cJSON *json;
    int32_t rc = HILO_CONFIG;

    id->asking = false;
    if (code == HILO_NOTFOUND) {
        ca_create(id);
        return;
    }
    if (code != HILO_OK) {
        (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY,
                              id->host->mono_us(id->self) + RETRY_US);
        start_failed(id, HILO_TEMP, "its CA can't be read now");
        return;
    }
    json = cJSON_ParseWithLength(val.p, val.n);
    cert = pos_json_text(json, "certificate");
    key = pos_json_text(json, "key");
    if (cert && key)
        rc = pos_pair_read(pos_id_str(cert), pos_id_str(key), &id->ca, why);
    cJSON_Delete(json);
    if (rc == HILO_OK && (rc = pos_ca_check(&id->ca, pos_id_now(id), why)) != HILO_OK)
        pos_pair_done(&id->ca);
    if (rc != HILO_OK) {
        (void)snprintf(words, sizeof words,
                       "the CA that is kept in the store %.150s; give one by ca_cert and ca_key", why);
        start_failed(id, HILO_CONFIG, words);
        return;
    }
    load_registry(id);
}

void pos_identity_start(struct pos_identity *id)
{
    char why[POS_CA_WORDS] = "", words[POS_WORDS];
    int32_t rc;

    pos_pair_done(&id->ca);
    if (id->conf.ca_cert.n == 0) {
        id->asking = pos_kv_get(id->kv, "ca", ca_was_read, id) == HILO_OK;
        if (!id->asking) {
            start_failed(id, HILO_TEMP, "no memory");
            (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY,
                                  id->host->mono_us(id->self) + RETRY_US);
        }
        if (pos_kv_waits(id->kv))
            (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY,
                                  id->host->mono_us(id->self) + LINK_US);
        return;
    }
    rc = pos_pair_read(id->conf.ca_cert, id->conf.ca_key, &id->ca, why);
    if (rc == HILO_OK && (rc = pos_ca_check(&id->ca, pos_id_now(id), why)) != HILO_OK)
        pos_pair_done(&id->ca);
    if (rc != HILO_OK) {
        (void)snprintf(words, sizeof words, "ca_cert %.200s", why);
        start_failed(id, HILO_CONFIG, words);
        return;
    }
    load_registry(id);
}

int32_t pos_identity_reconfigure(struct pos_identity *id, const struct pos_identity_conf *conf,
                                 char why[POS_WORDS])
{
    const char *wrong = pos_identity_wrong_option(conf);
    struct pos_pair made = {0};
    int32_t rc;

    if (wrong) {
        (void)snprintf(why, POS_WORDS, "%s", wrong);
        return HILO_CONFIG;
    }
    if (id->ready) {
        rc = server_make(id, conf, &made, why);
        if (rc != HILO_OK)
            return HILO_CONFIG;
        server_take(id, &made, conf->tls_cert.n == 0);
    }
    id->conf = *conf;
    return HILO_OK;
}

/* ---- what comes
 * ---------------------------------------------------------------------------------------------------------
 */

/* Whatever was asked may have met a full link. */
static void link_look(struct pos_identity *id)
{
    if (pos_kv_waits(id->kv))
        (void)id->host->timer(id->self, POS_IDENTITY_TIMER | TIMER_RETRY,
                              id->host->mono_us(id->self) + LINK_US);
}

bool pos_identity_on_context(struct pos_identity *id, uint64_t token, int32_t code, struct hilo_str val,
                             uint64_t version)
{
    (void)version; /* nobody else writes these keys */
    if (!pos_kv_on_context(id->kv, token, code, val))
        return false;
    pos_kv_push(id->kv);
    link_look(id);
    return true;
}

bool pos_identity_on_timer(struct pos_identity *id, uint32_t timer)
{
    if ((timer & ~UINT32_C(0xff)) != POS_IDENTITY_TIMER)
        return false;
    if ((timer & 0xff) == TIMER_TICK) {
        pos_enrollments_expire(&id->enrollments, pos_id_now(id));
        server_look(id);
        (void)id->host->timer(id->self, timer, id->host->mono_us(id->self) + TICK_US);
        return true;
    }
    pos_kv_push(id->kv);
    if (pos_kv_waits(id->kv))
        link_look(id);
    else if (!id->ready && id->loading == 0 && !id->asking)
        pos_identity_start(id);
    return true;
}

void pos_identity_woken(struct pos_identity *id)
{
    pos_kv_push(id->kv);
    link_look(id);
}
