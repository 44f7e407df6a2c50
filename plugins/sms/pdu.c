/*
 * SMPP 3.4 PDUs. One walk over a layout's steps reads, one writes; pdu.def has the layouts.
 *
 * Limits: submit_multi's lists are framed and checked, and left as bytes; SMPP 5.0's
 * broadcast operations are unknown. A field longer than it may be is taken when read, as
 * centres do write them, and its PDU tells so.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pdu.h"
#include "status.h"

#include <stddef.h>
#include <string.h>

enum kind { END, STRING, OCTET, MESSAGE, DEST_LIST, FAILED_LIST };

/* A field of a body: where struct sms_pdu has it, and its count, if it has one. */
struct step {
    uint8_t kind, max;
    uint16_t at, count_at;
};

#define STR(field, max)       {STRING, max, offsetof(struct sms_pdu, field), 0},
#define U8(field)             {OCTET, 1, offsetof(struct sms_pdu, field), 0},
#define SM(field)             {MESSAGE, 0, offsetof(struct sms_pdu, field), 0},
#define DESTS(count, list)    {DEST_LIST, 0, offsetof(struct sms_pdu, list), offsetof(struct sms_pdu, count)},
#define FAILED(count, list)   {FAILED_LIST, 0, offsetof(struct sms_pdu, list), offsetof(struct sms_pdu, count)},
#define SMS_LAYOUT(name, ...) static const struct step layout_##name[] = {__VA_ARGS__{END, 0, 0, 0}};
#include "pdu.def"

static const struct command {
    const struct step *body;
    const char *name;
} command_table[] = {
#define SMS_PDU(name, id, layout, text) {layout_##layout, text},
#include "pdu.def"
};
enum row {
#define SMS_PDU(name, id, layout, text) ROW_##name,
#include "pdu.def"
};

static const struct command *command_of(uint32_t id)
{
    switch (id) {
#define SMS_PDU(name, id, layout, text)                                                                      \
    case (id):                                                                                               \
        return &command_table[ROW_##name];
#include "pdu.def"
    default:
        return NULL;
    }
}

const char *sms_command_name(uint32_t command_id)
{
    const struct command *c = command_of(command_id);

    return c ? c->name : "?";
}

static struct hilo_str *str_at(struct sms_pdu *p, uint16_t at)
{
    return (struct hilo_str *)(void *)((char *)p + at);
}
static uint8_t *octet_at(struct sms_pdu *p, uint16_t at)
{
    return (uint8_t *)p + at;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* ---- reading ------------------------------------------------------------------------ */

int64_t sms_pdu_length(const void *bytes, uint64_t n, uint32_t max)
{
    uint32_t length;

    if (n < 4)
        return 0;
    length = get32(bytes);
    if (length < SMS_HEADER || length > max)
        return -1;
    return length <= n ? (int64_t)length : 0;
}

/* The octets of a list of n addresses at p; -1: it does not end before end. */
static int64_t list_octets(uint8_t kind, unsigned n, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *start = p, *nul;

    for (; n; n--) {
        int64_t before = 2, after = kind == FAILED_LIST ? 4 : 0;

        if (kind == DEST_LIST) {
            if (p == end)
                return -1;
            before = *p == 1 ? 3 : *p == 2 ? 1 : -1; /* flag, ton, npi; or flag: a list's name */
        }
        if (before < 0 || end - p <= before)
            return -1;
        nul = memchr(p + before, 0, (size_t)(end - p - before));
        if (!nul || end - nul - 1 < after)
            return -1;
        p = nul + 1 + after;
    }
    return p - start;
}

/* Reads a step at *at. False: the body ends before the field does. */
static bool read_step(const struct step *s, const uint8_t **at, const uint8_t *end, struct sms_pdu *out)
{
    const uint8_t *p = *at, *stop;
    int64_t n;

    if (p == end)
        return false;
    switch (s->kind) {
    case STRING:
        stop = memchr(p, 0, (size_t)(end - p));
        if (!stop) {
            if (!(out->command_id & SMS_RESP))
                return false;
            out->faults |= SMS_FAULT_NO_NUL;
        }
        n = (stop ? stop : end) - p;
        *str_at(out, s->at) = (struct hilo_str){(const char *)p, (uint64_t)n};
        if (n >= s->max)
            out->faults |= SMS_FAULT_LONG;
        *at = stop ? stop + 1 : end;
        return true;
    case OCTET:
        *octet_at(out, s->at) = *p;
        *at = p + 1;
        return true;
    case MESSAGE:
        n = *p++;
        if (end - p < n)
            return false;
        if (n > SMS_SHORT_MESSAGE_MAX)
            out->faults |= SMS_FAULT_LONG;
        break;
    default:
        n = list_octets(s->kind, *p, p + 1, end);
        if (n < 0)
            return false;
        *octet_at(out, s->count_at) = *p++;
    }
    *str_at(out, s->at) = (struct hilo_str){(const char *)p, (uint64_t)n};
    *at = p + n;
    return true;
}

int32_t sms_pdu_decode(const void *bytes, uint64_t n, struct sms_pdu *out)
{
    const uint8_t *p = bytes, *end;
    const struct command *c;
    const struct step *s;
    struct hilo_str rest, value;
    uint16_t tag;
    int rc;

    if (n < SMS_HEADER || get32(p) != n)
        return HILO_BUG;
    memset(out, 0, sizeof *out);
    end = p + n;
    out->command_id = get32(p + 4);
    out->command_status = get32(p + 8);
    out->sequence = get32(p + 12);
    c = command_of(out->command_id);
    if (!c)
        return HILO_NOSUP;
    for (p += SMS_HEADER, s = c->body; s->kind != END; s++) {
        if (!read_step(s, &p, end, out)) {
            if (!(out->command_id & SMS_RESP))
                return HILO_INVALID;
            out->faults |= SMS_FAULT_SHORT;
            return HILO_OK;
        }
    }
    out->tlvs = rest = (struct hilo_str){(const char *)p, (uint64_t)(end - p)};
    while ((rc = sms_tlv_next(&rest, &tag, &value)) == 1)
        ;
    if (rc < 0) {
        out->faults |= SMS_FAULT_TLV;
        out->tlvs.n -= rest.n;
    }
    return HILO_OK;
}

/* ---- writing ------------------------------------------------------------------------ */

/* Appends n bytes. */
static int32_t put(struct sms_out *out, const void *p, uint64_t n)
{
    if (n > out->cap - out->n)
        return HILO_FULL;
    if (n)
        memcpy(out->p + out->n, p, (size_t)n);
    out->n += n;
    return HILO_OK;
}

static int32_t put_octet(struct sms_out *out, uint8_t octet)
{
    return put(out, &octet, 1);
}

static int32_t write_step(const struct step *s, const struct sms_pdu *pdu, struct sms_out *out)
{
    const char *base = (const char *)pdu;
    struct hilo_str value;
    uint8_t count;
    int32_t rc;

    if (s->kind == OCTET)
        return put(out, base + s->at, 1);
    memcpy(&value, base + s->at, sizeof value);
    switch (s->kind) {
    case STRING:
        if (value.n >= s->max || (value.n && memchr(value.p, 0, value.n)))
            return HILO_INVALID;
        rc = put(out, value.p, value.n);
        return rc ? rc : put_octet(out, 0);
    case MESSAGE:
        if (value.n > SMS_SHORT_MESSAGE_MAX)
            return HILO_INVALID;
        count = (uint8_t)value.n;
        break;
    default:
        count = *((const uint8_t *)pdu + s->count_at);
        if (value.n == 0 ? count != 0
                         : list_octets(s->kind, count, (const uint8_t *)value.p,
                                       (const uint8_t *)value.p + value.n) != (int64_t)value.n)
            return HILO_INVALID;
    }
    rc = put_octet(out, count);
    return rc ? rc : put(out, value.p, value.n);
}

int32_t sms_pdu_encode(const struct sms_pdu *pdu, struct sms_out *out)
{
    const struct command *c = command_of(pdu->command_id);
    struct sms_out to = *out;
    const struct step *s;
    uint8_t *head;
    int32_t rc = HILO_OK;

    if (!c)
        return HILO_INVALID;
    if (to.cap - to.n < SMS_HEADER)
        return HILO_FULL;
    to.start = to.n;
    head = to.p + to.start;
    to.n += SMS_HEADER;
    for (s = c->body; !rc && s->kind != END; s++)
        rc = write_step(s, pdu, &to);
    if (!rc)
        rc = put(&to, pdu->tlvs.p, pdu->tlvs.n);
    if (!rc && to.n - to.start > UINT32_MAX)
        rc = HILO_INVALID;
    if (rc)
        return rc;
    put32(head, (uint32_t)(to.n - to.start));
    put32(head + 4, pdu->command_id);
    put32(head + 8, pdu->command_status);
    put32(head + 12, pdu->sequence);
    *out = to;
    return HILO_OK;
}

int32_t sms_pdu_answer(const struct sms_pdu *request, uint32_t status, struct sms_out *out)
{
    struct sms_pdu answer = {.command_id = request->command_id | SMS_RESP,
                             .command_status = status,
                             .sequence = request->sequence};

    if (answer.command_id == request->command_id || !command_of(answer.command_id)) {
        answer.command_id = SMS_GENERIC_NACK;
        if (status == SMS_ROK)
            answer.command_status = SMS_RINVCMDID;
    }
    return sms_pdu_encode(&answer, out);
}

/* ---- optional parameters ------------------------------------------------------------ */

int sms_tlv_next(struct hilo_str *rest, uint16_t *tag, struct hilo_str *value)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    uint64_t n;

    if (rest->n == 0)
        return 0;
    if (rest->n < 4)
        return -1;
    n = (uint64_t)p[2] << 8 | p[3];
    if (n > rest->n - 4)
        return -1;
    *tag = (uint16_t)(p[0] << 8 | p[1]);
    *value = (struct hilo_str){rest->p + 4, n};
    rest->p += 4 + n;
    rest->n -= 4 + n;
    return 1;
}

static bool is_string(uint16_t tag)
{
    enum { INT, STR, OCTETS };

    switch (tag) {
#define SMS_TLV_TYPE(name, tag, type)                                                                        \
    case (tag):                                                                                              \
        return (type) == STR;
        SMS_TLVS(SMS_TLV_TYPE)
    default:
        return false;
    }
}

bool sms_tlv_find(struct hilo_str tlvs, uint16_t tag, struct hilo_str *value)
{
    struct hilo_str found;
    uint16_t got;

    while (sms_tlv_next(&tlvs, &got, &found) == 1) {
        if (got != tag)
            continue;
        if (is_string(tag) && found.n && found.p[found.n - 1] == 0)
            found.n--;
        *value = found;
        return true;
    }
    return false;
}

bool sms_tlv_int(struct hilo_str tlvs, uint16_t tag, uint32_t *value)
{
    struct hilo_str found;
    uint32_t v = 0;
    uint64_t i;

    if (!sms_tlv_find(tlvs, tag, &found) || found.n == 0 || found.n > 4)
        return false;
    for (i = 0; i < found.n; i++)
        v = v << 8 | (uint8_t)found.p[i];
    *value = v;
    return true;
}

int32_t sms_tlv_put(struct sms_out *out, uint16_t tag, struct hilo_str value)
{
    uint64_t nul = is_string(tag), n = value.n + nul;
    uint8_t *p = out->p + out->n;

    if (n > UINT16_MAX || n + 4 > out->cap - out->n)
        return HILO_FULL;
    p[0] = (uint8_t)(tag >> 8);
    p[1] = (uint8_t)tag;
    p[2] = (uint8_t)(n >> 8);
    p[3] = (uint8_t)n;
    if (value.n)
        memcpy(p + 4, value.p, (size_t)value.n);
    if (nul)
        p[4 + value.n] = 0;
    out->n += 4 + n;
    put32(out->p + out->start, (uint32_t)(out->n - out->start));
    return HILO_OK;
}

int32_t sms_tlv_put_int(struct sms_out *out, uint16_t tag, uint32_t value, unsigned size)
{
    uint8_t octets[4];

    put32(octets, value);
    return sms_tlv_put(out, tag, (struct hilo_str){(const char *)octets + 4 - size, size});
}
