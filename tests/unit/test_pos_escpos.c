/*
 * Slips as bytes of ESC/POS: the commands byte by byte from Epson's reference, the code pages
 * against iconv's, texts that a page lacks, and raster codes put together again and read by another program.
 */
#include "pos_slip_check.h"

#include <iconv.h>

static const struct pos_paper narrow = {.columns = 32, .dots = 384, .codepage = POS_CODEPAGE_850, .page = 2};

static struct pos_bytes bytes_of(const char *json, const struct pos_paper *paper, size_t *replaced)
{
    struct pos_slip *slip = slip_of(json);
    struct pos_bytes out = {0};

    assert_int_equal(pos_escpos(slip, paper, &out, replaced), HILO_OK);
    pos_slip_free(&slip);
    return out;
}

static void expect(const char *json, const struct pos_paper *paper, const void *wanted, size_t n)
{
    struct pos_bytes out = bytes_of(json, paper, NULL);
    size_t i;

    for (i = 0; i < n && i < out.n && out.p[i] == ((const uint8_t *)wanted)[i]; i++)
        ;
    if (i < n || out.n != n)
        fail_msg("%s: %zu bytes, %zu wanted, other from %zu on", json, out.n, n, i);
    free(out.p);
}
#define EXPECT(json, paper, wanted) expect((json), (paper), (wanted), sizeof(wanted) - 1)

/* ---- commands ------------------------------------------------------------------------------ */

static void test_the_commands_of_a_slip(void **state)
{
    (void)state;
    /* ESC @, FS ., ESC t 2; title: centred, bold, double; then only what changes; GS V B 0. */
    EXPECT("{\"title\":\"Señal\",\"lines\":[{\"text\":\"año\"},{\"text\":\"b\",\"bold\":true,\"align\":"
           "\"right\"},"
           "{\"text\":\"c\",\"bold\":true,\"align\":\"right\",\"size\":4}]}",
           &narrow,
           "\x1b@\x1c.\x1bt\x02"
           "\x1b"
           "a\x01\x1b"
           "E\x01\x1d!\x11Se\xa4"
           "al\n"
           "\x1b"
           "a\x00\x1b"
           "E\x00\x1d!\x00"
           "a\xa4"
           "o\n"
           "\x1b"
           "a\x02\x1b"
           "E\x01"
           "b\n"
           "\x1d!\x33"
           "c\n"
           "\x1dV\x42\x00");
    EXPECT("{\"lines\":[{\"label\":\"Talla\",\"text\":\"42\"}],\"cut\":\"full\"}", &narrow,
           "\x1b@\x1c.\x1bt\x02Talla                         42\n\x1dV\x41\x00");
    /* Torn by hand: beyond the edge. */
    EXPECT("{\"lines\":[{\"text\":\"x\"}],\"cut\":\"none\"}", &pos_paper_default,
           "\x1b@\x1c.\x1bt\x13x\n\x1b"
           "d\x04");
}

static void test_codes_that_the_printer_makes(void **state)
{
    (void)state;
    /* A QR code of version 1, 21 modules: 8 dots each. */
    EXPECT("{\"qr\":\"K7QM2P\"}", &narrow,
           "\x1b@\x1c.\x1bt\x02\x1b"
           "a\x01"
           "\x1d(k\x04\x00\x31\x41\x32\x00"
           "\x1d(k\x03\x00\x31\x43\x07"
           "\x1d(k\x03\x00\x31\x45\x31"
           "\x1d(k\x09\x00\x31\x50\x30K7QM2P"
           "\x1d(k\x03\x00\x31\x51\x30"
           "\x1dV\x42\x00");
    /* Bars of 3 dots, 96 high, no letters by the printer; { is doubled in the data; the letters below. */
    EXPECT("{\"barcode\":\"A{1\"}", &narrow,
           "\x1b@\x1c.\x1bt\x02\x1b"
           "a\x01\x1dw\x03\x1dh\x60\x1dH\x00\x1dk\x49\x06{BA{{1"
           "A{1\n\x1dV\x42\x00");
}

/* Printers look for DLE in pictures too, and DLE DC4 1 opens the drawer. */
static void test_no_picture_has_a_real_time_command_in_it(void **state)
{
    struct pos_paper paper = narrow;
    char json[64];
    unsigned i;
    size_t k;

    (void)state;
    paper.raster = true;
    for (i = 0; i < 3000; i++) {
        struct pos_bytes out;

        paper.dots = i % 2 ? 384 : 192 + i % 400; /* modules of every size */
        (void)snprintf(json, sizeof json, "{\"%s\":\"%08x%.*s\"}", i % 3 ? "qr" : "barcode", i * 2654435761u,
                       (int)(i % 20), "abcdefghijklmnopqrst");
        out = bytes_of(json, &paper, NULL);
        for (k = 0; k + 1 < out.n; k++)
            assert_false(out.p[k] == 0x10 && out.p[k + 1] != 0); /* but as a length */
        free(out.p);
    }
}

static void test_the_drawer_stays_shut(void **state)
{
    struct pos_bytes out =
        bytes_of("{\"title\":\"p\",\"lines\":[{\"text\":\"pp\"}],\"qr\":\"p\"}", &pos_paper_default, NULL);
    size_t i;

    (void)state;
    for (i = 0; i + 1 < out.n; i++) {
        assert_false(out.p[i] == 0x1b && out.p[i + 1] == 'p');
        assert_false(out.p[i] == 0x10);
    }
    free(out.p);
}

/* ---- code pages --------------------------------------------------------------------------------- */

static void test_code_pages_are_those_of_iconv(void **state)
{
    static const struct {
        enum pos_codepage page;
        const char *name;
    } pages[] = {{POS_CODEPAGE_850, "CP850"}, {POS_CODEPAGE_858, "CP858"}, {POS_CODEPAGE_1252, "CP1252"}};
    unsigned i, b, known = 0;
    uint8_t byte;

    (void)state;
    for (i = 0; i < 3; i++) {
        iconv_t cd = iconv_open("UTF-32LE", pages[i].name);

        if (cd == (iconv_t)-1) /* glibc has no CP858 */
            continue;
        known++;
        for (b = 0x20; b < 256; b++) {
            char in = (char)b, *from = &in;
            size_t in_n = 1, out_n = 4;
            uint32_t c = 0;
            char *to = (char *)&c;

            if (iconv(cd, &from, &in_n, &to, &out_n) == (size_t)-1 || (c >= 0x7f && c < 0xa0)) {
                (void)iconv(cd, NULL, NULL, NULL, NULL);
                continue;
            }
            assert_true(pos_codepage_byte(pages[i].page, c, &byte));
            assert_int_equal(byte, b);
        }
        (void)iconv_close(cd);
    }
    assert_true(known >= 2);
    assert_true(pos_codepage_byte(POS_CODEPAGE_858, 0x20ac, &byte));
    assert_int_equal(byte, 0xd5);
    assert_false(pos_codepage_byte(POS_CODEPAGE_858, 0x131, &byte));
    assert_true(pos_codepage_byte(POS_CODEPAGE_850, 0x131, &byte));
    assert_false(pos_codepage_byte(POS_CODEPAGE_850, 0x20ac, &byte));
    for (i = 0; i < 3; i++) {
        assert_false(pos_codepage_byte(pages[i].page, 0x1b, &byte));
        assert_false(pos_codepage_byte(pages[i].page, 0x9b, &byte));
        assert_false(pos_codepage_byte(pages[i].page, 0, &byte));
    }
}

static void fold(enum pos_codepage page, const char *text, const char *wanted, size_t lost)
{
    size_t n = 0, replaced = 0;
    char *got = pos_codepage_fold(page, str(text), &n, &replaced);

    assert_non_null(got);
    assert_string_equal(got, wanted);
    assert_int_equal(n, strlen(wanted));
    assert_int_equal(replaced, lost);
    free(got);
}

static void test_what_a_page_lacks_is_written_otherwise(void **state)
{
    (void)state;
    fold(POS_CODEPAGE_850, "¿Qué pasó, Ñandú? ¡Güiro! ºª", "¿Qué pasó, Ñandú? ¡Güiro! ºª", 0);
    fold(POS_CODEPAGE_850, "129,90 €", "129,90 EUR", 0);
    fold(POS_CODEPAGE_858, "129,90 €", "129,90 €", 0);
    fold(POS_CODEPAGE_1252, "129,90 €", "129,90 €", 0);
    fold(POS_CODEPAGE_850, "“cambio” — ‘o’ … ₡", "\"cambio\" - 'o' ... CRC", 0);
    fold(POS_CODEPAGE_1252, "“cambio” — ‘o’ …", "“cambio” — ‘o’ …", 0);
    fold(POS_CODEPAGE_850, "Łódź, İzmir, ﬁn, Œuvre", "Lódz, Izmir, fin, OEuvre", 0);
    /* Composed or not, it is the same é; a mark that nothing can carry goes, its letter stays. */
    fold(POS_CODEPAGE_850, "cafe\xcc\x81 x\xcc\x81", "café x", 0);
    fold(POS_CODEPAGE_850, "3:30\xe2\x80\xafp.\xc2\xa0m.", "3:30 p. m.", 0);
    /* Nothing goes without a trace: one ? each, counted. */
    fold(POS_CODEPAGE_850, "東京 😀\xef\xb8\x8f!", "?? ?!", 3);
    assert_null(pos_codepage_fold(POS_CODEPAGE_850, str("\xff"), &(size_t){0}, NULL));
}

static void test_what_is_lost_is_counted_for_the_slip(void **state)
{
    size_t replaced = 7;
    struct pos_bytes out =
        bytes_of("{\"title\":\"\\u6771\",\"lines\":[{\"text\":\"a\\u4eac\",\"label\":\"\\ud83d\\ude00\"}]}",
                 &narrow, &replaced);

    (void)state;
    assert_int_equal(replaced, 3);
    free(out.p);
}

static void test_lines_break_as_wide_as_they_are_printed(void **state)
{
    static const struct pos_paper tiny = {
        .columns = 10, .dots = 120, .codepage = POS_CODEPAGE_850, .page = 2};

    (void)state;
    /* "vale 99 €" has nine columns, as printed eleven. */
    EXPECT("{\"lines\":[{\"text\":\"vale 99 €\"}],\"cut\":\"full\"}", &tiny,
           "\x1b@\x1c.\x1bt\x02vale 99\nEUR\n\x1dV\x41\x00");
}

/* ---- raster ----------------------------------------------------------------------------------------- */

/* What GS v 0 draws, band under band, as a PGM with some white around. */
static char *drawn(const struct pos_bytes *b, size_t *n_out)
{
    enum { PAD = 40, WIDE = 576, HIGH = 800 };
    static uint8_t page[HIGH][WIDE];
    size_t i = 0, n, y0 = PAD, commands = 0;
    char *pgm;

    memset(page, 255, sizeof page);
    while (i + 8 < b->n) {
        if (memcmp(b->p + i, "\x1dv0\x00", 4) != 0) {
            i++;
            continue;
        }
        size_t bytes = b->p[i + 4] | b->p[i + 5] << 8, rows = b->p[i + 6] | b->p[i + 7] << 8, x, y;

        commands++;
        assert_true(i + 8 + bytes * rows <= b->n && bytes * 8 <= WIDE && y0 + rows < HIGH);
        for (y = 0; y < rows; y++)
            for (x = 0; x < bytes * 8; x++)
                if (b->p[i + 8 + y * bytes + x / 8] >> (7 - x % 8) & 1)
                    page[y0 + y][x] = 0;
        y0 += rows;
        i += 8 + bytes * rows;
    }
    assert_true(commands > 0);
    pgm = malloc(sizeof page + 32);
    assert_non_null(pgm);
    n = (size_t)sprintf(pgm, "P5\n%d %d\n255\n", WIDE, HIGH);
    memcpy(pgm + n, page, sizeof page);
    *n_out = n + sizeof page;
    return pgm;
}

static void raster(const char *json, const struct pos_paper *paper, const char *wanted)
{
    struct pos_bytes out = bytes_of(json, paper, NULL);
    char seen[512], *pgm;
    size_t n;

    pgm = drawn(&out, &n);
    judge(pgm, n, ".pgm", seen, sizeof seen);
    assert_string_equal(seen, wanted);
    free(pgm);
    free(out.p);
}

static void test_codes_as_pictures_are_read_by_another_program(void **state)
{
    struct pos_paper small = narrow, wide = pos_paper_default;

    (void)state;
    small.raster = wide.raster = true;
    raster("{\"qr\":\"cas_01JDPZ5V9K3QWERTY0123456\"}", &small, "QR-Code:cas_01JDPZ5V9K3QWERTY0123456\n");
    raster("{\"qr\":\"https://tienda.example.com/c/"
           "cas_01JDPZ5V9K3QWERTY0123456?x=0123456789012345678901234567890123456789012345678"
           "9012345678901234567890123456789\"}",
           &wide,
           "QR-Code:https://tienda.example.com/c/"
           "cas_01JDPZ5V9K3QWERTY0123456?x=01234567890123456789012345678901234567890123456789"
           "012345678901234567890123456789\n");
    raster("{\"barcode\":\"K7QM2P\"}", &small, "CODE-128:K7QM2P\n");
    raster("{\"barcode\":\"1234567890\"}", &wide, "CODE-128:1234567890\n");
}

static void test_bars_that_do_not_fit_are_a_qr_code(void **state)
{
    struct pos_bytes out = bytes_of("{\"barcode\":\"cas_01JDPZ5V9K3QWERTY0123456\"}", &narrow, NULL);

    (void)state;
    assert_non_null(memmem(out.p, out.n, "\x1d(k", 3));
    assert_null(memmem(out.p, out.n, "\x1dk", 2));
    assert_non_null(memmem(out.p, out.n, "cas_01JDPZ5V9K3QWERTY0123456\n", 29));
    free(out.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_commands_of_a_slip),
        cmocka_unit_test(test_codes_that_the_printer_makes),
        cmocka_unit_test(test_the_drawer_stays_shut),
        cmocka_unit_test(test_no_picture_has_a_real_time_command_in_it),
        cmocka_unit_test(test_code_pages_are_those_of_iconv),
        cmocka_unit_test(test_what_a_page_lacks_is_written_otherwise),
        cmocka_unit_test(test_what_is_lost_is_counted_for_the_slip),
        cmocka_unit_test(test_lines_break_as_wide_as_they_are_printed),
        cmocka_unit_test(test_codes_as_pictures_are_read_by_another_program),
        cmocka_unit_test(test_bars_that_do_not_fit_are_a_qr_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
