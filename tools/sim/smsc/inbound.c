/* Messages from mobiles: one object of POST /_sim/inbound, cut into parts as a network would. */
#include "smsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 255 };
enum concat { CONCAT_UDH8, CONCAT_UDH16, CONCAT_SAR };

struct inbound {
    struct sm sm;
    char from[66], to[66], system_id[17];
    const char *text;
    struct sbuf bytes, udh; /* udh: without its length octet, before that of concatenation */
    struct sbuf tlvs[TLVS_MAX];
    int64_t ref, part_octets, delay_ms;
    enum coding coding;
    enum concat concat;
    bool coding_given, cut, payload, data_sm;
    const cJSON *order;
};

static bool take_coding(struct inbound *in, const cJSON *v, char why[200])
{
    static const char *const names[] = {"gsm", "ucs2", "latin1", "ascii", "binary"};
    static const uint8_t codings[] = {0, 8, 3, 1, 4};

    for (unsigned i = 0; cJSON_IsString(v) && i < sizeof codings; i++)
        if (!strcmp(v->valuestring, names[i])) {
            in->coding = (enum coding)i;
            in->sm.coding = codings[i];
            in->coding_given = true;
            return true;
        }
    snprintf(why, 200, "coding is gsm, ucs2, latin1, ascii or binary");
    return false;
}

static bool take_tlv(struct inbound *in, const cJSON *v, char why[200])
{
    const cJSON *one;
    struct sm *m = &in->sm;

    cJSON_ArrayForEach(one, v)
    {
        struct tlv *t = &m->tlv[m->n_tlv];
        struct sbuf *bytes = &in->tlvs[m->n_tlv];
        const cJSON *tag = cJSON_GetObjectItemCaseSensitive(one, "tag");
        const char *text = member(one, "hex");

        if (m->n_tlv + 4 > TLVS_MAX || !cJSON_IsNumber(tag) || !text || !unhex(text, bytes)) {
            snprintf(why, 200, "tlvs are up to %d of {\"tag\":number,\"hex\":text}", TLVS_MAX - 4);
            return false;
        }
        *t = (struct tlv){(uint16_t)tag->valuedouble, (uint16_t)bytes->n, bytes->p};
        m->n_tlv++;
    }
    return true;
}

static bool take_octet(uint8_t *out, const cJSON *v, char why[200])
{
    int64_t n = 0;
    bool ok = take_number(&n, v, 0, 255, why);

    *out = (uint8_t)n;
    return ok;
}

static bool take_hex(struct sbuf *out, const cJSON *v, char why[200])
{
    if (cJSON_IsString(v) && !out->n && unhex(v->valuestring, out))
        return true;
    snprintf(why, 200, "%s is no hex", v->string);
    return false;
}

static bool take_concat(struct inbound *in, const cJSON *v, char why[200])
{
    static const char *const words[] = {"udh8", "udh16", "sar", NULL};

    in->cut = true;
    for (int i = 0; words[i]; i++)
        if (cJSON_IsString(v) && !strcmp(words[i], v->valuestring)) {
            in->concat = (enum concat)i;
            return true;
        }
    in->payload = cJSON_IsString(v) && !strcmp(v->valuestring, "payload");
    in->cut = false;
    if (!in->payload)
        snprintf(why, 200, "concat is udh8, udh16, sar or payload");
    return in->payload;
}

static bool take_member(struct inbound *in, const cJSON *v, char why[200])
{
    const struct {
        const char *key;
        uint8_t *out;
    } octets[] = {{"source_ton", &in->sm.source_ton}, {"source_npi", &in->sm.source_npi},
                  {"dest_ton", &in->sm.dest_ton},     {"dest_npi", &in->sm.dest_npi},
                  {"esm_class", &in->sm.esm_class},   {"protocol_id", &in->sm.protocol},
                  {"data_coding", &in->sm.coding}};

    for (size_t i = 0; i < sizeof octets / sizeof *octets; i++)
        if (!strcmp(octets[i].key, v->string))
            return take_octet(octets[i].out, v, why);
    if (!strcmp(v->string, "from"))
        return take_text(in->from, sizeof in->from, v, why);
    if (!strcmp(v->string, "to"))
        return take_text(in->to, sizeof in->to, v, why);
    if (!strcmp(v->string, "system_id"))
        return take_text(in->system_id, sizeof in->system_id, v, why);
    if (!strcmp(v->string, "text") && cJSON_IsString(v)) {
        in->text = v->valuestring;
        return true;
    }
    if (!strcmp(v->string, "coding"))
        return take_coding(in, v, why);
    if (!strcmp(v->string, "hex"))
        return take_hex(&in->bytes, v, why);
    if (!strcmp(v->string, "udh"))
        return take_hex(&in->udh, v, why);
    if (!strcmp(v->string, "tlvs"))
        return take_tlv(in, v, why);
    if (!strcmp(v->string, "concat"))
        return take_concat(in, v, why);
    if (!strcmp(v->string, "ref"))
        return take_number(&in->ref, v, 0, 65535, why);
    if (!strcmp(v->string, "part_octets"))
        return take_number(&in->part_octets, v, 2, 153, why);
    if (!strcmp(v->string, "delay_ms"))
        return take_number(&in->delay_ms, v, 0, 86400000, why);
    if (!strcmp(v->string, "data_sm"))
        return take_bool(&in->data_sm, v, why);
    if (!strcmp(v->string, "order") && cJSON_IsArray(v)) {
        in->order = v;
        return true;
    }
    snprintf(why, 200, "%s is not a known key", v->string);
    return false;
}

/* Where a part that begins at `at` ends: never between an escape and its character. A surrogate pair may be
 * cut, as handsets do; part_octets (even) chooses where. */
static size_t part_end(const struct inbound *in, size_t at)
{
    size_t max = in->part_octets ? (size_t)in->part_octets : in->coding == CODING_GSM ? 152 : 132;
    size_t end = at + max < in->bytes.n ? at + max : in->bytes.n;

    if (in->coding == CODING_GSM && end < in->bytes.n && in->bytes.p[end - 1] == 0x1b)
        end--;
    return end;
}

static void part_make(struct smsc *s, struct inbound *in, size_t from, size_t to, unsigned index,
                      unsigned total, cJSON *ids)
{
    struct sbuf body = {0};
    struct sm m = in->sm;
    const uint8_t ref[2] = {(uint8_t)(in->ref >> 8), (uint8_t)in->ref}, of = (uint8_t)total,
                  at = (uint8_t)index;
    struct delivery *d;

    if (in->udh.n || (in->cut && in->concat != CONCAT_SAR)) {
        unsigned more = !in->cut ? 0 : in->concat == CONCAT_UDH8 ? 5 : 6;
        pdu_u8(&body, (unsigned)in->udh.n + more);
        sbuf_add(&body, in->udh.p ? in->udh.p : (const uint8_t *)"", in->udh.n);
        if (more) {
            pdu_u8(&body, more == 5 ? 0 : 8);
            pdu_u8(&body, more - 2);
            if (more == 6)
                pdu_u8(&body, ref[0]);
            pdu_u8(&body, ref[1]);
            pdu_u8(&body, total);
            pdu_u8(&body, index);
        }
        m.esm_class |= 0x40;
    }
    if (in->cut && in->concat == CONCAT_SAR) {
        m.tlv[m.n_tlv++] = (struct tlv){TLV_SAR_REF, 2, ref};
        m.tlv[m.n_tlv++] = (struct tlv){TLV_SAR_TOTAL, 1, &of};
        m.tlv[m.n_tlv++] = (struct tlv){TLV_SAR_INDEX, 1, &at};
    }
    sbuf_add(&body, in->bytes.p + from, to - from);
    m.text = body.p;
    m.n = body.n;
    if (in->payload && !in->data_sm) {
        m.tlv[m.n_tlv++] = (struct tlv){TLV_PAYLOAD, (uint16_t)body.n, body.p};
        m.n = 0;
    }
    d = delivery_new(s, in->data_sm ? DATA_SM : DELIVER_SM, in->system_id, &m);
    cJSON_AddItemToArray(ids, cJSON_CreateNumber((double)d->seq));
    delivery_plan(s, d, in->delay_ms * 1000);
    free(body.p);
}

static bool make(struct smsc *s, struct inbound *in, cJSON *ids, char why[200])
{
    size_t ends[PARTS_MAX + 1] = {0};
    unsigned total = 0;
    const cJSON *v;

    if (in->text) {
        if (!in->coding_given) {
            in->coding = CODING_GSM;
            in->bytes.n = 0;
            if (!text_encode(CODING_GSM, in->text, &in->bytes)) {
                in->coding = CODING_UCS2;
                in->sm.coding = 8;
            }
        }
        in->bytes.n = 0;
        if (!text_encode(in->coding, in->text, &in->bytes)) {
            snprintf(why, 200, "text can't be said in that coding");
            return false;
        }
    }
    if (!in->bytes.p)
        sbuf_add(&in->bytes, "", 0);
    for (size_t at = 0; in->cut && at < in->bytes.n; ends[++total] = at) {
        if (total == PARTS_MAX) {
            snprintf(why, 200, "more than 255 parts");
            return false;
        }
        at = part_end(in, at);
    }
    if (!in->cut)
        ends[total = 1] = in->bytes.n;
    if (!in->order) {
        for (unsigned i = 1; i <= total; i++)
            part_make(s, in, ends[i - 1], ends[i], i, total, ids);
        return true;
    }
    cJSON_ArrayForEach(v, in->order)
    {
        if (!cJSON_IsNumber(v) || v->valueint < 1 || (unsigned)v->valueint > total) {
            snprintf(why, 200, "order names parts from 1 to %u", total);
            return false;
        }
        part_make(s, in, ends[v->valueint - 1], ends[v->valueint], (unsigned)v->valueint, total, ids);
    }
    return true;
}

bool inbound_make(struct smsc *s, const cJSON *json, cJSON *ids, char why[200])
{
    struct inbound *in = zeroed(sizeof *in);
    const cJSON *v;
    bool ok = cJSON_IsObject(json);

    in->sm.source_ton = in->sm.source_npi = in->sm.dest_npi = 1;
    in->sm.dest_ton = 1;
    (void)copy(in->from, sizeof in->from, "573001112233");
    (void)copy(in->to, sizeof in->to, "12345");
    (void)copy(in->system_id, sizeof in->system_id, s->conf.account[0].system_id);
    if (!ok)
        snprintf(why, 200, "must be an object");
    cJSON_ArrayForEach(v, json)
    {
        if (ok)
            ok = take_member(in, v, why);
    }
    (void)copy(in->sm.source, sizeof in->sm.source, in->from);
    (void)copy(in->sm.dest, sizeof in->sm.dest, in->to);
    ok = ok && make(s, in, ids, why);
    free(in->bytes.p);
    free(in->udh.p);
    for (size_t i = 0; i < TLVS_MAX; i++)
        free(in->tlvs[i].p);
    free(in);
    return ok;
}
