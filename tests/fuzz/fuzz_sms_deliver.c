/*
 * What an SMS centre brings, from a PDU to what the core is given: the first byte chooses
 * options, the rest is a PDU (its length is put right).
 *
 * Beyond not crashing: at most one message is submitted for it. It is an inbound message with
 * an id, a sender and contents in UTF-8, or a receipt of an id; a part's number is within its
 * total. Said again after its session broke, a message has the same id.
 */
#include "../../plugins/sms/smpp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(what)                                                                                           \
    do {                                                                                                     \
        if (!(what))                                                                                         \
            abort();                                                                                         \
    } while (0)

struct run {
    struct sms sms;
    struct smpp smpp;
    struct smpp_bind bind;
    unsigned submitted;
    char ext[2][64];
    bool inbound;
};

static void utf8(struct hilo_str s)
{
    const uint8_t *at = (const uint8_t *)s.p, *end = at + s.n;
    uint32_t n;

    for (; s.n && at < end; at += n)
        must(hilo__utf8(at, end, &n) != UINT32_MAX && *at);
}

static void braces(struct hilo_str s)
{
    uint64_t i;

    must(s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}');
    for (i = 0; i < s.n; i++)
        must(s.p[i] >= 0x20 && s.p[i] < 0x7f);
}

static void check_inbound(struct hilo_str m)
{
    struct hilo_str content = hilo_content(m), part = hilo_get_str(m, HILO_T_MSG_PART);
    uint64_t index = hilo_get_u64(part, HILO_T_PART_INDEX), total = hilo_get_u64(part, HILO_T_PART_TOTAL);
    struct hilo_str extra = hilo_get_str(m, HILO_T_MSG_EXTRA);

    utf8(hilo_get_str(hilo_get_str(m, HILO_T_MSG_PARTY), HILO_T_IDENT_VALUE));
    if (extra.n)
        braces(extra);
    if (part.n) {
        must(total > 1 && total <= HILO_PARTS_MAX && index >= 1 && index <= total);
        must(hilo_get_str(part, HILO_T_PART_KEY).n > 0);
        must(hilo_content_type(m) == HILO_CONTENT_TEXT);
    }
    if (hilo_content_type(m) == HILO_CONTENT_TEXT) {
        utf8(hilo_get_str(content, HILO_T_CONTENT_TEXT));
    } else {
        must(hilo_content_type(m) == HILO_CONTENT_UNSUPPORTED);
        braces(hilo_get_str(content, HILO_T_CONTENT_RAW));
    }
}

static void check_receipt(struct hilo_str m)
{
    struct hilo_str r = hilo_get_str(m, HILO_T_MSG_RECEIPT);
    uint64_t status = hilo_get_u64(r, HILO_T_RECEIPT_STATUS);
    struct hilo_field f;
    unsigned spellings = 0;

    must(status == HILO_STATUS_SENT || status == HILO_STATUS_DELIVERED || status == HILO_STATUS_FAILED);
    while (hilo_next(&r, &f) == 1)
        spellings += f.tag == HILO_T_RECEIPT_SPELLINGS;
    must(spellings <= HILO_SPELLINGS_MAX);
}

static int32_t submit(struct hilo_self *self, uint64_t token, struct hilo_str m)
{
    struct run *run = (struct run *)self;
    struct hilo_str ext = hilo_get_str(m, HILO_T_MSG_EXT_ID), rest = m;
    struct hilo_field f;
    int rc;

    must(token && m.n && m.n <= HILO_MESSAGE_MAX && run->submitted < 2);
    while ((rc = hilo_next(&rest, &f)) == 1)
        ;
    must(rc == 0 && ext.n > 0 && hilo_get_u64(m, HILO_T_MSG_TIME) > 0);
    run->inbound = hilo_get_u64(m, HILO_T_MSG_KIND) == HILO_KIND_INBOUND;
    if (run->inbound) {
        check_inbound(m);
        must(ext.n < sizeof run->ext[0]);
        memcpy(run->ext[run->submitted], ext.p, (size_t)ext.n);
    } else {
        must(hilo_get_u64(m, HILO_T_MSG_KIND) == HILO_KIND_RECEIPT);
        check_receipt(m);
    }
    run->submitted++;
    return HILO_OK;
}

static void quiet(struct hilo_self *self, int32_t level, struct hilo_str text)
{
    (void)self;
    (void)level;
    utf8(text);
}

static int64_t now(struct hilo_self *self)
{
    (void)self;
    return 1000000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run *run;
    struct sms_pdu pdu;
    uint8_t *bytes;
    size_t n;

    if (size < 17 || size > SMS_PDU_MAX)
        return 0;
    run = calloc(1, sizeof *run);
    bytes = malloc(size - 1); /* of its own, so that reading beyond it is seen */
    must(run && bytes);
    n = size - 1;
    memcpy(bytes, data + 1, n);
    bytes[0] = 0;
    bytes[1] = (uint8_t)(n >> 16);
    bytes[2] = (uint8_t)(n >> 8);
    bytes[3] = (uint8_t)n;
    run->sms.host = (struct hilo_host){
        .size = sizeof run->sms.host, .submit = submit, .log = quiet, .mono_us = now, .wall_us = now};
    run->sms.self = (struct hilo_self *)run;
    run->sms.conf.alphabet = data[0] & 3;
    run->sms.conf.message_id = data[0] >> 2 & 1;
    run->sms.conf.country = data[0] & 8 ? sms_str("57") : sms_none();
    run->smpp.sms = &run->sms;
    sms_react_init(&run->smpp.react, &run->sms.host, run->sms.self);
    must(smpp_in_init(&run->smpp));
    run->bind.smpp = &run->smpp;
    run->bind.session = 1;
    if (sms_pdu_decode(bytes, n, &pdu) == HILO_OK &&
        (pdu.command_id == SMS_DELIVER_SM || pdu.command_id == SMS_DATA_SM)) {
        smpp_delivered(&run->bind, &pdu);
        must(run->submitted <= 1);
        smpp_in_lost(&run->bind);
        run->bind.session++;
        if (run->submitted == 1 && run->inbound) {
            smpp_delivered(&run->bind, &pdu);
            must(run->submitted == 2 && memcmp(run->ext[0], run->ext[1], sizeof run->ext[0]) == 0);
        }
    }
    smpp_in_done(&run->smpp);
    free(bytes);
    free(run);
    return 0;
}
