/*
 * Who may send requests: trusted networks, and how many new calls from one address in a second.
 * [signalling thread]
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_GATE_H
#define VOICE_UA_GATE_H

#include "ua_text.h"

enum { UA_LEARNED_MAX = 8, UA_RATES = 1024 };

struct ua_rate {
    uint8_t addr[16];
    int64_t second; /* of the monotonic clock; 0: free */
    uint32_t n, spare;
};
struct ua_gate {
    struct ua_net nets[UA_NETS_MAX];
    uint32_t n_nets, n_learned;
    uint8_t learned[UA_LEARNED_MAX][16]; /* who answered our REGISTER, the newest first */
    uint32_t per_s, refused;             /* limit; not yet told */
    int64_t told;                        /* second in which a refusal was last told */
    struct ua_rate rates[UA_RATES];
};

bool ua_gate_trusts(const struct ua_gate *, const struct sockaddr *);
/* It answered our REGISTER, so it may call: whom the registrar's name resolves to is not asked, who it is
 * is seen. */
void ua_gate_learn(struct ua_gate *, const struct sockaddr *);
/* Counts a new INVITE; false: one too many in this second. */
bool ua_gate_rate(struct ua_gate *, const struct sockaddr *, int64_t second);
/* Counts a refusal; how many are to be told now, 0: none, as one has been in this second. */
uint32_t ua_gate_refused(struct ua_gate *, int64_t second);

#endif
