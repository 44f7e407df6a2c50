/* The control API under /_sim/ (README.md): configure, be a mobile, look, break. */
#include "sim.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_MAX = 1024 * 1024 };

struct request {
    struct sim *sim;
    struct MHD_Connection *conn;
    const char *method, *path;
    struct sbuf body;
};

bool wait_locked(struct sim *s, int64_t until_us)
{
    const struct timespec t = {until_us / 1000000, until_us % 1000000 * 1000};

    if (s->stopping || now_us() >= until_us)
        return false;
    (void)pthread_cond_timedwait(&s->changed, &s->lock, &t);
    return !s->stopping;
}

static enum MHD_Result reply(struct request *r, unsigned status, cJSON *json)
{
    char *text = must(cJSON_PrintUnformatted(json));
    struct MHD_Response *response =
        must(MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
    enum MHD_Result rc;

    MHD_add_response_header(response, "Content-Type", "application/json");
    rc = MHD_queue_response(r->conn, status, response);
    MHD_destroy_response(response);
    cJSON_Delete(json);
    return rc;
}

static enum MHD_Result wrong(struct request *r, const char *why)
{
    cJSON *e = must(cJSON_CreateObject());

    cJSON_AddStringToObject(e, "error", why);
    return reply(r, 400, e);
}

static enum MHD_Result done(struct request *r)
{
    return reply(r, 200, must(cJSON_CreateObject()));
}

static int64_t query(struct request *r, const char *name, int64_t absent)
{
    const char *v = MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);

    return v ? strtoll(v, NULL, 10) : absent;
}

static int64_t until(struct request *r)
{
    return now_us() + query(r, "wait_ms", 0) * 1000;
}

/* ---- doing ---- */

static enum MHD_Result apply(struct request *r, const cJSON *ask,
                             bool (*to)(struct smsc *, const cJSON *, char why[200]))
{
    char why[200] = "";
    bool ok;

    pthread_mutex_lock(&r->sim->lock);
    clock_set(&r->sim->smsc);
    ok = to(&r->sim->smsc, ask, why);
    net_wake(r->sim);
    pthread_mutex_unlock(&r->sim->lock);
    return ok ? done(r) : wrong(r, why);
}

static enum MHD_Result inbound(struct request *r, const cJSON *ask)
{
    const cJSON *one = cJSON_IsArray(ask) ? ask->child : ask;
    cJSON *out = must(cJSON_CreateObject()), *ids = cJSON_AddArrayToObject(out, "ids");
    char why[200] = "";
    bool ok = one != NULL;

    pthread_mutex_lock(&r->sim->lock);
    clock_set(&r->sim->smsc);
    for (; one && ok; one = cJSON_IsArray(ask) ? one->next : NULL)
        ok = inbound_make(&r->sim->smsc, one, ids, why);
    net_wake(r->sim);
    pthread_mutex_unlock(&r->sim->lock);
    if (ok)
        return reply(r, 200, out);
    cJSON_Delete(out);
    return wrong(r, why);
}

static enum MHD_Result receipt(struct request *r, cJSON *ask)
{
    struct smsc *s = &r->sim->smsc;
    cJSON *id = cJSON_DetachItemFromObjectCaseSensitive(ask, "message"),
          *state = cJSON_DetachItemFromObjectCaseSensitive(ask, "state");
    struct receipts how;
    struct submit *m;
    char why[200] = "message is a message's id, or \"last\"; state a name like DELIVRD";
    bool ok;

    pthread_mutex_lock(&r->sim->lock);
    clock_set(s);
    how = s->conf.receipts;
    m = cJSON_IsString(id) ? submit_find(s, id->valuestring) : NULL;
    ok = m && cJSON_IsString(state) && strlen(state->valuestring) < 16 && receipts_apply(&how, ask, why);
    if (ok)
        receipt_send(s, m, state->valuestring, &how, how.delay_ms * 1000);
    net_wake(r->sim);
    pthread_mutex_unlock(&r->sim->lock);
    cJSON_Delete(id);
    cJSON_Delete(state);
    return ok ? done(r) : wrong(r, why);
}

/* One thing done to a session. False: no such thing. */
static bool act_on(struct session *n, const char *what, const struct sbuf *raw)
{
    static const uint8_t overlong[HEADER] = {0x7f, 0xff, 0xff, 0xff, 0, 0, 0, DELIVER_SM,
                                             0,    0,    0,    0,    0, 0, 0, 1};
    static const char outbind[] = "smsc\0password";

    if (!strcmp(what, "drop"))
        session_end(n, END_CLOSE);
    else if (!strcmp(what, "reset"))
        session_end(n, END_RESET);
    else if (!strcmp(what, "unbind"))
        session_request(n, UNBIND, "", 0);
    else if (!strcmp(what, "enquire_link"))
        session_request(n, ENQUIRE_LINK, "", 0);
    else if (!strcmp(what, "outbind"))
        session_request(n, OUTBIND, outbind, sizeof outbind);
    else if (!strcmp(what, "alert"))
        session_request(n, ALERT_NOTIFICATION,
                        "\1\1"
                        "57300\0"
                        "\1\1"
                        "hilo",
                        15);
    else if (!strcmp(what, "unknown"))
        session_request(n, 0x7777, "", 0);
    else if (!strcmp(what, "overlong"))
        sbuf_add(&n->out, overlong, sizeof overlong);
    else if (!strcmp(what, "raw"))
        sbuf_add(&n->out, raw->p, raw->n);
    else if (!strcmp(what, "split"))
        n->split = true;
    else if (!strcmp(what, "deaf") || !strcmp(what, "hear"))
        n->deaf = what[0] == 'd';
    else
        return false;
    return true;
}

static enum MHD_Result act(struct request *r, const cJSON *ask)
{
    const cJSON *which = cJSON_GetObjectItemCaseSensitive(ask, "session");
    const char *what = member(ask, "do"), *text = member(ask, "hex");
    struct smsc *s = &r->sim->smsc;
    struct sbuf raw = {0};
    unsigned n_done = 0;
    bool ok = what && unhex(text ? text : "", &raw);
    cJSON *out;

    pthread_mutex_lock(&r->sim->lock);
    clock_set(s);
    for (struct session *n = s->sessions; n && ok; n = n->next)
        if (n->end == END_NONE &&
            (!which || (cJSON_IsNumber(which) && (double)n->id == which->valuedouble))) {
            ok = act_on(n, what, &raw);
            n_done++;
        }
    net_wake(r->sim);
    pthread_mutex_unlock(&r->sim->lock);
    free(raw.p);
    if (!ok)
        return wrong(
            r, "do is drop, reset, unbind, enquire_link, outbind, alert, unknown, overlong, raw (with hex), "
               "split, deaf or hear");
    out = must(cJSON_CreateObject());
    cJSON_AddNumberToObject(out, "sessions", n_done);
    return reply(r, 200, out);
}

static enum MHD_Result listening(struct request *r, const cJSON *ask)
{
    const cJSON *on = cJSON_GetObjectItemCaseSensitive(ask, "on");
    bool ok = cJSON_IsBool(on);

    pthread_mutex_lock(&r->sim->lock);
    ok = ok && net_listen(r->sim, cJSON_IsTrue(on));
    net_wake(r->sim);
    pthread_mutex_unlock(&r->sim->lock);
    return ok ? done(r) : wrong(r, "on is true or false, and the port must be free");
}

/* ---- looking ---- */

static void put_hex(cJSON *j, const char *key, const uint8_t *p, size_t n)
{
    char *text = hex(p, n);

    cJSON_AddStringToObject(j, key, text);
    free(text);
}

/* Reads concatenation and national language out of a user data header. */
static void look_into_header(cJSON *j, const uint8_t *p, size_t n, unsigned *shift)
{
    cJSON *c;

    for (size_t i = 0; i + 2 <= n && i + 2 + p[i + 1] <= n; i += 2u + p[i + 1]) {
        const uint8_t *v = p + i + 2;
        if ((p[i] == 0 && p[i + 1] == 3) || (p[i] == 8 && p[i + 1] == 4)) {
            unsigned wide = p[i] == 8;
            c = cJSON_AddObjectToObject(j, "concat");
            cJSON_AddStringToObject(c, "by", wide ? "udh16" : "udh8");
            cJSON_AddNumberToObject(c, "ref", wide ? v[0] << 8 | v[1] : v[0]);
            cJSON_AddNumberToObject(c, "total", v[1 + wide]);
            cJSON_AddNumberToObject(c, "index", v[2 + wide]);
        } else if (p[i] == 0x24 && p[i + 1] == 1) {
            *shift = v[0];
            cJSON_AddNumberToObject(j, "single_shift", v[0]);
        } else if (p[i] == 0x25 && p[i + 1] == 1) {
            cJSON_AddNumberToObject(j, "locking_shift", v[0]);
        }
    }
}

static void look_at_sar(cJSON *j, const struct sm *m)
{
    const struct tlv *ref = sm_tlv(m, TLV_SAR_REF), *total = sm_tlv(m, TLV_SAR_TOTAL),
                     *index = sm_tlv(m, TLV_SAR_INDEX);
    cJSON *c;

    if (!ref || ref->n != 2 || !total || total->n != 1 || !index || index->n != 1)
        return;
    c = cJSON_AddObjectToObject(j, "concat");
    cJSON_AddStringToObject(c, "by", "sar");
    cJSON_AddNumberToObject(c, "ref", ref->p[0] << 8 | ref->p[1]);
    cJSON_AddNumberToObject(c, "total", total->p[0]);
    cJSON_AddNumberToObject(c, "index", index->p[0]);
}

static void look_at_text(cJSON *j, const struct sm *m)
{
    size_t header = m->esm_class & 0x40 && m->n && m->text[0] + 1u <= m->n ? m->text[0] + 1u : 0;
    struct sbuf text = {0};
    unsigned shift = 0;

    if (header) {
        put_hex(j, "udh", m->text, header);
        look_into_header(j, m->text + 1, header - 1, &shift);
    }
    look_at_sar(j, m);
    put_hex(j, "hex", m->text + header, m->n - header);
    text_decode(coding_of(m->coding), shift, m->text + header, m->n - header, &text);
    cJSON_AddStringToObject(j, "text", (char *)text.p);
    free(text.p);
}

static cJSON *submit_json(const struct submit *r)
{
    const struct sm *m = &r->sm;
    cJSON *j = must(cJSON_CreateObject()), *tlvs;
    const struct {
        const char *key;
        unsigned value;
    } octets[] = {{"source_ton", m->source_ton}, {"source_npi", m->source_npi}, {"dest_ton", m->dest_ton},
                  {"dest_npi", m->dest_npi},     {"esm_class", m->esm_class},   {"protocol_id", m->protocol},
                  {"priority", m->priority},     {"registered", m->registered}, {"replace", m->replace},
                  {"data_coding", m->coding}};

    cJSON_AddNumberToObject(j, "seq", (double)r->seq);
    cJSON_AddStringToObject(j, "command", command_name(r->command));
    cJSON_AddNumberToObject(j, "session", (double)r->session);
    cJSON_AddNumberToObject(j, "at_us", (double)r->at_us);
    cJSON_AddStringToObject(j, "system_id", r->system_id);
    cJSON_AddNumberToObject(j, "status", r->status);
    cJSON_AddBoolToObject(j, "accepted", r->accepted);
    cJSON_AddBoolToObject(j, "answered", r->answered);
    cJSON_AddBoolToObject(j, "canceled", r->canceled);
    cJSON_AddStringToObject(j, "id", r->id);
    cJSON_AddStringToObject(j, "state", r->state);
    cJSON_AddNumberToObject(j, "receipts", r->receipts);
    cJSON_AddNumberToObject(j, "receipts_acked", r->receipts_acked);
    cJSON_AddStringToObject(j, "service_type", m->service);
    cJSON_AddStringToObject(j, "source", m->source);
    cJSON_AddStringToObject(j, "destination", m->dest);
    cJSON_AddStringToObject(j, "schedule", m->schedule);
    cJSON_AddStringToObject(j, "validity", m->validity);
    for (size_t i = 0; i < sizeof octets / sizeof *octets; i++)
        cJSON_AddNumberToObject(j, octets[i].key, octets[i].value);
    cJSON_AddNumberToObject(j, "length", (double)m->n);
    look_at_text(j, m);
    tlvs = cJSON_AddObjectToObject(j, "tlvs");
    for (unsigned i = 0; i < m->n_tlv; i++) {
        char tag[8];
        snprintf(tag, sizeof tag, "0x%04x", m->tlv[i].tag);
        put_hex(tlvs, tag, m->tlv[i].p, m->tlv[i].n);
    }
    return j;
}

static enum MHD_Result submits(struct request *r)
{
    struct smsc *s = &r->sim->smsc;
    uint64_t since = (uint64_t)query(r, "since", 0), min = (uint64_t)query(r, "min", 0),
             accepted = (uint64_t)query(r, "min_accepted", 0), limit = (uint64_t)query(r, "limit", 100000);
    int64_t end = until(r);
    cJSON *out = must(cJSON_CreateObject()), *list = cJSON_AddArrayToObject(out, "submits");

    pthread_mutex_lock(&r->sim->lock);
    while ((s->n_submits < since + min || s->counts.accepted < accepted) && wait_locked(r->sim, end))
        ;
    for (size_t i = since; i < s->n_submits && i < since + limit; i++)
        cJSON_AddItemToArray(list, submit_json(s->submits[i]));
    pthread_mutex_unlock(&r->sim->lock);
    return reply(r, 200, out);
}

/* min_acked is of messages from mobiles alone, min_done of receipts too. */
static enum MHD_Result deliveries(struct request *r)
{
    static const char *const states[] = {"planned", "ready", "sent", "acked", "refused"};
    struct smsc *s = &r->sim->smsc;
    uint64_t since = (uint64_t)query(r, "since", 0), min_acked = (uint64_t)query(r, "min_acked", 0),
             min_done = (uint64_t)query(r, "min_done", 0), acked, n_done;
    int64_t end = until(r);
    cJSON *out = must(cJSON_CreateObject()), *list = cJSON_AddArrayToObject(out, "deliveries"), *j;

    pthread_mutex_lock(&r->sim->lock);
    do {
        acked = n_done = 0;
        for (size_t i = 0; i < s->n_deliveries; i++) {
            acked += s->deliveries[i]->state == D_ACKED && !s->deliveries[i]->about;
            n_done += s->deliveries[i]->state >= D_ACKED;
        }
    } while ((acked < min_acked || n_done < min_done) && wait_locked(r->sim, end));
    for (size_t i = since; i < s->n_deliveries; i++) {
        const struct delivery *d = s->deliveries[i];
        j = must(cJSON_CreateObject());
        cJSON_AddNumberToObject(j, "seq", (double)d->seq);
        cJSON_AddStringToObject(j, "state", states[d->state]);
        cJSON_AddNumberToObject(j, "status", d->status);
        cJSON_AddNumberToObject(j, "attempts", d->attempts);
        cJSON_AddNumberToObject(j, "session", (double)d->session);
        cJSON_AddNumberToObject(j, "at_us", (double)d->at_us);
        cJSON_AddNumberToObject(j, "acked_us", (double)d->acked_us);
        if (d->about) {
            cJSON_AddStringToObject(j, "message", d->about->id);
            cJSON_AddStringToObject(j, "receipt", d->name);
        }
        cJSON_AddItemToArray(list, j);
    }
    pthread_mutex_unlock(&r->sim->lock);
    return reply(r, 200, out);
}

static enum MHD_Result sessions(struct request *r)
{
    struct smsc *s = &r->sim->smsc;
    int64_t min = query(r, "min_bound", 0), max = query(r, "max_bound", INT64_MAX), end = until(r), bound;
    uint64_t binds = (uint64_t)query(r, "min_binds", 0), refused = (uint64_t)query(r, "min_refused", 0),
             connections = (uint64_t)query(r, "min_connections", 0);
    cJSON *out = must(cJSON_CreateObject()), *list = cJSON_AddArrayToObject(out, "sessions"), *j;

    pthread_mutex_lock(&r->sim->lock);
    do {
        bound = 0;
        for (const struct session *n = s->sessions; n; n = n->next)
            bound += n->end == END_NONE && (n->tx || n->rx);
    } while ((bound < min || bound > max || s->counts.binds < binds || s->counts.binds_refused < refused ||
              s->counts.connections < connections) &&
             wait_locked(r->sim, end));
    cJSON_AddNumberToObject(out, "bound", (double)bound);
    for (const struct session *n = s->sessions; n; n = n->next) {
        j = must(cJSON_CreateObject());
        cJSON_AddNumberToObject(j, "id", (double)n->id);
        cJSON_AddStringToObject(j, "system_id", n->system_id);
        cJSON_AddStringToObject(j, "mode", n->tx && n->rx ? "trx" : n->tx ? "tx" : n->rx ? "rx" : "open");
        cJSON_AddStringToObject(j, "peer", n->peer);
        cJSON_AddBoolToObject(j, "tls", n->ssl != NULL);
        cJSON_AddNumberToObject(j, "submits", (double)n->submits);
        cJSON_AddNumberToObject(j, "outstanding", (double)n->n_open);
        cJSON_AddNumberToObject(j, "outstanding_max", (double)n->window_max);
        cJSON_AddItemToArray(list, j);
    }
    pthread_mutex_unlock(&r->sim->lock);
    return reply(r, 200, out);
}

static enum MHD_Result quiet(struct request *r, const cJSON *ask)
{
    const cJSON *wait = cJSON_GetObjectItemCaseSensitive(ask, "wait_ms");
    int64_t end = now_us() + (cJSON_IsNumber(wait) ? (int64_t)wait->valuedouble * 1000 : 0);
    const struct smsc *s = &r->sim->smsc;
    cJSON *out = must(cJSON_CreateObject());
    size_t pending;

    pthread_mutex_lock(&r->sim->lock);
    while ((pending = s->n_active + s->n_planned + s->n_waiting) > 0 && wait_locked(r->sim, end))
        ;
    cJSON_AddBoolToObject(out, "quiet", pending == 0);
    cJSON_AddNumberToObject(out, "pending", (double)pending);
    pthread_mutex_unlock(&r->sim->lock);
    return reply(r, 200, out);
}

static enum MHD_Result counts(struct request *r)
{
    const struct smsc *s = &r->sim->smsc;
    const struct counts *c = &s->counts;
    cJSON *out = must(cJSON_CreateObject()), *list;

    pthread_mutex_lock(&r->sim->lock);
    const struct {
        const char *key;
        uint64_t n;
    } all[] = {{"connections", c->connections},
               {"binds", c->binds},
               {"binds_refused", c->binds_refused},
               {"unbinds", c->unbinds},
               {"submits", s->n_submits},
               {"accepted", c->accepted},
               {"refused", c->refused},
               {"throttled", c->throttled},
               {"window_exceeded", c->window_exceeded},
               {"enquire_links", c->enquire_links},
               {"enquire_link_answers", c->enquire_link_answers},
               {"links_lost", c->links_lost},
               {"delivered", c->delivered},
               {"acked", c->acked},
               {"refused_deliveries", c->refused_deliveries},
               {"nacks", c->nacks},
               {"queries", c->queries},
               {"cancels", c->cancels},
               {"violations", s->violations},
               {"pending", s->n_active + s->n_planned + s->n_waiting}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cJSON_AddNumberToObject(out, all[i].key, (double)all[i].n);
    list = cJSON_AddArrayToObject(out, "violated");
    for (uint64_t i = s->violations > VIOLATIONS_KEPT ? s->violations - VIOLATIONS_KEPT : 0;
         i < s->violations; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(s->violation[i % VIOLATIONS_KEPT]));
    pthread_mutex_unlock(&r->sim->lock);
    return reply(r, 200, out);
}

/* ---- HTTP ---- */

static enum MHD_Result post(struct request *r, const char *what, cJSON *ask)
{
    if (!strcmp(what, "config"))
        return apply(r, ask, conf_apply);
    if (!strcmp(what, "faults"))
        return apply(r, ask, faults_apply);
    if (!strcmp(what, "inbound"))
        return inbound(r, ask);
    if (!strcmp(what, "receipt"))
        return receipt(r, ask);
    if (!strcmp(what, "do"))
        return act(r, ask);
    if (!strcmp(what, "listen"))
        return listening(r, ask);
    if (!strcmp(what, "quiet"))
        return quiet(r, ask);
    return wrong(r, "no such control; see tools/sim/smsc/README.md");
}

static enum MHD_Result control(struct request *r)
{
    const char *what = strncmp(r->path, "/_sim/", 6) ? "" : r->path + 6;
    enum MHD_Result rc;
    cJSON *ask;

    if (!strcmp(r->method, "POST")) {
        ask = cJSON_ParseWithLength(r->body.p ? (char *)r->body.p : "", r->body.n);
        rc = ask ? post(r, what, ask) : wrong(r, "the body is not JSON");
        cJSON_Delete(ask);
        return rc;
    }
    if (!strcmp(what, "submits"))
        return submits(r);
    if (!strcmp(what, "deliveries"))
        return deliveries(r);
    if (!strcmp(what, "sessions"))
        return sessions(r);
    if (!strcmp(what, "counts"))
        return counts(r);
    return wrong(r, "no such control; see tools/sim/smsc/README.md");
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **state)
{
    struct request *r = *state;

    (void)version;
    if (!r) {
        r = zeroed(sizeof *r);
        *r = (struct request){.sim = cls, .conn = conn, .method = method, .path = url};
        *state = r;
        return MHD_YES;
    }
    if (*n) {
        if (*n > BODY_MAX - r->body.n)
            return MHD_NO;
        sbuf_add(&r->body, data, *n);
        *n = 0;
        return MHD_YES;
    }
    return control(r);
}

static void on_done(void *cls, struct MHD_Connection *conn, void **state,
                    enum MHD_RequestTerminationCode code)
{
    struct request *r = *state;

    (void)cls;
    (void)conn;
    (void)code;
    if (r)
        free(r->body.p);
    free(r);
    *state = NULL;
}

bool control_start(struct sim *s, unsigned port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const union MHD_DaemonInfo *info;

    s->http = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL,
                               (uint16_t)port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR,
                               (struct sockaddr *)&at, MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL,
                               MHD_OPTION_CONNECTION_LIMIT, 256u, MHD_OPTION_END);
    info = s->http ? MHD_get_daemon_info(s->http, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    s->http_port = info ? info->port : port;
    if (!s->http)
        fprintf(stderr, "hilo-sim-smsc: cannot listen on 127.0.0.1:%u\n", port);
    return s->http != NULL;
}

void control_stop(struct sim *s)
{
    if (s->http)
        MHD_stop_daemon(s->http);
}
