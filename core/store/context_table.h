/* What the core of the context knows of each table. Constant, [any]. */
#ifndef STORE_CONTEXT_TABLE_H
#define STORE_CONTEXT_TABLE_H

#include "store/context.h"

struct table_info {
    char letter;  /* the first byte of its keys in LMDB; no two share one */
    bool ordered; /* can be scanned */
};
extern const struct table_info table_infos[TABLE__COUNT];
/* The same tables in the order of their letters. */
void table_order(enum table out[TABLE__COUNT]);

#endif
