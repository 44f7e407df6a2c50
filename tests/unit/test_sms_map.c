/*
 * The SMPP client's map of messages: how texts are written, and what comes in. The test is the
 * SMSC (sms_host.h).
 */
#include "sms_host.h"

static int setup(void **state)
{
    struct fake *f = calloc(1, sizeof *f);

    assert_non_null(f);
    fake_init(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fake_done(*state);
    free(*state);
    return 0;
}

static struct pdu p;

/* The fields of a submit_sm, found by hand. */
struct submit {
    const char *service_type, *source, *destination, *schedule, *validity;
    uint8_t source_ton, source_npi, dest_ton, dest_npi, esm, priority, registered, dcs, length;
    const uint8_t *message, *tlvs;
    size_t n_tlvs;
};

static const char *take(const uint8_t **at)
{
    const char *s = (const char *)*at;

    *at += strlen(s) + 1;
    return s;
}

static struct submit submit_of(struct fake *f, int fd)
{
    const uint8_t *at = p.body;
    struct submit s;

    memset(&p, 0, sizeof p);
    peer_get(f, fd, 4, &p);
    s.service_type = take(&at);
    s.source_ton = *at++;
    s.source_npi = *at++;
    s.source = take(&at);
    s.dest_ton = *at++;
    s.dest_npi = *at++;
    s.destination = take(&at);
    s.esm = *at++;
    at++; /* protocol_id */
    s.priority = *at++;
    s.schedule = take(&at);
    s.validity = take(&at);
    s.registered = *at++;
    at++; /* replace_if_present */
    s.dcs = *at++;
    at++; /* sm_default_msg_id */
    s.length = *at++;
    s.message = at;
    at += s.length;
    s.tlvs = at;
    s.n_tlvs = (size_t)(p.body + p.length - 16 - at);
    return s;
}

#define BYTES(s) s, sizeof(s) - 1
static void bytes_are(const uint8_t *got, size_t n, const char *expect, size_t expect_n)
{
    assert_int_equal(n, expect_n);
    assert_memory_equal(got, expect, n);
}

/* ---- out -------------------------------------------------------------------------------------- */

static void each_alphabet_has_its_octets_and_coding(void **state)
{
    static const struct {
        const char *text;
        int64_t alphabet; /* from GSM */
        uint64_t latin1, transliterate, flash;
        int64_t national;
        uint8_t dcs, esm;
        const char *octets;
        size_t n;
    } row[] = {
        {"@\xc2\xa3$\xe2\x82\xac{", 0, 0, 0, 0, 0, 0, 0, BYTES("\0\x01\x02\x1b\x65\x1b\x28")},
        {"\xc3\xba", 0, 0, 0, 0, 0, 8, 0, BYTES("\0\xfa")},
        {"\xf0\x9f\x98\x80", 0, 0, 0, 0, 0, 8, 0, BYTES("\xd8\x3d\xde\0")},
        {"hola", 0, 0, 0, 1, 0, 0x10, 0, BYTES("hola")},
        {"\xc3\xba", 0, 0, 0, 1, 0, 0x18, 0, BYTES("\0\xfa")},
        /* packed: h o l a, 7 bits each */
        {"hola", 1, 0, 0, 0, 0, 0, 0, BYTES("\xe8\x37\x3b\x0c")},
        /* an SMSC whose own alphabet is ASCII or Latin-1; what that lacks goes as UCS-2 */
        {"@$_", 2, 0, 0, 0, 0, 0, 0, BYTES("@$_")},
        {"\xc3\xb1", 2, 0, 0, 0, 0, 8, 0, BYTES("\0\xf1")},
        {"\xc3\xb1@{", 3, 0, 0, 0, 0, 0, 0, BYTES("\xf1@{")},
        {"\xe2\x82\xac", 3, 0, 0, 0, 0, 8, 0, BYTES("\x20\xac")},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct fake *f = calloc(1, sizeof *f);
        struct submit s;
        int fd;

        fake_init(f);
        f->conf.alphabet = row[i].alphabet;
        f->conf.flash = row[i].flash;
        fd = fake_bound(f);
        send_text(f, 1, row[i].text);
        s = submit_of(f, fd);
        assert_int_equal(s.dcs, row[i].dcs);
        assert_int_equal(s.esm, 0);
        bytes_are(s.message, s.length, row[i].octets, row[i].n);
        close(fd);
        fake_done(f);
        free(f);
    }
}

/* 71 letters of which one is not in GSM: alone, two segments of UCS-2. */
static const char *accented(void)
{
    static char text[100];

    memset(text, 'a', 70);
    memcpy(text + 70, "\xc3\xba", 3);
    return text;
}

static void options_save_segments(void **state)
{
    struct fake *f = *state;
    struct submit s;
    int fd;

    f->conf.latin1 = 1;
    fd = fake_bound(f);
    send_text(f, 1, accented());
    s = submit_of(f, fd);
    assert_int_equal(s.dcs, 3);
    assert_int_equal(s.length, 71);
    assert_int_equal(s.message[70], 0xfa);
    close(fd);
    fake_done(f);

    fake_init(f);
    f->conf.transliterate = 1;
    fd = fake_bound(f);
    send_text(f, 1, accented());
    s = submit_of(f, fd);
    assert_int_equal(s.dcs, 0);
    assert_int_equal(s.length, 71);
    assert_int_equal(s.message[70], 'u');
    close(fd);
    fake_done(f);

    fake_init(f);
    f->conf.national = SMS_NATIONAL_SPANISH;
    fd = fake_bound(f);
    send_text(f, 1, accented());
    s = submit_of(f, fd);
    assert_int_equal(s.dcs, 0);
    assert_int_equal(s.esm, 0x40);
    assert_int_equal(s.length, 4 + 70 + 2);
    bytes_are(s.message, 4, BYTES("\x03\x24\x01\x02"));
    bytes_are(s.message + 74, 2, BYTES("\x1b\x75"));
    close(fd);
}

static const char *ramp(unsigned n)
{
    static char text[2000];
    unsigned i;

    assert_true(n < sizeof text);
    for (i = 0; i < n; i++)
        text[i] = (char)('a' + i % 26);
    text[n] = 0;
    return text;
}

static void long_messages_are_told_apart_in_each_way(void **state)
{
    struct fake *f = *state;
    struct submit s;
    uint8_t ref[2];
    int fd;

    fd = fake_bound(f); /* udh8 */
    send_text(f, 1, ramp(161));
    s = submit_of(f, fd);
    assert_int_equal(s.esm, 0x40);
    assert_int_equal(s.length, 6 + 153);
    bytes_are(s.message, 3, BYTES("\x05\0\x03"));
    ref[0] = s.message[3];
    bytes_are(s.message + 4, 2, BYTES("\x02\x01"));
    assert_memory_equal(s.message + 6, ramp(161), 153);
    s = submit_of(f, fd);
    assert_int_equal(s.message[3], ref[0]);
    bytes_are(s.message + 4, 2, BYTES("\x02\x02"));
    assert_int_equal(s.length, 6 + 8);
    send_text(f, 2, ramp(161)); /* another message, another reference */
    s = submit_of(f, fd);
    assert_int_not_equal(s.message[3], ref[0]);
    (void)submit_of(f, fd);
    close(fd);
    fake_done(f);

    fake_init(f);
    f->conf.long_messages = SMS_LONG_UDH16;
    fd = fake_bound(f);
    send_text(f, 1, ramp(161));
    s = submit_of(f, fd);
    assert_int_equal(s.esm, 0x40);
    assert_int_equal(s.length, 7 + 152);
    bytes_are(s.message, 3, BYTES("\x06\x08\x04"));
    memcpy(ref, s.message + 3, 2);
    bytes_are(s.message + 5, 2, BYTES("\x02\x01"));
    s = submit_of(f, fd);
    assert_memory_equal(s.message + 3, ref, 2);
    close(fd);
    fake_done(f);

    fake_init(f);
    f->conf.long_messages = SMS_LONG_SAR;
    fd = fake_bound(f);
    send_text(f, 1, ramp(161));
    s = submit_of(f, fd);
    assert_int_equal(s.esm, 0);
    assert_int_equal(s.length, 153);
    assert_int_equal(s.n_tlvs, 6 + 5 + 5);
    bytes_are(s.tlvs, 4, BYTES("\x02\x0c\0\x02"));
    bytes_are(s.tlvs + 6, 10, BYTES("\x02\x0e\0\x01\x02\x02\x0f\0\x01\x01"));
    s = submit_of(f, fd);
    bytes_are(s.tlvs + 6, 10, BYTES("\x02\x0e\0\x01\x02\x02\x0f\0\x01\x02"));
    close(fd);
    fake_done(f);

    fake_init(f);
    f->conf.long_messages = SMS_LONG_PAYLOAD;
    fd = fake_bound(f);
    send_text(f, 1, ramp(161));
    s = submit_of(f, fd);
    assert_int_equal(s.esm, 0);
    assert_int_equal(s.length, 0);
    assert_int_equal(s.n_tlvs, 4 + 161);
    bytes_are(s.tlvs, 4, BYTES("\x04\x24\0\xa1"));
    assert_memory_equal(s.tlvs + 4, ramp(161), 161);
    send_text(f, 2, "short");
    s = submit_of(f, fd);
    assert_int_equal(s.length, 5);
    assert_int_equal(s.n_tlvs, 0);
    close(fd);
}

/* With a header, packed septets begin at a septet's boundary (TS 23.040, 9.2.3.24). */
static void packed_segments_fill_up_to_a_septet(void **state)
{
    struct fake *f = *state;
    struct submit s;
    int fd;

    f->conf.alphabet = 1;
    fd = fake_bound(f);
    send_text(f, 1, ramp(161));
    s = submit_of(f, fd);
    assert_int_equal(s.length, 140);
    assert_int_equal(s.message[6] >> 1, 'a'); /* one bit of fill */
    close(fd);
}

static void addresses_follow_their_rules(void **state)
{
    static const struct {
        const char *sender, *rules, *to, *source, *destination;
        uint8_t source_ton, source_npi, dest_ton, dest_npi;
    } row[] = {
        {"+573001112233", "", "+56912345678", "573001112233", "56912345678", 1, 1, 1, 1},
        {"TIENDA", "", "+56912345678", "TIENDA", "56912345678", 5, 0, 1, 1},
        {"890", "short=6/9, +569=2/8", "+56912345678", "890", "56912345678", 6, 9, 2, 8},
        {"", "", "+56912345678", "", "56912345678", 0, 0, 1, 1},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        struct fake *f = calloc(1, sizeof *f);
        struct submit s;
        int fd;

        fake_init(f);
        f->conf.sender = str(row[i].sender);
        f->conf.addresses = str(row[i].rules);
        fd = fake_bound(f);
        assert_int_equal(send_with(f, 1, row[i].to, str("x"), 0), HILO_OK);
        s = submit_of(f, fd);
        assert_string_equal(s.source, row[i].source);
        assert_string_equal(s.destination, row[i].destination);
        assert_int_equal(s.source_ton, row[i].source_ton);
        assert_int_equal(s.source_npi, row[i].source_npi);
        assert_int_equal(s.dest_ton, row[i].dest_ton);
        assert_int_equal(s.dest_npi, row[i].dest_npi);
        close(fd);
        fake_done(f);
        free(f);
    }
}

static void times_and_flags_are_told(void **state)
{
    struct fake *f = *state;
    struct submit s;
    int fd;

    f->conf.receipts = SMS_RECEIPTS_FAILURE;
    f->conf.intermediate = 1;
    f->conf.service_type = str("CMT");
    fd = fake_bound(f);
    assert_int_equal(send_with(f, 1, "+573001112233", str("x"), f->wall + f->now + 90061 * SECOND), HILO_OK);
    s = submit_of(f, fd);
    assert_string_equal(s.validity, "000001010101000R");
    assert_string_equal(s.schedule, "");
    assert_string_equal(s.service_type, "CMT");
    assert_int_equal(s.registered, 0x12);
    close(fd);
    fake_done(f);

    fake_init(f);
    f->conf.validity = SMS_VALIDITY_ABSOLUTE;
    f->conf.receipts = SMS_RECEIPTS_NONE;
    fd = fake_bound(f);
    /* 1,800,001,000 is 2027-01-15 08:16:40 UTC */
    assert_int_equal(send_with(f, 1, "+573001112233", str("x"), f->wall + f->now + 60 * SECOND), HILO_OK);
    s = submit_of(f, fd);
    assert_string_equal(s.validity, "270115081740000+");
    assert_int_equal(s.registered, 0);
    close(fd);
    fake_done(f);

    fake_init(f);
    f->conf.validity = SMS_VALIDITY_NONE;
    fd = fake_bound(f);
    assert_int_equal(send_with(f, 1, "+573001112233", str("x"), f->wall + f->now + 60 * SECOND), HILO_OK);
    s = submit_of(f, fd);
    assert_string_equal(s.validity, "");
    assert_int_equal(s.registered, 1);
    close(fd);
}

/* SMPP 3.4, 5.2.14: 0 and 1 in GSM, 0 bulk to 3 very urgent in ANSI-136. */
static void priority_is_told_in_the_networks_way(void **state)
{
    static const struct {
        int64_t option;
        uint8_t urgent, normal, bulk, none;
    } row[] = {
        {SMS_PRIORITY_NONE, 0, 0, 0, 0}, {SMS_PRIORITY_GSM, 1, 0, 0, 0}, {SMS_PRIORITY_ANSI136, 2, 1, 0, 1}};

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        const uint8_t expect[] = {row[i].urgent, row[i].normal, row[i].bulk, row[i].none};
        struct fake *f = calloc(1, sizeof *f);

        fake_init(f);
        f->conf.priority = row[i].option;
        int fd = fake_bound(f);
        for (unsigned k = 0; k < 4; k++) {
            f->ranked = k < 3;
            f->rank = k;
            send_text(f, k + 1, "x");
            struct submit s = submit_of(f, fd);
            assert_int_equal(s.priority, expect[k]);
        }
        close(fd);
        fake_done(f);
        free(f);
    }
}

static void what_cant_be_sent_fails_at_once(void **state)
{
    struct fake *f = *state;
    int fd;

    f->conf.segments_max = 2;
    fd = fake_bound(f);
    send_text(f, 1, ramp(400));
    assert_int_equal(f->report[0].code, HILO_PERM);
    assert_string_equal(f->report[0].reason, "too_long");
    assert_int_equal(send_with(f, 2, "+5730011122334455667788", str("x"), 0), HILO_OK);
    assert_int_equal(f->report[1].code, HILO_PERM);
    assert_string_equal(f->report[1].reason, "invalid_recipient");
    peer_quiet(f, fd);
    close(fd);
}

/* ---- in ------------------------------------------------------------------------------------------ */

static void acknowledged_is_what_is_on_disk(void **state)
{
    static const struct {
        int32_t code;
        uint32_t status;
    } row[] = {{HILO_OK, 0}, {HILO_DUPLICATE, 0}, {HILO_FULL, 0x14}, {HILO_INVALID, 0x65}, {HILO_IO, 0x64}};
    struct fake *f = *state;
    int fd = fake_bound(f);
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        peer_deliver(fd, 100 + i, "573001112233", 0, 0, "hola", 4, NULL, 0);
        RUN_UNTIL(f, f->n_submit == i + 1);
        peer_quiet(f, fd); /* no answer before the commit */
        commit(f, i, row[i].code);
        peer_get(f, fd, 0x80000005u, &p);
        assert_int_equal(p.seq, 100 + i);
        assert_int_equal(p.status, row[i].status);
    }
    f->submit_rc = HILO_FULL;
    peer_deliver(fd, 200, "573001112233", 0, 0, "hola", 4, NULL, 0);
    peer_get(f, fd, 0x80000005u, &p);
    assert_int_equal(p.status, 0x14);
    close(fd);
}

static void a_text_has_its_sender_and_destination(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct hilo_str m, party;

    peer_deliver(fd, 1, "573001112233", 0, 0, "\x60Qu\x05?\x1b\x65", 7, NULL, 0);
    RUN_UNTIL(f, f->n_submit == 1);
    m = submitted(f, 0);
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_INBOUND);
    assert_int_equal(hilo_get_u64(m, HILO_T_MSG_TIME), f->wall + f->now);
    assert_true(hilo_get_str(m, HILO_T_MSG_EXT_ID).n > 0);
    party = hilo_get_str(m, HILO_T_MSG_PARTY);
    assert_int_equal(hilo_get_u64(party, HILO_T_IDENT_SCHEME), HILO_SCHEME_PHONE);
    is(hilo_get_str(party, HILO_T_IDENT_VALUE), "+573001112233");
    is(hilo_get_str(m, HILO_T_MSG_EXTRA), "{\"destination\":\"890\"}");
    assert_int_equal(hilo_content_type(m), HILO_CONTENT_TEXT);
    is(hilo_get_str(hilo_content(m), HILO_T_CONTENT_TEXT), "\xc2\xbfQu\xc3\xa9?\xe2\x82\xac");
    assert_int_equal(hilo_get_str(m, HILO_T_MSG_PART).n, 0);
    close(fd);
}

static void parts_are_given_as_parts(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct hilo_str part, key, other;

    peer_deliver(fd, 1, "573001112233", 0x40, 8, "\x05\0\x03\x07\x02\x01\0a\xd8\x3d", 10, NULL, 0);
    peer_deliver(fd, 2, "573001112233", 0x40, 8, "\x05\0\x03\x07\x02\x02\xde\0\0b", 10, NULL, 0);
    /* another sender, and another reference */
    peer_deliver(fd, 3, "573001112244", 0x40, 0, "\x05\0\x03\x07\x02\x01x", 7, NULL, 0);
    peer_deliver(fd, 4, "573001112233", 0, 0, "y", 1,
                 "\x02\x0c\0\x02\0\x07\x02\x0e\0\x01\x02\x02\x0f\0\x01\x01", 16);
    RUN_UNTIL(f, f->n_submit == 4);
    part = hilo_get_str(submitted(f, 0), HILO_T_MSG_PART);
    key = hilo_get_str(part, HILO_T_PART_KEY);
    assert_true(key.n > 0 && !memmem(key.p, key.n, "3001112233", 10));
    assert_int_equal(hilo_get_u64(part, HILO_T_PART_INDEX), 1);
    assert_int_equal(hilo_get_u64(part, HILO_T_PART_TOTAL), 2);
    assert_int_equal(hilo_get_u64(part, HILO_T_PART_HIGH), 0xd83d);
    is(hilo_get_str(hilo_content(submitted(f, 0)), HILO_T_CONTENT_TEXT), "a");
    part = hilo_get_str(submitted(f, 1), HILO_T_MSG_PART);
    other = hilo_get_str(part, HILO_T_PART_KEY);
    assert_true(other.n == key.n && memcmp(other.p, key.p, key.n) == 0);
    assert_int_equal(hilo_get_u64(part, HILO_T_PART_INDEX), 2);
    assert_int_equal(hilo_get_u64(part, HILO_T_PART_LOW), 0xde00);
    other = hilo_get_str(hilo_get_str(submitted(f, 2), HILO_T_MSG_PART), HILO_T_PART_KEY);
    assert_true(other.n == key.n && memcmp(other.p, key.p, key.n) != 0);
    part = hilo_get_str(submitted(f, 3), HILO_T_MSG_PART);
    other = hilo_get_str(part, HILO_T_PART_KEY);
    assert_true(other.n == key.n && memcmp(other.p, key.p, key.n) != 0);
    assert_int_equal(hilo_get_u64(part, HILO_T_PART_TOTAL), 2);
    close(fd);
}

static void what_is_no_text_is_kept_whole(void **state)
{
    static const struct {
        uint8_t esm, dcs;
        const char *octets;
        size_t n;
        const char *hex;
    } row[] = {
        {0, 4, BYTES("\0\x01\xff"), "0001ff"},                                    /* binary */
        {0x40, 0xf5, BYTES("\x06\x05\x04\x0b\x84\x23\xf0z"), "0605040b8423f07a"}, /* for a port */
        {0x40, 0, BYTES("\x09z"), "097a"}, /* a header longer than the message */
    };
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct hilo_str content, raw;
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        peer_deliver(fd, i + 1, "573001112233", row[i].esm, row[i].dcs, row[i].octets, row[i].n, NULL, 0);
        RUN_UNTIL(f, f->n_submit == i + 1);
        content = hilo_content(submitted(f, i));
        assert_int_equal(hilo_content_type(submitted(f, i)), HILO_CONTENT_UNSUPPORTED);
        raw = hilo_get_str(content, HILO_T_CONTENT_RAW);
        assert_non_null(memmem(raw.p, raw.n, row[i].hex, strlen(row[i].hex)));
        assert_int_equal(raw.p[0], '{');
        assert_int_equal(raw.p[raw.n - 1], '}');
    }
    close(fd);
}

static void a_payload_and_a_data_sm_are_messages_too(void **state)
{
    static uint8_t tlv[4 + 2000], body[2100];
    static const uint8_t head[] = "\0\x01\x01"
                                  "573001112233\0\x03\0"
                                  "890\0\0\0";
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct hilo_str text;

    memcpy(tlv, "\x04\x24\x07\xd0", 4);
    memset(tlv + 4, 'p', 2000);
    peer_deliver(fd, 1, "573001112233", 0, 0, "", 0, tlv, sizeof tlv);
    memcpy(body, head, sizeof head); /* the string's NUL is the data_coding */
    memcpy(body + sizeof head, "\x04\x24\0\x04hola", 8);
    peer_put(fd, 0x103, 0, 2, body, sizeof head + 8);
    RUN_UNTIL(f, f->n_submit == 2);
    text = hilo_get_str(hilo_content(submitted(f, 0)), HILO_T_CONTENT_TEXT);
    assert_int_equal(text.n, 2000);
    is(hilo_get_str(hilo_content(submitted(f, 1)), HILO_T_CONTENT_TEXT), "hola");
    commit(f, 1, HILO_OK);
    peer_get(f, fd, 0x80000103u, &p);
    assert_int_equal(p.seq, 2);
    close(fd);
}

static bool spelled(struct hilo_str receipt, const char *id)
{
    struct hilo_field field;

    while (hilo_next(&receipt, &field) == 1)
        if (field.tag == HILO_T_RECEIPT_SPELLINGS && field.val.n == strlen(id) &&
            memcmp(field.val.p, id, field.val.n) == 0)
            return true;
    return false;
}

static void receipts_say_what_became_of_it(void **state)
{
    static const struct {
        uint8_t esm;
        const char *text;
        const char *tlvs;
        size_t n_tlvs;
        const char *id;
        uint32_t status;
        const char *reason, *code;
    } row[] = {
        {4,
         "id:1A2B sub:001 dlvrd:001 submit date:2611271708 done date:2611271709 stat:DELIVRD err:000 text:x",
         NULL, 0, "1A2B", HILO_STATUS_DELIVERED, "", ""},
        {4, "id:77 stat:UNDELIV err:011", NULL, 0, "77", HILO_STATUS_FAILED, "undeliverable", "011"},
        {4, "id:77 stat:EXPIRED err:0", NULL, 0, "77", HILO_STATUS_FAILED, "expired", ""},
        {4, "id:77 stat:ACCEPTD err:000", NULL, 0, "77", HILO_STATUS_SENT, "", ""},
        {0x20, "id:77 stat:ENROUTE err:000", NULL, 0, "77", HILO_STATUS_SENT, "", ""},
        /* by TLVs alone, whatever esm_class says */
        {0, "",
         "\0\x1e\0\x03"
         "9f\0\x04\x27\0\x01\x02",
         12, "9f", HILO_STATUS_DELIVERED, "", ""},
        {4, "",
         "\0\x1e\0\x03"
         "9f\0\x04\x27\0\x01\x05\x04\x23\0\x03\x03\0\x63",
         19, "9f", HILO_STATUS_FAILED, "undeliverable", "99"},
    };
    struct fake *f = *state;
    int fd = fake_bound(f);
    struct hilo_str m, r;
    unsigned i;

    for (i = 0; i < sizeof row / sizeof *row; i++) {
        peer_deliver(fd, i + 1, "573001112233", row[i].esm, 0, row[i].text, strlen(row[i].text), row[i].tlvs,
                     row[i].n_tlvs);
        RUN_UNTIL(f, f->n_submit == i + 1);
        m = submitted(f, i);
        assert_int_equal(hilo_get_u64(m, HILO_T_MSG_KIND), HILO_KIND_RECEIPT);
        is(hilo_get_str(m, HILO_T_MSG_EXT_ID), row[i].id);
        r = hilo_get_str(m, HILO_T_MSG_RECEIPT);
        assert_int_equal(hilo_get_u64(r, HILO_T_RECEIPT_STATUS), row[i].status);
        is(hilo_get_str(r, HILO_T_RECEIPT_REASON), row[i].reason);
        is(hilo_get_str(r, HILO_T_RECEIPT_CODE), row[i].code);
        commit(f, i, HILO_OK);
        peer_get(f, fd, 0x80000005u, &p);
        assert_int_equal(p.status, 0);
    }
    r = hilo_get_str(submitted(f, 0), HILO_T_MSG_RECEIPT);
    assert_true(spelled(r, "1a2b") && spelled(r, "6699"));
    peer_deliver(fd, 50, "573001112233", 4, 0, "nothing of use", 14, NULL, 0);
    peer_get(f, fd, 0x80000005u, &p); /* else it would come for ever */
    assert_int_equal(p.status, 0);
    assert_int_equal(f->n_submit, i);
    close(fd);
}

static void a_receipt_with_our_reference_resolves_what_is_in_doubt(void **state)
{
    struct fake *f = *state;
    struct hilo_id expect = id_of(9), echo;
    struct submit s;
    uint8_t tlv[6] = {2, 4, 0, 2};
    unsigned i;
    int fd;

    f->conf.user_reference = 1;
    fd = fake_bound(f);
    send_text(f, 9, "texto");
    s = submit_of(f, fd);
    assert_int_equal(s.n_tlvs, 6);
    assert_memory_equal(s.tlvs, tlv, 4);
    memcpy(tlv, s.tlvs, 6);
    f->now += 11 * SECOND;
    RUN_UNTIL(f, f->n_report == 1);
    assert_int_equal(f->report[0].code, HILO_IN_DOUBT);
    peer_deliver(fd, 1, "573009999999", 4, 0, "id:5 stat:DELIVRD", 17, tlv, 6); /* of somebody else's */
    peer_deliver(fd, 2, "573001112233", 4, 0, "id:6 stat:DELIVRD", 17, tlv, 6);
    peer_deliver(fd, 3, "573001112233", 4, 0, "id:6 stat:DELIVRD", 17, tlv, 6);
    RUN_UNTIL(f, f->n_submit == 3);
    for (i = 0; i < 3; i++) {
        echo = hilo_get_id(hilo_get_str(submitted(f, i), HILO_T_MSG_RECEIPT), HILO_T_RECEIPT_ECHO);
        if (i == 1)
            assert_memory_equal(&echo, &expect, sizeof echo);
        else
            assert_memory_not_equal(&echo, &expect, sizeof echo);
    }
    close(fd);
}

static struct hilo_str ext(struct fake *f, unsigned i)
{
    return hilo_get_str(submitted(f, i), HILO_T_MSG_EXT_ID);
}

static bool same(struct hilo_str a, struct hilo_str b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static int again(struct fake *f, int fd)
{
    unsigned i;

    close(fd);
    RUN_UNTIL(f, f->state == HILO_DOWN);
    for (i = 0; i < 100 && next_timer(f) > f->now + 3 * SECOND; i++)
        run(f);
    f->now += 3 * SECOND;
    return peer_bind(f, 9);
}

static void what_comes_again_after_a_break_has_the_same_id(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);

    peer_deliver(fd, 1, "573001112233", 0, 0, "si", 2, NULL, 0); /* answered, and the answer perhaps lost */
    peer_deliver(fd, 2, "573001112233", 0, 0, "si", 2, NULL, 0); /* the same words a second time: another */
    peer_deliver(fd, 3, "573001112233", 0, 0, "no", 2, NULL, 0); /* not answered */
    RUN_UNTIL(f, f->n_submit == 3);
    assert_false(same(ext(f, 0), ext(f, 1)));
    commit(f, 0, HILO_OK);
    commit(f, 1, HILO_OK);
    fd = again(f, fd);
    commit(f, 2, HILO_OK); /* for a session that is over: nothing is answered */
    peer_quiet(f, fd);
    peer_deliver(fd, 1, "573001112233", 0, 0, "no", 2, NULL, 0);
    peer_deliver(fd, 2, "573001112233", 0, 0, "si", 2, NULL, 0);
    peer_deliver(fd, 3, "573001112233", 0, 0, "si", 2, NULL, 0);
    peer_deliver(fd, 4, "573001112233", 0, 0, "si", 2, NULL, 0); /* a third: new */
    RUN_UNTIL(f, f->n_submit == 7);
    assert_true(same(ext(f, 3), ext(f, 2)));
    assert_true(same(ext(f, 4), ext(f, 0)));
    assert_true(same(ext(f, 5), ext(f, 1)));
    assert_false(same(ext(f, 6), ext(f, 0)) || same(ext(f, 6), ext(f, 1)));
    close(fd);
}

static void what_was_surely_acknowledged_is_no_repetition(void **state)
{
    struct fake *f = *state;
    int fd = fake_bound(f);

    peer_deliver(fd, 1, "573001112233", 0, 0, "si", 2, NULL, 0);
    RUN_UNTIL(f, f->n_submit == 1);
    commit(f, 0, HILO_OK);
    peer_get(f, fd, 0x80000005u, &p);
    f->now += 25 * SECOND;
    peer_quiet(f, fd);
    f->now += 25 * SECOND;
    peer_quiet(f, fd);
    f->now += 25 * SECOND;
    peer_quiet(f, fd);
    fd = again(f, fd);
    peer_deliver(fd, 1, "573001112233", 0, 0, "si", 2, NULL, 0);
    RUN_UNTIL(f, f->n_submit == 2);
    assert_false(same(ext(f, 0), ext(f, 1)));
    close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(each_alphabet_has_its_octets_and_coding),
        T(options_save_segments),
        T(long_messages_are_told_apart_in_each_way),
        T(packed_segments_fill_up_to_a_septet),
        T(addresses_follow_their_rules),
        T(times_and_flags_are_told),
        T(priority_is_told_in_the_networks_way),
        T(what_cant_be_sent_fails_at_once),
        T(acknowledged_is_what_is_on_disk),
        T(a_text_has_its_sender_and_destination),
        T(parts_are_given_as_parts),
        T(what_is_no_text_is_kept_whole),
        T(a_payload_and_a_data_sm_are_messages_too),
        T(receipts_say_what_became_of_it),
        T(a_receipt_with_our_reference_resolves_what_is_in_doubt),
        T(what_comes_again_after_a_break_has_the_same_id),
        T(what_was_surely_acknowledged_is_no_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
