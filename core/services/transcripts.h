/* What is said in a message's media, as somebody heard it: kept with the message. [core] */
#ifndef SERVICES_TRANSCRIPTS_H
#define SERVICES_TRANSCRIPTS_H

#include "model/out.h"
#include "services/gateway.h"

enum { TRANSCRIPT_MAX = 64 << 10, TRANSCRIPT_WORD_MAX = 100 }; /* characters */

struct transcript {
    struct hilo_str text, language, service; /* by whom or what it was written */
};
/* Instead of an earlier one. Between begin and end. Faults: unknown_message (404), not_media (409). */
int transcript_add(struct gateway *, const struct actor *, struct hilo_id message, const struct transcript *,
                   struct arena *, struct fault *);
/* "transcript" of a message that has one; nothing of others. 0, or -1 and a fault. */
int transcript_put(struct gateway *, const struct rec_message *, struct arena *, struct out *,
                   struct fault *);
void transcript_members(struct out *, const struct ev_message_transcribed *, uint64_t time_us);

#endif
