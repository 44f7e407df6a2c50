/*
 * The SMS plugin: PDUs of SMPP 3.4, against octets written down from the specification
 * (sections 4 and 5, issue 1.2).
 */
#include "sms_check.h"

#define STATUS_0 "\0\0\0\0"

static uint8_t wire[70000];

static struct sms_out out_of(uint64_t cap)
{
    return (struct sms_out){wire, cap, 0, 0};
}

/* Written, the PDU is these octets; read, they are the PDU, which written again is them. */
static void both_ways(const struct sms_pdu *pdu, struct hilo_str want, struct sms_pdu *read)
{
    struct sms_out out = out_of(sizeof wire);

    assert_int_equal(sms_pdu_encode(pdu, &out), HILO_OK);
    expect_bytes(out.p, out.n, want.p, want.n);
    assert_int_equal(sms_pdu_length(want.p, want.n, SMS_PDU_MAX), want.n);
    assert_int_equal(sms_pdu_decode(want.p, want.n, read), HILO_OK);
    assert_int_equal(read->faults, 0);
    assert_int_equal(read->command_id, pdu->command_id);
    assert_int_equal(read->command_status, pdu->command_status);
    assert_int_equal(read->sequence, pdu->sequence);
    out = out_of(sizeof wire);
    assert_int_equal(sms_pdu_encode(read, &out), HILO_OK);
    expect_bytes(out.p, out.n, want.p, want.n);
}

static void test_binds(void **state)
{
    /* The example of 4.1.1, a bind_transmitter: SMPP3TEST, secret08, SUBMIT1, 0x34, 1, 1. */
    struct sms_pdu pdu = {.command_id = SMS_BIND_TRANSMITTER,
                          .sequence = 1,
                          .system_id = LIT("SMPP3TEST"),
                          .password = LIT("secret08"),
                          .system_type = LIT("SUBMIT1"),
                          .interface_version = 0x34,
                          .addr_ton = 1,
                          .addr_npi = 1};
    struct sms_pdu read;

    (void)state;
    both_ways(&pdu,
              LIT("\0\0\0\x2f"
                  "\0\0\0\x02" STATUS_0 "\0\0\0\x01"
                  "SMPP3TEST\0secret08\0SUBMIT1\0\x34\x01\x01\0"),
              &read);
    expect_str(read.system_id, "SMPP3TEST");
    expect_str(read.password, "secret08");
    expect_str(read.system_type, "SUBMIT1");
    expect_str(read.address_range, "");
    assert_int_equal(read.interface_version, 0x34);

    pdu.command_id = SMS_BIND_RECEIVER;
    pdu.address_range = LIT("^569");
    both_ways(&pdu,
              LIT("\0\0\0\x33"
                  "\0\0\0\x01" STATUS_0 "\0\0\0\x01"
                  "SMPP3TEST\0secret08\0SUBMIT1\0\x34\x01\x01^569\0"),
              &read);
    expect_str(read.address_range, "^569");
    pdu.command_id = SMS_BIND_TRANSCEIVER;
    pdu.sequence = 0x7fffffff;
    pdu.address_range.n = 0;
    both_ways(&pdu,
              LIT("\0\0\0\x2f"
                  "\0\0\0\x09" STATUS_0 "\x7f\xff\xff\xff"
                  "SMPP3TEST\0secret08\0SUBMIT1\0\x34\x01\x01\0"),
              &read);
}

static void test_bind_answers(void **state)
{
    struct sms_pdu pdu = {.command_id = SMS_BIND_TRANSCEIVER_RESP,
                          .sequence = 1,
                          .system_id = LIT("SMSC"),
                          .tlvs = LIT("\x02\x10\0\x01\x34")};
    struct sms_pdu read;
    uint32_t version;

    (void)state;
    both_ways(&pdu,
              LIT("\0\0\0\x1a"
                  "\x80\0\0\x09" STATUS_0 "\0\0\0\x01"
                  "SMSC\0\x02\x10\0\x01\x34"),
              &read);
    expect_str(read.system_id, "SMSC");
    assert_true(sms_tlv_int(read.tlvs, SMS_TLV_SC_INTERFACE_VERSION, &version));
    assert_int_equal(version, 0x34);
    /* Refused: a header is all that has to come (3.2). */
    assert_int_equal(sms_pdu_decode("\0\0\0\x10\x80\0\0\x02\0\0\0\x0e\0\0\0\x01", 16, &read), HILO_OK);
    assert_int_equal(read.command_id, SMS_BIND_TRANSMITTER_RESP);
    assert_int_equal(read.command_status, SMS_RINVPASWD);
    assert_int_equal(read.faults, SMS_FAULT_SHORT);
    expect_str(read.system_id, "");
}

#define SUBMIT_BODY                                                                                          \
    "CMT\0"                                                                                                  \
    "\x05\0Hilo\0"                                                                                           \
    "\x01\x01"                                                                                               \
    "56912345678\0"                                                                                          \
    "\x40\0\x01\0"                                                                                           \
    "000001000000000R\0"                                                                                     \
    "\x01\0\x08\0\x0a"                                                                                       \
    "\x05\0\x03\x2a\x02\x01\0S\0\xed"

static const struct sms_pdu submit = {.command_id = SMS_SUBMIT_SM,
                                      .sequence = 5,
                                      .service_type = LIT("CMT"),
                                      .source_addr_ton = 5,
                                      .source_addr = LIT("Hilo"),
                                      .dest_addr_ton = 1,
                                      .dest_addr_npi = 1,
                                      .destination_addr = LIT("56912345678"),
                                      .esm_class = 0x40,
                                      .priority_flag = 1,
                                      .validity_period = LIT("000001000000000R"),
                                      .registered_delivery = 1,
                                      .data_coding = 8,
                                      .short_message = LIT("\x05\0\x03\x2a\x02\x01\0S\0\xed")};

static void test_submit(void **state)
{
    struct sms_pdu pdu = submit, read;
    uint32_t ref;

    (void)state;
    both_ways(&pdu, LIT("\0\0\0\x4d\0\0\0\x04" STATUS_0 "\0\0\0\x05" SUBMIT_BODY), &read);
    expect_str(read.service_type, "CMT");
    assert_int_equal(read.source_addr_ton, 5);
    assert_int_equal(read.source_addr_npi, 0);
    expect_str(read.source_addr, "Hilo");
    expect_str(read.destination_addr, "56912345678");
    assert_int_equal(read.esm_class, 0x40);
    assert_int_equal(read.priority_flag, 1);
    expect_str(read.schedule_delivery_time, "");
    expect_str(read.validity_period, "000001000000000R");
    assert_int_equal(read.registered_delivery, 1);
    assert_int_equal(read.data_coding, 8);
    expect_bytes(read.short_message.p, read.short_message.n, "\x05\0\x03\x2a\x02\x01\0S\0\xed", 10);

    pdu.tlvs = LIT("\x02\x04\0\x02\x12\x34");
    both_ways(&pdu, LIT("\0\0\0\x53\0\0\0\x04" STATUS_0 "\0\0\0\x05" SUBMIT_BODY "\x02\x04\0\x02\x12\x34"),
              &read);
    assert_true(sms_tlv_int(read.tlvs, SMS_TLV_USER_MESSAGE_REFERENCE, &ref));
    assert_int_equal(ref, 0x1234);
    assert_false(sms_tlv_int(read.tlvs, SMS_TLV_MESSAGE_STATE, &ref));

    pdu.command_id = SMS_DELIVER_SM;
    pdu.tlvs.n = 0;
    both_ways(&pdu, LIT("\0\0\0\x4d\0\0\0\x05" STATUS_0 "\0\0\0\x05" SUBMIT_BODY), &read);
}

static void test_others(void **state)
{
    struct sms_pdu read;

    (void)state;
    both_ways(&(struct sms_pdu){.command_id = SMS_SUBMIT_SM_RESP, .sequence = 5, .message_id = LIT("2a")},
              LIT("\0\0\0\x13\x80\0\0\x04" STATUS_0 "\0\0\0\x05"
                  "2a\0"),
              &read);
    expect_str(read.message_id, "2a");
    both_ways(&(struct sms_pdu){.command_id = SMS_DELIVER_SM_RESP, .sequence = 5},
              LIT("\0\0\0\x11\x80\0\0\x05" STATUS_0 "\0\0\0\x05\0"), &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_ENQUIRE_LINK, .sequence = 258},
              LIT("\0\0\0\x10\0\0\0\x15" STATUS_0 "\0\0\x01\x02"), &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_ENQUIRE_LINK_RESP, .sequence = 258},
              LIT("\0\0\0\x10\x80\0\0\x15" STATUS_0 "\0\0\x01\x02"), &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_UNBIND, .sequence = 3},
              LIT("\0\0\0\x10\0\0\0\x06" STATUS_0 "\0\0\0\x03"), &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_UNBIND_RESP, .sequence = 3},
              LIT("\0\0\0\x10\x80\0\0\x06" STATUS_0 "\0\0\0\x03"), &read);
    both_ways(
        &(struct sms_pdu){.command_id = SMS_GENERIC_NACK, .command_status = SMS_RINVCMDID, .sequence = 3},
        LIT("\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\x03"), &read);
    both_ways(
        &(struct sms_pdu){
            .command_id = SMS_OUTBIND, .sequence = 1, .system_id = LIT("c"), .password = LIT("p")},
        LIT("\0\0\0\x14\0\0\0\x0b" STATUS_0 "\0\0\0\x01"
            "c\0p\0"),
        &read);
    expect_str(read.password, "p");
    both_ways(&(struct sms_pdu){.command_id = SMS_QUERY_SM,
                                .sequence = 1,
                                .message_id = LIT("id"),
                                .source_addr_ton = 1,
                                .source_addr_npi = 2,
                                .source_addr = LIT("9")},
              LIT("\0\0\0\x17\0\0\0\x03" STATUS_0 "\0\0\0\x01"
                  "id\0\x01\x02"
                  "9\0"),
              &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_QUERY_SM_RESP,
                                .sequence = 1,
                                .message_id = LIT("id"),
                                .final_date = LIT("261127170800000+"),
                                .message_state = 2,
                                .error_code = 7},
              LIT("\0\0\0\x26\x80\0\0\x03" STATUS_0 "\0\0\0\x01"
                  "id\0"
                  "261127170800000+\0\x02\x07"),
              &read);
    assert_int_equal(read.message_state, SMS_STATE_DELIVERED);
    assert_int_equal(read.error_code, 7);
    both_ways(&(struct sms_pdu){.command_id = SMS_CANCEL_SM,
                                .sequence = 1,
                                .message_id = LIT("id"),
                                .source_addr_ton = 3,
                                .source_addr = LIT("600"),
                                .dest_addr_ton = 1,
                                .dest_addr_npi = 1,
                                .destination_addr = LIT("569")},
              LIT("\0\0\0\x20\0\0\0\x08" STATUS_0 "\0\0\0\x01"
                  "\0id\0\x03\0"
                  "600\0\x01\x01"
                  "569\0"),
              &read);
    both_ways(
        &(struct sms_pdu){.command_id = SMS_CANCEL_SM_RESP, .sequence = 1, .command_status = SMS_RCANCELFAIL},
        LIT("\0\0\0\x10\x80\0\0\x08\0\0\0\x11\0\0\0\x01"), &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_REPLACE_SM,
                                .sequence = 1,
                                .message_id = LIT("id"),
                                .source_addr = LIT("6"),
                                .registered_delivery = 1,
                                .sm_default_msg_id = 2,
                                .short_message = LIT("hi")},
              LIT("\0\0\0\x1e\0\0\0\x07" STATUS_0 "\0\0\0\x01"
                  "id\0\0\0"
                  "6\0\0\0\x01\x02\x02hi"),
              &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_REPLACE_SM_RESP, .sequence = 1},
              LIT("\0\0\0\x10\x80\0\0\x07" STATUS_0 "\0\0\0\x01"), &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_DATA_SM,
                                .sequence = 1,
                                .source_addr_ton = 1,
                                .source_addr = LIT("6"),
                                .dest_addr_npi = 1,
                                .destination_addr = LIT("7"),
                                .esm_class = 3,
                                .registered_delivery = 17,
                                .data_coding = 0xf0,
                                .tlvs = LIT("\x04\x24\0\x02hi")},
              LIT("\0\0\0\x22\0\0\x01\x03" STATUS_0 "\0\0\0\x01"
                  "\0\x01\0"
                  "6\0\0\x01"
                  "7\0\x03\x11\xf0\x04\x24\0\x02hi"),
              &read);
    assert_int_equal(read.registered_delivery, 17);
    both_ways(&(struct sms_pdu){.command_id = SMS_DATA_SM_RESP, .sequence = 1, .message_id = LIT("x")},
              LIT("\0\0\0\x12\x80\0\x01\x03" STATUS_0 "\0\0\0\x01x\0"), &read);
    both_ways(&(struct sms_pdu){.command_id = SMS_ALERT_NOTIFICATION,
                                .sequence = 1,
                                .source_addr_ton = 1,
                                .source_addr_npi = 1,
                                .source_addr = LIT("569"),
                                .esme_addr_ton = 3,
                                .esme_addr = LIT("600"),
                                .tlvs = LIT("\x04\x22\0\x01\0")},
              LIT("\0\0\0\x21\0\0\x01\x02" STATUS_0 "\0\0\0\x01\x01\x01"
                  "569\0\x03\0"
                  "600\0\x04\x22\0\x01\0"),
              &read);
}

static void test_submit_multi(void **state)
{
    struct sms_pdu pdu = submit, read;

    (void)state;
    pdu.command_id = SMS_SUBMIT_MULTI;
    pdu.validity_period.n = 0;
    pdu.n_dests = 2;
    pdu.dests = LIT("\x01\x01\x01"
                    "569\0\x02list\0");
    both_ways(&pdu,
              LIT("\0\0\0\x3d\0\0\0\x21" STATUS_0 "\0\0\0\x05"
                  "CMT\0\x05\0Hilo\0"
                  "\x02\x01\x01\x01"
                  "569\0\x02list\0"
                  "\x40\0\x01\0\0\x01\0\x08\0\x0a\x05\0\x03\x2a\x02\x01\0S\0\xed"),
              &read);
    assert_int_equal(read.n_dests, 2);
    assert_int_equal(read.dests.n, pdu.dests.n);
    pdu = (struct sms_pdu){.command_id = SMS_SUBMIT_MULTI_RESP,
                           .sequence = 5,
                           .message_id = LIT("id"),
                           .n_dests = 1,
                           .dests = LIT("\x01\x01"
                                        "569\0\0\0\0\x0b")};
    both_ways(&pdu,
              LIT("\0\0\0\x1e\x80\0\0\x21" STATUS_0 "\0\0\0\x05id\0\x01\x01\x01"
                  "569\0\0\0\0\x0b"),
              &read);
    /* A count that the list does not have. */
    pdu.n_dests = 2;
    assert_int_equal(sms_pdu_encode(&pdu, &(struct sms_out){wire, sizeof wire, 0, 0}), HILO_INVALID);
}

static void test_framing(void **state)
{
    (void)state;
    assert_int_equal(sms_pdu_length("\0\0\0", 3, SMS_PDU_MAX), 0);
    assert_int_equal(sms_pdu_length("\0\0\0\x10", 4, SMS_PDU_MAX), 0);
    assert_int_equal(sms_pdu_length("\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0", 15, SMS_PDU_MAX), 0);
    assert_int_equal(sms_pdu_length("\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01", 16, SMS_PDU_MAX), 16);
    assert_int_equal(sms_pdu_length("\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01\0", 17, SMS_PDU_MAX), 16);
    /* Told by the first four octets: a peer that lost its place is not waited for. */
    assert_int_equal(sms_pdu_length("\0\0\0\x0f", 4, SMS_PDU_MAX), -1);
    assert_int_equal(sms_pdu_length("HTTP", 4, SMS_PDU_MAX), -1);
    assert_int_equal(sms_pdu_length("\0\x01\x02\x01", 4, SMS_PDU_MAX), -1);
    assert_int_equal(sms_pdu_length("\0\x01\x02\0", 4, SMS_PDU_MAX), 0);
}

/* Cut anywhere, a request is refused and nothing beyond is read (under ASan); a response is
 * taken with what it has. Its header is there to be answered. */
static void test_cut_off(void **state)
{
    struct hilo_str whole = LIT("\0\0\0\x4d\0\0\0\x04" STATUS_0 "\0\0\0\x05" SUBMIT_BODY);
    struct sms_pdu read;
    size_t n;

    (void)state;
    for (n = SMS_HEADER; n < whole.n; n++) {
        uint8_t *cut = malloc(n);

        memcpy(cut, whole.p, n);
        cut[3] = (uint8_t)n;
        assert_int_equal(sms_pdu_decode(cut, n, &read), HILO_INVALID);
        assert_int_equal(read.command_id, SMS_SUBMIT_SM);
        assert_int_equal(read.sequence, 5);
        free(cut);
    }
    assert_int_equal(sms_pdu_decode(whole.p, whole.n - 1, &read), HILO_BUG);
    assert_int_equal(sms_pdu_decode("\0\0\0\x12\x80\0\0\x04" STATUS_0 "\0\0\0\x05"
                                    "2a",
                                    18, &read),
                     HILO_OK);
    expect_str(read.message_id, "2a");
    assert_int_equal(read.faults, SMS_FAULT_NO_NUL);
    assert_int_equal(sms_pdu_decode("\0\0\0\x12\0\0\x02\x02" STATUS_0 "\0\0\0\x05xx", 18, &read), HILO_NOSUP);
    assert_int_equal(read.sequence, 5);
    assert_string_equal(sms_command_name(read.command_id), "?");
    assert_string_equal(sms_command_name(SMS_DATA_SM_RESP), "data_sm_resp");
}

static void test_what_is_odd_is_told(void **state)
{
    struct sms_pdu read;
    struct hilo_str value;

    (void)state;
    /* system_id of 16 octets before its NUL: one too long. */
    assert_int_equal(sms_pdu_decode("\0\0\0\x21\x80\0\0\x01" STATUS_0 "\0\0\0\x01"
                                    "0123456789abcdef\0",
                                    33, &read),
                     HILO_OK);
    expect_str(read.system_id, "0123456789abcdef");
    assert_int_equal(read.faults, SMS_FAULT_LONG);
    /* An unknown TLV is passed by; one that reaches beyond the PDU ends them. */
    assert_int_equal(sms_pdu_decode("\0\0\0\x22\x80\0\0\x04" STATUS_0 "\0\0\0\x01"
                                    "a\0\x14\x01\0\x01z\0\x1e\0\x02x\0\x04\x24\0\x09",
                                    34, &read),
                     HILO_OK);
    assert_int_equal(read.faults, SMS_FAULT_TLV);
    assert_int_equal(read.tlvs.n, 11);
    assert_true(sms_tlv_find(read.tlvs, SMS_TLV_RECEIPTED_MESSAGE_ID, &value));
    expect_str(value, "x");
    assert_true(sms_tlv_find(read.tlvs, 0x1401, &value));
    expect_str(value, "z");
    assert_false(sms_tlv_find(read.tlvs, SMS_TLV_MESSAGE_PAYLOAD, &value));
}

static void test_limits_of_what_we_write(void **state)
{
    static const char nines[] = "999999999999999999999999999999999999999999999999999999999999999999";
    static char text[256];
    struct sms_out out = out_of(sizeof wire);
    struct sms_pdu pdu = submit;

    (void)state;
    pdu.source_addr = (struct hilo_str){nines, 20};
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_OK);
    out.n = 0;
    pdu.source_addr.n = 21;
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_INVALID);
    pdu.command_id = SMS_DATA_SM;
    pdu.source_addr.n = 64;
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_OK);
    out.n = 0;
    pdu.source_addr.n = 65;
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_INVALID);
    pdu = submit;
    pdu.service_type = LIT("a\0b");
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_INVALID);
    pdu = submit;
    pdu.short_message = (struct hilo_str){text, 254};
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_OK);
    out.n = 0;
    pdu.short_message.n = 255;
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_INVALID);
    pdu.command_id = 0x202;
    assert_int_equal(sms_pdu_encode(&pdu, &out), HILO_INVALID);
    assert_int_equal(out.n, 0);
}

/* Without room nothing is written, also not in part; with just enough it is. */
static void test_no_room(void **state)
{
    struct hilo_str whole = LIT("\0\0\0\x4d\0\0\0\x04" STATUS_0 "\0\0\0\x05" SUBMIT_BODY);
    uint64_t cap;

    (void)state;
    for (cap = 0; cap < whole.n; cap++) {
        uint8_t *small = malloc(cap + 1);
        struct sms_out out = {small, cap, 0, 0};

        small[cap] = 0xaa;
        assert_int_equal(sms_pdu_encode(&submit, &out), HILO_FULL);
        assert_int_equal(out.n, 0);
        assert_int_equal(small[cap], 0xaa);
        free(small);
    }
}

static void test_several_in_one_buffer(void **state)
{
    struct sms_out out = out_of(34);
    struct sms_pdu link = {.command_id = SMS_ENQUIRE_LINK, .sequence = 1};
    struct sms_pdu answer = {.command_id = SMS_SUBMIT_SM_RESP, .sequence = 2};

    (void)state;
    assert_int_equal(sms_pdu_encode(&link, &out), HILO_OK);
    assert_int_equal(sms_pdu_encode(&answer, &out), HILO_OK);
    assert_int_equal(out.start, 16);
    assert_int_equal(sms_pdu_encode(&link, &out), HILO_FULL);
    assert_int_equal(out.start, 16);
    assert_int_equal(sms_tlv_put_int(&out, SMS_TLV_MESSAGE_STATE, 2, 1), HILO_FULL);
    expect_bytes(out.p, out.n,
                 "\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01\0\0\0\x11\x80\0\0\x04\0\0\0\0\0\0\0\x02\0", 33);
}

static void test_tlvs_written(void **state)
{
    static char payload[65536];
    struct sms_out out = out_of(sizeof wire);
    struct sms_pdu link = {.command_id = SMS_ENQUIRE_LINK, .sequence = 1};

    (void)state;
    assert_int_equal(sms_pdu_encode(&link, &out), HILO_OK);
    assert_int_equal(sms_tlv_put_int(&out, SMS_TLV_SAR_MSG_REF_NUM, 0x1234, 2), HILO_OK);
    assert_int_equal(sms_tlv_put_int(&out, SMS_TLV_SAR_TOTAL_SEGMENTS, 3, 1), HILO_OK);
    assert_int_equal(sms_tlv_put(&out, SMS_TLV_RECEIPTED_MESSAGE_ID, LIT("ab")), HILO_OK);
    assert_int_equal(sms_tlv_put(&out, SMS_TLV_MESSAGE_PAYLOAD, LIT("ab")), HILO_OK);
    expect_bytes(out.p, out.n,
                 "\0\0\0\x28\0\0\0\x15\0\0\0\0\0\0\0\x01"
                 "\x02\x0c\0\x02\x12\x34\x02\x0e\0\x01\x03\0\x1e\0\x03"
                 "ab\0\x04\x24\0\x02"
                 "ab",
                 40);
    assert_int_equal(sms_tlv_put(&out, SMS_TLV_MESSAGE_PAYLOAD, (struct hilo_str){payload, 65536}),
                     HILO_FULL);
    assert_int_equal(out.n, 40);
    assert_int_equal(sms_tlv_put(&out, SMS_TLV_MESSAGE_PAYLOAD, (struct hilo_str){payload, 65535}), HILO_OK);
    assert_int_equal(sms_pdu_length(out.p, out.n, SMS_PDU_MAX), 40 + 4 + 65535);
}

static void test_answers(void **state)
{
    static const struct {
        uint32_t command, status;
        struct hilo_str want;
    } t[] = {
        {SMS_ENQUIRE_LINK, 0, LIT("\0\0\0\x10\x80\0\0\x15\0\0\0\0\0\0\0\x07")},
        {SMS_DELIVER_SM, 0, LIT("\0\0\0\x11\x80\0\0\x05\0\0\0\0\0\0\0\x07\0")},
        {SMS_DELIVER_SM, SMS_RMSGQFUL, LIT("\0\0\0\x11\x80\0\0\x05\0\0\0\x14\0\0\0\x07\0")},
        {SMS_DATA_SM, 0, LIT("\0\0\0\x11\x80\0\x01\x03\0\0\0\0\0\0\0\x07\0")},
        {SMS_UNBIND, 0, LIT("\0\0\0\x10\x80\0\0\x06\0\0\0\0\0\0\0\x07")},
        /* What has no response, is one, or is unknown. */
        {SMS_OUTBIND, 0, LIT("\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\x07")},
        {SMS_SUBMIT_SM_RESP, SMS_RINVBNDSTS, LIT("\0\0\0\x10\x80\0\0\0\0\0\0\x04\0\0\0\x07")},
        {0x111, 0, LIT("\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\x07")},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        struct sms_pdu request = {.command_id = t[i].command, .sequence = 7};
        struct sms_out out = out_of(sizeof wire);

        assert_int_equal(sms_pdu_answer(&request, t[i].status, &out), HILO_OK);
        expect_bytes(out.p, out.n, t[i].want.p, t[i].want.n);
    }
}

/* Values by hand from 5.1.3; and what becomes of each. */
static void test_statuses(void **state)
{
    static const struct {
        uint32_t code;
        const char *name;
        int32_t message, bind;
    } t[] = {
        {0x00, "ESME_ROK", HILO_OK, HILO_OK},
        {0x05, "ESME_RALYBND", HILO_DOWN, HILO_DOWN},
        {0x08, "ESME_RSYSERR", HILO_TEMP, HILO_DOWN},
        {0x0a, "ESME_RINVSRCADR", HILO_PERM, HILO_CONFIG},
        {0x0b, "ESME_RINVDSTADR", HILO_PERM, HILO_CONFIG},
        {0x0d, "ESME_RBINDFAIL", HILO_DOWN, HILO_DOWN},
        {0x0e, "ESME_RINVPASWD", HILO_DOWN, HILO_CONFIG},
        {0x0f, "ESME_RINVSYSID", HILO_DOWN, HILO_CONFIG},
        {0x14, "ESME_RMSGQFUL", HILO_AGAIN, HILO_DOWN},
        {0x33, "ESME_RINVNUMDESTS", HILO_PERM, HILO_CONFIG},
        {0x43, "ESME_RINVESMCLASS", HILO_PERM, HILO_CONFIG},
        {0x45, "ESME_RSUBMITFAIL", HILO_TEMP, HILO_DOWN},
        {0x48, "ESME_RINVSRCTON", HILO_PERM, HILO_CONFIG},
        {0x51, "ESME_RINVDSTNPI", HILO_PERM, HILO_CONFIG},
        {0x53, "ESME_RINVSYSTYP", HILO_DOWN, HILO_CONFIG},
        {0x58, "ESME_RTHROTTLED", HILO_AGAIN, HILO_DOWN},
        {0x61, "ESME_RINVSCHED", HILO_PERM, HILO_CONFIG},
        {0x62, "ESME_RINVEXPIRY", HILO_PERM, HILO_CONFIG},
        {0x64, "ESME_RX_T_APPN", HILO_TEMP, HILO_DOWN},
        {0x65, "ESME_RX_P_APPN", HILO_PERM, HILO_CONFIG},
        {0xc0, "ESME_RINVOPTPARSTREAM", HILO_PERM, HILO_CONFIG},
        {0xc4, "ESME_RINVOPTPARAMVAL", HILO_PERM, HILO_CONFIG},
        {0xfe, "ESME_RDELIVERYFAILURE", HILO_PERM, HILO_CONFIG},
        {0xff, "ESME_RUNKNOWNERR", HILO_TEMP, HILO_DOWN},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        const struct sms_status *s = sms_status(t[i].code);

        assert_int_equal(s->code, t[i].code);
        assert_string_equal(s->name, t[i].name);
        assert_int_equal(s->message, t[i].message);
        assert_int_equal(s->bind, t[i].bind);
        assert_true(s->text[0] != 0);
        assert_int_equal(s->reason[0] == 0, t[i].code == 0);
    }
    assert_int_equal(sms_status(0x401)->message, HILO_PERM);
    assert_string_equal(sms_status(0x401)->reason, "provider_code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binds),
        cmocka_unit_test(test_bind_answers),
        cmocka_unit_test(test_submit),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_submit_multi),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_what_is_odd_is_told),
        cmocka_unit_test(test_limits_of_what_we_write),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_several_in_one_buffer),
        cmocka_unit_test(test_tlvs_written),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
