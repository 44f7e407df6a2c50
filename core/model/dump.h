/* A message as text for people: one field a line, groups indented, unknown tags in
 * hex. It shows contents: not for logs. [any] */
#ifndef MODEL_DUMP_H
#define MODEL_DUMP_H

#include "base/buf.h"
#include "model/table.h"

/* Appends the text. Takes any bytes: what is malformed is shown as such. HILO_OK, or
 * HILO_NOMEM with the buffer as it was. */
int32_t model_dump(struct buf *, enum model_group, struct hilo_str bytes);

#endif
