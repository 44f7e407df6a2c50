/*
 * A message of the core as the pushes message.show and choice.ask have it. Pure. [any]
 */
#ifndef POS_CONTENT_H
#define POS_CONTENT_H

#include <cjson/cJSON.h>
#include <hilo/types.h>

/* The params, and which method it is for; NULL: no memory, or content that was not declared. */
cJSON *pos_content_params(struct hilo_str message, const char **method_out);

#endif
