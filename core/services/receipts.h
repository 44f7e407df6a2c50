/* Receipts that channels bring. Private to the services. [core] */
#ifndef SERVICES_RECEIPTS_H
#define SERVICES_RECEIPTS_H

#include "services/gateway.h"

/* message: well-formed, of kind receipt, its provider_id of a length that one has. Between begin and end;
 * codes as of message_submitted. */
int32_t receipt_submitted(struct gateway *, struct gw_channel *, struct hilo_str message, struct arena *,
                          struct err *);

#endif
