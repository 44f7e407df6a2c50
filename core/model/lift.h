/* Lifting: recognising in what a customer sent the answer to choices. [any] */
#ifndef MODEL_LIFT_H
#define MODEL_LIFT_H

#include "base/arena.h"
#include "base/err.h"
#include <hilo/types.h>
#include <stdbool.h>

/*
 * inbound: a well-formed message from a customer. question: the newest choices sent in
 * that conversation as they were accepted (not lowered), or empty.
 *
 * A text that is a choice's number ("1", " 2.", "opción 1", "option 1") or its title
 * (without regard to case and accents) becomes a CHOICE_REPLY with that choice's id
 * and title, REPLY_TO the question and LIFTED_FROM the text. A CHOICE_REPLY of the
 * channel's own whose id is one of the question's gets what it lacks: the full title
 * and REPLY_TO. Everything else passes unchanged: no question, another language than
 * numbers and titles, a number and a title that mean different choices, a reply that
 * names another message, a known id under another title.
 *
 * keys: the text is of a telephone's keys, on which a tenth choice is 0.
 *
 * Where the channel gave only REPLY_EXT, find REPLY_TO first: the question's bytes
 * usually have no EXT_ID to compare, and a text that names a message by an id that
 * can't be compared is left alone.
 *
 * HILO_OK and *out (inbound itself if nothing changed, else in the arena) or
 * HILO_INVALID if inbound is malformed.
 */
int32_t lift(struct hilo_str inbound, struct hilo_str question, bool keys, struct arena *,
             struct hilo_str *out, struct err *);

#endif
