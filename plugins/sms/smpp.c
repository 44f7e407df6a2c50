/*
 * The SMPP driver: its options, its binds, and what they make of the channel.
 *
 * The channel is up while a bind is that can send (or, of a channel that only receives,
 * that can receive). Credit is the sum of the windows of the binds that have been up; when
 * one is lost, what was credited for it waits in the queue here for the others.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "smpp.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* ---- options ------------------------------------------------------------------------------ */

static const char *smpp_wrong_option(const struct sms_conf *conf)
{
    struct sms_tls_settings tls = {conf->tls_ca, conf->tls_cert, conf->tls_key, conf->tls_verify};
    struct sms_address_rules rules;
    struct sms_address address;
    struct sms_tls_context *context;
    char why[SMS_TLS_WORDS];
    const char *wrong;

    if (conf->host.n == 0)
        return "host is missing: smpp needs the SMSC's name or address";
    if (conf->system_id.n == 0)
        return "system_id is missing: smpp needs the account's name";
    if ((conf->tls_cert.n == 0) != (conf->tls_key.n == 0))
        return "tls_cert and tls_key belong together: give both, or neither";
    if (conf->tls) {
        context = sms_tls_context_new(&tls, why);
        if (!context)
            return strncmp(why, "tls_ca", 6) == 0
                       ? "tls_ca holds no certificate in PEM"
                       : "tls_cert and tls_key are no certificate and its key in PEM";
        sms_tls_context_free(&context);
    }
    wrong = sms_address_rules_read(conf->addresses, &rules);
    if (wrong)
        return "addresses can't be read: it is rules like \"+56=2/1, short=3/0, name=5/0\"";
    if (conf->sender.n && sms_address_write(conf->sender, &rules, &address))
        return "sender is none: it has at most 15 digits, after a plus sign or not, or 11 characters";
    if (conf->flash && conf->latin1)
        return "latin1 has no flash: switch one of them off";
    return NULL;
}

static void smpp_narrow(const struct sms_conf *conf, struct hilo_abilities *able)
{
    able->segment = sms_segment_rules(conf);
    able->text_max = (uint32_t)conf->segments_max * 160;
    if (conf->receipts == SMS_RECEIPTS_NONE)
        able->flags &= ~(uint32_t)HILO_ABLE_RECEIPTS;
    if (conf->latin1)
        able->flags &= ~(uint32_t)HILO_ABLE_FLASH;
    if (conf->bind == SMS_BIND_AS_RECEIVER)
        able->contents = 0;
}

/* ---- what the binds tell --------------------------------------------------------------------- */

uint64_t smpp_random(struct smpp *s, uint64_t below)
{
    uint64_t z = (s->random += 0x9e3779b97f4a7c15u); /* splitmix64: for jitter, not for secrets */

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return below ? (z ^ z >> 31) % below : 0;
}

bool smpp_up(const struct smpp *s)
{
    unsigned i;

    for (i = 0; i < s->n_binds; i++)
        if (smpp_bind_sends(s->bind[i]))
            return true;
    return false;
}

/* Whether this bind is what the channel is for. */
static bool smpp_matters(const struct smpp_bind *b)
{
    return b->mode != SMPP_RECEIVER || b->smpp->sms->conf.bind == SMS_BIND_AS_RECEIVER;
}

static bool smpp_works(const struct smpp *s)
{
    unsigned i;

    for (i = 0; i < s->n_binds; i++)
        if (s->bind[i]->state == SMPP_BOUND && smpp_matters(s->bind[i]))
            return true;
    return false;
}

void smpp_bind_up(struct smpp_bind *b)
{
    struct smpp *s = b->smpp;
    uint32_t windows = 0;
    unsigned i;

    sms_log(s->sms, HILO_LOG_INFO, "bound as %s, number %u of %u", smpp_mode_name(b->mode), b->index + 1,
            s->n_binds);
    if (smpp_matters(b)) {
        s->said[0] = '\0';
        sms_set_state(s->sms, HILO_OK, "bound");
    }
    for (i = 0; i < s->n_binds; i++)
        windows += smpp_bind_sends(s->bind[i]) ? s->bind[i]->window.limit : 0;
    if (windows > s->granted && !s->draining) {
        s->sms->host.credit(s->sms->self, windows - s->granted);
        s->granted = windows;
    }
    smpp_pump(s);
}

void smpp_bind_down(struct smpp_bind *b, int32_t code, const char *words)
{
    struct smpp *s = b->smpp;
    char line[SMS_CONN_WORDS + 64];

    if (s->draining)
        return;
    (void)snprintf(line, sizeof line, "no %s at %s port %u: %s", smpp_mode_name(b->mode), s->host,
                   (unsigned)s->sms->conf.port, words);
    if (smpp_works(s)) {
        if (b->failures == 1 || code == HILO_CONFIG) /* the same again and again is said once */
            sms_log(s->sms, HILO_LOG_WARN, "%s; others are up", line);
    } else if (s->sms->state != code || strcmp(s->said, line) != 0) {
        (void)snprintf(s->said, sizeof s->said, "%s", line);
        sms_set_state(s->sms, code, line);
    }
    if (!smpp_up(s)) {
        smpp_give_back(s, code == HILO_CONFIG ? HILO_CONFIG : HILO_DOWN, "not_bound",
                       "no bind with the SMSC is up; it is sent when one is");
        if (s->head)
            (void)sms_timer_by(&s->react, &s->stranded,
                               sms_now(&s->react) + s->sms->conf.response_timeout_us);
    }
}

/* Messages of which a part has left wait for a bind no longer than for an answer. */
static void smpp_stranded(void *arg)
{
    struct smpp *s = arg;

    if (!smpp_up(s))
        smpp_out_end(s);
}

void smpp_try_again(struct smpp *s)
{
    unsigned i;

    if (s->sms->state != HILO_CONFIG)
        return;
    sms_set_state(s->sms, HILO_DOWN, "binding again");
    for (i = 0; i < s->n_binds; i++)
        smpp_bind_start(s->bind[i]);
}

/* ---- life ---------------------------------------------------------------------------------------- */

static char *smpp_copy(struct hilo_str a)
{
    char *p = malloc((size_t)a.n + 1);

    if (p) {
        memcpy(p, a.p, (size_t)a.n);
        p[a.n] = '\0';
    }
    return p;
}

static void smpp_free(struct smpp *s)
{
    unsigned i;

    for (i = 0; i < s->n_binds; i++)
        smpp_bind_free(&s->bind[i]);
    s->n_binds = 0;
    smpp_out_done(s);
    smpp_in_done(s);
    sms_timer_cancel(&s->react, &s->pause);
    sms_timer_cancel(&s->react, &s->stranded);
    sms_react_done(&s->react);
    sms_tls_context_free(&s->tls);
    free(s->host);
    free(s->tls_name);
    free(s);
}

static void smpp_paused_enough(void *arg)
{
    struct smpp *s = arg;

    s->paused_until = 0;
    smpp_pump(s);
}

static bool smpp_add_bind(struct smpp *s, enum smpp_mode mode)
{
    s->bind[s->n_binds] = smpp_bind_new(s, s->n_binds, mode);
    return s->bind[s->n_binds] && ++s->n_binds;
}

static bool smpp_add_binds(struct smpp *s)
{
    static const enum smpp_mode alone[] = {[SMS_BIND_AS_TRANSCEIVER] = SMPP_TRANSCEIVER,
                                           [SMS_BIND_AS_TRANSMITTER] = SMPP_TRANSMITTER,
                                           [SMS_BIND_AS_RECEIVER] = SMPP_RECEIVER};
    const struct sms_conf *conf = &s->sms->conf;
    int64_t i;

    for (i = 0; i < conf->binds; i++) {
        if (conf->bind != SMS_BIND_AS_PAIR) {
            if (!smpp_add_bind(s, alone[conf->bind]))
                return false;
        } else if (!smpp_add_bind(s, SMPP_TRANSMITTER) || !smpp_add_bind(s, SMPP_RECEIVER)) {
            return false;
        }
    }
    return true;
}

static int32_t smpp_open(struct sms *sms, void **state_out)
{
    const struct sms_conf *conf = &sms->conf;
    struct sms_tls_settings tls = {conf->tls_ca, conf->tls_cert, conf->tls_key, conf->tls_verify};
    char why[SMS_TLS_WORDS];
    struct smpp *s = calloc(1, sizeof *s);
    uint64_t seed[2] = {0, 0};

    if (!s)
        return HILO_NOMEM;
    s->sms = sms;
    s->tail = &s->head;
    sms_react_init(&s->react, &sms->host, sms->self);
    sms_timer_init(&s->pause, smpp_paused_enough, s);
    sms_timer_init(&s->stranded, smpp_stranded, s);
    /* Without it, other clients may wake together with this one; no more depends on it. */
    if (getrandom(seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed[0] = (uint64_t)sms->host.wall_us(sms->self);
    s->random = seed[0];
    s->reference = (uint16_t)seed[1];
    (void)snprintf(s->run, sizeof s->run, "%llx", (unsigned long long)sms->host.wall_us(sms->self));
    s->host = smpp_copy(conf->host);
    s->tls_name = smpp_copy(conf->tls_name.n ? conf->tls_name : conf->host);
    (void)sms_address_rules_read(conf->addresses, &s->rules);
    if (conf->tls) {
        s->tls = sms_tls_context_new(&tls, why);
        if (!s->tls) {
            sms_set_state(sms, HILO_CONFIG, why);
            smpp_free(s);
            return HILO_CONFIG;
        }
    }
    if (!s->host || !s->tls_name || !smpp_in_init(s) || !smpp_add_binds(s)) {
        smpp_free(s);
        return HILO_NOMEM;
    }
    *state_out = s;
    return HILO_OK;
}

static int32_t smpp_start(void *driver)
{
    struct smpp *s = driver;
    unsigned i;

    sms_set_state(s->sms, HILO_DOWN, "not bound yet");
    for (i = 0; i < s->n_binds; i++)
        smpp_bind_start(s->bind[i]);
    return HILO_OK;
}

static void smpp_on_fd(void *driver, int32_t fd, uint32_t events)
{
    struct smpp *s = driver;

    sms_react_on_fd(&s->react, fd, events);
}

static void smpp_on_timer(void *driver, uint32_t id)
{
    struct smpp *s = driver;

    sms_react_on_timer(&s->react, id);
}

static void smpp_woken(void *driver)
{
    smpp_late_again(driver);
}

static bool smpp_same(struct hilo_str a, struct hilo_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, (size_t)a.n) == 0);
}

/* What a bind says of itself holds from its next time on, so binds that are down with other
 * credentials try at once; how messages are written, from the next message on. */
static int32_t smpp_reconfigure(void *driver, const struct sms_conf *before)
{
    struct smpp *s = driver;
    const struct sms_conf *conf = &s->sms->conf;
    bool account =
        !smpp_same(conf->system_id, before->system_id) || !smpp_same(conf->password, before->password);
    unsigned i;

    if (account && smpp_works(s))
        return HILO_NOSUP; /* another account is another channel to the SMSC */
    (void)sms_address_rules_read(conf->addresses, &s->rules);
    for (i = 0; account && i < s->n_binds; i++)
        smpp_bind_start(s->bind[i]);
    return HILO_OK;
}

/* Unbinds once nothing is out and nothing waits for the disk. The host closes when all is reported. */
static void smpp_drain(void *driver, int64_t mono_us)
{
    struct smpp *s = driver;

    (void)mono_us;
    s->draining = true;
    smpp_give_back(s, HILO_AGAIN, "draining", "the channel is being closed; it was not sent");
}

static void smpp_close(void *driver)
{
    struct smpp *s = driver;
    unsigned i;

    s->draining = true;
    for (i = 0; i < s->n_binds; i++)
        smpp_bind_leave(s->bind[i]);
    smpp_out_end(s);
    smpp_free(s);
}

const struct sms_driver sms_smpp = {.name = "smpp",
                                    .wrong_option = smpp_wrong_option,
                                    .narrow = smpp_narrow,
                                    .open = smpp_open,
                                    .start = smpp_start,
                                    .send = smpp_send,
                                    .revoke = smpp_revoke,
                                    .committed = smpp_committed,
                                    .on_fd = smpp_on_fd,
                                    .on_timer = smpp_on_timer,
                                    .woken = smpp_woken,
                                    .reconfigure = smpp_reconfigure,
                                    .drain = smpp_drain,
                                    .close = smpp_close};
