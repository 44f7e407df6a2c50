/*
 * One send that was several messages at the provider (the segments of a long SMS): what is
 * kept of each, and the one status that they make. Pure; [any].
 *
 * In EXT, a provider's id of one of them leads to its message by 19 bytes: which of the
 * message's parts was sent (two bytes, big-endian, from 0), which segment of that (from 0),
 * the message's id. An id that is a message's only one is the 16 bytes of that.
 *
 * rec_message.segments: the part, as above, and a byte for each segment: its HILO_STATUS_x, or
 * 0: not known to have left.
 */
#ifndef STORE_SEVERAL_H
#define STORE_SEVERAL_H

#include "store/record.h"
#include <stdbool.h>

enum { SEVERAL_HEAD = 2, SEVERAL_MAX = 255, EXT_SEVERAL = 3 + 16 };

/* What a value of EXT says. */
struct ext {
    struct hilo_id id;
    bool several;
    uint16_t part;
    uint8_t segment; /* from 0 */
};
/* False: it has neither of the two forms. */
bool ext_read(struct hilo_str val, struct ext *out);
/* buf has the value's bytes. */
struct hilo_str ext_write(const struct ext *, uint8_t buf[EXT_SEVERAL]);

/* How many segments there are; 0: the message was sent as one, or not yet. */
unsigned several_n(struct hilo_str segments);
uint16_t several_part(struct hilo_str segments);
/* That of segment i, which must be there. */
uint64_t several_status(struct hilo_str segments, unsigned i);
/* How many have this status. */
unsigned several_count(struct hilo_str segments, uint64_t status);
/* Where they have brought the message: READ or DELIVERED when all are that or better, FAILED when
 * all have come to an end and one failed, IN_DOUBT while one is not known to have left, else
 * SENT. The status that news leads to is taken only if its rank is higher. */
uint64_t several_outcome(struct hilo_str segments);
/* An id that no report named, of a message in doubt whose segments did not all have theirs, is that of
 * the first without: then *x says so, but for the message's id. */
void several_unnamed(const struct rec_message *, struct ext *x);
/* Whether news of this status says more of segment i than is known. */
bool several_moves(struct hilo_str segments, unsigned i, uint64_t status);

#endif
