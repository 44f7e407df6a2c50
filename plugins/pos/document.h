/*
 * National identity documents: one spelling for each, and their check digits, by country. Pure; [any]
 * thread.
 *
 *   CO  CC (cédula), TI, CE, NIT (check digit)          PE  DNI (its check character, if given), CE, RUC
 *   MX  CURP, RFC (both with a check digit)             CL  RUT (also RUN)
 *   AR  DNI, CUIT (also CUIL)                           BR  CPF, CNPJ (with letters, as from July 2026)
 *   ES  DNI, NIE (also NIF for either)                  each of them: PASSPORT (no check digit)
 *
 * Spaces, points, dashes and slashes within a number, and its case, mean nothing. Refused: what has
 * another length, form or check digit than its type, numbers of one digit repeated (11111111-1), those that
 * are nobody's (Mexico's generic RFC), and anything that looks like a pattern (*, %, ?, _).
 */
#ifndef POS_DOCUMENT_H
#define POS_DOCUMENT_H

#include <hilo/types.h>
#include <stdbool.h>

enum { POS_DOCUMENT_MAX = 64 };

/* Writes "CO:CC:1020304050", NUL-ended: for NIT, RUC, CUIT, RUT and all others that have one, with the check
 * digit; a Peruvian DNI without. type may be empty: then what the number's form says in that country.
 * HILO_OK, or HILO_INVALID and *why_out is one word: "country", "type", "pattern", "characters", "length",
 * "form", "date", "repeated", "generic", "check_digit". out is untouched then. */
int pos_document(struct hilo_str country, struct hilo_str type, struct hilo_str number,
                 char out[POS_DOCUMENT_MAX], const char **why_out);

/* The same of one text: "CO:CC:1020304050", or the number alone, of the default country (which may be empty:
 * then that is refused as "country"). */
int pos_document_text(struct hilo_str text, struct hilo_str default_country, char out[POS_DOCUMENT_MAX],
                      const char **why_out);

/* What to tell a clerk about such a word; it names no number. */
const char *pos_document_words(const char *why, bool spanish);

#endif
