/*
 * A centre's bytes: PDUs one after another, as they come over a connection.
 *
 * Beyond not crashing: what is handed out lies within the PDU; a PDU without faults, written
 * again, is the same octets; with faults, what can be written reads the same; every
 * request can be answered, and the answer is a PDU.
 */
#include "sms_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t wire[SMS_PDU_MAX];

/* It cannot decide how to break these. clang-format comes to rest on neither. */
/* clang-format off */
#define STRINGS(X)                                                                                           \
    X(system_id) X(password) X(system_type) X(address_range) X(service_type) X(source_addr)                  \
    X(destination_addr) X(esme_addr) X(schedule_delivery_time) X(validity_period) X(final_date)              \
    X(message_id) X(short_message) X(dests) X(tlvs)
#define OCTETS(X)                                                                                            \
    X(interface_version) X(addr_ton) X(addr_npi) X(source_addr_ton) X(source_addr_npi) X(dest_addr_ton)      \
    X(dest_addr_npi) X(esme_addr_ton) X(esme_addr_npi) X(esm_class) X(protocol_id) X(priority_flag)          \
    X(registered_delivery) X(replace_if_present_flag) X(data_coding) X(sm_default_msg_id) X(message_state)   \
    X(error_code) X(n_dests)
/* clang-format on */

static void check_tlvs(struct hilo_str tlvs)
{
    struct hilo_str rest = tlvs, value, found;
    uint32_t number;
    uint16_t tag;
    int rc;

    while ((rc = sms_tlv_next(&rest, &tag, &value)) == 1) {
        must_lie_in(value, tlvs);
        must(sms_tlv_find(tlvs, tag, &found) && found.n <= UINT16_MAX);
        must_lie_in(found, tlvs);
        (void)sms_tlv_int(tlvs, tag, &number);
    }
    must(rc == 0);
}

static void check_written(const struct sms_pdu *pdu, struct hilo_str bytes)
{
    struct sms_out out = {wire, sizeof wire, 0, 0};
    struct sms_pdu again;

    if (sms_pdu_encode(pdu, &out) != HILO_OK) {
        must(pdu->faults & (SMS_FAULT_LONG | SMS_FAULT_SHORT | SMS_FAULT_NO_NUL));
        must(out.n == 0);
        return;
    }
    if (pdu->faults == 0) {
        must(out.n == bytes.n && memcmp(out.p, bytes.p, bytes.n) == 0);
        return;
    }
    must(sms_pdu_decode(out.p, out.n, &again) == HILO_OK && again.faults == 0);
#define SAME_STRING(field) must(same(pdu->field, again.field));
#define SAME_OCTET(field)  must(pdu->field == again.field);
    STRINGS(SAME_STRING)
    OCTETS(SAME_OCTET)
}

static void check_answer(const struct sms_pdu *pdu)
{
    uint8_t small[SMS_HEADER + 8];
    struct sms_out out = {small, sizeof small, 0, 0};
    struct sms_pdu answer;

    if (sms_pdu_answer(pdu, SMS_RMSGQFUL, &out) != HILO_OK)
        return; /* bodies of query_sm_resp and submit_multi_resp are longer; nobody answers with these */
    must(sms_pdu_length(out.p, out.n, SMS_PDU_MAX) == (int64_t)out.n);
    must(sms_pdu_decode(out.p, out.n, &answer) == HILO_OK);
    must(answer.command_id & SMS_RESP && answer.sequence == pdu->sequence);
    must(answer.command_status == SMS_RMSGQFUL && answer.faults == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hilo_str bytes;
    struct sms_pdu pdu;
    int64_t n;
    int32_t rc;

    while ((n = sms_pdu_length(data, size, SMS_PDU_MAX)) > 0) {
        /* A copy of just its size, so that a byte beyond is seen. */
        uint8_t *copy = malloc((size_t)n);

        must(copy && (size_t)n <= size);
        memcpy(copy, data, (size_t)n);
        bytes = (struct hilo_str){(const char *)copy, (uint64_t)n};
        rc = sms_pdu_decode(copy, (uint64_t)n, &pdu);
        must(rc == HILO_OK || rc == HILO_NOSUP || rc == HILO_INVALID);
        must(rc != HILO_INVALID || !(pdu.command_id & SMS_RESP));
        must((rc == HILO_NOSUP) == (*sms_command_name(pdu.command_id) == '?'));
        must(sms_status(pdu.command_status)->text[0]);
#define LIES_WITHIN(field) must_lie_in(pdu.field, bytes);
        STRINGS(LIES_WITHIN)
        check_tlvs(pdu.tlvs);
        if (rc == HILO_OK)
            check_written(&pdu, bytes);
        check_answer(&pdu);
        free(copy);
        data += n;
        size -= (size_t)n;
    }
    return 0;
}
