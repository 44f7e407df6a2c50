/*
 * Text that a printer's code page can say. Pure; [any] thread.
 */
#ifndef POS_CODEPAGE_H
#define POS_CODEPAGE_H

#include <hilo/types.h>
#include <stdbool.h>
#include <stddef.h>

enum pos_codepage { POS_CODEPAGE_850, POS_CODEPAGE_858, POS_CODEPAGE_1252 };

/* "cp850", "cp858", "cp1252" or "windows1252", and the number that Epson's printers know it by. */
bool pos_codepage_parse(struct hilo_str name, enum pos_codepage *out, uint8_t *number_out);
/* The byte of a character; false: the page has none (controls too). */
bool pos_codepage_byte(enum pos_codepage, uint32_t c, uint8_t *out);
/* The text in characters of the page alone, so that its lines can be broken as they will be
 * printed: composed, then “ as ", € as EUR, ś as s, and as ? (counted) what has no such form.
 * Line feeds stay. malloc'ed UTF-8; NULL: no memory, or text is not UTF-8. */
char *pos_codepage_fold(enum pos_codepage, struct hilo_str text, size_t *n_out, size_t *replaced);

#endif
