/*
 * A neutral slip on stdin, a printer's bytes on stdout: what escpos.mjs gives to its judges.
 *
 *   slip COLUMNS DOTS CODEPAGE NUMBER native|raster <slip.json
 */
#include "../../plugins/pos/escpos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    static char json[POS_SLIP_JSON_MAX + 1];
    struct pos_paper paper = {0};
    struct pos_bytes bytes = {0};
    char why[POS_SLIP_WORDS] = "usage: slip COLUMNS DOTS CODEPAGE NUMBER native|raster";
    struct pos_slip *slip = NULL;
    int32_t code = HILO_INVALID;
    uint8_t epsons;

    if (argc == 6 &&
        pos_codepage_parse((struct hilo_str){argv[3], strlen(argv[3])}, &paper.codepage, &epsons)) {
        paper.columns = (uint32_t)strtoul(argv[1], NULL, 10);
        paper.dots = (uint32_t)strtoul(argv[2], NULL, 10);
        paper.page = (uint8_t)strtoul(argv[4], NULL, 10);
        paper.raster = strcmp(argv[5], "raster") == 0;
        slip = pos_slip_parse((struct hilo_str){json, fread(json, 1, sizeof json, stdin)}, &code, why);
        if (slip)
            code = pos_escpos(slip, &paper, &bytes, NULL);
    }
    if (code == HILO_OK && fwrite(bytes.p, 1, bytes.n, stdout) != bytes.n)
        code = HILO_IO;
    if (code != HILO_OK)
        (void)fprintf(stderr, "slip: %s\n", slip ? "it does not fit the paper" : why);
    free(bytes.p);
    pos_slip_free(&slip);
    return code == HILO_OK && fflush(stdout) == 0 ? 0 : 1;
}
