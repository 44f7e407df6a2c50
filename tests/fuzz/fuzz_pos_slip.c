/*
 * A neutral slip from anybody, and the gateway's records as slips: what is taken reads the same
 * again, and can be printed, shown and drawn within its paper, or is refused for its length.
 *
 * The first byte: whether it is a slip or a record, and on what paper.
 */
#include "../../plugins/pos/render.h"

#include "../../plugins/pos/codepage.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

static void must(bool what)
{
    if (!what)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void rows_fit(const char *text, size_t n, uint32_t columns)
{
    size_t at = 0;

    must(!u8_check((const uint8_t *)text, n) && text[n] == 0);
    while (at < n) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t row = (size_t)(end - text) - at;

        must(end != NULL);
        must(u8_width((const uint8_t *)text + at, row, "UTF-8") <= (int)columns || text[at] == '[');
        at += row + 1;
    }
}

static void printed(const struct pos_slip *slip, const struct pos_paper *paper, bool draw)
{
    struct pos_bytes bytes = {0}, png = {0};
    char why[POS_SLIP_WORDS];
    size_t replaced = 0, n = 0, i;
    int32_t rc = pos_escpos(slip, paper, &bytes, &replaced);
    char *text = pos_render_text(slip, paper->columns, &n);

    must(rc == HILO_OK || rc == HILO_INVALID);
    if (rc == HILO_OK) {
        must(bytes.n > 7 && memcmp(bytes.p, "\x1b@", 2) == 0);
        for (i = 0; i + 1 < bytes.n; i++) /* nothing in it is a real-time command: DLE EOT, ENQ, DC4 */
            must(bytes.p[i] != 0x10 ||
                 (bytes.p[i + 1] != 4 && bytes.p[i + 1] != 5 && bytes.p[i + 1] != 0x14));
    }
    if (text)
        rows_fit(text, n, paper->columns);
    if (draw) {
        rc = pos_render_png(slip, paper, NULL, NULL, &png, why);
        must(rc == HILO_OK || rc == HILO_INVALID);
    }
    free(bytes.p);
    free(png.p);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct pos_paper papers[] = {
        {.columns = 32, .dots = 384, .codepage = POS_CODEPAGE_850, .page = 2},
        {.columns = 48, .dots = 576, .codepage = POS_CODEPAGE_1252, .page = 16, .raster = true}};
    struct hilo_str json = {(const char *)p + 1, n - 1};
    struct pos_slip *slip, *again;
    char why[POS_SLIP_WORDS];
    int32_t code = HILO_OK;
    char *text;
    size_t m = 0;

    if (n < 1)
        return 0;
    if (p[0] & 4) {
        const struct pos_slip_how how = {.locale = {p[0] & 8 ? "en-US" : "es-CO", 5},
                                         .time_zone = {"America/Bogota", 14}};

        slip = pos_slip_make((enum pos_slip_kind)(p[0] % 4 % 3), json, &how, &code, why);
    } else {
        slip = pos_slip_parse(json, &code, why);
    }
    if (!slip) {
        must(code == HILO_INVALID && why[0] && memchr(why, 0, sizeof why));
        return 0;
    }
    must(code == HILO_OK);
    text = pos_slip_json(slip, &m);
    must(text != NULL);
    again = pos_slip_parse((struct hilo_str){text, m}, &code, why);
    if (again) {
        char *twice = pos_slip_json(again, &m);

        must(twice && strcmp(twice, text) == 0);
        free(twice);
    } else {
        must(m > POS_SLIP_JSON_MAX || p[0] & 4); /* escapes make it longer; a record's code may be no code */
    }
    printed(slip, &papers[p[0] & 1], n < 400 && (p[0] & 0x30) == 0x30);
    free(text);
    pos_slip_free(&again);
    pos_slip_free(&slip);
    return 0;
}
