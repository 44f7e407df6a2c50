/* Notes: what people write down about a case for those who read it later. Never sent. [core] */
#ifndef SERVICES_NOTES_H
#define SERVICES_NOTES_H

#include "services/place.h"

enum { NOTE_MAX = 4096 }; /* characters */

struct note {
    struct hilo_str text;
    struct place place; /* the clerk is who the note is by */
    int64_t at;         /* Unix time; 0: now */
};
/* Appends a note to a case and its customer's thread. Between begin and end. Faults: unknown_case (404),
 * invalid_field. */
int note_add(struct gateway *, const struct actor *, struct hilo_id case_id, const struct note *,
             struct arena *, struct hilo_id *out, struct fault *);

#endif
