/*
 * What a clerk types as a document.
 *
 * Beyond not crashing: what is taken is COUNTRY:TYPE:NUMBER in capitals without anything between, and is
 * taken again as itself; what is refused has a reason with words in both languages, and nothing was written.
 */
#include "../../plugins/pos/document.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const countries[] = {"CO", "MX", "PE", "CL", "AR", "BR", "ES", ""};
    char out[POS_DOCUMENT_MAX], again[POS_DOCUMENT_MAX];
    const char *why = NULL, *c;
    struct hilo_str text, country;

    if (size < 1)
        return 0;
    country.p = countries[data[0] % 8];
    country.n = strlen(country.p);
    text = (struct hilo_str){(const char *)data + 1, size - 1};
    memset(out, 1, sizeof out);
    if (pos_document_text(text, country, out, &why) != HILO_OK) {
        must(why != NULL && out[0] == 1);
        must(pos_document_words(why, false) != NULL && pos_document_words(why, true) != NULL);
        return 0;
    }
    must(memchr(out, '\0', sizeof out) != NULL && strlen(out) >= 8 && out[2] == ':');
    for (c = out; *c; c++)
        must((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || *c == ':' || *c == '&' || *c == '\xc3' ||
             *c == '\x91');
    text = (struct hilo_str){out, strlen(out)};
    must(pos_document_text(text, (struct hilo_str){NULL, 0}, again, &why) == HILO_OK &&
         strcmp(out, again) == 0);
    return 0;
}
