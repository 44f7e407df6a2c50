/*
 * The built-in prompts: one table, made of prompts.def.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "prompts.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define TEXT(s)                                                                                              \
    {                                                                                                        \
        s, sizeof(s) - 1                                                                                     \
    }

static const struct {
    const char *name; /* in capitals, as C has it */
    struct hilo_str text[2];
} table[] = {
#define PROMPT(name, es, en) {#name, {[SAY_ES] = TEXT(es), [SAY_EN] = TEXT(en)}},
#include "prompts.def"
};

#define PROMPT(name, es, en)                                                                                 \
    static_assert(sizeof(#name) <= PROMPT_NAME_MAX, "a longer name than there is room for");
#include "prompts.def"

struct hilo_str prompt_text(enum prompt p, enum say_language language)
{
    return table[p].text[language];
}

void prompt_name(enum prompt p, char out[PROMPT_NAME_MAX])
{
    const char *name = table[p].name;

    do
        *out++ = (char)tolower((unsigned char)*name);
    while (*name++);
}

enum prompt prompt_find(struct hilo_str name)
{
    char each[PROMPT_NAME_MAX];
    unsigned p;

    for (p = 0; p < PROMPT__END; p++) {
        prompt_name(p, each);
        if (name.n == strlen(each) && memcmp(name.p, each, name.n) == 0)
            break;
    }
    return p;
}
