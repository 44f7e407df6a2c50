/*
 * A message of the model as submit_sm: addresses, text in segments, time, priority.
 *
 * The text is cut by hilo/segment.h with the rules that the core counted with. Where the
 * SMSC's alphabet of data_coding 0 lacks a character of the GSM alphabet (Greek in Latin-1), the
 * text goes as UCS-2: nothing is lost, though it may become more segments than were told.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gsm.h"
#include "smpp.h"
#include "udh.h"

enum {
    PLAN_HEAD = 512, /* octets of a submit_sm without its text, TLVs included */
    CLASS_0 = 0x10,  /* TS 23.038, 4: general data coding, with a message class, which is 0 */
    CLASS_0_UCS2 = 0x18
};

/* ---- the fields ---------------------------------------------------------------------------- */

static struct hilo_str plan_recipient(struct hilo_str message)
{
    struct hilo_str party = hilo_get_str(message, HILO_T_MSG_PARTY), native;

    native = hilo_get_str(party, HILO_T_IDENT_NATIVE);
    return native.n ? native : hilo_get_str(party, HILO_T_IDENT_VALUE);
}

static uint8_t plan_priority(const struct sms_conf *conf, struct hilo_str message)
{
    struct hilo_str v;
    uint64_t priority = hilo_find(message, HILO_T_MSG_PRIORITY, &v) ? hilo_u64(v) : 1; /* 0 urgent … 2 bulk */

    if (conf->priority == SMS_PRIORITY_GSM)
        return priority == 0;
    if (conf->priority == SMS_PRIORITY_ANSI136)
        return priority < 2 ? (uint8_t)(2 - priority) : 0;
    return 0;
}

static void plan_times(const struct smpp *s, struct hilo_str message, struct smpp_plan *p)
{
    const struct sms_conf *conf = &s->sms->conf;
    int64_t now = s->sms->host.wall_us(s->sms->self);
    int64_t expires = (int64_t)hilo_get_u64(message, HILO_T_MSG_EXPIRES);
    int64_t left = (expires - now) / 1000000;
    bool told = false;

    if (conf->validity == SMS_VALIDITY_NONE || expires <= 0)
        return;
    if (left < 1)
        left = 1;
    if (conf->validity == SMS_VALIDITY_RELATIVE)
        told = sms_time_write_relative(left, p->validity);
    if (!told)
        told = sms_time_write(now + left * 1000000, p->validity);
    if (told)
        p->pdu.validity_period = (struct hilo_str){p->validity, SMS_TIME_MAX};
}

/* ---- the text --------------------------------------------------------------------------------- */

/* Whether every character of a GSM 7 bit form is in the SMSC's own alphabet too. */
static bool plan_fits(uint8_t alphabet, struct hilo_str text)
{
    const uint8_t *p = (const uint8_t *)text.p, *end = p + text.n;
    uint32_t limit = alphabet == SMS_ALPHABET_ASCII ? 0x7f : 0xff, cp, len;

    if (alphabet == SMS_ALPHABET_GSM || alphabet == SMS_ALPHABET_GSM_PACKED || text.n == 0)
        return true;
    for (; p < end; p += len) {
        cp = hilo__segment_read(p, end, &len);
        if (cp > limit)
            return false;
    }
    return true;
}

static int32_t plan_text(const struct sms_conf *conf, struct hilo_str text, bool flash, struct smpp_plan *p)
{
    struct hilo_segment_rules rules = sms_segment_rules(conf);
    uint8_t standard = (uint8_t)(SMS_ALPHABET_GSM + conf->alphabet);
    int32_t code;

    if (flash)
        rules.flags &= ~(uint32_t)HILO_SEGMENT_LATIN1; /* data_coding 3 has no class */
    code = hilo_segments_measure(text, &rules, &p->cut);
    if (code == HILO_OK && p->cut.form & HILO_SEGMENT_GSM7 &&
        (!plan_fits(standard, text) ||
         (standard > SMS_ALPHABET_GSM_PACKED && p->cut.form != HILO_SEGMENT_GSM7))) {
        rules.flags = HILO_SEGMENT_UCS2;
        code = hilo_segments_measure(text, &rules, &p->cut);
    }
    p->text = text;
    p->charset = p->cut.form & HILO_SEGMENT_UCS2     ? SMS_ALPHABET_UCS2
                 : p->cut.form & HILO_SEGMENT_LATIN1 ? SMS_ALPHABET_LATIN1
                                                     : standard;
    p->pdu.data_coding = p->cut.form & HILO_SEGMENT_UCS2     ? (flash ? CLASS_0_UCS2 : 8)
                         : p->cut.form & HILO_SEGMENT_LATIN1 ? 3
                                                             : (flash ? CLASS_0 : 0);
    p->several = p->cut.segments > 1;
    p->sar = conf->long_messages == SMS_LONG_SAR;
    p->udh16 = conf->long_messages == SMS_LONG_UDH16;
    p->payload = p->several && conf->long_messages == SMS_LONG_PAYLOAD;
    p->n = p->payload ? 1 : p->cut.segments;
    return code;
}

int32_t smpp_plan(const struct smpp *s, struct hilo_str message, struct smpp_plan *p, const char **reason_out,
                  const char **why_out)
{
    static const uint8_t receipts[] = {
        [SMS_RECEIPTS_FINAL] = 1, [SMS_RECEIPTS_FAILURE] = 2, [SMS_RECEIPTS_NONE] = 0};
    const struct sms_conf *conf = &s->sms->conf;
    struct hilo_str content = hilo_content(message);
    const bool flash = conf->flash || hilo_get_u64(message, HILO_T_MSG_FLASH);
    struct hilo_str sender = hilo_get_str(message, HILO_T_MSG_SENDER);
    struct sms_address from = {0, 0, {NULL, 0}}, to;

    memset(p, 0, sizeof *p);
    *reason_out = "invalid_content";
    *why_out = "only texts can be sent by SMS";
    if (hilo_content_type(message) != HILO_CONTENT_TEXT)
        return HILO_PERM;
    *why_out = "the text can't be cut into segments by the options of this channel";
    if (plan_text(conf, hilo_get_str(content, HILO_T_CONTENT_TEXT), flash, p) != HILO_OK)
        return HILO_PERM;
    *reason_out = "too_long";
    *why_out = "the text has more segments than the channel's segments_max";
    if (p->cut.segments > (uint64_t)conf->segments_max)
        return HILO_PERM;
    *reason_out = "invalid_sender";
    if (!sender.n)
        sender = conf->sender;
    *why_out = sender.n ? sms_address_write(sender, &s->rules, &from) : NULL;
    if (*why_out)
        return HILO_PERM;
    *reason_out = "invalid_recipient";
    *why_out = sms_address_write(plan_recipient(message), &s->rules, &to);
    if (*why_out)
        return HILO_PERM;
    p->pdu.command_id = SMS_SUBMIT_SM;
    p->pdu.service_type = conf->service_type;
    p->pdu.source_addr_ton = from.ton;
    p->pdu.source_addr_npi = from.npi;
    p->pdu.source_addr = from.addr;
    p->pdu.dest_addr_ton = to.ton;
    p->pdu.dest_addr_npi = to.npi;
    p->pdu.destination_addr = to.addr;
    p->pdu.priority_flag = plan_priority(conf, message);
    p->pdu.registered_delivery = (uint8_t)(receipts[conf->receipts] | (conf->intermediate ? 0x10 : 0));
    plan_times(s, message, p);
    return HILO_OK;
}

/* ---- the bytes ----------------------------------------------------------------------------------- */

/* A form's octets as the SMSC's alphabet has them. */
static size_t plan_octets(const struct smpp_plan *p, struct hilo_str part, unsigned header, uint8_t *out,
                          size_t cap)
{
    const uint8_t *at = (const uint8_t *)part.p, *end = at + part.n;
    uint8_t septets[256];
    uint32_t len;
    size_t n = 0;

    if (p->charset == SMS_ALPHABET_GSM_PACKED && !p->payload) {
        n = (size_t)hilo_segment_encode(&p->cut, part, septets, sizeof septets);
        return (size_t)sms_gsm_pack(septets, n, header, out);
    }
    if (p->cut.form & HILO_SEGMENT_GSM7 &&
        (p->charset == SMS_ALPHABET_ASCII || p->charset == SMS_ALPHABET_LATIN1)) {
        for (; part.n && at < end && n < cap; at += len)
            out[n++] = (uint8_t)hilo__segment_read(at, end, &len);
        return n;
    }
    return (size_t)hilo_segment_encode(&p->cut, part, out, cap);
}

size_t smpp_plan_room(const struct smpp_plan *p)
{
    return PLAN_HEAD + (p->payload ? 2 * (PLAN_HEAD + (size_t)p->text.n * 2) : 0);
}

static int32_t plan_put_payload(const struct smpp_plan *p, struct sms_pdu *pdu, struct sms_out *out)
{
    /* Encoded in the second half of the room, and copied to where the TLV's value stands. */
    uint8_t *octets = out->p + out->cap / 2;
    size_t n = plan_octets(p, p->text, 0, octets, (size_t)(out->cap - out->cap / 2));
    struct sms_out half = *out;
    int32_t code;

    if (n > UINT16_MAX)
        return HILO_INVALID;
    half.cap = out->cap / 2;
    code = sms_pdu_encode(pdu, &half);
    if (code == HILO_OK)
        code = sms_tlv_put(&half, SMS_TLV_MESSAGE_PAYLOAD, (struct hilo_str){(const char *)octets, n});
    if (code == HILO_OK)
        out->n = half.n;
    return code;
}

static int32_t plan_put_reference(const struct sms_slot *slot, struct sms_out *out)
{
    return slot->user_reference
               ? sms_tlv_put_int(out, SMS_TLV_USER_MESSAGE_REFERENCE, slot->user_reference, 2)
               : HILO_OK;
}

int32_t smpp_plan_put(const struct smpp_plan *p, unsigned index, struct hilo_str part, uint16_t reference,
                      const struct sms_slot *slot, struct sms_out *out)
{
    struct sms_pdu pdu = p->pdu;
    struct sms_udh udh = {0};
    uint8_t octets[SMS_UDH_MAX + 256];
    bool sar = false;
    unsigned header;
    int32_t code;
    size_t n;

    pdu.sequence = slot->seq;
    if (p->payload) {
        code = plan_put_payload(p, &pdu, out);
        return code == HILO_OK ? plan_put_reference(slot, out) : code;
    }
    if (p->several) {
        sar = p->sar;
        if (!sar) {
            udh.ref = p->udh16 ? reference : reference & 0xff;
            udh.ref_octets = p->udh16 ? 2 : 1;
            udh.total = (uint8_t)p->n;
            udh.index = (uint8_t)(index + 1);
        }
    }
    if (p->cut.form & HILO_GSM_NATIONAL)
        sms_udh_set_tables(&udh, p->cut.form & HILO_GSM_NATIONAL);
    header = sms_udh_write(&udh, octets);
    n = plan_octets(p, part, header, octets + header, sizeof octets - header);
    if (header)
        pdu.esm_class |= 0x40;
    pdu.short_message = (struct hilo_str){(const char *)octets, header + n};
    code = sms_pdu_encode(&pdu, out);
    if (code == HILO_OK && sar)
        code = sms_tlv_put_int(out, SMS_TLV_SAR_MSG_REF_NUM, reference, 2);
    if (code == HILO_OK && sar)
        code = sms_tlv_put_int(out, SMS_TLV_SAR_TOTAL_SEGMENTS, p->n, 1);
    if (code == HILO_OK && sar)
        code = sms_tlv_put_int(out, SMS_TLV_SAR_SEGMENT_SEQNUM, index + 1, 1);
    return code == HILO_OK ? plan_put_reference(slot, out) : code;
}
