/*
 * Messages and receipts in: from deliver_sm and data_sm to the core's bytes, and the answer
 * to the SMSC once they are on disk.
 *
 * SMPP gives what comes no id. So each gets a number of ours, which no other has, and one that
 * comes again after its session broke before we can know that our answer arrived, gets the
 * number that it had: the core then knows it for a duplicate. It is recognised by all of its
 * bytes, and only within some minutes of such a break: at any other time two alike are two.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gsm.h"
#include "receipt_text.h"
#include "smpp.h"
#include "status.h"
#include "udh.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    IN_TEXT = 1200,  /* octets 4 times, of a short_message */
    IN_BYTES = 4096, /* of a message for the core, with such a text */
    IN_EXT = 48,
    IN_GROW = 16,
    ESM_KIND = 0x3c, /* bits of esm_class: what a deliver_sm is */
    ESM_RECEIPT = 0x04,
    ESM_DELIVERY_ACK = 0x08,
    ESM_USER_ACK = 0x10,
    ESM_INTERMEDIATE = 0x20,
    ESM_UDHI = 0x40
};
/* An answer that was sent so long before its session broke has arrived; and so long after that a
 * message comes again, if it does. */
static const int64_t SURE_US = 60000000, AGAIN_US = 600000000;

/* ---- what waits for the disk ---------------------------------------------------------------- */

bool smpp_in_init(struct smpp *s)
{
    s->recent = calloc(SMPP_RECENT, sizeof *s->recent);
    return s->recent != NULL;
}

void smpp_in_done(struct smpp *s)
{
    free(s->recent);
    free(s->in);
    free(s->text);
    free(s->bytes);
}

static struct smpp_in *in_new(struct smpp *s)
{
    struct smpp_in *in;
    uint32_t i, n;

    if (!s->in_free) {
        n = s->n_in ? 2 * s->n_in : IN_GROW;
        in = realloc(s->in, n * sizeof *in);
        if (!in)
            return NULL;
        memset(in + s->n_in, 0, (n - s->n_in) * sizeof *in);
        for (i = s->n_in; i < n; i++)
            in[i].next = i + 1 < n ? i + 2 : 0;
        s->in = in;
        s->in_free = s->n_in + 1;
        s->n_in = n;
    }
    in = &s->in[s->in_free - 1];
    s->in_free = in->next;
    in->used = true;
    in->generation++;
    s->waiting++;
    return in;
}

static uint64_t in_token(const struct smpp *s, const struct smpp_in *in)
{
    return (uint64_t)in->generation << 32 | (uint32_t)(in - s->in + 1);
}

static struct smpp_in *in_find(struct smpp *s, uint64_t token)
{
    uint32_t i = (uint32_t)token;

    return i > 0 && i <= s->n_in && s->in[i - 1].used && s->in[i - 1].generation == token >> 32
               ? &s->in[i - 1]
               : NULL;
}

static void in_free(struct smpp *s, struct smpp_in *in)
{
    in->used = false;
    in->next = s->in_free;
    s->in_free = (uint32_t)(in - s->in + 1);
    s->waiting--;
}

/* ---- what may come again ------------------------------------------------------------------------ */

static uint64_t hash_more(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;
    size_t i;

    for (i = 0; i < n; i++)
        h = (h ^ b[i]) *
            0x100000001b3u; /* FNV-1a: only our own peer could make two alike, of his own messages */
    return h;
}

static uint64_t in_hash(const struct sms_pdu *p)
{
    const struct hilo_str part[] = {p->source_addr, p->destination_addr, p->short_message, p->tlvs};
    const uint8_t octets[] = {p->esm_class, p->data_coding, p->source_addr_ton, p->dest_addr_ton};
    uint64_t h = hash_more(0xcbf29ce484222325u, octets, sizeof octets);
    unsigned i;

    for (i = 0; i < sizeof part / sizeof *part; i++) {
        h = hash_more(h, &part[i].n, sizeof part[i].n);
        h = hash_more(h, part[i].p, (size_t)part[i].n);
    }
    return h;
}

static struct smpp_recent *recent_at(struct smpp *s, uint64_t number)
{
    return &s->recent[number & (SMPP_RECENT - 1)];
}

/* The number of a message: a new one, or that which it had before its session broke. */
static uint64_t in_number(struct smpp_bind *b, const struct sms_pdu *p)
{
    struct smpp *s = b->smpp;
    struct smpp_recent *r = NULL;
    uint64_t hash = in_hash(p), number = 0;
    unsigned i;

    if (s->unsure_until && s->unsure_until < sms_now(&s->react))
        s->unsure_until = 0;
    for (i = 0; s->unsure_until && i < SMPP_RECENT; i++) {
        if (s->recent[i].unsure_until >= sms_now(&s->react) && s->recent[i].hash == hash &&
            s->recent[i].number && (!r || s->recent[i].number < r->number))
            r = &s->recent[i];
    }
    if (r) {
        number = r->number;
    } else {
        number = ++s->number;
        r = recent_at(s, number);
    }
    *r = (struct smpp_recent){.hash = hash, .number = number, .bind = b->index, .session = b->session};
    return number;
}

void smpp_in_lost(struct smpp_bind *b)
{
    struct smpp *s = b->smpp;
    int64_t now = sms_now(&s->react);
    unsigned i;

    for (i = 0; s->number && i < SMPP_RECENT; i++) {
        struct smpp_recent *r = &s->recent[i];

        if (r->number && r->bind == b->index && r->session == b->session && !r->unsure_until &&
            (r->answered_us == 0 || r->answered_us > now - SURE_US))
            s->unsure_until = r->unsure_until = now + AGAIN_US;
    }
}

/* ---- to the core ------------------------------------------------------------------------------------ */

/* Gives it to the core, to be answered when it is on disk; or answers it. */
static void in_submit(struct smpp_bind *b, const struct sms_pdu *p, const struct hilo_writer *w,
                      uint64_t number)
{
    struct smpp *s = b->smpp;
    struct smpp_in *in = w->failed ? NULL : in_new(s);
    int32_t code;

    if (!in) {
        sms_log(s->sms, HILO_LOG_WARN, "no memory for a message in; the SMSC is asked to bring it again");
        smpp_bind_answer(b, p->command_id, SMS_RMSGQFUL, p->sequence);
        return;
    }
    in->bind = b->index;
    in->session = b->session;
    in->command = p->command_id;
    in->seq = p->sequence;
    in->number = number;
    code = s->sms->host.submit(s->sms->self, in_token(s, in), hilo_written(w));
    if (code == HILO_OK)
        return;
    in_free(s, in);
    smpp_bind_answer(b, p->command_id, code == HILO_FULL ? SMS_RMSGQFUL : SMS_RX_T_APPN, p->sequence);
}

void smpp_committed(void *driver, uint64_t token, int32_t code)
{
    struct smpp *s = driver;
    struct smpp_in *in = in_find(s, token), was;
    uint32_t status = code == HILO_OK || code == HILO_DUPLICATE ? SMS_ROK
                      : code == HILO_FULL                       ? SMS_RMSGQFUL
                      : code == HILO_INVALID                    ? SMS_RX_P_APPN
                                                                : SMS_RX_T_APPN;
    struct smpp_bind *b;

    if (!in) /* a receipt that we made ourselves */
        return;
    was = *in;
    in_free(s, in);
    if (status == SMS_RX_P_APPN)
        sms_log(s->sms, HILO_LOG_WARN,
                "a message of the SMSC's is refused for good; message.refused above says why (of a sender in "
                "national form: set the option country)");
    b = s->bind[was.bind];
    if (b->session != was.session || b->state != SMPP_BOUND)
        return; /* it will come again */
    if (was.number && recent_at(s, was.number)->number == was.number)
        recent_at(s, was.number)->answered_us = sms_now(&s->react);
    smpp_bind_answer(b, was.command, status, was.seq);
}

/* ---- receipts ---------------------------------------------------------------------------------------- */

static void receipt_put(struct smpp *s, struct hilo_writer *w, const struct sms_receipt *r,
                        const struct hilo_id *echo)
{
    char spelled[SMS_ID_SPELLINGS_MAX][SMS_ID_MAX];
    struct hilo_str spelling[SMS_ID_SPELLINGS_MAX];
    uint32_t status = sms_state_status(r->state);
    char number[16];
    unsigned n, i;

    hilo_put_u64(w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_u64(w, HILO_T_MSG_TIME, (uint64_t)s->sms->host.wall_us(s->sms->self));
    hilo_put_str(w, HILO_T_MSG_EXT_ID, r->id);
    hilo_open(w, HILO_T_MSG_RECEIPT);
    /* Of states that are no end, and of words that nobody knows, all that is sure is that it was sent. */
    if (status != HILO_STATUS_DELIVERED && status != HILO_STATUS_SENT && status != 0)
        status = HILO_STATUS_FAILED;
    hilo_put_u64(w, HILO_T_RECEIPT_STATUS, status ? status : HILO_STATUS_SENT);
    if (status == HILO_STATUS_FAILED)
        hilo_put_str(w, HILO_T_RECEIPT_REASON, sms_str(sms_state_reason(r->state)));
    if (r->err.n && status != HILO_STATUS_DELIVERED) {
        hilo_put_str(w, HILO_T_RECEIPT_CODE, r->err);
    } else if (r->network_type && status != HILO_STATUS_DELIVERED) {
        (void)snprintf(number, sizeof number, "%u", r->network_error);
        hilo_put_str(w, HILO_T_RECEIPT_CODE, sms_str(number));
    }
    if (r->stat.n && status != HILO_STATUS_DELIVERED)
        hilo_put_str(w, HILO_T_RECEIPT_DETAIL, r->stat);
    if (echo)
        hilo_put_id(w, HILO_T_RECEIPT_ECHO, *echo);
    if (s->sms->conf.message_id == SMS_ID_AUTO) {
        n = sms_id_spellings(r->id, spelled, spelling);
        for (i = 0; i < n; i++)
            hilo_put_str(w, HILO_T_RECEIPT_SPELLINGS, spelling[i]);
    }
    hilo_close(w);
}

static void in_receipt(struct smpp_bind *b, const struct sms_pdu *p, const struct sms_receipt *r)
{
    uint8_t bytes[IN_BYTES];
    struct hilo_writer w;
    struct hilo_id echo;
    uint32_t reference;
    bool echoed = sms_tlv_int(p->tlvs, SMS_TLV_USER_MESSAGE_REFERENCE, &reference) &&
                  reference <= UINT16_MAX &&
                  smpp_doubt_find(b->smpp, p->source_addr, (uint16_t)reference, &echo);

    hilo_writer_init(&w, bytes, sizeof bytes);
    receipt_put(b->smpp, &w, r, echoed ? &echo : NULL);
    in_submit(b, p, &w, 0);
}

/* A late answer, as the receipt that it is. false: no room in the link. */
static bool late_submit(struct smpp *s, const struct smpp_late *l)
{
    const struct sms_status *st = sms_status(l->status);
    uint8_t bytes[1024];
    struct hilo_writer w;
    char code[24];

    hilo_writer_init(&w, bytes, sizeof bytes);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_RECEIPT);
    hilo_put_u64(&w, HILO_T_MSG_TIME, (uint64_t)s->sms->host.wall_us(s->sms->self));
    if (l->id_n)
        hilo_put(&w, HILO_T_MSG_EXT_ID, l->ext_id, l->id_n);
    hilo_open(&w, HILO_T_MSG_RECEIPT);
    hilo_put_id(&w, HILO_T_RECEIPT_ECHO, l->id);
    hilo_put_u64(&w, HILO_T_RECEIPT_STATUS, l->status == SMS_ROK ? HILO_STATUS_SENT : HILO_STATUS_FAILED);
    if (l->status != SMS_ROK) {
        (void)snprintf(code, sizeof code, "0x%02x", l->status);
        hilo_put_str(&w, HILO_T_RECEIPT_REASON, sms_str(st->reason));
        hilo_put_str(&w, HILO_T_RECEIPT_CODE, sms_str(code));
        hilo_put_str(&w, HILO_T_RECEIPT_DETAIL, sms_str(st->text));
    }
    hilo_close(&w);
    return s->sms->host.submit(s->sms->self, 0, hilo_written(&w)) != HILO_FULL;
}

void smpp_late(struct smpp *s, struct hilo_id id, uint32_t status, struct hilo_str message_id)
{
    struct smpp_late l = {.id = id, .status = status};

    l.id_n = (uint8_t)(message_id.n < SMPP_ID_MAX ? message_id.n : SMPP_ID_MAX);
    if (l.id_n)
        memcpy(l.ext_id, message_id.p, l.id_n);
    if (s->n_late == 0 && late_submit(s, &l))
        return;
    if (s->n_late < SMPP_LATE_MAX)
        s->late[s->n_late++] = l;
    else
        sms_log(s->sms, HILO_LOG_WARN,
                "a late answer to a submit is dropped: the link to the gateway stays full");
}

void smpp_late_again(struct smpp *s)
{
    unsigned done = 0;

    while (done < s->n_late && late_submit(s, &s->late[done]))
        done++;
    s->n_late -= done;
    memmove(s->late, s->late + done, s->n_late * sizeof *s->late);
}

/* ---- messages ---------------------------------------------------------------------------------------------
 */

struct in_message {
    const struct sms_pdu *pdu;
    struct hilo_str octets; /* its text or data, without a header */
    struct sms_udh udh;
    struct sms_coding coding;
    bool unread; /* there is a header that can't be read */
    uint32_t tables;
    uint32_t ref, total, index; /* of its parts; total 0: it is whole */
    char from[SMS_ADDRESS_MAX + 70], to[SMS_ADDRESS_MAX + 70];
    unsigned from_n, to_n;
    uint64_t number;
};

static void in_read(struct smpp_bind *b, const struct sms_pdu *p, struct in_message *m)
{
    const struct sms_conf *conf = &b->smpp->sms->conf;
    uint32_t ref, total, index;
    bool unknown = false;

    memset(m, 0, sizeof *m);
    m->pdu = p;
    m->octets = p->short_message;
    if (m->octets.n == 0)
        (void)sms_tlv_find(p->tlvs, SMS_TLV_MESSAGE_PAYLOAD, &m->octets);
    m->coding = sms_coding_read(p->data_coding, (uint8_t)(SMS_ALPHABET_GSM + conf->alphabet));
    if (p->esm_class & ESM_UDHI) {
        m->unread = sms_udh_read(m->octets, &m->udh) != HILO_OK;
        if (!m->unread) {
            m->octets.p += m->udh.octets;
            m->octets.n -= m->udh.octets;
            m->tables = sms_udh_tables(&m->udh, &unknown);
        }
    }
    if (m->udh.total) {
        m->ref = m->udh.ref | (uint32_t)m->udh.ref_octets << 16;
        m->total = m->udh.total;
        m->index = m->udh.index;
    } else if (sms_tlv_int(p->tlvs, SMS_TLV_SAR_MSG_REF_NUM, &ref) &&
               sms_tlv_int(p->tlvs, SMS_TLV_SAR_TOTAL_SEGMENTS, &total) &&
               sms_tlv_int(p->tlvs, SMS_TLV_SAR_SEGMENT_SEQNUM, &index) && index >= 1 && index <= total &&
               total <= HILO_PARTS_MAX) {
        m->ref = ref | 3u << 16;
        m->total = total;
        m->index = index;
    }
    m->from_n =
        sms_address_read(p->source_addr_ton, p->source_addr_npi, p->source_addr, conf->country, m->from);
    m->to_n = sms_address_read(p->dest_addr_ton, p->dest_addr_npi, p->destination_addr, conf->country, m->to);
}

/* Whether it is words: no data for a port, no alphabet that nobody knows. */
static bool in_is_text(const struct in_message *m)
{
    return m->coding.alphabet != SMS_ALPHABET_BINARY && !m->unread && !m->udh.has_ports;
}

/* Parts of one message have this in common, and those of no other at the same time. The numbers of
 * people are in it only as a hash. */
static void in_key(const struct in_message *m, char out[41])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char text[sizeof m->from + sizeof m->to + 40];
    int n = snprintf(text, sizeof text, "%.*s %.*s %u %u", (int)m->from_n, m->from, (int)m->to_n, m->to,
                     m->ref, m->total);
    unsigned i;

    (void)SHA256((const uint8_t *)text, (size_t)n, digest);
    for (i = 0; i < 20; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* s in quotes; of addresses, which are printable ASCII. */
static size_t json_string(char *out, size_t cap, const char *s, size_t n)
{
    size_t at = 0, i;

    out[at++] = '"';
    for (i = 0; i < n && at + 4 < cap; i++) {
        if (s[i] == '"' || s[i] == '\\')
            out[at++] = '\\';
        out[at++] = s[i];
    }
    out[at++] = '"';
    return at;
}

static void in_put_extra(struct hilo_writer *w, const struct in_message *m)
{
    char extra[400];
    size_t n = (size_t)snprintf(extra, sizeof extra, "{\"destination\":");

    n += json_string(extra + n, sizeof extra - n - 2, m->to, m->to_n);
    extra[n++] = '}';
    hilo_put(w, HILO_T_MSG_EXTRA, extra, n);
}

static void in_put_head(struct smpp *s, struct hilo_writer *w, const struct in_message *m)
{
    char ext[IN_EXT];

    (void)snprintf(ext, sizeof ext, "%s-%llx", s->run, (unsigned long long)m->number);
    hilo_put_u64(w, HILO_T_MSG_KIND, HILO_KIND_INBOUND);
    hilo_put_str(w, HILO_T_MSG_EXT_ID, sms_str(ext));
    hilo_put_u64(w, HILO_T_MSG_TIME, (uint64_t)s->sms->host.wall_us(s->sms->self));
    hilo_open(w, HILO_T_MSG_PARTY);
    hilo_put_u64(w, HILO_T_IDENT_SCHEME, HILO_SCHEME_PHONE);
    hilo_put(w, HILO_T_IDENT_VALUE, m->from, m->from_n);
    hilo_close(w);
    if (m->to_n)
        in_put_extra(w, m);
}

static void in_put_text(struct hilo_writer *w, const struct in_message *m, const struct sms_text *t)
{
    char key[41];

    if (m->total > 1) {
        in_key(m, key);
        hilo_open(w, HILO_T_MSG_PART);
        hilo_put_str(w, HILO_T_PART_KEY, sms_str(key));
        hilo_put_u64(w, HILO_T_PART_INDEX, m->index);
        hilo_put_u64(w, HILO_T_PART_TOTAL, m->total);
        if (t->low)
            hilo_put_u64(w, HILO_T_PART_LOW, t->low);
        if (t->high)
            hilo_put_u64(w, HILO_T_PART_HIGH, t->high);
        hilo_close(w);
    }
    hilo_open(w, HILO_T_MSG_CONTENT);
    hilo_put_u64(w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
    hilo_put_str(w, HILO_T_CONTENT_TEXT, t->text);
    hilo_close(w);
}

/* What is no text is kept whole, as hexadecimal digits. */
static void in_put_unsupported(struct hilo_writer *w, const struct in_message *m, char *json, size_t cap)
{
    struct hilo_str all = m->pdu->short_message;
    char type[32];
    size_t n;
    uint64_t i;

    if (all.n == 0)
        (void)sms_tlv_find(m->pdu->tlvs, SMS_TLV_MESSAGE_PAYLOAD, &all);
    (void)snprintf(type, sizeof type, "data_coding 0x%02x", m->pdu->data_coding);
    n = (size_t)snprintf(json, cap, "{\"data_coding\":%u,\"esm_class\":%u,\"protocol_id\":%u,\"octets\":\"",
                         m->pdu->data_coding, m->pdu->esm_class, m->pdu->protocol_id);
    for (i = 0; i < all.n && n + 5 < cap; i++)
        n += (size_t)snprintf(json + n, cap - n, "%02x", (uint8_t)all.p[i]);
    n += (size_t)snprintf(json + n, cap - n, "\"}");
    hilo_open(w, HILO_T_MSG_CONTENT);
    hilo_put_u64(w, HILO_T_CONTENT_TYPE, HILO_CONTENT_UNSUPPORTED);
    hilo_put_str(w, HILO_T_CONTENT_RAW_TYPE, sms_str(type));
    hilo_put(w, HILO_T_CONTENT_RAW, json, n);
    hilo_close(w);
}

/* Room for a message of any size; what is kept from one is there for the next. */
static bool in_room(char **p, size_t *cap, size_t need)
{
    char *more;

    if (*cap >= need)
        return true;
    more = realloc(*p, need);
    if (!more)
        return false;
    *p = more;
    *cap = need;
    return true;
}

static void in_message(struct smpp_bind *b, const struct sms_pdu *p)
{
    char small_text[IN_TEXT], *text = small_text;
    uint8_t small[IN_BYTES], *bytes = small;
    struct smpp *s = b->smpp;
    size_t need, text_cap = sizeof small_text, cap = sizeof small;
    struct hilo_writer w;
    struct in_message m;
    struct sms_text t;

    in_read(b, p, &m);
    need = 4 * (size_t)m.octets.n + 256;
    if (need > sizeof small_text) {
        if (!in_room(&s->text, &s->text_cap, need) || !in_room(&s->bytes, &s->bytes_cap, need + IN_BYTES)) {
            smpp_bind_answer(b, p->command_id, SMS_RMSGQFUL, p->sequence);
            return;
        }
        text = s->text;
        text_cap = s->text_cap;
        bytes = (uint8_t *)s->bytes;
        cap = s->bytes_cap;
    }
    m.number = in_number(b, p);
    hilo_writer_init(&w, bytes, cap);
    in_put_head(s, &w, &m);
    if (in_is_text(&m) &&
        sms_text_decode(m.coding.alphabet, m.tables, m.octets, m.udh.octets, text, text_cap, &t) == HILO_OK)
        in_put_text(&w, &m, &t);
    else
        in_put_unsupported(&w, &m, text, text_cap);
    in_submit(b, p, &w, m.number);
}

void smpp_delivered(struct smpp_bind *b, const struct sms_pdu *p)
{
    struct hilo_str text = p->short_message, id;
    struct sms_receipt r;
    uint8_t kind = p->esm_class & ESM_KIND;

    if (text.n == 0)
        (void)sms_tlv_find(p->tlvs, SMS_TLV_MESSAGE_PAYLOAD, &text);
    if (kind == ESM_RECEIPT || kind == ESM_INTERMEDIATE || kind == ESM_DELIVERY_ACK || kind == ESM_USER_ACK ||
        sms_tlv_find(p->tlvs, SMS_TLV_RECEIPTED_MESSAGE_ID, &id)) {
        if (sms_receipt_read(text, p->tlvs, &r)) {
            in_receipt(b, p, &r);
            return;
        }
        if (kind == ESM_RECEIPT || kind == ESM_INTERMEDIATE) {
            /* Nothing that anybody could do with it: taken, so that it does not come again for ever. */
            sms_log(b->smpp->sms, HILO_LOG_WARN,
                    "a receipt without a message's id (esm_class 0x%02x) is passed by", p->esm_class);
            smpp_bind_answer(b, p->command_id, SMS_ROK, p->sequence);
            return;
        }
    }
    in_message(b, p);
}
