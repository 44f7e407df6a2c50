/*
 * What a terminal may ask, and what of a person it is shown, by its role. Pure; [any] thread.
 *
 *   clerk    everything
 *   cashier  finds a person, of whom little is shown; checks in, takes wishes, records visits and sales
 *   kiosk    checks in by an appointment's code, and shows what it is sent
 */
#ifndef POS_ROLES_H
#define POS_ROLES_H

#include <cjson/cJSON.h>
#include <hilo/types.h>
#include <stdbool.h>

enum pos_role { POS_ROLE_NONE = 0, POS_ROLE_CLERK, POS_ROLE_CASHIER, POS_ROLE_KIOSK };

/* POS_ROLE_NONE: no such role. */
enum pos_role pos_role_of(struct hilo_str name);
const char *pos_role_name(enum pos_role); /* "clerk"; "" of none */

/* Whether a terminal of this role may call a method of method.def, whose roles these are. */
bool pos_role_may(enum pos_role, struct hilo_str method);
/* Whether it may look a person up by this ("document", "phone", "appointment" …, the members of `by`). */
bool pos_role_may_find_by(enum pos_role, struct hilo_str by);

/* Takes out of an answer of /v1/customers/lookup, or of an appointment, what this role is not shown: the
 * members named below stay, all others go, so that one which the core adds later is not shown by accident.
 *   clerk    everything
 *   cashier  as_of; customer {id, name, language}; appointments; "minimal":true is added
 *   kiosk    as_of; customer {name: its first word}; of an appointment id, status, store, starts_at, ends_at,
 *            subject; "minimal":true is added
 * false: no memory, or no role; then the answer must not be given. */
bool pos_role_prune_lookup(enum pos_role, cJSON *lookup);
bool pos_role_prune_appointment(enum pos_role, cJSON *appointment);

#endif
