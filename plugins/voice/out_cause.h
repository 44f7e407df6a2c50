/*
 * Why a call of ours did not come about (out_cause.def): from its final SIP status and, where the network
 * says more, the Q.850 cause in Reason (RFC 3326), to what the core is to do, a word for machines and words
 * for an operator. Pure.
 */
#ifndef VOICE_OUT_CAUSE_H
#define VOICE_OUT_CAUSE_H

#include <stdbool.h>
#include <hilo/types.h>

enum out_what {
    OUT_BUSY,      /* again, after the wait for busy lines */
    OUT_NO_ANSWER, /* again, after the wait for calls that nobody took */
    OUT_TEMP,      /* again, as the core does with what is temporary */
    OUT_CHANNEL,   /* likewise, and nobody else is called for a moment */
    OUT_PERM       /* never */
};

struct out_cause {
    enum out_what what;
    uint32_t status, q850;          /* q850 0: none was said */
    struct hilo_str reason, es, en; /* static */
};

/* status 0: the call never left this machine (no route, no socket). q850: 0 where nobody said one; rang: a
 * 180 or 183 was seen. */
void out_cause_of(uint32_t status, uint32_t q850, bool rang, struct out_cause *);
/* "486" or "480 Q.850 17", what a report has as the provider's code. */
enum { OUT_CODE_MAX = 32 };
struct hilo_str out_cause_code(const struct out_cause *, char out[OUT_CODE_MAX]);

#endif
