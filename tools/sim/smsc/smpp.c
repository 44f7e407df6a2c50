/* Reading and writing PDUs (smpp.h). */
#include "smpp.h"

#include <string.h>

static const struct {
    uint32_t id;
    const char *name;
} commands[] = {{BIND_RECEIVER, "bind_receiver"},
                {BIND_TRANSMITTER, "bind_transmitter"},
                {BIND_TRANSCEIVER, "bind_transceiver"},
                {QUERY_SM, "query_sm"},
                {SUBMIT_SM, "submit_sm"},
                {DELIVER_SM, "deliver_sm"},
                {UNBIND, "unbind"},
                {REPLACE_SM, "replace_sm"},
                {CANCEL_SM, "cancel_sm"},
                {OUTBIND, "outbind"},
                {ENQUIRE_LINK, "enquire_link"},
                {SUBMIT_MULTI, "submit_multi"},
                {ALERT_NOTIFICATION, "alert_notification"},
                {DATA_SM, "data_sm"},
                {RESPONSE | BIND_RECEIVER, "bind_receiver_resp"},
                {RESPONSE | BIND_TRANSMITTER, "bind_transmitter_resp"},
                {RESPONSE | BIND_TRANSCEIVER, "bind_transceiver_resp"},
                {RESPONSE | QUERY_SM, "query_sm_resp"},
                {RESPONSE | SUBMIT_SM, "submit_sm_resp"},
                {RESPONSE | DELIVER_SM, "deliver_sm_resp"},
                {RESPONSE | UNBIND, "unbind_resp"},
                {RESPONSE | REPLACE_SM, "replace_sm_resp"},
                {RESPONSE | CANCEL_SM, "cancel_sm_resp"},
                {RESPONSE | ENQUIRE_LINK, "enquire_link_resp"},
                {RESPONSE | SUBMIT_MULTI, "submit_multi_resp"},
                {RESPONSE | DATA_SM, "data_sm_resp"},
                {GENERIC_NACK, "generic_nack"}};

const char *command_name(uint32_t id)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].id == id)
            return commands[i].name;
    return NULL;
}

uint32_t command_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(commands[i].name, name))
            return commands[i].id;
    return 0;
}

/* ---- reading ---- */

struct rest {
    const uint8_t *p;
    size_t n;
    bool bad; /* it ended before a field, or in one */
};

static uint8_t get_u8(struct rest *r)
{
    if (!r->n) {
        r->bad = true;
        return 0;
    }
    r->n--;
    return *r->p++;
}

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t get_u16(struct rest *r)
{
    unsigned high = get_u8(r);

    return (uint16_t)(high << 8 | get_u8(r));
}

/* A C-octet string of at most max octets, its NUL included. */
static bool get_text(struct rest *r, char *out, size_t max)
{
    const uint8_t *end = r->n ? memchr(r->p, 0, r->n < max ? r->n : max) : NULL;
    size_t n;

    out[0] = 0;
    if (!end) {
        r->bad = true;
        return false;
    }
    n = (size_t)(end - r->p);
    memcpy(out, r->p, n + 1);
    r->p += n + 1;
    r->n -= n + 1;
    return true;
}

void head_read(const uint8_t p[HEADER], struct head *h)
{
    *h = (struct head){u32_at(p), u32_at(p + 4), u32_at(p + 8), u32_at(p + 12)};
}

uint32_t bind_read(const uint8_t *p, size_t n, struct bind *b, const char **why)
{
    struct rest r = {p, n, false};

    memset(b, 0, sizeof *b);
    if (!get_text(&r, b->system_id, 16)) {
        *why = "system_id is longer than 15";
        return ESME_RINVSYSID;
    }
    if (!get_text(&r, b->password, 9)) {
        *why = "password is longer than 8";
        return ESME_RINVPASWD;
    }
    if (!get_text(&r, b->system_type, 13)) {
        *why = "system_type is longer than 12";
        return ESME_RINVSYSTYP;
    }
    b->version = get_u8(&r);
    b->ton = get_u8(&r);
    b->npi = get_u8(&r);
    get_text(&r, b->range, 41);
    if (r.bad || r.n) {
        *why = "a bind that ends too early, or too late";
        return ESME_RINVCMDLEN;
    }
    return 0;
}

static uint32_t get_tlvs(struct rest *r, struct sm *m, const char **why)
{
    while (r->n) {
        struct tlv *t = &m->tlv[m->n_tlv];
        if (m->n_tlv == TLVS_MAX) {
            *why = "too many TLVs";
            return ESME_RINVOPTPARSTREAM;
        }
        t->tag = get_u16(r);
        t->n = get_u16(r);
        if (r->bad || t->n > r->n) {
            *why = "a TLV that is longer than its PDU";
            return ESME_RINVOPTPARSTREAM;
        }
        t->p = r->p;
        r->p += t->n;
        r->n -= t->n;
        m->n_tlv++;
    }
    return 0;
}

const struct tlv *sm_tlv(const struct sm *m, uint16_t tag)
{
    for (unsigned i = 0; i < m->n_tlv; i++)
        if (m->tlv[i].tag == tag)
            return &m->tlv[i];
    return NULL;
}

/* Empty, or 16 characters: absolute (… + or - after the quarter hours) or relative (R). */
static bool is_time(const char *t)
{
    size_t n = strlen(t);

    if (!n)
        return true;
    return n == 16 && strspn(t, "0123456789") == 15 && strchr("+-R", t[15]);
}

uint32_t sm_read(uint32_t command, const uint8_t *p, size_t n, struct sm *m, const char **why)
{
    struct rest r = {p, n, false};
    size_t address = command == DATA_SM ? 65 : 21;
    const struct tlv *payload;
    uint32_t status;

    memset(m, 0, sizeof *m);
    *why = "it ends within its fields, or a text is too long";
    get_text(&r, m->service, 6);
    m->source_ton = get_u8(&r);
    m->source_npi = get_u8(&r);
    if (!get_text(&r, m->source, address))
        return ESME_RINVSRCADR;
    m->dest_ton = get_u8(&r);
    m->dest_npi = get_u8(&r);
    if (!get_text(&r, m->dest, address))
        return ESME_RINVDSTADR;
    m->esm_class = get_u8(&r);
    if (command != DATA_SM) {
        m->protocol = get_u8(&r);
        m->priority = get_u8(&r);
        if (!get_text(&r, m->schedule, 17) || !is_time(m->schedule)) {
            *why = "schedule_delivery_time is no time";
            return ESME_RINVSCHED;
        }
        if (!get_text(&r, m->validity, 17) || !is_time(m->validity)) {
            *why = "validity_period is no time";
            return ESME_RINVEXPIRY;
        }
    }
    m->registered = get_u8(&r);
    if (command != DATA_SM)
        m->replace = get_u8(&r);
    m->coding = get_u8(&r);
    if (command != DATA_SM) {
        m->default_id = get_u8(&r);
        m->n = get_u8(&r);
        m->text = r.p;
        if (r.bad || m->n > r.n || m->n > 254) {
            *why = "sm_length is more than there is, or than 254";
            return ESME_RINVMSGLEN;
        }
        r.p += m->n;
        r.n -= m->n;
    }
    if (r.bad)
        return ESME_RINVCMDLEN;
    status = get_tlvs(&r, m, why);
    if (status)
        return status;
    payload = sm_tlv(m, TLV_PAYLOAD);
    if (payload && m->n) {
        *why = "short_message and message_payload together";
        return ESME_ROPTPARNOTALLWD;
    }
    if (payload) {
        m->text = payload->p;
        m->n = payload->n;
    }
    return 0;
}

uint32_t ask_read(const uint8_t *p, size_t n, bool cancel, char id[66], char source[22], char dest[22])
{
    struct rest r = {p, n, false};
    char service[7];

    if (cancel)
        get_text(&r, service, 6);
    if (!get_text(&r, id, 65))
        return ESME_RINVMSGID;
    get_u8(&r);
    get_u8(&r);
    get_text(&r, source, 21);
    dest[0] = 0;
    if (cancel) {
        get_u8(&r);
        get_u8(&r);
        get_text(&r, dest, 21);
    }
    return r.bad || r.n ? ESME_RINVCMDLEN : 0;
}

/* ---- writing ---- */

static void put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

size_t pdu_begin(struct sbuf *b, uint32_t id, uint32_t status, uint32_t seq)
{
    size_t begin = b->n;
    uint8_t head[HEADER];

    put_u32(head, HEADER);
    put_u32(head + 4, id);
    put_u32(head + 8, status);
    put_u32(head + 12, seq);
    sbuf_add(b, head, sizeof head);
    return begin;
}

void pdu_u8(struct sbuf *b, unsigned v)
{
    uint8_t byte = (uint8_t)v;

    sbuf_add(b, &byte, 1);
}

void pdu_text(struct sbuf *b, const char *text)
{
    sbuf_add(b, text, strlen(text) + 1);
}

void pdu_tlv(struct sbuf *b, uint16_t tag, const void *p, size_t n)
{
    const uint8_t head[4] = {(uint8_t)(tag >> 8), (uint8_t)tag, (uint8_t)(n >> 8), (uint8_t)n};

    sbuf_add(b, head, sizeof head);
    sbuf_add(b, p, n);
}

void pdu_end(struct sbuf *b, size_t begin)
{
    put_u32(b->p + begin, (uint32_t)(b->n - begin));
}

void sm_write(struct sbuf *b, uint32_t command, const struct sm *m)
{
    bool inside = command != DATA_SM && m->n <= 254;

    pdu_text(b, m->service);
    pdu_u8(b, m->source_ton);
    pdu_u8(b, m->source_npi);
    pdu_text(b, m->source);
    pdu_u8(b, m->dest_ton);
    pdu_u8(b, m->dest_npi);
    pdu_text(b, m->dest);
    pdu_u8(b, m->esm_class);
    if (command != DATA_SM) {
        pdu_u8(b, m->protocol);
        pdu_u8(b, m->priority);
        pdu_text(b, m->schedule);
        pdu_text(b, m->validity);
    }
    pdu_u8(b, m->registered);
    if (command != DATA_SM)
        pdu_u8(b, m->replace);
    pdu_u8(b, m->coding);
    if (command != DATA_SM) {
        pdu_u8(b, m->default_id);
        pdu_u8(b, inside ? (unsigned)m->n : 0);
        sbuf_add(b, m->text, inside ? m->n : 0);
    }
    if (!inside)
        pdu_tlv(b, TLV_PAYLOAD, m->text, m->n);
    for (unsigned i = 0; i < m->n_tlv; i++)
        pdu_tlv(b, m->tlv[i].tag, m->tlv[i].p, m->tlv[i].n);
}
