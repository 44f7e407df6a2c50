/* 128-bit ids, ordered by time (hilo/types.h), and their text form. */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <hilo/types.h>
#include <stdbool.h>

struct idgen; /* opaque; [any] thread */

/* Ids are greater than any that held floor_us's time, even if the clock steps
 * back. Aborts when the system has no randomness. */
struct idgen *idgen_new(int64_t floor_us);
void idgen_free(struct idgen **);
struct hilo_id idgen_next(struct idgen *);
struct hilo_id idgen_next_at(struct idgen *, int64_t wall_us); /* by a clock given, for tests */

#define ID_TEXT 32 /* "msg_" + 26 + NUL, rounded up */
/* prefix: three letters, as in fields.def: "msg", "cus", "cnv", "cas", "med", "key". */
void id_format(const char *prefix, struct hilo_id, char out[ID_TEXT]);
/* Never the id of zeros, which stands for none. */
bool id_parse(const char *prefix, struct hilo_str, struct hilo_id *out);
static inline bool id_none(struct hilo_id id)
{
    uint8_t x = 0;
    for (unsigned i = 0; i < sizeof id.b; i++)
        x |= id.b[i];
    return x == 0;
}
bool id_eq(struct hilo_id, struct hilo_id);

#endif
