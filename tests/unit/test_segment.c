/*
 * hilo/segment.h: encodings, counts and cuts, against octets written down from 3GPP TS
 * 23.038 and lengths from TS 23.040.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <hilo/segment.h>

#define ALL_NATIONAL (HILO_SEGMENT_ES_SINGLE | HILO_SEGMENT_PT_SINGLE | HILO_SEGMENT_PT_LOCKING)

static const struct hilo_segment_rules usual = {HILO_SEGMENT_GSM7 | HILO_SEGMENT_UCS2, 140, 6, 0, 0};

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static struct hilo_segments measure(struct hilo_str text, uint32_t flags, uint16_t udh)
{
    struct hilo_segment_rules rules = {flags, 140, udh, 0, 0};
    struct hilo_segments plan;

    assert_int_equal(hilo_segments_measure(text, &rules, &plan), HILO_OK);
    return plan;
}

/* n times s. */
static struct hilo_str times(const char *s, unsigned n)
{
    static char buf[1 << 16];
    size_t len = strlen(s), i;

    assert_true(len * n < sizeof buf);
    for (i = 0; i < n; i++)
        memcpy(buf + i * len, s, len);
    return (struct hilo_str){buf, len * n};
}

static void expect_octets(const char *text, uint32_t flags, uint32_t form, const void *octets, size_t n)
{
    struct hilo_segments plan = measure(str(text), flags, 6);
    uint8_t out[256];

    assert_int_equal(plan.form, form);
    assert_int_equal(plan.lost, 0);
    assert_int_equal(hilo_segment_encode(&plan, str(text), out, sizeof out), n);
    assert_memory_equal(out, octets, n);
}
#define EXPECT(text, flags, form, octets) expect_octets(text, flags, form, octets, sizeof(octets) - 1)

enum { GSM7 = HILO_SEGMENT_GSM7, UCS2 = HILO_SEGMENT_UCS2, LATIN1 = HILO_SEGMENT_LATIN1 };

static void test_default_alphabet(void **state)
{
    (void)state;
    /* TS 23.038, 6.2.1, rows 0 to 7. */
    EXPECT("@£$¥èéùìòÇ\nØø\rÅå", GSM7, GSM7,
           "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
    EXPECT("Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ", GSM7, GSM7, "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1c\x1d\x1e\x1f");
    EXPECT(" !\"#¤%&'()*+,-./", GSM7, GSM7,
           "\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f");
    EXPECT("0123456789:;<=>?", GSM7, GSM7,
           "\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f");
    EXPECT("¡ABCDEFGHIJKLMNO", GSM7, GSM7,
           "\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\x4c\x4d\x4e\x4f");
    EXPECT("PQRSTUVWXYZÄÖÑÜ§", GSM7, GSM7,
           "\x50\x51\x52\x53\x54\x55\x56\x57\x58\x59\x5a\x5b\x5c\x5d\x5e\x5f");
    EXPECT("¿abcdefghijklmno", GSM7, GSM7,
           "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f");
    EXPECT("pqrstuvwxyzäöñüà", GSM7, GSM7,
           "\x70\x71\x72\x73\x74\x75\x76\x77\x78\x79\x7a\x7b\x7c\x7d\x7e\x7f");
    /* 6.2.1.1 */
    EXPECT("\f^{}\\[~]|€", GSM7, GSM7,
           "\x1b\x0a\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40\x1b\x65");
}

static void test_national_tables(void **state)
{
    enum {
        ES = GSM7 | HILO_SEGMENT_ES_SINGLE,
        PS = GSM7 | HILO_SEGMENT_PT_SINGLE,
        PL = GSM7 | HILO_SEGMENT_PT_LOCKING
    };
    const struct hilo_segments both = {.form = PS | PL};
    uint8_t out[32];

    (void)state;
    /* A.2.2; Ç of the default alphabet stays what it is. */
    EXPECT("çÁÍÓÚáíóúÇ", ES, ES,
           "\x1b\x09\x1b\x41\x1b\x49\x1b\x4f\x1b\x55\x1b\x61\x1b\x69\x1b\x6f\x1b\x75\x09");
    EXPECT("á\f^{}\\[~]|€", ES, ES,
           "\x1b\x61\x1b\x0a\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40\x1b\x65");
    /* A.2.3 */
    EXPECT("êçÔôÁáÊÀÍÓÚÃÕÂíóúãõâ", PS, PS,
           "\x1b\x05\x1b\x09\x1b\x0b\x1b\x0c\x1b\x0e\x1b\x0f\x1b\x1f\x1b\x41\x1b\x49\x1b\x4f\x1b\x55\x1b\x5b"
           "\x1b\x5c"
           "\x1b\x61\x1b\x69\x1b\x6f\x1b\x75\x1b\x7b\x1b\x7c\x1b\x7f");
    /* A.3.3: what differs from the default alphabet. */
    EXPECT("êúíóçÔôÁá", PL, PL, "\x04\x06\x07\x08\x09\x0b\x0c\x0e\x0f");
    EXPECT("ªÇÀ∞^\\€Ó|ÂâÊÉ", PL, PL, "\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1c\x1d\x1e\x1f");
    EXPECT("ºÍÃÕÚÜ§~ãõ`üàé", PL, PL, "\x24\x40\x5b\x5c\x5d\x5e\x5f\x60\x7b\x7c\x7d\x7e\x7f\x05");
    EXPECT("ã{}[]\f", PL, PL, "\x7b\x1b\x28\x1b\x29\x1b\x3c\x1b\x3e\x1b\x0a");
    /* Both: what the locking table lost of the default alphabet is in the single shift table. */
    assert_int_equal(hilo_segment_encode(&both, str("ãΦΓΩΠΨΣΘ"), out, sizeof out), 15);
    assert_memory_equal(out, "\x7b\x1b\x12\x1b\x13\x1b\x15\x1b\x16\x1b\x17\x1b\x18\x1b\x19", 15);
}

static void test_ucs2_and_latin1(void **state)
{
    (void)state;
    EXPECT("Sí, ñ", GSM7 | UCS2, UCS2, "\x00S\x00\xed\x00,\x00 \x00\xf1");
    EXPECT("Sí, ñ", GSM7 | LATIN1, LATIN1, "S\xed, \xf1");
    EXPECT("€", UCS2, UCS2, "\x20\xac");
    EXPECT("😀", GSM7 | LATIN1 | UCS2, UCS2, "\xd8\x3d\xde\x00");
    EXPECT("\xf4\x8f\xbf\xbf", UCS2, UCS2, "\xdb\xff\xdf\xff");
}

static void test_marks_are_composed(void **state)
{
    (void)state;
    EXPECT("man\xcc\x83"
           "ana e\xcc\x81 u\xcc\x88 A\xcc\x8a",
           GSM7 | UCS2, GSM7,
           "ma\x7d"
           "ana \x05 \x7e \x0e");
    EXPECT("c\xcc\xa7", LATIN1, LATIN1, "\xe7");
    EXPECT("y\xcc\x88", LATIN1, LATIN1, "\xff");
    EXPECT("Y\xcc\x88", UCS2, UCS2, "\x00Y\x03\x08");
    EXPECT("x\xcc\x81", GSM7 | UCS2, UCS2, "\x00x\x03\x01");
    assert_int_equal(measure(str("n\xcc\x83"), UCS2, 6).characters, 1);
}

static void test_lengths(void **state)
{
    static const struct {
        const char *s;
        unsigned times;
        uint32_t flags;
        uint16_t udh;
        uint32_t segments, units, room;
    } t[] = {
        {"a", 0, GSM7, 6, 1, 0, 160},
        {"a", 160, GSM7, 6, 1, 160, 160},
        {"a", 161, GSM7, 6, 2, 161, 153},
        {"a", 306, GSM7, 6, 2, 306, 153},
        {"a", 307, GSM7, 6, 3, 307, 153},
        {"a", 304, GSM7, 7, 2, 304, 152},
        {"a", 305, GSM7, 7, 3, 305, 152},
        {"a", 320, GSM7, 0, 2, 320, 160},
        {"á", 70, UCS2, 6, 1, 70, 70},
        {"á", 71, UCS2, 6, 2, 71, 67},
        {"á", 134, UCS2, 6, 2, 134, 67},
        {"á", 135, UCS2, 6, 3, 135, 67},
        {"á", 132, UCS2, 7, 2, 132, 66},
        {"á", 133, UCS2, 7, 3, 133, 66},
        {"á", 140, LATIN1, 6, 1, 140, 140},
        {"á", 141, LATIN1, 6, 2, 141, 134},
        {"á", 268, LATIN1, 6, 2, 268, 134},
        {"á", 266, LATIN1, 7, 2, 266, 133},
        {"á", 267, LATIN1, 7, 3, 267, 133},
        {"€", 80, GSM7, 6, 1, 160, 160},
        {"€", 81, GSM7, 6, 2, 162, 153},
        /* 153 is odd: an ESC is never the last of a segment, so one septet of each is lost. */
        {"€", 152, GSM7, 6, 2, 304, 153},
        {"€", 153, GSM7, 6, 3, 306, 153},
        /* 67 is odd, too: 33 pairs a segment. */
        {"😀", 35, UCS2, 6, 1, 70, 70},
        {"😀", 36, UCS2, 6, 2, 72, 67},
        {"😀", 66, UCS2, 6, 2, 132, 67},
        {"😀", 67, UCS2, 6, 3, 134, 67},
        /* A national table is 3 octets of each header, and the length octet if it is alone. */
        {"á", 77, GSM7 | HILO_SEGMENT_ES_SINGLE, 6, 1, 154, 155},
        {"á", 78, GSM7 | HILO_SEGMENT_ES_SINGLE, 6, 2, 156, 149},
        {"á", 155, GSM7 | HILO_SEGMENT_PT_LOCKING, 6, 1, 155, 155},
        {"á", 156, GSM7 | HILO_SEGMENT_PT_LOCKING, 6, 2, 156, 149},
        {"áá", 149, GSM7 | HILO_SEGMENT_PT_LOCKING, 6, 2, 298, 149},
        {"á", 297, GSM7 | HILO_SEGMENT_PT_LOCKING, 7, 3, 297, 148},
        {"á", 311, GSM7 | HILO_SEGMENT_PT_LOCKING, 0, 3, 311, 155},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        struct hilo_segments plan = measure(times(t[i].s, t[i].times), t[i].flags, t[i].udh);

        if (plan.segments != t[i].segments || plan.units != t[i].units || plan.room != t[i].room)
            fail_msg("line %zu: %u segments, %u units, room %u", i, plan.segments, plan.units, plan.room);
        assert_int_equal(plan.lost, 0);
    }
}

/* Which form wins, and why. */
static void test_choice(void **state)
{
    const uint32_t most = GSM7 | UCS2 | ALL_NATIONAL | HILO_SEGMENT_TRANSLIT;
    struct hilo_segments plan;

    (void)state;
    assert_int_equal(measure(str("Hola, ñandú"), GSM7 | UCS2, 6).form, UCS2);
    /* What costs the same is sent as it was written, and as every handset knows it. */
    assert_int_equal(measure(str("Adiós"), most, 6).form, UCS2);
    assert_int_equal(measure(times("á", 71), most, 6).form, GSM7 | HILO_SEGMENT_ES_SINGLE);
    assert_int_equal(measure(times("ã", 71), most, 6).form, GSM7 | HILO_SEGMENT_PT_SINGLE);
    assert_int_equal(measure(times("ã", 100), most, 6).form, GSM7 | HILO_SEGMENT_PT_LOCKING);
    assert_int_equal(measure(times("ããΦ", 37), most, 6).form,
                     GSM7 | HILO_SEGMENT_PT_LOCKING | HILO_SEGMENT_PT_SINGLE);
    assert_int_equal(measure(times("á", 160), GSM7 | UCS2 | HILO_SEGMENT_ES_SINGLE, 6).segments, 3);
    /* Transliteration only where it saves. */
    plan = measure(times("Sí", 70), GSM7 | UCS2 | HILO_SEGMENT_TRANSLIT, 6);
    assert_int_equal(plan.form, GSM7 | HILO_SEGMENT_TRANSLIT);
    assert_int_equal(plan.segments, 1);
    assert_int_equal(measure(times("Sí 😀", 70), GSM7 | UCS2 | HILO_SEGMENT_TRANSLIT, 6).form, UCS2);
    /* [ is two septets, one octet. */
    assert_int_equal(measure(times("[", 140), GSM7 | LATIN1 | UCS2, 6).form, LATIN1);
    /* Where nothing carries it, the least is lost, and that is told. */
    plan = measure(str("Sí 😀"), GSM7, 6);
    assert_int_equal(plan.lost, 2);
    plan = measure(str("Sí 😀"), GSM7 | LATIN1, 6);
    assert_int_equal(plan.form, LATIN1);
    assert_int_equal(plan.lost, 1);
    plan = measure(str("Sí 😀"), GSM7 | HILO_SEGMENT_TRANSLIT, 6);
    assert_int_equal(plan.form, GSM7 | HILO_SEGMENT_TRANSLIT);
    assert_int_equal(plan.lost, 1);
}

static void test_transliteration(void **state)
{
    const struct hilo_segments plan = {.form = GSM7 | HILO_SEGMENT_TRANSLIT, .segments = 1, .room = 160};
    static const char *const t[][2] = {
        {"áéíóúÁÉÍÓÚ", "a\x05iouA\x1fIOU"},
        {"ñÑüÜ¿¡", "\x7d\x5d\x7e\x5e\x60\x40"},
        {"“a” ‘b’ «c»", "\"a\" 'b' \"c\""},
        {"1–2—3−4…", "1-2-3-4..."},
        {"n.º 5, 2.ª", "n.o 5, 2.a"},
        {"çãõâêôûÿ", "caoaeouy"},
        {"łžőŠĐıŽſ", "lzoSDiZs"},
        {"Œuvre Ĳ", "OEuvre IJ"},
        {"a\xc2\xa0"
         "b\u200b"
         "c\td",
         "a bc d"},
        {"x\xcc\x81", "x"},
        {"½ ™ ©", "1/2 TM (c)"},
        {"ß", "\x1e"},
    };
    uint8_t out[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        uint64_t n = hilo_segment_encode(&plan, str(t[i][0]), out, sizeof out);

        if (n != strlen(t[i][1]) || memcmp(out, t[i][1], n))
            fail_msg("%s became %.*s", t[i][0], (int)n, (const char *)out);
    }
}

/* The parts of a text, joined by '|' at most. */
static void expect_cuts(const char *text, uint32_t flags, uint16_t octets, const char *expected)
{
    struct hilo_segment_rules rules = {flags, octets, 6, 0, 0};
    struct hilo_segments plan;
    struct hilo_str rest = str(text), part;
    char got[512];
    size_t n = 0;
    uint32_t segments = 0;

    assert_int_equal(hilo_segments_measure(rest, &rules, &plan), HILO_OK);
    while (hilo_segment_next(&plan, &rest, &part)) {
        if (segments++)
            got[n++] = '/';
        memcpy(got + n, part.p, part.n);
        n += part.n;
    }
    got[n] = 0;
    assert_string_equal(got, expected);
    assert_int_equal(segments, plan.segments);
}

static void test_cuts(void **state)
{
    (void)state;
    /* Segments of 16 octets: 18 septets or 8 units alone; of several 11 septets, 5 units. */
    expect_cuts("123456789012345678", GSM7, 16, "123456789012345678");
    expect_cuts("1234567890123456789", GSM7, 16, "12345678901/23456789");
    expect_cuts("1234567890€123456789", GSM7, 16, "1234567890/€123456789");
    expect_cuts("1234567890\r\n12345678", GSM7, 16, "1234567890/\r\n12345678");
    expect_cuts("áéíóúáéíó", UCS2, 16, "áéíóú/áéíó");
    expect_cuts("1234😀1234", UCS2, 16, "1234/😀123/4");
    /* A family (2+1+2 units), a flag (2+2), a skin tone (2+2), a keycap (1+1+1). */
    expect_cuts("123👩‍👧1234", UCS2, 16, "123/👩‍👧/1234");
    expect_cuts("12🇨🇱🇦🇷3", UCS2, 16, "12/🇨🇱/🇦🇷3");
    expect_cuts("123👍🏽4567", UCS2, 16, "123/👍🏽4/567");
    expect_cuts("1231️⃣456789", UCS2, 16, "123/1️⃣45/6789");
    /* One that no segment holds is cut between its code points. */
    expect_cuts("👩‍👩‍👧‍👦", UCS2, 16, "👩‍👩/‍👧‍/👦");
    /* Keeping it whole would cost a third segment. */
    expect_cuts("123👍🏽456", UCS2, 16, "123👍/🏽456");
    /* A letter and its mark. */
    expect_cuts("1234x\xcc\x81"
                "56789",
                UCS2, 16,
                "1234/x\xcc\x81"
                "567/89");
}

static void test_rules_without_room(void **state)
{
    struct hilo_segment_rules none = {0}, no_octets = usual, narrow = usual;
    struct hilo_segments plan;

    (void)state;
    assert_int_equal(hilo_segments_measure(str("a"), &none, &plan), HILO_NOSUP);
    assert_int_equal(plan.segments, 0);
    no_octets.octets = 0;
    assert_int_equal(hilo_segments_measure(str("a"), &no_octets, &plan), HILO_NOSUP);
    narrow.octets = 10;
    assert_int_equal(hilo_segments_measure(str("a"), &narrow, &plan), HILO_INVALID);
    assert_int_equal(hilo_segments_measure((struct hilo_str){NULL, 0}, &usual, &plan), HILO_OK);
    assert_int_equal(plan.segments, 1);
}

static void test_bytes_that_are_no_utf8(void **state)
{
    static const char *const bad[] = {
        "\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xf0\x9f\x98"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hilo_segments plan = measure(str(bad[i]), GSM7 | UCS2, 6);
        uint8_t out[16];
        uint64_t n = hilo_segment_encode(&plan, str(bad[i]), out, sizeof out);

        assert_int_equal(plan.lost, strlen(bad[i]));
        assert_int_equal(n, strlen(bad[i]));
        assert_int_equal(out[0], '?');
    }
}

/* Any text: parts joined are the text, none is larger than its room, and they are as many as
 * were counted. */
static void test_any_text(void **state)
{
    static const char *const bits[] = {"a",  "€",        "ñ",      "á",    "ã", "😀", "👍🏽",
                                       "🇨🇱", "\xcc\x81", "\u200d", "\r\n", "[", "…", "\xff"};
    uint32_t seed = 1, i, k, flags;

    (void)state;
    for (i = 0; i < 20000; i++) {
        struct hilo_segment_rules rules = {0, 0, 0, 0, 0};
        struct hilo_segments plan;
        struct hilo_str text, rest, part;
        uint32_t segments = 0, units = 0;
        uint8_t out[256];
        char buf[1024];
        size_t n = 0;

        for (k = (seed >> 16) % 60; k; k--) {
            const char *bit;

            seed = seed * 1103515245u + 12345u;
            bit = bits[(seed >> 16) % (sizeof bits / sizeof *bits)];
            memcpy(buf + n, bit, strlen(bit));
            n += strlen(bit);
        }
        seed = seed * 1103515245u + 12345u;
        flags = (seed >> 16) & 127;
        rules.flags = flags | (flags & HILO_SEGMENT_ENCODINGS ? 0 : GSM7);
        rules.octets = (uint16_t)(21 + (seed >> 24) % 120);
        rules.udh_octets = i % 3 == 0 ? 0 : i % 3 == 1 ? 6 : 7;
        rest = text = (struct hilo_str){buf, n};
        assert_int_equal(hilo_segments_measure(text, &rules, &plan), HILO_OK);
        assert_int_equal(plan.form & ~rules.flags, 0);
        while (hilo_segment_next(&plan, &rest, &part)) {
            uint64_t octets = hilo_segment_encode(&plan, part, out, sizeof out);
            uint64_t u = plan.form & UCS2 ? octets / 2 : octets;

            assert_true(part.n > 0 && u <= plan.room);
            assert_true(!(plan.form & GSM7) || octets == 0 || out[octets - 1] != 0x1b);
            assert_true(!(plan.form & UCS2) || octets == 0 || (out[0] & 0xfc) != 0xdc);
            segments++;
            units += (uint32_t)u;
        }
        assert_int_equal(units, plan.units);
        assert_int_equal(segments ? segments : 1, plan.segments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_alphabet),
        cmocka_unit_test(test_national_tables),
        cmocka_unit_test(test_ucs2_and_latin1),
        cmocka_unit_test(test_marks_are_composed),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_transliteration),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_rules_without_room),
        cmocka_unit_test(test_bytes_that_are_no_utf8),
        cmocka_unit_test(test_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
