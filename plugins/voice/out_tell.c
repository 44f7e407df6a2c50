/*
 * What the gateway is told of a message that is called: one report, receipts, and what she pressed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "out.h"

#include "said.h"

#include <stdio.h>

enum { TELL_BYTES = 2048 };

static const char *tell_words(const struct out_message *m, const char *es, const char *en)
{
    return m->out->voice->conf.language == SAY_ES ? es : en;
}

/* ---- the report ---- */

static void tell_report(struct out_message *m, const struct hilo_report *r)
{
    if (m->reported)
        return;
    m->reported = true;
    m->out->voice->host.report(m->out->voice->self, r);
}

void out_tell(struct out_message *m, int32_t code, const char *reason, int64_t retry_after_us)
{
    struct hilo_report r = {.size = sizeof r, .code = code, .id = m->id, .retry_after_us = retry_after_us};
    static const struct {
        const char *reason, *es, *en;
    } words[] = {
        {"revoked", "Se retiró antes de timbrar", "It was taken back before it rang"},
        {"lines_busy", "Todas las líneas de salida están ocupadas", "All lines for calls of ours are in use"},
        {"draining", "El canal se está deteniendo", "The channel is being stopped"},
        {"restarted", "El canal se detuvo durante la llamada", "The channel was stopped during the call"},
        {"calling_hours", "Fuera del horario permitido para llamar, en la hora local del cliente",
         "Outside the hours in which calls are allowed, on the customer's clock"},
        {"gateway", "No se pudo leer el mensaje; se intenta de nuevo",
         "The message could not be read; it is tried again"},
        {"media", "No se pudo leer el audio", "The sound could not be read"},
        {"no_line", "No hay puertos o líneas libres para otra llamada",
         "There are no ports or lines free for another call"},
        {"call_ended", "La llamada terminó antes de decir este mensaje",
         "The call ended before this message was spoken"},
        {"no_memory", "No hay memoria para otra llamada", "There is no memory for another call"},
    };
    size_t i;

    r.reason = voice_str(reason);
    for (i = 0; reason && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].reason, reason) == 0)
            r.detail = voice_str(tell_words(m, words[i].es, words[i].en));
    tell_report(m, &r);
}

void out_tell_taken(struct out_message *m)
{
    struct hilo_report r = {.size = sizeof r, .code = HILO_OK, .id = m->id};
    struct out_call *c = m->call;
    int n;

    if (m->reported)
        return;
    /* One call may carry several messages; each has a name of its own. */
    n = c->n_said++ ? snprintf(m->ext_id, sizeof m->ext_id, "%s#%u", c->call->call_id, c->n_said)
                    : snprintf(m->ext_id, sizeof m->ext_id, "%s", c->call->call_id);
    if (n < 0 || (size_t)n >= sizeof m->ext_id)
        m->ext_id[0] = 0;
    r.ext_id = voice_str(m->ext_id);
    tell_report(m, &r);
}

void out_tell_untaken(struct out_message *m, enum out_what what, const struct out_cause *cause,
                      const char *reason, const char *words_es, const char *words_en, bool rang)
{
    const struct out_conf *conf = &m->out->voice->conf.out;
    struct hilo_report r = {.size = sizeof r, .code = HILO_TEMP, .id = m->id};
    char code[OUT_CODE_MAX];

    r.reason = cause ? cause->reason : voice_str(reason);
    r.detail = voice_str(tell_words(m, words_es, words_en));
    if (cause)
        r.detail = m->out->voice->conf.language == SAY_ES ? cause->es : cause->en;
    if (cause)
        r.provider_code = out_cause_code(cause, code);
    if (rang)
        r.flags = HILO_REPORT_UNTAKEN;
    if (what == OUT_BUSY)
        r.retry_after_us = conf->busy_retry_us;
    else if (what == OUT_NO_ANSWER)
        r.retry_after_us = conf->no_answer_retry_us;
    if (what == OUT_CHANNEL)
        r.scope = HILO_SCOPE_CHANNEL;
    if (what == OUT_PERM || ((what == OUT_BUSY || what == OUT_NO_ANSWER) && m->attempts >= conf->attempts)) {
        r.code = HILO_PERM;
        r.flags = 0;
        r.retry_after_us = 0;
    }
    tell_report(m, &r);
}

void out_tell_cause(struct out_message *m, const struct out_cause *cause, bool rang)
{
    out_tell_untaken(m, cause->what, cause, NULL, "", "", rang);
}

/* ---- receipts ---- */

void out_tell_status(struct out_message *m, uint32_t status)
{
    if ((status == HILO_STATUS_DELIVERED && m->delivered) || (status == HILO_STATUS_READ && m->read))
        return;
    m->delivered |= status != HILO_STATUS_SENT;
    m->read |= status == HILO_STATUS_READ;
    said_receipt(m->out->voice, m->id, status);
}

/* ---- keys ---- */

/* What the gateway does not take of it stands in its own log (message.refused). */
static void tell_received(void *arg, int32_t code)
{
    (void)arg;
    (void)code;
}

uint64_t out_tell_keys(struct out_message *m, const char *keys, voice_committed_fn *done, void *arg)
{
    struct out_call *c = m->call;
    uint8_t bytes[TELL_BYTES];
    char ext_id[VOICE_TEXT_MAX + 32];
    struct hilo_writer w;
    struct hilo_id call;

    (void)snprintf(ext_id, sizeof ext_id, "%s#key%u", c->call->call_id, ++c->n_keys);
    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(&w, HILO_T_MSG_EXT_ID, voice_str(ext_id));
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)voice_wall(m->out->voice));
    hilo_open(&w, HILO_T_MSG_PARTY);
    hilo_put_u64(&w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put_str(&w, HILO_T_IDENT_VALUE, voice_str(m->phone));
    hilo_close(&w);
    if (m->ext_id[0])
        hilo_put_str(&w, HILO_T_MSG_REPLY_EXT, voice_str(m->ext_id));
    if (c->call->ledger && id_read("cal", voice_str(ledger_id(c->call->ledger)), &call))
        hilo_put_id(&w, HILO_T_MSG_CALL, call);
    hilo_open(&w, HILO_T_MSG_CONTENT);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(&w, HILO_T_CONTENT_TEXT, voice_str(keys));
    hilo_close(&w);
    return w.failed ? 0 : voice_ask_submit(m->out->voice, hilo_written(&w), done ? done : tell_received, arg);
}
