/*
 * The SMS plugin: delivery receipts as centres write them, and the ways to write an id.
 */
#include "sms_check.h"

static const struct hilo_str no_tlvs = {NULL, 0};

static void test_texts(void **state)
{
    static const struct {
        const char *text, *id;
        uint32_t state;
        const char *err, *done, *words;
        uint32_t sub, dlvrd;
    } t[] = {
        /* SMPP 3.4, appendix B */
        {"id:1234567890 sub:001 dlvrd:001 submit date:2611271708 done date:2611271709 stat:DELIVRD err:000 "
         "text:Hola",
         "1234567890", SMS_STATE_DELIVERED, "", "2611271709", "Hola", 1, 1},
        /* seconds; alphanumeric error; capital T */
        {"id:0a1B2c sub:001 dlvrd:000 submit date:261127170809 done date:261127170910 stat:UNDELIV err:6b "
         "Text:",
         "0a1B2c", SMS_STATE_UNDELIVERABLE, "6b", "261127170910", "", 1, 0},
        /* fields missing */
        {"id:42 stat:REJECTD err:00b", "42", SMS_STATE_REJECTED, "00b", "", "", UINT32_MAX, UINT32_MAX},
        {"id:42", "42", SMS_STATE_NONE, "", "", "", UINT32_MAX, UINT32_MAX},
        /* no values */
        {"id:42 sub: dlvrd: submit date: done date: stat:EXPIRED err: text:", "42", SMS_STATE_EXPIRED, "", "",
         "", UINT32_MAX, UINT32_MAX},
        /* any case, any order, other blanks */
        {"STAT:delivrd ID:ab-cd\r\nDone Date:2611271709\tERR:0", "ab-cd", SMS_STATE_DELIVERED, "",
         "2611271709", "", UINT32_MAX, UINT32_MAX},
        {"Text:Hola que tal Stat:EXPIRED Id:7 Err:005", "7", SMS_STATE_EXPIRED, "005", "", "Hola que tal",
         UINT32_MAX, UINT32_MAX},
        {"id: 42 sub : 001 stat : DELIVRD", "42", SMS_STATE_DELIVERED, "", "", "", 1, UINT32_MAX},
        {"id:42,sub:001,stat:DELIVRD,submit_date:2611271708,done_date:2611271709,err:1", "42",
         SMS_STATE_DELIVERED, "1", "2611271709", "", 1, UINT32_MAX},
        {"id:42 submitdate:2611271708 donedate:2026-11-27 17:09:10 stat:DELIVRD", "42", SMS_STATE_DELIVERED,
         "", "2026-11-27 17:09:10", "", UINT32_MAX, UINT32_MAX},
        /* a name that is not ours between them */
        {"id:42 mcc:730 stat:ACCEPTD smsc_id:9 err:000", "42", SMS_STATE_ACCEPTED, "", "", "", UINT32_MAX,
         UINT32_MAX},
        /* the customer's words look like fields */
        {"id:42 stat:DELIVRD err:000 text:id:99 stat:UNDELIV", "42", SMS_STATE_DELIVERED, "", "",
         "id:99 stat:UNDELIV", UINT32_MAX, UINT32_MAX},
        {"id:42 id:43 stat:DELIVRD", "42", SMS_STATE_DELIVERED, "", "", "", UINT32_MAX, UINT32_MAX},
        /* other words for states */
        {"id:1 stat:DELIVERED", "1", SMS_STATE_DELIVERED, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:UNDELIVERABLE", "1", SMS_STATE_UNDELIVERABLE, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:FAILED", "1", SMS_STATE_UNDELIVERABLE, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:ENROUTE", "1", SMS_STATE_ENROUTE, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:BUFFRED", "1", SMS_STATE_ENROUTE, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:UNKNOWN", "1", SMS_STATE_UNKNOWN, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:DELETED", "1", SMS_STATE_DELETED, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:XYZ", "1", SMS_STATE_NONE, "", "", "", UINT32_MAX, UINT32_MAX},
        {"id:1 stat:DEL", "1", SMS_STATE_NONE, "", "", "", UINT32_MAX, UINT32_MAX},
    };
    struct sms_receipt r;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        if (!sms_receipt_read(zstr(t[i].text), no_tlvs, &r))
            fail_msg("no receipt: %s", t[i].text);
        expect_str(r.id, t[i].id);
        expect_str(r.err, t[i].err);
        expect_str(r.done_date, t[i].done);
        expect_str(r.text, t[i].words);
        if (r.state != t[i].state || r.sub != t[i].sub || r.dlvrd != t[i].dlvrd)
            fail_msg("%s: state %u, sub %u, dlvrd %u", t[i].text, r.state, r.sub, r.dlvrd);
    }
}

static void test_no_receipts(void **state)
{
    static const char *const texts[] = {
        "", "Hola", "stat:DELIVRD", "void:1 stat:DELIVRD", "message_id:1", "id", "id:", "id: ", "sid:4"};
    struct sms_receipt r;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (sms_receipt_read(zstr(texts[i]), no_tlvs, &r))
            fail_msg("a receipt: %s", texts[i]);
    }
}

/* What is too long for an id is none, and for a state is cut: a message_payload has 64 KiB. */
static void test_long_values(void **state)
{
    static char text[70000];
    struct sms_receipt r;
    int n = sprintf(text, "id:%0*d stat:DELIVRD", SMS_ID_MAX, 1);

    (void)state;
    assert_true(sms_receipt_read((struct hilo_str){text, (uint64_t)n}, no_tlvs, &r));
    assert_int_equal(r.id.n, SMS_ID_MAX);
    n = sprintf(text, "id:%0*d stat:DELIVRD", SMS_ID_MAX + 1, 1);
    assert_false(sms_receipt_read((struct hilo_str){text, (uint64_t)n}, no_tlvs, &r));
    n = sprintf(text, "id:1 stat:%060000d err:%09000d", 0, 1);
    assert_true(sms_receipt_read((struct hilo_str){text, (uint64_t)n}, no_tlvs, &r));
    assert_true(r.stat.n <= SMS_ID_MAX + 1 && r.err.n <= SMS_ID_MAX + 1);
}

static void test_tlvs(void **state)
{
    const struct hilo_str tlvs = LIT("\0\x1e\0\x04"
                                     "7ab\0\x04\x27\0\x01\x02\x04\x23\0\x03\x03\x01\x02");
    struct sms_receipt r;

    (void)state;
    /* Believed before the text, and enough alone. */
    assert_true(sms_receipt_read(zstr("id:99 stat:UNDELIV err:011"), tlvs, &r));
    expect_str(r.id, "7ab");
    assert_int_equal(r.state, SMS_STATE_DELIVERED);
    expect_str(r.err, "011");
    assert_int_equal(r.network_type, 3);
    assert_int_equal(r.network_error, 0x102);
    assert_true(sms_receipt_read(no_tlvs, tlvs, &r));
    expect_str(r.id, "7ab");
    assert_int_equal(r.state, SMS_STATE_DELIVERED);
    /* A state that is none: the text's. */
    assert_true(sms_receipt_read(zstr("stat:EXPIRED"), LIT("\0\x1e\0\x02z\0\x04\x27\0\x01\x09"), &r));
    assert_int_equal(r.state, SMS_STATE_EXPIRED);
    assert_true(sms_receipt_read(zstr("stat:EXPIRED"), LIT("\0\x1e\0\x02z\0\x04\x27\0\x01\0"), &r));
    assert_int_equal(r.state, SMS_STATE_EXPIRED);
    /* Without its NUL; empty. */
    assert_true(sms_receipt_read(no_tlvs, LIT("\0\x1e\0\x02zz"), &r));
    expect_str(r.id, "zz");
    assert_true(sms_receipt_read(zstr("id:5"), LIT("\0\x1e\0\x01\0"), &r));
    expect_str(r.id, "5");
}

static void test_states(void **state)
{
    static const struct {
        uint32_t state, status;
        bool final;
        const char *reason;
    } t[] = {
        {0, 0, false, ""},
        {1, HILO_STATUS_SENT, false, ""},
        {2, HILO_STATUS_DELIVERED, true, ""},
        {3, HILO_STATUS_EXPIRED, true, "expired"},
        {4, HILO_STATUS_CANCELED, true, "deleted"},
        {5, HILO_STATUS_FAILED, true, "undeliverable"},
        {6, HILO_STATUS_SENT, false, ""},
        {7, HILO_STATUS_SENT, false, ""},
        {8, HILO_STATUS_FAILED, true, "rejected"},
        {9, 0, false, ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        assert_int_equal(sms_state_status(t[i].state), t[i].status);
        assert_int_equal(sms_state_final(t[i].state), t[i].final);
        assert_string_equal(sms_state_reason(t[i].state), t[i].reason);
    }
}

static void expect_spellings(const char *id, const char *want)
{
    char buf[SMS_ID_SPELLINGS_MAX][SMS_ID_MAX], got[SMS_ID_SPELLINGS_MAX * (SMS_ID_MAX + 1) + 1];
    struct hilo_str out[SMS_ID_SPELLINGS_MAX];
    unsigned n = sms_id_spellings(zstr(id), buf, out), i;
    char *p = got;

    for (i = 0; i < n; i++)
        p += sprintf(p, "%s%.*s", i ? " " : "", (int)out[i].n, out[i].p);
    *p = 0;
    if (strcmp(got, want) != 0)
        fail_msg("%s: %s", id, got);
}

static void test_spellings(void **state)
{
    (void)state;
    /* 123456789 = 0x75bcd15 */
    expect_spellings("0123456789", "75bcd15 75BCD15 4886718345 123456789 075bcd15 075BCD15");
    expect_spellings("123456789", "75bcd15 75BCD15 4886718345 075bcd15 075BCD15 0123456789");
    expect_spellings("075BCD15", "075bcd15 123456789 75BCD15 75bcd15 0123456789");
    expect_spellings("75bcd15", "75BCD15 123456789 0123456789 075bcd15 075BCD15");
    expect_spellings("7", "00000007 0000000007");
    expect_spellings("0", "00000000 0000000000");
    expect_spellings("000", "0 00000000 0000000000");
    expect_spellings("18446744073709551615", "ffffffffffffffff FFFFFFFFFFFFFFFF");
    /* beyond 64 bits; no number */
    expect_spellings("18446744073709551616", "");
    expect_spellings("Msg-0A", "msg-0a MSG-0A");
    expect_spellings("", "");
    expect_spellings("0123456789012345678901234567890123456789012345678901234567890123456789", "");
}

/* What a centre that mixes them up would need. */
static void test_ids_that_must_meet(void **state)
{
    static const char *const t[][2] = {
        /* in submit_sm_resp, in the receipt */
        {"75bcd15", "0123456789"}, {"75BCD15", "123456789"}, {"075BCD15", "123456789"},
        {"0123456789", "75bcd15"}, {"123456789", "75BCD15"}, {"A1", "00a1"},
        {"ab12", "AB12"},          {"123", "0000000123"},    {"0000000123", "123"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        char buf[SMS_ID_SPELLINGS_MAX][SMS_ID_MAX];
        struct hilo_str out[SMS_ID_SPELLINGS_MAX];
        unsigned n = sms_id_spellings(zstr(t[i][1]), buf, out), k;
        bool found = false;

        for (k = 0; k < n; k++)
            found |= out[k].n == strlen(t[i][0]) && memcmp(out[k].p, t[i][0], out[k].n) == 0;
        if (!found)
            fail_msg("%s is not among those of %s", t[i][0], t[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_no_receipts),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_tlvs),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_ids_that_must_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
