/* What people write, held against the words that end and begin messages. */
#include "base/check.h"
#include "base/str.h"
#include "services/consent_words.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct consent_rules r = {.languages = WORD_EN | WORD_ES | WORD_PT};
    struct arena *a = arena_new();
    struct hilo_str s = str_n(data, size), folded = word_fold(a, s);
    struct word_found typed = word_find(&r, s, false, a), tapped = word_find(&r, s, true, a);

    CHECK(folded.n <= 64);
    if (folded.n) {
        CHECK(str_utf8_valid(folded));
        CHECK(folded.p[0] != ' ' && folded.p[folded.n - 1] != ' ');
        /* Folded, it is what it was. */
        CHECK(str_eq(folded, word_fold(a, folded)));
    }
    /* A mark is left out, and sends ASCII the library's way, which must come to the same. */
    char marked[256];
    if (size && size <= sizeof marked - 2) {
        memcpy(marked, data, size);
        memcpy(marked + size, "\xcc\x81", 2);
        if (str_utf8_valid(s))
            CHECK(str_eq(folded, word_fold(a, str_n(marked, size + 2))));
    }
    CHECK(typed.kind <= WORD_HELP);
    /* A button's words are some of those that are typed. */
    CHECK(tapped.kind == WORD_NONE || tapped.kind == typed.kind);
    (void)word_answer(&r, WORD_STOP, folded, s, a);
    arena_free(&a);
    return 0;
}
