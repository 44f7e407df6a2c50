/* Within documents (document.h): types of documents, and what each must be. Pure. */
#ifndef POS_DOCUMENT_CHECK_H
#define POS_DOCUMENT_CHECK_H

#include <stddef.h>

#define POS_WHY_CHARACTERS  "characters"
#define POS_WHY_LENGTH      "length"
#define POS_WHY_FORM        "form"
#define POS_WHY_DATE        "date"
#define POS_WHY_REPEATED    "repeated"
#define POS_WHY_GENERIC     "generic"
#define POS_WHY_CHECK_DIGIT "check_digit"

enum { POS_DOCUMENT_NUMBER_MAX = 32, POS_DOCUMENT_ENYE = 1 /* stands for a letter N with tilde */ };

struct pos_document_type {
    char country[3];
    const char *type, *as; /* as: what it is written as */
    /* s: capitals, digits, '&' and POS_DOCUMENT_ENYE, NUL-ended, at most POS_DOCUMENT_NUMBER_MAX. NULL: it is
     * one, and s what is written of it; else why not. */
    const char *(*check)(char *s, size_t *n);
};
/* By country; a NULL type ends it. */
extern const struct pos_document_type pos_document_types[];
const char *pos_document_passport(char *s, size_t *n);

/* What a number of this country is that came without its type. */
const char *pos_document_type_by_form(const char *country, const char *s, size_t n);

#endif
