/* The tables' letters and names, from tables.def. */
#include "store/context_table.h"
#include "base/check.h"

#define STORE_TABLE(name, letter, ordered, text) [TABLE_##name] = {(letter), (ordered)},
const struct table_info table_infos[TABLE__COUNT] = {
#include "store/tables.def"
};

#define STORE_TABLE(name, letter, ordered, text) [TABLE_##name] = #name,
static const char *const names[TABLE__COUNT] = {
#include "store/tables.def"
};

const char *table_name(enum table table)
{
    CHECK((unsigned)table < TABLE__COUNT);
    return names[table];
}

void table_order(enum table out[TABLE__COUNT])
{
    size_t n = 0;
    for (int letter = 1; letter < 128; letter++)
        for (unsigned i = 0; i < TABLE__COUNT; i++)
            if (table_infos[i].letter == letter)
                out[n++] = (enum table)i;
    CHECK(n == TABLE__COUNT);
}
