/* How families of events look to the outside, each in a file of its own: what public_event.c asks them. [any]
 */
#ifndef SERVICES_PUBLIC_EVENT_PART_H
#define SERVICES_PUBLIC_EVENT_PART_H

#include "model/out.h"
#include "services/public_event.h"

/* Where and by whom, "origin"; nothing where nothing was said. */
void public_origin_put(struct out *, struct hilo_str store, struct hilo_str terminal, struct hilo_str clerk,
                       uint64_t at);

/* Appointments: fills out but for its body and scope; the members of data. */
int32_t public_appointment_look(const struct event *, struct arena *, struct public_event *out, struct err *);
void public_appointment_put(struct out *, const struct event *, const struct public_event *);

/* The same of calls; and of transcripts, once it is known whose the message is. */
int32_t public_call_look(const struct event *, struct arena *, struct public_event *out, struct err *);
void public_call_put(struct out *, const struct event *, const struct public_event *);
void public_transcript_put(struct out *, const struct event *, const struct public_event *);

#endif
