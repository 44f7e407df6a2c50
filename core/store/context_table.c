/*
 * The tables' letters and names, from tables.def. The preprocessor can't make lower
 * case: the names are written again here and a unit test compares them.
 */
#include "store/context_table.h"
#include "base/check.h"

#define STORE_TABLE(name, letter, ordered, text) [TABLE_##name] = {(letter), (ordered)},
const struct table_info table_infos[TABLE__COUNT] = {
#include "store/tables.def"
};

static const char *const names[TABLE__COUNT] = {
    [TABLE_META] = "meta",
    [TABLE_CUSTOMER] = "customer",
    [TABLE_THREAD] = "thread",
    [TABLE_IDENTIFIER] = "identifier",
    [TABLE_CUSTOMER_IDENT] = "customer_ident",
    [TABLE_CONVERSATION] = "conversation",
    [TABLE_WAITING] = "waiting",
    [TABLE_MESSAGE] = "message",
    [TABLE_EXT] = "ext",
    [TABLE_PARKED] = "parked",
    [TABLE_PARKED_AGE] = "parked_age",
    [TABLE_DUE] = "due",
    [TABLE_JOB] = "job",
    [TABLE_IN_FLIGHT] = "in_flight",
    [TABLE_EXPIRY] = "expiry",
    [TABLE_IDEMPOTENCY] = "idempotency",
    [TABLE_IDEMPOTENCY_AGE] = "idempotency_age",
    [TABLE_CASE] = "case",
    [TABLE_CASE_INDEX] = "case_index",
    [TABLE_CASE_CUSTOMER] = "case_customer",
    [TABLE_CASE_MESSAGE] = "case_message",
    [TABLE_MEDIA] = "media",
    [TABLE_KEY] = "key",
    [TABLE_KEY_ID] = "key_id",
    [TABLE_CHANNEL] = "channel",
    [TABLE_PLUGIN] = "plugin",
};

const char *table_name(enum table table)
{
    CHECK((unsigned)table < TABLE__COUNT);
    return names[table] ? names[table] : "?";
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
