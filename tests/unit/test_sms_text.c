/*
 * The SMS plugin: user data headers (3GPP TS 23.040, 9.2.3.24), septets packed (TS 23.038,
 * 6.1.2.1), octets to UTF-8 by data_coding (SMPP 3.4, 5.2.19), addresses and times. Octets
 * are written down from the specifications.
 */
#include "sms_check.h"

#include <hilo/segment.h>

/* ---- headers ------------------------------------------------------------------------ */

static void test_headers_read(void **state)
{
    struct sms_udh u;
    bool unknown;

    (void)state;
    assert_int_equal(sms_udh_read(LIT("\x05\x00\x03\x2a\x03\x02text"), &u), HILO_OK);
    assert_int_equal(u.octets, 6);
    assert_int_equal(u.ref_octets, 1);
    assert_int_equal(u.ref, 0x2a);
    assert_int_equal(u.total, 3);
    assert_int_equal(u.index, 2);
    assert_false(u.has_ports);

    assert_int_equal(sms_udh_read(LIT("\x06\x08\x04\x12\x34\x03\x01"), &u), HILO_OK);
    assert_int_equal(u.octets, 7);
    assert_int_equal(u.ref_octets, 2);
    assert_int_equal(u.ref, 0x1234);

    /* Ports before, a national table behind. */
    assert_int_equal(
        sms_udh_read(LIT("\x0e\x05\x04\x0b\x84\x23\xf0\x00\x03\x07\x02\x01\x24\x01\x02text"), &u), HILO_OK);
    assert_int_equal(u.octets, 15);
    assert_true(u.has_ports);
    assert_int_equal(u.destination_port, 2948);
    assert_int_equal(u.source_port, 9200);
    assert_int_equal(u.ref, 7);
    assert_int_equal(sms_udh_tables(&u, &unknown), HILO_GSM_ES_SINGLE);
    assert_false(unknown);

    assert_int_equal(sms_udh_read(LIT("\x04\x04\x02\x10\x20"), &u), HILO_OK);
    assert_int_equal(u.destination_port, 0x10);
    assert_int_equal(u.source_port, 0x20);

    assert_int_equal(sms_udh_read(LIT("\x06\x25\x01\x03\x24\x01\x03"), &u), HILO_OK);
    assert_int_equal(sms_udh_tables(&u, &unknown), HILO_GSM_PT_LOCKING | HILO_GSM_PT_SINGLE);
    assert_false(unknown);
    /* Turkish; and Spanish has no locking table. */
    assert_int_equal(sms_udh_read(LIT("\x03\x24\x01\x01"), &u), HILO_OK);
    assert_int_equal(sms_udh_tables(&u, &unknown), 0);
    assert_true(unknown);
    assert_int_equal(sms_udh_read(LIT("\x03\x25\x01\x02"), &u), HILO_OK);
    assert_int_equal(sms_udh_tables(&u, &unknown), 0);
    assert_true(unknown);
}

static void test_headers_that_make_no_sense(void **state)
{
    static const struct {
        struct hilo_str in;
        int32_t rc;
        uint32_t octets;
        uint8_t ref_octets, ref, faults;
    } t[] = {
        {LIT(""), HILO_INVALID, 0, 0, 0, 0},
        {LIT("\x05"), HILO_INVALID, 0, 0, 0, 0},
        {LIT("\x05\x00\x03\x2a\x03"), HILO_INVALID, 0, 0, 0, 0},
        {LIT("\x00text"), HILO_OK, 1, 0, 0, 0},
        /* part 0; part 4 of 3; of none */
        {LIT("\x05\x00\x03\x2a\x03\x00"), HILO_OK, 6, 0, 0, 0},
        {LIT("\x05\x00\x03\x2a\x03\x04"), HILO_OK, 6, 0, 0, 0},
        {LIT("\x05\x00\x03\x2a\x00\x00"), HILO_OK, 6, 0, 0, 0},
        /* a wrong length: passed by, and what comes after is read */
        {LIT("\x09\x00\x02\x2a\x03\x00\x03\x07\x02\x01"), HILO_OK, 10, 1, 7, 0},
        /* of two, the last; one that makes no sense does not undo it */
        {LIT("\x0a\x00\x03\x06\x02\x01\x00\x03\x07\x02\x01"), HILO_OK, 11, 1, 7, 0},
        {LIT("\x0a\x00\x03\x06\x02\x01\x00\x03\x07\x02\x03"), HILO_OK, 11, 1, 6, 0},
        /* an element that reaches beyond, or is cut; what is before it counts */
        {LIT("\x08\x00\x03\x07\x02\x01\x24\x05\x02"), HILO_OK, 9, 1, 7, 1},
        {LIT("\x06\x00\x03\x07\x02\x01\x24"), HILO_OK, 7, 1, 7, 1},
        {LIT("\x03\x00\x03\x07\x02\x01"), HILO_OK, 4, 0, 0, 1},
        /* unknown ones */
        {LIT("\x0a\x70\x00\xa0\x01\xff\x00\x03\x07\x02\x01"), HILO_OK, 11, 1, 7, 0},
    };
    struct sms_udh u;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        char *exact = malloc(t[i].in.n + 1);
        int32_t rc;

        memcpy(exact, t[i].in.p, t[i].in.n);
        rc = sms_udh_read((struct hilo_str){exact, t[i].in.n}, &u);
        if (rc != t[i].rc || (rc == HILO_OK && (u.octets != t[i].octets || u.ref_octets != t[i].ref_octets ||
                                                u.ref != t[i].ref || u.faults != t[i].faults)))
            fail_msg("line %zu: rc %d, %u octets, ref %u/%u, faults %u", i, rc, u.octets, u.ref, u.ref_octets,
                     u.faults);
        free(exact);
    }
}

static void test_headers_written(void **state)
{
    uint8_t out[SMS_UDH_MAX];
    struct sms_udh u = {.ref = 0x1234, .ref_octets = 1, .total = 3, .index = 2};

    (void)state;
    expect_bytes(out, sms_udh_write(&u, out), "\x05\x00\x03\x34\x03\x02", 6);
    u.ref_octets = 2;
    expect_bytes(out, sms_udh_write(&u, out), "\x06\x08\x04\x12\x34\x03\x02", 7);
    sms_udh_set_tables(&u, HILO_GSM_PT_LOCKING | HILO_GSM_PT_SINGLE);
    expect_bytes(out, sms_udh_write(&u, out), "\x0c\x08\x04\x12\x34\x03\x02\x24\x01\x03\x25\x01\x03", 13);
    u.ref_octets = 0;
    sms_udh_set_tables(&u, HILO_GSM_ES_SINGLE);
    expect_bytes(out, sms_udh_write(&u, out), "\x03\x24\x01\x02", 4);
    sms_udh_set_tables(&u, 0);
    assert_int_equal(sms_udh_write(&u, out), 0);
    u.has_ports = 1;
    u.destination_port = 2948;
    u.source_port = 9200;
    expect_bytes(out, sms_udh_write(&u, out), "\x06\x05\x04\x0b\x84\x23\xf0", 7);
}

/* ---- septets ------------------------------------------------------------------------ */

static void test_packing(void **state)
{
    static const struct {
        struct hilo_str septets;
        uint32_t header;
        struct hilo_str octets;
    } t[] = {
        {LIT(""), 0, LIT("")},
        {LIT("1"), 0, LIT("\x31")},
        /* "hello" and "hellohello", as every text on SMS has them */
        {LIT("hello"), 0, LIT("\xe8\x32\x9b\xfd\x06")},
        {LIT("hellohello"), 0, LIT("\xe8\x32\x9b\xfd\x46\x97\xd9\xec\x37")},
        /* 8 septets in 7 octets; 7 leave 7 bits, which CR fills (TS 23.038, 6.1.2.3.1) */
        {LIT("12345678"), 0, LIT("\x31\xd9\x8c\x56\xb3\xdd\x70")},
        {LIT("1234567"), 0, LIT("\x31\xd9\x8c\x56\xb3\xdd\x1a")},
        /* after 6 octets, 1 bit is left empty: 48 + 1 is 7 septets (9.2.3.24) */
        {LIT("hello"), 6, LIT("\xd0\x65\x36\xfb\x0d")},
        /* after 7 octets, none is */
        {LIT("hello"), 7, LIT("\xe8\x32\x9b\xfd\x06")},
        /* after 4 octets, 3 are */
        {LIT("a"), 4, LIT("\x08\x03")},
    };
    uint8_t out[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        uint64_t n = sms_gsm_pack((const uint8_t *)t[i].septets.p, t[i].septets.n, t[i].header, out);

        expect_bytes(out, n, t[i].octets.p, t[i].octets.n);
        n = sms_gsm_unpack(t[i].octets, t[i].header, out);
        expect_bytes(out, n, t[i].septets.p, t[i].septets.n);
    }
    /* A centre that fills with zeros: no @ at the end. */
    expect_bytes(out, sms_gsm_unpack(LIT("\x31\xd9\x8c\x56\xb3\xdd\x00"), 0, out), "1234567", 7);
    /* A last @ or CR that fills its octet is not lost: CR comes after it. */
    expect_bytes(out, sms_gsm_pack((const uint8_t *)"1234567\0", 8, 0, out),
                 "\x31\xd9\x8c\x56\xb3\xdd\x00\x0d", 8);
    expect_bytes(out, sms_gsm_unpack(LIT("\x31\xd9\x8c\x56\xb3\xdd\x00\x0d"), 0, out), "1234567\0\r", 9);
}

static void test_any_septets(void **state)
{
    uint8_t in[200], out[200], packed[200];
    uint32_t seed = 7, header;
    uint64_t n, k, m;

    (void)state;
    for (header = 0; header < 20; header++) {
        for (n = 0; n < 170; n++) {
            for (k = 0; k < n; k++) {
                seed = seed * 1103515245u + 12345u;
                in[k] = seed >> 16 & 0x7f;
            }
            m = sms_gsm_pack(in, n, header, packed);
            assert_true(m <= n * 7 / 8 + 3);
            k = sms_gsm_unpack((struct hilo_str){(const char *)packed, m}, header, out);
            assert_true(k == n || (k == n + 1 && out[n] == '\r' && (in[n - 1] == '\r' || in[n - 1] == 0)));
            assert_memory_equal(in, out, n);
        }
    }
}

/* ---- data_coding -------------------------------------------------------------------- */

static void test_data_coding(void **state)
{
    enum {
        G = SMS_ALPHABET_GSM,
        P = SMS_ALPHABET_GSM_PACKED,
        A = SMS_ALPHABET_ASCII,
        L = SMS_ALPHABET_LATIN1,
        U = SMS_ALPHABET_UCS2,
        B = SMS_ALPHABET_BINARY
    };
    static const struct {
        int coding, standard, alphabet, class;
    } t[] = {
        {0x00, G, G, -1}, {0x00, P, P, -1}, {0x00, L, L, -1}, {0x00, A, A, -1}, {0x01, G, A, -1},
        {0x02, G, B, -1}, {0x03, G, L, -1}, {0x04, G, B, -1}, {0x05, G, B, -1}, {0x06, G, B, -1},
        {0x08, G, U, -1}, {0x0e, G, B, -1}, {0x0b, L, L, -1}, {0x10, G, G, 0},  {0x11, L, G, 1},
        {0x10, P, P, 0},  {0x14, G, B, 0},  {0x18, G, U, 0},  {0x1b, G, U, 3},  {0x30, G, B, 0},
        {0x48, G, U, -1}, {0x58, G, U, 0},  {0x80, L, L, -1}, {0xc0, G, G, -1}, {0xd8, L, G, -1},
        {0xe8, G, U, -1}, {0xf0, G, G, 0},  {0xf1, P, P, 1},  {0xf4, G, B, 0},  {0xf6, G, B, 2},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        struct sms_coding c = sms_coding_read((uint8_t)t[i].coding, (uint8_t)t[i].standard);

        if (c.alphabet != t[i].alphabet || c.class != t[i].class)
            fail_msg("data_coding %#x is %u, class %d", t[i].coding, c.alphabet, c.class);
    }
}

static void test_texts(void **state)
{
    static const struct {
        uint8_t alphabet;
        uint32_t tables;
        struct hilo_str octets;
        uint32_t header;
        const char *text;
        uint32_t bad;
        uint16_t low, high;
    } t[] = {
        {SMS_ALPHABET_GSM, 0,
         LIT("Ma\x7d"
             "ana \x1b\x65 5\x00\x11"),
         0, "Mañana € 5@_", 0, 0, 0},
        {SMS_ALPHABET_GSM, 0, LIT("\x1b\x14\x1b\x3c\x1b\x0a\x0a\x0d"), 0, "^[\f\n\r", 0, 0, 0},
        /* what the extension table has not is what the alphabet has; ESC ESC a space */
        {SMS_ALPHABET_GSM, 0, LIT("\x1b\x61\x1b\x1b!"), 0, "a !", 0, 0, 0},
        {SMS_ALPHABET_GSM, HILO_GSM_ES_SINGLE, LIT("S\x1b\x69, ma\x1b\x6f"), 0, "Sí, maó", 0, 0, 0},
        {SMS_ALPHABET_GSM, HILO_GSM_PT_LOCKING, LIT("\x7b\x7c\x08"), 0, "ãõó", 0, 0, 0},
        {SMS_ALPHABET_GSM, HILO_GSM_PT_LOCKING | HILO_GSM_PT_SINGLE, LIT("\x1b\x12\x1b\x7b"), 0, "Φã", 0, 0,
         0},
        /* no septet; an ESC before nothing */
        {SMS_ALPHABET_GSM, 0,
         LIT("a\xf1"
             "b\x1b"),
         0,
         "a\uFFFD"
         "b\uFFFD",
         2, 0, 0},
        {SMS_ALPHABET_GSM_PACKED, 0, LIT("\xe8\x32\x9b\xfd\x46\x97\xd9\xec\x37"), 0, "hellohello", 0, 0, 0},
        {SMS_ALPHABET_GSM_PACKED, 0, LIT("\xd0\x65\x36\xfb\x0d"), 6, "hello", 0, 0, 0},
        {SMS_ALPHABET_LATIN1, 0, LIT("Se\xf1or \xbf\xff"), 0, "Señor ¿ÿ", 0, 0, 0},
        {SMS_ALPHABET_ASCII, 0, LIT("plain {}\0"), 0, "plain {}", 0, 0, 0},
        {SMS_ALPHABET_UCS2, 0, LIT("\0S\0\xed\x20\xac"), 0, "Sí€", 0, 0, 0},
        {SMS_ALPHABET_UCS2, 0, LIT("\xd8\x3d\xde\x00"), 0, "😀", 0, 0, 0},
        {SMS_ALPHABET_UCS2, 0, LIT("\xfe\xff\0a"), 0, "a", 0, 0, 0},
        {SMS_ALPHABET_UCS2, 0,
         LIT("\xff\xfe"
             "a\0\x3d\xd8\0\xde"),
         0, "a😀", 0, 0, 0},
        /* cut within a pair: the half is told apart */
        {SMS_ALPHABET_UCS2, 0, LIT("\0a\xd8\x3d"), 0, "a", 0, 0, 0xd83d},
        {SMS_ALPHABET_UCS2, 0, LIT("\xde\x00\0b"), 0, "b", 0, 0xde00, 0},
        {SMS_ALPHABET_UCS2, 0, LIT("\xde\x00"), 0, "", 0, 0xde00, 0},
        {SMS_ALPHABET_UCS2, 0, LIT("\xde\x00\xd8\x3d"), 0, "", 0, 0xde00, 0xd83d},
        /* a half anywhere else; an octet too many */
        {SMS_ALPHABET_UCS2, 0, LIT("\0a\xd8\x3d\0b\xde\x00"), 0,
         "a\uFFFD"
         "b\uFFFD",
         2, 0, 0},
        {SMS_ALPHABET_UCS2, 0, LIT("\0a\x20"), 0, "a\uFFFD", 1, 0, 0},
        {SMS_ALPHABET_UCS2, 0, LIT(""), 0, "", 0, 0, 0},
    };
    struct sms_text text;
    char out[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        assert_int_equal(
            sms_text_decode(t[i].alphabet, t[i].tables, t[i].octets, t[i].header, out, sizeof out, &text),
            HILO_OK);
        expect_str(text.text, t[i].text);
        if (text.bad != t[i].bad || text.low != t[i].low || text.high != t[i].high)
            fail_msg("line %zu: bad %u, low %#x, high %#x", i, text.bad, text.low, text.high);
    }
    assert_int_equal(sms_text_decode(SMS_ALPHABET_GSM, 0, LIT("abc"), 0, out, 15, &text), HILO_BUG);
    assert_int_equal(sms_text_decode(SMS_ALPHABET_BINARY, 0, LIT("abc"), 0, out, sizeof out, &text),
                     HILO_BUG);
}

/* ---- there and back ------------------------------------------------------------------ */

/* Each segment with its header, packed as on the air, fits 140 octets; read by header and
 * alphabet, the parts are the text. */
static void there_and_back(const char *unit, unsigned times, uint32_t flags, uint32_t form,
                           uint8_t ref_octets)
{
    const struct hilo_segment_rules rules = {flags, 140, ref_octets == 2 ? 7 : 6, 0, 0};
    static char whole[4096], got[4096];
    struct hilo_str rest = {whole, 0}, part;
    struct hilo_segments plan;
    size_t n = 0;
    uint8_t index = 0;

    for (; times; times--) {
        memcpy(whole + rest.n, unit, strlen(unit));
        rest.n += strlen(unit);
    }
    assert_int_equal(hilo_segments_measure(rest, &rules, &plan), HILO_OK);
    assert_int_equal(plan.form, form);
    while (hilo_segment_next(&plan, &rest, &part)) {
        uint8_t octets[SMS_UDH_MAX + 160], septets[160];
        struct sms_udh u = {.ref = 0x1234, .ref_octets = plan.segments > 1 ? ref_octets : 0};
        struct sms_text text;
        struct hilo_str body;
        char out[4 * 160 + 4];
        bool unknown;
        unsigned header;
        uint8_t alphabet;

        u.total = (uint8_t)plan.segments;
        u.index = ++index;
        sms_udh_set_tables(&u, plan.form & HILO_GSM_NATIONAL);
        header = sms_udh_write(&u, octets);
        assert_int_equal(header, plan.udh_octets);
        if (plan.form & HILO_SEGMENT_GSM7) {
            uint64_t k = hilo_segment_encode(&plan, part, septets, sizeof septets);

            body = (struct hilo_str){(const char *)octets + header,
                                     sms_gsm_pack(septets, k, header, octets + header)};
            alphabet = SMS_ALPHABET_GSM_PACKED;
        } else {
            body = (struct hilo_str){(const char *)octets + header,
                                     hilo_segment_encode(&plan, part, octets + header, 160)};
            alphabet = SMS_ALPHABET_UCS2;
        }
        assert_true(header + body.n <= 140);
        assert_int_equal(
            header ? sms_udh_read((struct hilo_str){(const char *)octets, header + body.n}, &u) : 0, 0);
        assert_int_equal(
            sms_text_decode(alphabet, sms_udh_tables(&u, &unknown), body, header, out, sizeof out, &text),
            HILO_OK);
        assert_false(unknown);
        assert_int_equal(text.bad, 0);
        memcpy(got + n, text.text.p, text.text.n);
        n += text.text.n;
    }
    assert_int_equal(index, plan.segments);
    expect_bytes(got, n, whole, (size_t)(rest.p - whole));
}

static void test_there_and_back(void **state)
{
    enum {
        GSM = HILO_SEGMENT_GSM7,
        ES = HILO_SEGMENT_ES_SINGLE,
        PS = HILO_SEGMENT_PT_SINGLE,
        PL = HILO_SEGMENT_PT_LOCKING
    };
    uint8_t ref;

    (void)state;
    for (ref = 1; ref <= 2; ref++) {
        there_and_back("ñandú ", 3, GSM | ES, GSM | ES, ref);
        there_and_back("ñandú ", 100, GSM | ES, GSM | ES, ref);
        there_and_back("não, José ", 50, GSM | PS, GSM | PS, ref);
        there_and_back("não, José ", 50, GSM | PL, GSM | PL, ref);
        there_and_back("ããããΩ ", 50, GSM | PL | PS, GSM | PL | PS, ref);
        there_and_back("año [5€] ", 4, GSM, GSM, ref);
        there_and_back("año [5€] ", 90, GSM, GSM, ref);
        there_and_back("ñandú 👩‍👧", 40, HILO_SEGMENT_UCS2, HILO_SEGMENT_UCS2, ref);
    }
}

/* ---- addresses ---------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    static const struct {
        const char *rules, *address;
        int ton, npi; /* ton -1: refused */
        const char *wire;
    } t[] = {
        {"", "+56912345678", 1, 1, "56912345678"},
        {"", "56912345678", 1, 1, "56912345678"},
        {"", "600", 3, 0, "600"},
        {"", "12345678", 3, 0, "12345678"},
        {"", "Hilo", 5, 0, "Hilo"},
        {"", "Tienda 24 h", 5, 0, "Tienda 24 h"},
        {"", "+Hilo", 5, 0, "+Hilo"},
        {"short=6/9, +=1/1", "600", 6, 9, "600"},
        {"+56=2/1/3", "+56912345678", 2, 1, "912345678"},
        {"+56=2/1/3", "+57300", -1, 0, ""},
        {"+56=2/1/3", "+573001234567", 1, 1, "573001234567"},
        {"+56=2/1", "+56912345678", 2, 1, "56912345678"},
        {"+56=2/1/0", "+56912345678", 2, 1, "56912345678"},
        /* the longest beginning */
        {"600=3/0 6=6/9,60=4/4", "60099", 3, 0, "60099"},
        {"600=3/0 6=6/9,60=4/4", "6199", 6, 9, "6199"},
        {"name=5/1 number=0/1", "Hilo", 5, 1, "Hilo"},
        {"name=5/1 number=0/1", "912345678", 0, 1, "912345678"},
        {"", "", -1, 0, ""},
        {"", "twelve chars", -1, 0, ""},
        {"", "Año Nuevo", -1, 0, ""},
        {"", "a{b", -1, 0, ""},
        {"", "a`b", -1, 0, ""},
        {"", "+1234567890123456", -1, 0, ""},
        {"", "1234567890123456", -1, 0, ""},
        {"+=1/1/20", "+56912345678", -1, 0, ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        struct sms_address_rules rules;
        struct sms_address a;
        const char *why;

        assert_null(sms_address_rules_read(zstr(t[i].rules), &rules));
        why = sms_address_write(zstr(t[i].address), &rules, &a);
        if ((why != NULL) != (t[i].ton < 0))
            fail_msg("%s: %s", t[i].address, why ? why : "taken");
        if (why)
            continue;
        expect_str(a.addr, t[i].wire);
        assert_int_equal(a.ton, t[i].ton);
        assert_int_equal(a.npi, t[i].npi);
    }
}

static void test_address_rules_refused(void **state)
{
    static const char *const bad[] = {
        "short",
        "=1/1",
        "short=1",
        "short=a/1",
        "short=1/256",
        "+5x=1/1",
        "x=1/1",
        "+=1/1/1/1",
        "short=1/1x",
        "1=1/1 2=1/1 3=1/1 4=1/1 5=1/1 6=1/1 7=1/1 8=1/1 9=1/1 10=1/1 11=1/1 12=1/1 13=1/1 "
        "14=1/1 15=1/1 16=1/1 17=1/1 18=1/1 19=1/1 20=1/1 21=1/1 22=1/1 23=1/1 24=1/1 25=1/1 "
        "26=1/1 27=1/1 28=1/1 29=1/1 30=1/1 31=1/1 32=1/1 33=1/1"};
    struct sms_address_rules rules;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(sms_address_rules_read(zstr(bad[i]), &rules));
    assert_null(sms_address_rules_read(zstr(" , "), &rules));
    assert_int_equal(rules.n, 0);
}

static void test_addresses_read(void **state)
{
    static const struct {
        int ton;
        const char *wire, *country, *address;
    } t[] = {
        {1, "56912345678", "", "+56912345678"},
        {1, "+56912345678", "", "+56912345678"},
        {0, "56912345678", "", "+56912345678"},
        {0, "12345678", "", "12345678"},
        {2, "912345678", "56", "+56912345678"},
        {2, "912345678", "", "912345678"},
        {3, "600", "56", "600"},
        {5, "Hilo", "", "Hilo"},
        {1, "Hilo", "", "Hilo"},
        {5, "123456789", "", "123456789"},
        {0, "", "", ""},
        {5, "a\tb\x80", "", "ab"},
        {4, "+1234567890", "", "+1234567890"},
        {1, "1234567890123456", "", "1234567890123456"},
    };
    char out[SMS_ADDRESS_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        unsigned n = sms_address_read((uint8_t)t[i].ton, 1, zstr(t[i].wire), zstr(t[i].country), out);

        expect_str(((struct hilo_str){out, n}), t[i].address);
    }
}

/* ---- times -------------------------------------------------------------------------- */

static void test_times(void **state)
{
    static const struct {
        const char *time;
        int64_t us; /* -1: none */
    } t[] = {
        /* date -u -d '2026-11-27 17:08:09' +%s is 1795799289 */
        {"261127170809000+", INT64_C(1795799289000000)},
        {"261127170809500+", INT64_C(1795799289500000)},
        {"261127140809012-", INT64_C(1795799289000000)}, /* three hours behind */
        {"261127224309022+", INT64_C(1795799589000000)},
        {"000229000000000+", INT64_C(951782400000000)},
        {"000000000100000R", INT64_C(1000000000000000) + 60 * INT64_C(1000000)},
        {"000001000000000R", INT64_C(1000000000000000) + 86400 * INT64_C(1000000)},
        {"010203040506000R",
         INT64_C(1000000000000000) + ((365 + 60 + 3) * INT64_C(86400) + 4 * 3600 + 5 * 60 + 6) * 1000000},
        {"261327170809000+", -1},
        {"260229170809000+", -1},
        {"261127240809000+", -1},
        {"261127170809049+", -1},
        {"261127170809000x", -1},
        {"26112717080900+", -1},
        {"", -1},
        {"26112717080x000+", -1},
    };
    char out[SMS_TIME_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t us = -1;

        sms_time_read(zstr(t[i].time), INT64_C(1000000000000000), &us);
        if (us != t[i].us)
            fail_msg("%s is %lld", t[i].time, (long long)us);
    }
    assert_true(sms_time_write(INT64_C(1795799289512345), out));
    expect_bytes(out, 16, "261127170809500+", 16);
    assert_true(sms_time_write(INT64_C(951782400000000), out));
    expect_bytes(out, 16, "000229000000000+", 16);
    assert_true(sms_time_write(INT64_C(4102444799000000), out));
    expect_bytes(out, 16, "991231235959000+", 16);
    assert_false(sms_time_write(INT64_C(4102444800000000), out));
    assert_false(sms_time_write(INT64_C(946684799000000), out));
    assert_false(sms_time_write(-1, out));
    assert_true(sms_time_write_relative(0, out));
    expect_bytes(out, 16, "000000000000000R", 16);
    assert_true(sms_time_write_relative(3 * 86400 + 4 * 3600 + 5 * 60 + 6, out));
    expect_bytes(out, 16, "000003040506000R", 16);
    assert_true(sms_time_write_relative(99 * 86400, out));
    expect_bytes(out, 16, "000099000000000R", 16);
    assert_false(sms_time_write_relative(99 * 86400 + 1, out));
}

static void test_dates_of_receipts(void **state)
{
    static const struct {
        const char *date;
        int32_t offset;
        int64_t s;
    } t[] = {
        {"2611271708", 0, 1795799280},
        {"261127170809", 0, 1795799289},
        {"2611271408", -10800, 1795799280},
        {"20261127170809", 0, 1795799289},
        {"202611271708", 0, 1795799280},
        {"2026-11-27 17:08:09", 0, 1795799289},
        {"2026-11-27T17:08:09", 0, 1795799289},
        {"26/11/27 17:08", 0, 1795799280},
        {"1795799289", -10800, 1795799289},
        {"", 0, -1},
        {"26112717", 0, -1},
        {"2613271708", 0, 2613271708},
        {"261127170860", 0, -1},
        {"today", 0, -1},
        {"26112717080", 0, -1},
        {"-2611271708", 0, -1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t us = -1000000;

        sms_date_read(zstr(t[i].date), t[i].offset, &us);
        if (us != t[i].s * 1000000)
            fail_msg("%s is %lld", t[i].date, (long long)us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_read),
        cmocka_unit_test(test_headers_that_make_no_sense),
        cmocka_unit_test(test_headers_written),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_any_septets),
        cmocka_unit_test(test_data_coding),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_address_rules_refused),
        cmocka_unit_test(test_addresses_read),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_dates_of_receipts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
